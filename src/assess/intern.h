/* A hash table from keys that the caller holds in an array to their indices. */
#ifndef ASH_ASSESS_INTERN_H
#define ASH_ASSESS_INTERN_H

#include "assess_base.h"

/* Zeroed is empty. */
struct assess_intern {
    struct assess_intern_slot {
        uint64_t hash;
        uint32_t index, used;
    } *slots;
    size_t room, count;
};

/* Of bytes; begin with a seed, and chain by giving the last result as one. */
uint64_t assess_hash(uint64_t seed, const void *bytes, size_t size);
/* Differs from run to run, so that a file cannot choose names that collide. */
uint64_t assess_hash_seed(void);

typedef bool assess_same(const void *array, uint32_t index, const void *key);

/* The index of an equal key, or UINT32_MAX. */
uint32_t assess_intern_find(const struct assess_intern *intern, uint64_t hash, assess_same *same,
                            const void *array, const void *key);
/* Adds a key that is not there.  False without memory. */
bool assess_intern_add(struct assess_intern *intern, uint64_t hash, uint32_t index);
void assess_intern_deinit(struct assess_intern *intern);

#endif
