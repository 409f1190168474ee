#include "kernels/depthwise/depthwise.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_depthwise_kernel ash_depthwise_##isa[];
#include "depthwise_list.inc"
#undef KERNELS

static const struct ash_depthwise_kernel *const tables[] = {
#define KERNELS(isa) ash_depthwise_##isa,
#include "depthwise_list.inc"
#undef KERNELS
    NULL,
};

enum { TILE_WORK = 1 << 16 }; /* multiplications that are worth a trip through the pool */

ASH_KERNEL_CHOOSER(depthwise, ash_depthwise_kernel, tables)

size_t ash_depthwise_packed_size(const struct ash_conv *s) {
    return ash_size_mul(ash_size_mul(ash_size_mul(s->kh, s->kw), s->c), sizeof(float));
}

void ash_depthwise_pack(const struct ash_conv *s, const float *w, float *packed) {
    size_t taps = s->kh * s->kw;
    for (size_t t = 0; t < taps; t++) {
        for (size_t c = 0; c < s->c; c++) packed[t * s->c + c] = w[c * taps + t];
    }
}

static size_t zero_bytes(const struct ash_conv *s) {
    return ash_align_up(ash_size_mul(s->c, sizeof(float)));
}

static size_t thread_bytes(const struct ash_conv *s) {
    return ash_align_up(ash_size_mul(ash_size_mul(s->kh, s->kw), sizeof(float *)));
}

size_t ash_depthwise_scratch(const struct ash_conv *s, size_t threads) {
    return ash_size_add(zero_bytes(s), ash_size_mul(threads, thread_bytes(s)));
}

struct run {
    const struct ash_depthwise_kernel *row;
    const struct ash_conv *s;
    struct ash_depthwise_line line;
    const float *x, *zero;
    float *y;
    size_t x_step, y_step;
    size_t lines, tile_lines;
    size_t inner_begin, inner_end; /* outputs of a line whose windows lie within the width */
    void (*span)(const struct ash_depthwise_line *line, const struct ash_depthwise_span *span);
    unsigned char *threads;
    size_t thread_bytes;
};

/* Output (oy, ox) of the image at x, by pointers. */
static void one_pixel(const struct run *r, const float *x, size_t oy, size_t ox, float *y,
                      const float **in) {
    const struct ash_conv *s = r->s;
    size_t t = 0;
    for (size_t ky = 0; ky < s->kh; ky++) {
        /* Coordinates left of or above the image wrap around and are too large. */
        size_t iy = oy * s->stride_h + ky * s->dilation_h - s->pad_top;
        for (size_t kx = 0; kx < s->kw; kx++) {
            size_t ix = ox * s->stride_w + kx * s->dilation_w - s->pad_left;
            in[t++] = iy < s->h && ix < s->w ? x + (iy * s->w + ix) * r->x_step : r->zero;
        }
    }
    r->row->pixel(&r->line, in, y);
}

static void one_line(const struct run *r, const float *x, size_t oy, float *y, const float **in) {
    const struct ash_conv *s = r->s;
    size_t begin = r->span ? r->inner_begin : s->ow, end = r->span ? r->inner_end : s->ow;
    for (size_t ox = 0; ox < begin; ox++) one_pixel(r, x, oy, ox, y + ox * r->y_step, in);
    if (begin < end) {
        const float *lines[ASH_DEPTHWISE_K_MAX];
        size_t steps[ASH_DEPTHWISE_K_MAX];
        for (size_t ky = 0; ky < s->kh; ky++) {
            size_t iy = oy * s->stride_h + ky * s->dilation_h - s->pad_top;
            size_t ix = begin * s->stride_w - s->pad_left;
            lines[ky] = iy < s->h ? x + (iy * s->w + ix) * r->x_step : r->zero;
            steps[ky] = iy < s->h ? r->x_step : 0;
        }
        struct ash_depthwise_span span = {.in = lines, .x_step = steps, .y_step = r->y_step};
        span.y = y + begin * r->y_step;
        span.count = end - begin;
        r->span(&r->line, &span);
    }
    for (size_t ox = end; ox < s->ow; ox++) one_pixel(r, x, oy, ox, y + ox * r->y_step, in);
}

static void depthwise_tile(void *arg, size_t tile, size_t worker) {
    const struct run *r = arg;
    const struct ash_conv *s = r->s;
    const float **in = (const float **)(void *)(r->threads + worker * r->thread_bytes);
    size_t first = tile * r->tile_lines;
    size_t last = r->lines - first < r->tile_lines ? r->lines : first + r->tile_lines;
    for (size_t i = first; i < last; i++) {
        const float *x = r->x + i / s->oh * s->h * s->w * r->x_step;
        one_line(r, x, i % s->oh, r->y + i * s->ow * r->y_step, in);
    }
}

/* Chooses the span kernel, if one fits, and what it is to do. */
static void plan_spans(struct run *r) {
    const struct ash_conv *s = r->s;
    if (s->kh != s->kw || (s->kh != 3 && s->kh != 5) || s->stride_w > 2 || s->dilation_w != 1 ||
        s->w < s->kw || s->c < r->row->span_channels)
        return;
    r->inner_begin = (s->pad_left + s->stride_w - 1) / s->stride_w;
    size_t end = (s->w - s->kw + s->pad_left) / s->stride_w + 1;
    r->inner_end = end < s->ow ? end : s->ow;
    if (r->inner_end < r->inner_begin + r->row->span_min) return;
    r->span = r->row->span[(s->kh == 5) * 2 + (s->stride_w == 2)];
}

void ash_depthwise_f32(const struct ash_depthwise_kernel *row, const struct ash_conv *s,
                       const float *x, const float *packed, float *y, const float *bias,
                       struct ash_act_f32 act, void *scratch, struct ash_pool *pool) {
    struct run r = {.row = row, .s = s, .x = x, .y = y, .lines = s->n * s->oh};
    if (r.lines == 0 || s->ow == 0 || s->c == 0) return;
    r.line = (struct ash_depthwise_line){.c = s->c, .w = packed, .bias = bias, .act = act};
    r.line.taps = s->kh * s->kw;
    r.x_step = s->x_step ? s->x_step : s->c;
    r.y_step = s->y_step ? s->y_step : s->c;
    size_t work = ash_size_mul(ash_size_mul(s->ow, s->c), r.line.taps);
    r.tile_lines = TILE_WORK / (work ? work : 1) + 1;
    memset(scratch, 0, s->c * sizeof(float));
    r.zero = scratch;
    r.threads = (unsigned char *)scratch + zero_bytes(s);
    r.thread_bytes = thread_bytes(s);
    plan_spans(&r);
    ash_pool_run(pool, (r.lines + r.tile_lines - 1) / r.tile_lines, depthwise_tile, &r);
}
