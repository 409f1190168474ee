#include "onnx/proto_value.h"

#include "onnx/onnx_reader.h"

#include <string.h>

/* SequenceProto and OptionalProto number their fields almost alike: what they hold is listed under
 * the field of its kind, and an optional has one at most. */
struct list_value {
    int64_t elem_type;
    struct ash_many kind[4]; /* by enum ashore_kind */
    struct ash_many sparse;
};
#define LIST_KIND(number, of)                                                                      \
    {number, ASH_WIRE_MANY,                                                                        \
     (uint16_t)(offsetof(struct list_value, kind) + (of) * sizeof(struct ash_many))}
static const struct ash_wire_rule list_value_rules[] = {
    ASH_WIRE_RULE(2, INT, list_value, elem_type),
    LIST_KIND(3, ASHORE_TENSOR),
    ASH_WIRE_RULE(4, MANY, list_value, sparse),
    LIST_KIND(5, ASHORE_SEQUENCE),
    LIST_KIND(6, ASHORE_MAP),
    LIST_KIND(7, ASHORE_OPTIONAL),
    ASH_WIRE_END,
};

struct map_value {
    int64_t key_type;
    struct ash_many keys, strings;
    struct ash_view values;
};
static const struct ash_wire_rule map_rules[] = {
    ASH_WIRE_RULE(2, INT, map_value, key_type),
    ASH_WIRE_RULE(3, VARINTS, map_value, keys),
    ASH_WIRE_RULE(4, MANY, map_value, strings),
    ASH_WIRE_RULE(5, BYTES, map_value, values),
    ASH_WIRE_END,
};

static int read_any(struct ash_reader *r, int kind, struct ash_view bytes,
                    struct ashore_value **out);

static int read_tensor(struct ash_reader *r, struct ash_view bytes, struct ashore_value **out) {
    struct ash_tensor t;
    ASH_TRY(ash_reader_tensor(r, bytes, &t, NULL));
    return ash_value_copy(r->arena->heap, &t, out, r->err);
}

static int read_list(struct ash_reader *r, int kind, struct ash_view bytes,
                     struct ashore_value **out) {
    struct list_value p = {0};
    ASH_TRY(ash_wire_read(bytes, list_value_rules, &p, r->err));
    ASH_FAIL_IF(p.sparse.count != 0, r->err, UNSUPPORTED, "sparse tensors as values");
    int of = 0, kinds = 0;
    for (int i = 0; i < 4; i++) {
        if (p.kind[i].count == 0) continue;
        of = i;
        kinds++;
    }
    size_t count = p.kind[of].count;
    ASH_FAIL_IF(kinds > 1 || (kind == ASHORE_OPTIONAL && count > 1), r->err, FORMAT,
                "a %s of several kinds", kind == ASHORE_OPTIONAL ? "value" : "sequence");
    struct ashore_value *list;
    ASH_TRY(ash_value_list(r->arena->heap, kind, count, &list, r->err));
    struct ash_view item = {NULL, 0};
    int rc = ASHORE_OK;
    for (size_t i = 0; i < count && rc == ASHORE_OK; i++) {
        (void)ash_many_next(&p.kind[of], &item);
        rc = read_any(r, of, item, &list->items[i]);
    }
    if (rc != ASHORE_OK) ash_value_release(&list);
    *out = list;
    return rc;
}

static int read_keys(struct ash_reader *r, struct map_value *p, size_t count,
                     struct ashore_value **keys) {
    bool text = p->strings.count != 0 || p->key_type == ASHORE_STRING;
    struct ash_heap *heap = r->arena->heap;
    int64_t dim = (int64_t)count;
    ASH_FAIL_IF((text ? p->strings.count : p->keys.count) != count, r->err, FORMAT,
                "a map of %zu values has another number of keys", count);
    if (!text) {
        int dtype = p->key_type != 0 ? (int)(uint8_t)p->key_type : ASHORE_INT64;
        int class = ash_dtype(dtype)->number;
        ASH_FAIL_IF(p->key_type >= ASHORE_DTYPE_COUNT || p->key_type < 0 ||
                        (class != ASH_CLASS_INT && class != ASH_CLASS_UINT),
                    r->err, FORMAT, "keys of a map have type %lld", (long long)p->key_type);
        ASH_TRY(ash_value_tensor(heap, dtype, 1, &dim, keys, r->err));
        size_t size = ash_dtype_size(dtype);
        for (size_t i = 0; i < count; i++) {
            uint64_t x = 0;
            (void)ash_many_number(&p->keys, &x);
            memcpy((char *)(*keys)->tensor.data + i * size, &x, size);
        }
        return ASHORE_OK;
    }
    struct ash_many strings = p->strings;
    struct ash_view item = {NULL, 0};
    size_t total = 0;
    while (ash_many_next(&strings, &item)) total = ash_size_add(total, item.size);
    ASH_TRY(ash_value_strings(heap, 1, &dim, total, keys, r->err));
    struct ash_str *to = (*keys)->tensor.data;
    char *chars = (char *)(uintptr_t)(*keys)->tensor.chars;
    uint32_t at = 0;
    for (size_t i = 0; i < count && ash_many_next(&p->strings, &item); i++) {
        if (item.size > total - at) item.size = total - at;
        to[i] = (struct ash_str){at, (uint32_t)item.size};
        if (item.size != 0) memcpy(chars + at, item.data, item.size);
        at += to[i].length;
    }
    return ASHORE_OK;
}

