/* Scan: state is carried over the slices of some inputs, and outputs are stacked.  In its first
 * version every value has a batch dimension in front and the scanned axis is the next one; the
 * batch entries are then scanned one after the other. */
#include "ops/iterate.h"

#include <string.h>

struct attrs {
    int64_t n_scan;
    const int64_t *in_axes, *in_reverse, *out_axes, *out_reverse;
    size_t n_in_axes, n_in_reverse, n_out_axes, n_out_reverse;
    bool batched;
};

struct params {
    int states, scans, stacked;
    int first; /* input that holds the first state */
    struct ash_tensor *like;
    size_t *memory;
};

struct state {
    int64_t i, n, b, batch;
    struct ash_carry *carry;
    struct ash_stack *stack;
    struct ash_slot *slice;         /* [scans] what the body reads now */
    struct ash_stack *batch_states; /* batched: final states, stacked over the batch */
};

static int parse(const struct ash_parse *c, void *attrs) {
    struct attrs *a = attrs;
    a->batched = c->node->opset < 9;
    ASH_TRY(ash_parse_int_required(c, "num_scan_inputs", &a->n_scan));
    ASH_TRY(ash_parse_ints(c, "scan_input_axes", &a->in_axes, &a->n_in_axes));
    ASH_TRY(ash_parse_ints(c, a->batched ? "directions" : "scan_input_directions", &a->in_reverse,
                           &a->n_in_reverse));
    ASH_TRY(ash_parse_ints(c, "scan_output_axes", &a->out_axes, &a->n_out_axes));
    ASH_TRY(ash_parse_ints(c, "scan_output_directions", &a->out_reverse, &a->n_out_reverse));
    int first = a->batched, n = (int)c->node->n_formal - first;
    ASH_FAIL_IF(a->n_scan < 1 || a->n_scan > n, c->err, ATTR,
                "num_scan_inputs is %lld of %d inputs", (long long)a->n_scan, n);
    ASH_FAIL_IF(c->node->n_sub != 1, c->err, ATTR, "no body");
    int states = n - (int)a->n_scan;
    const struct ash_graph *body = c->node->sub[0].graph;
    ASH_FAIL_IF((int)c->node->sub[0].formal != n || (int)body->n_outputs < states ||
                    c->node->n_out > body->n_outputs,
                c->err, FORMAT, "the body has %u inputs and %u outputs, the node %d and %u",
                c->node->sub[0].formal, body->n_outputs, n, c->node->n_out);
    size_t stacked = body->n_outputs - (size_t)states, scans = (size_t)a->n_scan;
    ASH_FAIL_IF((a->in_axes && a->n_in_axes != scans) ||
                    (a->in_reverse && a->n_in_reverse != scans) ||
                    (a->out_axes && a->n_out_axes != stacked) ||
                    (a->out_reverse && a->n_out_reverse != stacked),
                c->err, ATTR, "axes or directions do not match the scanned inputs or outputs");
    for (size_t i = 0; i < a->n_out_axes; i++)
        ASH_FAIL_IF(a->out_axes[i] < -ASH_MAX_RANK || a->out_axes[i] >= ASH_MAX_RANK, c->err, ATTR,
                    "axis %lld is out of range", (long long)a->out_axes[i]);
    return ASHORE_OK;
}

static int scan_axis(const struct attrs *a, int i, int rank, int *axis, struct ashore_error *err) {
    int64_t given = a->batched ? 1 : a->in_axes ? a->in_axes[i] : 0;
    return ash_axis(given, rank, axis, err);
}

static void drop_dim(struct ash_type *t, int axis) {
    if (t->rank <= axis) return;
    memmove(t->dim + axis, t->dim + axis + 1, (size_t)(t->rank - axis - 1) * sizeof *t->dim);
    t->rank--;
}

static void add_dim(struct ash_type *t, int axis, struct ash_dim d) {
    if (t->rank < 0) return;
    if (axis > t->rank || t->rank >= ASH_MAX_RANK) {
        t->rank = -1;
        return;
    }
    memmove(t->dim + axis + 1, t->dim + axis, (size_t)(t->rank - axis) * sizeof *t->dim);
    t->dim[axis] = d;
    t->rank++;
}

