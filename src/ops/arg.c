/* ArgMax, ArgMin and Hardmax: where the extreme of a dimension is.
 *
 * The tensor is x[outer][n][inner]; a lane is one row along n.  NaN is the extreme of either kind,
 * as in numpy. */
#include "base/pool.h"
#include "kernels/argmax/argmax.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/order.h"

#include <string.h>

enum { ARG_LANES = 64, ARG_WORK = 32768 /* elements that are worth a trip through the pool */ };

struct arg_attrs {
    int64_t axis;
    bool keepdims, last, least, hard;
};

static int arg_parse(const struct ash_parse *c, void *attrs) {
    struct arg_attrs *a = attrs;
    int64_t keepdims, last;

    a->least = !strcmp(c->node->op_type, "ArgMin");
    ASH_TRY(ash_parse_int(c, "axis", 0, &a->axis));
    ASH_TRY(ash_parse_int(c, "keepdims", 1, &keepdims));
    ASH_TRY(ash_parse_int(c, "select_last_index", 0, &last));
    a->keepdims = keepdims != 0;
    a->last = last != 0;
    return ASHORE_OK;
}

static int hard_parse(const struct ash_parse *c, void *attrs) {
    struct arg_attrs *a = attrs;

    a->hard = true;
    return ash_parse_int(c, "axis", c->node->opset < 13 ? 1 : -1, &a->axis);
}

static int arg_infer(struct ash_infer *c) {
    const struct arg_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int dtype, axis, rank = 0;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ash_infer_set(c, 0, ASHORE_INT64, -1, NULL);
    if (t->rank < 0) return ASHORE_OK;
    ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
    for (int i = 0; i < t->rank; i++) {
        if (i != axis)
            dim[rank++] = t->dim[i];
        else if (a->keepdims)
            dim[rank++] = ash_dim_exact(1);
    }
    ash_infer_set(c, 0, ASHORE_INT64, rank, dim);
    return ASHORE_OK;
}

static int hard_infer(struct ash_infer *c) {
    const struct arg_attrs *a = c->attrs;
    int dtype, axis, rank = c->in[0]->type.rank;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    /* Before version 13 the axis is where the tensor is folded into a matrix: it may be the rank.
     */
    return rank < 0 || (c->node->opset < 13 && a->axis == rank)
               ? ASHORE_OK
               : ash_axis(a->axis, rank, &axis, c->err);
}

struct arg_job {
    const struct arg_attrs *a;
    const struct ash_tensor *x;
    struct ash_tensor *y;
    int64_t n, inner, strips; /* of ARG_LANES lanes in a matrix [n][inner] */
    int64_t pieces, per_tile;
};

/* Turns keys round for the least, but not those of NaN. */
static void turn_keys(const struct arg_job *j, size_t n, int64_t *key) {
    int64_t nan = j->x->dtype == ASHORE_FLOAT32 ? INT32_MAX : INT64_MAX;
    bool real = ash_dtype_is_float(j->x->dtype);

    for (size_t i = 0; i < n && j->a->least; i++)
        if (!real || key[i] != nan) key[i] = ~key[i];
}

/* Takes n keys into the extremes so far: of one lane each, from position k of it; or all of one
 * lane, from position k on. */
static void compare_keys(bool last, size_t n, const int64_t *key, int64_t k, bool one,
                         int64_t *best, int64_t *at) {
    for (size_t i = 0; i < n && !one; i++) {
        bool take = key[i] > best[i] || (last && key[i] == best[i]);

        best[i] = take ? key[i] : best[i];
        at[i] = take ? k : at[i];
    }
    for (size_t i = 0; i < n && one; i++) {
        if (key[i] < *best || (!last && key[i] == *best)) continue;
        *best = key[i];
        *at = k + (int64_t)i;
    }
}

/* The position of the extreme of each of `lanes` neighbouring lanes, the first of which begins at
 * `first`. */
static void find(const struct arg_job *j, int64_t first, size_t lanes, int64_t *at) {
    int64_t best[ARG_LANES], key[ASH_TILE];
    bool one = lanes == 1; /* ASH_TILE elements of it are loaded at a time */

    for (size_t i = 0; i < lanes; i++) {
        best[i] = INT64_MIN;
        at[i] = 0;
    }
    for (int64_t k = 0; k < j->n; k += one ? ASH_TILE : 1) {
        size_t n = one ? ash_tile_size(j->n, k) : lanes;

        ash_gather_keys(j->x, first + k * j->inner, one ? j->inner : 1, n, key);
        turn_keys(j, n, key);
        compare_keys(j->a->last, n, key, k, one, best, at);
    }
}

