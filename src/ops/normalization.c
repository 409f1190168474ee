/* BatchNormalization, InstanceNormalization, GroupNormalization, LayerNormalization, and
 * RMSNormalization, which before it was standard was SimplifiedLayerNormalization.
 *
 * Letters: N examples, C channels, S elements of one channel of one example. */
#include "kernels/norm/norm.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

struct norm_attrs {
    float epsilon, momentum;
    bool training; /* BatchNormalization: by the statistics of this batch */
    bool flat;    /* BatchNormalization before version 9: each element of an example is a channel */
    int64_t axis; /* LayerNormalization: first normalised dimension */
    int stash;    /* LayerNormalization: element type of outputs 1 and 2 */
    bool rms;     /* LayerNormalization without a mean */
    int64_t groups; /* GroupNormalization; 0: InstanceNormalization, each channel is a group */
    bool by_group;  /* GroupNormalization before version 21: scale and bias of groups */
};

/* Extents of input i, where they are known, are a vector of `want` elements. */
static int expect_vector(struct ash_infer *c, int i, struct ash_dim want) {
    const struct ash_type *t = &c->in[i]->type;
    struct ash_dim d;

    if (t->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(t->rank != 1, c->err, SHAPE, "input %d has rank %d, expected a vector", i, t->rank);
    d = t->dim[0];
    ASH_FAIL_IF(d.kind == ASH_DIM_EXACT && want.kind == ASH_DIM_EXACT && d.value != want.value,
                c->err, SHAPE, "input %d has %lld elements, one for each of %lld channels expected",
                i, (long long)d.value, (long long)want.value);
    return ASHORE_OK;
}

/* Mean (0 with rms) and population variance of S elements from each of `outer` places, `step`
 * apart. */
static void statistics(const struct ash_tensor *x, bool rms, int64_t start, int64_t step,
                       int64_t outer, int64_t s, double *mean, double *variance) {
    double t[ASH_TILE], sum = 0;
    size_t n;

    *mean = 0;
    for (int pass = rms; pass < 2; pass++) {
        sum = 0;
        for (int64_t o = 0; o < outer; o++) {
            for (int64_t i = 0; (n = ash_tile_size(s, i)); i += (int64_t)n) {
                ash_load_f64(x->dtype, ash_at(x, start + o * step + i), n, t);
                for (size_t k = 0; k < n; k++) sum += pass ? (t[k] - *mean) * (t[k] - *mean) : t[k];
            }
        }
        if (!pass) *mean = sum / (double)(outer * s);
    }
    *variance = sum / (double)(outer * s);
}

/* y = (x - mean) * scale + shift over s elements. */
static void normalize(const struct ash_tensor *x, struct ash_tensor *y, int64_t start, int64_t s,
                      double mean, double scale, double shift) {
    double t[ASH_TILE];
    size_t n;

    for (int64_t i = 0; (n = ash_tile_size(s, i)); i += (int64_t)n) {
        ash_load_f64(x->dtype, ash_at(x, start + i), n, t);
        for (size_t k = 0; k < n; k++) t[k] = (t[k] - mean) * scale + shift;
        ash_store_f64(y->dtype, t, n, ash_at(y, start + i));
    }
}

/* ---- BatchNormalization ---- */

static int batch_parse(const struct ash_parse *c, void *attrs) {
    struct norm_attrs *a = attrs;
    int64_t training = 0, spatial = 1;

    ASH_TRY(ash_parse_float(c, "epsilon", 1e-5f, &a->epsilon));
    ASH_TRY(ash_parse_float(c, "momentum", 0.9f, &a->momentum));
    ASH_TRY(ash_parse_int(c, "training_mode", 0, &training));
    ASH_TRY(ash_parse_int(c, "spatial", 1, &spatial));
    /* Before version 14 further outputs ask for training. */
    if (c->node->opset < 14) {
        for (uint32_t i = 1; i < c->node->n_out; i++)
            if (c->node->out[i] != ASH_NONE) training = 1;
    }
    a->training = training != 0;
    a->flat = !spatial;
    return ASHORE_OK;
}

static int batch_infer(struct ash_infer *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct ash_dim channels = ash_dim_unknown();
    int dtype, other;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, 1, 3, ASH_TAKES_FLOAT, &other));
    ASH_TRY(ash_infer_types(c, 3, 5, ASH_TAKES_FLOAT, &other));
    ash_infer_like(c, 0, dtype, 0);
    ASH_FAIL_IF(x->rank == 0, c->err, SHAPE, "a scalar has no channels");
    if (x->rank > 0 && !a->flat) {
        channels = x->rank == 1 ? ash_dim_exact(1) : x->dim[1];
        for (int i = 1; i < 5; i++) ASH_TRY(expect_vector(c, i, channels));
    } else if (x->rank > 0) {
        for (int i = 1; i < x->rank; i++)
            channels = i == 1 ? x->dim[1] : ash_infer_dim(c, ASH_DIM_MUL, channels, x->dim[i]);
    }
    for (int o = 1; o < c->n_out; o++) ash_infer_like(c, o, other, 3);
    return ASHORE_OK;
}

