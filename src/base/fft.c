#include "base/fft.h"

#include "base/heap.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { FACTOR_MAX = 61 }; /* a greater one is no longer worth its square */

static size_t factor_of(size_t n) {
    if (n % 4 == 0) return 4;
    for (size_t p = 2; p <= FACTOR_MAX; p++)
        if (n % p == 0) return p;
    return n;
}

/* 0: the factors of n are small. */
static size_t convolution_of(size_t n) {
    size_t rest = n, m = 1;

    while (rest > 1 && factor_of(rest) <= FACTOR_MAX) rest /= factor_of(rest);
    if (rest <= 1) return 0;
    while (m < 2 * n - 1) m *= 2;
    return m;
}

size_t ash_fft_tables(size_t n) {
    if (n > SIZE_MAX / 64) return SIZE_MAX;
    size_t m = convolution_of(n);
    return m ? 2 * (m + n + m) : 2 * n;
}

size_t ash_fft_work(size_t n) {
    if (n > SIZE_MAX / 64) return SIZE_MAX;
    size_t m = convolution_of(n);
    return m ? 4 * m : 2 * n;
}

/* One pass: from m blocks of `radix` terms each, `stride` transforms side by side. */
static void pass(const double *root, size_t n, size_t m, size_t radix, size_t stride,
                 const double *x, double *y) {
    for (size_t p = 0; p < m; p++) {
        for (size_t u = 0; u < radix; u++) {
            double *to = y + 2 * stride * (radix * p + u);
            size_t at = p * u * stride, step = u * (n / radix) % n;

            memset(to, 0, 2 * stride * sizeof *to);
            for (size_t v = 0; v < radix; v++, at += step) {
                const double *from = x + 2 * stride * (p + m * v);
                const double re = root[2 * (at % n)], im = root[2 * (at % n) + 1];

                for (size_t q = 0; q < stride; q++) {
                    to[2 * q] += from[2 * q] * re - from[2 * q + 1] * im;
                    to[2 * q + 1] += from[2 * q] * im + from[2 * q + 1] * re;
                }
            }
        }
    }
}

/* n with small factors alone. */
static void transform(const double *root, size_t n, double *x, double *work) {
    double *from = x, *to = work;
    size_t stride = 1;

    for (size_t rest = n; rest > 1;) {
        size_t radix = factor_of(rest);

        rest /= radix;
        pass(root, n, rest, radix, stride, from, to);
        stride *= radix;
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != x) memcpy(x, from, 2 * n * sizeof *x);
}

static void conjugate(double *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[2 * i + 1] = -x[2 * i + 1];
}

/* a[i] *= b[i] */
static void multiply(double *a, const double *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double re = a[2 * i] * b[2 * i] - a[2 * i + 1] * b[2 * i + 1];

        a[2 * i + 1] = a[2 * i] * b[2 * i + 1] + a[2 * i + 1] * b[2 * i];
        a[2 * i] = re;
    }
}

/* exp(-2 pi i k / n) for all k. */
static void make_roots(double *root, size_t n) {
    for (size_t k = 0; k < n; k++) {
        double t = 6.28318530717958647692 * (double)k / (double)n;

        root[2 * k] = cos(t);
        root[2 * k + 1] = -sin(t);
    }
}

void ash_fft_init(struct ash_fft *f, size_t n, double *memory) {
    *f = (struct ash_fft){.n = n, .m = convolution_of(n), .root = memory};
    make_roots(f->root, f->m ? f->m : n);
    if (!f->m) return;
    f->chirp = memory + 2 * f->m;
    double *kernel = f->chirp + 2 * n;
    memset(kernel, 0, 2 * f->m * sizeof *kernel);
    for (size_t t = 0; t < n; t++) {
        /* t^2 mod 2 n: the angle keeps its precision. */
        double angle = 3.14159265358979323846 * (double)((uint64_t)t * t % (2 * n)) / (double)n;
        size_t back = t ? f->m - t : 0;

        f->chirp[2 * t] = kernel[2 * t] = kernel[2 * back] = cos(angle);
        f->chirp[2 * t + 1] = -sin(angle);
        kernel[2 * t + 1] = kernel[2 * back + 1] = sin(angle);
    }
    transform(f->root, f->m, kernel, kernel + 2 * f->m);
}

void ash_fft_run(const struct ash_fft *f, double *x, bool inverse, double *work) {
    if (inverse) conjugate(x, f->n);
    if (!f->m) {
        transform(f->root, f->n, x, work);
    } else {
        multiply(x, f->chirp, f->n);
        memcpy(work, x, 2 * f->n * sizeof *x);
        memset(work + 2 * f->n, 0, 2 * (f->m - f->n) * sizeof *x);
        transform(f->root, f->m, work, work + 2 * f->m);
        multiply(work, f->chirp + 2 * f->n, f->m);
        conjugate(work, f->m);
        transform(f->root, f->m, work, work + 2 * f->m);
        conjugate(work, f->m);
        for (size_t i = 0; i < 2 * f->n; i++) x[i] = work[i] / (double)f->m;
        multiply(x, f->chirp, f->n);
    }
    if (inverse) conjugate(x, f->n);
}
