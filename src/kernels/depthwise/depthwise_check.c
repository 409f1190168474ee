#include "kernels/depthwise/depthwise.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X_SLOT, W_SLOT, Y_SLOT, BIAS_SLOT, PACKED_SLOT, WANT_SLOT, SCRATCH_SLOT };

struct job {
    const struct ash_depthwise_kernel *row;
    struct ash_conv s;
    const float *x, *packed, *bias;
    float *y;
    struct ash_act_f32 act;
    void *scratch;
    struct ash_pool *pool;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_depthwise_f32(j->row, &j->s, j->x, j->packed, j->y, j->bias, j->act, j->scratch, j->pool);
}

static void run_planes(void *arg) {
    struct job *j = arg;
    ash_depthwise_planes_f32(j->row, &j->s, j->x, j->packed, j->y, j->bias, j->act, j->scratch,
                             j->pool);
}

/* Output (oy, ox) of channel c, y; channels of x are `plane` apart, pixels x_step. */
static bool near_at(const struct job *j, const float *w, size_t image, size_t oy, size_t ox,
                    size_t c, size_t plane, size_t x_step, float y) {
    const struct ash_conv *s = &j->s;
    const float *x = j->x + image * s->h * s->w * (plane == 1 ? x_step : s->c) + c * plane;
    double sum = 0.0, magnitude = 0.0;
    for (size_t ky = 0; ky < s->kh; ky++) {
        for (size_t kx = 0; kx < s->kw; kx++) {
            size_t iy = oy * s->stride_h + ky * s->dilation_h - s->pad_top;
            size_t ix = ox * s->stride_w + kx * s->dilation_w - s->pad_left;
            if (iy >= s->h || ix >= s->w) continue;
            double v =
                (double)x[(iy * s->w + ix) * x_step] * (double)w[(c * s->kh + ky) * s->kw + kx];
            sum += v;
            magnitude += fabs(v);
        }
    }
    double bias = j->bias ? (double)j->bias[c] : 0.0;
    sum += bias;
    if (j->act.kind == ASH_ACT_RELU) sum = fmax(sum, 0.0);
    if (j->act.kind == ASH_ACT_CLIP) sum = fmin(fmax(sum, (double)j->act.a), (double)j->act.b);
    return chk_bound(y, sum, magnitude + fabs(bias), (double)(s->kh * s->kw + 2));
}

static bool near_exact(const struct job *j, const float *w, size_t at) {
    const struct ash_conv *s = &j->s;
    size_t x_step = s->x_step ? s->x_step : s->c, y_step = s->y_step ? s->y_step : s->c;
    size_t pixel = at / y_step, oy = pixel / s->ow % s->oh;
    return near_at(j, w, pixel / s->ow / s->oh, oy, pixel % s->ow, at % y_step, 1, x_step,
                   j->y[at]);
}

/* The same numbers as planes. */
static void check_planes(struct job *j, struct job *r, const float *w, bool exact) {
    const struct ash_conv *s = &j->s;
    size_t n = s->n * s->c * s->oh * s->ow;
    j->packed = r->packed = w;
    r->y = chk_floats(WANT_SLOT, n);
    r->scratch = chk_scratch(SCRATCH_SLOT, ash_depthwise_planes_scratch(s, 3));
    run_planes(r);
    j->y = chk_floats(Y_SLOT, n);
    for (int threads = 0; threads < 2; threads++) {
        j->pool = threads ? chk_pool() : NULL;
        j->scratch = chk_scratch(SCRATCH_SLOT, ash_depthwise_planes_scratch(s, 3));
        memset(j->y, 0xFF, n * sizeof(float));
        if (!chk_call(run_planes, j)) return;
        for (size_t i = 0; i < n; i++) {
            size_t pixels = s->oh * s->ow, plane = i / pixels, at = i % pixels;
            bool same = !chk_fused(j->row->cpu) || chk_same(j->y[i], r->y[i]);
            if (same && (!exact || near_at(j, w, plane / s->c, at / s->ow, at % s->ow, plane % s->c,
                                           s->h * s->w, 1, j->y[i])))
                continue;
            chk_fail("planes %zux%zux%zux%zu -> %zux%zu kernel %zux%zu: [%zu] %.9g, reference %.9g",
                     s->n, s->c, s->h, s->w, s->oh, s->ow, s->kh, s->kw, i, (double)j->y[i],
                     (double)r->y[i]);
            return;
        }
    }
}

