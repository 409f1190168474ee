/* Where values lie and who owns them: outputs that are something else already, memory that is
 * shared, memory of the caller's, plans that are forgotten, sessions side by side, failed runs. */
#include "exec_bed.h"

#include <pthread.h>

/* ---- outputs --------------------------------------------------------------------------------- */

static void write_outputs(struct mw *m) {
    input(m, "x", ASHORE_FLOAT32, 2);
    static const char *const names[] = {"x", "k", "seen", "again", "y", "y_flat", "y_turned"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) output(m, names[i], ASHORE_FLOAT32);
    output(m, "at", ASHORE_INT64);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "k", ASHORE_FLOAT32, 1, (int64_t[]){2}, (float[]){7, 8}, 8);
    ints(m, "flat", 1, 1, (int64_t[]){-1});
    ints(m, "column", 1, 2, (int64_t[]){-1, 1});
    node(m, "Reshape", "x flat", "seen");
    node(m, "Reshape", "seen flat", "again");
    node(m, "Neg", "x", "y");
    node(m, "Reshape", "y flat", "y_flat");
    node(m, "Reshape", "y_flat column", "y_turned");
    node(m, "NonZero", "y", "at");
}

static void test_outputs(void **state) {
    (void)state;
    for (int optimize = 0; optimize < 2; optimize++) {
        struct bed b;
        bed_init(&b);
        write_outputs(&b.m);
        mw_close(&b.m, b.graph);
        must(&b, bed_load(&b, optimize));
        must(&b, bed_session(&b, 1, 0, 0));
        static const float up[6] = {1, 2, 3, 4, 5, 6}, down[6] = {-1, -2, -3, -4, -5, -6};
        static const int64_t at[12] = {0, 0, 0, 1, 1, 1, 0, 1, 2, 0, 1, 2};
        for (int run = 0; run < 3; run++) {
            /* Memory of the caller's, gone before the outputs are looked at. */
            float *data = malloc(sizeof up);
            assert_non_null(data);
            memcpy(data, up, sizeof up);
            ashore_value *x = NULL, *out[8];
            assert_int_equal(
                ashore_tensor_wrap(ASHORE_FLOAT32, 2, (int64_t[]){2, 3}, data, &x, NULL),
                ASHORE_OK);
            if (run < 2) {
                bed_run(&b, &x, out);
            } else {
                static const struct {
                    int rank;
                    int64_t dim[2];
                } shape[] = {{2, {2, 3}}, {1, {2}}, {1, {6}},   {1, {6}},
                             {2, {2, 3}}, {1, {6}}, {2, {6, 1}}};
                for (int i = 0; i < 7; i++)
                    out[i] = value_of(ASHORE_FLOAT32, shape[i].rank, shape[i].dim, NULL);
                out[7] = value_of(ASHORE_INT64, 2, (int64_t[]){2, 6}, NULL);
                must(&b, bed_into(&b, &x, out));
            }
            ashore_value_release(&x);
            memset(data, 0, sizeof up);
            free(data);
            expect_floats(out[0], 2, (int64_t[]){2, 3}, up);
            expect_floats(out[1], 1, (int64_t[]){2}, (float[]){7, 8});
            expect_floats(out[2], 1, (int64_t[]){6}, up);
            expect_floats(out[3], 1, (int64_t[]){6}, up);
            expect_floats(out[4], 2, (int64_t[]){2, 3}, down);
            expect_floats(out[5], 1, (int64_t[]){6}, down);
            expect_floats(out[6], 2, (int64_t[]){6, 1}, down);
            expect_ints(out[7], 2, (int64_t[]){2, 6}, at);
            let_go(out, 8);
        }
        bed_close(&b);
    }
}

