/* What operators do on kernels against their references: small random graphs, run by references
 * alone, by kernels on one thread and by kernels on three.
 *
 * References compute in double and round once.  Tolerances are the accuracy classes of the kernels'
 * headers, in units of FLT_EPSILON: `rel` of the result's magnitude, `abs` of 1.  Both 0: the same
 * bits.  One thread and three must always agree bit for bit. */
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

enum { INPUTS_MAX = 8, OUTPUTS_MAX = 3, RANK_MAX = 6 };

struct tolerance {
    double rel, abs;
};

static const struct tolerance exact = {0, 0};

/* ---- random numbers -------------------------------------------------------------------------- */

static uint32_t seed = 1;

static uint32_t below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static bool coin(void) { return below(2) != 0; }

enum fill { UNIT, WIDE, POSITIVE, SPECIAL }; /* -1..1, -10..10, 0.25..2, WIDE and special values */

static float number(enum fill fill) {
    static const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1.0f, -1.0f, 1e30f};
    float x = (float)below(1 << 24) / (float)(1 << 23) - 1.0f;
    if (fill == SPECIAL && below(4) == 0) return special[below(sizeof special / sizeof *special)];
    return fill == UNIT ? x : fill == POSITIVE ? 1.125f + x * 0.875f : x * 10.0f;
}

/* Extents that meet every tail, now and then 0. */
static int64_t extent(void) {
    static const int64_t sizes[] = {1, 2, 3, 5, 8, 16, 17, 33};
    return below(24) == 0 ? 0 : sizes[below(sizeof sizes / sizeof *sizes)];
}

/* The same, at least 1 and at most 17. */
static int64_t small(void) { return 1 + below(17); }

/* ---- graphs ---------------------------------------------------------------------------------- */

struct graph {
    struct mw m;
    size_t open;
    int n_in, n_out;
    char in_name[INPUTS_MAX][4];
    const char *out_name[OUTPUTS_MAX];
    ashore_value *in[INPUTS_MAX];
    bool references; /* some node is left to its reference on purpose */
};

static void begin(struct graph *g, int opset) {
    memset(g, 0, sizeof *g);
    mw_init(&g->m);
    mw_varint(&g->m, MW_MODEL_IR, 8);
    size_t at = mw_open(&g->m, MW_MODEL_OPSET);
    mw_text(&g->m, 1, "");
    mw_varint(&g->m, 2, opset);
    mw_close(&g->m, at);
    g->open = mw_open(&g->m, MW_MODEL_GRAPH);
    mw_text(&g->m, MW_GRAPH_NAME, "g");
}

static size_t count_of(int rank, const int64_t *dim) {
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= (size_t)dim[i];
    return n;
}

/* A constant or an input of the graph, whose bytes are given. */
static void add_bytes(struct graph *g, const char *name, bool constant, int dtype, int rank,
                      const int64_t *dim, const void *data, size_t size) {
    if (constant) {
        mw_tensor(&g->m, MW_GRAPH_INITIALIZER, name, dtype, rank, dim, data, size);
        return;
    }
    assert_true(g->n_in < INPUTS_MAX);
    mw_value(&g->m, MW_GRAPH_INPUT, name, dtype, rank, dim);
    ashore_value *v;
    assert_int_equal(ashore_tensor_create(dtype, rank, dim, &v, NULL), ASHORE_OK);
    if (size) memcpy(ashore_value_data_mut(v), data, size);
    snprintf(g->in_name[g->n_in], sizeof g->in_name[0], "%s", name);
    g->in[g->n_in++] = v;
}

static void add(struct graph *g, const char *name, bool constant, enum fill fill, int rank,
                const int64_t *dim) {
    size_t n = count_of(rank, dim);
    float *data = malloc((n + 1) * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < n; i++) data[i] = number(fill);
    add_bytes(g, name, constant, ASHORE_FLOAT32, rank, dim, data, n * sizeof *data);
    free(data);
}

static void add_ints(struct graph *g, const char *name, bool constant, int n, const int64_t *v) {
    add_bytes(g, name, constant, ASHORE_INT64, 1, (int64_t[]){n}, v, (size_t)n * sizeof *v);
}

static void output(struct graph *g, const char *name, int dtype) {
    mw_value(&g->m, MW_GRAPH_OUTPUT, name, dtype, -1, NULL);
    g->out_name[g->n_out++] = name;
}

