/* Loop: N values are carried, K outputs are stacked, while a condition holds and a count lasts. */
#include "ops/iterate.h"

#include <string.h>

struct params {
    int carried, stacked;
    struct ash_tensor *like; /* [carried] types of exact ones */
    size_t *memory;          /* [carried] offsets into the scratch; 0: not exact */
};

struct state {
    int64_t i, trip, i_now;
    unsigned char cond, cond_now;
    struct ash_carry *carry;
    struct ash_stack *stack;
};

static const unsigned char yes = 1;

static bool known_true(const struct ash_info *info) {
    return info && info->data && ash_tensor_count(info->data) == 1 &&
           *(const unsigned char *)info->data->data;
}

/* Count and condition are scalars, unless the body declares vectors of one element. */
static int formal_rank(const struct ash_node *node, int k) {
    const struct ash_graph *body = node->sub[0].graph;
    return body->values[body->inputs[k]].type.rank == 1 ? 1 : 0;
}

static struct ash_slot formal_slot(const struct ash_node *node, int k, void *data) {
    struct ash_slot slot = {.tensor = {.dtype = k ? ASHORE_BOOL : ASHORE_INT64,
                                       .rank = formal_rank(node, k),
                                       .dim = {1},
                                       .data = data}};
    return slot;
}

static void formals(struct ash_infer *c, struct ash_info *formal, const struct ash_type *carried,
                    int n, const struct ash_tensor *cond) {
    memset(formal, 0, (size_t)(n + 2) * sizeof *formal);
    for (int k = 0; k < 2; k++) {
        formal[k].type.dtype = k ? ASHORE_BOOL : ASHORE_INT64;
        formal[k].type.rank = (int8_t)formal_rank(c->node, k);
        formal[k].type.dim[0] = ash_dim_exact(1);
    }
    if (formal[1].type.rank == 0) formal[1].data = cond;
    for (int i = 0; i < n; i++) formal[2 + i].type = carried[i];
}

/* Types of carried values are what holds before and after any iteration.  Shapes that are still
 * wandering from value to value after some rounds are given up together. */
static int fixpoint(struct ash_infer *c, int n, struct ash_type *carried, struct ash_info *formal,
                    struct ash_info *result, bool *endless) {
    static const struct ash_tensor true_tensor = {.dtype = ASHORE_BOOL,
                                                  .data = (void *)(uintptr_t)&yes};
    const struct ash_tensor *cond = c->in[1] == NULL || known_true(c->in[1]) ? &true_tensor : NULL;
    bool stable = false;
    for (int round = 0; !stable; round++) {
        for (int i = 0; i < n && round == ASH_FIXPOINT_ROUNDS; i++) ash_type_forget(&carried[i]);
        ASH_FAIL_IF(round > 2 * ASH_FIXPOINT_ROUNDS, c->err, TYPE, "carried values keep no type");
        formals(c, formal, carried, n, cond);
        ASH_TRY(c->infer_sub(c, 0, formal, result));
        stable = cond == NULL || known_true(&result[0]);
        if (!stable) cond = NULL;
        for (int i = 0; i < n; i++) {
            struct ash_type merged = carried[i];
            ASH_TRY(ash_type_merge(&merged, &result[1 + i].type, c->err));
            if (!ash_type_same(&merged, &carried[i])) stable = false;
            carried[i] = merged;
        }
    }
    *endless = cond != NULL;
    return ASHORE_OK;
}

