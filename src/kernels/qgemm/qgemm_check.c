#include "kernels/qgemm/qgemm.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct job {
    const struct ash_qgemm_kernel *row;
    struct ash_qgemm g;
    struct ash_qgemm_b b;
    const uint8_t *weights, *zeros;
    bool zero_each;
    void *scratch, *packed;
    bool ready; /* it is packed */
    struct ash_pool *pool;
};

static void run(void *arg) {
    struct job *j = arg;
    if (!j->ready) ash_qgemm_pack(j->row, &j->b, j->weights, j->packed);
    ash_qgemm_run(j->row, &j->g, j->scratch, j->pool);
}

static int64_t number(uint8_t byte, bool is_signed) { return is_signed ? (int8_t)byte : byte; }

/* What is right, from the contract and independently. */
static int32_t sum_at(const struct job *j, size_t m, size_t n) {
    int64_t sum = j->g.bias ? j->g.bias[n] : 0;
    int64_t zero = j->zeros ? number(j->zeros[j->zero_each ? n : 0], j->b.is_signed) : 0;
    for (size_t t = 0; t < j->b.taps; t++) {
        for (size_t k = 0; k < j->b.k; k++) {
            size_t at = t * j->b.step_t + k * j->b.step_k + n * j->b.step_n;
            int64_t a = number(j->g.a[m * j->g.lda + t * j->b.k + k], j->g.a_signed);
            sum += (a - j->g.a_zero) * (number(j->weights[at], j->b.is_signed) - zero);
        }
    }
    return (int32_t)(uint32_t)(uint64_t)sum;
}

static float scaled(const struct job *j, int32_t sum, size_t n) {
    float c = j->g.c_scale != 0.0f ? j->g.c_scale : 1.0f;
    float s = j->g.a_scale * (j->g.b_scale ? j->g.b_scale[n * j->g.b_scale_step] : 1.0f) / c;
    float x = (float)sum * s;
    if (j->g.shift) x = x + j->g.shift[n] / c;
    if (x > j->g.hi) x = j->g.hi;
    return x < j->g.lo ? j->g.lo : x;
}

static bool right(const struct job *j, size_t m, size_t n) {
    size_t at = m * j->g.ldc + n;
    int32_t sum = sum_at(j, m, n);
    if (j->g.out == ASH_QGEMM_S32) return ((const int32_t *)j->g.c)[at] == sum;
    float x = scaled(j, sum, n);
    if (j->g.out == ASH_QGEMM_F32) return chk_same(((const float *)j->g.c)[at], x);
    return ((const uint8_t *)j->g.c)[at] == (uint8_t)((int32_t)rintf(x) + j->g.zero);
}

static uint8_t *bytes(int slot, size_t n, bool extreme) {
    uint8_t *p = chk_buf(slot, n);
    for (size_t i = 0; i < n; i++)
        p[i] = extreme ? (uint8_t)(0x7f + chk_below(2)) * (uint8_t)(chk_below(2) * 2 + 1)
                       : (uint8_t)chk_rand();
    return p;
}

static void fill(struct job *j, size_t taps, bool extreme) {
    struct ash_qgemm *g = &j->g;
    size_t k = g->k / taps;
    j->b = (struct ash_qgemm_b){.taps = taps, .k = k, .n = g->n, .is_signed = chk_below(2)};
    if (chk_below(2)) { /* weights of a convolution */
        j->b.step_t = 1;
        j->b.step_k = taps;
        j->b.step_n = g->k;
    } else {
        j->b.step_t = k * g->n;
        j->b.step_k = g->n;
        j->b.step_n = 1;
    }
    g->lda = g->k + chk_below(3);
    g->a = bytes(0, g->m ? (g->m - 1) * g->lda + g->k : 0, extreme);
    j->weights = bytes(1, g->k * g->n, extreme);
    j->zeros = chk_below(3) ? bytes(2, g->n ? g->n : 1, extreme) : NULL;
    j->zero_each = chk_below(2);
    j->b.zero = j->zeros;
    j->b.zero_step = j->zero_each;
    g->a_signed = chk_below(2);
    g->a_zero = (int32_t)chk_below(256) - (g->a_signed ? 128 : 0);
}

