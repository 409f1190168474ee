#include "kernels/pooling/pooling.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>

struct job {
    const struct ash_pooling_row *row;
    struct ash_pool *pool;
    enum ash_pooling op;
    struct ash_pooling_shape s;
    const float *x;
    float *y;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_pooling_f32(j->row, j->pool, j->op, &j->s, j->x, j->y);
}

static double oracle(const struct job *j, size_t n, const size_t o[3], size_t c, double *mag) {
    const struct ash_pooling_shape *s = &j->s;
    double sum = 0, max = -INFINITY;
    size_t count = 0;
    *mag = 0;
    for (size_t t = 0; t < s->K[0] * s->K[1] * s->K[2]; t++) {
        size_t k[3] = {t / s->K[2] / s->K[1], t / s->K[2] % s->K[1], t % s->K[2]}, at = n;
        bool inside = true, padded = true;
        for (int i = 0; i < 3; i++) {
            size_t p = o[i] * s->S[i] + k[i] * s->L[i];
            inside = inside && p >= s->P[i] && p < s->P[i] + s->X[i];
            padded = padded && p < s->P[i] + s->X[i] + s->Q[i];
            at = at * s->X[i] + p - s->P[i];
        }
        if (s->count_pad ? padded : inside) count++;
        if (!inside) continue;
        double v = (double)j->x[at * s->C + c];
        sum += v;
        *mag += fabs(v);
        max = isnan(v) || isnan(max) ? NAN : fmax(max, v);
    }
    *mag /= (double)count;
    return j->op == ASH_POOLING_MAX ? max : sum / (double)count;
}

static void compare(const struct job *j) {
    const struct ash_pooling_shape *s = &j->s;
    size_t positions = s->N * s->Y[0] * s->Y[1] * s->Y[2];
    double taps = (double)(s->K[0] * s->K[1] * s->K[2]);
    for (size_t e = 0; e < positions * s->C; e++) {
        size_t p = e / s->C,
               o[3] = {p / s->Y[2] / s->Y[1] % s->Y[0], p / s->Y[2] % s->Y[1], p % s->Y[2]};
        double mag, want = oracle(j, p / s->Y[2] / s->Y[1] / s->Y[0], o, e % s->C, &mag);
        bool ok = j->op == ASH_POOLING_AVERAGE ? chk_bound(j->y[e], want, mag, taps + 1)
                  : isnan(want)                ? isnan(j->y[e])
                                               : (double)j->y[e] == want;
        if (!ok && !(mag > 1e37)) {
            chk_fail("op %d C %zu at %zu: %g, not %g", j->op, s->C, e, (double)j->y[e], want);
            return;
        }
    }
}

/* With gaps between positions, which stay as they are; j.y holds what is right. */
static void check_gaps(struct job j, size_t positions) {
    const size_t C = j.s.C, step = C + 3;
    const float *dense = j.y;
    j.s.y_step = step;
    j.y = chk_floats(2, positions * step);
    for (size_t k = 0; k < positions * step; k++) j.y[k] = 7;
    run(&j);
    for (size_t k = 0; k < positions; k++) {
        const float *y = j.y + k * step;
        bool left = y[C] == 7 && y[C + 1] == 7 && y[C + 2] == 7;
        if (left && chk_diff(y, dense + k * C, C) == C) continue;
        chk_fail("gaps change bits, or are changed");
        return;
    }
}

static void check_case(struct job *j, const struct ash_pooling_row *ref, int i) {
    struct ash_pooling_shape *s = &j->s;
    size_t nx = s->N * s->C, ny = s->N * s->C;
    for (int k = 0; k < 3; k++) {
        nx *= s->X[k];
        ny *= s->Y[k];
    }
    chk_place((enum chk_place)(i % CHK_PLACES));
    float *x = chk_floats(0, nx);
    if (i % 4 == 3) {
        chk_fill_special(x, nx);
    } else {
        chk_fill(x, nx, -1, 1);
    }
    j->x = x;
    j->y = chk_floats(1, ny);
    j->pool = NULL;
    if (!chk_call(run, j)) return;
    compare(j);
    struct job k = *j;
    k.y = chk_floats(2, ny);
    k.pool = chk_pool();
    run(&k);
    if (chk_diff(k.y, j->y, ny) != ny) chk_fail("threads change bits");
    if (s->C) check_gaps(*j, ny / s->C);
    if (!chk_fused(j->row->cpu)) return;
    k.row = ref;
    run(&k);
    if (chk_diff(k.y, j->y, ny) != ny) chk_fail("not the reference's bits");
}

