/* Reads the events of Chrome traces: torch.profiler (Kineto), onnxruntime, py-spy.
 *
 * An event has a phase (X whole, B and E its two ends), a category that says what it is, a time ts
 * and a length dur in microseconds.  Source: Trace Event Format; categories as the three write
 * them. */
#include "import_chrome.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1000, MOST_EVENTS = 64 << 20, DEVICE = 100, IGNORED };

static const struct category {
    const char *name;
    int kind;
} categories[] = {
    {"cpu_op", ASSESS_EV_OP},
    {"Operator", ASSESS_EV_OP},
    {"user_annotation", ASSESS_EV_ANNOTATION},
    {"python_function", ASSESS_EV_PYTHON},
    {"cuda_runtime", ASSESS_EV_RUNTIME},
    {"cuda_driver", ASSESS_EV_RUNTIME},
    {"Runtime", ASSESS_EV_RUNTIME},
    {"xpu_runtime", ASSESS_EV_RUNTIME},
    {"xpu_driver", ASSESS_EV_RUNTIME},
    {"privateuse1_runtime", ASSESS_EV_RUNTIME},
    {"privateuse1_driver", ASSESS_EV_RUNTIME},
    {"Api", ASSESS_EV_RUNTIME},
    {"overhead", ASSESS_EV_OVERHEAD},
    {"Session", ASSESS_EV_RUN},
    {"Node", ASSESS_EV_NODE},
    {"py-spy", ASSESS_EV_STACK},
    {"kernel", DEVICE},
    {"Kernel", DEVICE},
    {"gpu_memcpy", DEVICE},
    {"Memcpy", DEVICE},
    {"gpu_memset", DEVICE},
    {"Memset", DEVICE},
    /* On rows of devices, but no work of theirs; and what has no length. */
    {"gpu_user_annotation", IGNORED},
    {"cuda_sync", IGNORED},
    {"Trace", IGNORED},
    {"ac2g", IGNORED},
    {"fwdbwd", IGNORED},
    {"cpu_instant_event", IGNORED},
};

struct assess_chrome *assess_chrome_create(struct assess_import *in) {
    struct assess_chrome *c = assess_realloc(NULL, sizeof *c);
    if (c) *c = (struct assess_chrome){.in = in};
    return c;
}

