/* LRN: y = x / (bias + alpha / size * sum of x^2 over neighbouring channels)^beta. */
#include "kernels/eltwise/eltwise.h"
#include "kernels/pooling/pooling.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>

extern const struct ash_op ash_ops_lrn[];

struct lrn_attrs {
    float alpha, beta, bias;
    int64_t size;
};

static int lrn_parse(const struct ash_parse *c, void *attrs) {
    struct lrn_attrs *a = attrs;
    ASH_TRY(ash_parse_float(c, "alpha", 1e-4f, &a->alpha));
    ASH_TRY(ash_parse_float(c, "beta", 0.75f, &a->beta));
    ASH_TRY(ash_parse_float(c, "bias", 1, &a->bias));
    ASH_TRY(ash_parse_int_required(c, "size", &a->size));
    ASH_FAIL_IF(a->size < 1 || a->size > INT32_MAX, c->err, ATTR, "size %lld", (long long)a->size);
    return ASHORE_OK;
}

static int lrn_infer(struct ash_infer *c) {
    int dtype, rank = c->in[0]->type.rank;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ASH_FAIL_IF(rank >= 0 && rank < 2, c->err, SHAPE, "expected [N,C,...], the input has rank %d",
                rank);
    ash_infer_like(c, 0, dtype, 0);
    return ASHORE_OK;
}

static int lrn_ref(struct ash_run *c) {
    const struct lrn_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    int64_t C = x->dim[1], plane = ash_dims_product(x->dim, 2, x->rank);
    double tile[ASH_TILE], sum[ASH_TILE];
    size_t n;
    for (int64_t i = 0; i < x->dim[0] * C; i++) {
        int64_t channel = i % C, first = i - channel, low = channel - (a->size - 1) / 2;
        int64_t high = channel + a->size / 2;
        if (low < 0) low = 0;
        if (high >= C) high = C - 1;
        for (int64_t at = 0; (n = ash_tile_size(plane, at)); at += (int64_t)n) {
            for (size_t k = 0; k < n; k++) sum[k] = 0;
            for (int64_t m = low; m <= high; m++) {
                ash_load_f64(x->dtype, ash_at(x, (first + m) * plane + at), n, tile);
                for (size_t k = 0; k < n; k++) sum[k] += tile[k] * tile[k];
            }
            ash_load_f64(x->dtype, ash_at(x, i * plane + at), n, tile);
            for (size_t k = 0; k < n; k++) {
                double scale = (double)a->bias + (double)a->alpha / (double)a->size * sum[k];
                tile[k] /= pow(scale, (double)a->beta);
            }
            ash_store_f64(y->dtype, tile, n, ash_at(y, i * plane + at));
        }
    }
    return ASHORE_OK;
}

/* ---- float32: an average over channels, where the positions of a plane are what channels are to a
 * pooling ---- */

struct lrn_params {
    const struct ash_eltwise_row *eltwise;
    const struct ash_pooling_row *pooling;
    struct ash_pooling_shape shape;
};

static int lrn_run(struct ash_run *c) {
    const struct lrn_attrs *a = c->attrs;
    const struct lrn_params *p = c->params;
    const struct ash_act_f32 none = {0};
    const float *x = c->in[0]->data, power = -a->beta;
    float *squares = c->scratch, *y = c->out[0]->data;
    size_t count = (size_t)ash_tensor_count(c->in[0]);
    const struct ash_eltwise_operand exponent = {.data = &power}, factor = {1, &count, y},
                                     image = {1, &count, x};
    ash_eltwise_unary(p->eltwise, c->pool, ASH_UNARY_SQUARE, 0, 0, count, x, squares);
    ash_pooling_f32(p->pooling, c->pool, ASH_POOLING_AVERAGE, &p->shape, squares, y);
    ash_eltwise_unary(p->eltwise, c->pool, ASH_UNARY_AFFINE, a->alpha, a->bias, count, y, y);
    ash_eltwise_binary(p->eltwise, c->pool, ASH_BINARY_POW, none, 1, &count, &factor, &exponent, y);
    ash_eltwise_binary(p->eltwise, c->pool, ASH_BINARY_MUL, none, 1, &count, &image, &factor, y);
    return ASHORE_OK;
}

static int lrn_lower(struct ash_lower *c) {
    const struct lrn_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    if (!ash_lower_all_f32(c) || !ash_type_count(x)) return ASHORE_OK;
    const struct ash_eltwise_row *row = ash_eltwise_best();
    struct lrn_params *p = ash_lower_to(c, lrn_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    size_t C = ash_extent(x, 1), size = (size_t)a->size;
    p->eltwise = row;
    p->pooling = ash_pooling_best();
    p->shape = (struct ash_pooling_shape){.N = ash_extent(x, 0),
                                          .C = ash_extents(x, 2, x->rank),
                                          .X = {1, C, 1},
                                          .Y = {1, C, 1},
                                          .K = {1, size, 1},
                                          .S = {1, 1, 1},
                                          .L = {1, 1, 1},
                                          .P = {0, (size - 1) / 2, 0},
                                          .Q = {0, size / 2, 0},
                                          .count_pad = true};
    c->scratch = ash_size_mul(ash_type_count(x), sizeof(float));
    return ASHORE_OK;
}

const struct ash_op ash_ops_lrn[] = {{.name = "LRN",
                                      .domain = "",
                                      .since = 1,
                                      .in_min = 1,
                                      .in_max = 1,
                                      .out_min = 1,
                                      .out_max = 1,
                                      .attrs_size = sizeof(struct lrn_attrs),
                                      .parse = lrn_parse,
                                      .infer = lrn_infer,
                                      .lower = lrn_lower,
                                      .ref = lrn_ref},
                                     {0}};
