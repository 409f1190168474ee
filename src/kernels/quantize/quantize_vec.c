#include "base/cpu.h"
#include "kernels/bytes_vec.h"
#include "kernels/quantize/quantize.h"

#include <stdbool.h>

#define MAGIC vf_set1(12582912.0f) /* 1.5 * 2^23: a sum with it has no fraction */

/* The whole numbers of x, in range; lo where x is NaN. */
VF_INLINE vi whole(vf x, vf scale, vf lo, vf hi) {
    vf v = vf_min(hi, vf_max(lo, x / scale));
    return vf_bits(v + MAGIC) - vf_bits(MAGIC);
}

#if VF_LANES > 4
/* The same by 1 / scale, without a division.  Where x / scale is in range, this product and the
 * quotient are within 3 * 2^-24 * 256 < 5e-5 of each other: both have the same whole number beside
 * them, unless the product is nearer than that to half of one.  Of x whose products are not, *off
 * is less than 0.4999. */
VF_INLINE vi whole_by_product(vf x, vf inverse, vf lo, vf hi, vi zero, vf *off) {
    vf v = vf_min(hi, vf_max(lo, x * inverse)), moved = v + MAGIC;
    *off = vf_max(*off, vf_abs(v - (moved - MAGIC)));
    return vf_bits(moved) + zero; /* from which the bits of MAGIC have been subtracted */
}

VF_INLINE bool any(vi mask) {
#    if defined(VF_AVX512)
    return _mm512_movepi32_mask((__m512i)mask) != 0;
#    else
    return _mm256_movemask_ps((__m256)mask) != 0;
#    endif
}

/* As many as there are fours of vectors: divisions of wide ones take processors long.  The inverse
 * of a scale is exact to half a unit in its last place where neither is denormal. */
static size_t quantize_fours(const struct ash_quantized *q, size_t n, const float *x, uint8_t *y) {
    const float low = (float)((q->is_signed ? -128 : 0) - q->zero);
    const vf lo = vf_set1(low), hi = vf_set1(low + 255), inverse = vf_set1(1.0f / q->scale);
    const vf near_half = vf_set1(0.4999f);
    const vi zero = vi_set1(q->zero), zero_moved = zero - vf_bits(MAGIC);
    size_t i = 0;
    if (!(q->scale > 1e-37f && q->scale < 1e37f)) return 0;
    for (; i + 4 * VF_LANES <= n; i += 4 * VF_LANES) {
        vf off = vf_zero();
        vi v[4];
        VF_UNROLL for (size_t k = 0; k < 4; k++) {
            vf part = vf_load(x + i + k * VF_LANES);
            v[k] = whole_by_product(part, inverse, lo, hi, zero_moved, &off);
        }
        if (any(vf_lt(near_half, off))) {
            for (size_t k = 0; k < 4; k++)
                v[k] = whole(vf_load(x + i + k * VF_LANES), vf_set1(q->scale), lo, hi) + zero;
        }
        vi_store_bytes_4(y + i, v);
    }
    return i;
}
#endif

static void quantize(const struct ash_quantized *q, size_t n, const float *x, uint8_t *y) {
    const float low = (float)((q->is_signed ? -128 : 0) - q->zero);
    const vf lo = vf_set1(low), hi = vf_set1(low + 255), scale = vf_set1(q->scale);
    const vi zero = vi_set1(q->zero);
    size_t i = 0;
#if VF_LANES > 4
    i = quantize_fours(q, n, x, y);
#elif VF_LANES > 1
    for (; i + 4 * VF_LANES <= n; i += 4 * VF_LANES) {
        vi v[4];
        VF_UNROLL for (size_t k = 0; k < 4; k++) {
            v[k] = whole(vf_load(x + i + k * VF_LANES), scale, lo, hi) + zero;
        }
        vi_store_bytes_4(y + i, v);
    }
#endif
    for (; i < n; i += VF_LANES) {
        size_t m = n - i;
        if (m < VF_LANES)
            vi_store_bytes_n(y + i, m, whole(vf_load_n(x + i, m, scale), scale, lo, hi) + zero);
        else
            vi_store_bytes(y + i, whole(vf_load(x + i), scale, lo, hi) + zero);
    }
}

