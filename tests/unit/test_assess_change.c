/* Warm-up: found where it ends, not found where there is none, and series that never settle. */
#include "assess/stats_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double normal(uint64_t *seed) {
    double u = 1 - assess_random_unit(seed), v = assess_random_unit(seed);
    return sqrt(-2 * log(u)) * cos(6.28318530717958647692 * v);
}

enum { LONGEST = 60000 };
static double values[LONGEST];

/* Latencies of 1, log-normal by sigma, neighbours correlated by phi; the first `slow` are longer
 * by `factor`. */
static void make_series(size_t n, size_t slow, double factor, double sigma, double phi,
                        uint64_t *seed) {
    double x = normal(seed);
    for (size_t i = 0; i < n; i++) {
        values[i] = exp(sigma * x) * (i < slow ? factor : 1);
        x = phi * x + sqrt(1 - phi * phi) * normal(seed);
    }
}

/* ---- found ---------------------------------------------------------------------------------- */

/* The end of the warm-up has to be found within `off` places in `nearest` of 100 series. */
static void check_found(size_t n, size_t slow, double factor, double phi, size_t off, int nearest) {
    uint64_t seed = n + slow;
    int near = 0, settled_count = 0;

    for (uint64_t s = 0; s < 100; s++) {
        bool settled;
        make_series(n, slow, factor, 0.2, phi, &seed);
        size_t first = assess_warm_up(values, n, s, &settled);
        near += first + off >= slow && first <= slow + off;
        settled_count += settled;
    }
    /* After the first cut the rest is tested again, which goes wrong once in a hundred times. */
    if (near < nearest || settled_count < 95)
        fail_msg("%zu of %zu slow: found near it in %d of 100, settled in %d", slow, n, near,
                 settled_count);
}

static void test_found(void **state) {
    (void)state;
    check_found(50, 6, 3, 0, 1, 90);
    check_found(200, 20, 2, 0, 2, 90);
    check_found(1000, 100, 2, 0, 2, 90);
    check_found(1000, 10, 3, 0, 2, 90);
    check_found(1000, 450, 2, 0, 2, 90);
    check_found(12000, 605, 1.5, 0, 10, 90); /* medians of 12 */
    check_found(1000, 150, 2, 0.5, 5, 80);   /* neighbours that resemble each other */
    check_found(1000, 100, 0.5, 0, 2, 90);   /* a program that gets slower at first */
}

static void test_long_series(void **state) {
    uint64_t seed = 5;
    bool settled;

    (void)state;
    make_series(LONGEST, 4321, 1.5, 0.2, 0, &seed); /* medians of 60 */
    size_t first = assess_warm_up(values, LONGEST, 1, &settled);
    assert_true(settled && first >= 4311 && first <= 4331);
}

/* Two steps: the end of the second is what counts. */
static void test_stairs(void **state) {
    uint64_t seed = 6;
    bool settled;

    (void)state;
    make_series(1000, 300, 1.5, 0.1, 0, &seed);
    for (size_t i = 0; i < 50; i++) values[i] *= 4;
    size_t first = assess_warm_up(values, 1000, 1, &settled);
    assert_true(settled && first >= 298 && first <= 302);
}

static void test_exponential_decay(void **state) {
    uint64_t seed = 7;
    bool settled;

    (void)state;
    make_series(1000, 0, 1, 0.1, 0, &seed);
    for (size_t i = 0; i < 1000; i++) values[i] += 5 * exp(-(double)i / 30);
    /* 5 exp(-i / 30) is the size of the noise at i = 117, of a quarter of it at 159. */
    size_t first = assess_warm_up(values, 1000, 1, &settled);
    assert_true(settled && first >= 90 && first <= 180);
}

/* ---- not found ------------------------------------------------------------------------------ */

/* In how many of 200 series of equal level something is found, or they are said not to settle. */
static int alarms(size_t n, double phi) {
    uint64_t seed = 31 + n;
    int count = 0;

    for (uint64_t s = 0; s < 200; s++) {
        bool settled;
        make_series(n, 0, 1, 0.3, phi, &seed);
        count += assess_warm_up(values, n, s, &settled) > 0 || !settled;
    }
    return count;
}

/* The test's level is 0.01: scipy.stats.binom.ppf(1 - 1e-4, 200, 0.01) is 9.  With correlated
 * values the level is an approximation; without its correction half of the last are alarms. */
