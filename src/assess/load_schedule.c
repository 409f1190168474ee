#include "load.h"
#include "load_parts.h"

#include <math.h>

uint64_t assess_split_mix(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* Gaps by inversion: u uniform in [0, 1), so 1 - u is never 0 and the logarithm is finite. */
void assess_schedule(uint64_t seed, double rate, size_t count, double *offsets) {
    double at = 0;
    for (size_t i = 0; i < count; i++) {
        double u = (double)(assess_split_mix(&seed) >> 11) * 0x1p-53;
        at += -log1p(-u) / rate;
        offsets[i] = at;
    }
}
