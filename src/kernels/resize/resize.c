#include "kernels/resize/resize.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"

#include <stdbool.h>
#include <string.h>

#define KERNELS(isa) extern const struct ash_resize_row ash_resize_##isa[];
#include "resize_list.inc"
#undef KERNELS

static const struct ash_resize_row *const resize_tables[] = {
#define KERNELS(isa) ash_resize_##isa,
#include "resize_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(resize, ash_resize_row, resize_tables)

enum { RESIZE_TILE = 16384 /* elements written */ };

struct resize_job {
    const struct ash_resize_row *row;
    const struct ash_resize_shape *s;
    size_t lines, per_tile; /* a line is one output row of one image */
    const void *x;
    void *y;
    unsigned char *scratch; /* an input row for each thread, blended */
    size_t scratch_step;
};

static size_t resize_row_bytes(const struct ash_resize_shape *s) {
    size_t row = ash_size_mul(ash_size_mul(s->w.in, s->inner), sizeof(float));
    return s->h.w && s->w.w ? ash_align_up(row) : 0;
}

size_t ash_resize_scratch(const struct ash_resize_shape *s, size_t threads) {
    return ash_size_mul(resize_row_bytes(s), threads);
}

static void resize_copy_line(const struct ash_resize_shape *s, size_t step, const uint32_t *x,
                             uint32_t *y) {
    const struct ash_resize_axis *a = &s->w;
    if (s->inner == 1) {
        for (size_t o = 0; o < a->out; o++) y[o * step] = x[a->at[o]];
        return;
    }
    for (size_t o = 0; o < a->out; o++, y += step)
        memcpy(y, x + (size_t)a->at[o] * s->inner, s->inner * sizeof *y);
}

static void resize_copy_tile(void *arg, size_t tile, size_t worker) {
    const struct resize_job *j = arg;
    const struct ash_resize_shape *s = j->s;
    size_t step = s->y_step ? s->y_step : s->inner;
    size_t first = tile * j->per_tile, pitch = s->w.out * step;
    size_t end = j->lines - first < j->per_tile ? j->lines : first + j->per_tile;
    (void)worker;
    for (size_t i = first; i < end; i++) {
        size_t oy = i % s->h.out, row = i / s->h.out * s->h.in + (size_t)s->h.at[oy];
        uint32_t *y = (uint32_t *)j->y + i * pitch;
        bool again = i > first && oy && s->h.at[oy] == s->h.at[oy - 1];
        if (again && step == s->inner)
            memcpy(y, y - pitch, pitch * sizeof *y);
        else
            resize_copy_line(s, step, (const uint32_t *)j->x + row * s->w.in * s->inner, y);
    }
}

/* x: the image; oy: the output row; row: room for an input row. */
static void resize_blend_line(const struct resize_job *j, const float *x, size_t oy, float *y,
                              float *row) {
    const struct ash_resize_shape *s = j->s;
    const struct ash_resize_axis *h = &s->h, *w = &s->w;
    size_t pitch = w->in * s->inner;
    const float *from = x + (h->w ? (size_t)h->at[oy] : oy) * pitch;
    if (h->w) {
        float *to = w->w ? row : y;
        j->row->blend(h->taps, h->w + oy, h->out, from, pitch, pitch, to);
        from = to;
    }
    if (!w->w) return;
    if (s->inner == 1) {
        j->row->gather(w->taps, w->out, w->at, w->w, from, w->out, y);
        return;
    }
    for (size_t o = 0; o < w->out; o++, y += s->inner)
        j->row->blend(w->taps, w->w + o, w->out, from + (size_t)w->at[o] * s->inner, s->inner,
                      s->inner, y);
}

static void resize_blend_tile(void *arg, size_t tile, size_t worker) {
    const struct resize_job *j = arg;
    const struct ash_resize_shape *s = j->s;
    size_t first = tile * j->per_tile, image = s->h.in * s->w.in * s->inner;
    size_t end = j->lines - first < j->per_tile ? j->lines : first + j->per_tile;
    unsigned char *mine = j->scratch ? j->scratch + worker * j->scratch_step : NULL;
    float *row = (float *)(void *)mine;
    for (size_t i = first; i < end; i++)
        resize_blend_line(j, (const float *)j->x + i / s->h.out * image, i % s->h.out,
                          (float *)j->y + i * s->w.out * s->inner, row);
}

static void resize_run(struct resize_job *j, struct ash_pool *pool, ash_tile_fn *tile) {
    size_t work = j->s->w.out * j->s->inner;
    j->lines = j->s->outer * j->s->h.out;
    if (!j->lines || !work) return;
    j->per_tile = work < RESIZE_TILE ? RESIZE_TILE / work : 1;
    ash_pool_run(pool, (j->lines + j->per_tile - 1) / j->per_tile, tile, j);
}

void ash_resize_f32(const struct ash_resize_row *row, struct ash_pool *pool,
                    const struct ash_resize_shape *s, const float *x, float *y, void *scratch) {
    struct resize_job j = {.row = row, .s = s, .x = x, .y = y, .scratch = scratch};
    j.scratch_step = resize_row_bytes(s);
    resize_run(&j, pool, resize_blend_tile);
}

void ash_resize_copy(struct ash_pool *pool, const struct ash_resize_shape *s, const void *x,
                     void *y) {
    struct resize_job j = {.s = s, .x = x, .y = y};
    resize_run(&j, pool, resize_copy_tile);
}

enum { SAMPLE_STRIP = 256 /* points: their positions and weights stay in the first cache */ };

struct sample_job {
    const struct ash_resize_row *row;
    const struct ash_sample *s;
    size_t strips, per_tile; /* channels of a tile */
};

static void sample_tile(void *arg, size_t tile, size_t worker) {
    const struct sample_job *j = arg;
    const struct ash_sample *s = j->s;
    size_t p = tile % j->strips * SAMPLE_STRIP, c = tile / j->strips * j->per_tile;
    size_t n = s->points - p < SAMPLE_STRIP ? s->points - p : SAMPLE_STRIP;
    size_t end = s->C - c < j->per_tile ? s->C : c + j->per_tile;
    (void)worker;
    for (; c < end; c++)
        j->row->gather(s->taps, s->points, s->at + p, s->w + p, s->x + c * s->x_plane, n,
                       s->y + c * s->y_plane + p);
}

void ash_sample_f32(const struct ash_resize_row *row, struct ash_pool *pool,
                    const struct ash_sample *s) {
    struct sample_job j = {.row = row, .s = s};
    if (!s->points || !s->C) return;
    size_t n = s->points < SAMPLE_STRIP ? s->points : SAMPLE_STRIP, work = n * s->taps + 1;
    j.strips = (s->points + SAMPLE_STRIP - 1) / SAMPLE_STRIP;
    j.per_tile = work < RESIZE_TILE ? RESIZE_TILE / work : 1;
    ash_pool_run(pool, (s->C + j.per_tile - 1) / j.per_tile * j.strips, sample_tile, &j);
}
