/* What the statistics share among themselves: random numbers, selection, distributions. */
#ifndef ASH_ASSESS_STATS_PARTS_H
#define ASH_ASSESS_STATS_PARTS_H

#include "stats.h"

#include <math.h>

/* SplitMix64 (Steele, Lea and Flood 2014). */
static inline uint64_t assess_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double assess_random_unit(uint64_t *state) {
    return (double)(assess_random(state) >> 11) * 0x1p-53;
}

/* Uniform in 0 .. n - 1; n > 0.  Its bias is below n / 2^53. */
static inline size_t assess_random_below(uint64_t *state, size_t n) {
    size_t i = (size_t)(assess_random_unit(state) * (double)n);
    return i < n ? i : n - 1;
}

/* The nearest rank of quantile q, from 0: ceil(q n) - 1, within 0 .. n - 1.  Products that miss a
 * whole number by rounding alone (0.07 * 100) count as it. */
size_t assess_rank(size_t n, double q);

/* The value that sorting would put at `rank`; reorders values.  rank < n; no NaN. */
double assess_select(double *values, size_t n, size_t rank);

/* Regularised incomplete beta function I_x(a, b), with y = 1 - x given apart so that neither loses
 * digits.  a, b > 0.  Small results keep their relative precision. */
double assess_beta(double a, double b, double x, double y);

/* The standard normal distribution's quantile; p in (0, 1). */
double assess_normal_quantile(double p);

/* The share of bootstrap draws to leave out at either end for confidence c when `units`
 * independent things (blocks, pairs) were drawn from: Hesterberg's expanded percentile interval
 * (The American Statistician 69, 2015), which makes up for a percentile interval's being too narrow
 * for few units as Student's t does for a mean. */
double assess_bootstrap_tail(size_t units, double c);

/* How much wider than the normal distribution's Student's t is, at confidence c with units - 1
 * degrees of freedom. */
double assess_student_factor(size_t units, double c);

/* Which of n sorted independent values, from 1, hold the quantile between them; 0 and n + 1: none
 * does. */
void assess_quantile_ranks(size_t n, double q, double c, size_t *low, size_t *high);

#endif
