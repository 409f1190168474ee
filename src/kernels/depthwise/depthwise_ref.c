#define ASH_VEC_REF 1
#include "kernels/act_vec.h"
#include "kernels/depthwise/depthwise.h"

static void pixel_ref(const struct ash_depthwise_line *line, const float *const *in, float *y) {
    for (size_t c = 0; c < line->c; c++) {
        vf sum = vf_zero();
        for (size_t t = 0; t < line->taps; t++)
            sum = vf_fma(vf_load(in[t] + c), vf_load(line->w + t * line->c + c), sum);
        if (line->bias) sum += vf_load(line->bias + c);
        y[c] = vf_act(line->act, sum)[0];
    }
}

extern const struct ash_depthwise_kernel ash_depthwise_ref[];
const struct ash_depthwise_kernel ash_depthwise_ref[] = {
    {.name = "depthwise_f32_ref", .pixel = pixel_ref},
    {.name = NULL},
};
