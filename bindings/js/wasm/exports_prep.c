/* What prep.js calls: private to the package, as exports.c is. */
#include "ashore/ashore_prep.h"
#include "exports.h"

/* *batch: the tensor that pictures are going to be written into. */
EXPORT(int, batch, int count, const struct ashore_image_options *o, ashore_value **batch) {
    int64_t first[] = {count, o->channels, o->height, o->width};
    int64_t last[] = {count, o->height, o->width, o->channels};
    return ashore_tensor_create(o->dtype, 4, o->channels_last ? last : first, batch, js_error());
}

EXPORT(int, image, const struct ashore_image *image, const struct ashore_image_options *options,
       ashore_value *batch, int index) {
    return ashore_image_write(image, options, batch, index, js_error());
}

EXPORT(int, place, int width, int height, const struct ashore_image_options *options,
       struct ashore_placement *placement) {
    return ashore_image_placement(width, height, options, placement, js_error());
}

/* What makes one value. */
#define MAKES(name, make, ...)                                                                     \
    EXPORT(ashore_value *, name, __VA_ARGS__) {                                                    \
        ashore_value *value = NULL;                                                                \
        (void)(make);                                                                              \
        return value;                                                                              \
    }

MAKES(picture, ashore_image_picture(tensor, index, options, &value, js_error()),
      const ashore_value *tensor, int index, const struct ashore_image_options *options)
MAKES(mask, ashore_mask_picture(mask, palette, colors, &value, js_error()),
      const ashore_value *mask, const uint8_t *palette, int colors)
/* corners: x of all four, then y. */
MAKES(warp, ashore_image_warp(image, corners, corners + 4, width, height, &value, js_error()),
      const struct ashore_image *image, const float corners[8], int width, int height)
MAKES(softmax, ashore_softmax(x, axis, &value, js_error()), const ashore_value *x, int axis)
MAKES(sigmoid, ashore_sigmoid(x, &value, js_error()), const ashore_value *x)
MAKES(argmax, ashore_argmax(x, axis, &value, js_error()), const ashore_value *x, int axis)
MAKES(boxes, ashore_boxes_convert(boxes, from, to, &value, js_error()), const ashore_value *boxes,
      int from, int to)
MAKES(nms, ashore_boxes_nms(boxes, scores, classes, iou, score, most, &value, js_error()),
      const ashore_value *boxes, const ashore_value *scores, const ashore_value *classes, float iou,
      float score, int most)
MAKES(detect, ashore_detect(boxes, scores, options, &value, js_error()), const ashore_value *boxes,
      const ashore_value *scores, const struct ashore_detect_options *options)
MAKES(sound, ashore_sound_tensor(sound, rate, &value, js_error()), const struct ashore_sound *sound,
      int rate)
MAKES(frames, ashore_sound_frames(sound, size, hop, whole, &value, js_error()),
      const ashore_value *sound, int size, int hop, int whole)
MAKES(mel, ashore_sound_mel(sound, options, &value, js_error()), const ashore_value *sound,
      const struct ashore_mel_options *options)

/* found: values and indices. */
EXPORT(int, largest, const ashore_value *x, int axis, int k, ashore_value *found[2]) {
    return ashore_top_k(x, axis, k, &found[0], &found[1], js_error());
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