/* Values that hold memory of the caller's do not leave in sequences either. */
static void test_wrapped_in_sequence(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    input(&b.m, "x", ASHORE_FLOAT32, 1);
    size_t info = mw_open(&b.m, MW_GRAPH_OUTPUT);
    mw_text(&b.m, 1, "s");
    mw_close(&b.m, info);
    node(&b.m, "SequenceConstruct", "x x", "s");
    bed_open(&b);
    float *data = malloc(3 * sizeof *data);
    assert_non_null(data);
    for (int i = 0; i < 3; i++) data[i] = (float)i;
    ashore_value *x = NULL, *out;
    assert_int_equal(ashore_tensor_wrap(ASHORE_FLOAT32, 1, (int64_t[]){3}, data, &x, NULL),
                     ASHORE_OK);
    bed_run(&b, &x, &out);
    ashore_value_release(&x);
    free(data);
    assert_int_equal(ashore_value_count(out), 2);
    for (size_t i = 0; i < 2; i++)
        expect_floats(ashore_value_item(out, i), 1, (int64_t[]){3}, (float[]){0, 1, 2});
    let_go(&out, 1);
    bed_close(&b);
}

/* ---- memory that is shared ------------------------------------------------------------------- */

/* Each line is "op inputs -> output"; x is [4,3], row [3], one of them is asked for at the end. */
struct sharing {
    const char *lines[8];
    float want[12]; /* for x = 1..12 */
};

static const struct sharing sharings[] = {
    /* read again after it could have been overwritten */
    {{"Neg x -> a", "Relu a -> b", "Add a b -> y"},
     {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12}},
    {{"Neg x -> a", "Add a a -> y"}, {-2, -4, -6, -8, -10, -12, -14, -16, -18, -20, -22, -24}},
    {{"Neg x -> a", "Mul a a -> b", "Sub a b -> y"},
     {-2, -6, -12, -20, -30, -42, -56, -72, -90, -110, -132, -156}},
    /* the other operand is a broadcast view of what could be overwritten */
    {{"Neg x -> a", "Reshape a tall -> v", "Gather v none -> g", "Add a g -> y"},
     {-2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13}},
    {{"Neg x -> a", "Reshape a flat -> v", "Reshape v shape -> w", "Sub a w -> y"}, {0}},
    {{"Neg x -> a", "Reshape a flat -> v", "Neg v -> n", "Reshape n shape -> w", "Add a w -> y"},
     {0}},
    /* a view outlives what it is a view of */
    {{"Neg x -> a", "Reshape a flat -> v", "Relu a -> b", "Reshape v shape -> w", "Sub b w -> y"},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
    /* chains of views and in place results between two uses of the first */
    {{"Neg x -> a", "Abs a -> b", "Reshape b flat -> c", "Neg c -> d", "Reshape d shape -> e",
      "Mul e a -> y"},
     {1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144}},
    {{"Add x row -> a", "Sub row a -> b", "Add b x -> y"}, {0}},
};

static void write_lines(struct mw *m, const char *const *lines, size_t most) {
    for (size_t i = 0; i < most && lines[i]; i++) {
        char op[16], in[32];
        const char *blank = strchr(lines[i], ' '), *arrow = strstr(lines[i], " -> ");
        (void)snprintf(op, sizeof op, "%.*s", (int)(blank - lines[i]), lines[i]);
        (void)snprintf(in, sizeof in, "%.*s", (int)(arrow - blank - 1), blank + 1);
        node(m, op, in, arrow + 4);
    }
}

static void write_sharing(struct mw *m, const struct sharing *s) {
    mw_value(m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 2, (int64_t[]){-1, 3});
    output(m, "y", ASHORE_FLOAT32);
    ints(m, "flat", 1, 1, (int64_t[]){-1});
    ints(m, "tall", 1, 2, (int64_t[]){-1, 1});
    ints(m, "none", 1, 1, (int64_t[]){0});
    ints(m, "shape", 1, 2, (int64_t[]){4, 3});
    mw_tensor(m, MW_GRAPH_INITIALIZER, "row", ASHORE_FLOAT32, 1, (int64_t[]){3}, (float[]){3, 2, 1},
              12);
    write_lines(m, s->lines, 8);
}

static void test_sharing(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof sharings / sizeof *sharings; k++) {
        for (int mode = 0; mode < 3; mode++) {
            struct bed b;
            bed_init(&b);
            write_sharing(&b.m, &sharings[k]);
            mw_close(&b.m, b.graph);
            must(&b, bed_load(&b, mode == 0));
            must(&b, bed_session(&b, 1, mode == 2, 0));
            ashore_value *x = counting(2, (int64_t[]){4, 3}), *out;
            for (int run = 0; run < 2; run++) {
                bed_run(&b, &x, &out);
                expect_floats(out, 2, (int64_t[]){4, 3}, sharings[k].want);
                let_go(&out, 1);
            }
            let_go(&x, 1);
            bed_close(&b);
        }
    }
}

