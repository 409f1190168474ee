/* Reductions over axes. */
#include "kernels/eltwise/eltwise.h"
#include "kernels/reduce/reduce.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

enum reduction {
    REDUCE_L1,
    REDUCE_L2,
    REDUCE_LOGSUM,
    REDUCE_LOGSUMEXP,
    REDUCE_MAX,
    REDUCE_MEAN,
    REDUCE_MIN,
    REDUCE_PROD,
    REDUCE_SUM,
    REDUCE_SUMSQUARE
};

struct reduction_attrs {
    enum reduction fn;
    bool keepdims, noop; /* noop: no axes means none, not all */
    const int64_t *axes; /* where they are no input */
    size_t n_axes;
};

static const char *const reduction_names[] = {
    "ReduceL1",   "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd",   "ReduceSum",       "ReduceSumSquare"};

static int reduction_parse(const struct ash_parse *c, void *attrs) {
    struct reduction_attrs *a = attrs;
    int64_t keepdims, noop;
    int fn = 0;

    while (strcmp(reduction_names[fn], c->node->op_type)) fn++;
    a->fn = (enum reduction)fn;
    ASH_TRY(ash_parse_int(c, "keepdims", 1, &keepdims));
    ASH_TRY(ash_parse_int(c, "noop_with_empty_axes", 0, &noop));
    ASH_TRY(ash_parse_ints(c, "axes", &a->axes, &a->n_axes));
    ASH_FAIL_IF(a->n_axes > ASH_MAX_RANK, c->err, ATTR, "%d axes", (int)a->n_axes);
    a->keepdims = keepdims != 0;
    a->noop = noop != 0;
    return ASHORE_OK;
}

/* Which of rank dimensions the axes name, as bits. */
static int axes_mask(const struct reduction_attrs *a, int rank, const int64_t *axes, int n,
                     unsigned *mask, struct ashore_error *err) {
    *mask = n || a->noop ? 0 : (1u << rank) - 1;
    for (int i = 0; i < n; i++) {
        int axis;
        ASH_TRY(ash_axis(axes[i], rank, &axis, err));
        *mask |= 1u << axis;
    }
    return ASHORE_OK;
}

/* ---- inference ---- */

/* Sum, product, least or largest of the known contents of a vector. */
static int reduction_contents(struct ash_infer *c, enum reduction fn) {
    const struct ash_info *in = c->in[0];
    enum ash_dim_op op = fn == REDUCE_SUM    ? ASH_DIM_ADD
                         : fn == REDUCE_PROD ? ASH_DIM_MUL
                         : fn == REDUCE_MIN  ? ASH_DIM_MIN
                                             : ASH_DIM_MAX;
    struct ash_dim x[ASH_CONTENT_MAX];
    int n = 0;

    if (fn != REDUCE_SUM && fn != REDUCE_PROD && fn != REDUCE_MIN && fn != REDUCE_MAX)
        return ASHORE_OK;
    if (!in->content || in->type.rank != 1 || in->type.dim[0].value > ASH_CONTENT_MAX)
        return ASHORE_OK;
    ASH_TRY(ash_infer_ints(c, 0, x, ASH_CONTENT_MAX, &n));
    if (!n) return ASHORE_OK;
    for (int i = 1; i < n; i++) x[0] = ash_infer_dim(c, op, x[0], x[i]);
    return ash_infer_set_codes(c, 1, x);
}

static int reduction_infer(struct ash_infer *c) {
    const struct reduction_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    bool order = a->fn == REDUCE_MAX || a->fn == REDUCE_MIN;
    struct ash_dim dim[ASH_MAX_RANK];
    int64_t list[ASH_MAX_RANK];
    const int64_t *axes = a->axes;
    unsigned mask;
    int dtype, n = (int)a->n_axes, rank = 0, rc = ASHORE_OK;

    ASH_TRY(ash_infer_types(c, 0, 1, order ? ASH_TAKES_NUMBER | ASH_TAKES_BOOL : ASH_TAKES_NUMBER,
                            &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    if (ash_infer_has(c, 1)) {
        const struct ash_type *axes_type = &c->in[1]->type;

        ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &n));
        axes = list;
        n = 0;
        if (axes_type->rank != 1 || !ash_dim_is(axes_type->dim[0], 0))
            rc = ash_infer_exact_ints(c, 1, list, ASH_MAX_RANK, &n);
        if (rc < 0) return rc;
    }
    if (t->rank < 0) return rc;
    if (rc == ASHORE_NEEDS_DATA) {
        for (int i = 0; i < t->rank; i++)
            dim[i] = ash_dim_is(t->dim[i], 1) ? t->dim[i] : ash_dim_unknown();
        if (a->keepdims) ash_infer_set(c, 0, dtype, t->rank, dim);
        return rc;
    }
    ASH_TRY(axes_mask(a, t->rank, axes, n, &mask, c->err));
    for (int i = 0; i < t->rank; i++) {
        if (!(mask >> i & 1))
            dim[rank++] = t->dim[i];
        else if (a->keepdims)
            dim[rank++] = ash_dim_exact(1);
    }
    ash_infer_set(c, 0, dtype, rank, dim);
    return mask == 1 ? reduction_contents(c, a->fn) : ASHORE_OK;
}

