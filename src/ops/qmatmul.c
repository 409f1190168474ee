/* Matrix products of bytes: MatMulInteger and QLinearMatMul, and what onnxruntime's quantiser
 * writes beside them.  QLinearMatMul of the internal domain has a bias, the ninth input, and scales
 * may be left out as qform.h says.
 *
 * Letters: A is M x K, B is K x N, the result M x N. */
#include "ops/elementwise.h"
#include "ops/qform.h"

#include <string.h>

ASH_LOOKS_UP("MatMul", "ashore:QLinearMatMul QLinearMatMul MatMulInteger");
ASH_LOOKS_UP("MatMul", "com.microsoft:MatMulIntegerToFloat com.microsoft:DynamicQuantizeMatMul");
ASH_LOOKS_UP("MatMul", "com.microsoft:QGemm");

ASH_MAKES("MatMul", "MatMulInteger|QLinearMatMul|ashore:QLinearMatMul");
ASH_MAKES("MatMul Mul Transpose", "com.microsoft:QGemm");
ASH_MAKES("MatMul Reshape", "com.microsoft:MatMulIntegerToFloat");
ASH_MAKES("MatMul DynamicQuantizeLinear", "com.microsoft:DynamicQuantizeMatMul");

struct qmatmul_attrs {
    struct ash_qlimits limits;
    float alpha;           /* of QGemm, 1 otherwise */
    bool trans_a, trans_b; /* of QGemm */
    bool gemm, dynamic;
};

static int qmatmul_parse(const struct ash_parse *c, void *attrs) {
    struct qmatmul_attrs *a = attrs;
    int64_t trans_a, trans_b;
    ASH_TRY(ash_qform_parse_limits(c, &a->limits));
    ASH_TRY(ash_parse_float(c, "alpha", 1, &a->alpha));
    ASH_TRY(ash_parse_int(c, "transA", 0, &trans_a));
    ASH_TRY(ash_parse_int(c, "transB", 0, &trans_b));
    a->trans_a = trans_a != 0;
    a->trans_b = trans_b != 0;
    a->gemm = !strcmp(c->node->op_type, "QGemm");
    a->dynamic = !strcmp(c->node->op_type, "DynamicQuantizeMatMul");
    return ASHORE_OK;
}

/* ---- inference ---- */

static int gemm_extents(struct ash_infer *c, int bias, const struct ash_type *x,
                        const struct ash_type *w) {
    const struct qmatmul_attrs *a = c->attrs;
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_unknown()};
    ASH_FAIL_IF((x->rank >= 0 && x->rank != 2) || (w->rank >= 0 && w->rank != 2), c->err, SHAPE,
                "expected two matrices");
    if (x->rank == 2) dim[0] = x->dim[a->trans_a];
    if (w->rank == 2) dim[1] = w->dim[!a->trans_b];
    if (x->rank == 2 && w->rank == 2) {
        struct ash_dim k = x->dim[!a->trans_a], l = w->dim[a->trans_b];
        ASH_FAIL_IF(k.kind == ASH_DIM_EXACT && l.kind == ASH_DIM_EXACT && k.value != l.value,
                    c->err, SHAPE, "A has %lld columns, B has %lld rows", (long long)k.value,
                    (long long)l.value);
    }
    ash_infer_set(c, 0, 0, 2, dim);
    return bias < 0 ? ASHORE_OK : ash_infer_fits(c, bias, 2, dim);
}

