/* Internal operators over channels-last images, [N, spatial..., C]: what Conv, ConvTranspose and
 * the poolings are over [N, C, spatial...], with the activation and the sum that often follow a
 * convolution.
 *
 *   Conv(X, W[, B[, R]]) = act(conv(X, W) + B + R), or act(conv(X, W) + B) + R with residual_last;
 *   W and the attributes are those of ONNX's Conv, R has the shape of the result.  ConvTranspose
 *   likewise.
 *
 * Conv with `planes` is over images as ONNX has them, [N, C, spatial...]: a depthwise convolution
 * whose neighbours are no part of a channels-last network.
 *
 * Attributes and inference are the ONNX operator's own, seen through a permutation. */
#include "kernels/conv/conv.h"
#include "kernels/deconv/deconv.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/pooling/pooling.h"
#include "kernels/winograd/winograd.h"
#include "ops/act_attrs.h"
#include "ops/lowering.h"
#include "ops/turned.h"
#include "ops/window.h"

#include <string.h>

ASH_IDLE_WITHOUT(ash_winograd_pays, "+winograd");
ASH_IDLE_WITHOUT(ash_depthwise_best, "+depthwise|+planes|com.microsoft:CausalConvWithState");
ASH_ABSENT_WITHOUT(ash_depthwise_planes_f32, "+planes");
ASH_ABSENT_WITHOUT(ash_depthwise_planes_scratch, "+planes");
ASH_LOOKS_UP("Conv", "ashore:Conv");
ASH_LOOKS_UP("ConvTranspose", "ashore:ConvTranspose");
ASH_LOOKS_UP("MaxPool", "ashore:MaxPool");
ASH_LOOKS_UP("AveragePool", "ashore:AveragePool");
ASH_LOOKS_UP("GlobalMaxPool", "ashore:GlobalMaxPool");
ASH_LOOKS_UP("GlobalAveragePool", "ashore:GlobalAveragePool");
ASH_LOWERS("ashore:Conv", 3, 4, "float32 =1");
ASH_LOWERS("ashore:MaxPool ashore:AveragePool", 3, 5, "float32");
ASH_LOWERS("ashore:GlobalMaxPool ashore:GlobalAveragePool", 3, 5, "float32");

extern const struct ash_op ash_ops_channels_last[];

struct attrs {
    union {
        struct ash_conv_attrs conv; /* of ConvTranspose too, with more behind it */
        struct ash_deconv_attrs deconv;
        struct ash_pool_attrs pool;
    } of;
    struct ash_act_f32 act;
    bool residual_last, planes;
};

static const struct ash_op *first_form(const struct ash_node *node) {
    return ash_op_find("", node->op_type, ASH_OPSET_NEWEST);
}

static int parse(const struct ash_parse *c, void *attrs) {
    struct attrs *a = attrs;
    int64_t last, planes;
    ASH_TRY(ash_parse_int(c, "residual_last", 0, &last));
    ASH_TRY(ash_parse_int(c, "planes", 0, &planes));
    a->residual_last = last != 0;
    a->planes = planes != 0;
    ASH_TRY(ash_act_parse(c, &a->act));
    return first_form(c->node)->parse(c, &a->of);
}

static int infer(struct ash_infer *c) {
    const struct attrs *a = c->attrs;
    struct ash_info x = {.type = c->in[0]->type};
    if (!a->planes) x.type = ash_turned_type(&x.type, true);
    const struct ash_info *in[3] = {&x, c->n_in > 1 ? c->in[1] : NULL,
                                    c->n_in > 2 ? c->in[2] : NULL};
    struct ash_infer first = *c;
    first.attrs = &a->of;
    first.in = in;
    if (first.n_in > 3) first.n_in = 3;
    ASH_TRY(first_form(c->node)->infer(&first));
    if (!a->planes) c->out->type = ash_turned_type(&c->out->type, false);
    return ASHORE_OK;
}

/* ---- bodies ---- */

static int body(struct ash_builder *b) {
    const struct attrs *a = b->attrs;
    int rank = b->in ? b->in[0]->type.rank : 4;
    uint32_t x = ash_build_in(b, 0);
    if (!a->planes) x = ash_turned_build(b, x, rank, true);
    uint32_t w = b->node->n_formal > 1 ? ash_build_in(b, 1) : ASH_NONE, r = ash_build_in(b, 3);
    uint32_t y = ash_build(b, b->node->op_type, x, w, ash_build_in(b, 2));
    ash_turned_copy_attrs(b);
    if (!a->planes) y = ash_turned_build(b, y, rank, false);
    if (r != ASH_NONE && !a->residual_last) y = ash_build(b, "Add", y, r, ASH_NONE);
    y = ash_act_build(b, a->act, y);
    if (r != ASH_NONE && a->residual_last) y = ash_build(b, "Add", y, r, ASH_NONE);
    ash_build_out(b, 0, y);
    return b->rc;
}

