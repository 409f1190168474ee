/* Between the two halves of planning: what is emitted, and where it lies. */
#ifndef ASH_PLAN_PLAN_BUILD_H
#define ASH_PLAN_PLAN_BUILD_H

#include "plan/plan.h"

/* A graph that is being walked: the plan's own, or one that is inlined into it. */
struct ash_scope {
    const struct ash_graph *graph;
    uint32_t node;    /* the next one */
    uint32_t *map;    /* graph value -> place, ASH_NONE while not computed */
    const struct ash_node *caller; /* whose outputs are this graph's */
    struct ash_scope *parent;
};

/* A segment under construction. */
struct ash_draft {
    struct ash_plan *plan;
    struct ash_arena *arena;
    struct ash_segment segment;
    uint32_t cap_steps;
    struct ashore_error *err;
};

/* Lays out the places and the scratch of a finished draft: drops steps that nobody needs, shares
 * memory in place, packs the slab.  Sets offsets, kills and the segment's slab size. */
int ash_plan_layout(struct ash_draft *d);

/* Marks, in alive[n_places], the places that later segments or the caller will read. */
void ash_plan_mark_later(const struct ash_plan *plan, unsigned char *alive);

#endif
