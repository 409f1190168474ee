/* Loop nests over strided tensors, brought to the fewest loops.  Up to three operands walk the same
 * index space; an operand that is broadcast over a dimension has step 0 there. */
#ifndef ASH_KERNELS_NEST_H
#define ASH_KERNELS_NEST_H

#include <stddef.h>

enum { ASH_NEST_RANK = 8, ASH_NEST_OPERANDS = 3 };

struct ash_nest {
    int rank, operands;
    size_t dim[ASH_NEST_RANK];                     /* outermost first */
    size_t step[ASH_NEST_OPERANDS][ASH_NEST_RANK]; /* in elements */
};

/* Drops extents of 1 and merges neighbours that every operand walks as one.  Extents of 0 stay. */
static inline void ash_nest_collapse(struct ash_nest *n) {
    int r = 0;
    for (int i = 0; i < n->rank; i++) {
        if (n->dim[i] == 1) continue;
        int merge = r > 0;
        for (int k = 0; merge && k < n->operands; k++)
            merge = n->step[k][r - 1] == n->step[k][i] * n->dim[i];
        if (merge) {
            r--;
            n->dim[r] *= n->dim[i];
        } else {
            n->dim[r] = n->dim[i];
        }
        for (int k = 0; k < n->operands; k++) n->step[k][r] = n->step[k][i];
        r++;
    }
    n->rank = r;
}

/* Product of the first `dims` extents. */
static inline size_t ash_nest_count(const struct ash_nest *n, int dims) {
    size_t c = 1;
    for (int i = 0; i < dims; i++) c *= n->dim[i];
    return c;
}

/* Each operand's offset at row-major position `index` of the first `dims` dimensions. */
static inline void ash_nest_offset(const struct ash_nest *n, int dims, size_t index,
                                   size_t off[ASH_NEST_OPERANDS]) {
    for (int k = 0; k < n->operands; k++) off[k] = 0;
    for (int i = dims; i-- > 0;) {
        size_t p = index % n->dim[i];
        index /= n->dim[i];
        for (int k = 0; k < n->operands; k++) off[k] += p * n->step[k][i];
    }
}

#endif
