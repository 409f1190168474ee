/* What WebAssembly builds have in place of the C library's functions, against the latter. */
#include <math.h>

static double (*const library_exp)(double) = exp;
static double (*const library_log)(double) = log;
static double (*const library_pow)(double, double) = pow;
static double (*const library_expm1)(double) = expm1;
static double (*const library_log1p)(double) = log1p;
static double (*const library_tanh)(double) = tanh;
static double (*const library_erf)(double) = erf;
static double (*const library_fmod)(double, double) = fmod;
static double (*const library_sin)(double) = sin;
static double (*const library_cos)(double) = cos;
static double (*const library_atan)(double) = atan;

#define ASH_WASM_LIBM_TEST
#define exp   own_exp
#define log   own_log
#define pow   own_pow
#define expm1 own_expm1
#define log1p own_log1p
#define tanh  own_tanh
#define erf   own_erf
#define fmod  own_fmod
#define sin   own_sin
#define cos   own_cos
#define atan  own_atan
double own_exp(double x);
double own_log(double x);
double own_pow(double x, double y);
double own_expm1(double x);
double own_log1p(double x);
double own_tanh(double x);
double own_erf(double x);
double own_fmod(double x, double y);
double own_sin(double x);
double own_cos(double x);
double own_atan(double x);
#include "../../src/base/wasm_libm.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t next(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9u;
    return z ^ z >> 29;
}

static double between(uint64_t *state, double low, double high) {
    return low + (high - low) * (double)(next(state) >> 11) * 0x1p-53;
}

static void check(double got, double wanted, double ulps) {
    if (got == wanted || (isnan(got) && isnan(wanted))) return;
    double unit = fabs(nextafter(wanted, INFINITY) - wanted);
    assert_true(fabs(got - wanted) <= ulps * unit);
}

static void test_exp_and_log(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 300000; i++) {
        double x = between(&seed, -745, 710);
        check(own_exp(x), library_exp(x), 2);
        check(own_exp(x / 1000), library_exp(x / 1000), 2);
        double bits = from_bits(next(&seed) >> 1);
        check(own_log(bits), library_log(bits), 2);
        check(own_log(1 + x / 1e5), library_log(1 + x / 1e5), 2);
    }
    static const double special[] = {0.0, -0.0, 1, -1, 1e-320, INFINITY, -INFINITY, NAN, 1e300};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        check(own_exp(special[i]), library_exp(special[i]), 2);
        check(own_log(special[i]), library_log(special[i]), 2);
    }
}

static void test_pow(void **state) {
    (void)state;
    static const double special[] = {0.0, -0.0, 1,    -1,    2,        -2,        0.5, -0.5,
                                     3,   -3,   4e15, 1e300, INFINITY, -INFINITY, NAN, 1e-310};
    enum { COUNT = sizeof special / sizeof *special };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            double got = own_pow(special[i], special[j]);
            double wanted = library_pow(special[i], special[j]);
            check(got, wanted, 800);
            if (wanted == 0) assert_int_equal(signbit(got) != 0, signbit(wanted) != 0);
        }
    }
    for (int x = -20; x <= 20; x++) {
        for (int y = 0; y <= 12; y++) check(own_pow(x, y), library_pow(x, y), 0);
    }
    uint64_t seed = 2;
    for (int i = 0; i < 100000; i++) {
        double x = between(&seed, 0, 50), y = between(&seed, -40, 40);
        check(own_pow(x, y), library_pow(x, y), 2 + fabs(y * library_log(x)) * 2);
    }
}

static void check_turn(double x) {
    check(own_sin(x), library_sin(x), 4);
    check(own_cos(x), library_cos(x), 4);
}

static void test_sin_and_cos(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 300000; i++) {
        double any = from_bits(next(&seed));
        check_turn(between(&seed, -2e6, 2e6));
        if (isfinite(any)) check_turn(any);
    }
    for (int n = 1; n < 2000; n++) check_turn(n * 1.5707963267948966);
    check(own_sin(6381956970095103.0 * 0x1p797), library_sin(6381956970095103.0 * 0x1p797), 4);
    assert_true(isnan(own_sin(INFINITY)));
    assert_true(isnan(own_cos(NAN)));
    assert_true(signbit(own_sin(-0.0)));
}

static void check_rest(double x) {
    check(own_expm1(x), library_expm1(x), 6);
    if (x >= -1) check(own_log1p(x), library_log1p(x), 6);
    check(own_tanh(x), library_tanh(x), 6);
    check(own_erf(x), library_erf(x), fabs(x) > 6 ? 0 : 8 + x * x);
}

static void test_rest(void **state) {
    (void)state;
    static const double special[] = {0.0, -0.0,  1,    -1,       1e-320,    -1e-320, 6.5,
                                     -7,  1e300, 1e-9, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        check_rest(special[i]);
        assert_int_equal(signbit(own_tanh(special[i])) != 0, signbit(special[i]) != 0);
    }
    uint64_t seed = 4;
    for (int i = 0; i < 100000; i++) {
        double x = between(&seed, -750, 750);
        check_rest(x);
        check_rest(x / 100);
        check_rest(x / 1e4);
        check_rest(x / 1e12);
    }
}

static void test_fmod(void **state) {
    (void)state;
    static const double special[] = {0.0,    -0.0, 3,      -3,       0.1,       1e300,
                                     1e-310, -7,   5e-324, INFINITY, -INFINITY, NAN};
    enum { COUNT = sizeof special / sizeof *special };
    uint64_t seed = 5;
    for (int i = 0; i < COUNT * COUNT + 20000; i++) {
        bool any = i >= COUNT * COUNT;
        double x = any ? from_bits(next(&seed)) : special[i % COUNT];
        double y = any ? from_bits(next(&seed)) : special[i / COUNT];
        check(own_fmod(x, y), library_fmod(x, y), 0);
    }
}

static void test_atan(void **state) {
    (void)state;
    static const double special[] = {0.0,    -0.0,     1,         -1,  0.199,
                                     1e-320, INFINITY, -INFINITY, NAN, 1e300};
    uint64_t seed = 6;
    for (int i = 0; i < 300000; i++) {
        double x = between(&seed, -2, 2), bits = from_bits(next(&seed));
        check(own_atan(x), library_atan(x), 4);
        check(own_atan(1 / x), library_atan(1 / x), 4);
        check(own_atan(bits), library_atan(bits), 4);
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        check(own_atan(special[i]), library_atan(special[i]), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_and_log), cmocka_unit_test(test_pow),
        cmocka_unit_test(test_sin_and_cos), cmocka_unit_test(test_rest),
        cmocka_unit_test(test_fmod),        cmocka_unit_test(test_atan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
