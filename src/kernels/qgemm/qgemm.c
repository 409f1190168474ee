#include "kernels/qgemm/qgemm.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"
#include "kernels/qgemm/qgemm_packed.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_qgemm_kernel ash_qgemm_##isa[];
#include "qgemm_list.inc"
#undef KERNELS

static const struct ash_qgemm_kernel *const tables[] = {
#define KERNELS(isa) ash_qgemm_##isa,
#include "qgemm_list.inc"
#undef KERNELS
    NULL,
};

enum {
    TILE_WORK = 1 << 20,    /* multiplications that are worth a trip through the pool */
    ENTERED_WORK = 4 << 20, /* and through tiles' own registers */
    PANELS_MIN = 8,         /* of a work tile of several rows, which prepares its part of A */
    ROWS_MAX = 96,          /* of a work tile */
    PANEL_BYTES = 1 << 17   /* of A that a work tile keeps in the second cache */
};

ASH_KERNEL_CHOOSER(qgemm, ash_qgemm_kernel, tables)

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }
static size_t or_one(size_t n) { return n ? n : 1; }

static bool has_to_enter(const struct ash_qgemm_kernel *row) {
#if defined(__x86_64__)
    return row->enter != NULL;
#else
    (void)row;
    return false;
#endif
}

struct cut {
    size_t tile_rows, tile_panels, panels;
    size_t words;          /* of a row of A, at most */
    size_t line_bytes;     /* an array of one number per column */
    size_t thread_bytes;   /* A as tiles read it, a tile of sums, sums of rows */
    size_t sums, row_sums; /* offsets in them */
};

static struct cut cut_of(const struct ash_qgemm_kernel *row, size_t m, size_t n, size_t k) {
    const struct ash_qgemm_layout l = ash_qgemm_layout(row, k, n);
    struct cut u = {.words = l.most, .panels = or_one(ceil_div(n, row->nr))};
    size_t row_bytes = ash_size_mul(or_one(u.words), sizeof(int32_t));
    size_t most = min_size(PANEL_BYTES / row_bytes + 1, ROWS_MAX);
    most = or_one(most / row->mr) * row->mr;
    u.tile_rows =
        min_size(ceil_div(ceil_div(or_one(m), ceil_div(or_one(m), most)), row->mr) * row->mr, most);
    size_t rows = min_size(u.tile_rows, or_one(m));
    size_t work = or_one(ash_size_mul(ash_size_mul(rows, row->nr), or_one(k)));
    size_t least = m > 1 ? PANELS_MIN : 1,
           count = (has_to_enter(row) ? ENTERED_WORK : TILE_WORK) / work + 1;
    u.tile_panels = min_size(count < least ? least : count, u.panels);
    u.line_bytes = ash_align_up(ash_size_mul(l.columns, sizeof(int32_t)));
    u.sums = ash_align_up(ash_size_mul(u.tile_rows, row_bytes));
    u.row_sums = ash_size_add(u.sums, (size_t)row->mr * row->nr * sizeof(int32_t));
    u.thread_bytes = ash_align_up(ash_size_add(u.row_sums, u.tile_rows * sizeof(int32_t)));
    return u;
}

size_t ash_qgemm_scratch(const struct ash_qgemm_kernel *row, size_t m, size_t n, size_t k,
                         size_t threads) {
    struct cut u = cut_of(row, m, n, k);
    return ash_size_add(ash_size_mul(3, u.line_bytes), ash_size_mul(threads, u.thread_bytes));
}

struct run {
    const struct ash_qgemm_kernel *row;
    const struct ash_qgemm *g;
    struct cut u;
    struct ash_qgemm_layout l;
    struct ash_qgemm_finish finish;
    unsigned char *threads;
    uint8_t flip;
    int32_t a_zero; /* of A as tiles read it */
    bool in_place;  /* tiles read A where it lies */
    size_t n_tiles;
};

/* Rows m0.. of A as tiles read them. */
static void prepare(const struct run *r, size_t m0, size_t rows, unsigned char *mine) {
    const struct ash_qgemm *g = r->g;
    int32_t *words = (int32_t *)(void *)mine, *row_sums = (int32_t *)(void *)(mine + r->u.row_sums);
    for (size_t i = 0; i < rows; i++, words += r->u.words) {
        struct ash_qgemm_put to = {r->row, r->flip, r->a_zero, (char *)words};
        if (r->l.words) words[r->l.words - 1] = 0; /* what k leaves of the last group */
        if (g->gather)
            g->gather(g->gather_arg, m0 + i, &to);
        else
            ash_qgemm_put(&to, g->k, g->a + (m0 + i) * g->lda);
        if (r->finish.rest) row_sums[i] = r->row->sum(r->l.words, (const uint8_t *)words);
    }
}

/* Bytes of A behind the others, as the panel of column n0 has them; returns its words. */
static size_t repeat(const struct run *r, size_t n0, size_t rows, unsigned char *mine) {
    const int32_t *packed = r->g->packed;
    const int32_t *repeats = packed + ash_qgemm_repeats(r->row, &r->l, n0);
    size_t count = (size_t)*repeats, words = r->l.words + ceil_div(count, 2);
    for (size_t i = 0; i < rows && count; i++) {
        int32_t *a = (int32_t *)(void *)mine + i * r->u.words;
        const uint16_t *from = (const uint16_t *)(const void *)a;
        uint16_t *to = (uint16_t *)(void *)(a + r->l.words);
        a[words - 1] = 0;
        for (size_t p = 0; p < count; p++) to[p] = from[repeats[1 + p]];
    }
    return words;
}

