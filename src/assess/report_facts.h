/* What the three forms of the report share: names, and numbers that are drawn from a run. */
#ifndef ASH_ASSESS_REPORT_FACTS_H
#define ASH_ASSESS_REPORT_FACTS_H

#include "report.h"

const char *assess_outcome_id(enum assess_outcome outcome);    /* "dont_port" */
const char *assess_outcome_title(enum assess_outcome outcome); /* "Don't port" */
const char *assess_claim_id(enum assess_claim claim);          /* "met" */
const char *assess_target_id(enum assess_target_kind kind);    /* "latency" */
const char *assess_target_title(enum assess_target_kind kind); /* "cold start" */
const char *assess_target_unit(enum assess_target_kind kind);  /* "s" */
/* A value of a target, in words: "40 ms", "0.21 per 1,000 requests". */
const char *assess_target_text(const struct assess_target *target, double value,
                               struct assess_pool *pool);
const char *assess_mode_id(enum assess_load_mode mode); /* "open" */

/* The row of the decision table that fired; NULL: none. */
const struct assess_row *assess_fired_row(const struct assess_verdict *verdict);

/* A predicted latency: "44.8 ms (41.2 ms to 46.9 ms)"; "without bound: ..." where the queue grows
 * for ever; "" where it is not known. */
const char *assess_prediction_text(struct assess_interval latency, struct assess_pool *pool);

/* A run's times, sorted; failed requests are infinite, at the end. */
struct assess_times {
    double *latency, *service;
    size_t count;
};
/* False when there is no memory. */
bool assess_times_of(const struct assess_run *run, struct assess_pool *pool,
                     struct assess_times *times);
/* The quantiles that `count` values say something about: q with count * (1 - q) >= 1; q: room for
 * ASSESS_QUANTILES.  Returns how many. */
enum { ASSESS_QUANTILES = 8 };
size_t assess_quantiles_for(size_t count, double *q);

/* A run cut into equal parts of its time, by the intended send time. */
struct assess_slice {
    double begin, end;       /* s since the run began */
    double min, median, max; /* latency of answered requests, s; NAN: none was answered */
    size_t count, failed;
};
/* At most `most` slices, of 10 requests or more on average.  Returns how many; 0 also when there is
 * no memory. */
size_t assess_slices_of(const struct assess_run *run, size_t most, struct assess_pool *pool,
                        struct assess_slice **slices);

/* Seconds from the run's begin until latency had settled; 0: there was no warm-up.  *settled is
 * false when it never did, or when there were too few requests to tell. */
double assess_warm_up_of(const struct assess_run *run, struct assess_pool *pool, bool *settled);

/* The command that repeats the assessment, as far as the report knows it; NULL: no memory. */
const char *assess_repeat_command(const struct assess_report *report, struct assess_pool *pool);

#endif
