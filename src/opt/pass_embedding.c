/* Look-ups in tables of constants.
 *
 * A product of one-hot rows and a constant matrix is a row of that matrix:
 *
 *   MatMul(Cast(Equal(x, 0..K-1)), W), MatMul(OneHot(x, K, [0, 1]), W)  =  Gather(W', Clip(x))
 *
 * An x that no row belongs to gives zeros: W' has a row of them for it.
 *
 * What is done to each row of a small table after it was looked up is done to the table instead,
 * and computed when the model is loaded: op(Gather(T, i), c) = Gather(op(T, c), i). */
#include "opt/passes.h"

#include "ops/convert.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_embedding, "Gather");
ASH_PASS_NEEDS(ash_pass_embedding, "Equal Cast MatMul");
ASH_PASS_NEEDS(ash_pass_embedding, "OneHot MatMul");
ASH_MAKES("Gather", "Equal Cast MatMul");
ASH_MAKES("Squeeze", "Equal Cast MatMul");
ASH_MAKES("Clip", "Equal Cast MatMul");
ASH_MAKES("Gather", "OneHot MatMul");
ASH_MAKES("Clip", "OneHot MatMul");

enum { TABLE_MAX = 1 << 16 /* elements of a table that is computed anew */ };

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->op && !*n->domain && !strcmp(n->op_type, op);
}

static const struct ash_tensor *constant(const struct ash_pass *p, uint32_t v) {
    return v == ASH_NONE ? NULL : p->graph->values[v].data;
}

/* The node that makes v, for `v` alone. */
static struct ash_node *only(const struct ash_pass *p, uint32_t v, const char *op) {
    struct ash_node *n = ash_pass_producer(p, v);
    return is_op(n, op) && n->n_out == 1 && p->uses[v] == 1 ? n : NULL;
}

static bool is_index(int dtype) { return dtype == ASHORE_INT32 || dtype == ASHORE_INT64; }

/* 0, 1, ... K - 1 along the last dimension, the others having an extent of 1. */
static bool counts(const struct ash_tensor *t, int64_t K) {
    if (!t || !is_index(t->dtype) || t->rank < 1 || t->dim[t->rank - 1] != K) return false;
    if (ash_tensor_count(t) != K) return false;
    for (int64_t i = 0; i < K; i++) {
        if (ash_get_i64(t, i) != i) return false;
    }
    return true;
}

/* One-hot rows under way. */
struct hot {
    uint32_t x;           /* the positions of the ones */
    struct ash_node *row; /* Equal or OneHot */
    bool equal;
    bool from_end; /* -K..-1 count as well, from the end */
};

/* Equal(x[.., 1], 0..K-1), the comparison of any order of inputs. */
static bool match_equal(const struct ash_pass *p, struct ash_node *n, int64_t K, struct hot *h) {
    for (int i = 0; i < 2; i++) {
        const struct ash_tensor *t = constant(p, n->in[i]);
        h->x = n->in[1 - i];
        if (!counts(t, K) || h->x >= p->infos_n) continue;
        const struct ash_type *x = &p->infos[h->x].type;
        if (x->rank < t->rank || x->dtype != t->dtype) continue;
        if (constant(p, h->x) || !ash_dim_is(x->dim[x->rank - 1], 1)) continue;
        *h = (struct hot){.x = h->x, .row = n, .equal = true};
        return true;
    }
    return false;
}

static bool match_onehot(const struct ash_pass *p, struct ash_node *n, int64_t K, struct hot *h) {
    const struct ash_attr *axis = ash_node_attr(n, "axis");
    const struct ash_tensor *depth = constant(p, n->in[1]), *values = constant(p, n->in[2]);
    *h = (struct hot){.x = n->in[0], .row = n, .from_end = n->opset >= 11};
    if (h->x >= p->infos_n || constant(p, h->x) || !depth || !values) return false;
    const struct ash_type *x = &p->infos[h->x].type;
    bool last = !axis || axis->v.i == -1 || axis->v.i == x->rank;
    if (x->rank < 1 || !last || !is_index(x->dtype)) return false;
    if (ash_tensor_count(depth) != 1 || ash_get_i64(depth, 0) != K) return false;
    if (ash_tensor_count(values) != 2 || values->dtype == ASHORE_STRING) return false;
    double v[2];
    ash_load_f64(values->dtype, values->data, 2, v);
    return v[0] == 0 && v[1] == 1;
}

