/* Targets against what was measured. */
#include "decide.h"

#include <math.h>

static const double block_seconds = 1, fewest_seconds = 10;
enum { DRAWS = 1000, SEED = 20240229 };

bool assess_is_timed(const struct assess_target *target) {
    return target->kind == ASSESS_TARGET_LATENCY || target->kind == ASSESS_TARGET_THROUGHPUT ||
           target->kind == ASSESS_TARGET_COST;
}

static struct assess_interval point(double value) {
    return (struct assess_interval){value, value, value};
}

static const struct assess_interval unknown = {NAN, NAN, NAN};

double *assess_case_latencies(struct assess_case *c, const struct assess_run *run, double **times) {
    if (!run || run->count == 0) return NULL;
    double *values = assess_alloc_array(c->pool, run->count, sizeof *values);
    double *at = times ? assess_alloc_array(c->pool, run->count, sizeof *at) : NULL;
    if (!values || (times && !at)) return NULL;
    for (size_t i = 0; i < run->count; i++) {
        const struct assess_sent *sent = &run->sent[i];
        double latency = sent->answered - sent->intended;
        bool answered = !sent->failure && isfinite(latency) && latency >= 0;
        values[i] = answered ? latency : INFINITY;
        if (at) at[i] = sent->intended;
    }
    if (times) *times = at;
    return values;
}

/* ---- latency -------------------------------------------------------------------------------- */

/* What stands in the way of a claim although requests were sent; NULL: nothing. */
static const char *run_doubt(struct assess_case *c, const struct assess_run *run) {
    double rate = c->evidence->rate;
    if (run->mode == ASSESS_OFFLINE) {
        return "the run was offline, which gives throughput and no latency; give --rate";
    }
    if (!run->valid) {
        return assess_say(c->pool, "the run is not valid: %s",
                          run->invalid_reason ? run->invalid_reason : "no reason was recorded");
    }
    if (assess_is_given(rate) &&
        !(run->mode == ASSESS_OPEN && fabs(run->planned_rate - rate) <= 0.01 * rate)) {
        return assess_say(c->pool, "the run was not at the rate of the target, %s",
                          assess_rate_text(c->pool, rate));
    }
    return NULL;
}

static const char *at_rate(struct assess_case *c, const struct assess_run *run) {
    if (run->mode == ASSESS_SINGLE) return "one request at a time";
    return assess_say(c->pool, "at %s", assess_rate_text(c->pool, run->planned_rate));
}

static bool in_blocks(const struct assess_run *run, const double *times) {
    return run->mode == ASSESS_OPEN && times[run->count - 1] - times[0] >= fewest_seconds;
}

/* In blocks of a second, within which requests share their fate; a run of single requests has no
 * queue that would tie them, and a short one too few blocks. */
static struct assess_interval latency_interval(const struct assess_run *run, const double *times,
                                               const double *values, double *sorted, double q,
                                               const char **how) {
    size_t n = run->count;
    if (in_blocks(run, times)) {
        *how = "blocks of 1 s resampled";
        return assess_block_bootstrap(times, values, n, block_seconds, q, ASSESS_CERTAINTY, DRAWS,
                                      SEED);
    }
    *how = "from the order of the values";
    return assess_quantile_interval(sorted, n, q, ASSESS_CERTAINTY);
}

struct latency_facts {
    const char *name; /* p99 */
    uint64_t misses;
    size_t failed;
    const char *how;
    bool bursts; /* the claim would be another if requests were independent */
};

/* Late requests come in bursts, and few seconds tell how many: both count. */
static enum assess_claim test_claim(const struct assess_run *run, const double *times,
                                    const double *values, const struct assess_target *t,
                                    struct latency_facts *facts) {
    size_t n = run->count;
    enum assess_claim claim = assess_test_claim(facts->misses, n, t->quantile, ASSESS_CLAIM);
    if (!in_blocks(run, times)) return claim;
    enum assess_claim other = assess_test_claim_in_blocks(times, values, n, t->limit, block_seconds,
                                                          t->quantile, ASSESS_CLAIM);
    facts->bursts = other != claim;
    return other;
}

