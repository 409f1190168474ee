/* For functions of the C library that this library stands in front of. */
#ifndef ASH_ASSESS_SAMPLER_NEXT_H
#define ASH_ASSESS_SAMPLER_NEXT_H

#include "sampler.h"

#include <dlfcn.h>

#define EXPORT __attribute__((visibility("default")))

/* Declares `next`: the next definition of a function, found at the first call, which may come
 * before constructors have run. */
#define NEXT(result, name, ...)                                                                    \
    static _Atomic(void *) found;                                                                  \
    void *next_address = atomic_load_explicit(&found, memory_order_relaxed);                       \
    if (!next_address) {                                                                           \
        next_address = dlsym(RTLD_NEXT, #name);                                                    \
        atomic_store_explicit(&found, next_address, memory_order_relaxed);                         \
    }                                                                                              \
    result (*next)(__VA_ARGS__);                                                                   \
    *(void **)&next = next_address

#endif