/* The formal inputs' types and the number of slices. */
static int scan_formals(struct ash_infer *c, struct ash_info *formal, struct ash_dim *length,
                        struct ash_dim *batch) {
    const struct attrs *a = c->attrs;
    int first = a->batched, n = c->n_in - first, states = n - (int)a->n_scan;
    *length = *batch = ash_dim_unknown();
    for (int i = 0; i < n; i++) {
        const struct ash_info *in = c->in[first + i];
        ASH_FAIL_IF(!in, c->err, FORMAT, "input %d is left out", first + i);
        formal[i].type = in->type;
        if (in->type.rank < 0) continue;
        if (i >= states) {
            int axis;
            ASH_TRY(scan_axis(a, i - states, in->type.rank, &axis, c->err));
            struct ash_dim d = in->type.dim[axis];
            ASH_FAIL_IF(length->kind == ASH_DIM_EXACT && d.kind == ASH_DIM_EXACT &&
                            d.value != length->value,
                        c->err, SHAPE, "scanned inputs have %lld and %lld slices",
                        (long long)length->value, (long long)d.value);
            if (length->kind != ASH_DIM_EXACT) *length = d;
            drop_dim(&formal[i].type, axis);
        }
        if (!a->batched) continue;
        *batch = in->type.dim[0];
        drop_dim(&formal[i].type, 0);
    }
    return ASHORE_OK;
}

static int infer(struct ash_infer *c) {
    const struct attrs *a = c->attrs;
    const struct ash_graph *body = c->node->sub[0].graph;
    int n = c->n_in - a->batched, states = n - (int)a->n_scan;
    struct ash_info *formal = ash_arena_array(c->arena, (size_t)n, sizeof *formal);
    struct ash_info *result = ash_arena_array(c->arena, body->n_outputs, sizeof *result);
    if (!formal || !result) return ash_fail_nomem(c->err, sizeof *result);
    struct ash_dim length, batch;
    ASH_TRY(scan_formals(c, formal, &length, &batch));
    for (int round = 0, stable = 0; !stable; round++) {
        for (int i = 0; i < states && round == ASH_FIXPOINT_ROUNDS; i++)
            ash_type_forget(&formal[i].type);
        ASH_FAIL_IF(round > 2 * ASH_FIXPOINT_ROUNDS, c->err, TYPE, "states keep no type");
        ASH_TRY(c->infer_sub(c, 0, formal, result));
        stable = 1;
        for (int i = 0; i < states; i++) {
            struct ash_type merged = formal[i].type;
            ASH_TRY(ash_type_merge(&merged, &result[i].type, c->err));
            if (!ash_type_same(&merged, &formal[i].type)) stable = 0;
            formal[i].type = merged;
        }
    }
    for (int o = 0; o < c->n_out; o++) {
        struct ash_type *t = &c->out[o].type;
        *t = o < states ? formal[o].type : result[o].type;
        if (o >= states && t->rank >= 0) {
            int64_t axis = a->out_axes ? a->out_axes[o - states] : 0;
            int at;
            ASH_TRY(ash_axis(axis, t->rank + 1, &at, c->err));
            add_dim(t, at, length);
        }
        if (a->batched) add_dim(t, 0, batch);
    }
    return ASHORE_OK;
}

static int lower(struct ash_lower *c) {
    const struct attrs *a = c->attrs;
    struct params *p = ash_arena_alloc(c->arena, sizeof *p);
    if (!p) return ash_fail_nomem(c->err, sizeof *p);
    p->first = a->batched;
    p->scans = (int)a->n_scan;
    p->states = c->n_in - p->first - p->scans;
    p->stacked = (int)c->node->sub[0].graph->n_outputs - p->states;
    p->like = ash_arena_array(c->arena, (size_t)p->states, sizeof *p->like);
    p->memory = ash_arena_array(c->arena, (size_t)p->states, sizeof *p->memory);
    if (!p->like || !p->memory) return ash_fail_nomem(c->err, sizeof *p->like);
    size_t at = ash_align_up(
        sizeof(struct state) +
        (size_t)p->states * (sizeof(struct ash_carry) + sizeof(struct ash_stack)) +
        (size_t)p->stacked * sizeof(struct ash_stack) + (size_t)p->scans * sizeof(struct ash_slot));
    for (int i = 0; i < p->states && i < c->n_out; i++) {
        struct ash_info info = {.type = c->out[i].type};
        if (a->batched) drop_dim(&info.type, 0);
        size_t bytes = ash_carry_bytes(&info);
        if (!bytes) continue;
        p->like[i] = (struct ash_tensor){.dtype = info.type.dtype, .rank = info.type.rank};
        for (int k = 0; k < info.type.rank; k++) p->like[i].dim[k] = info.type.dim[k].value;
        p->memory[i] = at;
        at = ash_size_add(at, bytes);
    }
    c->scratch = at;
    c->params = p;
    return ASHORE_OK;
}

