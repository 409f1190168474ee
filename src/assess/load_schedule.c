#include "load.h"
#include "stats_parts.h"

/* Gaps by inversion: u uniform in [0, 1), so 1 - u is never 0 and the logarithm is finite. */
void assess_schedule(uint64_t seed, double rate, size_t count, double *offsets) {
    double at = 0;
    for (size_t i = 0; i < count; i++) {
        at += -log1p(-assess_random_unit(&seed)) / rate;
        offsets[i] = at;
    }
}
