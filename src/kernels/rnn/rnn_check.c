#include "kernels/rnn/rnn.h"

#include "check/check.h"
#include "check/check_pool.h"
#include "kernels/gemm/gemm.h"

#include <math.h>
#include <string.h>

struct job {
    const struct ash_rnn_row *row;
    struct ash_pool *pool;
    struct ash_rnn_shape s;
    const float *W, *R, *B, *P, *packed;
    struct ash_rnn_io io;
    void *scratch;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_rnn_f32(j->row, ash_gemm_best(), j->pool, &j->s, j->packed, &j->io, j->scratch);
}

static size_t gates_of(const struct ash_rnn_shape *s) {
    return s->kind == ASH_RNN_LSTM ? 4 : s->kind == ASH_RNN_GRU ? 3 : 1;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double clipped(const struct job *j, double x) {
    double c = (double)j->s.clip;
    return c > 0 ? fmin(fmax(x, -c), c) : x;
}

/* Gate g of hidden element e before its function: the parts of x and of h[H]. */
static void gate(const struct job *j, size_t d, size_t t, size_t b, size_t g, size_t e,
                 const double *h, double *of_x, double *of_h) {
    const struct ash_rnn_shape *s = &j->s;
    size_t gh = gates_of(s) * s->H, row = d * gh + g * s->H + e;
    *of_x = j->B ? (double)j->B[2 * d * gh + g * s->H + e] : 0;
    *of_h = j->B ? (double)j->B[(2 * d + 1) * gh + g * s->H + e] : 0;
    for (size_t i = 0; i < s->I; i++)
        *of_x += (double)j->io.x[(t * s->N + b) * s->I + i] * (double)j->W[row * s->I + i];
    for (size_t i = 0; i < s->H; i++) *of_h += h[i] * (double)j->R[row * s->H + i];
}

/* ONNX's equations for one step of one sequence, in double. */
static void oracle_step(const struct job *j, size_t d, size_t t, size_t b, double *h, double *c) {
    const struct ash_rnn_shape *s = &j->s;
    size_t H = s->H;
    double old[64], reset[64], z[64], v[4], x, r;
    memcpy(old, h, H * sizeof *h);
    for (size_t e = 0; e < H && s->kind == ASH_RNN_GRU; e++) {
        gate(j, d, t, b, 0, e, old, &x, &r);
        z[e] = sigmoid(clipped(j, x + r));
        gate(j, d, t, b, 1, e, old, &x, &r);
        reset[e] = sigmoid(clipped(j, x + r)) * (s->linear_before_reset ? 1 : old[e]);
    }
    for (size_t e = 0; e < H; e++) {
        if (s->kind == ASH_RNN_GRU) {
            gate(j, d, t, b, 2, e, s->linear_before_reset ? old : reset, &x, &r);
            double n = tanh(clipped(j, x + (s->linear_before_reset ? reset[e] * r : r)));
            h[e] = (1 - z[e]) * n + z[e] * old[e];
            continue;
        }
        for (size_t g = 0; g < gates_of(s); g++) {
            gate(j, d, t, b, g, e, old, &x, &r);
            v[g] = x + r;
        }
        if (s->kind == ASH_RNN_PLAIN) {
            x = clipped(j, v[0]);
            h[e] = s->act.kind == ASH_ACT_RELU ? fmax(x, 0) : tanh(x);
            continue;
        }
        const float *p = j->P ? j->P + d * 3 * H + e : NULL;
        double i = sigmoid(clipped(j, v[0] + (p ? (double)p[0] * c[e] : 0)));
        double f = sigmoid(clipped(j, v[2] + (p ? (double)p[2 * H] * c[e] : 0)));
        c[e] = (s->input_forget ? 1 - i : f) * c[e] + i * tanh(clipped(j, v[3]));
        double o = sigmoid(clipped(j, v[1] + (p ? (double)p[H] * c[e] : 0)));
        h[e] = o * tanh(c[e]);
    }
}

static void compare(const struct job *j) {
    const struct ash_rnn_shape *s = &j->s;
    double tolerance = (double)((s->I + s->H + 16) * s->T * 2);
    for (size_t d = 0; d < s->D; d++) {
        for (size_t b = 0; b < s->N; b++) {
            size_t len = j->io.lens ? (size_t)j->io.lens[b] : s->T, at = (d * s->N + b) * s->H;
            bool reverse = d == 1 || (s->D == 1 && s->reverse), ok = true;
            double h[64], c[64];
            for (size_t e = 0; e < s->H; e++) {
                h[e] = j->io.h0 ? (double)j->io.h0[at + e] : 0;
                c[e] = j->io.c0 ? (double)j->io.c0[at + e] : 0;
            }
            for (size_t i = 0; i < s->T; i++) {
                size_t t = i < len && reverse ? len - 1 - i : i;
                if (i < len) oracle_step(j, d, t, b, h, c);
                const float *y = j->io.y + ((t * s->D + d) * s->N + b) * s->H;
                for (size_t e = 0; e < s->H; e++)
                    ok = ok && chk_bound(y[e], i < len ? h[e] : 0, fmax(1, fabs(h[e])), tolerance);
            }
            for (size_t e = 0; e < s->H; e++) {
                ok = ok && chk_bound(j->io.yh[at + e], h[e], fmax(1, fabs(h[e])), tolerance);
                if (s->kind == ASH_RNN_LSTM)
                    ok = ok && chk_bound(j->io.yc[at + e], c[e], fmax(1, fabs(c[e])), tolerance);
            }
            if (!ok)
                chk_fail("kind %d T %zu N %zu I %zu H %zu D %zu linear %d: direction %zu row %zu",
                         s->kind, s->T, s->N, s->I, s->H, s->D, s->linear_before_reset, d, b);
        }
    }
}

static float *filled(int slot, size_t n, float range) {
    float *p = chk_floats(slot, n);
    chk_fill(p, n, -range, range);
    return p;
}

/* For the job's row. */
static void pack(struct job *j) {
    float *packed = chk_buf(8, ash_rnn_packed_size(j->row, ash_gemm_best(), &j->s));
    ash_rnn_pack(j->row, ash_gemm_best(), &j->s, j->W, j->R, j->B, j->P, packed);
    j->packed = packed;
    j->scratch = chk_buf(9, (ash_rnn_scratch(j->row, &j->s) + 15) / 16 * 16);
}

static void check_case(struct job *j, const struct ash_rnn_row *ref, int i) {
    struct ash_rnn_shape *s = &j->s;
    size_t gh = gates_of(s) * s->H, state = s->D * s->N * s->H, ny = s->T * state;
    chk_place((enum chk_place)(i % CHK_PLACES));
    j->io.x = filled(0, s->T * s->N * s->I, 1);
    j->W = filled(1, s->D * gh * s->I, 0.5f);
    j->R = filled(2, s->D * gh * s->H, 0.5f);
    j->B = i % 3 ? filled(3, s->D * 2 * gh, 0.5f) : NULL;
    j->P = i % 4 == 1 ? filled(4, s->D * 3 * s->H, 0.5f) : NULL;
    j->io.h0 = i % 5 ? filled(5, state, 1) : NULL;
    j->io.c0 = i % 5 ? filled(6, state, 1) : NULL;
    int32_t *lens = chk_buf(7, s->N * sizeof *lens);
    for (size_t b = 0; b < s->N; b++) lens[b] = (int32_t)chk_below(s->T + 1);
    j->io.lens = i % 2 ? lens : NULL;
    chk_place(CHK_END); /* packed weights and scratch are aligned to 16 */
    pack(j);
    j->io.y = chk_floats(10, ny);
    j->io.yh = chk_floats(11, state);
    j->io.yc = s->kind == ASH_RNN_LSTM ? chk_floats(12, state) : NULL;
    j->pool = NULL;
    if (!chk_call(run, j)) return;
    compare(j);
    struct job k = *j;
    k.io.y = chk_floats(13, ny);
    k.pool = chk_pool();
    run(&k);
    if (chk_diff(k.io.y, j->io.y, ny) != ny) chk_fail("threads change bits");
    if (!chk_fused(j->row->cpu)) return;
    k.row = ref;
    pack(&k);
    run(&k);
    if (chk_diff(k.io.y, j->io.y, ny) != ny) chk_fail("not the reference's bits");
}

static void check_row(const struct ash_rnn_row *row, const struct ash_rnn_row *ref) {
    for (int i = 0; i < 240; i++) {
        struct job j = {.row = row};
        struct ash_rnn_shape *s = &j.s;
        s->kind = (enum ash_rnn)(i % 3);
        s->T = chk_below(7);
        s->N = 1 + chk_below(4);
        s->I = 1 + chk_below(20);
        s->H = 1 + chk_below(i % 7 ? 20 : 60);
        s->D = 1 + chk_below(2);
        s->reverse = chk_below(2);
        s->linear_before_reset = chk_below(2);
        s->input_forget = i % 8 == 5;
        s->clip = i % 6 < 2 ? 0.75f : 0;
        s->act.kind = i % 2 ? ASH_ACT_TANH : ASH_ACT_RELU;
        check_case(&j, ref, i);
    }
    if (!chk_bench()) return;
    struct job b = {.row = row};
    b.s =
        (struct ash_rnn_shape){.kind = ASH_RNN_LSTM, .T = 100, .N = 1, .I = 128, .H = 128, .D = 1};
    chk_place(CHK_START);
    b.io.x = filled(0, 100 * 128, 1);
    b.W = filled(1, 4 * 128 * 128, 0.1f);
    b.R = b.W;
    pack(&b);
    b.io.y = chk_floats(10, 100 * 128);
    chk_time("LSTM 100 steps, H 128", 100.0 * 4 * 128 * 256 * 2, "FLOP", run, &b);
}

void check_rnn(void);
void check_rnn(void) {
    const struct ash_rnn_row *ref = NULL;
    for (const struct ash_rnn_row *const *t = ash_rnn_tables(); *t; t++) ref = *t;
    for (const struct ash_rnn_row *const *t = ash_rnn_tables(); *t; t++) {
        for (const struct ash_rnn_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
