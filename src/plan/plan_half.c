/* The floating-point types of 16 bits between steps.
 *
 * No kernel computes in 16 bits.  A node of such types whose operator has a kernel for float32 runs
 * on it: its outputs are rounded, once, to what their type can hold, and stay float32 in memory.
 * The next such node reads them as they are.  Conversions stand where a value goes from one form
 * to the other: at inputs and outputs of the plan, and beside nodes that run on references. */
#include "plan/plan_build.h"

#include "ops/widen.h"

#include <string.h>

/* Constants of so many elements are converted before a lowering, larger ones when it packs them. */
enum { SMALL = 4096 };

static bool is_wide(const struct ash_plan *p, uint32_t place) {
    return place != ASH_NONE && p->places[place].narrow != 0;
}

/* The place in the other form, made in this segment; 0: none. */
static uint32_t twin_of(const struct ash_plan *p, uint32_t place) {
    uint32_t t = p->places[place].twin;
    return t && p->places[t].segment == p->n_segments ? t : 0;
}

static void pack_widened(void *dst, const void *src, const void *arg) {
    struct ash_tensor t = *(const struct ash_tensor *)arg;
    t.data = (void *)(uintptr_t)src;
    ash_half_widen(&t, dst);
}

/* A constant in float32: one for the model. */
static int widen_const(struct ash_draft *d, const struct ash_tensor *t, uint32_t *id) {
    static const char row[] = "float32";
    struct ash_lower c = {.arena = d->arena, .plan = d->plan, .err = d->err};
    struct ash_tensor *wide = ash_arena_alloc(d->arena, sizeof *wide);
    const void *data;
    if (!wide) return ash_fail_nomem(d->err, sizeof *wide);
    size_t bytes = ash_size_mul((size_t)ash_tensor_count(t), sizeof(float));
    const struct ash_packing how = {.row = row,
                                    .variant = (uint64_t)t->dtype,
                                    .bytes = bytes ? bytes : 1,
                                    .pack = pack_widened,
                                    .arg = t};
    ASH_TRY(ash_lower_pack(&c, &t, 1, &how, &data));
    *wide = *t;
    wide->dtype = ASHORE_FLOAT32;
    wide->data = (void *)(uintptr_t)data;
    struct ash_info info = ash_info_const(wide);
    return ash_draft_place(d, &info, ASH_AT_CONST, id);
}

/* A step that converts `place`; it counts as a part of `node`. */
static int convert(struct ash_draft *d, const struct ash_node *node, uint32_t place, int dtype,
                   uint32_t *id) {
    struct ash_node *n = ash_arena_alloc(d->arena, sizeof *n);
    uint32_t *none = ash_arena_array(d->arena, 2, sizeof *none);
    struct ash_step *step;
    if (!n || !none) return ash_fail_nomem(d->err, sizeof *n);
    none[0] = none[1] = ASH_NONE;
    *n = (struct ash_node){.name = node->name,
                           .domain = ash_op_half.domain,
                           .op_type = ash_op_half.name,
                           .opset = 1,
                           .op = &ash_op_half,
                           .n_in = 1,
                           .n_out = 1,
                           .n_formal = 1,
                           .in = none,
                           .out = none + 1,
                           .id = node->id};
    ASH_TRY(ash_draft_step(d, n, &step));
    struct ash_info info = d->plan->places[place].info;
    info.data = NULL;
    info.type.dtype = (uint8_t)dtype;
    ASH_TRY(ash_draft_tensor(d, &info, id));
    step->converts = true;
    ((uint32_t *)(uintptr_t)step->in)[0] = place;
    ((uint32_t *)(uintptr_t)step->out)[0] = *id;
    return ASHORE_OK;
}

