/* The attributes of trees: TreeEnsembleRegressor and -Classifier write nodes with ids of their own,
 * TreeEnsemble branches and leaves by index. */
#include "base/heap.h"
#include "ops/ml.h"
#include "ops/tree_layout.h"

#include <string.h>

static int expect(const struct ash_parse *c, const char *name, size_t got, size_t n) {
    ASH_FAIL_IF(got != n, c->err, ATTR, "attribute '%s' has %zu elements, expected %zu", name, got,
                n);
    return ASHORE_OK;
}

static int take_ints(const struct ash_parse *c, const char *name, size_t n, const int64_t **out) {
    size_t got;
    ASH_TRY(ash_parse_ints(c, name, out, &got));
    return expect(c, name, got, n);
}

static int take_tensor(const struct ash_parse *c, const char *name, struct ash_tree_numbers *out) {
    const struct ash_tensor *t;
    *out = (struct ash_tree_numbers){0};
    ASH_TRY(ash_parse_tensor(c, name, &t));
    if (!t) return ASHORE_OK;
    ASH_FAIL_IF(t->dtype == ASHORE_STRING || t->dtype == ASHORE_COMPLEX64 ||
                    t->dtype == ASHORE_COMPLEX128,
                c->err, ATTR, "attribute '%s' is of type %s", name, ash_dtype(t->dtype)->name);
    *out = (struct ash_tree_numbers){NULL, t, (size_t)ash_tensor_count(t)};
    return ASHORE_OK;
}

/* The list `name`, or the tensor `wide` of the same numbers. */
static int take_numbers(const struct ash_parse *c, const char *name, const char *wide,
                        struct ash_tree_numbers *out) {
    const float *list;
    size_t n;
    ASH_TRY(ash_parse_floats(c, name, &list, &n));
    ASH_TRY(take_tensor(c, wide, out));
    ASH_FAIL_IF(n && out->n, c->err, ATTR, "attributes '%s' and '%s' exclude each other", name,
                wide);
    if (n) *out = (struct ash_tree_numbers){list, NULL, n};
    return ASHORE_OK;
}

/* Whether NaN passes, by node; NULL: it never does. */
static int take_missing(const struct ash_parse *c, size_t n, const int64_t **out) {
    const char *name = "nodes_missing_value_tracks_true";
    size_t got;
    ASH_TRY(ash_parse_ints(c, name, out, &got));
    return got ? take_ints(c, name, n, out) : ASHORE_OK;
}

/* ---- nodes with ids ---- */

struct nodes {
    size_t n;
    const int64_t *tree, *id, *feature, *pass, *fail, *missing;
    const struct ash_text *mode;
    /* Nodes by tree and id, trees by id: one more than their index, by hash; 0: none. */
    uint32_t *slot, *tree_slot;
    size_t mask;
};

static size_t hash_pair(uint64_t a, uint64_t b) {
    uint64_t h = (a * UINT64_C(0x9e3779b97f4a7c15) ^ b) * UINT64_C(0xff51afd7ed558ccd);
    return (size_t)(h ^ h >> 32);
}

/* The slot of node (tree, id): where it is, or where it would be. */
static uint32_t *node_slot(const struct nodes *d, int64_t tree, int64_t id) {
    size_t at = hash_pair((uint64_t)tree, (uint64_t)id) & d->mask;
    for (; d->slot[at]; at = (at + 1) & d->mask) {
        uint32_t i = d->slot[at] - 1;
        if (d->tree[i] == tree && d->id[i] == id) break;
    }
    return &d->slot[at];
}

static uint32_t *tree_slot(const struct nodes *d, int64_t tree) {
    size_t at = hash_pair((uint64_t)tree, 0) & d->mask;
    while (d->tree_slot[at] && d->tree[d->tree_slot[at] - 1] != tree) at = (at + 1) & d->mask;
    return &d->tree_slot[at];
}

