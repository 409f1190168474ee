/* Quantised models run on products of bytes.
 *
 *   DequantizeLinear -> Conv, MatMul, Gemm [-> Relu, Clip] [-> QuantizeLinear]  becomes one product
 *   DequantizeLinear -> Add, Mul -> QuantizeLinear                    becomes QLinearAdd, -Mul
 *   DequantizeLinear -> what only moves elements -> QuantizeLinear    moves the bytes
 *   MatMulInteger, ConvInteger -> Cast -> Mul [-> Add] [-> Relu, Clip] becomes one product
 *   convolutions of bytes                                             become channels-last
 *   MaxPool of bytes                                                  is computed in float32
 *
 * A product sums whole numbers exactly and rounds its scaled sum; the nodes that it replaces round
 * every product and sum in float32.  Where a QuantizeLinear follows, the two differ by one quantum
 * at most, when float32 sums fall on the other side of a tie.  All else is exact. */
#include "opt/passes.h"

#include "ops/act_attrs.h"

#include <math.h>
#include <string.h>

#define MICROSOFT "com.microsoft"

ASH_PASS_NEEDS(ash_pass_quantized, "DequantizeLinear|QuantizeLinear|MatMulInteger|ConvInteger");
ASH_MAKES("DequantizeLinear", "com.microsoft:DequantizeLinear");
ASH_MAKES("Transpose ashore:QLinearConv", "Conv DequantizeLinear");
ASH_MAKES("ashore:QLinearMatMul", "MatMul DequantizeLinear");
ASH_MAKES("com.microsoft:QGemm", "Gemm DequantizeLinear");
ASH_MAKES("com.microsoft:QLinearAdd", "Add DequantizeLinear QuantizeLinear");
ASH_MAKES("com.microsoft:QLinearMul", "Mul DequantizeLinear QuantizeLinear");
ASH_MAKES("Transpose ashore:QLinearConv", "ConvInteger Cast Mul");
ASH_MAKES("com.microsoft:MatMulIntegerToFloat", "MatMulInteger Cast Mul");
ASH_MAKES("Transpose ashore:ConvInteger", "ConvInteger");
ASH_MAKES("Transpose ashore:QLinearConv", "QLinearConv");
ASH_MAKES("DequantizeLinear", "MaxPool QuantizeLinear|MatMulInteger|ConvInteger");
ASH_MAKES("QuantizeLinear", "MaxPool DequantizeLinear|MatMulInteger|ConvInteger");

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->n_out && !*n->domain && !strcmp(n->op_type, op);
}

/* The rewritten graph is gathered here; p->graph keeps the old one until the end. */
struct list {
    struct ash_pass *p;
    struct ash_node **nodes;
    uint32_t n, cap;
};

static int push(struct list *l, struct ash_node *n) {
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 64;
        struct ash_node **more = ash_arena_array(l->p->arena, cap, sizeof *more);
        if (!more) return ash_fail_nomem(l->p->err, cap * sizeof *more);
        if (l->n) memcpy(more, l->nodes, l->n * sizeof *more);
        l->nodes = more;
        l->cap = cap;
    }
    l->nodes[l->n++] = n;
    return ASHORE_OK;
}

static int push_new(struct list *l, const char *op, uint32_t x, uint32_t y, uint32_t z,
                    struct ash_node **node) {
    uint32_t n_in = z != ASH_NONE ? 3 : y != ASH_NONE ? 2 : 1;
    ASH_TRY(ash_pass_node(l->p, op, n_in, node));
    (*node)->in[0] = x;
    if (n_in > 1) (*node)->in[1] = y;
    if (n_in > 2) (*node)->in[2] = z;
    return push(l, *node);
}

/* ---- what is known of a quantised value ---- */

struct quantized {
    uint32_t q, scale, zero; /* values; zero may be ASH_NONE */
    const struct ash_tensor *scale_data, *zero_data;
    int dtype;
    const struct ash_node *node;
};

static const struct ash_info *info_of(const struct ash_pass *p, uint32_t v) {
    return v < p->infos_n ? &p->infos[v] : NULL;
}

static int dtype_of(const struct ash_pass *p, uint32_t v) {
    const struct ash_info *i = info_of(p, v);
    return i && i->type.kind == ASHORE_TENSOR ? i->type.dtype : 0;
}

