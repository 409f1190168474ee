#include "base/cpu.h"
#include "base/trimming.h"
#include "base/vec.h"
#include "kernels/act_vec.h"
#include "kernels/eltwise/eltwise.h"

enum {
    ELTWISE_CHUNK = 2048, /* results that are still in the cache when the activation comes */
    UNARY_ROOT = ASH_UNARY_COUNT, /* x to the power of 0.5 */
    UNARY_CUBE
};

/* The low half of the product whose rounded value is p. */
VF_INLINE vf eltwise_mul_low(vf a, vf b, vf p) {
#if VF_FUSED && !defined(VF_WASM)
    return vf_fma(a, b, vf_neg(p));
#else
    /* T. Dekker, A floating-point technique for extending the available precision, 1971. */
    const vf split = vf_set1(4097.0f);
    vf ta = a * split, tb = b * split;
    vf ah = ta - (ta - a), bh = tb - (tb - b);
    vf al = a - ah, bl = b - bh;
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#endif
}

/* |a|^b by exp(b * log |a|), the logarithm and the product in two floats each; then C's rules for
 * signs, zeros, infinities and NaN. */
VF_INLINE vf eltwise_pow(const struct vf_math *m, vf a, vf b) {
    const vf one = vf_set1(1.0f), zero = vf_zero(), inf = vf_set1(__builtin_inff());
    const vi root = vi_set1(0x3f3504f3);
    vf x = vf_abs(a);
    vi tiny = vf_lt(x, vf_set1(0x1p-126f));
    vi bits = vf_bits(vf_select(tiny, x * vf_set1(0x1p+23f), x)) - root;
    vf e = vf_from_int(vi_sar(bits, 23) - (tiny & vi_set1(23)));
    vf f = vf_from_bits((bits & vi_set1(0x7fffff)) + root) - one;
    vf ff = f * f;
    vf tail = vf_fma(f * ff, vf_poly_(m, f, VF_LOG, 8), vf_set1(-0.5f) * eltwise_mul_low(f, f, ff));
    vf half = vf_set1(-0.5f) * ff;
    vf s = f + half;
    tail = tail + ((f - s) + half);
    tail = vf_fma(e, vf_set1(-0x1.bd0106p-13f), tail);
    vf big = e * vf_set1(0x1.63p-1f);
    vf hi = big + s;
    vf lo = (vf_select(vf_eq(e, zero), s - hi, (big - hi) + s)) + tail;
    vf sum = hi + lo;
    lo = lo - (sum - hi);
    vf p = b * sum;
    vf q = vf_fma(b, lo, eltwise_mul_low(b, sum, p));
    /* In two halves, so that neither overflows before the product does.  Beyond the range q may be
     * NaN, and the result is 0 or inf whatever it is. */
    vf h = vf_exp_by(m, p * vf_set1(0.5f));
    vf y = vf_select(vf_lt(vf_abs(p), vf_set1(170.0f)), vf_fma(h, q, h), h) * h;

    vf down = vf_floor(b);
    vf pair = vf_floor(b * vf_set1(0.5f));
    vi whole = vf_eq(down, b);
    vi odd = whole & ~vf_eq(pair + pair, b) & vf_lt(vf_abs(b), vf_set1(16777216.0f));
    vi rising = vf_lt(zero, b);
    vi flip = vf_lt(x, one); /* x below 1: a large exponent tends to 0 instead of inf */
    vf far = vf_select(rising ^ flip, inf, zero);
    y = vf_select(vf_eq(x, zero) | vf_eq(x, inf) | vf_eq(vf_abs(b), inf), far, y);
    y = vf_select(vf_eq(x, one), one, y);
    vi minus = vi_sar(vf_bits(a), 31);
    y = vf_select(minus & odd, vf_neg(y), y);
    vi bad = vf_lt(a, zero) & ~whole & ~vf_eq(x, inf);
    y = vf_select(bad, vf_set1(__builtin_nanf("")), y);
    y = vf_select(vf_isnan(a) | vf_isnan(b), a + b, y);
    return vf_select(vf_eq(b, zero) | vf_eq(a, one), one, y);
}

