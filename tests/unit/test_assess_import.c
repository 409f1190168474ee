/* Files of other profilers: shares against what was counted by hand, and what is refused.
 *
 * The files in tests/assess/traces are small but have the fields, categories and names that py-spy,
 * torch.profiler and onnxruntime write; numbers in the tests are sums over them. */
#define _GNU_SOURCE
#include "assess/profile.h"
#include "assess/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <unistd.h>

struct bed {
    struct assess_rules *rules;
    struct assess_pool pool;
    struct assess_profile profile;
    struct ashore_error err;
    int rc;
};

static void set_up(struct bed *bed) {
    *bed = (struct bed){0};
    assert_int_equal(assess_rules_create(NULL, &bed->rules, &bed->err), ASHORE_OK);
}

static void tear_down(struct bed *bed) {
    assess_pool_deinit(&bed->pool);
    assess_rules_destroy(&bed->rules);
}

static void import_file(struct bed *bed, const char *name) {
    char path[1024];
    set_up(bed);
    snprintf(path, sizeof path, ASH_TESTS "/assess/traces/%s", name);
    bed->rc = assess_profile_import(path, bed->rules, &bed->pool, &bed->profile, &bed->err);
    if (bed->rc < 0) fail_msg("%s", bed->err.text);
}

static void import_bytes(struct bed *bed, const char *bytes, size_t size) {
    char path[] = "/tmp/ashore-import-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    set_up(bed);
    bed->rc = assess_profile_import(path, bed->rules, &bed->pool, &bed->profile, &bed->err);
    unlink(path);
}

static void import_text(struct bed *bed, const char *text) {
    import_bytes(bed, text, strlen(text));
}

static void check_seconds(const double *seconds, const double wanted[ASSESS_BUCKETS]) {
    for (int i = 0; i < ASSESS_BUCKETS; i++) {
        if (fabs(seconds[i] - wanted[i]) > 1e-9) {
            fail_msg("%s: %.9g instead of %.9g", assess_bucket_names[i], seconds[i], wanted[i]);
        }
    }
}

static const struct assess_function *find_function(const struct bed *bed, const char *name) {
    for (size_t i = 0; i < bed->profile.function_count; i++) {
        if (strcmp(bed->profile.functions[i].name, name) == 0) return &bed->profile.functions[i];
    }
    fail_msg("there is no %s", name);
    return NULL;
}

static const struct assess_stage *find_stage(const struct bed *bed, const char *name) {
    for (size_t i = 0; i < bed->profile.stage_count; i++) {
        if (strcmp(bed->profile.stages[i].name, name) == 0) return &bed->profile.stages[i];
    }
    fail_msg("there is no stage %s", name);
    return NULL;
}

static bool has_note(const struct bed *bed, const char *words) {
    for (size_t i = 0; i < bed->profile.note_count; i++) {
        if (strstr(bed->profile.notes[i], words)) return true;
    }
    return false;
}

/* ---- py-spy and speedscope ------------------------------------------------------------------ */

