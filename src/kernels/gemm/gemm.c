#include "kernels/gemm/gemm.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_gemm_kernel ash_gemm_##isa[];
#include "gemm_list.inc"
#undef KERNELS

static const struct ash_gemm_kernel *const tables[] = {
#define KERNELS(isa) ash_gemm_##isa,
#include "gemm_list.inc"
#undef KERNELS
    NULL,
};

enum {
    LINE = 64 / sizeof(float), /* of the cache */
    AHEAD_ROWS = 5,            /* with fewer, what is loaded is not used often enough */
    FEW_BLOCKS = 6,            /* load many lines each: a few at a time */
    BLOCK_K = 512,             /* what of a panel is gone through before the next rows: */
    BLOCK = 8192,              /* no more elements, half of the first cache */
    TILE_WORK = 1 << 17,       /* multiplications that are worth a trip through the pool */
    PACK_WORK = 1 << 14,       /* elements of B that are worth one for packing */
    GEMV_TILE = 1 << 15,       /* of B for few rows, which take as long as it takes to load */
    GEMV_WORK = 1 << 16,       /* of B that count as a tile of the pool's: they may lie near */
    GEMV_ROWS = 4,             /* up to here packing B costs more than it gives */
    STRIPS_LEAST = 8
};

ASH_KERNEL_CHOOSER(gemm, ash_gemm_kernel, tables)

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }
static size_t or_one(size_t n) { return n ? n : 1; }

size_t ash_gemm_packed_size(const struct ash_gemm_kernel *row, size_t taps, size_t k, size_t n) {
    size_t padded = ash_size_mul(ceil_div(n, row->nr), row->nr);
    return ash_size_mul(ash_size_mul(ash_size_mul(taps, k), padded), sizeof(float));
}

/* One panel: `cols` columns of it are there. */
static void pack_panel(size_t nr, size_t cols, size_t k, const float *b, size_t step_k,
                       size_t step_n, float *packed) {
    if (step_n == 1) {
        for (size_t i = 0; i < k; i++, b += step_k, packed += nr) {
            for (size_t j = 0; j < cols; j++) packed[j] = b[j];
            for (size_t j = cols; j < nr; j++) packed[j] = 0.0f;
        }
        return;
    }
    if (cols < nr) memset(packed, 0, k * nr * sizeof(float));
    /* Blocks of k keep the strided writes within the first cache. */
    for (size_t i0 = 0; i0 < k; i0 += 16) {
        size_t i1 = min_size(i0 + 16, k);
        for (size_t j = 0; j < cols; j++) {
            const float *s = b + j * step_n;
            for (size_t i = i0; i < i1; i++) packed[i * nr + j] = s[i * step_k];
        }
    }
}

void ash_gemm_pack(const struct ash_gemm_kernel *row, size_t taps, size_t k, size_t n,
                   const float *b, size_t step_t, size_t step_k, size_t step_n, float *packed) {
    size_t nr = row->nr;
    for (size_t j = 0; j < n; j += nr) {
        for (size_t t = 0; t < taps; t++) {
            pack_panel(nr, min_size(nr, n - j), k, b + t * step_t + j * step_n, step_k, step_n,
                       packed);
            packed += k * nr;
        }
    }
}

/* How wide the next tiles are, and how high they may be. */
static size_t columns_at_once(const struct ash_gemm_kernel *row, const struct ash_gemm_tile *t,
                              size_t left, size_t *most_rows) {
    *most_rows = row->whole ? (size_t)ASH_GEMM_ROWS_MAX : row->mr;
    if (row->whole) return left;
    if (t->rows <= or_one(row->wide_rows)) return (size_t)row->nr * row->wide;
#if !defined(__wasm__)
    size_t halves = ceil_div(left, row->nr / 2);
    if (halves >= 4) halves = left < 2 * (size_t)row->nr ? 2 : 4;
    if (!row->heights[halves - 1]) halves = 2;
    if (row->heights[halves - 1]) *most_rows = row->heights[halves - 1];
    if (halves > 2) return 2 * (size_t)row->nr;
#endif
    return row->nr;
}

/* Between them, the blocks of rows load what follows the panels that they share, so that the first
 * of them need not wait for it: the next panels of this part, or the next part, or what follows. */
