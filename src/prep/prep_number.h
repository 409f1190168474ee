/* Numbers of any numeric type as float32, and float16. */
#ifndef ASH_PREP_NUMBER_H
#define ASH_PREP_NUMBER_H

#include "ashore/ashore_prep.h"

/* The elements of a tensor: its own memory where that is float32, else a copy. */
struct ash_floats {
    const float *data;
    float *made;
    size_t count;
};
/* ASHORE_ERR_TYPE unless it is a tensor of a type of up to 64 bits that is a number. */
int ash_floats_init(struct ash_floats *floats, const ashore_value *value, struct ashore_error *err);
void ash_floats_deinit(struct ash_floats *floats);

/* Rounded to nearest, ties to even; beyond the range to infinity. */
uint16_t ash_half_from_float(float x);

#endif
