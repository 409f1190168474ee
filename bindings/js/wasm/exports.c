/* What core.js calls of an engine, beside what every module has (exports_value.c).  An instance
 * holds one model, one session and at most one run. */
#include "exports.h"
#include "ashore/ashore.h"

#include "base/wasm_heap.h"
#include "ir/value.h"
#include "rt/prepare.h"

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
} js;

/* Memory for the life of the engine, not cleared: what is never touched costs nothing. */
EXPORT(void *, reserve, size_t size) { return ash_wasm_realloc(NULL, NULL, 0, size); }

/* ---- values --------------------------------------------------------------------------------- */

EXPORT(ashore_value *, strings, int rank, const int64_t *shape, const char *const *text,
       const size_t *length) {
    ashore_value *value = NULL;
    (void)ashore_tensor_create_strings(rank, shape, text, length, &value, js_error());
    return value;
}

EXPORT(ashore_value *, sequence, ashore_value *const *items, size_t count) {
    ashore_value *value = NULL;
    (void)ashore_sequence_create(items, count, &value, js_error());
    return value;
}

EXPORT(ashore_value *, map, ashore_value *const *parts) {
    ashore_value *value = NULL;
    (void)ash_value_map(NULL, parts[0], parts[1], &value, js_error()); /* maps.js has checked them */
    return value;
}

EXPORT(ashore_value *, optional, ashore_value *item) {
    ashore_value *value = NULL;
    (void)ashore_optional_create(item, &value, js_error());
    return value;
}

EXPORT(ashore_value *, parse, int kind, const void *bytes, size_t size) {
    ashore_value *value = NULL;
    (void)ashore_value_parse(kind, bytes, size, &value, js_error());
    return value;
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
    if (block == NULL) return js_error()->code;
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
EXPORT(int, load, const void *bytes, size_t size, const char *name, int optimize, int dry) {
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.name = name;
    options.optimize = optimize;
    options.dry = dry;
    options.external = find_external;
    options.give_back = give_back;
    return ashore_model_load_memory(bytes, size, &options, &js.model, js_error());
}

/* The model as a file for an engine that is trimmed to it, before its session: tools/trim.mjs. */
EXPORT(ashore_value *, prepare, int types) {
    ashore_value *value = NULL;
    (void)ash_model_prepare(js.model, types != 0, &value, js_error());
    return value;
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
    return ashore_session_create(js.model, &options, &js.session, js_error());
}

EXPORT(int, threads, void) { return ashore_session_threads(js.session); }

/* now 1: what is held and the peak so far; 0: what a run at these shapes will need.  The peak is
 * that of the whole instance, with the values that JavaScript has made. */
EXPORT(int, usage, int now, const int64_t *const *shape, struct ashore_memory *memory) {
    if (now == 0) return ashore_session_predict(js.session, shape, memory, js_error());
    ashore_session_memory(js.session, memory);
    memory->total = ash_wasm_peak();
    return ASHORE_OK;
}

EXPORT(int, operand, size_t i, size_t k, struct ashore_operand *operand) {
    return ashore_session_operand(js.session, i, k, operand);
}

EXPORT(size_t, steps, void) { return ashore_session_steps(js.session); }

EXPORT(int, step, size_t i, struct ashore_step_info *info) {
    return ashore_session_step(js.session, i, info);
}

/* ---- runs ----------------------------------------------------------------------------------- */

EXPORT(int, run, size_t count, const char *const *names, ashore_value *const *values) {
    return ashore_run_create(js.session, count, names, values, &js.run, js_error());
}

EXPORT(int, advance, size_t steps) { return ashore_run_advance(js.run, steps, js_error()); }

EXPORT(ashore_value *, result, size_t i) {
    ashore_value *value = NULL;
    (void)ashore_run_output(js.run, i, &value, js_error());
    return value;
}

EXPORT(void, finish, void) { ashore_run_destroy(&js.run); }

#if defined(__wasm_atomics__)

/* ---- pool members: base/pool.c exports their entry as `member` ------------------------------- */

EXPORT(size_t, members, void) { return ash_pool_members(); }

EXPORT(void *, pool_words, void) { return ash_pool_words(); }

EXPORT(void, lost, void) { ash_pool_member_lost(); }

/* A thread that shares the memory ends the run by a word. */
EXPORT(void, watch, uint32_t *word) { ashore_run_watch(js.run, word); }

#endif