static bool is_byte(int dtype) { return dtype == ASHORE_INT8 || dtype == ASHORE_UINT8; }

/* n is a Quantize- or DequantizeLinear without blocks whose scale and zero point are constants. */
static bool read_node(const struct ash_pass *p, const struct ash_node *n, const char *op,
                      struct quantized *d) {
    const struct ash_info *scale, *zero;
    if (!n || !n->op || n->n_out != 1 || strcmp(n->op_type, op) != 0) return false;
    if ((*n->domain && strcmp(n->domain, MICROSOFT) != 0) || ash_pass_int(n, "block_size", 0))
        return false;
    if (ash_pass_int(n, "precision", ASHORE_FLOAT32) > ASHORE_FLOAT32) return false;
    scale = info_of(p, n->in[1]);
    *d = (struct quantized){.q = n->in[0], .scale = n->in[1], .zero = ASH_NONE, .node = n};
    if (!scale || !scale->data || scale->data->dtype != ASHORE_FLOAT32 || scale->data->rank > 1)
        return false;
    d->scale_data = scale->data;
    if (n->n_formal < 3 || n->in[2] == ASH_NONE) return true;
    zero = info_of(p, n->in[2]);
    if (!zero || !zero->data || ash_tensor_count(zero->data) != ash_tensor_count(scale->data))
        return false;
    d->zero = n->in[2];
    d->zero_data = zero->data;
    return true;
}

static bool dequantized(const struct ash_pass *p, uint32_t v, struct quantized *d) {
    if (!read_node(p, ash_pass_producer(p, v), "DequantizeLinear", d)) return false;
    d->dtype = dtype_of(p, d->q);
    return d->dtype != 0 && dtype_of(p, v) == ASHORE_FLOAT32;
}

static bool per_tensor(const struct quantized *d) { return ash_tensor_count(d->scale_data) == 1; }

/* Bytes with one scale. */
static bool plain(const struct quantized *d) { return is_byte(d->dtype) && per_tensor(d); }

static float scale_at(const struct quantized *d, int64_t i) {
    return ((const float *)d->scale_data->data)[per_tensor(d) ? 0 : i];
}

/* v's only user, if that is a QuantizeLinear to bytes with one scale. */
static struct ash_node *quantizer(const struct ash_pass *p, uint32_t v, struct quantized *d) {
    struct ash_node *n = ash_pass_single_use(p, v);
    if (!read_node(p, n, "QuantizeLinear", d) || n->in[0] != v) return NULL;
    d->dtype = dtype_of(p, n->out[0]);
    return plain(d) ? n : NULL;
}

/* A zero point is there in operators that require one. */
static int some_zero(struct list *l, const struct quantized *d, uint32_t *v) {
    struct ash_tensor *t;
    *v = d->zero;
    if (*v != ASH_NONE) return ASHORE_OK;
    ASH_TRY(ash_graph_add_const(l->p->graph, "", d->dtype, 0, NULL, v, &t, l->p->err));
    *(uint8_t *)t->data = 0;
    return ASHORE_OK;
}

/* `n` becomes an operator with these inputs. */
static int become(struct list *l, struct ash_node *n, const char *domain, const char *op,
                  const uint32_t *in, uint32_t n_in) {
    uint32_t *copy = ash_arena_array(l->p->arena, n_in, sizeof *copy);
    if (!copy) return ash_fail_nomem(l->p->err, n_in * sizeof *copy);
    memcpy(copy, in, n_in * sizeof *copy);
    n->in = copy;
    n->n_in = n->n_formal = n_in;
    n->domain = domain;
    n->op_type = op;
    n->opset = *domain ? 1 : ASH_OPSET_NEWEST;
    l->p->changed = true;
    return ash_node_resolve(l->p->graph, n, l->p->err);
}

/* ---- products between quantised values ---- */

struct product {
    struct quantized x, w, y;
    struct ash_node *quantize, *act; /* NULL: not there */
    uint32_t bias;                   /* int32 or float32, or ASH_NONE */
    float lo, hi;                    /* of the result, before its zero point is added */
};

