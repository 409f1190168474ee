#include "ops/order.h"

#include <math.h>
#include <string.h>

static void keys_f32(const int32_t *bits, size_t n, int64_t *dst) {
    for (size_t i = 0; i < n; i++) {
        int32_t magnitude = bits[i] & INT32_MAX;
        int32_t key = bits[i] < 0 ? -magnitude : magnitude;

        dst[i] = magnitude > 0x7f800000 ? INT32_MAX : key;
    }
}

static void keys_real(const double *x, size_t n, int64_t *dst) {
    for (size_t i = 0; i < n; i++) {
        int64_t bits, magnitude;

        memcpy(&bits, &x[i], sizeof bits);
        magnitude = bits & INT64_MAX;
        dst[i] = isnan(x[i]) ? INT64_MAX : bits < 0 ? -magnitude : magnitude;
    }
}

void ash_load_keys(int dtype, const void *src, size_t n, int64_t *dst) {
    double tile[ASH_TILE];

    if (dtype == ASHORE_FLOAT32) {
        keys_f32(src, n, dst);
        return;
    }
    if (!ash_dtype_is_float(dtype)) {
        ash_load_i64(dtype, src, n, dst);
        /* Flipping the top bit of an unsigned number orders it as a signed one. */
        for (size_t i = 0; i < n && ash_dtype(dtype)->number == ASH_CLASS_UINT; i++)
            dst[i] ^= INT64_MIN;
        return;
    }
    for (size_t m; n; n -= m, dst += m, src = (const char *)src + m * ash_dtype_size(dtype)) {
        m = n < ASH_TILE ? n : ASH_TILE;
        ash_load_f64(dtype, src, m, tile);
        keys_real(tile, m, dst);
    }
}

void ash_gather_keys(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                     int64_t *dst) {
    int64_t tile[ASH_TILE];

    ash_load_keys(t->dtype, ash_gather_tile(t, start, step, n, tile), n, dst);
}
