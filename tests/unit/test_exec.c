/* Planner and executor: what comes out must not depend on how a run is cut, on what ran before, on
 * where values lie, or on who runs beside it. */
#include "exec_bed.h"

/* ---- models with subgraphs ------------------------------------------------------------------- */

/* then or else of an If that is open: one node. */
static void arm(struct mw *m, int taken, const char *op, const char *in, const char *out,
                int dtype) {
    size_t sub, attr = mw_attr_graph(m, taken ? "then_branch" : "else_branch", &sub);
    output(m, out, dtype);
    node(m, op, in, out);
    mw_close(m, sub);
    mw_close(m, attr);
}

static void body_inputs(struct mw *m, const char *carried, int dtype) {
    mw_value(m, MW_GRAPH_INPUT, "i", ASHORE_INT64, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "go", ASHORE_BOOL, 0, NULL);
    if (carried != NULL) mw_value(m, MW_GRAPH_INPUT, carried, dtype, -1, NULL);
    output(m, "go_on", ASHORE_BOOL);
    node(m, "Identity", "go", "go_on");
}

/* s' = s + piece; the running sums are stacked. */
static void running_sums(struct mw *m, const char *in, const char *out) {
    size_t scan = mw_node(m, "Scan", out, in, out);
    mw_attr_int(m, "num_scan_inputs", 1);
    size_t sub, attr = mw_attr_graph(m, "body", &sub);
    mw_value(m, MW_GRAPH_INPUT, "s", ASHORE_FLOAT32, -1, NULL);
    mw_value(m, MW_GRAPH_INPUT, "piece", ASHORE_FLOAT32, -1, NULL);
    output(m, "s_next", ASHORE_FLOAT32);
    output(m, "s_row", ASHORE_FLOAT32);
    node(m, "Add", "s piece", "s_next");
    node(m, "Identity", "s_next", "s_row");
    mw_close(m, sub);
    mw_close(m, attr);
    mw_close(m, scan);
}

/* n, x[N]: n rounds in which a becomes a + x or, in odd ones, its running sums; rows are stacked.
 * Then the positions of what is greater than 10, and what lies there. */
static void write_nested(struct mw *m) {
    input(m, "n", ASHORE_INT64, 0);
    input(m, "x", ASHORE_FLOAT32, 1);
    output(m, "a_last", ASHORE_FLOAT32);
    output(m, "rows", ASHORE_FLOAT32);
    output(m, "large", ASHORE_FLOAT32);
    integer(m, "two", 2);
    integer(m, "one", 1);
    ints(m, "all", 1, 1, (int64_t[]){-1});
    number(m, "ten", 10);
    number(m, "zero", 0);
    size_t loop = mw_node(m, "Loop", "loop", "n - x", "a_last rows");
    size_t sub, attr = mw_attr_graph(m, "body", &sub);
    body_inputs(m, "a", ASHORE_FLOAT32);
    output(m, "a_next", ASHORE_FLOAT32);
    output(m, "row", ASHORE_FLOAT32);
    node(m, "Mod", "i two", "rest");
    node(m, "Equal", "rest one", "odd");
    size_t choice = mw_node(m, "If", "if", "odd", "a_next");
    size_t inner, inner_attr = mw_attr_graph(m, "then_branch", &inner);
    output(m, "sums", ASHORE_FLOAT32);
    running_sums(m, "zero a", "s_last sums");
    mw_close(m, inner);
    mw_close(m, inner_attr);
    arm(m, 0, "Add", "a x", "sum", ASHORE_FLOAT32);
    mw_close(m, choice);
    node(m, "Neg", "a_next", "row");
    mw_close(m, sub);
    mw_close(m, attr);
    mw_close(m, loop);
    node(m, "Greater", "a_last ten", "is_large");
    node(m, "NonZero", "is_large", "at");
    node(m, "Reshape", "at all", "at_flat");
    node(m, "Gather", "a_last at_flat", "large");
}

