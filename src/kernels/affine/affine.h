/* What a normalisation with known statistics is: y[r, c] = act(x[r, c] * scale[c] + shift[c]), the
 * product and the sum rounded each.
 *
 * Letters: R rows of C contiguous elements.  EXACT but for the activation, whose class is that of
 * eltwise.h. */
#ifndef ASH_KERNELS_AFFINE_H
#define ASH_KERNELS_AFFINE_H

#include "kernels/act.h"

#include <stddef.h>
#include <stdint.h>

struct ash_pool;

/* y may be x. */
typedef void ash_affine_fn(struct ash_act_f32 act, size_t R, size_t C, const float *x,
                           const float *scale, const float *shift, float *y);

struct ash_affine_row {
    const char *name;
    uint32_t cpu;
    ash_affine_fn *rows;
};

const struct ash_affine_row *const *ash_affine_tables(void);
const struct ash_affine_row *ash_affine_best(void);

/* y may be x. */
void ash_affine_f32(const struct ash_affine_row *row, struct ash_pool *pool, struct ash_act_f32 act,
                    size_t R, size_t C, const float *x, const float *scale, const float *shift,
                    float *y);

#endif
