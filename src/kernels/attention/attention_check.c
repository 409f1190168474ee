#include "kernels/attention/attention.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <math.h>
#include <string.h>

/* With M the greatest magnitude that goes into a score (the sum of |q k| times the scale, the cap,
 * the biases), a score errs by at most (D + 8) * eps * M, the rounding of x - max included, and an
 * exponential by twice that, relatively; so does the sum of them, which adds T / 16 + 4 roundings,
 * exp and the division 4 more.  The second product adds T + 1.  Together
 * (4 * (D + 8) * M + 2 * T + 16) * eps on sum p |v|. */

enum { Q_SLOT, K_SLOT, V_SLOT, Y_SLOT, BIAS_SLOT, OTHER_SLOT, SCRATCH_SLOT, POOL_SLOT, SINK_SLOT };
enum { KEYS_MAX = 700, BATCHES = 3 };

struct job {
    const struct ash_attention_row *row;
    const struct ash_gemm_kernel *gemm;
    struct ash_attention a;
    void *scratch;
    struct ash_pool *pool;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_attention_f32(j->row, j->gemm, &j->a, j->scratch, j->pool);
}

struct exact {
    double p[KEYS_MAX], m[KEYS_MAX]; /* probabilities, and the magnitudes behind their scores */
    double most;                     /* of those that are not 0 */
    bool none, special; /* no key is seen; a score that is no number or beyond floats */
};

static double score(const struct ash_attention *a, size_t b, size_t h, size_t i, size_t j,
                    double *magnitude) {
    const float *q = a->q.data + b * a->q.batch + h * a->q.head + i * a->q.row;
    const float *k = a->k.data + b * a->k.batch + h / a->G * a->k.head + j * a->k.row;
    double x = 0, m = 0;
    for (size_t d = 0; d < a->D; d++) {
        x += (double)q[d] * (double)k[d];
        m += fabs((double)q[d] * (double)k[d]);
    }
    x *= (double)a->scale;
    m *= fabs((double)a->scale);
    if (a->cap != 0.0f) x = (double)a->cap * tanh(x / (double)a->cap);
    m += (double)a->cap;
    for (int n = 0; n < ASH_ATTENTION_BIASES; n++) {
        const struct ash_attention_view *v = &a->bias[n];
        if (!v->data) continue;
        float bias = v->data[b * v->batch + h * v->head + i * v->row + j];
        x = bias <= a->floor[n] ? (double)bias : x + (double)bias;
        if (isfinite(bias)) m += fabs((double)bias);
    }
    *magnitude = m;
    return x;
}

static void probabilities(const struct ash_attention *a, size_t b, size_t h, size_t i,
                          struct exact *e) {
    int64_t length = a->length ? a->length[b] : (int64_t)a->T;
    int64_t at = (a->position ? a->position[b] : a->past) + (int64_t)i;
    double top = a->sink ? (double)a->sink[h] : -(double)INFINITY, sum = 0;
    *e = (struct exact){.none = true};
    for (size_t j = 0; j < a->T; j++) {
        int64_t k = (int64_t)j;
        bool seen = k < length && (a->right < 0 || k <= at + a->right) &&
                    (a->left < 0 || k >= at - a->left);
        e->p[j] = seen ? score(a, b, h, i, j, &e->m[j]) : -(double)INFINITY;
        if (seen) e->none = false;
        if (isnan(e->p[j]) || e->p[j] > 1e30) e->special = true;
        if (e->p[j] > top) top = e->p[j];
    }
    if (top == -(double)INFINITY) e->none = e->none || a->zero;
    if (top == -(double)INFINITY && !e->none) e->special = true;
    e->none = e->none || (e->special && a->quiet);
    e->special = e->special && !a->quiet;
    if (e->none) memset(e->p, 0, sizeof e->p);
    if (e->none || e->special) return;
    if (a->sink) sum = exp((double)a->sink[h] - top);
    for (size_t j = 0; j < a->T; j++) sum += e->p[j] = exp(e->p[j] - top);
    for (size_t j = 0; j < a->T; j++) {
        e->p[j] /= sum;
        if (e->p[j] > 1e-45 && e->m[j] > e->most) e->most = e->m[j];
    }
}

