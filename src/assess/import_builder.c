#include "import_builder.h"

#include <stdarg.h>
#include <string.h>

/* What a hostile file may make us keep, or do: frames of different stacks (256 MiB of them),
 * threads, and stages, of which the last takes what others are left. */
enum { MOST_FRAMES = 64 << 20, MOST_THREADS = 10000, MOST_STAGES = 200 };

void assess_builder_init(struct assess_builder *b, const struct assess_rules *rules,
                         struct assess_pool *pool, struct assess_profile *profile) {
    *b = (struct assess_builder){.rules = rules, .profile = profile, .build = {.pool = pool}};
}

void assess_builder_deinit(struct assess_builder *b) {
    assess_build_deinit(&b->build);
    assess_intern_deinit(&b->by_part);
    assess_realloc(b->classes, 0);
    assess_realloc(b->threads, 0);
    assess_realloc(b->parts, 0);
    assess_realloc(b->stages, 0);
    assess_realloc(b->stage_functions, 0);
    *b = (struct assess_builder){0};
}

/* ---- functions ------------------------------------------------------------------------------ */

int32_t assess_builder_function(struct assess_builder *b, const struct assess_named *named) {
    char place[512];
    const char *path = named->whole_path ? named->path : assess_short_path(named->path);
    snprintf(place, sizeof place, named->line ? "%.480s:%u" : "%.480s", path, named->line);
    uint32_t found = b->failed
                         ? UINT32_MAX
                         : assess_build_function(&b->build, named->name, place, named->python);
    if (found >= INT32_MAX) {
        b->failed = true;
        return ASSESS_NO_FUNCTION;
    }
    if (found < b->class_count) return (int32_t)found;
    if (!assess_grow((void **)&b->classes, b->class_count, &b->class_room, sizeof *b->classes)) {
        b->failed = true;
        return ASSESS_NO_FUNCTION;
    }
    b->classes[b->class_count++] = assess_classify_frame(b->rules, named);
    return (int32_t)found;
}

enum assess_bucket assess_builder_classify(const struct assess_builder *b, const int32_t *frames,
                                           size_t depth) {
    return assess_classify_frames(b->classes, frames, depth);
}

/* ---- threads and intervals ------------------------------------------------------------------ */

struct assess_builder_part {
    uint32_t thread, stack;
    double seconds;
};

size_t assess_builder_thread(struct assess_builder *b, uint32_t pid, uint32_t tid,
                             const char *name) {
    if (b->thread_count >= MOST_THREADS) b->too_many = "threads";
    const char *copy = assess_copy_text(b->build.pool, name, strlen(name));
    if (b->failed || b->too_many || !copy ||
        !assess_grow((void **)&b->threads, b->thread_count, &b->thread_room, sizeof *b->threads)) {
        b->failed = true;
        return 0;
    }
    b->threads[b->thread_count] = (struct assess_builder_thread){
        .pid = pid, .tid = tid, .name = copy, .last_span = UINT32_MAX, .last_part = UINT32_MAX};
    return b->thread_count++;
}

static uint32_t intern_stack(struct assess_builder *b, const int32_t *frames, size_t depth,
                             enum assess_bucket bucket) {
    uint32_t kept[ASSESS_DEEPEST];
    size_t cut = depth > ASSESS_DEEPEST ? depth - ASSESS_DEEPEST : 0;
    size_t before = b->build.stack_count;
    depth -= cut;
    for (size_t i = 0; i < depth; i++) kept[i] = (uint32_t)frames[cut + i];
    uint32_t stack = assess_build_stack(&b->build, kept, depth, bucket);
    if (b->build.stack_count > before) b->frames_held += depth;
    if (b->frames_held > MOST_FRAMES) b->too_many = "frames in different stacks";
    if (b->too_many || stack == UINT32_MAX) b->failed = true;
    return stack;
}

static bool same_part(const void *array, uint32_t index, const void *key) {
    const struct assess_builder_part *p = (const struct assess_builder_part *)array + index;
    const struct assess_builder_part *k = key;
    return p->thread == k->thread && p->stack == k->stack;
}

