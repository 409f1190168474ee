/* ashore bench: how long a model takes, and where. */
#include "cli.h"
#include "cli_dims.h"
#include "cli_element.h"
#include "cli_foreign.h"
#include "cli_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { DEFAULT_RUNS = 20, MOST_PROFILED_RUNS = 10, TOP_STEPS = 10, SEED = 1 };

struct bench {
    ashore_model *model;
    struct cli_dims dims;
    size_t in_count, out_count;
    const char **in_names, **out_names;
    ashore_value **in_values;
    double load_model, load_session, first;
    double *steady; /* sorted */
    size_t runs;
    double median, mad;
    int threads;
    struct ashore_memory memory;
};

/* Time of one operator or step. */
struct row {
    const char *op, *node, *kernel, *shape;
    double seconds; /* of one run */
    size_t steps;
};
struct profile {
    struct row *ops, *steps; /* sorted by falling time */
    size_t op_count, step_count;
    double total;
};

/* ---- inputs --------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Floating-point numbers in (-1, 1), integers 0 to 3, booleans; what else there is stays zero. */
static void fill_random(ashore_value *value, uint64_t *state) {
    int dtype = ashore_value_dtype(value);
    size_t count = ashore_value_elements(value), size = ashore_dtype_size(dtype);
    unsigned char *p = ashore_value_data_mut(value);
    if (!p || dtype == ASHORE_STRING) return;
    for (size_t i = 0; i < count; i++, p += size) {
        uint64_t r = next_random(state);
        double d = (double)(int64_t)r * 0x1p-63;
        if (dtype == ASHORE_FLOAT32) {
            float f = (float)d;
            memcpy(p, &f, sizeof f);
        } else if (dtype == ASHORE_FLOAT64) {
            memcpy(p, &d, sizeof d);
        } else if (dtype == ASHORE_FLOAT16 || dtype == ASHORE_BFLOAT16) {
            /* sign, the exponent of 0.5 to 1, a random fraction */
            bool half = dtype == ASHORE_FLOAT16;
            uint16_t bits = (uint16_t)((r & 0x8000) |
                                       (half ? 14u << 10 | (r & 0x3ff) : 126u << 7 | (r & 0x7f)));
            memcpy(p, &bits, sizeof bits);
        } else if (dtype == ASHORE_BOOL) {
            *p = (unsigned char)(r >> 63);
        } else if (dtype >= ASHORE_UINT8 && dtype <= ASHORE_UINT64) {
            uint64_t small = r >> 62;
            memcpy(p, &small, size); /* little-endian, as all targets are */
        }
    }
}

/* An unknown first extent is taken for a batch of one. */
static void default_batches(struct cli *cli, struct bench *b) {
    size_t inputs = ashore_model_input_count(b->model);
    struct cli_dim *items = cli_alloc(cli, (b->dims.count + inputs + 1) * sizeof *items);
    if (b->dims.count) memcpy(items, b->dims.items, b->dims.count * sizeof *items);
    b->dims.items = items;
    for (size_t i = 0; i < inputs; i++) {
        const struct ashore_value_info *info = ashore_model_input(b->model, i);
        if (info->rank < 1 || cli_dims_extent(&b->dims, info, 0) >= 0) continue;
        items[b->dims.count++] = (struct cli_dim){cli_dims_name(cli, info, 0), 1};
    }
}

static int make_inputs(struct cli *cli, struct bench *b) {
    struct cli_list missing = {0};
    size_t inputs = ashore_model_input_count(b->model);
    default_batches(cli, b);
    cli_dims_missing(cli, b->model, &b->dims, &missing);
    if (missing.count) {
        return cli_give_up(cli, CLI_USAGE,
                           "unknown extents: %s; give each with --dim, as in --dim %s=64",
                           cli_list_text(cli, &missing), cli_clean(cli, missing.items[0]));
    }
    b->in_names = cli_alloc(cli, (inputs + 1) * sizeof *b->in_names);
    b->in_values = cli_alloc(cli, (inputs + 1) * sizeof(ashore_value *));
    uint64_t state = SEED;
    for (size_t i = 0; i < inputs; i++) {
        const struct ashore_value_info *info = ashore_model_input(b->model, i);
        if (info->kind != ASHORE_TENSOR || info->rank < 0) {
            return cli_give_up(cli, CLI_UNSUPPORTED,
                               "input '%s' is %s; only tensors of known rank can be made up",
                               cli_clean(cli, info->name), cli_clean(cli, info->type_text));
        }
        int64_t shape[ASHORE_MAX_RANK] = {0};
        for (int axis = 0; axis < info->rank && axis < ASHORE_MAX_RANK; axis++) {
            shape[axis] = cli_dims_extent(&b->dims, info, axis);
        }
        struct ashore_error err = {0};
        if (ashore_tensor_create(info->dtype, info->rank, shape, &b->in_values[i], &err)) {
            return cli_report(cli, &err);
        }
        b->in_names[i] = info->name;
        b->in_count = i + 1;
        fill_random(b->in_values[i], &state);
    }
    return CLI_OK;
}

