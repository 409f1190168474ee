/* The log of calls, as call_driver.py lays it out, whole, cut short and hostile.  That the driver
 * writes it so is tested in tests/assess/test_calls.py. */
#define _GNU_SOURCE
#include "assess/load.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEADER = 4096, RECORD = 64, MOST = 100 };

struct log {
    char path[64];
    unsigned char bytes[HEADER + RECORD * MOST];
    size_t records;
};

static void put_number(unsigned char *at, double value) { memcpy(at, &value, sizeof value); }
static void put_word(unsigned char *at, uint32_t value) { memcpy(at, &value, sizeof value); }

static void begin_log(struct log *log, uint32_t mode, double rate) {
    *log = (struct log){0};
    snprintf(log->path, sizeof log->path, "/tmp/calls.%d", (int)getpid());
    memcpy(log->bytes, "ASHCALLS", 8);
    put_word(log->bytes + 8, 1);
    put_word(log->bytes + 12, mode);
    put_number(log->bytes + 16, rate);
    put_number(log->bytes + 24, 10);
    put_word(log->bytes + 44, 1);
    put_number(log->bytes + 48, 1000);
    put_number(log->bytes + 56, 1010);
}

static unsigned char *add(struct log *log, double intended, double sent, double answered,
                          double lag, const char *raised) {
    unsigned char *at = log->bytes + HEADER + RECORD * log->records++;
    put_number(at, intended);
    put_number(at + 8, sent);
    put_number(at + 16, answered);
    put_number(at + 24, lag);
    put_word(at + 32, raised ? 2 : 1);
    if (raised) memcpy(at + 36, raised, strnlen(raised, 28));
    return at;
}

