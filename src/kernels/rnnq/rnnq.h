/* Recurrent weights of an LSTM that are kept as bytes: the products of a state in float32 with
 * them, for ash_rnn_f32 with shape.bytes.  A step reads all weights for one row of the batch, so
 * that its time is that of getting them from where they lie: a quarter of the bytes.
 *
 *   y[j] = scale[j] * (sum over i of x[i] * q[i][j] - zero[j] * sum over i of x[i])
 *
 * with q as uint8, in order of i.  H: length of x.  Rows with fused multiply-add agree on bits.
 * BOUND: 2 (H + 2) * eps * scale[j] * 255 * sum |x|. */
#ifndef ASH_KERNELS_RNNQ_H
#define ASH_KERNELS_RNNQ_H

#include "kernels/rnn/rnn.h"

struct ash_rnnq_row {
    const char *name;
    uint32_t cpu;
    uint16_t lanes;        /* those of the row of rnn for the same processor */
    ash_rnn_sums_fn *sums; /* of the blocks of ash_rnnq_pack: nv is 4 or 8 */
};

const struct ash_rnnq_row *const *ash_rnnq_tables(void);
const struct ash_rnnq_row *ash_rnnq_best(void);

struct ash_rnnq_weights {
    const void *r;  /* [4 H][H] */
    bool is_signed; /* int8, else uint8 */
    bool by_row;    /* one scale and zero point for each of the 4 H rows, else one for all */
    const float *scale;
    const void *zero; /* of r's type */
};
/* Writes them in blocks of ash_rnn_f32's columns, each [H][columns] bytes and then as many scales
 * and zero points. */
void ash_rnnq_pack(size_t lanes, size_t H, const struct ash_rnnq_weights *w, float *packed);

#endif
