/* MatMul of the internal domain whose second matrix is of bytes, float32 only while it is
 * multiplied with:
 *
 *   ByteMatMul(A, Q[, bias[, R]], scale[, zero]) = act(A x ((Q - zero) * scale) + bias + R)
 *
 * Letters: A is M x K, Q is K x N, of int8 or uint8; scale and zero, of Q's type, have one element
 * or N; bias and R are those of MatMul. */
#include "kernels/gemm/gemm.h"
#include "ops/act_attrs.h"
#include "ops/elementwise.h"
#include "ops/quantized.h"

ASH_LOOKS_UP("MatMul", "ashore:ByteMatMul");

ASH_MAKES("Cast Sub Mul MatMul Add", "ashore:ByteMatMul");

enum { IN_A, IN_Q, IN_BIAS, IN_RESIDUAL, IN_SCALE, IN_ZERO };

static int byte_matmul_parse(const struct ash_parse *c, void *attrs) {
    return ash_act_parse(c, attrs);
}

static int byte_matmul_infer(struct ash_infer *c) {
    struct ash_info q = *c->in[IN_Q];
    const struct ash_info *in[2] = {c->in[IN_A], &q};
    struct ash_infer as = *c;
    ASH_FAIL_IF(q.type.dtype && !ash_is_byte(q.type.dtype), c->err, TYPE, "weights of type %s",
                ash_dtype(q.type.dtype)->name);
    ASH_FAIL_IF(!ash_infer_has(c, IN_SCALE), c->err, TYPE, "no scale");
    q.type.dtype = c->in[IN_A]->type.dtype;
    q.data = NULL;
    as.attrs = NULL;
    as.in = in;
    as.n_in = 2;
    return ash_op_find("", "MatMul", ASH_OPSET_NEWEST)->infer(&as);
}

static uint32_t cast(struct ash_builder *b, uint32_t x) {
    uint32_t y = ash_build_one(b, "Cast", x);
    ash_build_attr_int(b, "to", ASHORE_FLOAT32);
    return y;
}

static int byte_matmul_body(struct ash_builder *b) {
    const struct ash_act_f32 *act = b->attrs;
    uint32_t w = cast(b, ash_build_in(b, IN_Q)), zero = ash_build_in(b, IN_ZERO);
    if (zero != ASH_NONE) w = ash_build(b, "Sub", w, cast(b, zero), ASH_NONE);
    w = ash_build(b, "Mul", w, ash_build_in(b, IN_SCALE), ASH_NONE);
    uint32_t y = ash_build(b, "MatMul", ash_build_in(b, IN_A), w, ASH_NONE);
    for (int i = IN_BIAS; i <= IN_RESIDUAL; i++) {
        uint32_t addend = ash_build_in(b, i);
        if (addend != ASH_NONE) y = ash_build(b, "Add", y, addend, ASH_NONE);
    }
    ash_build_out(b, 0, ash_act_build(b, *act, y));
    return b->rc;
}

/* ---- lowering ---- */

struct params {
    const struct ash_gemm_kernel *row;
    const struct ash_quantize_row *bytes;
    const uint8_t *packed; /* panels of Q */
    bool is_signed;
    struct ash_gemm gemm;
};

enum { NR_MOST = 64 };

struct source {
    const struct params *p;
    const struct ash_tensor *scale, *zero; /* zero may be NULL */
    size_t width, panel;
};

static void unpack(const void *arg, size_t strip, size_t k0, size_t k, float *to) {
    const struct source *s = arg;
    const struct params *p = s->p;
    size_t nr = p->row->nr, n0 = strip * s->width, end = n0 + s->width;
    float scale[NR_MOST] = {0}, zero[NR_MOST] = {0};
    size_t scale_step = ash_tensor_count(s->scale) > 1;
    size_t zero_step = s->zero && ash_tensor_count(s->zero) > 1;
    for (; n0 < end && n0 < p->gemm.n; n0 += nr, to += s->panel) {
        for (size_t j = 0; j < nr && n0 + j < p->gemm.n; j++) {
            scale[j] = ((const float *)s->scale->data)[(n0 + j) * scale_step];
            if (s->zero) zero[j] = (float)ash_byte_at(s->zero, (n0 + j) * zero_step);
        }
        p->bytes->columns(k, nr, p->is_signed, p->packed + n0 * p->gemm.k + k0 * nr, zero, scale,
                          to);
    }
}

