/* A file mapped for reading, or read where mapping is not possible. */
#ifndef ASH_BASE_MAPPING_H
#define ASH_BASE_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

struct ash_heap;
struct ashore_error;

struct ash_mapping {
    const unsigned char *data;
    size_t size;
    bool mapped;           /* by the system: pages can be given back */
    struct ash_heap *heap; /* where it was read to otherwise */
};

int ash_mapping_init(struct ash_mapping *m, struct ash_heap *heap, const char *path,
                     struct ashore_error *err);
void ash_mapping_deinit(struct ash_mapping *m);
/* Tells the system that a range inside the mapping will not be read soon. */
void ash_mapping_release(const struct ash_mapping *m, const void *start, size_t size);

#endif
