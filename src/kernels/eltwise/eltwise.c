#include "kernels/eltwise/eltwise.h"

#include "base/pool.h"
#include "kernels/chooser.h"
#include "kernels/nest.h"

#define KERNELS(isa) extern const struct ash_eltwise_row ash_eltwise_##isa[];
#include "eltwise_list.inc"
#undef KERNELS

static const struct ash_eltwise_row *const eltwise_tables[] = {
#define KERNELS(isa) ash_eltwise_##isa,
#include "eltwise_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(eltwise, ash_eltwise_row, eltwise_tables)

enum { ELTWISE_TILE = 16384 /* elements */ };

struct eltwise_unary_job {
    const struct ash_eltwise_row *row;
    int kind;
    float a, b;
    size_t n;
    const float *x;
    float *y;
};

static void eltwise_unary_tile(void *arg, size_t tile, size_t worker) {
    const struct eltwise_unary_job *j = arg;
    size_t i = tile * ELTWISE_TILE;
    size_t n = j->n - i < ELTWISE_TILE ? j->n - i : ELTWISE_TILE;
    (void)worker;
    j->row->unary(j->kind, j->a, j->b, n, j->x + i, j->y + i);
}

void ash_eltwise_unary(const struct ash_eltwise_row *row, struct ash_pool *pool, int kind, float a,
                       float b, size_t n, const float *x, float *y) {
    struct eltwise_unary_job j = {row, kind, a, b, n, x, y};
    ash_pool_run(pool, (n + ELTWISE_TILE - 1) / ELTWISE_TILE, eltwise_unary_tile, &j);
}

/* Operands 0 and 1 are a and b, 2 is y.  The nest's last dimension is a row. */
struct eltwise_binary_job {
    const struct ash_eltwise_row *row;
    enum ash_binary op;
    struct ash_act_f32 act;
    struct ash_nest nest;
    size_t rows, n;    /* of the whole */
    size_t group;      /* rows that are one pitch apart: the dimension before the last */
    size_t br, bn, nn; /* a tile: br rows of bn elements; nn tiles in a row */
    const float *x[2];
    float *y;
};

static void eltwise_binary_tile(void *arg, size_t tile, size_t worker) {
    const struct eltwise_binary_job *j = arg;
    const struct ash_nest *n = &j->nest;
    const int last = n->rank - 1;
    size_t col = tile % j->nn * j->bn, r = tile / j->nn * j->br;
    size_t end = j->rows - r < j->br ? j->rows : r + j->br;
    struct ash_eltwise_span s = {.n = j->n - col < j->bn ? j->n - col : j->bn};
    (void)worker;
    for (; r < end; r += s.rows) {
        size_t off[ASH_NEST_OPERANDS], left = j->group - r % j->group;
        ash_nest_offset(n, last, r, off);
        s.rows = end - r < left ? end - r : left;
        for (int k = 0; k < 2; k++) {
            s.step[k] = n->step[k][last];
            s.pitch[k] = last ? n->step[k][last - 1] : 0;
            s.x[k] = j->x[k] + off[k] + col * s.step[k];
        }
        s.y = j->y + off[2] + col;
        j->row->binary(j->op, j->act, &s);
    }
}

static void eltwise_operand(struct ash_nest *n, int k, const struct ash_eltwise_operand *o) {
    size_t step = 1;
    for (int i = 0; i < n->rank; i++) n->step[k][i] = 0;
    for (int i = 0; i < o->rank; i++) {
        size_t d = o->dim[o->rank - 1 - i];
        if (d != 1) n->step[k][n->rank - 1 - i] = step;
        step *= d;
    }
}

void ash_eltwise_binary(const struct ash_eltwise_row *row, struct ash_pool *pool,
                        enum ash_binary op, struct ash_act_f32 act, int rank, const size_t *dim,
                        const struct ash_eltwise_operand *a, const struct ash_eltwise_operand *b,
                        float *y) {
    struct eltwise_binary_job j = {
        .row = row, .op = op, .act = act, .x = {a->data, b->data}, .y = y};
    struct ash_nest *n = &j.nest;
    n->rank = rank;
    n->operands = 3;
    for (int i = 0; i < rank; i++) n->dim[i] = dim[i];
    if (!ash_nest_count(n, rank)) return;
    eltwise_operand(n, 0, a);
    eltwise_operand(n, 1, b);
    eltwise_operand(n, 2, &(struct ash_eltwise_operand){rank, dim, NULL});
    ash_nest_collapse(n);
    if (!n->rank) {
        n->dim[n->rank++] = 1;
        for (int k = 0; k < 3; k++) n->step[k][0] = 1;
    }
    j.n = n->dim[n->rank - 1];
    j.rows = ash_nest_count(n, n->rank - 1);
    j.group = n->rank > 1 ? n->dim[n->rank - 2] : 1;
    j.bn = j.n < ELTWISE_TILE ? j.n : ELTWISE_TILE;
    j.nn = (j.n + j.bn - 1) / j.bn;
    j.br = ELTWISE_TILE / j.bn;
    ash_pool_run(pool, (j.rows + j.br - 1) / j.br * j.nn, eltwise_binary_tile, &j);
}
