/* What vision.js calls: private to the package, as exports.c is. */
#include "ashore/ashore_prep.h"
#include "exports.h"

EXPORT(ashore_value *, image, const struct ashore_image *image,
       const struct ashore_image_options *options) {
    ashore_value *value = NULL;
    (void)ashore_image_tensor(image, options, &value, js_error());
    return value;
}

/* corners: x of all four, then y. */
EXPORT(ashore_value *, warp, const struct ashore_image *image, const float corners[8], int width,
       int height) {
    ashore_value *value = NULL;
    (void)ashore_image_warp(image, corners, corners + 4, width, height, &value, js_error());
    return value;
}

/* found: the regions and, where they are asked for, the outlines. */
EXPORT(int, regions, const float *map, int height, int width,
       const struct ashore_text_options *options, ashore_value *found[2]) {
    return ashore_text_regions(map, height, width, options, &found[0], &found[1], js_error());
}

EXPORT(int, ctc, const float *probabilities, int places, int classes, int32_t *found,
       float *confidence) {
    return ashore_ctc_greedy(probabilities, places, classes, found, confidence);
}
