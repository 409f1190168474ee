/* Transcendental functions over base/vec.h: one polynomial each, the same on every target, so that
 * targets with VF_FUSED agree bit for bit.  The polynomials are minimax fits (Remez) made for this
 * file; the argument reductions are those of W. Cody and W. Waite, Software Manual for the
 * Elementary Functions, 1980.
 *
 * Greatest errors over all floats, in units in the last place, with fused multiply-add or without:
 *   exp 1.0 (without 1.2), log 1.0, tanh 1.5, sigmoid 2.5, erf 1.5
 * gelu: 2 eps of max(|y|, 1).  gelu by tanh: 4.
 * Denormal arguments and results are right; +-Inf and NaN give what C's functions give. */
#ifndef ASH_BASE_VEC_MATH_H
#define ASH_BASE_VEC_MATH_H

#include "base/vec.h"

/* Where the constants of all functions are in their table. */
enum vf_math_at {
    VF_EXP = 0,       /* its polynomial, from the constant on */
    VF_BIAS = 7,      /* 1.5 * 2^23 + bias, by enum vf_exp_bias: adding it rounds to an integer */
    VF_LOG2E = 10,    /* 1 / ln 2 */
    VF_LN2 = 11,      /* -ln 2 in two parts */
    VF_LOWEST = 13,   /* exp is 0 below */
    VF_HIGHEST = 14,  /* exp is infinite above */
    VF_ONE_FROM = 15, /* sigmoid and tanh need no more */
    VF_RAISE = 16,    /* 2^30 */
    VF_ONE = 17,
    VF_HALF = 18,
    VF_LOG = 19,   /* its polynomial */
    VF_TANH = 28,  /* its polynomial, and to where it holds */
    VF_ERF = 34,   /* its polynomials: up to 1, then 8 of the exponent; and where tails end */
    VF_GELU = 50,  /* its polynomial, and where tails end */
    VF_CUBIC = 60, /* of gelu by tanh */
    VF_MATH = 62
};
#define VF_MATH_TABLE                                                                              \
    1.0f, 1.0f, 0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f8p-5f, 0x1.123b02p-7f, 0x1.6a2266p-10f,    \
        12583166.0f, 12583039.0f, 12583069.0f, 0x1.715476p+0f, -0x1.63p-1f, 0x1.bd0106p-13f,       \
        -104.0f, 89.0f, 40.0f, 0x1p+30f, 1.0f, 0.5f, /* log */                                     \
        0x1.555546p-2f, -0x1.ffffeep-3f, 0x1.99a546p-3f, -0x1.5562e2p-3f, 0x1.2332c2p-3f,          \
        -0x1.fb434cp-4f, 0x1.e650aap-4f, -0x1.e2e8eep-4f, 0x1.1b41c2p-4f, /* tanh */               \
        -0x1.555534p-2f, 0x1.11076p-3f, -0x1.b8431cp-5f, 0x1.524ebep-6f, -0x1.768626p-8f, 0.625f,  \
        /* erf */ 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2d2p-4f, -0x1.b7fbb4p-6f, 0x1.5419f6p-8f, \
        -0x1.a485eep-11f, 0x1.4ae4d4p-14f, -0x1.8a571ap-13f, 0x1.212c0cp+0f, 0x1.443566p-1f,       \
        0x1.bc1514p-4f, -0x1.9d0302p-6f, 0x1.138cb8p-8f, -0x1.cec5f4p-12f, 0x1.6bd7d2p-16f,        \
        3.95f, /* gelu */                                                                          \
        0x1.611a7ap-2f, 0x1.31b3b2p-6f, -0x1.6bb144p-4f, 0x1.f35bfp-7f, 0x1.3b50d8p-6f,            \
        -0x1.c3c976p-8f, -0x1.a53636p-8f, -0x1.4eef1cp-10f, -0x1.8a3eeap-15f, 0x1.733334p+1f,      \
        0.044715f * 1.5957691f, 1.5957691f
#if defined(VF_WASM)
extern const float ash_vec_math[VF_MATH];
#else
static const float ash_vec_math[VF_MATH] = {VF_MATH_TABLE};
#endif

