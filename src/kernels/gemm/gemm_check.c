#include "kernels/gemm/gemm.h"

#include "check/check.h"
#include "check/check_gemm.h"
#include "check/check_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { A_SLOT, B_SLOT, C_SLOT, BIAS_SLOT, RESIDUAL_SLOT, PACKED_SLOT, WANT_SLOT, SCRATCH_SLOT };

struct tile_job {
    const struct ash_gemm_kernel *row;
    struct ash_gemm_tile t;
};

static void run_tile(void *arg) {
    struct tile_job *j = arg;
    j->row->tile(&j->t);
}

/* Where no row is fused, in plain WebAssembly, the reference is not either. */
static float step(uint32_t cpu, float a, float b, float c) {
#if defined(__wasm__) && !defined(__wasm_relaxed_simd__)
    (void)cpu;
    return c + a * b;
#else
    return chk_fused(cpu) ? fmaf(a, b, c) : c + a * b;
#endif
}

/* Checks element (i, j): its sum in the stated order, and within BOUND of the exact one. */
static bool tile_right(const struct tile_job *job, size_t i, size_t j, float before) {
    const struct ash_gemm_tile *t = &job->t;
    float in_order = t->first ? 0.0f : before;
    double exact = in_order, magnitude = fabs(exact);
    const float *b = t->b + j / job->row->nr * t->b_panel + j % job->row->nr;
    for (size_t tap = 0; tap < t->taps; tap++) {
        const float *a = t->a[tap * t->a_tap + i] + t->a_skip;
        for (size_t k = 0; k < t->k; k++, b += t->b_step) {
            in_order = step(job->row->cpu, a[k], *b, in_order);
            exact += (double)a[k] * (double)*b;
            magnitude += fabs((double)a[k] * (double)*b);
        }
    }
    float got = t->c[i * t->ldc + j];
    bool relaxed = strstr(job->row->name, "relaxed") != NULL;
    if (!relaxed && !chk_same(got, in_order)) return false;
    if (isnan(exact) || isinf(in_order)) return true; /* settled by the order */
    return chk_bound(got, exact, magnitude, (double)(t->taps * t->k + 1));
}

static void check_tile(const struct ash_gemm_kernel *row, size_t rows, size_t cols, size_t taps,
                       size_t k, bool special) {
    enum { ROWS = 64, TAPS = 4 };
    static const float *a[ROWS * TAPS];
    struct tile_job j = {.row = row};
    struct ash_gemm_tile *t = &j.t;
    size_t skip = chk_below(3), lda = k + skip, panels = (cols + row->nr - 1) / row->nr;
    float *data = chk_floats(A_SLOT, rows * taps * lda);
    (special ? chk_fill_special(data, rows * taps * lda)
             : chk_fill(data, rows * taps * lda, -1, 1));
    for (size_t i = 0; i < rows * taps; i++) a[i] = data + i * lda;
    *t = (struct ash_gemm_tile){.rows = rows, .cols = cols, .taps = taps, .k = k, .a = a};
    t->a_tap = rows;
    t->a_skip = skip;
    t->b_step = row->nr;
    t->b_panel = taps * k * row->nr;
    float *b = chk_floats(B_SLOT, panels * t->b_panel);
    chk_fill(b, panels * t->b_panel, -1, 1);
    t->b = b;
    t->ldc = cols + chk_below(3);
    size_t c_size = (rows - 1) * t->ldc + cols;
    t->c = chk_floats(C_SLOT, c_size);
    float *before = chk_floats(WANT_SLOT, c_size);
    chk_fill(before, c_size, -1, 1);
    memcpy(t->c, before, c_size * sizeof(float));
    t->first = chk_below(2) == 0;
    t->last = true;
    if (!chk_call(run_tile, &j)) return;
    for (size_t i = 0; i < c_size; i++) {
        size_t r = i / t->ldc, col = i % t->ldc;
        bool right = col < cols ? tile_right(&j, r, col, before[i]) : chk_same(t->c[i], before[i]);
        if (!right) {
            chk_fail("rows %zu cols %zu taps %zu k %zu: (%zu, %zu)", rows, cols, taps, k, r, col);
            return;
        }
    }
}