static int infer(struct ash_infer *c) {
    ASH_FAIL_IF(c->node->n_sub != 1, c->err, ATTR, "no body");
    const struct ash_graph *body = c->node->sub[0].graph;
    ASH_FAIL_IF(c->n_in < 2, c->err, FORMAT, "%d inputs, expected two or more", c->n_in);
    int n = c->n_in - 2, k = (int)body->n_outputs - 1 - n;
    ASH_FAIL_IF((int)c->node->sub[0].formal != n + 2 || k < 0 || c->n_out > n + k, c->err, FORMAT,
                "the body has %u inputs and %u outputs; %d values are carried and the node has %d "
                "outputs",
                c->node->sub[0].formal, body->n_outputs, n, c->n_out);
    struct ash_type *carried = ash_arena_array(c->arena, (size_t)n, sizeof *carried);
    struct ash_info *formal = ash_arena_array(c->arena, (size_t)n + 2, sizeof *formal);
    struct ash_info *result = ash_arena_array(c->arena, body->n_outputs, sizeof *result);
    if (!carried || !formal || !result) return ash_fail_nomem(c->err, sizeof *result);
    for (int i = 0; i < n; i++) carried[i] = c->in[2 + i]->type;
    bool endless = false;
    ASH_TRY(fixpoint(c, n, carried, formal, result, &endless));
    int64_t trip = -1;
    int got;
    if (endless && c->in[0] && ash_infer_exact_ints(c, 0, &trip, 1, &got) == ASHORE_OK && trip < 0)
        trip = 0;
    for (int o = 0; o < c->n_out; o++) {
        struct ash_type *t = &c->out[o].type;
        *t = o < n ? carried[o] : result[1 + o].type;
        if (o < n || t->rank < 0 || t->rank >= ASH_MAX_RANK) continue;
        memmove(t->dim + 1, t->dim, (size_t)t->rank * sizeof *t->dim);
        t->dim[0] = trip >= 0 ? ash_dim_exact(trip) : ash_dim_unknown();
        t->rank++;
    }
    return ASHORE_OK;
}

static int lower(struct ash_lower *c) {
    struct params *p = ash_arena_alloc(c->arena, sizeof *p);
    if (!p) return ash_fail_nomem(c->err, sizeof *p);
    p->carried = c->n_in - 2;
    p->stacked = (int)c->node->sub[0].graph->n_outputs - 1 - p->carried;
    p->like = ash_arena_array(c->arena, (size_t)p->carried, sizeof *p->like);
    p->memory = ash_arena_array(c->arena, (size_t)p->carried, sizeof *p->memory);
    if (!p->like || !p->memory) return ash_fail_nomem(c->err, sizeof *p->like);
    size_t at = ash_align_up(sizeof(struct state) + (size_t)p->carried * sizeof(struct ash_carry) +
                             (size_t)p->stacked * sizeof(struct ash_stack));
    for (int i = 0; i < p->carried && i < c->n_out; i++) {
        size_t bytes = ash_carry_bytes(&c->out[i]);
        const struct ash_type *t = &c->out[i].type;
        if (!bytes) continue;
        p->like[i] = (struct ash_tensor){.dtype = t->dtype, .rank = t->rank};
        for (int k = 0; k < t->rank; k++) p->like[i].dim[k] = t->dim[k].value;
        p->memory[i] = at;
        at = ash_size_add(at, bytes);
    }
    c->scratch = at;
    c->params = p;
    return ASHORE_OK;
}

/* One number of this type, where the input is given. */
static int check_scalar(const struct ash_run *run, int i, int dtype, const char *what) {
    const struct ash_tensor *t = run->in[i];
    if (!t) return ASHORE_OK;
    ASH_FAIL_IF(t->dtype != dtype, run->err, TYPE, "the %s is %s, expected %s", what,
                ash_dtype(t->dtype)->name, ash_dtype(dtype)->name);
    ASH_FAIL_IF(ash_tensor_count(t) != 1, run->err, SHAPE, "the %s is not a single %s", what,
                ash_dtype(dtype)->name);
    return ASHORE_OK;
}

