/* Attention of ai.onnx.  Letters as in attention_core.h; past and present keys and values are
 * [B, H / G, P or T, D or E], queries [B, H, S, D] or [B, S, H * D], and so on. */
#include "ops/attention_core.h"
#include "ops/elementwise.h"

#include <math.h>

enum { IN_MASK = 3, IN_PAST_K, IN_PAST_V, IN_LENGTHS };
enum { OUT_Y, OUT_PRESENT_K, OUT_PRESENT_V, OUT_QK };

struct attention_attrs {
    int64_t q_heads, kv_heads; /* 0: not given */
    int64_t left, right;
    bool causal, has_scale;
    float scale, cap;
    int qk_mode, precision;
};

static int attention_parse(const struct ash_parse *c, void *attrs) {
    struct attention_attrs *a = attrs;
    int64_t causal, mode, precision;
    ASH_TRY(ash_parse_int(c, "q_num_heads", 0, &a->q_heads));
    ASH_TRY(ash_parse_int(c, "kv_num_heads", 0, &a->kv_heads));
    ASH_TRY(ash_parse_int(c, "left_window_size", -1, &a->left));
    ASH_TRY(ash_parse_int(c, "right_window_size", -1, &a->right));
    ASH_TRY(ash_parse_int(c, "is_causal", 0, &causal));
    ASH_TRY(ash_parse_int(c, "qk_matmul_output_mode", 0, &mode));
    ASH_TRY(ash_parse_int(c, "softmax_precision", 0, &precision));
    ASH_TRY(ash_parse_float(c, "softcap", 0, &a->cap));
    ASH_TRY(ash_parse_float(c, "scale", 0, &a->scale));
    a->has_scale = ash_node_attr(c->node, "scale") != NULL;
    a->causal = causal != 0;
    ASH_FAIL_IF(a->q_heads < 0 || a->kv_heads < 0 || a->q_heads > INT32_MAX ||
                    a->kv_heads > INT32_MAX,
                c->err, ATTR, "%lld and %lld heads", (long long)a->q_heads, (long long)a->kv_heads);
    ASH_FAIL_IF(a->left < -1 || a->right < -1 || a->left > INT32_MAX || a->right > INT32_MAX,
                c->err, ATTR, "the window %lld, %lld", (long long)a->left, (long long)a->right);
    ASH_FAIL_IF(mode < 0 || mode > 3, c->err, ATTR, "qk_matmul_output_mode %lld", (long long)mode);
    ASH_FAIL_IF(
        precision < 0 || precision > 63 || (precision && !ash_dtype_is_float((int)precision)),
        c->err, ATTR, "softmax_precision %lld is no floating-point type", (long long)precision);
    a->qk_mode = (int)mode;
    a->precision = (int)precision;
    return ASHORE_OK;
}

/* ---- inference ---- */

/* Heads and numbers of a row, as far as they are known. */
static void split_heads(struct ash_infer *c, const struct ash_type *t, int64_t heads,
                        struct ash_dim out[4]) {
    for (int i = 0; i < 4; i++) out[i] = t->rank == 4 ? t->dim[i] : ash_dim_unknown();
    if (t->rank != 3) return;
    out[0] = t->dim[0];
    out[2] = t->dim[1];
    if (!heads) return;
    out[1] = ash_dim_exact(heads);
    out[3] = ash_infer_dim(c, ASH_DIM_FLOORDIV, t->dim[2], out[1]);
}

static int infer_rank(struct ash_infer *c) {
    const struct attention_attrs *a = c->attrs;
    int rank = -1;
    for (int i = 0; i < 3; i++) {
        int r = c->in[i]->type.rank;
        ASH_FAIL_IF(r >= 0 && r != 3 && r != 4, c->err, SHAPE,
                    "input %d has rank %d, expected 3 or 4", i, r);
        ASH_FAIL_IF(r >= 0 && rank >= 0 && r != rank, c->err, SHAPE,
                    "input %d has rank %d, another %d", i, r, rank);
        if (r >= 0) rank = r;
    }
    ASH_FAIL_IF(rank == 3 && (!a->q_heads || !a->kv_heads), c->err, ATTR,
                "inputs of rank 3 need q_num_heads and kv_num_heads");
    return ASHORE_OK;
}