/* Sums of convolutions, whose kernels may write over what is added; w, v are [70,70,1,1]. */
static const char *const sums[][6] = {
    {"Conv x w -> a", "Conv x v -> b", "Conv b w -> c", "Add a c -> y"},
    {"Conv x w -> a", "Conv x v -> b", "Add b a -> c", "Conv c w -> d", "Add d c -> y"},
    {"Conv x w -> a", "Conv a v -> b", "Add a b -> y"}, /* its own input */
    {"Conv x w -> a", "Relu a -> b", "Conv b w -> c", "Add a c -> d", "Mul a d -> y"},
    {"Conv x w -> a", "Conv x v -> b", "Add a b -> c", "Relu c -> d", "Conv d v -> e",
     "Add e d -> y"},
};

static void write_sum(struct bed *b, const char *const *lines) {
    enum { C = 70 };
    float w[C * C], v[C * C];
    for (int i = 0; i < C * C; i++) {
        w[i] = (float)(i * 7 % 5 - 2);
        v[i] = (float)(i * 5 % 3 - 1);
    }
    const int64_t shape[4] = {C, C, 1, 1};
    mw_value(&b->m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 4, (int64_t[]){1, C, -1, -1});
    output(&b->m, "y", ASHORE_FLOAT32);
    mw_tensor(&b->m, MW_GRAPH_INITIALIZER, "w", ASHORE_FLOAT32, 4, shape, w, sizeof w);
    mw_tensor(&b->m, MW_GRAPH_INITIALIZER, "v", ASHORE_FLOAT32, 4, shape, v, sizeof v);
    write_lines(&b->m, lines, 6);
    mw_close(&b->m, b->graph);
}

/* All numbers are whole and small: every order of summation gives the same. */
static void test_sums_in_place(void **state) {
    (void)state;
    const int64_t shape[4] = {1, 70, 9, 13};
    ashore_value *x = counting(4, shape);
    float *data = ashore_value_data_mut(x);
    for (size_t i = 0; i < ashore_value_elements(x); i++) data[i] = (float)(i % 11) - 5;
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++) {
        ashore_value *want = NULL;
        for (int mode = 0; mode < 3; mode++) {
            struct bed b;
            bed_init(&b);
            write_sum(&b, sums[k]);
            must(&b, bed_load(&b, mode > 0));
            must(&b, bed_session(&b, mode == 2 ? 3 : 1, mode == 0, 0));
            for (int run = 0; run < 2; run++) {
                ashore_value *out;
                bed_run(&b, &x, &out);
                if (want) expect_floats(out, 4, shape, ashore_value_data(want));
                if (!want) want = value_of(ASHORE_FLOAT32, 4, shape, ashore_value_data(out));
                let_go(&out, 1);
            }
            bed_close(&b);
        }
        let_go(&want, 1);
    }
    let_go(&x, 1);
}

/* ---- memory of the caller's ------------------------------------------------------------------ */