/* elu, selu and celu: x < 0 ? fall * (exp(x * rate) - 1) : rise * x */
VF_INLINE vf eltwise_elu(const struct vf_math *m, vf x, vf fall, vf rate, vf rise) {
    vf e = vf_exp_by(m, vf_min(x * rate, vf_zero())) - vf_of(m, VF_ONE);
    return vf_select(vf_lt(x, vf_zero()), fall * e, rise * x);
}

VF_INLINE vf eltwise_softplus(const struct vf_math *m, vf x) {
    return vf_max(x, vf_zero()) + vf_log_by(m, vf_exp_by(m, vf_neg(vf_abs(x))) + vf_of(m, VF_ONE));
}

/* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) */
VF_INLINE vf eltwise_mish(const struct vf_math *m, vf x) {
    vf e = vf_exp_by(m, vf_min(x, vf_set1(20.0f)));
    vf t = e * (e + vf_set1(2.0f));
    return x * (t / (t + vf_set1(2.0f)));
}

VF_INLINE vf eltwise_sign(vf x) {
    vf one = vf_copysign(vf_set1(1.0f), x);
    return vf_select(vf_lt(vf_zero(), vf_abs(x)), one, x);
}

/* One function of a number is one C function, so that an engine of some operators does without the
 * others.  n is a multiple of the lanes. */
typedef void eltwise_whole_fn(float a, float b, size_t n, const float *x, float *y);

#define EACH(name, result)                                                                         \
    static void eltwise_whole_##name(float a, float b, size_t n, const float *x, float *y) {       \
        const struct vf_math m = vf_math();                                                        \
        const vf one = vf_of(&m, VF_ONE), va = vf_set1(a), vb = vf_set1(b);                        \
        (void)one, (void)va, (void)vb;                                                             \
        for (size_t i = 0; i < n; i += VF_LANES) {                                                 \
            vf v = vf_load(x + i);                                                                 \
            vf_store(y + i, result);                                                               \
        }                                                                                          \
    }
#define ACT(name, k) EACH(name, vf_act(((struct ash_act_f32){k, a, b}), v))

EACH(none, v)
ACT(relu, ASH_ACT_RELU)
ACT(clip, ASH_ACT_CLIP)
ACT(hardswish, ASH_ACT_HARDSWISH)
ACT(hardsigmoid, ASH_ACT_HARDSIGMOID)
EACH(sigmoid, vf_sigmoid_by(&m, v))
EACH(silu, vf_silu_by(&m, v))
EACH(tanh, vf_tanh_by(&m, v))
ACT(leakyrelu, ASH_ACT_LEAKYRELU)
EACH(gelu, vf_gelu_by(&m, v))
EACH(gelu_tanh, vf_gelu_tanh_by(&m, v))
EACH(exp, vf_exp_by(&m, v))
EACH(log, vf_log_by(&m, v))
EACH(sqrt, vf_sqrt(v))
EACH(reciprocal, one / v)
EACH(neg, vf_neg(v))
EACH(abs, vf_abs(v))
EACH(erf, vf_erf_by(&m, v))
EACH(floor, vf_floor(v))
EACH(ceil, vf_ceil(v))
EACH(round, vf_round(v))
EACH(sign, eltwise_sign(v))
EACH(square, (v * v))
EACH(softplus, eltwise_softplus(&m, v))
EACH(softsign, v / (one + vf_abs(v)))
EACH(mish, eltwise_mish(&m, v))
EACH(elu, eltwise_elu(&m, v, va, one, one))
EACH(selu, eltwise_elu(&m, v, (va * vb), one, vb))
EACH(celu, eltwise_elu(&m, v, va, one / va, one))
EACH(thresholded, vf_select(vf_le(v, va), vf_zero(), v))
EACH(affine, vf_fma(va, v, vb))
/* sqrt, but for -0 and -inf */
EACH(root, vf_select(vf_lt(v, vf_set1(-3.4028235e38f)), vf_neg(v), vf_sqrt(v + vf_zero())))
EACH(cube, (v * v * v))
#undef EACH
#undef ACT

/* By kind, with the operators that need it: a trimmed engine has the functions of its own alone
 * (cmake/wasm_map.py). */
