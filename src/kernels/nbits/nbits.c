#include "kernels/nbits/nbits.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/chooser.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define KERNELS(isa) extern const struct ash_nbits_row ash_nbits_##isa[];
#include "nbits_list.inc"
#undef KERNELS

static const struct ash_nbits_row *const nbits_tables[] = {
#define KERNELS(isa) ash_nbits_##isa,
#include "nbits_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(nbits, ash_nbits_row, nbits_tables)

enum {
    NBITS_TILE = 1 << 17, /* multiplications that are worth a trip through the pool */
    NBITS_DEPTH = 512     /* what of a panel is unpacked before it is used */
};

static size_t nbits_up(size_t a, size_t b) { return a / b + (a % b != 0); }

/* The parts of the packed form, in elements of 4 bytes. */
struct nbits_layout {
    size_t blocks, panels;
    size_t words;         /* of codes in a panel */
    size_t scales, zeros; /* where they begin */
    size_t total;
};

static struct nbits_layout nbits_layout(const struct ash_nbits_row *row,
                                        const struct ash_nbits_shape *s) {
    struct nbits_layout l = {.blocks = nbits_up(s->k, s->block), .panels = nbits_up(s->n, row->nr)};
    size_t each = ash_size_mul(l.blocks, row->nr), facts = ash_size_mul(each, l.panels);
    l.words = ash_size_mul(each, s->block * (size_t)s->bits / 32);
    l.scales = ash_size_mul(l.words, l.panels);
    l.zeros = ash_size_add(l.scales, facts);
    l.total = s->zeros ? ash_size_add(l.zeros, facts) : l.zeros;
    return l;
}

size_t ash_nbits_packed_size(const struct ash_nbits_row *row, const struct ash_nbits_shape *s) {
    return ash_size_mul(nbits_layout(row, s).total, 4);
}

static uint32_t nbits_code(const unsigned char *q, int bits, size_t i) {
    size_t bit = i * (size_t)bits;
    return (uint32_t)q[bit / 8] >> bit % 8 & ((1u << bits) - 1);
}

void ash_nbits_pack(const struct ash_nbits_row *row, const struct ash_nbits_shape *s, int from,
                    const unsigned char *q, const float *scale, const float *zeros, void *packed) {
    const struct nbits_layout l = nbits_layout(row, s);
    size_t nr = row->nr, per = 32 / (size_t)s->bits, words = l.blocks * s->block / per;
    size_t bytes = l.blocks * s->block * (size_t)from / 8;
    uint32_t *to = packed;
    float *scales = (float *)packed + l.scales, *points = (float *)packed + l.zeros;
    memset(packed, 0, l.total * 4);
    for (size_t n = 0; n < s->n; n++) {
        size_t panel = n / nr, j = n % nr;
        for (size_t i = 0; i < words; i++) {
            uint32_t word = 0;
            for (size_t k = 0; k < per; k++)
                word |= nbits_code(q + n * bytes, from, i * per + k) << k * (size_t)s->bits;
            to[panel * l.words + i * nr + j] = word;
        }
        for (size_t b = 0; b < l.blocks; b++) {
            size_t at = (panel * l.blocks + b) * nr + j;
            scales[at] = scale[n * l.blocks + b];
            if (zeros) points[at] = zeros[n * l.blocks + b];
        }
    }
}

struct nbits_job {
    const struct ash_nbits_row *row;
    const struct ash_nbits_shape *s;
    struct nbits_layout l;
    const uint32_t *packed;
    size_t tile_panels;
    const float *a, *sums, *a_scale, *bias;
    const int32_t *pairs;
    float *y;
    char *scratch;
};

static struct ash_nbits_tile nbits_panel(const struct nbits_job *j, size_t panel) {
    const float *facts = (const float *)j->packed;
    size_t at = panel * j->l.blocks * j->row->nr;
    return (struct ash_nbits_tile){.bits = j->s->bits,
                                   .k = j->s->k,
                                   .block = j->s->block,
                                   .q = j->packed + panel * j->l.words,
                                   .scale = facts + j->l.scales + at,
                                   .zeros = j->s->zeros ? facts + j->l.zeros + at : NULL,
                                   .zero = j->s->zero,
                                   .a = j->a,
                                   .sums = j->sums,
                                   .pairs = j->pairs,
                                   .a_scale = j->a_scale};
}

static void nbits_dot_tile(void *arg, size_t tile, size_t worker) {
    const struct nbits_job *j = arg;
    size_t end = (tile + 1) * j->tile_panels, nr = j->row->nr;
    (void)worker;
    for (size_t p = tile * j->tile_panels; p < end && p < j->l.panels; p++) {
        float y[128];
        struct ash_nbits_tile t = nbits_panel(j, p);
        size_t n = p * nr, cols = j->s->n - n < nr ? j->s->n - n : nr;
        t.y = y;
        j->row->dot(&t);
        for (size_t i = 0; i < cols; i++) j->y[n + i] = j->bias ? y[i] + j->bias[n + i] : y[i];
    }
}

/* Blocks that are longer than what is unpacked at once are taken in parts. */
static void nbits_unpack(const void *arg, size_t panel, size_t k0, size_t k, float *to) {
    const struct nbits_job *j = arg;
    struct ash_nbits_tile t = nbits_panel(j, panel);
    size_t b = k0 / t.block, nr = j->row->nr;
    t.q += k0 * (size_t)t.bits / 32 * nr;
    t.scale += b * nr;
    if (t.zeros) t.zeros += b * nr;
    t.k = k;
    t.y = to;
    j->row->unpack(&t);
}

static struct ash_gemm_parts nbits_parts(const struct ash_nbits_row *row, size_t gemm_nr) {
    return (struct ash_gemm_parts){.width = row->nr,
                                   .depth = NBITS_DEPTH,
                                   .panel = gemm_nr,
                                   .step = row->nr,
                                   .unpack = nbits_unpack};
}

size_t ash_nbits_scratch(const struct ash_nbits_row *row, const struct ash_nbits_shape *s, size_t m,
                         size_t threads) {
    const struct ash_gemm_parts parts = nbits_parts(row, row->nr);
    size_t blocks = nbits_up(s->k, s->block);
    if (m > 1) return ash_gemm_parts_scratch(&parts, threads);
    /* In bytes: half of it, sums, factors, and one block. */
    return ash_size_mul(ash_size_add(ash_size_mul(blocks, s->block), ash_size_add(blocks, 8)),
                        sizeof(float));
}

/* a as the tiles want it, and its sums. */
static void nbits_prepare(struct nbits_job *j) {
    const struct ash_nbits_shape *s = j->s;
    float *a = (float *)(void *)j->scratch, *sums = a + j->l.blocks * s->block;
    for (size_t b = 0; b < j->l.blocks; b++) {
        float sum = 0;
        for (size_t k = b * s->block; k < (b + 1) * s->block; k++) {
            float x = k < s->k ? j->a[k] : 0;
            sum += x;
            a[k] = x * ash_nbits_scale(s->bits, k);
        }
        sums[b] = sum;
    }
    j->a = a;
    j->sums = sums;
}

/* n elements x of a block as whole numbers; returns what they are multiples of. */
static float nbits_round(size_t n, const float *x, int16_t *whole, float *sum) {
    float most = 0, each;
    int32_t total = 0;
    bool finite = true;
    for (size_t k = 0; k < n; k++) {
        float size = fabsf(x[k]);
        finite = finite && size <= FLT_MAX;
        most = size > most ? size : most;
    }
    each = most / 127.0f;
    for (size_t k = 0; k < n; k++) {
        float v = finite && each > 0 ? rintf(x[k] / each) : 0;
        v = v > 127 ? 127 : v < -127 ? -127 : v; /* of denormal numbers */
        whole[k] = (int16_t)v;
        total += whole[k];
    }
    *sum = (float)total;
    return finite ? each : NAN;
}

/* a in bytes, in pairs as the tiles want them. */
static void nbits_prepare_bytes(struct nbits_job *j) {
    const struct ash_nbits_shape *s = j->s;
    size_t half = 16 / (size_t)s->bits, count = j->l.blocks * s->block / 2;
    int32_t *pairs = (int32_t *)(void *)j->scratch, *to = pairs;
    float *sums = (float *)(void *)(pairs + count), *scales = sums + j->l.blocks;
    for (size_t b = 0; b < j->l.blocks; b++) {
        size_t n = s->k - b * s->block < s->block ? s->k - b * s->block : s->block;
        int16_t *whole = (int16_t *)(void *)(scales + j->l.blocks);
        memset(whole, 0, s->block * sizeof *whole);
        scales[b] = nbits_round(n, j->a + b * s->block, whole, &sums[b]);
        for (size_t k = 0; k < s->block; k += 2 * half, whole += 2 * half) {
            for (size_t i = 0; i < half; i++)
                *to++ = (int32_t)((uint16_t)whole[i] | (uint32_t)(uint16_t)whole[i + half] << 16);
        }
    }
    j->pairs = pairs;
    j->sums = sums;
    j->a_scale = scales;
}

void ash_nbits_f32(const struct ash_nbits_row *row, const struct ash_gemm_kernel *gemm,
                   const struct ash_nbits_shape *s, const void *packed, size_t m, const float *a,
                   const float *bias, float *y, void *scratch, struct ash_pool *pool) {
    struct nbits_job j = {.row = row, .s = s, .l = nbits_layout(row, s)};
    if (!m || !s->n || !s->k) return;
    j.packed = packed;
    j.a = a;
    j.bias = bias;
    j.y = y;
    j.scratch = scratch;
    if (m == 1) {
        size_t work = s->k * row->nr;
        (s->bytes ? nbits_prepare_bytes : nbits_prepare)(&j);
        j.tile_panels = work < NBITS_TILE ? NBITS_TILE / work : 1;
        ash_pool_run(pool, nbits_up(j.l.panels, j.tile_panels), nbits_dot_tile, &j);
        return;
    }
    struct ash_gemm_parts parts = nbits_parts(row, gemm->nr);
    struct ash_gemm g = {.m = m, .n = s->n, .k = s->k, .a = a, .lda = s->k, .c = y, .ldc = s->n};
    parts.arg = &j;
    g.out.bias = bias;
    ash_gemm_parts_f32(gemm, &g, &parts, scratch, pool);
}
