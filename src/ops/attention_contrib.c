/* MultiHeadAttention of com.microsoft, by onnxruntime's documentation of its operators.  Letters as
 * in attention_core.h.
 *
 * Queries are [B, S, H * D], or with keys and values in one [B, S, H, 3, D]; keys [B, T, H * D], or
 * with values [B, T, H, 2, D], or [B, H, T, D] as they come out of a cache. */
#include "kernels/eltwise/eltwise.h"
#include "ops/attention_core.h"
#include "ops/elementwise.h"

#include <math.h>
#include <string.h>

enum { IN_QUERY, IN_KEY, IN_VALUE, IN_BIAS, IN_PADDING, IN_SCORES, IN_PAST_K, IN_PAST_V, IN_COUNT };
enum { OUT_Y, OUT_PRESENT_K, OUT_PRESENT_V, OUT_QK, OUT_COUNT };

struct mha_attrs {
    int64_t heads;
    float scale, filter;
    bool unidirectional;
};

static int mha_parse(const struct ash_parse *c, void *attrs) {
    struct mha_attrs *a = attrs;
    int64_t unidirectional;
    ASH_TRY(ash_parse_int_required(c, "num_heads", &a->heads));
    ASH_TRY(ash_parse_int(c, "unidirectional", 0, &unidirectional));
    ASH_TRY(ash_parse_float(c, "scale", 0, &a->scale));
    ASH_TRY(ash_parse_float(c, "mask_filter_value", -10000.0f, &a->filter));
    ASH_FAIL_IF(a->heads < 1 || a->heads > INT32_MAX, c->err, ATTR, "num_heads %lld",
                (long long)a->heads);
    a->unidirectional = unidirectional != 0;
    for (uint32_t i = IN_COUNT; i < c->node->n_formal; i++)
        ASH_FAIL_IF(c->node->in[i] != ASH_NONE, c->err, UNSUPPORTED,
                    "input %u (buffers that past and present share) is not supported", i);
    return ASHORE_OK;
}

static struct ash_dim dim_of(const struct ash_info *in, int rank, int i) {
    return in && in->type.rank == rank ? in->type.dim[i] : ash_dim_unknown();
}

static int mha_infer(struct ash_infer *c) {
    const struct mha_attrs *a = c->attrs;
    const struct ash_info *in[IN_COUNT] = {NULL};
    struct ash_dim heads = ash_dim_exact(a->heads), T, width;
    int dtype, other;
    ASH_TRY(ash_infer_types(c, 0, IN_PADDING, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, IN_PADDING, IN_SCORES, ASH_TAKES_INT | ASH_TAKES_BOOL, &other));
    ASH_TRY(ash_infer_types(c, IN_SCORES, IN_COUNT, ASH_TAKES_FLOAT, &other));
    for (int o = 0; o < c->n_out; o++) ash_infer_set(c, o, dtype, -1, NULL);
    for (int i = 0; i < c->n_in && i < IN_COUNT; i++) in[i] = c->in[i];
    int q = in[IN_QUERY]->type.rank, k = in[IN_KEY] ? in[IN_KEY]->type.rank : 5;
    if (q < 0 || k < 0 || (in[IN_VALUE] && in[IN_VALUE]->type.rank < 0)) return ASHORE_OK;
    ASH_FAIL_IF((q != 3 && q != 5) || k < 3 || k > 5, c->err, SHAPE,
                "queries of rank %d, keys of rank %d", q, k);
    struct ash_dim B = in[IN_QUERY]->type.dim[0], S = in[IN_QUERY]->type.dim[1], D;
    D = q == 5 ? dim_of(in[IN_QUERY], 5, 4)
               : ash_infer_dim(c, ASH_DIM_FLOORDIV, dim_of(in[IN_QUERY], 3, 2), heads);
    T = q == 5 ? S : k == 4 ? dim_of(in[IN_KEY], 4, 2) : in[IN_KEY]->type.dim[1];
    if (k == 5)
        width = ash_infer_dim(c, ASH_DIM_MUL, heads, D);
    else if (k == 4)
        width = ash_infer_dim(c, ASH_DIM_MUL, heads, dim_of(in[IN_VALUE], 4, 3));
    else
        width = dim_of(in[IN_VALUE], 3, 2);
    ash_infer_set(c, OUT_Y, dtype, 3, (struct ash_dim[]){B, S, width});
    if (in[IN_PAST_K]) T = ash_infer_dim(c, ASH_DIM_ADD, dim_of(in[IN_PAST_K], 4, 2), T);
    struct ash_dim E = ash_infer_dim(c, ASH_DIM_FLOORDIV, width, heads);
    if (c->n_out > 1) ash_infer_set(c, 1, dtype, 4, (struct ash_dim[]){B, heads, T, D});
    if (c->n_out > 2) ash_infer_set(c, 2, dtype, 4, (struct ash_dim[]){B, heads, T, E});
    if (c->n_out > 3) ash_infer_set(c, 3, dtype, 4, (struct ash_dim[]){B, heads, S, T});
    return ASHORE_OK;
}

