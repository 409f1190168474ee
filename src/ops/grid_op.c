/* GridSample, DeformConv, AffineGrid: images read at positions that are computed.
 *
 * Letters: D spatial dimensions, X their extents, N batch, C channels, O output positions. */
#include "base/heap.h"
#include "kernels/resize/resize.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/move.h"
#include "ops/window.h"

#include <math.h>
#include <string.h>

extern const struct ash_op ash_ops_grid_op[];

enum { SPATIAL = ASH_WINDOW_RANK };
enum grid_mode { LINEAR, NEAREST, CUBIC };
enum grid_padding { ZEROS, BORDER, REFLECTION };

#define FAR 1e15 /* positions beyond, and NaN, are as far away as it gets */

/* ---- sampling ---- */

/* The input positions under one coordinate: -1 stands for a zero. */
struct taps {
    int64_t n, index[4];
    double weight[4];
};

static double reflect(double x, double low, double high) {
    double span = high - low;
    if (span <= 0) return low;
    double d = fmod(fabs(x - low), 2 * span);
    return low + (d > span ? 2 * span - d : d);
}

struct sampler {
    int mode, padding;
    bool align;
};

static int64_t source(const struct sampler *s, double at, int64_t X) {
    if (s->padding == REFLECTION)
        at = trunc(reflect(at, s->align ? 0 : -0.5, (double)X - (s->align ? 1 : 0.5)));
    if (s->padding != ZEROS) at = fmax(0, fmin(at, (double)(X - 1)));
    return at >= 0 && at < (double)X ? (int64_t)at : -1;
}

static void find_taps(const struct sampler *s, double x, int64_t X, struct taps *t) {
    static const int first[] = {0, 0, -1}, count[] = {2, 1, 4};
    double low = s->align ? 0 : -0.5, high = (double)X - (s->align ? 1 : 0.5);
    if (!(fabs(x) < FAR)) x = x > 0 ? FAR : -FAR;
    if (s->mode == NEAREST) x = rint((double)(float)x);
    if (s->padding == BORDER && s->mode != CUBIC) x = fmax(0, fmin(x, (double)(X - 1)));
    if (s->padding == REFLECTION && (x < low || x > high)) x = reflect(x, low, high);
    double base = s->mode == NEAREST ? trunc(x) : floor(x), f = x - base;
    t->n = count[s->mode];
    for (int i = 0; i < count[s->mode]; i++) {
        double d = fabs(f - (first[s->mode] + i)), a = -0.75;
        t->index[i] = source(s, base + first[s->mode] + i, X);
        t->weight[i] = s->mode == NEAREST  ? 1
                       : s->mode == LINEAR ? 1 - d
                       : d <= 1            ? ((a + 2) * d - (a + 3)) * d * d + 1
                                           : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
}

/* Steps through all combinations of taps: the element and its weight, element -1 for a zero. */
static bool next_tap(int D, const int64_t *X, const struct taps *t, int64_t *k, int64_t *at,
                     double *weight) {
    int64_t n[SPATIAL];
    *at = 0;
    *weight = 1;
    for (int i = 0; i < D; i++) {
        int64_t p = t[i].index[k[i]];
        *at = *at < 0 || p < 0 ? -1 : *at * X[i] + p;
        *weight *= t[i].weight[k[i]];
        n[i] = t[i].n;
    }
    return ash_index_next(D, n, k, 0, NULL, NULL);
}

/* ---- GridSample ---- */

static int grid_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"linear", "nearest", "cubic", NULL};
    static const char *const old[] = {"bilinear", "nearest", "bicubic", NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    struct sampler *s = attrs;
    int64_t align;
    ASH_TRY(ash_parse_choice(c, "mode", c->node->opset < 20 ? old : modes, LINEAR, &s->mode));
    ASH_TRY(ash_parse_choice(c, "padding_mode", paddings, ZEROS, &s->padding));
    ASH_TRY(ash_parse_int(c, "align_corners", 0, &align));
    s->align = align != 0;
    return ASHORE_OK;
}

