/* Text from a format: a small subset of printf that needs no C library, for messages and shapes.
 * In WebAssembly the library's own costs as much as a kernel family. */
#ifndef ASH_BASE_FORMAT_H
#define ASH_BASE_FORMAT_H

#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Writes at most size bytes, zero-terminated where size is not 0, and returns the length that the
 * whole text has.  Understood: %% %c %s %d %i %u %x %g; a minimum width, with 0 before it to pad
 * numbers by zeros; the lengths hh h l ll z j t; a precision, also *, for %s and %g.  %g writes
 * what the C library's does, up to 17 digits; with more than 9 the last one may differ. */
size_t ash_format_list(char *buf, size_t size, const char *fmt, va_list args) ASH_PRINTF(3, 0);
/* The same; each argument takes 64 bits: a number, an address, or the bits of a double. */
size_t ash_format_array(char *buf, size_t size, const char *fmt, const int64_t *args);
size_t ash_format(char *buf, size_t size, const char *fmt, ...) ASH_PRINTF(3, 4);

#endif
