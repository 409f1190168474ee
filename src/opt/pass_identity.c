/* Nodes that hand their input through: Identity, a Cast to the type that is there, a Transpose that
 * moves nothing, a view of the shape that is there, an Expand or Slice that leaves it, Dropout. */
#include "opt/passes.h"

#include "ops/convert.h"

#include <string.h>

ASH_IDLE_WITHOUT(ash_pass_identity, "+rewrites");

static bool same_shape(const struct ash_type *a, const struct ash_type *b) {
    if (a->kind != ASHORE_TENSOR || b->kind != ASHORE_TENSOR) return false;
    if (a->rank < 0 || a->rank != b->rank || a->dtype != b->dtype || a->dtype == 0) return false;
    for (int i = 0; i < a->rank; i++) {
        if (!ash_dim_same(a->dim[i], b->dim[i])) return false;
    }
    return true;
}

/* Dropout that is not training. */
static bool keeps_all(const struct ash_pass *p, const struct ash_node *n) {
    if (n->n_formal < 3 || n->in[2] == ASH_NONE) return true;
    const struct ash_tensor *t = p->graph->values[n->in[2]].data;
    return t && t->dtype == ASHORE_BOOL && ash_tensor_count(t) == 1 && !*(const uint8_t *)t->data;
}

/* The steps of a Slice are all 1. */
static bool walks_forward(const struct ash_pass *p, const struct ash_node *n) {
    if (n->n_formal < 5 || n->in[4] == ASH_NONE) return true;
    const struct ash_tensor *t = p->graph->values[n->in[4]].data;
    for (int64_t i = 0; t && i < ash_tensor_count(t); i++) {
        if (ash_get_i64(t, i) != 1) return false;
    }
    return t != NULL;
}

/* A view of the same shape is the same value; so is a conversion to the same type, and a
 * permutation that keeps every axis. */
static bool does_nothing(const struct ash_pass *p, const struct ash_node *n) {
    if (!n->op || *n->domain || n->n_in == 0 || n->in[0] == ASH_NONE) return false;
    for (uint32_t k = 1; k < n->n_out; k++) {
        if (n->out[k] != ASH_NONE && p->uses[n->out[k]]) return false;
    }
    const struct ash_type *in = &p->infos[n->in[0]].type, *out = &p->infos[n->out[0]].type;
    if (!strcmp(n->op_type, "Identity")) return true;
    if (!strcmp(n->op_type, "Dropout")) return keeps_all(p, n);
    if (!strcmp(n->op_type, "Cast")) return in->dtype && in->dtype == out->dtype;
    if (!strcmp(n->op_type, "Transpose")) {
        const struct ash_attr *perm = ash_node_attr(n, "perm");
        if (!perm || perm->type != ASH_ATTR_INTS) return in->rank == 0 || in->rank == 1;
        for (size_t i = 0; i < perm->count; i++) {
            if (perm->v.ints[i] != (int64_t)i) return false;
        }
        return true;
    }
    if (!strcmp(n->op_type, "Slice")) return walks_forward(p, n) && same_shape(in, out);
    bool keeps = (n->op->flags & ASH_OP_VIEW) || !strcmp(n->op_type, "Expand");
    return keeps && same_shape(in, out);
}

static bool is_output(const struct ash_graph *g, uint32_t v) {
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i] == v) return true;
    }
    return false;
}

int ash_pass_identity(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t to = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct ash_node *n = g->nodes[i];
        bool drop = does_nothing(p, n);
        /* An output stays a value of its own when its source is an input, a constant or another
         * output: the copy has to be made somewhere. */
        if (drop && is_output(g, n->out[0]))
            drop = ash_pass_producer(p, n->in[0]) != NULL && !is_output(g, n->in[0]);
        if (!drop) {
            g->nodes[to++] = n;
            continue;
        }
        ash_pass_replace(p, n->out[0], n->in[0]);
    }
    g->n_nodes = to;
    return ASHORE_OK;
}
