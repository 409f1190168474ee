/* Operators of two and more inputs that are broadcast to one shape. */
#include "kernels/eltwise/eltwise.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

ASH_LOWERS("Add Div Mul Pow PRelu Sub", 0, 8, "float32");

enum binary {
    BINARY_ADD,
    BINARY_AND,
    BINARY_BITAND,
    BINARY_BITOR,
    BINARY_BITXOR,
    BINARY_DIV,
    BINARY_EQUAL,
    BINARY_FMOD,
    BINARY_GREATER,
    BINARY_GREATEREQUAL,
    BINARY_LESS,
    BINARY_LESSEQUAL,
    BINARY_MAX,
    BINARY_MEAN,
    BINARY_MIN,
    BINARY_MOD,
    BINARY_MUL,
    BINARY_OR,
    BINARY_POW,
    BINARY_PRELU,
    BINARY_SHL,
    BINARY_SHR,
    BINARY_SUB,
    BINARY_XOR
};

struct binary_attrs {
    enum binary fn;
    int takes;
    bool compares; /* the result is bool */
    int axis;      /* of input 0 where the first dimension of input 1 goes (before version 7); else
                      -1: the last dimensions meet */
};

static const struct binary_row {
    const char *name;
    enum binary fn;
    int takes;
    bool compares;
} binary_rows[] = {
    {"Add", BINARY_ADD, ASH_TAKES_NUMBER, false},
    {"And", BINARY_AND, ASH_TAKES_BOOL, false},
    {"BitShift", BINARY_SHL, ASH_TAKES_INT, false},
    {"BitwiseAnd", BINARY_BITAND, ASH_TAKES_INT, false},
    {"BitwiseOr", BINARY_BITOR, ASH_TAKES_INT, false},
    {"BitwiseXor", BINARY_BITXOR, ASH_TAKES_INT, false},
    {"Div", BINARY_DIV, ASH_TAKES_NUMBER, false},
    {"Equal", BINARY_EQUAL, ASH_TAKES_NUMBER | ASH_TAKES_BOOL | ASH_TAKES_STRING, true},
    {"Greater", BINARY_GREATER, ASH_TAKES_NUMBER, true},
    {"GreaterOrEqual", BINARY_GREATEREQUAL, ASH_TAKES_NUMBER, true},
    {"Less", BINARY_LESS, ASH_TAKES_NUMBER, true},
    {"LessOrEqual", BINARY_LESSEQUAL, ASH_TAKES_NUMBER, true},
    {"Max", BINARY_MAX, ASH_TAKES_NUMBER, false},
    {"Mean", BINARY_MEAN, ASH_TAKES_FLOAT, false},
    {"Min", BINARY_MIN, ASH_TAKES_NUMBER, false},
    {"Mod", BINARY_MOD, ASH_TAKES_NUMBER, false},
    {"Mul", BINARY_MUL, ASH_TAKES_NUMBER, false},
    {"Or", BINARY_OR, ASH_TAKES_BOOL, false},
    {"Pow", BINARY_POW, ASH_TAKES_NUMBER, false},
    {"PRelu", BINARY_PRELU, ASH_TAKES_NUMBER, false},
    {"Sub", BINARY_SUB, ASH_TAKES_NUMBER, false},
    {"Sum", BINARY_ADD, ASH_TAKES_FLOAT, false},
    {"Xor", BINARY_XOR, ASH_TAKES_BOOL, false},
};