/* A single row takes many panels at once, and little of each. */
static struct ash_gemm_parts parts_of(const struct params *p, struct source *s) {
    size_t nr = p->row->nr, depth = p->gemm.m == 1 ? 64 : 512;
    s->p = p;
    s->width = p->gemm.m == 1 ? nr * p->row->wide : nr;
    s->panel = nr * depth;
    return (struct ash_gemm_parts){.width = s->width,
                                   .depth = depth,
                                   .panel = s->panel,
                                   .step = nr,
                                   .unpack = unpack,
                                   .arg = s};
}

static int byte_matmul_run(struct ash_run *c) {
    const struct params *p = c->params;
    struct source s = {.scale = c->in[IN_SCALE]};
    struct ash_gemm g = p->gemm;
    if (ash_run_has(c, IN_ZERO)) s.zero = c->in[IN_ZERO];
    const struct ash_gemm_parts parts = parts_of(p, &s);
    g.a = c->in[IN_A]->data;
    g.c = c->out[0]->data;
    g.out.bias = ash_run_f32(c, IN_BIAS);
    g.out.residual = ash_run_f32(c, IN_RESIDUAL);
    ash_gemm_parts_f32(p->row, &g, &parts, c->scratch, c->pool);
    return ASHORE_OK;
}

static void pack(void *dst, const void *src, const void *arg) {
    const struct params *p = arg;
    const uint8_t *q = src;
    uint8_t *to = dst;
    size_t n = p->gemm.n, nr = p->row->nr;
    for (size_t j = 0; j < n; j += nr) {
        for (size_t k = 0; k < p->gemm.k; k++, to += nr) {
            for (size_t i = 0; i < nr; i++) to[i] = j + i < n ? q[k * n + j + i] : 0;
        }
    }
}

static bool fits(const struct ash_lower *c) {
    const struct ash_type *q = &c->in[IN_Q]->type;
    if (!ash_lower_in_f32(c, IN_A) || c->out->type.dtype != ASHORE_FLOAT32 || !c->in[IN_Q]->data ||
        q->rank != 2 || !ash_type_count(&c->out->type) || !ash_type_count(q))
        return false;
    size_t n = ash_extent(q, 1);
    for (int i = IN_BIAS; i < c->n_in; i++) {
        size_t count = c->in[i] ? ash_type_count(&c->in[i]->type) : n;
        if (i != IN_ZERO && c->in[i] && !ash_lower_in_f32(c, i)) return false;
        if (i != IN_RESIDUAL && count != n && (count != 1 || i == IN_BIAS)) return false;
    }
    return !c->in[IN_RESIDUAL] || ash_same_extents(&c->in[IN_RESIDUAL]->type, &c->out->type);
}

static int byte_matmul_lower(struct ash_lower *c) {
    const struct ash_type *q = &c->in[IN_Q]->type;
    struct params draft = {.row = ash_gemm_best(), .bytes = ash_quantize_best()}, *p;
    struct ash_gemm *g = &draft.gemm;
    struct source s;
    if (!fits(c) || draft.row->nr > NR_MOST) return ASHORE_OK;
    g->k = ash_extent(q, 0);
    g->n = ash_extent(q, 1);
    g->m = ash_type_count(&c->in[IN_A]->type) / g->k;
    g->lda = g->k;
    g->ldc = g->out.ld_residual = g->n;
    g->out.act = *(const struct ash_act_f32 *)c->attrs;
    draft.is_signed = q->dtype == ASHORE_INT8;
    const struct ash_gemm_parts parts = parts_of(&draft, &s);
    size_t bytes = ash_gemm_packed_size(draft.row, 1, g->k, g->n) / sizeof(float);
    size_t scratch = ash_gemm_parts_scratch(&parts, c->threads);
    if (bytes >= SIZE_MAX / sizeof(float) || scratch == SIZE_MAX) return ASHORE_OK;
    struct ash_packing how = {draft.row->name, 1, bytes, pack, &draft};
    struct ash_moves moves = {1, bytes, sizeof draft};
    const void *packed;
    ASH_TRY(ash_lower_pack_moves(c, c->in[IN_Q]->data, &how, &moves, &packed));
    draft.packed = packed;
    p = ash_lower_to(c, byte_matmul_run, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_byte_matmul[];
const struct ash_op ash_ops_byte_matmul[] = {
    {.name = "ByteMatMul",
     .domain = ASH_INTERNAL,
     .since = 1,
     .in_min = 2,
     .in_max = 6,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct ash_act_f32),
     .parse = byte_matmul_parse,
     .infer = byte_matmul_infer,
     .lower = byte_matmul_lower,
     .body = byte_matmul_body},
    {0},
};
