/* Between float32 and bytes (int8, uint8) that stand for (byte - zero) * scale.  EXACT: every
 * operation below is one that is rounded once, in this order.
 *
 *   quantize    round(clamp(x / scale, lo - zero, hi - zero)) + zero, ties to even; lo..hi is the
 *               type's range.  A quotient that is NaN becomes lo.
 *   dequantize  float(byte - zero) * scale
 *   columns     dequantize, each column with a zero point and a scale of its own
 *   add, mul    quantize(dequantize(a) op dequantize(b)) */
#ifndef ASH_KERNELS_QUANTIZE_H
#define ASH_KERNELS_QUANTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

struct ash_quantized { /* how the bytes of an array are to be read */
    bool is_signed;
    int32_t zero;
    float scale;
};

typedef void ash_quantize_fn(const struct ash_quantized *q, size_t n, const float *x, uint8_t *y);
typedef void ash_dequantize_fn(const struct ash_quantized *q, size_t n, const uint8_t *x, float *y);
/* y[k][n] from x[k][n] and zero[n], whole numbers, and scale[n]. */
typedef void ash_dequantize_columns_fn(size_t k, size_t n, bool is_signed, const uint8_t *x,
                                       const float *zero, const float *scale, float *y);
/* a and b become a + b, or a * b. */
typedef void ash_quantize_op_fn(bool product, size_t n, float *a, const float *b);

/* lo and hi become the least and the greatest of themselves and x; NaN is left out. */
typedef void ash_quantize_range_fn(size_t n, const float *x, float *lo, float *hi);

struct ash_quantize_row {
    const char *name;
    uint32_t cpu;
    ash_quantize_fn *quantize;
    ash_dequantize_fn *dequantize;
    ash_dequantize_columns_fn *columns;
    ash_quantize_op_fn *op;
    ash_quantize_range_fn *range;
};

const struct ash_quantize_row *const *ash_quantize_tables(void);
const struct ash_quantize_row *ash_quantize_best(void);

/* n arrays of `inner` elements; array i is read by q[i % period]. */
void ash_quantize_f32(const struct ash_quantize_row *row, struct ash_pool *pool,
                      const struct ash_quantized *q, size_t period, size_t n, size_t inner,
                      const float *x, uint8_t *y);
void ash_dequantize_f32(const struct ash_quantize_row *row, struct ash_pool *pool,
                        const struct ash_quantized *q, size_t period, size_t n, size_t inner,
                        const uint8_t *x, float *y);

/* The least and the greatest of 0 and n numbers x; NaN is left out. */
void ash_quantize_range(const struct ash_quantize_row *row, struct ash_pool *pool, size_t n,
                        const float *x, float *lo, float *hi);

/* y[i] = a[i] op b[i % b_period]; q reads a, b and y.  y may be a. */
void ash_quantize_binary(const struct ash_quantize_row *row, struct ash_pool *pool, bool product,
                         const struct ash_quantized q[3], size_t n, size_t b_period,
                         const uint8_t *a, const uint8_t *b, uint8_t *y);

#endif