static void check_shape(const struct ash_depthwise_kernel *row, const struct ash_conv *s,
                        bool special) {
    extern const struct ash_depthwise_kernel ash_depthwise_ref[];
    struct job j = {.row = row, .s = *s};
    size_t y_step = s->y_step ? s->y_step : s->c, pixels = s->n * s->oh * s->ow;
    size_t x_pixels = s->n * s->h * s->w, x_step = s->x_step ? s->x_step : s->c;
    size_t x_size = x_pixels ? (x_pixels - 1) * x_step + s->c : 0;
    size_t y_size = pixels ? (pixels - 1) * y_step + s->c : 0, w_size = s->c * s->kh * s->kw;
    float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
    float *bias = chk_floats(BIAS_SLOT, s->c), *want = chk_floats(WANT_SLOT, y_size);
    float *packed = chk_buf(PACKED_SLOT, ash_depthwise_packed_size(s));
    if (special) {
        chk_fill_special(x, x_size);
    } else {
        chk_fill(x, x_size, -1, 1);
    }
    chk_fill(w, w_size, -1, 1);
    chk_fill(bias, s->c, -1, 1);
    ash_depthwise_pack(s, w, packed);
    j.x = x;
    j.packed = packed;
    if (chk_below(2)) j.bias = bias;
    j.act.kind = (enum ash_act)chk_below(ASH_ACT_COUNT);
    j.act.a = j.act.kind == ASH_ACT_CLIP ? -0.5f : 0.2f;
    j.act.b = 0.5f;
    size_t size = ash_depthwise_scratch(s, 3);
    j.scratch = chk_scratch(SCRATCH_SLOT, size);
    struct job r = j;
    r.row = ash_depthwise_ref;
    r.y = want;
    run(&r);
    j.y = chk_floats(Y_SLOT, y_size);
    bool exact = !special && j.act.kind <= ASH_ACT_CLIP;
    for (int threads = 0; threads < 2; threads++) {
        j.pool = threads ? chk_pool() : NULL;
        memset(j.y, 0xFF, y_size * sizeof(float));
        if (!chk_call(run, &j)) return;
        for (size_t i = 0; i < y_size; i++) {
            if (i % y_step >= s->c) continue;
            bool same = !chk_fused(row->cpu) || chk_same(j.y[i], want[i]);
            if (same && (!exact || near_exact(&j, w, i))) continue;
            chk_fail("n %zu %zux%zux%zu -> %zux%zu kernel %zux%zu stride %zu act %d: [%zu] %.9g, "
                     "reference %.9g",
                     s->n, s->h, s->w, s->c, s->oh, s->ow, s->kh, s->kw, s->stride_w,
                     (int)j.act.kind, i, (double)j.y[i], (double)want[i]);
            return;
        }
    }
    if (s->x_step == 0) check_planes(&j, &r, w, exact);
}

static size_t extent(size_t in, size_t k, size_t stride, size_t dilation, size_t pad) {
    size_t span = (k - 1) * dilation + 1;
    return in + pad < span ? 0 : (in + pad - span) / stride + 1;
}

static struct ash_conv shape(size_t h, size_t w, size_t c, size_t k, size_t stride) {
    struct ash_conv s = {.n = 1, .h = h, .w = w, .c = c, .oc = c, .groups = c, .kh = k, .kw = k};
    s.stride_h = s.stride_w = stride;
    s.dilation_h = s.dilation_w = 1;
    s.pad_top = s.pad_left = k / 2;
    s.oh = extent(h, k, stride, 1, k / 2 * 2);
    s.ow = extent(w, k, stride, 1, k / 2 * 2);
    return s;
}

