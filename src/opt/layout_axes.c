/* Operators that name dimensions: their axes and lists are written for the other layout. */
#include "opt/layout.h"

#include <string.h>

/* Dimension `axis` of the channels-first form, in the channels-last one. */
static int64_t turned(int64_t axis, int rank) {
    if (axis < 0) axis += rank;
    return axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
}

static bool in_range(const int64_t *axes, size_t n, int rank) {
    if (n > (size_t)rank) return false;
    for (size_t i = 0; i < n; i++) {
        if (axes[i] < -rank || axes[i] >= rank) return false;
    }
    return true;
}

/* ---- lists of dimensions ---- */

/* An attribute or a constant input of integers. */
struct ints {
    const int64_t *v; /* NULL: left out */
    size_t n;
};

/* false: it is there but not known. */
static bool find_ints(const struct ash_layout *l, const struct ash_node *n, const char *name,
                      uint32_t input, struct ints *list) {
    const struct ash_attr *a = name ? ash_node_attr(n, name) : NULL;
    *list = (struct ints){NULL, 0};
    if (a && a->type == ASH_ATTR_INTS) *list = (struct ints){a->v.ints, a->count};
    if (!input || input >= n->n_formal || n->in[input] == ASH_NONE) return true;
    const struct ash_tensor *t = l->p->graph->values[n->in[input]].data;
    if (!t || t->dtype != ASHORE_INT64 || t->rank > 1) return false;
    *list = (struct ints){t->data, (size_t)ash_tensor_count(t)};
    return true;
}

/* A list of n numbers: as the attribute when input is 0, else as that input. */
static int give_ints(struct ash_layout *l, struct ash_node *node, const char *name, uint32_t input,
                     const int64_t *v, size_t n) {
    struct ash_graph *g = l->p->graph;
    int64_t count = (int64_t)n;
    if (!input) {
        int64_t *copy = ash_arena_array(l->p->arena, n + 1, sizeof *copy);
        if (!copy) return ash_fail_nomem(l->p->err, n * sizeof *copy);
        memcpy(copy, v, n * sizeof *copy);
        const struct ash_attr a = {.name = name, .type = ASH_ATTR_INTS, .count = n, .v.ints = copy};
        return ash_node_set_attr(g, node, &a, l->p->err);
    }
    uint32_t most = node->n_formal > input ? node->n_formal : input + 1, id;
    uint32_t *in = ash_arena_array(l->p->arena, most, sizeof *in);
    struct ash_tensor *t;
    if (!in) return ash_fail_nomem(l->p->err, most * sizeof *in);
    ASH_TRY(ash_graph_add_const(g, "", ASHORE_INT64, 1, &count, &id, &t, l->p->err));
    memcpy(t->data, v, n * sizeof *v);
    for (uint32_t i = 0; i < most; i++) in[i] = i < node->n_formal ? node->in[i] : ASH_NONE;
    in[input] = id;
    node->in = in;
    node->n_in = node->n_formal = most;
    return ASHORE_OK;
}

/* Gives the list of dimensions `axes`; left out, it is that of dimensions 0..n-1. */
static int give_axes(struct ash_layout *l, struct ash_node *node, uint32_t input,
                     const struct ints *axes, size_t n, int rank) {
    int64_t v[ASH_MAX_RANK];
    for (size_t i = 0; i < n; i++) v[i] = turned(axes->v ? axes->v[i] : (int64_t)i, rank);
    return give_ints(l, node, "axes", input, v, n);
}

/* ---- operators ---- */

static int set_int(struct ash_layout *l, struct ash_node *n, const char *name, int64_t i) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_INT, .v.i = i};
    return ash_node_set_attr(l->p->graph, n, &a, l->p->err);
}

/* Permuted, or a constant that is permuted here. */
static bool image_fits(const struct ash_layout *l, uint32_t v, int rank) {
    const struct ash_tensor *t = l->p->graph->values[v].data;
    return ash_layout_behind(l, v, rank) != ASH_NONE ||
           (t && t->rank == rank && t->dtype != ASHORE_STRING);
}

