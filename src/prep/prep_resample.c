#include "prep/prep_resample.h"

#include "base/error.h"
#include "base/heap.h"

#include <math.h>

static size_t bytes_of(const struct ash_resampling *r) {
    return ash_size_mul((size_t)r->n, sizeof *r->first + (size_t)r->taps * sizeof *r->weight);
}

void ash_resampling_deinit(struct ash_resampling *r) {
    if (r->first) ash_free(NULL, r->first, bytes_of(r));
}

/* The triangle, and R. Keys' cubic convolution with a = -1/2. */
static double filter_at(int filter, double x) {
    x = fabs(x);
    if (filter == ASHORE_BILINEAR) return x < 1 ? 1 - x : 0;
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0;
}

static double clamp(double x, double most) { return x > 0 ? (x < most ? x : most) : 0; }

static void weigh(struct ash_resampling *r, int32_t i, double centre, double scale, double reach,
                  int32_t source, int filter, bool antialias) {
    float *weight = r->weight + (size_t)i * (size_t)r->taps;
    double low = floor(centre - reach) + 1, sum = 0;
    int32_t first = (int32_t)clamp(low, source - r->taps);
    r->first[i] = first;
    for (int32_t k = 0; k < r->taps; k++) weight[k] = 0;
    for (int32_t k = 0; k < 2 * reach; k++) {
        double at = low + k, inside = clamp(at, source - 1);
        double w = antialias && at != inside ? 0 : filter_at(filter, (at - centre) / scale);
        weight[(int32_t)inside - first] += (float)w;
        sum += w;
    }
    for (int32_t k = 0; k < r->taps; k++) weight[k] = (float)((double)weight[k] / sum);
}

int ash_resampling_init(struct ash_resampling *r, const struct ash_span *span, int32_t source,
                        int filter, bool antialias, struct ashore_error *err) {
    double step = span->span / span->size, scale = antialias && step > 1 ? step : 1;
    double reach = filter == ASHORE_BICUBIC ? 2 * scale : scale;
    double wanted = filter == ASHORE_NEAREST ? 1 : ceil(2 * reach);
    r->n = span->size;
    r->taps = wanted < source ? (int32_t)wanted : source;
    r->first = ash_alloc(NULL, bytes_of(r));
    if (!r->first) return ash_fail_nomem(err, bytes_of(r));
    r->weight = (float *)(void *)(r->first + r->n);
    for (int32_t i = 0; i < r->n; i++) {
        double position = span->from + (i + 0.5) * step;
        if (antialias) position = clamp(position, source); /* so that some weight lies inside */
        if (filter == ASHORE_NEAREST) {
            r->first[i] = (int32_t)clamp(floor(position), source - 1);
            r->weight[i] = 1;
        } else {
            weigh(r, i, position - 0.5, scale, reach, source, filter, antialias);
        }
    }
    return ASHORE_OK;
}
