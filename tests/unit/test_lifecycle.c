/* A process that opens and closes models for days: nothing grows, and models that are opened, run
 * and closed side by side do not disturb each other. */
#define _POSIX_C_SOURCE 200809L
#include "exec_bed.h"

#include <dirent.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { CYCLES = 200, SETTLED = 40, RUNNERS = 4, CHANNELS = 24, SIDE = 12 };

/* A convolution, a matrix product and a softmax: kernels that share work between threads. */
static void write_network(struct mw *m) {
    static float weights[CHANNELS * CHANNELS * 9], matrix[SIDE * SIDE];
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = (float)(i % 7) * 0.01f - 0.03f;
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) matrix[i] = (float)(i % 5) * 0.1f;
    input(m, "x", ASHORE_FLOAT32, 4);
    output(m, "y", ASHORE_FLOAT32);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "w", ASHORE_FLOAT32, 4,
              (int64_t[]){CHANNELS, CHANNELS, 3, 3}, weights, sizeof weights);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "m", ASHORE_FLOAT32, 2, (int64_t[]){SIDE, SIDE}, matrix,
              sizeof matrix);
    node(m, "Conv", "x w", "c");
    node(m, "Relu", "c", "r");
    node(m, "Pad", "r pads", "p");
    node(m, "MatMul", "p m", "t");
    node(m, "Softmax", "t", "y");
    ints(m, "pads", 1, 8, (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
}

static ashore_value *picture(int number) {
    static const int64_t shape[] = {1, CHANNELS, SIDE, SIDE};
    ashore_value *x = value_of(ASHORE_FLOAT32, 4, shape, NULL);
    float *data = (float *)ashore_value_data_mut(x);
    for (size_t i = 0; i < ashore_value_elements(x); i++)
        data[i] = (float)((i * 31 + (size_t)number) % 17) * 0.1f;
    return x;
}

/* Opens the model that b holds, runs it and closes it; the answer. */
static ashore_value *cycle(struct bed *b, int number, int threads) {
    ashore_value *x = picture(number), *y = NULL;
    must(b, bed_load(b, 1));
    must(b, bed_session(b, threads, 0, number % 2));
    bed_run(b, &x, &y);
    ashore_session_destroy(&b->session);
    ashore_model_destroy(&b->model);
    ashore_value_release(&x);
    return y;
}

static size_t resident_bytes(void) {
    unsigned long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2) resident = 0;
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static int entries(const char *path) {
    DIR *dir = opendir(path);
    int n = 0;
    if (!dir) return -1;
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

/* Threads beyond those of `before`.  One that has been joined may be seen for a moment; a sanitiser
 * may run one of its own. */
static int threads_left(int before) {
    int own = 0, more = 0;
#ifdef ASH_SANITIZED
    own = 1;
#endif
    for (int i = 0; i < 500; i++) {
        more = entries("/proc/self/task") - before;
        if (more <= own) return 0;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return more;
}

static void test_open_and_close(void **state) {
    (void)state;
    struct bed b;
    size_t settled = 0;
    int threads_before = entries("/proc/self/task"), files_before = entries("/proc/self/fd");
    bed_init(&b);
    write_network(&b.m);
    mw_close(&b.m, b.graph);
    for (int i = 0; i < CYCLES; i++) {
        ashore_value *y = cycle(&b, i, 1 + i % 4);
        ashore_value_release(&y);
        assert_int_equal(b.account.held, 0);
        if (i == SETTLED) settled = resident_bytes();
    }
    size_t after = resident_bytes();
    print_message("resident: %zu bytes after %d cycles, %zu after %d\n", settled, SETTLED, after,
                  CYCLES);
    assert_int_equal(threads_left(threads_before), 0);
    assert_int_equal(entries("/proc/self/fd"), files_before);
#ifndef ASH_SANITIZED
    /* One model takes 60 KiB.  Were a tenth of it lost each time, this would be 1 MiB; a sanitiser
     * keeps what was freed on purpose. */
    assert_true(after < settled + (512 << 10));
#endif
    mw_deinit(&b.m);
}

struct runner {
    const struct bed *bed;
    pthread_t thread;
    int number, failed;
};

/* Opens models of its own; what each answers is what it answers alone. */
static void *open_and_run(void *arg) {
    struct runner *r = arg;
    for (int i = 0; i < CYCLES / RUNNERS; i++) {
        struct bed b = {.m = r->bed->m};
        int number = i % 3;
        ashore_value *want = cycle(&b, number, 1),
                     *got = cycle(&b, number, 1 + (r->number + i) % 3);
        if (!same_value(want, got)) r->failed = 1;
        ashore_value_release(&want);
        ashore_value_release(&got);
        if (b.account.held) r->failed = 1;
    }
    return NULL;
}

static void test_side_by_side(void **state) {
    (void)state;
    struct bed b;
    struct runner r[RUNNERS];
    bed_init(&b);
    write_network(&b.m);
    mw_close(&b.m, b.graph);
    for (int i = 0; i < RUNNERS; i++) {
        r[i] = (struct runner){.bed = &b, .number = i};
        assert_int_equal(pthread_create(&r[i].thread, NULL, open_and_run, &r[i]), 0);
    }
    for (int i = 0; i < RUNNERS; i++) {
        assert_int_equal(pthread_join(r[i].thread, NULL), 0);
        assert_int_equal(r[i].failed, 0);
    }
    mw_deinit(&b.m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_open_and_close),
                                       cmocka_unit_test(test_side_by_side)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
