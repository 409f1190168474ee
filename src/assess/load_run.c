#include "load_parts.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

double assess_seconds(void) { return (double)assess_now() * 1e-9; }

bool assess_load_stopped(const struct assess_load_options *options) {
    return options->stop && *options->stop;
}

bool assess_load_over(const struct assess_load_options *options) {
    return assess_load_stopped(options) || (options->alive && !options->alive(options->alive_with));
}

/* ---- clocks --------------------------------------------------------------------------------- */

static int64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The thread may be put aside between two readings: the tightest of a few tries counts. */
struct assess_clocks assess_clocks_read(void) {
    struct assess_clocks best = {0};
    int64_t tightest = INT64_MAX;
    for (int i = 0; i < 8 && tightest > 100000; i++) {
        int64_t first = read_clock(CLOCK_MONOTONIC);
        int64_t boot = read_clock(CLOCK_BOOTTIME), real = read_clock(CLOCK_REALTIME);
        int64_t took = read_clock(CLOCK_MONOTONIC) - first;
        if (took >= tightest) continue;
        tightest = took;
        best = (struct assess_clocks){first, boot, real};
    }
    return best;
}

/* ---- judgement ------------------------------------------------------------------------------ */

double assess_late_allowance(double rate) { return rate > 0 ? fmax(1e-3, 0.05 / rate) : 1e-3; }

int assess_ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* How long the middle 90 % of moments last; sorts them. */
static double middle_span(double *moments, size_t n) {
    qsort(moments, n, sizeof *moments, assess_ascending);
    return moments[n - 1 - n / 20] - moments[n / 20];
}

/* Intended time over answered time of the good answers' middle, at most 1. */
static double kept_pace(const struct assess_run *run, size_t good, struct assess_pool *pool) {
    if (good < 2) return good ? 1 : 0;
    double *moments = assess_alloc_array(pool, good, sizeof *moments);
    if (!moments) return 0;
    double spans[2];
    for (int answered = 0; answered < 2; answered++) {
        size_t n = 0;
        for (size_t i = 0; i < run->count; i++)
            if (!run->sent[i].failure)
                moments[n++] = answered ? run->sent[i].answered : run->sent[i].intended;
        spans[answered] = middle_span(moments, n);
    }
    return spans[1] > spans[0] ? spans[0] / spans[1] : 1;
}

static const char *why_invalid(const struct assess_run *run, const struct assess_run_facts *facts,
                               size_t good, struct assess_pool *pool) {
    const struct assess_clocks *a = &facts->before, *b = &facts->after;
    double suspended = (double)((b->boot - a->boot) - (b->monotonic - a->monotonic)) * 1e-9;
    double set = (double)((b->real - a->real) - (b->boot - a->boot)) * 1e-9;
    if (suspended > 0.05)
        return assess_format(pool, "the machine was suspended for %.3g s during the run",
                             suspended);
    if (fabs(set) > 0.1)
        return assess_format(pool, "the machine's clock was set by %+.3g s during the run", set);
    if (run->late > 1 && (double)run->late > 0.01 * (double)run->count)
        return assess_format(pool,
                             "the load generator itself lagged: %zu of %zu requests were late, by "
                             "up to %.3g ms; the machine is too busy for this rate",
                             run->late, run->count, run->late_most * 1e3);
    if (facts->starved)
        return assess_format(pool,
                             "%zu requests could not be sent for want of local ports or file "
                             "descriptors",
                             facts->starved);
    if (good < ASSESS_FEWEST_ANSWERS)
        return assess_format(pool,
                             "%zu good answers to %zu requests: at least %d are needed to say "
                             "anything",
                             good, run->count, ASSESS_FEWEST_ANSWERS);
    return NULL;
}

void assess_run_judge(struct assess_run *run, const struct assess_run_facts *facts,
                      struct assess_pool *pool) {
    size_t good = run->count - run->failed;
    double length = run->end - run->begin;
    if (run->mode != ASSESS_OPEN) {
        run->achieved_rate = length > 0 ? (double)good / length : 0;
    } else if (run->count) {
        double share = (double)good / (double)run->count;
        run->achieved_rate = run->planned_rate * share * kept_pace(run, good, pool);
    }
    run->invalid_reason = pool->failed ? "out of memory" : why_invalid(run, facts, good, pool);
    if (pool->failed) run->invalid_reason = "out of memory";
    run->valid = run->invalid_reason == NULL;
}

/* ---- what a run holds ----------------------------------------------------------------------- */

static size_t collect(const struct assess_run *run, bool from_sent, double *values) {
    for (size_t i = 0; i < run->count; i++) {
        const struct assess_sent *s = &run->sent[i];
        values[i] = s->failure ? INFINITY : s->answered - (from_sent ? s->sent : s->intended);
    }
    qsort(values, run->count, sizeof *values, assess_ascending);
    return run->count;
}

size_t assess_run_latencies(const struct assess_run *run, double *values) {
    return collect(run, false, values);
}

size_t assess_run_services(const struct assess_run *run, double *values) {
    return collect(run, true, values);
}