void assess_chrome_destroy(struct assess_chrome **chrome) {
    struct assess_chrome *c = *chrome;
    if (!c) return;
    assess_realloc(c->events, 0);
    assess_realloc(c->marks, 0);
    assess_realloc(c->device_events, 0);
    assess_realloc(c->rows, 0);
    assess_realloc(c->window.items, 0);
    assess_realloc(c->kernels.items, 0);
    assess_realloc(c->engine.items, 0);
    assess_realloc(c, 0);
    *chrome = NULL;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- threads -------------------------------------------------------------------------------- */

/* A number is the same thread as text, which some versions write for a part of the events. */
static uint64_t hash_id(uint64_t hash, const json_t *id) {
    double number = 0;
    const char *text = assess_import_number(id, &number) ? NULL : json_string_value(id);
    const unsigned char *p = text ? (const unsigned char *)text : (const unsigned char *)&number;
    size_t n = text ? strlen(text) + 1 : sizeof number;
    for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint32_t id_number(const json_t *id) {
    double v;
    if (!assess_import_number(id, &v) || v < 0) return 0;
    return (uint32_t)((uint64_t)v & UINT32_MAX);
}

/* The thread's row, made where there is none. */
static int find_row(struct assess_chrome *c, const json_t *event, uint32_t *row) {
    const json_t *pid = json_object_get(event, "pid"), *tid = json_object_get(event, "tid");
    uint64_t key = hash_id(hash_id(UINT64_C(0xcbf29ce484222325), pid), tid);
    size_t i = c->last_row;
    if (i >= c->row_count || c->rows[i].key != key) i = 0;
    while (i < c->row_count && c->rows[i].key != key) i++;
    if (i == c->row_count) {
        if (i == MOST_ROWS) {
            return assess_fail(c->in->err, ASHORE_ERR_LIMIT, "%s: more than %d threads",
                               c->in->path, MOST_ROWS);
        }
        if (!assess_grow((void **)&c->rows, i, &c->row_room, sizeof *c->rows)) {
            return assess_import_no_memory(c->in);
        }
        c->rows[c->row_count++] = (struct assess_row){
            .key = key, .pid = id_number(pid), .tid = id_number(tid), .name = ""};
    }
    c->last_row = i;
    *row = (uint32_t)i;
    return ASHORE_OK;
}

static int read_metadata(struct assess_chrome *c, const json_t *event) {
    uint32_t row;
    if (strcmp(text_of(event, "name"), "thread_name") != 0) return ASHORE_OK;
    ASSESS_TRY(find_row(c, event, &row));
    const char *name = text_of(json_object_get(event, "args"), "name");
    c->rows[row].name = assess_copy_text(c->in->builder.build.pool, name, strlen(name));
    return c->rows[row].name ? ASHORE_OK : assess_import_no_memory(c->in);
}

/* ---- what an event is called ---------------------------------------------------------------- */

/* "torch/nn/modules/module.py(1501): _call_impl", "nn.Module: Linear_0", "<built-in method stack of
 * type object at 0x7f6bf4ebc100>", of which the address goes. */
static void name_python(char *name, struct assess_named *named) {
    char *address = strstr(name, " at 0x");
    named->name = name;
    if (begins(name, "<built-in ")) {
        if (address) memcpy(address, ">", 2);
        return;
    }
    named->python = true;
    char *close = strstr(name, "): "), *open = close;
    while (open && open > name && *open != '(') open--;
    if (!open || *open != '(') return;
    unsigned long line = strtoul(open + 1, NULL, 10);
    named->line = line <= UINT32_MAX ? (uint32_t)line : 0;
    *open = '\0';
    named->path = name;
    named->name = close + 3;
}

static void name_stack(const json_t *event, struct assess_named *named) {
    named->path = text_of(json_object_get(event, "args"), "filename");
    named->python = assess_is_python_file(named->path, false);
}

static void name_node(const json_t *event, struct assess_named *named) {
    const json_t *args = json_object_get(event, "args");
    const char *operator_name = text_of(args, "op_name"), *provider = text_of(args, "provider");
    if (operator_name[0]) named->name = operator_name;
    named->path = provider[0] ? provider : "onnxruntime";
}

static int name_event(struct assess_chrome *c, const json_t *event, struct assess_event *e) {
    const char *text = text_of(event, "name");
    size_t length = strlen(text);
    char *copy = assess_realloc(NULL, length + 1);
    if (!copy) return assess_import_no_memory(c->in);
    memcpy(copy, text, length + 1);
    struct assess_named named = {.name = copy, .path = text_of(event, "cat")};
    if (e->kind == ASSESS_EV_STEP) copy[strlen("ProfilerStep")] = '\0';
    if (e->kind == ASSESS_EV_PYTHON) {
        named.path = "";
        name_python(copy, &named);
    }
    if (e->kind == ASSESS_EV_STACK) name_stack(event, &named);
    if (e->kind == ASSESS_EV_RUN || e->kind == ASSESS_EV_NODE) name_node(event, &named);
    e->function = assess_builder_function(&c->in->builder, &named);
    assess_realloc(copy, 0);
    return e->function == ASSESS_NO_FUNCTION ? assess_import_no_memory(c->in) : ASHORE_OK;
}

static int kind_of(struct assess_chrome *c, const char *category) {
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        if (strcmp(category, categories[i].name) == 0) return categories[i].kind;
    }
    size_t used = strlen(c->others);
    if (category[0] && used < 120 && !strstr(c->others, category)) {
        snprintf(c->others + used, sizeof c->others - used, "%s%.30s", used ? ", " : "", category);
    }
    return IGNORED;
}

/* Kind and flags that depend on the name. */
static void refine(const json_t *event, struct assess_event *e) {
    static const char *const copies[] = {"aten::copy_",      "aten::_to_copy",
                                         "aten::to",         "aten::pin_memory",
                                         "aten::item",       "aten::_local_scalar_dense",
                                         "aten::_pin_memory"};
    const char *name = text_of(event, "name");
    if (e->kind == ASSESS_EV_ANNOTATION || e->kind == ASSESS_EV_OP) {
        if (begins(name, "ProfilerStep#")) e->kind = ASSESS_EV_STEP;
        if (begins(name, "enumerate(DataLoader)#")) e->kind = ASSESS_EV_LOADER;
    }
    if (e->kind == ASSESS_EV_OP) {
        if (begins(name, "autograd::engine::")) e->flags |= ASSESS_EV_ENGINE;
        for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
            if (strcmp(name, copies[i]) == 0) e->flags |= ASSESS_EV_COPY;
        }
    }
    if (e->kind == ASSESS_EV_RUNTIME) {
        if (strstr(name, "Synchronize")) e->flags |= ASSESS_EV_SYNC;
        if (strstr(name, "Memcpy") || strstr(name, "emcpyAsync")) e->flags |= ASSESS_EV_COPY;
    }
    if (e->kind == ASSESS_EV_PYTHON && strstr(name, "run_backward")) e->flags |= ASSESS_EV_BACKWARD;
    if (e->kind == ASSESS_EV_NODE) {
        const char *operator_name = text_of(json_object_get(event, "args"), "op_name");
        if (begins(operator_name, "Memcpy")) e->flags |= ASSESS_EV_COPY;
    }
    if (e->kind == ASSESS_EV_RUN && strcmp(name, "model_run") != 0) {
        e->kind = strstr(name, "Execute") ? ASSESS_EV_NODE : ASSESS_EV_LOADING;
    }
}

