#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/resize/resize.h"

/* `parts` vectors, or the first n elements of one. */
VF_INLINE void resize_strip(int parts, size_t n, size_t taps, const float *w, size_t w_step,
                            const float *x, size_t x_step, float *y) {
    vf s[4];
    VF_UNROLL for (int q = 0; q < parts; q++) s[q] = vf_zero();
    for (size_t t = 0; t < taps; t++, w += w_step, x += x_step) {
        vf weight = vf_set1(*w);
        VF_UNROLL for (int q = 0; q < parts; q++) {
            vf v = parts > 1 ? vf_load(x + q * VF_LANES) : vf_load_n(x, n, vf_zero());
            s[q] = vf_fma(weight, v, s[q]);
        }
    }
    VF_UNROLL for (int q = 0; q < parts; q++) {
        if (parts > 1)
            vf_store(y + q * VF_LANES, s[q]);
        else
            vf_store_n(y, n, s[q]);
    }
}

static void resize_blend(size_t taps, const float *w, size_t w_step, const float *x, size_t x_step,
                         size_t n, float *y) {
    size_t i = 0;
    for (; i + 4 * VF_LANES <= n; i += 4 * VF_LANES)
        resize_strip(4, 0, taps, w, w_step, x + i, x_step, y + i);
    for (; i < n; i += VF_LANES) {
        size_t m = n - i < VF_LANES ? n - i : VF_LANES;
        resize_strip(1, m, taps, w, w_step, x + i, x_step, y + i);
    }
}

static void resize_gather(size_t taps, size_t step, const int32_t *at, const float *w,
                          const float *x, size_t n, float *y) {
    for (size_t o = 0; o < n; o += VF_LANES) {
        size_t m = n - o < VF_LANES ? n - o : VF_LANES;
        vf sum = vf_zero();
        for (size_t t = 0; t < taps; t++) {
            const int32_t *from = at + t * step + o;
            float g[VF_LANES] = {0};
            for (size_t i = 0; i < m; i++) g[i] = from[i] < 0 ? 0.0f : x[from[i]];
            sum = vf_fma(vf_load_n(w + t * step + o, m, vf_zero()), vf_load(g), sum);
        }
        vf_store_n(y + o, m, sum);
    }
}

extern const struct ash_resize_row ASH_VEC_ROWS(resize)[];
const struct ash_resize_row ASH_VEC_ROWS(resize)[] = {
    {ASH_VEC_NAME("resize_f32"), ASH_VEC_CPU, resize_blend, resize_gather},
    {0},
};