/* ---- lowering ---- */

/* A convolution or a transposed one by matrix products.  An engine with the one alone has not the
 * other's code: a table, and no branches. */
struct product {
    const char *needed; /* by which operators or facts, for trimmed engines */
    int64_t (*pad)(const struct attrs *a, int d, int64_t X, int64_t K, int64_t Y);
    size_t (*packed_size)(const struct ash_gemm_kernel *row, const struct ash_conv *s);
    size_t (*scratch)(const struct ash_gemm_kernel *row, const struct ash_conv *s, size_t threads);
    void (*pack)(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *w,
                 float *packed);
    void (*run)(const struct ash_gemm_kernel *row, const struct ash_conv *s, const float *x,
                const float *packed, float *y, const struct ash_gemm_out *out, void *scratch,
                struct ash_pool *pool);
    uint64_t (*layout)(const struct ash_conv *s); /* of packed weights */
    const char *packing;      /* its name, compared by address; NULL: the row's */
    const char *(*row)(void); /* for reports; NULL: that of the matrix product */
    bool moves;               /* packing moves the weights, and does not compute */
    bool strides;             /* pixels of the result may be any distance apart */
};

struct conv_params {
    struct ash_conv shape;
    const struct product *by;
    const struct ash_gemm_kernel *gemm;
    const struct ash_depthwise_kernel *depthwise; /* NULL: by matrix product */
    const void *packed; /* NULL: the weights are computed, and packed in each run */
    size_t packed_at;   /* where in the scratch they are then */
    struct ash_act_f32 act;
    bool residual_last;
};

/* One or two spatial dimensions; a missing one is 1. */
static void conv_shape(const struct ash_lower *c, const struct product *by, struct ash_conv *s) {
    const struct attrs *a = c->attrs;
    const struct ash_type *w = &c->in[1]->type;
    struct ash_type x = c->in[0]->type, y = c->out->type;
    size_t pad[2] = {0, 0};
    int spatial = x.rank - 2;
    if (a->planes) {
        x = ash_turned_type(&x, false);
        y = ash_turned_type(&y, false);
    }
    ash_turned_conv(&a->of.conv, &x, w, &y, s);
    for (int d = 0; d < spatial; d++) {
        int64_t X = x.dim[1 + d].value, K = w->dim[2 + d].value, Y = y.dim[1 + d].value;
        pad[d] = (size_t)by->pad(a, d, X, K, Y);
    }
    s->pad_left = pad[spatial - 1];
    s->pad_top = spatial == 2 ? pad[0] : 0;
}

static void pack_conv(void *dst, const void *src, const void *arg) {
    const struct conv_params *p = arg;
    if (p->depthwise)
        ash_depthwise_pack(&p->shape, src, dst);
    else
        p->by->pack(p->gemm, &p->shape, src, dst);
}

static int run_conv(struct ash_run *c) {
    const struct conv_params *p = c->params;
    const float *x = c->in[0]->data;
    const void *packed = p->packed;
    if (!packed) {
        void *here = (unsigned char *)c->scratch + p->packed_at;
        pack_conv(here, c->in[1]->data, p);
        packed = here;
    }
    struct ash_conv shape = p->shape;
    shape.y_step = c->out_step;
    if (p->depthwise) {
        ash_depthwise_f32(p->depthwise, &shape, x, packed, c->out[0]->data, ash_run_f32(c, 2),
                          p->act, c->scratch, c->pool);
        return ASHORE_OK;
    }
    struct ash_gemm_out out = {.bias = ash_run_f32(c, 2),
                               .residual = ash_run_f32(c, 3),
                               .ld_residual = shape.oc,
                               .residual_last = p->residual_last,
                               .act = p->act};
    p->by->run(p->gemm, &shape, x, packed, c->out[0]->data, &out, c->scratch, c->pool);
    return ASHORE_OK;
}

static bool fits(const struct ash_lower *c) {
    const struct ash_type *x = &c->in[0]->type;
    return ash_lower_all_f32(c) && (x->rank == 3 || x->rank == 4);
}

