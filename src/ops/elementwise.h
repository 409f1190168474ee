/* What operators share that work element by element, their inputs broadcast to one shape. */
#ifndef ASH_OPS_ELEMENTWISE_H
#define ASH_OPS_ELEMENTWISE_H

#include "ir/op.h"
#include "ops/convert.h"

/* Sets of element types that an operator takes. */
enum {
    ASH_TAKES_FLOAT = 1 << 0,
    ASH_TAKES_INT = 1 << 1, /* of either sign */
    ASH_TAKES_BOOL = 1 << 2,
    ASH_TAKES_STRING = 1 << 3,
    ASH_TAKES_COMPLEX = 1 << 4,
    ASH_TAKES_NUMBER = ASH_TAKES_FLOAT | ASH_TAKES_INT,
    ASH_TAKES_ANY = 31
};

/* Inputs first..last-1, as far as they are given and known, are tensors of one element type, which
 * is among `takes`.  *dtype is that type, 0 when it is not known.  ASHORE_ERR_TYPE otherwise. */
int ash_infer_types(struct ash_infer *c, int first, int last, int takes, int *dtype);
/* Inputs i and k are of one element type, as far as they are given and known. */
int ash_infer_alike(struct ash_infer *c, int i, int k);
/* Output 0 gets the element type and the broadcast extents of inputs first..last-1. */
int ash_infer_broadcast_all(struct ash_infer *c, int first, int last, int dtype);
/* Input i, where it is there, can be broadcast to these extents, or ASHORE_ERR_SHAPE. */
int ash_infer_fits(struct ash_infer *c, int i, int rank, const struct ash_dim *dim);
/* Output o gets the element type and the extents of input i, without what is known of contents. */
void ash_infer_like(struct ash_infer *c, int o, int dtype, int i);
/* Two extents that are exact are the same, or ASHORE_ERR_SHAPE: "<what>: 3, expected 4". */
int ash_infer_agree(struct ash_infer *c, struct ash_dim got, struct ash_dim want, const char *what);
/* Known contents of integer input i, broadcast to a vector of n extents (scalars and vectors only).
 * false when they are not known or do not fit. */
bool ash_infer_codes(struct ash_infer *c, int i, int n, struct ash_dim *dim);
/* out[0] is a small integer tensor with these contents; its type has been set and is exact. */
int ash_infer_set_codes(struct ash_infer *c, int n, const struct ash_dim *dim);

/* Elements start..start+n-1 of `in` broadcast to the shape of `out`, contiguous: where they lie
 * when that is possible, else copied to tile, which has room for ASH_TILE elements. */
const void *ash_broadcast_tile(const struct ash_tensor *in, const struct ash_tensor *out,
                               int64_t start, size_t n, void *tile);
enum { ASH_ELEMENT_MAX = 16 }; /* bytes of the largest element */

/* Makes output i a string tensor with room for chars_size bytes of text, for the caller to fill. */
int ash_run_strings(struct ash_run *c, int i, int rank, const int64_t *dim, size_t chars_size);

/* Makes output i, whose shape is set, a string tensor that holds all of the text of input j: its
 * records may be copies of the input's. */
int ash_run_strings_of(struct ash_run *c, int i, int j);

/* Row-major tiles: for (start = 0; (n = ash_tile_size(count, start)); start += n). */
static inline size_t ash_tile_size(int64_t count, int64_t start) {
    return count - start < ASH_TILE ? (size_t)(count - start) : ASH_TILE;
}

#endif
