/* Resize and Upsample. */
#include "kernels/resize/resize.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/move.h"
#include "ops/resample.h"

#include <math.h>
#include <string.h>

extern const struct ash_op ash_ops_resize_op[];

enum { AXIS_MAX = 1 << 24 }; /* longest dimension with a table; the tensor may not fit at all */

enum policy { STRETCH, NOT_LARGER, NOT_SMALLER };

/* Inputs: of operator set 11 and later; before, the scales are input 1 or an attribute. */
enum { ROI = 1, SCALES = 2, SIZES = 3 };

struct resize_attrs {
    struct ash_resample how; /* what is the same in all dimensions */
    float outside;           /* extrapolation_value */
    int policy;
    bool old;            /* before operator set 11 */
    const int64_t *axes; /* NULL: all */
    size_t n_axes;
    struct ash_tensor scales; /* the attribute; data NULL: an input */
};

static int resize_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const coords[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",   "align_corners",
        "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn", NULL};
    static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                         NULL};
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
    struct resize_attrs *a = attrs;
    int64_t antialias, exclude;
    float cubic;
    ASH_TRY(ash_parse_choice(c, "mode", modes, ASH_RESAMPLE_NEAREST, &a->how.mode));
    a->old = c->node->opset < 11;
    if (a->old) {
        const float *list;
        size_t n;
        a->how.coord = ASH_RESAMPLE_ASYMMETRIC;
        a->how.round = ASH_RESAMPLE_SIMPLE;
        ASH_FAIL_IF(a->how.mode == ASH_RESAMPLE_CUBIC, c->err, ATTR, "mode is 'cubic'");
        if (c->node->opset >= 9) return ASHORE_OK;
        ASH_TRY(ash_parse_floats(c, "scales", &list, &n));
        ASH_FAIL_IF(!list || n > ASH_MAX_RANK, c->err, ATTR, "attribute 'scales' has %zu elements",
                    n);
        a->scales = (struct ash_tensor){.dtype = ASHORE_FLOAT32, .rank = 1, .dim = {(int64_t)n}};
        a->scales.data = (void *)(uintptr_t)list;
        return ASHORE_OK;
    }
    ASH_TRY(ash_parse_choice(c, "coordinate_transformation_mode", coords, 0, &a->how.coord));
    ASH_TRY(ash_parse_choice(c, "nearest_mode", rounds, 0, &a->how.round));
    ASH_TRY(ash_parse_choice(c, "keep_aspect_ratio_policy", policies, STRETCH, &a->policy));
    ASH_TRY(ash_parse_int(c, "antialias", 0, &antialias));
    ASH_TRY(ash_parse_int(c, "exclude_outside", 0, &exclude));
    ASH_TRY(ash_parse_float(c, "cubic_coeff_a", -0.75f, &cubic));
    ASH_TRY(ash_parse_float(c, "extrapolation_value", 0, &a->outside));
    ASH_TRY(ash_parse_ints(c, "axes", &a->axes, &a->n_axes));
    ASH_FAIL_IF(a->n_axes > ASH_MAX_RANK, c->err, ATTR, "%zu axes", a->n_axes);
    a->how.antialias = antialias != 0;
    a->how.exclude = exclude != 0;
    a->how.a = (double)cubic;
    return ASHORE_OK;
}

