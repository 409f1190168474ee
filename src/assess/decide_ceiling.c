/* What a port could give at most, in three forms, and the latency that the queue makes of it.
 *
 * I, G, M, W, C: shares of work of the interpreter, garbage collection, marshalling, waiting for
 * the GIL, compute; r: what native code leaves of the interpreter's time (ASSESS_RESIDUAL).
 *   optimistic   factor = 1 - I - G - M - W
 *   realistic    factor = 1 - (1 - r)(I + G) - W (1 - h), where the lock is held the shorter by
 *                h = (r (I + G) + M) / (I + G + M)
 *   WebAssembly  realistic + (ratio - 1) C + M: compute as slow as measured, every copy twice
 *
 * A factor is one of the work that was profiled.  Of a request's time that is the part `inside`,
 * where it can be told: work per request against the measured service time; the rest (the network,
 * the kernel, the generator) stays.
 *
 * Latency: the queue is fitted to the run and replayed with service times of requests that were
 * alone.  Besides, whatever the queue is, service times that are multiplied by f <= 1 with the same
 * arrivals multiply waiting times by f at most: by Lindley's recursion W' = max(0, W + S - A), if
 * W1 <= f W then W1' <= max(0, f W + f S - A) <= f W'; Kiefer and Wolfowitz's vector is monotone
 * and homogeneous likewise.  So f times the measured quantile bounds the new one from above. */
#include "decide.h"

#include <math.h>

enum { FEWEST_SERVICES = 50, FEWEST_MATCHED = 30, MOST_SERVERS = 64, REPLAYS = 100, SEED = 77 };
static const double most_misfit = 0.405; /* log 1.5: the model is off by half */
static const double least_factor = 1e-3;

struct service {
    double *seconds; /* sorted by time of sending; NULL: there are none */
    size_t count;
    const char *from;
    double mean, low; /* low: the quantile's low end */
};

struct predictor {
    struct assess_case *c;
    const struct assess_target *target; /* whose quantile is predicted; NULL: none */
    const struct assess_finding *finding;
    struct service service;
    struct assess_queue queue; /* servers 0: not fitted */
    double rate;               /* 0: one request at a time */
    double inside;             /* of the service time that is profiled work, 0 to 1 */
    bool inside_known;
    double work; /* s per request, from the profile; 0: not known */
};

/* ---- service times -------------------------------------------------------------------------- */

static bool usable(const struct assess_run *run) { return run && run->valid && run->count > 0; }

