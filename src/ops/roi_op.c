/* RoiAlign, MaxRoiPool: regions of images brought to one size.
 *
 * Letters: R regions, N images, C channels, H x W their extents, PH x PW bins of a region. */
#include "base/heap.h"
#include "kernels/resize/resize.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>

extern const struct ash_op ash_ops_roi_op[];

enum { SIDE_MAX = 1 << 12, SAMPLES_MAX = SIDE_MAX * SIDE_MAX }; /* of one bin */

struct roi_attrs {
    int64_t pooled[2], samples; /* samples 0: as many as there are pixels */
    float scale;
    int output_half_pixel; /* coordinates are not shifted by half a pixel */
    int max;
};

static int check_pooled(const struct roi_attrs *a, struct ashore_error *err) {
    for (int i = 0; i < 2; i++)
        ASH_FAIL_IF(a->pooled[i] < 1 || a->pooled[i] > INT32_MAX, err, ATTR, "output extent %lld",
                    (long long)a->pooled[i]);
    return ASHORE_OK;
}

static int align_parse(const struct ash_parse *c, void *attrs) {
    static const char *const coords[] = {"half_pixel", "output_half_pixel", NULL};
    static const char *const modes[] = {"avg", "max", NULL};
    struct roi_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "output_height", 1, &a->pooled[0]));
    ASH_TRY(ash_parse_int(c, "output_width", 1, &a->pooled[1]));
    ASH_TRY(ash_parse_int(c, "sampling_ratio", 0, &a->samples));
    ASH_TRY(ash_parse_float(c, "spatial_scale", 1, &a->scale));
    ASH_TRY(ash_parse_choice(c, "mode", modes, 0, &a->max));
    a->output_half_pixel = c->node->opset < 16;
    ASH_TRY(ash_parse_choice(c, "coordinate_transformation_mode", coords, a->output_half_pixel,
                             &a->output_half_pixel));
    ASH_FAIL_IF(a->samples < 0 || a->samples > SIDE_MAX, c->err, ATTR, "sampling_ratio %lld",
                (long long)a->samples);
    return check_pooled(a, c->err);
}

static int pool_parse(const struct ash_parse *c, void *attrs) {
    struct roi_attrs *a = attrs;
    const int64_t *list;
    size_t n;
    ASH_TRY(ash_parse_ints(c, "pooled_shape", &list, &n));
    ASH_TRY(ash_parse_float(c, "spatial_scale", 1, &a->scale));
    ASH_FAIL_IF(n != 2, c->err, ATTR, "attribute 'pooled_shape' has %zu elements", n);
    a->pooled[0] = list[0];
    a->pooled[1] = list[1];
    return check_pooled(a, c->err);
}

/* Regions have `width` numbers. */
static int infer(struct ash_infer *c, int width) {
    const struct roi_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *rois = &c->in[1]->type;
    struct ash_dim dim[4] = {ash_dim_unknown(), ash_dim_unknown(), ash_dim_exact(a->pooled[0]),
                             ash_dim_exact(a->pooled[1])};
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_FLOAT, &dtype));
    ASH_FAIL_IF(x->rank >= 0 && x->rank != 4, c->err, SHAPE, "the input has %d dimensions",
                x->rank);
    ASH_FAIL_IF(rois->rank >= 0 && rois->rank != 2, c->err, SHAPE, "the regions have %d dimensions",
                rois->rank);
    if (x->rank == 4) dim[1] = x->dim[1];
    if (rois->rank == 2) {
        dim[0] = rois->dim[0];
        ASH_TRY(ash_infer_agree(c, rois->dim[1], ash_dim_exact(width), "numbers of a region"));
    }
    if (c->n_in > 2) {
        const struct ash_type *b = &c->in[2]->type;
        int whole;
        ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_INT, &whole));
        ASH_FAIL_IF(b->rank >= 0 && b->rank != 1, c->err, SHAPE, "batch indices of rank %d",
                    b->rank);
        if (b->rank == 1) ASH_TRY(ash_infer_agree(c, b->dim[0], dim[0], "batch indices"));
    }
    ash_infer_set(c, 0, dtype, 4, dim);
    return ASHORE_OK;
}

static int align_infer(struct ash_infer *c) { return infer(c, 4); }
static int pool_infer(struct ash_infer *c) { return infer(c, 5); }

static int check_image(struct ash_run *c, double index) {
    int64_t N = c->in[0]->dim[0];
    ASH_FAIL_IF(!(index >= 0 && index < (double)N), c->err, INDEX, "image %g of %lld", index,
                (long long)N);
    return ASHORE_OK;
}

/* ---- RoiAlign ---- */

/* What float32 makes of v, where the operator computes in it: how many samples there are hangs on
 * it. */
static double rounded(int dtype, double v) {
    return dtype == ASHORE_FLOAT64 ? v : (double)(float)v;
}

