/* Between the two halves of planning: what is emitted, and where it lies. */
#ifndef ASH_PLAN_PLAN_BUILD_H
#define ASH_PLAN_PLAN_BUILD_H

#include "plan/plan.h"

/* A graph that is being walked: the plan's own, or one that is inlined into it. */
struct ash_walk {
    const struct ash_graph *graph;
    uint32_t node;                 /* the next one */
    uint32_t *map;                 /* graph value -> place, ASH_NONE while not computed */
    const struct ash_node *caller; /* whose outputs are this graph's */
    struct ash_walk *parent;
};

/* A segment under construction. */
struct ash_draft {
    struct ash_plan *plan;
    struct ash_arena *arena;
    struct ash_segment segment;
    uint32_t cap_steps;
    struct ashore_error *err;
};

enum ash_verdict { ASH_GO_ON, ASH_END_BEFORE, ASH_END_AFTER };

int ash_draft_place(struct ash_draft *d, const struct ash_info *info, enum ash_where where,
                    uint32_t *id);
/* A scope over g, inside of the plan's current one; its constants have places. */
int ash_draft_scope(struct ash_draft *d, const struct ash_graph *g, const struct ash_node *caller,
                    struct ash_walk **out);
/* Constants that are outputs of the scope can be read. */
int ash_draft_read_outputs(struct ash_draft *d);
/* Leaves a finished scope: its outputs become the caller's. */
void ash_draft_pop(struct ash_plan *p);
/* Plans the node at the cursor and says whether the segment ends before or after it.  live: what
 * earlier segments compute is known. */
int ash_draft_node(struct ash_draft *d, struct ash_inference *f, bool live,
                   enum ash_verdict *verdict);

/* A tensor of exact or bounded extents in the slab, or a value of its own. */
int ash_draft_tensor(struct ash_draft *d, const struct ash_info *info, uint32_t *id);
/* Appends a step that runs node's reference. */
int ash_draft_step(struct ash_draft *d, const struct ash_node *node, struct ash_step **out);
/* Asks node's operator for a kernel. */
int ash_draft_lower(struct ash_draft *d, const struct ash_node *node,
                    const struct ash_info *const *in, const struct ash_info *out,
                    struct ash_wide *wide, struct ash_lower *low);

/* How a node treats its 16 bit types. */
struct ash_half {
    bool wide;          /* as float32 */
    const bool *packed; /* [n_in] constants that its step does not read; may be NULL */
};
/* ash_draft_lower with the types as they are, or as if they were float32. */
int ash_half_lower(struct ash_draft *d, const struct ash_node *node,
                   const struct ash_info *const *in, const struct ash_info *out,
                   struct ash_lower *low, struct ash_half *half);
/* The places of node's inputs in the form that it takes them in; appends conversions. */
int ash_half_inputs(struct ash_draft *d, const struct ash_node *node, const struct ash_half *half,
                    uint32_t *ids);
/* The plan's outputs as the graph has them. */
int ash_half_outputs(struct ash_draft *d);

/* Lays out the places and the scratch of a finished draft: drops steps that nobody needs, shares
 * memory in place, packs the slab.  Sets offsets, kills and the segment's slab size. */
int ash_plan_layout(struct ash_draft *d);

#endif
