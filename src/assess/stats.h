/* Statistics of measurements: each says what it assumes, and in which words a report puts it.
 *
 * n: number of values; q: a quantile, in (0, 1); c: confidence, in (0, 1).  Values are finite but
 * where a function says otherwise.  Random numbers come from SplitMix64 with the caller's seed, so
 * equal inputs give equal answers. */
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
/* Of sorted values: the smallest that at least q of them do not exceed (nearest rank). n > 0. */
double assess_quantile(const double *sorted, size_t n, double q);
double assess_median(const double *sorted, size_t n);
/* Median absolute deviation from the median, not scaled. */
double assess_mad(const double *sorted, size_t n);

/* ---- counts ---- */
/* P(X <= k) for X ~ Binomial(n, p). */
double assess_binomial_cdf(uint64_t k, uint64_t n, double p);
/* Exact (Clopper-Pearson) interval of a proportion; Wilson's score interval. */
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
/* Order-statistic interval of a quantile (no distribution assumed, independent values). */
struct assess_interval assess_quantile_interval(const double *sorted, size_t n, double q, double c);

/* ---- dependent values: blocks of time are drawn, not requests ---- */
/* Quantile q of the values, whose times (s, ascending) cut them into blocks of block_seconds; draws
 * blocks with replacement.  Percentile interval. */
struct assess_interval assess_block_bootstrap(const double *times, const double *values, size_t n,
                                              double block_seconds, double q, double c,
                                              size_t draws, uint64_t seed);
/* Ratio of medians b / a of paired (interleaved) measurements: pairs are drawn. */
struct assess_interval assess_ratio_bootstrap(const double *a, const double *b, size_t n, double c,
                                              size_t draws, uint64_t seed);

/* ---- warm-up ---- */
/* Where a series stops drifting: the change point that least squares picks for two levels (binary
 * segmentation on ranks), accepted when a permutation test says that it is no accident, repeated on
 * the tail.  Returns the index of the first value after warm-up, 0 when there was none; at most
 * n / 2: a series that changes later than that has not settled, *settled says so. */
size_t assess_warm_up(const double *values, size_t n, uint64_t seed, bool *settled);

/* ---- noise ---- */
/* Two halves of an A/A measurement, interleaved: the interval of their ratio.  Too wide for the
 * tolerance means that no claim of that size can be made: *quiet false. */
struct assess_interval assess_noise_gate(const double *a, const double *b, size_t n,
                                         double tolerance, double c, uint64_t seed, bool *quiet);

#endif
