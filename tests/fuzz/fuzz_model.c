/* Any bytes as a model: load, describe, plan, and run a number of steps where the inputs' shapes
 * are small.  Everything must come back to the heap. */
#include "fuzz_heap.h"

#include "ashore/ashore.h"

#include <stdio.h>
#include <string.h>

enum { MAX_INPUTS = 4, MAX_ELEMENTS = 4096, MAX_STEPS = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A cleared tensor of the declared shape, 2 standing for what is not known.  NULL: too large, or
 * not a tensor. */
static ashore_value *make_input(const struct ashore_value_info *info) {
    int64_t shape[ASHORE_MAX_RANK];
    int64_t elements = 1;
    if (info->kind != ASHORE_TENSOR || info->rank < 0 || info->rank > ASHORE_MAX_RANK) return NULL;
    for (int i = 0; i < info->rank; i++) {
        shape[i] = info->shape[i].extent < 0 ? 2 : info->shape[i].extent;
        if (shape[i] > MAX_ELEMENTS) return NULL;
        elements *= shape[i];
        if (elements > MAX_ELEMENTS) return NULL;
    }
    ashore_value *value = NULL;
    if (ashore_tensor_create(info->dtype, info->rank, shape, &value, NULL) != ASHORE_OK)
        return NULL;
    return value;
}

static void run_model(ashore_model *model, ashore_session *session) {
    size_t count = ashore_model_input_count(model);
    const char *names[MAX_INPUTS] = {NULL};
    ashore_value *values[MAX_INPUTS] = {NULL};
    int ready = count <= MAX_INPUTS;
    for (size_t i = 0; i < count && ready; i++) {
        const struct ashore_value_info *info = ashore_model_input(model, i);
        names[i] = info->name;
        values[i] = make_input(info);
        ready = values[i] != NULL;
    }
    ashore_run *run = NULL;
    if (ready && ashore_run_create(session, count, names, values, &run, NULL) == ASHORE_OK) {
        ashore_run_advance(run, MAX_STEPS, NULL);
    }
    ashore_run_destroy(&run);
    for (size_t i = 0; i < MAX_INPUTS; i++) ashore_value_release(&values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_heap heap = {0};
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.realloc = fuzz_realloc;
    options.realloc_user = &heap;
    options.data_dir = "/nonexistent";
    struct ashore_error err;
    memset(&err, 0, sizeof err);
    ashore_model *model = NULL;
    ashore_session *session = NULL;
    int rc = ashore_model_load_memory(data, size, &options, &model, &err);
    if (rc == ASHORE_OK) {
        struct ashore_session_options limits;
        ashore_session_options_init(&limits);
        limits.threads = 1;
        limits.memory_limit = FUZZ_CEILING / 2;
        rc = ashore_session_create(model, &limits, &session, &err);
    }
    if (rc == ASHORE_OK) run_model(model, session);
    if (rc < 0 && err.text[0] == '\0') abort(); /* a refusal says why */
    ashore_session_destroy(&session);
    ashore_model_destroy(&model);
    if (heap.held != 0) abort();
    return 0;
}
