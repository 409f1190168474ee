/* What GatherElements and ScatterElements share. */
#ifndef ASH_OPS_INDEXING_H
#define ASH_OPS_INDEXING_H

#include "ops/elementwise.h"

struct ashore_error;

/* at[i]: where element first + i of the indices points to in `whole`, counted in elements. */
typedef void ash_indexed_fn(void *arg, int64_t first, const int64_t *at, size_t n);

/* Goes through the indices in row-major order, at most ASH_TILE at a time: each replaces its own
 * coordinate of dimension `axis`.  index and whole have one rank of at least 1, index no greater
 * extents but for the axis.  ASHORE_ERR_INDEX, ASHORE_ERR_SHAPE. */
int ash_each_indexed(const struct ash_tensor *whole, const struct ash_tensor *index, int axis,
                     ash_indexed_fn *fn, void *arg, struct ashore_error *err);

/* dst[to[i]] = src[from[i]] for i < n, elements of `size` bytes, in this order; NULL stands for 0,
 * 1, 2, ... */
void ash_move_indexed(size_t size, size_t n, const void *src, const int64_t *from, void *dst,
                      const int64_t *to);

#endif
