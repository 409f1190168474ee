/* Operators of com.microsoft that onnxruntime's quantiser writes: each is an operator of ai.onnx,
 * whose name follows QLinear, between DequantizeLinear and QuantizeLinear.
 *
 *   QLinearAdd, QLinearMul                A, scale, zero, B, scale, zero, scale, zero
 *   QLinearConcat                         scale, zero, then X, scale, zero each
 *   QLinearWhere                          condition, A, scale, zero, B, scale, zero, scale, zero
 *   the others                            X, scale, zero, scale, zero */
#include "ops/elementwise.h"
#include "ops/quantized.h"
#include "ops/turned.h"

#include <assert.h>
#include <string.h>

ASH_LOOKS_UP("Sigmoid", "com.microsoft:QLinearSigmoid");
ASH_LOOKS_UP("LeakyRelu", "com.microsoft:QLinearLeakyRelu");
ASH_LOOKS_UP("Softmax", "com.microsoft:QLinearSoftmax");
ASH_LOOKS_UP("Where", "com.microsoft:QLinearWhere");
ASH_LOOKS_UP("Add", "com.microsoft:QLinearAdd");
ASH_LOOKS_UP("Mul", "com.microsoft:QLinearMul");
ASH_LOOKS_UP("Concat", "com.microsoft:QLinearConcat");
ASH_LOOKS_UP("AveragePool", "com.microsoft:QLinearAveragePool");
ASH_LOOKS_UP("GlobalAveragePool", "com.microsoft:QLinearGlobalAveragePool");
ASH_MAKES("Add DequantizeLinear QuantizeLinear", "com.microsoft:QLinearAdd");
ASH_MAKES("Mul DequantizeLinear QuantizeLinear", "com.microsoft:QLinearMul");
ASH_MAKES("Concat DequantizeLinear QuantizeLinear", "com.microsoft:QLinearConcat");
ASH_MAKES("Sigmoid DequantizeLinear QuantizeLinear", "com.microsoft:QLinearSigmoid");
ASH_MAKES("LeakyRelu DequantizeLinear QuantizeLinear", "com.microsoft:QLinearLeakyRelu");
ASH_MAKES("Softmax DequantizeLinear QuantizeLinear", "com.microsoft:QLinearSoftmax");
ASH_MAKES("Where DequantizeLinear QuantizeLinear", "com.microsoft:QLinearWhere");
ASH_MAKES("AveragePool DequantizeLinear QuantizeLinear", "com.microsoft:QLinearAveragePool");
ASH_MAKES("GlobalAveragePool DequantizeLinear", "com.microsoft:QLinearGlobalAveragePool");
ASH_MAKES("QuantizeLinear", "com.microsoft:QLinearGlobalAveragePool");
ASH_MAKES("Transpose", "com.microsoft:QLinearAveragePool|com.microsoft:QLinearGlobalAveragePool");

static const struct ash_op *plain_form(const struct ash_node *node) {
    return ash_op_find("", node->op_type + strlen("QLinear"), ASH_OPSET_NEWEST);
}

enum { ATTRS_MAX = sizeof(struct ash_pool_attrs) + 64 };

struct qlinear_attrs {
    _Alignas(8) char plain[ATTRS_MAX]; /* the plain form's */
    bool last;                         /* a pooling over channels-last images */
};

/* The node as one of the plain operator. */
static struct ash_node plain_node(const struct ash_node *node) {
    struct ash_node n = *node;
    n.op_type += strlen("QLinear");
    n.domain = "";
    n.opset = ASH_OPSET_NEWEST;
    return n;
}

static int qlinear_parse(const struct ash_parse *c, void *attrs) {
    struct qlinear_attrs *a = attrs;
    const struct ash_op *op = plain_form(c->node);
    const struct ash_node node = plain_node(c->node);
    struct ash_parse as = *c;
    int64_t last;
    ASH_TRY(ash_parse_int(c, "channels_last", 0, &last));
    a->last = last != 0;
    assert(op->attrs_size <= sizeof a->plain);
    as.node = &node;
    return op->parse ? op->parse(&as, a->plain) : ASHORE_OK;
}

/* ---- inference ---- */

static int require_byte(struct ash_infer *c, int i) {
    int dtype = ash_infer_has(c, i) ? c->in[i]->type.dtype : 0;
    ASH_FAIL_IF(dtype && !ash_is_byte(dtype), c->err, TYPE,
                "input %d is %s, expected int8 or uint8", i, ash_dtype(dtype)->name);
    return ASHORE_OK;
}

static int require_float(struct ash_infer *c, int i) {
    int dtype = ash_infer_has(c, i) ? c->in[i]->type.dtype : 0;
    ASH_FAIL_IF(dtype && dtype != ASHORE_FLOAT32, c->err, TYPE, "the scale, input %d, is %s", i,
                ash_dtype(dtype)->name);
    return ASHORE_OK;
}

