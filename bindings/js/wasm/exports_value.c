/* What core.js calls of each module: errors, memory and tensors.  Private to the package: both
 * sides are of one version, which core.js checks.
 *
 * Memory that JavaScript fills is a uint8 tensor (`buffer`), so that every block has a handle and
 * one way to be given back.  Functions that make a value return NULL on failure, those that return
 * a status leave the detail where `error` points. */
#include "exports.h"

static struct ashore_error js_failure;

EXPORT(const char *, version, void) { return ashore_version(); }

EXPORT(struct ashore_error *, error, void) { return &js_failure; }

EXPORT(ashore_value *, tensor, int dtype, int rank, const int64_t *shape) {
    ashore_value *value = NULL;
    (void)ashore_tensor_create(dtype, rank, shape, &value, &js_failure);
    return value;
}

EXPORT(ashore_value *, buffer, size_t size) {
    int64_t shape = (int64_t)size;
    return js_tensor(ASHORE_UINT8, 1, &shape);
}

/* Where JavaScript writes an element of a new tensor or buffer. */
EXPORT(void *, data, ashore_value *value) { return ashore_value_data_mut(value); }

EXPORT(void, release, ashore_value *value) { ashore_value_release(&value); }

struct description {
    int32_t kind, dtype, rank;
    const int64_t *shape;
    const void *data;
    size_t bytes, elements, count;
};

EXPORT(void, describe, const ashore_value *value, struct description *d) {
    d->kind = ashore_value_kind(value);
    d->dtype = ashore_value_dtype(value);
    d->rank = ashore_value_rank(value);
    d->shape = ashore_value_shape(value);
    d->data = ashore_value_data(value);
    d->bytes = ashore_value_bytes(value);
    d->elements = ashore_value_elements(value);
    d->count = ashore_value_count(value);
}
