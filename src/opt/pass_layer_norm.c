/* Normalisations over the last dimension that are written as arithmetic become LayerNormalization:
 *
 *   d = x - mean(x), d / sqrt(mean(d * d) + epsilon) [* scale] [+ bias]
 *
 * and RMSNormalization, which is the same with d = x, where the operator is there. */
#include "opt/passes.h"

#include "ops/convert.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_layer_norm, "ReduceMean Sqrt");
ASH_MAKES("LayerNormalization", "ReduceMean Sqrt Sub");
ASH_MAKES("RMSNormalization", "ReduceMean Sqrt");

struct norm {
    uint32_t x;
    int64_t D; /* the last extent of x */
    bool rms;
    double epsilon;
    uint32_t scale, bias; /* ASH_NONE: 1, 0 */
};

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->op && !*n->domain && !strcmp(n->op_type, op);
}

static bool scalar(const struct ash_pass *p, uint32_t v, double *s) {
    const struct ash_tensor *t = ash_pass_f32(p, v);
    if (!t || ash_tensor_count(t) != 1) return false;
    *s = (double)*(const float *)t->data;
    return true;
}

/* What makes v, if v has exactly `uses` uses. */
static const struct ash_node *inner(const struct ash_pass *p, uint32_t v, uint32_t uses) {
    const struct ash_node *n = ash_pass_producer(p, v);
    return n && n->n_out == 1 && p->uses[v] == uses ? n : NULL;
}

/* n is the mean over the last of `rank` dimensions, which stays with extent 1. */
static bool is_last_mean(const struct ash_pass *p, const struct ash_node *n, int rank) {
    if (!is_op(n, "ReduceMean")) return false;
    const struct ash_attr *keep = ash_node_attr(n, "keepdims"), *axes = ash_node_attr(n, "axes");
    if (keep && (keep->type != ASH_ATTR_INT || keep->v.i == 0)) return false;
    int64_t axis;
    if (n->opset >= 18) {
        uint32_t v = n->n_formal == 2 ? n->in[1] : ASH_NONE;
        const struct ash_tensor *t = v == ASH_NONE ? NULL : p->graph->values[v].data;
        if (!t || t->dtype != ASHORE_INT64 || ash_tensor_count(t) != 1) return false;
        axis = *(const int64_t *)t->data;
    } else {
        if (!axes || axes->type != ASH_ATTR_INTS || axes->count != 1) return false;
        axis = axes->v.ints[0];
    }
    return axis == -1 || axis == rank - 1;
}

/* The last extent of v, 0 when it is not known or v does not run in float32. */
static int64_t last_extent(const struct ash_pass *p, uint32_t v) {
    if (v >= p->infos_n) return 0;
    const struct ash_type *t = &p->infos[v].type;
    if (t->kind != ASHORE_TENSOR || !ash_pass_runs_f32(t->dtype) || t->rank < 1) return 0;
    struct ash_dim last = t->dim[t->rank - 1];
    return last.kind == ASH_DIM_EXACT ? last.value : 0;
}

/* v = sqrt(mean(q) + epsilon), *q with nothing else hanging on it. */
static bool match_deviation(const struct ash_pass *p, uint32_t v, int rank, double *epsilon,
                            const struct ash_node **q) {
    const struct ash_node *root = inner(p, v, 1);
    if (!is_op(root, "Sqrt")) return false;
    const struct ash_node *sum = inner(p, root->in[0], 1);
    if (!is_op(sum, "Add") || sum->n_formal != 2) return false;
    bool left = scalar(p, sum->in[0], epsilon);
    if (!left && !scalar(p, sum->in[1], epsilon)) return false;
    const struct ash_node *mean = inner(p, sum->in[left], 1);
    if (!is_last_mean(p, mean, rank)) return false;
    *q = inner(p, mean->in[0], 1);
    return *q && *epsilon >= 0 && isfinite(*epsilon);
}

/* The value whose square q makes; *times: how often q uses it. */
static uint32_t square_of(const struct ash_pass *p, const struct ash_node *q, uint32_t *times) {
    double exponent;
    *times = is_op(q, "Mul") ? 2 : 1;
    if (q->n_formal != 2) return ASH_NONE;
    if (*times == 2) return q->in[0] == q->in[1] ? q->in[0] : ASH_NONE;
    bool pow2 = is_op(q, "Pow") && scalar(p, q->in[1], &exponent) && exponent == 2;
    return pow2 ? q->in[0] : ASH_NONE;
}

/* d = x - mean(x), used `uses` times, the mean `means` times. */
static bool match_centred(const struct ash_pass *p, uint32_t d, uint32_t uses, uint32_t means,
                          int rank, uint32_t *x) {
    const struct ash_node *sub = inner(p, d, uses);
    if (!is_op(sub, "Sub") || sub->n_formal != 2) return false;
    const struct ash_node *mean = inner(p, sub->in[1], means);
    *x = sub->in[0];
    return is_last_mean(p, mean, rank) && mean->in[0] == *x;
}

