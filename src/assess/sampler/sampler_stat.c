/* The number of threads in /proc/self/stat, less the sampler's: CPython 3.12 and later look it up
 * after a fork, to warn of a fork with threads, and would warn a program that has none. */
#include "sampler_next.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_FIELD = 3, THREADS_FIELD = 20, ROOM = 2048 };

/* The place of the field in the text of a stat file; NULL when it has none.  The second field is a
 * name in parentheses, of any bytes. */
static char *threads_field(char *text) {
    char *p = strrchr(text, ')');
    if (!p) return NULL;
    for (int field = STATE_FIELD - 1; p && field < THREADS_FIELD; field++) p = strchr(p + 1, ' ');
    return p ? p + 1 : NULL;
}

static FILE *without_sampler(FILE *file) {
    char text[ROOM], rest[ROOM];
    if (!file) return NULL;
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    char *field = threads_field(text), *end = NULL;
    FILE *changed = field ? fmemopen(NULL, ROOM, "w+") : NULL;
    long threads = field ? strtol(field, &end, 10) : 0;
    if (!changed || threads < 2) {
        if (changed) fclose(changed);
        rewind(file);
        return file;
    }
    int length = snprintf(rest, sizeof rest, "%ld%s", threads - 1, end);
    fwrite(text, 1, (size_t)(field - text), changed);
    if (length > 0) fwrite(rest, 1, strnlen(rest, sizeof rest), changed);
    rewind(changed);
    fclose(file);
    return changed;
}

EXPORT FILE *fopen(const char *restrict path, const char *restrict mode) {
    NEXT(FILE *, fopen, const char *, const char *);
    FILE *file = next(path, mode);
    return sampler_runs() && !strcmp(path, "/proc/self/stat") ? without_sampler(file) : file;
}

EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode) {
    return fopen(path, mode);
}
