/* Symbolic extents against integer arithmetic: whatever is simplified must have the value of what
 * was written, bounds must hold, and codes must come back as what they were. */
#include "base/arena.h"
#include "base/heap.h"
#include "ir/dim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct ash_heap heap;
    struct ash_arena arena;
    struct ash_symtab *tab;
};

static void start(struct bench *b) {
    memset(b, 0, sizeof *b);
    ash_heap_init(&b->heap, NULL, NULL);
    ash_arena_init(&b->arena, &b->heap);
    b->tab = ash_symtab_create(&b->arena);
    assert_non_null(b->tab);
}

static void stop(struct bench *b) {
    ash_arena_deinit(&b->arena);
    assert_int_equal(b->heap.used, 0);
}

static struct ash_dim named(struct bench *b, const char *name) {
    return ash_dim_named(b->tab, name, strlen(name));
}

static struct ash_dim exact(int64_t n) { return ash_dim_exact(n); }

static void expect_text(const struct bench *b, struct ash_dim d, const char *want) {
    char text[64];
    ash_dim_text(b->tab, d, text, sizeof text);
    assert_string_equal(text, want);
}

/* ---- identities ------------------------------------------------------------------------------ */

static void test_interning(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    struct ash_dim n = named(&b, "N"), w = named(&b, "W");
    assert_true(ash_dim_same(n, named(&b, "N")));
    assert_false(ash_dim_same(n, w));
    assert_true(ash_dim_same(n, ash_dim_named(b.tab, "NX", 1)));
    assert_int_equal(ash_dim_named(b.tab, "", 0).kind, ASH_DIM_UNKNOWN);
    assert_int_equal(ash_dim_named(NULL, "N", 1).kind, ASH_DIM_UNKNOWN);
    for (int i = ASH_DIM_ADD; i <= ASH_DIM_MAX; i++) {
        enum ash_dim_op op = (enum ash_dim_op)i;
        struct ash_dim x = ash_dim_apply(b.tab, op, n, w), y = ash_dim_apply(b.tab, op, n, w);
        assert_true(ash_dim_same(x, y));
        assert_int_equal(x.kind, ASH_DIM_SYMBOLIC);
        assert_int_equal(ash_dim_apply(NULL, op, n, w).kind, ASH_DIM_UNKNOWN);
    }
    /* What is not known is never the same as anything. */
    assert_false(ash_dim_same(ash_dim_unknown(), ash_dim_unknown()));
    assert_false(ash_dim_same(ash_dim_bounded(3), ash_dim_bounded(3)));
    assert_false(ash_dim_same(exact(0), named(&b, "N")));
    stop(&b);
}

