/* Speedscope files: of py-spy and others, and our own.
 *
 * A frame is a function with its file; a profile is one thread, either samples with weights or
 * events that open and close frames.  Our own files say the bucket in a last frame "[compute]".
 * Source: the format's type definitions (file-format-spec.ts of speedscope). */
#include "import_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_A_FRAME = -2 }; /* py-spy's headings for processes and threads, and buckets */

struct frame {
    int32_t function;          /* or NOT_A_FRAME */
    enum assess_bucket bucket; /* ASSESS_BUCKETS: it says none */
};

struct reader {
    struct assess_import *in;
    struct frame *frames;
    size_t frame_count;
    int32_t *stack; /* functions, root first */
    uint32_t *open; /* frames of events, root first */
    size_t depth, stack_room, open_room;
    double scale; /* of the profile's unit, s */
    bool own, pyspy, has_native, has_python, unitless, unordered;
    size_t closed_wrong;
};

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- frames --------------------------------------------------------------------------------- */

/* "name (file:line)" or "name (file)": what is in the brackets; false when it is not that. */
static bool split_name(char *name, const char **path, double *line) {
    size_t n = strlen(name);
    char *open = strrchr(name, '(');
    if (n == 0 || name[n - 1] != ')' || !open || open < name + 2 || open[-1] != ' ') return false;
    name[n - 1] = '\0';
    char *colon = strrchr(open, ':');
    if (colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        *line = strtod(colon + 1, NULL);
        *colon = '\0';
    }
    *path = open + 1;
    open[-1] = '\0';
    return true;
}

static enum assess_bucket bucket_of(const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) {
        const char *bucket = assess_bucket_names[i];
        if (n == strlen(bucket) + 2 && name[0] == '[' && name[n - 1] == ']' &&
            strncmp(name + 1, bucket, n - 2) == 0) {
            return (enum assess_bucket)i;
        }
    }
    return ASSESS_BUCKETS;
}

static int read_frame(struct reader *r, const json_t *object, size_t i) {
    struct frame *f = &r->frames[i];
    *f = (struct frame){NOT_A_FRAME, ASSESS_BUCKETS};
    const json_t *name = json_object_get(object, "name"), *file = json_object_get(object, "file");
    const json_t *at = json_object_get(object, "line");
    double line = 0;
    if (!json_is_string(name)) {
        return assess_import_fail(r->in, "shared.frames[%zu] has no name", i);
    }
    if (file && !json_is_string(file) && !json_is_null(file)) {
        return assess_import_fail(r->in, "shared.frames[%zu].file is no text", i);
    }
    if (at && !json_is_null(at) && !assess_import_number(at, &line)) {
        return assess_import_fail(r->in, "shared.frames[%zu].line is no number", i);
    }
    const char *path = json_is_string(file) ? json_string_value(file) : "";
    const char *text = json_string_value(name);
    if (r->own && !path[0]) f->bucket = bucket_of(text);
    bool heading = strncmp(text, "process ", 8) == 0 || strncmp(text, "thread (", 8) == 0 ||
                   strcmp(text, "[self]") == 0;
    if (f->bucket < ASSESS_BUCKETS || (!r->own && !path[0] && heading)) return ASHORE_OK;
    char *copy = assess_copy_text(r->in->builder.build.pool, text, strlen(text));
    if (!copy) return assess_import_no_memory(r->in);
    if (!r->own && !path[0]) split_name(copy, &path, &line);
    struct assess_named named = {.name = copy,
                                 .path = path,
                                 .python = assess_is_python_file(path, line > 0),
                                 .whole_path = r->own};
    /* The line is part of a function's name in our own files; others mean the line that ran. */
    if (r->own && line >= 1 && line <= UINT32_MAX) named.line = (uint32_t)line;
    if (r->own && strcmp(path, "<python>") == 0) named.path = "";
    r->has_python = r->has_python || named.python;
    r->has_native = r->has_native || (!named.python && path[0]);
    f->function = assess_builder_function(&r->in->builder, &named);
    return f->function == ASSESS_NO_FUNCTION ? assess_import_no_memory(r->in) : ASHORE_OK;
}

