/* The least that a queue with one worker makes of a schedule. */
#ifndef QUEUE_BOUND_H
#define QUEUE_BOUND_H

#include <math.h>
#include <stddef.h>

/* Lindley's recursion: when one worker with constant service is done with each. */
static inline double lindley(const double *intended, size_t n, double service, double *ended) {
    double free_at = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        free_at = fmax(free_at, intended[i]) + service;
        if (ended) ended[i] = free_at;
        total += free_at - intended[i];
    }
    return total / (double)n;
}

#endif