/* ---- measuring ------------------------------------------------------------------------------ */

/* Seconds of one run; the outputs are let go outside of the time. */
static int run_once(struct cli *cli, struct bench *b, ashore_session *session,
                    ashore_value **outputs, double *seconds) {
    struct ashore_error err = {0};
    double start = cli_now();
    int rc = ashore_session_run(session, b->in_count, b->in_names, b->in_values, b->out_count,
                                b->out_names, outputs, &err);
    *seconds = cli_now() - start;
    if (rc) return cli_report(cli, &err);
    for (size_t i = 0; i < b->out_count; i++) ashore_value_release(&outputs[i]);
    return CLI_OK;
}

static int compare_times(const void *pa, const void *pb) {
    double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

static double median_of(const double *sorted, size_t n) {
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0;
}

static void compute_statistics(struct cli *cli, struct bench *b) {
    double *deviation = cli_alloc(cli, b->runs * sizeof *deviation);
    qsort(b->steady, b->runs, sizeof *b->steady, compare_times);
    b->median = median_of(b->steady, b->runs);
    for (size_t i = 0; i < b->runs; i++) deviation[i] = fabs(b->steady[i] - b->median);
    qsort(deviation, b->runs, sizeof *deviation, compare_times);
    b->mad = median_of(deviation, b->runs);
}

static int measure(struct cli *cli, struct bench *b) {
    struct ashore_error err = {0};
    ashore_session *session = NULL;
    double start = cli_now();
    if (cli_open_session(cli, b->model, 0, false, &session, &err)) return cli_report(cli, &err);
    b->load_session = cli_now() - start;
    b->out_count = ashore_model_output_count(b->model);
    b->out_names = cli_alloc(cli, (b->out_count + 1) * sizeof *b->out_names);
    ashore_value **outputs = cli_alloc(cli, (b->out_count + 1) * sizeof(ashore_value *));
    for (size_t i = 0; i < b->out_count; i++) {
        b->out_names[i] = ashore_model_output(b->model, i)->name;
    }
    b->runs = cli->options.runs > 0 ? (size_t)cli->options.runs : DEFAULT_RUNS;
    b->steady = cli_alloc(cli, b->runs * sizeof *b->steady);
    int rc = run_once(cli, b, session, outputs, &b->first);
    for (size_t i = 0; i < b->runs && rc == CLI_OK; i++) {
        rc = run_once(cli, b, session, outputs, &b->steady[i]);
    }
    if (rc == CLI_OK) {
        ashore_session_memory(session, &b->memory);
        b->threads = ashore_session_threads(session);
        compute_statistics(cli, b);
    }
    ashore_session_destroy(&session);
    return rc;
}

/* ---- where the time goes -------------------------------------------------------------------- */

static int compare_rows(const void *pa, const void *pb) {
    const struct row *a = pa, *b = pb;
    return a->seconds < b->seconds ? 1 : a->seconds > b->seconds ? -1 : strcmp(a->op, b->op);
}

static void add_step(struct cli *cli, struct profile *p, const struct ashore_step_info *info,
                     size_t runs) {
    double seconds = info->seconds / (double)runs;
    struct row *step = &p->steps[p->step_count++];
    *step = (struct row){.op = cli_format(cli, "%s", info->op ? info->op : "?"),
                         .node = cli_format(cli, "%s", info->node ? info->node : ""),
                         .kernel = cli_format(cli, "%s", info->kernel ? info->kernel : ""),
                         .shape = cli_format(cli, "%s", info->shape ? info->shape : ""),
                         .seconds = seconds,
                         .steps = 1};
    p->total += seconds;
    size_t i = 0;
    while (i < p->op_count && strcmp(p->ops[i].op, step->op) != 0) i++;
    if (i == p->op_count) p->ops[p->op_count++] = (struct row){.op = step->op};
    p->ops[i].seconds += seconds;
    p->ops[i].steps++;
}

/* In a session of its own, so that the clock's cost is in no other figure. */
static int profile_steps(struct cli *cli, struct bench *b, struct profile *p) {
    struct ashore_error err = {0};
    ashore_session *session = NULL;
    if (cli_open_session(cli, b->model, 0, true, &session, &err)) return cli_report(cli, &err);
    ashore_value **outputs = cli_alloc(cli, (b->out_count + 1) * sizeof(ashore_value *));
    size_t runs = b->runs < MOST_PROFILED_RUNS ? b->runs : MOST_PROFILED_RUNS;
    int rc = CLI_OK;
    for (size_t i = 0; i < runs && rc == CLI_OK; i++) {
        double seconds;
        rc = run_once(cli, b, session, outputs, &seconds);
    }
    size_t count = rc == CLI_OK ? ashore_session_steps(session) : 0;
    p->steps = cli_alloc(cli, (count + 1) * sizeof *p->steps);
    p->ops = cli_alloc(cli, (count + 1) * sizeof *p->ops);
    for (size_t i = 0; i < count; i++) {
        struct ashore_step_info info;
        if (ashore_session_step(session, i, &info) == ASHORE_OK) { add_step(cli, p, &info, runs); }
    }
    qsort(p->ops, p->op_count, sizeof *p->ops, compare_rows);
    qsort(p->steps, p->step_count, sizeof *p->steps, compare_rows);
    ashore_session_destroy(&session);
    return rc;
}

/* ---- output --------------------------------------------------------------------------------- */

static uint64_t process_peak(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

static double share(const struct profile *p, const struct row *row) {
    return p->total > 0.0 ? 100.0 * row->seconds / p->total : 0.0;
}

static void print_profile(struct cli *cli, const struct profile *p) {
    printf("\nby operator:                    ms/run   share   steps\n");
    for (size_t i = 0; i < p->op_count; i++) {
        printf("  %-26s %9.3f  %5.1f%%  %6zu\n", cli_clean(cli, p->ops[i].op),
               p->ops[i].seconds * 1e3, share(p, &p->ops[i]), p->ops[i].steps);
    }
    size_t top = p->step_count < TOP_STEPS ? p->step_count : TOP_STEPS;
    printf("\nslowest steps:                  ms/run   share   kernel, shape, node\n");
    for (size_t i = 0; i < top; i++) {
        const struct row *r = &p->steps[i];
        printf("  %-26s %9.3f  %5.1f%%   %s, %s, %s\n", cli_clean(cli, r->op), r->seconds * 1e3,
               share(p, r), cli_clean(cli, r->kernel), cli_clean(cli, r->shape),
               cli_clean(cli, r->node));
    }
}

/* "12.345 ms", "1.234 us" */
static const char *time_text(struct cli *cli, double seconds) {
    bool small = seconds < 1e-4;
    return cli_format(cli, "%.3f %s", seconds * (small ? 1e6 : 1e3), small ? "us" : "ms");
}

static int print_text(struct cli *cli, const struct bench *b, const struct profile *p) {
    struct ashore_model_info info;
    ashore_model_describe(b->model, &info);
    printf("model:   %s, %s\n", cli_clean(cli, cli->options.operands.items[0]),
           cli_bytes_text(cli, info.file_bytes));
    printf("inputs:  ");
    for (size_t i = 0; i < b->in_count; i++) {
        char type[200];
        cli_value_text(b->in_values[i], type, sizeof type);
        printf("%s%s %s", i ? ", " : "", cli_clean(cli, b->in_names[i]), type);
    }
    printf("%srandom, seed %d\n", b->in_count ? "; " : "none; ", SEED);
    printf("engine:  ashore %s, native, %s, %d thread%s\n", ashore_version(), ashore_cpu_text(),
           b->threads, b->threads == 1 ? "" : "s");
    printf("load:    %s (model %s, session %s)\n", time_text(cli, b->load_model + b->load_session),
           time_text(cli, b->load_model), time_text(cli, b->load_session));
    printf("first:   %s\n", time_text(cli, b->first));
    printf("steady:  min %s, median %s, MAD %s (%zu run%s)\n", time_text(cli, b->steady[0]),
           time_text(cli, b->median), time_text(cli, b->mad), b->runs, b->runs == 1 ? "" : "s");
    printf("memory:  peak %s held by model and session, %s by the process\n",
           cli_bytes_text(cli, b->memory.total), cli_bytes_text(cli, process_peak()));
    if (cli->options.per_op) print_profile(cli, p);
    return CLI_OK;
}

static json_t *json_rows(const struct profile *p, const struct row *rows, size_t count,
                         bool steps) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "op", cli_json_text(rows[i].op));
        json_object_set_new(row, "seconds", cli_json_real(rows[i].seconds));
        json_object_set_new(row, "share", cli_json_real(share(p, &rows[i]) / 100.0));
        if (steps) {
            json_object_set_new(row, "node", cli_json_text(rows[i].node));
            json_object_set_new(row, "kernel", cli_json_text(rows[i].kernel));
            json_object_set_new(row, "shape", cli_json_text(rows[i].shape));
        } else {
            json_object_set_new(row, "steps", cli_json_count(rows[i].steps));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static int print_json(struct cli *cli, const struct bench *b, const struct profile *p) {
    json_t *object = json_object(), *inputs = json_array(), *steady = json_object();
    for (size_t i = 0; i < b->in_count; i++) {
        json_t *input = cli_json_value(b->in_values[i]);
        json_object_set_new(input, "name", cli_json_text(b->in_names[i]));
        json_array_append_new(inputs, input);
    }
    json_object_set_new(steady, "runs", cli_json_count(b->runs));
    json_object_set_new(steady, "min", cli_json_real(b->steady[0]));
    json_object_set_new(steady, "median", cli_json_real(b->median));
    json_object_set_new(steady, "mad", cli_json_real(b->mad));
    json_object_set_new(object, "model", cli_json_text(cli->options.operands.items[0]));
    json_object_set_new(object, "version", json_string(ashore_version()));
    json_object_set_new(object, "target", json_string("native"));
    json_object_set_new(object, "cpu", json_string(ashore_cpu_text()));
    json_object_set_new(object, "threads", json_integer(b->threads));
    json_object_set_new(object, "seed", json_integer(SEED));
    json_object_set_new(object, "inputs", inputs);
    json_object_set_new(object, "load_seconds", cli_json_real(b->load_model + b->load_session));
    json_object_set_new(object, "first_seconds", cli_json_real(b->first));
    json_object_set_new(object, "steady_seconds", steady);
    json_object_set_new(object, "peak_bytes", cli_json_count(b->memory.total));
    json_object_set_new(object, "process_peak_bytes", cli_json_count(process_peak()));
    if (cli->options.per_op) {
        json_object_set_new(object, "operators", json_rows(p, p->ops, p->op_count, false));
        json_object_set_new(object, "steps", json_rows(p, p->steps, p->step_count, true));
    }
    return cli_json_print(cli, object, CLI_OK);
}

static int bench(struct cli *cli) {
    const struct cli_options *o = &cli->options;
    if (o->target && strcmp(o->target, "native") != 0) {
        const char *path = o->operands.items[0];
        const struct cli_foreign *foreign = cli_foreign_find(cli, path);
        return foreign ? cli_foreign_point(cli, foreign, path) : cli_run_node(cli, "bench.mjs");
    }
    struct bench b = {0};
    struct profile p = {0};
    double start = cli_now();
    int rc = cli_load_model(cli, o->operands.items[0], &b.model);
    b.load_model = cli_now() - start;
    if (rc == CLI_OK) rc = cli_dims_parse(cli, b.model, &b.dims);
    if (rc == CLI_OK) rc = make_inputs(cli, &b);
    if (rc == CLI_OK) rc = measure(cli, &b);
    if (rc == CLI_OK && o->per_op) rc = profile_steps(cli, &b, &p);
    if (rc == CLI_OK) rc = o->json ? print_json(cli, &b, &p) : print_text(cli, &b, &p);
    for (size_t i = 0; i < b.in_count; i++) ashore_value_release(&b.in_values[i]);
    ashore_model_destroy(&b.model);
    return rc;
}

const struct cli_command cli_bench = {
    .name = "bench",
    .bit = CLI_BENCH,
    .group = "Measure",
    .usage = "[options] MODEL",
    .summary = "how long a model takes to load, the first time and then",
    .details =
        "Loads a model, makes up inputs (random from a fixed seed: floating-point numbers in\n"
        "(-1, 1), integers from 0 to 3) and runs it: once, which counts as the first time, and\n"
        "then --runs times, of which it prints the least, the median and the median absolute\n"
        "deviation from it. An unknown first dimension of an input is taken as 1, all others\n"
        "must be given with --dim. Peak memory is what the engine held for model and session,\n"
        "and what the whole process did. --per-op measures in runs of its own.\n",
    .examples = "  ashore bench model.onnx --dim W=320\n"
                "  ashore bench model.onnx --threads 1 --runs 100 --per-op\n"
                "  ashore bench model.onnx --target wasm --json\n"
                "  ashore bench model.onnx --target browser\n",
    .least = 1,
    .most = 1,
    .run = bench,
};
