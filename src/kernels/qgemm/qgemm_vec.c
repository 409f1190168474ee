/* A tile of MR rows by NV vectors of sums stays in registers.  K is not unrolled, as in gemm.  A
 * word is a group of A, the same for all columns, and meets a vector of B's groups. */
#include "base/cpu.h"
#include "kernels/bytes_vec.h"
#include "kernels/qgemm/qgemm.h"

#include <string.h>

/* MR * NV sums, NV of B, one of A and one product fit the registers. */
#if VF_LANES == 16
#    define MR 12
#    define NV 2
#elif VF_LANES == 8 || defined(VF_NEON)
#    define MR 6
#    define NV 2
#elif VF_LANES == 4
#    define MR 4
#    define NV 2
#else
#    define MR 2
#    define NV 2
#endif

enum { NR = NV * VF_LANES };

#if defined(QGEMM_BYTES)
enum { GROUP = 4 };
#else
enum { GROUP = 2 };
#endif

VF_INLINE vi wrapping_add(vi a, vi b) { return (vi)((vi_u)a + (vi_u)b); }

/* sum + the products of each lane's group. */
VF_INLINE vi dot(vi sum, vi a, vi b) {
#if defined(QGEMM_BYTES)
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(VF_AVX512)
    return wrapping_add(sum, (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b));
#elif defined(VF_AVX2)
    return wrapping_add(sum, (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b));
#elif defined(VF_SSE2)
    return wrapping_add(sum, (vi)_mm_madd_epi16((__m128i)a, (__m128i)b));
#elif defined(VF_WASM)
    return wrapping_add(sum, (vi)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b));
#elif defined(VF_NEON)
    int16x8_t x = vreinterpretq_s16_s32((int32x4_t)a), y = vreinterpretq_s16_s32((int32x4_t)b);
    int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    return wrapping_add(sum, (vi)vpaddq_s32(low, vmull_high_s16(x, y)));
#else
    int32_t low = (int16_t)(uint32_t)a[0] * (int16_t)(uint32_t)b[0];
    return wrapping_add(wrapping_add(sum, (a >> 16) * (b >> 16)), vi_set1(low));
#endif
}

typedef int32_t vi_mem __attribute__((vector_size(4 * VF_LANES), aligned(4), may_alias));
VF_INLINE vi load_vi(const int32_t *p) { return (vi) * (const vi_mem *)(const void *)p; }
VF_INLINE void store_vi(int32_t *p, vi x) { *(vi_mem *)(void *)p = (vi_mem)x; }

VF_INLINE void tile_of(size_t rows, size_t words, const int32_t *a, size_t lda, const int32_t *b,
                       int32_t *c) {
    vi sum[MR][NV];
    VF_UNROLL
    for (size_t i = 0; i < rows; i++) {
        VF_UNROLL
        for (size_t v = 0; v < NV; v++) sum[i][v] = vi_set1(0);
    }
    VF_NO_UNROLL
    for (size_t k = 0; k < words; k++, a++, b += NR) {
        vi y[NV];
        VF_UNROLL
        for (size_t v = 0; v < NV; v++) y[v] = load_vi(b + v * VF_LANES);
        VF_UNROLL
        for (size_t i = 0; i < rows; i++) {
            vi x = vi_set1(a[i * lda]);
            VF_UNROLL
            for (size_t v = 0; v < NV; v++) sum[i][v] = dot(sum[i][v], x, y[v]);
        }
    }
    VF_UNROLL
    for (size_t i = 0; i < rows; i++) {
        VF_UNROLL
        for (size_t v = 0; v < NV; v++) store_vi(c + i * NR + v * VF_LANES, sum[i][v]);
    }
}

static void tile(size_t rows, size_t words, const int32_t *a, size_t lda, const int32_t *b,
                 int32_t *c) {
#define ROWS(n)                                                                                    \
    case n:                                                                                        \
        tile_of(n, words, a, lda, b, c);                                                           \
        return;
    switch (rows) {
#if MR == 12
        ROWS(12)
        ROWS(11)
        ROWS(10)
        ROWS(9)
        ROWS(8)
        ROWS(7)
#endif
#if MR >= 6
        ROWS(6)
        ROWS(5)
#endif
#if MR >= 4
        ROWS(4)
        ROWS(3)
#endif
        ROWS(2)
    default:
        tile_of(1, words, a, lda, b, c);
    }
#undef ROWS
}

#if defined(QGEMM_BYTES)
static int32_t widen(size_t n, const uint8_t *x, uint8_t flip, int32_t zero, void *y) {
    typedef uint8_t block __attribute__((vector_size(64), aligned(1), may_alias));
    uint8_t *to = y;
    vi_u ones = (vi_u)vi_set1(0x01010101);
    vi sum = vi_set1(0);
    int32_t total = 0;
    size_t i = 0;
    (void)zero;
    for (; i + 64 <= n; i += 64) {
        block b = *(const block *)(const void *)(x + i) ^ flip;
        *(block *)(void *)(to + i) = b;
        sum = dot(sum, (vi)b, (vi)ones);
    }
    for (; i < n; i++) total += to[i] = x[i] ^ flip;
    return total + _mm512_reduce_add_epi32((__m512i)sum);
}
#else
static int32_t widen(size_t n, const uint8_t *x, uint8_t flip, int32_t zero, void *y) {
    int16_t *to = y;
    size_t i = 0;
#    if VF_LANES > 1
    typedef uint8_t pairs __attribute__((vector_size(2 * VF_LANES)));
    typedef int16_t halves __attribute__((vector_size(4 * VF_LANES)));
    typedef int16_t halves_mem __attribute__((vector_size(4 * VF_LANES), aligned(2), may_alias));
    for (; i + 2 * VF_LANES <= n; i += 2 * VF_LANES) {
        pairs b;
        memcpy(&b, x + i, sizeof b);
        halves h = __builtin_convertvector(b ^ flip, halves) - (int16_t)zero;
        *(halves_mem *)(void *)(to + i) = (halves_mem)h;
    }
#    endif
    for (; i < n; i++) to[i] = (int16_t)((x[i] ^ flip) - zero);
    return 0;
}
#endif

