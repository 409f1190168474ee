#include "rt/exec.h"

#include "base/pool.h"
#include "base/trimming.h"
#include "rt/frame.h"

#include <string.h>

void ash_exec_init(struct ash_exec *x, struct ash_heap *heap, struct ash_pool *pool) {
    memset(x, 0, sizeof *x);
    x->heap = heap;
    x->pool = pool;
}

void ash_exec_deinit(struct ash_exec *x) {
    ash_exec_abort(x);
    for (uint32_t i = 0; i < x->cap_frames; i++) ash_frame_deinit(x, &x->frames[i]);
    ash_free(x->heap, x->frames, x->cap_frames * sizeof *x->frames);
    ash_free(x->heap, x->out, x->n_out * sizeof *x->out);
    ash_buf_free(x->heap, &x->slab);
    ash_buf_free(x->heap, &x->pointers);
}

static int push(struct ash_exec *x, struct ash_frame **frame, struct ashore_error *err) {
    if (x->depth == x->cap_frames) {
        uint32_t cap = x->cap_frames ? 2 * x->cap_frames : 4;
        void *grown = ash_resize(x->heap, x->frames, x->cap_frames * sizeof *x->frames,
                                 cap * sizeof *x->frames);
        if (!grown) return ash_fail_nomem(err, cap * sizeof *x->frames);
        x->frames = grown;
        memset(x->frames + x->cap_frames, 0, (cap - x->cap_frames) * sizeof *x->frames);
        x->cap_frames = cap;
    }
    *frame = &x->frames[x->depth++];
    return ASHORE_OK;
}

void ash_exec_abort(struct ash_exec *x) {
    while (x->depth) ash_frame_end(x, &x->frames[--x->depth]);
    for (uint32_t i = 0; i < x->n_out; i++) ash_value_release(&x->out[i]);
}

int ash_exec_begin(struct ash_exec *x, struct ash_plan *plan, const struct ash_slot *args,
                   struct ash_tensor *const *bind, struct ashore_error *err) {
    ash_exec_abort(x);
    ash_pool_begin(x->pool);
    ash_pool_watch(x->pool, x->cancel);
    x->steps_done = x->steps_known = 0;
    if (x->n_out != plan->n_outputs) {
        struct ashore_value **out = ash_alloc_zero(x->heap, plan->n_outputs * sizeof *out);
        if (!out && plan->n_outputs) return ash_fail_nomem(err, plan->n_outputs * sizeof *out);
        ash_free(x->heap, x->out, x->n_out * sizeof *x->out);
        x->out = out;
        x->n_out = plan->n_outputs;
    }
    size_t slab = plan->segments[0].slab;
    int rc = ash_buf_reserve(x->heap, &x->slab, slab ? slab : 1, 0, err);
    if (rc != ASHORE_OK) {
        ash_frame_blame(plan, &plan->segments[0], err);
        return rc;
    }
    struct ash_frame *f;
    ASH_TRY(push(x, &f, err));
    rc = ash_frame_begin(x, f, plan, false, args, bind, x->slab.data, err);
    if (rc != ASHORE_OK) ash_exec_abort(x);
    return rc;
}

/* ---- control steps ---- */

/* The most inputs and outputs that a sub of the node has. */
static void most_of_subs(const struct ash_node *node, uint32_t *args, uint32_t *results) {
    *args = *results = 0;
    for (uint32_t k = 0; k < node->n_sub; k++) {
        const struct ash_graph *g = node->sub[k].graph;
        if (g->n_inputs > *args) *args = g->n_inputs;
        if (g->n_outputs > *results) *results = g->n_outputs;
    }
}

/* Arrays of a control step, in the frame's own memory since frames above use x->pointers. */
static int control_begin(struct ash_exec *x, struct ash_frame *f, const struct ash_step *s,
                         struct ashore_error *err) {
    uint32_t args, results;
    most_of_subs(s->node, &args, &results);
    size_t arrays = ash_align_up(ash_step_arrays_size(s));
    size_t slots = (size_t)(args + results) * sizeof(struct ash_slot);
    ASH_TRY(ash_buf_reserve(x->heap, &f->call,
                            arrays + slots + results * sizeof(struct ash_tensor *), 0, err));
    unsigned char *at = f->call.data;
    memset(&f->control, 0, sizeof f->control);
    ash_step_bind(x, f, s, &f->control.run, at, err);
    f->control.args = (struct ash_slot *)(void *)(at + arrays);
    f->control.results = f->control.args + args;
    f->control.bind = (struct ash_tensor **)(void *)(f->control.results + results);
    memset(f->control.args, 0, slots);
    f->in_control = true;
    return ASHORE_OK;
}

