/* ZipMap, DictVectorizer and CastMap of ai.onnx.ml: rows to maps, and maps to rows. */
#include "base/format.h"
#include "ops/ml.h"
#include "ops/move.h"
#include "ops/text.h"

#include <math.h>
#include <string.h>

/* ---- ZipMap: a map from labels to numbers for each row ---- */

struct zip_attrs {
    struct ash_labels labels;
};

static int zip_parse(const struct ash_parse *c, void *attrs) {
    struct zip_attrs *a = attrs;
    ASH_TRY(ash_labels_parse(c, "classlabels_int64s", "classlabels_strings", &a->labels));
    ASH_FAIL_IF(!a->labels.n, c->err, ATTR,
                "neither 'classlabels_int64s' nor 'classlabels_strings' has a label");
    return ASHORE_OK;
}

static int zip_infer(struct ash_infer *c) {
    const struct zip_attrs *a = c->attrs;
    struct ash_dim rows, features;
    struct ash_type *elem = ash_arena_array(c->arena, 2, sizeof *elem);
    if (!elem) return ash_fail_nomem(c->err, 2 * sizeof *elem);
    elem[1] = (struct ash_type){.dtype = ASHORE_FLOAT32};
    elem[0] = (struct ash_type){.kind = ASHORE_MAP,
                                .dtype = (uint8_t)ash_labels_dtype(&a->labels),
                                .rank = -1,
                                .elem = &elem[1]};
    c->out->type.kind = ASHORE_SEQUENCE;
    c->out->type.elem = elem;
    ASH_TRY(ash_infer_rows(c, &rows, &features));
    return ash_infer_agree(c, features, ash_dim_exact((int64_t)a->labels.n), "labels");
}

static int zip_keys(struct ash_run *c, struct ashore_value **keys) {
    const struct ash_labels *l = &((const struct zip_attrs *)c->attrs)->labels;
    int64_t n = (int64_t)l->n;
    size_t total = 0, at = 0;
    if (!l->texts) {
        struct ash_tensor t = {
            .dtype = ASHORE_INT64, .rank = 1, .dim = {n}, .data = (void *)(uintptr_t)l->ints};
        return ash_value_copy(c->heap, &t, keys, c->err);
    }
    for (int64_t i = 0; i < n; i++) total = ash_size_add(total, l->texts[i].length);
    ASH_TRY(ash_value_strings(c->heap, 1, &n, total, keys, c->err));
    for (int64_t i = 0; i < n; i++) ash_ml_text(&(*keys)->tensor, i, &at, l->texts[i]);
    return ASHORE_OK;
}

/* Maps share their keys. */
static int zip_ref(struct ash_run *c) {
    struct ashore_value *list, *keys, *values;
    int64_t rows, n;
    ash_rows_of(c->in[0], &rows, &n);
    size_t labels = ((const struct zip_attrs *)c->attrs)->labels.n;
    ASH_FAIL_IF((size_t)n != labels, c->err, SHAPE, "labels: %lld, expected %zu", (long long)n,
                labels);
    ASH_TRY(ash_value_list(c->heap, ASHORE_SEQUENCE, (size_t)rows, &list, c->err));
    ash_run_give(c, 0, list);
    ASH_TRY(zip_keys(c, &keys));
    int rc = ASHORE_OK;
    for (int64_t r = 0; r < rows && rc == ASHORE_OK; r++) {
        rc = ash_value_tensor(c->heap, ASHORE_FLOAT32, 1, &n, &values, c->err);
        if (rc != ASHORE_OK) break;
        ash_convert(c->in[0]->dtype, ash_at(c->in[0], r * n), (size_t)n, ASHORE_FLOAT32,
                    values->tensor.data, true, ASH_ROUND_UP);
        rc = ash_value_map(c->heap, keys, values, &list->items[r], c->err);
        ash_value_release(&values);
    }
    ash_value_release(&keys);
    return rc;
}

/* ---- what takes maps ---- */

