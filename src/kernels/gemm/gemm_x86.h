/* Micro-kernels for AVX2 and AVX-512 over base/vec.h.  A tile of MR rows by two vectors stays in
 * registers from the first product to what is stored, epilogue included; up to three rows span
 * several panels, to have enough sums under way.  So do tiles of three vectors, for what is left of
 * a width, and for what is less than a vector there are tall ones.  With AVX-512 there are tiles of
 * FLAT_ROWS rows by two panels as well, which load less: ten vectors and elements for 24 products
 * instead of 14.  The last columns are loaded and stored under a mask. */
#ifndef ASH_KERNELS_GEMM_X86_H
#define ASH_KERNELS_GEMM_X86_H

#include "base/cpu.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_finish.h"

enum {
    MR = VF_LANES == 16 ? 8 : 6,
    TALL_ROWS = 8,                       /* by one vector */
    THREE_ROWS = VF_LANES == 16 ? 8 : 4, /* by three */
    FLAT_ROWS = 6,
    NV = 2, /* vectors of a panel */
    NR = NV * VF_LANES,
    WIDE = 4,
    LINE = 64 / sizeof(float)
};

/* Counting and advancing would be a sixth of the instructions. */
#if defined(__clang__)
#    define BY_FOUR _Pragma("clang loop unroll_count(4)")
#else
#    define BY_FOUR _Pragma("GCC unroll 4")
#endif

/* All of it is inlined, with constant rows and vectors. */
struct sums {
    vf v[TALL_ROWS][2 * WIDE];
};
#define EACH(i, j) VF_UNROLL for (int i = 0; i < rows; i++) VF_UNROLL for (int j = 0; j < nv; j++)

/* How many of vector j's columns are there: only the last panel's may be missing. */
VF_INLINE size_t lanes(const struct ash_gemm_tile *t, int j, const int nv, const bool full) {
    size_t before = (size_t)j * VF_LANES;
    if (full || j + NV < nv) return VF_LANES;
    if (t->cols <= before) return 0;
    return t->cols - before < VF_LANES ? t->cols - before : VF_LANES;
}

VF_INLINE vf load_lanes(const float *p, size_t n, const bool full) {
    return full ? vf_load(p) : vf_load_n(p, n, vf_zero());
}

VF_INLINE void add_residual(const struct ash_gemm_tile *t, struct sums *s, const int rows,
                            const int nv, const bool full) {
    EACH(i, j) {
        const float *r = t->out.residual + (size_t)i * t->out.ld_residual + j * VF_LANES;
        s->v[i][j] = s->v[i][j] + load_lanes(r, lanes(t, j, nv, full), full);
    }
}

VF_INLINE void activate(struct ash_act_f32 act, struct sums *s, const int rows, const int nv) {
    const vf a = vf_set1(act.a), b = vf_set1(act.b);
    switch (act.kind) {
    case ASH_ACT_RELU:
        EACH(i, j) s->v[i][j] = vf_relu(s->v[i][j]);
        break;
    case ASH_ACT_CLIP:
        EACH(i, j) s->v[i][j] = vf_clip(s->v[i][j], a, b);
        break;
    case ASH_ACT_HARDSWISH:
        EACH(i, j) s->v[i][j] = vf_hardswish(s->v[i][j], a, b);
        break;
    case ASH_ACT_LEAKYRELU:
        EACH(i, j) s->v[i][j] = vf_leakyrelu(s->v[i][j], a);
        break;
    default:
        break;
    }
}

enum { ACTS = 1 << ASH_ACT_HARDSWISH | 1 << ASH_ACT_LEAKYRELU };

