/* Large constants that rewrites have replaced are given back. */
#include "opt/passes.h"

enum { LARGE = 1 << 16 };

struct live {
    const void **data; /* of large constants that are used */
    size_t n, cap;
    struct ash_opt *opt;
};

static bool large(const struct ash_valuedef *v) {
    return v->data && ash_tensor_bytes(v->data) >= LARGE;
}

/* Constants that a node or an output reads, and those that are only kept by name. */
static int each(struct live *l, struct ash_graph *g,
                void (*visit)(struct live *l, struct ash_valuedef *v, bool used)) {
    uint32_t *uses = ash_arena_array(&l->opt->scratch, g->n_values, sizeof *uses);
    if (!uses) return ash_fail_nomem(l->opt->err, g->n_values * sizeof *uses);
    ash_graph_uses(g, uses);
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (large(&g->values[i])) visit(l, &g->values[i], uses[i] != 0);
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (uint32_t k = 0; k < g->nodes[i]->n_sub; k++)
            ASH_TRY(each(l, g->nodes[i]->sub[k].graph, visit));
    }
    return ASHORE_OK;
}

static void count(struct live *l, struct ash_valuedef *v, bool used) {
    (void)v;
    if (used) l->cap++;
}

static void gather(struct live *l, struct ash_valuedef *v, bool used) {
    if (used) l->data[l->n++] = v->data->data;
}

static void release(struct live *l, struct ash_valuedef *v, bool used) {
    if (used) return;
    for (size_t i = 0; i < l->n; i++) { /* the same data, or a part of it, under another name */
        if ((uintptr_t)l->data[i] - (uintptr_t)v->data->data < ash_tensor_bytes(v->data)) return;
    }
    if (ash_arena_release(l->opt->arena, v->data->data)) v->data = NULL;
}

int ash_opt_release(struct ash_opt *o) {
    struct live l = {.opt = o};
    ASH_TRY(each(&l, o->graph, count));
    l.data = ash_arena_array(&o->scratch, l.cap, sizeof *l.data);
    if (!l.data) return ash_fail_nomem(o->err, l.cap * sizeof *l.data);
    ASH_TRY(each(&l, o->graph, gather));
    return each(&l, o->graph, release);
}
