/* Facts about element types.  The numbers are ONNX's (enum ashore_dtype). */
#ifndef ASH_IR_DTYPE_H
#define ASH_IR_DTYPE_H

#include "ashore/ashore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the reference computes with a type. */
enum ash_class {
    ASH_CLASS_NONE,  /* undefined, string, complex */
    ASH_CLASS_FLOAT, /* through double (float32 where the specification's result is float32) */
    ASH_CLASS_INT,   /* signed, through int64_t */
    ASH_CLASS_UINT,  /* unsigned and bool, through uint64_t */
};

struct ash_dtype_facts {
    const char *name;
    uint8_t size;   /* bytes in memory */
    uint8_t bits;   /* on the wire: 8 * size, or 2 or 4 */
    uint8_t number; /* enum ash_class */
};

/* Facts of the undefined type for a number outside of the enumeration. */
const struct ash_dtype_facts *ash_dtype(int dtype);
static inline size_t ash_dtype_size(int dtype) { return ash_dtype(dtype)->size; }
static inline bool ash_dtype_is_float(int dtype) {
    return ash_dtype(dtype)->number == ASH_CLASS_FLOAT;
}

#endif
