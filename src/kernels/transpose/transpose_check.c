#include "kernels/transpose/transpose.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <string.h>

struct job {
    const struct ash_transpose_row *row;
    struct ash_pool *pool;
    int rank, perm[8];
    size_t dim[8], elem, bytes;
    unsigned char *x, *y;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_transpose_run(j->row, j->pool, j->rank, j->dim, j->perm, j->elem, j->x, j->y);
}

static bool right(const struct job *j) {
    size_t xs[8], at[8] = {0}, step = j->elem;
    for (int i = j->rank; i-- > 0;) {
        xs[i] = step;
        step *= j->dim[i];
    }
    for (size_t o = 0; o < j->bytes; o += j->elem) {
        size_t from = 0;
        for (int i = 0; i < j->rank; i++) from += at[i] * xs[j->perm[i]];
        if (memcmp(j->y + o, j->x + from, j->elem) != 0) return false;
        for (int i = j->rank; i-- > 0 && ++at[i] == j->dim[j->perm[i]];) at[i] = 0;
    }
    return true;
}

static void check_case(struct job *j, int place) {
    j->bytes = j->elem;
    for (int i = 0; i < j->rank; i++) j->bytes *= j->dim[i];
    chk_place((enum chk_place)(place % (j->elem == 8 ? 2 : CHK_PLACES)));
    j->x = chk_buf(0, j->bytes);
    for (size_t i = 0; i < j->bytes; i++) j->x[i] = (unsigned char)chk_rand();
    for (int threads = 0; threads < 2; threads++) {
        j->y = chk_buf(1, j->bytes);
        j->pool = threads ? chk_pool() : NULL;
        if (!chk_call(run, j)) return;
        if (!right(j))
            chk_fail("elem %zu rank %d dims %zu %zu %zu perm %d %d %d threads %d", j->elem, j->rank,
                     j->dim[0], j->dim[1], j->dim[2], j->perm[0], j->perm[1], j->perm[2], threads);
    }
}

static void check_row(struct job *j) {
    j->rank = 2;
    j->perm[0] = 1;
    j->perm[1] = 0;
    for (int e = 0; e < 4; e++) {
        j->elem = (size_t)1 << e;
        for (size_t n = 0; n < CHK_TAILS; n++) {
            j->dim[0] = n;
            j->dim[1] = 1 + chk_below(n % 4 ? 20 : 200);
            check_case(j, (int)n);
        }
    }
    for (int i = 0; i < 400; i++) {
        j->elem = (size_t)1 << chk_below(4);
        j->rank = (int)chk_below(9);
        for (int k = 0; k < j->rank; k++) {
            j->dim[k] = 1 + chk_below(j->rank > 4 ? 4 : 14);
            j->perm[k] = k;
        }
        for (int k = j->rank - 1; k > 0; k--) {
            int o = (int)chk_below((size_t)k + 1), t = j->perm[k];
            j->perm[k] = j->perm[o];
            j->perm[o] = t;
        }
        check_case(j, i);
    }
    if (!chk_bench()) return;
    struct job b = {.row = j->row, .rank = 2, .perm = {1, 0}, .dim = {128, 3136}, .elem = 4};
    b.x = chk_buf(0, 128 * 3136 * 4);
    b.y = chk_buf(1, 128 * 3136 * 4);
    chk_time("128x3136 x32", 128 * 3136 * 8, "B", run, &b);
}

void check_transpose(void);
void check_transpose(void) {
    for (const struct ash_transpose_row *const *t = ash_transpose_tables(); *t; t++) {
        for (const struct ash_transpose_row *r = *t; r->name; r++) {
            struct job j = {.row = r};
            if (chk_begin(r->name, r->cpu)) check_row(&j);
        }
    }
}
