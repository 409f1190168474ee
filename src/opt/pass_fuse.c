/* Channels-last convolutions and matrix products take in what follows them: an activation, or the
 * sum with a value of the same shape and then an activation. */
#include "opt/passes.h"

#include "ops/act_attrs.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_fuse, "Conv|ConvTranspose|MatMul");
ASH_MAKES("ashore:MatMul", "MatMul");

static bool is_conv(const struct ash_node *n) {
    return !strcmp(n->domain, ASH_INTERNAL) &&
           (!strcmp(n->op_type, "Conv") || !strcmp(n->op_type, "ConvTranspose"));
}

/* A product of matrices that runs in float32, ONNX's or an internal one that it becomes. */
static bool is_product(const struct ash_pass *p, const struct ash_node *n) {
    if (!n->op || (strcmp(n->op_type, "MatMul") != 0 && strcmp(n->op_type, "ByteMatMul") != 0) ||
        (*n->domain && strcmp(n->domain, ASH_INTERNAL) != 0))
        return false;
    const struct ash_type *b = &p->infos[n->in[1]].type, *y = &p->infos[n->out[0]].type;
    return ash_pass_runs_f32(y->dtype) && y->rank >= 1 && b->rank >= 2;
}

static bool has_act(const struct ash_node *n) {
    const struct ash_attr *a = ash_node_attr(n, "act");
    return a && a->v.i != ASH_ACT_NONE;
}

/* A function that costs more than the few columns of a narrow product: it is cheaper over what they
 * make together, where vectors are full. */
static bool apart(const struct ash_pass *p, const struct ash_node *conv, enum ash_act act) {
    const struct ash_tensor *w = p->graph->values[conv->in[1]].data;
    bool costly = act == ASH_ACT_SIGMOID || act == ASH_ACT_SILU || act == ASH_ACT_TANH ||
                  act == ASH_ACT_GELU || act == ASH_ACT_GELU_TANH;
    return costly && is_conv(conv) && w && w->dim[strcmp(conv->op_type, "Conv") ? 1 : 0] <= 4;
}

static bool take_act(struct ash_pass *p, struct ash_node *conv, struct ash_node *next, int *rc) {
    const struct ash_tensor *data[3] = {NULL, NULL, NULL};
    struct ash_act_f32 act;
    if (next->in[0] != conv->out[0] || next->n_formal > 3 || next->n_out != 1) return false;
    for (uint32_t i = 0; i < next->n_formal; i++) {
        if (next->in[i] != ASH_NONE) data[i] = p->graph->values[next->in[i]].data;
    }
    if (!ash_act_from_node(next, data, &act) || apart(p, conv, act.kind)) return false;
    *rc = ash_act_set(p->graph, conv, act, p->err);
    if (*rc == ASHORE_OK) ash_pass_take_over(p, conv, next);
    return true;
}

static bool same_type(const struct ash_type *a, const struct ash_type *b) {
    if (a->rank < 0 || a->rank != b->rank || a->dtype != b->dtype) return false;
    for (int i = 0; i < a->rank; i++) {
        if (!ash_dim_same(a->dim[i], b->dim[i])) return false;
    }
    return true;
}

/* Depthwise convolutions have no kernel that adds. */
static bool depthwise(const struct ash_pass *p, const struct ash_node *conv) {
    const struct ash_attr *group = ash_node_attr(conv, "group");
    if (!group || group->v.i <= 1 || conv->in[1] >= p->infos_n) return false;
    const struct ash_type *w = &p->infos[conv->in[1]].type;
    return w->rank > 0 && ash_dim_is(w->dim[0], group->v.i);
}

static bool take_sum(struct ash_pass *p, struct ash_node *conv, struct ash_node *next, int *rc) {
    bool sum = !strcmp(next->op_type, "Add") || !strcmp(next->op_type, "Sum");
    if (!sum || *next->domain || next->n_formal != 2) return false;
    if ((conv->n_formal > 3 && conv->in[3] != ASH_NONE) || has_act(conv)) return false;
    if (is_conv(conv) && depthwise(p, conv)) return false;
    uint32_t other = next->in[next->in[0] == conv->out[0]];
    if (other == conv->out[0] || other >= p->infos_n || conv->out[0] >= p->infos_n) return false;
    /* What is added must be there before the convolution runs. */
    uint32_t made = p->producer[other], here = p->producer[conv->out[0]];
    bool before = made == ASH_NONE || made < here;
    if (!before || p->graph->values[other].data ||
        !same_type(&p->infos[other].type, &p->infos[conv->out[0]].type))
        return false;
    uint32_t count = conv->n_formal > 4 ? conv->n_formal : 4;
    uint32_t *in = ash_arena_array(p->arena, count, sizeof *in);
    if (!in) {
        *rc = ash_fail_nomem(p->err, count * sizeof *in);
        return true;
    }
    for (uint32_t i = 0; i < count; i++) in[i] = i < conv->n_formal ? conv->in[i] : ASH_NONE;
    in[3] = other;
    conv->in = in;
    conv->n_in = conv->n_formal = count;
    conv->label = is_conv(conv) ? "Conv+Add" : "MatMul+Add";
    ash_pass_take_over(p, conv, next);
    return true;
}

int ash_pass_fuse(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        struct ash_node *conv = p->graph->nodes[i];
        bool taken = conv->n_out > 0 && (is_conv(conv) || is_product(p, conv)), any = false;
        while (taken && !has_act(conv)) {
            struct ash_node *next = ash_pass_single_use(p, conv->out[0]);
            int rc = ASHORE_OK;
            taken = next && next->n_out == 1 &&
                    (take_act(p, conv, next, &rc) || take_sum(p, conv, next, &rc));
            ASH_TRY(rc);
            any = any || taken;
        }
        if (!any) continue;
        conv->domain = ASH_INTERNAL;
        conv->opset = 1;
        ASH_TRY(ash_node_resolve(p->graph, conv, p->err));
    }
    return ASHORE_OK;
}
