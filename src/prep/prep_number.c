#include "prep/prep_number.h"

#include "base/error.h"
#include "base/heap.h"

#define ASH_VEC_REF /* one lane: what is converted here is small */
#include "base/vec_half.h"

static float float_from_half(uint16_t half) { return vf_from_f16((vh){half})[0]; }

static float float_from_bfloat(uint16_t half) { return vf_from_bf16((vh){half})[0]; }

uint16_t ash_half_from_float(float x) { return vf_to_f16((vf){x})[0]; }

#define CONVERT(type, as)                                                                          \
    for (size_t i = 0; i < n; i++) to[i] = as(((const type *)data)[i])
#define AS_IS(x) ((float)(x))

static int convert(int dtype, const void *data, size_t n, float *to) {
    switch (dtype) {
    case ASHORE_UINT8:
    case ASHORE_BOOL:
        CONVERT(uint8_t, AS_IS);
        break;
    case ASHORE_INT8:
        CONVERT(int8_t, AS_IS);
        break;
    case ASHORE_UINT16:
        CONVERT(uint16_t, AS_IS);
        break;
    case ASHORE_INT16:
        CONVERT(int16_t, AS_IS);
        break;
    case ASHORE_UINT32:
        CONVERT(uint32_t, AS_IS);
        break;
    case ASHORE_INT32:
        CONVERT(int32_t, AS_IS);
        break;
    case ASHORE_UINT64:
        CONVERT(uint64_t, AS_IS);
        break;
    case ASHORE_INT64:
        CONVERT(int64_t, AS_IS);
        break;
    case ASHORE_FLOAT64:
        CONVERT(double, AS_IS);
        break;
    case ASHORE_FLOAT16:
        CONVERT(uint16_t, float_from_half);
        break;
    case ASHORE_BFLOAT16:
        CONVERT(uint16_t, float_from_bfloat);
        break;
    default:
        return ASHORE_ERR_TYPE;
    }
    return ASHORE_OK;
}

int ash_floats_init(struct ash_floats *floats, const ashore_value *value,
                    struct ashore_error *err) {
    *floats = (struct ash_floats){0};
    ASH_FAIL_IF(ashore_value_kind(value) != ASHORE_TENSOR, err, TYPE, "the value is no tensor");
    int dtype = ashore_value_dtype(value);
    floats->count = ashore_value_elements(value);
    floats->data = ashore_value_data(value);
    if (dtype == ASHORE_FLOAT32) return ASHORE_OK;
    size_t bytes = ash_size_mul(floats->count ? floats->count : 1, sizeof(float));
    float *made = ash_alloc(NULL, bytes);
    if (!made) return ash_fail_nomem(err, bytes);
    if (convert(dtype, floats->data, floats->count, made) != ASHORE_OK) {
        ash_free(NULL, made, bytes);
        return ash_fail(err, ASHORE_ERR_TYPE, "a tensor of %s is no tensor of numbers",
                        ashore_dtype_name(dtype));
    }
    floats->data = floats->made = made;
    return ASHORE_OK;
}

void ash_floats_deinit(struct ash_floats *floats) {
    ash_free(NULL, floats->made, (floats->count ? floats->count : 1) * sizeof(float));
}
