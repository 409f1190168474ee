/* A convolution of bytes whose float32 results DynamicQuantizeLinear alone reads becomes one
 * operator, which need not hold them. */
#include "opt/passes.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_requantize, "ConvInteger DynamicQuantizeLinear");
ASH_MAKES("ashore:DynamicQLinearConv", "ConvInteger DynamicQuantizeLinear");

enum { IN_C_SCALE = 6, OUTPUTS = 3 };

static bool is_conv(const struct ash_pass *p, const struct ash_node *n) {
    return n->op && n->n_out == 1 && !strcmp(n->domain, ASH_INTERNAL) &&
           !strcmp(n->op_type, "QLinearConv") && p->infos[n->out[0]].type.dtype == ASHORE_FLOAT32 &&
           (n->n_formal <= IN_C_SCALE || n->in[IN_C_SCALE] == ASH_NONE);
}

int ash_pass_requantize(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        struct ash_node *n = p->graph->nodes[i];
        if (!is_conv(p, n)) continue;
        struct ash_node *next = ash_pass_single_use(p, n->out[0]);
        if (!next || !next->op || *next->domain ||
            strcmp(next->op_type, "DynamicQuantizeLinear") != 0)
            continue;
        uint32_t *out = ash_arena_array(p->arena, OUTPUTS, sizeof *out);
        if (!out) return ash_fail_nomem(p->err, OUTPUTS * sizeof *out);
        for (uint32_t k = 0; k < OUTPUTS; k++) out[k] = k < next->n_out ? next->out[k] : ASH_NONE;
        n->out = out;
        n->n_out = next->n_out;
        n->op_type = "DynamicQLinearConv";
        next->n_in = next->n_out = 0; /* without results it is dropped */
        p->changed = true;
        ASH_TRY(ash_node_resolve(p->graph, n, p->err));
    }
    return ASHORE_OK;
}
