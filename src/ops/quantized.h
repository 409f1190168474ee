/* What quantised operators share: numbers q that stand for (q - zero) * scale. */
#ifndef ASH_OPS_QUANTIZED_H
#define ASH_OPS_QUANTIZED_H

#include "kernels/quantize/quantize.h"
#include "ops/lowering.h"

#define ASH_MICROSOFT "com.microsoft" /* what onnxruntime's quantiser writes */

static inline bool ash_is_byte(int dtype) { return dtype == ASHORE_INT8 || dtype == ASHORE_UINT8; }
/* Element i of a tensor of bytes. */
int32_t ash_byte_at(const struct ash_tensor *t, size_t i);

/* The least and the greatest number of an integer type of 2 to 16 bits; false for other types. */
bool ash_quantized_range(int dtype, int32_t *lo, int32_t *hi);

/* How the bytes of `dtype` are to be read, by element i of a float32 scale (or its only one) and of
 * a zero point (NULL: 0). */
struct ash_quantized ash_quantized_by(int dtype, const struct ash_tensor *scale,
                                      const struct ash_tensor *zero, size_t i);

/* Scale and zero point of uint8 for numbers of lo..hi, as DynamicQuantizeLinear defines them. */
struct ash_quantized ash_quantized_for(float lo, float hi);
/* The same for n numbers x, 1 <= n. */
struct ash_quantized ash_quantized_fit(struct ash_pool *pool, size_t n, const float *x);

#endif
