/* The two transforms.  Each goes through a tile twice: columns into a buffer, then rows out of it,
 * so that six vectors and the constants are all that is in registers. */
#include "base/cpu.h"
#include "base/vec.h"
#include "kernels/act_vec.h"
#include "kernels/eltwise/eltwise.h"
#include "kernels/winograd/winograd.h"

enum { OUT = ASH_WINOGRAD_OUT, IN = ASH_WINOGRAD_IN };

extern const struct ash_eltwise_row ASH_VEC_ROWS(eltwise)[];

/* The points +-A and +-B, and what is made of them. */
#define A  0.625f
#define B  1.5f
#define A2 (A * A)
#define B2 (B * B)

/* v = BT d. */
VF_INLINE void input_transform(const vf d[IN], vf v[IN]) {
    const vf product = vf_set1(A2 * B2), sum = vf_set1(-(A2 + B2));
    vf even = vf_fma(vf_set1(-B2), d[2], d[4]), odd = vf_fma(vf_set1(-B2), d[1], d[3]);
    v[1] = vf_fma(vf_set1(A), odd, even);
    v[2] = vf_fma(vf_set1(-A), odd, even);
    even = vf_fma(vf_set1(-A2), d[2], d[4]);
    odd = vf_fma(vf_set1(-A2), d[1], d[3]);
    v[3] = vf_fma(vf_set1(B), odd, even);
    v[4] = vf_fma(vf_set1(-B), odd, even);
    v[0] = vf_fma(product, d[0], vf_fma(sum, d[2], d[4]));
    v[5] = vf_fma(product, d[1], vf_fma(sum, d[3], d[5]));
}

/* y = AT m. */
VF_INLINE void output_transform(const vf m[IN], vf y[OUT]) {
    vf sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    vf sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = vf_fma(vf_set1(B), difference_b, vf_set1(A) * difference_a);
    y[2] = vf_fma(vf_set1(B2), sum_b, vf_set1(A2) * sum_a);
    y[3] = vf_fma(vf_set1(B2 * B), difference_b, vf_fma(vf_set1(A2 * A), difference_a, m[5]));
}

static void input(size_t c, const float *const *x, float *v, size_t plane) {
    for (size_t at = 0; at < c; at += VF_LANES) {
        if (c - at < VF_LANES) at = c - VF_LANES; /* some once more */
        vf half[IN][IN];
        VF_NO_UNROLL for (int j = 0; j < IN; j++) {
            vf d[IN], t[IN];
            VF_UNROLL for (int i = 0; i < IN; i++) d[i] = vf_load(x[i * IN + j] + at);
            input_transform(d, t);
            VF_UNROLL for (int i = 0; i < IN; i++) half[i][j] = t[i];
        }
        float *to = v + at;
        VF_NO_UNROLL for (int i = 0; i < IN; i++, to += IN * plane) {
            vf t[IN];
            input_transform(half[i], t);
            VF_UNROLL for (int j = 0; j < IN; j++) vf_store(to + (size_t)j * plane, t[j]);
        }
    }
}

static void input_line(size_t c, const float *const *x, float *v, size_t plane) {
    for (size_t at = 0; at < c; at += VF_LANES) {
        if (c - at < VF_LANES) at = c - VF_LANES; /* some once more */
        vf d[IN], t[IN];
        VF_UNROLL for (int i = 0; i < IN; i++) d[i] = vf_load(x[i] + at);
        input_transform(d, t);
        VF_UNROLL for (int i = 0; i < IN; i++) vf_store(v + (size_t)i * plane + at, t[i]);
    }
}

/* The epilogue but for activations that are no pair of limits. */
struct epilogue {
    vf scale, bias, low, high;
    size_t ld_residual;
};

/* y = AT m for a line of `n` outputs: the last alone has the point at infinity. */
VF_INLINE void line_transform(const float *m, size_t plane, size_t n, vf y[OUT]) {
    vf t[IN];
    VF_UNROLL for (int i = 0; i < IN; i++) t[i] = vf_load(m + (size_t)i * plane);
    vf last = t[IN - 1];
    t[IN - 1] = vf_zero();
    output_transform(t, y);
    y[n - 1] = y[n - 1] + last;
}

