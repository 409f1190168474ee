/* Convolution in float32 over channels-last images with a 3x3 kernel and strides of 1, by
 * Winograd's minimal filtering F(4x4, 3x3): 36 multiplications for 16 outputs, where the definition
 * has 144. (A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016.)
 *
 * Letters and struct ash_conv: conv.h.  A tile is 4 x 4 outputs of an image whose window is 6 x 6
 * pixels, or a line of 7 - k outputs with a window of 6 pixels, for a kernel of k x 1 or 1 x k;
 * tiles at the edges are cut off.  p: one of the 36 or 6 positions of a transformed window, in
 * row-major order.
 *
 *     V[p] = BT window B, for each tile and input channel;  U[p] = G w GT, in double, when packing
 *     M[p] = sum over c of V[p] * U[p], a product of matrices in the order of gemm.h
 *     y = epilogue(AT M A), the epilogue as in gemm.h
 *
 * over the points 0, +-5/8, +-3/2 and infinity, which are exact in float32, as are their products.
 * Rows that fuse agree bit for bit.
 *
 * NORMWISE, for each tile and output channel: the error of a sum is at most
 * ASH_WINOGRAD_NORM * (c / 2 + 10) * eps * sum over c of (max |x| in the window) * (sum |w|), for a
 * line ASH_WINOGRAD_LINE_NORM instead.  With points p, let g(p) be the greatest of a row of |G|,
 * b(p) the sum of a row of |BT|; then |U[p, q]| <= g(p) g(q) sum |w| and |V[p, q]| <= b(p) b(q) max
 * |x|, and the result's terms sum up to at most L * L times that product, for a line to L times, L
 * = max over i of sum over p of |AT[i, p]| g(p) b(p), which is 14.283 for k = 3 and 16.620 at most;
 * each has gone through c + 1 roundings in the product, 1 in U, at most 8 in V and 10 in the last
 * transform, of eps / 2 each.  That is the worst case: errors measured over random data are twice
 * those of a direct sum in float32.
 *
 * An infinity or a NaN in the window of a tile makes NaN of all of its outputs in the channels that
 * read it, where a direct sum has an infinity in some of them; values from 2^120 on may overflow.
 */
#ifndef ASH_KERNELS_WINOGRAD_H
#define ASH_KERNELS_WINOGRAD_H

#include "kernels/conv/conv.h"

enum {
    ASH_WINOGRAD_OUT = 4,   /* most outputs of a tile in one dimension */
    ASH_WINOGRAD_IN = 6,    /* the extent of its window */
    ASH_WINOGRAD_PARTS = 36 /* most positions */
};
#define ASH_WINOGRAD_NORM      204.02 /* L * L for k = 3 */
#define ASH_WINOGRAD_LINE_NORM 16.63

/* A tile's way out: m[p * plane + i] for `n` channels, of which 15 more may be read. */
struct ash_winograd_output {
    const float *m;
    size_t plane, n;
    float *y;             /* the first pixel's first channel */
    size_t y_step, y_row; /* floats from pixel to pixel, from row to row */
    size_t rows, cols;    /* outputs that there are */
    size_t line;          /* outputs of a whole line, 2..4; 0: 4 x 4 */
    /* bias and residual point at the first element; ld_residual is between pixels. */
    struct ash_gemm_out out;
    size_t residual_row;
};

struct ash_winograd_kernel {
    const char *name;
    uint32_t cpu;
    /* v[p * plane + i] from c channels, 16 at least, of the window's pixels x[p]: 36, or 6 of a
     * line */
    void (*input)(size_t c, const float *const *x, float *v, size_t plane);
    void (*input_line)(size_t c, const float *const *x, float *v, size_t plane);
    void (*output)(const struct ash_winograd_output *tile);
};

/* The best row for this processor, never NULL. */
const struct ash_winograd_kernel *ash_winograd_best(void);
const struct ash_winograd_kernel *const *ash_winograd_tables(void);

/* Whether it is computed here: 3 x 3, or 3 to 5 by 1 in either order, one group, 16 channels at
 * least, no stride and no dilation. */
bool ash_winograd_fits(const struct ash_conv *s);
/* Whether it is worth it, by the extents alone: the same on every target. */
bool ash_winograd_pays(const struct ash_conv *s);

/* Weights w[oc][c][kh][kw] packed for a row of the matrix product. */
size_t ash_winograd_packed_size(const struct ash_gemm_kernel *gemm, const struct ash_conv *s);
void ash_winograd_pack(const struct ash_gemm_kernel *gemm, const struct ash_conv *s, const float *w,
                       float *packed);

/* Bytes that ash_winograd_f32 needs beside it, from ash_alloc_aligned; SIZE_MAX when there are too
 * many. */
size_t ash_winograd_scratch(const struct ash_gemm_kernel *gemm, const struct ash_conv *s,
                            size_t threads);

/* Residual and aliasing: as ash_conv_f32 has it. */
void ash_winograd_f32(const struct ash_winograd_kernel *row, const struct ash_gemm_kernel *gemm,
                      const struct ash_conv *s, const float *x, const float *packed, float *y,
                      const struct ash_gemm_out *out, void *scratch, struct ash_pool *pool);

#endif