static void expect_nested(ashore_value *const *out, int64_t n) {
    float a[5], rows[8 * 5], large[5];
    int64_t k = 0;
    for (int i = 0; i < 5; i++) a[i] = (float)(i + 1);
    for (int64_t r = 0; r < n; r++) {
        for (int i = 0; i < 5; i++) {
            a[i] += r % 2 ? (i ? a[i - 1] : 0) : (float)(i + 1);
            rows[r * 5 + i] = -a[i];
        }
    }
    for (int i = 0; i < 5; i++) {
        if (a[i] > 10) large[k++] = a[i];
    }
    expect_floats(out[0], 1, (int64_t[]){5}, a);
    if (n > 0) expect_floats(out[1], 2, (int64_t[]){n, 5}, rows);
    expect_floats(out[2], 1, &k, large);
}

static ashore_run *begin(struct bed *b, ashore_value *const *in) {
    const char *names[BED_MOST];
    ashore_run *run = NULL;
    size_t n = bed_names(b, 0, names);
    must(b, ashore_run_create(b->session, n, names, in, &run, &b->err));
    return run;
}

static void test_slices(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 7};
    struct bed b;
    bed_init(&b);
    write_nested(&b.m);
    bed_open(&b);
    for (int64_t n = 0; n < 5; n++) {
        ashore_value *in[2] = {whole(n), counting_to(5)}, *out[3];
        bed_run(&b, in, out);
        expect_nested(out, n);
        let_go(out, 3);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            ashore_run *run = begin(&b, in);
            size_t turns = 0, done, known;
            int rc;
            while ((rc = ashore_run_advance(run, sizes[k], &b.err)) == ASHORE_PENDING) {
                ashore_run_progress(run, &done, &known);
                assert_int_equal(done, ++turns * sizes[k]);
            }
            must(&b, rc);
            assert_true(sizes[k] == 1 ? turns > 0 : sizes[k] || turns == 0);
            for (size_t i = 0; i < 3; i++) must(&b, ashore_run_output(run, i, &out[i], &b.err));
            expect_nested(out, n);
            let_go(out, 3);
            assert_int_equal(ashore_run_advance(run, 1, NULL), ASHORE_ERR_STATE);
            ashore_run_destroy(&run);
        }
        let_go(in, 2);
    }
    bed_close(&b);
}

/* A run is ended after every number of steps; nothing leaks, and the session runs on. */
static void test_cancel(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    write_nested(&b.m);
    bed_open(&b);
    ashore_value *in[2] = {whole(4), counting_to(5)}, *out[3];
    int rc = ASHORE_PENDING;
    size_t held = 0, steps = 0;
    for (size_t k = 0; rc == ASHORE_PENDING; k++, steps = k) {
        ashore_run *run = begin(&b, in);
        for (size_t i = 0; i < k && rc == ASHORE_PENDING; i++)
            rc = ashore_run_advance(run, 1, &b.err);
        assert_int_equal(ashore_run_output(run, 0, &out[0], NULL),
                         rc == ASHORE_OK ? ASHORE_OK : ASHORE_ERR_STATE);
        if (rc == ASHORE_OK) ashore_value_release(&out[0]);
        ashore_run_destroy(&run);
        bed_run(&b, in, out);
        expect_nested(out, 4);
        let_go(out, 3);
        if (k > 0) assert_true(b.account.held <= held + 4096);
        held = b.account.held;
    }
    assert_int_equal(rc, ASHORE_OK);
    print_message("cancelled after each of %zu steps\n", steps - 1);
    ashore_run *run = begin(&b, in);
    must(&b, ashore_run_advance(run, 9, &b.err) == ASHORE_PENDING ? ASHORE_OK : -1);
    ashore_run_destroy(&run);
    bed_close(&b);
    let_go(in, 2);
}

