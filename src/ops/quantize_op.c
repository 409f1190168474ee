/* QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
 *
 * Letters: x of `outer` x D x `inner` elements; there is one scale for all, one per index of D, or
 * one per block of B of them (of each outer and inner index). */
#include "ops/elementwise.h"
#include "ops/quantized.h"

#include <math.h>
#include <string.h>

struct quantize_attrs {
    int64_t axis, block;
    int to;        /* the output's type; 0: what the inputs tell */
    int precision; /* of the division; 0: the scale's type */
    bool saturate;
};

static int dtype_attr(const struct ash_parse *c, const char *name, int *out) {
    int64_t v;
    ASH_TRY(ash_parse_int(c, name, 0, &v));
    ASH_FAIL_IF(v < 0 || v >= ASHORE_DTYPE_COUNT, c->err, ATTR, "%s %lld", name, (long long)v);
    *out = (int)v;
    return ASHORE_OK;
}

static int quantize_parse(const struct ash_parse *c, void *attrs) {
    struct quantize_attrs *a = attrs;
    int64_t saturate;
    ASH_TRY(ash_parse_int(c, "axis", 1, &a->axis));
    ASH_TRY(ash_parse_int(c, "block_size", 0, &a->block));
    ASH_TRY(ash_parse_int(c, "saturate", 1, &saturate));
    ASH_TRY(dtype_attr(c, "output_dtype", &a->to));
    ASH_TRY(dtype_attr(c, "precision", &a->precision));
    ASH_FAIL_IF(a->block < 0, c->err, ATTR, "block_size %lld", (long long)a->block);
    ASH_FAIL_IF(a->precision && !ash_dtype_is_float(a->precision), c->err, ATTR, "precision %s",
                ash_dtype(a->precision)->name);
    a->saturate = saturate != 0;
    return ASHORE_OK;
}

bool ash_quantized_range(int dtype, int32_t *lo, int32_t *hi) {
    const struct ash_dtype_facts *d = ash_dtype(dtype);
    bool is_signed = d->number == ASH_CLASS_INT;
    if (dtype == ASHORE_BOOL || d->bits < 2 || d->bits > 16 ||
        (!is_signed && d->number != ASH_CLASS_UINT))
        return false;
    *hi = (1 << (d->bits - is_signed)) - 1;
    *lo = is_signed ? -*hi - 1 : 0;
    return true;
}

static bool is_quantized(int dtype) {
    int32_t lo, hi;
    const struct ash_dtype_facts *d = ash_dtype(dtype);
    return ash_quantized_range(dtype, &lo, &hi) || (ash_dtype_is_float(dtype) && d->bits <= 8);
}

/* ---- inference ---- */

static int want(struct ash_infer *c, int i, bool fits) {
    ASH_FAIL_IF(!fits, c->err, TYPE, "input %d is of type %s, which this operator does not take", i,
                ash_dtype(c->in[i]->type.dtype)->name);
    return ASHORE_OK;
}

static int quantize_infer(struct ash_infer *c) {
    const struct quantize_attrs *a = c->attrs;
    int x = c->in[0]->type.dtype, scale = c->in[1]->type.dtype, to = a->to;
    if (x) ASH_TRY(want(c, 0, x == ASHORE_INT32 || ash_dtype_is_float(x)));
    if (scale) ASH_TRY(want(c, 1, scale == ASHORE_INT32 || ash_dtype_is_float(scale)));
    if (ash_infer_has(c, 2)) {
        int zero = c->in[2]->type.dtype;
        if (zero) ASH_TRY(want(c, 2, is_quantized(zero)));
        ASH_FAIL_IF(zero && to && zero != to, c->err, TYPE,
                    "output_dtype is %s, the zero point is %s", ash_dtype(to)->name,
                    ash_dtype(zero)->name);
        to = zero;
    } else if (!to) {
        to = ASHORE_UINT8;
    }
    ASH_FAIL_IF(to && !is_quantized(to), c->err, TYPE, "output_dtype %s", ash_dtype(to)->name);
    ash_infer_like(c, 0, to, 0);
    return ASHORE_OK;
}

