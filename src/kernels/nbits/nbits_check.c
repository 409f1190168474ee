#include "kernels/nbits/nbits.h"

#include "base/cpu.h"
#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8 };

struct job {
    const struct ash_nbits_row *row;
    const struct ash_gemm_kernel *gemm;
    struct ash_pool *pool;
    struct ash_nbits_shape s;
    int from; /* bits of the codes that are packed */
    size_t m;
    const unsigned char *q;
    const float *scale, *zeros, *a, *bias;
    const double *used; /* a, or what one row in bytes makes of it */
    void *packed;
    float *y;
};

static void run(void *arg) {
    struct job *j = arg;
    size_t bytes = ash_nbits_scratch(j->row, &j->s, j->m, THREADS);
    ash_nbits_f32(j->row, j->gemm, &j->s, j->packed, j->m, j->a, j->bias, j->y,
                  chk_scratch(7, bytes), j->pool);
}

static void pack(struct job *j, int slot) {
    j->packed = chk_scratch(slot, ash_nbits_packed_size(j->row, &j->s));
    ash_nbits_pack(j->row, &j->s, j->from, j->q, j->scale, j->zeros, j->packed);
}

static size_t blocks(const struct job *j) { return (j->s.k + j->s.block - 1) / j->s.block; }

static float code(const struct job *j, size_t n, size_t k) {
    size_t bits = (size_t)j->from, at = (n * blocks(j) * j->s.block + k) * bits;
    return (float)(j->q[at / 8] >> at % 8 & ((1 << bits) - 1));
}

static float zero(const struct job *j, size_t n, size_t k) {
    return j->zeros ? j->zeros[n * blocks(j) + k / j->s.block] : j->s.zero;
}

static void use_bytes(const struct job *j, double *used) {
    for (size_t k0 = 0; k0 < j->s.k; k0 += j->s.block) {
        size_t end = j->s.k - k0 < j->s.block ? j->s.k : k0 + j->s.block;
        float most = 0;
        for (size_t k = k0; k < end; k++) most = fmaxf(most, fabsf(j->a[k]));
        float each = most / 127;
        for (size_t k = k0; k < end; k++)
            used[k] = each > 0 ? (double)rintf(j->a[k] / each) * (double)each : 0;
    }
}

static void compare(const struct job *j) {
    for (size_t i = 0; i < j->m * j->s.n; i++) {
        size_t n = i % j->s.n;
        double want = j->bias ? (double)j->bias[n] : 0, magnitude = fabs(want);
        for (size_t k = 0; k < j->s.k; k++) {
            double a = j->used[i / j->s.n * j->s.k + k], q = (double)code(j, n, k);
            double z = (double)zero(j, n, k);
            double scale = (double)j->scale[n * blocks(j) + k / j->s.block];
            want += a * (q - z) * scale;
            magnitude += fabs(a * scale) * (q + fabs(z));
        }
        bool bytes = j->m == 1 && j->s.bytes;
        double terms = (double)((bytes ? 0 : j->s.k) + 2 * blocks(j) + 8);
        if (!chk_bound(j->y[i], want, magnitude, terms)) {
            chk_fail("%d bits, %zu x %zu x %zu, block %zu, at %zu: %g, not %g", j->from, j->m,
                     j->s.n, j->s.k, j->s.block, i, (double)j->y[i], want);
            return;
        }
    }
}

/* Several rows are the product with what the codes stand for, bit for bit. */
static void compare_gemm(const struct job *j) {
    size_t n = j->s.n, k = j->s.k;
    float *w = chk_floats(8, n * k),
          *packed = chk_floats(9, ash_gemm_packed_size(j->gemm, 1, k, n) / 4);
    float *want = chk_floats(10, j->m * n);
    for (size_t i = 0; i < n * k; i++) {
        float x = code(j, i % n, i / n) - zero(j, i % n, i / n);
        w[i] = x * j->scale[i % n * blocks(j) + i / n / j->s.block];
    }
    ash_gemm_pack(j->gemm, 1, k, n, w, 0, n, 1, packed);
    struct ash_gemm g = {.m = j->m, .n = n, .k = k, .a = j->a, .lda = k, .b = packed, .c = want};
    g.ldc = n;
    g.out.bias = j->bias;
    ash_gemm_f32(j->gemm, &g, NULL);
    if (chk_diff(j->y, want, j->m * n) != j->m * n) chk_fail("not the bits of a plain product");
}