static void test_pyspy_native(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "pyspy_native.json");
    /* 21 samples of 10 ms of the main thread; the others only wait. */
    check_seconds(bed.profile.seconds, (double[ASSESS_BUCKETS]){[ASSESS_INTERPRETER] = 0.05,
                                                                [ASSESS_COMPUTE] = 0.04,
                                                                [ASSESS_IO] = 0.03,
                                                                [ASSESS_MARSHALLING] = 0.02,
                                                                [ASSESS_GIL_WAIT] = 0.02,
                                                                [ASSESS_LOCK_WAIT] = 0.01,
                                                                [ASSESS_DEVICE_WAIT] = 0.02,
                                                                [ASSESS_GC] = 0.01,
                                                                [ASSESS_UNKNOWN] = 0.01});
    assert_string_equal(bed.profile.source, "py-spy");
    assert_int_equal(bed.profile.samples, 41);
    assert_int_equal(bed.profile.thread_count, 3);
    assert_string_equal(bed.profile.threads[0].name, "MainThread");
    assert_true(bed.profile.threads[0].request);
    assert_false(bed.profile.threads[1].request);
    assert_false(bed.profile.threads[2].request);
    assert_int_equal(bed.profile.threads[2].tid, 4014);
    assert_int_equal(bed.profile.process_count, 1);
    assert_int_equal(bed.profile.processes[0].pid, 4011);
    double waiting = 0, busy = 0;
    for (size_t i = 0; i < bed.profile.worker_count; i++) {
        waiting += bed.profile.workers[i].waiting;
        busy += bed.profile.workers[i].busy;
    }
    assert_true(fabs(waiting - 0.2) < 1e-9 && busy < 1e-9);
    assert_false(has_note(&bed, "Python frames alone"));
    const struct assess_function *handle = find_function(&bed, "handle");
    assert_true(handle->python);
    assert_string_equal(handle->place, "app.py");
    assert_true(fabs(handle->total - 0.21) < 1e-9);
    assert_true(fabs(handle->self[ASSESS_COMPUTE] - 0.04) < 1e-9);
    const struct assess_function *kernel = find_function(&bed, "sgemm_kernel_HASWELL");
    assert_false(kernel->python);
    assert_true(fabs(kernel->self[ASSESS_COMPUTE] - 0.04) < 1e-9);
    assert_true(fabs(kernel->total - 0.05) < 1e-9);
    assert_false(bed.profile.has_device);
    tear_down(&bed);
}

static void test_pyspy_python_alone(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "pyspy_python.json");
    check_seconds(bed.profile.seconds, (double[ASSESS_BUCKETS]){[ASSESS_INTERPRETER] = 0.08,
                                                                [ASSESS_IO] = 0.04,
                                                                [ASSESS_MARSHALLING] = 0.02,
                                                                [ASSESS_LOCK_WAIT] = 0.01,
                                                                [ASSESS_IDLE] = 0.05});
    assert_true(has_note(&bed, "upper bound"));
    /* Lines within a function are one function. */
    assert_true(fabs(find_function(&bed, "tokenize")->total - 0.08) < 1e-9);
    tear_down(&bed);
}

static void test_evented(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "evented.json");
    check_seconds(bed.profile.seconds,
                  (double[ASSESS_BUCKETS]){[ASSESS_INTERPRETER] = 0.6, [ASSESS_IO] = 0.4});
    assert_string_equal(bed.profile.source, "speedscope");
    assert_true(fabs(find_function(&bed, "fetch")->self[ASSESS_INTERPRETER] - 0.2) < 1e-9);
    tear_down(&bed);
}

#define FRAMES                                                                                     \
    "\"shared\":{\"frames\":[{\"name\":\"a\",\"file\":\"a.py\"},{\"name\":\"b (b.py:3)\"}]}"
#define PROFILE(unit, rest)                                                                        \
    "{" FRAMES ",\"profiles\":[{\"name\":\"t\",\"unit\":\"" unit "\"," rest "}]}"
#define SAMPLED(unit, samples, weights)                                                            \
    PROFILE(unit, "\"type\":\"sampled\",\"samples\":" samples ",\"weights\":" weights)
#define EVENTED(events)                                                                            \
    PROFILE("milliseconds", "\"type\":\"evented\",\"endValue\":10,\"events\":" events)

static void test_units_and_names(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } rows[] = {
        {SAMPLED("seconds", "[[0],[0,1]]", "[1,2]"), 3},
        {SAMPLED("milliseconds", "[[0],[0,1]]", "[1,2]"), 0.003},
        {SAMPLED("microseconds", "[[0]]", "[\"1.5\"]"), 1.5e-6},
        {SAMPLED("nanoseconds", "[[0]]", "[4]"), 4e-9},
        {SAMPLED("none", "[[0],[]]", "[1,1]"), 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bed bed;
        import_text(&bed, rows[i].text);
        if (bed.rc) fail_msg("%s", bed.err.text);
        assert_true(fabs(assess_sum(bed.profile.seconds) - rows[i].seconds) < 1e-15);
        assert_int_equal(has_note(&bed, "samples, not time"), i == 4);
        tear_down(&bed);
    }
    struct bed bed;
    import_text(&bed, SAMPLED("seconds", "[[0,1]]", "[1]"));
    assert_true(find_function(&bed, "b")->python);
    assert_string_equal(find_function(&bed, "b")->place, "b.py");
    tear_down(&bed);
}

