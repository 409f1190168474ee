/* The HTTP client's parts that need no server: URLs, heads of requests, answers as bytes. */
#include "assess/http_answer.h"
#include "assess/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_urls(void **state) {
    (void)state;
    static const struct {
        const char *url, *host, *port, *authority, *target, *socket;
    } rows[] = {
        {"http://localhost", "localhost", "80", "localhost", "/", ""},
        {"HTTP://Host:8000/", "Host", "8000", "Host:8000", "/", ""},
        {"http://h:1/a/b?c=d&e=%20#part", "h", "1", "h:1", "/a/b?c=d&e=%20", ""},
        {"http://h?q", "h", "80", "h", "/?q", ""},
        {"http://h#f", "h", "80", "h", "/", ""},
        {"http://h:/x", "h", "80", "h:", "/x", ""},
        {"http://[::1]:65535/x", "::1", "65535", "[::1]:65535", "/x", ""},
        {"http://[fe80::1]", "fe80::1", "80", "[fe80::1]", "/", ""},
        {"http+unix://%2Frun%2fapp.sock/x", "", "", "localhost", "/x", "/run/app.sock"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assess_url url;
        struct ashore_error err = {0};
        assert_int_equal(assess_url_parse(rows[i].url, &url, &err), ASHORE_OK);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.port, rows[i].port);
        assert_string_equal(url.authority, rows[i].authority);
        assert_string_equal(url.target, rows[i].target);
        assert_string_equal(url.socket_path, rows[i].socket);
    }
}

static void test_bad_urls(void **state) {
    (void)state;
    static const struct {
        const char *url, *words;
    } rows[] = {
        {"", "no URL"},
        {"localhost:8000", "begins with http://"},
        {"ftp://h/", "begins with http://"},
        {"https://h/", "https is not spoken"},
        {"http:///x", "no host"},
        {"http://:80/x", "no host"},
        {"http://[]/x", "no host"},
        {"http://[::1/x", "bracket"},
        {"http://[::1]8/x", "follows the address"},
        {"http://h:0/", "port"},
        {"http://h:65536/", "port"},
        {"http://h:99999999999999999999/", "port"},
        {"http://h:8x/", "port"},
        {"http://h:-1/", "port"},
        {"http://me:secret@h/", "credentials"},
        {"http://h/a b", "percent-encoded"},
        {"http://h/\r\nHost: x", "percent-encoded"},
        {"http://h/\xc3\xa9", "percent-encoded"},
        {"http+unix:///x", "socket's path"},
        {"http+unix://%2/x", "socket's path"},
        {"http+unix://%zz/x", "socket's path"},
        {"http+unix://a%00b/x", "socket's path"},
    };
    struct assess_url url;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ashore_error err = {0};
        assert_int_equal(assess_url_parse(rows[i].url, &url, &err), ASHORE_ERR_ARGUMENT);
        if (!strstr(err.text, rows[i].words)) fail_msg("%s: %s", rows[i].url, err.text);
    }
    /* Lengths at and beyond the limits of host, path and socket. */
    static const struct {
        const char *before, *after;
        size_t fits;
    } limits[] = {{"http://", "/", 255}, {"http://h/", "", 4094}, {"http+unix://", "/", 107}};
    for (size_t i = 0; i < 3; i++) {
        for (size_t over = 0; over < 2; over++) {
            char text[5000] = {0};
            size_t at = strlen(limits[i].before);
            memcpy(text, limits[i].before, at);
            memset(text + at, 'a', limits[i].fits + over);
            memcpy(text + at + limits[i].fits + over, limits[i].after, strlen(limits[i].after));
            assert_int_equal(assess_url_parse(text, &url, NULL),
                             over ? ASHORE_ERR_ARGUMENT : ASHORE_OK);
        }
    }
    assert_int_equal(assess_url_parse(NULL, &url, NULL), ASHORE_ERR_ARGUMENT);
}

