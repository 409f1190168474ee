#include "kernels/affine/affine.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>

struct job {
    const struct ash_affine_row *row;
    struct ash_pool *pool;
    struct ash_act_f32 act;
    size_t R, C;
    const float *x, *scale, *shift;
    float *y;
};

static void run(void *arg) {
    const struct job *j = arg;
    ash_affine_f32(j->row, j->pool, j->act, j->R, j->C, j->x, j->scale, j->shift, j->y);
}

/* A product and a sum of two floats are exact enough in double to be rounded once more. */
static float sum_of(const struct job *j, float x, size_t c) {
    float product = (float)((double)x * (double)j->scale[c]);
    return (float)((double)product + (double)j->shift[c]);
}

static bool right(const struct job *j, float got, float sum) {
    switch (j->act.kind) {
    case ASH_ACT_RELU:
        return chk_same(got, sum < 0 ? 0 : sum) || (sum == 0 && got == 0);
    case ASH_ACT_CLIP:
        return chk_same(got, sum < j->act.a ? j->act.a : sum > j->act.b ? j->act.b : sum);
    case ASH_ACT_SIGMOID:
        return chk_ulp(got, 1 / (1 + exp(-(double)sum)), 4);
    default:
        return chk_same(got, sum);
    }
}

static void check_case(struct job *j, const struct ash_affine_row *ref, int i) {
    size_t n = j->R * j->C;
    chk_place((enum chk_place)(i % CHK_PLACES));
    float *x = chk_floats(0, n), *y = chk_floats(1, n), *same = chk_floats(2, n);
    float *scale = chk_floats(3, j->C), *shift = chk_floats(4, j->C);
    if (i % 5 == 4)
        chk_fill_special(x, n);
    else
        chk_fill(x, n, -4, 4);
    chk_fill(scale, j->C, -2, 2);
    chk_fill(shift, j->C, -1, 1);
    for (size_t k = 0; k < n; k++) same[k] = x[k];
    j->x = x;
    j->scale = scale;
    j->shift = shift;
    j->y = y;
    if (!chk_call(run, j)) return;
    for (size_t k = 0; k < n; k++) {
        if (!right(j, y[k], sum_of(j, x[k], k % j->C)))
            chk_fail("R %zu C %zu act %d at %zu: %g", j->R, j->C, (int)j->act.kind, k,
                     (double)y[k]);
    }
    struct job k = *j;
    k.pool = chk_pool();
    k.x = k.y = same;
    run(&k);
    if (chk_diff(same, y, n) != n) chk_fail("threads or working in place change bits");
    k.x = x;
    k.row = ref;
    run(&k);
    bool rounds_alike = j->act.kind <= ASH_ACT_CLIP || chk_fused(j->row->cpu);
    if (rounds_alike && chk_diff(same, y, n) != n) chk_fail("not the reference's bits");
}

static void check_row(const struct ash_affine_row *row, const struct ash_affine_row *ref) {
    static const struct ash_act_f32 acts[] = {
        {ASH_ACT_NONE, 0, 0}, {ASH_ACT_RELU, 0, 0}, {ASH_ACT_CLIP, -1, 2}, {ASH_ACT_SIGMOID, 0, 0}};
    for (int i = 0; i < 4 * CHK_TAILS; i++) {
        struct job j = {.row = row, .act = acts[i % 4], .R = chk_below(9), .C = (size_t)i / 4};
        check_case(&j, ref, i);
    }
    struct job large = {.row = row, .act = acts[1], .R = 300, .C = 129};
    check_case(&large, ref, 0);
    large.R = 2;
    large.C = 40000;
    check_case(&large, ref, 1);
}

static void bench_row(const struct ash_affine_row *row) {
    struct job j = {.row = row, .act = {ASH_ACT_RELU, 0, 0}, .R = 3136, .C = 128};
    const size_t n = j.R * j.C;
    float *x = chk_floats(0, n), *scale = chk_floats(1, j.C), *shift = chk_floats(2, j.C);
    chk_fill(x, n, -4, 4);
    chk_fill(scale, j.C, -1, 1);
    chk_fill(shift, j.C, -1, 1);
    j.x = j.y = x;
    j.scale = scale;
    j.shift = shift;
    chk_time("relu 3136x128 in place", (double)n, "elem", run, &j);
}

void check_affine(void);
void check_affine(void) {
    const struct ash_affine_row *ref = NULL;
    for (const struct ash_affine_row *const *t = ash_affine_tables(); *t; t++) ref = *t;
    for (const struct ash_affine_row *const *t = ash_affine_tables(); *t; t++) {
        for (const struct ash_affine_row *r = *t; r->name; r++) {
            if (!chk_begin(r->name, r->cpu)) continue;
            check_row(r, ref);
            if (chk_bench()) bench_row(r);
        }
    }
}
