/* From nodes to steps. */
#include "plan/plan_build.h"

#include "ops/widen.h"

#include <string.h>

enum { INLINE_DEPTH_MAX = 256, PLAN_DEPTH_MAX = 32 };

int ash_draft_place(struct ash_draft *d, const struct ash_info *info, enum ash_where where,
                    uint32_t *id) {
    struct ash_plan *p = d->plan;
    if (p->n_places == p->cap_places) {
        uint32_t cap = p->cap_places ? 2 * p->cap_places : 64;
        void *grown = ash_resize(p->options.heap, p->places, p->cap_places * sizeof *p->places,
                                 cap * sizeof *p->places);
        if (!grown) return ash_fail_nomem(d->err, cap * sizeof *p->places);
        p->places = grown;
        p->cap_places = cap;
    }
    *id = p->n_places++;
    p->places[*id] =
        (struct ash_place){.info = *info, .where = (uint8_t)where, .segment = p->n_segments};
    return ASHORE_OK;
}

int ash_draft_scope(struct ash_draft *d, const struct ash_graph *g, const struct ash_node *caller,
                    struct ash_walk **out) {
    struct ash_plan *p = d->plan;
    int depth = 0;
    for (const struct ash_walk *s = p->scope; s; s = s->parent) depth++;
    ASH_MISFIT_IF(depth > INLINE_DEPTH_MAX, d->err, LIMIT, "subgraphs nest deeper than %d",
                  INLINE_DEPTH_MAX);
    struct ash_walk *s = ash_arena_alloc(d->arena, sizeof *s);
    uint32_t *map = ash_arena_array(d->arena, g->n_values, sizeof *map);
    if (!s || !map) return ash_fail_nomem(d->err, g->n_values * sizeof *map);
    *s = (struct ash_walk){.graph = g, .map = map, .caller = caller, .parent = p->scope};
    for (uint32_t i = 0; i < g->n_values; i++) {
        map[i] = ASH_NONE;
        if (!g->values[i].data) continue;
        struct ash_info info = ash_info_const(g->values[i].data);
        ASH_TRY(ash_draft_place(d, &info, ASH_AT_CONST, &map[i]));
    }
    *out = s;
    return ASHORE_OK;
}

