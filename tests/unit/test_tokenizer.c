/* The tokenizer on texts that it has to survive, and the limits of what it is given.  What it makes
 * of ordinary texts is compared with another implementation in tests/models/test_tokenizer.py. */
#include "ashore/ashore_prep.h"
#include "prep/prep_unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nable\n!\n\xe4\xb8\xad\na\n"
    "##a\n\xe1\x84\x80\n##\xe1\x85\xa1\n";
enum { PAD, UNK, CLS, SEP, UN, AFF, ABLE_INSIDE, ABLE, BANG, MIDDLE, A, A_INSIDE, KIYEOK, A_VOWEL };

static ashore_tokenizer *make(const struct ashore_tokenizer_options *options) {
    struct ashore_error err = {0};
    ashore_tokenizer *t = NULL;
    int rc = ashore_tokenizer_create(vocab, sizeof vocab - 1, options, &t, &err);
    if (rc != ASHORE_OK) print_error("%s\n", err.text);
    assert_int_equal(rc, ASHORE_OK);
    return t;
}

static void check_ids(const ashore_tokenizer *t, const char *text, const char *pair, size_t room,
                      size_t expected, const int64_t *ids) {
    int64_t got[64], types[64];
    size_t count = 0;
    assert_int_equal(ashore_tokenizer_encode(t, text, strlen(text), pair, pair ? strlen(pair) : 0,
                                             room, got, types, &count, NULL),
                     ASHORE_OK);
    assert_int_equal(count, expected);
    int type = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got[i], ids[i]);
        assert_int_equal(types[i], type);
        if (got[i] == SEP) type = 1;
    }
}
#define CHECK(t, text, pair, room, ...)                                                            \
    check_ids(t, text, pair, room, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),             \
              (int64_t[]){__VA_ARGS__})

static void test_words(void **state) {
    (void)state;
    ashore_tokenizer *t = make(NULL);
    CHECK(t, "", NULL, 64, CLS, SEP);
    CHECK(t, "Unaffable!", NULL, 64, CLS, UN, AFF, ABLE_INSIDE, BANG, SEP);
    CHECK(t, " able \t\r\n able", NULL, 64, CLS, ABLE, ABLE, SEP);
    CHECK(t, "unknown", NULL, 64, CLS, UNK, SEP);
    CHECK(t, "a\xe4\xb8\xad\xe4\xb8\xad!", NULL, 64, CLS, A, MIDDLE, MIDDLE, BANG, SEP);
    CHECK(t, "\xc3\x84", NULL, 64, CLS, A, SEP);                   /* composed, upper case */
    CHECK(t, "a\xcc\x88 \xcc\x88", NULL, 64, CLS, A, SEP);         /* marks, one of them alone */
    CHECK(t, "\xea\xb0\x80", NULL, 64, CLS, KIYEOK, A_VOWEL, SEP); /* U+AC00 */
    CHECK(t,
          "a\xe2\x80\x8b\xc2\xad\x01"
          "a",
          NULL, 64, CLS, A, A_INSIDE, SEP);
    CHECK(t, "[CLS]", NULL, 64, CLS, UNK, UNK, UNK, SEP);
    ashore_tokenizer_destroy(&t);
    assert_null(t);
}

static void test_cased(void **state) {
    struct ashore_tokenizer_options o;
    (void)state;
    ashore_tokenizer_options_init(&o);
    o.lower_case = o.strip_accents = 0;
    o.first = o.separator = NULL;
    ashore_tokenizer *t = make(&o);
    CHECK(t, "able Able", NULL, 64, ABLE, UNK);
    int64_t id;
    size_t count = 1;
    assert_int_equal(ashore_tokenizer_encode(t, "a", 1, NULL, 0, 0, &id, NULL, &count, NULL), 0);
    assert_int_equal(count, 0);
    ashore_tokenizer_destroy(&t);
}

static void test_room(void **state) {
    struct ashore_error err = {0};
    int64_t ids[4];
    size_t count;
    (void)state;
    ashore_tokenizer *t = make(NULL);
    CHECK(t, "a able un a", NULL, 4, CLS, A, ABLE, SEP);
    CHECK(t, "a", "able", 64, CLS, A, SEP, ABLE, SEP);
    CHECK(t, "a a", "un un un un", 8, CLS, A, A, SEP, UN, UN, UN, SEP);
    CHECK(t, "un un un un", "a a", 8, CLS, UN, UN, UN, SEP, A, A, SEP);
    CHECK(t, "un un un un", "a a a a", 8, CLS, UN, UN, SEP, A, A, A, SEP);
    CHECK(t, "un un un un un un", "a", 4, CLS, UN, SEP, SEP);
    CHECK(t, "un un un", "a a a", 3, CLS, SEP, SEP);
    /* A word that turns out to be unknown where room ends. */
    CHECK(t, "unaffablex", NULL, 3, CLS, UNK, SEP);
    CHECK(t, "unaffable", NULL, 3, CLS, UN, SEP);
    assert_int_equal(ashore_tokenizer_encode(t, "a", 1, NULL, 0, 1, ids, NULL, &count, &err),
                     ASHORE_ERR_LIMIT);
    assert_string_equal(err.text, "tokenizer: 2 special tokens do not fit into 1");
    ashore_tokenizer_destroy(&t);
}

