#include "profile_build.h"
#include "profile_threads.h"
#include "profile_ticks.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One process image. */
struct process {
    struct assess_trace trace;
    struct assess_image image;
    struct assess_threads threads;
    struct assess_stack_facts *facts; /* [stack_count + 1]: the last for samples without a stack */
    struct merged {
        uint32_t *frames; /* root first; NULL: not made yet */
        uint32_t depth;
        uint32_t by_bucket[ASSESS_BUCKETS]; /* the profile's stacks, plus 1 */
    } *merged;                              /* [stack_count + 1] */
    uint32_t *functions;                    /* [code_count], plus 1 */
    struct assess_process sums;
};

struct work {
    const struct assess_rules *rules;
    double begin, end;
    double (*busy)[2]; /* apart from each other, rising */
    size_t busy_count;
    struct assess_pool pool; /* gone at the end */
    struct assess_symbol_files files;
    struct assess_build build;
    char **paths;
    size_t path_count, path_room;
    struct process *processes;
    size_t count;
    struct assess_held *held;  /* [ASSESS_HELD], for one process after the other */
    double cut_py, cut_native; /* seconds of request threads with such stacks */
};

/* ---- files ---------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_files(struct work *w, const char *folder, struct ashore_error *err) {
    DIR *dir = opendir(folder);
    if (!dir) return assess_fail(err, ASHORE_ERR_IO, "%s: %s", folder, strerror(errno));
    bool good = true;
    for (struct dirent *e = readdir(dir); e && good; e = readdir(dir)) {
        if (strncmp(e->d_name, "trace.", 6) != 0) continue;
        good = assess_grow((void **)&w->paths, w->path_count, &w->path_room, sizeof *w->paths);
        char *path = good ? assess_format(&w->pool, "%s/%s", folder, e->d_name) : NULL;
        good = good && path;
        if (good) w->paths[w->path_count++] = path;
    }
    closedir(dir);
    if (!good) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    if (w->path_count) qsort(w->paths, w->path_count, sizeof *w->paths, by_text);
    return ASHORE_OK;
}

/* ---- the first pass: what there is, and who serves requests ---------------------------------- */

static bool in_window(const struct work *w, int64_t time) {
    double t = (double)time * 1e-9;
    return t >= w->begin && (w->end <= 0 || t <= w->end);
}

static const struct assess_stack_facts *facts_of(const struct process *p, uint32_t stack) {
    return &p->facts[stack == UINT32_MAX ? p->trace.stack_count : stack];
}

static int classify_stacks(struct work *w, struct process *p, struct ashore_error *err) {
    size_t count = p->trace.stack_count;
    ASSESS_TRY(assess_image_init(&p->image, &p->trace, w->rules, &w->files, &w->pool, err));
    p->facts = assess_alloc_array(&w->pool, count + 1, sizeof *p->facts);
    p->merged = assess_alloc_array(&w->pool, count + 1, sizeof *p->merged);
    p->functions = assess_alloc_array(&w->pool, p->trace.code_count, sizeof *p->functions);
    if (!p->facts || !p->merged || !p->functions) {
        return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    }
    for (size_t i = 0; i <= count; i++) {
        uint32_t stack = i < count ? (uint32_t)i : UINT32_MAX;
        ASSESS_TRY(assess_classify_stack(&p->image, stack, &p->facts[i], err));
    }
    return ASHORE_OK;
}

static void name_threads(struct process *p) {
    for (size_t i = 0; i < p->trace.thread_count; i++) {
        struct assess_seen *thread = assess_threads_find(&p->threads, p->trace.threads[i].tid);
        if (thread) thread->name = p->trace.threads[i].name;
    }
}

/* Reads all definitions, judges stacks, then reads samples again for what they say of threads. */
static int survey(struct work *w, struct process *p, struct ashore_error *err) {
    struct assess_rec_sample sample;
    int more = 1;
    while (more > 0) more = assess_trace_next(&p->trace, &sample, err);
    ASSESS_TRY(more);
    ASSESS_TRY(classify_stacks(w, p, err));
    ASSESS_TRY(assess_trace_rewind(&p->trace, err));
    while ((more = assess_trace_next(&p->trace, &sample, err)) > 0) {
        if (!in_window(w, sample.time)) continue;
        p->sums.samples++;
        if (!assess_threads_see(&p->threads, &sample, facts_of(p, sample.stack))) {
            return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
        }
    }
    name_threads(p);
    return more;
}

/* ---- the second pass: time into buckets ------------------------------------------------------ */