/* The part of a thread and a stack, made where there is none; UINT32_MAX: no memory. */
static uint32_t find_part(struct assess_builder *b, size_t thread, uint32_t stack) {
    struct assess_builder_part part = {(uint32_t)thread, stack, 0};
    uint32_t last = b->threads[thread].last_part;
    if (last != UINT32_MAX && b->parts[last].stack == stack) return last;
    uint64_t hash = assess_hash(b->build.seed, &part.thread, sizeof part.thread);
    hash = assess_hash(hash, &part.stack, sizeof part.stack);
    uint32_t found = assess_intern_find(&b->by_part, hash, same_part, b->parts, &part);
    if (found != UINT32_MAX) return found;
    if (b->part_count >= UINT32_MAX - 1 ||
        !assess_grow((void **)&b->parts, b->part_count, &b->part_room, sizeof *b->parts) ||
        !assess_intern_add(&b->by_part, hash, (uint32_t)b->part_count)) {
        b->failed = true;
        return UINT32_MAX;
    }
    b->parts[b->part_count] = part;
    return (uint32_t)b->part_count++;
}

void assess_builder_add(struct assess_builder *b, size_t thread, double begin, double end,
                        const int32_t *frames, size_t depth, enum assess_bucket bucket) {
    struct assess_profile *p = b->profile;
    if (b->failed || !(end > begin)) return;
    uint32_t stack = intern_stack(b, frames, depth, bucket);
    uint32_t part = b->failed ? UINT32_MAX : find_part(b, thread, stack);
    if (b->failed) return;
    struct assess_builder_thread *t = &b->threads[thread];
    if (b->part_count == 1 && b->parts[0].seconds <= 0) {
        p->begin = begin;
        p->end = end;
    }
    if (begin < p->begin) p->begin = begin;
    if (end > p->end) p->end = end;
    b->parts[part].seconds += end - begin;
    t->last_part = part;
    t->seconds[bucket] += end - begin;
    for (size_t i = 0; i < depth && !t->has_python; i++) {
        t->has_python = b->build.functions[frames[i]].python;
    }
    struct assess_span span = {begin, end, t->pid, t->tid, stack};
    assess_build_span(&b->build, &t->last_span, span);
}

void assess_builder_stage(struct assess_builder *b, int32_t function, enum assess_bucket bucket,
                          double seconds) {
    if (b->failed || function < 0) return;
    size_t i = 0;
    while (i < b->stage_count && b->stage_functions[i] != function) i++;
    if (i >= MOST_STAGES) i = MOST_STAGES - 1;
    if (i == b->stage_count) {
        if (!assess_grow((void **)&b->stages, i, &b->stage_room, sizeof *b->stages) ||
            !assess_grow((void **)&b->stage_functions, i, &b->stage_function_room,
                         sizeof *b->stage_functions)) {
            b->failed = true;
            return;
        }
        const struct assess_function *f = &b->build.functions[function];
        bool last = i == MOST_STAGES - 1;
        b->stages[i] =
            (struct assess_stage){.name = last ? "other" : f->name, .place = last ? "" : f->place};
        b->stage_functions[i] = function;
        b->stage_count++;
    }
    b->stages[i].seconds[bucket] += seconds;
}

void assess_builder_note(struct assess_builder *b, const char *fmt, ...) {
    char text[640];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assess_build_note(&b->build, "%s", text);
}

/* ---- the end -------------------------------------------------------------------------------- */

static double busy_seconds(const double seconds[ASSESS_BUCKETS]) {
    return seconds[ASSESS_INTERPRETER] + seconds[ASSESS_COMPUTE] + seconds[ASSESS_MARSHALLING] +
           seconds[ASSESS_GIL_WAIT] + seconds[ASSESS_GC] + seconds[ASSESS_UNKNOWN];
}

static void decide_roles(struct assess_builder *b) {
    size_t decided = 0;
    for (size_t i = 0; i < b->thread_count; i++) {
        struct assess_builder_thread *t = &b->threads[i];
        bool works = busy_seconds(t->seconds) >= 0.01 * assess_sum(t->seconds);
        bool open = t->role == ASSESS_ROLE_LIKELY || (t->role == ASSESS_ROLE_AUTO && t->has_python);
        if (open && works) t->role = ASSESS_ROLE_REQUEST;
        decided += t->role == ASSESS_ROLE_REQUEST && t->last_part != UINT32_MAX;
    }
    for (size_t i = 0; i < b->thread_count; i++) {
        enum assess_role *role = &b->threads[i].role;
        if (decided == 0) *role = ASSESS_ROLE_REQUEST;
        if (*role != ASSESS_ROLE_REQUEST) *role = ASSESS_ROLE_WORKER;
    }
}

