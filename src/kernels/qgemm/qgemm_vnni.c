/* The same tiles over vpdpbusd: four bytes a lane. */
#define QGEMM_BYTES
#undef ASH_VEC_ISA
#undef ASH_VEC_CPU
#define ASH_VEC_ISA vnni
#define ASH_VEC_CPU (ASH_CPU_AVX512 | ASH_CPU_VNNI)
#include "base/vec.h"
#undef ASH_VEC_ROWS
#define ASH_VEC_ROWS(fam) ash_##fam##_vnni

#include "kernels/qgemm/qgemm_vec.c"
