/* Conv.
 *
 * Letters: N batch, G groups, C channels of a group, M output channels; see window.h for the rest.
 */
#include "ops/convert.h"
#include "ops/widen.h"
#include "ops/window.h"

#include <string.h>

extern const struct ash_op ash_ops_conv_op[];

static int conv_parse(const struct ash_parse *c, void *attrs) { return ash_conv_parse(c, attrs); }

static int conv_channels(struct ash_infer *c, const struct ash_type *x, const struct ash_type *w) {
    const struct ash_conv_attrs *a = c->attrs;
    struct ash_dim in = x->dim[1], out = w->dim[0], each = w->dim[1];
    ASH_FAIL_IF(in.kind == ASH_DIM_EXACT && each.kind == ASH_DIM_EXACT &&
                    in.value != each.value * a->groups,
                c->err, SHAPE, "%lld input channels, but weights for %lld in %lld groups",
                (long long)in.value, (long long)each.value, (long long)a->groups);
    ASH_FAIL_IF(out.kind == ASH_DIM_EXACT && out.value % a->groups, c->err, SHAPE,
                "%lld output channels cannot be divided into %lld groups", (long long)out.value,
                (long long)a->groups);
    if (!ash_infer_has(c, 2) || c->in[2]->type.rank < 0) return ASHORE_OK;
    const struct ash_type *b = &c->in[2]->type;
    bool fits = b->rank == 1 && (b->dim[0].kind != ASH_DIM_EXACT || out.kind != ASH_DIM_EXACT ||
                                 b->dim[0].value == out.value);
    ASH_FAIL_IF(!fits, c->err, SHAPE, "the bias must be [%lld]", (long long)out.value);
    return ASHORE_OK;
}

static int conv_infer(struct ash_infer *c) {
    const struct ash_conv_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *w = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int rank = x->rank >= 0 ? x->rank : w->rank;
    c->out->type.dtype = x->dtype;
    ASH_TRY(ash_window_types(c));
    if (rank < 0) return ASHORE_OK;
    ASH_MISFIT_IF(w->rank >= 0 && w->rank != rank, c->err, SHAPE,
                  "the input has %d dimensions, the weights %d", rank, w->rank);
    ASH_TRY(ash_window_check(&a->window, rank - 2, c->err));
    bool both = x->rank >= 0 && w->rank >= 0;
    if (both) ASH_TRY(conv_channels(c, x, w));
    for (int i = 0; i < rank; i++) dim[i] = ash_dim_unknown();
    if (x->rank >= 0) dim[0] = x->dim[0];
    if (w->rank >= 0) dim[1] = w->dim[0];
    for (int i = 0; i < rank - 2 && x->rank >= 0; i++) {
        struct ash_dim k = w->rank >= 0 ? w->dim[2 + i] : ash_dim_unknown();
        if (a->window.has_kernel) {
            bool differs = k.kind == ASH_DIM_EXACT && k.value != a->window.K[i];
            ASH_FAIL_IF(differs, c->err, SHAPE, "kernel_shape %lld, but weights of %lld",
                        (long long)a->window.K[i], (long long)k.value);
            k = ash_dim_exact(a->window.K[i]);
        }
        ASH_FAIL_IF(ash_dim_is(k, 0), c->err, SHAPE, "the weights are empty");
        ASH_TRY(ash_window_dim(c, &a->window, i, x->dim[2 + i], k, &dim[2 + i]));
    }
    ash_infer_set(c, 0, x->dtype, rank, dim);
    return ASHORE_OK;
}

/* What the loops need; rows are taken along the last spatial dimension. */
struct conv {
    const struct ash_window *w;
    const struct ash_tensor *x, *weights;
    struct ash_tensor *y;
    int spatial, last;
    int64_t P[ASH_WINDOW_RANK];
    double *sum, *row, *taps; /* of an output row, an input row, a row of the window */
};

/* One row of the window over one row of the input. */
static void conv_row(const struct conv *v) {
    int64_t S = v->w->S[v->last], L = v->w->L[v->last], P = v->P[v->last];
    int64_t X = v->x->dim[v->last + 2], Y = v->y->dim[v->last + 2];
    int64_t K = v->weights->dim[v->last + 2];
    for (int64_t k = 0; k < K; k++) {
        int64_t shift = k * L - P; /* o * S + shift lies in 0..X-1 */
        int64_t first = shift < 0 ? (S - 1 - shift) / S : 0;
        int64_t end = shift < X ? (X - 1 - shift) / S + 1 : 0;
        if (end > Y) end = Y;
        for (int64_t o = first; o < end; o++) v->sum[o] += v->taps[k] * v->row[o * S + shift];
    }
}