static int attention_infer(struct ash_infer *c) {
    const struct attention_attrs *a = c->attrs;
    struct ash_dim q[4], k[4], v[4];
    int dtype, vtype, other, rank = c->in[0]->type.rank;
    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_FLOAT, &vtype));
    ASH_TRY(ash_infer_types(c, IN_MASK, IN_PAST_K, ASH_TAKES_NUMBER | ASH_TAKES_BOOL, &other));
    ASH_TRY(ash_infer_alike(c, 1, IN_PAST_K));
    ASH_TRY(ash_infer_alike(c, 2, IN_PAST_V));
    ASH_TRY(ash_infer_types(c, IN_LENGTHS, IN_LENGTHS + 1, ASH_TAKES_INT, &other));
    for (int o = 0; o < c->n_out; o++)
        ash_infer_set(c, o, o == OUT_PRESENT_V ? vtype : dtype, -1, NULL);
    ASH_TRY(infer_rank(c));
    bool past = ash_infer_has(c, IN_PAST_K);
    ASH_FAIL_IF(past != ash_infer_has(c, IN_PAST_V), c->err, FORMAT,
                "past keys and past values go together");
    split_heads(c, &c->in[0]->type, a->q_heads, q);
    split_heads(c, &c->in[1]->type, a->kv_heads, k);
    split_heads(c, &c->in[2]->type, a->kv_heads, v);
    struct ash_dim total = k[2];
    if (past) {
        const struct ash_type *t = &c->in[IN_PAST_K]->type;
        ASH_FAIL_IF(t->rank >= 0 && t->rank != 4, c->err, SHAPE, "past keys have rank %d", t->rank);
        total = t->rank == 4 ? ash_infer_dim(c, ASH_DIM_ADD, t->dim[2], total) : ash_dim_unknown();
    }
    if (rank == 4) ash_infer_set(c, OUT_Y, dtype, 4, (struct ash_dim[]){q[0], q[1], q[2], v[3]});
    if (rank == 3) {
        struct ash_dim width = ash_infer_dim(c, ASH_DIM_MUL, q[1], v[3]);
        ash_infer_set(c, OUT_Y, dtype, 3, (struct ash_dim[]){q[0], q[2], width});
    }
    if (c->n_out > 1) ash_infer_set(c, 1, dtype, 4, (struct ash_dim[]){k[0], k[1], total, k[3]});
    if (c->n_out > 2) ash_infer_set(c, 2, vtype, 4, (struct ash_dim[]){k[0], k[1], total, v[3]});
    if (c->n_out > 3) ash_infer_set(c, 3, dtype, 4, (struct ash_dim[]){q[0], q[1], q[2], total});
    return ASHORE_OK;
}

/* ---- description ---- */

static int sizes(const struct attention_attrs *at, const struct ash_tensor *const *in,
                 const int64_t past, struct ash_attn *a, int64_t *kv_heads,
                 struct ashore_error *err) {
    const struct ash_tensor *q = in[0], *k = in[1], *v = in[2];
    bool flat = q->rank == 3;
    ASH_FAIL_IF((q->rank != 3 && q->rank != 4) || k->rank != q->rank || v->rank != q->rank, err,
                SHAPE, "inputs of rank %d, %d and %d", q->rank, k->rank, v->rank);
    a->B = q->dim[0];
    a->H = flat ? at->q_heads : q->dim[1];
    *kv_heads = flat ? at->kv_heads : k->dim[1];
    ASH_FAIL_IF(a->H < 1 || *kv_heads < 1 || a->H % *kv_heads, err, SHAPE,
                "%lld heads of queries cannot share %lld of keys", (long long)a->H,
                (long long)*kv_heads);
    a->G = a->H / *kv_heads;
    a->S = q->dim[flat ? 1 : 2];
    a->P = past;
    a->T = k->dim[flat ? 1 : 2] + past;
    ASH_FAIL_IF(flat && (q->dim[2] % a->H || k->dim[2] % *kv_heads || v->dim[2] % *kv_heads), err,
                SHAPE, "the heads do not divide %lld, %lld and %lld", (long long)q->dim[2],
                (long long)k->dim[2], (long long)v->dim[2]);
    a->D = flat ? q->dim[2] / a->H : q->dim[3];
    a->E = flat ? v->dim[2] / *kv_heads : v->dim[3];
    int64_t kd = flat ? k->dim[2] / *kv_heads : k->dim[3];
    bool fits = k->dim[0] == a->B && v->dim[0] == a->B && kd == a->D &&
                v->dim[flat ? 1 : 2] + past == a->T && (flat || v->dim[1] == *kv_heads);
    ASH_FAIL_IF(!fits, err, SHAPE, "queries, keys and values do not fit");
    return ASHORE_OK;
}

static int expect_past(const struct ash_attn *a, const struct ash_tensor *t, int64_t heads,
                       int64_t n, struct ashore_error *err) {
    bool fits = t->rank == 4 && t->dim[0] == a->B && t->dim[1] == heads && t->dim[2] == a->P &&
                t->dim[3] == n;
    ASH_FAIL_IF(!fits, err, SHAPE, "past keys or values are not [%lld,%lld,%lld,%lld]",
                (long long)a->B, (long long)heads, (long long)a->P, (long long)n);
    return ASHORE_OK;
}

