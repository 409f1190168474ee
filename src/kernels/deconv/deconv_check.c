#include "kernels/deconv/deconv.h"

#include "check/check.h"
#include "check/check_gemm.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    X_SLOT,
    W_SLOT,
    Y_SLOT,
    BIAS_SLOT,
    RESIDUAL_SLOT,
    PACKED_SLOT,
    WANT_SLOT,
    SCRATCH_SLOT,
    EXACT_SLOT
};

struct job {
    const struct ash_gemm_kernel *row;
    struct ash_conv s;
    const float *x, *packed;
    float *y;
    struct ash_gemm_out out;
    void *scratch;
    struct ash_pool *pool;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_deconv_f32(j->row, &j->s, j->x, j->packed, j->y, &j->out, j->scratch, j->pool);
}

/* All outputs in double, input by input as the operator is defined; and the magnitudes. */
static void scatter(const struct job *j, const float *w, double *sum, double *magnitude) {
    const struct ash_conv *s = &j->s;
    size_t cg = s->c / s->groups, og = s->oc / s->groups, taps = s->kh * s->kw;
    for (size_t i = 0; i < s->n * s->h * s->w * s->c * og * taps; i++) {
        size_t kx = i % s->kw, ky = i / s->kw % s->kh, m = i / taps % og;
        size_t c = i / taps / og % s->c, pixel = i / taps / og / s->c;
        size_t oy = pixel / s->w % s->h * s->stride_h + ky * s->dilation_h - s->pad_top;
        size_t ox = pixel % s->w * s->stride_w + kx * s->dilation_w - s->pad_left;
        if (oy >= s->oh || ox >= s->ow) continue; /* negative ones wrap around */
        size_t image = pixel / s->w / s->h, oc = c / cg * og + m;
        size_t at = ((image * s->oh + oy) * s->ow + ox) * s->oc + oc;
        double v = (double)j->x[pixel * s->c + c] * (double)w[(c * og + m) * taps + i % taps];
        sum[at] += v;
        magnitude[at] += fabs(v);
    }
}

static bool near_exact(const struct job *j, size_t at, double v, double magnitude) {
    const struct ash_conv *s = &j->s;
    double bias = j->out.bias ? (double)j->out.bias[at % s->oc] : 0.0;
    double residual = j->out.residual ? (double)j->out.residual[at] : 0.0;
    v += bias + residual;
    if (j->out.act.kind == ASH_ACT_RELU) v = fmax(v, 0.0);
    return chk_bound(j->y[at], v, magnitude + fabs(bias) + fabs(residual),
                     (double)(s->kh * s->kw * s->c + 3));
}

static void give_weights(struct job *j, const float *w) {
    float *packed = chk_buf(PACKED_SLOT, ash_deconv_packed_size(j->row, &j->s));
    ash_deconv_pack(j->row, &j->s, w, packed);
    j->packed = packed;
    j->scratch = chk_scratch(SCRATCH_SLOT, ash_deconv_scratch(j->row, &j->s, 3));
}

static void compare(const struct job *j, const float *w, const float *want, size_t y_size) {
    const struct ash_conv *s = &j->s;
    double *exact = chk_scratch(EXACT_SLOT, 2 * y_size * sizeof *exact);
    for (size_t i = 0; i < 2 * y_size; i++) exact[i] = 0;
    scatter(j, w, exact, exact + y_size);
    for (size_t i = 0; i < y_size; i++) {
        bool same = !want || !chk_fused(j->row->cpu) || chk_same(j->y[i], want[i]);
        if (same && near_exact(j, i, exact[i], exact[y_size + i])) continue;
        chk_fail("n %zu %zux%zux%zu -> %zux%zux%zu kernel %zux%zu stride %zux%zu dilation %zux%zu "
                 "pad %zux%zu groups %zu: [%zu] is %.9g, not %.9g",
                 s->n, s->h, s->w, s->c, s->oh, s->ow, s->oc, s->kh, s->kw, s->stride_h,
                 s->stride_w, s->dilation_h, s->dilation_w, s->pad_top, s->pad_left, s->groups, i,
                 (double)j->y[i], exact[i]);
        return;
    }
}

static void check_shape(const struct ash_gemm_kernel *row, const struct ash_conv *s) {
    struct job j = {.row = row, .s = *s};
    size_t x_size = s->n * s->h * s->w * s->c, y_size = s->n * s->oh * s->ow * s->oc;
    size_t w_size = s->c * (s->oc / s->groups) * s->kh * s->kw;
    float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
    float *bias = chk_floats(BIAS_SLOT, s->oc), *residual = chk_floats(RESIDUAL_SLOT, y_size);
    float *want = chk_floats(WANT_SLOT, y_size);
    chk_fill(x, x_size, -1, 1);
    chk_fill(w, w_size, -1, 1);
    chk_fill(bias, s->oc, -1, 1);
    chk_fill(residual, y_size, -1, 1);
    j.x = x;
    if (chk_below(2)) j.out.bias = bias;
    if (chk_below(2)) j.out.residual = residual;
    if (chk_below(2)) j.out.act.kind = ASH_ACT_RELU;
    struct job r = j;
    r.row = chk_gemm_reference();
    r.y = want;
    if (r.row) {
        give_weights(&r, w);
        run(&r);
    }
    j.y = chk_floats(Y_SLOT, y_size);
    give_weights(&j, w);
    for (int threads = 0; threads < 2; threads++) {
        j.pool = threads ? chk_pool() : NULL;
        memset(j.y, 0xFF, y_size * sizeof(float));
        if (!chk_call(run, &j)) return;
        compare(&j, w, r.row ? want : NULL, y_size);
    }
}

static void check_random(const struct ash_gemm_kernel *row, size_t groups, bool fold) {
    struct ash_conv s = {.n = 1 + chk_below(2), .groups = groups};
    s.h = 1 + chk_below(7);
    s.w = 1 + chk_below(7);
    s.c = groups * (1 + chk_below(groups == 1 ? 20 : 5));
    s.oc = groups * (1 + chk_below(groups == 1 ? 40 : 5));
    s.kh = 1 + chk_below(5);
    s.kw = 1 + chk_below(5);
    s.stride_h = 1 + chk_below(4);
    s.stride_w = fold ? s.kw : 1 + chk_below(4);
    s.dilation_h = chk_below(4) ? 1 : 1 + chk_below(3);
    s.dilation_w = fold || chk_below(4) ? 1 : 1 + chk_below(3);
    s.pad_top = chk_below(s.kh + 1);
    s.pad_left = fold ? 0 : chk_below(s.kw + 1);
    /* cut at the end, or further than the windows reach */
    size_t high = (s.h - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 3;
    size_t wide = (s.w - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 3;
    s.oh = 1 + chk_below(high);
    s.ow = fold ? s.w * s.kw : 1 + chk_below(wide);
    check_shape(row, &s);
}

void check_deconv(void);
void check_deconv(void) {
    static char names[32][64]; /* the checker keeps them */
    size_t count = 0;
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *row = *t; row->name; row++) {
            if (count == sizeof names / sizeof *names) return;
            snprintf(names[count], sizeof *names, "deconv_by_%s", row->name);
            if (!chk_begin(names[count++], row->cpu)) continue;
            for (int i = 0; i < 200; i++) {
                chk_place((enum chk_place)(i % CHK_PLACES));
                check_random(row, i % 4 == 3 ? 2 + chk_below(4) : 1, i % 4 == 1);
            }
        }
    }
}
