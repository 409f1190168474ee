/* The messages that hang on no names: tensors, types, attributes. */
#ifndef ASH_ONNX_PROTO_WRITER_H
#define ASH_ONNX_PROTO_WRITER_H

#include "onnx/onnx_writer.h"

/* TensorProto as field `number`.  name and place may be NULL. */
void ash_put_tensor(struct ash_wire_out *out, unsigned number, const struct ash_tensor *t,
                    const char *name, const struct ash_onnx_place *place);
/* ValueInfoProto; without a type where none is known. */
void ash_put_value_info(struct ash_wire_out *out, unsigned number, const char *name,
                        const struct ash_type *type, const struct ash_symtab *syms);
/* Whether the type says enough to be written. */
bool ash_type_is_known(const struct ash_type *type);
/* AttributeProto of a node. */
void ash_put_attr(struct ash_wire_out *out, const struct ash_attr *a,
                  const struct ash_symtab *syms);
/* OperatorSetIdProto. */
void ash_put_opset(struct ash_wire_out *out, unsigned number, const struct ash_onnx_opset *set);

#endif
