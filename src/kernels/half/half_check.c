#include "kernels/half/half.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <string.h>

struct job {
    const struct ash_half_row *row;
    struct ash_pool *pool;
    enum ash_half_type type;
    enum ash_half_op op;
    size_t n;
    const void *x;
    void *y;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_half(j->row, j->pool, j->type, j->op, j->n, j->x, j->y);
}

/* The formats, in double and independently: what a code stands for, and the code nearest to a
 * number, found by bisection. */
static double value_of(enum ash_half_type type, unsigned code) {
    int mantissa = type == ASH_HALF_F16 ? 10 : 7, bias = type == ASH_HALF_F16 ? 15 : 127;
    unsigned mag = code & 0x7fff;
    int exponent = (int)(mag >> mantissa), top = type == ASH_HALF_F16 ? 31 : 255;
    double fraction = (double)(mag & ((1u << mantissa) - 1)), x;
    if (exponent == top)
        x = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        x = ldexp(fraction, 1 - bias - mantissa);
    else
        x = ldexp(fraction + ldexp(1, mantissa), exponent - bias - mantissa);
    return code >> 15 ? -x : x;
}

static unsigned code_of(enum ash_half_type type, double x) {
    unsigned infinite = type == ASH_HALF_F16 ? 0x7c00 : 0x7f80, low = 0, high = infinite;
    unsigned sign = signbit(x) ? 0x8000 : 0;
    double a = fabs(x);
    if (isnan(x)) return sign | infinite | 1;
    if (isinf(x)) return sign | infinite;
    while (high - low > 1) { /* value_of(low) <= a */
        unsigned mid = (low + high) / 2;
        *(value_of(type, mid) <= a ? &low : &high) = mid;
    }
    /* The step that infinity stands for in rounding. */
    double above = high == infinite
                       ? 2 * value_of(type, infinite - 1) - value_of(type, infinite - 2)
                       : value_of(type, high);
    double down = a - value_of(type, low), up = above - a;
    return sign | (up < down || (up == down && low % 2) ? high : low);
}

static double rounded(enum ash_half_type type, double x) {
    return value_of(type, code_of(type, x));
}

static bool widens(const struct job *j) {
    return j->op == ASH_HALF_WIDEN || j->op == ASH_HALF_FINITE;
}

static void compare(const struct job *j) {
    for (size_t i = 0; i < j->n; i++) {
        uint16_t code = 0;
        float x = 0, got;
        if (widens(j))
            memcpy(&code, (const char *)j->x + 2 * i, 2);
        else
            memcpy(&x, (const char *)j->x + 4 * i, 4);
        double want = widens(j) ? value_of(j->type, code) : rounded(j->type, (double)x);
        if (j->op == ASH_HALF_NARROW) {
            memcpy(&code, (const char *)j->y + 2 * i, 2);
            got = (float)value_of(j->type, code);
        } else {
            memcpy(&got, (const char *)j->y + 4 * i, 4);
        }
        if (!chk_same(got, (float)want))
            chk_fail("type %d op %d n %zu at %zu: %a (code %x) gives %a, not %a", (int)j->type,
                     (int)j->op, j->n, i, (double)x, code, (double)got, want);
    }
}

static void check_call(struct job *j, size_t out) {
    size_t bytes = j->n * out;
    j->pool = NULL;
    j->y = chk_buf(1, bytes);
    if (!chk_call(run, j)) return;
    compare(j);
    struct job k = *j;
    k.pool = chk_pool();
    k.y = chk_buf(2, bytes);
    if (j->op == ASH_HALF_ROUND) k.x = memcpy(k.y, j->x, bytes);
    run(&k);
    if (memcmp(k.y, j->y, bytes) != 0) chk_fail("threads or working in place change bits");
}

static void check_case(struct job *j) {
    for (int t = 0; t < ASH_HALF_TYPES; t++) {
        j->type = (enum ash_half_type)t;
        uint16_t *codes = chk_buf(0, 2 * j->n);
        for (size_t i = 0; i < j->n; i++) codes[i] = (uint16_t)(j->n == 65536 ? i : chk_rand());
        j->x = codes;
        j->op = ASH_HALF_WIDEN;
        check_call(j, 4);
        for (size_t i = 0; i < j->n; i++) {
            if (!isfinite(value_of(j->type, codes[i]))) codes[i] = (uint16_t)i & 0x83ff;
        }
        j->op = ASH_HALF_FINITE;
        check_call(j, 4);
        float *x = chk_floats(3, j->n);
        /* Any bits; numbers in float16's range; special ones; and halves of last places. */
        for (size_t i = 0; i < j->n; i++) {
            uint32_t bits = chk_rand();
            if (i % 4 == 1) bits = (bits & 0x83ffffff) + 0x36000000;
            if (i % 4 == 2) bits = (bits & ~0x1fffu) | (i % 8 < 4 ? 0x1000 : 0);
            if (i % 4 == 3) bits = ((bits & 0x83ffffff) + 0x36000000) & ~0xfffu;
            memcpy(&x[i], &bits, 4);
        }
        if (j->n % 3 == 1) chk_fill_special(x, j->n);
        j->x = x;
        j->op = ASH_HALF_NARROW;
        check_call(j, 2);
        j->op = ASH_HALF_ROUND;
        check_call(j, 4);
    }
}

static void bench_row(const struct ash_half_row *row) {
    static const char *const names[] = {"widen", "narrow", "round", "finite"};
    enum { N = 1 << 16 };
    struct job j = {.row = row, .n = N};
    for (int op = 0; op < ASH_HALF_OPS; op++) {
        chk_place(CHK_START);
        float *x = chk_floats(0, N);
        chk_fill(x, N, -4, 4);
        j.x = x;
        j.y = chk_floats(1, N);
        j.op = (enum ash_half_op)op;
        chk_time(names[op], N, "elem", run, &j);
    }
}

static void check_row(const struct ash_half_row *row) {
    struct job j = {.row = row};
    for (int i = 0; i < CHK_TAILS; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        j.n = (size_t)i;
        check_case(&j);
    }
    j.n = 65536; /* every code */
    check_case(&j);
    if (chk_bench()) bench_row(row);
}

void check_half(void);
void check_half(void) {
    for (const struct ash_half_row *const *t = ash_half_tables(); *t; t++) {
        for (const struct ash_half_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r);
        }
    }
}
