/* QLinearConv and ConvInteger; and both over channels-last images in the internal domain, where
 * scales may be left out as qform.h says.  See conv_op.c for letters. */
#include "base/heap.h"
#include "kernels/qconv/qconv.h"
#include "ops/qform.h"
#include "ops/turned.h"

#include <string.h>

ASH_LOOKS_UP("Conv", "ashore:QLinearConv QLinearConv ConvInteger ashore:ConvInteger");
ASH_MAKES("Conv", "QLinearConv|ConvInteger|ashore:QLinearConv|ashore:ConvInteger");
ASH_MAKES("Transpose", "ashore:QLinearConv|ashore:ConvInteger");
ASH_MAKES("ashore:QLinearConv DynamicQuantizeLinear", "ashore:DynamicQLinearConv");

struct qconv_attrs {
    struct ash_conv_attrs conv;
    struct ash_qlimits limits;
};

static const struct ash_op *float_form(void) { return ash_op_find("", "Conv", ASH_OPSET_NEWEST); }

static int qconv_parse(const struct ash_parse *c, void *attrs) {
    struct qconv_attrs *a = attrs;
    ASH_TRY(ash_qform_parse_limits(c, &a->limits));
    return float_form()->parse(c, &a->conv);
}

static bool is_last(const struct ash_node *node) { return *node->domain != '\0'; }

/* Extents are Conv's. */
static int qconv_infer(struct ash_infer *c) {
    const struct qconv_attrs *a = c->attrs;
    const struct ash_qform *f = ash_qform_of(c->node);
    bool last = is_last(c->node), bias = f->bias >= 0 && ash_infer_has(c, f->bias);
    struct ash_info x = *c->in[f->a], w = *c->in[f->b], b;
    const struct ash_info *in[3] = {&x, &w, &b};
    struct ash_infer as = *c;
    int dtype;
    ASH_TRY(ash_qform_infer(c, f, &dtype));
    if (last) x.type = ash_turned_type(&x.type, true);
    if (bias) b = *c->in[f->bias];
    x.type.dtype = w.type.dtype = b.type.dtype = ASHORE_FLOAT32;
    as.attrs = &a->conv;
    as.in = in;
    as.n_in = bias ? 3 : 2;
    ASH_TRY(float_form()->infer(&as));
    if (last) c->out->type = ash_turned_type(&c->out->type, false);
    c->out->type.dtype = (uint8_t)dtype;
    return ASHORE_OK;
}

/* The sums by Conv in float64, where they are exact. */
static int qconv_body(struct ash_builder *b) {
    const struct qconv_attrs *a = b->attrs;
    const struct ash_qform *f = ash_qform_of(b->node);
    int rank = b->in && b->in[f->b]->type.rank > 2 ? b->in[f->b]->type.rank : 4;
    bool last = is_last(b->node);
    uint32_t x_zero = ash_build_in(b, f->a_zero), w_zero = ash_build_in(b, f->b_zero);
    uint32_t x = ash_qform_build_less(b, ash_build_in(b, f->a), x_zero, ASHORE_FLOAT64, 0);
    uint32_t w = ash_qform_build_less(b, ash_build_in(b, f->b), w_zero, ASHORE_FLOAT64, rank - 1);
    if (last) x = ash_turned_build(b, x, rank, true);
    uint32_t s = ash_build(b, "Conv", x, w, ASH_NONE);
    ash_turned_copy_attrs(b);
    if (last) s = ash_turned_build(b, s, rank, false);
    s = ash_qform_build_cast(b, s, ASHORE_INT32);
    uint32_t x_scale = f->a_scale < 0 ? ASH_NONE : ash_build_in(b, f->a_scale);
    ash_qform_build(b, f, &a->limits, s, x_scale, last ? 0 : rank - 2);
    return b->rc;
}

/* ---- lowering ---- */

struct qconv_params {
    const struct ash_qgemm_kernel *row;
    const struct ash_qform *form;
    struct ash_qlimits limits;
    struct ash_conv shape;
    const void *packed; /* NULL: packed in each run, at packed_at of the scratch */
    size_t packed_at;
    size_t ranges_at; /* of DynamicQLinearConv, in the scratch */
    size_t threads;
};

struct pack_arg {
    const struct qconv_params *p;
    const struct ash_tensor *w, *zero;
};

static void pack_weights(void *dst, const void *src, const void *arg) {
    const struct pack_arg *a = arg;
    const struct ash_tensor *z = a->zero;
    ash_qconv_pack(a->p->row, &a->p->shape, a->w->dtype == ASHORE_INT8, z ? z->data : NULL,
                   z && ash_tensor_count(z) > 1, src, dst);
}

