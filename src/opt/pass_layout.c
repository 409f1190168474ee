/* Convolution networks run channels-last inside.
 *
 * Each convolution and each pooling becomes the channels-last operator between two permutations,
 * "to last" before it and "to first" behind.  Then permutations to first move down: through
 * elementwise operators and all that names its dimensions (layout_axes.c), until they meet one to
 * last, and the two cancel.  What is left stands at the edges of the convolutional
 * parts. */
#include "opt/layout.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_layout, "Conv|ConvTranspose|Transpose|MaxPool|AveragePool");
ASH_PASS_NEEDS(ash_pass_layout, "GlobalMaxPool|GlobalAveragePool");
ASH_MAKES("ashore:Conv Transpose", "Conv");
ASH_MAKES("ashore:ConvTranspose Transpose", "ConvTranspose");
ASH_MAKES("ashore:MaxPool Transpose", "MaxPool");
ASH_MAKES("ashore:AveragePool Transpose", "AveragePool");
ASH_MAKES("ashore:GlobalMaxPool Transpose", "GlobalMaxPool");
ASH_MAKES("ashore:GlobalAveragePool Transpose", "GlobalAveragePool");

static void perm_to_last(int rank, int64_t *perm) {
    perm[0] = 0;
    for (int i = 1; i < rank; i++) perm[i] = i == rank - 1 ? 1 : i + 1;
}

static void perm_to_first(int rank, int64_t *perm) {
    perm[0] = 0;
    for (int i = 1; i < rank; i++) perm[i] = i == 1 ? rank - 1 : i - 1;
}

bool ash_layout_is(const struct ash_node *n, const char *op) {
    return n && !*n->domain && !strcmp(n->op_type, op);
}

int ash_layout_rank(const struct ash_node *n, bool to_first) {
    int64_t want[ASH_MAX_RANK];
    if (!ash_layout_is(n, "Transpose")) return 0;
    const struct ash_attr *perm = ash_node_attr(n, "perm");
    if (!perm || perm->type != ASH_ATTR_INTS || perm->count < 3 || perm->count > 5) return 0;
    int rank = (int)perm->count;
    (to_first ? perm_to_first : perm_to_last)(rank, want);
    return memcmp(want, perm->v.ints, perm->count * sizeof *want) ? 0 : rank;
}

int ash_layout_push(struct ash_layout *l, const char *op, uint32_t n_in, struct ash_node **node) {
    ASH_TRY(ash_pass_node(l->p, op, n_in, node));
    l->nodes[l->n++] = *node;
    return ASHORE_OK;
}

int ash_layout_permute(struct ash_layout *l, uint32_t x, int rank, const int64_t *perm,
                       uint32_t *y) {
    struct ash_node *t;
    int64_t *kept = ash_arena_array(l->p->arena, (size_t)rank, sizeof *kept);
    if (!kept) return ash_fail_nomem(l->p->err, (size_t)rank * sizeof *kept);
    memcpy(kept, perm, (size_t)rank * sizeof *kept);
    ASH_TRY(ash_layout_push(l, "Transpose", 1, &t));
    t->in[0] = x;
    const struct ash_attr a = {
        .name = "perm", .type = ASH_ATTR_INTS, .count = (size_t)rank, .v.ints = kept};
    ASH_TRY(ash_node_set_attr(l->p->graph, t, &a, l->p->err));
    *y = t->out[0];
    return ash_node_resolve(l->p->graph, t, l->p->err);
}

/* A permutation of x between the layouts; *y is its result. */
static int push_turn(struct ash_layout *l, uint32_t x, int rank, bool to_first, uint32_t *y) {
    int64_t perm[ASH_MAX_RANK];
    (to_first ? perm_to_first : perm_to_last)(rank, perm);
    return ash_layout_permute(l, x, rank, perm, y);
}

const struct ash_type *ash_layout_type(const struct ash_layout *l, uint32_t v) {
    static const struct ash_type unknown = {.rank = -1};
    return v < l->p->infos_n ? &l->p->infos[v].type : &unknown;
}

uint32_t ash_layout_behind(const struct ash_layout *l, uint32_t v, int rank) {
    if (v >= l->p->infos_n || ash_layout_type(l, v)->rank != rank) return ASH_NONE;
    if (l->twin[v] != ASH_NONE) return l->twin[v];
    const struct ash_node *t = ash_pass_producer(l->p, v);
    return t && t->n_out && ash_layout_rank(t, true) == rank ? t->in[0] : ASH_NONE;
}