static int dequantize_infer(struct ash_infer *c) {
    const struct quantize_attrs *a = c->attrs;
    int x = c->in[0]->type.dtype, scale = c->in[1]->type.dtype;
    int zero = ash_infer_has(c, 2) ? c->in[2]->type.dtype : 0, to = a->to;
    if (x) ASH_TRY(want(c, 0, x == ASHORE_INT32 || is_quantized(x)));
    if (scale) ASH_TRY(want(c, 1, ash_dtype_is_float(scale)));
    ASH_FAIL_IF(x && zero && x != zero, c->err, TYPE, "input 0 is %s, the zero point is %s",
                ash_dtype(x)->name, ash_dtype(zero)->name);
    ASH_FAIL_IF(to && !ash_dtype_is_float(to), c->err, TYPE, "output_dtype %s",
                ash_dtype(to)->name);
    if (!to) to = scale == ASHORE_FLOAT8E8M0 ? ASHORE_FLOAT32 : scale;
    ash_infer_like(c, 0, to, 0);
    return ASHORE_OK;
}

/* ---- which scale belongs to an element ---- */

struct place {
    int64_t D, inner, B, blocks; /* D 1: one scale; B 0: one per index of D */
};

static int place_of(const struct quantize_attrs *a, const struct ash_tensor *x,
                    const struct ash_tensor *scale, const struct ash_tensor *zero, struct place *p,
                    struct ashore_error *err) {
    int axis;
    *p = (struct place){.D = 1, .inner = 1};
    ASH_FAIL_IF(zero && !ash_tensor_same_shape(zero, scale) &&
                    (ash_tensor_count(zero) != 1 || ash_tensor_count(scale) != 1),
                err, SHAPE, "scale and zero point differ in shape");
    if (ash_tensor_count(scale) == 1 && scale->rank <= 1 && !a->block) return ASHORE_OK;
    ASH_TRY(ash_axis(a->axis, x->rank, &axis, err));
    p->D = x->dim[axis];
    p->inner = ash_dims_product(x->dim, axis + 1, x->rank);
    if (!a->block) {
        ASH_FAIL_IF(scale->rank != 1 || scale->dim[0] != p->D, err, SHAPE,
                    "%lld scales for an extent of %lld", (long long)ash_tensor_count(scale),
                    (long long)p->D);
        return ASHORE_OK;
    }
    p->B = a->block;
    p->blocks = p->D / p->B + (p->D % p->B != 0);
    bool fits = scale->rank == x->rank;
    for (int i = 0; fits && i < x->rank; i++)
        fits = scale->dim[i] == (i == axis ? p->blocks : x->dim[i]);
    ASH_FAIL_IF(!fits, err, SHAPE, "the scales do not fit blocks of %lld along dimension %d",
                (long long)p->B, axis);
    return ASHORE_OK;
}

static int64_t scale_at(const struct place *p, int64_t i) {
    if (p->B) {
        int64_t d = i / p->inner % p->D, outer = i / p->inner / p->D;
        return (outer * p->blocks + d / p->B) * p->inner + i % p->inner;
    }
    return p->D == 1 ? 0 : i / p->inner % p->D;
}

/* Elements from i on, at most n, that have one scale. */
static size_t same_scale(const struct place *p, int64_t i, size_t n) {
    int64_t left = (int64_t)n, run = left;
    if (p->B && p->inner == 1)
        run = p->B - i % p->D % p->B < p->D - i % p->D ? p->B - i % p->D % p->B : p->D - i % p->D;
    else if (p->B)
        run = 1;
    else if (p->D > 1)
        run = p->inner - i % p->inner;
    return (size_t)(run < left ? run : left);
}

/* Scales and zero points of elements start.. */
static void load_scales(const struct place *p, const struct ash_tensor *scale,
                        const struct ash_tensor *zero, int64_t start, size_t n, double *s,
                        double *z) {
    for (size_t i = 0, run; i < n; i += run) {
        int64_t at = scale_at(p, start + (int64_t)i);
        run = same_scale(p, start + (int64_t)i, n - i);
        double sv = ash_get_f64(scale, at), zv = zero ? ash_get_f64(zero, at) : 0;
        for (size_t k = i; k < i + run; k++) {
            s[k] = sv;
            z[k] = zv;
        }
    }
}

/* ---- references ---- */

static void round_to(int dtype, double *v, size_t n) {
    double raw[ASH_TILE];
    ash_store_f64(dtype, v, n, raw);
    ash_load_f64(dtype, raw, n, v);
}

/* The division's result is rounded to the precision, then to a whole number: rounding a quotient of
 * two numbers of that precision in double first changes nothing. */