/* One dimension of a region: bin i has `samples` of them from start + i * bin on. */
struct side {
    double start, bin;
    int64_t samples;
};

static int side_of(struct ash_run *c, int64_t r, int i, struct side *s) {
    const struct roi_attrs *a = c->attrs;
    int dtype = c->in[0]->dtype;
    double half = a->output_half_pixel ? 0 : 0.5, scale = (double)a->scale;
    double from = ash_get_f64(c->in[1], r * 4 + 1 - i), to = ash_get_f64(c->in[1], r * 4 + 3 - i);
    s->start = rounded(dtype, rounded(dtype, from * scale) - half);
    double size = rounded(dtype, rounded(dtype, rounded(dtype, to * scale) - half) - s->start);
    if (a->output_half_pixel) size = fmax(size, 1);
    s->bin = rounded(dtype, size / (double)a->pooled[i]);
    double n = a->samples > 0 ? (double)a->samples : ceil(s->bin);
    ASH_FAIL_IF(n > (double)SAMPLES_MAX, c->err, LIMIT,
                "region %lld is too large: %g pixels in a bin", (long long)r, n);
    s->samples = n > 0 ? (int64_t)n : 0;
    return ASHORE_OK;
}

/* The two positions between which sample k of bin i lies; false: outside. */
static bool between(const struct side *s, int64_t i, int64_t k, int64_t X, int64_t at[2],
                    double weight[2]) {
    double x = s->start + (double)i * s->bin + ((double)k + 0.5) * s->bin / (double)s->samples;
    if (!(x >= -1 && x <= (double)X)) return false;
    x = fmax(x, 0);
    at[0] = (int64_t)x;
    at[1] = at[0] + 1;
    if (at[0] >= X - 1) {
        at[0] = at[1] = X - 1;
        x = (double)at[0];
    }
    weight[1] = x - (double)at[0];
    weight[0] = 1 - weight[1];
    return true;
}

static double align_bin(const struct roi_attrs *a, const struct side s[2], const int64_t bin[2],
                        const struct ash_tensor *x, int64_t plane) {
    int64_t H = x->dim[2], W = x->dim[3], n = s[0].samples * s[1].samples;
    double result = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t y[2], at[2];
        double v = a->max ? -INFINITY : 0, wy[2], wx[2];
        bool inside = between(&s[0], bin[0], k / s[1].samples, H, y, wy) &&
                      between(&s[1], bin[1], k % s[1].samples, W, at, wx);
        for (int i = 0; i < 4 && inside; i++) {
            double one = wy[i / 2] * wx[i % 2];
            one *= ash_get_f64(x, (plane * H + y[i / 2]) * W + at[i % 2]);
            v = a->max ? fmax(v, one) : v + one;
        }
        if (!inside) v = 0;
        result = !a->max ? result + v : k == 0 ? v : fmax(result, v);
    }
    return a->max || n < 2 ? result : result / (double)n;
}

static int align_ref(struct ash_run *c) {
    const struct roi_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    int64_t C = x->dim[1], bins = a->pooled[0] * a->pooled[1];
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    ASH_FAIL_IF(x->dim[2] * x->dim[3] == 0, c->err, SHAPE, "the images are empty");
    for (int64_t r = 0; r < y->dim[0]; r++) {
        struct side s[2];
        int64_t image = ash_get_i64(c->in[2], r);
        ASH_TRY(check_image(c, (double)image));
        for (int i = 0; i < 2; i++) ASH_TRY(side_of(c, r, i, &s[i]));
        ASH_FAIL_IF(s[0].samples * s[1].samples > SAMPLES_MAX, c->err, LIMIT,
                    "region %lld is too large", (long long)r);
        for (int64_t i = 0; i < C * bins; i++) {
            const int64_t bin[2] = {i % bins / a->pooled[1], i % a->pooled[1]};
            double v = align_bin(a, s, bin, x, image * C + i / bins);
            ash_store_f64(y->dtype, &v, 1, ash_at(y, r * C * bins + i));
        }
    }
    return ASHORE_OK;
}

struct align_params {
    const struct ash_resize_row *row;
    size_t bins, taps;
};

