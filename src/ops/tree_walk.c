/* Walks rows down trees, several at a time: where the next node lies is known only when this one
 * has come from memory, and walks that do not wait for each other fill the time. */
#include "base/vec.h"
#include "ops/trees.h"

#include <math.h>

/* ---- nodes ---- */

static bool is_member(const struct ash_trees *t, uint32_t set, double x) {
    size_t low = t->set[set], high = t->set[set + 1];
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->member[mid] == x) return true;
        if (t->member[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static bool passes(const struct ash_trees *t, uint32_t at, double x) {
    const struct ash_tree_node *n = &t->node[at];
    double split = t->split ? t->split[at] : (double)n->v.split;
    if (isnan(x)) return n->feature & ASH_TREE_NAN;
    switch (n->feature >> ASH_TREE_MODE) {
    case ASH_TREE_LEQ:
        return x <= split;
    case ASH_TREE_LT:
        return x < split;
    case ASH_TREE_EQ:
        return x == split;
    default:
        return is_member(t, n->v.set, x);
    }
}

static uint32_t walk_nodes(const struct ash_trees *t, bool wide, const void *x, uint32_t at) {
    for (uint32_t next;; at = next) {
        const struct ash_tree_node *n = &t->node[at];
        uint32_t f = n->feature & ASH_TREE_FEATURE;
        next = n->child[0];
        if (next == n->child[1]) {
            if (next == at) return n->v.leaf;
            continue;
        }
        double v = wide ? ((const double *)x)[f] : (double)((const float *)x)[f];
        next = n->child[passes(t, at, v)];
    }
}

/* ---- cells ---- */

/* Until all n lanes, as many as is known when this is compiled, are at ends. */
VF_INLINE void walk_cells(const struct ash_trees *t, bool wide, int n, struct ash_tree_lanes *l) {
    const struct ash_tree_cell *cell = t->cell;
    const double *split = t->split;
    uint32_t at[ASH_TREE_ROWS], moved;
    VF_UNROLL
    for (int i = 0; i < n; i++) at[i] = l->at[i];
    do {
        moved = 0;
        VF_UNROLL
        for (int i = 0; i < n; i++) {
            const struct ash_tree_cell *c = &cell[at[i]];
            bool side = wide ? ((const double *)l->x[i])[c->feature] <= split[at[i]]
                             : ((const float *)l->x[i])[c->feature] <= c->v.split;
            uint32_t step = (uint32_t)c->step + side;
            at[i] += step;
            moved |= step;
        }
    } while (moved);
    VF_UNROLL
    for (int i = 0; i < n; i++) l->at[i] = at[i];
}

#define WALK(name, wide, n)                                                                        \
    static void name(const struct ash_trees *t, struct ash_tree_lanes *l) {                        \
        walk_cells(t, wide, n, l);                                                                 \
    }
WALK(rows_float, false, ASH_TREE_ROWS)
WALK(rows_wide, true, ASH_TREE_ROWS)
WALK(trees_float, false, ASH_TREE_TREES)
WALK(trees_wide, true, ASH_TREE_TREES)

/* Puts lanes that have come to jumps behind them; whether there were any. */
static bool jump(const struct ash_trees *t, size_t n, struct ash_tree_lanes *l) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        uint32_t end = t->cell[l->at[i]].v.end;
        if (end >> 31 == 0) continue;
        l->at[i] = t->jump[(end & ASH_CELL_NUMBER) - 1];
        any = true;
    }
    return any;
}

void ash_trees_walk(const struct ash_trees *t, bool wide, size_t n, struct ash_tree_lanes *l) {
    typedef void walk_fn(const struct ash_trees *t, struct ash_tree_lanes *l);
    static walk_fn *const walks[2][2] = {{trees_float, trees_wide}, {rows_float, rows_wide}};
    if (t->node) {
        for (size_t i = 0; i < n; i++) l->at[i] = walk_nodes(t, wide, l->x[i], l->at[i]);
        return;
    }
    walk_fn *walk = walks[n == ASH_TREE_ROWS][wide];
    do walk(t, l);
    while (t->jump && jump(t, n, l));
    for (size_t i = 0; i < n; i++) l->at[i] = (t->cell[l->at[i]].v.end & ASH_CELL_NUMBER) - 1;
}
