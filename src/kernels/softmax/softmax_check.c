#include "kernels/softmax/softmax.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <string.h>

struct job {
    const struct ash_softmax_row *row;
    struct ash_pool *pool;
    bool log;
    size_t outer, D, inner;
    const float *x;
    float *y;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_softmax_f32(j->row, j->pool, j->log, j->outer, j->D, j->inner, j->x, j->y);
}

static void compare(const struct job *j) {
    double D = (double)j->D;
    for (size_t r = 0; r < j->outer * j->inner; r++) {
        size_t at = r / j->inner * j->D * j->inner + r % j->inner;
        double max = -INFINITY, sum = 0;
        for (size_t d = 0; d < j->D; d++) max = fmax(max, (double)j->x[at + d * j->inner]);
        for (size_t d = 0; d < j->D; d++) sum += exp((double)j->x[at + d * j->inner] - max);
        for (size_t d = 0; d < j->D; d++) {
            double t = (double)j->x[at + d * j->inner] - max;
            float got = j->y[at + d * j->inner];
            double want = j->log ? t - log(sum) : exp(t) / sum;
            bool ok = j->log ? chk_bound(got, want, fmax(1, fabs(want)), 4 + D / 16)
                             : chk_ulp(got, want, 6 + D / 16 + fmin(fabs(t), 104));
            if (!ok)
                chk_fail("log %d D %zu inner %zu at %zu: %g, not %g", j->log, j->D, j->inner, d,
                         (double)got, want);
        }
    }
}

static void fill(float *x, size_t n, int i) {
    if (i % 4 == 1) {
        chk_fill_special(x, n);
        return;
    }
    chk_fill(x, n, -10, 10);
    for (size_t k = 0; i % 4 == 2 && k < n; k += 1 + chk_below(3)) x[k] = -INFINITY;
    if (i % 8 == 3) chk_fill(x, n, -200, 200);
}

static void check_case(struct job *j, const struct ash_softmax_row *ref, int i) {
    size_t n = j->outer * j->D * j->inner;
    chk_place((enum chk_place)(i % CHK_PLACES));
    float *x = chk_floats(0, n);
    fill(x, n, i);
    j->x = x;
    j->y = chk_floats(1, n);
    j->pool = NULL;
    if (!chk_call(run, j)) return;
    compare(j);
    struct job k = *j;
    k.y = chk_floats(2, n);
    k.pool = chk_pool();
    memcpy(k.y, x, n * sizeof *x);
    k.x = k.y;
    run(&k);
    if (chk_diff(k.y, j->y, n) != n) chk_fail("threads or working in place change bits");
    if (!chk_fused(j->row->cpu)) return;
    k.x = x;
    k.row = ref;
    run(&k);
    if (chk_diff(k.y, j->y, n) != n) chk_fail("not the reference's bits");
}

static void check_row(const struct ash_softmax_row *row, const struct ash_softmax_row *ref) {
    for (int i = 0; i < 4 * CHK_TAILS; i++) {
        struct job j = {.row = row, .log = i / 2 % 2, .D = (size_t)i / 4};
        j.outer = 1 + chk_below(3);
        j.inner = chk_below(2) ? 1 : 1 + chk_below(20);
        check_case(&j, ref, i);
    }
    struct job many = {.row = row, .outer = 200, .D = 77, .inner = 1};
    check_case(&many, ref, 0);
    if (!chk_bench()) return;
    struct job b = {.row = row, .outer = 12 * 128, .D = 128, .inner = 1};
    float *x = chk_floats(0, 12 * 128 * 128);
    chk_fill(x, 12 * 128 * 128, -4, 4);
    b.x = x;
    b.y = chk_floats(1, 12 * 128 * 128);
    chk_time("12x128x128", 12 * 128 * 128, "elem", run, &b);
}

void check_softmax(void);
void check_softmax(void) {
    const struct ash_softmax_row *ref = NULL;
    for (const struct ash_softmax_row *const *t = ash_softmax_tables(); *t; t++) ref = *t;
    for (const struct ash_softmax_row *const *t = ash_softmax_tables(); *t; t++) {
        for (const struct ash_softmax_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