static int lower_product(struct ash_lower *c, const struct product *by, bool may_be_depthwise) {
    const struct attrs *a = c->attrs;
    if (!fits(c)) return ASHORE_OK;
    struct conv_params draft = {
        .by = by, .gemm = ash_gemm_best(), .act = a->act, .residual_last = a->residual_last};
    struct ash_conv *s = &draft.shape;
    conv_shape(c, by, s);
    bool residual = c->n_in > 3 && c->in[3];
    if (may_be_depthwise && s->groups == s->c && s->c == s->oc && s->c > 1 && !residual)
        draft.depthwise = ash_depthwise_best();
    const char *row = draft.depthwise ? draft.depthwise->name : draft.gemm->name;
    struct ash_packing how = {.row = by->packing ? by->packing : row,
                              .variant = by->layout(s),
                              .bytes = draft.depthwise ? ash_depthwise_packed_size(s)
                                                       : by->packed_size(draft.gemm, s),
                              .pack = pack_conv,
                              .arg = &draft};
    size_t scratch = draft.depthwise ? ash_depthwise_scratch(s, c->threads)
                                     : by->scratch(draft.gemm, s, c->threads);
    if (how.bytes == 0 || how.bytes == SIZE_MAX || scratch == SIZE_MAX) return ASHORE_OK;
    if (c->in[1]->data) {
        const struct ash_moves moves = {sizeof(float), how.bytes, sizeof draft};
        const bool moved = by->moves || draft.depthwise;
        ASH_TRY(
            ash_lower_pack_moves(c, c->in[1]->data, &how, moved ? &moves : NULL, &draft.packed));
    } else {
        draft.packed_at = ash_align_up(scratch);
        scratch = ash_size_add(draft.packed_at, how.bytes);
    }
    struct conv_params *p = ash_lower_to(c, run_conv, sizeof *p, by->row ? by->row() : row);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    c->out_strided = by->strides;
#if !defined(__wasm__)
    const struct ash_gemm_out out = {.act = a->act, .residual_last = a->residual_last};
    if (residual && by->strides &&
        ash_gemm_may_overwrite(draft.gemm, s->kh * s->kw, s->c / s->groups, &out))
        c->inplace = 1 << 3;
#endif
    return ASHORE_OK;
}

static int64_t conv_pad(const struct attrs *a, int d, int64_t X, int64_t K, int64_t Y) {
    return ash_window_pad(&a->of.conv.window, d, X, K, Y);
}

static uint64_t conv_layout(const struct ash_conv *s) { return s->groups; }

static uint64_t winograd_layout(const struct ash_conv *s) {
    (void)s;
    return 0; /* no number of groups */
}

static const char *winograd_row(void) { return ash_winograd_best()->name; }

static void run_winograd(const struct ash_gemm_kernel *gemm, const struct ash_conv *s,
                         const float *x, const float *packed, float *y,
                         const struct ash_gemm_out *out, void *scratch, struct ash_pool *pool) {
    ash_winograd_f32(ash_winograd_best(), gemm, s, x, packed, y, out, scratch, pool);
}

static int run_planes(struct ash_run *c) {
    const struct conv_params *p = c->params;
    ash_depthwise_planes_f32(p->depthwise, &p->shape, c->in[0]->data, c->in[1]->data,
                             c->out[0]->data, ash_run_f32(c, 2), p->act, c->scratch, c->pool);
    return ASHORE_OK;
}

static int lower_planes(struct ash_lower *c, const struct ash_conv *s) {
    const struct attrs *a = c->attrs;
    const struct ash_depthwise_kernel *row = ash_depthwise_best();
    size_t scratch = ash_depthwise_planes_scratch(s, c->threads);
    if (s->groups != s->c || s->c != s->oc || (c->n_in > 3 && c->in[3]) || scratch == SIZE_MAX)
        return ASHORE_OK;
    struct conv_params *p = ash_lower_to(c, run_planes, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct conv_params){.shape = *s, .depthwise = row, .act = a->act};
    c->scratch = scratch;
    return ASHORE_OK;
}

static const struct product ash_by_op_product[] = {
    {.needed = "ashore:Conv",
     .pad = conv_pad,
     .packed_size = ash_conv_packed_size,
     .scratch = ash_conv_scratch,
     .pack = ash_conv_pack,
     .run = ash_conv_f32,
     .layout = conv_layout,
     .moves = true,
     .strides = true},
    {.needed = "+winograd",
     .pad = conv_pad,
     .packed_size = ash_winograd_packed_size,
     .scratch = ash_winograd_scratch,
     .pack = ash_winograd_pack,
     .run = run_winograd,
     .layout = winograd_layout,
     .row = winograd_row,
     .strides = true},
};

