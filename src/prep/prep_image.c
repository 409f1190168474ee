/* Pictures as tensors: a separable resampling with the triangle filter.
 *
 * Each row and column of the result is a weighted mean of neighbouring rows and columns.  Without
 * antialiasing they are two, whatever the scale; with it the triangle is as wide as what a pixel of
 * the result covers. */
#include "prep/prep_image.h"

#include "base/error.h"
#include "base/heap.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { IMAGE_SIDE_MAX = 65536 };

/* Along one side: result i is the sum of weight[i * taps + k] * source[first[i] + k]. */
struct resampling {
    int32_t n, taps;
    int32_t *first;
    float *weight;
};

/* Where the picture lies: `size` places of the tensor from `at` on show `span` pixels from `from`
 * on. */
struct placement {
    int32_t at, size;
    double from, span;
};

void ashore_image_options_init(struct ashore_image_options *o) {
    *o = (struct ashore_image_options){
        .struct_size = sizeof *o, .channels = 3, .dtype = ASHORE_FLOAT32, .scale = {1, 1, 1}};
}

static size_t resampling_bytes(const struct resampling *r) {
    return ash_size_mul((size_t)r->n, sizeof *r->first + (size_t)r->taps * sizeof *r->weight);
}

static void resampling_deinit(struct resampling *r) {
    if (r->first) ash_free(NULL, r->first, resampling_bytes(r));
}

static int resampling_init(struct resampling *r, const struct placement *p, int32_t source,
                           bool antialias, struct ashore_error *err) {
    double step = p->span / p->size, reach = antialias && step > 1 ? step : 1;
    int32_t wanted = (int32_t)ceil(2 * reach) + 1;
    r->n = p->size;
    r->taps = wanted < source ? wanted : source;
    r->first = ash_alloc(NULL, resampling_bytes(r));
    if (!r->first) return ash_fail_nomem(err, resampling_bytes(r));
    r->weight = (float *)(void *)(r->first + r->n);
    for (int32_t i = 0; i < r->n; i++) {
        double centre = p->from + (i + 0.5) * step - 0.5, sum = 0;
        float *weight = r->weight + (size_t)i * (size_t)r->taps;
        /* Without antialiasing the edge is repeated, so that the centre may be moved inside. */
        if (reach == 1) centre = fmin(fmax(centre, 0), source - 1);
        int32_t first = (int32_t)floor(centre - reach) + 1;
        first = first > source - r->taps ? source - r->taps : first;
        r->first[i] = first < 0 ? 0 : first;
        for (int32_t k = 0; k < r->taps; k++) {
            double w = 1 - fabs(r->first[i] + k - centre) / reach;
            weight[k] = w > 0 ? (float)w : 0;
            sum += (double)weight[k];
        }
        for (int32_t k = 0; k < r->taps; k++) weight[k] = (float)((double)weight[k] / sum);
    }
    return ASHORE_OK;
}

/* One row of the picture, resampled across: rgb[channel * columns->n + i] of 0..255. */
static void resample_row(const struct ashore_image *image, int32_t row,
                         const struct resampling *columns, float *rgb) {
    const uint8_t *pixels = image->pixels + (size_t)row * (size_t)image->stride;
    int32_t bytes = image->channels, n = columns->n;
    for (int32_t i = 0; i < n; i++) {
        const uint8_t *p = pixels + (size_t)columns->first[i] * (size_t)bytes;
        const float *weight = columns->weight + (size_t)i * (size_t)columns->taps;
        float sum[3] = {0, 0, 0};
        for (int32_t k = 0; k < columns->taps; k++, p += bytes) {
            float w = weight[k], over = 0;
            if (bytes == 4) { /* over white */
                over = (float)(255 - p[3]) * w;
                w *= (float)p[3] * (1.0f / 255);
            }
            for (int c = 0; c < 3; c++) sum[c] += (float)p[bytes == 1 ? 0 : c] * w + over;
        }
        for (int c = 0; c < 3; c++) rgb[c * n + i] = sum[c];
    }
}

