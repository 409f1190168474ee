/* What threads did over time, from events that nest, or overlap where they should not.
 *
 * Of a thread's events the one that began last and has not ended is what runs; where events nest
 * that is the innermost one, and each is given its own time less that of those within it. */
#include "import_chrome.h"

#include <stdlib.h>
#include <string.h>

/* ---- intervals ------------------------------------------------------------------------------ */

bool assess_intervals_add(struct assess_interval_list *list, struct assess_overlay item) {
    if (!assess_grow((void **)&list->items, list->count, &list->room, sizeof *list->items)) {
        return false;
    }
    list->items[list->count++] = item;
    return true;
}

static int by_begin(const void *pa, const void *pb) {
    const struct assess_overlay *a = pa, *b = pb;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

void assess_intervals_merge(struct assess_interval_list *list) {
    if (list->count) qsort(list->items, list->count, sizeof *list->items, by_begin);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct assess_overlay item = list->items[i];
        struct assess_overlay *last = kept ? &list->items[kept - 1] : NULL;
        if (last && item.begin < last->end) item.begin = last->end;
        if (!(item.end > item.begin)) continue;
        if (last && last->end == item.begin && last->bucket == item.bucket &&
            last->function == item.function) {
            last->end = item.end;
        } else {
            list->items[kept++] = item;
        }
    }
    list->count = kept;
}

double assess_intervals_cover(const struct assess_interval_list *list, size_t *cursor, double begin,
                              double end) {
    double sum = 0;
    while (*cursor < list->count && list->items[*cursor].end <= begin) ++*cursor;
    for (size_t i = *cursor; i < list->count && list->items[i].begin < end; i++) {
        const struct assess_overlay *item = &list->items[i];
        double from = item->begin > begin ? item->begin : begin;
        sum += (item->end < end ? item->end : end) - from;
    }
    return sum;
}

/* ---- one thread ----------------------------------------------------------------------------- */

enum { NONE = -1 };

struct sweep {
    struct assess_chrome *c;
    const struct assess_row *row;
    const struct assess_event *events; /* of the row, by begin */
    int32_t *next, *previous;          /* those that have begun and not ended, in that order */
    int32_t last;
    struct ending {
        double end;
        int32_t event;
    } *endings;
    bool counts; /* a request thread: stages, the device's starvation */
    bool leads;  /* the one that the device waits for */
    bool engine; /* goes to the list of what autograd's engine does */
    int32_t gap; /* function that stands for time without events; or none: left out */
    size_t window_at, copy_at, engine_at, kernel_at; /* cursors into the lists */
};

/* What runs at a moment: frames root first, and what they are within. */
struct moment {
    int32_t frames[ASSESS_DEEPEST + 1];
    size_t depth;
    int32_t stage;                   /* the outermost annotation's function */
    bool loading;                    /* within the making of a batch */
    const struct assess_event *leaf; /* NULL: nothing */
};

static void take_moment(const struct sweep *s, struct moment *m) {
    m->depth = 0;
    m->stage = ASSESS_NO_FUNCTION;
    m->loading = false;
    m->leaf = s->last == NONE ? NULL : &s->events[s->last];
    for (int32_t e = s->last; e != NONE && m->depth < ASSESS_DEEPEST; e = s->previous[e]) {
        const struct assess_event *event = &s->events[e];
        m->frames[m->depth++] = event->function;
        m->loading = m->loading || event->kind == ASSESS_EV_LOADER;
        if (event->kind == ASSESS_EV_ANNOTATION || event->kind == ASSESS_EV_LOADER) {
            m->stage = event->function;
        }
    }
    for (size_t i = 0; i < m->depth / 2; i++) {
        int32_t kept = m->frames[i];
        m->frames[i] = m->frames[m->depth - 1 - i];
        m->frames[m->depth - 1 - i] = kept;
    }
}

static enum assess_bucket bucket_of(const struct sweep *s, const struct moment *m) {
    const struct assess_builder *b = &s->c->in->builder;
    if (!m->leaf) return ASSESS_UNKNOWN;
    const struct assess_class *class = &b->classes[m->leaf->function];
    switch (m->leaf->kind) {
    case ASSESS_EV_PYTHON:
    case ASSESS_EV_STACK:
        return assess_builder_classify(b, m->frames, m->depth);
    case ASSESS_EV_STEP:
    case ASSESS_EV_ANNOTATION:
        return ASSESS_INTERPRETER;
    case ASSESS_EV_LOADER:
        return ASSESS_IO;
    case ASSESS_EV_OVERHEAD:
        return ASSESS_UNKNOWN;
    default:
        break;
    }
    if (class->rule < ASSESS_BUCKETS) return class->rule;
    if (m->leaf->flags & ASSESS_EV_SYNC) return ASSESS_DEVICE_WAIT;
    return m->leaf->flags & ASSESS_EV_COPY ? ASSESS_MARSHALLING : ASSESS_COMPUTE;
}

