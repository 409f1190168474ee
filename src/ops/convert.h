/* Conversion of element ranges between storage types and what references compute with.
 *
 * dtype is any numeric type (enum ashore_dtype; not string, not complex); n elements lie at src and
 * dst in the storage of dtype: 2 and 4 bit types take a byte each, bool is 0 or 1.  src and dst may
 * be the same memory only where both sides have the same type.  Rounding is to nearest, ties to
 * even, and happens once: no path goes through a format that rounds before.
 *
 * - Float to float: beyond the range infinity, or the largest finite value where the type saturates
 *   (float8, float4); NaN stays NaN (float4 has none: -0).
 * - Integer to integer: the low bits (two's complement); to bool: whether it is not zero.
 * - Float to integer: truncates.  Beyond the range int32, int64 and uint64 saturate, narrower types
 *   are the low bits of the saturated int32, uint32 those of the saturated int64; NaN becomes 0; to
 *   bool: whether it is not zero.
 * - Integer to float: rounded once from the exact value. */
#ifndef ASH_OPS_CONVERT_H
#define ASH_OPS_CONVERT_H

#include "ir/tensor.h"

enum { ASH_TILE = 256 }; /* elements that references convert at a time */

void ash_load_f64(int dtype, const void *src, size_t n, double *dst);
void ash_load_i64(int dtype, const void *src, size_t n, int64_t *dst);
void ash_load_u64(int dtype, const void *src, size_t n, uint64_t *dst); /* negative: 2^64 more */

void ash_store_f64(int dtype, const double *src, size_t n, void *dst);
void ash_store_f32(int dtype, const float *src, size_t n, void *dst);
void ash_store_i64(int dtype, const int64_t *src, size_t n, void *dst);
void ash_store_u64(int dtype, const uint64_t *src, size_t n, void *dst);

/* Element i of a tensor. */
double ash_get_f64(const struct ash_tensor *t, int64_t i);
int64_t ash_get_i64(const struct ash_tensor *t, int64_t i);
/* n elements from `start` on, `step` apart, side by side: where they lie when that is possible,
 * else copied to tile. */
const void *ash_gather_tile(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                            void *tile);
/* n elements from `start` on, `step` apart. */
void ash_gather_f64(const struct ash_tensor *t, int64_t start, int64_t step, size_t n, double *dst);
void ash_scatter_f64(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                     const double *src);
/* x rounded to dtype where that has 16 bits; other types compute in double. */
double ash_round_half(int dtype, double x);
/* Adds term number i of n to a sum of that type: rounded after each term where there are few, as in
 * NumPy, by which sums in bfloat16 are tested; of many that would lose more than the type can hold.
 */
double ash_sum_half(int dtype, double sum, double x, int64_t n);
/* Address of element i. */
static inline void *ash_at(const struct ash_tensor *t, int64_t i) {
    return (char *)t->data + (size_t)i * ash_dtype_size(t->dtype);
}

/* How a float8 type takes what it cannot represent (ONNX's Cast).  Without saturation what is
 * beyond the range becomes infinity, or NaN where there is none. */
enum ash_round {
    ASH_ROUND_UP,
    ASH_ROUND_DOWN,
    ASH_ROUND_NEAREST
}; /* float8e8m0: of the exponent */

/* The conversion of ONNX's Cast.  The functions above saturate and round up. */
void ash_convert(int from, const void *src, size_t n, int to, void *dst, bool saturate,
                 enum ash_round round);

#endif
