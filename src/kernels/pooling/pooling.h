/* Maximum and average over windows of channels-last float32, with one to three spatial dimensions.
 *
 * Letters: N batch, C channels; X input and Y output extents, K window, S stride, L dilation, P
 * padding before and Q after, each [3] with unused leading dimensions 1 (P, Q: 0).  Output position
 * o covers input positions o * S - P + k * L, k < K; those outside of the input are padding, which
 * the maximum and the sum leave out.  The caller gives Y, so floor and ceil modes are its choice.
 *
 * Average: BOUND (taps + 1) * eps * mean |x|.  Maximum: EXACT; NaN where a tap is NaN.  A window
 * that covers padding alone gives -inf (maximum) or NaN (average without count_pad). */
#ifndef ASH_KERNELS_POOLING_H
#define ASH_KERNELS_POOLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum ash_pooling { ASH_POOLING_MAX, ASH_POOLING_AVERAGE };

struct ash_pooling_shape {
    size_t N, C;
    size_t X[3], Y[3], K[3], S[3], L[3], P[3], Q[3];
    size_t y_step;  /* floats from output position to position; 0: C */
    bool count_pad; /* the average divides by all taps inside input and padding */
};

/* One output position of C channels: taps[0] * taps[1] * taps[2] input positions, step[i] elements
 * apart; the average is the sum divided by count. */
typedef void ash_pooling_fn(enum ash_pooling op, const size_t taps[3], const size_t step[3],
                            size_t C, const float *x, float count, float *y);

struct ash_pooling_row {
    const char *name;
    uint32_t cpu;
    ash_pooling_fn *window;
};

const struct ash_pooling_row *const *ash_pooling_tables(void);
const struct ash_pooling_row *ash_pooling_best(void);

/* x[N][X0][X1][X2][C] to y[N][Y0][Y1][Y2][C]; y must not overlap x. */
void ash_pooling_f32(const struct ash_pooling_row *row, struct ash_pool *pool, enum ash_pooling op,
                     const struct ash_pooling_shape *s, const float *x, float *y);

/* Global pooling: one window over x[N][positions][C].  Average: BOUND (min(positions, 128) +
 * positions / 128 + 1) * eps * mean |x|. */
void ash_pooling_global(const struct ash_pooling_row *row, struct ash_pool *pool,
                        enum ash_pooling op, size_t N, size_t positions, size_t C, const float *x,
                        float *y);

#endif
