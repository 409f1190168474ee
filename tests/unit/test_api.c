/* The public interface under stress: every allocation failing in turn, runs that must not allocate,
 * answers that must not depend on the number of threads, and calls that are wrong. */
#include "model_writer.h"

#include "ashore/ashore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANNELS = 32, SIDE = 24, CLASSES = 40 };

/* ---- an allocator that fails on demand and knows what it gave away --------------------------- */

struct torture {
    size_t calls, fail_at, held;
};

static void *api_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct torture *t = user;
    if (new_size > old_size && ++t->calls == t->fail_at) return NULL;
    size_t *block = ptr == NULL ? NULL : (size_t *)ptr - 2;
    if (block != NULL) assert_int_equal(*block, old_size);
    t->held -= old_size;
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

/* ---- models ---------------------------------------------------------------------------------- */

static float noise(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 23) - 1.0f;
}

static void weight(struct mw *m, const char *name, int rank, const int64_t *shape, uint32_t seed) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) data[i] = noise(&seed) * 0.25f;
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_FLOAT32, rank, shape, data,
              count * sizeof *data);
    free(data);
}

/* x[N,3,S,S] -> 3x3 convolution -> depthwise -> 1x1 -> pool -> MatMul -> Softmax -> y[N,classes] */
static void write_cnn(struct mw *m) {
    size_t graph = mw_begin(m);
    mw_value(m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 4, (int64_t[]){-1, 3, SIDE, SIDE});
    mw_value(m, MW_GRAPH_OUTPUT, "y", ASHORE_FLOAT32, 2, (int64_t[]){-1, CLASSES});
    weight(m, "w1", 4, (int64_t[]){CHANNELS, 3, 3, 3}, 1);
    weight(m, "b1", 1, (int64_t[]){CHANNELS}, 2);
    weight(m, "w2", 4, (int64_t[]){CHANNELS, 1, 3, 3}, 3);
    weight(m, "w3", 4, (int64_t[]){2 * CHANNELS, CHANNELS, 1, 1}, 4);
    weight(m, "w4", 2, (int64_t[]){2 * CHANNELS, CLASSES}, 5);
    size_t node = mw_node(m, "Conv", "conv1", "x w1 b1", "c1");
    mw_attr_ints(m, "pads", 4, (int64_t[]){1, 1, 1, 1});
    mw_close(m, node);
    mw_close(m, mw_node(m, "Relu", "relu1", "c1", "r1"));
    node = mw_node(m, "Conv", "conv2", "r1 w2", "c2");
    mw_attr_ints(m, "pads", 4, (int64_t[]){1, 1, 1, 1});
    mw_attr_int(m, "group", CHANNELS);
    mw_close(m, node);
    mw_close(m, mw_node(m, "Conv", "conv3", "c2 w3", "c3"));
    mw_close(m, mw_node(m, "Sigmoid", "sigmoid", "c3", "s3"));
    mw_close(m, mw_node(m, "Mul", "swish", "c3 s3", "m3"));
    mw_close(m, mw_node(m, "GlobalAveragePool", "pool", "m3", "p"));
    int64_t flat[2] = {0, 2 * CHANNELS};
    mw_tensor(m, MW_GRAPH_INITIALIZER, "flat", ASHORE_INT64, 1, (int64_t[]){2}, flat, sizeof flat);
    mw_close(m, mw_node(m, "Reshape", "reshape", "p flat", "f"));
    mw_close(m, mw_node(m, "MatMul", "matmul", "f w4", "l"));
    mw_close(m, mw_node(m, "Softmax", "softmax", "l", "y"));
    mw_close(m, graph);
}

static void write_branch(struct mw *m, const char *name, const char *op, const char *inputs) {
    size_t sub;
    size_t attr = mw_attr_graph(m, name, &sub);
    mw_value(m, MW_GRAPH_OUTPUT, "branch", ASHORE_FLOAT32, -1, NULL);
    mw_close(m, mw_node(m, op, name, inputs, "branch"));
    mw_close(m, sub);
    mw_close(m, attr);
}

/* c, x[N] -> If(c, x + x, Relu x) -> three rounds of a Loop that adds the captured x and scans,
 * -> a sequence of both -> y = its last item, z = positions that are not zero. */
