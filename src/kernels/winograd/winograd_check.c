#include "kernels/winograd/winograd.h"

#include "check/check.h"
#include "check/check_gemm.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X_SLOT, W_SLOT, Y_SLOT, BIAS_SLOT, RESIDUAL_SLOT, PACKED_SLOT, WANT_SLOT, SCRATCH_SLOT };
enum { OUT = ASH_WINOGRAD_OUT, IN = ASH_WINOGRAD_IN };

struct job {
    const struct ash_winograd_kernel *row;
    const struct ash_gemm_kernel *gemm;
    struct ash_conv s;
    const float *x, *packed;
    float *y;
    struct ash_gemm_out out;
    void *scratch;
    struct ash_pool *pool;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_winograd_f32(j->row, j->gemm, &j->s, j->x, j->packed, j->y, &j->out, j->scratch, j->pool);
}

/* Of a tile in a dimension where the kernel has this extent. */
static size_t outputs(size_t kernel) { return kernel == 1 ? 1 : IN + 1 - kernel; }
static size_t taps(const struct ash_conv *s) { return s->kh * s->kw; }

static size_t pitch_x(const struct ash_conv *s) { return s->x_step ? s->x_step : s->c; }
static size_t pitch_y(const struct ash_conv *s) { return s->y_step ? s->y_step : s->oc; }

static const float *pixel_at(const struct job *j, size_t image, size_t iy, size_t ix) {
    const struct ash_conv *s = &j->s;
    if (iy >= s->h || ix >= s->w) return NULL; /* negative ones wrap around */
    return j->x + ((image * s->h + iy) * s->w + ix) * pitch_x(s);
}

/* One output in double, straight from the definition. */
static double exact(const struct job *j, const float *w, size_t image, size_t oy, size_t ox) {
    const struct ash_conv *s = &j->s;
    double sum = 0.0;
    for (size_t k = 0; k < taps(s); k++) {
        const float *p =
            pixel_at(j, image, oy + k / s->kw - s->pad_top, ox + k % s->kw - s->pad_left);
        for (size_t c = 0; p && c < s->c; c++) sum += (double)p[c] * (double)w[c * taps(s) + k];
    }
    return sum;
}

/* What the class is relative to: sum over c of (max |x| in the window) * (sum |w|). */
static double scale_of(const struct job *j, const float *w, size_t image, size_t oy, size_t ox) {
    const struct ash_conv *s = &j->s;
    size_t height = outputs(s->kh) + s->kh - 1, width = outputs(s->kw) + s->kw - 1;
    double scale = 0.0;
    for (size_t c = 0; c < s->c; c++) {
        double most = 0.0, sum = 0.0;
        for (size_t i = 0; i < height * width; i++) {
            const float *p =
                pixel_at(j, image, oy + i / width - s->pad_top, ox + i % width - s->pad_left);
            if (p) most = fmax(most, fabs((double)p[c]));
        }
        for (size_t k = 0; k < taps(s); k++) sum += fabs((double)w[c * taps(s) + k]);
        scale += most * sum;
    }
    return scale;
}

static double activated(struct ash_act_f32 act, double v) {
    if (act.kind == ASH_ACT_RELU) return fmax(v, 0.0);
    if (act.kind == ASH_ACT_CLIP) return fmin(fmax(v, (double)act.a), (double)act.b);
    if (act.kind == ASH_ACT_LEAKYRELU) return v < 0 ? (double)act.a * v : v;
    return v;
}

/* The outputs of a tile in one channel.  What follows the sum is one rounding each, and no slope of
 * these activations is above 1. */
static bool tile_is_near(const struct job *j, const float *w, size_t image, size_t oy, size_t ox,
                         size_t oc) {
    const struct ash_conv *s = &j->s;
    const float *filter = w + oc * s->c * taps(s);
    size_t tile_w = outputs(s->kw), n = 0;
    float got[OUT * OUT];
    double want[OUT * OUT], scale = scale_of(j, filter, image, oy, ox), most = 0;
    scale *= s->kh == s->kw ? ASH_WINOGRAD_NORM : ASH_WINOGRAD_LINE_NORM;
    double bias = j->out.bias ? (double)j->out.bias[oc] : 0.0;
    for (size_t i = 0; i < outputs(s->kh) * tile_w; i++) {
        size_t py = oy + i / tile_w, px = ox + i % tile_w;
        if (py >= s->oh || px >= s->ow) continue;
        size_t at = ((image * s->oh + py) * s->ow + px) * pitch_y(s) + oc;
        double residual = j->out.residual ? (double)j->out.residual[at] : 0.0;
        double sum = exact(j, filter, image, py, px) + bias;
        want[n] = j->out.residual_last ? activated(j->out.act, sum) + residual
                                       : activated(j->out.act, sum + residual);
        got[n++] = j->y[at];
        most = fmax(most, fabs(bias) + fabs(residual));
    }
    /* Bias, residual and activation round what may be as large as all of it. */
    double roundings = (double)s->c / 2 + 10;
    return chk_norm(got, want, n, roundings + 2, scale + most);
}

