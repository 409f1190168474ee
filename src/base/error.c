#include "base/error.h"

#include "base/format.h"
#include "base/trimming.h"

#include <string.h>

/* Names come from files: what a terminal might obey is shown as '?'. */
static void tame(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
    }
}

void ash_misfit(void) {}
ASH_ABSENT_WITHOUT(ash_misfit, "+inexact");

static int finish(struct ashore_error *err, int code) {
    tame(err->text);
    err->code = code;
    err->node[0] = err->op[0] = '\0';
    return code;
}

#if defined(__wasm__)
#    define FAIL_LIST ash_fail_list

int ash_fail_6(struct ashore_error *err, int code, const char *fmt, int64_t a, int64_t b, int64_t c,
               int64_t d, int64_t e, int64_t f) {
    if (!err) return code;
    const int64_t args[] = {a, b, c, d, e, f};
    (void)ash_format_array(err->text, sizeof err->text, fmt, args);
    return finish(err, code);
}

int ash_fail_3(struct ashore_error *err, int code, const char *fmt, int64_t a, int64_t b,
               int64_t c) {
    return ash_fail_6(err, code, fmt, a, b, c, 0, 0, 0);
}

int ash_fail_2(struct ashore_error *err, int code, const char *fmt, int64_t a, int64_t b) {
    return ash_fail_3(err, code, fmt, a, b, 0);
}

int ash_fail_1(struct ashore_error *err, int code, const char *fmt, int64_t a) {
    return ash_fail_3(err, code, fmt, a, 0, 0);
}

int ash_fail_0(struct ashore_error *err, int code, const char *fmt) {
    return ash_fail_3(err, code, fmt, 0, 0, 0);
}

#else
#    define FAIL_LIST ash_fail
#endif

int FAIL_LIST(struct ashore_error *err, int code, const char *fmt, ...) {
    if (!err) return code;
    va_list ap;
    va_start(ap, fmt);
    (void)ash_format_list(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return finish(err, code);
}

int ash_fail_nomem(struct ashore_error *err, uint64_t bytes) {
    return ash_fail(err, ASHORE_ERR_NOMEM, "out of memory: %llu bytes could not be had",
                    (unsigned long long)bytes);
}

void ash_error_prefix(struct ashore_error *err, const char *fmt, ...) {
    if (!err) return;
    char head[sizeof err->text], tail[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    (void)ash_format_list(head, sizeof head, fmt, ap);
    va_end(ap);
    tame(head);
    memcpy(tail, err->text, sizeof tail);
    size_t n = strlen(head);
    size_t room = sizeof err->text - 1 - n;
    size_t m = strlen(tail);
    if (m > room) m = room;
    memcpy(err->text, head, n);
    memcpy(err->text + n, tail, m);
    err->text[n + m] = '\0';
}
