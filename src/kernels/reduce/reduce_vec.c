#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/reduce/reduce.h"
#include "kernels/tail.h"

/* The loops below are written once and instantiated for these four.  A sum of magnitudes is a sum
 * of elements without their sign, a minimum the negated maximum of negated elements. */
enum reduce_fold { FOLD_SUM, FOLD_SQUARE, FOLD_PROD, FOLD_MAX };

struct reduce_kind {
    enum reduce_fold fold;
    int32_t keep, flip; /* bits of an element that are kept, and then inverted */
};

static struct reduce_kind reduce_kind(enum ash_reduce op) {
    struct reduce_kind k = {FOLD_SUM, -1, 0};
    if (op == ASH_REDUCE_SUMSQ || op == ASH_REDUCE_L2) k.fold = FOLD_SQUARE;
    if (op == ASH_REDUCE_PROD) k.fold = FOLD_PROD;
    if (op == ASH_REDUCE_MAX || op == ASH_REDUCE_MIN) k.fold = FOLD_MAX;
    if (op == ASH_REDUCE_MIN) k.flip = INT32_MIN;
    if (op == ASH_REDUCE_L1) k.keep = INT32_MAX;
    return k;
}

VF_INLINE vf reduce_flip(vf x, int32_t flip) { return vf_from_bits(vf_bits(x) ^ vi_set1(flip)); }

VF_INLINE vf reduce_join(enum reduce_fold f, vf a, vf b) {
    return f == FOLD_PROD ? a * b : f == FOLD_MAX ? vf_max_nan(a, b) : a + b;
}

VF_INLINE vf reduce_fold(enum reduce_fold f, struct reduce_kind k, vf a, vf x) {
    if (f == FOLD_SQUARE) return vf_fma(x, x, a);
    if (f == FOLD_PROD) return a * x;
    return reduce_join(f, a, reduce_flip(vf_from_bits(vf_bits(x) & vi_set1(k.keep)), k.flip));
}

VF_INLINE float reduce_identity(enum reduce_fold f) {
    return f == FOLD_PROD ? 1.0f : f == FOLD_MAX ? -__builtin_inff() : 0.0f;
}

VF_INLINE struct vf16 reduce_fold16(enum reduce_fold f, struct reduce_kind k, struct vf16 s,
                                    const float *x) {
    VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) {
        s.v[p] = reduce_fold(f, k, s.v[p], vf_load(x + p * VF_LANES));
    }
    return s;
}

VF_INLINE void reduce_run(enum reduce_fold f, struct reduce_kind k, size_t D, const float *x,
                          float *acc) {
    const float first = reduce_identity(f);
    while (D) {
        float t[16];
        size_t n = D < ASH_REDUCE_BLOCK ? D : ASH_REDUCE_BLOCK, i = 0;
        struct vf16 s = vf16_set1(first);
        for (; i + 16 <= n; i += 16) s = reduce_fold16(f, k, s, x + i);
        if (i < n)
            s = reduce_fold16(f, k, s, ash_tail_in(t, x + i, n - i, k.flip ? -first : first));
        VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) {
            vf total = reduce_flip(vf_load(acc + p * VF_LANES), k.flip);
            total = reduce_flip(reduce_join(f, total, s.v[p]), k.flip);
            vf_store(acc + p * VF_LANES, total);
        }
        x += n;
        D -= n;
    }
}

/* `parts` vectors of columns, or the first n columns of one. */
VF_INLINE void reduce_strip(enum reduce_fold f, struct reduce_kind k, int parts, size_t n, size_t D,
                            size_t pitch, const float *x, float *acc) {
    vf total[4], s[4];
    VF_UNROLL for (int p = 0; p < parts; p++) {
        vf a = parts > 1 ? vf_load(acc + p * VF_LANES) : vf_load_n(acc, n, vf_zero());
        total[p] = reduce_flip(a, k.flip);
    }
    while (D) {
        size_t rows = D < ASH_REDUCE_COLUMN ? D : ASH_REDUCE_COLUMN;
        VF_UNROLL for (int p = 0; p < parts; p++) s[p] = vf_set1(reduce_identity(f));
        for (size_t d = 0; d < rows; d++, x += pitch) {
            VF_UNROLL for (int p = 0; p < parts; p++) {
                vf v = parts > 1 ? vf_load(x + p * VF_LANES) : vf_load_n(x, n, vf_zero());
                s[p] = reduce_fold(f, k, s[p], v);
            }
        }
        VF_UNROLL for (int p = 0; p < parts; p++) total[p] = reduce_join(f, total[p], s[p]);
        D -= rows;
    }
    VF_UNROLL for (int p = 0; p < parts; p++) {
        vf a = reduce_flip(total[p], k.flip);
        if (parts > 1) {
            vf_store(acc + p * VF_LANES, a);
        } else {
            vf_store_n(acc, n, a);
        }
    }
}