/* The type of the values of input 0, a map; 0 where it is not known. */
static int map_infer(struct ash_infer *c, int *key, int *value) {
    const struct ash_type *t = &c->in[0]->type;
    *key = *value = 0;
    ASH_MISFIT_IF(t->kind != ASHORE_MAP && (t->kind || t->dtype), c->err, TYPE,
                  "input 0 must be a map");
    if (t->kind != ASHORE_MAP) return ASHORE_OK;
    *key = t->dtype;
    if (!t->elem) return ASHORE_OK;
    ASH_MISFIT_IF(t->elem->kind != ASHORE_TENSOR, c->err, TYPE,
                  "the values of the map must be numbers or texts");
    *value = t->elem->dtype;
    return ASHORE_OK;
}

/* Keys and values of input 0; of this type, where one is asked for. */
static int map_of(const struct ash_run *c, int key, const struct ash_tensor **keys,
                  const struct ash_tensor **values) {
    const struct ashore_value *v = c->in_value[0];
    ASH_FAIL_IF(!v || v->kind != ASHORE_MAP || v->items[1]->kind != ASHORE_TENSOR, c->err, TYPE,
                "input 0 must be a map to numbers or texts");
    *keys = &v->items[0]->tensor;
    *values = &v->items[1]->tensor;
    ASH_FAIL_IF((*keys)->dtype != key, c->err, TYPE, "the keys of the map are %s, expected %s",
                ash_dtype((*keys)->dtype)->name, ash_dtype(key)->name);
    return ASHORE_OK;
}

static struct ash_text text_at(const struct ash_tensor *t, int64_t i) {
    return ash_key_at(t, i).text;
}

/* Makes output 0 [1, n]: of value from[i] of the map, or of nothing (0, "") where that is -1. */
static int pick(struct ash_run *c, const struct ash_tensor *values, const int64_t *from,
                int64_t n) {
    const int64_t dim[2] = {1, n};
    size_t total = 0, at = 0, size = ash_dtype_size(values->dtype);
    if (values->dtype != ASHORE_STRING) {
        ASH_TRY(ash_run_alloc(c, 0, values->dtype, 2, dim));
        ash_fill(c->out[0]->data, size, n, NULL);
        for (int64_t i = 0; i < n; i++)
            if (from[i] >= 0) memcpy(ash_at(c->out[0], i), ash_at(values, from[i]), size);
        return ASHORE_OK;
    }
    for (int64_t i = 0; i < n; i++)
        total = ash_size_add(total, from[i] < 0 ? 0 : text_at(values, from[i]).length);
    ASH_TRY(ash_run_strings(c, 0, 2, dim, total));
    for (int64_t i = 0; i < n; i++)
        ash_ml_text(c->out[0], i, &at,
                    from[i] < 0 ? (struct ash_text){"", 0} : text_at(values, from[i]));
    return ASHORE_OK;
}

/* ---- DictVectorizer: the values of the keys of a vocabulary ---- */

static int dict_parse(const struct ash_parse *c, void *attrs) {
    struct zip_attrs *a = attrs;
    ASH_TRY(ash_labels_parse(c, "int64_vocabulary", "string_vocabulary", &a->labels));
    ASH_FAIL_IF(!a->labels.n, c->err, ATTR,
                "neither 'int64_vocabulary' nor 'string_vocabulary' has a key");
    return ash_labels_index(c, &a->labels);
}

static int dict_infer(struct ash_infer *c) {
    const struct zip_attrs *a = c->attrs;
    const struct ash_dim dim[2] = {ash_dim_exact(1), ash_dim_exact((int64_t)a->labels.n)};
    int key, value, wanted = ash_labels_dtype(&a->labels);
    ASH_TRY(map_infer(c, &key, &value));
    ASH_MISFIT_IF(key && key != wanted, c->err, TYPE, "the keys of the map are %s, expected %s",
                  ash_dtype(key)->name, ash_dtype(wanted)->name);
    ash_infer_set(c, 0, value, 2, dim);
    return ASHORE_OK;
}

static int dict_ref(struct ash_run *c) {
    const struct ash_labels *l = &((const struct zip_attrs *)c->attrs)->labels;
    const struct ash_tensor *keys, *values;
    ASH_TRY(map_of(c, ash_labels_dtype(l), &keys, &values));
    int64_t count = ash_tensor_count(keys), *from = ash_alloc(c->heap, l->n * sizeof *from);
    if (!from) return ash_fail_nomem(c->err, l->n * sizeof *from);
    for (size_t i = 0; i < l->n; i++) from[i] = -1;
    for (int64_t i = 0; i < count; i++) { /* a key may be in the vocabulary more than once */
        int64_t at = ash_labels_find(l, ash_key_at(keys, i));
        for (; at >= 0; at = (int64_t)l->same[at] - 1) from[at] = i;
    }
    int rc = pick(c, values, from, (int64_t)l->n);
    ash_free(c->heap, from, l->n * sizeof *from);
    return rc;
}

