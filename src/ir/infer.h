/* Shape inference over nodes and graphs, with constants followed on the way.
 *
 * The same code serves three times: when a model is loaded (extents symbolic), when a plan is made
 * (extents exact) and when a later segment of a plan is made in the middle of a run (data known).
 */
#ifndef ASH_IR_INFER_H
#define ASH_IR_INFER_H

#include "ir/op.h"

struct ash_inference {
    struct ash_arena *arena; /* contents and folded constants live here */
    struct ash_heap *heap;
    struct ash_symtab *syms; /* NULL: extents without names */
    size_t fold_limit;       /* nodes with constant inputs are computed when their outputs take at
                                most so many bytes each; 0: never */
    struct ashore_error *err;
    int depth;                    /* of subgraphs, capped */
    struct ash_info **sub_formal; /* when not NULL: receives, for each sub of the node that is asked
                                     for, what its formal inputs were found to be */
};

/* Infers one node into out[node->n_out].  in has node->n_in entries, captures included, NULL where
 * left out.  ASHORE_NEEDS_DATA as infer functions say; outputs are then known in part. */
int ash_infer_node(struct ash_inference *f, const struct ash_node *node,
                   const struct ash_info *const *in, struct ash_info *out);

/* Infers a whole graph: in[n_inputs] are facts of its inputs, out[n_outputs] receives those of its
 * outputs.  infos, when not NULL, receives those of all values. */
int ash_infer_graph(struct ash_inference *f, const struct ash_graph *g, const struct ash_info *in,
                    struct ash_info *out, struct ash_info **infos);

/* Facts of a constant. */
struct ash_info ash_info_const(const struct ash_tensor *t);
/* All extents exact, rank and element type known, a tensor. */
bool ash_info_exact(const struct ash_info *info);

#endif
