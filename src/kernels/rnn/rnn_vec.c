#include "base/cpu.h"
#include "kernels/act_vec.h"
#include "kernels/eltwise/eltwise.h"
#include "kernels/rnn/rnn.h"
#include "kernels/tail.h"

extern const struct ash_eltwise_row ASH_VEC_ROWS(eltwise)[];

VF_INLINE vf rnn_clip(vf x, vf clip) { return vf_clip(x, vf_neg(clip), clip); }

/* Calls cost little beside the products that a cell follows. */
static __attribute__((noinline)) vf rnn_sigmoid(vf x, vf clip) {
    return vf_sigmoid(rnn_clip(x, clip));
}
static __attribute__((noinline)) vf rnn_tanh(vf x, vf clip) { return vf_tanh(rnn_clip(x, clip)); }

static void rnn_lstm(const struct ash_rnn_cell *u, size_t at, size_t n) {
    const size_t H = u->H;
    const float *g = u->gates + at, *p = u->peephole ? u->peephole + at : NULL;
    const vf clip = vf_set1(u->clip);
    vf c = ash_tail_load(u->c + at, n);
    vf i = ash_tail_load(g, n), o = ash_tail_load(g + H, n), f = ash_tail_load(g + 2 * H, n);
    if (p) i = vf_fma(ash_tail_load(p, n), c, i);
    if (p) f = vf_fma(ash_tail_load(p + 2 * H, n), c, f);
    i = rnn_sigmoid(i, clip);
    f = u->input_forget ? vf_set1(1.0f) - i : rnn_sigmoid(f, clip);
    c = vf_fma(f, c, i * rnn_tanh(ash_tail_load(g + 3 * H, n), clip));
    if (p) o = vf_fma(ash_tail_load(p + H, n), c, o);
    o = rnn_sigmoid(o, clip);
    ash_tail_store(u->c + at, n, c);
    ash_tail_store(u->h + at, n, o * vf_tanh(c));
}

/* (1 - z) * t + z * h */
VF_INLINE void rnn_mix(float *h, size_t n, vf z, vf t) {
    ash_tail_store(h, n, vf_fma(z, ash_tail_load(h, n) - t, t));
}

static void rnn_gru(const struct ash_rnn_cell *u, size_t at, size_t n) {
    const size_t H = u->H;
    float *g = u->gates + at, *q = u->hidden ? u->hidden + at : NULL, *h = u->h + at;
    const vf clip = vf_set1(u->clip);
    vf z = ash_tail_load(g, n);
    if (u->stage == ASH_RNN_STAGE_GRU_MIX) {
        rnn_mix(h, n, z, rnn_tanh(ash_tail_load(g + 2 * H, n), clip));
        return;
    }
    vf r = ash_tail_load(g + H, n);
    if (u->stage == ASH_RNN_STAGE_GRU_LINEAR) {
        z = z + ash_tail_load(q, n);
        r = r + ash_tail_load(q + H, n);
    }
    z = rnn_sigmoid(z, clip);
    r = rnn_sigmoid(r, clip);
    if (u->stage == ASH_RNN_STAGE_GRU_LINEAR) {
        vf t = vf_fma(r, ash_tail_load(q + 2 * H, n), ash_tail_load(g + 2 * H, n));
        rnn_mix(h, n, z, rnn_tanh(t, clip));
    } else {
        ash_tail_store(g, n, z);
        ash_tail_store(q, n, r * ash_tail_load(h, n));
    }
}

static void rnn_plain(const struct ash_rnn_cell *u, size_t at, size_t n) {
    vf v = rnn_clip(ash_tail_load(u->gates + at, n), vf_set1(u->clip));
    ash_tail_store(u->h + at, n, v);
}

/* By stage, with the operator that needs it, for trimmed engines (cmake/wasm_map.py). */
static const struct {
    const char *op;
    void (*part)(const struct ash_rnn_cell *u, size_t at, size_t n);
} ash_by_op_rnn[] = {
    [ASH_RNN_STAGE_PLAIN] = {"RNN", rnn_plain},    [ASH_RNN_STAGE_LSTM] = {"LSTM", rnn_lstm},
    [ASH_RNN_STAGE_GRU_LINEAR] = {"GRU", rnn_gru}, [ASH_RNN_STAGE_GRU_RESET] = {"GRU", rnn_gru},
    [ASH_RNN_STAGE_GRU_MIX] = {"GRU", rnn_gru},
};

static void rnn_f32_cell(const struct ash_rnn_cell *u) {
    for (size_t i = 0; i < u->H; i += VF_LANES)
        ash_by_op_rnn[u->stage].part(u, i, u->H - i < VF_LANES ? u->H - i : VF_LANES);
    if (u->stage == ASH_RNN_STAGE_PLAIN)
        ASH_VEC_ROWS(eltwise)->unary((int)u->act.kind, u->act.a, u->act.b, u->H, u->h, u->h);
}

extern const struct ash_rnn_row ASH_VEC_ROWS(rnn)[];
const struct ash_rnn_row ASH_VEC_ROWS(rnn)[] = {
    {ASH_VEC_NAME("rnn_f32"), ASH_VEC_CPU, rnn_f32_cell},
    {0},
};