/* The addend of a product with n columns: int32 with the scale of the sums, or float32. */
static bool read_bias(const struct ash_pass *p, uint32_t v, int64_t n, struct product *m) {
    struct quantized b;
    const struct ash_info *i = info_of(p, v);
    m->bias = ASH_NONE;
    if (v == ASH_NONE) return true;
    if (dequantized(p, v, &b) && b.dtype == ASHORE_INT32) {
        const struct ash_info *q = info_of(p, b.q);
        for (int64_t k = 0; k < n; k++) {
            double want = (double)scale_at(&m->x, 0) * (double)scale_at(&m->w, k);
            if (!per_tensor(&b) && ash_tensor_count(b.scale_data) != n) return false;
            if (fabs((double)scale_at(&b, k) - want) > 1e-6 * want) return false;
        }
        for (int64_t k = 0; b.zero_data && k < ash_tensor_count(b.zero_data); k++)
            if (((const int32_t *)b.zero_data->data)[k]) return false;
        m->bias = b.q;
        return q->type.rank == 1 && ash_dim_is(q->type.dim[0], n);
    }
    m->bias = v;
    return i && i->data && i->data->dtype == ASHORE_FLOAT32 && i->data->rank == 1 &&
           i->data->dim[0] == n;
}

/* v's only user, if that is a Relu or a Clip by constants: its limits. */
static struct ash_node *limiter(const struct ash_pass *p, uint32_t v, float *lo, float *hi) {
    const struct ash_tensor *data[3] = {NULL, NULL, NULL};
    struct ash_node *next = ash_pass_single_use(p, v);
    struct ash_act_f32 act;
    *lo = -INFINITY;
    *hi = INFINITY;
    if (!next || next->n_formal > 3 || next->n_out != 1 || next->in[0] != v) return NULL;
    for (uint32_t i = 1; i < next->n_formal; i++) {
        const struct ash_info *in = info_of(p, next->in[i]);
        if (in) data[i] = in->data;
    }
    if (!ash_act_from_node(next, data, &act)) return NULL;
    if (act.kind != ASH_ACT_RELU && act.kind != ASH_ACT_CLIP) return NULL;
    *lo = act.kind == ASH_ACT_RELU ? 0 : act.a;
    if (act.kind == ASH_ACT_CLIP) *hi = act.b;
    return next;
}

/* A Relu or Clip between the product and its quantiser is a limit of the quantiser's. */
static void read_end(const struct ash_pass *p, const struct ash_node *n, struct product *m) {
    m->lo = -INFINITY;
    m->hi = INFINITY;
    m->act = NULL;
    m->quantize = quantizer(p, n->out[0], &m->y);
    if (m->quantize) return;
    float lo, hi;
    struct ash_node *act = limiter(p, n->out[0], &lo, &hi);
    if (act) m->quantize = quantizer(p, act->out[0], &m->y);
    if (!m->quantize) return;
    m->act = act;
    m->lo = lo / scale_at(&m->y, 0);
    m->hi = hi / scale_at(&m->y, 0);
}

static int set_limit(struct list *l, struct ash_node *n, const char *name, float v) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_FLOAT, .v.f = v};
    return isinf(v) ? ASHORE_OK : ash_node_set_attr(l->p->graph, n, &a, l->p->err);
}

/* n, whose first inputs are x and w, becomes `op`; gemm: in QGemm's order. */
static int make_product(struct list *l, struct ash_node *n, struct product *m, const char *op,
                        bool gemm) {
    uint32_t in[9] = {m->x.q,   m->x.scale, ASH_NONE, m->w.q,  m->w.scale,
                      ASH_NONE, ASH_NONE,   ASH_NONE, ASH_NONE};
    uint32_t *y = &in[gemm ? 7 : 6];
    in[gemm ? 6 : 8] = m->bias;
    ASH_TRY(some_zero(l, &m->x, &in[2]));
    in[5] = m->w.zero;
    if (gemm && in[5] == ASH_NONE && per_tensor(&m->w)) ASH_TRY(some_zero(l, &m->w, &in[5]));
    if (m->quantize) {
        y[0] = m->y.scale;
        ASH_TRY(some_zero(l, &m->y, &y[1]));
        if (m->act) ash_pass_take_over(l->p, n, m->act);
        ash_pass_take_over(l->p, n, m->quantize);
        ASH_TRY(set_limit(l, n, "lo", m->lo));
        ASH_TRY(set_limit(l, n, "hi", m->hi));
    }
    return become(l, n, gemm ? MICROSOFT : ASH_INTERNAL, op, in, 9);
}

