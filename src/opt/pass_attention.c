/* Attention that is written as two products around a softmax becomes the internal Attention:
 *
 *   MatMul(Softmax(mask(scale * MatMul(q, k^T)))), v)
 *
 * with up to two masks, which are added or chosen with Where; factors on either operand of the
 * first product; and the permutations around it, which become a matter of strides. */
#include "opt/passes.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_attention, "MatMul Softmax Transpose");
ASH_MAKES("ashore:Attention", "MatMul Softmax Transpose");

enum { MASKS = 2, DEPTH_MAX = 8 };

struct mask {
    uint32_t v;
    int kind; /* as in ops/attention_fused.c */
    float fill;
};

struct found {
    double scale;
    uint32_t in[3];          /* q, k, v */
    bool rows[3];            /* rows come before heads */
    struct mask mask[MASKS]; /* the outermost first */
    int masks;
    int64_t heads, kv_heads; /* where queries share heads of keys and values; 0 otherwise */
    bool quiet;              /* probabilities that are NaN become 0 */
};

static bool is_op(const struct ash_node *n, const char *op) {
    return n && n->op && !*n->domain && n->n_out == 1 && !strcmp(n->op_type, op);
}

static const struct ash_type *type_of(const struct ash_pass *p, uint32_t v) {
    return v < p->infos_n ? &p->infos[v].type : NULL;
}

static bool is_f32(const struct ash_pass *p, uint32_t v, int rank) {
    const struct ash_type *t = type_of(p, v);
    return t && t->kind == ASHORE_TENSOR && t->dtype == ASHORE_FLOAT32 && t->rank == rank;
}

static bool scalar(const struct ash_pass *p, uint32_t v, double *s) {
    const struct ash_tensor *t = ash_pass_f32(p, v);
    if (!t || ash_tensor_count(t) != 1 || t->rank > 4) return false;
    *s = (double)*(const float *)t->data;
    return isfinite(*s);
}

/* n multiplies one operand by a number, which goes to *factor; the operand is returned. */
static uint32_t scaled(const struct ash_pass *p, const struct ash_node *n, double *factor) {
    double s;
    if (is_op(n, "Mul") && n->opset >= 7) {
        for (int i = 0; i < 2; i++) {
            if (!scalar(p, n->in[i], &s)) continue;
            *factor *= s;
            return n->in[1 - i];
        }
    }
    if (is_op(n, "Div") && n->opset >= 7 && scalar(p, n->in[1], &s) && s != 0) {
        *factor /= s;
        return n->in[0];
    }
    return ASH_NONE;
}

/* ---- from the softmax down to the first product ---- */

/* Where(condition, x, fill) or Where(condition, fill, x). */
static uint32_t chosen(const struct ash_pass *p, const struct ash_node *n, struct mask *m) {
    const struct ash_type *t = n->n_formal == 3 ? type_of(p, n->in[0]) : NULL;
    if (!is_op(n, "Where") || !t || t->rank < 1 || t->rank > 4) return ASH_NONE;
    for (int i = 1; i < 3; i++) {
        const struct ash_tensor *fill = ash_pass_f32(p, n->in[i]);
        if (!fill || ash_tensor_count(fill) != 1 || fill->rank > 4) continue;
        m->fill = *(const float *)fill->data;
        m->kind = i == 2 ? 1 : 2;
        m->v = n->in[0];
        return m->fill < 0 ? n->in[3 - i] : ASH_NONE;
    }
    return ASH_NONE;
}

static const struct ash_node *first_product(const struct ash_pass *p, uint32_t v, int depth,
                                            struct found *f);

static const struct ash_node *below_sum(const struct ash_pass *p, const struct ash_node *n,
                                        int depth, struct found *f) {
    for (int i = 0; i < 2 && f->masks < MASKS; i++) {
        const struct ash_type *t = type_of(p, n->in[1 - i]);
        if (!t || t->dtype != ASHORE_FLOAT32 || t->rank < 1 || t->rank > 4) continue;
        struct found tried = *f;
        tried.mask[tried.masks++] = (struct mask){n->in[1 - i], 0, -INFINITY};
        const struct ash_node *product = first_product(p, n->in[i], depth + 1, &tried);
        if (!product) continue;
        *f = tried;
        return product;
    }
    return NULL;
}

