#include "kernels/rnnq/rnnq.h"

#include "check/check.h"

#include <math.h>

struct job {
    const struct ash_rnnq_row *row;
    size_t H;
    struct ash_rnnq_weights w;
    const float *x;
    float *packed, *y;
};

static size_t columns_of(const struct job *j) {
    return (j->H + j->row->lanes - 1) / j->row->lanes * 4 * j->row->lanes;
}

static void pack(void *arg) {
    struct job *j = arg;
    ash_rnnq_pack(j->row->lanes, j->H, &j->w, j->packed);
}

static void run(void *arg) {
    struct job *j = arg;
    size_t all = columns_of(j), lanes = j->row->lanes;
    const float *b = j->packed;
    for (size_t at = 0; at < all; at += 8 * lanes) {
        size_t width = all - at < 8 * lanes ? 4 * lanes : 8 * lanes;
        j->row->sums(width / lanes, j->H, j->x, b, j->y + at);
        b += ash_rnn_bytes_floats(j->H, width);
    }
}

static int byte(const struct job *j, const void *from, size_t i) {
    return j->w.is_signed ? ((const int8_t *)from)[i] : ((const uint8_t *)from)[i];
}

/* Gate g of unit u is column u / L * 4 L + g * L + u % L. */
static void compare(const struct job *j) {
    size_t L = j->row->lanes, H = j->H;
    for (size_t g = 0; g < 4; g++) {
        for (size_t u = 0; u < H; u++) {
            size_t r = g * H + u, k = j->w.by_row ? r : 0;
            double sum = 0, most = 0;
            for (size_t i = 0; i < H; i++) {
                sum += (double)j->x[i] * (byte(j, j->w.r, r * H + i) - byte(j, j->w.zero, k));
                most += fabs((double)j->x[i]) * 255;
            }
            double scale = (double)j->w.scale[k];
            if (!chk_bound(j->y[u / L * 4 * L + g * L + u % L], sum * scale, most * scale,
                           2 * (double)(H + 2)))
                chk_fail("H %zu by_row %d signed %d: gate %zu unit %zu", H, j->w.by_row,
                         j->w.is_signed, g, u);
        }
    }
}

static void *bytes(int slot, size_t n) {
    uint8_t *p = chk_buf(slot, n);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)chk_rand();
    return p;
}

static void fill(struct job *j, size_t H, int i) {
    float *x = chk_floats(0, H), *scale;
    j->H = H;
    j->w.by_row = i & 1;
    j->w.is_signed = i >> 1 & 1;
    size_t scales = j->w.by_row ? 4 * H : 1;
    chk_fill(x, H, -1, 1);
    j->x = x;
    scale = chk_floats(1, scales);
    chk_fill(scale, scales, 0.001f, 0.01f);
    j->w.scale = scale;
    j->w.zero = bytes(2, scales);
    j->w.r = bytes(3, 4 * H * H);
    j->y = chk_floats(4, columns_of(j));
    j->packed = chk_buf(5, ash_rnn_bytes_floats(H, columns_of(j)) * sizeof(float));
}

/* The same case on the reference row, whose columns lie otherwise. */
static void same_as(const struct job *j, const struct ash_rnnq_row *ref) {
    struct job k = *j;
    size_t L = j->row->lanes, R = ref->lanes;
    k.row = ref;
    k.y = chk_floats(6, columns_of(&k));
    k.packed = chk_buf(7, ash_rnn_bytes_floats(j->H, columns_of(&k)) * sizeof(float));
    pack(&k);
    run(&k);
    for (size_t g = 0; g < 4; g++)
        for (size_t u = 0; u < j->H; u++)
            if (!chk_same(j->y[u / L * 4 * L + g * L + u % L], k.y[u / R * 4 * R + g * R + u % R]))
                chk_fail("H %zu: not the reference's bits", j->H);
}

static void check_row(const struct ash_rnnq_row *row, const struct ash_rnnq_row *ref) {
    struct job j = {.row = row};
    for (int i = 0; i < CHK_TAILS; i++) {
        chk_place((enum chk_place)(i % CHK_PLACES));
        fill(&j, 1 + (size_t)i, i);
        if (!chk_call(pack, &j) || !chk_call(run, &j)) return;
        compare(&j);
        if (chk_fused(row->cpu)) same_as(&j, ref);
    }
    if (!chk_bench()) return;
    chk_place(CHK_START);
    fill(&j, 512, 1);
    pack(&j);
    chk_time("H 512", 4.0 * 512 * 512 * 2, "FLOP", run, &j);
}

void check_rnnq(void);
void check_rnnq(void) {
    const struct ash_rnnq_row *ref = NULL;
    for (const struct ash_rnnq_row *const *t = ash_rnnq_tables(); *t; t++) ref = *t;
    for (const struct ash_rnnq_row *const *t = ash_rnnq_tables(); *t; t++) {
        for (const struct ash_rnnq_row *r = *t; r->name; r++) {
            if (chk_begin(r->name, r->cpu)) check_row(r, ref);
        }
    }
}
