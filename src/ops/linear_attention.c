/* LinearAttention, and CausalConvWithState, which often stands before it: recurrences over a
 * sequence whose state is carried from one call to the next.
 *
 * Letters: B batches, H heads of keys and values, Q heads of queries, T steps, D numbers of a key,
 * E of a value; C channels, L places, K taps. */
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

enum { IN_QUERY, IN_KEY, IN_VALUE, IN_STATE, IN_DECAY, IN_BETA };

struct linear_attrs {
    int64_t q_heads, kv_heads;
    float scale; /* 0: 1 / sqrt(D) */
    bool gated, delta;
};

static int linear_parse(const struct ash_parse *c, void *attrs) {
    static const char *const rules[] = {"linear", "gated", "delta", "gated_delta", NULL};
    struct linear_attrs *a = attrs;
    int rule;
    ASH_TRY(ash_parse_int_required(c, "q_num_heads", &a->q_heads));
    ASH_TRY(ash_parse_int_required(c, "kv_num_heads", &a->kv_heads));
    ASH_TRY(ash_parse_float(c, "scale", 0, &a->scale));
    ASH_TRY(ash_parse_choice(c, "update_rule", rules, 3, &rule));
    a->gated = rule & 1;
    a->delta = rule >= 2;
    ASH_FAIL_IF(a->q_heads < 1 || a->kv_heads < 1 || a->q_heads % a->kv_heads, c->err, ATTR,
                "%lld heads of queries cannot share %lld of keys", (long long)a->q_heads,
                (long long)a->kv_heads);
    for (int i = IN_DECAY; i <= IN_BETA; i++) {
        bool needed = i == IN_DECAY ? a->gated : a->delta;
        bool given = (uint32_t)i < c->node->n_formal && c->node->in[i] != ASH_NONE;
        ASH_FAIL_IF(given != needed, c->err, FORMAT, "the rule %s input %d",
                    needed ? "needs" : "has no", i);
    }
    return ASHORE_OK;
}

static int linear_infer(struct ash_infer *c) {
    const struct linear_attrs *a = c->attrs;
    struct ash_dim width[3], heads[2] = {ash_dim_exact(a->q_heads), ash_dim_exact(a->kv_heads)};
    const struct ash_type *q = &c->in[0]->type;
    int dtype, state, other;
    ASH_TRY(ash_infer_types(c, 0, 3, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, IN_STATE, IN_DECAY, ASH_TAKES_FLOAT, &state));
    ASH_TRY(ash_infer_types(c, IN_DECAY, IN_BETA + 1, ASH_TAKES_FLOAT, &other));
    if (!ash_infer_has(c, IN_STATE)) state = dtype;
    ash_infer_set(c, 0, dtype, -1, NULL);
    if (c->n_out > 1) ash_infer_set(c, 1, state, -1, NULL);
    for (int i = 0; i < 3; i++) {
        const struct ash_type *t = &c->in[i]->type;
        ASH_FAIL_IF(t->rank >= 0 && t->rank != 3, c->err, SHAPE, "input %d has rank %d, expected 3",
                    i, t->rank);
        width[i] = t->rank == 3 ? t->dim[2] : ash_dim_unknown();
        width[i] = ash_infer_dim(c, ASH_DIM_FLOORDIV, width[i], heads[i > 0]);
    }
    if (q->rank < 0) return ASHORE_OK;
    struct ash_dim out = ash_infer_dim(c, ASH_DIM_MUL, width[2], heads[0]);
    ash_infer_set(c, 0, dtype, 3, (struct ash_dim[]){q->dim[0], q->dim[1], out});
    if (c->n_out > 1)
        ash_infer_set(c, 1, state, 4, (struct ash_dim[]){q->dim[0], heads[1], width[0], width[2]});
    return ASHORE_OK;
}

struct linear {
    const struct linear_attrs *a;
    const struct ash_tensor *in[6];
    int64_t B, T, H, Q, D, E, decays, betas; /* of a step */
    double scale, *state, *k, *v;            /* state: [D][E] */
};

