/* Resampling of float32: each output is a weighted sum of inputs, along one or two dimensions or at
 * any positions of a plane.
 *
 * x[outer][h.in][w.in][inner], y[outer][h.out][w.out][inner]: inner is 1 for images with channels
 * first, and the channels for images with channels last.
 *
 * Sums run over the taps of h from zero, then, over those, over the taps of w, both in ascending
 * order by vf_fma; a dimension that stays as it is is not multiplied.  The order is the same in
 * every row of the table, for any number of threads and for either place of the channels.  BOUND:
 * (h.taps + w.taps) * eps * sum |w| |x|.  A tap of weight 0 is multiplied. */
#ifndef ASH_KERNELS_RESIZE_H
#define ASH_KERNELS_RESIZE_H

#include <stddef.h>
#include <stdint.h>

struct ash_pool;

/* Output o is the sum over t < taps of w[t * out + o] times input at[t * out + o], which is
 * at[o] + t. */
struct ash_resize_axis {
    size_t in, out, taps;
    const int32_t *at;
    const float *w; /* NULL: output o is input o, `in` is `out` */
};

struct ash_resize_shape {
    size_t outer, inner;
    size_t y_step; /* ash_resize_copy: elements from output position to position; 0: inner */
    struct ash_resize_axis h, w;
};

/* y[i] = sum over t of w[t * w_step] * x[t * x_step + i], i < n. */
typedef void ash_resize_blend_fn(size_t taps, const float *w, size_t w_step, const float *x,
                                 size_t x_step, size_t n, float *y);
/* y[i] = sum over t of w[t * step + i] * x[at[t * step + i]], i < n; 0 where the position is
 * negative. */
typedef void ash_resize_gather_fn(size_t taps, size_t step, const int32_t *at, const float *w,
                                  const float *x, size_t n, float *y);

struct ash_resize_row {
    const char *name;
    uint32_t cpu;
    ash_resize_blend_fn *blend;
    ash_resize_gather_fn *gather;
};

const struct ash_resize_row *const *ash_resize_tables(void);
const struct ash_resize_row *ash_resize_best(void);

/* Bytes beside it, aligned to 16; SIZE_MAX when there are too many. */
size_t ash_resize_scratch(const struct ash_resize_shape *s, size_t threads);
/* y does not overlap x. */
void ash_resize_f32(const struct ash_resize_row *row, struct ash_pool *pool,
                    const struct ash_resize_shape *s, const float *x, float *y, void *scratch);
/* Elements of four bytes of any type, each output a copy of its first tap; weights are not looked
 * at. */
void ash_resize_copy(struct ash_pool *pool, const struct ash_resize_shape *s, const void *x,
                     void *y);
/* The same positions in each of C planes: point p of y's plane c is the sum over t < taps, in
 * ascending order, of w[t * points + p] * x[c * plane + at[t * points + p]]; negative positions
 * are zeros.  BOUND: taps * eps * sum |w| |x|. */
struct ash_sample {
    size_t C, points, taps;
    const int32_t *at;
    const float *w, *x;
    size_t x_plane, y_plane; /* floats from plane to plane */
    float *y;                /* does not overlap x */
};
void ash_sample_f32(const struct ash_resize_row *row, struct ash_pool *pool,
                    const struct ash_sample *s);

#endif
