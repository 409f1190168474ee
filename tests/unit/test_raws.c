/* Constants that are given back once they are packed: no run reads them where they were, and they
 * come again where somebody asks for them. */
#include "exec_bed.h"

/* What the model has given back, overwritten so that reading it shows. */
struct given {
    const unsigned char *bytes;
    size_t size, total, parts;
    unsigned char *seen; /* a byte for each */
    struct account *account;
    unsigned char *room, *end; /* of what came last: new blocks are taken from it */
};

static void take(void *user, const void *data, size_t size) {
    struct given *g = user;
    size_t at = (size_t)((const unsigned char *)data - g->bytes);
    assert_true(at <= g->size && size <= g->size - at);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(g->seen[at + i], 0);
        g->seen[at + i] = 1;
    }
    memset((void *)(uintptr_t)data, 0xff, size);
    g->total += size;
    g->parts++;
    g->room = (unsigned char *)(((uintptr_t)data + 15) & ~(uintptr_t)15);
    g->end = (unsigned char *)(uintptr_t)data + size;
}

/* An allocator to which given memory comes back, as that of WebAssembly builds. */
static void *recycle(void *user, void *ptr, size_t old_size, size_t new_size) {
    struct given *g = user;
    size_t round = (new_size + 15) & ~(size_t)15;
    int inside = ptr && (uintptr_t)ptr - (uintptr_t)g->bytes < g->size;
    int fits = g->room && g->room < g->end && round <= (size_t)(g->end - g->room);
    if (!inside && (ptr || !new_size || !fits))
        return bed_realloc(g->account, ptr, old_size, new_size);
    void *block = NULL;
    if (new_size && fits) {
        block = g->room;
        g->room += round;
    } else if (new_size) {
        block = bed_realloc(g->account, NULL, 0, new_size);
    }
    if (block && ptr) memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    return block;
}

enum { PADDING = 16 };

struct raws_bed {
    struct bed b;
    struct given given;
    unsigned char *bytes; /* the file's, one of several ways of alignment */
};

static void weights(struct mw *m, const char *name, int rank, const int64_t *dim) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= dim[i];
    float *w = malloc((size_t)n * sizeof *w);
    assert_non_null(w);
    for (int64_t i = 0; i < n; i++) w[i] = (float)(i % 61 - 30) / 16.0f;
    mw_tensor(m, MW_GRAPH_INITIALIZER, name, ASHORE_FLOAT32, rank, dim, w, (size_t)n * sizeof *w);
    free(w);
}

/* Loads what has been written, shifted by `shift` bytes. */
static void open_as(struct raws_bed *r, size_t shift, int gives, int recycles) {
    struct ashore_model_options options;
    mw_close(&r->b.m, r->b.graph);
    r->bytes = malloc(r->b.m.size + PADDING);
    assert_non_null(r->bytes);
    memcpy(r->bytes + shift, r->b.m.bytes, r->b.m.size);
    r->given =
        (struct given){.bytes = r->bytes + shift, .size = r->b.m.size, .account = &r->b.account};
    r->given.seen = calloc(1, r->b.m.size);
    assert_non_null(r->given.seen);
    ashore_model_options_init(&options);
    options.realloc = recycles ? recycle : bed_realloc;
    options.realloc_user = recycles ? (void *)&r->given : (void *)&r->b.account;
    options.give_back = gives ? take : NULL;
    options.give_back_user = &r->given;
    must(&r->b,
         ashore_model_load_memory(r->bytes + shift, r->b.m.size, &options, &r->b.model, &r->b.err));
    must(&r->b, bed_session(&r->b, 1, 0, 0));
}

static void open_shifted(struct raws_bed *r, size_t shift, int gives) {
    open_as(r, shift, gives, 0);
}

static void close_shifted(struct raws_bed *r) {
    bed_close(&r->b);
    free(r->given.seen);
    free(r->bytes);
}

