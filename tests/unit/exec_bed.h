/* What tests of the executor share: an allocator that counts, models made in place, runs. */
#ifndef EXEC_BED_H
#define EXEC_BED_H

#include "ashore/ashore.h"
#include "model_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- an allocator that knows what it gave away; sessions may share it ------------------------ */

struct account {
    atomic_size_t calls, held;
    size_t fail_at; /* this call and every one after it; 0: none */
};

static void *bed_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct account *a = (struct account *)user;
    size_t call = ++a->calls;
    if (new_size > old_size && a->fail_at && call >= a->fail_at) return NULL;
    a->held += new_size - old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

/* ---- models ---------------------------------------------------------------------------------- */

struct bed {
    struct mw m;
    size_t graph;
    struct account account;
    ashore_model *model;
    ashore_session *session;
    struct ashore_error err;
};

static inline void node(struct mw *m, const char *op, const char *in, const char *out) {
    mw_close(m, mw_node(m, op, out, in, out));
}

static inline void ints(struct mw *m, const char *name, int rank, int64_t count,
                        const int64_t *data) {
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_INT64, rank, &count, data,
              (size_t)count * sizeof *data);
}

static inline void integer(struct mw *m, const char *name, int64_t v) {
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_INT64, 0, NULL, &v, sizeof v);
}

static inline void number(struct mw *m, const char *name, float v) {
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_FLOAT32, 0, NULL, &v, sizeof v);
}

static inline void input(struct mw *m, const char *name, int dtype, int rank) {
    static const int64_t open[] = {-1, -1, -1, -1, -1, -1, -1, -1};
    mw_value(m, MW_GRAPH_INPUT, name, dtype, rank, open);
}

static inline void output(struct mw *m, const char *name, int dtype) {
    mw_value(m, MW_GRAPH_OUTPUT, name, dtype, -1, NULL);
}

static inline void bed_init(struct bed *b) {
    memset(b, 0, sizeof *b);
    mw_init(&b->m);
    b->graph = mw_begin(&b->m);
}

/* Loads what has been written; the code. */
static inline int bed_load(struct bed *b, int optimize) {
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.realloc = bed_realloc;
    options.realloc_user = &b->account;
    options.optimize = optimize;
    return ashore_model_load_memory(b->m.bytes, b->m.size, &options, &b->model, &b->err);
}

static inline int bed_session(struct bed *b, int threads, int reference, int profile) {
    struct ashore_session_options options;
    ashore_session_options_init(&options);
    options.threads = threads;
    options.reference = reference;
    options.profile = profile;
    return ashore_session_create(b->model, &options, &b->session, &b->err);
}

static inline void must(struct bed *b, int rc) {
    if (rc != ASHORE_OK) print_error("%d: %s\n", rc, b->err.text);
    assert_int_equal(rc, ASHORE_OK);
}

static inline void bed_open(struct bed *b) {
    mw_close(&b->m, b->graph);
    must(b, bed_load(b, 1));
    must(b, bed_session(b, 1, 0, 0));
}

static inline void bed_close(struct bed *b) {
    ashore_session_destroy(&b->session);
    ashore_model_destroy(&b->model);
    assert_int_equal(b->account.held, 0);
    mw_deinit(&b->m);
}

/* ---- values ---------------------------------------------------------------------------------- */

static inline ashore_value *value_of(int dtype, int rank, const int64_t *shape, const void *data) {
    ashore_value *v = NULL;
    assert_int_equal(ashore_tensor_create(dtype, rank, shape, &v, NULL), ASHORE_OK);
    if (data != NULL && ashore_value_bytes(v) > 0)
        memcpy(ashore_value_data_mut(v), data, ashore_value_bytes(v));
    return v;
}

/* 1, 2, 3, ... */
static inline ashore_value *counting(int rank, const int64_t *shape) {
    ashore_value *v = value_of(ASHORE_FLOAT32, rank, shape, NULL);
    float *x = (float *)ashore_value_data_mut(v);
    for (size_t i = 0; i < ashore_value_elements(v); i++) x[i] = (float)(i + 1);
    return v;
}

