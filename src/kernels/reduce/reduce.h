/* Reductions of float32 over any set of dimensions.
 *
 * Order.  After collapsing, kept and reduced dimensions alternate.  When the innermost is reduced,
 * a run of D elements is summed in blocks of ASH_REDUCE_BLOCK over 16 virtual lanes (element i in
 * lane i mod 16), blocks are added to 16 running totals, and the lanes are joined by the fixed tree
 * of base/vec.h at the end.  When the innermost is kept, the D elements of a column are summed in
 * order in blocks of ASH_REDUCE_COLUMN, blocks added to the total.  Further reduced dimensions run
 * outside, in row-major order.  BOUND: (D + 1) * eps * sum |x|; max and min are EXACT.
 *
 * NaN: max and min give NaN when an element is NaN, as NumPy does.  Of +0 and -0 either may be
 * returned.  A reduction of nothing gives 0 (sum, sumsq, l1, l2), 1 (prod), -inf (max), +inf (min)
 * and NaN (mean). */
#ifndef ASH_KERNELS_REDUCE_H
#define ASH_KERNELS_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum ash_reduce {
    ASH_REDUCE_SUM,
    ASH_REDUCE_MEAN,
    ASH_REDUCE_MAX,
    ASH_REDUCE_MIN,
    ASH_REDUCE_PROD,
    ASH_REDUCE_SUMSQ,
    ASH_REDUCE_L1,
    ASH_REDUCE_L2,
    ASH_REDUCE_COUNT
};

enum { ASH_REDUCE_BLOCK = 4096, ASH_REDUCE_COLUMN = 128 };

/* Folds D contiguous elements into the 16 lanes of acc. */
typedef void ash_reduce_run_fn(enum ash_reduce op, size_t D, const float *x, float *acc);
/* Joins the 16 lanes. */
typedef float ash_reduce_join_fn(enum ash_reduce op, const float *acc);
/* Folds D rows of C contiguous elements, `pitch` apart, into acc[C]. */
typedef void ash_reduce_cols_fn(enum ash_reduce op, size_t D, size_t pitch, size_t C,
                                const float *x, float *acc);

/* The last step on n totals of `count` elements each: the mean's division, the root of l2. */
typedef void ash_reduce_finish_fn(enum ash_reduce op, size_t count, size_t n, float *y);

struct ash_reduce_row {
    const char *name;
    uint32_t cpu;
    ash_reduce_run_fn *run;
    ash_reduce_join_fn *join;
    ash_reduce_cols_fn *cols;
    ash_reduce_finish_fn *finish;
};

/* What a reduction starts from. */
float ash_reduce_identity(enum ash_reduce op);

const struct ash_reduce_row *const *ash_reduce_tables(void);
const struct ash_reduce_row *ash_reduce_best(void);

/* y[kept dimensions] = op over the dimensions with reduced[i] set.  rank 0..8.  y must not overlap
 * x.  A whole output element is one thread's work. */
void ash_reduce_f32(const struct ash_reduce_row *row, struct ash_pool *pool, enum ash_reduce op,
                    int rank, const size_t *dim, const bool *reduced, const float *x, float *y);

#endif
