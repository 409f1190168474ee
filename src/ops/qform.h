/* The one form of all products of bytes, of matrices and of convolution:
 *
 *   S = sum of (A - a_zero) * (B - b_zero), in int32, + bias where that is int32
 *   Y = S                                                   without scales
 *   Y = clip(S * (a_scale * b_scale) [+ bias])              in float32, without c_scale
 *   Y = QuantizeLinear(clip(S * (a_scale * b_scale / c_scale) [+ bias / c_scale]), 1, c_zero)
 *
 * Operators differ in where these inputs stand.  b_scale and b_zero are one number, or one for each
 * column (channel of the output). */
#ifndef ASH_OPS_QFORM_H
#define ASH_OPS_QFORM_H

#include "kernels/qgemm/qgemm.h"
#include "ops/quantized.h"

struct ash_qform { /* numbers of inputs, -1 where the operator has none */
    signed char a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero, bias;
};

struct ash_qlimits { /* of clip; infinite: none */
    float lo, hi;
};
/* Attributes lo and hi. */
int ash_qform_parse_limits(const struct ash_parse *c, struct ash_qlimits *l);

/* The form of a node by its operator's name; NULL for another operator. */
const struct ash_qform *ash_qform_of(const struct ash_node *node);

/* Checks element types; *dtype is the result's, 0 when it is not known. */
int ash_qform_infer(struct ash_infer *c, const struct ash_qform *f, int *dtype);

/* Appends "Cast" to a body. */
uint32_t ash_qform_build_cast(struct ash_builder *b, uint32_t x, int to);
/* x as numbers of `to`, less its zero point (ASH_NONE: 0); a vector of zero points goes along the
 * first of the last `trailing` + 1 dimensions. */
uint32_t ash_qform_build_less(struct ash_builder *b, uint32_t x, uint32_t zero, int to,
                              int trailing);
/* Appends what follows the sum `s`, and the output; `trailing` dimensions come after the channel.
 * a_scale: ASH_NONE where there is none. */
void ash_qform_build(struct ash_builder *b, const struct ash_qform *f, const struct ash_qlimits *l,
                     uint32_t s, uint32_t a_scale, int trailing);

/* Whether kernels take the inputs' types and counts, for n columns. */
bool ash_qform_fits(const struct ash_lower *c, const struct ash_qform *f, size_t n);
/* B and what packing it hangs on are constants. */
bool ash_qform_constant(const struct ash_lower *c, const struct ash_qform *f);
/* Everything of g but extents, A, packed B and C's rows. */
void ash_qform_set(const struct ash_run *c, const struct ash_qform *f, const struct ash_qlimits *l,
                   struct ash_qgemm *g);

#endif
