#include "import_builder.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What a hostile file may make us keep, or do: frames of different stacks (256 MiB of them),
 * threads, and stages, of which the last takes what others are left. */
enum { MOST_FRAMES = 64 << 20, MOST_THREADS = 10000, MOST_STAGES = 200 };

void assess_builder_init(struct assess_builder *b, const struct assess_rules *rules,
                         struct assess_pool *pool, struct assess_profile *profile) {
    *b = (struct assess_builder){.rules = rules, .pool = pool, .profile = profile};
}

void assess_builder_deinit(struct assess_builder *b) {
    assess_realloc(b->functions, 0);
    assess_realloc(b->paths, 0);
    assess_realloc(b->classes, 0);
    assess_realloc(b->stacks, 0);
    assess_realloc(b->spans, 0);
    assess_realloc(b->threads, 0);
    assess_realloc(b->stages, 0);
    assess_realloc(b->notes, 0);
    assess_realloc(b->function_table.slots, 0);
    assess_realloc(b->stack_table.slots, 0);
    *b = (struct assess_builder){0};
}

/* ---- hash tables ---------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t add_hash(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static const uint64_t first_hash = UINT64_C(0xcbf29ce484222325);

static uint64_t hash_function(const struct assess_builder *b, size_t i) {
    const struct assess_function *f = &b->functions[i];
    uint64_t hash = add_hash(first_hash, f->name, strlen(f->name) + 1);
    hash = add_hash(hash, b->paths[i], strlen(b->paths[i]) + 1);
    return add_hash(hash, f->place, strlen(f->place) + 1) ^ f->python;
}

static uint64_t hash_stack(const struct assess_builder *b, size_t i) {
    const struct assess_stack *s = &b->stacks[i];
    uint64_t hash = add_hash(first_hash, s->frames, s->depth * sizeof *s->frames);
    return add_hash(hash, &s->bucket, sizeof s->bucket);
}

static bool same_function(const struct assess_builder *b, size_t i, size_t k) {
    const struct assess_function *f = &b->functions[i], *g = &b->functions[k];
    return f->python == g->python && strcmp(f->name, g->name) == 0 &&
           strcmp(f->place, g->place) == 0 && strcmp(b->paths[i], b->paths[k]) == 0;
}

static bool same_stack(const struct assess_builder *b, size_t i, size_t k) {
    const struct assess_stack *s = &b->stacks[i], *t = &b->stacks[k];
    return s->bucket == t->bucket && s->depth == t->depth &&
           (s->depth == 0 || memcmp(s->frames, t->frames, s->depth * sizeof *s->frames) == 0);
}

struct kind {
    uint64_t (*hash)(const struct assess_builder *b, size_t i);
    bool (*same)(const struct assess_builder *b, size_t i, size_t k);
};
static const struct kind function_kind = {hash_function, same_function};
static const struct kind stack_kind = {hash_stack, same_stack};

static size_t find_slot(const struct assess_builder *b, const struct assess_builder_table *t,
                        const struct kind *kind, size_t item) {
    size_t at = (size_t)kind->hash(b, item) & (t->room - 1);
    while (t->slots[at] && !kind->same(b, t->slots[at] - 1, item)) at = (at + 1) & (t->room - 1);
    return at;
}

/* Looks for item `count`, which stands behind the others: its own index when it is new. */
static size_t intern(struct assess_builder *b, struct assess_builder_table *t,
                     const struct kind *kind, size_t count) {
    if (count + 1 > t->room / 2) {
        struct assess_builder_table grown = {.room = t->room ? t->room * 2 : 256};
        size_t bytes = grown.room * sizeof *grown.slots;
        grown.slots = assess_realloc(NULL, bytes);
        if (!grown.slots) {
            b->failed = true;
            return 0;
        }
        memset(grown.slots, 0, bytes);
        for (size_t i = 0; i < count; i++) {
            grown.slots[find_slot(b, &grown, kind, i)] = (uint32_t)i + 1;
        }
        assess_realloc(t->slots, 0);
        *t = grown;
    }
    size_t at = find_slot(b, t, kind, count);
    if (!t->slots[at]) t->slots[at] = (uint32_t)count + 1;
    return t->slots[at] - 1;
}

/* ---- functions ------------------------------------------------------------------------------ */