static void arg_tile(void *arg, size_t tile, size_t worker) {
    static const double one = 1;
    const struct arg_job *j = arg;
    int64_t end = ((int64_t)tile + 1) * j->per_tile;

    (void)worker;
    for (int64_t p = (int64_t)tile * j->per_tile; p < end && p < j->pieces; p++) {
        int64_t o = p / j->strips, i = p % j->strips * ARG_LANES, at[ARG_LANES];
        size_t lanes = j->inner - i < ARG_LANES ? (size_t)(j->inner - i) : ARG_LANES;

        find(j, o * j->n * j->inner + i, lanes, at);
        for (size_t k = 0; k < lanes; k++, i++) {
            if (j->a->hard)
                ash_store_f64(j->y->dtype, &one, 1,
                              ash_at(j->y, (o * j->n + at[k]) * j->inner + i));
            else
                ((int64_t *)j->y->data)[o * j->inner + i] = at[k];
        }
    }
}

static int arg_ref(struct ash_run *c) {
    const struct arg_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct arg_job j = {.a = a, .x = x, .y = c->out[0]};
    bool folded = a->hard && c->node->opset < 13;
    int axis = x->rank;
    int64_t outer, piece;

    if (!folded || a->axis != x->rank) ASH_TRY(ash_axis(a->axis, x->rank, &axis, c->err));
    outer = ash_dims_product(x->dim, 0, axis);
    j.n = ash_dims_product(x->dim, axis, folded ? x->rank : axis + 1);
    j.inner = folded ? 1 : ash_dims_product(x->dim, axis + 1, x->rank);
    j.strips = (j.inner + ARG_LANES - 1) / ARG_LANES;
    j.pieces = outer * j.strips;
    if (a->hard) memset(j.y->data, 0, ash_tensor_bytes(j.y));
    if (!j.pieces || (a->hard && !j.n)) return ASHORE_OK;
    ASH_FAIL_IF(!j.n, c->err, SHAPE, "dimension %d, which is searched, has no elements", axis);
    piece = j.n * (j.inner < ARG_LANES ? j.inner : ARG_LANES);
    j.per_tile = piece < ARG_WORK ? ARG_WORK / piece : 1;
    ash_pool_run(c->pool, (size_t)((j.pieces + j.per_tile - 1) / j.per_tile), arg_tile, &j);
    return ASHORE_OK;
}

/* ---- lowering ---- */

struct arg_params {
    const struct ash_argmax_row *row;
    size_t outer, n, inner;
};

static int arg_run(struct ash_run *c) {
    const struct arg_attrs *a = c->attrs;
    const struct arg_params *p = c->params;

    ash_argmax_f32(p->row, c->pool, (struct ash_argmax_how){a->least, a->last}, p->outer, p->n,
                   p->inner, c->in[0]->data, c->out[0]->data);
    return ASHORE_OK;
}

static int arg_lower(struct ash_lower *c) {
    const struct arg_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct arg_params *p;
    int axis;

    ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
    if (!ash_lower_in_f32(c, 0) || !ash_extent(t, axis) || ash_extent(t, axis) > ASH_ARGMAX_MOST)
        return ASHORE_OK;
    p = ash_lower_to(c, arg_run, sizeof *p, ash_argmax_best()->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct arg_params){ash_argmax_best(), ash_extents(t, 0, axis), ash_extent(t, axis),
                             ash_extents(t, axis + 1, t->rank)};
    return ASHORE_OK;
}

#define ARG                                                                                        \
    .domain = "", .since = 1, .in_min = 1, .in_max = 1, .out_min = 1, .out_max = 1,                \
    .attrs_size = sizeof(struct arg_attrs), .ref = arg_ref

extern const struct ash_op ash_ops_arg[];
const struct ash_op ash_ops_arg[] = {
    {ARG, .name = "ArgMax", .parse = arg_parse, .infer = arg_infer, .lower = arg_lower},
    {ARG, .name = "ArgMin", .parse = arg_parse, .infer = arg_infer, .lower = arg_lower},
    {ARG, .name = "Hardmax", .parse = hard_parse, .infer = hard_infer},
    {0},
};
