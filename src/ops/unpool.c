/* MaxUnpool, Col2Im: what a pooling or an unfolding took apart, put together.
 *
 * Letters: N batch, C channels; window.h has the rest, X and Y as the pooling or unfolding saw
 * them: Y is the input here. */
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/window.h"

#include <string.h>

extern const struct ash_op ash_ops_unpool[];

static int window_parse(const struct ash_parse *c, void *attrs) {
    return ash_window_parse(c, attrs);
}

/* What no extent can be is refused: numbers below 0 and beyond all memory. */
static int check_extents(struct ash_infer *c, const struct ash_dim *list, int n) {
    for (int i = 0; i < n; i++) {
        bool beyond = list[i].value < 0 || list[i].value > (int64_t)1 << 40;
        ASH_FAIL_IF(list[i].kind == ASH_DIM_EXACT && beyond, c->err, ARGUMENT, "extent %lld",
                    (long long)list[i].value);
    }
    return ASHORE_OK;
}

/* ---- MaxUnpool ---- */

static int unpool_parse(const struct ash_parse *c, void *attrs) {
    const struct ash_window *w = attrs;
    ASH_TRY(ash_window_parse(c, attrs));
    ASH_FAIL_IF(!w->has_kernel, c->err, ATTR, "attribute 'kernel_shape' is missing");
    return ASHORE_OK;
}

/* The extent that was pooled, by the attributes: indices count in these. */
static double pooled(const struct ash_window *w, int i, int64_t y) {
    return (double)(y - 1) * (double)w->S[i] - (double)w->P[i] - (double)w->Q[i] + (double)w->K[i];
}

static int unpool_infer(struct ash_infer *c) {
    const struct ash_window *w = c->attrs;
    const struct ash_type *y = &c->in[0]->type, *indices = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int dtype, n;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    c->out->type.dtype = (uint8_t)dtype;
    ASH_FAIL_IF(indices->dtype && indices->dtype != ASHORE_INT64, c->err, TYPE,
                "the indices are %s", ash_dtype(indices->dtype)->name);
    if (y->rank < 0) return ASHORE_OK;
    ASH_TRY(ash_window_check(w, y->rank - 2, c->err));
    ASH_FAIL_IF(indices->rank >= 0 && indices->rank != y->rank, c->err, SHAPE,
                "indices of rank %d for values of rank %d", indices->rank, y->rank);
    for (int i = 0; i < y->rank; i++) {
        struct ash_dim d = y->dim[i];
        if (indices->rank >= 0) ASH_TRY(ash_infer_agree(c, indices->dim[i], d, "indices"));
        dim[i] = i < 2 ? d : ash_dim_unknown();
        if (i < 2 || d.kind != ASH_DIM_EXACT) continue;
        double extent = pooled(w, i - 2, d.value);
        ASH_FAIL_IF(extent < 0 || extent > 1e12, c->err, SHAPE, "dimension %d becomes %.0f", i,
                    extent);
        dim[i] = ash_dim_exact((int64_t)extent);
    }
    ash_infer_rank(c, 0, y->rank);
    if (ash_infer_has(c, 2)) {
        int rc = ash_infer_ints(c, 2, dim, ASH_MAX_RANK, &n);
        if (rc != ASHORE_OK) return rc;
        ASH_FAIL_IF(n != y->rank, c->err, SHAPE, "output_shape has %d elements for %d dimensions",
                    n, y->rank);
        ASH_TRY(check_extents(c, dim, n));
    }
    ash_infer_set(c, 0, dtype, y->rank, dim);
    return ash_infer_has(c, 2) ? ash_infer_known(dim, y->rank) : ASHORE_OK;
}

