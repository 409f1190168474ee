/* OneHot, EyeLike, Trilu: chosen elements, the others filled. */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MAX = INT32_MAX };

struct hot_attrs {
    int64_t number; /* axis, or the diagonal */
    int64_t flag;   /* the element type, or upper */
};

/* ---- OneHot ---- */

static int hot_parse(const struct ash_parse *c, void *attrs) {
    return ash_parse_int(c, "axis", -1, &((struct hot_attrs *)attrs)->number);
}

/* What a depth that is given as any number is; *depth is checked. */
static int depth_of(const struct ash_tensor *t, int64_t *depth, struct ashore_error *err) {
    ASH_FAIL_IF(ash_tensor_count(t) != 1, err, SHAPE, "the depth is not one number");
    *depth = ash_get_i64(t, 0);
    ASH_FAIL_IF(*depth < 1 || *depth > DEPTH_MAX, err, SHAPE, "a depth of %lld", (long long)*depth);
    return ASHORE_OK;
}

static int hot_infer(struct ash_infer *c) {
    const struct hot_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type, *values = &c->in[2]->type;
    struct ash_dim dim[ASH_MAX_RANK], depth = ash_dim_unknown();
    int64_t n = 0;
    int dtype, axis, one, rc = ASHORE_NEEDS_DATA;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_NUMBER, &dtype));
    ash_infer_set(c, 0, values->dtype, -1, NULL);
    if (c->in[1]->data) {
        ASH_TRY(depth_of(c->in[1]->data, &n, c->err));
        depth = ash_dim_exact(n);
        rc = ASHORE_OK;
    } else if (c->in[1]->content && ash_infer_ints(c, 1, &depth, 1, &one) == ASHORE_OK) {
        rc = ash_infer_known(&depth, 1);
    }
    if (t->rank < 0) return rc;
    ASH_FAIL_IF(t->rank == ASH_MAX_RANK, c->err, LIMIT,
                "rank %d: tensors have at most %d dimensions", t->rank + 1, ASH_MAX_RANK);
    ASH_TRY(ash_axis(a->number, t->rank + 1, &axis, c->err));
    for (int i = 0; i <= t->rank; i++) dim[i] = i == axis ? depth : t->dim[i - (i > axis)];
    ash_infer_set(c, 0, values->dtype, t->rank + 1, dim);
    return rc;
}

static int hot_ref(struct ash_run *c) {
    const struct hot_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *values = c->in[2], *y = c->out[0];
    int64_t dim[ASH_MAX_RANK], depth = 0, tile[ASH_TILE];
    size_t size = ash_dtype_size(values->dtype), n;
    bool from_end = c->node->opset >= 11; /* negative indices count from the end */
    int axis;

    ASH_TRY(depth_of(c->in[1], &depth, c->err));
    ASH_FAIL_IF(ash_tensor_count(values) != 2, c->err, SHAPE, "values must be two elements");
    ASH_TRY(ash_axis(a->number, x->rank + 1, &axis, c->err));
    for (int i = 0; i <= x->rank; i++) dim[i] = i == axis ? depth : x->dim[i - (i > axis)];
    if (y->dtype != ASHORE_STRING) ASH_TRY(ash_run_alloc(c, 0, values->dtype, x->rank + 1, dim));
    int64_t inner = ash_dims_product(x->dim, axis, x->rank), count = ash_tensor_count(x);
    ash_fill(y->data, size, ash_tensor_count(y), values->data);
    for (int64_t first = 0; (n = ash_tile_size(count, first)); first += (int64_t)n) {
        ash_load_i64(x->dtype, ash_at(x, first), n, tile);
        for (size_t i = 0; i < n; i++) {
            int64_t at = first + (int64_t)i,
                    k = tile[i] < 0 && from_end ? tile[i] + depth : tile[i];

            if (k < 0 || k >= depth) continue;
            memcpy(ash_at(y, (at / inner * depth + k) * inner + at % inner), ash_at(values, 1),
                   size);
        }
    }
    return ASHORE_OK;
}

/* ---- EyeLike ---- */

