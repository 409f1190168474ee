#if !defined(_GNU_SOURCE)
#    define _GNU_SOURCE /* syscall */
#endif

#include "base/cpu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__wasm_relaxed_simd__)
#    include <wasm_simd128.h>
#endif
#if defined(__x86_64__)
#    include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#    include <sys/syscall.h>
#    include <unistd.h>
#endif

static uint32_t cpu_mask = UINT32_MAX;

#if defined(__wasm_relaxed_simd__)
/* By products that are greatest by magnitude: sums of two of them saturate 16 bits in the dot
 * product of four, and just do not in that of two. */
static uint32_t relaxed_dots(void) {
    const v128_t x = wasm_u32x4_make(UINT32_MAX, 0x80808080, UINT32_MAX, UINT32_MAX);
    v128_t four = wasm_i8x16_make(127, 127, 127, 127, -128, -128, -128, -128, -128, -128, -128,
                                  -128, 1, -1, 127, -128);
    v128_t two =
        wasm_i8x16_make(64, 64, -64, -64, 127, 1, -128, 0, 127, -128, 1, 127, -1, -127, 0, -128);
    v128_t sums = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(four, x, wasm_i32x4_splat(0));
    v128_t pairs = wasm_i16x8_relaxed_dot_i8x16_i7x16(two, x);
    v128_t by_unsigned = wasm_i32x4_make(508 * 255, -512 * 128, -512 * 255, -255);
    v128_t by_signed = wasm_i32x4_make(-508, 512 * 128, 512, 1);
    v128_t in_16 = wasm_i16x8_make(32640, -32640, 16384, -16384, -255, 32640, -32640, -32640);
    uint32_t f = 0;
    if (wasm_i32x4_all_true(wasm_i32x4_eq(sums, by_unsigned))) f |= ASH_CPU_UDOT;
    if (wasm_i32x4_all_true(wasm_i32x4_eq(sums, by_signed))) f |= ASH_CPU_SDOT;
    if (wasm_i16x8_all_true(wasm_i16x8_eq(pairs, in_16))) f |= ASH_CPU_UPAIRS;
    return f;
}
#endif

#if defined(__x86_64__) && defined(__linux__)
/* The processor has tiles of int8, and the kernel keeps them when threads change. */
static bool has_tiles(void) {
    enum { OSXSAVE = 1 << 27, AMX_TILE_AND_INT8 = 3 << 24, XCR0_TILES = 3 << 17 };
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & XCR0_TILES) != XCR0_TILES || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    return (d & AMX_TILE_AND_INT8) == AMX_TILE_AND_INT8;
}

/* The kernel refuses where a thread's signal stack could not hold the tiles. */
static bool may_use_tiles(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, YES = 1, NO = 2 };
    static atomic_int answer;
    int known = atomic_load(&answer);
    if (!known) {
        bool yes = has_tiles() && !syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
        known = yes ? YES : NO;
        atomic_store(&answer, known);
    }
    return known == YES;
}
#endif

static uint32_t cpu_detect(void) {
    uint32_t f = 0;
#if defined(__x86_64__)
    unsigned a, b, c, d;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c"))
        f |= ASH_CPU_AVX2;
    if ((f & ASH_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        f |= ASH_CPU_AVX512;
    if ((f & ASH_CPU_AVX512) && __builtin_cpu_supports("avx512vnni")) f |= ASH_CPU_VNNI;
    if ((f & ASH_CPU_AVX2) && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1 << 4))
        f |= ASH_CPU_AVXVNNI;
#elif defined(__aarch64__)
    f |= ASH_CPU_NEON;
#elif defined(__wasm_simd128__)
    f |= ASH_CPU_SIMD128;
#    if defined(__wasm_relaxed_simd__)
    f |= ASH_CPU_RELAXED | relaxed_dots();
#    endif
#endif
    return f;
}

/* Detected once: kernels ask in every run, and a virtual machine takes microseconds to answer. */
uint32_t ash_cpu_flags(void) {
    const uint32_t known = 1U << 31;
    static _Atomic uint32_t detected;
    uint32_t f = atomic_load_explicit(&detected, memory_order_relaxed);
    if (!f) {
        f = cpu_detect() | known;
        atomic_store_explicit(&detected, f, memory_order_relaxed);
    }
#if defined(__x86_64__) && defined(__linux__)
    if ((f & ASH_CPU_VNNI) && (cpu_mask & ASH_CPU_AMX) && may_use_tiles()) f |= ASH_CPU_AMX;
#endif
    return f & cpu_mask & ~known;
}

void ash_cpu_mask(uint32_t mask) { cpu_mask = mask; }

uint32_t ash_cpu_bit(const char *name) {
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {{"avx2", ASH_CPU_AVX2}, {"avx512", ASH_CPU_AVX512},   {"vnni", ASH_CPU_VNNI},
#if defined(__x86_64__)
                 {"amx", ASH_CPU_AMX},   {"avxvnni", ASH_CPU_AVXVNNI},
#endif
                 {"neon", ASH_CPU_NEON}, {"simd128", ASH_CPU_SIMD128}, {"relaxed", ASH_CPU_RELAXED},
                 {"udot", ASH_CPU_UDOT}, {"sdot", ASH_CPU_SDOT},       {"upairs", ASH_CPU_UPAIRS}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i].name, name)) return names[i].bit;
    }
    return 0;
}