static int binary_parse(const struct ash_parse *c, void *attrs) {
    struct binary_attrs *a = attrs;
    static const char *const directions[] = {"LEFT", "RIGHT", NULL};
    const struct binary_row *row = binary_rows;
    int direction = 0;
    int64_t fmod_mode = 0, broadcast = 0, axis = -1;

    while (strcmp(row->name, c->node->op_type)) row++;
    a->fn = row->fn;
    a->takes = row->takes;
    a->compares = row->compares;
    ASH_TRY(ash_parse_int(c, "fmod", 0, &fmod_mode));
    if (a->fn == BINARY_MOD && fmod_mode) a->fn = BINARY_FMOD;
    if (a->fn == BINARY_SHL) {
        ASH_TRY(ash_parse_choice(c, "direction", directions, -1, &direction));
        ASH_FAIL_IF(direction < 0, c->err, ATTR, "attribute 'direction' is missing");
        if (direction) a->fn = BINARY_SHR;
    }
    if (c->node->opset < 7) {
        ASH_TRY(ash_parse_int(c, "broadcast", 0, &broadcast));
        ASH_TRY(ash_parse_int(c, "axis", -1, &axis));
    }
    ASH_FAIL_IF(axis < -1 || axis >= ASH_MAX_RANK, c->err, ATTR, "axis %lld is out of range",
                (long long)axis);
    a->axis = broadcast ? (int)axis : -1;
    if (c->node->opset < 7 && a->fn == BINARY_PRELU)
        a->axis = 1; /* one slope per channel, or one */
    return ASHORE_OK;
}

/* ---- inference ---- */

static struct ash_dim divide(struct ash_infer *c, struct ash_dim a, struct ash_dim b) {
    /* Extents are not negative, so that division rounds down; numbers that are known may be. */
    if (a.kind == ASH_DIM_EXACT && b.kind == ASH_DIM_EXACT && b.value != 0 && b.value != -1)
        return ash_dim_exact(a.value / b.value);
    return ash_infer_dim(c, ASH_DIM_FLOORDIV, a, b);
}

static struct ash_dim combine(struct ash_infer *c, enum binary fn, struct ash_dim a,
                              struct ash_dim b) {
    switch (fn) {
    case BINARY_ADD:
        return ash_infer_dim(c, ASH_DIM_ADD, a, b);
    case BINARY_SUB:
        return ash_infer_dim(c, ASH_DIM_SUB, a, b);
    case BINARY_MUL:
        return ash_infer_dim(c, ASH_DIM_MUL, a, b);
    case BINARY_DIV:
        return divide(c, a, b);
    case BINARY_MIN:
        return ash_infer_dim(c, ASH_DIM_MIN, a, b);
    case BINARY_MAX:
        return ash_infer_dim(c, ASH_DIM_MAX, a, b);
    case BINARY_EQUAL:
        if (ash_dim_same(a, b)) return ash_dim_exact(1);
        if (a.kind == ASH_DIM_EXACT && b.kind == ASH_DIM_EXACT) return ash_dim_exact(0);
        return ash_dim_unknown();
    default:
        return ash_dim_unknown();
    }
}

static ASH_APART int binary_contents(struct ash_infer *c, enum binary fn) {
    const struct ash_type *t = &c->out[0].type;
    struct ash_dim x[ASH_CONTENT_MAX], y[ASH_CONTENT_MAX];
    int n;

    if (t->rank < 0 || t->rank > 1 || (t->rank == 1 && t->dim[0].kind != ASH_DIM_EXACT))
        return ASHORE_OK;
    if (t->rank == 1 && t->dim[0].value > ASH_CONTENT_MAX) return ASHORE_OK;
    n = t->rank == 1 ? (int)t->dim[0].value : 1;
    if (!ash_infer_codes(c, 0, n, x)) return ASHORE_OK;
    for (int k = 1; k < c->n_in; k++) {
        if (!ash_infer_codes(c, k, n, y)) return ASHORE_OK;
        for (int i = 0; i < n; i++) x[i] = combine(c, fn, x[i], y[i]);
    }
    return ash_infer_set_codes(c, n, x);
}
ASH_ABSENT_WITHOUT(binary_contents, "+whole");

