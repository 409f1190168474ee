/* FlexAttention: attention whose scores and probabilities pass through subgraphs.  Its body is the
 * two products with the subgraphs taken in between; without any, float32 is the attention kernel's.
 */
#include "ops/attention_core.h"
#include "ops/elementwise.h"

#include <math.h>
#include <string.h>

ASH_MAKES("Cast Shape Pow Gather Mul Transpose MatMul Softmax", "ai.onnx.preview:FlexAttention");

struct flex_attrs {
    float scale;
    bool has_scale;
    int precision; /* 0: not given */
};

static int flex_parse(const struct ash_parse *c, void *attrs) {
    struct flex_attrs *a = attrs;
    int64_t precision;
    ASH_TRY(ash_parse_float(c, "scale", 0, &a->scale));
    ASH_TRY(ash_parse_int(c, "softmax_precision", 0, &precision));
    ASH_FAIL_IF(
        precision < 0 || precision > 63 || (precision && !ash_dtype_is_float((int)precision)),
        c->err, ATTR, "softmax_precision %lld is no floating-point type", (long long)precision);
    a->precision = (int)precision;
    a->has_scale = ash_node_attr(c->node, "scale") != NULL;
    for (uint32_t k = 0; k < c->node->n_sub; k++) {
        const struct ash_sub *sub = &c->node->sub[k];
        ASH_FAIL_IF(sub->formal != 1 || sub->graph->n_outputs != 1, c->err, FORMAT,
                    "%s must have one input and one output", sub->name);
    }
    return ASHORE_OK;
}

static int flex_infer(struct ash_infer *c) {
    const struct ash_type *q = &c->in[0]->type, *k = &c->in[1]->type, *v = &c->in[2]->type;
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 3, ASH_TAKES_FLOAT, &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    for (int i = 0; i < 3; i++)
        ASH_FAIL_IF(c->in[i]->type.rank >= 0 && c->in[i]->type.rank != 4, c->err, SHAPE,
                    "input %d has rank %d, expected 4", i, c->in[i]->type.rank);
    if (q->rank < 0 || k->rank < 0 || v->rank < 0) return ASHORE_NEEDS_DATA;
    ash_infer_set(c, 0, dtype, 4, (struct ash_dim[]){q->dim[0], q->dim[1], q->dim[2], v->dim[3]});
    struct ash_dim heads = q->dim[1], shared = k->dim[1];
    if (ash_dim_same(heads, shared)) return ASHORE_OK;
    if (heads.kind != ASH_DIM_EXACT || shared.kind != ASH_DIM_EXACT) return ASHORE_NEEDS_DATA;
    ASH_FAIL_IF(shared.value < 1 || heads.value % shared.value, c->err, SHAPE,
                "%lld heads of queries cannot share %lld of keys", (long long)heads.value,
                (long long)shared.value);
    return ASHORE_OK;
}

/* ---- body ---- */

static uint32_t cast(struct ash_builder *b, uint32_t x, int dtype) {
    uint32_t y = ash_build_one(b, "Cast", x);
    ash_build_attr_int(b, "to", dtype);
    return y;
}

/* sqrt(scale), computed in float32. */
static uint32_t root_of_scale(struct ash_builder *b) {
    const struct flex_attrs *a = b->attrs;
    if (a->has_scale) return ash_build_f32(b, sqrtf(a->scale));
    uint32_t n = ash_build(b, "Shape", ash_build_in(b, 0), ASH_NONE, ASH_NONE);
    ash_build_attr_int(b, "start", 3);
    return ash_build(b, "Pow", cast(b, n, ASHORE_FLOAT32), ash_build_f32(b, -0.25f), ASH_NONE);
}

/* Each head of x as often as queries share it. */
static uint32_t repeat(struct ash_builder *b, uint32_t x) {
    const struct ash_dim *q = &b->in[0]->type.dim[1], *k = &b->in[1]->type.dim[1];
    if (ash_dim_same(*q, *k)) return x;
    int64_t *head = ash_arena_array(b->graph->arena, (size_t)q->value, sizeof *head);
    if (!head && b->rc == ASHORE_OK) b->rc = ash_fail_nomem(b->err, sizeof *head);
    if (b->rc != ASHORE_OK) return ASH_NONE;
    for (int64_t h = 0; h < q->value; h++) head[h] = h / (q->value / k->value);
    x = ash_build(b, "Gather", x, ash_build_i64(b, head, (size_t)q->value), ASH_NONE);
    ash_build_attr_int(b, "axis", 1);
    return x;
}

/* A node of the subgraph with the values that its own stand for here. */
static int copy_node(struct ash_builder *b, const struct ash_node *from, const uint32_t *map) {
    struct ash_node *n;
    ASH_TRY(ash_graph_add_node(b->graph, from->domain, from->op_type, from->opset, from->n_in,
                               from->n_out, &n, b->err));
    uint32_t *in = n->in, *out = n->out;
    *n = *from;
    n->in = in;
    n->out = out;
    n->id = b->node->id;
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = from->in[i] == ASH_NONE ? ASH_NONE : map[from->in[i]];
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i] = from->out[i] == ASH_NONE ? ASH_NONE : map[from->out[i]];
    return ASHORE_OK;
}

