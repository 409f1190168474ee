/* A loaded model and its sessions. */
#ifndef ASH_RT_MODEL_H
#define ASH_RT_MODEL_H

#include "base/mapping.h"
#include "onnx/model_reader.h"
#include "rt/exec.h"

struct ashore_model {
    struct ash_heap *heap; /* also held by values that sessions have made */
    struct ash_arena arena;
    struct ash_symtab *syms;
    struct ash_mapping file; /* size 0: the caller's memory */
    const char *name;
    struct ash_onnx_model onnx;
    const unsigned char *bytes; /* the file's, in memory of the caller's or mapped */
    size_t bytes_size;
    _Atomic size_t file_held; /* bytes of the file and of external data that are not given away */
    atomic_bool
        gives; /* the operators are known: nobody loads the same bytes into another engine */
    void (*give_back)(void *user, const void *data, size_t size);
    void *give_back_user;
    struct ash_graph *graph; /* rewritten */
    const char **output_names;
    struct ash_packs *packs;
    const struct ash_node **nodes; /* [n_nodes] of the graph and its subgraphs, by id */
    uint32_t n_nodes;
    struct ashore_value_info *inputs, *outputs;
    struct ashore_op_count *ops;
};

enum { ASH_PLANS_KEPT = 8 };

/* A plan and the input shapes that it is for. */
struct ash_planned {
    struct ash_plan *plan;
    struct ash_tensor *shapes; /* [n_inputs]; dtype 0: not a tensor */
    uint64_t used;             /* when it was, counted in runs */
};

struct ashore_session {
    struct ashore_model *model;
    struct ashore_session_options options;
    struct ash_pool *pool;
    struct ash_exec exec;
    struct ash_planned plans[ASH_PLANS_KEPT];
    uint64_t clock;
    /* of the run in progress */
    struct ash_slot *args;      /* [n_inputs] */
    struct ash_tensor **bind;   /* [n_outputs] */
    struct ashore_value **held; /* [n_inputs] retained */
    struct ashore_run *run;     /* NULL: none */
};

/* ASHORE_ERR_UNSUPPORTED for the first node without an operator. */
int ash_model_supported(const struct ash_graph *g, struct ashore_error *err);
/* Fills the model's descriptions for the public functions. */
int ash_model_describe_all(struct ashore_model *m, struct ashore_error *err);
/* The model as loaded: the file's bytes and what was made of them. */
uint64_t ash_model_bytes(const struct ashore_model *m);
/* Facts of the graph's inputs as declared. */
struct ash_info ash_model_declared(const struct ash_graph *g, uint32_t input);

/* The plan for the inputs in s->args, from the cache or made. */
int ash_session_plan(struct ashore_session *s, struct ash_plan **plan, struct ashore_error *err);

/* Options of a caller that may have been compiled against another version: what it knows is taken,
 * the rest keeps its default. */
int ash_options_take(void *to, size_t size, const void *from, size_t given,
                     struct ashore_error *err);

/* The public result of an operation of a model: names it in the message. */
int ash_model_error(const struct ashore_model *m, int rc, struct ashore_error *err);

#endif
