/* Constants: what inference has computed becomes a constant of the graph; an If whose condition is
 * known becomes its branch. */
#include "opt/passes.h"

#include <string.h>

ASH_IDLE_WITHOUT(ash_pass_fold, "+rewrites");

static bool all_known(const struct ash_pass *p, const struct ash_node *n) {
    for (uint32_t k = 0; k < n->n_out; k++) {
        if (n->out[k] != ASH_NONE && !p->infos[n->out[k]].data) return false;
    }
    return n->n_out > 0;
}

/* A constant in the graph's own memory, unless its data is there already.  Large ones move as they
 * are: a model's dequantised weights need not be there twice. */
static int keep(struct ash_pass *p, const struct ash_info *info, struct ash_valuedef *v) {
    struct ash_tensor *t = ash_arena_alloc(p->arena, sizeof *t);
    if (!t) return ash_fail_nomem(p->err, sizeof *t);
    *t = *info->data;
    size_t bytes = ash_tensor_bytes(t);
    if (ash_arena_owns(p->scratch, t->data) && !ash_arena_adopt(p->arena, p->scratch, t->data)) {
        t->data = ash_arena_alloc(p->arena, bytes);
        if (!t->data) return ash_fail_nomem(p->err, bytes);
        if (bytes) memcpy(t->data, info->data->data, bytes);
    }
    v->data = t;
    v->type = info->type;
    return ASHORE_OK;
}

static int choice_of(struct ash_pass *p, const struct ash_node *n) {
    const struct ash_info *in[1];
    if (!n->op || !n->op->choose || n->in[0] >= p->infos_n) return -1;
    in[0] = &p->infos[n->in[0]];
    return n->op->choose(in);
}

static int inline_branches(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t total = g->n_nodes, n = 0;
    bool any = false;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        int k = choice_of(p, g->nodes[i]);
        if (k < 0) continue;
        any = true;
        total += g->nodes[i]->sub[k].graph->n_nodes;
    }
    if (!any) return ASHORE_OK;
    struct ash_node **list = ash_arena_array(p->arena, total, sizeof *list);
    if (!list) return ash_fail_nomem(p->err, total * sizeof *list);
    struct ash_node **old = g->nodes;
    uint32_t n_old = g->n_nodes;
    for (uint32_t i = 0; i < n_old; i++) {
        int k = choice_of(p, old[i]);
        if (k < 0)
            list[n++] = old[i];
        else
            ASH_TRY(ash_pass_splice(p, old[i], old[i]->sub[k].graph,
                                    old[i]->in + old[i]->sub[k].first_capture, list, &n));
    }
    g->nodes = list;
    g->n_nodes = n;
    g->cap_nodes = total;
    return ASHORE_OK;
}

/* Constants that only others are made of are not kept. */
int ash_pass_fold(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t to = 0, n_old = g->n_nodes, folded = 0;
    struct ash_node **gone = ash_arena_array(p->scratch, n_old, sizeof(struct ash_node *));
    uint32_t *uses = ash_arena_array(p->scratch, g->n_values, sizeof *uses);
    if (!gone || !uses) return ash_fail_nomem(p->err, n_old * sizeof *gone);
    for (uint32_t i = 0; i < n_old; i++) {
        struct ash_node *n = g->nodes[i];
        if (all_known(p, n))
            gone[folded++] = n;
        else
            g->nodes[to++] = n;
    }
    g->n_nodes = to;
    ash_graph_uses(g, uses);
    for (uint32_t i = 0; i < folded; i++) {
        for (uint32_t k = 0; k < gone[i]->n_out; k++) {
            uint32_t v = gone[i]->out[k];
            if (v != ASH_NONE && uses[v]) ASH_TRY(keep(p, &p->infos[v], &g->values[v]));
        }
    }
    p->changed = p->changed || folded;
    return inline_branches(p);
}