static void attr_float(struct graph *g, const char *name, float v) {
    size_t attr = mw_open(&g->m, 5);
    mw_text(&g->m, 1, name);
    mw_number(&g->m, 2 << 3 | 5);
    mw_raw(&g->m, &v, sizeof v);
    mw_varint(&g->m, 20, 1);
    mw_close(&g->m, attr);
}

static void attr_text(struct graph *g, const char *name, const char *v) {
    size_t attr = mw_open(&g->m, 5);
    mw_text(&g->m, 1, name);
    mw_text(&g->m, 4, v);
    mw_varint(&g->m, 20, 3);
    mw_close(&g->m, attr);
}

static void node(struct graph *g, const char *op, const char *in, const char *out) {
    mw_close(&g->m, mw_node(&g->m, op, op, in, out));
}

/* ---- running and comparing ------------------------------------------------------------------- */

static void run(const struct graph *g, ashore_model *model, bool reference, int threads,
                ashore_value **out) {
    struct ashore_session_options options;
    struct ashore_error err;
    const char *names[INPUTS_MAX];
    ashore_session *session;
    ashore_session_options_init(&options);
    options.reference = reference;
    options.threads = threads;
    options.profile = 1;
    if (ashore_session_create(model, &options, &session, &err) != ASHORE_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < g->n_in; i++) names[i] = g->in_name[i];
    if (ashore_session_run(session, (size_t)g->n_in, names, g->in, (size_t)g->n_out, g->out_name,
                           out, &err) != ASHORE_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; !reference && !g->references && i < ashore_session_steps(session); i++) {
        struct ashore_step_info step;
        assert_int_equal(ashore_session_step(session, i, &step), ASHORE_OK);
        if (!strcmp(step.kernel, "reference"))
            fail_msg("%s, which makes %s, has no kernel", step.op, step.shape);
    }
    ashore_session_destroy(&session);
}

static bool near(float got, float want, struct tolerance t) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got) || (t.rel == 0 && t.abs == 0)) return got == want;
    double most = (double)FLT_EPSILON * (t.rel * fabs((double)want) + t.abs) + (double)FLT_MIN;
    return fabs((double)got - (double)want) <= most;
}

static void compare(const char *what, const ashore_value *got, const ashore_value *want,
                    struct tolerance t) {
    int rank = ashore_value_rank(want);
    assert_int_equal(ashore_value_dtype(got), ashore_value_dtype(want));
    assert_int_equal(ashore_value_rank(got), rank);
    for (int i = 0; i < rank; i++)
        assert_int_equal(ashore_value_shape(got)[i], ashore_value_shape(want)[i]);
    size_t bytes = ashore_value_bytes(want);
    if (ashore_value_dtype(want) != ASHORE_FLOAT32) {
        if (bytes) assert_memory_equal(ashore_value_data(got), ashore_value_data(want), bytes);
        return;
    }
    const float *a = ashore_value_data(got), *b = ashore_value_data(want);
    for (size_t i = 0; i < bytes / sizeof *a; i++) {
        if (!near(a[i], b[i], t))
            fail_msg("%s: element %zu is %.9g, expected %.9g", what, i, (double)a[i], (double)b[i]);
    }
}

/* Ends the graph, runs it in three ways and lets it go.  t has an entry for each output. */
static void check(struct graph *g, const char *what, const struct tolerance *t) {
    ashore_model *model;
    struct ashore_error err;
    ashore_value *want[OUTPUTS_MAX] = {0}, *one[OUTPUTS_MAX] = {0}, *three[OUTPUTS_MAX] = {0};
    mw_close(&g->m, g->open);
    if (ashore_model_load_memory(g->m.bytes, g->m.size, NULL, &model, &err) != ASHORE_OK)
        fail_msg("%s: %s", what, err.text);
    run(g, model, true, 1, want);
    run(g, model, false, 1, one);
    run(g, model, false, 3, three);
    for (int i = 0; i < g->n_out; i++) {
        compare(what, one[i], want[i], t[i]);
        size_t bytes = ashore_value_bytes(one[i]);
        if (bytes)
            assert_memory_equal(ashore_value_data(three[i]), ashore_value_data(one[i]), bytes);
        ashore_value_release(&want[i]);
        ashore_value_release(&one[i]);
        ashore_value_release(&three[i]);
    }
    for (int i = 0; i < g->n_in; i++) ashore_value_release(&g->in[i]);
    ashore_model_destroy(&model);
    mw_deinit(&g->m);
}

