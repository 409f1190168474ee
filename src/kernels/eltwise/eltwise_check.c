#include "kernels/eltwise/eltwise.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <string.h>

static double clip(double x, double lo, double hi) { return isnan(x) ? x : fmin(fmax(x, lo), hi); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

#define F(name, result)                                                                            \
    static double f_##name(double x, double a, double b) {                                         \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        return result;                                                                             \
    }
F(none, x)
F(relu, x < 0 ? 0 : x)
F(clip, clip(x, a, b))
F(hardswish, x *clip(a *x + b, 0, 1))
F(hardsigmoid, clip(a *x + b, 0, 1))
F(sigmoid, sigmoid(x))
F(silu, x *sigmoid(x))
F(tanh, tanh(x))
F(leakyrelu, x < 0 ? a * x : x)
F(gelu, x * 0.5 * (1 + erf(x * sqrt(0.5))))
F(exp, exp(x))
F(log, log(x))
F(sqrt, sqrt(x))
F(reciprocal, 1 / x)
F(neg, -x)
F(abs, fabs(x))
F(erf, erf(x))
F(floor, floor(x))
F(ceil, ceil(x))
F(round, rint(x))
F(sign, x > 0 ? 1 : x < 0 ? -1 : x)
F(square, x *x)
F(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
F(softsign, x / (1 + fabs(x)))
F(mish, x *tanh(f_softplus(x, 0, 0)))
F(gelu_tanh, x * 0.5 * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))))
F(elu, x < 0 ? a * expm1(x) : x)
F(selu, b *f_elu(x, a, 0))
F(celu, x < 0 ? a * expm1(x / a) : x)
F(thresholded, x <= a ? 0 : x)
F(affine, a *x + b)

/* Within `ulps` of the result, or within `abs` eps of max(|y|, 1). */
static const struct function {
    double (*f)(double, double, double);
    float a, b, ulps, abs;
} functions[ASH_UNARY_COUNT] = {
    [ASH_ACT_NONE] = {f_none, 0, 0, 0, 0},
    [ASH_ACT_RELU] = {f_relu, 0, 0, 0, 0},
    [ASH_ACT_CLIP] = {f_clip, -1.5f, 6, 0, 0},
    [ASH_ACT_HARDSWISH] = {f_hardswish, 1.0f / 6, 0.5f, 2, 4},
    [ASH_ACT_HARDSIGMOID] = {f_hardsigmoid, 0.2f, 0.5f, 1, 1},
    [ASH_ACT_SIGMOID] = {f_sigmoid, 0, 0, 4, 0},
    [ASH_ACT_SILU] = {f_silu, 0, 0, 4, 1e-28f} /* a denormal sigmoid */,
    [ASH_ACT_TANH] = {f_tanh, 0, 0, 4, 0},
    [ASH_ACT_LEAKYRELU] = {f_leakyrelu, 0.01f, 0, 0.5f, 0},
    [ASH_ACT_GELU] = {f_gelu, 0, 0, 4, 4},
    [ASH_UNARY_EXP] = {f_exp, 0, 0, 4, 0},
    [ASH_UNARY_LOG] = {f_log, 0, 0, 4, 0},
    [ASH_UNARY_SQRT] = {f_sqrt, 0, 0, 0.5f, 0},
    [ASH_UNARY_RECIPROCAL] = {f_reciprocal, 0, 0, 0.5f, 0},
    [ASH_UNARY_NEG] = {f_neg, 0, 0, 0, 0},
    [ASH_UNARY_ABS] = {f_abs, 0, 0, 0, 0},
    [ASH_UNARY_ERF] = {f_erf, 0, 0, 4, 0},
    [ASH_UNARY_FLOOR] = {f_floor, 0, 0, 0, 0},
    [ASH_UNARY_CEIL] = {f_ceil, 0, 0, 0, 0},
    [ASH_UNARY_ROUND] = {f_round, 0, 0, 0, 0},
    [ASH_UNARY_SIGN] = {f_sign, 0, 0, 0, 0},
    [ASH_UNARY_SQUARE] = {f_square, 0, 0, 0.5f, 0},
    [ASH_UNARY_SOFTPLUS] = {f_softplus, 0, 0, 4, 4},
    [ASH_UNARY_SOFTSIGN] = {f_softsign, 0, 0, 1.5f, 0},
    [ASH_UNARY_MISH] = {f_mish, 0, 0, 8, 1e-28f},
    [ASH_ACT_GELU_TANH] = {f_gelu_tanh, 0, 0, 4, 4},
    [ASH_UNARY_ELU] = {f_elu, 1.5f, 0, 4, 4},
    [ASH_UNARY_SELU] = {f_selu, 1.6732632f, 1.0507010f, 4, 4},
    [ASH_UNARY_CELU] = {f_celu, 2, 0, 4, 4},
    [ASH_UNARY_THRESHOLDED] = {f_thresholded, 1, 0, 0, 0},
    [ASH_UNARY_AFFINE] = {f_affine, 1.25f, -0.5f, 1, 8},
};

