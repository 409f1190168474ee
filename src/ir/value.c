#include "ir/value.h"

#include "base/error.h"
#include "base/trimming.h"

#include <string.h>

ASH_ABSENT_WITHOUT(ash_value_strings, "+string");
ASH_ABSENT_WITHOUT(ash_value_list, "+value");

/* `items` of a list lie behind it. */
static size_t value_size(size_t items) {
    return ash_size_add(sizeof(struct ashore_value),
                        ash_size_mul(items, sizeof(struct ashore_value *)));
}

static struct ashore_value *value_new(struct ash_heap *heap, int kind, size_t items) {
    struct ashore_value *v = ash_alloc_zero(heap, value_size(items));
    if (!v) return NULL;
    v->items = items ? (struct ashore_value **)(v + 1) : NULL;
    v->count = items;
    v->refs = 1;
    v->kind = (uint8_t)kind;
    v->heap = heap;
    ash_heap_retain(heap);
    return v;
}

/* Data is never NULL, so that nobody has to ask whether there are elements. */
static size_t data_room(size_t bytes) { return bytes ? bytes : 1; }

int ash_value_tensor(struct ash_heap *heap, int dtype, int rank, const int64_t *dim,
                     struct ashore_value **value, struct ashore_error *err) {
    size_t bytes;
    ASH_TRY(ash_shape_check(dtype, rank, dim, NULL, &bytes, err));
    struct ashore_value *v = value_new(heap, ASHORE_TENSOR, 0);
    if (!v) return ash_fail_nomem(err, sizeof *v);
    v->tensor.dtype = dtype;
    v->tensor.rank = rank;
    for (int i = 0; i < rank; i++) v->tensor.dim[i] = dim[i];
    v->owned = 1;
    v->tensor.data = ash_alloc_aligned(heap, data_room(bytes));
    if (!v->tensor.data) {
        ash_value_release(&v);
        return ash_fail_nomem(err, bytes);
    }
    if (dtype == ASHORE_STRING) memset(v->tensor.data, 0, bytes);
    *value = v;
    return ASHORE_OK;
}

int ash_value_strings(struct ash_heap *heap, int rank, const int64_t *dim, size_t chars_size,
                      struct ashore_value **value, struct ashore_error *err) {
    ASH_FAIL_IF(chars_size > UINT32_MAX, err, LIMIT, "%zu bytes of text in one tensor", chars_size);
    struct ashore_value *v;
    ASH_TRY(ash_value_tensor(heap, ASHORE_STRING, rank, dim, &v, err));
    if (chars_size) {
        v->tensor.chars = ash_alloc(heap, chars_size);
        if (!v->tensor.chars) {
            ash_value_release(&v);
            return ash_fail_nomem(err, chars_size);
        }
        v->chars_size = chars_size;
    }
    *value = v;
    return ASHORE_OK;
}

int ash_value_copy(struct ash_heap *heap, const struct ash_tensor *t, struct ashore_value **value,
                   struct ashore_error *err) {
    struct ashore_value *v = NULL;
    if (t->dtype != ASHORE_STRING) {
        ASH_TRY(ash_value_tensor(heap, t->dtype, t->rank, t->dim, &v, err));
        size_t bytes = ash_tensor_bytes(t);
        if (bytes) memcpy(v->tensor.data, t->data, bytes);
        *value = v;
        return ASHORE_OK;
    }
    const struct ash_str *from = t->data;
    size_t n = (size_t)ash_tensor_count(t), total = 0;
    for (size_t i = 0; i < n; i++) total = ash_size_add(total, from[i].length);
    ASH_TRY(ash_value_strings(heap, t->rank, t->dim, total, &v, err));
    struct ash_str *to = v->tensor.data;
    char *chars = (char *)v->tensor.chars;
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (from[i].length) memcpy(chars + at, t->chars + from[i].offset, from[i].length);
        to[i] = (struct ash_str){at, from[i].length};
        at += from[i].length;
    }
    *value = v;
    return ASHORE_OK;
}

int ash_value_list(struct ash_heap *heap, int kind, size_t count, struct ashore_value **value,
                   struct ashore_error *err) {
    struct ashore_value *v = value_new(heap, kind, count);
    if (!v) return ash_fail_nomem(err, value_size(count));
    *value = v;
    return ASHORE_OK;
}

int ash_value_map(struct ash_heap *heap, struct ashore_value *keys, struct ashore_value *values,
                  struct ashore_value **value, struct ashore_error *err) {
    ASH_TRY(ash_value_list(heap, ASHORE_MAP, 2, value, err));
    (*value)->items[0] = ash_value_retain(keys);
    (*value)->items[1] = ash_value_retain(values);
    return ASHORE_OK;
}

static bool borrows(const struct ashore_value *v) {
    if (v->kind == ASHORE_TENSOR) return !v->owned;
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i] && borrows(v->items[i])) return true;
    }
    return false;
}

int ash_value_own(struct ash_heap *heap, struct ashore_value *from, struct ashore_value **value,
                  struct ashore_error *err) {
    if (!borrows(from)) {
        *value = ash_value_retain(from);
        return ASHORE_OK;
    }
    if (from->kind == ASHORE_TENSOR) return ash_value_copy(heap, &from->tensor, value, err);
    struct ashore_value *v;
    ASH_TRY(ash_value_list(heap, from->kind, from->count, &v, err));
    for (size_t i = 0; i < from->count; i++) {
        int rc =
            from->items[i] ? ash_value_own(heap, from->items[i], &v->items[i], err) : ASHORE_OK;
        if (rc == ASHORE_OK) continue;
        ash_value_release(&v);
        return rc;
    }
    *value = v;
    return ASHORE_OK;
}

struct ashore_value *ash_value_retain(struct ashore_value *value) {
    if (value) atomic_fetch_add_explicit(&value->refs, 1, memory_order_relaxed);
    return value;
}

/* Values nest as deep as their types, which the reader caps. */
void ash_value_release(struct ashore_value **value) {
    struct ashore_value *v = *value;
    *value = NULL;
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < v->count; i++) ash_value_release(&v->items[i]);
    if (v->owned) {
        ash_free_aligned(v->heap, v->tensor.data, data_room(ash_tensor_bytes(&v->tensor)));
        ash_free(v->heap, (char *)v->tensor.chars, v->chars_size);
    }
    struct ash_heap *heap = v->heap;
    ash_free(heap, v, value_size(v->count));
    ash_heap_release(heap);
}
