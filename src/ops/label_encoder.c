/* LabelEncoder of ai.onnx.ml: elements are looked up among keys, by a hash table that is made when
 * the model is loaded, and become the values beside them.
 *
 * Of keys that are there twice the first counts, and in versions before 4 NaN is no key that is
 * ever found, as in onnxruntime; ONNX says the opposite of both. */
#include "base/heap.h"
#include "ops/ml.h"

#include <math.h>
#include <string.h>

/* Keys or values: numbers of any type, or texts. */
struct list {
    int dtype; /* 0: not there */
    size_t n;
    const void *data; /* of numbers */
    const struct ash_text *texts;
};

struct encoder {
    struct list keys, values;
    struct ash_text default_text;
    unsigned char default_number[sizeof(int64_t)];
    uint32_t *slot; /* one more than the key's number, by hash; 0: none */
    size_t mask;
    uint64_t *bits; /* of keys that are numbers */
    bool finds_nan;
    /* Version 1: `keys` are texts, their numbers the values; it encodes either as the other. */
    bool classes;
    int64_t default_index;
};

/* ---- the table ---- */

/* What numbers are compared by: those of floating-point types as float64, where -0 is 0 and all
 * NaN are one. */
static void load_bits(int dtype, const void *x, size_t n, uint64_t *bits) {
    double d[ASH_TILE];
    if (!ash_dtype_is_float(dtype)) {
        ash_load_u64(dtype, x, n, bits);
        return;
    }
    for (size_t m; n; n -= m, bits += m, x = (const char *)x + m * ash_dtype_size(dtype)) {
        m = ash_tile_size((int64_t)n, 0);
        ash_load_f64(dtype, x, m, d);
        for (size_t i = 0; i < m; i++) {
            d[i] = d[i] == 0 ? 0 : isnan(d[i]) ? (double)NAN : d[i];
            memcpy(&bits[i], &d[i], sizeof d[i]);
        }
    }
}

static uint32_t *slot_of_number(const struct encoder *e, uint64_t bits) {
    size_t at = ash_hash_number(bits) & e->mask;
    while (e->slot[at] && e->bits[e->slot[at] - 1] != bits) at = (at + 1) & e->mask;
    return &e->slot[at];
}

static uint32_t *slot_of_text(const struct encoder *e, struct ash_text text) {
    size_t at = ash_hash_text(text) & e->mask;
    while (e->slot[at] && !ash_text_same(e->keys.texts[e->slot[at] - 1], text))
        at = (at + 1) & e->mask;
    return &e->slot[at];
}

static bool is_nan(const struct encoder *e, uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof d);
    return ash_dtype_is_float(e->keys.dtype) && isnan(d);
}

static int make_table(const struct ash_parse *c, struct encoder *e) {
    size_t size = 4, n = e->keys.n;
    bool texts = e->keys.dtype == ASHORE_STRING;
    ASH_FAIL_IF(n > UINT32_MAX / 4, c->err, LIMIT, "%zu keys", n);
    while (size < 2 * n) size *= 2;
    e->mask = size - 1;
    e->slot = ash_arena_array(c->arena, size, sizeof *e->slot);
    e->bits = texts ? NULL : ash_arena_array(c->arena, n, sizeof *e->bits);
    if (!e->slot || (!texts && !e->bits)) return ash_fail_nomem(c->err, size * sizeof *e->slot);
    memset(e->slot, 0, size * sizeof *e->slot);
    if (!texts) load_bits(e->keys.dtype, e->keys.data, n, e->bits);
    for (size_t i = 0; i < n; i++) {
        if (!texts && !e->finds_nan && is_nan(e, e->bits[i])) continue;
        uint32_t *slot = texts ? slot_of_text(e, e->keys.texts[i]) : slot_of_number(e, e->bits[i]);
        if (!*slot || e->classes) *slot = (uint32_t)i + 1;
    }
    return ASHORE_OK;
}

/* Which of the keys n elements of x are, from `start` on, at most ASH_TILE; -1: none. */
static void find(const struct encoder *e, const struct ash_tensor *x, int64_t start, size_t n,
                 int64_t *number) {
    uint64_t bits[ASH_TILE];
    if (x->dtype == ASHORE_STRING) {
        for (size_t i = 0; i < n; i++)
            number[i] = (int64_t)*slot_of_text(e, ash_key_at(x, start + (int64_t)i).text) - 1;
        return;
    }
    load_bits(x->dtype, ash_at(x, start), n, bits);
    for (size_t i = 0; i < n; i++) {
        if (!e->classes)
            number[i] = (int64_t)*slot_of_number(e, bits[i]) - 1;
        else
            number[i] = bits[i] < e->keys.n ? (int64_t)bits[i] : -1;
    }
}

/* ---- attributes ---- */