static int eye_parse(const struct ash_parse *c, void *attrs) {
    struct hot_attrs *a = attrs;

    ASH_TRY(ash_parse_int(c, "k", 0, &a->number));
    ASH_TRY(ash_parse_int(c, "dtype", 0, &a->flag));
    ASH_FAIL_IF(a->flag && (a->flag < 0 || a->flag > INT8_MAX ||
                            ash_dtype((int)a->flag)->number == ASH_CLASS_NONE),
                c->err, ATTR, "element type %lld", (long long)a->flag);
    return ASHORE_OK;
}

static int eye_infer(struct ash_infer *c) {
    const struct hot_attrs *a = c->attrs;
    int dtype, rank = c->in[0]->type.rank;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER | ASH_TAKES_BOOL, &dtype));
    ASH_FAIL_IF(rank >= 0 && rank != 2, c->err, SHAPE, "an input of rank %d, expected 2", rank);
    ash_infer_like(c, 0, a->flag ? (int)a->flag : dtype, 0);
    return ASHORE_OK;
}

static int eye_ref(struct ash_run *c) {
    static const int64_t one = 1;
    const struct hot_attrs *a = c->attrs;
    const struct ash_tensor *y = c->out[0];
    int64_t rows = y->dim[0], columns = y->dim[1];

    ash_fill(y->data, ash_dtype_size(y->dtype), rows * columns, NULL);
    if (a->number <= -rows || a->number >= columns) return ASHORE_OK;
    for (int64_t i = 0; i < rows; i++) {
        if (i + a->number >= 0 && i + a->number < columns)
            ash_store_i64(y->dtype, &one, 1, ash_at(y, i * columns + i + a->number));
    }
    return ASHORE_OK;
}

/* ---- Trilu: the rest is zero ---- */

static int trilu_parse(const struct ash_parse *c, void *attrs) {
    return ash_parse_int(c, "upper", 1, &((struct hot_attrs *)attrs)->flag);
}

static int trilu_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    int dtype;

    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &dtype));
    ash_infer_set(c, 0, t->dtype, t->rank, t->dim);
    ASH_FAIL_IF(t->rank == 0 || t->rank == 1, c->err, SHAPE, "no matrix: a tensor of rank %d",
                t->rank);
    return ASHORE_OK;
}

static int trilu_ref(struct ash_run *c) {
    const struct hot_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    int64_t rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1], k = 0;
    int64_t count = ash_dims_product(x->dim, 0, x->rank - 1);
    size_t size = ash_dtype_size(x->dtype);

    if (ash_run_has(c, 1)) {
        ASH_FAIL_IF(ash_tensor_count(c->in[1]) != 1, c->err, SHAPE, "k is not one number");
        k = ash_get_i64(c->in[1], 0);
    }
    k = k < -rows ? -rows : k > columns ? columns : k;
    if (!a->flag) k++;
    for (int64_t i = 0; i < count; i++) {
        int64_t cut = i % rows + k; /* the first column of the upper part */

        cut = cut < 0 ? 0 : cut > columns ? columns : cut;
        char *low = ash_at(y, i * columns), *high = ash_at(y, i * columns + cut);
        size_t n_low = (size_t)cut * size, n_high = (size_t)(columns - cut) * size;
        memset(a->flag ? low : high, 0, a->flag ? n_low : n_high);
        if (x->data == y->data) continue;
        memcpy(a->flag ? high : low, ash_at(x, i * columns + (a->flag ? cut : 0)),
               a->flag ? n_high : n_low);
    }
    return ASHORE_OK;
}

#define HOT .domain = "", .out_min = 1, .out_max = 1, .attrs_size = sizeof(struct hot_attrs)

extern const struct ash_op ash_ops_onehot[];
const struct ash_op ash_ops_onehot[] = {
    {HOT, .name = "OneHot", .since = 9, .in_min = 3, .in_max = 3, .flags = ASH_OP_MOVES,
     .parse = hot_parse, .infer = hot_infer, .ref = hot_ref},
    {HOT, .name = "EyeLike", .since = 9, .in_min = 1, .in_max = 1, .parse = eye_parse,
     .infer = eye_infer, .ref = eye_ref},
    {HOT, .name = "Trilu", .since = 14, .in_min = 1, .in_max = 2, .flags = ASH_OP_MOVES,
     .inplace = 1 << 0, .parse = trilu_parse, .infer = trilu_infer, .ref = trilu_ref},
    {0},
};