/* Entry b of a tensor's first dimension, as a view. */
static struct ash_tensor entry(const struct ash_tensor *t, int64_t b) {
    struct ash_tensor e = {.dtype = t->dtype, .rank = t->rank - 1, .chars = t->chars};
    for (int i = 0; i < e.rank; i++) e.dim[i] = t->dim[i + 1];
    e.data = (unsigned char *)t->data + (size_t)b * ash_tensor_bytes(&e);
    return e;
}

static void begin_entry(struct ash_control *c, const struct params *p, struct state *s) {
    unsigned char *scratch = c->run.scratch;
    for (int i = 0; i < p->states; i++) {
        ash_carry_release(&s->carry[i]);
        ash_carry_init(&s->carry[i], &c->run, p->first + i,
                       p->memory[i] ? scratch + p->memory[i] : NULL, &p->like[i]);
        if (p->first) {
            ash_value_release(&s->carry[i].now.value);
            s->carry[i].now.tensor = entry(c->run.in[p->first + i], s->b);
        }
    }
    s->i = 0;
}

static int begin(struct ash_control *c, const struct params *p, struct state *s) {
    const struct attrs *a = c->run.attrs;
    memset(s, 0, sizeof *s);
    s->carry = (struct ash_carry *)(void *)(s + 1);
    s->stack = (struct ash_stack *)(void *)(s->carry + p->states);
    s->batch_states = s->stack + p->stacked;
    s->slice = (struct ash_slot *)(void *)(s->batch_states + p->states);
    memset(s->carry, 0,
           (size_t)((unsigned char *)(s->slice + p->scans) - (unsigned char *)s->carry));
    for (int i = 0; i < p->stacked; i++) {
        s->stack[i].axis = a->out_axes ? (int)a->out_axes[i] : 0;
        s->stack[i].reverse = a->out_reverse && a->out_reverse[i];
    }
    const struct ash_tensor *x = c->run.in[p->first + p->states];
    int axis;
    ASH_TRY(scan_axis(a, 0, x->rank, &axis, c->run.err));
    s->n = x->dim[axis];
    s->batch = p->first ? x->dim[0] : 1;
    begin_entry(c, p, s);
    return ASHORE_OK;
}

static void release(struct ash_control *c, const struct params *p, struct state *s) {
    for (int i = 0; i < p->states; i++) ash_carry_release(&s->carry[i]);
    for (int i = 0; i < p->states; i++) ash_stack_release(&s->batch_states[i], c->run.heap);
    for (int i = 0; i < p->stacked; i++) ash_stack_release(&s->stack[i], c->run.heap);
    for (int i = 0; i < p->scans; i++) ash_value_release(&s->slice[i].value);
}

/* Slice t of a scanned input: a view along the first axis, a copy along others. */
static int take_slice(struct ash_run *run, const struct ash_tensor *x, int axis, int64_t t,
                      struct ash_slot *slot) {
    struct ash_tensor e = {.dtype = x->dtype, .rank = x->rank - 1, .chars = x->chars};
    for (int i = 0; i < e.rank; i++) e.dim[i] = x->dim[i < axis ? i : i + 1];
    size_t inner = (size_t)ash_dims_product(x->dim, axis + 1, x->rank) * ash_dtype_size(x->dtype);
    const unsigned char *from = (const unsigned char *)x->data + (size_t)t * inner;
    ash_value_release(&slot->value);
    if (axis == 0 || x->dtype == ASHORE_STRING) {
        ASH_FAIL_IF(axis != 0, run->err, UNSUPPORTED, "strings are scanned along axis 0 only");
        e.data = (void *)(uintptr_t)from;
        slot->tensor = e;
        return ASHORE_OK;
    }
    ASH_TRY(ash_value_tensor(run->heap, e.dtype, e.rank, e.dim, &slot->value, run->err));
    int64_t outer = ash_dims_product(x->dim, 0, axis);
    for (int64_t k = 0; inner && k < outer; k++)
        memcpy((unsigned char *)slot->value->tensor.data + (size_t)k * inner,
               from + (size_t)(k * x->dim[axis]) * inner, inner);
    slot->tensor = slot->value->tensor;
    return ASHORE_OK;
}

