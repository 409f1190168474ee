/* What a tokenizer has to know of Unicode, by tables that scripts/unicode_tables writes. */
#ifndef ASH_PREP_UNICODE_H
#define ASH_PREP_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum ash_char_class {
    ASH_CHAR_PLAIN,
    ASH_CHAR_MARK,        /* Mn: marks that take no room of their own */
    ASH_CHAR_PUNCTUATION, /* P*, and all of ASCII that is neither letter nor digit nor blank */
    ASH_CHAR_CONTROL,     /* Cc, Cf, Co and U+FFFD, but for tab and ends of lines */
    ASH_CHAR_SPACE,       /* Z*, tab and ends of lines */
    ASH_CHAR_IDEOGRAPH    /* CJK: each is a word */
};
enum ash_char_class ash_char_class(uint32_t code);

enum { ASH_CHAR_PARTS = 4 }; /* the most that any character consists of, marks not counted */

/* Canonical decomposition (NFD) without marks; 0 parts for a mark.  Spacing marks that have a
 * combining class stay in the order of the text. */
size_t ash_char_without_marks(uint32_t code, uint32_t parts[ASH_CHAR_PARTS]);

/* Lower case of one character, without regard to its neighbours.  Returns how many: 2 for U+0130
 * alone. */
size_t ash_char_lower(uint32_t code, uint32_t parts[ASH_CHAR_PARTS]);

/* Takes one character from UTF-8 and moves *at, which is before `size`.  U+FFFD for bytes that are
 * none: one for each longest beginning of a character, as Unicode recommends (chapter 3.9). */
uint32_t ash_utf8_take(const char *text, size_t size, size_t *at);
/* Writes 1 to 4 bytes and returns how many. */
size_t ash_utf8_put(uint32_t code, char *to);

#endif