/* Enters sub k (or, with k < 0, the body `g`) of node in place of the node itself. */
static int inline_graph(struct ash_draft *d, const struct ash_node *node, int k,
                        const struct ash_graph *g) {
    struct ash_walk *outer = d->plan->scope, *s;
    ASH_TRY(ash_draft_scope(d, g, node, &s));
    uint32_t first = 0;
    if (k >= 0) {
        const struct ash_sub *sub = &node->sub[k];
        first = sub->first_capture;
        for (uint32_t i = 0; i < g->n_inputs; i++)
            s->map[g->inputs[i]] = outer->map[node->in[first + i]];
    } else {
        for (uint32_t i = 0; i < node->n_in; i++) {
            if (node->in[i] != ASH_NONE) s->map[g->inputs[first++]] = outer->map[node->in[i]];
        }
    }
    d->plan->scope = s;
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(inline_graph, "+nested|+body");

/* The constant at a place is going to be read. */
static int read_place(struct ash_draft *d, uint32_t place) {
    if (place == ASH_NONE) return ASHORE_OK;
    return ash_plan_read(d->plan, d->arena, &d->plan->places[place].info.data, d->err);
}

int ash_draft_read_outputs(struct ash_draft *d) {
    const struct ash_walk *s = d->plan->scope;
    for (uint32_t i = 0; i < s->graph->n_outputs; i++) {
        uint32_t v = s->graph->outputs[i];
        if (v != ASH_NONE) ASH_TRY(read_place(d, s->map[v]));
    }
    return ASHORE_OK;
}

void ash_draft_pop(struct ash_plan *p) {
    struct ash_walk *s = p->scope;
    p->scope = s->parent;
    for (uint32_t i = 0; i < s->graph->n_outputs; i++) {
        if (s->graph->outputs[i] == ASH_NONE) continue; /* a body's, that nobody wants */
        uint32_t place = s->map[s->graph->outputs[i]];
        if (!s->parent)
            p->outputs[i] = place;
        else if (s->caller->out[i] != ASH_NONE)
            s->parent->map[s->caller->out[i]] = place;
    }
}

int ash_draft_step(struct ash_draft *d, const struct ash_node *node, struct ash_step **out) {
    struct ash_segment *seg = &d->segment;
    if (seg->n_steps == d->cap_steps) {
        uint32_t cap = d->cap_steps ? 2 * d->cap_steps : 32;
        struct ash_step *grown = ash_arena_array(d->arena, cap, sizeof *grown);
        if (!grown) return ash_fail_nomem(d->err, cap * sizeof *grown);
        if (seg->n_steps) memcpy(grown, seg->steps, seg->n_steps * sizeof *grown);
        seg->steps = grown;
        d->cap_steps = cap;
    }
    struct ash_step *s = &seg->steps[seg->n_steps];
    uint32_t *ids = ash_arena_array(d->arena, (size_t)node->n_in + node->n_out, sizeof *ids);
    if (!ids) return ash_fail_nomem(d->err, sizeof *ids);
    *s = (struct ash_step){.node = node,
                           .run = node->op->ref,
                           .params = node->attrs,
                           .kernel = "reference",
                           .n_in = node->n_in,
                           .n_out = node->n_out,
                           .in = ids,
                           .out = ids + node->n_in};
    for (uint32_t i = 0; i < node->n_in + node->n_out; i++) ids[i] = ASH_NONE;
    seg->n_steps++;
    *out = s;
    return ASHORE_OK;
}

/* A numeric tensor whose extents are exact lies in the slab, with a known bound it has room there
 * unless the bound is beyond all memory; everything else is a value of its own. */
static int where_for(const struct ash_info *info, enum ash_where *where, size_t *room,
                     struct ashore_error *err) {
    const struct ash_type *t = &info->type;
    int64_t dim[ASH_MAX_RANK];
    *where = ASH_AT_VALUE;
    if (t->kind != ASHORE_TENSOR || t->rank < 0 || !t->dtype || t->dtype == ASHORE_STRING)
        return ASHORE_OK;
    bool exact = true;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i].kind != ASH_DIM_EXACT && t->dim[i].kind != ASH_DIM_BOUNDED) return ASHORE_OK;
        if (t->dim[i].kind == ASH_DIM_BOUNDED) exact = false;
        dim[i] = t->dim[i].value;
    }
    int rc = ash_shape_check(t->dtype, t->rank, dim, NULL, room, exact ? err : NULL);
    if (rc == ASHORE_OK) *where = ASH_AT_SLAB;
    return exact ? rc : ASHORE_OK;
}

int ash_draft_tensor(struct ash_draft *d, const struct ash_info *info, uint32_t *id) {
    size_t room = 0;
    enum ash_where where;
    ASH_TRY(where_for(info, &where, &room, d->err));
    ASH_TRY(ash_draft_place(d, info, where, id));
    d->plan->places[*id].room = room;
    return ASHORE_OK;
}

static int outputs_new(struct ash_draft *d, const struct ash_node *node, struct ash_info *out,
                       bool wide, struct ash_step *step, bool *known) {
    uint32_t *ids = (uint32_t *)(uintptr_t)step->out;
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == ASH_NONE) continue;
        int dtype = out[i].type.dtype;
        if (wide && ash_is_half(dtype)) out[i].type.dtype = ASHORE_FLOAT32;
        ASH_TRY(ash_draft_tensor(d, &out[i], &ids[i]));
        struct ash_place *place = &d->plan->places[ids[i]];
        place->maker = node;
        if (out[i].type.dtype != dtype) place->narrow = (uint8_t)dtype;
        d->plan->scope->map[node->out[i]] = ids[i];
        bool exact = ash_info_exact(&out[i]) || out[i].type.kind != ASHORE_TENSOR;
        if (!exact) *known = false;
    }
    return ASHORE_OK;
}