static int take_nodes(struct ash_tree_layout *l, struct nodes *d) {
    const struct ash_parse *c = l->c;
    size_t n_modes;
    ASH_TRY(ash_parse_ints(c, "nodes_treeids", &d->tree, &d->n));
    ASH_FAIL_IF(!d->n, c->err, ATTR, "attribute 'nodes_treeids' is missing or empty");
    ASH_TRY(take_ints(c, "nodes_nodeids", d->n, &d->id));
    ASH_TRY(take_ints(c, "nodes_featureids", d->n, &d->feature));
    ASH_TRY(take_ints(c, "nodes_truenodeids", d->n, &d->pass));
    ASH_TRY(take_ints(c, "nodes_falsenodeids", d->n, &d->fail));
    ASH_TRY(take_missing(c, d->n, &d->missing));
    ASH_TRY(ash_parse_strings(c, "nodes_modes", &d->mode, &n_modes));
    ASH_TRY(expect(c, "nodes_modes", n_modes, d->n));
    ASH_TRY(take_numbers(c, "nodes_values", "nodes_values_as_tensor", &l->split));
    return expect(c, l->split.tensor ? "nodes_values_as_tensor" : "nodes_values", l->split.n, d->n);
}

static int take_votes(struct ash_tree_layout *l, bool classifier, const int64_t **tree,
                      const int64_t **id, size_t *n) {
    const struct ash_parse *c = l->c;
    const char *name = classifier ? "class_weights" : "target_weights";
    const char *wide = classifier ? "class_weights_as_tensor" : "target_weights_as_tensor";
    l->target_name = classifier ? "class_ids" : "target_ids";
    ASH_TRY(ash_parse_ints(c, l->target_name, &l->target, n));
    ASH_TRY(take_ints(c, classifier ? "class_nodeids" : "target_nodeids", *n, id));
    ASH_TRY(take_ints(c, classifier ? "class_treeids" : "target_treeids", *n, tree));
    ASH_TRY(take_numbers(c, name, wide, &l->weight));
    return expect(c, l->weight.tensor ? wide : name, l->weight.n, *n);
}

/* Finds the nodes: fills the slots, and counts the trees. */
static int index_nodes(struct ash_tree_layout *l, struct nodes *d, size_t *n_trees) {
    for (size_t i = 0; i < d->n; i++) {
        uint32_t *slot = node_slot(d, d->tree[i], d->id[i]);
        ASH_FAIL_IF(*slot, l->c->err, ATTR,
                    "attributes 'nodes_treeids' and 'nodes_nodeids': node %lld of tree %lld is "
                    "there twice, at indices %u and %zu",
                    (long long)d->id[i], (long long)d->tree[i], *slot - 1, i);
        *slot = (uint32_t)i + 1;
        if (i && d->tree[i] == d->tree[i - 1]) continue;
        slot = tree_slot(d, d->tree[i]);
        ASH_FAIL_IF(*slot, l->c->err, ATTR,
                    "attribute 'nodes_treeids': tree %lld begins at index %u and again at %zu",
                    (long long)d->tree[i], *slot - 1, i);
        *slot = (uint32_t)i + 1;
        (*n_trees)++;
    }
    return ASHORE_OK;
}

static int find_child(struct ash_tree_layout *l, const struct nodes *d, size_t i, const char *name,
                      int64_t id, uint32_t *child) {
    uint32_t slot = *node_slot(d, d->tree[i], id);
    ASH_FAIL_IF(!slot, l->c->err, ATTR, "attribute '%s': tree %lld has no node %lld, at index %zu",
                name, (long long)d->tree[i], (long long)id, i);
    *child = slot - 1;
    return ASHORE_OK;
}

static int set_node(struct ash_tree_layout *l, const struct nodes *d, size_t i) {
    static const char *const modes[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "LEAF"};
    enum { LEAF = 6 };
    uint32_t pass = 0, fail = 0;
    int mode = 0;
    while (mode <= LEAF && strcmp(d->mode[i].data, modes[mode]) != 0) mode++;
    ASH_FAIL_IF(mode > LEAF, l->c->err, ATTR,
                "attribute 'nodes_modes' has the unknown value \"%.40s\" at index %zu",
                d->mode[i].data, i);
    l->item[i].leaf = mode == LEAF;
    if (mode == LEAF) return ASHORE_OK;
    ASH_TRY(find_child(l, d, i, l->pass_name, d->pass[i], &pass));
    ASH_TRY(find_child(l, d, i, l->fail_name, d->fail[i], &fail));
    return ash_tree_branch(l, i, mode, d->feature[i], d->missing && d->missing[i] == 1, pass, fail);
}