static const struct {
    const char *ops;
    eltwise_whole_fn *fn;
} ash_by_op_eltwise[] = {
    [ASH_ACT_NONE] = {"", eltwise_whole_none},
    [ASH_ACT_RELU] = {"Relu|RNN", eltwise_whole_relu},
    [ASH_ACT_CLIP] = {"Clip", eltwise_whole_clip},
    [ASH_ACT_HARDSWISH] = {"HardSwish", eltwise_whole_hardswish},
    [ASH_ACT_HARDSIGMOID] = {"HardSigmoid", eltwise_whole_hardsigmoid},
    [ASH_ACT_SIGMOID] = {"Sigmoid|RNN", eltwise_whole_sigmoid},
    [ASH_ACT_SILU] = {"Swish", eltwise_whole_silu},
    [ASH_ACT_TANH] = {"Tanh|RNN", eltwise_whole_tanh},
    [ASH_ACT_LEAKYRELU] = {"LeakyRelu", eltwise_whole_leakyrelu},
    [ASH_ACT_GELU] = {"Gelu", eltwise_whole_gelu},
    [ASH_ACT_GELU_TANH] = {"Gelu", eltwise_whole_gelu_tanh},
    [ASH_UNARY_EXP] = {"Exp", eltwise_whole_exp},
    [ASH_UNARY_LOG] = {"Log|ReduceLogSum", eltwise_whole_log},
    [ASH_UNARY_SQRT] = {"Sqrt", eltwise_whole_sqrt},
    [ASH_UNARY_RECIPROCAL] = {"Reciprocal", eltwise_whole_reciprocal},
    [ASH_UNARY_NEG] = {"Neg", eltwise_whole_neg},
    [ASH_UNARY_ABS] = {"Abs", eltwise_whole_abs},
    [ASH_UNARY_ERF] = {"Erf", eltwise_whole_erf},
    [ASH_UNARY_FLOOR] = {"Floor", eltwise_whole_floor},
    [ASH_UNARY_CEIL] = {"Ceil", eltwise_whole_ceil},
    [ASH_UNARY_ROUND] = {"Round", eltwise_whole_round},
    [ASH_UNARY_SIGN] = {"Sign", eltwise_whole_sign},
    [ASH_UNARY_SQUARE] = {"Mul|Pow|LRN", eltwise_whole_square},
    [ASH_UNARY_SOFTPLUS] = {"Softplus", eltwise_whole_softplus},
    [ASH_UNARY_SOFTSIGN] = {"Softsign", eltwise_whole_softsign},
    [ASH_UNARY_MISH] = {"Mish", eltwise_whole_mish},
    [ASH_UNARY_ELU] = {"Elu", eltwise_whole_elu},
    [ASH_UNARY_SELU] = {"Selu", eltwise_whole_selu},
    [ASH_UNARY_CELU] = {"Celu", eltwise_whole_celu},
    [ASH_UNARY_THRESHOLDED] = {"ThresholdedRelu", eltwise_whole_thresholded},
    [ASH_UNARY_AFFINE] = {"LRN", eltwise_whole_affine},
    [UNARY_ROOT] = {"Pow", eltwise_whole_root},
    [UNARY_CUBE] = {"Pow", eltwise_whole_cube},
};

static void eltwise_unary_whole(int kind, float a, float b, size_t n, const float *x, float *y) {
    ash_by_op_eltwise[kind].fn(a, b, n, x, y);
}

/* A tail goes through a buffer: it keeps the loops above small. */
static void eltwise_f32_unary(int kind, float a, float b, size_t n, const float *x, float *y) {
    size_t tail = n % VF_LANES, whole = n - tail;
    eltwise_unary_whole(kind, a, b, whole, x, y);
    if (!tail) return;
    float t[VF_LANES];
    vf_store(t, vf_load_n(x + whole, tail, vf_set1(1.0f)));
    eltwise_unary_whole(kind, a, b, VF_LANES, t, t);
    vf_store_n(y + whole, tail, vf_load(t));
}

#define EACH(result)                                                                               \
    for (size_t i = 0; i < n; i += VF_LANES, x0 += s0, x1 += s1) {                                 \
        vf a = vf_load(x0), b = vf_load(x1);                                                       \
        vf_store(y + i, result);                                                                   \
    }                                                                                              \
    break