static bool is_busy(const struct work *w, double t) {
    size_t low = 0, high = w->busy_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->busy[middle][0] <= t) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && t <= w->busy[low - 1][1];
}

static enum assess_demand demand_at(const struct work *w, const struct process *p,
                                    const struct assess_rec_sample *s) {
    if (s->flags & ASSESS_SAMPLE_ACCEPTED) {
        return s->in_flight ? ASSESS_DEMAND_SOME : ASSESS_DEMAND_NONE;
    }
    if (p->threads.accepted || !w->busy) return ASSESS_DEMAND_UNKNOWN;
    return is_busy(w, (double)s->time * 1e-9) ? ASSESS_DEMAND_SOME : ASSESS_DEMAND_NONE;
}

static uint32_t python_function(struct work *w, struct process *p, uint32_t code) {
    if (p->functions[code]) return p->functions[code] - 1;
    const struct assess_trace_code *c = &p->trace.codes[code];
    char *place = assess_format(&w->pool, "%s:%u", assess_short_path(c->file), c->first_line);
    uint32_t f = place ? assess_build_function(&w->build, c->name, place, true) : UINT32_MAX;
    if (f != UINT32_MAX) p->functions[code] = f + 1;
    return f;
}

static uint32_t native_function(struct work *w, struct process *p, uint64_t address, bool returns) {
    uint32_t index = assess_image_site(&p->image, address, returns);
    if (index == UINT32_MAX) return UINT32_MAX;
    struct assess_site *site = &p->image.sites[index];
    if (site->function != UINT32_MAX) return site->function;
    bool known = site->object != UINT32_MAX;
    const char *name = site->name, *readable = name ? assess_demangle(name, &w->pool) : NULL;
    if (readable) name = readable;
    if (!name && known) { name = assess_format(&w->pool, "0x%llx", (unsigned long long)site->low); }
    if (!name) name = known ? "" : "code of no file";
    const char *place = known ? p->trace.objects[site->object].base : "";
    site->function = assess_build_function(&w->build, name, place, false);
    return site->function;
}

/* A trace's stack as the profile has it: Python from the root, then native down to the leaf,
 * without the interpreter's loop. */
static bool merge_stack(struct work *w, struct process *p, uint32_t index, struct merged *m) {
    static uint32_t none;
    if (index == UINT32_MAX) {
        m->frames = &none;
        return true;
    }
    const struct assess_trace_stack *s = &p->trace.stacks[index];
    m->frames =
        assess_alloc_array(&w->pool, (size_t)s->py_count + s->native_count, sizeof *m->frames);
    if (!m->frames) return false;
    for (size_t i = s->py_count; i-- > 0;) {
        uint32_t f = python_function(w, p, s->py[i].code);
        if (f == UINT32_MAX) return false;
        m->frames[m->depth++] = f;
    }
    for (size_t i = s->native_count; i-- > 0;) {
        uint32_t f = native_function(w, p, s->native[i], i > 0);
        if (f == UINT32_MAX) return false;
        uint32_t site = assess_image_site(&p->image, s->native[i], i > 0);
        bool loop = s->py_count && p->image.sites[site].loop;
        if (!loop) m->frames[m->depth++] = f;
    }
    return true;
}

static uint32_t profile_stack(struct work *w, struct process *p, uint32_t index,
                              enum assess_bucket bucket) {
    struct merged *m = &p->merged[index == UINT32_MAX ? p->trace.stack_count : index];
    if (!m->frames && !merge_stack(w, p, index, m)) return UINT32_MAX;
    if (m->by_bucket[bucket] == 0) {
        uint32_t stack = assess_build_stack(&w->build, m->frames, m->depth, bucket);
        if (stack == UINT32_MAX) return UINT32_MAX;
        m->by_bucket[bucket] = stack + 1;
    }
    return m->by_bucket[bucket] - 1;
}

static int count_sample(struct work *w, struct process *p, const struct assess_held *held,
                        struct ashore_error *err) {
    const struct assess_rec_sample *s = &held->sample;
    struct assess_seen *thread = assess_threads_find(&p->threads, s->tid);
    uint32_t stack = thread ? profile_stack(w, p, s->stack, held->bucket) : UINT32_MAX;
    if (stack == UINT32_MAX) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    double seconds = s->weight * 1e-9, end = (double)s->time * 1e-9;
    p->sums.seconds[held->bucket] += seconds;
    w->build.stacks[stack].seconds += seconds;
    if (s->stack != UINT32_MAX) {
        uint32_t flags = p->trace.stacks[s->stack].flags;
        bool caller_known = facts_of(p, s->stack)->owner != UINT32_MAX;
        if (flags & ASSESS_STACK_PY_CUT) w->cut_py += seconds;
        if ((flags & ASSESS_STACK_NATIVE_CUT) && !caller_known) w->cut_native += seconds;
    }
    struct assess_span span = {end - seconds, end, p->trace.start.pid, s->tid, stack};
    assess_build_span(&w->build, &thread->last_span, span);
    return ASHORE_OK;
}