static void look_ahead(const struct ash_gemm_kernel *row, const struct ash_gemm_tile *t,
                       size_t span, size_t blocks, size_t block, struct ash_gemm_tile *u) {
#if defined(__wasm__)
    (void)row, (void)t, (void)span, (void)blocks, (void)block, (void)u;
#else
    size_t part = t->taps * t->k * t->b_step, panels = span / row->nr;
    size_t lines = ceil_div(part, LINE), each = ceil_div(lines, blocks);
    size_t next = t->cols > span ? panels * t->b_panel : part;
    if (t->cols <= span && t->last) next += (panels - 1) * t->b_panel;
    u->ahead = u->b + next + block * each * LINE;
    u->ahead_k = blocks < FEW_BLOCKS ? 16 : 64;
    u->ahead_lines = ceil_div(each, or_one(t->taps * ceil_div(t->k, u->ahead_k)));
#endif
}

/* What of an epilogue that is not simple the tiles can do, and what is left for `finish`. */
static void split_epilogue(struct ash_gemm_out *now, struct ash_gemm_out *later) {
    *later = *now;
    *now = (struct ash_gemm_out){0};
    if (later->scale != 0.0f) return; /* comes first */
    now->bias = later->bias;
    later->bias = NULL;
    if (later->residual_last) return;
    now->residual = later->residual;
    now->ld_residual = later->ld_residual;
    later->residual = NULL;
}

void ash_gemm_part(const struct ash_gemm_kernel *row, const struct ash_gemm_tile *t) {
    bool apart = t->last && row->finish && !ash_gemm_is_simple(&t->out) &&
                 !(row->acts >> t->out.act.kind & 1);
    struct ash_gemm_out now = t->out, later = {0};
    if (apart) split_epilogue(&now, &later);
    for (size_t j = 0, span; j < t->cols; j += span) {
        size_t most_rows;
        span = columns_at_once(row, t, t->cols - j, &most_rows);
        size_t blocks = ceil_div(t->rows, most_rows);
        bool ahead = t->fresh && t->rows >= AHEAD_ROWS;
        struct ash_gemm_tile u = *t;
        u.cols = min_size(span, t->cols - j);
        u.b += j / row->nr * t->b_panel;
        u.c += j;
        u.out = now;
        if (now.bias) u.out.bias = now.bias + j;
        /* Blocks of nearly equal height: 13 rows are 7 + 6 rather than 12 + 1. */
        for (size_t i = 0, r = 0; i < blocks; i++, r += u.rows) {
            u.rows = t->rows / blocks + (i < t->rows % blocks);
            u.a = t->a + r;
            u.c = t->c + r * t->ldc + j;
            if (now.residual) u.out.residual = now.residual + r * now.ld_residual + j;
            if (ahead) look_ahead(row, t, span, blocks, i, &u);
            row->tile(&u);
        }
    }
    if (apart) {
        struct ash_gemm_tile u = *t;
        u.out = later;
        row->finish(&u);
    }
}

static size_t block_depth(const struct ash_gemm_kernel *row) {
    return min_size(BLOCK_K, BLOCK / row->nr);
}

#if !defined(__wasm__)
bool ash_gemm_may_overwrite(const struct ash_gemm_kernel *row, size_t taps, size_t k,
                            const struct ash_gemm_out *out) {
    size_t most = block_depth(row);
    return row->keeps && ash_gemm_is_simple(out) && !out->residual_last &&
           ash_size_mul(taps, k) <= most + most / 2;
}
#endif

void ash_gemm_block(const struct ash_gemm_kernel *row, const struct ash_gemm_tile *t) {
    struct ash_gemm_tile u = *t;
    size_t most = block_depth(row);
    size_t k_block = t->taps == 1 ? most : t->k;
    size_t tap_block = t->k < most ? most / or_one(t->k) : 1;
    if (t->rows <= row->mr || t->taps * t->k <= most + most / 2) {
        k_block = t->k;
        tap_block = t->taps;
    }
    k_block = or_one(k_block);
    tap_block = or_one(tap_block);
    size_t tap = 0, k = 0;
    do {
        u.first = tap == 0 && k == 0;
        u.taps = min_size(tap_block, t->taps - tap);
        u.k = min_size(k_block, t->k - k);
        u.a = t->a + tap * t->a_tap;
        u.a_skip = t->a_skip + k;
        u.b = t->b + (tap * t->k + k) * t->b_step;
        k += u.k;
        if (k >= t->k) {
            k = 0;
            tap += u.taps;
        }
        u.last = tap >= t->taps;
        ash_gemm_part(row, &u);
    } while (!u.last);
}