static ASH_APART int other_form(struct ash_draft *d, const struct ash_node *node, uint32_t place,
                                bool wide, uint32_t *id) {
    struct ash_plan *p = d->plan;
    const struct ash_place *from = &p->places[place];
    *id = twin_of(p, place);
    if (*id) return ASHORE_OK;
    if (wide && from->where == ASH_AT_CONST)
        ASH_TRY(widen_const(d, from->info.data, id));
    else
        ASH_TRY(convert(d, node, place, wide ? ASHORE_FLOAT32 : from->narrow, id));
    p->places[place].twin = *id;
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(other_form, "+half");

/* *id is `place`, held as float32 if `wide` and it is of 16 bits, as the graph has it otherwise. */
static int in_form(struct ash_draft *d, const struct ash_node *node, uint32_t place, bool wide,
                   uint32_t *id) {
    struct ash_plan *p = d->plan;
    *id = place;
    if (place == ASH_NONE) return ASHORE_OK;
    const struct ash_place *from = &p->places[place];
    bool half = from->info.type.kind == ASHORE_TENSOR && ash_is_half(from->info.type.dtype);
    if (wide ? !half : !from->narrow) return ASHORE_OK;
    return other_form(d, node, place, wide, id);
}

int ash_half_inputs(struct ash_draft *d, const struct ash_node *node, const struct ash_half *half,
                    uint32_t *ids) {
    const uint32_t *map = d->plan->scope->map;
    for (uint32_t i = 0; i < node->n_in; i++) {
        bool packed = half->packed && half->packed[i];
        ids[i] = ASH_NONE;
        if (node->in[i] == ASH_NONE || packed) continue;
        ASH_TRY(in_form(d, node, map[node->in[i]], half->wide, &ids[i]));
    }
    return ASHORE_OK;
}

int ash_half_outputs(struct ash_draft *d) {
    const struct ash_walk *s = d->plan->scope;
    for (uint32_t i = 0; i < s->graph->n_outputs; i++) {
        uint32_t *place = &s->map[s->graph->outputs[i]];
        if (!is_wide(d->plan, *place)) continue;
        ASH_TRY(in_form(d, d->plan->places[*place].maker, *place, false, place));
    }
    return ASHORE_OK;
}
ASH_IDLE_WITHOUT(ash_half_outputs, "+half");

/* ---- choosing ---- */

/* What stands for the constants while a lowering looks at them. */
static int wide_consts(struct ash_draft *d, struct ash_info *in, const struct ash_node *node,
                       struct ash_wide *w) {
    for (uint32_t i = 0; i < node->n_formal; i++) {
        const struct ash_tensor *t = in[i].data;
        if (!t || !ash_is_half(t->dtype)) continue;
        size_t count = (size_t)ash_tensor_count(t);
        w[i].bytes = ash_size_mul(count ? count : 1, sizeof(float));
        w[i].tensor = *t;
        w[i].tensor.dtype = ASHORE_FLOAT32;
        w[i].tensor.data = NULL;
        w[i].heap = d->plan->options.heap;
        w[i].from = t;
        bool filled = count > SMALL || ash_wide_fill(&w[i], t) == ASHORE_OK;
        if (!filled) return ash_fail_nomem(d->err, w[i].bytes);
        in[i].data = &w[i].tensor;
    }
    return ASHORE_OK;
}

static bool widen_type(struct ash_info *info) {
    bool half = info->type.kind == ASHORE_TENSOR && ash_is_half(info->type.dtype);
    if (half) info->type.dtype = ASHORE_FLOAT32;
    return half;
}

/* Lowers node as if its 16 bit types were float32; `out` is not changed. */
static int lower_wide(struct ash_draft *d, const struct ash_node *node,
                      const struct ash_info *const *in, const struct ash_info *out,
                      struct ash_wide *w, struct ash_lower *low) {
    const struct ash_info **in_wide = ash_arena_array(d->arena, node->n_in, sizeof *in_wide);
    struct ash_info *copy = ash_arena_array(d->arena, node->n_in, sizeof *copy);
    struct ash_info *out_wide = ash_arena_array(d->arena, node->n_out, sizeof *out_wide);
    uint8_t *dtype = ash_arena_alloc(d->arena, node->n_out);
    if (!in_wide || !copy || !out_wide || !dtype) return ash_fail_nomem(d->err, sizeof *copy);
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (!in[i]) continue;
        copy[i] = *in[i];
        in_wide[i] = &copy[i];
    }
    ASH_TRY(wide_consts(d, copy, node, w));
    for (uint32_t i = 0; i < node->n_in; i++) widen_type(&copy[i]);
    bool rounds = false;
    for (uint32_t i = 0; i < node->n_out; i++) {
        out_wide[i] = out[i];
        dtype[i] = out[i].type.dtype;
        rounds = widen_type(&out_wide[i]) || rounds;
    }
    ASH_TRY(ash_draft_lower(d, node, in_wide, out_wide, w, low));
    rounds = rounds && low->run && !(node->op->flags & ASH_OP_MOVES);
    return rounds ? ash_half_round(low, dtype) : ASHORE_OK;
}

