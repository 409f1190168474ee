#include "classify.h"

#include <string.h>
#include <sys/syscall.h>

/* ---- system calls --------------------------------------------------------------------------- */

/* Those of old that only some processors have are named where they are. */
static const struct {
    int number;
    enum assess_wait wait;
} waits[] = {
    {SYS_futex, ASSESS_WAIT_LOCK},
#ifdef SYS_futex_waitv
    {SYS_futex_waitv, ASSESS_WAIT_LOCK},
#endif
    {SYS_semtimedop, ASSESS_WAIT_LOCK},
    {SYS_semop, ASSESS_WAIT_LOCK},
    {SYS_nanosleep, ASSESS_WAIT_TIME},
    {SYS_clock_nanosleep, ASSESS_WAIT_TIME},
    {SYS_pselect6, ASSESS_WAIT_PEER},
    {SYS_ppoll, ASSESS_WAIT_PEER},
    {SYS_epoll_pwait, ASSESS_WAIT_PEER},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, ASSESS_WAIT_PEER},
#endif
#ifdef SYS_select
    {SYS_select, ASSESS_WAIT_PEER},
#endif
#ifdef SYS_poll
    {SYS_poll, ASSESS_WAIT_PEER},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, ASSESS_WAIT_PEER},
#endif
    {SYS_read, ASSESS_WAIT_PEER},
    {SYS_readv, ASSESS_WAIT_PEER},
    {SYS_recvfrom, ASSESS_WAIT_PEER},
    {SYS_recvmsg, ASSESS_WAIT_PEER},
    {SYS_recvmmsg, ASSESS_WAIT_PEER},
    {SYS_accept, ASSESS_WAIT_PEER},
    {SYS_accept4, ASSESS_WAIT_PEER},
    {SYS_wait4, ASSESS_WAIT_PEER},
    {SYS_waitid, ASSESS_WAIT_PEER},
    {SYS_msgrcv, ASSESS_WAIT_PEER},
    {SYS_mq_timedreceive, ASSESS_WAIT_PEER},
    {SYS_io_getevents, ASSESS_WAIT_PEER},
    {SYS_restart_syscall, ASSESS_WAIT_PEER},
#ifdef SYS_io_uring_enter
    {SYS_io_uring_enter, ASSESS_WAIT_PEER},
#endif
    {SYS_rt_sigtimedwait, ASSESS_WAIT_SIGNAL},
    {SYS_rt_sigsuspend, ASSESS_WAIT_SIGNAL},
#ifdef SYS_pause
    {SYS_pause, ASSESS_WAIT_SIGNAL},
#endif
    {SYS_sched_yield, ASSESS_WAIT_YIELD},
    {SYS_mmap, ASSESS_WAIT_NOT},
    {SYS_munmap, ASSESS_WAIT_NOT},
    {SYS_mremap, ASSESS_WAIT_NOT},
    {SYS_mprotect, ASSESS_WAIT_NOT},
    {SYS_madvise, ASSESS_WAIT_NOT},
    {SYS_brk, ASSESS_WAIT_NOT},
};

/* select and poll of no file are old ways to sleep. */
static bool is_sleep(const struct assess_rec_sample *s) {
    if (s->syscall == SYS_pselect6) return s->args[0] == 0;
    if (s->syscall == SYS_ppoll) return s->args[1] == 0;
#ifdef SYS_select
    if (s->syscall == SYS_select) return s->args[0] == 0;
#endif
#ifdef SYS_poll
    if (s->syscall == SYS_poll) return s->args[1] == 0;
#endif
    return false;
}

static enum assess_wait wait_in_call(const struct assess_rec_sample *sample) {
    if (is_sleep(sample)) return ASSESS_WAIT_TIME;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (waits[i].number == sample->syscall) return waits[i].wait;
    }
    return ASSESS_WAIT_DISK;
}

