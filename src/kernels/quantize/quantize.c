#include "kernels/quantize/quantize.h"

#include "base/pool.h"
#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_quantize_row ash_quantize_##isa[];
#include "quantize_list.inc"
#undef KERNELS

static const struct ash_quantize_row *const tables[] = {
#define KERNELS(isa) ash_quantize_##isa,
#include "quantize_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(quantize, ash_quantize_row, tables)

enum { TILE = 16384, CHUNK = 512 /* floats on the stack */ };

struct job {
    const struct ash_quantize_row *row;
    const struct ash_quantized *q;
    size_t period, n, inner; /* n elements in all */
    const void *x, *b;
    void *y;
    bool product;
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

static void run(struct ash_pool *pool, ash_tile_fn *fn, struct job *j) {
    ash_pool_run(pool, j->n / TILE + (j->n % TILE != 0), fn, j);
}

static void quantize_tile(void *arg, size_t tile, size_t worker) {
    const struct job *j = arg;
    size_t at = tile * TILE, end = min_size(at + TILE, j->n);
    (void)worker;
    for (size_t n; at < end; at += n) {
        n = min_size(j->inner - at % j->inner, end - at);
        j->row->quantize(&j->q[at / j->inner % j->period], n, (const float *)j->x + at,
                         (uint8_t *)j->y + at);
    }
}

static void dequantize_tile(void *arg, size_t tile, size_t worker) {
    const struct job *j = arg;
    size_t at = tile * TILE, end = min_size(at + TILE, j->n);
    (void)worker;
    for (size_t n; at < end; at += n) {
        n = min_size(j->inner - at % j->inner, end - at);
        j->row->dequantize(&j->q[at / j->inner % j->period], n, (const uint8_t *)j->x + at,
                           (float *)j->y + at);
    }
}

void ash_quantize_f32(const struct ash_quantize_row *row, struct ash_pool *pool,
                      const struct ash_quantized *q, size_t period, size_t n, size_t inner,
                      const float *x, uint8_t *y) {
    struct job j = {.row = row, .q = q, .period = period, .n = n * inner, .inner = inner};
    j.x = x;
    j.y = y;
    run(pool, quantize_tile, &j);
}

void ash_dequantize_f32(const struct ash_quantize_row *row, struct ash_pool *pool,
                        const struct ash_quantized *q, size_t period, size_t n, size_t inner,
                        const uint8_t *x, float *y) {
    struct job j = {.row = row, .q = q, .period = period, .n = n * inner, .inner = inner};
    j.x = x;
    j.y = y;
    run(pool, dequantize_tile, &j);
}

static void binary_tile(void *arg, size_t tile, size_t worker) {
    const struct job *j = arg;
    size_t at = tile * TILE, end = min_size(at + TILE, j->n);
    float a[CHUNK], b[CHUNK];
    (void)worker;
    for (size_t n; at < end; at += n) {
        n = min_size(end - at, CHUNK);
        n = min_size(n, j->period == 1 ? n : j->period - at % j->period);
        j->row->dequantize(&j->q[0], n, (const uint8_t *)j->x + at, a);
        if (j->period == 1) {
            j->row->dequantize(&j->q[1], 1, j->b, b);
            for (size_t i = 1; i < n; i++) b[i] = b[0];
        } else {
            j->row->dequantize(&j->q[1], n, (const uint8_t *)j->b + at % j->period, b);
        }
        j->row->op(j->product, n, a, b);
        j->row->quantize(&j->q[2], n, a, (uint8_t *)j->y + at);
    }
}

void ash_quantize_binary(const struct ash_quantize_row *row, struct ash_pool *pool, bool product,
                         const struct ash_quantized q[3], size_t n, size_t b_period,
                         const uint8_t *a, const uint8_t *b, uint8_t *y) {
    struct job j = {.row = row, .q = q, .period = b_period, .n = n, .product = product};
    j.x = a;
    j.b = b;
    j.y = y;
    run(pool, binary_tile, &j);
}

enum { RANGES = 64 };

struct ranges {
    const struct ash_quantize_row *row;
    const float *x;
    size_t n, each;
    float lo[RANGES], hi[RANGES];
};

static void range_tile(void *arg, size_t tile, size_t worker) {
    struct ranges *r = arg;
    size_t at = tile * r->each;
    (void)worker;
    r->row->range(min_size(r->each, r->n - at), r->x + at, &r->lo[tile], &r->hi[tile]);
}

void ash_quantize_range(const struct ash_quantize_row *row, struct ash_pool *pool, size_t n,
                        const float *x, float *lo, float *hi) {
    struct ranges r = {.row = row, .x = x, .n = n};
    r.each = n / RANGES + 1 > TILE ? n / RANGES + 1 : TILE;
    ash_pool_run(pool, n / r.each + (n % r.each != 0), range_tile, &r);
    *lo = *hi = 0;
    for (size_t i = 0; i < RANGES; i++) {
        *lo = r.lo[i] < *lo ? r.lo[i] : *lo;
        *hi = r.hi[i] > *hi ? r.hi[i] : *hi;
    }
}
