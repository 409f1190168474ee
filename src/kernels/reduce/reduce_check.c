#include "kernels/reduce/reduce.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>

struct job {
    const struct ash_reduce_row *row;
    struct ash_pool *pool;
    enum ash_reduce op;
    int rank;
    size_t dim[8];
    bool reduced[8];
    float *x, *y;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_reduce_f32(j->row, j->pool, j->op, j->rank, j->dim, j->reduced, j->x, j->y);
}

static double fold(enum ash_reduce op, double a, double x) {
    switch (op) {
    case ASH_REDUCE_MAX:
        return isnan(a) || isnan(x) ? NAN : fmax(a, x);
    case ASH_REDUCE_MIN:
        return isnan(a) || isnan(x) ? NAN : fmin(a, x);
    case ASH_REDUCE_PROD:
        return a * x;
    case ASH_REDUCE_SUMSQ:
    case ASH_REDUCE_L2:
        return a + x * x;
    case ASH_REDUCE_L1:
        return a + fabs(x);
    default:
        return a + x;
    }
}

/* Output `o` and the sum of magnitudes, by walking the whole input. */
static double oracle(const struct job *j, size_t o, double *mag, double *count) {
    double a = (double)ash_reduce_identity(j->op);
    size_t total = 1;
    for (int i = 0; i < j->rank; i++) total *= j->dim[i];
    *mag = *count = 0;
    for (size_t e = 0; e < total; e++) {
        size_t rest = e, at = 0, step = 1;
        for (int i = j->rank; i-- > 0; rest /= j->dim[i]) {
            if (j->reduced[i]) continue;
            at += rest % j->dim[i] * step;
            step *= j->dim[i];
        }
        if (at != o) continue;
        double x = (double)j->x[e];
        a = fold(j->op, a, x);
        *mag += j->op == ASH_REDUCE_SUMSQ ? x * x : fabs(x);
        *count += 1;
    }
    if (j->op == ASH_REDUCE_MEAN) {
        a /= *count;
        *mag /= *count;
    }
    return j->op == ASH_REDUCE_L2 ? sqrt(a) : a;
}

static void check_case(struct job *j, const struct ash_reduce_row *ref, bool special, int place) {
    size_t nx = 1, ny = 1;
    for (int i = 0; i < j->rank; i++) {
        nx *= j->dim[i];
        if (!j->reduced[i]) ny *= j->dim[i];
    }
    chk_place((enum chk_place)(place % CHK_PLACES));
    j->x = chk_floats(0, nx);
    if (special) {
        chk_fill_special(j->x, nx);
    } else {
        chk_fill(j->x, nx, j->op == ASH_REDUCE_PROD ? 0.8f : -1.0f, 1.2f);
    }
    float *got = j->y = chk_floats(1, ny);
    j->pool = NULL;
    if (!chk_call(run, j)) return;
    for (size_t o = 0; o < ny && o < 40; o++) {
        double mag, count, want = oracle(j, o, &mag, &count);
        bool ok = j->op == ASH_REDUCE_MAX || j->op == ASH_REDUCE_MIN
                      ? (isnan(want) ? isnan(got[o]) : (double)got[o] == want)
                  : j->op == ASH_REDUCE_PROD || j->op == ASH_REDUCE_L2
                      ? chk_ulp(got[o], want, count + 2)
                      : chk_bound(got[o], want, mag, count + 1);
        /* Sums of huge numbers may overflow on the way or not: only finite ones are compared. */
        if (special && !isnan(want) && (isinf(got[o]) || fabs(want) > 1e37 || mag > 1e37))
            ok = true;
        if (special && isnan(got[o]) && mag > 1e37) ok = true;
        if (special && j->op == ASH_REDUCE_PROD && !isnan(want)) ok = true;
        if (j->op == ASH_REDUCE_L2 && want < 1e-18) ok = true; /* squares underflow */
        if (!ok)
            chk_fail("op %d rank %d dims %zu %zu %zu at %zu: %g, not %g", j->op, j->rank, j->dim[0],
                     j->dim[1], j->dim[2], o, (double)got[o], want);
    }
    struct job k = *j;
    k.y = chk_floats(2, ny);
    k.pool = chk_pool();
    run(&k);
    if (chk_diff(k.y, got, ny) != ny) chk_fail("op %d: threads change bits", j->op);
    if (!chk_fused(j->row->cpu)) return;
    k.row = ref;
    run(&k);
    if (chk_diff(k.y, got, ny) != ny && !special)
        chk_fail("op %d: not the reference's bits", j->op);
}

static void check_row(const struct ash_reduce_row *row, const struct ash_reduce_row *ref) {
    for (int op = 0; op < ASH_REDUCE_COUNT; op++) {
        struct job j = {.row = row, .op = (enum ash_reduce)op, .rank = 2};
        for (size_t n = 0; n < CHK_TAILS; n++) {
            j.reduced[0] = n % 2;
            j.reduced[1] = !j.reduced[0];
            j.dim[0] = n % 4 < 2 ? n : 3;
            j.dim[1] = n % 4 < 2 ? 3 : n;
            check_case(&j, ref, n % 5 == 4, (int)n);
        }
        for (int i = 0; i < 60; i++) {
            j.rank = (int)chk_below(7);
            for (int k = 0; k < j.rank; k++) {
                j.dim[k] = 1 + chk_below(6);
                j.reduced[k] = chk_below(2);
            }
            check_case(&j, ref, i % 5 == 4, i);
        }
        struct job big = {.row = row,
                          .op = (enum ash_reduce)op,
                          .rank = 3,
                          .dim = {2, 9001, 3},
                          .reduced = {false, true, op % 2}};
        check_case(&big, ref, false, op);
    }
    if (!chk_bench()) return;
    struct job b = {.row = row, .rank = 2, .dim = {128, 1024}, .reduced = {false, true}};
    b.x = chk_floats(0, 128 * 1024);
    b.y = chk_floats(1, 1024);
    chk_fill(b.x, 128 * 1024, -1, 1);
    chk_time("sum rows 128x1024", 128 * 1024, "elem", run, &b);
    b.reduced[0] = true;
    b.reduced[1] = false;
    chk_time("sum columns 128x1024", 128 * 1024, "elem", run, &b);
}

void check_reduce(void);
void check_reduce(void) {
    const struct ash_reduce_row *ref = NULL;
    for (const struct ash_reduce_row *const *t = ash_reduce_tables(); *t; t++) ref = *t;
    for (const struct ash_reduce_row *const *t = ash_reduce_tables(); *t; t++) {
        for (const struct ash_reduce_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