static void write_control(struct mw *m) {
    int64_t three = 3, last = -1;
    size_t graph = mw_begin(m);
    mw_value(m, MW_GRAPH_INPUT, "c", ASHORE_BOOL, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 1, (int64_t[]){-1});
    mw_value(m, MW_GRAPH_OUTPUT, "y", ASHORE_FLOAT32, -1, NULL);
    mw_value(m, MW_GRAPH_OUTPUT, "z", ASHORE_INT64, -1, NULL);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "three", ASHORE_INT64, 0, NULL, &three, sizeof three);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "last", ASHORE_INT64, 0, NULL, &last, sizeof last);
    size_t node = mw_node(m, "If", "if", "c", "b");
    write_branch(m, "then_branch", "Add", "x x");
    write_branch(m, "else_branch", "Relu", "x");
    mw_close(m, node);
    node = mw_node(m, "Loop", "loop", "three - b", "v rows");
    size_t sub;
    size_t attr = mw_attr_graph(m, "body", &sub);
    mw_value(m, MW_GRAPH_INPUT, "i", ASHORE_INT64, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "go", ASHORE_BOOL, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "a", ASHORE_FLOAT32, -1, NULL);
    mw_value(m, MW_GRAPH_OUTPUT, "go_on", ASHORE_BOOL, 0, NULL);
    mw_value(m, MW_GRAPH_OUTPUT, "sum", ASHORE_FLOAT32, -1, NULL);
    mw_value(m, MW_GRAPH_OUTPUT, "row", ASHORE_FLOAT32, -1, NULL);
    mw_close(m, mw_node(m, "Identity", "go_on", "go", "go_on"));
    mw_close(m, mw_node(m, "Add", "sum", "a x", "sum"));
    mw_close(m, mw_node(m, "Identity", "row", "sum", "row"));
    mw_close(m, sub);
    mw_close(m, attr);
    mw_close(m, node);
    mw_close(m, mw_node(m, "SequenceConstruct", "sequence", "v rows", "s"));
    mw_close(m, mw_node(m, "SequenceAt", "at", "s last", "y"));
    mw_close(m, mw_node(m, "NonZero", "nonzero", "y", "z"));
    mw_close(m, graph);
}

/* ---- running them ---------------------------------------------------------------------------- */

struct subject {
    void (*write)(struct mw *m);
    size_t in_count, out_count;
    const char *in_names[2], *out_names[2];
    ashore_value *in_values[2];
};

static ashore_value *floats(int rank, const int64_t *shape, uint32_t seed) {
    ashore_value *value = NULL;
    assert_int_equal(ashore_tensor_create(ASHORE_FLOAT32, rank, shape, &value, NULL), ASHORE_OK);
    float *data = ashore_value_data_mut(value);
    for (size_t i = 0; i < ashore_value_elements(value); i++) data[i] = noise(&seed);
    return value;
}

static void subject_init(struct subject *s, int which) {
    memset(s, 0, sizeof *s);
    if (which == 0) {
        s->write = write_cnn;
        s->in_count = s->out_count = 1;
        s->in_names[0] = "x";
        s->out_names[0] = "y";
        s->in_values[0] = floats(4, (int64_t[]){2, 3, SIDE, SIDE}, 7);
        return;
    }
    s->write = write_control;
    s->in_count = s->out_count = 2;
    s->in_names[0] = "c";
    s->in_names[1] = "x";
    s->out_names[0] = "y";
    s->out_names[1] = "z";
    assert_int_equal(ashore_tensor_create(ASHORE_BOOL, 0, NULL, &s->in_values[0], NULL), ASHORE_OK);
    *(char *)ashore_value_data_mut(s->in_values[0]) = which == 1;
    s->in_values[1] = floats(1, (int64_t[]){5}, 8);
}

static void subject_deinit(struct subject *s) {
    for (size_t i = 0; i < s->in_count; i++) ashore_value_release(&s->in_values[i]);
}

/* Loads, makes a session and runs it; the first failure's code. */
static int subject_run(const struct subject *s, const struct mw *m, struct torture *t, int threads,
                       ashore_value **out, struct ashore_error *err) {
    struct ashore_model_options model_options;
    ashore_model_options_init(&model_options);
    if (t != NULL) {
        model_options.realloc = api_realloc;
        model_options.realloc_user = t;
    }
    struct ashore_session_options options;
    ashore_session_options_init(&options);
    options.threads = threads;
    ashore_model *model = NULL;
    ashore_session *session = NULL;
    int rc = ashore_model_load_memory(m->bytes, m->size, &model_options, &model, err);
    if (rc == ASHORE_OK) rc = ashore_session_create(model, &options, &session, err);
    if (rc == ASHORE_OK) {
        rc = ashore_session_run(session, s->in_count, s->in_names, s->in_values, s->out_count,
                                s->out_names, out, err);
    }
    if (rc == ASHORE_OK && t != NULL) {
        for (size_t i = 0; i < s->out_count; i++) ashore_value_release(&out[i]);
    }
    ashore_session_destroy(&session);
    ashore_model_destroy(&model);
    assert_null(session);
    assert_null(model);
    return rc;
}