static void compare(const struct job *job) {
    static struct exact e;
    const struct ash_attention *a = &job->a;
    for (size_t n = 0; n < a->B * a->H * a->S; n++) {
        size_t b = n / (a->H * a->S), h = n / a->S % a->H, i = n % a->S;
        const float *y = a->y + b * a->y_batch + h * a->y_head + i * a->y_row;
        probabilities(a, b, h, i, &e);
        for (size_t d = 0; d < a->E; d++) {
            double want = 0, magnitude = 1e-30;
            const float *v = a->v.data + b * a->v.batch + h / a->G * a->v.head + d;
            for (size_t j = 0; j < a->T; j++, v += a->v.row) {
                if (e.p[j] == 0) continue;
                want += e.p[j] * (double)*v;
                magnitude += e.p[j] * fabs((double)*v);
            }
            if (e.special ? !isnan(y[d])
                          : !chk_bound(y[d], want, magnitude,
                                       4 * (double)(a->D + 8) * e.most + 2 * (double)a->T + 16))
                chk_fail("S %zu T %zu D %zu E %zu G %zu at %zu,%zu,%zu,%zu: %g, not %g", a->S, a->T,
                         a->D, a->E, a->G, b, h, i, d, (double)y[d], want);
        }
    }
}

/* A view over new random data: heads within rows, or rows within heads. */
static struct ash_attention_view view(int slot, size_t B, size_t H, size_t rows, size_t n) {
    size_t count = B * H * rows * n;
    float *p = chk_floats(slot, count);
    chk_fill(p, count, -2, 2);
    struct ash_attention_view v = {p, H * rows * n, rows * n, n};
    if (chk_below(2)) {
        v.head = n;
        v.row = H * n;
    }
    return v;
}

static void add_bias(struct ash_attention *a, int n, int slot) {
    bool batch = chk_below(2), head = chk_below(2), row = chk_below(2);
    size_t rows = row ? a->S : 1, H = head ? a->H : 1, count = (batch ? a->B : 1) * H * rows * a->T;
    float *p = chk_floats(slot, count);
    chk_fill(p, count, -3, 3);
    a->floor[n] = chk_below(2) ? -INFINITY : -1e4f;
    for (size_t i = 0; i < count; i++) {
        if (chk_below(4) == 0) p[i] = a->floor[n];
    }
    a->bias[n] = (struct ash_attention_view){p, batch ? H * rows * a->T : 0, head ? rows * a->T : 0,
                                             row ? a->T : 0};
}

static void set_limits(struct ash_attention *a, int64_t *length, int64_t *position) {
    a->left = a->right = -1;
    if (chk_below(2)) a->right = (int64_t)chk_below(3);
    if (chk_below(3) == 0) a->left = (int64_t)chk_below(40);
    a->past = (int64_t)chk_below(a->T + 20) - 5;
    for (size_t b = 0; b < a->B; b++) {
        length[b] = (int64_t)chk_below(a->T + 2);
        position[b] = length[b] - (int64_t)a->S;
    }
    if (chk_below(3) == 0) a->length = length;
    if (a->length && chk_below(2)) a->position = position;
}

static void check_case(const struct ash_attention_row *row, const struct ash_gemm_kernel *gemm,
                       const struct ash_attention_row *ref, const struct ash_gemm_kernel *ref_gemm,
                       struct ash_attention a, int i) {
    int64_t length[BATCHES], position[BATCHES];
    struct job j = {.row = row, .gemm = gemm};
    chk_place((enum chk_place)(i % CHK_PLACES));
    a.q = view(Q_SLOT, a.B, a.H, a.S, a.D);
    a.k = view(K_SLOT, a.B, a.H / a.G, a.T, a.D);
    a.v = view(V_SLOT, a.B, a.H / a.G, a.T, a.E);
    a.scale = chk_f32(0.05f, 0.5f);
    a.cap = i % 5 == 4 ? 3.0f : 0.0f;
    a.zero = i % 2;
    a.quiet = i % 6 == 2;
    set_limits(&a, length, position);
    if (i % 3 == 0) add_bias(&a, 0, BIAS_SLOT);
    if (i % 4 == 0) add_bias(&a, 1, OTHER_SLOT);
    float *sink = chk_floats(SINK_SLOT, a.H);
    chk_fill(sink, a.H, -1, 1);
    if (i % 7 == 3) a.sink = sink;
    size_t n = a.B * a.H * a.S * a.E;
    a.y = chk_floats(Y_SLOT, n);
    a.y_head = chk_below(2) ? a.E : a.S * a.E;
    a.y_row = a.y_head == a.E ? a.H * a.E : a.E;
    a.y_batch = a.H * a.S * a.E;
    j.a = a;
    j.scratch = chk_scratch(SCRATCH_SLOT, ash_attention_scratch(gemm, &a, 4));
    if (!chk_call(run, &j)) return;
    compare(&j);
    struct job k = j;
    k.a.y = chk_floats(POOL_SLOT, n);
    k.pool = chk_pool();
    run(&k);
    if (chk_diff(k.a.y, j.a.y, n) != n) chk_fail("threads change bits");
    if (!chk_fused(row->cpu)) return;
    k.row = ref;
    k.gemm = ref_gemm;
    k.pool = NULL;
    k.scratch = chk_scratch(SCRATCH_SLOT, ash_attention_scratch(ref_gemm, &a, 4));
    run(&k);
    if (chk_diff(k.a.y, j.a.y, n) != n) chk_fail("not the reference's bits");
}