struct unary_job {
    const struct ash_eltwise_row *row;
    struct ash_pool *pool;
    int kind;
    size_t n;
    const float *x;
    float *y;
};

static void run_unary(void *arg) {
    struct unary_job *j = arg;
    ash_eltwise_unary(j->row, j->pool, j->kind, functions[j->kind].a, functions[j->kind].b, j->n,
                      j->x, j->y);
}

static void check_unary(const struct ash_eltwise_row *row, const struct ash_eltwise_row *ref,
                        int kind, size_t n) {
    const struct function *f = &functions[kind];
    chk_place((enum chk_place)(n % CHK_PLACES));
    float *x = chk_floats(0, n), wide = n % 4 == 1 ? 100.0f : 4.0f;
    if (n % 4 == 3) {
        chk_fill_special(x, n);
    } else {
        chk_fill(x, n, -wide, wide);
    }
    struct unary_job j = {row, NULL, kind, n, x, chk_floats(1, n)};
    if (!chk_call(run_unary, &j)) return;
    for (size_t i = 0; i < n; i++) {
        double want = f->f((double)x[i], (double)f->a, (double)f->b);
        if (!chk_ulp(j.y[i], want, (double)f->ulps) &&
            !(f->abs > 0 && chk_bound(j.y[i], want, fmax(1, fabs(want)), (double)f->abs)))
            chk_fail("kind %d n %zu f(%g) = %.9g, not %.9g", kind, n, (double)x[i], (double)j.y[i],
                     want);
    }
    struct unary_job k = j;
    k.y = chk_floats(2, n);
    k.pool = chk_pool();
    memcpy(k.y, x, n * sizeof *x);
    k.x = k.y;
    run_unary(&k);
    if (chk_diff(k.y, j.y, n) != n) chk_fail("kind %d: threads or in place change bits", kind);
    if (!chk_fused(row->cpu)) return;
    k.x = x;
    k.row = ref;
    run_unary(&k);
    if (chk_diff(k.y, j.y, n) != n) chk_fail("kind %d: not the reference's bits", kind);
}

struct binary_job {
    const struct ash_eltwise_row *row;
    struct ash_pool *pool;
    enum ash_binary op;
    struct ash_act_f32 act;
    int rank;
    size_t dim[8];
    struct ash_eltwise_operand in[2];
    float *y;
};

static void run_binary(void *arg) {
    struct binary_job *j = arg;
    ash_eltwise_binary(j->row, j->pool, j->op, j->act, j->rank, j->dim, &j->in[0], &j->in[1], j->y);
}

static float operand_at(const struct binary_job *j, int k, size_t index) {
    const struct ash_eltwise_operand *o = &j->in[k];
    size_t at = 0, step = 1;
    for (int i = j->rank, m = o->rank; i-- > 0; index /= j->dim[i]) {
        if (--m < 0) continue;
        at += o->dim[m] == 1 ? 0 : index % j->dim[i] * step;
        step *= o->dim[m];
    }
    return o->data[at];
}

