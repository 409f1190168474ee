#include "kernels/pairs/pairs.h"

#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_pairs_row ash_pairs_##isa[];
#include "pairs_list.inc"
#undef KERNELS

static const struct ash_pairs_row *const pairs_tables[] = {
#define KERNELS(isa) ash_pairs_##isa,
#include "pairs_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(pairs, ash_pairs_row, pairs_tables)

enum { WIDE = ASH_PAIRS_WIDE };

size_t ash_pairs_packed(size_t n, size_t k) {
    if (n > SIZE_MAX - WIDE) return SIZE_MAX;
    size_t padded = (n + WIDE - 1) / WIDE * WIDE;
    return padded && k > SIZE_MAX / sizeof(float) / padded ? SIZE_MAX : padded * k;
}

void ash_pairs_pack(size_t n, size_t k, const float *y, float *packed) {
    for (size_t panel = 0; panel < n; panel += WIDE) {
        for (size_t j = 0; j < k; j++) {
            for (size_t i = 0; i < WIDE; i++)
                *packed++ = panel + i < n ? y[(panel + i) * k + j] : 0;
        }
    }
}
