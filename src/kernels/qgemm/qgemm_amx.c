/* Tiles of 32 x 32 sums in the registers of AMX: four of 16 x 16, to which two of A and two of B,
 * 16 rows by 16 words each, are multiplied (tdpbusd).  B is packed as for vpdpbusd, which
 * multiplies what has few rows.
 *
 * Tile registers are set up for a number of rows, which takes as long as 400,000 products; hence
 * enter and leave. */
#define QGEMM_BYTES
#define QGEMM_AMX
#undef ASH_VEC_ISA
#undef ASH_VEC_CPU
#define ASH_VEC_ISA amx
#define ASH_VEC_CPU (ASH_CPU_AVX512 | ASH_CPU_VNNI | ASH_CPU_AMX)
#include "base/vec.h"
#undef ASH_VEC_ROWS
#define ASH_VEC_ROWS(fam) ash_##fam##_amx

#include <stdbool.h>

enum { MR_AMX = 32 };
static void tile_amx(size_t rows, size_t words, const uint8_t *a, size_t lda, const int32_t *b,
                     int32_t *c);
static void enter_amx(size_t rows);
static void leave_amx(void);

#include "kernels/qgemm/qgemm_vec.c"

enum { SIDE = 16 /* rows of a register, and words of a row */, FEW = 4 };
/* Registers: intrinsics want numerals. */
#define C00 0
#define C01 1
#define C10 2
#define C11 3
#define A0  4
#define A1  5
#define B0  6
#define B1  7

/* Compilers are not told what these instructions read, and have to be: by empty assembly that might
 * read it. */
struct setting { /* of ldtilecfg */
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void enter_amx(size_t rows) {
    if (rows <= FEW) return;
    struct setting s = {.palette = 1};
    size_t high = rows < SIDE ? rows : SIDE, low = rows > SIDE ? rows - SIDE : SIDE;
    for (int i = C00; i <= B1; i++) {
        bool first = i == C00 || i == C01 || i == A0, all = i >= B0;
        s.row_bytes[i] = SIDE * 4;
        s.rows[i] = (uint8_t)(all ? SIDE : first ? high : low);
    }
    __asm__ volatile("" : : "r"(&s) : "memory");
    _tile_loadconfig(&s);
}

static void leave_amx(void) { _tile_release(); }

VF_INLINE void multiply(bool tall, const uint8_t *a, size_t lda, const int32_t *b) {
    _tile_loadd(A0, a, lda);
    _tile_loadd(B0, b, NR * 4);
    _tile_loadd(B1, b + SIDE, NR * 4);
    _tile_dpbusd(C00, A0, B0);
    _tile_dpbusd(C01, A0, B1);
    if (!tall) return;
    _tile_loadd(A1, a + SIDE * lda, lda);
    _tile_dpbusd(C10, A1, B0);
    _tile_dpbusd(C11, A1, B1);
}

/* Words that do not fill a register's row: zeros in A, and anything in B, take the place of others.
 */
VF_INLINE void multiply_rest(bool tall, size_t rows, size_t words, const uint8_t *a, size_t lda,
                             const int32_t *b) {
    uint8_t some_a[MR_AMX][SIDE * 4];
    int32_t some_b[SIDE][NR] = {{0}};
    for (size_t i = 0; i < rows; i++) {
        __m512i line = _mm512_maskz_loadu_epi32((__mmask16)((1U << words) - 1), a + i * lda);
        _mm512_storeu_si512(some_a[i], line);
    }
    memcpy(some_b, b, words * NR * 4);
    __asm__ volatile("" : : "r"(some_a), "r"(some_b) : "memory");
    multiply(tall, some_a[0], SIDE * 4, some_b[0]);
}

VF_INLINE void tile_of_height(bool tall, size_t rows, size_t words, const uint8_t *a, size_t lda,
                              const int32_t *b, int32_t *c) {
    _tile_zero(C00);
    _tile_zero(C01);
    if (tall) {
        _tile_zero(C10);
        _tile_zero(C11);
    }
    for (; words >= SIDE; words -= SIDE, a += SIDE * 4, b += SIDE * NR) multiply(tall, a, lda, b);
    if (words) multiply_rest(tall, rows, words, a, lda, b);
    _tile_stored(C00, c, NR * 4);
    _tile_stored(C01, c + SIDE, NR * 4);
    if (tall) {
        _tile_stored(C10, c + SIDE * NR, NR * 4);
        _tile_stored(C11, c + SIDE * NR + SIDE, NR * 4);
    }
}

/* As many rows as were entered. */
static void tile_amx(size_t rows, size_t words, const uint8_t *a, size_t lda, const int32_t *b,
                     int32_t *c) {
    if (rows <= FEW)
        tile_ubytes(rows, words, a, lda, b, c);
    else if (rows > SIDE)
        tile_of_height(true, rows, words, a, lda, b, c);
    else
        tile_of_height(false, rows, words, a, lda, b, c);
}
