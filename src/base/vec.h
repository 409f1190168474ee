/* A small vector of floats, whose width is the target's: 16 lanes with AVX-512, 8 with AVX2 and
 * FMA, 4 with NEON, SSE2 and WebAssembly SIMD, 1 without any.  A kernel written over it is compiled
 * once per ISA.  Define ASH_VEC_REF before including it to get one lane whatever the flags are:
 * that is what reference rows are written over.
 *
 * vf holds VF_LANES floats, vi as many int32.  A comparison gives a vi of 0 and -1, a mask.  The
 * operators + - * / & | ^ and a sign work on whole vectors, by the compilers' vector extension; the
 * functions below are what they lack.
 *
 * Two targets that both have VF_FUSED compute the same bits, lane for lane, from the same source,
 * as long as sums over lanes go through struct vf16.  Only the payload of a NaN may differ. */
#ifndef ASH_BASE_VEC_H
#define ASH_BASE_VEC_H

#include <stddef.h>
#include <stdint.h>

#define VF_INLINE static inline __attribute__((always_inline, unused))
/* Before a loop whose trip count is a small constant: unrolls it whatever the optimisation level.
 */
#if defined(__clang__)
#    define VF_UNROLL    _Pragma("clang loop unroll(full)")
#    define VF_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#    define VF_UNROLL    _Pragma("GCC unroll 16")
#    define VF_NO_UNROLL _Pragma("GCC unroll 1")
#endif

#if defined(ASH_VEC_REF)
#    define VF_LANES 1
#elif defined(__AVX512F__)
#    define VF_LANES  16
#    define VF_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#    define VF_LANES 8
#    define VF_AVX2  1
#elif defined(__aarch64__) && defined(__ARM_NEON)
#    define VF_LANES 4
#    define VF_NEON  1
#elif defined(__wasm_simd128__)
#    define VF_LANES 4
#    define VF_WASM  1
#elif defined(__SSE2__)
#    define VF_LANES 4
#    define VF_SSE2  1
#else
#    define VF_LANES 1
#endif

#if defined(VF_AVX512) || defined(VF_AVX2) || defined(VF_SSE2)
#    include <immintrin.h>
#elif defined(VF_NEON)
#    include <arm_neon.h>
#elif defined(VF_WASM)
#    include <wasm_simd128.h>
#endif

/* Whether vf_fma rounds once.  Relaxed WebAssembly may do either: the host decides. */
#if defined(VF_AVX512) || defined(VF_AVX2) || defined(VF_NEON) ||                                  \
    (VF_LANES == 1 && (!defined(__wasm__) || defined(__wasm_relaxed_simd__)))
#    define VF_FUSED 1
#else
#    define VF_FUSED 0
#endif

/* The build compiles fam_vec.c once per ISA and names it in ASH_VEC_ISA, and the processor bits it
 * needs in ASH_VEC_CPU.  ASH_VEC_ROWS(gemm) is the name of that compilation's table of rows, and
 * ASH_VEC_NAME("gemm_f32") the name of one row. */
#define ASH_VEC_PASTE_(fam, isa) ash_##fam##_vec_##isa
#define ASH_VEC_PASTE(fam, isa)  ASH_VEC_PASTE_(fam, isa)
#define ASH_VEC_TEXT_(isa)       #isa
#define ASH_VEC_TEXT(isa)        ASH_VEC_TEXT_(isa)
#define ASH_VEC_ROWS(fam)        ASH_VEC_PASTE(fam, ASH_VEC_ISA)
#define ASH_VEC_NAME(stem)       stem "_" ASH_VEC_TEXT(ASH_VEC_ISA)

typedef float vf __attribute__((vector_size(4 * VF_LANES)));
typedef int32_t vi __attribute__((vector_size(4 * VF_LANES)));
typedef uint32_t vi_u __attribute__((vector_size(4 * VF_LANES)));
typedef float vf_mem __attribute__((vector_size(4 * VF_LANES), aligned(4), may_alias));

#if VF_LANES == 16
#    define VF_EACH(x) {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}
#elif VF_LANES == 8
#    define VF_EACH(x) {x, x, x, x, x, x, x, x}
#elif VF_LANES == 4
#    define VF_EACH(x) {x, x, x, x}
#else
#    define VF_EACH(x) {x}
#endif

VF_INLINE vf vf_set1(float x) { return (vf)VF_EACH(x); }
VF_INLINE vf vf_zero(void) { return (vf)VF_EACH(0.0f); }
VF_INLINE vi vi_set1(int32_t x) { return (vi)VF_EACH(x); }
/* vi_set1 of a constant that is to stay in a register over a loop: engines of WebAssembly make
 * vector constants anew wherever they stand.  Compilers do not know what it is; of `x & constant`
 * they would know the sign, and choose a conversion to float that processors have no instruction
 * for. */
