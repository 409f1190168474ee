/* Gather, GatherElements, GatherND. */
#include "ops/convert.h"
#include "ops/indexing.h"
#include "ops/move.h"

#include <string.h>

extern const struct ash_op ash_ops_gather[];

struct gather_attrs {
    int64_t number; /* axis or batch_dims */
};

static int axis_parse(const struct ash_parse *c, void *attrs) {
    return ash_parse_int(c, "axis", 0, &((struct gather_attrs *)attrs)->number);
}

static int batch_parse(const struct ash_parse *c, void *attrs) {
    return ash_parse_int(c, "batch_dims", 0, &((struct gather_attrs *)attrs)->number);
}

static int64_t number(const void *attrs) { return ((const struct gather_attrs *)attrs)->number; }

/* ---- Gather: out = data with the axis replaced by the extents of the indices ---- */

static int gather_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type, *index = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int axis, itype, r = 0;
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &itype));
    c->out->type.dtype = t->dtype;
    if (t->rank < 0) return ASHORE_OK;
    ASH_TRY(ash_axis(number(c->attrs), t->rank, &axis, c->err));
    if (index->rank < 0) return ASHORE_OK;
    ASH_MISFIT_IF(t->rank + index->rank - 1 > ASH_MAX_RANK, c->err, LIMIT,
                  "rank %d: tensors have at most %d dimensions", t->rank + index->rank - 1,
                  ASH_MAX_RANK);
    for (int i = 0; i < axis; i++) dim[r++] = t->dim[i];
    for (int i = 0; i < index->rank; i++) dim[r++] = index->dim[i];
    for (int i = axis + 1; i < t->rank; i++) dim[r++] = t->dim[i];
    ash_infer_set(c, 0, t->dtype, r, dim);
    return ASHORE_OK;
}

static int gather_ref(struct ash_run *c) {
    const struct ash_tensor *data = c->in[0], *index = c->in[1];
    int axis;
    ASH_TRY(ash_axis(number(c->attrs), data->rank, &axis, c->err));
    int64_t outer = ash_dims_product(data->dim, 0, axis), extent = data->dim[axis];
    size_t block =
        (size_t)ash_dims_product(data->dim, axis + 1, data->rank) * ash_dtype_size(data->dtype);
    int64_t count = ash_tensor_count(index);
    for (int64_t k = 0; k < count; k++) {
        int64_t at;
        ASH_TRY(ash_index(ash_get_i64(index, k), extent, &at, c->err));
        const char *from = (const char *)data->data + (size_t)at * block;
        char *to = (char *)c->out[0]->data + (size_t)k * block;
        for (int64_t o = 0; o < outer && block; o++) {
            memcpy(to, from, block);
            from += (size_t)extent * block;
            to += (size_t)count * block;
        }
    }
    return ASHORE_OK;
}

/* ---- GatherElements: out[i..k..] = data[i..index[i..k..]..] ---- */

static int elements_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type, *index = &c->in[1]->type;
    int axis, itype;
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &itype));
    ash_infer_set(c, 0, t->dtype, index->rank, index->dim);
    if (t->rank < 0 || index->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(t->rank != index->rank, c->err, SHAPE, "data has %d dimensions, indices have %d",
                t->rank, index->rank);
    ASH_TRY(ash_axis(number(c->attrs), t->rank, &axis, c->err));
    for (int i = 0; i < t->rank; i++) {
        bool exact = t->dim[i].kind == ASH_DIM_EXACT && index->dim[i].kind == ASH_DIM_EXACT;
        ASH_FAIL_IF(i != axis && exact && index->dim[i].value > t->dim[i].value, c->err, SHAPE,
                    "dimension %d: %lld indices for an extent of %lld", i,
                    (long long)index->dim[i].value, (long long)t->dim[i].value);
    }
    return ASHORE_OK;
}

static void elements_row(void *arg, int64_t first, const int64_t *at, size_t n) {
    const struct ash_run *c = arg;
    const struct ash_tensor *data = c->in[0], *out = c->out[0];

    ash_move_indexed(ash_dtype_size(data->dtype), n, data->data, at, ash_at(out, first), NULL);
}