/* The dimensions that the lists are for. */
static int resize_axes(const struct resize_attrs *a, int rank, int *axes, int *n,
                       struct ashore_error *err) {
    static const int64_t all[ASH_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    *n = a->axes ? (int)a->n_axes : rank;
    return ash_axes(a->axes ? a->axes : all, *n, rank, axes, err);
}

static int check_count(int64_t n, int axes, const char *what, struct ashore_error *err) {
    ASH_FAIL_IF(n != axes, err, SHAPE, "%lld %s for %d dimensions", (long long)n, what, axes);
    return ASHORE_OK;
}

/* ---- extents ---- */

#define EXTENT_MAX ((double)((int64_t)1 << 40))

/* floor(n * scale), computed in float32 as everybody does: 5/3 times 3 is 5. */
static int scaled(struct ash_infer *c, struct ash_dim n, float scale, struct ash_dim *out) {
    bool positive = scale > 0 && scale <= (float)EXTENT_MAX;
    ASH_FAIL_IF(!positive, c->err, ARGUMENT, "scale %g", (double)scale);
    *out = n;
    if (scale == 1) return ASHORE_OK;
    if (n.kind == ASH_DIM_EXACT) {
        float extent = floorf((float)n.value * scale);
        ASH_FAIL_IF((double)extent > EXTENT_MAX, c->err, LIMIT, "extent %lld times %g",
                    (long long)n.value, (double)scale);
        *out = ash_dim_exact((int64_t)extent);
        return ASHORE_OK;
    }
    *out = ash_dim_unknown();
    for (int64_t q = 1; q <= 64; q *= 2) { /* the scale as a fraction */
        float p = scale * (float)q;
        if (p != floorf(p)) continue;
        *out = ash_infer_dim(c, ASH_DIM_MUL, n, ash_dim_exact((int64_t)p));
        *out = ash_infer_dim(c, ASH_DIM_FLOORDIV, *out, ash_dim_exact(q));
        return ASHORE_OK;
    }
    return ASHORE_OK;
}

static int infer_scales(struct ash_infer *c, const struct ash_tensor *scales, const int *axes,
                        int n, struct ash_dim *dim) {
    const struct ash_type *t = &c->in[0]->type;
    if (!scales) {
        for (int i = 0; i < n; i++) dim[axes[i]] = ash_dim_unknown();
        return ASHORE_NEEDS_DATA;
    }
    ASH_TRY(check_count(ash_tensor_count(scales), n, "scales", c->err));
    for (int i = 0; i < n; i++)
        ASH_TRY(scaled(c, t->dim[axes[i]], (float)ash_get_f64(scales, i), &dim[axes[i]]));
    return ASHORE_OK;
}

/* The one scale that keeps the aspect ratio.  The sizes and extents are exact. */
static double common_scale(int policy, const int *axes, int n, const int64_t *size,
                           const int64_t *extent) {
    double scale = policy == NOT_LARGER ? INFINITY : 0;
    for (int i = 0; i < n; i++) {
        double s = (double)size[i] / (double)extent[axes[i]];
        scale = policy == NOT_LARGER ? fmin(scale, s) : fmax(scale, s);
    }
    return scale;
}

static int infer_sizes(struct ash_infer *c, const int *axes, int n, struct ash_dim *dim) {
    const struct resize_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim list[ASH_MAX_RANK];
    int64_t size[ASH_MAX_RANK], extent[ASH_MAX_RANK] = {0};
    int given;
    bool exact = true;
    for (int i = 0; i < n; i++) dim[axes[i]] = ash_dim_unknown();
    ASH_TRY(ash_infer_ints(c, SIZES, list, ASH_MAX_RANK, &given));
    ASH_TRY(check_count(given, n, "sizes", c->err));
    for (int i = 0; i < n; i++) {
        struct ash_dim in = t->dim[axes[i]];
        bool negative = list[i].kind == ASH_DIM_EXACT && list[i].value < 0;
        ASH_FAIL_IF(negative, c->err, ARGUMENT, "size %lld", (long long)list[i].value);
        ASH_FAIL_IF(ash_dim_is(in, 0) && !ash_dim_is(list[i], 0) && list[i].kind == ASH_DIM_EXACT,
                    c->err, SHAPE, "dimension %d is empty and cannot be resized", axes[i]);
        exact = exact && in.kind == ASH_DIM_EXACT && list[i].kind == ASH_DIM_EXACT;
        size[i] = list[i].value;
        extent[axes[i]] = in.value;
        if (a->policy == STRETCH) dim[axes[i]] = list[i];
    }
    if (a->policy == STRETCH || !exact) return ash_infer_known(list, n);
    double scale = common_scale(a->policy, axes, n, size, extent);
    for (int i = 0; i < n; i++) {
        double out = floor(scale * (double)extent[axes[i]] + 0.5);
        if (!extent[axes[i]]) out = 0;
        ASH_FAIL_IF(!(out <= EXTENT_MAX), c->err, LIMIT, "extent %lld times %g",
                    (long long)extent[axes[i]], scale);
        dim[axes[i]] = ash_dim_exact((int64_t)out);
    }
    return ASHORE_OK;
}

static int check_types(struct ash_infer *c, int dtype) {
    const struct resize_attrs *a = c->attrs;
    int scales = a->old ? 1 : SCALES;
    ASH_FAIL_IF(a->how.mode != ASH_RESAMPLE_NEAREST && dtype == ASHORE_STRING, c->err, TYPE,
                "strings can be resized by 'nearest' alone");
    ASH_FAIL_IF(a->how.mode == ASH_RESAMPLE_NEAREST && a->how.antialias, c->err, ATTR,
                "antialias with mode 'nearest'");
    int given = ash_infer_has(c, scales) ? c->in[scales]->type.dtype : 0;
    ASH_FAIL_IF(given && given != ASHORE_FLOAT32, c->err, TYPE, "the scales are %s",
                ash_dtype(given)->name);
    given = !a->old && ash_infer_has(c, ROI) ? c->in[ROI]->type.dtype : 0;
    ASH_FAIL_IF(given && !ash_dtype_is_float(given), c->err, TYPE, "the roi is %s",
                ash_dtype(given)->name);
    return ASHORE_OK;
}

static int resize_infer(struct ash_infer *c) {
    const struct resize_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int axes[ASH_MAX_RANK], n, at = a->old ? 1 : SCALES;
    c->out->type.dtype = t->dtype;
    ASH_TRY(check_types(c, t->dtype));
    if (t->rank < 0) return ASHORE_OK;
    ASH_TRY(resize_axes(a, t->rank, axes, &n, c->err));
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i];
    bool sizes = !a->old && ash_infer_has(c, SIZES) && ash_infer_length(c, SIZES) != 0;
    bool scales = a->scales.data || (ash_infer_has(c, at) && ash_infer_length(c, at) != 0);
    ASH_FAIL_IF(!sizes && !scales && n > 0, c->err, ARGUMENT, "neither scales nor sizes are given");
    ASH_FAIL_IF(sizes && scales && ash_infer_length(c, at) > 0 && ash_infer_length(c, SIZES) > 0,
                c->err, ARGUMENT, "both scales and sizes are given");
    int rc = ASHORE_OK;
    if (sizes)
        rc = infer_sizes(c, axes, n, dim);
    else if (scales)
        rc = infer_scales(c, a->scales.data ? &a->scales : c->in[at]->data, axes, n, dim);
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    return rc;
}

