#include "kernels/winograd/winograd.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_winograd_kernel ash_winograd_##isa[];
#include "winograd_list.inc"
#undef KERNELS

static const struct ash_winograd_kernel *const tables[] = {
#define KERNELS(isa) ash_winograd_##isa,
#include "winograd_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(winograd, ash_winograd_kernel, tables)

enum {
    IN = ASH_WINOGRAD_IN,
    PARTS = ASH_WINOGRAD_PARTS,
    LANES = 16,             /* of the widest row */
    BLOCK_FLOATS = 1 << 18, /* of V and M together: what a second cache holds */
    BLOCK_MIN = 16,         /* tiles that are worth going through all weights */
    BLOCK_MAX = ASH_GEMM_ROWS_MAX,
    BLOCKS_FROM = 8, /* work tiles for which blocks are made smaller, */
    BLOCK_LEAST = 12,
    BLOCK_WORK = 1 << 20, /* multiplications, but no smaller */
    CHUNK = 32,           /* output channels of M */
    STRIPS_FROM = 16,     /* work tiles that are enough */
    STRIP_MIN = 96        /* output channels for which V is worth making once more */
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }

/* A work tile is a block of tiles by a strip of output channels, and makes the V that it needs:
 * where blocks are few, several strips make the same. */
struct cut {
    size_t line; /* outputs of a line, 0: squares */
    size_t tile_h, tile_w, window_w, parts;
    size_t tiles_x, tiles_y, tiles; /* the last of all images */
    size_t block, blocks;           /* tiles */
    size_t chunk;                   /* output channels, whole panels */
    size_t strip, strips;           /* output channels, whole chunks */
    size_t ldm, v_plane, m_plane;   /* floats */
    size_t zero_floats, thread_bytes;
};

static size_t longer(const struct ash_conv *s) { return s->kh > s->kw ? s->kh : s->kw; }
static bool is_line(const struct ash_conv *s) { return s->kh == 1 || s->kw == 1; }

bool ash_winograd_fits(const struct ash_conv *s) {
    bool square = s->kh == 3 && s->kw == 3;
    bool line = is_line(s) && longer(s) >= 3 && longer(s) <= 5;
    return (square || line) && s->groups == 1 && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1 && s->c >= LANES;
}

/* A tile's outputs in a dimension where the kernel has this extent. */
static size_t outputs(size_t kernel) { return kernel == 1 ? 1 : IN + 1 - kernel; }
static size_t parts_of(const struct ash_conv *s) { return is_line(s) ? IN : PARTS; }

/* In multiplications for each pair of channels, as measured with 4 to 16 lanes: an element of V or
 * M costs as much as 13 of them, of a line 10.  A weight costs as much as 4 tiles where it lies
 * near, and one more for each 2^12 pairs, up to 16, where it comes from further away: then a direct
 * product's weights cost as much, of which there are a quarter. */
bool ash_winograd_pays(const struct ash_conv *s) {
    const double transform = 13, line = 10, few = 4, far = 1 << 12, farthest = 16;
    if (!ash_winograd_fits(s) || s->oc == 0) return false;
    double lines = (double)ceil_div(s->oh, outputs(s->kh));
    double tiles = (double)s->n * lines * (double)ceil_div(s->ow, outputs(s->kw));
    double element = is_line(s) ? line : transform;
    double each = 1 + element / (double)s->c + element / (double)s->oc;
    double weights = (double)s->c * (double)s->oc / far;
    if (weights > farthest) weights = farthest;
    double taps = (double)(s->kh * s->kw), pixels = (double)s->n * (double)s->oh * (double)s->ow;
    return (double)parts_of(s) * (tiles * each + few + weights) < taps * (pixels + weights);
}

static struct cut cut_of(const struct ash_gemm_kernel *gemm, const struct ash_conv *s) {
    struct cut u = {.tile_h = outputs(s->kh), .tile_w = outputs(s->kw), .parts = parts_of(s)};
    u.line = is_line(s) ? outputs(longer(s)) : 0;
    u.window_w = s->kw == 1 ? 1 : IN;
    u.tiles_x = ceil_div(s->ow, u.tile_w);
    u.tiles_y = ceil_div(s->oh, u.tile_h);
    u.tiles = s->n * u.tiles_x * u.tiles_y;
    u.chunk = ceil_div(CHUNK, gemm->nr) * gemm->nr;
    size_t columns = ceil_div(s->oc, gemm->nr) * gemm->nr;
    u.chunk = min_size(u.chunk, columns);
    size_t block = BLOCK_FLOATS / u.parts / (s->c + u.chunk);
    block = block < BLOCK_MIN ? BLOCK_MIN : min_size(block, BLOCK_MAX);
    u.blocks = ceil_div(u.tiles, block);
    size_t work = ash_size_mul(ash_size_mul(u.parts * u.tiles, s->c), s->oc);
    size_t wanted = min_size(min_size(BLOCKS_FROM, u.tiles / BLOCK_LEAST), work / BLOCK_WORK);
    if (u.blocks < wanted) u.blocks = wanted;
    u.block = ceil_div(u.tiles, u.blocks ? u.blocks : 1); /* of nearly equal size */
    size_t strips = u.blocks ? min_size(STRIPS_FROM / u.blocks, columns / STRIP_MIN) : 0;
    u.strip = strips > 1 ? ceil_div(ceil_div(columns, u.chunk), strips) * u.chunk : columns;
    u.strips = ceil_div(s->oc, u.strip);
    /* A line more than a power of two: planes would fall on the same lines of a cache. */
    u.ldm = ceil_div(u.chunk, LANES) * LANES;
    u.v_plane = u.block * s->c + LANES;
    u.m_plane = u.block * u.ldm + LANES;
    u.zero_floats = ash_align_up(s->c * sizeof(float)) / sizeof(float);
    size_t pointers = ash_align_up(u.block * sizeof(float *));
    size_t floats = ash_size_mul(u.parts * sizeof(float), ash_size_add(u.v_plane, u.m_plane));
    u.thread_bytes = ash_align_up(ash_size_add(pointers, floats));
    return u;
}

size_t ash_winograd_packed_size(const struct ash_gemm_kernel *gemm, const struct ash_conv *s) {
    return ash_gemm_packed_size(gemm, parts_of(s), s->c, s->oc);
}

/* G for a kernel of extent k, 1: no transform.  Returns its rows. */
static size_t points(size_t k, double g[IN][IN - 1]) {
    static const double at[IN - 1] = {0, 0.625, -0.625, 1.5, -1.5};
    memset(g, 0, IN * sizeof *g);
    if (k == 1) {
        g[0][0] = 1;
        return 1;
    }
    for (size_t i = 0; i < IN - 1; i++) {
        double power = 1;
        for (size_t j = 0; j < IN - 1; j++) {
            if (j != i) power /= at[i] - at[j];
        }
        for (size_t j = 0; j < k; j++, power *= at[i]) g[i][j] = power;
    }
    g[IN - 1][k - 1] = 1;
    return IN;
}

/* Both sides of U = G w GT. */
struct transform {
    size_t kh, kw, rows, columns;
    double h[IN][IN - 1], w[IN][IN - 1];
};

static void transform_weights(const struct transform *t, const float *w, double *u) {
    double half[IN][IN - 1] = {{0}};
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->kw; j++) {
            for (size_t k = 0; k < t->kh; k++) half[i][j] += t->h[i][k] * (double)w[k * t->kw + j];
        }
    }
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->columns; j++, u++) {
            *u = 0;
            for (size_t k = 0; k < t->kw; k++) *u += half[i][k] * t->w[j][k];
        }
    }
}

