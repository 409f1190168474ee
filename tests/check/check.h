/* The kernel checker.  A family's fam_check.c has `void check_fam(void)`, which goes over every
 * linked row and compares it with the reference row:
 *
 *     for each row: if (!chk_begin(row->name, row->cpu)) continue;
 *         for each case: buffers from chk_buf, filled; chk_call(run, &job); compare; chk_fail
 *
 * Accuracy classes, and there is no other tolerance:
 *   EXACT     chk_same: integers, data movement, and rows that promise the reference's bits
 *   BOUND     chk_bound: sums, |error| <= n * eps * sum |a b|, whatever the order
 *   ULP       chk_ulp: functions of one element, against a result in double
 *   NORMWISE  chk_norm: transforms such as Winograd, with a constant that the family derives */
#ifndef ASH_CHECK_H
#define ASH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHK_SLOTS = 16, CHK_TAILS = 130 }; /* sizes 0..129 are to be tried by every family */

/* Random numbers restart from the seed at each chk_begin. */
uint32_t chk_rand(void);
size_t chk_below(size_t n);        /* 0..n-1 */
float chk_f32(float lo, float hi); /* uniform */
void chk_fill(float *p, size_t n, float lo, float hi);
void chk_fill_special(float *p, size_t n); /* with NaN, infinities, zeros, denormals, huge ones */

/* `bytes` bytes that belong to `slot` until its next use, filled with a pattern.  Where they lie is
 * set by chk_place: they end at a page that cannot be touched, begin after one, or begin at an
 * address that is aligned for nothing but a float.  What surrounds them is watched by chk_call. */
enum chk_place { CHK_END, CHK_START, CHK_ODD, CHK_PLACES };
void chk_place(enum chk_place place);
void *chk_buf(int slot, size_t bytes);
float *chk_floats(int slot, size_t n);
/* Aligned to 16 wherever it lies: rounds the size up to that. */
void *chk_scratch(int slot, size_t bytes);

/* False: left out by the filter, or the processor lacks what the row needs. */
bool chk_begin(const char *row, uint32_t cpu);
/* Whether rows with these processor bits compute with fused multiply-add, as the reference row does
 * on this target: then families that promise it are compared bit for bit. */
bool chk_fused(uint32_t cpu);
void chk_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Runs fn(arg).  False, with the failure recorded, if it faulted or wrote beside its buffers. */
bool chk_call(void (*fn)(void *), void *arg);

bool chk_same(float got, float want); /* bit for bit; any NaN equals any other */
/* The first index at which n floats are not the same, or n. */
size_t chk_diff(const float *got, const float *want, size_t n);
bool chk_bound(float got, double want, double magnitude, double n);
bool chk_ulp(float got, double want, double ulps);
/* max |got - want| <= constant * eps * max |scale|. */
bool chk_norm(const float *got, const double *want, size_t n, double constant, double scale);

/* With --bench: runs fn(arg) for a while and prints how much of `work` (counted in `unit`, as in
 * "GFLOP") is done a second, by the best of several runs. */
bool chk_bench(void);
void chk_time(const char *label, double work, const char *unit, void (*fn)(void *), void *arg);

#endif
