/* Extents as data, and tensors made from nothing: Shape, Size, ConstantOfShape, Constant, Range. */
#include "ir/infer.h"
#include "ops/elementwise.h"
#include "ops/move.h"

#include <math.h>
#include <string.h>

extern const struct ash_op ash_ops_shape_ops[];

/* Contents of output 0, n codes that the caller fills; NULL where they are not followed. */
static int64_t *make_content(struct ash_infer *c, int64_t n) {
    if (n > ASH_CONTENT_MAX) return NULL;
    int64_t *codes = ash_arena_array(c->arena, (size_t)n, sizeof *codes);
    c->out->content = codes;
    return codes;
}

/* ---- Shape, Size ---- */

struct shape_attrs {
    int64_t start, end;
};

static int shape_parse(const struct ash_parse *c, void *attrs) {
    struct shape_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "start", 0, &a->start));
    return ash_parse_int(c, "end", INT64_MAX, &a->end);
}

static int clamp(int64_t i, int rank) {
    if (i < 0) i = i < -rank ? 0 : i + rank;
    return i > rank ? rank : (int)i;
}

/* The range of dimensions that is wanted. */
static int shape_range(const struct shape_attrs *a, int rank, int *n) {
    int first = clamp(a->start, rank), last = clamp(a->end, rank);
    *n = last > first ? last - first : 0;
    return first;
}

static int shape_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    int n;
    if (t->rank < 0) {
        struct ash_dim dim = ash_dim_bounded(ASH_MAX_RANK);
        ash_infer_set(c, 0, ASHORE_INT64, 1, &dim);
        return ASHORE_OK;
    }
    int first = shape_range(c->attrs, t->rank, &n);
    struct ash_dim dim = ash_dim_exact(n);
    ash_infer_set(c, 0, ASHORE_INT64, 1, &dim);
    int64_t *codes = make_content(c, n);
    for (int i = 0; codes && i < n; i++) codes[i] = ash_dim_encode(t->dim[first + i]);
    return ASHORE_OK;
}

static int shape_ref(struct ash_run *c) {
    int n;
    int first = shape_range(c->attrs, c->in[0]->rank, &n);
    int64_t *out = c->out[0]->data;
    for (int i = 0; i < n; i++) out[i] = c->in[0]->dim[first + i];
    return ASHORE_OK;
}

static int size_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    ash_infer_set(c, 0, ASHORE_INT64, 0, NULL);
    if (t->rank < 0) return ASHORE_OK;
    struct ash_dim n = ash_dim_exact(1);
    for (int i = 0; i < t->rank; i++) n = ash_infer_dim(c, ASH_DIM_MUL, n, t->dim[i]);
    int64_t *codes = make_content(c, 1);
    if (codes) *codes = ash_dim_encode(n);
    return ASHORE_OK;
}

static int size_ref(struct ash_run *c) {
    *(int64_t *)c->out[0]->data = ash_tensor_count(c->in[0]);
    return ASHORE_OK;
}

/* ---- ConstantOfShape ---- */

struct fill_attrs {
    const struct ash_tensor *value; /* NULL: float32 0 */
};

static int fill_parse(const struct ash_parse *c, void *attrs) {
    struct fill_attrs *a = attrs;
    ASH_TRY(ash_parse_tensor(c, "value", &a->value));
    if (!a->value) return ASHORE_OK;
    ASH_FAIL_IF(ash_tensor_count(a->value) != 1 || a->value->dtype == ASHORE_STRING, c->err, ATTR,
                "attribute 'value' must be one number, it is %s with %lld elements",
                ash_dtype(a->value->dtype)->name, (long long)ash_tensor_count(a->value));
    return ASHORE_OK;
}

