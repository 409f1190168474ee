#include "measure.h"

#include <jansson.h>
#include <string.h>

/* What `ashore bench MODEL --json --threads 1 --target TARGET` prints, parsed; the caller's. */
static json_t *bench(const struct assess_measure_options *options, const char *target,
                     struct assess_pool *pool, struct ashore_error *err) {
    const char *const fixed[] = {options->program, "bench", options->model, "--json",
                                 "--threads",      "1",     "--target",     target};
    enum { FIXED = sizeof fixed / sizeof fixed[0] };
    size_t more = 0;
    while (options->model_arguments && options->model_arguments[more]) more++;
    const char **argv = assess_alloc_array(pool, FIXED + more + 1, sizeof *argv);
    if (!argv) {
        assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
        return NULL;
    }
    memcpy(argv, fixed, sizeof fixed);
    if (more) memcpy(argv + FIXED, options->model_arguments, more * sizeof *argv);
    char *text;
    size_t size;
    if (assess_process_output(argv, pool, &text, &size, options->stop, err)) return NULL;
    json_error_t why;
    json_t *parsed = json_loadb(text, size, 0, &why);
    if (!parsed) assess_fail(err, ASHORE_ERR_FORMAT, "bench printed no JSON: %s", why.text);
    return parsed;
}

static double number_at(json_t *object, const char *first, const char *second) {
    json_t *value = json_object_get(object, first);
    if (second) value = json_object_get(value, second);
    return json_is_number(value) ? json_number_value(value) : 0;
}

int assess_measure_model(const struct assess_measure_options *options, struct assess_pool *pool,
                         struct assess_model_timing *timing, struct ashore_error *err) {
    *timing = (struct assess_model_timing){.path = options->model};
    json_t *native = bench(options, "native", pool, err);
    if (!native) {
        return assess_fail(err, ASHORE_ERR_STATE, "the model '%s' cannot be measured: see above",
                           options->model);
    }
    timing->native = number_at(native, "steady_seconds", "median");
    timing->load_native = number_at(native, "load_seconds", NULL);
    timing->peak_bytes = number_at(native, "peak_bytes", NULL);
    json_decref(native);
    struct ashore_error why = {0};
    json_t *wasm = bench(options, "wasm", pool, &why);
    timing->wasm = number_at(wasm, "steady_seconds", "median");
    if (!wasm) {
        timing->wasm_why =
            assess_format(pool, "the model was not measured in WebAssembly: %s", why.text);
    }
    json_decref(wasm);
    return pool->failed ? assess_fail(err, ASHORE_ERR_NOMEM, "out of memory") : ASHORE_OK;
}
