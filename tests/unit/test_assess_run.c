/* Schedules of load, and the judgement of runs: no server, no time. */
#include "assess/load.h"
#include "assess/load_parts.h"
#include "assess/stats_parts.h"
#include "queue_bound.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the schedule --------------------------------------------------------------------------- */

static void test_schedule_is_exact(void **state) {
    (void)state;
    double a[1000], b[1000];
    assess_schedule(42, 50, 1000, a);
    assess_schedule(42, 50, 1000, b);
    assert_memory_equal(a, b, sizeof a);
    assess_schedule(42, 50, 10, b); /* a shorter one is a prefix */
    assert_memory_equal(a, b, 10 * sizeof *a);
    assess_schedule(43, 50, 1000, b);
    assert_true(a[0] != b[0]);
    for (size_t i = 1; i < 1000; i++) assert_true(a[i] >= a[i - 1]);

    /* The first numbers of SplitMix64 from seed 1234567, as published with its reference
     * implementation. */
    uint64_t seed = 1234567;
    assert_true(assess_random(&seed) == 6457827717110365317U);
    assert_true(assess_random(&seed) == 3203168211198807973U);
    assert_true(assess_random(&seed) == 9817491932198370423U);
    /* Inversion, in another form of the same function: the gap's distribution function gives back
     * the uniform number, to a few roundings. */
    assess_schedule(1234567, 8, 2, a);
    double u0 = floor(0x1p-11 * 6457827717110365317.0) * 0x1p-53;
    double u1 = floor(0x1p-11 * 3203168211198807973.0) * 0x1p-53;
    assert_true(fabs(1 - exp(-8 * a[0]) - u0) < 1e-15);
    assert_true(fabs(1 - exp(-8 * (a[1] - a[0])) - u1) < 1e-14);
}

/* Exponential gaps of mean 1 have variance 1 and fourth central moment 9, and are independent.  The
 * bounds are 5 standard errors: 1 / sqrt(n) of the mean, sqrt(8 / n) of the variance, 1 / sqrt(n)
 * of the first autocorrelation; and 1.95 / sqrt(n), Kolmogorov's bound of level 0.001, of the
 * distribution function. */
static void test_schedule_is_poisson(void **state) {
    (void)state;
    const size_t n = 100000;
    const double count = 100000;
    double *at = malloc(n * sizeof *at), *gaps = malloc(n * sizeof *gaps);
    assert_non_null(at);
    assert_non_null(gaps);
    for (uint64_t seed = 0; seed < 3; seed++) {
        double rate = 200, mean = 0, variance = 0, correlation = 0, distance = 0;
        assess_schedule(seed, rate, n, at);
        for (size_t i = 0; i < n; i++) gaps[i] = rate * (at[i] - (i ? at[i - 1] : 0));
        for (size_t i = 0; i < n; i++) mean += gaps[i] / count;
        for (size_t i = 0; i < n; i++) variance += (gaps[i] - mean) * (gaps[i] - mean) / count;
        for (size_t i = 1; i < n; i++)
            correlation += (gaps[i] - mean) * (gaps[i - 1] - mean) / (count * variance);
        qsort(gaps, n, sizeof *gaps, assess_ascending);
        for (size_t i = 0; i < n; i++) {
            double p = 1 - exp(-gaps[i]);
            distance = fmax(distance, fmax((double)(i + 1) / count - p, p - (double)i / count));
        }
        double root = sqrt(count);
        assert_true(fabs(mean - 1) < 5 / root);
        assert_true(fabs(variance - 1) < 5 * sqrt(8) / root);
        assert_true(fabs(correlation) < 5 / root);
        assert_true(distance < 1.95 / root);
    }
    free(at);
    free(gaps);
}

/* The schedule in a queue with one worker and constant service D at half of its capacity: mean
 * latency is D + rho D / (2 (1 - rho)) = 1.5 D (Pollaczek and Khinchine).  The bound is 5 standard
 * errors, estimated from 200 blocks of 1000 arrivals, which are long against the busy periods (2
 * arrivals on average) and so as good as independent. */
static void test_schedule_in_a_queue(void **state) {
    (void)state;
    enum { BLOCK = 1000, COUNT = 200 };
    double *at = malloc(BLOCK * COUNT * sizeof *at), sum = 0, squares = 0;
    assert_non_null(at);
    assess_schedule(3, 100, BLOCK * COUNT, at);
    for (size_t i = 0; i < COUNT; i++) {
        double mean = lindley(at + i * BLOCK, BLOCK, 0.005, NULL);
        sum += mean;
        squares += mean * mean;
    }
    double mean = sum / (double)COUNT;
    double error = sqrt((squares / (double)COUNT - mean * mean) / (double)COUNT);
    assert_true(error < 0.0002);
    assert_true(fabs(mean - 0.0075) < 5 * error);
    free(at);
}

/* ---- judgement ------------------------------------------------------------------------------ */

