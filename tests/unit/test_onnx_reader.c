/* The ONNX reader and writer on small models made here: what they give, and what they refuse. */
#if !defined(_DEFAULT_SOURCE)
#    define _DEFAULT_SOURCE /* mkdtemp, symlink */
#endif

#include "base/error.h"
#include "base/heap.h"
#include "ir/op.h"
#include "model_writer.h"
#include "onnx/onnx_writer.h"
#include "onnx/proto_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t two_three[] = {2, 3}, one_n[] = {1, -1}, four[] = {4};

struct bench {
    struct ash_heap heap;
    struct ash_arena arena;
    struct ash_onnx_model model;
    struct ash_onnx_source src;
    struct ashore_error err;
    struct mw file;
};

static void start(struct bench *b) {
    memset(b, 0, sizeof *b);
    ash_heap_init(&b->heap, NULL, NULL);
    ash_arena_init(&b->arena, &b->heap);
    mw_init(&b->file);
    b->src.name = "m.onnx";
}

static int load(struct bench *b) {
    b->src.bytes = b->file.bytes;
    b->src.size = b->file.size;
    return ash_onnx_read(&b->src, &b->arena, &b->model, &b->err);
}

static void stop(struct bench *b) {
    ash_onnx_model_deinit(&b->model);
    ash_arena_deinit(&b->arena);
    mw_deinit(&b->file);
    assert_int_equal(b->heap.used, 0);
}

static void must_load(struct bench *b) {
    int rc = load(b);
    if (rc != ASHORE_OK) print_error("%s\n", b->err.text);
    assert_int_equal(rc, ASHORE_OK);
}

/* The load fails with this code, and its message has all of these parts. */
static void refused(struct bench *b, int code, const char *part, const char *other) {
    int rc = load(b);
    if (rc != code || strstr(b->err.text, part) == NULL || strstr(b->err.text, other) == NULL) {
        print_error("%d: %s\n", rc, b->err.text);
    }
    assert_int_equal(rc, code);
    assert_non_null(strstr(b->err.text, part));
    assert_non_null(strstr(b->err.text, other));
    assert_int_equal(strncmp(b->err.text, "m.onnx: ", 8), 0);
    stop(b);
}

/* Nodes by "op in -> out" lists are written with mw_node; this one closes at once. */
static void node(struct mw *m, const char *op, const char *name, const char *in, const char *out) {
    mw_close(m, mw_node(m, op, name, in, out));
}

static void input(struct mw *m, const char *name) {
    mw_value(m, MW_GRAPH_INPUT, name, ASHORE_FLOAT32, 2, one_n);
}

static void output(struct mw *m, const char *name) {
    mw_value(m, MW_GRAPH_OUTPUT, name, ASHORE_FLOAT32, -1, NULL);
}

static const struct ash_tensor *constant(const struct ash_graph *g, const char *name) {
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (strcmp(g->values[i].name, name) == 0) return g->values[i].data;
    }
    return NULL;
}

static const char *in_name(const struct ash_graph *g, uint32_t n, uint32_t i) {
    return g->values[g->nodes[n]->in[i]].name;
}

/* ---- what is read ---- */

static void test_plain(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    static const float w[] = {1, 2, 3, 4, 5, 6};
    size_t graph = mw_begin(&b.file);
    node(&b.file, "Mul", "second", "sum w", "y"); /* not sorted */
    node(&b.file, "Add", "first", "x - w", "sum");
    mw_tensor(&b.file, MW_GRAPH_INITIALIZER, "w", ASHORE_FLOAT32, 2, two_three, w, sizeof w);
    input(&b.file, "x");
    mw_value(&b.file, MW_GRAPH_INPUT, "w", ASHORE_FLOAT32, 2, two_three);
    mw_value(&b.file, 13, "sum", ASHORE_FLOAT32, 2, one_n);
    output(&b.file, "y");
    mw_close(&b.file, graph);
    must_load(&b);
    const struct ash_graph *g = b.model.graph;
    assert_int_equal(g->n_nodes, 2);
    assert_string_equal(g->nodes[0]->name, "first");
    assert_int_equal(g->nodes[0]->opset, 17);
    assert_int_equal(g->nodes[0]->in[1], ASH_NONE);
    assert_int_equal(g->n_inputs, 1); /* w is a constant */
    const struct ash_valuedef *x = &g->values[g->inputs[0]];
    assert_string_equal(x->name, "x");
    char text[80];
    ash_type_text(g->syms, &x->type, text, sizeof text);
    assert_string_equal(text, "float32[1,N]");
    assert_int_equal(g->values[g->nodes[0]->out[0]].type.rank, 2);
    assert_memory_equal(constant(g, "w")->data, w, sizeof w);
    assert_int_equal(b.model.ir_version, 8);
    assert_int_equal(b.model.n_opsets, 1);
    assert_int_equal(b.model.n_ops, 2);
    assert_int_equal(b.model.weights[ASHORE_FLOAT32].bytes, sizeof w);
    stop(&b);
}

