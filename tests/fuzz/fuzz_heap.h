/* An allocator with a ceiling, for fuzz targets: what an input may make the engine hold. */
#ifndef FUZZ_HEAP_H
#define FUZZ_HEAP_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { FUZZ_CEILING = 64 << 20 };

struct fuzz_heap {
    size_t held;
};

static inline void *fuzz_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct fuzz_heap *heap = (struct fuzz_heap *)user;
    if (new_size > old_size && new_size - old_size > FUZZ_CEILING - heap->held) return NULL;
    void *block = NULL;
    if (new_size == 0) {
        free(ptr);
    } else {
        block = realloc(ptr, new_size);
        if (block == NULL) return NULL;
    }
    heap->held = heap->held - old_size + new_size;
    return block;
}

#endif
