/* Operators that are defined by others and have no kernel of their own give way to their bodies, so
 * that the rewrites to come see what they are made of.  Those of quantised networks have been asked
 * for before: what pass_quantized.c takes is faster than its body. */
#include "opt/passes.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_expand, "SwiGLU|MeanVarianceNormalization|LpNormalization");
ASH_PASS_NEEDS(ash_pass_expand, "SoftmaxCrossEntropyLoss|com.microsoft:Attention");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:Gelu|com.microsoft:FastGelu");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:BiasGelu|com.microsoft:QuickGelu");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:FusedConv|com.microsoft:FusedGemm");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:FusedMatMul|com.microsoft:TransposeMatMul");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:Trilu|com.microsoft:GridSample");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:Range|com.microsoft:GatherND|com.microsoft:Pad");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:ExpandDims|com.microsoft:Unique");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:SkipLayerNormalization");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:SkipSimplifiedLayerNormalization");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:EmbedLayerNormalization");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:DynamicQuantizeLSTM|com.microsoft:QAttention");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:QEmbedLayerNormalization");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:QLinearConcat|com.microsoft:QLinearSigmoid");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:QLinearLeakyRelu|com.microsoft:QLinearSoftmax");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:QLinearAveragePool|com.microsoft:QLinearWhere");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:QLinearConv|com.microsoft:NhwcMaxPool");
ASH_PASS_NEEDS(ash_pass_expand, "com.microsoft:QLinearGlobalAveragePool");
ASH_PASS_NEEDS(ash_pass_expand, "ai.onnx.ml:Scaler|ai.onnx.ml:Binarizer");

/* Quantised convolutions are not put together of others as long as they may become the internal
 * operator of their name, which has kernels. */
static bool expands(const struct ash_node *n) {
    if (!n->op || !n->op->body || n->op->lower) return false;
    return *n->domain ? strcmp(n->domain, ASH_INTERNAL) != 0
                      : ash_op_find(ASH_INTERNAL, n->op_type, 1) == NULL;
}

/* NULL when too little is known yet. */
static int body_of(struct ash_pass *p, const struct ash_node *n, struct ash_graph **body) {
    const struct ash_info **in = ash_arena_array(p->scratch, n->n_in, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, n->n_in * sizeof *in);
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = n->in[i] == ASH_NONE ? NULL : &p->infos[n->in[i]];
    int rc = ash_body(n, p->arena, p->graph->syms, in, body, p->err);
    if (rc < 0) ash_error_node(p->err, n);
    if (rc == ASHORE_NEEDS_DATA) *body = NULL;
    return rc == ASHORE_NEEDS_DATA ? ASHORE_OK : rc;
}

/* The values that the body's inputs stand for: inputs that are left out have none. */
static int given(struct ash_pass *p, const struct ash_node *n, uint32_t **out) {
    uint32_t count = 0, *v = ash_arena_array(p->scratch, n->n_in, sizeof *v);
    if (!v) return ash_fail_nomem(p->err, n->n_in * sizeof *v);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (n->in[i] != ASH_NONE) v[count++] = n->in[i];
    }
    *out = v;
    return ASHORE_OK;
}

int ash_pass_expand(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t n_old = g->n_nodes, total = g->n_nodes, n = 0;
    struct ash_graph **body = ash_arena_array(p->scratch, n_old, sizeof(struct ash_graph *));
    if (!body) return ash_fail_nomem(p->err, n_old * sizeof *body);
    for (uint32_t i = 0; i < n_old; i++) {
        if (!expands(g->nodes[i])) continue;
        ASH_TRY(body_of(p, g->nodes[i], &body[i]));
        if (body[i]) total += body[i]->n_nodes;
    }
    if (total == n_old) return ASHORE_OK;
    struct ash_node **old = g->nodes, **list = ash_arena_array(p->arena, total, sizeof *list);
    if (!list) return ash_fail_nomem(p->err, total * sizeof *list);
    for (uint32_t i = 0; i < n_old; i++) {
        uint32_t *in = NULL;
        if (!body[i]) {
            list[n++] = old[i];
            continue;
        }
        ASH_TRY(given(p, old[i], &in));
        ASH_TRY(ash_pass_splice(p, old[i], body[i], in, list, &n));
    }
    g->nodes = list;
    g->n_nodes = n;
    g->cap_nodes = total;
    return ASHORE_OK;
}