/* ---- elementwise operators ------------------------------------------------------------------- */

/* Between two negations, so that the operator may write over its input. */
static void test_unary(void **state) {
    static const struct {
        const char *op;
        int opset;
        struct tolerance t; /* kernels/eltwise/eltwise.h */
        const char *attr;
    } rows[] = {
        {"Abs", 13, {0, 0}, NULL},
        {"Ceil", 13, {0, 0}, NULL},
        {"Floor", 13, {0, 0}, NULL},
        {"Neg", 13, {0, 0}, NULL},
        {"Reciprocal", 13, {0, 0}, NULL},
        {"Relu", 14, {0, 0}, NULL},
        {"Round", 11, {0, 0}, NULL},
        {"Sign", 13, {0, 0}, NULL},
        {"Sqrt", 13, {0, 0}, NULL},
        {"LeakyRelu", 16, {0, 0}, "alpha"},
        {"ThresholdedRelu", 10, {0, 0}, "alpha"},
        {"Erf", 13, {4, 0}, NULL},
        {"Exp", 13, {4, 0}, NULL},
        {"Log", 13, {4, 0}, NULL},
        {"Sigmoid", 13, {4, 0}, NULL},
        {"Softsign", 1, {4, 0}, NULL},
        {"Swish", 24, {4, 0}, NULL},
        {"Tanh", 13, {4, 0}, NULL},
        {"Mish", 18, {8, 0}, NULL},
        {"Celu", 12, {4, 4}, "alpha"},
        {"Elu", 6, {4, 4}, "alpha"},
        {"Selu", 6, {4, 4}, "gamma"},
        {"Softplus", 1, {4, 4}, NULL},
        {"Gelu", 20, {4, 4}, NULL},
        {"HardSigmoid", 6, {2, 2}, "beta"}, /* one rounding in the middle */
        {"HardSwish", 14, {4, 4}, NULL},
    };
    static const int64_t sizes[] = {0, 1, 15, 16, 33, 129, 40000};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct graph g;
            begin(&g, rows[i].opset);
            add(&g, "x", false, SPECIAL, 1, &sizes[k]);
            node(&g, "Neg", "x", "a");
            size_t n = mw_node(&g.m, rows[i].op, "n", "a", "b");
            if (rows[i].attr && coin()) attr_float(&g, rows[i].attr, number(POSITIVE));
            mw_close(&g.m, n);
            node(&g, "Neg", "b", "y");
            output(&g, "y", ASHORE_FLOAT32);
            check(&g, rows[i].op, &rows[i].t);
        }
    }
}

static void test_clip(void **state) {
    static const char *const inputs[] = {"a", "a l", "a l h", "a - h"};
    (void)state;
    for (int i = 0; i < 24; i++) {
        int64_t size = 1 + below(100);
        struct graph g;
        begin(&g, i < 4 ? 6 : 13);
        add(&g, "x", false, SPECIAL, 1, &size);
        add(&g, "l", coin(), coin() ? UNIT : SPECIAL, 0, NULL);
        add(&g, "h", coin(), coin() ? WIDE : SPECIAL, 0, NULL);
        node(&g, "Neg", "x", "a");
        size_t n = mw_node(&g.m, "Clip", "n", i < 4 ? "a" : inputs[i & 3], "b");
        if (i < 4 && i & 1) attr_float(&g, "min", -2);
        if (i < 4 && i & 2) attr_float(&g, "max", 3);
        mw_close(&g.m, n);
        node(&g, "Neg", "b", "y");
        output(&g, "y", ASHORE_FLOAT32);
        check(&g, "Clip", &exact);
    }
}

/* Two shapes that broadcast, now and then with an extent of 0. */
static void broadcast_pair(int *ra, int64_t *a, int *rb, int64_t *b) {
    int rank = (int)below(RANK_MAX - 1);
    int64_t dim[RANK_MAX];
    *ra = coin() ? rank : (int)below((uint32_t)rank + 1);
    *rb = *ra < rank || coin() ? rank : (int)below((uint32_t)rank + 1);
    for (int i = 0; i < rank; i++) dim[i] = rank > 3 && i < 2 ? 1 + below(3) : extent();
    for (int i = 0; i < *ra; i++) a[i] = below(3) == 0 ? 1 : dim[rank - *ra + i];
    for (int i = 0; i < *rb; i++) b[i] = below(3) == 0 ? 1 : dim[rank - *rb + i];
}

