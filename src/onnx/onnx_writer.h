/* Graph -> ONNX file.
 *
 * What the reader has changed is turned back where ONNX wants it otherwise: captures are names of
 * the outer scope again, elements of 2 and 4 bits are packed.  Nodes of the internal domain become
 * model-local functions of domain "ashore", one each, whose body is the operator's own (struct
 * ash_op.body); so do nodes of another operator set version than the one that their scope imports.
 * Functions that were inlined stay so, and constants are initializers. */
#ifndef ASH_ONNX_ONNX_WRITER_H
#define ASH_ONNX_ONNX_WRITER_H

#include "ir/graph.h"
#include "onnx/model_reader.h"
#include "onnx/wire_writer.h"

/* Where a constant's bytes are, outside of the file. */
struct ash_onnx_place {
    const char *location;
    uint64_t offset;
};

struct ash_onnx_write_options {
    int64_t ir_version; /* at least; raised to what the operator sets and functions need */
    const char *producer;
    /* Versions that the file imports; domains not listed: as the first node of theirs says. */
    const struct ash_onnx_opset *opsets;
    size_t n_opsets;
    bool types;    /* write the types of intermediate values, too */
    bool prepared; /* nodes as they are, internal ones too, with a version each: see prepared.c */
    const char *const *output_names; /* NULL: those of the values */
    /* Whether the bytes of a constant lie elsewhere: ash_onnx_tensor_wire_size() of them, which the
     * caller writes there.  NULL: none do. */
    bool (*place)(void *user, const struct ash_tensor *t, const char *name,
                  struct ash_onnx_place *place);
    void *user;
};

/* Appends to *out, whose heap is set; the caller deinits it.  options may be NULL. */
int ash_onnx_write(const struct ash_graph *graph, const struct ash_onnx_write_options *options,
                   struct ash_wire_out *out, struct ashore_error *err);

/* Bytes of a tensor that holds no strings as raw data, and those bytes. */
size_t ash_onnx_tensor_wire_size(const struct ash_tensor *t);
void ash_onnx_tensor_wire(const struct ash_tensor *t, unsigned char *to);

#endif
