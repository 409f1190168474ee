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

enum { RNN_TILE = 2048 /* hidden elements */ };

/* Below this many multiplications a step, two directions run side by side. */
static const size_t rnn_parallel = (size_t)1 << 20;

static size_t rnn_gates(const struct ash_rnn_shape *s) {
    return s->kind == ASH_RNN_LSTM ? 4 : s->kind == ASH_RNN_GRU ? 3 : 1;
}

/* A GRU that resets before the product has its last gate's weights by themselves. */
static bool rnn_split(const struct ash_rnn_shape *s) {
    return s->kind == ASH_RNN_GRU && !s->linear_before_reset;
}

/* Packed weights of one direction, in floats from its start: W is at 0. */
struct rnn_layout {
    size_t r, r_last; /* R, and its last gate where that is apart */
    size_t bias;      /* [G H]: added to the products with x */
    size_t bias_r;    /* [G H]: added to those with h; used with linear_before_reset */
    size_t peephole;  /* [3 H], and whether there are any */
    size_t has_peephole;
    size_t size;
};

static size_t rnn_floats(size_t bytes) {
    return bytes == SIZE_MAX ? SIZE_MAX / sizeof(float) : ash_align_up(bytes) / sizeof(float);
}

static struct rnn_layout rnn_layout(const struct ash_gemm_kernel *gemm,
                                    const struct ash_rnn_shape *s) {
    struct rnn_layout l;
    size_t gh = ash_size_mul(rnn_gates(s), s->H);
    size_t main = rnn_split(s) ? 2 * s->H : gh;
    l.r = rnn_floats(ash_gemm_packed_size(gemm, 1, s->I, gh));
    l.r_last = ash_size_add(l.r, rnn_floats(ash_gemm_packed_size(gemm, 1, s->H, main)));
    l.bias = l.r_last;
    if (rnn_split(s))
        l.bias = ash_size_add(l.bias, rnn_floats(ash_gemm_packed_size(gemm, 1, s->H, s->H)));
    l.bias_r = ash_size_add(l.bias, gh);
    l.peephole = ash_size_add(l.bias_r, gh);
    l.has_peephole = ash_size_add(l.peephole, ash_size_mul(3, s->H));
    l.size = ash_size_add(l.has_peephole, 1);
    l.size = rnn_floats(ash_size_mul(l.size, sizeof(float)));
    return l;
}

size_t ash_rnn_packed_size(const struct ash_gemm_kernel *gemm, const struct ash_rnn_shape *s) {
    return ash_size_mul(ash_size_mul(rnn_layout(gemm, s).size, s->D), sizeof(float));
}

static void rnn_pack_bias(const struct ash_rnn_shape *s, const float *B, float *bias,
                          float *bias_r) {
    size_t gh = rnn_gates(s) * s->H;
    size_t apart = s->kind == ASH_RNN_GRU && s->linear_before_reset ? 2 * s->H : gh;
    memset(bias, 0, 2 * gh * sizeof *bias);
    for (size_t i = 0; B && i < gh; i++) {
        bias[i] = i < apart ? B[i] + B[gh + i] : B[i];
        bias_r[i] = i < apart ? 0.0f : B[gh + i];
    }
}

void ash_rnn_pack(const struct ash_gemm_kernel *gemm, const struct ash_rnn_shape *s, const float *W,
                  const float *R, const float *B, const float *P, float *packed) {
    const struct rnn_layout l = rnn_layout(gemm, s);
    size_t H = s->H, gh = rnn_gates(s) * H;
    for (size_t d = 0; d < s->D; d++, packed += l.size) {
        size_t main = rnn_split(s) ? 2 * H : gh;
        ash_gemm_pack(gemm, 1, s->I, gh, W + d * gh * s->I, 0, 1, s->I, packed);
        ash_gemm_pack(gemm, 1, H, main, R + d * gh * H, 0, 1, H, packed + l.r);
        if (rnn_split(s))
            ash_gemm_pack(gemm, 1, H, H, R + (d * gh + 2 * H) * H, 0, 1, H, packed + l.r_last);
        rnn_pack_bias(s, B ? B + d * 2 * gh : NULL, packed + l.bias, packed + l.bias_r);
        if (P) memcpy(packed + l.peephole, P + d * 3 * H, 3 * H * sizeof *P);
        packed[l.has_peephole] = P ? 1.0f : 0.0f;
    }
}