static int fill_infer(struct ash_infer *c) {
    const struct fill_attrs *a = c->attrs;
    int dtype = a->value ? a->value->dtype : ASHORE_FLOAT32, rank;
    c->out->type.dtype = (uint8_t)dtype;
    int64_t length = ash_infer_length(c, 0);
    ASH_FAIL_IF(length > ASH_MAX_RANK, c->err, LIMIT, "a shape of %lld extents, at most %d",
                (long long)length, ASH_MAX_RANK);
    struct ash_dim dim[ASH_MAX_RANK];
    int rc = ash_infer_ints(c, 0, dim, ASH_MAX_RANK, &rank);
    if (rc != ASHORE_OK) {
        if (length >= 0) ash_infer_rank(c, 0, (int)length);
        return rc;
    }
    ash_infer_set(c, 0, dtype, rank, dim);
    int64_t n = 1;
    for (int i = 0; i < rank; i++) {
        bool exact = dim[i].kind == ASH_DIM_EXACT;
        ASH_FAIL_IF(exact && dim[i].value < 0, c->err, SHAPE, "extent %lld is negative",
                    (long long)dim[i].value);
        n = exact && dim[i].value <= ASH_CONTENT_MAX && n <= ASH_CONTENT_MAX ? n * dim[i].value
                                                                             : ASH_CONTENT_MAX + 1;
    }
    if (dtype == ASHORE_INT64 || dtype == ASHORE_INT32) {
        int64_t *codes = make_content(c, n), value = ash_get_i64(a->value, 0);
        if (codes) ash_fill(codes, sizeof *codes, n, &value);
    }
    return ash_infer_known(dim, rank);
}

static int fill_ref(struct ash_run *c) {
    const struct fill_attrs *a = c->attrs;
    const struct ash_tensor *out = c->out[0];
    ash_fill(out->data, ash_dtype_size(out->dtype), ash_tensor_count(out),
             a->value ? a->value->data : NULL);
    return ASHORE_OK;
}

/* ---- Constant ---- */

/* One or many strings as a tensor. */
static int string_tensor(const struct ash_parse *c, const struct ash_text *text, size_t n,
                         struct ash_tensor *t) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total = ash_size_add(total, text[i].length);
    ASH_FAIL_IF(total > UINT32_MAX, c->err, LIMIT, "%zu bytes of text in one tensor", total);
    struct ash_str *str = ash_arena_array(c->arena, n, sizeof *str);
    char *chars = ash_arena_alloc(c->arena, total);
    if (!str || !chars) return ash_fail_nomem(c->err, total);
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        str[i] = (struct ash_str){at, (uint32_t)text[i].length};
        if (text[i].length) memcpy(chars + at, text[i].data, text[i].length);
        at += (uint32_t)text[i].length;
    }
    t->dtype = ASHORE_STRING;
    t->data = str;
    t->chars = chars;
    return ASHORE_OK;
}

/* attrs is the tensor. */
static int constant_parse(const struct ash_parse *c, void *attrs) {
    static const struct {
        const char *name;
        uint8_t type, dtype;
    } forms[] = {{"value_float", ASH_ATTR_FLOAT, ASHORE_FLOAT32},
                 {"value_floats", ASH_ATTR_FLOATS, ASHORE_FLOAT32},
                 {"value_int", ASH_ATTR_INT, ASHORE_INT64},
                 {"value_ints", ASH_ATTR_INTS, ASHORE_INT64},
                 {"value_string", ASH_ATTR_STRING, ASHORE_STRING},
                 {"value_strings", ASH_ATTR_STRINGS, ASHORE_STRING}};
    struct ash_tensor *t = attrs;
    const struct ash_tensor *value;
    ASH_TRY(ash_parse_tensor(c, "value", &value));
    if (value) {
        *t = *value;
        return ASHORE_OK;
    }
    ASH_FAIL_IF(ash_node_attr(c->node, "sparse_value"), c->err, UNSUPPORTED,
                "a sparse constant that was not expanded when the model was read");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct ash_attr *a = ash_node_attr(c->node, forms[i].name);
        if (!a) continue;
        bool plural = i & 1, empty = plural && a->count == 0;
        ASH_FAIL_IF(a->type != forms[i].type && !empty, c->err, ATTR,
                    "attribute '%s' has type %d, expected %d", a->name, a->type, forms[i].type);
        t->dtype = forms[i].dtype;
        t->rank = plural;
        t->dim[0] = (int64_t)a->count;
        if (t->dtype == ASHORE_STRING)
            return string_tensor(c, plural ? a->v.strings : &a->v.s, plural ? a->count : 1, t);
        /* floats or ints: the list itself; a single one lies in the attribute */
        const void *from = plural ? (const void *)a->v.floats : (const void *)&a->v;
        t->data = (void *)(uintptr_t)from;
        return ASHORE_OK;
    }
    return ash_fail(c->err, ASHORE_ERR_ATTR, "a constant without a value");
}

