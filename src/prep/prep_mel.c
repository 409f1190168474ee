/* Energies of mel bands: Fourier transforms of windows, two at a time, and triangles over them. */
#include "base/error.h"
#include "base/fft.h"
#include "base/heap.h"
#include "prep/prep_sound.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { FFT_MAX = 1 << 20 };

void ashore_mel_options_init(struct ashore_mel_options *o) {
    *o = (struct ashore_mel_options){.struct_size = sizeof *o,
                                     .rate = 16000,
                                     .fft = 400,
                                     .window = 400,
                                     .hop = 160,
                                     .mels = 80,
                                     .normalize = 1,
                                     .center = 1,
                                     .power = 2,
                                     .least = 1e-10f};
}

struct mel {
    const struct ashore_mel_options *o;
    const float *sound;
    int64_t count, frames;
    size_t bins;
    struct ash_fft fft;
    double *window, *edge, *energy; /* fft; mels + 2; 2 bins */
    double *pair, *work; /* 2 fft: the two windows as complex numbers; of the transform */
    double *block;
    size_t bytes;
};

/* ---- the bands ------------------------------------------------------------------------------ */

static double mel_of(double hz, bool htk) {
    if (htk) return 1127.0104803341574 * log1p(hz / 700); /* 2595 / ln 10 */
    return hz < 1000 ? hz * 3 / 200 : 15 + log(hz / 1000) * 27 / log(6.4);
}

static double hz_of(double mel, bool htk) {
    if (htk) return 700 * expm1(mel / 1127.0104803341574);
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

/* Energy of band i in a spectrum: a triangle over the frequencies between two edges. */
static double band(const struct mel *m, const double *energy, int32_t i) {
    const struct ashore_mel_options *o = m->o;
    double low = m->edge[i], peak = m->edge[i + 1], high = m->edge[i + 2];
    double step = (double)o->rate / o->fft, sum = 0;
    double first = fmax(ceil(low / step), 0);
    for (size_t k = (size_t)first; k < m->bins && (double)k * step < high; k++) {
        double hz = (double)k * step;
        double weight = fmin((hz - low) / (peak - low), (high - hz) / (high - peak));
        if (weight > 0) sum += weight * energy[k];
    }
    return o->normalize ? sum * 2 / (high - low) : sum;
}

/* ---- windows -------------------------------------------------------------------------------- */

/* Sample i of the sound, mirrored at its ends as often as it takes. */
static double sample(const struct mel *m, int64_t i) {
    if (i >= 0 && i < m->count) return (double)m->sound[i];
    if (!m->o->center || m->count < 2) return m->count ? (double)m->sound[0] : 0;
    int64_t period = 2 * (m->count - 1);
    i %= period;
    if (i < 0) i += period;
    return (double)m->sound[i < m->count ? i : period - i];
}

static double power_of(double re, double im, bool magnitude) {
    double square = re * re + im * im;
    return magnitude ? sqrt(square) : square;
}

/* The spectra of windows i and i + 1, as the real and the imaginary part of one transform. */
static void spectra(const struct mel *m, int64_t i, double *energy) {
    const struct ashore_mel_options *o = m->o;
    size_t n = (size_t)o->fft;
    int64_t from = i * o->hop - (o->center ? o->fft / 2 : 0);
    bool both = i + 1 < m->frames, magnitude = o->power == 1;
    for (size_t k = 0; k < n; k++) {
        double w = m->window[k];
        m->pair[2 * k] = w == 0 ? 0 : w * sample(m, from + (int64_t)k);
        m->pair[2 * k + 1] = w == 0 || !both ? 0 : w * sample(m, from + o->hop + (int64_t)k);
    }
    ash_fft_run(&m->fft, m->pair, false, m->work);
    for (size_t k = 0; k < m->bins; k++) {
        const double *a = m->pair + 2 * k, *b = m->pair + 2 * (k == 0 ? 0 : n - k);
        energy[k] = power_of((a[0] + b[0]) / 2, (a[1] - b[1]) / 2, magnitude);
        energy[m->bins + k] = power_of((a[1] + b[1]) / 2, (b[0] - a[0]) / 2, magnitude);
    }
}

static int mel_init(struct mel *m, struct ashore_error *err) {
    const struct ashore_mel_options *o = m->o;
    size_t n = (size_t)o->fft, mels = (size_t)o->mels;
    m->bins = n / 2 + 1;
    size_t tables = ash_fft_tables(n);
    m->bytes = (tables + ash_fft_work(n) + 3 * n + mels + 2 + 2 * m->bins) * sizeof(double);
    m->block = ash_alloc_zero(NULL, m->bytes);
    if (!m->block) return ash_fail_nomem(err, m->bytes);
    ash_fft_init(&m->fft, n, m->block);
    m->work = m->block + tables;
    m->pair = m->work + ash_fft_work(n);
    m->window = m->pair + 2 * n;
    m->edge = m->window + n;
    m->energy = m->edge + mels + 2;
    for (int32_t k = 0; k < o->window; k++)
        m->window[(o->fft - o->window) / 2 + k] =
            0.5 - 0.5 * cos(6.283185307179586477 * k / o->window);
    bool htk = o->htk != 0;
    double low = mel_of((double)o->low, htk);
    double high = mel_of(o->high > 0 ? (double)o->high : o->rate / 2.0, htk);
    for (size_t i = 0; i < mels + 2; i++)
        m->edge[i] = hz_of(low + (high - low) * (double)i / (double)(mels + 1), htk);
    return ASHORE_OK;
}

/* ---- logarithms, and the whole -------------------------------------------------------------- */

static void take_log(const struct ashore_mel_options *o, float *x, size_t n) {
    double factor = o->log == ASHORE_MEL_LN   ? 1
                    : o->log == ASHORE_MEL_DB ? 10 / log(10)
                                              : 1 / log(10);
    float most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(log(fmax((double)x[i], (double)o->least)) * factor);
        most = fmaxf(most, x[i]);
    }
    for (size_t i = 0; o->log == ASHORE_MEL_WHISPER && i < n; i++)
        x[i] = (fmaxf(x[i], most - 8) + 4) / 4;
}

