/* Scaled dot-product attention of float32, Y = softmax(scale * Q x K^T + bias) x V, without the
 * matrix of all scores in memory.
 *
 * Letters: B batches, H heads of queries, of which G at a time share a head of keys and values; S
 * queries, T keys; D numbers of a query and a key, E of a value.
 *
 * A score is the sum of its D products in ascending order, as in gemm; with at most
 * ASH_ATTENTION_FEW queries it is summed over 16 virtual lanes instead.  Then come the scale, the
 * cap, and the biases in order.  The softmax of a row takes the maximum, the sum of the
 * exponentials over 16 virtual lanes (key j in lane j % 16) and the scaling; each result adds its T
 * products in ascending order.  Neither the row of the table, nor the tile, nor the number of
 * threads changes a bit, and rows with fused multiply-add agree bit for bit.  attention_check.c
 * derives the bound. */
#ifndef ASH_KERNELS_ATTENTION_H
#define ASH_KERNELS_ATTENTION_H

#include "kernels/gemm/gemm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum { ASH_ATTENTION_FEW = 4, ASH_ATTENTION_BIASES = 2 };

/* The scores of one query, s[0] that of key `first`, a multiple of 16; keys lo..hi-1 are seen. */
struct ash_attention_span {
    size_t first, lo, hi, end; /* s holds the keys first..end-1, rounded up to 16 */
    float scale, cap;          /* cap 0: none; otherwise x becomes cap * tanh(x / cap) */
    const float *bias[ASH_ATTENTION_BIASES]; /* at key 0; NULL: none */
    float floor[ASH_ATTENTION_BIASES];
    const float *sink; /* one more score, that of nothing; NULL: none */
    bool zero;         /* only -inf gives zeros instead of NaN */
    bool quiet;        /* whatever would give NaN gives zeros */
};
/* Scores become probabilities, 0 for the keys that are not seen. */
typedef void ash_attention_softmax_fn(const struct ash_attention_span *p, float *s);
/* s[j] = q . k[j] over D elements, for n rows of k `step` apart. */
typedef void ash_attention_dot_fn(size_t n, size_t D, const float *q, const float *k, size_t step,
                                  float *s);
/* y = sum over j of p[j] * v[j], E elements, for n rows of v `step` apart. */
typedef void ash_attention_mix_fn(size_t n, size_t E, const float *p, const float *v, size_t step,
                                  float *y);

struct ash_attention_row {
    const char *name;
    uint32_t cpu;
    ash_attention_softmax_fn *softmax;
    ash_attention_dot_fn *dot;
    ash_attention_mix_fn *mix;
};

const struct ash_attention_row *const *ash_attention_tables(void);
const struct ash_attention_row *ash_attention_best(void);

/* Row i of head h of batch b begins at data[b * batch + h * head + i * row]. */
struct ash_attention_view {
    const float *data;
    size_t batch, head, row;
};

struct ash_attention {
    size_t B, H, G, S, T, D, E;
    struct ash_attention_view q, k, v; /* k and v have H / G heads */
    float *y;                          /* overlaps none of them */
    size_t y_batch, y_head, y_row;
    float scale, cap;
    struct ash_attention_view bias[ASH_ATTENTION_BIASES]; /* rows of T elements; data NULL: none; a
                                                             step of 0 shares */
    float floor[ASH_ATTENTION_BIASES]; /* a bias of at most this replaces the score it would be
                                          added to */
    const int64_t *length;             /* [B] keys that are there; NULL: T */
    const int64_t *position;           /* [B] of the first query among the keys; NULL: `past` */
    int64_t past, left, right; /* a query at position p sees the keys p - left to p + right; -1: no
                                  limit */
    const float *sink;         /* [H]; NULL: none */
    bool zero, quiet;          /* as in the span */
};

/* Bytes that ash_attention_f32 works in, from ash_alloc_aligned; SIZE_MAX when there are too many.
 */
size_t ash_attention_scratch(const struct ash_gemm_kernel *gemm, const struct ash_attention *a,
                             size_t threads);
void ash_attention_f32(const struct ash_attention_row *row, const struct ash_gemm_kernel *gemm,
                       const struct ash_attention *a, void *scratch, struct ash_pool *pool);

#endif
