/* Tables for spectra: HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix. */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <math.h>
#include <string.h>

struct table_attrs {
    int dtype;
    bool symmetric;
    double a[3]; /* of cosines of 0, 1 and 2 periods */
};

static int table_parse(const struct ash_parse *c, void *attrs) {
    static const struct {
        const char *name;
        double a[3];
    } windows[] = {{"HannWindow", {0.5, -0.5, 0}},
                   {"HammingWindow", {25.0 / 46, -21.0 / 46, 0}},
                   {"BlackmanWindow", {0.42, -0.5, 0.08}}};
    struct table_attrs *a = attrs;
    int64_t dtype, periodic;

    ASH_TRY(ash_parse_int(c, "output_datatype", ASHORE_FLOAT32, &dtype));
    ASH_TRY(ash_parse_int(c, "periodic", 1, &periodic));
    ASH_FAIL_IF(dtype <= 0 || dtype >= ASHORE_DTYPE_COUNT ||
                    ash_dtype((int)dtype)->number == ASH_CLASS_NONE,
                c->err, ATTR, "element type %lld", (long long)dtype);
    a->dtype = (int)dtype;
    a->symmetric = !periodic;
    for (int i = 0; i < 3; i++)
        if (!strcmp(windows[i].name, c->node->op_type)) memcpy(a->a, windows[i].a, sizeof a->a);
    return ASHORE_OK;
}

/* A count that input i gives; *rc: ASHORE_NEEDS_DATA when it is not known. */
static struct ash_dim count_of(struct ash_infer *c, int i, int *rc) {
    struct ash_dim n = ash_dim_unknown();
    int one = 1, got = ash_infer_ints(c, i, &n, 1, &one);

    if (got == ASHORE_OK) got = ash_infer_known(&n, 1);
    if (got == ASHORE_OK && (one != 1 || (n.kind == ASH_DIM_EXACT && n.value < 0)))
        got = ash_fail(c->err, ASHORE_ERR_SHAPE, "input %d is no count", i);
    if (*rc == ASHORE_OK || got < 0) *rc = got;
    return got == ASHORE_OK ? n : ash_dim_unknown();
}

static int window_infer(struct ash_infer *c) {
    const struct table_attrs *a = c->attrs;
    int rc = ASHORE_OK;
    struct ash_dim n = count_of(c, 0, &rc);

    ash_infer_set(c, 0, a->dtype, 1, &n);
    return rc;
}

static int window_ref(struct ash_run *c) {
    const struct table_attrs *a = c->attrs;
    double tile[ASH_TILE];
    int64_t count;
    size_t n;

    ASH_FAIL_IF(ash_tensor_count(c->in[0]) != 1, c->err, SHAPE, "the size is not one number");
    count = ash_get_i64(c->in[0], 0);
    ASH_TRY(ash_run_alloc(c, 0, a->dtype, 1, &count));
    double period = (double)(a->symmetric ? count - 1 : count);
    for (int64_t i = 0; (n = ash_tile_size(count, i)); i += (int64_t)n) {
        for (size_t k = 0; k < n; k++) {
            double t = 6.28318530717958647692 * (double)(i + (int64_t)k) / period;
            tile[k] = period > 0 ? a->a[0] + a->a[1] * cos(t) + a->a[2] * cos(2 * t) : 1;
        }
        ash_store_f64(a->dtype, tile, n, ash_at(c->out[0], i));
    }
    return ASHORE_OK;
}

/* ---- MelWeightMatrix: out[dft_length / 2 + 1][bins], a triangle in each column ---- */

static int mel_infer(struct ash_infer *c) {
    const struct table_attrs *a = c->attrs;
    int rc = ASHORE_OK;
    struct ash_dim dim[2];
    int dtype;

    ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_INT, &dtype));
    ASH_TRY(ash_infer_types(c, 3, 5, ASH_TAKES_FLOAT, &dtype));
    dim[1] = count_of(c, 0, &rc);
    dim[0] = ash_infer_dim(c, ASH_DIM_FLOORDIV, count_of(c, 1, &rc), ash_dim_exact(2));
    dim[0] = ash_infer_dim(c, ASH_DIM_ADD, dim[0], ash_dim_exact(1));
    ash_infer_set(c, 0, a->dtype, 2, dim);
    return rc;
}

static int mel_ref(struct ash_run *c) {
    const struct table_attrs *a = c->attrs;
    double v[5], low, step;
    int64_t dim[2], at[3] = {0};

    for (int i = 0; i < 5; i++) {
        ASH_FAIL_IF(ash_tensor_count(c->in[i]) != 1, c->err, SHAPE, "input %d is not one number",
                    i);
        v[i] = ash_get_f64(c->in[i], 0);
    }
    ASH_FAIL_IF(!(v[0] >= 0 && v[0] < 0x1p31 && v[1] >= 0 && v[1] < 0x1p31 && v[2] > 0), c->err,
                ARGUMENT, "%g bins of %g frequencies at a rate of %g", v[0], v[1], v[2]);
    dim[0] = (int64_t)v[1] / 2 + 1;
    dim[1] = (int64_t)v[0];
    ASH_TRY(ash_run_alloc(c, 0, a->dtype, 2, dim));
    ash_fill(c->out[0]->data, ash_dtype_size(a->dtype), dim[0] * dim[1], NULL);
    low = log1p(v[3] / 700);
    step = (log1p(v[4] / 700) - low) / (v[0] + 2);
    for (int64_t i = -2; i < dim[1]; i++) {
        double f = floor((v[1] + 1) * 700 * expm1(low + (double)(i + 2) * step) / v[2]);

        ASH_FAIL_IF(!(f >= 0 && f < (double)dim[0]), c->err, ARGUMENT,
                    "a filter's edge is below 0 or beyond half the rate");
        at[0] = at[1];
        at[1] = at[2];
        at[2] = (int64_t)f;
        if (i < 0) continue;
        for (int64_t j = at[0]; j < at[2] || j == at[1]; j++) {
            bool up = j < at[1] || at[2] == at[1];
            double w = up ? (double)(j - at[0]) / (double)(at[1] - at[0])
                          : (double)(at[2] - j) / (double)(at[2] - at[1]);

            if (at[0] == at[1] && up) w = 1;
            ash_store_f64(a->dtype, &w, 1, ash_at(c->out[0], j * dim[1] + i));
        }
    }
    return ASHORE_OK;
}

#define TABLE                                                                                      \
    .domain = "", .since = 17, .out_min = 1, .out_max = 1,                                         \
    .attrs_size = sizeof(struct table_attrs), .parse = table_parse
#define WINDOW TABLE, .in_min = 1, .in_max = 1, .infer = window_infer, .ref = window_ref

extern const struct ash_op ash_ops_signal_tables[];
const struct ash_op ash_ops_signal_tables[] = {
    {WINDOW, .name = "HannWindow"},
    {WINDOW, .name = "HammingWindow"},
    {WINDOW, .name = "BlackmanWindow"},
    {TABLE, .name = "MelWeightMatrix", .in_min = 5, .in_max = 5, .infer = mel_infer,
     .ref = mel_ref},
    {0},
};
