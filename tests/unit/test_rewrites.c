/* Rewrites of a graph: what they make of arithmetic that is one operator in disguise, what they
 * must leave alone, and that the answers stay.  Graphs are written as text:
 *
 *     "Add x #3 > a; Clip a #0 #6 > b; Mul x b > c; Div c #6 > y"
 *
 * #3 is a constant scalar (#3@2: of two dimensions); "ReduceMean:axes=-1" sets an attribute; other
 * names are the input x[2,3,4,8], values, and the constants of write_constants(). */
#include "model_writer.h"

#include "ashore/ashore.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 2, C = 3, H = 4, D = 8, COUNT = N * C * H * D, TEXT = 512, OUTPUTS = 2 };

/* ---- models ---------------------------------------------------------------------------------- */

static float noise(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 23) - 1.0f;
}

static void weight(struct mw *m, const char *name, int rank, const int64_t *shape, float base,
                   float spread, uint32_t seed) {
    float data[512];
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    assert_true(count <= sizeof data / sizeof *data);
    for (size_t i = 0; i < count; i++) data[i] = base + spread * noise(&seed);
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_FLOAT32, rank, shape, data,
              count * sizeof *data);
}

static void numbers(struct mw *m, const char *name, int64_t n, const int64_t *v) {
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_INT64, 1, &n, v, (size_t)n * sizeof *v);
}

static void bytes(struct mw *m, const char *name, int rank, const int64_t *shape, uint32_t seed) {
    int8_t data[64];
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    assert_true(count <= sizeof data);
    for (size_t i = 0; i < count; i++) data[i] = (int8_t)(127 * noise(&seed));
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_INT8, rank, shape, data, count);
}

static void write_constants(struct mw *m) {
    weight(m, "GAIN", 1, (int64_t[]){D}, 1, 0.5f, 1);
    weight(m, "BIAS", 1, (int64_t[]){D}, 0, 0.5f, 2);
    weight(m, "BIAS4", 4, (int64_t[]){1, 1, 1, D}, 0, 0.5f, 3);
    weight(m, "ROWS", 2, (int64_t[]){H, 1}, 0, 0.5f, 4);
    weight(m, "SQUARE", 2, (int64_t[]){D, D}, 0, 0.25f, 5);
    weight(m, "CHANNELS", 3, (int64_t[]){C, 1, 1}, 1, 0.5f, 6);
    weight(m, "SHIFTS", 3, (int64_t[]){C, 1, 1}, 0, 0.5f, 7);
    weight(m, "S", 1, (int64_t[]){C}, 1, 0.5f, 8);
    weight(m, "B", 1, (int64_t[]){C}, 0, 0.5f, 9);
    weight(m, "MEAN", 1, (int64_t[]){C}, 0, 0.5f, 10);
    weight(m, "VAR", 1, (int64_t[]){C}, 1, 0.5f, 11);
    weight(m, "K1", 4, (int64_t[]){C, C, 1, 1}, 0, 0.5f, 12);
    weight(m, "K4", 4, (int64_t[]){1, C, H, D}, 0, 0.5f, 17);
    weight(m, "K3", 4, (int64_t[]){C, C, 3, 3}, 0, 0.2f, 13);
    weight(m, "COLUMN", 3, (int64_t[]){C, 1, H}, 0, 2, 16);
    weight(m, "SCORES", 2, (int64_t[]){H, H}, 0, 2, 15);
    weight(m, "D3", 4, (int64_t[]){C, 1, 3, 3}, 0, 0.2f, 14);
    weight(m, "SPREAD", 4, (int64_t[]){2 * C, C, 1, 1}, 0, 0.5f, 23);
    weight(m, "GATHER", 4, (int64_t[]){C, 2 * C, 1, 1}, 0, 0.5f, 24);
    weight(m, "T2", 4, (int64_t[]){C, C, 2, 2}, 0, 0.2f, 15);
    weight(m, "STEPS", 1, (int64_t[]){D}, 0.005f, 0.002f, 18);
    weight(m, "STEPS3", 3, (int64_t[]){C, 1, 1}, 0.005f, 0.002f, 19);
    weight(m, "STEPS4", 4, (int64_t[]){1, C, 1, 1}, 0.005f, 0.002f, 20);
    bytes(m, "BYTES", 2, (int64_t[]){D, D}, 21);
    bytes(m, "BYTES4", 4, (int64_t[]){C, C, 1, 1}, 22);
    weight(m, "EMPTY", 1, (int64_t[]){0}, 0, 0, 16);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "TWICE", ASHORE_FLOAT32, 1, (int64_t[]){4},
              (float[]){1, 1, 2, 2}, 4 * sizeof(float));
    numbers(m, "ZERO", 1, (int64_t[]){0});
    numbers(m, "ONE", 1, (int64_t[]){1});
    numbers(m, "TWO", 1, (int64_t[]){2});
    numbers(m, "AXES", 1, (int64_t[]){2});
    numbers(m, "COUNT", 8, (int64_t[]){0, 1, 2, 3, 4, 5, 6, 7});
    numbers(m, "SKIPS", 8, (int64_t[]){0, 1, 2, 3, 4, 5, 6, 8});
    numbers(m, "FOUR", 1, (int64_t[]){4});
    numbers(m, "EIGHT", 1, (int64_t[]){8});
    numbers(m, "LESS", 1, (int64_t[]){-4});
    numbers(m, "WIDE", 2, (int64_t[]){D, 70000});
    numbers(m, "FILTERS", 4, (int64_t[]){90000, C, 1, 1});
    numbers(m, "ENDS", 1, (int64_t[]){INT64_MAX});
    mw_tensor(m, MW_GRAPH_INITIALIZER, "HOT", ASHORE_FLOAT32, 1, (int64_t[]){2}, (float[]){0, 1},
              2 * sizeof(float));
    mw_tensor(m, MW_GRAPH_INITIALIZER, "COLD", ASHORE_FLOAT32, 1, (int64_t[]){2}, (float[]){1, 0},
              2 * sizeof(float));
    numbers(m, "PARTS", 5, (int64_t[]){0, 2, C, H, -1});
    numbers(m, "JOINED", 4, (int64_t[]){0, 2 * C, H, D});
    numbers(m, "SPLIT_ROWS", 5, (int64_t[]){0, 2 * C, 2, H / 2, D});
    numbers(m, "PADS", 8, (int64_t[]){0, 0, 1, 0, 0, 0, 0, 2});
}