struct resize {
    const struct ashore_image *image;
    const struct ashore_image_options *options;
    struct placement across, down;
    struct resampling columns, rows;
    float *ring; /* rows.taps rows that have been resampled across, by number modulo taps */
    float *row;  /* one row of the result */
    void *to;
};

static size_t ring_bytes(const struct resize *r) {
    return ash_size_mul(ash_size_mul((size_t)r->rows.taps + 1, (size_t)r->columns.n * 3),
                        sizeof *r->ring);
}

/* Writes value x of channel c (0 red) at a place of the tensor. */
static void put(const struct resize *r, int32_t c, size_t y, size_t x, float value) {
    const struct ashore_image_options *o = r->options;
    size_t channels = (size_t)o->channels, height = (size_t)o->height, width = (size_t)o->width;
    size_t plane = o->bgr ? channels - 1 - (size_t)c : (size_t)c;
    size_t at =
        o->channels_last ? (y * width + x) * channels + plane : (plane * height + y) * width + x;
    if (o->dtype == ASHORE_UINT8)
        ((uint8_t *)r->to)[at] = (uint8_t)(fminf(fmaxf(value, 0), 255) + 0.5f);
    else
        ((float *)r->to)[at] = (value - o->mean[c]) * o->scale[c];
}

static void write_row(const struct resize *r, int32_t y) {
    int32_t n = r->columns.n;
    for (int32_t i = 0; i < n; i++) {
        const float *row = r->row + i;
        size_t x = (size_t)(r->across.at + i);
        if (r->options->channels == 1) {
            put(r, 0, (size_t)y, x, 0.299f * row[0] + 0.587f * row[n] + 0.114f * row[2 * n]);
            continue;
        }
        for (int32_t c = 0; c < 3; c++) put(r, c, (size_t)y, x, row[c * n]);
    }
}

static void resize_rows(const struct resize *r) {
    size_t length = (size_t)r->columns.n * 3;
    int32_t done = 0; /* rows of the picture that have gone through the ring */
    for (int32_t i = 0; i < r->rows.n; i++) {
        const float *weight = r->rows.weight + (size_t)i * (size_t)r->rows.taps;
        int32_t first = r->rows.first[i];
        if (done < first) done = first;
        for (; done < first + r->rows.taps; done++)
            resample_row(r->image, done, &r->columns,
                         r->ring + (size_t)(done % r->rows.taps) * length);
        memset(r->row, 0, length * sizeof *r->row);
        for (int32_t k = 0; k < r->rows.taps; k++) {
            const float *from = r->ring + (size_t)((first + k) % r->rows.taps) * length;
            for (size_t j = 0; j < length; j++) r->row[j] += weight[k] * from[j];
        }
        write_row(r, r->down.at + i);
    }
}

static void pad(const struct resize *r) {
    const struct ashore_image_options *o = r->options;
    size_t n = (size_t)o->width * (size_t)o->height * (size_t)o->channels;
    uint8_t byte = (uint8_t)(fminf(fmaxf(o->pad, 0), 255) + 0.5f);
    if (o->dtype == ASHORE_UINT8)
        memset(r->to, byte, n);
    else
        for (size_t i = 0; i < n; i++) ((float *)r->to)[i] = o->pad;
}

