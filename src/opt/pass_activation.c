/* Activations that are written as arithmetic become one operator: HardSwish, HardSigmoid, Clip,
 * Relu, Sigmoid, Swish, Gelu.
 *
 * What a few nodes compute from one value x is brought into a normal form, in which all spellings
 * of an activation are the same; the form is then compared with those of the operators. */
#include "opt/passes.h"

#include "ops/act_attrs.h"
#include "ops/convert.h"

#include <math.h>
#include <string.h>

ASH_PASS_NEEDS(ash_pass_activation, "Clip|Max|Min|Relu|HardSigmoid|Sigmoid|Tanh|Erf");
ASH_MAKES("Relu Clip HardSigmoid", "Clip|Max|Min|Relu|HardSigmoid");
ASH_MAKES("HardSwish", "Mul Clip|Max|Min|Relu|HardSigmoid");
ASH_MAKES("Sigmoid", "Sigmoid|Tanh");
ASH_MAKES("Swish", "Mul Sigmoid|Tanh");
ASH_MAKES("Gelu", "Mul Erf|Sigmoid|Tanh");

enum { DEPTH_MAX = 12, NODES_MAX = 24, BASES_MAX = 24, DEGREE = 3 };

enum fn { FN_CLIP, FN_ERF, FN_SIGMOID };

/* value = [x *] (c * fn(poly(x)) + d), or with FN_CLIP [x *] clip(poly(x), lo, hi), c = 1 and d =
 * 0; poly has degree 1 at most where lo or hi is finite. */
struct form {
    enum fn fn;
    double poly[DEGREE + 1]; /* poly[k] is the factor of x^k */
    double lo, hi, c, d;
    bool times_x;
};

struct match {
    const struct ash_pass *p;
    uint32_t x;
    int nodes;
};

static const struct form identity = {.poly = {0, 1}, .lo = -INFINITY, .hi = INFINITY, .c = 1};

/* ---- arithmetic of forms: false when the result has none ---- */

static bool is_poly(const struct form *f) {
    return f->fn == FN_CLIP && !f->times_x && f->lo == -INFINITY && f->hi == INFINITY;
}

static bool scale(struct form *f, double s) {
    if (s == 0 || !isfinite(s)) return false;
    if (f->fn != FN_CLIP) {
        f->c *= s;
        f->d *= s;
        return true;
    }
    double lo = f->lo * s, hi = f->hi * s;
    f->lo = s < 0 ? hi : lo;
    f->hi = s < 0 ? lo : hi;
    for (int k = 0; k <= DEGREE; k++) f->poly[k] *= s;
    return true;
}

static bool shift(struct form *f, double t) {
    if (f->times_x || !isfinite(t)) return false;
    if (f->fn != FN_CLIP) {
        f->d += t;
        return true;
    }
    f->lo += t;
    f->hi += t;
    f->poly[0] += t;
    return true;
}

static bool limit(struct form *f, double lo, double hi) {
    if (f->fn != FN_CLIP || f->times_x || f->poly[2] != 0 || f->poly[3] != 0 || !(lo <= hi))
        return false;
    f->lo = fmin(fmax(f->lo, lo), hi);
    f->hi = fmin(fmax(f->hi, lo), hi);
    return true;
}

static bool apply(struct form *f, enum fn fn) {
    if (!is_poly(f)) return false;
    f->fn = fn;
    return true;
}

static bool add(struct form *f, const struct form *g) {
    if (!is_poly(f) || !is_poly(g)) return false;
    for (int k = 0; k <= DEGREE; k++) f->poly[k] += g->poly[k];
    return true;
}

static bool multiply_polys(struct form *f, const struct form *g) {
    double out[2 * DEGREE + 1] = {0};
    for (int i = 0; i <= DEGREE; i++) {
        for (int k = 0; k <= DEGREE; k++) out[i + k] += f->poly[i] * g->poly[k];
    }
    for (int k = DEGREE + 1; k <= 2 * DEGREE; k++) {
        if (out[k] != 0) return false;
    }
    memcpy(f->poly, out, sizeof f->poly);
    return true;
}

/* f *= g, one of them a polynomial; when the other is none the polynomial must be s * x. */
static bool multiply(struct form *f, const struct form *g) {
    struct form line = *g;
    if (is_poly(f) && is_poly(g)) return multiply_polys(f, g);
    if (is_poly(f)) {
        line = *f;
        *f = *g;
    }
    const double *s = line.poly;
    if (!is_poly(&line) || f->times_x || s[0] != 0 || s[2] != 0 || s[3] != 0) return false;
    f->times_x = true;
    return scale(f, s[1]);
}

