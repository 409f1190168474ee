/* Statistics of measurements: each says what it assumes; docs/statistics.md has the words in which
 * a report puts it.
 *
 * n: number of values; q: a quantile, in (0, 1); c: confidence, in (0, 1).  Values may be infinite:
 * a failed request is one of infinite latency, and NaN counts as the same.  Random numbers come
 * from SplitMix64 with the caller's seed, so equal inputs give equal answers.
 *
 * Nothing here fails: where there are too few values, or no memory for the work, an interval is as
 * wide as can be ({-INFINITY, value, INFINITY}; from 0 for shares and ratios), with the value NAN
 * when there is none. */
#ifndef ASH_ASSESS_STATS_H
#define ASH_ASSESS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assess_interval {
    double low, value, high; /* may be infinite where data do not bound it */
};

/* ---- plain ---- */
void assess_sort(double *values, size_t n);
/* Of sorted values: the smallest that at least q of them do not exceed (nearest rank).  NAN of
 * none, as with the next two. */
double assess_quantile(const double *sorted, size_t n, double q);
/* Of an even number of values: the mean of the middle two. */
double assess_median(const double *sorted, size_t n);
/* Median absolute deviation from the median, not scaled. */
double assess_mad(const double *sorted, size_t n);

/* ---- counts ---- */
/* P(X <= k) for X ~ Binomial(n, p); 9 digits at least for n up to 10^8, small probabilities too. */
double assess_binomial_cdf(uint64_t k, uint64_t n, double p);
/* Exact (Clopper and Pearson 1934) interval of a proportion; Wilson's score interval (1927). */
struct assess_interval assess_clopper_pearson(uint64_t k, uint64_t n, double c);
struct assess_interval assess_wilson(uint64_t k, uint64_t n, double c);

/* A percentile claim, "at least q of requests are within the limit", as MLPerf's LoadGen tests it:
 * one-sided binomial. */
enum assess_claim { ASSESS_CLAIM_MET, ASSESS_CLAIM_MISSED, ASSESS_CLAIM_OPEN };
/* MET: with that many misses of n, a process that misses more than 1 - q would show as few with
 * probability below 1 - c.  MISSED: the mirror image.  OPEN: neither. */
enum assess_claim assess_test_claim(uint64_t misses, uint64_t n, double q, double c);
/* The most misses of n with which the claim is MET; -1: n is too small for any. */
int64_t assess_most_misses(uint64_t n, double q, double c);
/* The fewest requests with which it can be MET: 459 for q = 0.99, c = 0.99. */
uint64_t assess_fewest(double q, double c);
/* Interval of a quantile from the order of independent values, whatever their distribution.  Its
 * ends are values, or infinite when n is too small to bound them. */
struct assess_interval assess_quantile_interval(const double *sorted, size_t n, double q, double c);

/* ---- dependent values: blocks of time are drawn, not requests ---- */
/* Quantile q of the values, whose times (s, ascending) cut them into blocks of block_seconds (0:
 * each value is a block); draws blocks with replacement.  Assumes that values further apart than a
 * small part of a block have nothing to do with one another.
 *
 * The wider of two intervals at either end: percentiles of the draws, and the order of as many
 * independent values as these are worth.  Both allow for few blocks; with so few that a sign test
 * over them could not be that sure (five at 95 %), the interval is unbounded. */
struct assess_interval assess_block_bootstrap(const double *times, const double *values, size_t n,
                                              double block_seconds, double q, double c,
                                              size_t draws, uint64_t seed);
/* assess_test_claim for "at least q of the values are at most `limit`", with as few requests as
 * these are worth when misses come in bursts: where all misses are in a few blocks, hardly more
 * than the blocks count. */
enum assess_claim assess_test_claim_in_blocks(const double *times, const double *values, size_t n,
                                              double limit, double block_seconds, double q,
                                              double c);
/* Ratio of medians b / a of paired (interleaved) measurements: pairs are drawn, and are assumed to
 * be independent of one another.  a, b: [n], positive. */
struct assess_interval assess_ratio_bootstrap(const double *a, const double *b, size_t n, double c,
                                              size_t draws, uint64_t seed);

/* ---- warm-up ---- */
/* Where a series stops drifting: the change point that least squares picks for two levels (binary
 * segmentation on ranks), accepted when a permutation test at the level of 1 % says that it is no
 * accident, repeated on the tail; allows for neighbours that resemble each other (see
 * stats_change.c).  Returns the index of the first value after warm-up, 0 when there was none; at
 * most n / 2: a series that changes later than that has not settled, *settled says so, as of fewer
 * than 8 values. */
size_t assess_warm_up(const double *values, size_t n, uint64_t seed, bool *settled);

/* ---- noise ---- */
/* Two halves of an A/A measurement, interleaved: the interval of their ratio.  *quiet: it lies
 * within 1 / (1 + tolerance) .. 1 + tolerance; otherwise no claim of that size can be made. */
struct assess_interval assess_noise_gate(const double *a, const double *b, size_t n,
                                         double tolerance, double c, uint64_t seed, bool *quiet);

#endif
