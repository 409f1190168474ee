/* Concat and Split. */
#include "ops/convert.h"
#include "ops/move.h"

extern const struct ash_op ash_ops_concat[];

/* Moves rows between a whole of `total` elements a row and a part of `part`, which begins `at`
 * elements into it. */
static void move_part(const struct ash_tensor *whole, const struct ash_tensor *part, int axis,
                      int64_t at, bool gather) {
    int64_t outer = ash_dims_product(part->dim, 0, axis);
    int64_t row = ash_dims_product(part->dim, axis, part->rank);
    int64_t total = ash_dims_product(whole->dim, axis, whole->rank);
    int64_t dim[2] = {outer, row}, whole_step[2] = {total, 1}, part_step[2] = {row, 1};
    size_t size = ash_dtype_size(part->dtype);
    if (outer == 0 || row == 0) return;
    void *inside = ash_at(whole, at * ash_dims_product(part->dim, axis + 1, part->rank));
    if (inside == part->data) return; /* it was written there */
    if (gather)
        ash_move(2, dim, size, part->data, part_step, inside, whole_step);
    else
        ash_move(2, dim, size, inside, whole_step, part->data, part_step);
}

/* ---- Concat ---- */

struct concat_attrs {
    int64_t axis;
};

static int concat_parse(const struct ash_parse *c, void *attrs) {
    struct concat_attrs *a = attrs;
    if (c->node->opset < 4) return ash_parse_int(c, "axis", 1, &a->axis);
    return ash_parse_int_required(c, "axis", &a->axis);
}

/* What is known of an extent that two values share. */
static int concat_same(struct ash_infer *c, int i, int k, struct ash_dim *a, struct ash_dim b) {
    static const uint8_t worth[] = {
        [ASH_DIM_UNKNOWN] = 0, [ASH_DIM_BOUNDED] = 1, [ASH_DIM_SYMBOLIC] = 2, [ASH_DIM_EXACT] = 3};
    bool exact = a->kind == ASH_DIM_EXACT && b.kind == ASH_DIM_EXACT;
    ASH_FAIL_IF(exact && a->value != b.value, c->err, SHAPE,
                "dimension %d of input %d has extent %lld, in those before %lld", k, i,
                (long long)b.value, (long long)a->value);
    if (worth[b.kind] > worth[a->kind]) *a = b;
    return ASHORE_OK;
}

static int concat_infer(struct ash_infer *c) {
    const struct concat_attrs *a = c->attrs;
    struct ash_dim dim[ASH_MAX_RANK], sum = ash_dim_exact(0);
    int rank = -1, axis = 0, dtype = 0;
    bool unknown = false;
    for (int i = 0; i < c->n_in; i++) {
        ASH_MISFIT_IF(!c->in[i], c->err, ARGUMENT, "input %d is missing", i);
        const struct ash_type *t = &c->in[i]->type;
        ASH_MISFIT_IF(dtype && t->dtype && dtype != t->dtype, c->err, TYPE,
                      "input %d is %s, those before %s", i, ash_dtype(t->dtype)->name,
                      ash_dtype(dtype)->name);
        if (t->dtype) dtype = t->dtype;
        if (t->rank < 0) {
            unknown = true;
            continue;
        }
        ASH_MISFIT_IF(rank >= 0 && t->rank != rank, c->err, SHAPE,
                      "input %d has %d dimensions, those before %d", i, t->rank, rank);
        if (rank < 0) {
            rank = t->rank;
            ASH_TRY(ash_axis(a->axis, rank, &axis, c->err));
            for (int k = 0; k < rank; k++) dim[k] = t->dim[k];
        }
        sum = ash_infer_dim(c, ASH_DIM_ADD, sum, t->dim[axis]);
        for (int k = 0; k < rank; k++) {
            if (k != axis) ASH_TRY(concat_same(c, i, k, &dim[k], t->dim[k]));
        }
    }
    c->out->type.dtype = (uint8_t)dtype;
    if (rank < 0) return ASHORE_OK;
    dim[axis] = unknown ? ash_dim_unknown() : sum;
    ash_infer_set(c, 0, dtype, rank, dim);
    return ASHORE_OK;
}

static int concat_ref(struct ash_run *c) {
    const struct concat_attrs *a = c->attrs;
    int axis;
    int64_t at = 0;
    ASH_TRY(ash_axis(a->axis, c->out[0]->rank, &axis, c->err));
    for (int i = 0; i < c->n_in; i++) {
        move_part(c->out[0], c->in[i], axis, at, true);
        at += c->in[i]->dim[axis];
    }
    return ASHORE_OK;
}

/* ---- Split ---- */

struct split_attrs {
    int64_t axis, parts; /* parts: 0 where not given */
    const int64_t *sizes;
    size_t n_sizes;
};

static int split_parse(const struct ash_parse *c, void *attrs) {
    struct split_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "axis", 0, &a->axis));
    ASH_TRY(ash_parse_ints(c, "split", &a->sizes, &a->n_sizes));
    ASH_TRY(ash_parse_int(c, "num_outputs", 0, &a->parts));
    ASH_FAIL_IF(a->parts && a->parts != (int64_t)c->node->n_out, c->err, ATTR,
                "num_outputs is %lld, but the node has %u outputs", (long long)a->parts,
                c->node->n_out);
    ASH_FAIL_IF(a->n_sizes && a->n_sizes != c->node->n_out, c->err, ATTR,
                "%zu sizes for %u outputs", a->n_sizes, c->node->n_out);
    return ASHORE_OK;
}

