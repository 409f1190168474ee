#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/pooling/pooling.h"

/* `parts` vectors of channels, or the first n channels of one. */
VF_INLINE void pooling_strip(bool max, int parts, size_t n, const size_t taps[3],
                             const size_t step[3], const float *x, vf divisor, float *y) {
    vf s[4];
    VF_UNROLL for (int q = 0; q < parts; q++) s[q] = vf_set1(max ? -__builtin_inff() : 0.0f);
    for (size_t ij = 0; ij < taps[0] * taps[1]; ij++) {
        const float *p = x + ij / taps[1] * step[0] + ij % taps[1] * step[1];
        for (size_t k = 0; k < taps[2]; k++, p += step[2]) {
            VF_UNROLL for (int q = 0; q < parts; q++) {
                vf v = parts > 1 ? vf_load(p + q * VF_LANES) : vf_load_n(p, n, vf_zero());
                s[q] = max ? vf_max_nan(s[q], v) : s[q] + v;
            }
        }
    }
    VF_UNROLL for (int q = 0; q < parts; q++) {
        vf v = max ? s[q] : s[q] / divisor;
        if (parts > 1) {
            vf_store(y + q * VF_LANES, v);
        } else {
            vf_store_n(y, n, v);
        }
    }
}

VF_INLINE void pooling_window(bool max, const size_t taps[3], const size_t step[3], size_t C,
                              const float *x, float count, float *y) {
    const vf divisor = vf_set1(count);
    size_t c = 0;
    for (; c + 4 * VF_LANES <= C; c += 4 * VF_LANES)
        pooling_strip(max, 4, 0, taps, step, x + c, divisor, y + c);
    for (; c < C; c += VF_LANES) {
        size_t n = C - c < VF_LANES ? C - c : VF_LANES;
        pooling_strip(max, 1, n, taps, step, x + c, divisor, y + c);
    }
}

static void pooling_f32(enum ash_pooling op, const size_t taps[3], const size_t step[3], size_t C,
                        const float *x, float count, float *y) {
    if (op == ASH_POOLING_MAX) {
        pooling_window(true, taps, step, C, x, count, y);
    } else {
        pooling_window(false, taps, step, C, x, count, y);
    }
}

extern const struct ash_pooling_row ASH_VEC_ROWS(pooling)[];
const struct ash_pooling_row ASH_VEC_ROWS(pooling)[] = {
    {ASH_VEC_NAME("pooling_f32"), ASH_VEC_CPU, pooling_f32},
    {0},
};