static void bench(const struct ash_attention_row *row, const struct ash_gemm_kernel *gemm) {
    struct ash_attention a = {
        .B = 1, .H = 12, .G = 1, .S = 128, .T = 128, .D = 32, .E = 32, .left = -1, .right = -1};
    struct job j = {.row = row, .gemm = gemm};
    a.scale = 0.2f;
    a.q = view(Q_SLOT, 1, 12, 128, 32);
    a.k = view(K_SLOT, 1, 12, 128, 32);
    a.v = view(V_SLOT, 1, 12, 128, 32);
    a.y = chk_floats(Y_SLOT, (size_t)12 * 128 * 32);
    a.y_batch = 0;
    a.y_head = 32;
    a.y_row = 12 * 32;
    j.a = a;
    j.scratch = chk_scratch(SCRATCH_SLOT, ash_attention_scratch(gemm, &a, 1));
    chk_time("12 heads, 128 x 128 x 32", 12 * 128 * 128 * 64 * 2, "FLOP", run, &j);
    j.a.S = 1;
    chk_time("12 heads, 1 x 128 x 32", 12 * 128 * 64 * 2, "FLOP", run, &j);
}

static void check_row(const struct ash_attention_row *row, const struct ash_gemm_kernel *gemm,
                      const struct ash_attention_row *ref, const struct ash_gemm_kernel *ref_gemm) {
    for (int i = 0; i < 2 * CHK_TAILS; i++) {
        struct ash_attention a = {.B = 1 + chk_below(BATCHES), .G = 1 + chk_below(3)};
        a.H = a.G * (1 + chk_below(2));
        a.S = i % 2 ? chk_below(ASH_ATTENTION_FEW + 1) : chk_below(40);
        a.T = i % 4 < 2 ? (size_t)i / 2 : chk_below(130);
        a.D = i % 4 < 2 ? chk_below(40) : (size_t)i / 2;
        a.E = i % 3 ? chk_below(70) : (size_t)i / 2;
        check_case(row, gemm, ref, ref_gemm, a, i);
    }
    struct ash_attention big = {.B = 1, .G = 1, .H = 1, .S = 301, .T = KEYS_MAX, .D = 9, .E = 35};
    check_case(row, gemm, ref, ref_gemm, big, 1);
    check_case(row, gemm, ref, ref_gemm, big, 12);
    if (chk_bench()) bench(row, gemm);
}

/* The gemm row of the same instruction set: the name's end is the same. */
static const struct ash_gemm_kernel *gemm_for(const char *name) {
    const char *isa = name + strlen("attention_f32");
    for (const struct ash_gemm_kernel *const *t = ash_gemm_tables(); *t; t++) {
        for (const struct ash_gemm_kernel *r = *t; r->name; r++) {
            if (!strcmp(r->name + strlen("gemm_f32"), isa)) return r;
        }
    }
    return NULL;
}

void check_attention(void);
void check_attention(void) {
    const struct ash_attention_row *ref = NULL;
    for (const struct ash_attention_row *const *t = ash_attention_tables(); *t; t++) ref = *t;
    for (const struct ash_attention_row *const *t = ash_attention_tables(); *t; t++) {
        for (const struct ash_attention_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu))
                check_row(r, gemm_for(r->name), ref, gemm_for(ref->name));
        }
    }
}
