#include "kernels/conv/conv.h"

#include "base/heap.h"
#include "base/pool.h"

#include <string.h>

/* Below this many floats a kernel row is one tap: few pointers and long sums.  Rows of it that hang
 * over an edge of the image are copied then.  Where none does, a row of any length is one tap as
 * long as its pixels have few channels, as in the windows of a spectrogram. */
enum { MERGED_MAX = 96, FEW_CHANNELS = 16 };

/* How the sum is cut: `taps` pointers per pixel, k floats under each. */
struct cut {
    size_t taps, k;
    bool merged;
    size_t tile_rows, tile_panels, m_tiles, n_tiles;
    size_t zero_floats, copy_floats; /* of scratch: shared, and for each thread */
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }

static bool is_pointwise(const struct ash_conv *s) {
    return s->kh == 1 && s->kw == 1 && s->stride_h == 1 && s->stride_w == 1 && s->pad_top == 0 &&
           s->pad_left == 0 && s->groups == 1 && s->oh == s->h && s->ow == s->w;
}

static bool never_hangs(const struct ash_conv *s) {
    return s->pad_left == 0 && s->ow > 0 && (s->ow - 1) * s->stride_w + s->kw <= s->w;
}

static struct cut cut_of(const struct ash_gemm_kernel *row, const struct ash_conv *s) {
    struct cut u = {.taps = s->kh * s->kw, .k = s->c / s->groups};
    size_t x_step = s->x_step ? s->x_step : s->c;
    u.merged = s->groups == 1 && s->dilation_w == 1 && x_step == s->c && s->kw > 1 &&
               (s->kw * s->c <= MERGED_MAX || (s->c < FEW_CHANNELS && never_hangs(s)));
    if (u.merged) {
        u.taps = s->kh;
        u.k = s->kw * s->c;
    }
    size_t m = s->n * s->oh * s->ow, n = s->oc / s->groups;
    ash_gemm_cut(row, m, n, u.taps * u.k, &u.tile_rows, &u.tile_panels);
    u.m_tiles = ceil_div(m, u.tile_rows);
    u.n_tiles = ceil_div(ceil_div(n, row->nr), u.tile_panels);
    u.zero_floats = ash_align_up(u.k * sizeof(float)) / sizeof(float);
    u.copy_floats = u.merged && !never_hangs(s) ? u.tile_rows * u.taps * u.k : 0;
    return u;
}

/* Panels of one group, in floats. */
static size_t group_floats(const struct ash_gemm_kernel *row, const struct ash_conv *s) {
    return ceil_div(s->oc / s->groups, row->nr) * row->nr * s->kh * s->kw * (s->c / s->groups);
}

size_t ash_conv_packed_size(const struct ash_gemm_kernel *row, const struct ash_conv *s) {
    size_t taps = ash_size_mul(s->kh, s->kw);
    return ash_size_mul(s->groups,
                        ash_gemm_packed_size(row, taps, s->c / s->groups, s->oc / s->groups));
}

void ash_conv_pack(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *w,
                   float *packed) {
    size_t taps = s->kh * s->kw, k = s->c / s->groups, n = s->oc / s->groups;
    for (size_t g = 0; g < s->groups; g++) {
        ash_gemm_pack(row, taps, k, n, w, 1, taps, k * taps, packed);
        w += n * k * taps;
        packed += group_floats(row, s);
    }
}

static size_t thread_bytes(const struct cut *u) {
    size_t pointers = ash_size_mul(ash_size_mul(u->taps, u->tile_rows), sizeof(float *));
    size_t floats = ash_size_mul(u->copy_floats, sizeof(float));
    return ash_align_up(ash_size_add(pointers, floats));
}

size_t ash_conv_scratch(const struct ash_gemm_kernel *row, const struct ash_conv *s,
                        size_t threads) {
    if (is_pointwise(s)) return 0;
    struct cut u = cut_of(row, s);
    return ash_size_add(u.zero_floats * sizeof(float), ash_size_mul(threads, thread_bytes(&u)));
}

