/* Operators of one input whose output elements hang on the element in the same place alone, and
 * Clip. */
#include "kernels/eltwise/eltwise.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

ASH_LOWERS("Abs Ceil Celu Elu Erf Exp Floor Gelu HardSigmoid HardSwish", 0, 8, "float32");
ASH_LOWERS("LeakyRelu Log Mish Neg Reciprocal Relu Round Selu Sigmoid Sign", 0, 8, "float32");
ASH_LOWERS("Softplus Softsign Sqrt Tanh ThresholdedRelu", 0, 8, "float32");

enum unary {
    UNARY_ABS,
    UNARY_ACOS,
    UNARY_ACOSH,
    UNARY_ASIN,
    UNARY_ASINH,
    UNARY_ATAN,
    UNARY_ATANH,
    UNARY_BITWISENOT,
    UNARY_CEIL,
    UNARY_CELU,
    UNARY_COS,
    UNARY_COSH,
    UNARY_ELU,
    UNARY_ERF,
    UNARY_EXP,
    UNARY_FLOOR,
    UNARY_GELU,
    UNARY_GELU_TANH,
    UNARY_HARDSIGMOID,
    UNARY_HARDSWISH,
    UNARY_ISINF,
    UNARY_ISNAN,
    UNARY_LEAKYRELU,
    UNARY_LOG,
    UNARY_MISH,
    UNARY_NEG,
    UNARY_NOT,
    UNARY_RECIPROCAL,
    UNARY_RELU,
    UNARY_ROUND,
    UNARY_SELU,
    UNARY_SHRINK,
    UNARY_SIGMOID,
    UNARY_SIGN,
    UNARY_SIN,
    UNARY_SINH,
    UNARY_SOFTPLUS,
    UNARY_SOFTSIGN,
    UNARY_SQRT,
    UNARY_SWISH,
    UNARY_TAN,
    UNARY_TANH,
    UNARY_THRESHOLDED
};

struct unary_attrs;

/* One function, in real numbers. */
typedef double unary_fn(const struct unary_attrs *a, double x);

struct unary_attrs {
    enum unary fn;
    int takes;
    float alpha, beta; /* Selu: beta is gamma; Shrink: bias, lambd; IsInf: whether below, above */
    unary_fn *real;
};

static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double sigmoid(double x) {
    double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

static double softplus(double x) { return (x > 0 || isnan(x) ? x : 0) + log1p(exp(-fabs(x))); }

/* The functions of circle and hyperbola are made of those that every engine has, without
 * cancellation. */
static double acosh_of(double x) {
    return x > 0x1p500 ? log(x) + 0.69314718055994530942
                       : log1p(x - 1 + sqrt(2 * (x - 1) + (x - 1) * (x - 1)));
}

static double asinh_of(double x) {
    double m = fabs(x);
    return copysign(m > 0x1p500 ? log(m) + 0.69314718055994530942
                                : log1p(m + m * m / (1 + sqrt(m * m + 1))),
                    x);
}

static double atanh_of(double x) {
    double m = fabs(x);
    return copysign(0.5 * log1p(2 * m / (1 - m)), x);
}

static double sinh_of(double x) {
    double m = fabs(x), e;
    if (m < 1) return copysign(0.5 * (expm1(m) - expm1(-m)), x);
    e = exp(0.5 * m);
    return copysign(0.5 * e * e - 0.5 / e / e, x);
}

static double cosh_of(double x) {
    double e = exp(0.5 * fabs(x));
    return 0.5 * e * e + 0.5 / e / e;
}

static double shrink(const struct unary_attrs *a, double x) {
    if (x < -(double)a->beta) return x + (double)a->alpha;
    return x > (double)a->beta ? x - (double)a->alpha : isnan(x) ? x : 0;
}

#define REAL(name, value)                                                                          \
    static double real_##name(const struct unary_attrs *a, double x) {                             \
        (void)a;                                                                                   \
        return value;                                                                              \
    }
