/* Micro-kernels for AVX2 and AVX-512 over base/vec.h.  A tile of MR rows by two vectors stays in
 * registers from the first product to what is stored, epilogue included; up to three rows span
 * several panels, to have enough sums under way.  So do tiles of three vectors, for what is left of
 * a width, and for what is less than a vector there are tall ones.  With AVX-512 there are tiles of
 * FLAT_ROWS rows by two panels as well, which load less: ten vectors and elements for 24 products
 * instead of 14; and where the last vector would be half empty, a half one takes its place, whose
 * products cost half as much on processors that execute 512 bits in two steps.  The last columns
 * are loaded and stored under a mask. */
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

/* What a tile is made of.  All of it is inlined, with constant rows and vectors. */
struct form {
    int rows, nv; /* vectors of a row */
    bool half;    /* the last one is a half */
    bool full;    /* all of its columns are there */
};
struct sums {
    vf v[TALL_ROWS][2 * WIDE];
    vf_half half[TALL_ROWS]; /* the last vectors, while products are added */
};
#define EACH_ROW(i)    VF_UNROLL for (int i = 0; i < f.rows; i++)
#define EACH_VECTOR(j) VF_UNROLL for (int j = 0; j < f.nv; j++)
#define EACH_WHOLE(j)  VF_UNROLL for (int j = 0; j < f.nv - f.half; j++)
#define EACH(i, j)     EACH_ROW(i) EACH_VECTOR(j)

VF_INLINE bool is_half(const struct form f, int j) { return f.half && j == f.nv - 1; }

/* How many of vector j's columns are there: only the last vector's may be missing, of a tile over
 * several panels the last panel's. */
VF_INLINE size_t lanes(const struct ash_gemm_tile *t, int j, const struct form f) {
    size_t before = (size_t)j * VF_LANES;
    if (j + (f.nv < 4 ? 1 : NV) < f.nv) return VF_LANES;
    if (t->cols <= before) return 0;
    return t->cols - before < VF_LANES ? t->cols - before : VF_LANES;
}

VF_INLINE vf load_lanes(const struct ash_gemm_tile *t, const float *p, int j, const struct form f) {
    if (!f.full) return vf_load_n(p, lanes(t, j, f), vf_zero());
    return is_half(f, j) ? vf_widen(vf_half_load(p)) : vf_load(p);
}

VF_INLINE void store_lanes(const struct ash_gemm_tile *t, float *p, int j, const struct form f,
                           vf x) {
    if (!f.full) {
        vf_store_n(p, lanes(t, j, f), x);
    } else if (is_half(f, j)) {
        vf_half_store(p, vf_lower(x));
    } else {
        vf_store(p, x);
    }
}

VF_INLINE void add_residual(const struct ash_gemm_tile *t, struct sums *s, const struct form f) {
    EACH(i, j) {
        const float *r = t->out.residual + (size_t)i * t->out.ld_residual + j * VF_LANES;
        s->v[i][j] = s->v[i][j] + load_lanes(t, r, j, f);
    }
}

