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

HALF_TILE(1, 1)
HALF_TILE(2, 1)
HALF_TILE(3, 1)
HALF_TILE(4, 1)
HALF_TILE(5, 1)
HALF_TILE(6, 1)
HALF_TILE(7, 1)
HALF_TILE(8, 1)
HALF_TILE(1, 2)
HALF_TILE(2, 2)
HALF_TILE(3, 2)
HALF_TILE(4, 2)
HALF_TILE(5, 2)
HALF_TILE(6, 2)
HALF_TILE(7, 2)
HALF_TILE(8, 2)
HALF_TILE(1, 3)
HALF_TILE(2, 3)
HALF_TILE(3, 3)
HALF_TILE(4, 3)
HALF_TILE(5, 3)
HALF_TILE(6, 3)
HALF_TILE(7, 3)
HALF_TILE(8, 3)

static const struct tiles tiles = {
    .few = {{tile_1_1, tile_1_2, tile_1_3},
            {tile_2_1, tile_2_2, tile_2_3},
            {tile_3_1, tile_3_2, tile_3_3},
            {tile_4_1, tile_4_2, tile_4_3},
            {tile_5_1, tile_5_2, tile_5_3},
            {tile_6_1, tile_6_2, tile_6_3},
            {tile_7_1, tile_7_2, tile_7_3},
            {tile_8_1, tile_8_2, tile_8_3}},
    .half = {{half_1_1, half_1_2, half_1_3},
             {half_2_1, half_2_2, half_2_3},
             {half_3_1, half_3_2, half_3_3},
             {half_4_1, half_4_2, half_4_3},
             {half_5_1, half_5_2, half_5_3},
             {half_6_1, half_6_2, half_6_3},
             {half_7_1, half_7_2, half_7_3},
             {half_8_1, half_8_2, half_8_3}},
    .wide = {{tile_1_4, tile_1_8},
             {tile_2_4, tile_2_8},
             {tile_3_4, tile_3_8},
             {tile_4_4, NULL},
             {tile_5_4, NULL},
             {tile_6_4, NULL}},
};

static void tile(const struct ash_gemm_tile *t) { run_tile(t, &tiles); }

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
