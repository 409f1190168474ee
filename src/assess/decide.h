/* The parts of a verdict, and what they share.  Everything is text and arrays of one pool; what is
 * not known is NAN, and what is wrong in the evidence (negative or infinite times) counts as not
 * measured. */
#ifndef ASH_ASSESS_DECIDE_H
#define ASH_ASSESS_DECIDE_H

#include "verdict.h"
#include "words.h"

/* Thresholds of the table, in one place. */
#define ASSESS_SMALL_SHARE    0.25 /* below it a port cannot pay, and a bucket does not dominate */
#define ASSESS_MOST_UNKNOWN   0.20
#define ASSESS_DEVICE_BUSY    0.85
#define ASSESS_DEVICE_STARVED 0.25
#define ASSESS_FEWEST_SAMPLES 100
/* What native code leaves of the interpreter's time.  An assumption: simple loops gain 30 to 100
 * times, calls and dictionaries 10; intervals reach from nothing to the worst. */
#define ASSESS_RESIDUAL       (1.0 / 20)
#define ASSESS_RESIDUAL_WORST (1.0 / 10)
#define ASSESS_CERTAINTY      0.95 /* of intervals */
#define ASSESS_CLAIM          0.99 /* of claims about a quantile */

/* Python code in one place that holds half of the interpreter's time or more. */
struct assess_hot_spot {
    const char *name;  /* "tokenize (app.py:12)", "the module tokenizer.py"; NULL: there is none */
    double share;      /* of the interpreter's time */
    double best_share; /* the largest of any candidate, for saying why there is none */
};

struct assess_case {
    const struct assess_evidence *evidence;
    struct assess_pool *pool;
    struct assess_verdict *verdict;

    /* decide_shares.c */
    bool profiled;                  /* there is a profile with work in it */
    double seconds[ASSESS_BUCKETS]; /* sane */
    double share[ASSESS_BUCKETS];   /* of work: all but idle */
    /* The same with the wait for the interpreter's lock counted where the lock is held: as the
     * interpreter's, where that does most of what can hold it.  What leads is told by these. */
    double weight[ASSESS_BUCKETS];
    bool waits_for_interpreter;       /* GIL wait is in weight[INTERPRETER] */
    double idle;                      /* share of all */
    double samples;                   /* of work; INFINITY: a trace, not samples */
    enum assess_bucket first, second; /* the largest two, but unknown */
    double lead_error;                /* of weight[first] - weight[second], 95 % */
    double interpreter_error;         /* of weight[INTERPRETER], 95 % */
    struct assess_hot_spot hot;

    /* decide_findings.c */
    const struct assess_finding *missed; /* the first that is missed; NULL */
    const struct assess_finding *open;   /* the first that is open; NULL */
    bool assumed; /* missed was not measured: a profile alone is taken to be of a miss */

    /* decide_ceiling.c */
    double work_seconds;  /* thread-seconds of work per request; 0: not known */
    bool cannot[3];       /* the missed target cannot be met even at the good end */
    bool noisy, disagree; /* decide_noise.c */
};

enum { ASSESS_OPTIMISTIC, ASSESS_REALISTIC, ASSESS_WEB };

/* Latency and throughput and cost depend on the clock and on where time went. */
bool assess_is_timed(const struct assess_target *target);
/* True when a positive, finite number was given. */
bool assess_is_given(double value);
/* "interpreter is 71 % of the work". */
const char *assess_share_words(const struct assess_case *c, enum assess_bucket b);
/* "IO (12 %)"; "interpreter (40 %, and 43 % waiting for it)". */
const char *assess_weight_words(const struct assess_case *c, enum assess_bucket b);

/* "0.0025 per 1,000 requests". */
const char *assess_cost_text(struct assess_pool *pool, double per_request);
/* Of a target that was measured: "p99 is 61.2 ms (57.8 ms to 66.1 ms) at 200/s where 40 ms is
 * wanted".
 */
const char *assess_finding_brief(struct assess_case *c, const struct assess_finding *f);

/* Latencies of a run from the intended time, in its order; INFINITY for what failed.  times may be
 * NULL.  NULL without memory or requests. */
double *assess_case_latencies(struct assess_case *c, const struct assess_run *run, double **times);

void assess_decide_shares(struct assess_case *c);
void assess_decide_hot_spot(struct assess_case *c);
void assess_decide_findings(struct assess_case *c);
void assess_decide_ceilings(struct assess_case *c);
/* Part of the processor's time that stays when the factor is of all work, waiting included. */
double assess_processor_factor(const struct assess_case *c, double factor);
/* Why no claim about times and shares can be made, and what to do; NULL: it can.  Writes the noise
 * statement. */
const char *assess_decide_doubt(struct assess_case *c);
/* Why shares or ceilings leave the row open between port and no port; NULL: they do not. */
const char *assess_decide_tie(struct assess_case *c);

/* What the table says.  doubt: of times and shares; cut: of everything; NULL: none. */
struct assess_fired {
    const struct assess_row *row; /* NULL: none fired */
    enum assess_outcome outcome;
    const char *advice;    /* what to do, in words that go on from "Don't port: ... Instead, " */
    const char *held_back; /* why the row that would have fired did not; NULL: none would have */
    const char *place;     /* the recommended place's name; NULL: as it is */
};
struct assess_fired assess_decide_rows(struct assess_case *c, const char *doubt, const char *cut);
/* The client row applies: a target, or the flag. */
bool assess_needs_client(const struct assess_case *c);

void assess_decide_rubric(struct assess_case *c);
void assess_decide_places(struct assess_case *c, const char *recommended);
void assess_decide_account(struct assess_case *c);
void assess_decide_checklist(struct assess_case *c);

#endif