int ash_layout_finish(struct ash_layout *l, struct ash_node *node, int rank) {
    struct ash_graph *g = l->p->graph;
    uint32_t old[ASH_LAYOUT_OUTPUTS], y;
    l->nodes[l->n++] = node;
    for (uint32_t i = 0; i < node->n_out; i++) {
        bool turns = ash_layout_type(l, node->out[i])->rank != 0; /* a scale has no layout */
        old[i] = turns ? node->out[i] : ASH_NONE;
        if (old[i] != ASH_NONE) ASH_TRY(ash_graph_add_value(g, "", &node->out[i], l->p->err));
    }
    ASH_TRY(ash_node_resolve(g, node, l->p->err));
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (old[i] == ASH_NONE) continue;
        ASH_TRY(push_turn(l, node->out[i], rank, true, &y));
        l->nodes[l->n - 1]->out[0] = old[i];
        l->twin[old[i]] = node->out[i];
    }
    l->p->changed = true;
    return ASHORE_OK;
}

static int turn_conv(struct ash_layout *l, struct ash_node *n, bool *done) {
    *done = false;
    if (!ash_layout_is(n, "Conv") && !ash_layout_is(n, "ConvTranspose")) return ASHORE_OK;
    const struct ash_type *x_type = ash_layout_type(l, n->in[0]),
                          *w_type = ash_layout_type(l, n->in[1]);
    int rank = w_type->rank;
    bool fits = ash_pass_runs_f32(x_type->dtype) && ash_pass_runs_f32(w_type->dtype);
    if (!fits || (rank != 3 && rank != 4)) return ASHORE_OK;
    uint32_t x = ash_layout_behind(l, n->in[0], rank);
    if (x == ASH_NONE) ASH_TRY(push_turn(l, n->in[0], rank, false, &x));
    n->in[0] = x;
    n->domain = ASH_INTERNAL;
    n->opset = 1;
    *done = true;
    return ash_layout_finish(l, n, rank);
}

/* Poolings have a channels-last form of the same name. */
static int turn_pool(struct ash_layout *l, struct ash_node *n, bool *done) {
    static const char *const ops[] = {"MaxPool", "AveragePool", "GlobalMaxPool",
                                      "GlobalAveragePool"};
    size_t i = 0;
    *done = false;
    while (i < 4 && !ash_layout_is(n, ops[i])) i++;
    if (i == 4 || (n->n_out > 1 && n->out[1] != ASH_NONE)) return ASHORE_OK;
    int rank = ash_layout_type(l, n->in[0])->rank;
    if (rank < 3 || rank > 5 || !ash_pass_runs_f32(ash_layout_type(l, n->in[0])->dtype))
        return ASHORE_OK;
    uint32_t x = ash_layout_behind(l, n->in[0], rank);
    if (x == ASH_NONE) ASH_TRY(push_turn(l, n->in[0], rank, false, &x));
    n->in[0] = x;
    n->n_out = 1;
    n->domain = ASH_INTERNAL;
    n->opset = 1;
    *done = true;
    return ash_layout_finish(l, n, rank);
}

/* An operand beside a permuted one: permuted as well, one number, or a constant that is permuted
 * here (seen in `rank` dimensions first). */
static bool operand_fits(const struct ash_layout *l, uint32_t v, int rank) {
    const struct ash_tensor *t = l->p->graph->values[v].data;
    if (ash_layout_behind(l, v, rank) != ASH_NONE) return true;
    return t && t->rank <= rank && t->dtype != ASHORE_STRING;
}

int ash_layout_const(struct ash_layout *l, uint32_t v, int rank, uint32_t *out) {
    struct ash_graph *g = l->p->graph;
    const struct ash_tensor *t = g->values[v].data;
    if (ash_tensor_count(t) == 1) {
        *out = v;
        return ASHORE_OK;
    }
    struct ash_tensor *full = ash_arena_alloc(l->p->arena, sizeof *full);
    if (!full) return ash_fail_nomem(l->p->err, sizeof *full);
    *full = *t;
    full->rank = rank;
    for (int i = 0; i < rank; i++)
        full->dim[i] = i < rank - t->rank ? 1 : t->dim[i - (rank - t->rank)];
    uint32_t id;
    ASH_TRY(ash_graph_add_value(g, "", &id, l->p->err));
    g->values[id].data = full;
    return push_turn(l, id, rank, false, out);
}