static void give_weights(struct job *j, const float *w) {
    float *packed = chk_buf(PACKED_SLOT, ash_winograd_packed_size(j->gemm, &j->s));
    ash_winograd_pack(j->gemm, &j->s, w, packed);
    j->packed = packed;
    j->scratch = chk_scratch(SCRATCH_SLOT, ash_winograd_scratch(j->gemm, &j->s, 3));
}

static const struct ash_gemm_kernel *gemm_for(const struct ash_winograd_kernel *row) {
    const struct ash_gemm_kernel *found = chk_gemm_reference();
    if (strstr(row->name, "_ref")) return found;
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *k = *t; k->name; k++) {
            if (k->cpu == row->cpu && !strstr(k->name, "_ref")) return k;
        }
    }
    return found;
}

static const struct ash_winograd_kernel *reference(void) {
    const struct ash_winograd_kernel *found = NULL;
    for (const struct ash_winograd_kernel *const *t = ash_winograd_tables(); *t; t++) {
        for (const struct ash_winograd_kernel *k = *t; k->name; k++) {
            if (strstr(k->name, "_ref")) found = k;
        }
    }
    return found;
}

static void compare(const struct job *j, const float *w, const float *bits) {
    const struct ash_conv *s = &j->s;
    size_t pixels = s->n * s->oh * s->ow, height = outputs(s->kh), width = outputs(s->kw);
    for (size_t i = 0; bits && i < pixels; i++) {
        if (chk_diff(j->y + i * pitch_y(s), bits + i * pitch_y(s), s->oc) == s->oc) continue;
        chk_fail("n %zu %zux%zux%zu -> %zu, %zux%zu: pixel %zu has not the reference's bits", s->n,
                 s->h, s->w, s->c, s->oc, s->kh, s->kw, i);
        return;
    }
    size_t tiles_x = (s->ow + width - 1) / width, tiles = (s->oh + height - 1) / height * tiles_x;
    for (size_t i = 0; i < s->n * tiles * s->oc; i++) {
        size_t oc = i % s->oc, tile = i / s->oc % tiles, image = i / s->oc / tiles;
        size_t oy = tile / tiles_x * height, ox = tile % tiles_x * width;
        if (tile_is_near(j, w, image, oy, ox, oc)) continue;
        chk_fail("n %zu %zux%zux%zu -> %zux%zux%zu, %zux%zu: the tile at %zu, %zu is wrong in "
                 "channel %zu",
                 s->n, s->h, s->w, s->c, s->oh, s->ow, s->oc, s->kh, s->kw, oy, ox, oc);
        return;
    }
}

/* Kinds of data: uniform; channels of very different sizes; signs that add up in the transforms; a
 * large constant under weights that cancel it. */
enum { UNIFORM, SCALED, ALTERNATING, CANCELLING, KINDS };

static void fill(int kind, const struct ash_conv *s, float *x, size_t x_size, float *w,
                 size_t w_size) {
    chk_fill(x, x_size, -1, 1);
    chk_fill(w, w_size, -1, 1);
    for (size_t i = 0; i < x_size; i++) {
        size_t pixel = i / pitch_x(s);
        size_t iy = pixel / s->w % s->h, ix = pixel % s->w;
        if (kind == SCALED) x[i] = ldexpf(x[i], (int)(i % pitch_x(s) * 7 % 41) - 20);
        if (kind == ALTERNATING) x[i] = (iy / 2 + ix / 2) % 2 ? 1.0f : -1.0f;
        if (kind == CANCELLING) x[i] = 1000.0f + x[i];
    }
    size_t n = taps(s);
    for (size_t i = 0; i + n <= w_size; i += n) {
        float *g = w + i, sum = 0;
        size_t c = i / n % s->c, oc = i / n / s->c;
        for (size_t k = 0; k < n; k++) {
            if (kind == SCALED)
                g[k] = ldexpf(g[k], (int)(oc * 5 % 31) - 15 - (int)(c * 7 % 41) + 20);
            if (kind == ALTERNATING) g[k] = (k / s->kw + k % s->kw) % 2 ? -0.7f : 0.7f;
            sum += g[k];
        }
        if (kind == CANCELLING) g[n / 2] -= sum;
    }
}