static int try_wide(struct ash_draft *d, const struct ash_node *node,
                    const struct ash_info *const *in, const struct ash_info *out,
                    struct ash_lower *low, struct ash_half *half) {
    struct ash_wide *w = ash_arena_array(d->arena, (size_t)node->n_in + 1, sizeof *w);
    bool *packed = ash_arena_array(d->arena, (size_t)node->n_in + 1, sizeof *packed);
    if (!w || !packed) return ash_fail_nomem(d->err, node->n_in * sizeof *w);
    int rc = lower_wide(d, node, in, out, w, low);
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (w[i].from) ash_free_aligned(w[i].heap, w[i].tensor.data, w[i].bytes);
        packed[i] = w[i].packed;
    }
    low->wide = NULL;
    half->wide = rc == ASHORE_OK && (low->run || (node->op->flags & ASH_OP_MOVES));
    if (half->wide && low->run) half->packed = packed;
    return rc;
}
ASH_ABSENT_WITHOUT(try_wide, "+half");

/* All tensors are of known extents, and of types that a kernel stands for; one is of 16 bits. */
static ASH_APART bool runs_wide(const struct ash_node *node, const struct ash_info *const *in,
                                const struct ash_info *out) {
    bool any = false;
    for (uint32_t i = 0; i < node->n_in + node->n_out; i++) {
        bool input = i < node->n_in;
        const struct ash_info *info = input ? in[i] : &out[i - node->n_in];
        if (input ? !info : node->out[i - node->n_in] == ASH_NONE) continue;
        if (!ash_info_exact(info)) return false;
        if (info->type.dtype == ASHORE_BFLOAT16 && (node->op->flags & ASH_OP_STEPS)) return false;
        any = any || ash_is_half(info->type.dtype);
    }
    return any;
}
ASH_IDLE_WITHOUT(runs_wide, "+half");

static ASH_APART int lower_half(struct ash_draft *d, const struct ash_node *node,
                                const struct ash_info *const *in, const struct ash_info *out,
                                struct ash_lower *low, struct ash_half *half) {
    const struct ash_plan *p = d->plan;
    bool held = false, moves = node->op->flags & ASH_OP_MOVES;
    for (uint32_t i = 0; i < node->n_in; i++)
        held = held || (node->in[i] != ASH_NONE && is_wide(p, p->scope->map[node->in[i]]));
    if (held) ASH_TRY(try_wide(d, node, in, out, low, half));
    if (!half->wide) ASH_TRY(ash_draft_lower(d, node, in, out, NULL, low));
    if (!held && !low->run && !moves) ASH_TRY(try_wide(d, node, in, out, low, half));
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(lower_half, "+half");

int ash_half_lower(struct ash_draft *d, const struct ash_node *node,
                   const struct ash_info *const *in, const struct ash_info *out,
                   struct ash_lower *low, struct ash_half *half) {
    bool able = !d->plan->options.reference && !node->op->control &&
                (node->op->lower || (node->op->flags & ASH_OP_MOVES));
    *half = (struct ash_half){0};
    if (able && runs_wide(node, in, out)) return lower_half(d, node, in, out, low, half);
    return ash_draft_lower(d, node, in, out, NULL, low);
}
