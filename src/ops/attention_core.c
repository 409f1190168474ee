#include "ops/attention_core.h"

#include "kernels/attention/attention.h"
#include "ops/convert.h"

#include <math.h>
#include <string.h>

struct ash_attn_side ash_attn_side(const struct ash_tensor *t, bool swapped, int64_t heads,
                                   int64_t rows, int64_t n) {
    struct ash_attn_side s = {.t = t, .batch = heads * rows * n, .head = rows * n, .row = n};
    if (swapped) {
        s.head = n;
        s.row = heads * n;
    }
    return s;
}

int ash_attn_broadcast(const struct ash_attn *a, const struct ash_tensor *t, bool shorter,
                       struct ash_attn_mask *m, struct ashore_error *err) {
    const int64_t full[4] = {a->B, a->H, a->S, a->T};
    ASH_FAIL_IF(t->rank < 1 || t->rank > 4, err, SHAPE, "the mask has rank %d, expected 1 to 4",
                t->rank);
    m->t = t;
    m->keys = a->T;
    ash_broadcast_strides(t->rank, t->dim, 4, m->step);
    for (int i = 0; i < t->rank; i++) {
        int to = 4 - t->rank + i;
        int64_t d = t->dim[i];
        bool fits = d == 1 || d == full[to];
        if (shorter && to == 3 && d < a->T) {
            m->keys = d;
            m->step[3] = 1;
            fits = true;
        }
        ASH_FAIL_IF(!fits, err, SHAPE, "extent %lld of the mask cannot be broadcast to %lld",
                    (long long)d, (long long)full[to]);
    }
    return ASHORE_OK;
}

static int64_t length_of(const struct ash_attn *a, int64_t b) {
    return a->lengths ? ash_get_i64(a->lengths, b) + a->more : a->T;
}

static int64_t position_of(const struct ash_attn *a, int64_t b) {
    int64_t at = a->position == ASH_ATTN_PAST ? a->P : length_of(a, b) - a->S;
    return a->position == ASH_ATTN_TAIL && at < 0 ? 0 : at;
}

int ash_attn_check(const struct ash_attn *a, struct ashore_error *err) {
    for (int64_t b = 0; a->lengths && a->lengths->data && b < a->B; b++) {
        int64_t n = length_of(a, b);
        ASH_FAIL_IF(n < 0 || n > a->T, err, INDEX, "batch %lld has %lld keys, there are %lld",
                    (long long)b, (long long)n, (long long)a->T);
    }
    return ASHORE_OK;
}

static int64_t side_at(const struct ash_attn_side *s, int64_t b, int64_t h, int64_t i) {
    return s->at + b * s->batch + h * s->head + i * s->row;
}

/* What a mask adds to a score. */
static float mask_at(const struct ash_attn_mask *m, int64_t b, int64_t h, int64_t i, int64_t j) {
    if (j >= m->keys) return -INFINITY;
    if (m->kind == ASH_ATTN_UNTIL) {
        bool keep =
            j < ash_get_i64(m->t, b) && (!m->second || j >= ash_get_i64(m->t, m->second + b));
        return keep ? 0.0f : m->fill;
    }
    double v = ash_get_f64(m->t, b * m->step[0] + h * m->step[1] + i * m->step[2] + j * m->step[3]);
    if (m->kind == ASH_ATTN_ADD) return (float)v;
    return (m->kind == ASH_ATTN_KEEP ? v > 0 : v == 0) ? 0.0f : m->fill;
}

/* ---- reference ----
 *
 * In double; for types of 16 bits every step of the operator's definition is rounded, as it is
 * where the definition is run node by node. */

struct work {
    double *q, *row, *s, *y;
    int round, precision;
};

static void load_row(const struct ash_attn_side *s, int64_t b, int64_t h, int64_t i, int64_t n,
                     double *to) {
    ash_load_f64(s->t->dtype, ash_at(s->t, side_at(s, b, h, i)), (size_t)n, to);
}

static void load_past(const struct ash_attn *a, const struct ash_attn_side *past,
                      const struct ash_attn_side *now, int64_t b, int64_t h, int64_t j, int64_t n,
                      double *to) {
    if (j < a->P)
        load_row(past, b, h, j, n, to);
    else
        load_row(now, b, h, j - a->P, n, to);
}

static void scale_row(const struct ash_attn *a, int round, int64_t n, double *row) {
    if (a->side_scale == 0) return;
    for (int64_t d = 0; d < n; d++) row[d] = ash_round_half(round, row[d] * a->side_scale);
}

static void put_qk(const struct ash_attn *a, int mode, int64_t row, int64_t j, double x) {
    if (a->qk && a->qk_mode == mode)
        ash_store_f64(a->qk->dtype, &x, 1, ash_at(a->qk, row * a->T + j));
}

