/* What files about sound have in common. */
#ifndef ASH_PREP_SOUND_H
#define ASH_PREP_SOUND_H

#include "ashore/ashore_prep.h"

/* The samples of a tensor of float32 [1,..,T], borrowed. */
int ash_sound_of(const ashore_value *value, const float **samples, int64_t *count,
                 struct ashore_error *err);

#endif