static bool take_services(struct predictor *p, const struct assess_run *run, const char *from) {
    struct service *s = &p->service;
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
    *s = (struct service){.seconds = seconds, .count = n, .from = from, .mean = sum / (double)n};
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

static void find_services(struct predictor *p) {
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
static void find_inside(struct predictor *p) {
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

static void fit(struct predictor *p) {
    const struct assess_run *run = p->c->evidence->run;
    if (!p->service.seconds || !usable(run) || run->mode != ASSESS_OPEN || !p->target) return;
    double *times, *latencies = assess_case_latencies(p->c, run, &times);
    if (!latencies) return;
    p->queue = assess_queue_fit_apart(times, latencies, run->count, p->service.seconds,
                                      p->service.count, p->target->quantile, MOST_SERVERS, SEED);
    if (!(p->queue.misfit <= most_misfit)) p->queue.servers = 0;
}

/* ---- prediction ----------------------------------------------------------------------------- */

static double effective(const struct predictor *p, double factor) {
    return 1 - p->inside * (1 - factor);
}

/* What no queue can undercut: the request's own work. */
static double lower_bound(const struct predictor *p, double factor) {
    double bound = effective(p, factor) * p->service.low;
    /* A high quantile is not below the mean. */
    if (p->target && p->target->quantile >= 0.9 && !p->service.seconds) bound = factor * p->work;
    return bound;
}

static struct assess_interval predict(const struct predictor *p, double factor) {
    struct assess_interval none = {NAN, NAN, NAN};
    if (!p->finding || !isfinite(factor) || isnan(p->finding->measured.value)) return none;
    const struct assess_interval *measured = &p->finding->measured;
    double f = effective(p, factor), low = lower_bound(p, factor);
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

/* A factor as it is expected, and how far it may be off. */
struct range {
    double best, likely, worst;
};

static struct assess_interval predict_range(const struct predictor *p, struct range factor) {
    struct assess_interval latency = predict(p, factor.likely);
    if (isnan(latency.low)) return latency;
    if (factor.best < factor.likely) latency.low = predict(p, factor.best).low;
    if (factor.worst > factor.likely) latency.high = predict(p, factor.worst).high;
    return latency;
}

/* Part of the processor's time that stays, for costs. */
double assess_processor_factor(const struct assess_case *c, double factor) {
    const double *s = c->share;
    double busy = s[ASSESS_INTERPRETER] + s[ASSESS_COMPUTE] + s[ASSESS_MARSHALLING] + s[ASSESS_GC] +
                  s[ASSESS_UNKNOWN];
    double removed = 1 - factor; /* below 0: more work than today */
    if (removed > 0) removed = fmax(0, removed - s[ASSESS_GIL_WAIT]); /* waiting costs nothing */
    return busy > 0 ? fmax(0, 1 - removed / busy) : 1;
}

struct outlook {
    bool meets, cannot;
};

static struct outlook judge(const struct predictor *p, struct range factor,
                            struct assess_interval latency) {
    const struct assess_finding *missed = p->c->missed;
    struct outlook o = {0};
    if (!missed || !isfinite(factor.likely)) return o;
    double limit = missed->target->limit;
    double best = effective(p, factor.best), worst = effective(p, factor.worst);
    const struct assess_interval *measured = &missed->measured;
    if (missed->target->kind == ASSESS_TARGET_LATENCY) {
        o.meets = latency.high <= limit;
        o.cannot = latency.low > limit;
    } else if (missed->target->kind == ASSESS_TARGET_THROUGHPUT) {
        o.meets = measured->low >= limit * worst;
        o.cannot = measured->high < limit * best;
    } else if (missed->target->kind == ASSESS_TARGET_COST) {
        o.meets = measured->value * assess_processor_factor(p->c, worst) <= limit;
        o.cannot = measured->value * assess_processor_factor(p->c, best) > limit;
    }
    return o;
}

/* ---- the three ------------------------------------------------------------------------------ */

static double floored(const struct assess_case *c, double factor) {
    /* Nothing seen in n samples leaves a share of up to 3 / n (95 %). */
    double least = isinf(c->samples) ? least_factor : fmax(least_factor, 3 / fmax(c->samples, 3));
    return fmax(factor, fmin(least, 1));
}

static double optimistic(const struct assess_case *c) {
    const double *s = c->share;
    return floored(c, 1 - s[ASSESS_INTERPRETER] - s[ASSESS_GC] - s[ASSESS_MARSHALLING] -
                          s[ASSESS_GIL_WAIT]);
}

/* With only the part `ported` of the interpreter's time made native, of which that leaves
 * `residual`. */
static double factor_with(const struct assess_case *c, double ported, double residual) {
    const double *s = c->share;
    double held = s[ASSESS_INTERPRETER] + s[ASSESS_GC], m = s[ASSESS_MARSHALLING];
    double gone = (1 - residual) * held * ported;
    double shorter = held + m > 0 ? gone / (held + m) : 0;
    return floored(c, 1 - gone - s[ASSESS_GIL_WAIT] * shorter);
}

static struct range realistic(const struct assess_case *c, double ported) {
    return (struct range){factor_with(c, ported, 0), factor_with(c, ported, ASSESS_RESIDUAL),
                          factor_with(c, ported, ASSESS_RESIDUAL_WORST)};
}

static struct range add(struct range r, double more) {
    return (struct range){r.best + more, r.likely + more, r.worst + more};
}

static const char *latency_words(const struct predictor *p, struct assess_interval latency) {
    struct assess_pool *pool = p->c->pool;
    if (!p->target || isnan(latency.low)) return "";
    const char *name = assess_quantile_text(pool, p->target->quantile);
    const char *range = assess_range_text(pool, latency, assess_time_text);
    if (isinf(latency.low)) {
        return assess_say(pool, "; at %s the queue would still grow without end",
                          assess_rate_text(pool, p->rate));
    }
    if (!(p->rate > 0)) {
        return assess_say(pool, "; %s would be %s, one request at a time", name, range);
    }
    if (p->queue.servers == 0) {
        return assess_say(pool,
                          "; no queue model fits the run, so %s at %s is bounded by proportion: %s",
                          name, assess_rate_text(pool, p->rate), range);
    }
    return assess_say(pool,
                      "; replayed through a queue with %s (service times of %s, off by %s at the "
                      "measured %s), %s at %s would be %s",
                      assess_count_text(pool, p->queue.servers, "server", "servers"),
                      p->service.from, assess_percent_text(pool, expm1(p->queue.misfit)), name,
                      name, assess_rate_text(pool, p->rate), range);
}

static const char *inside_words(const struct predictor *p) {
    struct assess_pool *pool = p->c->pool;
    if (!p->inside_known || p->inside >= 0.995) return "";
    return assess_say(
        pool, "; the profile explains %s of a request's %s, the rest is taken to stay",
        assess_percent_text(pool, p->inside), assess_time_text(pool, p->service.mean));
}

static struct outlook fill(struct predictor *p, const char *name, struct range factor,
                           const char *basis, struct assess_ceiling *ceiling) {
    struct assess_pool *pool = p->c->pool;
    struct assess_interval latency = predict_range(p, factor);
    double f = effective(p, factor.likely);
    struct outlook o = judge(p, factor, latency);
    *ceiling = (struct assess_ceiling){.name = name,
                                       .factor = f,
                                       .speedup = 1 / f,
                                       .latency = latency,
                                       .meets = o.meets,
                                       .basis = basis};
    if (!isfinite(factor.likely)) return o;
    const char *slower = f > 1 ? ", which is slower than today" : "";
    ceiling->basis =
        assess_say(pool, "%s: %s of the work stays, a speedup of %s%s%s%s", basis,
                   assess_percent_text(pool, factor.likely), assess_times_text(pool, 1 / f), slower,
                   inside_words(p), latency_words(p, latency));
    return o;
}

static void set(struct predictor *p, int number, const char *name, struct range factor,
                const char *basis) {
    struct outlook o = fill(p, name, factor, basis, &p->c->verdict->ceilings[number]);
    p->c->meets[number] = o.meets;
    p->c->cannot[number] = o.cannot;
    p->c->verdict->ceiling_count = (size_t)number + 1;
}

static void set_web(struct predictor *p) {
    struct assess_case *c = p->c;
    struct assess_pool *pool = c->pool;
    const struct assess_model_timing *model = c->evidence->model;
    double compute = c->share[ASSESS_COMPUTE], copies = c->share[ASSESS_MARSHALLING];
    bool timed = model && assess_is_given(model->native) && assess_is_given(model->wasm);
    double ratio = timed ? model->wasm / model->native : NAN;
    struct range factor = {NAN, NAN, NAN};
    const char *why = model && model->wasm_why ? model->wasm_why : "give --model";
    const char *basis;
    if (timed) {
        factor = add(realistic(c, 1), (ratio - 1) * compute + copies);
        basis =
            assess_say(pool,
                       "as realistic, but compute (%s) times %s, which is what WebAssembly "
                       "took for this model (%s against %s), and copies (%s) made once more "
                       "to cross the boundary",
                       assess_percent_text(pool, compute), assess_number_text(pool, ratio),
                       assess_time_text(pool, model->wasm), assess_time_text(pool, model->native),
                       assess_percent_text(pool, copies));
    } else if (compute < 0.005) {
        factor = add(realistic(c, 1), copies);
        basis = assess_say(pool,
                           "as realistic; there is hardly any compute (%s) that could be slower, "
                           "and copies (%s) are made once more to cross the boundary",
                           assess_percent_text(pool, compute), assess_percent_text(pool, copies));
    } else {
        basis = assess_say(pool,
                           "not known: compute is %s of the work, and how fast WebAssembly does it "
                           "was not measured: %s",
                           assess_percent_text(pool, compute), why);
    }
    set(p, ASSESS_WEB, "WebAssembly",
        isfinite(factor.likely) ? factor : (struct range){NAN, NAN, NAN}, basis);
}

static void set_helper(struct predictor *p) {
    struct assess_case *c = p->c;
    const struct assess_hot_spot *hot = &c->hot;
    if (!hot->name) return;
    const char *basis = assess_say(
        c->pool,
        "native code is assumed to take 1/20 (at worst 1/10) of what the interpreter spends within "
        "%s, which is %s of its time; all else stays",
        hot->name, assess_percent_text(c->pool, hot->share));
    fill(p, "C helper", realistic(c, hot->share), basis, &c->verdict->helper);
}

static void choose_target(struct predictor *p) {
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
static struct assess_interval median_service(struct predictor *p) {
    const struct assess_run *run = p->c->evidence->run;
    struct predictor other = *p;
    if (!p->service.seconds) take_services(&other, run, "the run");
    const struct service *s = &other.service;
    if (!s->seconds) return (struct assess_interval){NAN, NAN, NAN};
    double *sorted = assess_alloc_array(p->c->pool, s->count, sizeof *sorted);
    if (!sorted) return (struct assess_interval){NAN, NAN, NAN};
    for (size_t i = 0; i < s->count; i++) sorted[i] = s->seconds[i];
    assess_sort(sorted, s->count);
    return assess_quantile_interval(sorted, s->count, 0.5, ASSESS_CERTAINTY);
}

void assess_decide_ceilings(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    const double *s = c->share;
    const struct assess_run *run = c->evidence->run;
    struct predictor p = {.c = c};
    choose_target(&p);
    p.rate = run && run->mode == ASSESS_OPEN ? run->planned_rate : 0;
    find_services(&p);
    c->verdict->request_seconds = median_service(&p);
    if (!c->profiled) return;
    find_inside(&p);
    c->work_seconds = p.work;
    fit(&p);
    double most = optimistic(c);
    set(&p, ASSESS_OPTIMISTIC, "optimistic", (struct range){most, most, most},
        assess_say(pool,
                   "interpreter (%s), garbage collection (%s), marshalling (%s) and waiting for "
                   "the GIL (%s) vanish",
                   assess_percent_text(pool, s[ASSESS_INTERPRETER]),
                   assess_percent_text(pool, s[ASSESS_GC]),
                   assess_percent_text(pool, s[ASSESS_MARSHALLING]),
                   assess_percent_text(pool, s[ASSESS_GIL_WAIT])));
    set(&p, ASSESS_REALISTIC, "realistic", realistic(c, 1),
        assess_say(pool,
                   "native code is assumed to take 1/20 (at worst 1/10) of the interpreter's time "
                   "(%s) and of "
                   "garbage collection (%s); marshalling (%s) stays, and waiting for the GIL (%s) "
                   "shrinks as the time for which it is held",
                   assess_percent_text(pool, s[ASSESS_INTERPRETER]),
                   assess_percent_text(pool, s[ASSESS_GC]),
                   assess_percent_text(pool, s[ASSESS_MARSHALLING]),
                   assess_percent_text(pool, s[ASSESS_GIL_WAIT])));
    set_web(&p);
    set_helper(&p);
}
