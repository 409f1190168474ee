/* Convolution of bytes over channels-last images, as the product of kernels/qgemm: sums, results
 * and their exactness are those of qgemm.h, outside of an image lies its zero point.
 *
 * struct ash_conv (kernels/conv/conv.h) has the shape.  B is the weights w[oc][c / groups][kh][kw].
 * Of struct ash_qgemm, everything but m, n, k, A, packed and ldc is the caller's to fill. */
#ifndef ASH_KERNELS_QCONV_H
#define ASH_KERNELS_QCONV_H

#include "kernels/conv/conv.h"
#include "kernels/qgemm/qgemm.h"

size_t ash_qconv_packed_size(const struct ash_qgemm_kernel *row, const struct ash_conv *s);
/* zero: as in struct ash_qgemm_b. */
void ash_qconv_pack(const struct ash_qgemm_kernel *row, const struct ash_conv *s, bool is_signed,
                    const void *zero, size_t zero_step, const void *w, void *packed);

size_t ash_qconv_scratch(const struct ash_qgemm_kernel *row, const struct ash_conv *s,
                         size_t threads);
void ash_qconv_run(const struct ash_qgemm_kernel *row, const struct ash_conv *s, const uint8_t *x,
                   const void *packed, const struct ash_qgemm *g, void *scratch,
                   struct ash_pool *pool);

#endif