static int lower_conv(struct ash_lower *c) {
    struct ash_conv s;
    if (!fits(c)) return ASHORE_OK;
    conv_shape(c, &ash_by_op_product[0], &s);
    if (((const struct attrs *)c->attrs)->planes) return lower_planes(c, &s);
    bool transformed = c->in[1]->data && ash_winograd_pays(&s);
    return lower_product(c, &ash_by_op_product[transformed], true);
}

static int64_t deconv_pad(const struct attrs *a, int d, int64_t X, int64_t K, int64_t Y) {
    return ash_deconv_pad(&a->of.deconv, d, X, K, Y);
}

static int lower_deconv(struct ash_lower *c) {
    static const struct product by = {NULL,
                                      deconv_pad,
                                      ash_deconv_packed_size,
                                      ash_deconv_scratch,
                                      ash_deconv_pack,
                                      ash_deconv_f32,
                                      ash_deconv_layout,
                                      "deconv",
                                      NULL,
                                      true,
                                      false};
    return lower_product(c, &by, false);
}

struct pool_params {
    struct ash_pooling_shape shape;
    const struct ash_pooling_row *row;
    enum ash_pooling op;
    bool whole;
};

static int run_pool(struct ash_run *c) {
    const struct pool_params *p = c->params;
    struct ash_pooling_shape s = p->shape;
    s.y_step = c->out_step;
    if (p->whole)
        ash_pooling_global(p->row, c->pool, p->op, s.N, s.X[0] * s.X[1] * s.X[2], s.C,
                           c->in[0]->data, c->out[0]->data);
    else
        ash_pooling_f32(p->row, c->pool, p->op, &s, c->in[0]->data, c->out[0]->data);
    return ASHORE_OK;
}

static int lower_pool(struct ash_lower *c) {
    const struct attrs *a = c->attrs;
    const struct ash_window *win = &a->of.pool.window;
    const struct ash_type *x = &c->in[0]->type, *y = &c->out->type;
    if (x->dtype != ASHORE_FLOAT32 || x->rank < 3 || x->rank > 5) return ASHORE_OK;
    const struct ash_pooling_row *row = ash_pooling_best();
    struct pool_params *p = ash_lower_to(c, run_pool, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = row;
    p->op = a->of.pool.max ? ASH_POOLING_MAX : ASH_POOLING_AVERAGE;
    p->whole = a->of.pool.whole;
    c->out_strided = !p->whole;
    struct ash_pooling_shape *s = &p->shape;
    s->N = ash_extent(x, 0);
    s->C = ash_extent(x, x->rank - 1);
    s->count_pad = a->of.pool.count_pad;
    for (int i = 0; i < 3; i++) s->X[i] = s->Y[i] = s->K[i] = s->S[i] = s->L[i] = 1;
    for (int i = 0; i < x->rank - 2; i++) {
        int k = 3 - (x->rank - 2) + i;
        s->X[k] = ash_extent(x, 1 + i);
        s->Y[k] = ash_extent(y, 1 + i);
        if (p->whole) continue;
        s->K[k] = (size_t)win->K[i];
        s->S[k] = (size_t)win->S[i];
        s->L[k] = (size_t)win->L[i];
        int64_t X = (int64_t)s->X[k], Y = (int64_t)s->Y[k];
        s->P[k] = (size_t)ash_window_pad(win, i, X, win->K[i], Y);
        s->Q[k] = (size_t)ash_window_pad_behind(win, i, X, win->K[i], Y);
    }
    return ASHORE_OK;
}

#define ROW(op, ins, lowering)                                                                     \
    {.name = op,                                                                                   \
     .domain = ASH_INTERNAL,                                                                       \
     .since = 1,                                                                                   \
     .in_min = 1,                                                                                  \
     .in_max = ins,                                                                                \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .attrs_size = sizeof(struct attrs),                                                           \
     .parse = parse,                                                                               \
     .infer = infer,                                                                               \
     .lower = lowering,                                                                            \
     .body = body}

const struct ash_op ash_ops_channels_last[] = {
    ROW("Conv", 4, lower_conv),
    ROW("ConvTranspose", 4, lower_deconv),
    ROW("MaxPool", 1, lower_pool),
    ROW("AveragePool", 1, lower_pool),
    ROW("GlobalMaxPool", 1, lower_pool),
    ROW("GlobalAveragePool", 1, lower_pool),
    {0},
};
