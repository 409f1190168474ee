#include "ops/qform.h"

#include <math.h>
#include <string.h>

ASH_MAKES("Cast Sub Reshape", "MatMulInteger|ConvInteger|ashore:ConvInteger");
ASH_MAKES("Cast Sub Reshape Add Mul Div Clip QuantizeLinear", "QLinearConv|QLinearMatMul");
ASH_MAKES("Cast Sub Reshape Add Mul Div Clip QuantizeLinear", "com.microsoft:QGemm");
ASH_MAKES("Cast Sub Reshape Add Mul Div Clip QuantizeLinear", "ashore:QLinearConv");
ASH_MAKES("Cast Sub Reshape Add Mul Div Clip QuantizeLinear", "ashore:QLinearMatMul");
ASH_MAKES("Cast Sub Add Mul", "com.microsoft:MatMulIntegerToFloat");
ASH_MAKES("Cast Sub Add Mul", "com.microsoft:DynamicQuantizeMatMul");

const struct ash_qform *ash_qform_of(const struct ash_node *node) {
    static const struct {
        const char *op;
        struct ash_qform form;
    } forms[] = {
        {"MatMulInteger", {0, -1, 2, 1, -1, 3, -1, -1, -1}},
        {"ConvInteger", {0, -1, 2, 1, -1, 3, -1, -1, -1}},
        {"QLinearMatMul", {0, 1, 2, 3, 4, 5, 6, 7, 8}},
        {"QLinearConv", {0, 1, 2, 3, 4, 5, 6, 7, 8}},
        {"DynamicQLinearConv", {0, 1, 2, 3, 4, 5, -1, -1, 8}},
        {"QGemm", {0, 1, 2, 3, 4, 5, 7, 8, 6}},
        {"MatMulIntegerToFloat", {0, 2, 4, 1, 3, 5, -1, -1, 6}},
        {"DynamicQuantizeMatMul", {0, -1, -1, 1, 2, 3, -1, -1, 4}},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcmp(forms[i].op, node->op_type)) return &forms[i].form;
    return NULL;
}

int ash_qform_parse_limits(const struct ash_parse *c, struct ash_qlimits *l) {
    ASH_TRY(ash_parse_float(c, "lo", -INFINITY, &l->lo));
    return ash_parse_float(c, "hi", INFINITY, &l->hi);
}

/* ---- inference ---- */

static int type_of(const struct ash_infer *c, int i) {
    return i >= 0 && ash_infer_has(c, i) ? c->in[i]->type.dtype : 0;
}

static int agree(struct ash_infer *c, int i, int zero) {
    int x = type_of(c, i), z = type_of(c, zero);
    ASH_FAIL_IF(x && z && x != z, c->err, TYPE, "input %d is %s, its zero point is %s", i,
                ash_dtype(x)->name, ash_dtype(z)->name);
    return ASHORE_OK;
}

static bool is_small(int dtype) {
    return ash_is_byte(dtype) || (ash_dtype_is_float(dtype) && ash_dtype(dtype)->bits <= 8);
}

int ash_qform_infer(struct ash_infer *c, const struct ash_qform *f, int *dtype) {
    bool from_float = f->b_scale >= 0 && f->a_scale < 0; /* DynamicQuantizeMatMul */
    for (int k = 0; k < 2; k++) {
        int i = k ? f->b : f->a, x = type_of(c, i);
        bool fits = k || !from_float ? is_small(x) : x == ASHORE_FLOAT32;
        ASH_FAIL_IF(x && !fits, c->err, TYPE,
                    "input %d is of type %s, which this operator does not take", i,
                    ash_dtype(x)->name);
        ASH_TRY(agree(c, i, k ? f->b_zero : f->a_zero));
    }
    for (int k = 0; k < 3; k++) {
        const int scales[] = {f->a_scale, f->b_scale, f->c_scale};
        int s = type_of(c, scales[k]);
        ASH_FAIL_IF(s && !ash_dtype_is_float(s), c->err, TYPE, "the scale, input %d, is %s",
                    scales[k], ash_dtype(s)->name);
    }
    int bias = type_of(c, f->bias);
    ASH_FAIL_IF(bias && bias != ASHORE_INT32 && bias != ASHORE_FLOAT32, c->err, TYPE,
                "the bias, input %d, is %s", f->bias, ash_dtype(bias)->name);
    *dtype = ASHORE_INT32;
    if (f->b_scale >= 0) *dtype = ASHORE_FLOAT32;
    if (f->c_scale < 0 || !ash_infer_has(c, f->c_scale)) return ASHORE_OK;
    *dtype = type_of(c, ash_infer_has(c, f->c_zero) ? f->c_zero : f->a);
    ASH_FAIL_IF(*dtype && !is_small(*dtype), c->err, TYPE, "the result's zero point is %s",
                ash_dtype(*dtype)->name);
    return ASHORE_OK;
}

