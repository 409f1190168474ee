/* Order statistics, the binomial distribution and what is built on it, against published values and
 * against SciPy 1.17. */
#include "assess/stats_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Relative; exact where the expected value is 0 or infinite. */
static void check_near(double got, double expected, double bound, const char *what) {
    if (got == expected) return;
    if (!(fabs(got - expected) <= bound * fabs(expected)))
        fail_msg("%s: %.17g, expected %.17g", what, got, expected);
}

static void check_interval(struct assess_interval got, double low, double value, double high) {
    if (got.low != low || got.value != value || got.high != high)
        fail_msg("{%g, %g, %g}, expected {%g, %g, %g}", got.low, got.value, got.high, low, value,
                 high);
}

/* ---- order ---------------------------------------------------------------------------------- */

static void test_sort(void **state) {
    double x[] = {3, NAN, -INFINITY, 1, INFINITY, -0.5, 3};

    (void)state;
    assess_sort(x, COUNT(x));
    assert_true(x[0] == -INFINITY && x[1] == -0.5 && x[2] == 1 && x[3] == 3 && x[4] == 3 &&
                x[5] == INFINITY && isnan(x[6]));
    assess_sort(NULL, 0);
}

/* numpy.quantile(range(1, n + 1), q, method="inverted_cdf") */
static void test_quantile(void **state) {
    static const struct {
        size_t n;
        double q, expected;
    } cases[] = {{100, 0.07, 7},     {100, 0.5, 50}, {100, 0.99, 99}, {100, 0.991, 100},
                 {101, 0.5, 51},     {1, 0.01, 1},   {1, 0.99, 1},    {10, 0.9, 9},
                 {1000, 0.999, 999}, {50, 0.99, 50}, {3, 0.3334, 2}};
    double x[1000];

    (void)state;
    for (size_t i = 0; i < COUNT(x); i++) x[i] = (double)i + 1;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_near(assess_quantile(x, cases[i].n, cases[i].q), cases[i].expected, 0, "quantile");
    assert_true(isnan(assess_quantile(x, 0, 0.5)));
    /* k / n is the k-th value for every n, although the product may miss k by its rounding. */
    for (size_t n = 1; n <= COUNT(x); n += 7)
        for (size_t k = 1; k <= n; k++)
            if (assess_rank(n, (double)k / (double)n) != k - 1) fail_msg("%zu of %zu", k, n);
}

/* numpy.median(x), numpy.median(abs(x - numpy.median(x))) */
static void test_median_and_mad(void **state) {
    double odd[] = {1, 1, 2, 2, 4, 6, 9}, even[] = {1, 2, 3, 5, 8, 13.5}, one[] = {7};
    double equal[] = {4, 4, 4, 4}, late[] = {1, 2, 3, INFINITY, INFINITY};
    double failed[] = {1, INFINITY, INFINITY}, skewed[] = {0, 0, 0, 0, 1, 50, 60, 70};

    (void)state;
    check_near(assess_median(odd, 7), 2, 0, "odd");
    check_near(assess_mad(odd, 7), 1, 0, "odd");
    check_near(assess_median(even, 6), 4, 0, "even");
    check_near(assess_mad(even, 6), 2.5, 0, "even");
    check_near(assess_median(skewed, 8), 0.5, 0, "skewed");
    check_near(assess_mad(skewed, 8), 0.5, 0, "skewed");
    check_near(assess_median(one, 1), 7, 0, "one");
    check_near(assess_mad(one, 1), 0, 0, "one");
    check_near(assess_mad(equal, 4), 0, 0, "equal");
    check_near(assess_median(late, 5), 3, 0, "late");
    check_near(assess_mad(late, 5), 2, 0, "late");
    check_near(assess_median(failed, 3), INFINITY, 0, "failed");
    check_near(assess_mad(failed, 3), 0, 0, "failed");
    assert_true(isnan(assess_median(NULL, 0)) && isnan(assess_mad(NULL, 0)));
}

/* Against sorting: every length up to 40, values with ties, every rank; the spread as well. */
static void test_select_and_mad_against_sorting(void **state) {
    uint64_t seed = 1;

    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        double x[40], sorted[40], away[40];

        for (size_t i = 0; i < n; i++) sorted[i] = (double)assess_random_below(&seed, 12);
        for (size_t rank = 0; rank < n; rank++) {
            memcpy(x, sorted, sizeof x);
            double got = assess_select(x, n, rank);
            assess_sort(x, n);
            if (got != x[rank]) fail_msg("rank %zu of %zu", rank, n);
        }
        assess_sort(sorted, n);
        for (size_t i = 0; i < n; i++) away[i] = fabs(sorted[i] - assess_median(sorted, n));
        assess_sort(away, n);
        if (assess_mad(sorted, n) != assess_median(away, n)) fail_msg("spread of %zu", n);
    }
}

