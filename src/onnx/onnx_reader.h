/* What the files of the reader share; see model_reader.h for the contract of the whole. */
#ifndef ASH_ONNX_READER_H
#define ASH_ONNX_READER_H

#include "base/error.h"
#include "base/heap.h"
#include "onnx/model_reader.h"
#include "onnx/name_map.h"

enum {
    /* Graphs in graphs and calls in calls: each level is three messages on the wire, and protobuf's
     * own readers stop at a hundred. */
    ASH_READER_DEPTH = 32,
    ASH_READER_TYPE_DEPTH = 8,
    ASH_READER_ATTRS = 128, /* of a node: they are looked for one by one */
    ASH_READER_DIM_NAMES = 4096
};

/* Arguments of a "%.*s" that shows the start of a view. */
#define ASH_SHOW(v)                                                                                \
    (int)((v).size < 96 ? (v).size : 96), ((v).data != NULL ? (const char *)(v).data : "")

struct ash_function; /* function_inline.c */

struct ash_reader {
    const struct ash_onnx_source *src;
    struct ash_arena *arena;  /* of what stays */
    struct ash_arena scratch; /* of what is needed while reading */
    struct ash_symtab *syms;
    struct ash_onnx_model *out;
    const struct ash_onnx_opset *imports;
    size_t n_imports;
    struct ash_name_map dim_names, op_names, function_names;
    struct ash_onnx_op *ops; /* in scratch until they are all known */
    size_t n_ops, cap_ops;
    struct ash_function *functions;
    uint64_t dense_left;  /* bytes that sparse tensors may still take */
    uint64_t inline_left; /* bytes of function bodies that may still be inlined */
    int depth;
    struct ashore_error *err;
};

/* ---- pieces ---- */

void *ash_reader_alloc(struct ash_reader *r, struct ash_arena *arena, size_t count, size_t size);
#define ASH_READER_NEW(r, where, count, to)                                                        \
    (((to) = ash_reader_alloc((r), (where), (count), sizeof *(to))) == NULL ? ASHORE_ERR_NOMEM     \
                                                                            : ASHORE_OK)
/* A copy in the model's arena, refused when it holds a zero byte; "" for an absent view. */
int ash_reader_text(struct ash_reader *r, struct ash_view view, const char **text);
/* Any bytes; data[length] is 0. */
int ash_reader_bytes(struct ash_reader *r, struct ash_view view, struct ash_text *text);
int ash_reader_imports(struct ash_reader *r, struct ash_many many,
                       const struct ash_onnx_opset **imports, size_t *n);
/* Makes a message fit for a terminal: names in it come from the file. */
void ash_reader_clean(struct ashore_error *err);
/* Depth of whatever recurses. */
int ash_reader_enter(struct ash_reader *r, const char *what);
void ash_reader_leave(struct ash_reader *r);

/* ---- tensors and types ---- */

/* TensorProto.  *name (may be NULL) is a view into the message. */
int ash_reader_tensor(struct ash_reader *r, struct ash_view message, struct ash_tensor *t,
                      struct ash_view *name);
/* SparseTensorProto, made dense. */
int ash_reader_sparse(struct ash_reader *r, struct ash_view message, struct ash_tensor *t,
                      struct ash_view *name);
/* The bytes that an external tensor names; `size` of them are wanted. */
int ash_reader_external(struct ash_reader *r, struct ash_many entries, size_t size,
                        struct ash_view *bytes);
void ash_reader_count_weight(struct ash_reader *r, const struct ash_tensor *t);
int ash_reader_type(struct ash_reader *r, struct ash_view message, struct ash_type *type);
/* ValueInfoProto. */
int ash_reader_value_info(struct ash_reader *r, struct ash_view message, struct ash_view *name,
                          struct ash_view *type);

/* ---- nodes ---- */

