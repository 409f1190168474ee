/* Runs that another thread ends: within a step, between steps, and with values that stay in the
 * engine from run to run. */
#include "exec_bed.h"

#include "base/heap.h"
#include "base/pool.h"

#include <pthread.h>

/* ---- the pool -------------------------------------------------------------------------------- */

enum { TILES = 500, LAST = 20 };

struct job {
    _Atomic uint32_t *word;
    _Atomic size_t ran;
};

static void count_tile(void *arg, size_t tile, size_t worker) {
    struct job *job = arg;
    (void)tile;
    (void)worker;
    if (atomic_fetch_add(&job->ran, 1) + 1 == LAST) atomic_store(job->word, 1);
}

/* A tile sets the word: those that other threads are at end, no other begins. */
static void test_tiles_are_skipped(void **state) {
    (void)state;
    struct ash_heap heap;
    ash_heap_init(&heap, NULL, NULL);
    for (size_t threads = 1; threads <= 8; threads++) {
        struct ash_pool *pool = NULL;
        _Atomic uint32_t word = 0;
        assert_int_equal(ash_pool_create(&heap, threads, &pool, NULL), ASHORE_OK);
        ash_pool_begin(pool);
        ash_pool_watch(pool, &word);
        struct job job = {.word = &word};
        ash_pool_run(pool, TILES, count_tile, &job);
        assert_in_range(job.ran, LAST, LAST + threads - 1);
        ash_pool_run(pool, TILES, count_tile, &job);
        assert_in_range(job.ran, LAST, LAST + threads - 1);
        ash_pool_watch(pool, NULL);
        job = (struct job){.word = &word};
        ash_pool_run(pool, TILES, count_tile, &job);
        assert_int_equal(job.ran, TILES);
        ash_pool_destroy(&pool);
    }
    assert_int_equal(heap.used, 0);
}

/* ---- one long step --------------------------------------------------------------------------- */

enum { SIDE = 4096, MARK = 0xa5 };

/* Memory of the size of the step's output is marked, and looked at when it is given back. */
struct watcher {
    struct bed bed;
    size_t untouched, outputs;
};

static void *watch_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct watcher *w = user;
    const size_t output = (size_t)SIDE * SIDE * sizeof(float);
    unsigned char *bytes = ptr;
    if (new_size == 0 && old_size >= output && old_size < output + 4096) {
        size_t end = old_size;
        while (end > 0 && bytes[end - 1] != MARK) end--;
        while (end > 0 && bytes[end - 1] == MARK) end--, w->untouched++;
        w->outputs++;
    }
    bytes = bed_realloc(&w->bed.account, ptr, old_size, new_size);
    if (ptr == NULL && new_size >= output && new_size < output + 4096)
        memset(bytes, MARK, new_size);
    return bytes;
}

static void open_long(struct watcher *w, int threads) {
    memset(w, 0, sizeof *w);
    struct bed *b = &w->bed;
    bed_init(b);
    input(&b->m, "x", ASHORE_FLOAT32, 2);
    output(&b->m, "y", ASHORE_FLOAT32);
    node(&b->m, "MatMul", "x x", "y");
    mw_close(&b->m, b->graph);
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.realloc = watch_realloc;
    options.realloc_user = w;
    must(b, ashore_model_load_memory(b->m.bytes, b->m.size, &options, &b->model, &b->err));
    must(b, bed_session(b, threads, 0, 0));
}

static ashore_run *begin(struct bed *b, ashore_value *const *in) {
    const char *names[BED_MOST];
    ashore_run *run = NULL;
    size_t n = bed_names(b, 0, names);
    must(b, ashore_run_create(b->session, n, names, in, &run, &b->err));
    return run;
}

/* Ends a run as soon as its step has begun, which it takes the word of the advancing thread for. */
struct canceller {
    ashore_run *run;
    _Atomic int begun;
};

static void *cancel_soon(void *arg) {
    struct canceller *c = arg;
    while (!atomic_load(&c->begun)) sched_yield();
    for (int i = 0; i < 10; i++) sched_yield();
    ashore_run_cancel(c->run);
    return NULL;
}

static void test_step_is_cut(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        struct watcher w;
        open_long(&w, threads);
        struct bed *b = &w.bed;
        ashore_value *x = value_of(ASHORE_FLOAT32, 2, (int64_t[]){SIDE, SIDE}, NULL);
        struct canceller c = {.run = begin(b, &x)};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &c), 0);
        atomic_store(&c.begun, 1);
        assert_int_equal(ashore_run_advance(c.run, 0, &b->err), ASHORE_ERR_CANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(ashore_run_advance(c.run, 0, &b->err), ASHORE_ERR_STATE);
        ashore_run_destroy(&c.run);
        assert_true(w.outputs > 0);
        assert_true(w.untouched > 0); /* what the skipped tiles would have written */
        ashore_value_release(&x);
        /* The session goes on, with another shape. */
        ashore_value *two = counting(2, (int64_t[]){2, 2}), *y;
        bed_run(b, &two, &y);
        expect_floats(y, 2, (int64_t[]){2, 2}, (float[]){7, 10, 15, 22});
        ashore_value_release(&two);
        ashore_value_release(&y);
        bed_close(b);
    }
}

