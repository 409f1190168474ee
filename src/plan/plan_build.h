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
/* Leaves a finished scope: its outputs become the caller's. */
void ash_draft_pop(struct ash_plan *p);
/* Plans the node at the cursor and says whether the segment ends before or after it.  live: what
 * earlier segments compute is known. */
int ash_draft_node(struct ash_draft *d, struct ash_inference *f, bool live,
                   enum ash_verdict *verdict);

/* Lays out the places and the scratch of a finished draft: drops steps that nobody needs, shares
 * memory in place, packs the slab.  Sets offsets, kills and the segment's slab size. */
int ash_plan_layout(struct ash_draft *d);

#endif
