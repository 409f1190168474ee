/* Compress, Unique, ReverseSequence: whole rows along a dimension, chosen or in another order. */
#include "base/heap.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/order.h"

#include <string.h>

struct select_attrs {
    bool flat, unsorted; /* flat: the tensor is seen as a vector */
    int64_t axis, batch_axis;
};

/* The input as rows: x[outer][n][inner]. */
struct rows {
    int axis;
    int64_t outer, n, inner;
};

static int rows_parse(const struct ash_parse *c, void *attrs) {
    struct select_attrs *a = attrs;
    int64_t sorted;

    a->flat = ash_node_attr(c->node, "axis") == NULL;
    ASH_TRY(ash_parse_int(c, "sorted", 1, &sorted));
    a->unsorted = !sorted;
    return ash_parse_int(c, "axis", 0, &a->axis);
}

static int rows_of(const struct select_attrs *a, const struct ash_tensor *x, struct rows *r,
                   struct ashore_error *err) {
    *r = (struct rows){.outer = 1, .n = ash_tensor_count(x), .inner = 1};
    if (a->flat) return ASHORE_OK;
    ASH_TRY(ash_axis(a->axis, x->rank, &r->axis, err));
    r->outer = ash_dims_product(x->dim, 0, r->axis);
    r->n = x->dim[r->axis];
    r->inner = ash_dims_product(x->dim, r->axis + 1, x->rank);
    return ASHORE_OK;
}

/* Output 0 has the input's rows, at most as many as there are or as `most`; *n is how many. */
static int rows_infer(struct ash_infer *c, const struct ash_dim *most, struct ash_dim *n) {
    const struct select_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK], all = ash_dim_exact(1);
    int axis = 0;

    *n = ash_dim_unknown();
    ash_infer_set(c, 0, t->dtype, a->flat ? 1 : -1, n);
    if (t->rank < 0) return ASHORE_OK;
    if (!a->flat) ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
    for (int i = 0; i < t->rank; i++) {
        dim[i] = t->dim[i];
        if (a->flat || i == axis) all = ash_infer_dim(c, ASH_DIM_MUL, all, t->dim[i]);
    }
    if (most) all = ash_infer_dim(c, ASH_DIM_MIN, all, *most);
    if (all.kind == ASH_DIM_EXACT || all.kind == ASH_DIM_BOUNDED) *n = ash_dim_bounded(all.value);
    dim[axis] = *n;
    ash_infer_set(c, 0, t->dtype, a->flat ? 1 : t->rank, dim);
    return ASHORE_OK;
}

/* Output 0 is rows at[0..n) of the input. */
static int take_rows(struct ash_run *c, const struct rows *r, const int64_t *at, int64_t n) {
    const struct select_attrs *a = c->attrs;
    struct ash_tensor t = *c->in[0];
    size_t row = (size_t)r->inner * ash_dtype_size(t.dtype);
    struct ashore_value *texts = NULL, *v;
    int rc;

    if (a->flat) t.rank = 1;
    t.dim[r->axis] = n;
    if (t.dtype == ASHORE_STRING) {
        ASH_TRY(ash_value_tensor(c->heap, t.dtype, t.rank, t.dim, &texts, c->err));
        t.data = texts->tensor.data;
    } else {
        ASH_TRY(ash_run_alloc(c, 0, t.dtype, t.rank, t.dim));
        t.data = c->out[0]->data;
    }
    for (int64_t o = 0; row && o < r->outer; o++) {
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)t.data + (size_t)(o * n + i) * row,
                   (const char *)c->in[0]->data + (size_t)(o * r->n + at[i]) * row, row);
    }
    if (!texts) return ASHORE_OK;
    rc = ash_value_copy(c->heap, &t, &v, c->err); /* with a text of its own */
    ash_value_release(&texts);
    if (rc == ASHORE_OK) ash_run_give(c, 0, v);
    return rc;
}

/* ---- Compress ---- */

static int compress_infer(struct ash_infer *c) {
    const struct ash_type *flags = &c->in[1]->type;
    struct ash_dim n;
    int dtype;

    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_BOOL, &dtype));
    ASH_FAIL_IF(flags->rank >= 0 && flags->rank != 1, c->err, SHAPE, "a condition of rank %d",
                flags->rank);
    return rows_infer(c, flags->rank == 1 ? &flags->dim[0] : NULL, &n);
}

static int compress_ref(struct ash_run *c) {
    const struct ash_tensor *flags = c->in[1];
    const uint8_t *keep = flags->data;
    int64_t count = ash_tensor_count(flags), n = 0, *at;
    size_t bytes = ((size_t)count + 1) * sizeof *at;
    struct rows r;
    int rc;

    ASH_TRY(rows_of(c->attrs, c->in[0], &r, c->err));
    for (int64_t i = r.n; i < count; i++)
        ASH_FAIL_IF(keep[i], c->err, INDEX, "row %lld of %lld", (long long)i, (long long)r.n);
    at = ash_alloc(c->heap, bytes);
    if (!at) return ash_fail_nomem(c->err, bytes);
    for (int64_t i = 0; i < count; i++)
        if (keep[i]) at[n++] = i;
    rc = take_rows(c, &r, at, n);
    ash_free(c->heap, at, bytes);
    return rc;
}

