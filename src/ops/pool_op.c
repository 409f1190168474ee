/* MaxPool, AveragePool, LpPool and their global forms.  Letters: window.h. */
#include "ops/convert.h"
#include "ops/window.h"

#include <math.h>

extern const struct ash_op ash_ops_pool_op[];

/* An integer, but for operator set 1. */
static int norm_parse(const struct ash_parse *c, double *p) {
    float real = 2;
    int64_t integer = 2;
    bool old = c->node->opset < 2;
    if (old)
        ASH_TRY(ash_parse_float(c, "p", 2, &real));
    else
        ASH_TRY(ash_parse_int(c, "p", 2, &integer));
    *p = old ? (double)real : (double)integer;
    ASH_FAIL_IF(!(*p > 0), c->err, ATTR, "p is %g", *p);
    return ASHORE_OK;
}

static int pool_parse(const struct ash_parse *c, void *attrs) {
    struct ash_pool_attrs *a = attrs;
    const char *name = c->node->op_type;
    int64_t count_pad, column_major;
    a->whole = name[0] == 'G';
    a->max = name[a->whole ? 6 : 0] == 'M';
    if (name[a->whole ? 6 : 0] == 'L') ASH_TRY(norm_parse(c, &a->p));
    ASH_TRY(ash_window_parse(c, &a->window));
    ASH_TRY(ash_parse_int(c, "count_include_pad", 0, &count_pad));
    ASH_TRY(ash_parse_int(c, "storage_order", 0, &column_major));
    a->count_pad = count_pad != 0;
    a->column_major = column_major != 0;
    ASH_FAIL_IF(!a->whole && !a->window.has_kernel, c->err, ATTR,
                "attribute 'kernel_shape' is missing");
    return ASHORE_OK;
}

static int pool_infer(struct ash_infer *c) {
    const struct ash_pool_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int class = ash_dtype(t->dtype)->number;
    ASH_MISFIT_IF(t->dtype && class != ASH_CLASS_FLOAT &&
                      (!a->max || t->dtype == ASHORE_BOOL || ash_dtype_size(t->dtype) != 1),
                  c->err, TYPE, "the input is %s", ash_dtype(t->dtype)->name);
    if (t->rank >= 0) ASH_TRY(ash_window_check(&a->window, t->rank - 2, c->err));
    for (int i = 0; i < t->rank; i++) {
        if (i < 2)
            dim[i] = t->dim[i];
        else if (a->whole)
            dim[i] = ash_dim_exact(1);
        else
            ASH_TRY(ash_window_dim(c, &a->window, i - 2, t->dim[i],
                                   ash_dim_exact(a->window.K[i - 2]), &dim[i]));
    }
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    if (c->n_out > 1) ash_infer_set(c, 1, ASHORE_INT64, t->rank, dim);
    return ASHORE_OK;
}

/* The taps of a window inside of the input, and where the walk over them is. */
struct taps {
    int64_t first[ASH_WINDOW_RANK], count[ASH_WINDOW_RANK], at[ASH_WINDOW_RANK];
    int64_t total, padded; /* inside; inside or in the padding */
};

static void find_taps(const struct ash_window *w, int spatial, const int64_t *P, const int64_t *X,
                      const int64_t *Y, const int64_t *o, struct taps *t) {
    t->total = t->padded = 1;
    for (int i = 0; i < spatial; i++) {
        int64_t L = w->L[i], start = o[i] * w->S[i] - P[i];
        int64_t skip = start < 0 ? (L - 1 - start) / L : 0; /* taps before the input */
        int64_t end = start < X[i] ? (X[i] - 1 - start) / L + 1 : 0;
        int64_t behind = w->auto_pad == ASH_PAD_NOTSET
                             ? X[i] + w->Q[i]
                             : (Y[i] - 1) * w->S[i] - P[i] + (w->K[i] - 1) * L + 1;
        int64_t most = start < behind ? (behind - 1 - start) / L + 1 : 0;
        if (end > w->K[i]) end = w->K[i];
        if (most > w->K[i]) most = w->K[i];
        t->first[i] = start + skip * L;
        t->count[i] = end > skip ? end - skip : 0;
        t->at[i] = 0;
        t->total *= t->count[i];
        t->padded *= most;
    }
}

