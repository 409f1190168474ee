/* The two floating-point types of 16 bits, float16 and bfloat16, and vectors of float32.
 *
 * A vh holds VF_LANES of them as bits.  To float32 is exact; from float32 rounds to nearest, ties
 * to even, beyond the range to infinity, and keeps denormals.  A NaN stays one. */
#ifndef ASH_BASE_VEC_HALF_H
#define ASH_BASE_VEC_HALF_H

#include "base/vec.h"

typedef uint16_t vh __attribute__((vector_size(2 * VF_LANES)));
typedef int16_t vh_s __attribute__((vector_size(2 * VF_LANES)));
typedef uint16_t vh_mem __attribute__((vector_size(2 * VF_LANES), aligned(2), may_alias));

VF_INLINE vh vh_load(const uint16_t *p) { return (vh) * (const vh_mem *)(const void *)p; }
VF_INLINE void vh_store(uint16_t *p, vh x) { *(vh_mem *)(void *)p = (vh_mem)x; }
VF_INLINE vi vh_bits(vh x) { return (vi) __builtin_convertvector(x, vi_u); }
VF_INLINE vh vh_from_bits(vi x) { return __builtin_convertvector((vi_u)x, vh); }

VF_INLINE vi vi_select(vi mask, vi a, vi b) {
    return vf_bits(vf_select(mask, vf_from_bits(a), vf_from_bits(b)));
}

/* The magnitude with its lowest `drop` bits rounded away, as an integer that is still shifted. */
VF_INLINE vi vi_round_bits(vi magnitude, int drop) {
    vi odd = vi_sar(magnitude, drop) & vi_keep(1);
    return magnitude + vi_keep((1 << (drop - 1)) - 1) + odd;
}

#if VF_LANES > 1 && defined(__F16C__)
#    define VH_F16C 1
#else
#    define VH_F16C 0
#endif

VF_INLINE vf vf_from_f16(vh h) {
#if VH_F16C && defined(VF_AVX512)
    return (vf)_mm512_cvtph_ps((__m256i)h);
#elif VH_F16C && defined(VF_AVX2)
    return (vf)_mm256_cvtph_ps((__m128i)h);
#else
    const vi least = vi_keep(113 << 23); /* 2^-14, the least that is not denormal */
    vi bits = vh_bits(h), m = vi_shl(bits & vi_keep(0x7fff), 13);
    vi normal = m + vi_keep(112 << 23);
    vi small = vf_bits(vf_from_bits(m + least) - vf_from_bits(least));
    vi r = vi_select((vi)(m < vi_keep(1 << 23)), small, normal);
    r = vi_select((vi)(m >= vi_keep(31 << 23)), m | vi_keep(255 << 23), r);
    return vf_from_bits(r | vi_shl(bits & vi_keep(0x8000), 16));
#endif
}

/* The same for what is finite, in few operations. */
VF_INLINE vf vf_from_finite_f16(vh h) {
#if VH_F16C
    return vf_from_f16(h);
#else
    vi bits = __builtin_convertvector((vh_s)h, vi); /* with the sign in all upper bits */
    vi x = vi_shl(bits, 13) & vi_keep((int32_t)0x8fffe000);
    return vf_from_bits(x) * vf_from_bits(vi_keep((127 + 112) << 23));
#endif
}

VF_INLINE vh vf_to_f16(vf x) {
#if VH_F16C && defined(VF_AVX512)
    return (vh)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif VH_F16C && defined(VF_AVX2)
    return (vh)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
#else
    vi a = vf_bits(vf_abs(x)), sign = vf_bits(x) & vi_keep(INT32_MIN);
    vi r = vi_sar(vi_round_bits(a, 13) - vi_keep(112 << 23), 13);
    /* Beside 0.5 the last place is 2^-24, that of denormals. */
    vi small = vf_bits(vf_from_bits(a) + vf_from_bits(vi_keep(126 << 23))) - vi_keep(126 << 23);
    r = vi_select((vi)(a < vi_keep(113 << 23)), small, r);
    r = vi_select((vi)(a >= vi_keep(0x477ff000)), vi_keep(0x7c00), r); /* from 65520 on */
    r = vi_select((vi)(a > vi_keep(255 << 23)), vi_keep(0x7e00), r);
    return vh_from_bits(r | (vi_sar(sign, 16) & vi_keep(0x8000)));
#endif
}

/* What a float16 can hold of x, as float32. */
VF_INLINE vf vf_round_f16(vf x) {
#if VH_F16C
    return vf_from_f16(vf_to_f16(x));
#else
    vi a = vf_bits(vf_abs(x));
    vi r = vi_round_bits(a, 13) & vi_keep(~0x1fff);
    vi small = vf_bits((vf_from_bits(a) + vf_from_bits(vi_keep(126 << 23))) -
                       vf_from_bits(vi_keep(126 << 23)));
    r = vi_select((vi)(a < vi_keep(113 << 23)), small, r);
    r = vi_select((vi)(a >= vi_keep(0x477ff000)), vi_keep(255 << 23), r);
    r = vi_select((vi)(a > vi_keep(255 << 23)), a, r);
    return vf_copysign(vf_from_bits(r), x);
#endif
}

VF_INLINE vf vf_from_bf16(vh h) { return vf_from_bits(vi_shl(vh_bits(h), 16)); }

VF_INLINE vf vf_round_bf16(vf x) {
    vi a = vf_bits(vf_abs(x));
    vi r = vi_round_bits(a, 16) & vi_keep(~0xffff);
    r = vi_select((vi)(a > vi_keep(255 << 23)), vi_keep(0x7fc00000), r);
    return vf_copysign(vf_from_bits(r), x);
}

VF_INLINE vh vf_to_bf16(vf x) { return vh_from_bits(vi_sar(vf_bits(vf_round_bf16(x)), 16)); }

#endif