static int quantize_ref(struct ash_run *c) {
    const struct quantize_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *scale = c->in[1];
    const struct ash_tensor *zero = ash_run_has(c, 2) ? c->in[2] : NULL;
    struct ash_tensor *y = c->out[0];
    struct place p;
    int precision = a->precision ? a->precision : scale->dtype;
    int32_t lo = 0, hi = 0;
    bool whole = ash_quantized_range(y->dtype, &lo, &hi);
    size_t n;
    if (precision == ASHORE_INT32 || precision == ASHORE_FLOAT8E8M0) precision = ASHORE_FLOAT32;
    ASH_TRY(place_of(a, x, scale, zero, &p, c->err));
    int64_t count = ash_tensor_count(x);
    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        double v[ASH_TILE], s[ASH_TILE], z[ASH_TILE];
        ash_load_f64(x->dtype, ash_at(x, start), n, v);
        load_scales(&p, scale, zero, start, n, s, z);
        round_to(precision, v, n);
        round_to(precision, s, n);
        for (size_t i = 0; i < n; i++) v[i] /= s[i];
        round_to(precision, v, n);
        for (size_t i = 0; i < n; i++) {
            v[i] = (whole ? rint(v[i]) : v[i]) + z[i];
            if (whole) v[i] = v[i] > lo ? fmin(v[i], hi) : lo;
        }
        ash_convert(ASHORE_FLOAT64, v, n, y->dtype, ash_at(y, start), a->saturate, ASH_ROUND_UP);
    }
    return ASHORE_OK;
}

static int dequantize_ref(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *scale = c->in[1];
    const struct ash_tensor *zero = ash_run_has(c, 2) ? c->in[2] : NULL;
    struct ash_tensor *y = c->out[0];
    struct place p;
    size_t n;
    ASH_TRY(place_of(c->attrs, x, scale, zero, &p, c->err));
    int64_t count = ash_tensor_count(x);
    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        double v[ASH_TILE], s[ASH_TILE], z[ASH_TILE];
        ash_load_f64(x->dtype, ash_at(x, start), n, v);
        load_scales(&p, scale, zero, start, n, s, z);
        for (size_t i = 0; i < n; i++) v[i] = (v[i] - z[i]) * s[i];
        ash_store_f64(y->dtype, v, n, ash_at(y, start));
    }
    return ASHORE_OK;
}

/* ---- kernels ---- */

int32_t ash_byte_at(const struct ash_tensor *t, size_t i) {
    return t->dtype == ASHORE_INT8 ? ((const int8_t *)t->data)[i] : ((const uint8_t *)t->data)[i];
}

struct ash_quantized ash_quantized_by(int dtype, const struct ash_tensor *scale,
                                      const struct ash_tensor *zero, size_t i) {
    struct ash_quantized q = {.is_signed = dtype == ASHORE_INT8};
    q.scale = ((const float *)scale->data)[ash_tensor_count(scale) > 1 ? i : 0];
    if (zero) q.zero = ash_byte_at(zero, ash_tensor_count(zero) > 1 ? i : 0);
    return q;
}

struct params {
    const struct ash_quantize_row *row;
    size_t period, n, inner;
};

static int kernel_run(struct ash_run *c) {
    const struct params *p = c->params;
    bool to_bytes = c->in[0]->dtype == ASHORE_FLOAT32;
    struct ash_quantized *q = c->scratch;
    const struct ash_tensor *zero = ash_run_has(c, 2) ? c->in[2] : NULL;
    int dtype = to_bytes ? c->out[0]->dtype : c->in[0]->dtype;
    for (size_t i = 0; i < p->period; i++) q[i] = ash_quantized_by(dtype, c->in[1], zero, i);
    if (to_bytes)
        ash_quantize_f32(p->row, c->pool, q, p->period, p->n, p->inner, c->in[0]->data,
                         c->out[0]->data);
    else
        ash_dequantize_f32(p->row, c->pool, q, p->period, p->n, p->inner, c->in[0]->data,
                           c->out[0]->data);
    return ASHORE_OK;
}