/* ---- reference ---- */

struct accumulator {
    double real, peak; /* LogSumExp: the sum of exp(x - peak), and the largest x so far */
    int64_t whole;
};

/* Least (or largest) value of an integer type. */
static int64_t whole_limit(int dtype, bool largest) {
    const struct ash_dtype_facts *f = ash_dtype(dtype);
    bool is_signed = f->number == ASH_CLASS_INT;
    uint64_t top = UINT64_C(1) << (f->bits - 1);

    if (largest) return (int64_t)(is_signed ? top - 1 : top - 1 + top);
    return is_signed ? (int64_t)(0 - top) : 0;
}

static struct accumulator begin(enum reduction fn, int dtype) {
    struct accumulator acc = {0};

    if (fn == REDUCE_LOGSUMEXP) acc.peak = -(double)INFINITY;
    if (fn == REDUCE_MAX) acc.real = -(double)INFINITY;
    if (fn == REDUCE_MIN) acc.real = (double)INFINITY;
    if (fn == REDUCE_PROD) acc.real = 1;
    if (fn == REDUCE_PROD) acc.whole = 1;
    if (fn == REDUCE_MAX || fn == REDUCE_MIN) acc.whole = whole_limit(dtype, fn == REDUCE_MIN);
    return acc;
}

static void add_exp(struct accumulator *acc, double x) {
    if (x == -(double)INFINITY) return;
    if (x > acc->peak) {
        acc->real = x == (double)INFINITY ? 1 : acc->real * exp(acc->peak - x) + 1;
        acc->peak = x;
    } else if (x != acc->peak || !isinf(x)) {
        acc->real += exp(x - acc->peak);
    }
}