REAL(abs, fabs(x))
REAL(acos, 2 * atan(sqrt((1 - x) / (1 + x))))
REAL(acosh, acosh_of(x))
REAL(asin, atan(x / sqrt((1 - x) * (1 + x))))
REAL(asinh, asinh_of(x))
REAL(atan, atan(x))
REAL(atanh, atanh_of(x))
REAL(ceil, ceil(x))
REAL(celu, x < 0 ? (double)a->alpha * expm1(x / (double)a->alpha) : x)
REAL(cos, cos(x))
REAL(cosh, cosh_of(x))
REAL(elu, x < 0 ? (double)a->alpha * expm1(x) : x)
REAL(erf, erf(x))
REAL(exp, exp(x))
REAL(floor, floor(x))
REAL(gelu, 0.5 * x * (1 + erf(x * 0.70710678118654752440)))
REAL(gelu_tanh, 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))))
REAL(hardsigmoid, clamp(((double)a->alpha * x) + (double)a->beta, 0, 1))
REAL(hardswish, (x * clamp(x / 6 + 0.5, 0, 1)))
REAL(isinf, isinf(x) && (x < 0 ? a->alpha : a->beta) != 0)
REAL(isnan, isnan(x))
REAL(leakyrelu, x < 0 ? (double)a->alpha * x : x)
REAL(log, log(x))
REAL(mish, (x * tanh(softplus(x))))
REAL(neg, -x)
REAL(reciprocal, 1 / x)
REAL(relu, x < 0 ? 0 : x)
REAL(round, rint(x))
REAL(selu, ((double)a->beta * (x < 0 ? (double)a->alpha * expm1(x) : x)))
REAL(shrink, shrink(a, x))
REAL(sigmoid, sigmoid(x))
REAL(sign, x > 0 ? 1 : x < 0 ? -1 : x)
REAL(sin, sin(x))
REAL(sinh, sinh_of(x))
REAL(softplus, softplus(x))
REAL(softsign, x / (1 + fabs(x)))
REAL(sqrt, sqrt(x))
REAL(swish, (x * sigmoid(((double)a->alpha * x))))
REAL(tan, sin(x) / cos(x))
REAL(tanh, tanh(x))
REAL(thresholded, x > (double)a->alpha || isnan(x) ? x : 0)
#undef REAL