/* Whether the device waits for what this thread does, rather than the other way round. */
static bool starves(const struct moment *m, enum assess_bucket bucket) {
    if (bucket == ASSESS_DEVICE_WAIT || bucket == ASSESS_IDLE || bucket == ASSESS_UNKNOWN) {
        return false;
    }
    return m->loading || bucket != ASSESS_COMPUTE;
}

static bool emit(struct sweep *s, const struct moment *m, double begin, double end, size_t depth,
                 enum assess_bucket bucket) {
    struct assess_chrome *c = s->c;
    if (!(end > begin)) return true;
    if (s->engine) {
        int32_t function = m->leaf ? m->leaf->function : ASSESS_NO_FUNCTION;
        return assess_intervals_add(&c->engine,
                                    (struct assess_overlay){begin, end, function, bucket});
    }
    assess_builder_add(&c->in->builder, s->row->thread, begin, end, m->frames, depth, bucket);
    if (s->counts) assess_builder_stage(&c->in->builder, m->stage, bucket, end - begin);
    if (s->leads) {
        double idle = end - begin - assess_intervals_cover(&c->kernels, &s->kernel_at, begin, end);
        if (starves(m, bucket)) c->starved += idle;
        if (bucket == ASSESS_COMPUTE && !m->loading) c->launching += idle;
    }
    return true;
}

/* Where the list covers [begin, end], its bucket, and its function as one more frame. */
static bool emit_overlaid(struct sweep *s, struct moment *m,
                          const struct assess_interval_list *list, size_t *cursor, double begin,
                          double end, enum assess_bucket bucket) {
    while (*cursor < list->count && list->items[*cursor].end <= begin) ++*cursor;
    for (size_t i = *cursor; i < list->count && list->items[i].begin < end; i++) {
        const struct assess_overlay *item = &list->items[i];
        double from = item->begin > begin ? item->begin : begin;
        double to = item->end < end ? item->end : end;
        if (!emit(s, m, begin, from, m->depth, bucket)) return false;
        size_t depth = m->depth;
        if (item->function != ASSESS_NO_FUNCTION) m->frames[depth++] = item->function;
        if (!emit(s, m, from, to, depth, item->bucket)) return false;
        begin = to;
    }
    return emit(s, m, begin, end, m->depth, bucket);
}

/* Between two boundaries within the window. */
static bool emit_piece(struct sweep *s, struct moment *m, double begin, double end) {
    const struct assess_interval_list *kernels = &s->c->kernels, *engine = &s->c->engine;
    enum assess_bucket bucket = bucket_of(s, m);
    /* A copy waits for kernels that run before it. */
    if (m->leaf && m->leaf->kind == ASSESS_EV_RUNTIME && bucket == ASSESS_MARSHALLING) {
        return emit_overlaid(s, m, kernels, &s->copy_at, begin, end, bucket);
    }
    /* backward() waits for the engine's threads. */
    bool gap = !m->leaf || m->leaf->kind == ASSESS_EV_STEP ||
               m->leaf->kind == ASSESS_EV_ANNOTATION || m->leaf->flags & ASSESS_EV_BACKWARD;
    if (gap && !s->engine && s->counts) {
        return emit_overlaid(s, m, engine, &s->engine_at, begin, end, bucket);
    }
    return emit(s, m, begin, end, m->depth, bucket);
}

static bool emit_time(struct sweep *s, double begin, double end) {
    const struct assess_interval_list *window = &s->c->window;
    struct moment m;
    if (!(end > begin)) return true;
    take_moment(s, &m);
    if (!m.leaf) {
        if (s->gap == ASSESS_NO_FUNCTION) return true;
        m.frames[m.depth++] = s->gap;
    }
    while (s->window_at < window->count && window->items[s->window_at].end <= begin) s->window_at++;
    for (size_t i = s->window_at; i < window->count && window->items[i].begin < end; i++) {
        const struct assess_overlay *w = &window->items[i];
        double from = w->begin > begin ? w->begin : begin;
        if (!emit_piece(s, &m, from, w->end < end ? w->end : end)) return false;
    }
    return true;
}

