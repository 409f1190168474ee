/* Queues: the replay against recursions by hand, a slow simulation and the closed forms of queueing
 * theory; the fit against queues that are known; the prediction against closed forms. */
#include "assess/queue.h"
#include "assess/stats_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST = 1000000 };
static double intended[MOST], service[MOST], latency[MOST];

static double exponential(uint64_t *seed) { return -log1p(-assess_random_unit(seed)); }

static double normal(uint64_t *seed) {
    double u = 1 - assess_random_unit(seed), v = assess_random_unit(seed);
    return sqrt(-2 * log(u)) * cos(6.28318530717958647692 * v);
}

static void poisson(size_t n, double rate, uint64_t *seed) {
    double now = 0;
    for (size_t i = 0; i < n; i++) intended[i] = now += exponential(seed) / rate;
}

/* ---- replay --------------------------------------------------------------------------------- */

static void test_by_hand(void **state) {
    double arrivals[] = {0, 1, 2, 3}, times[] = {2, 2, 0.5, 1}, got[4];

    (void)state;
    assess_queue_replay(arrivals, times, 4, 1, got);
    assert_true(got[0] == 2 && got[1] == 3 && got[2] == 2.5 && got[3] == 2.5);
    assess_queue_replay(arrivals, times, 4, 2, got);
    assert_true(got[0] == 2 && got[1] == 2 && got[2] == 0.5 && got[3] == 1);
    assess_queue_replay(arrivals, times, 4, SIZE_MAX, got);
    for (size_t i = 0; i < 4; i++) assert_true(got[i] == times[i]);
}

/* Servers looked through one by one. */
static void test_against_slow_simulation(void **state) {
    enum { N = 3000 };
    uint64_t seed = 1;

    (void)state;
    for (size_t k = 1; k <= 17; k++) {
        double free_at[17] = {0};

        poisson(N, 0.9 * (double)k, &seed);
        for (size_t i = 0; i < N; i++) service[i] = exponential(&seed);
        assess_queue_replay(intended, service, N, k, latency);
        for (size_t i = 0; i < N; i++) {
            size_t first = 0;
            for (size_t j = 1; j < k; j++)
                if (free_at[j] < free_at[first]) first = j;
            free_at[first] = fmax(free_at[first], intended[i]) + service[i];
            if (latency[i] != free_at[first] - intended[i])
                fail_msg("%zu servers, request %zu: %g, expected %g", k, i, latency[i],
                         free_at[first] - intended[i]);
        }
    }
}

static void test_bad_times(void **state) {
    double arrivals[] = {0, 1, NAN, 3, 4}, times[] = {INFINITY, 2, 1, -1, 0}, got[5];

    (void)state;
    assess_queue_replay(arrivals, times, 5, 1, got);
    /* A request that fails holds up nobody. */
    assert_true(got[0] == INFINITY && got[1] == 2 && got[2] == INFINITY && got[3] == INFINITY);
    assert_true(got[4] == 0);
    assess_queue_replay(arrivals, times, 5, 0, got); /* nobody serves */
    for (size_t i = 0; i < 5; i++) assert_true(got[i] == INFINITY);
    assess_queue_replay(NULL, NULL, 0, 1, NULL);
}

/* The mean wait of MOST requests in 50 batches, each far longer than the queue remembers: the
 * batches' spread is the error of the mean, of which four are allowed. */
static void check_mean_wait(const char *queue, size_t servers, double expected) {
    enum { BATCHES = 50, EACH = MOST / BATCHES };
    double mean = 0, squares = 0;

    assess_queue_replay(intended, service, MOST, servers, latency);
    for (size_t b = 0; b < BATCHES; b++) {
        double batch = 0;
        for (size_t i = b * EACH; i < (b + 1) * EACH; i++) batch += latency[i] - service[i];
        batch /= EACH;
        mean += batch / BATCHES;
        squares += batch * batch / BATCHES;
    }
    double error = sqrt((squares - mean * mean) / (BATCHES - 1));
    if (!(fabs(mean - expected) < 4 * error && error < 0.03 * expected))
        fail_msg("%s: a mean wait of %g +- %g, expected %g", queue, mean, error, expected);
}

