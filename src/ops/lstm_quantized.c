/* DynamicQuantizeLSTM of com.microsoft: LSTM whose weights are bytes, with their inputs before the
 * gates (W[D][I][4 H], R[D][H][4 H]; letters are those of rnn_op.c).  Scales and zero points are
 * one for each direction, or one for each column.
 *
 * onnxruntime rounds x and each h to bytes on the way, for the products of its processors.  Here
 * all that is computed stays in float32, nearer to what was quantised.  W is dequantised when the
 * model is loaded, for one product with all steps.  R, which every step reads, stays in bytes as
 * long as there are few rows to read it for. */
#include "ir/op.h"

ASH_MAKES("LSTM Transpose DequantizeLinear Unsqueeze", "com.microsoft:DynamicQuantizeLSTM");
ASH_MAKES("ashore:LSTM", "com.microsoft:DynamicQuantizeLSTM");

enum { IN_W = 1, IN_R = 2, IN_LSTM = 8, IN_W_SCALE = 8, IN_R_SCALE = 10, IN_ALL = 12 };
enum { ROWS_FEW = 4 };

static int lstm_parse(const struct ash_parse *c, void *attrs) {
    (void)attrs;
    for (uint32_t i = 0; i < IN_ALL; i++) {
        bool needed = i <= IN_R || i >= IN_LSTM;
        ASH_FAIL_IF(needed && (i >= c->node->n_formal || c->node->in[i] == ASH_NONE), c->err,
                    FORMAT, "required input %u is left out", i);
    }
    return ASHORE_OK;
}

/* Bytes as LSTM takes weights. */
static uint32_t turned(struct ash_builder *b, int i) {
    static const int64_t gates_first[] = {0, 2, 1};
    uint32_t w = ash_build(b, "Transpose", ash_build_in(b, i), ASH_NONE, ASH_NONE);
    ash_build_attr_ints(b, "perm", gates_first, 3);
    return w;
}

static uint32_t weights(struct ash_builder *b, int i, int scale_at) {
    uint32_t part[2] = {ash_build_in(b, scale_at), ash_build_in(b, scale_at + 1)};
    bool columns = ash_build_rank(b, scale_at) > 1;
    int64_t block = 0;
    uint32_t w = turned(b, i);
    if (columns && ash_build_rank(b, i) == 3) {
        struct ash_dim d = b->in[i]->type.dim[1];
        block = d.kind == ASH_DIM_EXACT ? d.value : 0;
        if (d.kind != ASH_DIM_EXACT && b->rc == ASHORE_OK) b->rc = ASHORE_NEEDS_DATA;
    }
    for (int k = 0; columns && k < 2; k++)
        part[k] = ash_build(b, "Unsqueeze", part[k], ash_build_i64(b, &(int64_t){2}, 1), ASH_NONE);
    w = ash_build(b, "DequantizeLinear", w, part[0], part[1]);
    ash_build_attr_int(b, "axis", columns ? 2 : 0);
    if (block) ash_build_attr_int(b, "block_size", block);
    return w;
}

/* What its kernel takes is known here: the choice is made once for the model. */
static bool keeps_bytes(const struct ash_builder *b) {
    const struct ash_type *x = b->in && b->in[0] ? &b->in[0]->type : NULL;
    if (!x || x->dtype != ASHORE_FLOAT32 || ash_node_attr(b->node, "activations")) return false;
    if (x->rank == 3 && x->dim[1].kind == ASH_DIM_EXACT && x->dim[1].value > ROWS_FEW) return false;
    for (uint32_t i = 1; i < IN_ALL; i++) {
        bool constant = i < 4 || i > 6;
        if (constant && b->in[i] && !b->in[i]->data) return false;
    }
    return true;
}

static int lstm_body(struct ash_builder *b) {
    static const char *const same[] = {"activations", "activation_alpha", "activation_beta", "clip",
                                       "direction",   "hidden_size",      "input_forget"};
    uint32_t in[IN_LSTM + 2], out[3];
    bool bytes = keeps_bytes(b);
    for (int i = 0; i < IN_LSTM; i++) in[i] = ash_build_in(b, i);
    for (int i = 0; i < 2; i++) in[IN_LSTM + i] = ash_build_in(b, IN_R_SCALE + i);
    in[IN_W] = weights(b, IN_W, IN_W_SCALE);
    in[IN_R] = bytes ? turned(b, IN_R) : weights(b, IN_R, IN_R_SCALE);
    ash_build_node(b, bytes ? ASH_INTERNAL : "", "LSTM", bytes ? 1 : ASH_OPSET_NEWEST, in,
                   bytes ? IN_LSTM + 2 : IN_LSTM, out, 3);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) ash_build_attr_copy(b, same[i]);
    for (uint32_t o = 0; o < b->node->n_out; o++)
        if (b->node->out[o] != ASH_NONE) ash_build_out(b, (int)o, out[o]);
    return b->rc;
}

extern const struct ash_op ash_ops_lstm_quantized[];
const struct ash_op ash_ops_lstm_quantized[] = {{.name = "DynamicQuantizeLSTM",
                                                 .domain = "com.microsoft",
                                                 .since = 1,
                                                 .in_min = 3,
                                                 .in_max = IN_ALL,
                                                 .out_min = 0,
                                                 .out_max = 3,
                                                 .attrs_size = 1,
                                                 .parse = lstm_parse,
                                                 .body = lstm_body},
                                                {0}};
