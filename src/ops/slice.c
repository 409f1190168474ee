/* Slice. */
#include "ops/elementwise.h"
#include "ops/move.h"

extern const struct ash_op ash_ops_slice[];

struct slice_attrs {        /* before operator set 10 */
    const int64_t *list[3]; /* starts, ends, axes */
    size_t n[3];
};

static int slice_parse(const struct ash_parse *c, void *attrs) {
    static const char *const names[] = {"starts", "ends", "axes"};
    struct slice_attrs *a = attrs;
    for (int i = 0; i < 3; i++) ASH_TRY(ash_parse_ints(c, names[i], &a->list[i], &a->n[i]));
    ASH_FAIL_IF(a->n[0] != a->n[1] || (a->list[2] && a->n[2] != a->n[0]) || a->n[0] > ASH_MAX_RANK,
                c->err, ATTR, "starts, ends and axes have %zu, %zu and %zu elements", a->n[0],
                a->n[1], a->n[2]);
    return ASHORE_OK;
}

/* First element and count of start:end:step over extent n. */
static void slice_range(int64_t n, int64_t start, int64_t end, int64_t step, int64_t *first,
                        int64_t *count) {
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    if (start < 0) start = start < -n ? -1 : start + n;
    if (end < 0) end = end < -n ? -1 : end + n;
    if (start < 0) start = 0;
    if (start > high) start = high;
    if (end < low) end = low;
    if (end > high) end = high;
    int64_t span = step > 0 ? end - start : start - end;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    *first = start;
    *count = span > 0 && n > 0 ? (int64_t)(((uint64_t)span - 1) / stride + 1) : 0;
}

/* A position counted from the front of an extent n. */
static struct ash_dim position(struct ash_infer *c, struct ash_dim n, struct ash_dim at) {
    if (at.kind != ASH_DIM_EXACT || at.value >= 0) return ash_infer_dim(c, ASH_DIM_MIN, n, at);
    struct ash_dim p = ash_infer_dim(c, ASH_DIM_ADD, n, at);
    return ash_infer_dim(c, ASH_DIM_MAX, p, ash_dim_exact(0));
}

/* The extent of a forward slice where not everything is exact. */
static ASH_APART struct ash_dim slice_symbolic(struct ash_infer *c, struct ash_dim n,
                                               struct ash_dim start, struct ash_dim end,
                                               int64_t step) {
    bool to_end = end.kind == ASH_DIM_EXACT && end.value >= INT32_MAX;
    struct ash_dim count;
    if (to_end && start.kind == ASH_DIM_EXACT && start.value < 0) {
        count = ash_infer_dim(c, ASH_DIM_MIN, n, ash_dim_exact(-start.value));
    } else {
        struct ash_dim last = to_end || ash_dim_same(n, end) ? n : position(c, n, end);
        if (start.kind != ASH_DIM_EXACT || start.value < 0) start = position(c, n, start);
        count = ash_infer_dim(c, ASH_DIM_SUB, last, start);
        if (count.kind == ASH_DIM_BOUNDED || count.kind == ASH_DIM_EXACT)
            count = ash_infer_dim(c, ASH_DIM_MAX, count, ash_dim_exact(0));
    }
    count = ash_infer_dim(c, ASH_DIM_ADD, count, ash_dim_exact(step - 1));
    return ash_infer_dim(c, ASH_DIM_FLOORDIV, count, ash_dim_exact(step));
}
ASH_ABSENT_WITHOUT(slice_symbolic, "+inexact");

static int slice_dim(struct ash_infer *c, struct ash_dim n, struct ash_dim start,
                     struct ash_dim end, struct ash_dim step, struct ash_dim *out) {
    ASH_FAIL_IF(ash_dim_is(step, 0), c->err, ARGUMENT, "a slice in steps of 0");
    *out = ash_dim_unknown();
    bool known = step.kind == ASH_DIM_EXACT && ash_infer_known(&start, 1) == ASHORE_OK &&
                 ash_infer_known(&end, 1) == ASHORE_OK;
    if (known && n.kind == ASH_DIM_EXACT && start.kind == ASH_DIM_EXACT &&
        end.kind == ASH_DIM_EXACT) {
        int64_t first, count;
        slice_range(n.value, start.value, end.value, step.value, &first, &count);
        *out = ash_dim_exact(count);
    } else if (known && step.value > 0 && step.value < INT32_MAX && start.value > INT32_MIN) {
        *out = slice_symbolic(c, n, start, end, step.value);
    }
    bool reversed = known && ash_dim_is(step, -1) && ash_dim_is(start, -1) &&
                    end.kind == ASH_DIM_EXACT && end.value <= -INT32_MAX;
    if (reversed) *out = n;
    /* whatever is cut, it has at most the extent */
    bool bound = n.kind == ASH_DIM_EXACT || n.kind == ASH_DIM_BOUNDED;
    if (out->kind == ASH_DIM_UNKNOWN && bound) *out = ash_dim_bounded(n.value);
    return known ? ASHORE_OK : ASHORE_NEEDS_DATA;
}