/* Memory runs out at any moment of a run, and then is there again. */
static void test_memory_runs_out(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    write_nested(&b.m);
    bed_open(&b);
    ashore_value *in[2] = {whole(3), counting_to(5)}, *out[3];
    size_t n = 0;
    int rc;
    do {
        ashore_session_destroy(&b.session);
        must(&b, bed_session(&b, 1, 0, 0));
        b.account.fail_at = b.account.calls + ++n;
        rc = bed_try(&b, in, out);
        b.account.fail_at = 0;
        assert_true(rc == ASHORE_OK || rc == ASHORE_ERR_NOMEM);
        for (int i = 0; i < 3 && rc != ASHORE_OK; i++) assert_null(out[i]);
        if (rc != ASHORE_OK) bed_run(&b, in, out);
        expect_nested(out, 3);
        let_go(out, 3);
    } while (rc != ASHORE_OK && n < 100000);
    print_message("memory ran out in %zu places\n", n - 1);
    let_go(in, 2);
    bed_close(&b);
}

/* Other calls on the session are refused while a run is in progress, and leave it alone. */
static void test_busy(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    write_nested(&b.m);
    bed_open(&b);
    ashore_value *in[2] = {whole(3), counting_to(5)}, *out[3], *into[3];
    for (int i = 0; i < 3; i++) into[i] = counting_to(5);
    ashore_run *run = begin(&b, in), *second = NULL;
    const char *names[2] = {"n", "x"};
    const int64_t *shapes[2] = {NULL, (int64_t[]){5}};
    struct ashore_memory memory;
    assert_int_equal(ashore_run_advance(run, 3, &b.err), ASHORE_PENDING);
    assert_int_equal(bed_try(&b, in, out), ASHORE_ERR_STATE);
    assert_int_equal(bed_into(&b, in, into), ASHORE_ERR_STATE);
    assert_int_equal(ashore_session_predict(b.session, shapes, &memory, &b.err), ASHORE_ERR_STATE);
    assert_int_equal(ashore_run_create(b.session, 2, names, in, &second, &b.err), ASHORE_ERR_STATE);
    must(&b, ashore_run_advance(run, 0, &b.err));
    for (size_t i = 0; i < 3; i++) must(&b, ashore_run_output(run, i, &out[i], &b.err));
    expect_nested(out, 3);
    ashore_run_destroy(&run);
    let_go(out, 3);
    let_go(into, 3);
    let_go(in, 2);
    bed_close(&b);
}

/* ---- Loop ------------------------------------------------------------------------------------ */

/* b grows by the number of the round; names[i] are stacked as strings. */
static void write_growing(struct mw *m) {
    input(m, "n", ASHORE_INT64, 0);
    mw_value(m, MW_GRAPH_INPUT, "names", ASHORE_STRING, 1, (int64_t[]){3});
    output(m, "grown", ASHORE_INT64);
    output(m, "picked", ASHORE_STRING);
    output(m, "pairs", ASHORE_STRING);
    ints(m, "nothing", 1, 0, (int64_t[]){0});
    ints(m, "first", 1, 1, (int64_t[]){0});
    size_t loop = mw_node(m, "Loop", "loop", "n - nothing", "grown picked pairs");
    size_t sub, attr = mw_attr_graph(m, "body", &sub);
    body_inputs(m, "b", ASHORE_INT64);
    output(m, "b_next", ASHORE_INT64);
    output(m, "name", ASHORE_STRING);
    output(m, "pair", ASHORE_STRING);
    node(m, "Unsqueeze", "i first", "i_one");
    size_t concat = mw_node(m, "Concat", "concat", "b i_one", "b_next");
    mw_attr_int(m, "axis", 0);
    mw_close(m, concat);
    node(m, "Gather", "names i", "name");
    node(m, "Unsqueeze", "name first", "one");
    concat = mw_node(m, "Concat", "twice", "one one", "pair");
    mw_attr_int(m, "axis", 0);
    mw_close(m, concat);
    mw_close(m, sub);
    mw_close(m, attr);
    mw_close(m, loop);
}

