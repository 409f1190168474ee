/* Windows that slide over the spatial dimensions of [N, C, spatial...]: the attributes that
 * convolutions and poolings share.
 *
 * Letters, per spatial dimension: X input, Y output, K window, S stride, L dilation, P padding
 * before, Q after.  Output position o covers inputs o * S - P + k * L, k < K. */
#ifndef ASH_OPS_WINDOW_H
#define ASH_OPS_WINDOW_H

#include "ir/op.h"

enum { ASH_WINDOW_RANK = ASH_MAX_RANK - 2 };

enum ash_auto_pad { ASH_PAD_NOTSET, ASH_PAD_SAME_UPPER, ASH_PAD_SAME_LOWER, ASH_PAD_VALID };

struct ash_window {
    int rank;     /* spatial dimensions that the attributes tell; 0: none was given */
    int auto_pad; /* enum ash_auto_pad */
    bool ceil;    /* Y is rounded up */
    bool has_kernel;
    int64_t K[ASH_WINDOW_RANK], S[ASH_WINDOW_RANK], L[ASH_WINDOW_RANK], P[ASH_WINDOW_RANK],
        Q[ASH_WINDOW_RANK];
};

struct ash_conv_attrs {
    struct ash_window window;
    int64_t groups;
};

struct ash_deconv_attrs {
    struct ash_conv_attrs conv;
    int64_t more[ASH_WINDOW_RANK], Y[ASH_WINDOW_RANK]; /* output_padding, output_shape */
    bool has_output;
};

struct ash_pool_attrs {
    struct ash_window window;
    bool max, whole; /* whole: the window is all of the input */
    bool count_pad, column_major;
    double p; /* of the norm, 0: none */
};

/* Attribute `name`, numbers of low..INT32_MAX for each spatial dimension, `low` where it is left
 * out; b: its second half.  Its length is the window's rank, or sets it. */
int ash_window_list(const struct ash_parse *c, const char *name, int64_t low, struct ash_window *w,
                    int64_t *a, int64_t *b, bool *given);
/* kernel_shape, strides, dilations, pads, auto_pad, ceil_mode.  What is left out is 1, or 0 for
 * pads, in every dimension. */
int ash_window_parse(const struct ash_parse *c, struct ash_window *w);
/* Those and `group`. */
int ash_conv_parse(const struct ash_parse *c, struct ash_conv_attrs *a);
/* ASHORE_ERR_TYPE unless image, weights and bias are of one floating-point type.  Rewrites leave
 * weights that they changed in float32 beside images of 16 bits. */
int ash_window_types(struct ash_infer *c);
/* ASHORE_ERR_SHAPE unless the attributes fit `spatial` dimensions. */
int ash_window_check(const struct ash_window *w, int spatial, struct ashore_error *err);
/* Y of dimension i from X and K. */
int ash_window_dim(struct ash_infer *c, const struct ash_window *w, int i, struct ash_dim x,
                   struct ash_dim k, struct ash_dim *y);
/* Padding before the input in dimension i, of known extents. */
int64_t ash_window_pad(const struct ash_window *w, int i, int64_t x, int64_t k, int64_t y);
/* Padding behind it. */
int64_t ash_window_pad_behind(const struct ash_window *w, int i, int64_t x, int64_t k, int64_t y);
/* The same for a transposed convolution, whose padding cuts the output. */
int64_t ash_deconv_pad(const struct ash_deconv_attrs *a, int i, int64_t x, int64_t k, int64_t y);

#endif
