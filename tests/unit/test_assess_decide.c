/* Every row of the decision table, both sides of its thresholds, and every way to be inconclusive,
 * from evidence that is made up. */
#include "assess_bed.h"

/* ---- what a case changes -------------------------------------------------------------------- */

static void nothing(struct bed *bed) { (void)bed; }

static void at_client(struct bed *bed) { bed->evidence.must_run_on_client = true; }

static void imports(struct bed *bed) {
    bed->evidence.cold_start = 2;
    bed->evidence.first_import = 1.7;
}
static void slow_load(struct bed *bed) {
    bed->evidence.cold_start = 2;
    bed->evidence.first_import = 0.9;
}
static void import_loads_model(struct bed *bed) {
    imports(bed);
    bed->model.load_native = 0.9;
    bed->evidence.model = &bed->model;
}
static void cold_by_model(struct bed *bed) {
    bed->evidence.cold_start = 2;
    bed->model.load_native = 0.2;
    bed->evidence.model = &bed->model;
}
static void cold_without_model(struct bed *bed) { bed->evidence.cold_start = 2; }
static void cold_and_crowded(struct bed *bed) {
    imports(bed);
    bed->evidence.other_cores = 7.5;
}

static void memory(struct bed *bed, double peak, double engine, uint64_t file) {
    bed->evidence.peak_bytes = peak;
    bed->model.peak_bytes = engine;
    bed->model.bytes = file;
    bed->evidence.model = engine > 0 || file ? &bed->model : NULL;
}
static void memory_of_python(struct bed *bed) { memory(bed, 900e6, 120e6, 80000000); }
static void memory_of_model(struct bed *bed) { memory(bed, 900e6, 600e6, 80000000); }
static void memory_of_weights(struct bed *bed) { memory(bed, 900e6, 0, 510000000); }
static void memory_without_model(struct bed *bed) { memory(bed, 900e6, 0, 0); }

static void download(struct bed *bed, uint64_t file) {
    bed->evidence.download_bytes = 40e6;
    bed->model.bytes = file;
    bed->evidence.model = &bed->model;
}
static void download_of_model(struct bed *bed) { download(bed, 20000000); }
static void download_of_runtime(struct bed *bed) { download(bed, 19000000); }

static void device(struct bed *bed, double busy, double starved) {
    bed->profile.has_device = true;
    bed->profile.device_busy = busy;
    bed->profile.device_starved = starved;
}
static void device_85(struct bed *bed) { device(bed, 0.85, 0.05); }
static void device_84(struct bed *bed) { device(bed, 0.84, 0.05); }
static void starved_25(struct bed *bed) { device(bed, 0.6, 0.25); }
static void starved_24(struct bed *bed) { device(bed, 0.6, 0.24); }

static void busy_and_large(struct bed *bed) {
    device_85(bed);
    memory_of_model(bed);
}

static void slow_rate(struct bed *bed, double knee, double next) {
    bed->swept[0] = (struct assess_run){.planned_rate = knee, .valid = true, .count = 100};
    bed->swept[1] = (struct assess_run){.planned_rate = next, .valid = true, .count = 100};
    bed->sweep = (struct assess_sweep){.runs = bed->swept, .count = 2, .knee = knee};
    bed->evidence.sweep = &bed->sweep;
}
static void idle_workers(struct bed *bed) {
    slow_rate(bed, 20, 22);
    bed->evidence.cores_used = 0.5;
}
static void busy_workers(struct bed *bed) {
    slow_rate(bed, 20, 22);
    bed->evidence.cores_used = 0.9;
}

static void hot_spot(struct bed *bed) { bed_add_hot_spot(bed, 0.8); }
static void cool_spot(struct bed *bed) { bed_add_hot_spot(bed, 0.52); }
static void two_spots(struct bed *bed) { bed_add_hot_spot(bed, 0.49); }

static void unit_price(struct bed *bed) {
    bed->evidence.price = 0.17 / 3600;
    bed->evidence.cores_used = 1;
}

/* ---- the table ------------------------------------------------------------------------------ */

struct scenario {
    const char *name, *target;
    double percent[ASSESS_BUCKETS]; /* interp compute io marsh gil lock device gc idle unknown */
    void (*change)(struct bed *);
    enum assess_outcome outcome;
    const char *row; /* NULL: none */
    const char *phrases[4];
};

