/* What comes before and behind models, with any options over any numbers.  The first byte says
 * which function, then come its options as they lie in memory, then the numbers.  Extents of
 * results are cut down, as their memory is asked for honestly. */
#include "ashore/ashore_prep.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
};

/* The next bytes, zeros behind the last. */
static void next(struct input *in, void *to, size_t size) {
    size_t n = size < in->size ? size : in->size;
    memset(to, 0, size);
    memcpy(to, in->data, n);
    in->data += n;
    in->size -= n;
}

static uint8_t byte(struct input *in) {
    uint8_t value;
    next(in, &value, 1);
    return value;
}

/* A tensor [1,rows,columns] of the rest, or of a part of it, of a type that is mostly float32. */
static ashore_value *tensor(struct input *in, int64_t columns, size_t most) {
    static const int types[] = {ASHORE_FLOAT32, ASHORE_FLOAT32, ASHORE_FLOAT32, ASHORE_FLOAT16,
                                ASHORE_INT64,   ASHORE_UINT8,   ASHORE_BOOL,    ASHORE_FLOAT64};
    int dtype = types[byte(in) & 7];
    size_t row = ashore_dtype_size(dtype) * (size_t)columns;
    size_t rows = in->size / row < most ? in->size / row : most;
    int64_t shape[] = {1, (int64_t)rows, columns};
    ashore_value *value = NULL;
    if (ashore_tensor_create(dtype, 3, shape, &value, NULL) != ASHORE_OK) abort();
    next(in, ashore_value_data_mut(value), rows * row);
    return value;
}

/* A value is there when there is no error, and a message when there is one.  It is released. */
static void settle(int rc, ashore_value **value, const struct ashore_error *err) {
    if ((rc == ASHORE_OK) != (*value != NULL)) abort();
    if (rc != ASHORE_OK && err->text[0] == '\0') abort();
    ashore_value_release(value);
}

static void pictures(struct input *in, struct ashore_error *err) {
    struct ashore_image_options o;
    struct ashore_placement placement;
    ashore_value *value = NULL, *back = NULL;
    next(in, &o, sizeof o);
    o.struct_size = sizeof o;
    o.width = o.width < 0 ? o.width : o.width & 127;
    o.height = o.height < 0 ? o.height : o.height & 127;
    struct ashore_image image = {.width = byte(in) & 63, .channels = byte(in) & 7};
    image.stride = image.width * image.channels;
    image.height = image.stride ? (int32_t)(in->size / (size_t)image.stride) : 0;
    image.pixels = in->data;
    (void)ashore_image_placement(image.width, image.height, &o, &placement, err);
    int rc = ashore_image_tensor(&image, &o, &value, err);
    if (rc == ASHORE_OK && ashore_image_picture(value, 0, &o, &back, err) != ASHORE_OK) abort();
    ashore_value_release(&back);
    settle(rc, &value, err);
}

static void masks(struct input *in, struct ashore_error *err) {
    uint8_t palette[16];
    ashore_value *made = NULL;
    int colors = 1 + (byte(in) & 3);
    next(in, palette, sizeof palette);
    ashore_value *mask = tensor(in, 1 + (byte(in) & 15), 64);
    int rc = ashore_mask_picture(mask, palette, colors, &made, err);
    ashore_value_release(&mask);
    settle(rc, &made, err);
}

static void scores(struct input *in, struct ashore_error *err) {
    int axis = (int8_t)byte(in) % 5;
    int64_t k = (int8_t)byte(in);
    ashore_value *x = tensor(in, 1 + (byte(in) & 15), 64), *a = NULL, *b = NULL;
    settle(ashore_softmax(x, axis, &a, err), &a, err);
    settle(ashore_argmax(x, axis, &b, err), &b, err);
    int rc = ashore_top_k(x, axis, k, &a, &b, err);
    if ((a == NULL) != (b == NULL)) abort();
    ashore_value_release(&b);
    settle(rc, &a, err);
    settle(ashore_sigmoid(x, &a, err), &a, err);
    ashore_value_release(&x);
}

static void boxes(struct input *in, struct ashore_error *err) {
    struct ashore_detect_options o;
    ashore_value *made = NULL, *other = NULL, *kept = NULL;
    next(in, &o, sizeof o);
    o.struct_size = sizeof o;
    bool own = byte(in) & 1;
    ashore_value *x = tensor(in, own ? 4 : 4 + (byte(in) & 7), 40);
    if (own) other = tensor(in, 1 + (byte(in) & 3), 40);
    settle(ashore_detect(x, other, &o, &made, err), &made, err);
    settle(ashore_boxes_convert(x, o.format, o.activation, &made, err), &made, err);
    if (other)
        settle(ashore_boxes_nms(x, other, byte(in) & 1 ? other : NULL, o.iou, o.score, o.most,
                                &kept, err),
               &kept, err);
    ashore_value_release(&x);
    ashore_value_release(&other);
}

static void sounds(struct input *in, struct ashore_error *err) {
    struct ashore_mel_options o;
    struct ashore_sound sound = {.channels = byte(in) & 3, .dtype = byte(in) & 7};
    ashore_value *x = NULL, *made = NULL;
    int32_t rates[2];
    float samples[1024] = {0};
    next(in, rates, sizeof rates);
    next(in, &o, sizeof o);
    o.struct_size = sizeof o;
    o.fft = o.fft < 0 ? o.fft : o.fft & 1023;
    sound.samples = samples;
    sound.rate = rates[0];
    sound.step = sound.channels;
    sound.channel_step = 1;
    sound.frames = (int64_t)(in->size / 4 < 1024 ? in->size / 4 : 1024) / 4;
    next(in, samples, sizeof samples);
    int32_t to = rates[1] < 0 ? rates[1] : rates[1] % 20000;
    if (sound.rate > 0 && to / sound.rate > 100) return;
    int rc = ashore_sound_tensor(&sound, to, &x, err);
    if (rc == ASHORE_OK) settle(ashore_sound_mel(x, &o, &made, err), &made, err);
    if (rc == ASHORE_OK)
        settle(ashore_sound_frames(x, o.window & 1023, o.hop, o.center, &made, err), &made, err);
    settle(rc, &x, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const each[])(struct input *, struct ashore_error *) = {pictures, masks, scores,
                                                                          boxes, sounds};
    struct input in = {data, size};
    struct ashore_error err = {0};
    each[byte(&in) % 5](&in, &err);
    return 0;
}
