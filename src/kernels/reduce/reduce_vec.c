#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/reduce/reduce.h"

/* The loops below are written once and instantiated for these six. */
enum reduce_fold { FOLD_SUM, FOLD_SQUARE, FOLD_ABS, FOLD_PROD, FOLD_MAX, FOLD_MIN };

static const uint8_t reduce_folds[ASH_REDUCE_COUNT] = {
    [ASH_REDUCE_SUM] = FOLD_SUM, [ASH_REDUCE_MEAN] = FOLD_SUM,  [ASH_REDUCE_MAX] = FOLD_MAX,
    [ASH_REDUCE_MIN] = FOLD_MIN, [ASH_REDUCE_PROD] = FOLD_PROD, [ASH_REDUCE_SUMSQ] = FOLD_SQUARE,
    [ASH_REDUCE_L1] = FOLD_ABS,  [ASH_REDUCE_L2] = FOLD_SQUARE,
};

VF_INLINE vf reduce_join(enum reduce_fold f, vf a, vf b) {
    switch (f) {
    case FOLD_PROD:
        return a * b;
    case FOLD_MAX:
        return vf_max_nan(a, b);
    case FOLD_MIN:
        return vf_min_nan(a, b);
    default:
        return a + b;
    }
}

VF_INLINE vf reduce_fold(enum reduce_fold f, vf a, vf x) {
    if (f == FOLD_SQUARE) return vf_fma(x, x, a);
    return reduce_join(f, a, f == FOLD_ABS ? vf_abs(x) : x);
}

VF_INLINE struct vf16 reduce_fold16(enum reduce_fold f, struct vf16 a, struct vf16 x) {
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) a.v[i] = reduce_fold(f, a.v[i], x.v[i]);
    return a;
}

VF_INLINE struct vf16 reduce_join16(enum reduce_fold f, struct vf16 a, struct vf16 b) {
    VF_UNROLL for (int i = 0; i < VF16_PARTS; i++) a.v[i] = reduce_join(f, a.v[i], b.v[i]);
    return a;
}

VF_INLINE float reduce_identity(enum reduce_fold f) {
    return f == FOLD_PROD  ? 1.0f
           : f == FOLD_MAX ? -__builtin_inff()
           : f == FOLD_MIN ? __builtin_inff()
                           : 0.0f;
}

VF_INLINE void reduce_run(enum reduce_fold f, size_t D, const float *x, float *acc) {
    const float first = reduce_identity(f);
    struct vf16 total = vf16_load(acc);
    while (D) {
        size_t n = D < ASH_REDUCE_BLOCK ? D : ASH_REDUCE_BLOCK, i = 0;
        struct vf16 s = vf16_set1(first);
        for (; i + 16 <= n; i += 16) s = reduce_fold16(f, s, vf16_load(x + i));
        if (i < n) s = reduce_fold16(f, s, vf16_load_n(x + i, n - i, first));
        total = reduce_join16(f, total, s);
        x += n;
        D -= n;
    }
    vf16_store(acc, total);
}

VF_INLINE struct vf16 reduce_strip(enum reduce_fold f, size_t D, size_t pitch, size_t n,
                                   const float *x, struct vf16 total) {
    while (D) {
        size_t rows = D < ASH_REDUCE_COLUMN ? D : ASH_REDUCE_COLUMN;
        struct vf16 s = vf16_set1(reduce_identity(f));
        for (size_t d = 0; d < rows; d++, x += pitch)
            s = reduce_fold16(f, s, n == 16 ? vf16_load(x) : vf16_load_n(x, n, 0.0f));
        total = reduce_join16(f, total, s);
        D -= rows;
    }
    return total;
}

VF_INLINE void reduce_cols(enum reduce_fold f, size_t D, size_t pitch, size_t C, const float *x,
                           float *acc) {
    size_t c = 0;
    for (; c + 16 <= C; c += 16)
        vf16_store(acc + c, reduce_strip(f, D, pitch, 16, x + c, vf16_load(acc + c)));
    if (c < C) {
        struct vf16 total = vf16_load_n(acc + c, C - c, 0.0f);
        vf16_store_n(acc + c, C - c, reduce_strip(f, D, pitch, C - c, x + c, total));
    }
}

#define REDUCE_SWITCH(op, call)                                                                    \
    switch ((enum reduce_fold)reduce_folds[op]) {                                                  \
    case FOLD_SUM:                                                                                 \
        call(FOLD_SUM);                                                                            \
        break;                                                                                     \
    case FOLD_SQUARE:                                                                              \
        call(FOLD_SQUARE);                                                                         \
        break;                                                                                     \
    case FOLD_ABS:                                                                                 \
        call(FOLD_ABS);                                                                            \
        break;                                                                                     \
    case FOLD_PROD:                                                                                \
        call(FOLD_PROD);                                                                           \
        break;                                                                                     \
    case FOLD_MAX:                                                                                 \
        call(FOLD_MAX);                                                                            \
        break;                                                                                     \
    case FOLD_MIN:                                                                                 \
        call(FOLD_MIN);                                                                            \
        break;                                                                                     \
    }

static void reduce_f32_run(enum ash_reduce op, size_t D, const float *x, float *acc) {
#define CALL(f) reduce_run(f, D, x, acc)
    REDUCE_SWITCH(op, CALL)
#undef CALL
}

static void reduce_f32_cols(enum ash_reduce op, size_t D, size_t pitch, size_t C, const float *x,
                            float *acc) {
#define CALL(f) reduce_cols(f, D, pitch, C, x, acc)
    REDUCE_SWITCH(op, CALL)
#undef CALL
}

static float reduce_f32_join(enum ash_reduce op, const float *acc) {
    struct vf16 s = vf16_load(acc);
    switch ((enum reduce_fold)reduce_folds[op]) {
    case FOLD_PROD:
        return vf16_hmul(s);
    case FOLD_MAX:
        return vf16_hmax_nan(s);
    case FOLD_MIN:
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
