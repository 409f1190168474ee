/* A tile of rows by NV vectors of sums stays in registers.  K is not unrolled, as in gemm.  A word
 * is a group of A, the same for all columns, and meets a vector of B's groups.
 *
 * What multiplies bytes, in the sources that define QGEMM_BYTES, with AVX2 and in relaxed
 * WebAssembly, comes beside what multiplies pairs or in its place. */
#include "base/cpu.h"
#include "kernels/bytes_vec.h"
#include "kernels/qgemm/qgemm.h"

#include <string.h>

/* Pairs of int16; bytes that are summed in 32 bits; bytes whose pairs are summed in 16. */
#if (defined(VF_WASM) && defined(__wasm_relaxed_simd__)) || VF_LANES == 1
#    define WITH_PAIRS  1
#    define WITH_BYTES  1
#    define WITH_NARROW 1
#elif defined(QGEMM_BYTES)
#    define WITH_PAIRS  0
#    define WITH_BYTES  1
#    define WITH_NARROW 0
#elif defined(VF_AVX2) || defined(VF_AVX512)
#    define WITH_PAIRS  0
#    define WITH_BYTES  0
#    define WITH_NARROW 1
#else
#    define WITH_PAIRS  1
#    define WITH_BYTES  0
#    define WITH_NARROW 0
#endif

/* The most rows of a tile: its sums, NV of B, one of A and one product fit the registers.  Dots of
 * bytes add, so that there is no product. */
#if VF_LANES == 16
enum { MR_PAIRS = 12, MR_BYTES = 12 };
#elif VF_LANES == 8 || defined(VF_NEON)
enum { MR_PAIRS = 6, MR_BYTES = 6 };
#elif defined(VF_WASM) && WITH_NARROW
enum { MR_PAIRS = 2, MR_BYTES = 6 }; /* pairs are for hosts that are not known, and small */
#elif VF_LANES == 4
enum { MR_PAIRS = 4, MR_BYTES = 6 };
#else
enum { MR_PAIRS = 2, MR_BYTES = 2 };
#endif
enum { NV = 2, NR = NV * VF_LANES };

enum how { PAIRS, UBYTES, SBYTES, NARROW }; /* A's */

#if defined(VF_AVX512)
#    define vi_mul_pairs_(a, b) (vi) _mm512_maddubs_epi16((__m512i)(a), (__m512i)(b))
#elif defined(VF_AVX2)
#    define vi_mul_pairs_(a, b) (vi) _mm256_maddubs_epi16((__m256i)(a), (__m256i)(b))
#endif

#if WITH_BYTES || WITH_NARROW
VF_INLINE vi dot_bytes(enum how how, vi sum, vi a, vi b, vi ones) {
    (void)how; /* the processor's, but in the reference row */
#    if defined(VF_WASM)
    if (how == NARROW) { /* `ones` stays in a register: see vi_keep */
        v128_t pairs = wasm_i16x8_relaxed_dot_i8x16_i7x16((v128_t)b, (v128_t)a);
        return vi_wrapping_add(sum, (vi)wasm_i32x4_dot_i16x8(pairs, (v128_t)ones));
    }
#    else
    (void)ones;
#    endif
#    if defined(VF_AVX512) && defined(QGEMM_BYTES)
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#    elif defined(VF_AVX2) && defined(QGEMM_BYTES)
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#    elif defined(VF_AVX512) || defined(VF_AVX2)
    return vi_dot_pairs(sum, vi_mul_pairs_(a, b), ones);
#    elif defined(VF_WASM)
    return (vi)wasm_i32x4_relaxed_dot_i8x16_i7x16_add((v128_t)b, (v128_t)a, (v128_t)sum);
#    else
    int32_t product[4];
    for (int i = 0; i < 4; i++) {
        uint8_t x = (uint8_t)((uint32_t)a[0] >> 8 * i), y = (uint8_t)((uint32_t)b[0] >> 8 * i);
        product[i] = (how == SBYTES ? (int8_t)x : x) * (int8_t)y;
    }
    for (int i = 0; i < 4; i += 2) {
        int32_t pair = product[i] + product[i + 1];
        if (how == NARROW)
            pair = pair > INT16_MAX ? INT16_MAX : pair < INT16_MIN ? INT16_MIN : pair;
        sum = vi_wrapping_add(sum, vi_set1(pair));
    }
    return sum;
#    endif
}
#endif