static int binary_infer(struct ash_infer *c) {
    const struct binary_attrs *a = c->attrs;
    int dtype, other, last = a->fn == BINARY_POW ? 1 : c->n_in;

    for (int i = 0; i < c->n_in; i++)
        ASH_FAIL_IF(!c->in[i], c->err, ARGUMENT, "input %d is missing", i);
    ASH_TRY(ash_infer_types(c, 0, last, a->takes, &dtype));
    ASH_TRY(ash_infer_types(c, last, c->n_in, a->takes, &other));
    if (a->compares) dtype = ASHORE_BOOL;
    if (a->axis >= 0) {
        ash_infer_like(c, 0, dtype, 0);
        return ASHORE_OK;
    }
    ASH_TRY(ash_infer_broadcast_all(c, 0, c->n_in, dtype));
    dtype = c->in[0]->type.dtype;
    return dtype == ASHORE_INT64 || dtype == ASHORE_INT32 ? binary_contents(c, a->fn) : ASHORE_OK;
}

/* ---- reference ---- */

static double modulo(double x, double y) { /* with the sign of y */
    double r = fmod(x, y);
    if (r == 0) return copysign(r, y);
    return (r < 0) != (y < 0) ? r + y : r;
}

/* Powers wrap.  A negative exponent gives the truncated quotient; of 0 as well, which has none. */
static uint64_t power(uint64_t x, int64_t y) {
    uint64_t r = 1;

    if (y < 0) return x == 1 ? 1 : x == UINT64_MAX ? (y & 1 ? x : 1) : 0;
    for (; y; y >>= 1, x *= x)
        if (y & 1) r *= x;
    return r;
}

/* Division by zero gives 0; the remainder by zero too.  y -1 is kept from overflowing. */
static int64_t quotient(enum binary fn, int64_t x, int64_t y, bool is_signed) {
    uint64_t ux = (uint64_t)x, uy = (uint64_t)y;
    int64_t r;

    if (y == 0) return 0;
    if (!is_signed) return (int64_t)(fn == BINARY_DIV ? ux / uy : ux % uy);
    if (y == -1) return fn == BINARY_DIV ? (int64_t)(0 - ux) : 0;
    if (fn == BINARY_DIV) return x / y;
    r = x % y;
    return fn == BINARY_MOD && r && (r < 0) != (y < 0) ? r + y : r;
}

/* Integers narrower than 64 bits come with their sign or zeros above: shifted that far, nothing
 * else is left.  So is everything by a negative distance. */
static int64_t shift(enum binary fn, int64_t x, int64_t y, bool is_signed) {
    bool far = (uint64_t)y > 63;

    if (fn == BINARY_SHL) return far ? 0 : (int64_t)((uint64_t)x << y);
    if (is_signed && x < 0) return far ? -1 : (int64_t)~(~(uint64_t)x >> y);
    return far ? 0 : (int64_t)((uint64_t)x >> y);
}

static uint64_t sloped(int64_t x, int64_t slope, bool is_signed) {
    return is_signed && x < 0 ? (uint64_t)x * (uint64_t)slope : (uint64_t)x;
}

union tile {
    double real[ASH_TILE];
    int64_t whole[ASH_TILE];
    char raw[ASH_TILE * sizeof(double)];
};

/* x = fn(x, y) for n elements. */
typedef void binary_fn(union tile *x, const union tile *y, size_t n, bool is_signed);

/* Of real numbers; what compares leaves integers. */
#define REAL(name, member, expr)                                                                   \
    static void real_##name(union tile *x, const union tile *y, size_t n, bool is_signed) {        \
        (void)is_signed;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            const double a = x->real[i], b = y->real[i];                                           \
            x->member[i] = (expr);                                                                 \
        }                                                                                          \
    }
REAL(add, real, a + b)
REAL(sub, real, a - b)
REAL(mul, real, (a * b))
REAL(div, real, a / b)
REAL(pow, real, pow(a, b))
REAL(prelu, real, a < 0 ? a * b : a)
REAL(mod, real, modulo(a, b))
REAL(fmod, real, fmod(a, b))
REAL(min, real, a < b || isnan(a) ? a : b)
REAL(max, real, a > b || isnan(a) ? a : b)
REAL(equal, whole, a == b)
REAL(less, whole, a < b)
REAL(lessequal, whole, a <= b)
REAL(greater, whole, a > b)
REAL(greaterequal, whole, a >= b)
#undef REAL