static const char *claim_words(struct assess_case *c, const struct assess_finding *f,
                               const struct latency_facts *facts, size_t n, const char *doubt) {
    struct assess_pool *pool = c->pool;
    double q = f->target->quantile;
    int64_t most = assess_most_misses(n, q, ASSESS_CLAIM);
    if (doubt) return assess_say(pool, "open: %s", doubt);
    if (f->claim == ASSESS_CLAIM_MET) return "met";
    if (f->claim == ASSESS_CLAIM_MISSED) return "missed";
    if (most < 0) {
        return assess_say(
            pool,
            "open: a claim with 99 %% confidence needs at least %s, none of them "
            "late; measure longer",
            assess_count_text(pool, assess_fewest(q, ASSESS_CLAIM), "request", "requests"));
    }
    if (facts->bursts) {
        return assess_say(pool,
                          "open: requests of the same second share their fate, so that these are "
                          "worth fewer than %s independent ones, too few for a claim with 99 %% "
                          "confidence; measure longer",
                          assess_number_text(pool, (double)n));
    }
    return assess_say(pool,
                      "open: with at most %lld late it would be met with 99 %% confidence, and "
                      "this many may be chance; measure longer",
                      (long long)most);
}

static const char *late_words(struct assess_case *c, const struct latency_facts *facts, size_t n) {
    struct assess_pool *pool = c->pool;
    const char *failed =
        facts->failed
            ? assess_say(pool, " (%s)", assess_count_text(pool, facts->failed, "failed", "failed"))
            : "";
    return assess_say(pool, "%s of %s were late%s", assess_number_text(pool, (double)facts->misses),
                      assess_count_text(pool, n, "request", "requests"), failed);
}

static void judge_latency(struct assess_case *c, struct assess_finding *f) {
    struct assess_pool *pool = c->pool;
    const struct assess_run *run = c->evidence->run;
    struct latency_facts facts = {.name = assess_quantile_text(pool, f->target->quantile)};
    const char *limit = assess_time_text(pool, f->target->limit);
    double *times = NULL, *values = assess_case_latencies(c, run, &times);
    double *sorted = values ? assess_alloc_array(pool, run->count, sizeof *sorted) : NULL;
    if (!sorted) {
        f->words = assess_say(pool, "%s was not measured%s; wanted: %s. Give --url, or a callable",
                              facts.name, run ? ": no request was sent" : "", limit);
        return;
    }
    size_t n = run->count;
    for (size_t i = 0; i < n; i++) {
        facts.misses += values[i] > f->target->limit;
        facts.failed += isinf(values[i]) != 0;
        sorted[i] = values[i];
    }
    assess_sort(sorted, n);
    f->measured = latency_interval(run, times, values, sorted, f->target->quantile, &facts.how);
    const char *doubt = run_doubt(c, run);
    if (!doubt) f->claim = test_claim(run, times, values, f->target, &facts);
    f->words = assess_say(
        pool, "%s is %s (95 %% sure of %s, %s) %s; wanted: %s; %s: %s", facts.name,
        isinf(f->measured.value) ? "beyond measure, for so many failed"
                                 : assess_time_text(pool, f->measured.value),
        assess_range_text(pool, f->measured, assess_time_text), facts.how, at_rate(c, run), limit,
        late_words(c, &facts, n), claim_words(c, f, &facts, n, doubt));
}

/* ---- throughput ----------------------------------------------------------------------------- */

/* The knee lies between the highest rate that held and the lowest that did not. */
static bool sweep_capacity(const struct assess_sweep *sweep, struct assess_interval *rate) {
    if (!sweep || sweep->count == 0) return false;
    double above = INFINITY, knee = assess_is_given(sweep->knee) ? sweep->knee : 0;
    for (size_t i = 0; i < sweep->count; i++) {
        const struct assess_run *run = &sweep->runs[i];
        /* A run that the generator spoilt says nothing about the program. */
        bool says = run->valid || run->failed > run->count / 100;
        if (says && run->planned_rate > knee * (1 + 1e-9)) above = fmin(above, run->planned_rate);
    }
    *rate = (struct assess_interval){knee, knee, above};
    return knee > 0 || isfinite(above);
}

static void judge_sweep(struct assess_case *c, struct assess_finding *f) {
    struct assess_pool *pool = c->pool;
    double limit = f->target->limit;
    const char *wanted = assess_rate_text(pool, limit);
    const char *held = f->measured.low > 0
                           ? assess_say(pool, "%s held", assess_rate_text(pool, f->measured.low))
                           : "no rate held";
    const char *above =
        isfinite(f->measured.high)
            ? assess_say(pool, "%s did not", assess_rate_text(pool, f->measured.high))
            : "none above it failed";
    if (f->measured.low >= limit)
        f->claim = ASSESS_CLAIM_MET;
    else if (f->measured.high <= limit)
        f->claim = ASSESS_CLAIM_MISSED;
    static const char *const words[] = {
        "met", "missed", "open: the limit lies between; sweep further, or run at the limit itself"};
    f->words = assess_say(pool, "in the sweep %s and %s; wanted: %s: %s", held, above, wanted,
                          words[f->claim]);
}