static void expect_text(const ashore_value *v, size_t i, const char *want) {
    size_t length;
    const char *text = ashore_value_string(v, i, &length);
    assert_non_null(text);
    assert_int_equal(length, strlen(want));
    assert_memory_equal(text, want, length);
}

static void test_growing(void **state) {
    (void)state;
    static const char *const text[] = {"one", "", "three"};
    static const size_t length[] = {3, 0, 5};
    struct bed b;
    bed_init(&b);
    write_growing(&b.m);
    bed_open(&b);
    ashore_value *names = NULL;
    assert_int_equal(ashore_tensor_create_strings(1, (int64_t[]){3}, text, length, &names, NULL),
                     ASHORE_OK);
    static const int64_t counts[] = {3, 0, 1, 2, 0, 3};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        int64_t n = counts[k];
        ashore_value *in[2] = {whole(n), names}, *out[3];
        bed_run(&b, in, out);
        expect_ints(out[0], 1, &n, (int64_t[]){0, 1, 2});
        for (int o = 1; o < 3; o++) {
            assert_int_equal(ashore_value_dtype(out[o]), ASHORE_STRING);
            assert_int_equal(ashore_value_shape(out[o])[0], n);
            for (int64_t i = 0; i < n * o; i++) expect_text(out[o], (size_t)i, text[i / o]);
        }
        let_go(out, 3);
        let_go(in, 1);
    }
    ashore_value_release(&names);
    bed_close(&b);
}

/* Rounds stack what NonZero finds: within a bound, but not known before. */
static void test_stacked_bound(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    mw_value(&b.m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 1, (int64_t[]){5});
    output(&b.m, "all", ASHORE_INT64);
    integer(&b.m, "three", 3);
    size_t loop = mw_node(&b.m, "Loop", "loop", "three -", "all");
    size_t sub, attr = mw_attr_graph(&b.m, "body", &sub);
    body_inputs(&b.m, NULL, 0);
    output(&b.m, "at", ASHORE_INT64);
    node(&b.m, "NonZero", "x", "at");
    mw_close(&b.m, sub);
    mw_close(&b.m, attr);
    mw_close(&b.m, loop);
    bed_open(&b);
    for (int zeros = 0; zeros < 4; zeros++) {
        ashore_value *x = counting_to(5), *out;
        int64_t want[15], left = 5 - zeros;
        for (int i = 0; i < zeros; i++) ((float *)ashore_value_data_mut(x))[i] = 0;
        for (int64_t i = 0; i < 3 * left; i++) want[i] = zeros + i % left;
        bed_run(&b, &x, &out);
        expect_ints(out, 3, (int64_t[]){3, 1, left}, want);
        let_go(&x, 1);
        let_go(&out, 1);
    }
    bed_close(&b);
}

/* Shapes wander through a chain of carried values, one a round. */
static void test_long_chain(void **state) {
    (void)state;
    enum { CHAIN = 24 };
    char ins[256] = "n -", outs[256] = "", name[16];
    struct bed b;
    bed_init(&b);
    input(&b.m, "n", ASHORE_INT64, 0);
    mw_value(&b.m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 1, (int64_t[]){6});
    ints(&b.m, "first", 1, 1, (int64_t[]){0});
    ints(&b.m, "past", 1, 1, (int64_t[]){1});
    for (int i = 0; i < CHAIN; i++) {
        (void)snprintf(ins + strlen(ins), 8, " x");
        (void)snprintf(outs + strlen(outs), 8, "%so%d", i ? " " : "", i);
    }
    output(&b.m, "o0", ASHORE_FLOAT32);
    output(&b.m, "o20", ASHORE_FLOAT32);
    size_t loop = mw_node(&b.m, "Loop", "loop", ins, outs);
    size_t sub, attr = mw_attr_graph(&b.m, "body", &sub);
    body_inputs(&b.m, NULL, 0);
    for (int i = 0; i < CHAIN; i++) {
        (void)snprintf(name, sizeof name, "c%d", i);
        mw_value(&b.m, MW_GRAPH_INPUT, name, ASHORE_FLOAT32, -1, NULL);
    }
    for (int i = 0; i < CHAIN; i++) {
        char from[16];
        (void)snprintf(name, sizeof name, "d%d", i);
        (void)snprintf(from, sizeof from, "c%d", i + 1);
        output(&b.m, name, ASHORE_FLOAT32);
        if (i < CHAIN - 1)
            node(&b.m, "Identity", from, name);
        else
            node(&b.m, "Slice", "c0 first past", name);
    }
    mw_close(&b.m, sub);
    mw_close(&b.m, attr);
    mw_close(&b.m, loop);
    bed_open(&b);
    for (int64_t n = 0; n < 60; n += 7) {
        ashore_value *in[2] = {whole(n), counting_to(6)}, *out[2];
        bed_run(&b, in, out);
        assert_int_equal(ashore_value_elements(out[0]), n < CHAIN ? 6 : 1);
        assert_int_equal(ashore_value_elements(out[1]), n + 20 < CHAIN ? 6 : 1);
        let_go(in, 2);
        let_go(out, 2);
    }
    bed_close(&b);
}