/* Of integers and booleans, which wrap. */
#define WHOLE(name, expr)                                                                          \
    static void whole_##name(union tile *x, const union tile *y, size_t n, bool is_signed) {       \
        /* Flipping the top bit of unsigned numbers orders them as signed ones. */                 \
        const int64_t flip = is_signed ? 0 : INT64_MIN;                                            \
        (void)flip;                                                                                \
        for (size_t i = 0; i < n; i++) {                                                           \
            const int64_t a = x->whole[i], b = y->whole[i];                                        \
            x->whole[i] = (int64_t)(expr);                                                         \
        }                                                                                          \
    }
WHOLE(add, (uint64_t)a + (uint64_t)b)
WHOLE(sub, (uint64_t)a - (uint64_t)b)
WHOLE(mul, ((uint64_t)a * (uint64_t)b))
WHOLE(div, quotient(BINARY_DIV, a, b, is_signed))
WHOLE(mod, quotient(BINARY_MOD, a, b, is_signed))
WHOLE(fmod, quotient(BINARY_FMOD, a, b, is_signed))
WHOLE(pow, power((uint64_t)a, b))
WHOLE(prelu, sloped(a, b, is_signed))
WHOLE(min, (a ^ flip) < (b ^ flip) ? a : b)
WHOLE(max, (a ^ flip) < (b ^ flip) ? b : a)
WHOLE(equal, a == b)
WHOLE(less, (a ^ flip) < (b ^ flip))
WHOLE(lessequal, (a ^ flip) <= (b ^ flip))
WHOLE(greater, (a ^ flip) > (b ^ flip))
WHOLE(greaterequal, (a ^ flip) >= (b ^ flip))
WHOLE(and, (a & b))
WHOLE(or, a | b)
WHOLE(xor, a ^ b)
WHOLE(shl, shift(BINARY_SHL, a, b, is_signed))
WHOLE(shr, shift(BINARY_SHR, a, b, is_signed))
#undef WHOLE

/* With the operators that need them, for trimmed engines (cmake/wasm_map.py).  NULL: for integers
 * alone. */
static const struct {
    const char *ops;
    binary_fn *real, *whole;
} ash_by_op_binary[] = {
    [BINARY_ADD] = {"Add|Sum", real_add, whole_add},
    [BINARY_AND] = {"And", NULL, whole_and},
    [BINARY_BITAND] = {"BitwiseAnd", NULL, whole_and},
    [BINARY_BITOR] = {"BitwiseOr", NULL, whole_or},
    [BINARY_BITXOR] = {"BitwiseXor", NULL, whole_xor},
    [BINARY_DIV] = {"Div", real_div, whole_div},
    [BINARY_EQUAL] = {"Equal", real_equal, whole_equal},
    [BINARY_FMOD] = {"Mod", real_fmod, whole_fmod},
    [BINARY_GREATER] = {"Greater", real_greater, whole_greater},
    [BINARY_GREATEREQUAL] = {"GreaterOrEqual", real_greaterequal, whole_greaterequal},
    [BINARY_LESS] = {"Less", real_less, whole_less},
    [BINARY_LESSEQUAL] = {"LessOrEqual", real_lessequal, whole_lessequal},
    [BINARY_MAX] = {"Max", real_max, whole_max},
    [BINARY_MEAN] = {"Mean", real_add, whole_add},
    [BINARY_MIN] = {"Min", real_min, whole_min},
    [BINARY_MOD] = {"Mod", real_mod, whole_mod},
    [BINARY_MUL] = {"Mul", real_mul, whole_mul},
    [BINARY_OR] = {"Or", NULL, whole_or},
    [BINARY_POW] = {"Pow", real_pow, whole_pow},
    [BINARY_PRELU] = {"PRelu", real_prelu, whole_prelu},
    [BINARY_SHL] = {"BitShift", NULL, whole_shl},
    [BINARY_SHR] = {"BitShift", NULL, whole_shr},
    [BINARY_SUB] = {"Sub", real_sub, whole_sub},
    [BINARY_XOR] = {"Xor", NULL, whole_xor},
};