/* ---- CastMap: the values in the order of their keys, or at their keys, of another type ---- */

enum { CAST_FLOAT, CAST_STRING, CAST_INT };

struct castmap_attrs {
    int to;
    int sparse;
    int64_t width;
};

static int castmap_parse(const struct ash_parse *c, void *attrs) {
    static const char *const types[] = {"TO_FLOAT", "TO_STRING", "TO_INT64", NULL};
    static const char *const forms[] = {"DENSE", "SPARSE", NULL};
    struct castmap_attrs *a = attrs;
    ASH_TRY(ash_parse_choice(c, "cast_to", types, CAST_FLOAT, &a->to));
    ASH_TRY(ash_parse_choice(c, "map_form", forms, 0, &a->sparse));
    ASH_TRY(ash_parse_int(c, "max_map", 1, &a->width));
    ASH_FAIL_IF(a->sparse && (a->width < 1 || a->width > INT32_MAX), c->err, ATTR,
                "attribute 'max_map' is %lld", (long long)a->width);
    return ASHORE_OK;
}

static int castmap_infer(struct ash_infer *c) {
    static const uint8_t dtypes[] = {ASHORE_FLOAT32, ASHORE_STRING, ASHORE_INT64};
    const struct castmap_attrs *a = c->attrs;
    struct ash_dim dim[2] = {ash_dim_exact(1), ash_dim_unknown()};
    int key, value;
    ASH_TRY(map_infer(c, &key, &value));
    ASH_MISFIT_IF(key && key != ASHORE_INT64, c->err, TYPE,
                  "the keys of the map are %s, expected int64", ash_dtype(key)->name);
    if (a->sparse) dim[1] = ash_dim_exact(a->width);
    ash_infer_set(c, 0, dtypes[a->to], 2, dim);
    return ASHORE_OK;
}

/* Entries 0..n-1 in the order of their keys, the last of equal ones alone; returns how many. */
static int64_t order_entries(const int64_t *key, int64_t n, int64_t *entry) {
    int64_t gap = 1, kept = 0;
    for (int64_t i = 0; i < n; i++) entry[i] = i;
    while (gap < n / 3) gap = 3 * gap + 1;
    for (; gap; gap /= 3) { /* Shell's sort */
        for (int64_t i = gap; i < n; i++) {
            int64_t e = entry[i], at = i;
            for (; at >= gap; at -= gap) {
                int64_t f = entry[at - gap];
                if (key[f] < key[e] || (key[f] == key[e] && f < e)) break;
                entry[at] = f;
            }
            entry[at] = e;
        }
    }
    for (int64_t i = 0; i < n; i++)
        if (i + 1 == n || key[entry[i]] != key[entry[i + 1]]) entry[kept++] = entry[i];
    return kept;
}

/* Entries at their keys, below n; -1 where there is none. */
static int place_entries(const int64_t *key, int64_t count, int64_t n, int64_t *entry,
                         struct ashore_error *err) {
    for (int64_t i = 0; i < n; i++) entry[i] = -1;
    for (int64_t i = 0; i < count; i++) {
        ASH_FAIL_IF(key[i] < 0, err, INDEX, "the map has the negative key %lld", (long long)key[i]);
        if (key[i] < n) entry[key[i]] = i;
    }
    return ASHORE_OK;
}

enum { TEXT_MAX = 64 };

/* A number with six digits behind the point, as onnxruntime writes it: exact and rounded to even,
 * since a float32 times 10^6 is a float64. */
static size_t fixed_text(double x, char *text) {
    double scaled = rint(fabs(x) * 1e6);
    if (isnan(x) || isinf(x))
        return ash_format(text, TEXT_MAX, "%s%s", signbit(x) ? "-" : "", isnan(x) ? "nan" : "inf");
    if (scaled >= 0x1p63) return ash_format(text, TEXT_MAX, "%.17g", x);
    uint64_t n = (uint64_t)scaled;
    return ash_format(text, TEXT_MAX, "%s%llu.%06llu", signbit(x) ? "-" : "",
                      (unsigned long long)(n / 1000000), (unsigned long long)(n % 1000000));
}