/* Scratch of one direction, in floats: the products with x, those with h, both states, and what a
 * GRU's reset leaves of h. */
static size_t rnn_scratch_floats(const struct ash_rnn_shape *s) {
    size_t gates = ash_size_mul(ash_size_mul(s->N, s->H), rnn_gates(s));
    size_t n = ash_size_mul(gates, ash_size_add(s->T, 1));
    return ash_size_add(n, ash_size_mul(3, ash_size_mul(s->N, s->H)));
}

size_t ash_rnn_scratch(const struct ash_rnn_shape *s) {
    return ash_size_mul(ash_size_mul(rnn_scratch_floats(s), s->D), sizeof(float));
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
    float *xw, *rec, *h, *c, *reset;
    struct ash_rnn_cell cell; /* what all batch rows share */
};

/* rec[:, from..from + n) = state * R + bias + residual */
static void rnn_product(const struct rnn_run *u, const float *state, size_t from, size_t n,
                        const float *weights, const float *bias, const float *residual) {
    size_t gh = rnn_gates(u->s) * u->s->H;
    struct ash_gemm g = {.m = u->s->N,
                         .n = n,
                         .k = u->s->H,
                         .a = state,
                         .lda = u->s->H,
                         .b = weights,
                         .c = u->rec + from,
                         .ldc = gh};
    g.out.bias = bias;
    g.out.residual = residual ? residual + from : NULL;
    g.out.ld_residual = gh;
    ash_gemm_f32(u->gemm, &g, u->pool);
}

static void rnn_cells_tile(void *arg, size_t tile, size_t worker) {
    const struct rnn_run *u = arg;
    const struct ash_rnn_shape *s = u->s;
    size_t H = s->H, gh = rnn_gates(s) * H, per = H < RNN_TILE ? RNN_TILE / H : 1;
    size_t end = s->N - tile * per < per ? s->N : (tile + 1) * per;
    bool linear = u->cell.stage == ASH_RNN_STAGE_GRU_LINEAR;
    (void)worker;
    for (size_t b = tile * per; b < end; b++) {
        struct ash_rnn_cell cell = u->cell;
        bool active = !u->io->lens || u->t < (size_t)u->io->lens[b];
        cell.gates = linear ? u->xw + (u->t * s->N + b) * gh : u->rec + b * gh;
        cell.hidden = linear ? u->rec + b * gh : u->reset + b * H;
        cell.c = u->c + b * H;
        cell.h = u->h + b * H;
        if (active) u->row->cell(&cell);
        if (!u->io->y || cell.stage == ASH_RNN_STAGE_GRU_RESET) continue;
        float *y = u->io->y + ((u->t * s->D + u->d) * s->N + b) * H;
        if (active) {
            memcpy(y, cell.h, H * sizeof *y);
        } else {
            memset(y, 0, H * sizeof *y);
        }
    }
}

static void rnn_cells(struct rnn_run *u, enum ash_rnn_stage stage) {
    size_t per = u->s->H < RNN_TILE ? RNN_TILE / u->s->H : 1;
    u->cell.stage = stage;
    ash_pool_run(u->pool, (u->s->N + per - 1) / per, rnn_cells_tile, u);
}

