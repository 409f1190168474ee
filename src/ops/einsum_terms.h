/* The equation of an Einsum.  An axis is a letter, or a dimension behind an ellipsis; its number is
 * the same in all terms. */
#ifndef ASH_OPS_EINSUM_TERMS_H
#define ASH_OPS_EINSUM_TERMS_H

#include "ir/op.h"

enum {
    EINSUM_OPERANDS = 16,
    EINSUM_LETTERS = ASH_MAX_RANK, /* number of the first letter; the dimensions of an ellipsis are
                                      numbered from its last on */
    EINSUM_AXES = EINSUM_LETTERS + 52
};

struct einsum_term {
    int n;        /* letters */
    int ellipsis; /* letters before it; -1: there is none */
    uint8_t axis[ASH_MAX_RANK];
};

struct einsum_attrs {
    int n;
    struct einsum_term in[EINSUM_OPERANDS], out;
};

/* The extents of all axes, as operands are added. */
struct einsum_axes {
    struct ash_dim extent[EINSUM_AXES];
    bool used[EINSUM_AXES];
    int ellipsis; /* most dimensions that an ellipsis stands for */
};

int ash_einsum_parse(const struct ash_parse *c, void *attrs);
/* The axis of dimension i of a tensor of this rank. */
int ash_einsum_axis(const struct einsum_term *t, int rank, int i);
/* Takes operand k, whose rank is known, into the extents, which begin cleared. */
int ash_einsum_add(const struct einsum_attrs *a, int k, const struct ash_type *type,
                   struct einsum_axes *axes, struct ashore_error *err);
static inline int ash_einsum_rank(const struct einsum_attrs *a, const struct einsum_axes *axes) {
    return a->out.n + (a->out.ellipsis >= 0 ? axes->ellipsis : 0);
}

#endif
