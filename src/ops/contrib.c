/* Operators of com.microsoft that are others put together: each is defined by its body.  What they
 * compute is what onnxruntime's documentation of its operators says.
 *
 * MultiHeadAttention is in attention_contrib.c, GroupQueryAttention in group_query.c,
 * RotaryEmbedding in rotary.c. */
#include "ir/op.h"

#include <string.h>

#define MICROSOFT "com.microsoft"

ASH_MAKES("Gelu", "com.microsoft:Gelu|com.microsoft:FastGelu|com.microsoft:BiasGelu");
ASH_MAKES("Add", "com.microsoft:FastGelu|com.microsoft:BiasGelu");
ASH_MAKES("Swish", "com.microsoft:QuickGelu");
ASH_MAKES("Conv Add", "com.microsoft:FusedConv");
ASH_MAKES("Gemm", "com.microsoft:FusedGemm");
ASH_MAKES("Relu Tanh Sigmoid LeakyRelu", "com.microsoft:FusedConv|com.microsoft:FusedGemm");
ASH_MAKES("HardSigmoid Clip CastLike", "com.microsoft:FusedConv|com.microsoft:FusedGemm");
ASH_MAKES("MatMul Transpose Mul CastLike", "com.microsoft:FusedMatMul");
ASH_MAKES("MatMul Transpose Mul CastLike", "com.microsoft:TransposeMatMul");
ASH_MAKES("Add LayerNormalization", "com.microsoft:SkipLayerNormalization");
ASH_MAKES("Add RMSNormalization", "com.microsoft:SkipSimplifiedLayerNormalization");
ASH_MAKES("Gather Shape Slice Add LayerNormalization", "com.microsoft:EmbedLayerNormalization");
ASH_MAKES("Sub Equal CastLike ReduceSum", "com.microsoft:EmbedLayerNormalization");
ASH_MAKES("Split MatMul Add Squeeze Gather Unsqueeze Concat", "com.microsoft:Attention");
ASH_MAKES("com.microsoft:MultiHeadAttention", "com.microsoft:Attention");
ASH_MAKES("com.microsoft:MatMulIntegerToFloat Split Squeeze Gather", "com.microsoft:QAttention");
ASH_MAKES("com.microsoft:MultiHeadAttention Unsqueeze Concat", "com.microsoft:QAttention");
ASH_MAKES("Gather Shape Slice Add LayerNormalization", "com.microsoft:QEmbedLayerNormalization");
ASH_MAKES("Sub Equal CastLike ReduceSum", "com.microsoft:QEmbedLayerNormalization");
ASH_MAKES("DequantizeLinear", "com.microsoft:QEmbedLayerNormalization");

/* x + y, or x where y is left out. */
static uint32_t plus(struct ash_builder *b, uint32_t x, uint32_t y) {
    return y == ASH_NONE ? x : ash_build_two(b, "Add", x, y);
}

/* A number of input 0's type. */
static uint32_t number(struct ash_builder *b, float v) {
    uint32_t x = ash_build_f32(b, v);
    bool f32 = b->in && b->in[0] && b->in[0]->type.dtype == ASHORE_FLOAT32;
    return f32 ? x : ash_build_two(b, "CastLike", x, ash_build_in(b, 0));
}

static bool wanted(const struct ash_builder *b, uint32_t o) {
    return o < b->node->n_out && b->node->out[o] != ASH_NONE;
}

static void attr_text(struct ash_builder *b, const char *name, const char *text) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_STRING, .v.s = {text, strlen(text)}};
    if (b->rc != ASHORE_OK) return;
    b->rc = ash_node_set_attr(b->graph, b->graph->nodes[b->graph->n_nodes - 1], &a, b->err);
}

