/* The same elements under another shape: Reshape, Flatten, Squeeze, Unsqueeze, Identity; Expand. */
#include "ops/move.h"

#include <string.h>

extern const struct ash_op ash_ops_reshape[];

struct view_attrs {
    const int64_t *list; /* shape or axes of older operator sets */
    size_t n;
    int64_t number; /* allowzero or axis */
};

static int reshape_parse(const struct ash_parse *c, void *attrs) {
    struct view_attrs *a = attrs;
    ASH_TRY(ash_parse_ints(c, "shape", &a->list, &a->n));
    return ash_parse_int(c, "allowzero", 0, &a->number);
}

static int flatten_parse(const struct ash_parse *c, void *attrs) {
    return ash_parse_int(c, "axis", 1, &((struct view_attrs *)attrs)->number);
}

static int axes_parse(const struct ash_parse *c, void *attrs) {
    struct view_attrs *a = attrs;
    return ash_parse_ints(c, "axes", &a->list, &a->n);
}

/* The list of input 1, or of the attribute where there is no such input; -1 and NEEDS_DATA when it
 * is not known, *n being its length where that is. */
static int get_list(struct ash_infer *c, struct ash_dim *list, int *n) {
    const struct view_attrs *a = c->attrs;
    if (!ash_infer_has(c, 1)) {
        ASH_MISFIT_IF(a->n > ASH_MAX_RANK, c->err, LIMIT, "a list of %zu dimensions, at most %d",
                      a->n, ASH_MAX_RANK);
        *n = (int)a->n;
        for (int i = 0; i < *n; i++) list[i] = ash_dim_exact(a->list[i]);
        return ASHORE_OK;
    }
    int64_t length = ash_infer_length(c, 1);
    ASH_MISFIT_IF(length > ASH_MAX_RANK, c->err, LIMIT, "a list of %lld dimensions, at most %d",
                  (long long)length, ASH_MAX_RANK);
    *n = (int)length;
    return ash_infer_ints(c, 1, list, ASH_MAX_RANK, n);
}

static int view_ref(struct ash_run *c) {
    ash_copy(c->out[0], c->in[0]);
    return ASHORE_OK;
}

/* ---- Reshape ---- */

struct factors {
    struct ash_dim dim[ASH_MAX_RANK];
    int n;
};

static void drop(struct factors *f, int i) { f->dim[i] = f->dim[--f->n]; }

static struct ash_dim product(struct ash_infer *c, const struct factors *f) {
    struct ash_dim p = ash_dim_exact(1);
    for (int i = 0; i < f->n; i++) p = ash_infer_dim(c, ASH_DIM_MUL, p, f->dim[i]);
    return p;
}

/* Takes out the extents that both have, and common divisors of exact ones. */
static void cancel(struct factors *a, struct factors *b) {
    for (int i = a->n - 1; i >= 0; i--) {
        for (int k = b->n - 1; k >= 0; k--) {
            if (!ash_dim_same(a->dim[i], b->dim[k])) continue;
            drop(a, i);
            drop(b, k);
            break;
        }
    }
    for (int i = 0; i < a->n; i++) {
        for (int k = 0; k < b->n; k++) {
            int64_t x = a->dim[i].value, y = b->dim[k].value;
            if (a->dim[i].kind != ASH_DIM_EXACT || b->dim[k].kind != ASH_DIM_EXACT) continue;
            while (y) {
                int64_t t = x % y;
                x = y;
                y = t;
            }
            if (x < 2) continue;
            a->dim[i].value /= x;
            b->dim[k].value /= x;
        }
    }
}

/* The extent that is left for a dimension of -1 (free), or the check that there is nothing left. */
static int settle(struct ash_infer *c, struct factors *in, struct factors *out,
                  struct ash_dim *free) {
    struct ash_dim all = product(c, in), made = product(c, out);
    bool exact = all.kind == ASH_DIM_EXACT && made.kind == ASH_DIM_EXACT;
    if (!free) {
        ASH_FAIL_IF(exact && all.value != made.value, c->err, SHAPE,
                    "%lld elements cannot take a shape of %lld", (long long)all.value,
                    (long long)made.value);
        return ASHORE_OK;
    }
    cancel(in, out);
    all = product(c, in);
    made = product(c, out);
    exact = all.kind == ASH_DIM_EXACT && made.kind == ASH_DIM_EXACT;
    ASH_FAIL_IF(ash_dim_is(made, 0), c->err, SHAPE,
                "a dimension of -1 beside one of 0 has no definite extent");
    ASH_FAIL_IF(exact && all.value % made.value, c->err, SHAPE,
                "%lld elements cannot be spread over %lld for a dimension of -1",
                (long long)all.value, (long long)made.value);
    *free = ash_infer_dim(c, ASH_DIM_FLOORDIV, all, made);
    return ASHORE_OK;
}

