#include "base/format.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char want[200], got[200];                                                                  \
        int n = snprintf(want, sizeof want, __VA_ARGS__);                                          \
        size_t m = ash_format(got, sizeof got, __VA_ARGS__);                                       \
        assert_string_equal(got, want);                                                            \
        assert_int_equal(m, n);                                                                    \
    } while (0)

static void test_like_the_library(void **state) {
    (void)state;
    SAME("plain");
    SAME("100%% of %s, %c", "all", 'x');
    SAME("%d %i %d %d", 0, -1, INT32_MAX, INT32_MIN);
    SAME("%ld %lld %lld", -5L, (long long)INT64_MAX, (long long)INT64_MIN);
    SAME("%u %x %llu %llx", 4000000000u, 255u, (unsigned long long)UINT64_MAX, 0xabcdefull);
    SAME("%zu %zd %jd %td", SIZE_MAX, (size_t)9, (intmax_t)-9, (ptrdiff_t)-3);
    SAME("%hd %hhu", (short)-3, (unsigned char)200);
    SAME("[%5d] [%05d] [%2d] [%6s] [%08x]", 42, -42, 12345, "abc", 48879u);
    SAME("%.*s|%.2s|%s", 3, "abcdef", "xyz", "");
}

static void test_arguments_of_64_bits(void **state) {
    (void)state;
    char text[100];
    double real = -2.5;
    int64_t args[] = {-7, 3, (int64_t)(uintptr_t)"abcdef", INT64_MIN, 0, UINT32_MAX, 'x'};
    memcpy(&args[4], &real, sizeof real);
    size_t n = ash_format_array(text, sizeof text, "%d %.*s %lld %g %u %c%%", args);
    assert_string_equal(text, "-7 abc -9223372036854775808 -2.5 4294967295 x%");
    assert_int_equal(n, strlen(text));
}

static void test_numbers(void **state) {
    (void)state;
    static const double values[] = {
        0,    1,        -1,      0.5,   0.1,    1e-4,    1e-5,    123456,           1234567,
        1e6,  999999.5, 9.99999, 1e100, 1e-100, DBL_MAX, DBL_MIN, 3.14159265358979, 2.5e-7,
        1e21, 65504,    1e22};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        SAME("%g", values[i]);
        SAME("%.3g", values[i]);
        SAME("%.9g", -values[i]);
    }
    SAME("%g %g %g", INFINITY, -INFINITY, 0.0 * -1.0);
    SAME("%10g", 1.5);
    uint32_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 1664525u + 1013904223u;
        float value;
        memcpy(&value, &seed, sizeof value);
        if (isfinite(value)) SAME("%g", (double)value);
    }
}

static void test_cut(void **state) {
    (void)state;
    char buf[6];
    assert_int_equal(ash_format(buf, sizeof buf, "%s", "abcdefgh"), 8);
    assert_string_equal(buf, "abcde");
    assert_int_equal(ash_format(NULL, 0, "%d", 1234), 4);
    assert_int_equal(ash_format(buf, 1, "%d", 1234), 4);
    assert_string_equal(buf, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_the_library),
        cmocka_unit_test(test_arguments_of_64_bits),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
