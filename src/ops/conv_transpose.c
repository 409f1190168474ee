/* ConvTranspose.
 *
 * Letters: N batch, G groups, C channels of a group, M output channels of a group; see window.h for
 * the rest, where X is the input still: input i and tap k belong to output i * S + k * L - P. */
#include "ops/elementwise.h"
#include "ops/window.h"

extern const struct ash_op ash_ops_conv_transpose[];

#define EXTENT_MAX ((double)((int64_t)1 << 40))

static int deconv_parse(const struct ash_parse *c, void *attrs) {
    struct ash_deconv_attrs *a = attrs;
    bool given;
    ASH_TRY(ash_conv_parse(c, &a->conv));
    ASH_TRY(ash_window_list(c, "output_padding", 0, &a->conv.window, a->more, NULL, &given));
    return ash_window_list(c, "output_shape", 0, &a->conv.window, a->Y, NULL, &a->has_output);
}

int64_t ash_deconv_pad(const struct ash_deconv_attrs *a, int i, int64_t x, int64_t k, int64_t y) {
    const struct ash_window *w = &a->conv.window;
    bool same = w->auto_pad == ASH_PAD_SAME_UPPER || w->auto_pad == ASH_PAD_SAME_LOWER;
    if (!same && !a->has_output) return w->auto_pad == ASH_PAD_NOTSET ? w->P[i] : 0;
    int64_t total = w->S[i] * (x - 1) + a->more[i] + (k - 1) * w->L[i] + 1 - y;
    if (total < 0) return 0;
    return w->auto_pad == ASH_PAD_SAME_UPPER ? total / 2 : total - total / 2;
}

static int deconv_dim(struct ash_infer *c, int i, struct ash_dim x, struct ash_dim k,
                      struct ash_dim *y) {
    const struct ash_deconv_attrs *a = c->attrs;
    const struct ash_window *w = &a->conv.window;
    bool same = w->auto_pad == ASH_PAD_SAME_UPPER || w->auto_pad == ASH_PAD_SAME_LOWER;
    double reach = x.kind == ASH_DIM_EXACT ? (double)x.value * (double)w->S[i] : 0;
    if (k.kind == ASH_DIM_EXACT) reach += (double)k.value * (double)w->L[i];
    ASH_FAIL_IF(reach > EXTENT_MAX, c->err, LIMIT, "spatial dimension %d becomes %.0f", i, reach);
    if (a->has_output) {
        *y = ash_dim_exact(a->Y[i]);
        return ASHORE_OK;
    }
    *y = ash_dim_unknown();
    if (k.kind != ASH_DIM_EXACT) return ASHORE_OK;
    *y = ash_infer_dim(c, ASH_DIM_MUL, x, ash_dim_exact(w->S[i]));
    if (same) return ASHORE_OK;
    int64_t pads = w->auto_pad == ASH_PAD_NOTSET ? w->P[i] + w->Q[i] : 0;
    int64_t more = a->more[i] + (k.value - 1) * w->L[i] + 1 - pads - w->S[i];
    *y = ash_infer_dim(c, ASH_DIM_ADD, *y, ash_dim_exact(more));
    ASH_FAIL_IF(y->kind == ASH_DIM_EXACT && y->value < 0, c->err, SHAPE,
                "pads of %lld leave nothing of spatial dimension %d", (long long)pads, i);
    return ASHORE_OK;
}

static int deconv_channels(struct ash_infer *c, struct ash_dim *out) {
    const struct ash_deconv_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *w = &c->in[1]->type;
    struct ash_dim in = x->rank >= 0 ? x->dim[1] : ash_dim_unknown();
    *out = ash_dim_unknown();
    if (w->rank < 0) return ASHORE_OK;
    struct ash_dim from = w->dim[0];
    ASH_TRY(ash_infer_agree(c, in, from, "input channels"));
    if (in.kind != ASH_DIM_EXACT) in = from;
    ASH_FAIL_IF(in.kind == ASH_DIM_EXACT && in.value % a->conv.groups, c->err, SHAPE,
                "%lld input channels cannot be divided into %lld groups", (long long)in.value,
                (long long)a->conv.groups);
    *out = ash_infer_dim(c, ASH_DIM_MUL, w->dim[1], ash_dim_exact(a->conv.groups));
    if (!ash_infer_has(c, 2) || c->in[2]->type.rank < 0) return ASHORE_OK;
    const struct ash_type *b = &c->in[2]->type;
    ASH_FAIL_IF(b->rank != 1, c->err, SHAPE, "a bias of rank %d", b->rank);
    return ash_infer_agree(c, b->dim[0], *out, "elements of the bias");
}