static void attr_head(struct mw *m, const char *name, int type, size_t *attr) {
    *attr = mw_open(m, 5);
    mw_text(m, 1, name);
    mw_varint(m, 20, type);
}

static void test_constants(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    size_t graph = mw_begin(&b.file), n, attr, t;
    n = mw_node(&b.file, "Constant", "c0", "", "ints");
    mw_attr_ints(&b.file, "value_ints", 2, (const int64_t[]){7, -8});
    mw_close(&b.file, n);
    n = mw_node(&b.file, "Constant", "c1", "", "texts");
    attr_head(&b.file, "value_strings", ASH_ATTR_STRINGS, &attr);
    mw_text(&b.file, 9, "ab");
    mw_bytes(&b.file, 9, "c\0d", 3);
    mw_close(&b.file, attr);
    mw_close(&b.file, n);
    n = mw_node(&b.file, "Constant", "c2", "", "sparse");
    attr_head(&b.file, "sparse_value", ASH_ATTR_SPARSE_TENSOR, &attr);
    t = mw_open(&b.file, 22);
    mw_tensor(&b.file, 1, "", ASHORE_FLOAT32, 1, (const int64_t[]){2}, (float[]){5, 6}, 8);
    mw_tensor(&b.file, 2, "", ASHORE_INT64, 1, (const int64_t[]){2}, (int64_t[]){1, 5}, 16);
    mw_varint(&b.file, 3, 2);
    mw_varint(&b.file, 3, 3);
    mw_close(&b.file, t);
    mw_close(&b.file, attr);
    mw_close(&b.file, n);
    node(&b.file, "F", "f", "ints texts sparse four", "y");
    mw_tensor(&b.file, MW_GRAPH_INITIALIZER, "four", ASHORE_INT4, 1, (const int64_t[]){3},
              "\xf2\x08", 2);
    output(&b.file, "y");
    mw_close(&b.file, graph);
    must_load(&b);
    const struct ash_graph *g = b.model.graph;
    assert_int_equal(g->n_nodes, 1);
    const struct ash_tensor *ints = constant(g, "ints");
    assert_memory_equal(ints->data, ((int64_t[]){7, -8}), 16);
    const struct ash_tensor *texts = constant(g, "texts");
    const struct ash_str *s = texts->data;
    assert_int_equal(s[1].length, 3);
    assert_memory_equal(texts->chars + s[1].offset, "c\0d", 3);
    assert_memory_equal(constant(g, "sparse")->data, ((float[]){0, 5, 0, 0, 0, 6}), 24);
    assert_memory_equal(constant(g, "four")->data, ((signed char[]){2, -1, -8}), 3);
    stop(&b);
}

/* Lists of numbers, packed and one by one. */
static void test_numbers(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    size_t graph = mw_begin(&b.file), t;
    t = mw_open(&b.file, MW_GRAPH_INITIALIZER);
    mw_varint(&b.file, 1, 4);
    mw_varint(&b.file, 2, ASHORE_INT8);
    mw_text(&b.file, 8, "a");
    for (int i = 0; i < 4; i++) mw_varint(&b.file, 5, i - 2);
    mw_close(&b.file, t);
    t = mw_open(&b.file, MW_GRAPH_INITIALIZER);
    mw_bytes(&b.file, 1, "\x02\x02", 2);
    mw_varint(&b.file, 2, ASHORE_FLOAT32);
    mw_text(&b.file, 8, "b");
    mw_bytes(&b.file, 4, (float[]){1, 2, 3, 4}, 16);
    mw_close(&b.file, t);
    t = mw_open(&b.file, MW_GRAPH_INITIALIZER);
    mw_varint(&b.file, 1, 0);
    mw_varint(&b.file, 2, ASHORE_FLOAT64);
    mw_text(&b.file, 8, "empty");
    mw_close(&b.file, t);
    t = mw_open(&b.file, MW_GRAPH_INITIALIZER);
    mw_varint(&b.file, 1, 3);
    mw_varint(&b.file, 2, ASHORE_BOOL);
    mw_text(&b.file, 8, "bool");
    mw_bytes(&b.file, 9, "\x00\x01\xff", 3);
    mw_close(&b.file, t);
    node(&b.file, "F", "f", "a b empty bool", "y");
    output(&b.file, "y");
    mw_close(&b.file, graph);
    must_load(&b);
    const struct ash_graph *g = b.model.graph;
    assert_memory_equal(constant(g, "a")->data, ((signed char[]){-2, -1, 0, 1}), 4);
    assert_memory_equal(constant(g, "b")->data, ((float[]){1, 2, 3, 4}), 16);
    assert_int_equal(ash_tensor_count(constant(g, "empty")), 0);
    assert_memory_equal(constant(g, "bool")->data, "\0\1\1", 3);
    stop(&b);
}

