#include "kernels/rnnq/rnnq.h"

#include "kernels/chooser.h"

#define KERNELS(isa) extern const struct ash_rnnq_row ash_rnnq_##isa[];
#include "rnnq_list.inc"
#undef KERNELS

static const struct ash_rnnq_row *const rnnq_tables[] = {
#define KERNELS(isa) ash_rnnq_##isa,
#include "rnnq_list.inc"
#undef KERNELS
    NULL,
};

ASH_KERNEL_CHOOSER(rnnq, ash_rnnq_row, rnnq_tables)

enum { GATES = 4 };

static uint8_t rnnq_byte(const struct ash_rnnq_weights *w, const void *from, size_t i) {
    uint8_t v = ((const uint8_t *)from)[i];
    return w->is_signed ? v ^ 0x80 : v;
}

/* One block, of the columns at.. .  Those of units beyond H are zeros, and so is their scale. */
static void rnnq_block(size_t lanes, size_t H, const struct ash_rnnq_weights *w, size_t at,
                       size_t width, uint8_t *to) {
    float *scale = (float *)(void *)(to + H * width), *zero = scale + width;
    for (size_t j = 0; j < width; j++) {
        size_t group = (at + j) / (GATES * lanes), unit = group * lanes + j % lanes;
        size_t row = j % (GATES * lanes) / lanes * H + unit, k = w->by_row ? row : 0;
        bool there = unit < H;
        scale[j] = there ? w->scale[k] : 0;
        zero[j] = there ? (float)rnnq_byte(w, w->zero, k) : 0;
        for (size_t i = 0; i < H; i++)
            to[i * width + j] = there ? rnnq_byte(w, w->r, row * H + i) : 0;
    }
}

void ash_rnnq_pack(size_t lanes, size_t H, const struct ash_rnnq_weights *w, float *packed) {
    size_t group = GATES * lanes, columns = (H + lanes - 1) / lanes * group;
    for (size_t at = 0; at < columns; at += 2 * group) {
        size_t width = columns - at < 2 * group ? group : 2 * group;
        rnnq_block(lanes, H, w, at, width, (uint8_t *)packed);
        packed += ash_rnn_bytes_floats(H, width);
    }
}
