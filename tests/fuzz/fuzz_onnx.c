/* Any bytes to the ONNX reader.  What it takes is written and read again: the writer gives what the
 * reader takes, and all memory comes back. */
#include "base/error.h"
#include "base/heap.h"
#include "fuzz_heap.h"
#include "onnx/onnx_writer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int give(void *user, const char *location, const void **data, size_t *size) {
    (void)user;
    static const unsigned char bytes[64];
    *data = bytes;
    *size = sizeof bytes;
    return location[0] == 'w' ? ASHORE_OK : ASHORE_ERR_IO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_heap held = {0};
    struct ash_heap heap;
    struct ash_arena arena;
    struct ash_onnx_model model, second;
    struct ashore_error err;
    struct ash_onnx_source src = {.bytes = data, .size = size, .name = "m", .external = give};
    memset(&err, 0, sizeof err);
    ash_heap_init(&heap, fuzz_realloc, &held);
    ash_arena_init(&arena, &heap);
    struct ash_wire_out out = {.heap = &heap};
    int rc = ash_onnx_read(&src, &arena, &model, &err);
    if (rc != ASHORE_OK && err.text[0] == '\0') abort();
    if (rc == ASHORE_OK) {
        struct ash_onnx_write_options options = {
            .opsets = model.opsets, .n_opsets = model.n_opsets, .types = true};
        rc = ash_onnx_write(model.graph, &options, &out, &err);
        if (rc != ASHORE_OK && rc != ASHORE_ERR_NOMEM && rc != ASHORE_ERR_LIMIT) abort();
        ash_onnx_model_deinit(&model);
    }
    if (rc == ASHORE_OK) {
        src.bytes = out.data;
        src.size = out.size;
        rc = ash_onnx_read(&src, &arena, &second, &err);
        if (rc != ASHORE_OK && rc != ASHORE_ERR_NOMEM && rc != ASHORE_ERR_LIMIT) abort();
        if (rc == ASHORE_OK) ash_onnx_model_deinit(&second);
    }
    ash_wire_out_deinit(&out);
    ash_arena_deinit(&arena);
    if (held.held != 0) abort();
    return 0;
}
