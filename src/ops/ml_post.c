/* What operators of ai.onnx.ml do to scores at the end, the same for trees and support vectors.
 *
 * What ONNX leaves open, and where its reference differs, this does what onnxruntime does, since
 * models are exported and checked with that. */
#include "ops/ml.h"

#include <float.h>
#include <math.h>

int ash_ml_post_parse(const struct ash_parse *c, int *post) {
    static const char *const names[] = {"NONE",         "LOGISTIC", "SOFTMAX",
                                        "SOFTMAX_ZERO", "PROBIT",   NULL};
    return ash_parse_choice(c, "post_transform", names, ASH_ML_NONE, post);
}

/* In double, as all of the engine: a page has no others. */
float ash_ml_exp(float x) { return (float)exp((double)x); }

float ash_ml_logistic(float x) {
    float v = 1 / (1 + ash_ml_exp(-fabsf(x)));
    return x < 0 ? 1 - v : v;
}

/* Winitzki's approximation of the inverse error function, and in float32: its error is far above
 * what rounding adds, so that only the same formula gives the same scores. */
float ash_ml_probit(float p) {
    const float a = 0.147f, pi = 3.14159265f, sqrt2 = 1.41421356f;
    float x = 2 * p - 1, sign = x < 0 ? -1.0f : 1.0f;
    float l = (float)log((double)((1 - x) * (1 + x)));
    float v = 2 / (pi * a) + 0.5f * l;
    return sqrt2 * (sign * sqrtf(-v + sqrtf(v * v - 1 / a * l)));
}

static double fit(bool wide, double x) { return wide ? x : (double)(float)x; }

/* `zeros`: scores of 0 stay so, which exp would make the same as small ones. */
static void softmax(double *s, size_t n, bool zeros, bool wide) {
    float most = -FLT_MAX, sum = 0;
    for (size_t i = 0; i < n; i++) most = (float)s[i] > most ? (float)s[i] : most;
    float scale = ash_ml_exp(-most);
    for (size_t i = 0; i < n; i++) {
        if (zeros && fabsf((float)s[i]) <= 0.0000001f) {
            s[i] = fit(wide, s[i] * (double)scale);
            continue;
        }
        float e = ash_ml_exp((float)s[i] - most);
        sum += e;
        s[i] = (double)e;
    }
    for (size_t i = 0; i < n; i++) s[i] = fit(wide && zeros, s[i] / (double)sum);
}

void ash_ml_transform(int post, double *s, size_t n, bool wide) {
    if (post == ASH_ML_SOFTMAX || post == ASH_ML_SOFTMAX_ZERO) {
        softmax(s, n, post == ASH_ML_SOFTMAX_ZERO, wide);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (post == ASH_ML_LOGISTIC) s[i] = (double)ash_ml_logistic((float)s[i]);
        if (post == ASH_ML_PROBIT) s[i] = (double)ash_ml_probit((float)s[i]);
    }
}
