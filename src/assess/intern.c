#include "intern.h"

#include <string.h>

static uint64_t mix(uint64_t h) {
    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

uint64_t assess_hash(uint64_t seed, const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    uint64_t h = mix(seed + size);
    for (; size >= sizeof h; p += sizeof h, size -= sizeof h) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        h = mix(h ^ word) + word;
    }
    for (; size; p++, size--) h = mix(h ^ *p);
    return mix(h);
}

uint64_t assess_hash_seed(void) {
    int64_t now = assess_now();
    return assess_hash((uint64_t)(uintptr_t)&now, &now, sizeof now);
}

uint32_t assess_intern_find(const struct assess_intern *t, uint64_t hash, assess_same *same,
                            const void *array, const void *key) {
    if (t->room == 0) return UINT32_MAX;
    for (size_t i = (size_t)hash & (t->room - 1); t->slots[i].used; i = (i + 1) & (t->room - 1)) {
        if (t->slots[i].hash == hash && same(array, t->slots[i].index, key)) {
            return t->slots[i].index;
        }
    }
    return UINT32_MAX;
}

static void place(struct assess_intern_slot *slots, size_t room, struct assess_intern_slot slot) {
    size_t i = (size_t)slot.hash & (room - 1);
    while (slots[i].used) i = (i + 1) & (room - 1);
    slots[i] = slot;
}

static bool grow(struct assess_intern *t) {
    size_t room = t->room ? t->room * 2 : 64;
    if (room > SIZE_MAX / sizeof *t->slots) return false;
    struct assess_intern_slot *slots = assess_realloc(NULL, room * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, room * sizeof *slots);
    for (size_t i = 0; i < t->room; i++) {
        if (t->slots[i].used) place(slots, room, t->slots[i]);
    }
    assess_realloc(t->slots, 0);
    t->slots = slots;
    t->room = room;
    return true;
}

bool assess_intern_add(struct assess_intern *t, uint64_t hash, uint32_t index) {
    if (t->count >= t->room / 4 * 3 && !grow(t)) return false;
    place(t->slots, t->room, (struct assess_intern_slot){hash, index, 1});
    t->count++;
    return true;
}

void assess_intern_deinit(struct assess_intern *t) {
    assess_realloc(t->slots, 0);
    *t = (struct assess_intern){0};
}