enum assess_wait assess_wait_of(const struct assess_rec_sample *sample,
                                const struct assess_stack_facts *facts) {
    return sample->syscall < 0 ? (enum assess_wait)facts->leaf_wait : wait_in_call(sample);
}

/* Functions of the C library that do nothing but wait.  A thread that is seen on the processor in
 * one goes to sleep, or has been woken and waits for its turn. */
static const struct {
    const char *name;
    enum assess_wait wait;
} waiters[] = {
    {"pthread_cond_wait", ASSESS_WAIT_LOCK},
    {"pthread_cond_timedwait", ASSESS_WAIT_LOCK},
    {"pthread_cond_clockwait", ASSESS_WAIT_LOCK},
    {"pthread_mutex_lock", ASSESS_WAIT_LOCK},
    {"pthread_mutex_timedlock", ASSESS_WAIT_LOCK},
    {"pthread_mutex_clocklock", ASSESS_WAIT_LOCK},
    {"pthread_barrier_wait", ASSESS_WAIT_LOCK},
    {"sem_wait", ASSESS_WAIT_LOCK},
    {"sem_timedwait", ASSESS_WAIT_LOCK},
    {"sem_clockwait", ASSESS_WAIT_LOCK},
    {"lll_lock_wait", ASSESS_WAIT_LOCK},
    {"nanosleep", ASSESS_WAIT_TIME},
    {"clock_nanosleep", ASSESS_WAIT_TIME},
    {"usleep", ASSESS_WAIT_TIME},
    {"poll", ASSESS_WAIT_PEER},
    {"ppoll", ASSESS_WAIT_PEER},
    {"select", ASSESS_WAIT_PEER},
    {"pselect", ASSESS_WAIT_PEER},
    {"epoll_wait", ASSESS_WAIT_PEER},
    {"epoll_pwait", ASSESS_WAIT_PEER},
    {"epoll_pwait2", ASSESS_WAIT_PEER},
    {"wait4", ASSESS_WAIT_PEER},
    {"waitpid", ASSESS_WAIT_PEER},
    {"waitid", ASSESS_WAIT_PEER},
    {"accept", ASSESS_WAIT_PEER},
    {"accept4", ASSESS_WAIT_PEER},
};

static enum assess_wait wait_by_name(const char *name) {
    name = assess_plain_name(name);
    for (size_t i = 0; i < sizeof waiters / sizeof *waiters; i++) {
        if (strcmp(name, waiters[i].name) == 0) return waiters[i].wait;
    }
    return ASSESS_WAIT_NOT;
}

/* ---- Python frames -------------------------------------------------------------------------- */

/* Functions that only wait, for whoever called them. */
static const char *const waiting[] = {
    "threading.py:wait",
    "threading.py:wait_for",
    "threading.py:acquire",
    "threading.py:__enter__",
    "threading.py:_wait_for_tstate_lock",
    "queue.py:get",
    "multiprocessing/queues.py:get",
    "multiprocessing/connection.py:*",
    "multiprocessing/synchronize.py:*",
    "multiprocessing/popen_fork.py:*",
    "selectors.py:select",
};
static const char *const taking[] = {"queue.py:get", "multiprocessing/queues.py:get"};
static const char *const multiplexing[] = {
    "selectors.py:select",           "asyncio/base_events.py:_run_once", "asyncio/runners.py:run",
    "socketserver.py:serve_forever", "gunicorn/workers/gthread.py:run",
};

#define ANY_OF(list, code) any_of(list, sizeof(list) / sizeof *(list), code)
static bool any_of(const char *const *patterns, size_t count,
                   const struct assess_trace_code *code) {
    for (size_t i = 0; i < count; i++) {
        if (assess_rule_fits_python(patterns[i], code->file, code->name)) return true;
    }
    return false;
}

/* A thread's own function that takes its work from a queue: below it there is nothing but the
 * beginning of a thread. */
