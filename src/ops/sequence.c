/* Sequences: SequenceConstruct, SequenceEmpty, SequenceAt, SequenceInsert, SequenceErase,
 * SequenceLength, ConcatFromSequence, SplitToSequence. */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <string.h>

extern const struct ash_op ash_ops_sequence[];

/* ---- inference ---- */

/* Output 0 is a sequence of elem. */
static int set_sequence(struct ash_infer *c, const struct ash_type *elem) {
    struct ash_type *kept = ash_arena_alloc(c->arena, sizeof *kept);
    if (!kept) return ash_fail_nomem(c->err, sizeof *kept);
    *kept = *elem;
    c->out->type.kind = ASHORE_SEQUENCE;
    c->out->type.elem = kept;
    return ASHORE_OK;
}

/* What input 0, a sequence, holds; all unknown where that is not known. */
static int get_elem(const struct ash_infer *c, struct ash_type *elem) {
    const struct ash_type *t = &c->in[0]->type;
    ASH_FAIL_IF(t->kind != ASHORE_SEQUENCE && (t->kind || t->dtype), c->err, TYPE,
                "input 0 must be a sequence");
    *elem = (struct ash_type){.rank = -1};
    if (t->kind == ASHORE_SEQUENCE && t->elem) *elem = *t->elem;
    return ASHORE_OK;
}

/* Keeps of a what b shares. */
static int merge(struct ash_infer *c, struct ash_type *a, const struct ash_type *b) {
    ASH_FAIL_IF(a->dtype && b->dtype && a->dtype != b->dtype, c->err, TYPE,
                "%s in a sequence of %s", ash_dtype(b->dtype)->name, ash_dtype(a->dtype)->name);
    if (!a->dtype) a->dtype = b->dtype;
    if (a->rank != b->rank) a->rank = -1;
    for (int i = 0; i < a->rank; i++) {
        if (!ash_dim_same(a->dim[i], b->dim[i])) a->dim[i] = ash_dim_unknown();
    }
    return ASHORE_OK;
}

static int construct_infer(struct ash_infer *c) {
    struct ash_type elem = {.rank = -1};
    for (int i = 0; i < c->n_in; i++) {
        ASH_FAIL_IF(!c->in[i], c->err, ARGUMENT, "input %d is missing", i);
        if (i == 0) elem = c->in[0]->type;
        ASH_TRY(merge(c, &elem, &c->in[i]->type));
    }
    return set_sequence(c, &elem);
}

struct empty_attrs {
    int64_t dtype;
};

static int empty_parse(const struct ash_parse *c, void *attrs) {
    struct empty_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "dtype", ASHORE_FLOAT32, &a->dtype));
    ASH_FAIL_IF(a->dtype < 1 || a->dtype >= ASHORE_DTYPE_COUNT, c->err, ATTR,
                "%lld is not an element type", (long long)a->dtype);
    return ASHORE_OK;
}

static int empty_infer(struct ash_infer *c) {
    const struct empty_attrs *a = c->attrs;
    struct ash_type elem = {.rank = -1, .dtype = (uint8_t)a->dtype};
    return set_sequence(c, &elem);
}

static int at_infer(struct ash_infer *c) { return get_elem(c, &c->out->type); }

static int insert_infer(struct ash_infer *c) {
    struct ash_type elem = {.rank = -1};
    ASH_TRY(get_elem(c, &elem));
    ASH_TRY(merge(c, &elem, &c->in[1]->type));
    return set_sequence(c, &elem);
}

static int erase_infer(struct ash_infer *c) {
    struct ash_type elem = {.rank = -1};
    ASH_TRY(get_elem(c, &elem));
    return set_sequence(c, &elem);
}

static int length_infer(struct ash_infer *c) {
    struct ash_type elem = {.rank = -1};
    ASH_TRY(get_elem(c, &elem));
    ash_infer_set(c, 0, ASHORE_INT64, 0, NULL);
    return ASHORE_OK;
}

/* ---- running ---- */

static int get_sequence(const struct ash_run *c, const struct ashore_value **v) {
    *v = c->in_value[0];
    ASH_FAIL_IF(!*v || (*v)->kind != ASHORE_SEQUENCE, c->err, TYPE, "input 0 must be a sequence");
    return ASHORE_OK;
}

