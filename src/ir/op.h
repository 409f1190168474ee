/* The operator table: one row is one operator over a range of operator set versions.
 *
 * One file in src/ops/ is one family and ends in its table, ash_ops_FILE[], closed by an empty row;
 * the build finds it.  A row holds everything that the engine knows of the operator. */
#ifndef ASH_IR_OP_H
#define ASH_IR_OP_H

#include "base/error.h"
#include "base/trimming.h"
#include "ir/graph.h"
#include "ir/value.h"

struct ash_pool;

#define ASH_INTERNAL "ashore" /* domain of fused and channels-last operators */

/* ---- attributes ---- */

struct ash_parse {
    const struct ash_node *node;
    struct ash_arena *arena; /* what the parsed attributes point to lives here */
    struct ashore_error *err;
};
/* Reads one attribute; absent: the default given, or ASHORE_ERR_ATTR where there is none.  Wrong
 * type: ASHORE_ERR_ATTR. */
int ash_parse_int(const struct ash_parse *c, const char *name, int64_t fallback, int64_t *out);
int ash_parse_float(const struct ash_parse *c, const char *name, float fallback, float *out);
int ash_parse_int_required(const struct ash_parse *c, const char *name, int64_t *out);
/* *out NULL and *n 0 when absent.  Borrowed from the graph. */
int ash_parse_ints(const struct ash_parse *c, const char *name, const int64_t **out, size_t *n);
int ash_parse_floats(const struct ash_parse *c, const char *name, const float **out, size_t *n);
int ash_parse_strings(const struct ash_parse *c, const char *name, const struct ash_text **out,
                      size_t *n);
int ash_parse_tensor(const struct ash_parse *c, const char *name, const struct ash_tensor **out);
/* The index of the string attribute among choices[] (closed by NULL). */
int ash_parse_choice(const struct ash_parse *c, const char *name, const char *const *choices,
                     int fallback, int *out);

/* ---- inference ---- */

/* What is known of a value. */
struct ash_info {
    struct ash_type type;
    const struct ash_tensor *data; /* the value itself, where it is a constant */
    const int64_t *content;        /* codes (dim.h) of a small integer tensor, else NULL; set
                                      together with exact extents */
};

enum { ASH_CONTENT_MAX = 256 }; /* most elements whose contents are followed */

struct ash_infer {
    const struct ash_node *node;
    const void *attrs;
    int n_in, n_out;                  /* n_in without captures */
    const struct ash_info *const *in; /* NULL: left out */
    struct ash_info *out;             /* cleared: kind tensor, dtype 0, rank -1 */
    struct ash_symtab *syms;
    struct ash_arena *arena;
    struct ashore_error *err;
    bool *overflow; /* ash_infer_dim: exact extents had no result */
    /* operators with subgraphs: infers sub k with these formal inputs (captures are added) */
    int (*infer_sub)(struct ash_infer *c, int k, const struct ash_info *formal,
                     struct ash_info *out);
    void *driver;
};
/* An infer function sets the types of all outputs it can, element type first, and returns
 * ASHORE_OK; ASHORE_NEEDS_DATA when extents hang on data that c->in does not have (element types
 * and what else is known are set nevertheless); or an error. */

static inline bool ash_infer_has(const struct ash_infer *c, int i) {
    return i < c->n_in && c->in[i] != NULL;
}
/* out[o] gets the type of in[i], contents included. */
void ash_infer_same(struct ash_infer *c, int o, int i);
void ash_infer_set(struct ash_infer *c, int o, int dtype, int rank, const struct ash_dim *dim);
/* Known contents of input i as extents, at most cap; ASHORE_NEEDS_DATA when not known.  It is an
 * integer or a list of integers, of 64, 32 or 16 bits: others are refused, known or not. */
int ash_infer_ints(struct ash_infer *c, int i, struct ash_dim *out, int cap, int *n);
/* The same, all exact. */
int ash_infer_exact_ints(struct ash_infer *c, int i, int64_t *out, int cap, int *n);
/* Makes axis (may be negative) a number in 0..rank-1. */
int ash_axis(int64_t axis, int rank, int *out, struct ashore_error *err);
/* What is true of both types: extents that differ become unknown.  Element types or kinds that
 * differ: ASHORE_ERR_TYPE. */