static int read_frames(struct reader *r, const json_t *top) {
    const json_t *list = json_object_get(json_object_get(top, "shared"), "frames");
    if (!json_is_array(list)) return assess_import_fail(r->in, "shared.frames is no array");
    r->frame_count = json_array_size(list);
    r->frames = assess_alloc_array(r->in->builder.build.pool, r->frame_count, sizeof *r->frames);
    if (!r->frames) return assess_import_no_memory(r->in);
    for (size_t i = 0; i < r->frame_count; i++) {
        ASSESS_TRY(read_frame(r, json_array_get(list, i), i));
    }
    return ASHORE_OK;
}

/* false when it is no index of a frame. */
static bool frame_index(const struct reader *r, const json_t *value, uint32_t *index) {
    double v;
    if (!json_is_number(value) || !assess_import_number(value, &v)) return false;
    if (!(v >= 0 && v < (double)r->frame_count) || v != floor(v)) return false;
    *index = (uint32_t)v;
    return true;
}

/* ---- stacks --------------------------------------------------------------------------------- */

/* Puts what a frame means onto the stack; *bucket stays when it says none. */
static bool push(struct reader *r, uint32_t index, size_t *depth, enum assess_bucket *bucket) {
    const struct frame *f = &r->frames[index];
    if (f->bucket < ASSESS_BUCKETS) *bucket = f->bucket;
    if (f->function < 0) return true;
    if (!assess_grow((void **)&r->stack, *depth, &r->stack_room, sizeof *r->stack)) return false;
    r->stack[(*depth)++] = f->function;
    return true;
}

/* What is native before the first Python function only starts the thread: left out. */
static void add(struct reader *r, size_t thread, double begin, double end, size_t depth,
                enum assess_bucket bucket) {
    struct assess_builder *b = &r->in->builder;
    size_t start = 0;
    if (b->failed) return;
    while (start < depth && !b->build.functions[r->stack[start]].python) start++;
    if (start == depth || r->own) start = 0;
    const int32_t *stack = r->stack ? r->stack + start : NULL;
    if (bucket == ASSESS_BUCKETS) bucket = assess_builder_classify(b, stack, depth - start);
    assess_builder_add(b, thread, begin, end, stack, depth - start, bucket);
}

static int read_samples(struct reader *r, const json_t *profile, size_t number, size_t thread) {
    const json_t *samples = json_object_get(profile, "samples");
    const json_t *weights = json_object_get(profile, "weights");
    if (!json_is_array(samples) || !json_is_array(weights) ||
        json_array_size(samples) != json_array_size(weights)) {
        return assess_import_fail(
            r->in, "profiles[%zu]: samples and weights are not arrays of one length", number);
    }
    double now = 0;
    for (size_t i = 0; i < json_array_size(samples); i++) {
        const json_t *sample = json_array_get(samples, i);
        double weight;
        if (!json_is_array(sample)) {
            return assess_import_fail(r->in, "profiles[%zu].samples[%zu] is no array", number, i);
        }
        if (!assess_import_number(json_array_get(weights, i), &weight) || weight < 0) {
            return assess_import_fail(r->in, "profiles[%zu].weights[%zu] is no weight", number, i);
        }
        size_t depth = 0;
        enum assess_bucket bucket = ASSESS_BUCKETS;
        for (size_t k = 0; k < json_array_size(sample); k++) {
            uint32_t index;
            if (!frame_index(r, json_array_get(sample, k), &index)) {
                return assess_import_fail(
                    r->in, "profiles[%zu].samples[%zu][%zu] is no index of a frame", number, i, k);
            }
            if (!push(r, index, &depth, &bucket)) return assess_import_no_memory(r->in);
        }
        double end = now + weight * r->scale;
        add(r, thread, now, end, depth, bucket);
        now = end;
    }
    r->in->builder.profile->samples += json_array_size(samples);
    return ASHORE_OK;
}

