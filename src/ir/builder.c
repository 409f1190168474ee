/* Bodies of operators, built as graphs of ai.onnx operators. */
#include "ir/op.h"

#include <string.h>

ASH_ABSENT_WITHOUT(ash_body, "+body");

uint32_t ash_build_in(const struct ash_builder *b, int i) {
    if ((uint32_t)i >= b->node->n_in || b->node->in[i] == ASH_NONE) return ASH_NONE;
    uint32_t at = 0; /* graph inputs are the node's inputs that are there */
    for (int k = 0; k < i; k++) at += b->node->in[k] != ASH_NONE;
    return b->graph->inputs[at];
}

int ash_build_rank(struct ash_builder *b, int i) {
    int rank = b->in && b->in[i] ? b->in[i]->type.rank : -1;
    if (rank < 0 && b->rc == ASHORE_OK) b->rc = ASHORE_NEEDS_DATA;
    return rank;
}

static struct ash_node *last(struct ash_builder *b) {
    return b->graph->nodes[b->graph->n_nodes - 1];
}

void ash_build_node(struct ash_builder *b, const char *domain, const char *op, int opset,
                    const uint32_t *in, uint32_t n_in, uint32_t *out, uint32_t n_out) {
    struct ash_node *node;
    if (b->rc == ASHORE_OK)
        b->rc = ash_graph_add_node(b->graph, domain, op, opset, n_in, n_out, &node, b->err);
    for (uint32_t i = 0; i < n_out; i++) {
        out[i] = ASH_NONE;
        if (b->rc == ASHORE_OK) b->rc = ash_graph_add_value(b->graph, "", &out[i], b->err);
    }
    if (b->rc != ASHORE_OK) return;
    node->name = b->node->name;
    for (uint32_t i = 0; i < n_in; i++) node->in[i] = in[i];
    for (uint32_t i = 0; i < n_out; i++) node->out[i] = out[i];
    node->id = b->node->id;
}

uint32_t ash_build(struct ash_builder *b, const char *op, uint32_t x, uint32_t y, uint32_t z) {
    uint32_t in[3] = {x, y, z}, n = 3, out;
    while (n && in[n - 1] == ASH_NONE) n--;
    ash_build_node(b, "", op, ASH_OPSET_NEWEST, in, n, &out, 1);
    return out;
}

uint32_t ash_build_one(struct ash_builder *b, const char *op, uint32_t x) {
    return ash_build(b, op, x, ASH_NONE, ASH_NONE);
}

uint32_t ash_build_two(struct ash_builder *b, const char *op, uint32_t x, uint32_t y) {
    return ash_build(b, op, x, y, ASH_NONE);
}

static void set(struct ash_builder *b, const struct ash_attr *a) {
    if (b->rc == ASHORE_OK) b->rc = ash_node_set_attr(b->graph, last(b), a, b->err);
}

void ash_build_attr_float(struct ash_builder *b, const char *name, float v) {
    set(b, &(struct ash_attr){.name = name, .type = ASH_ATTR_FLOAT, .v.f = v});
}

void ash_build_attr_int(struct ash_builder *b, const char *name, int64_t v) {
    set(b, &(struct ash_attr){.name = name, .type = ASH_ATTR_INT, .v.i = v});
}

void ash_build_attr_ints(struct ash_builder *b, const char *name, const int64_t *v, size_t n) {
    int64_t *copy = ash_arena_array(b->graph->arena, n, sizeof *copy);
    if (!copy && b->rc == ASHORE_OK) b->rc = ash_fail_nomem(b->err, n * sizeof *copy);
    if (b->rc != ASHORE_OK) return;
    memcpy(copy, v, n * sizeof *copy);
    set(b, &(struct ash_attr){.name = name, .type = ASH_ATTR_INTS, .count = n, .v.ints = copy});
}

void ash_build_attr_text(struct ash_builder *b, const char *name, const char *v) {
    set(b, &(struct ash_attr){.name = name, .type = ASH_ATTR_STRING, .v.s = {v, strlen(v)}});
}

void ash_build_attr_copy(struct ash_builder *b, const char *name) {
    const struct ash_attr *a = ash_node_attr(b->node, name);
    if (a) set(b, a);
}

static uint32_t constant(struct ash_builder *b, int dtype, int rank, const int64_t *dim,
                         const void *v) {
    uint32_t id = ASH_NONE;
    struct ash_tensor *t;
    if (b->rc == ASHORE_OK)
        b->rc = ash_graph_add_const(b->graph, "", dtype, rank, dim, &id, &t, b->err);
    size_t bytes = b->rc == ASHORE_OK ? ash_tensor_bytes(t) : 0;
    if (bytes) memcpy(t->data, v, bytes);
    return id;
}

uint32_t ash_build_f32(struct ash_builder *b, float v) {
    return constant(b, ASHORE_FLOAT32, 0, NULL, &v);
}

uint32_t ash_build_f32s(struct ash_builder *b, const float *v, int rank, const int64_t *dim) {
    return constant(b, ASHORE_FLOAT32, rank, dim, v);
}

uint32_t ash_build_i64(struct ash_builder *b, const int64_t *v, size_t n) {
    return constant(b, ASHORE_INT64, 1, (int64_t[]){(int64_t)n}, v);
}

uint32_t ash_build_texts(struct ash_builder *b, const struct ash_text *v, size_t n) {
    struct ash_arena *arena = b->graph->arena;
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total = ash_size_add(total, v[i].length);
    struct ash_str *to = ash_arena_array(arena, n, sizeof *to);
    char *chars = ash_arena_alloc(arena, total ? total : 1);
    if (b->rc == ASHORE_OK && (!to || !chars)) b->rc = ash_fail_nomem(b->err, total);
    if (b->rc != ASHORE_OK) return ASH_NONE;
    for (size_t i = 0; i < n; i++) {
        if (v[i].length) memcpy(chars + at, v[i].data, v[i].length);
        to[i] = (struct ash_str){(uint32_t)at, (uint32_t)v[i].length};
        at += v[i].length;
    }
    uint32_t id = constant(b, ASHORE_STRING, 1, (int64_t[]){(int64_t)n}, to);
    if (b->rc == ASHORE_OK)
        ((struct ash_tensor *)(uintptr_t)b->graph->values[id].data)->chars = chars;
    return id;
}

void ash_build_out(struct ash_builder *b, int o, uint32_t v) {
    if (b->rc == ASHORE_OK) b->graph->outputs[o] = v;
}

int ash_body(const struct ash_node *node, struct ash_arena *arena, struct ash_symtab *syms,
             const struct ash_info *const *in, struct ash_graph **graph, struct ashore_error *err) {
    struct ash_graph *g;
    ASH_TRY(ash_graph_create(arena, syms, node->name, &g, err));
    g->inputs = ash_arena_array(arena, node->n_in, sizeof *g->inputs);
    g->outputs = ash_arena_array(arena, node->n_out, sizeof *g->outputs);
    if (!g->inputs || !g->outputs) return ash_fail_nomem(err, sizeof *g->inputs);
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == ASH_NONE) continue;
        ASH_TRY(ash_graph_add_value(g, "", &g->inputs[g->n_inputs++], err));
    }
    g->n_outputs = node->n_out;
    for (uint32_t i = 0; i < node->n_out; i++) g->outputs[i] = ASH_NONE;
    struct ash_builder b = {.graph = g, .node = node, .attrs = node->attrs, .in = in, .err = err};
    int rc = node->op->body(&b);
    if (rc == ASHORE_OK) rc = b.rc;
    if (rc == ASHORE_OK) rc = ash_graph_resolve(g, err);
    *graph = g;
    return rc;
}