/* Two levels of subgraphs; the inner one takes a value and a constant from the outermost. */
static void nested(struct mw *m) {
    size_t graph = mw_begin(m), g1, g2;
    size_t n1 = mw_node(m, "If", "outer", "c", "y");
    size_t a1 = mw_attr_graph(m, "else_branch", &g1);
    node(m, "Identity", "e", "x", "t");
    output(m, "t");
    mw_close(m, g1);
    mw_close(m, a1);
    a1 = mw_attr_graph(m, "then_branch", &g1);
    size_t n2 = mw_node(m, "Loop", "inner", "- c x", "t2");
    size_t a2 = mw_attr_graph(m, "body", &g2);
    node(m, "Add", "add", "v late", "s");
    node(m, "Mul", "mul", "s w", "v2");
    mw_value(m, MW_GRAPH_INPUT, "i", ASHORE_INT64, 0, NULL);
    mw_value(m, MW_GRAPH_INPUT, "cc", ASHORE_BOOL, 0, NULL);
    input(m, "v");
    mw_value(m, MW_GRAPH_OUTPUT, "cc", ASHORE_BOOL, 0, NULL);
    output(m, "v2");
    mw_close(m, g2);
    mw_close(m, a2);
    mw_close(m, n2);
    output(m, "t2");
    mw_close(m, g1);
    mw_close(m, a1);
    mw_close(m, n1);
    node(m, "Relu", "relu", "x", "late"); /* after the node whose subgraph takes it */
    mw_tensor(m, MW_GRAPH_INITIALIZER, "w", ASHORE_FLOAT32, 0, NULL, (float[]){2}, 4);
    mw_value(m, MW_GRAPH_INPUT, "c", ASHORE_BOOL, 0, NULL);
    input(m, "x");
    output(m, "y");
    mw_close(m, graph);
}

static void check_nested(const struct ash_graph *g) {
    assert_int_equal(g->n_nodes, 2);
    assert_string_equal(g->nodes[0]->op_type, "Relu");
    const struct ash_node *n = g->nodes[1];
    assert_int_equal(n->n_sub, 2);
    assert_int_equal(n->n_formal, 1);
    assert_string_equal(n->sub[0].name, "then_branch");
    const struct ash_sub *then = &n->sub[0];
    assert_int_equal(then->formal, 0);
    assert_int_equal(n->n_in, 1 + then->graph->n_inputs + n->sub[1].graph->n_inputs);
    assert_int_equal(then->graph->n_inputs, 3); /* c, x, late */
    for (uint32_t i = 0; i < 3; i++) {
        const struct ash_graph *t = then->graph;
        assert_string_equal(t->values[t->inputs[i]].name, in_name(g, 1, then->first_capture + i));
    }
    const struct ash_node *loop = then->graph->nodes[0];
    assert_int_equal(loop->n_formal, 3);
    assert_int_equal(loop->sub[0].formal, 3);
    const struct ash_graph *body = loop->sub[0].graph;
    assert_int_equal(body->n_inputs, 4);
    assert_string_equal(body->values[body->inputs[3]].name, "late");
    assert_string_equal(then->graph->values[loop->in[3]].name, "late");
    assert_ptr_equal(body->values[body->nodes[1]->in[1]].data, constant(g, "w"));
}

static void test_captures(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    nested(&b.file);
    must_load(&b);
    check_nested(b.model.graph);
    assert_int_equal(b.model.n_ops, 6);
    stop(&b);
}

