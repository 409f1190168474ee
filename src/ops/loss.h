/* What the losses share: x[N][C][D...], target[N][D...], weight[C]. */
#ifndef ASH_OPS_LOSS_H
#define ASH_OPS_LOSS_H

#include "ir/op.h"

struct ash_loss_attrs {
    int reduction; /* none, sum, mean */
    bool ignores;
    int64_t ignored; /* a target that does not count */
};

int ash_loss_parse(const struct ash_parse *c, void *attrs);
/* Output 0; types and extents of all inputs. */
int ash_loss_infer(struct ash_infer *c);

#endif
