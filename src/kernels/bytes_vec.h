/* Between vectors of int32 and bytes in memory.  Compilers take vectors of bytes apart, one by one,
 * where they convert them; hence the intrinsics. */
#ifndef ASH_KERNELS_BYTES_VEC_H
#define ASH_KERNELS_BYTES_VEC_H

#include "base/vec.h"

#include <string.h>

typedef uint8_t vi_bytes_ __attribute__((vector_size(VF_LANES)));

VF_INLINE vi vi_wrapping_add(vi a, vi b) { return (vi)((vi_u)a + (vi_u)b); }

/* sum + the products of the two int16 of each lane, modulo 2^32. */
VF_INLINE vi vi_dot_pairs(vi sum, vi a, vi b) {
#if defined(VF_AVX512)
    return vi_wrapping_add(sum, (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b));
#elif defined(VF_AVX2)
    return vi_wrapping_add(sum, (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b));
#elif defined(VF_SSE2)
    return vi_wrapping_add(sum, (vi)_mm_madd_epi16((__m128i)a, (__m128i)b));
#elif defined(VF_WASM)
    return vi_wrapping_add(sum, (vi)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b));
#elif defined(VF_NEON)
    int16x8_t x = vreinterpretq_s16_s32((int32x4_t)a), y = vreinterpretq_s16_s32((int32x4_t)b);
    int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    return vi_wrapping_add(sum, (vi)vpaddq_s32(low, vmull_high_s16(x, y)));
#else
    int32_t low = (int16_t)(uint32_t)a[0] * (int16_t)(uint32_t)b[0];
    return vi_wrapping_add(vi_wrapping_add(sum, (a >> 16) * (b >> 16)), vi_set1(low));
#endif
}

/* VF_LANES bytes, as uint8. */
VF_INLINE vi vi_load_bytes(const uint8_t *p) {
#if defined(VF_AVX512)
    return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
#elif defined(VF_AVX2)
    return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
#elif defined(VF_SSE2)
    int32_t word;
    memcpy(&word, p, sizeof word);
    __m128i half = _mm_unpacklo_epi8(_mm_cvtsi32_si128(word), _mm_setzero_si128());
    return (vi)_mm_unpacklo_epi16(half, _mm_setzero_si128());
#elif defined(VF_WASM)
    return (vi)wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
#else
    vi_bytes_ b;
    memcpy(&b, p, VF_LANES);
    return __builtin_convertvector(b, vi);
#endif
}

/* The low byte of each lane. */
VF_INLINE void vi_store_bytes(uint8_t *p, vi x) {
#if defined(VF_AVX512)
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8((__m512i)x));
#elif defined(VF_AVX2)
    __m256i low = (__m256i)(x & vi_set1(255));
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(half, half));
#elif defined(VF_SSE2)
    __m128i half = (__m128i)(x & vi_set1(255));
    half = _mm_packs_epi32(half, half);
    int32_t word = _mm_cvtsi128_si32(_mm_packus_epi16(half, half));
    memcpy(p, &word, sizeof word);
#elif defined(VF_WASM)
    v128_t half = (v128_t)(x & vi_set1(255));
    half = wasm_i16x8_narrow_i32x4(half, half);
    wasm_v128_store32_lane(p, wasm_u8x16_narrow_i16x8(half, half), 0);
#else
    vi_bytes_ b = __builtin_convertvector(x, vi_bytes_);
    memcpy(p, &b, VF_LANES);
#endif
}

/* The low bytes of four vectors, one behind the other. */
VF_INLINE void vi_store_bytes_4(uint8_t *p, const vi x[4]) {
#if defined(VF_WASM)
    v128_t mask = (v128_t)vi_set1(255), v[4];
    VF_UNROLL for (int i = 0; i < 4; i++) { v[i] = wasm_v128_and((v128_t)x[i], mask); }
    v128_t low = wasm_i16x8_narrow_i32x4(v[0], v[1]), high = wasm_i16x8_narrow_i32x4(v[2], v[3]);
    wasm_v128_store(p, wasm_u8x16_narrow_i16x8(low, high));
#else
    VF_UNROLL for (int i = 0; i < 4; i++) { vi_store_bytes(p + i * VF_LANES, x[i]); }
#endif
}

/* The same for the first n lanes alone; the others are 0. */
VF_INLINE vi vi_load_bytes_n(const uint8_t *p, size_t n) {
    uint8_t b[VF_LANES] = {0};
    for (size_t i = 0; i < n; i++) b[i] = p[i];
    return vi_load_bytes(b);
}
VF_INLINE void vi_store_bytes_n(uint8_t *p, size_t n, vi x) {
    uint8_t b[VF_LANES];
    vi_store_bytes(b, x);
    for (size_t i = 0; i < n; i++) p[i] = b[i];
}

#endif
