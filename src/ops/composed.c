/* Operators that are made of others: SwiGLU, MeanVarianceNormalization, LpNormalization,
 * SoftmaxCrossEntropyLoss. */
#include "ops/elementwise.h"
#include "ops/loss.h"

#include <string.h>

ASH_MAKES("Swish Mul", "SwiGLU");
ASH_MAKES("ReduceMean Sub Mul Sqrt Add Div CastLike", "MeanVarianceNormalization");
ASH_MAKES("ReduceL1 ReduceL2 Equal Where Div CastLike", "LpNormalization");
ASH_MAKES("LogSoftmax NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss");

/* A scalar of the type of value x, which is that of input 0. */
static uint32_t scalar(struct ash_builder *b, float v, uint32_t x) {
    bool same = b->in && b->in[0]->type.dtype == ASHORE_FLOAT32;
    uint32_t id = ash_build_f32(b, v);

    return same ? id : ash_build_two(b, "CastLike", id, x);
}

static int same_infer(struct ash_infer *c) {
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, c->n_in, ASH_TAKES_FLOAT, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    return ASHORE_OK;
}

/* ---- SwiGLU: a * sigmoid(alpha a) * b ---- */

static int swiglu_infer(struct ash_infer *c) {
    const struct ash_type *a = &c->in[0]->type, *b = &c->in[1]->type;

    ASH_FAIL_IF(a->rank >= 0 && b->rank >= 0 && a->rank != b->rank, c->err, SHAPE,
                "inputs of rank %d and %d", a->rank, b->rank);
    for (int i = 0; i < a->rank && i < b->rank; i++)
        ASH_FAIL_IF(a->dim[i].kind == ASH_DIM_EXACT && b->dim[i].kind == ASH_DIM_EXACT &&
                        a->dim[i].value != b->dim[i].value,
                    c->err, SHAPE, "extents %lld and %lld of dimension %d",
                    (long long)a->dim[i].value, (long long)b->dim[i].value, i);
    return same_infer(c);
}

static int swiglu_body(struct ash_builder *b) {
    uint32_t gate = ash_build(b, "Swish", ash_build_in(b, 0), ASH_NONE, ASH_NONE);

    ash_build_attr_copy(b, "alpha");
    ash_build_out(b, 0, ash_build_two(b, "Mul", gate, ash_build_in(b, 1)));
    return b->rc;
}

/* ---- MeanVarianceNormalization ---- */

static int mvn_body(struct ash_builder *b) {
    static const int64_t standard[] = {0, 2, 3};
    const struct ash_attr *given = ash_node_attr(b->node, "axes");
    bool listed = given && given->type == ASH_ATTR_INTS;
    uint32_t axes =
        listed ? ash_build_i64(b, given->v.ints, given->count) : ash_build_i64(b, standard, 3);
    uint32_t x = ash_build_in(b, 0),
             d = ash_build_two(b, "Sub", x, ash_build_two(b, "ReduceMean", x, axes));
    uint32_t root =
        ash_build(b, "Sqrt", ash_build_two(b, "ReduceMean", ash_build_two(b, "Mul", d, d), axes),
                  ASH_NONE, ASH_NONE);

    ash_build_out(b, 0,
                  ash_build_two(b, "Div", d, ash_build_two(b, "Add", root, scalar(b, 1e-9f, x))));
    return b->rc;
}

/* ---- LpNormalization: what has norm 0 stays 0 ---- */

struct lp_attrs {
    int64_t axis, p;
};

static int lp_parse(const struct ash_parse *c, void *attrs) {
    struct lp_attrs *a = attrs;

    ASH_TRY(ash_parse_int(c, "axis", -1, &a->axis));
    ASH_TRY(ash_parse_int(c, "p", 2, &a->p));
    ASH_FAIL_IF(a->p != 1 && a->p != 2, c->err, ATTR, "p is %lld, expected 1 or 2",
                (long long)a->p);
    return ASHORE_OK;
}

static int lp_infer(struct ash_infer *c) {
    const struct lp_attrs *a = c->attrs;
    int axis;

    if (c->in[0]->type.rank >= 0) ASH_TRY(ash_axis(a->axis, c->in[0]->type.rank, &axis, c->err));
    return same_infer(c);
}

static int lp_body(struct ash_builder *b) {
    const struct lp_attrs *a = b->attrs;
    uint32_t x = ash_build_in(b, 0), axis = ash_build_i64(b, &a->axis, 1);
    uint32_t norm = ash_build_two(b, a->p == 1 ? "ReduceL1" : "ReduceL2", x, axis);
    uint32_t none = ash_build_two(b, "Equal", norm, scalar(b, 0, x));

    norm = ash_build(b, "Where", none, scalar(b, 1, x), norm);
    ash_build_out(b, 0, ash_build_two(b, "Div", x, norm));
    return b->rc;
}

/* ---- SoftmaxCrossEntropyLoss ---- */

static int entropy_infer(struct ash_infer *c) {
    ASH_TRY(ash_loss_infer(c));
    if (c->n_out > 1) ash_infer_like(c, 1, c->in[0]->type.dtype, 0);
    return ASHORE_OK;
}

static int entropy_body(struct ash_builder *b) {
    uint32_t x = ash_build(b, "LogSoftmax", ash_build_in(b, 0), ASH_NONE, ASH_NONE), loss;

    ash_build_attr_int(b, "axis", 1);
    loss = ash_build(b, "NegativeLogLikelihoodLoss", x, ash_build_in(b, 1), ash_build_in(b, 2));
    ash_build_attr_copy(b, "reduction");
    ash_build_attr_copy(b, "ignore_index");
    ash_build_out(b, 0, loss);
    if (b->node->n_out > 1) ash_build_out(b, 1, x);
    return b->rc;
}

#define COMPOSED .domain = "", .out_min = 1

extern const struct ash_op ash_ops_composed[];
const struct ash_op ash_ops_composed[] = {
    {COMPOSED, .name = "SwiGLU", .since = 28, .in_min = 2, .in_max = 2, .out_max = 1,
     .infer = swiglu_infer, .body = swiglu_body},
    {COMPOSED, .name = "MeanVarianceNormalization", .since = 9, .in_min = 1, .in_max = 1,
     .out_max = 1, .infer = same_infer, .body = mvn_body},
    {COMPOSED, .name = "LpNormalization", .since = 1, .in_min = 1, .in_max = 1, .out_max = 1,
     .attrs_size = sizeof(struct lp_attrs), .parse = lp_parse, .infer = lp_infer, .body = lp_body},
    {COMPOSED, .name = "SoftmaxCrossEntropyLoss", .since = 12, .in_min = 2, .in_max = 3,
     .out_max = 2, .attrs_size = sizeof(struct ash_loss_attrs), .parse = ash_loss_parse,
     .infer = entropy_infer, .body = entropy_body},
    {0},
};
