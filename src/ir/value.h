/* A value of its own memory: tensor, sequence, optional or map, reference-counted.  What is not a
 * numeric tensor of known shape lives in these; numeric tensors of a plan live in its slab. */
#ifndef ASH_IR_VALUE_H
#define ASH_IR_VALUE_H

#include "base/heap.h"
#include "ir/tensor.h"

struct ashore_value {
    _Atomic uint32_t refs;
    uint8_t kind;  /* enum ashore_kind */
    uint8_t owned; /* tensor: data and chars belong to the value */
    struct ash_heap *heap;
    struct ash_tensor tensor;    /* ASHORE_TENSOR */
    size_t chars_size;           /* strings: bytes at tensor.chars */
    size_t count;                /* sequence: items; optional: 0 or 1; map: 2 */
    struct ashore_value **items; /* count of them, each retained.  A map has its keys, a vector, and
                                    as many values: a vector, or a sequence */
};

/* A tensor with uninitialised data (numeric) or empty strings.  The shape is checked. */
int ash_value_tensor(struct ash_heap *heap, int dtype, int rank, const int64_t *dim,
                     struct ashore_value **value, struct ashore_error *err);
/* A string tensor with room for chars_size bytes, to be filled by the caller through
 * tensor.data (struct ash_str) and (char *)tensor.chars. */
int ash_value_strings(struct ash_heap *heap, int rank, const int64_t *dim, size_t chars_size,
                      struct ashore_value **value, struct ashore_error *err);
/* A copy of t. */
int ash_value_copy(struct ash_heap *heap, const struct ash_tensor *t, struct ashore_value **value,
                   struct ashore_error *err);
/* A sequence or optional of count empty item slots (NULL), to be filled with retained items before
 * anyone else sees it. */
int ash_value_list(struct ash_heap *heap, int kind, size_t count, struct ashore_value **value,
                   struct ashore_error *err);
/* A map; keys and values are retained, and have been checked. */
int ash_value_map(struct ash_heap *heap, struct ashore_value *keys, struct ashore_value *values,
                  struct ashore_value **value, struct ashore_error *err);
/* Retained; or, where it holds memory of the caller's, a copy that does not. */
int ash_value_own(struct ash_heap *heap, struct ashore_value *from, struct ashore_value **value,
                  struct ashore_error *err);
struct ashore_value *ash_value_retain(struct ashore_value *value);
void ash_value_release(struct ashore_value **value);

#endif
