/* Tensors as pictures. */
#include "base/error.h"
#include "prep/prep_image.h"
#include "prep/prep_number.h"

#include <math.h>

int ash_planes_of(const ashore_value *tensor, int64_t index, bool channels_last,
                  struct ash_planes *planes, struct ashore_error *err) {
    int rank = ashore_value_rank(tensor);
    const int64_t *d = ashore_value_shape(tensor);
    ASH_FAIL_IF(ashore_value_kind(tensor) != ASHORE_TENSOR || rank < 2 || rank > 4, err, SHAPE,
                "pictures have 2 to 4 extents, not %d", rank);
    int64_t count = rank == 4 ? d[0] : 1;
    ASH_FAIL_IF(index < 0 || index >= count, err, INDEX, "picture %lld of %lld", (long long)index,
                (long long)count);
    d += rank > 3 ? rank - 3 : 0;
    if (rank == 2)
        *planes = (struct ash_planes){.height = d[0], .width = d[1], .channels = 1};
    else if (channels_last)
        *planes = (struct ash_planes){.height = d[0], .width = d[1], .channels = d[2]};
    else
        *planes = (struct ash_planes){.height = d[1], .width = d[2], .channels = d[0]};
    size_t h = (size_t)planes->height, w = (size_t)planes->width, c = (size_t)planes->channels;
    planes->first = (size_t)index * h * w * c;
    planes->row = channels_last ? w * c : w;
    planes->column = channels_last ? c : 1;
    planes->channel = channels_last ? 1 : h * w;
    return ASHORE_OK;
}

/* NaN is 0. */
static uint8_t byte_of(float x) { return (uint8_t)(fminf(fmaxf(x, 0), 255) + 0.5f); }

static int picture_create(int64_t height, int64_t width, ashore_value **value,
                          struct ashore_error *err) {
    int64_t shape[] = {height, width, 4};
    return ashore_tensor_create(ASHORE_UINT8, 3, shape, value, err);
}

/* Channel `from` of the tensor becomes channel c. */
static void put_channel(const struct ash_planes *p, const float *x, int c, size_t from, float mean,
                        float scale, uint8_t *to) {
    to += c;
    for (int64_t y = 0; y < p->height; y++) {
        const float *row = x + p->first + from * p->channel + (size_t)y * p->row;
        for (int64_t i = 0; i < p->width; i++, to += 4, row += p->column)
            *to = byte_of(*row / scale + mean);
    }
}

int ashore_image_picture(const ashore_value *tensor, int64_t index,
                         const struct ashore_image_options *options, ashore_value **value,
                         struct ashore_error *err) {
    struct ash_planes p;
    struct ash_floats x;
    *value = NULL;
    ASH_TRY(ash_planes_of(tensor, index, options->channels_last != 0, &p, err));
    ASH_FAIL_IF(p.channels != 1 && p.channels != 3 && p.channels != 4, err, SHAPE,
                "a picture of %lld channels: 1, 3 and 4 are known", (long long)p.channels);
    ASH_TRY(ash_floats_init(&x, tensor, err));
    int rc = picture_create(p.height, p.width, value, err);
    if (rc == ASHORE_OK) {
        uint8_t *to = ashore_value_data_mut(*value);
        bool bytes = ashore_value_dtype(tensor) == ASHORE_UINT8;
        for (int c = 0; c < 4; c++) {
            size_t from = c == 3 ? 3 : p.channels == 1 ? 0 : (size_t)(options->bgr ? 2 - c : c);
            int like = c == 3 ? 0 : c;
            if (c < 3 || p.channels == 4)
                put_channel(&p, x.data, c, from, bytes ? 0 : options->mean[like],
                            bytes ? 1 : options->scale[like], to);
            else
                for (int64_t i = 0; i < p.height * p.width; i++) to[4 * i + 3] = 255;
        }
    }
    ash_floats_deinit(&x);
    return rc;
}

static bool is_whole(int dtype) {
    return dtype != ASHORE_FLOAT32 && dtype != ASHORE_FLOAT16 && dtype != ASHORE_FLOAT64 &&
           dtype != ASHORE_BFLOAT16;
}

static int matrix_of(const ashore_value *x, int64_t *height, int64_t *width,
                     struct ashore_error *err) {
    int rank = ashore_value_rank(x);
    const int64_t *d = ashore_value_shape(x);
    ASH_FAIL_IF(ashore_value_kind(x) != ASHORE_TENSOR || rank < 2, err, SHAPE,
                "a mask has two extents at least");
    *height = d[rank - 2];
    *width = d[rank - 1];
    for (int i = 0; i < rank - 2; i++)
        ASH_FAIL_IF(d[i] != 1, err, SHAPE,
                    "extent %d of a mask is %lld: all but the last two are 1", i, (long long)d[i]);
    return ASHORE_OK;
}

/* A whole number, modulo `colors`. */
static size_t class_of(float x, int32_t colors) {
    int32_t rest = (int32_t)fmod((double)x, colors);
    return (size_t)(rest < 0 ? rest + colors : rest);
}

int ashore_mask_picture(const ashore_value *mask, const uint8_t *palette, int32_t colors,
                        ashore_value **value, struct ashore_error *err) {
    int64_t height = 0, width = 0;
    struct ash_floats x;
    *value = NULL;
    ASH_FAIL_IF(colors < 1, err, ARGUMENT, "a palette of %d colours", (int)colors);
    ASH_TRY(matrix_of(mask, &height, &width, err));
    ASH_TRY(ash_floats_init(&x, mask, err));
    int rc = picture_create(height, width, value, err);
    if (rc == ASHORE_OK) {
        uint8_t *to = ashore_value_data_mut(*value);
        bool whole = is_whole(ashore_value_dtype(mask));
        for (size_t i = 0; i < x.count; i++, to += 4) {
            float v = x.data[i];
            const uint8_t *color = palette + (whole ? 4 * class_of(v, colors) : 0);
            for (int c = 0; c < 4; c++) to[c] = color[c];
            if (!whole) to[3] = byte_of((float)color[3] * fminf(fmaxf(v, 0), 1));
        }
    }
    ash_floats_deinit(&x);
    return rc;
}