/* The product that v comes from, by masks and then a factor; nobody else looks at it on the way. */
static const struct ash_node *first_product(const struct ash_pass *p, uint32_t v, int depth,
                                            struct found *f) {
    const struct ash_node *n = ash_pass_producer(p, v);
    if (!n || p->uses[v] != 1 || depth > DEPTH_MAX || !is_f32(p, v, 4)) return NULL;
    if (is_op(n, "MatMul")) return n;
    if (is_op(n, "Add") && n->opset >= 7) return below_sum(p, n, depth, f);
    if (is_op(n, "Where") && f->masks < MASKS) {
        uint32_t x = chosen(p, n, &f->mask[f->masks]);
        f->masks++;
        return x == ASH_NONE ? NULL : first_product(p, x, depth + 1, f);
    }
    uint32_t x = scaled(p, n, &f->scale);
    if (x == ASH_NONE) return NULL;
    const struct ash_node *product = ash_pass_producer(p, x);
    if (p->uses[x] != 1) return NULL;
    return is_op(product, "MatMul") ? product : NULL;
}

/* ---- operands ---- */

static bool permutes(const struct ash_node *n, int perm[4]) {
    const struct ash_attr *a = is_op(n, "Transpose") ? ash_node_attr(n, "perm") : NULL;
    if (!a || a->type != ASH_ATTR_INTS || a->count != 4) return false;
    for (int i = 0; i < 4; i++) perm[i] = (int)a->v.ints[i];
    return true;
}

/* The last two dimensions of four change places in a detour over three: the value before it. */
static uint32_t turned_flat(const struct ash_pass *p, const struct ash_node *n) {
    if (!is_op(n, "Reshape") || !is_f32(p, n->out[0], 4)) return ASH_NONE;
    const struct ash_node *turn = ash_pass_producer(p, n->in[0]);
    const struct ash_attr *perm = is_op(turn, "Transpose") ? ash_node_attr(turn, "perm") : NULL;
    if (!perm || perm->type != ASH_ATTR_INTS || perm->count != 3 || perm->v.ints[0] != 0 ||
        perm->v.ints[1] != 2 || !is_f32(p, turn->in[0], 3))
        return ASH_NONE;
    const struct ash_node *flat = ash_pass_producer(p, turn->in[0]);
    if (!is_op(flat, "Reshape") || !is_f32(p, flat->in[0], 4)) return ASH_NONE;
    const struct ash_dim *x = type_of(p, flat->in[0])->dim, *y = type_of(p, n->out[0])->dim;
    const struct ash_dim *m = type_of(p, turn->in[0])->dim;
    bool fits = ash_dim_same(x[2], m[1]) && ash_dim_same(x[3], m[2]);
    for (int i = 0; i < 4; i++) fits = fits && ash_dim_same(y[i], x[i < 2 ? i : 5 - i]);
    return fits ? flat->in[0] : ASH_NONE;
}

/* What v is a permutation of, times *factor (NULL: no factors).  perm[i] is the dimension of the
 * value that is returned which is dimension i of v. */
static uint32_t source(const struct ash_pass *p, uint32_t v, double *factor, int perm[4]) {
    for (int i = 0; i < 4; i++) perm[i] = i;
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        const struct ash_node *n = ash_pass_producer(p, v);
        int own[4];
        uint32_t x = factor ? scaled(p, n, factor) : ASH_NONE;
        bool turned = x == ASH_NONE && permutes(n, own);
        if (turned) {
            x = n->in[0];
        } else if (x == ASH_NONE && (x = turned_flat(p, n)) != ASH_NONE) {
            memcpy(own, (const int[]){0, 1, 3, 2}, sizeof own);
            turned = true;
        }
        for (int i = 0; turned && i < 4; i++) perm[i] = own[perm[i]];
        if (x == ASH_NONE || !is_f32(p, x, 4)) return v;
        v = x;
    }
    return v;
}

/* perm is [0, first, second, 3] with heads and rows as they are or the other way round. */
static bool heads_and_rows(const int perm[4], bool *rows) {
    *rows = perm[1] == 2;
    return perm[0] == 0 && perm[3] == 3 && perm[1] + perm[2] == 3 && perm[1] > 0;
}

