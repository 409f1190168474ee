/* Softmax and LogSoftmax. */
#include "kernels/softmax/softmax.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

ASH_LOWERS("Softmax LogSoftmax", 1, 8, "float32");

struct softmax_attrs {
    bool log;
    bool flat; /* before version 13: over all dimensions from axis on, which may be the rank */
    int64_t axis;
};

static int softmax_parse(const struct ash_parse *c, void *attrs) {
    struct softmax_attrs *a = attrs;

    a->log = !strcmp(c->node->op_type, "LogSoftmax");
    a->flat = c->node->opset < 13;
    return ash_parse_int(c, "axis", a->flat ? 1 : -1, &a->axis);
}

/* The n elements of group g lie at (g / inner) * n * inner + g % inner, inner apart. */
static int softmax_extents(const struct softmax_attrs *a, int rank, const int64_t *dim, int64_t *n,
                           int64_t *inner, struct ashore_error *err) {
    int axis = 0;

    /* A scalar is one group; so is everything where axis is 0 and the rank. */
    if (a->flat && a->axis == rank)
        axis = rank;
    else if (rank)
        ASH_TRY(ash_axis(a->axis, rank, &axis, err));
    if (!dim) return ASHORE_OK;
    *n = a->flat ? ash_dims_product(dim, axis, rank) : rank ? dim[axis] : 1;
    *inner = a->flat ? 1 : ash_dims_product(dim, axis + 1, rank);
    return ASHORE_OK;
}

static int softmax_infer(struct ash_infer *c) {
    int dtype, rank = c->in[0]->type.rank;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    if (rank >= 0) ASH_TRY(softmax_extents(c->attrs, rank, NULL, NULL, NULL, c->err));
    ash_infer_like(c, 0, dtype, 0);
    return ASHORE_OK;
}

/* exp(x - peak), in types of 16 bits with the roundings of the operator's definition. */
static double raised(int dtype, double x, double peak) {
    return ash_round_half(dtype, exp(ash_round_half(dtype, x - peak)));
}

static int softmax_ref(struct ash_run *c) {
    const struct softmax_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct ash_tensor *y = c->out[0];
    int64_t length = 1, inner = 1, count = ash_tensor_count(x);
    double t[ASH_TILE];
    int type = a->log ? ASHORE_FLOAT64 : x->dtype;
    size_t n;

    ASH_TRY(softmax_extents(a, x->rank, x->dim, &length, &inner, c->err));
    for (int64_t g = 0; count && g < count / length; g++) {
        int64_t base = g / inner * length * inner + g % inner;
        double peak = -(double)INFINITY, sum = 0;

        for (int64_t k = 0; (n = ash_tile_size(length, k)); k += (int64_t)n) {
            ash_gather_f64(x, base + k * inner, inner, n, t);
            for (size_t i = 0; i < n; i++)
                if (t[i] > peak) peak = t[i];
        }
        for (int64_t k = 0; (n = ash_tile_size(length, k)); k += (int64_t)n) {
            ash_gather_f64(x, base + k * inner, inner, n, t);
            for (size_t i = 0; i < n; i++)
                sum = ash_sum_half(type, sum, raised(type, t[i], peak), length);
        }
        sum = ash_round_half(type, sum);
        for (int64_t k = 0; (n = ash_tile_size(length, k)); k += (int64_t)n) {
            ash_gather_f64(x, base + k * inner, inner, n, t);
            for (size_t i = 0; i < n; i++)
                t[i] = a->log ? t[i] - peak - log(sum) : raised(type, t[i], peak) / sum;
            ash_scatter_f64(y, base + k * inner, inner, n, t);
        }
    }
    return ASHORE_OK;
}

struct softmax_params {
    const struct ash_softmax_row *row;
    size_t outer, n, inner;
};

static int softmax_run(struct ash_run *c) {
    const struct softmax_attrs *a = c->attrs;
    const struct softmax_params *p = c->params;

    ash_softmax_f32(p->row, c->pool, a->log, p->outer, p->n, p->inner, c->in[0]->data,
                    c->out[0]->data);
    return ASHORE_OK;
}

static int softmax_lower(struct ash_lower *c) {
    const struct ash_type *t = &c->in[0]->type;
    const struct ash_softmax_row *row = ash_softmax_best();
    int64_t dim[ASH_MAX_RANK], n = 1, inner = 1;
    struct softmax_params *p;

    if (!ash_lower_all_f32(c)) return ASHORE_OK;
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i].value;
    ASH_TRY(softmax_extents(c->attrs, t->rank, dim, &n, &inner, c->err));
    p = ash_lower_to(c, softmax_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct softmax_params){.row = row, .n = (size_t)n, .inner = (size_t)inner};
    if (p->n && p->inner) p->outer = ash_type_count(t) / (p->n * p->inner);
    return ASHORE_OK;
}

#define SOFTMAX(op)                                                                                \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = 1,                                                                                   \
     .in_min = 1,                                                                                  \
     .in_max = 1,                                                                                  \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_STEPS,                                                                        \
     .inplace = 1,                                                                                 \
     .attrs_size = sizeof(struct softmax_attrs),                                                   \
     .parse = softmax_parse,                                                                       \
     .infer = softmax_infer,                                                                       \
     .ref = softmax_ref,                                                                           \
     .lower = softmax_lower}

extern const struct ash_op ash_ops_softmax_op[];
const struct ash_op ash_ops_softmax_op[] = {SOFTMAX("Softmax"), SOFTMAX("LogSoftmax"), {0}};
