#include "kernels/resize/resize.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>

enum { X_SLOT, Y_SLOT, AGAIN_SLOT, SCRATCH_SLOT, TABLE_SLOT /* four */ };

struct job {
    const struct ash_resize_row *row; /* NULL: copies */
    struct ash_pool *pool;
    struct ash_resize_shape s;
    const float *x;
    float *y;
    void *scratch;
};

static void run(void *arg) {
    struct job *j = arg;
    if (j->row)
        ash_resize_f32(j->row, j->pool, &j->s, j->x, j->y, j->scratch);
    else
        ash_resize_copy(j->pool, &j->s, j->x, j->y);
}

/* Random positions and weights; `same`: the dimension stays as it is. */
static void random_axis(struct ash_resize_axis *a, size_t out, bool same, int slot) {
    a->in = same ? out : 1 + chk_below(30);
    a->out = out;
    a->taps = same ? 1 : 1 + chk_below(a->in < 6 ? a->in : 6);
    int32_t *at = chk_buf(slot, out * a->taps * sizeof *at);
    float *w = chk_floats(slot + 1, out * a->taps);
    for (size_t o = 0; o < out; o++) {
        size_t first = same ? o : chk_below(a->in - a->taps + 1);
        for (size_t t = 0; t < a->taps; t++) at[t * out + o] = (int32_t)(first + t);
    }
    chk_fill(w, out * a->taps, -1, 1);
    a->at = at;
    a->w = same ? NULL : w;
}

static double weight(const struct ash_resize_axis *a, size_t t, size_t o) {
    return a->w ? (double)a->w[t * a->out + o] : 1.0;
}

static bool right(const struct job *j, size_t at) {
    const struct ash_resize_shape *s = &j->s;
    size_t i = at % s->inner, ox = at / s->inner % s->w.out;
    size_t oy = at / s->inner / s->w.out % s->h.out, n = at / s->inner / s->w.out / s->h.out;
    double sum = 0, magnitude = 0;
    for (size_t t = 0; t < s->h.taps; t++) {
        for (size_t u = 0; u < s->w.taps; u++) {
            size_t y = (size_t)s->h.at[oy] + t, x = (size_t)s->w.at[ox] + u;
            float v = j->x[((n * s->h.in + y) * s->w.in + x) * s->inner + i];
            if (!j->row) return chk_same(j->y[at], v);
            double product = weight(&s->h, t, oy) * weight(&s->w, u, ox) * (double)v;
            sum += product;
            magnitude += fabs(product);
        }
    }
    return chk_bound(j->y[at], sum, magnitude, (double)(s->h.taps + s->w.taps));
}

/* Copies with gaps between positions, which stay as they are; j.y holds what is right. */
static void check_gaps(struct job j, size_t positions) {
    const size_t inner = j.s.inner, step = inner + 2;
    const float *dense = j.y;
    j.s.y_step = step;
    j.y = chk_floats(AGAIN_SLOT, positions * step);
    for (size_t k = 0; k < positions * step; k++) j.y[k] = 7;
    run(&j);
    for (size_t k = 0; k < positions; k++) {
        const float *y = j.y + k * step;
        bool left = y[inner] == 7 && y[inner + 1] == 7;
        if (left && chk_diff(y, dense + k * inner, inner) == inner) continue;
        chk_fail("gaps change bits, or are changed");
        return;
    }
}

static void check_case(struct job *j, const struct ash_resize_row *ref, int i) {
    struct ash_resize_shape *s = &j->s;
    chk_place((enum chk_place)(i % CHK_PLACES));
    s->outer = 1 + chk_below(3);
    s->inner = i % 2 ? 1 : (size_t)i / 4 % CHK_TAILS + 1;
    random_axis(&s->h, 1 + chk_below(9), chk_below(5) == 0, TABLE_SLOT);
    random_axis(&s->w, i % 2 ? (size_t)i / 4 % CHK_TAILS + 1 : 1 + chk_below(9), chk_below(5) == 0,
                TABLE_SLOT + 2);
    size_t nx = s->outer * s->h.in * s->w.in * s->inner;
    size_t ny = s->outer * s->h.out * s->w.out * s->inner;
    if (!s->h.w && !s->w.w) j->row = NULL; /* copies are for that */
    float *x = chk_floats(X_SLOT, nx);
    chk_fill(x, nx, -1, 1);
    j->x = x;
    j->y = chk_floats(Y_SLOT, ny);
    j->scratch = chk_scratch(SCRATCH_SLOT, ash_resize_scratch(s, 3));
    if (!chk_call(run, j)) return;
    for (size_t at = 0; at < ny; at++) {
        if (right(j, at)) continue;
        chk_fail("%zux%zu -> %zux%zu inner %zu at %zu: %g", s->h.in, s->w.in, s->h.out, s->w.out,
                 s->inner, at, (double)j->y[at]);
        return;
    }
    struct job k = *j;
    k.y = chk_floats(AGAIN_SLOT, ny);
    k.pool = chk_pool();
    run(&k);
    if (chk_diff(k.y, j->y, ny) != ny) chk_fail("threads change bits");
    if (!j->row) check_gaps(*j, ny / s->inner);
    if (!j->row || !chk_fused(j->row->cpu)) return;
    k.row = ref;
    run(&k);
    if (chk_diff(k.y, j->y, ny) != ny) chk_fail("not the reference's bits");
}

