/* Depthwise convolution where each channel is a plane.  A plane's rows are to the kernels of a row
 * of the table what pixels are in channels-last images, and its columns what channels are there:
 * with the same filter for all. */
#include "base/heap.h"
#include "base/pool.h"
#include "kernels/depthwise/depthwise.h"

#include <string.h>

enum { TILE_WORK = 1 << 16 /* multiplications that are worth a trip through the pool */ };

/* A plane is copied, with zeros around it; with a stride, the columns that one tap meets lie side
 * by side. */
struct planes {
    const struct ash_depthwise_kernel *row;
    const struct ash_conv *s;
    const float *x, *w, *bias;
    float *y;
    struct ash_act_f32 act;
    size_t each;        /* planes of a tile */
    size_t pitch, rows; /* of a copy: floats from row to row of one phase */
    size_t floats;      /* of a copy, and of the filter and the bias for each column */
    size_t thread_bytes;
    unsigned char *threads;
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }

/* Inputs under so many outputs. */
static size_t under(size_t outputs, size_t stride, size_t k, size_t dilation) {
    return ash_size_add(ash_size_mul(outputs - 1, stride), ash_size_mul(k - 1, dilation) + 1);
}

static struct planes planes_of(const struct ash_conv *s) {
    struct planes p = {.s = s};
    if (s->oh == 0 || s->ow == 0) return p;
    p.pitch = ceil_div(under(s->ow, s->stride_w, s->kw, s->dilation_w), s->stride_w);
    p.rows = under(s->oh, s->stride_h, s->kh, s->dilation_h);
    size_t taps = ash_size_mul(s->kh, s->kw);
    size_t copy = ash_size_mul(ash_size_mul(p.pitch, s->stride_w), p.rows);
    p.floats = ash_size_add(copy, ash_size_mul(ash_size_add(taps, 1), s->ow));
    p.thread_bytes = ash_align_up(
        ash_size_add(ash_size_mul(taps, sizeof(float *)), ash_size_mul(p.floats, sizeof(float))));
    return p;
}

/* With fewer planes than threads one thread does them: no more copies than planes. */
static bool alone(const struct ash_conv *s, size_t threads) { return s->n * s->c < threads; }

size_t ash_depthwise_planes_scratch(const struct ash_conv *s, size_t threads) {
    return ash_size_mul(alone(s, threads) ? 1 : threads, planes_of(s).thread_bytes);
}

/* Without the library's functions, which are far away for what is so short. */
static void fill(float *to, float value, size_t n) {
    const float four[4] = {value, value, value, value};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) memcpy(to + i, four, sizeof four);
    for (; i < n; i++) to[i] = value;
}

static void copy_part(float *to, const float *from, size_t n, size_t step) {
    size_t i = 0;
    for (; step == 1 && i + 4 <= n; i += 4) memcpy(to + i, from + i, 4 * sizeof(float));
    for (; i < n; i++) to[i] = from[i * step];
}

static void copy_plane(const struct planes *p, const float *plane, float *to) {
    const struct ash_conv *s = p->s;
    for (size_t i = 0; i < s->stride_w; i++) {
        /* Columns i - pad_left + j * stride_w; those left of the image are too large. */
        size_t left = i < s->pad_left ? ceil_div(s->pad_left - i, s->stride_w) : 0;
        size_t from = i + left * s->stride_w - s->pad_left;
        size_t there = from < s->w ? ceil_div(s->w - from, s->stride_w) : 0;
        left = min_size(left, p->pitch);
        there = min_size(there, p->pitch - left);
        for (size_t row = 0; row < p->rows; row++, to += p->pitch) {
            size_t iy = row - s->pad_top; /* too large above the image */
            size_t inside = iy < s->h ? there : 0;
            fill(to, 0.0f, left);
            if (inside) copy_part(to + left, plane + iy * s->w + from, inside, s->stride_w);
            fill(to + left + inside, 0.0f, p->pitch - left - inside);
        }
    }
}

/* All of a plane from its copy, where taps begin at in[kw][kh]. */
static void outputs(const struct planes *p, const struct ash_depthwise_line *line, float *y,
                    const float **in) {
    const struct ash_conv *s = p->s;
    size_t k = s->kh;
    if (p->row->span[0] && k == s->kw && (k == 3 || k == 5) && s->stride_h <= 2 &&
        s->dilation_h == 1 && s->ow >= p->row->span_channels && s->oh >= p->row->span_min) {
        const float *columns[ASH_DEPTHWISE_K_MAX];
        size_t steps[ASH_DEPTHWISE_K_MAX];
        for (size_t kx = 0; kx < k; kx++) {
            columns[kx] = in[kx * k];
            steps[kx] = p->pitch;
        }
        const struct ash_depthwise_span span = {columns, steps, y, s->ow, s->oh};
        p->row->span[(k == 5) * 2 + (s->stride_h == 2)](line, &span);
        return;
    }
    for (size_t i = 0; i < s->oh; i++, y += s->ow) {
        p->row->pixel(line, in, y);
        for (size_t t = 0; t < line->taps; t++) in[t] += s->stride_h * p->pitch;
    }
}

static void one_plane(const struct planes *p, size_t plane, unsigned char *scratch) {
    const struct ash_conv *s = p->s;
    size_t c = plane % s->c, taps = s->kh * s->kw;
    const float *w = p->w + c * taps, **in = (const float **)(void *)scratch;
    float *copy = (float *)(void *)(in + taps), *bias = copy + p->floats - s->ow;
    float *filter = bias - taps * s->ow;
    copy_plane(p, p->x + plane * s->h * s->w, copy);
    for (size_t t = 0; t < taps; t++) {
        size_t kx = t / s->kh, ky = t % s->kh, column = kx * s->dilation_w;
        size_t phase = column % s->stride_w * p->rows;
        in[t] = copy + (phase + ky * s->dilation_h) * p->pitch + column / s->stride_w;
        fill(filter + t * s->ow, w[ky * s->kw + kx], s->ow);
    }
    if (p->bias) fill(bias, p->bias[c], s->ow);
    const struct ash_depthwise_line line = {s->ow, taps, filter, p->bias ? bias : NULL, p->act};
    outputs(p, &line, p->y + plane * s->oh * s->ow, in);
}

static void planes_tile(void *arg, size_t tile, size_t worker) {
    const struct planes *p = arg;
    size_t end = min_size((tile + 1) * p->each, p->s->n * p->s->c);
    for (size_t i = tile * p->each; i < end; i++)
        one_plane(p, i, p->threads + worker * p->thread_bytes);
}

void ash_depthwise_planes_f32(const struct ash_depthwise_kernel *row, const struct ash_conv *s,
                              const float *x, const float *w, float *y, const float *bias,
                              struct ash_act_f32 act, void *scratch, struct ash_pool *pool) {
    struct planes p = planes_of(s);
    if (p.floats == 0) return;
    p.row = row;
    p.x = x;
    p.w = w;
    p.y = y;
    p.bias = bias;
    p.act = act;
    p.threads = scratch;
    p.each = TILE_WORK / (s->ow * s->oh * s->kh * s->kw) + 1;
    ash_pool_run(alone(s, ash_pool_threads(pool)) ? NULL : pool, ceil_div(s->n * s->c, p.each),
                 planes_tile, &p);
}