/* y = Relu x at once; z = the elements that are not zero, after the end of a segment. */
static void test_into_wrong(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    input(&b.m, "x", ASHORE_FLOAT32, 1);
    output(&b.m, "y", ASHORE_FLOAT32);
    output(&b.m, "z", ASHORE_FLOAT32);
    ints(&b.m, "flat", 1, 1, (int64_t[]){-1});
    node(&b.m, "Relu", "x", "y");
    node(&b.m, "NonZero", "x", "at");
    node(&b.m, "Reshape", "at flat", "where");
    node(&b.m, "Gather", "x where", "z");
    bed_open(&b);
    ashore_value *x = counting_to(64);
    for (int which = 0; which < 8; which++) {
        int o = which % 2;
        ashore_value *out[2] = {counting_to(64), counting_to(64)};
        ashore_value_release(&out[o]);
        if (which < 2) out[o] = counting_to(3);
        if (which / 2 == 1) out[o] = counting_to(65);
        if (which / 2 == 2) out[o] = counting(2, (int64_t[]){8, 8});
        if (which / 2 == 3) out[o] = value_of(ASHORE_UINT8, 1, (int64_t[]){64}, NULL);
        int rc = bed_into(&b, &x, out);
        assert_true(rc == ASHORE_ERR_SHAPE || (which / 2 == 3 && rc == ASHORE_ERR_TYPE));
        let_go(out, 2);
        out[0] = counting_to(64);
        out[1] = counting_to(64);
        must(&b, bed_into(&b, &x, out));
        assert_true(same_value(out[1], x));
        /* An input, or one tensor twice, cannot be written. */
        ashore_value *twice[2] = {out[o], o ? x : out[o]};
        assert_int_equal(bed_into(&b, &x, twice), ASHORE_ERR_ARGUMENT);
        let_go(out, 2);
    }
    let_go(&x, 1);
    bed_close(&b);
}

/* ---- warm runs ------------------------------------------------------------------------------- */

static void write_static(struct mw *m) {
    input(m, "c", ASHORE_BOOL, 0);
    input(m, "x", ASHORE_FLOAT32, 1);
    output(m, "y", ASHORE_FLOAT32);
    output(m, "rows", ASHORE_FLOAT32);
    integer(m, "three", 3);
    number(m, "half", 0.5f);
    size_t loop = mw_node(m, "Loop", "loop", "three - x", "last rows");
    size_t sub, attr = mw_attr_graph(m, "body", &sub);
    mw_value(m, MW_GRAPH_INPUT, "i", ASHORE_INT64, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "go", ASHORE_BOOL, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "a", ASHORE_FLOAT32, -1, NULL);
    output(m, "go_on", ASHORE_BOOL);
    output(m, "a_next", ASHORE_FLOAT32);
    output(m, "row", ASHORE_FLOAT32);
    node(m, "Identity", "go", "go_on");
    node(m, "Mul", "a half", "b");
    node(m, "Add", "b x", "a_next");
    node(m, "Neg", "a_next", "row");
    mw_close(m, sub);
    mw_close(m, attr);
    mw_close(m, loop);
    size_t choice = mw_node(m, "If", "if", "c", "y");
    for (int taken = 1; taken >= 0; taken--) {
        attr = mw_attr_graph(m, taken ? "then_branch" : "else_branch", &sub);
        output(m, taken ? "t" : "e", ASHORE_FLOAT32);
        node(m, taken ? "Neg" : "Relu", "last", taken ? "t" : "e");
        mw_close(m, sub);
        mw_close(m, attr);
    }
    mw_close(m, choice);
}

