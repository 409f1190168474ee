/* Intervals by the bootstrap (Efron 1979) over units that may be taken as independent: blocks of
 * time (Kuensch 1989; here they do not overlap, as in Carlstein 1986), or pairs.
 *
 * A draw is a number of copies per unit.  Values are sorted once, each with its unit; a quantile of
 * a draw is then found by adding up copies from the top, without building the sample. */
#include "assess_base.h"
#include "stats_parts.h"

#include <stdlib.h>

struct item {
    double value; /* no NaN */
    size_t unit;
};

static int compare_items(const void *a, const void *b) {
    double x = ((const struct item *)a)->value, y = ((const struct item *)b)->value;
    return (x > y) - (x < y);
}

static void sort_items(struct item *items, size_t n) {
    qsort(items, n, sizeof *items, compare_items);
}

/* n units with replacement. */
static void draw_units(uint32_t *copies, size_t n, uint64_t *state) {
    for (size_t i = 0; i < n; i++) copies[i] = 0;
    for (size_t i = 0; i < n; i++) copies[assess_random_below(state, n)]++;
}

/* Value number `rank`, from 0, of the draw, which has `total` values.  From the top, since most
 * questions are about high quantiles. */
static double drawn_value(const struct item *items, size_t n, const uint32_t *copies, size_t total,
                          size_t rank) {
    for (size_t i = n, left = total; i-- > 0;)
        if ((left -= copies[items[i].unit]) <= rank) return items[i].value;
    return NAN;
}

/* Half of the interval's percentiles at either end of the drawn statistics, sorted here. */
static void take_ends(struct assess_interval *interval, double *drawn, size_t draws, double tail) {
    assess_sort(drawn, draws);
    interval->low = drawn[assess_rank(draws, tail)];
    interval->high = drawn[draws - 1 - assess_rank(draws, tail)];
}

/* With that few units even the range of all of them, were each a measurement of the median, would
 * be too narrow: a sign test cannot reach the confidence. */
static bool too_few_units(size_t units, double c) {
    return units < 2 || !(ldexp(2, -(int)(units < 1000 ? units : 1000)) <= 1 - c);
}

/* ---- blocks of time ------------------------------------------------------------------------- */

/* Numbers the blocks that hold anything, from 0; returns how many there are.  Without a length each
 * value is a block. */
static size_t cut_blocks(const double *times, size_t n, double block_seconds, struct item *items) {
    size_t block = 0;
    double last = 0;
    for (size_t i = 0; i < n; i++) {
        double place = floor((times[i] - times[0]) / block_seconds);
        if (place > last || !(block_seconds > 0)) {
            block += i > 0;
            last = place;
        }
        items[i].unit = block;
    }
    return n ? block + 1 : 0;
}

struct blocks {
    struct item *items;
    uint32_t *copies;
    size_t *sizes;
    double *drawn;
};

static void free_blocks(struct blocks *b) {
    assess_realloc(b->items, 0);
    assess_realloc(b->copies, 0);
    assess_realloc(b->sizes, 0);
    assess_realloc(b->drawn, 0);
}

static void *make_array(size_t n, size_t size) {
    return n > SIZE_MAX / size ? NULL : assess_realloc(NULL, n * size);
}

/* How many independent values tell as much about how often values lie beyond the first `within`:
 * n over the design effect (Kish 1965), which is the variance of the blocks' counts of them over
 * what independent values would give; fewer still when few blocks tell it (Korn and Graubard
 * 1998). */
static size_t effective_count(const struct blocks *b, size_t n, size_t units, size_t within,
                              double c) {
    double share = (double)(n - within) / (double)n, sum = 0;
    for (size_t i = 0; i < units; i++) b->copies[i] = 0;
    for (size_t i = within; i < n; i++) b->copies[b->items[i].unit]++;
    for (size_t i = 0; i < units; i++) {
        double off = (double)b->copies[i] - share * (double)b->sizes[i];
        sum += off * off;
    }
    double independent = (double)n * share * (1 - share), factor = assess_student_factor(units, c);
    double effect = sum > independent ? sum / independent : 1;
    return (size_t)((double)n / (effect * factor * factor));
}

/* The order-statistic interval of as many independent values (Woodruff 1952), where it is wider: no
 * draw goes beyond the values that were measured, and with few beyond the quantile the draws are
 * too much alike. */
static void widen(struct assess_interval *interval, const struct item *items, size_t n, double q,
                  double c, size_t count) {
    size_t low, high;
    assess_quantile_ranks(count, q, c, &low, &high);
    double step = (double)n / ((double)count + 1); /* from one of count ranks to the next */
    double below = -INFINITY, above = INFINITY;
    if (low > 0) below = items[(size_t)fmax(0, floor(step * (double)low) - 1)].value;
    if (high <= count) above = items[(size_t)(step * (double)high)].value;
    if (below < interval->low) interval->low = below;
    if (above > interval->high) interval->high = above;
}

/* Sorted, with blocks counted; returns the number of blocks, 0 when there is nothing or no memory.
 */
