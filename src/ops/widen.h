/* Running the floating-point types of 16 bits on kernels for float32. */
#ifndef ASH_OPS_WIDEN_H
#define ASH_OPS_WIDEN_H

#include "ir/op.h"

static inline bool ash_is_half(int dtype) {
    return dtype == ASHORE_FLOAT16 || dtype == ASHORE_BFLOAT16;
}

/* A constant of 16 bits as a lowering sees it.  Small ones are there at once, others when
 * ash_lower_pack or ash_lower_constant reads them. */
struct ash_wide {
    const struct ash_tensor *from; /* NULL: unused */
    struct ash_tensor tensor;      /* float32; without data until it is filled */
    struct ash_heap *heap;
    size_t bytes;
    bool packed; /* a run does not read it */
};

/* From w->from, or where that can be read.  ASHORE_ERR_NOMEM, without a message. */
int ash_wide_fill(struct ash_wide *w, const struct ash_tensor *from);
/* What input i really is where it stands for a constant of 16 bits, to be packed as it is; NULL. */
const struct ash_tensor *ash_wide_from(const struct ash_lower *c, int i);

/* dst = t as float32; dst[n] = src[n] as float32. */
void ash_half_widen(const struct ash_tensor *t, void *dst);
void ash_half_widen_n(int dtype, bool regular, const void *src, size_t n, float *dst);
/* No infinity, no NaN and few denormals: such numbers are widened faster. */
bool ash_half_regular(int dtype, const uint16_t *x, size_t n);

/* Makes the kernel that a lowering chose round those outputs whose dtype[o] is a 16 bit type to
 * what that type can hold. */
int ash_half_round(struct ash_lower *c, const uint8_t *dtype);

/* Between 16 bits and float32: what the plan puts between steps that hold a value differently. */
extern const struct ash_op ash_op_half;

#endif