static void rnn_step(struct rnn_run *u) {
    const struct ash_rnn_shape *s = u->s;
    const struct rnn_layout *l = &u->l;
    size_t H = s->H, gh = rnn_gates(s) * H;
    const float *xw = u->xw + u->t * s->N * gh;
    if (rnn_split(s)) {
        rnn_product(u, u->h, 0, 2 * H, u->packed + l->r, NULL, xw);
        rnn_cells(u, ASH_RNN_STAGE_GRU_RESET);
        rnn_product(u, u->reset, 2 * H, H, u->packed + l->r_last, NULL, xw);
        rnn_cells(u, ASH_RNN_STAGE_GRU_MIX);
    } else if (s->kind == ASH_RNN_GRU) {
        rnn_product(u, u->h, 0, gh, u->packed + l->r, u->packed + l->bias_r, NULL);
        rnn_cells(u, ASH_RNN_STAGE_GRU_LINEAR);
    } else {
        rnn_product(u, u->h, 0, gh, u->packed + l->r, NULL, xw);
        rnn_cells(u, s->kind == ASH_RNN_LSTM ? ASH_RNN_STAGE_LSTM : ASH_RNN_STAGE_PLAIN);
    }
}

static void rnn_state(float *to, const float *from, size_t n) {
    if (from) {
        memcpy(to, from, n * sizeof *to);
    } else {
        memset(to, 0, n * sizeof *to);
    }
}

/* The reverse direction walks down from T - 1; a shorter sequence joins when its end is reached. */
static void rnn_direction(void *arg, size_t d, size_t worker) {
    struct rnn_run *u = (struct rnn_run *)arg + d;
    const struct ash_rnn_shape *s = u->s;
    const struct ash_rnn_io *io = u->io;
    size_t n = s->N * s->H;
    bool reverse = d == 1 || (s->D == 1 && s->reverse);
    (void)worker;
    rnn_state(u->h, io->h0 ? io->h0 + d * n : NULL, n);
    rnn_state(u->c, io->c0 ? io->c0 + d * n : NULL, n);
    for (size_t i = 0; i < s->T; i++) {
        u->t = reverse ? s->T - 1 - i : i;
        rnn_step(u);
    }
    if (io->yh) memcpy(io->yh + d * n, u->h, n * sizeof *u->h);
    if (io->yc) memcpy(io->yc + d * n, u->c, n * sizeof *u->c);
}

void ash_rnn_f32(const struct ash_rnn_row *row, const struct ash_gemm_kernel *gemm,
                 struct ash_pool *pool, const struct ash_rnn_shape *s, const float *packed,
                 const struct ash_rnn_io *io, void *scratch) {
    struct rnn_run runs[2];
    size_t H = s->H, n = s->N * H, gh = rnn_gates(s) * H;
    bool parallel = s->D == 2 && s->N * gh * H < rnn_parallel;
    if (!n) return;
    for (size_t d = 0; d < s->D; d++) {
        struct rnn_run *u = &runs[d];
        float *at = (float *)scratch + d * rnn_scratch_floats(s);
        *u = (struct rnn_run){.row = row, .gemm = gemm, .s = s, .io = io, .d = d};
        u->pool = parallel ? NULL : pool;
        u->l = rnn_layout(gemm, s);
        u->packed = packed + d * u->l.size;
        u->xw = at;
        u->rec = u->xw + s->T * s->N * gh;
        u->h = u->rec + s->N * gh;
        u->c = u->h + n;
        u->reset = u->c + n;
        u->cell = (struct ash_rnn_cell){
            .H = H, .input_forget = s->input_forget, .act = s->act, .clip = s->clip};
        if (!(s->clip > 0.0f)) u->cell.clip = __builtin_inff();
        if (u->packed[u->l.has_peephole] > 0.0f) u->cell.peephole = u->packed + u->l.peephole;
        struct ash_gemm g = {.m = s->T * s->N,
                             .n = gh,
                             .k = s->I,
                             .a = io->x,
                             .lda = s->I,
                             .b = u->packed,
                             .c = u->xw,
                             .ldc = gh};
        g.out.bias = u->packed + u->l.bias;
        if (g.m) ash_gemm_f32(gemm, &g, pool);
    }
    if (parallel) {
        ash_pool_run(pool, 2, rnn_direction, runs);
    } else {
        for (size_t d = 0; d < s->D; d++) rnn_direction(runs, d, 0);
    }
}