static int load_nodes(struct ash_tree_layout *l, struct nodes *d, bool classifier) {
    const int64_t *tree, *id;
    size_t n_votes, n_trees = 0, k = 0;
    ASH_TRY(take_votes(l, classifier, &tree, &id, &n_votes));
    ASH_TRY(index_nodes(l, d, &n_trees));
    ASH_TRY(ash_tree_layout_begin(l, d->n, n_trees, n_votes));
    for (size_t i = 0; i < d->n; i++) {
        ASH_TRY(set_node(l, d, i));
        if (!i || d->tree[i] != d->tree[i - 1]) l->root[k++] = (uint32_t)i;
    }
    for (size_t v = 0; v < n_votes; v++) {
        uint32_t slot = *node_slot(d, tree[v], id[v]);
        ASH_FAIL_IF(!slot, l->c->err, ATTR,
                    "attributes '%s' and '%s': tree %lld has no node %lld, at index %zu",
                    classifier ? "class_treeids" : "target_treeids",
                    classifier ? "class_nodeids" : "target_nodeids", (long long)tree[v],
                    (long long)id[v], v);
        l->voter[v] = slot - 1;
    }
    return ash_tree_layout_make(l);
}

/* Base values for all targets; of a classifier with one class or two one or two, as onnxruntime
 * has it. */
static int take_base(const struct ash_parse *c, struct ash_trees *t, bool classifier) {
    struct ash_tree_numbers a;
    ASH_TRY(take_numbers(c, "base_values", "base_values_as_tensor", &a));
    bool fits = !a.n || (classifier && t->n_targets <= 2 ? a.n <= 2 : a.n == t->n_targets);
    ASH_FAIL_IF(!fits, c->err, ATTR, "attribute '%s' has %zu elements for %zu targets",
                a.tensor ? "base_values_as_tensor" : "base_values", a.n, t->n_targets);
    double *base = ash_arena_array(c->arena, a.n, sizeof *base);
    if (!base) return ash_fail_nomem(c->err, a.n * sizeof *base);
    for (size_t i = 0; i < a.n; i++) base[i] = ash_tree_number(a, i);
    t->base = base;
    t->n_base = a.n;
    return ASHORE_OK;
}

static struct ash_tree_layout layout_of(const struct ash_parse *c, struct ash_trees *t) {
    return (struct ash_tree_layout){.c = c,
                                    .t = t,
                                    .heap = c->arena->heap,
                                    .pass_name = "nodes_truenodeids",
                                    .fail_name = "nodes_falsenodeids"};
}

static int parse_nodes(const struct ash_parse *c, struct ash_trees *t, bool classifier) {
    struct ash_tree_layout l = layout_of(c, t);
    struct nodes d = {0};
    ASH_TRY(ash_ml_post_parse(c, &t->post));
    ASH_TRY(take_base(c, t, classifier));
    ASH_TRY(take_nodes(&l, &d));
    for (d.mask = 4; d.mask < 2 * d.n;) d.mask *= 2;
    size_t bytes = ash_size_mul(2 * d.mask, sizeof *d.slot);
    d.slot = ash_alloc_zero(l.heap, bytes);
    if (!d.slot) return ash_fail_nomem(c->err, bytes);
    d.tree_slot = d.slot + d.mask--;
    int rc = load_nodes(&l, &d, classifier);
    ash_free(l.heap, d.slot, bytes);
    ash_tree_layout_end(&l);
    return rc;
}

static int take_targets(const struct ash_parse *c, struct ash_trees *t) {
    int64_t n;
    ASH_TRY(ash_parse_int_required(c, "n_targets", &n));
    ASH_FAIL_IF(n < 1 || n > INT32_MAX, c->err, ATTR, "attribute 'n_targets' is %lld",
                (long long)n);
    t->n_targets = (size_t)n;
    return ASHORE_OK;
}

int ash_trees_parse_regressor(const struct ash_parse *c, void *attrs) {
    static const char *const ways[] = {"AVERAGE", "SUM", "MIN", "MAX", NULL};
    struct ash_trees *t = attrs;
    ASH_TRY(ash_parse_choice(c, "aggregate_function", ways, ASH_TREE_SUM, &t->aggregate));
    ASH_TRY(take_targets(c, t));
    return parse_nodes(c, t, false);
}

/* Which classes have votes, and of which sign. */
static int see_votes(const struct ash_parse *c, struct ash_trees *t) {
    struct ash_tree_numbers weight;
    const int64_t *class;
    size_t n;
    ASH_TRY(ash_parse_ints(c, "class_ids", &class, &n));
    ASH_TRY(take_numbers(c, "class_weights", "class_weights_as_tensor", &weight));
    t->single = t->n_targets == 2 && n;
    t->positive = true;
    for (size_t i = 0; i < n; i++) {
        t->single = t->single && class[i] == class[0];
        t->positive = t->positive && !(ash_tree_number(weight, i) < 0);
    }
    return ASHORE_OK;
}

