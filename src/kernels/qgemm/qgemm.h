/* Matrix product of bytes: S[m, n] = sum over k of (A[m, k] - a_zero) * (B[k, n] - b_zero[n]), in
 * int32, then one of three results.  EXACT: every row gives the same bits.
 *
 * Letters: m rows of A and C, n columns of B and C, k the sum's length; mr x nr the tile of a row.
 * A and B are of int8 or uint8.  Sums are exact modulo 2^32: no instruction that saturates is used
 * where it could.  Rows of the table differ in what they multiply:
 *
 *   group 2: pairs of int16, from which zero points have been subtracted; |product| <= 255 * 255,
 *            so that a pair's sum fits int32;
 *   group 4: four bytes, B signed and A unsigned (vpdpbusd, which adds four products of 17 bits in
 *            int32 without saturation) or signed (sdot).  A of the other kind is moved by 128.
 *            What zero points add to a sum follows from the sums of B's columns and of A's rows.
 *
 *            A narrow row adds products in pairs, in 16 bits that saturate (pmaddubsw): where the
 *            numbers of B are so large that this could happen, what is too much of them goes to
 *            groups behind the k / 4 ones, for which A's bytes are repeated.
 *
 * In relaxed WebAssembly what dot products of bytes do is the host's choice: base/cpu.h finds out,
 * and rows name what they need.
 *
 * B is packed into panels of nr columns, [panel][k / group][nr][group].  Then, by `out`:
 *
 *   S32  S + bias
 *   F32  clamp(float(S + bias) * scale + shift): three roundings
 *   BYTE round(clamp(float(S + bias) * scale + shift)) + zero, ties to even, in 8 bits
 *
 * where scale = a_scale * b_scale / c_scale in float32, in this order, and shift is divided by
 * c_scale as well.  NaN is the lower bound in BYTE. */
#ifndef ASH_KERNELS_QGEMM_H
#define ASH_KERNELS_QGEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum ash_qgemm_out { ASH_QGEMM_S32, ASH_QGEMM_F32, ASH_QGEMM_BYTE };

/* rows 1..mr of `words` groups, lda bytes apart and anywhere, times a panel, to c[rows][nr]. */
typedef void ash_qgemm_tile_fn(size_t rows, size_t words, const uint8_t *a, size_t lda,
                               const int32_t *b, int32_t *c);
/* n bytes x to what a tile reads: (x ^ flip) - zero in group 2, x ^ flip in group 4. */
typedef void ash_qgemm_widen_fn(size_t n, const uint8_t *x, uint8_t flip, int32_t zero, void *y);
/* The sum of the bytes of so many groups of 4, as a tile reads them. */
typedef int32_t ash_qgemm_sum_fn(size_t words, const uint8_t *a);

struct ash_qgemm_finish {
    enum ash_qgemm_out out;
    const int32_t *add;         /* [n] */
    const int32_t *rest;        /* [n], times the row's sum, is subtracted; NULL: nothing */
    const int32_t *row_sums;    /* [rows], where there is a rest */
    const float *scale, *shift; /* [n]; shift may be NULL */
    float lo, hi;
    int32_t zero;
};
/* Sums c[rows][nr], of n columns, to rows of y that are `step` bytes apart.  Arrays are readable up
 * to the next multiple of nr. */
typedef void ash_qgemm_finish_fn(const struct ash_qgemm_finish *f, size_t rows, size_t n,
                                 const int32_t *c, void *y, size_t step);

/* sums[c] = sum over taps of ((x[t][c] ^ flip) - zero) * w[t * ld + c], for depthwise convolution:
 * in float32, whole numbers below 2^24 throughout, hence exact, for up to ASH_QGEMM_TAPS taps. */
typedef void ash_qgemm_taps_fn(size_t channels, size_t taps, const uint8_t *const *x, uint8_t flip,
                               int32_t zero, const float *w, size_t ld, int32_t *sums);
enum { ASH_QGEMM_TAPS = 256 /* of at most 255 * 255 each */, ASH_QGEMM_LANES = 16 };

