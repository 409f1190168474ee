/* GroupQueryAttention of com.microsoft, by onnxruntime's documentation of its operators: a step of
 * a text's generation with its cache.  Letters as in attention_core.h; G heads of queries share one
 * of keys, T is what the cache has room for.
 *
 * Queries are [B, S, H * D], or with keys and values behind them [B, S, (H + 2 * H / G) * D]. Batch
 * b has seqlens_k[b] + 1 keys with the S new ones, of which the last ones of a prompt may be
 * padding. */
#include "ops/attention_core.h"
#include "ops/elementwise.h"
#include "ops/rotary.h"

#include <math.h>
#include <string.h>

enum { IN_QUERY, IN_KEY, IN_VALUE, IN_PAST_K, IN_PAST_V, IN_LENGTHS, IN_TOTAL, IN_COS, IN_SIN };
enum { IN_POSITIONS = 9, IN_SCORES, IN_SINK, IN_COUNT };
enum { OUT_Y, OUT_PRESENT_K, OUT_PRESENT_V };

struct gqa_attrs {
    int64_t heads, kv_heads, window; /* window: keys that are seen, with the query's own; -1: all */
    float scale, cap;
    bool rotary, interleaved, causal, smooth;
};

static int gqa_parse(const struct ash_parse *c, void *attrs) {
    static const char *const refused[] = {"sliding_window_cache", "qk_output",
                                          "kv_cache_bit_width"};
    static const char *const none[] = {"NONE", NULL};
    struct gqa_attrs *a = attrs;
    int64_t rotary, interleaved, causal, smooth, other;
    int quant;
    ASH_TRY(ash_parse_int_required(c, "num_heads", &a->heads));
    ASH_TRY(ash_parse_int_required(c, "kv_num_heads", &a->kv_heads));
    ASH_TRY(ash_parse_int(c, "local_window_size", -1, &a->window));
    ASH_TRY(ash_parse_int(c, "do_rotary", 0, &rotary));
    ASH_TRY(ash_parse_int(c, "rotary_interleaved", 0, &interleaved));
    ASH_TRY(ash_parse_int(c, "causal", 1, &causal));
    ASH_TRY(ash_parse_int(c, "smooth_softmax", 0, &smooth));
    ASH_TRY(ash_parse_float(c, "scale", 0, &a->scale));
    ASH_TRY(ash_parse_float(c, "softcap", 0, &a->cap));
    ASH_TRY(ash_parse_choice(c, "k_quant_type", none, 0, &quant));
    ASH_TRY(ash_parse_choice(c, "v_quant_type", none, 0, &quant));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ASH_TRY(ash_parse_int(c, refused[i], 0, &other));
        ASH_FAIL_IF(other != 0, c->err, UNSUPPORTED, "%s is not supported", refused[i]);
    }
    for (uint32_t i = IN_COUNT; i < c->node->n_formal; i++)
        ASH_FAIL_IF(c->node->in[i] != ASH_NONE, c->err, UNSUPPORTED, "input %u is not supported",
                    i);
    ASH_FAIL_IF(c->node->n_formal <= IN_TOTAL || c->node->in[IN_LENGTHS] == ASH_NONE ||
                    c->node->in[IN_TOTAL] == ASH_NONE,
                c->err, FORMAT, "seqlens_k or total_sequence_length is left out");
    ASH_FAIL_IF(c->node->n_out > 3 && c->node->out[3] != ASH_NONE, c->err, UNSUPPORTED,
                "output 3 is not supported");
    ASH_FAIL_IF(a->heads < 1 || a->heads > INT32_MAX || a->kv_heads < 1 || a->heads % a->kv_heads ||
                    a->window < -1 || a->window > INT32_MAX,
                c->err, ATTR, "%lld heads share %lld, a window of %lld", (long long)a->heads,
                (long long)a->kv_heads, (long long)a->window);
    a->rotary = rotary != 0;
    a->interleaved = interleaved != 0;
    a->causal = causal != 0;
    a->smooth = smooth > 0;
    return ASHORE_OK;
}