/* The score of key j with what the masks say, -INFINITY where it is not seen. */
static double score(const struct ash_attn *a, const struct work *w, int64_t b, int64_t h, int64_t i,
                    int64_t j) {
    int64_t at = position_of(a, b) + i, row = (b * a->H + h) * a->S + i;
    double x = 0;
    load_past(a, &a->past_k, &a->k, b, h / a->G, j, a->D, w->row);
    scale_row(a, w->round, a->D, w->row);
    for (int64_t d = 0; d < a->D; d++) x += w->q[d] * w->row[d];
    x = ash_round_half(w->round, x * a->scale);
    put_qk(a, 0, row, j, x);
    if (a->cap > 0) {
        x = ash_round_half(w->round, tanh(ash_round_half(w->round, x / a->cap)));
        x = ash_round_half(w->round, x * a->cap);
    }
    put_qk(a, 1, row, j, x);
    for (int k = 0; k < ASH_ATTN_MASKS; k++) {
        const struct ash_attn_mask *m = &a->mask[k];
        if (!m->t) continue;
        float add = mask_at(m, b, h, i, j);
        x = add <= m->floor ? (double)add : ash_round_half(w->round, x + (double)add);
    }
    bool seen = j < length_of(a, b) && (a->right < 0 || j <= at + a->right) &&
                (a->left < 0 || j >= at - a->left);
    if (!seen) x = -(double)INFINITY;
    put_qk(a, 2, row, j, x);
    return ash_round_half(w->precision, x);
}

/* Scores become probabilities. */
static void softmax_row(const struct ash_attn *a, const struct work *w, int64_t b, int64_t h,
                        int64_t i) {
    double sink = a->sink ? ash_get_f64(a->sink, h) : a->smooth ? 0 : -(double)INFINITY;
    double most = sink, sum = 0, *s = w->s;
    int p = w->precision;
    for (int64_t j = 0; j < a->T; j++) {
        s[j] = score(a, w, b, h, i, j);
        if (s[j] > most) most = s[j];
    }
    bool none = most == -(double)INFINITY && a->zero;
    for (int64_t j = 0; j < a->T; j++) {
        s[j] = none ? 0 : ash_round_half(p, exp(ash_round_half(p, s[j] - most)));
        sum = ash_sum_half(p, sum, s[j], a->T);
    }
    if (a->sink || a->smooth) sum += exp(sink - most);
    sum = ash_round_half(p, sum);
    none = none || (a->quiet && isnan(sum));
    for (int64_t j = 0; j < a->T; j++) {
        s[j] = none ? 0 : ash_round_half(w->round, ash_round_half(p, s[j] / sum));
        put_qk(a, 3, (b * a->H + h) * a->S + i, j, s[j]);
    }
}

static void reference_row(const struct ash_attn *a, const struct work *w, int64_t b, int64_t h,
                          int64_t i) {
    load_row(&a->q, b, h, i, a->D, w->q);
    scale_row(a, w->round, a->D, w->q);
    softmax_row(a, w, b, h, i);
    for (int64_t e = 0; e < a->E; e++) w->y[e] = 0;
    for (int64_t j = 0; j < a->T; j++) {
        load_past(a, &a->past_v, &a->v, b, h / a->G, j, a->E, w->row);
        for (int64_t e = 0; e < a->E; e++) w->y[e] += w->s[j] * w->row[e];
    }
    if (a->y.t)
        ash_store_f64(a->y.t->dtype, w->y, (size_t)a->E, ash_at(a->y.t, side_at(&a->y, b, h, i)));
}

/* The past and what is new, one after the other, to dst. */
static void join(const struct ash_attn *a, const struct ash_attn_side *past,
                 const struct ash_attn_side *now, int64_t n, void *dst) {
    size_t row = (size_t)n * ash_dtype_size(now->t->dtype);
    char *to = dst;
    for (int64_t b = 0; b < a->B; b++) {
        for (int64_t h = 0; h < a->H / a->G; h++) {
            if (a->P) memcpy(to, ash_at(past->t, side_at(past, b, h, 0)), (size_t)a->P * row);
            to += (size_t)a->P * row;
            for (int64_t j = 0; j < a->T - a->P; j++, to += row)
                memcpy(to, ash_at(now->t, side_at(now, b, h, j)), row);
        }
    }
}

static void join_present(const struct ash_attn *a) {
    if (a->present_k) join(a, &a->past_k, &a->k, a->D, a->present_k->data);
    if (a->present_v) join(a, &a->past_v, &a->v, a->E, a->present_v->data);
}

