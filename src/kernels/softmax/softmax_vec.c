#include "base/cpu.h"
#include "base/vec.h"
#include "base/vec_math.h"
#include "kernels/softmax/softmax.h"
#include "kernels/tail.h"

#define SOFTMAX_LOWEST (-__builtin_inff())

/* The passes go over n elements, a multiple of 16. */
static struct vf16 softmax_max(size_t n, const float *x) {
    struct vf16 m = vf16_set1(SOFTMAX_LOWEST);
    for (size_t i = 0; i < n; i += 16) m = vf16_max(m, vf16_load(x + i));
    return m;
}

/* Adds exp(x - max), raised, to s; y gets them unless it is NULL. */
static struct vf16 softmax_exp(size_t n, const float *x, vf max, struct vf16 s, float *y) {
    for (size_t i = 0; i < n; i += 16) {
        struct vf16 e = vf16_load(x + i);
        VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) {
            e.v[p] = vf_exp_raised(e.v[p] - max);
            s.v[p] = s.v[p] + e.v[p];
        }
        if (!y) continue;
        VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) vf_store(y + i + p * VF_LANES, e.v[p]);
    }
    return s;
}

/* What takes the raised sum out of results. */
VF_INLINE vf softmax_by(bool log, vf sum) {
    return log ? vf_log(sum * vf_set1(0x1p-30f)) : vf_set1(1.0f) / sum;
}

static void softmax_scale(size_t n, const float *x, bool log, vf max, vf k, float *y) {
    for (size_t i = 0; i < n; i += VF_LANES) {
        vf v = vf_load(x + i);
        vf_store(y + i, log ? v - max - k : v * k);
    }
}

/* The end of a row is padded with -inf, whose exponential adds nothing. */
static void softmax_one(size_t D, const float *x, float *y, bool log) {
    float t[16];
    size_t n = D - D % 16, tail = D - n;
    struct vf16 m = softmax_max(n, x);
    if (tail) m = vf16_max(m, vf16_load(ash_tail_in(t, x + n, tail, SOFTMAX_LOWEST)));
    const vf max = vf_set1(vf16_hmax(m));
    struct vf16 s = softmax_exp(n, x, max, vf16_set1(0.0f), log ? NULL : y);
    if (tail) s = softmax_exp(16, t, max, s, log ? NULL : t);
    const vf sum = vf_set1(vf16_hsum(s));
    const vf k = softmax_by(log, sum);
    softmax_scale(n, log ? x : y, log, max, k, y);
    if (!tail) return;
    softmax_scale(16, t, log, max, k, t);
    ash_tail_out(y + n, t, tail);
}

static void softmax_f32_rows(bool log, size_t rows, size_t D, const float *x, float *y) {
    for (size_t r = 0; r < rows; r++) softmax_one(D, x + r * D, y + r * D, log);
}

/* n columns at once, a lane each. */
VF_INLINE void softmax_strip(bool log, size_t D, size_t pitch, size_t n, const float *x, float *y) {
    vf max = vf_set1(SOFTMAX_LOWEST), sum = vf_zero();
    for (size_t d = 0; d < D; d++) max = vf_max(max, vf_load_n(x + d * pitch, n, vf_zero()));
    for (size_t d = 0; d < D; d++) {
        vf e = vf_exp_raised(vf_load_n(x + d * pitch, n, vf_zero()) - max);
        sum = sum + e;
        if (!log) vf_store_n(y + d * pitch, n, e);
    }
    const vf k = softmax_by(log, sum);
    for (size_t d = 0; d < D; d++) {
        vf v = vf_load_n((log ? x : y) + d * pitch, n, vf_zero());
        vf_store_n(y + d * pitch, n, log ? v - max - k : v * k);
    }
}

static void softmax_f32_cols(bool log, size_t D, size_t pitch, size_t C, const float *x, float *y) {
    for (size_t c = 0; c < C; c += VF_LANES) {
        size_t n = C - c < VF_LANES ? C - c : VF_LANES;
        softmax_strip(log, D, pitch, n, x + c, y + c);
    }
}

extern const struct ash_softmax_row ASH_VEC_ROWS(softmax)[];
const struct ash_softmax_row ASH_VEC_ROWS(softmax)[] = {
    {ASH_VEC_NAME("softmax_f32"), ASH_VEC_CPU, softmax_f32_rows, softmax_f32_cols},
    {0},
};