/* ---- what is resampled ---- */

static bool given(const struct ash_tensor *t) { return t && ash_tensor_count(t) > 0; }

/* Fills r[rank]; scales and sizes are those that count, or NULL for sizes that are the extents of
 * the output. */
static int resize_setup(const struct resize_attrs *a, int rank, const int64_t *in,
                        const int64_t *out, const struct ash_tensor *roi,
                        const struct ash_tensor *scales, const struct ash_tensor *sizes,
                        struct ash_resample *r, struct ashore_error *err) {
    int axes[ASH_MAX_RANK], n;
    double common = 0;
    bool crop = a->how.coord == ASH_RESAMPLE_CROP;
    ASH_TRY(resize_axes(a, rank, axes, &n, err));
    for (int i = 0; i < rank; i++) {
        r[i] = a->how;
        r[i].in = in[i];
        r[i].out = out[i];
        r[i].scale = 1;
        r[i].width = (double)out[i];
        r[i].from = 0;
        r[i].to = 1;
        if (crop) r[i].coord = ASH_RESAMPLE_ASYMMETRIC; /* unless it is among the axes */
        ASH_FAIL_IF(in[i] == 0 && out[i] > 0, err, SHAPE, "dimension %d is empty", i);
    }
    if (crop) {
        ASH_FAIL_IF(!given(roi), err, ARGUMENT, "there is no roi");
        ASH_TRY(check_count(ash_tensor_count(roi), 2 * n, "numbers in the roi", err));
    }
    if (given(sizes)) ASH_TRY(check_count(ash_tensor_count(sizes), n, "sizes", err));
    if (given(scales)) ASH_TRY(check_count(ash_tensor_count(scales), n, "scales", err));
    if (a->policy != STRETCH && given(sizes)) {
        int64_t size[ASH_MAX_RANK];
        for (int i = 0; i < n; i++) size[i] = ash_get_i64(sizes, i);
        common = common_scale(a->policy, axes, n, size, in);
    }
    for (int i = 0; i < n; i++) {
        struct ash_resample *d = &r[axes[i]];
        d->coord = a->how.coord;
        if (given(scales))
            d->scale = ash_get_f64(scales, i);
        else if (common > 0)
            d->scale = common;
        else if (d->in > 0)
            d->scale = (double)d->out / (double)d->in;
        if (given(scales) || common > 0) d->width = d->scale * (double)d->in;
        if (!crop) continue;
        d->from = ash_get_f64(roi, i);
        d->to = ash_get_f64(roi, n + i);
    }
    return ASHORE_OK;
}