/* w has one scale, or one for each index of its dimension `axis`. */
static bool along(const struct quantized *w, const struct ash_type *t, int axis) {
    int64_t at = ash_pass_int(w->node, "axis", 1);
    return per_tensor(w) || ((at < 0 ? at + t->rank : at) == axis &&
                             ash_dim_is(t->dim[axis], ash_tensor_count(w->scale_data)));
}

static int turn_around(struct list *l, struct ash_node *n, int rank);

static int take_conv(struct list *l, struct ash_node *n, bool *done) {
    const struct ash_pass *p = l->p;
    struct product m;
    if (!is_op(n, "Conv") || !dequantized(p, n->in[0], &m.x) || !dequantized(p, n->in[1], &m.w))
        return ASHORE_OK;
    const struct ash_type *w = &p->infos[n->in[1]].type;
    if (!plain(&m.x) || !is_byte(m.w.dtype) || (w->rank != 3 && w->rank != 4)) return ASHORE_OK;
    if (w->dim[0].kind != ASH_DIM_EXACT || !along(&m.w, w, 0)) return ASHORE_OK;
    if (!read_bias(p, n->n_formal > 2 ? n->in[2] : ASH_NONE, w->dim[0].value, &m)) return ASHORE_OK;
    read_end(p, n, &m);
    int rank = w->rank;
    *done = true;
    struct ash_node *turn;
    ASH_TRY(push_new(l, "Transpose", m.x.q, ASH_NONE, ASH_NONE, &turn));
    m.x.q = turn->out[0];
    ASH_TRY(make_product(l, n, &m, "QLinearConv", false));
    return turn_around(l, n, rank);
}

static int take_matmul(struct list *l, struct ash_node *n, bool *done) {
    const struct ash_pass *p = l->p;
    bool gemm = is_op(n, "Gemm"), turned = gemm && ash_pass_int(n, "transB", 0);
    const struct ash_attr *alpha = ash_node_attr(n, "alpha"), *beta = ash_node_attr(n, "beta");
    struct product m;
    if ((!gemm && !is_op(n, "MatMul")) || !dequantized(p, n->in[0], &m.x) ||
        !dequantized(p, n->in[1], &m.w) || !plain(&m.x) || !is_byte(m.w.dtype))
        return ASHORE_OK;
    const struct ash_type *w = &p->infos[n->in[1]].type;
    if (w->rank < 2 || (!per_tensor(&m.w) && w->rank != 2)) return ASHORE_OK;
    struct ash_dim columns = w->dim[turned ? 0 : w->rank - 1];
    if (!along(&m.w, w, turned ? 0 : w->rank - 1)) return ASHORE_OK;
    if (gemm && (ash_pass_int(n, "transA", 0) || (beta && beta->v.f != 1.0f) ||
                 (alpha && alpha->v.f != 1.0f) || columns.kind != ASH_DIM_EXACT))
        return ASHORE_OK;
    uint32_t bias = gemm && n->n_formal > 2 ? n->in[2] : ASH_NONE;
    if (!read_bias(p, bias, columns.value, &m)) return ASHORE_OK;
    read_end(p, n, &m);
    *done = true;
    ASH_TRY(push(l, n));
    return make_product(l, n, &m, gemm ? "QGemm" : "QLinearMatMul", gemm);
}

/* ---- elementwise operators and data movement ---- */

static int take_binary(struct list *l, struct ash_node *n, bool *done) {
    const struct ash_pass *p = l->p;
    bool add = is_op(n, "Add");
    struct quantized a, b, y;
    if ((!add && !is_op(n, "Mul")) || n->opset < 7) return ASHORE_OK;
    if (!dequantized(p, n->in[0], &a) || !dequantized(p, n->in[1], &b)) return ASHORE_OK;
    struct ash_node *q = quantizer(p, n->out[0], &y);
    if (!q || !plain(&a) || !plain(&b) || a.dtype != b.dtype || a.dtype != y.dtype)
        return ASHORE_OK;
    uint32_t in[8] = {a.q, a.scale, ASH_NONE, b.q, b.scale, ASH_NONE, y.scale, ASH_NONE};
    ASH_TRY(some_zero(l, &a, &in[2]));
    ASH_TRY(some_zero(l, &b, &in[5]));
    ASH_TRY(some_zero(l, &y, &in[7]));
    ash_pass_take_over(l->p, n, q);
    *done = true;
    ASH_TRY(push(l, n));
    return become(l, n, MICROSOFT, add ? "QLinearAdd" : "QLinearMul", in, 8);
}

