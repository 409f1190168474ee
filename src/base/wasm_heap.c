/* Small blocks come from lists by size, first in last out.  Large ones come from a list by address,
 * where neighbours are joined: the smallest that is large enough, so that what is short does not
 * take the place that a matrix has left.  Memory beyond both is taken from the host as it is
 * needed, and never given back. */
#include "base/wasm_heap.h"

#if defined(__wasm__)

#    include <stdbool.h>
#    include <stdint.h>
#    include <string.h>

enum { GRANULE = 16, SMALL_MAX = 256, PAGE = 65536, REFILL = 4096 };

struct piece {
    struct piece *next;
    size_t size;
};

extern unsigned char __heap_base;

static struct piece *small[SMALL_MAX / GRANULE + 1];
static struct piece *large;
static bool started;
static size_t used, peak;

static void give_large(void *ptr, size_t size) {
    struct piece **link = &large, *before = NULL, *piece = ptr;
    while (*link != NULL && *link < piece) {
        before = *link;
        link = &before->next;
    }
    piece->next = *link;
    piece->size = size;
    *link = piece;
    if ((char *)piece + size == (char *)piece->next) {
        piece->size += piece->next->size;
        piece->next = piece->next->next;
    }
    if (before != NULL && (char *)before + before->size == (char *)piece) {
        before->size += piece->size;
        before->next = piece->next;
    }
}

static void *take_large(size_t size) {
    struct piece **best = NULL, *piece;
    for (struct piece **link = &large; *link != NULL; link = &(*link)->next) {
        if ((*link)->size >= size && (best == NULL || (*link)->size < (*best)->size)) best = link;
    }
    if (best == NULL) return NULL;
    piece = *best;
    if (piece->size == size) {
        *best = piece->next;
    } else { /* the beginning of it: what is left of the last one lies at the memory's end */
        struct piece *rest = (struct piece *)(void *)((char *)piece + size);
        rest->next = piece->next;
        rest->size = piece->size - size;
        *best = rest;
    }
    return piece;
}

static bool grow(size_t size) {
    if (!started) {
        started = true;
        uintptr_t first = ((uintptr_t)&__heap_base + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);
        uintptr_t end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
        if (end > first) give_large((void *)first, end - first);
        return true;
    }
    uintptr_t end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
    for (struct piece *p = large; p != NULL; p = p->next) {
        if ((uintptr_t)p + p->size == end) size -= p->size;
    }
    size_t pages = (size + PAGE - 1) / PAGE;
    size_t before = __builtin_wasm_memory_grow(0, pages);
    /* The last page stays out: its end is the address 0. */
    if (before == SIZE_MAX || before + pages >= PAGE) return false;
    give_large((void *)(before * PAGE), pages * PAGE);
    return true;
}

static void *take(size_t size) {
    if (size <= SMALL_MAX) {
        struct piece **list = &small[size / GRANULE];
        if (*list == NULL) {
            char *more = take(REFILL);
            for (size_t at = 0; more != NULL && at + size <= REFILL; at += size) {
                struct piece *piece = (struct piece *)(void *)(more + at);
                piece->next = *list;
                *list = piece;
            }
        }
        struct piece *piece = *list;
        if (piece != NULL) *list = piece->next;
        return piece;
    }
    void *block;
    while ((block = take_large(size)) == NULL) {
        if (!grow(size)) return NULL;
    }
    return block;
}

static void give(void *ptr, size_t size) {
    if (size > SMALL_MAX) {
        give_large(ptr, size);
        return;
    }
    struct piece *piece = ptr;
    piece->next = small[size / GRANULE];
    small[size / GRANULE] = piece;
}

void *ash_wasm_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    (void)user;
    if (new_size > PTRDIFF_MAX) return NULL;
    size_t before = (old_size + GRANULE - 1) & ~(size_t)(GRANULE - 1);
    size_t after = (new_size + GRANULE - 1) & ~(size_t)(GRANULE - 1);
    if (ptr != NULL && before == after) return ptr;
    void *block = NULL;
    if (after != 0) {
        block = take(after);
        if (block == NULL) return NULL;
        used += after;
        if (used > peak) peak = used;
    }
    if (ptr != NULL) {
        used -= before;
        if (block != NULL) memcpy(block, ptr, old_size < new_size ? old_size : new_size);
        give(ptr, before);
    }
    return block;
}

void ash_wasm_give(void *user, const void *ptr, size_t size) {
    (void)user;
    uintptr_t first = ((uintptr_t)ptr + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);
    uintptr_t end = ((uintptr_t)ptr + size) & ~(uintptr_t)(GRANULE - 1);
    if (end <= first + SMALL_MAX) return;
    used -= end - first;
    give_large((void *)first, end - first);
}

size_t ash_wasm_peak(void) { return (uintptr_t)&__heap_base + peak; }

#endif
