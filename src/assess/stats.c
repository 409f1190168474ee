/* Order statistics: sorting, quantiles, spread. */
#include "stats_parts.h"

#include <stdlib.h>

/* NaN counts as the largest: a value that is none must never make a quantile look better. */
static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

void assess_sort(double *values, size_t n) {
    if (n > 1) qsort(values, n, sizeof *values, compare);
}

size_t assess_rank(size_t n, double q) {
    double product = q * (double)n;
    double rank = ceil(product - 4 * 0x1p-52 * product);
    if (!(rank > 1)) return 0;
    return rank < (double)n ? (size_t)rank - 1 : n - 1;
}

double assess_quantile(const double *sorted, size_t n, double q) {
    return n ? sorted[assess_rank(n, q)] : NAN;
}

static double middle(double low, double high) { return low == high ? low : low / 2 + high / 2; }

double assess_median(const double *sorted, size_t n) {
    if (n == 0) return NAN;
    return middle(sorted[(n - 1) / 2], sorted[n / 2]);
}

/* Equal infinities are no distance apart. */
static double distance(double a, double b) { return a == b ? 0 : fabs(a - b); }

/* Distances grow to either side of the median: they are merged from the inside, up to the middle
 * one. */
double assess_mad(const double *sorted, size_t n) {
    double median = assess_median(sorted, n);
    if (isnan(median)) return NAN;
    size_t left = (n + 1) / 2, right = left; /* [0, left) and [right, n) */
    double last = 0, before = 0;
    for (size_t taken = 0; taken <= n / 2; taken++) {
        double down = left > 0 ? distance(sorted[left - 1], median) : INFINITY;
        double up = right < n ? distance(sorted[right], median) : INFINITY;
        before = last;
        if (right >= n || (left > 0 && down <= up)) {
            last = down;
            left--;
        } else {
            last = up;
            right++;
        }
    }
    return n % 2 ? last : middle(before, last);
}

/* Hoare's quickselect as Wirth has it.  The pivot's place is drawn, so that no order of the values
 * that occurs by itself makes it quadratic. */
double assess_select(double *values, size_t n, size_t rank) {
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, wanted = (ptrdiff_t)rank;
    uint64_t state = n;
    while (low < high) {
        double pivot =
            values[low + (ptrdiff_t)assess_random_below(&state, (size_t)(high - low) + 1)];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i > j) break;
            double other = values[i];
            values[i++] = values[j];
            values[j--] = other;
        }
        if (j < wanted) low = i;
        if (wanted < i) high = j;
    }
    return values[wanted];
}