/* The plain form's inference on inputs first, first + 3, ..., n of them, in float32.  Scale and
 * zero point of the result are inputs `scale` and scale + 1. */
static int infer_plain(struct ash_infer *c, int first, int n, int scale) {
    const struct qlinear_attrs *a = c->attrs;
    struct ash_info *x = ash_arena_array(c->arena, (size_t)n, sizeof *x);
    const struct ash_info **in = ash_arena_array(c->arena, (size_t)n, sizeof *in);
    const struct ash_node node = plain_node(c->node);
    struct ash_infer as = *c;
    if (!x || !in) return ash_fail_nomem(c->err, (size_t)n * sizeof *x);
    ASH_TRY(require_float(c, scale));
    ASH_TRY(require_byte(c, scale + 1));
    for (int i = 0; i < n; i++) {
        ASH_TRY(require_byte(c, first + 3 * i));
        ASH_TRY(require_float(c, first + 3 * i + 1));
        ASH_TRY(ash_infer_alike(c, first + 3 * i, first + 3 * i + 2));
        ASH_FAIL_IF(!ash_infer_has(c, first + 3 * i), c->err, ARGUMENT, "input %d is missing",
                    first + 3 * i);
        x[i].type = c->in[first + 3 * i]->type;
        if (a->last) x[i].type = ash_turned_type(&x[i].type, true);
        x[i].type.dtype = ASHORE_FLOAT32;
        in[i] = &x[i];
    }
    as.attrs = a->plain;
    as.node = &node;
    as.in = in;
    as.n_in = n;
    int rc = plain_form(c->node)->infer(&as);
    if (a->last) c->out->type = ash_turned_type(&c->out->type, false);
    c->out->type.dtype = c->in[ash_infer_has(c, scale + 1) ? scale + 1 : first]->type.dtype;
    return rc;
}

static int binary_infer(struct ash_infer *c) { return infer_plain(c, 0, 2, 6); }

static int unary_infer(struct ash_infer *c) { return infer_plain(c, 0, 1, 3); }

static int concat_infer(struct ash_infer *c) {
    ASH_FAIL_IF(c->n_in % 3 != 2, c->err, ARGUMENT, "%d inputs, expected 3 n + 2", c->n_in);
    return infer_plain(c, 2, c->n_in / 3, 0);
}

/* ---- bodies ---- */

static uint32_t dequantized(struct ash_builder *b, int i) {
    return ash_build(b, "DequantizeLinear", ash_build_in(b, i), ash_build_in(b, i + 1),
                     ash_build_in(b, i + 2));
}

/* y quantised, and y with the attributes of the node that is defined. */
static uint32_t quantized(struct ash_builder *b, uint32_t y, int scale) {
    struct ash_node *n = b->rc ? NULL : b->graph->nodes[b->graph->n_nodes - 1];
    for (uint32_t i = 0; i < b->node->n_raw && b->rc == ASHORE_OK; i++) {
        const struct ash_attr *a = &b->node->raw[i];
        if (strcmp(a->name, "channels_last") != 0 && strcmp(a->name, "opset") != 0)
            b->rc = ash_node_set_attr(b->graph, n, a, b->err);
    }
    return ash_build(b, "QuantizeLinear", y, ash_build_in(b, scale), ash_build_in(b, scale + 1));
}

static int binary_body(struct ash_builder *b) {
    uint32_t x = dequantized(b, 0), y = dequantized(b, 3);
    const char *op = b->node->op_type + strlen("QLinear");
    ash_build_out(b, 0, quantized(b, ash_build(b, op, x, y, ASH_NONE), 6));
    return b->rc;
}

static int unary_body(struct ash_builder *b) {
    const struct qlinear_attrs *a = b->attrs;
    const char *op = b->node->op_type + strlen("QLinear");
    int rank = b->in ? b->in[0]->type.rank : -1;
    uint32_t x = ash_build_in(b, 0), y;
    if (a->last && rank < 0) return ASHORE_NEEDS_DATA;
    if (a->last) x = ash_turned_build(b, x, rank, true);
    x = ash_build(b, "DequantizeLinear", x, ash_build_in(b, 1), ash_build_in(b, 2));
    y = quantized(b, ash_build_one(b, op, x), 3);
    ash_build_out(b, 0, a->last ? ash_turned_build(b, y, rank, false) : y);
    return b->rc;
}

static int where_body(struct ash_builder *b) {
    uint32_t x = dequantized(b, 1), y = dequantized(b, 4);
    ash_build_out(b, 0, quantized(b, ash_build(b, "Where", ash_build_in(b, 0), x, y), 7));
    return b->rc;
}