static void check_case(struct job *j, const struct ash_nbits_row *ref) {
    size_t B = blocks(j), codes = j->s.n * B * j->s.block * (size_t)j->from / 8;
    unsigned char *q = chk_buf(0, codes);
    for (size_t i = 0; i < codes; i++) q[i] = (unsigned char)chk_rand();
    float *scale = chk_floats(1, j->s.n * B), *zeros = chk_floats(2, j->s.n * B);
    float *a = chk_floats(3, j->m * j->s.k), *bias = chk_floats(4, j->s.n);
    chk_fill(scale, j->s.n * B, -0.1f, 0.1f);
    chk_fill(zeros, j->s.n * B, 0, 15);
    chk_fill(a, j->m * j->s.k, -1, 1);
    chk_fill(bias, j->s.n, -1, 1);
    for (size_t k = 0; j->s.bytes && k < j->s.k; k++) { /* blocks of zeros, and ties */
        if (k / j->s.block % 5 == 1) a[k] = 0;
        if (k / j->s.block % 5 == 2) a[k] = k % j->s.block ? (float)chk_below(254) / 2 : 127;
    }
    double *used = chk_scratch(13, j->m * j->s.k * sizeof *used);
    for (size_t k = 0; k < j->m * j->s.k; k++) used[k] = (double)a[k];
    j->q = q;
    j->scale = scale;
    j->zeros = j->s.zeros ? zeros : NULL;
    j->a = a;
    if (j->s.bytes && j->m == 1) use_bytes(j, used);
    j->used = used;
    j->bias = chk_below(2) ? bias : NULL;
    j->y = chk_floats(5, j->m * j->s.n);
    pack(j, 6);
    j->pool = NULL;
    if (!chk_call(run, j)) return;
    compare(j);
    if (j->m > 1 && j->s.k) compare_gemm(j);
    struct job k = *j;
    k.y = chk_floats(11, j->m * j->s.n);
    k.pool = chk_pool();
    run(&k);
    if (chk_diff(k.y, j->y, j->m * j->s.n) != j->m * j->s.n) chk_fail("threads change bits");
    if (j->m > 1 || !chk_fused(j->row->cpu)) return;
    k.row = ref;
    pack(&k, 12);
    run(&k);
    if (chk_diff(k.y, j->y, j->s.n) != j->s.n) chk_fail("not the reference's bits");
}

/* A kernel whose panels fit the row's, of the same processor where there is one. */
static const struct ash_gemm_kernel *partner(const struct ash_nbits_row *row) {
    const struct ash_gemm_kernel *found = NULL;
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *g = *t; g->name; g++) {
            bool fits = (g->cpu & ash_cpu_flags()) == g->cpu && row->nr % g->nr == 0;
            if (fits && (!found || g->cpu == row->cpu)) found = g;
        }
    }
    return found;
}

static void bench_row(const struct ash_nbits_row *row) {
    static const struct {
        size_t m, n, k;
        int bits;
        bool bytes;
    } cases[] = {{1, 4096, 4096, 4, false}, {1, 4096, 4096, 4, true},  {1, 4096, 4096, 8, false},
                 {1, 4096, 4096, 8, true},  {1, 1024, 1024, 4, false}, {64, 1024, 1024, 4, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job j = {.row = row, .gemm = partner(row), .m = cases[i].m, .from = cases[i].bits};
        if (j.m > 1 && !j.gemm) continue;
        j.s = (struct ash_nbits_shape){.n = cases[i].n,
                                       .k = cases[i].k,
                                       .block = 32,
                                       .bits = cases[i].bits,
                                       .zero = 8,
                                       .bytes = cases[i].bytes};
        chk_place(CHK_START);
        size_t codes = j.s.n * j.s.k * (size_t)j.from / 8, facts = j.s.n * blocks(&j);
        j.q = chk_buf(0, codes);
        float *scale = chk_floats(1, facts), *a = chk_floats(3, j.m * j.s.k);
        chk_fill(scale, facts, -0.1f, 0.1f);
        chk_fill(a, j.m * j.s.k, -1, 1);
        j.scale = scale;
        j.a = a;
        j.y = chk_floats(5, j.m * j.s.n);
        pack(&j, 6);
        char label[48];
        (void)snprintf(label, sizeof label, "%zux%zux%zu %d bits%s", j.m, j.s.n, j.s.k, j.from,
                       j.s.bytes ? ", bytes" : "");
        chk_time(label, 2.0 * (double)(j.m * j.s.n * j.s.k), "FLOP", run, &j);
    }
}

static void check_row(const struct ash_nbits_row *row, const struct ash_nbits_row *ref) {
    static const int from[] = {4, 8, 2};
    const struct ash_gemm_kernel *gemm = partner(row);
    for (int i = 0; i < CHK_TAILS; i++) {
        struct job j = {.row = row, .gemm = gemm, .from = from[i % 3]};
        j.m = gemm && i % 2 ? 2 + chk_below(i % 8 ? 9 : 120) : 1;
        j.s.bits = j.from == 2 ? 4 : j.from;
        j.s.n = i % 4 < 2 ? (size_t)i : chk_below(200);
        j.s.block = (size_t)16 << chk_below(i % 16 ? 4 : 7);
        j.s.k = i % 4 < 2 ? 1 + chk_below(300) : (size_t)i * (i % 5 ? 1 : 9);
        j.s.zeros = chk_below(2) != 0;
        j.s.zero = (float)(1 << (j.from - 1));
        j.s.bytes = chk_below(2) != 0;
        chk_place((enum chk_place)(i % CHK_PLACES));
        check_case(&j, ref);
    }
    if (chk_bench()) bench_row(row);
}

void check_nbits(void);
void check_nbits(void) {
    const struct ash_nbits_row *ref = NULL;
    for (const struct ash_nbits_row *const *t = ash_nbits_tables(); *t; t++) ref = *t;
    for (const struct ash_nbits_row *const *t = ash_nbits_tables(); *t; t++) {
        for (const struct ash_nbits_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
