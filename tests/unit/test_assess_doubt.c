/* Inconclusive rather than wrong: every way to be so, and what lies just on the other side. */
#include "assess_bed.h"

static const double compute[ASSESS_BUCKETS] = {8, 84, 4, 4, 0, 0, 0, 0, 0, 0};

static void set_shares(struct bed *bed, double interpreter, double native, double other,
                       double unknown) {
    double percent[ASSESS_BUCKETS] = {interpreter, native, other};
    percent[ASSESS_UNKNOWN] = unknown;
    bed_set_shares(bed, percent);
}

/* ---- what a case changes -------------------------------------------------------------------- */

static void nothing(struct bed *bed) { (void)bed; }
static void no_run(struct bed *bed) { bed->evidence.run = NULL; }
static void no_run_of_python(struct bed *bed) {
    static const double python[ASSESS_BUCKETS] = {70, 20, 10, 0, 0, 0, 0, 0, 0, 0};
    bed->evidence.run = NULL;
    bed_set_shares(bed, python);
}
static void no_requests(struct bed *bed) { bed->run.count = 0; }
static void few_requests(struct bed *bed) { bed->run.count = 458; }
static void enough_if_independent(struct bed *bed) { bed->run.count = 459; }
static void enough_requests(struct bed *bed) { bed->run.count = 600; }
static void enough_in_line(struct bed *bed) {
    bed_fill_run(bed, &bed->run, 459, 0, 0.04, 3);
    bed->evidence.rate = 0;
}
static void invalid(struct bed *bed) {
    bed->run.valid = false;
    bed->run.invalid_reason = "the generator lagged";
}
static void invalid_without_reason(struct bed *bed) { bed->run.valid = false; }
static void other_rate(struct bed *bed) { bed->evidence.rate = 25; }
static void nearly_the_rate(struct bed *bed) { bed->evidence.rate = 20.1; }
static void offline(struct bed *bed) { bed->run.mode = ASSESS_OFFLINE; }
static void single_at_rate(struct bed *bed) { bed->run.mode = ASSESS_SINGLE; }

static void crowded(struct bed *bed) { bed->evidence.other_cores = 6.1; }
static void not_crowded(struct bed *bed) { bed->evidence.other_cores = 5.9; }
static void others_of_unknown(struct bed *bed) {
    bed->evidence.cores = 0;
    bed->evidence.other_cores = 0.5;
}
static void few_others_of_unknown(struct bed *bed) {
    bed->evidence.cores = 0;
    bed->evidence.other_cores = 0.49;
}
static void full_but_alone(struct bed *bed) {
    bed->evidence.cores = 1;
    bed->evidence.cores_used = 1;
    bed->evidence.other_cores = 0.09;
}
static void stolen(struct bed *bed) { bed->evidence.steal_share = 0.021; }
static void hardly_stolen(struct bed *bed) { bed->evidence.steal_share = 0.02; }

/* Further runs whose service takes as much as `factors` times that of the run. */
static void repeat(struct bed *bed, const double *factors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bed_fill_run(bed, &bed->repeats[i], BED_REQUESTS, 20, 0.04 * factors[i], 11 + i);
    }
    bed->evidence.repeats = bed->repeats;
    bed->evidence.repeat_count = count;
}
static void steady(struct bed *bed) { repeat(bed, (const double[]){1, 1, 1, 1}, 4); }
static void unsteady(struct bed *bed) { repeat(bed, (const double[]){1, 0.4, 1, 1}, 4); }
static void invalid_repeats(struct bed *bed) {
    steady(bed);
    for (int i = 0; i < 4; i++) bed->repeats[i].valid = false;
}

/* Every other block of requests that are alone is slower by 60 %. */
static void wavering(struct bed *bed) {
    for (size_t i = 0; i < bed->single.count; i++) {
        struct assess_sent *s = &bed->single.sent[i];
        if (i * 24 / bed->single.count % 2) s->answered += 0.6 * (s->answered - s->sent);
    }
}

