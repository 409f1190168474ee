/* Products with quantised weights: y[m, n] = sum over k of a[m, k] * w[k, n], a and y float32, and
 * w[k, n] = (q[k, n] - zero[b, n]) * scale[b, n] with codes q of 4 or 8 bits and b = k / block.
 *
 * Letters: m rows, n columns, k the sum's length; B blocks of `block` elements, the last one filled
 * up.  Codes are packed into panels of nr columns, [panel][block][word][nr] words of 32 bits that
 * hold 8 or 4 successive k of one column, lowest first.
 *
 * One row of a (m = 1): in each block two sums by vf_fma, of the even and of the odd k, ascending;
 * t = (even + odd) - zero * sum a, then total = vf_fma(scale, t, total).  BOUND k + 2 B + 8 on the
 * sum of |a| * (q + |zero|) * |scale|, for |a| above 2^-100 or 0; an infinite a gives NaN.
 *
 * One row in bytes, where the caller asks for them: in each block a is rounded to whole numbers of
 * 7 bits and a sign, i = round(a / d) with d = max |a| / 127 in float32, ties to even; the sums of
 * i * q and of i are exact, t = (float(sum i * q) - zero * sum i) * d.  BOUND 2 B + 8 with i * d
 * for a; a block with an a that is not finite gives NaN.
 *
 * Several rows: w is rounded to float32 twice and multiplied as in gemm.h.  Rows of the table with
 * fused multiply-add agree bit for bit; threads change nothing. */
#ifndef ASH_KERNELS_NBITS_H
#define ASH_KERNELS_NBITS_H

#include "kernels/gemm/gemm.h"

struct ash_nbits_shape {
    size_t n, k, block; /* k: at least 1; block: a power of two, at least 16 */
    int bits;           /* 4 or 8 */
    bool zeros;         /* zero points are packed; otherwise all are `zero` */
    float zero;
    bool bytes; /* one row is rounded to bytes; takes blocks of at most ASH_NBITS_BYTES_BLOCK */
};
enum { ASH_NBITS_BYTES_BLOCK = 1 << 15 }; /* the sums fit in 32 bits */

/* A panel, or the part of it from some block on. */
struct ash_nbits_tile {
    int bits;
    size_t k, block;
    const uint32_t *q;
    const float *scale, *zeros; /* [B][nr]; zeros NULL: all are `zero` */
    float zero;
    const float *a;    /* [B * block], scaled as ash_nbits_scale says */
    const float *sums; /* [B] of a */
    /* In bytes, else NULL: int16 (k, k + h) for the first h = 16 / bits of each 2 h elements, the
     * first in the lower half of a word; their factors. */
    const int32_t *pairs;
    const float *a_scale; /* [B] */
    float *y;
};

typedef void ash_nbits_fn(const struct ash_nbits_tile *tile);

struct ash_nbits_row {
    const char *name;
    uint32_t cpu;
    uint16_t nr;
    ash_nbits_fn *dot;    /* y[nr] */
    ash_nbits_fn *unpack; /* w into y[k][nr] */
};

/* Every linked row: a NULL-terminated array of tables, each closed by an empty row. */
const struct ash_nbits_row *const *ash_nbits_tables(void);
/* The best row for this processor, never NULL. */
const struct ash_nbits_row *ash_nbits_best(void);

/* A word's codes are taken out of it in groups: shifted down together, each then masked where it
 * is and so too large by a power of two that a is divided by. */
static inline int ash_nbits_group(int bits) { return bits == 4 ? 4 : 2; }
static inline float ash_nbits_scale(int bits, size_t k) {
    static const float scale[2][4] = {{1, 0x1p-4f, 0x1p-8f, 0x1p-12f}, {1, 0x1p-8f, 1, 0x1p-8f}};
    return scale[bits == 8][k % 4];
}

/* Bytes of the packed form; SIZE_MAX when there are too many. */
size_t ash_nbits_packed_size(const struct ash_nbits_row *row, const struct ash_nbits_shape *s);
/* q: [n][B][block] codes of `bits` (or, as `from` = 2 bits, widened), lowest first in bytes; scale
 * [n][B]; zeros [n][B], or NULL. */
void ash_nbits_pack(const struct ash_nbits_row *row, const struct ash_nbits_shape *s, int from,
                    const unsigned char *q, const float *scale, const float *zeros, void *packed);

/* Scratch for m rows and so many threads; SIZE_MAX when there is too much.  Needs gemm->nr to
 * divide row->nr. */
size_t ash_nbits_scratch(const struct ash_nbits_row *row, const struct ash_nbits_shape *s, size_t m,
                         size_t threads);
/* Rows of a and y are k and n apart; bias[n] or NULL. */
void ash_nbits_f32(const struct ash_nbits_row *row, const struct ash_gemm_kernel *gemm,
                   const struct ash_nbits_shape *s, const void *packed, size_t m, const float *a,
                   const float *bias, float *y, void *scratch, struct ash_pool *pool);

#endif
