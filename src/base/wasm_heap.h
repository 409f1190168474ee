/* The allocator of WebAssembly builds, a tenth of the C library's: callers state sizes when they
 * give blocks back, so that nothing is stored beside them.  Not for pool members. */
#ifndef ASH_BASE_WASM_HEAP_H
#define ASH_BASE_WASM_HEAP_H

#include <stddef.h>

/* Contract of ash_realloc_fn in base/heap.h. */
void *ash_wasm_realloc(void *user, void *ptr, size_t old_size, size_t new_size);

/* Most bytes ever held: what was handed out, and what the module is born with: its data and stack.
 */
size_t ash_wasm_peak(void);

/* A part of a block that is never going to be given back itself. */
void ash_wasm_give(void *user, const void *ptr, size_t size);

#endif