static int constant_infer(struct ash_infer *c) {
    c->out->type = ash_info_const(c->attrs).type;
    return ASHORE_OK;
}

static int constant_ref(struct ash_run *c) {
    const struct ash_tensor *t = c->attrs;
    if (t->dtype == ASHORE_STRING) {
        struct ashore_value *v;
        ASH_TRY(ash_value_copy(c->heap, t, &v, c->err));
        ash_run_give(c, 0, v);
        return ASHORE_OK;
    }
    ash_copy(c->out[0], t);
    return ASHORE_OK;
}

/* ---- Range ---- */

static int range_count_int(int64_t start, int64_t limit, int64_t delta, int64_t *n,
                           struct ashore_error *err) {
    ASH_FAIL_IF(delta == 0, err, ARGUMENT, "a range in steps of 0");
    uint64_t span =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    bool empty = delta > 0 ? limit <= start : limit >= start;
    uint64_t count = empty ? 0 : (span - 1) / step + 1;
    ASH_FAIL_IF(count > (uint64_t)1 << 40, err, LIMIT, "a range of %llu elements",
                (unsigned long long)count);
    *n = (int64_t)count;
    return ASHORE_OK;
}

static int range_count(const struct ash_tensor *const t[3], int64_t *n, struct ashore_error *err) {
    for (int i = 0; i < 3; i++) {
        ASH_FAIL_IF(ash_tensor_count(t[i]) != 1, err, SHAPE,
                    "start, limit and delta must be single numbers");
    }
    if (!ash_dtype_is_float(t[0]->dtype))
        return range_count_int(ash_get_i64(t[0], 0), ash_get_i64(t[1], 0), ash_get_i64(t[2], 0), n,
                               err);
    double start = ash_get_f64(t[0], 0), delta = ash_get_f64(t[2], 0);
    ASH_FAIL_IF(delta == 0, err, ARGUMENT, "a range in steps of 0");
    double count = ceil((ash_get_f64(t[1], 0) - start) / delta);
    ASH_FAIL_IF(!(count <= 0x1p40), err, ARGUMENT, "a range of %g elements", count);
    *n = count > 0 ? (int64_t)count : 0;
    return ASHORE_OK;
}

/* The count of a range of integers from extents. */
static int range_symbolic(struct ash_infer *c, struct ash_dim *n, int64_t **codes) {
    struct ash_dim v[3], *start = &v[0], *limit = &v[1], *delta = &v[2];
    int one;
    *n = ash_dim_unknown();
    *codes = NULL;
    for (int i = 0; i < 3; i++) {
        ASH_TRY(ash_infer_ints(c, i, &v[i], 1, &one));
        if (one != 1) return ASHORE_OK;
    }
    if (start->kind == ASH_DIM_EXACT && limit->kind == ASH_DIM_EXACT &&
        delta->kind == ASH_DIM_EXACT) {
        int64_t count = 0;
        ASH_TRY(range_count_int(start->value, limit->value, delta->value, &count, c->err));
        *n = ash_dim_exact(count);
        *codes = make_content(c, count);
        for (int64_t i = 0; *codes && i < count; i++)
            (*codes)[i] = (int64_t)((uint64_t)start->value + (uint64_t)i * (uint64_t)delta->value);
        return ASHORE_OK;
    }
    if (delta->kind == ASH_DIM_EXACT && delta->value > 0 && delta->value < INT32_MAX) {
        struct ash_dim d = ash_infer_dim(c, ASH_DIM_SUB, *limit, *start);
        d = ash_infer_dim(c, ASH_DIM_ADD, d, ash_dim_exact(delta->value - 1));
        *n = ash_infer_dim(c, ASH_DIM_FLOORDIV, d, *delta);
    }
    return ash_infer_known(n, 1);
}

