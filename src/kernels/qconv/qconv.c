#include "kernels/qconv/qconv.h"

#include "base/heap.h"
#include "base/pool.h"

#include <string.h>

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

static bool is_depthwise(const struct ash_conv *s) {
    return s->groups == s->c && s->c == s->oc && s->c > 1 && s->kh * s->kw <= ASH_QGEMM_TAPS;
}

static bool is_pointwise(const struct ash_conv *s) {
    return s->kh == 1 && s->kw == 1 && s->stride_h == 1 && s->stride_w == 1 && s->pad_top == 0 &&
           s->pad_left == 0 && s->oh == s->h && s->ow == s->w;
}

static size_t lanes(size_t n) {
    return ash_size_mul(n / ASH_QGEMM_LANES + (n % ASH_QGEMM_LANES != 0), ASH_QGEMM_LANES);
}

static size_t x_step(const struct ash_conv *s) { return s->x_step ? s->x_step : s->c; }
static size_t y_step(const struct ash_conv *s) { return s->y_step ? s->y_step : s->oc; }

/* ---- packing ---- */

static size_t group_bytes(const struct ash_qgemm_kernel *row, const struct ash_conv *s) {
    size_t k = ash_size_mul(ash_size_mul(s->kh, s->kw), s->c / s->groups);
    return ash_qgemm_packed_size(row, k, s->oc / s->groups);
}

size_t ash_qconv_packed_size(const struct ash_qgemm_kernel *row, const struct ash_conv *s) {
    if (is_depthwise(s)) return ash_size_mul(ash_size_mul(lanes(s->c), s->kh * s->kw), 4);
    return ash_size_mul(s->groups, group_bytes(row, s));
}

