/* The discrete Fourier transform of n complex numbers in double, for every n: y[k] = sum over t of
 * x[t] exp(-2 pi i k t / n).  Complex numbers are pairs, the real part first.
 *
 * Stockham's autosort algorithm over the factors of n; where a factor is large, Bluestein's, which
 * makes it a convolution of a power of two (Van Loan, Computational Frameworks for the FFT, 1992).
 */
#ifndef ASH_BASE_FFT_H
#define ASH_BASE_FFT_H

#include <stdbool.h>
#include <stddef.h>

struct ash_fft {
    size_t n, m;   /* m: the length of the convolution; 0: none */
    double *root;  /* exp(-2 pi i k / (m ? m : n)) */
    double *chirp; /* [n], exp(-pi i t^2 / n); then [m], the transform of its conjugate */
};

/* Numbers (double) in the tables of length n; SIZE_MAX when there are too many. */
size_t ash_fft_tables(size_t n);
/* Numbers that one transform works in. */
size_t ash_fft_work(size_t n);
/* memory: ash_fft_tables(n) + ash_fft_work(n) numbers, the tables first. */
void ash_fft_init(struct ash_fft *f, size_t n, double *memory);
/* x is overwritten with the result; with inverse the sign of the exponent is the other, unscaled.
 */
void ash_fft_run(const struct ash_fft *f, double *x, bool inverse, double *work);

#endif