struct run {
    const struct ash_gemm_kernel *row;
    const struct ash_conv *s;
    const struct ash_gemm_out *out;
    struct cut u;
    const float *x, *packed, *zero;
    float *y;
    size_t x_step, y_step, group_floats;
    unsigned char *threads; /* thread_bytes each */
    size_t thread_bytes;
};

/* Kernel row of an output pixel, when the row hangs over an edge: copied, with zeros outside. */
static const float *copy_row(const struct ash_conv *s, const float *line, ptrdiff_t ix, float *to) {
    size_t before = ix < 0 ? min_size((size_t)-ix, s->kw) : 0;
    size_t from = ix < 0 ? 0 : min_size((size_t)ix, s->w);
    size_t inside = min_size(s->kw - before, s->w - from);
    const float *in = line + from * s->c;
    size_t begin = before * s->c, end = begin + inside * s->c, all = s->kw * s->c;
    for (size_t i = 0; i < begin; i++) to[i] = 0.0f;
    for (size_t i = begin; i < end; i++) to[i] = *in++;
    for (size_t i = end; i < all; i++) to[i] = 0.0f;
    return to;
}

void ash_conv_aim(const float *line, ptrdiff_t first, size_t stride, size_t step, size_t w,
                  size_t count, const float *zero, const float **to) {
    size_t begin = first < 0 ? min_size(ceil_div((size_t)-first, stride), count) : 0;
    ptrdiff_t at = first + (ptrdiff_t)(begin * stride);
    size_t end = (size_t)at < w ? begin + ceil_div(w - (size_t)at, stride) : begin;
    if (end > count) end = count;
    for (size_t i = 0; i < begin; i++) to[i] = zero;
    size_t from = (size_t)at * step;
    for (size_t i = begin; i < end; i++, from += stride * step) to[i] = line + from;
    for (size_t i = end; i < count; i++) to[i] = zero;
}

/* Pointers for `count` pixels of output row oy from ox on, of a tile of `rows`, in the image that
 * begins at x.  Rows of the kernel that are one tap and hang over an edge are copied. */
static void aim(const struct run *r, const float *x, size_t oy, size_t ox, size_t count,
                const float **to, size_t rows, float *copy) {
    const struct ash_conv *s = r->s;
    size_t columns = r->u.merged ? 1 : s->kw, span = r->u.merged ? s->kw : 1;
    size_t w = s->w < span ? 0 : s->w - span + 1;
    ptrdiff_t left = (ptrdiff_t)(ox * s->stride_w) - (ptrdiff_t)s->pad_left;
    for (size_t tap = 0; tap < r->u.taps; tap++, to += rows) {
        /* Coordinates above the image wrap around and are too large. */
        size_t iy = oy * s->stride_h + tap / columns * s->dilation_h - s->pad_top;
        ptrdiff_t first = left + (ptrdiff_t)(tap % columns * s->dilation_w);
        const float *line = iy < s->h ? r->x_step * iy * s->w + x : x;
        ash_conv_aim(line, first, s->stride_w, r->x_step, iy < s->h ? w : 0, count, r->zero, to);
        if (span == 1 || iy >= s->h) continue;
        for (size_t i = 0; i < count; i++, first += (ptrdiff_t)s->stride_w) {
            if (to[i] == r->zero)
                to[i] = copy_row(s, line, first, copy + (i * r->u.taps + tap) * r->u.k);
        }
    }
}

/* Whether a tap of all rows lies outside the image. */
static bool is_outside(const struct ash_gemm_tile *t, size_t tap, const float *zero) {
    const float *const *a = t->a + tap * t->a_tap;
    for (size_t i = 0; i < t->rows; i++) {
        if (a[i] != zero) return false;
    }
    return true;
}

/* Leaves out the first and the last taps as far as they lie outside the image, as those of wide
 * dilations do: sums of zeros. */
