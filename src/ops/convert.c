#include "ops/convert.h"

#include "ops/move.h"

#include <math.h>
#include <string.h>

/* Facts of a binary format of at most 16 bits.  Codes are without the sign. */
struct mini {
    uint8_t bits, mantissa;
    int16_t bias;
    uint16_t max;       /* largest finite value */
    uint16_t over, nan; /* what is beyond: infinity, or the NaN where there is none */
    bool saturates;     /* unless told not to */
    bool fnuz;          /* no negative zero: its code is the one NaN */
};

static const struct mini *mini_of(int dtype) {
    static const struct mini float16 = {16, 10, 15, 0x7bff, 0x7c00, 0x7e00, false, false};
    static const struct mini bfloat16 = {16, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, false, false};
    static const struct mini float8[4] = {
        {8, 3, 7, 0x7e, 0x7f, 0x7f, true, false},
        {8, 3, 8, 0x7f, 0x80, 0x80, true, true},
        {8, 2, 15, 0x7b, 0x7c, 0x7e, true, false},
        {8, 2, 16, 0x7f, 0x80, 0x80, true, true},
    };
    static const struct mini float4 = {4, 1, 1, 7, 7, 8, false, false};

    switch (dtype) {
    case ASHORE_FLOAT16:
        return &float16;
    case ASHORE_BFLOAT16:
        return &bfloat16;
    case ASHORE_FLOAT4E2M1:
        return &float4;
    default:
        return &float8[dtype - ASHORE_FLOAT8E4M3FN];
    }
}

static double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t to_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double mini_decode(const struct mini *f, unsigned code) {
    unsigned sign = code >> (f->bits - 1) & 1u;
    unsigned mag = code & ((1u << (f->bits - 1)) - 1);
    int exponent = (int)(mag >> f->mantissa);
    double x;

    if (f->fnuz && sign && !mag) return from_bits(0x7ff8u * (UINT64_C(1) << 48));
    if (mag > f->max) {
        x = mag == f->over && f->over != f->nan ? (double)INFINITY : (double)NAN;
    } else {
        unsigned fraction = mag & ((1u << f->mantissa) - 1);

        if (exponent)
            fraction |= 1u << f->mantissa;
        else
            exponent = 1;
        /* The scale is a normal double in every format here. */
        x = (double)fraction * from_bits((uint64_t)(1023 + exponent - f->bias - f->mantissa) << 52);
    }
    return sign ? -x : x;
}

static unsigned mini_encode(const struct mini *f, double x, bool saturate) {
    uint64_t bits = to_bits(x);
    unsigned sign = (unsigned)(bits >> 63) << (f->bits - 1);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int biased = exponent + f->bias;
    int shift = 52 - f->mantissa;
    uint64_t code, base = 0;

    if (isnan(x)) return f->nan >> (f->bits - 1) ? f->nan : sign | f->nan;
    if (exponent < -1022) return f->fnuz ? 0 : sign; /* zero or below every subnormal here */
    fraction |= UINT64_C(1) << 52;
    /* A fraction that includes the leading one adds 1 to the exponent field, and so does a carry.
     */
    if (biased >= 1)
        base = (uint64_t)(biased - 1) << f->mantissa;
    else
        shift += 1 - biased;
    if (shift > 54) shift = 54;
    code = fraction >> shift;
    fraction &= (UINT64_C(1) << shift) - 1;
    if (fraction + (code & 1) > UINT64_C(1) << (shift - 1)) code++;
    code += base;
    if (code > f->max) code = saturate && f->saturates ? f->max : f->over;
    if (f->fnuz && (code == 0 || code == f->nan)) return (unsigned)code;
    return sign | (unsigned)code;
}

/* float8e8m0 is a bare exponent of 8 bits, 255 the NaN; the sign is dropped. */
static unsigned e8m0_encode(double x, bool saturate, enum ash_round round) {
    int exponent = 0;
    double fraction = frexp(fabs(x), &exponent); /* in [0.5, 1) */
    int code = exponent - 1 + 127;

    if (isnan(x)) return 255;
    if (isinf(x)) return saturate ? 254 : 255;
    if (round == ASH_ROUND_UP ? fraction > 0.5 : round == ASH_ROUND_NEAREST && fraction >= 0.75)
        code++;
    if (fraction == 0 || code < 0) return saturate ? 0 : 255;
    if (code > 254) return saturate ? 254 : 255;
    return (unsigned)code;
}

/* ---- storage to the widest type of its class, and back ---- */

