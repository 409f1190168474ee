/* The one allocator.  A heap wraps the user's callback, counts bytes, and is the only way memory is
 * obtained outside of this folder.  Blocks are returned with their size: nothing is stored beside
 * them. */
#ifndef ASH_BASE_HEAP_H
#define ASH_BASE_HEAP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { ASH_ALIGN = 64 };

/* Resizes `ptr` (NULL: a new block) from old_size to new_size bytes (0: frees, returns NULL).
 * Blocks are aligned to 16 bytes at least.  NULL on failure, and the old block is untouched. */
typedef void *ash_realloc_fn(void *user, void *ptr, size_t old_size, size_t new_size);

struct ash_heap {
    ash_realloc_fn *fn;
    void *user;
    _Atomic size_t used;    /* bytes held now */
    _Atomic size_t peak;    /* most bytes ever held */
    _Atomic size_t calls;   /* allocations and growths made: a warm run adds none */
    _Atomic size_t holders; /* of a heap from ash_heap_create */
};

/* fn NULL: the C library's allocator. */
void ash_heap_init(struct ash_heap *heap, ash_realloc_fn *fn, void *user);

/* A heap that lives until its last holder lets go: values outlive the model that made them.  NULL
 * when memory is out.  retain and release accept NULL and heaps from ash_heap_init, whose life is
 * their owner's. */
struct ash_heap *ash_heap_create(ash_realloc_fn *fn, void *user);
void ash_heap_retain(struct ash_heap *heap);
void ash_heap_release(struct ash_heap *heap);

/* The C library's allocator gives memory back to the system that is free, where it can. */
void ash_heap_trim(struct ash_heap *heap);
/* Counts memory that is held, and was not obtained here. */
void ash_heap_count(struct ash_heap *heap, size_t more, size_t less);

/* heap NULL: the C library's allocator, uncounted. */
void *ash_alloc(struct ash_heap *heap, size_t size); /* not cleared; NULL when size is 0 too */
void *ash_alloc_zero(struct ash_heap *heap, size_t size);
void *ash_resize(struct ash_heap *heap, void *ptr, size_t old_size, size_t new_size);
void ash_free(struct ash_heap *heap, void *ptr, size_t size); /* NULL is allowed */

/* Aligned to ASH_ALIGN, in WebAssembly to 16, which is all that its vectors profit from; free with
 * ash_free_aligned and the same size. */
void *ash_alloc_aligned(struct ash_heap *heap, size_t size);
void ash_free_aligned(struct ash_heap *heap, void *ptr, size_t size);

/* a * b and a + b that stay SIZE_MAX once they overflow: an allocation of SIZE_MAX fails. */
size_t ash_size_mul(size_t a, size_t b);
size_t ash_size_add(size_t a, size_t b);
static inline size_t ash_align_up(size_t n) {
    return n > SIZE_MAX - ASH_ALIGN ? SIZE_MAX : (n + ASH_ALIGN - 1) & ~(size_t)(ASH_ALIGN - 1);
}

#endif
