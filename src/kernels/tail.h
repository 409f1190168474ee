/* Ends of arrays where bytes of code count more than speed: a partial vector by way of a buffer, in
 * functions that are not inlined.  Where the target has masked loads, vf_load_n is as small. */
#ifndef ASH_KERNELS_TAIL_H
#define ASH_KERNELS_TAIL_H

#include "base/vec.h"

/* n floats, 0..16, and then `fill`, in t, which is returned. */
static __attribute__((noinline, unused)) const float *ash_tail_in(float t[16], const float *p,
                                                                  size_t n, float fill) {
    for (size_t i = 0; i < 16; i++) t[i] = i < n ? p[i] : fill;
    return t;
}

static __attribute__((noinline, unused)) void ash_tail_out(float *p, const float *t, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = t[i];
}

/* 1..VF_LANES lanes, the rest 0. */
VF_INLINE vf ash_tail_load(const float *p, size_t n) {
#if defined(VF_AVX512) || defined(VF_AVX2)
    return vf_load_n(p, n, vf_zero());
#else
    float t[16];
    return vf_load(n == VF_LANES ? p : ash_tail_in(t, p, n, 0.0f));
#endif
}

VF_INLINE void ash_tail_store(float *p, size_t n, vf x) {
#if defined(VF_AVX512) || defined(VF_AVX2)
    vf_store_n(p, n, x);
#else
    if (n == VF_LANES) {
        vf_store(p, x);
    } else {
        float t[VF_LANES];
        vf_store(t, x);
        ash_tail_out(p, t, n);
    }
#endif
}

/* 0..16 lanes, the rest `fill`; more than 16 are 16. */
VF_INLINE struct vf16 ash_tail_load16(const float *p, size_t n, float fill) {
#if defined(VF_AVX512) || defined(VF_AVX2)
    return n < 16 ? vf16_load_n(p, n, fill) : vf16_load(p);
#else
    float t[16];
    return vf16_load(n < 16 ? ash_tail_in(t, p, n, fill) : p);
#endif
}

VF_INLINE void ash_tail_store16(float *p, size_t n, struct vf16 x) {
#if defined(VF_AVX512) || defined(VF_AVX2)
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) {
        size_t m = n < 16 ? vf16_part_(n, i) : VF_LANES;
        if (m) vf_store_n(p + i * VF_LANES, m, x.v[i]);
    }
#else
    float t[16], *to = n < 16 ? t : p;
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) vf_store(to + i * VF_LANES, x.v[i]);
    if (n < 16) ash_tail_out(p, t, n);
#endif
}

#endif