static ASH_APART void load_mini(int dtype, const void *src, size_t n, double *dst) {
    const struct mini *f = mini_of(dtype);

    for (size_t i = 0; i < n; i++)
        dst[i] =
            mini_decode(f, f->bits == 16 ? ((const uint16_t *)src)[i] : ((const uint8_t *)src)[i]);
}
ASH_ABSENT_WITHOUT(load_mini, "+small");

static void load_float(int dtype, const void *src, size_t n, double *dst) {
    if (dtype == ASHORE_FLOAT64) {
        memcpy(dst, src, n * sizeof *dst);
    } else if (dtype == ASHORE_FLOAT32) {
        for (size_t i = 0; i < n; i++) dst[i] = ((const float *)src)[i];
    } else if (dtype == ASHORE_FLOAT8E8M0) {
        for (size_t i = 0; i < n; i++) {
            unsigned code = ((const uint8_t *)src)[i];
            dst[i] = code == 255 ? (double)NAN : from_bits((uint64_t)(1023 - 127 + code) << 52);
        }
    } else {
        load_mini(dtype, src, n, dst);
    }
}
ASH_ABSENT_WITHOUT(load_float, "+real");

static ASH_APART void store_mini(int dtype, const double *src, size_t n, void *dst, bool saturate) {
    const struct mini *f = mini_of(dtype);

    for (size_t i = 0; i < n; i++) {
        unsigned code = mini_encode(f, src[i], saturate);
        if (f->bits == 16)
            ((uint16_t *)dst)[i] = (uint16_t)code;
        else
            ((uint8_t *)dst)[i] = (uint8_t)code;
    }
}
ASH_ABSENT_WITHOUT(store_mini, "+small");

static void store_float(int dtype, const double *src, size_t n, void *dst, bool saturate,
                        enum ash_round round) {
    if (dtype == ASHORE_FLOAT64) {
        memcpy(dst, src, n * sizeof *src);
    } else if (dtype == ASHORE_FLOAT32) {
        for (size_t i = 0; i < n; i++) ((float *)dst)[i] = (float)src[i];
    } else if (dtype == ASHORE_FLOAT8E8M0) {
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)dst)[i] = (uint8_t)e8m0_encode(src[i], saturate, round);
    } else {
        store_mini(dtype, src, n, dst, saturate);
    }
}
ASH_ABSENT_WITHOUT(store_float, "+real");

#define LOAD_CASE(type)                                                                            \
    for (size_t i = 0; i < n; i++) dst[i] = (int64_t)((const type *)src)[i];                       \
    break

static ASH_APART void load_small(int dtype, const void *src, size_t n, int64_t *dst) {
    switch (dtype) {
    case ASHORE_INT8:
    case ASHORE_INT4:
    case ASHORE_INT2:
        LOAD_CASE(int8_t);
    case ASHORE_INT16:
        LOAD_CASE(int16_t);
    case ASHORE_UINT16:
        LOAD_CASE(uint16_t);
    default:
        LOAD_CASE(uint8_t);
    }
}
ASH_ABSENT_WITHOUT(load_small, "+small");

static void load_int(int dtype, const void *src, size_t n, int64_t *dst) {
    switch (dtype) {
    case ASHORE_INT32:
        LOAD_CASE(int32_t);
    case ASHORE_UINT32:
        LOAD_CASE(uint32_t);
    case ASHORE_INT64:
    case ASHORE_UINT64:
        memcpy(dst, src, n * sizeof *dst);
        break;
    default:
        load_small(dtype, src, n, dst);
    }
}

#define STORE_CASE(type, expr)                                                                     \
    for (size_t i = 0; i < n; i++) ((type *)dst)[i] = (type)(expr);                                \
    break

static ASH_APART void store_small(int dtype, const int64_t *src, size_t n, void *dst) {
    switch (dtype) {
    case ASHORE_BOOL:
        STORE_CASE(uint8_t, src[i] != 0);
    case ASHORE_UINT2:
        STORE_CASE(uint8_t, src[i] & 3);
    case ASHORE_UINT4:
        STORE_CASE(uint8_t, src[i] & 15);
    case ASHORE_INT2:
        STORE_CASE(int8_t, ((src[i] + 2) & 3) - 2);
    case ASHORE_INT4:
        STORE_CASE(int8_t, ((src[i] + 8) & 15) - 8);
    case ASHORE_INT16:
    case ASHORE_UINT16:
        STORE_CASE(uint16_t, src[i]);
    default:
        STORE_CASE(uint8_t, src[i]);
    }
}
ASH_ABSENT_WITHOUT(store_small, "+small");

