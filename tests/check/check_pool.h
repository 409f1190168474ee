/* For a family's fam_check.c: three threads, to be compared with one. */
#ifndef ASH_CHECK_POOL_H
#define ASH_CHECK_POOL_H

#include "base/heap.h"
#include "base/pool.h"

/* Lives until the program ends; NULL where there are no threads. */
static inline struct ash_pool *chk_pool(void) {
    static struct ash_heap heap;
    static struct ash_pool *pool;
    if (!pool) {
        ash_heap_init(&heap, NULL, NULL);
        if (ash_pool_create(&heap, 3, &pool, NULL) != 0) pool = NULL;
    }
    return pool;
}

#endif