static void count_event(struct assess_chrome *c, const struct assess_event *e) {
    struct assess_row *row = &c->rows[e->row];
    row->steps += e->kind == ASSESS_EV_STEP;
    row->runs += e->kind == ASSESS_EV_RUN;
    row->own +=
        e->kind == ASSESS_EV_STEP || e->kind == ASSESS_EV_LOADER || e->kind == ASSESS_EV_PYTHON;
    row->torch += e->kind <= ASSESS_EV_RUNTIME;
    c->has_steps = c->has_steps || e->kind == ASSESS_EV_STEP;
    c->has_runs = c->has_runs || e->kind == ASSESS_EV_RUN;
    c->has_stacks = c->has_stacks || e->kind == ASSESS_EV_STACK;
    c->has_python = c->has_python || e->kind == ASSESS_EV_PYTHON;
    c->has_torch = c->has_torch || e->kind <= ASSESS_EV_RUNTIME;
}

/* ---- events --------------------------------------------------------------------------------- */

static int add_device_event(struct assess_chrome *c, const json_t *event, double begin,
                            double end) {
    if (!assess_grow((void **)&c->device_events, c->device_count, &c->device_room,
                     sizeof *c->device_events)) {
        return assess_import_no_memory(c->in);
    }
    const json_t *device = json_object_get(json_object_get(event, "args"), "device");
    if (!device) device = json_object_get(event, "pid");
    const char *category = text_of(event, "cat");
    c->device_events[c->device_count++] = (struct assess_device_event){
        begin, end, id_number(device),
        strcmp(category, "kernel") == 0 || strcmp(category, "Kernel") == 0};
    return ASHORE_OK;
}

static int add_event(struct assess_chrome *c, struct assess_event event) {
    if (event.kind == ASSESS_EV_LOADING) {
        c->loading += (event.end - event.begin) * 1e-6;
        return ASHORE_OK;
    }
    if (c->event_count >= MOST_EVENTS) {
        return assess_fail(c->in->err, ASHORE_ERR_LIMIT, "%s: more than %d events", c->in->path,
                           MOST_EVENTS);
    }
    if (!assess_grow((void **)&c->events, c->event_count, &c->event_room, sizeof *c->events)) {
        return assess_import_no_memory(c->in);
    }
    c->events[c->event_count++] = event;
    return ASHORE_OK;
}

static int add_mark(struct assess_chrome *c, const struct assess_event *event, bool is_end) {
    if (c->mark_count >= MOST_EVENTS ||
        !assess_grow((void **)&c->marks, c->mark_count, &c->mark_room, sizeof *c->marks)) {
        return assess_import_no_memory(c->in);
    }
    c->marks[c->mark_count++] = (struct assess_mark){*event, is_end};
    return ASHORE_OK;
}

