/* What checkers share whose families run on gemm's rows. */
#ifndef ASH_CHECK_GEMM_H
#define ASH_CHECK_GEMM_H

#include "kernels/gemm/gemm.h"

#include <stddef.h>
#include <string.h>

/* gemm's reference row; NULL where it is not linked. */
static inline const struct ash_gemm_kernel *chk_gemm_reference(void) {
    const struct ash_gemm_kernel *found = NULL;
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *k = *t; k->name; k++) {
            if (strstr(k->name, "_ref")) found = k;
        }
    }
    return found;
}

#endif