/* Between float32 and bytes, without blocks. */
static int quantize_lower(struct ash_lower *c) {
    const struct quantize_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *s = &c->in[1]->type, *y = &c->out->type;
    bool there = x->dtype == ASHORE_FLOAT32 && ash_is_byte(y->dtype);
    bool back = ash_is_byte(x->dtype) && y->dtype == ASHORE_FLOAT32;
    bool zero = c->n_in > 2 && c->in[2];
    size_t scales = ash_type_count(s), inner = 1, count = ash_type_count(x);
    int axis;
    if ((!there && !back) || s->dtype != ASHORE_FLOAT32 || a->block || s->rank > 1 || !count ||
        (a->precision && a->precision != ASHORE_FLOAT32))
        return ASHORE_OK;
    if (zero && ash_type_count(&c->in[2]->type) != scales) return ASHORE_OK;
    if (scales == 1) {
        inner = count;
    } else {
        if (ash_axis(a->axis, x->rank, &axis, NULL) != ASHORE_OK) return ASHORE_OK;
        if (ash_extent(x, axis) != scales) return ASHORE_OK;
        inner = ash_extents(x, axis + 1, x->rank);
    }
    struct params *p = ash_lower_to(c, kernel_run, sizeof *p, ash_quantize_best()->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct params){ash_quantize_best(), scales, count / inner, inner};
    c->scratch = ash_size_mul(scales, sizeof(struct ash_quantized));
    return ASHORE_OK;
}

/* ---- DynamicQuantizeLinear ---- */

static int dynamic_infer(struct ash_infer *c) {
    int x = c->in[0]->type.dtype;
    if (x) ASH_TRY(want(c, 0, x == ASHORE_FLOAT32));
    ash_infer_like(c, 0, ASHORE_UINT8, 0);
    if (c->n_out > 1) ash_infer_set(c, 1, ASHORE_FLOAT32, 0, NULL);
    if (c->n_out > 2) ash_infer_set(c, 2, ASHORE_UINT8, 0, NULL);
    return ASHORE_OK;
}

struct ash_quantized ash_quantized_for(float lo, float hi) {
    struct ash_quantized q;
    lo = lo < 0 ? lo : 0;
    hi = hi > 0 ? hi : 0;
    q.is_signed = false;
    q.scale = lo == hi ? 1.0f : (hi - lo) / 255.0f;
    float zero = 0.0f - lo / q.scale;
    q.zero = zero > 0 ? (int32_t)rintf(zero < 255 ? zero : 255.0f) : 0;
    return q;
}

struct ash_quantized ash_quantized_fit(struct ash_pool *pool, size_t n, const float *x) {
    float lo, hi;
    ash_quantize_range(ash_quantize_best(), pool, n, x, &lo, &hi);
    return ash_quantized_for(lo, hi);
}

/* Minimum and maximum are exact in any order: this is the kernel as well. */
static int dynamic_ref(struct ash_run *c) {
    size_t n = (size_t)ash_tensor_count(c->in[0]);
    struct ash_quantized q = ash_quantized_for(0, 0);
    if (n) {
        q = ash_quantized_fit(c->pool, n, c->in[0]->data);
        ash_quantize_f32(ash_quantize_best(), c->pool, &q, 1, 1, n, c->in[0]->data,
                         c->out[0]->data);
    }
    if (c->n_out > 1 && c->out[1]) memcpy(c->out[1]->data, &q.scale, sizeof q.scale);
    if (c->n_out > 2 && c->out[2]) *(uint8_t *)c->out[2]->data = (uint8_t)q.zero;
    return ASHORE_OK;
}

static int dynamic_lower(struct ash_lower *c) {
    c->run = dynamic_ref;
    c->kernel = ash_quantize_best()->name;
    return ASHORE_OK;
}

#define ROW(where, ver, op, kind)                                                                  \
    {.name = op,                                                                                   \
     .domain = where,                                                                              \
     .since = ver,                                                                                 \
     .in_min = 2,                                                                                  \
     .in_max = 3,                                                                                  \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_ELEMENTWISE, /* with one scale */                                             \
     .attrs_size = sizeof(struct quantize_attrs),                                                  \
     .parse = quantize_parse,                                                                      \
     .infer = kind##_infer,                                                                        \
     .ref = kind##_ref,                                                                            \
     .lower = quantize_lower}

extern const struct ash_op ash_ops_quantize_op[];
const struct ash_op ash_ops_quantize_op[] = {
    ROW("", 10, "QuantizeLinear", quantize),
    ROW("", 10, "DequantizeLinear", dequantize),
    ROW(ASH_MICROSOFT, 1, "QuantizeLinear", quantize),
    ROW(ASH_MICROSOFT, 1, "DequantizeLinear", dequantize),
    {.name = "DynamicQuantizeLinear",
     .domain = "",
     .since = 11,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 3,
     .infer = dynamic_infer,
     .ref = dynamic_ref,
     .lower = dynamic_lower},
    {0},
};