/* Positions and weights of one region, then all channels at once. */
static int run_align(struct ash_run *c) {
    const struct roi_attrs *a = c->attrs;
    const struct align_params *p = c->params;
    const struct ash_tensor *x = c->in[0];
    int64_t H = x->dim[2], W = x->dim[3], samples = a->samples * a->samples;
    size_t count = p->bins * p->taps, plane = (size_t)(H * W), C = (size_t)x->dim[1];
    int32_t *at = c->scratch;
    float *w = (float *)(void *)((char *)c->scratch + ash_align_up(count * sizeof *at));
    struct ash_sample s = {C, p->bins, p->taps, at, w, NULL, plane, p->bins, c->out[0]->data};
    for (int64_t r = 0; r < c->out[0]->dim[0]; r++, s.y += C * p->bins) {
        struct side side[2];
        int64_t image = ash_get_i64(c->in[2], r);
        ASH_TRY(check_image(c, (double)image));
        for (int i = 0; i < 2; i++) ASH_TRY(side_of(c, r, i, &side[i]));
        for (size_t k = 0; k < p->bins * (size_t)samples; k++) {
            size_t bin = k / (size_t)samples;
            int64_t sample = (int64_t)k % samples, y[2], col[2];
            double wy[2], wx[2];
            bool inside =
                between(&side[0], (int64_t)bin / a->pooled[1], sample / a->samples, H, y, wy) &&
                between(&side[1], (int64_t)bin % a->pooled[1], sample % a->samples, W, col, wx);
            for (int i = 0; i < 4; i++) {
                size_t to = (size_t)(sample * 4 + i) * p->bins + bin;
                at[to] = inside ? (int32_t)(y[i / 2] * W + col[i % 2]) : -1;
                w[to] = inside ? (float)(wy[i / 2] * wx[i % 2] / (double)samples) : 0;
            }
        }
        s.x = (const float *)x->data + (size_t)image * C * plane;
        ash_sample_f32(p->row, c->pool, &s);
    }
    return ASHORE_OK;
}

/* A mean of a given number of samples. */
static int align_lower(struct ash_lower *c) {
    const struct roi_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct align_params draft = {.row = ash_resize_best()};
    size_t plane = ash_extents(x, 2, 4);
    bool fits = x->dtype == ASHORE_FLOAT32 && !a->max && a->samples > 0 && a->samples <= 16;
    if (!fits || plane == 0 || plane > INT32_MAX || ash_type_count(&c->out->type) == 0)
        return ASHORE_OK;
    draft.bins = ash_extents(&c->out->type, 2, 4);
    draft.taps = (size_t)(4 * a->samples * a->samples);
    size_t bytes = ash_size_mul(ash_size_mul(draft.bins, draft.taps), sizeof(float));
    size_t scratch = ash_size_mul(ash_align_up(bytes), 2);
    if (scratch == SIZE_MAX) return ASHORE_OK;
    struct align_params *p = ash_lower_to(c, run_align, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

/* ---- MaxRoiPool ---- */

/* The positions of bin i of a side of a region, cut to 0..X. */
static void range_of(const struct ash_run *c, int64_t r, int side, int64_t i, int64_t range[2]) {
    const struct roi_attrs *a = c->attrs;
    double X = (double)c->in[0]->dim[2 + side], scale = (double)a->scale;
    double from = round(ash_get_f64(c->in[1], r * 5 + 2 - side) * scale);
    double to = round(ash_get_f64(c->in[1], r * 5 + 4 - side) * scale);
    double bin = fmax(to - from + 1, 1) / (double)a->pooled[side];
    double first = floor((double)i * bin) + from, end = ceil((double)(i + 1) * bin) + from;
    range[0] = (int64_t)fmax(0, fmin(first, X));
    range[1] = (int64_t)fmax(0, fmin(end, X));
}

static int pool_ref(struct ash_run *c) {
    const struct roi_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    int64_t C = x->dim[1], W = x->dim[3], bins = a->pooled[0] * a->pooled[1];
    for (int64_t o = 0; o < ash_tensor_count(y); o++) {
        int64_t r = o / bins / C, h[2], w[2];
        double image = ash_get_f64(c->in[1], r * 5), best = 0;
        ASH_TRY(check_image(c, image));
        range_of(c, r, 0, o % bins / a->pooled[1], h);
        range_of(c, r, 1, o % a->pooled[1], w);
        int64_t plane = ((int64_t)image * C + o / bins % C) * x->dim[2];
        bool any = false;
        for (int64_t i = h[0]; i < h[1]; i++) {
            for (int64_t k = w[0]; k < w[1]; k++, any = true) {
                double v = ash_get_f64(x, (plane + i) * W + k);
                if (!any || v > best || isnan(v)) best = v;
            }
        }
        ash_store_f64(y->dtype, &best, 1, ash_at(y, o));
    }
    return ASHORE_OK;
}

const struct ash_op ash_ops_roi_op[] = {{.name = "RoiAlign",
                                         .domain = "",
                                         .since = 10,
                                         .in_min = 3,
                                         .in_max = 3,
                                         .out_min = 1,
                                         .out_max = 1,
                                         .attrs_size = sizeof(struct roi_attrs),
                                         .parse = align_parse,
                                         .infer = align_infer,
                                         .ref = align_ref,
                                         .lower = align_lower},
                                        {.name = "MaxRoiPool",
                                         .domain = "",
                                         .since = 1,
                                         .in_min = 2,
                                         .in_max = 2,
                                         .out_min = 1,
                                         .out_max = 1,
                                         .attrs_size = sizeof(struct roi_attrs),
                                         .parse = pool_parse,
                                         .infer = pool_infer,
                                         .ref = pool_ref},
                                        {0}};
