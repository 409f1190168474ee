/* Constants: what inference has computed becomes a constant of the graph; an If whose condition is
 * known becomes its branch. */
#include "opt/passes.h"

#include <string.h>

static bool all_known(const struct ash_pass *p, const struct ash_node *n) {
    for (uint32_t k = 0; k < n->n_out; k++) {
        if (n->out[k] != ASH_NONE && !p->infos[n->out[k]].data) return false;
    }
    return n->n_out > 0;
}

/* A constant in the graph's own memory, unless its data is there already. */
static int keep(struct ash_pass *p, const struct ash_info *info, struct ash_valuedef *v) {
    struct ash_tensor *t = ash_arena_alloc(p->arena, sizeof *t);
    if (!t) return ash_fail_nomem(p->err, sizeof *t);
    *t = *info->data;
    size_t bytes = ash_tensor_bytes(t);
    if (ash_arena_owns(p->scratch, t->data)) {
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

int ash_pass_fold(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    uint32_t to = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct ash_node *n = g->nodes[i];
        if (!all_known(p, n)) {
            g->nodes[to++] = n;
            continue;
        }
        for (uint32_t k = 0; k < n->n_out; k++) {
            if (n->out[k] != ASH_NONE)
                ASH_TRY(keep(p, &p->infos[n->out[k]], &g->values[n->out[k]]));
        }
        p->changed = true;
    }
    g->n_nodes = to;
    return inline_branches(p);
}