/* From one event to the next, with what is open. */
static int add_open(struct reader *r, size_t thread, double begin, double end) {
    size_t depth = 0;
    enum assess_bucket bucket = ASSESS_BUCKETS;
    if (r->depth == 0 || !(end > begin)) return ASHORE_OK;
    size_t from = r->depth > ASSESS_DEEPEST ? r->depth - ASSESS_DEEPEST : 0;
    for (size_t i = from; i < r->depth; i++) {
        if (!push(r, r->open[i], &depth, &bucket)) return assess_import_no_memory(r->in);
    }
    add(r, thread, begin * r->scale, end * r->scale, depth, bucket);
    return ASHORE_OK;
}

/* A frame that is closed although others within it are open closes those too. */
static void close_frame(struct reader *r, uint32_t index) {
    size_t at = r->depth;
    while (at > 0 && r->open[at - 1] != index) at--;
    if (at != r->depth || at == 0) r->closed_wrong++;
    if (at > 0) r->depth = at - 1;
}

static int read_events(struct reader *r, const json_t *profile, size_t number, size_t thread) {
    const json_t *events = json_object_get(profile, "events");
    double last = 0, begin = 0, end = 0;
    if (!json_is_array(events)) {
        return assess_import_fail(r->in, "profiles[%zu].events is no array", number);
    }
    if (!assess_import_number(json_object_get(profile, "startValue"), &begin)) begin = 0;
    r->depth = 0;
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *type = text_of(event, "type");
        double at;
        uint32_t index;
        if (!assess_import_number(json_object_get(event, "at"), &at) || (i && at < last)) {
            return assess_import_fail(
                r->in, "profiles[%zu].events[%zu].at is no number, or before the last", number, i);
        }
        if (!frame_index(r, json_object_get(event, "frame"), &index) ||
            (strcmp(type, "O") != 0 && strcmp(type, "C") != 0)) {
            return assess_import_fail(
                r->in, "profiles[%zu].events[%zu] neither opens nor closes a frame", number, i);
        }
        ASSESS_TRY(add_open(r, thread, last - begin, at - begin));
        last = at;
        if (type[0] == 'C') {
            close_frame(r, index);
            continue;
        }
        if (!assess_grow((void **)&r->open, r->depth, &r->open_room, sizeof *r->open)) {
            return assess_import_no_memory(r->in);
        }
        r->open[r->depth++] = index;
    }
    if (!assess_import_number(json_object_get(profile, "endValue"), &end)) end = last;
    return add_open(r, thread, last - begin, end - begin);
}

/* ---- profiles ------------------------------------------------------------------------------- */

/* The number after a word of a profile's name: Thread 4011, Thread 0x7F5A. */
static uint32_t number_after(const char *name, const char *word) {
    const char *at = strstr(name, word);
    return at ? (uint32_t)strtoull(at + strlen(word), NULL, 0) : 0;
}

/* A thread is called what stands in quotes, or what stands before empty ones. */
static size_t add_thread(struct reader *r, const char *name, size_t number) {
    struct assess_builder *b = &r->in->builder;
    uint32_t pid = number_after(name, "Process "), tid = number_after(name, "Thread ");
    const char *open = strchr(name, '"'), *end = open ? strrchr(open + 1, '"') : NULL;
    const char *from = name, *to = name + strlen(name);
    if (end && end > open + 1) {
        from = open + 1;
        to = end;
    } else if (end) {
        to = open;
        while (to > from && to[-1] == ' ') to--;
    }
    const char *inner = assess_copy_text(b->build.pool, from, (size_t)(to - from));
    return assess_builder_thread(b, pid, tid ? tid : (uint32_t)number + 1, inner ? inner : name);
}

