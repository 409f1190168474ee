/* What the assessment stands on: memory that lives as long as a pool, text that grows, errors.
 *
 * Names begin with assess_; of the engine it uses the public headers alone. */
#ifndef ASH_ASSESS_BASE_H
#define ASH_ASSESS_BASE_H

#include "ashore/ashore_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#    define ASSESS_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#    define ASSESS_PRINTF(fmt, first)
#endif

/* The one place where memory is asked for.  size 0 frees and returns NULL; NULL on failure leaves
 * ptr as it was. */
void *assess_realloc(void *ptr, size_t size);

/* Memory that is freed together.  Zeroed is empty.  A pool that has run out stays usable and hands
 * out NULL; `failed` says so. */
struct assess_pool {
    struct assess_block *blocks;
    bool failed;
};
/* Cleared memory, aligned for any type; NULL when there is none. */
void *assess_alloc(struct assess_pool *pool, size_t size);
/* count * size with the product checked. */
void *assess_alloc_array(struct assess_pool *pool, size_t count, size_t size);
char *assess_copy_text(struct assess_pool *pool, const char *text, size_t length);
char *assess_format(struct assess_pool *pool, const char *fmt, ...) ASSESS_PRINTF(2, 3);
void assess_pool_deinit(struct assess_pool *pool);

/* Grows an array by doubling: makes room for one more of `size` bytes and returns false when there
 * is no memory.  *items and *room are the caller's; free with assess_realloc(*items, 0). */
bool assess_grow(void **items, size_t count, size_t *room, size_t size);

/* Text that grows.  Zeroed is empty; `failed` stays set once memory has run out. */
struct assess_text {
    char *bytes; /* NUL-terminated, or NULL when empty */
    size_t length, room;
    bool failed;
};
void assess_text_add(struct assess_text *text, const char *s);
void assess_text_add_bytes(struct assess_text *text, const char *s, size_t length);
void assess_text_printf(struct assess_text *text, const char *fmt, ...) ASSESS_PRINTF(2, 3);
void assess_text_deinit(struct assess_text *text);

/* Writes code and text (cut to fit) and returns code.  err may be NULL. */
int assess_fail(struct ashore_error *err, int code, const char *fmt, ...) ASSESS_PRINTF(3, 4);

#define ASSESS_TRY(expr)                                                                           \
    do {                                                                                           \
        int assess_status = (expr);                                                                \
        if (assess_status < 0) return assess_status;                                               \
    } while (0)

/* CLOCK_MONOTONIC in nanoseconds, which all processes of a machine share. */
int64_t assess_now(void);

#endif