static int batch_ref(struct ash_run *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int64_t channels = x->rank == 1 ? 1
                       : a->flat    ? ash_dims_product(x->dim, 1, x->rank)
                                    : x->dim[1];
    int64_t s = a->flat || x->rank == 1 ? 1 : ash_dims_product(x->dim, 2, x->rank);
    int64_t examples = x->dim[0];
    double momentum = (double)a->momentum;

    for (int i = 1; i < 5; i++)
        ASH_FAIL_IF(ash_tensor_count(c->in[i]) != channels, c->err, SHAPE,
                    "input %d does not have %lld elements", i, (long long)channels);
    for (int64_t ch = 0; ch < channels; ch++) {
        double mean = ash_get_f64(c->in[3], ch), variance = ash_get_f64(c->in[4], ch), scale;

        if (a->training) {
            double old[2] = {mean, variance}, out[4];

            statistics(x, false, ch * s, channels * s, examples, s, &mean, &variance);
            out[0] = old[0] * momentum + mean * (1 - momentum);
            out[1] = old[1] * momentum + variance * (1 - momentum);
            out[2] = mean;
            out[3] = variance;
            for (int o = 1; o < c->n_out; o++)
                if (c->out[o])
                    ash_store_f64(c->out[o]->dtype, &out[o - 1], 1, ash_at(c->out[o], ch));
        }
        scale = ash_get_f64(c->in[1], ch) / sqrt(variance + (double)a->epsilon);
        for (int64_t e = 0; c->out[0] && e < examples; e++)
            normalize(x, c->out[0], (e * channels + ch) * s, s, mean, scale,
                      ash_get_f64(c->in[2], ch));
    }
    return ASHORE_OK;
}

struct norm_params {
    const struct ash_norm_row *row;
    size_t outer, n, inner; /* n: channels, or the elements of a group */
    float *scale, *shift;   /* BatchNormalization: its constants in two */
};

static int batch_run(struct ash_run *c) {
    const struct norm_params *p = c->params;

    ash_norm_affine(p->row, c->pool, p->outer, p->n, p->inner, c->in[0]->data, p->scale, p->shift,
                    c->out[0]->data);
    return ASHORE_OK;
}