static int read_back(struct log *log, size_t size, struct assess_pool *pool, struct assess_run *run,
                     struct ashore_error *err) {
    FILE *file = fopen(log->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(log->bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    int status = assess_load_read_calls(log->path, pool, run, err);
    unlink(log->path);
    return status;
}

static size_t size_of(const struct log *log) { return HEADER + RECORD * log->records; }

static void test_whole(void **state) {
    (void)state;
    struct log log;
    struct assess_pool pool = {0};
    struct assess_run run;
    struct ashore_error err = {0};
    begin_log(&log, 0, 5);     /* allowance: 5 % of 0.2 s */
    for (int i = 20; i-- > 0;) /* in no order */
        add(&log, 1000 + i * 0.5, 1000 + i * 0.5 + 0.1, 1000 + i * 0.5 + 0.3,
            i == 3 ? 0.0101 : 0.0099, i == 7 ? "ValueError" : NULL);
    log.records += 5; /* never used */
    static const char text[] = "Traceback\nValueError: \x01";
    put_word(log.bytes + 88, sizeof text - 1);
    memcpy(log.bytes + 96, text, sizeof text - 1);
    assert_int_equal(read_back(&log, size_of(&log), &pool, &run, &err), ASHORE_OK);
    assert_int_equal(run.mode, ASSESS_OPEN);
    assert_int_equal(run.count, 20);
    assert_int_equal(run.failed, 1);
    assert_int_equal(run.late, 1);
    assert_true(run.late_most == 0.0101);
    assert_true(run.valid && !run.interrupted);
    assert_true(run.planned_rate == 5 && run.begin == 1000 && run.end == 1010);
    assert_true(fabs(run.achieved_rate - 5 * 0.95) < 1e-9);
    for (size_t i = 1; i < 20; i++)
        assert_true(run.sent[i].intended == run.sent[i - 1].intended + 0.5);
    assert_string_equal(run.sent[7].failure, "ValueError");
    assert_string_equal(run.first_failure, "Traceback\nValueError: ?");
    double values[20];
    assert_int_equal(assess_run_latencies(&run, values), 20);
    assert_true(fabs(values[0] - 0.3) < 1e-9 && isinf(values[19]));
    assert_int_equal(assess_run_services(&run, values), 20);
    assert_true(fabs(values[0] - 0.2) < 1e-9 && isinf(values[19]));
    assess_pool_deinit(&pool);
}

static void test_partial(void **state) {
    (void)state;
    struct log log;
    struct assess_pool pool = {0};
    struct assess_run run;
    begin_log(&log, 1, 0);
    put_word(log.bytes + 44, 0); /* the program died: no end */
    put_number(log.bytes + 56, 0);
    for (int i = 0; i < 12; i++) add(&log, 1000 + i, 1000 + i, 1000.5 + i, 0, NULL);
    assert_int_equal(read_back(&log, size_of(&log) - 1, &pool, &run, NULL), ASHORE_OK);
    assert_true(run.interrupted && run.valid);
    assert_int_equal(run.count, 11); /* the last one is cut off */
    assert_true(run.end == 1010.5);
    assert_true(fabs(run.achieved_rate - 11 / 10.5) < 1e-9);
    assert_int_equal(read_back(&log, HEADER, &pool, &run, NULL), ASHORE_OK);
    assert_int_equal(run.count, 0);
    assert_false(run.valid);
    /* A machine that slept. */
    put_number(log.bytes + 64, 30);
    assert_int_equal(read_back(&log, size_of(&log), &pool, &run, NULL), ASHORE_OK);
    assert_non_null(strstr(run.invalid_reason, "suspended for 30 s"));
    assess_pool_deinit(&pool);
}

static void check_bad(struct log *log, size_t size, const char *words) {
    struct assess_pool pool = {0};
    struct assess_run run;
    struct ashore_error err = {0};
    assert_int_equal(read_back(log, size, &pool, &run, &err), ASHORE_ERR_FORMAT);
    if (!strstr(err.text, words)) fail_msg("%s", err.text);
    assert_int_equal(run.count, 0);
    assess_pool_deinit(&pool);
}

static void test_hostile(void **state) {
    (void)state;
    struct log log;
    begin_log(&log, 0, 5);
    check_bad(&log, 0, "shorter than a header");
    check_bad(&log, HEADER - 1, "shorter than a header");
    log.bytes[0] = 'x';
    check_bad(&log, HEADER, "begins otherwise");
    static const struct {
        size_t at;
        uint32_t value;
        const char *words;
    } words[] = {{8, 2, "another version"}, {12, 3, "out of range"},    {12, UINT32_MAX, "range"},
                 {44, 3, "out of range"},   {88, 4001, "out of range"}, {88, UINT32_MAX, "range"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        begin_log(&log, 0, 5);
        put_word(log.bytes + words[i].at, words[i].value);
        check_bad(&log, HEADER, words[i].words);
    }
    static const size_t numbers[] = {16, 24, 48, 56, 64, 72};
    static const double values[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 4; j++) {
            begin_log(&log, 0, 5);
            put_number(log.bytes + numbers[i], values[j]);
            check_bad(&log, HEADER, "out of range");
        }
    }
    begin_log(&log, 0, 0); /* an open loop without a rate */
    check_bad(&log, HEADER, "out of range");
    static const double times[][4] = {{2, 1, 3, 0},   {1, 3, 2, 0},   {-1, 1, 2, 0},
                                      {1, 2, 3, -1},  {NAN, 2, 3, 0}, {1, NAN, 3, 0},
                                      {1, 2, NAN, 0}, {1, 2, 3, NAN}, {1, 2, INFINITY, 0}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        begin_log(&log, 0, 5);
        add(&log, times[i][0], times[i][1], times[i][2], times[i][3], NULL);
        check_bad(&log, size_of(&log), "contradict");
    }
    begin_log(&log, 0, 5);
    put_word(add(&log, 1, 2, 3, 0, NULL) + 32, 9);
    check_bad(&log, size_of(&log), "contradict");
    struct assess_pool pool = {0};
    struct assess_run run;
    struct ashore_error err = {0};
    assert_int_equal(assess_load_read_calls("/nowhere/log", &pool, &run, &err), ASHORE_ERR_IO);
    assert_int_equal(assess_load_read_calls("/tmp", &pool, &run, &err), ASHORE_ERR_FORMAT);
}

static void test_names(void **state) {
    (void)state;
    struct log log;
    struct assess_pool pool = {0};
    struct assess_run run;
    begin_log(&log, 2, 0);
    add(&log, 1, 1, 2, 0, "");
    add(&log, 2, 2, 3, 0, "ANameOfExactlyTwentyEightXXX");
    add(&log, 3, 3, 4, 0, "Bad\x02Name");
    assert_int_equal(read_back(&log, size_of(&log), &pool, &run, NULL), ASHORE_OK);
    assert_string_equal(run.sent[0].failure, "an exception");
    assert_string_equal(run.sent[1].failure, "ANameOfExactlyTwentyEightXXX");
    assert_string_equal(run.sent[2].failure, "Bad?Name");
    assert_non_null(run.first_failure);
    assess_pool_deinit(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_partial),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