static int gqa_infer(struct ash_infer *c) {
    const struct gqa_attrs *a = c->attrs;
    const struct ash_type *q = &c->in[0]->type;
    bool packed = !ash_infer_has(c, IN_KEY), past = ash_infer_has(c, IN_PAST_K);
    struct ash_dim room[1], D, width;
    int dtype, other, n;
    ASH_TRY(ash_infer_types(c, 0, IN_LENGTHS, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, IN_LENGTHS, IN_COS, ASH_TAKES_INT, &other));
    ASH_TRY(ash_infer_types(c, IN_COS, IN_POSITIONS, ASH_TAKES_FLOAT, &other));
    ASH_TRY(ash_infer_types(c, IN_POSITIONS, IN_SCORES, ASH_TAKES_INT, &other));
    ASH_TRY(ash_infer_types(c, IN_SCORES, IN_COUNT, ASH_TAKES_FLOAT, &other));
    for (int o = 0; o < c->n_out; o++) ash_infer_set(c, o, dtype, -1, NULL);
    ASH_FAIL_IF(q->rank >= 0 && q->rank != 3, c->err, SHAPE, "queries of rank %d, expected 3",
                q->rank);
    if (q->rank < 0) return ASHORE_OK;
    int64_t all = packed ? a->heads + 2 * a->kv_heads : a->heads;
    D = ash_infer_dim(c, ASH_DIM_FLOORDIV, q->dim[2], ash_dim_exact(all));
    width = ash_infer_dim(c, ASH_DIM_MUL, D, ash_dim_exact(a->heads));
    ash_infer_set(c, OUT_Y, dtype, 3, (struct ash_dim[]){q->dim[0], q->dim[1], width});
    int rc = ash_infer_ints(c, IN_TOTAL, room, 1, &n);
    if (rc == ASHORE_NEEDS_DATA && c->n_out == 1) return ASHORE_OK;
    if (rc != ASHORE_OK) return rc;
    ASH_FAIL_IF(n != 1, c->err, SHAPE, "total_sequence_length is not one number");
    if (past) {
        const struct ash_type *t = &c->in[IN_PAST_K]->type;
        ASH_FAIL_IF(t->rank >= 0 && t->rank != 4, c->err, SHAPE, "past keys of rank %d", t->rank);
        room[0] =
            ash_infer_dim(c, ASH_DIM_MAX, room[0], t->rank == 4 ? t->dim[2] : ash_dim_unknown());
    }
    ASH_FAIL_IF(room[0].kind == ASH_DIM_EXACT && room[0].value < 1, c->err, SHAPE,
                "total_sequence_length is %lld", (long long)room[0].value);
    struct ash_dim dim[4] = {q->dim[0], ash_dim_exact(a->kv_heads), room[0], D};
    for (int o = 1; o < c->n_out && o < 3; o++) ash_infer_set(c, o, dtype, 4, dim);
    return ASHORE_OK;
}

/* ---- description ---- */

struct gqa {
    struct ash_attn a;
    struct ash_attn_side k, v; /* the new ones */
    const struct ash_tensor *in[IN_COUNT];
    struct ash_tensor cache[2], turned; /* present keys and values, queries after the rotation */
    int64_t kv_heads, past_room;
    struct ash_rotation rotation;
    bool rotary;
};

/* Numbers from `at` on in rows of `row` numbers. */
static struct ash_attn_side part(const struct ash_tensor *t, int64_t at, int64_t S, int64_t row,
                                 int64_t D) {
    return (struct ash_attn_side){t, at, S * row, D, row};
}

static int describe_inputs(const struct gqa_attrs *at, struct gqa *g, struct ashore_error *err) {
    const struct ash_tensor *q = g->in[0], *k = g->in[1], *v = g->in[2];
    struct ash_attn *a = &g->a;
    int64_t all = at->heads + 2 * at->kv_heads;
    ASH_FAIL_IF(q->rank != 3 || (k == NULL) != (v == NULL), err, SHAPE,
                "queries, keys and values do not go together");
    a->B = q->dim[0];
    a->S = q->dim[1];
    a->H = at->heads;
    a->G = at->heads / at->kv_heads;
    a->D = a->E = q->dim[2] / (k ? at->heads : all);
    int64_t D = a->D, H = a->H, kv = g->kv_heads = at->kv_heads;
    bool fits = D > 0 && D * (k ? H : all) == q->dim[2];
    a->q = part(q, 0, a->S, q->dim[2], D);
    g->k = k ? part(k, 0, a->S, kv * D, D) : part(q, H * D, a->S, q->dim[2], D);
    g->v = k ? part(v, 0, a->S, kv * D, D) : part(q, (H + kv) * D, a->S, q->dim[2], D);
    for (int i = 1; k && i < 3; i++) {
        const struct ash_tensor *t = g->in[i];
        if (t->rank != 3 || t->dim[0] != a->B || t->dim[1] != a->S || t->dim[2] != kv * D)
            fits = false;
    }
    ASH_FAIL_IF(!fits, err, SHAPE, "queries, keys and values do not fit %lld and %lld heads",
                (long long)H, (long long)kv);
    return ASHORE_OK;
}