static bool same_quantum(const struct quantized *a, const struct quantized *b) {
    uint8_t za = 0, zb = 0;
    if (a->zero_data) za = *(const uint8_t *)a->zero_data->data;
    if (b->zero_data) zb = *(const uint8_t *)b->zero_data->data;
    return a->dtype == b->dtype && za == zb && scale_at(a, 0) == scale_at(b, 0);
}

static bool only_moves(const struct ash_node *n) {
    static const char *const ops[] = {"Concat",       "DepthToSpace",   "Expand",    "Flatten",
                                      "Gather",       "GatherElements", "GatherND",  "Reshape",
                                      "Slice",        "Squeeze",        "Transpose", "Tile",
                                      "SpaceToDepth", "Unsqueeze",      "Identity"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (is_op(n, ops[i])) return n->n_out == 1;
    return false;
}

/* Quantising what was dequantised with the same numbers gives the same bytes. */
static int take_move(struct list *l, struct ash_node *n, bool *done) {
    const struct ash_pass *p = l->p;
    struct quantized x, y;
    bool concat = is_op(n, "Concat");
    if (!only_moves(n)) return ASHORE_OK;
    struct ash_node *q = quantizer(p, n->out[0], &y);
    if (!q) return ASHORE_OK;
    uint32_t last = concat ? n->n_formal : 1;
    for (uint32_t i = 0; i < last; i++) {
        if (!dequantized(p, n->in[i], &x) || !plain(&x) || !same_quantum(&x, &y)) return ASHORE_OK;
    }
    for (uint32_t i = 0; i < last; i++) {
        dequantized(p, n->in[i], &x);
        n->in[i] = x.q;
    }
    ash_pass_take_over(l->p, n, q);
    *done = true;
    return push(l, n);
}

/* Rows of a table are dequantised behind the Gather that takes them, not the table. */
static int take_gather(struct list *l, struct ash_node *n, bool *done) {
    struct quantized x;
    struct ash_node *back;
    if (!is_op(n, "Gather") || !dequantized(l->p, n->in[0], &x) || !plain(&x)) return ASHORE_OK;
    if (!l->p->graph->values[x.q].data) return ASHORE_OK;
    uint32_t old = n->out[0];
    n->in[0] = x.q;
    *done = true;
    ASH_TRY(push(l, n));
    ASH_TRY(ash_graph_add_value(l->p->graph, "", &n->out[0], l->p->err));
    ASH_TRY(push_new(l, "DequantizeLinear", n->out[0], x.scale, x.zero, &back));
    back->out[0] = old;
    l->p->changed = true;
    return ash_node_resolve(l->p->graph, back, l->p->err);
}

/* ---- what quantize_dynamic writes ---- */

/* v * s, where s is one number or a vector for the last dimension; NULL. */
static struct ash_node *scaled_by(const struct ash_pass *p, uint32_t v, uint32_t *s) {
    struct ash_node *n = ash_pass_single_use(p, v);
    if (!is_op(n, "Mul") || n->in[0] == n->in[1]) return NULL;
    *s = n->in[n->in[0] == v];
    return n;
}

static bool is_scalar(const struct ash_pass *p, uint32_t v) {
    const struct ash_info *i = info_of(p, v);
    if (!i || i->type.dtype != ASHORE_FLOAT32 || i->type.rank < 0) return false;
    for (int k = 0; k < i->type.rank; k++)
        if (!ash_dim_is(i->type.dim[k], 1)) return false;
    return i->type.rank <= 1;
}

/* The constant scales of n columns, or one for all: along the last dimension of a matrix, or, with
 * a rank, along the channels of an image. */
static bool is_scales(const struct ash_pass *p, uint32_t v, int64_t n, int rank) {
    const struct ash_info *i = info_of(p, v);
    bool one;
    if (!i || !i->data || i->data->dtype != ASHORE_FLOAT32) return false;
    if (rank) return ash_pass_per_channel(i->data, rank, (size_t)n, &one);
    return i->data->rank <= 1 && (ash_tensor_count(i->data) == 1 || ash_tensor_count(i->data) == n);
}

/* The factor is the product of the activation's scale and the weights' scale. */
static bool split_scale(const struct ash_pass *p, uint32_t s, int64_t n, int rank, uint32_t *a,
                        uint32_t *b) {
    const struct ash_node *m = ash_pass_producer(p, s);
    if (!is_op(m, "Mul")) return false;
    for (uint32_t i = 0; i < 2; i++) {
        *a = m->in[i];
        *b = m->in[!i];
        if (is_scalar(p, *a) && is_scales(p, *b, n, rank)) return true;
    }
    return false;
}

/* The constant bias [n] (matrices) or [1, n, 1, ...] that is added to v, as a vector; NULL. */
static struct ash_node *added_to(const struct ash_pass *p, uint32_t v, int64_t n, int rank,
                                 const struct ash_tensor **bias) {
    struct ash_node *add = ash_pass_single_use(p, v);
    if (!is_op(add, "Add") || add->in[0] == add->in[1]) return NULL;
    const struct ash_info *i = info_of(p, add->in[add->in[0] == v]);
    if (!i || !i->data || i->data->dtype != ASHORE_FLOAT32 || ash_tensor_count(i->data) != n)
        return NULL;
    int at = rank ? i->data->rank - rank + 1 : i->data->rank - 1;
    if (at < 0 || i->data->dim[at] != n || (rank && i->data->rank > rank)) return NULL;
    *bias = i->data;
    return add;
}

static int vector_of(struct list *l, const struct ash_tensor *t, uint32_t *v) {
    const int64_t n = ash_tensor_count(t);
    struct ash_tensor *copy;
    ASH_TRY(ash_graph_add_const(l->p->graph, "", ASHORE_FLOAT32, 1, &n, v, &copy, l->p->err));
    memcpy(copy->data, t->data, (size_t)n * sizeof(float));
    return ASHORE_OK;
}

static int take_dynamic(struct list *l, struct ash_node *n, bool *done) {
    const struct ash_pass *p = l->p;
    bool conv = is_op(n, "ConvInteger");
    const struct ash_tensor *bias = NULL;
    uint32_t s, a_scale, b_scale;
    if ((!conv && !is_op(n, "MatMulInteger")) || n->in[1] >= p->infos_n) return ASHORE_OK;
    const struct ash_type *w = &p->infos[n->in[1]].type;
    if (w->rank < 2 || (conv && w->rank != 3 && w->rank != 4)) return ASHORE_OK;
    struct ash_dim d = w->dim[conv ? 0 : w->rank - 1];
    int64_t columns = d.kind == ASH_DIM_EXACT ? d.value : -1;
    struct ash_node *cast = ash_pass_single_use(p, n->out[0]);
    if (!is_op(cast, "Cast") || ash_pass_int(cast, "to", 0) != ASHORE_FLOAT32) return ASHORE_OK;
    struct ash_node *mul = scaled_by(p, cast->out[0], &s);
    int channels = conv ? w->rank : 0;
    if (!mul || !split_scale(p, s, columns, channels, &a_scale, &b_scale)) return ASHORE_OK;
    /* The scale must be there before the product runs. */
    uint32_t made = p->producer[a_scale], here = p->producer[n->out[0]];
    if (made != ASH_NONE && made > here) return ASHORE_OK;
    struct ash_node *add = added_to(p, mul->out[0], columns, channels, &bias);
    uint32_t zeros[2] = {ASH_NONE, ASH_NONE}, vector = ASH_NONE, x = n->in[0];
    for (uint32_t i = 2; i < n->n_formal; i++) zeros[i - 2] = n->in[i];
    if (bias) ASH_TRY(vector_of(l, bias, &vector));
    const struct ash_tensor *scales = p->infos[b_scale].data;
    if (scales->rank > 1) ASH_TRY(vector_of(l, scales, &b_scale));
    ash_pass_take_over(l->p, n, cast);
    ash_pass_take_over(l->p, n, mul);
    if (add) ash_pass_take_over(l->p, n, add);
    float lo, hi;
    struct ash_node *act = limiter(p, n->out[0], &lo, &hi);
    if (act) {
        ash_pass_take_over(l->p, n, act);
        ASH_TRY(set_limit(l, n, "lo", lo));
        ASH_TRY(set_limit(l, n, "hi", hi));
    }
    *done = true;
    uint32_t in[9] = {x,        a_scale,  zeros[0], n->in[1], b_scale,
                      zeros[1], ASH_NONE, ASH_NONE, vector};
    if (conv) {
        int rank = w->rank;
        struct ash_node *turn;
        ASH_TRY(push_new(l, "Transpose", x, ASH_NONE, ASH_NONE, &turn));
        in[0] = turn->out[0];
        ASH_TRY(become(l, n, ASH_INTERNAL, "QLinearConv", in, 9));
        return turn_around(l, n, rank);
    }
    ASH_TRY(push(l, n));
    if (act) return become(l, n, ASH_INTERNAL, "QLinearMatMul", in, 9);
    const uint32_t to_float[7] = {x, n->in[1], a_scale, b_scale, zeros[0], zeros[1], vector};
    return become(l, n, MICROSOFT, "MatMulIntegerToFloat", to_float, 7);
}

/* ---- layout ---- */

static int set_perm(struct list *l, struct ash_node *turn, int rank, bool to_first) {
    int64_t *perm = ash_arena_array(l->p->arena, (size_t)rank, sizeof *perm);
    if (!perm) return ash_fail_nomem(l->p->err, (size_t)rank * sizeof *perm);
    for (int i = 1; i < rank; i++)
        perm[i] = to_first ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    perm[0] = 0;
    const struct ash_attr a = {
        .name = "perm", .type = ASH_ATTR_INTS, .count = (size_t)rank, .v.ints = perm};
    ASH_TRY(ash_node_set_attr(l->p->graph, turn, &a, l->p->err));
    return ash_node_resolve(l->p->graph, turn, l->p->err);
}

/* n, channels-last already, reads the Transpose pushed last: n follows it, and a Transpose back. */
static int turn_around(struct list *l, struct ash_node *n, int rank) {
    uint32_t old = n->out[0];
    struct ash_node *back;
    ASH_TRY(set_perm(l, l->nodes[l->n - 1], rank, false));
    ASH_TRY(push(l, n));
    ASH_TRY(ash_graph_add_value(l->p->graph, "", &n->out[0], l->p->err));
    ASH_TRY(push_new(l, "Transpose", n->out[0], ASH_NONE, ASH_NONE, &back));
    back->out[0] = old;
    return set_perm(l, back, rank, true);
}

static int take_layout(struct list *l, struct ash_node *n, bool *done) {
    bool scaled = is_op(n, "QLinearConv");
    struct ash_node *turn;
    if (!scaled && !is_op(n, "ConvInteger")) return ASHORE_OK;
    const struct ash_info *w = info_of(l->p, n->in[scaled ? 3 : 1]);
    if (!w || (w->type.rank != 3 && w->type.rank != 4)) return ASHORE_OK;
    *done = true;
    int rank = w->type.rank;
    ASH_TRY(push_new(l, "Transpose", n->in[0], ASH_NONE, ASH_NONE, &turn));
    n->in[0] = turn->out[0];
    ASH_TRY(become(l, n, ASH_INTERNAL, n->op_type, n->in, n->n_in));
    return turn_around(l, n, rank);
}

/* ---- through float32 ---- */

/* n becomes `op` of ai.onnx on x[0], x[3], ... dequantised by the two values behind each, and is
 * quantised by y. */
static int wrap(struct list *l, struct ash_node *n, const char *op, const uint32_t *x,
                uint32_t count, const uint32_t *y) {
    struct ash_node *there, *back;
    uint32_t old = n->out[0], *in = ash_arena_array(l->p->scratch, count, sizeof *in);
    if (!in) return ash_fail_nomem(l->p->err, count * sizeof *in);
    for (uint32_t i = 0; i < count; i++, x += 3) {
        ASH_TRY(push_new(l, "DequantizeLinear", x[0], x[1], x[2], &there));
        ASH_TRY(ash_node_resolve(l->p->graph, there, l->p->err));
        in[i] = there->out[0];
    }
    const uint32_t scale = y[0], zero = y[1];
    ASH_TRY(ash_graph_add_value(l->p->graph, "", &n->out[0], l->p->err));
    ASH_TRY(become(l, n, "", op, in, count));
    ASH_TRY(push(l, n));
    ASH_TRY(push_new(l, "QuantizeLinear", n->out[0], scale, zero, &back));
    back->out[0] = old;
    return ash_node_resolve(l->p->graph, back, l->p->err);
}

/* Bytes are float32 numbers, and the greatest of them is one of them. */
static int take_pool(struct list *l, struct ash_node *n, bool *done) {
    int dtype = is_op(n, "MaxPool") ? dtype_of(l->p, n->in[0]) : 0;
    uint32_t x[3] = {n->in[0], ASH_NONE, ASH_NONE};
    struct ash_tensor *t;
    if (!is_byte(dtype) || (n->n_out > 1 && n->out[1] != ASH_NONE)) return ASHORE_OK;
    ASH_TRY(ash_graph_add_const(l->p->graph, "", ASHORE_FLOAT32, 0, NULL, &x[1], &t, l->p->err));
    *(float *)t->data = 1.0f;
    ASH_TRY(ash_graph_add_const(l->p->graph, "", dtype, 0, NULL, &x[2], &t, l->p->err));
    *(uint8_t *)t->data = 0;
    n->n_out = 1;
    *done = true;
    return wrap(l, n, "MaxPool", x, 1, x + 1);
}

/* Operators of com.microsoft that are DequantizeLinear, an operator, QuantizeLinear. */
static int take_wrapped(struct list *l, struct ash_node *n, bool *done) {
    static const char *const ops[] = {"QLinearAveragePool", "QLinearGlobalAveragePool",
                                      "QLinearLeakyRelu", "QLinearSigmoid"};
    uint32_t in[5] = {ASH_NONE, ASH_NONE, ASH_NONE, ASH_NONE, ASH_NONE};
    if (strcmp(n->domain, MICROSOFT) != 0 || !n->op || ash_pass_int(n, "channels_last", 0))
        return ASHORE_OK;
    if (!strcmp(n->op_type, "QLinearConcat")) {
        if (n->in[1] == ASH_NONE || n->n_formal % 3 != 2) return ASHORE_OK;
        *done = true;
        return wrap(l, n, "Concat", n->in + 2, n->n_formal / 3, n->in);
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(n->op_type, ops[i]) != 0) continue;
        for (uint32_t k = 0; k < 5 && k < n->n_formal; k++) in[k] = n->in[k];
        if (in[4] == ASH_NONE) return ASHORE_OK; /* the type of the result hangs on it */
        *done = true;
        return wrap(l, n, ops[i] + strlen("QLinear"), in, 1, in + 3);
    }
    return ASHORE_OK;
}