/* Probability of waiting (Erlang C) for k servers and an offered load of a. */
static double erlang_c(size_t k, double a) {
    double blocked = 1; /* Erlang B, by its recursion */
    for (size_t i = 1; i <= k; i++) blocked = a * blocked / ((double)i + a * blocked);
    return blocked / (1 - a / (double)k * (1 - blocked));
}

static void test_closed_forms(void **state) {
    uint64_t seed = 2;

    (void)state;
    assert_true(fabs(erlang_c(2, 1) - 1. / 3) < 1e-12);
    for (size_t i = 0; i < MOST; i++) service[i] = exponential(&seed);
    poisson(MOST, 0.7, &seed);
    check_mean_wait("M/M/1", 1, 0.7 / 0.3);
    /* Latency of M/M/1 is exponential with rate 1 - 0.7. */
    assert_true(fabs(assess_select(latency, MOST, assess_rank(MOST, 0.99)) * 0.3 / log(100) - 1) <
                0.03);
    poisson(MOST, 3.2, &seed);
    check_mean_wait("M/M/4", 4, erlang_c(4, 3.2) / (4 - 3.2));
    poisson(MOST, 12, &seed);
    check_mean_wait("M/M/16", 16, erlang_c(16, 12) / (16 - 12));
    for (size_t i = 0; i < MOST; i++) service[i] = 1;
    poisson(MOST, 0.8, &seed);
    check_mean_wait("M/D/1", 1, 0.8 / (2 * (1 - 0.8))); /* Pollaczek and Khinchine */
    for (size_t i = 0; i < MOST; i++) service[i] = i * 7919 % 10 ? 0.5 : 5.5; /* mean 1, E 3.25 */
    for (size_t i = MOST - 1; i > 0; i--) {
        size_t j = assess_random_below(&seed, i + 1);
        double other = service[i];
        service[i] = service[j];
        service[j] = other;
    }
    poisson(MOST, 0.6, &seed);
    check_mean_wait("M/G/1", 1, 0.6 * 3.25 / (2 * (1 - 0.6)));
}

/* ---- fit ------------------------------------------------------------------------------------ */

enum { N = 6000 };

/* Log-normal service of mean 1; what is measured has an overhead, which jitters. */
static void make_run(size_t servers, double load, double overhead, double jitter, uint64_t *seed) {
    poisson(N, load * (double)servers, seed);
    for (size_t i = 0; i < N; i++) service[i] = exp(0.6 * normal(seed) - 0.18);
    assess_queue_replay(intended, service, N, servers, latency);
    for (size_t i = 0; i < N; i++) latency[i] += overhead + jitter * exponential(seed);
}

static void check_fit(struct assess_queue fit, size_t servers, double overhead, double off,
                      double misfit) {
    if (fit.servers != servers || !(fabs(fit.overhead - overhead) <= off) || !(fit.misfit < misfit))
        fail_msg("%zu servers, overhead %g, misfit %g; expected %zu, %g, below %g", fit.servers,
                 fit.overhead, fit.misfit, servers, overhead, misfit);
}

static void test_fit(void **state) {
    uint64_t seed = 3;

    (void)state;
    for (size_t k = 1; k <= 6; k++)
        for (double load = 0.5; load < 0.96; load += 0.15) {
            make_run(k, load, 0, 0, &seed);
            check_fit(assess_queue_fit(intended, service, latency, N, 0.99, 16), k, 0, 1e-9, 1e-9);
            make_run(k, load, 0.5, 0, &seed);
            check_fit(assess_queue_fit(intended, service, latency, N, 0.99, 16), k, 0.5, 1e-9,
                      1e-9);
            /* The median of the jitter is log(2) / 20. */
            make_run(k, 0.9, 0.2, 0.05, &seed);
            check_fit(assess_queue_fit(intended, service, latency, N, 0.99, 16), k,
                      0.2 + 0.05 * log(2), 0.01, 0.05);
        }
}

