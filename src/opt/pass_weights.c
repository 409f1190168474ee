/* Weights that a few bytes stand for: those that are converted for an operator in floating point,
 * by DequantizeLinear or by Cast, and those that ConstantOfShape makes.  They are computed once,
 * when the model is loaded, although the result is larger.  Products then find a constant, and pack
 * it. */
#include "opt/passes.h"

#include <string.h>

ASH_PASS_NEEDS(ash_pass_weights, "DequantizeLinear|com.microsoft:DequantizeLinear|Cast");
ASH_PASS_NEEDS(ash_pass_filled, "ConstantOfShape Conv|ConvTranspose|Gemm|MatMul");

/* A file of a few bytes may ask for any number of them: what the graph holds goes no further. */
enum { HELD_MOST = SIZE_MAX > UINT32_MAX ? 1 << 30 : 256 << 20 };

/* The result of n, if all that it reads are constants. */
static int compute(struct ash_pass *p, const struct ash_node *n, const struct ash_tensor **result) {
    struct ash_info in[3], out = {.data = NULL};
    const struct ash_info *given[3] = {NULL, NULL, NULL};
    struct ash_inference f = {
        .arena = p->arena, .syms = p->graph->syms, .fold_limit = SIZE_MAX, .err = p->err};
    *result = NULL;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (n->in[i] == ASH_NONE) continue;
        const struct ash_tensor *t = p->graph->values[n->in[i]].data;
        if (!t) return ASHORE_OK;
        in[i] = ash_info_const(t);
        given[i] = &in[i];
    }
    ASH_TRY(ash_infer_node(&f, n, given, &out));
    *result = out.data;
    return ASHORE_OK;
}

static bool converts(const struct ash_pass *p, const struct ash_node *n) {
    if (!n->op || n->n_out != 1 || !n->n_in || n->n_in > 3 || n->in[0] == ASH_NONE) return false;
    if (!strcmp(n->op_type, "DequantizeLinear")) return true;
    const struct ash_tensor *t = p->graph->values[n->in[0]].data;
    const struct ash_attr *to = ash_node_attr(n, "to");
    return t && to && to->v.i == ASHORE_FLOAT32 && !*n->domain && !strcmp(n->op_type, "Cast") &&
           ash_dtype_size(t->dtype) == 1;
}

/* How often each value is what an operator multiplies with: [n_values], NULL if out of memory. */
static uint32_t *uses_as_weights(const struct ash_pass *p) {
    static const char *const takers[] = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
    uint32_t *count = ash_arena_array(p->scratch, p->graph->n_values, sizeof *count);
    for (uint32_t i = 0; count && i < p->graph->n_nodes; i++) {
        const struct ash_node *n = p->graph->nodes[i];
        if (n->n_in < 2 || n->in[1] == ASH_NONE) continue;
        for (size_t k = 0; k < sizeof takers / sizeof *takers; k++) /* internal ones, too */
            count[n->in[1]] += !strcmp(n->op_type, takers[k]);
    }
    return count;
}

/* SIZE_MAX: not known, or too many. */
static size_t exact_bytes(const struct ash_pass *p, uint32_t v) {
    if (v >= p->infos_n || !ash_info_exact(&p->infos[v])) return SIZE_MAX;
    const struct ash_type *type = &p->infos[v].type;
    int64_t extent[ASH_MAX_RANK];
    size_t bytes;
    for (int k = 0; k < type->rank; k++) extent[k] = type->dim[k].value;
    int rc = ash_shape_check(type->dtype, type->rank, extent, NULL, &bytes, NULL);
    return rc == ASHORE_OK ? bytes : SIZE_MAX;
}

/* Large results of other uses stay what a run makes and lets go. */
static bool makes_weights(const struct ash_pass *p, const struct ash_node *n,
                          const uint32_t *as_weights) {
    if (!n->op || *n->domain || strcmp(n->op_type, "ConstantOfShape") != 0) return false;
    uint32_t v = n->out[0];
    size_t bytes = exact_bytes(p, v);
    return ash_size_add(p->arena->used, bytes) <= HELD_MOST && as_weights[v] == p->uses[v];
}

/* What is done to v next, as long as all is constant and gets no larger: otherwise a model's
 * weights would be there twice, as converted and as scaled. */
static int compute_next(struct ash_pass *p, uint32_t v) {
    struct ash_valuedef *values = p->graph->values;
    for (;;) {
        const struct ash_node *n = ash_pass_single_use(p, v);
        const struct ash_tensor *from = values[v].data, *t;
        if (!n || !n->op || n->n_sub || n->n_out != 1 || n->n_in > 3) return ASHORE_OK;
        if (exact_bytes(p, n->out[0]) > ash_tensor_bytes(from)) return ASHORE_OK;
        ASH_TRY(compute(p, n, &t));
        if (!t) return ASHORE_OK;
        if (t->data != from->data && ash_arena_release(p->arena, from->data)) values[v].data = NULL;
        v = n->out[0];
        values[v].data = t;
    }
}

/* Those that are converted, or with as_weights those that are made. */
static int compute_those(struct ash_pass *p, const uint32_t *as_weights) {
    struct ash_graph *g = p->graph;
    uint32_t to = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct ash_node *n = g->nodes[i];
        const struct ash_tensor *t = NULL;
        if (n->n_out == 1 && n->out[0] != ASH_NONE && g->values[n->out[0]].data) continue;
        if (as_weights ? makes_weights(p, n, as_weights) : converts(p, n))
            ASH_TRY(compute(p, n, &t));
        if (!t) {
            g->nodes[to++] = n;
            continue;
        }
        g->values[n->out[0]].data = t;
        ash_pass_drop(p, n->in[0]);
        ASH_TRY(compute_next(p, n->out[0]));
        p->changed = true;
    }
    g->n_nodes = to;
    return ASHORE_OK;
}

int ash_pass_weights(struct ash_pass *p) { return compute_those(p, NULL); }

int ash_pass_filled(struct ash_pass *p) {
    const uint32_t *as_weights = uses_as_weights(p);
    if (!as_weights) return ash_fail_nomem(p->err, p->graph->n_values * sizeof *as_weights);
    return compute_those(p, as_weights);
}
