#include "base/cpu.h"
#include "base/trimming.h"
#include "base/vec.h"
#include "base/vec_math.h"
#include "kernels/softmax/softmax.h"
#include "kernels/tail.h"

#define SOFTMAX_LOWEST (-__builtin_inff())
/* Each pass goes over a few rows before the next one does: what ends a row takes long, and does not
 * hold up the row behind it. */
enum { SOFTMAX_ROWS = 8, SOFTMAX_NEAR = 4096 /* elements that stay in the first cache */ };

static float softmax_max(size_t D, const float *x) {
    struct vf16 m = vf16_set1(SOFTMAX_LOWEST);
    for (size_t i = 0; i < D; i += 16)
        m = vf16_max(m, ash_tail_load16(x + i, D - i, SOFTMAX_LOWEST));
    return vf16_hmax(m);
}

/* The sum of exp(x - max), raised; y gets them unless it is NULL.  Behind the end of a row is -inf,
 * which adds nothing. */
static float softmax_exp(size_t D, const float *x, float highest, float *y) {
    const struct vf_math m = vf_math();
    const vf max = vf_set1(highest);
    struct vf16 s = vf16_set1(0.0f);
    for (size_t i = 0; i < D; i += 16) {
        struct vf16 e = ash_tail_load16(x + i, D - i, SOFTMAX_LOWEST);
        VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) {
            e.v[p] = vf_exp_raised_by(&m, e.v[p] - max);
            s.v[p] = s.v[p] + e.v[p];
        }
        if (y) ash_tail_store16(y + i, D - i, e);
    }
    return vf16_hsum(s);
}

/* What takes the raised sum out of results. */
VF_INLINE vf softmax_by(bool log, vf sum) {
    return log ? vf_log(sum * vf_set1(0x1p-30f)) : vf_set1(1.0f) / sum;
}

/* x is y where it holds exponentials. */
static void softmax_scale(size_t D, const float *x, bool log, float highest, float sum, float *y) {
    const vf max = vf_set1(highest), k = softmax_by(log, vf_set1(sum));
    for (; D >= VF_LANES; D -= VF_LANES, x += VF_LANES, y += VF_LANES) {
        vf v = vf_load(x);
        vf_store(y, log ? v - max - k : v * k);
    }
    if (!D) return;
    vf v = ash_tail_load(x, D);
    ash_tail_store(y, D, log ? v - max - k : v * k);
}

static void softmax_f32_rows(bool log, size_t rows, size_t D, const float *x, float *y) {
    float max[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    size_t group = D * SOFTMAX_ROWS <= SOFTMAX_NEAR ? SOFTMAX_ROWS : 1;
    for (; rows; rows -= group, x += group * D, y += group * D) {
        if (group > rows) group = rows;
        for (size_t r = 0; r < group; r++) max[r] = softmax_max(D, x + r * D);
        for (size_t r = 0; r < group; r++)
            sum[r] = softmax_exp(D, x + r * D, max[r], log ? NULL : y + r * D);
        for (size_t r = 0; r < group; r++)
            softmax_scale(D, (log ? x : y) + r * D, log, max[r], sum[r], y + r * D);
    }
}

/* n columns at once, a lane each. */
VF_INLINE void softmax_strip(bool log, size_t D, size_t pitch, size_t n, const float *x, float *y) {
    const struct vf_math m = vf_math();
    vf max = vf_set1(SOFTMAX_LOWEST), sum = vf_zero();
    for (size_t d = 0; d < D; d++) max = vf_max(max, vf_load_n(x + d * pitch, n, vf_zero()));
    for (size_t d = 0; d < D; d++) {
        vf e = vf_exp_raised_by(&m, vf_load_n(x + d * pitch, n, vf_zero()) - max);
        sum = sum + e;
        if (!log) vf_store_n(y + d * pitch, n, e);
    }
    const vf k = softmax_by(log, sum);
    for (size_t d = 0; d < D; d++) {
        vf v = vf_load_n((log ? x : y) + d * pitch, n, vf_zero());
        vf_store_n(y + d * pitch, n, log ? v - max - k : v * k);
    }
}

static void softmax_f32_cols(bool log, size_t D, size_t pitch, size_t C, const float *x, float *y) {
    for (size_t c = 0; c < C; c += VF_LANES) {
        size_t n = C - c < VF_LANES ? C - c : VF_LANES;
        softmax_strip(log, D, pitch, n, x + c, y + c);
    }
}
ASH_ABSENT_WITHOUT(softmax_f32_cols, "+inner");

extern const struct ash_softmax_row ASH_VEC_ROWS(softmax)[];
const struct ash_softmax_row ASH_VEC_ROWS(softmax)[] = {
    {ASH_VEC_NAME("softmax_f32"), ASH_VEC_CPU, softmax_f32_rows, softmax_f32_cols},
    {0},
};
