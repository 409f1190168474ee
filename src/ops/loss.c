/* NegativeLogLikelihoodLoss. */
#include "ops/loss.h"

#include "ops/elementwise.h"

enum { LOSS_NONE, LOSS_SUM, LOSS_MEAN };

int ash_loss_parse(const struct ash_parse *c, void *attrs) {
    static const char *const reductions[] = {"none", "sum", "mean", NULL};
    struct ash_loss_attrs *a = attrs;

    ASH_TRY(ash_parse_choice(c, "reduction", reductions, LOSS_MEAN, &a->reduction));
    a->ignores = ash_node_attr(c->node, "ignore_index") != NULL;
    return ash_parse_int(c, "ignore_index", 0, &a->ignored);
}

int ash_loss_infer(struct ash_infer *c) {
    const struct ash_loss_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *target = &c->in[1]->type;
    int dtype, other;

    ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_FLOAT, &other));
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ASH_FAIL_IF(other && dtype && other != dtype, c->err, TYPE, "weights of type %s for %s",
                ash_dtype(other)->name, ash_dtype(dtype)->name);
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &other));
    ash_infer_set(c, 0, dtype, a->reduction == LOSS_NONE ? target->rank : 0, target->dim);
    ASH_FAIL_IF(x->rank >= 0 && (x->rank < 2 || (target->rank >= 0 && target->rank != x->rank - 1)),
                c->err, SHAPE, "scores of rank %d, targets of rank %d", x->rank, target->rank);
    return ASHORE_OK;
}

static int loss_check(const struct ash_run *c, const struct ash_tensor *weight) {
    const struct ash_tensor *x = c->in[0], *target = c->in[1];
    bool fits = x->rank >= 2 && target->rank == x->rank - 1 && target->dim[0] == x->dim[0];

    for (int i = 1; fits && i < target->rank; i++) fits = target->dim[i] == x->dim[i + 1];
    ASH_FAIL_IF(!fits, c->err, SHAPE, "the targets do not fit the scores");
    ASH_FAIL_IF(weight && ash_tensor_count(weight) != x->dim[1], c->err, SHAPE,
                "%lld weights for %lld classes", (long long)ash_tensor_count(weight),
                (long long)x->dim[1]);
    return ASHORE_OK;
}

static int loss_ref(struct ash_run *c) {
    const struct ash_loss_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *target = c->in[1];
    const struct ash_tensor *weight = ash_run_has(c, 2) ? c->in[2] : NULL;
    struct ash_tensor *y = c->out[0];
    double sum = 0, weights = 0;

    ASH_TRY(loss_check(c, weight));
    int64_t classes = x->dim[1], inner = ash_dims_product(x->dim, 2, x->rank);
    int64_t count = ash_tensor_count(target);
    for (int64_t i = 0; i < count; i++) {
        int64_t t = ash_get_i64(target, i);
        double loss = 0, w = 0;

        if (!a->ignores || t != a->ignored) {
            ASH_FAIL_IF(t < 0 || t >= classes, c->err, INDEX, "class %lld of %lld", (long long)t,
                        (long long)classes);
            w = weight ? ash_get_f64(weight, t) : 1;
            loss = -w * ash_get_f64(x, (i / inner * classes + t) * inner + i % inner);
        }
        sum += loss;
        weights += w;
        if (a->reduction == LOSS_NONE) ash_store_f64(y->dtype, &loss, 1, ash_at(y, i));
    }
    if (a->reduction == LOSS_MEAN) sum /= weights;
    if (a->reduction != LOSS_NONE) ash_store_f64(y->dtype, &sum, 1, y->data);
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_loss[];
const struct ash_op ash_ops_loss[] = {
    {.name = "NegativeLogLikelihoodLoss",
     .domain = "",
     .since = 12,
     .in_min = 2,
     .in_max = 3,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct ash_loss_attrs),
     .parse = ash_loss_parse,
     .infer = ash_loss_infer,
     .ref = loss_ref},
    {0},
};