/* The output row at position `at` of the other spatial dimensions: x and weights are those of one
 * image and output channel, C channels each. */
static void conv_output_row(const struct conv *v, int64_t C, const int64_t *at, const char *x,
                            const char *weights) {
    int64_t X = v->x->dim[v->last + 2], K = v->weights->dim[v->last + 2];
    int64_t rows = ash_dims_product(v->weights->dim, 2, v->last + 2);
    int64_t plane = ash_dims_product(v->x->dim, 2, v->x->rank) / (X ? X : 1);
    size_t size = ash_dtype_size(v->x->dtype), weight = ash_dtype_size(v->weights->dtype);
    for (int64_t c = 0; c < C; c++) {
        int64_t k[ASH_WINDOW_RANK] = {0};
        for (int64_t r = 0; r < rows; r++) {
            int64_t line = 0;
            bool inside = true;
            for (int i = 0; i < v->last; i++) {
                int64_t p = at[i] * v->w->S[i] - v->P[i] + k[i] * v->w->L[i];
                inside = inside && p >= 0 && p < v->x->dim[2 + i];
                line = line * v->x->dim[2 + i] + p;
            }
            if (inside) {
                size_t from = (size_t)((c * plane + line) * X);
                ash_load_f64(v->x->dtype, x + from * size, (size_t)X, v->row);
                const char *taps = weights + (size_t)((c * rows + r) * K) * weight;
                ash_load_f64(v->weights->dtype, taps, (size_t)K, v->taps);
                conv_row(v);
            }
            ash_index_next(v->last, v->weights->dim + 2, k, 0, NULL, NULL);
        }
    }
}

/* Sums are kept in double and rounded once. */
static int conv_ref(struct ash_run *c) {
    const struct ash_conv_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *w = c->in[1], *b = ash_run_has(c, 2) ? c->in[2] : NULL;
    struct conv v = {.w = &a->window, .x = x, .weights = w, .y = c->out[0], .spatial = x->rank - 2};
    v.last = v.spatial - 1;
    for (int i = 0; i < v.spatial; i++)
        v.P[i] = ash_window_pad(&a->window, i, x->dim[2 + i], w->dim[2 + i], v.y->dim[2 + i]);
    int64_t X = x->dim[x->rank - 1], Y = v.y->dim[x->rank - 1], K = w->dim[x->rank - 1];
    size_t size = ash_dtype_size(x->dtype), room = (size_t)(X + Y + K) * sizeof(double);
    if (ash_tensor_count(v.y) == 0) return ASHORE_OK;
    v.sum = ash_alloc(c->heap, room);
    if (!v.sum) return ash_fail_nomem(c->err, room);
    v.row = v.sum + Y;
    v.taps = v.row + X;
    int64_t M = w->dim[0], C = w->dim[1], rows = ash_dims_product(v.y->dim, 2, v.last + 2);
    int64_t image = ash_dims_product(x->dim, 2, x->rank);
    int64_t kernel = ash_dims_product(w->dim, 1, w->rank);
    char *out = v.y->data;
    for (int64_t i = 0; i < x->dim[0] * M; i++) {
        int64_t m = i % M, at[ASH_WINDOW_RANK] = {0};
        int64_t first = i / M * x->dim[1] + m / (M / a->groups) * C;
        double bias = b ? ash_get_f64(b, m) : 0;
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t o = 0; o < Y; o++) v.sum[o] = bias;
            conv_output_row(&v, C, at, ash_at(x, first * image), ash_at(w, m * kernel));
            ash_store_f64(x->dtype, v.sum, (size_t)Y, out);
            out += (size_t)Y * size;
            ash_index_next(v.last, v.y->dim + 2, at, 0, NULL, NULL);
        }
    }
    ash_free(c->heap, v.sum, room);
    return ASHORE_OK;
}

const struct ash_op ash_ops_conv_op[] = {{.name = "Conv",
                                          .domain = "",
                                          .since = 1,
                                          .in_min = 2,
                                          .in_max = 3,
                                          .out_min = 1,
                                          .out_max = 1,
                                          .attrs_size = sizeof(struct ash_conv_attrs),
                                          .parse = conv_parse,
                                          .infer = conv_infer,
                                          .ref = conv_ref},
                                         {0}};