/* sum + the products of each lane's group. */
VF_INLINE vi dot(enum how how, vi sum, vi a, vi b, vi ones) {
    (void)how;
    (void)ones;
#if WITH_BYTES || WITH_NARROW
    if (how != PAIRS) return dot_bytes(how, sum, a, b, ones);
#endif
#if WITH_PAIRS
    return vi_dot_pairs(sum, a, b);
#else
    return sum;
#endif
}

typedef int32_t vi_mem __attribute__((vector_size(4 * VF_LANES), aligned(4), may_alias));
VF_INLINE vi load_vi(const int32_t *p) { return (vi) * (const vi_mem *)(const void *)p; }
VF_INLINE void store_vi(int32_t *p, vi x) { *(vi_mem *)(void *)p = (vi_mem)x; }

typedef int32_t word_mem __attribute__((aligned(1), may_alias));

/* A step of `chains` words, whose sums are kept apart: those of one row would wait for each other.
 */
VF_INLINE void step(enum how how, size_t rows, size_t chains, const uint8_t *a, size_t lda,
                    const int32_t *b, vi ones, vi sum[][NV]) {
    VF_UNROLL
    for (size_t ch = 0; ch < chains; ch++, a += 4, b += NR) {
        vi y[NV];
        VF_UNROLL
        for (size_t v = 0; v < NV; v++) y[v] = load_vi(b + v * VF_LANES);
        VF_UNROLL
        for (size_t i = 0; i < rows; i++) {
            vi x = vi_set1(*(const word_mem *)(const void *)(a + i * lda)), *s = sum[ch * rows + i];
            VF_UNROLL
            for (size_t v = 0; v < NV; v++) s[v] = dot(how, s[v], x, y[v], ones);
        }
    }
}

VF_INLINE void tile_of(enum how how, size_t rows, size_t words, const uint8_t *a, size_t lda,
                       const int32_t *b, int32_t *c) {
    enum { MOST = (int)MR_PAIRS > (int)MR_BYTES ? (int)MR_PAIRS : (int)MR_BYTES, CHAINS = 4 };
    const size_t chains = VF_LANES == 1 || rows > 1 ? 1 : CHAINS;
    const vi ones = vi_keep(0x10001); /* of 16 bits */
    vi sum[MOST > CHAINS ? (int)MOST : (int)CHAINS][NV];
    VF_UNROLL
    for (size_t i = 0; i < rows * chains; i++) {
        VF_UNROLL
        for (size_t v = 0; v < NV; v++) sum[i][v] = vi_set1(0);
    }
    VF_NO_UNROLL
    for (; words >= chains; words -= chains, a += 4 * chains, b += NR * chains)
        step(how, rows, chains, a, lda, b, ones, sum);
    if (chains > 1) {
        VF_NO_UNROLL
        for (; words; words--, a += 4, b += NR) step(how, rows, 1, a, lda, b, ones, sum);
    }
    VF_UNROLL
    for (size_t i = 0; i < rows; i++) {
        VF_UNROLL
        for (size_t v = 0; v < NV; v++) {
            VF_UNROLL
            for (size_t ch = 1; ch < chains; ch++)
                sum[i][v] = vi_wrapping_add(sum[i][v], sum[ch * rows + i][v]);
            store_vi(c + i * NR + v * VF_LANES, sum[i][v]);
        }
    }
}

/* Heights are even, or one: fewer of them are less code. */
VF_INLINE void tile_up_to(enum how how, size_t most, size_t rows, size_t words, const uint8_t *a,
                          size_t lda, const int32_t *b, int32_t *c) {
#define ROWS(n)                                                                                    \
    if (n <= most && rows >= n) {                                                                  \
        tile_of(how, n, words, a, lda, b, c);                                                      \
        rows -= n;                                                                                 \
        a += n * lda;                                                                              \
        c += n * NR;                                                                               \
    }
    ROWS(12)
    ROWS(10)
    ROWS(8)
    ROWS(6)
    ROWS(4)
    ROWS(2)
    ROWS(1)
#undef ROWS
}

#if WITH_PAIRS
static void tile_pairs(size_t rows, size_t words, const uint8_t *a, size_t lda, const int32_t *b,
                       int32_t *c) {
    tile_up_to(PAIRS, MR_PAIRS, rows, words, a, lda, b, c);
}

