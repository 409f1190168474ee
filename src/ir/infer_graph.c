#include "ir/infer.h"

#include <string.h>

enum { DEPTH_MAX = 64, FOLD_ARITY_MAX = 64, LET_GO_LEAST = 4096 };

/* Hosts of WebAssembly compile a function anew when its size times its calls is large.  That takes
 * longer than all that this file does for a model, and is not worth it: what few nodes need is kept
 * out of what is called for each. */
#define RARE ASH_APART

struct ash_info ash_info_const(const struct ash_tensor *t) {
    struct ash_info info = {.data = t};
    info.type.dtype = (uint8_t)t->dtype;
    info.type.rank = (int8_t)t->rank;
    for (int i = 0; i < t->rank; i++) info.type.dim[i] = ash_dim_exact(t->dim[i]);
    return info;
}

bool ash_info_exact(const struct ash_info *info) {
    const struct ash_type *t = &info->type;
    if (t->kind != ASHORE_TENSOR || t->rank < 0 || t->dtype == 0) return false;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i].kind != ASH_DIM_EXACT) return false;
    }
    return true;
}

static struct ash_tensor exact_tensor(const struct ash_type *type) {
    struct ash_tensor t = {.dtype = type->dtype, .rank = type->rank};
    for (int i = 0; i < type->rank; i++) t.dim[i] = type->dim[i].value;
    return t;
}

/* Runs the reference of node on in[] into fresh tensors of the arena; outputs have exact types. */
static int evaluate(struct ash_inference *f, const struct ash_node *node,
                    const struct ash_tensor *const *in, struct ash_tensor *const *out) {
    static struct ashore_value *const none[FOLD_ARITY_MAX];
    struct ashore_value *made[FOLD_ARITY_MAX] = {0};
    size_t room[FOLD_ARITY_MAX] = {0};
    for (uint32_t i = 0; i < node->n_out; i++) {
        size_t bytes;
        ASH_TRY(ash_shape_check(out[i]->dtype, out[i]->rank, out[i]->dim, NULL, &bytes, f->err));
        out[i]->data = ash_arena_alloc(f->arena, bytes);
        if (!out[i]->data) return ash_fail_nomem(f->err, bytes);
        room[i] = bytes;
    }
    struct ash_run run = {.node = node,
                          .attrs = node->attrs,
                          .n_in = (int)node->n_in,
                          .n_out = (int)node->n_out,
                          .in = in,
                          .out = out,
                          .out_room = room,
                          .in_value = none,
                          .out_value = made,
                          .heap = f->heap,
                          .err = f->err};
    int rc = node->op->ref(&run);
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (made[i] && rc == ASHORE_OK) rc = ASHORE_NEEDS_DATA; /* not a plain tensor after all */
        ash_value_release(&made[i]);
    }
    return rc;
}

/* What takes no more room than its inputs is always worth it: weights turned or converted. */
static size_t fold_limit(const struct ash_inference *f, const struct ash_node *node,
                         const struct ash_info *const *in) {
    size_t given = 0;
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (in[i]) given = ash_size_add(given, ash_tensor_bytes(in[i]->data));
    }
    return given > f->fold_limit ? given : f->fold_limit;
}

static bool foldable(const struct ash_inference *f, const struct ash_node *node,
                     const struct ash_info *const *in, const struct ash_info *out) {
    const struct ash_op *op = node->op;
    if (!f->fold_limit || !op->ref || (op->flags & ASH_OP_IMPURE) || node->n_sub) return false;
    if (node->n_in > FOLD_ARITY_MAX || node->n_out > FOLD_ARITY_MAX) return false;
    size_t limit = fold_limit(f, node, in);
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (!ash_info_exact(&out[i]) || out[i].type.dtype == ASHORE_STRING) return false;
        struct ash_tensor t = exact_tensor(&out[i].type);
        size_t bytes;
        if (ash_shape_check(t.dtype, t.rank, t.dim, NULL, &bytes, NULL) != ASHORE_OK) return false;
        if (bytes > limit && !(op->flags & ASH_OP_VIEW)) return false;
    }
    return true;
}

/* A constant seen in another shape: the same data. */
static int fold_view(struct ash_inference *f, const struct ash_tensor *in, struct ash_info *out) {
    struct ash_tensor *t = ash_arena_alloc(f->arena, sizeof *t);
    if (!t) return ash_fail_nomem(f->err, sizeof *t);
    *t = exact_tensor(&out->type);
    t->data = in->data;
    out->data = t;
    return ASHORE_OK;
}

