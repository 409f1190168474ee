/* Scatter, ScatterElements, ScatterND and TensorScatter: a copy of the data with updates written
 * into it, one after the other. */
#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/move.h"

#include <math.h>
#include <string.h>

enum scatter { SCATTER_NONE, SCATTER_ADD, SCATTER_MUL, SCATTER_MIN, SCATTER_MAX };

struct scatter_attrs {
    int64_t axis;
    int fn;
};

static int scatter_parse(const struct ash_parse *c, void *attrs) {
    static const char *const names[] = {"none", "add", "mul", "min", "max", NULL};
    struct scatter_attrs *a = attrs;

    ASH_TRY(ash_parse_int(c, "axis", 0, &a->axis));
    return ash_parse_choice(c, "reduction", names, SCATTER_NONE, &a->fn);
}

static int differing(const struct ash_dim *a, const struct ash_dim *b, int n) {
    for (int i = 0; i < n; i++)
        if (a[i].kind == ASH_DIM_EXACT && b[i].kind == ASH_DIM_EXACT && a[i].value != b[i].value)
            return i;
    return -1;
}

/* The output's type; what is combined is no movement of known contents. */
static int like_data(struct ash_infer *c, bool combined) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim unknown[ASH_CONTENT_MAX];
    int takes = ASH_TAKES_NUMBER | ASH_TAKES_BOOL, dtype, k;
    int64_t n = 1;

    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &dtype));
    for (int i = 0; i < 3; i += 2) {
        ASH_TRY(ash_infer_types(c, i, i + 1, combined ? takes : ASH_TAKES_ANY, &k));
        ASH_FAIL_IF(i && dtype && k && k != dtype, c->err, TYPE, "updates of type %s for %s",
                    ash_dtype(k)->name, ash_dtype(dtype)->name);
        if (!i || !dtype) dtype = k;
    }
    ash_infer_like(c, 0, dtype, 0);
    if (!combined || t->rank < 0 || (dtype != ASHORE_INT64 && dtype != ASHORE_INT32))
        return ASHORE_OK;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i].kind != ASH_DIM_EXACT || t->dim[i].value > ASH_CONTENT_MAX) return ASHORE_OK;
        n *= t->dim[i].value;
        if (n > ASH_CONTENT_MAX) return ASHORE_OK;
    }
    for (int i = 0; i < (int)n; i++) unknown[i] = ash_dim_unknown();
    return ash_infer_set_codes(c, (int)n, unknown);
}

/* ---- combining ---- */

static double combine_real(int fn, double x, double y) {
    switch (fn) {
    case SCATTER_ADD:
        return x + y;
    case SCATTER_MUL:
        return x * y;
    case SCATTER_MIN:
        return x < y || isnan(x) ? x : y;
    default:
        return x > y || isnan(x) ? x : y;
    }
}

static int64_t combine_whole(int fn, int64_t x, int64_t y, bool is_signed) {
    bool less = is_signed ? x < y : (uint64_t)x < (uint64_t)y;

    switch (fn) {
    case SCATTER_ADD:
        return (int64_t)((uint64_t)x + (uint64_t)y);
    case SCATTER_MUL:
        return (int64_t)((uint64_t)x * (uint64_t)y);
    case SCATTER_MIN:
        return less ? x : y;
    default:
        return less ? y : x;
    }
}

/* dst = fn(dst, src) for n elements side by side. */
static void combine(int fn, int dtype, size_t n, char *dst, const char *src) {
    union {
        double real[ASH_TILE];
        int64_t whole[ASH_TILE];
    } x, y;
    bool is_signed = ash_dtype(dtype)->number == ASH_CLASS_INT;
    size_t size = ash_dtype_size(dtype);

    if (fn == SCATTER_ADD && dtype == ASHORE_FLOAT32) { /* the same bits: one rounding */
        float *d = (float *)(void *)dst;
        const float *s = (const float *)(const void *)src;

        for (size_t i = 0; i < n; i++) d[i] += s[i];
        return;
    }
    for (size_t m; n; n -= m, dst += m * size, src += m * size) {
        m = n < ASH_TILE ? n : ASH_TILE;
        if (ash_dtype_is_float(dtype)) {
            ash_load_f64(dtype, dst, m, x.real);
            ash_load_f64(dtype, src, m, y.real);
            for (size_t i = 0; i < m; i++) x.real[i] = combine_real(fn, x.real[i], y.real[i]);
            ash_store_f64(dtype, x.real, m, dst);
        } else {
            ash_load_i64(dtype, dst, m, x.whole);
            ash_load_i64(dtype, src, m, y.whole);
            for (size_t i = 0; i < m; i++)
                x.whole[i] = combine_whole(fn, x.whole[i], y.whole[i], is_signed);
            ash_store_i64(dtype, x.whole, m, dst);
        }
    }
}

