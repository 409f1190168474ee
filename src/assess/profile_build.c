#include "profile_build.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions ------------------------------------------------------------------------------ */

struct function_key {
    const char *name, *place;
    bool python;
};

static bool same_function(const void *array, uint32_t index, const void *key) {
    const struct assess_function *f = (const struct assess_function *)array + index;
    const struct function_key *k = key;
    return f->python == k->python && strcmp(f->name, k->name) == 0 &&
           strcmp(f->place, k->place) == 0;
}

uint32_t assess_build_function(struct assess_build *b, const char *name, const char *place,
                               bool python) {
    if (b->seed == 0) b->seed = assess_hash_seed() | 1;
    struct function_key key = {name, place, python};
    uint64_t hash = assess_hash(b->seed + python, name, strlen(name));
    hash = assess_hash(hash, place, strlen(place));
    uint32_t found = assess_intern_find(&b->by_name, hash, same_function, b->functions, &key);
    if (found != UINT32_MAX) return found;
    const char *own_name = assess_copy_text(b->pool, name, strlen(name));
    const char *own_place = assess_copy_text(b->pool, place, strlen(place));
    bool good = own_name && own_place && b->function_count < UINT32_MAX - 1 &&
                assess_grow((void **)&b->functions, b->function_count, &b->function_room,
                            sizeof *b->functions) &&
                assess_intern_add(&b->by_name, hash, (uint32_t)b->function_count);
    if (!good) {
        b->failed = true;
        return UINT32_MAX;
    }
    b->functions[b->function_count] =
        (struct assess_function){.name = own_name, .place = own_place, .python = python};
    return (uint32_t)b->function_count++;
}

/* ---- places --------------------------------------------------------------------------------- */