static void test_identities(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    struct ash_dim n = named(&b, "N");
    struct ash_dim plus = ash_dim_apply(b.tab, ASH_DIM_ADD, n, exact(3));
    struct ash_dim times = ash_dim_apply(b.tab, ASH_DIM_MUL, n, exact(4));
    const struct {
        enum ash_dim_op op;
        struct ash_dim a, b, want;
    } rows[] = {
        {ASH_DIM_ADD, n, exact(0), n},
        {ASH_DIM_ADD, exact(0), n, n},
        {ASH_DIM_SUB, n, exact(0), n},
        {ASH_DIM_SUB, n, n, exact(0)},
        {ASH_DIM_SUB, plus, exact(3), n},
        {ASH_DIM_ADD, plus, exact(-3), n},
        {ASH_DIM_MUL, n, exact(1), n},
        {ASH_DIM_MUL, exact(0), n, exact(0)},
        {ASH_DIM_MUL, ash_dim_unknown(), exact(0), exact(0)},
        {ASH_DIM_FLOORDIV, n, exact(1), n},
        {ASH_DIM_FLOORDIV, times, exact(4), n},
        {ASH_DIM_MIN, n, n, n},
        {ASH_DIM_MAX, n, n, n},
        {ASH_DIM_ADD, plus, exact(4), ash_dim_apply(b.tab, ASH_DIM_ADD, n, exact(7))},
        {ASH_DIM_MUL, times, exact(2), ash_dim_apply(b.tab, ASH_DIM_MUL, exact(8), n)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(
            ash_dim_same(ash_dim_apply(b.tab, rows[i].op, rows[i].a, rows[i].b), rows[i].want));
    stop(&b);
}

static void test_text(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    struct ash_dim n = named(&b, "N"), w = named(&b, "W");
    expect_text(&b, exact(48), "48");
    expect_text(&b, exact(-1), "-1");
    expect_text(&b, exact(INT64_MIN), "-9223372036854775808");
    expect_text(&b, n, "N");
    expect_text(&b, ash_dim_unknown(), "?");
    expect_text(&b, ash_dim_bounded(100), "<=100");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_FLOORDIV, w, exact(8)), "floor(W/8)");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_SUB, w, exact(2)), "W - 2");
    struct ash_dim sum = ash_dim_apply(b.tab, ASH_DIM_ADD, n, w);
    expect_text(&b, sum, "N + W");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_MUL, sum, exact(2)), "(N + W)*2");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_SUB, n, sum), "N - (N + W)");
    struct ash_dim area = ash_dim_apply(b.tab, ASH_DIM_MUL, n, w);
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_MUL, area, w), "N*W*W");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_SUB, w, area), "W - N*W");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_FLOORDIV, area, sum), "floor(N*W/(N + W))");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_FLOORDIV, sum, area), "floor((N + W)/(N*W))");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_MIN, n, exact(5)), "min(N, 5)");
    expect_text(&b, ash_dim_apply(b.tab, ASH_DIM_MAX, sum, w), "max(N + W, W)");
    /* Cut, never overrun, always closed. */
    for (size_t size = 1; size < 8; size++) {
        char text[16];
        memset(text, 'x', sizeof text);
        ash_dim_text(b.tab, sum, text, size);
        assert_true(strlen(text) == (size - 1 < 5 ? size - 1 : 5));
        assert_int_equal(text[size], 'x');
    }
    char text[8];
    ash_dim_text(NULL, n, text, sizeof text);
    assert_string_equal(text, "?");
    stop(&b);
}