/* One dimension in attribute `axis`. */
static int turn_axis(struct ash_layout *l, struct ash_node *n, int rank, bool *done) {
    const struct ash_attr *a = ash_node_attr(n, "axis");
    bool split = ash_layout_is(n, "Split"), softmax = strstr(n->op_type, "oftmax") != NULL;
    if (n->opset < (softmax ? 13 : 4)) return ASHORE_OK; /* a matrix was meant, another default */
    int64_t axis = a && a->type == ASH_ATTR_INT ? a->v.i : split ? 0 : -1;
    if (!in_range(&axis, 1, rank)) return ASHORE_OK;
    uint32_t images = split ? 1 : n->n_formal;
    for (uint32_t i = 0; i < images; i++) {
        if (n->in[i] == ASH_NONE || !image_fits(l, n->in[i], rank)) return ASHORE_OK;
    }
    for (uint32_t i = 0; i < images; i++) {
        uint32_t x = ash_layout_behind(l, n->in[i], rank);
        if (x == ASH_NONE) ASH_TRY(ash_layout_const(l, n->in[i], rank, &x));
        n->in[i] = x;
    }
    ASH_TRY(set_int(l, n, "axis", turned(axis, rank)));
    *done = true;
    return ash_layout_finish(l, n, rank);
}

static int turn_slice(struct ash_layout *l, struct ash_node *n, int rank, bool *done) {
    struct ints starts, axes;
    uint32_t first = n->opset < 10 ? 0 : 1, at = n->opset < 10 ? 0 : 3;
    if (!find_ints(l, n, "starts", first, &starts) || !find_ints(l, n, "axes", at, &axes))
        return ASHORE_OK;
    if (!starts.v || (axes.v && axes.n != starts.n) || !in_range(axes.v, axes.n, rank) ||
        starts.n > (size_t)rank)
        return ASHORE_OK;
    n->in[0] = ash_layout_behind(l, n->in[0], rank);
    ASH_TRY(give_axes(l, n, at, &axes, starts.n, rank));
    *done = true;
    return ash_layout_finish(l, n, rank);
}

static int turn_pad(struct ash_layout *l, struct ash_node *n, int rank, bool *done) {
    struct ints pads, axes;
    int64_t v[2 * ASH_MAX_RANK];
    uint32_t at = n->opset < 11 ? 0 : 1;
    if (n->opset < 2 || !find_ints(l, n, "pads", at, &pads) || !find_ints(l, n, NULL, 3, &axes))
        return ASHORE_OK;
    if (axes.v ? !in_range(axes.v, axes.n, rank) : !pads.v || pads.n != 2 * (size_t)rank)
        return ASHORE_OK;
    n->in[0] = ash_layout_behind(l, n->in[0], rank);
    if (axes.v) {
        ASH_TRY(give_axes(l, n, 3, &axes, axes.n, rank));
    } else {
        for (int i = 0; i < rank; i++) {
            v[turned(i, rank)] = pads.v[i];
            v[rank + turned(i, rank)] = pads.v[rank + i];
        }
        ASH_TRY(give_ints(l, n, "pads", at, v, pads.n));
    }
    *done = true;
    return ash_layout_finish(l, n, rank);
}

/* Reduced dimensions that are dropped must leave the others in order: the channels among them, or
 * all spatial ones. */
static bool keeps_order(const struct ints *axes, int rank) {
    unsigned seen = 0, spatial = ((1u << rank) - 1) & ~3u;
    for (size_t i = 0; i < axes->n; i++)
        seen |= 1u << (axes->v[i] < 0 ? axes->v[i] + rank : axes->v[i]);
    return (seen & 2) || (seen & spatial) == spatial;
}

