/* Trees that ask for x <= split, x < split and NaN alone become cells, depth first.
 *
 * What lies further behind its parent than a cell can say, and what is reached from several, is
 * reached by a jump. */
#include "base/heap.h"
#include "ops/tree_layout.h"

#include <math.h>
#include <string.h>

enum { JUMP_MOST = ASH_CELL_NUMBER - 1 };

struct pack {
    struct ash_tree_layout *l;
    struct ash_tree_cell *cell; /* NULL: cells and jumps are only counted */
    double *split;
    uint32_t *root, *jump;
    uint32_t *at,
        *stack; /* of each branch: 1 + its cell, 0: none yet; those whose children have none */
    size_t n, n_jumps, n_stack;
};

/* A NaN passes. */
static bool is_mirrored(const struct ash_tree_item *item) { return item->feature & ASH_TREE_NAN; }

static void put_end(struct pack *p, size_t slot, uint32_t number) {
    if (!p->cell) return;
    p->cell[slot].v.end = ASH_CELL_END | number;
    if (p->split) p->split[slot] = (double)NAN;
}

static void put_jump(struct pack *p, size_t slot, size_t to) {
    if (p->cell) p->jump[p->n_jumps] = (uint32_t)to;
    put_end(p, slot, UINT32_C(1) << 31 | (uint32_t)++p->n_jumps);
}

static void put_item(struct pack *p, size_t slot, uint32_t i) {
    const struct ash_tree_item *item = &p->l->item[i];
    if (item->leaf) {
        put_end(p, slot, item->set + 1);
    } else if (p->at[i]) {
        put_jump(p, slot, p->at[i] - 1);
    } else {
        p->at[i] = (uint32_t)slot + 1;
        p->stack[p->n_stack++] = i;
    }
}

static void put_branch(struct pack *p, size_t slot, uint32_t i) {
    const struct ash_tree_item *item = &p->l->item[i];
    struct ash_tree_cell *cell = &p->cell[slot];
    double x = ash_tree_number(p->l->split, i);
    bool less = item->feature >> ASH_TREE_MODE == ASH_TREE_LT;
    float f = ash_tree_round(x, -1);
    if (less && (double)f == x) f = ash_tree_next(f, -1);
    if (less) x = ash_tree_next_wide(x, -1);
    cell->feature = (uint16_t)(item->feature & ASH_TREE_FEATURE);
    if (is_mirrored(item)) { /* of a NaN, any number fails */
        cell->feature += (uint16_t)p->l->t->n_features;
        f = isnan(f) ? INFINITY : -ash_tree_next(f, 1);
        x = isnan(x) ? (double)INFINITY : -ash_tree_next_wide(x, 1);
    }
    cell->v.split = f;
    cell->step = (uint16_t)(p->n - slot);
    if (p->split) p->split[slot] = x;
}

/* Cells for the children of a branch. */
static void put_children(struct pack *p, uint32_t i) {
    const struct ash_tree_item *item = &p->l->item[i];
    size_t slot = p->at[i] - 1, to = p->n;
    if (to - slot > UINT16_MAX) {
        put_jump(p, slot, to);
        slot = p->n++;
        p->at[i] = (uint32_t)slot + 1;
        to++;
    }
    if (p->cell) put_branch(p, slot, i);
    p->n += 2;
    for (size_t side = 0; side < 2; side++)
        put_item(p, to + side, item->child[side ^ is_mirrored(item)]);
}

static void put_all(struct pack *p) {
    const struct ash_tree_layout *l = p->l;
    p->n = p->n_jumps = 0;
    memset(p->at, 0, l->n_items * sizeof *p->at);
    for (size_t k = 0; k < l->t->n_roots; k++) {
        uint32_t i = l->root[k];
        size_t slot = p->at[i] ? p->at[i] - 1 : p->n;
        if (p->cell) p->root[k] = (uint32_t)slot;
        if (!p->at[i]) put_item(p, p->n++, i);
        while (p->n_stack) put_children(p, p->stack[--p->n_stack]);
    }
}

/* What the items ask for: whether cells can say it; of both comparisons, a split of float64 says it
 * for rows of float64, which rounding does for one. */
static bool see_items(struct ash_tree_layout *l, const uint32_t *order, size_t n, bool *both) {
    enum { MANY = 64 }; /* features for each tree, which walks would not be worth to be mirrored */
    bool fits = l->n_leaves < ASH_CELL_NUMBER, less = false, equal = false;
    struct ash_trees *t = l->t;
    for (size_t k = 0; k < n; k++) {
        const struct ash_tree_item *item = &l->item[order[k]];
        enum ash_tree_mode mode = item->feature >> ASH_TREE_MODE;
        uint32_t feature = item->feature & ASH_TREE_FEATURE;
        if (item->leaf) continue;
        if (feature >= t->n_features) t->n_features = (int64_t)feature + 1;
        if (mode > ASH_TREE_LT) fits = false;
        if (is_mirrored(item)) t->mirrored = true;
        less |= mode == ASH_TREE_LT;
        equal |= mode == ASH_TREE_LEQ;
    }
    uint64_t features = (uint64_t)t->n_features;
    if (t->mirrored && features / MANY > t->n_roots) fits = false;
    t->rounding = less ? -1 : 1;
    *both = less && equal;
    return fits && features * (t->mirrored ? 2 : 1) <= UINT16_MAX + 1;
}

static int make_cells(struct pack *p, bool both, bool *packed) {
    struct ash_tree_layout *l = p->l;
    struct ash_trees *t = l->t;
    put_all(p);
    *packed = p->n < UINT32_MAX && p->n_jumps < JUMP_MOST;
    if (!*packed) return ASHORE_OK;
    size_t n = p->n;
    bool split = t->wide || both;
    p->root = ash_tree_take(l, t->n_roots, sizeof *p->root);
    p->jump = ash_tree_take(l, p->n_jumps, sizeof *p->jump);
    if (split) p->split = ash_tree_take(l, n, sizeof *p->split);
    p->cell = ash_tree_take(l, n, sizeof *p->cell);
    if (!p->root || !p->jump || (split && !p->split) || !p->cell) return ASHORE_ERR_NOMEM;
    if (p->n_jumps) t->jump = p->jump;
    t->root = p->root;
    t->split = p->split;
    t->cell = p->cell;
    put_all(p);
    return ASHORE_OK;
}

int ash_tree_pack(struct ash_tree_layout *l, const uint32_t *order, size_t n, bool *packed) {
    bool both;
    *packed = see_items(l, order, n, &both);
    if (!*packed) return ASHORE_OK;
    size_t bytes = 2 * l->n_items * sizeof(uint32_t);
    struct pack p = {.l = l, .at = ash_alloc_zero(l->heap, bytes)};
    if (!p.at) return ash_fail_nomem(l->c->err, bytes);
    p.stack = p.at + l->n_items;
    int rc = make_cells(&p, both, packed);
    ash_free(l->heap, p.at, bytes);
    return rc;
}