/* Anything that this pass looks for: without, all bytes stay as they are. */
static bool quantizes(const struct ash_graph *g) {
    static const char *const names[] = {"DequantizeLinear", "QuantizeLinear", "MatMulInteger",
                                        "ConvInteger"};
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const char *op = g->nodes[i]->op_type;
        if (!strncmp(op, "QLinear", 7)) return true;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (!strcmp(op, names[k])) return true;
    }
    return false;
}

int ash_pass_quantized(struct ash_pass *p) {
    static int (*const takes[])(struct list *, struct ash_node *, bool *) = {
        take_conv,    take_matmul, take_binary, take_move,   take_gather,
        take_dynamic, take_layout, take_pool,   take_wrapped};
    struct list l = {.p = p};
    uint32_t n = quantizes(p->graph) ? p->graph->n_nodes : 0;
    for (uint32_t i = 0; i < n; i++) {
        struct ash_node *node = p->graph->nodes[i];
        bool done = false;
        for (size_t k = 0; node->op && k < sizeof takes / sizeof *takes && !done; k++)
            ASH_TRY(takes[k](&l, node, &done));
        if (!done) ASH_TRY(push(&l, node));
    }
    if (!p->changed) return ASHORE_OK;
    p->graph->nodes = l.nodes;
    p->graph->n_nodes = l.n;
    p->graph->cap_nodes = l.cap;
    return ASHORE_OK;
}