const char *assess_short_path(const char *path) {
    static const char *const roots[] = {"/site-packages/", "/dist-packages/"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        const char *found = strstr(path, roots[i]);
        if (found) return found + strlen(roots[i]);
    }
    const char *library = strstr(path, "/lib/python3.");
    const char *rest = library ? strchr(library + strlen("/lib/python3."), '/') : NULL;
    if (rest) return rest + 1;
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- stacks --------------------------------------------------------------------------------- */

struct stack_key {
    const uint32_t *frames;
    size_t depth;
    enum assess_bucket bucket;
};

static bool same_stack(const void *array, uint32_t index, const void *key) {
    const struct assess_stack *s = (const struct assess_stack *)array + index;
    const struct stack_key *k = key;
    return s->bucket == k->bucket && s->depth == k->depth &&
           (k->depth == 0 || memcmp(s->frames, k->frames, k->depth * sizeof *k->frames) == 0);
}

uint32_t assess_build_stack(struct assess_build *b, const uint32_t *frames, size_t depth,
                            enum assess_bucket bucket) {
    if (b->seed == 0) b->seed = assess_hash_seed() | 1;
    struct stack_key key = {frames, depth, bucket};
    uint64_t hash = assess_hash(b->seed + bucket, frames, depth * sizeof *frames);
    uint32_t found = assess_intern_find(&b->by_frames, hash, same_stack, b->stacks, &key);
    if (found != UINT32_MAX) return found;
    uint32_t *own = assess_alloc_array(b->pool, depth, sizeof *own);
    bool good =
        own && b->stack_count < UINT32_MAX - 1 &&
        assess_grow((void **)&b->stacks, b->stack_count, &b->stack_room, sizeof *b->stacks) &&
        assess_intern_add(&b->by_frames, hash, (uint32_t)b->stack_count);
    if (!good) {
        b->failed = true;
        return UINT32_MAX;
    }
    if (depth) memcpy(own, frames, depth * sizeof *own);
    b->stacks[b->stack_count] =
        (struct assess_stack){.frames = own, .depth = depth, .bucket = bucket};
    return (uint32_t)b->stack_count++;
}

/* ---- spans and notes ------------------------------------------------------------------------ */

void assess_build_span(struct assess_build *b, uint32_t *last, struct assess_span span) {
    struct assess_span *before = *last == UINT32_MAX ? NULL : &b->spans[*last];
    if (before) {
        /* A sample stands for as long as the one before it is ago; beyond that there is a gap. */
        double gap = span.begin - before->end, allowed = (span.end - span.begin) / 2;
        if (gap < allowed) span.begin = before->end;
        if (gap < allowed && before->stack == span.stack) {
            if (span.end > before->end) before->end = span.end;
            return;
        }
    }
    if (span.end < span.begin) span.end = span.begin;
    if (b->span_count >= ASSESS_SPANS_MOST) {
        b->spans_cut = true;
        return;
    }
    if (!assess_grow((void **)&b->spans, b->span_count, &b->span_room, sizeof *b->spans)) {
        b->failed = true;
        return;
    }
    b->spans[b->span_count] = span;
    *last = (uint32_t)b->span_count++;
}

void assess_build_note(struct assess_build *b, const char *fmt, ...) {
    if (b->note_count >= ASSESS_NOTES_MOST) return;
    if (b->note_count == ASSESS_NOTES_MOST - 1) fmt = "there are more notes, which were left out";
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *note = n < 0 ? NULL : assess_alloc(b->pool, (size_t)n + 1);
    if (note) vsnprintf(note, (size_t)n + 1, fmt, again);
    va_end(again);
    for (size_t i = 0; note && i < b->note_count; i++) {
        if (strcmp(b->notes[i], note) == 0) return;
    }
    if (!note || !assess_grow((void **)&b->notes, b->note_count, &b->note_room, sizeof *b->notes)) {
        b->failed = true;
        return;
    }
    b->notes[b->note_count++] = note;
}

/* ---- totals, order, limits ------------------------------------------------------------------ */

/* Who gets a stack's time as their own: the innermost Python function, and the leaf. */
static void add_stack(struct assess_function *functions, const struct assess_stack *stack,
                      size_t *stamps, size_t stamp) {
    bool python_seen = false;
    for (size_t i = stack->depth; i-- > 0;) {
        uint32_t f = stack->frames[i];
        if (stamps[f] != stamp) functions[f].total += stack->seconds;
        stamps[f] = stamp;
        bool innermost = functions[f].python && !python_seen;
        python_seen = python_seen || functions[f].python;
        if (innermost || (i + 1 == stack->depth))
            functions[f].self[stack->bucket] += stack->seconds;
    }
}

struct order {
    double total;
    uint32_t function;
};

static int by_total(const void *a, const void *b) {
    const struct order *p = a, *q = b;
    if (p->total != q->total) return p->total > q->total ? -1 : 1;
    return p->function < q->function ? -1 : 1;
}

/* Puts functions in order; those beyond the limit become one.  moved: [count], where each went. */
static bool order_functions(struct assess_build *b, const struct order *order, uint32_t *moved,
                            struct assess_profile *profile) {
    size_t count = b->function_count, most = ASSESS_FUNCTIONS_MOST;
    size_t kept = count > most ? most : count;
    struct assess_function *functions =
        assess_alloc_array(b->pool, kept + (count > kept), sizeof *functions);
    if (!functions) return false;
    for (size_t i = 0; i < kept; i++) functions[i] = b->functions[order[i].function];
    if (count > kept) functions[kept] = (struct assess_function){.name = "other", .place = ""};
    for (size_t i = 0; i < count; i++) moved[order[i].function] = (uint32_t)(i < kept ? i : kept);
    for (size_t i = kept; i < count; i++) {
        const struct assess_function *from = &b->functions[order[i].function];
        for (int k = 0; k < ASSESS_BUCKETS; k++) functions[kept].self[k] += from->self[k];
        functions[kept].total += assess_sum(from->self);
    }
    profile->functions = functions;
    profile->function_count = kept + (count > kept);
    return true;
}

static bool finish_functions(struct assess_build *b, struct assess_profile *profile) {
    size_t count = b->function_count;
    size_t *stamps = assess_realloc(NULL, (count + 1) * sizeof *stamps);
    struct order *order = assess_realloc(NULL, (count + 1) * sizeof *order);
    uint32_t *moved = assess_realloc(NULL, (count + 1) * sizeof *moved);
    bool good = stamps && order && moved;
    if (good) {
        memset(stamps, 0, (count + 1) * sizeof *stamps);
        for (size_t i = 0; i < b->stack_count; i++) {
            add_stack(b->functions, &b->stacks[i], stamps, i + 1);
        }
        for (size_t i = 0; i < count; i++) {
            order[i] = (struct order){b->functions[i].total, (uint32_t)i};
        }
        qsort(order, count, sizeof *order, by_total);
        good = order_functions(b, order, moved, profile);
    }
    for (size_t i = 0; good && i < b->stack_count; i++) {
        /* The frames are the pool's, and this is their maker. */
        uint32_t *frames = (uint32_t *)(uintptr_t)b->stacks[i].frames;
        for (size_t k = 0; k < b->stacks[i].depth; k++) frames[k] = moved[frames[k]];
    }
    assess_realloc(stamps, 0);
    assess_realloc(order, 0);
    assess_realloc(moved, 0);
    return good;
}

static int by_begin(const void *a, const void *b) {
    const struct assess_span *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    if (p->tid != q->tid) return p->tid < q->tid ? -1 : 1;
    return p->end < q->end ? -1 : p->end > q->end;
}

static void *keep(struct assess_pool *pool, const void *items, size_t count, size_t size) {
    void *copy = assess_alloc_array(pool, count, size);
    if (copy && count) memcpy(copy, items, count * size);
    return copy;
}

int assess_build_finish(struct assess_build *b, struct assess_profile *profile,
                        struct ashore_error *err) {
    if (b->spans_cut) {
        assess_build_note(b,
                          "the timeline ends early: it has more than %d spans; all else is whole",
                          ASSESS_SPANS_MOST);
    }
    bool good = !b->failed && !b->pool->failed && finish_functions(b, profile);
    if (good) {
        profile->stacks = keep(b->pool, b->stacks, b->stack_count, sizeof *b->stacks);
        profile->stack_count = b->stack_count;
        profile->spans = keep(b->pool, b->spans, b->span_count, sizeof *b->spans);
        profile->span_count = b->span_count;
        profile->notes = keep(b->pool, b->notes, b->note_count, sizeof *b->notes);
        profile->note_count = b->note_count;
        good = profile->stacks && profile->spans && profile->notes;
    }
    if (!good) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    qsort(profile->spans, profile->span_count, sizeof *profile->spans, by_begin);
    return assess_find_stages(profile, b->pool, err);
}

void assess_build_deinit(struct assess_build *b) {
    assess_realloc(b->functions, 0);
    assess_realloc(b->stacks, 0);
    assess_realloc(b->spans, 0);
    assess_realloc(b->notes, 0);
    assess_intern_deinit(&b->by_name);
    assess_intern_deinit(&b->by_frames);
    *b = (struct assess_build){0};
}
