/* Pictures as tensors, resampled along rows and then along columns.
 *
 * A pixel is four floats: R, G, B, each times its alpha, and what shows through.  Rows that have
 * been resampled across are kept in a ring, until the rows of the result that need them are done.
 */
#include "prep/prep_image.h"

#include "base/error.h"
#include "base/heap.h"
#include "prep/prep_number.h"
#include "prep/prep_resample.h"

#include <math.h>
#include <string.h>

enum { IMAGE_SIDE_MAX = 65536 };

typedef float pixel __attribute__((vector_size(16)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));

struct resize {
    const struct ashore_image *image;
    const struct ashore_image_options *options;
    struct ash_span across, down;
    struct ash_resampling columns, rows;
    pixel *ring; /* rows.taps rows that have been resampled across, by number modulo taps */
    pixel *row;  /* one row of the result */
    struct ash_planes planes;
    void *to;
};

void ashore_image_options_init(struct ashore_image_options *o) {
    *o = (struct ashore_image_options){.struct_size = sizeof *o,
                                       .channels = 3,
                                       .dtype = ASHORE_FLOAT32,
                                       .scale = {1, 1, 1},
                                       .background = {255, 255, 255},
                                       .crop_pct = 1};
}

/* ---- across --------------------------------------------------------------------------------- */

static inline pixel pixel_at(const uint8_t *p, int bytes, bool opaque) {
    if (bytes != 4) {
        int green = bytes == 1 ? 0 : 1, blue = bytes == 1 ? 0 : 2;
        return (pixel){(float)p[0], (float)p[green], (float)p[blue], 0};
    }
    bytes4 four;
    memcpy(&four, p, sizeof four);
    pixel x = __builtin_convertvector(four, pixel);
    if (opaque) return x;
    float alpha = x[3] * (1.0f / 255);
    pixel weighed = x * alpha;
    weighed[3] = 1 - alpha;
    return weighed;
}

/* Inlined for each kind of picture. */
static inline void across(const struct ash_resampling *r, const uint8_t *row, int bytes,
                          bool opaque, pixel *to) {
    const float *weight = r->weight;
    for (int32_t i = 0; i < r->n; i++) {
        const uint8_t *p = row + (size_t)r->first[i] * (size_t)bytes;
        pixel sum = {0, 0, 0, 0};
        for (int32_t k = 0; k < r->taps; k++, p += bytes)
            sum += pixel_at(p, bytes, opaque) * *weight++;
        if (opaque) sum[3] = 0;
        to[i] = sum;
    }
}

static bool is_opaque(const uint8_t *row, int32_t width) {
    uint8_t all = 255;
    for (int32_t i = 0; i < width; i++) all &= row[4 * i + 3];
    return all == 255;
}

static void resample_row(const struct resize *r, int32_t y, pixel *to) {
    const struct ashore_image *image = r->image;
    const uint8_t *row = image->pixels + (size_t)y * (size_t)image->stride;
    if (image->channels == 1)
        across(&r->columns, row, 1, true, to);
    else if (image->channels == 3)
        across(&r->columns, row, 3, true, to);
    else if (is_opaque(row, image->width))
        across(&r->columns, row, 4, true, to);
    else
        across(&r->columns, row, 4, false, to);
}

/* ---- into the tensor ------------------------------------------------------------------------ */

/* Numbers x of a channel, `step` floats apart, as elements from `at` on. */
static void put_channel(const struct resize *r, int32_t n, const float *x, int32_t step, size_t at,
                        int channel) {
    const struct ashore_image_options *o = r->options;
    size_t apart = r->planes.column;
    float mean = o->mean[channel], scale = o->scale[channel];
    if (o->dtype == ASHORE_FLOAT32) {
        float *to = (float *)r->to + at;
        for (int32_t i = 0; i < n; i++, x += step, to += apart) *to = (*x - mean) * scale;
    } else if (o->dtype == ASHORE_FLOAT16) {
        uint16_t *to = (uint16_t *)r->to + at;
        for (int32_t i = 0; i < n; i++, x += step, to += apart)
            *to = ash_half_from_float((*x - mean) * scale);
    } else if (o->dtype == ASHORE_INT8) {
        int8_t *to = (int8_t *)r->to + at;
        for (int32_t i = 0; i < n; i++, x += step, to += apart)
            *to = (int8_t)rintf(fminf(fmaxf((*x - mean) * scale, -128), 127));
    } else {
        uint8_t *to = (uint8_t *)r->to + at;
        for (int32_t i = 0; i < n; i++, x += step, to += apart)
            *to = (uint8_t)(fminf(fmaxf(*x, 0), 255) + 0.5f);
    }
}