/* ---- forms of values ---- */

/* One number that does not change x's shape when it is broadcast. */
static bool scalar(const struct match *m, uint32_t v, double *s) {
    const struct ash_tensor *t = v == ASH_NONE ? NULL : m->p->graph->values[v].data;
    if (!t || !ash_pass_runs_f32(t->dtype) || ash_tensor_count(t) != 1) return false;
    if (t->rank > 0 && t->rank > m->p->infos[m->x].type.rank) return false;
    *s = ash_get_f64(t, 0);
    return isfinite(*s);
}

static bool evaluate(struct match *m, uint32_t v, int depth, struct form *f);

/* Operand i of a node of the match: nobody else uses it, unless it is x. */
static bool operand(struct match *m, const struct ash_node *n, uint32_t i, int depth,
                    struct form *f) {
    uint32_t v = n->in[i], mine = 0;
    if (v == ASH_NONE || v >= m->p->infos_n) return false;
    for (uint32_t k = 0; k < n->n_in; k++) mine += n->in[k] == v;
    if (v != m->x && m->p->uses[v] != mine) return false;
    return evaluate(m, v, depth + 1, f);
}

static bool activation(struct match *m, const struct ash_node *n, int depth, struct form *f) {
    const struct ash_tensor *data[3] = {NULL, NULL, NULL};
    struct ash_act_f32 act;
    if (n->n_formal < 1 || n->n_formal > 3) return false;
    for (uint32_t i = 1; i < n->n_formal; i++) {
        if (n->in[i] != ASH_NONE) data[i] = m->p->graph->values[n->in[i]].data;
    }
    if (!ash_act_from_node(n, data, &act) || !operand(m, n, 0, depth, f)) return false;
    switch (act.kind) {
    case ASH_ACT_RELU:
        return limit(f, 0, INFINITY);
    case ASH_ACT_CLIP:
        return limit(f, (double)act.a, (double)act.b);
    case ASH_ACT_HARDSIGMOID:
        return scale(f, (double)act.a) && shift(f, (double)act.b) && limit(f, 0, 1);
    case ASH_ACT_SIGMOID:
        return apply(f, FN_SIGMOID);
    case ASH_ACT_TANH: /* tanh(y) = 2 sigmoid(2 y) - 1 */
        return is_poly(f) && scale(f, 2) && apply(f, FN_SIGMOID) && scale(f, 2) && shift(f, -1);
    default:
        return false;
    }
}

enum op { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MAX, OP_MIN, OP_POW, OP_ERF, OP_NEG, OP_COUNT };

static enum op op_of(const struct ash_node *n) {
    static const char *const names[] = {"Add", "Sub", "Mul", "Div", "Max",
                                        "Min", "Pow", "Erf", "Neg"};
    int op = 0;
    if (*n->domain || n->opset < 7 || n->n_out != 1) return OP_COUNT;
    while (op < OP_COUNT && strcmp(n->op_type, names[op]) != 0) op++;
    return (enum op)op;
}

/* f op s, or s op f when `left`. */
static bool with_scalar(enum op op, struct form *f, double s, bool left) {
    struct form base = *f;
    switch (op) {
    case OP_ADD:
        return shift(f, s);
    case OP_SUB:
        return left ? scale(f, -1) && shift(f, s) : shift(f, -s);
    case OP_MUL:
        return scale(f, s);
    case OP_DIV:
        return !left && s != 0 && scale(f, 1 / s);
    case OP_MAX:
        return limit(f, s, INFINITY);
    case OP_MIN:
        return limit(f, -INFINITY, s);
    case OP_POW:
        if (left || (s != 2 && s != 3) || !is_poly(f) || !multiply(f, &base)) return false;
        return s == 2 || multiply(f, &base);
    default:
        return false;
    }
}

