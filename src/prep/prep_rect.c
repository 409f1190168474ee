#include "prep/prep_rect.h"

#include <math.h>

static double turn(const struct ash_point *a, const struct ash_point *b,
                   const struct ash_point *c) {
    return (b->x - a->x) * (c->y - a->y) - (b->y - a->y) * (c->x - a->x);
}

int32_t ash_hull(const struct ash_point *p, int32_t n, struct ash_point *hull) {
    int32_t count = 0;
    for (int32_t i = 0; i < n; i++) {
        while (count >= 2 && turn(&hull[count - 2], &hull[count - 1], &p[i]) <= 0) count--;
        hull[count++] = p[i];
    }
    int32_t half = count + 1;
    for (int32_t i = n - 2; i >= 0; i--) {
        while (count >= half && turn(&hull[count - 2], &hull[count - 1], &p[i]) <= 0) count--;
        hull[count++] = p[i];
    }
    return n > 1 ? count - 1 : n; /* the first point has come again */
}

struct ash_rect ash_rect_around(const struct ash_point *hull, int32_t n) {
    struct ash_rect best = {hull[0].x, hull[0].y, 1, 0, 0, 0};
    double least = INFINITY;
    for (int32_t i = 0; i < n; i++) {
        const struct ash_point *p = &hull[i], *q = &hull[(i + 1) % n];
        double ux = q->x - p->x, uy = q->y - p->y, length = sqrt(ux * ux + uy * uy);
        if (!(length > 0)) continue;
        ux /= length;
        uy /= length;
        double low_u = INFINITY, high_u = -INFINITY, low_v = INFINITY, high_v = -INFINITY;
        for (int32_t k = 0; k < n; k++) {
            double u = hull[k].x * ux + hull[k].y * uy, v = hull[k].y * ux - hull[k].x * uy;
            low_u = fmin(low_u, u);
            high_u = fmax(high_u, u);
            low_v = fmin(low_v, v);
            high_v = fmax(high_v, v);
        }
        double area = (high_u - low_u) * (high_v - low_v);
        if (area >= least) continue;
        least = area;
        double u = (low_u + high_u) / 2, v = (low_v + high_v) / 2;
        best = (struct ash_rect){u * ux - v * uy,      u * uy + v * ux,     ux, uy,
                                 (high_u - low_u) / 2, (high_v - low_v) / 2};
    }
    return best;
}

void ash_rect_corners(const struct ash_rect *r, struct ash_point corner[4]) {
    double ax = r->ux * r->a, ay = r->uy * r->a, bx = -r->uy * r->b, by = r->ux * r->b;
    /* Clockwise with y down, whatever the direction is. */
    struct ash_point p[4] = {{r->x - ax - bx, r->y - ay - by},
                             {r->x + ax - bx, r->y + ay - by},
                             {r->x + ax + bx, r->y + ay + by},
                             {r->x - ax + bx, r->y - ay + by}};
    /* The sides point to the right, down, left and up: the first of them starts at the top left. */
    int start = 0;
    while (start < 3 && p[(start + 1) % 4].x - p[start].x < fabs(p[(start + 1) % 4].y - p[start].y))
        start++;
    for (int i = 0; i < 4; i++) corner[i] = p[(start + i) % 4];
}
