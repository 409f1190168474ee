/* The order of a type's elements, as integers. */
#ifndef ASH_OPS_ORDER_H
#define ASH_OPS_ORDER_H

#include "ops/convert.h"

/* key(a) < key(b) exactly when a < b; equal numbers have equal keys (-0 is 0), NaN is above all. */
void ash_load_keys(int dtype, const void *src, size_t n, int64_t *dst);
/* The same for n elements from `start` on, `step` apart; at most ASH_TILE. */
void ash_gather_keys(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                     int64_t *dst);

#endif
