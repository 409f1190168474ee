/* OneHotEncoder and CategoryMapper of ai.onnx.ml: categories are found through a hash table made
 * when the model is loaded. */
#include "ops/ml.h"
#include "ops/move.h"

/* ---- OneHotEncoder ---- */

struct encoder_attrs {
    struct ash_labels categories;
    bool zeros; /* what is no category is all zeros, else an error */
};

static int encoder_parse(const struct ash_parse *c, void *attrs) {
    struct encoder_attrs *a = attrs;
    int64_t zeros;
    ASH_TRY(ash_labels_parse(c, "cats_int64s", "cats_strings", &a->categories));
    ASH_TRY(ash_parse_int(c, "zeros", 1, &zeros));
    ASH_FAIL_IF(!a->categories.n, c->err, ATTR,
                "neither 'cats_int64s' nor 'cats_strings' has a category");
    a->zeros = zeros != 0;
    return ash_labels_index(c, &a->categories);
}

static int encoder_infer(struct ash_infer *c) {
    const struct encoder_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int dtype, takes = a->categories.texts ? ASH_TAKES_STRING : ASH_TAKES_NUMBER;
    ASH_TRY(ash_infer_types(c, 0, 1, takes, &dtype));
    ash_infer_set(c, 0, ASHORE_FLOAT32, -1, NULL);
    if (t->rank < 0) return ASHORE_OK;
    ASH_MISFIT_IF(t->rank == ASH_MAX_RANK, c->err, LIMIT,
                  "rank %d: tensors have at most %d dimensions", t->rank + 1, ASH_MAX_RANK);
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i];
    dim[t->rank] = ash_dim_exact((int64_t)a->categories.n);
    ash_infer_set(c, 0, ASHORE_FLOAT32, t->rank + 1, dim);
    return ASHORE_OK;
}

static int encoder_ref(struct ash_run *c) {
    const struct encoder_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int64_t dim[ASH_MAX_RANK + 1], count = ash_tensor_count(x), n = (int64_t)a->categories.n;
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[i];
    dim[x->rank] = n;
    ASH_FAIL_IF(x->rank == ASH_MAX_RANK, c->err, LIMIT,
                "rank %d: tensors have at most %d dimensions", x->rank + 1, ASH_MAX_RANK);
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_FLOAT32, x->rank + 1, dim));
    float *y = c->out[0]->data;
    int64_t number[ASH_TILE];
    size_t m;
    for (int64_t at = 0; (m = ash_tile_size(count, at)); at += (int64_t)m) {
        ash_labels_find_all(&a->categories, x, at, m, number);
        ash_fill(y, sizeof *y, (int64_t)m * n, NULL);
        for (size_t i = 0; i < m; i++, y += n) {
            ASH_FAIL_IF(number[i] < 0 && !a->zeros, c->err, INDEX, "element %lld is no category",
                        (long long)at + (long long)i);
            if (number[i] >= 0) y[number[i]] = 1;
        }
    }
    return ASHORE_OK;
}

/* ---- CategoryMapper: texts to numbers, or the other way round ---- */

struct mapper_attrs {
    struct ash_labels numbers, names; /* and one more that is not looked for: the default */
    int64_t number;
    struct ash_text name;
};

static int mapper_parse(const struct ash_parse *c, void *attrs) {
    struct mapper_attrs *a = attrs;
    const struct ash_attr *name = ash_node_attr(c->node, "default_string");
    ASH_FAIL_IF(name && name->type != ASH_ATTR_STRING, c->err, ATTR,
                "attribute 'default_string' is no text");
    a->name = name ? name->v.s : (struct ash_text){"_Unused", 7};
    ASH_TRY(ash_parse_int(c, "default_int64", -1, &a->number));
    ASH_TRY(ash_parse_ints(c, "cats_int64s", &a->numbers.ints, &a->numbers.n));
    ASH_TRY(ash_parse_strings(c, "cats_strings", &a->names.texts, &a->names.n));
    ASH_FAIL_IF(a->numbers.n != a->names.n || !a->names.n, c->err, ATTR,
                "attribute 'cats_int64s' has %zu numbers, 'cats_strings' %zu texts, expected as "
                "many, and some",
                a->numbers.n, a->names.n);
    ASH_FAIL_IF(a->names.n > INT32_MAX, c->err, LIMIT, "%zu categories", a->names.n);
    ASH_TRY(ash_labels_index(c, &a->numbers));
    return ash_labels_index(c, &a->names);
}

static int mapper_infer(struct ash_infer *c) {
    int dtype = c->in[0]->type.dtype;
    ASH_MISFIT_IF(dtype && dtype != ASHORE_STRING && dtype != ASHORE_INT64, c->err, TYPE,
                  "an input of type %s, expected string or int64", ash_dtype(dtype)->name);
    if (dtype) ash_infer_like(c, 0, dtype == ASHORE_STRING ? ASHORE_INT64 : ASHORE_STRING, 0);
    return ASHORE_OK;
}

static int names_run(struct ash_run *c) {
    const struct mapper_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    size_t count = (size_t)ash_tensor_count(x), bytes = ash_size_mul(count, sizeof(int64_t));
    const struct ash_texts names = {a->names.texts, a->names.n, a->name};
    int64_t *number = ash_alloc(c->heap, bytes);
    if (!number && bytes) return ash_fail_nomem(c->err, bytes);
    ash_labels_find_all(&a->numbers, x, 0, count, number);
    int rc = ash_ml_give_texts(c, 0, &names, x->rank, x->dim, number);
    ash_free(c->heap, number, bytes);
    return rc;
}

static int mapper_ref(struct ash_run *c) {
    const struct mapper_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int64_t count = ash_tensor_count(x);
    if (x->dtype != ASHORE_STRING) return names_run(c);
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_INT64, x->rank, x->dim));
    int64_t *y = c->out[0]->data;
    ash_labels_find_all(&a->names, x, 0, (size_t)count, y);
    for (int64_t i = 0; i < count; i++) y[i] = y[i] < 0 ? a->number : a->numbers.ints[y[i]];
    return ASHORE_OK;
}

#define ML .domain = ASH_ML, .since = 1, .in_min = 1, .in_max = 1, .out_min = 1, .out_max = 1

extern const struct ash_op ash_ops_ml_categories[];
const struct ash_op ash_ops_ml_categories[] = {
    {ML, .name = "OneHotEncoder", .attrs_size = sizeof(struct encoder_attrs),
     .parse = encoder_parse, .infer = encoder_infer, .ref = encoder_ref},
    {ML, .name = "CategoryMapper", .attrs_size = sizeof(struct mapper_attrs), .parse = mapper_parse,
     .infer = mapper_infer, .ref = mapper_ref},
    {0},
};