static void test_warm(void **state) {
    (void)state;
    for (int threads = 1; threads < 4; threads++) {
        struct bed b;
        bed_init(&b);
        write_static(&b.m);
        mw_close(&b.m, b.graph);
        must(&b, bed_load(&b, 1));
        must(&b, bed_session(&b, threads, 0, threads == 2));
        int64_t n = 5000;
        ashore_value *in[2] = {flag(1), counting_to(n)};
        ashore_value *out[2] = {counting_to(n), counting(2, (int64_t[]){3, n})};
        size_t calls = 0;
        for (int run = 0; run < 5; run++) {
            ashore_value_release(&in[0]);
            in[0] = flag(run % 2);
            if (run == 2) calls = b.account.calls;
            must(&b, bed_into(&b, in, out));
            const float *y = ashore_value_data(out[0]);
            for (int64_t i = 0; i < n; i++)
                assert_true(y[i] == (float)(i + 1) * 1.875f * (run % 2 ? -1.0f : 1.0f));
        }
        assert_int_equal(b.account.calls, calls);
        let_go(in, 2);
        let_go(out, 2);
        bed_close(&b);
    }
}

/* Nine shapes by turns with room for eight plans: all are right, memory comes to rest, and the
 * times of steps outlive the plans that they were taken in. */
static void test_nine_shapes(void **state) {
    (void)state;
    for (int reference = 0; reference < 2; reference++) {
        struct bed b;
        bed_init(&b);
        mw_value(&b.m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 4, (int64_t[]){1, 1, -1, -1});
        output(&b.m, "y", ASHORE_FLOAT32);
        output(&b.m, "n", ASHORE_INT64);
        mw_tensor(&b.m, MW_GRAPH_INITIALIZER, "w", ASHORE_FLOAT32, 4, (int64_t[]){2, 1, 1, 1},
                  (float[]){2, 3}, 8);
        node(&b.m, "Conv", "x w", "c");
        node(&b.m, "Relu", "c", "y");
        node(&b.m, "NonZero", "y", "n");
        mw_close(&b.m, b.graph);
        must(&b, bed_load(&b, 1));
        must(&b, bed_session(&b, 1, reference, 1));
        size_t held[4] = {0};
        for (int turn = 0; turn < 36; turn++) {
            int64_t side = turn % 9 + 1;
            ashore_value *x = counting(4, (int64_t[]){1, 1, side, side}), *out[2];
            bed_run(&b, &x, out);
            const float *y = ashore_value_data(out[0]);
            for (int64_t i = 0; i < 2 * side * side; i++)
                assert_true(y[i] == (float)(i % (side * side) + 1) * (i < side * side ? 2 : 3));
            assert_int_equal(ashore_value_shape(out[1])[1], 2 * side * side);
            let_go(&x, 1);
            let_go(out, 2);
            held[turn / 9] = b.account.held;
            uint64_t runs = 0;
            for (size_t i = 0; i < ashore_session_steps(b.session); i++) {
                struct ashore_step_info info;
                assert_int_equal(ashore_session_step(b.session, i, &info), ASHORE_OK);
                assert_true(strlen(info.op) > 0 && strlen(info.shape) > 0 && info.node != NULL);
                runs += info.runs;
            }
            assert_true(runs >= (uint64_t)turn);
        }
        assert_int_equal(held[2], held[3]);
        bed_close(&b);
    }
}

/* ---- side by side ---------------------------------------------------------------------------- */

struct runner {
    ashore_model *model;
    int number, failed;
};

static void *run_sessions(void *arg) {
    struct runner *r = arg;
    static const char *const in_names[] = {"c", "x"}, *const out_names[] = {"y", "rows"};
    for (int k = 0; k < 6; k++) {
        struct ashore_session_options options;
        ashore_session_options_init(&options);
        options.threads = 1 + k % 2;
        ashore_session *s = NULL;
        if (ashore_session_create(r->model, &options, &s, NULL) != ASHORE_OK) {
            r->failed = 1;
            continue;
        }
        for (int64_t n = 1; n < 40; n += 3 + r->number) {
            ashore_value *in[2] = {flag(k % 2), counting_to(n)}, *out[2] = {NULL, NULL};
            struct ashore_memory memory;
            int rc = ashore_session_run(s, 2, in_names, in, 2, out_names, out, NULL);
            if (rc != ASHORE_OK || ((const float *)ashore_value_data(out[0]))[n - 1] !=
                                       (float)n * (k % 2 ? -1.875f : 1.875f))
                r->failed = 1;
            ashore_session_memory(s, &memory);
            let_go(in, 2);
            let_go(out, 2);
        }
        ashore_session_destroy(&s);
    }
    return NULL;
}