static void no_profile(struct bed *bed) { bed->evidence.profile = NULL; }
static void all_idle(struct bed *bed) {
    for (int b = 0; b < ASSESS_BUCKETS; b++) bed->profile.seconds[b] = b == ASSESS_IDLE;
}
static void samples_99(struct bed *bed) { bed->profile.samples = 99; }
static void samples_100(struct bed *bed) { bed->profile.samples = 100; }
static void idle_samples(struct bed *bed) {
    double work = assess_sum(bed->profile.seconds);
    bed->profile.seconds[ASSESS_IDLE] = work;
    bed->profile.samples = 190;
}
static void a_trace(struct bed *bed) {
    bed->profile.samples = 0;
    bed->profile.hz = 0;
}
static void lost_samples(struct bed *bed) { bed->profile.samples = 0; }
static void unknown_20(struct bed *bed) { set_shares(bed, 8, 72, 0, 20); }
static void unknown_21(struct bed *bed) { set_shares(bed, 8, 71, 0, 21); }

static void tie(struct bed *bed) {
    set_shares(bed, 45, 50, 5, 0);
    bed->profile.samples = 5000;
}
static void no_tie(struct bed *bed) {
    set_shares(bed, 45, 50, 5, 0);
    bed->profile.samples = 50000;
}
static void tie_of_others(struct bed *bed) {
    set_shares(bed, 6, 48, 46, 0);
    bed->profile.samples = 5000;
}
static void near_the_edge(struct bed *bed) {
    set_shares(bed, 24, 50, 26, 0);
    bed->profile.samples = 5000;
}
static void off_the_edge(struct bed *bed) {
    set_shares(bed, 18, 56, 26, 0);
    bed->profile.samples = 5000;
}

static void partial(struct bed *bed) { bed->evidence.partial = "the program was killed"; }
static void interrupted(struct bed *bed) { bed->run.interrupted = true; }

/* ---- the cases ------------------------------------------------------------------------------ */

