#include "kernels/norm/norm.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_norm_row ash_norm_##isa[];
#include "norm_list.inc"
#undef KERNELS

static const struct ash_norm_row *const norm_tables[] = {
#define KERNELS(isa) ash_norm_##isa,
#include "norm_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(norm, ash_norm_row, norm_tables)

enum { NORM_TILE = 16384 /* elements */ };

/* `runs` runs of D elements.  channels: how many channels a run spans, 0 when scale and bias have D
 * elements; period: run r starts at channel r % period * channels. */
struct norm_job {
    const struct ash_norm_row *row;
    bool stats, rms;
    size_t runs, D, channels, period, per_tile;
    float eps;
    const float *x, *scale, *bias;
    float *y, *mean_out, *inv_out;
};

static void norm_channels(const struct norm_job *j, size_t run, float mean, float inv) {
    size_t inner = j->D / j->channels, c0 = run % j->period * j->channels;
    for (size_t c = 0; c < j->channels; c++) {
        size_t at = run * j->D + c * inner;
        j->row->apply(false, inner, j->x + at, mean, inv, j->scale ? j->scale + c0 + c : NULL,
                      j->bias ? j->bias + c0 + c : NULL, j->y + at);
    }
}

static void norm_tile(void *arg, size_t tile, size_t worker) {
    const struct norm_job *j = arg;
    size_t first = tile * j->per_tile;
    size_t end = j->runs - first < j->per_tile ? j->runs : first + j->per_tile;
    (void)worker;
    for (size_t r = first; r < end; r++) {
        float mean = 0.0f, inv = 1.0f;
        const float *x = j->x + r * j->D;
        if (j->stats) j->row->stats(j->rms, j->D, j->eps, x, &mean, &inv);
        if (j->mean_out) j->mean_out[r] = mean;
        if (j->inv_out) j->inv_out[r] = inv;
        if (j->channels) {
            norm_channels(j, r, mean, inv);
        } else {
            j->row->apply(true, j->D, x, mean, inv, j->scale, j->bias, j->y + r * j->D);
        }
    }
}

static void norm_run(struct norm_job *j, struct ash_pool *pool) {
    if (!j->runs) return;
    j->per_tile = j->D < NORM_TILE ? NORM_TILE / (j->D + 1) : 1;
    if (!j->per_tile) j->per_tile = 1;
    ash_pool_run(pool, (j->runs + j->per_tile - 1) / j->per_tile, norm_tile, j);
}

void ash_norm_layer(const struct ash_norm_row *row, struct ash_pool *pool, bool rms, size_t rows,
                    size_t D, float eps, const float *x, const float *scale, const float *bias,
                    float *y, float *mean_out, float *inv_out) {
    struct norm_job j = {.row = row,
                         .stats = true,
                         .rms = rms,
                         .runs = rows,
                         .D = D,
                         .eps = eps,
                         .x = x,
                         .scale = scale,
                         .bias = bias,
                         .y = y,
                         .mean_out = mean_out,
                         .inv_out = inv_out};
    norm_run(&j, pool);
}

void ash_norm_group(const struct ash_norm_row *row, struct ash_pool *pool, size_t N, size_t C,
                    size_t G, size_t inner, float eps, const float *x, const float *scale,
                    const float *bias, float *y) {
    struct norm_job j = {.row = row,
                         .stats = true,
                         .runs = N * G,
                         .D = C / G * inner,
                         .channels = C / G,
                         .period = G,
                         .eps = eps,
                         .x = x,
                         .scale = scale,
                         .bias = bias,
                         .y = y};
    norm_run(&j, pool);
}

void ash_norm_affine(const struct ash_norm_row *row, struct ash_pool *pool, size_t outer, size_t C,
                     size_t inner, const float *x, const float *scale, const float *shift,
                     float *y) {
    struct norm_job j = {
        .row = row, .runs = outer, .D = C, .x = x, .scale = scale, .bias = shift, .y = y};
    if (inner != 1) {
        j.runs = outer * C;
        j.D = inner;
        j.channels = 1;
        j.period = C;
    }
    norm_run(&j, pool);
}