static int qmatmul_infer(struct ash_infer *c) {
    const struct qmatmul_attrs *a = c->attrs;
    const struct ash_qform *f = ash_qform_of(c->node);
    struct ash_info x = *c->in[f->a], w = *c->in[f->b];
    const struct ash_info *in[2] = {&x, &w};
    struct ash_infer as = *c;
    int dtype;
    ASH_TRY(ash_qform_infer(c, f, &dtype));
    c->out->type.dtype = (uint8_t)dtype;
    if (a->gemm) {
        ASH_TRY(gemm_extents(c, f->bias, &x.type, &w.type));
    } else {
        x.type.dtype = w.type.dtype = ASHORE_INT32;
        as.attrs = NULL;
        as.in = in;
        as.n_in = 2;
        ASH_TRY(ash_op_find("", "MatMul", ASH_OPSET_NEWEST)->infer(&as));
    }
    c->out->type.dtype = (uint8_t)dtype;
    return ASHORE_OK;
}

/* ---- body ---- */

/* DynamicQuantizeLinear of x: its outputs. */
static void build_dynamic(struct ash_builder *b, uint32_t x, uint32_t *out) {
    struct ash_node *n;
    if (b->rc == ASHORE_OK)
        b->rc = ash_graph_add_node(b->graph, "", "DynamicQuantizeLinear", ASH_OPSET_NEWEST, 1, 3,
                                   &n, b->err);
    if (b->rc != ASHORE_OK) return;
    n->in[0] = x;
    for (int i = 0; i < 3 && b->rc == ASHORE_OK; i++) {
        b->rc = ash_graph_add_value(b->graph, "", &n->out[i], b->err);
        out[i] = n->out[i];
    }
}

static uint32_t transposed(struct ash_builder *b, uint32_t x, bool turn) {
    const int64_t perm[] = {1, 0};
    if (!turn) return x;
    x = ash_build_one(b, "Transpose", x);
    ash_build_attr_ints(b, "perm", perm, 2);
    return x;
}

/* More than one number in a vector: one for each row of A. */
static bool by_row(const struct ash_builder *b, int i) {
    if (!b->in || i < 0 || i >= (int)b->node->n_formal || !b->in[i]) return false;
    return b->in[i]->type.rank == 1 && !ash_dim_is(b->in[i]->type.dim[0], 1);
}

static uint32_t column(struct ash_builder *b, uint32_t x) {
    const int64_t shape[] = {-1, 1};
    uint32_t id = ASH_NONE;
    struct ash_tensor *t;
    const int64_t two = 2;
    if (b->rc == ASHORE_OK)
        b->rc = ash_graph_add_const(b->graph, "", ASHORE_INT64, 1, &two, &id, &t, b->err);
    if (b->rc == ASHORE_OK) memcpy(t->data, shape, sizeof shape);
    return ash_build(b, "Reshape", x, id, ASH_NONE);
}

static int qmatmul_body(struct ash_builder *b) {
    const struct qmatmul_attrs *a = b->attrs;
    const struct ash_qform *f = ash_qform_of(b->node);
    uint32_t x[3] = {ash_build_in(b, f->a), ASH_NONE, ASH_NONE};
    uint32_t w_zero = ash_build_in(b, f->b_zero);
    bool small = b->in && ash_dtype_is_float(b->in[f->b]->type.dtype);
    int as = small ? ASHORE_FLOAT32 : ASHORE_INT32; /* float8 */
    if (a->dynamic) {
        build_dynamic(b, ash_build_in(b, f->a), x);
    } else {
        if (f->a_scale >= 0) x[1] = ash_build_in(b, f->a_scale);
        x[2] = ash_build_in(b, f->a_zero);
        if (x[1] != ASH_NONE && by_row(b, f->a_scale)) x[1] = column(b, x[1]);
    }
    if (a->alpha != 1.0f && x[1] != ASH_NONE)
        x[1] = ash_build(b, "Mul", x[1], ash_build_f32(b, a->alpha), ASH_NONE);
    x[0] = ash_qform_build_less(b, x[0], x[2], as, by_row(b, f->a_zero));
    uint32_t w = ash_build_in(b, f->b);
    if (a->gemm) {
        x[0] = transposed(b, x[0], a->trans_a);
        w = transposed(b, w, a->trans_b);
    }
    w = ash_qform_build_less(b, w, w_zero, as, 0);
    uint32_t s = ash_build(b, "MatMul", x[0], w, ASH_NONE);
    ash_qform_build(b, f, &a->limits, s, x[1], 0);
    return b->rc;
}