static void check_shape(const struct ash_winograd_kernel *row, const struct ash_conv *s, int kind) {
    struct job j = {.row = row, .gemm = gemm_for(row), .s = *s};
    size_t x_size = s->n * s->h * s->w * pitch_x(s), w_size = s->oc * s->c * taps(s);
    size_t pixels = s->n * s->oh * s->ow, y_size = pixels ? (pixels - 1) * pitch_y(s) + s->oc : 0;
    float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
    float *bias = chk_floats(BIAS_SLOT, s->oc), *residual = chk_floats(RESIDUAL_SLOT, y_size);
    float *want = chk_floats(WANT_SLOT, y_size);
    fill(kind, s, x, x_size, w, w_size);
    chk_fill(bias, s->oc, -1, 1);
    chk_fill(residual, y_size, -1, 1);
    static const struct ash_act_f32 acts[] = {
        {0}, {.kind = ASH_ACT_RELU}, {ASH_ACT_CLIP, -0.5f, 0.5f}, {ASH_ACT_LEAKYRELU, 0.25f, 0}};
    j.x = x;
    if (chk_below(2)) j.out.bias = bias;
    if (chk_below(2)) j.out.residual = residual;
    j.out.residual_last = chk_below(2) == 0;
    j.out.act = acts[chk_below(sizeof acts / sizeof *acts)];
    struct job r = j;
    r.row = reference();
    r.gemm = chk_gemm_reference();
    r.y = want;
    if (r.row && r.gemm) {
        give_weights(&r, w);
        run(&r);
    }
    j.y = chk_floats(Y_SLOT, y_size);
    give_weights(&j, w);
    bool over = j.out.residual && ash_gemm_may_overwrite(j.gemm, taps(s), s->c, &j.out);
    for (int threads = 0; threads < 2; threads++) {
        j.pool = threads ? chk_pool() : NULL;
        memset(j.y, 0xFF, y_size * sizeof(float));
        if (over) {
            memcpy(j.y, residual, y_size * sizeof(float));
            j.out.residual = j.y;
        }
        if (!chk_call(run, &j)) return;
        if (over) j.out.residual = residual;
        bool bits = threads || (r.row && r.gemm && chk_fused(row->cpu));
        compare(&j, w, bits ? want : NULL);
        if (!threads) memcpy(want, j.y, y_size * sizeof(float));
    }
}

static size_t extent(size_t in, size_t kernel, size_t pad) {
    return in + 2 * pad < kernel ? 0 : in + 2 * pad - kernel + 1;
}

static struct ash_conv kernel_shape(size_t h, size_t w, size_t c, size_t oc, size_t kh, size_t kw) {
    struct ash_conv s = {.n = 1, .h = h, .w = w, .c = c, .oc = oc, .kh = kh, .kw = kw};
    s.groups = s.dilation_h = s.dilation_w = s.stride_h = s.stride_w = 1;
    s.pad_top = kh / 2;
    s.pad_left = kw / 2;
    s.oh = extent(h, kh, s.pad_top);
    s.ow = extent(w, kw, s.pad_left);
    return s;
}

static struct ash_conv shape(size_t h, size_t w, size_t c, size_t oc) {
    return kernel_shape(h, w, c, oc, 3, 3);
}

static void check_random(const struct ash_winograd_kernel *row, int kind, bool line) {
    size_t kh = 3, kw = 3, across = chk_below(2);
    if (line) {
        kh = across ? 1 : 3 + chk_below(3);
        kw = across ? 3 + chk_below(3) : 1;
    }
    struct ash_conv s = kernel_shape(1 + chk_below(14), 1 + chk_below(14), 16 + chk_below(30),
                                     1 + chk_below(70), kh, kw);
    s.n = 1 + chk_below(2);
    s.pad_top = kh > 1 ? chk_below(3) : 0;
    s.pad_left = kw > 1 ? chk_below(3) : 0;
    s.oh = extent(s.h, kh, s.pad_top);
    s.ow = extent(s.w, kw, s.pad_left);
    if (chk_below(4) == 0) s.x_step = s.c + 3;
    if (chk_below(4) == 0) s.y_step = s.oc + 5;
    if (chk_below(4) == 0) s.pad_left = 7;
    if (chk_below(4) == 0 && s.oh > 1) s.oh--; /* less padding below */
    check_shape(row, &s, kind);
}

/* What the worst case is far from: over random data the root mean square of the errors is below
 * that of a direct sum of 9 c terms with random roundings, sqrt(9 c) * eps / 2 of the results' (a
 * direct sum has a third of it, this one half). */
