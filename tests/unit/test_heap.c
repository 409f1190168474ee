#include "base/arena.h"
#include "base/heap.h"
#include "base/mapping.h"

#include "ashore/ashore_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fails the call number `fail_at` and checks that every block comes back with its own size. */
struct torture {
    size_t calls, fail_at, held;
};

static void *torture_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct torture *t = user;
    if (new_size > old_size && ++t->calls == t->fail_at) return NULL;
    size_t *block = ptr == NULL ? NULL : (size_t *)ptr - 2;
    if (block != NULL) {
        assert_int_equal(*block, old_size);
        t->held -= old_size;
    }
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, new_size + 2 * sizeof *block);
    assert_non_null(block);
    *block = new_size;
    t->held += new_size;
    return block + 2;
}

static void test_counts(void **state) {
    (void)state;
    struct torture t = {0};
    struct ash_heap heap;
    ash_heap_init(&heap, torture_realloc, &t);
    assert_null(ash_alloc(&heap, 0));
    char *a = ash_alloc(&heap, 100);
    char *b = ash_alloc_zero(&heap, 50);
    assert_non_null(a);
    for (size_t i = 0; i < 50; i++) assert_int_equal(b[i], 0);
    assert_int_equal(heap.used, 150);
    a = ash_resize(&heap, a, 100, 300);
    assert_int_equal(heap.used, 350);
    assert_int_equal(heap.calls, 3);
    a = ash_resize(&heap, a, 300, 10);
    assert_int_equal(heap.used, 60);
    assert_int_equal(heap.peak, 350);
    assert_int_equal(heap.calls, 3);
    assert_null(ash_resize(&heap, a, 10, 0));
    ash_free(&heap, b, 50);
    ash_free(&heap, NULL, 7);
    assert_int_equal(heap.used, 0);
    assert_int_equal(t.held, 0);
}

static void test_refused_sizes(void **state) {
    (void)state;
    struct ash_heap heap;
    ash_heap_init(&heap, NULL, NULL);
    assert_null(ash_alloc(&heap, SIZE_MAX));
    assert_null(ash_alloc_zero(&heap, (size_t)PTRDIFF_MAX + 1));
    assert_null(ash_alloc_aligned(&heap, SIZE_MAX - 8));
    char *a = ash_alloc(&heap, 16);
    memset(a, 7, 16);
    assert_null(ash_resize(&heap, a, 16, SIZE_MAX));
    assert_int_equal(a[15], 7);
    assert_int_equal(heap.used, 16);
    ash_free(&heap, a, 16);
}

static void test_sizes(void **state) {
    (void)state;
    assert_true(ash_size_mul(3, 5) == 15);
    assert_true(ash_size_mul(SIZE_MAX / 2, 3) == SIZE_MAX);
    assert_true(ash_size_mul(ash_size_mul(SIZE_MAX / 2, 3), 0) == 0);
    assert_true(ash_size_mul(SIZE_MAX, 2) == SIZE_MAX);
    assert_true(ash_size_add(SIZE_MAX - 1, 1) == SIZE_MAX);
    assert_true(ash_size_add(SIZE_MAX, 1) == SIZE_MAX);
    assert_true(ash_align_up(1) == ASH_ALIGN);
    assert_true(ash_align_up(SIZE_MAX) == SIZE_MAX);
}

static void test_aligned(void **state) {
    (void)state;
    struct torture t = {0};
    struct ash_heap heap;
    ash_heap_init(&heap, torture_realloc, &t);
    for (size_t size = 1; size < 400; size += 7) {
        unsigned char *a = ash_alloc_aligned(&heap, size);
        assert_int_equal((uintptr_t)a % ASH_ALIGN, 0);
        memset(a, 0xff, size);
        ash_free_aligned(&heap, a, size);
        assert_int_equal(heap.used, 0);
    }
    assert_null(ash_alloc_aligned(&heap, 0));
    ash_free_aligned(&heap, NULL, 9);
    assert_int_equal(t.held, 0);
}

static int fill_arena(struct ash_arena *arena) {
    for (size_t i = 0; i < 300; i++) {
        size_t size = i % 50 == 49 ? 30000 : i;
        unsigned char *p = ash_arena_alloc(arena, size);
        if (p == NULL) return -1;
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t j = 0; j < size; j++) assert_int_equal(p[j], 0);
        memset(p, 0xff, size);
    }
    char *text = ash_arena_text(arena, "abcdef", 3);
    if (text == NULL) return -1;
    assert_string_equal(text, "abc");
    return 0;
}