static bool of_two(struct match *m, const struct ash_node *n, enum op op, int depth,
                   struct form *f) {
    struct form g;
    double s;
    bool left = scalar(m, n->in[0], &s);
    if (left || scalar(m, n->in[1], &s))
        return operand(m, n, left, depth, f) && with_scalar(op, f, s, left);
    if (!operand(m, n, 0, depth, f)) return false;
    if (n->in[1] == n->in[0])
        g = *f;
    else if (!operand(m, n, 1, depth, &g))
        return false;
    if (op == OP_MUL) return multiply(f, &g);
    if (op == OP_SUB && !scale(&g, -1)) return false;
    return (op == OP_ADD || op == OP_SUB) && add(f, &g);
}

/* The form of v over m->x.  The depth is bounded. */
static bool evaluate(struct match *m, uint32_t v, int depth, struct form *f) {
    *f = identity;
    if (v == m->x) return true;
    const struct ash_node *n = ash_pass_producer(m->p, v);
    if (!n || !n->op || depth >= DEPTH_MAX || ++m->nodes > NODES_MAX) return false;
    enum op op = op_of(n);
    if (op == OP_COUNT) return n->n_out == 1 && activation(m, n, depth, f);
    if (op == OP_NEG) return operand(m, n, 0, depth, f) && scale(f, -1);
    if (op == OP_ERF) return operand(m, n, 0, depth, f) && apply(f, FN_ERF);
    return n->n_formal == 2 && of_two(m, n, op, depth, f);
}

/* ---- operators ---- */

/* How far off a constant may be that has a few decimals or a few roundings behind it, and a limit:
 * limits just inside of 0 and 1 are there on purpose.  In 16 bits: two roundings. */
struct slack {
    double constant, limit;
};

static struct slack slack_of(int dtype) {
    double half = dtype == ASHORE_FLOAT16 ? 0x1p-10 : 0x1p-7;
    return dtype == ASHORE_FLOAT32 ? (struct slack){5e-7, 1e-7} : (struct slack){half, half};
}

static bool near(struct slack s, double a, double b) { return fabs(a - b) <= s.constant * fabs(b); }

static bool unit_range(struct slack s, const struct form *f) {
    return f->lo == 0 && fabs(f->hi - 1) <= s.limit;
}

struct goal {
    const char *op;
    bool tanh_form;                      /* Gelu */
    bool has_alpha, has_beta, has_range; /* what else is to be written */
    float alpha, beta;
    float lo, hi;
};

static bool clip_goal(struct slack s, const struct form *f, struct goal *g) {
    const double *k = f->poly;
    if (k[2] != 0 || k[3] != 0) return false;
    if (f->times_x) {
        g->op = "HardSwish";
        return unit_range(s, f) && near(s, k[1], 1.0 / 6) && near(s, k[0], 0.5);
    }
    if (is_poly(f)) return false;
    if (k[1] == 1 && k[0] == 0) {
        g->has_range = f->lo != 0 || isfinite(f->hi);
        g->op = g->has_range ? "Clip" : "Relu";
        g->lo = (float)f->lo;
        g->hi = (float)f->hi;
        return true;
    }
    g->op = "HardSigmoid";
    g->has_alpha = g->has_beta = true;
    g->alpha = (float)k[1];
    g->beta = (float)k[0];
    return unit_range(s, f) && isfinite(g->alpha) && isfinite(g->beta);
}

/* Gelu's other form is x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)). */
static bool sigmoid_goal(struct slack s, const struct form *f, struct goal *g) {
    const double inner = 1.5957691216057307118, *k = f->poly;
    if (f->c != 1 || f->d != 0 || k[0] != 0 || k[2] != 0) return false;
    if (k[3] != 0) {
        g->op = "Gelu";
        g->tanh_form = true;
        return f->times_x && near(s, k[1], inner) && near(s, k[3], inner * 0.044715);
    }
    g->op = f->times_x ? "Swish" : "Sigmoid";
    g->alpha = (float)k[1];
    g->has_alpha = g->alpha != 1.0f;
    return isfinite(g->alpha) && (f->times_x || k[1] == 1);
}

static bool find_goal(struct slack s, const struct form *f, struct goal *g) {
    const double *k = f->poly;
    *g = (struct goal){.op = "Gelu"};
    if (f->fn == FN_CLIP) return clip_goal(s, f, g);
    if (f->fn == FN_SIGMOID) return sigmoid_goal(s, f, g);
    return f->times_x && f->c == 0.5 && f->d == 0.5 && k[0] == 0 && k[2] == 0 && k[3] == 0 &&
           near(s, k[1], 0.70710678118654752440);
}

/* ---- the pass ---- */