/* Inference with constants, as long as they are finite in float32. */
static int batch_lower(struct ash_lower *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct norm_params p = {.row = ash_norm_best(), .outer = ash_extent(x, 0), .n = 1, .inner = 1};
    const float *in[5];
    struct norm_params *kept;

    if (a->training || !ash_lower_all_f32(c)) return ASHORE_OK;
    if (x->rank > 1) p.n = ash_extents(x, 1, a->flat ? x->rank : 2);
    if (!a->flat) p.inner = ash_extents(x, 2, x->rank);
    for (int i = 1; i < 5; i++) {
        in[i] = ash_lower_constant(c, i, p.n);
        if (!in[i]) return ASHORE_OK;
    }
    p.scale = ash_arena_array(c->arena, 2 * p.n, sizeof *p.scale);
    if (!p.scale) return ash_fail_nomem(c->err, 2 * p.n * sizeof *p.scale);
    p.shift = p.scale + p.n;
    for (size_t i = 0; i < p.n; i++) {
        double scale = (double)in[1][i] / sqrt((double)in[4][i] + (double)a->epsilon);

        p.scale[i] = (float)scale;
        p.shift[i] = (float)((double)in[2][i] - (double)in[3][i] * scale);
        if (!isfinite(p.scale[i]) || !isfinite(p.shift[i])) return ASHORE_OK;
    }
    kept = ash_lower_to(c, batch_run, sizeof *kept, p.row->name);
    if (!kept) return ASHORE_ERR_NOMEM;
    *kept = p;
    return ASHORE_OK;
}

/* ---- InstanceNormalization, GroupNormalization ---- */

static int group_parse(const struct ash_parse *c, void *attrs) {
    struct norm_attrs *a = attrs;

    ASH_TRY(ash_parse_float(c, "epsilon", 1e-5f, &a->epsilon));
    if (*c->node->op_type != 'G') return ASHORE_OK;
    a->by_group = c->node->opset < 21;
    ASH_TRY(ash_parse_int_required(c, "num_groups", &a->groups));
    ASH_FAIL_IF(a->groups < 1, c->err, ATTR, "num_groups %lld", (long long)a->groups);
    return ASHORE_OK;
}

