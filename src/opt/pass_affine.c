/* In networks that run channels-last, Mul and Add by one constant for each channel become one
 * operator, with the activation behind them: normalisations before a convolution.  Two in a row
 * become one. */
#include "opt/passes.h"

#include "ops/act_attrs.h"
#include "ops/convert.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_affine, "ashore:Affine");

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->op && !*n->domain && n->opset >= 7 && n->n_formal == 2 && n->n_out == 1 &&
           !strcmp(n->op_type, op);
}

/* Which input of n is a constant with one element for each of the last dimension of the other, of
 * the same type; 2: none. */
static uint32_t vector_side(const struct ash_pass *p, const struct ash_node *n) {
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t x = n->in[1 - side];
        const struct ash_tensor *t = p->graph->values[n->in[side]].data;
        if (!t || x >= p->infos_n || p->graph->values[x].data) continue;
        const struct ash_type *type = &p->infos[x].type;
        int last = type->rank - 1;
        if (last < 2 || t->dtype != type->dtype || !ash_pass_runs_f32(t->dtype)) continue;
        if (t->rank < 1 || t->rank > type->rank) continue;
        int64_t C = t->dim[t->rank - 1];
        if (ash_tensor_count(t) == C && ash_dim_is(type->dim[last], C)) return side;
    }
    return 2;
}

static int take_act(struct ash_pass *p, struct ash_node *affine) {
    const struct ash_tensor *data[3] = {NULL, NULL, NULL};
    struct ash_act_f32 act;
    struct ash_node *next = ash_pass_single_use(p, affine->out[0]);
    if (!next || next->in[0] != affine->out[0] || next->n_formal > 3 || next->n_out != 1)
        return ASHORE_OK;
    for (uint32_t i = 0; i < next->n_formal; i++) {
        if (next->in[i] != ASH_NONE) data[i] = p->graph->values[next->in[i]].data;
    }
    if (!ash_act_from_node(next, data, &act)) return ASHORE_OK;
    ASH_TRY(ash_act_set(p->graph, affine, act, p->err));
    ash_pass_take_over(p, affine, next);
    return ASHORE_OK;
}

/* Pages do without: where they have Affine, its bits are those of an engine without it. */
#if !defined(__wasm__)
static bool has_act(const struct ash_node *n) {
    const struct ash_attr *a = ash_node_attr(n, "act");
    return a && a->v.i != ASH_ACT_NONE;
}

/* What `affine` reads is another one's result, and nothing else reads that: (x * s + t) * u + v is
 * x * (s * u) + (t * u + v). */
static int merge(struct ash_pass *p, struct ash_node *affine) {
    struct ash_node *first = ash_pass_producer(p, affine->in[0]);
    if (!first || strcmp(first->op_type, "Affine") != 0 || has_act(first) ||
        p->uses[affine->in[0]] != 1)
        return ASHORE_OK;
    const struct ash_tensor *v[4], *like = p->graph->values[affine->in[1]].data;
    struct ash_tensor *scale, *shift;
    uint32_t id[2];
    for (int i = 0; i < 4; i++) {
        v[i] = ash_pass_f32(p, (i < 2 ? first : affine)->in[1 + i % 2]);
        if (!v[i]) return ASHORE_OK;
    }
    ASH_TRY(ash_graph_add_const(p->graph, "", like->dtype, like->rank, like->dim, &id[0], &scale,
                                p->err));
    ASH_TRY(ash_graph_add_const(p->graph, "", like->dtype, like->rank, like->dim, &id[1], &shift,
                                p->err));
    for (int64_t c = 0; c < ash_tensor_count(like); c++) {
        double x[4], factor, rest;
        for (int i = 0; i < 4; i++) x[i] = (double)((const float *)v[i]->data)[c];
        factor = x[0] * x[2];
        rest = x[1] * x[2] + x[3];
        if (!ash_pass_holds(like->dtype, factor) || !ash_pass_holds(like->dtype, rest))
            return ASHORE_OK;
        ash_store_f64(like->dtype, &factor, 1, ash_at(scale, c));
        ash_store_f64(like->dtype, &rest, 1, ash_at(shift, c));
    }
    affine->in[0] = first->in[0];
    affine->in[1] = id[0];
    affine->in[2] = id[1];
    first->n_in = first->n_out = 0; /* without results it is dropped */
    return ASHORE_OK;
}
#else
static int merge(struct ash_pass *p, struct ash_node *affine) {
    (void)p, (void)affine;
    return ASHORE_OK;
}
#endif

static int join(struct ash_pass *p, struct ash_node *mul) {
    if (!is_op(mul, "Mul")) return ASHORE_OK;
    struct ash_node *add = ash_pass_single_use(p, mul->out[0]);
    uint32_t scale = vector_side(p, mul), shift = is_op(add, "Add") ? vector_side(p, add) : 2;
    if (scale == 2 || shift == 2) return ASHORE_OK;
    uint32_t *in = ash_arena_array(p->arena, 3, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, 3 * sizeof *in);
    in[0] = mul->in[1 - scale];
    in[1] = mul->in[scale];
    in[2] = add->in[shift];
    mul->in = in;
    mul->n_in = mul->n_formal = 3;
    mul->op_type = "Affine";
    mul->domain = ASH_INTERNAL;
    mul->opset = 1;
    mul->raw = NULL;
    mul->n_raw = 0;
    ash_pass_take_over(p, mul, add);
    ASH_TRY(merge(p, mul));
    ASH_TRY(take_act(p, mul));
    return ash_node_resolve(p->graph, mul, p->err);
}

int ash_pass_affine(struct ash_pass *p) {
    bool convolves = false;
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        const struct ash_node *n = p->graph->nodes[i];
        convolves = convolves || (!strcmp(n->op_type, "Conv") && !strcmp(n->domain, ASH_INTERNAL));
    }
    for (uint32_t i = 0; convolves && i < p->graph->n_nodes; i++)
        ASH_TRY(join(p, p->graph->nodes[i]));
    return ASHORE_OK;
}