/* x[rows][64] @ w[64][96], w also an argument of Gather when `shared`. */
static void write_matmul(struct raws_bed *r, int shared) {
    struct mw *m = &r->b.m;
    bed_init(&r->b);
    input(m, "x", ASHORE_FLOAT32, 2);
    weights(m, "w", 2, (const int64_t[]){64, 96});
    node(m, "MatMul", "x w", "y");
    output(m, "y", ASHORE_FLOAT32);
    if (!shared) return;
    input(m, "i", ASHORE_INT64, 1);
    node(m, "Gather", "w i", "z");
    output(m, "z", ASHORE_FLOAT32);
}

static void expect_matmul(struct bed *b, int64_t rows) {
    ashore_value *x = counting(2, (const int64_t[]){rows, 64}), *y;
    bed_run(b, &x, &y);
    const float *a = ashore_value_data(x), *c = ashore_value_data(y);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < 96; j++) {
            double sum = 0, most = 0;
            for (int64_t k = 0; k < 64; k++) {
                double w = (double)((k * 96 + j) % 61 - 30) / 16.0;
                sum += (double)a[i * 64 + k] * w;
                most += (double)a[i * 64 + k] * (w < 0 ? -w : w);
            }
            /* 64 additions of float32, each off by at most half a unit of the sum of magnitudes */
            double off = (double)c[i * 96 + j] - sum;
            assert_true((off < 0 ? -off : off) <= most * 64 / 16777216.0);
        }
    }
    let_go((ashore_value *[]){x, y}, 2);
}

static uint64_t weights_now(const struct bed *b) {
    struct ashore_memory memory;
    ashore_session_memory(b->session, &memory);
    return memory.weights;
}

enum { W_BYTES = 64 * 96 * 4 };

/* Of four ways to lie in memory the constant is used in place in one, and copied in three: it is
 * gone from either place. */
static void gone_after_packing(void **state) {
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        struct raws_bed r;
        write_matmul(&r, 0);
        open_shifted(&r, shift, 1);
        uint64_t before = weights_now(&r.b);
        expect_matmul(&r.b, 3);
        uint64_t less = before - weights_now(&r.b);
        assert_true(less >= W_BYTES && less <= W_BYTES + 64);
        size_t given = r.given.total; /* with what is before the data in its message */
        assert_true(given == 0 || (given >= W_BYTES && given <= W_BYTES + 64));
        expect_matmul(&r.b, 1);
        expect_matmul(&r.b, 200);
        close_shifted(&r);
    }
}

/* Bytes that the caller keeps are not counted as given back. */
static void the_callers_bytes_stay(void **state) {
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        struct raws_bed r;
        write_matmul(&r, 0);
        open_shifted(&r, shift, 0);
        uint64_t before = weights_now(&r.b);
        expect_matmul(&r.b, 3);
        uint64_t less = before - weights_now(&r.b);
        assert_true(less == 0 || (less >= W_BYTES && less <= W_BYTES + 64));
        close_shifted(&r);
    }
}

/* A session that reads the constant, after another has packed it and let it go. */
static void comes_again_for_references(void **state) {
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        struct raws_bed r;
        write_matmul(&r, 0);
        open_shifted(&r, shift, 1);
        expect_matmul(&r.b, 5);
        uint64_t gone = weights_now(&r.b);
        ashore_session *kernels = r.b.session;
        r.b.session = NULL;
        must(&r.b, bed_session(&r.b, 1, 1, 0));
        expect_matmul(&r.b, 5);
        assert_int_equal(weights_now(&r.b), gone + W_BYTES);
        ashore_session_destroy(&r.b.session);
        r.b.session = kernels;
        expect_matmul(&r.b, 6); /* nobody reads it any more: it goes again */
        assert_int_equal(weights_now(&r.b), gone);
        close_shifted(&r);
    }
}

