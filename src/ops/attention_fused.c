/* Attention of the internal domain, what exporters write as two products around a softmax:
 *
 *   Attention(Q, K, V[, M0[, M1]]) = softmax(mask(mask(scale * Q x K^T, M0), M1)) x V
 *
 * Q, K, V and the result are [B, heads, rows, numbers], or [B, rows, heads, numbers] where the
 * attribute q_rows, k_rows, v_rows or y_rows is set.  A mask is added (kind 0), keeps what it is
 * true for (1) or fills it (2); what is filled becomes the number `fill`, which is negative.  Where
 * the attributes heads and kv_heads are set, each head of keys and values serves heads / kv_heads
 * of queries, one after the other.  With `quiet`, probabilities that are NaN, as in a row of -inf,
 * are 0. */
#include "ops/attention_core.h"

#include <math.h>

ASH_MAKES("Transpose MatMul Reshape Mul Add Softmax", "ashore:Attention");
ASH_MAKES("Equal Where", "ashore:Attention Where");

enum { IN_MASKS = 3 };

struct fused_attrs {
    float scale;
    bool q_rows, k_rows, v_rows, y_rows;
    enum ash_attn_mask_kind kind[ASH_ATTN_MASKS];
    float fill[ASH_ATTN_MASKS];
    int64_t heads, kv_heads; /* 0: as many of both */
    bool quiet;              /* probabilities that are NaN are 0 */
};

static int fused_parse(const struct ash_parse *c, void *attrs) {
    static const char *const rows[] = {"q_rows", "k_rows", "v_rows", "y_rows"};
    static const char *const kinds[] = {"kind0", "kind1"}, *const fills[] = {"fill0", "fill1"};
    struct fused_attrs *a = attrs;
    bool *const to[] = {&a->q_rows, &a->k_rows, &a->v_rows, &a->y_rows};
    int64_t v;
    ASH_TRY(ash_parse_float(c, "scale", 1, &a->scale));
    ASH_TRY(ash_parse_int(c, "quiet", 0, &v));
    a->quiet = v != 0;
    ASH_TRY(ash_parse_int(c, "heads", 0, &a->heads));
    ASH_TRY(ash_parse_int(c, "kv_heads", 0, &a->kv_heads));
    ASH_FAIL_IF(a->heads < 0 || a->kv_heads < 0 || (a->heads > 0) != (a->kv_heads > 0) ||
                    (a->heads && a->heads % a->kv_heads),
                c->err, ATTR, "%lld heads share %lld", (long long)a->heads, (long long)a->kv_heads);
    for (int i = 0; i < 4; i++) {
        ASH_TRY(ash_parse_int(c, rows[i], 0, &v));
        *to[i] = v != 0;
    }
    for (int k = 0; k < ASH_ATTN_MASKS; k++) {
        ASH_TRY(ash_parse_int(c, kinds[k], 0, &v));
        ASH_TRY(ash_parse_float(c, fills[k], -INFINITY, &a->fill[k]));
        ASH_FAIL_IF(v < ASH_ATTN_ADD || v > ASH_ATTN_FILL || !(a->fill[k] < 0), c->err, ATTR,
                    "a mask of kind %lld", (long long)v);
        a->kind[k] = (enum ash_attn_mask_kind)v;
    }
    return ASHORE_OK;
}

/* ---- body ---- */

static uint32_t turn(struct ash_builder *b, uint32_t x, int p1, int p2, int p3) {
    const int64_t perm[4] = {0, p1, p2, p3};
    uint32_t y = ash_build_one(b, "Transpose", x);
    ash_build_attr_ints(b, "perm", perm, 4);
    return y;
}

/* [B, heads, rows, numbers] with another number of heads: rows of heads that share one follow each
 * other. */
static uint32_t regroup(struct ash_builder *b, uint32_t x, int64_t heads) {
    if (!heads) return x;
    return ash_build(b, "Reshape", x, ash_build_i64(b, (int64_t[]){0, heads, -1, 0}, 4), ASH_NONE);
}

