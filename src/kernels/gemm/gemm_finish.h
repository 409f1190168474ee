/* The epilogue over sums that lie in C, over base/vec.h: for rows of one vector ISA, whose file has
 * ASH_VEC_ISA defined.  Activations that are no pair of limits have one copy for all families. */
#ifndef ASH_KERNELS_GEMM_FINISH_H
#define ASH_KERNELS_GEMM_FINISH_H

#include "kernels/act_vec.h"
#include "kernels/eltwise/eltwise.h"
#include "kernels/gemm/gemm.h"

extern const struct ash_eltwise_row ASH_VEC_ROWS(eltwise)[];

/* c = clip(c * scale + bias + residual), sums over what is not there left out. */
static __attribute__((noinline, unused)) void finish_pass(const struct ash_gemm_tile *t,
                                                          float scale, const float *bias,
                                                          const float *residual, float low,
                                                          float high) {
    const vf k = vf_set1(scale), lo = vf_set1(low), hi = vf_set1(high);
    for (size_t j = 0; j < t->cols; j += VF_LANES) {
        size_t n = t->cols - j;
        vf b = vf_set1(-0.0f); /* changes nothing */
        if (bias) b = n < VF_LANES ? vf_load_n(bias + j, n, b) : vf_load(bias + j);
        const float *r = residual ? residual + j : NULL;
        float *c = t->c + j;
        for (size_t i = 0; i < t->rows; i++, c += t->ldc) {
            vf x = (n < VF_LANES ? vf_load_n(c, n, k) : vf_load(c)) * k + b;
            if (r) {
                x = x + (n < VF_LANES ? vf_load_n(r, n, k) : vf_load(r));
                r += t->out.ld_residual;
            }
            x = vf_clip(x, lo, hi);
            if (n < VF_LANES) {
                vf_store_n(c, n, x);
            } else {
                vf_store(c, x);
            }
        }
    }
}

static __attribute__((unused)) void finish(const struct ash_gemm_tile *t) {
    const struct ash_gemm_out *out = &t->out;
    const struct ash_act_f32 act = out->act;
    const bool after = out->residual && out->residual_last && act.kind != ASH_ACT_NONE;
    const bool limits = act.kind == ASH_ACT_RELU || act.kind == ASH_ACT_CLIP;
    float low, high;
    if (out->scale != 0.0f || out->bias || (out->residual && !after) || limits) {
        act_limits(act, &low, &high);
        finish_pass(t, out->scale != 0.0f ? out->scale : 1.0f, out->bias,
                    after ? NULL : out->residual, low, high);
    }
    if (act.kind > ASH_ACT_CLIP) {
        size_t rows = t->rows, cols = t->cols;
        if (cols == t->ldc) {
            cols *= rows;
            rows = 1;
        }
        for (size_t i = 0; i < rows; i++) {
            float *c = t->c + i * t->ldc;
            ASH_VEC_ROWS(eltwise)->unary((int)act.kind, act.a, act.b, cols, c, c);
        }
    }
    if (after) finish_pass(t, 1.0f, NULL, out->residual, -__builtin_inff(), __builtin_inff());
}

#endif
