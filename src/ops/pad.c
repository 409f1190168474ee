/* Pad, CenterCropPad. */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <string.h>

extern const struct ash_op ash_ops_pad[];

#define PAD_MAX ((int64_t)1 << 40)

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

struct pad_attrs {
    const int64_t *pads; /* before operator set 11; CenterCropPad: axes */
    size_t n;
    float value;
    int mode;
};

static int pad_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap", NULL};
    struct pad_attrs *a = attrs;
    ASH_TRY(ash_parse_choice(c, "mode", modes, PAD_CONSTANT, &a->mode));
    ASH_TRY(ash_parse_float(c, "value", 0, &a->value));
    const char *name = c->node->opset < 2 ? "paddings" : "pads";
    ASH_TRY(ash_parse_ints(c, name, &a->pads, &a->n));
    ASH_FAIL_IF(c->node->opset < 11 && (a->n % 2 || a->n > 2 * ASH_MAX_RANK), c->err, ATTR,
                "%zu pads", a->n);
    return ASHORE_OK;
}

/* Negative pads cut.  Reflected, repeated or wrapped is what is left after cutting. */
static int pad_dim(struct ash_infer *c, struct ash_dim n, struct ash_dim before,
                   struct ash_dim after, struct ash_dim *out) {
    *out = ash_infer_dim(c, ASH_DIM_ADD, ash_infer_dim(c, ASH_DIM_ADD, before, after), n);
    ASH_FAIL_IF(out->kind == ASH_DIM_EXACT && out->value < 0, c->err, SHAPE,
                "pads of %lld and %lld leave nothing of extent %lld", (long long)before.value,
                (long long)after.value, (long long)n.value);
    return ASHORE_OK;
}

static int pad_axes(struct ash_infer *c, int n, int rank, int *axes) {
    int64_t list[ASH_MAX_RANK];
    for (int i = 0; i < n; i++) list[i] = i;
    if (ash_infer_has(c, 3)) {
        int given;
        ASH_TRY(ash_infer_exact_ints(c, 3, list, ASH_MAX_RANK, &given));
        ASH_FAIL_IF(given != n, c->err, SHAPE, "%d axes, but pads for %d", given, n);
    } else {
        ASH_FAIL_IF(n != rank, c->err, SHAPE, "pads for %d dimensions, the input has %d", n, rank);
    }
    return ash_axes(list, n, rank, axes, c->err);
}

static int pad_infer(struct ash_infer *c) {
    const struct pad_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim pads[2 * ASH_MAX_RANK], dim[ASH_MAX_RANK];
    int n = (int)a->n, axes[ASH_MAX_RANK], dtype, rc = ASHORE_OK;
    ASH_TRY(ash_infer_types(c, 3, 4, ASH_TAKES_INT, &dtype));
    ASH_TRY(ash_infer_alike(c, 0, 2));
    c->out->type.dtype = t->dtype;
    if (t->rank >= 0) ash_infer_rank(c, 0, t->rank);
    if (ash_infer_has(c, 1)) {
        rc = ash_infer_ints(c, 1, pads, 2 * ASH_MAX_RANK, &n);
    } else {
        for (int i = 0; i < n; i++) pads[i] = ash_dim_exact(a->pads[i]);
    }
    if (rc != ASHORE_OK || t->rank < 0) return rc;
    ASH_FAIL_IF(n % 2, c->err, SHAPE, "%d pads: expected one before and one after per dimension",
                n);
    n /= 2;
    ASH_TRY(pad_axes(c, n, t->rank, axes));
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i];
    for (int i = 0; i < n; i++)
        ASH_TRY(pad_dim(c, t->dim[axes[i]], pads[i], pads[n + i], &dim[axes[i]]));
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    return ash_infer_known(pads, 2 * n);
}

/* The part of one dimension that is left after cutting, and where it lands. */
struct pad_axis {
    int64_t first, n;  /* input */
    int64_t at, total; /* output */
};

