#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/pooling/pooling.h"

/* Sixteen channels, or n of them. */
VF_INLINE struct vf16 pooling_strip(bool max, const size_t taps[3], const size_t step[3], size_t n,
                                    const float *x) {
    struct vf16 s = vf16_set1(max ? -__builtin_inff() : 0.0f);
    for (size_t i = 0; i < taps[0]; i++) {
        for (size_t j = 0; j < taps[1]; j++) {
            const float *p = x + i * step[0] + j * step[1];
            for (size_t k = 0; k < taps[2]; k++, p += step[2]) {
                struct vf16 v = n == 16 ? vf16_load(p) : vf16_load_n(p, n, 0.0f);
                VF_UNROLL for (int q = 0; q < VF16_PARTS; q++) {
                    s.v[q] = max ? vf_max_nan(s.v[q], v.v[q]) : s.v[q] + v.v[q];
                }
            }
        }
    }
    return s;
}

VF_INLINE void pooling_window(bool max, const size_t taps[3], const size_t step[3], size_t C,
                              const float *x, float count, float *y) {
    const vf divisor = vf_set1(count);
    for (size_t c = 0; c < C; c += 16) {
        size_t n = C - c;
        struct vf16 s = n >= 16 ? pooling_strip(max, taps, step, 16, x + c)
                                : pooling_strip(max, taps, step, n, x + c);
        VF_UNROLL for (int q = 0; q < VF16_PARTS; q++) {
            if (!max) s.v[q] = s.v[q] / divisor;
        }
        if (n >= 16) {
            vf16_store(y + c, s);
        } else {
            vf16_store_n(y + c, n, s);
        }
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
