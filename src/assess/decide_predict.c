/* Latency: the queue is fitted to the run and replayed with service times of requests that were
 * alone.  Besides, whatever the queue is, service times that are multiplied by f <= 1 with the same
 * arrivals multiply waiting times by f at most: by Lindley's recursion W' = max(0, W + S - A), if
 * W1 <= f W then W1' <= max(0, f W + f S - A) <= f W'; Kiefer and Wolfowitz's vector is monotone
 * and homogeneous likewise.  So f times the measured quantile bounds the new one from above. */
#include "decide_predict.h"

#include <math.h>

enum { FEWEST_SERVICES = 50, FEWEST_MATCHED = 30, MOST_SERVERS = 64, REPLAYS = 100, SEED = 77 };
static const double most_misfit = 0.405; /* log 1.5: the model is off by half */

/* ---- service times -------------------------------------------------------------------------- */

static bool usable(const struct assess_run *run) { return run && run->valid && run->count > 0; }

static bool take_services(struct assess_predictor *p, const struct assess_run *run,
                          const char *from) {
    struct assess_service *s = &p->service;
    if (!usable(run)) return false;
    double *seconds = assess_alloc_array(p->c->pool, run->count, sizeof *seconds), sum = 0;
    size_t n = 0;
    for (size_t i = 0; seconds && i < run->count; i++) {
        double taken = run->sent[i].answered - run->sent[i].sent;
        if (run->sent[i].failure || !isfinite(taken) || taken < 0) continue;
        seconds[n++] = taken;
        sum += taken;
    }
    if (n < FEWEST_SERVICES || !assess_is_given(sum)) return false;
    *s = (struct assess_service){
        .seconds = seconds, .count = n, .from = from, .mean = sum / (double)n};
    return true;
}

/* The run of a sweep that was far from the knee: hardly anyone waited. */
static const struct assess_run *light_run(const struct assess_sweep *sweep) {
    const struct assess_run *best = NULL;
    for (size_t i = 0; sweep && assess_is_given(sweep->knee) && i < sweep->count; i++) {
        const struct assess_run *run = &sweep->runs[i];
        if (!usable(run) || run->planned_rate > 0.35 * sweep->knee) continue;
        if (!best || run->planned_rate < best->planned_rate) best = run;
    }
    return best;
}

static void find_services(struct assess_predictor *p) {
    const struct assess_evidence *e = p->c->evidence;
    bool found = take_services(p, e->single, "requests sent one at a time");
    if (!found && e->run && e->run->mode == ASSESS_SINGLE) {
        found = take_services(p, e->run, "requests sent one at a time");
    }
    if (!found) found = take_services(p, light_run(e->sweep), "the sweep's lightest run");
    if (!found || !p->target) return;
    double *sorted = assess_alloc_array(p->c->pool, p->service.count, sizeof *sorted);
    for (size_t i = 0; sorted && i < p->service.count; i++) sorted[i] = p->service.seconds[i];
    if (!sorted) return;
    assess_sort(sorted, p->service.count);
    double low =
        assess_quantile_interval(sorted, p->service.count, p->target->quantile, ASSESS_CERTAINTY)
            .low;
    p->service.low = isfinite(low) ? low : 0;
}

/* Work per request, where the profile's window and the run are of the same time. */
static void find_inside(struct assess_predictor *p) {
    const struct assess_profile *profile = p->c->evidence->profile;
    const struct assess_run *run = p->c->evidence->run;
    p->inside = 1;
    if (!p->c->profiled || !run) return;
    size_t matched = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct assess_sent *sent = &run->sent[i];
        matched += !sent->failure && sent->sent >= profile->begin && sent->answered <= profile->end;
    }
    double work = assess_sum(p->c->seconds) - p->c->seconds[ASSESS_IDLE];
    if (matched < FEWEST_MATCHED || !assess_is_given(work)) return;
    p->work = work / (double)matched;
    if (!p->service.seconds) return;
    p->inside_known = true;
    p->inside = fmin(1, p->work / p->service.mean);
}