static void test_long_words(void **state) {
    struct ashore_tokenizer_options o;
    static char text[5000];
    int64_t ids[2000];
    size_t count;
    (void)state;
    memset(text, 'a', sizeof text);
    ashore_tokenizer_options_init(&o);
    o.longest_word = 1000;
    ashore_tokenizer *t = make(&o);
    assert_int_equal(ashore_tokenizer_encode(t, text, 1000, NULL, 0, 2000, ids, NULL, &count, NULL),
                     0);
    assert_int_equal(count, 1002);
    assert_int_equal(ids[1000], A_INSIDE);
    assert_int_equal(ashore_tokenizer_encode(t, text, 5000, NULL, 0, 2000, ids, NULL, &count, NULL),
                     0);
    assert_int_equal(count, 3);
    assert_int_equal(ids[1], UNK);
    for (size_t i = 0; i + 4 <= sizeof text; i += 4) memcpy(text + i, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(ashore_tokenizer_encode(t, text, 5000, NULL, 0, 2000, ids, NULL, &count, NULL),
                     0);
    assert_int_equal(count, 3);
    ashore_tokenizer_destroy(&t);
}

static void check_refused(const char *text, size_t size, int code, const char *words) {
    struct ashore_error err = {0};
    ashore_tokenizer *t = (ashore_tokenizer *)&err;
    assert_int_equal(ashore_tokenizer_create(text, size, NULL, &t, &err), code);
    assert_null(t);
    assert_non_null(strstr(err.text, words));
}

static void test_refused(void **state) {
    static char line[70000];
    struct ashore_tokenizer_options o;
    ashore_tokenizer *t;
    (void)state;
    check_refused("", 0, ASHORE_ERR_FORMAT, "empty");
    check_refused("[UNK]\n[CLS]\n", 12, ASHORE_ERR_NAME, "[SEP]");
    check_refused("\0\n\n\r\n", 5, ASHORE_ERR_NAME, "[UNK]");
    memset(line, 'x', sizeof line);
    check_refused(line, sizeof line, ASHORE_ERR_LIMIT, "line 1 has more than 65535 bytes");
    ashore_tokenizer_options_init(&o);
    o.longest_word = 1001;
    assert_int_equal(ashore_tokenizer_create(vocab, sizeof vocab - 1, &o, &t, NULL),
                     ASHORE_ERR_ARGUMENT);
    ashore_tokenizer_options_init(&o);
    o.continuation = NULL;
    assert_int_equal(ashore_tokenizer_create(vocab, sizeof vocab - 1, &o, &t, NULL),
                     ASHORE_ERR_ARGUMENT);
    ashore_tokenizer_options_init(&o);
    o.struct_size = 1;
    assert_int_equal(ashore_tokenizer_create(vocab, sizeof vocab - 1, &o, &t, NULL),
                     ASHORE_ERR_ARGUMENT);
}

static void test_lines(void **state) {
    static const char text[] = "[UNK]\r\n[CLS]\n[SEP]\na\n\na";
    struct ashore_error err = {0};
    ashore_tokenizer *t = NULL;
    int64_t ids[8];
    size_t count, length;
    (void)state;
    assert_int_equal(ashore_tokenizer_create(text, sizeof text - 1, NULL, &t, &err), 0);
    assert_int_equal(ashore_tokenizer_size(t), 6);
    assert_memory_equal(ashore_tokenizer_token(t, 0, &length), "[UNK]", 5);
    assert_int_equal(length, 5);
    assert_null(ashore_tokenizer_token(t, 6, &length));
    assert_null(ashore_tokenizer_token(t, -1, &length));
    assert_int_equal(ashore_tokenizer_encode(t, "a", 1, NULL, 0, 8, ids, NULL, &count, NULL), 0);
    assert_int_equal(ids[1], 5); /* of lines that are the same the last one counts */
    ashore_tokenizer_destroy(&t);
}

/* Random bytes, and all that begins a character: nothing is read or written outside. */
static void test_hostile(void **state) {
    uint64_t seed = 1;
    int64_t ids[32];
    size_t count;
    (void)state;
    ashore_tokenizer *t = make(NULL);
    for (int round = 0; round < 20000; round++) {
        char text[24];
        size_t size = 0;
        for (; size < sizeof text; size++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[size] = (char)(seed >> 56);
            if ((seed >> 32 & 31) == 0) break;
        }
        size_t room = 3 + (size_t)(round % 29), half = size / 2;
        assert_int_equal(ashore_tokenizer_encode(t, text, half, text + half, size - half, room, ids,
                                                 NULL, &count, NULL),
                         0);
        assert_in_range(count, 3, room);
    }
    ashore_tokenizer_destroy(&t);
}

static void test_utf8(void **state) {
    static const struct {
        const char *bytes;
        uint32_t code;
        size_t taken;
    } cases[] = {
        {"a", 'a', 1},
        {"\xc3\xa4", 0xE4, 2},
        {"\xe2\x82\xac", 0x20AC, 3},
        {"\xf0\x9f\x98\x80", 0x1F600, 4},
        {"\xf4\x8f\xbf\xbf", 0x10FFFF, 4},
        {"\x80", 0xFFFD, 1},
        {"\xc0\x80", 0xFFFD, 1},
        {"\xe0\x80\x80", 0xFFFD, 1},
        {"\xed\xa0\x80", 0xFFFD, 1},
        {"\xf4\x90\x80\x80", 0xFFFD, 1},
        {"\xf0\x9f\x98", 0xFFFD, 3},
        {"\xe2\x82"
         "a",
         0xFFFD, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = 0;
        assert_int_equal(ash_utf8_take(cases[i].bytes, strlen(cases[i].bytes), &at), cases[i].code);
        assert_int_equal(at, cases[i].taken);
    }
    for (uint32_t code = 1; code < 0x110000; code++) {
        char bytes[4];
        size_t at = 0;
        if (code >= 0xD800 && code < 0xE000) continue;
        size_t size = ash_utf8_put(code, bytes);
        assert_int_equal(ash_utf8_take(bytes, size, &at), code);
        assert_int_equal(at, size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_cased),
        cmocka_unit_test(test_room),    cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