static int place(struct resize *r, struct ashore_error *err) {
    const struct ashore_image_options *o = r->options;
    double width = r->image->width, height = r->image->height;
    r->across = (struct placement){0, o->width, 0, width};
    r->down = (struct placement){0, o->height, 0, height};
    double sx = o->width / width, sy = o->height / height;
    double scale = o->fit == ASHORE_FIT_CROP ? fmax(sx, sy) : fmin(sx, sy);
    if (o->fit == ASHORE_FIT_CROP) {
        r->across.span = o->width / scale;
        r->across.from = (width - r->across.span) / 2;
        r->down.span = o->height / scale;
        r->down.from = (height - r->down.span) / 2;
    } else if (o->fit != ASHORE_FIT_STRETCH) {
        ASH_FAIL_IF(o->fit != ASHORE_FIT_LETTERBOX && o->fit != ASHORE_FIT_START, err, ARGUMENT,
                    "fit %d is none of ashore_fit", (int)o->fit);
        r->across.size = (int32_t)fmax(floor(width * scale + 0.5), 1);
        r->down.size = (int32_t)fmax(floor(height * scale + 0.5), 1);
        if (o->fit == ASHORE_FIT_LETTERBOX) {
            r->across.at = (o->width - r->across.size) / 2;
            r->down.at = (o->height - r->down.size) / 2;
        }
    }
    return ASHORE_OK;
}

int ash_image_check(const struct ashore_image *image, int32_t width, int32_t height,
                    struct ashore_error *err) {
    int32_t sides[] = {image->width, image->height, width, height};
    for (int i = 0; i < 4; i++)
        ASH_FAIL_IF(sides[i] < 1 || sides[i] > IMAGE_SIDE_MAX, err, ARGUMENT,
                    "a picture of %d x %d to one of %d x %d: sides are 1 to %d", (int)sides[0],
                    (int)sides[1], (int)sides[2], (int)sides[3], (int)IMAGE_SIDE_MAX);
    int32_t bytes = image->channels;
    ASH_FAIL_IF(bytes != 1 && bytes != 3 && bytes != 4, err, ARGUMENT,
                "a picture of %d channels: 1, 3 and 4 are known", (int)bytes);
    ASH_FAIL_IF(!image->pixels || image->stride < image->width * bytes, err, ARGUMENT,
                "rows of %d pixels of %d bytes lie %d bytes apart", (int)image->width, (int)bytes,
                (int)image->stride);
    return ASHORE_OK;
}

static int check_options(const struct ashore_image_options *o, struct ashore_error *err) {
    ASH_FAIL_IF(o->channels != 1 && o->channels != 3, err, ARGUMENT,
                "a tensor of %d channels: 1 and 3 are known", (int)o->channels);
    ASH_FAIL_IF(o->dtype != ASHORE_FLOAT32 && o->dtype != ASHORE_UINT8, err, TYPE,
                "pictures become float32 or uint8, not %s", ashore_dtype_name(o->dtype));
    return ASHORE_OK;
}

int ashore_image_tensor(const struct ashore_image *image,
                        const struct ashore_image_options *options, ashore_value **value,
                        struct ashore_error *err) {
    struct resize r = {.image = image, .options = options};
    *value = NULL;
    ASH_TRY(ash_image_check(image, options->width, options->height, err));
    ASH_TRY(check_options(options, err));
    ASH_TRY(place(&r, err));

    int64_t h = options->height, w = options->width, c = options->channels;
    int64_t first[] = {1, c, h, w}, last[] = {1, h, w, c};
    bool shrink = options->antialias != 0;
    ashore_value *made = NULL;
    int rc = resampling_init(&r.columns, &r.across, image->width, shrink, err);
    if (rc == ASHORE_OK) rc = resampling_init(&r.rows, &r.down, image->height, shrink, err);
    if (rc == ASHORE_OK)
        rc = ashore_tensor_create(options->dtype, 4, options->channels_last ? last : first, &made,
                                  err);
    if (rc != ASHORE_OK) goto done;
    r.ring = ash_alloc(NULL, ring_bytes(&r));
    if (!r.ring) {
        rc = ash_fail_nomem(err, ring_bytes(&r));
        goto done;
    }
    r.row = r.ring + (size_t)r.rows.taps * (size_t)r.columns.n * 3;
    r.to = ashore_value_data_mut(made);
    pad(&r);
    resize_rows(&r);
    *value = made;
    made = NULL;
done:
    if (r.ring) ash_free(NULL, r.ring, ring_bytes(&r));
    resampling_deinit(&r.columns);
    resampling_deinit(&r.rows);
    ashore_value_release(&made);
    return rc;
}