/* ---- reference ---- */

static int resize_setup_run(struct ash_run *c, struct ash_resample *r) {
    const struct resize_attrs *a = c->attrs;
    const struct ash_tensor *in[4] = {NULL};
    for (int i = 1; i < 4 && !a->old; i++) in[i] = ash_run_has(c, i) ? c->in[i] : NULL;
    if (a->old) in[SCALES] = a->scales.data ? &a->scales : c->in[1];
    return resize_setup(a, c->in[0]->rank, c->in[0]->dim, c->out[0]->dim, in[ROI], in[SCALES],
                        in[SIZES], r, c->err);
}

/* The value of what lies outside, as an element. */
static void outside_element(const struct resize_attrs *a, int dtype, char *element) {
    if (dtype == ASHORE_COMPLEX64) dtype = ASHORE_FLOAT32;
    if (dtype == ASHORE_COMPLEX128) dtype = ASHORE_FLOAT64;
    memset(element, 0, ASH_ELEMENT_MAX);
    if (dtype != ASHORE_STRING) ash_store_f32(dtype, &a->outside, 1, element);
}

static void nearest_row(const struct ash_resample *r, size_t size, const char *from, char *to,
                        const char *element) {
    for (int64_t o = 0; o < r->out; o++, to += size) {
        int64_t i = from ? ash_resample_nearest(r, o) : -1;
        memcpy(to, i < 0 ? element : from + (size_t)i * size, size);
    }
}

static int resize_nearest(struct ash_run *c, const struct ash_resample *r, int last) {
    const struct ash_tensor *x = c->in[0];
    int64_t at[ASH_MAX_RANK] = {0};
    size_t size = ash_dtype_size(x->dtype), row = (size_t)r[last].in * size;
    char element[ASH_ELEMENT_MAX];
    outside_element(c->attrs, x->dtype, element);
    if (x->dtype == ASHORE_STRING) ASH_TRY(ash_run_strings_of(c, 0, 0));
    char *to = c->out[0]->data;
    do {
        int64_t line = 0;
        for (int i = 0; i < last && line >= 0; i++) {
            int64_t p = ash_resample_nearest(&r[i], at[i]);
            line = p < 0 ? -1 : line * r[i].in + p;
        }
        nearest_row(&r[last], size, line < 0 ? NULL : (char *)x->data + (size_t)line * row, to,
                    element);
        to += (size_t)r[last].out * size;
    } while (ash_index_next(last, c->out[0]->dim, at, 0, NULL, NULL));
    return ASHORE_OK;
}

