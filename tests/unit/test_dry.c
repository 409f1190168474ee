/* Models that are loaded to be predicted: large weights may be missing, packed forms are not
 * written, and the plan tells what its steps work on. */
#include "exec_bed.h"

enum { N = 256 };
static const int64_t square[2] = {N, N};

static void write_products(struct bed *b, int dtype, size_t element) {
    void *w = calloc(N * N, element); /* as where a weight was not fetched */
    assert_non_null(w);
    mw_value(&b->m, MW_GRAPH_INPUT, "x", dtype, 2, (const int64_t[]){-1, N});
    for (int i = 0; i < 2; i++)
        mw_tensor(&b->m, MW_GRAPH_INITIALIZER, i ? "w1" : "w0", dtype, 2, square, w,
                  N * N * element);
    free(w);
    node(&b->m, "MatMul", "x w0", "h");
    node(&b->m, "MatMul", "h w1", "y");
    output(&b->m, "y", dtype);
    mw_close(&b->m, b->graph);
}

static void predict(int dtype, size_t element, int dry, struct ashore_memory *memory,
                    struct bed *b) {
    bed_init(b);
    write_products(b, dtype, element);
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.realloc = bed_realloc;
    options.realloc_user = &b->account;
    options.dry = dry;
    must(b, ashore_model_load_memory(b->m.bytes, b->m.size, &options, &b->model, &b->err));
    must(b, bed_session(b, 1, 0, 0));
    const int64_t shape[2] = {3, N}, *const shapes[1] = {shape};
    must(b, ashore_session_predict(b->session, shapes, memory, &b->err));
}

static void test_predictions_are_the_same(void **state) {
    (void)state;
    static const struct {
        int dtype;
        size_t element;
    } type[] = {{ASHORE_FLOAT32, 4}, {ASHORE_FLOAT16, 2}};
    for (size_t i = 0; i < sizeof type / sizeof type[0]; i++) {
        struct ashore_memory memory[2];
        for (int dry = 0; dry < 2; dry++) {
            struct bed b;
            memset(&memory[dry], 0, sizeof memory[dry]);
            predict(type[i].dtype, type[i].element, dry, &memory[dry], &b);
            bed_close(&b);
        }
        assert_int_equal(memory[0].weights, memory[1].weights);
        assert_int_equal(memory[0].packed, memory[1].packed);
        assert_int_equal(memory[0].slab, memory[1].slab);
        assert_int_equal(memory[0].total, memory[1].total);
        assert_int_equal(memory[0].outputs, memory[1].outputs);
        assert_true(memory[1].packed > 0);
        assert_true(memory[1].outputs >= 3 * N * type[i].element);
    }
}

static void test_operands(void **state) {
    (void)state;
    struct bed b;
    struct ashore_memory memory;
    predict(ASHORE_FLOAT32, 4, 1, &memory, &b);
    struct ashore_operand operand;
    int products = 0;
    for (size_t i = 0; ashore_session_operand(b.session, i, 0, &operand) != 18; i++) {
        if (strcmp(operand.op, "MatMul") != 0) continue;
        products++;
        assert_int_equal(operand.inputs, 2);
        assert_int_equal(ashore_session_operand(b.session, i, 0, &operand), 2);
        assert_int_equal(operand.dim[0], 3);
        assert_int_equal(operand.dim[1], N);
        assert_int_equal(ashore_session_operand(b.session, i, 1, &operand), 2);
        assert_int_equal(operand.dim[0], N);
        assert_int_equal(ashore_session_operand(b.session, i, 2, &operand), 2);
        assert_int_equal(operand.dim[0], 3);
        assert_int_equal(ashore_session_operand(b.session, i, 3, &operand), 17);
    }
    assert_int_equal(products, 2);
    bed_close(&b);
}

static void test_no_plan_has_no_operands(void **state) {
    (void)state;
    struct bed b;
    bed_init(&b);
    write_products(&b, ASHORE_FLOAT32, 4);
    must(&b, bed_load(&b, 1));
    must(&b, bed_session(&b, 1, 0, 0));
    struct ashore_operand operand;
    assert_int_equal(ashore_session_operand(b.session, 0, 0, &operand), 18);
    bed_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictions_are_the_same),
        cmocka_unit_test(test_operands),
        cmocka_unit_test(test_no_plan_has_no_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