void ash_gemm_cut(const struct ash_gemm_kernel *row, size_t m, size_t n, size_t k,
                  size_t *tile_rows, size_t *tile_panels) {
    size_t panels = or_one(ceil_div(n, row->nr));
    /* Even heights in whole micro-tiles, so that no tile is a sliver. */
    size_t most = (size_t)ASH_GEMM_ROWS_MAX / row->mr * row->mr;
    size_t parts = or_one(ceil_div(m, most));
    size_t rows = min_size(ceil_div(ceil_div(or_one(m), parts), row->mr) * row->mr, most);
    size_t work = ash_size_mul(ash_size_mul(min_size(rows, or_one(m)), row->nr), or_one(k));
    size_t count = or_one(min_size(TILE_WORK / or_one(work) + 1, panels));
#if defined(__wasm__)
    if (m <= or_one(row->wide_rows) && count < panels)
        count = min_size(ceil_div(count, row->wide) * row->wide, panels);
#else
    if (m <= or_one(row->wide_rows)) {
        /* What comes from far away needs fewer sums under way. */
        size_t each = ash_size_mul(n, k) < 4 * ASH_GEMM_FAR ? row->wide : 2;
        count = ceil_div(GEMV_TILE, or_one(ash_size_mul(row->nr, k)));
        count = min_size(ceil_div(count, each) * each, panels);
    }
    if (row->heights[3] && m > row->wide_rows) count = min_size(ceil_div(count, 2) * 2, panels);
    if (row->heights[2] && panels == 2 && n <= row->nr * 3 / 2) count = 2;
#endif
    *tile_rows = rows;
    *tile_panels = count;
}

struct run {
    const struct ash_gemm_kernel *row;
    const struct ash_gemm *g;
    size_t tile_rows, tile_panels, m_tiles, n_tiles;
    size_t b_panel, b_step; /* of B as the tiles read it */
    size_t outer_b, inner_b;
    const float *b;
    const float *b_tail; /* the last panel when it had to be packed apart, else NULL */
    size_t tail_panel;
    size_t outer_tail, inner_tail;
    float *packed; /* where ash_gemm_dynamic_f32 packs to */
    size_t pack_panels;
    size_t pack_outer, pack_inner; /* batches that have a B of their own */
};

static void run_tile(void *arg, size_t tile, size_t worker) {
    (void)worker;
    const struct run *r = arg;
    const struct ash_gemm *g = r->g;
    size_t inner = or_one(g->inner);
    size_t batch = tile / (r->m_tiles * r->n_tiles);
    size_t bo = batch / inner, bi = batch % inner;
    tile %= r->m_tiles * r->n_tiles;
    size_t m0 = tile / r->n_tiles * r->tile_rows;
    size_t panel = tile % r->n_tiles * r->tile_panels;
    size_t n0 = panel * r->row->nr;

    const float *rows[ASH_GEMM_ROWS_MAX];
    struct ash_gemm_tile t = {.taps = 1, .k = g->k, .a = rows, .a_tap = 0, .out = g->out};
    t.fresh = ash_gemm_is_fresh(r->m_tiles, g->n, g->k);
    t.rows = min_size(r->tile_rows, g->m - m0);
    t.cols = min_size(r->tile_panels * r->row->nr, g->n - n0);
    const float *a = g->a + bo * g->outer_a + bi * g->inner_a + m0 * g->lda;
    for (size_t i = 0; i < t.rows; i++) rows[i] = a + i * g->lda;
    t.b = r->b + bo * r->outer_b + bi * r->inner_b + panel * r->b_panel;
    t.b_panel = r->b_panel;
    t.b_step = r->b_step;
    t.ldc = g->ldc;
    t.c = g->c + bo * g->outer_c + bi * g->inner_c + m0 * g->ldc + n0;
    if (t.out.bias) t.out.bias += n0;
    if (t.out.residual) {
        t.out.residual += bo * g->outer_residual + bi * g->inner_residual;
        t.out.residual += m0 * t.out.ld_residual + n0;
    }
    if (r->b_tail && n0 + t.cols == g->n) {
        /* The last panel lies apart: the whole ones first. */
        size_t whole = (r->tail_panel - panel) * r->row->nr;
        struct ash_gemm_tile u = t;
        u.cols = whole;
        if (whole) ash_gemm_block(r->row, &u);
        t.cols -= whole;
        t.c += whole;
        if (t.out.bias) t.out.bias += whole;
        if (t.out.residual) t.out.residual += whole;
        t.b = r->b_tail + bo * r->outer_tail + bi * r->inner_tail;
        t.b_step = r->row->nr;
    }
    ash_gemm_block(r->row, &t);
}

