/* Whether the evidence carries a claim: inconclusive rather than wrong. */
#include "decide.h"

#include <math.h>

/* Noise can only make a program slower: what is met under noise is met.  A miss, and a share of
 * time, may be the noise itself. */
static const double most_steal = 0.02;    /* a percentile of 98 or more could be steal alone */
static const double crowded = 0.85;       /* of all processors in use: runnable threads wait */
static const double some_others = 0.1;    /* cores; less is any idle system */
static const double others_blindly = 0.5; /* cores, where the number of processors is unknown */
enum { PAIRS = 12, FEWEST_ALONE = 10 * PAIRS, SEED = 4242 };

/* How many times over the limit the missed target is: the effect that is claimed.  1 when nothing
 * is missed. */
static double effect(const struct assess_case *c) {
    const struct assess_finding *f = c->missed;
    if (!f || !assess_is_timed(f->target)) return 1;
    double ratio = f->measured.value / f->target->limit;
    if (f->target->kind == ASSESS_TARGET_THROUGHPUT) ratio = 1 / ratio;
    return ratio >= 1 ? ratio : 1;
}

/* ---- other programs ------------------------------------------------------------------------- */

static bool is_crowded(const struct assess_evidence *e) {
    if (!assess_is_given(e->other_cores) || e->other_cores < some_others) return false;
    if (!assess_is_given(e->cores)) return e->other_cores >= others_blindly;
    double used = e->other_cores + (assess_is_given(e->cores_used) ? e->cores_used : 0);
    return used > crowded * e->cores;
}

static const char *neighbours(struct assess_case *c, bool *noisy) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    if (is_crowded(e)) {
        *noisy = true;
        const char *of = assess_is_given(e->cores)
                             ? assess_say(pool, " of %s", assess_number_text(pool, e->cores))
                             : "";
        const char *own = assess_is_given(e->cores_used)
                              ? assess_say(pool, " beside the program's %s",
                                           assess_number_text(pool, e->cores_used))
                              : "";
        return assess_say(pool, "other programs used %s cores%s%s meanwhile",
                          assess_number_text(pool, e->other_cores), of, own);
    }
    if (assess_is_given(e->steal_share) && e->steal_share > most_steal) {
        *noisy = true;
        return assess_say(pool, "the hypervisor kept %s of the processor's time",
                          assess_percent_text(pool, e->steal_share));
    }
    if (!assess_is_given(e->other_cores)) return "no other program was seen to use the processor";
    return assess_say(pool, "other programs used %s cores, which left room",
                      assess_number_text(pool, e->other_cores));
}

/* ---- repeats -------------------------------------------------------------------------------- */

static const struct assess_target *latency_target(const struct assess_case *c) {
    if (c->missed && c->missed->target->kind == ASSESS_TARGET_LATENCY) return c->missed->target;
    for (size_t i = 0; i < c->verdict->finding_count; i++) {
        const struct assess_target *t = c->verdict->findings[i].target;
        if (t->kind == ASSESS_TARGET_LATENCY) return t;
    }
    return NULL;
}

struct spread {
    double low, high; /* of the runs' quantiles */
    size_t runs;
};

static void add_run(struct assess_case *c, const struct assess_run *run, double q,
                    struct spread *s) {
    if (!run || !run->valid) return;
    double *values = assess_case_latencies(c, run, NULL);
    if (!values) return;
    assess_sort(values, run->count);
    double value = assess_quantile(values, run->count, q);
    s->low = s->runs ? fmin(s->low, value) : value;
    s->high = s->runs ? fmax(s->high, value) : value;
    s->runs++;
}

/* The range of fresh runs: with five it misses their median one time in 16. */
static const char *repeats(struct assess_case *c, const struct assess_target *t, bool *noisy) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    struct spread s = {0};
    add_run(c, e->run, t->quantile, &s);
    for (size_t i = 0; i < e->repeat_count; i++) add_run(c, &e->repeats[i], t->quantile, &s);
    const char *name = assess_quantile_text(pool, t->quantile);
    if (s.runs < 2) return "none of the repeated runs was valid";
    struct assess_interval range = {s.low, s.low, s.high};
    const char *words =
        assess_say(pool, "%s runs gave %s of %s", assess_number_text(pool, (double)s.runs), name,
                   assess_range_text(pool, range, assess_time_text));
    double most = effect(c), ratio = s.high / s.low;
    bool missed = c->missed && c->missed->target == t;
    if (!missed && s.high > t->limit && s.low <= t->limit) {
        *noisy = c->disagree = true;
        return assess_say(pool, "%s, on both sides of the limit of %s", words,
                          assess_time_text(pool, t->limit));
    }
    /* All of them beyond measure agree. */
    if (missed && !(ratio <= most) && isfinite(s.low)) {
        *noisy = true;
        return assess_say(pool, "%s, a spread of %s, where the claim is one of %s", words,
                          assess_times_text(pool, ratio), assess_times_text(pool, most));
    }
    return assess_say(pool, "%s, a spread of %s", words,
                      isfinite(ratio) ? assess_times_text(pool, ratio) : "no size");
}

/* Requests that are alone have no queue to scatter them: blocks of them in turn are two
 * measurements of the same thing (A/A). */
