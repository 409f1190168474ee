/* Where wall time went, whatever it was measured with: our sampler (profile_trace.c) or a file of
 * another profiler (import_*.c).
 *
 * Times are thread-seconds unless said otherwise.  Everything is in memory of the pool that the
 * profile was made with.  Names are as the program had them: any byte; whoever prints cleans. */
#ifndef ASH_ASSESS_PROFILE_H
#define ASH_ASSESS_PROFILE_H

#include "assess_base.h"
#include "buckets.h"

/* One function, Python or native, that time was spent in. */
struct assess_function {
    const char *name;            /* "Tokenizer.split", "cblas_sgemm", "0x1a2b0" */
    const char *place;           /* "app.py:12", "libopenblas.so.0" */
    bool python;                 /* otherwise native */
    double self[ASSESS_BUCKETS]; /* it was the leaf; for Python functions: the innermost one */
    double total;                /* it was anywhere on the stack, counted once */
};

/* A part of a request's work: a function that its handler calls (see assess_profile_trace). */
struct assess_stage {
    const char *name, *place;
    double seconds[ASSESS_BUCKETS];
};

/* Threads without Python (BLAS, runtimes), or Python threads that only ever waited, by owner. */
struct assess_worker {
    const char *owner; /* "libopenblas.so.0" */
    size_t threads;
    double busy, spinning, waiting;
};

struct assess_process {
    uint32_t pid, parent;
    const char *command;
    const char *python; /* "3.11.2"; NULL: none was seen */
    double seconds[ASSESS_BUCKETS];
    double sampler_cpu, handler_seconds, wall; /* s */
    uint64_t samples, missed, lost;
    bool complete; /* it ended in order; otherwise killed, or crashed */
};

/* Frames are root first, indices into functions. */
struct assess_stack {
    const uint32_t *frames;
    size_t depth;
    enum assess_bucket bucket;
    double seconds;
};

/* What one thread did from begin to end, for timelines; neighbours with the same stack are one. */
struct assess_span {
    double begin, end; /* s of CLOCK_MONOTONIC */
    uint32_t pid, tid;
    uint32_t stack; /* index into stacks */
};

struct assess_thread {
    uint32_t pid, tid;
    const char *name;
    bool request; /* a request thread: counted in buckets */
};

struct assess_profile {
    const char *source;             /* "sampled", "py-spy", "torch.profiler", "onnxruntime" */
    double begin, end;              /* s; the window that was taken */
    double seconds[ASSESS_BUCKETS]; /* request threads */
    struct assess_function *functions;
    size_t function_count;
    struct assess_stage *stages;
    size_t stage_count;
    struct assess_worker *workers;
    size_t worker_count;
    struct assess_process *processes;
    size_t process_count;
    struct assess_stack *stacks;
    size_t stack_count;
    struct assess_span *spans; /* sorted by begin; may be empty */
    size_t span_count;
    struct assess_thread *threads;
    size_t thread_count;
    const char **notes; /* what a reader of the numbers has to know */
    size_t note_count;
    double hz; /* of the sampler; 0: not sampled */
    uint64_t samples;
    bool has_device;       /* the source says what a device did */
    double device_busy;    /* share of wall time, 0 to 1 */
    double device_starved; /* share of wall time in which work was there or coming, and none ran */
};

/* Share of bucket b in the time of all buckets, or of all but idle.  0 when there is no time. */
double assess_share(const double seconds[ASSESS_BUCKETS], enum assess_bucket b);
double assess_share_of_work(const double seconds[ASSESS_BUCKETS], enum assess_bucket b);
double assess_sum(const double seconds[ASSESS_BUCKETS]);

/* ---- profile_trace.c ---- */

struct assess_rules; /* rules.h */
/* Reads every trace file of the folder.  Samples outside of [begin, end] (s of CLOCK_MONOTONIC;
 * end 0: all) are left out.  busy_from_load: [count] pairs of begin and end (s) during which the
 * load generator had a request under way, sorted; NULL when there was no load.
 *
 * ASHORE_ERR_FORMAT for a damaged file; ASHORE_ERR_STATE, with the reason, when no process ran a
 * CPython that can be read. */
int assess_profile_trace(const char *folder, const struct assess_rules *rules, double begin,
                         double end, const double (*busy_from_load)[2], size_t busy_count,
                         struct assess_pool *pool, struct assess_profile *profile,
                         struct ashore_error *err);

/* ---- import_speedscope.c, import_chrome.c ---- */

/* Whatever of the known formats the file is: speedscope (py-spy, ours, others'), Chrome traces of
 * torch.profiler (Kineto), onnxruntime and py-spy.  Times count from the file's first event.
 *
 * ASHORE_ERR_FORMAT names the place in the file and what is understood; ASHORE_ERR_LIMIT for more
 * than 1 GiB, or 128 MiB of speedscope. */
int assess_profile_import(const char *path, const struct assess_rules *rules,
                          struct assess_pool *pool, struct assess_profile *profile,
                          struct ashore_error *err);

/* ---- export_speedscope.c, export_perfetto.c: written whole or not at all ---- */

int assess_export_speedscope(const struct assess_profile *profile, const char *path,
                             struct ashore_error *err);
int assess_export_perfetto(const struct assess_profile *profile, const char *path,
                           struct ashore_error *err);

#endif