/* Counts and conditions of other types or extents than a Loop takes. */
static void test_odd_counts(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct bed b;
        bed_init(&b);
        mw_value(&b.m, MW_GRAPH_INPUT, "n", which == 0 ? ASHORE_INT32 : ASHORE_INT64, -1, NULL);
        mw_value(&b.m, MW_GRAPH_INPUT, "c", which == 2 ? ASHORE_FLOAT32 : ASHORE_BOOL, -1, NULL);
        output(&b.m, "all", ASHORE_INT64);
        size_t loop = mw_node(&b.m, "Loop", "loop", "n c", "all");
        size_t sub, attr = mw_attr_graph(&b.m, "body", &sub);
        body_inputs(&b.m, NULL, 0);
        output(&b.m, "at", ASHORE_INT64);
        node(&b.m, "Identity", "i", "at");
        mw_close(&b.m, sub);
        mw_close(&b.m, attr);
        mw_close(&b.m, loop);
        mw_close(&b.m, b.graph);
        int rc = bed_load(&b, 1);
        if (rc == ASHORE_OK) {
            must(&b, bed_session(&b, 1, 0, 0));
            int64_t none = 0;
            ashore_value *n = which == 0   ? value_of(ASHORE_INT32, 0, NULL, &(int32_t){2})
                              : which == 1 ? value_of(ASHORE_INT64, 1, &none, NULL)
                                           : whole(2);
            ashore_value *c = which == 2   ? value_of(ASHORE_FLOAT32, 0, NULL, &(float){1})
                              : which == 3 ? value_of(ASHORE_BOOL, 1, &none, NULL)
                                           : flag(1);
            ashore_value *in[2] = {n, c}, *out[1];
            rc = bed_try(&b, in, out);
            let_go(in, 2);
        }
        assert_int_equal(rc, which % 2 ? ASHORE_ERR_SHAPE : ASHORE_ERR_TYPE);
        bed_close(&b);
    }
}

/* ---- Scan ------------------------------------------------------------------------------------ */

