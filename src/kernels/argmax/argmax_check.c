#include "kernels/argmax/argmax.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>

struct job {
    const struct ash_argmax_row *row;
    struct ash_pool *pool;
    struct ash_argmax_how how;
    size_t outer, D, inner;
    const float *x;
    int64_t *at;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_argmax_f32(j->row, j->pool, j->how, j->outer, j->D, j->inner, j->x, j->at);
}

/* What is right: from the definition, element by element. */
static int64_t expected(const struct job *j, size_t column) {
    const float *x = j->x + column / j->inner * j->D * j->inner + column % j->inner;
    size_t found = 0;

    for (size_t d = 1; d < j->D; d++) {
        float v = x[d * j->inner], b = x[found * j->inner];
        bool beyond = j->how.least ? v < b : v > b, equal = v == b || (isnan(v) && isnan(b));

        if (isnan(v) != isnan(b)) beyond = isnan(v) != 0;
        if (beyond || (equal && j->how.last)) found = d;
    }
    return (int64_t)found;
}

static void check_case(struct job *j, int i) {
    size_t n = j->outer * j->D * j->inner, columns = j->outer * j->inner;

    chk_place((enum chk_place)(i % CHK_PLACES));
    float *x = chk_floats(0, n);
    chk_fill(x, n, -10, 10);
    for (size_t k = 0; k < n && i % 3; k++) x[k] = (float)(int)(x[k] / 4); /* ties, both zeros */
    if (i % 5 == 0 && n) x[chk_below(n)] = NAN;
    if (i % 7 == 0 && n) x[chk_below(n)] = i % 2 ? NAN : -INFINITY;
    j->x = x;
    chk_place(i % 2 ? CHK_START : CHK_END); /* aligned for int64_t */
    j->at = chk_buf(1, columns * sizeof *j->at);
    j->how = (struct ash_argmax_how){.least = i & 1, .last = i >> 1 & 1};
    j->pool = i % 2 ? chk_pool() : NULL;
    if (!chk_call(run, j)) return;
    for (size_t c = 0; c < columns; c++)
        if (j->at[c] != expected(j, c))
            chk_fail("D %zu inner %zu column %zu: %lld, expected %lld", j->D, j->inner, c,
                     (long long)j->at[c], (long long)expected(j, c));
}

static void check_row(const struct ash_argmax_row *row) {
    for (int i = 0; i < 4 * CHK_TAILS; i++) {
        struct job j = {.row = row, .outer = 1 + chk_below(3)};

        j.D = 1 + (i % 3 ? (size_t)i / 4 : chk_below(200));
        j.inner = i % 4 == 0 ? 1 : i % 3 ? 1 + chk_below(300) : (size_t)i / 4;
        check_case(&j, i);
    }
}

void check_argmax(void);
void check_argmax(void) {
    for (const struct ash_argmax_row *const *t = ash_argmax_tables(); *t; t++) {
        for (const struct ash_argmax_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r);
        }
    }
}