int ash_draft_lower(struct ash_draft *d, const struct ash_node *node,
                    const struct ash_info *const *in, const struct ash_info *out,
                    struct ash_wide *wide, struct ash_lower *c) {
    *c = (struct ash_lower){.node = node,
                            .attrs = node->attrs,
                            .n_in = (int)node->n_formal,
                            .n_out = (int)node->n_out,
                            .in = in,
                            .out = out,
                            .arena = d->arena,
                            .wide = wide,
                            .threads = d->plan->options.threads,
                            .plan = d->plan,
                            .err = d->err};
    if (!node->op->lower) return ASHORE_OK;
    if (node->op->control) return node->op->lower(c);
    if (d->plan->options.reference) return ASHORE_OK;
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] != ASH_NONE && !ash_info_exact(&out[i])) return ASHORE_OK;
    }
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (in[i] && !ash_info_exact(in[i])) return ASHORE_OK;
    }
    return node->op->lower(c);
}

/* Plans for the subs whose inputs are known now.  The others are planned when they are called, and
 * so is one that fails here: a branch that is never taken may not fit. */
static ASH_APART int plan_subs(struct ash_draft *d, const struct ash_node *node,
                               struct ash_step *step, struct ash_info *const *formal) {
    ASH_FAIL_IF(d->plan->options.depth >= PLAN_DEPTH_MAX, d->err, LIMIT,
                "subgraphs nest deeper than %d", PLAN_DEPTH_MAX);
    step->subs = ash_arena_array(d->arena, node->n_sub, sizeof(struct ash_plan *));
    if (!step->subs) return ash_fail_nomem(d->err, sizeof *step->subs);
    const struct ash_plan_options options = ash_plan_nested(d->plan);
    size_t most = 0;
    for (uint32_t k = 0; k < node->n_sub; k++) {
        const struct ash_graph *g = node->sub[k].graph;
        bool known = formal[k] != NULL;
        for (uint32_t i = 0; known && i < g->n_inputs; i++) {
            const struct ash_info *info = &formal[k][i];
            known = info->type.kind != ASHORE_TENSOR || ash_info_exact(info);
        }
        if (!known) continue;
        int rc = ash_plan_create(&options, g, formal[k], &step->subs[k], d->err);
        if (rc == ASHORE_ERR_NOMEM) return rc;
        if (rc != ASHORE_OK) continue;
        step->subs[k]->sibling = d->plan->children;
        d->plan->children = step->subs[k];
        if (step->subs[k]->segments[0].slab > most) most = step->subs[k]->segments[0].slab;
    }
    step->sub_slab = ash_align_up(step->scratch_size);
    step->scratch_size = ash_size_add(step->sub_slab, most);
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(plan_subs, "+nested");

static int emit(struct ash_draft *d, const struct ash_node *node, const struct ash_info *const *in,
                struct ash_info *out, struct ash_info *const *formal, bool *known) {
    struct ash_lower low;
    struct ash_half half;
    struct ash_step *step = NULL;
    ASH_TRY(ash_half_lower(d, node, in, out, &low, &half));
    if (!low.run && !node->op->ref && !node->op->control) {
        struct ash_graph *body;
        ASH_TRY(ash_body(node, d->arena, d->plan->options.syms, in, &body, d->err));
        for (uint32_t i = 0; i < body->n_nodes; i++)
            body->nodes[i]->id = node->id; /* in profiles */
        return inline_graph(d, node, -1, body);
    }
    uint32_t *ids = ash_arena_array(d->arena, node->n_in, sizeof *ids);
    if (!ids) return ash_fail_nomem(d->err, node->n_in * sizeof *ids);
    for (uint32_t i = 0; i < node->n_in; i++) {
        bool packed = low.run && i < 32 && (low.packed >> i & 1);
        if (node->in[i] != ASH_NONE && !packed)
            ASH_TRY(read_place(d, d->plan->scope->map[node->in[i]]));
    }
    ASH_TRY(ash_half_inputs(d, node, &half, ids));
    ASH_TRY(ash_draft_step(d, node, &step));
    step->in = ids;
    if (low.run) {
        step->run = low.run;
        step->params = low.params;
        step->kernel = low.kernel ? low.kernel : "kernel";
        step->out_strided = low.out_strided;
#if !defined(__wasm__)
        step->inplace = low.inplace;
#endif
    }
    step->scratch_size = low.scratch;
    if (node->op->control) {
        step->run = NULL;
        step->params = low.params;
        step->kernel = "control";
        ASH_TRY(plan_subs(d, node, step, formal));
    }
    return outputs_new(d, node, out, half.wide, step, known);
}

/* Constants that came out of inference need no step. */
static bool all_constant(const struct ash_node *node, const struct ash_info *out) {
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] != ASH_NONE && !out[i].data) return false;
    }
    return true;
}