/* Input position for output position i; -1: none. */
static int64_t pad_source(const struct pad_axis *a, int mode, int64_t i) {
    int64_t n = a->n, p = i - a->at;
    if (p >= 0 && p < n) return a->first + p;
    if (mode == PAD_CONSTANT || n == 0) return -1;
    if (mode == PAD_EDGE) return a->first + (p < 0 ? 0 : n - 1);
    int64_t period = mode == PAD_WRAP ? n : n > 1 ? 2 * (n - 1) : 1;
    p %= period;
    if (p < 0) p += period;
    return a->first + (p < n ? p : period - p);
}

static int pad_layout(struct ash_run *c, struct pad_axis *x) {
    const struct pad_attrs *a = c->attrs;
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    bool given = ash_run_has(c, 1), axes = ash_run_has(c, 3);
    for (int i = 0; i < in->rank; i++) x[i] = (struct pad_axis){0, in->dim[i], 0, out->dim[i]};
    int64_t n = (given ? ash_tensor_count(c->in[1]) : (int64_t)a->n) / 2;
    for (int64_t i = 0; i < n; i++) {
        int64_t before = given ? ash_get_i64(c->in[1], i) : a->pads[i];
        int64_t after = given ? ash_get_i64(c->in[1], n + i) : a->pads[n + i];
        int k;
        ASH_FAIL_IF(before > PAD_MAX || before < -PAD_MAX || after > PAD_MAX || after < -PAD_MAX,
                    c->err, LIMIT, "pads of %lld and %lld", (long long)before, (long long)after);
        ASH_TRY(ash_axis(axes ? ash_get_i64(c->in[3], i) : i, in->rank, &k, c->err));
        x[k].at = before;
        if (before < 0) { /* a cut deeper than the extent cuts from what is padded behind */
            x[k].first = -before < x[k].n ? -before : x[k].n;
            x[k].at = before + x[k].first;
            x[k].n -= x[k].first;
        }
        if (after < 0) x[k].n = x[k].n + after > 0 ? x[k].n + after : 0;
        bool missing = x[k].n == 0 && out->dim[k] > 0;
        ASH_FAIL_IF(missing && a->mode != PAD_CONSTANT, c->err, SHAPE,
                    "dimension %d has nothing that padding could repeat", k);
    }
    return ASHORE_OK;
}

/* One row along the last dimension; from is NULL in rows of padding alone. */
static void pad_row(const struct pad_axis *x, int mode, size_t size, const char *from, char *to,
                    const void *value) {
    if (!from) {
        ash_fill(to, size, x->total, value);
        return;
    }
    int64_t low = x->at < 0 ? 0 : x->at < x->total ? x->at : x->total;
    int64_t high = x->at + x->n < x->total ? x->at + x->n : x->total;
    if (high < low) high = low;
    if (mode == PAD_CONSTANT) {
        ash_fill(to, size, low, value);
        ash_fill(to + (size_t)high * size, size, x->total - high, value);
    } else {
        for (int64_t i = 0; i < x->total; i++) {
            if (i == low) i = high;
            if (i == x->total) break;
            memcpy(to + (size_t)i * size, from + (size_t)pad_source(x, mode, i) * size, size);
        }
    }
    if (high > low)
        memcpy(to + (size_t)low * size, from + (size_t)(x->first + low - x->at) * size,
               (size_t)(high - low) * size);
}

static int pad_ref(struct ash_run *c) {
    const struct pad_attrs *a = c->attrs;
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    struct pad_axis x[ASH_MAX_RANK + 1];
    int64_t step[ASH_MAX_RANK], at[ASH_MAX_RANK] = {0};
    size_t size = ash_dtype_size(in->dtype);
    char element[16] = {0};
    const void *value = element;
    if (ash_tensor_count(out) == 0) return ASHORE_OK;
    if (a->value != 0 && ash_dtype_is_float(in->dtype))
        ash_store_f32(in->dtype, &a->value, 1, element);
    if (ash_run_has(c, 2) && ash_tensor_count(c->in[2]) > 0) value = c->in[2]->data;
    ASH_TRY(pad_layout(c, x));
    ash_steps(in->rank, in->dim, step);
    int last = in->rank - 1;
    if (last < 0) x[last = 0] = (struct pad_axis){0, 1, 0, 1};
    char *to = out->data;
    do {
        int64_t offset = 0;
        for (int i = 0; i < last && offset >= 0; i++) {
            int64_t s = pad_source(&x[i], a->mode, at[i]);
            offset = s < 0 ? -1 : offset + s * step[i];
        }
        const char *from = offset < 0 ? NULL : (const char *)in->data + (size_t)offset * size;
        pad_row(&x[last], a->mode, size, from, to, value);
        to += (size_t)x[last].total * size;
    } while (ash_index_next(last, out->dim, at, 0, NULL, NULL));
    return ASHORE_OK;
}

