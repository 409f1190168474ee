/* The same tiles over vpdpbusd on 256 bits, for processors without AVX-512. */
#define QGEMM_BYTES
#undef ASH_VEC_ISA
#undef ASH_VEC_CPU
#define ASH_VEC_ISA avxvnni
#define ASH_VEC_CPU (ASH_CPU_AVX2 | ASH_CPU_AVXVNNI)
#include "base/vec.h"
#undef ASH_VEC_ROWS
#define ASH_VEC_ROWS(fam) ash_##fam##_avxvnni

#include "kernels/qgemm/qgemm_vec.c"
