/* Texts that stand for numbers. */
#ifndef ASH_OPS_TEXT_H
#define ASH_OPS_TEXT_H

#include "ir/op.h"

struct ash_number {
    double real;
    int64_t whole; /* where it is an integer of at most 19 digits */
    bool is_int;
};

/* The number that a text stands for, right up to 15 digits and off by at most a few units in the
 * last place of a double beyond.  ASHORE_ERR_ARGUMENT: it is none. */
int ash_number_of_text(struct ash_text text, struct ash_number *x, struct ashore_error *err);

#endif