static void test_events_out_of_order(void **state) {
    (void)state;
    struct bed bed;
    /* a is closed while b is open, then b; a is never closed the second time. */
    import_text(&bed, EVENTED("[{\"type\":\"O\",\"frame\":0,\"at\":0},{\"type\":\"O\",\"frame\":1,"
                              "\"at\":2},{\"type\":\"C\",\"frame\":0,\"at\":4},{\"type\":\"C\","
                              "\"frame\":1,\"at\":5},{\"type\":\"O\",\"frame\":0,\"at\":6}]"));
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(find_function(&bed, "a")->total - 0.008) < 1e-12);
    assert_true(fabs(find_function(&bed, "b")->total - 0.002) < 1e-12);
    assert_true(has_note(&bed, "2 frames were closed out of order"));
    tear_down(&bed);
}

/* ---- Chrome traces -------------------------------------------------------------------------- */

static void test_torch_gpu(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "torch_gpu.json");
    check_seconds(bed.profile.seconds, (double[ASSESS_BUCKETS]){[ASSESS_INTERPRETER] = 680e-6,
                                                                [ASSESS_COMPUTE] = 760e-6,
                                                                [ASSESS_IO] = 200e-6,
                                                                [ASSESS_MARSHALLING] = 120e-6,
                                                                [ASSESS_DEVICE_WAIT] = 240e-6});
    assert_string_equal(bed.profile.source, "torch.profiler");
    assert_true(bed.profile.has_device);
    /* Kernels 330 and 550 us, copies 50 and 16, a fill 5, of 2000. */
    assert_true(fabs(bed.profile.device_busy - 951.0 / 2000) < 1e-9);
    assert_true(fabs(bed.profile.device_starved - 940.0 / 2000) < 1e-9);
    assert_true(has_note(&bed, "In 6 % of the wall time no kernel runs while operators"));
    assert_true(has_note(&bed, "Gaps between operators"));
    const struct assess_stage *loader =
        find_stage(&bed, "enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__");
    assert_true(fabs(loader->seconds[ASSESS_IO] - 200e-6) < 1e-9);
    assert_true(fabs(find_stage(&bed, "postprocess")->seconds[ASSESS_INTERPRETER] - 40e-6) < 1e-9);
    /* What autograd's thread does is the step's time, under its own name. */
    const struct assess_function *backward = find_function(&bed, "aten::convolution_backward");
    assert_true(fabs(backward->self[ASSESS_COMPUTE] - 40e-6) < 1e-9);
    assert_int_equal(bed.profile.thread_count, 3);
    for (size_t i = 0; i < bed.profile.thread_count; i++) {
        assert_int_equal(bed.profile.threads[i].request, bed.profile.threads[i].tid == 100);
    }
    tear_down(&bed);
}

static void test_torch_stacks(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "torch_stack.json");
    check_seconds(bed.profile.seconds, (double[ASSESS_BUCKETS]){[ASSESS_INTERPRETER] = 240e-6,
                                                                [ASSESS_COMPUTE] = 460e-6,
                                                                [ASSESS_IO] = 150e-6,
                                                                [ASSESS_MARSHALLING] = 150e-6});
    assert_false(bed.profile.has_device);
    assert_string_equal(find_function(&bed, "preprocess")->place, "app.py:12");
    assert_true(find_function(&bed, "preprocess")->python);
    /* The object's address is no part of the name. */
    assert_false(find_function(&bed, "<built-in method run of PyCapsule object>")->python);
    tear_down(&bed);
}

static void test_onnxruntime(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "onnxruntime.json");
    check_seconds(
        bed.profile.seconds,
        (double[ASSESS_BUCKETS]){
            [ASSESS_COMPUTE] = 900e-6, [ASSESS_MARSHALLING] = 100e-6, [ASSESS_UNKNOWN] = 500e-6});
    assert_string_equal(bed.profile.source, "onnxruntime");
    assert_true(has_note(&bed, "Loading and preparing models took 0.004 s"));
    assert_string_equal(find_function(&bed, "Conv")->place, "CUDAExecutionProvider");
    assert_true(fabs(find_function(&bed, "Conv")->total - 760e-6) < 1e-9);
    tear_down(&bed);
}