static void test_binary(void **state) {
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"};
    (void)state;
    for (int i = 0; i < 210; i++) {
        const char *op = ops[i % 7];
        struct tolerance t = i % 7 == 6 ? (struct tolerance){16, 0} : exact;
        int64_t a[RANK_MAX], b[RANK_MAX];
        int ra, rb;
        struct graph g;
        begin(&g, 13);
        broadcast_pair(&ra, a, &rb, b);
        add(&g, "a", coin() && count_of(rb, b) > 0, SPECIAL, ra, a);
        add(&g, "b", false, SPECIAL, rb, b);
        node(&g, "Neg", "a", "c");
        node(&g, "Neg", "b", "d");
        node(&g, op, "c d", "e");
        node(&g, "Neg", "e", "y");
        output(&g, "y", ASHORE_FLOAT32);
        check(&g, op, &t);
    }
}

static void test_binary_special(void **state) {
    static const char *const ops[] = {"PRelu", "Pow", "Sum", "Mul"};
    static const int64_t dim[] = {3, 17, 40}, slope[] = {17, 1};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct graph g;
        begin(&g, 13);
        add(&g, "a", false, SPECIAL, 3, dim);
        if (i == 0) add(&g, "b", true, WIDE, 2, slope);
        if (i == 1) add_bytes(&g, "b", true, ASHORE_FLOAT32, 0, NULL, &(float){2}, sizeof(float));
        if (i == 2) add(&g, "b", false, SPECIAL, 1, dim + 2);
        /* Of itself with itself. */
        node(&g, ops[i], i == 3 ? "a a" : "a b", "y");
        output(&g, "y", ASHORE_FLOAT32);
        check(&g, ops[i], &exact);
    }
}

/* ---- softmax and normalisation --------------------------------------------------------------- */

static void test_softmax(void **state) {
    (void)state;
    for (int i = 0; i < 80; i++) {
        int rank = 1 + (int)below(4), axis = (int)below((uint32_t)rank);
        bool log = coin();
        int64_t dim[RANK_MAX], length = 1;
        int opset = coin() ? 11 : 13;
        struct graph g;
        for (int k = 0; k < rank; k++) dim[k] = extent();
        for (int k = axis; k < rank && (k == axis || opset == 11); k++) length *= dim[k];
        begin(&g, opset);
        add(&g, "x", false, below(4) ? WIDE : SPECIAL, rank, dim);
        node(&g, "Neg", "x", "a");
        size_t n = mw_node(&g.m, log ? "LogSoftmax" : "Softmax", "n", "a", "b");
        mw_attr_int(&g.m, "axis", coin() ? axis : axis - rank);
        mw_close(&g.m, n);
        node(&g, "Neg", "b", "y");
        output(&g, "y", ASHORE_FLOAT32);
        /* kernels/softmax/softmax.h; |x - max| is at most 20. */
        double sum = (double)length / 16;
        check(&g, "Softmax", &(struct tolerance){(log ? 4 : 26) + sum, log ? 4 + sum : 0});
    }
}

static void test_batch_norm(void **state) {
    static const enum fill fills[] = {UNIT, UNIT, UNIT, POSITIVE};
    static const char *const names[] = {"s", "b", "m", "v"};
    (void)state;
    for (int i = 0; i < 20; i++) {
        int rank = 2 + (int)below(4);
        int64_t dim[RANK_MAX];
        struct graph g;
        for (int k = 0; k < rank; k++) dim[k] = k == 1 ? small() : extent();
        begin(&g, 15);
        add(&g, "x", false, WIDE, rank, dim);
        for (int k = 0; k < 4; k++) add(&g, names[k], true, fills[k], 1, dim + 1);
        node(&g, "Neg", "x", "a");
        node(&g, "BatchNormalization", "a s b m v", "c");
        node(&g, "Neg", "c", "y");
        output(&g, "y", ASHORE_FLOAT32);
        /* Factor and summand are rounded: three roundings of |x| <= 10 and |mean| <= 1 times
         * 1 / sqrt(0.25), and |bias| <= 1. */
        check(&g, "BatchNormalization", &(struct tolerance){0, 3 * (2 * 11 + 1)});
    }
}