/* n elements of an input from element `start` of the result on, as doubles or as integers. */
static void load(const struct ash_tensor *in, const struct ash_tensor *out, int64_t start, size_t n,
                 bool real, union tile *t) {
    union tile raw;
    const void *p = ash_broadcast_tile(in, out, start, n, raw.raw);

    if (real)
        ash_load_f64(in->dtype, p, n, t->real);
    else
        ash_load_i64(in->dtype, p, n, t->whole);
}

static int equal_strings(const struct ash_tensor *a, const struct ash_tensor *b,
                         struct ash_tensor *y) {
    struct ash_str ta[ASH_TILE], tb[ASH_TILE];
    int64_t count = ash_tensor_count(y);
    size_t n;

    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        const struct ash_str *sa = ash_broadcast_tile(a, y, start, n, ta);
        const struct ash_str *sb = ash_broadcast_tile(b, y, start, n, tb);
        bool *to = ash_at(y, start);

        for (size_t i = 0; i < n; i++)
            to[i] = sa[i].length == sb[i].length &&
                    (!sa[i].length ||
                     !memcmp(a->chars + sa[i].offset, b->chars + sb[i].offset, sa[i].length));
    }
    return ASHORE_OK;
}

/* b's dimensions, put at `axis` of a's. */
static int place(const struct ash_run *c, int axis, const struct ash_tensor *a,
                 struct ash_tensor *b) {
    int rank = a->rank - axis;

    ASH_FAIL_IF(rank < b->rank, c->err, SHAPE, "axis %d leaves no room for input 1 of rank %d",
                axis, b->rank);
    while (b->rank < rank) b->dim[b->rank++] = 1;
    for (int i = 0; i < rank; i++)
        ASH_FAIL_IF(b->dim[i] != 1 && b->dim[i] != a->dim[axis + i], c->err, SHAPE,
                    "extent %lld of input 1 cannot be broadcast to %lld", (long long)b->dim[i],
                    (long long)a->dim[axis + i]);
    return ASHORE_OK;
}

static int binary_ref(struct ash_run *c) {
    const struct binary_attrs *a = c->attrs;
    struct ash_tensor *y = c->out[0], placed;
    int first = c->in[0]->dtype, second = c->n_in > 1 ? c->in[1]->dtype : first;
    bool real = ash_dtype_is_float(first) || ash_dtype_is_float(second);
    bool is_signed = ash_dtype(first)->number == ASH_CLASS_INT;
    binary_fn *apply = real ? ash_by_op_binary[a->fn].real : ash_by_op_binary[a->fn].whole;
    int64_t count = ash_tensor_count(y);
    union tile acc, t;
    size_t n;

    if (first == ASHORE_STRING) return equal_strings(c->in[0], c->in[1], y);
    if (a->axis >= 0) {
        placed = *c->in[1];
        ASH_TRY(place(c, a->axis, c->in[0], &placed));
    }
    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        load(c->in[0], y, start, n, real, &acc);
        for (int k = 1; k < c->n_in; k++) {
            load(a->axis >= 0 ? &placed : c->in[k], y, start, n, real, &t);
            apply(&acc, &t, n, is_signed);
        }
        if (a->fn == BINARY_MEAN)
            for (size_t i = 0; i < n; i++) acc.real[i] /= c->n_in;
        if (real && !a->compares)
            ash_store_f64(y->dtype, acc.real, n, ash_at(y, start));
        else
            ash_store_i64(y->dtype, acc.whole, n, ash_at(y, start));
    }
    return ASHORE_OK;
}

/* ---- lowering ---- */

struct binary_params {
    const struct ash_eltwise_row *row;
    enum ash_binary op;
};

