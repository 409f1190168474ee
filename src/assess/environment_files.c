/* Reading the kernel's files, which are text that a hostile file may only pretend to be. */
#include "environment_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 20, MOST_PATH = 4096 };

/* A pipe in the place of a file does not block, it is empty. */
static bool read_path(const char *path, struct assess_text *text) {
    char chunk[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return false;
    while (text->length < MOST_BYTES) {
        ssize_t n = read(file, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        for (ssize_t i = 0; i < n; i++)
            if (chunk[i] == '\0') chunk[i] = ' ';
        assess_text_add_bytes(text, chunk, (size_t)n);
        if (text->failed) break;
    }
    close(file);
    return text->length > 0 && !text->failed;
}

bool assess_read_text(const char *root, struct assess_text *text, const char *fmt, ...) {
    char path[MOST_PATH];
    size_t length = strlen(root);
    *text = (struct assess_text){0};
    if (length >= sizeof path - 1) return false;
    memcpy(path, root, length);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path + length, sizeof path - length, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof path - length) return false;
    if (read_path(path, text)) return true;
    assess_text_deinit(text);
    return false;
}

static const char *skip_blanks(const char *s) {
    while (*s == ' ' || *s == '\t') s++;
    return s;
}

const char *assess_find_value(const char *text, const char *key, size_t *length) {
    size_t key_length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, key_length) != 0) continue;
        const char *value = skip_blanks(line + key_length);
        if (*value != ':' && *value != '=') continue;
        value = skip_blanks(value + 1);
        *length = strcspn(value, "\n");
        return value;
    }
    return NULL;
}

const char *assess_clean(struct assess_pool *pool, const char *s, size_t length) {
    enum { LONGEST = 100 };
    while (length > 0 && (unsigned char)s[length - 1] <= ' ') length--;
    if (length > LONGEST) {
        length = LONGEST;
        while (length > 0 && ((unsigned char)s[length] & 0xc0) == 0x80) length--; /* UTF-8 */
    }
    char *copy = assess_copy_text(pool, s, length);
    for (size_t i = 0; copy && i < length; i++)
        if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f) copy[i] = ' ';
    return copy;
}

double assess_number(const char *s) {
    s = skip_blanks(s);
    if (*s < '0' || *s > '9') return NAN;
    double value = strtod(s, NULL);
    return isfinite(value) ? value : NAN;
}

/* ---- processors ----------------------------------------------------------------------------- */

static void add_processors(struct assess_processors *p, unsigned long low, unsigned long high) {
    for (unsigned long i = low; i <= high; i++) {
        unsigned char bit = (unsigned char)(1u << i % 8);
        p->count += !(p->set[i / 8] & bit);
        p->set[i / 8] |= bit;
    }
}

bool assess_parse_processors(const char *s, struct assess_processors *processors) {
    *processors = (struct assess_processors){0};
    for (;;) {
        char *end;
        if (*s < '0' || *s > '9') return false;
        unsigned long low = strtoul(s, &end, 10), high = low;
        if (*end == '-') {
            s = end + 1;
            if (*s < '0' || *s > '9') return false;
            high = strtoul(s, &end, 10);
        }
        if (low > high || high >= ASSESS_PROCESSORS) return false;
        add_processors(processors, low, high);
        if (*end != ',') return *end == '\0' || *end == '\n';
        s = end + 1;
    }
}

bool assess_has_processor(const struct assess_processors *processors, size_t i) {
    return i < ASSESS_PROCESSORS && (processors->set[i / 8] >> i % 8 & 1);
}

bool assess_usable_processors(const char *root, struct assess_processors *processors) {
    struct assess_text text;
    size_t length;
    *processors = (struct assess_processors){0};
    if (!assess_read_text(root, &text, "/proc/self/status")) return false;
    const char *list = assess_find_value(text.bytes, "Cpus_allowed_list", &length);
    bool found = list && assess_parse_processors(list, processors);
    assess_text_deinit(&text);
    return found;
}