static void open_event(struct sweep *s, int32_t e) {
    s->previous[e] = s->last;
    s->next[e] = NONE;
    if (s->last != NONE) s->next[s->last] = e;
    if (s->last != NONE && s->events[s->last].end < s->events[e].end) {
        s->c->overlapping += s->events[s->last].end - s->events[e].begin;
    }
    s->last = e;
}

static void close_event(struct sweep *s, int32_t e) {
    int32_t before = s->previous[e], after = s->next[e];
    if (before != NONE) s->next[before] = after;
    if (after != NONE) s->previous[after] = before;
    if (after == NONE) s->last = before;
}

static int by_end(const void *pa, const void *pb) {
    const struct ending *a = pa, *b = pb;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return a->event > b->event ? -1 : a->event < b->event;
}

static bool sweep_events(struct sweep *s) {
    size_t begun = 0, ended = 0, count = s->row->count;
    double now = count ? s->events[0].begin : 0;
    while (ended < count) {
        bool closes = begun == count || s->endings[ended].end <= s->events[begun].begin;
        double at = closes ? s->endings[ended].end : s->events[begun].begin;
        if (!emit_time(s, now, at)) return false;
        now = at;
        if (closes) {
            close_event(s, s->endings[ended++].event);
        } else {
            open_event(s, (int32_t)begun++);
        }
    }
    return true;
}

static int sweep_row(struct assess_chrome *c, struct sweep *s, const struct assess_row *row) {
    size_t count = row->count + 1;
    s->c = c;
    s->row = row;
    s->events = c->events + row->first;
    s->last = NONE;
    s->next = assess_realloc(NULL, count * sizeof *s->next);
    s->previous = assess_realloc(NULL, count * sizeof *s->previous);
    s->endings = assess_realloc(NULL, count * sizeof *s->endings);
    bool done = s->next && s->previous && s->endings;
    for (size_t i = 0; i < row->count && done; i++) {
        s->endings[i] = (struct ending){s->events[i].end, (int32_t)i};
    }
    if (done) {
        if (row->count) qsort(s->endings, row->count, sizeof *s->endings, by_end);
        done = sweep_events(s);
    }
    assess_realloc(s->next, 0);
    assess_realloc(s->previous, 0);
    assess_realloc(s->endings, 0);
    return done ? ASHORE_OK : assess_import_no_memory(c->in);
}

/* ---- all threads ---------------------------------------------------------------------------- */

/* Within a thread by begin, the longer first: what is around comes before what is within. */
static int by_row(const void *pa, const void *pb) {
    const struct assess_event *a = pa, *b = pb;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) return a->end > b->end ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Steps where there are any, else runs from the first to the last, else everything. */
static int find_window(struct assess_chrome *c) {
    double begin = 0, end = 0;
    bool any = false;
    for (size_t i = 0; i < c->event_count; i++) {
        const struct assess_event *e = &c->events[i];
        struct assess_overlay step = {e->begin, e->end, ASSESS_NO_FUNCTION, ASSESS_UNKNOWN};
        if (c->has_steps && e->kind == ASSESS_EV_STEP && !assess_intervals_add(&c->window, step)) {
            return assess_import_no_memory(c->in);
        }
        if (!c->has_steps && c->has_runs && e->kind != ASSESS_EV_RUN) continue;
        if (!any || e->begin < begin) begin = e->begin;
        if (!any || e->end > end) end = e->end;
        any = true;
    }
    for (size_t i = 0; i < c->device_count && !c->has_runs; i++) {
        const struct assess_device_event *e = &c->device_events[i];
        if (!any || e->begin < begin) begin = e->begin;
        if (!any || e->end > end) end = e->end;
        any = true;
    }
    struct assess_overlay all = {begin, end, ASSESS_NO_FUNCTION, ASSESS_UNKNOWN};
    if (!c->has_steps && !assess_intervals_add(&c->window, all)) {
        return assess_import_no_memory(c->in);
    }
    assess_intervals_merge(&c->window);
    for (size_t i = 0; i < c->window.count; i++) {
        c->wall += c->window.items[i].end - c->window.items[i].begin;
    }
    return ASHORE_OK;
}