/* "axes=-1,keepdims=0": axes, pads and the like are lists of equal numbers, perm is a list of
 * digits */
static void write_attrs(struct mw *m, char *text) {
    for (char *at = text, *next; at != NULL; at = next) {
        next = strchr(at, ',');
        if (next != NULL) *next++ = '\0';
        char *value = strchr(at, '=');
        assert_non_null(value);
        *value++ = '\0';
        int64_t v = strtol(value, NULL, 10), list[5] = {v, v, v, v};
        if (strcmp(at, "axes") == 0)
            mw_attr_ints(m, at, 1, list);
        else if (strcmp(at, "kernel_shape") == 0)
            mw_attr_ints(m, at, 2, list);
        else if (strcmp(at, "pads") == 0)
            mw_attr_ints(m, at, 4, list);
        else if (strcmp(at, "perm") == 0) {
            const size_t rank = strlen(value);
            assert_true(rank <= 5);
            for (size_t i = 0; i < rank; i++) list[i] = value[i] - '0';
            mw_attr_ints(m, at, (int)rank, list);
        } else
            mw_attr_int(m, at, v);
    }
}

/* Copies names to text, each #constant written to the model and given a name. */
static void name_inputs(struct mw *m, const char *names, char *text) {
    static int counter;
    for (const char *at = names; *at != '\0';) {
        size_t n = strcspn(at, " ");
        if (*at == '#') {
            char *end;
            float v = strtof(at + 1, &end);
            int rank = *end == '@' ? (int)strtol(end + 1, NULL, 10) : 0;
            text += sprintf(text, "c%d ", counter);
            char name[16];
            snprintf(name, sizeof name, "c%d", counter++);
            mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_FLOAT32, rank,
                      (int64_t[]){1, 1, 1, 1, 1, 1}, &v, sizeof v);
        } else {
            text += sprintf(text, "%.*s ", (int)n, at);
        }
        at += n + (at[n] == ' ');
    }
    text[-1] = '\0';
}

/* One node: "Op[:attributes] inputs > output". */
static void write_node(struct mw *m, const char *text, size_t length) {
    char line[TEXT], inputs[TEXT];
    assert_true(length < sizeof line);
    memcpy(line, text, length);
    line[length] = '\0';
    char *out = strstr(line, " > ");
    assert_non_null(out);
    *out = '\0';
    out += 3;
    char *op = line + strspn(line, " "), *names = strchr(op, ' ');
    assert_non_null(names);
    *names++ = '\0';
    name_inputs(m, names, inputs);
    char *attrs = strchr(op, ':');
    if (attrs != NULL) *attrs++ = '\0';
    size_t node = mw_node(m, op, out, inputs, out);
    if (attrs != NULL) write_attrs(m, attrs);
    mw_close(m, node);
}

static void write_model(struct mw *m, const char *text, size_t outputs) {
    static const char *const names[OUTPUTS] = {"y", "z"};
    size_t graph = mw_begin(m);
    mw_value(m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 4, (int64_t[]){N, C, H, D});
    for (size_t i = 0; i < outputs; i++)
        mw_value(m, MW_GRAPH_OUTPUT, names[i], ASHORE_FLOAT32, -1, NULL);
    write_constants(m);
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, ";");
        write_node(m, at, n);
        at += n + (at[n] == ';');
    }
    mw_close(m, graph);
}

/* ---- runs ------------------------------------------------------------------------------------ */

enum { AS_WRITTEN, OPTIMISED, REFERENCE, WAYS };

struct answer {
    char steps[TEXT]; /* operators of the steps, with blanks between them */
    ashore_value *out[OUTPUTS];
};

static void list_steps(ashore_session *session, char *text) {
    text[0] = '\0';
    for (size_t i = 0; i < ashore_session_steps(session); i++) {
        struct ashore_step_info info;
        assert_int_equal(ashore_session_step(session, i, &info), ASHORE_OK);
        size_t n = strlen(text);
        snprintf(text + n, TEXT - n, "%s%s", n ? " " : "", info.op);
    }
}

static void run(const struct mw *m, int way, size_t outputs, ashore_value *x, struct answer *a) {
    static const char *const in[1] = {"x"}, *const out[OUTPUTS] = {"y", "z"};
    struct ashore_error err = {0};
    struct ashore_model_options options;
    struct ashore_session_options run_options;
    ashore_model *model;
    ashore_session *session;
    ashore_model_options_init(&options);
    options.optimize = way != AS_WRITTEN;
    ashore_session_options_init(&run_options);
    run_options.threads = 1;
    run_options.profile = 1;
    run_options.reference = way != OPTIMISED;
    if (ashore_model_load_memory(m->bytes, m->size, &options, &model, &err))
        fail_msg("%s", err.text);
    if (ashore_session_create(model, &run_options, &session, &err)) fail_msg("%s", err.text);
    if (ashore_session_run(session, 1, in, &x, outputs, out, a->out, &err))
        fail_msg("%s", err.text);
    list_steps(session, a->steps);
    ashore_session_destroy(&session);
    ashore_model_destroy(&model);
}

static ashore_value *make_input(void) {
    ashore_value *x;
    uint32_t seed = 99;
    assert_int_equal(ashore_tensor_create(ASHORE_FLOAT32, 4, (int64_t[]){N, C, H, D}, &x, NULL), 0);
    float *data = ashore_value_data_mut(x);
    for (size_t i = 0; i < COUNT; i++) data[i] = 8 * noise(&seed);
    return x;
}

