/* Operators of com.microsoft that came before those of ai.onnx with the same meaning: exporters
 * wrote them for old operator sets, and some still do. */
#include "ir/op.h"

ASH_MAKES("Trilu", "com.microsoft:Trilu");
ASH_MAKES("GridSample", "com.microsoft:GridSample");
ASH_MAKES("Range Squeeze CastLike", "com.microsoft:Range");
ASH_MAKES("GatherND Cast", "com.microsoft:GatherND");
ASH_MAKES("Unsqueeze Cast Reshape", "com.microsoft:ExpandDims");
ASH_MAKES("Pad Squeeze", "com.microsoft:Pad");
ASH_MAKES("Unique", "com.microsoft:Unique");

/* x as int64. */
static uint32_t whole(struct ash_builder *b, uint32_t x) {
    x = ash_build_one(b, "Cast", x);
    ash_build_attr_int(b, "to", ASHORE_INT64);
    return x;
}

/* The number in input i, of rank 0 or 1. */
static uint32_t number(struct ash_builder *b, int i) {
    uint32_t x = ash_build_in(b, i);
    return x == ASH_NONE ? x : ash_build_one(b, "Squeeze", x);
}

/* Of the same name, inputs and attributes, as of operator set `opset`. */
static int same(struct ash_builder *b, int opset, int n_in) {
    uint32_t in[2] = {ash_build_in(b, 0), ash_build_in(b, 1)}, y;
    ash_build_node(b, "", b->node->op_type, opset, in, (uint32_t)n_in, &y, 1);
    for (uint32_t i = 0; i < b->node->n_raw; i++) ash_build_attr_copy(b, b->node->raw[i].name);
    ash_build_out(b, 0, y);
    return b->rc;
}

static int trilu_body(struct ash_builder *b) { return same(b, ASH_OPSET_NEWEST, 2); }

/* Modes have the names of operator set 16. */
static int grid_body(struct ash_builder *b) { return same(b, 16, 2); }

static int range_body(struct ash_builder *b) {
    uint32_t start = number(b, 0), delta = number(b, 2);
    if (delta == ASH_NONE) delta = ash_build(b, "CastLike", ash_build_f32(b, 1), start, ASH_NONE);
    ash_build_out(b, 0, ash_build(b, "Range", start, number(b, 1), delta));
    return b->rc;
}

static int gather_body(struct ash_builder *b) {
    uint32_t at = whole(b, ash_build_in(b, 1));
    ash_build_out(b, 0, ash_build(b, "GatherND", ash_build_in(b, 0), at, ASH_NONE));
    return b->rc;
}

static int expand_body(struct ash_builder *b) {
    uint32_t axis = whole(b, ash_build_in(b, 1));
    axis = ash_build(b, "Reshape", axis, ash_build_i64(b, &(int64_t){1}, 1), ASH_NONE);
    ash_build_out(b, 0, ash_build(b, "Unsqueeze", ash_build_in(b, 0), axis, ASH_NONE));
    return b->rc;
}

static int pad_body(struct ash_builder *b) {
    uint32_t y = ash_build(b, "Pad", ash_build_in(b, 0), ash_build_in(b, 1), number(b, 2));
    ash_build_attr_copy(b, "mode");
    ash_build_out(b, 0, y);
    return b->rc;
}

/* Values in the order in which they come, the index of each element's among them, and counts. */
static int unique_body(struct ash_builder *b) {
    static const int from[] = {0, 2, 3};
    uint32_t x = ash_build_in(b, 0), out[4];
    ash_build_node(b, "", "Unique", ASH_OPSET_NEWEST, &x, 1, out, 4);
    ash_build_attr_int(b, "sorted", 0);
    for (uint32_t o = 0; o < 3 && o < b->node->n_out; o++)
        if (b->node->out[o] != ASH_NONE) ash_build_out(b, (int)o, out[from[o]]);
    return b->rc;
}

#define ROW(op, least, most, results, builder)                                                     \
    {.name = op,                                                                                   \
     .domain = "com.microsoft",                                                                    \
     .since = 1,                                                                                   \
     .in_min = least,                                                                              \
     .in_max = most,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = results,                                                                           \
     .body = builder}

extern const struct ash_op ash_ops_contrib_alias[];
const struct ash_op ash_ops_contrib_alias[] = {
    ROW("Trilu", 1, 2, 1, trilu_body),       ROW("GridSample", 2, 2, 1, grid_body),
    ROW("Range", 2, 3, 1, range_body),       ROW("GatherND", 2, 2, 1, gather_body),
    ROW("ExpandDims", 2, 2, 1, expand_body), ROW("Pad", 2, 3, 1, pad_body),
    ROW("Unique", 1, 1, 3, unique_body),     {0},
};
