/* Recurrent layers in float32 with ONNX's default activations: LSTM, GRU and the plain RNN, over a
 * whole sequence and in both directions.
 *
 * Letters: T steps, N batch, I inputs, H hidden size, G gates (LSTM 4: i o f c; GRU 3: z r h; RNN
 * 1), D directions.  ONNX's layout 0: x[T][N][I], W[D][G H][I], R[D][G H][H], B[D][2 G H],
 * peepholes P[D][3 H] (i o f), y[T][D][N][H], states [D][N][H].
 *
 * The products of all steps with W are one matrix product; each step is one with R (two for a GRU
 * that resets before the product) and then the gates' functions, block by block of hidden units.
 * With two directions and a small R the directions are two tiles of work.  Bits do not depend on
 * the number of threads, and rows with fused multiply-add agree.  The functions are right to a few
 * eps of 1, not of small results.  BOUND, in units of eps: a few times (I + H) T. */
#ifndef ASH_KERNELS_RNN_H
#define ASH_KERNELS_RNN_H

#include "kernels/act.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_gemm_kernel;
struct ash_pool;

enum ash_rnn { ASH_RNN_PLAIN, ASH_RNN_GRU, ASH_RNN_LSTM };

struct ash_rnn_shape {
    enum ash_rnn kind;
    size_t T, N, I, H;
    size_t D;                 /* 1 or 2: forward, then reverse */
    bool reverse;             /* with D = 1 */
    bool linear_before_reset; /* GRU */
    bool input_forget;        /* LSTM: f = 1 - i */
    float clip;               /* 0: none; else the gates' inputs are kept within +-clip */
    struct ash_act_f32 act;   /* RNN; its default is ASH_ACT_TANH */
    bool bytes;               /* LSTM: R is in bytes, as kernels/rnnq packs it */
};

/* What `columns` of R take in bytes, with their scales and zero points: floats; columns are a
 * multiple of 4. */
static inline size_t ash_rnn_bytes_floats(size_t H, size_t columns) {
    return columns / 4 * H + 2 * columns;
}

/* Gates are computed for groups of `lanes` units: all of a unit's gates are in one group, and the
 * last group is filled up with units of zeros.  A block is a few groups, whose weights are a stream
 * [H][columns]. */
enum ash_rnn_stage {
    ASH_RNN_STAGE_PLAIN,      /* h = act(gates) */
    ASH_RNN_STAGE_LSTM,       /* c and h */
    ASH_RNN_STAGE_GRU_LINEAR, /* h, where reset acts on the sums */
    ASH_RNN_STAGE_GRU_RESET,  /* z in the place of the new h, reset = r * h */
    ASH_RNN_STAGE_GRU_MIX     /* h from z and the last gate */
};

/* Groups of one batch row; each pointer is at the first of them. */
struct ash_rnn_cell {
    enum ash_rnn_stage stage;
    size_t groups;
    const float *x,
        *sums; /* products with x (bias included) and with h: x_step, sums_step a group */
    size_t x_step, sums_step;
    const float *bias;     /* GRU_LINEAR: added to the sums */
    const float *peephole; /* of i, o and f `units` apart, or NULL */
    size_t units;
    const float *h;
    float *to, *c, *reset; /* to: the new h */
    float clip;            /* infinite for none */
    bool input_forget;
    enum ash_act act;
};

typedef void ash_rnn_cell_fn(const struct ash_rnn_cell *cell);
/* y[j] = sum over i of x[i] * b[i][j] for nv vectors of columns, nv at most ASH_RNN_VECTORS. */
typedef void ash_rnn_sums_fn(size_t nv, size_t k, const float *x, const float *b, float *y);
enum { ASH_RNN_VECTORS = 12 };

struct ash_rnn_row {
    const char *name;
    uint32_t cpu;
    uint16_t lanes; /* at most 16 */
    ash_rnn_cell_fn *cell;
    ash_rnn_sums_fn *sums;
};

const struct ash_rnn_row *const *ash_rnn_tables(void);
const struct ash_rnn_row *ash_rnn_best(void);

/* Bytes of the packed weights, and of the scratch of a run, both aligned to 16; SIZE_MAX when there
 * are too many.  Packed weights depend on T and N not at all, and belong to both rows. */
size_t ash_rnn_packed_size(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                           const struct ash_rnn_shape *s);
size_t ash_rnn_scratch(const struct ash_rnn_row *row, const struct ash_rnn_shape *s);

/* Where R of direction d begins, in floats from the packed weights' start. */
size_t ash_rnn_place(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                     const struct ash_rnn_shape *s, size_t d);
/* B and P may be NULL.  In bytes, R is not read, and its place is cleared. */
void ash_rnn_pack(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                  const struct ash_rnn_shape *s, const float *W, const float *R, const float *B,
                  const float *P, float *packed);

/* lens[N], each 0..T, h0 and c0 may be NULL (all T, zeros), and so may y, yh and yc.  Beyond a
 * sequence's length y is 0; yh and yc are the states at its end. */
struct ash_rnn_io {
    const float *x, *h0, *c0;
    const int32_t *lens;
    float *y, *yh, *yc;
};

/* No output overlaps an input. */
void ash_rnn_f32(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                 struct ash_pool *pool, const struct ash_rnn_shape *s, const float *packed,
                 const struct ash_rnn_io *io, void *scratch);

#endif