/* ---- whenever -------------------------------------------------------------------------------- */

static void open_chain(struct bed *b, int threads) {
    bed_init(b);
    input(&b->m, "x", ASHORE_FLOAT32, 2);
    output(&b->m, "y", ASHORE_FLOAT32);
    number(&b->m, "small", 0.01f);
    node(&b->m, "Mul", "x small", "m0");
    for (int i = 0; i < 12; i++) {
        char in[16], out[16];
        (void)snprintf(in, sizeof in, "m%d x", i);
        (void)snprintf(out, sizeof out, "m%d", i + 1);
        node(&b->m, "MatMul", in, i < 11 ? out : "y");
    }
    mw_close(&b->m, b->graph);
    must(b, bed_load(b, 1));
    must(b, bed_session(b, threads, 0, 0));
}

struct later {
    ashore_run *run;
    uint32_t *word;
    int delay;
};

static void *cancel_later(void *arg) {
    struct later *l = arg;
    for (volatile int i = 0; i < l->delay; i++) {}
    if (l->word)
        __atomic_store_n(l->word, 1, __ATOMIC_SEQ_CST);
    else
        ashore_run_cancel(l->run);
    return NULL;
}

/* At any moment, by a call or by a word: the run is whole or cancelled, and the next is whole. */
static void test_any_moment(void **state) {
    (void)state;
    struct bed b;
    open_chain(&b, 3);
    ashore_value *x = counting(2, (int64_t[]){256, 256}), *want, *y;
    bed_run(&b, &x, &want);
    size_t cancelled = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t word = 0;
        struct later l = {.run = begin(&b, &x), .word = i % 2 ? &word : NULL, .delay = i * 6000};
        if (l.word) ashore_run_watch(l.run, l.word);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, cancel_later, &l), 0);
        int rc;
        while ((rc = ashore_run_advance(l.run, (size_t)i % 4, &b.err)) == ASHORE_PENDING) {}
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (rc == ASHORE_OK) {
            must(&b, ashore_run_output(l.run, 0, &y, &b.err));
            assert_true(same_value(y, want));
            ashore_value_release(&y);
        } else {
            assert_int_equal(rc, ASHORE_ERR_CANCELLED);
            assert_non_null(strstr(b.err.text, "cancelled"));
            cancelled++;
        }
        ashore_run_destroy(&l.run);
        bed_run(&b, &x, &y);
        assert_true(same_value(y, want));
        ashore_value_release(&y);
    }
    /* Before the first step it is certain. */
    ashore_run *run = begin(&b, &x);
    ashore_run_cancel(run);
    assert_int_equal(ashore_run_advance(run, 0, &b.err), ASHORE_ERR_CANCELLED);
    ashore_run_destroy(&run);
    print_message("%zu of 100 were cancelled\n", cancelled);
    let_go(&x, 1);
    let_go(&want, 1);
    bed_close(&b);
}

/* ---- values that stay ------------------------------------------------------------------------ */

/* h' = tanh(h + x), seen = h: outputs are given to the next run as they are, and keep what they
 * hold while a run works on others, even those that are an input of their run. */
static void test_outputs_become_inputs(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    input(&b.m, "x", ASHORE_FLOAT32, 1);
    input(&b.m, "h", ASHORE_FLOAT32, 1);
    output(&b.m, "next", ASHORE_FLOAT32);
    output(&b.m, "seen", ASHORE_FLOAT32);
    node(&b.m, "Add", "h x", "sum");
    node(&b.m, "Tanh", "sum", "next");
    node(&b.m, "Identity", "h", "seen");
    bed_open(&b);
    static const int64_t shape[] = {5};
    float by_hand[5] = {0};
    ashore_value *x = counting(1, shape), *h = value_of(ASHORE_FLOAT32, 1, shape, NULL);
    for (int i = 0; i < 20; i++) {
        ashore_value *copy = value_of(ASHORE_FLOAT32, 1, shape, by_hand);
        ashore_value *in[2] = {x, copy}, *out[2], *want[2];
        bed_run(&b, in, want);
        ashore_run *run = begin(&b, (ashore_value *[]){x, h});
        must(&b, ashore_run_advance(run, 0, &b.err));
        for (size_t k = 0; k < 2; k++) must(&b, ashore_run_output(run, k, &out[k], &b.err));
        ashore_run_destroy(&run);
        assert_true(same_value(out[0], want[0]) && same_value(out[1], want[1]));
        assert_memory_equal(ashore_value_data(h), by_hand, sizeof by_hand);
        memcpy(by_hand, ashore_value_data(want[0]), sizeof by_hand);
        ashore_value_release(&h);
        h = out[0];
        let_go(&out[1], 1);
        let_go(want, 2);
        let_go(&copy, 1);
    }
    let_go(&x, 1);
    let_go(&h, 1);
    bed_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_are_skipped),
        cmocka_unit_test(test_step_is_cut),
        cmocka_unit_test(test_any_moment),
        cmocka_unit_test(test_outputs_become_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
