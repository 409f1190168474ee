/* What lowerings share.  Types in struct ash_lower are exact. */
#ifndef ASH_OPS_LOWERING_H
#define ASH_OPS_LOWERING_H

#include "ir/op.h"

static inline size_t ash_extent(const struct ash_type *t, int i) { return (size_t)t->dim[i].value; }
/* Product of extents first..last-1. */
size_t ash_extents(const struct ash_type *t, int first, int last);
static inline size_t ash_type_count(const struct ash_type *t) { return ash_extents(t, 0, t->rank); }
bool ash_same_extents(const struct ash_type *a, const struct ash_type *b);

/* Input i is there and is of type float32. */
bool ash_lower_in_f32(const struct ash_lower *c, int i);
/* All inputs that are there and all outputs are of type float32. */
bool ash_lower_all_f32(const struct ash_lower *c);
/* Input i as a constant of type float32 with `count` elements, else NULL. */
const float *ash_lower_constant(const struct ash_lower *c, int i, size_t count);

/* The step runs `run` with the parameters returned, cleared, `size` bytes in the plan's arena; row
 * is the name of the kernel.  NULL: out of memory, the error is set. */
void *ash_lower_to(struct ash_lower *c, ash_run_fn *run, size_t size, const char *row);

/* A float32 input that may be left out. */
static inline const float *ash_run_f32(const struct ash_run *c, int i) {
    return ash_run_has(c, i) ? (const float *)c->in[i]->data : NULL;
}
static inline float *ash_run_out_f32(const struct ash_run *c, int i) {
    return i < c->n_out && c->out[i] ? (float *)c->out[i]->data : NULL;
}
/* The extents of a tensor for kernels. */
void ash_run_extents(const struct ash_tensor *t, size_t *dim);

#endif