static void test_arena(void **state) {
    (void)state;
    int failures = 0;
    for (size_t fail_at = 1;; fail_at++) {
        struct torture t = {.fail_at = fail_at};
        struct ash_heap heap;
        struct ash_arena arena;
        ash_heap_init(&heap, torture_realloc, &t);
        ash_arena_init(&arena, &heap);
        int rc = fill_arena(&arena);
        assert_int_equal(arena.used, heap.used);
        ash_arena_deinit(&arena);
        assert_int_equal(heap.used, 0);
        assert_int_equal(t.held, 0);
        if (rc == 0) break;
        failures++;
    }
    assert_in_range(failures, 5, 40);
    struct ash_heap heap;
    struct ash_arena arena;
    ash_heap_init(&heap, NULL, NULL);
    ash_arena_init(&arena, &heap);
    assert_null(ash_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(ash_arena_text(&arena, "", SIZE_MAX));
    assert_non_null(ash_arena_array(&arena, 0, 8));
    ash_arena_deinit(&arena);
}

/* A large piece changes its arena and stays where it is; a small one cannot. */
static void test_adopt(void **state) {
    (void)state;
    struct ash_heap heap, other;
    struct ash_arena from, to, foreign;
    ash_heap_init(&heap, NULL, NULL);
    ash_heap_init(&other, NULL, NULL);
    ash_arena_init(&from, &heap);
    ash_arena_init(&to, &heap);
    ash_arena_init(&foreign, &other);
    unsigned char *small = ash_arena_alloc(&from, 100), *large = ash_arena_alloc(&from, 1 << 20);
    large[77] = 5;
    assert_false(ash_arena_adopt(&to, &from, large)); /* it has no block yet */
    ash_arena_alloc(&to, 10);
    ash_arena_alloc(&foreign, 10);
    assert_false(ash_arena_adopt(&to, &from, small));
    assert_false(ash_arena_adopt(&to, &from, large + 16));
    assert_false(ash_arena_adopt(&foreign, &from, large));
    assert_true(ash_arena_adopt(&to, &from, large));
    assert_false(ash_arena_adopt(&to, &from, large));
    assert_false(ash_arena_owns(&from, large + 77));
    assert_true(ash_arena_owns(&to, large + 77));
    assert_int_equal(from.used + to.used, heap.used);
    ash_arena_deinit(&from);
    assert_int_equal(large[77], 5);
    assert_true(ash_arena_release(&to, large));
    ash_arena_deinit(&to);
    ash_arena_deinit(&foreign);
    assert_int_equal(heap.used, 0);
}

static void write_file(const char *path, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++) assert_int_equal(fputc((int)(i % 251), file), (int)(i % 251));
    assert_int_equal(fclose(file), 0);
}

static void test_mapping(void **state) {
    (void)state;
    static const char path[] = "test_heap.tmp";
    struct ash_heap heap;
    struct ash_mapping m;
    struct ashore_error err;
    ash_heap_init(&heap, NULL, NULL);
    write_file(path, 100000);
    assert_int_equal(ash_mapping_init(&m, &heap, path, &err), ASHORE_OK);
    assert_int_equal(m.size, 100000);
    ash_mapping_release(&m, m.data + 10, 50000);
    ash_mapping_release(&m, m.data + 10, 200000);
    for (size_t i = 0; i < m.size; i++) assert_int_equal(m.data[i], i % 251);
    ash_mapping_deinit(&m);
    ash_mapping_deinit(&m);
    write_file(path, 0);
    assert_int_equal(ash_mapping_init(&m, &heap, path, &err), ASHORE_OK);
    assert_int_equal(m.size, 0);
    assert_non_null(m.data);
    ash_mapping_deinit(&m);
    assert_int_equal(remove(path), 0);
    assert_int_equal(ash_mapping_init(&m, &heap, path, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(ash_mapping_init(&m, &heap, "/", &err), ASHORE_ERR_IO);
    assert_int_equal(heap.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),  cmocka_unit_test(test_refused_sizes),
        cmocka_unit_test(test_sizes),   cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_arena),   cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
