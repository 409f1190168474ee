/* Transposed convolution in float32 over channels-last images, as matrix products.
 *
 * Letters and struct ash_conv: conv.h, where x is still the input and y the output: y(oy, ox) is
 * the sum over all (ky, kx) and (iy, ix) with iy * stride_h + ky * dilation_h - pad_top = oy, and
 * likewise for x.  Output pixels with the same remainder of oy + pad_top by stride_h and of
 * ox + pad_left by stride_w, a phase, have the same taps.  A phase is an ordinary product: its rows
 * are its pixels, reached through pointers as in conv.h, and nothing is scattered or added twice.
 *
 * Sums run over kh, kw and c in ascending order, as gemm.h has it.  x_step and y_step are 0. */
#ifndef ASH_KERNELS_DECONV_H
#define ASH_KERNELS_DECONV_H

#include "kernels/conv/conv.h"

/* Weights w[c][oc / groups][kh][kw] packed for a row of the matrix product.  SIZE_MAX when there
 * are too many, or more phases than are kept apart. */
size_t ash_deconv_packed_size(const struct ash_gemm_kernel *row, const struct ash_conv *s);
void ash_deconv_pack(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *w,
                     float *packed);

/* What the packed form hangs on beside the weights' extents and the row, as one number. */
uint64_t ash_deconv_layout(const struct ash_conv *s);

/* Bytes that ash_deconv_f32 needs beside it, aligned to 16; SIZE_MAX when there are too many. */
size_t ash_deconv_scratch(const struct ash_gemm_kernel *row, const struct ash_conv *s,
                          size_t threads);

/* out.residual lies as y does, and out.ld_residual is not looked at.  Neither it nor x overlaps y.
 */
void ash_deconv_f32(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *x,
                    const float *packed, float *y, const struct ash_gemm_out *out, void *scratch,
                    struct ash_pool *pool);

#endif