VF_INLINE vi vi_keep(int32_t x) {
#if defined(VF_WASM)
    __asm__("" : "+r"(x));
#endif
    return vi_set1(x);
}
VF_INLINE vi vf_bits(vf x) { return (vi)x; }
VF_INLINE vf vf_from_bits(vi x) { return (vf)x; }
VF_INLINE vi vi_shl(vi x, int n) { return (vi)((vi_u)x << n); }
/* a - b modulo 2^32, where the difference of any bits is taken */
VF_INLINE vi vi_sub_wrapped(vi a, vi b) { return (vi)((vi_u)a - (vi_u)b); }
VF_INLINE vi vi_sar(vi x, int n) { return x >> n; }

VF_INLINE vf vf_add(vf a, vf b) { return a + b; }
VF_INLINE vf vf_mul(vf a, vf b) { return a * b; }

VF_INLINE vi vf_lt(vf a, vf b) { return (vi)(a < b); }
VF_INLINE vi vf_le(vf a, vf b) { return (vi)(a <= b); }
VF_INLINE vi vf_eq(vf a, vf b) { return (vi)(a == b); }
VF_INLINE vi vf_isnan(vf a) { return (vi)(a != a); }

VF_INLINE vf vf_abs(vf a) { return (vf)((vi)a & vi_set1(INT32_MAX)); }
VF_INLINE vf vf_neg(vf a) { return (vf)((vi)a ^ vi_set1(INT32_MIN)); }
/* The magnitude of a with the sign of s. */
VF_INLINE vf vf_copysign(vf a, vf s) {
    return (vf)(((vi)a & vi_set1(INT32_MAX)) | ((vi)s & vi_set1(INT32_MIN)));
}

/* Memory needs no alignment beyond a float's. */
VF_INLINE vf vf_load(const float *p) { return (vf) * (const vf_mem *)(const void *)p; }
VF_INLINE void vf_store(float *p, vf x) { *(vf_mem *)(void *)p = (vf_mem)x; }

/* mask ? a : b, lane by lane. */
VF_INLINE vf vf_select(vi mask, vf a, vf b) {
#if defined(VF_AVX512)
    return (vf)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), (__m512)b, (__m512)a);
#elif defined(VF_AVX2)
    return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#elif defined(VF_WASM)
    return (vf)wasm_v128_bitselect((v128_t)a, (v128_t)b, (v128_t)mask);
#else
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
#endif
}

/* a * b + c, rounded once where VF_FUSED. */
VF_INLINE vf vf_fma(vf a, vf b, vf c) {
#if defined(VF_AVX512)
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(VF_AVX2)
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(VF_NEON)
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(VF_WASM) && defined(__wasm_relaxed_simd__)
    return (vf)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#elif VF_LANES == 1 && VF_FUSED
    return (vf){__builtin_fmaf(a[0], b[0], c[0])};
#else
    return a * b + c;
#endif
}

/* Half vectors of AVX-512: processors that work on 512 bits in two steps take one for them, and no
 * mask is needed.  Elsewhere whole vectors. */
