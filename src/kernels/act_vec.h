/* Activations over base/vec.h. */
#ifndef ASH_KERNELS_ACT_VEC_H
#define ASH_KERNELS_ACT_VEC_H

#include "base/vec_math.h"
#include "kernels/act.h"

VF_INLINE vf vf_clip01_(vf x) { return vf_min(vf_max(x, vf_zero()), vf_set1(1.0f)); }

VF_INLINE vf vf_relu(vf x) { return vf_max(x, vf_zero()); }
VF_INLINE vf vf_clip(vf x, vf lo, vf hi) { return vf_min(vf_max(x, lo), hi); }
VF_INLINE vf vf_hardsigmoid(vf x, vf alpha, vf beta) { return vf_clip01_(vf_fma(x, alpha, beta)); }
VF_INLINE vf vf_hardswish(vf x, vf alpha, vf beta) { return x * vf_hardsigmoid(x, alpha, beta); }
VF_INLINE vf vf_silu_by(const struct vf_math *m, vf x) { return x * vf_sigmoid_by(m, x); }
VF_INLINE vf vf_silu(vf x) { return x * vf_sigmoid(x); }
VF_INLINE vf vf_leakyrelu(vf x, vf alpha) { return vf_select(vf_lt(x, vf_zero()), x * alpha, x); }

/* The limits that an activation sets, infinite where it sets none. */
VF_INLINE void act_limits(struct ash_act_f32 act, float *low, float *high) {
    const int clip = act.kind == ASH_ACT_CLIP;
    *low = clip ? act.a : act.kind == ASH_ACT_RELU ? 0.0f : -__builtin_inff();
    *high = clip ? act.b : __builtin_inff();
}

/* One activation of a vector, chosen at run time: for epilogues, where it is amortised over the sum
 * before it. */
VF_INLINE vf vf_act(struct ash_act_f32 act, vf x) {
    switch (act.kind) {
    case ASH_ACT_RELU:
        return vf_relu(x);
    case ASH_ACT_CLIP:
        return vf_clip(x, vf_set1(act.a), vf_set1(act.b));
    case ASH_ACT_HARDSWISH:
        return vf_hardswish(x, vf_set1(act.a), vf_set1(act.b));
    case ASH_ACT_HARDSIGMOID:
        return vf_hardsigmoid(x, vf_set1(act.a), vf_set1(act.b));
    case ASH_ACT_SIGMOID:
        return vf_sigmoid(x);
    case ASH_ACT_SILU:
        return vf_silu(x);
    case ASH_ACT_TANH:
        return vf_tanh(x);
    case ASH_ACT_LEAKYRELU:
        return vf_leakyrelu(x, vf_set1(act.a));
    case ASH_ACT_GELU:
        return vf_gelu(x);
    case ASH_ACT_GELU_TANH:
        return vf_gelu_tanh(x);
    default:
        return x;
    }
}

#endif