static void test_heads(void **state) {
    (void)state;
    struct assess_url url;
    assert_int_equal(assess_url_parse("http://h:1/x?y", &url, NULL), ASHORE_OK);
    struct assess_pool pool = {0};
    struct assess_request_head head;
    struct assess_request plain = {0};
    assert_int_equal(assess_request_head(&plain, &url, &pool, &head, NULL), ASHORE_OK);
    assert_string_equal(head.bytes, "GET /x?y HTTP/1.1\r\nHost: h:1\r\n");
    assert_false(head.has_body || head.closes || head.answer_is_head || head.chooses_length);

    static const char *const headers[] = {"Accept: text/plain", "host: other",
                                          "Connection:  close"};
    struct assess_body body = {"abc", 3};
    struct assess_request full = {
        .headers = headers, .header_count = 3, .bodies = &body, .body_count = 1};
    assert_int_equal(assess_request_head(&full, &url, &pool, &head, NULL), ASHORE_OK);
    assert_string_equal(head.bytes, "POST /x?y HTTP/1.1\r\nAccept: text/plain\r\nhost: other\r\n"
                                    "Connection:  close\r\n");
    assert_true(head.has_body && head.closes);

    static const char *const bad[] = {"",       "no colon",     ": empty",
                                      "a b: c", "A: b\r\nC: d", "Transfer-Encoding: chunked"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct assess_request wrong = {.headers = &bad[i], .header_count = 1};
        assert_int_equal(assess_request_head(&wrong, &url, &pool, &head, NULL),
                         ASHORE_ERR_ARGUMENT);
    }
    static const char *const methods[] = {"", "GE T", "GET\r\n", "CONNECT"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct assess_request wrong = {.method = methods[i]};
        assert_int_equal(assess_request_head(&wrong, &url, &pool, &head, NULL),
                         ASHORE_ERR_ARGUMENT);
    }
    assess_pool_deinit(&pool);
}

#define OK "HTTP/1.1 200 OK\r\n"

static const struct row {
    const char *bytes;
    int status;
    size_t body, rest; /* bytes that belong to nothing any more */
    bool keep;
    const char *failure; /* a part of it; NULL: none */
} answers[] = {
    {OK "Content-Length: 2\r\n\r\nok", 200, 2, 0, true, NULL},
    {OK "content-length:2\r\n\r\nokmore", 200, 2, 4, true, NULL},
    {OK "Content-Length: 0\r\n\r\n", 200, 0, 0, true, NULL},
    {OK "Content-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok", 200, 2, 0, true, NULL},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, 0, 0, true, NULL},
    {"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, 1, 0, true, NULL},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, 1, 0, false, NULL},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", 200, 1, 0, true,
     NULL},
    {OK "Connection: foo, close\r\nContent-Length: 1\r\n\r\nx", 200, 1, 0, false, NULL},
    {OK "\r\nuntil the end", 200, 13, 0, false, NULL},
    {OK "\r\n", 200, 0, 0, false, NULL},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, 0, 0, true, NULL},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0, 0, true, NULL},
    {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early\r\n\r\n" OK
     "Content-Length: 1\r\n\r\nx",
     200, 1, 0, true, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n", 200, 13,
     0, true, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", 200, 0, 0, true, NULL},
    {OK "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, 1, 0, true, NULL},
    {OK "Transfer-Encoding: gzip\r\n\r\nabc", 200, 3, 0, false, NULL},
    {OK "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, 1, 0,
     false, NULL},
    {OK "X: y\r\n folded\r\nContent-Length: 1\r\n\r\nx", 200, 1, 0, true, NULL},
    {"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nwhy", 500, 3, 0, true, NULL},

    {"", 0, 0, 0, false, "without an answer"},
    {"HTT", 0, 0, 0, false, "in the middle"},
    {OK "Content-Length: 5\r\n\r\nabc", 200, 3, 0, false, "in the middle"},
    {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, 3, 0, false, "in the middle"},
    {"SSH-2.0-OpenSSH\r\n", 0, 0, 0, false, "no HTTP/1.x status line"},
    {"HTTP/2 200\r\n", 0, 0, 0, false, "no HTTP/1.x status line"},
    {"HTTP/1.1 20x OK\r\n", 0, 0, 0, false, "no HTTP/1.x status line"},
    {"HTTP/1.1 2000 OK\r\n", 0, 0, 0, false, "no HTTP/1.x status line"},
    {"HTTP/1.1 099 OK\r\n", 0, 0, 0, false, "no HTTP/1.x status line"},
    {"\r\n", 0, 0, 0, false, "no HTTP/1.x status line"},
    {"HTTP/1.1 101 Switching\r\n\r\n", 101, 0, 0, false, "another protocol"},
    {OK "nonsense\r\n", 200, 0, 0, false, "without a name"},
    {OK ": x\r\n", 200, 0, 0, false, "without a name"},
    {OK "Content-Length: 2\r\nContent-Length: 3\r\n", 200, 0, 0, false, "contradictory"},
    {OK "Content-Length: -1\r\n", 200, 0, 0, false, "contradictory"},
    {OK "Content-Length: 0x10\r\n", 200, 0, 0, false, "contradictory"},
    {OK "Content-Length: 99999999999999999999999999\r\n", 200, 0, 0, false, "contradictory"},
    {OK "Content-Length: 1073741825\r\n\r\n", 200, 0, 0, false, "larger than 1 GiB"},
    {OK "Transfer-Encoding: chunked, gzip\r\n", 200, 0, 0, false, "contradictory"},
    {OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 200, 0, 0, false, "without its size"},
    {OK "Transfer-Encoding: chunked\r\n\r\n\r\n", 200, 0, 0, false, "without its size"},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 200, 2, 0, false, "longer than its size"},
    {OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 200, 0, 0, false,
     "larger than 1 GiB"},
};