/* Value i as text; -1: what stands for nothing.  room has TEXT_MAX bytes. */
static struct ash_text value_text(const struct ash_tensor *values, int64_t i, char *room) {
    if (i < 0) return (struct ash_text){"0.f", 3};
    if (values->dtype == ASHORE_STRING) return text_at(values, i);
    return (struct ash_text){room, fixed_text(ash_get_f64(values, i), room)};
}

static int castmap_texts(struct ash_run *c, const struct ash_tensor *values, const int64_t *from,
                         int64_t n) {
    char room[TEXT_MAX];
    size_t total = 0, at = 0;
    for (int64_t i = 0; i < n; i++)
        total = ash_size_add(total, value_text(values, from[i], room).length);
    ASH_TRY(ash_run_strings(c, 0, 2, (int64_t[]){1, n}, total));
    for (int64_t i = 0; i < n; i++)
        ash_ml_text(c->out[0], i, &at, value_text(values, from[i], room));
    return ASHORE_OK;
}

static int castmap_numbers(struct ash_run *c, const struct ash_tensor *values, const int64_t *from,
                           int64_t n) {
    bool to_int = ((const struct castmap_attrs *)c->attrs)->to == CAST_INT;
    ASH_TRY(ash_run_alloc(c, 0, to_int ? ASHORE_INT64 : ASHORE_FLOAT32, 2, (int64_t[]){1, n}));
    for (int64_t i = 0; i < n; i++) {
        struct ash_number x = {0};
        if (from[i] >= 0 && values->dtype == ASHORE_STRING)
            ASH_TRY(ash_number_of_text(text_at(values, from[i]), &x, c->err));
        else if (from[i] >= 0)
            x.real = ash_get_f64(values, from[i]);
        if (x.is_int && to_int)
            ash_store_i64(ASHORE_INT64, &x.whole, 1, ash_at(c->out[0], i));
        else
            ash_convert(ASHORE_FLOAT64, &x.real, 1, c->out[0]->dtype, ash_at(c->out[0], i), true,
                        ASH_ROUND_UP);
    }
    return ASHORE_OK;
}

static int castmap_ref(struct ash_run *c) {
    const struct castmap_attrs *a = c->attrs;
    const struct ash_tensor *keys, *values;
    ASH_TRY(map_of(c, ASHORE_INT64, &keys, &values));
    const int64_t *key = keys->data;
    int64_t count = ash_tensor_count(keys), n = a->sparse ? a->width : count;
    size_t bytes = (size_t)(n ? n : 1) * sizeof n;
    int64_t *from = ash_alloc(c->heap, bytes);
    if (!from) return ash_fail_nomem(c->err, bytes);
    int rc = ASHORE_OK;
    if (a->sparse)
        rc = place_entries(key, count, n, from, c->err);
    else
        n = order_entries(key, count, from);
    if (rc == ASHORE_OK)
        rc = (a->to == CAST_STRING ? castmap_texts : castmap_numbers)(c, values, from, n);
    ash_free(c->heap, from, bytes);
    return rc;
}

#define ML     .domain = ASH_ML, .since = 1, .in_min = 1, .in_max = 1, .out_min = 1, .out_max = 1
#define OF_MAP ML, .flags = ASH_OP_VALUES

extern const struct ash_op ash_ops_ml_maps[];
const struct ash_op ash_ops_ml_maps[] = {
    {ML, .name = "ZipMap", .attrs_size = sizeof(struct zip_attrs), .parse = zip_parse,
     .infer = zip_infer, .ref = zip_ref},
    {OF_MAP, .name = "DictVectorizer", .attrs_size = sizeof(struct zip_attrs), .parse = dict_parse,
     .infer = dict_infer, .ref = dict_ref},
    {OF_MAP, .name = "CastMap", .attrs_size = sizeof(struct castmap_attrs), .parse = castmap_parse,
     .infer = castmap_infer, .ref = castmap_ref},
    {0},
};
