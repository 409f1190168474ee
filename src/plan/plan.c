/* The life of a plan: made, advanced segment by segment, rewound. */
#include "plan/plan_build.h"

#include <string.h>

ASH_ABSENT_WITHOUT(ash_plan_next, "+inexact");

enum { ASH_FOLD_BYTES = 4096, ASH_LEARN_BYTES = 2048 };

static int segment_push(struct ash_draft *d) {
    struct ash_plan *p = d->plan;
    if (p->n_segments == p->cap_segments) {
        uint32_t cap = p->cap_segments ? 2 * p->cap_segments : 4;
        void *grown = ash_resize(p->options.heap, p->segments,
                                 p->cap_segments * sizeof *p->segments, cap * sizeof *p->segments);
        if (!grown) return ash_fail_nomem(d->err, cap * sizeof *p->segments);
        p->segments = grown;
        p->cap_segments = cap;
    }
    p->segments[p->n_segments++] = d->segment;
    return ASHORE_OK;
}

static int leave(struct ash_draft *d) {
    if (!d->plan->scope->parent) ASH_TRY(ash_half_outputs(d));
    ASH_TRY(ash_draft_read_outputs(d));
    ash_draft_pop(d->plan);
    return ASHORE_OK;
}

static int plan_segment(struct ash_draft *d, bool live) {
    struct ash_plan *p = d->plan;
    struct ash_inference f = {.arena = d->arena,
                              .heap = p->options.heap,
                              .syms = p->options.syms,
                              .fold_limit = ASH_FOLD_BYTES,
                              .err = d->err};
    enum ash_verdict verdict = ASH_GO_ON;
    while (p->scope && verdict == ASH_GO_ON) {
        if (p->scope->node == p->scope->graph->n_nodes)
            ASH_TRY(leave(d));
        else
            ASH_TRY(ash_draft_node(d, &f, live, &verdict));
    }
    while (p->scope && p->scope->node == p->scope->graph->n_nodes) ASH_TRY(leave(d));
    d->segment.end_place = p->n_places;
    ASH_TRY(ash_plan_layout(d));
    return segment_push(d);
}

static void drop_children(struct ash_plan *p, const struct ash_plan *keep) {
    while (p->children != keep) {
        struct ash_plan *child = p->children;
        p->children = child->sibling;
        ash_plan_destroy(&child);
    }
}
ASH_IDLE_WITHOUT(drop_children, "+nested");

void ash_plan_destroy(struct ash_plan **plan) {
    struct ash_plan *p = *plan;
    *plan = NULL;
    if (!p) return;
    drop_children(p, NULL);
    ash_plan_unpin(p);
    ash_free(p->options.heap, p->places, p->cap_places * sizeof *p->places);
    ash_free(p->options.heap, p->segments, p->cap_segments * sizeof *p->segments);
    ash_arena_deinit(&p->arena);
    ash_arena_deinit(&p->run_arena);
    ash_free(p->options.heap, p, sizeof *p);
}

/* info->data becomes a copy of t in the plan's own memory. */
static int keep_data(struct ash_draft *d, const struct ash_tensor *t, struct ash_info *info) {
    size_t bytes = ash_tensor_bytes(t);
    struct ash_tensor *copy = ash_arena_alloc(d->arena, sizeof *copy);
    void *data = ash_arena_alloc(d->arena, bytes);
    if (!copy || !data) return ash_fail_nomem(d->err, bytes);
    *copy = *t;
    copy->data = data;
    if (bytes) memcpy(data, t->data, bytes);
    info->data = copy;
    return ASHORE_OK;
}

/* A copy of the whole stack of scopes. */
static int scope_copy(struct ash_arena *arena, const struct ash_walk *from, struct ash_walk **to,
                      struct ashore_error *err) {
    *to = NULL;
    struct ash_walk **link = to;
    for (; from; from = from->parent) {
        struct ash_walk *s = ash_arena_alloc(arena, sizeof *s);
        size_t bytes = from->graph->n_values * sizeof *from->map;
        uint32_t *map = ash_arena_alloc(arena, bytes);
        if (!s || !map) return ash_fail_nomem(err, bytes);
        *s = *from;
        s->map = memcpy(map, from->map, bytes);
        s->parent = NULL;
        *link = s;
        link = &s->parent;
    }
    return ASHORE_OK;
}

static int remember_first(struct ash_plan *p, struct ashore_error *err) {
    size_t bytes = p->n_places * sizeof *p->places;
    p->first.places = ash_arena_alloc(&p->arena, bytes);
    if (!p->first.places) return ash_fail_nomem(err, bytes);
    memcpy(p->first.places, p->places, bytes);
    bytes = p->n_outputs * sizeof *p->outputs;
    p->first.outputs = ash_arena_alloc(&p->arena, bytes);
    if (!p->first.outputs) return ash_fail_nomem(err, bytes);
    memcpy(p->first.outputs, p->outputs, bytes);
    p->first.n_places = p->n_places;
    p->first.children = p->children;
    p->first.scope = p->scope;
    return ASHORE_OK;
}

