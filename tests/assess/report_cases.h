/* Reports of made-up assessments, for the tests of the report and to look at. */
#ifndef ASH_TEST_REPORT_CASES_H
#define ASH_TEST_REPORT_CASES_H

#include "assess/report.h"

#include <math.h>
#include <string.h>

struct report_case {
    const char *name;
    void (*make)(struct assess_pool *pool, struct assess_report *report);
};

/* ---- random numbers ------------------------------------------------------------------------- */

static double case_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

/* Log-normal with this median and spread. */
static double case_lognormal(uint64_t *state, double median, double spread) {
    double u = case_random(state) + 1e-12, v = case_random(state);
    return median * exp(spread * sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

/* ---- parts ---------------------------------------------------------------------------------- */

/* count requests at `rate`, the first `warm` seconds of them slower; every nth fails (0: none). */
static void case_run(struct assess_pool *pool, struct assess_run *run, size_t count, double rate,
                     double median, double spread, double warm, size_t nth) {
    uint64_t state = count + (uint64_t)(rate * 10);
    double at = 1000;
    *run = (struct assess_run){
        .mode = ASSESS_OPEN, .planned_rate = rate, .begin = at, .count = count, .valid = true};
    run->sent = assess_alloc_array(pool, count, sizeof *run->sent);
    for (size_t i = 0; run->sent && i < count; i++) {
        at += -log(1 - case_random(&state)) / rate;
        double service = case_lognormal(&state, median, spread);
        if (at - run->begin < warm) service *= 2 - (at - run->begin) / warm;
        double wait = case_random(&state) < 0.3 ? -median * log(1 - case_random(&state)) / 3 : 0;
        struct assess_sent *sent = &run->sent[i];
        *sent = (struct assess_sent){.intended = at,
                                     .sent = at + wait / 2 + 2e-5 * case_random(&state),

                                     .answered = at + wait + service,
                                     .status = 200};
        if (nth && i % nth == nth - 1) {
            sent->failure = "HTTP 503";
            sent->status = 503;
            run->failed++;
        }
    }
    run->end = at + 1;
    run->achieved_rate = (double)(count - run->failed) / (at - run->begin);
    if (run->failed) run->first_failure = "HTTP/1.1 503 Service Unavailable\nRetry-After: 1";
}

static void case_environment(struct assess_report *report) {
    static const char *const lines[] = {"Python 3.11.2 (/usr/bin/python3)", "numpy 2.3.1",
                                        "onnxruntime 1.31.1", "OMP_NUM_THREADS=2",
                                        "load average before: 0.04"};
    report->when = "2026-11-26T15:04:05Z";
    report->version = "0.1.0";
    report->machine = "build-17, 4 processors, no GPU";
    report->system = "Debian GNU/Linux 12, Linux 6.1.0, glibc 2.36";
    report->processor = "AMD EPYC 7763 64-Core Processor (avx2, fma)";
    report->memory = "16.6 GB";
    report->environment = lines;
    report->environment_count = sizeof lines / sizeof lines[0];
}

struct case_function {
    const char *name, *place;
    bool python;
    enum assess_bucket bucket;
    double self, total;
};

static void case_functions(struct assess_pool *pool, struct assess_profile *profile,
                           const struct case_function *rows, size_t count) {
    profile->functions = assess_alloc_array(pool, count, sizeof *profile->functions);
    profile->function_count = count;
    for (size_t i = 0; i < count; i++) {
        struct assess_function *f = &profile->functions[i];
        *f = (struct assess_function){.name = rows[i].name,
                                      .place = rows[i].place,
                                      .python = rows[i].python,
                                      .total = rows[i].total};
        f->self[rows[i].bucket] = rows[i].self;
    }
}

/* Chains of functions by index, root first; the last function's bucket. */
struct case_chain {
    unsigned frames[8], depth;
    enum assess_bucket bucket;
    double seconds;
};

static void case_stacks(struct assess_pool *pool, struct assess_profile *profile,
                        const struct case_chain *chains, size_t count) {
    profile->stacks = assess_alloc_array(pool, count, sizeof *profile->stacks);
    profile->stack_count = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t *frames = assess_alloc_array(pool, chains[i].depth, sizeof *frames);
        for (size_t k = 0; k < chains[i].depth; k++) frames[k] = chains[i].frames[k];
        profile->stacks[i] = (struct assess_stack){.frames = frames,
                                                   .depth = chains[i].depth,
                                                   .bucket = chains[i].bucket,
                                                   .seconds = chains[i].seconds};
    }
}

#define CASE_COUNT(array)      (sizeof(array) / sizeof(array)[0])
#define CASE_COPY(pool, array) case_copy(pool, array, sizeof(array))
static void *case_copy(struct assess_pool *pool, const void *bytes, size_t size) {
    void *copy = assess_alloc(pool, size);
    if (copy) memcpy(copy, bytes, size);
    return copy;
}

static void case_sweep(struct assess_pool *pool, struct assess_evidence *evidence, double knee,
                       double median) {
    static const double parts[] = {0.2, 0.4, 0.6, 0.8, 1.0, 1.1, 1.25};
    struct assess_sweep *sweep = assess_alloc(pool, sizeof *sweep);
    sweep->count = CASE_COUNT(parts);
    sweep->runs = assess_alloc_array(pool, sweep->count, sizeof *sweep->runs);
    for (size_t i = 0; i < sweep->count; i++) {
        double load = parts[i], grow = 1 / fmax(1.15 - load, 0.06);
        case_run(pool, &sweep->runs[i], 1500, knee * load, median * fmax(grow * 0.9, 1), 0.3, 0,
                 load > 1.2 ? 40 : 0);
        if (load > 1.05) sweep->runs[i].achieved_rate = knee * 0.97;
    }
    sweep->runs[6].valid = false;
    sweep->runs[6].invalid_reason = "2.5 % of the requests failed";
    sweep->knee = knee;
    sweep->why = "At the next rate less than 95 % of the requests per second were achieved.";
    evidence->sweep = sweep;
}

static void case_places(struct assess_pool *pool, struct assess_verdict *verdict, int best) {
    const struct assess_place places[] = {
        {"Python, as it is", "p99 61.2 ms (57.8 ms to 66.0 ms)", "anywhere Python runs", "none",
         "misses the target", best == 0},
        {"C helper in Python", "p99 57.1 ms (53.0 ms to 61.9 ms)", "anywhere Python runs",
         "a call and its arguments", "for one hot loop", best == 1},
        {"native C or C++", "p99 54.6 ms (50.8 ms to 59.2 ms)", "a binary per platform", "none",
         "latency-critical, controlled deployment", best == 2},
        {"CUDA", "not measured: no GPU", "GPU hosts", "host to device and back",
         "far ahead on parallel model compute", false},
        {"compiled WebAssembly module", "p99 71.9 ms (66.1 ms to 80.4 ms)",
         "browsers and edge runtimes", "a copy per call", "interpreter-bound work that needs reach",
         best == 4},
        {"Pyodide", "not measured: the program was not run there", "browsers", "a copy per call",
         "a pure-Python stack that is used verbatim", false}};
    verdict->places = CASE_COPY(pool, places);
    verdict->place_count = CASE_COUNT(places);
}

static void case_rubric(struct assess_pool *pool, struct assess_verdict *verdict) {
    const struct assess_row rubric[] = {
        {.id = "client_only",
         .dominant = "no server round trip allowed, data stay on the client",
         .port_pays = "strong",
         .intervention = "weak",
         .why = "not asked for"},
        {.id = "compute",
         .dominant = "compute-bound, accelerated on a GPU natively",
         .port_pays = "poor",
         .intervention = "strong",
         .fired = true,
         .why = "compute is 71 % of the work"},
        {.id = "small",
         .dominant = "small, CPU-friendly work",
         .port_pays = "good",
         .intervention = "often overkill",
         .why = "the model has 98.2 MB"}};
    verdict->rubric = CASE_COPY(pool, rubric);
    verdict->rubric_count = CASE_COUNT(rubric);
    const struct assess_row helps[] = {{.id = "interpreter",
                                        .dominant = "interpreter",
                                        .intervention = "loops, tokenization, glue",
                                        .port_pays = "yes, often a large win",
                                        .why = "8.0 % of the work"},
                                       {.id = "compute",
                                        .dominant = "model compute",
                                        .intervention = "matmul, convolution",
                                        .port_pays = "rarely",
                                        .fired = true,
                                        .why = "1.84x as long as native, measured"},
                                       {.id = "io",
                                        .dominant = "IO and marshalling",
                                        .intervention = "loading weights, fetch",
                                        .port_pays = "no, often worse",
                                        .why = "12 % of the work"}};
    verdict->helps = CASE_COPY(pool, helps);
    verdict->help_count = CASE_COUNT(helps);
}

static void case_checklist(struct assess_pool *pool, struct assess_verdict *verdict) {
    static const char *const list[] = {
        "Footprint of the closure, compressed: not measured; give --target download=SIZE.",
        "Cold start to the first inference: 2.31 s, of which 1.94 s before anything was served.",
        "Latency per inference: 24.1 ms native, 44.3 ms in WebAssembly (1.84x).",
        "Threads and SharedArrayBuffer: to be checked in the real hosting.",
        "The fallback when a device misses the budget: to be written down."};
    verdict->checklist = CASE_COPY(pool, list);
    verdict->checklist_count = CASE_COUNT(list);
}

/* ---- don't port: a CNN ---------------------------------------------------------------------- */

static void case_cnn_parts(struct assess_pool *pool, struct assess_profile *profile) {
    const struct assess_stage stages[] = {
        {"preprocess",
         "app.py:8",
         {[ASSESS_INTERPRETER] = 9.2, [ASSESS_COMPUTE] = 9.1, [ASSESS_MARSHALLING] = 5}},
        {"InferenceSession.run",
         "onnxruntime_inference_collection.py:260",
         {[ASSESS_INTERPRETER] = 1.9, [ASSESS_COMPUTE] = 158.2, [ASSESS_MARSHALLING] = 11}},
        {"dumps", "json/__init__.py:183", {[ASSESS_MARSHALLING] = 2.4}}};
    profile->stages = CASE_COPY(pool, stages);
    profile->stage_count = CASE_COUNT(stages);
    const struct assess_worker workers[] = {{"onnxruntime_pybind11_state.so", 3, 88.1, 12.4, 82.5},
                                            {"libopenblas.so.0", 3, 0, 0, 183}};
    profile->workers = CASE_COPY(pool, workers);
    profile->worker_count = CASE_COUNT(workers);
    const struct assess_process process = {.pid = 4711,
                                           .parent = 4700,
                                           .command = "python app.py",
                                           .python = "3.11.2",
                                           .sampler_cpu = 0.71,
                                           .handler_seconds = 0.4,
                                           .wall = 61,
                                           .samples = 24156,
                                           .missed = 12,
                                           .complete = true};
    profile->processes = case_copy(pool, &process, sizeof process);
    profile->process_count = 1;
    memcpy(profile->processes[0].seconds, profile->seconds, sizeof profile->seconds);
    static const char *notes[] = {"2 of 14 shared objects have no symbols; their functions are "
                                  "named by address."};
    profile->notes = notes;
    profile->note_count = 1;
}

static void case_cnn_profile(struct assess_pool *pool, struct assess_evidence *evidence) {
    static const struct case_function rows[] = {
        {"<module>", "app.py:1", true, ASSESS_INTERPRETER, 0.2, 236},
        {"Handler.do_POST", "app.py:31", true, ASSESS_INTERPRETER, 3.1, 212},
        {"classify", "app.py:14", true, ASSESS_INTERPRETER, 2.6, 201},
        {"InferenceSession.run", "onnxruntime_inference_collection.py:260", true,
         ASSESS_INTERPRETER, 1.9, 171.4},
        {"MlasSgemmKernelAvx2", "onnxruntime_pybind11_state.so", false, ASSESS_COMPUTE, 118.4,
         118.4},
        {"MlasConvDepthwise", "onnxruntime_pybind11_state.so", false, ASSESS_COMPUTE, 39.8, 39.8},
        {"preprocess", "app.py:8", true, ASSESS_INTERPRETER, 9.2, 28.1},
        {"ImagingResample", "_imaging.cpython-311-x86_64-linux-gnu.so", false, ASSESS_COMPUTE, 9.1,
         9.1},
        {"__memmove_avx_unaligned_erms", "libc.so.6", false, ASSESS_MARSHALLING, 16.2, 16.2},
        {"socket.recv_into", "socket.py:706", true, ASSESS_IO, 9.8, 9.8},
        {"dumps", "json/__init__.py:183", true, ASSESS_MARSHALLING, 2.4, 2.4},
        {"serve_forever", "socketserver.py:216", true, ASSESS_IDLE, 31, 31}};
    static const struct case_chain chains[] = {{{0, 1, 2, 3, 4}, 5, ASSESS_COMPUTE, 118.4},
                                               {{0, 1, 2, 3, 5}, 5, ASSESS_COMPUTE, 39.8},
                                               {{0, 1, 2, 3, 8}, 5, ASSESS_MARSHALLING, 11},
                                               {{0, 1, 2, 3}, 4, ASSESS_INTERPRETER, 1.9},
                                               {{0, 1, 2, 6, 7}, 5, ASSESS_COMPUTE, 9.1},
                                               {{0, 1, 2, 6}, 4, ASSESS_INTERPRETER, 9.2},
                                               {{0, 1, 2, 6, 8}, 5, ASSESS_MARSHALLING, 5},
                                               {{0, 1, 2}, 3, ASSESS_INTERPRETER, 2.6},
                                               {{0, 1, 9}, 3, ASSESS_IO, 9.8},
                                               {{0, 1, 10}, 3, ASSESS_MARSHALLING, 2.4},
                                               {{0, 1}, 2, ASSESS_INTERPRETER, 3.1},
                                               {{0, 11}, 2, ASSESS_IDLE, 31}};
    struct assess_profile *profile = assess_alloc(pool, sizeof *profile);
    *profile = (struct assess_profile){.source = "sampled",
                                       .begin = 1000,
                                       .end = 1061,
                                       .hz = 99,
                                       .samples = 24156,
                                       .seconds = {[ASSESS_INTERPRETER] = 17,
                                                   [ASSESS_COMPUTE] = 167.3,
                                                   [ASSESS_IO] = 9.8,
                                                   [ASSESS_MARSHALLING] = 18.6,
                                                   [ASSESS_GIL_WAIT] = 7.9,
                                                   [ASSESS_LOCK_WAIT] = 2.2,
                                                   [ASSESS_GC] = 0.9,
                                                   [ASSESS_IDLE] = 31,
                                                   [ASSESS_UNKNOWN] = 1.2}};
    case_functions(pool, profile, rows, CASE_COUNT(rows));
    case_stacks(pool, profile, chains, CASE_COUNT(chains));
    case_cnn_parts(pool, profile);
    evidence->profile = profile;
}

static void case_cnn_rows(struct assess_pool *pool, struct assess_verdict *verdict) {
    const struct assess_row rows[] = {
        {"compute", "model compute (CPU or GPU kernels)", "latency, throughput",
         "quantise, fuse kernels, better runtime (ONNX Runtime, TensorRT, compiled graph, ashore)",
         "no: the kernels are native already", true,
         "compute is 74 % of the work, the most of all buckets, and p99 is missed"},
        {"interpreter", "interpreter and glue", "latency, above all at a high request rate",
         "C extension or Cython for a hot loop; C/C++/Rust serving layer",
         "yes, if the share is large", false,
         "the interpreter is 8 % of the work: without it p99 would still be missed"},
        {"io", "IO, loading, preprocessing", "throughput", "async pipeline, batching, prefetch",
         "no: a port does not touch IO", false, "IO and marshalling are 13 % of the work"},
        {"footprint", "process footprint, cold start", "memory, edge or serverless deployment",
         "compiled binary or WASM, smaller runtime", "yes: a port-class win", false,
         "neither memory nor cold start is a target"},
        {"client", "must run in the browser or on the client",
         "deployable at all without a server round trip", "WASM: Pyodide or a compiled module",
         "yes: only this does it", false, "it need not run on the client"}};
    verdict->rows = CASE_COPY(pool, rows);
    verdict->row_count = CASE_COUNT(rows);
}

static void case_cnn_evidence(struct assess_pool *pool, struct assess_evidence *evidence) {
    const struct assess_target targets[] = {{ASSESS_TARGET_LATENCY, 0.99, 0.040, "p99=40ms"},
                                            {ASSESS_TARGET_THROUGHPUT, 0, 190, "throughput=190"}};
    evidence->targets = CASE_COPY(pool, targets);
    evidence->target_count = CASE_COUNT(targets);
    evidence->rate = 200;
    struct assess_run *run = assess_alloc(pool, sizeof *run);
    case_run(pool, run, 12000, 200, 0.024, 0.33, 6, 0);
    evidence->run = run;
    case_sweep(pool, evidence, 240, 0.020);
    case_cnn_profile(pool, evidence);
    const struct assess_model_timing model = {.path = "resnet50.onnx",
                                              .native = 0.0241,
                                              .wasm = 0.0443,
                                              .load_native = 0.112,
                                              .bytes = 98200000,
                                              .peak_bytes = 181e6};
    evidence->model = case_copy(pool, &model, sizeof model);
    evidence->cold_start = 2.31;
    evidence->first_import = 1.94;
    evidence->peak_bytes = 412e6;
    evidence->cores_used = 3.62;
    evidence->cores = 4;
    evidence->port_days = evidence->upkeep_days = evidence->day_cost = -1;
}

static void case_cnn_ceilings(struct assess_verdict *verdict) {
    verdict->ceiling_count = 3;
    verdict->ceilings[0] = (struct assess_ceiling){
        "optimistic",
        0.84,
        1.19,
        {0.0468, 0.0503, 0.0551},
        false,
        false,
        "All of the interpreter (8 %) and marshalling (8 %) gone: 100 % - 16 % = 84 % remain."};
    verdict->ceilings[1] = (struct assess_ceiling){
        "realistic",
        0.91,
        1.1,
        {0.0508, 0.0546, 0.0592},
        false,
        false,
        "The model took 24.1 ms of 26.5 ms natively; what is around it shrinks to 1.1 ms."};
    verdict->ceilings[2] = (struct assess_ceiling){
        "WebAssembly",
        1.53,
        0.654,
        {INFINITY, INFINITY, INFINITY},
        false,
        false,
        "Compute takes 1.84 times as long in WebAssembly, measured with resnet50.onnx."};
}

static void case_dont_port(struct assess_pool *pool, struct assess_report *report) {
    struct assess_evidence *evidence = assess_alloc(pool, sizeof *evidence);
    struct assess_verdict *verdict = assess_alloc(pool, sizeof *verdict);
    case_environment(report);
    report->command = "python app.py --port 8000";
    report->repeat = "ashore assess --target p99=40ms --target throughput=190 --rate 200 --url "
                     "http://127.0.0.1:8000/classify --body cat.jpg -o report -- python app.py "
                     "--port 8000";
    report->evidence = evidence;
    report->verdict = verdict;
    case_cnn_evidence(pool, evidence);

    verdict->outcome = ASSESS_DONT_PORT;
    verdict->sentence = "Don't port: 74 % of the work is native model compute, and without the "
                        "interpreter's 8 % the p99 would still be 54.6 ms instead of 40 ms.";
    verdict->intervention = "Quantise the model, or run it with a faster runtime; both attack the "
                            "74 % that is model compute.";
    const struct assess_finding findings[] = {
        {&evidence->targets[0],
         {0.0578, 0.0612, 0.066},
         ASSESS_CLAIM_MISSED,
         "p99 is 61.2 ms (57.8 to 66.0, 95 % sure) at 200/s; wanted: 40 ms"},
        {&evidence->targets[1],
         {197.1, 199.4, 201.6},
         ASSESS_CLAIM_MET,
         "throughput is 199/s (197 to 202, 95 % sure); wanted: 190/s"}};
    verdict->findings = CASE_COPY(pool, findings);
    verdict->finding_count = CASE_COUNT(findings);
    verdict->request_seconds = (struct assess_interval){0.0236, 0.0241, 0.0247};
    case_cnn_ceilings(verdict);
    case_cnn_rows(pool, verdict);
    case_rubric(pool, verdict);
    case_places(pool, verdict, 0);
    case_checklist(pool, verdict);
    verdict->account.words = "cost not given; what not porting saves in any case is the upkeep of "
                             "a second path. Give --port-days, --upkeep-days-per-year and "
                             "--day-cost.";
    verdict->noise = "Two interleaved halves of the run differ by 0.4 % (-1.1 % to 1.9 %): quiet "
                     "enough for claims of 5 % and more. Latency settled after 6.1 s of warm-up.";
    verdict->remains = "Of 24.1 ms about 21.9 ms would remain: 20.1 ms of model compute, 1.2 ms of "
                       "IO and 0.6 ms of copies.";
}

/* ---- port: a tokenizer under gunicorn ------------------------------------------------------- */

static void case_tokenizer_profile(struct assess_pool *pool, struct assess_evidence *evidence) {
    static const struct case_function rows[] = {
        {"<module>", "gunicorn:1", true, ASSESS_INTERPRETER, 0.2, 120},
        {"SyncWorker.handle", "gunicorn/workers/sync.py:133", true, ASSESS_INTERPRETER, 1.2, 110},
        {"app", "app.py:40", true, ASSESS_INTERPRETER, 2.1, 104},
        {"Tokenizer.split", "tokenizer.py:71", true, ASSESS_INTERPRETER, 61.3, 80.4},
        {"Tokenizer.merge", "tokenizer.py:112", true, ASSESS_INTERPRETER, 19.1, 19.1},
        {"dumps", "json/__init__.py:183", true, ASSESS_MARSHALLING, 11.2, 11.2},
        {"sgemm_", "libopenblas.so.0", false, ASSESS_COMPUTE, 10.3, 10.3},
        {"gc_collect_main", "python3.11", false, ASSESS_GC, 3.4, 3.4}};
    static const struct case_chain chains[] = {
        {{0, 1, 2, 3}, 4, ASSESS_INTERPRETER, 61.3}, {{0, 1, 2, 3, 4}, 5, ASSESS_INTERPRETER, 19.1},
        {{0, 1, 2, 5}, 4, ASSESS_MARSHALLING, 11.2}, {{0, 1, 2, 6}, 4, ASSESS_COMPUTE, 10.3},
        {{0, 1, 2, 7}, 4, ASSESS_GC, 3.4},           {{0, 1}, 2, ASSESS_IO, 4.4}};
    struct assess_profile *profile = assess_alloc(pool, sizeof *profile);
    *profile = (struct assess_profile){.source = "sampled",
                                       .begin = 1000,
                                       .end = 1031,
                                       .hz = 99,
                                       .samples = 12060,
                                       .seconds = {[ASSESS_INTERPRETER] = 83.9,
                                                   [ASSESS_COMPUTE] = 10.3,
                                                   [ASSESS_IO] = 4.4,
                                                   [ASSESS_MARSHALLING] = 11.2,
                                                   [ASSESS_GC] = 3.4,
                                                   [ASSESS_IDLE] = 9.6}};
    case_functions(pool, profile, rows, CASE_COUNT(rows));
    case_stacks(pool, profile, chains, CASE_COUNT(chains));
    profile->process_count = 4;
    profile->processes = assess_alloc_array(pool, 4, sizeof *profile->processes);
    for (unsigned i = 0; i < 4; i++) {
        struct assess_process *process = &profile->processes[i];
        *process = (struct assess_process){.pid = 901 + i,
                                           .parent = 900,
                                           .command = "gunicorn: worker [app]",
                                           .python = "3.12.7",
                                           .sampler_cpu = 0.3,
                                           .handler_seconds = 0.2,
                                           .wall = 31,
                                           .samples = 3015,
                                           .complete = i != 2};
        double part = (0.7 + 0.2 * i) / 4;
        for (int b = 0; b < ASSESS_BUCKETS; b++) process->seconds[b] = profile->seconds[b] * part;
    }
    const struct assess_stage stages[] = {
        {"Tokenizer.split", "tokenizer.py:71", {[ASSESS_INTERPRETER] = 80.4}},
        {"embed", "app.py:29", {[ASSESS_COMPUTE] = 10.3, [ASSESS_INTERPRETER] = 1.1}},
        {"dumps", "json/__init__.py:183", {[ASSESS_MARSHALLING] = 11.2}}};
    profile->stages = CASE_COPY(pool, stages);
    profile->stage_count = CASE_COUNT(stages);
    evidence->profile = profile;
}

static void case_port(struct assess_pool *pool, struct assess_report *report) {
    case_dont_port(pool, report);
    struct assess_evidence *evidence = case_copy(pool, report->evidence, sizeof *evidence);
    struct assess_verdict *verdict = case_copy(pool, report->verdict, sizeof *verdict);
    report->command = "gunicorn --workers 4 app:app";
    report->repeat = NULL;
    report->evidence = evidence;
    report->verdict = verdict;
    case_tokenizer_profile(pool, evidence);
    evidence->target_count = 1;
    evidence->model = NULL;
    evidence->port_days = 12;
    evidence->upkeep_days = 6;
    evidence->day_cost = 900;
    verdict->outcome = ASSESS_PORT;
    verdict->sentence = "Port the tokenizer alone: a C helper for Tokenizer.split removes up to "
                        "71 % of a request, and p99 would be 21.3 ms instead of 61.2 ms.";
    verdict->intervention = "Compile Tokenizer.split and Tokenizer.merge in place (ashore's text "
                            "helpers, or Cython); the rest stays Python.";
    verdict->finding_count = 1;
    verdict->ceilings[0] = (struct assess_ceiling){
        "optimistic",
        0.16,
        6.25,
        {0.0081, 0.0092, 0.0107},
        true,
        true,
        "All of the interpreter (74 %) and marshalling (10 %) gone: 16 % remain."};
    verdict->ceilings[1] =
        (struct assess_ceiling){"realistic",
                                0.29,
                                3.45,
                                {0.019, 0.0213, 0.0249},
                                true,
                                true,
                                "Tokenizer.split and its callees (71 %) gone, the rest as it is."};
    verdict->ceilings[2] = (struct assess_ceiling){
        "WebAssembly",
        NAN,
        NAN,
        {NAN, NAN, NAN},
        false,
        false,
        "not measured: no model was given, so the ratio of WebAssembly to native is not known"};
    struct assess_row *rows = case_copy(pool, verdict->rows, verdict->row_count * sizeof *rows);
    verdict->rows = rows;
    rows[0].fired = false;
    rows[0].why = "compute is 9 % of the work";
    rows[1].fired = true;
    rows[1].why = "the interpreter is 74 % of the work, and without it p99 would be met";
    case_places(pool, verdict, 1);
    verdict->account = (struct assess_account){
        true,
        10800,
        5400,
        9200,
        2.84,
        "Once 12 days, then 6 days a year, at 900 a day: 10,800 and 5,400 a year. 3 of 4 cores "
        "less save 9,200 a year. It breaks even after 2.84 years; not porting saves 16,200 in "
        "the first year."};
}

/* ---- inconclusive: noise and failures ------------------------------------------------------- */

static void case_inconclusive(struct assess_pool *pool, struct assess_report *report) {
    case_dont_port(pool, report);
    struct assess_evidence *evidence = case_copy(pool, report->evidence, sizeof *evidence);
    struct assess_verdict *verdict = case_copy(pool, report->verdict, sizeof *verdict);
    report->evidence = evidence;
    report->verdict = verdict;
    struct assess_run *run = assess_alloc(pool, sizeof *run);
    case_run(pool, run, 900, 60, 0.03, 0.8, 0, 37);
    run->valid = false;
    run->late = 61;
    run->late_most = 0.031;
    run->invalid_reason = "6.8 % of the requests were sent late";
    evidence->run = run;
    evidence->sweep = NULL;
    struct assess_run *repeats = assess_alloc_array(pool, 4, sizeof *repeats);
    for (size_t i = 0; i < 4; i++)
        case_run(pool, &repeats[i], 300, 60, 0.02 + 0.01 * (double)i, 0.7, 0, 0);
    evidence->repeats = repeats;
    evidence->repeat_count = 4;
    evidence->partial = "interrupted by the user after 15 s";
    verdict->outcome = ASSESS_INCONCLUSIVE;
    verdict->sentence = "Inconclusive: the machine is too noisy to say whether p99 is above or "
                        "below 40 ms.";
    verdict->intervention = "Measure again on a quiet machine, with --seconds 120 or more.";
    const struct assess_finding findings[] = {
        {&evidence->targets[0],
         {0.031, INFINITY, INFINITY},
         ASSESS_CLAIM_OPEN,
         "p99 is not bounded: 2.7 % of the requests failed (31.0 ms or more); wanted: 40 ms"},
        {&evidence->targets[1],
         {NAN, NAN, NAN},
         ASSESS_CLAIM_OPEN,
         "throughput: not measured: the run is not valid"}};
    verdict->findings = CASE_COPY(pool, findings);
    verdict->ceiling_count = 0;
    for (size_t i = 0; i < verdict->row_count; i++) verdict->rows[i].fired = false;
    verdict->noise = "Two interleaved halves of the run differ by 21 % (4 % to 44 %), more than "
                     "the 5 % that a claim may be off.";
}

/* ---- a GPU's trace, nothing missed ---------------------------------------------------------- */

static void case_meets(struct assess_pool *pool, struct assess_report *report) {
    case_dont_port(pool, report);
    struct assess_evidence *evidence = case_copy(pool, report->evidence, sizeof *evidence);
    struct assess_verdict *verdict = case_copy(pool, report->verdict, sizeof *verdict);
    struct assess_profile *profile = case_copy(pool, evidence->profile, sizeof *profile);
    report->evidence = evidence;
    report->verdict = verdict;
    evidence->profile = profile;
    evidence->has_gpu = true;
    struct assess_run *single = assess_alloc(pool, sizeof *single);
    case_run(pool, single, 300, 20, 0.024, 0.2, 0, 0);
    single->mode = ASSESS_SINGLE;
    single->planned_rate = 0;
    evidence->single = single;
    profile->source = "torch.profiler";
    profile->hz = 0;
    profile->has_device = true;
    profile->device_busy = 0.41;
    profile->device_starved = 0.37;
    for (int b = 0; b < ASSESS_BUCKETS; b++) profile->seconds[b] = 0;
    profile->seconds[ASSESS_DEVICE_WAIT] = 30;
    profile->seconds[ASSESS_LOCK_WAIT] = 10;
    profile->seconds[ASSESS_UNKNOWN] = 20;
    verdict->outcome = ASSESS_MEETS_TARGET;
    verdict->sentence = "Meets the target: p99 is 31.2 ms where 40 ms is wanted.";
    verdict->intervention = "Nothing has to be done.";
    verdict->findings[0].measured = (struct assess_interval){0.029, 0.0312, 0.0334};
    verdict->findings[0].claim = ASSESS_CLAIM_MET;
    verdict->findings[0].words = "p99 is 31.2 ms (29.0 to 33.4, 95 % sure); wanted: 40 ms";
    for (size_t i = 0; i < verdict->row_count; i++) verdict->rows[i].fired = false;
}

/* ---- nothing measured ----------------------------------------------------------------------- */

static void case_nothing(struct assess_pool *pool, struct assess_report *report) {
    struct assess_evidence *evidence = assess_alloc(pool, sizeof *evidence);
    struct assess_verdict *verdict = assess_alloc(pool, sizeof *verdict);
    report->command = "python crash.py";
    report->when = "2026-11-26T15:04:05Z";
    report->version = "0.1.0";
    report->evidence = evidence;
    report->verdict = verdict;
    evidence->port_days = evidence->upkeep_days = evidence->day_cost = -1;
    evidence->partial = "the program ended with signal 11 (segmentation fault) before it served "
                        "a request";
    verdict->outcome = ASSESS_INCONCLUSIVE;
    verdict->sentence = "Inconclusive: nothing was measured.";
    verdict->account.words = "cost not given";
    verdict->request_seconds = (struct assess_interval){NAN, NAN, NAN};
}

/* ---- hostile text --------------------------------------------------------------------------- */

#define CASE_EVIL                                                                                  \
    "</script></title></style><img src=x onerror=alert(1)>\"'&amp;]]>\x01\x1b[31m\xff\xfe\xc3("    \
    "\xed\xa0\x80 \xe2\x80\xae"                                                                    \
    "evil\xc2\x85\x7f"

/* Every text is hostile. */
static void case_hostile(struct assess_pool *pool, struct assess_report *report) {
    case_port(pool, report);
    struct assess_evidence *evidence = case_copy(pool, report->evidence, sizeof *evidence);
    struct assess_verdict *verdict = case_copy(pool, report->verdict, sizeof *verdict);
    struct assess_profile *profile = case_copy(pool, evidence->profile, sizeof *profile);
    report->evidence = evidence;
    report->verdict = verdict;
    evidence->profile = profile;
    char *huge = assess_alloc(pool, 10001);
    for (size_t i = 0; i < 10000; i++) huge[i] = "<\"&A"[i % 4];
    for (size_t i = 0; i < profile->function_count; i++) {
        profile->functions[i].name = i % 2 ? CASE_EVIL : huge;
        profile->functions[i].place = i % 2 ? huge : CASE_EVIL;
    }
    for (size_t i = 0; i < profile->stage_count; i++) profile->stages[i].name = huge;
    for (size_t i = 0; i < profile->process_count; i++) profile->processes[i].command = CASE_EVIL;
    profile->source = CASE_EVIL;
    struct assess_run *run = case_copy(pool, evidence->run, sizeof *run);
    run->failed = 1;
    run->sent[5].failure = CASE_EVIL;
    run->first_failure = CASE_EVIL "\nsecond line";
    evidence->run = run;
    evidence->partial = CASE_EVIL;
    report->command = report->repeat = CASE_EVIL;
    report->machine = report->system = report->processor = report->memory = CASE_EVIL;
    report->version = report->when = CASE_EVIL;
    const char *const lines[] = {CASE_EVIL, huge};
    report->environment = CASE_COPY(pool, lines);
    report->environment_count = 2;
    verdict->sentence = verdict->intervention = verdict->noise = verdict->remains = CASE_EVIL;
    verdict->account.words = CASE_EVIL;
    const char *list[] = {CASE_EVIL, huge};
    verdict->checklist = CASE_COPY(pool, list);
    verdict->checklist_count = 2;
    verdict->rows[1].why = huge;
    verdict->rows[0].why = CASE_EVIL;
    verdict->places[0].name = verdict->places[1].remark = CASE_EVIL;
    verdict->ceilings[0].name = verdict->ceilings[1].basis = CASE_EVIL;
    struct assess_finding *finding = case_copy(pool, verdict->findings, sizeof *finding);
    finding->words = CASE_EVIL;
    verdict->findings = finding;
}

/* ---- as large as it gets -------------------------------------------------------------------- */

static void case_huge(struct assess_pool *pool, struct assess_report *report) {
    enum { FUNCTIONS = 2000, STACKS = 20000, DEPTH = 120, PROCESSES = 300 };
    case_dont_port(pool, report);
    struct assess_evidence *evidence = case_copy(pool, report->evidence, sizeof *evidence);
    struct assess_profile *profile = case_copy(pool, evidence->profile, sizeof *profile);
    report->evidence = evidence;
    evidence->profile = profile;
    uint64_t state = 7;
    profile->functions = assess_alloc_array(pool, FUNCTIONS, sizeof *profile->functions);
    profile->function_count = FUNCTIONS;
    char *long_name = assess_alloc(pool, 10001);
    memset(long_name, '&', 10000);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        struct assess_function *f = &profile->functions[i];
        f->name =
            i % 10 == 3 ? long_name : assess_format(pool, "function_%zu<T&, \"%zu\">", i, i * i);
        f->place = assess_format(pool, "package/module_%zu.py:%zu", i % 97, i);
        f->python = i % 3 != 0;
        f->self[i % ASSESS_BUCKETS] = case_random(&state) * 10;
        f->total = f->self[i % ASSESS_BUCKETS] * 3;
    }
    profile->stacks = assess_alloc_array(pool, STACKS, sizeof *profile->stacks);
    profile->stack_count = STACKS;
    for (size_t i = 0; i < STACKS; i++) {
        size_t depth = 1 + (size_t)(case_random(&state) * (double)DEPTH);
        uint32_t *frames = assess_alloc_array(pool, depth, sizeof *frames);
        for (size_t k = 0; k < depth; k++) {
            frames[k] =
                (uint32_t)(k * 7 + (size_t)(case_random(&state) * (k < 3 ? 3 : 2))) % FUNCTIONS;
        }
        profile->stacks[i] = (struct assess_stack){
            frames, depth, (enum assess_bucket)(i % ASSESS_BUCKETS), case_random(&state)};
    }
    profile->processes = assess_alloc_array(pool, PROCESSES, sizeof *profile->processes);
    profile->process_count = PROCESSES;
    for (unsigned i = 0; i < PROCESSES; i++) {
        struct assess_process *process = &profile->processes[i];
        *process = (struct assess_process){.pid = i, .command = long_name, .wall = 60};
        for (int b = 0; b < ASSESS_BUCKETS; b++)
            process->seconds[b] = profile->seconds[b] / (double)PROCESSES;
    }
    struct assess_run *run = assess_alloc(pool, sizeof *run);
    case_run(pool, run, 200000, 2000, 0.002, 0.5, 3, 0);
    evidence->run = run;
}

static const struct report_case report_cases[] = {
    {"dont_port", case_dont_port}, {"port", case_port},       {"inconclusive", case_inconclusive},
    {"meets", case_meets},         {"nothing", case_nothing}, {"hostile", case_hostile},
    {"huge", case_huge},
};
enum { REPORT_CASES = sizeof report_cases / sizeof report_cases[0] };

#endif