static inline ashore_value *counting_to(int64_t n) { return counting(1, &n); }

static inline ashore_value *flag(int on) {
    unsigned char byte = (unsigned char)on;
    return value_of(ASHORE_BOOL, 0, NULL, &byte);
}

static inline ashore_value *whole(int64_t n) { return value_of(ASHORE_INT64, 0, NULL, &n); }

static inline void expect_floats(const ashore_value *v, int rank, const int64_t *shape,
                                 const float *want) {
    assert_int_equal(ashore_value_dtype(v), ASHORE_FLOAT32);
    assert_int_equal(ashore_value_rank(v), rank);
    for (int i = 0; i < rank; i++) assert_int_equal(ashore_value_shape(v)[i], shape[i]);
    const float *got = (const float *)ashore_value_data(v);
    for (size_t i = 0; i < ashore_value_elements(v); i++) {
        if (got[i] != want[i])
            print_error("element %zu is %g, expected %g\n", i, (double)got[i], (double)want[i]);
        assert_true(got[i] == want[i]);
    }
}

static inline void expect_ints(const ashore_value *v, int rank, const int64_t *shape,
                               const int64_t *want) {
    assert_int_equal(ashore_value_dtype(v), ASHORE_INT64);
    assert_int_equal(ashore_value_rank(v), rank);
    for (int i = 0; i < rank; i++) assert_int_equal(ashore_value_shape(v)[i], shape[i]);
    const int64_t *got = (const int64_t *)ashore_value_data(v);
    for (size_t i = 0; i < ashore_value_elements(v); i++) assert_int_equal(got[i], want[i]);
}

static inline int same_value(const ashore_value *a, const ashore_value *b) {
    int rank = ashore_value_rank(a);
    return ashore_value_dtype(a) == ashore_value_dtype(b) && rank == ashore_value_rank(b) &&
           (rank == 0 || !memcmp(ashore_value_shape(a), ashore_value_shape(b),
                                 (size_t)rank * sizeof(int64_t))) &&
           !memcmp(ashore_value_data(a), ashore_value_data(b), ashore_value_bytes(a));
}

enum { BED_MOST = 8 };

/* Names of the model's inputs and outputs, in order. */
static inline size_t bed_names(const struct bed *b, int outputs, const char **names) {
    size_t n = outputs ? ashore_model_output_count(b->model) : ashore_model_input_count(b->model);
    assert_true(n <= BED_MOST);
    for (size_t i = 0; i < n; i++)
        names[i] =
            (outputs ? ashore_model_output(b->model, i) : ashore_model_input(b->model, i))->name;
    return n;
}

/* Runs with one value for each input. */
static inline int bed_try(struct bed *b, ashore_value *const *in, ashore_value **out) {
    const char *in_names[BED_MOST], *out_names[BED_MOST];
    size_t n_in = bed_names(b, 0, in_names), n_out = bed_names(b, 1, out_names);
    for (size_t i = 0; i < n_out; i++) out[i] = NULL;
    return ashore_session_run(b->session, n_in, in_names, in, n_out, out_names, out, &b->err);
}

static inline void bed_run(struct bed *b, ashore_value *const *in, ashore_value **out) {
    must(b, bed_try(b, in, out));
}

static inline int bed_into(struct bed *b, ashore_value *const *in, ashore_value *const *out) {
    const char *in_names[BED_MOST], *out_names[BED_MOST];
    size_t n_in = bed_names(b, 0, in_names), n_out = bed_names(b, 1, out_names);
    return ashore_session_run_into(b->session, n_in, in_names, in, n_out, out_names, out, &b->err);
}

static inline void let_go(ashore_value **v, size_t n) {
    for (size_t i = 0; i < n; i++) ashore_value_release(&v[i]);
}

#endif
