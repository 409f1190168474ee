#include "ir/tensor.h"

#include "base/error.h"
#include "ir/dim.h"
#include "ir/graph.h"

#include <stdio.h>
#include <string.h>

int64_t ash_dims_product(const int64_t *dim, int first, int last) {
    int64_t n = 1;
    for (int i = first; i < last; i++) n *= dim[i];
    return n;
}

int64_t ash_tensor_count(const struct ash_tensor *t) {
    return ash_dims_product(t->dim, 0, t->rank);
}

size_t ash_tensor_bytes(const struct ash_tensor *t) {
    return (size_t)ash_tensor_count(t) * ash_dtype_size(t->dtype);
}

bool ash_tensor_same_shape(const struct ash_tensor *a, const struct ash_tensor *b) {
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
}

void ash_shape_text(char *text, size_t size, int dtype, int rank, const int64_t *dim) {
    struct ash_type type = {.kind = ASHORE_TENSOR, .dtype = (uint8_t)dtype, .rank = (int8_t)rank};
    for (int i = 0; i < rank && i < ASH_MAX_RANK; i++) type.dim[i] = ash_dim_exact(dim[i]);
    ash_type_text(NULL, &type, text, size);
}

int ash_shape_check(int dtype, int rank, const int64_t *dim, int64_t *count, size_t *bytes,
                    struct ashore_error *err) {
    const uint64_t most = sizeof(size_t) > 4 ? (uint64_t)1 << 40 : (uint64_t)1 << 31;
    size_t size = ash_dtype_size(dtype);
    ASH_FAIL_IF(size == 0, err, TYPE, "%d is not an element type", dtype);
    ASH_FAIL_IF(rank < 0 || rank > ASH_MAX_RANK, err, LIMIT,
                "rank %d: tensors have at most %d dimensions", rank, ASH_MAX_RANK);
    uint64_t n = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        ASH_FAIL_IF(dim[i] < 0, err, SHAPE, "extent %lld of dimension %d is negative",
                    (long long)dim[i], i);
        if (dim[i] == 0) empty = true;
    }
    for (int i = 0; i < rank; i++) { /* of empty tensors too: products of some extents are taken */
        if ((uint64_t)dim[i] > most / size / n) {
            char text[160];
            ash_shape_text(text, sizeof text, dtype, rank, dim);
            return ash_fail(err, ASHORE_ERR_LIMIT, "%s is too large", text);
        }
        if (dim[i] != 0) n *= (uint64_t)dim[i];
    }
    if (empty) n = 0;
    if (count) *count = (int64_t)n;
    if (bytes) *bytes = (size_t)n * size;
    return ASHORE_OK;
}

void ash_broadcast_strides(int r, const int64_t *dim, int rank, int64_t *stride) {
    int64_t s = 1;
    for (int i = rank - 1; i >= 0; i--) {
        int k = i - (rank - r);
        int64_t d = k >= 0 ? dim[k] : 1;
        stride[i] = d == 1 ? 0 : s;
        s *= d;
    }
}

bool ash_index_next(int rank, const int64_t *dim, int64_t *index, int n, int64_t *offset,
                    const int64_t (*stride)[ASH_MAX_RANK]) {
    for (int i = rank - 1; i >= 0; i--) {
        if (++index[i] < dim[i]) {
            for (int k = 0; k < n; k++) offset[k] += stride[k][i];
            return true;
        }
        for (int k = 0; k < n; k++) offset[k] -= stride[k][i] * (dim[i] - 1);
        index[i] = 0;
    }
    return false;
}
