/* The graph: values by number, nodes in execution order.
 *
 * A graph is closed: what a subgraph captures from outside has been made an explicit input of it
 * and of its node when the model was loaded, so no name is looked up after loading.  Everything is
 * in the model's arena; nothing is freed one by one.  Nodes are topologically sorted. */
#ifndef ASH_IR_GRAPH_H
#define ASH_IR_GRAPH_H

#include "base/arena.h"
#include "ir/dim.h"
#include "ir/tensor.h"

struct ash_op;
struct ashore_error;

/* Version of ai.onnx: the newest that is known; rewrites and bodies are written in it. */
enum { ASH_OPSET_NEWEST = 28 };

#define ASH_NONE UINT32_MAX /* "no value": an optional input or output that is left out */

/* Type of a value as far as it is known. */
struct ash_type {
    uint8_t kind;  /* enum ashore_kind */
    uint8_t dtype; /* tensor: enum ashore_dtype; map: of the keys; 0: not known */
    int8_t rank;   /* tensor: -1 when not known */
    struct ash_dim dim[ASH_MAX_RANK];
    const struct ash_type *elem; /* sequence, optional, map: of the element; NULL: not known */
};

enum ash_attr_type { /* ONNX's numbers */
                     ASH_ATTR_FLOAT = 1,
                     ASH_ATTR_INT = 2,
                     ASH_ATTR_STRING = 3,
                     ASH_ATTR_TENSOR = 4,
                     ASH_ATTR_GRAPH = 5,
                     ASH_ATTR_FLOATS = 6,
                     ASH_ATTR_INTS = 7,
                     ASH_ATTR_STRINGS = 8,
                     ASH_ATTR_TENSORS = 9,
                     ASH_ATTR_GRAPHS = 10,
                     ASH_ATTR_SPARSE_TENSOR = 11,
                     ASH_ATTR_TYPE = 13
};

struct ash_text { /* may hold zero bytes; data[length] is 0 as well */
    const char *data;
    size_t length;
};

struct ash_attr {
    const char *name;
    int32_t type; /* enum ash_attr_type */
    size_t count; /* elements of the plural kinds */
    union {
        float f;
        int64_t i;
        struct ash_text s;
        const float *floats;
        const int64_t *ints;
        const struct ash_text *strings;
        const struct ash_tensor *tensor; /* count of them for TENSORS */
        struct ash_graph *graph;         /* GRAPH; GRAPHS are refused */
        const struct ash_type *type_proto;
    } v;
};

/* A subgraph of a node.  The graph's inputs are formal ones first, then captures: capture j is
 * given by the node's input first_capture + j. */
struct ash_sub {
    struct ash_graph *graph;
    uint32_t formal;        /* inputs that the operator itself feeds */
    uint32_t first_capture; /* index into the node's inputs */
    const char *name;       /* the attribute's; If: sub 0 is "then_branch", sub 1 "else_branch" */
};

struct ash_node {
    const char *name; /* never NULL, may be "" */
    const char *domain, *op_type;
    int32_t opset;              /* version of the domain that applies */
    const struct ash_op *op;    /* the registry's row; NULL: not supported */
    const void *attrs;          /* parsed by the row's parse(), op->attrs_size bytes */
    const struct ash_attr *raw; /* as in the file, without graphs that became subs */
    uint32_t n_raw;
    uint32_t n_in, n_out;
    uint32_t n_formal;  /* inputs less captures */
    uint32_t *in, *out; /* value numbers or ASH_NONE */
    uint32_t n_sub;
    struct ash_sub *sub;
    const char *label; /* for profiles: "Conv+HardSwish"; NULL: op_type */
    uint32_t id;       /* counts the nodes of a model, subgraphs included; set by the model */
};

struct ash_valuedef {
    const char *name;              /* never NULL */
    struct ash_type type;          /* declared, then inferred */
    const struct ash_tensor *data; /* weights and other constants; NULL: computed */
};

struct ash_graph {
    struct ash_arena *arena;
    struct ash_symtab *syms;
    const char *name;
    struct ash_valuedef *values;
    uint32_t n_values, cap_values;
    struct ash_node **nodes;
    uint32_t n_nodes, cap_nodes;
    uint32_t *inputs; /* without constants, unless the file lists one as an overridable input */
    uint32_t n_inputs;
    uint32_t *outputs;
    uint32_t n_outputs;
};

/* All of these return ASHORE_ERR_NOMEM when memory is out. */
int ash_graph_create(struct ash_arena *arena, struct ash_symtab *syms, const char *name,
                     struct ash_graph **graph, struct ashore_error *err);
/* Names are kept by reference: they must be in the arena. */
int ash_graph_add_value(struct ash_graph *g, const char *name, uint32_t *id,
                        struct ashore_error *err);
/* Appends a node without attributes, with room for its inputs and outputs (ASH_NONE). */
int ash_graph_add_node(struct ash_graph *g, const char *domain, const char *op_type, int opset,
                       uint32_t n_in, uint32_t n_out, struct ash_node **node,
                       struct ashore_error *err);
/* A constant of its own memory in the arena, data uninitialised. */
int ash_graph_add_const(struct ash_graph *g, const char *name, int dtype, int rank,
                        const int64_t *dim, uint32_t *id, struct ash_tensor **tensor,
                        struct ashore_error *err);
/* Finds op rows and parses attributes, of subgraphs too.  An unknown operator is no error: op stays
 * NULL.  A bad attribute is. */
int ash_graph_resolve(struct ash_graph *g, struct ashore_error *err);
int ash_node_resolve(struct ash_graph *g, struct ash_node *node, struct ashore_error *err);

/* Puts node, operator and version before the message, once: the innermost node is the one named. */
void ash_error_node(struct ashore_error *err, const struct ash_node *node);

/* Raw attribute by name, NULL when there is none. */
const struct ash_attr *ash_node_attr(const struct ash_node *node, const char *name);
/* Adds (or replaces) a raw attribute; used by rewrites before ash_node_resolve. */
int ash_node_set_attr(struct ash_graph *g, struct ash_node *node, const struct ash_attr *attr,
                      struct ashore_error *err);

/* Uses of each value (inputs of nodes, captures included, and graph outputs) into uses[n_values].
 */
void ash_graph_uses(const struct ash_graph *g, uint32_t *uses);
/* Drops nodes whose outputs nobody uses.  true when something was dropped. */
bool ash_graph_drop_dead(struct ash_graph *g, uint32_t *uses);

/* "float32[N,3,48,W]", "sequence(int64[?])". */
void ash_type_text(const struct ash_symtab *tab, const struct ash_type *type, char *text,
                   size_t size);

#endif