#if !defined(__wasm__)
/* What they are worth to the pool: few rows take as long as it takes to load B. */
static size_t work_of(const struct run *r, size_t batch, size_t tiles) {
    const struct ash_gemm *g = r->g;
    if (g->m > or_one(r->row->wide_rows)) return tiles;
    return ash_size_mul(ash_size_mul(batch, g->n), g->k) / GEMV_WORK;
}
#endif

static void run_all(struct run *r, struct ash_pool *pool) {
    const struct ash_gemm *g = r->g;
    if (g->m == 0 || g->n == 0) return;
    ash_gemm_cut(r->row, g->m, g->n, g->k, &r->tile_rows, &r->tile_panels);
    r->m_tiles = ceil_div(g->m, r->tile_rows);
    r->n_tiles = ceil_div(ceil_div(g->n, r->row->nr), r->tile_panels);
    size_t batch = or_one(g->outer) * or_one(g->inner);
    size_t tiles = batch * r->m_tiles * r->n_tiles;
    ash_pool_run_work(pool, tiles, work_of(r, batch, tiles), run_tile, r);
}

void ash_gemm_f32(const struct ash_gemm_kernel *row, const struct ash_gemm *g,
                  struct ash_pool *pool) {
    struct run r = {.row = row, .g = g, .b = g->b, .b_step = row->nr};
    r.b_panel = g->k * row->nr;
    r.outer_b = g->outer_b;
    r.inner_b = g->inner_b;
    run_all(&r, pool);
}

/* Whether B can be read where it lies: but for its last columns, if they do not fill a panel. */
static bool reads_in_place(const struct ash_gemm *g) { return g->step_n == 1 && g->m <= GEMV_ROWS; }

static size_t panels_to_pack(const struct ash_gemm_kernel *row, const struct ash_gemm *g) {
    if (reads_in_place(g)) return g->n % row->nr != 0;
    return ceil_div(g->n, row->nr);
}

static void dynamic_batches(const struct ash_gemm *g, size_t *outer, size_t *inner) {
    *outer = g->outer_b ? or_one(g->outer) : 1;
    *inner = g->inner_b ? or_one(g->inner) : 1;
}

size_t ash_gemm_dynamic_scratch(const struct ash_gemm_kernel *row, const struct ash_gemm *g) {
    size_t outer, inner;
    dynamic_batches(g, &outer, &inner);
    size_t one = ash_size_mul(ash_size_mul(panels_to_pack(row, g), row->nr * sizeof(float)), g->k);
    return ash_size_mul(ash_size_mul(outer, inner), one);
}

static void pack_tile(void *arg, size_t tile, size_t worker) {
    (void)worker;
    const struct run *r = arg;
    const struct ash_gemm *g = r->g;
    size_t nr = r->row->nr;
    size_t batch = tile / r->pack_panels;
    size_t bo = batch / r->pack_inner, bi = batch % r->pack_inner;
    size_t all = ceil_div(g->n, nr);
    size_t panel = all - r->pack_panels + tile % r->pack_panels;
    const float *b = g->b + bo * g->outer_b + bi * g->inner_b + panel * nr * g->step_n;
    pack_panel(nr, min_size(nr, g->n - panel * nr), g->k, b, g->step_k, g->step_n,
               r->packed + tile * g->k * nr);
}

