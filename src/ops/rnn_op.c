/* LSTM, GRU and RNN; and LSTM of the internal domain, whose recurrent weights are bytes, with
 * scales and zero points as the ninth and tenth input: [D], or [D][4 H].
 *
 * Letters: T steps, B sequences in the batch, D directions, I inputs, H hidden units, G gates of H
 * units each: i o f c (LSTM), z r h (GRU) or one (RNN). */
#include "kernels/gemm/gemm.h"
#include "kernels/rnn/rnn.h"
#include "kernels/rnnq/rnnq.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

ASH_MAKES("LSTM DequantizeLinear Unsqueeze", "ashore:LSTM");

/* As enum ash_rnn; each has one function more than the one before. */
enum cell { CELL_RNN, CELL_GRU, CELL_LSTM };

enum activation {
    ACTIVATION_AFFINE,
    ACTIVATION_ELU,
    ACTIVATION_HARDSIGMOID,
    ACTIVATION_LEAKYRELU,
    ACTIVATION_RELU,
    ACTIVATION_SCALEDTANH,
    ACTIVATION_SIGMOID,
    ACTIVATION_SOFTPLUS,
    ACTIVATION_SOFTSIGN,
    ACTIVATION_TANH,
    ACTIVATION_THRESHOLDEDRELU
};

static const struct activation_row {
    const char *name; /* lower case */
    bool alpha, beta; /* has them */
    float alpha_default, beta_default;
} activation_rows[] = {
    [ACTIVATION_AFFINE] = {"affine", true, true, 1.0f, 0},
    [ACTIVATION_ELU] = {"elu", true, false, 1.0f, 0},
    [ACTIVATION_HARDSIGMOID] = {"hardsigmoid", true, true, 0.2f, 0.5f},
    [ACTIVATION_LEAKYRELU] = {"leakyrelu", true, false, 0.01f, 0},
    [ACTIVATION_RELU] = {"relu", false, false, 0, 0},
    [ACTIVATION_SCALEDTANH] = {"scaledtanh", true, true, 1.0f, 1.0f},
    [ACTIVATION_SIGMOID] = {"sigmoid", false, false, 0, 0},
    [ACTIVATION_SOFTPLUS] = {"softplus", false, false, 0, 0},
    [ACTIVATION_SOFTSIGN] = {"softsign", false, false, 0, 0},
    [ACTIVATION_TANH] = {"tanh", false, false, 0, 0},
    [ACTIVATION_THRESHOLDEDRELU] = {"thresholdedrelu", true, false, 1.0f, 0},
};

struct rnn_act {
    enum activation kind;
    float alpha, beta;
};

enum { ACTS_MAX = 3 };

struct rnn_attrs {
    enum cell cell;
    int gates, directions;
    bool reverse; /* the first direction */
    bool batch_first, input_forget, linear_before_reset;
    float clip;                      /* infinity: none */
    int64_t units;                   /* hidden_size, 0: not given */
    struct rnn_act act[2][ACTS_MAX]; /* by direction: f g h */
};

/* ---- attributes ---- */

static int find_activation(const struct ash_text *text, const struct ash_parse *c, int *kind) {
    enum { N = sizeof activation_rows / sizeof activation_rows[0] };

    for (int i = 0; i < N; i++) {
        const char *name = activation_rows[i].name;
        size_t k = 0;

        while (k < text->length && (text->data[k] | 32) == name[k] && name[k]) k++;
        if (k == text->length && !name[k]) {
            *kind = i;
            return ASHORE_OK;
        }
    }
    return ash_fail(c->err, ASHORE_ERR_ATTR, "activation '%s' is not known", text->data);
}