/* ---- at any positions ---- */

struct sampling {
    const struct ash_resize_row *row;
    struct ash_pool *pool;
    struct ash_sample s;
};

static void run_sample(void *arg) {
    struct sampling *j = arg;
    ash_sample_f32(j->row, j->pool, &j->s);
}

static bool right_sample(const struct ash_sample *s, size_t c, size_t p) {
    double sum = 0, magnitude = 0;
    for (size_t t = 0; t < s->taps; t++) {
        int32_t at = s->at[t * s->points + p];
        if (at < 0) continue;
        double v = (double)s->w[t * s->points + p] * (double)s->x[c * s->x_plane + (size_t)at];
        sum += v;
        magnitude += fabs(v);
    }
    return chk_bound(s->y[c * s->y_plane + p], sum, magnitude, (double)s->taps);
}

static void check_sample(const struct ash_resize_row *row, const struct ash_resize_row *ref,
                         size_t i) {
    struct ash_sample s = {.C = 1 + chk_below(70), .points = i, .taps = 1 + chk_below(16)};
    size_t plane = 1 + chk_below(40), count = s.points * s.taps;
    chk_place((enum chk_place)(i % CHK_PLACES));
    s.x_plane = plane;
    s.y_plane = s.points + chk_below(3);
    size_t ny = s.points ? (s.C - 1) * s.y_plane + s.points : 0;
    float *x = chk_floats(X_SLOT, s.C * plane), *w = chk_floats(TABLE_SLOT + 1, count);
    int32_t *at = chk_buf(TABLE_SLOT, count * sizeof *at);
    float *y = chk_floats(Y_SLOT, ny), *again = chk_floats(AGAIN_SLOT, ny);
    chk_fill(x, s.C * plane, -1, 1);
    chk_fill(w, count, -1, 1);
    for (size_t k = 0; k < count; k++) at[k] = (int32_t)chk_below(plane + 1) - 1;
    for (size_t k = 0; k < ny; k++) y[k] = again[k] = 0;
    s.x = x;
    s.w = w;
    s.at = at;
    s.y = y;
    struct sampling j = {.row = row, .s = s};
    if (!chk_call(run_sample, &j)) return;
    for (size_t k = 0; k < s.C * s.points; k++) {
        if (right_sample(&s, k / s.points, k % s.points)) continue;
        chk_fail("%zu points, %zu taps, %zu planes of %zu at %zu", s.points, s.taps, s.C, plane, k);
        return;
    }
    j.s.y = again;
    j.pool = chk_pool();
    run_sample(&j);
    if (chk_diff(again, y, ny) != ny) chk_fail("threads change bits");
    if (!chk_fused(row->cpu)) return;
    j.row = ref;
    run_sample(&j);
    if (chk_diff(again, y, ny) != ny) chk_fail("not the reference's bits");
}

void check_resize(void);
void check_resize(void) {
    const struct ash_resize_row *ref = NULL;
    for (const struct ash_resize_row *const *t = ash_resize_tables(); *t; t++) ref = *t;
    for (const struct ash_resize_row *const *t = ash_resize_tables(); *t; t++) {
        for (const struct ash_resize_row *r = *t; r->name; r++) {
            if (!chk_begin(r->name, r->cpu)) continue;
            for (int i = 0; i < 4 * CHK_TAILS; i++) {
                struct job j = {.row = i % 8 < 6 ? r : NULL};
                check_case(&j, ref, i);
            }
            for (size_t i = 0; i < CHK_TAILS; i++) check_sample(r, ref, i % 10 ? i : 5 * i);
        }
    }
}