static bool make_room(struct assess_builder *b) {
    size_t n = b->function_count;
    return n < INT32_MAX &&
           assess_grow((void **)&b->functions, n, &b->function_room, sizeof *b->functions) &&
           assess_grow((void **)&b->paths, n, &b->path_room, sizeof *b->paths) &&
           assess_grow((void **)&b->classes, n, &b->class_room, sizeof *b->classes);
}

int32_t assess_builder_function(struct assess_builder *b, const struct assess_named *named) {
    if (b->failed || !make_room(b)) {
        b->failed = true;
        return ASSESS_NO_FUNCTION;
    }
    char place[256];
    const char *base = assess_base_name(named->path);
    snprintf(place, sizeof place, named->line ? "%.200s:%u" : "%.200s", base, named->line);
    size_t n = b->function_count;
    b->functions[n] = (struct assess_function){named->name, place, named->python, {0}, 0};
    b->paths[n] = named->path;
    size_t found = intern(b, &b->function_table, &function_kind, n);
    if (b->failed || found < n) return b->failed ? ASSESS_NO_FUNCTION : (int32_t)found;
    b->functions[n].name = assess_copy_text(b->pool, named->name, strlen(named->name));
    b->functions[n].place = assess_copy_text(b->pool, place, strlen(place));
    b->paths[n] = assess_copy_text(b->pool, named->path, strlen(named->path));
    if (b->pool->failed) {
        b->failed = true;
        return ASSESS_NO_FUNCTION;
    }
    b->classes[n] = assess_classify(b->rules, named);
    b->function_count++;
    return (int32_t)n;
}

enum assess_bucket assess_builder_classify(const struct assess_builder *b, const int32_t *frames,
                                           size_t depth) {
    return assess_classify_stack(b->classes, frames, depth);
}

/* ---- threads and intervals ------------------------------------------------------------------ */

size_t assess_builder_thread(struct assess_builder *b, uint32_t pid, uint32_t tid,
                             const char *name) {
    if (b->thread_count >= MOST_THREADS) b->too_many = "threads";
    if (b->failed || b->too_many ||
        !assess_grow((void **)&b->threads, b->thread_count, &b->thread_room, sizeof *b->threads)) {
        b->failed = true;
        return 0;
    }
    b->threads[b->thread_count] = (struct assess_builder_thread){
        .pid = pid, .tid = tid, .name = assess_copy_text(b->pool, name, strlen(name))};
    return b->thread_count++;
}

static size_t intern_stack(struct assess_builder *b, const int32_t *frames, size_t depth,
                           enum assess_bucket bucket) {
    if (b->stack_count >= UINT32_MAX - 1 ||
        !assess_grow((void **)&b->stacks, b->stack_count, &b->stack_room, sizeof *b->stacks)) {
        b->failed = true;
        return 0;
    }
    uint32_t wanted[ASSESS_DEEPEST];
    size_t cut = depth > ASSESS_DEEPEST ? depth - ASSESS_DEEPEST : 0;
    depth -= cut;
    for (size_t i = 0; i < depth; i++) wanted[i] = (uint32_t)frames[cut + i];
    struct assess_stack *s = &b->stacks[b->stack_count];
    *s = (struct assess_stack){.frames = wanted, .depth = depth, .bucket = bucket};
    size_t found = intern(b, &b->stack_table, &stack_kind, b->stack_count);
    if (b->failed || found < b->stack_count) return found;
    b->frames_held += depth;
    if (b->frames_held > MOST_FRAMES) b->too_many = "frames in different stacks";
    uint32_t *kept = b->too_many ? NULL : assess_alloc_array(b->pool, depth, sizeof *kept);
    if (!kept) {
        b->failed = true;
        return 0;
    }
    memcpy(kept, wanted, depth * sizeof *kept);
    s->frames = kept;
    b->stack_count++;
    return found;
}

void assess_builder_add(struct assess_builder *b, size_t thread, double begin, double end,
                        const int32_t *frames, size_t depth, enum assess_bucket bucket) {
    if (b->failed || !(end > begin)) return;
    size_t stack = intern_stack(b, frames, depth, bucket);
    if (b->failed) return;
    struct assess_builder_thread *t = &b->threads[thread];
    t->seconds[bucket] += end - begin;
    for (size_t i = 0; i < depth && !t->has_python; i++) {
        t->has_python = b->functions[frames[i]].python;
    }
    double longest = t->longest ? b->spans[t->longest - 1].end - b->spans[t->longest - 1].begin : 0;
    struct assess_span *last = t->last_span ? &b->spans[t->last_span - 1] : NULL;
    if (last && last->stack == stack && last->end == begin) {
        last->end = end;
        return;
    }
    if (b->span_count >= UINT32_MAX - 1 ||
        !assess_grow((void **)&b->spans, b->span_count, &b->span_room, sizeof *b->spans)) {
        b->failed = true;
        return;
    }
    b->spans[b->span_count++] = (struct assess_span){
        .begin = begin, .end = end, .pid = (uint32_t)thread, .stack = (uint32_t)stack};
    t->last_span = (uint32_t)b->span_count;
    if (end - begin > longest) t->longest = t->last_span;
}

