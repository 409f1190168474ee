#include "ir/graph.h"

#include "base/error.h"
#include "ir/op.h"

#include <stdio.h>
#include <string.h>

/* Doubles an arena array when it is full; the old one stays behind. */
static void *grown(struct ash_arena *arena, void *old, uint32_t n, uint32_t *cap, size_t size) {
    uint32_t more = *cap ? 2 * *cap : 16;
    void *p = ash_arena_array(arena, more, size);
    if (!p) return NULL;
    if (n) memcpy(p, old, n * size);
    *cap = more;
    return p;
}

int ash_graph_create(struct ash_arena *arena, struct ash_symtab *syms, const char *name,
                     struct ash_graph **graph, struct ashore_error *err) {
    struct ash_graph *g = ash_arena_alloc(arena, sizeof *g);
    if (!g) return ash_fail_nomem(err, sizeof *g);
    g->arena = arena;
    g->syms = syms;
    g->name = name;
    *graph = g;
    return ASHORE_OK;
}

int ash_graph_add_value(struct ash_graph *g, const char *name, uint32_t *id,
                        struct ashore_error *err) {
    if (g->n_values == g->cap_values) {
        void *p = grown(g->arena, g->values, g->n_values, &g->cap_values, sizeof *g->values);
        if (!p) return ash_fail_nomem(err, g->cap_values * sizeof *g->values);
        g->values = p;
    }
    struct ash_valuedef *v = &g->values[g->n_values];
    memset(v, 0, sizeof *v);
    v->name = name;
    v->type.rank = -1;
    *id = g->n_values++;
    return ASHORE_OK;
}

int ash_graph_add_node(struct ash_graph *g, const char *domain, const char *op_type, int opset,
                       uint32_t n_in, uint32_t n_out, struct ash_node **node,
                       struct ashore_error *err) {
    if (g->n_nodes == g->cap_nodes) {
        void *p = grown(g->arena, g->nodes, g->n_nodes, &g->cap_nodes, sizeof *g->nodes);
        if (!p) return ash_fail_nomem(err, g->cap_nodes * sizeof *g->nodes);
        g->nodes = p;
    }
    struct ash_node *n = ash_arena_alloc(g->arena, sizeof *n);
    uint32_t *ids = ash_arena_array(g->arena, (size_t)n_in + n_out, sizeof *ids);
    if (!n || !ids) return ash_fail_nomem(err, sizeof *n);
    for (uint32_t i = 0; i < n_in + n_out; i++) ids[i] = ASH_NONE;
    n->name = "";
    n->domain = domain;
    n->op_type = op_type;
    n->opset = opset;
    n->n_in = n->n_formal = n_in;
    n->n_out = n_out;
    n->in = ids;
    n->out = ids + n_in;
    g->nodes[g->n_nodes++] = n;
    *node = n;
    return ASHORE_OK;
}

int ash_graph_add_const(struct ash_graph *g, const char *name, int dtype, int rank,
                        const int64_t *dim, uint32_t *id, struct ash_tensor **tensor,
                        struct ashore_error *err) {
    size_t bytes;
    ASH_TRY(ash_shape_check(dtype, rank, dim, NULL, &bytes, err));
    struct ash_tensor *t = ash_arena_alloc(g->arena, sizeof *t);
    void *data = ash_arena_raw(g->arena, bytes);
    if (!t || !data) return ash_fail_nomem(err, bytes);
    t->dtype = dtype;
    t->rank = rank;
    for (int i = 0; i < rank; i++) t->dim[i] = dim[i];
    t->data = data;
    ASH_TRY(ash_graph_add_value(g, name, id, err));
    g->values[*id].data = t;
    struct ash_type *type = &g->values[*id].type;
    type->dtype = (uint8_t)dtype;
    type->rank = (int8_t)rank;
    for (int i = 0; i < rank; i++) type->dim[i] = ash_dim_exact(dim[i]);
    *tensor = t;
    return ASHORE_OK;
}

const struct ash_attr *ash_node_attr(const struct ash_node *node, const char *name) {
    for (uint32_t i = 0; i < node->n_raw; i++) {
        if (!strcmp(node->raw[i].name, name)) return &node->raw[i];
    }
    return NULL;
}

int ash_node_set_attr(struct ash_graph *g, struct ash_node *node, const struct ash_attr *attr,
                      struct ashore_error *err) {
    struct ash_attr *raw = ash_arena_array(g->arena, (size_t)node->n_raw + 1, sizeof *raw);
    if (!raw) return ash_fail_nomem(err, sizeof *raw);
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->n_raw; i++) {
        if (strcmp(node->raw[i].name, attr->name) != 0) raw[n++] = node->raw[i];
    }
    raw[n++] = *attr;
    node->raw = raw;
    node->n_raw = n;
    return ASHORE_OK;
}

void ash_graph_uses(const struct ash_graph *g, uint32_t *uses) {
    memset(uses, 0, g->n_values * sizeof *uses);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct ash_node *n = g->nodes[i];
        for (uint32_t k = 0; k < n->n_in; k++) {
            if (n->in[k] != ASH_NONE) uses[n->in[k]]++;
        }
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i] != ASH_NONE) uses[g->outputs[i]]++;
    }
}

bool ash_graph_drop_dead(struct ash_graph *g, uint32_t *uses) {
    ash_graph_uses(g, uses);
    uint32_t kept = g->n_nodes;
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        struct ash_node *n = g->nodes[i];
        bool live = false;
        for (uint32_t k = 0; k < n->n_out; k++) {
            if (n->out[k] != ASH_NONE && uses[n->out[k]]) live = true;
        }
        if (live) continue;
        for (uint32_t k = 0; k < n->n_in; k++) {
            if (n->in[k] != ASH_NONE) uses[n->in[k]]--;
        }
        g->nodes[i] = NULL;
        kept--;
    }
    if (kept == g->n_nodes) return false;
    uint32_t to = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i]) g->nodes[to++] = g->nodes[i];
    }
    g->n_nodes = kept;
    return true;
}

static size_t put(char *text, size_t size, size_t at, const char *s) {
    while (*s && at + 1 < size) text[at++] = *s++;
    text[at] = '\0';
    return at;
}

static size_t put_type(const struct ash_symtab *tab, const struct ash_type *type, char *text,
                       size_t size, size_t at, int depth) {
    static const char *const kind[] = {"", "sequence(", "optional(", "map("};
    if (!type || depth > 8) return put(text, size, at, "?");
    if (type->kind != ASHORE_TENSOR) {
        at = put(text, size, at, kind[type->kind & 3]);
        if (type->kind == ASHORE_MAP) {
            at = put(text, size, at, ash_dtype(type->dtype)->name);
            at = put(text, size, at, ",");
        }
        at = put_type(tab, type->elem, text, size, at, depth + 1);
        return put(text, size, at, ")");
    }
    at = put(text, size, at, type->dtype ? ash_dtype(type->dtype)->name : "?");
    if (type->rank < 0) return put(text, size, at, "[...]");
    at = put(text, size, at, "[");
    for (int i = 0; i < type->rank; i++) {
        char dim[96];
        ash_dim_text(tab, type->dim[i], dim, sizeof dim);
        if (i) at = put(text, size, at, ",");
        at = put(text, size, at, dim);
    }
    return put(text, size, at, "]");
}

void ash_type_text(const struct ash_symtab *tab, const struct ash_type *type, char *text,
                   size_t size) {
    put_type(tab, type, text, size, 0, 0);
}