VF_INLINE void epilogue(const struct ash_gemm_tile *t, struct sums *s, const int rows, const int nv,
                        const bool full) {
    const struct ash_gemm_out *out = &t->out;
    if (out->scale != 0.0f) EACH(i, j) s->v[i][j] = s->v[i][j] * vf_set1(out->scale);
    if (out->bias) {
        VF_UNROLL for (int j = 0; j < nv; j++) {
            vf b = load_lanes(out->bias + j * VF_LANES, lanes(t, j, nv, full), full);
            VF_UNROLL for (int i = 0; i < rows; i++) s->v[i][j] = s->v[i][j] + b;
        }
    }
    if (out->residual && !out->residual_last) add_residual(t, s, rows, nv, full);
    activate(out->act, s, rows, nv);
    if (out->residual && out->residual_last) add_residual(t, s, rows, nv, full);
}

/* One k: what there is less of waits in registers, the other comes one at a time. */
VF_INLINE void multiply_low(struct sums *s, const float *const *a, ptrdiff_t k, const float *b,
                            size_t b_panel, const int rows, const int nv) {
    vf x[WIDE];
    VF_UNROLL for (int i = 0; i < rows; i++) x[i] = vf_set1(a[i][k]);
    VF_UNROLL for (int j = 0; j < nv; j++) {
        vf y = vf_load(b + (size_t)(j / NV) * b_panel + j % NV * VF_LANES);
        VF_UNROLL for (int i = 0; i < rows; i++) s->v[i][j] = vf_fma(x[i], y, s->v[i][j]);
    }
}

VF_INLINE void multiply_high(struct sums *s, const float *const *a, ptrdiff_t k, const float *b,
                             size_t b_panel, const int rows, const int nv) {
    vf y[2 * NV];
    VF_UNROLL for (int j = 0; j < nv; j++) {
        y[j] = vf_load(b + (size_t)(j / NV) * b_panel + j % NV * VF_LANES);
    }
    VF_UNROLL for (int i = 0; i < rows; i++) {
        vf x = vf_set1(a[i][k]);
        VF_UNROLL for (int j = 0; j < nv; j++) s->v[i][j] = vf_fma(x, y[j], s->v[i][j]);
    }
}

/* Sums over `count` of k, whose ends a[] names. */
VF_INLINE void multiply(struct sums *s, const float *const *a, const float *b, size_t count,
                        size_t b_step, size_t b_panel, const int rows, const int nv) {
    BY_FOUR for (ptrdiff_t k = -(ptrdiff_t)count; k < 0; k++, b += b_step) {
        if (nv > NV && nv > rows) {
            multiply_low(s, a, k, b, b_panel, rows, nv);
        } else {
            multiply_high(s, a, k, b, b_panel, rows, nv);
        }
    }
}

VF_INLINE void begin(const struct ash_gemm_tile *t, struct sums *s, const int rows, const int nv,
                     const bool full) {
    EACH(i, j) {
        float *c = t->c + (size_t)i * t->ldc + j * VF_LANES;
        s->v[i][j] = load_lanes(c, lanes(t, j, nv, full), full);
    }
}

VF_INLINE void end(const struct ash_gemm_tile *t, struct sums *s, const int rows, const int nv,
                   const bool full) {
    if (t->last) epilogue(t, s, rows, nv, full);
    EACH(i, j) {
        float *c = t->c + (size_t)i * t->ldc + j * VF_LANES;
        if (full) {
            vf_store(c, s->v[i][j]);
        } else {
            vf_store_n(c, lanes(t, j, nv, full), s->v[i][j]);
        }
    }
}

/* How far a tile is. */
struct place {
    const float *const *a;
    const float *b, *ahead;
    size_t tap, k;
};

/* Advances to the end of the next part of a tap; its length. */
VF_INLINE size_t next_part(const struct ash_gemm_tile *t, struct place *p) {
    size_t n = t->k - p->k;
    if (t->ahead_lines) {
        if (n > t->ahead_k) n = t->ahead_k;
        for (size_t i = 0; i < t->ahead_lines; i++, p->ahead += LINE) {
            __builtin_prefetch(p->ahead, 0, 2);
            if (t->cols > NR) __builtin_prefetch(p->ahead + t->b_panel, 0, 2);
        }
    }
    p->k += n;
    p->b += n * t->b_step;
    return n;
}

