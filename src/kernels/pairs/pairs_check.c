#include "kernels/pairs/pairs.h"

#include "check/check.h"

struct job {
    const struct ash_pairs_row *row;
    struct ash_pairs p;
};

static void run(void *arg) {
    struct job *j = arg;
    j->row->run(&j->p);
}

static void compare(const struct ash_pairs *p, const float *y) {
    for (size_t at = 0; at < p->m * p->n; at++) {
        size_t i = at / p->n, c = at % p->n;
        double sum = 0, most = 0;
        for (size_t k = 0; k < p->k; k++) {
            double a = (double)p->x[i * p->ldx + k], b = (double)y[c * p->k + k];
            double term = p->distances ? (a - b) * (a - b) : a * b;
            sum += term;
            most += term < 0 ? -term : term;
        }
        /* A difference errs by eps / 2 of itself, its square by eps. */
        if (!chk_bound(p->to[i * p->ldto + c], sum, most, (double)p->k + 2))
            chk_fail("distances %d m %zu n %zu k %zu at %zu, %zu: %g, not %g", p->distances, p->m,
                     p->n, p->k, i, c, (double)p->to[i * p->ldto + c], sum);
    }
}

static void check_case(struct job *j, const struct ash_pairs_row *ref, int i) {
    struct ash_pairs *p = &j->p;
    chk_place((enum chk_place)(i % CHK_PLACES));
    size_t last = p->m - 1;
    float *x = chk_floats(0, last * p->ldx + p->k), *y = chk_floats(1, p->n * p->k);
    float *packed = chk_floats(2, ash_pairs_packed(p->n, p->k));
    chk_fill(x, last * p->ldx + p->k, -3, 3);
    chk_fill(y, p->n * p->k, -3, 3);
    ash_pairs_pack(p->n, p->k, y, packed);
    p->x = x;
    p->y = packed;
    p->to = chk_floats(3, last * p->ldto + p->n);
    if (!chk_call(run, j)) return;
    compare(p, y);
    float *to = p->to;
    struct job k = *j;
    k.p.to = chk_scratch(4, (last * p->ldto + p->n) * sizeof(float));
    for (size_t r = 0; r < p->m; r++) { /* row by row */
        k.p.m = 1;
        k.p.x = x + r * p->ldx;
        if (chk_fused(j->row->cpu)) k.row = ref;
        run(&k);
        if (chk_diff(k.p.to, to + r * p->ldto, p->n) != p->n)
            chk_fail("distances %d n %zu k %zu: row %zu alone has other bits", p->distances, p->n,
                     p->k, r);
    }
}

struct dot {
    const struct ash_pairs_row *row;
    size_t n;
    const float *x, *y;
    float got;
};

static void run_dot(void *arg) {
    struct dot *d = arg;
    d->got = d->row->dot(d->n, d->x, d->y);
}

static void check_dot(const struct ash_pairs_row *row, const struct ash_pairs_row *ref, size_t n) {
    struct dot d = {.row = row, .n = n};
    double sum = 0, most = 0;
    chk_place((enum chk_place)(n % CHK_PLACES));
    float *x = chk_floats(0, n), *y = chk_floats(1, n);
    chk_fill(x, n, -3, 3);
    chk_fill(y, n, -3, 3);
    d.x = x;
    d.y = y;
    for (size_t i = 0; i < n; i++) {
        double term = (double)x[i] * (double)y[i];
        sum += term;
        most += term < 0 ? -term : term;
    }
    if (!chk_call(run_dot, &d)) return;
    if (!chk_bound(d.got, sum, most, (double)n + 1))
        chk_fail("dot of %zu: %g, not %g", n, (double)d.got, sum);
    if (chk_fused(row->cpu) && !chk_same(d.got, ref->dot(n, x, y)))
        chk_fail("dot of %zu: not the reference's bits", n);
}

static void check_row(const struct ash_pairs_row *row, const struct ash_pairs_row *ref) {
    for (size_t n = 0; n < CHK_TAILS; n++) check_dot(row, ref, n);
    for (int i = 0; i < 4 * CHK_TAILS; i++) {
        struct job j = {.row = row};
        j.p = (struct ash_pairs){.distances = i % 2, .m = 1 + chk_below(20)};
        j.p.n = i % 3 ? (size_t)i / 4 + 1 : 1 + chk_below(300);
        j.p.k = i % 5 ? 1 + chk_below(40) : (size_t)i % 3;
        j.p.ldx = j.p.k + chk_below(3);
        j.p.ldto = j.p.n + chk_below(3);
        check_case(&j, ref, i);
    }
}

void check_pairs(void);
void check_pairs(void) {
    const struct ash_pairs_row *ref = NULL;
    for (const struct ash_pairs_row *const *t = ash_pairs_tables(); *t; t++) ref = *t;
    for (const struct ash_pairs_row *const *t = ash_pairs_tables(); *t; t++) {
        for (const struct ash_pairs_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
