/* How much load a program bears: the search for the knee.
 *
 * Rates double from the first one until one is too much, then the interval between the highest
 * rate that was borne and the lowest that was not is halved, up to five times or until it is 5 %
 * wide.  A rate is borne when its run is valid, at most 1 % of the requests failed, at least 95 %
 * of the rate was achieved, and latency did not grow during the run.
 *
 * Growth: the run is cut into 16 blocks of equally many requests, whose nearest-rank p99 are
 * compared, those of the first half against those of the second, by a rank test (Mann and Whitney,
 * 1947): U, the pairs in which the earlier block is the slower one (ties count half), is at most 9
 * of 64.  Were all orders of blocks equally likely, that would happen once in 100 times (exactly
 * 95 of 12870).  As neighbouring blocks of a busy queue resemble each other it happens
 * more often, so that the second half's median must be 1.5 times the first's, too.  Under too high
 * a rate the queue grows without end, and latency with it: a rate of 1.02 times what can be borne
 * adds 20 ms in every second.
 *
 * A rate is too much only when two runs say so, with different schedules, or one by far (a tenth
 * failed, or less than 80 % was achieved): a neighbour on the machine, or a generator that was kept
 * from its work, must not end the search at a low rate. */
#include "load.h"
#include "load_parts.h"
#include "stats_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 16, HALF = BLOCKS / 2, MOST_U = 9, BISECTIONS = 5, MOST_RUNS = 48 };
static const double FEWEST_PLANNED = 64; /* four per block */

/* The nearest-rank p99 of latencies first .. last - 1; values: room for them. */
static double block_p99(const struct assess_run *run, size_t first, size_t last, double *values) {
    size_t n = last - first;
    for (size_t i = 0; i < n; i++) {
        const struct assess_sent *s = &run->sent[first + i];
        values[i] = s->failure ? INFINITY : s->answered - s->intended;
    }
    qsort(values, n, sizeof *values, assess_ascending);
    return values[(size_t)ceil(0.99 * (double)n) - 1];
}

/* p99: [BLOCKS], sorted within its halves on return. */
static bool second_half_is_slower(double *p99) {
    double u = 0;
    for (size_t i = 0; i < HALF; i++)
        for (size_t j = HALF; j < BLOCKS; j++) u += p99[i] > p99[j] ? 1 : p99[i] < p99[j] ? 0 : 0.5;
    qsort(p99, HALF, sizeof *p99, assess_ascending);
    qsort(p99 + HALF, HALF, sizeof *p99, assess_ascending);
    double before = p99[HALF / 2 - 1] + p99[HALF / 2];
    double after = p99[HALF + HALF / 2 - 1] + p99[HALF + HALF / 2];
    return u <= (double)MOST_U && after >= 1.5 * before;
}