static void check_answer(const struct row *row, size_t piece) {
    struct assess_answer a;
    assess_answer_begin(&a, false);
    size_t size = strlen(row->bytes), at = 0;
    while (at < size && a.state < ASSESS_ANSWER_DONE) {
        /* A copy of its own size, so that reading beyond it is seen by a sanitizer. */
        size_t n = piece < size - at ? piece : size - at;
        char *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, row->bytes + at, n);
        at += assess_answer_read(&a, copy, n);
        free(copy);
    }
    if (a.state < ASSESS_ANSWER_DONE) assess_answer_end(&a);
    const char *failure = a.failure ? a.failure : "none";
    if (!strstr(failure, row->failure ? row->failure : "none") || a.status != row->status ||
        a.body_size != row->body || a.keep != row->keep ||
        (!row->failure && size - at != row->rest))
        fail_msg("%s\nin pieces of %zu: %s, status %d, body %zu, rest %zu", row->bytes, piece,
                 failure, a.status, (size_t)a.body_size, size - at);
}

static void test_answers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        for (size_t piece = 1; piece < 40; piece++) check_answer(&answers[i], piece);
}

static void feed(struct assess_answer *a, const char *bytes, size_t size, uint32_t *random) {
    assess_answer_begin(a, false);
    size_t at = 0;
    while (at < size && a->state < ASSESS_ANSWER_DONE) {
        *random = *random * 1664525U + 1013904223U;
        size_t n = 1 + (*random >> 16) % 40;
        if (n > size - at) n = size - at;
        size_t used = assess_answer_read(a, bytes + at, n);
        assert_true(used > 0 && used <= n);
        at += used;
    }
    if (a->state < ASSESS_ANSWER_DONE) assess_answer_end(a);
    assert_true(a->state == ASSESS_ANSWER_DONE || a->state == ASSESS_ANSWER_FAILED);
    assert_true((a->state == ASSESS_ANSWER_FAILED) == (a->failure != NULL));
    assert_true(a->kept_size <= ASSESS_BODY_KEPT && a->body_size <= ASSESS_BODY_MOST);
}

