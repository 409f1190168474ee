/* Numbers in words. */
#include "assess/words.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void numbers(void **state) {
    struct assess_pool pool = {0};
    const struct {
        assess_text_of *text;
        double value;
        const char *words;
    } cases[] = {
        {assess_time_text, 0, "0 s"},
        {assess_time_text, 0.0612, "61.2 ms"},
        {assess_time_text, 0.04, "40 ms"},
        {assess_time_text, 0.0004301, "430 us"},
        {assess_time_text, 3.2e-8, "32 ns"},
        {assess_time_text, 1.5321, "1.53 s"},
        {assess_time_text, 0.99949, "999 ms"},
        {assess_time_text, 0.9996, "1.00 s"},
        {assess_time_text, 119, "119 s"},
        {assess_time_text, 150, "2.5 min"},
        {assess_time_text, 7200, "2 h"},
        {assess_time_text, 1e9, "277,778 h"},
        {assess_time_text, NAN, "not known"},
        {assess_time_text, INFINITY, "unbounded"},
        {assess_time_text, -0.002, "-2 ms"},
        {assess_bytes_text, 0, "0 bytes"},
        {assess_bytes_text, 1, "1 byte"},
        {assess_bytes_text, 812, "812 bytes"},
        {assess_bytes_text, 75312345, "75.3 MB"},
        {assess_bytes_text, 5e9, "5 GB"},
        {assess_bytes_text, 1e20, "100,000,000 TB"},
        {assess_percent_text, 0, "0 %"},
        {assess_percent_text, 0.0001, "below 0.1 %"},
        {assess_percent_text, 0.073, "7.3 %"},
        {assess_percent_text, 0.4123, "41 %"},
        {assess_percent_text, 0.25, "25 %"},
        {assess_percent_text, 0.998, "over 99 %"},
        {assess_percent_text, 1, "100 %"},
        {assess_percent_text, 30.4, "3,040 %"},
        {assess_percent_text, NAN, "not known"},
        {assess_number_text, 1250000, "1,250,000"},
        {assess_number_text, 0.0421, "0.0421"},
        {assess_number_text, 3.2512, "3.25"},
        {assess_number_text, 99.96, "100"},
        {assess_number_text, 9.996, "10.0"},
        {assess_number_text, 0.5, "0.5"},
        {assess_number_text, 0.50001, "0.500"},
        {assess_number_text, 1e-10, "1e-10"},
        {assess_number_text, 0, "0"},
        {assess_number_text, 1234.6, "1,235"},
        {assess_number_text, 1e300, "1e+300"},
        {assess_number_text, -1234567, "-1,234,567"},
        {assess_rate_text, 200, "200/s"},
        {assess_rate_text, INFINITY, "unbounded"},
        {assess_times_text, 1.0812, "1.08x"},
        {assess_times_text, 12.345, "12.3x"},
        {assess_times_text, INFINITY, "unbounded"},
        {assess_money_text, 0.2, "0.20"},
        {assess_money_text, 12500, "12,500"},
        {assess_money_text, 0.00021, "0.00021"},
        {assess_money_text, 1234.56, "1,235"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cases[i].text(&pool, cases[i].value), cases[i].words);
    assert_string_equal(assess_count_text(&pool, 1, "request", "requests"), "1 request");
    assert_string_equal(assess_count_text(&pool, 12000, "request", "requests"), "12,000 requests");
    assert_string_equal(assess_quantile_text(&pool, 0.99), "p99");
    assert_string_equal(assess_quantile_text(&pool, 0.999), "p99.9");
    assert_string_equal(assess_quantile_text(&pool, 0.5), "p50");
    assess_pool_deinit(&pool);
}

static void intervals(void **state) {
    struct assess_pool pool = {0};
    const struct {
        struct assess_interval interval;
        const char *whole, *range;
    } cases[] = {
        {{0.0578, 0.0612, 0.0661}, "61.2 ms (57.8 ms to 66.1 ms)", "57.8 ms to 66.1 ms"},
        {{0.0578, 0.0612, INFINITY}, "61.2 ms (57.8 ms or more)", "57.8 ms or more"},
        {{-INFINITY, 0.0612, 0.07}, "61.2 ms (at most 70 ms)", "at most 70 ms"},
        {{-INFINITY, 0.0612, INFINITY}, "61.2 ms (not bounded)", "not bounded"},
        {{2, 2, 2}, "2 s", "2 s to 2 s"},
        {{NAN, NAN, NAN}, "not known", "not bounded"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct assess_interval interval = cases[i].interval;
        assert_string_equal(assess_interval_text(&pool, interval, assess_time_text),
                            cases[i].whole);
        assert_string_equal(assess_range_text(&pool, interval, assess_time_text), cases[i].range);
    }
    assess_pool_deinit(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(intervals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