static void fill_out(struct job *j, int i) {
    struct ash_qgemm *g = &j->g;
    g->out = (enum ash_qgemm_out)(i % 3);
    g->a_scale = chk_f32(0.001f, 0.1f);
    g->c_scale = chk_below(4) ? chk_f32(0.5f, 5.0f) : 0.0f;
    float *scale = chk_floats(3, g->n ? g->n : 1), *shift = chk_floats(4, g->n);
    int32_t *bias = chk_buf(5, g->n * sizeof *bias);
    chk_fill(scale, g->n ? g->n : 1, 0.001f, 0.2f);
    chk_fill(shift, g->n, -10, 10);
    for (size_t n = 0; n < g->n; n++) bias[n] = (int32_t)chk_rand() >> chk_below(20);
    g->b_scale = chk_below(4) ? scale : NULL;
    g->b_scale_step = chk_below(2);
    g->shift = chk_below(2) ? shift : NULL;
    g->bias = chk_below(2) ? bias : NULL;
    g->lo = -INFINITY;
    g->hi = INFINITY;
    if (g->out == ASH_QGEMM_BYTE) {
        bool is_signed = chk_below(2);
        g->zero = (int32_t)chk_below(256) - (is_signed ? 128 : 0);
        g->lo = (float)((is_signed ? -128 : 0) - g->zero);
        g->hi = g->lo + 255;
    }
}

static void check_case(struct job *j, int i) {
    struct ash_qgemm *g = &j->g;
    size_t taps = i % 4 || g->k % 3 ? 1 : 3;
    chk_place((enum chk_place)(i % CHK_PLACES));
    fill(j, taps, i % 5 == 0);
    fill_out(j, i);
    j->packed = chk_scratch(6, ash_qgemm_packed_size(j->row, g->k, g->n));
    j->scratch = chk_scratch(7, ash_qgemm_scratch(j->row, g->m, g->n, g->k, 3));
    g->packed = j->packed;
    g->ldc = g->n + chk_below(3);
    size_t element = g->out == ASH_QGEMM_BYTE ? 1 : 4;
    g->c = chk_buf(8, (g->m ? (g->m - 1) * g->ldc + g->n : 0) * element);
    for (int threads = 0; threads < 2; threads++) {
        j->pool = threads ? chk_pool() : NULL;
        if (!chk_call(run, j)) return;
        for (size_t at = 0; at < g->m * g->n; at++) {
            if (right(j, at / g->n, at % g->n)) continue;
            chk_fail("m %zu n %zu k %zu taps %zu out %d at %zu", g->m, g->n, g->k, taps,
                     (int)g->out, at);
            break;
        }
    }
}

/* Weights as quantisers make them: most are small. */
static void bench_row(const struct ash_qgemm_kernel *row) {
    static const size_t cases[][3] = {{1, 1536, 384},  {128, 1536, 384}, {128, 384, 1536},
                                      {256, 256, 256}, {512, 512, 512},  {3136, 256, 64}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t m = cases[i][0], n = cases[i][1], k = cases[i][2];
        struct job j = {.row = row, .g = {.m = m, .n = n, .k = k, .lda = k, .ldc = n}};
        chk_place(CHK_START);
        j.b = (struct ash_qgemm_b){.taps = 1, .k = k, .n = n, .step_k = n, .step_n = 1};
        j.b.is_signed = true;
        int8_t *w = chk_buf(1, k * n);
        for (size_t p = 0; p < k * n; p++) {
            size_t sum = chk_below(48) + chk_below(48) + chk_below(48) + chk_below(48);
            w[p] = (int8_t)((int)sum - 94);
        }
        j.weights = (const uint8_t *)w;
        j.g.a = bytes(0, m * k, false);
        j.g.out = ASH_QGEMM_F32;
        j.g.a_scale = 1;
        j.g.lo = -INFINITY;
        j.g.hi = INFINITY;
        j.packed = chk_scratch(6, ash_qgemm_packed_size(row, k, n));
        j.scratch = chk_scratch(7, ash_qgemm_scratch(row, m, n, k, 1));
        j.g.packed = j.packed;
        j.g.c = chk_floats(8, m * n);
        run(&j);
        j.ready = true;
        char label[48];
        (void)snprintf(label, sizeof label, "%zux%zux%zu", m, n, k);
        chk_time(label, 2.0 * (double)(m * n * k), "OP", run, &j);
    }
}

static void check_row(const struct ash_qgemm_kernel *row) {
    for (int i = 0; i < 3 * CHK_TAILS; i++) {
        struct job j = {.row = row};
        size_t tail = (size_t)i / 3;
        j.g.m = i % 3 == 0 ? tail : chk_below(20);
        j.g.n = i % 3 == 1 ? tail : chk_below(80);
        j.g.k = i % 3 == 2 ? tail : chk_below(70);
        check_case(&j, i / 3 + i % 3);
    }
    for (int i = 0; i < 12; i++) {
        struct job j = {.row = row, .g = {.m = 1 + chk_below(120), .n = 1 + chk_below(200)}};
        j.g.k = 1 + chk_below(900);
        check_case(&j, i);
    }
    if (chk_bench()) bench_row(row);
}

void check_qgemm(void);
void check_qgemm(void) {
    for (const struct ash_qgemm_kernel *const *t = ash_qgemm_tables(); *t; t++) {
        for (const struct ash_qgemm_kernel *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r);
        }
    }
}