static int read_unit(struct reader *r, const json_t *profile, size_t number) {
    static const struct {
        const char *name;
        double scale;
    } units[] = {{"seconds", 1},
                 {"milliseconds", 1e-3},
                 {"microseconds", 1e-6},
                 {"nanoseconds", 1e-9},
                 {"none", 1}};
    const char *unit = text_of(profile, "unit");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].name) != 0) continue;
        r->scale = units[i].scale;
        r->unitless = r->unitless || strcmp(unit, "none") == 0;
        return ASHORE_OK;
    }
    return assess_import_fail(r->in, "profiles[%zu].unit is \"%.40s\": it is no profile of time",
                              number, unit);
}

static int read_profile(struct reader *r, const json_t *profile, size_t number) {
    const char *type = text_of(profile, "type");
    ASSESS_TRY(read_unit(r, profile, number));
    size_t thread = add_thread(r, text_of(profile, "name"), number);
    /* Our own files hold request threads alone. */
    if (r->own && !r->in->builder.failed) {
        r->in->builder.threads[thread].role = ASSESS_ROLE_REQUEST;
    }
    if (r->in->builder.failed) return ASHORE_OK; /* said at the end */
    if (strcmp(type, "sampled") == 0) return read_samples(r, profile, number, thread);
    if (strcmp(type, "evented") == 0) return read_events(r, profile, number, thread);
    return assess_import_fail(
        r->in, "profiles[%zu].type is \"%.40s\": sampled and evented are known", number, type);
}

static void add_notes(struct reader *r) {
    struct assess_builder *b = &r->in->builder;
    double waiting = 0;
    for (size_t i = 0; i < b->thread_count; i++) {
        const double *s = b->threads[i].seconds;
        waiting += s[ASSESS_IO] + s[ASSESS_LOCK_WAIT] + s[ASSESS_IDLE];
    }
    if (r->unitless) {
        assess_builder_note(b, "The file counts samples, not time: one is taken for a second. "
                               "Shares are right, seconds are not.");
    }
    if (r->closed_wrong) {
        assess_builder_note(b, "%zu frames were closed out of order.", r->closed_wrong);
    }
    if (r->own) return;
    if (r->has_python && !r->has_native) {
        assess_builder_note(b, "The file has Python frames alone: what functions in C do (the "
                               "model, copies, and with --idle also sleep and recv that are called "
                               "directly) appears as the Python function that called them, under "
                               "interpreter, which is an upper bound. Waiting for the "
                               "interpreter's lock does not show. Record with py-spy's --native "
                               "to tell them apart.");
    }
    if (waiting <= 0) {
        assess_builder_note(b, "The file has no thread that waits: it holds time on the processor, "
                               "not wall time. Record with py-spy's --idle to see waiting.");
    } else {
        assess_builder_note(b, "Waiting is recognised by names of functions; whether a request was "
                               "there meanwhile the file does not say. Sleeping counts as io.");
    }
}

int assess_import_speedscope(struct assess_import *in, const json_t *top) {
    const json_t *profiles = json_object_get(top, "profiles");
    const char *exporter = text_of(top, "exporter");
    struct reader r = {.in = in, .scale = 1};
    r.own = strncmp(exporter, "ashore", 6) == 0;
    r.pyspy = strncmp(exporter, "py-spy", 6) == 0;
    if (!json_is_array(profiles)) return assess_import_fail(in, "profiles is no array");
    if (json_array_size(profiles) == 0) return assess_import_fail(in, "holds no profile");
    int rc = read_frames(&r, top);
    for (size_t i = 0; i < json_array_size(profiles) && rc == ASHORE_OK; i++) {
        rc = read_profile(&r, json_array_get(profiles, i), i);
    }
    if (rc == ASHORE_OK && !in->builder.failed && in->builder.part_count == 0) {
        rc = assess_import_fail(in, "holds no time: every profile is empty");
    }
    if (rc == ASHORE_OK) add_notes(&r);
    in->builder.profile->source = r.own ? "sampled" : r.pyspy ? "py-spy" : "speedscope";
    assess_realloc(r.stack, 0);
    assess_realloc(r.open, 0);
    return rc;
}
