/* The public face of values, and facts about types and the machine. */
#include "base/cpu.h"
#include "base/error.h"
#include "ir/value.h"
#include "onnx/proto_value.h"

#include <string.h>

const char *ashore_version(void) { return ASHORE_VERSION; }

const char *ashore_status_text(int status) {
    static const struct {
        int status;
        const char *text;
    } rows[] = {
#define ROW(name, number, text) {number, text},
        ASHORE_STATUS_LIST(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].status == status) return rows[i].text;
    }
    return "unknown status";
}

const char *ashore_dtype_name(int dtype) {
    return dtype == 0 || ash_dtype(dtype)->size ? ash_dtype(dtype)->name : "unknown";
}

size_t ashore_dtype_size(int dtype) { return ash_dtype_size(dtype); }

static const struct {
    uint32_t bit;
    const char *name;
} cpu_names[] = {{ASH_CPU_AVX2, "avx2"},       {ASH_CPU_AVX512, "avx512"},
                 {ASH_CPU_VNNI, "vnni"},       {ASH_CPU_NEON, "neon"},
                 {ASH_CPU_SIMD128, "simd128"}, {ASH_CPU_RELAXED, "relaxed"}};

/* Every combination that a machine can report, spelled out, so that no text has to be built. */
const char *ashore_cpu_text(void) {
    uint32_t f = ash_cpu_flags();
#if defined(__x86_64__)
    if (f & ASH_CPU_AMX) return "avx2,avx512,vnni,amx";
    if (f & ASH_CPU_VNNI) return "avx2,avx512,vnni";
    if (f & ASH_CPU_AVX512) return "avx2,avx512";
    if (f & ASH_CPU_AVXVNNI) return "avx2,avxvnni";
#endif
    if (f & ASH_CPU_RELAXED) return "simd128,relaxed";
    for (size_t i = 0; i < sizeof cpu_names / sizeof *cpu_names; i++) {
        if (f & cpu_names[i].bit) return cpu_names[i].name;
    }
    return "none";
}

int ashore_cpu_limit(const char *names) {
    uint32_t mask = 0;
    if (!names) {
        ash_cpu_mask(UINT32_MAX);
        return ASHORE_OK;
    }
    while (*names) {
        char one[16];
        size_t n = strcspn(names, ",");
        if (n >= sizeof one) return ASHORE_ERR_ARGUMENT;
        memcpy(one, names, n);
        one[n] = '\0';
        uint32_t bit = ash_cpu_bit(one);
        if (!bit && strcmp(one, "none") != 0) return ASHORE_ERR_ARGUMENT;
        mask |= bit;
        names += n + (names[n] == ',');
    }
    ash_cpu_mask(mask);
    return ASHORE_OK;
}

/* Values that the caller makes are on the C library's allocator: they belong to no model. */
#define CALLERS NULL

int ashore_tensor_create(int dtype, int rank, const int64_t *shape, ashore_value **value,
                         struct ashore_error *err) {
    ASH_TRY(ash_value_tensor(CALLERS, dtype, rank, shape, value, err));
    size_t bytes = ash_tensor_bytes(&(*value)->tensor);
    if (bytes) memset((*value)->tensor.data, 0, bytes);
    return ASHORE_OK;
}

int ashore_tensor_create_strings(int rank, const int64_t *shape, const char *const *text,
                                 const size_t *length, ashore_value **value,
                                 struct ashore_error *err) {
    int64_t count;
    size_t total = 0;
    ASH_TRY(ash_shape_check(ASHORE_STRING, rank, shape, &count, NULL, err));
    for (int64_t i = 0; i < count; i++) total = ash_size_add(total, length[i]);
    ASH_TRY(ash_value_strings(CALLERS, rank, shape, total, value, err));
    struct ash_str *to = (*value)->tensor.data;
    char *chars = (char *)(uintptr_t)(*value)->tensor.chars;
    uint32_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        if (length[i]) memcpy(chars + at, text[i], length[i]);
        to[i] = (struct ash_str){at, (uint32_t)length[i]};
        at += (uint32_t)length[i];
    }
    return ASHORE_OK;
}