/* ---- bodies ---- */

static uint32_t in(const struct ash_builder *b, int i) {
    return i < 0 ? ASH_NONE : ash_build_in(b, i);
}

uint32_t ash_qform_build_cast(struct ash_builder *b, uint32_t x, int to) {
    uint32_t y = ash_build_one(b, "Cast", x);
    const struct ash_attr a = {.name = "to", .type = ASH_ATTR_INT, .v.i = to};
    if (b->rc == ASHORE_OK)
        b->rc = ash_node_set_attr(b->graph, b->graph->nodes[b->graph->n_nodes - 1], &a, b->err);
    return y;
}

/* x as [-1, 1, ...], which makes a scalar [1, 1, ...]. */
static uint32_t upright(struct ash_builder *b, uint32_t x, int trailing) {
    const int64_t rank = trailing + 1;
    uint32_t shape = ASH_NONE;
    struct ash_tensor *t;
    if (!trailing || b->rc != ASHORE_OK) return x;
    b->rc = ash_graph_add_const(b->graph, "", ASHORE_INT64, 1, &rank, &shape, &t, b->err);
    if (b->rc != ASHORE_OK) return x;
    for (int64_t i = 0; i < rank; i++) ((int64_t *)t->data)[i] = i ? 1 : -1;
    return ash_build(b, "Reshape", x, shape, ASH_NONE);
}

uint32_t ash_qform_build_less(struct ash_builder *b, uint32_t x, uint32_t zero, int to,
                              int trailing) {
    x = ash_qform_build_cast(b, x, to);
    if (zero == ASH_NONE) return x;
    zero = upright(b, ash_qform_build_cast(b, zero, to), trailing);
    return ash_build(b, "Sub", x, zero, ASH_NONE);
}

void ash_qform_build(struct ash_builder *b, const struct ash_qform *f, const struct ash_qlimits *l,
                     uint32_t s, uint32_t a_scale, int trailing) {
    uint32_t c_scale = in(b, f->c_scale), bias = in(b, f->bias), zero = in(b, f->c_zero);
    bool whole =
        b->in && bias != ASH_NONE ? b->in[f->bias]->type.dtype == ASHORE_INT32 : f->c_scale >= 0;
    if (bias != ASH_NONE) bias = upright(b, bias, trailing);
    if (bias != ASH_NONE && whole) s = ash_build(b, "Add", s, bias, ASH_NONE);
    if (a_scale != ASH_NONE) {
        uint32_t b_scale = ash_qform_build_cast(b, in(b, f->b_scale), ASHORE_FLOAT32);
        uint32_t scale = ash_qform_build_cast(b, a_scale, ASHORE_FLOAT32);
        scale = ash_build(b, "Mul", scale, upright(b, b_scale, trailing), ASH_NONE);
        if (c_scale != ASH_NONE) {
            c_scale = ash_qform_build_cast(b, c_scale, ASHORE_FLOAT32);
            scale = ash_build(b, "Div", scale, c_scale, ASH_NONE);
            if (bias != ASH_NONE && !whole) bias = ash_build(b, "Div", bias, c_scale, ASH_NONE);
        }
        s = ash_build(b, "Mul", ash_qform_build_cast(b, s, ASHORE_FLOAT32), scale, ASH_NONE);
        if (bias != ASH_NONE && !whole) s = ash_build(b, "Add", s, bias, ASH_NONE);
        if (isfinite(l->lo) || isfinite(l->hi))
            s = ash_build(b, "Clip", s, ash_build_f32(b, l->lo), ash_build_f32(b, l->hi));
        if (c_scale != ASH_NONE) s = ash_build(b, "QuantizeLinear", s, ash_build_f32(b, 1), zero);
    }
    ash_build_out(b, 0, s);
}