/* They.  A loop in WebAssembly keeps them in registers, as far as there are any, if vf_math() is
 * called before it: engines would load them for each vector.  Other compilers see to that by
 * themselves. */
struct vf_math {
#if defined(VF_WASM)
    vf c[VF_MATH];
#else
    const float *c;
#endif
};
VF_INLINE struct vf_math vf_math(void) {
    struct vf_math m;
#if defined(VF_WASM)
    const float *c = ash_vec_math;
    __asm__("" : "+r"(c));
    VF_UNROLL for (int i = 0; i < VF_MATH; i++) m.c[i] = vf_set1(c[i]);
#else
    m.c = ash_vec_math;
#endif
    return m;
}
/* One of them in all lanes. */
VF_INLINE vf vf_of(const struct vf_math *m, int at) {
#if defined(VF_WASM)
    return m->c[at];
#else
    return vf_set1(m->c[at]);
#endif
}

VF_INLINE vf vf_poly_(const struct vf_math *m, vf x, int at, int degree) {
    vf p = vf_of(m, at + degree);
    VF_UNROLL for (int i = at + degree - 1; i >= at; i--) p = vf_fma(p, x, vf_of(m, i));
    return p;
}

/* Biases of the exponent: of two factors, of one, and of one that is raised by 30. */
enum vf_exp_bias { VF_EXP_TWO, VF_EXP_ONE, VF_EXP_RAISED };

/* e^x / 2^k with a k that leaves it near 1; the low bits of *t are k + the bias. */
VF_INLINE vf vf_exp_reduced_(const struct vf_math *m, vf x, enum vf_exp_bias bias, vi *t) {
    const vf magic = vf_of(m, VF_BIAS + (int)bias);
    vf sum = vf_fma(x, vf_of(m, VF_LOG2E), magic);
    vf n = sum - magic;
    vf r = vf_fma(n, vf_of(m, VF_LN2), x);
    r = vf_fma(n, vf_of(m, VF_LN2 + 1), r);
    *t = vf_bits(sum);
    return vf_poly_(m, r, VF_EXP, 6);
}

VF_INLINE vf vf_exp_by(const struct vf_math *m, vf x) {
    vi t;
    vf e = vf_exp_reduced_(m, vf_max(vf_min(x, vf_of(m, VF_HIGHEST)), vf_of(m, VF_LOWEST)),
                           VF_EXP_TWO, &t);
#if defined(VF_AVX512)
    vf k = vf_from_bits(t) - vf_of(m, VF_BIAS + (int)VF_EXP_TWO);
    return (vf)_mm512_scalef_ps((__m512)e, (__m512)k);
#else
    /* 2^k in two factors: k reaches -150, and 128. */
    vi half = vi_sar(t, 1);
    return e * vf_from_bits(vi_shl(half, 23)) * vf_from_bits(vi_shl(t - half, 23));
#endif
}

/* The same for |x| of at most 86, where 2^k is a float. */
VF_INLINE vf vf_exp_near_by(const struct vf_math *m, vf x) {
    vi t;
    vf e = vf_exp_reduced_(m, x, VF_EXP_ONE, &t);
    return e * vf_from_bits(vi_shl(t, 23));
}

/* 2^30 e^x for x up to 66: no result is denormal, and those below -104 are as large as there. */
VF_INLINE vf vf_exp_raised_by(const struct vf_math *m, vf x) {
    vi t;
    vf e = vf_exp_reduced_(m, vf_max(x, vf_of(m, VF_LOWEST)), VF_EXP_RAISED, &t);
    return e * vf_from_bits(vi_shl(t, 23));
}