void assess_builder_stage(struct assess_builder *b, int32_t function, enum assess_bucket bucket,
                          double seconds) {
    if (b->failed || function < 0) return;
    const struct assess_function *f = &b->functions[function];
    size_t i = 0;
    while (i < b->stage_count && strcmp(b->stages[i].name, f->name) != 0) i++;
    if (i >= MOST_STAGES) i = MOST_STAGES - 1;
    if (i == b->stage_count) {
        if (!assess_grow((void **)&b->stages, i, &b->stage_room, sizeof *b->stages)) {
            b->failed = true;
            return;
        }
        b->stages[b->stage_count++] = (struct assess_stage){.name = f->name, .place = f->place};
    }
    b->stages[i].seconds[bucket] += seconds;
}

void assess_builder_note(struct assess_builder *b, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (b->failed ||
        !assess_grow((void **)&b->notes, b->note_count, &b->note_room, sizeof *b->notes)) {
        b->failed = true;
        return;
    }
    b->notes[b->note_count++] = assess_copy_text(b->pool, text, strlen(text));
}

/* ---- the end -------------------------------------------------------------------------------- */

static double busy_seconds(const double seconds[ASSESS_BUCKETS]) {
    return seconds[ASSESS_INTERPRETER] + seconds[ASSESS_COMPUTE] + seconds[ASSESS_MARSHALLING] +
           seconds[ASSESS_GIL_WAIT] + seconds[ASSESS_GC] + seconds[ASSESS_UNKNOWN];
}

static double all_seconds(const double seconds[ASSESS_BUCKETS]) {
    double sum = 0;
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) sum += seconds[i];
    return sum;
}

static void decide_roles(struct assess_builder *b) {
    size_t decided = 0;
    for (size_t i = 0; i < b->thread_count; i++) {
        struct assess_builder_thread *t = &b->threads[i];
        bool works = busy_seconds(t->seconds) >= 0.01 * all_seconds(t->seconds);
        if (t->role == ASSESS_ROLE_AUTO && t->has_python && works && t->last_span) {
            t->role = ASSESS_ROLE_REQUEST;
        }
        decided += t->role == ASSESS_ROLE_REQUEST;
    }
    for (size_t i = 0; i < b->thread_count; i++) {
        struct assess_builder_thread *t = &b->threads[i];
        if (t->role == ASSESS_ROLE_AUTO)
            t->role = decided ? ASSESS_ROLE_WORKER : ASSESS_ROLE_REQUEST;
    }
}

/* Self and total of the functions, from the stacks' seconds.  seen: [function_count], cleared. */
static void sum_functions(struct assess_builder *b, uint32_t *seen) {
    for (size_t i = 0; i < b->stack_count; i++) {
        const struct assess_stack *s = &b->stacks[i];
        bool python_done = false;
        for (size_t at = s->depth; at-- > 0;) {
            struct assess_function *f = &b->functions[s->frames[at]];
            if (seen[s->frames[at]] != i + 1) f->total += s->seconds;
            seen[s->frames[at]] = (uint32_t)i + 1;
            bool innermost = f->python ? !python_done : at + 1 == s->depth;
            if (innermost) f->self[s->bucket] += s->seconds;
            python_done = python_done || f->python;
        }
    }
}

/* The file or object of the innermost frame of what it did longest at a time. */
static const char *owner_of(const struct assess_builder *b, const struct assess_builder_thread *t) {
    if (!t->longest) return t->name;
    const struct assess_stack *s = &b->stacks[b->spans[t->longest - 1].stack];
    const char *base = s->depth ? assess_base_name(b->paths[s->frames[s->depth - 1]]) : "";
    return base[0] ? base : t->name;
}