/* Every allocation of load, session and run fails once: the code says so, nothing leaks. */
static void test_torture(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        struct subject s;
        subject_init(&s, which);
        struct mw m;
        mw_init(&m);
        s.write(&m);
        int rc = ASHORE_ERR_NOMEM;
        size_t n = 0;
        while (rc != ASHORE_OK) {
            struct torture t = {.fail_at = ++n};
            struct ashore_error err = {0};
            ashore_value *out[2] = {NULL, NULL};
            rc = subject_run(&s, &m, &t, 1, out, &err);
            assert_int_equal(t.held, 0);
            if (rc == ASHORE_OK) {
                /* An allocation that can be done without may fail; one that was never made ends. */
                if (t.calls >= n) rc = ASHORE_ERR_NOMEM;
                continue;
            }
            if (rc != ASHORE_ERR_NOMEM) print_message("call %zu: %s\n", n, err.text);
            assert_int_equal(rc, ASHORE_ERR_NOMEM);
            assert_int_equal(err.code, ASHORE_ERR_NOMEM);
            assert_null(out[0]);
            assert_null(out[1]);
            assert_in_range(n, 1, 100000);
        }
        print_message("model %d: %zu allocations failed in turn\n", which, n - 1);
        assert_true(n > 5);
        mw_deinit(&m);
        subject_deinit(&s);
    }
}

static void test_warm_run_allocates_nothing(void **state) {
    (void)state;
    struct subject s;
    subject_init(&s, 0);
    struct mw m;
    mw_init(&m);
    s.write(&m);
    for (int threads = 1; threads <= 2; threads++) {
        struct torture t = {0};
        struct ashore_model_options model_options;
        ashore_model_options_init(&model_options);
        model_options.realloc = api_realloc;
        model_options.realloc_user = &t;
        struct ashore_session_options options;
        ashore_session_options_init(&options);
        options.threads = threads;
        ashore_model *model = NULL;
        ashore_session *session = NULL;
        ashore_value *out = NULL;
        struct ashore_error err = {0};
        assert_int_equal(ashore_model_load_memory(m.bytes, m.size, &model_options, &model, &err),
                         ASHORE_OK);
        assert_int_equal(ashore_session_create(model, &options, &session, &err), ASHORE_OK);
        assert_int_equal(
            ashore_tensor_create(ASHORE_FLOAT32, 2, (int64_t[]){2, CLASSES}, &out, &err),
            ASHORE_OK);
        size_t calls = 0;
        for (int run = 0; run < 4; run++) {
            calls = t.calls;
            assert_int_equal(ashore_session_run_into(session, 1, s.in_names, s.in_values, 1,
                                                     s.out_names, &out, &err),
                             ASHORE_OK);
        }
        assert_int_equal(t.calls, calls);
        ashore_value_release(&out);
        ashore_session_destroy(&session);
        ashore_model_destroy(&model);
        assert_int_equal(t.held, 0);
    }
    mw_deinit(&m);
    subject_deinit(&s);
}

static void test_threads_agree(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        struct subject s;
        subject_init(&s, which);
        struct mw m;
        mw_init(&m);
        s.write(&m);
        ashore_value *first[2] = {NULL, NULL};
        struct ashore_error err = {0};
        assert_int_equal(subject_run(&s, &m, NULL, 1, first, &err), ASHORE_OK);
        for (int threads = 2; threads <= 16; threads++) {
            ashore_value *out[2] = {NULL, NULL};
            assert_int_equal(subject_run(&s, &m, NULL, threads, out, &err), ASHORE_OK);
            for (size_t i = 0; i < s.out_count; i++) {
                size_t bytes = ashore_value_bytes(first[i]);
                assert_int_equal(ashore_value_bytes(out[i]), bytes);
                assert_memory_equal(ashore_value_data(out[i]), ashore_value_data(first[i]), bytes);
                ashore_value_release(&out[i]);
            }
        }
        for (size_t i = 0; i < s.out_count; i++) ashore_value_release(&first[i]);
        mw_deinit(&m);
        subject_deinit(&s);
    }
}

