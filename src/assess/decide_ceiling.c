/* What a port could give at most, in three forms, and the latency that the queue makes of it.
 *
 * I, G, M, W, C: shares of work of the interpreter, garbage collection, marshalling, waiting for
 * the GIL, compute; r: what native code leaves of the interpreter's time (ASSESS_RESIDUAL; for the
 * ends of intervals none, and ASSESS_RESIDUAL_WORST).
 *   optimistic   factor = 1 - I - G - M - W
 *   realistic    factor = 1 - (1 - r)(I + G) - W (1 - h), where the lock is held the shorter by
 *                h = (r (I + G) + M) / (I + G + M)
 *   WebAssembly  realistic + (ratio - 1) C + M: compute as slow as measured, every copy twice
 *
 * A factor is one of the work that was profiled.  Of a request's time that is the part `inside`,
 * where it can be told: work per request against the measured service time; the rest (the network,
 * the kernel, the generator) stays. */
#include "decide_predict.h"

#include <math.h>

static const double least_factor = 1e-3;

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
    bool meets, likely, cannot; /* surely; as expected; surely not */
};

static struct outlook judge(const struct assess_predictor *p, struct assess_range factor,
                            struct assess_interval latency) {
    const struct assess_finding *missed = p->c->missed;
    struct outlook o = {0};
    if (!missed || !isfinite(factor.likely)) return o;
    double limit = missed->target->limit;
    double best = assess_effective(p, factor.best), worst = assess_effective(p, factor.worst);
    const struct assess_interval *measured = &missed->measured;
    if (missed->target->kind == ASSESS_TARGET_LATENCY) {
        o.meets = latency.high <= limit;
        o.likely = latency.value <= limit;
        o.cannot = latency.low > limit;
    } else if (missed->target->kind == ASSESS_TARGET_THROUGHPUT) {
        o.meets = measured->low >= limit * worst;
        o.likely = measured->value >= limit * assess_effective(p, factor.likely);
        o.cannot = measured->high < limit * best;
    } else if (missed->target->kind == ASSESS_TARGET_COST) {
        o.meets = measured->value * assess_processor_factor(p->c, worst) <= limit;
        o.likely = measured->value * assess_processor_factor(p->c, factor.likely) <= limit;
        o.cannot = measured->value * assess_processor_factor(p->c, best) > limit;
    }
    o.likely = o.likely || o.meets;
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

static struct assess_range realistic(const struct assess_case *c, double ported) {
    return (struct assess_range){factor_with(c, ported, 0), factor_with(c, ported, ASSESS_RESIDUAL),
                                 factor_with(c, ported, ASSESS_RESIDUAL_WORST)};
}

static struct assess_range add(struct assess_range r, double more) {
    return (struct assess_range){r.best + more, r.likely + more, r.worst + more};
}

static const char *latency_words(const struct assess_predictor *p, struct assess_interval latency) {
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

static const char *inside_words(const struct assess_predictor *p) {
    struct assess_pool *pool = p->c->pool;
    if (!p->inside_known || p->inside >= 0.995) return "";
    return assess_say(
        pool, "; the profile explains %s of a request's %s, the rest is taken to stay",
        assess_percent_text(pool, p->inside), assess_time_text(pool, p->service.mean));
}

static struct outlook fill(struct assess_predictor *p, const char *name, struct assess_range factor,
                           const char *basis, struct assess_ceiling *ceiling) {
    struct assess_pool *pool = p->c->pool;
    struct assess_interval latency = assess_predict(p, factor);
    double f = assess_effective(p, factor.likely);
    struct outlook o = judge(p, factor, latency);
    *ceiling = (struct assess_ceiling){.name = name,
                                       .factor = f,
                                       .speedup = 1 / f,
                                       .latency = latency,
                                       .meets = o.meets,
                                       .likely = o.likely,
                                       .basis = basis};
    if (!isfinite(factor.likely)) return o;
    const char *slower = f > 1 ? ", which is slower than today" : "";
    ceiling->basis =
        assess_say(pool, "%s: %s of the work stays, a speedup of %s%s%s%s", basis,
                   assess_percent_text(pool, factor.likely), assess_times_text(pool, 1 / f), slower,
                   inside_words(p), latency_words(p, latency));
    return o;
}

static void set(struct assess_predictor *p, int number, const char *name,
                struct assess_range factor, const char *basis) {
    struct outlook o = fill(p, name, factor, basis, &p->c->verdict->ceilings[number]);
    p->c->cannot[number] = o.cannot;
    p->c->verdict->ceiling_count = (size_t)number + 1;
}

static void set_web(struct assess_predictor *p) {
    struct assess_case *c = p->c;
    struct assess_pool *pool = c->pool;
    const struct assess_model_timing *model = c->evidence->model;
    double compute = c->share[ASSESS_COMPUTE], copies = c->share[ASSESS_MARSHALLING];
    bool timed = model && assess_is_given(model->native) && assess_is_given(model->wasm);
    double ratio = timed ? model->wasm / model->native : NAN;
    struct assess_range factor = {NAN, NAN, NAN};
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
        isfinite(factor.likely) ? factor : (struct assess_range){NAN, NAN, NAN}, basis);
}

static void set_helper(struct assess_predictor *p) {
    struct assess_case *c = p->c;
    const struct assess_hot_spot *hot = &c->hot;
    if (!hot->name) return;
    const char *basis = assess_say(
        c->pool,
        "native code is assumed to take 1/20 (at worst 1/10) of what the interpreter spends within "
        "%s, which is %s of its time; all else stays",
        hot->name, assess_percent_text(c->pool, hot->share));
    fill(p, "helper", realistic(c, hot->share), basis, &c->verdict->helper);
}

void assess_decide_ceilings(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    const double *s = c->share;
    struct assess_predictor p;
    assess_predictor_init(&p, c);
    if (!c->profiled) return;
    double most = optimistic(c);
    set(&p, ASSESS_OPTIMISTIC, "optimistic", (struct assess_range){most, most, most},
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
