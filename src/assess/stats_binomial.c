/* Counts: the binomial distribution, and what follows from it for proportions, percentile claims
 * and quantiles. */
#include "stats_parts.h"

/* ---- the incomplete beta function ----------------------------------------------------------- */

/* log(n!) less Stirling's approximation of it. */
static double stirling_error(double n) {
    static const double half_log_2pi = 0.918938533204672741780329736406;
    if (n < 16) return lgamma(n + 1) - (n + 0.5) * log(n) + n - half_log_2pi;
    double m = n * n;
    return (1. / 12 - (1. / 360 - (1. / 1260 - (1. / 1680 - 1. / 1188 / m) / m) / m) / m) / n;
}

/* x log(x / mean) + mean - x, without cancellation where x is near the mean. */
static double deviance(double x, double mean) {
    if (fabs(x - mean) >= 0.1 * (x + mean)) return x * log(x / mean) + mean - x;
    double v = (x - mean) / (x + mean), sum = (x - mean) * v, term = 2 * x * v;
    for (int j = 1; j < 1000; j++) {
        term *= v * v;
        double next = sum + term / (2 * j + 1);
        if (next == sum) break;
        sum = next;
    }
    return sum;
}

/* (a + b choose a) x^a y^b by Loader's saddle-point expansion (Fast and Accurate Computation of
 * Binomial Probabilities, 2000): the logarithms of factorials would cost n * eps. */
static double saddle_point(double a, double b, double x, double y) {
    double n = a + b;
    double exponent = stirling_error(n) - stirling_error(a) - stirling_error(b) -
                      deviance(a, n * x) - deviance(b, n * y);
    return exp(exponent) * sqrt(n / (2 * 3.14159265358979323846 * a * b));
}

/* The continued fraction 26.5.8 of Abramowitz and Stegun by Lentz's method as Thompson and Barnett
 * changed it (1986).  It takes some sqrt(a + b) steps. */
static double continued_fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (double m = 1; m < 1e6; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        if (fabs(d * c - 1) < 0x1p-52) break;
    }
    return h;
}

/* Where the fraction converges: x below the mean. */
static double lower_beta(double a, double b, double x, double y) {
    return saddle_point(a, b, x, y) * b / (a + b) * continued_fraction(a, b, x);
}

double assess_beta(double a, double b, double x, double y) {
    if (!(x > 0)) return 0;
    if (!(y > 0)) return 1;
    if (x > (a + 1) / (a + b + 2)) return 1 - lower_beta(b, a, y, x);
    return lower_beta(a, b, x, y);
}

/* ---- distributions -------------------------------------------------------------------------- */

double assess_normal_quantile(double p) {
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        double z = (low + high) / 2;
        if (erfc(-z * 0.70710678118654752440) / 2 < p)
            low = z;
        else
            high = z;
    }
    return (low + high) / 2;
}

/* P(T > t) of Student's t with `degrees` of freedom, t >= 0. */
static double student_tail(double t, double degrees) {
    double total = degrees + t * t;
    return assess_beta(degrees / 2, 0.5, degrees / total, t * t / total) / 2;
}

/* The t with P(T > t) = tail; tail below a half. */
static double student_quantile(double tail, double degrees) {
    double low = 0, high = 1;
    while (high < 1e150 && student_tail(high, degrees) > tail) high *= 2;
    for (int i = 0; i < 100; i++) {
        double t = (low + high) / 2;
        if (student_tail(t, degrees) > tail)
            low = t;
        else
            high = t;
    }
    return high;
}

double assess_student_factor(size_t units, double c) {
    double tail = (1 - c) / 2;
    if (!(tail > 0) || units < 2) return INFINITY;
    return student_quantile(tail, (double)units - 1) / -assess_normal_quantile(tail);
}

double assess_bootstrap_tail(size_t units, double c) {
    double tail = (1 - c) / 2;
    if (!(tail > 0) || units < 2) return 0;
    double degrees = (double)units - 1, t = student_quantile(tail, degrees);
    return erfc(sqrt((double)units / degrees) * t * 0.70710678118654752440) / 2;
}

/* P(X >= k) for X ~ Binomial(n, p). */
static double upper_tail(uint64_t k, uint64_t n, double p) {
    if (k == 0) return 1;
    if (k > n) return 0;
    return assess_beta((double)k, (double)(n - k) + 1, p, 1 - p);
}

double assess_binomial_cdf(uint64_t k, uint64_t n, double p) {
    if (isnan(p)) return NAN;
    if (k >= n || p <= 0) return 1;
    if (p >= 1) return 0;
    if (k == 0) return exp((double)n * log1p(-p));
    return assess_beta((double)(n - k), (double)k + 1, 1 - p, p);
}

/* ---- proportions ---------------------------------------------------------------------------- */