static void dequantize(const struct ash_quantized *q, size_t n, const uint8_t *x, float *y) {
    const int32_t flip = q->is_signed ? 0x80 : 0;
    const vi zero = vi_set1(q->zero + flip);
    const vf scale = vf_set1(q->scale);
    for (size_t i = 0; i < n; i += VF_LANES) {
        size_t m = n - i;
        vi b = m < VF_LANES ? vi_load_bytes_n(x + i, m) : vi_load_bytes(x + i);
        vi whole = (b ^ vi_set1(flip)) - zero;
        vf v = vf_from_int(whole) * scale;
        if (m < VF_LANES) {
            vf_store_n(y + i, m, v);
        } else {
            vf_store(y + i, v);
        }
    }
}

/* m <= VF_LANES columns from the first on; bytes are moved to uint8 by `flip`, and zero with them.
 */
VF_INLINE void column_vector(size_t k, size_t n, size_t m, vi flip, const uint8_t *x, vf zero,
                             vf scale, float *y) {
    for (size_t i = 0; i < k; i++, x += n, y += n) {
        vi b = m < VF_LANES ? vi_load_bytes_n(x, m) : vi_load_bytes(x);
        vf v = (vf_from_int(b ^ flip) - zero) * scale;
        if (m < VF_LANES)
            vf_store_n(y, m, v);
        else
            vf_store(y, v);
    }
}

static void columns(size_t k, size_t n, bool is_signed, const uint8_t *x, const float *zero,
                    const float *scale, float *y) {
    const vi flip = vi_set1(is_signed ? 0x80 : 0);
    const vf moved = vf_set1(is_signed ? 128.0f : 0.0f);
    size_t j = 0;
    for (; j + VF_LANES <= n; j += VF_LANES)
        column_vector(k, n, VF_LANES, flip, x + j, vf_load(zero + j) + moved, vf_load(scale + j),
                      y + j);
    if (j == n) return;
    vf z = vf_load_n(zero + j, n - j, vf_zero()) + moved;
    column_vector(k, n, n - j, flip, x + j, z, vf_load_n(scale + j, n - j, vf_zero()), y + j);
}

static void op(bool product, size_t n, float *a, const float *b) {
    for (size_t i = 0; i < n; i += VF_LANES) {
        size_t m = n - i;
        vf x = m < VF_LANES ? vf_load_n(a + i, m, vf_zero()) : vf_load(a + i);
        vf y = m < VF_LANES ? vf_load_n(b + i, m, vf_zero()) : vf_load(b + i);
        x = product ? x * y : x + y;
        if (m < VF_LANES) {
            vf_store_n(a + i, m, x);
        } else {
            vf_store(a + i, x);
        }
    }
}

static void range(size_t n, const float *x, float *lo, float *hi) {
    vf low = vf_set1(*lo), high = vf_set1(*hi), low2 = low, high2 = high;
    size_t i = 0;
    for (; i + 2 * VF_LANES <= n; i += 2 * VF_LANES) {
        vf v = vf_load(x + i), w = vf_load(x + i + VF_LANES);
        low = vf_min(low, v);
        high = vf_max(high, v);
        low2 = vf_min(low2, w);
        high2 = vf_max(high2, w);
    }
    for (; i < n; i += VF_LANES) {
        vf v = n - i < VF_LANES ? vf_load_n(x + i, n - i, low) : vf_load(x + i);
        low = vf_min(low, v);
        high = vf_max(high, v);
    }
    low = vf_min(low, low2);
    high = vf_max(high, high2);
    struct vf16 least, greatest;
    VF_UNROLL for (i = 0; i < VF16_PARTS; i++) {
        least.v[i] = vf_neg(low);
        greatest.v[i] = high;
    }
    *lo = -vf16_hmax(least);
    *hi = vf16_hmax(greatest);
}

extern const struct ash_quantize_row ASH_VEC_ROWS(quantize)[];
const struct ash_quantize_row ASH_VEC_ROWS(quantize)[] = {
    {ASH_VEC_NAME("quantize_f32"), ASH_VEC_CPU, quantize, dequantize, columns, op, range},
    {.name = NULL},
};
