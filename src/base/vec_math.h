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
    c = vf_table(c);
    vf p = vf_set1(c[degree]);
    VF_UNROLL for (int i = degree - 1; i >= 0; i--) p = vf_fma(p, x, vf_set1(c[i]));
    return p;
}

/* Biases of the exponent: of two factors, of one, and of one that is raised by 30. */
enum vf_exp_bias { VF_EXP_TWO, VF_EXP_ONE, VF_EXP_RAISED };

/* e^x / 2^k with a k that leaves it near 1; the low bits of *t are k + the bias. */
VF_INLINE vf vf_exp_reduced_(vf x, enum vf_exp_bias bias, vi *t) {
    static const float table[] = {1.0f, 1.0f, 0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f8p-5f,
                                  0x1.123b02p-7f, 0x1.6a2266p-10f,
                                  /* 1.5 * 2^23 + bias: adding it rounds to an integer */
                                  12583166.0f, 12583039.0f, 12583069.0f,
                                  /* 1 / ln 2 and ln 2 in two parts */
                                  0x1.715476p+0f, -0x1.63p-1f, 0x1.bd0106p-13f};
    const float *c = vf_table(table);
    const vf magic = vf_set1(c[7 + (int)bias]);
    vf sum = vf_fma(x, vf_set1(c[10]), magic);
    vf n = sum - magic;
    vf r = vf_fma(n, vf_set1(c[11]), x);
    r = vf_fma(n, vf_set1(c[12]), r);
    *t = vf_bits(sum);
    return vf_poly_(r, c, 6);
}

VF_INLINE vf vf_exp(vf x) {
    vi t;
    vf e = vf_exp_reduced_(vf_max(vf_min(x, vf_set1(89.0f)), vf_set1(-104.0f)), VF_EXP_TWO, &t);
    /* 2^k in two factors: k reaches -150, and 128. */
    vi half = vi_sar(t, 1);
    return e * vf_from_bits(vi_shl(half, 23)) * vf_from_bits(vi_shl(t - half, 23));
}

/* The same for |x| of at most 86, where 2^k is a float. */
VF_INLINE vf vf_exp_near(vf x) {
    vi t;
    vf e = vf_exp_reduced_(x, VF_EXP_ONE, &t);
    return e * vf_from_bits(vi_shl(t, 23));
}

/* 2^30 e^x for x up to 66: no result is denormal, and those below -104 are as large as there. */
VF_INLINE vf vf_exp_raised(vf x) {
    static const float lowest = -104.0f;
    vi t;
    vf e = vf_exp_reduced_(vf_max(x, vf_set1(*vf_table(&lowest))), VF_EXP_RAISED, &t);
    return e * vf_from_bits(vi_shl(t, 23));
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
    const vf one = vf_set1(1.0f);
    vf a = vf_abs(x);
    vf big = one - vf_set1(2.0f) / (vf_exp_near(vf_min(a + a, vf_set1(40.0f))) + one);
    vf z = x * x;
    vf small = vf_fma(x * z, vf_poly_(z, c, 4), x);
    return vf_copysign(vf_select(vf_lt(a, vf_set1(0.625f)), small, big), x);
}

/* e^x / (e^x + 1): where x is large 1 has no weight any more, and small results keep their
 * precision. */
VF_INLINE vf vf_sigmoid(vf x) {
    static const float table[] = {40.0f, 0x1p+30f};
    const float *c = vf_table(table);
    vf e = vf_exp_raised(vf_min(x, vf_set1(c[0])));
    return e / (e + vf_set1(c[1]));
}

/* x + x * P(x^2) up to 1, and from there 1 - exp(-G(|x|)). */
VF_INLINE vf vf_erf(vf x) {
    static const float p[] = {0x1.06eba8p-3f, -0x1.81273ep-2f,  0x1.ce2d2p-4f,  -0x1.b7fbb4p-6f,
                              0x1.5419f6p-8f, -0x1.a485eep-11f, 0x1.4ae4d4p-14f};
    static const float g[] = {-0x1.8a571ap-13f, 0x1.212c0cp+0f, 0x1.443566p-1f,   0x1.bc1514p-4f,
                              -0x1.9d0302p-6f,  0x1.138cb8p-8f, -0x1.cec5f4p-12f, 0x1.6bd7d2p-16f};
    vf a = vf_abs(x);
    vf small = vf_fma(x, vf_poly_(x * x, p, 6), x);
    const vf one = vf_set1(1.0f);
    vf far = vf_poly_(vf_min(a, vf_set1(3.95f)), g, 7);
    vf big = one - vf_exp_near(vf_neg(far));
    return vf_select(vf_lt(a, one), small, vf_copysign(big, x));
}

#endif