static void test_false_alarms(void **state) {
    (void)state;
    assert_in_range(alarms(8, 0), 0, 9);
    assert_in_range(alarms(50, 0), 0, 9);
    assert_in_range(alarms(1000, 0), 0, 9);
    assert_in_range(alarms(5000, 0), 0, 9);
    assert_in_range(alarms(1000, 0.5), 0, 9);
    assert_in_range(alarms(1000, 0.8), 0, 9);
}

static void test_outliers(void **state) {
    uint64_t seed = 8;
    bool settled;

    (void)state;
    make_series(1000, 0, 1, 0.2, 0, &seed);
    values[3] = values[4] = 1000;
    values[700] = values[701] = values[702] = INFINITY;
    values[900] = NAN;
    assert_int_equal(assess_warm_up(values, 1000, 1, &settled), 0);
    assert_true(settled);
}

/* ---- never settled -------------------------------------------------------------------------- */

static void check_unsettled(size_t n) {
    bool settled;
    assert_int_equal(assess_warm_up(values, n, 1, &settled), n / 2);
    assert_false(settled);
}

static void test_unsettled(void **state) {
    uint64_t seed = 9;

    (void)state;
    make_series(1000, 800, 2, 0.2, 0, &seed); /* a late step */
    check_unsettled(1000);
    make_series(1000, 0, 1, 0.2, 0, &seed); /* a trend to the end: a leak, a queue that grows */
    for (size_t i = 0; i < 1000; i++) values[i] *= 1 + (double)i / 1000;
    check_unsettled(1000);
    make_series(12000, 0, 1, 0.2, 0, &seed);
    for (size_t i = 0; i < 12000; i++) values[i] *= 1 + (double)i / 12000;
    check_unsettled(12000);
    for (size_t i = 0; i < 100; i++) values[i] = (double)i; /* without any noise */
    check_unsettled(100);
    make_series(1000, 100, 3, 0.2, 0, &seed); /* a warm-up, then a late step */
    for (size_t i = 700; i < 1000; i++) values[i] *= 1.5;
    check_unsettled(1000);
}

static void test_hardly_anything(void **state) {
    bool settled;

    (void)state;
    assert_int_equal(assess_warm_up(NULL, 0, 1, &settled), 0);
    assert_false(settled);
    for (size_t i = 0; i < 1000; i++) values[i] = (double)(i < 3);
    assert_int_equal(assess_warm_up(values, 1, 1, &settled), 0);
    assert_false(settled);
    assert_int_equal(assess_warm_up(values, 7, 1, &settled), 0); /* too short to say */
    assert_false(settled);
    for (size_t i = 0; i < 5000; i++) values[i] = 4;
    for (size_t n = 8; n < 5000; n = n * 3 / 2) {
        assert_int_equal(assess_warm_up(values, n, 1, &settled), 0);
        assert_true(settled);
    }
    for (size_t i = 0; i < 100; i++) values[i] = i < 20 ? INFINITY : 1; /* failures at first */
    assert_int_equal(assess_warm_up(values, 100, 1, &settled), 20);
    assert_true(settled);
    for (size_t i = 0; i < 100; i++) values[i] = NAN;
    assert_int_equal(assess_warm_up(values, 100, 1, &settled), 0);
    assert_true(settled);
}

/* Failures are as slow as can be, and where they end is found to the place. */
static void test_failures_at_first(void **state) {
    static const double none[] = {INFINITY, NAN};
    uint64_t seed = 11;
    bool settled;

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        make_series(5000, 0, 1, 0.2, 0, &seed); /* medians of 5 */
        for (size_t i = 0; i < 403; i++) values[i] = none[k];
        assert_int_equal(assess_warm_up(values, 5000, 1, &settled), 403);
        assert_true(settled);
    }
}

/* Lengths around those at which runs of values become medians. */
static void test_lengths(void **state) {
    uint64_t seed = 10;
    bool settled;

    (void)state;
    for (size_t n = 990; n < 4100; n += n < 1010 || (n > 1990 && n < 2010) ? 1 : 97) {
        make_series(n, n / 5, 3, 0.2, 0, &seed);
        size_t first = assess_warm_up(values, n, 1, &settled);
        if (!settled || first < n / 5 - 4 || first > n / 5 + 4)
            fail_msg("length %zu: %zu instead of %zu", n, first, n / 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_long_series),
        cmocka_unit_test(test_stairs),
        cmocka_unit_test(test_exponential_decay),
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_outliers),
        cmocka_unit_test(test_unsettled),
        cmocka_unit_test(test_hardly_anything),
        cmocka_unit_test(test_failures_at_first),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