static struct ash_qgemm_finish finish_from(const struct run *r, size_t n0) {
    struct ash_qgemm_finish f = r->finish;
    f.add += n0;
    if (f.rest) f.rest += n0;
    if (f.scale) f.scale += n0;
    if (f.shift) f.shift += n0;
    return f;
}

static void run_tile(void *arg, size_t tile, size_t worker) {
    const struct run *r = arg;
    const struct ash_qgemm *g = r->g;
    const struct cut *u = &r->u;
    const struct ash_qgemm_kernel *row = r->row;
    unsigned char *mine = r->threads + worker * u->thread_bytes;
    const int32_t *row_sums = (const int32_t *)(const void *)(mine + u->row_sums);
    int32_t *sums = (int32_t *)(void *)(mine + u->sums);
    size_t m0 = tile / r->n_tiles * u->tile_rows, rows = min_size(u->tile_rows, g->m - m0);
    size_t panel = tile % r->n_tiles * u->tile_panels;
    size_t end = min_size(panel + u->tile_panels, u->panels), blocks = ceil_div(rows, row->mr);
    size_t element = g->out == ASH_QGEMM_BYTE ? 1 : sizeof(int32_t);
    const uint8_t *a = r->in_place ? g->a + m0 * g->lda : mine;
    size_t lda = r->in_place ? g->lda : u->words * sizeof(int32_t);
    size_t same = has_to_enter(row) ? ceil_div(rows, blocks) : 0; /* height */
    if (!r->in_place) prepare(r, m0, rows, mine);
    if (same) row->enter(same);
    for (; panel < end; panel++) {
        size_t n0 = panel * row->nr, cols = min_size(row->nr, g->n - n0);
        const int32_t *b = (const int32_t *)g->packed + n0 * r->l.most;
        size_t words = row->narrow ? repeat(r, n0, rows, mine) : r->l.words;
        struct ash_qgemm_finish f = finish_from(r, n0);
        for (size_t i = 0, at = 0; at < rows; i++) { /* of nearly equal, even height */
            size_t height = ceil_div(rows - at, blocks - i);
            height = min_size(height + height % 2, rows - at);
            if (same) {
                height = same;
                at = min_size(at, rows - same); /* the last one may do a few rows again */
            }
            row->tile(height, words, a + at * lda, lda, b, sums);
            f.row_sums = row_sums + at;
            size_t ldc = g->sink ? row->nr : g->ldc;
            void *c = g->sink ? (void *)sums : (char *)g->c + ((m0 + at) * ldc + n0) * element;
            row->finish(&f, height, cols, sums, c, ldc * element);
            if (g->sink)
                g->sink(g->sink_arg, worker, m0 + at, n0, height, cols, (const float *)c, ldc);
            at += height;
        }
    }
    if (same) row->leave();
}

void ash_qgemm_columns(const struct ash_qgemm *g, size_t columns, const int32_t *sums,
                       const int32_t *rest, int32_t a_zero, void *scratch, size_t line_bytes,
                       struct ash_qgemm_finish *f) {
    int32_t *add = scratch;
    float *scale = (float *)(void *)((char *)scratch + line_bytes);
    float *shift = (float *)(void *)((char *)scratch + 2 * line_bytes);
    float c_scale = g->c_scale != 0.0f ? g->c_scale : 1.0f;
    for (size_t j = 0; j < columns; j++) {
        bool there = j < g->n;
        uint32_t v = there && g->bias ? (uint32_t)g->bias[j] : 0, zero = (uint32_t)a_zero;
        if (sums) v += zero * ((uint32_t)g->k * (uint32_t)rest[j] - (uint32_t)sums[j]);
        add[j] = (int32_t)v;
        float s = there && g->b_scale ? g->b_scale[j * g->b_scale_step] : 1.0f;
        scale[j] = g->a_scale * s / c_scale;
        shift[j] = there && g->shift ? g->shift[j] / c_scale : 0.0f;
    }
    *f = (struct ash_qgemm_finish){.out = g->out,
                                   .add = add,
                                   .scale = scale,
                                   .shift = g->shift ? shift : NULL,
                                   .lo = g->lo,
                                   .hi = g->hi,
                                   .zero = g->zero};
}

void ash_qgemm_run(const struct ash_qgemm_kernel *row, const struct ash_qgemm *g, void *scratch,
                   struct ash_pool *pool) {
    if (!g->m || !g->n) return;
    struct run r = {.row = row, .g = g, .u = cut_of(row, g->m, g->n, g->k)};
    r.flip = g->a_signed == row->a_signed ? 0 : 0x80;
    r.a_zero = g->a_signed ? g->a_zero + r.flip : g->a_zero - r.flip;
    r.l = ash_qgemm_layout(row, g->k, g->n);
    const int32_t *packed = g->packed, *rest = packed + r.l.rest;
    ash_qgemm_columns(g, r.l.columns, packed + r.l.sums, rest, r.a_zero, scratch, r.u.line_bytes,
                      &r.finish);
    if (packed[r.l.any_rest]) r.finish.rest = rest;
    r.in_place = !g->gather && row->group == 4 && !row->narrow && g->k % 4 == 0 && g->k &&
                 !r.flip && !r.finish.rest;
    r.threads = (unsigned char *)scratch + 3 * r.u.line_bytes;
    r.n_tiles = ceil_div(r.u.panels, r.u.tile_panels);
    ash_pool_run(pool, ceil_div(g->m, r.u.tile_rows) * r.n_tiles, run_tile, &r);
}