static void compare(const char *graph, const ashore_value *expected, const ashore_value *actual,
                    double bound) {
    const float *e = ashore_value_data(expected), *a = ashore_value_data(actual);
    assert_int_equal(ashore_value_rank(expected), ashore_value_rank(actual));
    assert_int_equal(ashore_value_elements(expected), ashore_value_elements(actual));
    for (size_t i = 0; i < ashore_value_elements(expected); i++) {
        if (!(fabs((double)e[i] - (double)a[i]) <= bound))
            fail_msg("%s: element %zu is %.9g, %.9g expected", graph, i, (double)a[i],
                     (double)e[i]);
    }
}

struct rewrite {
    const char *graph;
    const char *steps; /* what the optimised graph runs */
};

/* The roundings of at most 16 operations, each half an eps of the largest magnitude on the way, on
 * either side; constants that are compared with a tolerance of 4 eps are among them.  z, where a
 * graph has it, is an output as well. */
static void check(const struct rewrite *r, double magnitude) {
    struct answer a[WAYS];
    struct mw m;
    size_t outputs = strstr(r->graph, " > z;") != NULL ? 2 : 1;
    double bound = 16 * (double)FLT_EPSILON * magnitude;
    ashore_value *x = make_input();
    mw_init(&m);
    write_model(&m, r->graph, outputs);
    for (int way = 0; way < WAYS; way++) run(&m, way, outputs, x, &a[way]);
    if (strcmp(a[OPTIMISED].steps, r->steps) != 0)
        fail_msg("%s: runs \"%s\", \"%s\" expected", r->graph, a[OPTIMISED].steps, r->steps);
    for (int way = OPTIMISED; way < WAYS; way++)
        for (size_t i = 0; i < outputs; i++)
            compare(r->graph, a[AS_WRITTEN].out[i], a[way].out[i], bound);
    for (int way = 0; way < WAYS; way++)
        for (size_t i = 0; i < outputs; i++) ashore_value_release(&a[way].out[i]);
    ashore_value_release(&x);
    mw_deinit(&m);
}

#define CHECK_ALL(rows, magnitude)                                                                 \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check(&rows[i], magnitude);        \
    } while (0)

/* ---- activations ----------------------------------------------------------------------------- */