static struct ash_info slot_info(const struct ash_slot *slot) {
    struct ash_info info = {.type.rank = -1};
    if (slot->tensor.dtype) {
        info = ash_info_const(&slot->tensor);
        if (!ash_plan_learns(&slot->tensor)) info.data = NULL;
    } else if (slot->value) {
        info.type.kind = slot->value->kind;
    }
    return info;
}

/* A plan for what the arguments are this time. */
static int plan_call(struct ash_exec *x, const struct ash_frame *f, const struct ash_graph *g,
                     const struct ash_slot *args, struct ash_plan **plan,
                     struct ashore_error *err) {
    const struct ash_plan_options options = ash_plan_nested(f->plan);
    size_t bytes = g->n_inputs * sizeof(struct ash_info);
    struct ash_info *in = ash_alloc(x->heap, bytes ? bytes : 1);
    if (!in) return ash_fail_nomem(err, bytes);
    for (uint32_t i = 0; i < g->n_inputs; i++) in[i] = slot_info(&args[i]);
    ash_packs_enter(options.packs);
    int rc = ash_plan_create(&options, g, in, plan, err);
    ash_packs_leave(options.packs);
    ash_free(x->heap, in, bytes ? bytes : 1);
    return rc;
}

static int call_sub(struct ash_exec *x, const struct ash_step *s, struct ashore_error *err) {
    struct ash_frame *f = &x->frames[x->depth - 1];
    struct ash_control *c = &f->control;
    const struct ash_sub *sub = &s->node->sub[c->call];
    for (uint32_t i = sub->formal; i < sub->graph->n_inputs; i++)
        c->args[i] = ash_frame_slots(f)[s->in[sub->first_capture + i - sub->formal]];
    struct ash_plan *plan = s->subs[c->call];
    bool own = plan == NULL;
    if (own) ASH_TRY(plan_call(x, f, sub->graph, c->args, &plan, err));
    unsigned char *slab = own ? NULL : f->slab + s->scratch + s->sub_slab;
    struct ash_slot *args = c->args;
    struct ash_tensor **bind = c->bind;
    struct ash_frame *top;
    int rc = push(x, &top, err); /* may move the frames */
    if (rc != ASHORE_OK) {
        if (own) ash_plan_destroy(&plan);
        return rc;
    }
    return ash_frame_begin(x, top, plan, own, args, bind, slab, err);
}
ASH_ABSENT_WITHOUT(call_sub, "+nested");

/* One turn of the operator's state machine. */
static int turn(struct ash_frame *f, const struct ash_step *s, struct ashore_error *err) {
    struct ash_control *c = &f->control;
    uint32_t args, results;
    most_of_subs(s->node, &args, &results);
    if (results) memset(c->bind, 0, results * sizeof *c->bind);
    c->run.err = err;
    int rc = s->node->op->control(c);
    c->phase++;
    if (rc == ASHORE_PENDING) return rc;
    f->in_control = false;
    int settled = ash_step_settle(f, s, &c->run);
    if (rc == ASHORE_OK) rc = settled;
    if (rc != ASHORE_OK) ash_error_node(err, s->node);
    return rc;
}

/* ASHORE_PENDING: a sub has been entered; ASHORE_OK: the step is done without. */
static ASH_APART int enter_control(struct ash_exec *x, struct ash_frame *f,
                                   const struct ash_step *s, struct ashore_error *err) {
    ASH_TRY(control_begin(x, f, s, err));
    int rc = ash_step_check(s, &f->control.run);
    if (rc != ASHORE_OK) {
        f->in_control = false;
        ash_error_node(err, s->node);
        return rc;
    }
    rc = turn(f, s, err);
    if (rc != ASHORE_PENDING) return rc;
    rc = call_sub(x, s, err);
    return rc == ASHORE_OK ? ASHORE_PENDING : rc;
}
ASH_ABSENT_WITHOUT(enter_control, "+nested");