/* Elementwise operators do not care for the order of dimensions as long as all operands share it.
 */
static int turn_elementwise(struct ash_layout *l, struct ash_node *n, bool *done) {
    *done = false;
    if (!n->op || !(n->op->flags & ASH_OP_ELEMENTWISE) || n->n_out != 1 || n->n_sub ||
        (!*n->domain && n->opset < 7))
        return ASHORE_OK;
    /* A vector of scales lies along `axis`, not along the last dimension. */
    if (strstr(n->op_type, "uantizeLinear") && ash_layout_type(l, n->in[1])->rank != 0)
        return ASHORE_OK;
    int rank = ash_layout_type(l, n->out[0])->rank;
    bool any = false;
    if (rank < 3) return ASHORE_OK;
    for (uint32_t i = 0; i < n->n_formal; i++) {
        if (n->in[i] == ASH_NONE) continue;
        if (!operand_fits(l, n->in[i], rank)) return ASHORE_OK;
        if (ash_layout_behind(l, n->in[i], rank) != ASH_NONE) any = true;
    }
    if (!any) return ASHORE_OK;
    for (uint32_t i = 0; i < n->n_formal; i++) {
        if (n->in[i] == ASH_NONE) continue;
        uint32_t x = ash_layout_behind(l, n->in[i], rank);
        if (x == ASH_NONE) ASH_TRY(ash_layout_const(l, n->in[i], rank, &x));
        n->in[i] = x;
    }
    *done = true;
    return ash_layout_finish(l, n, rank);
}

/* Its range and its rounding are those of all elements. */
static int turn_dynamic(struct ash_layout *l, struct ash_node *n, bool *done) {
    *done = false;
    if (!ash_layout_is(n, "DynamicQuantizeLinear")) return ASHORE_OK;
    int rank = ash_layout_type(l, n->in[0])->rank;
    uint32_t x = rank >= 3 ? ash_layout_behind(l, n->in[0], rank) : ASH_NONE;
    if (x == ASH_NONE) return ASHORE_OK;
    n->in[0] = x;
    *done = true;
    return ash_layout_finish(l, n, rank);
}

/* Two permutations that undo each other. */
static void cancel(struct ash_layout *l, struct ash_node *n) {
    struct ash_pass *p = l->p;
    int rank = ash_layout_rank(n, false);
    uint32_t x = rank ? ash_layout_behind(l, n->in[0], rank) : ASH_NONE;
    bool output = false;
    for (uint32_t i = 0; x != ASH_NONE && i < p->graph->n_outputs; i++)
        output = output || p->graph->outputs[i] == n->out[0];
    if (x == ASH_NONE || output) return;
    ash_pass_replace(p, n->out[0], x);
}

static int visit(struct ash_layout *l, struct ash_node *n) {
    static ash_layout_fn *const turns[] = {turn_conv, turn_pool, turn_elementwise, turn_dynamic,
                                           ash_layout_axes};
    bool done = false;
    cancel(l, n);
    for (size_t i = 0; i < sizeof turns / sizeof *turns && !done; i++)
        ASH_TRY(turns[i](l, n, &done));
    if (!done) l->nodes[l->n++] = n;
    return ASHORE_OK;
}

int ash_pass_layout(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t n = g->n_nodes, most = 0;
    for (uint32_t i = 0; i < n; i++) most += 1 + g->nodes[i]->n_out + g->nodes[i]->n_in;
    struct ash_layout l = {.p = p, .nodes = ash_arena_array(p->arena, most, sizeof *l.nodes)};
    l.twin = ash_arena_array(p->scratch, p->infos_n, sizeof *l.twin);
    if (!l.nodes || !l.twin) return ash_fail_nomem(p->err, most * sizeof *l.nodes);
    for (uint32_t i = 0; i < p->infos_n; i++) l.twin[i] = ASH_NONE;
    for (uint32_t i = 0; i < n; i++) ASH_TRY(visit(&l, g->nodes[i]));
    g->nodes = l.nodes;
    g->n_nodes = l.n;
    g->cap_nodes = most;
    return ASHORE_OK;
}