/* Statistics for training: nobody computes them. */
static int no_statistics(const struct ash_parse *c, void *attrs) {
    (void)attrs;
    for (uint32_t o = 1; o < 3 && o < c->node->n_out; o++)
        ASH_FAIL_IF(c->node->out[o] != ASH_NONE, c->err, UNSUPPORTED,
                    "output %u, a statistic for training, is not computed", o);
    return ASHORE_OK;
}

/* ---- activations ---- */

static int gelu_body(struct ash_builder *b) {
    bool fast = *b->node->op_type == 'F';
    uint32_t bias = b->node->n_formal > 1 ? ash_build_in(b, 1) : ASH_NONE;
    uint32_t y = ash_build_one(b, "Gelu", plus(b, ash_build_in(b, 0), bias));
    if (fast) attr_text(b, "approximate", "tanh");
    ash_build_out(b, 0, y);
    return b->rc;
}

static int quick_gelu_body(struct ash_builder *b) {
    uint32_t y = ash_build_one(b, "Swish", ash_build_in(b, 0));
    ash_build_attr_float(b, "alpha", 1.702f);
    ash_build_attr_copy(b, "alpha");
    ash_build_out(b, 0, y);
    return b->rc;
}

static const struct fused_act {
    const char *name, *first, *second; /* and what its parameters are called */
    bool inputs;                       /* the parameters are inputs */
} fused_acts[] = {{"Relu", NULL, NULL, false},
                  {"Tanh", NULL, NULL, false},
                  {"Sigmoid", NULL, NULL, false},
                  {"LeakyRelu", "alpha", NULL, false},
                  {"HardSigmoid", "alpha", "beta", false},
                  {"Clip", "min", "max", true}};
enum { FUSED_ACTS = sizeof fused_acts / sizeof *fused_acts };

static const struct fused_act *act_named(const struct ash_node *node) {
    const struct ash_attr *a = ash_node_attr(node, "activation");
    for (int i = 0; a && a->type == ASH_ATTR_STRING && i < FUSED_ACTS; i++) {
        if (!strcmp(fused_acts[i].name, a->v.s.data)) return &fused_acts[i];
    }
    return NULL;
}

static int act_parse(const struct ash_parse *c, void *attrs) {
    const struct ash_attr *a = ash_node_attr(c->node, "activation");
    (void)attrs;
    ASH_FAIL_IF(a && a->type != ASH_ATTR_STRING, c->err, ATTR, "the activation is no text");
    ASH_FAIL_IF(a && a->v.s.length && !act_named(c->node), c->err, UNSUPPORTED,
                "the activation %.40s", a->v.s.data);
    return ASHORE_OK;
}

/* The activation of x; params: n numbers of it. */
static uint32_t act_build(struct ash_builder *b, uint32_t x, const float *params, size_t n) {
    const struct fused_act *act = act_named(b->node);
    if (!act) return x;
    if (act->inputs) {
        uint32_t lo = n > 0 ? number(b, params[0]) : ASH_NONE;
        uint32_t hi = n > 1 ? number(b, params[1]) : ASH_NONE;
        return ash_build(b, "Clip", x, lo, hi);
    }
    uint32_t y = ash_build_one(b, act->name, x);
    if (act->first && n > 0) ash_build_attr_float(b, act->first, params[0]);
    if (act->second && n > 1) ash_build_attr_float(b, act->second, params[1]);
    return y;
}

/* ---- products ---- */

static void same_attrs(struct ash_builder *b, const char *const *names) {
    for (; *names; names++) ash_build_attr_copy(b, *names);
}

static int fused_conv_body(struct ash_builder *b) {
    static const char *const conv[] = {"kernel_shape", "strides", "dilations", "pads",
                                       "auto_pad",     "group",   NULL};
    uint32_t bias = b->node->n_formal > 2 ? ash_build_in(b, 2) : ASH_NONE;
    uint32_t sum = b->node->n_formal > 3 ? ash_build_in(b, 3) : ASH_NONE;
    uint32_t y = ash_build(b, "Conv", ash_build_in(b, 0), ash_build_in(b, 1), bias);
    same_attrs(b, conv);
    const struct ash_attr *p = ash_node_attr(b->node, "activation_params");
    bool given = p && p->type == ASH_ATTR_FLOATS;
    y = plus(b, y, sum);
    ash_build_out(b, 0, act_build(b, y, given ? p->v.floats : NULL, given ? p->count : 0));
    return b->rc;
}

