/* The Fourier transform of every length up to 200 and some longer ones, against its definition. */
#include "base/fft.h"
#include "base/heap.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static double uniform(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + 1;
    return (double)(*seed >> 11) * 0x1p-52 - 1;
}

/* The errors of n additions and of the roots: a small multiple of eps sqrt(n) log n of numbers up
 * to 1; Bluestein's convolution adds terms of size sqrt(n). */
static void check_length(size_t n) {
    size_t tables = ash_fft_tables(n), work = ash_fft_work(n), count = tables + work + 4 * n;
    double *memory = ash_alloc(NULL, count * sizeof *memory), *x, *back;
    double bound = 4e-15 * (double)n;
    struct ash_fft f;
    uint64_t seed = n;

    assert_non_null(memory);
    ash_fft_init(&f, n, memory);
    x = memory + tables + work;
    back = x + 2 * n;
    for (size_t i = 0; i < 2 * n; i++) x[i] = back[i] = uniform(&seed);
    ash_fft_run(&f, x, false, memory + tables);
    for (size_t k = 0; k < n; k += n > 200 ? n / 50 : 1) {
        double re = 0, im = 0;

        for (size_t t = 0; t < n; t++) {
            double angle = -6.28318530717958647692 * (double)(k * t % n) / (double)n;
            re += back[2 * t] * cos(angle) - back[2 * t + 1] * sin(angle);
            im += back[2 * t] * sin(angle) + back[2 * t + 1] * cos(angle);
        }
        if (!(fabs(x[2 * k] - re) <= bound && fabs(x[2 * k + 1] - im) <= bound))
            fail_msg("length %zu at %zu: %g %+gi, expected %g %+gi", n, k, x[2 * k], x[2 * k + 1],
                     re, im);
    }
    ash_fft_run(&f, x, true, memory + tables);
    for (size_t i = 0; i < 2 * n; i++)
        if (!(fabs(x[i] / (double)n - back[i]) <= bound)) fail_msg("length %zu and back", n);
    ash_free(NULL, memory, count * sizeof *memory);
}

static void test_lengths(void **state) {
    static const size_t longer[] = {256, 400, 441, 512, 997, 1024, 1103, 2048, 4099, 5040};

    (void)state;
    for (size_t n = 1; n <= 200; n++) check_length(n);
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) check_length(longer[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lengths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
