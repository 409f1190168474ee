/* Transcendental functions over base/vec.h: one polynomial each, the same on every target, so that
 * targets with VF_FUSED agree bit for bit.  The polynomials are minimax fits (Remez) made for this
 * file; the argument reductions are those of W. Cody and W. Waite, Software Manual for the
 * Elementary Functions, 1980.
 *
 * Greatest errors over all floats, in units in the last place, with fused multiply-add or without:
 *   exp 1.0, log 1.0, tanh 1.5, sigmoid 2.5, erf 1.5
 * Denormal arguments and results are right; +-Inf and NaN give what C's functions give. */
#ifndef ASH_BASE_VEC_MATH_H
#define ASH_BASE_VEC_MATH_H

#include "base/vec.h"

VF_INLINE vf vf_poly_(vf x, const float *c, int degree) {
    vf p = vf_set1(c[degree]);
    VF_UNROLL for (int i = degree - 1; i >= 0; i--) p = vf_fma(p, x, vf_set1(c[i]));
    return p;
}

/* e^x / 2^k with a k that leaves it near 1. */
VF_INLINE vf vf_exp_reduced_(vf x, vi *k) {
    static const float c[] = {0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f8p-5f, 0x1.123b02p-7f,
                              0x1.6a2266p-10f};
    const vf magic = vf_set1(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    vf t = vf_fma(x, vf_set1(0x1.715476p+0f), magic);
    vf n = t - magic;
    vf r = vf_fma(n, vf_set1(-0x1.63p-1f), x);
    r = vf_fma(n, vf_set1(0x1.bd0106p-13f), r);
    *k = vf_bits(t) - vf_bits(magic);
    return vf_fma(r * r, vf_poly_(r, c, 4), r) + vf_set1(1.0f);
}

VF_INLINE vf vf_exp(vf x) {
    vi k, one = vi_set1(127);
    vf e = vf_exp_reduced_(vf_max(vf_min(x, vf_set1(89.0f)), vf_set1(-104.0f)), &k);
    /* 2^k in two factors: k reaches -150, and 128. */
    vi half = vi_sar(k, 1);
    e = e * vf_from_bits(vi_shl(half + one, 23));
    return e * vf_from_bits(vi_shl(k - half + one, 23));
}

/* The same for |x| of at most 86, where 2^k is a float. */
VF_INLINE vf vf_exp_near(vf x) {
    vi k;
    vf e = vf_exp_reduced_(x, &k);
    return e * vf_from_bits(vi_shl(k + vi_set1(127), 23));
}

VF_INLINE vf vf_log(vf x) {
    static const float c[] = {0x1.555546p-2f,  -0x1.ffffeep-3f, 0x1.99a546p-3f,
                              -0x1.5562e2p-3f, 0x1.2332c2p-3f,  -0x1.fb434cp-4f,
                              0x1.e650aap-4f,  -0x1.e2e8eep-4f, 0x1.1b41c2p-4f};
    const vf inf = vf_set1(__builtin_inff());
    const vi root = vi_set1(0x3f3504f3); /* sqrt(1/2): the mantissa's range starts there */
    vi tiny = vf_lt(x, vf_set1(0x1p-126f));
    vi i = vi_sub_wrapped(vf_bits(vf_select(tiny, x * vf_set1(0x1p+23f), x)), root);
    vf e = vf_from_int(vi_sar(i, 23) - (tiny & vi_set1(23)));
    vf f = vf_from_bits((i & vi_set1(0x7fffff)) + root) - vf_set1(1.0f);
    vf ff = f * f;
    vf y = vf_fma(f * ff, vf_poly_(f, c, 8), e * vf_set1(-0x1.bd0106p-13f));
    y = vf_fma(vf_set1(-0.5f), ff, y);
    y = vf_fma(e, vf_set1(0x1.63p-1f), f + y);
    y = vf_select(vf_eq(x, inf), inf, y);
    y = vf_select(vf_eq(x, vf_zero()), vf_neg(inf), y);
    return vf_select(vf_le(vf_zero(), x), y, vf_set1(__builtin_nanf("")));
}

VF_INLINE vf vf_tanh(vf x) {
    static const float c[] = {-0x1.555534p-2f, 0x1.11076p-3f, -0x1.b8431cp-5f, 0x1.524ebep-6f,
                              -0x1.768626p-8f};
    vf a = vf_abs(x);
    vf big = vf_set1(1.0f) - vf_set1(2.0f) / (vf_exp(a + a) + vf_set1(1.0f));
    vf z = x * x;
    vf small = vf_fma(x * z, vf_poly_(z, c, 4), x);
    return vf_copysign(vf_select(vf_lt(a, vf_set1(0.625f)), small, big), x);
}

/* 1 / (1 + e^-x), from e^-|x|: nothing overflows, and small results keep their precision. */
VF_INLINE vf vf_sigmoid(vf x) {
    vf one = vf_set1(1.0f);
    vf e = vf_exp(vf_neg(vf_abs(x)));
    return vf_select(vf_lt(x, vf_zero()), e, one) / (e + one);
}

/* x + x * P(x^2) up to 1, and from there 1 - exp(-G(|x|)). */
VF_INLINE vf vf_erf(vf x) {
    static const float p[] = {0x1.06eba8p-3f, -0x1.81273ep-2f,  0x1.ce2d2p-4f,  -0x1.b7fbb4p-6f,
                              0x1.5419f6p-8f, -0x1.a485eep-11f, 0x1.4ae4d4p-14f};
    static const float g[] = {-0x1.8a571ap-13f, 0x1.212c0cp+0f, 0x1.443566p-1f,   0x1.bc1514p-4f,
                              -0x1.9d0302p-6f,  0x1.138cb8p-8f, -0x1.cec5f4p-12f, 0x1.6bd7d2p-16f};
    vf a = vf_abs(x);
    vf small = vf_fma(x, vf_poly_(x * x, p, 6), x);
    vf far = vf_poly_(vf_min(a, vf_set1(3.95f)), g, 7);
    vf big = vf_set1(1.0f) - vf_exp(vf_neg(far));
    return vf_select(vf_lt(a, vf_set1(1.0f)), small, vf_copysign(big, x));
}

#endif