static void put_row(const struct resize *r, int32_t y) {
    const struct ashore_image_options *o = r->options;
    int32_t n = r->columns.n;
    pixel behind = {o->background[0], o->background[1], o->background[2], 0};
    size_t at = r->planes.first + (size_t)(r->down.at + y) * r->planes.row +
                (size_t)r->across.at * r->planes.column;
    for (int32_t i = 0; i < n; i++) r->row[i] += behind * r->row[i][3];
    if (o->channels == 1) {
        for (int32_t i = 0; i < n; i++) {
            pixel x = r->row[i];
            r->row[i][0] = 0.299f * x[0] + 0.587f * x[1] + 0.114f * x[2];
        }
    }
    for (int c = 0; c < o->channels; c++) {
        size_t plane = (size_t)(o->bgr ? o->channels - 1 - c : c);
        put_channel(r, n, (const float *)r->row + c, 4, at + plane * r->planes.channel, c);
    }
}

static void resize_rows(const struct resize *r) {
    size_t length = (size_t)r->columns.n;
    int32_t done = 0; /* rows of the picture that have gone through the ring */
    for (int32_t i = 0; i < r->rows.n; i++) {
        const float *weight = r->rows.weight + (size_t)i * (size_t)r->rows.taps;
        int32_t first = r->rows.first[i];
        if (done < first) done = first;
        for (; done < first + r->rows.taps; done++)
            resample_row(r, done, r->ring + (size_t)(done % r->rows.taps) * length);
        memset(r->row, 0, length * sizeof *r->row);
        for (int32_t k = 0; k < r->rows.taps; k++) {
            const pixel *from = r->ring + (size_t)((first + k) % r->rows.taps) * length;
            for (size_t j = 0; j < length; j++) r->row[j] += from[j] * weight[k];
        }
        put_row(r, i);
    }
}

/* What the options' pad is as an element, repeated over the picture's place. */
static void pad(struct resize *r) {
    const struct ashore_image_options *o = r->options;
    struct ashore_image_options plain = *o;
    for (int c = 0; c < 3; c++) {
        plain.mean[c] = 0;
        plain.scale[c] = 1;
    }
    r->options = &plain;
    for (int32_t y = 0; y < o->height; y++) {
        for (size_t c = 0; c < (size_t)o->channels; c++) {
            size_t at = r->planes.first + (size_t)y * r->planes.row + c * r->planes.channel;
            put_channel(r, o->width, &o->pad, 0, at, 0);
        }
    }
    r->options = o;
}

/* ---- where the picture lies ----------------------------------------------------------------- */

static void place(const struct ashore_image_options *o, double from, double part, double scale,
                  int32_t extent, struct ash_span *span) {
    *span = (struct ash_span){0, extent, from, part};
    if (o->fit == ASHORE_FIT_CROP) {
        span->span = extent / scale * (double)o->crop_pct;
        span->from = from + (part - span->span) / 2;
    } else if (o->fit != ASHORE_FIT_STRETCH) {
        span->size = (int32_t)fmax(floor(part * scale + 0.5), 1);
        if (span->size > extent) span->size = extent;
        if (o->fit == ASHORE_FIT_LETTERBOX) span->at = (extent - span->size) / 2;
    }
}

static int check_part(const struct ashore_image_options *o, int32_t width, int32_t height,
                      struct ashore_error *err) {
    const float part[] = {o->left, o->top, o->part_width, o->part_height};
    bool fits = o->part_width > 0 && o->part_height > 0 && o->part_width <= (float)IMAGE_SIDE_MAX &&
                o->part_height <= (float)IMAGE_SIDE_MAX;
    bool touches = o->left < (float)width && o->top < (float)height &&
                   o->left + o->part_width > 0 && o->top + o->part_height > 0;
    ASH_FAIL_IF(!fits || !touches, err, ARGUMENT,
                "the part of %g x %g at (%g, %g) lies outside of a picture of %d x %d",
                (double)part[2], (double)part[3], (double)part[0], (double)part[1], (int)width,
                (int)height);
    return ASHORE_OK;
}

static int place_both(const struct ashore_image_options *o, int32_t width, int32_t height,
                      struct ash_span *across, struct ash_span *down, struct ashore_error *err) {
    ASH_FAIL_IF(o->fit < ASHORE_FIT_STRETCH || o->fit > ASHORE_FIT_CROP, err, ARGUMENT,
                "fit %d is none of ashore_fit", (int)o->fit);
    ASH_FAIL_IF(!(o->crop_pct > 0 && o->crop_pct <= 1), err, ARGUMENT,
                "crop_pct is %g: more than 0 and at most 1", (double)o->crop_pct);
    double left = 0, top = 0, w = width, h = height;
    if (o->left != 0 || o->top != 0 || o->part_width != 0 || o->part_height != 0) {
        ASH_TRY(check_part(o, width, height, err));
        left = (double)o->left;
        top = (double)o->top;
        w = (double)o->part_width;
        h = (double)o->part_height;
    }
    double sx = o->width / w, sy = o->height / h;
    double scale = o->fit == ASHORE_FIT_CROP ? fmax(sx, sy) : fmin(sx, sy);
    place(o, left, w, scale, o->width, across);
    place(o, top, h, scale, o->height, down);
    return ASHORE_OK;
}

