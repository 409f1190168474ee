#include "base/cpu.h"
#include "base/vec_math.h"
#include "kernels/rnn/rnn.h"

/* ---- products of one row with a block ---- */

VF_INLINE void rnn_sums_body(const int nv, size_t step, size_t k, const float *x, const float *b,
                             float *y) {
    vf sum[ASH_RNN_VECTORS];
    VF_UNROLL for (int j = 0; j < nv; j++) sum[j] = vf_zero();
    VF_NO_UNROLL for (size_t i = 0; i < k; i++, b += step) {
        const vf v = vf_set1(x[i]);
        VF_UNROLL for (int j = 0; j < nv; j++) sum[j] =
            vf_fma(v, vf_load(b + j * VF_LANES), sum[j]);
    }
    VF_UNROLL for (int j = 0; j < nv; j++) vf_store(y + j * VF_LANES, sum[j]);
}

static void rnn_f32_sums(size_t nv, size_t k, const float *x, const float *b, float *y) {
    const size_t step = nv * VF_LANES;
    if (nv == 12) {
        rnn_sums_body(12, 12 * VF_LANES, k, x, b, y);
        return;
    }
    if (nv == 8) {
        rnn_sums_body(8, 8 * VF_LANES, k, x, b, y);
        return;
    }
    for (; nv >= 4; nv -= 4, b += 4 * VF_LANES, y += 4 * VF_LANES)
        rnn_sums_body(4, step, k, x, b, y);
    for (; nv; nv--, b += VF_LANES, y += VF_LANES) rnn_sums_body(1, step, k, x, b, y);
}

/* ---- functions of the gates ---- */

/* Beyond 43 e^x changes no result, and the products of two of them stay finite. */
VF_INLINE vf rnn_exp(vf x, vf limit) {
    return vf_exp_near(vf_max(vf_min(x, limit), vf_neg(limit)));
}

VF_INLINE vf rnn_limit(float clip, float most) { return vf_set1(clip < most ? clip : most); }

/* What a sigmoid divides 1 by. */
VF_INLINE vf rnn_below(vf x, vf limit) { return rnn_exp(vf_neg(x), limit) + vf_set1(1.0f); }

VF_INLINE vf rnn_exp2x(vf x, vf limit) {
    x = vf_max(vf_min(x, limit), vf_neg(limit));
    return vf_exp_near(x + x);
}

VF_INLINE void rnn_lstm_group(const struct ash_rnn_cell *u, size_t group) {
    const size_t at = group * VF_LANES;
    const float *x = u->x + group * u->x_step, *s = u->sums + group * u->sums_step;
    const float *p = u->peephole ? u->peephole + at : NULL;
    const vf one = vf_set1(1.0f), most = rnn_limit(u->clip, 43.0f),
             half = rnn_limit(u->clip, 21.5f);
    vf c = vf_load(u->c + at);
    vf i = vf_load(s) + vf_load(x);
    vf o = vf_load(s + VF_LANES) + vf_load(x + VF_LANES);
    vf f = vf_load(s + 2 * VF_LANES) + vf_load(x + 2 * VF_LANES);
    vf g = rnn_exp2x(vf_load(s + 3 * VF_LANES) + vf_load(x + 3 * VF_LANES), half);
    if (p) i = vf_fma(vf_load(p), c, i);
    if (p) f = vf_fma(vf_load(p + 2 * u->units), c, f);
    i = rnn_below(i, most);
    f = one / (u->input_forget ? i : rnn_below(f, most));
    if (u->input_forget) f = one - f;
    c = vf_fma(f, c, (g - one) / (i * (g + one))); /* f * c + sigmoid(i) * tanh(g) */
    if (p) o = vf_fma(vf_load(p + u->units), c, o);
    vf e = rnn_exp2x(c, vf_set1(21.5f));
    vf_store(u->c + at, c);
    vf_store(u->to + at, (e - one) / (rnn_below(o, most) * (e + one)));
}

/* (1 - z) * tanh(t) + z * h */
VF_INLINE vf rnn_mix(vf z, vf t, vf half, vf h) {
    const vf one = vf_set1(1.0f);
    t = one - vf_set1(2.0f) / (rnn_exp2x(t, half) + one);
    return vf_fma(z, h - t, t);
}

