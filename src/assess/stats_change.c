/* Where a series stops drifting.
 *
 * One step: of all ways to cut the series in two, take the one whose two levels leave the least
 * squares, on ranks, so that a few extreme values do not decide (Scott and Knott's binary
 * segmentation of 1974; on ranks it is the statistic of Pettitt 1979, weighted by the lengths).  It
 * is accepted when fewer than one in a hundred random orders of the same values have a cut as good.
 *
 * Values that resemble their neighbours (a queue's latencies do) would make any series look like
 * drift: the cut's gain is divided by the autocorrelation time of what remains when further
 * cuts and each piece's straight line are taken out (Geyer's initial positive sequence, 1992). With
 * independent values it is 1.
 *
 * Long series are brought to at most POINTS medians of equally long runs first; where a cut lies is
 * then looked up among the values themselves.  What is shorter than half a run is not seen: one in
 * 2 * POINTS of the values.  Cost: O(n log n) for the medians, DRAWS * POINTS per step. */
#include "assess_base.h"
#include "stats_parts.h"

#include <stdlib.h>

enum { POINTS = 1000, DRAWS = 499, FEWEST = 8 };
static const double LEVEL = 0.01;

struct place {
    double value;
    size_t index;
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (isnan(x->value) || isnan(y->value)) return isnan(x->value) - isnan(y->value);
    return (x->value > y->value) - (x->value < y->value);
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* Ranks less their mean; equal values share the mean of theirs. */
static void rank_values(const double *values, size_t n, struct place *work, double *ranks) {
    for (size_t i = 0; i < n; i++) work[i] = (struct place){values[i], i};
    qsort(work, n, sizeof *work, compare_places);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same(work[end].value, work[i].value);) end++;
        double rank = (double)(i + end - 1) / 2 - (double)(n - 1) / 2;
        for (size_t j = i; j < end; j++) ranks[work[j].index] = rank;
    }
}

/* How much of the squares of x the best cut explains; *cut: the first index of its second part. */
static double best_cut(const double *x, size_t n, size_t *cut) {
    double sum = 0, best = 0, mean = 0;
    for (size_t i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (size_t k = 1; k < n; k++) {
        sum += x[k - 1] - mean;
        double gain = sum * sum * (double)n / ((double)k * (double)(n - k));
        if (gain > best) {
            best = gain;
            *cut = k;
        }
    }
    return best;
}

/* Writes what is left of x when its straight line is taken out. */
static void take_out_line(const double *x, size_t n, double *left) {
    double mean = 0, slope = 0, squares = 0, centre = (double)(n - 1) / 2;
    for (size_t i = 0; i < n; i++) mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i - centre;
        slope += t * (x[i] - mean);
        squares += t * t;
    }
    if (squares > 0) slope /= squares;
    for (size_t i = 0; i < n; i++) left[i] = x[i] - mean - slope * ((double)i - centre);
}

/* What is left of x when it is cut in two `depth` times over and each piece's straight line is
 * taken out: further steps would pass for correlation. */
static void take_out_drift(const double *x, size_t n, int depth, double *left) {
    size_t cut = 0;
    if (depth > 0 && n >= 4 * FEWEST) best_cut(x, n, &cut);
    if (cut == 0) {
        take_out_line(x, n, left);
        return;
    }
    take_out_drift(x, cut, depth - 1, left);
    take_out_drift(x + cut, n - cut, depth - 1, left + cut);
}

/* 1 + 2 * (the sum of autocorrelations up to the first that chance explains), of what is left of n
 * ranks. */
static double autocorrelation_time(const double *x, size_t n) {
    double squares = 0, time = 1, chance = 2 / sqrt((double)n);
    for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
    if (squares < 1e-9 * (double)n) return 1; /* nothing but rounding */
    for (size_t lag = 1; lag <= n / 8; lag++) {
        double sum = 0;
        for (size_t i = lag; i < n; i++) sum += x[i] * x[i - lag];
        if (sum / squares < chance) break;
        time += 2 * sum / squares;
    }
    return time;
}

static void shuffle(double *x, size_t n, uint64_t *state) {
    for (size_t i = n; i > 1; i--) {
        size_t j = assess_random_below(state, i);
        double other = x[i - 1];
        x[i - 1] = x[j];
        x[j] = other;
    }
}

struct series {
    double *points, *ranks, *left;
    struct place *places;
};

