#include "kernels/softmax/softmax.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_softmax_row ash_softmax_##isa[];
#include "softmax_list.inc"
#undef KERNELS

static const struct ash_softmax_row *const softmax_tables[] = {
#define KERNELS(isa) ash_softmax_##isa,
#include "softmax_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(softmax, ash_softmax_row, softmax_tables)

enum { SOFTMAX_TILE = 4096 /* elements */, SOFTMAX_STRIP = 64 };

struct softmax_job {
    const struct ash_softmax_row *row;
    bool log;
    size_t outer, D, inner, per_tile, strips;
    const float *x;
    float *y;
};

static void softmax_rows_tile(void *arg, size_t tile, size_t worker) {
    const struct softmax_job *j = arg;
    size_t first = tile * j->per_tile;
    size_t rows = j->outer - first < j->per_tile ? j->outer - first : j->per_tile;
    (void)worker;
    j->row->rows(j->log, rows, j->D, j->x + first * j->D, j->y + first * j->D);
}

static void softmax_cols_tile(void *arg, size_t tile, size_t worker) {
    const struct softmax_job *j = arg;
    size_t c = tile % j->strips * SOFTMAX_STRIP;
    size_t n = j->inner - c < SOFTMAX_STRIP ? j->inner - c : SOFTMAX_STRIP;
    size_t off = tile / j->strips * j->D * j->inner + c;
    (void)worker;
    j->row->cols(j->log, j->D, j->inner, n, j->x + off, j->y + off);
}

void ash_softmax_f32(const struct ash_softmax_row *row, struct ash_pool *pool, bool log,
                     size_t outer, size_t D, size_t inner, const float *x, float *y) {
    struct softmax_job j = {row, log, outer, D, inner, 1, 1, x, y};
    if (!outer || !D || !inner) return;
    if (inner == 1) {
        if (D < SOFTMAX_TILE) j.per_tile = SOFTMAX_TILE / D;
        ash_pool_run(pool, (outer + j.per_tile - 1) / j.per_tile, softmax_rows_tile, &j);
    } else {
        j.strips = (inner + SOFTMAX_STRIP - 1) / SOFTMAX_STRIP;
        ash_pool_run(pool, outer * j.strips, softmax_cols_tile, &j);
    }
}
