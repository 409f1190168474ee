#include "base/cpu.h"
#include "base/vec.h"
#include "base/vec_math.h"
#include "kernels/softmax/softmax.h"

#define SOFTMAX_LOWEST (-__builtin_inff())

VF_INLINE struct vf16 softmax_exp16(struct vf16 x, vf max) {
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) x.v[i] = vf_exp(x.v[i] - max);
    return x;
}

/* A tail is padded with -inf, whose exponential adds nothing. */
VF_INLINE struct vf16 softmax_load(const float *x, size_t i, size_t D) {
    return D - i >= 16 ? vf16_load(x + i) : vf16_load_n(x + i, D - i, SOFTMAX_LOWEST);
}

VF_INLINE void softmax_store(float *y, size_t i, size_t D, struct vf16 v) {
    if (D - i >= 16) {
        vf16_store(y + i, v);
    } else {
        vf16_store_n(y + i, D - i, v);
    }
}

static void softmax_one(size_t D, const float *x, float *y, bool log) {
    struct vf16 m = vf16_set1(SOFTMAX_LOWEST), s = vf16_set1(0.0f);
    for (size_t i = 0; i < D; i += 16) m = vf16_max(m, softmax_load(x, i, D));
    const vf max = vf_set1(vf16_hmax(m));
    for (size_t i = 0; i < D; i += 16) {
        struct vf16 e = softmax_exp16(softmax_load(x, i, D), max);
        s = vf16_add(s, e);
        if (!log) softmax_store(y, i, D, e);
    }
    const vf sum = vf_set1(vf16_hsum(s));
    const vf k = log ? vf_log(sum) : vf_set1(1.0f) / sum;
    for (size_t i = 0; i < D; i += 16) {
        struct vf16 v = softmax_load(log ? x : y, i, D);
        VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) v.v[p] = log ? v.v[p] - max - k : v.v[p] * k;
        softmax_store(y, i, D, v);
    }
}

static void softmax_f32_rows(bool log, size_t rows, size_t D, const float *x, float *y) {
    for (size_t r = 0; r < rows; r++) softmax_one(D, x + r * D, y + r * D, log);
}

VF_INLINE vf softmax_at(const float *x, size_t n) {
    return n == VF_LANES ? vf_load(x) : vf_load_n(x, n, vf_zero());
}

/* n columns at once, a lane each. */
VF_INLINE void softmax_strip(bool log, size_t D, size_t pitch, size_t n, const float *x, float *y) {
    vf max = vf_set1(SOFTMAX_LOWEST), sum = vf_zero();
    for (size_t d = 0; d < D; d++) max = vf_max(max, softmax_at(x + d * pitch, n));
    for (size_t d = 0; d < D; d++) {
        vf e = vf_exp(softmax_at(x + d * pitch, n) - max);
        sum = sum + e;
        if (!log) vf_store_n(y + d * pitch, n, e);
    }
    const vf k = log ? vf_log(sum) : vf_set1(1.0f) / sum;
    for (size_t d = 0; d < D; d++) {
        vf v = softmax_at((log ? x : y) + d * pitch, n);
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
