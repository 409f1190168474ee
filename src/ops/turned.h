/* Channels-last images, [N, spatial..., C], beside ONNX's [N, C, spatial...]. */
#ifndef ASH_OPS_TURNED_H
#define ASH_OPS_TURNED_H

#include "kernels/conv/conv.h"
#include "ops/window.h"

/* A type of the one order in the other; ranks below 3 stay. */
struct ash_type ash_turned_type(const struct ash_type *t, bool to_first);
/* Appends the permutation of x to a body. */
uint32_t ash_turned_build(struct ash_builder *b, uint32_t x, int rank, bool to_first);
/* The node built last gets the window's attributes of the node that is defined. */
void ash_turned_copy_attrs(struct ash_builder *b);

/* The shape for kernels, of channels-last x and y and weights [M, C, spatial...], all exact and of
 * one or two spatial dimensions; a missing one is 1. */
void ash_turned_conv(const struct ash_conv_attrs *a, const struct ash_type *x,
                     const struct ash_type *w, const struct ash_type *y, struct ash_conv *s);

#endif