/* x[2,3,4] scanned along every axis, both ways; outputs stacked along every axis, both ways. */
static void one_scan(int in_axis, int in_back, int out_axis, int out_back) {
    struct bed b;
    bed_init(&b);
    mw_value(&b.m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 3, (int64_t[]){-1, 3, 4});
    output(&b.m, "last", ASHORE_FLOAT32);
    output(&b.m, "rows", ASHORE_FLOAT32);
    number(&b.m, "zero", 0);
    size_t scan = mw_node(&b.m, "Scan", "scan", "zero x", "last rows");
    mw_attr_int(&b.m, "num_scan_inputs", 1);
    mw_attr_ints(&b.m, "scan_input_axes", 1, (int64_t[]){in_axis});
    mw_attr_ints(&b.m, "scan_input_directions", 1, (int64_t[]){in_back});
    mw_attr_ints(&b.m, "scan_output_axes", 1, (int64_t[]){out_axis});
    mw_attr_ints(&b.m, "scan_output_directions", 1, (int64_t[]){out_back});
    size_t sub, attr = mw_attr_graph(&b.m, "body", &sub);
    mw_value(&b.m, MW_GRAPH_INPUT, "s", ASHORE_FLOAT32, 0, NULL);
    mw_value(&b.m, MW_GRAPH_INPUT, "piece", ASHORE_FLOAT32, -1, NULL);
    output(&b.m, "s_next", ASHORE_FLOAT32);
    output(&b.m, "row", ASHORE_FLOAT32);
    size_t sum = mw_node(&b.m, "ReduceSum", "sum", "piece", "t");
    mw_attr_int(&b.m, "keepdims", 0);
    mw_close(&b.m, sum);
    node(&b.m, "Add", "s t", "s_next");
    node(&b.m, "Add", "piece s", "row");
    mw_close(&b.m, sub);
    mw_close(&b.m, attr);
    mw_close(&b.m, scan);
    bed_open(&b);
    static const int64_t dim[3] = {2, 3, 4};
    int a = in_axis < 0 ? in_axis + 3 : in_axis, o = out_axis < 0 ? out_axis + 3 : out_axis;
    int64_t rest[2] = {dim[a == 0], dim[a == 2 ? 1 : 2]}, n = dim[a], shape[3];
    for (int i = 0; i < 3; i++) shape[i] = i == o ? n : rest[i < o ? i : i - 1];
    int64_t in_step[3] = {12, 4, 1};
    float want[24], s = 0;
    for (int64_t t = 0; t < n; t++) {
        int64_t from = in_back ? n - 1 - t : t, to = out_back ? n - 1 - t : t;
        float total = 0;
        for (int64_t k = 0; k < rest[0] * rest[1]; k++) {
            int64_t u = k / rest[1], v = k % rest[1];
            int64_t x = from * in_step[a] + u * in_step[a == 0] + v * in_step[a == 2 ? 1 : 2];
            int64_t at[3];
            for (int i = 0; i < 3; i++) at[i] = i == o ? to : (i < o ? i : i - 1) ? v : u;
            total += (float)(x + 1);
            want[(at[0] * shape[1] + at[1]) * shape[2] + at[2]] = (float)(x + 1) + s;
        }
        s += total;
    }
    ashore_value *x = counting(3, dim), *out[2];
    for (int run = 0; run < 2; run++) {
        bed_run(&b, &x, out);
        expect_floats(out[0], 0, NULL, &s);
        expect_floats(out[1], 3, shape, want);
        let_go(out, 2);
    }
    let_go(&x, 1);
    bed_close(&b);
}

static void test_scan_axes(void **state) {
    (void)state;
    for (int i = 0; i < 6 * 2 * 6 * 2; i++)
        one_scan(i % 6 - 3, i / 6 % 2, i / 12 % 6 - 3, i / 72 % 2);
}

/* ---- If -------------------------------------------------------------------------------------- */

/* c, x[N]: Reshape(x, [2,3]) or NonZero of x: a branch that does not fit every x, and one whose
 * shape is known by a bound. */
static void write_choice(struct mw *m, int fixed) {
    input(m, "c", ASHORE_BOOL, 0);
    mw_value(m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 1, (int64_t[]){fixed ? 5 : -1});
    output(m, "y", ASHORE_FLOAT32);
    ints(m, "two_three", 1, 2, (int64_t[]){2, 3});
    size_t choice = mw_node(m, "If", "if", "c", "y"), sub;
    arm(m, 1, "Reshape", "x two_three", "t", ASHORE_FLOAT32);
    size_t attr = mw_attr_graph(m, "else_branch", &sub);
    output(m, "e", ASHORE_FLOAT32);
    node(m, "NonZero", "x", "at");
    size_t cast = mw_node(m, "Cast", "cast", "at", "e");
    mw_attr_int(m, "to", ASHORE_FLOAT32);
    mw_close(m, cast);
    mw_close(m, sub);
    mw_close(m, attr);
    mw_close(m, choice);
}