static void add_worker(const struct assess_builder *b, const struct assess_builder_thread *t,
                       struct assess_worker *workers, size_t *count) {
    double busy = busy_seconds(t->seconds);
    const char *owner = owner_of(b, t);
    size_t i = 0;
    while (i < *count && strcmp(workers[i].owner, owner) != 0) i++;
    if (i == *count) workers[(*count)++] = (struct assess_worker){.owner = owner};
    workers[i].threads++;
    workers[i].busy += busy;
    workers[i].waiting += all_seconds(t->seconds) - busy;
}

static int by_begin(const void *pa, const void *pb) {
    const struct assess_span *a = pa, *b = pb;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->pid != b->pid ? (a->pid < b->pid ? -1 : 1) : 0;
}

static void *keep(struct assess_builder *b, const void *items, size_t count, size_t size) {
    void *kept = assess_alloc_array(b->pool, count, size);
    if (kept && count) memcpy(kept, items, count * size);
    return kept;
}

static void sum_spans(struct assess_builder *b) {
    struct assess_profile *p = b->profile;
    for (size_t i = 0; i < b->span_count; i++) {
        const struct assess_span *span = &b->spans[i];
        if (i == 0 || span->begin < p->begin) p->begin = span->begin;
        if (i == 0 || span->end > p->end) p->end = span->end;
        if (b->threads[span->pid].role != ASSESS_ROLE_REQUEST) continue;
        b->stacks[span->stack].seconds += span->end - span->begin;
    }
}

static void fill_threads(struct assess_builder *b) {
    struct assess_profile *p = b->profile;
    for (size_t i = 0; i < b->thread_count; i++) {
        const struct assess_builder_thread *t = &b->threads[i];
        bool request = t->role == ASSESS_ROLE_REQUEST;
        p->threads[i] = (struct assess_thread){t->pid, t->tid, t->name, request};
        size_t k = 0;
        while (k < p->process_count && p->processes[k].pid != t->pid) k++;
        if (k == p->process_count) {
            p->processes[p->process_count++] =
                (struct assess_process){.pid = t->pid, .command = "", .complete = true};
        }
        p->processes[k].wall = p->end - p->begin;
        if (!request && t->last_span) add_worker(b, t, p->workers, &p->worker_count);
        for (size_t bucket = 0; bucket < ASSESS_BUCKETS && request; bucket++) {
            p->seconds[bucket] += t->seconds[bucket];
            p->processes[k].seconds[bucket] += t->seconds[bucket];
        }
    }
}

int assess_builder_finish(struct assess_builder *b, const char *path, struct ashore_error *err) {
    struct assess_profile *p = b->profile;
    if (b->too_many) {
        return assess_fail(err, ASHORE_ERR_LIMIT, "%s: too many %s", path, b->too_many);
    }
    uint32_t *seen = assess_alloc_array(b->pool, b->function_count, sizeof *seen);
    p->threads = assess_alloc_array(b->pool, b->thread_count, sizeof *p->threads);
    p->processes = assess_alloc_array(b->pool, b->thread_count, sizeof *p->processes);
    p->workers = assess_alloc_array(b->pool, b->thread_count, sizeof *p->workers);
    if (b->failed || b->pool->failed) {
        return assess_fail(err, ASHORE_ERR_NOMEM, "%s: out of memory", path);
    }
    decide_roles(b);
    sum_spans(b);
    sum_functions(b, seen);
    p->thread_count = b->thread_count;
    fill_threads(b);
    if (b->span_count) qsort(b->spans, b->span_count, sizeof *b->spans, by_begin);
    for (size_t i = 0; i < b->span_count; i++) {
        const struct assess_builder_thread *t = &b->threads[b->spans[i].pid];
        b->spans[i].pid = t->pid;
        b->spans[i].tid = t->tid;
    }
    p->functions = keep(b, b->functions, b->function_count, sizeof *b->functions);
    p->stacks = keep(b, b->stacks, b->stack_count, sizeof *b->stacks);
    p->spans = keep(b, b->spans, b->span_count, sizeof *b->spans);
    p->stages = keep(b, b->stages, b->stage_count, sizeof *b->stages);
    p->notes = keep(b, b->notes, b->note_count, sizeof *b->notes);
    p->function_count = b->function_count;
    p->stack_count = b->stack_count;
    p->span_count = b->span_count;
    p->stage_count = b->stage_count;
    p->note_count = b->note_count;
    if (b->pool->failed) return assess_fail(err, ASHORE_ERR_NOMEM, "%s: out of memory", path);
    return ASHORE_OK;
}