static int fused_body(struct ash_builder *b) {
    const struct fused_attrs *a = b->attrs;
    uint32_t q = ash_build_in(b, 0), k = ash_build_in(b, 1), v = ash_build_in(b, 2), s;
    if (a->q_rows) q = turn(b, q, 2, 1, 3);
    k = a->k_rows ? turn(b, k, 2, 3, 1) : turn(b, k, 1, 3, 2);
    if (a->v_rows) v = turn(b, v, 2, 1, 3);
    q = regroup(b, q, a->kv_heads);
    s = regroup(b, ash_build(b, "MatMul", q, k, ASH_NONE), a->heads);
    if (a->scale != 1.0f) s = ash_build(b, "Mul", s, ash_build_f32(b, a->scale), ASH_NONE);
    for (int i = 0; i < ASH_ATTN_MASKS; i++) {
        uint32_t m = ash_build_in(b, IN_MASKS + i), fill;
        if (m == ASH_NONE) continue;
        if (a->kind[i] == ASH_ATTN_ADD) {
            s = ash_build(b, "Add", s, m, ASH_NONE);
            continue;
        }
        fill = ash_build_f32(b, a->fill[i]);
        s = a->kind[i] == ASH_ATTN_KEEP ? ash_build(b, "Where", m, s, fill)
                                        : ash_build(b, "Where", m, fill, s);
    }
    s = ash_build_one(b, "Softmax", s);
    if (a->quiet) {
        uint32_t number = ash_build(b, "Equal", s, s, ASH_NONE);
        s = ash_build(b, "Where", number, s, ash_build_f32(b, 0));
    }
    s = ash_build(b, "MatMul", regroup(b, s, a->kv_heads), v, ASH_NONE);
    s = regroup(b, s, a->heads);
    if (a->y_rows) s = turn(b, s, 2, 1, 3);
    ash_build_out(b, 0, s);
    return b->rc;
}

/* ---- lowering ---- */

/* false: it is not what the kernel is for, for instance batches are broadcast. */
static bool describe(const struct fused_attrs *at, int n_in, const struct ash_tensor *const *in,
                     const struct ash_tensor *out, struct ash_attn *a) {
    const struct ash_tensor *q = in[0], *k = in[1], *v = in[2];
    for (int i = 0; i < 3; i++)
        if (in[i]->rank != 4) return false;
    *a = (struct ash_attn){.B = q->dim[0], .G = 1, .left = -1, .right = -1};
    a->H = q->dim[at->q_rows ? 2 : 1];
    a->S = q->dim[at->q_rows ? 1 : 2];
    a->T = k->dim[at->k_rows ? 1 : 2];
    a->D = q->dim[3];
    a->E = v->dim[3];
    a->scale = (double)at->scale;
    a->quiet = at->quiet;
    int64_t kv = at->kv_heads ? at->kv_heads : a->H;
    if (at->heads && a->H != at->heads) return false;
    if (kv > 0) a->G = a->H / kv;
    bool fits = k->dim[0] == a->B && v->dim[0] == a->B && k->dim[at->k_rows ? 2 : 1] == kv &&
                v->dim[at->v_rows ? 2 : 1] == kv && v->dim[at->v_rows ? 1 : 2] == a->T &&
                k->dim[3] == a->D;
    a->q = ash_attn_side(q, at->q_rows, a->H, a->S, a->D);
    a->k = ash_attn_side(k, at->k_rows, kv, a->T, a->D);
    a->v = ash_attn_side(v, at->v_rows, kv, a->T, a->E);
    a->y = ash_attn_side(out, at->y_rows, a->H, a->S, a->E);
    for (int i = 0; fits && i < ASH_ATTN_MASKS && IN_MASKS + i < n_in; i++) {
        struct ash_attn_mask *m = &a->mask[i];
        if (!in[IN_MASKS + i]) continue;
        m->kind = at->kind[i];
        m->fill = at->fill[i];
        m->floor = m->kind == ASH_ATTN_ADD ? -INFINITY : m->fill;
        fits = ash_attn_broadcast(a, in[IN_MASKS + i], false, m, NULL) == ASHORE_OK;
    }
    return fits;
}

static int fused_run(struct ash_run *c) {
    struct ash_attn a;
    (void)describe(c->attrs, c->n_in, c->in, c->out[0], &a);
    ash_attn_run(&a, c->scratch, c->pool);
    return ASHORE_OK;
}

static int fused_lower(struct ash_lower *c) {
    struct ash_attn_types t;
    struct ash_attn a;
    ash_attn_types(c, &t);
    if (!describe(c->attrs, c->n_in, t.in_ptr, t.out_ptr[0], &a)) return ASHORE_OK;
    size_t scratch = ash_attn_scratch(&a, c->threads);
    if (!ash_attn_fits(&a) || scratch == SIZE_MAX) return ASHORE_OK;
    c->run = fused_run;
    c->kernel = ash_attn_kernel();
    c->scratch = scratch;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_attention_fused[];
const struct ash_op ash_ops_attention_fused[] = {
    {.name = "Attention",
     .domain = ASH_INTERNAL,
     .since = 1,
     .in_min = 3,
     .in_max = 5,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct fused_attrs),
     .parse = fused_parse,
     .lower = fused_lower,
     .body = fused_body},
    {0},
};
