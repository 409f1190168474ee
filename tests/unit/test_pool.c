#include "base/heap.h"
#include "base/pool.h"

#include "ashore/ashore_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_TILES = 5000 };

struct job {
    size_t threads;
    _Atomic int seen[MAX_TILES];
    _Atomic int wrong_worker;
    _Atomic uint64_t sum;
};

static void count_tile(void *arg, size_t tile, size_t worker) {
    struct job *job = arg;
    if (worker >= job->threads) atomic_fetch_add(&job->wrong_worker, 1);
    atomic_fetch_add(&job->seen[tile], 1);
    atomic_fetch_add(&job->sum, tile);
}

static void check_job(struct ash_pool *pool, size_t tiles) {
    static struct job job;
    memset(&job, 0, sizeof job);
    job.threads = ash_pool_threads(pool);
    if (tiles % 2) {
        ash_pool_run(pool, tiles, count_tile, &job);
    } else {
        ash_pool_run_work(pool, tiles, tiles * 3 % 100, count_tile, &job);
    }
    assert_int_equal(atomic_load(&job.wrong_worker), 0);
    for (size_t i = 0; i < MAX_TILES; i++) {
        assert_int_equal(atomic_load(&job.seen[i]), i < tiles ? 1 : 0);
    }
}

static void test_every_tile_once(void **state) {
    (void)state;
    struct ash_heap heap;
    ash_heap_init(&heap, NULL, NULL);
    for (size_t threads = 1; threads <= 16; threads++) {
        struct ash_pool *pool = NULL;
        struct ashore_error err;
        assert_int_equal(ash_pool_create(&heap, threads, &pool, &err), ASHORE_OK);
        assert_int_equal(ash_pool_threads(pool), threads);
        static const size_t tiles[] = {0, 1, 2, 3, 7, 8, 9, 100, MAX_TILES};
        for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) check_job(pool, tiles[i]);
        ash_pool_destroy(&pool);
        assert_null(pool);
        assert_int_equal(heap.used, 0);
    }
    check_job(NULL, 100);
}

static void sum_tile(void *arg, size_t tile, size_t worker) {
    (void)worker;
    atomic_fetch_add((_Atomic uint64_t *)arg, tile + 1);
}

/* Many short jobs in a row, some with pauses that let members fall asleep between them. */
static void test_short_jobs(void **state) {
    (void)state;
    struct ash_heap heap;
    ash_heap_init(&heap, NULL, NULL);
    struct ash_pool *pool = NULL;
    assert_int_equal(ash_pool_create(&heap, 4, &pool, NULL), ASHORE_OK);
    for (size_t i = 0; i < 20000; i++) {
        _Atomic uint64_t sum = 0;
        size_t tiles = i % 7;
        if (i % 100 == 0) ash_pool_begin(pool);
        ash_pool_run_work(pool, tiles, i % 3 * 4, sum_tile, &sum);
        assert_int_equal(sum, tiles * (tiles + 1) / 2);
        for (volatile size_t pause = i % 500 == 0 ? 1000000 : 0; pause != 0; pause--) {}
    }
    ash_pool_destroy(&pool);
}

static void test_create_and_destroy(void **state) {
    (void)state;
    struct ash_heap heap;
    ash_heap_init(&heap, NULL, NULL);
    for (int i = 0; i < 200; i++) {
        struct ash_pool *pool = NULL;
        assert_int_equal(ash_pool_create(&heap, 3, &pool, NULL), ASHORE_OK);
        ash_pool_destroy(&pool);
    }
    assert_int_equal(heap.used, 0);
}

static void *no_memory(void *user, void *ptr, size_t old_size, size_t new_size) {
    (void)user;
    (void)ptr;
    (void)old_size;
    (void)new_size;
    return NULL;
}

static void test_refusals(void **state) {
    (void)state;
    struct ash_heap heap;
    struct ash_pool *pool = NULL;
    struct ashore_error err;
    ash_heap_init(&heap, no_memory, NULL);
    assert_int_equal(ash_pool_create(&heap, 0, &pool, &err), ASHORE_ERR_ARGUMENT);
    assert_int_equal(ash_pool_create(&heap, ASH_POOL_MAX + 1, &pool, &err), ASHORE_ERR_ARGUMENT);
    assert_int_equal(ash_pool_create(&heap, 2, &pool, &err), ASHORE_ERR_NOMEM);
    assert_null(pool);
    ash_pool_destroy(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tile_once),
        cmocka_unit_test(test_short_jobs),
        cmocka_unit_test(test_create_and_destroy),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