static void check_random(const struct ash_depthwise_kernel *row) {
    struct ash_conv s = shape(1, 1, 1 + chk_below(40), 1, 1);
    s.n = 1 + chk_below(2);
    s.h = 1 + chk_below(12);
    s.w = 1 + chk_below(12);
    s.kh = 1 + chk_below(7);
    s.kw = 1 + chk_below(7);
    s.stride_h = 1 + chk_below(3);
    s.stride_w = 1 + chk_below(3);
    s.dilation_h = 1 + chk_below(2);
    s.dilation_w = 1 + chk_below(2);
    s.pad_top = chk_below(s.kh + 1);
    s.pad_left = chk_below(s.kw + 1);
    s.oh = extent(s.h, s.kh, s.stride_h, s.dilation_h, s.pad_top + chk_below(s.kh));
    s.ow = extent(s.w, s.kw, s.stride_w, s.dilation_w, s.pad_left + chk_below(s.kw));
    if (chk_below(4) == 0) s.x_step = s.c + 3;
    if (chk_below(4) == 0) s.y_step = s.c + 5;
    check_shape(row, &s, false);
}

static void bench_row(const struct ash_depthwise_kernel *row) {
    static const size_t shapes[][4] = {{56, 144, 3, 1}, {64, 24, 3, 1},  {112, 96, 3, 2},
                                       {28, 240, 5, 1}, {14, 672, 5, 2}, {7, 960, 3, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t *d = shapes[i];
        struct job j = {.row = row, .s = shape(d[0], d[0], d[1], d[2], d[3])};
        chk_place(CHK_START);
        size_t x_size = d[0] * d[0] * d[1], w_size = d[1] * d[2] * d[2];
        float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
        chk_fill(x, x_size, -1, 1);
        chk_fill(w, w_size, -1, 1);
        j.x = x;
        j.packed = j.bias = w;
        j.act.kind = ASH_ACT_RELU;
        j.y = chk_floats(Y_SLOT, j.s.oh * j.s.ow * d[1]);
        j.scratch = chk_buf(SCRATCH_SLOT, ash_depthwise_scratch(&j.s, 1));
        char label[64];
        snprintf(label, sizeof label, "%zu^2 %zu %zux%zu/%zu", d[0], d[1], d[2], d[2], d[3]);
        chk_time(label, 2.0 * (double)(w_size * j.s.oh * j.s.ow), "FLOP", run, &j);
    }
}

static void check_row(const struct ash_depthwise_kernel *row) {
    for (size_t c = 0; c < CHK_TAILS; c++) {
        struct ash_conv s = shape(4, 3 + chk_below(18), c, 3 + 2 * (c % 2), 1 + chk_below(2));
        if (c == 0) s.groups = 1;
        chk_place((enum chk_place)(c % CHK_PLACES));
        check_shape(row, &s, c % 8 == 0);
    }
    for (int i = 0; i < 200; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        check_random(row);
    }
    for (size_t i = 0; i < 4; i++) {
        struct ash_conv large = shape(40, 41, 33, 3 + 2 * (i % 2), 1 + i / 2);
        check_shape(row, &large, false);
        large.stride_h = 3 - large.stride_w; /* spans go along the width alone */
        large.dilation_h = 2;
        large.oh = extent(40, large.kh, large.stride_h, 2, 2 * large.pad_top);
        check_shape(row, &large, false);
    }
    if (chk_bench()) bench_row(row);
}

void check_depthwise(void);
void check_depthwise(void) {
    for (const struct ash_depthwise_kernel *const *t = ash_depthwise_tables(); *t; t++) {
        for (const struct ash_depthwise_kernel *row = *t; row->name; row++) {
            if (chk_begin(row->name, row->cpu)) check_row(row);
        }
    }
}
