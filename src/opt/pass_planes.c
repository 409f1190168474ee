/* A depthwise convolution alone between permutations needs none: it has a kernel over planes. */
#include "opt/layout.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_planes, "Conv");

static bool is_depthwise(const struct ash_pass *p, const struct ash_node *n) {
    const struct ash_attr *group = ash_node_attr(n, "group");
    if (strcmp(n->domain, ASH_INTERNAL) || strcmp(n->op_type, "Conv") || !group) return false;
    if (n->in[0] >= p->infos_n || n->in[1] >= p->infos_n) return false;
    const struct ash_type *x = &p->infos[n->in[0]].type, *w = &p->infos[n->in[1]].type;
    return x->rank >= 3 && w->rank == x->rank && ash_dim_is(x->dim[x->rank - 1], group->v.i) &&
           ash_dim_is(w->dim[0], group->v.i) && (n->n_formal < 4 || n->in[3] == ASH_NONE);
}

int ash_pass_planes(struct ash_pass *p) {
    static const struct ash_attr planes = {.name = "planes", .type = ASH_ATTR_INT, .v.i = 1};
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        struct ash_node *n = p->graph->nodes[i];
        if (n->n_out != 1 || !is_depthwise(p, n) || ash_node_attr(n, planes.name)) continue;
        const struct ash_node *before = ash_pass_producer(p, n->in[0]);
        struct ash_node *after = ash_pass_single_use(p, n->out[0]);
        if (!before || !after || p->uses[n->in[0]] != 1 || !ash_layout_rank(before, false) ||
            !ash_layout_rank(after, true))
            continue;
        n->in[0] = before->in[0];
        ASH_TRY(ash_node_set_attr(p->graph, n, &planes, p->err));
        ash_pass_take_over(p, n, after);
        ASH_TRY(ash_node_resolve(p->graph, n, p->err));
    }
    return ASHORE_OK;
}