static int begin(struct ash_control *c, const struct params *p, struct state *s) {
    unsigned char *scratch = c->run.scratch;
    memset(s, 0, sizeof *s);
    ASH_TRY(check_scalar(&c->run, 0, ASHORE_INT64, "count"));
    ASH_TRY(check_scalar(&c->run, 1, ASHORE_BOOL, "condition"));
    s->carry = (struct ash_carry *)(void *)(s + 1);
    s->stack = (struct ash_stack *)(void *)(s->carry + p->carried);
    memset(s->stack, 0, (size_t)p->stacked * sizeof *s->stack);
    s->trip = c->run.in[0] ? *(const int64_t *)c->run.in[0]->data : INT64_MAX;
    s->cond = c->run.in[1] ? *(const unsigned char *)c->run.in[1]->data != 0 : 1;
    for (int i = 0; i < p->carried; i++)
        ash_carry_init(&s->carry[i], &c->run, 2 + i, p->memory[i] ? scratch + p->memory[i] : NULL,
                       &p->like[i]);
    return ASHORE_OK;
}

static void release(const struct ash_control *c, const struct params *p, struct state *s) {
    for (int i = 0; i < p->carried; i++) ash_carry_release(&s->carry[i]);
    for (int i = 0; i < p->stacked; i++) ash_stack_release(&s->stack[i], c->run.heap);
}

static int take(struct ash_control *c, const struct params *p, struct state *s) {
    s->cond = c->results[0].tensor.data && *(const unsigned char *)c->results[0].tensor.data;
    for (int i = 0; i < p->carried; i++)
        ASH_TRY(ash_carry_take(&s->carry[i], &c->run, &c->results[1 + i]));
    for (int i = 0; i < p->stacked; i++) {
        int o = p->carried + i;
        if (o < c->run.n_out)
            ASH_TRY(ash_stack_put(&s->stack[i], &c->run, o, s->i - 1, &c->results[1 + o]));
    }
    return ASHORE_OK;
}

static int finish(struct ash_control *c, const struct params *p, struct state *s) {
    for (int i = 0; i < p->carried && i < c->run.n_out; i++)
        ASH_TRY(ash_carry_finish(&s->carry[i], &c->run, i));
    const struct ash_graph *body = c->run.node->sub[0].graph;
    for (int i = 0; i < p->stacked; i++) {
        int o = p->carried + i;
        if (o < c->run.n_out)
            ASH_TRY(ash_stack_finish(&s->stack[i], &c->run, o,
                                     &body->values[body->outputs[1 + o]].type));
    }
    return ASHORE_OK;
}

static int go_on(struct ash_control *c, const struct params *p, struct state *s) {
    s->i_now = s->i++;
    s->cond_now = s->cond;
    c->args[0] = formal_slot(c->run.node, 0, &s->i_now);
    c->args[1] = formal_slot(c->run.node, 1, &s->cond_now);
    for (int i = 0; i < p->carried; i++) {
        c->args[2 + i] = s->carry[i].now;
        c->bind[1 + i] = ash_carry_bind(&s->carry[i]);
    }
    c->call = 0;
    return ASHORE_PENDING;
}

static int control(struct ash_control *c) {
    const struct params *p = c->run.params;
    struct state *s = c->run.scratch;
    int rc = ASHORE_OK;
    if (c->phase == 0 && !c->aborting) ASH_TRY(begin(c, p, s));
    if (c->phase > 0 && !c->aborting) rc = take(c, p, s);
    if (rc == ASHORE_OK && !c->aborting) {
        if (s->i < s->trip && s->cond) return go_on(c, p, s);
        rc = finish(c, p, s);
    }
    release(c, p, s);
    return rc;
}

extern const struct ash_op ash_ops_loop[];
const struct ash_op ash_ops_loop[] = {
    {.name = "Loop",
     .domain = "",
     .since = 1,
     .in_min = 0,
     .in_max = ASH_VARIADIC,
     .out_min = 1,
     .out_max = ASH_VARIADIC,
     .flags = ASH_OP_IMPURE | ASH_OP_VALUES,
     .infer = infer,
     .lower = lower,
     .control = control},
    {0},
};
