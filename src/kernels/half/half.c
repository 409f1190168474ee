#include "kernels/half/half.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#include <stdbool.h>

#define KERNELS(isa) extern const struct ash_half_row ash_half_##isa[];
#include "half_list.inc"
#undef KERNELS

static const struct ash_half_row *const half_tables[] = {
#define KERNELS(isa) ash_half_##isa,
#include "half_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(half, ash_half_row, half_tables)

enum { HALF_TILE = 16384 /* elements */ };

struct half_job {
    ash_half_fn *fn;
    size_t n, x_size, y_size;
    const char *x;
    char *y;
};

static void half_tile(void *arg, size_t tile, size_t worker) {
    const struct half_job *j = arg;
    size_t i = tile * HALF_TILE;
    (void)worker;
    j->fn(j->n - i < HALF_TILE ? j->n - i : HALF_TILE, j->x + i * j->x_size, j->y + i * j->y_size);
}

void ash_half(const struct ash_half_row *row, struct ash_pool *pool, enum ash_half_type type,
              enum ash_half_op op, size_t n, const void *x, void *y) {
    bool widens = op == ASH_HALF_WIDEN || op == ASH_HALF_FINITE;
    size_t x_size = widens ? 2 : 4, y_size = op == ASH_HALF_NARROW ? 2 : 4;
    struct half_job j = {row->fn[type][op], n, x_size, y_size, x, y};
    ash_pool_run(pool, n / HALF_TILE + (n % HALF_TILE != 0), half_tile, &j);
}