static int group_infer(struct ash_infer *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct ash_dim channels;
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 3, ASH_TAKES_FLOAT, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    if (x->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(x->rank < 2, c->err, SHAPE, "input 0 has rank %d, at least 2 expected", x->rank);
    channels = x->dim[1];
    ASH_FAIL_IF(a->groups && channels.kind == ASH_DIM_EXACT && channels.value % a->groups, c->err,
                SHAPE, "%lld channels are no multiple of %lld groups", (long long)channels.value,
                (long long)a->groups);
    if (a->by_group) channels = ash_dim_exact(a->groups);
    ASH_TRY(expect_vector(c, 1, channels));
    return expect_vector(c, 2, channels);
}

static int group_ref(struct ash_run *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int64_t channels = x->dim[1], s = ash_dims_product(x->dim, 2, x->rank);
    int64_t groups = a->groups ? a->groups : channels, each = groups ? channels / groups : 0;

    ASH_FAIL_IF(each * groups != channels, c->err, SHAPE,
                "%lld channels are no multiple of %lld groups", (long long)channels,
                (long long)groups);
    for (int64_t g = 0; g < x->dim[0] * groups; g++) {
        double mean, variance;

        statistics(x, false, g * each * s, 0, 1, each * s, &mean, &variance);
        for (int64_t k = g * each; k < (g + 1) * each; k++) {
            int64_t v = a->by_group ? g % groups : k % channels;

            normalize(x, c->out[0], k * s, s, mean,
                      ash_get_f64(c->in[1], v) / sqrt(variance + (double)a->epsilon),
                      ash_get_f64(c->in[2], v));
        }
    }
    return ASHORE_OK;
}

static int group_run(struct ash_run *c) {
    const struct norm_attrs *a = c->attrs;
    const struct norm_params *p = c->params;

    ash_norm_group(p->row, c->pool, p->outer, p->n, a->groups ? (size_t)a->groups : p->n, p->inner,
                   a->epsilon, c->in[0]->data, c->in[1]->data, c->in[2]->data, c->out[0]->data);
    return ASHORE_OK;
}

static int group_lower(struct ash_lower *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    const struct ash_norm_row *row = ash_norm_best();
    struct norm_params *p;

    if (!ash_lower_all_f32(c) || !ash_type_count(x)) return ASHORE_OK;
    if (a->by_group && (size_t)a->groups != ash_extent(x, 1)) return ASHORE_OK;
    p = ash_lower_to(c, group_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = row;
    p->outer = ash_extent(x, 0);
    p->n = ash_extent(x, 1);
    p->inner = ash_extents(x, 2, x->rank);
    return ASHORE_OK;
}

/* ---- LayerNormalization, RMSNormalization ---- */

static int layer_parse(const struct ash_parse *c, void *attrs) {
    struct norm_attrs *a = attrs;
    int64_t stash;

    ASH_TRY(ash_parse_float(c, "epsilon", 1e-5f, &a->epsilon));
    ASH_TRY(ash_parse_int(c, "axis", -1, &a->axis));
    ASH_TRY(ash_parse_int(c, "stash_type", ASHORE_FLOAT32, &stash));
    ASH_FAIL_IF(stash < 0 || !ash_dtype_is_float((int)(stash & 63)) || stash > 63, c->err, ATTR,
                "stash_type %lld is no floating-point type", (long long)stash);
    a->stash = (int)stash;
    a->rms = strcmp(c->node->op_type, "LayerNormalization") != 0;
    return ASHORE_OK;
}

static int layer_infer(struct ash_infer *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int dtype, axis;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, a->rms, 3, ASH_TAKES_FLOAT, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    for (int o = 1; o < c->n_out; o++) ash_infer_set(c, o, a->stash, -1, NULL);
    if (x->rank < 0) return ASHORE_OK;
    ASH_TRY(ash_axis(a->axis, x->rank, &axis, c->err));
    for (int i = 0; i < x->rank; i++) dim[i] = i < axis ? x->dim[i] : ash_dim_exact(1);
    for (int o = 1; o < c->n_out; o++) ash_infer_set(c, o, a->stash, x->rank, dim);
    for (int i = 1; i < c->n_in; i++) {
        const struct ash_type *t = c->in[i] ? &c->in[i]->type : NULL;

        ASH_FAIL_IF(t && t->rank > x->rank, c->err, SHAPE, "input %d has rank %d, more than %d", i,
                    t->rank, x->rank);
        for (int k = 0; t && k < t->rank; k++) {
            struct ash_dim to = x->dim[x->rank - t->rank + k], d = t->dim[k];

            ASH_FAIL_IF(d.kind == ASH_DIM_EXACT && to.kind == ASH_DIM_EXACT && d.value != 1 &&
                            d.value != to.value,
                        c->err, SHAPE, "extent %lld of input %d cannot be broadcast to %lld",
                        (long long)d.value, i, (long long)to.value);
        }
    }
    return ASHORE_OK;
}

/* t = input i, broadcast, from element `start` of x on. */
static void load_like(const struct ash_run *c, int i, int64_t start, size_t n, double *t) {
    double raw[ASH_TILE];

    ash_load_f64(c->in[i]->dtype, ash_broadcast_tile(c->in[i], c->in[0], start, n, raw), n, t);
}

static void layer_group(const struct ash_run *c, int64_t start, int64_t s, double mean,
                        double inverse) {
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    double t[ASH_TILE], w[ASH_TILE];
    size_t n;

    for (int64_t i = 0; (n = ash_tile_size(s, i)); i += (int64_t)n) {
        ash_load_f64(x->dtype, ash_at(x, start + i), n, t);
        load_like(c, 1, start + i, n, w);
        for (size_t k = 0; k < n; k++) t[k] = (t[k] - mean) * inverse * w[k];
        if (ash_run_has(c, 2)) {
            load_like(c, 2, start + i, n, w);
            for (size_t k = 0; k < n; k++) t[k] += w[k];
        }
        ash_store_f64(y->dtype, t, n, ash_at(y, start + i));
    }
}

static int layer_ref(struct ash_run *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int64_t groups, s;
    int axis;

    ASH_TRY(ash_axis(a->axis, x->rank, &axis, c->err));
    groups = ash_dims_product(x->dim, 0, axis);
    s = ash_dims_product(x->dim, axis, x->rank);
    for (int64_t g = 0; g < groups; g++) {
        double stats[2], variance;

        statistics(x, a->rms, g * s, 0, 1, s, &stats[0], &variance);
        stats[1] = 1 / sqrt(variance + (double)a->epsilon);
        if (c->out[0]) layer_group(c, g * s, s, stats[0], stats[1]);
        for (int o = 1; o < c->n_out; o++)
            if (c->out[o])
                ash_store_f64(c->out[o]->dtype, &stats[o - !a->rms], 1, ash_at(c->out[o], g));
    }
    return ASHORE_OK;
}

static int layer_run(struct ash_run *c) {
    const struct norm_attrs *a = c->attrs;
    const struct norm_params *p = c->params;

    ash_norm_layer(p->row, c->pool, a->rms, p->outer, p->n, a->epsilon, c->in[0]->data,
                   c->in[1]->data, ash_run_f32(c, 2), c->out[0]->data,
                   a->rms ? NULL : ash_run_out_f32(c, 1), ash_run_out_f32(c, a->rms ? 1 : 2));
    return ASHORE_OK;
}

/* t, which is broadcast to x, has all of x's extents from axis on and repeats nothing else. */
static bool spans(const struct ash_type *t, const struct ash_type *x, int axis) {
    for (int i = 0; i < x->rank; i++) {
        int k = i - (x->rank - t->rank);
        size_t d = k < 0 ? 1 : ash_extent(t, k);

        if (d != (i < axis ? 1 : ash_extent(x, i))) return false;
    }
    return true;
}

static int layer_lower(struct ash_lower *c) {
    const struct norm_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    const struct ash_norm_row *row = ash_norm_best();
    struct norm_params *p;
    int axis;

    ASH_TRY(ash_axis(a->axis, x->rank, &axis, c->err));
    if (c->node->out[0] == ASH_NONE || !ash_lower_all_f32(c)) return ASHORE_OK;
    for (int i = 1; i < c->n_in; i++)
        if (c->in[i] && !spans(&c->in[i]->type, x, axis)) return ASHORE_OK;
    p = ash_lower_to(c, layer_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = row;
    p->outer = ash_extents(x, 0, axis);
    p->n = ash_extents(x, axis, x->rank);
    return ASHORE_OK;
}

#define NORM(op, from, to, least, most, results, fam)                                              \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = from,                                                                                \
     .until = to,                                                                                  \
     .in_min = least,                                                                              \
     .in_max = most,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = results,                                                                           \
     .inplace = 1,                                                                                 \
     .attrs_size = sizeof(struct norm_attrs),                                                      \
     .parse = fam##_parse,                                                                         \
     .infer = fam##_infer,                                                                         \
     .ref = fam##_ref,                                                                             \
     .lower = fam##_lower}

/* LayerNormalization stood in files before version 17 made it standard. */
extern const struct ash_op ash_ops_normalization[];
const struct ash_op ash_ops_normalization[] = {
    NORM("BatchNormalization", 1, 13, 5, 5, 5, batch),
    NORM("BatchNormalization", 14, 0, 5, 5, 3, batch),
    NORM("InstanceNormalization", 1, 0, 3, 3, 1, group),
    NORM("GroupNormalization", 18, 0, 3, 3, 1, group),
    NORM("LayerNormalization", 1, 0, 2, 3, 3, layer),
    NORM("RMSNormalization", 23, 0, 2, 2, 1, layer),
    NORM("SimplifiedLayerNormalization", 1, 0, 2, 2, 2, layer),
    {0},
};