/* By operator, so that a trimmed engine has its own functions alone (cmake/wasm_map.py). */
static const struct unary_row {
    const char *name;
    unary_fn *real; /* NULL: of integers alone */
    enum unary fn;
    int takes;
    float alpha, beta; /* defaults; both are read wherever they are written */
} ash_by_op_unary[] = {
    {"Abs", real_abs, UNARY_ABS, ASH_TAKES_NUMBER, 0, 0},
    {"Acos", real_acos, UNARY_ACOS, ASH_TAKES_FLOAT, 0, 0},
    {"Acosh", real_acosh, UNARY_ACOSH, ASH_TAKES_FLOAT, 0, 0},
    {"Asin", real_asin, UNARY_ASIN, ASH_TAKES_FLOAT, 0, 0},
    {"Asinh", real_asinh, UNARY_ASINH, ASH_TAKES_FLOAT, 0, 0},
    {"Atan", real_atan, UNARY_ATAN, ASH_TAKES_FLOAT, 0, 0},
    {"Atanh", real_atanh, UNARY_ATANH, ASH_TAKES_FLOAT, 0, 0},
    {"BitwiseNot", NULL, UNARY_BITWISENOT, ASH_TAKES_INT, 0, 0},
    {"Ceil", real_ceil, UNARY_CEIL, ASH_TAKES_FLOAT, 0, 0},
    {"Celu", real_celu, UNARY_CELU, ASH_TAKES_FLOAT, 1.0f, 0},
    {"Cos", real_cos, UNARY_COS, ASH_TAKES_FLOAT, 0, 0},
    {"Cosh", real_cosh, UNARY_COSH, ASH_TAKES_FLOAT, 0, 0},
    {"Elu", real_elu, UNARY_ELU, ASH_TAKES_FLOAT, 1.0f, 0},
    {"Erf", real_erf, UNARY_ERF, ASH_TAKES_NUMBER, 0, 0},
    {"Exp", real_exp, UNARY_EXP, ASH_TAKES_FLOAT, 0, 0},
    {"Floor", real_floor, UNARY_FLOOR, ASH_TAKES_FLOAT, 0, 0},
    {"Gelu", real_gelu, UNARY_GELU, ASH_TAKES_FLOAT, 0, 0},
    {"Gelu", real_gelu_tanh, UNARY_GELU_TANH, ASH_TAKES_FLOAT, 0, 0}, /* found behind Gelu */
    {"HardSigmoid", real_hardsigmoid, UNARY_HARDSIGMOID, ASH_TAKES_FLOAT, 0.2f, 0.5f},
    {"HardSwish", real_hardswish, UNARY_HARDSWISH, ASH_TAKES_FLOAT, 0, 0},
    {"IsInf", real_isinf, UNARY_ISINF, ASH_TAKES_FLOAT, 1.0f, 1.0f},
    {"IsNaN", real_isnan, UNARY_ISNAN, ASH_TAKES_FLOAT, 0, 0},
    {"LeakyRelu", real_leakyrelu, UNARY_LEAKYRELU, ASH_TAKES_FLOAT, 0.01f, 0},
    {"Log", real_log, UNARY_LOG, ASH_TAKES_FLOAT, 0, 0},
    {"Mish", real_mish, UNARY_MISH, ASH_TAKES_FLOAT, 0, 0},
    {"Neg", real_neg, UNARY_NEG, ASH_TAKES_NUMBER, 0, 0},
    {"Not", NULL, UNARY_NOT, ASH_TAKES_BOOL, 0, 0},
    {"Reciprocal", real_reciprocal, UNARY_RECIPROCAL, ASH_TAKES_FLOAT, 0, 0},
    {"Relu", real_relu, UNARY_RELU, ASH_TAKES_NUMBER, 0, 0},
    {"Round", real_round, UNARY_ROUND, ASH_TAKES_FLOAT, 0, 0},
    {"Selu", real_selu, UNARY_SELU, ASH_TAKES_FLOAT, 1.67326319217681884765625f,
     1.05070102214813232421875f},
    {"Shrink", real_shrink, UNARY_SHRINK, ASH_TAKES_NUMBER, 0, 0.5f},
    {"Sigmoid", real_sigmoid, UNARY_SIGMOID, ASH_TAKES_FLOAT, 0, 0},
    {"Sign", real_sign, UNARY_SIGN, ASH_TAKES_NUMBER, 0, 0},
    {"Sin", real_sin, UNARY_SIN, ASH_TAKES_FLOAT, 0, 0},
    {"Sinh", real_sinh, UNARY_SINH, ASH_TAKES_FLOAT, 0, 0},
    {"Softplus", real_softplus, UNARY_SOFTPLUS, ASH_TAKES_FLOAT, 0, 0},
    {"Softsign", real_softsign, UNARY_SOFTSIGN, ASH_TAKES_FLOAT, 0, 0},
    {"Sqrt", real_sqrt, UNARY_SQRT, ASH_TAKES_FLOAT, 0, 0},
    {"Swish", real_swish, UNARY_SWISH, ASH_TAKES_FLOAT, 1.0f, 0},
    {"Tan", real_tan, UNARY_TAN, ASH_TAKES_FLOAT, 0, 0},
    {"Tanh", real_tanh, UNARY_TANH, ASH_TAKES_FLOAT, 0, 0},
    {"ThresholdedRelu", real_thresholded, UNARY_THRESHOLDED, ASH_TAKES_FLOAT, 1.0f, 0},
};

static int unary_parse(const struct ash_parse *c, void *attrs) {
    static const char *const approximations[] = {"none", "tanh", NULL};
    struct unary_attrs *a = attrs;
    const struct unary_row *row = ash_by_op_unary;
    int64_t below, above;
    int approximate = 0;

    while (strcmp(row->name, c->node->op_type)) row++;
    a->fn = row->fn;
    a->takes = row->takes;
    bool shrink = a->fn == UNARY_SHRINK;
    ASH_TRY(ash_parse_float(c, shrink ? "bias" : "alpha", row->alpha, &a->alpha));
    ASH_TRY(ash_parse_float(c,
                            shrink                ? "lambd"
                            : a->fn == UNARY_SELU ? "gamma"
                                                  : "beta",
                            row->beta, &a->beta));
    ASH_TRY(ash_parse_int(c, "detect_negative", 1, &below));
    ASH_TRY(ash_parse_int(c, "detect_positive", 1, &above));
    if (a->fn == UNARY_ISINF) {
        a->alpha = below != 0;
        a->beta = above != 0;
    }
    ASH_TRY(ash_parse_choice(c, "approximate", approximations, 0, &approximate));
    if (a->fn == UNARY_GELU && approximate) row++;
    a->fn = row->fn;
    a->real = row->real;
    return ASHORE_OK;
}