static void widen_pairs(size_t n, const uint8_t *x, uint8_t flip, int32_t zero, void *y) {
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
}
#endif

#if WITH_BYTES || WITH_NARROW
typedef int32_t bytes_mem __attribute__((vector_size(4 * VF_LANES), aligned(1), may_alias));

static void widen_bytes(size_t n, const uint8_t *x, uint8_t flip, int32_t zero, void *y) {
    const vi flips = vi_set1((int32_t)(flip * UINT32_C(0x01010101)));
    uint8_t *to = y;
    size_t i = 0;
    (void)zero;
    for (; i + 4 * VF_LANES <= n; i += 4 * VF_LANES)
        *(bytes_mem *)(void *)(to + i) = *(const bytes_mem *)(const void *)(x + i) ^ flips;
    for (; i < n; i++) to[i] = x[i] ^ flip;
}

VF_INLINE int32_t sum_bytes(enum how how, size_t words, const uint8_t *a) {
    const vi ones = vi_set1(0x01010101), halves = vi_set1(0x10001);
    vi sum = vi_set1(0);
    uint8_t rest[4 * VF_LANES] = {0};
    int32_t total = 0;
    for (; words >= VF_LANES; words -= VF_LANES, a += sizeof rest)
        sum = dot_bytes(how, sum, (vi) * (const bytes_mem *)(const void *)a, ones, halves);
    memcpy(rest, a, words * 4);
    sum = dot_bytes(how, sum, (vi) * (const bytes_mem *)(const void *)rest, ones, halves);
    for (size_t lane = 0; lane < VF_LANES; lane++) total += sum[lane];
    return total;
}
#endif

#if WITH_BYTES
static void tile_ubytes(size_t rows, size_t words, const uint8_t *a, size_t lda, const int32_t *b,
                        int32_t *c) {
    tile_up_to(UBYTES, MR_BYTES, rows, words, a, lda, b, c);
}

static int32_t sum_ubytes(size_t words, const uint8_t *a) { return sum_bytes(UBYTES, words, a); }
#endif

#if WITH_NARROW
static void tile_narrow(size_t rows, size_t words, const uint8_t *a, size_t lda, const int32_t *b,
                        int32_t *c) {
    tile_up_to(NARROW, MR_BYTES, rows, words, a, lda, b, c);
}

static int32_t sum_narrow(size_t words, const uint8_t *a) { return sum_bytes(NARROW, words, a); }
#endif

#if WITH_BYTES && WITH_PAIRS
#    if defined(VF_WASM) /* the host's instruction is the same */
#        define tile_sbytes tile_ubytes
#        define sum_sbytes  sum_ubytes
#    else
static void tile_sbytes(size_t rows, size_t words, const uint8_t *a, size_t lda, const int32_t *b,
                        int32_t *c) {
    tile_up_to(SBYTES, MR_BYTES, rows, words, a, lda, b, c);
}

static int32_t sum_sbytes(size_t words, const uint8_t *a) { return sum_bytes(SBYTES, words, a); }
#    endif
#endif

/* To the nearest, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for a fraction. */
VF_INLINE vi nearest(vf x) {
    const vf magic = vf_set1(12582912.0f);
    return vf_bits(x + magic) - vf_bits(magic);
}

/* What ends the sums of VF_LANES columns. */
struct ending {
    vi add, rest;
    vf scale, shift;
};

VF_INLINE vi sums_at(const struct ash_qgemm_finish *f, const struct ending *e, size_t i,
                     const int32_t *c) {
    vi_u s = (vi_u)load_vi(c) + (vi_u)e->add;
    if (f->rest) s = s - (vi_u)vi_set1(f->row_sums[i]) * (vi_u)e->rest;
    return (vi)s;
}

VF_INLINE vf scaled_at(const struct ash_qgemm_finish *f, const struct ending *e, size_t i,
                       const int32_t *c) {
    vf x = vf_from_int(sums_at(f, e, i, c)) * e->scale;
    return f->shift ? x + e->shift : x;
}

VF_INLINE void finish_bytes(const struct ash_qgemm_finish *f, const struct ending *e, size_t rows,
                            size_t n, const int32_t *c, uint8_t *y, size_t step) {
    const vf lo = vf_set1(f->lo), hi = vf_set1(f->hi);
    for (size_t i = 0; i < rows; i++, c += NR, y += step) {
        vf x = scaled_at(f, e, i, c);
        x = vf_max(lo, x); /* lo where x is NaN */
        x = vf_min(hi, x);
        vi q = nearest(x) + vi_set1(f->zero);
        if (n >= VF_LANES)
            vi_store_bytes(y, q);
        else
            vi_store_bytes_n(y, n, q);
    }
}