/* ---- description ---- */

/* Part `part` of [B, rows, heads, parts, n]. */
static struct ash_attn_side packed_side(const struct ash_tensor *t, int64_t part, int64_t parts) {
    int64_t n = t->dim[4], row = t->dim[2] * parts * n;
    return (struct ash_attn_side){t, part * n, t->dim[1] * row, parts * n, row};
}

static int describe_inputs(const struct mha_attrs *at, const struct ash_tensor *const in[IN_COUNT],
                           struct ash_attn *a, int64_t *new_keys, struct ashore_error *err) {
    const struct ash_tensor *q = in[0], *k = in[1], *v = in[2];
    int packed = q->rank == 5 ? 3 : k && k->rank == 5 ? 2 : 0;
    const struct ash_tensor *from = packed == 3 ? q : k;
    int64_t H = at->heads, T;
    bool fits = (q->rank == 3 || packed == 3) && (packed == 3) == (k == NULL) &&
                (packed > 0) == (v == NULL);
    ASH_FAIL_IF(!fits, err, SHAPE, "queries, keys and values do not go together");
    a->B = q->dim[0];
    a->S = q->dim[1];
    if (packed) {
        fits = from->dim[2] == H && from->dim[3] == packed;
        a->D = a->E = from->dim[4];
        T = from->dim[1];
        a->k = packed_side(from, packed - 2, packed);
        a->v = packed_side(from, packed - 1, packed);
        fits = fits && from->dim[0] == a->B;
        if (packed == 3) a->q = packed_side(q, 0, 3);
    } else {
        bool cached = k->rank == 4;
        fits = (k->rank == 3 || cached) && v->rank == k->rank && q->dim[2] % H == 0;
        ASH_FAIL_IF(!fits, err, SHAPE, "queries, keys and values do not go together");
        T = cached ? k->dim[2] : k->dim[1];
        a->D = q->dim[2] / H;
        a->E = cached ? v->dim[3] : v->dim[2] / H;
        fits = k->dim[0] == a->B && v->dim[0] == a->B && (cached ? v->dim[2] : v->dim[1]) == T &&
               (cached ? k->dim[1] == H && v->dim[1] == H && k->dim[3] == a->D
                       : k->dim[2] == q->dim[2] && v->dim[2] % H == 0);
        a->k = ash_attn_side(k, !cached, H, T, a->D);
        a->v = ash_attn_side(v, !cached, H, T, a->E);
    }
    if (packed != 3) {
        fits = fits && q->dim[2] == H * a->D;
        a->q = ash_attn_side(q, true, H, a->S, a->D);
    }
    ASH_FAIL_IF(!fits, err, SHAPE, "queries, keys and values do not fit %lld heads", (long long)H);
    *new_keys = T;
    return ASHORE_OK;
}

static int describe_past(const struct ash_tensor *const in[IN_COUNT], int64_t new_keys,
                         struct ash_attn *a, struct ashore_error *err) {
    const struct ash_tensor *k = in[IN_PAST_K], *v = in[IN_PAST_V];
    ASH_FAIL_IF((k == NULL) != (v == NULL), err, FORMAT, "past keys and past values go together");
    a->T = new_keys;
    if (!k) return ASHORE_OK;
    bool fits = k->rank == 4 && v->rank == 4 && k->dim[0] == a->B && v->dim[0] == a->B &&
                k->dim[1] == a->H && v->dim[1] == a->H && k->dim[2] == v->dim[2] &&
                k->dim[3] == a->D && v->dim[3] == a->E;
    ASH_FAIL_IF(!fits, err, SHAPE, "past keys and values do not fit");
    a->P = k->dim[2];
    a->T += a->P;
    a->past_k = ash_attn_side(k, false, a->H, a->P, a->D);
    a->past_v = ash_attn_side(v, false, a->H, a->P, a->E);
    return ASHORE_OK;
}

