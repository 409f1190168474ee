/* Activations that a kernel applies to its result before storing it. */
#ifndef ASH_KERNELS_ACT_H
#define ASH_KERNELS_ACT_H

/* What a and b of struct ash_act_f32 mean is in brackets. */
enum ash_act {
    ASH_ACT_NONE,
    ASH_ACT_RELU,
    ASH_ACT_CLIP,        /* [lowest, highest] */
    ASH_ACT_HARDSWISH,   /* [alpha, beta]: x * clip(alpha * x + beta, 0, 1) */
    ASH_ACT_HARDSIGMOID, /* [alpha, beta]: clip(alpha * x + beta, 0, 1) */
    ASH_ACT_SIGMOID,
    ASH_ACT_SILU, /* x * sigmoid(x) */
    ASH_ACT_TANH,
    ASH_ACT_LEAKYRELU, /* [alpha]: x < 0 ? alpha * x : x */
    ASH_ACT_GELU,      /* x * (1 + erf(x / sqrt(2))) / 2 */
    ASH_ACT_GELU_TANH, /* x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2 */
    ASH_ACT_COUNT
};

/* All zero: none.  NaN stays NaN in every one of them. */
struct ash_act_f32 {
    enum ash_act kind;
    float a, b;
};

#endif
