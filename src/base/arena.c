#include "base/arena.h"

#include "base/heap.h"

#include <stdint.h>
#include <string.h>

/* A piece of half of the smallest block has a block of its own: it can be given back. */
enum { ARENA_ALIGN = 16, ARENA_BLOCK_MIN = 4096, ARENA_BLOCK_MAX = 65536, ARENA_SINGLE = 2048 };

struct ash_arena_block {
    struct ash_arena_block *next;
    size_t size; /* of the block, this header included */
    size_t fill;
    bool single; /* holds one large piece */
};

enum { ARENA_HEADER = (sizeof(struct ash_arena_block) + 15) / 16 * 16 };

void ash_arena_init(struct ash_arena *arena, struct ash_heap *heap) {
    arena->heap = heap;
    arena->head = NULL;
    arena->used = 0;
}

void ash_arena_deinit(struct ash_arena *arena) {
    while (arena->head != NULL) {
        struct ash_arena_block *block = arena->head;
        arena->head = block->next;
        ash_free(arena->heap, block, block->size);
    }
    arena->used = 0;
}

/* Blocks double, so that small graphs stay small and large ones take few blocks. */
static size_t next_block_size(const struct ash_arena *arena, size_t need) {
    size_t size = arena->head == NULL ? ARENA_BLOCK_MIN : 2 * arena->head->size;
    if (size > ARENA_BLOCK_MAX) size = ARENA_BLOCK_MAX;
    return need > size - ARENA_HEADER ? ash_size_add(need, ARENA_HEADER) : size;
}

void *ash_arena_raw(struct ash_arena *arena, size_t size) {
    if (size > SIZE_MAX / 2) return NULL;
    size_t need = size == 0 ? ARENA_ALIGN : (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct ash_arena_block *block = arena->head;
    bool single = need >= ARENA_SINGLE && block != NULL;
    if (single || block == NULL || block->size - block->fill < need) {
        size_t block_size =
            single ? ash_size_add(need, ARENA_HEADER) : next_block_size(arena, need);
        block = ash_alloc(arena->heap, block_size);
        if (block == NULL) return NULL;
        block->size = block_size;
        block->fill = ARENA_HEADER;
        arena->used += block_size;
        /* It goes behind the head, whose room stays in use. */
        struct ash_arena_block *head = arena->head;
        block->single = single;
        block->next = single ? head->next : head;
        *(single ? &head->next : &arena->head) = block;
    }
    unsigned char *piece = (unsigned char *)block + block->fill;
    block->fill += need;
    return piece;
}

void *ash_arena_alloc(struct ash_arena *arena, size_t size) {
    void *piece = ash_arena_raw(arena, size);
    if (piece != NULL) memset(piece, 0, size);
    return piece;
}

void *ash_arena_array(struct ash_arena *arena, size_t count, size_t size) {
    return ash_arena_alloc(arena, ash_size_mul(count, size));
}

/* The link to the block that holds p alone; NULL. */
static struct ash_arena_block **link_of(struct ash_arena *arena, const void *p) {
    for (struct ash_arena_block **link = &arena->head; *link != NULL; link = &(*link)->next) {
        if ((const unsigned char *)*link + ARENA_HEADER == p) return (*link)->single ? link : NULL;
    }
    return NULL;
}

bool ash_arena_release(struct ash_arena *arena, const void *p) {
    struct ash_arena_block **link = link_of(arena, p);
    if (link == NULL) return false;
    struct ash_arena_block *block = *link;
    *link = block->next;
    arena->used -= block->size;
    ash_free(arena->heap, block, block->size);
    return true;
}

bool ash_arena_adopt(struct ash_arena *arena, struct ash_arena *from, const void *p) {
    struct ash_arena_block **link = link_of(from, p);
    if (link == NULL || arena->head == NULL || arena->heap != from->heap) return false;
    struct ash_arena_block *block = *link;
    *link = block->next;
    from->used -= block->size;
    block->next = arena->head->next;
    arena->head->next = block;
    arena->used += block->size;
    return true;
}

bool ash_arena_owns(const struct ash_arena *arena, const void *p) {
    for (const struct ash_arena_block *b = arena->head; b != NULL; b = b->next) {
        if ((uintptr_t)p - (uintptr_t)b < b->size) return true;
    }
    return false;
}

char *ash_arena_text(struct ash_arena *arena, const char *text, size_t n) {
    char *copy = ash_arena_alloc(arena, ash_size_add(n, 1));
    if (copy != NULL && n != 0) memcpy(copy, text, n);
    return copy;
}