static void test_pyspy_chrome(void **state) {
    (void)state;
    struct bed bed;
    import_file(&bed, "pyspy_chrome.json");
    check_seconds(bed.profile.seconds,
                  (double[ASSESS_BUCKETS]){[ASSESS_INTERPRETER] = 0.07, [ASSESS_LOCK_WAIT] = 0.03});
    assert_string_equal(bed.profile.source, "py-spy");
    tear_down(&bed);
}

#define OP(name, ts, dur)                                                                          \
    "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"" name "\",\"pid\":1,\"tid\":1,\"ts\":" ts        \
    ",\"dur\":" dur "}"
#define STEP(ts, dur)                                                                              \
    "{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"ProfilerStep#4\",\"pid\":1,\"tid\":1,"   \
    "\"ts\":" ts ",\"dur\":" dur "}"
#define HALF(ph, name, ts)                                                                         \
    "{\"ph\":\"" ph "\",\"cat\":\"cpu_op\",\"name\":\"" name "\",\"pid\":1,\"tid\":1,\"ts\":" ts "}"

static double total_of(const struct bed *bed, const char *name) {
    return find_function(bed, name)->total * 1e6;
}

static void test_nesting(void **state) {
    (void)state;
    struct bed bed;
    /* Out of order, times as text, one negative length, and x and y overlap: 30 to 60, 50 to 80. */
    import_text(&bed, "[" OP("y", "\"50\"", "\"30.0\"") "," OP("x", "30", "30") "," STEP(
                          "0", "100") "," OP("bad", "5", "-1") "," OP("empty", "7", "0") "]");
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(assess_sum(bed.profile.seconds) - 100e-6) < 1e-12);
    assert_true(fabs(bed.profile.seconds[ASSESS_COMPUTE] - 50e-6) < 1e-12);
    assert_true(fabs(total_of(&bed, "x") - 30) < 1e-6);
    assert_true(fabs(total_of(&bed, "y") - 30) < 1e-6);
    assert_true(fabs(find_function(&bed, "x")->self[ASSESS_COMPUTE] - 20e-6) < 1e-12);
    assert_true(has_note(&bed, "1 events have a negative length"));
    assert_true(has_note(&bed, "overlap"));
    tear_down(&bed);
}

static void test_halves(void **state) {
    (void)state;
    struct bed bed;
    /* a 0-40 around b 10-30; an end too many at 50; c begins at 60, never ends; last mark at 90. */
    import_text(
        &bed,
        "{\"traceEvents\":[" HALF("E", "b", "30") "," HALF("B", "a", "0") "," HALF(
            "B", "b",
            "10") "," HALF("E", "",
                           "40") "," HALF("E", "",
                                          "50") "," HALF("B", "c",
                                                         "60") "," HALF("B", "d",
                                                                        "70") "," HALF("E", "d",
                                                                                       "90") "]}");
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(total_of(&bed, "a") - 40) < 1e-6);
    assert_true(fabs(find_function(&bed, "a")->self[ASSESS_COMPUTE] - 20e-6) < 1e-12);
    assert_true(fabs(total_of(&bed, "b") - 20) < 1e-6);
    assert_true(fabs(total_of(&bed, "c") - 30) < 1e-6);
    assert_true(fabs(total_of(&bed, "d") - 20) < 1e-6);
    assert_true(fabs(bed.profile.seconds[ASSESS_UNKNOWN] - 20e-6) < 1e-12);
    assert_true(has_note(&bed, "1 events do not end in the file, 1 end that never began"));
    assert_true(has_note(&bed, "no steps and no stacks"));
    tear_down(&bed);
}