/* v as the operand that the kernel takes; where a permutation is in the way, from above it. */
static void take(const struct ash_pass *p, uint32_t v, double *factor, uint32_t *in, bool *rows) {
    double s = 1;
    int perm[4];
    uint32_t from = source(p, v, factor ? &s : NULL, perm);
    *in = v;
    *rows = false;
    if (!heads_and_rows(perm, rows)) {
        *rows = false;
        return;
    }
    *in = from;
    if (factor) *factor *= s;
}

/* The second operand of the first product is [B, H, D, T]: it has to be a permutation of keys. */
static bool take_keys(const struct ash_pass *p, uint32_t v, struct found *f) {
    double s = 1;
    int perm[4];
    uint32_t from = source(p, v, &s, perm);
    int keys[4] = {perm[0], perm[1], perm[3], perm[2]};
    if (!heads_and_rows(keys, &f->rows[1])) return false;
    f->in[1] = from;
    f->scale *= s;
    return true;
}

/* v is x with each head as often as queries share it: Reshape(Expand(Unsqueeze(x, 2))). */
static uint32_t unrepeated(const struct ash_pass *p, uint32_t v, int64_t *heads, int64_t *shared) {
    const struct ash_node *reshape = ash_pass_producer(p, v), *expand, *wide;
    if (!is_op(reshape, "Reshape") || !is_f32(p, v, 4)) return ASH_NONE;
    expand = ash_pass_producer(p, reshape->in[0]);
    if (!is_op(expand, "Expand") || !is_f32(p, reshape->in[0], 5)) return ASH_NONE;
    wide = ash_pass_producer(p, expand->in[0]);
    if (!is_op(wide, "Unsqueeze") || !is_f32(p, wide->in[0], 4)) return ASH_NONE;
    const struct ash_dim *y = type_of(p, v)->dim, *e = type_of(p, reshape->in[0])->dim;
    const struct ash_dim *w = type_of(p, expand->in[0])->dim, *x = type_of(p, wide->in[0])->dim;
    bool fits = ash_dim_is(w[2], 1) && e[2].kind == ASH_DIM_EXACT && x[1].kind == ASH_DIM_EXACT &&
                e[2].value > 0 && x[1].value > 0 && ash_dim_is(y[1], x[1].value * e[2].value);
    for (int i = 0; i < 4; i++) { /* dimension 2 is the new one, and the only one that grows */
        int k = i < 2 ? i : i + 1;
        fits = fits && ash_dim_same(x[i], w[k]) && ash_dim_same(x[i], e[k]) &&
               (i == 1 || ash_dim_same(x[i], y[i]));
    }
    if (!fits) return ASH_NONE;
    *heads = y[1].value;
    *shared = x[1].value;
    return wide->in[0];
}

/* Keys and values from before they are repeated, where both are. */
static void take_shared(const struct ash_pass *p, struct found *f) {
    int64_t heads[2] = {0}, shared[2] = {0};
    uint32_t v[2];
    if (f->rows[1] || f->rows[2]) return;
    for (int i = 0; i < 2; i++) v[i] = unrepeated(p, f->in[1 + i], &heads[i], &shared[i]);
    if (v[0] == ASH_NONE || v[1] == ASH_NONE || heads[0] != heads[1] || shared[0] != shared[1])
        return;
    const struct ash_type *q = type_of(p, f->in[0]);
    if (!ash_dim_is(q->dim[f->rows[0] ? 2 : 1], heads[0])) return;
    f->heads = heads[0];
    f->kv_heads = shared[0];
    for (int i = 0; i < 2; i++) take(p, v[i], i ? NULL : &f->scale, &f->in[1 + i], &f->rows[1 + i]);
}

/* ---- the pass ---- */

static int set_int(struct ash_pass *p, struct ash_node *n, const char *name, int64_t v) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_INT, .v.i = v};
    return ash_node_set_attr(p->graph, n, &a, p->err);
}

static int set_float(struct ash_pass *p, struct ash_node *n, const char *name, float v) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_FLOAT, .v.f = v};
    return ash_node_set_attr(p->graph, n, &a, p->err);
}

