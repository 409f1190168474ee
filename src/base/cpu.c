#include "base/cpu.h"

#include <stddef.h>
#include <string.h>

#if defined(__wasm_relaxed_simd__)
#    include <wasm_simd128.h>
#endif

static uint32_t cpu_mask = UINT32_MAX;

#if defined(__wasm_relaxed_simd__)
/* Products that are greatest by magnitude, with either sign, beside others: a sum of two saturates
 * 16 bits, as does one that is made of two such sums. */
static uint32_t relaxed_dot(void) {
    static const int8_t by[] = {127, 127, 127, 127, -128, -128, -128, -128, 127, -128, 1, -1};
    static const uint8_t of[] = {255, 255, 255, 255, 255, 255, 255, 255, 128, 200, 127, 129};
    int32_t is_unsigned[3] = {0}, is_signed[3] = {0};
    int32_t w[3], x[3];
    memcpy(w, by, sizeof w);
    memcpy(x, of, sizeof x);
    for (size_t i = 0; i < sizeof by; i++) {
        is_unsigned[i / 4] += by[i] * of[i];
        is_signed[i / 4] += by[i] * (int8_t)of[i];
    }
    uint32_t f = ASH_CPU_UDOT | ASH_CPU_SDOT;
    for (size_t i = 0; i < 3; i++) {
        v128_t sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(
            wasm_i32x4_splat(w[i]), wasm_i32x4_splat(x[i]), wasm_i32x4_splat(INT32_MAX));
        uint32_t got = (uint32_t)wasm_i32x4_extract_lane(sum, 0) - INT32_MAX;
        if (got != (uint32_t)is_unsigned[i]) f &= ~(uint32_t)ASH_CPU_UDOT;
        if (got != (uint32_t)is_signed[i]) f &= ~(uint32_t)ASH_CPU_SDOT;
    }
    return f;
}

/* The sums that are greatest by magnitude. */
static uint32_t relaxed_pairs(void) {
    static const int8_t by[] = {64,  64,   -64, -64, 127, 1,    -128, 0,
                                127, -128, 1,   127, -1,  -127, 0,    -128};
    int8_t w[16];
    int16_t sum[8];
    memcpy(w, by, sizeof w);
    wasm_v128_store(sum,
                    wasm_i16x8_relaxed_dot_i8x16_i7x16(wasm_v128_load(w), wasm_u8x16_splat(255)));
    for (size_t i = 0; i < 8; i++)
        if (sum[i] != (by[2 * i] + by[2 * i + 1]) * 255) return 0;
    return ASH_CPU_UPAIRS;
}
#endif

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
    f |= ASH_CPU_RELAXED | relaxed_dot() | relaxed_pairs();
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
    } names[] = {{"avx2", ASH_CPU_AVX2}, {"avx512", ASH_CPU_AVX512},   {"vnni", ASH_CPU_VNNI},
                 {"neon", ASH_CPU_NEON}, {"simd128", ASH_CPU_SIMD128}, {"relaxed", ASH_CPU_RELAXED},
                 {"udot", ASH_CPU_UDOT}, {"sdot", ASH_CPU_SDOT},       {"upairs", ASH_CPU_UPAIRS}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i].name, name)) return names[i].bit;
    }
    return 0;
}
