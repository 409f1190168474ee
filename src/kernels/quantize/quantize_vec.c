#include "base/cpu.h"
#include "kernels/bytes_vec.h"
#include "kernels/quantize/quantize.h"

static void quantize(const struct ash_quantized *q, size_t n, const float *x, uint8_t *y) {
    const float low = (float)((q->is_signed ? -128 : 0) - q->zero);
    const vf lo = vf_set1(low), hi = vf_set1(low + 255), scale = vf_set1(q->scale);
    const vf magic = vf_set1(12582912.0f); /* 1.5 * 2^23: a sum with it has no fraction */
    for (size_t i = 0; i < n; i += VF_LANES) {
        size_t m = n - i;
        vf v = (m < VF_LANES ? vf_load_n(x + i, m, scale) : vf_load(x + i)) / scale;
        v = vf_select(vf_lt(lo, v), v, lo);
        v = vf_select(vf_lt(v, hi), v, hi);
        vi whole = vf_bits(v + magic) - vf_bits(magic) + vi_set1(q->zero);
        if (m < VF_LANES)
            vi_store_bytes_n(y + i, m, whole);
        else
            vi_store_bytes(y + i, whole);
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
    vf low = vf_set1(*lo), high = vf_set1(*hi);
    for (size_t i = 0; i < n; i += VF_LANES) {
        vf v = n - i < VF_LANES ? vf_load_n(x + i, n - i, low) : vf_load(x + i);
        low = vf_select(vf_lt(v, low), v, low);
        high = vf_select(vf_lt(high, v), v, high);
    }
    for (size_t i = 0; i < VF_LANES; i++) {
        *lo = low[i] < *lo ? low[i] : *lo;
        *hi = high[i] > *hi ? high[i] : *hi;
    }
}

extern const struct ash_quantize_row ASH_VEC_ROWS(quantize)[];
const struct ash_quantize_row ASH_VEC_ROWS(quantize)[] = {
    {ASH_VEC_NAME("quantize_f32"), ASH_VEC_CPU, quantize, dequantize, op, range},
    {.name = NULL},
};
