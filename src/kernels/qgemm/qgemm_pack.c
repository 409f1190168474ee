#include "base/heap.h"
#include "kernels/qgemm/qgemm_packed.h"

#include <string.h>

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }

struct ash_qgemm_layout ash_qgemm_layout(const struct ash_qgemm_kernel *row, size_t k, size_t n) {
    struct ash_qgemm_layout l = {.words = ceil_div(k, row->group)};
    l.columns = ash_size_mul(ceil_div(n, row->nr), row->nr);
    l.most = row->narrow ? ash_size_mul(l.words, 2) : l.words;
    l.sums = ash_size_mul(l.columns, l.most);
    l.rest = ash_size_add(l.sums, l.columns);
    l.any_rest = ash_size_add(l.rest, l.columns);
    l.repeats = ash_size_add(l.any_rest, 1);
    l.total = l.repeats;
    if (row->narrow)
        l.total = ash_size_add(l.repeats, ash_size_mul(ceil_div(n, row->nr), 1 + l.most));
    return l;
}

size_t ash_qgemm_packed_size(const struct ash_qgemm_kernel *row, size_t k, size_t n) {
    return ash_size_mul(ash_qgemm_layout(row, k, n).total, sizeof(int32_t));
}

static int32_t byte_of(const void *p, size_t i, bool is_signed) {
    return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

enum { NR_MAX = 64 }; /* of all rows */

struct strip { /* the columns of a panel */
    const struct ash_qgemm_kernel *row;
    const struct ash_qgemm_b *how;
    const void *b; /* its first column */
    size_t columns;
    int32_t zero[NR_MAX]; /* subtracted from what is stored */
    int32_t low[NR_MAX], high[NR_MAX], sum[NR_MAX];
};

/* Goes over the strip along its shorter step: stores it, or with `panel` NULL finds its range. */
static void walk(struct strip *s, void *panel) {
    const struct ash_qgemm_b *how = s->how;
    bool by_row = how->taps == 1 && how->step_n < how->step_k;
    size_t outer = by_row ? how->k : s->columns, inner = by_row ? s->columns : how->k;
    size_t group = s->row->group, nr = s->row->nr;
    for (size_t o = 0; o < how->taps * outer; o++) {
        size_t t = o / outer, first = t * how->step_t;
        for (size_t p = 0; p < inner; p++) {
            size_t i = by_row ? o % outer : p, j = by_row ? p : o % outer;
            int32_t v = byte_of(s->b, first + i * how->step_k + j * how->step_n, how->is_signed);
            v -= s->zero[j];
            if (!panel) {
                s->low[j] = v < s->low[j] ? v : s->low[j];
                s->high[j] = v > s->high[j] ? v : s->high[j];
                continue;
            }
            size_t at = t * how->k + i, to = (at / group * nr + j) * group + at % group;
            if (group == 2)
                ((int16_t *)panel)[to] = (int16_t)v;
            else
                ((int8_t *)panel)[to] = (int8_t)v;
            s->sum[j] += v;
        }
    }
}

static struct strip strip_at(const struct ash_qgemm_kernel *row, const struct ash_qgemm_b *how,
                             const void *b, size_t n0) {
    struct strip s = {.row = row, .how = how, .b = (const char *)b + n0 * how->step_n};
    const char *zero = how->zero;
    s.columns = min_size(row->nr, how->n - n0);
    for (size_t j = 0; zero && j < s.columns; j++)
        s.zero[j] = byte_of(zero, (n0 + j) * how->zero_step, how->is_signed);
    return s;
}

/* Columns that do not fit eight bits less their zero point are taken as they are, moved to int8. */
static bool leave_rest(struct strip *s, int32_t *rest) {
    bool any = false;
    walk(s, NULL);
    for (size_t j = 0; j < s->columns; j++) {
        rest[j] = 0;
        if (s->low[j] >= INT8_MIN && s->high[j] <= INT8_MAX) continue;
        int32_t shift = s->how->is_signed ? 0 : 128;
        rest[j] = s->zero[j] - shift;
        s->zero[j] = shift;
        any = any || rest[j];
    }
    return any;
}

/* ---- narrow rows ---- */

enum { PAIR_MOST = 128 }; /* of the sum of a pair's positive numbers, and of its negative ones */

/* Takes from a pair of numbers up to 255 by magnitude what one word may hold of it. */
static void take_pair(int32_t v[2], int8_t to[2]) {
    int32_t up = PAIR_MOST, down = -PAIR_MOST;
    for (int i = 0; i < 2; i++) {
        int32_t x = v[i] < down ? down : v[i] > up ? up : v[i];
        if (x > INT8_MAX) x = INT8_MAX;
        if (x > 0)
            up -= x;
        else
            down -= x;
        to[i] = (int8_t)x;
        v[i] -= x;
    }
}

struct cursor { /* over the numbers of a column, by k */
    size_t t, i;
};

static void read_pair(const struct strip *s, size_t j, struct cursor *at, int32_t v[2]) {
    const struct ash_qgemm_b *how = s->how;
    for (int p = 0; p < 2; p++) {
        v[p] = 0;
        if (at->t == how->taps) continue;
        size_t from = at->t * how->step_t + at->i * how->step_k + j * how->step_n;
        v[p] = byte_of(s->b, from, how->is_signed) - s->zero[j];
        if (++at->i < how->k) continue;
        at->i = 0;
        at->t++;
    }
}

/* How many words more each pair needs, the most of all columns. */
static void count_repeats(const struct strip *s, size_t pairs, uint8_t *more) {
    for (size_t j = 0; j < s->columns; j++) {
        struct cursor at = {0};
        for (size_t p = 0; p < pairs; p++) {
            int32_t v[2];
            int8_t taken[2];
            uint8_t n = 0;
            read_pair(s, j, &at, v);
            for (take_pair(v, taken); v[0] || v[1]; n++) take_pair(v, taken);
            more[p] = n > more[p] ? n : more[p];
        }
    }
}

static void store_narrow(struct strip *s, size_t words, size_t pairs, const uint32_t *repeat,
                         size_t repeats, int8_t *panel) {
    size_t nr = s->row->nr;
    for (size_t j = 0; j < s->columns; j++) {
        struct cursor at = {0};
        size_t next = 0;
        for (size_t p = 0; p < pairs; p++) {
            int32_t v[2];
            read_pair(s, j, &at, v);
            s->sum[j] += v[0] + v[1];
            take_pair(v, panel + (p / 2 * nr + j) * 4 + p % 2 * 2);
            for (; next < repeats && repeat[next] == p; next++)
                take_pair(v, panel + ((words + next / 2) * nr + j) * 4 + next % 2 * 2);
        }
    }
}

/* Pairs in order, each as often as `more` says; how many that are, of which `most` are stored. */
static size_t list_repeats(const uint8_t *more, size_t pairs, size_t most, uint32_t *repeat) {
    size_t count = 0;
    for (size_t p = 0; p < pairs; p++) {
        for (size_t i = 0; i < more[p]; i++, count++)
            if (count < most) repeat[count] = (uint32_t)p;
    }
    return count;
}

static void pack_narrow(struct strip *s, const struct ash_qgemm_layout *l, size_t n0,
                        int32_t *packed) {
    size_t pairs = ceil_div(s->how->taps * s->how->k, 2);
    int32_t *panel = packed + n0 * l->most, *repeats = packed + ash_qgemm_repeats(s->row, l, n0);
    uint32_t *repeat = (uint32_t *)repeats + 1;
    uint8_t *more = (uint8_t *)panel; /* for now */
    count_repeats(s, pairs, more);
    size_t count = list_repeats(more, pairs, l->most, repeat);
    memset(more, 0, pairs);
    if (count > l->most) { /* in eight bits, no pair needs more than a second word */
        if (leave_rest(s, packed + l->rest + n0)) packed[l->any_rest] = 1;
        count_repeats(s, pairs, more);
        count = list_repeats(more, pairs, l->most, repeat);
        memset(more, 0, pairs);
    }
    *repeats = (int32_t)count;
    store_narrow(s, l->words, pairs, repeat, count, (int8_t *)panel);
}

void ash_qgemm_pack(const struct ash_qgemm_kernel *row, const struct ash_qgemm_b *how,
                    const void *b, void *to) {
    const struct ash_qgemm_layout l = ash_qgemm_layout(row, how->taps * how->k, how->n);
    int32_t *packed = to;
    memset(packed, 0, l.total * sizeof(int32_t));
    for (size_t n = 0; n < how->n; n += row->nr) {
        struct strip s = strip_at(row, how, b, n);
        if (row->narrow) {
            pack_narrow(&s, &l, n, packed);
        } else {
            if (row->group == 4 && leave_rest(&s, packed + l.rest + n)) packed[l.any_rest] = 1;
            walk(&s, packed + n * l.words);
        }
        if (row->group == 4) memcpy(packed + l.sums + n, s.sum, s.columns * sizeof(int32_t));
    }
}