/* ---- distributions -------------------------------------------------------------------------- */

/* Terms added up in 40 digits with Python's decimal, the ends by scipy.stats.binom.cdf(k, n, p).
 * For n = 10^8 the continued fraction starts from a difference that has lost 1e-10 where p is
 * 1e-6. */
static void test_binomial(void **state) {
    static const struct {
        uint64_t k, n;
        double p, expected;
    } cases[] = {
        {0, 10, 0.3, 0.028247524900000005},
        {3, 10, 0.5, 0.171875},
        {94, 12000, 0.01, 0.007884123513211627360588},
        {95, 12000, 0.01, 0.010300090753435758},
        {120, 12000, 0.01, 0.52425332717164652},
        {2, 5, 0.1, 0.99143999999999999},
        {500, 1000, 0.5, 0.51261250908918021},
        {400, 1000, 0.5, 1.364232078033009212804e-10},
        {990000, 100000000, 0.01, 3.890199992207067530607e-24},
        {1000000, 100000000, 0.01, 0.5002659648443538299776},
        {1003000, 100000000, 0.01, 0.9987120887712249833697},
        {50000000, 100000000, 0.5, 0.5000398942279404076977},
        {3, 100000000, 1e-08, 0.9810118437369786926128},
        {999, 1000, 0.999, 0.63230457522903627},
        {1, 100000000, 1e-06, 3.757092596409249999651e-42},
        {70, 100, 0.99, 1.487345820670448116254e-35},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_near(assess_binomial_cdf(cases[i].k, cases[i].n, cases[i].p), cases[i].expected,
                   cases[i].n > 100000 ? 1e-9 : 1e-12, "binomial");
    assert_true(assess_binomial_cdf(5, 5, 0.5) == 1 && assess_binomial_cdf(9, 5, 0.5) == 1);
    assert_true(assess_binomial_cdf(0, 0, 0.5) == 1);
    assert_true(assess_binomial_cdf(2, 5, 0) == 1 && assess_binomial_cdf(2, 5, 1) == 0);
    assert_true(isnan(assess_binomial_cdf(2, 5, NAN)));
}

/* Against adding up the terms: every k of every n up to 60. */
static void test_binomial_against_sums(void **state) {
    static const double shares[] = {0.001, 0.01, 0.3, 0.5, 0.77, 0.99};

    (void)state;
    for (size_t s = 0; s < COUNT(shares); s++)
        for (uint64_t n = 1; n <= 60; n++) {
            double p = shares[s], term = pow(1 - p, (double)n), sum = term;
            for (uint64_t k = 0; k < n; k++) {
                check_near(assess_binomial_cdf(k, n, p), sum, 1e-12, "sum");
                term *= (double)(n - k) / (double)(k + 1) * p / (1 - p);
                sum += term;
            }
        }
}

/* scipy.stats.beta.cdf(x, a, b); norm.ppf(p); norm.sf(sqrt(n / (n - 1)) * t.isf(0.025, n - 1)) */
static void test_distributions(void **state) {
    static const struct {
        double a, b, x, expected;
    } beta[] = {
        {0.5, 0.5, 0.3, 0.369010119565545},
        {2.5, 0.5, 0.9, 0.489589744564428},
        {4.5, 0.5, 0.2, 0.000202499322067641},
        {1000000.0, 2000000.0, 0.3333, 0.451314704978369},
        {10000000.0, 3, 0.9999999, 0.919698575434463},
    };
    static const struct {
        double p, expected;
    } normal[] = {
        {1e-12, -7.03448382530113}, {0.005, -2.5758293035489}, {0.025, -1.95996398454005},
        {0.9, 1.2815515655446},     {0.999, 3.09023230616781},
    };
    static const struct {
        size_t units;
        double expected;
    } tails[] = {
        {2, 1.69521907261e-72}, {5, 0.000954100551882}, {10, 0.00855063902441},
        {30, 0.0187539002782},  {60, 0.0218017909339},  {1000, 0.0248043059056},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(beta); i++)
        check_near(assess_beta(beta[i].a, beta[i].b, beta[i].x, 1 - beta[i].x), beta[i].expected,
                   1e-9, "beta");
    for (size_t i = 0; i < COUNT(normal); i++)
        check_near(assess_normal_quantile(normal[i].p), normal[i].expected, 1e-11, "normal");
    for (size_t i = 0; i < COUNT(tails); i++)
        check_near(assess_bootstrap_tail(tails[i].units, 0.95), tails[i].expected, 1e-9, "tail");
    assert_true(fabs(assess_normal_quantile(0.5)) < 1e-15);
}

/* ---- proportions ---------------------------------------------------------------------------- */

/* Newcombe, Two-sided confidence intervals for the single proportion (Statistics in Medicine 17,
 * 1998), table I, with four digits; scipy.stats.binomtest(k, n).proportion_ci(c, method) with
 * twelve. */
static void test_proportions(void **state) {
    static const struct {
        uint64_t k, n;
        double c, exact_low, exact_high, wilson_low, wilson_high;
    } cases[] = {
        {81, 263, 0.95, 0.252736745585, 0.367621922601, 0.255288519878, 0.366209576983},
        {81, 263, 0.99, 0.236837358166, 0.38625832567, 0.240136902688, 0.385282502318},
        {15, 148, 0.95, 0.0578440100834, 0.161650490349, 0.0623863995307, 0.160487241723},
        {15, 148, 0.99, 0.0477445597288, 0.181877531538, 0.053644869614, 0.183267350113},
        {0, 20, 0.95, 0, 0.168433470983, 0, 0.161125158053},
        {0, 20, 0.99, 0, 0.232729500989, 0, 0.249105401099},
        {1, 29, 0.95, 0.000872646883597, 0.177644295488, 0.00611321429276, 0.171755218793},
        {1, 29, 0.99, 0.000172831332706, 0.229600306575, 0.00406149419688, 0.238254253136},
        {29, 29, 0.95, 0.88055513093, 1, 0.8830302015, 1},
        {29, 29, 0.99, 0.833017524812, 1, 0.813809012123, 1},
        {50, 100, 0.95, 0.398321129503, 0.601678870497, 0.403831530366, 0.596168469634},
        {50, 100, 0.99, 0.368861437359, 0.631138562641, 0.375279625045, 0.624720374955},
        {5000000, 100000000, 0.95, 0.049957291601, 0.0500427344518, 0.0499573008592,
         0.0500427337139},
        {5000000, 100000000, 0.99, 0.0499438775076, 0.0500561653072, 0.0499438909528,
         0.0500561687613},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct assess_interval exact = assess_clopper_pearson(cases[i].k, cases[i].n, cases[i].c);
        struct assess_interval wilson = assess_wilson(cases[i].k, cases[i].n, cases[i].c);
        double bound = 1e-9;

        check_near(exact.low, cases[i].exact_low, bound, "exact, low");
        check_near(exact.high, cases[i].exact_high, bound, "exact, high");
        check_near(wilson.low, cases[i].wilson_low, bound, "Wilson, low");
        check_near(wilson.high, cases[i].wilson_high, bound, "Wilson, high");
        assert_true(exact.value == (double)cases[i].k / (double)cases[i].n);
        assert_true(wilson.value == exact.value);
    }
    /* 1 - (1 - p)^n = 0.005 has a closed form. */
    check_near(assess_clopper_pearson(1, 100000000, 0.99).low, -expm1(log(0.995) / 1e8), 1e-11,
               "one of 10^8");
    check_near(assess_clopper_pearson(0, 100000000, 0.99).high, -expm1(log(0.005) / 1e8), 1e-12,
               "none of 10^8");
    struct assess_interval newcombe = assess_wilson(81, 263, 0.95);
    assert_true(fabs(newcombe.low - 0.2553) < 5e-5 && fabs(newcombe.high - 0.3662) < 5e-5);
    newcombe = assess_clopper_pearson(81, 263, 0.95);
    assert_true(fabs(newcombe.low - 0.2527) < 5e-5 && fabs(newcombe.high - 0.3676) < 5e-5);
}

static void test_proportions_of_nothing(void **state) {
    struct assess_interval none = assess_clopper_pearson(0, 0, 0.95);

    (void)state;
    assert_true(none.low == 0 && isnan(none.value) && none.high == 1);
    none = assess_wilson(0, 0, 0.95);
    assert_true(none.low == 0 && isnan(none.value) && none.high == 1);
    check_interval(assess_clopper_pearson(1, 2, 1), 0, 0.5, 1); /* nobody is that sure */
    check_interval(assess_wilson(1, 2, 1), 0, 0.5, 1);
    assert_true(assess_clopper_pearson(9, 3, 0.95).value == 1); /* more than all are all */
}

/* ---- claims --------------------------------------------------------------------------------- */

static void test_fewest(void **state) {
    (void)state;
    /* 0.99^458 = 0.01002, 0.99^459 = 0.00992. */
    assert_int_equal(assess_fewest(0.99, 0.99), 459);
    assert_int_equal(assess_fewest(0.99, 0.95), 299);
    assert_int_equal(assess_fewest(0.9, 0.99), 44);
    assert_int_equal(assess_fewest(0.5, 0.99), 7);
    assert_int_equal(assess_fewest(0.999, 0.99), 4603);
    assert_int_equal(assess_fewest(0.5, 0.5), 2); /* "below", and 0.5 is not below 0.5 */
    assert_true(assess_fewest(1, 0.99) == UINT64_MAX && assess_fewest(0.99, 1) == UINT64_MAX);
    assert_true(assess_fewest(NAN, 0.99) == UINT64_MAX);
    assert_true(assess_fewest(2, 0.5) == UINT64_MAX && assess_fewest(0.5, NAN) == UINT64_MAX);
    assert_true(assess_fewest(0, 0.99) == 1 && assess_fewest(0.99, 0) == 1);
    assert_true(assess_fewest(nextafter(1, 0), 0.99) > UINT64_C(1) << 55);
}

/* The largest k with scipy.stats.binom.cdf(k, n, 1 - q) < 1 - c. */
static void test_most_misses(void **state) {
    static const struct {
        uint64_t n;
        double q, c;
        int64_t expected;
    } cases[] = {
        {458, 0.99, 0.99, -1},
        {458, 0.9, 0.95, 34},
        {458, 0.999, 0.99, -1},
        {459, 0.99, 0.99, 0},
        {459, 0.9, 0.95, 35},
        {459, 0.999, 0.99, -1},
        {1000, 0.99, 0.99, 2},
        {1000, 0.9, 0.95, 84},
        {1000, 0.999, 0.99, -1},
        {12000, 0.99, 0.99, 94},
        {12000, 0.9, 0.95, 1145},
        {12000, 0.999, 0.99, 4},
        {100000, 0.99, 0.99, 927},
        {100000, 0.9, 0.95, 9843},
        {100000, 0.999, 0.99, 77},
        {1000000, 0.99, 0.99, 9768},
        {1000000, 0.9, 0.95, 99506},
        {1000000, 0.999, 0.99, 926},
        {100000000, 0.99, 0.99, 997685},
        {100000000, 0.9, 0.95, 9995065},
        {100000000, 0.999, 0.99, 99264},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t most = assess_most_misses(cases[i].n, cases[i].q, cases[i].c);

        if (most != cases[i].expected)
            fail_msg("%llu, p%g: %lld", (unsigned long long)cases[i].n, 100 * cases[i].q,
                     (long long)most);
        if (most < 0) continue;
        assert_int_equal(assess_test_claim((uint64_t)most, cases[i].n, cases[i].q, cases[i].c),
                         ASSESS_CLAIM_MET);
        assert_int_equal(assess_test_claim((uint64_t)most + 1, cases[i].n, cases[i].q, cases[i].c),
                         ASSESS_CLAIM_OPEN);
    }
    assert_int_equal(assess_most_misses(0, 0.99, 0.99), -1);
    assert_int_equal(assess_most_misses(1000, 1, 0.99), -1);
    for (uint64_t n = 400; n < 500; n++) /* the two agree on the fewest */
        assert_true((assess_most_misses(n, 0.99, 0.99) >= 0) == (n >= assess_fewest(0.99, 0.99)));
}

/* scipy.stats.binom.sf(k - 1, 12000, 0.01) is 0.0113 for 146 and 0.0090 for 147. */
static void test_claims(void **state) {
    (void)state;
    assert_int_equal(assess_test_claim(94, 12000, 0.99, 0.99), ASSESS_CLAIM_MET);
    assert_int_equal(assess_test_claim(95, 12000, 0.99, 0.99), ASSESS_CLAIM_OPEN);
    assert_int_equal(assess_test_claim(120, 12000, 0.99, 0.99), ASSESS_CLAIM_OPEN);
    assert_int_equal(assess_test_claim(146, 12000, 0.99, 0.99), ASSESS_CLAIM_OPEN);
    assert_int_equal(assess_test_claim(147, 12000, 0.99, 0.99), ASSESS_CLAIM_MISSED);
    assert_int_equal(assess_test_claim(12000, 12000, 0.99, 0.99), ASSESS_CLAIM_MISSED);
    assert_int_equal(assess_test_claim(0, 458, 0.99, 0.99), ASSESS_CLAIM_OPEN);
    assert_int_equal(assess_test_claim(0, 459, 0.99, 0.99), ASSESS_CLAIM_MET);
    assert_int_equal(assess_test_claim(0, 0, 0.99, 0.99), ASSESS_CLAIM_OPEN);
    /* One miss of one happens with probability 0.01, which is not below 1 - 0.99; two are. */
    assert_int_equal(assess_test_claim(2, 2, 0.99, 0.99), ASSESS_CLAIM_MISSED);
    assert_int_equal(assess_test_claim(5, 2, 0.99, 0.99), ASSESS_CLAIM_MISSED);
    assert_int_equal(assess_test_claim(0, 1000, 1, 0.99), ASSESS_CLAIM_OPEN);
    assert_int_equal(assess_test_claim(1, 1000, 1, 0.99), ASSESS_CLAIM_MISSED);
}

/* Queries for a margin of a twentieth of 1 - q at 99 %: Reddi et al., MLPerf Inference Benchmark
 * (2020), table IV. */
static void test_margins_of_mlperf(void **state) {
    static const struct {
        double q;
        uint64_t expected;
    } cases[] = {{0.9, 23886}, {0.95, 50425}, {0.99, 262742}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        double q = cases[i].q, margin = (1 - q) / 20, z = assess_normal_quantile(0.005);
        assert_int_equal(llround(z * z * q * (1 - q) / (margin * margin)), cases[i].expected);
    }
}

/* ---- quantiles from order ------------------------------------------------------------------- */

/* The median of 10 lies between the 2nd and the 9th value with 97.9 %, that of 20 between the 6th
 * and the 15th with 95.9 %, of 5 nowhere with 95 % (Conover, Practical Nonparametric Statistics);
 * other quantiles from scipy.stats.binom: low is the largest l with cdf(l - 1, n, q) <= 0.025, high
 * the smallest u with sf(u - 1, n, q) <= 0.025. */
static void test_quantile_interval(void **state) {
    double x[2000];

    (void)state;
    for (size_t i = 0; i < COUNT(x); i++) x[i] = (double)i + 1;
    check_interval(assess_quantile_interval(x, 10, 0.5, 0.95), 2, 5, 9);
    check_interval(assess_quantile_interval(x, 20, 0.5, 0.95), 6, 10, 15);
    check_interval(assess_quantile_interval(x, 5, 0.5, 0.95), -INFINITY, 3, INFINITY);
    check_interval(assess_quantile_interval(x, 1, 0.5, 0.95), -INFINITY, 1, INFINITY);
    check_interval(assess_quantile_interval(x, 100, 0.9, 0.95), 84, 90, 96);
    check_interval(assess_quantile_interval(x, 300, 0.99, 0.95), 293, 297, INFINITY);
    check_interval(assess_quantile_interval(x, 400, 0.99, 0.95), 392, 396, 400);
    check_interval(assess_quantile_interval(x, 2000, 0.99, 0.95), 1971, 1980, 1989);
    struct assess_interval none = assess_quantile_interval(x, 0, 0.5, 0.95);
    assert_true(none.low == -INFINITY && isnan(none.value) && none.high == INFINITY);
    check_interval(assess_quantile_interval(x, 100, 0.5, 1), -INFINITY, 50, INFINITY);
    for (size_t i = 1985; i < 2000; i++) x[i] = INFINITY; /* 15 of 2000 failed */
    check_interval(assess_quantile_interval(x, 2000, 0.99, 0.95), 1971, 1980, INFINITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_quantile),
        cmocka_unit_test(test_median_and_mad),
        cmocka_unit_test(test_select_and_mad_against_sorting),
        cmocka_unit_test(test_binomial),
        cmocka_unit_test(test_binomial_against_sums),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_proportions),
        cmocka_unit_test(test_proportions_of_nothing),
        cmocka_unit_test(test_fewest),
        cmocka_unit_test(test_most_misses),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_margins_of_mlperf),
        cmocka_unit_test(test_quantile_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