/* [B] or [2 * B] lengths, [B, T] or [B, S, T] zeros and ones. */
static int describe_padding(const struct mha_attrs *at, const struct ash_tensor *t,
                            struct ash_attn *a, struct ashore_error *err) {
    struct ash_attn_mask *m = &a->mask[0];
    struct ash_tensor view = *t;
    m->fill = at->filter;
    m->floor = -INFINITY;
    m->keys = a->T;
    m->t = t;
    if (t->rank == 1) {
        ASH_FAIL_IF(t->dim[0] != a->B && t->dim[0] != 2 * a->B, err, SHAPE,
                    "a mask of %lld lengths for %lld batches", (long long)t->dim[0],
                    (long long)a->B);
        m->kind = ASH_ATTN_UNTIL;
        m->second = t->dim[0] > a->B ? a->B : 0;
        m->step[0] = 1;
        return ASHORE_OK;
    }
    ASH_FAIL_IF(t->rank != 2 && t->rank != 3, err, SHAPE, "a padding mask of rank %d", t->rank);
    view.rank = 4;
    view.dim[3] = t->dim[t->rank - 1];
    view.dim[2] = t->rank == 3 ? t->dim[1] : 1;
    view.dim[1] = 1;
    m->kind = ASH_ATTN_KEEP;
    ASH_TRY(ash_attn_broadcast(a, &view, false, m, err));
    m->t = t;
    return ASHORE_OK;
}

static int describe(const struct mha_attrs *at, int n_in, const struct ash_tensor *const *given,
                    int n_out, struct ash_tensor *const *out, struct ash_attn *a,
                    struct ashore_error *err) {
    const struct ash_tensor *in[IN_COUNT] = {0};
    int64_t new_keys = 0;
    for (int i = 0; i < n_in && i < IN_COUNT; i++) in[i] = given[i];
    *a = (struct ash_attn){.H = at->heads, .G = 1, .left = -1, .right = -1, .qk_mode = 3};
    if (at->unidirectional) a->right = 0;
    ASH_TRY(describe_inputs(at, in, a, &new_keys, err));
    ASH_TRY(describe_past(in, new_keys, a, err));
    a->scale = at->scale != 0.0f ? (double)at->scale : 1 / sqrt((double)a->D);
    a->y = ash_attn_side(out[OUT_Y], true, a->H, a->S, a->E);
    if (n_out > OUT_PRESENT_K) a->present_k = out[OUT_PRESENT_K];
    if (n_out > OUT_PRESENT_V) a->present_v = out[OUT_PRESENT_V];
    if (n_out > OUT_QK) a->qk = out[OUT_QK];
    if (in[IN_PADDING]) ASH_TRY(describe_padding(at, in[IN_PADDING], a, err));
    if (in[IN_SCORES]) {
        struct ash_attn_mask *m = &a->mask[1];
        m->fill = m->floor = -INFINITY;
        ASH_TRY(ash_attn_broadcast(a, in[IN_SCORES], false, m, err));
    }
    if (!in[IN_BIAS]) return ASHORE_OK;
    bool plain = in[IN_QUERY]->rank == 3 && in[IN_KEY] && in[IN_KEY]->rank != 5;
    ASH_FAIL_IF(!plain || ash_tensor_count(in[IN_BIAS]) != a->H * (2 * a->D + a->E), err, SHAPE,
                "the bias does not fit");
    return ASHORE_OK;
}

/* ---- the bias of the projections, added into memory of our own ---- */

static size_t bias_bytes(const struct ash_attn *a, int dtype) {
    size_t size = ash_dtype_size(dtype), keys = (size_t)(a->B * (a->T - a->P));
    size_t n = ash_size_mul((size_t)(a->B * a->S), (size_t)(a->H * a->D));
    n = ash_size_add(n, ash_size_mul(keys, (size_t)(a->H * (a->D + a->E))));
    return ash_align_up(ash_size_mul(n, size));
}

static void add_row(const struct ash_tensor *x, const struct ash_tensor *bias, int64_t at,
                    int64_t n, int64_t row, void *to) {
    double tile[ASH_TILE], other[ASH_TILE];
    size_t size = ash_dtype_size(x->dtype), w;
    for (int64_t i = 0; (w = ash_tile_size(n, i)); i += (int64_t)w) {
        ash_load_f64(x->dtype, ash_at(x, row * n + i), w, tile);
        ash_load_f64(bias->dtype, ash_at(bias, at + i), w, other);
        for (size_t k = 0; k < w; k++) tile[k] += other[k];
        ash_store_f64(x->dtype, tile, w, (char *)to + (size_t)(row * n + i) * size);
    }
}

