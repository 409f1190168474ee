/* Micro-kernels in WebAssembly, written by gemm_wasm.py: tiles of up to 6 rows by one panel, and of
 * one and two rows by several, each with the simple epilogues at its end. */
#include "base/cpu.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_finish.h"

#include <assert.h>

enum { MR = 6, NR = 8, WIDE = 4 };

/* What a kernel is told, in the order of FIELDS in gemm_wasm.py; steps and `a_skip` in bytes. */
struct tile {
    const float *const *a;
    size_t a_tap, a_skip, taps, k;
    const float *b;
    size_t b_step, b_panel;
    float *c;
    size_t ldc;
    const float *bias, *residual; /* `nothing` where there is none, with an ld_residual of 0 */
    size_t ld_residual;
    float low, high;
    uint32_t first;
};
static_assert(sizeof(struct tile) == 16 * 4, "the fields that kernels know");

typedef void kernel_fn(const struct tile *t);
kernel_fn ash_gemm_tile_1x8, ash_gemm_tile_2x8, ash_gemm_tile_3x8, ash_gemm_tile_4x8,
    ash_gemm_tile_5x8, ash_gemm_tile_6x8, ash_gemm_tile_1x16, ash_gemm_tile_2x16,
    ash_gemm_tile_1x24, ash_gemm_tile_1x32;

static kernel_fn *const one_panel[MR] = {ash_gemm_tile_1x8, ash_gemm_tile_2x8, ash_gemm_tile_3x8,
                                         ash_gemm_tile_4x8, ash_gemm_tile_5x8, ash_gemm_tile_6x8};
static kernel_fn *const few_rows[2][WIDE - 1] = {
    {ash_gemm_tile_1x16, ash_gemm_tile_1x24, ash_gemm_tile_1x32}, {ash_gemm_tile_2x16}};

/* Changes nothing when it is added. */
#define NOTHING8 -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f
static const float nothing[WIDE * NR] = {NOTHING8, NOTHING8, NOTHING8, NOTHING8};

static void copy(float *to, size_t ld_to, const float *from, size_t ld_from, size_t rows,
                 size_t cols) {
    for (size_t i = 0; i < rows; i++, to += ld_to, from += ld_from) {
        for (size_t j = 0; j < cols; j++) to[j] = from[j];
    }
}

/* Columns that do not fill their panels pass through buffers, so that kernels need not know it. */
static __attribute__((noinline)) void narrow(const struct tile *t, size_t rows, size_t cols,
                                             kernel_fn *fn) {
    enum { LD = WIDE * NR };
    float c[MR * LD], residual[MR * LD], bias[LD];
    struct tile u = *t;
    size_t ldc = t->ldc / sizeof(float);
    if (!t->first) copy(c, LD, t->c, ldc, rows, cols);
    copy(bias, LD, t->bias, 0, 1, cols);
    copy(residual, LD, t->residual, t->ld_residual / sizeof(float), rows, cols);
    u.c = c;
    u.bias = bias;
    u.residual = residual;
    u.ldc = u.ld_residual = LD * sizeof(float);
    fn(&u);
    copy(t->c, ldc, c, LD, rows, cols);
}

/* All rows of `cols` columns, which are one panel or a row's several. */
static void go_down(struct tile u, size_t rows, size_t cols, bool whole) {
    size_t blocks = (rows + MR - 1) / MR;
    /* Blocks of nearly equal height: 13 rows are 5 + 4 + 4 rather than 6 + 6 + 1. */
    for (size_t i = 0; i < blocks; i++) {
        size_t n = rows / blocks + (i < rows % blocks);
        kernel_fn *fn = cols > NR ? few_rows[n - 1][(cols - 1) / NR - 1] : one_panel[n - 1];
        if (whole) {
            fn(&u);
        } else {
            narrow(&u, n, cols, fn);
        }
        u.a += n;
        u.c += n * (u.ldc / sizeof(float));
        u.residual += n * (u.ld_residual / sizeof(float));
    }
}

static void tile(const struct ash_gemm_tile *t) {
    const struct ash_gemm_out *out = &t->out;
    struct tile u = {.a = t->a, .taps = t->taps, .k = t->k, .b = t->b, .c = t->c};
    u.a_tap = t->a_tap * sizeof *t->a;
    u.a_skip = t->a_skip * sizeof(float);
    u.b_step = t->b_step * sizeof(float);
    u.b_panel = t->b_panel * sizeof(float);
    u.ldc = t->ldc * sizeof(float);
    u.first = t->first;
    u.bias = u.residual = nothing;
    act_limits(t->last ? out->act : (struct ash_act_f32){0}, &u.low, &u.high);
    size_t bias_step = t->last && out->bias != NULL, residual_step = t->last && out->residual;
    if (bias_step) u.bias = out->bias;
    if (residual_step) {
        u.residual = out->residual;
        u.ld_residual = out->ld_residual * sizeof(float);
    }
    size_t widest = t->rows == 1 ? WIDE : t->rows == 2 ? 2 : 1;
    for (size_t j = 0, n; j < t->cols; j += n) {
        n = t->cols - j < widest * NR ? t->cols - j : widest * NR;
        go_down(u, t->rows, n, n % NR == 0);
        u.b += n / NR * t->b_panel;
        u.c += n;
        u.bias += n * bias_step;
        u.residual += n * residual_step;
    }
}

extern const struct ash_gemm_kernel ASH_VEC_ROWS(gemm)[];
const struct ash_gemm_kernel ASH_VEC_ROWS(gemm)[] = {
    {.name = ASH_VEC_NAME("gemm_f32"),
     .cpu = ASH_VEC_CPU,
     .mr = MR,
     .nr = NR,
     .wide = WIDE,
     .whole = true,
     .tile = tile,
     .finish = finish},
    {.name = NULL},
};
