#include "ops/act_attrs.h"

#include "ops/convert.h"
#include "ops/widen.h"

#include <math.h>
#include <string.h>

ASH_MAKES("HardSigmoid Mul", "HardSwish ashore:Conv|ashore:ConvTranspose|ashore:MatMul");
ASH_MAKES("CastLike", "Clip ashore:Conv|ashore:ConvTranspose|ashore:MatMul");
ASH_MAKES("Sigmoid Mul", "Swish ashore:Conv|ashore:ConvTranspose|ashore:MatMul");
ASH_MAKES("HardSigmoid Mul", "HardSwish ashore:ByteMatMul");
ASH_MAKES("CastLike", "Clip ashore:ByteMatMul");
ASH_MAKES("Sigmoid Mul", "Swish ashore:ByteMatMul");

/* Operators that the activations are, by number, for tools/facts.mjs. */
#define ASH_ACT_NAMES(names) _Static_assert(ASH_ACT_COUNT == 11 && sizeof("" names) > 1, "")
ASH_ACT_NAMES("none Relu Clip HardSwish HardSigmoid Sigmoid Swish Tanh LeakyRelu Gelu Gelu");

int ash_act_parse(const struct ash_parse *c, struct ash_act_f32 *act) {
    int64_t kind;
    ASH_TRY(ash_parse_int(c, "act", ASH_ACT_NONE, &kind));
    ASH_FAIL_IF(kind < 0 || kind >= ASH_ACT_COUNT, c->err, ATTR, "activation %lld",
                (long long)kind);
    act->kind = (enum ash_act)kind;
    ASH_TRY(ash_parse_float(c, "act_a", 0, &act->a));
    return ash_parse_float(c, "act_b", 0, &act->b);
}

static uint32_t unary(struct ash_builder *b, const char *op, uint32_t x) {
    return ash_build_one(b, op, x);
}

static uint32_t hard_sigmoid(struct ash_builder *b, struct ash_act_f32 act, uint32_t x) {
    uint32_t y = unary(b, "HardSigmoid", x);
    ash_build_attr_float(b, "alpha", act.a);
    ash_build_attr_float(b, "beta", act.b);
    return y;
}

/* A constant of the type of x. */
static uint32_t limit(struct ash_builder *b, float v, uint32_t x) {
    uint32_t c = ash_build_f32(b, v);
    bool other = b->in && b->in[0]->type.dtype != ASHORE_FLOAT32;
    return other ? ash_build(b, "CastLike", c, x, ASH_NONE) : c;
}

uint32_t ash_act_build(struct ash_builder *b, struct ash_act_f32 act, uint32_t x) {
    uint32_t y;
    switch (act.kind) {
    case ASH_ACT_RELU:
        return unary(b, "Relu", x);
    case ASH_ACT_SIGMOID:
        return unary(b, "Sigmoid", x);
    case ASH_ACT_TANH:
        return unary(b, "Tanh", x);
    case ASH_ACT_GELU:
        return unary(b, "Gelu", x);
    case ASH_ACT_GELU_TANH:
        y = unary(b, "Gelu", x);
        ash_build_attr_text(b, "approximate", "tanh");
        return y;
    case ASH_ACT_CLIP: {
        uint32_t lo = limit(b, act.a, x), hi = limit(b, act.b, x);
        return ash_build(b, "Clip", x, lo, hi);
    }
    case ASH_ACT_HARDSIGMOID:
        return hard_sigmoid(b, act, x);
    case ASH_ACT_HARDSWISH:
        y = hard_sigmoid(b, act, x);
        return ash_build(b, "Mul", x, y, ASH_NONE);
    case ASH_ACT_SILU:
        y = unary(b, "Sigmoid", x);
        return ash_build(b, "Mul", x, y, ASH_NONE);
    case ASH_ACT_LEAKYRELU:
        y = unary(b, "LeakyRelu", x);
        ash_build_attr_float(b, "alpha", act.a);
        return y;
    default:
        return x;
    }
}

static float attr_float(const struct ash_node *node, const char *name, float fallback) {
    const struct ash_attr *a = ash_node_attr(node, name);
    return a && a->type == ASH_ATTR_FLOAT ? a->v.f : fallback;
}

