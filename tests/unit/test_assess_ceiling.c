/* What a port would give, against arithmetic and against a queue that is simulated anew; and the
 * rest of the verdict: the account, the comparison, the rubric, the checklist. */
#include "assess_bed.h"

static void assert_close(double value, double wanted, double bound) {
    if (!(fabs(value - wanted) <= bound)) fail_msg("%.9g, not %.9g", value, wanted);
}

static void assert_words(const char *text, const char *phrase) {
    if (!text || !strstr(text, phrase)) fail_msg("no '%s' in: %s", phrase, text ? text : "NULL");
}

static void begin(struct bed *bed, const char *target, const double *percent) {
    bed_init(bed, target);
    bed_set_shares(bed, percent);
}

static const double mixed[ASSESS_BUCKETS] = {30, 20, 10, 10, 20, 0, 0, 10, 0, 0};
static const double python[ASSESS_BUCKETS] = {85, 10, 5};

/* interpreter 0.3, compute 0.2, io 0.1, marshalling 0.1, gil 0.2, gc 0.1. */
static void factors(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", mixed);
    bed.model = (struct assess_model_timing){.native = 0.01, .wasm = 0.025};
    bed.evidence.model = &bed.model;
    bed_decide(&bed);
    const struct assess_ceiling *c = bed.verdict.ceilings;
    assert_int_equal(bed.verdict.ceiling_count, 3);
    /* 1 - 0.3 - 0.1 - 0.1 - 0.2 */
    assert_close(c[0].factor, 0.3, 1e-9);
    assert_close(c[0].speedup, 1 / 0.3, 1e-9);
    /* 0.95 * 0.4 goes; of 0.5 that hold the lock 0.38 go, and so do 0.76 of 0.2. */
    assert_close(c[1].factor, 1 - 0.38 - 0.2 * 0.76, 1e-9);
    assert_close(c[2].factor, 1 - 0.38 - 0.2 * 0.76 + 1.5 * 0.2 + 0.1, 1e-9);
    assert_string_equal(c[0].name, "optimistic");
    assert_string_equal(c[1].name, "realistic");
    assert_string_equal(c[2].name, "WebAssembly");
    assert_words(c[0].basis, "interpreter (30 %), garbage collection (10 %), marshalling (10 %)");
    assert_words(c[0].basis, "30 % of the work stays, a speedup of 3.33x");
    assert_words(c[1].basis, "of the interpreter's time (30 %)");
    assert_words(c[2].basis, "compute (20 %) times 2.5");
    bed_deinit(&bed);
}

static void slower_in_webassembly(void **state) {
    const double percent[ASSESS_BUCKETS] = {5, 90, 0, 5};
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", percent);
    bed.model = (struct assess_model_timing){.native = 0.01, .wasm = 0.03};
    bed.evidence.model = &bed.model;
    bed_decide(&bed);
    const struct assess_ceiling *web = &bed.verdict.ceilings[2];
    assert_close(web->factor, 1 - 0.95 * 0.05 + 2 * 0.9 + 0.05, 1e-9);
    assert_true(web->speedup < 1 && !web->meets);
    /* 2.8 * 40 ms at 20/s is more than one server can do. */
    assert_true(isinf(web->latency.low));
    assert_words(web->basis, "slower than today");
    assert_words(web->basis, "grow without end");
    bed_deinit(&bed);
}

static void webassembly_not_measured(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed.model = (struct assess_model_timing){.native = 0.01, .wasm_why = "Node is not installed"};
    bed.evidence.model = &bed.model;
    bed_decide(&bed);
    const struct assess_ceiling *web = &bed.verdict.ceilings[2];
    assert_true(isnan(web->factor) && isnan(web->speedup) && isnan(web->latency.value));
    assert_false(web->meets);
    assert_words(web->basis, "compute is 10 % of the work");
    assert_words(web->basis, "Node is not installed");
    bed_deinit(&bed);

    const double no_compute[ASSESS_BUCKETS] = {90, 0.4, 9.6};
    begin(&bed, "p99=100ms", no_compute);
    bed_decide(&bed);
    assert_close(bed.verdict.ceilings[2].factor, 1 - 0.95 * 0.9, 1e-9);
    bed_deinit(&bed);
}