/* The frame on top is done: its outputs are the results of the control step below, which may call
 * again.  The operator sees them while the frame still holds them. */
static ASH_APART int leave_sub(struct ash_exec *x, struct ashore_error *err) {
    struct ash_frame *top = &x->frames[x->depth - 1], *f = top - 1;
    const struct ash_step *s = &ash_frame_segment(f)->steps[f->step];
    ASH_TRY(ash_frame_outputs(top, err));
    struct ash_tensor **bind = top->bind.data;
    for (uint32_t k = 0; k < top->plan->n_outputs; k++) {
        struct ash_slot *r = &f->control.results[k];
        *r = ash_frame_slots(top)[top->plan->outputs[k]];
        if (bind[k]) r->tensor = *bind[k];
    }
    int rc = turn(f, s, err);
    uint32_t n = rc == ASHORE_PENDING ? s->node->sub[f->control.call].formal : 0;
    for (uint32_t i = 0; i < n; i++) ash_value_retain(f->control.args[i].value);
    ash_frame_end(x, top);
    x->depth--;
    if (rc != ASHORE_PENDING) return rc;
    rc = call_sub(x, s, err);
    for (uint32_t i = 0; i < n; i++) {
        struct ashore_value *v = f->control.args[i].value;
        ash_value_release(&v);
    }
    return rc == ASHORE_OK ? ASHORE_PENDING : rc;
}
ASH_ABSENT_WITHOUT(leave_sub, "+nested");

/* ---- the run ---- */

static int take_outputs(struct ash_exec *x, struct ash_frame *f, struct ashore_error *err) {
    ASH_TRY(ash_frame_outputs(f, err));
    struct ash_tensor **bind = f->bind.data;
    for (uint32_t k = 0; k < x->n_out; k++) {
        if (bind[k]) continue; /* the caller's memory, or made into x->out[k] by the frame */
        struct ash_slot *slot = &ash_frame_slots(f)[f->plan->outputs[k]];
        if (slot->value)
            ASH_TRY(ash_value_own(x->heap, slot->value, &x->out[k], err));
        else
            ASH_TRY(ash_value_copy(x->heap, &slot->tensor, &x->out[k], err));
    }
    return ASHORE_OK;
}

/* One step, one segment or one return.  ASHORE_PENDING: there is more to do; *stepped says whether
 * a step came to its end. */
static int advance_one(struct ash_exec *x, bool *stepped, struct ashore_error *err) {
    struct ash_frame *f = &x->frames[x->depth - 1];
    const struct ash_segment *seg = ash_frame_segment(f);
    int rc;
    if (f->step < seg->n_steps) {
        const struct ash_step *s = &seg->steps[f->step];
        rc = s->run ? ash_step_run(x, f, s, err) : enter_control(x, f, s, err);
    } else {
        rc = ash_frame_next(x, f, err);
        if (rc == ASHORE_OK) return ASHORE_PENDING;
        if (rc != ASHORE_PENDING) return rc;
        if (x->depth == 1) {
            rc = take_outputs(x, f, err);
            if (rc == ASHORE_OK) ash_frame_end(x, &x->frames[--x->depth]);
            return rc;
        }
        rc = leave_sub(x, err);
    }
    if (rc != ASHORE_OK) return rc;
    x->frames[x->depth - 1].step++;
    *stepped = true;
    return ASHORE_PENDING;
}

/* Looked at between a step and whatever reads its results: they may not be whole. */
static int check_cancel(const struct ash_exec *x, struct ashore_error *err) {
    ASH_FAIL_IF(x->cancel && atomic_load(x->cancel), err, CANCELLED, "the run was cancelled");
    return ASHORE_OK;
}

int ash_exec_advance(struct ash_exec *x, size_t max_steps, struct ashore_error *err) {
    ASH_FAIL_IF(x->depth == 0, err, STATE, "no run has been begun");
    int rc = ASHORE_PENDING;
    size_t done = 0;
    while (rc == ASHORE_PENDING && (max_steps == 0 || done < max_steps)) {
        bool stepped = false;
        rc = check_cancel(x, err);
        if (rc == ASHORE_OK) rc = advance_one(x, &stepped, err);
        done += stepped;
    }
    x->steps_done += done;
    if (rc < 0) ash_exec_abort(x);
    return rc;
}
