/* What each of m rows x is to each of n rows y, all of k float32: their dot product, or the square
 * of their distance.
 *
 * The y are packed into panels of ASH_PAIRS_WIDE rows, [panel][k][row], the last one filled up with
 * zeros.  Each sum is taken in ascending order of k from zero, with fused multiply-add where the
 * instruction set has it: neither m nor n nor the number of threads changes a bit.  Differences are
 * taken before they are squared: the squares of far numbers may be much greater than what is left
 * of them.  BOUND: (k + 2) * eps * sum |x * y|, or of the squares. */
#ifndef ASH_KERNELS_PAIRS_H
#define ASH_KERNELS_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASH_PAIRS_WIDE = 32 };

struct ash_pairs {
    bool distances;
    size_t m, n, k;
    const float *x; /* rows ldx apart */
    size_t ldx;
    const float *y; /* packed */
    float *to;      /* [m][n], rows ldto apart */
    size_t ldto;
};

typedef void ash_pairs_fn(const struct ash_pairs *p);
/* The dot product of two rows that are not packed, over the 16 lanes of base/vec.h.  BOUND:
 * (n + 1) * eps * sum |x * y|. */
typedef float ash_pairs_dot_fn(size_t n, const float *x, const float *y);

struct ash_pairs_row {
    const char *name;
    uint32_t cpu;
    ash_pairs_fn *run;
    ash_pairs_dot_fn *dot;
};

const struct ash_pairs_row *const *ash_pairs_tables(void);
const struct ash_pairs_row *ash_pairs_best(void);

/* Floats that ash_pairs_pack writes; SIZE_MAX when there are too many. */
size_t ash_pairs_packed(size_t n, size_t k);
/* y[n][k]. */
void ash_pairs_pack(size_t n, size_t k, const float *y, float *packed);

#endif