/* With everything in the interpreter the ceiling is what sampling allows: 3 of 15000. */
static void nothing_but_python(void **state) {
    const double all[ASSESS_BUCKETS] = {100};
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", all);
    bed_decide(&bed);
    assert_close(bed.verdict.ceilings[0].factor, 1e-3, 1e-9);
    bed_deinit(&bed);
    begin(&bed, "p99=100ms", all);
    bed.profile.samples = 300;
    bed_decide(&bed);
    assert_close(bed.verdict.ceilings[0].factor, 0.01, 1e-9);
    assert_close(bed.verdict.ceilings[1].factor, 0.05, 1e-9);
    bed_deinit(&bed);
}

/* The truth: the same program with service times times the factor, median of 40 other runs. */
static double simulated(struct bed *bed, double factor) {
    enum { RUNS = 40 };
    double all[RUNS];
    struct assess_case scratch = {.pool = &bed->pool};
    for (size_t r = 0; r < RUNS; r++) {
        struct assess_run run;
        bed_fill_run(bed, &run, BED_REQUESTS, 20, 0.04 * factor, 100 + r);
        double *values = assess_case_latencies(&scratch, &run, NULL);
        assess_sort(values, run.count);
        all[r] = assess_quantile(values, run.count, 0.99);
    }
    assess_sort(all, RUNS);
    return assess_median(all, RUNS);
}

static void prediction_is_true(void **state) {
    /* What native code leaves of the interpreter's 85 %: nothing, 1/20, 1/10. */
    static const double residuals[] = {0, 0.05, 0.1};
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed_decide(&bed);
    const struct assess_ceiling *c = bed.verdict.ceilings;
    for (size_t i = 0; i < sizeof residuals / sizeof *residuals; i++) {
        double truth = simulated(&bed, 1 - 0.85 * (1 - residuals[i]));
        if (!(c[1].latency.low <= truth && truth <= c[1].latency.high))
            fail_msg("%g not in %g to %g", truth, c[1].latency.low, c[1].latency.high);
    }
    double truth = simulated(&bed, 0.15);
    assert_true(c[0].latency.low <= truth && truth <= c[0].latency.high);
    /* And it says something: the factors alone are 0.235 / 0.15 apart. */
    assert_true(c[0].latency.high < 1.5 * c[0].latency.low);
    assert_true(c[1].latency.high < 2.5 * c[1].latency.low);
    for (int k = 0; k < 2; k++) {
        assert_true(c[k].meets);
        assert_words(c[k].basis, "a queue with 1 server");
    }
    bed_deinit(&bed);
}

/* Without service times the answer is a bound by proportion, and no claim that a miss stays. */
static void proportion(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed.evidence.single = NULL;
    bed_decide(&bed);
    const struct assess_ceiling *c = &bed.verdict.ceilings[1];
    double measured = bed.verdict.findings[0].measured.value;
    assert_close(c->latency.value, c->factor * measured, 1e-12);
    assert_words(c->basis, "bounded by proportion");
    assert_true(bed.verdict.request_seconds.value > 0);
    bed_deinit(&bed);

    begin(&bed, "p50=1ms", python); /* below every bound, but queues might shrink */
    bed.evidence.single = NULL;
    bed_decide(&bed);
    assert_int_equal(bed.verdict.outcome, ASSESS_INCONCLUSIVE);
    bed_deinit(&bed);
}

/* The sweep's lightest run takes the place of requests that were alone. */
static void services_of_the_sweep(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed.evidence.single = NULL;
    bed_fill_run(&bed, &bed.swept[0], 500, 2, 0.04, 5);
    bed_fill_run(&bed, &bed.swept[1], 500, 16, 0.04, 6);
    bed.sweep = (struct assess_sweep){.runs = bed.swept, .count = 2, .knee = 16};
    bed.evidence.sweep = &bed.sweep;
    bed_decide(&bed);
    assert_words(bed.verdict.ceilings[1].basis, "service times of the sweep's lightest run");
    assert_int_equal(bed.verdict.outcome, ASSESS_PORT);
    bed_deinit(&bed);
}

