/* What is done to each channel before a convolution by constants (Mul, Div, Add and Sub by a number
 * or by one number per channel, of values that nothing else uses) moves into its weights and bias.
 *
 * Padding is zero behind those operators, not before them, so a convolution with padding takes in
 * factors alone: of scale * x + shift it leaves the sum x + shift / scale. */
#include "opt/passes.h"

#include "ops/convert.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_prescale, "Conv");
ASH_MAKES("Add", "Sub Conv");

/* x * scale[c] + shift[c] for input channel c of C; steps: nodes that compute it. */
struct chain {
    uint32_t x;
    size_t C;
    double *scale, *shift;
    struct ash_node *last; /* the one that the convolution reads */
    int steps;
    bool sums;
};

/* Puts what makes f->x, if it is such an operator, before the chain. */
static bool extend(const struct ash_pass *p, struct chain *f, int rank) {
    static const char *const ops[] = {"Mul", "Div", "Add", "Sub"};
    struct ash_node *n = ash_pass_producer(p, f->x);
    size_t op = 0;
    if (!n || !n->op || *n->domain || n->opset < 7 || n->n_formal != 2 || p->uses[f->x] != 1)
        return false;
    while (op < 4 && strcmp(n->op_type, ops[op]) != 0) op++;
    if (op == 4) return false;
    bool left = ash_pass_f32(p, n->in[0]) != NULL, one;
    const struct ash_tensor *t = ash_pass_f32(p, n->in[!left]);
    uint32_t x = n->in[left];
    if (!t || (left && (op == 1 || op == 3)) || x >= p->infos_n) return false;
    const struct ash_type *type = &p->infos[x].type;
    if (type->rank != rank || !ash_dim_is(type->dim[1], (int64_t)f->C)) return false;
    if (p->graph->values[x].data || !ash_pass_per_channel(t, rank, f->C, &one)) return false;
    const float *v = t->data;
    for (size_t c = 0; c < f->C; c++) {
        double k = (double)v[one ? 0 : c];
        if (!isfinite(k) || (op == 1 && k == 0)) return false;
    }
    for (size_t c = 0; c < f->C; c++) {
        double k = (double)v[one ? 0 : c];
        if (op >= 2)
            f->shift[c] += op == 2 ? f->scale[c] * k : -f->scale[c] * k;
        else
            f->scale[c] = op == 0 ? f->scale[c] * k : f->scale[c] / k;
    }
    f->sums = f->sums || op >= 2;
    if (f->steps++ == 0) f->last = n;
    f->x = x;
    return true;
}

static bool pads(const struct ash_node *conv) {
    const struct ash_attr *pads = ash_node_attr(conv, "pads");
    const struct ash_attr *pad = ash_node_attr(conv, "auto_pad");
    if (pad && (pad->type != ASH_ATTR_STRING || !strncmp(pad->v.s.data, "SAME", 4))) return true;
    for (size_t i = 0; pads && i < pads->count; i++) {
        if (pads->type != ASH_ATTR_INTS || pads->v.ints[i] != 0) return true;
    }
    return false;
}

/* The sum that stays before a convolution with padding; *x becomes its result. */
static int leave_sum(struct ash_pass *p, const struct chain *f, int rank) {
    int64_t dim[ASH_MAX_RANK] = {(int64_t)f->C};
    bool same = true;
    for (int i = 1; i < rank - 1; i++) dim[i] = 1;
    for (size_t c = 1; c < f->C; c++)
        same = same && f->shift[c] / f->scale[c] == f->shift[0] / f->scale[0];
    uint32_t id, *in = ash_arena_array(p->arena, 2, sizeof *in);
    struct ash_tensor *t;
    if (!in) return ash_fail_nomem(p->err, 2 * sizeof *in);
    int dtype = p->infos[f->x].type.dtype;
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, same ? 0 : rank - 1, dim, &id, &t, p->err));
    for (size_t c = 0; c < (same ? 1 : f->C); c++) {
        double rest = f->shift[c] / f->scale[c];
        ash_store_f64(dtype, &rest, 1, ash_at(t, (int64_t)c));
    }
    in[0] = f->x;
    in[1] = id;
    f->last->in = in;
    f->last->op_type = "Add";
    f->last->opset = ASH_OPSET_NEWEST;
    return ash_node_resolve(p->graph, f->last, p->err);
}