static void test_overflow(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    struct ash_dim n = named(&b, "N"), top = exact(INT64_MAX), bottom = exact(INT64_MIN);
    const struct {
        enum ash_dim_op op;
        struct ash_dim a, b;
    } rows[] = {
        {ASH_DIM_ADD, top, exact(1)},
        {ASH_DIM_SUB, bottom, exact(1)},
        {ASH_DIM_SUB, exact(0), bottom},
        {ASH_DIM_MUL, top, exact(2)},
        {ASH_DIM_MUL, bottom, exact(-1)},
        {ASH_DIM_FLOORDIV, bottom, exact(-1)},
        {ASH_DIM_FLOORDIV, exact(3), exact(0)},
        {ASH_DIM_FLOORDIV, exact(0), exact(0)},
        {ASH_DIM_FLOORDIV, n, exact(0)},
        {ASH_DIM_FLOORDIV, ash_dim_bounded(3), exact(0)},
        {ASH_DIM_ADD, ash_dim_bounded(INT64_MAX), exact(1)},
        {ASH_DIM_MUL, ash_dim_bounded(INT64_MAX), ash_dim_bounded(2)},
        {ASH_DIM_ADD, ash_dim_apply(b.tab, ASH_DIM_ADD, n, top), exact(1)},
        {ASH_DIM_MUL, ash_dim_apply(b.tab, ASH_DIM_MUL, n, top), exact(2)},
        {ASH_DIM_SUB, exact(9), ash_dim_bounded(3)},
        {ASH_DIM_MUL, ash_dim_bounded(3), exact(-1)},
        {ASH_DIM_ADD, n, ash_dim_bounded(3)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ash_dim d = ash_dim_apply(b.tab, rows[i].op, rows[i].a, rows[i].b);
        if (d.kind != ASH_DIM_UNKNOWN) print_error("row %zu\n", i);
        assert_int_equal(d.kind, ASH_DIM_UNKNOWN);
    }
    assert_true(ash_dim_is(ash_dim_apply(b.tab, ASH_DIM_FLOORDIV, exact(-7), exact(2)), -4));
    assert_true(ash_dim_is(ash_dim_apply(b.tab, ASH_DIM_FLOORDIV, exact(7), exact(-2)), -4));
    assert_true(ash_dim_is(ash_dim_apply(b.tab, ASH_DIM_FLOORDIV, exact(-8), exact(2)), -4));
    /* Ever new expressions come to an end, without memory growing for ever. */
    struct ash_dim d = n;
    for (int i = 0; i < 20000 && d.kind == ASH_DIM_SYMBOLIC; i++)
        d = ash_dim_apply(b.tab, (enum ash_dim_op)(i % 2 ? ASH_DIM_ADD : ASH_DIM_MUL), d,
                          named(&b, "M"));
    assert_int_equal(d.kind, ASH_DIM_UNKNOWN);
    expect_text(&b, n, "N");
    stop(&b);
}

/* ---- against arithmetic ---------------------------------------------------------------------- */

enum { NAMES = 3, SETS = 4, POOL = 40 };

/* An expression and its value under each of SETS assignments. */
struct sample {
    struct ash_dim dim;
    int64_t value[SETS];
};

static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static int64_t compute(enum ash_dim_op op, int64_t a, int64_t b) {
    switch (op) {
    case ASH_DIM_ADD:
        return a + b;
    case ASH_DIM_SUB:
        return a - b;
    case ASH_DIM_MUL:
        return a * b;
    case ASH_DIM_FLOORDIV:
        return a / b - (a % b != 0 && (a < 0) != (b < 0));
    case ASH_DIM_MIN:
        return a < b ? a : b;
    default:
        return a > b ? a : b;
    }
}

/* Equal expressions must have equal values; exact ones the value that they say; bounds must hold.
 */
static void judge(const struct sample *pool, int n, const struct sample *made) {
    for (int s = 0; s < SETS; s++) {
        if (made->dim.kind == ASH_DIM_EXACT) assert_int_equal(made->dim.value, made->value[s]);
        if (made->dim.kind == ASH_DIM_BOUNDED) assert_true(made->value[s] <= made->dim.value);
    }
    for (int i = 0; i < n; i++) {
        if (!ash_dim_same(pool[i].dim, made->dim)) continue;
        for (int s = 0; s < SETS; s++) assert_int_equal(pool[i].value[s], made->value[s]);
    }
}

static int fill(struct bench *b, struct sample *pool, uint32_t *seed, bool bounds) {
    static const char *const names[NAMES] = {"A", "B", "C"};
    int n = 0;
    for (int i = 0; i < NAMES; i++, n++) {
        pool[n].dim = named(b, names[i]);
        for (int s = 0; s < SETS; s++) pool[n].value[s] = 1 + next(seed) % 50;
    }
    for (int64_t c = -2; c < 5; c++, n++) {
        pool[n].dim = exact(c);
        for (int s = 0; s < SETS; s++) pool[n].value[s] = c;
    }
    for (int i = 0; bounds && i < 3; i++, n++) {
        int64_t bound = next(seed) % 20;
        pool[n].dim = ash_dim_bounded(bound);
        for (int s = 0; s < SETS; s++) pool[n].value[s] = next(seed) % (uint32_t)(bound + 1);
    }
    return n;
}

static void test_arithmetic(void **state) {
    (void)state;
    int known = 0, total = 0;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        struct bench b;
        struct sample pool[POOL];
        uint32_t state_of = seed;
        start(&b);
        int n = fill(&b, pool, &state_of, seed % 2);
        for (int tries = 0; tries < 60 && n < POOL; tries++) {
            const struct sample *x = &pool[next(&state_of) % (uint32_t)n];
            const struct sample *y = &pool[next(&state_of) % (uint32_t)n];
            enum ash_dim_op op = (enum ash_dim_op)(next(&state_of) % 6);
            struct sample made;
            bool fits = true;
            for (int s = 0; s < SETS; s++) {
                int64_t u = x->value[s], v = y->value[s];
                fits = fits && llabs(u) < 1 << 20 && llabs(v) < 1 << 20 &&
                       (op != ASH_DIM_FLOORDIV || v != 0);
                if (fits) made.value[s] = compute(op, u, v);
            }
            if (!fits) continue;
            made.dim = ash_dim_apply(b.tab, op, x->dim, y->dim);
            judge(pool, n, &made);
            total++;
            known += made.dim.kind != ASH_DIM_UNKNOWN;
            if (made.dim.kind != ASH_DIM_UNKNOWN) pool[n++] = made;
            char text[4];
            ash_dim_text(b.tab, made.dim, text, sizeof text);
        }
        stop(&b);
    }
    print_message("%d of %d expressions known\n", known, total);
    assert_true(known > total / 2);
}

