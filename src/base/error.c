#include "base/error.h"

#include "base/format.h"

#include <string.h>

/* Names come from files: what a terminal might obey is shown as '?'. */
static void tame(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
    }
}

int ash_fail(struct ashore_error *err, int code, const char *fmt, ...) {
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        (void)ash_format_list(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        tame(err->text);
        err->code = code;
        err->node[0] = err->op[0] = '\0';
    }
    return code;
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