/* y = clip(from * scale + bias + residual), for `cols` neighbouring pixels in n lanes. */
static __attribute__((noinline)) void put(const struct epilogue *e, const vf *from, size_t cols,
                                          size_t n, float *y, size_t y_step,
                                          const float *residual) {
    for (size_t j = 0; j < cols; j++, y += y_step) {
        vf x = from[j] * e->scale + e->bias;
        if (residual) {
            x = x + (n < VF_LANES ? vf_load_n(residual, n, x) : vf_load(residual));
            residual += e->ld_residual;
        }
        x = vf_min(vf_max(x, e->low), e->high);
        if (n < VF_LANES) {
            vf_store_n(y, n, x);
        } else {
            vf_store(y, x);
        }
    }
}

static void activate(const struct ash_winograd_output *o) {
    const struct ash_act_f32 act = o->out.act;
    for (size_t i = 0; i < o->rows; i++) {
        for (size_t j = 0; j < o->cols; j++) {
            float *y = o->y + i * o->y_row + j * o->y_step;
            ASH_VEC_ROWS(eltwise)->unary((int)act.kind, act.a, act.b, o->n, y, y);
        }
    }
}

static void add_residual(const struct ash_winograd_output *o) {
    for (size_t i = 0; i < o->rows * o->cols; i++) {
        size_t row = i / o->cols, col = i % o->cols;
        float *y = o->y + row * o->y_row + col * o->y_step;
        const float *r = o->out.residual + row * o->residual_row + col * o->out.ld_residual;
        for (size_t c = 0; c < o->n; c += VF_LANES) {
            size_t n = o->n - c < VF_LANES ? o->n - c : VF_LANES;
            vf_store_n(y + c, n, vf_load_n(y + c, n, vf_zero()) + vf_load_n(r + c, n, vf_zero()));
        }
    }
}

VF_INLINE void square_transform(const float *m, size_t plane, vf half[OUT][IN]) {
    VF_NO_UNROLL for (int j = 0; j < IN; j++, m += plane) {
        vf t[IN], r[OUT];
        VF_UNROLL for (int i = 0; i < IN; i++) t[i] = vf_load(m + (size_t)(i * IN) * plane);
        output_transform(t, r);
        VF_UNROLL for (int i = 0; i < OUT; i++) half[i][j] = r[i];
    }
}

static void output(const struct ash_winograd_output *o) {
    const struct ash_gemm_out *out = &o->out;
    const float *residual = out->residual_last ? NULL : out->residual;
    float low, high;
    act_limits(out->act, &low, &high);
    struct epilogue e = {.scale = vf_set1(out->scale != 0.0f ? out->scale : 1.0f),
                         .low = vf_set1(low),
                         .high = vf_set1(high)};
    e.ld_residual = o->rows > 1 && o->line ? o->residual_row : out->ld_residual;
    size_t step = o->rows > 1 && o->line ? o->y_row : o->y_step;
    for (size_t at = 0; at < o->n; at += VF_LANES) {
        size_t n = o->n - at < VF_LANES ? o->n - at : VF_LANES;
        const float *r = residual ? residual + at : NULL;
        float *y = o->y + at;
        vf half[OUT][IN], t[OUT];
        e.bias = vf_set1(-0.0f); /* changes nothing */
        if (out->bias) e.bias = vf_load_n(out->bias + at, n, e.bias);
        if (o->line) {
            line_transform(o->m + at, o->plane, o->line, t);
            put(&e, t, o->rows * o->cols, n, y, step, r);
            continue;
        }
        square_transform(o->m + at, o->plane, half);
        for (size_t i = 0; i < o->rows; i++, y += o->y_row) {
            output_transform(half[i], t);
            put(&e, t, o->cols, n, y, step, r);
            if (r) r += o->residual_row;
        }
    }
    if (out->act.kind > ASH_ACT_CLIP) activate(o);
    if (out->residual && out->residual_last) add_residual(o);
}

extern const struct ash_winograd_kernel ASH_VEC_ROWS(winograd)[];
const struct ash_winograd_kernel ASH_VEC_ROWS(winograd)[] = {
    {ASH_VEC_NAME("winograd_f32"), ASH_VEC_CPU, input, input_line, output},
    {0},
};
