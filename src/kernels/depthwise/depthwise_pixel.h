/* One output pixel at a time, and what follows a sum, over base/vec.h: for the row of one vector
 * ISA, whose file has ASH_VEC_ISA defined.  Channels go in vectors. */
#ifndef ASH_KERNELS_DEPTHWISE_PIXEL_H
#define ASH_KERNELS_DEPTHWISE_PIXEL_H

#include "kernels/act_vec.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/eltwise/eltwise.h"

/* Bias, and the activations that are a pair of limits: the rest is done by finish. */
struct epilogue {
    const float *bias;
    bool limited;
    vf lo, hi;
};

static struct epilogue epilogue_of(const struct ash_depthwise_line *line) {
    float low, high;
    act_limits(line->act, &low, &high);
    bool limited = line->act.kind == ASH_ACT_RELU || line->act.kind == ASH_ACT_CLIP;
    return (struct epilogue){line->bias, limited, vf_set1(low), vf_set1(high)};
}

extern const struct ash_eltwise_row ASH_VEC_ROWS(eltwise)[];

/* The other activations, over outputs that were just stored: one copy of them for all families. */
static __attribute__((unused)) void finish(const struct ash_depthwise_line *line, float *y,
                                           size_t y_step, size_t count) {
    const struct ash_act_f32 act = line->act;
    if (act.kind <= ASH_ACT_CLIP) return;
    size_t n = line->c;
    if (y_step == n) {
        n *= count;
        count = 1;
    }
    for (size_t i = 0; i < count; i++, y += y_step)
        ASH_VEC_ROWS(eltwise)->unary((int)act.kind, act.a, act.b, n, y, y);
}

/* Channels that do not fill a vector: under a mask, or one at a time where size counts. */
#if defined(__wasm__)
enum { REST = 1 };
VF_INLINE vf load_rest(const float *p, size_t n) {
    (void)n;
    return vf_set1(*p);
}
VF_INLINE void store_rest(float *p, size_t n, vf x) {
    (void)n;
    *p = x[0];
}
#else
enum { REST = VF_LANES };
VF_INLINE vf load_rest(const float *p, size_t n) { return vf_load_n(p, n, vf_zero()); }
VF_INLINE void store_rest(float *p, size_t n, vf x) { vf_store_n(p, n, x); }
#endif

VF_INLINE vf load_part(const float *p, size_t n, bool tail) {
    return tail ? load_rest(p, n) : vf_load(p);
}

VF_INLINE void store_part(float *p, size_t n, bool tail, vf x) {
    if (tail) {
        store_rest(p, n, x);
    } else {
        vf_store(p, x);
    }
}

VF_INLINE vf end_sum(const struct epilogue *e, vf x, vf bias) {
    if (e->bias) x = x + bias;
#if !defined(__wasm__) /* where a branch costs bytes */
    if (!e->limited) return x;
#endif
    return vf_clip(x, e->lo, e->hi);
}

/* Channels c to c + n of one pixel. */
VF_INLINE void pixel_part(const struct ash_depthwise_line *line, const float *const *in, float *y,
                          const struct epilogue *e, size_t c, size_t n, const bool tail) {
    vf sum = vf_zero();
    const float *w = line->w + c;
    for (size_t t = 0; t < line->taps; t++, w += line->c)
        sum = vf_fma(load_part(in[t] + c, n, tail), load_part(w, n, tail), sum);
    vf bias = e->bias ? load_part(e->bias + c, n, tail) : vf_zero();
    store_part(y + c, n, tail, end_sum(e, sum, bias));
}

static __attribute__((unused)) void pixel(const struct ash_depthwise_line *line,
                                          const float *const *in, float *y) {
    struct epilogue e = epilogue_of(line);
    size_t c = 0;
    for (; c + VF_LANES <= line->c; c += VF_LANES) pixel_part(line, in, y, &e, c, VF_LANES, false);
    for (; c < line->c; c += REST) pixel_part(line, in, y, &e, c, line->c - c, true);
    finish(line, y, 0, 1);
}

#endif