struct ash_node_proto {
    struct ash_many input, output, attribute;
    struct ash_view name, op_type, domain, overload;
    struct ash_view label; /* this and the next of prepared files alone */
    int64_t version;
};
/* Refuses what is no node of a prepared file in an engine that was trimmed to one. */
int ash_reader_check(struct ash_reader *r, const struct ash_node_proto *p);
/* In such an engine, the version of a node's operator set and its label; in others the version
 * stays 0. */
int ash_reader_prepared(struct ash_reader *r, const struct ash_node_proto *p,
                        struct ash_node *head);
int ash_reader_node(struct ash_reader *r, struct ash_view message, struct ash_node_proto *p);

struct ash_attr_graph {
    const char *name;
    struct ash_view message;
};
struct ash_node_attrs {
    struct ash_attr *raw;
    struct ash_attr_graph *graphs;
    uint32_t n_raw, n_graphs;
};
/* Attributes of a node; references are looked up in those of the call (NULL outside of functions).
 * Each graph attribute is listed instead, "then_branch" before "else_branch". */
int ash_reader_attrs(struct ash_reader *r, struct ash_many many, const struct ash_node_attrs *call,
                     struct ash_node_attrs *attrs);
/* One AttributeProto into the two lists, whose room the caller has. */
int ash_reader_attr(struct ash_reader *r, struct ash_view message,
                    const struct ash_node_attrs *call, struct ash_node_attrs *attrs);
/* The tensor that a Constant node stands for. */
int ash_reader_constant(struct ash_reader *r, const struct ash_node_attrs *attrs,
                        struct ash_tensor **t);

/* ---- scopes ---- */

enum { ASH_NODE_WAITS, ASH_NODE_RUNS, ASH_NODE_DONE };

struct ash_node_slot {
    struct ash_view message;
    int state;
};

/* Where names mean something: a graph, or the body of one call of a function. */
struct ash_scope {
    struct ash_reader *r;
    struct ash_scope *outer; /* whose values may be captured; NULL: none are */
    struct ash_graph *graph; /* a call's: the caller's */
    struct ash_name_map names;
    struct ash_node_slot *nodes;
    uint32_t n_nodes;
    bool count; /* its nodes and weights have not been counted before */
    const struct ash_node_attrs *call;
    const struct ash_onnx_opset *imports;
    size_t n_imports;
    const char *prefix;  /* of names of values; "" outside of calls */
    uint32_t cap_inputs; /* of graph->inputs */
    uint32_t *captured;  /* values of the outer graph, for the inputs after the formal ones */
    uint32_t n_captured, cap_captured;
};

/* GraphProto, closed: scope->captured says what it takes from outer.  *scope is initialised here.
 */
int ash_reader_graph(struct ash_reader *r, struct ash_view message, struct ash_scope *outer,
                     struct ash_scope *scope);
/* Lists the nodes of a scope and the names that they make.  *n_names counts those. */
int ash_scope_nodes(struct ash_scope *s, struct ash_many nodes, size_t more_names, size_t *n_names);
/* Makes the scope's nodes, in order. */
int ash_scope_run(struct ash_scope *s);
/* A new value of the graph for a name; bound to it. */
int ash_scope_value(struct ash_scope *s, struct ash_view name, uint32_t *id);
/* The name stands for the value; the value takes the type that is declared for it. */
int ash_scope_bind(struct ash_scope *s, struct ash_view name, uint32_t id);
/* The value of a name that is used: captured, or made first, where needed.  ASH_NONE for "". */
int ash_scope_find(struct ash_scope *s, struct ash_view name, uint32_t *id);
/* The order in which nodes can run; NULL: as they stand. */
int ash_scope_order(struct ash_scope *s, uint32_t **order);

/* ---- functions ---- */

int ash_reader_functions(struct ash_reader *r, struct ash_many many);
/* The function that a node calls, NULL when it is an operator. */
struct ash_function *ash_reader_function(struct ash_reader *r, const struct ash_node_proto *p);
/* Inlines a call into the scope. */
int ash_scope_call(struct ash_scope *s, struct ash_function *f, const struct ash_node_proto *p);

#endif