int ash_type_merge(struct ash_type *into, const struct ash_type *other, struct ashore_error *err);
/* The same kind, element type, rank and extents, as far as they are known in either. */
bool ash_type_same(const struct ash_type *a, const struct ash_type *b);
struct ash_dim ash_infer_dim(struct ash_infer *c, enum ash_dim_op op, struct ash_dim a,
                             struct ash_dim b);

/* ---- running ---- */

/* One execution of a node: its reference or its lowered step. */
struct ash_run {
    const struct ash_node *node;
    const void *attrs;
    const void *params; /* made by lower(); NULL for the reference */
    int n_in, n_out;
    const struct ash_tensor *const *in;   /* NULL: left out, or not a tensor */
    struct ash_tensor *const *out;        /* shape and data set when the shape was inferred; else to
                                             be made with ash_run_alloc.  NULL: not wanted */
    void *const *planned;                 /* the executor's: out[i]->data as it was planned */
    const size_t *out_room;               /* bytes that may be written at out[i]->data */
    struct ashore_value *const *in_value; /* not NULL for what is not a numeric tensor */
    struct ashore_value **out_value;      /* set here (retained) by operators whose output is a
                                             sequence, optional or map */
    void *scratch;                        /* as asked for by lower() */
    size_t out_step; /* elements from row to row of output 0's last dimension; 0: they are dense */
    struct ash_pool *pool;
    struct ash_heap *heap;
    struct ashore_error *err;
};
typedef int ash_run_fn(struct ash_run *c);

static inline bool ash_run_has(const struct ash_run *c, int i) {
    return i < c->n_in && (c->in[i] != NULL || c->in_value[i] != NULL);
}
/* Makes output i: sets c->out[i]'s shape and data (out_value[i] owns them). */
int ash_run_alloc(struct ash_run *c, int i, int dtype, int rank, const int64_t *dim);
/* Output i is input j, retained or copied. */
int ash_run_forward(struct ash_run *c, int i, int j);
/* A tensor input as a value that may be kept: retained or copied. */
int ash_run_keep(struct ash_run *c, int j, struct ashore_value **value);

/* ---- lowering ---- */

struct ash_plan;
struct ash_wide;
/* Writes `bytes` of packed weights; shape facts are in arg. */
typedef void ash_pack_fn(void *dst, const void *src, const void *arg);

struct ash_lower {
    const struct ash_node *node;
    const void *attrs;
    int n_in, n_out;
    const struct ash_info *const *in; /* types exact; data set for weights.  Large ones are read by
                                         ash_lower_pack and ash_lower_constant alone, and by a run
                                         only if they were not packed: they may be gone, and those
                                         of 16 bit types are float32 here, and converted when they
                                         are read */
    const struct ash_info *out;       /* exact */
    struct ash_arena *arena;          /* the plan's: params live here */
    struct ash_wide *wide;            /* [n_in] what stands for constants of 16 bits, or NULL */
    size_t threads;
    struct ash_plan *plan; /* the one that the step is for */
    uint32_t packed;       /* bit i: input i was packed; set by ash_lower_pack */
    struct ashore_error *err;
    /* results; run NULL: the reference runs */
    ash_run_fn *run;
    const void *params;
    size_t scratch;     /* bytes, aligned to ASH_ALIGN */
    const char *kernel; /* the row's name, for reports */
    bool out_strided;   /* the step heeds out_step */
#if !defined(__wasm__)
    uint8_t inplace; /* as in struct ash_op, of this step, and of inputs that it has once */
#endif
};
/* How constants are packed for a kernel.  row and variant tell layouts apart; arg is needed during
 * the call only, and pack is given the first constant's data. */
struct ash_packing {
    const char *row;  /* the kernel row's name, compared by address */
    uint64_t variant; /* what else decides the layout: groups, a transposition */
    size_t bytes;
    ash_pack_fn *pack;
    const void *arg;
};
enum { ASH_PACK_SRC = 6 };
/* The packed form of up to ASH_PACK_SRC constants together (NULL where one is left out, but for the
 * first): made once for the model, shared by its sessions and plans. */
int ash_lower_pack(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                   const struct ash_packing *how, const void **packed);