/* Of an event that is not accounted for: an end may be without a category, and would else be taken
 * for that of another. */
static int read_begin(struct assess_chrome *c, const json_t *event, double at, size_t number) {
    struct assess_event e = {.begin = at, .number = (uint32_t)number, .kind = IGNORED};
    ASSESS_TRY(find_row(c, event, &e.row));
    return add_mark(c, &e, false);
}

static int read_end(struct assess_chrome *c, const json_t *event, double at, size_t number) {
    struct assess_event e = {.begin = at, .number = (uint32_t)number};
    ASSESS_TRY(find_row(c, event, &e.row));
    return add_mark(c, &e, true);
}

static int read_event(struct assess_chrome *c, const json_t *event, char phase, size_t number) {
    double at, length = 0;
    const json_t *duration = json_object_get(event, "dur");
    if (!assess_import_number(json_object_get(event, "ts"), &at)) {
        return assess_import_fail(c->in, "event %zu: ts is no number", number);
    }
    if (phase == 'E') return read_end(c, event, at, number);
    int kind = kind_of(c, text_of(event, "cat"));
    if (kind >= DEVICE && phase == 'B') return read_begin(c, event, at, number);
    if (kind == IGNORED) return ASHORE_OK;
    if (!json_is_string(json_object_get(event, "name"))) {
        return assess_import_fail(c->in, "event %zu: it has no name", number);
    }
    if (phase == 'X' && duration && !assess_import_number(duration, &length)) {
        return assess_import_fail(c->in, "event %zu: dur is no number", number);
    }
    if (length < 0) {
        c->negative++;
        return ASHORE_OK;
    }
    if (kind == DEVICE) return add_device_event(c, event, at, at + length);
    struct assess_event e = {at, at + length, 0, (uint32_t)number, 0, (uint8_t)kind, 0};
    refine(event, &e);
    ASSESS_TRY(find_row(c, event, &e.row));
    ASSESS_TRY(name_event(c, event, &e));
    count_event(c, &e);
    return phase == 'B' ? add_mark(c, &e, false) : add_event(c, e);
}

int assess_chrome_event(struct assess_chrome *c, const json_t *event, size_t number) {
    const char *phase = text_of(event, "ph");
    if (!json_is_object(event) || phase[0] == '\0') {
        return assess_import_fail(c->in, "event %zu: it is no event with a phase (ph)", number);
    }
    if (strcmp(phase, "M") == 0) return read_metadata(c, event);
    if (strchr("XBE", phase[0]) && phase[1] == '\0') {
        return read_event(c, event, phase[0], number);
    }
    return ASHORE_OK;
}

/* ---- events in two parts -------------------------------------------------------------------- */