/* The result over one window of a plane; *index is where the maximum is, -1 in padding alone. */
static double pool_window(const struct ash_pool_attrs *a, const struct ash_window *w, int spatial,
                          const int64_t *X, struct taps *t, const double *plane, int64_t *index) {
    double best = a->max ? -INFINITY : 0;
    *index = -1;
    for (int64_t k = 0; k < t->total; k++) {
        int64_t at = 0;
        for (int i = 0; i < spatial; i++) at = at * X[i] + t->first[i] + t->at[i] * w->L[i];
        double v = plane[at];
        if (!a->max) {
            best += a->p == 0 ? v : pow(fabs(v), a->p);
        } else if (*index < 0 || v > best || (isnan(v) && !isnan(best))) {
            best = v;
            *index = at;
        }
        ash_index_next(spatial, t->count, t->at, 0, NULL, NULL);
    }
    if (a->max) return best;
    if (a->p != 0) return pow(best, 1 / a->p);
    return best / (double)(a->count_pad ? t->padded : t->total);
}

/* Row-major index within a plane as one where the first dimension is the innermost. */
static int64_t column_major(int spatial, const int64_t *X, int64_t at) {
    int64_t index = 0, step = ash_dims_product(X, 0, spatial);
    for (int i = spatial - 1; i >= 0; i--) {
        step /= X[i];
        index += at % X[i] * step;
        at /= X[i];
    }
    return index;
}

static void pool_plane(struct ash_run *c, const struct ash_window *w, const int64_t *P, int64_t p,
                       double *plane) {
    const struct ash_pool_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    const struct ash_tensor *indices = c->n_out > 1 ? c->out[1] : NULL;
    int spatial = x->rank - 2;
    const int64_t *X = x->dim + 2, *Y = y->dim + 2;
    int64_t size = ash_dims_product(X, 0, spatial), count = ash_dims_product(Y, 0, spatial);
    int64_t o[ASH_WINDOW_RANK] = {0}, index;
    double tile[ASH_TILE];
    size_t n = 0;
    ash_load_f64(x->dtype, ash_at(x, p * size), (size_t)size, plane);
    for (int64_t i = 0; i < count; i++) {
        struct taps t;
        find_taps(w, spatial, P, X, Y, o, &t);
        double v = pool_window(a, w, spatial, X, &t, plane, &index);
        if (t.total == 0 && a->max && !ash_dtype_is_float(x->dtype))
            v = x->dtype == ASHORE_INT8 ? INT8_MIN : 0;
        tile[n++] = v;
        if (indices) {
            if (a->column_major && index >= 0) index = column_major(spatial, X, index);
            ((int64_t *)indices->data)[p * count + i] = index < 0 ? index : p * size + index;
        }
        if (n == ASH_TILE || i == count - 1) {
            ash_store_f64(y->dtype, tile, n, ash_at(y, p * count + i + 1 - (int64_t)n));
            n = 0;
        }
        ash_index_next(spatial, Y, o, 0, NULL, NULL);
    }
}

static int pool_ref(struct ash_run *c) {
    const struct ash_pool_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    struct ash_window w = a->window;
    int64_t P[ASH_WINDOW_RANK];
    for (int i = 0; i < x->rank - 2; i++) {
        if (a->whole) w.K[i] = x->dim[2 + i];
        P[i] = ash_window_pad(&w, i, x->dim[2 + i], w.K[i], y->dim[2 + i]);
    }
    size_t room = (size_t)ash_dims_product(x->dim, 2, x->rank) * sizeof(double);
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    double *plane = ash_alloc(c->heap, room + sizeof(double));
    if (!plane) return ash_fail_nomem(c->err, room);
    for (int64_t p = 0; p < x->dim[0] * x->dim[1]; p++) pool_plane(c, &w, P, p, plane);
    ash_free(c->heap, plane, room + sizeof(double));
    return ASHORE_OK;
}

#define POOL                                                                                       \
    .domain = "", .since = 1, .in_min = 1, .in_max = 1, .out_min = 1,                              \
    .attrs_size = sizeof(struct ash_pool_attrs), .parse = pool_parse, .infer = pool_infer,         \
    .ref = pool_ref

const struct ash_op ash_ops_pool_op[] = {{POOL, .name = "MaxPool", .out_max = 2},
                                         {POOL, .name = "AveragePool", .out_max = 1},
                                         {POOL, .name = "LpPool", .out_max = 1},
                                         {POOL, .name = "GlobalLpPool", .out_max = 1},
                                         {POOL, .name = "GlobalMaxPool", .out_max = 1},
                                         {POOL, .name = "GlobalAveragePool", .out_max = 1},
                                         {0}};