/* The most that 1 / sqrt(variance + 1e-5) comes to over D numbers of -10..10. */
static double most_inverse(int64_t D) { return D < 16 ? 317 : 1; }

static void test_instance_norm(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        int rank = 3 + (int)below(2);
        int64_t dim[RANK_MAX], D = 1;
        struct graph g;
        for (int k = 0; k < rank; k++) dim[k] = extent();
        for (int k = 2; k < rank; k++) D *= dim[k];
        begin(&g, 17);
        add(&g, "x", false, WIDE, rank, dim);
        add(&g, "s", coin(), UNIT, 1, dim + 1);
        add(&g, "b", coin(), UNIT, 1, dim + 1);
        node(&g, "Neg", "x", "a");
        node(&g, "InstanceNormalization", "a s b", "c");
        node(&g, "Neg", "c", "y");
        output(&g, "y", ASHORE_FLOAT32);
        /* kernels/norm/norm.h, with |x| and |mean| at most 10. */
        g.references = count_of(rank, dim) == 0;
        check(&g, "InstanceNormalization",
              &(struct tolerance){0, (double)(D + 8) * (most_inverse(D) * 20 + 1)});
    }
}

static void test_layer_norm(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) {
        int rank = 1 + (int)below(4), axis = (int)below((uint32_t)rank);
        int64_t dim[RANK_MAX], D = 1;
        bool stats = coin(), bias = coin();
        struct graph g;
        for (int k = 0; k < rank; k++) dim[k] = extent();
        for (int k = axis; k < rank; k++) D *= dim[k];
        begin(&g, 17);
        add(&g, "x", false, WIDE, rank, dim);
        add(&g, "s", coin(), UNIT, rank - axis, dim + axis);
        if (bias) add(&g, "b", coin(), UNIT, rank - axis, dim + axis);
        node(&g, "Neg", "x", "a");
        size_t n = mw_node(&g.m, "LayerNormalization", "n", bias ? "a s b" : "a s",
                           stats ? "c mean inv" : "c");
        mw_attr_int(&g.m, "axis", coin() ? axis : axis - rank);
        mw_close(&g.m, n);
        node(&g, "Neg", "c", "y");
        output(&g, "y", ASHORE_FLOAT32);
        if (stats) output(&g, "mean", ASHORE_FLOAT32);
        if (stats) output(&g, "inv", ASHORE_FLOAT32);
        /* As above; the sum of D numbers up to 10; and the root's error, half the variance's, which
         * differences up to 20 make. */
        double d = (double)(D + 8), inverse = most_inverse(D);
        check(&g, "LayerNormalization",
              (struct tolerance[]){
                  {0, d * (inverse * 20 + 1)}, {0, d * 10}, {0, d * 20 * inverse * inverse}});
    }
}

/* ---- reductions ------------------------------------------------------------------------------ */

static void test_reduce(void **state) {
    static const struct {
        const char *op;
        enum fill fill;
    } rows[] = {{"ReduceSum", UNIT},       {"ReduceMean", UNIT},       {"ReduceMax", SPECIAL},
                {"ReduceMin", SPECIAL},    {"ReduceL1", UNIT},         {"ReduceL2", POSITIVE},
                {"ReduceSumSquare", UNIT}, {"ReduceLogSum", POSITIVE}, {"ReduceProd", POSITIVE}};
    (void)state;
    for (int i = 0; i < 180; i++) {
        int row = i % 9, rank = (int)below(5), n_axes = 0;
        bool input = coin();
        int64_t dim[RANK_MAX], axes[RANK_MAX], D = 1;
        struct graph g;
        for (int k = 0; k < rank; k++) dim[k] = below(16) ? 1 + below(9) : 0;
        for (int k = 0; k < rank; k++)
            if (coin()) axes[n_axes++] = coin() ? k : k - rank;
        for (int k = 0; k < rank; k++) D *= dim[k];
        begin(&g, input ? 18 : row == 0 ? 11 : 13);
        add(&g, "x", false, rows[row].fill, rank, dim);
        if (input && n_axes) add_ints(&g, "i", true, n_axes, axes);
        size_t n = mw_node(&g.m, rows[row].op, "n", input && n_axes ? "x i" : "x", "y");
        if (!input && n_axes) mw_attr_ints(&g.m, "axes", n_axes, axes);
        mw_attr_int(&g.m, "keepdims", coin());
        mw_close(&g.m, n);
        output(&g, "y", ASHORE_FLOAT32);
        /* kernels/reduce/reduce.h: all numbers are at most 2; relative where all have one sign. */
        double d = (double)(D + 4);
        struct tolerance t = row < 2 || row == 6 ? (struct tolerance){0, d * d} : exact;
        if (row == 4 || row == 5 || row == 8) t = (struct tolerance){d, 0};
        if (row == 7) t = (struct tolerance){4, d};
        check(&g, rows[row].op, &t);
    }
}