/* What is known of a packing that moves the elements of one constant. */
struct ash_moves {
    size_t element;  /* bytes of an element: 1, 2 or 4 */
    size_t bytes;    /* the first of the packed form: elements, each at least once, and zeros */
    size_t arg_size; /* all that pack reads beside the constant lies at arg, and points to nothing
                        that dies with the plan */
};
/* ash_lower_pack of a constant that is then given back, and comes again out of the packed form
 * when it is to be read: pack is a function of the elements' places alone.  moves NULL: as
 * ash_lower_pack. */
int ash_lower_pack_moves(struct ash_lower *c, const struct ash_tensor *src,
                         const struct ash_packing *how, const struct ash_moves *moves,
                         const void **packed);

/* A constant that is an input, where it can be read during the lowering; NULL: no memory. */
const struct ash_tensor *ash_lower_read(const struct ash_lower *c, const struct ash_tensor *t);

/* ---- control flow ---- */

/* What a value is while a graph runs: a tensor (a view; of a slab, of a weight or of `value`), or a
 * value of another kind. */
struct ash_slot {
    struct ash_tensor tensor;
    struct ashore_value *value; /* retained by the slot, NULL for what lies in a slab */
};

/* An operator with subgraphs is a state machine, so that nothing of a run is on the C stack.  The
 * executor calls control() first with phase 0.  ASHORE_PENDING with `call` set: run that sub with
 * args and call again, phase one higher, results filled; ASHORE_OK: the outputs of run are set. */
struct ash_control {
    struct ash_run run; /* scratch keeps its contents between the calls of one execution */
    int phase;
    int call;                 /* which sub */
    struct ash_slot *args;    /* out: its formal inputs; the executor retains values */
    struct ash_tensor **bind; /* out: where result i shall be written, NULL: anywhere */
    struct ash_slot *results; /* in: borrowed until control() returns */
    bool aborting;            /* the run ends here: let go of what scratch holds */
};

/* Result i is to be written where output o lies, when its extents are known. */
void ash_control_bind(struct ash_control *c, int i, int o);
/* Result i becomes output o: nothing to do when it was bound, retained or copied otherwise. */
int ash_control_take(struct ash_control *c, int i, int o);

/* ---- the row ---- */

enum {
    ASH_OP_MOVES = 1 << 0,  /* output elements are copies of input elements, chosen by index or by a
                               bool or integer input: works on element size alone, on strings and on
                               extent codes */
    ASH_OP_VIEW = 1 << 1,   /* output 0 is input 0 with another shape */
    ASH_OP_IMPURE = 1 << 2, /* never folded: random, control flow */
    ASH_OP_ELEMENTWISE = 1 << 3, /* output element i hangs on elements i of inputs, after
                                    broadcasting, alone */
    ASH_OP_STEPS = 1 << 5,       /* its definition rounds after steps on the way: with the 8 bits of
                                    bfloat16 that shows, and the reference does the same */
    ASH_OP_VALUES = 1 << 4       /* takes sequences, optionals or maps; the inputs of all others are
                                    tensors, inference and executor see to that */
};
#define ASH_VARIADIC 255

/* ASH_MAKES("Mul Add", "Sub Conv|MatMul"): code of this file may put the operators of the first
 * list into a graph that has those of the second, one of each group joined by '|'; domain:Name in
 * other domains than ai.onnx.  Read in the sources by cmake/wasm_map.py, at the beginning of a line
 * and on one: an engine that is trimmed to the second has the first, too. */
#define ASH_MAKES(made, of) _Static_assert(sizeof("" made) > 1 && sizeof("" of) > 0, "")

/* ASH_LOOKS_UP("Conv", "ashore:Conv"): the operators of the second list parse and infer by the rows
 * of the first. */
#define ASH_LOOKS_UP(found, of) _Static_assert(sizeof("" found) > 1 && sizeof("" of) > 1, "")

/* ASH_LOWERS("Softmax", 1, 8, "float32"): lower() finds a kernel whenever all extents are known,
 * input 0 has such a rank, and all tensors are of one of these types; and an engine that is trimmed
 * to models of such nodes needs no reference or body of these operators. */
#define ASH_LOWERS(ops, least, most, types)                                                        \
    _Static_assert(sizeof("" ops) > 1 && (least) <= (most) && sizeof("" types) > 1, "")

struct ash_builder;