static int unpool_ref(struct ash_run *c) {
    const struct ash_window *w = c->attrs;
    const struct ash_tensor *y = c->in[0], *out = c->out[0];
    const int64_t *index = c->in[1]->data;
    size_t size = ash_dtype_size(y->dtype);
    int64_t dim[ASH_MAX_RANK], step[ASH_MAX_RANK];
    for (int i = 0; i < y->rank; i++)
        dim[i] = i < 2 ? y->dim[i] : (int64_t)pooled(w, i - 2, y->dim[i]);
    ash_fill(out->data, size, ash_tensor_count(out), NULL);
    ash_steps(out->rank, out->dim, step);
    for (int64_t k = 0; k < ash_tensor_count(y); k++) {
        int64_t at = 0, rest = index[k];
        bool inside = true;
        for (int i = y->rank - 1; rest >= 0 && i >= 0; i--) {
            int64_t p = dim[i] ? rest % dim[i] : 0;
            rest = dim[i] ? rest / dim[i] : -1;
            inside = inside && p < out->dim[i];
            at += p * step[i];
        }
        ASH_FAIL_IF(rest != 0, c->err, INDEX, "index %lld is out of range", (long long)index[k]);
        if (inside) memcpy(ash_at(out, at), ash_at(y, k), size);
    }
    return ASHORE_OK;
}

/* ---- Col2Im ---- */

/* The image's and the block's extents where they are known; *D: how many. */
static int col_shapes(struct ash_infer *c, struct ash_dim *image, struct ash_dim *block, int *D) {
    int n;
    ASH_TRY(ash_infer_ints(c, 1, image, ASH_WINDOW_RANK, D));
    ASH_TRY(ash_infer_ints(c, 2, block, ASH_WINDOW_RANK, &n));
    ASH_FAIL_IF(n != *D, c->err, SHAPE, "an image of %d dimensions, a block of %d", *D, n);
    ASH_TRY(ash_window_check(c->attrs, n, c->err));
    return check_extents(c, image, n);
}

/* Positions of a window of extent k over extent x; 0 when it does not fit. */
static int64_t positions(const struct ash_window *w, int i, int64_t x, int64_t k) {
    double room = (double)x + (double)w->P[i] + (double)w->Q[i];
    room -= ((double)k - 1) * (double)w->L[i] + 1;
    return room < 0 ? 0 : (int64_t)room / w->S[i] + 1;
}

static int col_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim image[ASH_WINDOW_RANK], block[ASH_WINDOW_RANK], dim[ASH_MAX_RANK];
    struct ash_dim size = ash_dim_exact(1), count = size;
    int D, dtype;
    ASH_TRY(ash_infer_types(c, 1, 3, ASH_TAKES_INT, &dtype));
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_ANY & ~ASH_TAKES_STRING, &dtype));
    c->out->type.dtype = t->dtype;
    ASH_FAIL_IF(t->rank >= 0 && t->rank != 3, c->err, SHAPE, "the input has %d dimensions",
                t->rank);
    int rc = col_shapes(c, image, block, &D);
    if (rc != ASHORE_OK) return rc;
    for (int i = 0; i < D; i++) {
        bool exact = image[i].kind == ASH_DIM_EXACT && block[i].kind == ASH_DIM_EXACT;
        ASH_FAIL_IF(exact && block[i].value < 1, c->err, ARGUMENT, "a block of %lld",
                    (long long)block[i].value);
        int64_t n = exact ? positions(c->attrs, i, image[i].value, block[i].value) : 0;
        size = ash_infer_dim(c, ASH_DIM_MUL, size, block[i]);
        count = ash_infer_dim(c, ASH_DIM_MUL, count, exact ? ash_dim_exact(n) : ash_dim_unknown());
        dim[2 + i] = image[i];
    }
    dim[0] = t->rank == 3 ? t->dim[0] : ash_dim_unknown();
    dim[1] = t->rank == 3 ? ash_infer_dim(c, ASH_DIM_FLOORDIV, t->dim[1], size) : ash_dim_unknown();
    if (t->rank == 3) {
        bool known = t->dim[1].kind == ASH_DIM_EXACT && size.kind == ASH_DIM_EXACT;
        ASH_FAIL_IF(known && t->dim[1].value % size.value, c->err, SHAPE,
                    "%lld rows cannot be divided into blocks of %lld", (long long)t->dim[1].value,
                    (long long)size.value);
        ASH_TRY(ash_infer_agree(c, t->dim[2], count, "positions of the block"));
    }
    ash_infer_set(c, 0, t->dtype, 2 + D, dim);
    ASH_TRY(ash_infer_known(image, D));
    return ash_infer_known(block, D);
}

