/* Turning pairs of numbers by angles, as rotary position embeddings do. */
#ifndef ASH_OPS_ROTARY_H
#define ASH_OPS_ROTARY_H

#include "ops/convert.h"

struct ash_rotation {
    const struct ash_tensor *cos, *sin; /* rows of R / 2 numbers */
    int64_t R, D;                       /* the first R of D numbers are turned */
    bool interleaved;                   /* pairs are neighbours; else R / 2 apart */
};

/* y = the D numbers at x, turned by row `row` of the angles.  y may be x. */
void ash_rotate(const struct ash_rotation *r, int dtype, const void *x, int64_t row, void *y);

#endif