static void one_at_a_time(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p50=10ms", python);
    bed.run = bed.single;
    bed.evidence.rate = 0;
    bed_set_shares(&bed, python);
    bed_decide(&bed);
    const struct assess_ceiling *c = &bed.verdict.ceilings[1];
    assert_close(c->latency.value, 0.04 * (1 - 0.95 * 0.85), 0.001);
    assert_words(c->basis, "one request at a time");
    assert_int_equal(bed.verdict.outcome, ASSESS_PORT);
    bed_deinit(&bed);
}

/* Half of the service time is not in the profile: only the other half can shrink. */
static void outside_of_the_profile(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    for (int b = 0; b < ASSESS_BUCKETS; b++) bed.profile.seconds[b] *= 0.5;
    bed_decide(&bed);
    const struct assess_ceiling *c = &bed.verdict.ceilings[1];
    assert_close(c->factor, 1 - 0.5 * 0.95 * 0.85, 0.01);
    assert_words(c->basis, "the profile explains 50 % of a request's 39.7 ms");
    bed_deinit(&bed);
}

static void hot_spots(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed_add_hot_spot(&bed, 0.8);
    bed_decide(&bed);
    assert_words(bed.verdict.intervention, "tokenize (tokenizer.py:12)");
    /* 80 % of 85 %, to 1/20. */
    const struct assess_ceiling *h = &bed.verdict.helper;
    assert_string_equal(h->name, "helper");
    assert_close(h->factor, 1 - 0.95 * 0.8 * 0.85, 1e-9);
    assert_true(h->meets && h->latency.low < h->latency.high);
    assert_words(h->basis, "tokenize (tokenizer.py:12), which is 80 % of its time");
    bed_deinit(&bed);

    /* Without stages and stacks: own time alone counts, 50 % are enough, 49 % are not. */
    for (int k = 0; k < 2; k++) {
        begin(&bed, "p99=150ms", python);
        double all = bed.profile.seconds[ASSESS_INTERPRETER];
        bed_add_function(&bed, "scan", "scan.py:1", (k ? 0.5 : 0.49) * all, all);
        bed_add_function(&bed, "rest", "rest.py:1", 0.25 * all, all);
        bed_add_function(&bed, "more", "more.py:1", (k ? 0.25 : 0.26) * all, all);
        bed_decide(&bed);
        bool helper = strcmp(bed_fired(&bed)->id, "helper") == 0;
        assert_int_equal(helper, k);
        bed_deinit(&bed);
    }
}

/* handle calls the stage outer, which calls inner; inner_part of the interpreter's time is within
 * inner, and of what is within outer the interpreter's is the part `purity`, within inner all. */
static const char *name_hot_spot(struct bed *bed, double inner_part, double outer_purity,
                                 double inner_purity) {
    static const uint32_t deep[] = {0, 1, 2}, flat[] = {0, 1}, rest[] = {0};
    const double outer_part = 0.98;
    begin(bed, "p99=150ms", python);
    double all = bed->profile.seconds[ASSESS_INTERPRETER];
    bed_add_function(bed, "handle", "app.py:1", 0.02 * all, 3 * all);
    bed_add_function(bed, "outer", "app.py:9", 0.1 * all, outer_part * all / outer_purity);
    bed_add_function(bed, "inner", "app.py:20", 0.1 * all, inner_part * all / inner_purity);
    bed->stages[0] = (struct assess_stage){.name = "outer", .place = "app.py:9"};
    bed->profile.stages = bed->stages;
    bed->profile.stage_count = 1;
    bed->stacks[0] = (struct assess_stack){deep, 3, ASSESS_INTERPRETER, inner_part * all};
    bed->stacks[1] =
        (struct assess_stack){flat, 2, ASSESS_INTERPRETER, (outer_part - inner_part) * all};
    bed->stacks[2] = (struct assess_stack){rest, 1, ASSESS_INTERPRETER, (1 - outer_part) * all};
    bed->profile.stacks = bed->stacks;
    bed->profile.stack_count = 3;
    struct assess_case c = {
        .evidence = &bed->evidence, .pool = &bed->pool, .verdict = &bed->verdict};
    assess_decide_shares(&c);
    assess_decide_hot_spot(&c);
    return c.hot.name;
}