static int grid_infer(struct ash_infer *c) {
    const struct sampler *s = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *g = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int rank = x->rank >= 0 ? x->rank : g->rank, dtype;
    c->out->type.dtype = x->dtype;
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_FLOAT, &dtype));
    ASH_FAIL_IF(s->mode != NEAREST && x->dtype == ASHORE_STRING, c->err, TYPE,
                "strings can be sampled by 'nearest' alone");
    if (rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(rank < 3 || (g->rank >= 0 && g->rank != rank), c->err, SHAPE,
                "the input has %d dimensions, the grid %d", rank, g->rank);
    for (int i = 0; i < rank; i++) dim[i] = ash_dim_unknown();
    if (x->rank >= 0) dim[0] = x->dim[0];
    if (x->rank >= 0) dim[1] = x->dim[1];
    if (g->rank >= 0) {
        ASH_TRY(ash_infer_agree(c, g->dim[rank - 1], ash_dim_exact(rank - 2),
                                "coordinates in the grid"));
        ASH_TRY(ash_infer_agree(c, g->dim[0], dim[0], "grids"));
        if (dim[0].kind != ASH_DIM_EXACT) dim[0] = g->dim[0];
        for (int i = 2; i < rank; i++) dim[i] = g->dim[i - 1];
    }
    ash_infer_set(c, 0, x->dtype, rank, dim);
    return ASHORE_OK;
}

/* Taps at output position o of the grid. */
static void grid_taps(const struct ash_run *c, int64_t o, struct taps *t) {
    const struct sampler *s = c->attrs;
    const int64_t *X = c->in[0]->dim + 2;
    int D = c->in[0]->rank - 2;
    for (int i = 0; i < D; i++) { /* the grid begins with the last dimension */
        double v = ash_get_f64(c->in[1], o * D + D - 1 - i), n = (double)X[i];
        find_taps(s, s->align ? (v + 1) / 2 * (n - 1) : ((v + 1) * n - 1) / 2, X[i], &t[i]);
    }
}

/* One output position in all channels; y: the first channel's element. */
static void grid_nearest(const struct ash_run *c, const struct taps *t, const char *image,
                         int64_t plane, char *y, int64_t step) {
    const struct ash_tensor *x = c->in[0];
    size_t size = ash_dtype_size(x->dtype);
    int64_t k[SPATIAL] = {0}, at;
    double weight;
    next_tap(x->rank - 2, x->dim + 2, t, k, &at, &weight);
    for (int64_t i = 0; i < x->dim[1]; i++, y += (size_t)step * size) {
        if (at < 0)
            memset(y, 0, size);
        else
            memcpy(y, image + (size_t)(i * plane + at) * size, size);
    }
}

static void grid_blend(const struct ash_run *c, const struct taps *t, int64_t n, int64_t plane,
                       int64_t o, int64_t step) {
    struct ash_tensor x = *c->in[0], y = *c->out[0];
    int parts = x.dtype == ASHORE_COMPLEX64 || x.dtype == ASHORE_COMPLEX128 ? 2 : 1;
    if (parts == 2)
        x.dtype = y.dtype = x.dtype == ASHORE_COMPLEX64 ? ASHORE_FLOAT32 : ASHORE_FLOAT64;
    for (int64_t i = 0; i < x.dim[1] * parts; i++) {
        int64_t k[SPATIAL] = {0}, at, channel = n * x.dim[1] + i / parts;
        double sum = 0, weight;
        bool more = true;
        while (more) {
            more = next_tap(x.rank - 2, x.dim + 2, t, k, &at, &weight);
            if (at >= 0 && weight != 0)
                sum += weight * ash_get_f64(&x, (channel * plane + at) * parts + i % parts);
        }
        ash_store_f64(y.dtype, &sum, 1, ash_at(&y, (channel * step + o) * parts + i % parts));
    }
}

static int grid_ref(struct ash_run *c) {
    const struct sampler *s = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    int64_t plane = ash_dims_product(x->dim, 2, x->rank);
    int64_t step = ash_dims_product(y->dim, 2, y->rank);
    size_t size = ash_dtype_size(x->dtype);
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    ASH_FAIL_IF(plane == 0, c->err, SHAPE, "there is nothing to sample");
    if (x->dtype == ASHORE_STRING) ASH_TRY(ash_run_strings_of(c, 0, 0));
    for (int64_t n = 0; n < x->dim[0]; n++) {
        for (int64_t o = 0; o < step; o++) {
            struct taps t[SPATIAL];
            grid_taps(c, n * step + o, t);
            if (s->mode == NEAREST)
                grid_nearest(c, t, ash_at(x, n * x->dim[1] * plane), plane,
                             (char *)y->data + (size_t)(n * x->dim[1] * step + o) * size, step);
            else
                grid_blend(c, t, n, plane, o, step);
        }
    }
    return ASHORE_OK;
}

/* ---- GridSample, lowered ---- */

struct grid_params {
    const struct ash_resize_row *row;
    size_t points, taps;
};