static void check_typical(const struct ash_winograd_kernel *row) {
    struct job j = {.row = row, .gemm = gemm_for(row), .s = shape(32, 32, 64, 32)};
    size_t x_size = 32 * 32 * 64, w_size = 32 * 64 * 9, y_size = 32 * 32 * 32;
    float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
    chk_fill(x, x_size, -1, 1);
    chk_fill(w, w_size, -1, 1);
    j.x = x;
    j.y = chk_floats(Y_SLOT, y_size);
    give_weights(&j, w);
    if (!chk_call(run, &j)) return;
    double errors = 0.0, results = 0.0;
    for (size_t i = 0; i < y_size; i++) {
        double want = exact(&j, w + i % 32 * 64 * 9, 0, i / 32 / 32, i / 32 % 32);
        errors += ((double)j.y[i] - want) * ((double)j.y[i] - want);
        results += want * want;
    }
    double ratio = sqrt(errors / results) / (sqrt(9.0 * 64.0) * 0x1p-24);
    if (!(ratio < 1.0)) chk_fail("random data err by %g of what is expected", ratio);
}

/* An infinity or a NaN spoils the tiles that see it, and nothing else. */
static void check_poison(const struct ash_winograd_kernel *row) {
    struct job j = {.row = row, .gemm = gemm_for(row), .s = shape(12, 12, 16, 8)};
    size_t x_size = 12 * 12 * 16, y_size = 12 * 12 * 8;
    float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, 8 * 16 * 9);
    chk_fill(x, x_size, -1, 1);
    chk_fill(w, 8 * 16 * 9, 0.5f, 1);
    x[(1 * 12 + 1) * 16 + 3] = chk_below(2) ? INFINITY : NAN; /* seen by the first tile alone */
    j.x = x;
    j.y = chk_floats(Y_SLOT, y_size);
    give_weights(&j, w);
    if (!chk_call(run, &j)) return;
    for (size_t i = 0; i < 12 * 12; i++) {
        bool first = i / 12 < 4 && i % 12 < 4;
        bool finite = isfinite((double)j.y[i * 8]);
        if (first == finite) chk_fail("pixel %zu is %g", i, (double)j.y[i * 8]);
    }
}

static void bench_row(const struct ash_winograd_kernel *row) {
    static const size_t shapes[][4] = {{56, 56, 64, 64},   {28, 28, 128, 128}, {14, 14, 256, 256},
                                       {7, 7, 512, 512},   {28, 28, 32, 32},   {14, 14, 64, 64},
                                       {120, 160, 96, 24}, {56, 56, 16, 16}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t *d = shapes[i];
        struct job j = {.row = row, .gemm = gemm_for(row), .s = shape(d[0], d[1], d[2], d[3])};
        chk_place(CHK_START);
        size_t w_size = d[2] * d[3] * 9, x_size = d[0] * d[1] * d[2];
        float *x = chk_floats(X_SLOT, x_size), *w = chk_floats(W_SLOT, w_size);
        chk_fill(x, x_size, -1, 1);
        chk_fill(w, w_size, -1, 1);
        j.x = x;
        j.y = chk_floats(Y_SLOT, d[0] * d[1] * d[3]);
        j.out.bias = w;
        j.out.act.kind = ASH_ACT_RELU;
        give_weights(&j, w);
        char label[64];
        snprintf(label, sizeof label, "%zux%zu %zu->%zu", d[0], d[1], d[2], d[3]);
        chk_time(label, 2.0 * (double)(w_size * d[0] * d[1]), "FLOP", run, &j);
    }
}

static void check_row(const struct ash_winograd_kernel *row) {
    for (int i = 0; i < 120; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        check_random(row, i % KINDS, i % 3 == 2);
        if (i % 8 == 0) check_poison(row);
    }
    /* Several blocks, several strips, sums long enough to be cut. */
    static const size_t large[][4] = {{50, 61, 20, 19}, {9, 8, 40, 300}, {7, 7, 800, 40}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        struct ash_conv s = shape(large[i][0], large[i][1], large[i][2], large[i][3]);
        check_shape(row, &s, UNIFORM);
    }
    struct ash_conv line = kernel_shape(700, 1, 33, 50, 5, 1);
    check_shape(row, &line, UNIFORM);
    line = kernel_shape(3, 300, 200, 50, 1, 4);
    check_shape(row, &line, CANCELLING);
    check_typical(row);
    if (chk_bench()) bench_row(row);
}

void check_winograd(void);
void check_winograd(void) {
    for (const struct ash_winograd_kernel *const *t = ash_winograd_tables(); *t; t++) {
        for (const struct ash_winograd_kernel *row = *t; row->name; row++) {
            if (chk_begin(row->name, row->cpu)) check_row(row);
        }
    }
}
