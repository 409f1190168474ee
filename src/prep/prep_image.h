/* What pictures have in common. */
#ifndef ASH_PREP_IMAGE_H
#define ASH_PREP_IMAGE_H

#include "ashore/ashore_prep.h"

#include <stdbool.h>

/* ASHORE_ERR_ARGUMENT unless the picture and the size of a result are possible. */
int ash_image_check(const struct ashore_image *image, int32_t width, int32_t height,
                    struct ashore_error *err);

/* A picture among those of a tensor: strides in elements, from its first element at `first`. */
struct ash_planes {
    int64_t height, width, channels;
    size_t first, row, column, channel;
};
/* Picture `index` of [N,C,H,W], [C,H,W] or [H,W], or with the channels last. */
int ash_planes_of(const ashore_value *tensor, int64_t index, bool channels_last,
                  struct ash_planes *planes, struct ashore_error *err);

#endif