/* ---- lowering ---- */

struct qmatmul_params {
    const struct ash_qgemm_kernel *row;
    const struct ash_qform *form;
    struct ash_qlimits limits;
    float alpha;
    bool trans_b, dynamic;
    size_t m, n, k, batches; /* batches beyond 1 have a B each */
    const void *packed;      /* NULL: packed in each run */
    size_t packed_at, a_at;  /* in the scratch: packed B, A in bytes */
};

struct pack_arg {
    const struct qmatmul_params *p;
    bool is_signed;
    const struct ash_tensor *zero;
};

static void pack_b(void *dst, const void *src, const void *arg) {
    const struct pack_arg *a = arg;
    const struct qmatmul_params *p = a->p;
    struct ash_qgemm_b how = {.taps = 1, .k = p->k, .n = p->n, .is_signed = a->is_signed};
    how.step_k = p->trans_b ? 1 : p->n;
    how.step_n = p->trans_b ? p->k : 1;
    how.zero = a->zero ? a->zero->data : NULL;
    how.zero_step = a->zero && ash_tensor_count(a->zero) > 1;
    ash_qgemm_pack(p->row, &how, src, dst);
}

static int qmatmul_run(struct ash_run *c) {
    const struct qmatmul_params *p = c->params;
    const struct ash_qform *f = p->form;
    struct ash_qgemm g = {.m = p->m, .n = p->n, .k = p->k, .ldc = p->n, .packed = p->packed};
    bool zero = f->b_zero >= 0 && ash_run_has(c, f->b_zero);
    struct pack_arg arg = {p, c->in[f->b]->dtype == ASHORE_INT8, zero ? c->in[f->b_zero] : NULL};
    g.a = c->in[f->a]->data;
    g.lda = p->k;
    ash_qform_set(c, f, &p->limits, &g);
    if (p->dynamic) {
        size_t count = p->m * p->k * p->batches;
        uint8_t *here = (uint8_t *)c->scratch + p->a_at;
        struct ash_quantized q = ash_quantized_for(0, 0);
        if (count) q = ash_quantized_fit(c->pool, count, c->in[f->a]->data);
        ash_quantize_f32(ash_quantize_best(), c->pool, &q, 1, 1, count, c->in[f->a]->data, here);
        g.a = here;
        g.a_scale = q.scale;
        g.a_zero = q.zero;
        g.a_signed = false;
    }
    g.a_scale *= p->alpha;
    for (size_t i = 0; i < p->batches; i++) {
        if (!p->packed) {
            void *here = (char *)c->scratch + p->packed_at;
            pack_b(here, (const char *)c->in[f->b]->data + i * p->k * p->n, &arg);
            g.packed = here;
        }
        ash_qgemm_run(p->row, &g, c->scratch, c->pool);
        g.a += p->m * p->k;
        g.c = (char *)g.c + p->m * p->n * (g.out == ASH_QGEMM_BYTE ? 1 : sizeof(int32_t));
    }
    return ASHORE_OK;
}

/* false: extents that the kernels' loop over batches does not express. */
static bool extents(const struct qmatmul_attrs *a, const struct ash_type *x,
                    const struct ash_type *w, struct qmatmul_params *p) {
    int outer = x->rank - 2;
    p->batches = 1;
    if (a->gemm) {
        p->m = ash_extent(x, 0);
        p->k = ash_extent(x, 1);
        p->n = ash_extent(w, !a->trans_b);
        return !a->trans_a;
    }
    if (x->rank < 1 || w->rank < 1) return false;
    p->k = ash_extent(x, x->rank - 1);
    p->n = w->rank > 1 ? ash_extent(w, w->rank - 1) : 1;
    if (ash_type_count(w) == p->k * p->n && x->rank >= w->rank) {
        p->m = ash_extents(x, 0, x->rank - 1);
        return true;
    }
    if (x->rank != w->rank || outer < 1) return false;
    for (int i = 0; i < outer; i++)
        if (ash_extent(x, i) != ash_extent(w, i)) return false;
    p->batches = ash_extents(x, 0, outer);
    p->m = ash_extent(x, outer);
    return true;
}