/* A complex element is `parts` numbers of type dtype. */
struct fold {
    const struct ash_window *w;
    int D, dtype, parts;
    bool whole;
    int64_t K[ASH_WINDOW_RANK], Y[ASH_WINDOW_RANK]; /* of the block, its positions */
    const int64_t *X;
    union {
        double *real;
        uint64_t *integer; /* wraps */
    } sum;                 /* of an image plane */
};

/* Adds one row of the input: what lies at position k of the block. */
static void fold_row(const struct fold *f, const int64_t *k, const char *row) {
    int64_t at[ASH_WINDOW_RANK] = {0};
    size_t size = ash_dtype_size(f->dtype);
    do {
        int64_t to = 0;
        bool inside = true;
        for (int i = 0; i < f->D; i++) {
            int64_t p = at[i] * f->w->S[i] - f->w->P[i] + k[i] * f->w->L[i];
            inside = inside && p >= 0 && p < f->X[i];
            to = to * f->X[i] + p;
        }
        for (int p = 0; p < f->parts; p++, row += size) {
            double real;
            uint64_t integer;
            if (!inside) continue;
            if (f->whole) {
                ash_load_u64(f->dtype, row, 1, &integer);
                f->sum.integer[to * f->parts + p] += integer;
            } else {
                ash_load_f64(f->dtype, row, 1, &real);
                f->sum.real[to * f->parts + p] += real;
            }
        }
    } while (ash_index_next(f->D, f->Y, at, 0, NULL, NULL));
}

static int col_ref(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    struct fold f = {.w = c->attrs, .D = y->rank - 2, .dtype = x->dtype, .parts = 1};
    bool complex = x->dtype == ASHORE_COMPLEX64 || x->dtype == ASHORE_COMPLEX128;
    int64_t taps = 1, columns = x->dim[2];
    f.X = y->dim + 2;
    f.whole = !complex && !ash_dtype_is_float(x->dtype);
    if (complex) {
        f.parts = 2;
        f.dtype = x->dtype == ASHORE_COMPLEX64 ? ASHORE_FLOAT32 : ASHORE_FLOAT64;
    }
    for (int i = 0; i < f.D; i++) {
        f.K[i] = ash_get_i64(c->in[2], i);
        f.Y[i] = positions(f.w, i, f.X[i], f.K[i]);
        taps *= f.K[i];
    }
    if (ash_tensor_count(y) == 0) return ASHORE_OK;
    size_t n = (size_t)ash_dims_product(f.X, 0, f.D) * (size_t)f.parts, room = n * sizeof(double);
    f.sum.real = ash_alloc(c->heap, room);
    if (!f.sum.real) return ash_fail_nomem(c->err, room);
    for (int64_t plane = 0; plane < y->dim[0] * y->dim[1]; plane++) {
        int64_t k[ASH_WINDOW_RANK] = {0};
        memset(f.sum.real, 0, room);
        for (int64_t tap = 0; tap < taps && columns; tap++) {
            const char *row = x->data;
            row += (size_t)((plane * taps + tap) * columns) * ash_dtype_size(x->dtype);
            fold_row(&f, k, row);
            ash_index_next(f.D, f.K, k, 0, NULL, NULL);
        }
        char *to = (char *)y->data + (size_t)plane * n * ash_dtype_size(f.dtype);
        if (f.whole)
            ash_store_u64(f.dtype, f.sum.integer, n, to);
        else
            ash_store_f64(f.dtype, f.sum.real, n, to);
    }
    ash_free(c->heap, f.sum.real, room);
    return ASHORE_OK;
}

const struct ash_op ash_ops_unpool[] = {{.name = "MaxUnpool",
                                         .domain = "",
                                         .since = 9,
                                         .in_min = 2,
                                         .in_max = 3,
                                         .out_min = 1,
                                         .out_max = 1,
                                         .attrs_size = sizeof(struct ash_window),
                                         .parse = unpool_parse,
                                         .infer = unpool_infer,
                                         .ref = unpool_ref},
                                        {.name = "Col2Im",
                                         .domain = "",
                                         .since = 18,
                                         .in_min = 3,
                                         .in_max = 3,
                                         .out_min = 1,
                                         .out_max = 1,
                                         .attrs_size = sizeof(struct ash_window),
                                         .parse = window_parse,
                                         .infer = col_infer,
                                         .ref = col_ref},
                                        {0}};
