/* Data movement by the size of an element alone. */
#ifndef ASH_OPS_MOVE_H
#define ASH_OPS_MOVE_H

#include "ir/op.h"

enum { ASH_MOVE_RANK = 2 * ASH_MAX_RANK };

/* dst[sum i_k * dstep[k]] = src[sum i_k * sstep[k]] for every index i of `rank` extents, at most
 * ASH_MOVE_RANK.  Elements of `size` bytes; steps in elements, negative or 0 where wanted (dstep:
 * no element is written twice).  src and dst do not overlap. */
void ash_move(int rank, const int64_t *dim, size_t size, const void *src, const int64_t *sstep,
              void *dst, const int64_t *dstep);
/* n elements, all a copy of *element (NULL: zero bytes). */
void ash_fill(void *dst, size_t size, int64_t n, const void *element);
/* Steps of row-major order. */
void ash_steps(int rank, const int64_t *dim, int64_t *step);
/* src and dst have the same extents: a plain copy, nothing where they are the same memory. */
void ash_copy(struct ash_tensor *dst, const struct ash_tensor *src);

/* Makes index, which may be negative, a number in 0..n-1; ASHORE_ERR_INDEX. */
int ash_index(int64_t index, int64_t n, int64_t *out, struct ashore_error *err);

/* ASHORE_NEEDS_DATA when an extent that was read from data is unknown or only bounded. */
int ash_infer_known(const struct ash_dim *dim, int n);
/* Elements that input i, a list of integers, will have: -1 when not known. */
int64_t ash_infer_length(const struct ash_infer *c, int i);
/* The axes in a list, each a number in 0..rank-1, none twice. */
int ash_axes(const int64_t *list, int n, int rank, int *axes, struct ashore_error *err);
/* Output o of rank extents that are not known. */
void ash_infer_rank(struct ash_infer *c, int o, int rank);

/* Output i is v, whose reference is taken. */
void ash_run_give(struct ash_run *c, int i, struct ashore_value *v);

#endif