/* ---- CenterCropPad ---- */

static int center_parse(const struct ash_parse *c, void *attrs) {
    struct pad_attrs *a = attrs;
    ASH_TRY(ash_parse_ints(c, "axes", &a->pads, &a->n));
    ASH_FAIL_IF(a->n > ASH_MAX_RANK, c->err, ATTR, "%zu axes", a->n);
    return ASHORE_OK;
}

static int center_infer(struct ash_infer *c) {
    static const int64_t all[ASH_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    const struct pad_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK], list[ASH_MAX_RANK];
    int axes[ASH_MAX_RANK], n = a->pads ? (int)a->n : t->rank, given = 0;
    c->out->type.dtype = t->dtype;
    if (t->rank < 0) return ASHORE_OK;
    ASH_TRY(ash_axes(a->pads ? a->pads : all, n, t->rank, axes, c->err));
    int rc = ash_infer_ints(c, 1, list, ASH_MAX_RANK, &given);
    if (rc < 0) return rc;
    ASH_FAIL_IF(rc == ASHORE_OK && given != n, c->err, SHAPE, "%d extents for %d dimensions", given,
                n);
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i];
    for (int i = 0; i < n; i++) {
        dim[axes[i]] = rc == ASHORE_OK ? list[i] : ash_dim_unknown();
        ASH_FAIL_IF(dim[axes[i]].kind == ASH_DIM_EXACT && dim[axes[i]].value < 0, c->err, ARGUMENT,
                    "extent %lld", (long long)dim[axes[i]].value);
    }
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    return rc == ASHORE_OK ? ash_infer_known(list, n) : rc;
}

/* The centre of the input goes to the centre of the output; half elements are left out before. */
static int center_ref(struct ash_run *c) {
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    int64_t from[ASH_MAX_RANK], to[ASH_MAX_RANK], dim[ASH_MAX_RANK], first = 0, at = 0;
    size_t size = ash_dtype_size(in->dtype);
    ash_steps(in->rank, in->dim, from);
    ash_steps(out->rank, out->dim, to);
    for (int i = 0; i < in->rank; i++) {
        int64_t more = in->dim[i] - out->dim[i];
        dim[i] = more > 0 ? out->dim[i] : in->dim[i];
        if (more > 0)
            first += more / 2 * from[i];
        else
            at += -more / 2 * to[i];
    }
    ash_fill(out->data, size, ash_tensor_count(out), NULL);
    if (ash_dims_product(dim, 0, in->rank) == 0) return ASHORE_OK;
    ash_move(in->rank, dim, size, ash_at(in, first), from, ash_at(out, at), to);
    return ASHORE_OK;
}

#define PAD                                                                                        \
    .name = "Pad", .domain = "", .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES,                \
    .attrs_size = sizeof(struct pad_attrs), .parse = pad_parse, .infer = pad_infer, .ref = pad_ref

const struct ash_op ash_ops_pad[] = {{PAD, .since = 1, .until = 10, .in_min = 1, .in_max = 1},
                                     {PAD, .since = 11, .in_min = 2, .in_max = 4},
                                     {.name = "CenterCropPad",
                                      .domain = "",
                                      .since = 18,
                                      .in_min = 2,
                                      .in_max = 2,
                                      .out_min = 1,
                                      .out_max = 1,
                                      .flags = ASH_OP_MOVES,
                                      .attrs_size = sizeof(struct pad_attrs),
                                      .parse = center_parse,
                                      .infer = center_infer,
                                      .ref = center_ref},
                                     {0}};
