/* From measurements to a verdict: what is missed, what would help, what a port could give. */
#ifndef ASH_ASSESS_VERDICT_H
#define ASH_ASSESS_VERDICT_H

#include "load.h"
#include "profile.h"
#include "queue.h"
#include "stats.h"
#include "target.h"

/* The user's model, measured by running it; seconds are medians of warm runs. */
struct assess_model_timing {
    const char *path;
    double native, wasm;  /* s; 0: not measured */
    const char *wasm_why; /* why not, when it is not */
    double load_native;   /* s until a session exists */
    uint64_t bytes;       /* of the model file and its external data */
    double peak_bytes;    /* of the native engine; 0: not known */
};

/* Everything that was measured or given.  NULL and 0: was not. */
struct assess_evidence {
    const struct assess_target *targets;
    size_t target_count;
    double
        rate; /* requests/s that the targets hold at; 0: as fast as one request follows another */
    const struct assess_profile *profile;
    const struct assess_run *run;    /* at the target rate, or single stream */
    const struct assess_run *single; /* one request at a time: service times without a queue */
    const struct assess_sweep *sweep;
    const struct assess_run *repeats; /* further runs at the target rate, for the noise gate */
    size_t repeat_count;
    const struct assess_model_timing *model;
    double cold_start;     /* s from exec to the first answer */
    double first_import;   /* s of it before the first request thread or model ran; 0: not known */
    double peak_bytes;     /* of the process tree */
    double cores_used;     /* mean, during the run at the target rate */
    double download_bytes; /* of the closure that a client would load, compressed */
    double price;          /* money per core-second */
    double cores;          /* processors that the program may use; 0: not known */
    double other_cores;    /* mean that other programs used meanwhile; 0: none, or not known */
    double steal_share;    /* share of processor time that the hypervisor kept; 0: as above */
    double port_days, upkeep_days, day_cost; /* -1: not given */
    bool must_run_on_client;
    bool has_gpu;
    const char *partial; /* why measuring ended early; NULL: it did not */
};

enum assess_outcome {
    ASSESS_DONT_PORT,
    ASSESS_PORT,         /* in part (a helper for the hot loop) or whole: see the row */
    ASSESS_MEETS_TARGET, /* nothing is missed: nothing to do */
    ASSESS_INCONCLUSIVE  /* noise, too few requests, or what was missed was not measured */
};

/* One target against what was measured. */
struct assess_finding {
    const struct assess_target *target;
    struct assess_interval measured; /* in the target's unit */
    enum assess_claim claim;
    const char *words; /* "p99 is 61.2 ms (57.8 to 66.0, 95 % sure) at 200/s; wanted: 40 ms" */
};

/* How much faster a request would be, times (1: not at all, may be below 1), and the p99 that the
 * queue then gives at the target rate.  factor and speedup are NAN when nothing could be said; the
 * basis tells why. */
struct assess_ceiling {
    const char *name;               /* "optimistic", "realistic", "WebAssembly" */
    double factor;                  /* of service time: new / old */
    double speedup;                 /* 1 / factor */
    struct assess_interval latency; /* s at the first latency target's quantile; NAN: not known */
    bool meets;                     /* the first missed target, at the interval's high end */
    bool likely;                    /* at its value */
    const char *basis;              /* how it was computed, in a sentence with its numbers */
};

/* A row of the decision table: dominant bucket, target missed, what to do, whether a port pays. */
struct assess_row {
    const char *id; /* "interpreter" */
    const char *dominant, *missed, *intervention, *port_pays;
    bool fired;
    const char *why; /* why it fired, or why not, with the numbers */
};

struct assess_place { /* the comparison: python, C helper, native C++, CUDA, WebAssembly, Pyodide */
    const char *name, *latency, *reach, *boundary, *remark; /* latency: "not measured: no GPU" */
    bool recommended;
};

struct assess_account {
    bool given;
    double once, yearly; /* money */
    double saves_yearly; /* money a year by fewer cores; 0 when it is not for money */
    double break_even;   /* years; INFINITY: never */
    const char *words;   /* the whole account in a paragraph, or "cost not given" */
};

struct assess_verdict {
    enum assess_outcome outcome;
    const char *sentence;     /* the verdict: one sentence */
    const char *intervention; /* what to do instead, or how */
    struct assess_finding *findings;
    size_t finding_count;
    struct assess_ceiling ceilings[3];
    size_t ceiling_count;
    struct assess_ceiling helper; /* of a C helper for the hot spot; name NULL: there is none */
    struct assess_row *rows;
    size_t row_count;
    struct assess_row
        *rubric; /* does a Pyodide page fit?  dominant: the signal; port_pays: answer */
    size_t rubric_count;
    struct assess_row
        *helps; /* what does WebAssembly help?  dominant: the bucket; port_pays: answer */
    size_t help_count;
    struct assess_place *places;
    size_t place_count;
    struct assess_account account;
    const char **checklist; /* before committing: each with its number, or what to measure */
    size_t checklist_count;
    const char *noise;   /* the noise statement */
    const char *remains; /* what would remain after the port: an estimate in words */
    struct assess_interval request_seconds; /* median service time */
};

/* Never fails but for memory (ASHORE_ERR_NOMEM): what is not known makes the outcome inconclusive.
 */
int assess_decide(const struct assess_evidence *evidence, struct assess_pool *pool,
                  struct assess_verdict *verdict, struct ashore_error *err);

#endif
