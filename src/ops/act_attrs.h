/* The activation that a fused operator ends in, as attributes of its node: act (enum ash_act),
 * act_a and act_b. */
#ifndef ASH_OPS_ACT_ATTRS_H
#define ASH_OPS_ACT_ATTRS_H

#include "ir/op.h"
#include "kernels/act.h"

int ash_act_parse(const struct ash_parse *c, struct ash_act_f32 *act);
/* Appends the activation of x to a body as ONNX operators; returns its output. */
uint32_t ash_act_build(struct ash_builder *b, struct ash_act_f32 act, uint32_t x);
/* The activation that a node of one input and one output is, if it is one: its inputs other than
 * the first are constants.  data[i] is the constant of input i. */
bool ash_act_from_node(const struct ash_node *node, const struct ash_tensor *const *data,
                       struct ash_act_f32 *act);
/* Sets the attributes; label: what is written after "+" in profiles. */
int ash_act_set(struct ash_graph *g, struct ash_node *node, struct ash_act_f32 act,
                struct ashore_error *err);

#endif
