#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/norm/norm.h"
#include "kernels/tail.h"

/* Sum of x, or of (x - mean)^2. */
VF_INLINE float norm_sum(bool square, size_t D, const float *x, vf mean) {
    struct vf16 total = vf16_set1(0.0f);
    while (D) {
        size_t n = D < ASH_NORM_BLOCK ? D : ASH_NORM_BLOCK;
        struct vf16 s = vf16_set1(0.0f);
        for (size_t i = 0; i < n; i += 16) {
            struct vf16 v = ash_tail_load16(x + i, n - i, mean[0]);
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
    const float usual[2] = {1.0f, 0.0f}, *p[2] = {scale, bias};
    const vf m = vf_set1(mean), k = vf_set1(inv);
    float splat[2][VF_LANES];
    size_t step[2];
    for (int i = 0; i < 2; i++) {
        step[i] = vector && p[i] ? VF_LANES : 0;
        if (step[i]) continue;
        vf_store(splat[i], vf_set1(p[i] ? *p[i] : usual[i]));
        p[i] = splat[i];
    }
    for (; n >= VF_LANES; n -= VF_LANES, x += VF_LANES, y += VF_LANES) {
        vf_store(y, vf_fma((vf_load(x) - m) * k, vf_load(p[0]), vf_load(p[1])));
        p[0] += step[0];
        p[1] += step[1];
    }
    if (!n) return;
    vf s = ash_tail_load(p[0], n), b = ash_tail_load(p[1], n);
    ash_tail_store(y, n, vf_fma((ash_tail_load(x, n) - m) * k, s, b));
}

extern const struct ash_norm_row ASH_VEC_ROWS(norm)[];
const struct ash_norm_row ASH_VEC_ROWS(norm)[] = {
    {ASH_VEC_NAME("norm_f32"), ASH_VEC_CPU, norm_f32_stats, norm_f32_apply},
    {0},
};