static int binary_run(struct ash_run *c) {
    const struct binary_params *p = c->params;
    const struct ash_tensor *x[2] = {c->in[0], c->in[1]}, *y = c->out[0];
    size_t dim[3][ASH_MAX_RANK];
    const struct ash_eltwise_operand a = {x[0]->rank, dim[0], x[0]->data};
    const struct ash_eltwise_operand b = {x[1]->rank, dim[1], x[1]->data};

    ash_run_extents(x[0], dim[0]);
    ash_run_extents(x[1], dim[1]);
    ash_run_extents(y, dim[2]);
    ash_eltwise_binary(p->row, c->pool, p->op, (struct ash_act_f32){0}, y->rank, dim[2], &a, &b,
                       y->data);
    return ASHORE_OK;
}

static int square_run(struct ash_run *c) {
    const struct binary_params *p = c->params;

    ash_eltwise_unary(p->row, c->pool, ASH_UNARY_SQUARE, 0, 0, (size_t)ash_tensor_count(c->out[0]),
                      c->in[0]->data, c->out[0]->data);
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(square_run, "Pow");

static int binary_lower(struct ash_lower *c) {
    /* One more than the kernel's number; 0: there is none. */
    static const unsigned char ops[BINARY_XOR + 1] = {
        [BINARY_ADD] = 1 + ASH_BINARY_ADD,     [BINARY_DIV] = 1 + ASH_BINARY_DIV,
        [BINARY_MAX] = 1 + ASH_BINARY_MAX,     [BINARY_MIN] = 1 + ASH_BINARY_MIN,
        [BINARY_MUL] = 1 + ASH_BINARY_MUL,     [BINARY_POW] = 1 + ASH_BINARY_POW,
        [BINARY_PRELU] = 1 + ASH_BINARY_PRELU, [BINARY_SUB] = 1 + ASH_BINARY_SUB};
    const struct binary_attrs *a = c->attrs;
    const struct ash_eltwise_row *row = ash_eltwise_best();
    const float *power;
    struct binary_params *p;

    if (!ops[a->fn] || a->axis >= 0 || c->n_in != 2 || !ash_lower_all_f32(c)) return ASHORE_OK;
    p = ash_lower_to(c, binary_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = row;
    p->op = (enum ash_binary)(ops[a->fn] - 1);
    power = a->fn == BINARY_POW ? ash_lower_constant(c, 1, 1) : NULL;
    if (power && *power == 2.0f && c->in[0]->type.rank == c->out->type.rank) c->run = square_run;
    return ASHORE_OK;
}

#define BINARY(op, version, last)                                                                  \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = version,                                                                             \
     .in_min = (last) == 2 ? 2 : 1,                                                                \
     .in_max = last,                                                                               \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_ELEMENTWISE,                                                                  \
     .inplace = 3,                                                                                 \
     .attrs_size = sizeof(struct binary_attrs),                                                    \
     .parse = binary_parse,                                                                        \
     .infer = binary_infer,                                                                        \
     .ref = binary_ref,                                                                            \
     .lower = binary_lower}

extern const struct ash_op ash_ops_binary[];
const struct ash_op ash_ops_binary[] = {
    BINARY("Add", 1, 2),
    BINARY("And", 1, 2),
    BINARY("BitShift", 11, 2),
    BINARY("BitwiseAnd", 18, 2),
    BINARY("BitwiseOr", 18, 2),
    BINARY("BitwiseXor", 18, 2),
    BINARY("Div", 1, 2),
    BINARY("Equal", 1, 2),
    BINARY("Greater", 1, 2),
    BINARY("GreaterOrEqual", 12, 2),
    BINARY("Less", 1, 2),
    BINARY("LessOrEqual", 12, 2),
    BINARY("Max", 1, ASH_VARIADIC),
    BINARY("Mean", 1, ASH_VARIADIC),
    BINARY("Min", 1, ASH_VARIADIC),
    BINARY("Mod", 10, 2),
    BINARY("Mul", 1, 2),
    BINARY("Or", 1, 2),
    BINARY("Pow", 1, 2),
    BINARY("PRelu", 1, 2),
    BINARY("Sub", 1, 2),
    BINARY("Sum", 1, ASH_VARIADIC),
    BINARY("Xor", 1, 2),
    {0},
};