static void test_hard_swish(void **state) {
    static const struct rewrite rows[] = {
        {"Add x #3 > a; Clip a #0 #6 > b; Mul x b > c; Div c #6 > y", "HardSwish"},
        {"Add #3 x > a; Clip a #0 #6 > b; Mul b x > c; Mul #0.16666667 c > y", "HardSwish"},
        {"Add x #3 > a; Clip a #0 #6 > b; Div b #6 > c; Mul x c > y", "HardSwish"},
        {"Add x #3@1 > a; Clip a #0 #6 > b; Mul x #0.16666667@4 > c; Mul c b > y", "HardSwish"},
        {"Add x #3 > a; Max a #0 > b; Min #6 b > c; Mul c x > d; Div d #6 > y", "HardSwish"},
        {"Add x #3 > a; Relu a > b; Min b #6 > c; Mul c x > d; Div d #6 > y", "HardSwish"},
        {"Sub x #-3 > a; Clip a #0 #6 > b; Div x #6 > c; Mul b c > y", "HardSwish"},
        {"Mul x #0.16666667 > a; Add a #0.5 > b; Clip b #0 #1 > c; Mul c x > y", "HardSwish"},
        {"Relu x > r; Add r #3 > a; Clip a #0 #6 > b; Mul r b > c; Div c #6 > y", "Relu HardSwish"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

static void test_hard_sigmoid(void **state) {
    static const struct rewrite rows[] = {
        {"Add x #3 > a; Clip a #0 #6 > b; Div b #6 > y", "HardSigmoid"},
        {"Mul x #0.2 > a; Add a #0.5 > b; Clip b #0 #1 > y", "HardSigmoid"},
        {"Sub #0.5 x > a; Clip a #0 #1 > y", "HardSigmoid"},
        {"Neg x > a; Clip a #0 #1 > y", "HardSigmoid"},
        {"Relu x > r; Add r #3 > a; Clip a #0 #6 > b; Div b #6 > y", "Relu HardSigmoid"},
        /* x with another slope keeps the product */
        {"Mul x #0.2 > a; Add a #0.5 > b; Clip b #0 #1 > c; Mul x c > y", "HardSigmoid Mul"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

static void test_clips(void **state) {
    static const struct rewrite rows[] = {
        {"Relu x > a; Clip a - #6 > y", "Clip"},
        {"Max x #0 > a; Min a #6 > y", "Clip"},
        {"Clip x #-1 #2 > a; Relu a > y", "Clip"},
        {"Relu x > a; Relu a > y", "Relu"},
        {"Clip x #-3 #-2 > a; Relu a > y", "Clip"},
        {"Mul x #2 > a; Relu a > b; Div b #2 > y", "Relu"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

static void test_swish(void **state) {
    static const struct rewrite rows[] = {
        {"Sigmoid x > a; Mul x a > y", "Swish"},
        {"Sigmoid x > a; Mul a x > y", "Swish"},
        {"Mul x #1.702 > a; Sigmoid a > b; Mul x b > y", "Swish"},
        {"Mul x #0.5 > a; Tanh a > b; Mul b #0.5 > c; Add c #0.5 > y", "Sigmoid"},
        {"Mul x #0.5 > a; Tanh a > b; Add b #1 > c; Mul c x > d; Mul d #0.5 > y", "Swish"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

static void test_gelu(void **state) {
    static const struct rewrite rows[] = {
        {"Div x #1.4142135 > a; Erf a > b; Add b #1 > c; Mul x c > d; Mul d #0.5 > y", "Gelu"},
        {"Mul x #0.70710677 > a; Erf a > b; Add #1 b > c; Mul x #0.5 > d; Mul d c > y", "Gelu"},
        {"Div x #1.4142135 > a; Erf a > b; Add b #1 > c; Mul c #0.5 > d; Mul d x > y", "Gelu"},
        {"Div x #1.4142135 > a; Erf a > b; Mul b #0.5 > c; Add c #0.5 > d; Mul d x > y", "Gelu"},
        {"Mul x x > a; Mul a x > b; Mul b #0.044715 > c; Add x c > d; Mul d #0.7978846 > e; "
         "Tanh e > f; Add f #1 > g; Mul x #0.5 > h; Mul h g > y",
         "Gelu"},
        {"Pow x #3 > b; Mul #0.044715 b > c; Add c x > d; Mul d #0.7978846 > e; Tanh e > f; "
         "Add f #1 > g; Mul x g > h; Mul h #0.5 > y",
         "Gelu"},
        {"Mul x x > a; Mul a #0.044715 > b; Add b #1 > c; Mul x #0.7978846 > d; Mul d c > e; "
         "Tanh e > f; Add f #1 > g; Mul x g > h; Mul h #0.5 > y",
         "Gelu"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

static void test_no_activation(void **state) {
    static const struct rewrite rows[] = {
        {"Add x #3 > a; Clip a #0 #6 > b; Mul x b > c; Div c #5 > y", "Add Clip Mul Div"},
        {"Add x #3.00001 > a; Clip a #0 #6 > b; Mul x b > c; Div c #6 > y", "Add Clip Mul Div"},
        {"Add x #3 > a; Clip a #0.001 #6 > b; Div b #6 > y", "Add Clip Div"},
        {"Mul x #0.2 > a; Clip a #1e-7 #1 > y", "Mul Clip"},
        {"Mul x #0.2 > a; Clip a #0 #0.9999999 > y", "Mul Clip"},
        /* the shape grows: only what is behind can be one */
        {"Add x #3@5 > a; Clip a #0 #6 > b; Div b #6 > y", "Add HardSigmoid"},
        /* a second user, an output in the middle */
        {"Add x #3 > a; Clip a #0 #6 > b; Div b #6 > c; Mul a c > y", "Add HardSigmoid Mul"},
        {"Add x #3 > z; Clip z #0 #6 > b; Mul x b > c; Div c #6 > y", "Add Clip Mul Div"},
        {"Sigmoid x > z; Mul x z > y", "Sigmoid Mul"},
        /* another factor than x */
        {"Neg x > n; Sigmoid x > a; Mul n a > b; Add b x > y", "Neg Sigmoid Mul Add"},
        {"Div x #1.414 > a; Erf a > b; Add b #1 > c; Mul x c > d; Mul d #0.5 > y",
         "Div Erf Add Mul Mul"},
        {"Div x #1.4142135 > a; Erf a > b; Add b #2 > c; Mul x c > d; Mul d #0.5 > y",
         "Div Erf Add Mul Mul"},
        {"Mul x #0 > a; Clip a #0 #1 > y", "Mul Clip"},
        {"Add x #3 > a; Mul a #2 > y", "Add Mul"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

/* ---- normalisations -------------------------------------------------------------------------- */

#define CENTRED  "ReduceMean:axes=-1 x > m; Sub x m > d; "
#define VARIANCE "ReduceMean:axes=-1 q > v; Add v #1e-5 > e; Sqrt e > r; "

static void test_layer_norm(void **state) {
    static const struct rewrite rows[] = {
        {"Pow x #2 > q; " VARIANCE "Div x r > n; Mul n GAIN > y", "RMSNormalization"},
        {"Mul x x > q; " VARIANCE "Reciprocal r > i; Mul x i > n; Mul GAIN n > y",
         "RMSNormalization"},
        {CENTRED "Pow d #2 > q; " VARIANCE "Div d r > n; Mul n GAIN > s; Add s BIAS > y",
         "LayerNormalization"},
        {CENTRED "Mul d d > q; " VARIANCE "Div d r > n; Mul GAIN n > s; Add BIAS4 s > y",
         "LayerNormalization"},
        {CENTRED "Mul d d > q; " VARIANCE "Div d r > y", "LayerNormalization"},
        {CENTRED "Mul d d > q; " VARIANCE "Div d r > n; Mul n GAIN > y", "LayerNormalization"},
        {CENTRED "Pow d #2 > q; " VARIANCE "Div d r > n; Add n BIAS > y", "LayerNormalization"},
        {CENTRED "Mul d d > q; " VARIANCE "Reciprocal r > i; Mul i d > n; Mul n GAIN > y",
         "LayerNormalization"},
        {CENTRED "Sub x m > c; Pow c #2 > q; " VARIANCE "Div d r > y", "LayerNormalization"},
        {"ReduceMean:axes=3 x > m; Sub x m > d; Mul d d > q; " VARIANCE "Div d r > y",
         "LayerNormalization"},
        {CENTRED "Mul d d > q; " VARIANCE "Div d r > n; Add n ROWS > y", "LayerNormalization Add"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

/* Scores reach 512 * 0.02, so that the bound of attention_check.c is 4 * 16 * 11 + 24 eps of values
 * up to 8: 16 * 364 eps. */
static void test_attention(void **state) {
    static const struct rewrite rows[] = {
        {"Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; Softmax:axis=-1 t > p; "
         "MatMul p x > y",
         "Attention"},
        /* heads behind rows: permutations are absorbed, also that of the result */
        {"Transpose:perm=0213 x > q; Transpose:perm=0231 x > k; Transpose:perm=0213 x > v; "
         "MatMul q k > s; Div s #50 > t; Softmax:axis=3 t > p; MatMul p v > o; "
         "Transpose:perm=0213 o > y",
         "Attention"},
        {"Transpose:perm=0213 x > h; Transpose:perm=0132 h > k; MatMul h k > s; Mul #0.02@2 s > t; "
         "Softmax:axis=-1 t > p; MatMul p h > y",
         "Attention"},
        /* factors on the operands, a mask on either side, two of them */
        {"Mul x #0.2 > q; Transpose:perm=0132 x > k; Mul k #0.1 > l; MatMul q l > s; "
         "Add s SCORES > t; Softmax:axis=-1 t > p; MatMul p x > y",
         "Attention"},
        {"Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; Add SCORES t > u; "
         "Add u COLUMN > w; Softmax:axis=-1 w > p; MatMul p x > y",
         "Attention"},
        {"Greater SCORES #0 > c; Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; "
         "Where c t #-1e9 > u; Softmax:axis=-1 u > p; MatMul p x > y",
         "Attention"},
        {"Greater SCORES #0 > c; Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; "
         "Where c #-1e9 t > u; Add u SCORES > w; Softmax:axis=-1 w > p; MatMul p x > y",
         "Attention"},
    };
    static const struct rewrite left[] = {
        /* another axis; someone looks at the probabilities; a factor behind the mask */
        {"Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; Softmax:axis=2 t > p; "
         "MatMul p x > y",
         "Transpose MatMul Mul Softmax MatMul"},
        {"Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; Softmax:axis=-1 t > z; "
         "MatMul z x > y",
         "Transpose MatMul Mul Softmax MatMul"},
        {"Transpose:perm=0132 x > k; MatMul x k > s; Add s SCORES > u; Mul u #0.02 > t; "
         "Softmax:axis=-1 t > p; MatMul p x > y",
         "Transpose MatMul Add Mul Softmax MatMul"},
        /* what is filled in would win */
        {"Greater SCORES #0 > c; Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; "
         "Where c t #1 > u; Softmax:axis=-1 u > p; MatMul p x > y",
         "Transpose MatMul Mul Where Softmax MatMul"},
    };
    (void)state;
    CHECK_ALL(rows, 364);
    CHECK_ALL(left, 364);
}

/* Rows without any key, whose probabilities are NaN and are replaced. */
static void test_attention_nan(void **state) {
    static const struct rewrite rows[] = {
        {"Greater COLUMN #0.5 > c; Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; "
         "Where c #-inf t > u; Softmax:axis=-1 u > p; IsNaN p > n; Where n #0 p > o; MatMul o x > "
         "y",
         "Attention"},
        {"Less ROWS #2 > c; Transpose:perm=0132 x > k; MatMul x k > s; Mul s #0.02 > t; "
         "Where c #-inf t > u; Softmax:axis=-1 u > p; IsNaN p > n; Where n #0 p > o; MatMul o x > "
         "y",
         "Attention"},
    };
    (void)state;
    CHECK_ALL(rows, 364);
}

static void test_no_layer_norm(void **state) {
    static const struct rewrite rows[] = {
        {"ReduceMean:axes=2 x > m; Sub x m > d; Pow d #2 > q; " VARIANCE "Div d r > y",
         "ReduceMean Sub RMSNormalization"},
        {CENTRED "Pow d #3 > q; Abs q > p; ReduceMean:axes=-1 p > v; Add v #1e-5 > e; Sqrt e > r; "
                 "Div d r > y",
         "ReduceMean Sub Pow Abs ReduceMean Add Sqrt Div"},
        {CENTRED "Mul d d > q; " VARIANCE "Div d r > n; Mul d n > y",
         "ReduceMean Sub RMSNormalization Mul"},
        {CENTRED "Mul d d > q; " VARIANCE "Div x r > y",
         "ReduceMean Sub Mul ReduceMean Add Sqrt Div"},
    };
    static const struct rewrite output = {
        "ReduceMean:axes=-1 x > z; Sub x z > d; Mul d d > q; " VARIANCE "Div d r > y",
        "ReduceMean Sub RMSNormalization"};
    (void)state;
    CHECK_ALL(rows, 16);
    check(&output, 16);
}

/* The constants have their layout turned when the model is loaded. */
static void test_batch_norm(void **state) {
    static const struct rewrite rows[] = {
        {"Conv x K1 > a; Relu a > b; BatchNormalization b S B MEAN VAR > c; Relu c > d; "
         "Conv d K1 > y",
         "Transpose Conv+Relu Affine+Relu Conv Transpose"},
        {"Conv x K1 > a; Relu a > b; BatchNormalization b S B MEAN VAR > c; "
         "Mul CHANNELS c > d; Add d SHIFTS > e; Sigmoid e > f; Conv f K1 > y",
         "Transpose Conv+Relu Affine+Sigmoid Conv Transpose"},
        {"Conv x K1 > a; Relu a > b; Mul b CHANNELS > c; Add SHIFTS c > d; Relu d > e; "
         "Mul e CHANNELS > f; Add f SHIFTS > g; Relu g > h; Conv h K1 > y",
         "Transpose Conv+Relu Affine+Relu Affine+Relu Conv Transpose"},
        {"Conv x K1 > a; Relu a > b; Mul b CHANNELS > c; Add c SHIFTS > d; Mul d c > e; "
         "Conv e K1 > y",
         "Transpose Conv+Relu Mul Add Mul Conv Transpose"},
        {"Conv x K1 > a; Relu a > b; Mul b #2 > c; Add c SHIFTS > d; Relu d > e; Conv e K1 > y",
         "Transpose Conv+Relu Mul Add Relu Conv Transpose"},
        {"BatchNormalization x S B MEAN VAR > y", "BatchNormalization"},
        {"Conv x K1 > a; BatchNormalization a S B MEAN VAR > y", "Transpose Conv Transpose"},
        {"Relu x > a; BatchNormalization a S B MEAN VAR > b; Conv b K1 > y",
         "Relu Transpose Conv Transpose"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

/* ---- convolutions ---------------------------------------------------------------------------- */

static void test_prescale(void **state) {
    static const struct rewrite rows[] = {
        {"Mul x #2 > a; Add a #0.5 > b; Conv b K1 > y", "Transpose Conv Transpose"},
        {"Sub x SHIFTS > a; Div a CHANNELS > b; Conv b K1 B > y", "Transpose Conv Transpose"},
        {"Mul x CHANNELS > a; Conv:pads=1 a K3 > y", "Transpose Conv Transpose"},
        {"Mul CHANNELS x > a; Conv:pads=1,group=3 a D3 B > y", "Conv"},
        {"Mul x CHANNELS > a; Add a SHIFTS > b; Conv:group=3 b D3 > y", "Conv"},
        /* the border would be another */
        {"Add x #0.5 > a; Conv:pads=1 a K3 > y", "Add Transpose Conv Transpose"},
        {"Mul x #2 > a; Add a #0.5 > b; Conv:pads=1 b K3 > y", "Add Transpose Conv Transpose"},
        {"Mul x CHANNELS > a; Sub a SHIFTS > b; Conv:pads=1 b K3 B > y",
         "Add Transpose Conv Transpose"},
        /* not per channel, not constants before x, another user */
        {"Mul x GAIN > a; Conv a K1 > y", "Mul Transpose Conv Transpose"},
        {"Sub #1 x > a; Conv a K1 > y", "Sub Transpose Conv Transpose"},
        {"Mul x #2 > a; Conv a K1 > b; Add a b > y", "Mul Transpose Conv Transpose Add"},
        {"Mul x #2 > z; Conv z K1 > y", "Mul Transpose Conv Transpose"},
    };
    (void)state;
    CHECK_ALL(rows, 32);
}

/* ---- channels last --------------------------------------------------------------------------- */

#define CONV_A "Conv x K1 > a; "
#define CONV_Y "Conv b K1 > y"

/* What stands between two convolutions takes the permutations through itself. */
static void test_layout(void **state) {
    static const struct rewrite rows[] = {
        {CONV_A "Resize a EMPTY TWICE > b; " CONV_Y, "Transpose Conv Resize Conv Transpose"},
        {CONV_A "ConvTranspose a T2 > b; " CONV_Y, "Transpose Conv ConvTranspose Conv Transpose"},
        {"ConvTranspose x T2 > a; BatchNormalization a S B MEAN VAR > b; Relu b > c; "
         "ConvTranspose:group=3 c D3 B > d; Mul d CHANNELS > e; Add e SHIFTS > y",
         "Transpose ConvTranspose+Relu ConvTranspose Transpose"},
        {CONV_A "Softmax:axis=1 a > b; " CONV_Y, "Transpose Conv Softmax Conv Transpose"},
        {CONV_A "Slice a ZERO TWO AXES > b; " CONV_Y, "Transpose Conv Slice Conv Transpose"},
        {CONV_A "Pad a PADS > b; " CONV_Y, "Transpose Conv Pad Conv Transpose"},
        {CONV_A "ReduceMean:axes=2 a > b; " CONV_Y, "Transpose Conv ReduceMean Conv Transpose"},
        {CONV_A "ReduceMax:axes=1 a > b; Mul b a > c; Conv c K1 > y",
         "Transpose Conv ReduceMax Mul Conv Transpose"},
        {CONV_A "Concat:axis=1 a a > b; ReduceSum:keepdims=0 b ONE > y",
         "Transpose Conv Concat ReduceSum"},
        /* channels that are shuffled, and what only looks like it */
        {"Conv x SPREAD > a; Reshape a PARTS > b; Transpose:perm=02134 b > c; "
         "Reshape c JOINED > d; Conv d GATHER > y",
         "Transpose Conv Transpose Conv Transpose"},
        {"Conv x SPREAD > a; Reshape a PARTS > b; Transpose:perm=02143 b > c; "
         "Reshape c JOINED > d; Conv d GATHER > y",
         "Transpose Conv Transpose Transpose Transpose Conv Transpose"},
        {"Conv x SPREAD > a; Reshape a SPLIT_ROWS > b; Transpose:perm=02134 b > c; "
         "Reshape c JOINED > d; Conv d GATHER > y",
         "Transpose Conv Transpose Transpose Transpose Conv Transpose"},
        /* what drops a spatial dimension would turn the others; what leaves stays first */
        {CONV_A "ReduceMax:axes=2,keepdims=0 a > y", "Transpose Conv Transpose ReduceMax"},
        {CONV_A "Resize a EMPTY TWICE > y", "Transpose Conv Transpose Resize"},
        /* a constant beside an image; what has no convolution near it */
        {CONV_A "Concat:axis=0 a K4 > b; " CONV_Y, "Transpose Conv Concat Conv Transpose"},
        {"GlobalMaxPool x > y", "Transpose GlobalMaxPool Transpose"},
        {"MatMul x SQUARE > a; GlobalAveragePool a > b; Relu b > y",
         "MatMul Transpose GlobalAveragePool Relu Transpose"},
    };
    (void)state;
    CHECK_ALL(rows, 32);
}

/* Natively, what Concat joins is computed inside of its result where nothing else reads it. */
static void test_parts(void **state) {
    static const struct rewrite rows[] = {
        {"Conv x K1 > i; Conv i K1 > a; Conv:pads=1 i K3 > b; Relu b > c; Concat:axis=1 a c > d; "
         "Conv d GATHER > "
         "y",
         "Transpose Conv Conv Conv+Relu Conv Transpose"},
        {"Conv x K1 > i; Conv:pads=1,group=3 i D3 B > a; Conv i K1 > b; Concat:axis=1 a b > c; "
         "Relu c > d; "
         "Conv d GATHER > y",
         "Transpose Conv Conv Conv Relu Conv Transpose"},
        {"Conv x K1 > a; Conv:pads=1 a K3 > b; Add b a > c; Concat:axis=1 c a > d; "
         "Conv d GATHER > y",
         "Transpose Conv Conv+Add Concat Conv Transpose"},
        {"Conv x K1 > i; Conv i K1 > a; MaxPool:kernel_shape=1 i > b; Concat:axis=1 b a > c; Conv "
         "c GATHER > y",
         "Transpose Conv Conv MaxPool Conv Transpose"},
        {"Conv x K1 > i; Conv i K1 > j; Resize i EMPTY TWICE > a; Resize j EMPTY TWICE > b; "
         "Concat:axis=1 a b > c; Conv c GATHER > y",
         "Transpose Conv Conv Resize Resize Conv Transpose"},
        {"Conv x K1 > i; GlobalMaxPool i > a; MaxPool:kernel_shape=1 a > b; "
         "Concat:axis=1 a b > c; Conv c GATHER > y",
         "Transpose Conv GlobalMaxPool MaxPool Concat Conv Transpose"},
        {"Sigmoid x > a; Exp x > b; Concat:axis=0 a x b > c; MatMul c SQUARE > y",
         "Sigmoid Exp Concat MatMul"},
        {"Sigmoid x > a; MatMul x SQUARE > b; Concat:axis=0 b a > c; MatMul c SQUARE > y",
         "Sigmoid MatMul MatMul"},
        {"Sigmoid x > a; Exp x > b; Concat:axis=1 a b > c; MatMul c SQUARE > y",
         "Sigmoid Exp Concat MatMul"},
    };
    (void)state;
    CHECK_ALL(rows, 32);
}

/* A depthwise convolution alone is over planes; one of a group of others, or beside them, is not.
 */
static void test_planes(void **state) {
    static const struct rewrite rows[] = {
        {"Conv:pads=1,group=3 x D3 B > y", "Conv"},
        {"Conv:pads=1,group=3 x D3 > a; Relu a > y", "Conv+Relu"},
        {"Conv:pads=1,group=3 x D3 > a; HardSwish a > y", "Conv+HardSwish"},
        {"Relu x > a; Conv:pads=1,group=3 a D3 B > b; MatMul b SQUARE > y", "Relu Conv MatMul"},
        {"Conv:pads=1,group=3 x D3 > a; Conv a K1 > y", "Transpose Conv Conv Transpose"},
        {"Conv:pads=1,group=3 x D3 > a; Add a x > y", "Conv Add"},
        {"Conv:pads=1 x K3 > y", "Transpose Conv Transpose"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
}

/* ---- products -------------------------------------------------------------------------------- */

static void test_matmul(void **state) {
    static const struct rewrite rows[] = {
        {"MatMul x SQUARE > a; Add a BIAS > y", "MatMul"},
        {"MatMul x SQUARE > a; Add BIAS4 a > y", "MatMul"},
        {"MatMul x SQUARE > a; Add a BIAS > b; Relu b > y", "MatMul+Relu"},
        {"MatMul x SQUARE > a; Add a BIAS > b; Add b x > c; Relu c > y", "MatMul+Add+Relu"},
        {"MatMul x SQUARE > a; Sigmoid a > b; Mul a b > y", "MatMul+Swish"},
        {"MatMul x SQUARE > a; Add x a > y", "MatMul+Add"},
        {"MatMul x SQUARE > a; Sum x a > b; Relu b > y", "MatMul+Add+Relu"},
        {"MatMul x SQUARE > a; Add a BIAS > b; Mul b #0.70710677 > c; Erf c > d; Add d #1 > e; "
         "Mul b e > f; Mul f #0.5 > y",
         "MatMul+Gelu"},
        {"MatMul x SQUARE > b; Mul #0.044715 b > c; Mul b c > d; Mul b d > e; Add b e > f; "
         "Mul #0.7978846 f > g; Tanh g > h; Add #1 h > i; Mul #0.5 i > j; Mul b j > y",
         "MatMul+Gelu"},
    };
    static const struct rewrite near[] = {
        {"MatMul x SQUARE > a; Add a ROWS > y", "MatMul Add"},
        {"MatMul x SQUARE > z; Add z BIAS > y", "MatMul Add"},
        {"MatMul x SQUARE > a; Add a #0.5 > y", "MatMul Add"},
        {"MatMul x SQUARE > a; Add a a > y", "MatMul Add"},
        {"MatMul x SQUARE > a; Sum a x x > y", "MatMul Sum"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
    CHECK_ALL(near, 64);
}

/* ---- products of bytes ------------------------------------------------------------------------
 */

/* What is quantised on the way; h is the product, and s one number that is not known. */
#define PRODUCT                                                                                    \
    "DynamicQuantizeLinear x > q s o; MatMulInteger q BYTES o > i; Cast:to=1 i > f; "              \
    "Mul s STEPS > g; Mul f g > "
#define IMAGE       "DynamicQuantizeLinear x > q s o; ConvInteger q BYTES4 o > i; Cast:to=1 i > f; Mul s "
#define IMAGE_STEPS "DynamicQuantizeLinear Transpose QLinearConv Transpose"

static void test_dynamic(void **state) {
    static const struct rewrite rows[] = {
        {PRODUCT "y", "DynamicQuantizeLinear MatMulIntegerToFloat"},
        {PRODUCT "h; Relu h > y", "DynamicQuantizeLinear QLinearMatMul"},
        {PRODUCT "h; Clip h #-1 #2 > y", "DynamicQuantizeLinear QLinearMatMul"},
        {PRODUCT "h; Clip h - #2 > y", "DynamicQuantizeLinear QLinearMatMul"},
        {PRODUCT "h; Add h BIAS > a; Relu a > y", "DynamicQuantizeLinear QLinearMatMul"},
        {IMAGE "#0.004 > g; Mul f g > y", IMAGE_STEPS},
        {IMAGE "STEPS3 > g; Mul g f > y", IMAGE_STEPS},
        {IMAGE "STEPS4 > g; Mul f g > h; Relu h > y", IMAGE_STEPS},
        {IMAGE "STEPS3 > g; Mul f g > h; Add h SHIFTS > a; Clip a #-1 #2 > y", IMAGE_STEPS},
    };
    static const struct rewrite near[] = {
        {PRODUCT "z; Relu z > y", "DynamicQuantizeLinear MatMulIntegerToFloat Relu"},
        {PRODUCT "h; Clip h s > y", "DynamicQuantizeLinear MatMulIntegerToFloat Clip"},
        {PRODUCT "h; Add h BIAS > z; Relu z > y",
         "DynamicQuantizeLinear MatMulIntegerToFloat Relu"},
        {PRODUCT "h; Sigmoid h > y", "DynamicQuantizeLinear MatMulIntegerToFloat Sigmoid"},
        {PRODUCT "h; Add h ROWS > a; Relu a > y",
         "DynamicQuantizeLinear MatMulIntegerToFloat Add Relu"},
        {IMAGE "STEPS > g; Mul f g > h; Relu h > y",
         "DynamicQuantizeLinear Transpose ConvInteger Cast Transpose Mul Mul Relu"},
        {IMAGE "STEPS3 > g; Mul f g > z; Relu z > y", IMAGE_STEPS " Relu Transpose"},
    };
    (void)state;
    CHECK_ALL(rows, 64);
    CHECK_ALL(near, 64);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* i is the greatest element's place in each row, i - 4 is out of the table's range in part. */
#define ROW  "ArgMax:axis=3 x > i; "
#define BOTH "ArgMax:axis=3 x > j; Add j LESS > i; "

static void test_embedding(void **state) {
    static const struct rewrite rows[] = {
        {ROW "Equal i COUNT > a; Cast:to=1 a > b; MatMul b SQUARE > y", "ArgMax Clip Gather"},
        {BOTH "Equal COUNT i > a; Cast:to=1 a > b; MatMul b SQUARE > y", "ArgMax Add Clip Gather"},
        {BOTH "Equal i COUNT > a; Cast:to=1 a > b; MatMul b SQUARE > c; Add BIAS4 c > y",
         "ArgMax Add Clip Gather"},
        {BOTH "Equal i COUNT > a; Cast:to=1 a > b; MatMul b SQUARE > c; Add c BIAS > d; Relu d > e;"
              "Mul e GAIN > f; Sub #1@1 f > y",
         "ArgMax Add Clip Gather"},
        {BOTH "OneHot i EIGHT HOT > a; MatMul a SQUARE > y", "ArgMax Add Clip Gather"},
        {ROW "Gather SQUARE i > a; Sigmoid a > y", "ArgMax Gather"},
        {ROW "Gather SQUARE i > a; Max a BIAS #0 > y", "ArgMax Gather"},
    };
    static const struct rewrite near[] = {
        {ROW "Equal i SKIPS > a; Cast:to=1 a > b; MatMul b SQUARE > y", "ArgMax Equal Cast MatMul"},
        {ROW "Equal i COUNT > a; Cast:to=1 a > z; MatMul z SQUARE > y", "ArgMax Equal Cast MatMul"},
        {"Cast:to=7 x > i; Equal i COUNT > a; Cast:to=1 a > b; MatMul b SQUARE > y",
         "Cast Equal Cast MatMul"},
        {ROW "OneHot i EIGHT COLD > a; MatMul a SQUARE > y", "ArgMax OneHot MatMul"},
        {"ArgMax:axis=3,keepdims=0 x > i; OneHot:axis=2 i FOUR HOT > a; MatMul a SCORES > y",
         "ArgMax OneHot MatMul"},
        {ROW "Gather:axis=1 SQUARE i > a; Sigmoid a > y", "ArgMax Gather Sigmoid"},
        {"ArgMax:axis=3,keepdims=0 x > i; Gather SQUARE i > a; Mul a x > y", "ArgMax Gather Mul"},
        {"ArgMax:axis=3,keepdims=0 x > i; Gather SQUARE i > a; Mul a K4 > y", "ArgMax Gather Mul"},
        {ROW "Gather SQUARE i > z; Sigmoid z > y", "ArgMax Gather Sigmoid"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
    CHECK_ALL(near, 64);
}

static void test_left_alone(void **state) {
    static const struct rewrite rows[] = {
        {"Slice x ZERO ENDS TWO ONE > a; Relu a > y", "Relu"},
        {"Shape x > s; Expand x s > a; Relu a > y", "Relu"},
    };
    static const struct rewrite near[] = {
        {"Slice x ONE ENDS TWO ONE > a; Relu a > y", "Slice Relu"},
        {"Slice x LESS ENDS TWO ONE > a; Relu a > y", "Relu"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
    CHECK_ALL(near, 16);
}

/* More than what is computed ahead in general: weights alone are. */
static void test_made_weights(void **state) {
    static const struct rewrite rows[] = {
        {"ConstantOfShape WIDE > w; MatMul x w > a; Relu a > y", "MatMul+Relu"},
        {"ConstantOfShape FILTERS > w; Conv x w > a; Mul a #2 > y", "Transpose Conv Transpose"},
    };
    static const struct rewrite near[] = {
        {"ConstantOfShape WIDE > z; MatMul x z > y", "ConstantOfShape MatMul"},
        {"ConstantOfShape WIDE > w; Relu w > a; MatMul x a > y", "ConstantOfShape Relu MatMul"},
    };
    (void)state;
    CHECK_ALL(rows, 16);
    CHECK_ALL(near, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hard_swish),   cmocka_unit_test(test_hard_sigmoid),
        cmocka_unit_test(test_clips),        cmocka_unit_test(test_swish),
        cmocka_unit_test(test_gelu),         cmocka_unit_test(test_no_activation),
        cmocka_unit_test(test_layer_norm),   cmocka_unit_test(test_no_layer_norm),
        cmocka_unit_test(test_attention),    cmocka_unit_test(test_attention_nan),
        cmocka_unit_test(test_batch_norm),   cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_prescale),     cmocka_unit_test(test_layout),
        cmocka_unit_test(test_planes),       cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_left_alone),   cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_made_weights), cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