/* Old versions of torch write a thread's number as text, and categories with capitals. */
static void test_old_torch(void **state) {
    (void)state;
    struct bed bed;
    import_text(&bed,
                "{\"traceEvents\":["
                "{\"ph\":\"X\",\"cat\":\"Operator\",\"name\":\"ProfilerStep#1\",\"pid\":7,"
                "\"tid\":\"7\",\"ts\":1621401187223000,\"dur\":100},"
                "{\"ph\":\"X\",\"cat\":\"Operator\",\"name\":\"aten::mm\",\"pid\":7,"
                "\"tid\":\"7\",\"ts\":1621401187223010,\"dur\":50},"
                "{\"ph\":\"X\",\"cat\":\"Runtime\",\"name\":\"cudaDeviceSynchronize\",\"pid\":7,"
                "\"tid\":7,\"ts\":1621401187223070,\"dur\":20},"
                "{\"ph\":\"X\",\"cat\":\"Kernel\",\"name\":\"k\",\"pid\":0,"
                "\"tid\":\"stream 7\",\"ts\":1621401187223040,\"dur\":45}]}");
    if (bed.rc) fail_msg("%s", bed.err.text);
    check_seconds(
        bed.profile.seconds,
        (double[ASSESS_BUCKETS]){
            [ASSESS_INTERPRETER] = 30e-6, [ASSESS_COMPUTE] = 50e-6, [ASSESS_DEVICE_WAIT] = 20e-6});
    assert_int_equal(bed.profile.thread_count, 1);
    assert_true(fabs(bed.profile.device_busy - 0.45) < 1e-6);
    tear_down(&bed);
}

/* The thread that only waits is none of requests; and an end without a category belongs to what
 * began last, known or not. */
static void test_waiting_thread(void **state) {
    (void)state;
    struct bed bed;
    import_text(&bed, "[" OP("a", "0",
                             "10") ",{\"ph\":\"B\",\"cat\":\"v8\",\"name\":\"gc\",\"pid\":1,"
                                   "\"tid\":1,\"ts\":30}," HALF("B", "b", "20") "," HALF(
                                       "E", "", "50") ",{\"ph\":\"E\","
                                                      "\"pid\":1,\"tid\":1,\"ts\":40},{\"ph\":"
                                                      "\"X\",\"cat\":\"python_function\",\"name\":"
                                                      "\"<built-in method acquire of _thread.lock "
                                                      "object at 0x7f00>\",\"pid\":1,\"tid\":2,"
                                                      "\"ts\":0,\"dur\":100}]");
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(bed.profile.seconds[ASSESS_LOCK_WAIT]) < 1e-12);
    assert_true(fabs(total_of(&bed, "b") - 30) < 1e-6);
    assert_int_equal(bed.profile.worker_count, 1);
    assert_true(fabs(bed.profile.workers[0].waiting - 100e-6) < 1e-12);
    tear_down(&bed);
}

