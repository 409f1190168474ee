/* The bootstrap: what its intervals cover, what they leave open, and equal answers to equal
 * questions. */
#include "assess/stats_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Box and Muller. */
static double normal(uint64_t *seed) {
    double u = 1 - assess_random_unit(seed), v = assess_random_unit(seed);
    return sqrt(-2 * log(u)) * cos(6.28318530717958647692 * v);
}

/* n values of an autoregressive process with variance 1, 100 a second. */
static void make_series(double *times, double *values, size_t n, double phi, uint64_t *seed) {
    double x = normal(seed);
    for (size_t i = 0; i < n; i++) {
        times[i] = 1000 + (double)i / 100;
        values[i] = x;
        x = phi * x + sqrt(1 - phi * phi) * normal(seed);
    }
}

/* ---- coverage ------------------------------------------------------------------------------- */

enum { N = 4000, SERIES = 200 };

/* In how many of SERIES series the interval holds the true quantile; *half: half its mean width. */
static int coverage(double phi, double block_seconds, double q, double c, double *half) {
    static double times[N], values[N];
    double truth = assess_normal_quantile(q);
    uint64_t seed = 7;
    int covered = 0;

    *half = 0;
    for (uint64_t s = 0; s < SERIES; s++) {
        make_series(times, values, N, phi, &seed);
        struct assess_interval i =
            assess_block_bootstrap(times, values, N, block_seconds, q, c, 400, s);
        assert_true(i.low <= i.value && i.value <= i.high);
        covered += i.low <= truth && truth <= i.high;
        *half += (i.high - i.low) / 2 / SERIES;
    }
    return covered;
}

static void check_coverage(double phi, double block_seconds, double q, double c, int low,
                           int high) {
    double half;
    int covered = coverage(phi, block_seconds, q, c, &half);
    if (covered < low || covered > high)
        fail_msg("phi %g, blocks of %g s, q %g: %d of 200 cover the truth, not %d to %d", phi,
                 block_seconds, q, covered, low, high);
}

/* scipy.stats.binom.ppf([1e-4, 1 - 1e-4], 200, c) is 177 to 199 for 0.95, 163 to 194 for 0.9.
 * Neighbours that correlate by 0.9 tell as much as one in (1 + 0.9) / (1 - 0.9) = 19 independent
 * values, so that a block of 1 s is long against that, and one of a single value is far too short.
 */
static void test_coverage(void **state) {
    (void)state;
    check_coverage(0, 1, 0.5, 0.95, 177, 199);
    check_coverage(0, 1, 0.99, 0.95, 177, 199);
    check_coverage(0, 0, 0.5, 0.9, 163, 194);
    check_coverage(0.9, 1, 0.9, 0.95, 177, 199);
    check_coverage(0.9, 4, 0.9, 0.95, 177, 199);
    check_coverage(0.9, 0, 0.9, 0.95, 0, 130);
}

/* The median's standard error is sqrt(pi / 2 n) for independent normal values; 40 blocks have a
 * Student's t of 2.02, and the wider of two estimates is taken: up to a fifth more. */
static void test_width(void **state) {
    double half, expected = 1.96 * sqrt(3.14159265 / 2 / N);

    (void)state;
    coverage(0, 1, 0.5, 0.95, &half);
    if (!(half > 0.95 * expected && half < 1.2 * expected))
        fail_msg("half of the width: %g, expected about %g", half, expected);
}

/* The bootstrap's distribution of the median of 25 values is known (Efron 1979): the drawn median
 * is at most the k-th value with probability P(X >= 13), X ~ Binomial(25, k / 25).  The expanded
 * tail for 25 pairs is 0.01758 = scipy.stats.norm.sf(sqrt(25 / 24) * scipy.stats.t.isf(0.025, 24)),
 * which lies between 0.0096 for k = 7 and 0.0299 for k = 8. */