/* ---- Scatter, ScatterElements ---- */

static int elements_infer(struct ash_infer *c) {
    const struct scatter_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type, *index = &c->in[1]->type, *u = &c->in[2]->type;
    int axis, at;

    ASH_TRY(like_data(c, a->fn != SCATTER_NONE));
    if (t->rank >= 0) ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
    if (t->rank < 0 || index->rank < 0 || u->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(t->rank != index->rank || t->rank != u->rank, c->err, SHAPE,
                "data of rank %d, indices of rank %d, updates of rank %d", t->rank, index->rank,
                u->rank);
    at = differing(index->dim, u->dim, t->rank);
    ASH_FAIL_IF(at >= 0, c->err, SHAPE, "dimension %d: %lld indices, %lld updates", at,
                (long long)index->dim[at].value, (long long)u->dim[at].value);
    return ASHORE_OK;
}

static void elements_row(void *arg, int64_t first, const int64_t *at, size_t n) {
    const struct ash_run *c = arg;
    const struct ash_tensor *updates = c->in[2], *out = c->out[0];
    int fn = ((const struct scatter_attrs *)c->attrs)->fn;

    if (fn == SCATTER_NONE) {
        ash_move_indexed(ash_dtype_size(out->dtype), n, ash_at(updates, first), NULL, out->data,
                         at);
        return;
    }
    for (size_t i = 0; i < n; i++)
        combine(fn, out->dtype, 1, ash_at(out, at[i]), ash_at(updates, first + (int64_t)i));
}

static int elements_ref(struct ash_run *c) {
    const struct scatter_attrs *a = c->attrs;
    int axis;

    ASH_TRY(ash_axis(a->axis, c->in[0]->rank, &axis, c->err));
    ASH_FAIL_IF(!ash_tensor_same_shape(c->in[1], c->in[2]), c->err, SHAPE,
                "the indices are not as many as the updates");
    ash_copy(c->out[0], c->in[0]);
    return ash_each_indexed(c->out[0], c->in[1], axis, elements_row, c, c->err);
}

/* ---- ScatterND ---- */

/* The dimensions of updates: those of the indices but the last, then those of the data that an
 * index tuple leaves open. */
static int nd_check(int rank, int index_rank, int64_t depth, int updates_rank,
                    struct ashore_error *err) {
    ASH_FAIL_IF(rank < 1 || index_rank < 1, err, SHAPE, "data and indices must have dimensions");
    ASH_FAIL_IF(depth < 0 || depth > rank, err, SHAPE,
                "indices of %lld numbers for data of rank %d", (long long)depth, rank);
    ASH_FAIL_IF(updates_rank != index_rank - 1 + rank - (int)depth, err, SHAPE,
                "updates of rank %d, expected %d", updates_rank,
                index_rank - 1 + rank - (int)depth);
    return ASHORE_OK;
}

static int nd_infer(struct ash_infer *c) {
    const struct scatter_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type, *index = &c->in[1]->type, *u = &c->in[2]->type;

    ASH_TRY(like_data(c, a->fn != SCATTER_NONE));
    if (t->rank < 0 || index->rank < 0 || u->rank < 0) return ASHORE_OK;
    if (index->rank && index->dim[index->rank - 1].kind != ASH_DIM_EXACT) return ASHORE_OK;
    int64_t depth = index->rank ? index->dim[index->rank - 1].value : 0;
    ASH_TRY(nd_check(t->rank, index->rank, depth, u->rank, c->err));
    int outer = index->rank - 1;
    int at = differing(index->dim, u->dim, outer);
    int below = differing(t->dim + depth, u->dim + outer, t->rank - (int)depth);
    ASH_FAIL_IF(at >= 0 || below >= 0, c->err, SHAPE,
                "dimension %d of the updates fits neither indices nor data",
                at >= 0 ? at : outer + below);
    return ASHORE_OK;
}

static int nd_ref(struct ash_run *c) {
    const struct scatter_attrs *a = c->attrs;
    const struct ash_tensor *index = c->in[1], *updates = c->in[2], *out = c->out[0];
    int outer = index->rank - 1, depth = outer < 0 ? 0 : (int)index->dim[outer];
    int64_t step[ASH_MAX_RANK], k;

    ASH_TRY(
        nd_check(out->rank, index->rank, outer < 0 ? 0 : index->dim[outer], updates->rank, c->err));
    int64_t tuples = ash_dims_product(index->dim, 0, outer);
    int64_t block = ash_dims_product(out->dim, depth, out->rank);
    ASH_FAIL_IF(ash_tensor_count(updates) != tuples * block, c->err, SHAPE,
                "%lld updates, expected %lld", (long long)ash_tensor_count(updates),
                (long long)(tuples * block));
    size_t bytes = (size_t)block * ash_dtype_size(out->dtype);
    ash_steps(out->rank, out->dim, step);
    ash_copy(c->out[0], c->in[0]);
    for (int64_t i = 0; i < tuples; i++) {
        int64_t at = 0;

        for (int j = 0; j < depth; j++) {
            ASH_TRY(ash_index(ash_get_i64(index, i * depth + j), out->dim[j], &k, c->err));
            at += k * step[j];
        }
        if (!bytes) continue;
        if (a->fn == SCATTER_NONE)
            memcpy(ash_at(out, at), ash_at(updates, i * block), bytes);
        else
            combine(a->fn, out->dtype, (size_t)block, ash_at(out, at), ash_at(updates, i * block));
    }
    return ASHORE_OK;
}

/* ---- TensorScatter: rows of a cache from a position on, one for each item of the batch ---- */

static int cache_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"linear", "circular", NULL};
    struct scatter_attrs *a = attrs;

    ASH_TRY(ash_parse_int(c, "axis", -2, &a->axis));
    return ash_parse_choice(c, "mode", modes, 0, &a->fn);
}