/* ---- products -------------------------------------------------------------------------------- */

/* Sums of k products of numbers up to 1, and up to three more summands. */
static struct tolerance product(int64_t k) {
    return (struct tolerance){0, (double)((k + 4) * (k + 4))};
}

static void test_matmul(void **state) {
    (void)state;
    for (int i = 0; i < 160; i++) {
        int ra, rb, na, nb;
        int64_t a[RANK_MAX + 2], b[RANK_MAX + 2], k = below(20) ? 1 + below(70) : 0;
        struct graph g;
        broadcast_pair(&ra, a, &rb, b);
        for (int j = 0; j < ra; j++) a[j] = a[j] > 5 ? 5 : a[j];
        for (int j = 0; j < rb; j++) b[j] = b[j] > 5 ? 5 : b[j];
        if (below(3) == 0) rb = 0;
        na = ra == 0 && below(4) == 0 ? 1 : ra + 2;
        nb = rb == 0 && below(4) == 0 ? 1 : rb + 2;
        if (na > 1) a[na - 2] = below(10) ? extent() : 1;
        a[na - 1] = k;
        b[nb > 1 ? nb - 2 : 0] = k;
        if (nb > 1) b[nb - 1] = extent();
        begin(&g, 13);
        /* Nothing is to be folded: one input is computed. */
        add(&g, "a", false, UNIT, na, a);
        add(&g, "b", coin(), UNIT, nb, b);
        node(&g, "Neg", "a", "c");
        node(&g, "MatMul", "c b", "y");
        output(&g, "y", ASHORE_FLOAT32);
        /* What is empty, and batches in more than two groups, stay with the reference. */
        g.references = true;
        check(&g, "MatMul", &(struct tolerance){0, product(k).abs});
    }
}

static void test_matmul_kernels(void **state) {
    static const struct {
        int na, nb;
        int64_t a[4], b[4];
    } rows[] = {
        {2, 2, {7, 33}, {33, 21}},
        {1, 2, {40}, {40, 65}},
        {2, 1, {9, 40}, {40}},
        {1, 1, {50}, {50}},
        {4, 4, {2, 3, 9, 8}, {2, 3, 8, 10}},
        {4, 4, {2, 1, 9, 8}, {1, 3, 8, 10}},
        {4, 3, {2, 3, 1, 8}, {3, 8, 10}},
        {3, 4, {3, 5, 8}, {2, 3, 8, 17}},
        {3, 2, {4, 5, 8}, {8, 33}},
        {4, 4, {2, 3, 5, 8}, {1, 1, 8, 4}},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct graph g;
        begin(&g, 13);
        add(&g, "a", false, UNIT, rows[i / 2].na, rows[i / 2].a);
        add(&g, "b", i % 2, UNIT, rows[i / 2].nb, rows[i / 2].b);
        node(&g, "MatMul", "a b", "y");
        output(&g, "y", ASHORE_FLOAT32);
        struct tolerance t = product(50);
        check(&g, "MatMul", &t);
    }
}

/* Two constants of the same numbers in another shape, and one used both ways round. */
static void test_shared_weights(void **state) {
    static const int64_t square[] = {16, 16};
    struct tolerance t[2] = {product(16), product(16)};
    struct graph g;
    (void)state;
    begin(&g, 13);
    add(&g, "x", false, UNIT, 2, square);
    add(&g, "w", true, UNIT, 2, square);
    node(&g, "MatMul", "x w", "y");
    size_t n = mw_node(&g.m, "Gemm", "n", "x w", "z");
    mw_attr_int(&g.m, "transB", 1);
    mw_close(&g.m, n);
    output(&g, "y", ASHORE_FLOAT32);
    output(&g, "z", ASHORE_FLOAT32);
    check(&g, "shared", t);
}