struct ash_qgemm_kernel {
    const char *name;
    uint32_t cpu;
    uint16_t mr, nr, group;
    bool a_signed; /* how a tile reads A; false in group 2 */
    bool narrow;   /* products of bytes are added in pairs in 16 bits */
    ash_qgemm_tile_fn *tile;
    ash_qgemm_widen_fn *widen;
    ash_qgemm_sum_fn *sum; /* NULL in group 2 */
    ash_qgemm_finish_fn *finish;
    ash_qgemm_taps_fn *depthwise; /* sums and w are there up to the next ASH_QGEMM_LANES channels */
    /* Where tiles have registers of their own, ahead of tiles of so many rows and behind them;
     * NULL: nothing to do. */
    void (*enter)(size_t rows);
    void (*leave)(void);
};

const struct ash_qgemm_kernel *const *ash_qgemm_tables(void);
/* Never NULL.  Packed weights belong to the row they were packed for. */
const struct ash_qgemm_kernel *ash_qgemm_best(void);

/* B as it lies: element (t, k, n) is b[t * step_t + k * step_k + n * step_n], and k goes over taps
 * first: t * k + i is the index in a row of A. */
struct ash_qgemm_b {
    size_t taps, k, n;
    size_t step_t, step_k, step_n;
    bool is_signed;
    const void *zero; /* [n] or one, of B's type; NULL: 0 */
    size_t zero_step; /* 0: one for all columns */
};

/* Bytes that ash_qgemm_pack writes, to memory aligned to 4; SIZE_MAX when there are too many. */
size_t ash_qgemm_packed_size(const struct ash_qgemm_kernel *row, size_t k, size_t n);
void ash_qgemm_pack(const struct ash_qgemm_kernel *row, const struct ash_qgemm_b *how,
                    const void *b, void *packed);

/* Where the next bytes of a row of A go to. */
struct ash_qgemm_put {
    const struct ash_qgemm_kernel *row;
    uint8_t flip;
    int32_t zero;
    char *at;
};
static inline void ash_qgemm_put(struct ash_qgemm_put *to, size_t n, const uint8_t *x) {
    to->row->widen(n, x, to->flip, to->zero, to->at);
    to->at += n * 4 / to->row->group;
}
/* Puts the k bytes of row i of A, one piece after the other. */
typedef void ash_qgemm_row_fn(const void *arg, size_t i, struct ash_qgemm_put *to);

/* Takes rows x n results of F32 from row m and column n0 of C on, whose rows are ld elements apart;
 * some may come twice. */
typedef void ash_qgemm_sink_fn(void *arg, size_t worker, size_t m, size_t n0, size_t rows, size_t n,
                               const float *x, size_t ld);

struct ash_qgemm {
    size_t m, n, k;
    const uint8_t
        *a; /* rows lda bytes apart, or, if there is a `gather`, what that makes them of */
    size_t lda;
    ash_qgemm_row_fn *gather;
    const void *gather_arg;
    bool a_signed;
    int32_t a_zero;
    const void *packed;
    enum ash_qgemm_out out;
    float a_scale, c_scale; /* c_scale 0: 1 */
    const float *b_scale;   /* [n] or one; NULL: 1 */
    size_t b_scale_step;    /* 0: one */
    const int32_t *bias;    /* [n] or NULL */
    const float *shift;     /* [n] or NULL */
    float lo, hi;           /* of F32; of BYTE before zero is added, whole numbers */
    int32_t zero;
    void *c; /* rows ldc elements apart */
    size_t ldc;
    ash_qgemm_sink_fn *sink; /* gets results in the place of c, if it is there */
    void *sink_arg;
};

/* Bytes of scratch that ash_qgemm_run needs; SIZE_MAX when there are too many. */
size_t ash_qgemm_scratch(const struct ash_qgemm_kernel *row, size_t m, size_t n, size_t k,
                         size_t threads);
void ash_qgemm_run(const struct ash_qgemm_kernel *row, const struct ash_qgemm *g, void *scratch,
                   struct ash_pool *pool);

/* For kernels beside this one: what ends a sum, from the facts of g.  Writes three arrays of
 * `columns` numbers to scratch, line_bytes each.  sums and rest: of packed B's columns; NULL: 0.
 * a_zero is that of A as tiles read it. */
void ash_qgemm_columns(const struct ash_qgemm *g, size_t columns, const int32_t *sums,
                       const int32_t *rest, int32_t a_zero, void *scratch, size_t line_bytes,
                       struct ash_qgemm_finish *f);

#endif
