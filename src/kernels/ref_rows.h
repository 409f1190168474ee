/* Before the text of a fam_vec.c, in its fam_ref.c: the same source over one lane is the reference
 * row ash_fam_ref[].  What is right is stated in fam_check.c, in double and independently. */
#ifndef ASH_KERNELS_REF_ROWS_H
#define ASH_KERNELS_REF_ROWS_H

#define ASH_VEC_REF
#undef ASH_VEC_ISA
#undef ASH_VEC_CPU
#define ASH_VEC_ISA ref
#define ASH_VEC_CPU 0
#include "base/vec.h"
#undef ASH_VEC_ROWS
#define ASH_VEC_ROWS(fam) ash_##fam##_ref

#endif
