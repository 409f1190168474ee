/* Items are placed from the roots on, depth first.  One may be reached from several, which is how
 * exporters write "one of these values"; a cycle is an error. */
#include "ops/tree_layout.h"

#include "base/heap.h"

#include <math.h>
#include <string.h>

/* Of an item: which child comes next, and whether all below it has been placed. */
enum { NEW, TO_PASS, TO_FAIL, TO_CLOSE, CLOSED };

float ash_tree_next(float x, int direction) {
    uint32_t bits;
    if (isnan(x)) return x;
    if (x == 0) return direction > 0 ? 0x1p-149f : -0x1p-149f;
    memcpy(&bits, &x, sizeof bits);
    bits += (bits >> 31 == 0) == (direction > 0) ? 1 : UINT32_MAX;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double ash_tree_next_wide(double x, int direction) {
    uint64_t bits;
    if (isnan(x)) return x;
    if (x == 0) return direction > 0 ? 0x1p-1074 : -0x1p-1074;
    memcpy(&bits, &x, sizeof bits);
    bits += (bits >> 63 == 0) == (direction > 0) ? 1 : UINT64_MAX;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float ash_tree_round(double x, int direction) {
    float f = (float)x;
    bool beyond = direction > 0 ? (double)f < x : (double)f > x;
    return beyond ? ash_tree_next(f, direction) : f;
}

void *ash_tree_take(struct ash_tree_layout *l, size_t count, size_t size) {
    void *p = ash_arena_array(l->c->arena, count, size);
    if (!p) (void)ash_fail_nomem(l->c->err, ash_size_mul(count, size));
    return p;
}

int ash_tree_within(const struct ash_parse *c, const char *name, int64_t value, size_t index,
                    size_t n, const char *things) {
    ASH_FAIL_IF(value < 0 || (uint64_t)value >= n, c->err, ATTR,
                "attribute '%s' holds %lld at index %zu, of %zu %s", name, (long long)value, index,
                n, things);
    return ASHORE_OK;
}

int ash_tree_layout_begin(struct ash_tree_layout *l, size_t n_items, size_t n_roots,
                          size_t n_votes) {
    ASH_FAIL_IF(n_items > UINT32_MAX / 2 || n_votes > UINT32_MAX / 2, l->c->err, LIMIT,
                "%zu nodes with %zu weights", n_items, n_votes);
    l->n_items = n_items;
    l->t->n_roots = n_roots;
    l->n_votes = n_votes;
    l->item = ash_alloc_zero(l->heap, n_items * sizeof *l->item);
    l->root = ash_alloc_zero(l->heap, n_roots * sizeof *l->root);
    l->voter = ash_alloc_zero(l->heap, n_votes * sizeof *l->voter);
    bool there = (l->item || !n_items) && (l->root || !n_roots) && (l->voter || !n_votes);
    return there ? ASHORE_OK : ash_fail_nomem(l->c->err, n_items * sizeof *l->item);
}

void ash_tree_layout_end(struct ash_tree_layout *l) {
    ash_free(l->heap, l->item, l->n_items * sizeof *l->item);
    ash_free(l->heap, l->root, l->t->n_roots * sizeof *l->root);
    ash_free(l->heap, l->voter, l->n_votes * sizeof *l->voter);
}

int ash_tree_branch(struct ash_tree_layout *l, size_t i, int mode, int64_t feature, bool missing,
                    uint32_t pass, uint32_t fail) {
    static const uint8_t modes[] = {ASH_TREE_LEQ, ASH_TREE_LT, ASH_TREE_LT,    ASH_TREE_LEQ,
                                    ASH_TREE_EQ,  ASH_TREE_EQ, ASH_TREE_MEMBER};
    struct ash_tree_item *item = &l->item[i];
    bool swap = mode == ASH_FILE_GTE || mode == ASH_FILE_GT || mode == ASH_FILE_NEQ;
    ASH_TRY(ash_tree_within(l->c, "nodes_featureids", feature, i, ASH_TREE_FEATURE, "features"));
    /* NaN is unlike anything, and passes NEQ.  Other comparisons with NaN fail, and so would the
     * opposite ones, whose children are exchanged. */
    if (mode == ASH_FILE_NEQ)
        missing = true;
    else if (swap && isnan(ash_tree_number(l->split, i)))
        swap = false;
    item->feature = (uint32_t)feature | (uint32_t)modes[mode] << ASH_TREE_MODE |
                    (missing != swap ? (uint32_t)ASH_TREE_NAN : 0);
    item->child[swap] = fail;
    item->child[!swap] = pass;
    return ASHORE_OK;
}

/* ---- places ---- */

/* Item numbers in the order of their places, and the other way round. */
struct places {
    uint32_t *order, *of;
    size_t n;
};

static void put(struct ash_tree_layout *l, struct places *p, uint32_t i) {
    p->of[i] = (uint32_t)p->n;
    p->order[p->n++] = i;
    if (l->item[i].leaf) l->item[i].set = (uint32_t)l->n_leaves++;
    l->item[i].state = l->item[i].leaf ? CLOSED : TO_PASS;
}

/* Places all that is below a root; stack has room for all items. */
static int put_tree(struct ash_tree_layout *l, struct places *p, uint32_t root, uint32_t *stack) {
    size_t n = 0;
    if (l->item[root].state != NEW) return ASHORE_OK;
    put(l, p, root);
    stack[n++] = root;
    while (n) {
        struct ash_tree_item *parent = &l->item[stack[n - 1]];
        if (parent->state >= TO_CLOSE) {
            parent->state = CLOSED;
            n--;
            continue;
        }
        uint32_t next = parent->child[parent->state == TO_PASS];
        parent->state++;
        ASH_FAIL_IF(l->item[next].state != NEW && l->item[next].state != CLOSED, l->c->err, ATTR,
                    "attributes '%s' and '%s': a tree leads in a circle through index %u",
                    l->pass_name, l->fail_name, next);
        if (l->item[next].state == CLOSED) continue;
        put(l, p, next);
        stack[n++] = next;
    }
    return ASHORE_OK;
}

/* ---- nodes ---- */

static int make_nodes(struct ash_tree_layout *l, const struct places *p) {
    struct ash_trees *t = l->t;
    struct ash_tree_node *node = ash_tree_take(l, p->n, sizeof *node);
    double *split = t->wide ? ash_tree_take(l, p->n, sizeof *split) : NULL;
    uint32_t *root = ash_tree_take(l, t->n_roots, sizeof *root);
    if (!node || (t->wide && !split) || !root) return ASHORE_ERR_NOMEM;
    for (size_t k = 0; k < p->n; k++) {
        uint32_t i = p->order[k];
        const struct ash_tree_item *item = &l->item[i];
        double x = i < l->split.n ? ash_tree_number(l->split, i) : 0;
        node[k].feature = item->feature;
        node[k].v.split = (float)x;
        if (item->leaf || item->feature >> ASH_TREE_MODE == ASH_TREE_MEMBER)
            node[k].v.set = item->set;
        for (int side = 0; side < 2; side++)
            node[k].child[side] = item->leaf ? (uint32_t)k : p->of[item->child[side]];
        if (split) split[k] = x;
    }
    for (size_t k = 0; k < t->n_roots; k++) root[k] = p->of[l->root[k]];
    t->node = node;
    t->split = split;
    t->root = root;
    return ASHORE_OK;
}

/* ---- votes ---- */

/* Vote v's leaf; NULL if it does not count.  Files hold votes of branches, too: they are ignored.
 */
static const struct ash_tree_item *leaf_of(const struct ash_tree_layout *l, size_t v) {
    const struct ash_tree_item *item = &l->item[l->voter[v]];
    return item->leaf && item->state == CLOSED ? item : NULL;
}

static int put_weight(struct ash_tree_layout *l, size_t n, float **weight, double **wide) {
    *weight = ash_tree_take(l, n, sizeof **weight);
    *wide = l->t->wide ? ash_tree_take(l, n, sizeof **wide) : NULL;
    if (!*weight || (l->t->wide && !*wide)) return ASHORE_ERR_NOMEM;
    l->t->weight = *weight;
    l->t->weight_wide = *wide;
    return ASHORE_OK;
}

/* With one target a leaf has one vote: the first, as onnxruntime has it; the leaf's split where
 * there is none. */
static int put_alone(struct ash_tree_layout *l) {
    double *wide;
    float *weight;
    ASH_TRY(put_weight(l, l->n_leaves, &weight, &wide));
    for (size_t i = l->n_items + l->n_votes; i-- > 0;) {
        bool vote = i < l->n_votes;
        size_t k = i - l->n_votes;
        const struct ash_tree_item *item = vote ? leaf_of(l, i) : &l->item[k];
        if (!item || !item->leaf || item->state != CLOSED) continue;
        double x = vote             ? ash_tree_number(l->weight, i)
                   : k < l->split.n ? ash_tree_number(l->split, k)
                                    : 0;
        weight[item->set] = (float)x;
        if (wide) wide[item->set] = x;
    }
    return ASHORE_OK;
}

/* Counts the votes of each leaf; says whether all have one for each target, in their order. */
static bool count_votes(const struct ash_tree_layout *l, uint32_t *count) {
    bool all = true;
    for (size_t v = 0; v < l->n_votes; v++) {
        const struct ash_tree_item *leaf = leaf_of(l, v);
        if (leaf) all &= l->target[v] == count[leaf->set]++;
    }
    for (size_t i = 0; i < l->n_leaves; i++) all &= count[i] == l->t->n_targets;
    return all;
}

/* The votes of each leaf, in the order of the file; at: the first of each. */
static int put_votes(struct ash_tree_layout *l, uint32_t *at) {
    struct ash_trees *t = l->t;
    uint32_t *first = NULL, *target = NULL, n = 0;
    double *wide;
    float *weight;
    bool all = count_votes(l, at);
    ASH_TRY(put_weight(l, l->n_votes, &weight, &wide));
    if (!all) {
        t->first = first = ash_tree_take(l, l->n_leaves + 1, sizeof *first);
        t->target = target = ash_tree_take(l, l->n_votes, sizeof *target);
        if (!first || !target) return ASHORE_ERR_NOMEM;
    }
    for (size_t i = 0; i <= l->n_leaves; i++) {
        uint32_t votes = at[i];
        if (first) first[i] = n;
        at[i] = n;
        n += votes;
    }
    for (size_t v = 0; v < l->n_votes; v++) {
        const struct ash_tree_item *leaf = leaf_of(l, v);
        if (!leaf) continue;
        uint32_t k = at[leaf->set]++;
        double x = ash_tree_number(l->weight, v);
        weight[k] = (float)x;
        if (wide) wide[k] = x;
        if (target) target[k] = (uint32_t)l->target[v];
    }
    return ASHORE_OK;
}

static int make_votes(struct ash_tree_layout *l) {
    if (l->t->n_targets == 1) return put_alone(l);
    size_t bytes = (l->n_leaves + 1) * sizeof(uint32_t);
    uint32_t *at = ash_alloc_zero(l->heap, bytes);
    if (!at) return ash_fail_nomem(l->c->err, bytes);
    int rc = put_votes(l, at);
    ash_free(l->heap, at, bytes);
    return rc;
}

static bool is_wide(struct ash_tree_numbers a) {
    return a.tensor && a.tensor->dtype == ASHORE_FLOAT64;
}

static int make(struct ash_tree_layout *l, struct places *p, uint32_t *stack) {
    struct ash_trees *t = l->t;
    bool packed;
    for (size_t v = 0; v < l->n_votes; v++)
        ASH_TRY(ash_tree_within(l->c, l->target_name, l->target[v], v, t->n_targets, "targets"));
    for (size_t i = 0; i < t->n_roots; i++) ASH_TRY(put_tree(l, p, l->root[i], stack));
    t->wide = is_wide(l->split) || is_wide(l->weight);
    ASH_TRY(ash_tree_pack(l, p->order, p->n, &packed));
    if (!packed) ASH_TRY(make_nodes(l, p));
    return make_votes(l);
}

int ash_tree_layout_make(struct ash_tree_layout *l) {
    size_t bytes = 3 * l->n_items * sizeof(uint32_t);
    uint32_t *room = ash_alloc_zero(l->heap, bytes);
    if (!room) return ash_fail_nomem(l->c->err, bytes);
    struct places p = {.order = room, .of = room + l->n_items};
    int rc = make(l, &p, room + 2 * l->n_items);
    ash_free(l->heap, room, bytes);
    return rc;
}