static void judge_run_rate(struct assess_case *c, struct assess_finding *f,
                           const struct assess_run *run) {
    struct assess_pool *pool = c->pool;
    double limit = f->target->limit, achieved = run->achieved_rate;
    size_t answered = run->count > run->failed ? run->count - run->failed : 0;
    /* Counts of independent arrivals vary by their square root. */
    double half = answered ? 1.96 / sqrt((double)answered) : 1;
    f->measured =
        (struct assess_interval){achieved * fmax(0, 1 - half), achieved, achieved * (1 + half)};
    bool asked = run->mode == ASSESS_OPEN && run->planned_rate >= limit * (1 - 1e-9);
    bool held = achieved >= 0.95 * run->planned_rate && run->failed * 100 <= run->count;
    const char *so;
    if (!run->valid) {
        so = assess_say(pool, "open: the run is not valid: %s",
                        run->invalid_reason ? run->invalid_reason : "no reason was recorded");
    } else if (f->measured.low >= limit || (asked && held)) {
        f->claim = ASSESS_CLAIM_MET;
        so = "met";
    } else if (f->measured.high < limit && (asked || run->mode == ASSESS_OFFLINE)) {
        f->claim = ASSESS_CLAIM_MISSED;
        so = "missed";
    } else {
        so = "open: the program was not asked for more; give a higher --rate";
    }
    f->words =
        assess_say(pool, "%s were answered, %s; wanted: %s: %s", assess_rate_text(pool, achieved),
                   run->mode == ASSESS_OPEN     ? assess_say(pool, "of %s asked for",
                                                             assess_rate_text(pool, run->planned_rate))
                   : run->mode == ASSESS_SINGLE ? "one request at a time"
                                                : "as fast as they would go",
                   assess_rate_text(pool, limit), so);
}

static void judge_throughput(struct assess_case *c, struct assess_finding *f) {
    const struct assess_run *run = c->evidence->run;
    if (sweep_capacity(c->evidence->sweep, &f->measured)) {
        judge_sweep(c, f);
        return;
    }
    if (run && run->count && assess_is_given(run->achieved_rate)) {
        judge_run_rate(c, f, run);
        return;
    }
    f->words = assess_say(
        c->pool, "throughput was not measured; wanted: %s. Give --url, and leave out --no-sweep",
        assess_rate_text(c->pool, f->target->limit));
}

/* ---- plain comparisons ---------------------------------------------------------------------- */

static void compare(struct assess_case *c, struct assess_finding *f, double value, const char *what,
                    const char *how, const char *missing, assess_text_of *text) {
    struct assess_pool *pool = c->pool;
    const char *wanted = text(pool, f->target->limit);
    if (!assess_is_given(value)) {
        f->words =
            assess_say(pool, "%s was not measured; wanted: at most %s. %s", what, wanted, missing);
        return;
    }
    bool met = value <= f->target->limit;
    f->measured = point(value);
    f->claim = met ? ASSESS_CLAIM_MET : ASSESS_CLAIM_MISSED;
    f->words = assess_say(pool, "%s is %s (%s); wanted: at most %s: %s", what, text(pool, value),
                          how, wanted, met ? "met" : "missed");
}

const char *assess_cost_text(struct assess_pool *pool, double per_request) {
    return assess_say(pool, "%s per 1,000 requests", assess_money_text(pool, per_request * 1000));
}

static void judge_cost(struct assess_case *c, struct assess_finding *f) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    bool run = e->run && assess_is_given(e->run->achieved_rate);
    double rate = run ? e->run->achieved_rate : e->rate, cores = e->cores_used;
    bool known = assess_is_given(cores) && assess_is_given(rate) && assess_is_given(e->price);
    const char *how = "", *missing = "Give --url and --rate: it is computed from the run";
    if (known) {
        how = assess_say(pool, "%s cores at %s per core-hour, over %s",
                         assess_number_text(pool, cores), assess_money_text(pool, e->price * 3600),
                         assess_rate_text(pool, rate));
    } else if (!assess_is_given(e->price)) {
        missing = "Give --price, as in --price 0.17/core-hour";
    }
    compare(c, f, known ? cores * e->price / rate : 0, "the cost", how, missing, assess_cost_text);
}

