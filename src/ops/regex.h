/* Regular expressions over UTF-8, matched in time linear in the text.
 *
 * What is understood of RE2's syntax: literals, `.` (all but a line feed), classes with ranges and
 * the escapes \d \D \s \S \w \W (of ASCII), [:name:] not; \a \f \n \r \t \v \xHH \x{H...} and
 * escaped punctuation; (...), (?:...), (?P<name>...), (?<name>...); `|`; * + ? {n} {n,} {n,m},
 * lazy ones too; ^ \A at the beginning, $ \z at the end, \b \B (of ASCII). All else is refused. */
#ifndef ASH_OPS_REGEX_H
#define ASH_OPS_REGEX_H

#include "ir/op.h"

struct ash_regex;

/* Made in the arena; borrows nothing.  ASHORE_ERR_ATTR, ASHORE_ERR_LIMIT. */
int ash_regex_compile(const char *pattern, size_t length, struct ash_arena *arena,
                      const struct ash_regex **regex, struct ashore_error *err);
/* Bytes of memory that a match needs. */
size_t ash_regex_memory(const struct ash_regex *regex);
/* Whether the expression matches all of the text. */
bool ash_regex_match(const struct ash_regex *regex, const char *text, size_t length, void *memory);
/* The leftmost match that begins at `start` or behind it, the longest one of them; *found is where
 * it lies in the text. */
bool ash_regex_find(const struct ash_regex *regex, const char *text, size_t length, size_t start,
                    struct ash_str *found, void *memory);

#endif
