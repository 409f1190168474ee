/* Running one step: arguments gathered, results taken, strings moved. */
#include "rt/frame.h"

#include "base/clock.h"
#include "base/trimming.h"

#include <string.h>

size_t ash_step_arrays_size(const struct ash_step *s) {
    return s->n_in * (sizeof(struct ash_tensor *) + sizeof(struct ashore_value *)) +
           s->n_out * (sizeof(struct ash_tensor *) + sizeof(struct ashore_value *) +
                       sizeof(void *) + sizeof(size_t));
}

void ash_step_bind(struct ash_exec *x, struct ash_frame *f, const struct ash_step *s,
                   struct ash_run *run, void *arrays, struct ashore_error *err) {
    const struct ash_tensor **in = arrays;
    struct ash_tensor **out = (struct ash_tensor **)(void *)(in + s->n_in);
    struct ashore_value **in_value = (struct ashore_value **)(void *)(out + s->n_out);
    struct ashore_value **out_value = in_value + s->n_in;
    void **planned = (void **)(void *)(out_value + s->n_out);
    size_t *room = (size_t *)(void *)(planned + s->n_out);
    struct ash_slot *slots = ash_frame_slots(f);
    for (uint32_t i = 0; i < s->n_in; i++) {
        in[i] = NULL;
        in_value[i] = NULL;
        if (s->in[i] == ASH_NONE) continue;
        const struct ash_slot *slot = &slots[s->in[i]];
        in_value[i] = slot->value;
        if (slot->tensor.dtype) in[i] = &slot->tensor;
    }
    for (uint32_t i = 0; i < s->n_out; i++) {
        out[i] = s->out[i] == ASH_NONE ? NULL : &slots[s->out[i]].tensor;
        out_value[i] = NULL;
        planned[i] = out[i] ? out[i]->data : NULL;
        room[i] = s->out[i] == ASH_NONE ? 0 : f->plan->places[s->out[i]].room;
    }
    *run = (struct ash_run){.node = s->node,
                            .attrs = s->node->attrs,
                            .params = s->params,
                            .n_in = (int)s->node->n_formal,
                            .n_out = (int)s->n_out,
                            .in = in,
                            .out = out,
                            .planned = planned,
                            .out_room = room,
                            .in_value = in_value,
                            .out_value = out_value,
                            .scratch = s->scratch_size ? f->slab + s->scratch : NULL,
                            .out_step = s->out_step,
                            .pool = x->pool,
                            .heap = x->heap,
                            .err = err};
}

static void release_slot(struct ash_slot *slot) {
    ash_value_release(&slot->value);
    slot->tensor.dtype = 0;
    slot->tensor.data = NULL;
}

/* A value came where memory was planned: it moves there.  The extents were inferred, from declared
 * types too: they must be what the value has. */
static int move_in(const struct ash_place *place, struct ash_slot *slot, struct ashore_value *v,
                   struct ashore_error *err) {
    const struct ash_type *t = &place->info.type;
    struct ash_tensor *to = &slot->tensor;
    const struct ash_tensor *from = &v->tensor;
    size_t bytes = ash_tensor_bytes(from);
    bool fits = from->dtype == t->dtype && from->rank == t->rank && bytes <= place->room;
    for (int i = 0; fits && i < t->rank; i++)
        fits = t->dim[i].kind != ASH_DIM_EXACT || t->dim[i].value == from->dim[i];
    if (!fits) {
        char got[160], want[160];
        ash_shape_text(got, sizeof got, from->dtype, from->rank, from->dim);
        ash_type_text(NULL, t, want, sizeof want);
        return ash_fail(err, ASHORE_ERR_SHAPE, "the result is %s, expected %s", got, want);
    }
    to->dtype = from->dtype;
    to->rank = from->rank;
    for (int i = 0; i < from->rank; i++) to->dim[i] = from->dim[i];
    if (bytes && to->data != from->data) memcpy(to->data, from->data, bytes);
    return ASHORE_OK;
}

