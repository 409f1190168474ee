/* Permutation of a tensor's dimensions, by the size of its elements alone.  EXACT.
 *
 * A row moves one block: y[c * yp + r] = x[r * xp + c] for r < R, c < C; pitches in elements.  x
 * and y do not overlap.  Source of the in-register part: log2(n) rounds of interleaving rows i and
 * i + n/2 transpose an n x n matrix. */
#ifndef ASH_KERNELS_TRANSPOSE_H
#define ASH_KERNELS_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>

struct ash_pool;

typedef void ash_transpose_fn(size_t R, size_t C, const void *x, size_t xp, void *y, size_t yp);

struct ash_transpose_row {
    const char *name;
    uint32_t cpu;
    ash_transpose_fn *block[4]; /* elements of 1, 2, 4 and 8 bytes */
};

const struct ash_transpose_row *const *ash_transpose_tables(void);
const struct ash_transpose_row *ash_transpose_best(void);

/* y is x with output dimension i = input dimension perm[i].  dim: the input's extents; rank 0..8;
 * elem 1, 2, 4 or 8 bytes.  perm must be a permutation.  y must not overlap x. */
void ash_transpose_run(const struct ash_transpose_row *row, struct ash_pool *pool, int rank,
                       const size_t *dim, const int *perm, size_t elem, const void *x, void *y);

#endif
