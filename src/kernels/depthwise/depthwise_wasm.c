/* Spans in WebAssembly, by loops that depthwise_wasm.py writes. */
#include "base/cpu.h"
#include "base/trimming.h"
#include "kernels/depthwise/depthwise_pixel.h"

#include <assert.h>

enum { OUT = 4, WIDE = 8 /* outputs of a group; of which the latter needs stride 1 */ };

/* What a loop is told, in the order of FIELDS in depthwise_wasm.py; steps in bytes. */
struct group {
    const float *in[ASH_DEPTHWISE_K_MAX];
    size_t x_step[ASH_DEPTHWISE_K_MAX];
    const float *w;
    size_t w_step;
    float *y;
    size_t y_step;
    const float *bias; /* or NULL */
    float low, high;
    size_t vectors; /* whole ones of channels: at least one */
};
static_assert(sizeof(struct group) == 18 * 4, "the fields that loops know");

typedef void group_fn(const struct group *g);
group_fn ash_depthwise_3s1x4, ash_depthwise_3s2x4, ash_depthwise_5s1x4, ash_depthwise_5s2x4,
    ash_depthwise_3s1x8, ash_depthwise_5s1x8;

/* Groups of outputs; the last one lies over the one before: computed twice, to the same bits. */
static __attribute__((noinline)) void span(const struct ash_depthwise_line *line,
                                           const struct ash_depthwise_span *s, size_t k,
                                           size_t stride, group_fn *fn, group_fn *wide) {
    struct group g = {.w = line->w, .w_step = line->c * sizeof(float), .bias = line->bias};
    size_t outs = OUT;
    g.vectors = line->c / VF_LANES;
    g.y_step = s->y_step * sizeof(float);
    act_limits(line->act, &g.low, &g.high);
    if (wide && s->count >= WIDE) {
        outs = WIDE;
        fn = wide;
    }
    for (size_t i = 0; i < s->count; i += outs) {
        size_t at = s->count - i < outs ? s->count - outs : i;
        for (size_t ky = 0; ky < k; ky++) {
            g.in[ky] = s->in[ky] + at * stride * s->x_step[ky];
            g.x_step[ky] = s->x_step[ky] * sizeof(float);
        }
        g.y = s->y + at * s->y_step;
        fn(&g);
    }
    finish(line, s->y, s->y_step, s->count);
}

static void span_3s1(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span(l, s, 3, 1, ash_depthwise_3s1x4, ash_depthwise_3s1x8);
}
ASH_ABSENT_WITHOUT(span_3s1, "+depthwise3s1");
static void span_3s2(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span(l, s, 3, 2, ash_depthwise_3s2x4, NULL);
}
ASH_ABSENT_WITHOUT(span_3s2, "+depthwise3s2");
static void span_5s1(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span(l, s, 5, 1, ash_depthwise_5s1x4, ash_depthwise_5s1x8);
}
ASH_ABSENT_WITHOUT(span_5s1, "+depthwise5s1");
static void span_5s2(const struct ash_depthwise_line *l, const struct ash_depthwise_span *s) {
    span(l, s, 5, 2, ash_depthwise_5s2x4, NULL);
}
ASH_ABSENT_WITHOUT(span_5s2, "+depthwise5s2");

extern const struct ash_depthwise_kernel ASH_VEC_ROWS(depthwise)[];
const struct ash_depthwise_kernel ASH_VEC_ROWS(depthwise)[] = {
    {.name = ASH_VEC_NAME("depthwise_f32"),
     .cpu = ASH_VEC_CPU,
     .pixel = pixel,
     .span = {span_3s1, span_3s2, span_5s1, span_5s2},
     .span_min = OUT,
     .span_channels = VF_LANES},
    {.name = NULL},
};