static int settle_output(struct ash_frame *f, const struct ash_step *s, uint32_t i,
                         struct ashore_value **v, struct ash_run *run) {
    if (!*v || s->out[i] == ASH_NONE) return ASHORE_OK;
    const struct ash_place *place = &f->plan->places[s->out[i]];
    struct ash_slot *slot = &ash_frame_slots(f)[s->out[i]];
    bool planned = place->where == ASH_AT_SLAB || place->where == ASH_AT_OUTPUT;
    if (planned && (*v)->kind == ASHORE_TENSOR) {
        slot->tensor.data = (unsigned char *)run->planned[i];
        return move_in(place, slot, *v, run->err);
    }
    ash_value_release(&slot->value);
    slot->value = *v;
    *v = NULL;
    if (slot->value->kind == ASHORE_TENSOR)
        slot->tensor = slot->value->tensor;
    else
        slot->tensor.dtype = 0;
    return ASHORE_OK;
}

int ash_step_settle(struct ash_frame *f, const struct ash_step *s, struct ash_run *run) {
    struct ash_slot *slots = ash_frame_slots(f);
    int rc = ASHORE_OK;
    for (uint32_t i = 0; i < s->n_out; i++) {
        if (rc == ASHORE_OK) rc = settle_output(f, s, i, &run->out_value[i], run);
        ash_value_release(&run->out_value[i]);
    }
    for (uint32_t i = 0; i < s->n_kill; i++) release_slot(&slots[s->kill[i]]);
    return rc;
}

/* ---- strings ----
 *
 * A data movement operator copies string records without knowing it.  Records are offsets into the
 * text of their tensor, so before it runs the texts of all string inputs are joined into one, which
 * the output then owns, and the records are moved to it. */

struct joined {
    struct ash_tensor t;
    size_t bytes;
};

static int join_text(struct ash_run *run, struct joined *j, char *text, size_t *at) {
    for (int i = 0; i < run->n_in; i++) {
        const struct ash_tensor *in = run->in[i];
        if (!in || in->dtype != ASHORE_STRING) continue;
        j[i].t = *in;
        j[i].bytes = ash_tensor_bytes(in);
        size_t n = (size_t)ash_tensor_count(in);
        const struct ash_str *from = in->data;
        struct ash_str *to = ash_alloc_aligned(run->heap, j[i].bytes ? j[i].bytes : 1);
        if (!to) return ash_fail_nomem(run->err, j[i].bytes);
        j[i].t.data = to;
        for (size_t k = 0; k < n; k++) {
            if (from[k].length) memcpy(text + *at, in->chars + from[k].offset, from[k].length);
            to[k] = (struct ash_str){(uint32_t)*at, from[k].length};
            *at += from[k].length;
        }
        ((const struct ash_tensor **)(uintptr_t)run->in)[i] = &j[i].t;
    }
    return ASHORE_OK;
}

static size_t text_size(const struct ash_run *run) {
    size_t total = 0;
    for (int i = 0; i < run->n_in; i++) {
        const struct ash_tensor *in = run->in[i];
        if (!in || in->dtype != ASHORE_STRING) continue;
        const struct ash_str *s = in->data;
        size_t n = (size_t)ash_tensor_count(in);
        for (size_t k = 0; k < n; k++) total = ash_size_add(total, s[k].length);
    }
    return total;
}

/* What is known of output k where it is strings of known shape, else NULL. */
static const struct ash_info *string_info(const struct ash_frame *f, const struct ash_step *s,
                                          uint32_t k) {
    if (s->out[k] == ASH_NONE) return NULL;
    const struct ash_info *info = &f->plan->places[s->out[k]].info;
    bool strings = info->type.kind == ASHORE_TENSOR && info->type.dtype == ASHORE_STRING;
    return strings && ash_info_exact(info) ? info : NULL;
}

/* Every output gets room for all of the text; *text is that of the first. */
static int strings_outputs(const struct ash_frame *f, const struct ash_step *s, struct ash_run *run,
                           size_t chars, char **text) {
    for (uint32_t k = 0; k < s->n_out; k++) {
        const struct ash_info *info = string_info(f, s, k);
        int64_t dim[ASH_MAX_RANK];
        struct ashore_value *v;
        if (!info) continue;
        for (int i = 0; i < info->type.rank; i++) dim[i] = info->type.dim[i].value;
        ASH_TRY(ash_value_strings(run->heap, info->type.rank, dim, chars, &v, run->err));
        *run->out[k] = v->tensor;
        run->out_value[k] = v;
        if (!*text) *text = (char *)(uintptr_t)v->tensor.chars;
    }
    return ASHORE_OK;
}

