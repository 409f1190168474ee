/* What is done to each channel after a convolution by constants moves into its weights and bias:
 * BatchNormalization, and Mul, Div, Add and Sub by a number or by one number per channel. */
#include "opt/passes.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_scale, "Conv");

/* y = scale[m] * x + shift[m] for output channel m of M. */
struct affine {
    size_t M;
    double *scale, *shift;
};

static const struct ash_tensor *constant_f32(const struct ash_pass *p, const struct ash_node *n,
                                             uint32_t i) {
    return i < n->n_formal ? ash_pass_f32(p, n->in[i]) : NULL;
}

static float attr_float(const struct ash_node *n, const char *name, float fallback) {
    const struct ash_attr *a = ash_node_attr(n, name);
    return a && a->type == ASH_ATTR_FLOAT ? a->v.f : fallback;
}

static bool from_batch_norm(const struct ash_pass *p, const struct ash_node *n, struct affine *f) {
    const float *v[4];
    if (n->opset < 7) return false;
    const struct ash_attr *training = ash_node_attr(n, "training_mode");
    if (training && training->type == ASH_ATTR_INT && training->v.i) return false;
    for (uint32_t i = 0; i < 4; i++) {
        const struct ash_tensor *t = constant_f32(p, n, i + 1);
        if (!t || (size_t)ash_tensor_count(t) != f->M) return false;
        v[i] = t->data;
    }
    for (uint32_t k = 1; k < n->n_out; k++) {
        if (n->out[k] != ASH_NONE && p->uses[n->out[k]]) return false;
    }
    double eps = (double)attr_float(n, "epsilon", 1e-5f);
    for (size_t m = 0; m < f->M; m++) {
        f->scale[m] = (double)v[0][m] / sqrt((double)v[3][m] + eps);
        f->shift[m] = (double)v[1][m] - (double)v[2][m] * f->scale[m];
    }
    return true;
}

static bool from_arithmetic(const struct ash_pass *p, const struct ash_node *n, uint32_t conv_out,
                            int rank, struct affine *f) {
    static const char *const ops[] = {"Mul", "Div", "Add", "Sub"};
    size_t op = 0;
    while (op < 4 && strcmp(n->op_type, ops[op]) != 0) op++;
    if (op == 4 || n->opset < 7 || n->n_formal != 2) return false;
    uint32_t side = n->in[0] == conv_out ? 1 : 0;
    if ((op == 1 || op == 3) && side == 0) return false; /* constant - x, constant / x */
    const struct ash_tensor *t = constant_f32(p, n, side);
    bool one;
    if (!t || !ash_pass_per_channel(t, rank, f->M, &one)) return false;
    const float *v = t->data;
    for (size_t m = 0; m < f->M; m++) {
        double x = (double)v[one ? 0 : m];
        f->scale[m] = op == 0 ? x : op == 1 ? 1 / x : 1;
        f->shift[m] = op == 2 ? x : op == 3 ? -x : 0;
    }
    return true;
}

static int new_const(struct ash_pass *p, const struct ash_tensor *like, uint32_t *id,
                     struct ash_tensor **t) {
    return ash_graph_add_const(p->graph, "", like->dtype, like->rank, like->dim, id, t, p->err);
}

/* The output channel that block i of the weights is for: Conv's are [M][C][...], ConvTranspose's
 * [groups * C][M / groups][...]. */
static size_t channel_of(const struct ash_node *conv, const struct ash_tensor *w, size_t M,
                         size_t i) {
    if (strcmp(conv->op_type, "ConvTranspose") != 0) return i;
    size_t each = (size_t)w->dim[1], inputs = (size_t)w->dim[0] / (M / each);
    return i / each / inputs * each + i % each;
}

/* The bias is [M]; weights and bias become float32.  Like follow, apart from the loop over nodes:
 * see infer_graph.c. */
