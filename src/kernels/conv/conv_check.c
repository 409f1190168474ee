#include "kernels/conv/conv.h"

#include "check/check.h"
#include "check/check_gemm.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X_SLOT, W_SLOT, Y_SLOT, BIAS_SLOT, RESIDUAL_SLOT, PACKED_SLOT, WANT_SLOT, SCRATCH_SLOT };

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
    ash_conv_f32(j->row, &j->s, j->x, j->packed, j->y, &j->out, j->scratch, j->pool);
}

static size_t extent(size_t in, size_t k, size_t stride, size_t dilation, size_t pad) {
    size_t span = (k - 1) * dilation + 1;
    return in + pad < span ? 0 : (in + pad - span) / stride + 1;
}

/* One output in double, straight from the definition; the sum of magnitudes too. */
static double exact(const struct job *j, const float *w, size_t image, size_t oy, size_t ox,
                    size_t oc, double *magnitude) {
    const struct ash_conv *s = &j->s;
    size_t x_step = s->x_step ? s->x_step : s->c, cg = s->c / s->groups;
    size_t group = oc / (s->oc / s->groups);
    double sum = 0.0;
    *magnitude = 0.0;
    for (size_t ky = 0; ky < s->kh; ky++) {
        for (size_t kx = 0; kx < s->kw; kx++) {
            size_t iy = oy * s->stride_h + ky * s->dilation_h - s->pad_top;
            size_t ix = ox * s->stride_w + kx * s->dilation_w - s->pad_left;
            if (iy >= s->h || ix >= s->w) continue; /* negative ones wrap around */
            const float *p = j->x + ((image * s->h + iy) * s->w + ix) * x_step + group * cg;
            for (size_t c = 0; c < cg; c++) {
                double v = (double)p[c] * (double)w[((oc * cg + c) * s->kh + ky) * s->kw + kx];
                sum += v;
                *magnitude += fabs(v);
            }
        }
    }
    return sum;
}

static bool near_exact(const struct job *j, const float *w, size_t at) {
    const struct ash_conv *s = &j->s;
    size_t y_step = s->y_step ? s->y_step : s->oc;
    size_t pixel = at / y_step, oc = at % y_step, magnitude_terms = s->kh * s->kw * s->c + 3;
    double magnitude;
    double v = exact(j, w, pixel / (s->oh * s->ow), pixel % (s->oh * s->ow) / s->ow, pixel % s->ow,
                     oc, &magnitude);
    double bias = j->out.bias ? (double)j->out.bias[oc] : 0.0;
    double residual = j->out.residual ? (double)j->out.residual[at] : 0.0;
    v += bias + residual;
    if (j->out.act.kind == ASH_ACT_RELU) v = fmax(v, 0.0);
    return chk_bound(j->y[at], v, magnitude + fabs(bias) + fabs(residual), (double)magnitude_terms);
}

static void give_weights(struct job *j, const float *w) {
    float *packed = chk_buf(PACKED_SLOT, ash_conv_packed_size(j->row, &j->s));
    ash_conv_pack(j->row, &j->s, w, packed);
    j->packed = packed;
    size_t size = ash_conv_scratch(j->row, &j->s, 3);
    j->scratch = chk_scratch(SCRATCH_SLOT, size);
}

static void check_shape(const struct ash_gemm_kernel *row, const struct ash_conv *s) {
    struct job j = {.row = row, .s = *s};
    size_t y_step = s->y_step ? s->y_step : s->oc;
    size_t x_size = s->n * s->h * s->w * (s->x_step ? s->x_step : s->c);
    size_t w_size = s->oc * (s->c / s->groups) * s->kh * s->kw;
    size_t pixels = s->n * s->oh * s->ow, y_size = pixels ? (pixels - 1) * y_step + s->oc : 0;
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
    size_t taps = s->kh * s->kw;
    bool over = j.out.residual && ash_gemm_may_overwrite(row, taps, s->c / s->groups, &j.out);
    for (int threads = 0; threads < 2; threads++) {
        j.pool = threads ? chk_pool() : NULL;
        memset(j.y, 0xFF, y_size * sizeof(float));
        if (over) {
            memcpy(j.y, residual, y_size * sizeof(float));
            j.out.residual = j.y;
        }
        if (!chk_call(run, &j)) return;
        if (over) j.out.residual = residual;
        for (size_t i = 0; i < y_size; i++) {
            if (i % y_step >= s->oc) continue;
            bool same = !r.row || !chk_fused(row->cpu) || chk_same(j.y[i], want[i]);
            if (same && near_exact(&j, w, i)) continue;
            chk_fail("n %zu %zux%zux%zu -> %zux%zux%zu kernel %zux%zu groups %zu: [%zu] is %.9g",
                     s->n, s->h, s->w, s->c, s->oh, s->ow, s->oc, s->kh, s->kw, s->groups, i,
                     (double)j.y[i]);
            return;
        }
    }
}