bool assess_run_grows(const struct assess_run *run, struct assess_pool *pool) {
    if (run->count < 2 * BLOCKS) return false; /* nothing can be said */
    double *values = assess_alloc_array(pool, run->count / BLOCKS + 1, sizeof *values);
    if (!values) return false;
    double p99[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        p99[i] = block_p99(run, run->count * i / BLOCKS, run->count * (i + 1) / BLOCKS, values);
    return second_half_is_slower(p99);
}

struct search {
    const struct assess_request *request;
    const struct assess_load_options *options;
    struct assess_pool *pool;
    struct assess_sweep *sweep;
    double seconds;
    double borne, too_much; /* requests/s; 0: none yet */
    bool over;              /* nothing more can be run; sweep->why is there */
};

/* NULL: the rate was borne. */
static const char *why_not_borne(struct search *s, const struct assess_run *run) {
    double failed = (double)run->failed / (double)(run->count ? run->count : 1);
    if (failed > 0.01)
        return assess_format(s->pool, "at %.4g/s %.3g %% of the requests failed (the first: %s)",
                             run->planned_rate, 100 * failed, run->first_failure);
    if (!run->valid)
        return assess_format(s->pool, "at %.4g/s the run is invalid: %s", run->planned_rate,
                             run->invalid_reason);
    if (run->achieved_rate < 0.95 * run->planned_rate)
        return assess_format(s->pool, "at %.4g/s only %.4g/s were answered", run->planned_rate,
                             run->achieved_rate);
    if (assess_run_grows(run, s->pool))
        return assess_format(s->pool, "at %.4g/s latency kept growing during the run",
                             run->planned_rate);
    return NULL;
}

static int run_once(struct search *s, double rate, size_t attempt, struct assess_run *run,
                    struct ashore_error *err) {
    struct assess_load_options options = *s->options;
    options.mode = ASSESS_OPEN;
    options.rate = rate;
    options.seconds = fmax(s->seconds, fmin(FEWEST_PLANNED / rate, 4 * s->seconds));
    uint64_t seed = s->options->seed + 2 * s->sweep->count + attempt;
    options.seed = assess_random(&seed);
    return assess_load_http(s->request, &options, s->pool, run, err);
}

/* What was overloaded still works off its queue, which must not spoil the next run. */
static void let_recover(struct search *s, const char *why) {
    struct ashore_error error = {0};
    double answered, patience = s->request->timeout > 0 ? s->request->timeout : 30;
    if (assess_await_http(s->request, s->options, patience, &answered, &error) == ASHORE_OK) return;
    s->over = true;
    s->sweep->why = assess_format(s->pool, "%s; after that the program did not answer any more: %s",
                                  why, error.text);
}

/* When nothing at all was answered it may have nothing to do with the rate. */
static int try_alone(struct search *s, struct ashore_error *err) {
    struct assess_load_options options = *s->options;
    options.mode = ASSESS_SINGLE;
    options.seconds = 0;
    options.most = 3;
    struct assess_run alone;
    ASSESS_TRY(assess_load_http(s->request, &options, s->pool, &alone, err));
    if (alone.interrupted || alone.failed < alone.count) return ASHORE_OK;
    s->over = true;
    s->sweep->why =
        assess_format(s->pool, "even one request at a time fails: %s", alone.first_failure);
    return ASHORE_OK;
}

/* Too far from the rule for chance or a busy machine to be the reason. */
static bool is_hopeless(const struct assess_run *run) {
    return run->failed * 10 > run->count ||
           (run->valid && run->achieved_rate < 0.8 * run->planned_rate);
}

/* One run, and a second one if the first misses the rule; *why: NULL when the rate was borne. */
static int run_rate(struct search *s, double rate, struct assess_run *run, const char **why,
                    struct ashore_error *err) {
    for (size_t attempt = 0; attempt < 2; attempt++) {
        ASSESS_TRY(run_once(s, rate, attempt, run, err));
        if (run->interrupted) return ASHORE_OK;
        *why = why_not_borne(s, run);
        if (!*why) return ASHORE_OK;
        let_recover(s, *why);
        if (s->over || is_hopeless(run)) return ASHORE_OK;
    }
    return ASHORE_OK;
}

static int try_rate(struct search *s, double rate, struct ashore_error *err) {
    struct assess_sweep *sweep = s->sweep;
    struct assess_run run;
    const char *why = NULL;
    int status = run_rate(s, rate, &run, &why, err);
    if (status == ASHORE_ERR_IO && sweep->count) { /* what was measured stays */
        s->over = true;
        sweep->why = assess_format(s->pool, "the program ended before %.4g/s were tried: %s", rate,
                                   err ? err->text : "nobody answers");
        return ASHORE_OK;
    }
    if (status < 0) return status;
    sweep->runs[sweep->count++] = run;
    if (run.interrupted) {
        s->over = true;
        sweep->why = assess_format(s->pool, "the sweep was interrupted at %.4g/s", rate);
        return ASHORE_OK;
    }
    if (!why) {
        s->borne = rate;
        return ASHORE_OK;
    }
    s->too_much = rate;
    if (s->over) return ASHORE_OK;
    sweep->why = why;
    if (run.failed < run.count || s->borne > 0) return ASHORE_OK;
    return try_alone(s, err);
}

static int search_knee(struct search *s, double first, double most, struct ashore_error *err) {
    double rate = fmin(first, most);
    int bisections = 0;
    while (!s->over && s->sweep->count < MOST_RUNS) {
        ASSESS_TRY(try_rate(s, rate, err));
        if (s->pool->failed) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
        if (s->too_much > 0) {
            if (bisections++ == BISECTIONS || s->too_much - s->borne <= 0.05 * s->too_much) break;
            rate = (s->borne + s->too_much) / 2;
        } else {
            if (rate >= most) {
                s->sweep->why = assess_format(
                    s->pool, "%.4g/s, the highest rate that was to be tried, was borne", most);
                break;
            }
            rate = fmin(2 * rate, most);
        }
    }
    return ASHORE_OK;
}

static int by_rate(const void *left, const void *right) {
    const struct assess_run *a = left, *b = right;
    return (a->planned_rate > b->planned_rate) - (a->planned_rate < b->planned_rate);
}

int assess_load_sweep(const struct assess_request *request,
                      const struct assess_load_options *options, double first_rate,
                      double most_rate, double seconds_per_run, struct assess_pool *pool,
                      struct assess_sweep *sweep, struct ashore_error *err) {
    *sweep = (struct assess_sweep){0};
    if (!(first_rate > 0 && most_rate >= first_rate && most_rate <= 1e6))
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "a sweep from %g/s to %g/s", first_rate,
                           most_rate);
    if (!(seconds_per_run > 0 && seconds_per_run <= 1e5))
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "a sweep with runs of %g s", seconds_per_run);
    sweep->runs = assess_alloc_array(pool, MOST_RUNS, sizeof *sweep->runs);
    if (!sweep->runs) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    struct search search = {.request = request,
                            .options = options,
                            .pool = pool,
                            .sweep = sweep,
                            .seconds = seconds_per_run};
    ASSESS_TRY(search_knee(&search, first_rate, most_rate, err));
    sweep->knee = search.borne;
    qsort(sweep->runs, sweep->count, sizeof *sweep->runs, by_rate);
    if (!sweep->why) sweep->why = "the sweep has used up its runs";
    return ASHORE_OK;
}
