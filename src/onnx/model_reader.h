/* ONNX file -> graph.  The bytes are not trusted: what is malformed is refused with a message that
 * names the model and the node or tensor, and memory is bounded by a constant times the size of
 * the file (sparse tensors and inlined functions: by budgets that grow with it).
 *
 * What the reader settles, so that nobody behind it has to:
 *   - captured outer values become inputs of subgraph and node (graph.h); captured constants become
 *     constants of the subgraph, over the same data;
 *   - Constant nodes become constants, sparse tensors dense ones, 2 and 4 bit elements a byte each;
 *   - calls of model-local functions are inlined;
 *   - nodes are sorted topologically, in file order where that is one;
 *   - an input that has an initializer is a constant and no input, whatever the IR version: such a
 *     default cannot be overridden at run time.
 * Quantization annotations, training information, metadata and device placements are passed over.
 */
#ifndef ASH_ONNX_MODEL_READER_H
#define ASH_ONNX_MODEL_READER_H

#include "base/mapping.h"
#include "ir/graph.h"

struct ash_onnx_source {
    const void *bytes; /* outlive the graph: weights are used where they lie, if aligned */
    size_t size;
    const char *name; /* begins messages; may be NULL */
    /* External data: by callback, else from files under data_dir; neither: refused. */
    const char *data_dir;
    const char *link_dir; /* NULL, or a second folder that links in data_dir may lead to: the one of
                             the model's file itself where that was reached by a link */
    int (*external)(void *user, const char *location, const void **data, size_t *size);
    void *external_user;
};

/* An operator set that the model imports. */
struct ash_onnx_opset {
    const char *domain; /* "": ai.onnx */
    int64_t version;
};

/* Nodes as they are written, of subgraphs and called functions (once each) too; calls of functions
 * are not counted. */
struct ash_onnx_op {
    const char *domain, *name;
    int32_t opset;
    size_t count;
    const char *first_node; /* its name */
};

struct ash_onnx_weights {
    uint64_t count, elements, bytes; /* bytes in memory */
};

/* Where the message of a large constant begins whose data is used where it lies: nobody reads what
 * is between the two. */
struct ash_onnx_span {
    const unsigned char *data, *message;
};

/* A file of external data. */
struct ash_onnx_external {
    struct ash_onnx_external *next;
    const char *location;
    const unsigned char *data;
    size_t size;
    struct ash_mapping mapping; /* size 0: the bytes came from the callback */
};

struct ash_onnx_model {
    struct ash_graph *graph;
    int64_t ir_version;
    const char *producer; /* "" when not told */
    const struct ash_onnx_opset *opsets;
    size_t n_opsets;
    const struct ash_onnx_op *ops;
    size_t n_ops;
    struct ash_onnx_weights weights[ASHORE_DTYPE_COUNT];
    uint64_t file_bytes; /* with external files */
    uint64_t in_place;   /* bytes of constants that are used where they lie in these */
    struct ash_onnx_external *external;
    struct ash_onnx_span *spans; /* in the order of data; those out of order are left out */
    size_t n_spans, cap_spans;
};

/* Reads a model into the arena; ash_graph_resolve is left to the caller.  On failure *out holds
 * nothing that must be released. */
int ash_onnx_read(const struct ash_onnx_source *src, struct ash_arena *arena,
                  struct ash_onnx_model *out, struct ashore_error *err);
/* Unmaps external data; the graph's weights must not be used any more. */
void ash_onnx_model_deinit(struct ash_onnx_model *model);

#endif