static int take_constants(struct ash_draft *d, const struct ash_node *node,
                          const struct ash_info *out) {
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == ASH_NONE) continue;
        ASH_TRY(ash_draft_place(d, &out[i], ASH_AT_CONST, &d->plan->scope->map[node->out[i]]));
    }
    return ASHORE_OK;
}

/* Constants are read in the planning if the node may be computed now.  Those that are gone were
 * packed for kernels, and inference looks at no other constants of their size. */
static int read_for_folding(struct ash_draft *d, const struct ash_node *node) {
    const uint32_t *map = d->plan->scope->map;
    bool away = false;
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == ASH_NONE) continue;
        const struct ash_tensor *t = d->plan->places[map[node->in[i]]].info.data;
        if (!t) return ASHORE_OK;
        away = away || ash_plan_is_away(d->plan, t);
    }
    for (uint32_t i = 0; away && i < node->n_in; i++) {
        if (node->in[i] != ASH_NONE) ASH_TRY(read_place(d, map[node->in[i]]));
    }
    return ASHORE_OK;
}

int ash_draft_node(struct ash_draft *d, struct ash_inference *f, bool live,
                   enum ash_verdict *verdict) {
    struct ash_walk *scope = d->plan->scope;
    const struct ash_node *node = scope->graph->nodes[scope->node];
    const struct ash_info **in = ash_arena_array(d->arena, node->n_in, sizeof *in);
    struct ash_info *copies = ash_arena_array(d->arena, node->n_in, sizeof *copies);
    struct ash_info *out = ash_arena_array(d->arena, node->n_out, sizeof *out);
    struct ash_info **formal = ash_arena_array(d->arena, node->n_sub, sizeof *formal);
    if (!in || !out || !formal || !copies) return ash_fail_nomem(d->err, sizeof *out);
    ASH_MISFIT_IF(!node->op, d->err, UNSUPPORTED,
                  "node '%s': operator %s%s%s, opset %d, is not "
                  "supported",
                  node->name, node->domain, *node->domain ? "." : "", node->op_type, node->opset);
    ASH_TRY(read_for_folding(d, node));
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == ASH_NONE) continue;
        const struct ash_place *place = &d->plan->places[scope->map[node->in[i]]];
        copies[i] = place->info;
        if (place->narrow) copies[i].type.dtype = place->narrow;
        in[i] = &copies[i];
    }
    *verdict = ASH_GO_ON;
    int choice = node->op->choose ? node->op->choose(in) : -1;
    if (choice >= 0) {
        scope->node++;
        return inline_graph(d, node, choice, node->sub[choice].graph);
    }
    f->sub_formal = formal;
    int rc = ash_infer_node(f, node, in, out);
    f->sub_formal = NULL;
    if (rc < 0) return rc;
    if (rc == ASHORE_NEEDS_DATA && !(live && d->segment.n_steps == 0)) {
        *verdict = ASH_END_BEFORE;
        return ASHORE_OK;
    }
    scope->node++;
    if (all_constant(node, out)) return take_constants(d, node, out);
    bool known = true;
    rc = emit(d, node, in, out, formal, &known);
    if (rc < 0) ash_error_node(d->err, node);
    if (!known) *verdict = ASH_END_AFTER;
    return rc;
}
