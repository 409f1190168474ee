/* Det: determinants of square matrices, by elimination in double with partial pivoting. */
#include "base/heap.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>

static int det_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    int dtype, n = t->rank - 2;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    if (t->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(n < 0 || (t->dim[n].kind == ASH_DIM_EXACT && t->dim[n + 1].kind == ASH_DIM_EXACT &&
                          t->dim[n].value != t->dim[n + 1].value),
                c->err, SHAPE, "no square matrices");
    ash_infer_set(c, 0, dtype, n, t->dim);
    return ASHORE_OK;
}

static size_t det_bytes(int64_t n) {
    return ash_align_up(ash_size_mul(ash_size_mul((size_t)n, (size_t)n), sizeof(double)));
}

static double eliminate(double *m, int64_t n) {
    double det = 1;

    for (int64_t k = 0; k < n; k++) {
        int64_t pivot = k;

        for (int64_t i = k + 1; i < n; i++)
            if (fabs(m[i * n + k]) > fabs(m[pivot * n + k])) pivot = i;
        if (pivot != k) {
            for (int64_t j = k; j < n; j++) {
                double t = m[k * n + j];
                m[k * n + j] = m[pivot * n + j];
                m[pivot * n + j] = t;
            }
            det = -det;
        }
        det *= m[k * n + k];
        if (det == 0) return det;
        for (int64_t i = k + 1; i < n; i++) {
            double f = m[i * n + k] / m[k * n + k];
            for (int64_t j = k; j < n; j++) m[i * n + j] -= f * m[k * n + j];
        }
    }
    return det;
}

static int det_run(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    int64_t n = x->rank < 2 ? 0 : x->dim[x->rank - 1], count = ash_tensor_count(y);

    ASH_FAIL_IF(x->rank < 2 || x->dim[x->rank - 2] != n, c->err, SHAPE, "no square matrices");
    double *m = c->scratch ? c->scratch : ash_alloc_aligned(c->heap, det_bytes(n) + 1);
    if (!m) return ash_fail_nomem(c->err, det_bytes(n));
    for (int64_t i = 0; i < count; i++) {
        if (n) ash_load_f64(x->dtype, ash_at(x, i * n * n), (size_t)(n * n), m);
        double det = eliminate(m, n);
        ash_store_f64(y->dtype, &det, 1, ash_at(y, i));
    }
    if (!c->scratch) ash_free_aligned(c->heap, m, det_bytes(n) + 1);
    return ASHORE_OK;
}

static int det_lower(struct ash_lower *c) {
    c->scratch = det_bytes(c->in[0]->type.dim[c->in[0]->type.rank - 1].value);
    c->run = det_run;
    c->kernel = "det";
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_det[];
const struct ash_op ash_ops_det[] = {
    {.name = "Det",
     .domain = "",
     .since = 11,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .infer = det_infer,
     .ref = det_run,
     .lower = det_lower},
    {0},
};