static int deconv_infer(struct ash_infer *c) {
    const struct ash_deconv_attrs *a = c->attrs;
    const struct ash_window *win = &a->conv.window;
    const struct ash_type *x = &c->in[0]->type, *w = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int rank = x->rank >= 0 ? x->rank : w->rank;
    c->out->type.dtype = x->dtype;
    ASH_TRY(ash_window_types(c));
    if (rank < 0) return ASHORE_OK;
    ASH_MISFIT_IF(w->rank >= 0 && w->rank != rank, c->err, SHAPE,
                  "the input has %d dimensions, the weights %d", rank, w->rank);
    ASH_TRY(ash_window_check(win, rank - 2, c->err));
    dim[0] = x->rank >= 0 ? x->dim[0] : ash_dim_unknown();
    ASH_TRY(deconv_channels(c, &dim[1]));
    for (int i = 0; i < rank - 2; i++) {
        struct ash_dim k = w->rank >= 0 ? w->dim[2 + i] : ash_dim_unknown();
        if (win->has_kernel) {
            ASH_TRY(ash_infer_agree(c, k, ash_dim_exact(win->K[i]), "extent of the weights"));
            k = ash_dim_exact(win->K[i]);
        }
        ASH_FAIL_IF(ash_dim_is(k, 0), c->err, SHAPE, "the weights are empty");
        ASH_TRY(deconv_dim(c, i, x->rank >= 0 ? x->dim[2 + i] : ash_dim_unknown(), k, &dim[2 + i]));
    }
    ash_infer_set(c, 0, x->dtype, rank, dim);
    return ASHORE_OK;
}

/* What the loops need; rows are taken along the last spatial dimension. */
struct deconv {
    const struct ash_window *w;
    const int64_t *X, *Y, *K;
    int last;
    int64_t P[ASH_WINDOW_RANK];
    double *sum, *plane, *taps; /* of an output plane, an input plane, a window */
};

/* Adds an input plane times one tap, at position k of the window. */
static void add_tap(const struct deconv *v, const int64_t *k, double tap) {
    int64_t at[ASH_WINDOW_RANK] = {0}, shift[ASH_WINDOW_RANK];
    int64_t X = v->X[v->last], Y = v->Y[v->last], S = v->w->S[v->last];
    for (int i = 0; i <= v->last; i++) shift[i] = k[i] * v->w->L[i] - v->P[i];
    const double *from = v->plane;
    do {
        int64_t line = 0;
        bool inside = true;
        for (int i = 0; i < v->last; i++) {
            int64_t o = at[i] * v->w->S[i] + shift[i];
            inside = inside && o >= 0 && o < v->Y[i];
            line = line * v->Y[i] + o;
        }
        for (int64_t i = 0; inside && i < X; i++) {
            int64_t o = i * S + shift[v->last];
            if (o >= 0 && o < Y) v->sum[line * Y + o] += tap * from[i];
        }
        from += X;
    } while (ash_index_next(v->last, v->X, at, 0, NULL, NULL));
}

/* Sums are kept in double and rounded once. */
static int deconv_ref(struct ash_run *c) {
    const struct ash_deconv_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *w = c->in[1], *y = c->out[0];
    const struct ash_tensor *b = ash_run_has(c, 2) ? c->in[2] : NULL;
    struct deconv v = {.w = &a->conv.window, .X = x->dim + 2, .Y = y->dim + 2, .K = w->dim + 2};
    int spatial = x->rank - 2;
    v.last = spatial - 1;
    for (int i = 0; i < spatial; i++) v.P[i] = ash_deconv_pad(a, i, v.X[i], v.K[i], v.Y[i]);
    size_t in = (size_t)ash_dims_product(v.X, 0, spatial);
    size_t out = (size_t)ash_dims_product(v.Y, 0, spatial);
    size_t taps = (size_t)ash_dims_product(v.K, 0, spatial);
    size_t room = (in + out + taps) * sizeof(double);
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    v.sum = ash_alloc(c->heap, room);
    if (!v.sum) return ash_fail_nomem(c->err, room);
    v.plane = v.sum + out;
    v.taps = v.plane + in;
    int64_t each = w->dim[1], C = x->dim[1] / a->conv.groups;
    for (int64_t o = 0; o < y->dim[0] * y->dim[1]; o++) {
        int64_t m = o % y->dim[1], group = m / each;
        for (size_t i = 0; i < out; i++) v.sum[i] = b ? ash_get_f64(b, m) : 0;
        for (int64_t i = group * C; in && i < (group + 1) * C; i++) {
            int64_t k[ASH_WINDOW_RANK] = {0};
            const double *tap = v.taps;
            int64_t plane = o / y->dim[1] * x->dim[1] + i;
            ash_load_f64(x->dtype, ash_at(x, plane * (int64_t)in), in, v.plane);
            ash_load_f64(w->dtype, ash_at(w, (i * each + m % each) * (int64_t)taps), taps, v.taps);
            do { add_tap(&v, k, *tap++); } while (ash_index_next(spatial, v.K, k, 0, NULL, NULL));
        }
        ash_store_f64(y->dtype, v.sum, out, ash_at(y, o * (int64_t)out));
    }
    ash_free(c->heap, v.sum, room);
    return ASHORE_OK;
}

const struct ash_op ash_ops_conv_transpose[] = {{.name = "ConvTranspose",
                                                 .domain = "",
                                                 .since = 1,
                                                 .in_min = 2,
                                                 .in_max = 3,
                                                 .out_min = 1,
                                                 .out_max = 1,
                                                 .attrs_size = sizeof(struct ash_deconv_attrs),
                                                 .parse = deconv_parse,
                                                 .infer = deconv_infer,
                                                 .ref = deconv_ref},
                                                {0}};