static void check_random(const struct ash_gemm_kernel *row, size_t groups, size_t k_most) {
    struct ash_conv s = {.n = 1 + chk_below(2), .groups = groups};
    s.h = 1 + chk_below(12);
    s.w = 1 + chk_below(12);
    s.c = groups * (1 + chk_below(groups == 1 ? 40 : 5));
    s.oc = groups * (1 + chk_below(groups == 1 ? 40 : 5));
    s.kh = 1 + chk_below(k_most);
    s.kw = 1 + chk_below(k_most);
    s.stride_h = 1 + chk_below(3);
    s.stride_w = 1 + chk_below(3);
    s.dilation_h = chk_below(4) ? 1 : 2;
    s.dilation_w = chk_below(4) ? 1 : 2;
    s.pad_top = chk_below(s.kh + 1);
    s.pad_left = chk_below(s.kw + 1);
    if (chk_below(4) == 0) s.x_step = s.c + 3;
    if (chk_below(4) == 0) s.y_step = s.oc + 5;
    size_t below = chk_below(s.kh), right = chk_below(s.kw);
    s.oh = extent(s.h, s.kh, s.stride_h, s.dilation_h, s.pad_top + below);
    s.ow = extent(s.w, s.kw, s.stride_w, s.dilation_w, s.pad_left + right);
    check_shape(row, &s);
}

static struct ash_conv square(size_t size, size_t c, size_t oc, size_t k, size_t stride) {
    struct ash_conv s = {.n = 1, .h = size, .w = size, .c = c, .oc = oc, .kh = k, .kw = k};
    s.groups = s.dilation_h = s.dilation_w = 1;
    s.stride_h = s.stride_w = stride;
    s.pad_top = s.pad_left = k / 2;
    s.oh = s.ow = extent(size, k, stride, 1, k / 2 * 2);
    return s;
}

static void bench_row(const struct ash_gemm_kernel *row) {
    /* Short runs: on a busy machine only those find a quiet moment. */
    static const size_t shapes[][5] = {{28, 64, 128, 1, 1}, {14, 128, 64, 3, 1}, {28, 32, 32, 3, 1},
                                       {56, 3, 32, 3, 2},   {56, 3, 32, 7, 2},   {7, 256, 64, 3, 1},
                                       {28, 128, 64, 1, 2}, {1, 240, 60, 1, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t *d = shapes[i];
        struct job j = {.row = row, .s = square(d[0], d[1], d[2], d[3], d[4])};
        const struct ash_conv *s = &j.s;
        chk_place(CHK_START);
        size_t w_size = s->oc * s->c * s->kh * s->kw, x_size = s->h * s->w * s->c;
        float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
        chk_fill(x, x_size, -1, 1);
        chk_fill(w, w_size, -1, 1);
        j.x = x;
        j.y = chk_floats(Y_SLOT, s->oh * s->ow * s->oc);
        j.out.bias = w;
        j.out.act.kind = ASH_ACT_RELU;
        give_weights(&j, w);
        char label[64];
        snprintf(label, sizeof label, "%zu^2 %zu->%zu %zux%zu/%zu", d[0], d[1], d[2], d[3], d[3],
                 d[4]);
        chk_time(label, 2.0 * (double)(w_size * s->oh * s->ow), "FLOP", run, &j);
    }
}

static void check_row(const struct ash_gemm_kernel *row) {
    for (int i = 0; i < 200; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        check_random(row, 1, 5);
        if (i % 4 == 0) check_random(row, 1, 1);
        if (i % 4 == 1) check_random(row, 2 + chk_below(4), 3);
    }
    /* Sums long enough to be cut, images large enough for several tiles. */
    static const size_t large[][5] = {{9, 200, 70, 3, 1}, {24, 3, 40, 7, 2}, {20, 33, 129, 3, 1}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        struct ash_conv s = square(large[i][0], large[i][1], large[i][2], large[i][3], large[i][4]);
        check_shape(row, &s);
    }
    /* Taps that lie outside the image for some tiles, or for all but one of them. */
    for (size_t dilation = 3; dilation < 14; dilation += 5) {
        struct ash_conv s = square(13, 40, 70, 3, 1);
        s.dilation_h = s.dilation_w = s.pad_top = s.pad_left = dilation;
        check_shape(row, &s);
    }
    /* Long windows over few channels, as of a spectrogram: inside, and over the edge. */
    for (size_t pad = 0; pad < 2; pad++) {
        struct ash_conv s = {
            .n = 2, .h = 1, .w = 700, .c = 3, .oh = 1, .oc = 37, .kh = 1, .kw = 211};
        s.groups = s.stride_h = s.dilation_h = s.dilation_w = 1;
        s.stride_w = 50;
        s.pad_left = pad * 60;
        s.ow = (s.w + 2 * s.pad_left - s.kw) / s.stride_w + 1;
        check_shape(row, &s);
    }
    if (chk_bench()) bench_row(row);
}

void check_conv(void);
void check_conv(void) {
    static char names[32][64]; /* the checker keeps them */
    size_t count = 0;
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *row = *t; row->name; row++) {
            if (count == sizeof names / sizeof *names) return;
            snprintf(names[count], sizeof *names, "conv_by_%s", row->name);
            if (chk_begin(names[count++], row->cpu)) check_row(row);
        }
    }
}
