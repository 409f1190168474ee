/* Weights in bytes that are converted for an operator in floating point, by DequantizeLinear or by
 * Cast: once, when the model is loaded, although the result is larger.  Products then find a
 * constant, and pack it. */
#include "opt/passes.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_weights, "DequantizeLinear|com.microsoft:DequantizeLinear|Cast");

/* The result of n, if all that it reads are constants. */
static int compute(struct ash_pass *p, const struct ash_node *n, const struct ash_tensor **result) {
    struct ash_info in[3], out = {.data = NULL};
    const struct ash_info *given[3] = {NULL, NULL, NULL};
    struct ash_inference f = {
        .arena = p->arena, .syms = p->graph->syms, .fold_limit = SIZE_MAX, .err = p->err};
    *result = NULL;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (n->in[i] == ASH_NONE) continue;
        const struct ash_tensor *t = p->graph->values[n->in[i]].data;
        if (!t) return ASHORE_OK;
        in[i] = ash_info_const(t);
        given[i] = &in[i];
    }
    ASH_TRY(ash_infer_node(&f, n, given, &out));
    *result = out.data;
    return ASHORE_OK;
}

static bool converts(const struct ash_pass *p, const struct ash_node *n) {
    if (!n->op || n->n_out != 1 || !n->n_in || n->n_in > 3 || n->in[0] == ASH_NONE) return false;
    if (!strcmp(n->op_type, "DequantizeLinear")) return true;
    const struct ash_tensor *t = p->graph->values[n->in[0]].data;
    const struct ash_attr *to = ash_node_attr(n, "to");
    return t && to && to->v.i == ASHORE_FLOAT32 && !*n->domain && !strcmp(n->op_type, "Cast") &&
           ash_dtype_size(t->dtype) == 1;
}

int ash_pass_weights(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t to = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct ash_node *n = g->nodes[i];
        const struct ash_tensor *t = NULL;
        if (converts(p, n)) ASH_TRY(compute(p, n, &t));
        if (!t) {
            g->nodes[to++] = n;
            continue;
        }
        g->values[n->out[0]].data = t;
        ash_pass_drop(p, n->in[0]);
        p->changed = true;
    }
    g->n_nodes = to;
    return ASHORE_OK;
}
