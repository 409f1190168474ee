/* The sum with a constant vector that follows a matrix product becomes the bias of the internal
 * MatMul. */
#include "opt/passes.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_matmul, "MatMul Add");
ASH_MAKES("ashore:MatMul", "MatMul Add");

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->op && !*n->domain && !strcmp(n->op_type, op);
}

/* The constant is one number for each column of the product. */
static bool is_bias(const struct ash_tensor *t, const struct ash_type *y) {
    if (!t || t->dtype != y->dtype || t->rank < 1 || t->rank > y->rank) return false;
    int64_t N = t->dim[t->rank - 1];
    return ash_tensor_count(t) == N && ash_dim_is(y->dim[y->rank - 1], N);
}

static int add_bias(struct ash_pass *p, struct ash_node *n, struct ash_node *next, uint32_t v) {
    struct ash_graph *g = p->graph;
    struct ash_tensor *vector = ash_arena_alloc(p->arena, sizeof *vector);
    uint32_t count = n->n_in > 3 ? n->n_in : 3;
    uint32_t *in = ash_arena_array(p->arena, count, sizeof *in);
    if (!vector || !in) return ash_fail_nomem(p->err, sizeof *vector);
    memcpy(in, n->in, n->n_in * sizeof *in);
    in[2] = v;
    if (g->values[v].data->rank > 1) { /* the same data, seen as a vector */
        *vector = *g->values[v].data;
        vector->dim[0] = ash_tensor_count(vector);
        vector->rank = 1;
        ASH_TRY(ash_graph_add_value(g, "", &in[2], p->err));
        g->values[in[2]].data = vector;
    }
    n->in = in;
    n->n_in = n->n_formal = count;
    n->domain = ASH_INTERNAL;
    n->opset = 1;
    ash_pass_take_over(p, n, next);
    return ash_node_resolve(g, n, p->err);
}

int ash_pass_matmul(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        struct ash_node *n = p->graph->nodes[i];
        bool bytes = n->op && !strcmp(n->op_type, "ByteMatMul") && n->in[2] == ASH_NONE;
        if ((!is_op(n, "MatMul") && !bytes) || n->n_out != 1) continue;
        uint32_t y = n->out[0];
        const struct ash_type *t = &p->infos[y].type;
        if (!ash_pass_runs_f32(t->dtype) || t->rank < 1 || p->infos[n->in[1]].type.rank < 2)
            continue;
        struct ash_node *next = ash_pass_single_use(p, y);
        if (!is_op(next, "Add") || next->opset < 7 || next->n_formal != 2) continue;
        uint32_t v = next->in[next->in[0] == y];
        if (is_bias(p->graph->values[v].data, t)) ASH_TRY(add_bias(p, n, next, v));
    }
    return ASHORE_OK;
}