static int become(struct ash_pass *p, struct ash_node *n, const struct found *f) {
    static const char *const rows[] = {"q_rows", "k_rows", "v_rows"};
    static const char *const kinds[] = {"kind0", "kind1"}, *const fills[] = {"fill0", "fill1"};
    uint32_t n_in = 3 + (uint32_t)f->masks, *in = ash_arena_array(p->arena, n_in, sizeof *in);
    struct ash_node *next = ash_pass_single_use(p, n->out[0]);
    int perm[4];
    bool y_rows = false;
    if (!in) return ash_fail_nomem(p->err, n_in * sizeof *in);
    if (next && permutes(next, perm) && heads_and_rows(perm, &y_rows) && y_rows)
        ash_pass_take_over(p, n, next);
    else
        y_rows = false;
    n->in = in;
    n->n_in = n->n_formal = n_in;
    n->domain = ASH_INTERNAL;
    n->op_type = "Attention";
    n->opset = 1;
    n->raw = NULL;
    n->n_raw = 0;
    n->label = NULL;
    ASH_TRY(set_float(p, n, "scale", (float)f->scale));
    ASH_TRY(set_int(p, n, "y_rows", y_rows));
    if (f->quiet) ASH_TRY(set_int(p, n, "quiet", 1));
    if (f->heads) {
        ASH_TRY(set_int(p, n, "heads", f->heads));
        ASH_TRY(set_int(p, n, "kv_heads", f->kv_heads));
    }
    for (int i = 0; i < 3; i++) {
        in[i] = f->in[i];
        ASH_TRY(set_int(p, n, rows[i], f->rows[i]));
    }
    for (int i = 0; i < f->masks; i++) {
        const struct mask *m = &f->mask[f->masks - 1 - i];
        in[3 + i] = m->v;
        ASH_TRY(set_int(p, n, kinds[i], m->kind));
        ASH_TRY(set_float(p, n, fills[i], m->fill));
    }
    p->changed = true;
    return ash_node_resolve(p->graph, n, p->err);
}

static bool last_axis(const struct ash_node *n) {
    const struct ash_attr *a = ash_node_attr(n, "axis");
    int64_t axis = a && a->type == ASH_ATTR_INT ? a->v.i : n->opset < 13 ? 1 : -1;
    return axis == -1 || axis == 3;
}

/* The product that takes the probabilities y; on the way Where(IsNaN(y), 0, y) may stand. */
static struct ash_node *second_product(const struct ash_pass *p, uint32_t y, bool *quiet) {
    struct ash_node *n = ash_pass_single_use(p, y);
    double zero = 1;
    *quiet = p->uses[y] == 2;
    for (uint32_t i = 0; *quiet && i < p->graph->n_nodes; i++) {
        struct ash_node *where = p->graph->nodes[i];
        const struct ash_node *test =
            is_op(where, "Where") ? ash_pass_producer(p, where->in[0]) : NULL;
        if (!is_op(test, "IsNaN") || test->in[0] != y || where->in[2] != y) continue;
        if (p->uses[where->in[0]] != 1 || !scalar(p, where->in[1], &zero) || zero != 0) continue;
        y = where->out[0];
        n = ash_pass_single_use(p, y);
        break;
    }
    bool fits = is_op(n, "MatMul") && n->in[0] == y && is_f32(p, n->in[1], 4);
    return fits && (!*quiet || zero == 0) ? n : NULL;
}

static int visit(struct ash_pass *p, struct ash_node *softmax) {
    struct found f = {.scale = 1};
    if (!is_op(softmax, "Softmax") || !last_axis(softmax) || !is_f32(p, softmax->out[0], 4))
        return ASHORE_OK;
    struct ash_node *second = second_product(p, softmax->out[0], &f.quiet);
    if (!second) return ASHORE_OK;
    const struct ash_node *first = first_product(p, softmax->in[0], 0, &f);
    if (!first || !is_f32(p, first->in[0], 4) || !is_f32(p, first->in[1], 4)) return ASHORE_OK;
    if (!take_keys(p, first->in[1], &f)) return ASHORE_OK;
    take(p, first->in[0], &f.scale, &f.in[0], &f.rows[0]);
    take(p, second->in[1], NULL, &f.in[2], &f.rows[2]);
    take_shared(p, &f);
    if (!isfinite(f.scale) || !isfinite((float)f.scale)) return ASHORE_OK;
    return become(p, second, &f);
}

int ash_pass_attention(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) ASH_TRY(visit(p, p->graph->nodes[i]));
    return ASHORE_OK;
}