void ash_winograd_pack(const struct ash_gemm_kernel *gemm, const struct ash_conv *s, const float *w,
                       float *packed) {
    struct transform t = {.kh = s->kh, .kw = s->kw};
    t.rows = points(s->kh, t.h);
    t.columns = points(s->kw, t.w);
    size_t nr = gemm->nr, part = s->c * nr, parts = t.rows * t.columns;
    for (size_t n0 = 0; n0 < s->oc; n0 += nr, packed += parts * part) {
        for (size_t i = 0; i < part; i++) {
            size_t c = i / nr, n = n0 + i % nr;
            double u[PARTS] = {0};
            if (n < s->oc) transform_weights(&t, w + (n * s->c + c) * s->kh * s->kw, u);
            for (size_t p = 0; p < parts; p++) packed[p * part + i] = (float)u[p];
        }
    }
}

size_t ash_winograd_scratch(const struct ash_gemm_kernel *gemm, const struct ash_conv *s,
                            size_t threads) {
    struct cut u = cut_of(gemm, s);
    return ash_size_add(u.zero_floats * sizeof(float), ash_size_mul(threads, u.thread_bytes));
}

struct run {
    const struct ash_winograd_kernel *row;
    const struct ash_gemm_kernel *gemm;
    const struct ash_conv *s;
    const struct ash_gemm_out *out;
    struct cut u;
    const float *x, *packed, *zero;
    float *y;
    size_t x_step, y_step;
    unsigned char *threads; /* u.thread_bytes each */
};

/* Where tile i of all lies. */
struct place {
    size_t image, oy, ox;
};