/* ---- Unique ---- */

static int unique_infer(struct ash_infer *c) {
    const struct select_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim n, all = ash_dim_exact(1);
    int axis;

    ASH_TRY(rows_infer(c, NULL, &n));
    for (int i = 1; i < c->n_out; i++) ash_infer_set(c, i, ASHORE_INT64, 1, &n);
    if (t->rank < 0 || c->n_out < 3) return ASHORE_OK;
    if (!a->flat) {
        ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
        all = t->dim[axis];
    }
    for (int i = 0; a->flat && i < t->rank; i++)
        all = ash_infer_dim(c, ASH_DIM_MUL, all, t->dim[i]);
    ash_infer_set(c, 2, ASHORE_INT64, 1, &all);
    return ASHORE_OK;
}

struct unique {
    const struct ash_tensor *x;
    struct rows r;
    int64_t width; /* keys of a row; strings have none */
    int64_t *key, *order, *spare, *first, *at;
};

static int compare_text(const struct unique *u, int64_t a, int64_t b) {
    const struct ash_str *s = u->x->data;

    for (int64_t i = 0; i < u->r.outer * u->r.inner; i++) {
        int64_t at = i / u->r.inner * u->r.n * u->r.inner + i % u->r.inner;
        struct ash_str p = s[at + a * u->r.inner], q = s[at + b * u->r.inner];
        uint32_t n = p.length < q.length ? p.length : q.length;
        int c = n ? memcmp(u->x->chars + p.offset, u->x->chars + q.offset, n) : 0;

        if (c || p.length != q.length) return c ? c : p.length < q.length ? -1 : 1;
    }
    return 0;
}

static int compare(const struct unique *u, int64_t a, int64_t b) {
    if (!u->key) return compare_text(u, a, b);
    for (int64_t i = 0; i < u->width; i++) {
        int64_t p = u->key[a * u->width + i], q = u->key[b * u->width + i];
        if (p != q) return p < q ? -1 : 1;
    }
    return 0;
}

/* Merges from the bottom up: stable, so that of equal rows the first stays in front. */
static void sort_rows(struct unique *u) {
    int64_t n = u->r.n;

    for (int64_t i = 0; i < n; i++) u->order[i] = i;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t low = 0; low < n; low += 2 * run) {
            int64_t middle = low + run < n ? low + run : n,
                    end = middle + run < n ? middle + run : n;

            for (int64_t i = low, j = middle, k = low; k < end; k++) {
                bool right = i == middle || (j < end && compare(u, u->order[j], u->order[i]) < 0);
                u->spare[k] = u->order[right ? j++ : i++];
            }
        }
        int64_t *swap = u->order;
        u->order = u->spare;
        u->spare = swap;
    }
}

static void load_row_keys(struct unique *u) {
    struct ash_tensor x = *u->x;
    int64_t parts = 1;

    if (x.dtype == ASHORE_COMPLEX64 || x.dtype == ASHORE_COMPLEX128) { /* real, then imaginary */
        x.dtype = x.dtype == ASHORE_COMPLEX64 ? ASHORE_FLOAT32 : ASHORE_FLOAT64;
        parts = 2;
    }
    int64_t n = u->r.inner * parts;
    for (int64_t o = 0; o < u->r.outer; o++)
        for (int64_t i = 0; i < u->r.n; i++)
            ash_load_keys(x.dtype, ash_at(&x, (o * u->r.n + i) * n), (size_t)n,
                          u->key + i * u->width + o * n);
}

/* first[i]: the first row that equals row i; at[]: the rows that are such, in the order of the
 * result; spare[at[k]] is k.  Their number. */
static int64_t find_unique(struct unique *u, bool unsorted) {
    int64_t n = u->r.n, count = 0;

    sort_rows(u);
    for (int64_t i = 0; i < n; i++) {
        bool same = i && !compare(u, u->order[i - 1], u->order[i]);
        u->first[u->order[i]] = same ? u->first[u->order[i - 1]] : u->order[i];
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t row = unsorted ? i : u->order[i];

        if (u->first[row] != row) continue;
        u->spare[row] = count;
        u->at[count++] = row;
    }
    return count;
}