static ASH_APART void eltwise_pow_whole(size_t n, const float *x0, size_t s0, const float *x1,
                                        size_t s1, float *y) {
    const struct vf_math m = vf_math();
    for (size_t i = 0; i < n; i += VF_LANES, x0 += s0, x1 += s1)
        vf_store(y + i, eltwise_pow(&m, vf_load(x0), vf_load(x1)));
}
ASH_ABSENT_WITHOUT(eltwise_pow_whole, "Pow|LRN");

/* n is a multiple of the lanes; an operand with step 0 points at a whole vector of its value. */
static void eltwise_binary_whole(enum ash_binary op, size_t n, const float *x0, size_t s0,
                                 const float *x1, size_t s1, float *y) {
    const vf zero = vf_zero();
    switch (op) {
    case ASH_BINARY_ADD:
        EACH(a + b);
    case ASH_BINARY_SUB:
        EACH(a - b);
    case ASH_BINARY_MUL:
        EACH(a * b);
    case ASH_BINARY_DIV:
        EACH(a / b);
    case ASH_BINARY_MAX:
        EACH(vf_max_nan(a, b));
    case ASH_BINARY_MIN:
        EACH(vf_min_nan(a, b));
    case ASH_BINARY_POW:
        eltwise_pow_whole(n, x0, s0, x1, s1, y);
        break;
    case ASH_BINARY_PRELU:
        EACH(vf_select(vf_lt(a, zero), a * b, a));
    default:
        break;
    }
}
#undef EACH

/* The function that a constant exponent amounts to, or 0. */
static int eltwise_pow_kind(float exponent) {
    return exponent == 2.0f   ? (int)ASH_UNARY_SQUARE
           : exponent == 0.5f ? (int)UNARY_ROOT
           : exponent == 3.0f ? (int)UNARY_CUBE
                              : 0;
}

static void eltwise_line(enum ash_binary op, const struct ash_eltwise_span *s, size_t r, size_t i,
                         size_t n) {
    float splat[2][VF_LANES], t[2][VF_LANES];
    const float *x[2];
    size_t step[2], tail = n % VF_LANES, whole = n - tail;
    for (int k = 0; k < 2; k++) {
        x[k] = s->x[k] + r * s->pitch[k] + i * s->step[k];
        step[k] = s->step[k] * VF_LANES;
        if (step[k]) continue;
        vf_store(splat[k], vf_set1(*x[k]));
        x[k] = splat[k];
    }
    float *y = s->y + r * s->n + i;
    int kind = op == ASH_BINARY_POW && step[0] && !step[1] ? eltwise_pow_kind(splat[1][0]) : 0;
    if (kind) {
        eltwise_f32_unary(kind, 0.0f, 0.0f, n, x[0], y);
        return;
    }
    eltwise_binary_whole(op, whole, x[0], step[0], x[1], step[1], y);
    if (!tail) return;
    for (int k = 0; k < 2; k++) {
        if (step[k]) vf_store(t[k], vf_load_n(x[k] + whole, tail, vf_set1(1.0f)));
    }
    eltwise_binary_whole(op, VF_LANES, step[0] ? t[0] : x[0], 0, step[1] ? t[1] : x[1], 0, t[0]);
    vf_store_n(y + whole, tail, vf_load(t[0]));
}

static void eltwise_f32_binary(enum ash_binary op, struct ash_act_f32 act,
                               const struct ash_eltwise_span *s) {
    size_t done = 0, ready = 0; /* results with and without the activation */
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t i = 0; i < s->n; i += ELTWISE_CHUNK) {
            size_t n = s->n - i < ELTWISE_CHUNK ? s->n - i : ELTWISE_CHUNK;
            eltwise_line(op, s, r, i, n);
            ready += n;
            if (act.kind == ASH_ACT_NONE || ready - done < ELTWISE_CHUNK) continue;
            eltwise_f32_unary((int)act.kind, act.a, act.b, ready - done, s->y + done, s->y + done);
            done = ready;
        }
    }
    if (act.kind != ASH_ACT_NONE && ready > done)
        eltwise_f32_unary((int)act.kind, act.a, act.b, ready - done, s->y + done, s->y + done);
}

extern const struct ash_eltwise_row ASH_VEC_ROWS(eltwise)[];
const struct ash_eltwise_row ASH_VEC_ROWS(eltwise)[] = {
    {ASH_VEC_NAME("eltwise_f32"), ASH_VEC_CPU, eltwise_f32_unary, eltwise_f32_binary},
    {0},
};
