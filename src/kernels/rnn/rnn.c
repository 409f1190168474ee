#include "kernels/rnn/rnn.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"
#include "kernels/gemm/gemm.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_rnn_row ash_rnn_##isa[];
#include "rnn_list.inc"
#undef KERNELS

static const struct ash_rnn_row *const rnn_tables[] = {
#define KERNELS(isa) ash_rnn_##isa,
#include "rnn_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(rnn, ash_rnn_row, rnn_tables)

enum { RNN_WORK = 1 << 16 /* multiplications of a step that are worth a tile */ };

/* Below this many multiplications a step, two directions run side by side. */
static const size_t rnn_parallel = (size_t)1 << 20;

static size_t rnn_gates(const struct ash_rnn_shape *s) {
    return s->kind == ASH_RNN_LSTM ? 4 : s->kind == ASH_RNN_GRU ? 3 : 1;
}

/* A GRU that resets before the product has its last gate's weights by themselves. */
static bool rnn_split(const struct ash_rnn_shape *s) {
    return s->kind == ASH_RNN_GRU && !s->linear_before_reset;
}

static size_t rnn_round_up(size_t n, size_t to) {
    return n % to ? ash_size_add(n, to - n % to) : n;
}

/* Columns of products: gate g of unit u is column u / L * gates * L + g * L + u % L, where L is the
 * row's lanes.  Blocks take the columns of a few groups. */
struct rnn_columns {
    size_t first, gates; /* gates first.. of the weights */
    size_t lanes, units; /* units: rounded up to whole groups */
    size_t block;        /* columns of a block but the last */
};

static struct rnn_columns rnn_columns(const struct ash_rnn_row *row, const struct ash_rnn_shape *s,
                                      size_t first, size_t gates) {
    size_t groups = gates == 3 ? 4 : 8 / gates;
    return (struct rnn_columns){.first = first,
                                .gates = gates,
                                .lanes = row->lanes,
                                .units = rnn_round_up(s->H, row->lanes),
                                .block = groups * gates * row->lanes};
}

/* Packed weights of one direction, in floats from its start: W is at 0, in panels of gemm. */
struct rnn_layout {
    size_t units;     /* rounded up to whole groups */
    size_t width;     /* columns of the products with x */
    size_t r, r_last; /* R, and its last gate where that is apart, in blocks */
    size_t depth;     /* of R: bytes of a column */
    size_t bias;      /* [width]: added to the products with x */
    size_t bias_r;    /* [width]: added to those with h; used with linear_before_reset */
    size_t peephole;  /* [3 units], and whether there are any */
    size_t has_peephole;
    size_t size;
};

static size_t rnn_floats(size_t bytes) {
    return bytes == SIZE_MAX ? SIZE_MAX / sizeof(float) : ash_align_up(bytes) / sizeof(float);
}

static struct rnn_layout rnn_layout(const struct ash_rnn_row *row,
                                    const struct ash_gemm_kernel *gemm,
                                    const struct ash_rnn_shape *s) {
    struct rnn_layout l = {.units = rnn_round_up(s->H, row->lanes)};
    l.width = ash_size_mul(rnn_gates(s), l.units);
    size_t last = rnn_split(s) ? l.units : 0;
    l.r = rnn_floats(ash_gemm_packed_size(gemm, 1, s->I, l.width));
    l.depth = s->bytes ? s->H + 2 * sizeof(float) : ash_size_mul(s->H, sizeof(float));
    l.r_last = ash_size_add(l.r, ash_size_mul(l.width - last, l.depth) / sizeof(float));
    l.bias = ash_size_add(l.r_last, ash_size_mul(last, l.depth) / sizeof(float));
    l.bias = ash_size_add(l.bias, gemm->nr); /* a tile may read past a narrow block */
    l.bias_r = ash_size_add(l.bias, l.width);
    l.peephole = ash_size_add(l.bias_r, l.width);
    l.has_peephole = ash_size_add(l.peephole, ash_size_mul(3, l.units));
    l.size = ash_size_add(l.has_peephole, 1);
    l.size = rnn_floats(ash_size_mul(l.size, sizeof(float)));
    return l;
}

size_t ash_rnn_packed_size(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                           const struct ash_rnn_shape *s) {
    return ash_size_mul(ash_size_mul(rnn_layout(row, gemm, s).size, s->D), sizeof(float));
}

size_t ash_rnn_place(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                     const struct ash_rnn_shape *s, size_t d) {
    const struct rnn_layout l = rnn_layout(row, gemm, s);
    return d * l.size + l.r;
}

/* The row of ONNX's weights, [G H], that is column j; SIZE_MAX where a group is filled up. */
static size_t rnn_source(const struct rnn_columns *q, size_t H, size_t j) {
    size_t group = q->gates * q->lanes, unit = j / group * q->lanes + j % q->lanes;
    return unit < H ? (q->first + j % group / q->lanes) * H + unit : SIZE_MAX;
}

/* Weights w[G H][k] as panels [k][panel] of the columns; what is narrower in the end is as narrow
 * as `last`. */
static void rnn_pack(const struct rnn_columns *q, size_t H, size_t k, const float *w, size_t panel,
                     size_t last, float *to) {
    size_t columns = q->gates * q->units;
    for (size_t j0 = 0; j0 < columns; j0 += panel) {
        size_t width = columns - j0 < panel ? last : panel;
        /* Blocks of k keep the strided writes within the first cache. */
        for (size_t i0 = 0; i0 < k; i0 += 16) {
            size_t i1 = k - i0 < 16 ? k : i0 + 16;
            for (size_t j = 0; j < width; j++) {
                size_t from = j0 + j < columns ? rnn_source(q, H, j0 + j) : SIZE_MAX;
                for (size_t i = i0; i < i1; i++)
                    to[i * width + j] = from == SIZE_MAX ? 0.0f : w[from * k + i];
            }
        }
        to += k * width;
    }
}

static void rnn_pack_blocks(const struct rnn_columns *q, size_t H, const float *R, float *to) {
    rnn_pack(q, H, H, R, q->block, q->gates * q->units % q->block, to);
}

static void rnn_pack_bias(const struct ash_rnn_shape *s, const struct rnn_columns *q,
                          const float *B, float *bias, float *bias_r) {
    size_t gh = rnn_gates(s) * s->H;
    size_t apart = s->kind == ASH_RNN_GRU && s->linear_before_reset ? 2 * s->H : gh;
    for (size_t j = 0; j < q->gates * q->units; j++) {
        size_t i = rnn_source(q, s->H, j);
        bool there = B && i != SIZE_MAX;
        bias[j] = !there ? 0.0f : i < apart ? B[i] + B[gh + i] : B[i];
        bias_r[j] = there && i >= apart ? B[gh + i] : 0.0f;
    }
}

void ash_rnn_pack(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                  const struct ash_rnn_shape *s, const float *W, const float *R, const float *B,
                  const float *P, float *packed) {
    const struct rnn_layout l = rnn_layout(row, gemm, s);
    size_t H = s->H, G = rnn_gates(s), gh = G * H;
    const struct rnn_columns all = rnn_columns(row, s, 0, G);
    memset(packed, 0, l.size * s->D * sizeof *packed);
    for (size_t d = 0; d < s->D; d++, packed += l.size) {
        const float *r = s->bytes ? NULL : R + d * gh * H;
        rnn_pack(&all, H, s->I, W + d * gh * s->I, gemm->nr, gemm->nr, packed);
        if (rnn_split(s)) {
            const struct rnn_columns main = rnn_columns(row, s, 0, 2);
            const struct rnn_columns last = rnn_columns(row, s, 2, 1);
            rnn_pack_blocks(&main, H, r, packed + l.r);
            rnn_pack_blocks(&last, H, r, packed + l.r_last);
        } else if (!s->bytes) {
            rnn_pack_blocks(&all, H, r, packed + l.r);
        }
        rnn_pack_bias(s, &all, B ? B + d * 2 * gh : NULL, packed + l.bias, packed + l.bias_r);
        for (size_t i = 0; P && i < 3; i++)
            memcpy(packed + l.peephole + i * l.units, P + (d * 3 + i) * H, H * sizeof *P);
        packed[l.has_peephole] = P ? 1.0f : 0.0f;
    }
}

/* Scratch of one direction, in floats: the products with x, those with h, h before and after a
 * step, c, and what a GRU's reset leaves of h. */
static size_t rnn_scratch_floats(const struct ash_rnn_row *row, const struct ash_rnn_shape *s) {
    size_t units = ash_size_mul(s->N, rnn_round_up(s->H, row->lanes));
    size_t n = ash_size_mul(ash_size_mul(units, rnn_gates(s)), ash_size_add(s->T, 1));
    return ash_size_add(n, ash_size_mul(4, units));
}

size_t ash_rnn_scratch(const struct ash_rnn_row *row, const struct ash_rnn_shape *s) {
    return ash_size_mul(ash_size_mul(rnn_scratch_floats(row, s), s->D), sizeof(float));
}

/* One direction under way. */
struct rnn_run {
    const struct ash_rnn_row *row;
    const struct ash_gemm_kernel *gemm;
    struct ash_pool *pool;
    const struct ash_rnn_shape *s;
    const struct ash_rnn_io *io;
    struct rnn_layout l;
    const float *packed;
    size_t d, t; /* direction, step */
    float *xw, *rec, *h, *next, *c, *reset;
    struct ash_rnn_cell cell; /* what all batch rows share */
    /* the product under way: state times weights of these columns, per_tile blocks a tile */
    struct rnn_columns q;
    const float *state, *weights;
    size_t per_tile;
};

/* rec[:, at..at + columns) = state * weights */
static void rnn_product(const struct rnn_run *u, size_t at, size_t columns) {
    size_t H = u->s->H, N = u->s->N, ld = u->l.width;
    const float *b = u->weights + at * u->l.depth / sizeof(float);
    if (N == 1 || u->s->bytes) {
        for (size_t i = 0; i < N; i++)
            u->row->sums(columns / u->q.lanes, H, u->state + i * u->l.units, b,
                         u->rec + i * ld + at);
        return;
    }
    const float *rows[ASH_GEMM_ROWS_MAX];
    struct ash_gemm_tile t = {.cols = columns, .taps = 1, .k = H, .a = rows, .b = b};
    t.b_panel = u->gemm->nr;
    t.b_step = columns;
    t.ldc = ld;
    t.first = t.last = true;
    for (size_t i0 = 0; i0 < N; i0 += t.rows) {
        t.rows = N - i0 < ASH_GEMM_ROWS_MAX ? N - i0 : ASH_GEMM_ROWS_MAX;
        for (size_t i = 0; i < t.rows; i++) rows[i] = u->state + (i0 + i) * u->l.units;
        t.c = u->rec + i0 * ld + at;
        ash_gemm_part(u->gemm, &t);
    }
}

static bool rnn_active(const struct rnn_run *u, size_t b) {
    return !u->io->lens || u->t < (size_t)u->io->lens[b];
}

/* The units from..from + groups * lanes of every batch row. */
static void rnn_cells(const struct rnn_run *u, size_t from, size_t groups) {
    const struct ash_rnn_shape *s = u->s;
    size_t G = rnn_gates(s);
    struct ash_rnn_cell cell = u->cell;
    cell.groups = groups;
    cell.sums_step = u->q.gates * u->q.lanes;
    cell.bias = u->packed + u->l.bias_r + from * G;
    if (cell.peephole) cell.peephole += from;
    for (size_t b = 0; b < s->N; b++) {
        size_t at = b * u->l.units + from;
        cell.x = u->xw + (u->t * s->N + b) * u->l.width + from * G;
        cell.sums = u->rec + b * u->l.width + from * u->q.gates;
        cell.h = u->h + at;
        cell.to = u->next + at;
        cell.c = u->c + at;
        cell.reset = u->reset + at;
        if (rnn_active(u, b))
            u->row->cell(&cell);
        else
            memcpy(cell.to, cell.h, groups * u->q.lanes * sizeof *cell.to);
    }
}

/* The products of a few blocks, then what their gates do: they are in the cache. */
static void rnn_tile(void *arg, size_t tile, size_t worker) {
    const struct rnn_run *u = arg;
    size_t all = u->q.gates * u->q.units, group = u->q.gates * u->q.lanes;
    size_t first = tile * u->per_tile * u->q.block, end = first + u->per_tile * u->q.block;
    (void)worker;
    if (end > all) end = all;
    for (size_t at = first; at < end; at += u->q.block)
        rnn_product(u, at, end - at < u->q.block ? end - at : u->q.block);
    rnn_cells(u, first / u->q.gates, (end - first) / group);
}

static void rnn_part(struct rnn_run *u, enum ash_rnn_stage stage, size_t first, size_t gates,
                     const float *state, const float *weights) {
    u->cell.stage = stage;
    u->q = rnn_columns(u->row, u->s, first, gates);
    u->state = state;
    u->weights = weights;
    size_t blocks = (gates * u->q.units + u->q.block - 1) / u->q.block;
    size_t work = u->q.block * u->s->H * u->s->N;
    u->per_tile = work < RNN_WORK ? RNN_WORK / work : 1;
    ash_pool_run(u->pool, (blocks + u->per_tile - 1) / u->per_tile, rnn_tile, u);
}

static void rnn_step(struct rnn_run *u) {
    const struct ash_rnn_shape *s = u->s;
    const float *r = u->packed + u->l.r;
    if (rnn_split(s)) {
        rnn_part(u, ASH_RNN_STAGE_GRU_RESET, 0, 2, u->h, r);
        rnn_part(u, ASH_RNN_STAGE_GRU_MIX, 2, 1, u->reset, u->packed + u->l.r_last);
    } else {
        enum ash_rnn_stage stage = s->kind == ASH_RNN_GRU    ? ASH_RNN_STAGE_GRU_LINEAR
                                   : s->kind == ASH_RNN_LSTM ? ASH_RNN_STAGE_LSTM
                                                             : ASH_RNN_STAGE_PLAIN;
        rnn_part(u, stage, 0, rnn_gates(s), u->h, r);
    }
    float *old = u->h, *y = u->io->y ? u->io->y + (u->t * s->D + u->d) * s->N * s->H : NULL;
    u->h = u->next;
    u->next = old;
    for (size_t b = 0; y && b < s->N; b++, y += s->H) {
        if (rnn_active(u, b))
            memcpy(y, u->h + b * u->l.units, s->H * sizeof *y);
        else
            memset(y, 0, s->H * sizeof *y);
    }
}

/* The states of all batch rows, between [N][H] and rows as long as `units`; NULL: zeros. */
static void rnn_load_state(const struct rnn_run *u, float *to, const float *from) {
    size_t H = u->s->H, units = u->l.units;
    memset(to, 0, u->s->N * units * sizeof *to);
    for (size_t b = 0; from && b < u->s->N; b++)
        memcpy(to + b * units, from + b * H, H * sizeof *to);
}

static void rnn_store_state(const struct rnn_run *u, float *to, const float *from) {
    size_t H = u->s->H, units = u->l.units;
    for (size_t b = 0; to && b < u->s->N; b++) memcpy(to + b * H, from + b * units, H * sizeof *to);
}

/* The reverse direction walks down from T - 1; a shorter sequence joins when its end is reached. */
static void rnn_direction(void *arg, size_t d, size_t worker) {
    struct rnn_run *u = (struct rnn_run *)arg + d;
    const struct ash_rnn_shape *s = u->s;
    const struct ash_rnn_io *io = u->io;
    size_t n = s->N * s->H;
    bool reverse = d == 1 || (s->D == 1 && s->reverse);
    (void)worker;
    rnn_load_state(u, u->h, io->h0 ? io->h0 + d * n : NULL);
    rnn_load_state(u, u->c, io->c0 ? io->c0 + d * n : NULL);
    for (size_t i = 0; i < s->T; i++) {
        u->t = reverse ? s->T - 1 - i : i;
        rnn_step(u);
    }
    rnn_store_state(u, io->yh ? io->yh + d * n : NULL, u->h);
    rnn_store_state(u, io->yc ? io->yc + d * n : NULL, u->c);
}

static void rnn_prepare(struct rnn_run *u, float *at) {
    const struct ash_rnn_shape *s = u->s;
    size_t n = s->N * u->l.units;
    u->xw = at;
    u->rec = u->xw + s->T * s->N * u->l.width;
    u->h = u->rec + s->N * u->l.width;
    u->next = u->h + n;
    u->c = u->next + n;
    u->reset = u->c + n;
    u->cell = (struct ash_rnn_cell){.x_step = rnn_gates(s) * u->row->lanes,
                                    .units = u->l.units,
                                    .clip = s->clip > 0.0f ? s->clip : __builtin_inff(),
                                    .input_forget = s->input_forget,
                                    .act = s->act.kind};
    if (u->packed[u->l.has_peephole] > 0.0f) u->cell.peephole = u->packed + u->l.peephole;
}

void ash_rnn_f32(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                 struct ash_pool *pool, const struct ash_rnn_shape *s, const float *packed,
                 const struct ash_rnn_io *io, void *scratch) {
    struct rnn_run runs[2];
    bool parallel = s->D == 2 && s->N * rnn_gates(s) * s->H * s->H < rnn_parallel;
    if (!s->N || !s->H) return;
    for (size_t d = 0; d < s->D; d++) {
        struct rnn_run *u = &runs[d];
        *u = (struct rnn_run){.row = row, .gemm = gemm, .s = s, .io = io, .d = d};
        u->pool = parallel ? NULL : pool;
        u->l = rnn_layout(row, gemm, s);
        u->packed = packed + d * u->l.size;
        rnn_prepare(u, (float *)scratch + d * rnn_scratch_floats(row, s));
        struct ash_gemm g = {.m = s->T * s->N,
                             .n = u->l.width,
                             .k = s->I,
                             .a = io->x,
                             .lda = s->I,
                             .b = u->packed,
                             .c = u->xw,
                             .ldc = u->l.width};
        g.out.bias = u->packed + u->l.bias;
        if (g.m) ash_gemm_f32(gemm, &g, pool);
    }
    if (parallel) {
        ash_pool_run(pool, 2, rnn_direction, runs);
    } else {
        for (size_t d = 0; d < s->D; d++) rnn_direction(runs, d, 0);
    }
}
