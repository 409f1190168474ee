/* Boxes as four floats. */
#ifndef ASH_PREP_BOXES_H
#define ASH_PREP_BOXES_H

#include "ashore/ashore_prep.h"

#include <stdbool.h>

struct ash_box {
    float left, top, right, bottom;
};

/* One of rows with a score. */
struct ash_candidate {
    struct ash_box box;
    float score;
    int32_t class_number, index;
};

/* From four numbers of a known enum ashore_box_format, `step` floats apart. */
struct ash_box ash_box_read(const float *from, size_t step, int format);
int ash_box_check(int format, struct ashore_error *err);

/* By score, the highest first, and of equal ones by index. */
int ash_candidates_sort(struct ash_candidate *c, size_t n, struct ashore_error *err);
/* Of sorted ones, how many are left; they are moved to the front.  iou 1 or more drops none. */
size_t ash_candidates_suppress(struct ash_candidate *c, size_t n, float iou, bool by_class,
                               size_t most);

#endif
