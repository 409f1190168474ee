/* QLinearConv and NhwcMaxPool of com.microsoft: what onnxruntime makes of quantised models that it
 * writes out again, over channels-last images.  Weights stay [M, C, spatial...]. */
#include "ops/quantized.h"
#include "ops/turned.h"

ASH_MAKES("QLinearConv Transpose", "com.microsoft:QLinearConv");
ASH_MAKES("MaxPool Transpose", "com.microsoft:NhwcMaxPool");

enum { CONV_WEIGHTS = 3, CONV_INPUTS = 9 };

static int conv_parse(const struct ash_parse *c, void *attrs) {
    int64_t *last = attrs;
    return ash_parse_int(c, "channels_last", 0, last);
}

static int conv_body(struct ash_builder *b) {
    const int64_t *last = b->attrs;
    int rank = *last ? ash_build_rank(b, CONV_WEIGHTS) : 0;
    uint32_t in[CONV_INPUTS], y;
    if (b->rc != ASHORE_OK) return b->rc;
    for (int i = 0; i < CONV_INPUTS; i++) in[i] = ash_build_in(b, i);
    if (*last) in[0] = ash_turned_build(b, in[0], rank, true);
    ash_build_node(b, "", "QLinearConv", ASH_OPSET_NEWEST, in, CONV_INPUTS, &y, 1);
    ash_turned_copy_attrs(b);
    ash_build_out(b, 0, *last ? ash_turned_build(b, y, rank, false) : y);
    return b->rc;
}

static int pool_body(struct ash_builder *b) {
    int rank = ash_build_rank(b, 0);
    if (b->rc != ASHORE_OK) return b->rc;
    uint32_t x = ash_turned_build(b, ash_build_in(b, 0), rank, true);
    x = ash_build_one(b, "MaxPool", x);
    ash_turned_copy_attrs(b);
    ash_build_out(b, 0, ash_turned_build(b, x, rank, false));
    return b->rc;
}

#define ROW(op, least, most)                                                                       \
    .name = op, .domain = ASH_MICROSOFT, .since = 1, .in_min = least, .in_max = most,              \
    .out_min = 1, .out_max = 1

extern const struct ash_op ash_ops_nhwc_contrib[];
const struct ash_op ash_ops_nhwc_contrib[] = {
    {ROW("QLinearConv", 8, CONV_INPUTS), .attrs_size = sizeof(int64_t), .parse = conv_parse,
     .body = conv_body},
    {ROW("NhwcMaxPool", 1, 1), .body = pool_body},
    {0},
};