static size_t make_blocks(struct blocks *b, const double *times, const double *values, size_t n,
                          double block_seconds) {
    b->items = n ? make_array(n, sizeof *b->items) : NULL;
    if (!b->items) return 0;
    size_t units = cut_blocks(times, n, block_seconds, b->items);
    b->copies = make_array(units, sizeof *b->copies);
    b->sizes = make_array(units, sizeof *b->sizes);
    if (!b->copies || !b->sizes) return 0;
    for (size_t i = 0; i < units; i++) b->sizes[i] = 0;
    for (size_t i = 0; i < n; i++) b->sizes[b->items[i].unit]++;
    for (size_t i = 0; i < n; i++) b->items[i].value = isnan(values[i]) ? INFINITY : values[i];
    sort_items(b->items, n);
    return units;
}

struct assess_interval assess_block_bootstrap(const double *times, const double *values, size_t n,
                                              double block_seconds, double q, double c,
                                              size_t draws, uint64_t seed) {
    struct assess_interval interval = {-INFINITY, NAN, INFINITY};
    struct blocks b = {.drawn = draws ? make_array(draws, sizeof *b.drawn) : NULL};
    size_t units = make_blocks(&b, times, values, n, block_seconds);
    if (units) interval.value = b.items[assess_rank(n, q)].value;
    if (units && b.drawn && !too_few_units(units, c)) {
        for (size_t d = 0; d < draws; d++) {
            draw_units(b.copies, units, &seed);
            size_t total = 0;
            for (size_t i = 0; i < units; i++) total += b.copies[i] * b.sizes[i];
            b.drawn[d] = drawn_value(b.items, n, b.copies, total, assess_rank(total, q));
        }
        take_ends(&interval, b.drawn, draws, assess_bootstrap_tail(units, c));
        widen(&interval, b.items, n, q, c, effective_count(&b, n, units, assess_rank(n, q) + 1, c));
    }
    free_blocks(&b);
    return interval;
}

enum assess_claim assess_test_claim_in_blocks(const double *times, const double *values, size_t n,
                                              double limit, double block_seconds, double q,
                                              double c) {
    enum assess_claim claim = ASSESS_CLAIM_OPEN;
    struct blocks b = {0};
    size_t units = make_blocks(&b, times, values, n, block_seconds), within = 0;
    if (units && !too_few_units(units, c)) {
        while (within < n && b.items[within].value <= limit) within++;
        uint64_t count = effective_count(&b, n, units, within, c);
        double misses = (double)(n - within) / (double)n * (double)count;
        if (assess_test_claim((uint64_t)ceil(misses), count, q, c) == ASSESS_CLAIM_MET)
            claim = ASSESS_CLAIM_MET;
        else if (assess_test_claim((uint64_t)misses, count, q, c) == ASSESS_CLAIM_MISSED)
            claim = ASSESS_CLAIM_MISSED;
    }
    free_blocks(&b);
    return claim;
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static double drawn_median(const struct item *items, size_t n, const uint32_t *copies) {
    double low = drawn_value(items, n, copies, n, (n - 1) / 2);
    if (n % 2) return low;
    double high = drawn_value(items, n, copies, n, n / 2);
    return low == high ? low : low / 2 + high / 2;
}

static struct item *sorted_items(const double *values, size_t n) {
    struct item *items = make_array(n, sizeof *items);
    if (!items) return NULL;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){.value = isnan(values[i]) ? INFINITY : values[i], .unit = i};
    sort_items(items, n);
    return items;
}

struct assess_interval assess_ratio_bootstrap(const double *a, const double *b, size_t n, double c,
                                              size_t draws, uint64_t seed) {
    struct assess_interval interval = {0, NAN, INFINITY};
    if (n == 0) return interval;
    struct item *first = sorted_items(a, n), *second = sorted_items(b, n);
    uint32_t *copies = make_array(n, sizeof *copies);
    double *drawn = draws ? make_array(draws, sizeof *drawn) : NULL;
    if (first && second && copies) {
        for (size_t i = 0; i < n; i++) copies[i] = 1;
        interval.value = drawn_median(second, n, copies) / drawn_median(first, n, copies);
    }
    if (first && second && copies && drawn && !too_few_units(n, c)) {
        bool defined = true;
        for (size_t d = 0; d < draws; d++) {
            draw_units(copies, n, &seed);
            drawn[d] = drawn_median(second, n, copies) / drawn_median(first, n, copies);
            defined = defined && !isnan(drawn[d]);
        }
        if (defined) take_ends(&interval, drawn, draws, assess_bootstrap_tail(n, c));
    }
    assess_realloc(first, 0);
    assess_realloc(second, 0);
    assess_realloc(copies, 0);
    assess_realloc(drawn, 0);
    return interval;
}

/* ---- noise ---------------------------------------------------------------------------------- */

struct assess_interval assess_noise_gate(const double *a, const double *b, size_t n,
                                         double tolerance, double c, uint64_t seed, bool *quiet) {
    enum { DRAWS = 2000 };
    struct assess_interval interval = assess_ratio_bootstrap(a, b, n, c, DRAWS, seed);
    /* The same for b / a as for a / b. */
    *quiet = interval.high <= 1 + tolerance && interval.low * (1 + tolerance) >= 1;
    return interval;
}
