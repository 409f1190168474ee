/* The driver of the rewrites, and what they share. */
#include "opt/passes.h"

#include "ops/convert.h"
#include "ops/widen.h"

#include <math.h>
#include <string.h>

enum { ROUNDS_MAX = 16, DEPTH_MAX = 64, FOLD_BYTES = 1 << 20 };

static ash_pass_fn *const passes[] = {
#define ROW(name) name,
    ASH_PASS_LIST(ROW)
#undef ROW
};

/* Uses, producers and facts of the graph as it is now. */
static int look(struct ash_opt *o, struct ash_graph *g, const struct ash_info *in,
                struct ash_pass *p) {
    ash_arena_deinit(&o->scratch);
    struct ash_inference f = {.arena = &o->scratch,
                              .heap = o->heap,
                              .syms = g->syms,
                              .fold_limit = FOLD_BYTES,
                              .err = o->err};
    struct ash_info *out = ash_arena_array(&o->scratch, g->n_outputs, sizeof *out), *infos;
    *p = (struct ash_pass){.graph = g,
                           .arena = o->arena,
                           .scratch = &o->scratch,
                           .raws = &o->raws,
                           .err = o->err,
                           .infos_n = g->n_values};
    p->uses = ash_arena_array(&o->scratch, g->n_values, sizeof *p->uses);
    p->producer = ash_arena_array(&o->scratch, g->n_values, sizeof *p->producer);
    if (!out || !p->uses || !p->producer) return ash_fail_nomem(o->err, g->n_values * 8);
    ash_graph_drop_dead(g, p->uses);
    ash_raws_deinit(&o->raws);
    if (o->give) ASH_TRY(ash_raws_init(&o->raws, o->graph, o->err));
    ASH_TRY(ash_infer_graph(&f, g, in, out, &infos));
    p->infos = infos;
    ash_graph_uses(g, p->uses);
    for (uint32_t i = 0; i < g->n_values; i++) p->producer[i] = ASH_NONE;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (uint32_t k = 0; k < g->nodes[i]->n_out; k++) {
            if (g->nodes[i]->out[k] != ASH_NONE) p->producer[g->nodes[i]->out[k]] = i;
        }
    }
    return ASHORE_OK;
}

/* A type in the graph's own memory. */
static int keep_type(struct ash_opt *o, const struct ash_type *from, struct ash_type *to) {
    *to = *from;
    if (!from->elem || !ash_arena_owns(&o->scratch, from->elem)) return ASHORE_OK;
    struct ash_type *elem = ash_arena_alloc(o->arena, sizeof *elem);
    if (!elem) return ash_fail_nomem(o->err, sizeof *elem);
    to->elem = elem;
    return keep_type(o, from->elem, elem);
}

static int keep_types(struct ash_opt *o, const struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct ash_type *t = &p->infos[i].type;
        bool known = t->kind != ASHORE_TENSOR || t->dtype != 0;
        bool better = t->kind != ASHORE_TENSOR || t->rank >= 0 || g->values[i].type.rank < 0;
        /* Where they are of two kinds, an optional has been merged with what it holds. */
        bool declared = g->values[i].type.kind != ASHORE_TENSOR;
        if (declared && t->kind != g->values[i].type.kind) continue;
        if (known && better && !g->values[i].data) ASH_TRY(keep_type(o, t, &g->values[i].type));
    }
    return ASHORE_OK;
}

static int optimize(struct ash_opt *o, struct ash_graph *g, const struct ash_info *in, int depth);

/* Formal inputs are what the file declares, extents by name left open since they may differ from
 * call to call; captured ones are what has been found outside. */
static int optimize_subs(struct ash_opt *o, const struct ash_graph *g, const struct ash_node *node,
                         int depth) {
    for (uint32_t k = 0; k < node->n_sub; k++) {
        const struct ash_sub *sub = &node->sub[k];
        struct ash_info *in = ash_arena_array(o->arena, sub->graph->n_inputs, sizeof *in);
        if (!in) return ash_fail_nomem(o->err, sizeof *in);
        for (uint32_t i = 0; i < sub->graph->n_inputs; i++) {
            bool formal = i < sub->formal;
            in[i].type = formal ? sub->graph->values[sub->graph->inputs[i]].type
                                : g->values[node->in[sub->first_capture + i - sub->formal]].type;
            for (int d = 0; formal && d < in[i].type.rank; d++) {
                if (in[i].type.dim[d].kind == ASH_DIM_SYMBOLIC)
                    in[i].type.dim[d] = ash_dim_unknown();
            }
        }
        int rc = optimize(o, sub->graph, in, depth + 1);
        /* A branch that does not fit is no error until it is taken. */
        bool optional = node->op && node->op->choose && rc != ASHORE_ERR_NOMEM;
        if (rc < 0 && !optional) return rc;
    }
    return ASHORE_OK;
}