static int fused_gemm_body(struct ash_builder *b) {
    static const char *const gemm[] = {"alpha", "beta", "transA", "transB", NULL};
    static const char *const names[] = {"activation_alpha", "activation_beta"};
    float params[2];
    size_t n = 0;
    uint32_t c = b->node->n_formal > 2 ? ash_build_in(b, 2) : ASH_NONE;
    uint32_t y = ash_build(b, "Gemm", ash_build_in(b, 0), ash_build_in(b, 1), c);
    same_attrs(b, gemm);
    while (n < 2) {
        const struct ash_attr *a = ash_node_attr(b->node, names[n]);
        if (!a || a->type != ASH_ATTR_FLOAT) break;
        params[n++] = a->v.f;
    }
    ash_build_out(b, 0, act_build(b, y, params, n));
    return b->rc;
}

static bool flag(const struct ash_builder *b, const char *name) {
    const struct ash_attr *a = ash_node_attr(b->node, name);
    return a && a->type == ASH_ATTR_INT && a->v.i != 0;
}

/* Input i; with `batch` its first dimension is brought behind those between it and the last; with
 * `last` the last two dimensions change places. */
static uint32_t turned(struct ash_builder *b, int i, bool batch, bool last) {
    int64_t perm[ASH_MAX_RANK];
    uint32_t x = ash_build_in(b, i);
    int rank = batch || last ? ash_build_rank(b, i) : 0, n = 0;
    if (rank < 2) return x;
    if (!batch) perm[n++] = 0;
    for (int k = 1; k < rank - 1; k++) perm[n++] = k;
    if (batch) perm[n++] = 0;
    perm[n] = rank - 1;
    if (last) {
        int64_t t = perm[rank - 1];
        perm[rank - 1] = perm[rank - 2];
        perm[rank - 2] = t;
    }
    uint32_t y = ash_build_one(b, "Transpose", x);
    ash_build_attr_ints(b, "perm", perm, (size_t)rank);
    return y;
}

static int fused_matmul_body(struct ash_builder *b) {
    const struct ash_attr *alpha = ash_node_attr(b->node, "alpha");
    uint32_t x = turned(b, 0, flag(b, "transBatchA"), flag(b, "transA"));
    uint32_t y = turned(b, 1, flag(b, "transBatchB"), flag(b, "transB"));
    uint32_t z = ash_build_two(b, "MatMul", x, y);
    if (alpha && alpha->type == ASH_ATTR_FLOAT && alpha->v.f != 1.0f)
        z = ash_build_two(b, "Mul", z, number(b, alpha->v.f));
    ash_build_out(b, 0, z);
    return b->rc;
}

/* ---- normalisations ---- */

static void norm_attrs(struct ash_builder *b) {
    ash_build_attr_int(b, "axis", -1);
    ash_build_attr_float(b, "epsilon", 1e-12f);
    ash_build_attr_copy(b, "epsilon");
}

static int skip_body(struct ash_builder *b) {
    bool rms = strstr(b->node->op_type, "Simplified") != NULL;
    uint32_t sum = ash_build_two(b, "Add", ash_build_in(b, 0), ash_build_in(b, 1)), y;
    sum = plus(b, sum, ash_build_in(b, rms ? 3 : 4));
    y = rms ? ash_build_two(b, "RMSNormalization", sum, ash_build_in(b, 2))
            : ash_build(b, "LayerNormalization", sum, ash_build_in(b, 2), ash_build_in(b, 3));
    norm_attrs(b);
    ash_build_out(b, 0, y);
    if (wanted(b, 3)) ash_build_out(b, 3, sum);
    return b->rc;
}