VF_INLINE void finish_words(const struct ash_qgemm_finish *f, const struct ending *e, size_t rows,
                            size_t n, const int32_t *c, char *y, size_t step) {
    const vf lo = vf_set1(f->lo), hi = vf_set1(f->hi);
    for (size_t i = 0; i < rows; i++, c += NR, y += step) {
        vf x = f->out == ASH_QGEMM_S32 ? vf_from_bits(sums_at(f, e, i, c))
                                       : vf_min(vf_max(scaled_at(f, e, i, c), lo), hi);
        if (n >= VF_LANES)
            vf_store((float *)(void *)y, x);
        else
            memcpy(y, &x, n * sizeof(float));
    }
}

static void finish(const struct ash_qgemm_finish *how, size_t rows, size_t n, const int32_t *c,
                   void *y, size_t step) {
    const struct ash_qgemm_finish here = *how, *f = &here; /* which storing to y does not change */
    for (size_t j = 0; j < n; j += VF_LANES) {
        struct ending e = {.add = load_vi(f->add + j), .scale = vf_load(f->scale + j)};
        e.rest = f->rest ? load_vi(f->rest + j) : vi_set1(0);
        e.shift = f->shift ? vf_load(f->shift + j) : vf_zero();
        if (f->out == ASH_QGEMM_BYTE)
            finish_bytes(f, &e, rows, n - j, c + j, (uint8_t *)y + j, step);
        else
            finish_words(f, &e, rows, n - j, c + j, (char *)y + j * sizeof(float), step);
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

#if !defined(QGEMM_AMX)
#    define enter_amx NULL
#    define leave_amx NULL
#endif
#define ROW(stem, bits, how, mr, group, is_signed, narrow, widen, sum)                             \
    {ASH_VEC_NAME(stem),                                                                           \
     ASH_VEC_CPU | (bits),                                                                         \
     mr,                                                                                           \
     NR,                                                                                           \
     group,                                                                                        \
     is_signed,                                                                                    \
     narrow,                                                                                       \
     tile_##how,                                                                                   \
     widen,                                                                                        \
     sum,                                                                                          \
     finish,                                                                                       \
     depthwise,                                                                                    \
     enter_amx,                                                                                    \
     leave_amx}

extern const struct ash_qgemm_kernel ASH_VEC_ROWS(qgemm)[];
const struct ash_qgemm_kernel ASH_VEC_ROWS(qgemm)[] = {
#if defined(VF_WASM) && WITH_NARROW
    ROW("qgemm_udot", ASH_CPU_UDOT, ubytes, MR_BYTES, 4, false, false, widen_bytes, sum_ubytes),
    ROW("qgemm_sdot", ASH_CPU_SDOT, sbytes, MR_BYTES, 4, true, false, widen_bytes, sum_sbytes),
    ROW("qgemm_upairs", ASH_CPU_UPAIRS, narrow, MR_BYTES, 4, false, true, widen_bytes, sum_narrow),
#endif
#if defined(QGEMM_AMX)
    ROW("qgemm_s8", 0, amx, MR_AMX, 4, false, false, widen_bytes, sum_ubytes),
#elif WITH_PAIRS
    ROW("qgemm_s8", 0, pairs, MR_PAIRS, 2, false, false, widen_pairs, NULL),
#elif !WITH_BYTES
    ROW("qgemm_s8", 0, narrow, MR_BYTES, 4, false, true, widen_bytes, sum_narrow),
#else
    ROW("qgemm_s8", 0, ubytes, MR_BYTES, 4, false, false, widen_bytes, sum_ubytes),
#endif
#if VF_LANES == 1
    ROW("qgemm_udot", 0, ubytes, MR_BYTES, 4, false, false, widen_bytes, sum_ubytes),
    ROW("qgemm_sdot", 0, sbytes, MR_BYTES, 4, true, false, widen_bytes, sum_sbytes),
    ROW("qgemm_upairs", 0, narrow, MR_BYTES, 4, false, true, widen_bytes, sum_narrow),
#endif
    {.name = NULL},
};