int ashore_image_placement(int32_t width, int32_t height,
                           const struct ashore_image_options *options,
                           struct ashore_placement *placement, struct ashore_error *err) {
    const struct ashore_image plain = {(const uint8_t *)"", width, height, width, 1};
    struct ash_span across, down;
    ASH_TRY(ash_image_check(&plain, options->width, options->height, err));
    ASH_TRY(place_both(options, width, height, &across, &down, err));
    double step_x = across.span / across.size, step_y = down.span / down.size;
    placement->left = (float)(across.from - across.at * step_x);
    placement->top = (float)(down.from - down.at * step_y);
    placement->step_x = (float)step_x;
    placement->step_y = (float)step_y;
    return ASHORE_OK;
}

/* ---- checks, and the whole ------------------------------------------------------------------ */

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
    ASH_FAIL_IF(o->filter < ASHORE_BILINEAR || o->filter > ASHORE_BICUBIC, err, ARGUMENT,
                "filter %d is none of ashore_filter", (int)o->filter);
    ASH_FAIL_IF(o->dtype != ASHORE_FLOAT32 && o->dtype != ASHORE_UINT8 &&
                    o->dtype != ASHORE_FLOAT16 && o->dtype != ASHORE_INT8,
                err, TYPE, "pictures become float32, float16, int8 or uint8, not %s",
                ashore_dtype_name(o->dtype));
    return ASHORE_OK;
}

static size_t ring_bytes(const struct resize *r) {
    return ash_size_mul(ash_size_mul((size_t)r->rows.taps + 1, (size_t)r->columns.n),
                        sizeof *r->ring);
}

int ashore_image_write(const struct ashore_image *image, const struct ashore_image_options *options,
                       ashore_value *batch, int64_t index, struct ashore_error *err) {
    struct resize r = {.image = image, .options = options};
    ASH_TRY(ash_image_check(image, options->width, options->height, err));
    ASH_TRY(check_options(options, err));
    ASH_TRY(place_both(options, image->width, image->height, &r.across, &r.down, err));
    ASH_TRY(ash_planes_of(batch, index, options->channels_last != 0, &r.planes, err));
    r.to = ashore_value_data_mut(batch);
    ASH_FAIL_IF(!r.to || ashore_value_dtype(batch) != options->dtype ||
                    r.planes.channels != options->channels || r.planes.height != options->height ||
                    r.planes.width != options->width,
                err, SHAPE, "the batch is not of the options' type and size");
    bool shrink = options->antialias != 0;
    int rc = ash_resampling_init(&r.columns, &r.across, image->width, options->filter, shrink, err);
    if (rc == ASHORE_OK)
        rc = ash_resampling_init(&r.rows, &r.down, image->height, options->filter, shrink, err);
    if (rc != ASHORE_OK) goto done;
    r.ring = ash_alloc_aligned(NULL, ring_bytes(&r));
    if (!r.ring) {
        rc = ash_fail_nomem(err, ring_bytes(&r));
        goto done;
    }
    r.row = r.ring + (size_t)r.rows.taps * (size_t)r.columns.n;
    if (r.across.size < options->width || r.down.size < options->height) pad(&r);
    resize_rows(&r);
done:
    if (r.ring) ash_free_aligned(NULL, r.ring, ring_bytes(&r));
    ash_resampling_deinit(&r.columns);
    ash_resampling_deinit(&r.rows);
    return rc;
}

int ashore_image_tensor(const struct ashore_image *image,
                        const struct ashore_image_options *options, ashore_value **value,
                        struct ashore_error *err) {
    *value = NULL;
    ASH_TRY(ash_image_check(image, options->width, options->height, err));
    ASH_TRY(check_options(options, err));
    int64_t h = options->height, w = options->width, c = options->channels;
    int64_t first[] = {1, c, h, w}, last[] = {1, h, w, c};
    ASH_TRY(
        ashore_tensor_create(options->dtype, 4, options->channels_last ? last : first, value, err));
    int rc = ashore_image_write(image, options, *value, 0, err);
    if (rc != ASHORE_OK) ashore_value_release(value);
    return rc;
}
