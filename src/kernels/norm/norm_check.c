#include "kernels/norm/norm.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <string.h>

/* All three drivers: LAYER x[A][B], GROUP x[A][B][inner], AFFINE x[A][B][inner]. */
enum kind { LAYER, RMS, GROUP, AFFINE, KINDS };

struct job {
    const struct ash_norm_row *row;
    struct ash_pool *pool;
    enum kind kind;
    size_t A, B, G, inner;
    float eps;
    const float *x, *scale, *bias;
    float *y, *mean, *inv;
};

static void run(void *arg) {
    struct job *j = arg;
    switch (j->kind) {
    case GROUP:
        ash_norm_group(j->row, j->pool, j->A, j->B, j->G, j->inner, j->eps, j->x, j->scale, j->bias,
                       j->y);
        break;
    case AFFINE:
        ash_norm_affine(j->row, j->pool, j->A, j->B, j->inner, j->x, j->scale, j->bias, j->y);
        break;
    default:
        ash_norm_layer(j->row, j->pool, j->kind == RMS, j->A, j->B, j->eps, j->x, j->scale, j->bias,
                       j->y, j->mean, j->inv);
    }
}

static void compare(const struct job *j) {
    size_t D = j->kind == GROUP ? j->B / j->G * j->inner : j->B * j->inner;
    size_t runs = j->kind == GROUP ? j->A * j->G : j->A;
    for (size_t r = 0; r < runs; r++) {
        double mean = 0, var = 0, inv = 1;
        const float *x = j->x + r * D;
        for (size_t i = 0; i < D; i++) mean += (double)x[i] / (double)D;
        if (j->kind == RMS || j->kind == AFFINE) mean = 0;
        for (size_t i = 0; i < D; i++) var += ((double)x[i] - mean) * ((double)x[i] - mean);
        if (j->kind != AFFINE) inv = 1 / sqrt(var / (double)D + (double)j->eps);
        double rough = fabs(mean); /* what float32 can make of the mean */
        for (size_t i = 0; i < D; i++) {
            size_t c = (r * D + i) / j->inner % j->B;
            double s = j->scale ? (double)j->scale[c] : 1, b = j->bias ? (double)j->bias[c] : 0;
            double want = ((double)x[i] - mean) * inv * s + b;
            double mag = inv * (fabs((double)x[i]) + rough) * fabs(s) + fabs(b);
            float got = j->y[r * D + i];
            if (!isnan(mag) && mag > 1e30) continue;
            if (!chk_bound(got, want, mag, (double)D + 8))
                chk_fail("kind %d D %zu at %zu: %g, not %g", j->kind, D, i, (double)got, want);
        }
        if (j->mean && (!chk_bound(j->mean[r], mean, fabs(mean) + 1 / inv, (double)D + 2)))
            chk_fail("mean %g, not %g", (double)j->mean[r], mean);
    }
}

static void check_case(struct job *j, const struct ash_norm_row *ref, int i) {
    size_t n = j->A * j->B * j->inner;
    chk_place((enum chk_place)(i % CHK_PLACES));
    float *x = chk_floats(0, n), *scale = chk_floats(2, j->B), *bias = chk_floats(3, j->B);
    chk_fill(x, n, -2, 2);
    if (i % 7 == 3) chk_fill(x, n, 1000, 1001);
    if (i % 7 == 5 && n) x[chk_below(n)] = i % 2 ? NAN : INFINITY;
    chk_fill(scale, j->B, -2, 2);
    chk_fill(bias, j->B, -2, 2);
    j->x = x;
    j->scale = i % 3 ? scale : NULL;
    j->bias = i % 5 ? bias : NULL;
    j->y = chk_floats(1, n);
    j->mean = j->kind == LAYER && i % 2 ? chk_floats(4, j->A) : NULL;
    j->inv = j->mean ? chk_floats(5, j->A) : NULL;
    j->eps = 1e-5f;
    j->pool = NULL;
    if (!chk_call(run, j)) return;
    compare(j);
    struct job k = *j;
    k.y = chk_floats(6, n);
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

static void check_row(const struct ash_norm_row *row, const struct ash_norm_row *ref) {
    for (int i = 0; i < 4 * CHK_TAILS; i++) {
        struct job j = {.row = row, .kind = (enum kind)(i % KINDS), .inner = 1};
        j.A = 1 + chk_below(4);
        j.B = (size_t)i / 4;
        if (j.kind == GROUP) {
            j.G = 1 + chk_below(3);
            j.B = j.G * (1 + chk_below(4));
        }
        if (j.kind >= GROUP && chk_below(2)) j.inner = 1 + chk_below(40);
        check_case(&j, ref, i / 4);
    }
    struct job big = {.row = row, .kind = LAYER, .A = 50, .B = 9001, .inner = 1};
    check_case(&big, ref, 1);
    if (!chk_bench()) return;
    struct job b = {.row = row, .kind = LAYER, .A = 128, .B = 384, .inner = 1, .eps = 1e-5f};
    float *x = chk_floats(0, 128 * 384), *s = chk_floats(2, 384);
    chk_fill(x, 128 * 384, -4, 4);
    chk_fill(s, 384, -4, 4);
    b.x = x;
    b.scale = b.bias = s;
    b.y = chk_floats(1, 128 * 384);
    chk_time("layer 128x384", 128 * 384, "elem", run, &b);
}

void check_norm(void);
void check_norm(void) {
    const struct ash_norm_row *ref = NULL;
    for (const struct ash_norm_row *const *t = ash_norm_tables(); *t; t++) ref = *t;
    for (const struct ash_norm_row *const *t = ash_norm_tables(); *t; t++) {
        for (const struct ash_norm_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