static int describe(const struct ash_node *node, const struct attention_attrs *at, int n_in,
                    const struct ash_tensor *const *in, int n_out, struct ash_tensor *const *out,
                    struct ash_attn *a, struct ashore_error *err) {
    const struct ash_tensor *given[7] = {0};
    for (int i = 0; i < n_in && i < 7; i++) given[i] = in[i];
    const struct ash_tensor *past_k = given[IN_PAST_K], *past_v = given[IN_PAST_V];
    bool swapped = given[0]->rank == 3;
    int64_t heads = 0, past = past_k && past_k->rank == 4 ? past_k->dim[2] : 0;
    *a = (struct ash_attn){.scale = 1, .zero = true, .left = at->left, .right = at->right};
    ASH_FAIL_IF((past_k == NULL) != (past_v == NULL), err, FORMAT,
                "past keys and past values go together");
    ASH_TRY(sizes(at, given, past, a, &heads, err));
    a->q = ash_attn_side(given[0], swapped, a->H, a->S, a->D);
    a->k = ash_attn_side(given[1], swapped, heads, a->T - past, a->D);
    a->v = ash_attn_side(given[2], swapped, heads, a->T - past, a->E);
    a->y = ash_attn_side(out[OUT_Y], swapped, a->H, a->S, a->E);
    if (past_k) {
        ASH_TRY(expect_past(a, past_k, heads, a->D, err));
        ASH_TRY(expect_past(a, past_v, heads, a->E, err));
        a->past_k = ash_attn_side(past_k, false, heads, past, a->D);
        a->past_v = ash_attn_side(past_v, false, heads, past, a->E);
    }
    if (n_out > OUT_PRESENT_K) a->present_k = out[OUT_PRESENT_K];
    if (n_out > OUT_PRESENT_V) a->present_v = out[OUT_PRESENT_V];
    if (n_out > OUT_QK) a->qk = out[OUT_QK];
    a->qk_mode = at->qk_mode;
    a->precision = at->precision;
    a->cap = at->cap > 0 ? (double)at->cap : 0;
    double root = sqrt(at->has_scale ? (double)at->scale : 1 / sqrt((double)a->D));
    a->side_scale = ash_round_half(given[0]->dtype, root); /* of the inputs' type */
    if (root == 0) a->scale = 0;
    if (at->causal && (a->right < 0 || a->right > 0)) a->right = 0;
    if (given[IN_MASK]) {
        bool boolean = given[IN_MASK]->dtype == ASHORE_BOOL;
        struct ash_attn_mask *m = &a->mask[0];
        m->kind = boolean ? ASH_ATTN_KEEP : ASH_ATTN_ADD;
        m->fill = m->floor = -INFINITY;
        bool shorter = node->opset >= 24;
        ASH_TRY(ash_attn_broadcast(a, given[IN_MASK], shorter, m, err));
    }
    if (given[IN_LENGTHS]) {
        a->lengths = given[IN_LENGTHS];
        a->position = past_k ? ASH_ATTN_PAST : ASH_ATTN_END;
        ASH_FAIL_IF(ash_tensor_count(a->lengths) != a->B, err, SHAPE,
                    "nonpad_kv_seqlen has not one number for each of %lld batches",
                    (long long)a->B);
    }
    return ASHORE_OK;
}

static int attention_ref(struct ash_run *c) {
    struct ash_attn a;
    ASH_TRY(describe(c->node, c->attrs, c->n_in, c->in, c->n_out, c->out, &a, c->err));
    return ash_attn_reference(&a, c->heap, c->err);
}

static int attention_run(struct ash_run *c) {
    struct ash_attn a;
    ASH_TRY(describe(c->node, c->attrs, c->n_in, c->in, c->n_out, c->out, &a, c->err));
    ASH_TRY(ash_attn_check(&a, c->err));
    ash_attn_run(&a, c->scratch, c->pool);
    return ASHORE_OK;
}

static int attention_lower(struct ash_lower *c) {
    struct ash_attn_types t;
    struct ash_attn a;
    ash_attn_types(c, &t);
    ASH_TRY(describe(c->node, c->attrs, c->n_in, t.in_ptr, c->n_out, t.out_ptr, &a, c->err));
    size_t scratch = ash_attn_scratch(&a, c->threads);
    if (!ash_attn_fits(&a) || scratch == SIZE_MAX) return ASHORE_OK;
    c->run = attention_run;
    c->kernel = ash_attn_kernel();
    c->scratch = scratch;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_attention_op[];
const struct ash_op ash_ops_attention_op[] = {
    {.name = "Attention",
     .domain = "",
     .since = 23,
     .in_min = 3,
     .in_max = 7,
     .out_min = 1,
     .out_max = 4,
     .flags = ASH_OP_STEPS,
     .attrs_size = sizeof(struct attention_attrs),
     .parse = attention_parse,
     .infer = attention_infer,
     .ref = attention_ref,
     .lower = attention_lower},
    {0},
};