enum { EMBED_IDS, EMBED_SEGMENTS, EMBED_WORD, EMBED_POSITION, EMBED_SEGMENT, EMBED_GAMMA };
enum { EMBED_BETA = 6, EMBED_MASK, EMBED_POSITIONS };
/* Of QEmbedLayerNormalization, in the order of the tables: scales, then zero points. */
enum { EMBED_SCALE = 8, EMBED_ZERO = 13, QEMBED_ALL = 18 };

static bool embeds_bytes(const struct ash_node *node) { return *node->op_type == 'Q'; }

/* x, of table i: in floating point. */
static uint32_t embedded(struct ash_builder *b, uint32_t x, int i) {
    static const int tables[] = {EMBED_WORD, EMBED_POSITION, EMBED_SEGMENT, EMBED_GAMMA,
                                 EMBED_BETA};
    int k = 0;
    if (!embeds_bytes(b->node)) return x;
    while (tables[k] != i) k++;
    return ash_build(b, "DequantizeLinear", x, ash_build_in(b, EMBED_SCALE + k),
                     ash_build_in(b, EMBED_ZERO + k));
}

static uint32_t embedded_rows(struct ash_builder *b, int i, uint32_t rows) {
    return embedded(b, ash_build_two(b, "Gather", ash_build_in(b, i), rows), i);
}

/* The first S rows of the table where no positions are given. */
static uint32_t position_rows(struct ash_builder *b) {
    uint32_t positions = embeds_bytes(b->node) ? ASH_NONE : ash_build_in(b, EMBED_POSITIONS);
    if (positions != ASH_NONE) return embedded_rows(b, EMBED_POSITION, positions);
    uint32_t length = ash_build_one(b, "Shape", ash_build_in(b, EMBED_IDS));
    ash_build_attr_int(b, "start", 1);
    uint32_t rows = ash_build(b, "Slice", ash_build_in(b, EMBED_POSITION),
                              ash_build_i64(b, &(int64_t){0}, 1), length);
    return embedded(b, rows, EMBED_POSITION);
}

/* How many words count, for each text; none without a mask. */
static uint32_t mask_index(struct ash_builder *b) {
    uint32_t mask = ash_build_in(b, EMBED_MASK), ids = ash_build_in(b, EMBED_IDS), counts;
    if (mask == ASH_NONE) mask = ash_build_two(b, "Sub", ids, ids);
    uint32_t unit = ash_build_two(b, "CastLike", ash_build_i64(b, &(int64_t){1}, 1), mask);
    counts = ash_build_two(b, "CastLike", ash_build_two(b, "Equal", mask, unit), mask);
    counts = ash_build_two(b, "ReduceSum", counts, ash_build_i64(b, &(int64_t){1}, 1));
    ash_build_attr_int(b, "keepdims", 0);
    return counts;
}

static int embed_parse(const struct ash_parse *c, void *attrs) {
    uint32_t n = embeds_bytes(c->node) ? QEMBED_ALL : EMBED_MASK;
    bool whole = c->node->n_formal > EMBED_SEGMENTS && c->node->in[EMBED_SEGMENTS] != ASH_NONE;
    (void)attrs;
    for (uint32_t i = 0; i < n; i++) {
        bool segment = i == EMBED_SEGMENT || i == EMBED_SCALE + 2 || i == EMBED_ZERO + 2;
        if (i == EMBED_SEGMENTS || i == EMBED_MASK || (segment && !whole)) continue;
        ASH_FAIL_IF(i >= c->node->n_formal || c->node->in[i] == ASH_NONE, c->err, FORMAT,
                    "required input %u is left out", i);
    }
    return ASHORE_OK;
}

