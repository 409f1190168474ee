/* The smallest rectangle around points of a pixel grid. */
#ifndef ASH_PREP_RECT_H
#define ASH_PREP_RECT_H

#include <stdint.h>

struct ash_point {
    double x, y;
};

/* Centre, direction of the first side, half of the first and of the second side. */
struct ash_rect {
    double x, y, ux, uy, a, b;
};

/* The convex hull of points in ascending order of y, then of x (A. Andrew's monotone chain, 1979).
 * hull has room for n + 1 points.  Returns how many there are: 1 for a point, 2 for a line. */
int32_t ash_hull(const struct ash_point *p, int32_t n, struct ash_point *hull);
/* The rectangle of least area around a convex hull of n >= 1 points: one of its sides lies on an
 * edge of the hull (H. Freeman and R. Shapira, 1975). */
struct ash_rect ash_rect_around(const struct ash_point *hull, int32_t n);
/* Corners clockwise (y down) from the top left: the first side is the one that points to the right.
 */
void ash_rect_corners(const struct ash_rect *r, struct ash_point corner[4]);

#endif
