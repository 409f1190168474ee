/* Constant matrices of bytes with scales, which a model dequantises before float32 is computed with
 * them, stay bytes in memory:
 *
 *   MatMul(A, W)   becomes the internal ByteMatMul, which dequantises parts of W when it runs
 *   Gather(W, i)   takes rows of bytes, which are dequantised behind it
 *
 * W is Mul(Cast(Q), scale) or DequantizeLinear(Q, scale, zero).  The numbers are the same.  An
 * engine that is trimmed to models without DequantizeLinear is smaller without this pass, and makes
 * float32 of the others' weights when they are loaded (pass_weights.c). */
#include "opt/passes.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_bytes, "DequantizeLinear MatMul");
ASH_PASS_NEEDS(ash_pass_bytes, "DequantizeLinear Gather");
ASH_MAKES("ashore:ByteMatMul", "DequantizeLinear MatMul");
ASH_MAKES("Gather Cast Mul", "DequantizeLinear Gather");

enum { LEAST = 1 << 14 /* elements of a matrix that is worth it */ };

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->op && n->n_out == 1 && !*n->domain && !strcmp(n->op_type, op);
}

static const struct ash_tensor *constant(const struct ash_pass *p, uint32_t v) {
    return v == ASH_NONE ? NULL : p->graph->values[v].data;
}

static bool is_byte(const struct ash_tensor *t) {
    return t && (t->dtype == ASHORE_INT8 || t->dtype == ASHORE_UINT8);
}

struct source {              /* of a matrix */
    uint32_t q, scale, zero; /* values, zero may be ASH_NONE */
    int axis;                /* along which there is more than one scale; -1: none */
};

/* Cast(Q) to float32. */
static bool is_cast(const struct ash_pass *p, uint32_t v, uint32_t *q) {
    const struct ash_node *n = ash_pass_producer(p, v);
    if (!is_op(n, "Cast") || ash_pass_int(n, "to", 0) != ASHORE_FLOAT32) return false;
    *q = n->in[0];
    return is_byte(constant(p, *q));
}

/* Axis of a scale that a product spreads over the matrix w; -2: it does something else. */
static int spread(const struct ash_tensor *scale, const struct ash_tensor *w) {
    int64_t last = scale->rank ? scale->dim[scale->rank - 1] : 1;
    if (scale->rank > 2) return -2;
    if (ash_tensor_count(scale) == 1) return -1;
    if (ash_tensor_count(scale) == last && last == w->dim[1]) return 1;
    return scale->rank == 2 && last == 1 && scale->dim[0] == w->dim[0] ? 0 : -2;
}

static bool from_product(const struct ash_pass *p, const struct ash_node *n, struct source *s) {
    if (!is_op(n, "Mul")) return false;
    for (int i = 0; i < 2; i++) {
        if (!is_cast(p, n->in[i], &s->q) || !constant(p, n->in[!i])) continue;
        s->scale = n->in[!i];
        s->zero = ASH_NONE;
        if (constant(p, s->q)->rank != 2) return false;
        s->axis = spread(constant(p, s->scale), constant(p, s->q));
        return s->axis >= -1;
    }
    return false;
}

static bool from_linear(const struct ash_pass *p, const struct ash_node *n, struct source *s) {
    if (!is_op(n, "DequantizeLinear") || ash_pass_int(n, "block_size", 0)) return false;
    const struct ash_tensor *q = constant(p, n->in[0]), *scale = constant(p, n->in[1]);
    s->q = n->in[0];
    s->scale = n->in[1];
    s->zero = n->n_formal > 2 ? n->in[2] : ASH_NONE;
    s->axis = -1;
    if (!is_byte(q) || q->rank != 2 || !scale || scale->rank > 1) return false;
    if (s->zero != ASH_NONE) {
        const struct ash_tensor *zero = constant(p, s->zero);
        if (!zero || zero->dtype != q->dtype || ash_tensor_count(zero) != ash_tensor_count(scale))
            return false;
    }
    if (ash_tensor_count(scale) == 1) return true;
    int64_t axis = ash_pass_int(n, "axis", 1);
    s->axis = (int)(axis < 0 ? axis + 2 : axis);
    return (s->axis == 0 || s->axis == 1) && q->dim[s->axis] == ash_tensor_count(scale);
}

static bool is_f32(const struct ash_pass *p, uint32_t v) {
    return v < p->infos_n && p->infos[v].type.dtype == ASHORE_FLOAT32;
}

/* The matrix v is dequantised bytes. */
static bool find(const struct ash_pass *p, uint32_t v, struct source *s) {
    const struct ash_node *n = ash_pass_producer(p, v);
    if (!n || !is_f32(p, v) || (!from_product(p, n, s) && !from_linear(p, n, s))) return false;
    const struct ash_tensor *scale = constant(p, s->scale);
    return scale->dtype == ASHORE_FLOAT32 && ash_tensor_count(constant(p, s->q)) >= LEAST;
}