static int optimize(struct ash_opt *o, struct ash_graph *g, const struct ash_info *in, int depth) {
    struct ash_pass p;
    ASH_FAIL_IF(depth > DEPTH_MAX, o->err, LIMIT, "subgraphs nest deeper than %d", DEPTH_MAX);
    ASH_TRY(look(o, g, in, &p));
    bool again = o->rewrite != 0;
    for (int round = 0; again && round < ROUNDS_MAX; round++) {
        again = false;
        for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
            p.changed = false;
            ASH_TRY(passes[i](&p));
            if (!p.changed) continue;
            again = true;
            ASH_TRY(look(o, g, in, &p));
        }
    }
    ASH_TRY(keep_types(o, &p));
    for (uint32_t i = 0; i < g->n_nodes; i++) ASH_TRY(optimize_subs(o, g, g->nodes[i], depth));
    return ASHORE_OK;
}

int ash_opt_run(struct ash_opt *o) {
    struct ash_graph *g = o->graph;
    struct ash_info *in = ash_arena_array(o->arena, g->n_inputs, sizeof *in);
    if (!in) return ash_fail_nomem(o->err, g->n_inputs * sizeof *in);
    for (uint32_t i = 0; i < g->n_inputs; i++) in[i].type = g->values[g->inputs[i]].type;
    ash_arena_init(&o->scratch, o->heap);
    o->raws = (struct ash_raws){.heap = o->heap, .give = o->give, .user = o->give_user};
    int rc = optimize(o, g, in, 0);
    ash_raws_deinit(&o->raws);
    ash_arena_deinit(&o->scratch);
    return rc;
}

void ash_pass_drop(struct ash_pass *p, uint32_t v) {
    struct ash_valuedef *value = &p->graph->values[v];
    if (v >= p->infos_n || !value->data || p->uses[v] == 0 || --p->uses[v] != 0) return;
    struct ash_raw *r = ash_raws_find(p->raws, value->data);
    if (!r || r->refs != 1) return;
    ash_raws_give(p->raws, r, ASH_GIVE_UNUSED);
    if (r->away) value->data = NULL;
}

struct ash_node *ash_pass_producer(const struct ash_pass *p, uint32_t v) {
    if (v == ASH_NONE || v >= p->infos_n || p->producer[v] == ASH_NONE) return NULL;
    return p->graph->nodes[p->producer[v]];
}

struct ash_node *ash_pass_single_use(const struct ash_pass *p, uint32_t v) {
    const struct ash_graph *g = p->graph;
    if (v == ASH_NONE || v >= p->infos_n || p->uses[v] != 1) return NULL;
    for (uint32_t i = p->producer[v] == ASH_NONE ? 0 : p->producer[v]; i < g->n_nodes; i++) {
        for (uint32_t k = 0; k < g->nodes[i]->n_in; k++) {
            if (g->nodes[i]->in[k] == v) return g->nodes[i];
        }
    }
    return NULL;
}

void ash_pass_replace(struct ash_pass *p, uint32_t from, uint32_t to) {
    struct ash_graph *g = p->graph;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (uint32_t k = 0; k < g->nodes[i]->n_in; k++) {
            if (g->nodes[i]->in[k] == from) g->nodes[i]->in[k] = to;
        }
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i] == from) g->outputs[i] = to;
    }
    p->changed = true;
}

bool ash_pass_runs_f32(int dtype) { return dtype == ASHORE_FLOAT32 || ash_is_half(dtype); }

bool ash_pass_holds(int dtype, double x) {
    double back;
    char bytes[sizeof back];
    ash_store_f64(dtype, &x, 1, bytes);
    ash_load_f64(dtype, bytes, 1, &back);
    return isfinite(back) && fabs(back - x) <= fabs(x) / 256;
}