static int elements_ref(struct ash_run *c) {
    int axis;

    ASH_TRY(ash_axis(number(c->attrs), c->in[0]->rank, &axis, c->err));
    return ash_each_indexed(c->in[0], c->in[1], axis, elements_row, c, c->err);
}

/* ---- GatherND: the last dimension of the indices points into data behind the batch ---- */

static int nd_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type, *index = &c->in[1]->type;
    struct ash_dim dim[2 * ASH_MAX_RANK];
    int64_t batch = number(c->attrs);
    int itype, r = 0;
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &itype));
    c->out->type.dtype = t->dtype;
    ASH_FAIL_IF(t->rank == 0 || index->rank == 0, c->err, SHAPE,
                "data and indices must have dimensions");
    if (t->rank < 0 || index->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(batch < 0 || batch >= t->rank || batch >= index->rank, c->err, ATTR,
                "%lld batch dimensions with data of rank %d and indices of rank %d",
                (long long)batch, t->rank, index->rank);
    for (int i = 0; i < batch; i++) {
        bool exact = t->dim[i].kind == ASH_DIM_EXACT && index->dim[i].kind == ASH_DIM_EXACT;
        ASH_FAIL_IF(exact && t->dim[i].value != index->dim[i].value, c->err, SHAPE,
                    "batch dimension %d is %lld in data, %lld in indices", i,
                    (long long)t->dim[i].value, (long long)index->dim[i].value);
    }
    struct ash_dim last = index->dim[index->rank - 1];
    if (last.kind != ASH_DIM_EXACT) return ASHORE_OK;
    ASH_FAIL_IF(last.value < 1 || last.value > t->rank - batch, c->err, SHAPE,
                "indices of %lld numbers for data of rank %d with %lld batch dimensions",
                (long long)last.value, t->rank, (long long)batch);
    for (int i = 0; i < index->rank - 1; i++) dim[r++] = index->dim[i];
    for (int64_t i = batch + last.value; i < t->rank; i++) dim[r++] = t->dim[i];
    ASH_FAIL_IF(r > ASH_MAX_RANK, c->err, LIMIT, "rank %d: tensors have at most %d dimensions", r,
                ASH_MAX_RANK);
    ash_infer_set(c, 0, t->dtype, r, dim);
    return ASHORE_OK;
}

static int nd_ref(struct ash_run *c) {
    const struct ash_tensor *data = c->in[0], *index = c->in[1];
    int batch = (int)number(c->attrs), depth = (int)index->dim[index->rank - 1];
    int64_t step[ASH_MAX_RANK];
    ash_steps(data->rank, data->dim, step);
    int64_t tuples = ash_dims_product(index->dim, 0, index->rank - 1);
    int64_t groups = ash_dims_product(data->dim, 0, batch);
    int64_t group = groups ? tuples / groups : 0; /* tuples of a batch element */
    int64_t stride = ash_dims_product(data->dim, batch, data->rank);
    size_t size = ash_dtype_size(data->dtype);
    size_t block = (size_t)ash_dims_product(data->dim, batch + depth, data->rank) * size;
    for (int64_t i = 0; i < tuples; i++) {
        int64_t offset = i / group * stride, k;
        for (int j = 0; j < depth; j++) {
            ASH_TRY(ash_index(ash_get_i64(index, i * depth + j), data->dim[batch + j], &k, c->err));
            offset += k * step[batch + j];
        }
        if (block) memcpy((char *)c->out[0]->data + (size_t)i * block, ash_at(data, offset), block);
    }
    return ASHORE_OK;
}

#define GATHER                                                                                     \
    .domain = "", .in_min = 2, .in_max = 2, .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES,     \
    .attrs_size = sizeof(struct gather_attrs)

const struct ash_op ash_ops_gather[] = {{GATHER, .name = "Gather", .since = 1, .parse = axis_parse,
                                         .infer = gather_infer, .ref = gather_ref},
                                        {GATHER, .name = "GatherElements", .since = 11,
                                         .parse = axis_parse, .infer = elements_infer,
                                         .ref = elements_ref},
                                        {GATHER, .name = "GatherND", .since = 11,
                                         .parse = batch_parse, .infer = nd_infer, .ref = nd_ref},
                                        {0}};