static void hottest_of_several(void **state) {
    static const struct {
        double inner_part, outer_purity, inner_purity;
        const char *name;
    } cases[] = {
        {0.70, 1, 1, "outer (app.py:9)"},        /* holds more */
        {0.96, 1, 1, "inner (app.py:20)"},       /* nearly the same, and narrower */
        {0.96, 0.81, 0.79, "inner (app.py:20)"}, /* and nearly as pure */
        {0.96, 0.81, 0.7, "outer (app.py:9)"},
        {0.70, 0.79, 1, "inner (app.py:20)"},  /* outer has more than Python below it */
        {0.70, 0.81, 1, "outer (app.py:9)"},   /* but not much */
        {0.70, 0.5, 0.5, "inner (app.py:20)"}, /* neither can be replaced: the narrower */
        {0.49, 0.5, 1, "outer (app.py:9)"},    /* inner holds too little */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed bed;
        const char *name =
            name_hot_spot(&bed, cases[i].inner_part, cases[i].outer_purity, cases[i].inner_purity);
        if (!name || strcmp(name, cases[i].name) != 0) fail_msg("%zu: %s", i, name ? name : "none");
        bed_deinit(&bed);
    }
}

/* Functions of one module that hold little each and much together. */
static void hot_module(void **state) {
    enum { PARTS = 4 };
    static const char *const names[PARTS] = {"a", "b", "c", "d"};
    static const uint32_t frames[PARTS][2] = {{4, 0}, {4, 1}, {4, 2}, {4, 3}};
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    double part = bed.profile.seconds[ASSESS_INTERPRETER] / (double)PARTS;
    for (int i = 0; i < PARTS; i++) {
        bed_add_function(&bed, names[i], "lib/tok.py:7", part, part);
        bed.stacks[i] = (struct assess_stack){frames[i], 2, ASSESS_INTERPRETER, part};
    }
    bed_add_function(&bed, "handle", "app.py:3", 0, (double)PARTS * part);
    /* Each part is a stage of its own. */
    struct assess_stage stages[PARTS];
    for (int i = 0; i < PARTS; i++)
        stages[i] = (struct assess_stage){.name = names[i], .place = "lib/tok.py:7"};
    bed.profile.stages = stages;
    bed.profile.stage_count = PARTS;
    bed.profile.stacks = bed.stacks;
    bed.profile.stack_count = PARTS;
    bed_decide(&bed);
    assert_string_equal(bed_fired(&bed)->id, "helper");
    assert_words(bed.verdict.intervention, "the module lib/tok.py");
    bed_deinit(&bed);
}

static void accounts(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed_decide(&bed);
    assert_false(bed.verdict.account.given);
    assert_words(bed.verdict.account.words, "cost not given: add --port-days");
    assert_true(isinf(bed.verdict.account.break_even));
    bed_deinit(&bed);

    begin(&bed, "p99=100ms", python);
    bed.evidence.port_days = 15;
    bed.evidence.upkeep_days = 10;
    bed.evidence.day_cost = 800;
    bed_decide(&bed);
    const struct assess_account *a = &bed.verdict.account;
    assert_true(a->given);
    assert_close(a->once, 12000, 1e-9);
    assert_close(a->yearly, 8000, 1e-9);
    assert_close(a->saves_yearly, 0, 0);
    assert_true(isinf(a->break_even));
    assert_words(a->words, "Not porting saves 36,000 over 3 years");
    assert_words(a->words, "never breaks even in money");
    bed_deinit(&bed);

    /* 30 cores of which the part of compute and the residual stay: 0.1425 of 0.95. */
    begin(&bed, "p99=100ms", python);
    bed.evidence.port_days = 15;
    bed.evidence.upkeep_days = 10;
    bed.evidence.day_cost = 800;
    bed.evidence.cores_used = 30;
    bed.evidence.cores = 64;
    bed.evidence.price = 0.17 / 3600;
    bed_decide(&bed);
    a = &bed.verdict.account;
    double freed = 30 * 0.8075 / 0.95, saves = freed * 0.17 * 24 * 365.25;
    assert_close(a->saves_yearly, saves, 1e-6 * saves);
    assert_close(a->break_even, 12000 / (saves - 8000), 1e-6);
    assert_words(a->words, "frees 25.5 of 30 cores");
    assert_words(a->words, "breaks even after");
    bed_deinit(&bed);

    /* The upkeep is more than it saves. */
    begin(&bed, "p99=100ms", python);
    bed.evidence.port_days = bed.evidence.upkeep_days = 0;
    bed.evidence.upkeep_days = 300;
    bed.evidence.day_cost = 800;
    bed.evidence.price = 0.17 / 3600;
    bed_decide(&bed);
    assert_words(bed.verdict.account.words, "upkeep is at least what it saves");
    bed_deinit(&bed);
}

