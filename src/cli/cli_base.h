/* What every part of the program stands on: memory, error text, UTF-8.
 *
 * Names of the program begin with cli_, so that linking it against the static library can never
 * meet a name of the engine's; of the engine it uses ashore.h and nothing else. */
#ifndef ASH_CLI_BASE_H
#define ASH_CLI_BASE_H

#include "ashore/ashore_error.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#    define CLI_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#    define CLI_PRINTF(fmt, first)
#endif

/* The one place where the program asks for memory.  size 0 frees and returns NULL; NULL on failure
 * leaves ptr as it was. */
void *cli_realloc(void *ptr, size_t size);

/* Writes code and text (cut to fit) and returns code.  err may be NULL. */
int cli_fail(struct ashore_error *err, int code, const char *fmt, ...) CLI_PRINTF(3, 4);
/* Puts formatted text before the message that is already there; the code stays. */
void cli_error_prefix(struct ashore_error *err, const char *fmt, ...) CLI_PRINTF(2, 3);

/* Decodes the code point at s (n bytes are there) and returns its length, 0 when the bytes are not
 * UTF-8: overlong forms, surrogates and values past U+10FFFF are not. */
size_t cli_utf8_decode(const char *s, size_t n, uint32_t *code);
/* Writes 1 to 4 bytes and returns how many; 0 for surrogates and values past U+10FFFF. */
size_t cli_utf8_encode(uint32_t code, char out[4]);

#endif