static int range_infer(struct ash_infer *c) {
    struct ash_dim n = ash_dim_unknown();
    int dtype, rc = ASHORE_NEEDS_DATA;
    ASH_TRY(ash_infer_types(c, 0, 3, ASH_TAKES_NUMBER, &dtype));
    ash_infer_set(c, 0, dtype, 1, &n);
    const struct ash_tensor *t[3] = {c->in[0]->data, c->in[1]->data, c->in[2]->data};
    if (t[0] && t[1] && t[2]) {
        int64_t count;
        ASH_TRY(range_count(t, &count, c->err));
        n = ash_dim_exact(count);
        rc = ASHORE_OK;
    } else if (dtype == ASHORE_INT64 || dtype == ASHORE_INT32 || dtype == ASHORE_INT16) {
        int64_t *codes;
        rc = range_symbolic(c, &n, &codes);
    }
    ash_infer_set(c, 0, dtype, 1, &n);
    return rc;
}

static int range_ref(struct ash_run *c) {
    const struct ash_tensor *out = c->out[0];
    int dtype = c->in[0]->dtype;
    int64_t total;
    ASH_TRY(range_count(c->in, &total, c->err));
    ASH_TRY(ash_run_alloc(c, 0, dtype, 1, &total));
    bool real = ash_dtype_is_float(dtype);
    double start = ash_get_f64(c->in[0], 0), delta = ash_get_f64(c->in[2], 0);
    uint64_t first = (uint64_t)(real ? 0 : ash_get_i64(c->in[0], 0));
    uint64_t step = (uint64_t)(real ? 0 : ash_get_i64(c->in[2], 0));
    for (int64_t i = 0; i < total; i += ASH_TILE) {
        union {
            double f[ASH_TILE];
            uint64_t u[ASH_TILE];
        } tile;
        size_t n = total - i < ASH_TILE ? (size_t)(total - i) : ASH_TILE;
        for (size_t k = 0; k < n; k++) {
            if (real)
                tile.f[k] = start + (double)(i + (int64_t)k) * delta;
            else
                tile.u[k] = first + ((uint64_t)i + k) * step;
        }
        if (real)
            ash_store_f64(dtype, tile.f, n, ash_at(out, i));
        else
            ash_store_u64(dtype, tile.u, n, ash_at(out, i));
    }
    return ASHORE_OK;
}

const struct ash_op ash_ops_shape_ops[] = {{.name = "Shape",
                                            .domain = "",
                                            .since = 1,
                                            .in_min = 1,
                                            .in_max = 1,
                                            .out_min = 1,
                                            .out_max = 1,
                                            .attrs_size = sizeof(struct shape_attrs),
                                            .parse = shape_parse,
                                            .infer = shape_infer,
                                            .ref = shape_ref},
                                           {.name = "Size",
                                            .domain = "",
                                            .since = 1,
                                            .in_min = 1,
                                            .in_max = 1,
                                            .out_min = 1,
                                            .out_max = 1,
                                            .infer = size_infer,
                                            .ref = size_ref},
                                           {.name = "ConstantOfShape",
                                            .domain = "",
                                            .since = 9,
                                            .in_min = 1,
                                            .in_max = 1,
                                            .out_min = 1,
                                            .out_max = 1,
                                            .attrs_size = sizeof(struct fill_attrs),
                                            .parse = fill_parse,
                                            .infer = fill_infer,
                                            .ref = fill_ref},
                                           {.name = "Constant",
                                            .domain = "",
                                            .since = 1,
                                            .in_min = 0,
                                            .in_max = 0,
                                            .out_min = 1,
                                            .out_max = 1,
                                            .attrs_size = sizeof(struct ash_tensor),
                                            .parse = constant_parse,
                                            .infer = constant_infer,
                                            .ref = constant_ref},
                                           {.name = "Range",
                                            .domain = "",
                                            .since = 11,
                                            .in_min = 3,
                                            .in_max = 3,
                                            .out_min = 1,
                                            .out_max = 1,
                                            .infer = range_infer,
                                            .ref = range_ref},
                                           {0}};