static int embed_body(struct ash_builder *b) {
    uint32_t segments = ash_build_in(b, EMBED_SEGMENTS);
    uint32_t sum = embedded_rows(b, EMBED_WORD, ash_build_in(b, EMBED_IDS)), y;
    sum = ash_build_two(b, "Add", sum, position_rows(b));
    if (segments != ASH_NONE)
        sum = ash_build_two(b, "Add", sum, embedded_rows(b, EMBED_SEGMENT, segments));
    y = ash_build(b, "LayerNormalization", sum,
                  embedded(b, ash_build_in(b, EMBED_GAMMA), EMBED_GAMMA),
                  embedded(b, ash_build_in(b, EMBED_BETA), EMBED_BETA));
    norm_attrs(b);
    ash_build_out(b, 0, y);
    if (wanted(b, 1)) ash_build_out(b, 1, mask_index(b));
    if (wanted(b, 2)) ash_build_out(b, 2, sum);
    return b->rc;
}

/* ---- Attention: the projection, and MultiHeadAttention ---- */

enum { ATT_X, ATT_WEIGHTS, ATT_BIAS, ATT_MASK, ATT_PAST, ATT_SCORES, ATT_PAST_LENGTH };
/* Of QAttention. */
enum { QATT_X_SCALE = 3, QATT_W_SCALE, QATT_MASK, QATT_X_ZERO, QATT_W_ZERO, QATT_PAST };

struct sizes {
    int64_t n[3]; /* columns of the projection for queries, keys and values; 0: a third each */
};

static int attention_parse(const struct ash_parse *c, void *attrs) {
    struct sizes *s = attrs;
    const int64_t *list;
    int64_t rotary, shared;
    size_t n;
    ASH_TRY(ash_parse_ints(c, "qkv_hidden_sizes", &list, &n));
    ASH_TRY(ash_parse_int(c, "do_rotary", 0, &rotary));
    ASH_TRY(ash_parse_int(c, "past_present_share_buffer", 0, &shared));
    ASH_FAIL_IF(n && n != 3, c->err, ATTR, "qkv_hidden_sizes has %zu numbers, expected 3", n);
    for (size_t i = 0; i < n; i++) {
        ASH_FAIL_IF(list[i] < 1 || list[i] > INT32_MAX, c->err, ATTR, "qkv_hidden_sizes %lld",
                    (long long)list[i]);
        s->n[i] = list[i];
    }
    ASH_FAIL_IF(rotary || shared, c->err, UNSUPPORTED,
                "do_rotary and past_present_share_buffer are not supported");
    return ASHORE_OK;
}

/* x in three along its last dimension. */
static void split(struct ash_builder *b, uint32_t x, uint32_t part[3]) {
    const struct sizes *s = b->attrs;
    uint32_t in[2] = {x, ASH_NONE};
    if (s->n[0]) in[1] = ash_build_i64(b, s->n, 3);
    ash_build_node(b, "", "Split", ASH_OPSET_NEWEST, in, s->n[0] ? 2 : 1, part, 3);
    ash_build_attr_int(b, "axis", -1);
    if (!s->n[0]) ash_build_attr_int(b, "num_outputs", 3);
}

/* Queries, keys and values. */
static void project(struct ash_builder *b, uint32_t part[3]) {
    uint32_t weights[3], bias[3], b_in = ash_build_in(b, ATT_BIAS);
    split(b, ash_build_in(b, ATT_WEIGHTS), weights);
    if (b_in != ASH_NONE) split(b, b_in, bias);
    for (int i = 0; i < 3; i++)
        part[i] = plus(b, ash_build_two(b, "MatMul", ash_build_in(b, ATT_X), weights[i]),
                       b_in != ASH_NONE ? bias[i] : ASH_NONE);
}

