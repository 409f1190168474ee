/* Normalisation of float32: by the statistics of a run of elements, and by given constants.
 *
 * Statistics take two passes (the mean, then the sum of squared differences), each over 16 virtual
 * lanes in blocks of ASH_NORM_BLOCK, so that a large mean costs no accuracy.  Then
 * y = fma((x - mean) * inv, scale, bias).  BOUND: (D + 8) * eps on the scale of
 * |inv| * (|x| + |mean|) * |scale| + |bias|.  NaN and inf spread over their run, as in NumPy. */
#ifndef ASH_KERNELS_NORM_H
#define ASH_KERNELS_NORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_pool;

enum { ASH_NORM_BLOCK = 4096 };

/* Mean (0 with rms) and 1 / sqrt(mean of (x - mean)^2 + eps) of D elements. */
typedef void ash_norm_stats_fn(bool rms, size_t D, float eps, const float *x, float *mean,
                               float *inv);
/* y = fma((x - mean) * inv, scale, bias).  `vector`: scale and bias have n elements, or are NULL
 * for 1 and 0; otherwise they have one.  y may be x. */
typedef void ash_norm_apply_fn(bool vector, size_t n, const float *x, float mean, float inv,
                               const float *scale, const float *bias, float *y);

struct ash_norm_row {
    const char *name;
    uint32_t cpu;
    ash_norm_stats_fn *stats;
    ash_norm_apply_fn *apply;
};

const struct ash_norm_row *const *ash_norm_tables(void);
const struct ash_norm_row *ash_norm_best(void);

/* LayerNormalization, or RMSNormalization with rms, of `rows` runs of D elements.  scale[D] and
 * bias[D] may be NULL, as may mean_out[rows] and inv_out[rows].  y may be x. */
void ash_norm_layer(const struct ash_norm_row *row, struct ash_pool *pool, bool rms, size_t rows,
                    size_t D, float eps, const float *x, const float *scale, const float *bias,
                    float *y, float *mean_out, float *inv_out);

/* GroupNormalization of x[N][C][inner] in G groups of C / G channels; InstanceNormalization is
 * G = C.  scale[C] and bias[C] may be NULL.  y may be x. */
void ash_norm_group(const struct ash_norm_row *row, struct ash_pool *pool, size_t N, size_t C,
                    size_t G, size_t inner, float eps, const float *x, const float *scale,
                    const float *bias, float *y);

/* y[o][c][i] = fma(x[o][c][i], scale[c], shift[c]): BatchNormalization, its four constants folded
 * into two.  inner = 1 is channels-last.  y may be x. */
void ash_norm_affine(const struct ash_norm_row *row, struct ash_pool *pool, size_t outer, size_t C,
                     size_t inner, const float *x, const float *scale, const float *shift,
                     float *y);

#endif
