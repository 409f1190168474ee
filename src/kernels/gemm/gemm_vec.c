/* Micro-kernels: a tile of MR rows by NV vectors stays in registers while the sum runs; a single
 * row has several panels at once instead, to have enough sums under way.  K is not unrolled:
 * compilers for WebAssembly then reorder the sums and run out of registers. */
#include "base/cpu.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_finish.h"

/* MR * NV sums, NV of B and one of A fit the registers. */
#if defined(VF_NEON)
#    define MR   6
#    define NV   4
#    define WIDE 4
#elif VF_LANES == 4
#    define MR   4
#    define NV   2
#    define WIDE 4
#else
#    define MR   2
#    define NV   4
#    define WIDE 2
#endif

enum { NR = NV * VF_LANES };

VF_INLINE void tile_body(const struct ash_gemm_tile *t, const int rows, const int nv) {
    vf sum[MR][NV];
    VF_UNROLL for (int i = 0; i < rows; i++) {
        const float *c = t->c + (size_t)i * t->ldc;
        VF_UNROLL for (int j = 0; j < nv; j++) sum[i][j] =
            t->first ? vf_zero() : vf_load(c + j * VF_LANES);
    }
    const float *b = t->b;
    const size_t b_step = t->b_step, count = t->k;
    for (size_t tap = 0; tap < t->taps; tap++) {
        const float *a[MR];
        VF_UNROLL for (int i = 0; i < rows; i++) a[i] =
            t->a[tap * t->a_tap + (size_t)i] + t->a_skip;
        VF_NO_UNROLL for (size_t k = 0; k < count; k++, b += b_step) {
            vf y[NV];
            VF_UNROLL for (int j = 0; j < nv; j++) y[j] = vf_load(b + j * VF_LANES);
            VF_UNROLL for (int i = 0; i < rows; i++) {
                vf x = vf_set1(a[i][k]);
                VF_UNROLL for (int j = 0; j < nv; j++) sum[i][j] = vf_fma(x, y[j], sum[i][j]);
            }
        }
    }
    VF_UNROLL for (int i = 0; i < rows; i++) {
        float *c = t->c + (size_t)i * t->ldc;
        VF_UNROLL for (int j = 0; j < nv; j++) vf_store(c + j * VF_LANES, sum[i][j]);
    }
}

/* One row and WIDE panels. */
static void tile_wide(const struct ash_gemm_tile *t) {
    vf sum[WIDE][NV];
    VF_UNROLL for (int p = 0; p < WIDE; p++) {
        VF_UNROLL for (int j = 0; j < NV; j++) sum[p][j] =
            t->first ? vf_zero() : vf_load(t->c + p * NR + j * VF_LANES);
    }
    const float *b = t->b;
    const size_t b_step = t->b_step, b_panel = t->b_panel, count = t->k;
    for (size_t tap = 0; tap < t->taps; tap++) {
        const float *a = t->a[tap * t->a_tap] + t->a_skip;
        VF_NO_UNROLL for (size_t k = 0; k < count; k++, b += b_step) {
            vf x = vf_set1(a[k]);
            VF_UNROLL for (int p = 0; p < WIDE; p++) {
                VF_UNROLL for (int j = 0; j < NV; j++) {
                    vf y = vf_load(b + (size_t)p * b_panel + j * VF_LANES);
                    sum[p][j] = vf_fma(x, y, sum[p][j]);
                }
            }
        }
    }
    VF_UNROLL for (int p = 0; p < WIDE; p++) {
        VF_UNROLL for (int j = 0; j < NV; j++) vf_store(t->c + p * NR + j * VF_LANES, sum[p][j]);
    }
}

/* Natively a narrow last panel has kernels of its own; in WebAssembly their size costs more. */
#if defined(__wasm__) || NV != 2
#    define NARROW 0
#else
#    define NARROW 1
#endif

#define TILE(rows)                                                                                 \
    static void tile_##rows(const struct ash_gemm_tile *t) {                                       \
        if (NARROW && t->cols <= VF_LANES) {                                                       \
            tile_body(t, rows, 1);                                                                 \
        } else {                                                                                   \
            tile_body(t, rows, NV);                                                                \
        }                                                                                          \
    }
TILE(1)
TILE(2)
#if MR > 2
TILE(3)
TILE(4)
#endif
#if MR > 4
TILE(5)
TILE(6)
#endif

static ash_gemm_tile_fn *const tiles[MR] = {
    tile_1, tile_2,
#if MR > 2
    tile_3, tile_4,
#endif
#if MR > 4
    tile_5, tile_6,
#endif
};

static void copy_rows(float *to, size_t ld_to, const float *from, size_t ld_from, size_t rows,
                      size_t cols) {
    for (size_t i = 0; i < rows; i++, to += ld_to, from += ld_from) {
        for (size_t j = 0; j < cols; j++) to[j] = from[j];
    }
}

static void sums(const struct ash_gemm_tile *t) {
    size_t panels = (t->cols + NR - 1) / NR, width = panels * NR;
    struct ash_gemm_tile u = *t;
    if (panels > 1 && panels < WIDE) {
        for (size_t p = 0; p < panels; p++, u.b += t->b_panel, u.c += NR) {
            u.cols = p + 1 < panels ? NR : t->cols - p * NR;
            sums(&u);
        }
        return;
    }
    ash_gemm_tile_fn *fn = panels == WIDE ? tile_wide : tiles[t->rows - 1];
    if (t->cols == width) {
        fn(t);
        return;
    }
    /* Partial panels pass through a buffer, so that kernels need not know them. */
    float buffer[(MR > WIDE ? MR : WIDE) * NR];
    if (!t->first) copy_rows(buffer, width, t->c, t->ldc, t->rows, t->cols);
    u.c = buffer;
    u.ldc = width;
    fn(&u);
    copy_rows(t->c, t->ldc, buffer, width, t->rows, t->cols);
}

static void tile(const struct ash_gemm_tile *t) {
    sums(t);
    if (t->last) finish(t);
}

extern const struct ash_gemm_kernel ASH_VEC_ROWS(gemm)[];
const struct ash_gemm_kernel ASH_VEC_ROWS(gemm)[] = {
    {.name = ASH_VEC_NAME("gemm_f32"),
     .cpu = ASH_VEC_CPU,
     .mr = MR,
     .nr = NR,
     .wide = WIDE,
     .tile = tile,
     .finish = finish},
    {.name = NULL},
};
