/* How packed B lies in memory: numbers of int32 from its beginning on. */
#ifndef ASH_KERNELS_QGEMM_PACKED_H
#define ASH_KERNELS_QGEMM_PACKED_H

#include "kernels/qgemm/qgemm.h"

struct ash_qgemm_layout {
    size_t words;    /* groups of k; panels are at the beginning */
    size_t most;     /* groups of a panel with what a narrow row adds */
    size_t columns;  /* n and what fills up the last panel */
    size_t sums;     /* of columns, in group 4 */
    size_t rest;     /* what of their zero points is left */
    size_t any_rest; /* whether it is */
    size_t repeats;  /* of a narrow row, by panel: a number, and so many pairs of k whose bytes are
                      * repeated */
    size_t total;    /* SIZE_MAX: too many */
};

struct ash_qgemm_layout ash_qgemm_layout(const struct ash_qgemm_kernel *row, size_t k, size_t n);
/* Where those of the panel of column n0 are. */
static inline size_t ash_qgemm_repeats(const struct ash_qgemm_kernel *row,
                                       const struct ash_qgemm_layout *l, size_t n0) {
    return l->repeats + n0 / row->nr * (1 + l->most);
}

#endif
