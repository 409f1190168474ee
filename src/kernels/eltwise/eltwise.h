/* Functions of one float32, and of two with broadcasting.
 *
 * NaN: every function gives NaN for a NaN, max and min when either operand is NaN (NumPy's rule; of
 * +0 and -0 the first operand wins), pow as C's powf.  x / 0 and the like are IEEE 754's.
 * Accuracy: EXACT where one operation is written (add, sqrt, floor, max, ...); ULP 4 for the
 * transcendental ones, 8 for mish, 16 for pow; elu, selu, celu, softplus, gelu and hardswish to 4
 * eps of max(|y|, 1).  silu and mish multiply by a factor that is denormal below -87. */
#ifndef ASH_KERNELS_ELTWISE_H
#define ASH_KERNELS_ELTWISE_H

#include "kernels/act.h"

#include <stddef.h>
#include <stdint.h>

struct ash_pool;

/* Continues enum ash_act, whose values are functions too.  Parameters in brackets. */
enum ash_unary {
    ASH_UNARY_EXP = ASH_ACT_COUNT,
    ASH_UNARY_LOG,
    ASH_UNARY_SQRT,
    ASH_UNARY_RECIPROCAL,
    ASH_UNARY_NEG,
    ASH_UNARY_ABS,
    ASH_UNARY_ERF,
    ASH_UNARY_FLOOR,
    ASH_UNARY_CEIL,
    ASH_UNARY_ROUND, /* ties to even */
    ASH_UNARY_SIGN,
    ASH_UNARY_SQUARE,
    ASH_UNARY_SOFTPLUS,
    ASH_UNARY_SOFTSIGN,
    ASH_UNARY_MISH,
    ASH_UNARY_ELU,         /* [alpha] */
    ASH_UNARY_SELU,        /* [alpha, gamma] */
    ASH_UNARY_CELU,        /* [alpha] */
    ASH_UNARY_THRESHOLDED, /* [alpha]: x > alpha ? x : 0 */
    ASH_UNARY_AFFINE,      /* [a, b]: fma(a, x, b) */
    ASH_UNARY_COUNT
};

enum ash_binary {
    ASH_BINARY_ADD,
    ASH_BINARY_SUB,
    ASH_BINARY_MUL,
    ASH_BINARY_DIV,
    ASH_BINARY_MAX,
    ASH_BINARY_MIN,
    ASH_BINARY_POW,
    ASH_BINARY_PRELU, /* a < 0 ? a * b : a */
    ASH_BINARY_COUNT
};

/* `rows` rows of n results, dense in y.  Operand k starts a row `pitch` elements after the one
 * before, and has n elements (step 1) or one (step 0) in each. */
struct ash_eltwise_span {
    size_t rows, n;
    const float *x[2];
    size_t step[2], pitch[2];
    float *y;
};

/* y[i] = f(x[i]); kind is an enum ash_act or enum ash_unary.  y may be x. */
typedef void ash_eltwise_unary_fn(int kind, float a, float b, size_t n, const float *x, float *y);
/* y = act(op(a, b)). */
typedef void ash_eltwise_binary_fn(enum ash_binary op, struct ash_act_f32 act,
                                   const struct ash_eltwise_span *s);

struct ash_eltwise_row {
    const char *name;
    uint32_t cpu;
    ash_eltwise_unary_fn *unary;
    ash_eltwise_binary_fn *binary;
};

const struct ash_eltwise_row *const *ash_eltwise_tables(void);
const struct ash_eltwise_row *ash_eltwise_best(void);

void ash_eltwise_unary(const struct ash_eltwise_row *row, struct ash_pool *pool, int kind, float a,
                       float b, size_t n, const float *x, float *y);

/* A dense operand; rank 0..8.  Its dimensions are aligned with the result's from the right, each
 * equal to the result's or 1. */
struct ash_eltwise_operand {
    int rank;
    const size_t *dim;
    const float *data;
};

/* y[dim] = act(op(a, b)) with NumPy's broadcasting.  y may be a or b where that operand has the
 * result's shape. */
void ash_eltwise_binary(const struct ash_eltwise_row *row, struct ash_pool *pool,
                        enum ash_binary op, struct ash_act_f32 act, int rank, const size_t *dim,
                        const struct ash_eltwise_operand *a, const struct ash_eltwise_operand *b,
                        float *y);

#endif