/* Lists of alpha and beta hold a value for each function, in order, that has one. */
static int parse_activations(const struct ash_parse *c, struct rnn_attrs *a, int acts) {
    static const int defaults[3][ACTS_MAX] = {
        [CELL_LSTM] = {ACTIVATION_SIGMOID, ACTIVATION_TANH, ACTIVATION_TANH},
        [CELL_GRU] = {ACTIVATION_SIGMOID, ACTIVATION_TANH, 0},
        [CELL_RNN] = {ACTIVATION_TANH, 0, 0}};
    const struct ash_text *names;
    const float *alpha, *beta;
    size_t n, n_alpha, n_beta, ai = 0, bi = 0;

    ASH_TRY(ash_parse_strings(c, "activations", &names, &n));
    ASH_TRY(ash_parse_floats(c, "activation_alpha", &alpha, &n_alpha));
    ASH_TRY(ash_parse_floats(c, "activation_beta", &beta, &n_beta));
    ASH_FAIL_IF(n && n < (size_t)(acts * a->directions), c->err, ATTR,
                "%d activations, expected %d", (int)n, acts * a->directions);
    for (int i = 0; i < acts * a->directions; i++) {
        struct rnn_act *act = &a->act[i / acts][i % acts];
        const struct activation_row *row;
        int kind = defaults[a->cell][i % acts];

        if (n) ASH_TRY(find_activation(&names[i], c, &kind));
        row = &activation_rows[kind];
        act->kind = (enum activation)kind;
        act->alpha = row->alpha && ai < n_alpha ? alpha[ai++] : row->alpha_default;
        act->beta = row->beta && bi < n_beta ? beta[bi++] : row->beta_default;
    }
    return ASHORE_OK;
}

static int rnn_parse(const struct ash_parse *c, void *attrs) {
    static const char *const directions[] = {"forward", "reverse", "bidirectional", NULL};
    struct rnn_attrs *a = attrs;
    int64_t layout, forget, linear;
    int direction = 0;

    a->cell = *c->node->op_type == 'L' ? CELL_LSTM : *c->node->op_type == 'G' ? CELL_GRU : CELL_RNN;
    a->gates = a->cell == CELL_LSTM ? 4 : a->cell == CELL_GRU ? 3 : 1;
    ASH_TRY(ash_parse_choice(c, "direction", directions, 0, &direction));
    ASH_TRY(ash_parse_int(c, "layout", 0, &layout));
    ASH_TRY(ash_parse_int(c, "input_forget", 0, &forget));
    ASH_TRY(ash_parse_int(c, "linear_before_reset", 0, &linear));
    ASH_TRY(ash_parse_int(c, "hidden_size", 0, &a->units));
    ASH_TRY(ash_parse_float(c, "clip", INFINITY, &a->clip));
    a->directions = direction == 2 ? 2 : 1;
    a->reverse = direction == 1;
    a->batch_first = layout != 0;
    a->input_forget = forget != 0;
    a->linear_before_reset = linear != 0;
    return parse_activations(c, a, (int)a->cell + 1);
}

/* ---- inference ---- */

/* Input i, if given, has these extents where both are known; unknown ones of want[] are filled in.
 */
