#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/act_vec.h"
#include "kernels/affine/affine.h"

/* Limits alone, or any activation. */
VF_INLINE vf affine_one(int limits, struct ash_act_f32 act, vf low, vf high, vf x, vf scale,
                        vf shift) {
    vf y = x * scale + shift;
    return limits ? vf_clip(y, low, high) : vf_act(act, y);
}

VF_INLINE void affine_all(int limits, struct ash_act_f32 act, size_t R, size_t C, const float *x,
                          const float *scale, const float *shift, float *y) {
    const size_t tail = C % VF_LANES, whole = C - tail;
    float limit[2];
    act_limits(act, &limit[0], &limit[1]);
    const vf low = vf_set1(limit[0]), high = vf_set1(limit[1]), zero = vf_zero();
    const vf scales = vf_load_n(scale + whole, tail, zero);
    const vf shifts = vf_load_n(shift + whole, tail, zero);
    for (size_t r = 0; r < R; r++, x += C, y += C) {
        for (size_t c = 0; c < whole; c += VF_LANES)
            vf_store(y + c, affine_one(limits, act, low, high, vf_load(x + c), vf_load(scale + c),
                                       vf_load(shift + c)));
        if (!tail) continue;
        vf last = vf_load_n(x + whole, tail, zero);
        vf_store_n(y + whole, tail, affine_one(limits, act, low, high, last, scales, shifts));
    }
}

static void affine_rows(struct ash_act_f32 act, size_t R, size_t C, const float *x,
                        const float *scale, const float *shift, float *y) {
    if (act.kind <= ASH_ACT_CLIP)
        affine_all(1, act, R, C, x, scale, shift, y);
    else
        affine_all(0, act, R, C, x, scale, shift, y);
}

extern const struct ash_affine_row ASH_VEC_ROWS(affine)[];
const struct ash_affine_row ASH_VEC_ROWS(affine)[] = {
    {ASH_VEC_NAME("affine_f32"), ASH_VEC_CPU, affine_rows},
    {0},
};
