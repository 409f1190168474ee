#include "base/cpu.h"
#include "base/vec_half.h"
#include "kernels/half/half.h"

/* Whole vectors; the rest passes through one of its own. */
#define HALF_LOOP(name, from, to, load, store, f)                                                  \
    static void name(size_t n, const void *px, void *py) {                                         \
        const from *x = px;                                                                        \
        to *y = py;                                                                                \
        for (; n >= VF_LANES; n -= VF_LANES, x += VF_LANES, y += VF_LANES) store(y, f(load(x)));   \
        if (n) {                                                                                   \
            from a[VF_LANES] = {0};                                                                \
            to b[VF_LANES];                                                                        \
            for (size_t i = 0; i < n; i++) a[i] = x[i];                                            \
            name(VF_LANES, a, b);                                                                  \
            for (size_t i = 0; i < n; i++) y[i] = b[i];                                            \
        }                                                                                          \
    }

HALF_LOOP(widen_f16, uint16_t, float, vh_load, vf_store, vf_from_f16)
HALF_LOOP(narrow_f16, float, uint16_t, vf_load, vh_store, vf_to_f16)
HALF_LOOP(finite_rest, uint16_t, float, vh_load, vf_store, vf_from_finite_f16)
HALF_LOOP(round_f16, float, float, vf_load, vf_store, vf_round_f16)
HALF_LOOP(widen_bf16, uint16_t, float, vh_load, vf_store, vf_from_bf16)
HALF_LOOP(narrow_bf16, float, uint16_t, vf_load, vh_store, vf_to_bf16)
HALF_LOOP(round_bf16, float, float, vf_load, vf_store, vf_round_bf16)

/* Weights wait for this in every product of one row: several vectors at once. */
static void finite_f16(size_t n, const void *px, void *py) {
    enum { MANY = 4 };
    const uint16_t *x = px;
    float *y = py;
    for (; n >= MANY * VF_LANES; n -= MANY * VF_LANES, x += MANY * VF_LANES, y += MANY * VF_LANES) {
        VF_UNROLL for (int i = 0; i < MANY; i++)
            vf_store(y + i * VF_LANES, vf_from_finite_f16(vh_load(x + i * VF_LANES)));
    }
    finite_rest(n, x, y);
}

extern const struct ash_half_row ASH_VEC_ROWS(half)[];
const struct ash_half_row ASH_VEC_ROWS(half)[] = {
    {ASH_VEC_NAME("half_f16"),
     ASH_VEC_CPU,
     {{widen_f16, narrow_f16, round_f16, finite_f16},
      {widen_bf16, narrow_bf16, round_bf16, widen_bf16}}},
    {0},
};