/* ---- codes ----------------------------------------------------------------------------------- */

static void test_capped(void **state) {
    struct bench b;
    (void)state;
    start(&b);
    struct ash_dim n = named(&b, "N"), m = named(&b, "M");
    struct ash_dim capped = ash_dim_apply(b.tab, ASH_DIM_MIN, exact(64), n);
    assert_true(ash_dim_capped(b.tab, capped, n));
    assert_false(ash_dim_capped(b.tab, capped, m));
    assert_false(ash_dim_capped(b.tab, n, n));
    assert_false(ash_dim_capped(b.tab, ash_dim_apply(b.tab, ASH_DIM_MIN, n, exact(1)), n));
    assert_false(ash_dim_capped(b.tab, ash_dim_apply(b.tab, ASH_DIM_MAX, n, exact(64)), n));
    stop(&b);
}

static void test_codes(void **state) {
    (void)state;
    struct bench b;
    start(&b);
    struct ash_dim n = named(&b, "N"), m = named(&b, "M");
    const struct ash_dim dims[] = {exact(0),
                                   exact(1),
                                   exact(-1),
                                   exact(INT64_MAX),
                                   exact(-((int64_t)1 << 62)),
                                   n,
                                   m,
                                   ash_dim_apply(b.tab, ASH_DIM_ADD, n, m),
                                   ash_dim_bounded(0),
                                   ash_dim_bounded(77),
                                   ash_dim_bounded(((int64_t)1 << 41) - 1),
                                   ash_dim_unknown()};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        int64_t code = ash_dim_encode(dims[i]);
        struct ash_dim d = ash_dim_decode(code);
        assert_int_equal(d.kind, dims[i].kind);
        if (d.kind != ASH_DIM_UNKNOWN) assert_int_equal(d.value, dims[i].value);
        assert_int_equal(ash_dim_is_code(code), dims[i].kind != ASH_DIM_EXACT);
    }
    /* Where a slice begins, when it begins at the first element. */
    assert_false(ash_dim_is_code(INT64_MIN));
    assert_true(ash_dim_is(ash_dim_decode(INT64_MIN), INT64_MIN));
    /* What has no code of its own is not known, and never something else. */
    const struct ash_dim lost[] = {ash_dim_bounded((int64_t)1 << 41), ash_dim_bounded(-1)};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        assert_int_equal(ash_dim_decode(ash_dim_encode(lost[i])).kind, ASH_DIM_UNKNOWN);
    for (int shift = 0; shift < 63; shift++) {
        int64_t low = INT64_MIN + ((int64_t)1 << shift);
        for (int64_t near = -1; near <= 1; near++) {
            struct ash_dim d = ash_dim_decode(ash_dim_encode(exact(low + near)));
            assert_true(d.kind == ASH_DIM_UNKNOWN || ash_dim_is(d, low + near));
        }
    }
    stop(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interning),  cmocka_unit_test(test_identities),
        cmocka_unit_test(test_text),       cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_codes),
        cmocka_unit_test(test_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
