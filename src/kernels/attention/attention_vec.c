#include "base/cpu.h"
#include "base/vec.h"
#include "base/vec_math.h"
#include "kernels/attention/attention.h"
#include "kernels/tail.h"

#define LOWEST (-__builtin_inff())

static void fill(float *s, size_t n, float x) {
    for (size_t i = 0; i < n; i++) s[i] = x;
}

VF_INLINE void store16(float *s, struct vf16 x) {
    VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) vf_store(s + p * VF_LANES, x.v[p]);
}

static __attribute__((noinline)) void cap_scores(float scale, float cap, size_t n, float *s) {
    const vf k = vf_set1(scale), c = vf_set1(cap);
    for (size_t i = 0; i < n; i += VF_LANES) vf_store(s + i, vf_tanh(vf_load(s + i) * k / c) * c);
}

/* s = s * scale + bias over the elements lo..n-1, lo at most 15, and -inf around them, up to a
 * multiple of 16; the greatest of `most` and them by lane.  Without a bias: NULL. */
VF_INLINE struct vf16 shift_scores(float scale, const float *bias, float floor, float most,
                                   size_t lo, size_t n, float *s) {
    const vf k = vf_set1(scale), limit = vf_set1(floor);
    struct vf16 m = vf16_set1(most);
    float t[16];
    for (size_t i = 0; i < n; i += 16) {
        const bool whole = n - i >= 16;
        struct vf16 x = vf16_load(s + i);
        VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) x.v[p] = x.v[p] * k;
        if (bias) {
            struct vf16 b = vf16_load(whole ? bias + i : ash_tail_in(t, bias + i, n - i, 0.0f));
            VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) x.v[p] =
                vf_select(vf_le(b.v[p], limit), b.v[p], x.v[p] + b.v[p]);
        }
        store16(s + i, x);
        if (!whole || i < lo) {
            if (i < lo) fill(s, lo, LOWEST);
            if (!whole) fill(s + n, 16 - (n - i), LOWEST);
            x = vf16_load(s + i);
        }
        m = vf16_max(m, x);
    }
    return m;
}

static __attribute__((noinline)) struct vf16 shift_biased(float scale, const float *bias,
                                                          float floor, float most, size_t lo,
                                                          size_t n, float *s) {
    return shift_scores(scale, bias, floor, most, lo, n, s);
}

/* s = exp(s - most), raised, over n elements, a multiple of 16; their sums by lane.  From -104 down
 * that is 0, as behind masks. */
static __attribute__((noinline)) struct vf16 raise(float *s, size_t n, vf most) {
    struct vf16 e = vf16_set1(0.0f);
    for (size_t i = 0; i < n; i += 16) {
        struct vf16 t = vf16_load(s + i);
        VF_UNROLL for (int k = 0; k < VF16_PARTS; k++) {
            const vf x = t.v[k] - most;
            const vi seen = ~vf_le(x, vf_set1(-104.0f));
            t.v[k] = vf_from_bits(vf_bits(vf_exp_raised(x)) & seen);
        }
        e = vf16_add(e, t);
        store16(s + i, t);
    }
    return e;
}

/* The elements lo..n-1 of s become scores, as shift_scores has them; the greatest. */
static float finish_scores(const struct ash_attention_span *p, size_t from, size_t lo, size_t n,
                           float *s) {
    float scale = p->scale, most = p->sink ? *p->sink : LOWEST;
    if (p->cap != 0.0f) {
        cap_scores(scale, p->cap, (n + 15) / 16 * 16, s);
        scale = 1.0f;
    }
    int last = p->bias[1] ? 1 : 0;
    if (!p->bias[last]) return vf16_hmax(shift_scores(scale, NULL, 0.0f, most, lo, n, s));
    if (last && p->bias[0]) {
        (void)shift_biased(scale, p->bias[0] + from, p->floor[0], most, lo, n, s);
        scale = 1.0f;
    }
    return vf16_hmax(shift_biased(scale, p->bias[last] + from, p->floor[last], most, lo, n, s));
}

static void attention_softmax(const struct ash_attention_span *p, float *s) {
    size_t from = p->lo - p->lo % 16, n = p->hi > from ? p->hi - from : 0, whole;
    size_t end = (p->end - p->first + 15) / 16 * 16;
    if (p->hi <= p->lo) n = 0;
    whole = (n + 15) / 16 * 16;
    float *x = s + (from - p->first);
    const float most = finish_scores(p, from, p->lo - from, n, x);
    if (!n || (p->zero && most == LOWEST)) {
        fill(s, end, 0.0f);
        return;
    }
    vf sum = vf_set1(vf16_hsum(raise(x, whole, vf_set1(most))));
    if (p->sink) {
        float t[16];
        fill(t, 16, *p->sink);
        (void)raise(t, 16, vf_set1(most));
        sum = sum + vf_set1(t[0]);
    }
    if (p->quiet && !(sum[0] == sum[0])) {
        fill(s, end, 0.0f);
        return;
    }
    const vf factor = vf_set1(1.0f) / sum;
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store(x + i, vf_load(x + i) * factor);
    fill(s, (size_t)(x - s), 0.0f);
    fill(x + whole, end - (size_t)(x - s) - whole, 0.0f);
}

static void attention_dot(size_t n, size_t D, const float *q, const float *k, size_t step,
                          float *s) {
    float qt[16], kt[16];
    for (size_t j = 0; j < n; j++, k += step) {
        struct vf16 sum = vf16_set1(0.0f);
        for (size_t d = 0; d < D; d += 16) {
            bool all = D - d >= 16;
            struct vf16 a = vf16_load(all ? q + d : ash_tail_in(qt, q + d, D - d, 0.0f));
            struct vf16 b = vf16_load(all ? k + d : ash_tail_in(kt, k + d, D - d, 0.0f));
            VF_UNROLL for (int p = 0; p < VF16_PARTS; p++) sum.v[p] =
                vf_fma(a.v[p], b.v[p], sum.v[p]);
        }
        s[j] = vf16_hsum(sum);
    }
}

enum { MIX = 4 };

static void attention_mix(size_t n, size_t E, const float *p, const float *v, size_t step,
                          float *y) {
    size_t e = 0;
    for (; E - e >= MIX * VF_LANES; e += MIX * VF_LANES) {
        vf sum[MIX];
        VF_UNROLL for (int k = 0; k < MIX; k++) sum[k] = vf_zero();
        for (size_t j = 0; j < n; j++) {
            const vf x = vf_set1(p[j]);
            const float *row = v + j * step + e;
            VF_UNROLL for (int k = 0; k < MIX; k++) sum[k] =
                vf_fma(x, vf_load(row + k * VF_LANES), sum[k]);
        }
        VF_UNROLL for (int k = 0; k < MIX; k++) vf_store(y + e + k * VF_LANES, sum[k]);
    }
    for (; e < E; e += VF_LANES) {
        size_t w = E - e < VF_LANES ? E - e : VF_LANES;
        vf sum = vf_zero();
        for (size_t j = 0; j < n; j++)
            sum = vf_fma(vf_set1(p[j]), ash_tail_load(v + j * step + e, w), sum);
        ash_tail_store(y + e, w, sum);
    }
}

extern const struct ash_attention_row ASH_VEC_ROWS(attention)[];
const struct ash_attention_row ASH_VEC_ROWS(attention)[] = {
    {ASH_VEC_NAME("attention_f32"), ASH_VEC_CPU, attention_softmax, attention_dot, attention_mix},
    {0},
};
