/* What every family has beside its tables: ash_FAM_tables(), all of them for the checker, and
 * ash_FAM_best(), the first row whose processor bits are all there (tables are linked best first),
 * NULL when there is none. */
#ifndef ASH_KERNELS_CHOOSER_H
#define ASH_KERNELS_CHOOSER_H

#include "base/cpu.h"

#include <stddef.h>

/* tables: struct type *const[], closed by NULL; each table is closed by a row without a name. */
#define ASH_KERNEL_CHOOSER(fam, type, tables)                                                      \
    const struct type *const *ash_##fam##_tables(void) { return tables; }                          \
    const struct type *ash_##fam##_best(void) {                                                    \
        uint32_t cpu = ash_cpu_flags();                                                            \
        for (const struct type *const *t = tables; *t; t++) {                                      \
            for (const struct type *row = *t; row->name; row++) {                                  \
                if ((row->cpu & cpu) == row->cpu) return row;                                      \
            }                                                                                      \
        }                                                                                          \
        return NULL;                                                                               \
    }

#endif