/* What a weighted sum works with.  A complex element is `parts` numbers of type dtype. */
struct blend {
    const struct ash_resample *r;
    int last, dtype, parts;
    double outside;
    double *weight[ASH_MAX_RANK]; /* of one output position in each dimension */
    double *sum, *row, *result;   /* an input row summed over the other dimensions, one of it, an
                                     output row */
};

/* Sums the input rows under output row `at`; false when it lies outside. */
static bool blend_rows(const struct blend *b, const struct ash_tensor *x, const int64_t *at) {
    int64_t n[ASH_MAX_RANK], first[ASH_MAX_RANK], k[ASH_MAX_RANK] = {0};
    size_t width = (size_t)(b->r[b->last].in * b->parts);
    for (int i = 0; i < b->last; i++) {
        n[i] = ash_resample_taps(&b->r[i], at[i], &first[i], b->weight[i]);
        if (n[i] == 0) return false;
    }
    for (size_t i = 0; i < width; i++) b->sum[i] = 0;
    do {
        double w = 1;
        size_t line = 0;
        for (int i = 0; i < b->last; i++) {
            w *= b->weight[i][k[i]];
            line = line * (size_t)b->r[i].in + (size_t)(first[i] + k[i]);
        }
        if (w == 0) continue;
        const char *from = (const char *)x->data + line * width * ash_dtype_size(b->dtype);
        ash_load_f64(b->dtype, from, width, b->row);
        for (size_t i = 0; i < width; i++) b->sum[i] += w * b->row[i];
    } while (ash_index_next(b->last, n, k, 0, NULL, NULL));
    return true;
}

/* Beyond an integer type's range: its end. */
static double saturated(int dtype, double v) {
    const struct ash_dtype_facts *f = ash_dtype(dtype);
    if (f->number == ASH_CLASS_FLOAT || f->bits > 32) return v;
    bool sign = f->number == ASH_CLASS_INT;
    double range = (double)((uint64_t)1 << (f->bits - sign));
    return fmax(sign ? -range : 0, fmin(v, range - 1));
}

static void blend_row(const struct blend *b, bool inside) {
    const struct ash_resample *r = &b->r[b->last];
    double *w = b->weight[b->last];
    for (int64_t o = 0; o < r->out; o++) {
        int64_t first = 0, n = inside ? ash_resample_taps(r, o, &first, w) : 0;
        for (int p = 0; p < b->parts; p++) {
            double sum = n || p ? 0 : b->outside;
            for (int64_t i = 0; i < n; i++)
                if (w[i] != 0) sum += w[i] * b->sum[(first + i) * b->parts + p];
            b->result[o * b->parts + p] = saturated(b->dtype, sum);
        }
    }
}

static int resize_blend(struct ash_run *c, const struct ash_resample *r, int last) {
    const struct resize_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct blend b = {.r = r, .last = last, .dtype = x->dtype, .parts = 1};
    b.outside = (double)a->outside;
    if (x->dtype == ASHORE_COMPLEX64 || x->dtype == ASHORE_COMPLEX128) {
        b.parts = 2;
        b.dtype = x->dtype == ASHORE_COMPLEX64 ? ASHORE_FLOAT32 : ASHORE_FLOAT64;
    }
    size_t width = (size_t)(r[last].in * b.parts), out = (size_t)(r[last].out * b.parts);
    size_t room = 2 * width + out;
    for (int i = 0; i <= last; i++) room += (size_t)ash_resample_room(&r[i]);
    size_t bytes = ash_size_mul(room, sizeof(double));
    double *memory = ash_alloc(c->heap, bytes), *next = memory;
    if (!memory) return ash_fail_nomem(c->err, bytes);
    b.sum = next;
    b.row = next + width;
    b.result = b.row + width;
    next = b.result + out;
    for (int i = 0; i <= last; i++) {
        b.weight[i] = next;
        next += ash_resample_room(&r[i]);
    }
    int64_t at[ASH_MAX_RANK] = {0};
    char *to = c->out[0]->data;
    do {
        blend_row(&b, blend_rows(&b, x, at));
        ash_store_f64(b.dtype, b.result, out, to);
        to += out * ash_dtype_size(b.dtype);
    } while (ash_index_next(last, c->out[0]->dim, at, 0, NULL, NULL));
    ash_free(c->heap, memory, bytes);
    return ASHORE_OK;
}

