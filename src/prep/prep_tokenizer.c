/* WordPiece (Devlin et al., arXiv 1810.04805).  Characters are handled one at a time: dropped,
 * turned into others, and collected into the word at hand, which is cut into pieces once it ends.
 */
#include "ashore/ashore_prep.h"
#include "base/error.h"
#include "base/heap.h"
#include "prep/prep_unicode.h"
#include "prep/prep_vocab.h"

#include <string.h>

enum { WORD_MAX = 1000, UTF8_MAX = 4 };

struct ashore_tokenizer {
    struct ash_vocab vocab;
    struct ash_token_range begin[256], inside[256]; /* see ash_vocab_index */
    size_t inside_skip;                             /* bytes of the continuation's prefix */
    int32_t lower_case, strip_accents;
    size_t longest_word;
    int32_t unknown, first, separator; /* ids; -1: is not put */
};

/* Where ids go: all are counted, the first `room` are kept. */
struct sink {
    int64_t *ids;
    size_t room, count;
};

struct word {
    char bytes[WORD_MAX * UTF8_MAX];
    size_t size, characters; /* characters beyond the longest word's are counted alone */
};

void ashore_tokenizer_options_init(struct ashore_tokenizer_options *o) {
    *o = (struct ashore_tokenizer_options){.struct_size = sizeof *o,
                                           .lower_case = 1,
                                           .strip_accents = 1,
                                           .longest_word = 100,
                                           .unknown = "[UNK]",
                                           .first = "[CLS]",
                                           .separator = "[SEP]",
                                           .continuation = "##"};
}

static int find_special(const struct ash_vocab *vocab, const char *text, int32_t *id,
                        struct ashore_error *err) {
    *id = -1;
    if (!text) return ASHORE_OK;
    *id = ash_vocab_find(vocab, text);
    ASH_FAIL_IF(*id < 0, err, NAME, "vocabulary: the special token %s is no line of it", text);
    return ASHORE_OK;
}

static int set_up(ashore_tokenizer *t, const void *vocab, size_t size,
                  const struct ashore_tokenizer_options *o, struct ashore_error *err) {
    ASH_TRY(ash_vocab_create(&t->vocab, vocab, size, err));
    ASH_TRY(find_special(&t->vocab, o->unknown, &t->unknown, err));
    ASH_TRY(find_special(&t->vocab, o->first, &t->first, err));
    ASH_TRY(find_special(&t->vocab, o->separator, &t->separator, err));
    ash_vocab_index(&t->vocab, "", t->begin);
    ash_vocab_index(&t->vocab, o->continuation, t->inside);
    t->inside_skip = strlen(o->continuation);
    t->lower_case = o->lower_case;
    t->strip_accents = o->strip_accents;
    t->longest_word = (size_t)o->longest_word;
    return ASHORE_OK;
}

int ashore_tokenizer_create(const void *vocab, size_t size,
                            const struct ashore_tokenizer_options *options,
                            ashore_tokenizer **tokenizer, struct ashore_error *err) {
    struct ashore_tokenizer_options o;

    *tokenizer = NULL;
    ashore_tokenizer_options_init(&o);
    if (options) {
        ASH_FAIL_IF(options->struct_size != sizeof o, err, ARGUMENT,
                    "tokenizer: options of %zu bytes, %zu are expected", options->struct_size,
                    sizeof o);
        o = *options;
    }
    ASH_FAIL_IF(o.longest_word < 1 || o.longest_word > WORD_MAX, err, ARGUMENT,
                "tokenizer: longest_word is %d, not within 1 to %d", (int)o.longest_word,
                (int)WORD_MAX);
    ASH_FAIL_IF(!o.unknown || !o.continuation, err, ARGUMENT,
                "tokenizer: unknown and continuation have to be given");
    ashore_tokenizer *t = ash_alloc_zero(NULL, sizeof *t);
    if (!t) return ash_fail_nomem(err, sizeof *t);
    int rc = set_up(t, vocab, size, &o, err);
    if (rc != ASHORE_OK) ashore_tokenizer_destroy(&t);
    *tokenizer = t;
    return rc;
}

void ashore_tokenizer_destroy(ashore_tokenizer **tokenizer) {
    ashore_tokenizer *t = *tokenizer;
    if (!t) return;
    ash_vocab_deinit(&t->vocab);
    ash_free(NULL, t, sizeof *t);
    *tokenizer = NULL;
}

static void put(struct sink *sink, int32_t id) {
    if (sink->count < sink->room) sink->ids[sink->count] = id;
    sink->count++;
}

/* Ends the word: its pieces, or one unknown when a part of it is no piece. */
static void end_word(const ashore_tokenizer *t, struct word *word, struct sink *sink) {
    size_t begin = sink->count, at = 0;
    int known = word->characters <= t->longest_word;

    while (known && at < word->size) {
        size_t taken = 0;
        int32_t id =
            at ? ash_vocab_longest(&t->vocab, t->inside, t->inside_skip, word->bytes + at,
                                   word->size - at, &taken)
               : ash_vocab_longest(&t->vocab, t->begin, 0, word->bytes, word->size, &taken);
        known = id >= 0;
        if (known) put(sink, id);
        at += taken;
    }
    if (!known) {
        sink->count = begin;
        put(sink, t->unknown);
    }
    word->size = word->characters = 0;
}

