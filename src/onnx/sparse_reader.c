/* SparseTensorProto -> a dense tensor. */
#include "onnx/onnx_reader.h"

#include <string.h>

struct sparse_proto {
    struct ash_view values, indices;
    struct ash_many dims;
};

static const struct ash_wire_rule sparse_rules[] = {
    ASH_WIRE_RULE(1, BYTES, sparse_proto, values),
    ASH_WIRE_RULE(2, BYTES, sparse_proto, indices),
    ASH_WIRE_RULE(3, VARINTS, sparse_proto, dims),
    ASH_WIRE_END,
};

/* Where value i goes: one linear index, or one by dimension.  -1 when it is outside. */
static int64_t place(const struct ash_tensor *indices, int64_t i, const struct ash_tensor *t,
                     int64_t count) {
    const int64_t *x = indices->data;
    if (indices->rank == 1) return x[i] >= 0 && x[i] < count ? x[i] : -1;
    int64_t at = 0;
    for (int d = 0; d < t->rank; d++) {
        int64_t k = x[i * t->rank + d];
        if (k < 0 || k >= t->dim[d]) return -1;
        at = at * t->dim[d] + k;
    }
    return at;
}

static int scatter(struct ash_reader *r, const struct ash_tensor *values,
                   const struct ash_tensor *indices, struct ash_tensor *t) {
    int64_t n = ash_tensor_count(values), count = ash_tensor_count(t);
    bool linear = indices->rank == 1, whole = indices->rank == 2 && indices->dim[1] == t->rank;
    ASH_FAIL_IF(indices->dtype != ASHORE_INT64 || values->rank != 1 || (!linear && !whole) ||
                    indices->dim[0] != n,
                r->err, FORMAT, "sparse values and indices do not fit");
    size_t size = ash_dtype_size(t->dtype);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = place(indices, i, t, count);
        ASH_FAIL_IF(at < 0, r->err, INDEX, "index of sparse value %lld is outside of the tensor",
                    (long long)i);
        memcpy((char *)t->data + (size_t)at * size, (char *)values->data + (size_t)i * size, size);
    }
    return ASHORE_OK;
}

static int densify(struct ash_reader *r, const struct sparse_proto *p, struct ash_tensor *values,
                   struct ash_tensor *t) {
    struct ash_tensor indices;
    ASH_TRY(ash_reader_tensor(r, p->indices, &indices, NULL));
    ASH_FAIL_IF(p->dims.count > ASH_MAX_RANK, r->err, LIMIT,
                "rank %zu: tensors have at most %d dimensions", p->dims.count, ASH_MAX_RANK);
    *t = (struct ash_tensor){.dtype = values->dtype, .chars = values->chars};
    struct ash_many dims = p->dims;
    uint64_t x;
    while (t->rank < ASH_MAX_RANK && ash_many_number(&dims, &x)) t->dim[t->rank++] = (int64_t)x;
    size_t bytes;
    ASH_TRY(ash_shape_check(t->dtype, t->rank, t->dim, NULL, &bytes, r->err));
    ASH_FAIL_IF(bytes > r->dense_left, r->err, LIMIT,
                "%zu bytes once it is dense are more than this file may ask for", bytes);
    r->dense_left -= bytes;
    unsigned char *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, bytes, to));
    t->data = to;
    return scatter(r, values, &indices, t);
}

int ash_reader_sparse(struct ash_reader *r, struct ash_view message, struct ash_tensor *t,
                      struct ash_view *name) {
    struct sparse_proto p = {0};
    struct ash_tensor values;
    struct ash_view label;
    ASH_TRY(ash_wire_read(message, sparse_rules, &p, r->err));
    ASH_FAIL_IF(p.values.data == NULL || p.indices.data == NULL, r->err, FORMAT,
                "sparse tensor without values or indices");
    ASH_TRY(ash_reader_tensor(r, p.values, &values, &label));
    int rc = densify(r, &p, &values, t);
    if (rc != ASHORE_OK) ash_error_prefix(r->err, "sparse tensor '%.*s': ", ASH_SHOW(label));
    if (name != NULL) *name = label;
    return rc;
}