/* Texts of a tensor, which holds them. */
static int take_tensor(const struct ash_parse *c, const struct ash_tensor *t, struct list *out) {
    size_t n = (size_t)ash_tensor_count(t);
    *out = (struct list){.dtype = t->dtype, .n = n, .data = t->data};
    if (t->dtype != ASHORE_STRING) return ASHORE_OK;
    struct ash_text *texts = ash_arena_array(c->arena, n, sizeof *texts);
    if (!texts) return ash_fail_nomem(c->err, ash_size_mul(n, sizeof *texts));
    for (size_t i = 0; i < n; i++) texts[i] = ash_key_at(t, (int64_t)i).text;
    out->texts = texts;
    return ASHORE_OK;
}

/* The one attribute of four that holds the keys, or the values. */
static int take_list(const struct ash_parse *c, const char *const names[4], struct list *out) {
    const struct ash_tensor *tensor;
    const struct ash_text *texts;
    const int64_t *ints;
    const float *floats;
    size_t n[3];
    int found = 0;
    for (int i = 0; i < 4; i++) found += ash_node_attr(c->node, names[i]) != NULL;
    ASH_FAIL_IF(found != 1, c->err, ATTR,
                "of the attributes '%s', '%s', '%s' and '%s' one must be there, %d are", names[0],
                names[1], names[2], names[3], found);
    ASH_TRY(ash_parse_ints(c, names[0], &ints, &n[0]));
    ASH_TRY(ash_parse_floats(c, names[1], &floats, &n[1]));
    ASH_TRY(ash_parse_strings(c, names[2], &texts, &n[2]));
    ASH_TRY(ash_parse_tensor(c, names[3], &tensor));
    if (tensor)
        ASH_TRY(take_tensor(c, tensor, out));
    else if (ash_node_attr(c->node, names[0]))
        *out = (struct list){.dtype = ASHORE_INT64, .n = n[0], .data = ints};
    else if (ash_node_attr(c->node, names[1]))
        *out = (struct list){.dtype = ASHORE_FLOAT32, .n = n[1], .data = floats};
    else
        *out = (struct list){.dtype = ASHORE_STRING, .n = n[2], .texts = texts};
    int class = ash_dtype(out->dtype)->number;
    ASH_FAIL_IF(out->dtype != ASHORE_STRING && class != ASH_CLASS_FLOAT && class != ASH_CLASS_INT &&
                    class != ASH_CLASS_UINT,
                c->err, ATTR, "attribute '%s' is of type %s", names[3],
                ash_dtype(out->dtype)->name);
    return ASHORE_OK;
}

static int take_default_text(const struct ash_parse *c, struct ash_text *out) {
    const struct ash_attr *a = ash_node_attr(c->node, "default_string");
    ASH_FAIL_IF(a && a->type != ASH_ATTR_STRING, c->err, ATTR,
                "attribute 'default_string' is no text");
    *out = a ? a->v.s : (struct ash_text){"_Unused", 7};
    return ASHORE_OK;
}

/* The value of what is not among the keys. */
static int take_default(const struct ash_parse *c, struct encoder *e) {
    const struct ash_tensor *tensor;
    int64_t whole;
    float real;
    ASH_TRY(take_default_text(c, &e->default_text));
    ASH_TRY(ash_parse_int(c, "default_int64", -1, &whole));
    ASH_TRY(ash_parse_float(c, "default_float", -0.0f, &real));
    ASH_TRY(ash_parse_tensor(c, "default_tensor", &tensor));
    if (!tensor) {
        double wide = (double)real;
        if (e->values.dtype == ASHORE_STRING) return ASHORE_OK;
        if (ash_dtype_is_float(e->values.dtype))
            ash_store_f64(e->values.dtype, &wide, 1, e->default_number);
        else
            ash_store_i64(e->values.dtype, &whole, 1, e->default_number);
        return ASHORE_OK;
    }
    struct list l;
    ASH_TRY(take_tensor(c, tensor, &l));
    ASH_FAIL_IF(l.n != 1 || l.dtype != e->values.dtype, c->err, ATTR,
                "attribute 'default_tensor' has %zu elements of type %s, expected one of type %s",
                l.n, ash_dtype(l.dtype)->name, ash_dtype(e->values.dtype)->name);
    if (l.dtype == ASHORE_STRING)
        e->default_text = l.texts[0];
    else
        memcpy(e->default_number, l.data, ash_dtype_size(l.dtype));
    return ASHORE_OK;
}

static int encoder_parse(const struct ash_parse *c, void *attrs) {
    static const char *const keys[] = {"keys_int64s", "keys_floats", "keys_strings", "keys_tensor"};
    static const char *const values[] = {"values_int64s", "values_floats", "values_strings",
                                         "values_tensor"};
    struct encoder *e = attrs;
    ASH_TRY(take_list(c, keys, &e->keys));
    ASH_TRY(take_list(c, values, &e->values));
    ASH_FAIL_IF(e->keys.n != e->values.n, c->err, ATTR,
                "attributes 'keys_*' and 'values_*' have %zu and %zu elements", e->keys.n,
                e->values.n);
    ASH_TRY(take_default(c, e));
    e->finds_nan = c->node->opset >= 4;
    return make_table(c, e);
}