static const struct assess_place *place(const struct bed *bed, const char *name) {
    for (size_t i = 0; i < bed->verdict.place_count; i++)
        if (strcmp(bed->verdict.places[i].name, name) == 0) return &bed->verdict.places[i];
    fail_msg("no place %s", name);
    return NULL;
}

static void places(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed_decide(&bed);
    assert_int_equal(bed.verdict.place_count, 7);
    assert_words(place(&bed, "Python")->latency, "measured: p99 290 ms");
    assert_words(place(&bed, "native C/C++")->latency, "predicted: p99");
    assert_true(place(&bed, "native C/C++")->recommended);
    assert_string_equal(place(&bed, "CUDA")->latency, "not measured: no GPU");
    assert_words(place(&bed, "WebAssembly in the browser")->latency, "not measured");
    assert_words(place(&bed, "Python with a C helper")->latency, "not predicted");
    bed_deinit(&bed);

    begin(&bed, "p99=100ms", python);
    bed.evidence.has_gpu = true;
    bed_decide(&bed);
    assert_words(place(&bed, "CUDA")->latency, "import a trace");
    bed_deinit(&bed);

    begin(&bed, "client", python);
    bed.profile.has_device = true;
    bed.profile.device_busy = 0.4;
    bed.profile.device_starved = 0.1;
    bed_decide(&bed);
    assert_words(place(&bed, "CUDA")->latency, "busy 40 % and starved 10 %");
    assert_true(place(&bed, "WebAssembly in the browser")->recommended);
    bed_deinit(&bed);
}

static const struct assess_row *sign(const struct bed *bed, const char *id) {
    for (size_t i = 0; i < bed->verdict.rubric_count; i++)
        if (strcmp(bed->verdict.rubric[i].id, id) == 0) return &bed->verdict.rubric[i];
    fail_msg("no signal %s", id);
    return NULL;
}

static void rubric(void **state) {
    const double pure[ASSESS_BUCKETS] = {95, 4, 1},
                 device[ASSESS_BUCKETS] = {20, 30, 0, 0, 0, 0, 50};
    struct bed bed;
    (void)state;
    begin(&bed, "client", pure);
    bed_decide(&bed);
    assert_int_equal(bed.verdict.rubric_count, 8);
    assert_true(sign(&bed, "client")->fired);
    assert_true(sign(&bed, "pure-python")->fired);
    assert_true(sign(&bed, "small")->fired);
    assert_false(sign(&bed, "accelerated")->fired);
    assert_false(sign(&bed, "tight")->fired);
    assert_false(sign(&bed, "offline")->fired);
    assert_words(sign(&bed, "offline")->why, "not measured");
    assert_words(bed.verdict.intervention, "Pyodide would run it as it is");
    assert_int_equal(bed.verdict.help_count, 3);
    assert_true(bed.verdict.helps[0].fired && !bed.verdict.helps[1].fired);
    bed_deinit(&bed);

    begin(&bed, "p99=100ms", device);
    bed.evidence.has_gpu = true;
    bed.model = (struct assess_model_timing){.native = 0.05, .wasm = 0.2, .bytes = 60000000};
    bed.evidence.model = &bed.model;
    bed_decide(&bed);
    assert_false(sign(&bed, "client")->fired);
    assert_true(sign(&bed, "accelerated")->fired);
    assert_true(sign(&bed, "tight")->fired);
    assert_false(sign(&bed, "small")->fired);
    assert_false(sign(&bed, "pure-python")->fired);
    assert_words(sign(&bed, "tight")->why, "200 ms in WebAssembly here, where 100 ms is wanted");
    assert_true(bed.verdict.helps[1].fired);
    bed_deinit(&bed);
}

