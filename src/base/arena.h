/* Bump allocation for things that die together: a graph, a plan. */
#ifndef ASH_BASE_ARENA_H
#define ASH_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct ash_heap;
struct ash_arena_block;

struct ash_arena {
    struct ash_heap *heap;
    struct ash_arena_block *head;
    size_t used; /* bytes taken from the heap */
};

void ash_arena_init(struct ash_arena *arena, struct ash_heap *heap);
void ash_arena_deinit(struct ash_arena *arena);

/* Cleared, aligned to 16.  NULL when memory is out; size 0 gives a valid pointer. */
void *ash_arena_alloc(struct ash_arena *arena, size_t size);
void *ash_arena_raw(struct ash_arena *arena, size_t size); /* not cleared */
void *ash_arena_array(struct ash_arena *arena, size_t count, size_t size);
/* Gives a large piece back before the arena's end.  A piece that shares its block with others
 * stays; true when it was given back. */
bool ash_arena_release(struct ash_arena *arena, const void *p);
/* A large piece of `from` becomes one of this arena, where it lies.  false: it shares its block
 * with others, or the two are of different heaps. */
bool ash_arena_adopt(struct ash_arena *arena, struct ash_arena *from, const void *p);
/* Whether p lies in memory of the arena. */
bool ash_arena_owns(const struct ash_arena *arena, const void *p);
/* A zero-terminated copy of n bytes. */
char *ash_arena_text(struct ash_arena *arena, const char *text, size_t n);

#endif