/* Part k of n equal ones of extent d; from operator set 18 on the last ones may be smaller. */
static struct ash_dim equal_part(struct ash_infer *c, struct ash_dim d, int k, int n) {
    struct ash_dim parts = ash_dim_exact(n);
    if (c->node->opset < 18) return ash_infer_dim(c, ASH_DIM_FLOORDIV, d, parts);
    struct ash_dim up = ash_infer_dim(c, ASH_DIM_ADD, d, ash_dim_exact(n - 1));
    struct ash_dim chunk = ash_infer_dim(c, ASH_DIM_FLOORDIV, up, parts);
    if (k == 0) return chunk;
    struct ash_dim before = ash_infer_dim(c, ASH_DIM_MUL, chunk, ash_dim_exact(k));
    struct ash_dim left = ash_infer_dim(c, ASH_DIM_SUB, d, before);
    if (d.kind == ASH_DIM_SYMBOLIC && k < n - 1) return chunk;
    left = ash_infer_dim(c, ASH_DIM_MAX, left, ash_dim_exact(0));
    return ash_infer_dim(c, ASH_DIM_MIN, chunk, left);
}

static int split_sizes(struct ash_infer *c, struct ash_dim d, struct ash_dim *part) {
    const struct split_attrs *a = c->attrs;
    int n = c->n_out, rc = ASHORE_OK;
    if (ash_infer_has(c, 1)) {
        int64_t length = ash_infer_length(c, 1);
        ASH_FAIL_IF(length >= 0 && length != n, c->err, SHAPE, "%lld sizes for %d outputs",
                    (long long)length, n);
        rc = ash_infer_ints(c, 1, part, n, &n);
        if (rc != ASHORE_OK) return rc;
        rc = ash_infer_known(part, n);
    } else if (a->n_sizes) {
        for (int i = 0; i < n; i++) part[i] = ash_dim_exact(a->sizes[i]);
    } else {
        bool uneven = c->node->opset < 18 && d.kind == ASH_DIM_EXACT && d.value % n;
        ASH_FAIL_IF(uneven, c->err, SHAPE, "extent %lld cannot be split into %d equal parts",
                    (long long)d.value, n);
        for (int i = 0; i < n; i++) part[i] = equal_part(c, d, i, n);
        return ASHORE_OK;
    }
    ASH_FAIL_IF(n != c->n_out, c->err, SHAPE, "%d sizes for %d outputs", n, c->n_out);
    bool exact = d.kind == ASH_DIM_EXACT;
    int64_t left = d.value; /* -1 once there is too little */
    for (int i = 0; i < n; i++) {
        exact = exact && part[i].kind == ASH_DIM_EXACT;
        ASH_FAIL_IF(part[i].kind == ASH_DIM_EXACT && part[i].value < 0, c->err, SHAPE,
                    "size %lld of part %d is negative", (long long)part[i].value, i);
        left = left >= part[i].value ? left - part[i].value : -1;
    }
    ASH_FAIL_IF(exact && left, c->err, SHAPE,
                "the sizes of the parts do not sum up to the extent %lld", (long long)d.value);
    return rc;
}

static int split_infer(struct ash_infer *c) {
    const struct split_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK], d = ash_dim_unknown();
    struct ash_dim *part = ash_arena_array(c->arena, (size_t)c->n_out, sizeof *part);
    int axis = 0;
    if (!part) return ash_fail_nomem(c->err, (size_t)c->n_out * sizeof *part);
    for (int k = 0; k < t->rank; k++) dim[k] = t->dim[k];
    if (t->rank >= 0) {
        ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
        d = t->dim[axis];
    }
    int rc = split_sizes(c, d, part);
    if (rc < 0) return rc;
    for (int i = 0; i < c->n_out; i++) {
        if (t->rank >= 0) dim[axis] = part[i];
        ash_infer_set(c, i, t->dtype, t->rank, dim);
    }
    return rc;
}

static int split_ref(struct ash_run *c) {
    const struct split_attrs *a = c->attrs;
    int axis, n = c->n_out;
    ASH_TRY(ash_axis(a->axis, c->in[0]->rank, &axis, c->err));
    int64_t total = c->in[0]->dim[axis], at = 0;
    int64_t chunk = (total + n - 1) / n;
    for (int i = 0; i < n; i++) {
        int64_t size = chunk < total - at ? chunk : total - at;
        if (ash_run_has(c, 1))
            size = ash_get_i64(c->in[1], i);
        else if (a->n_sizes)
            size = a->sizes[i];
        if (c->out[i]) move_part(c->in[0], c->out[i], axis, at, false);
        at += size;
    }
    return ASHORE_OK;
}

#define SPLIT                                                                                      \
    .name = "Split", .domain = "", .in_min = 1, .out_min = 1, .out_max = ASH_VARIADIC,             \
    .flags = ASH_OP_MOVES, .attrs_size = sizeof(struct split_attrs), .parse = split_parse,         \
    .infer = split_infer, .ref = split_ref

const struct ash_op ash_ops_concat[] = {{.name = "Concat",
                                         .domain = "",
                                         .since = 1,
                                         .in_min = 1,
                                         .in_max = ASH_VARIADIC,
                                         .out_min = 1,
                                         .out_max = 1,
                                         .flags = ASH_OP_MOVES,
                                         .attrs_size = sizeof(struct concat_attrs),
                                         .parse = concat_parse,
                                         .infer = concat_infer,
                                         .ref = concat_ref},
                                        {SPLIT, .since = 1, .until = 1, .in_max = 2},
                                        {SPLIT, .since = 2, .until = 12, .in_max = 1},
                                        {SPLIT, .since = 13, .in_max = 2},
                                        {0}};