/* MatMul with a bias, a sum and an activation behind it, which a pass may make one. */
static void test_matmul_fused(void **state) {
    static const char *const acts[] = {"Relu", "Sigmoid", "Tanh", "HardSwish"};
    (void)state;
    for (int i = 0; i < 16; i++) {
        int64_t a[] = {2, small(), small()}, b[] = {a[2], small()}, y[] = {2, a[1], b[1]};
        struct graph g;
        begin(&g, 14);
        add(&g, "a", false, UNIT, 3, a);
        add(&g, "b", i & 4, UNIT, 2, b);
        add(&g, "c", true, UNIT, 1, b + 1);
        add(&g, "r", false, UNIT, 3, y);
        node(&g, "MatMul", "a b", "d");
        node(&g, "Add", i & 1 ? "d c" : "c d", "e");
        node(&g, "Add", i & 2 ? "e r" : "r e", "f");
        node(&g, acts[i & 3], "f", "y");
        output(&g, "y", ASHORE_FLOAT32);
        struct tolerance t = product(a[2] + 4);
        check(&g, "MatMul", &t);
    }
}

static void test_gemm(void **state) {
    (void)state;
    for (int i = 0; i < 96; i++) {
        bool ta = coin(), tb = coin();
        int64_t m = extent(), n = extent(), k = below(8) ? small() : extent();
        int64_t a[] = {ta ? k : m, ta ? m : k}, b[] = {tb ? n : k, tb ? k : n};
        int64_t addends[][2] = {{m, n}, {1, n}, {n, n}, {1, 1}, {m, 1}};
        int rank = i % 6 == 2 ? 1 : 2;
        struct graph g;
        begin(&g, 13);
        add(&g, "a", false, UNIT, 2, a);
        add(&g, "b", coin(), UNIT, 2, b);
        if (i % 6 < 5) add(&g, "c", coin(), UNIT, rank, addends[i % 6]);
        size_t at = mw_node(&g.m, "Gemm", "n", i % 6 < 5 ? "a b c" : "a b", "y");
        mw_attr_int(&g.m, "transA", ta);
        mw_attr_int(&g.m, "transB", tb);
        if (coin()) attr_float(&g, "alpha", 0.5f);
        if (coin()) attr_float(&g, "beta", below(4) ? -0.75f : 0.0f);
        mw_close(&g.m, at);
        output(&g, "y", ASHORE_FLOAT32);
        g.references = true; /* odd addends, and what is empty */
        struct tolerance t = product(k);
        check(&g, "Gemm", &t);
    }
}

/* ---- recurrent layers ------------------------------------------------------------------------ */

static void rnn_case(int kind) {
    static const char *const ops[] = {"RNN", "GRU", "LSTM"};
    static const char *const directions[] = {"forward", "reverse", "bidirectional"};
    static const int64_t gates[] = {1, 3, 4};
    int direction = (int)below(3);
    int64_t T = 1 + below(6), N = 1 + below(4), I = small(), H = small(), G = gates[kind];
    int64_t D = direction == 2 ? 2 : 1;
    int64_t w[] = {D, G * H, I}, r[] = {D, G * H, H}, b[] = {D, 2 * G * H}, p[] = {D, 3 * H};
    int64_t x[] = {T, N, I}, h[] = {D, N, H};
    int32_t lens[4];
    char in[32];
    bool has[4]; /* B, lengths, h0, c0 and P */
    struct graph g;
    for (int i = 0; i < 4; i++) has[i] = coin();
    for (int i = 0; i < 4; i++) lens[i] = (int32_t)below((uint32_t)T + 1);
    begin(&g, 14);
    add(&g, "x", false, UNIT, 3, x);
    add(&g, "w", true, UNIT, 3, w);
    add(&g, "r", true, UNIT, 3, r);
    if (has[0]) add(&g, "b", true, UNIT, 2, b);
    if (has[1]) add_bytes(&g, "l", false, ASHORE_INT32, 1, &N, lens, (size_t)N * sizeof *lens);
    if (has[2]) add(&g, "h", false, UNIT, 3, h);
    if (has[3] && kind == 2) add(&g, "c", false, UNIT, 3, h);
    if (has[3] && kind == 2) add(&g, "p", true, UNIT, 2, p);
    snprintf(in, sizeof in, "x w r %s %s %s%s", has[0] ? "b" : "-", has[1] ? "l" : "-",
             has[2] ? "h" : "-",
             kind < 2 ? ""
             : has[3] ? " c p"
                      : "");
    int outs = kind == 2 ? (int)below(4) : (int)below(3);
    static const char *const names[] = {"y", "y u", "- u", "y u v"};
    size_t n = mw_node(&g.m, ops[kind], "n", in, names[outs]);
    attr_text(&g, "direction", directions[direction]);
    mw_attr_int(&g.m, "hidden_size", H);
    if (below(3) == 0) attr_float(&g, "clip", 0.5f);
    if (kind == 1) mw_attr_int(&g.m, "linear_before_reset", coin());
    if (kind == 2) mw_attr_int(&g.m, "input_forget", below(3) == 0);
    mw_close(&g.m, n);
    if (outs != 2) output(&g, "y", ASHORE_FLOAT32);
    if (outs) output(&g, "u", ASHORE_FLOAT32);
    if (outs == 3) output(&g, "v", ASHORE_FLOAT32);
    /* kernels/rnn/rnn.h: a few times (I + H) T. */
    struct tolerance t = {0, (double)(8 * (I + H) * (T + 1))};
    check(&g, ops[kind], (struct tolerance[]){t, t, t});
}