static bool match_hot(const struct ash_pass *p, uint32_t v, int64_t K, struct hot *h,
                      struct ash_node **cast) {
    struct ash_node *n = only(p, v, "OneHot");
    *cast = NULL;
    if (n) return match_onehot(p, n, K, h);
    *cast = only(p, v, "Cast");
    n = *cast ? only(p, (*cast)->in[0], "Equal") : NULL;
    return n && match_equal(p, n, K, h);
}

/* W is a finite K x N: zeros times infinity would be NaN. */
static bool fits(const struct ash_pass *p, uint32_t v, const struct ash_tensor **w) {
    *w = ash_pass_f32(p, v);
    if (!*w || (*w)->rank != 2 || (*w)->dim[0] < 2 || (*w)->dim[0] > INT32_MAX / 4) return false;
    const float *data = (*w)->data;
    for (int64_t i = 0; i < ash_tensor_count(*w); i++) {
        if (!isfinite(data[i])) return false;
    }
    return true;
}

/* W, a row of zeros, and W again where positions are also counted from the end.  A sum from zero
 * makes +0 of -0. */
static int make_table(struct ash_pass *p, const struct ash_tensor *w, int dtype, bool twice,
                      uint32_t *id) {
    int64_t K = w->dim[0], N = w->dim[1], dim[2] = {twice ? 2 * K + 1 : K + 1, N};
    const float *from = w->data;
    struct ash_tensor *t;
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, 2, dim, id, &t, p->err));
    for (int64_t i = 0; i < dim[0] * N; i++) {
        int64_t k = i / N;
        float x = k == K ? 0.0f : from[i - (k > K ? (K + 1) * N : 0)] + 0.0f;
        ash_store_f32(dtype, &x, 1, ash_at(t, i));
    }
    return ASHORE_OK;
}

static int number(struct ash_pass *p, int dtype, int rank, int64_t x, uint32_t *id) {
    struct ash_tensor *t;
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, rank, (int64_t[]){1}, id, &t, p->err));
    ash_store_i64(dtype, &x, 1, t->data);
    return ASHORE_OK;
}

/* The node becomes another one, of n inputs, without attributes; *out, if given, a new value. */
static int become(struct ash_pass *p, struct ash_node *node, const char *op, uint32_t n,
                  const uint32_t *in, uint32_t *out) {
    node->in = ash_arena_array(p->arena, n, sizeof *node->in);
    if (!node->in) return ash_fail_nomem(p->err, n * sizeof *node->in);
    memcpy(node->in, in, n * sizeof *in);
    node->n_in = node->n_formal = n;
    node->op_type = op;
    node->domain = "";
    node->opset = ASH_OPSET_NEWEST;
    node->raw = NULL;
    node->n_raw = 0;
    if (out) {
        ASH_TRY(ash_graph_add_value(p->graph, "", out, p->err));
        node->out[0] = *out;
    }
    p->changed = true;
    return ash_node_resolve(p->graph, node, p->err);
}

static int look_up(struct ash_pass *p, struct ash_node *product, const struct hot *h,
                   struct ash_node *cast, const struct ash_tensor *w) {
    int dtype = p->infos[h->x].type.dtype;
    int64_t K = w->dim[0];
    uint32_t table, low, high, axis, at = h->x;
    struct ash_node *clip = h->equal ? cast : h->row;
    ASH_TRY(make_table(p, w, p->infos[product->out[0]].type.dtype, h->from_end, &table));
    ASH_TRY(number(p, dtype, 0, h->from_end ? -K - 1 : -1, &low));
    ASH_TRY(number(p, dtype, 0, K, &high));
    if (h->equal) {
        ASH_TRY(number(p, ASHORE_INT64, 1, -1, &axis));
        ASH_TRY(become(p, h->row, "Squeeze", 2, (uint32_t[]){at, axis}, &at));
    }
    ASH_TRY(become(p, clip, "Clip", 3, (uint32_t[]){at, low, high}, &at));
    return become(p, product, "Gather", 2, (uint32_t[]){table, at}, NULL);
}