/* Positions and weights of one image, then all channels at once. */
static int run_grid(struct ash_run *c) {
    const struct grid_params *p = c->params;
    const struct ash_tensor *x = c->in[0];
    int D = x->rank - 2;
    size_t count = p->points * p->taps, plane = (size_t)ash_dims_product(x->dim, 2, x->rank);
    int32_t *at = c->scratch;
    float *w = (float *)(void *)((char *)c->scratch + ash_align_up(count * sizeof *at));
    struct ash_sample s = {.C = (size_t)x->dim[1], .points = p->points, .taps = p->taps};
    s.at = at;
    s.w = w;
    s.x_plane = plane;
    s.y_plane = p->points;
    for (size_t n = 0; n < (size_t)x->dim[0]; n++) {
        for (size_t o = 0; o < p->points; o++) {
            struct taps t[SPATIAL];
            int64_t k[SPATIAL] = {0}, from;
            double weight;
            grid_taps(c, (int64_t)(n * p->points + o), t);
            for (size_t i = 0; i < p->taps; i++) {
                next_tap(D, x->dim + 2, t, k, &from, &weight);
                at[i * p->points + o] = weight != 0 ? (int32_t)from : -1;
                w[i * p->points + o] = (float)weight;
            }
        }
        s.x = (const float *)x->data + n * s.C * plane;
        s.y = (float *)c->out[0]->data + n * s.C * p->points;
        ash_sample_f32(p->row, c->pool, &s);
    }
    return ASHORE_OK;
}

