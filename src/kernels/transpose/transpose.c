#include "kernels/transpose/transpose.h"

#include "base/pool.h"
#include "kernels/chooser.h"
#include "kernels/nest.h"

#include <string.h>

#define KERNELS(isa) extern const struct ash_transpose_row ash_transpose_##isa[];
#include "transpose_list.inc"
#undef KERNELS

static const struct ash_transpose_row *const transpose_tables[] = {
#define KERNELS(isa) ash_transpose_##isa,
#include "transpose_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(transpose, ash_transpose_row, transpose_tables)

enum { TRANSPOSE_EDGE = 64, TRANSPOSE_TILE = 8192 /* elements */ };

/* Operand 0 is x, 1 is y; dimensions in y's order. */
struct transpose_job {
    struct ash_nest nest;
    size_t elem;
    ash_transpose_fn *block;
    const unsigned char *x;
    unsigned char *y;
    int cols;      /* the dimension contiguous in x; the last one when runs are copied */
    size_t R, C;   /* extents of the last dimension and of `cols` */
    size_t br, bc; /* block, rows and columns */
    size_t nr, nc; /* blocks */
    size_t blocks, per_tile;
    size_t outer;
};

static void transpose_build(struct ash_nest *n, int rank, const size_t *dim, const int *perm) {
    size_t xs[ASH_NEST_RANK] = {0}, step = 1;
    for (int i = rank; i-- > 0;) {
        xs[i] = step;
        step *= dim[i];
    }
    n->rank = rank;
    n->operands = 2;
    step = 1;
    for (int i = rank; i-- > 0;) {
        n->dim[i] = dim[perm[i]];
        n->step[0][i] = xs[perm[i]];
        n->step[1][i] = step;
        step *= n->dim[i];
    }
    ash_nest_collapse(n);
}

/* A short run at the end of both orders is one larger element. */
static size_t transpose_widen(struct ash_nest *n, size_t elem) {
    int last = n->rank - 1;
    if (last < 1 || n->step[0][last] != 1) return elem;
    size_t run = n->dim[last];
    if (run * elem != 2 && run * elem != 4 && run * elem != 8) return elem;
    n->rank--;
    for (int i = 0; i < n->rank; i++) {
        n->step[0][i] /= run;
        n->step[1][i] /= run;
    }
    return elem * run;
}

static void transpose_block(const struct transpose_job *j, size_t at) {
    const struct ash_nest *n = &j->nest;
    size_t off[ASH_NEST_OPERANDS];
    size_t c0 = at % j->nc * j->bc, r0 = at / j->nc % j->nr * j->br;
    ash_nest_offset(n, n->rank, at / j->nc / j->nr, off);
    size_t xp = n->step[0][n->rank], yp = n->step[1][n->rank];
    size_t R = j->R - r0 < j->br ? j->R - r0 : j->br;
    size_t C = j->C - c0 < j->bc ? j->C - c0 : j->bc;
    j->block(R, C, j->x + (off[0] + r0 * xp + c0) * j->elem, xp,
             j->y + (off[1] + c0 * yp + r0) * j->elem, yp);
}

static void transpose_tile(void *arg, size_t tile, size_t worker) {
    const struct transpose_job *j = arg;
    size_t first = tile * j->per_tile;
    size_t end = j->blocks - first < j->per_tile ? j->blocks : first + j->per_tile;
    (void)worker;
    for (size_t at = first; at < end; at++) transpose_block(j, at);
}

static void transpose_copy_tile(void *arg, size_t tile, size_t worker) {
    const struct transpose_job *j = arg;
    const struct ash_nest *n = &j->nest;
    size_t off[ASH_NEST_OPERANDS], first = tile * j->br;
    size_t end = j->outer - first < j->br ? j->outer : first + j->br;
    (void)worker;
    for (size_t i = first; i < end; i++) {
        ash_nest_offset(n, n->rank - 1, i, off);
        memcpy(j->y + off[1] * j->elem, j->x + off[0] * j->elem, j->C * j->elem);
    }
}

/* Moves the blocked pair out of the nest: dimension `cols` is taken out of the loop, and the
 * pitches of the block lie behind the last loop dimension. */
static void transpose_split(struct transpose_job *j) {
    struct ash_nest *n = &j->nest;
    int last = n->rank - 1, cols = 0;
    while (n->step[0][cols] != 1) cols++;
    size_t xp = n->step[0][last], yp = n->step[1][cols];
    j->R = n->dim[last];
    j->C = n->dim[cols];
    for (int i = cols; i < last; i++) {
        n->dim[i] = n->dim[i + 1];
        n->step[0][i] = n->step[0][i + 1];
        n->step[1][i] = n->step[1][i + 1];
    }
    n->rank -= 2;
    n->step[0][n->rank] = xp;
    n->step[1][n->rank] = yp;
}

void ash_transpose_run(const struct ash_transpose_row *row, struct ash_pool *pool, int rank,
                       const size_t *dim, const int *perm, size_t elem, const void *x, void *y) {
    struct transpose_job j = {.x = x, .y = y};
    struct ash_nest *n = &j.nest;
    transpose_build(n, rank, dim, perm);
    size_t count = ash_nest_count(n, n->rank);
    if (!count) return;
    j.elem = transpose_widen(n, elem);
    if (n->rank < 2) {
        memcpy(y, x, count * elem);
        return;
    }
    if (n->step[0][n->rank - 1] == 1) {
        j.C = n->dim[n->rank - 1];
        j.outer = ash_nest_count(n, n->rank - 1);
        j.br = j.C < TRANSPOSE_TILE ? TRANSPOSE_TILE / j.C : 1;
        ash_pool_run(pool, (j.outer + j.br - 1) / j.br, transpose_copy_tile, &j);
        return;
    }
    int size = 0;
    while ((size_t)1 << size < j.elem) size++;
    j.block = row->block[size];
    transpose_split(&j);
    /* A narrow side makes the block longer on the other. */
    j.br = j.R < TRANSPOSE_EDGE ? j.R : TRANSPOSE_EDGE;
    j.bc = j.C < TRANSPOSE_EDGE ? j.C : TRANSPOSE_EDGE;
    if (j.br < TRANSPOSE_EDGE) j.bc = (TRANSPOSE_TILE / 2 / j.br + 63) / 64 * 64;
    if (j.bc > j.C) j.bc = j.C;
    if (j.bc < TRANSPOSE_EDGE) j.br = (TRANSPOSE_TILE / 2 / j.bc + 63) / 64 * 64;
    if (j.br > j.R) j.br = j.R;
    j.nr = (j.R + j.br - 1) / j.br;
    j.nc = (j.C + j.bc - 1) / j.bc;
    j.blocks = ash_nest_count(n, n->rank) * j.nr * j.nc;
    j.per_tile = (TRANSPOSE_TILE / 2 + j.br * j.bc - 1) / (j.br * j.bc);
    ash_pool_run(pool, (j.blocks + j.per_tile - 1) / j.per_tile, transpose_tile, &j);
}