static void test_branches(void **state) {
    (void)state;
    for (int mode = 0; mode < 4; mode++) {
        struct bed b;
        bed_init(&b);
        write_choice(&b.m, mode > 1);
        mw_close(&b.m, b.graph);
        must(&b, bed_load(&b, mode % 2));
        must(&b, bed_session(&b, 1, 0, 0));
        for (int turn = 0; turn < 16; turn++) {
            int64_t n = mode > 1 || turn / 2 % 2 ? 5 : 6;
            ashore_value *in[2] = {flag(turn % 2), counting_to(n)}, *out;
            float *x = ashore_value_data_mut(in[1]);
            if (turn > 7) x[0] = 0;
            int rc = bed_try(&b, in, &out);
            assert_int_equal(rc, turn % 2 && n == 5 ? ASHORE_ERR_SHAPE : ASHORE_OK);
            if (rc == ASHORE_OK && turn % 2) expect_floats(out, 2, (int64_t[]){2, 3}, x);
            if (rc == ASHORE_OK && turn % 2 == 0)
                expect_floats(out, 2, (int64_t[]){1, n - (turn > 7)},
                              turn > 7 ? (float[]){1, 2, 3, 4, 5} : (float[]){0, 1, 2, 3, 4, 5});
            let_go(in, 2);
            if (rc == ASHORE_OK) let_go(&out, 1);
        }
        bed_close(&b);
    }
}

/* Ifs that are none: what is missing or too much, under a condition that is known. */
static void test_malformed_branches(void **state) {
    (void)state;
    static const int code[] = {ASHORE_ERR_ATTR, ASHORE_ERR_FORMAT, ASHORE_ERR_FORMAT,
                               ASHORE_ERR_TYPE, ASHORE_OK};
    for (int which = 0; which < 5; which++) {
        struct bed b;
        bed_init(&b);
        mw_value(&b.m, MW_GRAPH_INPUT, "x", ASHORE_FLOAT32, 1, (int64_t[]){5});
        output(&b.m, "y", ASHORE_FLOAT32);
        mw_tensor(&b.m, MW_GRAPH_INITIALIZER, "c", ASHORE_BOOL, 0, NULL, "", 1);
        number(&b.m, "one", 1);
        size_t choice = mw_node(&b.m, "If", "if", which == 3 ? "one" : "c", "y"), sub;
        arm(&b.m, 1, "Neg", "x", "t", ASHORE_FLOAT32);
        if (which > 0) {
            size_t attr = mw_attr_graph(&b.m, "else_branch", &sub);
            if (which == 1)
                mw_value(&b.m, MW_GRAPH_INPUT, "formal", ASHORE_FLOAT32, 1, &(int64_t){5});
            output(&b.m, "e", ASHORE_FLOAT32);
            if (which == 2) output(&b.m, "e", ASHORE_FLOAT32);
            node(&b.m, "Abs", which == 1 ? "formal" : "x", "e");
            mw_close(&b.m, sub);
            mw_close(&b.m, attr);
        }
        mw_close(&b.m, choice);
        mw_close(&b.m, b.graph);
        assert_int_equal(bed_load(&b, 1), code[which]);
        bed_close(&b);
    }
}

/* ---- segments -------------------------------------------------------------------------------- */

/* What is not zero in x, reshaped by the number of its elements, and again what is above 3 of it.
 */