#if defined(VF_AVX512)
enum { VF_HALF_LANES = VF_LANES / 2 };
typedef float vf_half __attribute__((vector_size(4 * VF_LANES / 2)));
VF_INLINE vf_half vf_half_load(const float *p) { return (vf_half)_mm256_loadu_ps(p); }
VF_INLINE void vf_half_store(float *p, vf_half x) { _mm256_storeu_ps(p, (__m256)x); }
VF_INLINE vf_half vf_half_set1(float x) { return (vf_half)_mm256_set1_ps(x); }
VF_INLINE vf_half vf_half_fma(vf_half a, vf_half b, vf_half c) {
    return (vf_half)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
VF_INLINE vf_half vf_lower(vf x) { return (vf_half)_mm512_castps512_ps256((__m512)x); }
/* With zeros above. */
VF_INLINE vf vf_widen(vf_half x) { return (vf)_mm512_zextps256_ps512((__m256)x); }
#else
enum { VF_HALF_LANES = VF_LANES };
typedef vf vf_half;
VF_INLINE vf_half vf_half_load(const float *p) { return vf_load(p); }
VF_INLINE void vf_half_store(float *p, vf_half x) { vf_store(p, x); }
VF_INLINE vf_half vf_half_set1(float x) { return vf_set1(x); }
VF_INLINE vf_half vf_half_fma(vf_half a, vf_half b, vf_half c) { return vf_fma(a, b, c); }
VF_INLINE vf_half vf_lower(vf x) { return x; }
VF_INLINE vf vf_widen(vf_half x) { return x; }
#endif

/* b < a ? b : a, so a where either is NaN, and a where they are equal.  To let a NaN of the data
 * through, put the data first: vf_min(x, limit). */
VF_INLINE vf vf_min(vf a, vf b) {
#if defined(VF_AVX512)
    return (vf)_mm512_min_ps((__m512)b, (__m512)a);
#elif defined(VF_AVX2)
    return (vf)_mm256_min_ps((__m256)b, (__m256)a);
#elif defined(VF_SSE2)
    return (vf)_mm_min_ps((__m128)b, (__m128)a);
#elif defined(VF_WASM)
    return (vf)wasm_f32x4_pmin((v128_t)a, (v128_t)b);
#else
    return vf_select((vi)(b < a), b, a);
#endif
}

/* a < b ? b : a: the rules of vf_min. */
VF_INLINE vf vf_max(vf a, vf b) {
#if defined(VF_AVX512)
    return (vf)_mm512_max_ps((__m512)b, (__m512)a);
#elif defined(VF_AVX2)
    return (vf)_mm256_max_ps((__m256)b, (__m256)a);
#elif defined(VF_SSE2)
    return (vf)_mm_max_ps((__m128)b, (__m128)a);
#elif defined(VF_WASM)
    return (vf)wasm_f32x4_pmax((v128_t)a, (v128_t)b);
#else
    return vf_select((vi)(a < b), b, a);
#endif
}

/* NaN where either is. */
VF_INLINE vf vf_min_nan(vf a, vf b) { return vf_select(vf_isnan(b), b, vf_min(a, b)); }
VF_INLINE vf vf_max_nan(vf a, vf b) { return vf_select(vf_isnan(b), b, vf_max(a, b)); }

VF_INLINE vf vf_sqrt(vf a) {
#if defined(VF_AVX512)
    return (vf)_mm512_sqrt_ps((__m512)a);
#elif defined(VF_AVX2)
    return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(VF_SSE2)
    return (vf)_mm_sqrt_ps((__m128)a);
#elif defined(VF_NEON)
    return (vf)vsqrtq_f32((float32x4_t)a);
#elif defined(VF_WASM)
    return (vf)wasm_f32x4_sqrt((v128_t)a);
#else
    return (vf){__builtin_sqrtf(a[0])};
#endif
}

VF_INLINE vf vf_from_int(vi a) { return __builtin_convertvector(a, vf); }

/* To the nearest integer, ties to even. */
VF_INLINE vf vf_round(vf a) {
#if defined(VF_AVX512)
    return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(VF_AVX2)
    return (vf)_mm256_round_ps((__m256)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(VF_NEON)
    return (vf)vrndnq_f32((float32x4_t)a);
#elif defined(VF_WASM)
    return (vf)wasm_f32x4_nearest((v128_t)a);
#else
    vf big = vf_set1(8388608.0f); /* from here on floats are whole */
    vf r = vf_copysign((vf_abs(a) + big) - big, a);
    return vf_select(vf_lt(vf_abs(a), big), r, a);
#endif
}

VF_INLINE vf vf_floor(vf a) {
#if defined(VF_AVX512)
    return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(VF_AVX2)
    return (vf)_mm256_floor_ps((__m256)a);
#elif defined(VF_NEON)
    return (vf)vrndmq_f32((float32x4_t)a);
#elif defined(VF_WASM)
    return (vf)wasm_f32x4_floor((v128_t)a);
#else
    vf r = vf_round(a);
    return vf_copysign(r - vf_select(vf_lt(a, r), vf_set1(1.0f), vf_zero()), a);
#endif
}

VF_INLINE vf vf_ceil(vf a) { return vf_neg(vf_floor(vf_neg(a))); }

#if !defined(VF_AVX512) && !defined(VF_AVX2)
static __attribute__((noinline, unused)) vf vf_load_part_(const float *p, size_t n, vf fill) {
    for (size_t i = 0; i < n; i++) fill[i] = p[i];
    return fill;
}
static __attribute__((noinline, unused)) void vf_store_part_(float *p, size_t n, vf x) {
    for (size_t i = 0; i < n; i++) p[i] = x[i];
}
#endif

/* n lanes, 0..VF_LANES, the rest from `fill`.  No byte past p + n is touched. */
VF_INLINE vf vf_load_n(const float *p, size_t n, vf fill) {
#if defined(VF_AVX512)
    return (vf)_mm512_mask_loadu_ps((__m512)fill, (__mmask16)((1u << n) - 1u), p);
#else
    if (n >= VF_LANES) return vf_load(p);
#    if defined(VF_AVX2)
    vi lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    vi mask = (vi)(lanes < vi_set1((int32_t)n));
    return vf_select(mask, (vf)_mm256_maskload_ps(p, (__m256i)mask), fill);
#    else
    return vf_load_part_(p, n, fill);
#    endif
#endif
}

/* Writes n lanes, 0..VF_LANES, and not a byte more. */
VF_INLINE void vf_store_n(float *p, size_t n, vf x) {
#if defined(VF_AVX512)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), (__m512)x);
#else
    if (n >= VF_LANES) {
        vf_store(p, x);
        return;
    }
#    if defined(VF_AVX2)
    vi lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    _mm256_maskstore_ps(p, (__m256i)(lanes < vi_set1((int32_t)n)), (__m256)x);
#    else
    vf_store_part_(p, n, x);
#    endif
#endif
}

/* Leaves in lane 0 the lanes combined as the tree of struct vf16 has it. */
#if VF_LANES == 16
#    define VF_TREE_(op, x)                                                                        \
        x = op(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, \
                                          7));                                                     \
        x = op(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));  \
        x = op(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));  \
        x = op(x, __builtin_shufflevector(x, x, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0))