/* Tiles of half panels: up to as high as each may be, all widths of it. */
static void check_heights(const struct ash_gemm_kernel *row) {
    for (size_t halves = 1; halves <= 4; halves++) {
        size_t half = row->nr / 2, least = halves == 4 ? 4 * half : (halves - 1) * half + 1;
        for (size_t cols = least; row->heights[halves - 1] && cols <= halves * half; cols++) {
            for (size_t rows = 1; rows <= row->heights[halves - 1]; rows++) {
                chk_place((enum chk_place)(rows % CHK_PLACES));
                check_tile(row, rows, cols, 1 + chk_below(3), chk_below(20), cols % 8 == 0);
            }
        }
    }
}

static void check_tiles(const struct ash_gemm_kernel *row) {
    for (size_t rows = 1; rows <= row->mr; rows++) {
        bool wide = rows == 1 || rows <= row->wide_rows;
        size_t most = wide ? (size_t)row->nr * row->wide : row->nr;
        for (size_t cols = 1; cols <= most; cols++) {
            chk_place((enum chk_place)(cols % CHK_PLACES));
            check_tile(row, rows, cols, 1 + chk_below(3), chk_below(20), cols % 8 == 0);
        }
    }
    check_heights(row);
    for (size_t rows = 1; row->whole && rows <= 3 * (size_t)row->mr; rows++) {
        chk_place((enum chk_place)(rows % CHK_PLACES));
        check_tile(row, rows, 1 + chk_below(5 * (size_t)row->nr), chk_below(3), 5, rows % 8 == 0);
    }
    for (size_t k = 0; k < CHK_TAILS; k++) {
        chk_place((enum chk_place)(k % CHK_PLACES));
        check_tile(row, row->mr, row->nr, 1, k, false);
        check_tile(row, 1, row->nr, 1, k, k % 8 == 0);
    }
}

struct product {
    const struct ash_gemm_kernel *row;
    struct ash_gemm g;
    struct ash_pool *pool;
    void *scratch;
    bool dynamic;
};

static void run_product(void *arg) {
    struct product *p = arg;
    if (p->dynamic) {
        ash_gemm_dynamic_f32(p->row, &p->g, p->scratch, p->pool);
    } else {
        ash_gemm_f32(p->row, &p->g, p->pool);
    }
}

/* Gives b (as the steps of g say) and scratch to `p` in the form that it wants. */
static void give_b(struct product *p, const float *b) {
    const struct ash_gemm *g = &p->g;
    if (p->dynamic) {
        size_t size = ash_gemm_dynamic_scratch(p->row, g);
        p->g.b = b;
        p->scratch = chk_scratch(SCRATCH_SLOT, size);
        return;
    }
    size_t one = ash_gemm_packed_size(p->row, 1, g->k, g->n) / sizeof(float);
    size_t outer = g->outer_b && g->outer ? g->outer : 1;
    float *packed = chk_floats(PACKED_SLOT, one * outer);
    for (size_t i = 0; i < outer; i++) {
        ash_gemm_pack(p->row, 1, g->k, g->n, b + i * g->outer_b, 0, g->step_k, g->step_n,
                      packed + i * one);
    }
    p->g.b = packed;
    if (p->g.outer_b) p->g.outer_b = one;
}