#define MOSTLY_PYTHON  {85, 10, 5, 0, 0, 0, 0, 0, 0, 0}
#define MOSTLY_COMPUTE {8, 84, 4, 4, 0, 0, 0, 0, 0, 0}

/* A profile of another tool, and nothing beside it. */
static void imported(struct bed *bed) {
    bed->evidence.run = NULL;
    bed->evidence.single = NULL;
    bed->evidence.repeats = NULL;
    bed->evidence.repeat_count = 0;
    bed->evidence.sweep = NULL;
    bed->profile.hz = 0;
    bed->profile.samples = 0;
    bed->profile.source = "torch.profiler";
}
static void serves_nobody(struct bed *bed) {
    double hz = bed->profile.hz;
    uint64_t samples = bed->profile.samples;
    imported(bed);
    bed->profile.hz = hz;
    bed->profile.samples = samples;
}
static void imported_busy(struct bed *bed) {
    imported(bed);
    bed->profile.has_device = true;
    bed->profile.device_busy = 0.93;
    bed->profile.device_starved = 0.02;
}
static void imported_starved(struct bed *bed) {
    imported_busy(bed);
    bed->profile.device_busy = 0.4;
    bed->profile.device_starved = 0.5;
}

static const struct scenario scenarios[] = {
    {"imported, device busy",
     "p99=40ms",
     MOSTLY_COMPUTE,
     imported_busy,
     ASSESS_DONT_PORT,
     "device-busy",
     {"p99=40ms was not measured and is taken as missed", "93 %", "quantise"}},
    {"imported, device starved",
     "throughput=500",
     MOSTLY_COMPUTE,
     imported_starved,
     ASSESS_DONT_PORT,
     "device-starved",
     {"throughput=500 was not measured and is taken as missed", "50 %", "prefetch"}},
    {"imported, compute",
     "p99=40ms",
     MOSTLY_COMPUTE,
     imported,
     ASSESS_DONT_PORT,
     "compute",
     {"taken as missed"}},
    {"serves nobody, compute",
     "p99=40ms",
     MOSTLY_COMPUTE,
     serves_nobody,
     ASSESS_DONT_PORT,
     "compute",
     {"taken as missed, the program serving nobody"}},
    {"imported, Python",
     "p99=40ms",
     {70, 20, 10, 0, 0, 0, 0, 0, 0, 0},
     imported,
     ASSESS_INCONCLUSIVE,
     NULL,
     {"interpreter (70 %) leads", "give it after --"}},
    {"Python, and waiting for its lock",
     "p99=200ms",
     {45, 5, 5, 0, 45, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_PORT,
     "interpreter",
     {"interpreter is 45 % of the work, and waiting for its lock 45 %", "more processes"}},
    {"client target",
     "client",
     MOSTLY_COMPUTE,
     nothing,
     ASSESS_PORT,
     "client",
     {"Port: ", "on the user's device", "WebAssembly"}},
    {"client flag, target met",
     "p99=9s",
     MOSTLY_COMPUTE,
     at_client,
     ASSESS_PORT,
     "client",
     {"Port: it must run on the user's device"}},

    {"cold start of imports",
     "cold-start=800ms",
     MOSTLY_COMPUTE,
     imports,
     ASSESS_PORT,
     "footprint",
     {"cold start is 2 s", "85 %", "300 ms", "compiled binary"}},
    {"cold start of loading",
     "cold-start=800ms",
     MOSTLY_COMPUTE,
     slow_load,
     ASSESS_DONT_PORT,
     "weight",
     {"Don't port", "1.1 s", "map its weights"}},
    {"cold start, imports load the model",
     "cold-start=800ms",
     MOSTLY_COMPUTE,
     import_loads_model,
     ASSESS_DONT_PORT,
     "weight",
     {"loading the model natively takes 900 ms"}},
    {"cold start, model loads fast",
     "cold-start=800ms",
     MOSTLY_COMPUTE,
     cold_by_model,
     ASSESS_PORT,
     "footprint",
     {"loading the model natively", "200 ms"}},
    {"cold start, no model at all",
     "cold-start=800ms",
     {96, 1, 3, 0, 0, 0, 0, 0, 0, 0},
     cold_without_model,
     ASSESS_PORT,
     "footprint",
     {"no model"}},
    {"cold start of what?",
     "cold-start=800ms",
     MOSTLY_COMPUTE,
     cold_without_model,
     ASSESS_INCONCLUSIVE,
     NULL,
     {"cold start is 2 s", "give --model"}},
    {"cold start under load",
     "cold-start=800ms",
     MOSTLY_COMPUTE,
     cold_and_crowded,
     ASSESS_INCONCLUSIVE,
     NULL,
     {"7.5 cores of 8"}},
    {"memory of Python",
     "memory=500MB",
     MOSTLY_COMPUTE,
     memory_of_python,
     ASSESS_PORT,
     "footprint",
     {"900 MB", "87 %", "120 MB"}},
    {"memory of the model",
     "memory=500MB",
     MOSTLY_COMPUTE,
     memory_of_model,
     ASSESS_DONT_PORT,
     "weight",
     {"600 MB", "quantise"}},
    {"memory of the weights",
     "memory=500MB",
     MOSTLY_COMPUTE,
     memory_of_weights,
     ASSESS_DONT_PORT,
     "weight",
     {"510 MB"}},
    {"memory of what?",
     "memory=500MB",
     MOSTLY_COMPUTE,
     memory_without_model,
     ASSESS_INCONCLUSIVE,
     NULL,
     {"give --model"}},
    {"download of the model",
     "download=20MB",
     MOSTLY_COMPUTE,
     download_of_model,
     ASSESS_DONT_PORT,
     "download-model",
     {"50 % of the download", "INT8"}},
    {"download of the runtime",
     "download=20MB",
     MOSTLY_COMPUTE,
     download_of_runtime,
     ASSESS_PORT,
     "download-runtime",
     {"48 % of the download", "compiled WebAssembly module"}},

    {"busy device",
     "p99=100ms",
     {40, 10, 0, 0, 0, 0, 50, 0, 0, 0},
     device_85,
     ASSESS_DONT_PORT,
     "device-busy",
     {"busy 85 %", "TensorRT"}},
    {"device not that busy",
     "p99=100ms",
     {20, 10, 0, 0, 0, 0, 70, 0, 0, 0},
     device_84,
     ASSESS_DONT_PORT,
     "device-wait",
     {"device wait is 70 %"}},
    {"busy device, memory missed",
     "memory=500MB",
     MOSTLY_COMPUTE,
     busy_and_large,
     ASSESS_DONT_PORT,
     "weight",
     {"600 MB"}},
    {"starved device",
     "p99=100ms",
     {60, 10, 0, 0, 0, 0, 30, 0, 0, 0},
     starved_25,
     ASSESS_DONT_PORT,
     "device-starved",
     {"25 %", "prefetch"}},
    {"fed device",
     "p99=100ms",
     {20, 10, 0, 0, 0, 0, 70, 0, 0, 0},
     starved_24,
     ASSESS_DONT_PORT,
     "device-wait",
     {"device wait is 70 %"}},

    {"idle workers",
     "throughput=60",
     {30, 10, 5, 0, 0, 0, 0, 0, 55, 0},
     idle_workers,
     ASSESS_DONT_PORT,
     "workers",
     {"0.5 cores", "55 %", "worker processes"}},
    {"threads not idle",
     "throughput=60",
     {40, 10, 1, 0, 0, 0, 0, 0, 49, 0},
     idle_workers,
     ASSESS_PORT,
     "interpreter",
     {"throughput is 20/s where 60/s is wanted"}},
    {"one core used",
     "throughput=60",
     {40, 2, 3, 0, 0, 0, 0, 0, 55, 0},
     busy_workers,
     ASSESS_PORT,
     "interpreter",
     {"Port: "}},
    {"idle, but waiting",
     "throughput=60",
     {5, 5, 35, 0, 0, 0, 0, 0, 55, 0},
     idle_workers,
     ASSESS_DONT_PORT,
     "io",
     {"IO is 78 %"}},

    {"one hot function",
     "p99=100ms",
     MOSTLY_PYTHON,
     hot_spot,
     ASSESS_PORT,
     "helper",
     {"85 % of the work", "80 %", "tokenize (tokenizer.py:12)", "C helper"}},
    {"hot, but not enough",
     "p99=60ms",
     MOSTLY_PYTHON,
     cool_spot,
     ASSESS_PORT,
     "interpreter",
     {"C, C++ or Rust"}},
    {"no one place",
     "p99=100ms",
     MOSTLY_PYTHON,
     two_spots,
     ASSESS_PORT,
     "interpreter",
     {"85 % of the work", "5.19x", "C, C++ or Rust"}},
    {"as expected, not for sure",
     "p99=24ms",
     MOSTLY_PYTHON,
     two_spots,
     ASSESS_PORT,
     "interpreter",
     {"5.19x", "probably meets, if not for sure, the target"}},
    {"cost of Python",
     "cost=0.0010/1k",
     MOSTLY_PYTHON,
     unit_price,
     ASSESS_PORT,
     "interpreter",
     {"0.00247 per 1,000 requests", "predicted: 0.000371 per 1,000"}},
    {"out of reach",
     "p99=10ms",
     {60, 40, 0, 0, 0, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "too-far",
     {"2.50x", "would still be missed"}},
    {"between the ceilings",
     "p99=20ms",
     {70, 10, 0, 20, 0, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_INCONCLUSIVE,
     NULL,
     {"lies between", "make one hot function native"}},

    {"compute",
     "p99=100ms",
     MOSTLY_COMPUTE,
     nothing,
     ASSESS_DONT_PORT,
     "compute",
     {"Don't port: p99 is", "84 % of the work", "1.14x", "quantise"}},
    {"io",
     "p99=100ms",
     {10, 5, 80, 5, 0, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "io",
     {"IO is 80 %", "prefetch"}},
    {"copies",
     "p99=100ms",
     {20, 10, 5, 65, 0, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "marshalling",
     {"share memory"}},
    {"gil",
     "p99=100ms",
     {10, 15, 0, 10, 65, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "gil-wait",
     {"more processes", "release the GIL"}},
    {"locks",
     "p99=100ms",
     {10, 10, 5, 0, 0, 75, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "lock-wait",
     {"pool sizes"}},
    {"device",
     "p99=100ms",
     {10, 10, 5, 0, 0, 0, 75, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "device-wait",
     {"import a device trace"}},
    {"gc",
     "p99=100ms",
     {20, 10, 5, 0, 0, 0, 0, 65, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "gc",
     {"gc.freeze"}},
    {"spread",
     "p99=100ms",
     {15, 24, 15, 15, 15, 16, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "spread",
     {"compute leads with 24 %"}},
    {"just enough to dominate",
     "p99=100ms",
     {15, 25, 15, 15, 14, 16, 0, 0, 0, 0},
     nothing,
     ASSESS_DONT_PORT,
     "compute",
     {"25 % of the work"}},
    {"python not first, but enough",
     "p99=200ms",
     {40, 58, 2, 0, 0, 0, 0, 0, 0, 0},
     nothing,
     ASSESS_PORT,
     "interpreter",
     {"40 % of the work"}},
};

static void run_scenario(const struct scenario *s) {
    struct bed bed;
    bed_init(&bed, s->target);
    bed_set_shares(&bed, s->percent);
    s->change(&bed);
    bed_decide(&bed);
    const struct assess_verdict *v = &bed.verdict;
    const struct assess_row *fired = bed_fired(&bed);
    if (v->outcome != s->outcome) fail_msg("%s: outcome %d: %s", s->name, v->outcome, v->sentence);
    if (s->row ? !fired || strcmp(fired->id, s->row) != 0 : fired != NULL) {
        fail_msg("%s: row %s fired: %s", s->name, fired ? fired->id : "none", v->sentence);
    }
    for (size_t i = 0; i < 4 && s->phrases[i]; i++) {
        if (!strstr(v->sentence, s->phrases[i]))
            fail_msg("%s: no '%s' in: %s", s->name, s->phrases[i], v->sentence);
    }
    for (size_t i = 0; i < v->row_count; i++) assert_true(v->rows[i].why && v->rows[i].why[0]);
    bed_deinit(&bed);
}

static void rows_fire(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) run_scenario(&scenarios[i]);
}

static void every_row_is_reached(void **state) {
    struct bed bed;
    (void)state;
    bed_init(&bed, "p99=1ms");
    bed_decide(&bed);
    assert_true(bed.verdict.row_count > 10);
    for (size_t r = 0; r < bed.verdict.row_count; r++) {
        bool reached = false;
        for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
            const char *row = scenarios[i].row;
            reached |= row && strcmp(row, bed.verdict.rows[r].id) == 0;
        }
        if (!reached) fail_msg("no scenario fires %s", bed.verdict.rows[r].id);
    }
    bed_deinit(&bed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_fire),
        cmocka_unit_test(every_row_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