/* The cut of points [0, n), or 0 when none is better than chance. */
static size_t find_cut(const struct series *s, const double *points, size_t n, uint64_t *state) {
    size_t cut = 0, other;
    if (n < FEWEST) return 0;
    rank_values(points, n, s->places, s->ranks);
    double gain = best_cut(s->ranks, n, &cut);
    if (cut == 0) return 0;
    take_out_drift(s->ranks, n, 2, s->left);
    gain /= autocorrelation_time(s->left, n);
    size_t as_good = 0;
    for (size_t d = 0; d < DRAWS; d++) {
        shuffle(s->ranks, n, state);
        as_good += best_cut(s->ranks, n, &other) >= gain;
        if ((double)(as_good + 1) > LEVEL * (DRAWS + 1)) return 0;
    }
    return cut;
}

/* Medians of runs of `run` values; a rest that fills no run is left out. */
static void take_medians(const double *values, size_t n, size_t run, struct series *s) {
    for (size_t i = 0; i < n / run; i++) {
        for (size_t j = 0; j < run; j++) s->left[j] = values[i * run + j];
        assess_sort(s->left, run);
        s->points[i] = assess_median(s->left, run);
    }
}

static double median_of(const double *x, size_t n, double *work) {
    for (size_t i = 0; i < n; i++) work[i] = isnan(x[i]) ? INFINITY : x[i];
    assess_sort(work, n);
    return assess_median(work, n);
}

/* From -0.5 at `before` and beyond to 0.5 at `after` and beyond. */
static double nearness(double x, double before, double after) {
    if (isnan(x)) x = INFINITY;
    if (x == before || x == after) return x == after ? 0.5 : -0.5;
    if (isinf(before) || isinf(after)) return isinf(before) ? 0.5 : -0.5;
    double share = (x - before) / (after - before);
    return fmin(fmax(share, 0), 1) - 0.5;
}

/* Ranks hide how far apart the two levels are, so the place is looked up again among the values
 * around it: the cut that leaves the least squares when the levels are the medians of the points
 * [from, cut) and [cut, count), and what lies beyond a level counts as on it. */
static size_t refine(const struct series *s, const double *values, size_t n, size_t run,
                     size_t from, size_t cut, size_t count) {
    double before = median_of(s->points + from, cut - from, s->left);
    double after = median_of(s->points + cut, count - cut, s->left);
    size_t place = cut * run, around = 2 * run + 10;
    if (before == after) return place;
    size_t low = place > around ? place - around : 0,
           high = n - place > around ? place + around : n;
    double sum = 0, least = INFINITY;
    for (size_t i = low; i < high; i++) {
        if (sum < least && i > 0) {
            least = sum;
            place = i;
        }
        sum += nearness(values[i], before, after);
    }
    return place;
}

static size_t find_warm_up(const double *values, size_t n, uint64_t seed, struct series *s,
                           size_t run, bool *settled) {
    size_t count = n / run, from = 0, last = 0;
    take_medians(values, n, run, s);
    for (size_t cut; (cut = find_cut(s, s->points + from, count - from, &seed)) > 0;) {
        last = from;
        from += cut;
        if (from > count / 2) {
            *settled = false;
            return n / 2;
        }
    }
    if (from == 0) return 0;
    size_t first = refine(s, values, n, run, last, from, count);
    return first < n / 2 ? first : n / 2;
}

size_t assess_warm_up(const double *values, size_t n, uint64_t seed, bool *settled) {
    *settled = n >= FEWEST;
    if (n < FEWEST) return 0;
    size_t run = n / POINTS + (n % POINTS != 0);
    size_t room = 4 * run > 2 * POINTS ? 4 * run : 2 * POINTS, first = 0;
    struct series s = {
        .points = assess_realloc(NULL, room * sizeof *s.points),
        .ranks = assess_realloc(NULL, room * sizeof *s.ranks),
        .left = assess_realloc(NULL, room * sizeof *s.left),
        .places = assess_realloc(NULL, room * sizeof *s.places),
    };
    if (s.points && s.ranks && s.left && s.places)
        first = find_warm_up(values, n, seed, &s, run, settled);
    else
        *settled = false;
    assess_realloc(s.points, 0);
    assess_realloc(s.ranks, 0);
    assess_realloc(s.left, 0);
    assess_realloc(s.places, 0);
    return first;
}