/* d is centred, once for the division and for the square or once for each. */
static bool match_centre(const struct ash_pass *p, uint32_t d, uint32_t squared, uint32_t times,
                         int rank, uint32_t *x) {
    if (d == squared) return match_centred(p, d, 1 + times, 1, rank, x);
    uint32_t other;
    for (uint32_t means = 1; means <= 2; means++) { /* one for each, or one for both */
        if (match_centred(p, d, 1, means, rank, x) &&
            match_centred(p, squared, times, means, rank, &other) && other == *x)
            return true;
    }
    return false;
}

/* Division of d = n->in[0] (of in[i] when it multiplies by the reciprocal) by its deviation. */
static bool match_quotient(const struct ash_pass *p, const struct ash_node *n, uint32_t i,
                           struct norm *f) {
    uint32_t d = n->in[i], v = n->in[1 - i], times;
    if (d == ASH_NONE || d >= p->infos_n || v == ASH_NONE) return false;
    if (is_op(n, "Mul")) {
        const struct ash_node *inverse = inner(p, v, 1);
        double one;
        if (is_op(inverse, "Reciprocal"))
            v = inverse->in[0];
        else if (is_op(inverse, "Div") && scalar(p, inverse->in[0], &one) && one == 1)
            v = inverse->in[1];
        else
            return false;
    }
    const struct ash_node *q;
    int rank = p->infos[d].type.rank;
    if (rank < 1 || !match_deviation(p, v, rank, &f->epsilon, &q)) return false;
    uint32_t squared = square_of(p, q, &times);
    if (squared == ASH_NONE) return false;
    f->rms = !match_centre(p, d, squared, times, rank, &f->x);
    if (f->rms) f->x = d;
    if (f->rms && d != squared) return false;
    f->D = last_extent(p, f->x);
    return f->D > 0;
}

/* The node after n when it is `op` with a constant of one number for each of D places. */
static struct ash_node *vector_op(const struct ash_pass *p, const struct ash_node *n,
                                  const char *op, const struct norm *f, uint32_t *v) {
    struct ash_node *next = ash_pass_single_use(p, n->out[0]);
    if (!is_op(next, op) || next->n_formal != 2 || next->n_out != 1) return NULL;
    uint32_t other = next->in[next->in[0] == n->out[0]];
    const struct ash_tensor *t = ash_pass_f32(p, other);
    if (!t || t->rank < 1 || t->rank > p->infos[f->x].type.rank) return NULL;
    if (ash_tensor_count(t) != f->D || t->dim[t->rank - 1] != f->D) return NULL;
    *v = other;
    return next;
}

/* The constant as a vector, ones where there is none. */
static int vector(struct ash_pass *p, uint32_t v, int dtype, int64_t D, uint32_t *out) {
    const float one = 1;
    struct ash_tensor *t;
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, 1, &D, out, &t, p->err));
    if (v != ASH_NONE) memcpy(t->data, p->graph->values[v].data->data, ash_tensor_bytes(t));
    for (int64_t i = 0; v == ASH_NONE && i < D; i++) ash_store_f32(dtype, &one, 1, ash_at(t, i));
    return ASHORE_OK;
}

static int become(struct ash_pass *p, struct ash_node *n, const struct norm *f) {
    const struct ash_attr axis = {.name = "axis", .type = ASH_ATTR_INT, .v.i = -1};
    const struct ash_attr epsilon = {
        .name = "epsilon", .type = ASH_ATTR_FLOAT, .v.f = (float)f->epsilon};
    uint32_t *in = ash_arena_array(p->arena, 3, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, 3 * sizeof *in);
    in[0] = f->x;
    int dtype = p->infos[f->x].type.dtype;
    ASH_TRY(vector(p, f->scale, dtype, f->D, &in[1]));
    if (f->bias != ASH_NONE) ASH_TRY(vector(p, f->bias, dtype, f->D, &in[2]));
    n->in = in;
    n->n_in = n->n_formal = f->bias == ASH_NONE ? 2 : 3;
    n->op_type = f->rms ? "RMSNormalization" : "LayerNormalization";
    n->opset = ASH_OPSET_NEWEST;
    n->raw = NULL;
    n->n_raw = 0;
    n->label = NULL;
    ASH_TRY(ash_node_set_attr(p->graph, n, &axis, p->err));
    ASH_TRY(ash_node_set_attr(p->graph, n, &epsilon, p->err));
    p->changed = true;
    return ash_node_resolve(p->graph, n, p->err);
}

static int visit(struct ash_pass *p, struct ash_node *n) {
    struct norm f = {.scale = ASH_NONE, .bias = ASH_NONE};
    bool quotient = is_op(n, "Div"), product = is_op(n, "Mul");
    if ((!quotient && !product) || n->opset < 7 || n->n_formal != 2 || n->n_out != 1)
        return ASHORE_OK;
    if (!match_quotient(p, n, 0, &f) && !(product && match_quotient(p, n, 1, &f))) return ASHORE_OK;
    if (f.rms && !ash_op_find("", "RMSNormalization", ASH_OPSET_NEWEST)) return ASHORE_OK;
    struct ash_node *next = vector_op(p, n, "Mul", &f, &f.scale);
    if (next) n = next;
    next = f.rms ? NULL : vector_op(p, n, "Add", &f, &f.bias);
    return become(p, next ? next : n, &f);
}

int ash_pass_layer_norm(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) ASH_TRY(visit(p, p->graph->nodes[i]));
    return ASHORE_OK;
}