VF_INLINE vf vf_log_by(const struct vf_math *m, vf x) {
    const vf inf = vf_set1(__builtin_inff());
    const vi root = vi_set1(0x3f3504f3); /* sqrt(1/2): the mantissa's range starts there */
    vi tiny = vf_lt(x, vf_set1(0x1p-126f));
    vi i = vi_sub_wrapped(vf_bits(vf_select(tiny, x * vf_set1(0x1p+23f), x)), root);
    vf e = vf_from_int(vi_sar(i, 23) - (tiny & vi_set1(23)));
    vf f = vf_from_bits((i & vi_set1(0x7fffff)) + root) - vf_of(m, VF_ONE);
    vf ff = f * f;
    vf y = vf_fma(f * ff, vf_poly_(m, f, VF_LOG, 8), e * vf_set1(-0x1.bd0106p-13f));
    y = vf_fma(vf_set1(-0.5f), ff, y);
    y = vf_fma(e, vf_set1(0x1.63p-1f), f + y);
    y = vf_select(vf_eq(x, inf), inf, y);
    y = vf_select(vf_eq(x, vf_zero()), vf_neg(inf), y);
    return vf_select(vf_le(vf_zero(), x), y, vf_set1(__builtin_nanf("")));
}

VF_INLINE vf vf_tanh_by(const struct vf_math *m, vf x) {
    const vf one = vf_of(m, VF_ONE);
    vf a = vf_abs(x);
    vf big = one - (one + one) / (vf_exp_near_by(m, vf_min(a + a, vf_of(m, VF_ONE_FROM))) + one);
    vf z = x * x;
    vf small = vf_fma(x * z, vf_poly_(m, z, VF_TANH, 4), x);
    return vf_copysign(vf_select(vf_lt(a, vf_of(m, VF_TANH + 5)), small, big), x);
}

/* e^x / (e^x + 1): where x is large 1 has no weight any more, and small results keep their
 * precision. */
VF_INLINE vf vf_sigmoid_by(const struct vf_math *m, vf x) {
    vf e = vf_exp_raised_by(m, vf_min(x, vf_of(m, VF_ONE_FROM)));
    return e / (e + vf_of(m, VF_RAISE));
}

/* x + x * P(x^2) up to 1, and from there 1 - exp(-G(|x|)). */
VF_INLINE vf vf_erf_by(const struct vf_math *m, vf x) {
    const vf one = vf_of(m, VF_ONE);
    vf a = vf_abs(x);
    vf small = vf_fma(x, vf_poly_(m, x * x, VF_ERF, 6), x);
    vf far = vf_poly_(m, vf_min(a, vf_of(m, VF_ERF + 15)), VF_ERF + 7, 7);
    vf big = one - vf_exp_near_by(m, vf_neg(far));
    return vf_select(vf_lt(a, one), small, vf_copysign(big, x));
}

/* x * F(x), F being the normal distribution, as max(x, 0) - |x| * F(-|x|): F(-|x|) is the fourth
 * power of a polynomial with a zero where it vanishes beside 1.  Numbers are halved first, so that
 * infinities give what the definition does: NaN for that below. */
VF_INLINE vf vf_gelu_by(const struct vf_math *m, vf x) {
    vf h = x * vf_of(m, VF_HALF);
    vf down = vf_neg(vf_abs(h));
    vf a = vf_max(down, vf_neg(vf_of(m, VF_GELU + 9)));
    vf f = vf_poly_(m, a, VF_GELU, 8) * (a + vf_of(m, VF_GELU + 9));
    f = f * f;
    return vf_fma(a, f * f, h - down);
}

/* x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)) */
VF_INLINE vf vf_gelu_tanh_by(const struct vf_math *m, vf x) {
    return x * vf_sigmoid_by(m, x * vf_fma(x * x, vf_of(m, VF_CUBIC), vf_of(m, VF_CUBIC + 1)));
}

#define VF_ALONE_(f)                                                                               \
    VF_INLINE vf vf_##f(vf x) {                                                                    \
        const struct vf_math m = vf_math();                                                        \
        return vf_##f##_by(&m, x);                                                                 \
    }
VF_ALONE_(exp)
VF_ALONE_(exp_near)
VF_ALONE_(exp_raised)
VF_ALONE_(log)
VF_ALONE_(tanh)
VF_ALONE_(sigmoid)
VF_ALONE_(erf)
VF_ALONE_(gelu)
VF_ALONE_(gelu_tanh)
#undef VF_ALONE_

#endif