static int linear_sizes(const struct ash_run *c, struct linear *s) {
    const struct linear_attrs *a = s->a = c->attrs;
    for (int i = 0; i < c->n_in && i < 6; i++) s->in[i] = c->in[i];
    const struct ash_tensor *q = s->in[0], *k = s->in[1], *v = s->in[2];
    s->H = a->kv_heads;
    s->Q = a->q_heads;
    ASH_FAIL_IF(q->rank != 3 || k->rank != 3 || v->rank != 3, c->err, SHAPE, "expected rank 3");
    s->B = q->dim[0];
    s->T = q->dim[1];
    s->D = q->dim[2] / s->Q;
    s->E = v->dim[2] / s->H;
    bool fits = s->D * s->Q == q->dim[2] && s->D * s->H == k->dim[2] && s->E * s->H == v->dim[2];
    for (int i = 0; i < 6; i++) {
        const struct ash_tensor *t = i == IN_STATE ? NULL : s->in[i];
        if (t && (t->rank != 3 || t->dim[0] != s->B || t->dim[1] != s->T)) fits = false;
    }
    if (s->in[IN_DECAY]) s->decays = s->in[IN_DECAY]->dim[2];
    if (s->in[IN_BETA]) s->betas = s->in[IN_BETA]->dim[2];
    const struct ash_tensor *state = s->in[IN_STATE];
    if (state && (state->rank != 4 || state->dim[0] != s->B || state->dim[1] != s->H ||
                  state->dim[2] != s->D || state->dim[3] != s->E))
        fits = false;
    if (s->decays && s->decays != s->H && s->decays != s->H * s->D) fits = false;
    if (s->betas && s->betas != s->H && s->betas != 1) fits = false;
    ASH_FAIL_IF(!fits, c->err, SHAPE, "the inputs do not fit %lld and %lld heads", (long long)s->Q,
                (long long)s->H);
    s->scale = a->scale != 0.0f ? (double)a->scale : 1 / sqrt((double)s->D);
    return ASHORE_OK;
}

static void load(const struct ash_tensor *t, int64_t at, int64_t n, double *to) {
    ash_load_f64(t->dtype, ash_at(t, at), (size_t)n, to);
}

/* One step of one head: decay, correction, update. */
static void linear_step(const struct linear *s, int64_t b, int64_t h, int64_t t) {
    int64_t step = b * s->T + t;
    double *state = s->state, beta = 1;
    load(s->in[IN_KEY], (step * s->H + h) * s->D, s->D, s->k);
    load(s->in[IN_VALUE], (step * s->H + h) * s->E, s->E, s->v);
    if (s->a->delta) beta = ash_get_f64(s->in[IN_BETA], step * s->betas + (s->betas == 1 ? 0 : h));
    for (int64_t d = 0; s->a->gated && d < s->D; d++) {
        int64_t at = s->decays == s->H ? h : h * s->D + d;
        double factor = exp(ash_get_f64(s->in[IN_DECAY], step * s->decays + at));
        for (int64_t e = 0; e < s->E; e++) state[d * s->E + e] *= factor;
    }
    for (int64_t e = 0; s->a->delta && e < s->E; e++) {
        double known = 0;
        for (int64_t d = 0; d < s->D; d++) known += state[d * s->E + e] * s->k[d];
        s->v[e] = beta * (s->v[e] - known);
    }
    for (int64_t d = 0; d < s->D; d++) {
        for (int64_t e = 0; e < s->E; e++) state[d * s->E + e] += s->k[d] * s->v[e];
    }
}

/* What the queries that share head h read from its state. */
static void linear_read(const struct linear *s, struct ash_tensor *y, int64_t b, int64_t h,
                        int64_t t) {
    int64_t group = s->Q / s->H, step = b * s->T + t;
    for (int64_t q = h * group; q < (h + 1) * group; q++) {
        load(s->in[IN_QUERY], (step * s->Q + q) * s->D, s->D, s->k);
        for (int64_t e = 0; e < s->E; e++) {
            double sum = 0;
            for (int64_t d = 0; d < s->D; d++) sum += s->k[d] * s->state[d * s->E + e];
            s->v[e] = sum * s->scale;
        }
        ash_store_f64(y->dtype, s->v, (size_t)s->E, ash_at(y, (step * s->Q + q) * s->E));
    }
}

static int linear_ref(struct ash_run *c) {
    struct linear s = {.scale = 0};
    ASH_TRY(linear_sizes(c, &s));
    size_t cells = ash_size_mul((size_t)s.D, (size_t)s.E);
    size_t n = ash_size_add(cells, ash_size_add((size_t)s.D, (size_t)s.E) + 1);
    size_t bytes = ash_size_mul(n, sizeof(double));
    double *memory = ash_alloc(c->heap, bytes);
    if (!memory) return ash_fail_nomem(c->err, bytes);
    s.state = memory;
    s.k = memory + cells;
    s.v = s.k + s.D;
    for (int64_t g = 0; g < s.B * s.H; g++) {
        int64_t at = g * s.D * s.E;
        memset(s.state, 0, cells * sizeof(double));
        if (s.in[IN_STATE]) load(s.in[IN_STATE], at, s.D * s.E, s.state);
        for (int64_t t = 0; t < s.T; t++) {
            linear_step(&s, g / s.H, g % s.H, t);
            if (c->out[0]) linear_read(&s, c->out[0], g / s.H, g % s.H, t);
        }
        if (c->n_out > 1 && c->out[1])
            ash_store_f64(c->out[1]->dtype, s.state, cells, ash_at(c->out[1], at));
    }
    ash_free(c->heap, memory, bytes);
    return ASHORE_OK;
}

/* ---- CausalConvWithState ---- */

enum { CONV_X, CONV_W, CONV_BIAS, CONV_PAST };

struct conv_attrs {
    bool silu;
};