static void test_rnn(void **state) {
    (void)state;
    for (int i = 0; i < 120; i++) rnn_case(i % 3);
}

/* ---- data movement --------------------------------------------------------------------------- */

static void test_transpose(void **state) {
    static const struct {
        int dtype;
        size_t size;
    } types[] = {{ASHORE_UINT8, 1}, {ASHORE_INT16, 2}, {ASHORE_FLOAT32, 4}, {ASHORE_INT64, 8}};
    (void)state;
    for (int i = 0; i < 120; i++) {
        int rank = (int)below(6), type = i % 4;
        int64_t dim[RANK_MAX], perm[RANK_MAX];
        struct graph g;
        for (int k = 0; k < rank; k++) dim[k] = rank > 3 ? 1 + below(7) : extent();
        for (int k = 0; k < rank; k++) perm[k] = k;
        for (int k = rank - 1; k > 0; k--) {
            int j = (int)below((uint32_t)k + 1);
            int64_t swap = perm[k];
            perm[k] = perm[j];
            perm[j] = swap;
        }
        size_t bytes = count_of(rank, dim) * types[type].size;
        unsigned char *data = malloc(bytes + 1);
        assert_non_null(data);
        for (size_t k = 0; k < bytes; k++) data[k] = (unsigned char)(k * 37 >> 3);
        begin(&g, 13);
        add_bytes(&g, "x", false, types[type].dtype, rank, dim, data, bytes);
        free(data);
        size_t n = mw_node(&g.m, "Transpose", "n", "x", "y");
        if (rank) mw_attr_ints(&g.m, "perm", rank, perm);
        mw_close(&g.m, n);
        output(&g, "y", types[type].dtype);
        g.references = true; /* what is no movement is left out or copied */
        check(&g, "Transpose", &exact);
    }
}

static void test_blocks(void **state) {
    (void)state;
    for (int i = 0; i < 24; i++) {
        bool to_space = coin();
        int64_t b = 1 + below(4), c = 1 + below(5), h = 1 + below(6), w = 1 + below(6);
        int64_t deep[] = {2, c * b * b, h, w}, wide[] = {2, c, h * b, w * b};
        struct graph g;
        begin(&g, 13);
        add(&g, "x", false, UNIT, 4, to_space ? deep : wide);
        size_t n = mw_node(&g.m, to_space ? "DepthToSpace" : "SpaceToDepth", "n", "x", "y");
        mw_attr_int(&g.m, "blocksize", b);
        if (to_space) attr_text(&g, "mode", coin() ? "DCR" : "CRD");
        mw_close(&g.m, n);
        output(&g, "y", ASHORE_FLOAT32);
        check(&g, "blocks", &exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_binary_special),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_batch_norm),
        cmocka_unit_test(test_instance_norm),
        cmocka_unit_test(test_layer_norm),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_matmul_kernels),
        cmocka_unit_test(test_shared_weights),
        cmocka_unit_test(test_matmul_fused),
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_rnn),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
