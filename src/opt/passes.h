/* Rewrites of a graph when a model is loaded.
 *
 * One pass is one file, and does one thing to one graph; the driver runs them over the graph and
 * its subgraphs until nothing changes.  A pass keeps every output's value within the accuracy class
 * of the operators that it touches. */
#ifndef ASH_OPT_PASSES_H
#define ASH_OPT_PASSES_H

#include "ir/infer.h"
#include "ir/raws.h"

struct ash_opt {
    struct ash_graph *graph;
    struct ash_arena *arena;
    struct ash_heap *heap;
    struct ash_arena scratch; /* the driver's */
    int rewrite;              /* 0: infer types only */
    ash_give_fn *give;        /* where constants go that nothing uses any more; NULL: they stay */
    void *give_user;
    struct ash_raws raws; /* the driver's */
    struct ashore_error *err;
};

/* Infers types, rewrites, and writes the inferred types to the graph's values. */
int ash_opt_run(struct ash_opt *opt);

/* What a pass sees: the graph and what inference found.  Use counts are fresh; a pass that changes
 * the graph keeps to values that it looked at or made. */
struct ash_pass {
    struct ash_graph *graph;
    struct ash_arena *arena;      /* of the graph */
    struct ash_arena *scratch;    /* gone after the pass, as are infos, uses, producer */
    const struct ash_info *infos; /* [infos_n] of values that were there before the pass */
    uint32_t infos_n;
    uint32_t *uses;        /* [uses_n] */
    uint32_t *producer;    /* node index by value, ASH_NONE for inputs and constants */
    struct ash_raws *raws; /* the model's large constants as they were before the pass */
    bool changed;
    struct ashore_error *err;
};
typedef int ash_pass_fn(struct ash_pass *p);

/* The caller has replaced the constant v in one place; without any other its memory is given back.
 */
void ash_pass_drop(struct ash_pass *p, uint32_t v);

#define ASH_PASS_LIST(X)                                                                           \
    X(ash_pass_quantized)  /* quantised operators become products of bytes */                      \
    X(ash_pass_bytes)      /* matrices of bytes that float32 is multiplied with stay bytes */      \
    X(ash_pass_expand)     /* what is left of operators that others define */                      \
    X(ash_pass_fold)       /* constants computed, views of constants, chosen branches */           \
    X(ash_pass_filled)     /* weights that ConstantOfShape makes */                                \
    X(ash_pass_identity)   /* nodes that do nothing */                                             \
    X(ash_pass_scale)      /* constants per channel into convolutions */                           \
    X(ash_pass_batch_norm) /* normalisations that no convolution took in, into Mul and Add */      \
    X(ash_pass_activation) /* arithmetic that is one activation */                                 \
    X(ash_pass_embedding)  /* products of one-hot rows, what is done to rows of tables */          \
    X(ash_pass_prescale)   /* constants per channel into the convolutions behind */                \
    X(ash_pass_layer_norm) /* arithmetic that is one normalisation */                              \
    X(ash_pass_attention)  /* products around a softmax */                                         \
    X(ash_pass_matmul)     /* constant vectors into matrix products */                             \
    X(ash_pass_layout)     /* convolutions become channels-last, permutations move down */         \
    X(ash_pass_fuse)       /* activations and sums into convolutions */                            \
    X(ash_pass_affine)     /* a product, a sum and an activation over channels-last images */      \
    X(ash_pass_requantize) /* convolutions of bytes into the DynamicQuantizeLinear behind */       \
    X(ash_pass_planes)     /* depthwise convolutions that stand alone turn nothing */              \
    X(ash_pass_weights)    /* weights dequantised that nothing above took as they are */

/* ASH_PASS_NEEDS(ash_pass_fuse, "Conv|MatMul"): in a graph without these operators, as ASH_MAKES
 * writes them, the pass changes nothing, and an engine without them does without the pass.  With
 * several lines for a pass, one that is met is enough. */
#define ASH_PASS_NEEDS(name, of) _Static_assert(sizeof(&name) && sizeof("" of) > 1, "")

#define ASH_PASS_DECLARE(name) ash_pass_fn name;
ASH_PASS_LIST(ASH_PASS_DECLARE)
#undef ASH_PASS_DECLARE

/* The only node that uses value v, or NULL: several, none, a graph output. */
struct ash_node *ash_pass_single_use(const struct ash_pass *p, uint32_t v);
/* The node that makes v, NULL for inputs and constants. */
struct ash_node *ash_pass_producer(const struct ash_pass *p, uint32_t v);
/* All uses of `from` become uses of `to`. */
void ash_pass_replace(struct ash_pass *p, uint32_t from, uint32_t to);
/* Float32, and the types of 16 bits, which run on its kernels. */
bool ash_pass_runs_f32(int dtype);
/* The type has x in its range, with its usual precision. */
bool ash_pass_holds(int dtype, double x);
/* The constant that v is, if it is of such a type: one of 16 bits as a copy in float32 that goes
 * with the pass.  NULL otherwise, or out of memory. */
const struct ash_tensor *ash_pass_f32(const struct ash_pass *p, uint32_t v);
/* Whether t is one number (*one) or C of them along dimension 1 of `rank` dimensions. */
bool ash_pass_per_channel(const struct ash_tensor *t, int rank, size_t C, bool *one);
/* The whole number that an attribute is, or the fallback. */
int64_t ash_pass_int(const struct ash_node *n, const char *name, int64_t fallback);
/* `node` now makes what `next`, the only user of its first output, made; next is dead. */
void ash_pass_take_over(struct ash_pass *p, struct ash_node *node, struct ash_node *next);
/* Inserts, before node index `at`, a node with one output of the given name. */
int ash_pass_insert(struct ash_pass *p, uint32_t at, const char *domain, const char *op, int opset,
                    uint32_t n_in, struct ash_node **node);
/* A node of ai.onnx with one output, for a list that takes the place of the graph's. */
int ash_pass_node(struct ash_pass *p, const char *op, uint32_t n_in, struct ash_node **node);
/* The values and nodes of `from`, whose inputs are in[], become the graph's own in place of `node`;
 * the nodes go to list[*n...]. */
int ash_pass_splice(struct ash_pass *p, const struct ash_node *node, const struct ash_graph *from,
                    const uint32_t *in, struct ash_node **list, uint32_t *n);

#endif