static void test_segments(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    input(&b.m, "x", ASHORE_FLOAT32, 2);
    output(&b.m, "found", ASHORE_FLOAT32);
    output(&b.m, "column", ASHORE_FLOAT32);
    output(&b.m, "above", ASHORE_FLOAT32);
    output(&b.m, "before", ASHORE_FLOAT32);
    ints(&b.m, "flat", 1, 1, (int64_t[]){-1});
    ints(&b.m, "one", 1, 1, (int64_t[]){1});
    number(&b.m, "limit", 3);
    node(&b.m, "Reshape", "x flat", "x_flat");
    node(&b.m, "Neg", "x", "before");
    node(&b.m, "NonZero", "x_flat", "at");
    node(&b.m, "Reshape", "at flat", "at_flat");
    node(&b.m, "Gather", "x_flat at_flat", "found");
    node(&b.m, "Size", "found", "size");
    node(&b.m, "Reshape", "size one", "size_one");
    size_t concat = mw_node(&b.m, "Concat", "concat", "size_one one", "shape");
    mw_attr_int(&b.m, "axis", 0);
    mw_close(&b.m, concat);
    node(&b.m, "Reshape", "found shape", "column");
    node(&b.m, "Greater", "found limit", "is_above");
    node(&b.m, "NonZero", "is_above", "above_at");
    node(&b.m, "Reshape", "above_at flat", "above_flat");
    node(&b.m, "Gather", "found above_flat", "above_");
    node(&b.m, "Relu", "above_", "above");
    bed_open(&b);
    uint32_t seed = 3;
    for (int turn = 0; turn < 40; turn++) {
        int64_t shape[2] = {1 + turn % 3, turn % 7}, n = shape[0] * shape[1], found = 0, above = 0;
        float x[18], down[18], is_found[18], is_above[18];
        for (int64_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] = (float)(seed >> 29);
            down[i] = -x[i];
            if (x[i] != 0) is_found[found++] = x[i];
            if (x[i] > 3) is_above[above++] = x[i];
        }
        ashore_value *in = value_of(ASHORE_FLOAT32, 2, shape, x), *out[4];
        bed_run(&b, &in, out);
        expect_floats(out[0], 1, &found, is_found);
        expect_floats(out[1], 2, (int64_t[]){found, 1}, is_found);
        expect_floats(out[2], 1, &above, is_above);
        expect_floats(out[3], 2, shape, down);
        let_go(out, 4);
        let_go(&in, 1);
    }
    bed_close(&b);
}

/* Numbers that look like the codes by which inference follows extents. */
static void test_codes(void **state) {
    (void)state;
    static const int64_t numbers[] = {INT64_MIN,
                                      INT64_MIN + 1,
                                      INT64_MIN + 2,
                                      INT64_MIN + 12345678,
                                      INT64_MIN + ((int64_t)1 << 33) + 3,
                                      -1};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        struct bed b;
        bed_init(&b);
        input(&b.m, "x", ASHORE_FLOAT32, 1);
        output(&b.m, "turned", ASHORE_FLOAT32);
        output(&b.m, "list", ASHORE_INT64);
        ints(&b.m, "number", 1, 1, &numbers[k]);
        ints(&b.m, "first", 1, 1, (int64_t[]){0});
        ints(&b.m, "last", 1, 1, (int64_t[]){-1});
        ints(&b.m, "past", 1, 1, (int64_t[]){1});
        ints(&b.m, "past_two", 1, 1, (int64_t[]){2});
        node(&b.m, "Shape", "x", "shape");
        size_t concat = mw_node(&b.m, "Concat", "concat", "shape number", "list");
        mw_attr_int(&b.m, "axis", 0);
        mw_close(&b.m, concat);
        node(&b.m, "Slice", "list past past_two", "end");
        node(&b.m, "Slice", "x last end first last", "turned");
        bed_open(&b);
        ashore_value *x = counting_to(3), *out[2];
        bed_run(&b, &x, out);
        int64_t n = numbers[k] == -1 ? 0 : 3;
        expect_floats(out[0], 1, &n, (float[]){3, 2, 1});
        expect_ints(out[1], 1, (int64_t[]){2}, (int64_t[]){3, numbers[k]});
        let_go(&x, 1);
        let_go(out, 2);
        bed_close(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_stacked_bound),
        cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_odd_counts),
        cmocka_unit_test(test_scan_axes),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_malformed_branches),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