static int take_input(struct ash_draft *d, const struct ash_info *in, uint32_t i) {
    struct ash_info info = *in;
    uint32_t id;
    if (in->data && in->data->dtype != ASHORE_STRING &&
        ash_tensor_bytes(in->data) <= ASH_LEARN_BYTES)
        ASH_TRY(keep_data(d, in->data, &info));
    ASH_TRY(ash_draft_place(d, &info, info.data ? ASH_AT_CONST : ASH_AT_INPUT, &id));
    d->plan->places[id].offset = i;
    return ASHORE_OK;
}

static int create(struct ash_draft *d, const struct ash_graph *graph, const struct ash_info *in) {
    struct ash_plan *p = d->plan;
    p->n_inputs = graph->n_inputs;
    p->n_outputs = graph->n_outputs;
    p->outputs = ash_arena_array(&p->arena, graph->n_outputs, sizeof *p->outputs);
    p->out_offset = ash_arena_array(&p->arena, graph->n_outputs, sizeof *p->out_offset);
    if (!p->outputs || !p->out_offset) return ash_fail_nomem(d->err, sizeof *p->outputs);
    for (uint32_t i = 0; i < graph->n_outputs; i++) p->outputs[i] = ASH_NONE;
    for (uint32_t i = 0; i < graph->n_inputs; i++) ASH_TRY(take_input(d, &in[i], i));
    struct ash_walk *scope;
    ASH_TRY(ash_draft_scope(d, graph, NULL, &scope));
    for (uint32_t i = 0; i < graph->n_inputs; i++) scope->map[graph->inputs[i]] = i;
    p->scope = scope;
    ASH_TRY(plan_segment(d, false));
    return p->scope ? remember_first(p, d->err) : ASHORE_OK;
}

int ash_plan_create(const struct ash_plan_options *options, const struct ash_graph *graph,
                    const struct ash_info *in, struct ash_plan **plan, struct ashore_error *err) {
    struct ash_plan *p = ash_alloc_zero(options->heap, sizeof *p);
    if (!p) return ash_fail_nomem(err, sizeof *p);
    p->options = *options;
    ash_arena_init(&p->arena, options->heap);
    ash_arena_init(&p->run_arena, options->heap);
    struct ash_draft d = {.plan = p, .arena = &p->arena, .err = err};
    int rc = create(&d, graph, in);
    if (rc == ASHORE_OK)
        *plan = p;
    else
        ash_plan_destroy(&p);
    return rc;
}

struct ash_plan_options ash_plan_nested(const struct ash_plan *parent) {
    struct ash_plan_options options = parent->options;
    options.nested = true;
    options.depth++;
    options.parent = parent;
    return options;
}

void ash_plan_rewind(struct ash_plan *p) {
    if (!p->first.scope) return;
    drop_children(p, p->first.children);
    ash_arena_deinit(&p->run_arena);
    p->n_segments = 1;
    p->n_places = p->first.n_places;
    memcpy(p->places, p->first.places, p->n_places * sizeof *p->places);
    memcpy(p->outputs, p->first.outputs, p->n_outputs * sizeof *p->outputs);
    p->scope = p->first.scope;
}

bool ash_plan_learns(const struct ash_tensor *t) {
    size_t bytes = ash_tensor_bytes(t), most = ASH_LEARN_BYTES;
    if (ash_dtype_is_float(t->dtype)) most = ASH_MAX_RANK * ash_dtype_size(t->dtype);
    return bytes <= most && t->dtype != ASHORE_STRING && (t->data || bytes == 0);
}

/* Makes what the run has computed so far known to inference: extents, and contents of what is
 * small. */
static int learn(struct ash_draft *d, const struct ash_slot *slots) {
    struct ash_plan *p = d->plan;
    for (uint32_t i = 0; i < p->n_places; i++) {
        struct ash_place *place = &p->places[i];
        const struct ash_tensor *t = &slots[i].tensor;
        bool fresh = place->segment + 1 == p->n_segments;
        if (!fresh || place->where == ASH_AT_CONST || t->dtype == 0) continue;
        place->info = ash_info_const(t);
        place->info.data = NULL;
        if (ash_plan_learns(t) && !place->narrow) ASH_TRY(keep_data(d, t, &place->info));
    }
    return ASHORE_OK;
}

int ash_plan_next(struct ash_plan *plan, const struct ash_slot *slots, struct ashore_error *err) {
    struct ash_draft d = {.plan = plan, .arena = &plan->run_arena, .err = err};
    if (plan->n_segments == 1) {
        ASH_TRY(scope_copy(d.arena, plan->first.scope, &plan->scope, err));
    }
    d.segment.first_place = plan->n_places;
    ASH_TRY(learn(&d, slots));
    return plan_segment(&d, true);
}