static int unary_infer(struct ash_infer *c) {
    const struct unary_attrs *a = c->attrs;
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 1, a->takes, &dtype));
    if (a->fn == UNARY_ISINF || a->fn == UNARY_ISNAN) dtype = ASHORE_BOOL;
    ash_infer_like(c, 0, dtype, 0);
    return ASHORE_OK;
}

static int64_t unary_whole(const struct unary_attrs *a, int64_t x, bool is_signed) {
    bool negative = is_signed && x < 0;

    switch (a->fn) {
    case UNARY_ABS:
        return negative ? (int64_t)(0 - (uint64_t)x) : x;
    case UNARY_BITWISENOT:
        return ~x;
    case UNARY_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case UNARY_NOT:
        return x == 0;
    case UNARY_RELU:
        return negative ? 0 : x;
    case UNARY_SIGN:
        return negative ? -1 : x != 0;
    default:
        return (int64_t)a->real(a, is_signed ? (double)x : (double)(uint64_t)x);
    }
}

static int unary_ref(struct ash_run *c) {
    const struct unary_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct ash_tensor *y = c->out[0];
    int64_t count = ash_tensor_count(y);
    bool is_signed = ash_dtype(x->dtype)->number == ASH_CLASS_INT;
    bool real = ash_dtype_is_float(x->dtype) || a->fn == UNARY_SHRINK;
    union {
        double real[ASH_TILE];
        int64_t whole[ASH_TILE];
    } t;
    size_t n;

    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        if (real) {
            ash_load_f64(x->dtype, ash_at(x, start), n, t.real);
            for (size_t i = 0; i < n; i++) t.real[i] = a->real(a, t.real[i]);
            ash_store_f64(y->dtype, t.real, n, ash_at(y, start));
        } else {
            ash_load_i64(x->dtype, ash_at(x, start), n, t.whole);
            for (size_t i = 0; i < n; i++) t.whole[i] = unary_whole(a, t.whole[i], is_signed);
            ash_store_i64(y->dtype, t.whole, n, ash_at(y, start));
        }
    }
    return ASHORE_OK;
}

/* ---- lowering ---- */

struct unary_params {
    const struct ash_eltwise_row *row;
    int kind;
    float a, b;
};

static int unary_run(struct ash_run *c) {
    const struct unary_params *p = c->params;

    ash_eltwise_unary(p->row, c->pool, p->kind, p->a, p->b, (size_t)ash_tensor_count(c->out[0]),
                      c->in[0]->data, c->out[0]->data);
    return ASHORE_OK;
}

/* ASH_ACT_NONE: there is no kernel. */
static int unary_kind(const struct unary_attrs *a) {
    static const unsigned char kinds[] = {
        [UNARY_ABS] = ASH_UNARY_ABS,
        [UNARY_CEIL] = ASH_UNARY_CEIL,
        [UNARY_CELU] = ASH_UNARY_CELU,
        [UNARY_ELU] = ASH_UNARY_ELU,
        [UNARY_ERF] = ASH_UNARY_ERF,
        [UNARY_EXP] = ASH_UNARY_EXP,
        [UNARY_FLOOR] = ASH_UNARY_FLOOR,
        [UNARY_GELU] = ASH_ACT_GELU,
        [UNARY_GELU_TANH] = ASH_ACT_GELU_TANH,
        [UNARY_HARDSIGMOID] = ASH_ACT_HARDSIGMOID,
        [UNARY_HARDSWISH] = ASH_ACT_HARDSWISH,
        [UNARY_LEAKYRELU] = ASH_ACT_LEAKYRELU,
        [UNARY_LOG] = ASH_UNARY_LOG,
        [UNARY_MISH] = ASH_UNARY_MISH,
        [UNARY_NEG] = ASH_UNARY_NEG,
        [UNARY_RECIPROCAL] = ASH_UNARY_RECIPROCAL,
        [UNARY_RELU] = ASH_ACT_RELU,
        [UNARY_ROUND] = ASH_UNARY_ROUND,
        [UNARY_SELU] = ASH_UNARY_SELU,
        [UNARY_SIGMOID] = ASH_ACT_SIGMOID,
        [UNARY_SIGN] = ASH_UNARY_SIGN,
        [UNARY_SOFTPLUS] = ASH_UNARY_SOFTPLUS,
        [UNARY_SOFTSIGN] = ASH_UNARY_SOFTSIGN,
        [UNARY_SQRT] = ASH_UNARY_SQRT,
        [UNARY_SWISH] = ASH_ACT_SILU,
        [UNARY_TANH] = ASH_ACT_TANH,
        [UNARY_THRESHOLDED] = ASH_UNARY_THRESHOLDED,
    };
    int kind = (size_t)a->fn < sizeof kinds ? kinds[a->fn] : ASH_ACT_NONE;

    return kind == ASH_ACT_SILU && a->alpha != 1.0f ? ASH_ACT_NONE : kind;
}