/* ---- lowering ---- */

static const struct ash_type *there(const struct ash_lower *c, int i) {
    return i >= 0 && i < c->n_in && c->in[i] ? &c->in[i]->type : NULL;
}

static bool one_or(const struct ash_type *t, size_t n) {
    size_t count = ash_type_count(t);
    return count == 1 || (count == n && t->rank == 1);
}

bool ash_qform_fits(const struct ash_lower *c, const struct ash_qform *f, size_t n) {
    const struct ash_type *t;
    const int scales[] = {f->a_scale, f->b_scale, f->c_scale};
    const int zeros[] = {f->a_zero, f->b_zero, f->c_zero};
    if (!ash_is_byte(there(c, f->b)->dtype)) return false;
    for (int k = 0; k < 3; k++) {
        size_t most = k == 1 ? n : 1;
        t = there(c, scales[k]);
        if (t && (t->dtype != ASHORE_FLOAT32 || !one_or(t, most))) return false;
        t = there(c, zeros[k]);
        if (t && (!ash_is_byte(t->dtype) || !one_or(t, most))) return false;
    }
    t = there(c, f->bias);
    if (t && (t->rank != 1 || ash_type_count(t) != n)) return false;
    return ash_is_byte(c->out->type.dtype) || c->out->type.dtype == ASHORE_FLOAT32 ||
           c->out->type.dtype == ASHORE_INT32;
}

bool ash_qform_constant(const struct ash_lower *c, const struct ash_qform *f) {
    return c->in[f->b]->data && (!there(c, f->b_zero) || c->in[f->b_zero]->data);
}

static const struct ash_tensor *given(const struct ash_run *c, int i) {
    return i >= 0 && ash_run_has(c, i) ? c->in[i] : NULL;
}

static float scale_of(const struct ash_tensor *t, float without) {
    return t ? *(const float *)t->data : without;
}

void ash_qform_set(const struct ash_run *c, const struct ash_qform *f, const struct ash_qlimits *l,
                   struct ash_qgemm *g) {
    const struct ash_tensor *a_zero = given(c, f->a_zero), *b_scale = given(c, f->b_scale);
    const struct ash_tensor *c_zero = given(c, f->c_zero), *bias = given(c, f->bias);
    int to = c->out[0]->dtype;
    g->a_signed = c->in[f->a]->dtype == ASHORE_INT8;
    g->a_zero = a_zero ? ash_byte_at(a_zero, 0) : 0;
    g->a_scale = scale_of(given(c, f->a_scale), 1);
    g->c_scale = scale_of(given(c, f->c_scale), 0);
    g->b_scale = b_scale ? b_scale->data : NULL;
    g->b_scale_step = b_scale && ash_tensor_count(b_scale) > 1;
    if (bias && bias->dtype == ASHORE_INT32) g->bias = bias->data;
    if (bias && bias->dtype == ASHORE_FLOAT32) g->shift = bias->data;
    g->lo = l->lo;
    g->hi = l->hi;
    g->out = ash_is_byte(to)        ? ASH_QGEMM_BYTE
             : to == ASHORE_FLOAT32 ? ASH_QGEMM_F32
                                    : ASH_QGEMM_S32;
    if (g->out == ASH_QGEMM_BYTE) {
        g->zero = c_zero ? ash_byte_at(c_zero, 0) : 0;
        float lo = (float)((to == ASHORE_INT8 ? -128 : 0) - g->zero);
        g->lo = fmaxf(g->lo, lo);
        g->hi = fminf(g->hi, lo + 255);
    }
    g->c = c->out[0]->data;
}
