#include "rt/frame.h"

#include <string.h>

int ash_buf_reserve(struct ash_heap *heap, struct ash_buf *buf, size_t size, size_t keep,
                    struct ashore_error *err) {
    if (size <= buf->size) return ASHORE_OK;
    void *data = ash_alloc_aligned(heap, size);
    if (!data) return ash_fail_nomem(err, size);
    if (keep) memcpy(data, buf->data, keep);
    ash_free_aligned(heap, buf->data, buf->size);
    buf->data = data;
    buf->size = size;
    return ASHORE_OK;
}

void ash_buf_free(struct ash_heap *heap, struct ash_buf *buf) {
    ash_free_aligned(heap, buf->data, buf->size);
    *buf = (struct ash_buf){NULL, 0};
}

/* A slab that lives as long as the frame's run. */
static int own_slab(struct ash_exec *x, struct ash_frame *f, size_t size, unsigned char **slab,
                    struct ashore_error *err) {
    size_t used = f->n_slabs * sizeof(struct ash_buf);
    if (used + sizeof(struct ash_buf) > f->slabs.size)
        ASH_TRY(
            ash_buf_reserve(x->heap, &f->slabs, 2 * used + 4 * sizeof(struct ash_buf), used, err));
    struct ash_buf *b = (struct ash_buf *)f->slabs.data + f->n_slabs;
    *b = (struct ash_buf){NULL, 0};
    ASH_TRY(ash_buf_reserve(x->heap, b, size ? size : 1, 0, err));
    f->n_slabs++;
    *slab = b->data;
    return ASHORE_OK;
}

/* Memory that is given for an output must be for what comes out. */
static int check_bound(const struct ash_tensor *bound, const struct ash_tensor *is, size_t k,
                       struct ashore_error *err) {
    if (bound->dtype == is->dtype && ash_tensor_same_shape(bound, is) && is->dtype != ASHORE_STRING)
        return ASHORE_OK;
    char got[160], want[160];
    ash_shape_text(got, sizeof got, is->dtype, is->rank, is->dim);
    ash_shape_text(want, sizeof want, bound->dtype, bound->rank, bound->dim);
    return ash_fail(err, ASHORE_ERR_SHAPE, "output %zu is %s, its memory is for %s", k, got, want);
}

static int output_memory(struct ash_exec *x, struct ash_frame *f, const struct ash_place *place,
                         void **data, struct ashore_error *err) {
    struct ash_tensor **bind = f->bind.data;
    size_t k = place->offset;
    if (!bind[k] && f->plan->options.nested) {
        *data = f->slab + f->plan->out_offset[k];
        return ASHORE_OK;
    }
    const struct ash_type *t = &f->plan->places[f->plan->outputs[k]].info.type;
    struct ash_tensor is = {.dtype = t->dtype, .rank = t->rank};
    for (int i = 0; i < t->rank; i++) is.dim[i] = t->dim[i].value;
    if (!bind[k]) {
        ASH_TRY(ash_value_tensor(x->heap, is.dtype, is.rank, is.dim, &x->out[k], err));
        bind[k] = &x->out[k]->tensor;
    }
    ASH_TRY(check_bound(bind[k], &is, k, err));
    *data = bind[k]->data;
    return ASHORE_OK;
}

static int init_slot(struct ash_exec *x, struct ash_frame *f, uint32_t i,
                     struct ashore_error *err) {
    const struct ash_place *place = &f->plan->places[i];
    struct ash_slot *slot = &ash_frame_slots(f)[i];
    const struct ash_slot *args = f->args.data;
    slot->value = NULL;
    slot->tensor.data = NULL;
    slot->tensor.chars = NULL;
    slot->tensor.dtype = 0;
    slot->tensor.rank = 0;
    switch ((enum ash_where)place->where) {
    case ASH_AT_CONST:
        slot->tensor = *place->info.data;
        return ASHORE_OK;
    case ASH_AT_INPUT:
        slot->tensor = args[place->offset].tensor;
        if (i < f->plan->n_inputs) slot->value = ash_value_retain(args[i].value);
        break;
    case ASH_AT_SLAB:
        slot->tensor.data = f->slab + place->offset;
        break;
    case ASH_AT_OUTPUT:
        ASH_TRY(output_memory(x, f, place, &slot->tensor.data, err));
        break;
    case ASH_AT_NOTHING:
    case ASH_AT_VALUE:
        return ASHORE_OK;
    }
    /* With a bound alone there is room, and the shape is for the step to set. */
    const struct ash_type *t = &place->info.type;
    if (!ash_info_exact(&place->info)) return ASHORE_OK;
    slot->tensor.dtype = t->dtype;
    slot->tensor.rank = t->rank;
    for (int k = 0; k < t->rank; k++) slot->tensor.dim[k] = t->dim[k].value;
    return ASHORE_OK;
}