int ash_trees_parse_classifier(const struct ash_parse *c, void *attrs) {
    struct ash_trees *t = attrs;
    size_t n_ints;
    t->aggregate = ASH_TREE_SUM;
    ASH_TRY(ash_parse_ints(c, "classlabels_int64s", &t->label_ints, &n_ints));
    ASH_TRY(ash_parse_strings(c, "classlabels_strings", &t->label_texts, &t->n_targets));
    if (!t->n_targets) /* otherwise texts, whatever else there is */
        t->n_targets = n_ints;
    else
        t->label_ints = NULL;
    ASH_FAIL_IF(!t->n_targets, c->err, ATTR,
                "attributes 'classlabels_int64s' and 'classlabels_strings' are missing or empty");
    ASH_TRY(parse_nodes(c, t, true));
    return see_votes(c, t);
}

/* ---- TreeEnsemble ---- */

struct branches {
    size_t n, n_leaves;
    const int64_t *feature, *pass, *fail, *pass_leaf, *fail_leaf, *missing, *root;
    struct ash_tree_numbers mode;
};

static int take_branches(struct ash_tree_layout *l, struct branches *b, size_t *n_roots) {
    const struct ash_parse *c = l->c;
    ASH_TRY(ash_parse_ints(c, "nodes_featureids", &b->feature, &b->n));
    ASH_TRY(take_ints(c, "nodes_truenodeids", b->n, &b->pass));
    ASH_TRY(take_ints(c, "nodes_falsenodeids", b->n, &b->fail));
    ASH_TRY(take_ints(c, "nodes_trueleafs", b->n, &b->pass_leaf));
    ASH_TRY(take_ints(c, "nodes_falseleafs", b->n, &b->fail_leaf));
    ASH_TRY(take_missing(c, b->n, &b->missing));
    ASH_TRY(take_tensor(c, "nodes_modes", &b->mode));
    ASH_TRY(expect(c, "nodes_modes", b->mode.n, b->n));
    ASH_FAIL_IF(b->mode.tensor && ash_dtype_is_float(b->mode.tensor->dtype), c->err, ATTR,
                "attribute 'nodes_modes' is of type %s", ash_dtype(b->mode.tensor->dtype)->name);
    ASH_TRY(take_tensor(c, "nodes_splits", &l->split));
    ASH_TRY(expect(c, "nodes_splits", l->split.n, b->n));
    l->target_name = "leaf_targetids";
    ASH_TRY(ash_parse_ints(c, l->target_name, &l->target, &b->n_leaves));
    ASH_TRY(take_tensor(c, "leaf_weights", &l->weight));
    ASH_TRY(expect(c, "leaf_weights", l->weight.n, b->n_leaves));
    ASH_TRY(ash_parse_ints(c, "tree_roots", &b->root, n_roots));
    ASH_FAIL_IF(!*n_roots, c->err, ATTR, "attribute 'tree_roots' is missing or empty");
    return ASHORE_OK;
}

/* The item of a child: leaves come after branches. */
static int child_of(struct ash_tree_layout *l, const struct branches *b, size_t i, const char *name,
                    int64_t index, bool leaf, uint32_t *child) {
    size_t n = leaf ? b->n_leaves : b->n;
    ASH_TRY(ash_tree_within(l->c, name, index, i, n, leaf ? "leaves" : "nodes"));
    *child = (uint32_t)(leaf ? b->n + (size_t)index : (size_t)index);
    return ASHORE_OK;
}

/* Makes x[at..n) a heap where only x[at] may be smaller than what is below it. */
static void sink(double *x, size_t at, size_t n) {
    for (size_t below; (below = 2 * at + 1) < n; at = below) {
        if (below + 1 < n && x[below + 1] > x[below]) below++;
        if (!(x[below] > x[at])) return;
        double v = x[at];
        x[at] = x[below];
        x[below] = v;
    }
}

static void sort(double *x, size_t n) {
    for (size_t i = n / 2; i-- > 0;) sink(x, i, n);
    while (n > 1) {
        double v = x[--n];
        x[n] = x[0];
        x[0] = v;
        sink(x, 0, n);
    }
}