/* f(a, b; alpha = 3): m = LeakyRelu(a, alpha), r = Constant(alpha) * m, twice(r) */
static void functions(struct mw *m, const char *inner_call) {
    size_t graph = mw_begin(m), n, f, o, attr;
    n = mw_node(m, "f", "call0", "x", "h");
    mw_text(m, 7, "local");
    attr_head(m, "alpha", ASH_ATTR_FLOAT, &attr);
    mw_number(m, 2 << 3 | 5);
    mw_raw(m, (float[]){0.5f}, 4);
    mw_close(m, attr);
    mw_close(m, n);
    n = mw_node(m, "f", "call1", "h x", "y");
    mw_text(m, 7, "local");
    mw_close(m, n);
    input(m, "x");
    output(m, "y");
    mw_close(m, graph);
    f = mw_open(m, 25);
    mw_text(m, 1, "f");
    mw_text(m, 10, "local");
    mw_text(m, 4, "a");
    mw_text(m, 4, "b");
    mw_text(m, 5, "r");
    attr_head(m, "alpha", ASH_ATTR_FLOAT, &attr);
    m->bytes[attr - 6] = 11 << 3 | 2; /* attribute_proto */
    mw_number(m, 2 << 3 | 5);
    mw_raw(m, (float[]){3}, 4);
    mw_close(m, attr);
    for (int k = 0; k < 2; k++) {
        static const char *const op[] = {"LeakyRelu", "Constant"};
        static const char *const own[] = {"alpha", "value_float"};
        n = mw_node(m, op[k], "n", k == 0 ? "a" : "", k == 0 ? "m" : "k");
        m->bytes[n - 6] = 7 << 3 | 2; /* node of a function */
        attr_head(m, own[k], ASH_ATTR_FLOAT, &attr);
        mw_text(m, 21, "alpha");
        mw_close(m, attr);
        mw_close(m, n);
    }
    n = mw_node(m, inner_call, "n", "m k b", "r");
    m->bytes[n - 6] = 7 << 3 | 2;
    mw_text(m, 7, "local");
    mw_close(m, n);
    o = mw_open(m, 9);
    mw_varint(m, 2, 16);
    mw_close(m, o);
    mw_close(m, f);
    f = mw_open(m, 25);
    mw_text(m, 1, "g");
    mw_text(m, 10, "local");
    mw_text(m, 4, "p");
    mw_text(m, 4, "q");
    mw_text(m, 4, "z");
    mw_text(m, 5, "o");
    n = mw_node(m, "Sum", "n", "p q z", "o");
    m->bytes[n - 6] = 7 << 3 | 2;
    mw_close(m, n);
    o = mw_open(m, 9);
    mw_varint(m, 2, 13);
    mw_close(m, o);
    mw_close(m, f);
}

static void test_functions(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    functions(&b.file, "g");
    must_load(&b);
    const struct ash_graph *g = b.model.graph;
    assert_int_equal(g->n_nodes, 4);
    assert_string_equal(g->nodes[0]->op_type, "LeakyRelu");
    assert_int_equal(g->nodes[0]->opset, 16);
    assert_int_equal(g->nodes[1]->opset, 13);
    assert_true(ash_node_attr(g->nodes[0], "alpha")->v.f == 0.5f);
    assert_true(ash_node_attr(g->nodes[2], "alpha")->v.f == 3.0f);
    assert_int_equal(g->nodes[1]->in[2], ASH_NONE); /* b was left out */
    assert_string_equal(in_name(g, 3, 2), "x");
    const struct ash_tensor *k = g->values[g->nodes[1]->in[1]].data;
    assert_true(*(const float *)k->data == 0.5f);
    assert_string_equal(g->values[g->outputs[0]].name, "y");
    assert_string_equal(g->values[g->nodes[0]->out[0]].name, "call0/m");
    assert_int_equal(b.model.n_ops, 3); /* Constant, LeakyRelu, Sum: counted once */
    for (size_t i = 0; i < 3; i++) assert_int_equal(b.model.ops[i].count, 1);
    stop(&b);
}

static int give_external(void *user, const char *location, const void **data, size_t *size) {
    static const float bytes[] = {9, 8, 7, 6, 5, 4};
    if (strcmp(location, user) != 0) return ASHORE_ERR_IO;
    *data = bytes;
    *size = sizeof bytes;
    return ASHORE_OK;
}

static void external(struct mw *m, const char *location, const char *offset) {
    size_t graph = mw_begin(m), t = mw_open(m, MW_GRAPH_INITIALIZER);
    const char *const entry[][2] = {{"location", location}, {"offset", offset}, {"length", "16"}};
    mw_varint(m, 1, 4);
    mw_varint(m, 2, ASHORE_FLOAT32);
    mw_text(m, 8, "w");
    for (int i = 0; i < 3; i++) {
        size_t e = mw_open(m, 13);
        mw_text(m, 1, entry[i][0]);
        mw_text(m, 2, entry[i][1]);
        mw_close(m, e);
    }
    mw_varint(m, 14, 1);
    mw_close(m, t);
    node(m, "Relu", "r", "w", "y");
    output(m, "y");
    mw_close(m, graph);
}