/* Scalars of one type, one after the other; anything else stays a sequence. */
static int join_scalars(struct ash_reader *r, struct ashore_value **values) {
    const struct ashore_value *list = *values;
    struct ashore_value *vector;
    size_t chars = 0, at = 0;
    int64_t n = (int64_t)list->count;
    int dtype = n != 0 ? list->items[0]->tensor.dtype : ASHORE_UNDEFINED;
    for (size_t i = 0; i < list->count; i++) {
        const struct ashore_value *v = list->items[i];
        if (v->kind != ASHORE_TENSOR || v->tensor.rank != 0 || v->tensor.dtype != dtype)
            return ASHORE_OK;
        chars = ash_size_add(chars, v->chars_size);
    }
    if (n == 0) return ASHORE_OK;
    ASH_TRY(dtype == ASHORE_STRING
                ? ash_value_strings(r->arena->heap, 1, &n, chars, &vector, r->err)
                : ash_value_tensor(r->arena->heap, dtype, 1, &n, &vector, r->err));
    size_t size = ash_dtype_size(dtype);
    for (size_t i = 0; i < list->count; i++) {
        const struct ash_tensor *from = &list->items[i]->tensor;
        char *to = (char *)vector->tensor.data + i * size;
        memcpy(to, from->data, size);
        if (dtype != ASHORE_STRING) continue;
        struct ash_str *s = (struct ash_str *)(void *)to;
        if (s->length != 0)
            memcpy((char *)(uintptr_t)vector->tensor.chars + at, from->chars + s->offset,
                   s->length);
        s->offset = (uint32_t)at;
        at += s->length;
    }
    ash_value_release(values);
    *values = vector;
    return ASHORE_OK;
}

static int read_map(struct ash_reader *r, struct ash_view bytes, struct ashore_value **out) {
    struct map_value p = {0};
    struct ashore_value *values = NULL, *keys = NULL;
    ASH_TRY(ash_wire_read(bytes, map_rules, &p, r->err));
    if (p.values.data == NULL) p.values = ash_view("", 0);
    ASH_TRY(read_list(r, ASHORE_SEQUENCE, p.values, &values));
    int rc = read_keys(r, &p, values->count, &keys);
    if (rc == ASHORE_OK) rc = join_scalars(r, &values);
    if (rc == ASHORE_OK) rc = ash_value_map(r->arena->heap, keys, values, out, r->err);
    ash_value_release(&keys);
    ash_value_release(&values);
    return rc;
}

static int read_any(struct ash_reader *r, int kind, struct ash_view bytes,
                    struct ashore_value **out) {
    ASH_FAIL_IF(r->depth == ASH_READER_TYPE_DEPTH, r->err, LIMIT, "values nest more than %d deep",
                ASH_READER_TYPE_DEPTH);
    r->depth++;
    int rc = kind == ASHORE_TENSOR ? read_tensor(r, bytes, out)
             : kind == ASHORE_MAP  ? read_map(r, bytes, out)
                                   : read_list(r, kind, bytes, out);
    r->depth--;
    return rc;
}

int ash_onnx_value(struct ash_heap *heap, int kind, const void *bytes, size_t size,
                   struct ashore_value **out, struct ashore_error *err) {
    ASH_FAIL_IF(kind < ASHORE_TENSOR || kind > ASHORE_MAP, err, ARGUMENT, "%d is no kind of value",
                kind);
    static const struct ash_onnx_source nothing;
    struct ash_onnx_model none = {0};
    struct ash_arena arena;
    struct ash_reader r = {.src = &nothing, .arena = &arena, .out = &none, .err = err};
    struct ashore_value *value = NULL;
    ash_arena_init(&arena, heap);
    ash_arena_init(&r.scratch, heap);
    int rc = read_any(&r, kind, ash_view(size != 0 ? bytes : "", size), &value);
    ash_arena_deinit(&r.scratch);
    ash_arena_deinit(&arena);
    if (rc == ASHORE_OK) *out = value;
    if (rc != ASHORE_OK && err != NULL) ash_reader_clean(err);
    return rc;
}
