/* If: the one branch that the condition names. */
#include "ir/op.h"

static int choose(const struct ash_info *const *in) {
    const struct ash_tensor *cond = in[0] ? in[0]->data : NULL;
    if (!cond || cond->dtype != ASHORE_BOOL || ash_tensor_count(cond) != 1) return -1;
    return *(const unsigned char *)cond->data ? 0 : 1;
}

static int parse(const struct ash_parse *c, void *attrs) {
    (void)attrs;
    ASH_FAIL_IF(c->node->n_sub != 2, c->err, ATTR, "%u branches, expected two", c->node->n_sub);
    for (int k = 0; k < 2; k++) {
        const struct ash_sub *sub = &c->node->sub[k];
        ASH_FAIL_IF(sub->formal, c->err, FORMAT, "a branch has %u inputs, expected none",
                    sub->formal);
        ASH_FAIL_IF(sub->graph->n_outputs != c->node->n_out, c->err, FORMAT,
                    "a branch has %u outputs, the node %u", sub->graph->n_outputs, c->node->n_out);
    }
    return ASHORE_OK;
}

static int infer(struct ash_infer *c) {
    const struct ash_type *cond = &c->in[0]->type;
    ASH_FAIL_IF(cond->dtype && cond->dtype != ASHORE_BOOL, c->err, TYPE, "the condition is %s",
                ash_dtype(cond->dtype)->name);
    struct ash_info *branch = ash_arena_array(c->arena, 2 * (size_t)c->n_out, sizeof *branch);
    if (!branch) return ash_fail_nomem(c->err, sizeof *branch);
    int rc[2];
    for (int k = 0; k < 2; k++) {
        rc[k] = c->infer_sub(c, k, NULL, branch + k * c->n_out);
        if (rc[k] == ASHORE_ERR_NOMEM) return rc[k];
    }
    /* A branch that cannot run at these shapes is no error until it is taken: whatever comes out of
     * the node is then what the other one gives. */
    if (rc[0] < 0 && rc[1] < 0) return rc[1];
    for (int o = 0; o < c->n_out; o++) {
        c->out[o].type = branch[rc[0] < 0 ? c->n_out + o : o].type;
        if (rc[0] < 0 || rc[1] < 0) continue;
        ASH_TRY(ash_type_merge(&c->out[o].type, &branch[c->n_out + o].type, c->err));
    }
    return ASHORE_OK;
}

static int control(struct ash_control *c) {
    if (c->aborting) return ASHORE_OK;
    if (c->phase == 0) {
        const struct ash_tensor *cond = c->run.in[0];
        ASH_FAIL_IF(!cond || ash_tensor_count(cond) != 1, c->run.err, SHAPE,
                    "the condition is not a single bool");
        c->call = *(const unsigned char *)cond->data ? 0 : 1;
        for (int o = 0; o < c->run.n_out; o++) ash_control_bind(c, o, o);
        return ASHORE_PENDING;
    }
    for (int o = 0; o < c->run.n_out; o++) ASH_TRY(ash_control_take(c, o, o));
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_control[];
const struct ash_op ash_ops_control[] = {
    {.name = "If",
     .domain = "",
     .since = 1,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = ASH_VARIADIC,
     .flags = ASH_OP_IMPURE,
     .parse = parse,
     .infer = infer,
     .control = control,
     .choose = choose},
    {0},
};