VF_INLINE void tile_body(const struct ash_gemm_tile *t, const int rows, const int nv) {
    const bool full = t->cols == (size_t)nv * VF_LANES;
    struct sums s;
    EACH(i, j) {
        if (j * VF_LANES % LINE == 0)
            __builtin_prefetch(t->c + (size_t)i * t->ldc + j * VF_LANES, 1);
        s.v[i][j] = vf_zero();
    }
    if (!t->first) {
        if (full) {
            begin(t, &s, rows, nv, true);
        } else {
            begin(t, &s, rows, nv, false);
        }
    }
    struct place p = {t->a, t->b, t->ahead, 0, 0};
    while (p.tap < t->taps) {
        const float *b = p.b;
        size_t n = next_part(t, &p);
        const float *ends[TALL_ROWS];
        VF_UNROLL for (int i = 0; i < rows; i++) ends[i] = p.a[i] + t->a_skip + p.k;
        multiply(&s, ends, b, n, t->b_step, t->b_panel, rows, nv);
        if (p.k >= t->k) {
            p.k = 0;
            p.tap++;
            p.a += t->a_tap;
        }
    }
    if (full) {
        end(t, &s, rows, nv, true);
    } else {
        end(t, &s, rows, nv, false);
    }
}

#define TILE(rows, nv)                                                                             \
    static __attribute__((unused)) void tile_##rows##_##nv(const struct ash_gemm_tile *t) {        \
        tile_body(t, rows, nv);                                                                    \
    }

/* What both processors have; the larger one adds its own. */
TILE(1, 1)
TILE(1, 2)
TILE(2, 1)
TILE(2, 2)
TILE(3, 1)
TILE(3, 2)
TILE(4, 1)
TILE(4, 2)
TILE(5, 1)
TILE(5, 2)
TILE(6, 1)
TILE(6, 2)
TILE(7, 1)
TILE(8, 1)
TILE(1, 3)
TILE(2, 3)
TILE(3, 3)
TILE(4, 3)
TILE(1, 4)
TILE(1, 8)
TILE(2, 4)
TILE(3, 4)

/* The widest tiles that there are, from the left: `tiles` of one, two and three vectors, `wide` of
 * two panels and of four. */
VF_INLINE void run_tile(const struct ash_gemm_tile *t, ash_gemm_tile_fn *const tiles[TALL_ROWS][3],
                        ash_gemm_tile_fn *const wide[MR][2]) {
    if (t->cols <= NR) {
        tiles[t->rows - 1][t->cols > VF_LANES](t);
        return;
    }
    if (t->cols <= (size_t)3 * VF_LANES && tiles[t->rows - 1][2]) {
        tiles[t->rows - 1][2](t);
        return;
    }
    if (t->cols == (size_t)2 * NR && wide[t->rows - 1][0]) {
        wide[t->rows - 1][0](t);
        return;
    }
    struct ash_gemm_tile u = *t;
    for (size_t left = t->cols; left; left -= u.cols) {
        size_t panels = (left + NR - 1) / NR;
        ash_gemm_tile_fn *fn = tiles[t->rows - 1][left > VF_LANES];
        size_t take = 1;
        if (panels >= 4 && wide[t->rows - 1][1]) {
            fn = wide[t->rows - 1][1];
            take = 4;
        } else if (panels >= 2) {
            fn = wide[t->rows - 1][0];
            take = 2;
        }
        u.cols = take * NR < left ? take * NR : left;
        fn(&u);
        u.b += take * t->b_panel;
        u.c += u.cols;
        if (u.out.bias) u.out.bias += u.cols;
        if (u.out.residual) u.out.residual += u.cols;
    }
}

#endif