static int classes_parse(const struct ash_parse *c, void *attrs) {
    struct encoder *e = attrs;
    e->classes = true;
    e->keys.dtype = ASHORE_STRING;
    ASH_TRY(ash_parse_strings(c, "classes_strings", &e->keys.texts, &e->keys.n));
    ASH_TRY(ash_parse_int(c, "default_int64", -1, &e->default_index));
    ASH_TRY(take_default_text(c, &e->default_text));
    return make_table(c, e);
}

/* ---- inference, running ---- */

static int encoder_infer(struct ash_infer *c) {
    const struct encoder *e = c->attrs;
    int dtype, out = e->values.dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER | ASH_TAKES_STRING, &dtype));
    if (e->classes) {
        ASH_MISFIT_IF(dtype && dtype != ASHORE_STRING && dtype != ASHORE_INT64, c->err, TYPE,
                      "the input is of type %s, expected string or int64", ash_dtype(dtype)->name);
        out = dtype == ASHORE_STRING ? ASHORE_INT64 : dtype ? ASHORE_STRING : 0;
    } else {
        ASH_MISFIT_IF(dtype && dtype != e->keys.dtype, c->err, TYPE,
                      "the input is of type %s, the keys are of type %s", ash_dtype(dtype)->name,
                      ash_dtype(e->keys.dtype)->name);
    }
    ash_infer_like(c, 0, out, 0);
    return ASHORE_OK;
}

static int texts_run(struct ash_run *c) {
    const struct encoder *e = c->attrs;
    const struct ash_tensor *x = c->in[0];
    const struct list *l = e->classes ? &e->keys : &e->values;
    const struct ash_texts texts = {l->texts, l->n, e->default_text};
    int64_t count = ash_tensor_count(x);
    size_t bytes = ash_size_mul((size_t)count, sizeof count), n;
    int64_t *number = ash_alloc(c->heap, bytes);
    if (!number && bytes) return ash_fail_nomem(c->err, bytes);
    for (int64_t at = 0; (n = ash_tile_size(count, at)); at += (int64_t)n)
        find(e, x, at, n, number + at);
    int rc = ash_ml_give_texts(c, 0, &texts, x->rank, x->dim, number);
    ash_free(c->heap, number, bytes);
    return rc;
}

/* The values of n keys, or the default, all of this size. */
static void write_numbers(const struct encoder *e, const int64_t *number, size_t n, size_t size,
                          unsigned char *to) {
    const unsigned char *values = e->values.data;
    for (size_t i = 0; i < n; i++, to += size) {
        const unsigned char *from =
            number[i] < 0 ? e->default_number : values + (size_t)number[i] * size;
        if (size == sizeof(int64_t))
            memcpy(to, from, sizeof(int64_t));
        else if (size == sizeof(float))
            memcpy(to, from, sizeof(float));
        else
            memcpy(to, from, size);
    }
}

static int encoder_ref(struct ash_run *c) {
    const struct encoder *e = c->attrs;
    const struct ash_tensor *x = c->in[0];
    bool texts = e->classes ? x->dtype != ASHORE_STRING : e->values.dtype == ASHORE_STRING;
    int dtype = e->classes ? ASHORE_INT64 : e->values.dtype;
    int64_t number[ASH_TILE], count = ash_tensor_count(x);
    size_t n;
    if (texts) return texts_run(c);
    ASH_TRY(ash_run_alloc(c, 0, dtype, x->rank, x->dim));
    for (int64_t at = 0; (n = ash_tile_size(count, at)); at += (int64_t)n) {
        find(e, x, at, n, number);
        for (size_t i = 0; e->classes && i < n; i++) {
            int64_t *to = (int64_t *)c->out[0]->data + at;
            to[i] = number[i] < 0 ? e->default_index : number[i];
        }
        if (!e->classes) write_numbers(e, number, n, ash_dtype_size(dtype), ash_at(c->out[0], at));
    }
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_label_encoder[];
const struct ash_op ash_ops_label_encoder[] = {
    {.name = "LabelEncoder",
     .domain = "ai.onnx.ml",
     .since = 1,
     .until = 1,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct encoder),
     .parse = classes_parse,
     .infer = encoder_infer,
     .ref = encoder_ref},
    {.name = "LabelEncoder",
     .domain = "ai.onnx.ml",
     .since = 2,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct encoder),
     .parse = encoder_parse,
     .infer = encoder_infer,
     .ref = encoder_ref},
    {0},
};