static int32_t byte_of(const void *p, size_t i, bool is_signed) {
    return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

void ash_qconv_pack(const struct ash_qgemm_kernel *row, const struct ash_conv *s, bool is_signed,
                    const void *zero, size_t zero_step, const void *w, void *packed) {
    size_t taps = s->kh * s->kw, k = s->c / s->groups, n = s->oc / s->groups, ld = lanes(s->c);
    if (is_depthwise(s)) { /* [taps][c] in float32 */
        memset(packed, 0, ld * taps * sizeof(float));
        for (size_t i = 0; i < s->c * taps; i++) {
            int32_t z = zero ? byte_of(zero, i / taps * zero_step, is_signed) : 0;
            ((float *)packed)[i % taps * ld + i / taps] = (float)(byte_of(w, i, is_signed) - z);
        }
        return;
    }
    struct ash_qgemm_b how = {.taps = taps, .k = k, .n = n, .is_signed = is_signed};
    how.step_t = 1;
    how.step_k = taps;
    how.step_n = k * taps;
    how.zero_step = zero_step;
    for (size_t g = 0; g < s->groups; g++) {
        how.zero = zero ? (const char *)zero + g * n * zero_step : NULL;
        ash_qgemm_pack(row, &how, (const char *)w + g * n * k * taps,
                       (char *)packed + g * group_bytes(row, s));
    }
}

/* ---- by matrix product ---- */

struct image { /* one group's channels of the input */
    const struct ash_conv *s;
    const uint8_t *x;
    const uint8_t *outside; /* a line of the window in zero points */
    size_t k;               /* channels */
};

/* Pixels ix.. of a line, kw of them one behind the other, outside of it the zero point. */
static void put_line(const struct image *m, const uint8_t *line, ptrdiff_t ix,
                     struct ash_qgemm_put *to) {
    const struct ash_conv *s = m->s;
    size_t left = ix < 0 ? min_size((size_t)-ix, s->kw) : 0;
    size_t from = (size_t)(ix + (ptrdiff_t)left);
    size_t there = from < s->w ? min_size(s->kw - left, s->w - from) : 0;
    size_t right = s->kw - left - there;
    if (left) ash_qgemm_put(to, left * m->k, m->outside);
    if (there) ash_qgemm_put(to, there * m->k, line + from * m->k);
    if (right) ash_qgemm_put(to, right * m->k, m->outside);
}

static void window(const void *arg, size_t i, struct ash_qgemm_put *to) {
    const struct image *m = arg;
    const struct ash_conv *s = m->s;
    size_t step = x_step(s), n = i / (s->oh * s->ow), oy = i / s->ow % s->oh, ox = i % s->ow;
    const uint8_t *x = m->x + n * s->h * s->w * step;
    ptrdiff_t iy = (ptrdiff_t)(oy * s->stride_h) - (ptrdiff_t)s->pad_top;
    ptrdiff_t ix = (ptrdiff_t)(ox * s->stride_w) - (ptrdiff_t)s->pad_left;
    for (size_t ky = 0; ky < s->kh; ky++, iy += (ptrdiff_t)s->dilation_h) {
        bool inside = iy >= 0 && (size_t)iy < s->h;
        const uint8_t *line = inside ? x + (size_t)iy * s->w * step : NULL;
        if (!inside) {
            ash_qgemm_put(to, s->kw * m->k, m->outside);
            continue;
        }
        if (s->dilation_w == 1 && step == m->k) {
            put_line(m, line, ix, to);
            continue;
        }
        ptrdiff_t at = ix;
        for (size_t kx = 0; kx < s->kw; kx++, at += (ptrdiff_t)s->dilation_w) {
            bool there = at >= 0 && (size_t)at < s->w;
            ash_qgemm_put(to, m->k, there ? line + (size_t)at * step : m->outside);
        }
    }
}

static size_t outside_bytes(const struct ash_conv *s) {
    return ash_align_up(ash_size_mul(s->kw, s->c / s->groups));
}

static void by_product(const struct ash_qgemm_kernel *row, const struct ash_conv *s,
                       const uint8_t *x, const void *packed, const struct ash_qgemm *facts,
                       void *scratch, struct ash_pool *pool) {
    struct ash_qgemm g = *facts;
    struct image m = {.s = s, .k = s->c / s->groups, .outside = scratch};
    void *rest = (char *)scratch + outside_bytes(s);
    memset(scratch, (uint8_t)facts->a_zero, s->kw * m.k);
    g.m = s->n * s->oh * s->ow;
    g.n = s->oc / s->groups;
    g.k = s->kh * s->kw * m.k;
    g.ldc = y_step(s);
    g.lda = x_step(s);
    g.gather = is_pointwise(s) ? NULL : window;
    g.gather_arg = &m;
    for (size_t i = 0; i < s->groups; i++) {
        size_t first = i * g.n;
        m.x = g.a = x + i * m.k;
        g.packed = (const char *)packed + i * group_bytes(row, s);
        g.c = (char *)facts->c + first * (g.out == ASH_QGEMM_BYTE ? 1 : sizeof(int32_t));
        if (facts->b_scale) g.b_scale = facts->b_scale + first * facts->b_scale_step;
        if (facts->bias) g.bias = facts->bias + first;
        if (facts->shift) g.shift = facts->shift + first;
        ash_qgemm_run(row, &g, rest, pool);
    }
}

/* ---- depthwise ---- */

struct depthwise {
    const struct ash_qgemm_kernel *row;
    const struct ash_conv *s;
    const struct ash_qgemm *g;
    const uint8_t *x, *outside;
    const float *w;
    struct ash_qgemm_finish finish;
    uint8_t flip;
    unsigned char *threads; /* pointers to taps, sums */
    size_t thread_bytes;
};

static size_t depthwise_thread_bytes(const struct ash_conv *s) {
    size_t pointers = ash_size_mul(s->kh * s->kw, sizeof(uint8_t *));
    return ash_align_up(ash_size_add(ash_size_mul(lanes(s->c), sizeof(int32_t)), pointers));
}

/* One line of the output. */
static void depthwise_line(void *arg, size_t tile, size_t worker) {
    const struct depthwise *d = arg;
    const struct ash_conv *s = d->s;
    const uint8_t **taps = (const uint8_t **)(void *)(d->threads + worker * d->thread_bytes);
    int32_t *sums = (int32_t *)(void *)(taps + s->kh * s->kw);
    size_t n = tile / s->oh, oy = tile % s->oh, size = d->g->out == ASH_QGEMM_BYTE ? 1 : 4;
    char *y = (char *)d->g->c + tile * s->ow * y_step(s) * size;
    for (size_t ox = 0; ox < s->ow; ox++, y += y_step(s) * size) {
        const uint8_t **to = taps;
        for (size_t ky = 0; ky < s->kh; ky++) {
            ptrdiff_t iy =
                (ptrdiff_t)(oy * s->stride_h + ky * s->dilation_h) - (ptrdiff_t)s->pad_top;
            for (size_t kx = 0; kx < s->kw; kx++, to++) {
                ptrdiff_t ix =
                    (ptrdiff_t)(ox * s->stride_w + kx * s->dilation_w) - (ptrdiff_t)s->pad_left;
                bool inside = iy >= 0 && (size_t)iy < s->h && ix >= 0 && (size_t)ix < s->w;
                *to = inside ? d->x + ((n * s->h + (size_t)iy) * s->w + (size_t)ix) * x_step(s)
                             : d->outside;
            }
        }
        d->row->depthwise(s->c, s->kh * s->kw, taps, d->flip, d->g->a_zero + d->flip, d->w,
                          lanes(s->c), sums);
        d->row->finish(&d->finish, 1, s->c, sums, y, 0);
    }
}

static size_t line_bytes(const struct ash_conv *s) {
    return ash_align_up(ash_size_mul(lanes(s->c), sizeof(int32_t)));
}

size_t ash_qconv_scratch(const struct ash_qgemm_kernel *row, const struct ash_conv *s,
                         size_t threads) {
    size_t m = ash_size_mul(ash_size_mul(s->n, s->oh), s->ow), k = s->c / s->groups;
    if (is_depthwise(s))
        return ash_size_add(ash_size_mul(4, line_bytes(s)),
                            ash_size_mul(threads, depthwise_thread_bytes(s)));
    k = ash_size_mul(ash_size_mul(s->kh, s->kw), k);
    return ash_size_add(outside_bytes(s), ash_qgemm_scratch(row, m, s->oc / s->groups, k, threads));
}

void ash_qconv_run(const struct ash_qgemm_kernel *row, const struct ash_conv *s, const uint8_t *x,
                   const void *packed, const struct ash_qgemm *g, void *scratch,
                   struct ash_pool *pool) {
    if (!is_depthwise(s)) {
        by_product(row, s, x, packed, g, scratch, pool);
        return;
    }
    struct ash_qgemm facts = *g;
    facts.n = s->c;
    char *outside = (char *)scratch + 3 * line_bytes(s);
    struct depthwise d = {.row = row, .s = s, .g = &facts, .x = x, .w = packed};
    d.flip = g->a_signed ? 0x80 : 0;
    d.outside = (const uint8_t *)outside;
    d.threads = (unsigned char *)outside + line_bytes(s);
    d.thread_bytes = depthwise_thread_bytes(s);
    memset(outside, (uint8_t)g->a_zero, s->c);
    ash_qgemm_columns(&facts, lanes(s->c), NULL, NULL, 0, scratch, line_bytes(s), &d.finish);
    ash_pool_run(pool, s->n * s->oh, depthwise_line, &d);
}