VF_INLINE void activate(struct ash_act_f32 act, struct sums *s, const struct form f) {
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

VF_INLINE void epilogue(const struct ash_gemm_tile *t, struct sums *s, const struct form f) {
    const struct ash_gemm_out *out = &t->out;
    if (out->scale != 0.0f) EACH(i, j) s->v[i][j] = s->v[i][j] * vf_set1(out->scale);
    if (out->bias) {
        EACH_VECTOR(j) {
            vf b = load_lanes(t, out->bias + j * VF_LANES, j, f);
            EACH_ROW(i) s->v[i][j] = s->v[i][j] + b;
        }
    }
    if (out->residual && !out->residual_last) add_residual(t, s, f);
    activate(out->act, s, f);
    if (out->residual && out->residual_last) add_residual(t, s, f);
}

/* Vector j of an element of B. */
VF_INLINE const float *b_at(const float *b, size_t b_panel, int j) {
    return b + (size_t)(j / NV) * b_panel + j % NV * VF_LANES;
}

/* One k: what there is less of waits in registers, the other comes one at a time. */
VF_INLINE void multiply_low(struct sums *s, const float *const *a, ptrdiff_t k, const float *b,
                            size_t b_panel, const struct form f) {
    vf x[WIDE];
    EACH_ROW(i) x[i] = vf_set1(a[i][k]);
    EACH_WHOLE(j) {
        vf y = vf_load(b_at(b, b_panel, j));
        EACH_ROW(i) s->v[i][j] = vf_fma(x[i], y, s->v[i][j]);
    }
    if (f.half) {
        vf_half y = vf_half_load(b_at(b, b_panel, f.nv - 1));
        EACH_ROW(i) s->half[i] = vf_half_fma(vf_lower(x[i]), y, s->half[i]);
    }
}

VF_INLINE void multiply_high(struct sums *s, const float *const *a, ptrdiff_t k, const float *b,
                             size_t b_panel, const struct form f) {
    vf y[2 * NV];
    EACH_WHOLE(j) y[j] = vf_load(b_at(b, b_panel, j));
    vf_half last = f.half ? vf_half_load(b_at(b, b_panel, f.nv - 1)) : vf_half_set1(0);
    EACH_ROW(i) {
        if (f.half && f.nv == 1) {
            s->half[i] = vf_half_fma(vf_half_set1(a[i][k]), last, s->half[i]);
        } else {
            vf x = vf_set1(a[i][k]);
            EACH_WHOLE(j) s->v[i][j] = vf_fma(x, y[j], s->v[i][j]);
            if (f.half) s->half[i] = vf_half_fma(vf_lower(x), last, s->half[i]);
        }
    }
}

/* Sums over `count` of k, whose ends a[] names. */
VF_INLINE void multiply(struct sums *s, const float *const *a, const float *b, size_t count,
                        size_t b_step, size_t b_panel, const struct form f) {
    BY_FOUR for (ptrdiff_t k = -(ptrdiff_t)count; k < 0; k++, b += b_step) {
        if (f.nv > NV && f.nv > f.rows) {
            multiply_low(s, a, k, b, b_panel, f);
        } else {
            multiply_high(s, a, k, b, b_panel, f);
        }
    }
}

VF_INLINE void begin(const struct ash_gemm_tile *t, struct sums *s, const struct form f) {
    EACH(i, j) s->v[i][j] = load_lanes(t, t->c + (size_t)i * t->ldc + j * VF_LANES, j, f);
}

VF_INLINE void end(const struct ash_gemm_tile *t, struct sums *s, const struct form f) {
    if (t->last) epilogue(t, s, f);
    EACH(i, j) store_lanes(t, t->c + (size_t)i * t->ldc + j * VF_LANES, j, f, s->v[i][j]);
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

VF_INLINE void tile_body(const struct ash_gemm_tile *t, const int rows, const int nv,
                         const bool half) {
    const size_t width = (size_t)nv * VF_LANES - (half ? VF_LANES - VF_HALF_LANES : 0);
    const struct form some = {rows, nv, half, false}, all = {rows, nv, half, true}, f = some;
    const bool full = t->cols == width;
    struct sums s;
    EACH(i, j) {
        if (j * VF_LANES % LINE == 0)
            __builtin_prefetch(t->c + (size_t)i * t->ldc + j * VF_LANES, 1);
        s.v[i][j] = vf_zero();
    }
    if (!t->first) {
        if (full) {
            begin(t, &s, all);
        } else {
            begin(t, &s, some);
        }
    }
    if (half) EACH_ROW(i) s.half[i] = vf_lower(s.v[i][nv - 1]);
    struct place p = {t->a, t->b, t->ahead, 0, 0};
    while (p.tap < t->taps) {
        const float *b = p.b;
        size_t n = next_part(t, &p);
        const float *ends[TALL_ROWS];
        EACH_ROW(i) ends[i] = p.a[i] + t->a_skip + p.k;
        multiply(&s, ends, b, n, t->b_step, t->b_panel, f);
        if (p.k >= t->k) {
            p.k = 0;
            p.tap++;
            p.a += t->a_tap;
        }
    }
    if (half) EACH_ROW(i) s.v[i][nv - 1] = vf_widen(s.half[i]);
    if (full) {
        end(t, &s, all);
    } else {
        end(t, &s, some);
    }
}

#define TILE(rows, nv)                                                                             \
    static __attribute__((unused)) void tile_##rows##_##nv(const struct ash_gemm_tile *t) {        \
        tile_body(t, rows, nv, false);                                                             \
    }
#define HALF_TILE(rows, nv)                                                                        \
    static void half_##rows##_##nv(const struct ash_gemm_tile *t) { tile_body(t, rows, nv, true); }

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

/* The tiles of a row of the table: of one, two and three vectors, the last of which may be a half,
 * of two panels and of four. */
struct tiles {
    ash_gemm_tile_fn *few[TALL_ROWS][3], *half[TALL_ROWS][3];
    ash_gemm_tile_fn *wide[MR][2];
};

/* The tile that ends a width. */
VF_INLINE ash_gemm_tile_fn *last_tile(const struct tiles *tiles, size_t rows, size_t cols) {
    size_t nv = (cols + VF_LANES - 1) / VF_LANES;
    ash_gemm_tile_fn *half = tiles->half[rows - 1][nv - 1];
    return half && nv * VF_LANES - cols >= VF_HALF_LANES ? half : tiles->few[rows - 1][nv - 1];
}

/* The widest tiles that there are, from the left. */
VF_INLINE void run_tile(const struct ash_gemm_tile *t, const struct tiles *tiles) {
    size_t row = t->rows - 1;
    if (t->cols <= NR || (t->cols <= (size_t)3 * VF_LANES && tiles->few[row][2])) {
        last_tile(tiles, t->rows, t->cols)(t);
        return;
    }
    if (t->cols == (size_t)2 * NR && tiles->wide[row][0]) {
        tiles->wide[row][0](t);
        return;
    }
    struct ash_gemm_tile u = *t;
    for (size_t left = t->cols; left; left -= u.cols) {
        size_t panels = (left + NR - 1) / NR;
        size_t take = panels >= 4 && tiles->wide[row][1] ? 4 : panels >= 2 ? 2 : 1;
        u.cols = take * NR < left ? take * NR : left;
        ash_gemm_tile_fn *fn =
            take == 1 ? last_tile(tiles, t->rows, left) : tiles->wide[row][take == 4];
        fn(&u);
        u.b += take * t->b_panel;
        u.c += u.cols;
        if (u.out.bias) u.out.bias += u.cols;
        if (u.out.residual) u.out.residual += u.cols;
    }
}

#endif