static int turn_reduce(struct ash_layout *l, struct ash_node *n, int rank, bool *done) {
    const struct ash_attr *keep = ash_node_attr(n, "keepdims");
    bool kept = !keep || keep->type != ASH_ATTR_INT || keep->v.i;
    struct ints axes;
    uint32_t at = n->n_formal > 1 ? 1 : 0;
    if (!find_ints(l, n, "axes", at, &axes) || !axes.v || axes.n == 0) return ASHORE_OK;
    if (!in_range(axes.v, axes.n, rank) || (!kept && !keeps_order(&axes, rank))) return ASHORE_OK;
    n->in[0] = ash_layout_behind(l, n->in[0], rank);
    ASH_TRY(give_axes(l, n, at, &axes, axes.n, rank));
    *done = true;
    if (kept) return ash_layout_finish(l, n, rank);
    l->nodes[l->n++] = n;
    l->p->changed = true;
    return ash_node_resolve(l->p->graph, n, l->p->err);
}

static int set_text(struct ash_layout *l, struct ash_node *n, const char *name, const char *text) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_STRING, .v.s = {text, strlen(text)}};
    return ash_node_set_attr(l->p->graph, n, &a, l->p->err);
}

/* Upsample, and Resize before operator set 11, as the Resize of today.  false: there is none. */
static bool old_resize_fits(const struct ash_layout *l, const struct ash_node *n) {
    const struct ash_attr *mode = ash_node_attr(n, "mode");
    bool nearest = !mode || mode->type != ASH_ATTR_STRING || !strcmp(mode->v.s.data, "nearest");
    const struct ash_tensor *t = n->n_formal > 1 ? ash_pass_f32(l->p, n->in[1]) : NULL;
    if (!t) return false;
    for (int64_t i = 0; nearest && i < ash_tensor_count(t); i++) {
        if (!(((const float *)t->data)[i] >= 1)) return false; /* what shrinks is rounded up */
    }
    return true;
}

static int renew_resize(struct ash_layout *l, struct ash_node *n) {
    uint32_t *in = ash_arena_array(l->p->arena, 3, sizeof *in);
    if (!in) return ash_fail_nomem(l->p->err, 3 * sizeof *in);
    in[0] = n->in[0];
    in[1] = ASH_NONE;
    in[2] = n->in[1];
    n->in = in;
    n->n_in = n->n_formal = 3;
    n->op_type = "Resize";
    ASH_TRY(set_text(l, n, "coordinate_transformation_mode", "asymmetric"));
    return set_text(l, n, "nearest_mode", "floor");
}

/* One whose result leaves the graph stays: the permutation behind it would be of the larger. */
static int turn_resize(struct ash_layout *l, struct ash_node *n, int rank, bool *done) {
    const struct ash_attr *coord = ash_node_attr(n, "coordinate_transformation_mode");
    struct ints axes;
    for (uint32_t i = 0; i < l->p->graph->n_outputs; i++) {
        if (l->p->graph->outputs[i] == n->out[0]) return ASHORE_OK;
    }
    if (!find_ints(l, n, "axes", 0, &axes) || !in_range(axes.v, axes.n, rank)) return ASHORE_OK;
    if (n->opset < 11) {
        if (!old_resize_fits(l, n)) return ASHORE_OK;
        ASH_TRY(renew_resize(l, n));
    } else if (coord && coord->type == ASH_ATTR_STRING && !strncmp(coord->v.s.data, "tf_half", 7)) {
        return ASHORE_OK; /* is no more */
    }
    n->opset = ASH_OPSET_NEWEST;
    n->in[0] = ash_layout_behind(l, n->in[0], rank);
    ASH_TRY(give_axes(l, n, 0, &axes, axes.v ? axes.n : (size_t)rank, rank));
    *done = true;
    return ash_layout_finish(l, n, rank);
}

/* A page carries the two permutations of layouts more easily than this code. */
#if !defined(__wasm__)
/* Reshape to [N, G, C / G, H, W], a permutation of dimensions 1 and 2, and Reshape back: channels
 * are shuffled, which lie next to each other now. */
