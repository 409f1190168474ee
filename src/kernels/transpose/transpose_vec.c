#include "base/cpu.h"
#include "base/trimming.h"
#include "base/vec.h"
#include "kernels/transpose/transpose.h"

/* Runs of small elements are moved as larger ones, which then lie anywhere. */
typedef uint8_t transpose_u8;
typedef uint16_t transpose_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t transpose_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t transpose_u64 __attribute__((aligned(1), may_alias));

#if VF_LANES == 1 || defined(__wasm__)
#    define SCALAR(bits)                                                                           \
        static void transpose_x##bits(size_t R, size_t C, const void *xv, size_t xp, void *yv,     \
                                      size_t yp) {                                                 \
            const transpose_u##bits *x = xv;                                                       \
            transpose_u##bits *y = yv;                                                             \
            for (size_t c = 0; c < C; c++) {                                                       \
                for (size_t r = 0; r < R; r++) y[c * yp + r] = x[r * xp + c];                      \
            }                                                                                      \
        }
#endif

#if VF_LANES == 1
SCALAR(8)
SCALAR(16)
SCALAR(32)
SCALAR(64)
#else

/* Vectors of unsigned integers, and the two halves of interleaving a with b. */
#    define VECTOR(bits, n)                                                                        \
        typedef uint##bits##_t v##bits##x##n __attribute__((vector_size(bits / 8 * n)));           \
        typedef uint##bits##_t m##bits##x##n                                                       \
            __attribute__((vector_size(bits / 8 * n), aligned(1), may_alias));

#    define LOW2(a, b)  __builtin_shufflevector(a, b, 0, 2)
#    define HIGH2(a, b) __builtin_shufflevector(a, b, 1, 3)
#    define LOW4(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#    define HIGH4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#    define LOW8(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#    define HIGH8(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#    define LOW16(a, b)                                                                            \
        __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#    define HIGH16(a, b)                                                                           \
        __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* One round: rows i and i + n/2 of `from` become rows 2i and 2i + 1 of `to`. */
#    define ROUND(n, from, to)                                                                     \
        VF_UNROLL for (int i = 0; i < n / 2; i++) {                                                \
            to[2 * i] = LOW##n(from[i], from[i + n / 2]);                                          \
            to[2 * i + 1] = HIGH##n(from[i], from[i + n / 2]);                                     \
        }
#    define ROUNDS2(n)  ROUND(n, a, b)
#    define ROUNDS4(n)  ROUND(n, a, b) ROUND(n, b, a)
#    define ROUNDS8(n)  ROUND(n, a, b) ROUND(n, b, a) ROUND(n, a, b)
#    define ROUNDS16(n) ROUNDS4(n) ROUNDS4(n)
#    define RESULT2     b
#    define RESULT4     a
#    define RESULT8     b
#    define RESULT16    a

/* All of a matrix: squares of n x n, and what is left over element by element. */
#    define LOOP(bits, n, name)                                                                    \
        static void transpose_##name(size_t R, size_t C, const void *xv, size_t xp, void *yv,      \
                                     size_t yp) {                                                  \
            const transpose_u##bits *x = xv;                                                       \
            transpose_u##bits *y = yv;                                                             \
            size_t R0 = R - R % n, C0 = C - C % n;                                                 \
            for (size_t c = 0; c < C0; c += n) {                                                   \
                for (size_t r = 0; r < R0; r += n)                                                 \
                    transpose_square_##name(x + r * xp + c, xp, y + c * yp + r, yp);               \
            }                                                                                      \
            for (size_t c = 0; c < C; c++) {                                                       \
                for (size_t r = c < C0 ? R0 : 0; r < R; r++) y[c * yp + r] = x[r * xp + c];        \
            }                                                                                      \
        }

#    define BLOCK(bits, n, name)                                                                   \
        VECTOR(bits, n)                                                                            \
        static void transpose_square_##name(const transpose_u##bits *x, size_t xp,                 \
                                            transpose_u##bits *y, size_t yp) {                     \
            v##bits##x##n a[n], b[n];                                                              \
            VF_UNROLL for (int i = 0; i < n; i++) {                                                \
                a[i] =                                                                             \
                    (v##bits##x##n) * (const m##bits##x##n *)(const void *)(x + (size_t)i * xp);   \
            }                                                                                      \
            ROUNDS##n(n) VF_UNROLL for (int i = 0; i < n; i++) {                                   \
                *(m##bits##x##n *)(void *)(y + (size_t)i * yp) = (m##bits##x##n)RESULT##n[i];      \
            }                                                                                      \
        }                                                                                          \
        LOOP(bits, n, name)

#    if defined(__wasm__) /* what is rare takes little code */
BLOCK(32, 4, x32)
VECTOR(8, 16)
/* Four by four bytes are one vector. */
static void transpose_square_x8(const uint8_t *x, size_t xp, uint8_t *y, size_t yp) {
    v32x4 v = {0};
    VF_UNROLL for (size_t i = 0; i < 4; i++) {
        v[i] = *(const transpose_u32 *)(const void *)(x + i * xp);
    }
    v8x16 b = (v8x16)v;
    v = (v32x4)__builtin_shufflevector(b, b, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    VF_UNROLL for (size_t i = 0; i < 4; i++) { *(transpose_u32 *)(void *)(y + i * yp) = v[i]; }
}
LOOP(8, 4, x8)
SCALAR(16)
SCALAR(64)
#    elif VF_LANES >= 8
BLOCK(8, 16, x8)
BLOCK(16, 8, x16)
BLOCK(64, 4, x64)
BLOCK(32, 8, wide_x32)
BLOCK(32, 4, narrow_x32)
static void transpose_x32(size_t R, size_t C, const void *x, size_t xp, void *y, size_t yp) {
    (R < 8 || C < 8 ? transpose_narrow_x32 : transpose_wide_x32)(R, C, x, xp, y, yp);
}
#    else
BLOCK(8, 16, x8)
BLOCK(16, 8, x16)
BLOCK(32, 4, x32)
BLOCK(64, 2, x64)
#    endif
#endif

ASH_ABSENT_WITHOUT(transpose_x8, "+small");
ASH_ABSENT_WITHOUT(transpose_x16, "+small");

extern const struct ash_transpose_row ASH_VEC_ROWS(transpose)[];
const struct ash_transpose_row ASH_VEC_ROWS(transpose)[] = {
    {ASH_VEC_NAME("transpose"),
     ASH_VEC_CPU,
     {transpose_x8, transpose_x16, transpose_x32, transpose_x64}},
    {0},
};
