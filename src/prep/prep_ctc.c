#include "ashore/ashore_prep.h"

int32_t ashore_ctc_greedy(const float *probabilities, int32_t places, int32_t classes,
                          int32_t *classes_out, float *confidence) {
    int32_t count = 0, before = 0;
    float sum = 0;
    for (int32_t t = 0; t < places; t++) {
        const float *p = probabilities + (size_t)t * (size_t)classes;
        int32_t best = 0;
        for (int32_t k = 1; k < classes; k++) {
            if (p[k] > p[best]) best = k;
        }
        if (best && best != before) {
            classes_out[count++] = best;
            sum += p[best];
        }
        before = best;
    }
    *confidence = count ? sum / (float)count : 0;
    return count;
}