/* Fills in 0 and -1 of the wanted shape and checks it against the input. */
static int reshape_dims(struct ash_infer *c, struct ash_dim *dim, int n) {
    const struct ash_type *t = &c->in[0]->type;
    const struct view_attrs *a = c->attrs;
    struct factors in = {.n = 0}, out = {.n = 0};
    struct ash_dim *free = NULL;
    unsigned copied = 0;
    for (int i = 0; i < n; i++) {
        if (ash_dim_is(dim[i], 0) && !a->number) {
            ASH_FAIL_IF(t->rank >= 0 && i >= t->rank, c->err, SHAPE,
                        "dimension %d of the new shape is to be copied from the input, which has "
                        "%d dimensions",
                        i, t->rank);
            dim[i] = t->rank < 0 ? ash_dim_unknown() : t->dim[i];
            copied |= 1u << i;
        } else if (ash_dim_is(dim[i], -1)) {
            ASH_FAIL_IF(free, c->err, SHAPE, "more than one dimension of -1");
            free = &dim[i];
        } else {
            ASH_FAIL_IF(dim[i].kind == ASH_DIM_EXACT && dim[i].value < 0, c->err, SHAPE,
                        "extent %lld is negative", (long long)dim[i].value);
            out.dim[out.n++] = dim[i];
        }
    }
    if (t->rank < 0) {
        if (free) *free = ash_dim_unknown();
        return ASHORE_OK;
    }
    for (int i = 0; i < t->rank; i++) {
        if (!(copied >> i & 1)) in.dim[in.n++] = t->dim[i];
    }
    /* A copied extent of 0 matters to the check alone: with it both sides are empty. */
    for (int i = 0; i < t->rank && !free; i++) {
        if ((copied >> i & 1) && ash_dim_is(t->dim[i], 0)) return ASHORE_OK;
    }
    return settle(c, &in, &out, free);
}

static int reshape_infer(struct ash_infer *c) {
    struct ash_dim dim[ASH_MAX_RANK];
    int n, dtype = c->in[0]->type.dtype;
    c->out->type.dtype = (uint8_t)dtype;
    int rc = get_list(c, dim, &n);
    if (rc != ASHORE_OK) {
        ash_infer_rank(c, 0, n);
        return rc;
    }
    rc = ash_infer_known(dim, n);
    ASH_TRY(reshape_dims(c, dim, n));
    ash_infer_set(c, 0, dtype, n, dim);
    return rc;
}

static int flatten_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    int64_t axis = ((const struct view_attrs *)c->attrs)->number;
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_unknown()};
    if (t->rank >= 0) {
        ASH_MISFIT_IF(axis < -t->rank || axis > t->rank, c->err, ATTR,
                      "axis %lld is out of range for rank %d", (long long)axis, t->rank);
        if (axis < 0) axis += t->rank;
        dim[0] = dim[1] = ash_dim_exact(1);
        for (int i = 0; i < t->rank; i++)
            dim[i >= axis] = ash_infer_dim(c, ASH_DIM_MUL, dim[i >= axis], t->dim[i]);
    }
    ash_infer_set(c, 0, t->dtype, 2, dim);
    return ASHORE_OK;
}

/* ---- Squeeze, Unsqueeze ---- */

/* The axes as a set of bits; *n of them, -1 when even that is not known. */
static int get_axes(struct ash_infer *c, int more, int *n, unsigned *set) {
    struct ash_dim list[ASH_MAX_RANK];
    int64_t number[ASH_MAX_RANK];
    int axes[ASH_MAX_RANK], rank = c->in[0]->type.rank;
    *set = 0;
    ASH_TRY(get_list(c, list, n));
    for (int i = 0; i < *n; i++) {
        if (list[i].kind != ASH_DIM_EXACT) return ASHORE_NEEDS_DATA;
        number[i] = list[i].value;
    }
    if (rank < 0) return ASHORE_OK;
    rank += more * *n;
    ASH_MISFIT_IF(rank > ASH_MAX_RANK, c->err, LIMIT, "rank %d: tensors have at most %d dimensions",
                  rank, ASH_MAX_RANK);
    ASH_TRY(ash_axes(number, *n, rank, axes, c->err));
    for (int i = 0; i < *n; i++) *set |= 1u << axes[i];
    return ASHORE_OK;
}

static int squeeze_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int n, r = 0;
    unsigned set;
    c->out->type.dtype = t->dtype;
    int rc = get_axes(c, 0, &n, &set);
    if (rc < 0) return rc;
    if (t->rank < 0) return rc;
    if (rc != ASHORE_OK) {
        ash_infer_rank(c, 0, n > 0 && n <= t->rank ? t->rank - n : -1);
        return rc;
    }
    for (int i = 0; i < t->rank; i++) {
        bool one = ash_dim_is(t->dim[i], 1);
        if (n == 0 && !one && t->dim[i].kind != ASH_DIM_EXACT) return ASHORE_OK; /* even the rank */
        ASH_FAIL_IF((set >> i & 1) && t->dim[i].kind == ASH_DIM_EXACT && !one, c->err, SHAPE,
                    "dimension %d has extent %lld, not 1", i, (long long)t->dim[i].value);
        if (n == 0 ? !one : !(set >> i & 1)) dim[r++] = t->dim[i];
    }
    ash_infer_set(c, 0, t->dtype, r, dim);
    return ASHORE_OK;
}

