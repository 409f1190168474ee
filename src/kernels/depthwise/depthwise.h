/* Depthwise convolution in float32 over channels-last images: every channel has a filter of its own
 * (struct ash_conv with groups = c = oc).  Each output is summed over kh and kw in ascending order
 * from zero, outside of the image over zeros; then bias and activation. */
#ifndef ASH_KERNELS_DEPTHWISE_H
#define ASH_KERNELS_DEPTHWISE_H

#include "kernels/conv/conv.h"

/* What a line of outputs has in common. */
struct ash_depthwise_line {
    size_t c;
    size_t taps;
    const float *w;    /* [taps][c] */
    const float *bias; /* [c], or NULL */
    struct ash_act_f32 act;
};

/* `count` neighbouring outputs, y_step apart, whose windows lie within the image's width: the first
 * one's row ky begins at in[ky], pixels x_step[ky] apart (0 where all of it is zero padding). */
struct ash_depthwise_span {
    const float *const *in;
    const size_t *x_step;
    float *y;
    size_t y_step, count;
};

enum { ASH_DEPTHWISE_K_MAX = 5 };

struct ash_depthwise_kernel {
    const char *name;
    uint32_t cpu;
    /* One output pixel, from a pointer per tap. */
    void (*pixel)(const struct ash_depthwise_line *line, const float *const *in, float *y);
    /* Spans of `span_min` outputs and more, of `span_channels` and more, for square kernels without
     * dilation along the width, k = 3 or 5 and stride along it 1 or 2 in that order; NULL where
     * `pixel` does it all. */
    void (*span[4])(const struct ash_depthwise_line *line, const struct ash_depthwise_span *span);
    uint16_t span_min, span_channels;
};

const struct ash_depthwise_kernel *ash_depthwise_best(void);
const struct ash_depthwise_kernel *const *ash_depthwise_tables(void);

/* Weights w[c][kh][kw] to [kh][kw][c], whatever the row. */
size_t ash_depthwise_packed_size(const struct ash_conv *s);
void ash_depthwise_pack(const struct ash_conv *s, const float *w, float *packed);

/* Bytes that ash_depthwise_f32 needs beside it, aligned to 16. */
size_t ash_depthwise_scratch(const struct ash_conv *s, size_t threads);

/* bias may be NULL; y does not overlap x. */
void ash_depthwise_f32(const struct ash_depthwise_kernel *row, const struct ash_conv *s,
                       const float *x, const float *packed, float *y, const float *bias,
                       struct ash_act_f32 act, void *scratch, struct ash_pool *pool);

/* The same over planes, x[n][c][h][w] to y[n][c][oh][ow], with w[c][kh][kw] as it is: each output
 * is summed over kw and then kh.  x_step and y_step of s are not read. */
size_t ash_depthwise_planes_scratch(const struct ash_conv *s, size_t threads);
void ash_depthwise_planes_f32(const struct ash_depthwise_kernel *row, const struct ash_conv *s,
                              const float *x, const float *w, float *y, const float *bias,
                              struct ash_act_f32 act, void *scratch, struct ash_pool *pool);

#endif