static ASH_APART int run_strings(const struct ash_frame *f, const struct ash_step *s,
                                 struct ash_run *run) {
    size_t bytes = (size_t)run->n_in * sizeof(struct joined), chars = text_size(run), at = 0;
    struct joined *j = ash_alloc_zero(run->heap, bytes);
    char *text = NULL;
    int rc = j ? strings_outputs(f, s, run, chars, &text) : ash_fail_nomem(run->err, bytes);
    if (rc == ASHORE_OK) rc = join_text(run, j, text, &at);
    for (uint32_t k = 0; k < s->n_out && rc == ASHORE_OK && chars; k++) {
        char *own = string_info(f, s, k) ? (char *)(uintptr_t)run->out[k]->chars : text;
        if (own != text) memcpy(own, text, chars);
    }
    if (rc == ASHORE_OK) rc = s->run(run);
    for (int i = 0; j && i < run->n_in; i++)
        ash_free_aligned(run->heap, j[i].t.data, j[i].bytes ? j[i].bytes : 1);
    ash_free(run->heap, j, bytes);
    return rc;
}
ASH_ABSENT_WITHOUT(run_strings, "+string");

static void profile(struct ash_exec *x, struct ash_frame *f, const struct ash_step *s,
                    double seconds) {
    struct ash_stat *stat = &x->stats[s->node->id];
    stat->seconds += seconds;
    if (s->converts) return;
    stat->runs++;
    stat->kernel = s->kernel;
    if (s->n_out && s->out[0] != ASH_NONE) stat->type = f->plan->places[s->out[0]].info.type;
}

/* Inference saw to it where it knew what a value is. */
int ash_step_check(const struct ash_step *s, const struct ash_run *run) {
    if (s->node->op->flags & ASH_OP_VALUES) return ASHORE_OK;
    for (int i = 0; i < run->n_in; i++) {
        ASH_MISFIT_IF(s->in[i] != ASH_NONE && !run->in[i], run->err, TYPE,
                      "input %d must be a tensor", i);
    }
    return ASHORE_OK;
}

/* What the operator was given, before its message. */
static void name_inputs(const struct ash_run *run, struct ashore_error *err) {
    char text[320];
    size_t at = 0;
    if (!err || err->op[0]) return; /* the message has its node already */
    for (int i = 0; i < run->n_in && i < 6 && at + 100 < sizeof text; i++) {
        const struct ash_tensor *t = run->in[i];
        if (i) text[at++] = ',', text[at++] = ' ';
        if (t)
            ash_shape_text(text + at, 90, t->dtype, t->rank, t->dim);
        else
            memcpy(text + at, run->in_value[i] ? "a list" : "-", run->in_value[i] ? 7 : 2);
        at += strlen(text + at);
    }
    text[at] = '\0';
    if (at) ash_error_prefix(err, "inputs %s: ", text);
}

int ash_step_run(struct ash_exec *x, struct ash_frame *f, const struct ash_step *s,
                 struct ashore_error *err) {
    struct ash_run run;
    ash_step_bind(x, f, s, &run, x->pointers.data, err);
    double start = x->stats ? ash_clock() : 0;
    bool strings = false;
    for (uint32_t k = 0; k < s->n_out && (s->node->op->flags & ASH_OP_MOVES); k++)
        strings = strings || string_info(f, s, k);
    int rc = ash_step_check(s, &run);
    if (rc == ASHORE_OK) rc = strings ? run_strings(f, s, &run) : s->run(&run);
    if (rc < 0) name_inputs(&run, err);
    int settled = ash_step_settle(f, s, &run);
    if (rc == ASHORE_OK) rc = settled;
    if (x->stats) profile(x, f, s, ash_clock() - start);
    if (rc != ASHORE_OK) ash_error_node(err, s->node);
    return rc;
}