static void test_side_by_side(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    write_static(&b.m);
    mw_close(&b.m, b.graph);
    must(&b, bed_load(&b, 1));
    struct runner r[2] = {{b.model, 0, 0}, {b.model, 1, 0}};
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, run_sessions, &r[i]), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(r[0].failed + r[1].failed, 0);
    bed_close(&b);
}

/* ---- failed runs ----------------------------------------------------------------------------- */

/* Round i of the loop gathers element at[i] of what is not zero in x: the last segment of a body,
 * in a plan made in the middle of a run. */
static void test_after_errors(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    input(&b.m, "x", ASHORE_FLOAT32, 1);
    input(&b.m, "at", ASHORE_INT64, 1);
    output(&b.m, "picked", ASHORE_FLOAT32);
    integer(&b.m, "three", 3);
    ints(&b.m, "flat", 1, 1, (int64_t[]){-1});
    node(&b.m, "NonZero", "x", "where");
    node(&b.m, "Reshape", "where flat", "where_flat");
    node(&b.m, "Gather", "x where_flat", "found");
    size_t loop = mw_node(&b.m, "Loop", "loop", "three -", "picked");
    size_t sub, attr = mw_attr_graph(&b.m, "body", &sub);
    mw_value(&b.m, MW_GRAPH_INPUT, "i", ASHORE_INT64, 0, NULL);
    mw_value(&b.m, MW_GRAPH_INPUT, "go", ASHORE_BOOL, 0, NULL);
    output(&b.m, "go_on", ASHORE_BOOL);
    output(&b.m, "one", ASHORE_FLOAT32);
    node(&b.m, "Identity", "go", "go_on");
    node(&b.m, "Gather", "at i", "index");
    node(&b.m, "NonZero", "found", "still");
    node(&b.m, "Reshape", "still flat", "still_flat");
    node(&b.m, "Gather", "found still_flat", "found_again");
    node(&b.m, "Gather", "found_again index", "one");
    mw_close(&b.m, sub);
    mw_close(&b.m, attr);
    mw_close(&b.m, loop);
    bed_open(&b);
    size_t held = 0;
    for (int turn = 0; turn < 12; turn++) {
        ashore_value *x = counting_to(6), *out;
        for (int i = 0; i < turn % 3; i++) ((float *)ashore_value_data_mut(x))[i] = 0;
        int bad = turn % 4 - 1; /* the round that fails; -1: none */
        int64_t at[3] = {0, 1, 2};
        if (bad >= 0) at[bad] = 6;
        ashore_value *in[2] = {x, value_of(ASHORE_INT64, 1, (int64_t[]){3}, at)};
        int rc = bed_try(&b, in, &out);
        assert_int_equal(rc, bad < 0 ? ASHORE_OK : ASHORE_ERR_INDEX);
        float first = (float)(turn % 3 + 1);
        if (rc == ASHORE_OK) {
            expect_floats(out, 1, (int64_t[]){3}, (float[]){first, first + 1, first + 2});
            let_go(&out, 1);
        } else {
            assert_null(out);
            assert_non_null(strstr(b.err.text, "one"));
        }
        let_go(in, 2);
        if (turn == 5) held = b.account.held;
    }
    assert_true(b.account.held <= held + 4096);
    bed_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs),      cmocka_unit_test(test_wrapped_in_sequence),
        cmocka_unit_test(test_sharing),      cmocka_unit_test(test_sums_in_place),
        cmocka_unit_test(test_into_wrong),   cmocka_unit_test(test_warm),
        cmocka_unit_test(test_nine_shapes),  cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_after_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
