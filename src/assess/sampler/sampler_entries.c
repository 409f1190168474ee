#include "sampler.h"

#include <string.h>

static void add(const char *name, uint64_t address) {
    struct assess_rec_entry record = {.name_size = (uint32_t)strlen(name)};
    if (!address || !sampler_function_range(address, &record.low, &record.high)) return;
    sampler_write(ASSESS_REC_ENTRY, &record, sizeof record, name, record.name_size);
}

/* As this library's own references were resolved: the variant for this processor. */
void sampler_entries_libc(void) {
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    void *(*volatile move)(void *, const void *, size_t) = memmove;
    void *(*volatile set)(void *, int, size_t) = memset;
    add("memcpy", (uint64_t)(uintptr_t)copy);
    add("memmove", (uint64_t)(uintptr_t)move);
    add("memset", (uint64_t)(uintptr_t)set);
}

void sampler_entries_python(const struct sampler_object *interpreter) { (void)interpreter; }
