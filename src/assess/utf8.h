/* Text of any origin, read as UTF-8. */
#ifndef ASH_ASSESS_UTF8_H
#define ASH_ASSESS_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { ASSESS_UTF8_BAD = -1 };

/* Reads one code point of s, which ends with a NUL, and returns how many bytes it takes; 0 at the
 * end.  *code is ASSESS_UTF8_BAD for a byte that begins no code point (overlong forms, surrogates
 * and numbers above U+10FFFF included); then one byte is taken. */
size_t assess_utf8_next(const char *s, int32_t *code);

/* Whether a code point would not show, or would change how its neighbours show: control characters,
 * marks of direction, separators of lines and paragraphs. */
int assess_utf8_hidden(int32_t code);

/* Columns of a terminal: 2 for East Asian wide characters, 0 for combining marks, otherwise 1. */
int assess_utf8_columns(int32_t code);

#endif