static int set_float(struct ash_pass *p, struct ash_node *n, const char *name, float v) {
    const struct ash_attr a = {.name = name, .type = ASH_ATTR_FLOAT, .v.f = v};
    return ash_node_set_attr(p->graph, n, &a, p->err);
}

static int set_limit(struct ash_pass *p, struct ash_node *n, uint32_t i, float v) {
    int dtype = p->infos[n->in[0]].type.dtype;
    struct ash_tensor *t;
    if (isinf(v)) return ASHORE_OK;
    ASH_TRY(ash_graph_add_const(p->graph, "", dtype, 0, NULL, &n->in[i], &t, p->err));
    ash_store_f32(dtype, &v, 1, t->data);
    return ASHORE_OK;
}

static int become(struct ash_pass *p, struct ash_node *n, uint32_t x, const struct goal *g) {
    uint32_t n_in = g->has_range ? 3 : 1, *in = ash_arena_array(p->arena, n_in, sizeof *in);
    if (!in) return ash_fail_nomem(p->err, n_in * sizeof *in);
    for (uint32_t i = 1; i < n_in; i++) in[i] = ASH_NONE;
    in[0] = x;
    n->in = in;
    n->n_in = n->n_formal = n_in;
    n->op_type = g->op;
    n->opset = ASH_OPSET_NEWEST;
    n->raw = NULL;
    n->n_raw = 0;
    n->label = NULL;
    if (g->has_alpha) ASH_TRY(set_float(p, n, "alpha", g->alpha));
    if (g->has_beta) ASH_TRY(set_float(p, n, "beta", g->beta));
    if (g->has_range) {
        ASH_TRY(set_limit(p, n, 1, g->lo));
        ASH_TRY(set_limit(p, n, 2, g->hi));
    }
    if (g->tanh_form) {
        const struct ash_attr a = {
            .name = "approximate", .type = ASH_ATTR_STRING, .v.s = {"tanh", 4}};
        ASH_TRY(ash_node_set_attr(p->graph, n, &a, p->err));
    }
    p->changed = true;
    return ash_node_resolve(p->graph, n, p->err);
}

struct bases {
    uint32_t v[BASES_MAX];
    int n;
};

/* Values below v that an activation may be of. */
static void collect(const struct ash_pass *p, uint32_t v, int depth, struct bases *b) {
    const struct ash_node *n = ash_pass_producer(p, v);
    if (!n || depth >= DEPTH_MAX || n->n_out != 1) return;
    for (uint32_t i = 0; i < n->n_formal && i < 2; i++) {
        uint32_t u = n->in[i];
        int k = 0;
        if (u == ASH_NONE || u >= p->infos_n || p->graph->values[u].data) continue;
        while (k < b->n && b->v[k] != u) k++;
        if (k < b->n || k == BASES_MAX) continue;
        b->v[b->n++] = u;
        if (p->uses[u] == 1 || (n->n_formal == 2 && n->in[0] == n->in[1]))
            collect(p, u, depth + 1, b);
    }
}

static int visit(struct ash_pass *p, struct ash_node *n) {
    struct bases b = {.n = 0};
    struct goal best = {0}, g;
    struct form f;
    uint32_t x = ASH_NONE;
    int most = 1;
    if (*n->domain || n->n_out != 1 || n->n_sub || !n->op || !(n->op->flags & ASH_OP_ELEMENTWISE))
        return ASHORE_OK;
    collect(p, n->out[0], 0, &b);
    for (int i = 0; i < b.n; i++) {
        struct match m = {.p = p, .x = b.v[i]};
        const struct ash_type *t = &p->infos[m.x].type;
        if (t->kind != ASHORE_TENSOR || !ash_pass_runs_f32(t->dtype)) continue;
        if (!evaluate(&m, n->out[0], 0, &f) || m.nodes <= most) continue;
        if (!find_goal(slack_of(t->dtype), &f, &g)) continue;
        if (!ash_op_find("", g.op, ASH_OPSET_NEWEST)) continue;
        most = m.nodes;
        best = g;
        x = m.x;
    }
    return x == ASH_NONE ? ASHORE_OK : become(p, n, x, &best);
}

int ash_pass_activation(struct ash_pass *p) {
    for (uint32_t i = 0; i < p->graph->n_nodes; i++) ASH_TRY(visit(p, p->graph->nodes[i]));
    return ASHORE_OK;
}