/* starts, ends, axes, steps as far as they are known.  *n: length of starts. */
static int slice_lists(struct ash_infer *c, struct ash_dim list[4][ASH_MAX_RANK], int *n) {
    const struct slice_attrs *a = c->attrs;
    int length[4] = {-1, -1, -1, -1};
    for (int i = 0; i < 4; i++) {
        if (ash_infer_has(c, i + 1))
            ASH_TRY(ash_infer_ints(c, i + 1, list[i], ASH_MAX_RANK, &length[i]));
        if (i > 2 || !a->list[i]) continue;
        length[i] = (int)a->n[i];
        for (int k = 0; k < length[i]; k++) list[i][k] = ash_dim_exact(a->list[i][k]);
    }
    *n = length[0] < 0 ? 0 : length[0];
    for (int i = 1; i < 4; i++) {
        bool wrong = length[i] != *n && (length[i] >= 0 || (i == 1 && *n));
        ASH_FAIL_IF(wrong, c->err, SHAPE, "%d starts, but %d ends, axes or steps", *n, length[i]);
        if (length[i] >= 0) continue;
        for (int k = 0; k < *n; k++) list[i][k] = ash_dim_exact(i == 2 ? k : 1);
    }
    return ASHORE_OK;
}

static int slice_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim list[4][ASH_MAX_RANK], dim[ASH_MAX_RANK];
    int64_t number[ASH_MAX_RANK];
    int axes[ASH_MAX_RANK], n = 0, dtype;
    ASH_TRY(ash_infer_types(c, 1, 5, ASH_TAKES_INT, &dtype));
    c->out->type.dtype = t->dtype;
    int rc = slice_lists(c, list, &n);
    if (rc < 0 || t->rank < 0) return rc;
    for (int k = 0; rc == ASHORE_OK && k < n; k++) {
        if (list[2][k].kind != ASH_DIM_EXACT) rc = ASHORE_NEEDS_DATA;
        number[k] = list[2][k].value;
    }
    for (int i = 0; i < t->rank; i++) {
        bool bound = rc && (t->dim[i].kind == ASH_DIM_EXACT || t->dim[i].kind == ASH_DIM_BOUNDED);
        dim[i] = bound ? ash_dim_bounded(t->dim[i].value) : rc ? ash_dim_unknown() : t->dim[i];
    }
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    if (rc != ASHORE_OK) return rc;
    ASH_TRY(ash_axes(number, n, t->rank, axes, c->err));
    for (int k = 0; k < n; k++) {
        int i = axes[k];
        int one = slice_dim(c, t->dim[i], list[0][k], list[1][k], list[3][k], &dim[i]);
        if (one < 0) return one;
        if (one) rc = one;
    }
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    return rc;
}

/* Element k of list i (0 starts, 1 ends, 2 axes, 3 steps). */
static int64_t element(const struct ash_run *c, int i, int64_t k) {
    const struct slice_attrs *a = c->attrs;
    if (ash_run_has(c, i + 1)) return ash_get_i64(c->in[i + 1], k);
    if (i < 3 && a->list[i]) return a->list[i][k];
    return i == 2 ? k : 1;
}

static int slice_ref(struct ash_run *c) {
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    const struct slice_attrs *a = c->attrs;
    int64_t from[ASH_MAX_RANK], to[ASH_MAX_RANK], offset = 0;
    int64_t n = ash_run_has(c, 1) ? ash_tensor_count(c->in[1]) : (int64_t)a->n[0];
    ash_steps(in->rank, in->dim, from);
    ash_steps(out->rank, out->dim, to);
    for (int64_t k = 0; k < n; k++) {
        int i;
        int64_t first, count, step = element(c, 3, k);
        ASH_TRY(ash_axis(element(c, 2, k), in->rank, &i, c->err));
        slice_range(in->dim[i], element(c, 0, k), element(c, 1, k), step, &first, &count);
        offset += first * from[i];
        if (count > 1) from[i] *= step;
    }
    if (ash_tensor_count(out) == 0) return ASHORE_OK;
    ash_move(out->rank, out->dim, ash_dtype_size(out->dtype), ash_at(in, offset), from, out->data,
             to);
    return ASHORE_OK;
}

#define SLICE                                                                                      \
    .name = "Slice", .domain = "", .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES,              \
    .attrs_size = sizeof(struct slice_attrs), .infer = slice_infer, .ref = slice_ref

const struct ash_op ash_ops_slice[] = {
    {SLICE, .since = 1, .until = 9, .in_min = 1, .in_max = 1, .parse = slice_parse},
    {SLICE, .since = 10, .in_min = 3, .in_max = 5, .parse = slice_parse},
    {0}};