static RARE int fold(struct ash_inference *f, const struct ash_node *node,
                     const struct ash_info *const *in, struct ash_info *out) {
    const struct ash_tensor *tin[FOLD_ARITY_MAX];
    struct ash_tensor *tout[FOLD_ARITY_MAX];
    if (node->op->flags & ASH_OP_VIEW) return fold_view(f, in[0]->data, out);
    for (uint32_t i = 0; i < node->n_in; i++) tin[i] = in[i] ? in[i]->data : NULL;
    for (uint32_t i = 0; i < node->n_out; i++) {
        tout[i] = ash_arena_alloc(f->arena, sizeof *tout[i]);
        if (!tout[i]) return ash_fail_nomem(f->err, sizeof *tout[i]);
        *tout[i] = exact_tensor(&out[i].type);
    }
    int rc = evaluate(f, node, tin, tout);
    if (rc == ASHORE_ERR_NOMEM) return rc;
    /* What fails on constants fails when it runs, if it ever does. */
    if (rc != ASHORE_OK) return ASHORE_OK;
    for (uint32_t i = 0; i < node->n_out; i++) out[i].data = tout[i];
    return ASHORE_OK;
}

/* The codes of a small integer tensor as a tensor of int64. */
static bool code_tensor(struct ash_inference *f, const struct ash_info *in, struct ash_tensor *t) {
    *t = exact_tensor(&in->type);
    int64_t n = ash_tensor_count(t);
    if (n > ASH_CONTENT_MAX) return false;
    t->dtype = ASHORE_INT64;
    if (in->content) {
        t->data = (void *)(uintptr_t)in->content;
        return true;
    }
    int64_t *codes = ash_arena_array(f->arena, (size_t)n, sizeof *codes);
    if (!codes) return false;
    for (int64_t i = 0; i < n; i++) {
        codes[i] = in->type.dtype == ASHORE_INT64 ? ((const int64_t *)in->data->data)[i]
                                                  : ((const int32_t *)in->data->data)[i];
    }
    t->data = codes;
    return true;
}

/* Numbers of a constant that would be taken for codes. */
static bool like_codes(const struct ash_tensor *t) {
    int64_t n = t && t->dtype == ASHORE_INT64 ? ash_tensor_count(t) : 0;
    for (int64_t i = 0; i < n; i++) {
        if (ash_dim_is_code(((const int64_t *)t->data)[i])) return true;
    }
    return false;
}

/* Data movement on extent codes: inputs of the output's type become codes, index inputs stay as
 * they are.  Which is which does not matter where both are integers that are known exactly. */
static RARE int move_codes(struct ash_inference *f, const struct ash_node *node,
                           const struct ash_info *const *in, struct ash_info *out) {
    int dtype = out->type.dtype;
    if (node->n_out != 1 || !node->op->ref || (dtype != ASHORE_INT64 && dtype != ASHORE_INT32))
        return ASHORE_OK;
    struct ash_tensor t[FOLD_ARITY_MAX], result;
    const struct ash_tensor *tin[FOLD_ARITY_MAX];
    bool symbolic = false;
    if (!ash_info_exact(out) || node->n_in > FOLD_ARITY_MAX) return ASHORE_OK;
    result = exact_tensor(&out->type);
    result.dtype = ASHORE_INT64;
    if (ash_tensor_count(&result) > ASH_CONTENT_MAX) return ASHORE_OK;
    for (uint32_t i = 0; i < node->n_in; i++) {
        tin[i] = NULL;
        if (!in[i]) continue;
        if (!in[i]->data && !in[i]->content) return ASHORE_OK;
        if (in[i]->content) symbolic = true;
        if (in[i]->type.dtype != dtype || (!in[i]->content && dtype == ASHORE_INT64)) {
            if (!in[i]->data) return ASHORE_OK;
            tin[i] = in[i]->data;
        } else {
            if (!code_tensor(f, in[i], &t[i])) return ASHORE_OK;
            tin[i] = &t[i];
        }
    }
    if (!symbolic) return ASHORE_OK;
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (in[i] && !in[i]->content && like_codes(in[i]->data)) return ASHORE_OK;
    }
    /* An index that is itself a code is out of every range: then nothing is known. */
    struct ash_inference quiet = *f;
    struct ash_tensor *tout = &result;
    quiet.err = NULL;
    int rc = evaluate(&quiet, node, tin, &tout);
    if (rc == ASHORE_OK) out->content = result.data;
    return rc == ASHORE_ERR_NOMEM ? ash_fail_nomem(f->err, sizeof result) : ASHORE_OK;
}