static int grid_lower(struct ash_lower *c) {
    const struct sampler *s = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *y = &c->out->type;
    struct grid_params draft = {.row = ash_resize_best(), .taps = 1};
    bool fits = x->dtype == ASHORE_FLOAT32 && x->rank <= 5 && ash_type_count(y) > 0;
    size_t plane = ash_extents(x, 2, x->rank);
    if (!fits || plane == 0 || plane > INT32_MAX) return ASHORE_OK;
    draft.points = ash_extents(y, 2, y->rank);
    for (int i = 2; i < x->rank; i++)
        draft.taps *= s->mode == NEAREST ? 1 : s->mode == LINEAR ? 2 : 4;
    size_t bytes = ash_size_mul(ash_size_mul(draft.points, draft.taps), sizeof(float));
    size_t scratch = ash_size_mul(ash_align_up(bytes), 2);
    if (scratch == SIZE_MAX) return ASHORE_OK;
    struct grid_params *p = ash_lower_to(c, run_grid, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

/* ---- DeformConv ---- */

struct deform_attrs {
    struct ash_conv_attrs conv;
    int64_t offset_groups;
};

static int deform_parse(const struct ash_parse *c, void *attrs) {
    struct deform_attrs *a = attrs;
    ASH_TRY(ash_conv_parse(c, &a->conv));
    ASH_TRY(ash_parse_int(c, "offset_group", 1, &a->offset_groups));
    ASH_FAIL_IF(a->offset_groups < 1 || a->offset_groups > INT32_MAX, c->err, ATTR,
                "offset_group %lld", (long long)a->offset_groups);
    return ASHORE_OK;
}

/* As Conv's, with the offsets instead of the bias. */
static int deform_infer(struct ash_infer *c) {
    const struct deform_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *w = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int64_t taps = 1;
    int dtype, rank = x->rank;
    ASH_TRY(ash_infer_types(c, 0, c->n_in, ASH_TAKES_FLOAT, &dtype));
    c->out->type.dtype = (uint8_t)dtype;
    if (rank < 0 || w->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(w->rank != rank, c->err, SHAPE, "the input has %d dimensions, the weights %d", rank,
                w->rank);
    ASH_TRY(ash_window_check(&a->conv.window, rank - 2, c->err));
    ASH_TRY(ash_infer_agree(c, x->dim[1],
                            ash_infer_dim(c, ASH_DIM_MUL, w->dim[1], ash_dim_exact(a->conv.groups)),
                            "input channels"));
    bool known = w->dim[0].kind == ASH_DIM_EXACT && x->dim[1].kind == ASH_DIM_EXACT;
    ASH_FAIL_IF(known && (w->dim[0].value % a->conv.groups || x->dim[1].value % a->offset_groups),
                c->err, SHAPE, "%lld and %lld channels cannot be divided into %lld and %lld groups",
                (long long)x->dim[1].value, (long long)w->dim[0].value, (long long)a->offset_groups,
                (long long)a->conv.groups);
    dim[0] = x->dim[0];
    dim[1] = w->dim[0];
    for (int i = 2; i < rank; i++) {
        struct ash_dim k = w->dim[i];
        ASH_FAIL_IF(ash_dim_is(k, 0), c->err, SHAPE, "the weights are empty");
        if (a->conv.window.has_kernel)
            ASH_TRY(ash_infer_agree(c, k, ash_dim_exact(a->conv.window.K[i - 2]), "kernel_shape"));
        ASH_TRY(ash_window_dim(c, &a->conv.window, i - 2, x->dim[i], k, &dim[i]));
        taps =
            taps > 0 && k.kind == ASH_DIM_EXACT && k.value < INT32_MAX / taps ? taps * k.value : -1;
    }
    for (int i = 2; i < c->n_in; i++) { /* offsets, bias, mask */
        if (!ash_infer_has(c, i) || c->in[i]->type.rank < 0) continue;
        const struct ash_type *t = &c->in[i]->type;
        ASH_FAIL_IF(t->rank != (i == 3 ? 1 : rank), c->err, SHAPE, "input %d has %d dimensions", i,
                    t->rank);
        struct ash_dim each = ash_infer_dim(c, ASH_DIM_MUL, ash_dim_exact(a->offset_groups),
                                            ash_dim_exact(i == 2 ? rank - 2 : 1));
        each = ash_infer_dim(c, ASH_DIM_MUL, each, ash_dim_exact(taps));
        ASH_TRY(ash_infer_agree(c, t->dim[0], dim[i == 3 ? 1 : 0], "first extent of an input"));
        if (i == 3) continue;
        if (taps > 0) ASH_TRY(ash_infer_agree(c, t->dim[1], each, "offsets of a position"));
        for (int k = 2; k < rank; k++)
            ASH_TRY(ash_infer_agree(c, t->dim[k], dim[k], "extent of offsets"));
    }
    ash_infer_set(c, 0, dtype, rank, dim);
    return ASHORE_OK;
}

/* What the window reads at output position o (index `at`) of image n: column[C][K]. */
static void deform_column(const struct ash_run *c, int64_t n, int64_t o, const int64_t *at,
                          double *column) {
    static const struct sampler sampler = {LINEAR, ZEROS, true};
    const struct deform_attrs *a = c->attrs;
    const struct ash_window *win = &a->conv.window;
    const struct ash_tensor *x = c->in[0], *w = c->in[1], *y = c->out[0];
    const struct ash_tensor *mask = ash_run_has(c, 4) ? c->in[4] : NULL;
    int D = x->rank - 2;
    int64_t K = ash_dims_product(w->dim, 2, w->rank), plane = ash_dims_product(x->dim, 2, x->rank);
    int64_t O = ash_dims_product(y->dim, 2, y->rank), C = x->dim[1], each = C / a->offset_groups;
    for (int64_t g = 0; g < a->offset_groups; g++) {
        int64_t k[SPATIAL] = {0};
        for (int64_t tap = 0; tap < K; tap++) {
            int64_t row = (n * a->offset_groups + g) * K + tap;
            struct taps t[SPATIAL];
            for (int i = 0; i < D; i++) {
                int64_t P = ash_window_pad(win, i, x->dim[2 + i], w->dim[2 + i], y->dim[2 + i]);
                double p = (double)(at[i] * win->S[i] - P + k[i] * win->L[i]);
                p += ash_get_f64(c->in[2], (row * D + i) * O + o);
                find_taps(&sampler, p, x->dim[2 + i], &t[i]);
            }
            double factor = mask ? ash_get_f64(mask, row * O + o) : 1;
            for (int64_t i = g * each; i < (g + 1) * each; i++) {
                int64_t j[SPATIAL] = {0}, from;
                double sum = 0, weight;
                bool more = true;
                while (more) {
                    more = next_tap(D, x->dim + 2, t, j, &from, &weight);
                    if (from >= 0 && weight != 0)
                        sum += weight * ash_get_f64(x, (n * C + i) * plane + from);
                }
                column[i * K + tap] = sum * factor;
            }
            ash_index_next(D, w->dim + 2, k, 0, NULL, NULL);
        }
    }
}

static int deform_ref(struct ash_run *c) {
    const struct deform_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *w = c->in[1], *y = c->out[0];
    const struct ash_tensor *b = ash_run_has(c, 3) ? c->in[3] : NULL;
    int64_t count = ash_tensor_count(w), O = ash_dims_product(y->dim, 2, y->rank), M = w->dim[0];
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    int64_t sum = count / M, size = sum * a->conv.groups; /* products of an output, of a column */
    size_t room = (size_t)(count + size + 1) * sizeof(double);
    double *weights = ash_alloc(c->heap, room);
    if (!weights) return ash_fail_nomem(c->err, room);
    double *column = weights + count;
    ash_load_f64(w->dtype, w->data, (size_t)count, weights);
    for (int64_t n = 0; n < x->dim[0]; n++) {
        int64_t at[SPATIAL] = {0};
        for (int64_t o = 0; o < O; o++) {
            deform_column(c, n, o, at, column);
            for (int64_t m = 0; m < M; m++) {
                const double *from = column + m / (M / a->conv.groups) * sum;
                double v = b ? ash_get_f64(b, m) : 0;
                for (int64_t i = 0; i < sum; i++) v += weights[m * sum + i] * from[i];
                ash_store_f64(y->dtype, &v, 1, ash_at(y, (n * M + m) * O + o));
            }
            ash_index_next(y->rank - 2, y->dim + 2, at, 0, NULL, NULL);
        }
    }
    ash_free(c->heap, weights, room);
    return ASHORE_OK;
}

/* ---- AffineGrid ---- */

static int affine_parse(const struct ash_parse *c, void *attrs) {
    struct sampler *s = attrs;
    int64_t align;
    ASH_TRY(ash_parse_int(c, "align_corners", 0, &align));
    s->align = align != 0;
    return ASHORE_OK;
}

static int affine_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK], list[ASH_MAX_RANK];
    int n, dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    c->out->type.dtype = (uint8_t)dtype;
    ASH_FAIL_IF(t->rank >= 0 && t->rank != 3, c->err, SHAPE, "theta has %d dimensions", t->rank);
    int rc = ash_infer_ints(c, 1, list, ASH_MAX_RANK, &n);
    if (rc != ASHORE_OK) return rc;
    ASH_FAIL_IF(n != 4 && n != 5, c->err, SHAPE, "the size has %d elements", n);
    if (t->rank == 3) {
        ASH_TRY(ash_infer_agree(c, t->dim[0], list[0], "matrices"));
        ASH_TRY(ash_infer_agree(c, t->dim[1], ash_dim_exact(n - 2), "rows of theta"));
        ASH_TRY(ash_infer_agree(c, t->dim[2], ash_dim_exact(n - 1), "columns of theta"));
    }
    dim[0] = list[0];
    for (int i = 1; i < n - 1; i++) dim[i] = list[i + 1];
    dim[n - 1] = ash_dim_exact(n - 2);
    for (int i = 0; i < n; i++) {
        ASH_FAIL_IF(dim[i].kind == ASH_DIM_EXACT && dim[i].value < 0, c->err, ARGUMENT, "size %lld",
                    (long long)dim[i].value);
    }
    ash_infer_set(c, 0, dtype, n, dim);
    return ash_infer_known(list, n);
}

static int affine_ref(struct ash_run *c) {
    const struct sampler *s = c->attrs;
    const struct ash_tensor *y = c->out[0];
    int D = y->rank - 2;
    int64_t at[ASH_MAX_RANK] = {0};
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    char *to = y->data;
    do { /* at: an element of y */
        int64_t row = (at[0] * D + at[D + 1]) * (D + 1);
        double v = ash_get_f64(c->in[0], row + D);
        for (int i = 0; i < D; i++) {
            double n = (double)y->dim[1 + i], o = (double)at[1 + i];
            double p = !s->align ? (2 * o + 1) / n - 1 : n > 1 ? 2 * o / (n - 1) - 1 : -1;
            v += p * ash_get_f64(c->in[0], row + D - 1 - i);
        }
        ash_store_f64(y->dtype, &v, 1, to);
        to += ash_dtype_size(y->dtype);
    } while (ash_index_next(y->rank, y->dim, at, 0, NULL, NULL));
    return ASHORE_OK;
}

const struct ash_op ash_ops_grid_op[] = {{.name = "GridSample",
                                          .domain = "",
                                          .since = 16,
                                          .in_min = 2,
                                          .in_max = 2,
                                          .out_min = 1,
                                          .out_max = 1,
                                          .attrs_size = sizeof(struct sampler),
                                          .parse = grid_parse,
                                          .infer = grid_infer,
                                          .ref = grid_ref,
                                          .lower = grid_lower},
                                         {.name = "DeformConv",
                                          .domain = "",
                                          .since = 19,
                                          .in_min = 3,
                                          .in_max = 5,
                                          .out_min = 1,
                                          .out_max = 1,
                                          .attrs_size = sizeof(struct deform_attrs),
                                          .parse = deform_parse,
                                          .infer = deform_infer,
                                          .ref = deform_ref},
                                         {.name = "AffineGrid",
                                          .domain = "",
                                          .since = 20,
                                          .in_min = 2,
                                          .in_max = 2,
                                          .out_min = 1,
                                          .out_max = 1,
                                          .attrs_size = sizeof(struct sampler),
                                          .parse = affine_parse,
                                          .infer = affine_infer,
                                          .ref = affine_ref},
                                         {0}};
