#include "kernels/gemm/gemm_x86.h"

TILE(7, 2)
TILE(8, 2)
TILE(5, 3)
TILE(6, 3)
TILE(7, 3)
TILE(8, 3)
TILE(4, 4)
TILE(5, 4)
TILE(6, 4)
TILE(2, 8)
TILE(3, 8)

static ash_gemm_tile_fn *const tiles[TALL_ROWS][3] = {
    {tile_1_1, tile_1_2, tile_1_3}, {tile_2_1, tile_2_2, tile_2_3}, {tile_3_1, tile_3_2, tile_3_3},
    {tile_4_1, tile_4_2, tile_4_3}, {tile_5_1, tile_5_2, tile_5_3}, {tile_6_1, tile_6_2, tile_6_3},
    {tile_7_1, tile_7_2, tile_7_3}, {tile_8_1, tile_8_2, tile_8_3},
};
static ash_gemm_tile_fn *const wide_tiles[MR][2] = {
    {tile_1_4, tile_1_8}, {tile_2_4, tile_2_8}, {tile_3_4, tile_3_8},
    {tile_4_4, NULL},     {tile_5_4, NULL},     {tile_6_4, NULL},
};

static void tile(const struct ash_gemm_tile *t) { run_tile(t, tiles, wide_tiles); }

extern const struct ash_gemm_kernel ash_gemm_avx512[];
const struct ash_gemm_kernel ash_gemm_avx512[] = {
    {.name = "gemm_f32_avx512",
     .cpu = ASH_CPU_AVX512,
     .mr = MR,
     .nr = NR,
     .wide = WIDE,
     .wide_rows = 3,
     .heights = {TALL_ROWS, MR, THREE_ROWS, FLAT_ROWS},
     .acts = ACTS,
     .keeps = true,
     .tile = tile,
     .finish = finish},
    {.name = NULL},
};
