#define ASH_VEC_REF 1
#include "kernels/act_vec.h"
#include "kernels/gemm/gemm.h"

enum { MR = 3, NR = 5, WIDE = 2 };

static float finish(const struct ash_gemm_tile *t, size_t i, size_t j, float sum) {
    vf x = vf_set1(sum);
    const float *residual = t->out.residual ? t->out.residual + i * t->out.ld_residual + j : NULL;
    if (t->out.scale != 0.0f) x *= vf_set1(t->out.scale);
    if (t->out.bias) x += vf_load(t->out.bias + j);
    if (residual && !t->out.residual_last) x += vf_load(residual);
    x = vf_act(t->out.act, x);
    if (residual && t->out.residual_last) x += vf_load(residual);
    return x[0];
}

static void tile_ref(const struct ash_gemm_tile *t) {
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->cols; j++) {
            const float *b = t->b + j / NR * t->b_panel + j % NR;
            vf sum = vf_set1(t->first ? 0.0f : t->c[i * t->ldc + j]);
            for (size_t tap = 0; tap < t->taps; tap++) {
                const float *a = t->a[tap * t->a_tap + i] + t->a_skip;
                for (size_t k = 0; k < t->k; k++, b += t->b_step)
                    sum = vf_fma(vf_set1(a[k]), vf_load(b), sum);
            }
            t->c[i * t->ldc + j] = t->last ? finish(t, i, j, sum[0]) : sum[0];
        }
    }
}

extern const struct ash_gemm_kernel ash_gemm_ref[];
const struct ash_gemm_kernel ash_gemm_ref[] = {
    {.name = "gemm_f32_ref", .mr = MR, .nr = NR, .wide = WIDE, .tile = tile_ref},
    {.name = NULL},
};
