/* SequenceMap: the body once for each item of a sequence; other sequences give one item each, too,
 * tensors themselves. */
#include "ir/op.h"

#include <string.h>

static int map_parse(const struct ash_parse *c, void *attrs) {
    (void)attrs;
    ASH_FAIL_IF(c->node->n_sub != 1, c->err, ATTR, "no body");
    ASH_FAIL_IF(c->node->sub[0].formal != c->node->n_formal ||
                    c->node->sub[0].graph->n_outputs != c->node->n_out,
                c->err, FORMAT, "the body has %u inputs and %u outputs, the node %u and %u",
                c->node->sub[0].formal, c->node->sub[0].graph->n_outputs, c->node->n_formal,
                c->node->n_out);
    return ASHORE_OK;
}

static int map_infer(struct ash_infer *c) {
    struct ash_info *formal = ash_arena_array(c->arena, (size_t)c->n_in, sizeof *formal);
    struct ash_info *result = ash_arena_array(c->arena, (size_t)c->n_out, sizeof *result);

    if (!formal || !result) return ash_fail_nomem(c->err, sizeof *formal);
    for (int i = 0; i < c->n_in; i++) {
        ASH_FAIL_IF(!c->in[i], c->err, ARGUMENT, "input %d is missing", i);
        const struct ash_type *t = &c->in[i]->type;

        formal[i].type = (struct ash_type){.rank = -1};
        if (t->kind != ASHORE_SEQUENCE)
            formal[i].type = *t;
        else if (t->elem)
            formal[i].type = *t->elem;
    }
    ASH_TRY(c->infer_sub(c, 0, formal, result));
    for (int o = 0; o < c->n_out; o++) {
        struct ash_type *elem = ash_arena_alloc(c->arena, sizeof *elem);

        if (!elem) return ash_fail_nomem(c->err, sizeof *elem);
        *elem = result[o].type;
        c->out[o].type = (struct ash_type){.kind = ASHORE_SEQUENCE, .rank = -1, .elem = elem};
    }
    return ASHORE_OK;
}

struct map_state {
    size_t count, done;
    struct ashore_value *list[]; /* the outputs */
};

static int map_lower(struct ash_lower *c) {
    c->scratch = sizeof(struct map_state) + (size_t)c->n_out * sizeof(struct ashore_value *);
    return ASHORE_OK;
}

static const struct ashore_value *list_of(const struct ash_run *run, int i) {
    const struct ashore_value *v = run->in_value[i];
    return v && v->kind == ASHORE_SEQUENCE ? v : NULL;
}

static int map_begin(struct ash_run *run, struct map_state *s) {
    const struct ashore_value *first = list_of(run, 0);

    memset(s, 0, sizeof *s + (size_t)run->n_out * sizeof s->list[0]);
    ASH_FAIL_IF(!first, run->err, TYPE, "input 0 is not a sequence");
    s->count = first->count;
    for (int i = 1; i < run->n_in; i++) {
        const struct ashore_value *other = list_of(run, i);
        ASH_FAIL_IF(other && other->count != s->count, run->err, SHAPE,
                    "sequences of %zu and of %zu items", s->count, (size_t)other->count);
    }
    for (int o = 0; o < run->n_out; o++)
        ASH_TRY(ash_value_list(run->heap, ASHORE_SEQUENCE, s->count, &s->list[o], run->err));
    return ASHORE_OK;
}

static int map_take(struct ash_control *c, struct map_state *s) {
    for (int o = 0; o < c->run.n_out; o++) {
        const struct ash_slot *r = &c->results[o];
        struct ashore_value **item = &s->list[o]->items[s->done];

        if (r->value)
            *item = ash_value_retain(r->value);
        else
            ASH_TRY(ash_value_copy(c->run.heap, &r->tensor, item, c->run.err));
    }
    s->done++;
    return ASHORE_OK;
}

static int map_call(struct ash_control *c, const struct map_state *s) {
    for (int i = 0; i < c->run.n_in; i++) {
        const struct ashore_value *list = list_of(&c->run, i);
        struct ash_slot *arg = &c->args[i];

        *arg = (struct ash_slot){.value = list ? list->items[s->done] : c->run.in_value[i]};
        if (!list && c->run.in[i]) arg->tensor = *c->run.in[i];
        if (list && arg->value->kind == ASHORE_TENSOR) arg->tensor = arg->value->tensor;
    }
    c->call = 0;
    return ASHORE_PENDING;
}

static int map_control(struct ash_control *c) {
    struct map_state *s = c->run.scratch;
    int rc = ASHORE_OK;

    if (c->phase == 0 && !c->aborting) rc = map_begin(&c->run, s);
    if (c->phase > 0 && !c->aborting) rc = map_take(c, s);
    if (rc == ASHORE_OK && !c->aborting && s->done < s->count) return map_call(c, s);
    for (int o = 0; o < c->run.n_out; o++) {
        if (rc == ASHORE_OK && !c->aborting) {
            ash_value_release(&c->run.out_value[o]);
            c->run.out_value[o] = s->list[o];
            s->list[o] = NULL;
        }
        ash_value_release(&s->list[o]);
    }
    return rc;
}

extern const struct ash_op ash_ops_sequence_map[];
const struct ash_op ash_ops_sequence_map[] = {
    {.name = "SequenceMap",
     .domain = "",
     .since = 17,
     .in_min = 1,
     .in_max = ASH_VARIADIC,
     .out_min = 1,
     .out_max = ASH_VARIADIC,
     .flags = ASH_OP_IMPURE | ASH_OP_VALUES,
     .parse = map_parse,
     .infer = map_infer,
     .lower = map_lower,
     .control = map_control},
    {0},
};