static int qmatmul_lower(struct ash_lower *c) {
    const struct qmatmul_attrs *a = c->attrs;
    const struct ash_qform *f = ash_qform_of(c->node);
    const struct ash_type *x = &c->in[f->a]->type, *w = &c->in[f->b]->type;
    struct qmatmul_params draft = {.row = ash_qgemm_best(), .form = f, .limits = a->limits};
    bool zero = f->b_zero >= 0 && f->b_zero < c->n_in && c->in[f->b_zero];
    draft.alpha = a->alpha;
    draft.trans_b = a->trans_b;
    draft.dynamic = a->dynamic;
    if (x->dtype != ASHORE_FLOAT32 && !ash_is_byte(x->dtype)) return ASHORE_OK;
    if (!ash_type_count(&c->out->type) || !extents(a, x, w, &draft)) return ASHORE_OK;
    if (!ash_qform_fits(c, f, draft.n)) return ASHORE_OK;
    size_t bytes = ash_qgemm_packed_size(draft.row, draft.k, draft.n);
    size_t scratch = ash_qgemm_scratch(draft.row, draft.m, draft.n, draft.k, c->threads);
    if (bytes == SIZE_MAX || scratch == SIZE_MAX) return ASHORE_OK;
    if (draft.batches == 1 && ash_qform_constant(c, f)) {
        const struct ash_tensor *src[] = {c->in[f->b]->data, zero ? c->in[f->b_zero]->data : NULL};
        struct pack_arg arg = {&draft, w->dtype == ASHORE_INT8, src[1]};
        struct ash_packing how = {draft.row->name,
                                  (size_t)a->trans_b * 2 + (w->dtype == ASHORE_INT8), bytes, pack_b,
                                  &arg};
        ASH_TRY(ash_lower_pack(c, src, 1 + zero, &how, &draft.packed));
    } else {
        draft.packed_at = ash_align_up(scratch);
        scratch = ash_size_add(draft.packed_at, bytes);
    }
    if (draft.dynamic) {
        draft.a_at = ash_align_up(scratch);
        scratch = ash_size_add(draft.a_at, ash_size_mul(draft.batches * draft.m, draft.k));
    }
    if (scratch == SIZE_MAX) return ASHORE_OK;
    struct qmatmul_params *p = ash_lower_to(c, qmatmul_run, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

#define ROW(op, where, ver, least, most)                                                           \
    {.name = op,                                                                                   \
     .domain = where,                                                                              \
     .since = ver,                                                                                 \
     .in_min = least,                                                                              \
     .in_max = most,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .attrs_size = sizeof(struct qmatmul_attrs),                                                   \
     .parse = qmatmul_parse,                                                                       \
     .infer = qmatmul_infer,                                                                       \
     .lower = qmatmul_lower,                                                                       \
     .body = qmatmul_body}

extern const struct ash_op ash_ops_qmatmul[];
const struct ash_op ash_ops_qmatmul[] = {
    ROW("MatMulInteger", "", 10, 2, 4),
    ROW("QLinearMatMul", "", 10, 8, 8),
    ROW("QLinearMatMul", ASH_INTERNAL, 1, 1, 9),
    ROW("MatMulIntegerToFloat", ASH_MICROSOFT, 1, 4, 7),
    ROW("DynamicQuantizeMatMul", ASH_MICROSOFT, 1, 3, 5),
    ROW("QGemm", ASH_MICROSOFT, 1, 5, 9),
    {0},
};