void ash_gemm_dynamic_f32(const struct ash_gemm_kernel *row, const struct ash_gemm *g,
                          void *scratch, struct ash_pool *pool) {
    struct run r = {.row = row, .g = g, .packed = scratch};
    if (g->m == 0 || g->n == 0) return;
    dynamic_batches(g, &r.pack_outer, &r.pack_inner);
    r.pack_panels = panels_to_pack(row, g);
    size_t tiles = r.pack_outer * r.pack_inner * r.pack_panels;
    /* What is quickly packed is packed here. */
    ash_pool_run(tiles * row->nr * g->k < PACK_WORK ? NULL : pool, tiles, pack_tile, &r);
    size_t one = r.pack_panels * row->nr * g->k;
    size_t inner_step = g->inner_b ? one : 0;
    size_t outer_step = g->outer_b ? one * r.pack_inner : 0;
    if (reads_in_place(g)) {
        r.b = g->b;
        r.b_step = g->step_k;
        r.b_panel = row->nr;
        r.outer_b = g->outer_b;
        r.inner_b = g->inner_b;
        r.b_tail = r.pack_panels ? r.packed : NULL;
        r.tail_panel = g->n / row->nr;
        r.outer_tail = outer_step;
        r.inner_tail = inner_step;
    } else {
        r.b = r.packed;
        r.b_step = row->nr;
        r.b_panel = g->k * row->nr;
        r.outer_b = outer_step;
        r.inner_b = inner_step;
    }
    run_all(&r, pool);
}

/* ---- parts ---- */

struct parts_run {
    const struct ash_gemm_kernel *row;
    const struct ash_gemm *g;
    const struct ash_gemm_parts *parts;
    size_t tile_rows, strips;
    size_t rows; /* of a work tile, which goes through them by tile_rows */
    float *scratch;
};

size_t ash_gemm_parts_scratch(const struct ash_gemm_parts *parts, size_t threads) {
    size_t one = ash_size_mul(ash_size_mul(parts->depth, parts->width), sizeof(float));
    return ash_size_mul(one, or_one(threads));
}

static void parts_tile(void *arg, size_t tile, size_t worker) {
    const struct parts_run *r = arg;
    const struct ash_gemm *g = r->g;
    const struct ash_gemm_parts *p = r->parts;
    size_t first = tile / r->strips * r->rows, end = min_size(first + r->rows, g->m);
    size_t strip = tile % r->strips, n0 = strip * p->width;
    float *b = r->scratch + worker * p->depth * p->width;
    const float *rows[ASH_GEMM_ROWS_MAX];
    struct ash_gemm_tile t = {.taps = 1, .a = rows, .b = b, .ldc = g->ldc, .out = g->out};
    t.cols = min_size(p->width, g->n - n0);
    t.b_panel = p->panel;
    t.b_step = p->step;
    if (t.out.bias) t.out.bias += n0;
    for (size_t k = 0; k < g->k; k += t.k) {
        t.k = min_size(p->depth, g->k - k);
        t.a_skip = k;
        t.first = k == 0;
        t.last = k + t.k == g->k;
        p->unpack(p->arg, strip, k, t.k, b);
        for (size_t m = first; m < end; m += t.rows) {
            t.rows = min_size(r->tile_rows, end - m);
            t.c = g->c + m * g->ldc + n0;
            if (t.out.residual) t.out.residual = g->out.residual + m * t.out.ld_residual + n0;
            for (size_t i = 0; i < t.rows; i++) rows[i] = g->a + (m + i) * g->lda;
            ash_gemm_part(r->row, &t);
        }
    }
}

void ash_gemm_parts_f32(const struct ash_gemm_kernel *row, const struct ash_gemm *g,
                        const struct ash_gemm_parts *parts, void *scratch, struct ash_pool *pool) {
    struct parts_run r = {.row = row, .g = g, .parts = parts, .scratch = scratch};
    size_t panels;
    if (g->m == 0 || g->n == 0 || g->k == 0) return;
    ash_gemm_cut(row, g->m, g->n, g->k, &r.tile_rows, &panels);
    r.strips = ceil_div(g->n, parts->width);
    /* All rows use what is unpacked once, where threads have strips enough. */
    r.rows = r.strips < STRIPS_LEAST ? r.tile_rows : g->m;
    ash_pool_run(pool, ceil_div(g->m, r.rows) * r.strips, parts_tile, &r);
}
