#include "ops/resample.h"

#include <math.h>

bool ash_resample_same(const struct ash_resample *r) {
    return r->in == r->out && r->scale == 1 && r->coord != ASH_RESAMPLE_CROP;
}

static double quotient(const struct ash_resample *r, double x, double y) {
    return r->mode == ASH_RESAMPLE_NEAREST ? (double)(float)(x / y) : x / y;
}

static double position(const struct ash_resample *r, int64_t o) {
    double x = (double)o, in = (double)r->in, last = in - 1;
    if (ash_resample_same(r)) return x;
    switch (r->coord) {
    case ASH_RESAMPLE_ALIGN_CORNERS:
        return r->width == 1 ? 0 : quotient(r, x * last, r->width - 1);
    case ASH_RESAMPLE_ASYMMETRIC:
        return quotient(r, x, r->scale);
    case ASH_RESAMPLE_CROP:
        if (r->width == 1) return (r->from + r->to) * last / 2;
        return r->from * last + quotient(r, x * (r->to - r->from) * last, r->width - 1);
    case ASH_RESAMPLE_TF_HALF_PIXEL:
        return quotient(r, x + 0.5, r->scale);
    case ASH_RESAMPLE_PYTORCH_HALF_PIXEL:
        if (r->out <= 1) return 0;
        break;
    case ASH_RESAMPLE_HALF_PIXEL_SYMMETRIC:
        x = in / 2 * (1 - (double)r->out / r->width) + (x + 0.5) / r->scale - 0.5;
        return quotient(r, x, 1);
    default:
        break;
    }
    return quotient(r, x + 0.5, r->scale) - 0.5;
}

static bool outside(const struct ash_resample *r, double x) {
    return r->coord == ASH_RESAMPLE_CROP && !(x >= 0 && x <= (double)(r->in - 1));
}

static int64_t clamp(const struct ash_resample *r, double x) {
    return x > 0 ? (x < (double)r->in ? (int64_t)x : r->in - 1) : 0;
}

int64_t ash_resample_nearest(const struct ash_resample *r, int64_t o) {
    double x = position(r, o);
    if (outside(r, x)) return -1;
    switch (r->round) {
    case ASH_RESAMPLE_PREFER_FLOOR:
        return clamp(r, ceil(x - 0.5));
    case ASH_RESAMPLE_PREFER_CEIL:
        return clamp(r, floor(x + 0.5));
    case ASH_RESAMPLE_FLOOR:
        return clamp(r, floor(x));
    case ASH_RESAMPLE_CEIL:
        return clamp(r, ceil(x));
    default:
        return clamp(r, r->scale < 1 ? ceil(x) : floor(x));
    }
}

/* What the filter is stretched by: antialiasing lets it cover what one output position does. */
static double stretch(const struct ash_resample *r) {
    return r->antialias && r->scale < 1 ? r->scale : 1;
}

static double reach(const struct ash_resample *r) {
    return (r->mode == ASH_RESAMPLE_LINEAR ? 1 : 2) / stretch(r);
}

/* The filters.  (Cubic: R. Keys, Cubic Convolution Interpolation for Digital Image Processing,
 * 1981.) */
static double filter(const struct ash_resample *r, double d) {
    double a = r->a;
    d = fabs(d);
    if (r->mode == ASH_RESAMPLE_LINEAR) return d < 1 ? 1 - d : 0;
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

int64_t ash_resample_room(const struct ash_resample *r) {
    double most = 2 * reach(r) + 2;
    return most < (double)r->in ? (int64_t)most : r->in;
}

int64_t ash_resample_taps(const struct ash_resample *r, int64_t o, int64_t *first, double *weight) {
    double x = position(r, o), s = stretch(r), far = reach(r), sum = 0;
    if (outside(r, x)) return 0;
    if (s == 1 && x == floor(x) && x >= 0 && x < (double)r->in) {
        *first = (int64_t)x;
        weight[0] = 1;
        return 1;
    }
    double low = floor(x - far) + 1, high = ceil(x + far) - 1;
    *first = clamp(r, low);
    int64_t n = clamp(r, high) - *first + 1;
    for (int64_t i = 0; i < n; i++) weight[i] = 0;
    for (double i = low; i <= high; i++) {
        bool out = i < 0 || i >= (double)r->in;
        if (out && r->exclude) continue;
        double w = filter(r, s * (i - x));
        weight[clamp(r, i) - *first] += w;
        sum += w;
    }
    bool normalise = (r->antialias || r->exclude) && sum != 0;
    for (int64_t i = 0; normalise && i < n; i++) weight[i] /= sum;
    return n;
}