/* BOUND against the exact product, with an epilogue that does not stretch errors. */
static bool near_exact(const struct ash_gemm *g, const float *b, size_t o, size_t i, size_t j,
                       float got) {
    const struct ash_gemm_out *out = &g->out;
    const float *a = g->a + o * g->outer_a + i * g->lda;
    b += o * g->outer_b + j * g->step_n;
    double sum = 0.0, magnitude = 0.0, scale = out->scale != 0.0f ? (double)out->scale : 1.0;
    for (size_t k = 0; k < g->k; k++) {
        double x = scale * (double)a[k] * (double)b[k * g->step_k];
        sum += x;
        magnitude += fabs(x);
    }
    double bias = out->bias ? (double)out->bias[j] : 0.0, residual = 0.0;
    if (out->residual)
        residual = (double)out->residual[o * g->outer_residual + i * out->ld_residual + j];
    sum += bias + (out->residual_last ? 0.0 : residual);
    if (out->act.kind == ASH_ACT_RELU) sum = fmax(sum, 0.0);
    if (out->act.kind == ASH_ACT_CLIP)
        sum = fmin(fmax(sum, (double)out->act.a), (double)out->act.b);
    if (out->residual_last) sum += residual;
    return chk_bound(got, sum, magnitude + fabs(bias) + fabs(residual), (double)(g->k + 4));
}

static void compare_product(const struct product *p, const struct ash_gemm *g, const float *b,
                            const float *want) {
    bool plain = g->out.act.kind <= ASH_ACT_CLIP;
    size_t outer = g->outer ? g->outer : 1;
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < g->m; i++) {
            for (size_t j = 0; j < g->n; j++) {
                size_t at = o * g->outer_c + i * g->ldc + j;
                bool right = !chk_fused(p->row->cpu) || chk_same(g->c[at], want[at]);
                right = right && (!plain || near_exact(g, b, o, i, j, g->c[at]));
                if (right) continue;
                chk_fail("m %zu n %zu k %zu act %d%s%s: (%zu, %zu, %zu) is %.9g, reference %.9g",
                         g->m, g->n, g->k, (int)g->out.act.kind, p->dynamic ? " dynamic" : "",
                         p->pool ? " threads" : "", o, i, j, (double)g->c[at], (double)want[at]);
                return;
            }
        }
    }
}

/* `plain` has no activation, so that the exact product decides, not the reference alone. */
static void check_product(const struct ash_gemm_kernel *row, size_t m, size_t n, size_t k,
                          bool plain) {
    struct ash_gemm g = {.m = m, .n = n, .k = k, .lda = k + chk_below(3), .ldc = n + chk_below(3)};
    struct product p = {.row = row, .dynamic = chk_below(2) == 0};
    if (chk_below(2)) g.outer = 1 + chk_below(3);
    size_t outer = g.outer ? g.outer : 1;
    g.outer_a = chk_below(2) ? m * g.lda : 0;
    g.outer_b = chk_below(2) ? n * k : 0;
    g.outer_c = m * g.ldc;
    bool transposed = chk_below(2) != 0;
    g.step_k = transposed ? 1 : n;
    g.step_n = transposed ? k : 1;
    size_t a_size = outer * m * g.lda, b_size = outer * n * k, c_size = outer * m * g.ldc;
    float *a = chk_floats(A_SLOT, a_size), *b = chk_floats(B_SLOT, b_size);
    float *bias = chk_floats(BIAS_SLOT, n), *residual = chk_floats(RESIDUAL_SLOT, c_size);
    float *want = chk_floats(WANT_SLOT, c_size);
    chk_fill(a, a_size, -1, 1);
    chk_fill(b, b_size, -1, 1);
    chk_fill(bias, n, -1, 1);
    chk_fill(residual, c_size, -1, 1);
    g.a = a;
    if (chk_below(2)) g.out.bias = bias;
    if (chk_below(2)) g.out.residual = residual;
    g.out.ld_residual = g.ldc;
    g.outer_residual = g.outer_c;
    g.out.residual_last = chk_below(2) != 0;
    g.out.scale = chk_below(2) ? 0.25f : 0.0f;
    if (!plain) g.out.act.kind = (enum ash_act)chk_below(ASH_ACT_COUNT);
    if (g.out.act.kind == ASH_ACT_CLIP) g.out.act.a = -0.5f;
    g.out.act.b = 0.5f;
    if (g.out.act.kind != ASH_ACT_CLIP) g.out.act.a = 0.2f;
    p.g = g;
    struct product r = p;
    r.row = chk_gemm_reference();
    r.g.c = want;
    p.g.c = g.c = chk_floats(C_SLOT, c_size);
    if (r.row) {
        give_b(&r, b);
        run_product(&r);
    }
    give_b(&p, b);
    bool over = g.out.residual && ash_gemm_may_overwrite(row, 1, k, &g.out);
    for (int threads = 0; threads < 2; threads++) {
        p.pool = threads ? chk_pool() : NULL;
        memset(g.c, 0xFF, c_size * sizeof(float));
        if (over) {
            memcpy(g.c, residual, c_size * sizeof(float));
            p.g.out.residual = g.c;
        }
        if (!chk_call(run_product, &p)) return;
        compare_product(&p, &g, b, r.row ? want : g.c);
    }
}

