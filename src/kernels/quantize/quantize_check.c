#include "kernels/quantize/quantize.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>

struct job {
    const struct ash_quantize_row *row;
    struct ash_pool *pool;
    struct ash_quantized q[3];
    size_t period, n, inner;
    bool product;
    float *x, *back, lo, hi;
    uint8_t *a, *b, *y;
};

static void run_there(void *arg) {
    struct job *j = arg;
    ash_quantize_f32(j->row, j->pool, j->q, j->period, j->n, j->inner, j->x, j->y);
}
static void run_back(void *arg) {
    struct job *j = arg;
    ash_dequantize_f32(j->row, j->pool, j->q, j->period, j->n, j->inner, j->a, j->back);
}
static void run_binary(void *arg) {
    struct job *j = arg;
    ash_quantize_binary(j->row, j->pool, j->product, j->q, j->n * j->inner, j->period, j->a, j->b,
                        j->y);
}
static void run_range(void *arg) {
    struct job *j = arg;
    ash_quantize_range(j->row, j->pool, j->n * j->inner, j->x, &j->lo, &j->hi);
}

/* What is right, from the contract. */
static uint8_t quantized(const struct ash_quantized *q, float x) {
    float lo = (float)((q->is_signed ? -128 : 0) - q->zero), v = x / q->scale;
    if (!(v > lo)) v = lo;
    if (v > lo + 255) v = lo + 255;
    return (uint8_t)((int32_t)rintf(v) + q->zero);
}

static float dequantized(const struct ash_quantized *q, uint8_t b) {
    return (float)((q->is_signed ? (int32_t)(int8_t)b : b) - q->zero) * q->scale;
}

static void check_case(struct job *j, int i) {
    size_t n = j->n * j->inner;
    chk_place((enum chk_place)(i % CHK_PLACES));
    for (int k = 0; k < 3; k++) {
        j->q[k] = (struct ash_quantized){.is_signed = chk_below(2), .scale = chk_f32(0.001f, 0.5f)};
        if (i % 8 == 7) j->q[k].scale *= chk_below(2) ? 1e-38f : 1e38f;
        j->q[k].zero = (int32_t)chk_below(256) - (j->q[k].is_signed ? 128 : 0);
    }
    j->x = chk_floats(0, n);
    j->back = chk_floats(1, n);
    j->a = chk_buf(2, n);
    j->b = chk_buf(3, n);
    j->y = chk_buf(4, n);
    chk_fill_special(j->x, n);
    for (size_t k = 0; k < n; k++) {
        if (k % 3) j->x[k] = ((float)chk_below(1024) - 512) * 0.5f * j->q[0].scale; /* ties */
        for (size_t ulps = chk_below(5); k % 3 == 2 && ulps; ulps--)
            j->x[k] = nextafterf(j->x[k], i & 1 ? INFINITY : -INFINITY); /* and beside them */
        j->a[k] = (uint8_t)chk_rand();
        j->b[k] = (uint8_t)chk_rand();
    }
    if (!chk_call(run_there, j)) return;
    for (size_t k = 0; k < n; k++) {
        if (j->y[k] != quantized(&j->q[k / j->inner % j->period], j->x[k]))
            chk_fail("quantize %g: %d", (double)j->x[k], j->y[k]);
    }
    if (!chk_call(run_back, j)) return;
    for (size_t k = 0; k < n; k++) {
        if (!chk_same(j->back[k], dequantized(&j->q[k / j->inner % j->period], j->a[k])))
            chk_fail("dequantize %d: %g", j->a[k], (double)j->back[k]);
    }
    float lo = 0, hi = 0;
    for (size_t k = 0; k < n; k++) {
        lo = j->x[k] < lo ? j->x[k] : lo;
        hi = j->x[k] > hi ? j->x[k] : hi;
    }
    if (!chk_call(run_range, j)) return;
    if (j->lo != lo || j->hi != hi) chk_fail("range %g to %g", (double)j->lo, (double)j->hi);
    j->product = chk_below(2);
    if (i % 2 && n) j->period = 1 + chk_below(n);
    if (!chk_call(run_binary, j)) return;
    for (size_t k = 0; k < n; k++) {
        float a = dequantized(&j->q[0], j->a[k]), b = dequantized(&j->q[1], j->b[k % j->period]);
        if (j->y[k] != quantized(&j->q[2], j->product ? a * b : a + b))
            chk_fail("binary %d at %zu of %zu, period %zu", j->product, k, n, j->period);
    }
}

struct matrix {
    const struct ash_quantize_row *row;
    size_t k, n;
    bool is_signed;
    const uint8_t *x;
    const float *zero, *scale;
    float *y;
};

static void run_columns(void *arg) {
    struct matrix *m = arg;
    m->row->columns(m->k, m->n, m->is_signed, m->x, m->zero, m->scale, m->y);
}

static void check_columns(const struct ash_quantize_row *row, int i) {
    struct matrix m = {.row = row, .k = chk_below(20), .n = (size_t)i, .is_signed = chk_below(2)};
    chk_place((enum chk_place)(i % CHK_PLACES));
    uint8_t *x = chk_buf(0, m.k * m.n);
    float *zero = chk_floats(1, m.n), *scale = chk_floats(2, m.n);
    for (size_t j = 0; j < m.k * m.n; j++) x[j] = (uint8_t)chk_rand();
    for (size_t j = 0; j < m.n; j++)
        zero[j] = (float)chk_below(256) - (m.is_signed ? 128.0f : 0.0f);
    chk_fill(scale, m.n, -1, 1);
    m.x = x;
    m.zero = zero;
    m.scale = scale;
    m.y = chk_floats(3, m.k * m.n);
    if (!chk_call(run_columns, &m)) return;
    for (size_t at = 0; at < m.k * m.n; at++) {
        size_t j = at % m.n;
        float whole = m.is_signed ? (float)(int8_t)x[at] : (float)x[at];
        if (!chk_same(m.y[at], (whole - zero[j]) * scale[j]))
            chk_fail("columns %zu of %zu: %d becomes %g", j, m.n, x[at], (double)m.y[at]);
    }
}

void check_quantize(void);
void check_quantize(void) {
    for (const struct ash_quantize_row *const *t = ash_quantize_tables(); *t; t++) {
        for (const struct ash_quantize_row *r = *t; r->name; r++) {
            if (!chk_begin(r->name, r->cpu)) continue;
            for (int i = 0; i < CHK_TAILS; i++) check_columns(r, i);
            for (int i = 0; i < 2 * CHK_TAILS + 4; i++) {
                struct job j = {.row = r, .period = 1 + chk_below(3)};
                j.inner = 1 + chk_below(i % 3 ? 9 : 300);
                j.n = i < 2 * CHK_TAILS ? (size_t)i / 2 : 270000 / j.inner;
                if (i % 2) j.pool = chk_pool();
                check_case(&j, i);
            }
        }
    }
}