int ash_attn_reference(const struct ash_attn *a, struct ash_heap *heap, struct ashore_error *err) {
    size_t D = (size_t)a->D, E = (size_t)a->E, wide = D > E ? D : E;
    size_t n = ash_size_add(ash_size_add(D, E), ash_size_add(wide, (size_t)a->T));
    size_t bytes = ash_size_mul(ash_size_add(n, 1), sizeof(double));
    int type = a->q.t->dtype;
    ASH_TRY(ash_attn_check(a, err));
    join_present(a);
    double *memory = ash_alloc(heap, bytes);
    if (!memory) return ash_fail_nomem(err, bytes);
    struct work w = {.q = memory,
                     .row = memory + D,
                     .s = memory + D + wide,
                     .y = memory + D + wide + (size_t)a->T,
                     .round = ash_dtype_size(type) == 2 ? type : ASHORE_FLOAT64,
                     .precision = a->precision ? a->precision : type};
    for (int64_t r = 0; r < a->B * a->H * a->S; r++)
        reference_row(a, &w, r / (a->H * a->S), r / a->S % a->H, r % a->S);
    ash_free(heap, memory, bytes);
    return ASHORE_OK;
}

/* ---- the kernel ---- */

/* A mask as floats: what of it is shared is written once. */
struct expansion {
    bool needed;
    size_t dim[3], step[3]; /* batches, heads, queries that differ, and their steps; 0: shared */
    size_t floats;
};

static struct expansion expansion_of(const struct ash_attn *a, const struct ash_attn_mask *m) {
    const int64_t full[3] = {a->B, a->H, a->S};
    struct expansion x = {.floats = (size_t)a->T};
    x.needed = m->kind != ASH_ATTN_ADD || m->t->dtype != ASHORE_FLOAT32 || m->keys != a->T ||
               m->step[3] != 1;
    for (int i = 3; i-- > 0;) {
        bool own = m->step[i] != 0;
        x.dim[i] = own ? (size_t)full[i] : 1;
        x.step[i] = own ? x.floats : 0;
        x.floats = ash_size_mul(x.floats, x.dim[i]);
        if (!x.needed) x.step[i] = (size_t)m->step[i];
    }
    return x;
}

static void expand(const struct ash_attn *a, const struct ash_attn_mask *m,
                   const struct expansion *x, float *to) {
    for (size_t r = 0; r < x->dim[0] * x->dim[1] * x->dim[2]; r++) {
        int64_t b = (int64_t)(r / (x->dim[1] * x->dim[2]));
        int64_t h = (int64_t)(r / x->dim[2] % x->dim[1]), i = (int64_t)(r % x->dim[2]);
        for (int64_t j = 0; j < a->T; j++) *to++ = mask_at(m, b, h, i, j);
    }
}

static bool is_f32(const struct ash_tensor *t) { return !t || t->dtype == ASHORE_FLOAT32; }

bool ash_attn_fits(const struct ash_attn *a) {
    return a->y.t && is_f32(a->q.t) && is_f32(a->k.t) && is_f32(a->v.t) && is_f32(a->past_k.t) &&
           is_f32(a->past_v.t) && is_f32(a->y.t) && is_f32(a->sink) && !a->qk && a->D > 0 &&
           (!a->precision || a->precision == ASHORE_FLOAT32);
}

const char *ash_attn_kernel(void) { return ash_attention_best()->name; }

/* Where things lie in the scratch. */
struct layout {
    size_t length, position, sink, k, v, mask[ASH_ATTN_MASKS], rest, end;
};

static struct ash_attention shape_of(const struct ash_attn *a) {
    return (struct ash_attention){.B = (size_t)a->B,
                                  .H = (size_t)a->H,
                                  .G = (size_t)a->G,
                                  .S = (size_t)a->S,
                                  .T = (size_t)a->T,
                                  .D = (size_t)a->D,
                                  .E = (size_t)a->E};
}

static size_t reserve(size_t *at, size_t n, size_t each) {
    size_t here = *at;
    *at = ash_size_add(here, ash_align_up(ash_size_mul(n, each)));
    return here;
}

static void lay_out(const struct ash_attn *a, size_t threads, struct layout *l) {
    struct ash_attention shape = shape_of(a);
    size_t at = 0, keys = ash_size_mul((size_t)(a->B * (a->H / a->G)), (size_t)a->T);
    bool joined = a->P > 0;
    l->length = reserve(&at, a->lengths ? (size_t)a->B : 0, sizeof(int64_t));
    l->position = reserve(&at, (size_t)a->B, sizeof(int64_t));
    l->sink = reserve(&at, a->smooth ? (size_t)a->H : 0, sizeof(float));
    l->k = reserve(&at, joined && !a->present_k ? keys : 0, (size_t)a->D * sizeof(float));
    l->v = reserve(&at, joined && !a->present_v ? keys : 0, (size_t)a->E * sizeof(float));
    for (int k = 0; k < ASH_ATTN_MASKS; k++) {
        struct expansion x = {0};
        if (a->mask[k].t) x = expansion_of(a, &a->mask[k]);
        l->mask[k] = reserve(&at, x.needed ? x.floats : 0, sizeof(float));
    }
    l->rest = at;
    l->end = ash_size_add(at, ash_attention_scratch(ash_gemm_best(), &shape, threads));
}

