/* Matrix product in float32: C[m, n] = epilogue(sum over k of A[m, k] * B[k, n]).
 *
 * Letters: m rows of A and C, n columns of B and C, k the sum's length; mr x nr the tile of a row
 * of the table.  B is packed into panels of nr columns, [panel][tap][k][nr], the last panel filled
 * up with zeros.  A is reached through one pointer per row and tap, so that convolution is the same
 * kernel; a plain product has one tap.
 *
 * Each element of C is summed over taps and k in ascending order from zero, in every row of the
 * table: neither the tile, nor the blocking, nor the number of threads changes a bit, and rows with
 * fused multiply-add agree bit for bit.  Then, in this order: scale, bias, residual, activation. */
#ifndef ASH_KERNELS_GEMM_H
#define ASH_KERNELS_GEMM_H

#include "kernels/act.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

/* What happens to a sum before it is stored.  All zero: nothing.  The residual does not overlap C,
 * or is C where ash_gemm_may_overwrite. */
struct ash_gemm_out {
    float scale;           /* 0 stands for 1 */
    const float *bias;     /* [n], or NULL */
    const float *residual; /* added: [m, n] with rows ld_residual apart, or NULL */
    size_t ld_residual;
    bool residual_last; /* add it after the activation instead of before */
    struct ash_act_f32 act;
};

/* One call of a micro-kernel.  out.bias and out.residual point at the tile's first element. */
struct ash_gemm_tile {
    size_t rows; /* 1..mr, or ASH_GEMM_ROWS_MAX if the kernel is `whole` */
    size_t cols; /* 1..nr; up to wide * nr with at most wide_rows rows; as many as `heights` has
                    with at most so many rows; any if it is `whole` */
    size_t taps, k;
    const float *const *a; /* row r of tap t begins at a[t * a_tap + r] + a_skip */
    size_t a_tap, a_skip;
    const float *b; /* (t, k, j) of panel p is b[p * b_panel + (t * k_count + k) * b_step + j] */
    size_t b_panel, b_step;
    float *c; /* rows ldc apart */
    size_t ldc;
    bool fresh; /* this part of B has to come from far away */
    /* Lines of the next panel to be loaded meanwhile, so many with each ahead_k of k; as many of
     * the one behind it if the tile has two. */
    const float *ahead;
    size_t ahead_lines, ahead_k;
    bool first; /* begins at zero, otherwise at what C holds */
    bool last;  /* applies the epilogue, which is a simple one if the row has `finish` */
    struct ash_gemm_out out;
};

typedef void ash_gemm_tile_fn(const struct ash_gemm_tile *tile);

struct ash_gemm_kernel {
    const char *name;
    uint32_t cpu;
    uint16_t mr, nr;
    uint16_t wide;      /* panels that a tile of few rows may span */
    uint16_t wide_rows; /* how few; 0 stands for 1 */
    /* Rows of tiles of 1, 2, 3 and 4 half panels, so that as many sums are under way in each: the
     * first takes what is left of a width, the third one panel and such a rest, and rows by two
     * panels load less than mr by one.  0: there are no such tiles. */
    uint8_t heights[4];
    uint16_t acts; /* activations that `tile` applies although they are not simple, as bits */
    bool whole;    /* cuts what it is given itself */
    bool keeps;    /* sums of a tile are in C when they are ready, not before */
    ash_gemm_tile_fn *tile;
    /* Applies any epilogue to sums of any number of rows and columns that lie in C; NULL: `tile`
     * does.  What tiles cannot do of one that is not simple, everything from its scale or its
     * activation on, runs once over all of them, in the cache as they are. */
    ash_gemm_tile_fn *finish;
};

/* Bias, residual, limits, in this order: no scale, no other activation, and nothing after it. */
static inline bool ash_gemm_is_simple(const struct ash_gemm_out *out) {
    bool limits_last = out->act.kind == ASH_ACT_NONE || !(out->residual && out->residual_last);
    return out->scale == 0.0f && out->act.kind <= ASH_ACT_CLIP && limits_last;
}

enum {
    ASH_GEMM_ROWS_MAX = 96, /* most rows that a work tile has */
    ASH_GEMM_FAR = 1 << 17  /* elements of B that are gone from the cache before the next run */
};

/* Of a product that is cut into so many tiles of rows: whether B comes from far away.
 * WebAssembly cannot load ahead. */
static inline bool ash_gemm_is_fresh(size_t m_tiles, size_t n, size_t k) {
#if defined(__wasm__)
    (void)m_tiles, (void)n, (void)k;
    return false;
#else
    return n * k >= (m_tiles == 1 ? ASH_GEMM_FAR : 2 * ASH_GEMM_FAR);
#endif
}

