/* Outlines of regions on a grid. */
#ifndef ASH_PREP_OUTLINE_H
#define ASH_PREP_OUTLINE_H

#include "prep/prep_rect.h"

#include "base/error.h"

#include <stddef.h>

/* Places of a map of `width` columns that are connected, and the box that they lie in. */
struct ash_blob {
    const int32_t *place; /* y * width + x */
    size_t count;
    int32_t width, left, top, right, bottom; /* right and bottom belong to the box */
};

/* Where the points of outlines are collected. */
struct ash_outlines {
    struct ash_point *point;
    size_t count, room;
};

/* Appends the outline of everything that lies within the distance by which a region grows,
 * clockwise: its area over the length of its own outline, `unclip` times (area and length of the
 * blob, as in the paper on differentiable binarisation).  Simplified to within a place. */
int ash_outline(struct ash_outlines *to, const struct ash_blob *blob, double unclip,
                struct ashore_error *err);
void ash_outlines_deinit(struct ash_outlines *o);

#endif