static void fit(struct assess_predictor *p) {
    const struct assess_run *run = p->c->evidence->run;
    if (!p->service.seconds || !usable(run) || run->mode != ASSESS_OPEN || !p->target) return;
    double *times, *latencies = assess_case_latencies(p->c, run, &times);
    if (!latencies) return;
    p->queue = assess_queue_fit_apart(times, latencies, run->count, p->service.seconds,
                                      p->service.count, p->target->quantile, MOST_SERVERS, SEED);
    if (!(p->queue.misfit <= most_misfit)) p->queue.servers = 0;
}

/* ---- prediction ----------------------------------------------------------------------------- */

double assess_effective(const struct assess_predictor *p, double factor) {
    return 1 - p->inside * (1 - factor);
}

/* What no queue can undercut: the request's own work. */
static double lower_bound(const struct assess_predictor *p, double factor) {
    double bound = assess_effective(p, factor) * p->service.low;
    /* A high quantile is not below the mean. */
    if (p->target && p->target->quantile >= 0.9 && !p->service.seconds) bound = factor * p->work;
    return bound;
}

static struct assess_interval predict_one(const struct assess_predictor *p, double factor) {
    struct assess_interval none = {NAN, NAN, NAN};
    if (!p->finding || !isfinite(factor) || isnan(p->finding->measured.value)) return none;
    const struct assess_interval *measured = &p->finding->measured;
    double f = assess_effective(p, factor), low = lower_bound(p, factor);
    struct assess_interval bound = {fmin(low, f * measured->value), f * measured->value,
                                    f * measured->high};
    if (!(p->rate > 0)) {
        bound.low = f * fmax(measured->low, 0);
        return bound;
    }
    if (f > 1) bound = (struct assess_interval){low, NAN, INFINITY};
    if (p->queue.servers == 0) return bound;
    struct assess_interval seen =
        assess_queue_predict(p->service.seconds, p->service.count, p->queue.servers, p->rate, f,
                             p->target->quantile, ASSESS_CERTAINTY, REPLAYS, SEED);
    if (isnan(seen.value)) return bound;
    /* Under load the overhead is told from chance badly: it counts against the port alone. */
    seen.value += p->queue.overhead;
    seen.high += p->queue.overhead;
    return seen;
}

struct assess_interval assess_predict(const struct assess_predictor *p,
                                      struct assess_range factor) {
    struct assess_interval latency = predict_one(p, factor.likely);
    if (isnan(latency.low)) return latency;
    if (factor.best < factor.likely) latency.low = predict_one(p, factor.best).low;
    if (factor.worst > factor.likely) latency.high = predict_one(p, factor.worst).high;
    return latency;
}

/* ---- all ------------------------------------------------------------------------------------ */

static void choose_target(struct assess_predictor *p) {
    struct assess_case *c = p->c;
    const struct assess_verdict *v = c->verdict;
    const struct assess_finding *best = NULL;
    for (size_t i = 0; i < v->finding_count; i++) {
        const struct assess_finding *f = &v->findings[i];
        if (f->target->kind != ASSESS_TARGET_LATENCY) continue;
        if (!best || f == c->missed) best = f;
    }
    if (!best) return;
    p->finding = best;
    p->target = best->target;
}

/* With waiting inside the program in it, where no request was sent alone. */
static struct assess_interval median_service(struct assess_predictor *p) {
    const struct assess_run *run = p->c->evidence->run;
    struct assess_predictor other = *p;
    if (!p->service.seconds) take_services(&other, run, "the run");
    const struct assess_service *s = &other.service;
    if (!s->seconds) return (struct assess_interval){NAN, NAN, NAN};
    double *sorted = assess_alloc_array(p->c->pool, s->count, sizeof *sorted);
    if (!sorted) return (struct assess_interval){NAN, NAN, NAN};
    for (size_t i = 0; i < s->count; i++) sorted[i] = s->seconds[i];
    assess_sort(sorted, s->count);
    return assess_quantile_interval(sorted, s->count, 0.5, ASSESS_CERTAINTY);
}

void assess_predictor_init(struct assess_predictor *p, struct assess_case *c) {
    const struct assess_run *run = c->evidence->run;
    *p = (struct assess_predictor){.c = c, .inside = 1};
    choose_target(p);
    p->rate = run && run->mode == ASSESS_OPEN ? run->planned_rate : 0;
    find_services(p);
    c->verdict->request_seconds = median_service(p);
    if (!c->profiled) return;
    find_inside(p);
    c->work_seconds = p->work;
    fit(p);
}
