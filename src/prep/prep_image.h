/* What pictures have in common. */
#ifndef ASH_PREP_IMAGE_H
#define ASH_PREP_IMAGE_H

#include "ashore/ashore_prep.h"

/* ASHORE_ERR_ARGUMENT unless the picture and the size of a result are possible. */
int ash_image_check(const struct ashore_image *image, int32_t width, int32_t height,
                    struct ashore_error *err);

#endif