static int lower_kind(struct ash_lower *c, ash_run_fn *run, int kind, float a, float b) {
    const struct ash_eltwise_row *row = ash_eltwise_best();
    struct unary_params *p = ash_lower_to(c, run, sizeof *p, row->name);

    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct unary_params){row, kind, a, b};
    return ASHORE_OK;
}

static int unary_lower(struct ash_lower *c) {
    const struct unary_attrs *a = c->attrs;
    int kind = unary_kind(a);

    if (kind == ASH_ACT_NONE || !ash_lower_all_f32(c)) return ASHORE_OK;
    if (a->fn == UNARY_HARDSWISH) return lower_kind(c, unary_run, kind, 1.0f / 6.0f, 0.5f);
    return lower_kind(c, unary_run, kind, a->alpha, a->beta);
}

/* ---- Clip ---- */

/* From version 11 on the limits are inputs 1 and 2. */
struct clip_attrs {
    float low, high;
};

static int clip_parse(const struct ash_parse *c, void *attrs) {
    struct clip_attrs *a = attrs;

    ASH_TRY(ash_parse_float(c, "min", -INFINITY, &a->low));
    return ash_parse_float(c, "max", INFINITY, &a->high);
}

static int clip_infer(struct ash_infer *c) {
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 3, ASH_TAKES_NUMBER, &dtype));
    for (int i = 1; i < c->n_in; i++) {
        const struct ash_type *t = c->in[i] ? &c->in[i]->type : NULL;

        for (int k = 0; t && k < t->rank; k++)
            ASH_FAIL_IF(t->dim[k].kind == ASH_DIM_EXACT && t->dim[k].value != 1, c->err, SHAPE,
                        "input %d, a limit, is not a scalar", i);
    }
    ash_infer_like(c, 0, dtype, 0);
    return ASHORE_OK;
}

static int clip_ref(struct ash_run *c) {
    const struct clip_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct ash_tensor *y = c->out[0];
    const struct ash_tensor *low = ash_run_has(c, 1) ? c->in[1] : NULL;
    const struct ash_tensor *high = ash_run_has(c, 2) ? c->in[2] : NULL;
    /* Flipping the top bit of an unsigned number orders it as a signed one. */
    int64_t flip = ash_dtype(x->dtype)->number == ASH_CLASS_UINT ? INT64_MIN : 0;
    int64_t count = ash_tensor_count(y), t[ASH_TILE], from, to;
    double real[ASH_TILE], rfrom = (double)a->low, rto = (double)a->high;
    size_t n;

    if (ash_dtype_is_float(x->dtype)) {
        if (low) rfrom = ash_get_f64(low, 0);
        if (high) rto = ash_get_f64(high, 0);
        for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
            ash_load_f64(x->dtype, ash_at(x, start), n, real);
            for (size_t i = 0; i < n; i++) {
                if (real[i] < rfrom) real[i] = rfrom;
                if (real[i] > rto) real[i] = rto;
            }
            ash_store_f64(y->dtype, real, n, ash_at(y, start));
        }
        return ASHORE_OK;
    }
    from = low ? ash_get_i64(low, 0) ^ flip : INT64_MIN;
    to = high ? ash_get_i64(high, 0) ^ flip : INT64_MAX;
    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        ash_load_i64(x->dtype, ash_at(x, start), n, t);
        for (size_t i = 0; i < n; i++) {
            t[i] ^= flip;
            if (t[i] < from) t[i] = from;
            if (t[i] > to) t[i] = to;
            t[i] ^= flip;
        }
        ash_store_i64(y->dtype, t, n, ash_at(y, start));
    }
    return ASHORE_OK;
}

