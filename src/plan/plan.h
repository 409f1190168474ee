/* The plan: what a run does, step by step, and where every value lies.
 *
 * A plan is made for exact input shapes.  It is cut into segments: within one, all extents are
 * known before it starts, so its steps and its slab are laid out at once.  A segment ends where an
 * extent hangs on data; the next one is planned in the middle of the run, when that data is there.
 * A plan of one complete segment is static: running it allocates nothing.
 *
 * Subgraphs that are known to run once (an If whose condition is known) and bodies of internal
 * operators without a kernel for the case are inlined.  Other subgraphs have plans of their own,
 * whose slab is nested in the step's memory. */
#ifndef ASH_PLAN_PLAN_H
#define ASH_PLAN_PLAN_H

#include "ir/infer.h"
#include "ir/raws.h"

struct ash_plan;

enum ash_where {
    ASH_AT_NOTHING, /* not computed in this run */
    ASH_AT_CONST,   /* info.data */
    ASH_AT_INPUT,   /* input number `offset` of the plan */
    ASH_AT_SLAB,    /* `offset` bytes into the slab of its segment */
    ASH_AT_OUTPUT,  /* output number `offset` of the plan: memory that the caller gives */
    ASH_AT_VALUE    /* a reference-counted value, made by the step */
};

struct ash_place {
    struct ash_info info; /* as it lies in memory */
    uint8_t where;        /* enum ash_where */
    uint8_t narrow;       /* the 16 bit type that the graph has where float32 lies here, else 0 */
    uint32_t segment;
    uint32_t twin;                /* the same value in the other form, of some segment; 0: none */
    const struct ash_node *maker; /* with `narrow`: the node that computes it */
    size_t offset;
    size_t room; /* bytes reserved */
};

struct ash_step {
    const struct ash_node *node;
    ash_run_fn *run; /* NULL: node->op->control */
    const void *params;
    const char *kernel;
    bool converts; /* stands beside a node's own step */
    bool out_strided;
#if !defined(__wasm__)
    uint8_t inplace; /* as in struct ash_lower */
#endif
    size_t out_step; /* as in struct ash_run */
    uint32_t n_in, n_out;
    const uint32_t *in, *out; /* places, or ASH_NONE */
    size_t scratch, scratch_size;
    uint32_t n_kill; /* places of ASH_AT_VALUE that die here */
    const uint32_t *kill;
    struct ash_plan **subs; /* n_sub of them; NULL entries are planned at the call */
    size_t sub_slab;        /* offset of the region that the running sub uses */
};

struct ash_segment {
    struct ash_step *steps;
    uint32_t n_steps;
    uint32_t first_place, end_place; /* places that it defines */
    size_t slab;
};

struct ash_plan_options {
    struct ash_heap *heap;
    struct ash_symtab *syms;
    struct ash_packs *packs;
    size_t threads;
    bool reference;                /* no kernels: references and bodies only */
    bool nested;                   /* outputs have room in the slab */
    int depth;                     /* of nested plans */
    const struct ash_plan *parent; /* of a nested plan; its memory outlives this one */
};

struct ash_plan {
    struct ash_plan_options options;
    struct ash_arena arena;     /* segment 0 */
    struct ash_arena run_arena; /* later segments, cleared for every run */
    struct ash_place *places;
    uint32_t n_places, cap_places;
    struct ash_segment *segments;
    uint32_t n_segments, cap_segments;
    uint32_t n_inputs, n_outputs;
    uint32_t *outputs;      /* places; ASH_NONE while not planned */
    size_t *out_offset;     /* nested: where output i lies in the slab unless it is given memory */
    struct ash_walk *scope; /* where planning stands; NULL: complete */
    struct ash_plan *children, *sibling; /* nested plans made for steps, newest first */
    unsigned char *pinned;               /* by number: constants of the model that steps read */
    struct {                             /* the state at the end of segment 0, unless complete */
        struct ash_walk *scope;
        struct ash_place *places;
        uint32_t n_places;
        uint32_t *outputs;
        struct ash_plan *children;
    } first;
};

/* Plans graph for inputs in[n_inputs]: exact tensors, or other kinds.  Their facts are copied. */
int ash_plan_create(const struct ash_plan_options *options, const struct ash_graph *graph,
                    const struct ash_info *in, struct ash_plan **plan, struct ashore_error *err);
void ash_plan_destroy(struct ash_plan **plan);

/* Options of a plan nested in this one. */
struct ash_plan_options ash_plan_nested(const struct ash_plan *parent);

/* Forgets the segments of the last run, all but the first. */
void ash_plan_rewind(struct ash_plan *plan);
/* Plans the next segment of a plan that is not complete.  slots[n_places] hold what has been
 * computed. */
int ash_plan_next(struct ash_plan *plan, const struct ash_slot *slots, struct ashore_error *err);
/* Whether later extents may hang on the contents of t: floating-point numbers are read for scales
 * and ranges alone, and what is known of others would have kernels' work done by references. */
bool ash_plan_learns(const struct ash_tensor *t);
static inline bool ash_plan_complete(const struct ash_plan *plan) { return plan->scope == NULL; }
static inline bool ash_plan_static(const struct ash_plan *plan) {
    return plan->scope == NULL && plan->n_segments == 1;
}

/* ---- packed weights ---- */

/* give: where the model's constants are given back; dry: packed forms are not written. */
int ash_packs_create(struct ash_heap *heap, ash_give_fn *give, void *user, bool dry,
                     struct ash_packs **packs, struct ashore_error *err);
void ash_packs_destroy(struct ash_packs **packs);
size_t ash_packs_bytes(const struct ash_packs *packs);
/* Bytes that constants take, of `held` that were there and have not been given away. */
size_t ash_packs_raw(const struct ash_packs *packs, size_t held);
/* From here on constants are given back: those that nothing uses now, others once they are packed.
 * A second call has no effect. */
int ash_packs_watch(struct ash_packs *packs, const struct ash_graph *graph,
                    struct ashore_error *err);
/* Around everything that plans: ash_plan_create, unless it is called while planning, and
 * ash_plan_next. */
void ash_packs_enter(struct ash_packs *packs);
void ash_packs_leave(struct ash_packs *packs);

/* *t becomes a tensor that can be read as long as the plan lives; one of the arena's where the
 * model's own cannot. */
int ash_plan_read(struct ash_plan *plan, struct ash_arena *arena, const struct ash_tensor **t,
                  struct ashore_error *err);
bool ash_plan_is_away(const struct ash_plan *plan, const struct ash_tensor *t);
void ash_plan_unpin(struct ash_plan *plan);

#endif
