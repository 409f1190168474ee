/* Reads a file of another profiler: which format it is, and JSON a value at a time, so that of a
 * trace of some hundred megabytes one event is held at a time. */
#include "import_file.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Bytes: of a file; of a value that is held whole, which takes some twenty times as much memory;
 * of an event of a trace. */
enum { LARGEST_FILE = 1 << 30, LARGEST_VALUE = 128 << 20, LARGEST_EVENT = 16 << 20 };

int assess_import_fail(struct assess_import *in, const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return assess_fail(in->err, ASHORE_ERR_FORMAT, "%s: %s", in->path, text);
}

int assess_import_no_memory(struct assess_import *in) {
    return assess_fail(in->err, ASHORE_ERR_NOMEM, "%s: out of memory", in->path);
}

bool assess_import_number(const json_t *value, double *number) {
    if (json_is_number(value)) {
        *number = json_number_value(value);
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        char *end;
        if (*text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
        *number = strtod(text, &end);
        if (*end) return false;
    } else {
        return false;
    }
    return fabs(*number) < 1e18;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int read_bytes(struct assess_import *in, char **bytes, size_t *size) {
    FILE *file = fopen(in->path, "rb");
    if (!file) {
        return assess_fail(in->err, ASHORE_ERR_IO, "%s: cannot open: %s", in->path,
                           strerror(errno));
    }
    size_t room = 1 << 16;
    int rc = ASHORE_OK;
    for (*size = 0; rc == ASHORE_OK; room *= 2) {
        char *more = assess_realloc(*bytes, room);
        if (!more) {
            rc = assess_import_no_memory(in);
            break;
        }
        *bytes = more;
        *size += fread(*bytes + *size, 1, room - *size, file);
        if (ferror(file)) {
            rc = assess_fail(in->err, ASHORE_ERR_IO, "%s: cannot read: %s", in->path,
                             strerror(errno));
        } else if (*size > LARGEST_FILE) {
            rc = assess_fail(in->err, ASHORE_ERR_LIMIT,
                             "%s: larger than 1 GiB; profile for a shorter time", in->path);
        } else if (*size < room) {
            break;
        }
    }
    fclose(file);
    return rc;
}

static const char *const understood =
    "understood are speedscope files (py-spy record --format speedscope) and Chrome traces of "
    "torch.profiler, onnxruntime and py-spy";

/* What can be said of a file by its first bytes alone. */
static int check_start(struct assess_import *in, const char *bytes, size_t size) {
    size_t i = 0;
    while (i < size && (unsigned char)bytes[i] <= ' ') i++;
    if (i == size) return assess_import_fail(in, "is empty; %s", understood);
    if (size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0) {
        return assess_import_fail(in, "is compressed: gunzip it first");
    }
    if (size >= 2 && memcmp(bytes, "PK", 2) == 0) {
        return assess_import_fail(in, "is compressed: unzip it first");
    }
    if (bytes[i] != '{' && bytes[i] != '[') {
        return assess_import_fail(in, "is no JSON; %s", understood);
    }
    return ASHORE_OK;
}

/* ---- JSON, a value at a time ---------------------------------------------------------------- */

struct scan {
    struct assess_import *in;
    const char *bytes;
    size_t size, at;
    struct assess_chrome *chrome; /* NULL: no events were seen */
};

static char peek(struct scan *s) {
    while (s->at < s->size && strchr(" \t\r\n", s->bytes[s->at]) && s->bytes[s->at]) s->at++;
    return s->at < s->size ? s->bytes[s->at] : '\0';
}

static int fail_at(struct scan *s, size_t at, const char *what) {
    size_t line = 1;
    for (size_t i = 0; i < at && i < s->size; i++) line += s->bytes[i] == '\n';
    if (at >= s->size) {
        return assess_import_fail(s->in, "line %zu: the file ends early, after %zu bytes: %s", line,
                                  s->size, what);
    }
    return assess_import_fail(s->in, "line %zu, byte %zu: %s", line, at, what);
}

/* The value that begins here, whole, of at most so many bytes. */
static int read_value(struct scan *s, size_t most, json_t **value) {
    json_error_t error;
    peek(s);
    size_t left = s->size - s->at, taken = left < most ? left : most;
    *value = json_loadb(s->bytes + s->at, taken,
                        JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
                            JSON_ALLOW_NUL,
                        &error);
    size_t used = error.position > 0 ? (size_t)error.position : 0;
    if (*value) {
        s->at += used;
        return ASHORE_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory) return assess_import_no_memory(s->in);
    if (taken < left && json_error_code(&error) == json_error_premature_end_of_input) {
        return assess_fail(s->in->err, ASHORE_ERR_LIMIT,
                           "%s: byte %zu: a value of more than %zu MiB; profile for a shorter time",
                           s->in->path, s->at, most >> 20);
    }
    return fail_at(s, s->at + used, error.text);
}

static int expect(struct scan *s, char c) {
    if (peek(s) != c) {
        char what[32];
        snprintf(what, sizeof what, "'%c' is missing", c);
        return fail_at(s, s->at, what);
    }
    s->at++;
    return ASHORE_OK;
}

/* After an item: true when another follows, with the comma taken; otherwise `end` is taken. */
static int next_item(struct scan *s, char end, bool *more) {
    *more = peek(s) == ',';
    return expect(s, *more ? ',' : end);
}

static int read_events(struct scan *s) {
    if (!s->chrome) s->chrome = assess_chrome_create(s->in);
    if (!s->chrome) return assess_import_no_memory(s->in);
    ASSESS_TRY(expect(s, '['));
    bool more = peek(s) != ']';
    if (!more) return expect(s, ']');
    for (size_t number = 0; more; number++) {
        json_t *event;
        ASSESS_TRY(read_value(s, LARGEST_EVENT, &event));
        int rc = assess_chrome_event(s->chrome, event, number);
        json_decref(event);
        ASSESS_TRY(rc);
        /* The array form may lack its end: who writes it while the program runs leaves it open. */
        bool comma = peek(s) == ',';
        if (comma) s->at++;
        if (peek(s) == '\0' && s->at >= s->size) return ASHORE_OK;
        more = peek(s) != ']';
        if (more && !comma) return fail_at(s, s->at, "',' or ']' is missing");
    }
    return expect(s, ']');
}

/* Of the rest of a file, what a speedscope file needs.  Takes the value. */
static int keep_member(struct scan *s, json_t *top, const char *key, json_t *value) {
    static const char *const kept[] = {"profiles", "shared", "exporter"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strcmp(key, kept[i]) != 0) continue;
        return json_object_set_new(top, key, value) == 0 ? ASHORE_OK
                                                         : assess_import_no_memory(s->in);
    }
    json_decref(value);
    return ASHORE_OK;
}

static int read_member(struct scan *s, json_t *top) {
    json_t *key;
    if (peek(s) != '"') return fail_at(s, s->at, "a key in quotes is missing");
    ASSESS_TRY(read_value(s, LARGEST_EVENT, &key));
    int rc = expect(s, ':');
    bool events = rc == ASHORE_OK && strcmp(json_string_value(key), "traceEvents") == 0;
    if (events) {
        if (peek(s) != '[') rc = fail_at(s, s->at, "traceEvents is no array");
        if (rc == ASHORE_OK) rc = read_events(s);
    } else if (rc == ASHORE_OK) {
        json_t *value;
        rc = read_value(s, LARGEST_VALUE, &value);
        if (rc == ASHORE_OK) rc = keep_member(s, top, json_string_value(key), value);
    }
    json_decref(key);
    return rc;
}

static int read_object(struct scan *s, json_t *top) {
    ASSESS_TRY(expect(s, '{'));
    bool more = peek(s) != '}';
    if (!more) return expect(s, '}');
    while (more) {
        ASSESS_TRY(read_member(s, top));
        ASSESS_TRY(next_item(s, '}', &more));
    }
    return ASHORE_OK;
}

static int read_top(struct scan *s, json_t *top) {
    if (peek(s) == '[') {
        ASSESS_TRY(read_events(s));
    } else {
        ASSESS_TRY(read_object(s, top));
    }
    if (peek(s) != '\0' || s->at < s->size) return fail_at(s, s->at, "more than one value");
    if (s->chrome) return assess_chrome_finish(s->chrome);
    if (json_object_get(top, "profiles") && json_object_get(top, "shared")) {
        return assess_import_speedscope(s->in, top);
    }
    return assess_import_fail(s->in, "is JSON of another kind; %s", understood);
}

int assess_profile_import(const char *path, const struct assess_rules *rules,
                          struct assess_pool *pool, struct assess_profile *profile,
                          struct ashore_error *err) {
    *profile = (struct assess_profile){0};
    struct assess_import in = {.path = path, .err = err};
    assess_builder_init(&in.builder, rules, pool, profile);
    char *bytes = NULL;
    size_t size = 0;
    json_t *top = json_object();
    int rc = top ? read_bytes(&in, &bytes, &size) : assess_import_no_memory(&in);
    if (rc == ASHORE_OK) rc = check_start(&in, bytes, size);
    struct scan scan = {&in, bytes, size, 0, NULL};
    if (rc == ASHORE_OK) rc = read_top(&scan, top);
    assess_chrome_destroy(&scan.chrome);
    json_decref(top);
    assess_realloc(bytes, 0);
    if (rc == ASHORE_OK) rc = assess_builder_finish(&in.builder, path, err);
    assess_builder_deinit(&in.builder);
    if (rc < 0) *profile = (struct assess_profile){0};
    return rc;
}
