/* Softmax and LogSoftmax of float32 along one dimension of x[outer][D][inner].
 *
 * Three passes: the maximum, the sum of exp(x - max), the scaling; x is read before y is written,
 * so y may be x.  inner = 1 sums over 16 virtual lanes, otherwise each column sums its D elements
 * in order.
 * Softmax: ULP 6 + D / 16 + |x - max|, the last for the rounding of that difference; log-softmax:
 * 4 + D / 16 eps of max(|y|, 1).
 *
 * A row that holds a NaN, a +inf or only -inf has no softmax: all of it is NaN, as in NumPy.  -inf
 * beside finite elements gives 0 (-inf with ASH_SOFTMAX_LOG). */
#ifndef ASH_KERNELS_SOFTMAX_H
#define ASH_KERNELS_SOFTMAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

/* `rows` runs of D contiguous elements, one after another. */
typedef void ash_softmax_rows_fn(bool log, size_t rows, size_t D, const float *x, float *y);
/* C columns of D elements that are `pitch` apart. */
typedef void ash_softmax_cols_fn(bool log, size_t D, size_t pitch, size_t C, const float *x,
                                 float *y);

struct ash_softmax_row {
    const char *name;
    uint32_t cpu;
    ash_softmax_rows_fn *rows;
    ash_softmax_cols_fn *cols;
};

const struct ash_softmax_row *const *ash_softmax_tables(void);
const struct ash_softmax_row *ash_softmax_best(void);

void ash_softmax_f32(const struct ash_softmax_row *row, struct ash_pool *pool, bool log,
                     size_t outer, size_t D, size_t inner, const float *x, float *y);

#endif
