#include "ir/dtype.h"

#include "ir/tensor.h"

#define FLOAT ASH_CLASS_FLOAT
#define INT   ASH_CLASS_INT
#define UINT  ASH_CLASS_UINT
#define NONE  ASH_CLASS_NONE

static const struct ash_dtype_facts facts[ASHORE_DTYPE_COUNT] = {
    [ASHORE_UNDEFINED] = {"undefined", 0, 0, NONE},
    [ASHORE_FLOAT32] = {"float32", 4, 32, FLOAT},
    [ASHORE_UINT8] = {"uint8", 1, 8, UINT},
    [ASHORE_INT8] = {"int8", 1, 8, INT},
    [ASHORE_UINT16] = {"uint16", 2, 16, UINT},
    [ASHORE_INT16] = {"int16", 2, 16, INT},
    [ASHORE_INT32] = {"int32", 4, 32, INT},
    [ASHORE_INT64] = {"int64", 8, 64, INT},
    [ASHORE_STRING] = {"string", sizeof(struct ash_str), 0, NONE},
    [ASHORE_BOOL] = {"bool", 1, 8, UINT},
    [ASHORE_FLOAT16] = {"float16", 2, 16, FLOAT},
    [ASHORE_FLOAT64] = {"float64", 8, 64, FLOAT},
    [ASHORE_UINT32] = {"uint32", 4, 32, UINT},
    [ASHORE_UINT64] = {"uint64", 8, 64, UINT},
    [ASHORE_COMPLEX64] = {"complex64", 8, 64, NONE},
    [ASHORE_COMPLEX128] = {"complex128", 16, 128, NONE},
    [ASHORE_BFLOAT16] = {"bfloat16", 2, 16, FLOAT},
    [ASHORE_FLOAT8E4M3FN] = {"float8e4m3fn", 1, 8, FLOAT},
    [ASHORE_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 1, 8, FLOAT},
    [ASHORE_FLOAT8E5M2] = {"float8e5m2", 1, 8, FLOAT},
    [ASHORE_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 1, 8, FLOAT},
    [ASHORE_UINT4] = {"uint4", 1, 4, UINT},
    [ASHORE_INT4] = {"int4", 1, 4, INT},
    [ASHORE_FLOAT4E2M1] = {"float4e2m1", 1, 4, FLOAT},
    [ASHORE_FLOAT8E8M0] = {"float8e8m0", 1, 8, FLOAT},
    [ASHORE_UINT2] = {"uint2", 1, 2, UINT},
    [ASHORE_INT2] = {"int2", 1, 2, INT},
};

const struct ash_dtype_facts *ash_dtype(int dtype) {
    return &facts[dtype > 0 && dtype < ASHORE_DTYPE_COUNT ? dtype : ASHORE_UNDEFINED];
}