size_t ash_attn_scratch(const struct ash_attn *a, size_t threads) {
    struct layout l;
    lay_out(a, threads, &l);
    return l.end;
}

static struct ash_attention_view view_of(const struct ash_attn_side *s) {
    return (struct ash_attention_view){(const float *)s->t->data + s->at, (size_t)s->batch,
                                       (size_t)s->head, (size_t)s->row};
}

static void set_masks(const struct ash_attn *a, char *scratch, const struct layout *l,
                      struct ash_attention *to) {
    for (int k = 0; k < ASH_ATTN_MASKS; k++) {
        const struct ash_attn_mask *m = &a->mask[k];
        if (!m->t) continue;
        struct expansion x = expansion_of(a, m);
        float *own = (float *)(void *)(scratch + l->mask[k]);
        if (x.needed) expand(a, m, &x, own);
        to->bias[k] = (struct ash_attention_view){x.needed ? own : m->t->data, x.step[0], x.step[1],
                                                  x.step[2]};
        to->floor[k] = m->floor;
    }
}

/* Keys and values: where they are, or joined with the past. */
static void set_keys(const struct ash_attn *a, char *scratch, const struct layout *l,
                     struct ash_attention *to) {
    size_t T = (size_t)a->T, heads = (size_t)(a->H / a->G);
    join_present(a);
    to->k = view_of(&a->k);
    to->v = view_of(&a->v);
    if (!a->P) return;
    void *k = a->present_k ? a->present_k->data : scratch + l->k;
    void *v = a->present_v ? a->present_v->data : scratch + l->v;
    if (!a->present_k) join(a, &a->past_k, &a->k, a->D, k);
    if (!a->present_v) join(a, &a->past_v, &a->v, a->E, v);
    to->k = (struct ash_attention_view){k, heads * T * to->D, T * to->D, to->D};
    to->v = (struct ash_attention_view){v, heads * T * to->E, T * to->E, to->E};
}

void ash_attn_run(const struct ash_attn *a, void *scratch, struct ash_pool *pool) {
    struct ash_attention to = shape_of(a);
    struct layout l;
    char *memory = scratch;
    lay_out(a, 1, &l);
    int64_t *length = (int64_t *)(void *)(memory + l.length);
    int64_t *position = (int64_t *)(void *)(memory + l.position);
    float *sink = (float *)(void *)(memory + l.sink);
    for (int64_t b = 0; b < a->B; b++) {
        if (a->lengths) length[b] = length_of(a, b);
        position[b] = position_of(a, b);
    }
    for (int64_t h = 0; a->smooth && h < a->H; h++) sink[h] = 0.0f;
    to.q = view_of(&a->q);
    to.y = (float *)a->y.t->data + a->y.at;
    to.y_batch = (size_t)a->y.batch;
    to.y_head = (size_t)a->y.head;
    to.y_row = (size_t)a->y.row;
    to.scale = (float)(a->side_scale == 0 ? a->scale : a->scale * a->side_scale * a->side_scale);
    to.cap = (float)a->cap;
    to.length = a->lengths ? length : NULL;
    to.position = position;
    to.left = a->left;
    to.right = a->right;
    to.sink = a->sink ? a->sink->data : a->smooth ? sink : NULL;
    to.zero = a->zero;
    to.quiet = a->quiet;
    set_masks(a, memory, &l, &to);
    set_keys(a, memory, &l, &to);
    ash_attention_f32(ash_attention_best(), ash_gemm_best(), &to, memory + l.rest, pool);
}

void ash_attn_types(const struct ash_lower *c, struct ash_attn_types *t) {
    *t = (struct ash_attn_types){0};
    for (int k = 0; k < c->n_in + c->n_out; k++) {
        bool input = k < c->n_in;
        int i = input ? k : k - c->n_in;
        const struct ash_type *type = input ? (c->in[i] ? &c->in[i]->type : NULL)
                                      : c->node->out[i] != ASH_NONE ? &c->out[i].type
                                                                    : NULL;
        if (!type) continue;
        struct ash_tensor *to = input ? &t->in[i] : &t->out[i];
        to->dtype = type->dtype;
        to->rank = type->rank;
        for (int d = 0; d < type->rank; d++) to->dim[d] = type->dim[d].value;
        if (input)
            t->in_ptr[i] = to;
        else
            t->out_ptr[i] = to;
    }
}