struct ash_op {
    const char *name, *domain; /* domain "": ai.onnx */
    int16_t since, until;      /* operator set versions, inclusive; until 0: the newest */
    uint8_t in_min, in_max;    /* ASH_VARIADIC: any number */
    uint8_t out_min, out_max;
    uint8_t flags;
    uint8_t inplace; /* bit i: output 0 may be written over input i of the same shape and size */
    uint16_t attrs_size;
    int (*parse)(const struct ash_parse *c, void *attrs); /* attrs is cleared */
    int (*infer)(struct ash_infer *c);
    ash_run_fn *ref;                       /* plain and right; NULL with a body */
    int (*lower)(struct ash_lower *c);     /* NULL: the reference is all there is */
    int (*control)(struct ash_control *c); /* instead of ref, for operators with subgraphs; lower()
                                              says how much scratch it keeps its state in */
    int (*choose)(const struct ash_info *const *in); /* the one sub that runs, once and instead of
                                              the node, as far as `in` tells; -1: not known */
    /* Instead of ref: the definition as a graph of other operators, inputs and outputs as the
     * node's. Of internal operators it is the test oracle, too, and what the writer writes out; of
     * others without lower() it takes the node's place when the model is loaded.  Inference may be
     * left out: it is then the body's.  ASHORE_NEEDS_DATA when the body hangs on types that are not
     * known. */
    int (*body)(struct ash_builder *b);
};

/* NULL: no such operator at this version. */
const struct ash_op *ash_op_find(const char *domain, const char *name, int opset);

/* ---- bodies ---- */

struct ash_builder {
    struct ash_graph *graph;     /* under construction: inputs and outputs are there already */
    const struct ash_node *node; /* the node that is defined */
    const void *attrs;
    const struct ash_info *const *in; /* what is known of the node's inputs; may be NULL */
    struct ashore_error *err;
    int rc; /* the first failure sticks: check once at the end */
};
/* Builds the body of an internal node.  The graph's inputs are the node's inputs that are there,
 * its outputs the node's.  `in` may be NULL. */
int ash_body(const struct ash_node *node, struct ash_arena *arena, struct ash_symtab *syms,
             const struct ash_info *const *in, struct ash_graph **graph, struct ashore_error *err);

/* Value numbers of the node's inputs (ASH_NONE when left out) and outputs inside of the graph. */
uint32_t ash_build_in(const struct ash_builder *b, int i);
/* The rank of the node's input i; -1 while it is not known, for which the body waits. */
int ash_build_rank(struct ash_builder *b, int i);
/* Appends ai.onnx operator `op` at the newest version with up to three inputs (ASH_NONE: left out);
 * returns its output. */
uint32_t ash_build(struct ash_builder *b, const char *op, uint32_t x, uint32_t y, uint32_t z);
uint32_t ash_build_one(struct ash_builder *b, const char *op, uint32_t x);
uint32_t ash_build_two(struct ash_builder *b, const char *op, uint32_t x, uint32_t y);
/* The same of any domain and version, with n_in inputs and n_out outputs; out gets their values. */
void ash_build_node(struct ash_builder *b, const char *domain, const char *op, int opset,
                    const uint32_t *in, uint32_t n_in, uint32_t *out, uint32_t n_out);
/* Attributes of the node built last. */
void ash_build_attr_float(struct ash_builder *b, const char *name, float v);
void ash_build_attr_int(struct ash_builder *b, const char *name, int64_t v);
void ash_build_attr_text(struct ash_builder *b, const char *name, const char *v);
void ash_build_attr_ints(struct ash_builder *b, const char *name, const int64_t *v, size_t n);
/* The same of the node that is defined, where it has one of this name. */
void ash_build_attr_copy(struct ash_builder *b, const char *name);
uint32_t ash_build_f32(struct ash_builder *b, float v);                    /* scalar constant */
uint32_t ash_build_i64(struct ash_builder *b, const int64_t *v, size_t n); /* vector */
uint32_t ash_build_f32s(struct ash_builder *b, const float *v, int rank, const int64_t *dim);
uint32_t ash_build_texts(struct ash_builder *b, const struct ash_text *v, size_t n); /* vector */
/* Declares that graph output o is value v. */
void ash_build_out(struct ash_builder *b, int o, uint32_t v);

#endif