/* Counts what has been held back long enough, or all of it. */
static int count_held(struct work *w, struct process *p, struct assess_ticks *ticks, bool all,
                      struct ashore_error *err) {
    struct assess_held held;
    while (assess_ticks_take(ticks, all, &held)) ASSESS_TRY(count_sample(w, p, &held, err));
    return ASHORE_OK;
}

static int attribute(struct work *w, struct process *p, struct ashore_error *err) {
    struct assess_ticks ticks = {.held = w->held};
    struct assess_held held;
    struct assess_rec_sample *s = &held.sample;
    ASSESS_TRY(assess_trace_rewind(&p->trace, err));
    int more;
    while ((more = assess_trace_next(&p->trace, s, err)) > 0) {
        if (!in_window(w, s->time)) continue;
        struct assess_seen *thread = assess_threads_find(&p->threads, s->tid);
        if (!thread) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
        if (!assess_threads_counts(thread, s->time)) continue;
        const struct assess_stack_facts *facts = facts_of(p, s->stack);
        held.bucket = assess_threads_classify(&p->threads, thread, s, facts, demand_at(w, p, s));
        held.loop = assess_ticks_is_loop(s, facts, held.bucket);
        assess_ticks_put(&ticks, &held);
        ASSESS_TRY(count_held(w, p, &ticks, false, err));
    }
    ASSESS_TRY(more);
    return count_held(w, p, &ticks, true, err);
}

/* ---- what goes into the profile beside time -------------------------------------------------- */

static void add_process(struct work *w, struct process *p, struct assess_profile *profile) {
    const struct assess_trace *t = &p->trace;
    struct assess_process *to = &p->sums;
    struct assess_pool *pool = w->build.pool;
    to->pid = t->start.pid;
    to->parent = t->start.parent;
    to->command = assess_copy_text(pool, t->command, strlen(t->command));
    if (t->has_python) {
        to->python = assess_format(pool, "%u.%u.%u", t->python.version >> 24,
                                   t->python.version >> 16 & 255, t->python.version >> 8 & 255);
    }
    int64_t last = t->has_end && t->end.time > 0 ? t->end.time : p->threads.last;
    to->wall = (double)last * 1e-9 - (double)t->start.time * 1e-9;
    if (to->wall < 0) to->wall = 0;
    if (t->has_end) {
        to->sampler_cpu = (double)t->end.sampler_cpu * 1e-9;
        to->handler_seconds = (double)t->end.handler_time * 1e-9;
        to->missed = t->end.missed;
        to->lost = t->end.lost;
        to->complete = true;
    }
    if (profile->hz < t->start.hz) profile->hz = t->start.hz;
    profile->samples += to->samples;
    for (int b = 0; b < ASSESS_BUCKETS; b++) profile->seconds[b] += to->seconds[b];
    profile->processes[profile->process_count++] = *to;
}

static void note_process(struct work *w, const struct process *p) {
    const struct assess_trace *t = &p->trace;
    unsigned pid = t->start.pid;
    for (size_t i = 0; i < t->note_count; i++) {
        assess_build_note(&w->build, "process %u: %s", pid, t->notes[i]);
    }
    if (!t->has_end) {
        assess_build_note(&w->build,
                          "process %u (%.200s) did not end in order: it was killed or crashed, or "
                          "still runs; what it did until then counts",
                          pid, t->command);
        return;
    }
    if (t->end.lost) {
        assess_build_note(&w->build, "process %u: %llu samples were lost", pid,
                          (unsigned long long)t->end.lost);
    }
    if ((double)t->end.missed > 0.05 * (double)t->end.ticks) {
        assess_build_note(&w->build,
                          "process %u: %llu of %llu ticks came too late and were left out: the "
                          "machine is busy",
                          pid, (unsigned long long)t->end.missed,
                          (unsigned long long)(t->end.missed + t->end.ticks));
    }
}

/* More owners than this are of a trace that was made up. */
enum { OWNERS_MOST = 256 };