/* x = 1..5: If gives 2x or x, three rounds add 3x. */
static void test_control_answers(void **state) {
    (void)state;
    for (int which = 1; which <= 2; which++) {
        struct subject s;
        subject_init(&s, which);
        float *x = ashore_value_data_mut(s.in_values[1]);
        for (int i = 0; i < 5; i++) x[i] = (float)(i + 1);
        struct mw m;
        mw_init(&m);
        s.write(&m);
        ashore_value *out[2] = {NULL, NULL};
        struct ashore_error err = {0};
        assert_int_equal(subject_run(&s, &m, NULL, 1, out, &err), ASHORE_OK);
        assert_int_equal(ashore_value_rank(out[0]), 2);
        assert_int_equal(ashore_value_shape(out[0])[0], 3);
        assert_int_equal(ashore_value_shape(out[0])[1], 5);
        const float *y = ashore_value_data(out[0]);
        for (int row = 0; row < 3; row++) {
            for (int i = 0; i < 5; i++) {
                float factor = (float)((which == 1 ? 2 : 1) + row + 1);
                assert_true(y[row * 5 + i] == factor * (float)(i + 1));
            }
        }
        assert_int_equal(ashore_value_shape(out[1])[0], 2);
        assert_int_equal(ashore_value_shape(out[1])[1], 15);
        for (size_t i = 0; i < 2; i++) ashore_value_release(&out[i]);
        mw_deinit(&m);
        subject_deinit(&s);
    }
}

static void expect_refusal(ashore_session *session, const char *name, ashore_value *value,
                           const char *out_name, int code, const char *says) {
    struct ashore_error err = {0};
    ashore_value *out = NULL;
    int rc = ashore_session_run(session, 1, &name, &value, 1, &out_name, &out, &err);
    if (rc != code || strstr(err.text, says) == NULL) print_message("%d: %s\n", rc, err.text);
    assert_int_equal(rc, code);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, says));
    assert_null(out);
}

static void test_wrong_calls(void **state) {
    (void)state;
    struct mw m;
    mw_init(&m);
    write_cnn(&m);
    ashore_model *model = NULL;
    ashore_session *session = NULL;
    struct ashore_error err = {0};
    assert_int_equal(ashore_model_load_memory(m.bytes, m.size, NULL, &model, &err), ASHORE_OK);
    assert_int_equal(ashore_session_create(model, NULL, &session, &err), ASHORE_OK);
    ashore_value *good = floats(4, (int64_t[]){1, 3, SIDE, SIDE}, 1);
    ashore_value *narrow = floats(4, (int64_t[]){1, 3, SIDE, 5}, 1);
    ashore_value *flat = floats(1, (int64_t[]){3}, 1);
    ashore_value *whole = NULL;
    assert_int_equal(
        ashore_tensor_create(ASHORE_INT64, 4, (int64_t[]){1, 3, SIDE, SIDE}, &whole, NULL),
        ASHORE_OK);
    expect_refusal(session, "wrong", good, "y", ASHORE_ERR_NAME, "wrong");
    expect_refusal(session, "x", good, "wrong", ASHORE_ERR_NAME, "wrong");
    expect_refusal(session, "x", narrow, "y", ASHORE_ERR_SHAPE, "x");
    expect_refusal(session, "x", flat, "y", ASHORE_ERR_SHAPE, "x");
    expect_refusal(session, "x", whole, "y", ASHORE_ERR_TYPE, "x");
    /* After all of that it still runs. */
    const char *in_name = "x", *out_name = "y";
    ashore_value *out = NULL;
    assert_int_equal(ashore_session_run(session, 1, &in_name, &good, 1, &out_name, &out, &err),
                     ASHORE_OK);
    double sum = 0;
    for (size_t i = 0; i < CLASSES; i++) sum += ((const float *)ashore_value_data(out))[i];
    assert_true(sum > 0.999 && sum < 1.001);
    ashore_value *made[] = {good, narrow, flat, whole, out};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) ashore_value_release(&made[i]);
    ashore_session_destroy(&session);
    ashore_session_destroy(&session);
    ashore_model_destroy(&model);
    mw_deinit(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torture),       cmocka_unit_test(test_warm_run_allocates_nothing),
        cmocka_unit_test(test_threads_agree), cmocka_unit_test(test_control_answers),
        cmocka_unit_test(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