static const char *halves(struct assess_case *c, bool *noisy) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    const struct assess_run *run = e->single;
    const char *none = "the run was not repeated, so that noise between runs is not known";
    if (!run && e->run && e->run->mode == ASSESS_SINGLE) run = e->run;
    if (!run || !run->valid || run->count < FEWEST_ALONE) return none;
    double *values = assess_case_latencies(c, run, NULL), ends[2][PAIRS];
    if (!values) return none;
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        size_t first = run->count * i / (2 * PAIRS), end = run->count * (i + 1) / (2 * PAIRS);
        assess_sort(values + first, end - first);
        ends[i % 2][i / 2] = assess_median(values + first, end - first);
    }
    double tolerance = effect(c) - 1;
    bool quiet = true;
    struct assess_interval ratio =
        assess_noise_gate(ends[0], ends[1], PAIRS, tolerance, ASSESS_CERTAINTY, SEED, &quiet);
    const char *words = assess_say(pool,
                                   "medians of requests sent one at a time differ between blocks "
                                   "in turn by a ratio of %s (95 %% sure)",
                                   assess_range_text(pool, ratio, assess_times_text));
    if (quiet || !c->missed || !isfinite(tolerance)) return words;
    *noisy = true;
    return assess_say(pool, "%s, which is wider than the effect that is claimed, %s", words,
                      assess_times_text(pool, tolerance + 1));
}

/* ---- doubt ---------------------------------------------------------------------------------- */

static const char *profile_doubt(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    if (!c->profiled) {
        return "there is no profile with work in it; run the program under load with assess, or "
               "import one";
    }
    if (c->samples < ASSESS_FEWEST_SAMPLES) {
        return assess_say(pool,
                          "%s of work are too few to tell shares (%d are needed); measure "
                          "longer, or at a higher rate",
                          assess_count_text(pool, (uint64_t)c->samples, "sample", "samples"),
                          ASSESS_FEWEST_SAMPLES);
    }
    if (c->share[ASSESS_UNKNOWN] > ASSESS_MOST_UNKNOWN) {
        return assess_say(pool,
                          "%s of the work could not be attributed (at most %s may be); name "
                          "the objects in a rules file, or turn off the just-in-time "
                          "compiler",
                          assess_percent_text(pool, c->share[ASSESS_UNKNOWN]),
                          assess_percent_text(pool, ASSESS_MOST_UNKNOWN));
    }
    return NULL;
}

const char *assess_decide_doubt(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    const struct assess_evidence *e = c->evidence;
    const struct assess_target *t = latency_target(c);
    bool crowd = false, scatter = false;
    const char *others = neighbours(c, &crowd), *within;
    if (!t || !e->run)
        within = "no latencies were measured whose scatter could tell noise";
    else if (e->repeats && e->repeat_count)
        within = repeats(c, t, &scatter);
    else
        within = halves(c, &scatter);
    c->noisy = crowd || scatter;
    const char *so = c->noisy ? "too noisy for a claim about a miss" : "quiet enough";
    c->verdict->noise = assess_say(pool, "Noise: %s; %s (%s).", within, others, so);
    if (!c->noisy) return profile_doubt(c);
    return assess_say(pool, "%s%s%s; repeat it on a machine with nothing else running",
                      crowd ? others : "", crowd && scatter ? "; " : "", scatter ? within : "");
}

/* ---- ties ----------------------------------------------------------------------------------- */

const char *assess_decide_tie(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    enum assess_bucket a = c->first, b = c->second;
    double lead = c->weight[a] - c->weight[b], glue = c->weight[ASSESS_INTERPRETER];
    bool matters = (a == ASSESS_INTERPRETER || b == ASSESS_INTERPRETER) &&
                   c->weight[a] >= ASSESS_SMALL_SHARE && c->weight[b] >= ASSESS_SMALL_SHARE;
    if (matters && lead <= c->lead_error) {
        return assess_say(pool,
                          "%s and %s are nearer to one another than sampling can tell apart (%s "
                          "points); measure longer",
                          assess_weight_words(c, a), assess_weight_words(c, b),
                          assess_number_text(pool, round(c->lead_error * 1000) / 10));
    }
    double edge = fabs(glue - ASSESS_SMALL_SHARE);
    if (c->verdict->ceilings[ASSESS_REALISTIC].likely && edge <= c->interpreter_error) {
        return assess_say(pool,
                          "interpreter is %s of the work, give or take %s points, and %s is where "
                          "a port begins to pay; measure longer",
                          assess_percent_text(pool, glue),
                          assess_number_text(pool, round(c->interpreter_error * 1000) / 10),
                          assess_percent_text(pool, ASSESS_SMALL_SHARE));
    }
    bool leads = a == ASSESS_INTERPRETER && glue >= ASSESS_SMALL_SHARE;
    if (leads && c->assumed) {
        return assess_say(pool,
                          "%s leads, and how far the target is was not measured: whether a port "
                          "reaches it can be told from the program itself (give it after --)",
                          assess_weight_words(c, a));
    }
    if (leads && !c->verdict->ceilings[ASSESS_REALISTIC].likely && !c->cannot[ASSESS_OPTIMISTIC]) {
        const struct assess_ceiling *v = c->verdict->ceilings;
        return assess_say(pool,
                          "the target lies between "
                          "what a port would realistically give (%s) and the most it could give "
                          "(%s); make one hot function native and measure again",
                          assess_times_text(pool, v[ASSESS_REALISTIC].speedup),
                          assess_times_text(pool, v[ASSESS_OPTIMISTIC].speedup));
    }
    return NULL;
}