/* Contents without a symbol are a constant: what computes them need not run. */
static RARE int keep_content(struct ash_inference *f, struct ash_info *out) {
    int dtype = out->type.dtype;
    if (!f->fold_limit || out->data || !out->content || !ash_info_exact(out) ||
        (dtype != ASHORE_INT64 && dtype != ASHORE_INT32))
        return ASHORE_OK;
    struct ash_tensor *t = ash_arena_alloc(f->arena, sizeof *t);
    if (!t) return ash_fail_nomem(f->err, sizeof *t);
    *t = exact_tensor(&out->type);
    int64_t n = ash_tensor_count(t);
    for (int64_t i = 0; i < n; i++) {
        if (ash_dim_is_code(out->content[i])) return ASHORE_OK;
    }
    t->data = ash_arena_array(f->arena, (size_t)n, sizeof(int64_t));
    if (!t->data) return ash_fail_nomem(f->err, (size_t)n * sizeof(int64_t));
    for (int64_t i = 0; i < n; i++) {
        if (dtype == ASHORE_INT64)
            ((int64_t *)t->data)[i] = out->content[i];
        else
            ((int32_t *)t->data)[i] = (int32_t)out->content[i];
    }
    out->data = t;
    return ASHORE_OK;
}

static int infer_sub(struct ash_infer *c, int k, const struct ash_info *formal,
                     struct ash_info *out) {
    struct ash_inference *f = c->driver;
    const struct ash_sub *sub = &c->node->sub[k];
    struct ash_info *in = ash_arena_array(f->arena, sub->graph->n_inputs, sizeof *in);
    if (!in) return ash_fail_nomem(f->err, sub->graph->n_inputs * sizeof *in);
    for (uint32_t i = 0; i < sub->graph->n_inputs; i++)
        in[i] = i < sub->formal ? formal[i] : *c->in[sub->first_capture + i - sub->formal];
    if (f->sub_formal && f->depth == 1) f->sub_formal[k] = in;
    return ash_infer_graph(f, sub->graph, in, out, NULL);
}
ASH_ABSENT_WITHOUT(infer_sub, "+nested");

static ASH_APART int infer_by_body(struct ash_inference *f, const struct ash_node *node,
                                   const struct ash_info *const *in, struct ash_info *out) {
    struct ash_graph *body;
    int rc = ash_body(node, f->arena, f->syms, in, &body, f->err);
    if (rc != ASHORE_OK) return rc;
    struct ash_info *given = ash_arena_array(f->arena, body->n_inputs, sizeof *given);
    if (!given) return ash_fail_nomem(f->err, body->n_inputs * sizeof *given);
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (in[i]) given[n++] = *in[i];
    }
    return ash_infer_graph(f, body, given, out, NULL);
}
ASH_ABSENT_WITHOUT(infer_by_body, "+body");

/* Nobody after this has to think of tensors that cannot exist; and references take it that their
 * outputs are there when the inputs tell their extents. */
static int check_size(const struct ash_info *out, bool overflow, struct ashore_error *err) {
    if (ash_info_exact(out)) {
        struct ash_tensor t = exact_tensor(&out->type);
        return ash_shape_check(t.dtype, t.rank, t.dim, NULL, NULL, err);
    }
    ASH_FAIL_IF(overflow && out->type.kind == ASHORE_TENSOR, err, LIMIT,
                "the extents of the result are too large");
    return ASHORE_OK;
}

static int infer_node(struct ash_inference *f, const struct ash_node *node,
                      const struct ash_info *const *in, struct ash_info *out) {
    const struct ash_op *op = node->op;
    for (uint32_t i = 0; i < node->n_out; i++) {
        memset(&out[i], 0, sizeof out[i]);
        out[i].type.rank = -1;
    }
    if (!op) return ASHORE_OK;
    for (uint32_t i = 0; i < node->n_formal && !(op->flags & ASH_OP_VALUES); i++) {
        ASH_MISFIT_IF(in[i] && in[i]->type.kind != ASHORE_TENSOR, f->err, TYPE,
                      "input %u must be a tensor", i);
    }
    bool all = true, any = false, overflow = false;
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (!in[i]) continue;
        any = true;
        if (!in[i]->data || in[i]->data->dtype == ASHORE_STRING) all = false;
    }
    if (!op->infer) return infer_by_body(f, node, in, out);
    struct ash_infer c = {.node = node,
                          .attrs = node->attrs,
                          .n_in = (int)node->n_formal,
                          .n_out = (int)node->n_out,
                          .in = in,
                          .out = out,
                          .syms = f->syms,
                          .arena = f->arena,
                          .err = f->err,
                          .overflow = &overflow,
                          .infer_sub = infer_sub,
                          .driver = f};
    ASH_TRY(op->infer(&c));
    for (uint32_t i = 0; i < node->n_out; i++) ASH_TRY(check_size(&out[i], overflow, f->err));
    if (all && (any || node->n_in == 0) && foldable(f, node, in, out))
        return fold(f, node, in, out);
    if ((op->flags & ASH_OP_MOVES) && !out->content) ASH_TRY(move_codes(f, node, in, out));
    return node->n_out == 1 && !node->n_sub ? keep_content(f, out) : ASHORE_OK;
}