int ashore_tensor_wrap(int dtype, int rank, const int64_t *shape, const void *data,
                       ashore_value **value, struct ashore_error *err) {
    ASH_FAIL_IF(dtype == ASHORE_STRING, err, TYPE, "string tensors cannot be wrapped");
    int64_t count;
    ASH_TRY(ash_shape_check(dtype, rank, shape, &count, NULL, err));
    ASH_FAIL_IF(count && !data, err, ARGUMENT, "no data is given");
    struct ashore_value *v;
    ASH_TRY(ash_value_list(CALLERS, ASHORE_TENSOR, 0, &v, err));
    v->tensor.dtype = dtype;
    v->tensor.rank = rank;
    for (int i = 0; i < rank; i++) v->tensor.dim[i] = shape[i];
    static const char nothing[1];
    v->tensor.data = (void *)(uintptr_t)(data ? data : nothing);
    *value = v;
    return ASHORE_OK;
}

int ashore_sequence_create(ashore_value *const *items, size_t count, ashore_value **value,
                           struct ashore_error *err) {
    ASH_TRY(ash_value_list(CALLERS, ASHORE_SEQUENCE, count, value, err));
    for (size_t i = 0; i < count; i++) (*value)->items[i] = ash_value_retain(items[i]);
    return ASHORE_OK;
}

int ashore_optional_create(ashore_value *item, ashore_value **value, struct ashore_error *err) {
    ASH_TRY(ash_value_list(CALLERS, ASHORE_OPTIONAL, item ? 1 : 0, value, err));
    if (item) (*value)->items[0] = ash_value_retain(item);
    return ASHORE_OK;
}

static bool is_vector(const struct ashore_value *v) {
    return v->kind == ASHORE_TENSOR && v->tensor.rank == 1;
}

int ashore_map_create(ashore_value *keys, ashore_value *values, ashore_value **value,
                      struct ashore_error *err) {
    int class = is_vector(keys) ? ash_dtype(keys->tensor.dtype)->number : ASH_CLASS_NONE;
    bool text = is_vector(keys) && keys->tensor.dtype == ASHORE_STRING;
    ASH_FAIL_IF(!text && class != ASH_CLASS_INT && class != ASH_CLASS_UINT, err, TYPE,
                "the keys of a map are a vector of integers or strings");
    ASH_FAIL_IF(!is_vector(values) && values->kind != ASHORE_SEQUENCE, err, TYPE,
                "the values of a map are a vector or a sequence");
    size_t n = ashore_value_elements(keys);
    size_t m = is_vector(values) ? ashore_value_elements(values) : values->count;
    ASH_FAIL_IF(n != m, err, SHAPE, "a map of %zu keys and %zu values", n, m);
    return ash_value_map(CALLERS, keys, values, value, err);
}

int ashore_value_parse(int kind, const void *bytes, size_t size, ashore_value **value,
                       struct ashore_error *err) {
    return ash_onnx_value(CALLERS, kind, bytes, size, value, err);
}

ashore_value *ashore_value_retain(ashore_value *value) { return ash_value_retain(value); }
void ashore_value_release(ashore_value **value) { ash_value_release(value); }

int ashore_value_kind(const ashore_value *v) { return v->kind; }
int ashore_value_dtype(const ashore_value *v) { return v->tensor.dtype; }
int ashore_value_rank(const ashore_value *v) { return v->tensor.rank; }
const int64_t *ashore_value_shape(const ashore_value *v) {
    return v->kind == ASHORE_TENSOR ? v->tensor.dim : NULL;
}
size_t ashore_value_elements(const ashore_value *v) {
    return v->kind == ASHORE_TENSOR ? (size_t)ash_tensor_count(&v->tensor) : 0;
}
size_t ashore_value_bytes(const ashore_value *v) {
    return v->kind == ASHORE_TENSOR ? ash_tensor_bytes(&v->tensor) : 0;
}
const void *ashore_value_data(const ashore_value *v) { return v->tensor.data; }
void *ashore_value_data_mut(ashore_value *v) { return v->owned ? v->tensor.data : NULL; }

const char *ashore_value_string(const ashore_value *v, size_t i, size_t *length) {
    *length = 0;
    if (v->kind != ASHORE_TENSOR || v->tensor.dtype != ASHORE_STRING ||
        i >= (size_t)ash_tensor_count(&v->tensor))
        return NULL;
    const struct ash_str *s = (const struct ash_str *)v->tensor.data + i;
    *length = s->length;
    return s->length ? v->tensor.chars + s->offset : "";
}

size_t ashore_value_count(const ashore_value *v) { return v->count; }
ashore_value *ashore_value_item(const ashore_value *v, size_t i) {
    return i < v->count && v->items ? v->items[i] : NULL;
}