/* By name of owner; a parked Python thread's owner is the function that it waits in. */
static void add_worker(struct work *w, struct assess_profile *profile, const char *owner,
                       const struct assess_seen *thread, size_t *room) {
    size_t i = 0;
    if (profile->worker_count >= OWNERS_MOST) owner = "other";
    while (i < profile->worker_count && strcmp(profile->workers[i].owner, owner) != 0) i++;
    if (i == profile->worker_count) {
        if (!assess_grow((void **)&profile->workers, i, room, sizeof *profile->workers)) {
            w->build.failed = true;
            return;
        }
        profile->workers[profile->worker_count++] = (struct assess_worker){.owner = owner};
    }
    struct assess_worker *to = &profile->workers[i];
    to->threads++;
    to->busy += thread->busy;
    to->spinning += thread->spinning;
    to->waiting += thread->waiting;
}

static const char *owner_of(struct work *w, const struct process *p,
                            const struct assess_seen *thread) {
    struct assess_pool *pool = w->build.pool;
    const struct assess_trace *t = &p->trace;
    if (thread->python) {
        const struct assess_trace_stack *stack =
            thread->waits_in == UINT32_MAX ? NULL : &t->stacks[thread->waits_in];
        if (!stack || !stack->py_count) return "Python";
        return assess_format(pool, "Python, waiting in %s", t->codes[stack->py[0].code].name);
    }
    if (thread->owner == UINT32_MAX) return "other";
    const char *base = t->objects[thread->owner].base;
    return assess_copy_text(pool, base, strlen(base));
}

static void add_threads(struct work *w, struct process *p, struct assess_profile *profile,
                        size_t rooms[2]) {
    for (size_t i = 0; i < p->threads.count; i++) {
        struct assess_seen *thread = &p->threads.threads[i];
        if (thread->weight <= 0) continue;
        if (!assess_grow((void **)&profile->threads, profile->thread_count, &rooms[0],
                         sizeof *profile->threads)) {
            w->build.failed = true;
            return;
        }
        bool request = thread->python && !thread->only_waits;
        profile->threads[profile->thread_count++] = (struct assess_thread){
            p->trace.start.pid, thread->tid,
            assess_copy_text(w->build.pool, thread->name, strlen(thread->name)), request};
        const char *owner = request ? NULL : owner_of(w, p, thread);
        if (owner) add_worker(w, profile, owner, thread, &rooms[1]);
    }
}

/* Moves an array that grew on the heap into the pool. */
static bool settle(struct assess_pool *pool, void *items_at, size_t count, size_t size) {
    void *items;
    memcpy(&items, items_at, sizeof items);
    void *copy = assess_alloc_array(pool, count, size);
    if (copy && count) memcpy(copy, items, count * size);
    assess_realloc(items, 0);
    memcpy(items_at, &copy, sizeof copy);
    return copy != NULL;
}

static void note_cuts(struct work *w, double whole) {
    if (w->cut_py > 0.05 * whole) {
        assess_build_note(&w->build,
                          "%.0f %% of the time was in Python stacks too deep to be "
                          "read to their root: stages are of what was read",
                          100 * w->cut_py / whole);
    }
    if (w->cut_native > 0.05 * whole) {
        assess_build_note(&w->build,
                          "%.0f %% of the time was in native stacks that could not be "
                          "read whole: who called is not known there",
                          100 * w->cut_native / whole);
    }
}

static int assemble(struct work *w, struct assess_profile *profile, struct ashore_error *err) {
    profile->processes = assess_alloc_array(w->build.pool, w->count, sizeof *profile->processes);
    bool good = profile->processes != NULL;
    size_t rooms[2] = {0, 0};
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; good && i < w->count; i++) {
        struct process *p = &w->processes[i];
        if (!p->trace.started) continue;
        add_process(w, p, profile);
        note_process(w, p);
        add_threads(w, p, profile, rooms);
        if (p->threads.any && p->threads.first < first) first = p->threads.first;
        if (p->threads.any && p->threads.last > last) last = p->threads.last;
    }
    note_cuts(w, assess_sum(profile->seconds));
    good =
        settle(w->build.pool, &profile->threads, profile->thread_count, sizeof *profile->threads) &&
        good;
    good =
        settle(w->build.pool, &profile->workers, profile->worker_count, sizeof *profile->workers) &&
        good;
    profile->source = "sampled";
    profile->begin = w->begin > 0 ? w->begin : first < INT64_MAX ? (double)first * 1e-9 : 0;
    profile->end = w->end > 0 ? w->end : (double)last * 1e-9;
    if (!good) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    return assess_build_finish(&w->build, profile, err);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Says why there is nothing to attribute, if there is nothing. */