static void checklist(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "download=20MB", python);
    bed.evidence.download_bytes = 12e6;
    bed.evidence.cold_start = 1.5;
    bed.model = (struct assess_model_timing){.native = 0.01, .wasm = 0.025, .bytes = 9000000};
    bed.evidence.model = &bed.model;
    bed_decide(&bed);
    const char **list = bed.verdict.checklist;
    assert_int_equal(bed.verdict.checklist_count, 5);
    assert_words(list[0], "12 MB compressed");
    assert_words(list[0], "the budget is 20 MB");
    assert_words(list[1], "1.5 s today");
    assert_words(list[2], "10 ms natively, 25 ms in WebAssembly, 2.50x as long");
    assert_words(list[3], "crossOriginIsolated");
    assert_words(list[4], "fallback");
    bed_deinit(&bed);
}

static void remainders(void **state) {
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed_decide(&bed);
    /* Of 40 ms: 10 % compute, 5 % io, 1/20 of 85 %. */
    assert_words(bed.verdict.remains, "ms of compute, ");
    assert_words(bed.verdict.remains, "ms of IO and about 1.69 ms for what is now");
    assert_words(bed.verdict.remains, "of work per request");
    bed_deinit(&bed);
}

/* ---- whatever it is given ------------------------------------------------------------------- */

static void check_all(const struct assess_verdict *v) {
    assert_true(v->sentence && v->sentence[0] && v->intervention && v->noise && v->remains);
    assert_true(v->account.words && v->rows && v->rubric && v->helps && v->places && v->checklist);
    for (size_t i = 0; i < v->finding_count; i++) assert_non_null(v->findings[i].words);
    for (size_t i = 0; i < v->ceiling_count; i++) assert_non_null(v->ceilings[i].basis);
    for (size_t i = 0; i < v->rubric_count; i++) assert_non_null(v->rubric[i].why);
}

static void no_evidence(void **state) {
    struct assess_pool pool = {0};
    struct assess_verdict v;
    const struct assess_evidence empty = {0};
    const struct assess_profile profile = {0};
    const struct assess_run run = {0};
    const struct assess_sweep sweep = {0};
    const struct assess_model_timing model = {0};
    struct assess_evidence hollow = {.profile = &profile,
                                     .run = &run,
                                     .single = &run,
                                     .sweep = &sweep,
                                     .repeats = &run,
                                     .repeat_count = 1,
                                     .model = &model};
    static const struct assess_target targets[] = {
        {ASSESS_TARGET_LATENCY, 0.99, 0.04, "p99=40ms"},
        {ASSESS_TARGET_THROUGHPUT, 0, 9, ""},
        {ASSESS_TARGET_MEMORY, 0, 9, ""},
        {ASSESS_TARGET_COLD_START, 0, 9, ""},
        {ASSESS_TARGET_DOWNLOAD, 0, 9, ""},
        {ASSESS_TARGET_COST, 0, 9, ""},
        {ASSESS_TARGET_CLIENT, 0, 0, "client"},
    };
    (void)state;
    assert_int_equal(assess_decide(NULL, &pool, &v, NULL), ASHORE_OK);
    assert_int_equal(v.outcome, ASSESS_INCONCLUSIVE);
    check_all(&v);
    assert_int_equal(assess_decide(&empty, &pool, &v, NULL), ASHORE_OK);
    assert_int_equal(v.outcome, ASSESS_INCONCLUSIVE);
    check_all(&v);
    hollow.targets = targets;
    for (size_t n = 0; n <= 7; n++) {
        hollow.target_count = n;
        assert_int_equal(assess_decide(&hollow, &pool, &v, NULL), ASHORE_OK);
        assert_int_equal(v.outcome, n == 7 ? ASSESS_PORT : ASSESS_INCONCLUSIVE);
        check_all(&v);
    }
    assess_pool_deinit(&pool);
}