static int expect(struct ash_infer *c, int i, int rank, struct ash_dim *const *want) {
    const struct ash_type *t = ash_infer_has(c, i) ? &c->in[i]->type : NULL;

    if (!t || t->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(t->rank != rank, c->err, SHAPE, "input %d has rank %d, expected %d", i, t->rank,
                rank);
    for (int k = 0; k < rank; k++) {
        struct ash_dim d = t->dim[k], *w = want[k];

        if (w->kind == ASH_DIM_UNKNOWN) *w = d;
        ASH_FAIL_IF(d.kind == ASH_DIM_EXACT && w->kind == ASH_DIM_EXACT && d.value != w->value,
                    c->err, SHAPE, "extent %d of input %d is %lld, expected %lld", k, i,
                    (long long)d.value, (long long)w->value);
    }
    return ASHORE_OK;
}

static struct ash_dim times(struct ash_infer *c, int n, struct ash_dim d) {
    return ash_infer_dim(c, ASH_DIM_MUL, d, ash_dim_exact(n));
}

static int rnn_infer(struct ash_infer *c) {
    const struct rnn_attrs *a = c->attrs;
    bool first = a->batch_first;
    struct ash_dim t = ash_dim_unknown(), b = t, in = t, h = t, d = ash_dim_exact(a->directions);
    struct ash_dim gates, biases, peepholes;
    int dtype, lengths;

    ASH_TRY(ash_infer_types(c, 0, 4, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, 4, 5, ASH_TAKES_INT, &lengths));
    ASH_TRY(ash_infer_types(c, 5, 8, ASH_TAKES_FLOAT, &lengths));
    if (a->units > 0)
        h = ash_dim_exact(a->units);
    else if (c->in[2]->type.rank == 3)
        h = c->in[2]->type.dim[2];
    gates = times(c, a->gates, h);
    biases = times(c, 2 * a->gates, h);
    peepholes = times(c, 3, h);
    ASH_TRY(expect(c, 0, 3, (struct ash_dim *const[]){first ? &b : &t, first ? &t : &b, &in}));
    ASH_TRY(expect(c, 1, 3, (struct ash_dim *const[]){&d, &gates, &in}));
    ASH_TRY(expect(c, 2, 3, (struct ash_dim *const[]){&d, &gates, &h}));
    ASH_TRY(expect(c, 3, 2, (struct ash_dim *const[]){&d, &biases}));
    ASH_TRY(expect(c, 4, 1, (struct ash_dim *const[]){&b}));
    for (int i = 5; i < 7; i++)
        ASH_TRY(expect(c, i, 3, (struct ash_dim *const[]){first ? &b : &d, first ? &d : &b, &h}));
    ASH_TRY(expect(c, 7, 2, (struct ash_dim *const[]){&d, &peepholes}));
    for (int o = 0; o < c->n_out; o++) {
        struct ash_dim all[2][4] = {{t, d, b, h}, {b, t, d, h}},
                       last[2][3] = {{d, b, h}, {b, d, h}};

        if (o == 0)
            ash_infer_set(c, o, dtype, 4, all[first]);
        else
            ash_infer_set(c, o, dtype, 3, last[first]);
    }
    return ASHORE_OK;
}

/* ---- reference ---- */

struct rnn_run {
    const struct rnn_attrs *a;
    const struct ash_tensor *in[8]; /* as the node's, NULL where left out */
    int64_t steps, batch, inputs, units;
    /* of one sequence: */
    double *x;     /* [I] */
    double *h, *c; /* [H] */
    double *reset; /* [H] GRU: r (.) h */
    double *gate;  /* [G][H] */
};

static double activate(const struct rnn_run *r, int d, int which, double x) {
    const struct rnn_act *act = &r->a->act[d][which];
    double alpha = (double)act->alpha, beta = (double)act->beta;

    switch (act->kind) {
    case ACTIVATION_AFFINE:
        return alpha * x + beta;
    case ACTIVATION_ELU:
        return x >= 0 ? x : alpha * expm1(x);
    case ACTIVATION_HARDSIGMOID:
        return fmin(fmax(alpha * x + beta, 0), 1);
    case ACTIVATION_LEAKYRELU:
        return x >= 0 ? x : alpha * x;
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_SCALEDTANH:
        return alpha * tanh(beta * x);
    case ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    case ACTIVATION_SOFTPLUS:
        return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
    case ACTIVATION_SOFTSIGN:
        return x / (1 + fabs(x));
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_THRESHOLDEDRELU:
        return x >= alpha ? x : 0;
    }
    return x;
}

/* The activation of a gate, whose input is clipped. */
static double activate_gate(const struct rnn_run *r, int d, int which, double x) {
    double clip = (double)r->a->clip;

    return activate(r, d, which, x > clip ? clip : x < -clip ? -clip : x);
}

/* The product of row `row` of t's matrix d with v. */
static double dot(const struct ash_tensor *t, int d, int64_t row, const double *v) {
    int64_t k = t->dim[2], at = ((int64_t)d * t->dim[1] + row) * k;
    double w[ASH_TILE], sum = 0;
    size_t n;

    for (int64_t i = 0; (n = ash_tile_size(k, i)); i += (int64_t)n) {
        ash_load_f64(t->dtype, ash_at(t, at + i), n, w);
        for (size_t j = 0; j < n; j++) sum += w[j] * v[i + (int64_t)j];
    }
    return sum;
}

/* Element i of row d of an input that may be left out. */
static double weight(const struct ash_tensor *t, int d, int64_t i) {
    return t ? ash_get_f64(t, d * t->dim[1] + i) : 0;
}

static double bias(const struct rnn_run *r, int d, int64_t gate, int64_t u) {
    return weight(r->in[3], d, gate * r->units + u);
}

/* Gate g of unit u before its activation, with h for the hidden state. */
static double gate_sum(const struct rnn_run *r, int d, int64_t g, int64_t u, const double *h) {
    int64_t row = g * r->units + u;

    return dot(r->in[1], d, row, r->x) + dot(r->in[2], d, row, h) + bias(r, d, g, u) +
           bias(r, d, r->a->gates + g, u);
}

static void step_lstm(struct rnn_run *r, int d) {
    const struct ash_tensor *p = r->in[7];
    int64_t n = r->units;
    double *gate = r->gate;

    for (int64_t g = 0; g < 4; g++)
        for (int64_t u = 0; u < n; u++) gate[g * n + u] = gate_sum(r, d, g, u, r->h);
    for (int64_t u = 0; u < n; u++) {
        double i = activate_gate(r, d, 0, gate[u] + weight(p, d, u) * r->c[u]), o, f;

        f = r->a->input_forget
                ? 1 - i
                : activate_gate(r, d, 0, gate[2 * n + u] + weight(p, d, 2 * n + u) * r->c[u]);
        r->c[u] = f * r->c[u] + i * activate_gate(r, d, 1, gate[3 * n + u]);
        o = activate_gate(r, d, 0, gate[n + u] + weight(p, d, n + u) * r->c[u]);
        r->h[u] = o * activate(r, d, 2, r->c[u]);
    }
}

static void step_gru(struct rnn_run *r, int d) {
    int64_t n = r->units;
    double *z = r->gate, *rt = z + n, *ht = rt + n;

    for (int64_t u = 0; u < 2 * n; u++)
        z[u] = activate_gate(r, d, 0, gate_sum(r, d, u / n, u % n, r->h));
    for (int64_t u = 0; u < n; u++) r->reset[u] = rt[u] * r->h[u];
    for (int64_t u = 0; u < n; u++) {
        double sum = r->a->linear_before_reset
                         ? dot(r->in[1], d, 2 * n + u, r->x) + bias(r, d, 2, u) +
                               rt[u] * (dot(r->in[2], d, 2 * n + u, r->h) + bias(r, d, 5, u))
                         : gate_sum(r, d, 2, u, r->reset);
        ht[u] = activate_gate(r, d, 1, sum);
    }
    for (int64_t u = 0; u < n; u++) r->h[u] = (1 - z[u]) * ht[u] + z[u] * r->h[u];
}

static void step_rnn(struct rnn_run *r, int d) {
    for (int64_t u = 0; u < r->units; u++)
        r->gate[u] = activate_gate(r, d, 0, gate_sum(r, d, 0, u, r->h));
    memcpy(r->h, r->gate, (size_t)r->units * sizeof *r->h);
}

/* A trimmed engine has those of its operators (cmake/wasm_map.py). */
static const struct {
    const char *op;
    void (*step)(struct rnn_run *r, int d);
} ash_by_op_rnn_ref[] = {[CELL_LSTM] = {"LSTM", step_lstm},
                         [CELL_GRU] = {"GRU", step_gru},
                         [CELL_RNN] = {"RNN", step_rnn}};

/* Index of vector (d, b) in a state. */
static int64_t state_at(const struct rnn_run *r, int d, int64_t b) {
    return (r->a->batch_first ? b * r->a->directions + d : d * r->batch + b) * r->units;
}

static void load_state(const struct rnn_run *r, const struct ash_tensor *from, int d, int64_t b,
                       double *v) {
    if (from)
        ash_load_f64(from->dtype, ash_at(from, state_at(r, d, b)), (size_t)r->units, v);
    else
        memset(v, 0, (size_t)r->units * sizeof *v);
}

static void store_state(const struct rnn_run *r, const double *v, int d, int64_t b,
                        struct ash_tensor *to) {
    if (to) ash_store_f64(to->dtype, v, (size_t)r->units, ash_at(to, state_at(r, d, b)));
}

static void run_sequence(struct rnn_run *r, struct ash_tensor *y, int d, int64_t b,
                         int64_t length) {
    const struct rnn_attrs *a = r->a;
    const struct ash_tensor *x = r->in[0];
    bool reverse = d ? true : a->reverse;

    load_state(r, r->in[5], d, b, r->h);
    load_state(r, r->in[6], d, b, r->c);
    for (int64_t s = 0; s < r->steps; s++) {
        int64_t t = reverse && s < length ? length - 1 - s : s;
        int64_t from = a->batch_first ? b * r->steps + t : t * r->batch + b;
        int64_t to = a->batch_first ? (b * r->steps + t) * a->directions + d
                                    : (t * a->directions + d) * r->batch + b;
        size_t bytes = (size_t)r->units * ash_dtype_size(x->dtype);

        if (s >= length) { /* padding */
            if (y && bytes) memset(ash_at(y, to * r->units), 0, bytes);
            continue;
        }
        ash_load_f64(x->dtype, ash_at(x, from * r->inputs), (size_t)r->inputs, r->x);
        ash_by_op_rnn_ref[a->cell].step(r, d);
        if (y) ash_store_f64(y->dtype, r->h, (size_t)r->units, ash_at(y, to * r->units));
    }
}

static int check_lengths(const struct ash_run *c, int64_t steps) {
    int64_t count = ash_run_has(c, 4) ? ash_tensor_count(c->in[4]) : 0;

    for (int64_t b = 0; b < count; b++) {
        int64_t n = ash_get_i64(c->in[4], b);
        ASH_FAIL_IF(n < 0 || n > steps, c->err, INDEX,
                    "sequence %lld is said to have %lld steps, of %lld", (long long)b, (long long)n,
                    (long long)steps);
    }
    return ASHORE_OK;
}

static int rnn_ref(struct ash_run *c) {
    const struct rnn_attrs *a = c->attrs;
    struct ash_tensor *out[3] = {0};
    struct rnn_run r = {.a = a};
    size_t doubles;
    double *work;

    for (int i = 0; i < c->n_in && i < 8; i++) r.in[i] = c->in[i];
    for (int o = 0; o < c->n_out; o++) out[o] = c->out[o];
    r.steps = r.in[0]->dim[a->batch_first];
    r.batch = r.in[0]->dim[!a->batch_first];
    r.inputs = r.in[0]->dim[2];
    r.units = r.in[2]->dim[2];
    ASH_TRY(check_lengths(c, r.steps));
    doubles = (size_t)(r.inputs + (3 + a->gates) * r.units);
    work = ash_alloc(c->heap, (doubles + 1) * sizeof *work);
    if (!work) return ash_fail_nomem(c->err, (doubles + 1) * sizeof *work);
    r.x = work;
    r.h = r.x + r.inputs;
    r.c = r.h + r.units;
    r.reset = r.c + r.units;
    r.gate = r.reset + r.units;
    for (int d = 0; d < a->directions; d++) {
        for (int64_t b = 0; b < r.batch; b++) {
            run_sequence(&r, out[0], d, b, r.in[4] ? ash_get_i64(r.in[4], b) : r.steps);
            store_state(&r, r.h, d, b, out[1]);
            store_state(&r, r.c, d, b, out[2]);
        }
    }
    ash_free(c->heap, work, (doubles + 1) * sizeof *work);
    return ASHORE_OK;
}

/* ---- lowering ---- */

struct rnn_params {
    struct ash_rnn_row row;
    const struct ash_gemm_kernel *gemm;
    const void *packed;
    struct ash_rnn_shape shape;
};

static int rnn_kernel(struct ash_run *c) {
    const struct rnn_params *p = c->params;
    const struct ash_rnn_io io = {
        .x = c->in[0]->data,
        .h0 = ash_run_f32(c, 5),
        .c0 = ash_run_f32(c, 6),
        .lens = ash_run_has(c, 4) ? c->in[4]->data : NULL,
        .y = ash_run_out_f32(c, 0),
        .yh = ash_run_out_f32(c, 1),
        .yc = ash_run_out_f32(c, 2),
    };

    ASH_TRY(check_lengths(c, (int64_t)p->shape.T));
    ash_rnn_f32(&p->row, p->gemm, c->pool, &p->shape, p->packed, &io, c->scratch);
    return ASHORE_OK;
}

/* The functions are those that the kernel knows: an RNN's own may be any of three. */
static bool act_fits(const struct rnn_attrs *a, struct ash_act_f32 *out) {
    static const enum activation gates[ACTS_MAX] = {ACTIVATION_SIGMOID, ACTIVATION_TANH,
                                                    ACTIVATION_TANH};
    const struct rnn_act *first = &a->act[0][0];
    int acts = (int)a->cell + 1;

    *out = (struct ash_act_f32){.kind = ASH_ACT_TANH};
    for (int i = 0; i < acts * a->directions; i++) {
        const struct rnn_act *act = &a->act[i / acts][i % acts];
        if (act->kind != (acts == 1 ? first->kind : gates[i % acts])) return false;
    }
    if (acts > 1 || first->kind == ACTIVATION_TANH) return true;
    out->kind = first->kind == ACTIVATION_RELU ? ASH_ACT_RELU : ASH_ACT_SIGMOID;
    return first->kind == ACTIVATION_RELU || first->kind == ACTIVATION_SIGMOID;
}

enum { IN_R = 2, IN_R_SCALE = 8, IN_R_ZERO = 9, RNN_PACKED = 6 };
enum { IN_BYTES = 1 << IN_R | 1 << IN_R_ZERO };
/* Inputs that are packed. */
static const int rnn_packed[RNN_PACKED] = {1, IN_R, 3, 7, IN_R_SCALE, IN_R_ZERO};

/* What differs with recurrent weights in bytes. */
struct rnn_how {
    const struct ash_rnn_row *row;
    ash_pack_fn *pack;
    int bytes; /* inputs in bytes, as bits */
};

static bool rnn_fits(const struct ash_lower *c, int bytes) {
    const struct rnn_attrs *a = c->attrs;
    const struct ash_info *lengths = c->n_in > 4 ? c->in[4] : NULL;

    if (a->batch_first || !(a->clip > 0)) return false;
    for (int i = 0; i < c->n_in; i++) {
        bool weights = (i >= 1 && i <= 3) || i >= 7;

        if (!c->in[i] || i == 4) continue;
        if (!(bytes >> i & 1) && !ash_lower_in_f32(c, i)) return false;
        if (weights && !c->in[i]->data) return false;
    }
    return !lengths || lengths->type.dtype == ASHORE_INT32;
}

struct rnn_pack {
    const struct rnn_params *params;
    const struct ash_tensor *const *weights; /* [RNN_PACKED]: W R B P, and R's scales and zeros */
};

static void pack_rnn(void *dst, const void *src, const void *arg) {
    const struct rnn_pack *p = arg;
    const float *w[4];

    for (int i = 1; i < 4; i++) w[i] = p->weights[i] ? p->weights[i]->data : NULL;
    ash_rnn_pack(&p->params->row, p->params->gemm, &p->params->shape, src, w[1], w[2], w[3], dst);
}

static int rnn_lower_as(struct ash_lower *c, const struct rnn_how *as) {
    const struct rnn_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct rnn_params *p, draft = {.row = *as->row, .gemm = ash_gemm_best()};
    struct ash_rnn_shape *s = &draft.shape;
    const struct ash_tensor *src[RNN_PACKED] = {NULL};
    struct rnn_pack arg = {.params = &draft, .weights = src};
    size_t bytes, scratch;

    if (!rnn_fits(c, as->bytes) || !act_fits(a, &s->act)) return ASHORE_OK;
    s->kind = (enum ash_rnn)a->cell;
    s->T = ash_extent(x, 0);
    s->N = ash_extent(x, 1);
    s->I = ash_extent(x, 2);
    s->H = ash_extent(&c->in[IN_R]->type, 2);
    s->D = (size_t)a->directions;
    s->reverse = a->reverse;
    s->linear_before_reset = a->linear_before_reset;
    s->input_forget = a->input_forget;
    s->bytes = as->bytes != 0;
    if (isfinite(a->clip)) s->clip = a->clip;
    bytes = ash_rnn_packed_size(&draft.row, draft.gemm, s);
    scratch = ash_rnn_scratch(&draft.row, s);
    if (!s->T || !s->N || !s->I || !s->H || bytes == SIZE_MAX || scratch == SIZE_MAX)
        return ASHORE_OK;
    for (int i = 0; i < RNN_PACKED; i++) {
        if (rnn_packed[i] < c->n_in && c->in[rnn_packed[i]]) src[i] = c->in[rnn_packed[i]]->data;
    }
    struct ash_packing how = {draft.row.name, s->linear_before_reset, bytes, as->pack, &arg};
    ASH_TRY(ash_lower_pack(c, src, RNN_PACKED, &how, &draft.packed));
    p = ash_lower_to(c, rnn_kernel, sizeof *p, draft.row.name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

static int rnn_lower(struct ash_lower *c) {
    return rnn_lower_as(c, &(struct rnn_how){ash_rnn_best(), pack_rnn, 0});
}

/* ---- recurrent weights in bytes ---- */

static int bytes_infer(struct ash_infer *c) {
    const struct ash_info *in[8] = {NULL};
    struct ash_info r = *c->in[IN_R];
    struct ash_infer as = *c;

    ASH_FAIL_IF(r.type.dtype && r.type.dtype != ASHORE_INT8 && r.type.dtype != ASHORE_UINT8, c->err,
                TYPE, "recurrent weights are %s", ash_dtype(r.type.dtype)->name);
    if (c->in[0]->type.dtype) r.type.dtype = c->in[0]->type.dtype;
    for (int i = 0; i < 8; i++) in[i] = c->in[i];
    in[IN_R] = &r;
    as.in = in;
    as.n_in = 8;
    return rnn_infer(&as);
}

static int bytes_body(struct ash_builder *b) {
    uint32_t in[8], out[3], part[2];
    const struct ash_info *scale = b->in ? b->in[IN_R_SCALE] : NULL;
    struct ash_dim block = {.kind = ASH_DIM_EXACT};
    bool columns = scale && scale->type.rank > 1;

    if (!scale || scale->type.rank < 0) return ASHORE_NEEDS_DATA;
    if (columns && b->in[IN_R]->type.rank == 3) block = b->in[IN_R]->type.dim[2];
    if (block.kind != ASH_DIM_EXACT) return ASHORE_NEEDS_DATA;
    for (int i = 0; i < 8; i++) in[i] = ash_build_in(b, i);
    for (int k = 0; k < 2; k++) {
        part[k] = ash_build_in(b, IN_R_SCALE + k);
        if (columns)
            part[k] =
                ash_build(b, "Unsqueeze", part[k], ash_build_i64(b, &(int64_t){2}, 1), ASH_NONE);
    }
    in[IN_R] = ash_build(b, "DequantizeLinear", in[IN_R], part[0], part[1]);
    ash_build_attr_int(b, "axis", columns ? 2 : 0);
    if (columns) ash_build_attr_int(b, "block_size", block.value);
    ash_build_node(b, "", "LSTM", ASH_OPSET_NEWEST, in, 8, out, 3);
    for (uint32_t i = 0; i < b->node->n_raw; i++) ash_build_attr_copy(b, b->node->raw[i].name);
    for (uint32_t o = 0; o < b->node->n_out; o++)
        if (b->node->out[o] != ASH_NONE) ash_build_out(b, (int)o, out[o]);
    return b->rc;
}

static void pack_bytes(void *dst, const void *src, const void *arg) {
    const struct rnn_pack *p = arg;
    const struct rnn_params *of = p->params;
    const struct ash_rnn_shape *s = &of->shape;
    const struct ash_tensor *scale = p->weights[4], *zero = p->weights[5];
    int64_t each = ash_tensor_count(scale) / (int64_t)s->D;

    pack_rnn(dst, src, arg);
    for (size_t d = 0; d < s->D; d++) {
        int64_t at = (int64_t)d * each;
        const struct ash_rnnq_weights r = {
            .r = ash_at(p->weights[1], (int64_t)(d * 4 * s->H * s->H)),
            .is_signed = zero->dtype == ASHORE_INT8,
            .by_row = each > 1,
            .scale = (const float *)scale->data + at,
            .zero = ash_at(zero, at)};
        size_t place = ash_rnn_place(&of->row, of->gemm, s, d);
        ash_rnnq_pack(of->row.lanes, s->H, &r, (float *)dst + place);
    }
}

static int bytes_lower(struct ash_lower *c) {
    struct ash_rnn_row row = *ash_rnn_best();
    const struct ash_rnnq_row *q = ash_rnnq_best();
    const struct ash_type *r = &c->in[IN_R]->type, *scale = &c->in[IN_R_SCALE]->type,
                          *zero = &c->in[IN_R_ZERO]->type;
    size_t D = ash_extent(r, 0), n = ash_type_count(scale);

    if (r->dtype != zero->dtype || ash_type_count(zero) != n) return ASHORE_OK;
    if (n != D && n != ash_size_mul(D, ash_extent(r, 1))) return ASHORE_OK;
    if (q->lanes != row.lanes) return ASHORE_OK;
    row.name = q->name;
    row.sums = q->sums;
    return rnn_lower_as(c, &(struct rnn_how){&row, pack_bytes, IN_BYTES});
}

#define RNN(op, version, inputs, results)                                                          \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = version,                                                                             \
     .in_min = 3,                                                                                  \
     .in_max = inputs,                                                                             \
     .out_min = 0,                                                                                 \
     .out_max = results,                                                                           \
     .attrs_size = sizeof(struct rnn_attrs),                                                       \
     .parse = rnn_parse,                                                                           \
     .infer = rnn_infer,                                                                           \
     .ref = rnn_ref,                                                                               \
     .lower = rnn_lower}

extern const struct ash_op ash_ops_rnn_op[];
const struct ash_op ash_ops_rnn_op[] = {RNN("LSTM", 1, 8, 3),
                                        RNN("GRU", 3, 6, 2),
                                        RNN("RNN", 1, 6, 2),
                                        {.name = "LSTM",
                                         .domain = ASH_INTERNAL,
                                         .since = 1,
                                         .in_min = 3,
                                         .in_max = 10,
                                         .out_min = 0,
                                         .out_max = 3,
                                         .attrs_size = sizeof(struct rnn_attrs),
                                         .parse = rnn_parse,
                                         .infer = bytes_infer,
                                         .lower = bytes_lower,
                                         .body = bytes_body},
                                        {0}};