static int check_python(const struct work *w, struct ashore_error *err) {
    const struct assess_trace *refused = NULL, *started = NULL;
    bool python = false;
    uint64_t samples = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct assess_trace *t = &w->processes[i].trace;
        if (t->started && !started) started = t;
        if (t->has_python && t->python.refused) refused = t;
        if (!t->has_python || t->python.refused) continue;
        python = true;
        samples += w->processes[i].sums.samples;
    }
    if (python && samples) return ASHORE_OK;
    if (python) {
        return assess_fail(err, ASHORE_ERR_STATE,
                           "profile: no samples in the window: the program ended before it, or "
                           "nothing ran");
    }
    if (refused) {
        return assess_fail(err, ASHORE_ERR_STATE, "profile: %.400s",
                           refused->note_count ? refused->notes[refused->note_count - 1]
                                               : "this interpreter cannot be read");
    }
    if (started) {
        return assess_fail(err, ASHORE_ERR_STATE,
                           "profile: no CPython was seen: the program is \"%.200s\"",
                           started->command);
    }
    return assess_fail(
        err, ASHORE_ERR_STATE,
        "no CPython was seen: the program holds none, or could not load the sampler, "
        "as one that is linked statically or runs as another user");
}

/* Intervals that touch become one. */
static int take_busy(struct work *w, const double (*busy)[2], size_t count,
                     struct ashore_error *err) {
    if (!busy) return ASHORE_OK;
    w->busy = assess_alloc_array(&w->pool, count, sizeof *w->busy);
    if (!w->busy) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    for (size_t i = 0; i < count; i++) {
        double *before = w->busy_count ? w->busy[w->busy_count - 1] : NULL;
        if (before && busy[i][0] <= before[1]) {
            if (busy[i][1] > before[1]) before[1] = busy[i][1];
            continue;
        }
        memcpy(w->busy[w->busy_count++], busy[i], sizeof busy[i]);
    }
    return ASHORE_OK;
}

static int judge_threads(struct work *w, struct ashore_error *err) {
    struct assess_threads **threads = assess_alloc_array(&w->pool, w->count, sizeof *threads);
    uint32_t *pids = assess_alloc_array(&w->pool, w->count, sizeof *pids);
    if (!threads || !pids) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    for (size_t i = 0; i < w->count; i++) {
        threads[i] = &w->processes[i].threads;
        pids[i] = w->processes[i].trace.start.pid;
    }
    assess_threads_judge(threads, pids, w->count);
    return ASHORE_OK;
}

static int read_all(struct work *w, const char *folder, struct assess_profile *profile,
                    struct ashore_error *err) {
    ASSESS_TRY(list_files(w, folder, err));
    w->processes = assess_alloc_array(&w->pool, w->path_count, sizeof *w->processes);
    if (!w->processes) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    for (; w->count < w->path_count; w->count++) {
        struct process *p = &w->processes[w->count];
        int code = assess_trace_open(w->paths[w->count], &w->pool, &p->trace, err);
        if (code >= 0) code = survey(w, p, err);
        if (code < 0) {
            w->count++;
            return code;
        }
    }
    ASSESS_TRY(check_python(w, err));
    ASSESS_TRY(judge_threads(w, err));
    w->held = assess_alloc_array(&w->pool, ASSESS_HELD, sizeof *w->held);
    if (!w->held) return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
    for (size_t i = 0; i < w->count; i++) ASSESS_TRY(attribute(w, &w->processes[i], err));
    return assemble(w, profile, err);
}

int assess_profile_trace(const char *folder, const struct assess_rules *rules, double begin,
                         double end, const double (*busy_from_load)[2], size_t busy_count,
                         struct assess_pool *pool, struct assess_profile *profile,
                         struct ashore_error *err) {
    struct work w = {.rules = rules, .begin = begin, .end = end, .build = {.pool = pool}};
    *profile = (struct assess_profile){0};
    int code = take_busy(&w, busy_from_load, busy_count, err);
    if (code >= 0) code = read_all(&w, folder, profile, err);
    if (code < 0) *profile = (struct assess_profile){0};
    for (size_t i = 0; i < w.count; i++) {
        assess_image_deinit(&w.processes[i].image);
        assess_threads_deinit(&w.processes[i].threads);
        assess_trace_close(&w.processes[i].trace);
    }
    assess_symbol_files_deinit(&w.files);
    assess_build_deinit(&w.build);
    assess_realloc(w.paths, 0);
    assess_pool_deinit(&w.pool);
    return code;
}
