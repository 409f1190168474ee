/* What the processor can do, as bits.  A kernel row names the bits that it needs. */
#ifndef ASH_BASE_CPU_H
#define ASH_BASE_CPU_H

#include <stdint.h>

enum {
    ASH_CPU_AVX2 = 1 << 0,    /* with FMA and F16C */
    ASH_CPU_AVX512 = 1 << 1,  /* F, BW, VL, DQ */
    ASH_CPU_VNNI = 1 << 2,    /* AVX-512 VNNI */
    ASH_CPU_NEON = 1 << 3,    /* AArch64 */
    ASH_CPU_SIMD128 = 1 << 4, /* WebAssembly SIMD: fixed by the module's variant */
    ASH_CPU_RELAXED = 1 << 5  /* WebAssembly relaxed SIMD */
};

/* Detected bits less those masked off. */
uint32_t ash_cpu_flags(void);
/* Keeps only these bits: for tests and the command line's --cpu.  Call before any session exists.
 */
void ash_cpu_mask(uint32_t mask);
/* "avx2": its bit; 0 for a name that is not known. */
uint32_t ash_cpu_bit(const char *name);

#endif