#elif VF_LANES == 8
#    define VF_TREE_(op, x)                                                                        \
        x = op(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));                          \
        x = op(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1));                          \
        x = op(x, __builtin_shufflevector(x, x, 1, 0, 1, 0, 1, 0, 1, 0))
#elif VF_LANES == 4
#    define VF_TREE_(op, x)                                                                        \
        x = op(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));                                      \
        x = op(x, __builtin_shufflevector(x, x, 1, 0, 1, 0))
#else
#    define VF_TREE_(op, x) (void)0
#endif

/* Sixteen virtual lanes, on every target: what a sum over many elements is kept in.  Element i of
 * the data goes to lane i % 16, and the end combines l[i] with l[i + 8], then i + 4, i + 2, i + 1.
 */
enum { VF16_PARTS = 16 / VF_LANES };

struct vf16 {
    vf v[VF16_PARTS];
};

VF_INLINE struct vf16 vf16_set1(float x) {
    struct vf16 r;
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) r.v[i] = vf_set1(x);
    return r;
}
VF_INLINE struct vf16 vf16_load(const float *p) {
    struct vf16 r;
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) r.v[i] = vf_load(p + i * VF_LANES);
    return r;
}

VF_INLINE size_t vf16_part_(size_t n, int part) {
    size_t before = (size_t)part * VF_LANES;
    size_t left = n > before ? n - before : 0;
    return left < VF_LANES ? left : VF_LANES;
}
/* n lanes, 0..16, the rest are `fill`; not a byte more is touched. */
VF_INLINE struct vf16 vf16_load_n(const float *p, size_t n, float fill) {
    struct vf16 r;
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) {
        size_t m = vf16_part_(n, i);
        r.v[i] = m ? vf_load_n(p + i * VF_LANES, m, vf_set1(fill)) : vf_set1(fill);
    }
    return r;
}

VF_INLINE struct vf16 vf16_add(struct vf16 a, struct vf16 b) {
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) a.v[i] = a.v[i] + b.v[i];
    return a;
}
VF_INLINE struct vf16 vf16_max(struct vf16 a, struct vf16 b) {
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) a.v[i] = vf_max(a.v[i], b.v[i]);
    return a;
}

#define VF16_REDUCE_(op, x)                                                                        \
    VF_UNROLL for (int w = VF16_PARTS / 2; w > 0; w /= 2) {                                        \
        VF_UNROLL for (int i = 0; i < w; i++) x.v[i] = op(x.v[i], x.v[i + w]);                     \
    }                                                                                              \
    vf r = x.v[0];                                                                                 \
    VF_TREE_(op, r);                                                                               \
    return r[0]

VF_INLINE float vf16_hsum(struct vf16 x) { VF16_REDUCE_(vf_add, x); }
VF_INLINE float vf16_hmul(struct vf16 x) { VF16_REDUCE_(vf_mul, x); }
/* NaN by the rule of vf_max; the _nan ones are NaN where any lane is. */
VF_INLINE float vf16_hmax(struct vf16 x) { VF16_REDUCE_(vf_max, x); }
VF_INLINE float vf16_hmax_nan(struct vf16 x) { VF16_REDUCE_(vf_max_nan, x); }
VF_INLINE float vf16_hmin_nan(struct vf16 x) { VF16_REDUCE_(vf_min_nan, x); }

#endif