/* The best row for this processor, never NULL.  Packed weights belong to the row they were packed
 * for. */
const struct ash_gemm_kernel *ash_gemm_best(void);
/* Every linked row: a NULL-terminated array of tables that end with a row without a name. */
const struct ash_gemm_kernel *const *ash_gemm_tables(void);

/* Whether a residual of sums of this length may lie where C does: natively. */
#if defined(__wasm__)
#    define ash_gemm_may_overwrite(row, taps, k, out) ((void)(row), false)
#else
bool ash_gemm_may_overwrite(const struct ash_gemm_kernel *row, size_t taps, size_t k,
                            const struct ash_gemm_out *out);
#endif

/* Bytes that ash_gemm_pack writes; SIZE_MAX when there are too many. */
size_t ash_gemm_packed_size(const struct ash_gemm_kernel *row, size_t taps, size_t k, size_t n);
/* Packs the B whose element (t, k, n) is b[t * step_t + k * step_k + n * step_n]: [k, n] row-major
 * is (0, n, 1), its transpose [n, k] (0, 1, k), convolution weights [n][k][taps] (1, taps,
 * k * taps). */
void ash_gemm_pack(const struct ash_gemm_kernel *row, size_t taps, size_t k, size_t n,
                   const float *b, size_t step_t, size_t step_k, size_t step_n, float *packed);

/* A product, or outer * inner of them: the matrices of batch (i, j) are i * outer_x + j * inner_x
 * floats further on, and a step of 0 shares one.  The bias is shared by all. */
struct ash_gemm {
    size_t m, n, k;
    const float *a; /* rows lda apart */
    size_t lda;
    const float *b; /* packed for the row, or as the steps say */
    float *c;       /* rows ldc apart; overlaps neither a nor b */
    size_t ldc;
    size_t outer, inner; /* 0 stands for 1 */
    size_t outer_a, inner_a, outer_b, inner_b, outer_c, inner_c, outer_residual, inner_residual;
    struct ash_gemm_out out;
    size_t step_k, step_n; /* ash_gemm_dynamic_f32: element (k, n) is b[k * step_k + n * step_n] */
};

/* With packed B.  Steps of b count floats of packed storage. */
void ash_gemm_f32(const struct ash_gemm_kernel *row, const struct ash_gemm *g,
                  struct ash_pool *pool);

/* With a B that is not packed, as in attention: packs it into scratch of this size, aligned to 16,
 * where that pays.  SIZE_MAX when there is too much. */
size_t ash_gemm_dynamic_scratch(const struct ash_gemm_kernel *row, const struct ash_gemm *g);
void ash_gemm_dynamic_f32(const struct ash_gemm_kernel *row, const struct ash_gemm *g,
                          void *scratch, struct ash_pool *pool);

/* With a B in another form, of which a part at a time is made float32 in scratch: columns
 * strip * width .. of elements k0..k0+k-1, k at most `depth`, such that element (i, j) of the
 * tile's panel p is to[p * panel + i * step + j]. */
struct ash_gemm_parts {
    size_t width; /* columns, a multiple of the row's nr */
    size_t depth, panel, step;
    void (*unpack)(const void *arg, size_t strip, size_t k0, size_t k, float *to);
    const void *arg;
};
/* Bytes for so many threads; SIZE_MAX when there is too much. */
size_t ash_gemm_parts_scratch(const struct ash_gemm_parts *parts, size_t threads);
/* One product: outer and inner are not read.  The same bits as ash_gemm_f32. */
void ash_gemm_parts_f32(const struct ash_gemm_kernel *row, const struct ash_gemm *g,
                        const struct ash_gemm_parts *parts, void *scratch, struct ash_pool *pool);

/* For kernels on top of this one (convolution): rows x cols of C by the tiles of a row, where `t`
 * is filled for all of it; rows at most ASH_GEMM_ROWS_MAX, `first` and `last` are ignored. */
void ash_gemm_block(const struct ash_gemm_kernel *row, const struct ash_gemm_tile *t);
/* The same over the part of the sum that `t` names, `first` and `last` included. */
void ash_gemm_part(const struct ash_gemm_kernel *row, const struct ash_gemm_tile *t);
/* How to cut m x n with sums of length k into work tiles: rows and panels of each. */
void ash_gemm_cut(const struct ash_gemm_kernel *row, size_t m, size_t n, size_t k,
                  size_t *tile_rows, size_t *tile_panels);

#endif