VF_INLINE void rnn_gru_linear_group(const struct ash_rnn_cell *u, size_t group) {
    const size_t at = group * VF_LANES;
    const float *x = u->x + group * u->x_step, *s = u->sums + group * u->sums_step;
    const float *b = u->bias + group * u->x_step;
    const vf one = vf_set1(1.0f), most = rnn_limit(u->clip, 43.0f);
    vf z = vf_load(s) + vf_load(b) + vf_load(x);
    vf r = vf_load(s + VF_LANES) + vf_load(b + VF_LANES) + vf_load(x + VF_LANES);
    vf n = vf_load(s + 2 * VF_LANES) + vf_load(b + 2 * VF_LANES);
    n = vf_fma(one / rnn_below(r, most), n, vf_load(x + 2 * VF_LANES));
    vf h = rnn_mix(one / rnn_below(z, most), n, rnn_limit(u->clip, 21.5f), vf_load(u->h + at));
    vf_store(u->to + at, h);
}

VF_INLINE void rnn_gru_reset_group(const struct ash_rnn_cell *u, size_t group) {
    const size_t at = group * VF_LANES;
    const float *x = u->x + group * u->x_step, *s = u->sums + group * u->sums_step;
    const vf one = vf_set1(1.0f), most = rnn_limit(u->clip, 43.0f);
    vf z = vf_load(s) + vf_load(x), r = vf_load(s + VF_LANES) + vf_load(x + VF_LANES);
    vf_store(u->to + at, one / rnn_below(z, most));
    vf_store(u->reset + at, vf_load(u->h + at) / rnn_below(r, most));
}

VF_INLINE void rnn_gru_mix_group(const struct ash_rnn_cell *u, size_t group) {
    const size_t at = group * VF_LANES;
    vf t =
        vf_load(u->sums + group * u->sums_step) + vf_load(u->x + group * u->x_step + 2 * VF_LANES);
    vf_store(u->to + at,
             rnn_mix(vf_load(u->to + at), t, rnn_limit(u->clip, 21.5f), vf_load(u->h + at)));
}

VF_INLINE void rnn_plain_group(const struct ash_rnn_cell *u, size_t group) {
    const vf one = vf_set1(1.0f), clip = vf_set1(u->clip);
    vf v = vf_load(u->sums + group * u->sums_step) + vf_load(u->x + group * u->x_step);
    if (u->act == ASH_ACT_RELU)
        v = vf_max(vf_max(vf_min(v, clip), vf_neg(clip)), vf_zero());
    else if (u->act == ASH_ACT_SIGMOID)
        v = one / rnn_below(v, rnn_limit(u->clip, 43.0f));
    else
        v = one - vf_set1(2.0f) / (rnn_exp2x(v, rnn_limit(u->clip, 21.5f)) + one);
    vf_store(u->to + group * VF_LANES, v);
}

/* Loops of their own, which keep the constants of the functions in registers. */
#define RNN_LOOP(name)                                                                             \
    static void rnn_##name(const struct ash_rnn_cell *u) {                                         \
        VF_NO_UNROLL for (size_t i = 0; i < u->groups; i++) rnn_##name##_group(u, i);              \
    }
RNN_LOOP(lstm)
RNN_LOOP(gru_linear)
RNN_LOOP(gru_reset)
RNN_LOOP(gru_mix)
RNN_LOOP(plain)

/* By stage, with the operator that needs it, for trimmed engines (cmake/wasm_map.py). */
static const struct {
    const char *op;
    void (*part)(const struct ash_rnn_cell *u);
} ash_by_op_rnn[] = {
    [ASH_RNN_STAGE_PLAIN] = {"RNN", rnn_plain},
    [ASH_RNN_STAGE_LSTM] = {"LSTM", rnn_lstm},
    [ASH_RNN_STAGE_GRU_LINEAR] = {"GRU", rnn_gru_linear},
    [ASH_RNN_STAGE_GRU_RESET] = {"GRU", rnn_gru_reset},
    [ASH_RNN_STAGE_GRU_MIX] = {"GRU", rnn_gru_mix},
};

static void rnn_f32_cell(const struct ash_rnn_cell *u) { ash_by_op_rnn[u->stage].part(u); }

extern const struct ash_rnn_row ASH_VEC_ROWS(rnn)[];
const struct ash_rnn_row ASH_VEC_ROWS(rnn)[] = {
    {ASH_VEC_NAME("rnn_f32"), ASH_VEC_CPU, VF_LANES, rnn_f32_cell, rnn_f32_sums},
    {0},
};