static __attribute__((noinline)) int absorb(struct ash_pass *p, struct ash_node *conv,
                                            const struct affine *f, const struct ash_tensor *w,
                                            const struct ash_tensor *b) {
    int64_t M = (int64_t)f->M;
    struct ash_tensor shape = {.dtype = ASHORE_FLOAT32, .rank = 1, .dim = {M}}, *nw, *nb;
    uint32_t wid, bid, *in = ash_arena_array(p->arena, 3, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, 3 * sizeof *in);
    ASH_TRY(new_const(p, w, &wid, &nw));
    ASH_TRY(new_const(p, &shape, &bid, &nb));
    size_t blocks = f->M;
    if (!strcmp(conv->op_type, "ConvTranspose")) blocks = (size_t)(w->dim[0] * w->dim[1]);
    size_t each = (size_t)ash_tensor_count(w) / blocks;
    const float *from = w->data;
    float *to = nw->data, *bias = nb->data;
    for (size_t k = 0; k < blocks; k++, from += each, to += each) {
        double scale = f->scale[channel_of(conv, w, f->M, k)];
        for (size_t i = 0; i < each; i++) to[i] = (float)((double)from[i] * scale);
    }
    for (size_t m = 0; m < f->M; m++) {
        double old = b ? (double)((const float *)b->data)[m] : 0;
        bias[m] = (float)(old * f->scale[m] + f->shift[m]);
    }
    ash_pass_drop(p, conv->in[1]);
    in[0] = conv->in[0];
    in[1] = wid;
    in[2] = bid;
    conv->in = in;
    conv->n_in = conv->n_formal = 3;
    return ASHORE_OK;
}

/* The node after conv, if it is the only one: what it does to each channel is put on top of f. */
static __attribute__((noinline)) bool follow(struct ash_pass *p, struct ash_node *conv, int rank,
                                             struct affine *f, struct affine *one) {
    struct ash_node *next = ash_pass_single_use(p, conv->out[0]);
    if (!next || *next->domain) return false;
    bool batch_norm = !strcmp(next->op_type, "BatchNormalization") && next->in[0] == conv->out[0];
    bool fits = batch_norm ? from_batch_norm(p, next, one)
                           : from_arithmetic(p, next, conv->out[0], rank, one);
    for (size_t m = 0; fits && m < f->M; m++)
        fits = isfinite(one->scale[m]) && isfinite(one->shift[m]);
    if (!fits) return false;
    for (size_t m = 0; m < f->M; m++) {
        f->scale[m] *= one->scale[m];
        f->shift[m] = f->shift[m] * one->scale[m] + one->shift[m];
    }
    ash_pass_take_over(p, conv, next);
    return true;
}

static size_t output_channels(const struct ash_node *conv, const struct ash_tensor *w) {
    const struct ash_attr *group = ash_node_attr(conv, "group");
    if (strcmp(conv->op_type, "ConvTranspose") != 0) return (size_t)w->dim[0];
    return (size_t)w->dim[1] * (group && group->type == ASH_ATTR_INT ? (size_t)group->v.i : 1);
}

static int visit(struct ash_pass *p, struct ash_node *conv) {
    const struct ash_tensor *w = constant_f32(p, conv, 1), *b = constant_f32(p, conv, 2);
    bool bias = conv->n_formal > 2 && conv->in[2] != ASH_NONE;
    if (!w || w->rank < 3 || ash_tensor_count(w) == 0 || (bias && !b)) return ASHORE_OK;
    struct affine f = {.M = output_channels(conv, w)}, one = f;
    f.scale = ash_arena_array(p->scratch, 4 * f.M, sizeof *f.scale);
    if (!f.scale) return ash_fail_nomem(p->err, 4 * f.M * sizeof *f.scale);
    f.shift = f.scale + f.M;
    one.scale = f.shift + f.M;
    one.shift = one.scale + f.M;
    for (size_t m = 0; m < f.M; m++) f.scale[m] = 1;
    bool any = false;
    while (follow(p, conv, w->rank, &f, &one)) any = true;
    return any ? absorb(p, conv, &f, w, b) : ASHORE_OK;
}

int ash_pass_scale(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        struct ash_node *n = p->graph->nodes[i];
        bool conv = !strcmp(n->op_type, "Conv") || !strcmp(n->op_type, "ConvTranspose");
        if (!*n->domain && n->op && conv) ASH_TRY(visit(p, n));
    }
    return ASHORE_OK;
}