static int by_row_and_time(const void *pa, const void *pb) {
    const struct assess_event *a = &((const struct assess_mark *)pa)->event;
    const struct assess_event *b = &((const struct assess_mark *)pb)->event;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Pairs what begins with what ends; what is still open ends with the last mark of its thread. */
static int pair_marks(struct assess_chrome *c) {
    uint32_t *open = assess_realloc(NULL, (c->mark_count + 1) * sizeof *open);
    if (!open) return assess_import_no_memory(c->in);
    int rc = ASHORE_OK;
    size_t depth = 0;
    if (c->mark_count) qsort(c->marks, c->mark_count, sizeof *c->marks, by_row_and_time);
    for (size_t i = 0; i < c->mark_count && rc == ASHORE_OK; i++) {
        const struct assess_mark *mark = &c->marks[i];
        bool last = i + 1 == c->mark_count || mark[1].event.row != mark->event.row;
        if (!mark->is_end) open[depth++] = (uint32_t)i;
        if (mark->is_end && depth == 0) c->unopened++;
        size_t closed = last ? depth : mark->is_end && depth ? 1 : 0;
        if (last && depth) c->unfinished += depth - (mark->is_end ? 1 : 0);
        for (; closed > 0 && rc == ASHORE_OK; closed--) {
            struct assess_event whole = c->marks[open[--depth]].event;
            whole.end = mark->event.begin;
            if (whole.kind != IGNORED) rc = add_event(c, whole);
        }
    }
    assess_realloc(open, 0);
    return rc;
}

static void rebase(struct assess_chrome *c) {
    double base = c->event_count    ? c->events[0].begin
                  : c->device_count ? c->device_events[0].begin
                                    : 0;
    for (size_t i = 0; i < c->event_count; i++) {
        if (c->events[i].begin < base) base = c->events[i].begin;
    }
    for (size_t i = 0; i < c->device_count; i++) {
        if (c->device_events[i].begin < base) base = c->device_events[i].begin;
    }
    for (size_t i = 0; i < c->event_count; i++) {
        c->events[i].begin = (c->events[i].begin - base) * 1e-6;
        c->events[i].end = (c->events[i].end - base) * 1e-6;
    }
    for (size_t i = 0; i < c->device_count; i++) {
        c->device_events[i].begin = (c->device_events[i].begin - base) * 1e-6;
        c->device_events[i].end = (c->device_events[i].end - base) * 1e-6;
    }
}

/* Events without length: nothing ran in them, and the sweep needs an end after each begin. */
static void drop_empty(struct assess_chrome *c) {
    size_t kept = 0;
    for (size_t i = 0; i < c->event_count; i++) {
        if (c->events[i].end > c->events[i].begin) c->events[kept++] = c->events[i];
    }
    c->event_count = kept;
}

static void add_notes(struct assess_chrome *c) {
    struct assess_builder *b = &c->in->builder;
    if (c->negative) {
        assess_builder_note(b, "%zu events have a negative length: left out.", c->negative);
    }
    if (c->unfinished || c->unopened) {
        assess_builder_note(b, "%zu events do not end in the file, %zu end that never began.",
                            c->unfinished, c->unopened);
    }
    if (c->has_runs) {
        assess_builder_note(b, "The file holds what onnxruntime did. Of the time between runs it "
                               "says nothing (Python, waiting for requests): that is unknown.");
    }
    if (c->loading > 0) {
        assess_builder_note(b,
                            "Loading and preparing models took %.3f s, which is not in the "
                            "shares.",
                            c->loading);
    }
    if (c->has_stacks) {
        assess_builder_note(b, "Time in native code appears as time of the Python function that "
                               "called it unless py-spy ran with --native; waiting is there only "
                               "with --idle.");
    }
    if (!c->has_torch) return;
    if (c->has_steps && !c->has_python) {
        assess_builder_note(b, "Gaps between operators within a step count as interpreter: the "
                               "file does not say what ran there. with_stack=True would.");
    }
    if (!c->has_steps && !c->has_python) {
        assess_builder_note(b, "The file has no steps and no stacks: gaps between operators are "
                               "unknown. Call step() of the profiler (with a schedule) once per "
                               "request, or use with_stack=True.");
    }
    assess_builder_note(b, "torch.profiler slows the program it looks at, above all with stacks: "
                           "shares of small operators and Python are overstated.");
}

int assess_chrome_finish(struct assess_chrome *c) {
    ASSESS_TRY(pair_marks(c));
    if (c->event_count == 0 && c->loading > 0) {
        return assess_import_fail(c->in, "a model is loaded in it, and never runs");
    }
    if (c->event_count == 0 && c->device_count == 0) {
        return assess_import_fail(c->in,
                                  "holds no event of torch.profiler, onnxruntime or py-spy%s%s",
                                  c->others[0] ? "; its categories: " : "", c->others);
    }
    rebase(c);
    drop_empty(c);
    ASSESS_TRY(assess_chrome_account(c));
    assess_chrome_device(c);
    if (c->in->builder.part_count == 0 && c->device_count == 0 && !c->in->builder.failed) {
        return assess_import_fail(c->in, "holds no time: every event is empty");
    }
    add_notes(c);
    c->in->builder.profile->source = c->has_runs     ? "onnxruntime"
                                     : c->has_stacks ? "py-spy"
                                                     : "torch.profiler";
    return ASHORE_OK;
}