static int concat_body(struct ash_builder *b) {
    uint32_t n = b->node->n_formal / 3, y = ASH_NONE;
    uint32_t *x = ash_arena_array(b->graph->arena, n, sizeof *x);
    struct ash_node *node;
    if (!x) return ash_fail_nomem(b->err, n * sizeof *x);
    for (uint32_t i = 0; i < n; i++) x[i] = dequantized(b, 2 + 3 * (int)i);
    if (b->rc != ASHORE_OK) return b->rc;
    ASH_TRY(ash_graph_add_node(b->graph, "", "Concat", ASH_OPSET_NEWEST, n, 1, &node, b->err));
    memcpy(node->in, x, n * sizeof *x);
    ASH_TRY(ash_graph_add_value(b->graph, "", &y, b->err));
    node->out[0] = y;
    ash_build_out(b, 0, quantized(b, y, 0));
    return b->rc;
}

/* ---- lowering of sums and products ---- */

struct params {
    const struct ash_quantize_row *row;
    bool product, swap; /* swap: the second operand is the larger one */
    size_t n, period;
};

static int binary_run(struct ash_run *c) {
    const struct params *p = c->params;
    struct ash_quantized q[3];
    int a = p->swap ? 3 : 0, b = 3 - a;
    const int at[3] = {a, b, 5};
    for (int i = 0; i < 3; i++) {
        const struct ash_tensor *zero = ash_run_has(c, at[i] + 2) ? c->in[at[i] + 2] : NULL;
        int dtype = i == 2 ? c->out[0]->dtype : c->in[at[i]]->dtype;
        q[i] = ash_quantized_by(dtype, c->in[at[i] + 1], zero, 0);
    }
    ash_quantize_binary(p->row, c->pool, p->product, q, p->n, p->period, c->in[a]->data,
                        c->in[b]->data, c->out[0]->data);
    return ASHORE_OK;
}

/* The smaller operand is repeated as a whole: it is a scalar, or equals the last dimensions. */
static bool repeats(const struct ash_type *x, const struct ash_type *y) {
    int skip = 0;
    if (ash_type_count(x) == 1) return true;
    while (skip < x->rank && ash_dim_is(x->dim[skip], 1)) skip++;
    for (int i = skip; i < x->rank; i++)
        if (!ash_dim_same(x->dim[i], y->dim[y->rank - x->rank + i])) return false;
    return true;
}

static int binary_lower(struct ash_lower *c) {
    const struct ash_type *y = &c->out->type, *x[2] = {&c->in[0]->type, &c->in[3]->type};
    for (int i = 0; i < c->n_in; i++)
        if (i != 0 && i != 3 && c->in[i] && ash_type_count(&c->in[i]->type) != 1) return ASHORE_OK;
    size_t n = ash_type_count(y);
    bool swap = ash_type_count(x[0]) != n;
    if (!n || ash_type_count(x[swap]) != n || !repeats(x[!swap], y)) return ASHORE_OK;
    const struct ash_quantize_row *row = ash_quantize_best();
    struct params *p = ash_lower_to(c, binary_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct params){row, !strcmp(c->node->op_type, "QLinearMul"), swap, n,
                         ash_type_count(x[!swap])};
    return ASHORE_OK;
}

#define ROW(op, least, most, kind)                                                                 \
    .name = op, .domain = ASH_MICROSOFT, .since = 1, .in_min = least, .in_max = most,              \
    .out_min = 1, .out_max = 1, .attrs_size = sizeof(struct qlinear_attrs),                        \
    .parse = qlinear_parse, .infer = kind##_infer, .body = kind##_body

extern const struct ash_op ash_ops_qlinear[];
const struct ash_op ash_ops_qlinear[] = {
    {ROW("QLinearAdd", 7, 8, binary), .flags = ASH_OP_ELEMENTWISE, .lower = binary_lower},
    {ROW("QLinearMul", 7, 8, binary), .flags = ASH_OP_ELEMENTWISE, .lower = binary_lower},
    {ROW("QLinearConcat", 5, ASH_VARIADIC, concat)},
    {.name = "QLinearWhere",
     .domain = ASH_MICROSOFT,
     .since = 1,
     .in_min = 9,
     .in_max = 9,
     .out_min = 1,
     .out_max = 1,
     .body = where_body},
    {ROW("QLinearSigmoid", 4, 5, unary), .flags = ASH_OP_ELEMENTWISE},
    {ROW("QLinearLeakyRelu", 4, 5, unary), .flags = ASH_OP_ELEMENTWISE},
    {ROW("QLinearSoftmax", 5, 5, unary)},
    {ROW("QLinearAveragePool", 4, 5, unary)},
    {ROW("QLinearGlobalAveragePool", 5, 5, unary)},
    {0},
};