/* Numbers that no measurement gives: every field in turn. */
static void hostile_numbers(void **state) {
    static const double values[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e300, 5e-324, 1e18};
    static const char *const targets[] = {"p50=10ms",       "throughput=60", "memory=1B", "client",
                                          "cold-start=1ms", "download=1B",   "cost=1/1M"};
    (void)state;
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
        for (size_t i = 0; i < sizeof values / sizeof *values * 24; i++) {
            struct bed bed;
            double value = values[i % 8];
            begin(&bed, targets[t], mixed);
            struct assess_evidence *e = &bed.evidence;
            bed.run.count = 200;
            bed.single.count = 150;
            bed.evidence.model = &bed.model;
            double *const fields[] = {&e->rate,
                                      &e->cold_start,
                                      &e->first_import,
                                      &e->peak_bytes,
                                      &e->cores_used,
                                      &e->download_bytes,
                                      &e->price,
                                      &e->cores,
                                      &e->other_cores,
                                      &e->steal_share,
                                      &e->port_days,
                                      &e->day_cost,
                                      &bed.model.native,
                                      &bed.model.wasm,
                                      &bed.model.load_native,
                                      &bed.model.peak_bytes,
                                      &bed.profile.seconds[0],
                                      &bed.profile.seconds[8],
                                      &bed.profile.begin,
                                      &bed.profile.end,
                                      &bed.run.sent[9].answered,
                                      &bed.run.sent[0].intended,
                                      &bed.run.achieved_rate,
                                      &bed.run.planned_rate};
            *fields[i / 8] = value;
            bed_decide(&bed);
            check_all(&bed.verdict);
            bed_deinit(&bed);
        }
    }
}

static void hostile_profile(void **state) {
    static const uint32_t frames[] = {0, 99, UINT32_MAX};
    struct assess_span spans[] = {{-INFINITY, INFINITY, 1, 1, 0},
                                  {NAN, NAN, 1, 1, 0},
                                  {5, 1, 1, 1, 0},
                                  {1000, 1e18, 1, 1, 77}};
    struct assess_thread thread = {.pid = 1, .tid = 1, .request = true};
    struct bed bed;
    (void)state;
    begin(&bed, "p99=100ms", python);
    bed_add_function(&bed, NULL, NULL, NAN, -1);
    bed_add_function(&bed, "f", NULL, 1e300, INFINITY);
    bed.stacks[0] = (struct assess_stack){frames, 3, ASSESS_INTERPRETER, 1e300};
    bed.stacks[1] = (struct assess_stack){frames, 3, ASSESS_INTERPRETER, NAN};
    bed.stacks[2] = (struct assess_stack){NULL, 0, (enum assess_bucket)99, 1};
    bed.stages[0] = (struct assess_stage){0};
    bed.profile.stacks = bed.stacks;
    bed.profile.stack_count = 3;
    bed.profile.stages = bed.stages;
    bed.profile.stage_count = 1;
    bed.profile.spans = spans;
    bed.profile.span_count = 4;
    bed.profile.threads = &thread;
    bed.profile.thread_count = 1;
    bed_decide(&bed);
    check_all(&bed.verdict);
    bed_deinit(&bed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors),
        cmocka_unit_test(slower_in_webassembly),
        cmocka_unit_test(webassembly_not_measured),
        cmocka_unit_test(nothing_but_python),
        cmocka_unit_test(prediction_is_true),
        cmocka_unit_test(proportion),
        cmocka_unit_test(services_of_the_sweep),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(outside_of_the_profile),
        cmocka_unit_test(hot_spots),
        cmocka_unit_test(hottest_of_several),
        cmocka_unit_test(hot_module),
        cmocka_unit_test(accounts),
        cmocka_unit_test(places),
        cmocka_unit_test(rubric),
        cmocka_unit_test(checklist),
        cmocka_unit_test(remainders),
        cmocka_unit_test(no_evidence),
        cmocka_unit_test(hostile_numbers),
        cmocka_unit_test(hostile_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
