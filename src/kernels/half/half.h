/* Conversions between float32 and the floating-point types of 16 bits, and rounding to them.
 *
 * EXACT: to float32 always, from float32 rounded once to nearest, ties to even; beyond the range
 * infinity; denormals are kept; a NaN stays one.  All rows give the same bits but for NaNs. */
#ifndef ASH_KERNELS_HALF_H
#define ASH_KERNELS_HALF_H

#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum ash_half_type { ASH_HALF_F16, ASH_HALF_BF16, ASH_HALF_TYPES };
enum ash_half_op {
    ASH_HALF_WIDEN,  /* y float32, x 16 bits */
    ASH_HALF_NARROW, /* y 16 bits, x float32 */
    ASH_HALF_ROUND,  /* both float32, y what the type can hold of x; y may be x */
    ASH_HALF_FINITE, /* as ASH_HALF_WIDEN, without infinities and NaN; slow for denormals */
    ASH_HALF_OPS
};

typedef void ash_half_fn(size_t n, const void *x, void *y);

struct ash_half_row {
    const char *name;
    uint32_t cpu;
    ash_half_fn *fn[ASH_HALF_TYPES][ASH_HALF_OPS];
};

/* Every linked row: a NULL-terminated array of tables, each closed by an empty row. */
const struct ash_half_row *const *ash_half_tables(void);
/* The best row for this processor, never NULL. */
const struct ash_half_row *ash_half_best(void);

void ash_half(const struct ash_half_row *row, struct ash_pool *pool, enum ash_half_type type,
              enum ash_half_op op, size_t n, const void *x, void *y);

#endif