static int describe_cache(struct gqa *g, int64_t T, struct ashore_error *err) {
    struct ash_attn *a = &g->a;
    const struct ash_tensor *k = g->in[IN_PAST_K], *v = g->in[IN_PAST_V];
    ASH_FAIL_IF((k == NULL) != (v == NULL), err, FORMAT, "past keys and values go together");
    g->past_room = k && k->rank == 4 ? k->dim[2] : 0;
    bool fits = !k || (k->rank == 4 && k->dim[0] == a->B && k->dim[1] == g->kv_heads &&
                       k->dim[3] == a->D && ash_tensor_same_shape(k, v));
    a->T = T > g->past_room ? T : g->past_room;
    ASH_FAIL_IF(!fits || a->S > T, err, SHAPE, "the cache does not fit, or %lld new keys of %lld",
                (long long)a->S, (long long)T);
    for (int i = 0; i < 2; i++)
        g->cache[i] = (struct ash_tensor){
            .dtype = g->in[0]->dtype, .rank = 4, .dim = {a->B, g->kv_heads, a->T, a->D}};
    ASH_TRY(ash_shape_check(g->cache[0].dtype, 4, g->cache[0].dim, NULL, NULL, err));
    a->k = ash_attn_side(&g->cache[0], false, g->kv_heads, a->T, a->D);
    a->v = ash_attn_side(&g->cache[1], false, g->kv_heads, a->T, a->D);
    a->lengths = g->in[IN_LENGTHS];
    a->more = 1;
    a->position = ASH_ATTN_TAIL;
    ASH_FAIL_IF(ash_tensor_count(a->lengths) != a->B, err, SHAPE,
                "seqlens_k has not one number for each of %lld batches", (long long)a->B);
    return ASHORE_OK;
}

static int describe_rotary(const struct gqa_attrs *at, struct gqa *g, struct ashore_error *err) {
    struct ash_attn *a = &g->a;
    const struct ash_tensor *c = g->in[IN_COS], *s = g->in[IN_SIN], *p = g->in[IN_POSITIONS];
    g->rotary = at->rotary;
    if (!at->rotary) return ASHORE_OK;
    bool fits = c && s && c->rank == 2 && ash_tensor_same_shape(c, s) && 2 * c->dim[1] <= a->D;
    ASH_FAIL_IF(!fits, err, SHAPE, "cosines and sines do not fit heads of %lld", (long long)a->D);
    ASH_FAIL_IF(p && ash_tensor_count(p) < a->B * a->S, err, SHAPE, "too few positions");
    g->rotation = (struct ash_rotation){c, s, 2 * c->dim[1], a->D, at->interleaved};
    g->turned =
        (struct ash_tensor){.dtype = g->in[0]->dtype, .rank = 4, .dim = {a->B, a->S, a->H, a->D}};
    return ASHORE_OK;
}

static int describe(const struct gqa_attrs *at, int n_in, const struct ash_tensor *const *in,
                    int64_t total, const struct ash_tensor *out, struct gqa *g,
                    struct ashore_error *err) {
    struct ash_attn *a = &g->a;
    *g = (struct gqa){.a = {.left = -1, .right = at->causal ? 0 : -1, .smooth = at->smooth}};
    for (int i = 0; i < n_in && i < IN_COUNT; i++) g->in[i] = in[i];
    ASH_TRY(describe_inputs(at, g, err));
    ASH_TRY(describe_cache(g, total, err));
    ASH_TRY(describe_rotary(at, g, err));
    a->scale = at->scale != 0.0f ? (double)at->scale : 1 / sqrt((double)a->D);
    a->cap = at->cap > 0 ? (double)at->cap : 0;
    if (at->window > 0) a->left = at->window - 1;
    a->y = ash_attn_side(out, true, a->H, a->S, a->D);
    a->sink = g->in[IN_SINK];
    ASH_FAIL_IF(a->sink && ash_tensor_count(a->sink) != a->H, err, SHAPE,
                "head_sink has not one number for each head");
    if (!g->in[IN_SCORES]) return ASHORE_OK;
    a->mask[0].fill = a->mask[0].floor = -INFINITY;
    return ash_attn_broadcast(a, g->in[IN_SCORES], true, &a->mask[0], err);
}

