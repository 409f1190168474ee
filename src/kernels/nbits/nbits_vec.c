#include "base/cpu.h"
#include "kernels/bytes_vec.h"
#include "kernels/nbits/nbits.h"

enum { NV = 4, NR = NV * VF_LANES, SUMS = 2 };

typedef uint32_t vi_mem __attribute__((vector_size(4 * VF_LANES), aligned(4), may_alias));

VF_INLINE vi vi_load(const uint32_t *p) { return (vi) * (const vi_mem *)(const void *)p; }

/* The sums of a * q over the block's even and odd elements. */
VF_INLINE void block(const int bits, const vi *mask, const uint32_t *q, const float *a,
                     size_t words, vf sum[SUMS][NV]) {
    const int per = 32 / bits, group = bits == 4 ? 4 : 2;
    VF_UNROLL for (int s = 0; s < SUMS; s++) {
        VF_UNROLL for (int v = 0; v < NV; v++) sum[s][v] = vf_zero();
    }
    VF_NO_UNROLL for (size_t w = 0; w < words; w++, q += NR) {
        vi x[NV];
        VF_UNROLL for (int v = 0; v < NV; v++) x[v] = vi_load(q + v * VF_LANES);
        VF_NO_UNROLL for (int k = 0; k < per; k += group, a += group) {
            VF_UNROLL for (int i = 0; i < group; i++) {
                vf y = vf_set1(a[i]);
                VF_UNROLL for (int v = 0; v < NV; v++) {
                    vf code = vf_from_int(x[v] & mask[i]);
                    sum[i % SUMS][v] = vf_fma(y, code, sum[i % SUMS][v]);
                }
            }
            VF_UNROLL for (int v = 0; v < NV; v++) x[v] = (vi)((vi_u)x[v] >> bits * group);
        }
    }
}

VF_INLINE void add_block(const struct ash_nbits_tile *t, size_t b, const vf sum[NV], float a_scale,
                         vf total[NV]) {
    const vf a = vf_set1(t->sums[b]), by = vf_set1(a_scale);
    VF_UNROLL for (int v = 0; v < NV; v++) {
        size_t at = b * NR + (size_t)v * VF_LANES;
        vf zero = t->zeros ? vf_load(t->zeros + at) : vf_set1(t->zero);
        total[v] = vf_fma(vf_load(t->scale + at), (sum[v] - zero * a) * by, total[v]);
    }
}

VF_INLINE void dot_bits(const int bits, const struct ash_nbits_tile *t) {
    size_t words = t->block * (size_t)bits / 32, blocks = (t->k + t->block - 1) / t->block;
    vf total[NV];
    vi mask[4];
    const int group = bits == 4 ? 4 : 2;
    VF_UNROLL for (int i = 0; i < group; i++) mask[i] = vi_keep(((1 << bits) - 1) << i * bits);
    VF_UNROLL for (int v = 0; v < NV; v++) total[v] = vf_zero();
    for (size_t b = 0; b < blocks; b++) {
        vf sum[SUMS][NV];
        block(bits, mask, t->q + b * words * NR, t->a + b * t->block, words, sum);
        VF_UNROLL for (int v = 0; v < NV; v++) sum[0][v] += sum[1][v];
        add_block(t, b, sum[0], 1, total);
    }
    VF_UNROLL for (int v = 0; v < NV; v++) vf_store(t->y + v * VF_LANES, total[v]);
}

VF_INLINE void dot_pairs(const int bits, const struct ash_nbits_tile *t) {
    const int pairs = 16 / bits;
    const vi mask = vi_keep(((1 << bits) - 1) * 0x10001);
    size_t words = t->block * (size_t)bits / 32, blocks = (t->k + t->block - 1) / t->block;
    const uint32_t *q = t->q;
    const int32_t *a = t->pairs;
    vf total[NV];
    VF_UNROLL for (int v = 0; v < NV; v++) total[v] = vf_zero();
    for (size_t b = 0; b < blocks; b++) {
        vi sum[NV];
        vf whole[NV];
        VF_UNROLL for (int v = 0; v < NV; v++) sum[v] = vi_set1(0);
        VF_NO_UNROLL for (size_t w = 0; w < words; w++, q += NR, a += pairs) {
            VF_UNROLL for (int v = 0; v < NV; v++) {
                vi x = vi_load(q + v * VF_LANES);
                VF_UNROLL for (int i = 0; i < pairs; i++) {
                    vi codes = (vi)((vi_u)x >> bits * i) & mask;
                    sum[v] = vi_dot_pairs(sum[v], codes, vi_set1(a[i]));
                }
            }
        }
        VF_UNROLL for (int v = 0; v < NV; v++) whole[v] = vf_from_int(sum[v]);
        add_block(t, b, whole, t->a_scale[b], total);
    }
    VF_UNROLL for (int v = 0; v < NV; v++) vf_store(t->y + v * VF_LANES, total[v]);
}

static void dot_4(const struct ash_nbits_tile *t) { dot_bits(4, t); }
static void dot_8(const struct ash_nbits_tile *t) { dot_bits(8, t); }

static void pairs_4(const struct ash_nbits_tile *t) { dot_pairs(4, t); }
static void pairs_8(const struct ash_nbits_tile *t) { dot_pairs(8, t); }

static void dot(const struct ash_nbits_tile *t) {
    ash_nbits_fn *const of[2][2] = {{dot_4, pairs_4}, {dot_8, pairs_8}};
    of[t->bits == 8][t->pairs != NULL](t);
}

static void unpack(const struct ash_nbits_tile *t) {
    const int per = 32 / t->bits;
    const vi mask = vi_keep((1 << t->bits) - 1);
    const uint32_t *q = t->q;
    for (size_t k = 0; k < t->k; k += (size_t)per, q += NR) {
        size_t b = k / t->block * NR, n = t->k - k < (size_t)per ? t->k - k : (size_t)per;
        for (size_t v = 0; v < NR; v += VF_LANES) {
            vf zero = t->zeros ? vf_load(t->zeros + b + v) : vf_set1(t->zero);
            vf scale = vf_load(t->scale + b + v);
            vi x = vi_load(q + v);
            float *y = t->y + k * NR + v;
            for (size_t i = 0; i < n; i++, y += NR) {
                vf_store(y, (vf_from_int(x & mask) - zero) * scale);
                x = (vi)((vi_u)x >> t->bits);
            }
        }
    }
}

extern const struct ash_nbits_row ASH_VEC_ROWS(nbits)[];
const struct ash_nbits_row ASH_VEC_ROWS(nbits)[] = {
    {ASH_VEC_NAME("nbits_f32"), ASH_VEC_CPU, NR, dot, unpack},
    {0},
};
