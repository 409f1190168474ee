/* A dense tensor: a view, it owns nothing.  Elements lie in row-major order without gaps. */
#ifndef ASH_IR_TENSOR_H
#define ASH_IR_TENSOR_H

#include "ir/dtype.h"

enum { ASH_MAX_RANK = ASHORE_MAX_RANK };

/* A string element: a range of the tensor's `chars`. */
struct ash_str {
    uint32_t offset, length;
};

struct ash_tensor {
    int32_t dtype; /* enum ashore_dtype */
    int32_t rank;
    int64_t dim[ASH_MAX_RANK];
    void *data;
    const char *chars; /* strings only */
};

/* Product of the extents; at least 0.  Extents have been checked: it cannot overflow. */
int64_t ash_tensor_count(const struct ash_tensor *t);
size_t ash_tensor_bytes(const struct ash_tensor *t);
bool ash_tensor_same_shape(const struct ash_tensor *a, const struct ash_tensor *b);
/* Product of dim[first..last). */
int64_t ash_dims_product(const int64_t *dim, int first, int last);

/* Elements and bytes of a shape, checked: no negative extent, no overflow, at most 2^40 bytes.
 * ASHORE_ERR_SHAPE or ASHORE_ERR_LIMIT otherwise.  count and bytes may be NULL. */
int ash_shape_check(int dtype, int rank, const int64_t *dim, int64_t *count, size_t *bytes,
                    struct ashore_error *err);

/* Writes "float32[1,3,48,320]". */
void ash_shape_text(char *text, size_t size, int dtype, int rank, const int64_t *dim);

/* ---- broadcasting (numpy's rules) ---- */

/* Strides in elements of the shape dim[r] seen as one of `rank` dimensions: 0 where repeated. */
void ash_broadcast_strides(int r, const int64_t *dim, int rank, int64_t *stride);
/* Walks an index of `rank` extents in row-major order, moving n offsets with their strides
 * (stride[i] has rank entries).  false when the walk is over. */
bool ash_index_next(int rank, const int64_t *dim, int64_t *index, int n, int64_t *offset,
                    const int64_t (*stride)[ASH_MAX_RANK]);

#endif