static void bench_product(const struct ash_gemm_kernel *row, size_t m, size_t n, size_t k,
                          size_t batch, bool dynamic) {
    struct product p = {.row = row, .dynamic = dynamic};
    struct ash_gemm *g = &p.g;
    *g = (struct ash_gemm){.m = m, .n = n, .k = k, .lda = k, .ldc = n, .outer = batch};
    g->outer_a = m * k;
    g->outer_b = n * k;
    g->outer_c = m * n;
    g->step_k = n;
    g->step_n = 1;
    chk_place(CHK_START);
    float *a = chk_floats(A_SLOT, batch * m * k), *b = chk_floats(B_SLOT, batch * n * k);
    chk_fill(a, batch * m * k, -1, 1);
    chk_fill(b, batch * n * k, -1, 1);
    g->a = a;
    g->c = chk_floats(C_SLOT, batch * m * n);
    give_b(&p, b);
    char label[64];
    snprintf(label, sizeof label, "%zux%zux%zu x%zu%s", m, n, k, batch, dynamic ? " dynamic" : "");
    chk_time(label, 2.0 * (double)(batch * m * n * k), "FLOP", run_product, &p);
}

static void bench_row(const struct ash_gemm_kernel *row) {
    static const struct {
        size_t m, n, k, batch;
        bool dynamic;
    } shapes[] = {
        {256, 256, 256, 1, false},  {512, 512, 512, 1, false},  {128, 1536, 384, 1, false},
        {128, 384, 1536, 1, false}, {3136, 64, 64, 1, false},   {49, 160, 960, 1, false},
        {1, 1536, 384, 1, false},   {1, 2048, 2048, 1, false},  {4, 1024, 1024, 1, false},
        {8, 1536, 384, 12, false},  {16, 1536, 384, 12, false}, {128, 128, 32, 12, true},
        {256, 256, 256, 1, true},   {1, 1024, 1024, 1, true}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        bench_product(row, shapes[i].m, shapes[i].n, shapes[i].k, shapes[i].batch,
                      shapes[i].dynamic);
}

static void check_products(const struct ash_gemm_kernel *row) {
    static const size_t large[][3] = {{0, 5, 3},      {5, 0, 3},      {5, 7, 0},
                                      {1, 0, 0},      {1, 300, 700},  {97, 33, 40},
                                      {13, 65, 1100}, {200, 70, 5},   {193, 200, 520},
                                      {2, 129, 64},   {8, 1030, 520}, {30, 520, 1030}};
    for (int i = 0; i < 150; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        check_product(row, chk_below(40), chk_below(CHK_TAILS), chk_below(i % 4 ? 20 : CHK_TAILS),
                      i % 2 == 0);
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        check_product(row, large[i][0], large[i][1], large[i][2], true);
    }
}

void check_gemm(void);
void check_gemm(void) {
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *row = *t; row->name; row++) {
            if (!chk_begin(row->name, row->cpu)) continue;
            check_tiles(row);
            check_products(row);
            if (chk_bench()) bench_row(row);
        }
    }
}
