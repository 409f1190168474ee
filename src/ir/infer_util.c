/* What infer functions share. */
#include "ir/op.h"

#include <string.h>

void ash_infer_same(struct ash_infer *c, int o, int i) {
    const struct ash_info *in = c->in[i];
    c->out[o].type = in->type;
    c->out[o].content = in->content;
}

void ash_infer_set(struct ash_infer *c, int o, int dtype, int rank, const struct ash_dim *dim) {
    struct ash_type *t = &c->out[o].type;
    t->kind = ASHORE_TENSOR;
    t->dtype = (uint8_t)dtype;
    t->rank = (int8_t)rank;
    for (int i = 0; i < rank; i++) t->dim[i] = dim[i];
}

struct ash_dim ash_infer_dim(struct ash_infer *c, enum ash_dim_op op, struct ash_dim a,
                             struct ash_dim b) {
    struct ash_dim d = ash_dim_apply(c->syms, op, a, b);
    if (a.kind == ASH_DIM_EXACT && b.kind == ASH_DIM_EXACT && d.kind != ASH_DIM_EXACT)
        *c->overflow = true;
    return d;
}

static int64_t read_int(const struct ash_tensor *t, int64_t i) {
    switch (t->dtype) {
    case ASHORE_INT64:
        return ((const int64_t *)t->data)[i];
    case ASHORE_INT32:
        return ((const int32_t *)t->data)[i];
    default:
        return ((const int16_t *)t->data)[i];
    }
}

int ash_infer_ints(struct ash_infer *c, int i, struct ash_dim *out, int cap, int *n) {
    const struct ash_info *in = c->in[i];
    int dtype = in->type.dtype;
    bool integer = dtype == ASHORE_INT64 || dtype == ASHORE_INT32 || dtype == ASHORE_INT16;
    ASH_MISFIT_IF(dtype && !integer, c->err, TYPE, "input %d is %s, expected integers", i,
                  ash_dtype(dtype)->name);
    ASH_MISFIT_IF(in->type.rank > 1, c->err, SHAPE,
                  "input %d has %d dimensions, expected a list of integers", i, in->type.rank);
    if (!in->data && !in->content) return ASHORE_NEEDS_DATA;
    int64_t count = in->type.rank ? in->type.dim[0].value : 1;
    ASH_FAIL_IF(count > cap, c->err, LIMIT, "input %d has %lld elements, expected at most %d", i,
                (long long)count, cap);
    for (int k = 0; k < (int)count; k++) {
        out[k] = in->data ? ash_dim_exact(read_int(in->data, k)) : ash_dim_decode(in->content[k]);
    }
    *n = (int)count;
    return ASHORE_OK;
}

int ash_infer_exact_ints(struct ash_infer *c, int i, int64_t *out, int cap, int *n) {
    struct ash_dim dim[ASH_CONTENT_MAX];
    ASH_TRY(ash_infer_ints(c, i, dim, cap < ASH_CONTENT_MAX ? cap : ASH_CONTENT_MAX, n));
    for (int k = 0; k < *n; k++) {
        if (dim[k].kind != ASH_DIM_EXACT) return ASHORE_NEEDS_DATA;
        out[k] = dim[k].value;
    }
    return ASHORE_OK;
}

int ash_axis(int64_t axis, int rank, int *out, struct ashore_error *err) {
    ASH_FAIL_IF(axis < -rank || axis >= rank, err, ATTR, "axis %lld is out of range for rank %d",
                (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return ASHORE_OK;
}

bool ash_type_same(const struct ash_type *a, const struct ash_type *b) {
    if (a->kind != b->kind || a->dtype != b->dtype) return false;
    if (a->kind != ASHORE_TENSOR)
        return a->elem == b->elem || (a->elem && b->elem && ash_type_same(a->elem, b->elem));
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i].kind != b->dim[i].kind || a->dim[i].value != b->dim[i].value) return false;
    }
    return true;
}

static bool nothing_known(const struct ash_type *t) {
    return t->kind == ASHORE_TENSOR && t->dtype == 0 && t->rank < 0;
}

int ash_type_merge(struct ash_type *into, const struct ash_type *other, struct ashore_error *err) {
    if (nothing_known(into) || nothing_known(other)) {
        if (nothing_known(into)) *into = *other;
        into->rank = -1;
        into->elem = NULL;
        return ASHORE_OK;
    }
    if (into->kind != other->kind) { /* an optional may turn into what it holds */
        bool optional = into->kind == ASHORE_OPTIONAL || other->kind == ASHORE_OPTIONAL;
        ASH_FAIL_IF(!optional, err, TYPE, "a value is of two kinds");
        *into = (struct ash_type){.kind = ASHORE_OPTIONAL, .rank = -1};
        return ASHORE_OK;
    }
    ASH_FAIL_IF(into->dtype && other->dtype && into->dtype != other->dtype, err, TYPE,
                "a value is %s and %s", ash_dtype(into->dtype)->name,
                ash_dtype(other->dtype)->name);
    if (!into->dtype) into->dtype = other->dtype;
    if (into->kind != ASHORE_TENSOR) {
        bool same = into->elem && other->elem && ash_type_same(into->elem, other->elem);
        if (!same) into->elem = NULL;
        return ASHORE_OK;
    }
    if (into->rank != other->rank) into->rank = -1;
    for (int i = 0; i < into->rank; i++) {
        if (!ash_dim_same(into->dim[i], other->dim[i])) into->dim[i] = ash_dim_unknown();
    }
    return ASHORE_OK;
}
