/* Resampling along one side of a picture. */
#ifndef ASH_PREP_RESAMPLE_H
#define ASH_PREP_RESAMPLE_H

#include "ashore/ashore_prep.h"

#include <stdbool.h>

/* `size` places of a tensor from `at` on show `span` pixels from `from` on. */
struct ash_span {
    int32_t at, size;
    double from, span;
};

/* Place i is the sum of weight[i * taps + k] * source[first[i] + k]; weights sum to 1. */
struct ash_resampling {
    int32_t n, taps;
    int32_t *first;
    float *weight;
};

/* Of a side of `source` pixels.  Pixels beyond it are those at its edge; with antialiasing, which
 * widens the filter to what a place covers, they have no weight. */
int ash_resampling_init(struct ash_resampling *r, const struct ash_span *span, int32_t source,
                        int filter, bool antialias, struct ashore_error *err);
void ash_resampling_deinit(struct ash_resampling *r);

#endif