/* The position of input i in 0..n-1, counted from the back where negative; absent: fallback. */
static int get_position(const struct ash_run *c, int i, int64_t n, int64_t fallback, size_t *at) {
    int64_t p = fallback;
    if (ash_run_has(c, i)) {
        ASH_FAIL_IF(!c->in[i] || ash_tensor_count(c->in[i]) != 1, c->err, SHAPE,
                    "the position must be a single number");
        p = ash_get_i64(c->in[i], 0);
    }
    ASH_TRY(ash_index(p, n, &p, c->err));
    *at = (size_t)p;
    return ASHORE_OK;
}

/* Gives output 0 a sequence of n slots; it is filled in place. */
static int give_sequence(struct ash_run *c, size_t n, struct ashore_value **list) {
    ASH_TRY(ash_value_list(c->heap, ASHORE_SEQUENCE, n, list, c->err));
    ash_run_give(c, 0, *list);
    return ASHORE_OK;
}

static int construct_ref(struct ash_run *c) {
    struct ashore_value *list;
    ASH_TRY(give_sequence(c, (size_t)c->n_in, &list));
    for (int i = 0; i < c->n_in; i++) ASH_TRY(ash_run_keep(c, i, &list->items[i]));
    return ASHORE_OK;
}

static int empty_ref(struct ash_run *c) {
    struct ashore_value *list;
    return give_sequence(c, 0, &list);
}

static int at_ref(struct ash_run *c) {
    const struct ashore_value *from;
    size_t at = 0;
    ASH_TRY(get_sequence(c, &from));
    ASH_TRY(get_position(c, 1, (int64_t)from->count, 0, &at));
    ash_run_give(c, 0, ash_value_retain(from->items[at]));
    return ASHORE_OK;
}

static int insert_ref(struct ash_run *c) {
    const struct ashore_value *from;
    struct ashore_value *list;
    size_t at = 0;
    ASH_TRY(get_sequence(c, &from));
    int64_t n = (int64_t)from->count, p = n;
    ASH_FAIL_IF(!c->in[1], c->err, TYPE, "what is inserted must be a tensor");
    if (c->n_in > 2 && c->in[2] && ash_tensor_count(c->in[2]) == 1) p = ash_get_i64(c->in[2], 0);
    ASH_FAIL_IF(p < -n || p > n, c->err, INDEX, "position %lld in a sequence of %lld", (long long)p,
                (long long)n);
    at = (size_t)(p < 0 ? p + n : p);
    ASH_TRY(give_sequence(c, from->count + 1, &list));
    for (size_t i = 0; i < from->count; i++)
        list->items[i + (i >= at)] = ash_value_retain(from->items[i]);
    return ash_run_keep(c, 1, &list->items[at]);
}

static int erase_ref(struct ash_run *c) {
    const struct ashore_value *from;
    struct ashore_value *list;
    size_t at = 0;
    ASH_TRY(get_sequence(c, &from));
    ASH_TRY(get_position(c, 1, (int64_t)from->count, -1, &at));
    ASH_TRY(give_sequence(c, from->count - 1, &list));
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = ash_value_retain(from->items[i + (i >= at)]);
    return ASHORE_OK;
}

static int length_ref(struct ash_run *c) {
    const struct ashore_value *from;
    ASH_TRY(get_sequence(c, &from));
    *(int64_t *)c->out[0]->data = (int64_t)from->count;
    return ASHORE_OK;
}

/* ---- ConcatFromSequence ---- */

struct join_attrs {
    int64_t axis, flag; /* new_axis or keepdims */
};

static int join_parse(const struct ash_parse *c, void *attrs) {
    struct join_attrs *a = attrs;
    ASH_TRY(ash_parse_int_required(c, "axis", &a->axis));
    return ash_parse_int(c, "new_axis", 0, &a->flag);
}

static int join_infer(struct ash_infer *c) {
    const struct join_attrs *a = c->attrs;
    struct ash_type elem = {.rank = -1};
    struct ash_dim dim[ASH_MAX_RANK];
    int axis;
    ASH_TRY(get_elem(c, &elem));
    c->out->type.dtype = elem.dtype;
    if (elem.kind || elem.rank < 0) return ASHORE_OK;
    int rank = elem.rank + (a->flag != 0);
    ASH_FAIL_IF(rank > ASH_MAX_RANK, c->err, LIMIT, "rank %d: tensors have at most %d dimensions",
                rank, ASH_MAX_RANK);
    ASH_TRY(ash_axis(a->axis, rank, &axis, c->err));
    for (int i = 0; i < rank; i++) {
        if (i == axis)
            dim[i] = ash_dim_unknown();
        else
            dim[i] = elem.dim[i - (a->flag && i > axis)];
    }
    ash_infer_set(c, 0, elem.dtype, rank, dim);
    return ASHORE_OK;
}