static int conv_parse(const struct ash_parse *c, void *attrs) {
    static const char *const names[] = {"none", "silu", "swish", NULL};
    int activation;
    ASH_TRY(ash_parse_choice(c, "activation", names, 0, &activation));
    ((struct conv_attrs *)attrs)->silu = activation > 0;
    return ASHORE_OK;
}

static int conv_infer(struct ash_infer *c) {
    const struct ash_type *x = &c->in[0]->type, *w = &c->in[1]->type;
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 4, ASH_TAKES_FLOAT, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    if (c->n_out > 1) ash_infer_set(c, 1, dtype, -1, NULL);
    for (int i = 0; i < 2; i++)
        ASH_FAIL_IF(c->in[i]->type.rank >= 0 && c->in[i]->type.rank != 3, c->err, SHAPE,
                    "input %d has rank %d, expected 3", i, c->in[i]->type.rank);
    if (x->rank < 0 || w->rank < 0 || c->n_out < 2) return ASHORE_OK;
    ASH_FAIL_IF(ash_dim_is(w->dim[2], 0), c->err, SHAPE, "the weights have no taps");
    struct ash_dim past = ash_infer_dim(c, ASH_DIM_SUB, w->dim[2], ash_dim_exact(1));
    ash_infer_set(c, 1, dtype, 3, (struct ash_dim[]){x->dim[0], x->dim[1], past});
    return ASHORE_OK;
}

struct conv {
    const struct ash_tensor *x, *w, *bias, *past;
    int64_t L, K;
};

/* Element i of channel row r, the K - 1 before the first included; i may be negative. */
static double conv_at(const struct conv *s, int64_t r, int64_t i) {
    if (i >= 0) return ash_get_f64(s->x, r * s->L + i);
    return s->past ? ash_get_f64(s->past, r * (s->K - 1) + s->K - 1 + i) : 0;
}

static void conv_row(const struct ash_run *c, const struct conv *s, int64_t r, int64_t channel) {
    const struct conv_attrs *a = c->attrs;
    double tile[ASH_TILE], shift = s->bias ? ash_get_f64(s->bias, channel) : 0;
    size_t n;
    for (int64_t at = 0; c->out[0] && (n = ash_tile_size(s->L, at)); at += (int64_t)n) {
        for (size_t i = 0; i < n; i++) {
            double sum = shift;
            for (int64_t k = 0; k < s->K; k++)
                sum += conv_at(s, r, at + (int64_t)i + k - (s->K - 1)) *
                       ash_get_f64(s->w, channel * s->K + k);
            tile[i] = ash_round_half(s->x->dtype, sum);
            if (a->silu) tile[i] /= 1 + exp(-tile[i]);
        }
        ash_store_f64(c->out[0]->dtype, tile, n, ash_at(c->out[0], r * s->L + at));
    }
    for (int64_t k = 0; c->n_out > 1 && c->out[1] && k < s->K - 1; k++) {
        double v = conv_at(s, r, s->L - (s->K - 1) + k);
        ash_store_f64(c->out[1]->dtype, &v, 1, ash_at(c->out[1], r * (s->K - 1) + k));
    }
}

static int conv_ref(struct ash_run *c) {
    struct conv s = {.x = c->in[CONV_X], .w = c->in[CONV_W]};
    if (ash_run_has(c, CONV_BIAS)) s.bias = c->in[CONV_BIAS];
    if (ash_run_has(c, CONV_PAST)) s.past = c->in[CONV_PAST];
    bool fits = s.x->rank == 3 && s.w->rank == 3 && s.w->dim[0] == s.x->dim[1] &&
                s.w->dim[1] == 1 && s.w->dim[2] > 0;
    ASH_FAIL_IF(!fits, c->err, SHAPE, "the weights do not fit the channels");
    int64_t C = s.x->dim[1];
    s.L = s.x->dim[2];
    s.K = s.w->dim[2];
    fits = !s.past || (s.past->rank == 3 && s.past->dim[0] == s.x->dim[0] && s.past->dim[1] == C &&
                       s.past->dim[2] == s.K - 1);
    ASH_FAIL_IF(!fits, c->err, SHAPE, "the past does not fit");
    ASH_FAIL_IF(s.bias && ash_tensor_count(s.bias) != C, c->err, SHAPE, "the bias does not fit");
    for (int64_t r = 0; r < s.x->dim[0] * C; r++) conv_row(c, &s, r, r % C);
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_linear_attention[];
const struct ash_op ash_ops_linear_attention[] = {
    {.name = "LinearAttention",
     .domain = "",
     .since = 27,
     .in_min = 3,
     .in_max = 6,
     .out_min = 1,
     .out_max = 2,
     .attrs_size = sizeof(struct linear_attrs),
     .parse = linear_parse,
     .infer = linear_infer,
     .ref = linear_ref},
    {.name = "CausalConvWithState",
     .domain = "",
     .since = 27,
     .in_min = 2,
     .in_max = 4,
     .out_min = 1,
     .out_max = 2,
     .attrs_size = sizeof(struct conv_attrs),
     .parse = conv_parse,
     .infer = conv_infer,
     .ref = conv_ref},
    {0},
};