static void judge_client(struct assess_case *c, struct assess_finding *f) {
    f->claim = ASSESS_CLAIM_MISSED;
    f->words = assess_say(c->pool, "the program is a process on a server; wanted: on the user's "
                                   "device: missed");
}

const char *assess_finding_brief(struct assess_case *c, const struct assess_finding *f) {
    struct assess_pool *pool = c->pool;
    const struct assess_target *t = f->target;
    const struct assess_interval m = f->measured;
    static const struct {
        const char *what;
        assess_text_of *text;
    } plain[] = {
        [ASSESS_TARGET_THROUGHPUT] = {"throughput", assess_rate_text},
        [ASSESS_TARGET_MEMORY] = {"peak memory", assess_bytes_text},
        [ASSESS_TARGET_COLD_START] = {"cold start", assess_time_text},
        [ASSESS_TARGET_DOWNLOAD] = {"the download", assess_bytes_text},
        [ASSESS_TARGET_COST] = {"the cost", assess_cost_text},
    };
    if (t->kind == ASSESS_TARGET_CLIENT) return "it must run on the user's device";
    if (c->assumed && f == c->missed) {
        bool sampled = c->evidence->profile->hz > 0;
        return assess_say(pool, "%s was not measured and is taken as missed, %s", t->text,
                          sampled ? "the program serving nobody" : "the profile being imported");
    }
    if (t->kind == ASSESS_TARGET_LATENCY) {
        const char *value = isinf(m.value) ? "beyond measure, for so many requests failed,"
                                           : assess_interval_text(pool, m, assess_time_text);
        return assess_say(pool, "%s is %s %s where %s is wanted",
                          assess_quantile_text(pool, t->quantile), value,
                          at_rate(c, c->evidence->run), assess_time_text(pool, t->limit));
    }
    return assess_say(pool, "%s is %s where %s is wanted", plain[t->kind].what,
                      plain[t->kind].text(pool, m.value), plain[t->kind].text(pool, t->limit));
}

static void judge(struct assess_case *c, struct assess_finding *f) {
    const struct assess_evidence *e = c->evidence;
    switch (f->target->kind) {
    case ASSESS_TARGET_LATENCY:
        judge_latency(c, f);
        return;
    case ASSESS_TARGET_THROUGHPUT:
        judge_throughput(c, f);
        return;
    case ASSESS_TARGET_MEMORY:
        compare(c, f, e->peak_bytes, "peak memory", "resident, of all processes together",
                "Run the program under assess, without an imported profile", assess_bytes_text);
        return;
    case ASSESS_TARGET_COLD_START:
        compare(c, f, e->cold_start, "cold start", "from exec to the first answer",
                "Give --url, or a callable", assess_time_text);
        return;
    case ASSESS_TARGET_DOWNLOAD:
        compare(c, f, e->download_bytes, "the download", "compressed, everything a client loads",
                "Give --model, and have brotli installed", assess_bytes_text);
        return;
    case ASSESS_TARGET_COST:
        judge_cost(c, f);
        return;
    case ASSESS_TARGET_CLIENT:
        judge_client(c, f);
        return;
    }
    f->words = "a target of an unknown kind";
}

void assess_decide_findings(struct assess_case *c) {
    const struct assess_evidence *e = c->evidence;
    size_t count = e->targets ? e->target_count : 0;
    struct assess_finding *findings = assess_alloc_array(c->pool, count, sizeof *findings);
    if (!findings) return;
    for (size_t i = 0; i < count; i++) {
        struct assess_finding *f = &findings[i];
        *f = (struct assess_finding){
            .target = &e->targets[i], .measured = unknown, .claim = ASSESS_CLAIM_OPEN};
        judge(c, f);
        if (f->claim == ASSESS_CLAIM_MISSED && !c->missed) c->missed = f;
        if (f->claim == ASSESS_CLAIM_OPEN && !c->open) c->open = f;
    }
    /* Nothing else decides where the program may run. */
    for (size_t i = 0; i < count; i++) {
        if (findings[i].target->kind == ASSESS_TARGET_CLIENT) c->missed = &findings[i];
    }
    /* Where a port cannot help whatever the target, the shares alone say so. */
    bool alone = c->profiled && !e->run && !e->sweep;
    if (alone && !c->missed && c->open && assess_is_timed(c->open->target)) {
        c->missed = c->open;
        c->assumed = true;
    }
    c->verdict->findings = findings;
    c->verdict->finding_count = count;
}
