#include "kernels/deconv/deconv.h"

#include "base/heap.h"
#include "base/pool.h"

#include <string.h>

enum { PHASES_MAX = 64 };

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }

/* The problem as it is computed. */
struct cut {
    struct ash_conv s;
    size_t fold;               /* kernel columns that have become output channels, 1: none */
    size_t k, n, panels;       /* of a group */
    size_t at[PHASES_MAX + 1]; /* taps before phase (y, x) = y * stride_w + x */
    size_t taps;               /* most of a phase */
    size_t pixels;             /* most that one row of a phase has */
    size_t tile_rows, tile_panels, m_tiles, n_tiles;
    size_t zero_floats, bias_floats, thread_bytes; /* of scratch; the last for each thread */
};

/* Taps k < kernel whose product with the dilation has this remainder. */
static size_t phase_taps(size_t kernel, size_t dilation, size_t stride, size_t phase) {
    size_t n = 0;
    for (size_t k = 0; k < kernel; k++) n += k * dilation % stride == phase;
    return n;
}

/* Windows side by side: an output row is then an input row of kw * oc channels. */
static bool folds(const struct ash_conv *s) {
    return s->groups == 1 && s->kw == s->stride_w && s->dilation_w == 1 && s->pad_left == 0 &&
           s->ow == s->w * s->kw;
}

/* false: it is not computed here. */
static bool cut_of(const struct ash_gemm_kernel *row, const struct ash_conv *given, struct cut *u) {
    *u = (struct cut){.s = *given, .fold = 1};
    struct ash_conv *s = &u->s;
    if (folds(s)) {
        u->fold = s->kw;
        s->oc *= s->kw;
        s->ow = s->w;
        s->kw = s->stride_w = 1;
    }
    if (s->stride_h > PHASES_MAX || s->stride_w > PHASES_MAX / s->stride_h) return false;
    u->k = s->c / s->groups;
    u->n = s->oc / s->groups;
    u->panels = ceil_div(u->n, row->nr);
    for (size_t p = 0; p < s->stride_h * s->stride_w; p++) {
        size_t taps = phase_taps(s->kh, s->dilation_h, s->stride_h, p / s->stride_w) *
                      phase_taps(s->kw, s->dilation_w, s->stride_w, p % s->stride_w);
        if (taps == 0) taps = 1; /* of zeros */
        if (taps > u->taps) u->taps = taps;
        u->at[p + 1] = u->at[p] + taps;
    }
    u->pixels = ceil_div(s->ow, s->stride_w);
    ash_gemm_cut(row, u->pixels, u->n, u->taps * u->k, &u->tile_rows, &u->tile_panels);
    u->m_tiles = ceil_div(u->pixels, u->tile_rows);
    u->n_tiles = ceil_div(u->panels, u->tile_panels);
    u->zero_floats = ash_align_up(u->k * sizeof(float)) / sizeof(float);
    u->bias_floats = u->fold > 1 ? ash_align_up(s->oc * sizeof(float)) / sizeof(float) : 0;
    u->thread_bytes =
        ash_align_up(ash_size_mul(ash_size_mul(u->taps, u->tile_rows), sizeof(float *)));
    return true;
}

static size_t all_taps(const struct cut *u) { return u->at[u->s.stride_h * u->s.stride_w]; }

size_t ash_deconv_packed_size(const struct ash_gemm_kernel *row, const struct ash_conv *s) {
    struct cut u;
    if (!cut_of(row, s, &u)) return SIZE_MAX;
    return ash_size_mul(s->groups, ash_gemm_packed_size(row, all_taps(&u), u.k, u.n));
}

/* One tap of one panel; ky, kx: the tap, w: of the group. */
static void pack_tap(const struct ash_gemm_kernel *row, const struct cut *u, const float *w,
                     size_t panel, size_t ky, size_t kx, float *to) {
    size_t m = u->n / u->fold, kw = u->s.kw * u->fold, plane = u->s.kh * kw;
    size_t n0 = panel * row->nr, cols = min_size(row->nr, u->n - n0);
    for (size_t k = 0; k < u->k; k++, to += row->nr) {
        for (size_t j = 0; j < cols; j++) {
            size_t column = u->fold > 1 ? (n0 + j) / m : kx;
            to[j] = w[(k * m + (n0 + j) % m) * plane + ky * kw + column];
        }
    }
}

void ash_deconv_pack(const struct ash_gemm_kernel *row, const struct ash_conv *given,
                     const float *w, float *packed) {
    struct cut u;
    if (!cut_of(row, given, &u)) return;
    const struct ash_conv *s = &u.s;
    size_t tap_floats = u.k * row->nr;
    size_t group_floats = all_taps(&u) * u.panels * tap_floats;
    memset(packed, 0, s->groups * group_floats * sizeof *packed);
    for (size_t g = 0; g < s->groups; g++, packed += group_floats) {
        for (size_t p = 0; p < s->stride_h * s->stride_w; p++) {
            float *to = packed + u.at[p] * u.panels * tap_floats;
            size_t taps = u.at[p + 1] - u.at[p], tap = 0;
            for (size_t i = 0; i < s->kh * s->kw; i++) {
                size_t ky = i / s->kw, kx = i % s->kw;
                bool here = ky * s->dilation_h % s->stride_h == p / s->stride_w &&
                            kx * s->dilation_w % s->stride_w == p % s->stride_w;
                if (!here) continue;
                for (size_t panel = 0; panel < u.panels; panel++)
                    pack_tap(row, &u, w, panel, ky, kx, to + (panel * taps + tap) * tap_floats);
                tap++;
            }
        }
        w += u.k * (u.n / u.fold) * given->kh * given->kw;
    }
}

