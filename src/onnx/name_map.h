/* Names to numbers: open addressing over views of bytes that outlive the map.
 *
 * A name has two parts, of which the second may be empty.  Long runs of collisions, which only a
 * file made for it has, are refused: no look-up takes longer than a constant. */
#ifndef ASH_ONNX_NAME_MAP_H
#define ASH_ONNX_NAME_MAP_H

#include "onnx/wire.h"

struct ash_arena;

struct ash_name {
    struct ash_view a, b; /* a.data NULL: a free slot */
    struct ash_view type; /* values: the declared TypeProto, absent when there is none */
    uint32_t id;          /* what the name stands for */
    uint32_t maker;       /* values: the node that has still to make it, else ASH_NONE */
};

struct ash_name_map {
    struct ash_arena *arena;
    struct ash_name *slots;
    size_t size, count; /* size: a power of two */
};

/* With room for `expected` names. */
int ash_name_map_init(struct ash_name_map *map, struct ash_arena *arena, size_t expected,
                      struct ashore_error *err);
/* Valid until the next addition; NULL when there is none. */
struct ash_name *ash_name_find(const struct ash_name_map *map, struct ash_view a,
                               struct ash_view b);
/* *name is the slot of a and b: as it was (*fresh false), or new with id and maker ASH_NONE. */
int ash_name_add(struct ash_name_map *map, struct ash_view a, struct ash_view b,
                 struct ash_name **name, bool *fresh, struct ashore_error *err);

#endif
