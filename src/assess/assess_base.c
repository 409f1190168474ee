#include "assess_base.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *assess_realloc(void *ptr, size_t size) {
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

/* ---- pools ---------------------------------------------------------------------------------- */

enum { BLOCK_SIZE = 64 * 1024 };

struct assess_block {
    struct assess_block *next;
    size_t used, size;
    max_align_t bytes[];
};

static struct assess_block *add_block(struct assess_pool *pool, size_t size) {
    if (size > SIZE_MAX - sizeof(struct assess_block)) return NULL;
    struct assess_block *block = assess_realloc(NULL, sizeof *block + size);
    if (!block) return NULL;
    *block = (struct assess_block){.next = pool->blocks, .size = size};
    pool->blocks = block;
    return block;
}

void *assess_alloc(struct assess_pool *pool, size_t size) {
    const size_t align = sizeof(max_align_t);
    if (size > SIZE_MAX / 2) {
        pool->failed = true;
        return NULL;
    }
    size_t take = (size + align) / align * align; /* never 0 */
    struct assess_block *block = pool->blocks;
    if (!block || block->size - block->used < take) {
        block = add_block(pool, take > BLOCK_SIZE ? take : BLOCK_SIZE);
        if (!block) {
            pool->failed = true;
            return NULL;
        }
    }
    char *p = (char *)block->bytes + block->used;
    block->used += take;
    return memset(p, 0, size);
}

void *assess_alloc_array(struct assess_pool *pool, size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) {
        pool->failed = true;
        return NULL;
    }
    return assess_alloc(pool, count * size);
}

char *assess_copy_text(struct assess_pool *pool, const char *text, size_t length) {
    char *copy = assess_alloc(pool, length + 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

char *assess_format(struct assess_pool *pool, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : assess_alloc(pool, (size_t)n + 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void assess_pool_deinit(struct assess_pool *pool) {
    while (pool->blocks) {
        struct assess_block *next = pool->blocks->next;
        assess_realloc(pool->blocks, 0);
        pool->blocks = next;
    }
    *pool = (struct assess_pool){0};
}

bool assess_grow(void **items, size_t count, size_t *room, size_t size) {
    if (count < *room) return true;
    size_t wanted = *room ? *room * 2 : 16;
    if (wanted < *room || wanted > SIZE_MAX / size) return false;
    void *grown = assess_realloc(*items, wanted * size);
    if (!grown) return false;
    *items = grown;
    *room = wanted;
    return true;
}

/* ---- text ----------------------------------------------------------------------------------- */

static bool make_room(struct assess_text *text, size_t more) {
    if (text->failed) return false;
    if (more >= SIZE_MAX / 2 - text->length) {
        text->failed = true;
        return false;
    }
    size_t wanted = text->length + more + 1;
    if (wanted <= text->room) return true;
    if (wanted < text->room * 2) wanted = text->room * 2;
    char *grown = assess_realloc(text->bytes, wanted);
    if (!grown) {
        text->failed = true;
        return false;
    }
    text->bytes = grown;
    text->room = wanted;
    return true;
}

void assess_text_add_bytes(struct assess_text *text, const char *s, size_t length) {
    if (!make_room(text, length)) return;
    memcpy(text->bytes + text->length, s, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void assess_text_add(struct assess_text *text, const char *s) {
    assess_text_add_bytes(text, s, strlen(s));
}

void assess_text_printf(struct assess_text *text, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0 && make_room(text, (size_t)n)) {
        vsnprintf(text->bytes + text->length, (size_t)n + 1, fmt, again);
        text->length += (size_t)n;
    }
    va_end(again);
}

void assess_text_deinit(struct assess_text *text) {
    assess_realloc(text->bytes, 0);
    *text = (struct assess_text){0};
}

/* ---- errors and time ------------------------------------------------------------------------ */

int assess_fail(struct ashore_error *err, int code, const char *fmt, ...) {
    if (!err) return code;
    err->code = code;
    err->node[0] = '\0';
    err->op[0] = '\0';
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

int64_t assess_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