static int unique_put(struct ash_run *c, const struct unique *u, int64_t count) {
    int64_t n = u->r.n, *out;

    for (int o = 1; o < c->n_out; o++) {
        if (!c->out[o]) continue;
        ASH_TRY(ash_run_alloc(c, o, ASHORE_INT64, 1, o == 2 ? &n : &count));
        out = c->out[o]->data;
        for (int64_t i = 0; i < count && o != 2; i++) out[i] = o == 1 ? u->at[i] : 0;
        for (int64_t i = 0; i < n && o == 2; i++) out[i] = u->spare[u->first[i]];
        for (int64_t i = 0; i < n && o == 3; i++) out[u->spare[u->first[i]]]++;
    }
    return c->out[0] ? take_rows(c, &u->r, u->at, count) : ASHORE_OK;
}

static int unique_ref(struct ash_run *c) {
    const struct select_attrs *a = c->attrs;
    struct unique u = {.x = c->in[0]};
    bool text = u.x->dtype == ASHORE_STRING;
    size_t bytes;
    int rc;

    ASH_TRY(rows_of(a, u.x, &u.r, c->err));
    bool pairs = u.x->dtype == ASHORE_COMPLEX64 || u.x->dtype == ASHORE_COMPLEX128;
    u.width = u.r.outer * u.r.inner * (pairs ? 2 : 1);
    bytes = ash_size_mul((size_t)u.r.n, ash_size_add(text ? 0 : (size_t)u.width, 4));
    bytes = ash_size_mul(ash_size_add(bytes, 1), sizeof(int64_t));
    int64_t *memory = ash_alloc(c->heap, bytes);
    if (!memory) return ash_fail_nomem(c->err, bytes);
    u.order = memory;
    u.spare = u.order + u.r.n;
    u.first = u.spare + u.r.n;
    u.at = u.first + u.r.n;
    if (!text) {
        u.key = u.at + u.r.n;
        load_row_keys(&u);
    }
    rc = unique_put(c, &u, find_unique(&u, a->unsorted));
    ash_free(c->heap, memory, bytes);
    return rc;
}

/* ---- ReverseSequence ---- */

static int reverse_parse(const struct ash_parse *c, void *attrs) {
    struct select_attrs *a = attrs;

    ASH_TRY(ash_parse_int(c, "time_axis", 0, &a->axis));
    ASH_TRY(ash_parse_int(c, "batch_axis", 1, &a->batch_axis));
    ASH_FAIL_IF(a->axis < 0 || a->axis > 1 || a->batch_axis != 1 - a->axis, c->err, ATTR,
                "time is axis %lld and the batch axis %lld, expected 0 and 1 or 1 and 0",
                (long long)a->axis, (long long)a->batch_axis);
    return ASHORE_OK;
}

static int reverse_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    int dtype;

    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &dtype));
    ash_infer_set(c, 0, t->dtype, t->rank, t->dim);
    ASH_FAIL_IF(t->rank == 0 || t->rank == 1, c->err, SHAPE, "an input of rank %d", t->rank);
    return ASHORE_OK;
}

static int reverse_ref(struct ash_run *c) {
    const struct select_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *lengths = c->in[1], *y = c->out[0];
    int64_t time = x->dim[a->axis], batch = x->dim[a->batch_axis];
    size_t row = (size_t)ash_dims_product(x->dim, 2, x->rank) * ash_dtype_size(x->dtype);

    ASH_FAIL_IF(ash_tensor_count(lengths) != batch, c->err, SHAPE,
                "%lld lengths for a batch of %lld", (long long)ash_tensor_count(lengths),
                (long long)batch);
    for (int64_t b = 0; b < batch && row; b++) {
        int64_t n = ash_get_i64(lengths, b);

        ASH_FAIL_IF(n < 0 || n > time, c->err, INDEX, "a length of %lld of %lld", (long long)n,
                    (long long)time);
        for (int64_t t = 0; t < time; t++) {
            int64_t from = t < n ? n - 1 - t : t;
            int64_t i = a->axis ? b * time + from : from * batch + b;
            int64_t o = a->axis ? b * time + t : t * batch + b;

            memcpy((char *)y->data + (size_t)o * row, (const char *)x->data + (size_t)i * row, row);
        }
    }
    return ASHORE_OK;
}

#define SELECT .domain = "", .out_min = 1, .attrs_size = sizeof(struct select_attrs)

extern const struct ash_op ash_ops_select[];
const struct ash_op ash_ops_select[] = {
    {SELECT, .name = "Compress", .since = 9, .in_min = 2, .in_max = 2, .out_max = 1,
     .parse = rows_parse, .infer = compress_infer, .ref = compress_ref},
    {SELECT, .name = "Unique", .since = 11, .in_min = 1, .in_max = 1, .out_max = 4,
     .parse = rows_parse, .infer = unique_infer, .ref = unique_ref},
    {SELECT, .name = "ReverseSequence", .since = 10, .in_min = 2, .in_max = 2, .out_max = 1,
     .flags = ASH_OP_MOVES, .parse = reverse_parse, .infer = reverse_infer, .ref = reverse_ref},
    {0},
};