static int check(const struct ashore_mel_options *o, struct ashore_error *err) {
    ASH_FAIL_IF(o->fft < 2 || o->fft > FFT_MAX || o->window < 1 || o->window > o->fft || o->hop < 1,
                err, ARGUMENT, "a transform of %d samples, a window of %d, every %d", (int)o->fft,
                (int)o->window, (int)o->hop);
    double high = o->high > 0 ? (double)o->high : o->rate / 2.0;
    ASH_FAIL_IF(o->rate < 1 || o->mels < 1 || o->mels > o->fft || !(o->low >= 0) ||
                    !(high > (double)o->low) || !(high < 1e9),
                err, ARGUMENT, "%d bands of %g to %g Hz at a rate of %d", (int)o->mels,
                (double)o->low, high, (int)o->rate);
    ASH_FAIL_IF((o->power != 1 && o->power != 2) || o->log < ASHORE_MEL_POWER ||
                    o->log > ASHORE_MEL_WHISPER || !(o->least > 0),
                err, ARGUMENT, "power %g, log %d, least %g", (double)o->power, (int)o->log,
                (double)o->least);
    return ASHORE_OK;
}

static int64_t frames_of(const struct ashore_mel_options *o, int64_t count) {
    int64_t padded = count + (o->center ? o->fft / 2 * 2 : 0);
    int64_t n = padded < o->fft ? 0 : 1 + (padded - o->fft) / o->hop;
    return o->drop_last && n > 0 ? n - 1 : n;
}

int ashore_sound_mel(const ashore_value *sound, const struct ashore_mel_options *options,
                     ashore_value **value, struct ashore_error *err) {
    struct mel m = {.o = options};
    *value = NULL;
    ASH_TRY(check(options, err));
    ASH_TRY(ash_sound_of(sound, &m.sound, &m.count, err));
    ASH_FAIL_IF(m.count < 1, err, SHAPE, "a sound of no samples");
    m.frames = frames_of(options, m.count);
    int64_t shape[] = {1, options->mels, m.frames};
    int rc = mel_init(&m, err);
    if (rc == ASHORE_OK) rc = ashore_tensor_create(ASHORE_FLOAT32, 3, shape, value, err);
    float *to = rc == ASHORE_OK ? ashore_value_data_mut(*value) : NULL;
    for (int64_t i = 0; to && i < m.frames; i += 2) {
        spectra(&m, i, m.energy);
        for (int32_t b = 0; b < options->mels; b++) {
            float *row = to + (size_t)b * (size_t)m.frames;
            row[i] = (float)band(&m, m.energy, b);
            if (i + 1 < m.frames) row[i + 1] = (float)band(&m, m.energy + m.bins, b);
        }
    }
    if (to && options->log != ASHORE_MEL_POWER)
        take_log(options, to, (size_t)options->mels * (size_t)m.frames);
    ash_free(NULL, m.block, m.bytes);
    return rc;
}