/* Service times that another run gave: the p99 of N requests with a load of 0.8 is itself known to
 * some tenth. */
static void test_fit_apart(void **state) {
    enum { OTHERS = 2000 };
    double others[OTHERS];
    uint64_t seed = 4;

    (void)state;
    for (size_t k = 1; k <= 4; k++) {
        for (size_t i = 0; i < OTHERS; i++) others[i] = exp(0.6 * normal(&seed) - 0.18);
        make_run(k, 0.8, 0.3, 0, &seed);
        struct assess_queue fit =
            assess_queue_fit_apart(intended, latency, N, others, OTHERS, 0.99, 16, 1);
        check_fit(fit, k, 0.3, 0.2, 0.2);
    }
    struct assess_queue none = assess_queue_fit_apart(intended, latency, N, NULL, 0, 0.99, 16, 1);
    assert_true(none.servers == 0 && none.misfit == INFINITY);
}

static void test_fit_of_failures(void **state) {
    uint64_t seed = 5;

    (void)state;
    make_run(2, 0.8, 0.1, 0, &seed);
    /* Failed requests that took no server: the others are fitted. */
    for (size_t i = N; i-- > 0;) {
        size_t j = i + i / 9; /* every tenth place is left free */
        intended[j] = intended[i];
        service[j] = service[i];
        latency[j] = latency[i];
    }
    size_t n = N + (N - 1) / 9 + 1;
    for (size_t j = 9; j < n; j += 10) {
        service[j] = j % 20 == 9 ? 1 : NAN; /* one of the two is enough to leave it out */
        latency[j] = j % 20 == 9 ? INFINITY : 1;
        intended[j] = intended[j - 1];
    }
    if (n % 10 == 0) n--;
    check_fit(assess_queue_fit(intended, service, latency, n, 0.99, 16), 2, 0.1, 1e-9, 1e-9);
}

/* Five at once and then one by one.  Three servers take 1, 1, 1, 2, 2 for them, two 1, 1, 2, 2, 3,
 * one 1, 2, 3, 4, 5: at p90 there is no difference, at p99, the last but one, between the first
 * two. */
static void test_fit_takes_the_fewest(void **state) {
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        intended[i] = i < 5 ? 0 : 10 * (double)i;
        service[i] = 1;
    }
    assess_queue_replay(intended, service, 100, 3, latency);
    check_fit(assess_queue_fit(intended, service, latency, 100, 0.9, 16), 1, 0, 0, 1e-9);
    check_fit(assess_queue_fit(intended, service, latency, 100, 0.99, 16), 2, 0, 0, 1e-9);
    check_fit(assess_queue_fit(intended, service, latency, 100, 0.999, 16), 3, 0, 0, 1e-9);
}

static void test_fit_of_hardly_anything(void **state) {
    double zero[3] = {0}, one[3] = {1, 1, 1}, bad[3] = {NAN, INFINITY, -1};

    (void)state;
    struct assess_queue fit = assess_queue_fit(NULL, NULL, NULL, 0, 0.99, 16);
    assert_true(fit.servers == 0 && fit.misfit == INFINITY);
    fit = assess_queue_fit(zero, one, one, 3, 0.99, 0);
    assert_true(fit.servers == 0 && fit.misfit == INFINITY);
    fit = assess_queue_fit(bad, bad, bad, 3, 0.99, 16);
    assert_true(fit.servers == 0 && fit.misfit == INFINITY);
    fit = assess_queue_fit(zero, zero, zero, 3, 0.99, 16); /* takes no time: one can do it */
    assert_true(fit.servers == 1 && fit.misfit == 0);
    fit = assess_queue_fit(zero, one, one, 3, 0.99, SIZE_MAX); /* at once, nobody waits */
    assert_true(fit.servers == 3 && fit.misfit == 0);
    fit = assess_queue_fit(zero, one, one, 1, 0.99, 16);
    assert_true(fit.servers == 1 && fit.misfit == 0);
}

