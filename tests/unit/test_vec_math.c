/* The bounds that base/vec_math.h states, on every row that this machine can run, over a scan of
 * all floats: every exponent, both signs, mantissas in odd steps, and all edges of the functions.
 */
#include "base/cpu.h"
#include "kernels/eltwise/eltwise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STRIDE = 24593, BLOCK = 4096, NEAR = 300 };

struct function {
    const char *name;
    int kind;
    double ulp; /* as stated */
    double (*exact)(double x);
};

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static const struct function functions[] = {
    {"exp", ASH_UNARY_EXP, 1.0, exp},  {"log", ASH_UNARY_LOG, 1.0, log},
    {"tanh", ASH_ACT_TANH, 1.5, tanh}, {"sigmoid", ASH_ACT_SIGMOID, 2.5, sigmoid},
    {"erf", ASH_UNARY_ERF, 1.5, erf},
};

static float from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t to_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The distance of y from the exact result in units of the exact result's last place. */
static double ulps(float y, double want) {
    if (isnan(want)) return isnan(y) ? 0 : INFINITY;
    float rounded = (float)want;
    if (isinf(rounded)) {
        /* What rounds to infinity is worth 2^128: the float below is half a unit off or less. */
        if (y == rounded) return 0;
        if (isinf(want)) return INFINITY;
        return fabs((double)y - copysign(0x1p128, want)) / 0x1p104;
    }
    if (isinf(y)) return fabs(copysign(0x1p128, (double)y) - want) / 0x1p104;
    if (isnan(y)) return INFINITY;
    int exponent;
    (void)frexp(want, &exponent);
    double unit = ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
    return fabs((double)y - want) / unit;
}

struct worst {
    double ulp;
    float at, got;
};

static void scan_block(const struct ash_eltwise_row *row, const struct function *f, const float *x,
                       size_t n, struct worst *w) {
    static float y[BLOCK];
    row->unary(f->kind, 0, 0, n, x, y);
    for (size_t i = 0; i < n; i++) {
        double u = ulps(y[i], f->exact((double)x[i]));
        if (u <= w->ulp) continue;
        *w = (struct worst){u, x[i], y[i]};
    }
}

/* Neighbours of where functions turn: ends of ranges, switches between polynomials. */
static size_t edges(float *x) {
    static const float at[] = {0.0f,     0.625f,  1.0f,      3.95f,    0x1p-126f, 0x1p-149f,
                               88.7228f, 89.0f,   87.33655f, 104.0f,   103.9721f, 0.70710678f,
                               16.635f,  9.0109f, 3.92f,     0x1p-12f, 0x1p127f,  0.5f};
    size_t n = 0;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        for (int32_t near = -NEAR; near <= NEAR; near++) {
            int64_t bits = (int64_t)to_bits(at[i]) + near;
            if (bits < 0) continue;
            x[n] = from_bits((uint32_t)bits);
            x[n + 1] = -x[n];
            n += 2;
        }
    }
    return n;
}

static void scan(const struct ash_eltwise_row *row, const struct function *f, struct worst *w) {
    static float x[BLOCK];
    size_t n = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
        x[n++] = from_bits((uint32_t)bits);
        if (n < BLOCK) continue;
        scan_block(row, f, x, n, w);
        n = 0;
    }
    scan_block(row, f, x, n, w);
    static float near[36 * (2 * NEAR + 1)];
    n = edges(near);
    for (size_t i = 0; i < n; i += BLOCK)
        scan_block(row, f, near + i, n - i < BLOCK ? n - i : BLOCK, w);
}

static void each_row(void (*visit)(const struct ash_eltwise_row *row)) {
    for (const struct ash_eltwise_row *const *t = ash_eltwise_tables(); *t; t++) {
        for (const struct ash_eltwise_row *r = *t; r->name; r++) {
            if ((r->cpu & ash_cpu_flags()) == r->cpu) visit(r);
        }
    }
}

static void check_bounds(const struct ash_eltwise_row *row) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct worst w = {0};
        scan(row, &functions[i], &w);
        print_message("%s %s: %.3f ulp at %a\n", row->name, functions[i].name, w.ulp, (double)w.at);
        assert_true(w.ulp <= functions[i].ulp);
    }
}

static void test_bounds(void **state) {
    (void)state;
    each_row(check_bounds);
}

static void check_specials(const struct ash_eltwise_row *row) {
    const float inf = INFINITY, none = NAN;
    const struct {
        int kind;
        float x, y;
    } rows[] = {
        {ASH_UNARY_EXP, inf, inf},     {ASH_UNARY_EXP, -inf, 0},     {ASH_UNARY_EXP, 0, 1},
        {ASH_UNARY_EXP, none, none},   {ASH_UNARY_LOG, inf, inf},    {ASH_UNARY_LOG, 0, -inf},
        {ASH_UNARY_LOG, -0.0f, -inf},  {ASH_UNARY_LOG, -1, none},    {ASH_UNARY_LOG, -inf, none},
        {ASH_UNARY_LOG, none, none},   {ASH_UNARY_LOG, 1, 0},        {ASH_ACT_TANH, inf, 1},
        {ASH_ACT_TANH, -inf, -1},      {ASH_ACT_TANH, -0.0f, -0.0f}, {ASH_ACT_TANH, none, none},
        {ASH_ACT_SIGMOID, inf, 1},     {ASH_ACT_SIGMOID, -inf, 0},   {ASH_ACT_SIGMOID, none, none},
        {ASH_ACT_SIGMOID, 0, 0.5f},    {ASH_UNARY_ERF, inf, 1},      {ASH_UNARY_ERF, -inf, -1},
        {ASH_UNARY_ERF, -0.0f, -0.0f}, {ASH_UNARY_ERF, none, none},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* In every lane, and in the tail. */
        float x[21], y[21];
        for (int k = 0; k < 21; k++) x[k] = rows[i].x;
        row->unary(rows[i].kind, 0, 0, 21, x, y);
        for (int k = 0; k < 21; k++) {
            bool same = isnan(rows[i].y) ? isnan(y[k]) : to_bits(y[k]) == to_bits(rows[i].y);
            if (!same)
                print_error("%s: function %d of %g is %g, expected %g\n", row->name, rows[i].kind,
                            (double)x[k], (double)y[k], (double)rows[i].y);
            assert_true(same);
        }
    }
}

static void test_specials(void **state) {
    (void)state;
    each_row(check_specials);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_specials)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
