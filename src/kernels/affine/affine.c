#include "kernels/affine/affine.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_affine_row ash_affine_##isa[];
#include "affine_list.inc"
#undef KERNELS

static const struct ash_affine_row *const affine_tables[] = {
#define KERNELS(isa) ash_affine_##isa,
#include "affine_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(affine, ash_affine_row, affine_tables)

enum { AFFINE_TILE = 16384 /* elements */ };

struct affine_job {
    const struct ash_affine_row *row;
    struct ash_act_f32 act;
    size_t R, C, per_tile;
    const float *x, *scale, *shift;
    float *y;
};

static void affine_tile(void *arg, size_t tile, size_t worker) {
    const struct affine_job *j = arg;
    size_t r = tile * j->per_tile;
    size_t rows = j->R - r < j->per_tile ? j->R - r : j->per_tile;
    (void)worker;
    j->row->rows(j->act, rows, j->C, j->x + r * j->C, j->scale, j->shift, j->y + r * j->C);
}

void ash_affine_f32(const struct ash_affine_row *row, struct ash_pool *pool, struct ash_act_f32 act,
                    size_t R, size_t C, const float *x, const float *scale, const float *shift,
                    float *y) {
    struct affine_job j = {row, act, R, C, 1, x, scale, shift, y};
    if (!R || !C) return;
    if (C < AFFINE_TILE) j.per_tile = AFFINE_TILE / C;
    ash_pool_run(pool, (R + j.per_tile - 1) / j.per_tile, affine_tile, &j);
}
