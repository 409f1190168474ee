/* Serialised values -> struct ashore_value.  The bytes are not trusted; memory is bounded by a
 * constant times their size. */
#ifndef ASH_ONNX_PROTO_VALUE_H
#define ASH_ONNX_PROTO_VALUE_H

#include "ir/value.h"

struct ashore_error;

/* kind (enum ashore_kind) says what the bytes are: TensorProto, SequenceProto, OptionalProto or
 * MapProto.  The value owns all its memory.  *out is set on success only. */
int ash_onnx_value(struct ash_heap *heap, int kind, const void *bytes, size_t size,
                   struct ashore_value **out, struct ashore_error *err);

#endif