/* ---- prediction ----------------------------------------------------------------------------- */

/* In how many of 40 sets of measured times the interval for M/M/1 holds the true p99; its width. */
static int covered(size_t n, double rate, double factor, double *width) {
    double truth = log(100) / (1 / factor - rate);
    uint64_t seed = 6;
    int count = 0;

    *width = 0;
    for (uint64_t s = 0; s < 40; s++) {
        for (size_t i = 0; i < n; i++) service[i] = exponential(&seed);
        struct assess_interval p =
            assess_queue_predict(service, n, 1, rate, factor, 0.99, 0.9, 60, s);
        assert_true(p.low <= p.value && p.value <= p.high);
        count += p.low <= truth && truth <= p.high;
        *width += log(p.high / p.low) / 40;
    }
    return count;
}

/* scipy.stats.binom.ppf(1e-4, 40, 0.9) is 27.  The interval is for a run of n requests, which
 * varies more than the truth does, so that all may cover; hence its width. */
static void test_prediction(void **state) {
    double width;
    int count;

    (void)state;
    count = covered(10000, 0.7, 1, &width);
    if (count < 27 || !(width > 0.05 && width < 0.8)) fail_msg("%d, width %g", count, width);
    count = covered(10000, 1.2, 0.5, &width);
    if (count < 27 || !(width > 0.05 && width < 0.8)) fail_msg("%d, width %g", count, width);
    count = covered(500, 0.5, 1, &width);
    if (count < 27 || !(width > 0.05 && width < 0.8)) fail_msg("%d, width %g", count, width);
}

/* p99 of M/D/1 with a load of 0.5, by Erlang's formula for the distribution of its wait:
 * P(W <= t) = (1 - a) sum over j <= t of (a (j - t))^j / j! exp(-a (j - t)) */
static double deterministic_tail(double a, double t) {
    double sum = 0;
    for (int j = 0; j <= (int)t; j++)
        sum += pow(a * (j - t), j) / tgamma(j + 1) * exp(-a * (j - t));
    return 1 - (1 - a) * sum;
}

static void test_prediction_of_deterministic_service(void **state) {
    double low = 0, high = 10;

    (void)state;
    for (int i = 0; i < 60; i++) {
        double t = (low + high) / 2;
        if (deterministic_tail(0.5, t) > 0.01)
            low = t;
        else
            high = t;
    }
    for (size_t i = 0; i < 20000; i++) service[i] = 0.002;
    struct assess_interval p = assess_queue_predict(service, 20000, 1, 250, 1, 0.99, 0.95, 100, 1);
    double truth = 0.002 * (1 + low);
    if (!(p.low < truth && truth < p.high && p.high < 1.15 * p.low))
        fail_msg("%g to %g, expected %g", p.low, p.high, truth);
}

/* Slow requests that follow one another queue up behind themselves: blocks keep them together. */
static void test_prediction_keeps_correlation(void **state) {
    uint64_t seed = 7;

    (void)state;
    for (size_t i = 0; i < 20000; i++) service[i] = i / 40 % 10 ? 0.5 : 3;
    struct assess_interval together =
        assess_queue_predict(service, 20000, 1, 0.8, 1, 0.99, 0.95, 60, 1);
    for (size_t i = 20000; i-- > 1;) {
        size_t j = assess_random_below(&seed, i + 1);
        double other = service[i];
        service[i] = service[j];
        service[j] = other;
    }
    struct assess_interval apart =
        assess_queue_predict(service, 20000, 1, 0.8, 1, 0.99, 0.95, 60, 1);
    assert_true(together.low > 2 * apart.high);
}