static struct place place_of(const struct cut *u, size_t i) {
    struct place at = {.image = i / (u->tiles_x * u->tiles_y)};
    at.oy = i / u->tiles_x % u->tiles_y * u->tile_h;
    at.ox = i % u->tiles_x * u->tile_w;
    return at;
}

static void input_tile(const struct run *r, size_t i, float *v) {
    const struct ash_conv *s = r->s;
    struct place at = place_of(&r->u, i);
    const float *x = r->x + at.image * s->h * s->w * r->x_step, *window[PARTS];
    for (size_t p = 0; p < r->u.parts; p++) {
        /* Coordinates left of or above the image wrap around and are too large. */
        size_t iy = at.oy + p / r->u.window_w - s->pad_top,
               ix = at.ox + p % r->u.window_w - s->pad_left;
        window[p] = iy < s->h && ix < s->w ? x + (iy * s->w + ix) * r->x_step : r->zero;
    }
    (r->u.line ? r->row->input_line : r->row->input)(s->c, window, v, r->u.v_plane);
}

/* Channels n0.. of a tile. */
static void output_tile(const struct run *r, size_t i, size_t n0, size_t n, const float *m) {
    const struct ash_conv *s = r->s;
    struct place at = place_of(&r->u, i);
    size_t pixel = (at.image * s->oh + at.oy) * s->ow + at.ox;
    struct ash_winograd_output o = {.m = m, .plane = r->u.m_plane, .n = n, .out = *r->out};
    o.line = r->u.line;
    o.y = r->y + pixel * r->y_step + n0;
    o.y_step = r->y_step;
    o.y_row = s->ow * r->y_step;
    o.rows = min_size(r->u.tile_h, s->oh - at.oy);
    o.cols = min_size(r->u.tile_w, s->ow - at.ox);
    if (o.out.bias) o.out.bias += n0;
    if (o.out.ld_residual == 0) o.out.ld_residual = r->y_step;
    if (o.out.residual) o.out.residual += pixel * o.out.ld_residual + n0;
    o.residual_row = s->ow * o.out.ld_residual;
    r->row->output(&o);
}

static void winograd_tile(void *arg, size_t tile, size_t worker) {
    const struct run *r = arg;
    const struct cut *u = &r->u;
    size_t c = r->s->c, nr = r->gemm->nr, first = tile / u->strips * u->block;
    size_t strip = tile % u->strips * u->strip, end = min_size(strip + u->strip, r->s->oc);
    size_t tiles = min_size(u->block, u->tiles - first);
    const float **rows = (const float **)(void *)(r->threads + worker * u->thread_bytes);
    float *v = (float *)(void *)((unsigned char *)rows + ash_align_up(u->block * sizeof(float *)));
    float *m = v + u->parts * u->v_plane;
    for (size_t i = 0; i < tiles; i++) {
        rows[i] = v + i * c;
        input_tile(r, first + i, v + i * c);
    }
    struct ash_gemm_tile t = {.rows = tiles, .taps = 1, .k = c, .a = rows, .ldc = u->ldm};
    t.b_step = nr;
    t.b_panel = u->parts * c * nr;
    for (size_t n0 = strip; n0 < end; n0 += u->chunk) {
        size_t n = min_size(u->chunk, end - n0);
        t.cols = ceil_div(n, nr) * nr;
        for (size_t p = 0; p < u->parts; p++) {
            t.a_skip = p * u->v_plane;
            t.b = r->packed + n0 / nr * t.b_panel + p * c * nr;
            t.c = m + p * u->m_plane;
            ash_gemm_block(r->gemm, &t);
        }
        for (size_t i = 0; i < tiles; i++) output_tile(r, first + i, n0, n, m + i * u->ldm);
    }
}

void ash_winograd_f32(const struct ash_winograd_kernel *row, const struct ash_gemm_kernel *gemm,
                      const struct ash_conv *s, const float *x, const float *packed, float *y,
                      const struct ash_gemm_out *out, void *scratch, struct ash_pool *pool) {
    if (s->n * s->oh * s->ow == 0 || s->oc == 0) return;
    struct run r = {.row = row, .gemm = gemm, .s = s, .out = out, .x = x, .packed = packed, .y = y};
    r.u = cut_of(gemm, s);
    r.x_step = s->x_step ? s->x_step : s->c;
    r.y_step = s->y_step ? s->y_step : s->oc;
    memset(scratch, 0, r.u.zero_floats * sizeof(float));
    r.zero = scratch;
    r.threads = (unsigned char *)scratch + r.u.zero_floats * sizeof(float);
    ash_pool_run(pool, r.u.blocks * r.u.strips, winograd_tile, &r);
}