/* Chrome's array form may be left open by who writes it. */
static void test_open_array(void **state) {
    (void)state;
    struct bed bed;
    import_text(&bed, "[" OP("a", "0", "10") ",\n");
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(total_of(&bed, "a") - 10) < 1e-6);
    tear_down(&bed);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "is empty"},
        {"  \n", "is empty"},
        {"hello", "no JSON"},
        {"\x1f\x8b\x08", "gunzip"},
        {"{", "ends early"},
        {"{}", "another kind"},
        {"{\"a\":1}", "speedscope files"},
        {"{\"a\" 1}", "':' is missing"},
        {"{\"a\":1 \"b\":2}", "'}' is missing"},
        {"{\"a\":1,}", "key in quotes"},
        {"{\"a\":nul}", "line 1"},
        {"{}{}", "more than one value"},
        {"[]", "no event"},
        {"[1]", "event 0: it is no event"},
        {"[{}]", "ph"},
        {"[{\"ph\":\"X\"}]", "ts is no number"},
        {"[{\"ph\":\"X\",\"ts\":\"1x\",\"cat\":\"cpu_op\"}]", "ts is no number"},
        {"[{\"ph\":\"X\",\"ts\":1e300,\"cat\":\"cpu_op\"}]", "ts is no number"},
        {"[{\"ph\":\"X\",\"ts\":1,\"cat\":\"cpu_op\"}]", "no name"},
        {"[{\"ph\":\"X\",\"ts\":1,\"cat\":\"cpu_op\",\"name\":\"a\",\"dur\":[]}]",
         "dur is no number"},
        {"[{\"ph\":\"X\",\"ts\":1,\"cat\":\"v8\",\"name\":\"a\",\"dur\":1}]", "categories: v8"},
        {"[" OP("a", "1", "0") "]", "every event is empty"},
        {"[{\"ph\":\"X\",\"ts\":1,\"cat\":\"Session\",\"name\":\"model_loading_uri\",\"dur\":1}]",
         "never runs"},
        {"[" OP("a", "1", "2") ",\n{\"ph\":", "line 2"},
        {"{\"traceEvents\":{}}", "traceEvents is no array"},
        {"{\"traceEvents\":[" OP("a", "1", "2"), "ends early"},
        {"[" OP("a", "1", "2") OP("b", "1", "2") "]", "',' or ']' is missing"},
        {"{\"profiles\":1,\"shared\":2}", "profiles is no array"},
        {"{\"profiles\":[],\"shared\":2}", "no profile"},
        {"{\"profiles\":[1],\"shared\":2}", "shared.frames is no array"},
        {"{\"profiles\":[1],\"shared\":{\"frames\":[1]}}", "shared.frames[0] has no name"},
        {"{\"profiles\":[1],\"shared\":{\"frames\":[{\"name\":\"a\",\"file\":1}]}}",
         "file is no text"},
        {"{\"profiles\":[1],\"shared\":{\"frames\":[{\"name\":\"a\",\"line\":\"x\"}]}}",
         "line is no number"},
        {"{\"profiles\":[1],\"shared\":{\"frames\":[]}}", "profiles[0].unit"},
        {SAMPLED("bytes", "[]", "[]"), "no profile of time"},
        {PROFILE("seconds", "\"type\":\"heap\""), "profiles[0].type is \"heap\""},
        {SAMPLED("seconds", "[]", "[]"), "every profile is empty"},
        {SAMPLED("seconds", "[[0]]", "[]"), "arrays of one length"},
        {SAMPLED("seconds", "{}", "[]"), "arrays of one length"},
        {SAMPLED("seconds", "[0]", "[1]"), "profiles[0].samples[0] is no array"},
        {SAMPLED("seconds", "[[0,2]]", "[1]"), "samples[0][1] is no index"},
        {SAMPLED("seconds", "[[0.5]]", "[1]"), "is no index"},
        {SAMPLED("seconds", "[[-1]]", "[1]"), "is no index"},
        {SAMPLED("seconds", "[[\"0\"]]", "[1]"), "is no index"},
        {SAMPLED("seconds", "[[0]]", "[-1]"), "weights[0] is no weight"},
        {SAMPLED("seconds", "[[0]]", "[null]"), "weights[0] is no weight"},
        {EVENTED("3"), "events is no array"},
        {EVENTED("[{\"type\":\"O\",\"frame\":0}]"), "events[0].at"},
        {EVENTED("[{\"type\":\"O\",\"frame\":0,\"at\":3},{\"type\":\"C\",\"frame\":0,\"at\":2}]"),
         "events[1].at"},
        {EVENTED("[{\"type\":\"X\",\"frame\":0,\"at\":3}]"), "neither opens nor closes"},
        {EVENTED("[{\"type\":\"O\",\"frame\":9,\"at\":3}]"), "neither opens nor closes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bed bed;
        import_text(&bed, rows[i].text);
        if (bed.rc != ASHORE_ERR_FORMAT || !strstr(bed.err.text, rows[i].words)) {
            fail_msg("%s\ngives %d: %s\nwithout: %s", rows[i].text, bed.rc, bed.err.text,
                     rows[i].words);
        }
        assert_non_null(strstr(bed.err.text, "/tmp/ashore-import-"));
        assert_int_equal(bed.profile.function_count, 0);
        tear_down(&bed);
    }
}

static void test_missing_file(void **state) {
    (void)state;
    struct bed bed;
    set_up(&bed);
    int rc = assess_profile_import("/nowhere/a.json", bed.rules, &bed.pool, &bed.profile, &bed.err);
    assert_int_equal(rc, ASHORE_ERR_IO);
    assert_non_null(strstr(bed.err.text, "/nowhere/a.json"));
    rc = assess_profile_import("/tmp", bed.rules, &bed.pool, &bed.profile, &bed.err);
    assert_int_equal(rc, ASHORE_ERR_IO);
    tear_down(&bed);
}