const struct ash_tensor *ash_pass_f32(const struct ash_pass *p, uint32_t v) {
    const struct ash_tensor *t = v == ASH_NONE ? NULL : p->graph->values[v].data;
    if (!t || !ash_pass_runs_f32(t->dtype)) return NULL;
    if (t->dtype == ASHORE_FLOAT32) return t;
    struct ash_tensor *wide = ash_arena_alloc(p->scratch, sizeof *wide);
    size_t bytes = ash_size_mul((size_t)ash_tensor_count(t), sizeof(float));
    void *data = ash_arena_raw(p->scratch, bytes);
    if (!wide || !data) return NULL;
    ash_half_widen(t, data);
    *wide = *t;
    wide->dtype = ASHORE_FLOAT32;
    wide->data = data;
    return wide;
}

bool ash_pass_per_channel(const struct ash_tensor *t, int rank, size_t C, bool *one) {
    *one = ash_tensor_count(t) == 1 && t->rank <= rank;
    if (*one) return true;
    if ((size_t)ash_tensor_count(t) != C || t->rank < rank - 1 || t->rank > rank) return false;
    return (size_t)t->dim[t->rank - rank + 1] == C;
}

void ash_pass_take_over(struct ash_pass *p, struct ash_node *node, struct ash_node *next) {
    uint32_t out = next->out[0];
    p->producer[out] = p->producer[node->out[0]];
    p->uses[node->out[0]] = 0;
    node->out[0] = out;
    next->n_in = next->n_out = 0; /* without results it is dropped */
    p->changed = true;
}

int ash_pass_insert(struct ash_pass *p, uint32_t at, const char *domain, const char *op, int opset,
                    uint32_t n_in, struct ash_node **node) {
    struct ash_graph *g = p->graph;
    ASH_TRY(ash_graph_add_node(g, domain, op, opset, n_in, 1, node, p->err));
    memmove(g->nodes + at + 1, g->nodes + at, (g->n_nodes - 1 - at) * sizeof *g->nodes);
    g->nodes[at] = *node;
    p->changed = true;
    return ASHORE_OK;
}

int ash_pass_node(struct ash_pass *p, const char *op, uint32_t n_in, struct ash_node **node) {
    struct ash_graph *g = p->graph;
    uint32_t before = g->n_nodes;
    ASH_TRY(ash_graph_add_node(g, "", op, ASH_OPSET_NEWEST, n_in, 1, node, p->err));
    g->n_nodes = before; /* it goes to the list instead */
    return ash_graph_add_value(g, "", &(*node)->out[0], p->err);
}

int64_t ash_pass_int(const struct ash_node *n, const char *name, int64_t fallback) {
    const struct ash_attr *a = ash_node_attr(n, name);
    return a && a->type == ASH_ATTR_INT ? a->v.i : fallback;
}

int ash_pass_splice(struct ash_pass *p, const struct ash_node *node, const struct ash_graph *from,
                    const uint32_t *in, struct ash_node **list, uint32_t *n) {
    struct ash_graph *g = p->graph;
    uint32_t *map = ash_arena_array(p->scratch, from->n_values, sizeof *map);
    if (!map) return ash_fail_nomem(p->err, from->n_values * sizeof *map);
    for (uint32_t i = 0; i < from->n_values; i++) map[i] = ASH_NONE;
    for (uint32_t i = 0; i < from->n_inputs; i++) map[from->inputs[i]] = in[i];
    for (uint32_t i = 0; i < from->n_values; i++) {
        if (map[i] != ASH_NONE) continue;
        ASH_TRY(ash_graph_add_value(g, from->values[i].name, &map[i], p->err));
        g->values[map[i]] = from->values[i];
    }
    for (uint32_t i = 0; i < from->n_nodes; i++) {
        struct ash_node *m = from->nodes[i];
        for (uint32_t k = 0; k < m->n_in; k++) {
            if (m->in[k] != ASH_NONE) m->in[k] = map[m->in[k]];
        }
        for (uint32_t k = 0; k < m->n_out; k++) {
            if (m->out[k] != ASH_NONE) m->out[k] = map[m->out[k]];
        }
        list[(*n)++] = m;
    }
    for (uint32_t i = 0; i < from->n_outputs && i < node->n_out; i++) {
        if (node->out[i] != ASH_NONE && from->outputs[i] != ASH_NONE)
            ash_pass_replace(p, node->out[i], map[from->outputs[i]]);
    }
    return ASHORE_OK;
}