static int visit_product(struct ash_pass *p, struct ash_node *n) {
    const struct ash_tensor *w;
    struct ash_node *cast;
    struct hot h;
    if (n->n_formal != 2 || n->n_out != 1 || !constant(p, n->in[1])) return ASHORE_OK;
    const struct ash_tensor *raw = constant(p, n->in[1]);
    if (raw->rank != 2 || !match_hot(p, n->in[0], raw->dim[0], &h, &cast)) return ASHORE_OK;
    if (!fits(p, n->in[1], &w)) return ASHORE_OK;
    if (h.from_end && ash_tensor_count(w) > TABLE_MAX) return ASHORE_OK;
    return look_up(p, n, &h, cast, w);
}

/* The constant c as it is beside a table T of which rows were looked up: *v is c with the
 * dimensions that a row has at most. */
static int row_operand(struct ash_pass *p, const struct ash_tensor *T, uint32_t *v, bool *ok) {
    const struct ash_tensor *c = constant(p, *v);
    int rank = c ? c->rank : 0, row = T->rank - 1;
    *ok = c && ash_tensor_count(c) > 0;
    for (int i = 0; *ok && i < rank; i++) {
        int64_t d = c->dim[rank - 1 - i];
        *ok = d == 1 || (i < row && d == T->dim[T->rank - 1 - i]);
    }
    if (!*ok || rank <= row) return ASHORE_OK;
    struct ash_tensor *view = ash_arena_alloc(p->arena, sizeof *view);
    if (!view) return ash_fail_nomem(p->err, sizeof *view);
    *view = *c;
    view->rank = (int8_t)row;
    for (int i = 0; i < row; i++) view->dim[i] = c->dim[rank - row + i];
    ASH_TRY(ash_graph_add_value(p->graph, "", v, p->err));
    p->graph->values[*v].data = view;
    return ASHORE_OK;
}

/* Node j does the same to every row of a table that only it gets from node i, a Gather. */
static bool follows(const struct ash_pass *p, uint32_t j, uint32_t *i, uint32_t *at) {
    const struct ash_node *n = p->graph->nodes[j];
    if (!n->op || !(n->op->flags & ASH_OP_ELEMENTWISE) || n->n_out != 1) return false;
    if (strstr(n->op_type, "Linear"))
        return false; /* the dimension of their scales is an attribute */
    for (*at = 0; *at < n->n_in; ++*at) {
        const struct ash_node *g = only(p, n->in[*at], "Gather");
        const struct ash_tensor *T = g ? constant(p, g->in[0]) : NULL;
        const struct ash_attr *axis = g ? ash_node_attr(g, "axis") : NULL;
        if (!T || T->rank < 1 || ash_tensor_count(T) > TABLE_MAX || (axis && axis->v.i != 0))
            continue;
        *i = p->producer[n->in[*at]];
        return p->infos[n->in[*at]].type.rank >= 0 &&
               p->infos[n->in[*at]].type.rank == p->infos[n->out[0]].type.rank;
    }
    return false;
}

static int visit_row_op(struct ash_pass *p, uint32_t j) {
    struct ash_graph *g = p->graph;
    struct ash_node *n = g->nodes[j];
    uint32_t i, at, y = n->out[0], t;
    if (!follows(p, j, &i, &at)) return ASHORE_OK;
    struct ash_node *gather = g->nodes[i];
    const struct ash_tensor *T = constant(p, gather->in[0]);
    uint32_t *in = ash_arena_array(p->arena, n->n_in, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, n->n_in * sizeof *in);
    for (uint32_t k = 0; k < n->n_in; k++) {
        bool ok = true;
        in[k] = k == at ? gather->in[0] : n->in[k];
        if (k != at && in[k] != ASH_NONE) ASH_TRY(row_operand(p, T, &in[k], &ok));
        if (!ok) return ASHORE_OK;
    }
    ASH_TRY(ash_graph_add_value(g, "", &t, p->err));
    n->in = in;
    n->out[0] = t;
    gather->in[0] = t;
    gather->out[0] = y;
    g->nodes[i] = n;
    g->nodes[j] = gather;
    p->changed = true;
    return ASHORE_OK;
}

int ash_pass_embedding(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        if (is_op(p->graph->nodes[i], "MatMul"))
            ASH_TRY(visit_product(p, p->graph->nodes[i]));
        else
            ASH_TRY(visit_row_op(p, i));
    }
    return ASHORE_OK;
}