static bool is_workers_root(const struct assess_trace *trace,
                            const struct assess_trace_stack *stack, size_t frame) {
    if ((stack->flags & ASSESS_STACK_PY_CUT) || frame + 1 >= stack->py_count) return false;
    for (size_t i = frame + 1; i < stack->py_count; i++) {
        const struct assess_trace_code *code = &trace->codes[stack->py[i].code];
        if (!assess_rule_fits_python("threading.py", code->file, code->name)) return false;
    }
    return true;
}

/* What rules say of the innermost function that does more than wait. */
static enum assess_bucket bucket_of_wait(const struct assess_image *image,
                                         const struct assess_trace_stack *stack, bool queue) {
    const struct assess_trace *trace = image->trace;
    size_t i = 0;
    for (; i < stack->py_count; i++) {
        const struct assess_trace_code *code = &trace->codes[stack->py[i].code];
        queue = queue || ANY_OF(taking, code);
        if (!ANY_OF(waiting, code)) break;
    }
    if (i == stack->py_count) return ASSESS_BUCKETS;
    const struct assess_trace_code *code = &trace->codes[stack->py[i].code];
    enum assess_bucket bucket = assess_rules_python(image->rules, code->file, code->name);
    bool waits_by_rule = bucket == ASSESS_IDLE || bucket == ASSESS_IO ||
                         bucket == ASSESS_LOCK_WAIT || bucket == ASSESS_DEVICE_WAIT;
    if (waits_by_rule) return bucket;
    return queue && is_workers_root(trace, stack, i) ? ASSESS_IDLE : ASSESS_BUCKETS;
}

static uint64_t hash_python(const struct assess_trace_stack *stack, uint64_t seed) {
    for (size_t i = 0; i < stack->py_count; i++) {
        seed = assess_hash(seed, &stack->py[i].code, sizeof stack->py[i].code);
    }
    return seed;
}

/* ---- native frames -------------------------------------------------------------------------- */

/* What the way from the leaf to the owner shows. */
struct walk {
    size_t owner;           /* frame; native_count: none */
    uint8_t kind;           /* of the owner */
    uint8_t plain;          /* bucket of the first C library function that has one */
    bool outer_marshalling; /* a serialiser called the owner */
    uint32_t library;       /* first object that is neither C library nor interpreter */
};

static int look_at_frame(struct assess_image *image, const struct assess_trace_stack *stack,
                         size_t i, struct walk *walk, struct assess_stack_facts *facts) {
    uint32_t index = assess_image_site(image, stack->native[i], i > 0);
    if (index == UINT32_MAX) return ASHORE_ERR_NOMEM;
    const struct assess_site *site = &image->sites[index];
    bool other = site->kind == ASSESS_SITE_OTHER;
    if (other && walk->library == UINT32_MAX) {
        walk->library = site->object;
        facts->wait_bucket = site->by_object;
    }
    if (site->kind == ASSESS_SITE_PLAIN) {
        if (walk->owner != stack->native_count) return ASHORE_OK;
        if (walk->plain == ASSESS_BUCKETS) walk->plain = site->by_function;
        if (facts->leaf_wait == ASSESS_WAIT_NOT && site->name) {
            facts->leaf_wait = (uint8_t)wait_by_name(site->name);
            facts->for_gil = strncmp(assess_plain_name(site->name), "pthread_", 8) == 0;
        }
        facts->yields = facts->yields || site->yields;
        return ASHORE_OK;
    }
    if (walk->owner == stack->native_count) {
        walk->owner = i;
        walk->kind = site->kind;
    } else if ((other && site->by_object == ASSESS_MARSHALLING) ||
               site->by_function == ASSESS_MARSHALLING) {
        walk->outer_marshalling = true;
    }
    return ASHORE_OK;
}

/* NumPy's casts and copies are functions of one object with its arithmetic. */
static bool is_cast(const struct assess_image *image, const struct assess_site *site) {
    static const char *const parts[] = {"cast", "copy", "Copy", "_to_", "strided_", "memmove"};
    if (!site->name || site->object == UINT32_MAX) return false;
    if (strncmp(image->trace->objects[site->object].base, "_multiarray_umath", 17) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(site->name, parts[i])) return true;
    }
    return false;
}

