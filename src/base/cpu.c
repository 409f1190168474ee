#include "base/cpu.h"

#include <stddef.h>
#include <string.h>

static uint32_t cpu_mask = UINT32_MAX;

static uint32_t cpu_detect(void) {
    uint32_t f = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c"))
        f |= ASH_CPU_AVX2;
    if ((f & ASH_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        f |= ASH_CPU_AVX512;
    if ((f & ASH_CPU_AVX512) && __builtin_cpu_supports("avx512vnni")) f |= ASH_CPU_VNNI;
#elif defined(__aarch64__)
    f |= ASH_CPU_NEON;
#elif defined(__wasm_simd128__)
    f |= ASH_CPU_SIMD128;
#    if defined(__wasm_relaxed_simd__)
    f |= ASH_CPU_RELAXED;
#    endif
#endif
    return f;
}

uint32_t ash_cpu_flags(void) { return cpu_detect() & cpu_mask; }

void ash_cpu_mask(uint32_t mask) { cpu_mask = mask; }

uint32_t ash_cpu_bit(const char *name) {
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {{"avx2", ASH_CPU_AVX2},       {"avx512", ASH_CPU_AVX512},
                 {"vnni", ASH_CPU_VNNI},       {"neon", ASH_CPU_NEON},
                 {"simd128", ASH_CPU_SIMD128}, {"relaxed", ASH_CPU_RELAXED}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i].name, name)) return names[i].bit;
    }
    return 0;
}