/* The p at which P(X <= k), or P(X >= k) for `above`, is tail; both are monotone in p. */
static double solve(uint64_t k, uint64_t n, double tail, bool above) {
    double share = (double)k / (double)n, low = above ? 0 : share, high = above ? share : 1;
    for (int i = 0; i < 120; i++) {
        double p = (low + high) / 2;
        if (p <= low || p >= high) break;
        bool raise = above ? upper_tail(k, n, p) < tail : assess_binomial_cdf(k, n, p) > tail;
        if (raise)
            low = p;
        else
            high = p;
    }
    return above ? low : high;
}

struct assess_interval assess_clopper_pearson(uint64_t k, uint64_t n, double c) {
    double tail = (1 - c) / 2;
    if (n == 0 || !(tail > 0))
        return (struct assess_interval){0, n ? (double)k / (double)n : NAN, 1};
    if (k > n) k = n;
    return (struct assess_interval){
        .low = k == 0 ? 0 : solve(k, n, tail, true),
        .value = (double)k / (double)n,
        .high = k == n ? 1 : solve(k, n, tail, false),
    };
}

struct assess_interval assess_wilson(uint64_t k, uint64_t n, double c) {
    double tail = (1 - c) / 2;
    if (n == 0 || !(tail > 0))
        return (struct assess_interval){0, n ? (double)k / (double)n : NAN, 1};
    if (k > n) k = n;
    double m = (double)n, p = (double)k / m, z = -assess_normal_quantile(tail), zz = z * z / m;
    double centre = (p + zz / 2) / (1 + zz);
    double half = z / (1 + zz) * sqrt(p * (1 - p) / m + zz / (4 * m));
    return (struct assess_interval){
        .low = k == 0 ? 0 : fmax(0, centre - half),
        .value = p,
        .high = k == n ? 1 : fmin(1, centre + half),
    };
}

/* ---- percentile claims ---------------------------------------------------------------------- */

enum assess_claim assess_test_claim(uint64_t misses, uint64_t n, double q, double c) {
    if (n == 0) return ASSESS_CLAIM_OPEN;
    if (misses > n) misses = n;
    if (assess_binomial_cdf(misses, n, 1 - q) < 1 - c) return ASSESS_CLAIM_MET;
    if (upper_tail(misses, n, 1 - q) < 1 - c) return ASSESS_CLAIM_MISSED;
    return ASSESS_CLAIM_OPEN;
}

int64_t assess_most_misses(uint64_t n, double q, double c) {
    if (n > INT64_MAX) n = INT64_MAX;
    if (n == 0 || !(assess_binomial_cdf(0, n, 1 - q) < 1 - c)) return -1;
    uint64_t met = 0, open = n; /* cdf(n) is 1 */
    while (open - met > 1) {
        uint64_t k = met + (open - met) / 2;
        if (assess_binomial_cdf(k, n, 1 - q) < 1 - c)
            met = k;
        else
            open = k;
    }
    return (int64_t)met;
}

uint64_t assess_fewest(double q, double c) {
    if (!(q < 1 && c < 1)) return UINT64_MAX;
    if (!(q > 0 && c > 0)) return 1;
    double p = 1 - q, n = floor(log(1 - c) / log1p(-p));
    if (!(n < 0x1p62)) return UINT64_MAX;
    uint64_t fewest = n > 2 ? (uint64_t)n - 1 : 1;
    while (!(assess_binomial_cdf(0, fewest, p) < 1 - c)) fewest++;
    return fewest;
}

/* With n independent values, the number of them that lie at or below the quantile is
 * Binomial(n, q): value number l (from 1) is above it with probability P(X < l), value number u
 * below it with P(X >= u). */
void assess_quantile_ranks(size_t n, double q, double c, size_t *low, size_t *high) {
    double tail = (1 - c) / 2;
    *low = 0;
    *high = n + 1;
    if (n == 0 || !(tail > 0)) return;
    for (size_t beyond = n + 1; beyond - *low > 1;) { /* P(X < beyond) > tail >= P(X < low) */
        size_t l = *low + (beyond - *low) / 2;
        if (assess_binomial_cdf(l - 1, n, q) <= tail)
            *low = l;
        else
            beyond = l;
    }
    for (size_t before = 0; *high - before > 1;) { /* P(X >= before) > tail >= P(X >= high) */
        size_t u = before + (*high - before) / 2;
        if (upper_tail(u, n, q) <= tail)
            *high = u;
        else
            before = u;
    }
}

struct assess_interval assess_quantile_interval(const double *sorted, size_t n, double q,
                                                double c) {
    size_t low, high;
    assess_quantile_ranks(n, q, c, &low, &high);
    return (struct assess_interval){
        .low = low > 0 ? sorted[low - 1] : -INFINITY,
        .value = assess_quantile(sorted, n, q),
        .high = high <= n ? sorted[high - 1] : INFINITY,
    };
}
