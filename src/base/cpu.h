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
    ASH_CPU_RELAXED = 1 << 5, /* WebAssembly relaxed SIMD */
    /* What the host makes of i32x4.relaxed_dot_i8x16_i7x16_add_s where the second operand has its
     * top bits set: an exact sum of unsigned by signed products, or of signed ones.  Neither: it
     * saturates. */
    ASH_CPU_UDOT = 1 << 6,
    ASH_CPU_SDOT = 1 << 7,
    /* i16x8.relaxed_dot_i8x16_i7x16_s is of unsigned by signed, and exact as far as 16 bits go. */
    ASH_CPU_UPAIRS = 1 << 8,
    ASH_CPU_AVXVNNI = 1 << 9, /* with AVX2: products of bytes on 256 bits */
    ASH_CPU_AMX = 1 << 10     /* tiles of int8, with VNNI; this process may use them */
};

/* Detected bits less those masked off.  Linux gives the memory that tiles take to those alone who
 * ask for it: this asks, once for the process, unless ASH_CPU_AMX is masked off. */
uint32_t ash_cpu_flags(void);
/* Keeps only these bits: for tests and the command line's --cpu.  Call before any session exists.
 */
void ash_cpu_mask(uint32_t mask);
/* "avx2": its bit; 0 for a name that is not known. */
uint32_t ash_cpu_bit(const char *name);

#endif