/* Text, lists and the like are built of copies too, but small ones: they are what Python code does.
 * Bytes and buffers are not among them. */
static bool is_building(const struct assess_site *site) {
    static const char *const parts[] = {"Unicode", "unicode", "PyList", "PyDict", "PyTuple",
                                        "PyLong",  "PySet",   "PyEval", "PyFrame"};
    if (!site || site->kind != ASSESS_SITE_PYTHON || !site->name) return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(site->name, parts[i])) return true;
    }
    return false;
}

static enum assess_bucket of_python(const struct assess_image *image,
                                    const struct assess_trace_stack *stack,
                                    const struct assess_site *site, const struct walk *walk) {
    if (site && site->by_function != ASSESS_BUCKETS) return site->by_function;
    if (walk->outer_marshalling) return ASSESS_MARSHALLING;
    if (stack->py_count == 0) return ASSESS_INTERPRETER;
    const struct assess_trace_code *code = &image->trace->codes[stack->py[0].code];
    enum assess_bucket bucket = assess_rules_python(image->rules, code->file, code->name);
    bool works = bucket == ASSESS_COMPUTE || bucket == ASSESS_MARSHALLING || bucket == ASSESS_GC ||
                 bucket == ASSESS_UNKNOWN;
    return works ? bucket : ASSESS_INTERPRETER;
}

static enum assess_bucket of_library(const struct assess_image *image,
                                     const struct assess_site *site, const struct walk *walk) {
    if (site->by_function != ASSESS_BUCKETS) return site->by_function;
    if (walk->outer_marshalling || is_cast(image, site)) return ASSESS_MARSHALLING;
    return site->by_object != ASSESS_BUCKETS ? site->by_object : ASSESS_COMPUTE;
}

static enum assess_bucket running_bucket(const struct assess_image *image,
                                         const struct assess_trace_stack *stack,
                                         const struct assess_site *site, const struct walk *walk,
                                         bool yields) {
    uint8_t library = site ? site->by_object : ASSESS_BUCKETS;
    if (library == ASSESS_DEVICE_WAIT && walk->plain != ASSESS_MARSHALLING) {
        return ASSESS_DEVICE_WAIT;
    }
    if (yields) return library == ASSESS_COMPUTE ? ASSESS_COMPUTE : ASSESS_LOCK_WAIT;
    bool builds = walk->plain == ASSESS_MARSHALLING && is_building(site);
    if (walk->plain != ASSESS_BUCKETS && !builds) return walk->plain;
    if (walk->kind == ASSESS_SITE_PYTHON) return of_python(image, stack, site, walk);
    if (walk->kind == ASSESS_SITE_OTHER) return of_library(image, site, walk);
    return ASSESS_UNKNOWN;
}