/* Clip's bound, an attribute before version 11 and a scalar after; infinite when left out. */
static bool clip_bound(const struct ash_node *node, const struct ash_tensor *const *data,
                       uint32_t i, const char *name, float fallback, float *out) {
    *out = fallback;
    if (node->opset < 11) {
        *out = attr_float(node, name, fallback);
        return true;
    }
    if (i >= node->n_formal || node->in[i] == ASH_NONE) return true;
    const struct ash_tensor *t = data[i];
    bool fits = t && (t->dtype == ASHORE_FLOAT32 || ash_is_half(t->dtype));
    if (!fits || ash_tensor_count(t) != 1) return false;
    *out = (float)ash_get_f64(t, 0);
    return true;
}

bool ash_act_from_node(const struct ash_node *node, const struct ash_tensor *const *data,
                       struct ash_act_f32 *act) {
    static const struct {
        const char *op;
        enum ash_act kind;
        float a, b; /* defaults of alpha and beta */
    } rows[] = {
        {"Relu", ASH_ACT_RELU, 0, 0},
        {"Sigmoid", ASH_ACT_SIGMOID, 0, 0},
        {"Tanh", ASH_ACT_TANH, 0, 0},
        {"Clip", ASH_ACT_CLIP, 0, 0},
        {"HardSwish", ASH_ACT_HARDSWISH, 1.0f / 6.0f, 0.5f},
        {"HardSigmoid", ASH_ACT_HARDSIGMOID, 0.2f, 0.5f},
        {"LeakyRelu", ASH_ACT_LEAKYRELU, 0.01f, 0},
    };
    if (*node->domain) return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].op, node->op_type) != 0) continue;
        *act = (struct ash_act_f32){rows[i].kind, rows[i].a, rows[i].b};
        if (act->kind == ASH_ACT_CLIP)
            return clip_bound(node, data, 1, "min", -INFINITY, &act->a) &&
                   clip_bound(node, data, 2, "max", INFINITY, &act->b) && act->a <= act->b;
        if (act->kind == ASH_ACT_HARDSIGMOID || act->kind == ASH_ACT_LEAKYRELU)
            act->a = attr_float(node, "alpha", act->a);
        if (act->kind == ASH_ACT_HARDSIGMOID) act->b = attr_float(node, "beta", act->b);
        return true;
    }
    const struct ash_attr *tanh_form = ash_node_attr(node, "approximate");
    bool gelu = !strcmp(node->op_type, "Gelu");
    bool by_tanh =
        tanh_form && tanh_form->type == ASH_ATTR_STRING && !strcmp(tanh_form->v.s.data, "tanh");
    bool swish = !strcmp(node->op_type, "Swish") && attr_float(node, "alpha", 1.0f) == 1.0f;
    act->kind = !gelu ? ASH_ACT_SILU : by_tanh ? ASH_ACT_GELU_TANH : ASH_ACT_GELU;
    act->a = act->b = 0;
    return gelu || swish;
}

int ash_act_set(struct ash_graph *g, struct ash_node *node, struct ash_act_f32 act,
                struct ashore_error *err) {
    static const char *const label[ASH_ACT_COUNT] = {[ASH_ACT_NONE] = "",
                                                     [ASH_ACT_RELU] = "+Relu",
                                                     [ASH_ACT_CLIP] = "+Clip",
                                                     [ASH_ACT_HARDSWISH] = "+HardSwish",
                                                     [ASH_ACT_HARDSIGMOID] = "+HardSigmoid",
                                                     [ASH_ACT_SIGMOID] = "+Sigmoid",
                                                     [ASH_ACT_SILU] = "+Swish",
                                                     [ASH_ACT_TANH] = "+Tanh",
                                                     [ASH_ACT_LEAKYRELU] = "+LeakyRelu",
                                                     [ASH_ACT_GELU] = "+Gelu",
                                                     [ASH_ACT_GELU_TANH] = "+Gelu"};
    const struct ash_attr kind = {.name = "act", .type = ASH_ATTR_INT, .v.i = act.kind};
    const struct ash_attr a = {.name = "act_a", .type = ASH_ATTR_FLOAT, .v.f = act.a};
    const struct ash_attr b = {.name = "act_b", .type = ASH_ATTR_FLOAT, .v.f = act.b};
    ASH_TRY(ash_node_set_attr(g, node, &kind, err));
    ASH_TRY(ash_node_set_attr(g, node, &a, err));
    ASH_TRY(ash_node_set_attr(g, node, &b, err));
    const char *head = node->label ? node->label : node->op_type;
    size_t n = strlen(head), m = strlen(label[act.kind]);
    char *text = ash_arena_alloc(g->arena, n + m + 1);
    if (!text) return ash_fail_nomem(err, n + m + 1);
    memcpy(text, head, n);
    memcpy(text + n, label[act.kind], m);
    node->label = text;
    return ASHORE_OK;
}