static void test_external(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    external(&b.file, "w.bin", "8");
    b.src.external = give_external;
    b.src.external_user = "w.bin";
    must_load(&b);
    assert_memory_equal(constant(b.model.graph, "w")->data, ((float[]){7, 6, 5, 4}), 16);
    assert_int_equal(b.model.file_bytes, b.file.size + 24);
    stop(&b);

    char dir[] = "/tmp/ash_onnx_XXXXXX", path[64], link[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/w.bin", dir);
    snprintf(link, sizeof link, "%s/link", dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 32; i++) fputc(i, f);
    fclose(f);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    start(&b);
    external(&b.file, "w.bin", "16");
    b.src.data_dir = dir;
    must_load(&b);
    assert_int_equal(((const unsigned char *)constant(b.model.graph, "w")->data)[0], 16);
    stop(&b);
    start(&b);
    external(&b.file, "w.bin", "17");
    b.src.data_dir = dir;
    refused(&b, ASHORE_ERR_FORMAT, "tensor 'w' float32[4]: external data: 16 bytes at offset 17",
            "outside of 'w.bin' with its 32 bytes");
    start(&b);
    external(&b.file, "link", "0");
    b.src.data_dir = dir;
    refused(&b, ASHORE_ERR_IO, "tensor 'w'", "a link that leads out of its folder");
    start(&b);
    external(&b.file, "gone.bin", "0");
    b.src.data_dir = dir;
    refused(&b, ASHORE_ERR_IO, "tensor 'w'", "gone.bin");
    static const char *const escapes[] = {"/etc/passwd", "../w.bin", "a/../../b", "a\\b", "c:x"};
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        start(&b);
        external(&b.file, escapes[i], "0");
        b.src.data_dir = dir;
        refused(&b, ASHORE_ERR_FORMAT, escapes[i], "leads out of the model's folder");
    }
    start(&b);
    external(&b.file, "w.bin", "x");
    b.src.data_dir = dir;
    refused(&b, ASHORE_ERR_FORMAT, "tensor 'w'", "'x' is no offset or length");
    unlink(link);
    unlink(path);
    rmdir(dir);
}

/* ---- what is refused ---- */

