#include "kernels/attention/attention.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"
#include "kernels/transpose/transpose.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_attention_row ash_attention_##isa[];
#include "attention_list.inc"
#undef KERNELS

static const struct ash_attention_row *const attention_tables[] = {
#define KERNELS(isa) ash_attention_##isa,
#include "attention_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(attention, ash_attention_row, attention_tables)

enum {
    EDGE = 32,          /* keys: a multiple of the virtual lanes and of most rows' nr */
    SCORES = 8 * 1024,  /* floats of a tile's scores that stay in the cache */
    PACK_WORK = 1 << 14 /* floats that are worth a trip through the pool */
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }
static size_t round_up(size_t a, size_t b) { return ceil_div(a, b) * b; }

struct attention_job {
    const struct ash_attention_row *row;
    const struct ash_gemm_kernel *gemm;
    const struct ash_transpose_row *turn;
    const struct ash_attention *a;
    size_t rows, blocks;     /* queries of a tile, tiles of a head */
    size_t ld;               /* floats of a row of scores */
    size_t k_head, v_head;   /* floats of a packed head */
    size_t panels, per_tile; /* that are packed for a head, and by a tile */
    float *k, *v, *scores;
};

/* By shape alone, and so that all is known before there is data. */
static void plan(struct attention_job *j) {
    const struct ash_attention *a = j->a;
    size_t nr = j->gemm->nr, mr = j->gemm->mr;
    j->ld = round_up(a->T, EDGE);
    j->rows = 1;
    j->blocks = 1;
    j->panels = 0;
    if (a->S <= ASH_ATTENTION_FEW) return;
    size_t most = min_size(SCORES / (j->ld + 1), (size_t)ASH_GEMM_ROWS_MAX) / mr * mr;
    if (!most) most = mr;
    j->blocks = ceil_div(a->S, most);
    j->rows = min_size(round_up(ceil_div(a->S, j->blocks), mr), most);
    j->blocks = ceil_div(a->S, j->rows);
    j->panels = ceil_div(a->T, nr) + ceil_div(a->E, nr);
    j->k_head = ash_size_mul(ceil_div(a->T, nr) * nr, a->D);
    j->v_head = ash_size_mul(ceil_div(a->E, nr) * nr, a->T);
}

static size_t heads(const struct ash_attention *a) { return a->B * (a->H / a->G); }

size_t ash_attention_scratch(const struct ash_gemm_kernel *gemm, const struct ash_attention *a,
                             size_t threads) {
    struct attention_job j = {.gemm = gemm, .a = a};
    plan(&j);
    size_t packed = ash_size_mul(ash_size_add(j.k_head, j.v_head), heads(a));
    size_t scores = ash_size_mul(ash_size_mul(j.rows, j.ld), threads);
    return ash_size_mul(ash_size_add(packed, scores), sizeof(float));
}

/* Panel p of K^T, [D][nr], or of V, [T][nr]. */
static void pack_panel(const struct attention_job *j, size_t head, size_t p) {
    const struct ash_attention *a = j->a;
    size_t nr = j->gemm->nr, k_panels = ceil_div(a->T, nr), h = a->H / a->G;
    if (p < k_panels) {
        size_t n = min_size(nr, a->T - p * nr);
        const float *from = a->k.data + head / h * a->k.batch + head % h * a->k.head;
        float *to = j->k + head * j->k_head + p * nr * a->D;
        if (n < nr) memset(to, 0, nr * a->D * sizeof *to);
        j->turn->block[2](n, a->D, from + p * nr * a->k.row, a->k.row, to, nr);
        return;
    }
    p -= k_panels;
    size_t n = min_size(nr, a->E - p * nr);
    const float *from = a->v.data + head / h * a->v.batch + head % h * a->v.head + p * nr;
    float *to = j->v + head * j->v_head + p * nr * a->T;
    for (size_t t = 0; t < a->T; t++, from += a->v.row, to += nr) {
        for (size_t e = 0; e < n; e++) to[e] = from[e];
        for (size_t e = n; e < nr; e++) to[e] = 0.0f;
    }
}

static void pack_tile(void *arg, size_t tile, size_t worker) {
    const struct attention_job *j = arg;
    size_t end = min_size((tile + 1) * j->per_tile, heads(j->a) * j->panels);
    (void)worker;
    for (size_t p = tile * j->per_tile; p < end; p++) pack_panel(j, p / j->panels, p % j->panels);
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* What query i of head h of batch b sees. */
static void span_of(const struct ash_attention *a, size_t b, size_t h, size_t i,
                    struct ash_attention_span *p) {
    int64_t at = (a->position ? a->position[b] : a->past) + (int64_t)i;
    int64_t hi = clamp(a->length ? a->length[b] : (int64_t)a->T, 0, (int64_t)a->T), lo = 0;
    if (a->right >= 0 && at + a->right + 1 < hi) hi = at + a->right + 1;
    if (a->left >= 0) lo = at - a->left;
    p->hi = (size_t)clamp(hi, 0, (int64_t)a->T);
    p->lo = (size_t)clamp(lo, 0, (int64_t)p->hi);
    for (int k = 0; k < ASH_ATTENTION_BIASES; k++) {
        const struct ash_attention_view *v = &a->bias[k];
        p->bias[k] = v->data ? v->data + b * v->batch + h * v->head + i * v->row : NULL;
        p->floor[k] = a->floor[k];
    }
    p->scale = a->scale;
    p->cap = a->cap;
    p->zero = a->zero;
    p->quiet = a->quiet;
    p->sink = a->sink ? a->sink + h : NULL;
}

/* One query after another, keys and values where they lie. */
static void few(const struct attention_job *j, size_t b, size_t h, float *s) {
    const struct ash_attention *a = j->a;
    const float *k = a->k.data + b * a->k.batch + h / a->G * a->k.head;
    const float *v = a->v.data + b * a->v.batch + h / a->G * a->v.head;
    for (size_t i = 0; i < a->S; i++) {
        struct ash_attention_span p;
        span_of(a, b, h, i, &p);
        p.first = p.lo - p.lo % EDGE;
        p.end = p.hi;
        const float *q = a->q.data + b * a->q.batch + h * a->q.head + i * a->q.row;
        j->row->dot(p.hi - p.lo, a->D, q, k + p.lo * a->k.row, a->k.row, s + (p.lo - p.first));
        j->row->softmax(&p, s);
        j->row->mix(p.hi - p.lo, a->E, s + (p.lo - p.first), v + p.lo * a->v.row, a->v.row,
                    a->y + b * a->y_batch + h * a->y_head + i * a->y_row);
    }
}

/* A block of queries: scores by the matrix product, each row's softmax, and the second product. */
static void block(const struct attention_job *j, size_t b, size_t h, size_t i0, float *s) {
    const struct ash_attention *a = j->a;
    size_t n = min_size(j->rows, a->S - i0), nr = j->gemm->nr, head = b * (a->H / a->G) + h / a->G;
    size_t first = a->T, end = 0;
    const float *rows[ASH_GEMM_ROWS_MAX];
    struct ash_attention_span p;
    for (size_t i = 0; i < n; i++) {
        rows[i] = a->q.data + b * a->q.batch + h * a->q.head + (i0 + i) * a->q.row;
        span_of(a, b, h, i0 + i, &p);
        if (p.lo < p.hi && p.lo < first) first = p.lo;
        if (p.lo < p.hi && p.hi > end) end = p.hi;
    }
    if (first > end) first = end;
    first = EDGE % nr ? 0 : first - first % EDGE;
    struct ash_gemm_tile t = {.rows = n, .cols = end - first, .taps = 1, .k = a->D, .a = rows};
    t.b = j->k + head * j->k_head + first * a->D;
    t.b_panel = nr * a->D;
    t.b_step = nr;
    t.c = s;
    t.ldc = j->ld;
    if (t.cols) ash_gemm_block(j->gemm, &t);
    for (size_t i = 0; i < n; i++) {
        span_of(a, b, h, i0 + i, &p);
        if (p.lo >= p.hi) p.lo = p.hi = first;
        p.first = first;
        p.end = end;
        j->row->softmax(&p, s + i * j->ld);
        rows[i] = s + i * j->ld;
    }
    t.k = end - first;
    t.cols = a->E;
    t.b = j->v + head * j->v_head + first * nr;
    t.b_panel = nr * a->T;
    t.c = a->y + b * a->y_batch + h * a->y_head + i0 * a->y_row;
    t.ldc = a->y_row;
    ash_gemm_block(j->gemm, &t);
}

static void attention_tile(void *arg, size_t tile, size_t worker) {
    const struct attention_job *j = arg;
    float *s = j->scores + worker * j->rows * j->ld;
    size_t h = tile / j->blocks;
    if (j->panels)
        block(j, h / j->a->H, h % j->a->H, tile % j->blocks * j->rows, s);
    else
        few(j, h / j->a->H, h % j->a->H, s);
}

void ash_attention_f32(const struct ash_attention_row *row, const struct ash_gemm_kernel *gemm,
                       const struct ash_attention *a, void *scratch, struct ash_pool *pool) {
    struct attention_job j = {
        .row = row, .gemm = gemm, .turn = ash_transpose_best(), .a = a, .k = scratch};
    if (!a->B || !a->H || !a->S || !a->E) return;
    plan(&j);
    j.v = j.k + heads(a) * j.k_head;
    j.scores = j.v + heads(a) * j.v_head;
    if (j.panels) {
        size_t each = gemm->nr * (a->T > a->D ? a->T : a->D) + 1;
        j.per_tile = each < PACK_WORK ? PACK_WORK / each : 1;
        ash_pool_run(pool, ceil_div(heads(a) * j.panels, j.per_tile), pack_tile, &j);
    }
    ash_pool_run(pool, a->B * a->H * j.blocks, attention_tile, &j);
}