/* Seconds of the stacks, of request threads.  longest: [thread_count], cleared; the part that each
 * thread spent most on, index + 1. */
static void sum_parts(struct assess_builder *b, uint32_t *longest) {
    for (size_t i = 0; i < b->part_count; i++) {
        const struct assess_builder_part *part = &b->parts[i];
        uint32_t *most = &longest[part->thread];
        if (*most == 0 || part->seconds > b->parts[*most - 1].seconds) *most = (uint32_t)i + 1;
        if (b->threads[part->thread].role == ASSESS_ROLE_REQUEST) {
            b->build.stacks[part->stack].seconds += part->seconds;
        }
    }
}

/* The file or object of the innermost frame of what the thread did most. */
static const char *owner_of(const struct assess_builder *b, size_t thread, uint32_t longest) {
    const struct assess_stack *s = longest ? &b->build.stacks[b->parts[longest - 1].stack] : NULL;
    if (!s || s->depth == 0) return b->threads[thread].name;
    const struct assess_function *f = &b->build.functions[s->frames[s->depth - 1]];
    return f->place[0] ? f->place : f->name;
}

static void add_worker(const struct assess_builder *b, size_t thread, uint32_t longest,
                       struct assess_profile *p) {
    const struct assess_builder_thread *t = &b->threads[thread];
    const char *owner = owner_of(b, thread, longest);
    double busy = busy_seconds(t->seconds);
    size_t i = 0;
    while (i < p->worker_count && strcmp(p->workers[i].owner, owner) != 0) i++;
    if (i == p->worker_count) {
        p->workers[p->worker_count++] = (struct assess_worker){.owner = owner};
    }
    p->workers[i].threads++;
    p->workers[i].busy += busy;
    p->workers[i].waiting += assess_sum(t->seconds) - busy;
}

static struct assess_process *find_process(struct assess_profile *p, uint32_t pid) {
    size_t i = 0;
    while (i < p->process_count && p->processes[i].pid != pid) i++;
    if (i == p->process_count) {
        p->processes[p->process_count++] =
            (struct assess_process){.pid = pid, .command = "", .complete = true};
    }
    return &p->processes[i];
}

static void fill_threads(struct assess_builder *b, const uint32_t *longest) {
    struct assess_profile *p = b->profile;
    p->thread_count = b->thread_count;
    for (size_t i = 0; i < b->thread_count; i++) {
        const struct assess_builder_thread *t = &b->threads[i];
        bool request = t->role == ASSESS_ROLE_REQUEST;
        struct assess_process *process = find_process(p, t->pid);
        p->threads[i] = (struct assess_thread){t->pid, t->tid, t->name, request};
        process->wall = p->end - p->begin;
        if (!request && longest[i]) add_worker(b, i, longest[i], p);
        for (size_t bucket = 0; bucket < ASSESS_BUCKETS && request; bucket++) {
            p->seconds[bucket] += t->seconds[bucket];
            process->seconds[bucket] += t->seconds[bucket];
        }
    }
}

int assess_builder_finish(struct assess_builder *b, const char *path, struct ashore_error *err) {
    struct assess_profile *p = b->profile;
    struct assess_pool *pool = b->build.pool;
    if (b->too_many) {
        return assess_fail(err, ASHORE_ERR_LIMIT, "%s: too many %s", path, b->too_many);
    }
    uint32_t *longest = assess_alloc_array(pool, b->thread_count, sizeof *longest);
    p->threads = assess_alloc_array(pool, b->thread_count, sizeof *p->threads);
    p->processes = assess_alloc_array(pool, b->thread_count, sizeof *p->processes);
    p->workers = assess_alloc_array(pool, b->thread_count, sizeof *p->workers);
    struct assess_stage *stages = assess_alloc_array(pool, b->stage_count, sizeof *stages);
    if (b->failed || pool->failed) {
        return assess_fail(err, ASHORE_ERR_NOMEM, "%s: out of memory", path);
    }
    decide_roles(b);
    sum_parts(b, longest);
    fill_threads(b, longest);
    ASSESS_TRY(assess_build_finish(&b->build, p, err));
    if (b->stage_count == 0) return ASHORE_OK;
    memcpy(stages, b->stages, b->stage_count * sizeof *stages);
    p->stages = stages;
    p->stage_count = b->stage_count;
    return ASHORE_OK;
}