static void store_int(int dtype, const int64_t *src, size_t n, void *dst) {
    switch (dtype) {
    case ASHORE_INT32:
    case ASHORE_UINT32:
        STORE_CASE(uint32_t, src[i]);
    case ASHORE_INT64:
    case ASHORE_UINT64:
        memcpy(dst, src, n * sizeof *src);
        break;
    default:
        store_small(dtype, src, n, dst);
    }
}

/* ---- between the wide types ---- */

static int64_t int_of(double x, double limit) { /* saturates at +-limit, a power of 2 */
    if (isnan(x)) return 0;
    if (x >= limit) return limit > 0x1p62 ? INT64_MAX : (int64_t)limit - 1;
    if (x <= -limit) return limit > 0x1p62 ? INT64_MIN : -(int64_t)limit;
    return (int64_t)x;
}

/* The integer, as its bits, that storage type `dtype` gets for x. */
static int64_t int_for(int dtype, double x) {
    switch (dtype) {
    case ASHORE_BOOL:
        return x != 0;
    case ASHORE_UINT64:
        if (x >= 0x1p64) return -1;
        return x >= 0x1p63 ? (int64_t)(uint64_t)x : int_of(x, 0x1p63);
    case ASHORE_UINT32:
    case ASHORE_INT64:
        return int_of(x, 0x1p63);
    default:
        return int_of(x, 0x1p31);
    }
}
ASH_ABSENT_WITHOUT(int_for, "+real");

/* |v| rounded to odd at 53 bits: rounding that once more to fewer bits gives what rounding v itself
 * would give. */
static double odd_double(uint64_t v) {
    if (v >> 53) v = (v & ~UINT64_C(0xfff)) | (v & 0xfff ? UINT64_C(0x800) : 0);
    return (double)v;
}

static double double_for(int dtype, int64_t bits, bool is_signed) {
    bool negative = is_signed && bits < 0;
    uint64_t v = negative ? 0 - (uint64_t)bits : (uint64_t)bits;
    double x = dtype == ASHORE_FLOAT64 ? (double)v : odd_double(v);

    return negative ? -x : x;
}

/* ---- the interface ---- */

static bool is_signed(int dtype) { return ash_dtype(dtype)->number == ASH_CLASS_INT; }

static size_t tile_of(size_t n) { return n < ASH_TILE ? n : ASH_TILE; }

static const void *past(int dtype, const void *p, size_t n) {
    return (const char *)p + n * ash_dtype_size(dtype);
}

void ash_load_f64(int dtype, const void *src, size_t n, double *dst) {
    int64_t tile[ASH_TILE];

    if (ash_dtype_is_float(dtype)) {
        load_float(dtype, src, n, dst);
        return;
    }
    for (size_t m; n; n -= m, dst += m, src = past(dtype, src, m)) {
        m = tile_of(n);
        load_int(dtype, src, m, tile);
        for (size_t i = 0; i < m; i++)
            dst[i] = double_for(ASHORE_FLOAT64, tile[i], is_signed(dtype));
    }
}

static void load_bits(int dtype, const void *src, size_t n, int64_t *dst, int as) {
    double tile[ASH_TILE];

    if (!ash_dtype_is_float(dtype)) {
        load_int(dtype, src, n, dst);
        return;
    }
    for (size_t m; n; n -= m, dst += m, src = past(dtype, src, m)) {
        m = tile_of(n);
        load_float(dtype, src, m, tile);
        for (size_t i = 0; i < m; i++) dst[i] = int_for(as, tile[i]);
    }
}

void ash_load_i64(int dtype, const void *src, size_t n, int64_t *dst) {
    load_bits(dtype, src, n, dst, ASHORE_INT64);
}

void ash_load_u64(int dtype, const void *src, size_t n, uint64_t *dst) {
    load_bits(dtype, src, n, (int64_t *)dst, ASHORE_UINT64);
}

static void store_real(int dtype, const double *src, size_t n, void *dst, bool saturate,
                       enum ash_round round) {
    int64_t tile[ASH_TILE];

    if (ash_dtype_is_float(dtype)) {
        store_float(dtype, src, n, dst, saturate, round);
        return;
    }
    for (size_t m; n; n -= m, src += m, dst = (char *)dst + m * ash_dtype_size(dtype)) {
        m = tile_of(n);
        for (size_t i = 0; i < m; i++) tile[i] = int_for(dtype, src[i]);
        store_int(dtype, tile, m, dst);
    }
}
ASH_ABSENT_WITHOUT(store_real, "+real");

void ash_store_f64(int dtype, const double *src, size_t n, void *dst) {
    store_real(dtype, src, n, dst, true, ASH_ROUND_UP);
}