/* The shape of the whole, bytes of text in it, and the axis. */
static int join_shape(const struct ash_run *c, const struct ashore_value *from,
                      struct ash_tensor *whole, size_t *chars, int *axis) {
    const struct join_attrs *a = c->attrs;
    ASH_FAIL_IF(from->count == 0, c->err, SHAPE, "an empty sequence cannot be concatenated");
    const struct ash_tensor *first = &from->items[0]->tensor;
    int extra = a->flag != 0;
    ASH_FAIL_IF(first->rank + extra > ASH_MAX_RANK, c->err, LIMIT,
                "rank %d: tensors have at most %d dimensions", first->rank + extra, ASH_MAX_RANK);
    *whole = (struct ash_tensor){.dtype = first->dtype, .rank = first->rank + extra};
    ASH_TRY(ash_axis(a->axis, whole->rank, axis, c->err));
    *chars = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct ashore_value *v = from->items[i];
        bool fits = v->kind == ASHORE_TENSOR && v->tensor.dtype == first->dtype &&
                    v->tensor.rank == first->rank;
        for (int k = 0; fits && k < first->rank; k++)
            fits = v->tensor.dim[k] == first->dim[k] || (!extra && k == *axis);
        ASH_FAIL_IF(!fits, c->err, SHAPE, "item %zu differs from the first in type or shape", i);
        whole->dim[*axis] += extra ? 1 : v->tensor.dim[*axis];
        *chars = ash_size_add(*chars, v->chars_size);
    }
    for (int k = 0; k < whole->rank; k++) {
        if (k != *axis) whole->dim[k] = first->dim[k - (extra && k > *axis)];
    }
    return ASHORE_OK;
}

static int join_ref(struct ash_run *c) {
    const struct ashore_value *from;
    struct ash_tensor whole;
    size_t chars = 0, arena = 0;
    int axis;
    ASH_TRY(get_sequence(c, &from));
    ASH_TRY(join_shape(c, from, &whole, &chars, &axis));
    bool text = whole.dtype == ASHORE_STRING;
    if (text) {
        struct ashore_value *v;
        ASH_TRY(ash_value_strings(c->heap, whole.rank, whole.dim, chars, &v, c->err));
        ash_run_give(c, 0, v);
        whole = v->tensor;
    } else {
        ASH_TRY(ash_run_alloc(c, 0, whole.dtype, whole.rank, whole.dim));
        whole.data = c->out[0]->data;
    }
    size_t size = ash_dtype_size(whole.dtype);
    int64_t inner = ash_dims_product(whole.dim, axis + 1, whole.rank), at = 0;
    int64_t outer = ash_dims_product(whole.dim, 0, axis), total = whole.dim[axis] * inner;
    for (size_t i = 0; i < from->count && outer && total; i++) {
        const struct ashore_value *v = from->items[i];
        int64_t row = ash_tensor_count(&v->tensor) / outer;
        int64_t dim[2] = {outer, row}, step[2] = {row, 1}, to[2] = {total, 1};
        ash_move(2, dim, size, v->tensor.data, step, ash_at(&whole, at), to);
        if (text) {
            struct ash_str *s = ash_at(&whole, at);
            for (int64_t k = 0; k < outer * row; k++)
                s[k / row * total + k % row].offset += (uint32_t)arena;
            if (v->chars_size) memcpy((char *)whole.chars + arena, v->tensor.chars, v->chars_size);
            arena += v->chars_size;
        }
        at += row;
    }
    return ASHORE_OK;
}

/* ---- SplitToSequence ---- */

static int cut_parse(const struct ash_parse *c, void *attrs) {
    struct join_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "axis", 0, &a->axis));
    return ash_parse_int(c, "keepdims", 1, &a->flag);
}

static int cut_infer(struct ash_infer *c) {
    const struct join_attrs *a = c->attrs;
    struct ash_type elem = c->in[0]->type;
    int axis, dtype;
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &dtype));
    if (elem.rank >= 0) {
        ASH_TRY(ash_axis(a->axis, elem.rank, &axis, c->err));
        elem.dim[axis] = ash_infer_has(c, 1) ? ash_dim_unknown() : ash_dim_exact(1);
        if (!ash_infer_has(c, 1) && !a->flag) {
            elem.rank--;
            for (int i = axis; i < elem.rank; i++) elem.dim[i] = elem.dim[i + 1];
        }
    }
    return set_sequence(c, &elem);
}