static int resize_ref(struct ash_run *c) {
    const struct resize_attrs *a = c->attrs;
    struct ash_resample r[ASH_MAX_RANK];
    int last = c->in[0]->rank - 1;
    ASH_TRY(resize_setup_run(c, r));
    if (last < 0) return ash_run_forward(c, 0, 0);
    if (ash_tensor_count(c->out[0]) == 0) return ASHORE_OK;
    return (a->how.mode == ASH_RESAMPLE_NEAREST ? resize_nearest : resize_blend)(c, r, last);
}

/* ---- lowering ---- */

struct resize_params {
    struct ash_resize_shape shape;
    const struct ash_resize_row *row; /* NULL: copies */
};

static int run_resize(struct ash_run *c) {
    const struct resize_params *p = c->params;
    struct ash_resize_shape shape = p->shape;
    shape.y_step = c->out_step;
    if (p->row)
        ash_resize_f32(p->row, c->pool, &shape, c->in[0]->data, c->out[0]->data, c->scratch);
    else
        ash_resize_copy(c->pool, &shape, c->in[0]->data, c->out[0]->data);
    return ASHORE_OK;
}

/* One dimension's table in the plan's arena.  *fits stays set unless an output lies outside. */
static int lower_axis(struct ash_lower *c, const struct ash_resample *r, bool nearest,
                      struct ash_resize_axis *axis, bool *fits) {
    int64_t room = nearest ? 1 : ash_resample_room(r), most = 1;
    bool same = ash_resample_same(r);
    *axis = (struct ash_resize_axis){.in = (size_t)r->in, .out = (size_t)r->out, .taps = 1};
    if (nearest || same) {
        int32_t *from = ash_arena_array(c->arena, axis->out, sizeof *from);
        if (!from) return ash_fail_nomem(c->err, axis->out * sizeof *from);
        for (int64_t o = 0; o < r->out; o++) {
            int64_t i = same ? o : ash_resample_nearest(r, o);
            if (i < 0) *fits = false;
            from[o] = (int32_t)i;
        }
        axis->at = from;
        return ASHORE_OK;
    }
    double *w = ash_arena_array(c->arena, (size_t)room, sizeof *w);
    if (!w) return ash_fail_nomem(c->err, (size_t)room * sizeof *w);
    for (int64_t o = 0, at, n; o < r->out; o++) {
        n = ash_resample_taps(r, o, &at, w);
        if (n == 0) *fits = false;
        if (n > most) most = n;
    }
    if (!*fits) return ASHORE_OK;
    size_t count = ash_size_mul((size_t)most, axis->out);
    float *table = ash_arena_array(c->arena, count, sizeof *table);
    int32_t *from = ash_arena_array(c->arena, count, sizeof *from);
    if (!table || !from) return ash_fail_nomem(c->err, ash_size_mul(count, sizeof *table));
    memset(table, 0, count * sizeof *table);
    for (int64_t o = 0; o < r->out; o++) {
        int64_t at, n = ash_resample_taps(r, o, &at, w), low = at;
        if (low > r->in - most) low = r->in - most;
        for (int64_t t = 0; t < n; t++) table[(at - low + t) * r->out + o] = (float)w[t];
        for (int64_t t = 0; t < most; t++) from[t * r->out + o] = (int32_t)(low + t);
    }
    axis->at = from;
    axis->taps = (size_t)most;
    axis->w = table;
    return ASHORE_OK;
}

