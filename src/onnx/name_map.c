#include "onnx/name_map.h"

#include "base/arena.h"
#include "base/error.h"
#include "ir/graph.h"

#include <string.h>

/* Half of the slots stay free, so honest names meet runs of a few dozen slots at most. */
enum { RUN_MAX = 2048, SIZE_MIN = 16 };

static uint64_t mix(uint64_t h, struct ash_view v) {
    while (v.size != 0) {
        uint64_t word = v.size;
        size_t n = v.size < 7 ? v.size : 7;
        memcpy((unsigned char *)&word + 1, v.data, n);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
        v.data += n;
        v.size -= n;
    }
    return h * 0xbf58476d1ce4e5b9u;
}

static bool same(struct ash_view a, struct ash_view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The slot of the name, or the free one where it belongs; NULL past RUN_MAX. */
static struct ash_name *probe(const struct ash_name_map *map, struct ash_view a,
                              struct ash_view b) {
    size_t at = (size_t)(mix(mix(0, a), b) >> 32);
    for (size_t i = 0; i < RUN_MAX; i++) {
        struct ash_name *slot = &map->slots[(at + i) & (map->size - 1)];
        if (slot->a.data == NULL || (same(slot->a, a) && same(slot->b, b))) return slot;
    }
    return NULL;
}

int ash_name_map_init(struct ash_name_map *map, struct ash_arena *arena, size_t expected,
                      struct ashore_error *err) {
    size_t size = SIZE_MIN;
    while (size / 2 < expected && size < SIZE_MAX / 4) size *= 2;
    *map = (struct ash_name_map){.arena = arena, .size = size};
    map->slots = ash_arena_array(arena, size, sizeof *map->slots);
    return map->slots == NULL ? ash_fail_nomem(err, size * sizeof *map->slots) : ASHORE_OK;
}

struct ash_name *ash_name_find(const struct ash_name_map *map, struct ash_view a,
                               struct ash_view b) {
    struct ash_name *slot = probe(map, a, b);
    return slot == NULL || slot->a.data == NULL ? NULL : slot;
}

static int grow(struct ash_name_map *map, struct ashore_error *err) {
    struct ash_name_map more;
    ASH_TRY(ash_name_map_init(&more, map->arena, map->size, err));
    for (size_t i = 0; i < map->size; i++) {
        const struct ash_name *old = &map->slots[i];
        if (old->a.data == NULL) continue;
        struct ash_name *slot = probe(&more, old->a, old->b);
        ASH_FAIL_IF(slot == NULL, err, LIMIT, "too many names collide");
        *slot = *old;
        more.count++;
    }
    *map = more;
    return ASHORE_OK;
}

int ash_name_add(struct ash_name_map *map, struct ash_view a, struct ash_view b,
                 struct ash_name **name, bool *fresh, struct ashore_error *err) {
    if (map->count >= map->size / 2) ASH_TRY(grow(map, err));
    struct ash_name *slot = probe(map, a, b);
    ASH_FAIL_IF(slot == NULL, err, LIMIT, "too many names collide");
    *name = slot;
    *fresh = slot->a.data == NULL;
    if (!*fresh) return ASHORE_OK;
    *slot = (struct ash_name){.a = a, .b = b, .id = ASH_NONE, .maker = ASH_NONE};
    map->count++;
    return ASHORE_OK;
}