/* Weights are W[M][C / groups][...]. */
static int absorb(struct ash_pass *p, struct ash_node *conv, const struct chain *f,
                  const struct ash_tensor *w, const struct ash_tensor *b, bool keeps_sum) {
    int64_t M = w->dim[0];
    bool shifts = f->sums && !keeps_sum;
    uint32_t wid, bid = ASH_NONE, *in = ash_arena_array(p->arena, 3, sizeof *in);
    struct ash_tensor *nw, *nb = NULL;
    if (!in) return ash_fail_nomem(p->err, 3 * sizeof *in);
    ASH_TRY(ash_graph_add_const(p->graph, "", ASHORE_FLOAT32, w->rank, w->dim, &wid, &nw, p->err));
    if (shifts)
        ASH_TRY(ash_graph_add_const(p->graph, "", ASHORE_FLOAT32, 1, &M, &bid, &nb, p->err));
    size_t each = (size_t)w->dim[1], taps = (size_t)ash_dims_product(w->dim, 2, w->rank);
    size_t groups = f->C / each;
    const float *from = w->data;
    float *to = nw->data;
    for (size_t m = 0; m < (size_t)M; m++) {
        size_t first = m / ((size_t)M / groups) * each;
        double sum = b ? (double)((const float *)b->data)[m] : 0;
        for (size_t i = 0; i < each * taps; i++, from++) {
            size_t c = first + i / taps;
            *to++ = (float)((double)*from * f->scale[c]);
            sum += (double)*from * f->shift[c];
        }
        if (nb) ((float *)nb->data)[m] = (float)sum;
    }
    ash_pass_drop(p, conv->in[1]);
    in[0] = keeps_sum ? f->last->out[0] : f->x;
    in[1] = wid;
    in[2] = shifts ? bid : conv->n_formal > 2 ? conv->in[2] : ASH_NONE;
    conv->in = in;
    conv->n_in = conv->n_formal = in[2] == ASH_NONE ? 2 : 3;
    p->changed = true;
    return ash_node_resolve(p->graph, conv, p->err);
}

static int visit(struct ash_pass *p, struct ash_node *conv) {
    const struct ash_tensor *w = ash_pass_f32(p, conv->in[1]), *b = NULL;
    bool bias = conv->n_formal > 2 && conv->in[2] != ASH_NONE;
    if (bias) b = ash_pass_f32(p, conv->in[2]);
    if (!w || w->rank < 3 || ash_tensor_count(w) == 0 || (bias && !b) || conv->in[0] >= p->infos_n)
        return ASHORE_OK;
    const struct ash_attr *group = ash_node_attr(conv, "group");
    int64_t groups = group && group->type == ASH_ATTR_INT ? group->v.i : 1;
    if (groups < 1 || w->dim[0] % groups) return ASHORE_OK;
    struct chain f = {.x = conv->in[0], .C = (size_t)(w->dim[1] * groups)};
    f.scale = ash_arena_array(p->scratch, 2 * f.C, sizeof *f.scale);
    if (!f.scale) return ash_fail_nomem(p->err, 2 * f.C * sizeof *f.scale);
    f.shift = f.scale + f.C;
    for (size_t c = 0; c < f.C; c++) f.scale[c] = 1;
    while (extend(p, &f, w->rank)) continue;
    bool keeps_sum = f.sums && pads(conv);
    if (f.steps <= keeps_sum) return ASHORE_OK; /* nothing, or the sum that would be left */
    for (size_t c = 0; c < f.C; c++) {
        double rest = keeps_sum ? f.shift[c] / f.scale[c] : f.shift[c];
        int dtype = keeps_sum ? p->infos[conv->in[0]].type.dtype : ASHORE_FLOAT32;
        if (!isfinite((float)f.scale[c]) || !ash_pass_holds(dtype, rest)) return ASHORE_OK;
    }
    if (keeps_sum) ASH_TRY(leave_sum(p, &f, w->rank));
    return absorb(p, conv, &f, w, b, keeps_sum);
}

int ash_pass_prescale(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
        struct ash_node *n = p->graph->nodes[i];
        if (n->op && !*n->domain && !strcmp(n->op_type, "Conv")) ASH_TRY(visit(p, n));
    }
    return ASHORE_OK;
}