/* The constant v with one dimension. */
static int vector_of(struct ash_pass *p, uint32_t v, uint32_t *to) {
    const struct ash_tensor *t = constant(p, v);
    struct ash_tensor *vector = ash_arena_alloc(p->arena, sizeof *vector);
    if (!vector) return ash_fail_nomem(p->err, sizeof *vector);
    *vector = *t;
    vector->dim[0] = ash_tensor_count(t);
    vector->rank = 1;
    ASH_TRY(ash_graph_add_value(p->graph, "", to, p->err));
    p->graph->values[*to].data = vector;
    return ASHORE_OK;
}

static int take_product(struct ash_pass *p, struct ash_node *n, const struct source *s) {
    enum { INPUTS = 6 };
    uint32_t *in = ash_arena_array(p->arena, INPUTS, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, INPUTS * sizeof *in);
    in[0] = n->in[0];
    in[1] = s->q;
    in[2] = in[3] = in[5] = ASH_NONE;
    ASH_TRY(vector_of(p, s->scale, &in[4]));
    if (s->zero != ASH_NONE) ASH_TRY(vector_of(p, s->zero, &in[5]));
    n->in = in;
    n->n_in = n->n_formal = INPUTS;
    n->domain = ASH_INTERNAL;
    n->op_type = "ByteMatMul";
    n->opset = 1;
    p->changed = true;
    return ash_node_resolve(p->graph, n, p->err);
}

/* Behind the others of the list. */
struct list {
    struct ash_node **nodes;
    uint32_t n;
};

static int add(struct ash_pass *p, struct list *l, const char *op, uint32_t n_in,
               struct ash_node **node) {
    ASH_TRY(ash_pass_node(p, op, n_in, node));
    l->nodes[l->n++] = *node;
    return ASHORE_OK;
}

enum { ADDED_MOST = 3 /* nodes */ };

static int take_rows(struct ash_pass *p, struct ash_node *n, const struct source *s,
                     struct list *l) {
    struct ash_node *scales, *cast, *mul;
    uint32_t old = n->out[0], scale;
    const struct ash_attr to = {.name = "to", .type = ASH_ATTR_INT, .v.i = ASHORE_FLOAT32};
    n->in[0] = s->q;
    ASH_TRY(ash_graph_add_value(p->graph, "", &n->out[0], p->err));
    ASH_TRY(add(p, l, "Cast", 1, &cast));
    cast->in[0] = n->out[0];
    ASH_TRY(ash_node_set_attr(p->graph, cast, &to, p->err));
    ASH_TRY(ash_node_resolve(p->graph, cast, p->err));
    ASH_TRY(vector_of(p, s->scale, &scale));
    if (s->axis == 0) { /* a scale for each row: [R, 1] */
        struct ash_tensor *column = (struct ash_tensor *)(uintptr_t)constant(p, scale);
        column->rank = 2;
        column->dim[1] = 1;
        ASH_TRY(add(p, l, "Gather", 2, &scales));
        scales->in[0] = scale;
        scales->in[1] = n->in[1];
        ASH_TRY(ash_node_resolve(p->graph, scales, p->err));
        scale = scales->out[0];
    }
    ASH_TRY(add(p, l, "Mul", 2, &mul));
    mul->in[0] = cast->out[0];
    mul->in[1] = scale;
    mul->out[0] = old;
    p->changed = true;
    return ash_node_resolve(p->graph, mul, p->err);
}

int ash_pass_bytes(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t n_old = g->n_nodes, products = 0, rows = 0;
    for (uint32_t i = 0; i < n_old; i++) {
        products += is_op(g->nodes[i], "MatMul");
        rows += is_op(g->nodes[i], "Gather");
    }
    if (!products && !rows) return ASHORE_OK;
    uint32_t cap = n_old + ADDED_MOST * rows;
    struct list l = {.nodes = ash_arena_array(p->scratch, cap, sizeof *l.nodes)};
    if (!l.nodes) return ash_fail_nomem(p->err, cap * sizeof *l.nodes);
    for (uint32_t i = 0; i < n_old; i++) {
        struct ash_node *n = g->nodes[i];
        struct source s;
        l.nodes[l.n++] = n;
        if (is_op(n, "MatMul") && find(p, n->in[1], &s) && s.axis && is_f32(p, n->in[0]))
            ASH_TRY(take_product(p, n, &s));
        else if (is_op(n, "Gather") && !ash_pass_int(n, "axis", 0) && find(p, n->in[0], &s) &&
                 s.zero == ASH_NONE)
            ASH_TRY(take_rows(p, n, &s, &l));
    }
    if (!p->changed) return ASHORE_OK;
    struct ash_node **kept = ash_arena_array(p->arena, cap, sizeof *kept);
    if (!kept) return ash_fail_nomem(p->err, cap * sizeof *kept);
    memcpy(kept, l.nodes, l.n * sizeof *kept);
    g->nodes = kept;
    g->n_nodes = l.n;
    g->cap_nodes = cap;
    return ASHORE_OK;
}
