/* Two-dimensional convolution in float32 over channels-last images, as a matrix product without a
 * copy of the image: one row per output pixel, whose pointers lead to the input pixels under the
 * kernel.  (M. Dukhan, The Indirect Convolution Algorithm, 2019.)
 *
 * Letters: n images of h x w pixels with c channels in, oh x ow with oc out; kh x kw kernel.
 * x[n][h][w][c], y[n][oh][ow][oc]; a one-dimensional convolution has h = kh = 1.  Sums run over
 * kh, kw and c in ascending order, as gemm.h has it. */
#ifndef ASH_KERNELS_CONV_H
#define ASH_KERNELS_CONV_H

#include "kernels/gemm/gemm.h"

struct ash_conv {
    size_t n, h, w, c, oh, ow, oc, kh, kw;
    size_t groups;                                     /* divides c and oc */
    size_t stride_h, stride_w, dilation_h, dilation_w; /* 1 at least */
    size_t pad_top, pad_left; /* below and on the right follows from oh and ow */
    size_t x_step, y_step;    /* floats from pixel to pixel; 0: c and oc.  Images are dense. */
};

/* Weights w[oc][c / groups][kh][kw] packed for a row of the matrix product. */
size_t ash_conv_packed_size(const struct ash_gemm_kernel *row, const struct ash_conv *s);
void ash_conv_pack(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *w,
                   float *packed);

/* Bytes that ash_conv_f32 needs beside it, aligned to 16; SIZE_MAX when there are too many. */
size_t ash_conv_scratch(const struct ash_gemm_kernel *row, const struct ash_conv *s,
                        size_t threads);

/* out.residual lies as y does, its pixels out.ld_residual floats apart (0: as those of y).  Neither
 * it nor x overlaps y. */
void ash_conv_f32(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *x,
                  const float *packed, float *y, const struct ash_gemm_out *out, void *scratch,
                  struct ash_pool *pool);

/* For kernels that reach neighbouring pixels of a line in this way: to[i] is line + at * step for
 * at = first + i * stride in 0..w-1, elsewhere `zero`; i < count. */
void ash_conv_aim(const float *line, ptrdiff_t first, size_t stride, size_t step, size_t w,
                  size_t count, const float *zero, const float **to);

#endif
