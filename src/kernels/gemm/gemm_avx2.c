#include "kernels/gemm/gemm_x86.h"

static const struct tiles tiles = {
    .few = {{tile_1_1, tile_1_2, tile_1_3},
            {tile_2_1, tile_2_2, tile_2_3},
            {tile_3_1, tile_3_2, tile_3_3},
            {tile_4_1, tile_4_2, tile_4_3},
            {tile_5_1, tile_5_2, NULL},
            {tile_6_1, tile_6_2, NULL},
            {tile_7_1, NULL, NULL},
            {tile_8_1, NULL, NULL}},
    .wide = {{tile_1_4, tile_1_8}, {tile_2_4, NULL}, {tile_3_4, NULL}},
};

static void tile(const struct ash_gemm_tile *t) { run_tile(t, &tiles); }

extern const struct ash_gemm_kernel ash_gemm_avx2[];
const struct ash_gemm_kernel ash_gemm_avx2[] = {
    {.name = "gemm_f32_avx2",
     .cpu = ASH_CPU_AVX2,
     .mr = MR,
     .nr = NR,
     .wide = WIDE,
     .wide_rows = 3,
     .heights = {TALL_ROWS, MR, THREE_ROWS},
     .acts = ACTS,
     .keeps = true,
     .tile = tile,
     .finish = finish},
    {.name = NULL},
};