static void add_character(const ashore_tokenizer *t, struct word *word, uint32_t code) {
    if (word->characters < t->longest_word) {
        word->size += ash_utf8_put(code, word->bytes + word->size);
    }
    word->characters++;
}

/* One character, as it is after folding. */
static void add_folded(const ashore_tokenizer *t, struct word *word, uint32_t code,
                       struct sink *sink) {
    enum ash_char_class class = ash_char_class(code);
    if (class == ASH_CHAR_SPACE) {
        end_word(t, word, sink);
    } else if (class == ASH_CHAR_PUNCTUATION) {
        end_word(t, word, sink);
        add_character(t, word, code);
        end_word(t, word, sink);
    } else {
        add_character(t, word, code);
    }
}

static void fold(const ashore_tokenizer *t, struct word *word, uint32_t code, struct sink *sink) {
    uint32_t parts[ASH_CHAR_PARTS] = {code}, lower[ASH_CHAR_PARTS];
    size_t count = t->strip_accents ? ash_char_without_marks(code, parts) : 1;
    for (size_t i = 0; i < count; i++) {
        size_t letters = 1;
        lower[0] = parts[i];
        if (t->lower_case) letters = ash_char_lower(parts[i], lower);
        for (size_t k = 0; k < letters; k++) add_folded(t, word, lower[k], sink);
    }
}

static void encode_text(const ashore_tokenizer *t, const char *text, size_t size,
                        struct sink *sink) {
    struct word word;
    word.size = word.characters = 0;
    for (size_t at = 0; at < size;) {
        unsigned char byte = (unsigned char)text[at];
        if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
            add_character(t, &word, byte);
            at++;
            continue;
        }
        uint32_t code = ash_utf8_take(text, size, &at);
        enum ash_char_class class = ash_char_class(code);
        if (class == ASH_CHAR_CONTROL) continue;
        if (class == ASH_CHAR_SPACE || class == ASH_CHAR_IDEOGRAPH) end_word(t, &word, sink);
        if (class != ASH_CHAR_SPACE) fold(t, &word, code, sink);
        if (class == ASH_CHAR_IDEOGRAPH) end_word(t, &word, sink);
    }
    end_word(t, &word, sink);
}

/* How many ids of each of a pair are kept when `room` are too few for both: the shorter one whole,
 * or both halves. */
static void share(size_t room, size_t *text, size_t *pair) {
    size_t *shorter = *text > *pair ? pair : text, *longer = *text > *pair ? text : pair;
    if (*shorter > room / 2) *shorter = room / 2;
    *longer = room - *shorter;
}

int ashore_tokenizer_encode(const ashore_tokenizer *t, const char *text, size_t text_size,
                            const char *pair, size_t pair_size, size_t room, int64_t *ids,
                            int64_t *types, size_t *count, struct ashore_error *err) {
    size_t before = t->first >= 0, behind = t->separator >= 0;
    size_t special = before + behind * (pair ? 2 : 1);

    *count = 0;
    ASH_FAIL_IF(room < special, err, LIMIT, "tokenizer: %zu special tokens do not fit into %zu",
                special, room);
    size_t free_room = room - special;
    struct sink a = {ids + before, free_room, 0}, b = {NULL, 0, 0};
    encode_text(t, text, text_size, &a);
    size_t kept = a.count < free_room ? a.count : free_room;
    if (pair) {
        b = (struct sink){a.ids + kept + behind, free_room - kept, 0};
        encode_text(t, pair, pair_size, &b);
        if (kept + b.count > free_room) { /* now that both lengths are known, once more */
            size_t pair_kept = b.count;
            kept = a.count;
            share(free_room, &kept, &pair_kept);
            b = (struct sink){a.ids + kept + behind, pair_kept, 0};
            encode_text(t, pair, pair_size, &b);
            b.count = pair_kept;
        }
    }
    size_t at = before + kept;
    if (before) ids[0] = t->first;
    if (behind) ids[at++] = t->separator;
    for (size_t i = 0; types && i < at; i++) types[i] = 0;
    for (size_t i = 0; types && i < b.count + behind && pair; i++) types[at + i] = 1;
    at += b.count;
    if (behind && pair) ids[at++] = t->separator;
    *count = at;
    return ASHORE_OK;
}

size_t ashore_tokenizer_size(const ashore_tokenizer *t) { return t->vocab.count; }

const char *ashore_tokenizer_token(const ashore_tokenizer *t, int64_t id, size_t *length) {
    *length = 0;
    if (id < 0 || (uint64_t)id >= t->vocab.count) return NULL;
    *length = t->vocab.token[id].length;
    return t->vocab.token[id].text;
}
