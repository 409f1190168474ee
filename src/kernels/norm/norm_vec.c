#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/norm/norm.h"

/* Sum of x, or of (x - mean)^2. */
VF_INLINE float norm_sum(bool square, size_t D, const float *x, vf mean) {
    struct vf16 total = vf16_set1(0.0f);
    while (D) {
        size_t n = D < ASH_NORM_BLOCK ? D : ASH_NORM_BLOCK;
        struct vf16 s = vf16_set1(0.0f);
        for (size_t i = 0; i < n; i += 16) {
            struct vf16 v = n - i >= 16 ? vf16_load(x + i) : vf16_load_n(x + i, n - i, mean[0]);
            VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) {
                vf d = v.v[p] - mean;
                s.v[p] = square ? vf_fma(d, d, s.v[p]) : s.v[p] + d;
            }
        }
        total = vf16_add(total, s);
        x += n;
        D -= n;
    }
    return vf16_hsum(total);
}

static void norm_f32_stats(bool rms, size_t D, float eps, const float *x, float *mean, float *inv) {
    float m = rms ? 0.0f : norm_sum(false, D, x, vf_zero()) / (float)D;
    float var = norm_sum(true, D, x, vf_set1(m)) / (float)D;
    *mean = m;
    *inv = 1.0f / vf_sqrt(vf_set1(var + eps))[0];
}

static void norm_f32_apply(bool vector, size_t n, const float *x, float mean, float inv,
                           const float *scale, const float *bias, float *y) {
    const vf m = vf_set1(mean), k = vf_set1(inv);
    vf s = vf_set1(scale && !vector ? *scale : 1.0f), b = vf_set1(bias && !vector ? *bias : 0.0f);
    for (size_t i = 0; i < n; i += VF_LANES) {
        size_t w = n - i < VF_LANES ? n - i : VF_LANES;
        if (vector && scale) s = vf_load_n(scale + i, w, s);
        if (vector && bias) b = vf_load_n(bias + i, w, b);
        vf v = (vf_load_n(x + i, w, m) - m) * k;
        vf_store_n(y + i, w, vf_fma(v, s, b));
    }
}

extern const struct ash_norm_row ASH_VEC_ROWS(norm)[];
const struct ash_norm_row ASH_VEC_ROWS(norm)[] = {
    {ASH_VEC_NAME("norm_f32"), ASH_VEC_CPU, norm_f32_stats, norm_f32_apply},
    {0},
};