/* A limit that is NaN is none. */
static float clip_limit(const struct ash_run *c, int i, float fallback) {
    const float *limit = ash_run_f32(c, i);
    return limit && !isnan(*limit) ? *limit : fallback;
}

static int clip_run(struct ash_run *c) {
    const struct unary_params *p = c->params;

    ash_eltwise_unary(p->row, c->pool, ASH_ACT_CLIP, clip_limit(c, 1, p->a), clip_limit(c, 2, p->b),
                      (size_t)ash_tensor_count(c->out[0]), c->in[0]->data, c->out[0]->data);
    return ASHORE_OK;
}

static int clip_lower(struct ash_lower *c) {
    const struct clip_attrs *a = c->attrs;

    if (!ash_lower_all_f32(c) || isnan(a->low) || isnan(a->high)) return ASHORE_OK;
    return lower_kind(c, clip_run, ASH_ACT_CLIP, a->low, a->high);
}

#define UNARY(op, version)                                                                         \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = version,                                                                             \
     .in_min = 1,                                                                                  \
     .in_max = 1,                                                                                  \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_ELEMENTWISE,                                                                  \
     .inplace = 1,                                                                                 \
     .attrs_size = sizeof(struct unary_attrs),                                                     \
     .parse = unary_parse,                                                                         \
     .infer = unary_infer,                                                                         \
     .ref = unary_ref,                                                                             \
     .lower = unary_lower}
#define CLIP(from, to, inputs)                                                                     \
    {.name = "Clip",                                                                               \
     .domain = "",                                                                                 \
     .since = from,                                                                                \
     .until = to,                                                                                  \
     .in_min = 1,                                                                                  \
     .in_max = inputs,                                                                             \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_ELEMENTWISE,                                                                  \
     .inplace = 1,                                                                                 \
     .attrs_size = sizeof(struct clip_attrs),                                                      \
     .parse = clip_parse,                                                                          \
     .infer = clip_infer,                                                                          \
     .ref = clip_ref,                                                                              \
     .lower = clip_lower}

extern const struct ash_op ash_ops_unary[];
const struct ash_op ash_ops_unary[] = {
    UNARY("Abs", 1),        UNARY("Acos", 7),        UNARY("Acosh", 9),
    UNARY("Asin", 7),       UNARY("Asinh", 9),       UNARY("Atan", 7),
    UNARY("Atanh", 9),      UNARY("BitwiseNot", 18), UNARY("Ceil", 1),
    UNARY("Celu", 12),      UNARY("Cos", 7),         UNARY("Cosh", 9),
    UNARY("Elu", 1),        UNARY("Erf", 9),         UNARY("Exp", 1),
    UNARY("Floor", 1),      UNARY("Gelu", 20),       UNARY("HardSigmoid", 1),
    UNARY("HardSwish", 14), UNARY("IsInf", 10),      UNARY("IsNaN", 9),
    UNARY("LeakyRelu", 1),  UNARY("Log", 1),         UNARY("Mish", 18),
    UNARY("Neg", 1),        UNARY("Not", 1),         UNARY("Reciprocal", 1),
    UNARY("Relu", 1),       UNARY("Round", 11),      UNARY("Selu", 1),
    UNARY("Shrink", 9),     UNARY("Sigmoid", 1),     UNARY("Sign", 9),
    UNARY("Sin", 7),        UNARY("Sinh", 9),        UNARY("Softplus", 1),
    UNARY("Softsign", 1),   UNARY("Sqrt", 1),        UNARY("Swish", 24),
    UNARY("Tan", 7),        UNARY("Tanh", 1),        UNARY("ThresholdedRelu", 1),
    CLIP(1, 10, 1),         CLIP(11, 0, 3),          {0},
};