static const struct doubtful {
    const char *name, *target;
    void (*change)(struct bed *);
    enum assess_outcome outcome;
    const char *phrase;
} cases[] = {
    {"no target", NULL, nothing, ASSESS_INCONCLUSIVE, "give --target"},
    {"not measured", "memory=1MB", no_run, ASSESS_INCONCLUSIVE, "peak memory was not measured"},
    {"no requests", "p99=100ms", no_requests, ASSESS_INCONCLUSIVE, "no request was sent"},
    {"memory not measured", "memory=1GB", nothing, ASSESS_INCONCLUSIVE, "was not measured"},
    {"cold start not measured", "cold-start=1s", nothing, ASSESS_INCONCLUSIVE, "Give --url"},
    {"download not measured", "download=1MB", nothing, ASSESS_INCONCLUSIVE, "Give --model"},
    {"no price", "cost=1/1k", nothing, ASSESS_INCONCLUSIVE, "Give --price"},
    {"throughput not measured", "throughput=10", no_run_of_python, ASSESS_INCONCLUSIVE,
     "give it after --"},
    {"too little asked for", "throughput=60", nothing, ASSESS_INCONCLUSIVE, "not asked for more"},
    {"as much as asked for", "throughput=15", nothing, ASSESS_MEETS_TARGET, "19"},

    {"too few requests", "p99=9s", few_requests, ASSESS_INCONCLUSIVE, "at least 459 requests"},
    {"enough if independent", "p99=9s", enough_if_independent, ASSESS_INCONCLUSIVE,
     "worth fewer than 459"},
    {"enough one at a time", "p99=9s", enough_in_line, ASSESS_MEETS_TARGET, "Nothing to port"},
    {"enough requests", "p99=9s", enough_requests, ASSESS_MEETS_TARGET, "Nothing to port"},
    {"invalid", "p99=9s", invalid, ASSESS_INCONCLUSIVE, "the generator lagged"},
    {"invalid, missed", "p99=100ms", invalid_without_reason, ASSESS_INCONCLUSIVE, "not valid"},
    {"wrong rate", "p99=9s", other_rate, ASSESS_INCONCLUSIVE,
     "not at the rate of the target, 25/s"},
    {"nearly the rate", "p99=9s", nearly_the_rate, ASSESS_MEETS_TARGET, "Nothing to port"},
    {"offline", "p99=9s", offline, ASSESS_INCONCLUSIVE, "offline"},
    {"single", "p99=9s", single_at_rate, ASSESS_INCONCLUSIVE, "not at the rate"},
    {"met", "p99=9s", nothing, ASSESS_MEETS_TARGET, "interpreter is 8 %"},
    {"met without profile", "p99=9s", no_profile, ASSESS_MEETS_TARGET, "Nothing to port"},

    {"crowded", "p99=100ms", crowded, ASSESS_INCONCLUSIVE, "6.1 cores of 8"},
    {"not crowded", "p99=100ms", not_crowded, ASSESS_DONT_PORT, "compute"},
    {"crowded, but met", "p99=9s", crowded, ASSESS_MEETS_TARGET, "Nothing to port"},
    {"others", "p99=100ms", others_of_unknown, ASSESS_INCONCLUSIVE, "0.5 cores"},
    {"few others", "p99=100ms", few_others_of_unknown, ASSESS_DONT_PORT, "compute"},
    {"alone", "p99=100ms", full_but_alone, ASSESS_DONT_PORT, "compute"},
    {"stolen", "p99=100ms", stolen, ASSESS_INCONCLUSIVE, "2.1 %"},
    {"hardly stolen", "p99=100ms", hardly_stolen, ASSESS_DONT_PORT, "compute"},
    {"steady", "p99=100ms", steady, ASSESS_DONT_PORT, "compute"},
    {"unsteady", "p99=200ms", unsteady, ASSESS_INCONCLUSIVE, "where the claim is one of 1.45x"},
    {"unsteady, unmistakable", "p99=5ms", unsteady, ASSESS_DONT_PORT, "compute"},
    {"steady and met", "p99=900ms", steady, ASSESS_MEETS_TARGET, "Nothing to port"},
    {"no valid repeat", "p99=100ms", invalid_repeats, ASSESS_DONT_PORT, "compute"},
    {"wavering", "p99=200ms", wavering, ASSESS_INCONCLUSIVE, "wider than the effect"},
    {"wavering, unmistakable", "p99=100ms", wavering, ASSESS_DONT_PORT, "compute"},

    {"no profile", "p99=100ms", no_profile, ASSESS_INCONCLUSIVE, "no profile"},
    {"all idle", "p99=100ms", all_idle, ASSESS_INCONCLUSIVE, "no profile with work"},
    {"99 samples", "p99=100ms", samples_99, ASSESS_INCONCLUSIVE, "99 samples"},
    {"100 samples", "p99=100ms", samples_100, ASSESS_DONT_PORT, "compute"},
    {"half of them idle", "p99=100ms", idle_samples, ASSESS_INCONCLUSIVE, "95 samples"},
    {"a trace", "p99=100ms", a_trace, ASSESS_DONT_PORT, "compute"},
    {"no samples at all", "p99=100ms", lost_samples, ASSESS_INCONCLUSIVE, "0 samples"},
    {"unknown 20 %", "p99=100ms", unknown_20, ASSESS_DONT_PORT, "compute"},
    {"unknown 21 %", "p99=100ms", unknown_21, ASSESS_INCONCLUSIVE, "21 % of the work"},
    {"tie", "p99=100ms", tie, ASSESS_INCONCLUSIVE, "nearer to one another"},
    {"no tie", "p99=150ms", no_tie, ASSESS_PORT, "interpreter is 45 %"},
    {"tie without Python", "p99=100ms", tie_of_others, ASSESS_DONT_PORT, "IO (46 %) is as large"},
    {"near the edge", "p99=230ms", near_the_edge, ASSESS_INCONCLUSIVE, "25 % is where"},
    {"off the edge", "p99=200ms", off_the_edge, ASSESS_DONT_PORT, "compute"},

    {"killed", "p99=100ms", partial, ASSESS_INCONCLUSIVE, "the program was killed"},
    {"killed, met", "p99=9s", partial, ASSESS_INCONCLUSIVE, "only a part"},
    {"killed, client", "client", partial, ASSESS_INCONCLUSIVE, "on the user's device"},
    {"interrupted", "p99=100ms", interrupted, ASSESS_INCONCLUSIVE, "interrupted"},
};

static void doubts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct doubtful *d = &cases[i];
        struct bed bed;
        bed_init(&bed, d->target);
        bed_set_shares(&bed, compute);
        d->change(&bed);
        bed_decide(&bed);
        const struct assess_verdict *v = &bed.verdict;
        if (v->outcome != d->outcome || !strstr(v->sentence, d->phrase))
            fail_msg("%s: outcome %d: %s", d->name, v->outcome, v->sentence);
        bool decided = d->outcome == ASSESS_PORT || d->outcome == ASSESS_DONT_PORT;
        if ((bed_fired(&bed) != NULL) != decided) fail_msg("%s: a row fired", d->name);
        assert_non_null(strstr(v->noise, "Noise: "));
        bed_deinit(&bed);
    }
}

/* One run of 2000 with 40 late ones (2 %): of their own they are a miss of p99, in one cluster they
 * are one event. */