/* Whether at most two neighbouring dimensions change; the second is *w. */
static bool two_axes(const struct ash_resample *r, int rank, int *w) {
    int first = rank, last = 0;
    for (int i = 0; i < rank; i++) {
        if (ash_resample_same(&r[i])) continue;
        if (first == rank) first = i;
        last = i;
    }
    if (first < rank && last - first > 1) return false;
    *w = first == rank ? rank - 1 : first == last && last < rank - 1 && last == 0 ? 1 : last;
    return true;
}

static int lower_setup(struct ash_lower *c, struct ash_resample *r, bool *known) {
    const struct resize_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *y = &c->out->type;
    const struct ash_tensor *in[4] = {NULL};
    int64_t from[ASH_MAX_RANK], to[ASH_MAX_RANK];
    for (int i = 1; i < 4 && !a->old; i++) in[i] = i < c->n_in && c->in[i] ? c->in[i]->data : NULL;
    if (a->old) in[SCALES] = a->scales.data ? &a->scales : c->in[1]->data;
    bool sizes = !a->old && c->n_in > SIZES && c->in[SIZES] && !given(in[SCALES]);
    *known = given(in[SCALES]) || given(in[SIZES]) || (sizes && a->policy == STRETCH);
    if (a->how.coord == ASH_RESAMPLE_CROP && !given(in[ROI])) *known = false;
    if (!*known) return ASHORE_OK;
    for (int i = 0; i < x->rank; i++) {
        from[i] = x->dim[i].value;
        to[i] = y->dim[i].value;
    }
    return resize_setup(a, x->rank, from, to, in[ROI], in[SCALES], in[SIZES], r, c->err);
}

static int resize_lower(struct ash_lower *c) {
    const struct resize_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *y = &c->out->type;
    bool nearest = a->how.mode == ASH_RESAMPLE_NEAREST, fits;
    struct ash_resample r[ASH_MAX_RANK];
    struct resize_params draft = {.row = ash_resize_best()};
    int w, rank = x->rank;
    bool takes = nearest ? ash_dtype_size(x->dtype) == 4 : x->dtype == ASHORE_FLOAT32;
    if (!takes || rank < 2 || ash_type_count(y) == 0) return ASHORE_OK;
    ASH_TRY(lower_setup(c, r, &fits));
    if (!fits || !two_axes(r, rank, &w)) return ASHORE_OK;
    for (int i = w - 1; i <= w; i++) {
        if (r[i].in > AXIS_MAX || r[i].out > AXIS_MAX) return ASHORE_OK;
    }
    struct ash_resize_shape *s = &draft.shape;
    s->outer = ash_extents(x, 0, w - 1);
    s->inner = ash_extents(x, w + 1, rank);
    ASH_TRY(lower_axis(c, &r[w - 1], nearest, &s->h, &fits));
    ASH_TRY(lower_axis(c, &r[w], nearest, &s->w, &fits));
    size_t scratch = ash_resize_scratch(s, c->threads);
    if (!fits || scratch == SIZE_MAX) return ASHORE_OK;
    if (!s->h.w && !s->w.w) draft.row = NULL;
    struct resize_params *p =
        ash_lower_to(c, run_resize, sizeof *p, draft.row ? draft.row->name : "resize_copy");
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    c->out_strided = !draft.row && w == rank - 2; /* its rows are positions */
    return ASHORE_OK;
}

#define RESIZE(op, from, to, least, most)                                                          \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = from,                                                                                \
     .until = to,                                                                                  \
     .in_min = least,                                                                              \
     .in_max = most,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .attrs_size = sizeof(struct resize_attrs),                                                    \
     .parse = resize_parse,                                                                        \
     .infer = resize_infer,                                                                        \
     .ref = resize_ref,                                                                            \
     .lower = resize_lower}

const struct ash_op ash_ops_resize_op[] = {RESIZE("Upsample", 7, 8, 1, 1),
                                           RESIZE("Upsample", 9, 10, 2, 2),
                                           RESIZE("Resize", 10, 10, 2, 2),
                                           RESIZE("Resize", 11, 0, 1, 4),
                                           {0}};
