/* What core.js calls.  Private to the package: both sides are of one version, which core.js checks.
 *
 * An instance holds one model, one session and at most one run.  Memory that JavaScript fills is a
 * uint8 tensor (`buffer`), so that every block has a handle and one way to be given back. Functions
 * that make a value return NULL on failure, those that return a status leave the detail where
 * `error` points. */
#include "exports.h"
#include "ashore/ashore.h"

#include "base/wasm_heap.h"

#if defined(__wasm_atomics__)
#    include "base/pool.h"
#endif

#include <stdbool.h>
#include <string.h>

/* External data of the model, given by location before it is loaded. */
struct external {
    struct external *next;
    const char *location;
    const void *data;
    size_t size;
};

static struct {
    ashore_model *model;
    ashore_session *session;
    ashore_run *run;
    struct external *external;
    bool gave;
    struct ashore_error error;
} js;

EXPORT(const char *, version, void) { return ashore_version(); }

EXPORT(struct ashore_error *, error, void) { return &js.error; }

/* ---- values --------------------------------------------------------------------------------- */

EXPORT(ashore_value *, tensor, int dtype, int rank, const int64_t *shape) {
    ashore_value *value = NULL;
    (void)ashore_tensor_create(dtype, rank, shape, &value, &js.error);
    return value;
}

EXPORT(ashore_value *, buffer, size_t size) {
    int64_t shape = (int64_t)size;
    return js_tensor(ASHORE_UINT8, 1, &shape);
}

/* Where JavaScript writes an element of a new tensor or buffer. */
EXPORT(void *, data, ashore_value *value) { return ashore_value_data_mut(value); }

EXPORT(void, release, ashore_value *value) { ashore_value_release(&value); }

EXPORT(ashore_value *, strings, int rank, const int64_t *shape, const char *const *text,
       const size_t *length) {
    ashore_value *value = NULL;
    (void)ashore_tensor_create_strings(rank, shape, text, length, &value, &js.error);
    return value;
}

EXPORT(ashore_value *, sequence, ashore_value *const *items, size_t count) {
    ashore_value *value = NULL;
    (void)ashore_sequence_create(items, count, &value, &js.error);
    return value;
}

EXPORT(ashore_value *, optional, ashore_value *item) {
    ashore_value *value = NULL;
    (void)ashore_optional_create(item, &value, &js.error);
    return value;
}

EXPORT(ashore_value *, parse, int kind, const void *bytes, size_t size) {
    ashore_value *value = NULL;
    (void)ashore_value_parse(kind, bytes, size, &value, &js.error);
    return value;
}

struct description {
    int32_t kind, dtype, rank;
    const int64_t *shape;
    const void *data;
    size_t bytes, elements, count;
};

EXPORT(void, describe, const ashore_value *value, struct description *d) {
    d->kind = ashore_value_kind(value);
    d->dtype = ashore_value_dtype(value);
    d->rank = ashore_value_rank(value);
    d->shape = ashore_value_shape(value);
    d->data = ashore_value_data(value);
    d->bytes = ashore_value_bytes(value);
    d->elements = ashore_value_elements(value);
    d->count = ashore_value_count(value);
}

EXPORT(const char *, string, const ashore_value *value, size_t i, size_t *length) {
    return ashore_value_string(value, i, length);
}

/* Borrowed. */
EXPORT(ashore_value *, item, const ashore_value *value, size_t i) {
    return ashore_value_item(value, i);
}

/* ---- model and session ---------------------------------------------------------------------- */

EXPORT(int, external, const char *location, const void *data, size_t size) {
    ashore_value *block = js_buffer(sizeof(struct external));
    if (block == NULL) return js.error.code;
    struct external *external = ashore_value_data_mut(block);
    *external = (struct external){js.external, location, data, size};
    js.external = external;
    return ASHORE_OK;
}

/* "./weights.bin" is "weights.bin", wherever it is said. */
static const char *plain(const char *location) {
    return location[0] == '.' && location[1] == '/' ? location + 2 : location;
}

static int find_external(void *user, const char *location, const void **data, size_t *size) {
    (void)user;
    for (const struct external *e = js.external; e != NULL; e = e->next) {
        if (strcmp(plain(e->location), plain(location)) != 0) continue;
        *data = e->data;
        *size = e->size;
        return ASHORE_OK;
    }
    return ASHORE_ERR_IO;
}

static void give_back(void *user, const void *data, size_t size) {
    js.gave = true;
    ash_wasm_give(user, data, size);
}

/* Whether the bytes that load was given are as they were. */
EXPORT(int, intact, void) { return !js.gave; }

/* The bytes are memory for the life of the engine, but for what the model gives back. */
EXPORT(int, load, const void *bytes, size_t size, const char *name, int optimize) {
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.name = name;
    options.optimize = optimize;
    options.external = find_external;
    options.give_back = give_back;
    return ashore_model_load_memory(bytes, size, &options, &js.model, &js.error);
}

EXPORT(const struct ashore_value_info *, input, size_t i) {
    return ashore_model_input(js.model, i);
}

EXPORT(const struct ashore_value_info *, output, size_t i) {
    return ashore_model_output(js.model, i);
}

#if defined(__wasm_atomics__)
EXPORT(int, session, int threads, int profile, size_t memory_limit, size_t processors) {
    ash_pool_processors(processors);
#else
EXPORT(int, session, int threads, int profile, size_t memory_limit) {
#endif
    struct ashore_session_options options;
    ashore_session_options_init(&options);
    options.threads = threads;
    options.profile = profile;
    options.memory_limit = memory_limit;
    return ashore_session_create(js.model, &options, &js.session, &js.error);
}

EXPORT(int, threads, void) { return ashore_session_threads(js.session); }

/* now 1: what is held and the peak so far; 0: what a run at these shapes will need.  The peak is
 * that of the whole instance, with the values that JavaScript has made. */
EXPORT(int, usage, int now, const int64_t *const *shape, struct ashore_memory *memory) {
    if (now == 0) return ashore_session_predict(js.session, shape, memory, &js.error);
    ashore_session_memory(js.session, memory);
    memory->total = ash_wasm_peak();
    return ASHORE_OK;
}

EXPORT(size_t, steps, void) { return ashore_session_steps(js.session); }

EXPORT(int, step, size_t i, struct ashore_step_info *info) {
    return ashore_session_step(js.session, i, info);
}

/* ---- runs ----------------------------------------------------------------------------------- */

EXPORT(int, run, size_t count, const char *const *names, ashore_value *const *values) {
    return ashore_run_create(js.session, count, names, values, &js.run, &js.error);
}

EXPORT(int, advance, size_t steps) { return ashore_run_advance(js.run, steps, &js.error); }

EXPORT(ashore_value *, result, size_t i) {
    ashore_value *value = NULL;
    (void)ashore_run_output(js.run, i, &value, &js.error);
    return value;
}

EXPORT(void, finish, void) { ashore_run_destroy(&js.run); }

#if defined(__wasm_atomics__)

/* ---- pool members: base/pool.c exports their entry as `member` ------------------------------- */

EXPORT(size_t, members, void) { return ash_pool_members(); }

#endif
