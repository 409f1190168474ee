/* BatchNormalization in a convolution network, where no convolution could take it in, becomes a
 * product and a sum with constants, which move to the other layout with their neighbours. */
#include "opt/passes.h"

#include "ops/convert.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_batch_norm, "BatchNormalization Conv");
ASH_MAKES("Mul Add", "BatchNormalization Conv");

enum { CONSTANTS = 4 };

static bool is_op(const struct ash_node *n, const char *op) { return !strcmp(n->op_type, op); }

/* The four constants, of C elements each; *C 0 when they are not all there. */
static void constants(const struct ash_pass *p, const struct ash_node *n, const float **v,
                      int64_t *C) {
    *C = 0;
    for (uint32_t i = 0; i < CONSTANTS; i++) {
        const struct ash_tensor *t = ash_pass_f32(p, n->in[i + 1]);
        if (!t || t->rank != 1) return;
        if (i > 0 && t->dim[0] != *C) return;
        *C = t->dim[0];
        v[i] = t->data;
    }
}

static bool fits(const struct ash_pass *p, const struct ash_node *n) {
    if (!n->op || *n->domain || !is_op(n, "BatchNormalization") || n->opset < 9 || n->n_formal != 5)
        return false;
    const struct ash_attr *training = ash_node_attr(n, "training_mode");
    if (training && (training->type != ASH_ATTR_INT || training->v.i)) return false;
    for (uint32_t k = 1; k < n->n_out; k++) {
        if (n->out[k] != ASH_NONE) return false;
    }
    /* What the graph is given lies in no layout but its own. */
    if (!ash_pass_producer(p, n->in[0])) return false;
    const struct ash_type *x = &p->infos[n->in[0]].type;
    return x->kind == ASHORE_TENSOR && ash_pass_runs_f32(x->dtype) && x->rank >= 3 && x->rank <= 5;
}

static int split(struct ash_pass *p, uint32_t at, bool *done) {
    struct ash_node *n = p->graph->nodes[at], *mul;
    const float *v[CONSTANTS] = {0};
    int64_t dim[ASH_MAX_RANK];
    *done = false;
    if (!fits(p, n)) return ASHORE_OK;
    constants(p, n, v, &dim[0]);
    if (dim[0] < 1 || !ash_dim_is(p->infos[n->in[0]].type.dim[1], dim[0])) return ASHORE_OK;
    int rank = p->infos[n->in[0]].type.rank - 1;
    for (int i = 1; i < rank; i++) dim[i] = 1;
    const struct ash_attr *e = ash_node_attr(n, "epsilon");
    double epsilon = (double)(e && e->type == ASH_ATTR_FLOAT ? e->v.f : 1e-5f);
    uint32_t scale, shift;
    struct ash_tensor *ts, *tt;
    int dtype = p->infos[n->in[0]].type.dtype;
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, rank, dim, &scale, &ts, p->err));
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, rank, dim, &shift, &tt, p->err));
    for (int64_t c = 0; c < dim[0]; c++) {
        double factor = (double)v[0][c] / sqrt((double)v[3][c] + epsilon);
        double rest = (double)v[1][c] - (double)v[2][c] * factor;
        if (!ash_pass_holds(dtype, factor) || !ash_pass_holds(dtype, rest)) return ASHORE_OK;
        ash_store_f64(dtype, &factor, 1, ash_at(ts, c));
        ash_store_f64(dtype, &rest, 1, ash_at(tt, c));
    }
    ASH_TRY(ash_pass_insert(p, at, "", "Mul", ASH_OPSET_NEWEST, 2, &mul));
    ASH_TRY(ash_graph_add_value(p->graph, "", &mul->out[0], p->err));
    mul->in[0] = n->in[0];
    mul->in[1] = scale;
    mul->name = n->name;
    n->op_type = "Add";
    n->opset = ASH_OPSET_NEWEST;
    n->in[0] = mul->out[0];
    n->in[1] = shift;
    n->n_in = n->n_formal = 2;
    n->n_out = 1;
    n->raw = NULL;
    n->n_raw = 0;
    *done = true;
    ASH_TRY(ash_node_resolve(p->graph, mul, p->err));
    return ash_node_resolve(p->graph, n, p->err);
}

int ash_pass_batch_norm(struct ash_pass *p) {
    struct ash_graph *g = p->graph;
    bool convolves = false, done;
    for (uint32_t i = 0; i < g->n_nodes; i++) convolves = convolves || is_op(g->nodes[i], "Conv");
    for (uint32_t i = 0; convolves && i < g->n_nodes; i++) {
        ASH_TRY(split(p, i, &done));
        i += done; /* past the node that was inserted */
    }
    return ASHORE_OK;
}
