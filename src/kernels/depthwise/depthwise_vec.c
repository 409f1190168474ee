/* Channels go in vectors.  A span kernel keeps OUT neighbouring outputs and one row of the filter
 * in registers, so that an input is loaded once for all outputs that it belongs to. */
#include "base/cpu.h"
#include "base/trimming.h"
#include "kernels/depthwise/depthwise_pixel.h"

/* Rows of a filter are gone through in a loop where size counts, unrolled where speed does. */
#if defined(__wasm__)
#    define ROWS_LOOP VF_NO_UNROLL
#else
#    define ROWS_LOOP VF_UNROLL
#endif

enum {
    OUT = 4,
#if defined(__wasm__)
    OUT_MOST = OUT, /* registers are few */
    OUT_APART = OUT,
    OUT_TAIL = 1 /* small code */
#else
    OUT_MOST = 8,  /* sums for two units of four cycles */
    OUT_APART = 6, /* with a stride: 15 inputs, which VF_UNROLL still unrolls */
    OUT_TAIL = OUT_MOST
#endif
};

/* Outputs at..at + outs of a span, channels c to c + n; k and stride are constants. */
VF_INLINE void span_part(const struct ash_depthwise_line *line, const struct ash_depthwise_span *s,
                         const struct epilogue *e, size_t at, size_t c, size_t n, const int outs,
                         const bool tail, const int k, const int stride) {
    vf sum[OUT_MOST];
    VF_UNROLL for (int o = 0; o < outs; o++) sum[o] = vf_zero();
    const float *w = line->w + c;
    ROWS_LOOP for (int ky = 0; ky < k; ky++) {
        const size_t step = s->x_step[ky];
        const float *in = s->in[ky] + at * (size_t)stride * step + c;
        vf f[ASH_DEPTHWISE_K_MAX];
        VF_UNROLL for (int i = 0; i < k; i++, w += line->c) f[i] = load_part(w, n, tail);
        VF_UNROLL for (int i = 0; i < (outs - 1) * stride + k; i++) {
            vf x = load_part(in + (size_t)i * step, n, tail);
            VF_UNROLL for (int o = 0; o < outs; o++) {
                int kx = i - o * stride;
                if (kx >= 0 && kx < k) sum[o] = vf_fma(x, f[kx], sum[o]);
            }
        }
    }
    vf bias = e->bias ? load_part(e->bias + c, n, tail) : vf_zero();
    float *y = s->y + at * s->y_step + c;
    VF_UNROLL for (int o = 0; o < outs; o++)
        store_part(y + (size_t)o * s->y_step, n, tail, end_sum(e, sum[o], bias));
}

/* `outs` outputs from at on. */
VF_INLINE void span_outs(const struct ash_depthwise_line *line, const struct ash_depthwise_span *s,
                         const struct epilogue *e, size_t at, const int outs, const int k,
                         const int stride) {
    size_t whole = line->c / VF_LANES * VF_LANES, rest = line->c - whole;
    for (size_t c = 0; c < whole; c += VF_LANES)
        span_part(line, s, e, at, c, VF_LANES, outs, false, k, stride);
    const int tail = OUT_TAIL < outs ? OUT_TAIL : outs;
    for (size_t o = 0; rest && o < (size_t)outs; o += (size_t)tail)
        span_part(line, s, e, at + o, whole, rest, tail, true, k, stride);
}

/* The last outputs overlap those before them: computed twice, to the same bits. */
VF_INLINE void span_body(const struct ash_depthwise_line *line, const struct ash_depthwise_span *s,
                         const int k, const int stride) {
    struct epilogue e = epilogue_of(line);
    const int most = stride == 1 ? OUT_MOST : OUT_APART;
    size_t i = 0;
    for (; most > OUT && s->count - i >= (size_t)most; i += (size_t)most)
        span_outs(line, s, &e, i, most, k, stride);
    for (; i < s->count; i += OUT) {
        size_t at = s->count - i < OUT ? s->count - OUT : i;
        span_outs(line, s, &e, at, OUT, k, stride);
    }
    finish(line, s->y, s->y_step, s->count);
}

static void span_3s1(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span_body(l, s, 3, 1);
}
ASH_ABSENT_WITHOUT(span_3s1, "+depthwise3s1");
static void span_3s2(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span_body(l, s, 3, 2);
}
ASH_ABSENT_WITHOUT(span_3s2, "+depthwise3s2");
static void span_5s1(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span_body(l, s, 5, 1);
}
ASH_ABSENT_WITHOUT(span_5s1, "+depthwise5s1");
static void span_5s2(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span_body(l, s, 5, 2);
}
ASH_ABSENT_WITHOUT(span_5s2, "+depthwise5s2");

extern const struct ash_depthwise_kernel ASH_VEC_ROWS(depthwise)[];
const struct ash_depthwise_kernel ASH_VEC_ROWS(depthwise)[] = {
    {.name = ASH_VEC_NAME("depthwise_f32"),
     .cpu = ASH_VEC_CPU,
     .pixel = pixel,
     .span = {span_3s1, span_3s2, span_5s1, span_5s2},
     .span_min = OUT},
    {.name = NULL},
};