static bool binary_right(const struct binary_job *j, float a, float b, float got) {
    float want = 0;
    switch (j->op) {
    case ASH_BINARY_ADD:
        want = a + b;
        break;
    case ASH_BINARY_SUB:
        want = a - b;
        break;
    case ASH_BINARY_MUL:
        want = a * b;
        break;
    case ASH_BINARY_DIV:
        want = a / b;
        break;
    case ASH_BINARY_MAX:
        want = isnan(a) ? a : isnan(b) ? b : a < b ? b : a;
        break;
    case ASH_BINARY_MIN:
        want = isnan(a) ? a : isnan(b) ? b : b < a ? b : a;
        break;
    case ASH_BINARY_PRELU:
        want = a < 0 ? a * b : a;
        break;
    default: {
        double exact = pow((double)a, (double)b);
        if (j->act.kind == ASH_ACT_CLIP) exact = clip(exact, -1, 2);
        if (exact == 0 || isinf(exact)) return chk_same(got, (float)exact);
        return chk_ulp(got, exact, 16);
    }
    }
    return chk_same(got, j->act.kind == ASH_ACT_CLIP ? (float)clip((double)want, -1, 2) : want);
}

static size_t count(int rank, const size_t *dim) {
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= dim[i];
    return n;
}

static void check_binary(struct binary_job *j, const struct ash_eltwise_row *ref, int i) {
    size_t n = count(j->rank, j->dim);
    chk_place((enum chk_place)(i % CHK_PLACES));
    for (int k = 0; k < 2; k++) {
        size_t m = count(j->in[k].rank, j->in[k].dim);
        float *x = chk_floats(k, m);
        if (i % 4 == 3) {
            chk_fill_special(x, m);
        } else {
            chk_fill(x, m, j->op == ASH_BINARY_POW && !k ? 0.0f : -4.0f, 4.0f);
        }
        if (j->op == ASH_BINARY_POW && i % 4 == 2) chk_fill(x, m, k ? -100 : 0.5f, k ? 100 : 2);
        if (j->op == ASH_BINARY_POW && k && i % 2) {
            static const float powers[] = {2, 0.5f, 3, 0, 1, -1, -2, 5};
            for (size_t e = 0; e < m; e++) x[e] = powers[m > 1 ? chk_below(8) : (size_t)i / 2 % 8];
        }
        j->in[k].data = x;
    }
    j->pool = NULL;
    j->y = chk_floats(2, n);
    if (!chk_call(run_binary, j)) return;
    for (size_t e = 0; e < n; e++) {
        float a = operand_at(j, 0, e), b = operand_at(j, 1, e);
        if (!binary_right(j, a, b, j->y[e]))
            chk_fail("op %d act %d rank %d at %zu: (%.9g, %.9g) gives %.9g", j->op, j->act.kind,
                     j->rank, e, (double)a, (double)b, (double)j->y[e]);
    }
    struct binary_job k = *j;
    k.y = chk_floats(3, n);
    k.pool = chk_pool();
    for (int o = 0; o < 2; o++) {
        if (count(j->in[o].rank, j->in[o].dim) != n) continue;
        memcpy(k.y, j->in[o].data, n * sizeof *k.y);
        k.in[o].data = k.y;
        break;
    }
    run_binary(&k);
    if (chk_diff(k.y, j->y, n) != n) chk_fail("op %d: threads or in place change bits", j->op);
    if (!chk_fused(j->row->cpu)) return;
    memcpy(k.in, j->in, sizeof k.in);
    k.row = ref;
    run_binary(&k);
    if (chk_diff(k.y, j->y, n) != n) chk_fail("op %d: not the reference's bits", j->op);
}

/* Random shapes in which each operand lacks or repeats some dimensions. */
static void check_broadcast(struct binary_job *j, const struct ash_eltwise_row *ref, int i) {
    size_t dims[2][8];
    j->rank = (int)chk_below(i % 10 ? 5 : 9);
    for (int d = 0; d < j->rank; d++) j->dim[d] = 1 + chk_below(i % 10 ? 20 : 3);
    for (int k = 0; k < 2; k++) {
        int skip = (int)chk_below((size_t)j->rank + 1);
        if (chk_below(2) || k == (int)chk_below(2)) skip = 0;
        j->in[k] = (struct ash_eltwise_operand){j->rank - skip, dims[k], NULL};
        for (int d = skip; d < j->rank; d++) {
            bool one = skip || chk_below(3) == 0;
            dims[k][d - skip] = one && chk_below(2) ? 1 : j->dim[d];
        }
    }
    for (int d = 0; d < j->rank; d++) { /* a dimension that neither has is 1 */
        bool has = false;
        for (int k = 0; k < 2; k++) {
            int at = d - (j->rank - j->in[k].rank);
            has = has || (at >= 0 && dims[k][at] == j->dim[d]);
        }
        if (!has) j->dim[d] = 1;
    }
    check_binary(j, ref, i);
}