static void test_exact_distribution(void **state) {
    double a[25], b[25];

    (void)state;
    for (size_t i = 0; i < 25; i++) {
        a[i] = 1;
        b[i] = (double)(i * 7 % 25) + 1; /* 1 .. 25 */
    }
    struct assess_interval i = assess_ratio_bootstrap(a, b, 25, 0.95, 100000, 3);
    assert_true(i.value == 13);
    assert_true(i.low == 8);
    assert_true(i.high == 18);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static void test_blocks(void **state) {
    enum { BLOCKS = 40, EACH = 25 };
    double times[BLOCKS * EACH], values[BLOCKS * EACH];

    (void)state;
    for (size_t i = 0; i < BLOCKS * EACH; i++) {
        /* Every other second is empty, and there is an hour's gap in the middle. */
        size_t block = i / EACH;
        times[i] =
            5e5 + 2 * (double)block + (double)(i % EACH) / EACH + (block >= BLOCKS / 2 ? 3600 : 0);
        values[i] = (double)block;
    }
    /* All values of a block are equal: as sure as 40 values, not as 1000. */
    struct assess_interval blocks =
        assess_block_bootstrap(times, values, BLOCKS * EACH, 1, 0.5, 0.95, 2000, 1);
    struct assess_interval alone =
        assess_block_bootstrap(times, values, BLOCKS * EACH, 0, 0.5, 0.95, 2000, 1);
    assert_true(blocks.value == 19 && alone.value == 19);
    /* The median of 40 lies between values 14 and 27 with 95 %: scipy.stats.binom, as above. */
    assert_true(blocks.low >= 11 && blocks.low <= 13 && blocks.high >= 26 && blocks.high <= 28);
    assert_true(alone.low >= 17 && alone.high <= 21);
}

static void test_open_ends(void **state) {
    enum { MANY = 2000 };
    double times[MANY], values[MANY];
    uint64_t seed = 11;

    (void)state;
    make_series(times, values, MANY, 0, &seed);
    /* 0.99^300 = 0.049 > 0.025: the largest of 300 may well lie below p99. */
    struct assess_interval few =
        assess_block_bootstrap(times, values, 300, 0.1, 0.99, 0.95, 500, 1);
    assert_true(few.high == INFINITY && few.low > -INFINITY && few.low <= few.value);
    struct assess_interval more =
        assess_block_bootstrap(times, values, MANY, 0.1, 0.99, 0.95, 500, 1);
    assert_true(more.high < INFINITY && more.low < more.value);
    /* 0.01^x is the same at the other end. */
    few = assess_block_bootstrap(times, values, 300, 0.1, 0.01, 0.95, 500, 1);
    assert_true(few.low == -INFINITY && few.high < INFINITY);
    /* Five blocks cannot say anything with 95 %: 2^-4 is above 0.05; six can. */
    few = assess_block_bootstrap(times, values, 500, 1, 0.5, 0.95, 500, 1);
    assert_true(few.low == -INFINITY && few.high == INFINITY && isfinite(few.value));
    few = assess_block_bootstrap(times, values, 600, 1, 0.5, 0.95, 500, 1);
    assert_true(few.low > -INFINITY && few.high < INFINITY);
}

/* One burst: that p99 of an hour lies within its values is more than one burst can tell. */
static void test_one_burst(void **state) {
    enum { MANY = 12000 };
    static double times[MANY], values[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        times[i] = (double)i / 200;
        values[i] = 1 + (double)(i * 7919 % MANY) / MANY;
        if (i >= 4000 && i < 4200) values[i] += 10;
    }
    struct assess_interval i = assess_block_bootstrap(times, values, MANY, 1, 0.99, 0.95, 500, 1);
    assert_true(i.value > 11 && i.low < 2 && i.high == INFINITY);
    /* As many, scattered. */
    for (size_t j = 0; j < MANY; j++)
        values[j] = 1 + (double)(j * 7919 % MANY) / MANY + (j % 60 ? 0 : 10);
    i = assess_block_bootstrap(times, values, MANY, 1, 0.99, 0.95, 500, 1);
    assert_true(i.value > 11 && i.low > 11 && i.high < 12);
}

static void test_failed_requests(void **state) {
    enum { MANY = 2000 };
    double times[MANY], values[MANY];
    uint64_t seed = 12;

    (void)state;
    make_series(times, values, MANY, 0, &seed);
    for (size_t i = 0; i < MANY; i += 100) values[i] = i % 200 ? NAN : INFINITY; /* 1 % */
    struct assess_interval i = assess_block_bootstrap(times, values, MANY, 0.5, 0.99, 0.95, 500, 1);
    assert_true(isfinite(i.low) && i.high == INFINITY);
    i = assess_block_bootstrap(times, values, MANY, 0.5, 0.995, 0.95, 500, 1);
    assert_true(i.value == INFINITY && i.high == INFINITY);
    i = assess_block_bootstrap(times, values, MANY, 0.5, 0.5, 0.95, 500, 1);
    assert_true(isfinite(i.low) && isfinite(i.high));
}

static void test_hardly_anything(void **state) {
    double times[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, values[] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5};
    double bad[] = {NAN, INFINITY, -INFINITY, 3, 2, 1, NAN, 0};

    (void)state;
    struct assess_interval i = assess_block_bootstrap(NULL, NULL, 0, 1, 0.5, 0.95, 100, 1);
    assert_true(i.low == -INFINITY && isnan(i.value) && i.high == INFINITY);
    i = assess_block_bootstrap(times, values, 1, 1, 0.5, 0.95, 100, 1);
    assert_true(i.low == -INFINITY && i.value == 5 && i.high == INFINITY);
    i = assess_block_bootstrap(times, values, 10, 0, 0.5, 0.95, 100, 1);
    assert_true(i.low == 5 && i.value == 5 && i.high == 5);
    i = assess_block_bootstrap(times, values, 10, 0, 0.5, 0.95, 0, 1); /* no draws */
    assert_true(i.low == -INFINITY && i.value == 5 && i.high == INFINITY);
    i = assess_block_bootstrap(times, values, 10, 0, 0.5, 1, 100, 1); /* nobody is that sure */
    assert_true(i.low == -INFINITY && i.value == 5 && i.high == INFINITY);
    i = assess_block_bootstrap(bad, bad, 8, 1, 0.5, 0.95, 100, 1); /* a clock that jumps */
    assert_true(i.low <= i.value && i.value <= i.high);
}

static void test_seeds(void **state) {
    double times[500], values[500];
    uint64_t seed = 13;

    (void)state;
    make_series(times, values, 500, 0.5, &seed);
    struct assess_interval a = assess_block_bootstrap(times, values, 500, 0.1, 0.5, 0.9, 50, 1);
    struct assess_interval b = assess_block_bootstrap(times, values, 500, 0.1, 0.5, 0.9, 50, 1);
    assert_true(a.low == b.low && a.high == b.high);
    bool differs = false;
    for (uint64_t s = 2; s < 12; s++) {
        b = assess_block_bootstrap(times, values, 500, 0.1, 0.5, 0.9, 50, s);
        differs = differs || a.low != b.low || a.high != b.high;
    }
    assert_true(differs);
}

/* Misses that come one by one decide as the plain test does; in bursts the same number decides
 * nothing. */
static void test_claims_in_blocks(void **state) {
    enum { MANY = 12000, LIMIT = 2, BLOCK = 1 };
    static double times[MANY], values[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        times[i] = (double)i / 200;      /* 60 s */
        values[i] = i % 150 ? LIMIT : 3; /* the limit itself is no miss */
    }
    values[0] = NAN; /* as slow as can be */
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_MET); /* 80 misses */
    for (size_t i = 0; i < MANY; i++) values[i] = i >= 4000 && i < 4080 ? INFINITY : 1;
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_OPEN); /* 80 misses in one second */
    for (size_t i = 0; i < MANY; i++) values[i] = i % 60 ? 1 : 3;
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_MISSED); /* 200 misses */
    for (size_t i = 0; i < MANY; i++) values[i] = i >= 4000 && i < 4200 ? 3 : 1;
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_OPEN); /* 200 misses in one second */
    for (size_t i = 0; i < MANY; i++) values[i] = 1;
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_MET);
    assert_int_equal(assess_test_claim_in_blocks(times, values, 458, LIMIT, 0, 0.99, 0.99),
                     ASSESS_CLAIM_OPEN);
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, 20, 0.99, 0.99),
                     ASSESS_CLAIM_OPEN); /* three blocks */
    for (size_t i = 0; i < MANY; i++) values[i] = INFINITY;
    assert_int_equal(assess_test_claim_in_blocks(times, values, MANY, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_MISSED);
    assert_int_equal(assess_test_claim_in_blocks(NULL, NULL, 0, LIMIT, BLOCK, 0.99, 0.99),
                     ASSESS_CLAIM_OPEN);
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static void test_ratio(void **state) {
    double a[60], b[60];
    uint64_t seed = 17;

    (void)state;
    /* The machine gets slower by the hour, by a factor of 50; b is always a quarter more. */
    for (size_t i = 0; i < 60; i++) {
        a[i] = exp(4 * (double)i / 60) * (1 + 0.01 * normal(&seed));
        b[i] = a[i] * 1.25;
    }
    struct assess_interval i = assess_ratio_bootstrap(a, b, 60, 0.99, 500, 1);
    assert_true(fabs(i.low - 1.25) < 1e-9 && fabs(i.high - 1.25) < 1e-9);
    assert_true(fabs(i.value - 1.25) < 1e-9);
    /* Not paired, the same values are all over the place. */
    for (size_t j = 0; j < 60; j++) b[j] = 1.25 * a[(j * 37 + 11) % 60];
    i = assess_ratio_bootstrap(a, b, 60, 0.99, 500, 1);
    assert_true(i.low < 0.8 && i.high > 1.6);
}

static void test_ratio_of_hardly_anything(void **state) {
    double zero[8] = {0}, one[8] = {1, 1, 1, 1, 1, 1, 1, 1}, failed[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) failed[i] = i % 2 ? NAN : INFINITY;
    struct assess_interval i = assess_ratio_bootstrap(NULL, NULL, 0, 0.95, 100, 1);
    assert_true(i.low == 0 && isnan(i.value) && i.high == INFINITY);
    i = assess_ratio_bootstrap(one, one, 1, 0.95, 100, 1);
    assert_true(i.low == 0 && i.value == 1 && i.high == INFINITY);
    i = assess_ratio_bootstrap(one, one, 8, 0.95, 100, 1);
    assert_true(i.low == 1 && i.value == 1 && i.high == 1);
    i = assess_ratio_bootstrap(zero, zero, 8, 0.95, 100, 1);
    assert_true(i.low == 0 && isnan(i.value) && i.high == INFINITY);
    i = assess_ratio_bootstrap(zero, one, 8, 0.95, 100, 1);
    assert_true(i.value == INFINITY && i.high == INFINITY);
    i = assess_ratio_bootstrap(failed, failed, 8, 0.95, 100, 1);
    assert_true(i.low == 0 && isnan(i.value) && i.high == INFINITY);
    i = assess_ratio_bootstrap(one, one, 8, 0.95, 0, 1);
    assert_true(i.low == 0 && i.value == 1 && i.high == INFINITY);
}

/* ---- noise ---------------------------------------------------------------------------------- */

static void fill_pair(double *a, double *b, size_t n, double noise, double factor, uint64_t *seed) {
    for (size_t i = 0; i < n; i++) {
        a[i] = 10 * exp(noise * normal(seed));
        b[i] = 10 * exp(noise * normal(seed)) * factor;
    }
}

static void test_noise_gate(void **state) {
    double a[400], b[400];
    uint64_t seed = 19;
    bool quiet, mirrored;
    int alarms = 0;

    (void)state;
    /* A median of 400 values with 2 % noise is known to 0.02 * 1.25 / 20 = 0.13 %. */
    for (uint64_t s = 0; s < 50; s++) {
        fill_pair(a, b, 400, 0.02, 1, &seed);
        assess_noise_gate(a, b, 400, 0.02, 0.95, s, &quiet);
        alarms += !quiet;
    }
    assert_int_equal(alarms, 0);
    fill_pair(a, b, 400, 0.02, 1.05, &seed); /* A/A that differs: something else is going on */
    struct assess_interval i = assess_noise_gate(a, b, 400, 0.02, 0.95, 1, &quiet);
    assert_true(!quiet && i.low > 1.02);
    assess_noise_gate(b, a, 400, 0.02, 0.95, 1, &quiet);
    assert_false(quiet);
    fill_pair(a, b, 20, 0.3, 1, &seed); /* known to 0.3 * 1.25 / 4.5 = 8 % */
    assess_noise_gate(a, b, 20, 0.02, 0.95, 1, &quiet);
    assert_false(quiet);
    assess_noise_gate(a, b, 3, 10, 0.95, 1, &quiet); /* too few to say */
    assert_false(quiet);
    /* Which half is called a does not matter, whatever the tolerance. */
    fill_pair(a, b, 100, 0.1, 1, &seed);
    for (double tolerance = 0; tolerance < 0.2; tolerance += 0.002) {
        i = assess_noise_gate(a, b, 100, tolerance, 0.95, 1, &quiet);
        assess_noise_gate(b, a, 100, tolerance, 0.95, 1, &mirrored);
        assert_true(quiet == mirrored);
        assert_true(quiet == (i.high <= 1 + tolerance && 1 / i.low <= 1 + tolerance));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_exact_distribution),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_open_ends),
        cmocka_unit_test(test_one_burst),
        cmocka_unit_test(test_failed_requests),
        cmocka_unit_test(test_hardly_anything),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_claims_in_blocks),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_ratio_of_hardly_anything),
        cmocka_unit_test(test_noise_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