static int turn_shuffle(struct ash_layout *l, struct ash_node *n, int rank, bool *done) {
    static const int64_t swap[5] = {0, 2, 1, 3, 4}, swap_last[5] = {0, 1, 2, 4, 3};
    struct ash_node *t = ash_pass_single_use(l->p, n->out[0]), *back, *parts;
    const struct ash_type *x = ash_layout_type(l, n->in[0]), *five = ash_layout_type(l, n->out[0]);
    struct ints perm;
    if (rank != 4 || five->rank != 5 || !t || !ash_layout_is(t, "Transpose") ||
        !find_ints(l, t, "perm", 0, &perm) || perm.n != 5 || memcmp(perm.v, swap, sizeof swap) != 0)
        return ASHORE_OK;
    back = ash_pass_single_use(l->p, t->out[0]);
    if (!back || !ash_layout_is(back, "Reshape")) return ASHORE_OK;
    const struct ash_type *y = ash_layout_type(l, back->out[0]);
    if (y->rank != 4 || five->dim[1].kind != ASH_DIM_EXACT || five->dim[2].kind != ASH_DIM_EXACT)
        return ASHORE_OK;
    for (int i = 0; i < 4; i++) {
        if (!ash_dim_same(x->dim[i], y->dim[i]) ||
            (i != 1 && !ash_dim_same(x->dim[i], five->dim[i ? i + 1 : 0])))
            return ASHORE_OK;
    }
    int64_t G = five->dim[1].value, each = five->dim[2].value;
    ASH_TRY(ash_layout_push(l, "Reshape", 1, &parts));
    parts->in[0] = ash_layout_behind(l, n->in[0], 4);
    ASH_TRY(give_ints(l, parts, NULL, 1, (int64_t[]){0, 0, 0, G, each}, 5));
    ASH_TRY(ash_node_resolve(l->p->graph, parts, l->p->err));
    ASH_TRY(ash_layout_permute(l, parts->out[0], 5, swap_last, &n->in[0]));
    n->out[0] = back->out[0];
    n->raw = NULL;
    n->n_raw = 0;
    n->opset = ASH_OPSET_NEWEST;
    ASH_TRY(give_ints(l, n, NULL, 1, (int64_t[]){0, 0, 0, G * each}, 4));
    t->n_in = t->n_out = back->n_in = back->n_out = 0; /* without results they are dropped */
    *done = true;
    return ash_layout_finish(l, n, 4);
}
#endif

/* A trimmed engine has those of its operators (cmake/wasm_map.py). */
static const struct {
    const char *op;
    int (*turn)(struct ash_layout *, struct ash_node *, int, bool *);
} ash_by_op_layout[] = {
    {"Concat", turn_axis},     {"Split", turn_axis},      {"Softmax", turn_axis},
    {"LogSoftmax", turn_axis}, {"Slice", turn_slice},     {"Pad", turn_pad},
    {"Resize", turn_resize},   {"Upsample", turn_resize},
#if !defined(__wasm__)
    {"Reshape", turn_shuffle},
#endif
};

int ash_layout_axes(struct ash_layout *l, struct ash_node *n, bool *done) {
    *done = false;
    if (*n->domain || !n->op || n->n_sub || n->n_in != n->n_formal || n->n_formal == 0 ||
        n->n_out == 0 || n->n_out > ASH_LAYOUT_OUTPUTS || n->in[0] == ASH_NONE)
        return ASHORE_OK;
    int rank = ash_layout_type(l, n->in[0])->rank;
    if (rank < 3 || ash_layout_behind(l, n->in[0], rank) == ASH_NONE) return ASHORE_OK;
    for (size_t i = 0; i < sizeof ash_by_op_layout / sizeof *ash_by_op_layout; i++) {
        if (!strcmp(n->op_type, ash_by_op_layout[i].op))
            return ash_by_op_layout[i].turn(l, n, rank, done);
    }
    return strncmp(n->op_type, "Reduce", 6) ? ASHORE_OK : turn_reduce(l, n, rank, done);
}