/* ---- what is done before the attention ---- */

static int64_t past_of(const struct gqa *g, int64_t b) {
    int64_t n = ash_get_i64(g->in[IN_LENGTHS], b) + 1 - g->a.S;
    return n < 0 ? 0 : n;
}

static int check_positions(const struct gqa *g, struct ashore_error *err) {
    ASH_TRY(ash_attn_check(&g->a, err));
    for (int64_t b = 0; b < g->a.B; b++) {
        int64_t past = past_of(g, b);
        ASH_FAIL_IF(past > g->past_room || past + g->a.S > g->a.T, err, INDEX,
                    "batch %lld has %lld keys in the past, the cache %lld", (long long)b,
                    (long long)past, (long long)g->past_room);
        for (int64_t i = 0; g->rotary && i < g->a.S; i++) {
            const struct ash_tensor *p = g->in[IN_POSITIONS];
            int64_t at = p ? ash_get_i64(p, b * g->a.S + i) : past + i;
            ASH_FAIL_IF(at < 0 || at >= g->rotation.cos->dim[0], err, INDEX,
                        "position %lld, there are %lld", (long long)at,
                        (long long)g->rotation.cos->dim[0]);
        }
    }
    return ASHORE_OK;
}

static void place(const struct gqa *g, const struct ash_attn_side *from, int64_t b, int64_t h,
                  int64_t i, bool rotary, void *to) {
    const struct ash_tensor *p = g->in[IN_POSITIONS];
    const void *x = ash_at(from->t, b * from->batch + from->at + h * from->head + i * from->row);
    size_t bytes = (size_t)g->a.D * ash_dtype_size(from->t->dtype);
    if (!rotary) {
        memcpy(to, x, bytes);
        return;
    }
    int64_t at = p ? ash_get_i64(p, b * g->a.S + i) : past_of(g, b) + i;
    ash_rotate(&g->rotation, from->t->dtype, x, at, to);
}

/* The cache: what was there, what is new, zeros. */
static void fill_cache(const struct gqa *g, int k, const struct ash_attn_side *now) {
    const struct ash_tensor *past = g->in[k ? IN_PAST_V : IN_PAST_K], *to = &g->cache[k];
    size_t row = (size_t)g->a.D * ash_dtype_size(to->dtype);
    for (int64_t n = 0; n < g->a.B * g->kv_heads; n++) {
        int64_t b = n / g->kv_heads, h = n % g->kv_heads, before = past_of(g, b);
        char *at = (char *)to->data + (size_t)(n * g->a.T) * row;
        if (before)
            memcpy(at, (char *)past->data + (size_t)(n * g->past_room) * row, (size_t)before * row);
        for (int64_t i = 0; i < g->a.S; i++)
            place(g, now, b, h, i, g->rotary && k == 0, at + (size_t)(before + i) * row);
        memset(at + (size_t)(before + g->a.S) * row, 0, (size_t)(g->a.T - before - g->a.S) * row);
    }
}

/* Bytes for what no output takes, and for the queries after the rotation. */
static size_t own_bytes(const struct gqa *g, bool k, bool v) {
    size_t cache = ash_align_up(ash_tensor_bytes(&g->cache[0]));
    size_t turned = g->rotary ? ash_align_up(ash_tensor_bytes(&g->turned)) : 0;
    return ash_size_add(turned, ash_size_mul(cache, (size_t)(!k + !v)));
}