static void random_shape(struct ash_pooling_shape *s) {
    for (int k = 0; k < 3; k++) {
        bool used = k > 0 || chk_below(4) == 0;
        s->K[k] = used ? 1 + chk_below(4) : 1;
        s->X[k] = used ? 1 + chk_below(9) : 1;
        s->S[k] = used ? 1 + chk_below(3) : 1;
        s->L[k] = used ? 1 + chk_below(2) : 1;
        size_t extent = (s->K[k] - 1) * s->L[k] + 1;
        s->P[k] = used ? chk_below(s->K[k]) : 0;
        s->Q[k] = used ? chk_below(s->K[k]) : 0;
        while (s->X[k] + s->P[k] + s->Q[k] < extent) s->X[k]++;
        size_t room = s->X[k] + s->P[k] + s->Q[k] - extent;
        s->Y[k] = room / s->S[k] + 1;
        /* ceil mode: one more, unless it would start in the padding at the end */
        if (chk_below(2) && room % s->S[k] && s->Y[k] * s->S[k] < s->X[k] + s->P[k]) s->Y[k]++;
    }
}

struct global {
    const struct ash_pooling_row *row;
    struct ash_pool *pool;
    enum ash_pooling op;
    size_t N, positions, C;
    const float *x;
    float *y;
};

static void run_global(void *arg) {
    struct global *g = arg;
    ash_pooling_global(g->row, g->pool, g->op, g->N, g->positions, g->C, g->x, g->y);
}

/* Against sums in double: as far as a few short sums may be, not one long one. */
static void compare_global(const struct global *g) {
    double terms = (double)(g->positions < 128 ? g->positions : 128) + (double)g->positions / 128;
    for (size_t e = 0; e < g->N * g->C; e++) {
        const float *x = g->x + e / g->C * g->positions * g->C + e % g->C;
        double sum = 0, mag = 0, max = -INFINITY;
        for (size_t p = 0; p < g->positions; p++) {
            double v = (double)x[p * g->C];
            sum += v;
            mag += fabs(v);
            max = fmax(max, v);
        }
        double count = (double)g->positions, got = (double)g->y[e];
        bool ok = g->op == ASH_POOLING_MAX
                      ? got == max
                      : chk_bound(g->y[e], sum / count, mag / count, terms + 1);
        if (ok) continue;
        chk_fail("global op %d C %zu of %zu at %zu: %g", g->op, g->C, g->positions, e, got);
        return;
    }
}

static void check_global(const struct ash_pooling_row *row, const struct ash_pooling_row *ref,
                         size_t C) {
    size_t positions = C % 3 ? 1 + chk_below(50) : 100 + chk_below(600);
    struct global g = {row, NULL, (enum ash_pooling)(C % 2), 2, positions, C, NULL, NULL};
    float *x = chk_floats(0, 2 * g.positions * C), *y;
    chk_fill(x, 2 * g.positions * C, -1, 1);
    g.x = x;
    g.y = y = chk_floats(1, 2 * C);
    if (!chk_call(run_global, &g)) return;
    compare_global(&g);
    g.pool = chk_pool();
    g.y = chk_floats(2, 2 * C);
    run_global(&g);
    if (chk_diff(g.y, y, 2 * C) != 2 * C) chk_fail("threads change bits");
    if (!chk_fused(row->cpu)) return;
    g.row = ref;
    run_global(&g);
    if (chk_diff(g.y, y, 2 * C) != 2 * C) chk_fail("not the reference's bits");
}

void check_pooling(void);
void check_pooling(void) {
    const struct ash_pooling_row *ref = NULL;
    for (const struct ash_pooling_row *const *t = ash_pooling_tables(); *t; t++) ref = *t;
    for (const struct ash_pooling_row *const *t = ash_pooling_tables(); *t; t++) {
        for (const struct ash_pooling_row *r = *t; r->name; r++) {
            if (!chk_begin(r->name, r->cpu)) continue;
            for (size_t i = 0; i < 300; i++) {
                struct job j = {.row = r, .op = (enum ash_pooling)(i % 2)};
                random_shape(&j.s);
                j.s.N = 1 + chk_below(2);
                j.s.C = i < CHK_TAILS ? i : 1 + chk_below(9);
                j.s.count_pad = i / 2 % 2;
                check_case(&j, ref, (int)i);
                if (i < CHK_TAILS) check_global(r, ref, i);
            }
        }
    }
}