static int qconv_run(struct ash_run *c) {
    const struct qconv_params *p = c->params;
    const struct ash_qform *f = p->form;
    const void *packed = p->packed;
    struct ash_qgemm g = {0};
    if (!packed) {
        bool zero = f->b_zero >= 0 && ash_run_has(c, f->b_zero);
        struct pack_arg arg = {p, c->in[f->b], zero ? c->in[f->b_zero] : NULL};
        void *here = (char *)c->scratch + p->packed_at;
        pack_weights(here, c->in[f->b]->data, &arg);
        packed = here;
    }
    ash_qform_set(c, f, &p->limits, &g);
    ash_qconv_run(p->row, &p->shape, c->in[f->a]->data, packed, &g, c->scratch, c->pool);
    return ASHORE_OK;
}

static int qconv_lower(struct ash_lower *c) {
    const struct qconv_attrs *a = c->attrs;
    const struct ash_qform *f = ash_qform_of(c->node);
    const struct ash_type *x = &c->in[f->a]->type, *w = &c->in[f->b]->type;
    bool zero = f->b_zero >= 0 && f->b_zero < c->n_in && c->in[f->b_zero];
    if (!ash_is_byte(x->dtype) || (x->rank != 3 && x->rank != 4)) return ASHORE_OK;
    if (!ash_type_count(&c->out->type) || !ash_qform_fits(c, f, ash_extent(w, 0))) return ASHORE_OK;
    struct qconv_params draft = {.row = ash_qgemm_best(), .form = f, .limits = a->limits};
    struct ash_conv *s = &draft.shape;
    ash_turned_conv(&a->conv, x, w, &c->out->type, s);
    size_t bytes = ash_qconv_packed_size(draft.row, s);
    size_t scratch = ash_qconv_scratch(draft.row, s, c->threads);
    if (!bytes || bytes == SIZE_MAX || scratch == SIZE_MAX) return ASHORE_OK;
    if (ash_qform_constant(c, f)) {
        const struct ash_tensor *src[] = {c->in[f->b]->data, zero ? c->in[f->b_zero]->data : NULL};
        struct pack_arg arg = {&draft, src[0], src[1]};
        struct ash_packing how = {draft.row->name, s->groups * 2 + (w->dtype == ASHORE_INT8), bytes,
                                  pack_weights, &arg};
        ASH_TRY(ash_lower_pack(c, src, 1 + zero, &how, &draft.packed));
    } else {
        draft.packed_at = ash_align_up(scratch);
        scratch = ash_size_add(draft.packed_at, bytes);
        if (scratch == SIZE_MAX) return ASHORE_OK;
    }
    struct qconv_params *p = ash_lower_to(c, qconv_run, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

/* ---- DynamicQLinearConv: DynamicQuantizeLinear of QLinearConv's float32 ----
 *
 * Where results are many and sums are short, on processors that multiply bytes fast, it computes
 * them twice: first for their range, then to quantise them.  They are in the cache both times, and
 * never in memory as float32. */

enum { DYNAMIC_IN = 9, DYNAMIC_OUT = 3 };

static int dynamic_infer(struct ash_infer *c) {
    ASH_TRY(qconv_infer(c));
    c->out->type.dtype = ASHORE_UINT8;
    if (c->n_out > 1) ash_infer_set(c, 1, ASHORE_FLOAT32, 0, NULL);
    if (c->n_out > 2) ash_infer_set(c, 2, ASHORE_UINT8, 0, NULL);
    return ASHORE_OK;
}

static int dynamic_body(struct ash_builder *b) {
    uint32_t n_in = b->node->n_formal, n_out = b->node->n_out;
    uint32_t in[DYNAMIC_IN], out[DYNAMIC_OUT], y;
    for (uint32_t i = 0; i < n_in; i++) in[i] = ash_build_in(b, (int)i);
    ash_build_node(b, ASH_INTERNAL, "QLinearConv", 1, in, n_in, &y, 1);
    ash_turned_copy_attrs(b);
    ash_build_attr_copy(b, "lo");
    ash_build_attr_copy(b, "hi");
    ash_build_node(b, "", "DynamicQuantizeLinear", ASH_OPSET_NEWEST, &y, 1, out, n_out);
    for (uint32_t i = 0; i < n_out; i++) ash_build_out(b, (int)i, out[i]);
    return b->rc;
}

struct range { /* of a thread, in a line of the cache */
    float lo, hi;
    char rest[56];
};

struct second { /* what is done with results */
    const struct ash_quantize_row *row;
    struct range *ranges;
    struct ash_quantized q;
    uint8_t *y;
    size_t ldy;
};

enum { BLOCK = 1024 /* results that come at once, at most */, PIECE = 16 };

static void take_range(void *arg, size_t worker, size_t m, size_t n0, size_t rows, size_t n,
                       const float *x, size_t ld) {
    const struct second *s = arg;
    struct range *r = &s->ranges[worker];
    (void)m;
    (void)n0;
    if (n == ld) {
        s->row->range(rows * n, x, &r->lo, &r->hi);
        return;
    }
    for (size_t i = 0; i < rows; i++) s->row->range(n, x + i * ld, &r->lo, &r->hi);
}

static void take_bytes(void *arg, size_t worker, size_t m, size_t n0, size_t rows, size_t n,
                       const float *x, size_t ld) {
    const struct second *s = arg;
    uint8_t *y = s->y + m * s->ldy + n0, block[BLOCK];
    (void)worker;
    if (n != ld || n % PIECE) {
        for (size_t i = 0; i < rows; i++) s->row->quantize(&s->q, n, x + i * ld, y + i * s->ldy);
        return;
    }
    s->row->quantize(&s->q, rows * n, x, block);
    for (size_t i = 0; i < rows; i++, y += s->ldy) {
        for (size_t j = 0; j < n; j += PIECE) memcpy(y + j, block + i * n + j, PIECE);
    }
}

static int dynamic_run(struct ash_run *c) {
    const struct qconv_params *p = c->params;
    struct range *ranges = (struct range *)(void *)((char *)c->scratch + p->ranges_at), all = {0};
    struct second s = {.row = ash_quantize_best(), .ranges = ranges, .y = c->out[0]->data};
    struct ash_qgemm g = {.sink = take_range, .sink_arg = &s};
    ash_qform_set(c, p->form, &p->limits, &g);
    g.out = ASH_QGEMM_F32;
    g.lo = p->limits.lo;
    g.hi = p->limits.hi;
    s.ldy = p->shape.oc;
    for (size_t i = 0; i < p->threads; i++) ranges[i] = all;
    ash_qconv_run(p->row, &p->shape, c->in[p->form->a]->data, p->packed, &g, c->scratch, c->pool);
    for (size_t i = 0; i < p->threads; i++) {
        if (ranges[i].lo < all.lo) all.lo = ranges[i].lo;
        if (ranges[i].hi > all.hi) all.hi = ranges[i].hi;
    }
    s.q = ash_quantized_for(all.lo, all.hi);
    g.sink = take_bytes;
    ash_qconv_run(p->row, &p->shape, c->in[p->form->a]->data, p->packed, &g, c->scratch, c->pool);
    if (c->n_out > 1 && c->out[1]) memcpy(c->out[1]->data, &s.q.scale, sizeof s.q.scale);
    if (c->n_out > 2 && c->out[2]) *(uint8_t *)c->out[2]->data = (uint8_t)s.q.zero;
    return ASHORE_OK;
}

/* Whether computing sums of length k again is cheaper than their way to memory and back. */
static bool pays(const struct ash_qgemm_kernel *row, const struct ash_conv *s, size_t count) {
    enum { FAR = 1 << 18 /* results that leave the second cache */ };
    size_t products_at_once = (size_t)row->mr * row->nr;
    return s->groups == 1 && count >= FAR && products_at_once <= BLOCK &&
           s->kh * s->kw * s->c <= products_at_once / 2;
}

static int dynamic_lower(struct ash_lower *c) {
    struct ash_info as = *c->out;
    struct ash_lower inner = *c;
    as.type.dtype = ASHORE_FLOAT32;
    inner.out = &as;
    ASH_TRY(qconv_lower(&inner));
    const struct qconv_params *made = inner.params;
    if (!inner.run || !made->packed || !pays(made->row, &made->shape, ash_type_count(&as.type)))
        return ASHORE_OK;
    struct qconv_params draft = *made;
    size_t bytes = ash_size_mul(c->threads, sizeof(struct range));
    draft.threads = c->threads;
    draft.ranges_at = ash_align_up(inner.scratch);
    size_t scratch = ash_size_add(draft.ranges_at, bytes);
    if (scratch == SIZE_MAX) return ASHORE_OK;
    struct qconv_params *p = ash_lower_to(c, dynamic_run, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->packed = inner.packed;
    c->scratch = scratch;
    return ASHORE_OK;
}

#define ROW(op, where, ver, least, most, lowering)                                                 \
    {.name = op,                                                                                   \
     .domain = where,                                                                              \
     .since = ver,                                                                                 \
     .in_min = least,                                                                              \
     .in_max = most,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .attrs_size = sizeof(struct qconv_attrs),                                                     \
     .parse = qconv_parse,                                                                         \
     .infer = qconv_infer,                                                                         \
     .lower = lowering,                                                                            \
     .body = qconv_body}

extern const struct ash_op ash_ops_qconv_op[];
const struct ash_op ash_ops_qconv_op[] = {
    ROW("QLinearConv", "", 10, 8, 9, NULL),
    ROW("ConvInteger", "", 10, 2, 4, NULL),
    ROW("QLinearConv", ASH_INTERNAL, 1, 1, 9, qconv_lower),
    ROW("ConvInteger", ASH_INTERNAL, 1, 2, 4, qconv_lower),
    {.name = "DynamicQLinearConv",
     .domain = ASH_INTERNAL,
     .since = 1,
     .in_min = 1,
     .in_max = DYNAMIC_IN,
     .out_min = 1,
     .out_max = DYNAMIC_OUT,
     .attrs_size = sizeof(struct qconv_attrs),
     .parse = qconv_parse,
     .infer = dynamic_infer,
     .lower = dynamic_lower,
     .body = dynamic_body},
    {0},
};