static int prepare(struct ash_run *c, struct gqa *g, void *memory) {
    char *own = memory;
    ASH_TRY(check_positions(g, c->err));
    for (int k = 0; k < 2; k++) {
        struct ash_tensor *out = c->n_out > 1 + k ? c->out[1 + k] : NULL;
        g->cache[k].data = out ? out->data : own;
        if (!out) own += ash_align_up(ash_tensor_bytes(&g->cache[k]));
        fill_cache(g, k, k ? &g->v : &g->k);
    }
    if (!g->rotary) return ASHORE_OK;
    g->turned.data = own;
    for (int64_t r = 0; r < g->a.B * g->a.S * g->a.H; r++) {
        int64_t h = r % g->a.H, i = r / g->a.H % g->a.S, b = r / (g->a.H * g->a.S);
        place(g, &g->a.q, b, h, i, true, ash_at(&g->turned, r * g->a.D));
    }
    g->a.q = ash_attn_side(&g->turned, true, g->a.H, g->a.S, g->a.D);
    return ASHORE_OK;
}

static int describe_run(struct ash_run *c, struct gqa *g) {
    ASH_FAIL_IF(ash_tensor_count(c->in[IN_TOTAL]) != 1, c->err, SHAPE,
                "total_sequence_length is not one number");
    int64_t total = ash_get_i64(c->in[IN_TOTAL], 0);
    ASH_FAIL_IF(total < 1 || total > INT32_MAX, c->err, SHAPE, "total_sequence_length is %lld",
                (long long)total);
    return describe(c->attrs, c->n_in, c->in, total, c->out[0], g, c->err);
}

static bool has_out(const struct ash_node *n, uint32_t o) {
    return o < n->n_out && n->out[o] != ASH_NONE;
}

static int gqa_ref(struct ash_run *c) {
    struct gqa g;
    ASH_TRY(describe_run(c, &g));
    for (int o = 1; o < 3; o++) /* their length is what the input says */
        if (has_out(c->node, (uint32_t)o) && !c->out[o]->data)
            ASH_TRY(ash_run_alloc(c, o, g.cache[0].dtype, 4, g.cache[0].dim));
    size_t bytes = own_bytes(&g, has_out(c->node, 1), has_out(c->node, 2));
    void *memory = ash_alloc_aligned(c->heap, bytes ? bytes : 1);
    if (!memory) return ash_fail_nomem(c->err, bytes);
    int rc = prepare(c, &g, memory);
    if (rc == ASHORE_OK) rc = ash_attn_reference(&g.a, c->heap, c->err);
    ash_free_aligned(c->heap, memory, bytes ? bytes : 1);
    return rc;
}

static int gqa_run(struct ash_run *c) {
    struct gqa g;
    ASH_TRY(describe_run(c, &g));
    ASH_TRY(prepare(c, &g, c->scratch));
    size_t own = own_bytes(&g, has_out(c->node, 1), has_out(c->node, 2));
    ash_attn_run(&g.a, (char *)c->scratch + own, c->pool);
    return ASHORE_OK;
}

/* The room that the cache has is an extent of the outputs, which are exact here. */
static int gqa_lower(struct ash_lower *c) {
    struct ash_attn_types t;
    struct gqa g;
    int o = has_out(c->node, 1) ? 1 : 2;
    if (!has_out(c->node, 0) || !has_out(c->node, (uint32_t)o)) return ASHORE_OK;
    ash_attn_types(c, &t);
    ASH_TRY(describe(c->attrs, c->n_in, t.in_ptr, t.out[o].dim[2], t.out_ptr[0], &g, c->err));
    size_t scratch = ash_size_add(own_bytes(&g, has_out(c->node, 1), has_out(c->node, 2)),
                                  ash_attn_scratch(&g.a, c->threads));
    if (!ash_attn_fits(&g.a) || scratch == SIZE_MAX) return ASHORE_OK;
    c->run = gqa_run;
    c->kernel = ash_attn_kernel();
    c->scratch = scratch;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_group_query[];
const struct ash_op ash_ops_group_query[] = {
    {.name = "GroupQueryAttention",
     .domain = "com.microsoft",
     .since = 1,
     .in_min = 1,
     .in_max = 16,
     .out_min = 1,
     .out_max = 4,
     .attrs_size = sizeof(struct gqa_attrs),
     .parse = gqa_parse,
     .infer = gqa_infer,
     .ref = gqa_ref,
     .lower = gqa_lower},
    {0},
};