int assess_classify_stack(struct assess_image *image, uint32_t stack_index,
                          struct assess_stack_facts *facts, struct ashore_error *err) {
    *facts = (struct assess_stack_facts){.running = ASSESS_UNKNOWN,
                                         .waits = ASSESS_BUCKETS,
                                         .wait_bucket = ASSESS_BUCKETS,
                                         .owner = UINT32_MAX};
    if (stack_index == UINT32_MAX) return ASHORE_OK;
    const struct assess_trace_stack *stack = &image->trace->stacks[stack_index];
    struct walk walk = {.owner = stack->native_count,
                        .kind = ASSESS_SITE_NONE,
                        .plain = ASSESS_BUCKETS,
                        .library = UINT32_MAX};
    for (size_t i = 0; i < stack->native_count; i++) {
        if (look_at_frame(image, stack, i, &walk, facts) < 0) {
            return assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
        }
    }
    const struct assess_site *site = NULL;
    if (walk.owner < stack->native_count) {
        /* It is there: it has just been looked at. */
        site = &image->sites[assess_image_site(image, stack->native[walk.owner], walk.owner > 0)];
    } else if (stack->py_count && !(stack->flags & ASSESS_STACK_NATIVE_CUT)) {
        walk.kind = ASSESS_SITE_PYTHON; /* the interpreter's loop called the C library */
    }
    facts->owner = walk.library;
    /* The interpreter's other locks are semaphores. */
    facts->for_gil =
        facts->for_gil && facts->leaf_wait == ASSESS_WAIT_LOCK && walk.library == UINT32_MAX;
    facts->running = (uint8_t)running_bucket(image, stack, site, &walk, facts->yields);
    bool queue = walk.library != UINT32_MAX &&
                 strncmp(image->trace->objects[walk.library].base, "_queue.", 7) == 0;
    facts->waits = (uint8_t)bucket_of_wait(image, stack, queue);
    facts->multiplexes =
        stack->py_count && ANY_OF(multiplexing, &image->trace->codes[stack->py[0].code]);
    facts->python = hash_python(stack, image->seed);
    facts->unanswered = stack->py_count && !stack->native_count;
    if (stack->py_count) facts->line = assess_hash(image->seed, stack->py, sizeof *stack->py);
    return ASHORE_OK;
}

/* ---- samples -------------------------------------------------------------------------------- */

static enum assess_bucket blocked_bucket(enum assess_wait wait,
                                         const struct assess_stack_facts *facts,
                                         enum assess_demand demand) {
    bool computes = facts->wait_bucket == ASSESS_COMPUTE;
    bool by_rule = facts->waits != ASSESS_BUCKETS;
    switch (wait) {
    case ASSESS_WAIT_YIELD:
        return computes ? ASSESS_COMPUTE : ASSESS_LOCK_WAIT;
    case ASSESS_WAIT_LOCK:
        if (computes) return ASSESS_COMPUTE;
        if (by_rule) return facts->waits;
        return demand == ASSESS_DEMAND_NONE ? ASSESS_IDLE : ASSESS_LOCK_WAIT;
    case ASSESS_WAIT_TIME:
        if (by_rule) return facts->waits;
        return demand == ASSESS_DEMAND_SOME ? ASSESS_IO : ASSESS_IDLE;
    case ASSESS_WAIT_PEER:
        if (by_rule) return facts->waits;
        return demand == ASSESS_DEMAND_NONE ? ASSESS_IDLE : ASSESS_IO;
    case ASSESS_WAIT_SIGNAL:
        return ASSESS_IDLE;
    case ASSESS_WAIT_DISK:
        return ASSESS_IO;
    case ASSESS_WAIT_NOT:
        break;
    }
    return facts->running;
}

enum assess_bucket assess_classify(const struct assess_rec_sample *sample,
                                   const struct assess_stack_facts *facts,
                                   enum assess_demand demand) {
    if (sample->flags & ASSESS_SAMPLE_GIL_WAIT) return ASSESS_GIL_WAIT;
    if (sample->flags & ASSESS_SAMPLE_GC) return ASSESS_GC;
    enum assess_wait wait = assess_wait_of(sample, facts);
    if (sample->syscall < 0) {
        bool holds = sample->flags & ASSESS_SAMPLE_HOLDS_GIL;
        if (facts->for_gil && !holds) return ASSESS_GIL_WAIT;
        /* Native code that let go of the interpreter, but which? */
        if (facts->unanswered && !holds) return ASSESS_UNKNOWN;
        if (facts->running == ASSESS_DEVICE_WAIT) return ASSESS_DEVICE_WAIT;
        return blocked_bucket(wait, facts, demand);
    }
    if (sample->flags & ASSESS_SAMPLE_FOR_REQUEST) return ASSESS_IDLE;
    if (facts->wait_bucket == ASSESS_DEVICE_WAIT) return ASSESS_DEVICE_WAIT;
    return blocked_bucket(wait, facts, demand);
}