static int go_on(struct ash_control *c, const struct params *p, struct state *s) {
    const struct attrs *a = c->run.attrs;
    for (int i = 0; i < p->states; i++) {
        c->args[i] = s->carry[i].now;
        c->bind[i] = ash_carry_bind(&s->carry[i]);
    }
    for (int i = 0; i < p->scans; i++) {
        struct ash_tensor x = *c->run.in[p->first + p->states + i];
        if (p->first) x = entry(&x, s->b);
        int axis = 0;
        if (!p->first) ASH_TRY(scan_axis(a, i, x.rank, &axis, c->run.err));
        ASH_FAIL_IF(x.rank == 0 || x.dim[axis] != s->n, c->run.err, SHAPE,
                    "scanned input %d does not have %lld slices", i, (long long)s->n);
        bool reverse = a->in_reverse && a->in_reverse[i];
        ASH_TRY(take_slice(&c->run, &x, axis, reverse ? s->n - 1 - s->i : s->i, &s->slice[i]));
        c->args[p->states + i] = s->slice[i];
    }
    s->i++;
    c->call = 0;
    return ASHORE_PENDING;
}

/* Output o of entry b of a batch is an output in its own right. */
static int take(struct ash_control *c, const struct params *p, struct state *s) {
    for (int i = 0; i < p->states; i++)
        ASH_TRY(ash_carry_take(&s->carry[i], &c->run, &c->results[i]));
    for (int i = 0; i < p->stacked; i++) {
        int o = p->states + i;
        if (o >= c->run.n_out || !c->run.out[o]) continue;
        struct ash_tensor view = p->first ? entry(c->run.out[o], s->b) : *c->run.out[o];
        if (p->first)
            ASH_FAIL_IF(!c->run.out[o]->data, c->run.err, UNSUPPORTED,
                        "a batched scan whose shapes hang on data");
        struct ash_tensor *all = c->run.out[o];
        if (p->first) ((struct ash_tensor **)(uintptr_t)c->run.out)[o] = &view;
        int rc = ash_stack_put(&s->stack[i], &c->run, o, s->i - 1, &c->results[o]);
        ((struct ash_tensor **)(uintptr_t)c->run.out)[o] = all;
        ASH_TRY(rc);
    }
    return ASHORE_OK;
}

static int end_entry(struct ash_control *c, const struct params *p, struct state *s) {
    const struct ash_graph *body = c->run.node->sub[0].graph;
    for (int i = 0; i < p->states && i < c->run.n_out; i++) {
        if (!p->first)
            ASH_TRY(ash_carry_finish(&s->carry[i], &c->run, i));
        else
            ASH_TRY(ash_stack_put(&s->batch_states[i], &c->run, i, s->b, &s->carry[i].now));
    }
    for (int i = 0; i < p->stacked && !p->first; i++) {
        int o = p->states + i;
        if (o < c->run.n_out)
            ASH_TRY(
                ash_stack_finish(&s->stack[i], &c->run, o, &body->values[body->outputs[o]].type));
    }
    return ASHORE_OK;
}

static int control(struct ash_control *c) {
    const struct params *p = c->run.params;
    struct state *s = c->run.scratch;
    int rc = ASHORE_OK;
    if (c->phase == 0 && !c->aborting) rc = begin(c, p, s);
    if (c->phase > 0 && !c->aborting) rc = take(c, p, s);
    while (rc == ASHORE_OK && !c->aborting) {
        if (s->b < s->batch && s->i < s->n) {
            rc = go_on(c, p, s);
            break;
        }
        if (s->b < s->batch) rc = end_entry(c, p, s);
        if (rc != ASHORE_OK || ++s->b >= s->batch) break;
        begin_entry(c, p, s);
    }
    if (rc != ASHORE_PENDING) release(c, p, s);
    return rc;
}

extern const struct ash_op ash_ops_scan[];
const struct ash_op ash_ops_scan[] = {
    {.name = "Scan",
     .domain = "",
     .since = 8,
     .in_min = 0,
     .in_max = ASH_VARIADIC,
     .out_min = 1,
     .out_max = ASH_VARIADIC,
     .flags = ASH_OP_IMPURE,
     .attrs_size = sizeof(struct attrs),
     .parse = parse,
     .infer = infer,
     .lower = lower,
     .control = control},
    {0},
};