static int unsqueeze_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int n, from = 0;
    unsigned set;
    c->out->type.dtype = t->dtype;
    int rc = get_axes(c, 1, &n, &set);
    if (rc < 0) return rc;
    if (t->rank < 0) return rc;
    if (rc != ASHORE_OK) {
        ash_infer_rank(c, 0, n >= 0 ? t->rank + n : -1);
        return rc;
    }
    for (int i = 0; i < t->rank + n; i++) dim[i] = set >> i & 1 ? ash_dim_exact(1) : t->dim[from++];
    ash_infer_set(c, 0, t->dtype, t->rank + n, dim);
    return ASHORE_OK;
}

/* ---- Identity ---- */

static int identity_infer(struct ash_infer *c) {
    ash_infer_same(c, 0, 0);
    return ASHORE_OK;
}

static int identity_ref(struct ash_run *c) { return ash_run_forward(c, 0, 0); }

/* ---- Expand ---- */

static int expand_dim(struct ash_infer *c, struct ash_dim a, struct ash_dim b, int i,
                      struct ash_dim *out) {
    bool x = a.kind == ASH_DIM_EXACT, y = b.kind == ASH_DIM_EXACT;
    ASH_FAIL_IF(y && b.value < 0, c->err, SHAPE, "extent %lld is negative", (long long)b.value);
    ASH_FAIL_IF(x && y && a.value != b.value && a.value != 1 && b.value != 1, c->err, SHAPE,
                "dimension %d of extent %lld cannot be expanded to %lld", i, (long long)a.value,
                (long long)b.value);
    if (ash_dim_is(a, 1))
        *out = b;
    else if (x || ash_dim_is(b, 1) || ash_dim_same(a, b))
        *out = a;
    else
        *out = y ? b : ash_dim_unknown();
    return ASHORE_OK;
}

static int expand_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK], one = ash_dim_exact(1);
    int n;
    c->out->type.dtype = t->dtype;
    int rc = get_list(c, dim, &n);
    if (rc != ASHORE_OK) {
        if (rc > 0 && t->rank >= 0 && n >= 0) ash_infer_rank(c, 0, n > t->rank ? n : t->rank);
        return rc;
    }
    rc = ash_infer_known(dim, n);
    if (t->rank < 0) return rc;
    int r = n > t->rank ? n : t->rank;
    for (int i = r - 1; i >= 0; i--) {
        int x = i - (r - t->rank), y = i - (r - n);
        ASH_TRY(expand_dim(c, x < 0 ? one : t->dim[x], y < 0 ? one : dim[y], i, &dim[i]));
    }
    ash_infer_set(c, 0, t->dtype, r, dim);
    return rc;
}

static int expand_ref(struct ash_run *c) {
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    int64_t from[ASH_MAX_RANK], to[ASH_MAX_RANK];
    ash_broadcast_strides(in->rank, in->dim, out->rank, from);
    ash_steps(out->rank, out->dim, to);
    ash_move(out->rank, out->dim, ash_dtype_size(out->dtype), in->data, from, out->data, to);
    return ASHORE_OK;
}

#define VIEW_OP                                                                                    \
    .domain = "", .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES | ASH_OP_VIEW, .inplace = 1,   \
    .attrs_size = sizeof(struct view_attrs), .ref = view_ref

const struct ash_op ash_ops_reshape[] = {
    {VIEW_OP, .name = "Reshape", .since = 1, .until = 4, .in_min = 1, .in_max = 1,
     .parse = reshape_parse, .infer = reshape_infer},
    {VIEW_OP, .name = "Reshape", .since = 5, .in_min = 2, .in_max = 2, .parse = reshape_parse,
     .infer = reshape_infer},
    {VIEW_OP, .name = "Flatten", .since = 1, .in_min = 1, .in_max = 1, .parse = flatten_parse,
     .infer = flatten_infer},
    {VIEW_OP, .name = "Squeeze", .since = 1, .until = 12, .in_min = 1, .in_max = 1,
     .parse = axes_parse, .infer = squeeze_infer},
    {VIEW_OP, .name = "Squeeze", .since = 13, .in_min = 1, .in_max = 2, .parse = axes_parse,
     .infer = squeeze_infer},
    {VIEW_OP, .name = "Unsqueeze", .since = 1, .until = 12, .in_min = 1, .in_max = 1,
     .parse = axes_parse, .infer = unsqueeze_infer},
    {VIEW_OP, .name = "Unsqueeze", .since = 13, .in_min = 2, .in_max = 2, .parse = axes_parse,
     .infer = unsqueeze_infer},
    {.name = "Identity",
     .domain = "",
     .since = 1,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .flags = ASH_OP_VIEW | ASH_OP_VALUES,
     .inplace = 1,
     .infer = identity_infer,
     .ref = identity_ref},
    {.name = "Expand",
     .domain = "",
     .since = 8,
     .in_min = 2,
     .in_max = 2,
     .out_min = 1,
     .out_max = 1,
     .flags = ASH_OP_MOVES,
     .attrs_size = sizeof(struct view_attrs),
     .parse = axes_parse,
     .infer = expand_infer,
     .ref = expand_ref},
    {0}};