/* A run whose i-th latency is what the callback says. */
static struct assess_run made_run(struct assess_pool *pool, size_t count,
                                  double (*latency)(size_t i, size_t count)) {
    struct assess_run run = {.mode = ASSESS_OPEN, .planned_rate = 100, .count = count};
    run.sent = assess_alloc_array(pool, count, sizeof *run.sent);
    assert_non_null(run.sent);
    for (size_t i = 0; i < count; i++) {
        struct assess_sent *s = &run.sent[i];
        s->intended = s->sent = 1000 + (double)i / 100;
        s->answered = s->intended + latency(i, count);
        s->status = 200;
        run.end = fmax(run.end, s->answered);
    }
    run.begin = 1000;
    return run;
}

static double flat(size_t i, size_t count) {
    (void)count;
    return 0.01 + 0.001 * (double)(i * 7919 % 13); /* varies, without a trend */
}
static double drifting(size_t i, size_t count) {
    return 0.1 * (1 + 0.3 * (double)i / (double)count);
}
static double overloaded(size_t i, size_t count) {
    (void)count;
    return 0.005 + 0.02 * (double)i / 100; /* 2 % more than it can do */
}
static double first_slow(size_t i, size_t count) { return i < count / 2 ? 1.0 : 0.01; }
static double one_hiccup(size_t i, size_t count) {
    return i > count * 3 / 4 && i < count * 3 / 4 + 20 ? 0.5 : flat(i, count);
}
static double much_too_slow(size_t i, size_t count) {
    (void)count;
    return 0.01 + 0.25 * (double)i / 100; /* answers at 80 % of the rate */
}
static double slow_but_steady(size_t i, size_t count) {
    (void)i, (void)count;
    return 3.0;
}

static void test_growth(void **state) {
    (void)state;
    static const struct {
        double (*latency)(size_t, size_t);
        bool grows;
    } rows[] = {{flat, false},       {drifting, false},   {overloaded, true},
                {first_slow, false}, {one_hiccup, false}, {much_too_slow, true}};
    struct assess_pool pool = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assess_run run = made_run(&pool, 1003, rows[i].latency);
        assert_int_equal(assess_run_grows(&run, &pool), rows[i].grows);
    }
    struct assess_run tiny = made_run(&pool, 31, much_too_slow);
    assert_false(assess_run_grows(&tiny, &pool));
    assess_pool_deinit(&pool);
}

static void test_achieved_rate(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    struct assess_run_facts facts = {0};
    struct assess_run run = made_run(&pool, 1000, slow_but_steady);
    assess_run_judge(&run, &facts, &pool);
    assert_true(run.valid);
    assert_true(fabs(run.achieved_rate - 100) < 1e-6); /* latency is not lost rate */
    run = made_run(&pool, 1000, much_too_slow);
    assess_run_judge(&run, &facts, &pool);
    assert_true(fabs(run.achieved_rate - 80) < 0.1);
    run = made_run(&pool, 1000, flat);
    for (size_t i = 0; i < 1000; i += 10) run.sent[i].failure = "x";
    run.failed = 100;
    assess_run_judge(&run, &facts, &pool);
    assert_true(fabs(run.achieved_rate - 90) < 0.5);
    run.mode = ASSESS_OFFLINE;
    run.end = run.begin + 20;
    assess_run_judge(&run, &facts, &pool);
    assert_true(fabs(run.achieved_rate - 45) < 1e-9);
    assess_pool_deinit(&pool);
}

static void test_validity(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    static const struct {
        struct assess_clocks after;
        size_t late, starved;
        const char *words;
    } rows[] = {
        {{1000000000, 1000000000, 1000000000}, 0, 0, NULL},
        {{1000000000, 1020000000, 1050000000}, 10, 0, NULL}, /* within the tolerances */
        {{1000000000, 6000000000, 6000000000}, 0, 0, "suspended for 5 s"},
        {{1000000000, 1000000000, 3601000000000}, 0, 0, "set by +3.6e+03 s"},
        {{1000000000, 1000000000, -1000000000}, 0, 0, "set by -2 s"},
        {{0, 0, 0}, 11, 0, "lagged: 11 of 1000"},
        {{0, 0, 0}, 0, 1, "local ports"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assess_run run = made_run(&pool, 1000, flat);
        struct assess_run_facts facts = {.after = rows[i].after, .starved = rows[i].starved};
        run.late = rows[i].late;
        assess_run_judge(&run, &facts, &pool);
        assert_int_equal(run.valid, rows[i].words == NULL);
        if (rows[i].words && !strstr(run.invalid_reason, rows[i].words))
            fail_msg("%s", run.invalid_reason);
    }
    struct assess_run few = made_run(&pool, 9, flat);
    struct assess_run_facts facts = {0};
    assess_run_judge(&few, &facts, &pool);
    assert_non_null(strstr(few.invalid_reason, "9 good answers to 9 requests"));
    struct assess_clocks now = assess_clocks_read();
    assert_true(now.boot >= now.monotonic - 1000000000);
    assert_true(assess_late_allowance(0) == 0.001 && assess_late_allowance(1000) == 0.001);
    assert_true(fabs(assess_late_allowance(10) - 0.005) < 1e-12);
    assess_pool_deinit(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_is_exact),   cmocka_unit_test(test_schedule_is_poisson),
        cmocka_unit_test(test_schedule_in_a_queue), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_achieved_rate),       cmocka_unit_test(test_validity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
