/* The functions of math.h for WebAssembly, in place of the C library's, whose constants do not
 * compress: they would be a sixth of the engine.
 *
 * exp and log are within 2 units in the last place, sin, cos and atan within 4, tanh, expm1 and
 * log1p within 6, erf within 8 + x^2; fmod is exact.  pow is exact where a whole power of a small
 * whole number is; otherwise its relative error is at most 2 + |y log x| units. */
#if !defined(ASH_WASM_LIBM_TEST)
#    include <math.h>
#endif

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__wasm__) || defined(ASH_WASM_LIBM_TEST)

static const double ln2_high = 6.93147180369123816490e-01; /* its low 21 bits are zero */
static const double ln2_low = 1.90821492927058770002e-10;

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double two_to(int n) { return from_bits((uint64_t)(n + 1023) << 52); } /* -1022..1023 */

double exp(double x) {
    /* 1/n! for n from 13 down to 2 */
    static const double c[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                               1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                               1.0 / 120,        1.0 / 24,        1.0 / 6,        1.0 / 2};
    if (x != x) return x;
    if (x > 709.79) return INFINITY;
    if (x < -745.2) return 0;
    double k = __builtin_rint(x * 1.44269504088896338700);
    double high = x - k * ln2_high, low = k * ln2_low, r = high - low;
    double p = c[0];
    for (unsigned i = 1; i < sizeof c / sizeof *c; i++) p = p * r + c[i];
    p = 1 + (r + (r * r * p - ((r - high) + low)));
    int n = (int)k, half = n / 2;
    return p * two_to(half) * two_to(n - half);
}

double log(double x) {
    if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
    if (x == INFINITY) return x;
    int k = 0;
    if (x < 2.2250738585072014e-308) {
        x *= 18014398509481984.0; /* 2^54 */
        k = -54;
    }
    /* x = 2^k m, m from sqrt(1/2) to sqrt(2) */
    uint64_t bits = to_bits(x) + ((uint64_t)(0x3ff00000 - 0x3fe6a09e) << 32);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) + ((uint64_t)0x3fe6a09e << 32);
    double f = from_bits(bits) - 1, s = f / (2 + f), z = s * s, p = 0;
    for (int n = 23; n >= 3; n -= 2) p = p * z + 1.0 / n;
    /* log m = 2 s + 2 s z p, and 2 s = f - s f */
    double rest = 2 * s * z * p;
    return k * ln2_high + (f - (s * f - (rest + k * ln2_low)));
}

/* expm1 and log1p after W. Kahan: the errors of exp and log near 1 cancel in the quotient. */
double expm1(double x) {
    double u = exp(x), d = u - 1;
    if (d == 0) return x;
    return __builtin_fabs(x) < 40 ? d * (x / log(u)) : d;
}

double log1p(double x) {
    double u = 1 + x, d = u - 1;
    if (d == 0) return x;
    return u < INFINITY ? log(u) * (x / d) : u;
}

double tanh(double x) {
    double t = expm1(-2 * __builtin_fabs(x));
    return __builtin_copysign(t / (t + 2), x);
}

/* The angle is halved twice: the series of a tangent below 0.2 is short. */
double atan(double x) {
    double m = __builtin_fabs(x), z = m > 1 ? 1 / m : m, p = 0;
    if (x != x) return x;
    for (int i = 0; i < 2; i++) z = z / (1 + __builtin_sqrt(1 + z * z));
    for (int n = 25; n >= 3; n -= 2) p = (1.0 / n - p) * z * z;
    z = 4 * (z - z * p);
    if (m > 1) z = 1.57079632679489655800 - (z - 6.123233995736766036e-17);
    return __builtin_copysign(z, x);
}

/* 2 / sqrt(pi) exp(-x^2) times the sum of x (2 x^2)^n / (1 * 3 * ... (2 n + 1)): no term is
 * negative. */
double erf(double x) {
    if (__builtin_fabs(x) > 6) return __builtin_copysign(1, x);
    double term = x, sum = x;
    for (int n = 3; n < 200; n += 2) {
        term *= 2 * x * x / n;
        sum += term;
    }
    return 1.12837916709551257390 * exp(-x * x) * sum;
}

double fmod(double x, double y) {
    double rest = __builtin_fabs(x), least = __builtin_fabs(y), step = least;
    if (!(rest < INFINITY && least > 0)) return NAN;
    if (rest < least) return x;
    while (step <= rest * 0.5) step += step;
    for (; step >= least; step *= 0.5) {
        if (rest >= step) rest -= step;
    }
    return __builtin_copysign(rest, x);
}

/* By squaring; y is whole and not negative. */
static double whole_power(double x, double y) {
    double result = 1;
    for (unsigned n = (unsigned)y; n != 0; n >>= 1, x *= x) {
        if ((n & 1) != 0) result *= x;
    }
    return result;
}

double pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (x != x || y != y) return x + y;
    double ax = __builtin_fabs(x), ay = __builtin_fabs(y);
    bool whole = y == __builtin_trunc(y);
    bool odd = whole && ay < 9007199254740992.0 && ((uint64_t)ay & 1) != 0;
    bool negative = odd && (to_bits(x) >> 63) != 0;
    double result;
    if (ay == INFINITY) {
        result = ax == 1 ? 1 : (ax > 1) == (y > 0) ? INFINITY : 0;
    } else if (ax == 0 || ax == INFINITY) {
        result = (ax == 0) == (y > 0) ? 0 : INFINITY;
    } else {
        if (x < 0 && !whole) return NAN;
        result = whole && ay <= 1024 ? whole_power(ax, ay) : INFINITY;
        if (result == INFINITY || result < 1e-300) {
            result = exp(y * log(ax));
        } else if (y < 0) {
            result = 1 / result;
        }
    }
    return negative ? -result : result;
}

/* The bits of 2/pi. */
static const uint32_t two_over_pi[] = {
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
    0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab,
};

/* x mod pi/2 for large |x| (Payne and Hanek 1983): the mantissa times those 192 bits of 2/pi that
 * neither vanish modulo 4 nor are too small to matter. */
static int reduce_large(double x, double *y) {
    enum { LIMBS = 6, WORDS = sizeof two_over_pi / sizeof *two_over_pi };
    uint64_t bits = to_bits(x), mantissa = (bits & 0xfffffffffffffu) | (uint64_t)1 << 52;
    /* From bit `first` on; x is at least 2^20, so that this is at least -34. */
    int first = (int)(bits >> 52 & 2047) - 1075 - 2 + 64, word = first / 32 - 2, shift = first % 32;
    uint32_t limb[LIMBS], product[LIMBS] = {0};
    for (int i = 0; i < LIMBS; i++) {
        uint64_t high = word + i >= 0 && word + i < WORDS ? two_over_pi[word + i] : 0;
        uint64_t low = word + i + 1 >= 0 && word + i + 1 < WORDS ? two_over_pi[word + i + 1] : 0;
        limb[i] = (uint32_t)((high << 32 | low) >> (32 - shift));
    }
    for (int part = 0; part < 2; part++) {
        uint64_t factor = part == 0 ? mantissa & 0xffffffffu : mantissa >> 32, carry = 0;
        for (int i = LIMBS - 1; i >= part; i--) {
            carry += factor * limb[i] + product[i - part];
            product[i - part] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    int quadrant = (int)(product[0] >> 30);
    uint64_t top = ((uint64_t)product[0] << 32 | product[1]) << 2 | product[2] >> 30;
    uint64_t next = ((uint64_t)product[2] << 32 | product[3]) << 2 | product[4] >> 30;
    double sign = 1;
    if ((top >> 63) != 0) { /* more than half: the next multiple is nearer */
        quadrant++;
        sign = -1;
        top = ~top;
        next = ~next;
    }
    double turn = (double)top * 0x1p-64 + (double)next * 0x1p-128;
    y[0] = sign * turn * 1.57079632679489661923;
    y[1] = 0;
    if ((bits >> 63) == 0) return quadrant & 3;
    y[0] = -y[0];
    return -quadrant & 3;
}

/* x - n pi/2 in two floats; returns n modulo 4. */
static int reduce(double x, double *y) {
    /* pi/2 in parts of 33 bits, whose products with n are exact, and the rest. */
    static const double part1 = 1.57079632673412561417e+00, part2 = 6.07710050630396597660e-11,
                        rest = 2.02226624879595063154e-21;
    y[0] = y[1] = x - x;
    if (!(__builtin_fabs(x) < INFINITY)) return 0;
    if (__builtin_fabs(x) >= 1048576) return reduce_large(x, y);
    double n = __builtin_rint(x * 6.36619772367581382433e-01);
    double high = x - n * part1, sub = n * part2, mid = high - sub;
    double low = n * rest - ((high - mid) - sub);
    y[0] = mid - low;
    y[1] = (mid - y[0]) - low;
    return (int)n & 3;
}

/* The sine of x + n pi/2, by Taylor's series from -pi/4 to pi/4. */
static double sine(double x, int n) {
    double y[2], p = 0;
    n += reduce(x, y);
    for (int k = 17 - (n & 1); k > 1; k -= 2) p = -y[0] * y[0] * (p + 1) / (k * (k - 1));
    p = (n & 1) != 0 ? 1 + (p - y[0] * y[1]) : y[0] + (y[0] * p + y[1]);
    return (n & 2) != 0 ? -p : p;
}

double sin(double x) { return __builtin_fabs(x) < 0x1p-27 ? x : sine(x, 0); }

double cos(double x) { return sine(x, 1); }

#endif