static void add_real(enum reduction fn, struct accumulator *acc, const double *x, size_t n) {
    double r = acc->real;

    if (fn == REDUCE_LOGSUMEXP) {
        for (size_t i = 0; i < n; i++) add_exp(acc, x[i]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        switch (fn) {
        case REDUCE_MAX:
            r = x[i] > r || isnan(x[i]) ? x[i] : r;
            break;
        case REDUCE_MIN:
            r = x[i] < r || isnan(x[i]) ? x[i] : r;
            break;
        case REDUCE_PROD:
            r *= x[i];
            break;
        case REDUCE_L1:
            r += fabs(x[i]);
            break;
        case REDUCE_L2:
        case REDUCE_SUMSQUARE:
            r += x[i] * x[i];
            break;
        default:
            r += x[i];
        }
    }
    acc->real = r;
}

static void add_whole(enum reduction fn, struct accumulator *acc, const int64_t *x, size_t n,
                      bool is_signed) {
    uint64_t r = (uint64_t)acc->whole;

    for (size_t i = 0; i < n; i++) {
        uint64_t v = (uint64_t)x[i];
        bool less = is_signed ? x[i] < (int64_t)r : v < r;

        switch (fn) {
        case REDUCE_MAX:
            r = less ? r : v;
            break;
        case REDUCE_MIN:
            r = less ? v : r;
            break;
        case REDUCE_PROD:
            r *= v;
            break;
        case REDUCE_L1:
            r += is_signed && x[i] < 0 ? 0 - v : v;
            break;
        case REDUCE_SUMSQUARE:
            r += v * v;
            break;
        default:
            r += v;
        }
    }
    acc->whole = (int64_t)r;
}

static double end_real(enum reduction fn, const struct accumulator *acc, int64_t count) {
    switch (fn) {
    case REDUCE_MEAN:
        return acc->real / (double)count;
    case REDUCE_L2:
        return sqrt(acc->real);
    case REDUCE_LOGSUM:
        return log(acc->real);
    case REDUCE_LOGSUMEXP:
        return isinf(acc->peak) ? acc->peak + acc->real : acc->peak + log(acc->real);
    default:
        return acc->real;
    }
}

static int64_t end_whole(enum reduction fn, const struct accumulator *acc, int64_t count,
                         bool is_signed) {
    if (fn != REDUCE_MEAN) return acc->whole;
    if (!count) return 0;
    return is_signed ? acc->whole / count : (int64_t)((uint64_t)acc->whole / (uint64_t)count);
}

/* The reduced dimensions of an input, neighbours merged, the innermost apart. */
struct span {
    int rank;
    int64_t dim[ASH_MAX_RANK];
    int64_t stride[1][ASH_MAX_RANK];
    int64_t length, step; /* of the innermost */
    int64_t count;        /* of all */
};

static void span_add(struct span *s, int64_t dim, int64_t stride) { /* innermost first */
    s->count *= dim;
    if (dim == 1) return;
    if (s->length == 1) {
        s->length = dim;
        s->step = stride;
    } else if (!s->rank && stride == s->length * s->step) {
        s->length *= dim;
    } else {
        /* ash_index_next walks the last dimension fastest. */
        memmove(s->dim + 1, s->dim, (size_t)s->rank * sizeof s->dim[0]);
        memmove(s->stride[0] + 1, s->stride[0], (size_t)s->rank * sizeof s->dim[0]);
        s->dim[0] = dim;
        s->stride[0][0] = stride;
        s->rank++;
    }
}

/* Reduces the elements of one result, which lie at offsets from `base`. */
static void reduce_one(enum reduction fn, const struct ash_tensor *x, const struct span *s,
                       int64_t base, struct ash_tensor *y, int64_t o) {
    bool is_signed = ash_dtype(x->dtype)->number == ASH_CLASS_INT;
    bool real = ash_dtype_is_float(x->dtype) || fn == REDUCE_L2 || fn == REDUCE_LOGSUM ||
                fn == REDUCE_LOGSUMEXP;
    struct accumulator acc = begin(fn, x->dtype);
    int64_t index[ASH_MAX_RANK] = {0}, offset[1] = {base}, whole[ASH_TILE];
    double t[ASH_TILE];
    _Alignas(8) char raw[ASH_TILE * sizeof(double)];
    size_t n;

    if (s->count) {
        do {
            for (int64_t i = 0; (n = ash_tile_size(s->length, i)); i += (int64_t)n) {
                const void *from = ash_gather_tile(x, offset[0] + i * s->step, s->step, n, raw);

                if (real) {
                    ash_load_f64(x->dtype, from, n, t);
                    add_real(fn, &acc, t, n);
                } else {
                    ash_load_i64(x->dtype, from, n, whole);
                    add_whole(fn, &acc, whole, n, is_signed);
                }
            }
        } while (ash_index_next(s->rank, s->dim, index, 1, offset, s->stride));
    }
    t[0] = end_real(fn, &acc, s->count);
    whole[0] = end_whole(fn, &acc, s->count, is_signed);
    if (real)
        ash_store_f64(y->dtype, t, 1, ash_at(y, o));
    else
        ash_store_i64(y->dtype, whole, 1, ash_at(y, o));
}

static int reduction_ref(struct ash_run *c) {
    const struct reduction_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int64_t list[ASH_MAX_RANK], out_dim[ASH_MAX_RANK], kept_dim[ASH_MAX_RANK];
    int64_t kept_stride[1][ASH_MAX_RANK], index[ASH_MAX_RANK] = {0}, offset[1] = {0};
    const int64_t(*steps)[ASH_MAX_RANK] = (const int64_t(*)[ASH_MAX_RANK])kept_stride;
    const int64_t *axes = a->axes;
    struct span span = {.length = 1, .step = 1, .count = 1};
    int n = (int)a->n_axes, rank = 0, kept = 0;
    unsigned mask;

    if (ash_run_has(c, 1)) {
        int64_t count = ash_tensor_count(c->in[1]);

        ASH_FAIL_IF(count > ASH_MAX_RANK, c->err, INDEX, "%lld axes", (long long)count);
        ash_load_i64(c->in[1]->dtype, c->in[1]->data, (size_t)count, list);
        axes = list;
        n = (int)count;
    }
    ASH_TRY(axes_mask(a, x->rank, axes, n, &mask, c->err));
    for (int i = 0; i < x->rank; i++) {
        if (mask >> i & 1) {
            if (a->keepdims) out_dim[rank++] = 1;
        } else {
            out_dim[rank++] = kept_dim[kept] = x->dim[i];
            kept_stride[0][kept++] = ash_dims_product(x->dim, i + 1, x->rank);
        }
    }
    for (int i = x->rank - 1; i >= 0; i--)
        if (mask >> i & 1) span_add(&span, x->dim[i], ash_dims_product(x->dim, i + 1, x->rank));
    ASH_TRY(ash_run_alloc(c, 0, x->dtype, rank, out_dim));
    if (!ash_tensor_count(c->out[0])) return ASHORE_OK;
    for (int64_t o = 0;; o++) {
        reduce_one(a->fn, x, &span, offset[0], c->out[0], o);
        if (!ash_index_next(kept, kept_dim, index, 1, offset, steps)) return ASHORE_OK;
    }
}

/* ---- lowering ---- */

struct reduction_params {
    const struct ash_reduce_row *row;
    const struct ash_eltwise_row *log; /* NULL: the sum is the result */
    enum ash_reduce op;
    unsigned mask;
};

static int reduction_run(struct ash_run *c) {
    const struct reduction_params *p = c->params;
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    size_t dim[ASH_MAX_RANK];
    bool reduced[ASH_MAX_RANK];

    ash_run_extents(x, dim);
    for (int i = 0; i < x->rank; i++) reduced[i] = p->mask >> i & 1;
    ash_reduce_f32(p->row, c->pool, p->op, x->rank, dim, reduced, x->data, y->data);
    if (p->log)
        ash_eltwise_unary(p->log, c->pool, ASH_UNARY_LOG, 0, 0, (size_t)ash_tensor_count(y),
                          y->data, y->data);
    return ASHORE_OK;
}

static int reduction_lower(struct ash_lower *c) {
    static const signed char ops[] = {
        [REDUCE_L1] = ASH_REDUCE_L1,      [REDUCE_L2] = ASH_REDUCE_L2,
        [REDUCE_LOGSUM] = ASH_REDUCE_SUM, [REDUCE_LOGSUMEXP] = -1,
        [REDUCE_MAX] = ASH_REDUCE_MAX,    [REDUCE_MEAN] = ASH_REDUCE_MEAN,
        [REDUCE_MIN] = ASH_REDUCE_MIN,    [REDUCE_PROD] = ASH_REDUCE_PROD,
        [REDUCE_SUM] = ASH_REDUCE_SUM,    [REDUCE_SUMSQUARE] = ASH_REDUCE_SUMSQ};
    const struct reduction_attrs *a = c->attrs;
    const struct ash_tensor *input = c->n_in > 1 && c->in[1] ? c->in[1]->data : NULL;
    int64_t list[ASH_MAX_RANK];
    const int64_t *axes = a->axes;
    int n = (int)a->n_axes;
    struct reduction_params *p;

    if (ops[a->fn] < 0 || !ash_lower_in_f32(c, 0)) return ASHORE_OK;
    if (c->n_in > 1 && c->in[1] && !input) return ASHORE_OK;
    if (input) {
        int64_t count = ash_tensor_count(input);

        if (count > ASH_MAX_RANK) return ASHORE_OK;
        ash_load_i64(input->dtype, input->data, (size_t)count, list);
        axes = list;
        n = (int)count;
    }
    p = ash_lower_to(c, reduction_run, sizeof *p, ash_reduce_best()->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = ash_reduce_best();
    p->log = a->fn == REDUCE_LOGSUM ? ash_eltwise_best() : NULL;
    p->op = (enum ash_reduce)ops[a->fn];
    return axes_mask(a, c->in[0]->type.rank, axes, n, &p->mask, c->err);
}

#define REDUCE(op, from, to, inputs)                                                               \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = from,                                                                                \
     .until = to,                                                                                  \
     .in_min = 1,                                                                                  \
     .in_max = inputs,                                                                             \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .attrs_size = sizeof(struct reduction_attrs),                                                 \
     .parse = reduction_parse,                                                                     \
     .infer = reduction_infer,                                                                     \
     .ref = reduction_ref,                                                                         \
     .lower = reduction_lower}
#define REDUCE_18(op) REDUCE(op, 1, 17, 1), REDUCE(op, 18, 0, 2)

extern const struct ash_op ash_ops_reduction[];
const struct ash_op ash_ops_reduction[] = {
    REDUCE_18("ReduceL1"),         REDUCE_18("ReduceL2"),        REDUCE_18("ReduceLogSum"),
    REDUCE_18("ReduceLogSumExp"),  REDUCE_18("ReduceMax"),       REDUCE_18("ReduceMean"),
    REDUCE_18("ReduceMin"),        REDUCE_18("ReduceProd"),      REDUCE("ReduceSum", 1, 12, 1),
    REDUCE("ReduceSum", 13, 0, 2), REDUCE_18("ReduceSumSquare"), {0},
};
