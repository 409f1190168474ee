/* Where the greatest (or least) of D float32 numbers is, along one dimension of x[outer][D][inner].
 * EXACT.
 *
 * Of equal numbers the first, or the last; -0 equals 0; NaN is the extreme of either kind. */
#ifndef ASH_KERNELS_ARGMAX_H
#define ASH_KERNELS_ARGMAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum { ASH_ARGMAX_MOST = 1 << 24 /* D: positions are counted in float32 */ };

struct ash_argmax_how {
    bool least, last;
};

/* C columns of D elements that are `pitch` apart.  D is at least 1. */
typedef void ash_argmax_columns_fn(struct ash_argmax_how how, size_t D, size_t pitch, size_t C,
                                   const float *x, int64_t *at);
/* D elements side by side. */
typedef int64_t ash_argmax_line_fn(struct ash_argmax_how how, size_t D, const float *x);

struct ash_argmax_row {
    const char *name;
    uint32_t cpu;
    ash_argmax_columns_fn *columns;
    ash_argmax_line_fn *line;
};

const struct ash_argmax_row *const *ash_argmax_tables(void);
const struct ash_argmax_row *ash_argmax_best(void);

/* at[outer][inner].  D from 1 to ASH_ARGMAX_MOST. */
void ash_argmax_f32(const struct ash_argmax_row *row, struct ash_pool *pool,
                    struct ash_argmax_how how, size_t outer, size_t D, size_t inner, const float *x,
                    int64_t *at);

#endif