static void test_unstable(void **state) {
    uint64_t seed = 8;

    (void)state;
    for (size_t i = 0; i < 400; i++) service[i] = exponential(&seed);
    struct assess_interval p = assess_queue_predict(service, 400, 2, 3, 1, 0.99, 0.95, 50, 1);
    assert_true(p.low == INFINITY && p.value == INFINITY && p.high == INFINITY);
    p = assess_queue_predict(service, 400, 2, 3, 0.3, 0.99, 0.95, 50, 1); /* a load of 0.45 */
    assert_true(p.high < INFINITY);
    /* The mean of 400 is known to 5 %: a load of 0.96 may be one above 1. */
    double mean = 0;
    for (size_t i = 0; i < 400; i++) mean += service[i] / 400;
    p = assess_queue_predict(service, 400, 1, 0.96 / mean, 1, 0.99, 0.95, 100, 1);
    assert_true(p.low < INFINITY && p.high == INFINITY);
    /* A constant time of 1 at a rate of 1 is the limit itself. */
    for (size_t i = 0; i < 400; i++) service[i] = 1;
    p = assess_queue_predict(service, 400, 1, 1, 1, 0.99, 0.95, 50, 1);
    assert_true(p.low == INFINITY);
}

static void test_prediction_without_queue(void **state) {
    uint64_t seed = 9;

    (void)state;
    for (size_t i = 0; i < 2000; i++) service[i] = 1 + assess_random_unit(&seed);
    struct assess_interval p = assess_queue_predict(service, 2000, 1, 0, 0.5, 0.9, 0.95, 200, 1);
    assert_true(p.low < 0.95 && p.high > 0.95 && p.high - p.low < 0.05);
    p = assess_queue_predict(service, 2000, 100000, 1, 0.5, 0.9, 0.95, 200, 1);
    assert_true(p.low < 0.95 && p.high > 0.95 && p.high - p.low < 0.05);
    p = assess_queue_predict(service, 2000, 1, 0.5, 0, 0.9, 0.95, 20, 1); /* takes no time */
    assert_true(p.low == 0 && p.high == 0);
}

static void test_prediction_from_hardly_anything(void **state) {
    double one[] = {1}, failed[] = {INFINITY, NAN, -1};
    struct assess_interval p = assess_queue_predict(NULL, 0, 1, 1, 1, 0.99, 0.95, 10, 1);

    (void)state;
    assert_true(p.low == 0 && isnan(p.value) && p.high == INFINITY);
    p = assess_queue_predict(one, 1, 0, 1, 1, 0.99, 0.95, 10, 1);
    assert_true(p.low == 0 && isnan(p.value) && p.high == INFINITY);
    p = assess_queue_predict(one, 1, 1, NAN, 1, 0.99, 0.95, 10, 1);
    assert_true(p.low == 0 && isnan(p.value) && p.high == INFINITY);
    p = assess_queue_predict(one, 1, 1, 1, -1, 0.99, 0.95, 10, 1);
    assert_true(p.low == 0 && isnan(p.value) && p.high == INFINITY);
    p = assess_queue_predict(one, 1, 1, 0.01, 1, 0.5, 0.95, 10, 1);
    assert_true(p.low == 1 && p.value == 1 && p.high == 1);
    p = assess_queue_predict(one, 1, 1, 0.01, 1, 0.5, 0.95, 0, 1); /* one replay at the least */
    assert_true(p.value == 1);
    p = assess_queue_predict(failed, 3, 1, 1, 1, 0.5, 0.95, 10, 1);
    assert_true(p.low == INFINITY && p.high == INFINITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_against_slow_simulation),
        cmocka_unit_test(test_bad_times),
        cmocka_unit_test(test_closed_forms),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_fit_apart),
        cmocka_unit_test(test_fit_of_failures),
        cmocka_unit_test(test_fit_takes_the_fewest),
        cmocka_unit_test(test_fit_of_hardly_anything),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_prediction_of_deterministic_service),
        cmocka_unit_test(test_prediction_keeps_correlation),
        cmocka_unit_test(test_unstable),
        cmocka_unit_test(test_prediction_without_queue),
        cmocka_unit_test(test_prediction_from_hardly_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