/* Ten thousand brackets, as a value that is skipped and as an event. */
static void test_deep_json(void **state) {
    (void)state;
    enum { DEEP = 10000 };
    static const char *const heads[] = {"{\"a\":", "["};
    char *text = malloc(DEEP + 16);
    assert_non_null(text);
    for (size_t i = 0; i < 2; i++) {
        struct bed bed;
        size_t n = strlen(heads[i]);
        memcpy(text, heads[i], n);
        memset(text + n, '[', DEEP);
        import_bytes(&bed, text, n + DEEP);
        assert_int_equal(bed.rc, ASHORE_ERR_FORMAT);
        assert_non_null(strstr(bed.err.text, "depth"));
        tear_down(&bed);
    }
    free(text);
}

/* An event with a name of 17 MiB: more than is held of one. */
static void test_huge_event(void **state) {
    (void)state;
    enum { HUGE_NAME = 17 << 20 };
    static const char head[] = "[{\"ph\":\"X\",\"name\":\"", tail[] = "\"}]";
    char *text = malloc(sizeof head + HUGE_NAME + sizeof tail);
    struct bed bed;
    assert_non_null(text);
    memcpy(text, head, sizeof head - 1);
    memset(text + sizeof head - 1, 'a', HUGE_NAME);
    memcpy(text + sizeof head - 1 + HUGE_NAME, tail, sizeof tail - 1);
    import_bytes(&bed, text, sizeof head - 1 + HUGE_NAME + sizeof tail - 1);
    assert_int_equal(bed.rc, ASHORE_ERR_LIMIT);
    assert_non_null(strstr(bed.err.text, "byte 1: a value of more than 16 MiB"));
    free(text);
    tear_down(&bed);
}

/* A stack of more frames than are kept: the innermost ones are there. */
static void test_deep_stack(void **state) {
    (void)state;
    enum { DEEP = 3000 };
    struct bed bed;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    fprintf(to,
            "{" FRAMES ",\"profiles\":[{\"type\":\"sampled\",\"name\":\"t\",\"unit\":\"seconds\","
            "\"weights\":[1],\"samples\":[[");
    for (size_t i = 0; i < DEEP; i++) fprintf(to, "0,");
    fprintf(to, "1]]}]}");
    fclose(to);
    import_bytes(&bed, text, size);
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(find_function(&bed, "a")->total - 1) < 1e-12);
    assert_true(fabs(find_function(&bed, "b")->self[ASSESS_INTERPRETER] - 1) < 1e-12);
    free(text);
    tear_down(&bed);
}

/* A hundred thousand events that all overlap: done in time, and nothing is lost. */
static void test_many_overlaps(void **state) {
    (void)state;
    enum { MANY = 100000 };
    struct bed bed;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    fprintf(to, "[");
    for (int i = 0; i < MANY; i++) {
        fprintf(to,
                "%s{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"a\",\"pid\":1,\"tid\":1,\"ts\":%d,"
                "\"dur\":%d}",
                i ? "," : "", i, MANY);
    }
    fprintf(to, "]");
    fclose(to);
    import_bytes(&bed, text, size);
    if (bed.rc) fail_msg("%s", bed.err.text);
    assert_true(fabs(total_of(&bed, "a") - (2 * MANY - 1)) < 1e-3);
    free(text);
    tear_down(&bed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pyspy_native),
        cmocka_unit_test(test_pyspy_python_alone),
        cmocka_unit_test(test_evented),
        cmocka_unit_test(test_units_and_names),
        cmocka_unit_test(test_events_out_of_order),
        cmocka_unit_test(test_torch_gpu),
        cmocka_unit_test(test_torch_stacks),
        cmocka_unit_test(test_onnxruntime),
        cmocka_unit_test(test_pyspy_chrome),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_old_torch),
        cmocka_unit_test(test_waiting_thread),
        cmocka_unit_test(test_open_array),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_deep_json),
        cmocka_unit_test(test_huge_event),
        cmocka_unit_test(test_deep_stack),
        cmocka_unit_test(test_many_overlaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
