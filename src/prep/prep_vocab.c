#include "prep/prep_vocab.h"

#include "base/error.h"
#include "base/heap.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 65535 };

static int compare(const void *a, const void *b) {
    const struct ash_token *x = a, *y = b;
    size_t common = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->text, y->text, common);
    if (order) return order;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

/* Cuts the text into lines, of which there is room for vocab->count. */
static int take_lines(struct ash_vocab *vocab, struct ashore_error *err) {
    size_t at = 0;
    for (size_t i = 0; i < vocab->count; i++) {
        const char *line = vocab->text + at;
        const char *end = memchr(line, '\n', vocab->text_size - at);
        size_t length = end ? (size_t)(end - line) : vocab->text_size - at;
        at += length + 1;
        if (length && line[length - 1] == '\r') length--;
        ASH_FAIL_IF(length > TOKEN_MAX, err, LIMIT, "vocabulary: line %zu has more than %d bytes",
                    i + 1, (int)TOKEN_MAX);
        vocab->token[i] = (struct ash_token){line, (uint32_t)length, (int32_t)i};
    }
    return ASHORE_OK;
}

static void sort_tokens(struct ash_vocab *vocab) {
    struct ash_token *sorted = vocab->sorted;
    size_t kept = 0;
    memcpy(sorted, vocab->token, vocab->count * sizeof *sorted);
    qsort(sorted, vocab->count, sizeof *sorted, compare);
    for (size_t i = 0; i < vocab->count; i++) {
        int again = kept && sorted[kept - 1].length == sorted[i].length &&
                    memcmp(sorted[kept - 1].text, sorted[i].text, sorted[i].length) == 0;
        kept -= (size_t)again;
        sorted[kept++] = sorted[i];
    }
    vocab->sorted_count = kept;
}

int ash_vocab_create(struct ash_vocab *vocab, const char *text, size_t size,
                     struct ashore_error *err) {
    int rc = ASHORE_OK;
    size_t lines = 0;

    *vocab = (struct ash_vocab){0};
    ASH_FAIL_IF(!text || size == 0, err, FORMAT, "vocabulary: it is empty");
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    lines += text[size - 1] != '\n';
    ASH_FAIL_IF(lines > INT32_MAX, err, LIMIT, "vocabulary: %zu lines are too many", lines);

    vocab->count = lines;
    vocab->text_size = size;
    vocab->text = ash_alloc(NULL, size);
    vocab->token = ash_alloc(NULL, ash_size_mul(lines, sizeof *vocab->token));
    vocab->sorted = ash_alloc(NULL, ash_size_mul(lines, sizeof *vocab->sorted));
    if (!vocab->text || !vocab->token || !vocab->sorted) {
        rc = ash_fail_nomem(err, size + 2 * ash_size_mul(lines, sizeof *vocab->token));
        goto done;
    }
    memcpy(vocab->text, text, size);
    rc = take_lines(vocab, err);
    if (rc == ASHORE_OK) sort_tokens(vocab);

done:
    if (rc != ASHORE_OK) ash_vocab_deinit(vocab);
    return rc;
}

void ash_vocab_deinit(struct ash_vocab *vocab) {
    ash_free(NULL, vocab->text, vocab->text_size);
    ash_free(NULL, vocab->token, vocab->count * sizeof *vocab->token);
    ash_free(NULL, vocab->sorted, vocab->count * sizeof *vocab->sorted);
    *vocab = (struct ash_vocab){0};
}

/* The byte at a place of a token, -1 behind its end: what is shorter comes first. */
static int byte_at(const struct ash_token *token, size_t place) {
    return place < token->length ? (unsigned char)token->text[place] : -1;
}

/* The first of the range whose byte at `place` is `byte` or more; those before `place` are equal.
 */
static size_t first_from(const struct ash_vocab *vocab, struct ash_token_range range, size_t place,
                         int byte) {
    while (range.low < range.high) {
        size_t middle = range.low + (range.high - range.low) / 2;
        if (byte_at(&vocab->sorted[middle], place) < byte) {
            range.low = middle + 1;
        } else {
            range.high = middle;
        }
    }
    return range.low;
}

static struct ash_token_range narrow(const struct ash_vocab *vocab, struct ash_token_range range,
                                     size_t place, char byte) {
    int b = (unsigned char)byte;
    size_t low = first_from(vocab, range, place, b);
    size_t high = first_from(vocab, (struct ash_token_range){low, range.high}, place, b + 1);
    return (struct ash_token_range){low, high};
}

/* Those that begin with all of text. */
static struct ash_token_range beginning_with(const struct ash_vocab *vocab, const char *text,
                                             size_t length) {
    struct ash_token_range range = {0, vocab->sorted_count};
    for (size_t i = 0; i < length && range.low < range.high; i++) {
        range = narrow(vocab, range, i, text[i]);
    }
    return range;
}

void ash_vocab_index(const struct ash_vocab *vocab, const char *prefix,
                     struct ash_token_range index[256]) {
    size_t length = strlen(prefix);
    struct ash_token_range range = beginning_with(vocab, prefix, length);
    for (int i = 0; i < 256; i++) { index[i] = narrow(vocab, range, length, (char)i); }
}

int32_t ash_vocab_longest(const struct ash_vocab *vocab, const struct ash_token_range index[256],
                          size_t skip, const char *text, size_t size, size_t *taken) {
    int32_t best = -1;
    if (size == 0) return -1;
    struct ash_token_range range = index[(unsigned char)text[0]];
    for (size_t i = 0; range.low < range.high; i++) {
        const struct ash_token *shortest = &vocab->sorted[range.low];
        if (shortest->length == skip + i + 1) {
            best = shortest->id;
            *taken = i + 1;
        }
        if (i + 1 == size) break;
        range = narrow(vocab, range, skip + i + 1, text[i + 1]);
    }
    return best;
}

int32_t ash_vocab_find(const struct ash_vocab *vocab, const char *text) {
    size_t length = strlen(text);
    struct ash_token_range range = beginning_with(vocab, text, length);
    if (range.low == range.high || vocab->sorted[range.low].length != length) return -1;
    return vocab->sorted[range.low].id;
}
