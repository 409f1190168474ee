#include "kernels/qconv/qconv.h"

#include "check/check.h"
#include "check/check_pool.h"

#include <stdio.h>

struct job {
    const struct ash_qgemm_kernel *row;
    struct ash_pool *pool;
    struct ash_conv s;
    struct ash_qgemm g;
    bool w_signed, zero_each;
    const uint8_t *x, *w, *zeros;
    void *packed, *scratch;
};

static void run(void *arg) {
    struct job *j = arg;
    ash_qconv_pack(j->row, &j->s, j->w_signed, j->zeros, j->zero_each, j->w, j->packed);
    ash_qconv_run(j->row, &j->s, j->x, j->packed, &j->g, j->scratch, j->pool);
}

static int32_t number(uint8_t byte, bool is_signed) { return is_signed ? (int8_t)byte : byte; }

/* What is right, from the definition. */
static int32_t sum_at(const struct job *j, size_t n, size_t oy, size_t ox, size_t o) {
    const struct ash_conv *s = &j->s;
    size_t each = s->c / s->groups, first = o / (s->oc / s->groups) * each;
    int32_t sum = j->g.bias ? j->g.bias[o] : 0;
    int32_t zero = j->zeros ? number(j->zeros[j->zero_each ? o : 0], j->w_signed) : 0;
    for (size_t ky = 0; ky < s->kh; ky++) {
        for (size_t kx = 0; kx < s->kw; kx++) {
            size_t y = oy * s->stride_h + ky * s->dilation_h - s->pad_top; /* may wrap */
            size_t x = ox * s->stride_w + kx * s->dilation_w - s->pad_left;
            if (y >= s->h || x >= s->w) continue;
            for (size_t c = 0; c < each; c++) {
                uint8_t a = j->x[((n * s->h + y) * s->w + x) * s->c + first + c];
                uint8_t w = j->w[((o * each + c) * s->kh + ky) * s->kw + kx];
                sum += (number(a, j->g.a_signed) - j->g.a_zero) * (number(w, j->w_signed) - zero);
            }
        }
    }
    return sum;
}

static void compare(const struct job *j) {
    const struct ash_conv *s = &j->s;
    const int32_t *y = j->g.c;
    for (size_t i = 0; i < s->n * s->oh * s->ow * s->oc; i++) {
        size_t pixel = i / s->oc;
        size_t n = pixel / (s->oh * s->ow), oy = pixel / s->ow % s->oh;
        int32_t want = sum_at(j, n, oy, pixel % s->ow, i % s->oc);
        if (y[i] == want) continue;
        chk_fail("%zux%zux%zu -> %zu, kernel %zux%zu, groups %zu, at %zu: %d, expected %d", s->h,
                 s->w, s->c, s->oc, s->kh, s->kw, s->groups, i, y[i], want);
        return;
    }
}

static size_t extent(size_t in, size_t pad, size_t k, size_t dilation, size_t stride) {
    size_t reach = (k - 1) * dilation + 1;
    return in + pad < reach ? 0 : (in + pad - reach) / stride + 1;
}

static void make_shape(struct ash_conv *s, int i) {
    size_t most = i % 8 == 0 ? 40 : 9;
    s->n = 1 + chk_below(2);
    s->h = 1 + chk_below(9);
    s->w = 1 + chk_below(12);
    s->kh = 1 + chk_below(4);
    s->kw = 1 + chk_below(4);
    s->stride_h = 1 + chk_below(2);
    s->stride_w = 1 + chk_below(3);
    s->dilation_h = 1 + chk_below(2);
    s->dilation_w = 1 + chk_below(2);
    s->pad_top = chk_below(3);
    s->pad_left = chk_below(4);
    s->groups = i % 3 ? 1 : 1 + chk_below(most);
    s->c = s->groups * (i % 3 == 2 || chk_below(2) ? 1 + chk_below(most) : 1);
    s->oc = s->groups * (chk_below(2) ? 1 + chk_below(most) : 1);
    if (i % 5 == 0) s->kh = s->kw = s->stride_h = s->stride_w = 1;
    s->oh = extent(s->h, s->pad_top + chk_below(3), s->kh, s->dilation_h, s->stride_h);
    s->ow = extent(s->w, s->pad_left + chk_below(3), s->kw, s->dilation_w, s->stride_w);
}

static const uint8_t *bytes(int slot, size_t n, bool extreme) {
    uint8_t *p = chk_buf(slot, n);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(extreme ? 0 - chk_below(2) : chk_rand());
    return p;
}

static void check_case(struct job *j, int i) {
    const struct ash_conv *s = &j->s;
    size_t taps = s->kh * s->kw, each = s->c / s->groups;
    chk_place((enum chk_place)(i % CHK_PLACES));
    j->w_signed = chk_below(2);
    j->zero_each = chk_below(2);
    j->g.a_signed = chk_below(2);
    j->g.a_zero = (int32_t)chk_below(256) - (j->g.a_signed ? 128 : 0);
    j->x = bytes(0, s->n * s->h * s->w * s->c, i % 4 == 0);
    j->w = bytes(1, s->oc * each * taps, i % 4 == 0);
    j->zeros = chk_below(2) ? bytes(2, s->oc, i % 4 == 0) : NULL;
    int32_t *bias = chk_buf(3, s->oc * sizeof *bias);
    for (size_t o = 0; o < s->oc; o++) bias[o] = (int32_t)chk_rand() >> 8;
    j->g.bias = chk_below(2) ? bias : NULL;
    j->packed = chk_scratch(4, ash_qconv_packed_size(j->row, s));
    j->scratch = chk_scratch(5, ash_qconv_scratch(j->row, s, 3));
    j->g.c = chk_buf(6, s->n * s->oh * s->ow * s->oc * sizeof(int32_t));
    for (int threads = 0; threads < 2; threads++) {
        j->pool = threads ? chk_pool() : NULL;
        if (!chk_call(run, j)) return;
        compare(j);
    }
}

void check_qconv(void);
void check_qconv(void) {
    static char names[16][64]; /* the checker keeps them */
    size_t count = 0;
    for (const struct ash_qgemm_kernel *const *t = ash_qgemm_tables(); *t; t++) {
        for (const struct ash_qgemm_kernel *r = *t; r->name; r++) {
            if (count == sizeof names / sizeof *names) return;
            snprintf(names[count], sizeof *names, "qconv_by_%s", r->name);
            if (!chk_begin(names[count++], r->cpu)) continue;
            for (int i = 0; i < 400; i++) {
                struct job j = {.row = r};
                make_shape(&j.s, i);
                check_case(&j, i);
            }
        }
    }
}