static void clusters(void **state) {
    (void)state;
    for (int clustered = 0; clustered < 2; clustered++) {
        struct bed bed;
        bed_init(&bed, "p99=100ms");
        bed_set_shares(&bed, compute);
        for (size_t i = 0; i < bed.run.count; i++) {
            bool late = clustered ? i >= 800 && i < 840 : i % 50 == 0;
            struct assess_sent *s = &bed.run.sent[i];
            s->answered = s->intended + (late ? 0.3 : 0.03);
        }
        bed_decide(&bed);
        const struct assess_finding *f = &bed.verdict.findings[0];
        assert_int_equal(f->claim, clustered ? ASSESS_CLAIM_OPEN : ASSESS_CLAIM_MISSED);
        assert_non_null(strstr(f->words, "40 of 2,000 requests were late"));
        assert_true(clustered == (strstr(f->words, "share their fate") != NULL));
        bed_deinit(&bed);
    }
}

/* Repeats on both sides of a limit that the run itself meets. */
static void repeats_disagree(void **state) {
    struct bed bed;
    (void)state;
    bed_init(&bed, "p99=900ms");
    bed_set_shares(&bed, compute);
    repeat(&bed, (const double[]){1, 1.24}, 2);
    bed_decide(&bed);
    assert_int_equal(bed.verdict.outcome, ASSESS_INCONCLUSIVE);
    assert_non_null(strstr(bed.verdict.sentence, "on both sides of the limit of 900 ms"));
    bed_deinit(&bed);
}

static void failures_are_misses(void **state) {
    struct bed bed;
    (void)state;
    bed_init(&bed, "p99=9s");
    bed_set_shares(&bed, compute);
    for (size_t i = 0; i < bed.run.count; i += 20) {
        bed.run.sent[i].failure = "timeout";
        bed.run.failed++;
    }
    bed_decide(&bed);
    const struct assess_finding *f = &bed.verdict.findings[0];
    assert_int_equal(f->claim, ASSESS_CLAIM_MISSED);
    assert_non_null(strstr(f->words, "100 of 2,000 requests were late (100 failed)"));
    assert_non_null(strstr(f->words, "beyond measure"));
    assert_non_null(strstr(bed.verdict.sentence, "so many requests failed"));
    bed_deinit(&bed);
}

/* Blocks of time show a drift that counts of samples do not. */
static void drifting_shares(void **state) {
    enum { SPANS = 100 };
    (void)state;
    for (int drifts = 0; drifts < 2; drifts++) {
        struct bed bed;
        struct assess_span spans[SPANS];
        struct assess_thread thread = {.pid = 7, .tid = 8, .request = true};
        bed_init(&bed, "p99=100ms");
        set_shares(&bed, 40, 60, 0, 0);
        bed.profile.samples = 100000;
        for (uint32_t i = 0; i < SPANS; i++) {
            uint32_t k = drifts ? i * 10 / SPANS % 5 < 2 ? 0 : 1 : i % 5 < 2 ? 0 : 1;
            double at = bed.profile.begin + i * 0.95;
            spans[i] = (struct assess_span){at, at + 0.95, 7, 8, k};
        }
        bed.stacks[0].bucket = ASSESS_INTERPRETER;
        bed.stacks[1].bucket = ASSESS_COMPUTE;
        bed.profile.stacks = bed.stacks;
        bed.profile.stack_count = 2;
        bed.profile.spans = spans;
        bed.profile.span_count = SPANS;
        bed.profile.threads = &thread;
        bed.profile.thread_count = 1;
        struct assess_case c = {
            .evidence = &bed.evidence, .pool = &bed.pool, .verdict = &bed.verdict};
        assess_decide_shares(&c);
        /* Of 95 blocks that are one bucket or the other: 1.96 * 2 * sqrt(0.24 / 95) = 0.197. */
        assert_true(c.lead_error > 0.15 && c.lead_error < 0.25);
        thread.request = false; /* no blocks: 1.96 sqrt(0.96 / 10000) */
        struct assess_case other = {
            .evidence = &bed.evidence, .pool = &bed.pool, .verdict = &bed.verdict};
        assess_decide_shares(&other);
        assert_true(fabs(other.lead_error - 0.0192) < 0.0001);
        bed_deinit(&bed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubts),           cmocka_unit_test(clusters),
        cmocka_unit_test(repeats_disagree), cmocka_unit_test(failures_are_misses),
        cmocka_unit_test(drifting_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