static void test_structure(void **state) {
    (void)state;
    struct bench b;
    static const struct {
        const char *op, *name, *in, *out, *part, *other;
    } row[] = {
        {"Add", "loop", "x y", "y", "cycle", "'loop' (Add"},
        {"Add", "n", "x nobody", "y", "value 'nobody' is not defined", "node 'n' (Add, opset 17)"},
        {"Add", "n", "x x", "x", "value 'x' is defined twice", "m.onnx"},
        {"", "n", "x x", "y", "no operator type", "node 'n'"},
        {"Add", "n", "x x", "z", "output 'y': value 'y' is not defined", "m.onnx"},
        {"Constant", "k", "", "y", "a constant has one attribute", "node 'k' (Constant"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        start(&b);
        size_t graph = mw_begin(&b.file);
        node(&b.file, row[i].op, row[i].name, row[i].in, row[i].out);
        input(&b.file, "x");
        output(&b.file, "y");
        mw_close(&b.file, graph);
        refused(&b, ASHORE_ERR_FORMAT + (i == 5 ? ASHORE_ERR_ATTR - ASHORE_ERR_FORMAT : 0),
                row[i].part, row[i].other);
    }
    start(&b);
    size_t graph = mw_begin(&b.file);
    node(&b.file, "Add", "p", "x q", "r");
    node(&b.file, "Add", "q", "x r", "q");
    input(&b.file, "x");
    output(&b.file, "r");
    mw_close(&b.file, graph);
    refused(&b, ASHORE_ERR_FORMAT, "the graph has a cycle through node 'p' (Add)", "m.onnx");
    start(&b);
    graph = mw_begin(&b.file);
    for (int i = 0; i < 2; i++) {
        mw_tensor(&b.file, MW_GRAPH_INITIALIZER, "w", ASHORE_UINT8, 1, four, "abcd", 4);
    }
    mw_close(&b.file, graph);
    refused(&b, ASHORE_ERR_FORMAT, "value 'w' is defined twice", "m.onnx");
    start(&b);
    graph = mw_begin(&b.file);
    size_t n = mw_node(&b.file, "Gelu", "n", "x", "y");
    mw_text(&b.file, 7, "com.microsoft");
    mw_close(&b.file, n);
    input(&b.file, "x");
    mw_close(&b.file, graph);
    refused(&b, ASHORE_ERR_FORMAT, "no operator set of domain 'com.microsoft' is imported",
            "node 'n' (com.microsoft.Gelu");
}

static void test_functions_refused(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    functions(&b.file, "f");
    refused(&b, ASHORE_ERR_FORMAT, "function 'f' calls itself", "m.onnx");
    /* Each function calls the next one ten times: 10^8 nodes from 2 KB. */
    start(&b);
    size_t graph = mw_begin(&b.file);
    size_t n = mw_node(&b.file, "a", "n", "x", "y");
    mw_text(&b.file, 7, "l");
    mw_close(&b.file, n);
    input(&b.file, "x");
    mw_close(&b.file, graph);
    for (char name[2] = "a"; *name < 'i'; ++*name) {
        char next[2] = {(char)(*name + 1), 0}, out[3] = "o0";
        size_t f = mw_open(&b.file, 25);
        mw_text(&b.file, 1, name);
        mw_text(&b.file, 10, "l");
        mw_text(&b.file, 4, "x");
        for (int k = 0; k < 10; k++, out[1]++) {
            n = mw_node(&b.file, next, "", "x", out);
            b.file.bytes[n - 6] = 7 << 3 | 2;
            mw_text(&b.file, 7, "l");
            mw_close(&b.file, n);
        }
        mw_text(&b.file, 5, "o0");
        size_t o = mw_open(&b.file, 9);
        mw_text(&b.file, 1, "l");
        mw_varint(&b.file, 2, 1);
        mw_close(&b.file, o);
        mw_close(&b.file, f);
    }
    refused(&b, ASHORE_ERR_LIMIT, "become too large once they are inlined", "m.onnx");
}

static void test_tensors_refused(void **state) {
    (void)state;
    struct bench b;
    static const struct {
        int64_t dim[2];
        int dtype, code;
        const char *part;
    } row[] = {
        {{2, 2}, ASHORE_FLOAT32, ASHORE_ERR_FORMAT, "tensor 'w' float32[2,2]: 4 bytes of data, 16"},
        {{-1, 2}, ASHORE_FLOAT32, ASHORE_ERR_SHAPE, "extent -1 of dimension 0 is negative"},
        {{INT64_MAX, INT64_MAX}, ASHORE_FLOAT32, ASHORE_ERR_LIMIT, "too large"},
        {{1 << 30, 4}, ASHORE_UINT8, ASHORE_ERR_FORMAT, "4 bytes of data, 4294967296 expected"},
        {{0, INT64_MAX}, ASHORE_FLOAT32, ASHORE_ERR_LIMIT, "too large"},
        {{1, 1}, 99, ASHORE_ERR_UNSUPPORTED, "element type 99"},
        {{1, 1}, 0, ASHORE_ERR_UNSUPPORTED, "element type 0"},
        {{1, 1}, ASHORE_STRING, ASHORE_ERR_FORMAT, "0 strings of data, 1 expected"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        start(&b);
        size_t graph = mw_begin(&b.file);
        mw_tensor(&b.file, MW_GRAPH_INITIALIZER, "w", row[i].dtype, 2, row[i].dim, "abcd", 4);
        mw_close(&b.file, graph);
        refused(&b, row[i].code, row[i].part, "tensor 'w'");
    }
    start(&b);
    size_t graph = mw_begin(&b.file), t = mw_open(&b.file, 15);
    mw_tensor(&b.file, 1, "s", ASHORE_UINT8, 1, (const int64_t[]){1}, "a", 1);
    mw_tensor(&b.file, 2, "", ASHORE_INT64, 1, (const int64_t[]){1}, "\0\0\0\0\0\0\0\0", 8);
    mw_varint(&b.file, 3, (int64_t)1 << 34);
    mw_close(&b.file, t);
    mw_close(&b.file, graph);
    refused(&b, ASHORE_ERR_LIMIT, "sparse tensor 's'", "more than this file may ask for");
}

static void nest(struct mw *m, int depth) {
    size_t g;
    size_t n = mw_node(m, "If", "deep", "c", "y");
    size_t a = mw_attr_graph(m, "then_branch", &g);
    if (depth > 0) nest(m, depth - 1);
    mw_close(m, g);
    mw_close(m, a);
    mw_close(m, n);
}

static void test_depth(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    size_t graph = mw_begin(&b.file);
    nest(&b.file, 200);
    mw_value(&b.file, MW_GRAPH_INPUT, "c", ASHORE_BOOL, 0, NULL);
    mw_close(&b.file, graph);
    refused(&b, ASHORE_ERR_LIMIT, "nest more than 32 deep", "node 'deep'");
}

/* Every prefix, and every byte changed, of a model that has everything: no crash, and a message. */
static void test_damage(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    nested(&b.file);
    unsigned char *copy = malloc(b.file.size);
    assert_non_null(copy);
    memcpy(copy, b.file.bytes, b.file.size);
    b.src.bytes = copy;
    for (size_t size = 0; size < b.file.size; size++) {
        b.src.size = size;
        unsigned char *exact = malloc(size + 1);
        assert_non_null(exact);
        memcpy(exact, copy, size);
        b.src.bytes = exact;
        b.err.text[0] = '\0';
        if (ash_onnx_read(&b.src, &b.arena, &b.model, &b.err) != ASHORE_OK) {
            assert_true(b.err.text[0] != '\0');
        }
        ash_onnx_model_deinit(&b.model);
        ash_arena_deinit(&b.arena);
        free(exact);
    }
    b.src.size = b.file.size;
    b.src.bytes = copy;
    for (size_t i = 0; i < 8 * b.file.size; i++) {
        copy[i / 8] ^= (unsigned char)(1 << i % 8);
        (void)ash_onnx_read(&b.src, &b.arena, &b.model, &b.err);
        ash_onnx_model_deinit(&b.model);
        ash_arena_deinit(&b.arena);
        copy[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    free(copy);
    stop(&b);
}

/* Fails allocation n. */
struct torture {
    size_t left;
};

static void *torture_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct torture *t = user;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    if (new_size > old_size && t->left-- == 0) return NULL;
    return realloc(ptr, new_size);
}

static void test_torture(void **state) {
    (void)state;
    struct mw file;
    mw_init(&file);
    functions(&file, "g");
    int rc = ASHORE_ERR_NOMEM;
    for (size_t n = 0; rc == ASHORE_ERR_NOMEM && n < 1000; n++) {
        struct torture t = {n};
        struct ash_heap heap;
        struct ash_arena arena;
        struct ashore_error err = {0};
        struct ash_onnx_model model;
        struct ash_onnx_source src = {.bytes = file.bytes, .size = file.size, .name = "m"};
        ash_heap_init(&heap, torture_realloc, &t);
        ash_arena_init(&arena, &heap);
        rc = ash_onnx_read(&src, &arena, &model, &err);
        if (rc == ASHORE_OK) {
            struct ash_wire_out out = {.heap = &heap};
            rc = ash_onnx_write(model.graph, NULL, &out, &err);
            ash_wire_out_deinit(&out);
        }
        assert_true(rc == ASHORE_OK || rc == ASHORE_ERR_NOMEM);
        ash_arena_deinit(&arena);
        assert_int_equal(heap.used, 0);
    }
    assert_int_equal(rc, ASHORE_OK);
    mw_deinit(&file);
}

/* ---- writing ---- */

static void again(struct bench *b, const struct ash_onnx_write_options *options,
                  struct bench *second) {
    struct ash_wire_out out = {.heap = &b->heap};
    assert_int_equal(ash_onnx_write(b->model.graph, options, &out, &b->err), ASHORE_OK);
    start(second);
    mw_raw(&second->file, out.data, out.size);
    ash_wire_out_deinit(&out);
    must_load(second);
}

static void test_write(void **state) {
    (void)state;
    struct bench b, c;
    start(&b);
    nested(&b.file);
    must_load(&b);
    struct ash_onnx_write_options options = {.ir_version = 9, .types = true};
    again(&b, &options, &c);
    check_nested(c.model.graph);
    assert_int_equal(c.model.ir_version, 9);
    assert_int_equal(c.model.weights[ASHORE_FLOAT32].count, 1);
    stop(&b);
    stop(&c);
}

/* Nodes of three operator set versions: two of them become functions. */
static void test_write_versions(void **state) {
    (void)state;
    struct bench b, c;
    start(&b);
    functions(&b.file, "g");
    must_load(&b);
    struct ash_onnx_write_options options = {.opsets = b.model.opsets,
                                             .n_opsets = b.model.n_opsets};
    again(&b, &options, &c);
    const struct ash_graph *g = c.model.graph, *old = b.model.graph;
    assert_int_equal(g->n_nodes, old->n_nodes);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        assert_string_equal(g->nodes[i]->op_type, old->nodes[i]->op_type);
        assert_int_equal(g->nodes[i]->opset, old->nodes[i]->opset);
    }
    assert_true(ash_node_attr(g->nodes[0], "alpha")->v.f == 0.5f);
    assert_string_equal(g->values[g->outputs[0]].name, "y");
    stop(&b);
    stop(&c);
}

/* A file with internal operators is for an engine that was trimmed to it, which this one was not.
 */
static void test_write_prepared(void **state) {
    (void)state;
    struct bench b, c;
    start(&b);
    functions(&b.file, "g");
    must_load(&b);
    b.model.graph->nodes[0]->domain = ASH_INTERNAL;
    const char *names[] = {"outside"};
    struct ash_onnx_write_options options = {.prepared = true, .output_names = names};
    struct ash_wire_out out = {.heap = &b.heap};
    assert_int_equal(b.model.graph->n_outputs, 1);
    assert_int_equal(ash_onnx_write(b.model.graph, &options, &out, &b.err), ASHORE_OK);
    start(&c);
    mw_raw(&c.file, out.data, out.size);
    assert_int_equal(load(&c), ASHORE_ERR_UNSUPPORTED);
    assert_non_null(strstr(c.err.text, "internal"));
    bool named = false;
    for (size_t i = 0; i + 7 < out.size; i++) named |= memcmp(out.data + i, "outside", 7) == 0;
    assert_true(named);
    ash_wire_out_deinit(&out);
    stop(&b);
    stop(&c);
}

static bool place_all(void *user, const struct ash_tensor *t, const char *name,
                      struct ash_onnx_place *place) {
    assert_string_equal(name, "w");
    assert_int_equal(ash_onnx_tensor_wire_size(t), 16);
    *place = (struct ash_onnx_place){user, 8};
    return true;
}

static void test_write_external(void **state) {
    (void)state;
    struct bench b, c;
    start(&b);
    external(&b.file, "w.bin", "8");
    b.src.external = give_external;
    b.src.external_user = "w.bin";
    must_load(&b);
    struct ash_onnx_write_options options = {.place = place_all, .user = "other"};
    struct ash_wire_out out = {.heap = &b.heap};
    assert_int_equal(ash_onnx_write(b.model.graph, &options, &out, &b.err), ASHORE_OK);
    start(&c);
    mw_raw(&c.file, out.data, out.size);
    ash_wire_out_deinit(&out);
    c.src.external = give_external;
    c.src.external_user = "other";
    must_load(&c);
    assert_memory_equal(constant(c.model.graph, "w")->data, ((float[]){7, 6, 5, 4}), 16);
    stop(&b);
    stop(&c);
}

/* ---- values ---- */

static void test_values(void **state) {
    (void)state;
    struct bench b;
    struct ashore_value *v = NULL;
    start(&b);
    mw_varint(&b.file, 2, 1);
    for (int i = 0; i < 2; i++) {
        mw_tensor(&b.file, 3, "", ASHORE_UINT8, 1, (const int64_t[]){2}, i ? "ab" : "cd", 2);
    }
    assert_int_equal(ash_onnx_value(&b.heap, ASHORE_SEQUENCE, b.file.bytes, b.file.size, &v, NULL),
                     ASHORE_OK);
    assert_int_equal(v->count, 2);
    assert_memory_equal(v->items[1]->tensor.data, "ab", 2);
    ash_value_release(&v);
    assert_int_equal(ash_onnx_value(&b.heap, ASHORE_OPTIONAL, NULL, 0, &v, NULL), ASHORE_OK);
    assert_int_equal(v->count, 0);
    ash_value_release(&v);
    b.file.size = 0;
    mw_varint(&b.file, 2, ASHORE_INT64);
    mw_varint(&b.file, 3, 7);
    size_t values = mw_open(&b.file, 5);
    mw_tensor(&b.file, 3, "", ASHORE_UINT8, 0, NULL, "x", 1);
    mw_close(&b.file, values);
    assert_int_equal(ash_onnx_value(&b.heap, ASHORE_MAP, b.file.bytes, b.file.size, &v, NULL),
                     ASHORE_OK);
    assert_int_equal(*(const int64_t *)v->items[0]->tensor.data, 7);
    assert_int_equal(*(const uint8_t *)v->items[1]->tensor.data, 'x');
    ash_value_release(&v);
    mw_varint(&b.file, 3, 8);
    assert_int_equal(ash_onnx_value(&b.heap, ASHORE_MAP, b.file.bytes, b.file.size, &v, &b.err),
                     ASHORE_ERR_FORMAT);
    assert_null(v);
    stop(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),           cmocka_unit_test(test_constants),
        cmocka_unit_test(test_numbers),         cmocka_unit_test(test_captures),
        cmocka_unit_test(test_functions),       cmocka_unit_test(test_external),
        cmocka_unit_test(test_structure),       cmocka_unit_test(test_functions_refused),
        cmocka_unit_test(test_tensors_refused), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_damage),          cmocka_unit_test(test_torture),
        cmocka_unit_test(test_write),           cmocka_unit_test(test_write_versions),
        cmocka_unit_test(test_write_prepared),  cmocka_unit_test(test_write_external),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
