/* What the files of the layout pass share (pass_layout.c says what it does). */
#ifndef ASH_OPT_LAYOUT_H
#define ASH_OPT_LAYOUT_H

#include "opt/passes.h"

enum { ASH_LAYOUT_OUTPUTS = 64 }; /* most outputs of a node that is made channels-last */

struct ash_layout {
    struct ash_pass *p;
    struct ash_node **nodes; /* of the graph as it will be */
    uint32_t n;
    uint32_t *twin; /* [infos_n] the channels-last form of a value, ASH_NONE while there is none */
};

/* Tries to make node n channels-last: appends what takes its place and sets *done, or leaves it. */
typedef int ash_layout_fn(struct ash_layout *l, struct ash_node *n, bool *done);

/* The rank that a permutation to first (or to last) is of; 0 when it is something else. */
int ash_layout_rank(const struct ash_node *n, bool to_first);
bool ash_layout_is(const struct ash_node *n, const char *op); /* ONNX's operator of that name */
/* Appends a node with one output of its own, whose inputs are not set. */
int ash_layout_push(struct ash_layout *l, const char *op, uint32_t n_in, struct ash_node **node);
/* Appends a permutation of x; *y is its result. */
int ash_layout_permute(struct ash_layout *l, uint32_t x, int rank, const int64_t *perm,
                       uint32_t *y);
/* Rank -1 for values that are newer than inference. */
const struct ash_type *ash_layout_type(const struct ash_layout *l, uint32_t v);
/* The channels-last form of v, of `rank` dimensions: made by this pass, or what a permutation to
 * first was given.  ASH_NONE. */
uint32_t ash_layout_behind(const struct ash_layout *l, uint32_t v, int rank);
/* The channels-last form of constant v, seen in `rank` dimensions. */
int ash_layout_const(struct ash_layout *l, uint32_t v, int rank, uint32_t *out);
/* Appends node, whose inputs and attributes are channels-last now: it makes its old results through
 * permutations, but for scalars. */
int ash_layout_finish(struct ash_layout *l, struct ash_node *node, int rank);

/* Operators that name the dimensions they work on: Concat, Split, Slice, Pad, Resize, reductions.
 */
ash_layout_fn ash_layout_axes;

#endif