static void describe_inputs(struct ash_inference *f, const struct ash_node *node,
                            const struct ash_info *const *in) {
    char text[320] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < node->n_formal && at < sizeof text - 100; i++) {
        char one[100] = "-";
        if (in[i]) ash_type_text(f->syms, &in[i]->type, one, sizeof one);
        size_t n = strlen(one);
        if (i) {
            memcpy(text + at, ", ", 2);
            at += 2;
        }
        memcpy(text + at, one, n + 1);
        at += n;
        if (i == 7) break;
    }
    if (f->err && !f->err->op[0] && *text) ash_error_prefix(f->err, "inputs %s: ", text);
    ash_error_node(f->err, node);
}

int ash_infer_node(struct ash_inference *f, const struct ash_node *node,
                   const struct ash_info *const *in, struct ash_info *out) {
    ASH_MISFIT_IF(f->depth > DEPTH_MAX, f->err, LIMIT, "subgraphs nest deeper than %d", DEPTH_MAX);
    f->depth++;
    int rc = infer_node(f, node, in, out);
    f->depth--;
    if (rc < 0) describe_inputs(f, node, in);
    return rc;
}

/* Node has been computed: large constants that it alone was made of go back to the arena, unless
 * other values show the same numbers, and are not known any more. */
static void let_go(struct ash_inference *f, const struct ash_graph *g, const struct ash_node *node,
                   const uint32_t *uses, struct ash_info *all) {
    for (uint32_t k = 0; k < node->n_in; k++) {
        uint32_t v = node->in[k];
        if (v == ASH_NONE || uses[v] != 1 || !all[v].data ||
            ash_tensor_bytes(all[v].data) < LET_GO_LEAST)
            continue;
        const void *data = all[v].data->data;
        bool shown = false;
        for (uint32_t i = 0; i < g->n_values; i++)
            shown |= i != v && all[i].data && all[i].data->data == data;
        if (!shown && ash_arena_release(f->arena, data)) all[v].data = NULL;
    }
}

int ash_infer_graph(struct ash_inference *f, const struct ash_graph *g, const struct ash_info *in,
                    struct ash_info *out, struct ash_info **infos) {
    struct ash_info *all = ash_arena_array(f->arena, g->n_values, sizeof *all);
    uint32_t *uses = ash_arena_array(f->arena, g->n_values, sizeof *uses);
    if (!all || !uses) return ash_fail_nomem(f->err, g->n_values * sizeof *all);
    ash_graph_uses(g, uses);
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (g->values[i].data)
            all[i] = ash_info_const(g->values[i].data);
        else
            all[i].type.rank = -1;
    }
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        all[g->inputs[i]] = in[i];
        uses[g->inputs[i]]++; /* by who calls */
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct ash_node *n = g->nodes[i];
        const struct ash_info **nin = ash_arena_array(f->arena, n->n_in, sizeof *nin);
        struct ash_info *nout = ash_arena_array(f->arena, n->n_out, sizeof *nout);
        if (!nin || !nout) return ash_fail_nomem(f->err, n->n_out * sizeof *nout);
        for (uint32_t k = 0; k < n->n_in; k++)
            nin[k] = n->in[k] == ASH_NONE ? NULL : &all[n->in[k]];
        int rc = ash_infer_node(f, n, nin, nout);
        if (rc < 0) return rc;
        for (uint32_t k = 0; k < n->n_out; k++) {
            if (n->out[k] != ASH_NONE) all[n->out[k]] = nout[k];
        }
        if (n->n_out == 1 && nout->data) let_go(f, g, n, uses, all);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i] != ASH_NONE) out[i] = all[g->outputs[i]];
    }
    if (infos) *infos = all;
    return ASHORE_OK;
}
