#include "kernels/pooling/pooling.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_pooling_row ash_pooling_##isa[];
#include "pooling_list.inc"
#undef KERNELS

static const struct ash_pooling_row *const pooling_tables[] = {
#define KERNELS(isa) ash_pooling_##isa,
#include "pooling_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(pooling, ash_pooling_row, pooling_tables)

enum { POOLING_TILE = 8192 /* elements read */ };

struct pooling_job {
    const struct ash_pooling_row *row;
    enum ash_pooling op;
    const struct ash_pooling_shape *s;
    size_t lines, per_tile; /* a line is one row of output positions */
    const float *x;
    float *y;
};

/* The taps of output position o along dimension i that lie inside the input, the first one's
 * position, and how many lie inside input and padding. */
static size_t pooling_taps(const struct ash_pooling_shape *s, int i, size_t o, size_t *first,
                           size_t *padded) {
    size_t start = o * s->S[i], l = s->L[i]; /* counted from the start of the padding */
    size_t skip = start < s->P[i] ? (s->P[i] - start + l - 1) / l : 0;
    size_t end = s->P[i] + s->X[i];
    size_t taps = start < end ? (end - start + l - 1) / l : 0;
    size_t all = start < end + s->Q[i] ? (end + s->Q[i] - start + l - 1) / l : 0;
    *padded = all < s->K[i] ? all : s->K[i];
    if (taps > s->K[i]) taps = s->K[i];
    if (skip > taps) skip = taps;
    *first = taps > skip ? start + skip * l - s->P[i] : 0;
    return taps - skip;
}

static void pooling_line(const struct pooling_job *j, size_t line) {
    const struct ash_pooling_shape *s = j->s;
    size_t taps[3], first[3], padded[3];
    size_t pitch[3] = {s->X[1] * s->X[2] * s->C, s->X[2] * s->C, s->C};
    size_t step[3] = {pitch[0] * s->L[0], pitch[1] * s->L[1], pitch[2] * s->L[2]};
    size_t n = line / s->Y[1] / s->Y[0];
    taps[0] = pooling_taps(s, 0, line / s->Y[1] % s->Y[0], &first[0], &padded[0]);
    taps[1] = pooling_taps(s, 1, line % s->Y[1], &first[1], &padded[1]);
    const float *x = j->x + n * s->X[0] * pitch[0] + first[0] * pitch[0] + first[1] * pitch[1];
    size_t y_step = s->y_step ? s->y_step : s->C;
    float *y = j->y + line * s->Y[2] * y_step;
    for (size_t o = 0; o < s->Y[2]; o++, y += y_step) {
        taps[2] = pooling_taps(s, 2, o, &first[2], &padded[2]);
        const size_t *count = s->count_pad ? padded : taps;
        j->row->window(j->op, taps, step, s->C, x + first[2] * pitch[2],
                       (float)(count[0] * count[1] * count[2]), y);
    }
}

static void pooling_tile(void *arg, size_t tile, size_t worker) {
    const struct pooling_job *j = arg;
    size_t first = tile * j->per_tile;
    size_t end = j->lines - first < j->per_tile ? j->lines : first + j->per_tile;
    (void)worker;
    for (size_t i = first; i < end; i++) pooling_line(j, i);
}

void ash_pooling_f32(const struct ash_pooling_row *row, struct ash_pool *pool, enum ash_pooling op,
                     const struct ash_pooling_shape *s, const float *x, float *y) {
    struct pooling_job j = {.row = row, .op = op, .s = s, .x = x, .y = y};
    size_t work = s->Y[2] * s->C * s->K[0] * s->K[1] * s->K[2];
    j.lines = s->N * s->Y[0] * s->Y[1];
    j.per_tile = work && work < POOLING_TILE ? POOLING_TILE / work : 1;
    ash_pool_run(pool, (j.lines + j.per_tile - 1) / j.per_tile, pooling_tile, &j);
}

enum { POOLING_STRIP = 64 /* channels */, POOLING_RUN = 128 /* positions */ };

struct pooling_global_job {
    const struct ash_pooling_row *row;
    enum ash_pooling op;
    size_t positions, C, strips;
    const float *x;
    float *y;
};

/* The mean of many positions: sums of runs are added, or the error would grow with all of them. */
static void pooling_runs(const struct pooling_global_job *j, const float *x, size_t C, float *y) {
    float sum[POOLING_STRIP] = {0}, part[POOLING_STRIP];
    size_t step[3] = {0, 0, j->C};
    for (size_t at = 0; at < j->positions; at += POOLING_RUN) {
        size_t left = j->positions - at;
        size_t taps[3] = {1, 1, left < POOLING_RUN ? left : POOLING_RUN};
        j->row->window(j->op, taps, step, C, x + at * j->C, 1.0f, part);
        for (size_t c = 0; c < C; c++) sum[c] += part[c];
    }
    for (size_t c = 0; c < C; c++) y[c] = sum[c] / (float)j->positions;
}

static void pooling_global_tile(void *arg, size_t tile, size_t worker) {
    const struct pooling_global_job *j = arg;
    size_t n = tile / j->strips, c = tile % j->strips * POOLING_STRIP;
    size_t taps[3] = {1, 1, j->positions}, step[3] = {0, 0, j->C};
    size_t C = j->C - c < POOLING_STRIP ? j->C - c : POOLING_STRIP;
    const float *x = j->x + n * j->positions * j->C + c;
    float *y = j->y + n * j->C + c;
    (void)worker;
    if (j->op == ASH_POOLING_AVERAGE && j->positions > POOLING_RUN) {
        pooling_runs(j, x, C, y);
    } else {
        j->row->window(j->op, taps, step, C, x, (float)j->positions, y);
    }
}

void ash_pooling_global(const struct ash_pooling_row *row, struct ash_pool *pool,
                        enum ash_pooling op, size_t N, size_t positions, size_t C, const float *x,
                        float *y) {
    size_t strips = (C + POOLING_STRIP - 1) / POOLING_STRIP;
    struct pooling_global_job j = {row, op, positions, C, strips, x, y};
    ash_pool_run(pool, N * strips, pooling_global_tile, &j);
}