static void leave_out(struct ash_gemm_tile *t, const float *zero) {
    while (t->taps > 1 && is_outside(t, t->taps - 1, zero)) t->taps--;
    while (t->taps > 1 && is_outside(t, 0, zero)) {
        t->taps--;
        t->a += t->a_tap;
        t->b += t->k * t->b_step;
    }
}

static void conv_tile(void *arg, size_t tile, size_t worker) {
    const struct run *r = arg;
    const struct ash_conv *s = r->s;
    const struct cut *u = &r->u;
    size_t oc = s->oc / s->groups, pixels = s->oh * s->ow;
    size_t panel = tile % u->n_tiles * u->tile_panels;
    size_t group = tile / u->n_tiles % s->groups;
    size_t m0 = tile / u->n_tiles / s->groups * u->tile_rows;
    size_t n0 = panel * r->row->nr;

    const float **a = (const float **)(void *)(r->threads + worker * r->thread_bytes);
    float *copy = (float *)(void *)(a + u->taps * u->tile_rows);
    struct ash_gemm_tile t = {.taps = u->taps, .k = u->k, .a = a, .out = *r->out};
    t.fresh = ash_gemm_is_fresh(u->m_tiles, oc, u->taps * u->k);
    t.rows = min_size(u->tile_rows, s->n * pixels - m0);
    t.cols = min_size(u->tile_panels * r->row->nr, oc - n0);
    t.a_tap = t.rows;
    size_t copied = u->copy_floats ? u->taps * u->k : 0;
    for (size_t i = 0, n; i < t.rows; i += n) {
        size_t image = (m0 + i) / pixels, oy = (m0 + i) % pixels / s->ow, ox = (m0 + i) % s->ow;
        const float *x = r->x + image * s->h * s->w * r->x_step + group * (s->c / s->groups);
        n = min_size(s->ow - ox, t.rows - i);
        aim(r, x, oy, ox, n, a + i, t.rows, copy + i * copied);
    }
    t.b_step = r->row->nr;
    t.b_panel = u->taps * u->k * r->row->nr;
    t.b = r->packed + group * r->group_floats + panel * t.b_panel;
    size_t column = group * oc + n0;
    t.ldc = r->y_step;
    t.c = r->y + m0 * r->y_step + column;
    if (t.out.bias) t.out.bias += column;
    if (t.out.residual) {
        if (t.out.ld_residual == 0) t.out.ld_residual = r->y_step;
        t.out.residual += m0 * t.out.ld_residual + column;
    }
    leave_out(&t, r->zero);
    ash_gemm_block(r->row, &t);
}

void ash_conv_f32(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *x,
                  const float *packed, float *y, const struct ash_gemm_out *out, void *scratch,
                  struct ash_pool *pool) {
    size_t m = s->n * s->oh * s->ow;
    if (m == 0 || s->oc == 0) return;
    struct run r = {.row = row, .s = s, .out = out, .x = x, .packed = packed, .y = y};
    r.x_step = s->x_step ? s->x_step : s->c;
    r.y_step = s->y_step ? s->y_step : s->oc;
    if (is_pointwise(s)) {
        struct ash_gemm g = {.m = m, .n = s->oc, .k = s->c, .a = x, .b = packed, .c = y};
        g.lda = r.x_step;
        g.ldc = r.y_step;
        g.out = *out;
        if (g.out.ld_residual == 0) g.out.ld_residual = r.y_step;
        ash_gemm_f32(row, &g, pool);
        return;
    }
    r.u = cut_of(row, s);
    r.group_floats = group_floats(row, s);
    memset(scratch, 0, r.u.zero_floats * sizeof(float));
    r.zero = scratch;
    r.threads = (unsigned char *)scratch + r.u.zero_floats * sizeof(float);
    r.thread_bytes = thread_bytes(&r.u);
    ash_pool_run(pool, r.u.m_tiles * r.u.n_tiles * s->groups, conv_tile, &r);
}