/* To the nearest, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for a fraction. */
VF_INLINE vi nearest(vf x) {
    const vf magic = vf_set1(12582912.0f);
    return vf_bits(x + magic) - vf_bits(magic);
}

VF_INLINE vi sums_at(const struct ash_qgemm_finish *f, size_t j, const int32_t *c) {
    vi_u s = (vi_u)load_vi(c + j) + (vi_u)load_vi(f->add + j);
    if (f->rest) s = s - (vi_u)vi_set1(f->row_sum) * (vi_u)load_vi(f->rest + j);
    return (vi)s;
}

VF_INLINE vf scaled_at(const struct ash_qgemm_finish *f, size_t j, const int32_t *c) {
    vf x = vf_from_int(sums_at(f, j, c)) * vf_load(f->scale + j);
    return f->shift ? x + vf_load(f->shift + j) : x;
}

static void finish_bytes(const struct ash_qgemm_finish *f, size_t n, const int32_t *c, uint8_t *y) {
    const vf lo = vf_set1(f->lo), hi = vf_set1(f->hi);
    for (size_t j = 0; j < n; j += VF_LANES) {
        vf x = scaled_at(f, j, c);
        x = vf_select(vf_lt(lo, x), x, lo);
        x = vf_select(vf_lt(x, hi), x, hi);
        vi q = nearest(x) + vi_set1(f->zero);
        if (n - j >= VF_LANES)
            vi_store_bytes(y + j, q);
        else
            vi_store_bytes_n(y + j, n - j, q);
    }
}

static void finish(const struct ash_qgemm_finish *f, size_t n, const int32_t *c, void *y) {
    const vf lo = vf_set1(f->lo), hi = vf_set1(f->hi);
    if (f->out == ASH_QGEMM_BYTE) {
        finish_bytes(f, n, c, y);
        return;
    }
    for (size_t j = 0; j < n; j += VF_LANES) {
        vf x = f->out == ASH_QGEMM_S32 ? vf_from_bits(sums_at(f, j, c))
                                       : vf_min(vf_max(scaled_at(f, j, c), lo), hi);
        if (n - j >= VF_LANES)
            vf_store((float *)y + j, x);
        else
            memcpy((float *)y + j, &x, (n - j) * sizeof(float));
    }
}

/* n <= ASH_QGEMM_LANES channels from c on; fewer go by way of a copy. */
VF_INLINE void depthwise_block(size_t c, size_t n, size_t taps, const uint8_t *const *x,
                               uint8_t flip, int32_t zero, const float *w, size_t ld,
                               int32_t *sums) {
    enum { PARTS = ASH_QGEMM_LANES / VF_LANES };
    uint8_t rest[ASH_QGEMM_LANES] = {0};
    vf sum[PARTS];
    VF_UNROLL
    for (size_t v = 0; v < PARTS; v++) sum[v] = vf_zero();
    for (size_t t = 0; t < taps; t++) {
        const uint8_t *p = x[t] + c;
        if (n < ASH_QGEMM_LANES) {
            for (size_t i = 0; i < n; i++) rest[i] = p[i];
            p = rest;
        }
        VF_UNROLL
        for (size_t v = 0; v < PARTS; v++) {
            vi i = (vi_load_bytes(p + v * VF_LANES) ^ vi_set1(flip)) - vi_set1(zero);
            sum[v] = vf_fma(vf_from_int(i), vf_load(w + t * ld + c + v * VF_LANES), sum[v]);
        }
    }
    VF_UNROLL
    for (size_t v = 0; v < PARTS; v++)
        store_vi(sums + c + v * VF_LANES, __builtin_convertvector(sum[v], vi));
}

static void depthwise(size_t channels, size_t taps, const uint8_t *const *x, uint8_t flip,
                      int32_t zero, const float *w, size_t ld, int32_t *sums) {
    size_t c = 0;
    for (; c + ASH_QGEMM_LANES <= channels; c += ASH_QGEMM_LANES)
        depthwise_block(c, ASH_QGEMM_LANES, taps, x, flip, zero, w, ld, sums);
    if (c < channels) depthwise_block(c, channels - c, taps, x, flip, zero, w, ld, sums);
}

extern const struct ash_qgemm_kernel ASH_VEC_ROWS(qgemm)[];
const struct ash_qgemm_kernel ASH_VEC_ROWS(qgemm)[] = {
    {ASH_VEC_NAME("qgemm_s8"), ASH_VEC_CPU, MR, NR, GROUP, tile, widen, finish, depthwise},
    {.name = NULL},
};