void ash_frame_blame(const struct ash_plan *plan, const struct ash_segment *seg,
                     struct ashore_error *err) {
    const struct ash_step *most = NULL;
    const struct ash_place *place = NULL;
    for (uint32_t i = 0; i < seg->n_steps; i++) {
        for (uint32_t k = 0; k < seg->steps[i].n_out; k++) {
            if (seg->steps[i].out[k] == ASH_NONE) continue;
            const struct ash_place *p = &plan->places[seg->steps[i].out[k]];
            if (place && p->room <= place->room) continue;
            place = p;
            most = &seg->steps[i];
        }
    }
    if (!most) return;
    char text[160];
    ash_type_text(plan->options.syms, &place->info.type, text, sizeof text);
    ash_error_prefix(err, "result %s: ", text);
    ash_error_node(err, most->node);
}

static int fill_segment(struct ash_exec *x, struct ash_frame *f, unsigned char *slab,
                        struct ashore_error *err) {
    const struct ash_segment *seg = ash_frame_segment(f);
    f->step = 0;
    x->steps_known += seg->n_steps;
    f->slab = slab;
    if (!slab) ASH_TRY(own_slab(x, f, seg->slab, &f->slab, err));
    ASH_TRY(ash_buf_reserve(x->heap, &f->slots, f->plan->n_places * sizeof(struct ash_slot),
                            f->n_slots * sizeof(struct ash_slot), err));
    for (uint32_t i = seg->first_place; i < seg->end_place; i++) {
        ASH_TRY(init_slot(x, f, i, err));
        f->n_slots = i + 1;
    }
    size_t most = 0;
    for (uint32_t i = 0; i < seg->n_steps; i++) {
        size_t n = ash_step_arrays_size(&seg->steps[i]);
        if (n > most) most = n;
    }
    return ash_buf_reserve(x->heap, &x->pointers, most, 0, err);
}

static int begin_segment(struct ash_exec *x, struct ash_frame *f, unsigned char *slab,
                         struct ashore_error *err) {
    int rc = fill_segment(x, f, slab, err);
    if (rc == ASHORE_ERR_NOMEM) ash_frame_blame(f->plan, ash_frame_segment(f), err);
    return rc;
}

int ash_frame_begin(struct ash_exec *x, struct ash_frame *f, struct ash_plan *plan, bool owns_plan,
                    const struct ash_slot *args, struct ash_tensor *const *bind,
                    unsigned char *slab, struct ashore_error *err) {
    ash_plan_rewind(plan);
    f->plan = plan;
    f->owns_plan = owns_plan;
    f->segment = 0;
    f->n_slots = 0;
    f->in_control = false;
    ASH_TRY(ash_buf_reserve(x->heap, &f->args, plan->n_inputs * sizeof(struct ash_slot), 0, err));
    ASH_TRY(ash_buf_reserve(x->heap, &f->bind, plan->n_outputs * sizeof *bind, 0, err));
    if (plan->n_inputs) memcpy(f->args.data, args, plan->n_inputs * sizeof *args);
    if (plan->n_outputs) memcpy(f->bind.data, bind, plan->n_outputs * sizeof *bind);
    return begin_segment(x, f, slab, err);
}

int ash_frame_next(struct ash_exec *x, struct ash_frame *f, struct ashore_error *err) {
    if (ash_plan_complete(f->plan)) return ASHORE_PENDING;
    ash_packs_enter(f->plan->options.packs);
    int rc = ash_plan_next(f->plan, f->slots.data, err);
    ash_packs_leave(f->plan->options.packs);
    if (rc != ASHORE_OK) return rc;
    f->segment++;
    return begin_segment(x, f, NULL, err);
}

int ash_frame_outputs(struct ash_frame *f, struct ashore_error *err) {
    struct ash_tensor **bind = f->bind.data;
    for (uint32_t k = 0; k < f->plan->n_outputs; k++) {
        const struct ash_place *place = &f->plan->places[f->plan->outputs[k]];
        const struct ash_slot *slot = &ash_frame_slots(f)[f->plan->outputs[k]];
        bool there = place->where == ASH_AT_OUTPUT && place->offset == k;
        if (!bind[k] || there) continue;
        const struct ash_tensor *from = &slot->tensor;
        ASH_TRY(check_bound(bind[k], from, k, err));
        size_t bytes = ash_tensor_bytes(from);
        if (bytes && from->data != bind[k]->data) memcpy(bind[k]->data, from->data, bytes);
    }
    return ASHORE_OK;
}

void ash_frame_end(struct ash_exec *x, struct ash_frame *f) {
    if (f->in_control) {
        f->control.aborting = true;
        const struct ash_step *s = &ash_frame_segment(f)->steps[f->step];
        s->node->op->control(&f->control);
        f->in_control = false;
    }
    for (uint32_t i = 0; i < f->n_slots; i++) ash_value_release(&ash_frame_slots(f)[i].value);
    f->n_slots = 0;
    for (uint32_t i = 0; i < f->n_slabs; i++)
        ash_buf_free(x->heap, (struct ash_buf *)f->slabs.data + i);
    f->n_slabs = 0;
    if (f->owns_plan) ash_plan_destroy(&f->plan);
    f->owns_plan = false;
    f->plan = NULL;
}

void ash_frame_deinit(struct ash_exec *x, struct ash_frame *f) {
    ash_buf_free(x->heap, &f->slots);
    ash_buf_free(x->heap, &f->args);
    ash_buf_free(x->heap, &f->bind);
    ash_buf_free(x->heap, &f->slabs);
    ash_buf_free(x->heap, &f->call);
}