/* A constant that a step reads stays, though another packs it. */
static void stays_where_it_is_read(void **state) {
    (void)state;
    struct raws_bed r;
    write_matmul(&r, 1);
    open_shifted(&r, 0, 1);
    uint64_t before = weights_now(&r.b);
    for (int64_t rows = 1; rows < 4; rows++) {
        int64_t two = 2;
        ashore_value *in[] = {counting(2, (const int64_t[]){rows, 64}),
                              value_of(ASHORE_INT64, 1, &two, (const int64_t[]){63, 0})};
        ashore_value *out[2];
        bed_run(&r.b, in, out);
        const float *z = ashore_value_data(out[1]);
        for (int64_t j = 0; j < 96; j++) {
            assert_true(z[j] == (float)((63 * 96 + j) % 61 - 30) / 16.0f);
            assert_true(z[96 + j] == (float)(j % 61 - 30) / 16.0f);
        }
        let_go(in, 2);
        let_go(out, 2);
    }
    assert_true(weights_now(&r.b) + 64 >= before);
    close_shifted(&r);
}

/* The same answers with weights that are gone as from references, for every packing. */
static void every_packing(void **state) {
    (void)state;
    static const struct {
        const char *op;
        int64_t w[4], group;
    } rows[] = {
        {"Conv", {24, 16, 3, 3}, 1},         {"Conv", {40, 16, 1, 1}, 1},
        {"Conv", {24, 8, 3, 3}, 2},          {"Conv", {16, 1, 5, 5}, 16},
        {"ConvTranspose", {16, 9, 2, 2}, 1}, {"ConvTranspose", {16, 5, 4, 4}, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct raws_bed r;
        struct mw *m = &r.b.m;
        bed_init(&r.b);
        input(m, "x", ASHORE_FLOAT32, 4);
        weights(m, "w", 4, rows[i].w);
        size_t at = mw_node(m, rows[i].op, "y", "x w", "y");
        mw_attr_int(m, "group", rows[i].group);
        mw_close(m, at);
        output(m, "y", ASHORE_FLOAT32);
        open_shifted(&r, i % 4, 1);
        ashore_value *x = counting(4, (const int64_t[]){1, 16, 7, 6}), *y, *again;
        bed_run(&r.b, &x, &y);
        ashore_session *kernels = r.b.session;
        r.b.session = NULL;
        must(&r.b, bed_session(&r.b, 1, 1, 0));
        bed_run(&r.b, &x, &again);
        const float *a = ashore_value_data(y), *b = ashore_value_data(again);
        for (size_t k = 0; k < ashore_value_elements(y); k++) {
            /* Products are multiples of 1/16, and sums below 2^24 of these: exact. */
            assert_true(a[k] == b[k]);
        }
        let_go((ashore_value *[]){x, y, again}, 3);
        ashore_session_destroy(&kernels);
        close_shifted(&r);
    }
}

static void write_conv(struct raws_bed *r) {
    struct mw *m = &r->b.m;
    bed_init(&r->b);
    input(m, "x", ASHORE_FLOAT32, 4);
    weights(m, "w", 4, (const int64_t[]){64, 64, 3, 3});
    node(m, "Conv", "x w", "y");
    output(m, "y", ASHORE_FLOAT32);
}

static ashore_value *convolved(struct raws_bed *r, int64_t size) {
    ashore_value *x = counting(4, (const int64_t[]){1, 64, size, size}), *y;
    bed_run(&r->b, &x, &y);
    ashore_value_release(&x);
    return y;
}

/* Extents choose the layout: one comes out of the other's packed form, in either order, and the
 * answers are those of a model that has seen no other extents. */
static void other_layouts(void **state) {
    (void)state;
    static const int64_t size[] = {4, 34, 4, 34};
    struct raws_bed one[2], both[2];
    ashore_value *want[2];
    for (size_t i = 0; i < 2; i++) {
        write_conv(&one[i]);
        open_shifted(&one[i], i, 1);
        want[i] = convolved(&one[i], size[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        write_conv(&both[i]);
        open_shifted(&both[i], i, 1);
        for (size_t k = i; k < i + 3; k++) {
            ashore_value *y = convolved(&both[i], size[k]);
            assert_true(same_value(y, want[k % 2]));
            ashore_value_release(&y);
        }
    }
    let_go(want, 2);
    for (size_t i = 0; i < 2; i++) {
        close_shifted(&both[i]);
        close_shifted(&one[i]);
    }
}

static void write_scaled(struct raws_bed *r) {
    struct mw *m = &r->b.m;
    float two = 2;
    bed_init(&r->b);
    input(m, "x", ASHORE_FLOAT32, 4);
    weights(m, "w", 4, (const int64_t[]){64, 64, 3, 3});
    weights(m, "v", 4, (const int64_t[]){16, 64, 1, 1});
    mw_tensor(m, MW_GRAPH_INITIALIZER, "two", ASHORE_FLOAT32, 0, NULL, &two, sizeof two);
    node(m, "Conv", "x w", "a");
    node(m, "Mul", "a two", "b");
    node(m, "Conv", "b v", "c");
    node(m, "Mul", "c two", "y");
    output(m, "y", ASHORE_FLOAT32);
}

/* Scaled weights that lie in memory which has been given back are not the caller's: they are not
 * given back to it once more, and what is counted is right. */
static void made_of_what_was_given(void **state) {
    (void)state;
    enum { ALL = (64 * 64 * 9 + 16 * 64) * 4 };
    size_t parts = 0;
    for (size_t shift = 0; shift < 4; shift++) {
        struct raws_bed kept, given;
        write_scaled(&kept);
        open_shifted(&kept, shift, 0);
        write_scaled(&given);
        open_as(&given, shift, 1, 1);
        size_t total = given.given.total;
        for (int64_t size = 4; size < 40; size += 15) {
            ashore_value *want = convolved(&kept, size), *y = convolved(&given, size);
            assert_true(same_value(y, want));
            let_go((ashore_value *[]){want, y}, 2);
        }
        assert_true(total <= ALL && given.given.total == total);
        assert_true(weights_now(&given.b) <= weights_now(&kept.b));
        parts += given.given.parts;
        close_shifted(&kept);
        close_shifted(&given);
    }
    assert_true(parts >= 2);
}

/* Wherever memory runs out, the run fails, and a later one is right. */
static void memory_runs_out(void **state) {
    (void)state;
    struct raws_bed r;
    write_matmul(&r, 0);
    open_shifted(&r, 1, 1);
    expect_matmul(&r.b, 2);
    ashore_session_destroy(&r.b.session);
    ashore_value *x = counting(2, (const int64_t[]){2, 64}), *y;
    int rc = ASHORE_ERR_NOMEM;
    for (size_t k = 1; rc != ASHORE_OK; k++) {
        assert_true(k < 500);
        r.b.account.fail_at = r.b.account.calls + k;
        rc = bed_session(&r.b, 1, 1, 0);
        if (rc == ASHORE_OK) rc = bed_try(&r.b, &x, &y);
        r.b.account.fail_at = 0;
        if (rc == ASHORE_OK) break;
        assert_int_equal(rc, ASHORE_ERR_NOMEM);
        ashore_session_destroy(&r.b.session);
    }
    let_go((ashore_value *[]){x, y}, 2);
    expect_matmul(&r.b, 4);
    close_shifted(&r);
}

/* w negated ten times is w.  None but the last of these constants is held, and the fifth, which is
 * shown by another value as well. */
static void chains_are_held_once(void **state) {
    (void)state;
    enum { N = 256, LENGTH = 10, FIFTH = 4, BYTES = N * N * 4 };
    struct raws_bed r;
    struct mw *m = &r.b.m;
    char in[16] = "w", out[16];
    bed_init(&r.b);
    input(m, "x", ASHORE_FLOAT32, 2);
    weights(m, "w", 2, (const int64_t[]){N, N});
    for (int i = 0; i < LENGTH; i++) {
        snprintf(out, sizeof out, "c%d", i);
        node(m, "Neg", in, out);
        if (i == FIFTH) node(m, "Identity", out, "same");
        memcpy(in, out, sizeof in);
    }
    node(m, "MatMul", "x c9", "y");
    node(m, "MatMul", "x same", "z");
    output(m, "y", ASHORE_FLOAT32);
    output(m, "z", ASHORE_FLOAT32);
    open_shifted(&r, 0, 1);
    struct ashore_memory memory;
    ashore_session_memory(r.b.session, &memory);
    /* The file's w, if need be once more where it is aligned; two that are kept; one that is next.
     */
    assert_true(memory.total < 5 * BYTES + BYTES / 2);
    ashore_value *x = counting(2, (const int64_t[]){1, N}), *y[2];
    bed_run(&r.b, &x, y);
    const float *a = ashore_value_data(x), *c = ashore_value_data(y[0]);
    const float *negative = ashore_value_data(y[1]);
    for (int64_t j = 0; j < N; j++) {
        double sum = 0, most = 0;
        for (int64_t k = 0; k < N; k++) {
            double w = (double)((k * N + j) % 61 - 30) / 16.0;
            sum += (double)a[k] * w;
            most += (double)a[k] * (w < 0 ? -w : w);
        }
        double off = (double)c[j] - sum; /* N additions, as above */
        assert_true((off < 0 ? -off : off) <= most * N / 16777216.0);
        assert_true(negative[j] == -c[j]);
    }
    let_go((ashore_value *[]){x, y[0], y[1]}, 3);
    close_shifted(&r);
}

/* Weights of int8 that are converted and then scaled are there once while the model is loaded: the
 * converted ones go one by one. */
static void scaled_weights_are_held_once(void **state) {
    (void)state;
    enum { N = 256, LAYERS = 6, BYTES = N * N * 4 };
    struct raws_bed r;
    struct mw *m = &r.b.m;
    int8_t *w = malloc((size_t)N * N);
    float scale = 0.25f;
    char name[4][16] = {"x"};
    assert_non_null(w);
    for (int i = 0; i < N * N; i++) w[i] = (int8_t)(i % (N + 1) == 0 ? 4 : 0); /* a quarter: one */
    bed_init(&r.b);
    input(m, "x", ASHORE_FLOAT32, 2);
    mw_tensor(m, MW_GRAPH_INITIALIZER, "scale", ASHORE_FLOAT32, 0, NULL, &scale, sizeof scale);
    for (int i = 0; i < LAYERS; i++) {
        char pair[40];
        for (int k = 1; k < 4; k++) snprintf(name[k], sizeof name[k], "%c%d", "_wfs"[k], i);
        mw_tensor(m, MW_GRAPH_INITIALIZER, name[1], ASHORE_INT8, 2, (const int64_t[]){N, N}, w,
                  (size_t)N * N);
        size_t cast = mw_node(m, "Cast", name[2], name[1], name[2]);
        mw_attr_int(m, "to", ASHORE_FLOAT32);
        mw_close(m, cast);
        snprintf(pair, sizeof pair, "%s scale", name[2]);
        node(m, "Mul", pair, name[3]);
        snprintf(pair, sizeof pair, "%s %s", name[0], name[3]);
        snprintf(name[0], sizeof name[0], "y%.*s", i + 1 < LAYERS ? 1 : 0, &"abcdef"[i]);
        node(m, "MatMul", pair, name[0]);
    }
    free(w);
    output(m, "y", ASHORE_FLOAT32);
    open_shifted(&r, 0, 1);
    struct ashore_memory memory;
    ashore_session_memory(r.b.session, &memory);
    /* The file, the weights, one in its former form, and one that is next. */
    assert_true(memory.total < LAYERS * BYTES / 4 + (LAYERS + 2) * BYTES);
    ashore_value *x = counting(2, (const int64_t[]){1, N}), *y;
    bed_run(&r.b, &x, &y);
    assert_memory_equal(ashore_value_data(x), ashore_value_data(y), N * sizeof(float));
    let_go((ashore_value *[]){x, y}, 2);
    close_shifted(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gone_after_packing),
        cmocka_unit_test(the_callers_bytes_stay),
        cmocka_unit_test(comes_again_for_references),
        cmocka_unit_test(stays_where_it_is_read),
        cmocka_unit_test(other_layouts),
        cmocka_unit_test(every_packing),
        cmocka_unit_test(made_of_what_was_given),
        cmocka_unit_test(chains_are_held_once),
        cmocka_unit_test(scaled_weights_are_held_once),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