void ash_store_f32(int dtype, const float *src, size_t n, void *dst) {
    double tile[ASH_TILE];

    if (dtype == ASHORE_FLOAT32) {
        memcpy(dst, src, n * sizeof *src);
        return;
    }
    for (size_t m; n; n -= m, src += m, dst = (char *)dst + m * ash_dtype_size(dtype)) {
        m = tile_of(n);
        for (size_t i = 0; i < m; i++) tile[i] = (double)src[i];
        ash_store_f64(dtype, tile, m, dst);
    }
}

static void store_bits(int dtype, const int64_t *src, size_t n, void *dst, bool from_signed,
                       bool saturate, enum ash_round round) {
    double tile[ASH_TILE];

    if (!ash_dtype_is_float(dtype)) {
        store_int(dtype, src, n, dst);
        return;
    }
    for (size_t m; n; n -= m, src += m, dst = (char *)dst + m * ash_dtype_size(dtype)) {
        m = tile_of(n);
        for (size_t i = 0; i < m; i++) tile[i] = double_for(dtype, src[i], from_signed);
        store_float(dtype, tile, m, dst, saturate, round);
    }
}

void ash_store_i64(int dtype, const int64_t *src, size_t n, void *dst) {
    store_bits(dtype, src, n, dst, true, true, ASH_ROUND_UP);
}

void ash_store_u64(int dtype, const uint64_t *src, size_t n, void *dst) {
    store_bits(dtype, (const int64_t *)src, n, dst, false, true, ASH_ROUND_UP);
}

double ash_get_f64(const struct ash_tensor *t, int64_t i) {
    double x;
    ash_load_f64(t->dtype, ash_at(t, i), 1, &x);
    return x;
}

int64_t ash_get_i64(const struct ash_tensor *t, int64_t i) {
    int64_t x;
    ash_load_i64(t->dtype, ash_at(t, i), 1, &x);
    return x;
}

const void *ash_gather_tile(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                            void *tile) {
    const int64_t dim = (int64_t)n, one = 1;

    if (step == 1) return ash_at(t, start);
    ash_move(1, &dim, ash_dtype_size(t->dtype), ash_at(t, start), &step, tile, &one);
    return tile;
}

double ash_round_half(int dtype, double x) {
    double stored = 0; /* room for any type */
    if (ash_dtype_size(dtype) != 2) return x;
    ash_store_f64(dtype, &x, 1, &stored);
    ash_load_f64(dtype, &stored, 1, &x);
    return x;
}

double ash_sum_half(int dtype, double sum, double x, int64_t n) {
    enum { FEW = 8 };
    bool each = dtype == ASHORE_BFLOAT16 && n <= FEW;
    return each ? ash_round_half(dtype, sum + x) : sum + x;
}

void ash_gather_f64(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                    double *dst) {
    size_t run = step == 1 ? n : 1;

    for (size_t i = 0; i < n; i += run)
        ash_load_f64(t->dtype, ash_at(t, start + (int64_t)i * step), run, dst + i);
}

void ash_scatter_f64(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                     const double *src) {
    size_t run = step == 1 ? n : 1;

    for (size_t i = 0; i < n; i += run)
        ash_store_f64(t->dtype, src + i, run, ash_at(t, start + (int64_t)i * step));
}

#define TO_F32(type, stored)                                                                       \
    case type:                                                                                     \
        for (size_t i = 0; i < n; i++) dst[i] = (float)((const stored *)src)[i];                   \
        return true

/* Whole numbers that models turn into float32, rounded once.  false: of another type. */
static bool whole_to_f32(int from, const void *src, size_t n, float *dst) {
    switch (from) {
        TO_F32(ASHORE_BOOL, uint8_t);
        TO_F32(ASHORE_UINT8, uint8_t);
        TO_F32(ASHORE_INT8, int8_t);
        TO_F32(ASHORE_INT32, int32_t);
        TO_F32(ASHORE_INT64, int64_t);
    }
    return false;
}

void ash_convert(int from, const void *src, size_t n, int to, void *dst, bool saturate,
                 enum ash_round round) {
    union {
        double real[ASH_TILE];
        int64_t whole[ASH_TILE];
    } tile;

    if (to == ASHORE_FLOAT32 && whole_to_f32(from, src, n, dst)) return;
    for (size_t m; n; n -= m) {
        m = tile_of(n);
        if (ash_dtype_is_float(from)) {
            load_float(from, src, m, tile.real);
            store_real(to, tile.real, m, dst, saturate, round);
        } else {
            load_int(from, src, m, tile.whole);
            store_bits(to, tile.whole, m, dst, is_signed(from), saturate, round);
        }
        src = past(from, src, m);
        dst = (char *)dst + m * ash_dtype_size(to);
    }
}
