#include "kernels/argmax/argmax.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_argmax_row ash_argmax_##isa[];
#include "argmax_list.inc"
#undef KERNELS

static const struct ash_argmax_row *const argmax_tables[] = {
#define KERNELS(isa) ash_argmax_##isa,
#include "argmax_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(argmax, ash_argmax_row, argmax_tables)

enum { ARGMAX_TILE = 16384 /* elements */, ARGMAX_STRIP = 256 /* columns */ };

struct argmax_job {
    const struct ash_argmax_row *row;
    struct ash_argmax_how how;
    size_t D, inner, strips; /* of columns, in a matrix [D][inner] */
    size_t pieces, per_tile; /* a piece is a strip of a matrix */
    const float *x;
    int64_t *at;
};

static void argmax_tile(void *arg, size_t tile, size_t worker) {
    const struct argmax_job *j = arg;
    size_t end = (tile + 1) * j->per_tile;

    (void)worker;
    for (size_t p = tile * j->per_tile; p < end && p < j->pieces; p++) {
        size_t o = p / j->strips, c = p % j->strips * ARGMAX_STRIP;
        size_t n = j->inner - c < ARGMAX_STRIP ? j->inner - c : ARGMAX_STRIP;
        const float *x = j->x + o * j->D * j->inner + c;
        int64_t *at = j->at + o * j->inner + c;

        if (j->inner == 1)
            *at = j->row->line(j->how, j->D, x);
        else
            j->row->columns(j->how, j->D, j->inner, n, x, at);
    }
}

void ash_argmax_f32(const struct ash_argmax_row *row, struct ash_pool *pool,
                    struct ash_argmax_how how, size_t outer, size_t D, size_t inner, const float *x,
                    int64_t *at) {
    struct argmax_job j = {row, how, D, inner, .x = x, .at = at};

    if (!outer || !D || !inner) return;
    size_t piece = D * (inner < ARGMAX_STRIP ? inner : ARGMAX_STRIP);
    j.strips = (inner + ARGMAX_STRIP - 1) / ARGMAX_STRIP;
    j.pieces = outer * j.strips;
    j.per_tile = piece < ARGMAX_TILE ? ARGMAX_TILE / piece : 1;
    ash_pool_run(pool, (j.pieces + j.per_tile - 1) / j.per_tile, argmax_tile, &j);
}
