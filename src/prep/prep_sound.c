/* Sound at another rate.
 *
 * Sample n of the result lies at n * M / L samples of the sound, L and M the rates without common
 * factors.  Its weights depend on n modulo L alone: they are computed once, and then used for all
 * samples of that phase, so that no table is needed, whatever the rates are.
 *
 * With a Kaiser window of beta = 0.1102 (100 - 8.7) over 128 samples of the lower rate, the band
 * between what passes and what is stopped is (100 - 8) / (2.285 * 128) / pi = 0.1 of its Nyquist
 * frequency wide, and what is stopped is damped by 100 dB: J. Kaiser, 1974. */
#include "prep/prep_sound.h"
#include "base/error.h"
#include "base/heap.h"

#include <math.h>
#include <string.h>

enum { RATE_MAX = 1000000, STEP_MAX = 1 << 20, ZEROS = 64 };
static const double beta = 0.1102 * (100 - 8.7), cutoff = 0.95;
static const int64_t frames_max = (int64_t)1 << 40;

typedef float four __attribute__((vector_size(16)));

/* The modified Bessel function of the first kind, of order 0. */
static double bessel(double x) {
    double term = 1, sum = 1;
    for (int k = 1; term > 1e-17 * sum; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

/* The sum of products in four parts. */
static float dot(const float *a, const float *b, size_t n) {
    four sum = {0, 0, 0, 0}, x, y;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sum += x * y;
    }
    float rest = 0;
    for (; i < n; i++) rest += a[i] * b[i];
    return sum[0] + sum[1] + (sum[2] + sum[3]) + rest;
}

/* Weights of samples 1 - half .. half around a position, a fraction of a sample behind 0. */
static void weigh(float *weight, int64_t half, double reach, double scale, double fraction) {
    double sum = 0, least = bessel(beta);
    for (int64_t k = 0; k < 2 * half; k++) {
        double x = (double)(k + 1 - half) - fraction, u = x / reach;
        double window = u * u < 1 ? bessel(beta * sqrt(1 - u * u)) / least : 0;
        double angle = 3.141592653589793238 * cutoff * scale * x;
        double value = (fabs(angle) < 1e-8 ? 1 : sin(angle) / angle) * window;
        weight[k] = (float)value;
        sum += value;
    }
    for (int64_t k = 0; k < 2 * half; k++) weight[k] = (float)((double)weight[k] / sum);
}

static int resample(const float *x, int64_t frames, int64_t up, int64_t down, float *y,
                    int64_t count, struct ashore_error *err) {
    double scale = up < down ? (double)up / (double)down : 1, reach = (double)ZEROS / scale;
    int64_t half = (int64_t)ceil(reach);
    size_t bytes = (size_t)(2 * half) * sizeof(float);
    float *weight = ash_alloc(NULL, bytes);
    if (!weight) return ash_fail_nomem(err, bytes);
    for (int64_t n0 = 0; n0 < up && n0 < count; n0++) {
        int64_t at = n0 * down / up - half + 1;
        weigh(weight, half, reach, scale, (double)(n0 * down % up) / (double)up);
        for (int64_t n = n0; n < count; n += up, at += down) {
            int64_t first = at > 0 ? at : 0, end = at + 2 * half < frames ? at + 2 * half : frames;
            y[n] = first < end ? dot(weight + (first - at), x + first, (size_t)(end - first)) : 0;
        }
    }
    ash_free(NULL, weight, bytes);
    return ASHORE_OK;
}

/* ---- channels ------------------------------------------------------------------------------- */

static void mix(const struct ashore_sound *s, float *to) {
    float part = 1 / (float)s->channels, of_short = part / 32768;
    memset(to, 0, (size_t)s->frames * sizeof *to);
    for (int32_t c = 0; c < s->channels; c++) {
        int64_t from = c * s->channel_step;
        if (s->dtype == ASHORE_INT16) {
            const int16_t *x = (const int16_t *)s->samples + from;
            for (int64_t i = 0; i < s->frames; i++) to[i] += (float)x[i * s->step] * of_short;
        } else {
            const float *x = (const float *)s->samples + from;
            for (int64_t i = 0; i < s->frames; i++) to[i] += x[i * s->step] * part;
        }
    }
}

static int check(const struct ashore_sound *s, int32_t rate, struct ashore_error *err) {
    ASH_FAIL_IF(s->rate < 1 || s->rate > RATE_MAX || rate < 1 || rate > RATE_MAX, err, ARGUMENT,
                "from %d to %d samples a second: rates are 1 to %d", (int)s->rate, (int)rate,
                (int)RATE_MAX);
    ASH_FAIL_IF(s->dtype != ASHORE_FLOAT32 && s->dtype != ASHORE_INT16, err, TYPE,
                "sound is float32 or int16, not %s", ashore_dtype_name(s->dtype));
    ASH_FAIL_IF(s->channels < 1 || s->channels > 1024 || s->frames < 0 || s->frames > frames_max ||
                    s->step < 0 || s->step > STEP_MAX || s->channel_step < 0 ||
                    s->channel_step > frames_max || (s->frames && !s->samples),
                err, ARGUMENT, "%lld samples of %d channels, %lld and %lld apart",
                (long long)s->frames, (int)s->channels, (long long)s->step,
                (long long)s->channel_step);
    return ASHORE_OK;
}

static int64_t common(int64_t a, int64_t b) { return b == 0 ? a : common(b, a % b); }

int ashore_sound_tensor(const struct ashore_sound *sound, int32_t rate, ashore_value **value,
                        struct ashore_error *err) {
    *value = NULL;
    ASH_TRY(check(sound, rate, err));
    int64_t divisor = common(rate, sound->rate), up = rate / divisor, down = sound->rate / divisor;
    int64_t shape[] = {1, (sound->frames * up + down - 1) / down};
    ASH_TRY(ashore_tensor_create(ASHORE_FLOAT32, 2, shape, value, err));
    float *to = ashore_value_data_mut(*value);
    if (up == down || sound->frames == 0) {
        mix(sound, to);
        return ASHORE_OK;
    }
    size_t bytes = ash_size_mul((size_t)sound->frames, sizeof(float));
    float *mono = ash_alloc(NULL, bytes);
    int rc = mono ? ASHORE_OK : ash_fail_nomem(err, bytes);
    if (rc == ASHORE_OK) {
        mix(sound, mono);
        rc = resample(mono, sound->frames, up, down, to, shape[1], err);
    }
    ash_free(NULL, mono, bytes);
    if (rc != ASHORE_OK) ashore_value_release(value);
    return rc;
}

/* ---- windows -------------------------------------------------------------------------------- */

int ash_sound_of(const ashore_value *value, const float **samples, int64_t *count,
                 struct ashore_error *err) {
    int rank = ashore_value_rank(value);
    ASH_FAIL_IF(ashore_value_kind(value) != ASHORE_TENSOR ||
                    ashore_value_dtype(value) != ASHORE_FLOAT32,
                err, TYPE, "sound is a tensor of float32");
    *count = (int64_t)ashore_value_elements(value);
    ASH_FAIL_IF(rank < 1 || ashore_value_shape(value)[rank - 1] != *count, err, SHAPE,
                "the extents of a sound are 1 but for the last");
    *samples = ashore_value_data(value);
    return ASHORE_OK;
}

int ashore_sound_frames(const ashore_value *sound, int64_t size, int64_t hop, int32_t whole,
                        ashore_value **value, struct ashore_error *err) {
    const float *x = NULL;
    int64_t count = 0, n = 0;
    *value = NULL;
    ASH_TRY(ash_sound_of(sound, &x, &count, err));
    ASH_FAIL_IF(size < 1 || hop < 1 || size > frames_max || hop > frames_max, err, ARGUMENT,
                "windows of %lld samples, %lld apart", (long long)size, (long long)hop);
    if (count >= size)
        n = 1 + (count - size + (whole ? 0 : hop - 1)) / hop;
    else if (count > 0 && !whole)
        n = 1;
    int64_t shape[] = {n, size};
    ASH_TRY(ashore_tensor_create(ASHORE_FLOAT32, 2, shape, value, err));
    float *to = ashore_value_data_mut(*value);
    for (int64_t i = 0; i < n; i++, to += size) {
        int64_t left = count - i * hop;
        if (left > size) left = size;
        if (left > 0) memcpy(to, x + i * hop, (size_t)left * sizeof *to);
    }
    return ASHORE_OK;
}