uint64_t ash_deconv_layout(const struct ash_conv *s) {
    uint64_t key = (uint64_t)s->groups << 32 | s->stride_h << 24 | s->stride_w << 16;
    return key | s->dilation_h % s->stride_h << 9 | s->dilation_w % s->stride_w << 1 | folds(s);
}

size_t ash_deconv_scratch(const struct ash_gemm_kernel *row, const struct ash_conv *s,
                          size_t threads) {
    struct cut u;
    if (!cut_of(row, s, &u)) return SIZE_MAX;
    return ash_size_add((u.zero_floats + u.bias_floats) * sizeof(float),
                        ash_size_mul(threads, u.thread_bytes));
}

struct run {
    const struct ash_gemm_kernel *row;
    const struct ash_gemm_out *out;
    struct cut u;
    const float *x, *packed, *zero, *bias;
    float *y;
    unsigned char *threads;
};

/* Pointers for `rows` pixels of output row oy (with padding) from column ox (likewise) on, one
 * stride apart, which are neighbours in the input; x: the image's group. */
static void aim(const struct run *r, const float *x, size_t oy, size_t ox, size_t rows,
                const float **to) {
    const struct ash_conv *s = &r->u.s;
    const float **end = to;
    for (size_t ky = 0; ky < s->kh; ky++) {
        if (ky * s->dilation_h % s->stride_h != oy % s->stride_h) continue;
        bool inside = oy >= ky * s->dilation_h;
        size_t iy = inside ? (oy - ky * s->dilation_h) / s->stride_h : 0;
        inside = inside && iy < s->h;
        for (size_t kx = 0; kx < s->kw; kx++) {
            if (kx * s->dilation_w % s->stride_w != ox % s->stride_w) continue;
            ptrdiff_t first =
                ((ptrdiff_t)ox - (ptrdiff_t)(kx * s->dilation_w)) / (ptrdiff_t)s->stride_w;
            ash_conv_aim(x + iy * s->w * s->c, first, 1, s->c, inside ? s->w : 0, rows, r->zero,
                         end);
            end += rows;
        }
    }
    if (end > to) return;
    for (size_t i = 0; i < rows; i++) to[i] = r->zero;
}

/* A tile is a part of one phase of one output row. */
static void deconv_tile(void *arg, size_t tile, size_t worker) {
    const struct run *r = arg;
    const struct cut *u = &r->u;
    const struct ash_conv *s = &u->s;
    size_t panel = tile % u->n_tiles * u->tile_panels;
    size_t m0 = tile / u->n_tiles % u->m_tiles * u->tile_rows;
    tile /= u->n_tiles * u->m_tiles;
    size_t group = tile % s->groups, phase_x = tile / s->groups % s->stride_w;
    size_t line = tile / s->groups / s->stride_w, oy = line % s->oh + s->pad_top;
    size_t skip = (phase_x + s->stride_w - s->pad_left % s->stride_w) % s->stride_w;
    size_t pixels = skip < s->ow ? ceil_div(s->ow - skip, s->stride_w) : 0;
    if (m0 >= pixels) return;
    size_t ox = skip + m0 * s->stride_w, phase = oy % s->stride_h * s->stride_w + phase_x;
    const float **a = (const float **)(void *)(r->threads + worker * u->thread_bytes);
    const float *x = r->x + line / s->oh * s->h * s->w * s->c + group * u->k;
    struct ash_gemm_tile t = {.k = u->k, .a = a, .b_step = r->row->nr, .out = *r->out};
    t.taps = u->at[phase + 1] - u->at[phase];
    t.rows = min_size(u->tile_rows, pixels - m0);
    t.cols = min_size(u->tile_panels * r->row->nr, u->n - panel * r->row->nr);
    t.a_tap = t.rows;
    aim(r, x, oy, ox + s->pad_left, t.rows, a);
    t.b_panel = t.taps * u->k * r->row->nr;
    t.b = r->packed + (group * all_taps(u) + u->at[phase]) * u->panels * u->k * r->row->nr +
          panel * t.b_panel;
    size_t column = group * u->n + panel * r->row->nr, at = (line * s->ow + ox) * s->oc + column;
    t.ldc = t.out.ld_residual = s->stride_w * s->oc;
    t.c = r->y + at;
    if (r->bias) t.out.bias = r->bias + column;
    if (t.out.residual) t.out.residual += at;
    ash_gemm_block(r->row, &t);
}

void ash_deconv_f32(const struct ash_gemm_kernel *row, const struct ash_conv *given, const float *x,
                    const float *packed, float *y, const struct ash_gemm_out *out, void *scratch,
                    struct ash_pool *pool) {
    struct run r = {.row = row, .out = out, .x = x, .packed = packed, .y = y, .bias = out->bias};
    if (!cut_of(row, given, &r.u) || r.u.n == 0) return;
    const struct ash_conv *s = &r.u.s;
    float *floats = scratch, *bias = floats + r.u.zero_floats;
    memset(floats, 0, r.u.zero_floats * sizeof *floats);
    r.zero = floats;
    r.threads = (unsigned char *)(bias + r.u.bias_floats);
    if (r.bias && r.u.fold > 1) {
        for (size_t i = 0; i < s->oc; i++) bias[i] = out->bias[i % given->oc];
        r.bias = bias;
    }
    ash_pool_run(pool, s->n * s->oh * s->stride_w * s->groups * r.u.m_tiles * r.u.n_tiles,
                 deconv_tile, &r);
}
