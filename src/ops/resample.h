/* One dimension of a resize: which input positions an output position is made of.
 *
 * Positions are computed in double.  Nearest rounds the division in them to float32, so that a
 * scale such as 4/3, which float32 holds inexactly, still falls on the grid that it means. */
#ifndef ASH_OPS_RESAMPLE_H
#define ASH_OPS_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum ash_resample_mode { ASH_RESAMPLE_NEAREST, ASH_RESAMPLE_LINEAR, ASH_RESAMPLE_CUBIC };

enum ash_resample_coord {
    ASH_RESAMPLE_HALF_PIXEL,
    ASH_RESAMPLE_HALF_PIXEL_SYMMETRIC,
    ASH_RESAMPLE_PYTORCH_HALF_PIXEL,
    ASH_RESAMPLE_ALIGN_CORNERS,
    ASH_RESAMPLE_ASYMMETRIC,
    ASH_RESAMPLE_CROP,
    ASH_RESAMPLE_TF_HALF_PIXEL /* operator sets 11 and 12 */
};

enum ash_resample_round {
    ASH_RESAMPLE_PREFER_FLOOR,
    ASH_RESAMPLE_PREFER_CEIL,
    ASH_RESAMPLE_FLOOR,
    ASH_RESAMPLE_CEIL,
    ASH_RESAMPLE_SIMPLE /* up when the dimension shrinks, else down: before operator set 11 */
};

struct ash_resample {
    int mode, coord, round;  /* the enumerations above */
    bool antialias, exclude; /* exclude: what lies outside has no weight */
    double a;                /* of the cubic */
    int64_t in, out;         /* extents; in at least 1 where positions are asked for */
    double scale, width;     /* positive; width: out before it was rounded */
    double from, to;         /* CROP: the region, 0 and 1 are the first and last position */
};

/* Every output position is the input position of the same number. */
bool ash_resample_same(const struct ash_resample *r);
/* The input position nearest to output position o, -1 when CROP leaves the input. */
int64_t ash_resample_nearest(const struct ash_resample *r, int64_t o);
/* Most input positions that any output position is made of (linear, cubic). */
int64_t ash_resample_room(const struct ash_resample *r);
/* Output o is the sum of the input positions *first.. with these weights; returns how many, 0 when
 * CROP leaves the input.  Positions outside are those at the edge, or left out with `exclude`. */
int64_t ash_resample_taps(const struct ash_resample *r, int64_t o, int64_t *first, double *weight);

#endif
