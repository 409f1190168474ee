/* Regular expressions: what matches, what does not, and what takes no time that it should not. */
#include "base/heap.h"
#include "ops/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* 1 and 0: whether it matches; -1: the pattern is refused. */
static int match(const char *pattern, const char *text, size_t length) {
    const struct ash_regex *regex = NULL;
    struct ash_heap heap;
    struct ash_arena arena;
    int result = -1;

    ash_heap_init(&heap, NULL, NULL);
    ash_arena_init(&arena, &heap);
    if (ash_regex_compile(pattern, strlen(pattern), &arena, &regex, NULL) == ASHORE_OK) {
        size_t bytes = ash_regex_memory(regex);
        void *memory = ash_alloc(&heap, bytes);

        assert_non_null(memory);
        result = ash_regex_match(regex, text, length, memory);
        ash_free(&heap, memory, bytes);
    }
    ash_arena_deinit(&arena);
    return result;
}

static void test_table(void **state) {
    static const struct {
        const char *pattern, *text;
        int result;
    } cases[] = {
        {"", "", 1},
        {"", "a", 0},
        {"a", "a", 1},
        {"a", "ab", 0},
        {"a|b|", "", 1},
        {"a|b|cd", "cd", 1},
        {"(a|b)*c", "abbac", 1},
        {"(a|b)*c", "abba", 0},
        {"a+", "", 0},
        {"a?b", "b", 1},
        {"a{2}", "aa", 1},
        {"a{2}", "aaa", 0},
        {"a{2,}", "aaaa", 1},
        {"a{1,3}", "aaaa", 0},
        {"a{0}", "", 1},
        {"(ab){2,3}c", "ababababc", 0},
        {"(ab){2,3}c", "abababc", 1},
        {"a{,2}", "a{,2}", 1},
        {"{", "{", 1},
        {"a*?b+?", "aabb", 1},
        {".", "\n", 0},
        {".", "\xc3\xa9", 1},
        {"..", "\xc3\xa9", 0},
        {".", "\xff", 1},
        {"[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", 1},
        {"[^a-c]", "d", 1},
        {"[^a-c]", "b", 0},
        {"[]a]+", "a]", 1},
        {"[a-]+", "-a", 1},
        {"[\\d_]+", "1_2", 1},
        {"[^\\W]", "-", 0},
        {"\\D\\d\\s\\S\\w\\W", "a1 b_-", 1},
        {"\\x41\\x{1F600}", "A\xf0\x9f\x98\x80", 1},
        {"\\.\\*\\[", ".*[", 1},
        {"\\t\\n\\a", "\t\n\a", 1},
        {"^a$", "a", 1},
        {"a^b", "ab", 0},
        {"\\Aa\\z", "a", 1},
        {"\\bab\\b", "ab", 1},
        {"a\\bb", "ab", 0},
        {"a\\Bb", "ab", 1},
        {"(?:a)(?P<n>b)(?<m>c)", "abc", 1},
        {"(a*)*b", "aaab", 1},
        {"(|a)+", "aaa", 1},
        {"(a|b|c|d|e)(f|g)", "eg", 1},
        {"(", "", -1},
        {"a)", "a", -1},
        {"[a", "a", -1},
        {"*a", "a", -1},
        {"a{1001}", "a", -1},
        {"\\1", "", -1},
        {"(?i)a", "a", -1},
        {"(?=a)a", "a", -1},
        {"[[:alpha:]]", "a", -1},
        {"[b-a]", "a", -1},
        {"\\", "", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int got = match(cases[i].pattern, cases[i].text, strlen(cases[i].text));
        if (got != cases[i].result)
            fail_msg("%s on \"%s\": %d", cases[i].pattern, cases[i].text, got);
    }
}

/* Texts on which backtracking takes 2^n steps. */
static void test_linear(void **state) {
    static char text[100000];

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(match("(a*)*b", text, sizeof text), 0);
    assert_int_equal(match("(a|aa|aaa)+", text, sizeof text), 1);
    assert_int_equal(match("(a?){100}a{100}", text, 100), 1);
    assert_int_equal(match("(a?){100}a{100}", text, 99), 0);
    assert_int_equal(match("((a{10}){10}){10}", text, 1000), 1);
    assert_int_equal(match("((a{10}){10}){10}", text, 999), 0);
    assert_int_equal(match("(((a{10}){10}){10}){10}", text, 10), -1);
}

static void test_find(void **state) {
    static const struct {
        const char *pattern, *text;
        size_t start;
        int at, length; /* at -1: there is none */
    } cases[] = {
        {"[a-z]+", " ab cd", 0, 1, 2}, {"[a-z]+", " ab cd", 2, 2, 1},
        {"[a-z]+", " ab cd", 3, 4, 2}, {"x", "abc", 0, -1, 0},
        {"o|one", "two one", 0, 2, 1}, {"o|one", "two one", 3, 4, 3},
        {"a*", "baa", 0, 0, 0},        {"a*", "baa", 1, 1, 2},
        {"a+?b?", "caab", 0, 1, 3},    {"\\bcd\\b", "acd cd", 0, 4, 2},
        {"^a", "aa", 1, -1, 0},        {"a$", "aa", 0, 1, 1},
        {"ab|bcd", "abcd", 0, 0, 2},   {".", "\xc3\xa9", 0, 0, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ash_regex *regex = NULL;
        struct ash_str found = {0, 0};
        struct ash_heap heap;
        struct ash_arena arena;

        ash_heap_init(&heap, NULL, NULL);
        ash_arena_init(&arena, &heap);
        assert_int_equal(
            ash_regex_compile(cases[i].pattern, strlen(cases[i].pattern), &arena, &regex, NULL),
            ASHORE_OK);
        size_t bytes = ash_regex_memory(regex);
        void *memory = ash_alloc(&heap, bytes);
        assert_non_null(memory);
        bool any = ash_regex_find(regex, cases[i].text, strlen(cases[i].text), cases[i].start,
                                  &found, memory);
        int at = any ? (int)found.offset : -1, length = any ? (int)found.length : 0;
        ash_free(&heap, memory, bytes);
        ash_arena_deinit(&arena);
        if (at != cases[i].at || length != cases[i].length)
            fail_msg("%s in \"%s\" from %zu: %d bytes at %d", cases[i].pattern, cases[i].text,
                     cases[i].start, length, at);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_linear),
                                       cmocka_unit_test(test_find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
