/* A sorted list of tokens in which the longest one that a text begins with is found by one walk
 * over the text. */
#ifndef ASH_PREP_VOCAB_H
#define ASH_PREP_VOCAB_H

#include "ashore/ashore_error.h"

#include <stddef.h>
#include <stdint.h>

struct ash_token {
    const char *text;
    uint32_t length;
    int32_t id;
};

/* Zeroed is empty.  Holds a copy of the text. */
struct ash_vocab {
    char *text;
    size_t text_size;
    struct ash_token *token;  /* by id */
    struct ash_token *sorted; /* by bytes, each text once: its last line counts */
    size_t count, sorted_count;
};

/* One token a line, which ends in LF or CRLF; the line's number, from 0, is its id.
 * ASHORE_ERR_FORMAT when there are none, ASHORE_ERR_LIMIT for more than 2^31 - 1 lines or a line of
 * more than 65535 bytes. */
int ash_vocab_create(struct ash_vocab *vocab, const char *text, size_t size,
                     struct ashore_error *err);
void ash_vocab_deinit(struct ash_vocab *vocab);

/* A range of sorted. */
struct ash_token_range {
    size_t low, high;
};
/* The tokens that begin with `prefix` and then the byte i, for each i. */
void ash_vocab_index(const struct ash_vocab *vocab, const char *prefix,
                     struct ash_token_range index[256]);
/* The id of the longest token that is the prefix of the index (skip bytes of it) and then a
 * beginning of text, of which *taken bytes are taken, one at least.  -1 when there is none. */
int32_t ash_vocab_longest(const struct ash_vocab *vocab, const struct ash_token_range index[256],
                          size_t skip, const char *text, size_t size, size_t *taken);
/* The id of exactly this token, or -1. */
int32_t ash_vocab_find(const struct ash_vocab *vocab, const char *text);

#endif