static void project_bytes(struct ash_builder *b, uint32_t part[3]) {
    static const int order[] = {ATT_X,       ATT_WEIGHTS, QATT_X_SCALE, QATT_W_SCALE,
                                QATT_X_ZERO, QATT_W_ZERO, ATT_BIAS};
    uint32_t in[7], y;
    for (int i = 0; i < 7; i++) in[i] = ash_build_in(b, order[i]);
    ash_build_node(b, MICROSOFT, "MatMulIntegerToFloat", 1, in, 7, &y, 1);
    split(b, y, part);
}

static uint32_t past_part(struct ash_builder *b, uint32_t past, int64_t k) {
    uint32_t index = ash_build_one(b, "Squeeze", ash_build_i64(b, &k, 1));
    return ash_build_two(b, "Gather", past, index);
}

static int attention_body(struct ash_builder *b) {
    static const char *const same[] = {"num_heads", "unidirectional", "scale", "mask_filter_value",
                                       NULL};
    bool bytes = *b->node->op_type == 'Q';
    uint32_t in[8], out[3], n_out = wanted(b, 1) ? 3 : 1, axis;
    uint32_t past = ash_build_in(b, bytes ? QATT_PAST : ATT_PAST);
    for (int i = 0; i < 8; i++) in[i] = ASH_NONE;
    (bytes ? project_bytes : project)(b, in);
    in[4] = ash_build_in(b, bytes ? QATT_MASK : ATT_MASK);
    if (!bytes) in[5] = ash_build_in(b, ATT_SCORES);
    for (int k = 0; past != ASH_NONE && k < 2; k++) in[6 + k] = past_part(b, past, k);
    ash_build_node(b, MICROSOFT, "MultiHeadAttention", 1, in, 8, out, n_out);
    same_attrs(b, same);
    ash_build_out(b, 0, out[0]);
    if (n_out == 1) return b->rc;
    axis = ash_build_i64(b, &(int64_t){0}, 1);
    for (int k = 1; k < 3; k++) out[k] = ash_build_two(b, "Unsqueeze", out[k], axis);
    ash_build_out(b, 1, ash_build_two(b, "Concat", out[1], out[2]));
    ash_build_attr_int(b, "axis", 0);
    return b->rc;
}

#define ROW(op, least, most, results, bytes, parser, builder)                                      \
    {.name = op,                                                                                   \
     .domain = MICROSOFT,                                                                          \
     .since = 1,                                                                                   \
     .in_min = least,                                                                              \
     .in_max = most,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = results,                                                                           \
     .attrs_size = bytes,                                                                          \
     .parse = parser,                                                                              \
     .body = builder}

extern const struct ash_op ash_ops_contrib[];
const struct ash_op ash_ops_contrib[] = {
    ROW("Gelu", 1, 1, 1, 0, NULL, gelu_body),
    ROW("FastGelu", 1, 2, 1, 0, NULL, gelu_body),
    ROW("BiasGelu", 2, 2, 1, 0, NULL, gelu_body),
    ROW("QuickGelu", 1, 1, 1, 0, NULL, quick_gelu_body),
    ROW("FusedConv", 2, 4, 1, 1, act_parse, fused_conv_body),
    ROW("FusedGemm", 2, 3, 1, 1, act_parse, fused_gemm_body),
    ROW("FusedMatMul", 2, 2, 1, 0, NULL, fused_matmul_body),
    ROW("TransposeMatMul", 2, 2, 1, 0, NULL, fused_matmul_body),
    ROW("SkipLayerNormalization", 3, 5, 4, 1, no_statistics, skip_body),
    ROW("SkipSimplifiedLayerNormalization", 3, 4, 4, 1, no_statistics, skip_body),
    ROW("EmbedLayerNormalization", 1, 9, 3, 1, embed_parse, embed_body),
    ROW("QEmbedLayerNormalization", 1, QEMBED_ALL, 2, 1, embed_parse, embed_body),
    ROW("QAttention", 5, 9, 2, sizeof(struct sizes), attention_parse, attention_body),
    ROW("Attention", 2, 7, 2, sizeof(struct sizes), attention_parse, attention_body),
    {0},
};
