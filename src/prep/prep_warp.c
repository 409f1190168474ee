/* The inside of a quadrangle as an upright picture.
 *
 * The projective map from the unit square to a quadrangle in closed form: P. Heckbert, Fundamentals
 * of Texture Mapping and Image Warping, 1989, section 2.2. */
#include "base/error.h"
#include "prep/prep_image.h"

#include <math.h>

/* (u, v) goes to ((a u + b v + c) / w, (d u + e v + f) / w), w = g u + h v + 1. */
struct projection {
    double a, b, c, d, e, f, g, h;
};

static int projection_of(const float x[4], const float y[4], struct projection *p,
                         struct ashore_error *err) {
    double dx1 = (double)x[1] - (double)x[2], dx2 = (double)x[3] - (double)x[2];
    double dy1 = (double)y[1] - (double)y[2], dy2 = (double)y[3] - (double)y[2];
    double sx = (double)x[0] - (double)x[1] + (double)x[2] - (double)x[3];
    double sy = (double)y[0] - (double)y[1] + (double)y[2] - (double)y[3];
    double det = dx1 * dy2 - dx2 * dy1;
    ASH_FAIL_IF(!(fabs(det) > 0) || isinf(det), err, ARGUMENT,
                "the corners (%g,%g) (%g,%g) (%g,%g) (%g,%g) are of no quadrangle", (double)x[0],
                (double)y[0], (double)x[1], (double)y[1], (double)x[2], (double)y[2], (double)x[3],
                (double)y[3]);
    p->g = (sx * dy2 - dx2 * sy) / det;
    p->h = (dx1 * sy - sx * dy1) / det;
    p->a = (double)x[1] - (double)x[0] + p->g * (double)x[1];
    p->b = (double)x[3] - (double)x[0] + p->h * (double)x[3];
    p->c = (double)x[0];
    p->d = (double)y[1] - (double)y[0] + p->g * (double)y[1];
    p->e = (double)y[3] - (double)y[0] + p->h * (double)y[3];
    p->f = (double)y[0];
    return ASHORE_OK;
}

static double clamp(double v, double most) { return v > 0 ? (v < most ? v : most) : 0; }

/* The picture at a position, between its four nearest pixels. */
static void sample(const struct ashore_image *image, double x, double y, uint8_t rgb[3]) {
    x = clamp(x - 0.5, image->width - 1);
    y = clamp(y - 0.5, image->height - 1);
    int32_t x0 = (int32_t)x, y0 = (int32_t)y;
    int32_t x1 = x0 + (x0 + 1 < image->width), y1 = y0 + (y0 + 1 < image->height);
    double fx = x - x0, fy = y - y0, sum[3] = {0, 0, 0};
    for (int k = 0; k < 4; k++) {
        const uint8_t *p = image->pixels + (size_t)(k & 2 ? y1 : y0) * (size_t)image->stride +
                           (size_t)(k & 1 ? x1 : x0) * (size_t)image->channels;
        double weight = (k & 1 ? fx : 1 - fx) * (k & 2 ? fy : 1 - fy);
        double alpha = image->channels == 4 ? p[3] / 255.0 : 1;
        for (int c = 0; c < 3; c++)
            sum[c] += weight * (255 + (p[image->channels == 1 ? 0 : c] - 255) * alpha);
    }
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(sum[c] + 0.5);
}

int ashore_image_warp(const struct ashore_image *image, const float x[4], const float y[4],
                      int32_t width, int32_t height, ashore_value **value,
                      struct ashore_error *err) {
    struct projection p = {0};
    int64_t shape[] = {height, width, 3};
    *value = NULL;
    ASH_TRY(ash_image_check(image, width, height, err));
    ASH_TRY(projection_of(x, y, &p, err));
    ASH_TRY(ashore_tensor_create(ASHORE_UINT8, 3, shape, value, err));
    uint8_t *to = ashore_value_data_mut(*value);
    for (int32_t j = 0; j < height; j++) {
        double v = (j + 0.5) / height;
        for (int32_t i = 0; i < width; i++, to += 3) {
            double u = (i + 0.5) / width, w = p.g * u + p.h * v + 1;
            sample(image, (p.a * u + p.b * v + p.c) / w, (p.d * u + p.e * v + p.f) / w, to);
        }
    }
    return ASHORE_OK;
}