/* The sets of the branches that ask for membership, in their order; NaN ends one. */
static int take_sets(struct ash_tree_layout *l, const struct branches *b) {
    struct ash_tree_numbers a;
    size_t n_sets = 0, at = 0, n = 0;
    for (size_t i = 0; i < b->n; i++)
        n_sets += ash_tree_number(b->mode, i) == (double)ASH_FILE_MEMBER;
    ASH_TRY(take_tensor(l->c, "membership_values", &a));
    uint32_t *set = ash_arena_array(l->c->arena, n_sets + 1, sizeof *set);
    double *member = ash_arena_array(l->c->arena, a.n, sizeof *member);
    if (!set || !member) return ash_fail_nomem(l->c->err, a.n * sizeof *member);
    for (size_t i = 0, k = 0; i < b->n; i++) {
        if (ash_tree_number(b->mode, i) != (double)ASH_FILE_MEMBER) continue;
        ASH_FAIL_IF(at >= a.n, l->c->err, ATTR,
                    "attribute 'membership_values' holds %zu sets, nodes of mode BRANCH_MEMBER are "
                    "%zu",
                    k, n_sets);
        for (double x; at < a.n && (x = ash_tree_number(a, at++), x == x);) member[n++] = x;
        l->item[i].set = (uint32_t)k++;
        set[k] = (uint32_t)n;
        sort(member + set[k - 1], n - set[k - 1]);
    }
    ASH_FAIL_IF(at < a.n, l->c->err, ATTR,
                "attribute 'membership_values' holds more than the sets of %zu nodes of mode "
                "BRANCH_MEMBER",
                n_sets);
    l->t->set = set;
    l->t->member = member;
    return ASHORE_OK;
}

static int load_branches(struct ash_tree_layout *l, const struct branches *b, size_t n_roots) {
    ASH_TRY(ash_tree_layout_begin(l, ash_size_add(b->n, b->n_leaves), n_roots, b->n_leaves));
    ASH_TRY(take_sets(l, b));
    for (size_t i = 0; i < b->n; i++) {
        uint32_t pass = 0, fail = 0;
        int64_t mode = ash_get_i64(b->mode.tensor, (int64_t)i);
        ASH_TRY(ash_tree_within(l->c, "nodes_modes", mode, i, ASH_FILE_MEMBER + 1, "modes"));
        ASH_TRY(child_of(l, b, i, l->pass_name, b->pass[i], b->pass_leaf[i] != 0, &pass));
        ASH_TRY(child_of(l, b, i, l->fail_name, b->fail[i], b->fail_leaf[i] != 0, &fail));
        ASH_TRY(ash_tree_branch(l, i, (int)mode, b->feature[i], b->missing && b->missing[i] == 1,
                                pass, fail));
    }
    for (size_t i = 0; i < b->n_leaves; i++) {
        l->item[b->n + i].leaf = 1;
        l->voter[i] = (uint32_t)(b->n + i);
    }
    for (size_t i = 0; i < n_roots; i++)
        ASH_TRY(child_of(l, b, i, "tree_roots", b->root[i], false, &l->root[i]));
    return ash_tree_layout_make(l);
}

int ash_trees_parse_ensemble(const struct ash_parse *c, void *attrs) {
    struct ash_trees *t = attrs;
    struct ash_tree_layout l = layout_of(c, t);
    struct branches b = {0};
    int64_t way, post;
    size_t n_roots;
    ASH_TRY(ash_parse_int(c, "aggregate_function", ASH_TREE_SUM, &way));
    /* ONNX says 1 for SOFTMAX and 2 for LOGISTIC; onnxruntime has them the other way round. */
    ASH_TRY(ash_parse_int(c, "post_transform", ASH_ML_NONE, &post));
    ASH_FAIL_IF(way < 0 || way > ASH_TREE_MAX, c->err, ATTR,
                "attribute 'aggregate_function' is %lld", (long long)way);
    ASH_FAIL_IF(post < 0 || post > ASH_ML_PROBIT, c->err, ATTR,
                "attribute 'post_transform' is %lld", (long long)post);
    t->aggregate = (int)way;
    t->post = (int)post;
    ASH_TRY(take_targets(c, t));
    ASH_TRY(take_branches(&l, &b, &n_roots));
    int rc = load_branches(&l, &b, n_roots);
    ash_tree_layout_end(&l);
    return rc;
}