/* The subgraph called `name` over x, if there is one. */
static int modified(struct ash_builder *b, const char *name, uint32_t *x) {
    const struct ash_sub *sub = NULL;
    for (uint32_t k = 0; k < b->node->n_sub; k++)
        if (!strcmp(b->node->sub[k].name, name)) sub = &b->node->sub[k];
    if (!sub || b->rc != ASHORE_OK) return b->rc;
    const struct ash_graph *g = sub->graph;
    uint32_t *map = ash_arena_array(b->graph->arena, g->n_values, sizeof *map);
    if (!map) return ash_fail_nomem(b->err, g->n_values * sizeof *map);
    for (uint32_t i = 0; i < g->n_values; i++) {
        ASH_TRY(ash_graph_add_value(b->graph, "", &map[i], b->err));
        b->graph->values[map[i]].data = g->values[i].data;
    }
    for (uint32_t i = 0; i < g->n_inputs; i++)
        map[g->inputs[i]] =
            i < sub->formal ? *x : ash_build_in(b, (int)(sub->first_capture + i - sub->formal));
    for (uint32_t i = 0; i < g->n_nodes; i++) ASH_TRY(copy_node(b, g->nodes[i], map));
    *x = map[g->outputs[0]];
    return ASHORE_OK;
}

static int flex_body(struct ash_builder *b) {
    const struct flex_attrs *a = b->attrs;
    uint32_t q = ash_build_in(b, 0), k = repeat(b, ash_build_in(b, 1));
    uint32_t v = repeat(b, ash_build_in(b, 2));
    int type = b->in[0]->type.dtype, compute = a->precision;
    if (!compute) compute = type == ASHORE_FLOAT64 ? type : ASHORE_FLOAT32;
    uint32_t root = cast(b, root_of_scale(b), type);
    q = ash_build(b, "Mul", q, root, ASH_NONE);
    k = ash_build(b, "Mul", k, root, ASH_NONE);
    k = ash_build_one(b, "Transpose", k);
    ash_build_attr_ints(b, "perm", (int64_t[]){0, 1, 3, 2}, 4);
    uint32_t x = cast(b, ash_build(b, "MatMul", q, k, ASH_NONE), compute);
    ASH_TRY(modified(b, "score_mod", &x));
    x = ash_build_one(b, "Softmax", x);
    ash_build_attr_int(b, "axis", -1);
    ASH_TRY(modified(b, "prob_mod", &x));
    x = ash_build(b, "MatMul", x, cast(b, v, compute), ASH_NONE);
    ash_build_out(b, 0, cast(b, x, type));
    return b->rc;
}

/* ---- lowering ---- */

static int describe(const struct flex_attrs *at, const struct ash_tensor *const *in,
                    const struct ash_tensor *out, struct ash_attn *a, struct ashore_error *err) {
    const struct ash_tensor *q = in[0], *k = in[1], *v = in[2];
    *a = (struct ash_attn){.B = q->dim[0], .H = q->dim[1], .S = q->dim[2], .T = k->dim[2]};
    a->D = q->dim[3];
    a->E = v->dim[3];
    a->left = a->right = -1;
    a->scale = at->has_scale ? (double)at->scale : 1 / sqrt((double)a->D);
    bool fits = k->dim[1] > 0 && a->H % k->dim[1] == 0 && v->dim[1] == k->dim[1] &&
                v->dim[2] == a->T && k->dim[3] == a->D && k->dim[0] == a->B && v->dim[0] == a->B;
    ASH_FAIL_IF(!fits, err, SHAPE, "queries, keys and values do not fit");
    a->G = a->H / k->dim[1];
    a->q = ash_attn_side(q, false, a->H, a->S, a->D);
    a->k = ash_attn_side(k, false, k->dim[1], a->T, a->D);
    a->v = ash_attn_side(v, false, k->dim[1], a->T, a->E);
    a->y = ash_attn_side(out, false, a->H, a->S, a->E);
    return ASHORE_OK;
}

static int flex_run(struct ash_run *c) {
    struct ash_attn a;
    ASH_TRY(describe(c->attrs, c->in, c->out[0], &a, c->err));
    ash_attn_run(&a, c->scratch, c->pool);
    return ASHORE_OK;
}

static int flex_lower(struct ash_lower *c) {
    const struct flex_attrs *at = c->attrs;
    struct ash_attn_types t;
    struct ash_attn a;
    ash_attn_types(c, &t);
    ASH_TRY(describe(at, t.in_ptr, t.out_ptr[0], &a, c->err));
    size_t scratch = ash_attn_scratch(&a, c->threads);
    bool plain = c->node->n_sub == 0 && (!at->precision || at->precision == ASHORE_FLOAT32);
    if (!plain || !ash_attn_fits(&a) || scratch == SIZE_MAX) return ASHORE_OK;
    c->run = flex_run;
    c->kernel = ash_attn_kernel();
    c->scratch = scratch;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_flex_attention[];
const struct ash_op ash_ops_flex_attention[] = {
    {.name = "FlexAttention",
     .domain = "ai.onnx.preview",
     .since = 1,
     .in_min = 3,
     .in_max = 3,
     .out_min = 1,
     .out_max = 1,
     .flags = ASH_OP_IMPURE,
     .attrs_size = sizeof(struct flex_attrs),
     .parse = flex_parse,
     .infer = flex_infer,
     .lower = flex_lower,
     .body = flex_body},
    {0},
};
