#include "base/heap.h"

#include <string.h>

#if defined(__wasm__)
#    include "base/wasm_heap.h"
#    define system_realloc ash_wasm_realloc
enum { HEAP_ALIGN = 16 };
#else
#    include <stdlib.h>
#    if defined(__GLIBC__)
#        include <malloc.h>
#    endif
enum { HEAP_ALIGN = ASH_ALIGN };

static void *system_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    (void)user;
    (void)old_size;
    if (new_size != 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}
#endif

void ash_heap_init(struct ash_heap *heap, ash_realloc_fn *fn, void *user) {
    heap->fn = fn != NULL ? fn : system_realloc;
    heap->user = user;
    atomic_init(&heap->used, 0);
    atomic_init(&heap->peak, 0);
    atomic_init(&heap->calls, 0);
    atomic_init(&heap->holders, 0);
}

struct ash_heap *ash_heap_create(ash_realloc_fn *fn, void *user) {
    struct ash_heap start, *heap;
    ash_heap_init(&start, fn, user);
    heap = ash_alloc(&start, sizeof *heap);
    if (heap == NULL) return NULL;
    ash_heap_init(heap, fn, user);
    atomic_init(&heap->holders, 1);
    return heap;
}

void ash_heap_retain(struct ash_heap *heap) {
    if (heap != NULL && atomic_load_explicit(&heap->holders, memory_order_relaxed) != 0)
        atomic_fetch_add_explicit(&heap->holders, 1, memory_order_relaxed);
}

void ash_heap_release(struct ash_heap *heap) {
    if (heap == NULL || atomic_load_explicit(&heap->holders, memory_order_relaxed) == 0) return;
    if (atomic_fetch_sub_explicit(&heap->holders, 1, memory_order_acq_rel) == 1)
        (void)heap->fn(heap->user, heap, sizeof *heap, 0);
}

static void count_growth(struct ash_heap *heap, size_t more) {
    size_t used = atomic_fetch_add_explicit(&heap->used, more, memory_order_relaxed) + more;
    size_t peak = atomic_load_explicit(&heap->peak, memory_order_relaxed);
    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(&heap->peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed)) {}
}

void ash_heap_trim(struct ash_heap *heap) {
#if defined(__GLIBC__)
    if (heap->fn == system_realloc) (void)malloc_trim(0);
#else
    (void)heap;
#endif
}

void ash_heap_count(struct ash_heap *heap, size_t more, size_t less) {
    count_growth(heap, more);
    atomic_fetch_sub_explicit(&heap->used, less, memory_order_relaxed);
}

void *ash_resize(struct ash_heap *heap, void *ptr, size_t old_size, size_t new_size) {
    if (ptr == NULL) old_size = 0;
    if (new_size > PTRDIFF_MAX || (ptr == NULL && new_size == 0)) return NULL;
    if (heap == NULL) return system_realloc(NULL, ptr, old_size, new_size);
    void *block = heap->fn(heap->user, ptr, old_size, new_size);
    if (new_size != 0 && block == NULL) return NULL;
    if (new_size > old_size) {
        atomic_fetch_add_explicit(&heap->calls, 1, memory_order_relaxed);
        count_growth(heap, new_size - old_size);
    } else {
        atomic_fetch_sub_explicit(&heap->used, old_size - new_size, memory_order_relaxed);
    }
    return block;
}

void *ash_alloc(struct ash_heap *heap, size_t size) { return ash_resize(heap, NULL, 0, size); }

void *ash_alloc_zero(struct ash_heap *heap, size_t size) {
    void *block = ash_alloc(heap, size);
    if (block != NULL) memset(block, 0, size);
    return block;
}

void ash_free(struct ash_heap *heap, void *ptr, size_t size) {
    if (ptr != NULL) (void)ash_resize(heap, ptr, size, 0);
}

/* The byte before an aligned block says how far it lies from the start of the block that it was cut
 * from: 16 to 64, as blocks are aligned to 16. */
void *ash_alloc_aligned(struct ash_heap *heap, size_t size) {
    if (size == 0 || HEAP_ALIGN == 16) return ash_alloc(heap, size);
    unsigned char *block = ash_alloc(heap, ash_size_add(size, ASH_ALIGN));
    if (block == NULL) return NULL;
    size_t shift = ASH_ALIGN - ((uintptr_t)block & (ASH_ALIGN - 1));
    block[shift - 1] = (unsigned char)shift;
    return block + shift;
}

void ash_free_aligned(struct ash_heap *heap, void *ptr, size_t size) {
    unsigned char *block = ptr;
    if (ptr == NULL || HEAP_ALIGN == 16)
        ash_free(heap, ptr, size);
    else
        ash_free(heap, block - block[-1], size + ASH_ALIGN);
}

size_t ash_size_mul(size_t a, size_t b) {
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

size_t ash_size_add(size_t a, size_t b) {
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}