static int cache_infer(struct ash_infer *c) {
    const struct scatter_attrs *a = c->attrs;
    int rank = c->in[0]->type.rank, dtype, axis;

    ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_INT, &dtype));
    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_ANY, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    if (rank < 0) return ASHORE_OK;
    ASH_TRY(ash_axis(a->axis, rank, &axis, c->err));
    ASH_FAIL_IF(axis == 0, c->err, ATTR, "the axis is that of the batch");
    return ASHORE_OK;
}

static int cache_ref(struct ash_run *c) {
    const struct scatter_attrs *a = c->attrs;
    const struct ash_tensor *update = c->in[1], *out = c->out[0], *start = NULL;
    int axis;

    ASH_TRY(ash_axis(a->axis, out->rank, &axis, c->err));
    bool fits = update->rank == out->rank && update->dim[axis] <= out->dim[axis];
    for (int i = 0; fits && i < out->rank; i++) fits = i == axis || update->dim[i] == out->dim[i];
    ASH_FAIL_IF(!fits, c->err, SHAPE, "the update does not fit into the cache");
    if (ash_run_has(c, 2)) start = c->in[2];
    ASH_FAIL_IF(start && ash_tensor_count(start) != out->dim[0], c->err, SHAPE,
                "%lld positions for a batch of %lld", (long long)ash_tensor_count(start),
                (long long)out->dim[0]);
    int64_t length = out->dim[axis], n = update->dim[axis];
    int64_t each = ash_dims_product(out->dim, 1, axis);
    size_t row =
        (size_t)ash_dims_product(out->dim, axis + 1, out->rank) * ash_dtype_size(out->dtype);
    ash_copy(c->out[0], c->in[0]);
    for (int64_t o = 0; row && n && o < out->dim[0] * each; o++) {
        int64_t first = start ? ash_get_i64(start, o / each) : 0, at;

        if (a->fn)
            first %= length;
        else
            ASH_TRY(ash_index(first, length, &first, c->err));
        for (int64_t i = 0; i < n; i++) {
            at = first + i;
            if (a->fn && at >= length) at -= length;
            ASH_TRY(ash_index(at, length, &at, c->err));
            memcpy((char *)out->data + (size_t)(o * length + at) * row,
                   (const char *)update->data + (size_t)(o * n + i) * row, row);
        }
    }
    return ASHORE_OK;
}

#define SCATTER                                                                                    \
    .domain = "", .in_min = 3, .in_max = 3, .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES,     \
    .inplace = 1 << 0, .attrs_size = sizeof(struct scatter_attrs), .parse = scatter_parse
#define ELEMENTS SCATTER, .infer = elements_infer, .ref = elements_ref

extern const struct ash_op ash_ops_scatter[];
const struct ash_op ash_ops_scatter[] = {
    {ELEMENTS, .name = "Scatter", .since = 9},
    {ELEMENTS, .name = "ScatterElements", .since = 11},
    {SCATTER, .name = "ScatterND", .since = 11, .infer = nd_infer, .ref = nd_ref},
    {.domain = "",
     .name = "TensorScatter",
     .since = 24,
     .in_min = 2,
     .in_max = 3,
     .out_min = 1,
     .out_max = 1,
     .flags = ASH_OP_MOVES,
     .inplace = 1 << 0,
     .attrs_size = sizeof(struct scatter_attrs),
     .parse = cache_parse,
     .infer = cache_infer,
     .ref = cache_ref},
    {0},
};