VF_INLINE void reduce_cols(enum reduce_fold f, struct reduce_kind k, size_t D, size_t pitch,
                           size_t C, const float *x, float *acc) {
    size_t c = 0;
    for (; c + 4 * VF_LANES <= C; c += 4 * VF_LANES)
        reduce_strip(f, k, 4, 0, D, pitch, x + c, acc + c);
    for (; c < C; c += VF_LANES) {
        size_t n = C - c < VF_LANES ? C - c : VF_LANES;
        reduce_strip(f, k, 1, n, D, pitch, x + c, acc + c);
    }
}

#define FOLD(name, f)                                                                              \
    static void reduce_run_##name(struct reduce_kind k, size_t D, const float *x, float *acc) {    \
        reduce_run(f, k, D, x, acc);                                                               \
    }                                                                                              \
    static void reduce_cols_##name(struct reduce_kind k, size_t D, size_t pitch, size_t C,         \
                                   const float *x, float *acc) {                                   \
        reduce_cols(f, k, D, pitch, C, x, acc);                                                    \
    }
FOLD(sum, FOLD_SUM)
FOLD(square, FOLD_SQUARE)
FOLD(prod, FOLD_PROD)
FOLD(max, FOLD_MAX)
#undef FOLD

/* With the operators that need them, for trimmed engines (cmake/wasm_map.py). */
static const struct {
    const char *ops;
    void (*run)(struct reduce_kind k, size_t D, const float *x, float *acc);
    void (*cols)(struct reduce_kind k, size_t D, size_t pitch, size_t C, const float *x,
                 float *acc);
} ash_by_op_reduce[] = {
    [FOLD_SUM] = {"ReduceSum|ReduceMean|ReduceL1|ReduceLogSum", reduce_run_sum, reduce_cols_sum},
    [FOLD_SQUARE] = {"ReduceSumSquare|ReduceL2", reduce_run_square, reduce_cols_square},
    [FOLD_PROD] = {"ReduceProd", reduce_run_prod, reduce_cols_prod},
    [FOLD_MAX] = {"ReduceMax|ReduceMin", reduce_run_max, reduce_cols_max},
};

static void reduce_f32_run(enum ash_reduce op, size_t D, const float *x, float *acc) {
    const struct reduce_kind k = reduce_kind(op);
    ash_by_op_reduce[k.fold].run(k, D, x, acc);
}

static void reduce_f32_cols(enum ash_reduce op, size_t D, size_t pitch, size_t C, const float *x,
                            float *acc) {
    const struct reduce_kind k = reduce_kind(op);
    ash_by_op_reduce[k.fold].cols(k, D, pitch, C, x, acc);
}

static float reduce_f32_join(enum ash_reduce op, const float *acc) {
    struct vf16 s = vf16_load(acc);
    switch (op) {
    case ASH_REDUCE_PROD:
        return vf16_hmul(s);
    case ASH_REDUCE_MAX:
        return vf16_hmax_nan(s);
    case ASH_REDUCE_MIN:
        return vf16_hmin_nan(s);
    default:
        return vf16_hsum(s);
    }
}

static void reduce_f32_finish(enum ash_reduce op, size_t count, size_t n, float *y) {
    if (op != ASH_REDUCE_MEAN && op != ASH_REDUCE_L2) return;
    const vf divisor = vf_set1((float)count);
    for (size_t i = 0; i < n; i += VF_LANES) {
        size_t m = n - i < VF_LANES ? n - i : VF_LANES;
        vf v = vf_load_n(y + i, m, vf_zero());
        vf_store_n(y + i, m, op == ASH_REDUCE_L2 ? vf_sqrt(v) : v / divisor);
    }
}

extern const struct ash_reduce_row ASH_VEC_ROWS(reduce)[];
const struct ash_reduce_row ASH_VEC_ROWS(reduce)[] = {
    {ASH_VEC_NAME("reduce_f32"), ASH_VEC_CPU, reduce_f32_run, reduce_f32_join, reduce_f32_cols,
     reduce_f32_finish},
    {0},
};