/* to = x + bias[at..], and the side is that. */
static void add_bias(struct ash_attn_side *side, const struct ash_tensor *bias, int64_t at,
                     int64_t n, struct ash_tensor *sum, void *to, struct ash_pool *pool) {
    const struct ash_tensor *x = side->t;
    int64_t rows = x->dim[0] * x->dim[1];
    if (x->dtype == ASHORE_FLOAT32) {
        const size_t dim[2] = {(size_t)rows, (size_t)n};
        ash_eltwise_binary(
            ash_eltwise_best(), pool, ASH_BINARY_ADD, (struct ash_act_f32){.kind = ASH_ACT_NONE}, 2,
            dim, &(struct ash_eltwise_operand){2, dim, x->data},
            &(struct ash_eltwise_operand){1, dim + 1, (const float *)bias->data + at}, to);
    } else {
        for (int64_t r = 0; r < rows; r++) add_row(x, bias, at, n, r, to);
    }
    *sum = *x;
    sum->data = to;
    side->t = sum;
}

static void add_biases(struct ash_attn *a, const struct ash_tensor *bias, struct ash_tensor sum[3],
                       void *memory, struct ash_pool *pool) {
    char *to = memory;
    add_bias(&a->q, bias, 0, a->H * a->D, &sum[0], to, pool);
    to += ash_tensor_bytes(&sum[0]);
    if (a->k.t->rank == 4) return; /* out of a cache: it has its bias */
    add_bias(&a->k, bias, a->H * a->D, a->H * a->D, &sum[1], to, pool);
    to += ash_tensor_bytes(&sum[1]);
    add_bias(&a->v, bias, 2 * a->H * a->D, a->H * a->E, &sum[2], to, pool);
}

static int mha_ref(struct ash_run *c) {
    struct ash_tensor sum[3];
    struct ash_attn a;
    ASH_TRY(describe(c->attrs, c->n_in, c->in, c->n_out, c->out, &a, c->err));
    if (!ash_run_has(c, IN_BIAS)) return ash_attn_reference(&a, c->heap, c->err);
    size_t bytes = bias_bytes(&a, c->in[0]->dtype);
    void *memory = ash_alloc_aligned(c->heap, bytes ? bytes : 1);
    if (!memory) return ash_fail_nomem(c->err, bytes);
    add_biases(&a, c->in[IN_BIAS], sum, memory, NULL);
    int rc = ash_attn_reference(&a, c->heap, c->err);
    ash_free_aligned(c->heap, memory, bytes ? bytes : 1);
    return rc;
}

static int mha_run(struct ash_run *c) {
    struct ash_tensor sum[3];
    struct ash_attn a;
    char *scratch = c->scratch;
    ASH_TRY(describe(c->attrs, c->n_in, c->in, c->n_out, c->out, &a, c->err));
    if (ash_run_has(c, IN_BIAS)) {
        add_biases(&a, c->in[IN_BIAS], sum, scratch, c->pool);
        scratch += bias_bytes(&a, ASHORE_FLOAT32);
    }
    ash_attn_run(&a, scratch, c->pool);
    return ASHORE_OK;
}

static int mha_lower(struct ash_lower *c) {
    struct ash_attn_types t;
    struct ash_attn a;
    ash_attn_types(c, &t);
    ASH_TRY(describe(c->attrs, c->n_in, t.in_ptr, c->n_out, t.out_ptr, &a, c->err));
    size_t scratch = ash_attn_scratch(&a, c->threads);
    if (c->n_in > IN_BIAS && c->in[IN_BIAS]) {
        if (c->in[IN_BIAS]->type.dtype != ASHORE_FLOAT32) return ASHORE_OK;
        scratch = ash_size_add(scratch, bias_bytes(&a, ASHORE_FLOAT32));
    }
    if (!ash_attn_fits(&a) || scratch == SIZE_MAX) return ASHORE_OK;
    c->run = mha_run;
    c->kernel = ash_attn_kernel();
    c->scratch = scratch;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_attention_contrib[];
const struct ash_op ash_ops_attention_contrib[] = {
    {.name = "MultiHeadAttention",
     .domain = "com.microsoft",
     .since = 1,
     .in_min = 1,
     .in_max = 10,
     .out_min = 1,
     .out_max = 4,
     .attrs_size = sizeof(struct mha_attrs),
     .parse = mha_parse,
     .infer = mha_infer,
     .ref = mha_ref,
     .lower = mha_lower},
    {0},
};
