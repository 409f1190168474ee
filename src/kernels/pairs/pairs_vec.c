#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/pairs/pairs.h"

enum {
    WIDE = ASH_PAIRS_WIDE,
    ROWS = 4,    /* of a block of rows, */
    VECTORS = 2, /* and how many vectors of columns it has; */
    ALONE = 8,   /* those of one row, and the rows of one vector, for as many sums side by side */
    MOST = 8     /* rows of any block */
};

/* `rows` rows of x against so many vectors of columns, of which n are wanted; both are known when
 * this is compiled. */
VF_INLINE void block(const struct ash_pairs *p, bool distances, int rows, int vectors,
                     const float *x, const float *y, size_t n, float *to) {
    size_t panel = WIDE * p->k;
    vf sum[MOST][ALONE];
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < vectors; v++) sum[r][v] = vf_zero();
    }
    for (size_t j = 0; j < p->k; j++, y += WIDE) {
        vf b[ALONE];
        VF_UNROLL
        for (int v = 0; v < vectors; v++)
            b[v] = vf_load(y + (size_t)(v * VF_LANES / WIDE) * panel + v * VF_LANES % WIDE);
        VF_UNROLL
        for (int r = 0; r < rows; r++) {
            vf a = vf_set1(x[(size_t)r * p->ldx + j]);
            VF_UNROLL
            for (int v = 0; v < vectors; v++) {
                vf d = a - b[v];
                sum[r][v] = distances ? vf_fma(d, d, sum[r][v]) : vf_fma(a, b[v], sum[r][v]);
            }
        }
    }
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        VF_UNROLL
        for (int v = 0; v < vectors; v++) {
            size_t at = (size_t)(v * VF_LANES);
            float *out = to + (size_t)r * p->ldto + at;
            if (at + VF_LANES <= n)
                vf_store(out, sum[r][v]);
            else if (at < n)
                vf_store_n(out, n - at, sum[r][v]);
        }
    }
}

/* All columns of `rows` rows from row i on. */
VF_INLINE void strip(const struct ash_pairs *p, bool distances, int rows, size_t i) {
    const float *x = p->x + i * p->ldx;
    float *to = p->to + i * p->ldto;
    size_t end = (p->n + WIDE - 1) / WIDE * WIDE, few = VECTORS * VF_LANES, many = ALONE * VF_LANES;
    for (size_t c = 0; c < p->n;) {
        const float *y = p->y + c / WIDE * WIDE * p->k + c % WIDE;
        if (rows == 1 && c % WIDE == 0 && c + many <= end) {
            block(p, distances, rows, ALONE, x, y, p->n - c, to + c);
            c += many;
        } else {
            block(p, distances, rows, VECTORS, x, y, p->n - c, to + c);
            c += few;
        }
    }
}

VF_INLINE void run(const struct ash_pairs *p, bool distances) {
    size_t i = 0;
#if VF_LANES >= 8
    for (; p->n <= VF_LANES && i + ALONE <= p->m; i += ALONE)
        block(p, distances, ALONE, 1, p->x + i * p->ldx, p->y, p->n, p->to + i * p->ldto);
#endif
    for (; i + ROWS <= p->m; i += ROWS) strip(p, distances, ROWS, i);
    for (; i < p->m; i++) strip(p, distances, 1, i);
}

static void pairs_f32(const struct ash_pairs *p) {
    if (p->distances)
        run(p, true);
    else
        run(p, false);
}

static float pairs_dot(size_t n, const float *x, const float *y) {
    struct vf16 sum = vf16_set1(0);
    for (size_t i = 0; i < n; i += 16) {
        bool whole = i + 16 <= n;
        struct vf16 a = whole ? vf16_load(x + i) : vf16_load_n(x + i, n - i, 0);
        struct vf16 b = whole ? vf16_load(y + i) : vf16_load_n(y + i, n - i, 0);
        VF_UNROLL
        for (int v = 0; v < VF16_PARTS; v++) sum.v[v] = vf_fma(a.v[v], b.v[v], sum.v[v]);
    }
    return vf16_hsum(sum);
}

extern const struct ash_pairs_row ASH_VEC_ROWS(pairs)[];
const struct ash_pairs_row ASH_VEC_ROWS(pairs)[] = {
    {ASH_VEC_NAME("pairs_f32"), ASH_VEC_CPU, pairs_f32, pairs_dot},
    {0},
};