static int find_kernels(struct assess_chrome *c) {
    for (size_t i = 0; i < c->device_count; i++) {
        const struct assess_device_event *e = &c->device_events[i];
        struct assess_overlay kernel = {e->begin, e->end, ASSESS_NO_FUNCTION, ASSESS_DEVICE_WAIT};
        if (e->kernel && !assess_intervals_add(&c->kernels, kernel)) {
            return assess_import_no_memory(c->in);
        }
    }
    assess_intervals_merge(&c->kernels);
    return ASHORE_OK;
}

static enum assess_role role_of(const struct assess_chrome *c, const struct assess_row *row) {
    if (c->has_steps) return row->steps ? ASSESS_ROLE_REQUEST : ASSESS_ROLE_WORKER;
    if (c->has_runs) return row->runs ? ASSESS_ROLE_REQUEST : ASSESS_ROLE_WORKER;
    if (!c->has_torch) return ASSESS_ROLE_AUTO;
    return row->torch && !row->is_engine ? ASSESS_ROLE_LIKELY : ASSESS_ROLE_WORKER;
}

static bool may_count(enum assess_role role) {
    return role == ASSESS_ROLE_REQUEST || role == ASSESS_ROLE_LIKELY;
}

/* The request thread that calls the device's runtime most. */
static size_t find_lead(const struct assess_chrome *c) {
    size_t lead = c->row_count, most = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct assess_row *row = &c->rows[i];
        if (!may_count(role_of(c, row))) continue;
        size_t calls = 1;
        for (size_t k = 0; k < row->count; k++) {
            calls += c->events[row->first + k].kind == ASSESS_EV_RUNTIME;
        }
        if (calls > most) {
            most = calls;
            lead = i;
        }
    }
    return lead;
}

static void slice_rows(struct assess_chrome *c) {
    if (c->event_count) qsort(c->events, c->event_count, sizeof *c->events, by_row);
    for (size_t i = 0; i < c->event_count; i++) {
        struct assess_row *row = &c->rows[c->events[i].row];
        if (row->count++ == 0) row->first = i;
    }
}

/* A thread of autograd's engine does little else.  On the processor the engine works on the thread
 * that called it, which is then the only one with operators. */
static void find_engine(struct assess_chrome *c) {
    size_t others = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        struct assess_row *row = &c->rows[i];
        size_t outer = 0, engine = 0;
        double end = 0;
        for (size_t k = row->first; k < row->first + row->count; k++) {
            const struct assess_event *event = &c->events[k];
            if (outer && event->begin < end) continue;
            end = event->end;
            outer++;
            engine += (event->flags & ASSESS_EV_ENGINE) != 0;
        }
        row->is_engine = engine * 2 > outer && !row->own;
        others += row->torch && !row->is_engine;
    }
    for (size_t i = 0; i < c->row_count && others == 0; i++) c->rows[i].is_engine = false;
}

static int account_row(struct assess_chrome *c, size_t i, bool leads, int32_t gap) {
    struct assess_row *row = &c->rows[i];
    struct assess_builder *b = &c->in->builder;
    struct sweep s = {.gap = ASSESS_NO_FUNCTION, .leads = leads};
    if (row->count == 0) return ASHORE_OK;
    row->thread = assess_builder_thread(b, row->pid, row->tid, row->name);
    if (b->failed) return ASHORE_OK; /* said at the end */
    enum assess_role role = role_of(c, row);
    b->threads[row->thread].role = role;
    s.counts = may_count(role);
    if (s.counts) s.gap = gap;
    return sweep_row(c, &s, row);
}

int assess_chrome_account(struct assess_chrome *c) {
    slice_rows(c);
    find_engine(c);
    ASSESS_TRY(find_window(c));
    ASSESS_TRY(find_kernels(c));
    for (size_t i = 0; i < c->row_count; i++) {
        struct sweep s = {.gap = ASSESS_NO_FUNCTION, .engine = true};
        if (c->rows[i].is_engine) ASSESS_TRY(sweep_row(c, &s, &c->rows[i]));
    }
    assess_intervals_merge(&c->engine);
    c->overlapping = 0; /* what follows sees all threads */
    struct assess_named named = {.name = "(not recorded)", .path = ""};
    int32_t gap = assess_builder_function(&c->in->builder, &named);
    size_t lead = find_lead(c);
    for (size_t i = 0; i < c->row_count; i++) { ASSESS_TRY(account_row(c, i, i == lead, gap)); }
    if (c->overlapping > 0.005 * c->wall) {
        assess_builder_note(&c->in->builder,
                            "For %.3f s events overlap others of their thread without lying within "
                            "them: that time is the later one's.",
                            c->overlapping);
    }
    return ASHORE_OK;
}