/* A copy of `size` positions along the axis, from `at` on. */
static int cut_part(struct ash_run *c, int axis, int64_t at, int64_t size, bool squeeze,
                    struct ashore_value **part) {
    struct ash_tensor in = *c->in[0], t = in;
    t.dim[axis] = size;
    int64_t inner = ash_dims_product(t.dim, axis + 1, t.rank);
    int64_t outer = ash_dims_product(t.dim, 0, axis), row = size * inner;
    if (squeeze) {
        t.rank--;
        for (int i = axis; i < t.rank; i++) t.dim[i] = t.dim[i + 1];
    }
    struct ashore_value *v;
    ASH_TRY(ash_value_tensor(c->heap, t.dtype, t.rank, t.dim, &v, c->err));
    if (outer && row) {
        int64_t dim[2] = {outer, row}, from[2] = {in.dim[axis] * inner, 1}, to[2] = {row, 1};
        ash_move(2, dim, ash_dtype_size(t.dtype), ash_at(&in, at * inner), from, v->tensor.data,
                 to);
    }
    if (t.dtype == ASHORE_STRING) { /* the records point into the input's text */
        t = v->tensor;
        t.chars = in.chars;
        int rc = ash_value_copy(c->heap, &t, part, c->err);
        ash_value_release(&v);
        return rc;
    }
    *part = v;
    return ASHORE_OK;
}

static int cut_ref(struct ash_run *c) {
    const struct join_attrs *a = c->attrs;
    const struct ash_tensor *sizes = ash_run_has(c, 1) ? c->in[1] : NULL;
    struct ashore_value *list;
    int axis;
    ASH_TRY(ash_axis(a->axis, c->in[0]->rank, &axis, c->err));
    int64_t total = c->in[0]->dim[axis], at = 0, chunk = 1, n;
    bool listed = sizes && sizes->rank > 0;
    if (sizes && !listed) chunk = ash_get_i64(sizes, 0);
    ASH_FAIL_IF(chunk < 1, c->err, ARGUMENT, "parts of %lld elements", (long long)chunk);
    if (listed) {
        n = ash_tensor_count(sizes);
        for (int64_t i = 0; i < n; i++) {
            int64_t size = ash_get_i64(sizes, i);
            ASH_FAIL_IF(size < 0 || size > total - at, c->err, SHAPE,
                        "parts of an extent of %lld do not sum up to it", (long long)total);
            at += size;
        }
        ASH_FAIL_IF(at != total, c->err, SHAPE, "parts of an extent of %lld sum up to %lld",
                    (long long)total, (long long)at);
        at = 0;
    } else {
        n = total ? (total - 1) / chunk + 1 : 0;
    }
    ASH_TRY(give_sequence(c, (size_t)n, &list));
    for (int64_t i = 0; i < n; i++) {
        int64_t size = chunk < total - at ? chunk : total - at;
        if (listed) size = ash_get_i64(sizes, i);
        ASH_TRY(cut_part(c, axis, at, size, !sizes && !a->flag, &list->items[i]));
        at += size;
    }
    return ASHORE_OK;
}

#define SEQ    .domain = "", .since = 11, .out_min = 1, .out_max = 1
#define OF_SEQ SEQ, .flags = ASH_OP_VALUES

const struct ash_op ash_ops_sequence[] = {
    {SEQ, .name = "SequenceConstruct", .in_min = 1, .in_max = ASH_VARIADIC,
     .infer = construct_infer, .ref = construct_ref},
    {SEQ, .name = "SequenceEmpty", .attrs_size = sizeof(struct empty_attrs), .parse = empty_parse,
     .infer = empty_infer, .ref = empty_ref},
    {OF_SEQ, .name = "SequenceAt", .in_min = 2, .in_max = 2, .infer = at_infer, .ref = at_ref},
    {OF_SEQ, .name = "SequenceInsert", .in_min = 2, .in_max = 3, .infer = insert_infer,
     .ref = insert_ref},
    {OF_SEQ, .name = "SequenceErase", .in_min = 1, .in_max = 2, .infer = erase_infer,
     .ref = erase_ref},
    {OF_SEQ, .name = "SequenceLength", .in_min = 1, .in_max = 1, .infer = length_infer,
     .ref = length_ref},
    {OF_SEQ, .name = "ConcatFromSequence", .in_min = 1, .in_max = 1,
     .attrs_size = sizeof(struct join_attrs), .parse = join_parse, .infer = join_infer,
     .ref = join_ref},
    {SEQ, .name = "SplitToSequence", .in_min = 1, .in_max = 2,
     .attrs_size = sizeof(struct join_attrs), .parse = cut_parse, .infer = cut_infer,
     .ref = cut_ref},
    {0}};
