#include "base/cpu.h"
#include "kernels/bytes_vec.h"
#include "kernels/rnnq/rnnq.h"

VF_INLINE void rnnq_sums_body(const int nv, size_t k, const float *x, const float *weights,
                              float *y) {
    const uint8_t *b = (const uint8_t *)weights;
    vf sum[8], all = vf_zero();
    VF_UNROLL for (int j = 0; j < nv; j++) sum[j] = vf_zero();
    VF_NO_UNROLL for (size_t i = 0; i < k; i++, b += nv * VF_LANES) {
        const vf v = vf_set1(x[i]);
        all = all + v;
        VF_UNROLL for (int j = 0; j < nv; j++) sum[j] =
            vf_fma(v, vf_from_int(vi_load_bytes(b + j * VF_LANES)), sum[j]);
    }
    const float *scale = (const float *)(const void *)b, *zero = scale + nv * VF_LANES;
    all = vf_neg(all);
    VF_UNROLL for (int j = 0; j < nv; j++) {
        vf v = vf_fma(all, vf_load(zero + j * VF_LANES), sum[j]);
        vf_store(y + j * VF_LANES, v * vf_load(scale + j * VF_LANES));
    }
}

static void rnnq_u8_sums(size_t nv, size_t k, const float *x, const float *b, float *y) {
    if (nv == 8)
        rnnq_sums_body(8, k, x, b, y);
    else
        rnnq_sums_body(4, k, x, b, y);
}

extern const struct ash_rnnq_row ASH_VEC_ROWS(rnnq)[];
const struct ash_rnnq_row ASH_VEC_ROWS(rnnq)[] = {
    {ASH_VEC_NAME("rnnq_u8"), ASH_VEC_CPU, VF_LANES, rnnq_u8_sums},
    {0},
};
