#include "export_text.h"

#include <stdlib.h>
#include <string.h>

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

/* Bytes of the well-formed sequence that begins here; 0: none does.  Source: Unicode, table 3-7. */
static size_t sequence_length(const unsigned char *s) {
    unsigned char low = 0x80, high = 0xbf;
    size_t length;
    if (s[0] < 0x80) return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        length = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        length = 3;
        if (s[0] == 0xe0) low = 0xa0;
        if (s[0] == 0xed) high = 0x9f;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        length = 4;
        if (s[0] == 0xf0) low = 0x90;
        if (s[0] == 0xf4) high = 0x8f;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (s[i] < low || s[i] > high) return 0;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

void assess_add_utf8(struct assess_text *text, const char *s) {
    while (*s) {
        size_t n = sequence_length((const unsigned char *)s);
        if (n) assess_text_add_bytes(text, s, n);
        if (!n) assess_text_add(text, "\xef\xbf\xbd");
        s += n ? n : 1;
    }
}

void assess_add_json(struct assess_text *text, const char *s) {
    assess_text_add(text, "\"");
    while (*s) {
        size_t n = sequence_length((const unsigned char *)s);
        if (n == 0) {
            assess_text_add(text, "\xef\xbf\xbd");
        } else if (*s == '"' || *s == '\\') {
            assess_text_printf(text, "\\%c", *s);
        } else if (n == 1 && (unsigned char)*s < ' ') {
            assess_text_printf(text, "\\u%04x", (unsigned)*s);
        } else {
            assess_text_add_bytes(text, s, n);
        }
        s += n ? n : 1;
    }
    assess_text_add(text, "\"");
}

size_t assess_split_place(const char *place, uint32_t *line) {
    size_t length = strlen(place);
    const char *colon = strrchr(place, ':');
    *line = 0;
    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1)) return length;
    unsigned long long value = strtoull(colon + 1, NULL, 10);
    if (value == 0 || value > UINT32_MAX) return length;
    *line = (uint32_t)value;
    return (size_t)(colon - place);
}

/* ---- threads -------------------------------------------------------------------------------- */

const struct assess_thread *assess_find_thread(const struct assess_profile *profile, uint32_t pid,
                                               uint32_t tid) {
    for (size_t i = 0; i < profile->thread_count; i++) {
        const struct assess_thread *t = &profile->threads[i];
        if (t->pid == pid && t->tid == tid) return t;
    }
    return NULL;
}

struct key {
    uint32_t pid, tid, index;
};

/* Spans are by begin already: the index keeps that. */
static int by_thread(const void *pa, const void *pb) {
    const struct key *a = pa, *b = pb;
    if (a->pid != b->pid) return a->pid < b->pid ? -1 : 1;
    if (a->tid != b->tid) return a->tid < b->tid ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

uint32_t *assess_order_spans(const struct assess_profile *profile) {
    size_t n = profile->span_count;
    if (n >= UINT32_MAX / sizeof(struct key)) return NULL;
    struct key *keys = assess_realloc(NULL, (n + 1) * sizeof *keys);
    uint32_t *order = assess_realloc(NULL, (n + 1) * sizeof *order);
    if (!keys || !order) {
        assess_realloc(keys, 0);
        assess_realloc(order, 0);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        keys[i] = (struct key){profile->spans[i].pid, profile->spans[i].tid, (uint32_t)i};
    }
    qsort(keys, n, sizeof *keys, by_thread);
    for (size_t i = 0; i < n; i++) order[i] = keys[i].index;
    assess_realloc(keys, 0);
    return order;
}
