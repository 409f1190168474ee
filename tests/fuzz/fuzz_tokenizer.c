/* Any bytes as a vocabulary, a text and a second one: the first byte is for options, the second for
 * how many ids there is room for; the parts are separated by 0xFF, which UTF-8 has no use for. */
#include "ashore/ashore_prep.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next part, and what is behind it. */
static const uint8_t *part(const uint8_t **data, size_t *size, size_t *length) {
    const uint8_t *begin = *data, *end = *size ? memchr(begin, 0xFF, *size) : NULL;
    *length = end ? (size_t)(end - begin) : *size;
    size_t taken = end ? *length + 1 : *length;
    *data += taken;
    *size -= taken;
    return begin;
}

static void encode(const ashore_tokenizer *t, const uint8_t *data, size_t size, size_t room) {
    int64_t *ids = malloc((room + 1) * sizeof *ids), *types = malloc((room + 1) * sizeof *types);
    size_t length, pair_length, count = 0;
    if (!ids || !types) abort();
    const char *text = (const char *)part(&data, &size, &length);
    const char *pair = size ? (const char *)part(&data, &size, &pair_length) : NULL;
    int rc = ashore_tokenizer_encode(t, text, length, pair, pair ? pair_length : 0, room, ids,
                                     types, &count, NULL);
    if (count > room || (rc != ASHORE_OK && count)) abort();
    for (size_t i = 0; i < count; i++) {
        size_t token;
        if (!ashore_tokenizer_token(t, ids[i], &token) || types[i] < 0 || types[i] > 1) abort();
    }
    free(ids);
    free(types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ashore_tokenizer_options o;
    struct ashore_error err = {0};
    ashore_tokenizer *t = NULL;
    size_t length;
    if (size < 2) return 0;
    ashore_tokenizer_options_init(&o);
    o.lower_case = data[0] & 1;
    o.strip_accents = data[0] >> 1 & 1;
    o.longest_word = 1 + (data[0] >> 2 & 31);
    if (data[0] & 128) o.first = o.separator = NULL;
    size_t room = data[1];
    data += 2;
    size -= 2;
    const uint8_t *vocab = part(&data, &size, &length);
    int rc = ashore_tokenizer_create(vocab, length, &o, &t, &err);
    if ((rc == ASHORE_OK) != (t != NULL)) abort();
    if (rc < 0 && err.text[0] == '\0') abort();
    if (t) encode(t, data, size, room);
    ashore_tokenizer_destroy(&t);
    return 0;
}
