#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/argmax/argmax.h"

/* Lanes in which v takes the place of best, from before it. */
VF_INLINE vi better(struct ash_argmax_how how, vf v, vf best) {
    if (how.last) return vf_le(best, v) | vf_isnan(v);
    return vf_lt(best, v) | (vf_isnan(v) & ~vf_isnan(best));
}

VF_INLINE vf turned(struct ash_argmax_how how, vf v) { return how.least ? vf_neg(v) : v; }

VF_INLINE void strip(struct ash_argmax_how how, size_t D, size_t pitch, size_t n, const float *x,
                     int64_t *at) {
    vf best = turned(how, vf_load_n(x, n, vf_zero())), where = vf_zero();
    float out[VF_LANES];

    for (size_t d = 1; d < D; d++) {
        vf v = turned(how, vf_load_n(x + d * pitch, n, vf_zero()));
        vi take = better(how, v, best);

        best = vf_select(take, v, best);
        where = vf_select(take, vf_set1((float)d), where);
    }
    vf_store(out, where);
    for (size_t i = 0; i < n; i++) at[i] = (int64_t)out[i];
}

static void argmax_columns(struct ash_argmax_how how, size_t D, size_t pitch, size_t C,
                           const float *x, int64_t *at) {
    for (size_t c = 0; c < C; c += VF_LANES)
        strip(how, D, pitch, C - c < VF_LANES ? C - c : VF_LANES, x + c, at + c);
}

/* Whether v at position i is to be preferred to b at position j. */
static bool prefer(bool last, float v, int64_t i, float b, int64_t j) {
    bool nan = v != v, other = b != b;

    if (nan != other) return nan;
    if (!nan && v != b) return v > b;
    return last ? i > j : i < j;
}

static int64_t argmax_line(struct ash_argmax_how how, size_t D, const float *x) {
    size_t vectors = D / VF_LANES, whole = vectors * VF_LANES;
    float value[VF_LANES] = {0}, number[VF_LANES] = {0}, most = how.least ? -x[0] : x[0];
    int64_t found = 0;

    if (vectors) {
        vf best = turned(how, vf_load(x)), where = vf_zero();

        for (size_t k = 1; k < vectors; k++) {
            vf v = turned(how, vf_load(x + k * VF_LANES));
            vi take = better(how, v, best);

            best = vf_select(take, v, best);
            where = vf_select(take, vf_set1((float)k), where);
        }
        vf_store(value, best);
        vf_store(number, where);
    }
    for (size_t i = 0; i < VF_LANES && vectors; i++) {
        int64_t at = (int64_t)number[i] * VF_LANES + (int64_t)i;

        if (!prefer(how.last, value[i], at, most, found)) continue;
        most = value[i];
        found = at;
    }
    for (size_t i = whole; i < D; i++) {
        float v = how.least ? -x[i] : x[i];

        if (!prefer(how.last, v, (int64_t)i, most, found)) continue;
        most = v;
        found = (int64_t)i;
    }
    return found;
}

extern const struct ash_argmax_row ASH_VEC_ROWS(argmax)[];
const struct ash_argmax_row ASH_VEC_ROWS(argmax)[] = {
    {ASH_VEC_NAME("argmax_f32"), ASH_VEC_CPU, argmax_columns, argmax_line},
    {0},
};
