/* LRN: y = x / (bias + alpha / size * sum of x^2 over neighbouring channels)^beta. */
#include "ops/elementwise.h"

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
                                      .ref = lrn_ref},
                                     {0}};
