#include "kernels/reduce/reduce.h"

#include "base/pool.h"
#include "kernels/chooser.h"
#include "kernels/nest.h"

#define KERNELS(isa) extern const struct ash_reduce_row ash_reduce_##isa[];
#include "reduce_list.inc"
#undef KERNELS

static const struct ash_reduce_row *const reduce_tables[] = {
#define KERNELS(isa) ash_reduce_##isa,
#include "reduce_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(reduce, ash_reduce_row, reduce_tables)

enum { REDUCE_TILE = 16384 /* elements read */, REDUCE_STRIP = 256 };

/* Operand 0 is x, 1 is y.  `kept` and `folded` are the loops around the row's inner loop. */
struct reduce_job {
    const struct ash_reduce_row *row;
    enum ash_reduce op;
    struct ash_nest kept, folded;
    size_t D, pitch, C; /* C 0: runs of D elements; else D rows of C columns */
    size_t count;       /* elements per output */
    size_t folds;       /* positions of `folded` */
    size_t units, per_tile, strips;
    const float *x;
    float *y;
};

float ash_reduce_identity(enum ash_reduce op) {
    return op == ASH_REDUCE_PROD  ? 1.0f
           : op == ASH_REDUCE_MAX ? -__builtin_inff()
           : op == ASH_REDUCE_MIN ? __builtin_inff()
                                  : 0.0f;
}

static void reduce_push(struct ash_nest *n, size_t dim, size_t xs, size_t ys) {
    n->dim[n->rank] = dim;
    n->step[0][n->rank] = xs;
    n->step[1][n->rank++] = ys;
}

static void reduce_run_tile(void *arg, size_t tile, size_t worker) {
    const struct reduce_job *j = arg;
    size_t first = tile * j->per_tile, off[ASH_NEST_OPERANDS];
    size_t end = j->units - first < j->per_tile ? j->units : first + j->per_tile;
    (void)worker;
    for (size_t u = first; u < end; u++) {
        float acc[16];
        for (int i = 0; i < 16; i++) acc[i] = ash_reduce_identity(j->op);
        ash_nest_offset(&j->kept, j->kept.rank, u, off);
        const float *x = j->x + off[0];
        for (size_t f = 0; f < j->folds; f++) {
            ash_nest_offset(&j->folded, j->folded.rank, f, off);
            j->row->run(j->op, j->D, x + off[0], acc);
        }
        j->y[u] = j->row->join(j->op, acc);
    }
    j->row->finish(j->op, j->count, end - first, j->y + first);
}

static void reduce_cols_tile(void *arg, size_t tile, size_t worker) {
    const struct reduce_job *j = arg;
    size_t first = tile * j->per_tile, off[ASH_NEST_OPERANDS];
    size_t end = j->units - first < j->per_tile ? j->units : first + j->per_tile;
    (void)worker;
    for (size_t u = first; u < end; u++) {
        size_t c = u % j->strips * REDUCE_STRIP;
        size_t n = j->C - c < REDUCE_STRIP ? j->C - c : REDUCE_STRIP;
        ash_nest_offset(&j->kept, j->kept.rank, u / j->strips, off);
        const float *x = j->x + off[0] + c;
        float *y = j->y + off[1] + c;
        for (size_t i = 0; i < n; i++) y[i] = ash_reduce_identity(j->op);
        for (size_t f = 0; f < j->folds; f++) {
            ash_nest_offset(&j->folded, j->folded.rank, f, off);
            j->row->cols(j->op, j->D, j->pitch, n, x + off[0], y);
        }
        j->row->finish(j->op, j->count, n, y);
    }
}

/* Sorts the collapsed dimensions into loops around and the inner one or two. */
static void reduce_split(struct reduce_job *j, const struct ash_nest *n) {
    int inner = n->rank;
    j->D = 1;
    j->C = 1;
    if (inner && !n->step[1][inner - 1]) {
        j->C = 0;
    } else if (inner) {
        j->C = n->dim[--inner];
    }
    if (inner) {
        j->D = n->dim[--inner];
        j->pitch = n->step[0][inner];
    }
    for (int i = 0; i < inner; i++) {
        struct ash_nest *to = n->step[1][i] ? &j->kept : &j->folded;
        reduce_push(to, n->dim[i], n->step[0][i], n->step[1][i]);
    }
}

void ash_reduce_f32(const struct ash_reduce_row *row, struct ash_pool *pool, enum ash_reduce op,
                    int rank, const size_t *dim, const bool *reduced, const float *x, float *y) {
    struct reduce_job j = {.row = row, .op = op, .count = 1, .x = x, .y = y};
    struct ash_nest n = {.rank = rank, .operands = 2};
    size_t xs = 1, ys = 1;
    for (int i = rank; i-- > 0;) {
        n.dim[i] = dim[i];
        n.step[0][i] = xs;
        n.step[1][i] = reduced[i] ? 0 : ys;
        xs *= dim[i];
        if (reduced[i]) {
            j.count *= dim[i];
        } else {
            ys *= dim[i];
        }
    }
    if (!ys) return;
    j.kept.operands = j.folded.operands = 2;
    ash_nest_collapse(&n);
    reduce_split(&j, &n);
    j.folds = ash_nest_count(&j.folded, j.folded.rank);
    j.strips = j.C ? (j.C + REDUCE_STRIP - 1) / REDUCE_STRIP : 1;
    j.units = ash_nest_count(&j.kept, j.kept.rank) * j.strips;
    size_t strip = j.C < REDUCE_STRIP ? j.C : REDUCE_STRIP;
    size_t work = (j.D * j.folds + 1) * (strip ? strip : 1);
    j.per_tile = work < REDUCE_TILE ? REDUCE_TILE / work : 1;
    ash_pool_run(pool, (j.units + j.per_tile - 1) / j.per_tile,
                 j.C ? reduce_cols_tile : reduce_run_tile, &j);
}