static void check_row(const struct ash_eltwise_row *row, const struct ash_eltwise_row *ref) {
    for (int kind = 0; kind < ASH_UNARY_COUNT; kind++) {
        for (size_t n = 0; n < CHK_TAILS; n++) check_unary(row, ref, kind, n);
        check_unary(row, ref, kind, 40000);
    }
    for (int op = 0; op < ASH_BINARY_COUNT; op++) {
        struct binary_job j = {.row = row, .op = (enum ash_binary)op};
        size_t n = 0, one = 1, c[] = {7, 1, 1}, last = 50;
        for (int i = 0; i < 3 * CHK_TAILS; i++) {
            bool act = i % 5 == 0;
            j.act = (struct ash_act_f32){act ? ASH_ACT_CLIP : ASH_ACT_NONE, -1, 2};
            j.rank = 1;
            j.dim[0] = n = (size_t)i / 3;
            j.in[0] = (struct ash_eltwise_operand){1, i % 3 == 2 ? &one : &n, NULL};
            j.in[1] =
                (struct ash_eltwise_operand){i % 6 == 1 ? 0 : 1, i % 3 == 1 ? &one : &n, NULL};
            check_binary(&j, ref, i / 3);
            check_broadcast(&j, ref, i);
        }
        j.rank = 4;
        memcpy(j.dim, (size_t[]){2, 7, 60, 50}, 4 * sizeof *j.dim);
        j.in[0] = (struct ash_eltwise_operand){4, j.dim, NULL};
        j.in[1] = (struct ash_eltwise_operand){3, c, NULL};
        check_binary(&j, ref, 0);
        j.in[1] = (struct ash_eltwise_operand){1, &last, NULL};
        check_binary(&j, ref, 0);
    }
}

static void bench_row(const struct ash_eltwise_row *row) {
    const size_t n = 196608, dim[] = {1536, 128}, c = 128;
    float *x = chk_floats(0, n), *b = chk_floats(1, n), *y = chk_floats(2, n);
    chk_fill(x, n, -4, 4);
    chk_fill(b, n, 1, 4);
    static const struct {
        const char *label;
        int kind;
    } kinds[] = {{"relu", ASH_ACT_RELU}, {"sigmoid", ASH_ACT_SIGMOID}, {"gelu", ASH_ACT_GELU}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct unary_job u = {row, NULL, kinds[i].kind, n, x, y};
        chk_time(kinds[i].label, (double)n, "elem", run_unary, &u);
    }
    struct binary_job j = {.row = row, .rank = 2, .dim = {1536, 128}, .y = y};
    j.in[0] = (struct ash_eltwise_operand){2, dim, x};
    j.in[1] = (struct ash_eltwise_operand){1, &c, b};
    chk_time("add [1536,128] [128]", (double)n, "elem", run_binary, &j);
    j.in[1] = j.in[0];
    j.op = ASH_BINARY_POW;
    chk_time("pow", (double)n, "elem", run_binary, &j);
}

void check_eltwise(void);
void check_eltwise(void) {
    const struct ash_eltwise_row *ref = NULL;
    for (const struct ash_eltwise_row *const *t = ash_eltwise_tables(); *t; t++) ref = *t;
    for (const struct ash_eltwise_row *const *t = ash_eltwise_tables(); *t; t++) {
        for (const struct ash_eltwise_row *r = *t; r->name; r++) {
            if (!chk_begin(r->name, r->cpu)) continue;
            check_row(r, ref);
            if (chk_bench()) bench_row(r);
        }
    }
}