/* Whatever is sent, what becomes of it does not depend on the pieces in which it comes. */
static void test_changed_answers(void **state) {
    (void)state;
    uint32_t random = 1;
    for (size_t round = 0; round < 40000; round++) {
        const char *from = answers[round % (sizeof answers / sizeof *answers)].bytes;
        char bytes[300];
        size_t size = strlen(from);
        assert_true(size < sizeof bytes);
        memcpy(bytes, from, size);
        for (size_t i = 0; size && i < 1 + round % 3; i++) {
            random = random * 1664525U + 1013904223U;
            static const char liked[] = "\r\n :;,0159afF \0\xff";
            bytes[(random >> 8) % size] = liked[(random >> 24) % (sizeof liked - 1)];
        }
        struct assess_answer a, b;
        feed(&a, bytes, size, &random);
        feed(&b, bytes, size, &random);
        assert_true(a.state == b.state && a.failure == b.failure && a.status == b.status);
        assert_true(a.keep == b.keep && a.body_size == b.body_size && a.kept_size == b.kept_size);
        assert_memory_equal(a.kept, b.kept, a.kept_size);
    }
}

static void test_heads_of_answers(void **state) {
    (void)state;
    struct assess_answer a;
    static const char bytes[] = OK "Content-Length: 1000\r\n\r\n";
    assess_answer_begin(&a, true);
    assert_int_equal(assess_answer_read(&a, bytes, sizeof bytes - 1), sizeof bytes - 1);
    assert_int_equal(a.state, ASSESS_ANSWER_DONE);
    assert_true(a.keep);
}

/* Feeds `first`, then `again` until the answer is over or `most` bytes have gone. */
static void check_endless(const char *first, const char *again, size_t most, const char *words) {
    struct assess_answer a;
    assess_answer_begin(&a, false);
    assess_answer_read(&a, first, strlen(first));
    size_t gone = 0;
    while (a.state < ASSESS_ANSWER_DONE && gone < most) {
        gone += assess_answer_read(&a, again, strlen(again));
    }
    assert_int_equal(a.state, ASSESS_ANSWER_FAILED);
    assert_non_null(strstr(a.failure, words));
}

static void test_endless_answers(void **state) {
    (void)state;
    size_t most = ASSESS_HEAD_MOST + 4096;
    check_endless("", "x", most, "64 KiB");
    check_endless(OK, "Name: value\r\n", most, "64 KiB");
    check_endless(OK "Name: ", "value ", most, "64 KiB");
    check_endless("", "HTTP/1.1 100 Continue\r\n\r\n", most, "64 KiB");
    check_endless(OK "Transfer-Encoding: chunked\r\n\r\n1;", "extension", most, "64 KiB");
    check_endless(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "Trailer: x\r\n", most, "64 KiB");
    /* A body without end: the counter stands just below the limit. */
    struct assess_answer a;
    assess_answer_begin(&a, false);
    assess_answer_read(&a, OK "\r\n", sizeof OK + 1);
    a.body_size = ASSESS_BODY_MOST - 3;
    assess_answer_read(&a, "abc", 3);
    assert_int_equal(a.state, ASSESS_ANSWER_BODY_REST);
    assess_answer_read(&a, "d", 1);
    assert_int_equal(a.state, ASSESS_ANSWER_FAILED);
    /* Many small chunks are no header. */
    assess_answer_begin(&a, false);
    static const char begin[] = OK "Transfer-Encoding: chunked\r\n\r\n";
    assess_answer_read(&a, begin, sizeof begin - 1);
    for (size_t i = 0; i < ASSESS_HEAD_MOST; i++) assess_answer_read(&a, "1\r\nx\r\n", 6);
    assert_int_equal(assess_answer_read(&a, "0\r\n\r\n", 5), 5);
    assert_int_equal(a.state, ASSESS_ANSWER_DONE);
    assert_int_equal(a.body_size, ASSESS_HEAD_MOST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_changed_answers),
        cmocka_unit_test(test_heads_of_answers),
        cmocka_unit_test(test_endless_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
