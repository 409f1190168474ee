/* Both ways in which ONNX writes trees become items, branches and leaves by number, and these the
 * nodes of struct ash_trees. */
#ifndef ASH_OPS_TREE_LAYOUT_H
#define ASH_OPS_TREE_LAYOUT_H

#include "ops/convert.h"
#include "ops/trees.h"

/* Numbers that are a list of floats or a tensor. */
struct ash_tree_numbers {
    const float *list;
    const struct ash_tensor *tensor;
    size_t n;
};

static inline double ash_tree_number(struct ash_tree_numbers a, size_t i) {
    return a.list ? (double)a.list[i] : ash_get_f64(a.tensor, (int64_t)i);
}

struct ash_tree_item {
    uint32_t child[2]; /* numbers of items; as in ash_tree_node */
    uint32_t feature;  /* as there; of a leaf 0 */
    uint32_t set;      /* its number; of a leaf that number, when it has a place */
    uint8_t leaf, state;
};

/* What is there while trees are loaded, on a heap of its own. */
struct ash_tree_layout {
    const struct ash_parse *c;
    struct ash_trees *t;
    struct ash_heap *heap;
    const char *pass_name, *fail_name, *target_name; /* attributes */
    struct ash_tree_item *item;
    uint32_t *root;                        /* an item for each tree: t->n_roots */
    uint32_t *voter;                       /* the item of each vote */
    size_t n_items, n_votes, n_leaves;     /* leaves that have a place */
    struct ash_tree_numbers split, weight; /* by item (leaves may have none), by vote */
    const int64_t *target;                 /* by vote */
};

/* The comparisons as files number them. */
enum {
    ASH_FILE_LEQ,
    ASH_FILE_LT,
    ASH_FILE_GTE,
    ASH_FILE_GT,
    ASH_FILE_EQ,
    ASH_FILE_NEQ,
    ASH_FILE_MEMBER
};

/* Room for items, roots and votes, cleared. */
int ash_tree_layout_begin(struct ash_tree_layout *l, size_t n_items, size_t n_roots,
                          size_t n_votes);
void ash_tree_layout_end(struct ash_tree_layout *l);

/* Element `index` of an attribute is one of n things, or ASHORE_ERR_ATTR. */
int ash_tree_within(const struct ash_parse *c, const char *name, int64_t value, size_t index,
                    size_t n, const char *things);

/* Item i is a branch: `missing` says that NaN passes. */
int ash_tree_branch(struct ash_tree_layout *l, size_t i, int mode, int64_t feature, bool missing,
                    uint32_t pass, uint32_t fail);
/* All items and votes are known: makes the nodes. */
int ash_tree_layout_make(struct ash_tree_layout *l);
/* Makes them cells if that is possible; order: the n items that have a place. */
int ash_tree_pack(struct ash_tree_layout *l, const uint32_t *order, size_t n, bool *packed);
/* Memory that stays, cleared, or NULL with the error set. */
void *ash_tree_take(struct ash_tree_layout *l, size_t count, size_t size);

#endif
