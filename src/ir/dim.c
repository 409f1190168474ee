#include "ir/dim.h"

#include "base/arena.h"
#include "base/format.h"
#include "base/trimming.h"

#include <string.h>

enum { NODE_NAME = 100 };
enum { EXPR_MAX = 4096 }; /* expressions of one model; beyond it extents become unknown */

struct expr {
    int32_t op; /* enum ash_dim_op or NODE_NAME */
    struct ash_dim a, b;
    const char *name;
};

struct ash_symtab {
    struct ash_arena *arena;
    struct expr *exprs;
    int32_t n, cap;
};

struct ash_symtab *ash_symtab_create(struct ash_arena *arena) {
    struct ash_symtab *tab = ash_arena_alloc(arena, sizeof *tab);
    if (tab) tab->arena = arena;
    return tab;
}

static struct ash_dim intern(struct ash_symtab *tab, const struct expr *e) {
    for (int32_t i = 0; i < tab->n; i++) {
        const struct expr *x = &tab->exprs[i];
        if (x->op != e->op) continue;
        if (e->op == NODE_NAME ? !strcmp(x->name, e->name)
                               : ash_dim_same(x->a, e->a) && ash_dim_same(x->b, e->b))
            return (struct ash_dim){i, ASH_DIM_SYMBOLIC};
    }
    if (tab->n == EXPR_MAX) return ash_dim_unknown();
    if (tab->n == tab->cap) {
        int32_t cap = tab->cap ? 2 * tab->cap : 16;
        struct expr *grown = ash_arena_array(tab->arena, (size_t)cap, sizeof *grown);
        if (!grown) return ash_dim_unknown();
        if (tab->n) memcpy(grown, tab->exprs, (size_t)tab->n * sizeof *grown);
        tab->exprs = grown;
        tab->cap = cap;
    }
    tab->exprs[tab->n] = *e;
    return (struct ash_dim){tab->n++, ASH_DIM_SYMBOLIC};
}

struct ash_dim ash_dim_named(struct ash_symtab *tab, const char *name, size_t length) {
    if (!tab || length == 0) return ash_dim_unknown();
    char *copy = ash_arena_text(tab->arena, name, length);
    if (!copy) return ash_dim_unknown();
    struct expr e = {.op = NODE_NAME, .name = copy};
    return intern(tab, &e);
}

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* The compiler's own check takes numbers of 128 bits where there are none. */
static bool mul_overflows(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return b == -1 && a == INT64_MIN;
    int64_t most = INT64_MAX / b, least = INT64_MIN / b;
    return b > 0 ? a > most || a < least : a < most || a > least;
}

static struct ash_dim exact_apply(enum ash_dim_op op, int64_t a, int64_t b) {
    int64_t r = 0;
    bool bad = false;
    switch (op) {
    case ASH_DIM_ADD:
        bad = __builtin_add_overflow(a, b, &r);
        break;
    case ASH_DIM_SUB:
        bad = __builtin_sub_overflow(a, b, &r);
        break;
    case ASH_DIM_MUL:
        bad = mul_overflows(a, b);
        r = bad ? 0 : a * b;
        break;
    case ASH_DIM_FLOORDIV:
        bad = b == 0 || (a == INT64_MIN && b == -1);
        r = bad ? 0 : floor_div(a, b);
        break;
    case ASH_DIM_MIN:
        r = a < b ? a : b;
        break;
    case ASH_DIM_MAX:
        r = a > b ? a : b;
        break;
    }
    return bad ? ash_dim_unknown() : ash_dim_exact(r);
}

/* Identities that keep expressions short: x+0, x-0, x*1, x/1, x*0, and sums with constants:
 * (x+a)+b = x+(a+b). */
static bool simplify(struct ash_symtab *tab, enum ash_dim_op op, struct ash_dim a, struct ash_dim b,
                     struct ash_dim *out) {
    *out = a;
    if ((op == ASH_DIM_ADD || op == ASH_DIM_SUB) && ash_dim_is(b, 0)) return true;
    if ((op == ASH_DIM_MUL || op == ASH_DIM_FLOORDIV) && ash_dim_is(b, 1)) return true;
    if ((op == ASH_DIM_MIN || op == ASH_DIM_MAX) && ash_dim_same(a, b)) return true;
    if (op == ASH_DIM_MUL && ash_dim_is(b, 0)) {
        *out = b;
        return true;
    }
    if (op == ASH_DIM_SUB && ash_dim_same(a, b)) {
        *out = ash_dim_exact(0);
        return true;
    }
    if (op == ASH_DIM_FLOORDIV && ash_dim_same(a, b)) {
        *out = ash_dim_exact(1);
        return true;
    }
    if (!tab || a.kind != ASH_DIM_SYMBOLIC || b.kind != ASH_DIM_EXACT) return false;
    const struct expr *e = &tab->exprs[a.value];
    if ((op == ASH_DIM_ADD || op == ASH_DIM_MUL) && e->op == (int32_t)op &&
        e->b.kind == ASH_DIM_EXACT) {
        *out = ash_dim_apply(tab, op, e->a, exact_apply(op, e->b.value, b.value));
        return true;
    }
    if (op == ASH_DIM_FLOORDIV && e->op == ASH_DIM_MUL && ash_dim_same(e->b, b)) {
        *out = e->a;
        return true;
    }
    return false;
}

static struct ash_dim bounded_apply(enum ash_dim_op op, struct ash_dim a, struct ash_dim b) {
    bool known = a.kind != ASH_DIM_UNKNOWN && a.kind != ASH_DIM_SYMBOLIC &&
                 b.kind != ASH_DIM_UNKNOWN && b.kind != ASH_DIM_SYMBOLIC;
    bool monotone = op == ASH_DIM_ADD || op == ASH_DIM_MIN || op == ASH_DIM_MAX ||
                    (op == ASH_DIM_MUL && a.value >= 0 && b.value >= 0) ||
                    (op == ASH_DIM_FLOORDIV && b.kind == ASH_DIM_EXACT && b.value > 0) ||
                    (op == ASH_DIM_SUB && b.kind == ASH_DIM_EXACT);
    if (!known || !monotone) return ash_dim_unknown();
    struct ash_dim r = exact_apply(op, a.value, b.value);
    return r.kind == ASH_DIM_EXACT ? ash_dim_bounded(r.value) : r;
}

static ASH_APART struct ash_dim open_apply(struct ash_symtab *tab, enum ash_dim_op op,
                                           struct ash_dim a, struct ash_dim b) {
    if (op == ASH_DIM_FLOORDIV && ash_dim_is(b, 0)) return ash_dim_unknown();
    bool commutes = op != ASH_DIM_SUB && op != ASH_DIM_FLOORDIV;
    if (commutes && a.kind == ASH_DIM_EXACT) {
        struct ash_dim t = a;
        a = b;
        b = t;
    }
    if (op == ASH_DIM_SUB && b.kind == ASH_DIM_EXACT && b.value != INT64_MIN) {
        op = ASH_DIM_ADD;
        b.value = -b.value;
    }
    struct ash_dim out;
    if (simplify(tab, op, a, b, &out)) return out;
    bool symbolic = (a.kind == ASH_DIM_SYMBOLIC || a.kind == ASH_DIM_EXACT) &&
                    (b.kind == ASH_DIM_SYMBOLIC || b.kind == ASH_DIM_EXACT);
    if (!symbolic || !tab) return bounded_apply(op, a, b);
    struct expr e = {.op = (int32_t)op, .a = a, .b = b};
    return intern(tab, &e);
}
ASH_ABSENT_WITHOUT(open_apply, "+inexact");

/* Where extents are known, unknown ones are those that had no result. */
struct ash_dim ash_dim_apply(struct ash_symtab *tab, enum ash_dim_op op, struct ash_dim a,
                             struct ash_dim b) {
    if (a.kind == ASH_DIM_EXACT && b.kind == ASH_DIM_EXACT)
        return exact_apply(op, a.value, b.value);
    bool unknown = a.kind == ASH_DIM_UNKNOWN || b.kind == ASH_DIM_UNKNOWN;
    if (unknown && !ash_dim_is(a, 0) && !ash_dim_is(b, 0)) return ash_dim_unknown();
    return open_apply(tab, op, a, b);
}

bool ash_dim_capped(const struct ash_symtab *tab, struct ash_dim d, struct ash_dim of) {
    if (!tab || d.kind != ASH_DIM_SYMBOLIC) return false;
    const struct expr *e = &tab->exprs[d.value];
    return e->op == ASH_DIM_MIN && ash_dim_same(e->a, of) && e->b.kind == ASH_DIM_EXACT &&
           e->b.value > 1;
}

struct text {
    char *at, *end;
};

static void put(struct text *t, const char *s) {
    while (*s && t->at < t->end) *t->at++ = *s++;
}

/* tight 1: sums take parentheses; 2: products too. */
static void put_dim(const struct ash_symtab *tab, struct ash_dim d, struct text *t, int tight,
                    int depth) {
    static const char *const sign[] = {" + ", " - ", "*", "/", ", ", ", "};
    static const char *const call[] = {"", "", "", "floor(", "min(", "max("};
    char number[32];
    if (d.kind != ASH_DIM_SYMBOLIC) {
        const char *head = d.kind == ASH_DIM_BOUNDED ? "<=" : "";
        if (d.kind == ASH_DIM_UNKNOWN)
            (void)ash_format(number, sizeof number, "?");
        else
            (void)ash_format(number, sizeof number, "%s%lld", head, (long long)d.value);
        put(t, number);
        return;
    }
    const struct expr *e = tab ? &tab->exprs[d.value] : NULL;
    if (!e || depth > 12) {
        put(t, "?");
    } else if (e->op == NODE_NAME) {
        put(t, e->name);
    } else {
        bool divides = e->op == ASH_DIM_FLOORDIV, factor = divides || e->op == ASH_DIM_MUL;
        bool function = e->op > ASH_DIM_MUL, wrap = !function && tight > (e->op == ASH_DIM_MUL);
        struct ash_dim b = e->b;
        const char *between = sign[e->op];
        if (e->op == ASH_DIM_ADD && b.kind == ASH_DIM_EXACT && b.value < 0) {
            between = " - ";
            b.value = -b.value;
        }
        put(t, function ? call[e->op] : wrap ? "(" : "");
        put_dim(tab, e->a, t, factor, depth + 1);
        put(t, between);
        put_dim(tab, b, t, divides ? 2 : factor || e->op == ASH_DIM_SUB, depth + 1);
        put(t, function || wrap ? ")" : "");
    }
}

void ash_dim_text(const struct ash_symtab *tab, struct ash_dim d, char *text, size_t size) {
    struct text t = {text, text + size - 1};
    put_dim(tab, d, &t, 0, 0);
    *t.at = '\0';
}

/* Codes of the kinds other than exact, from the bottom of the range: unknown, then 2^32 symbols,
 * then bounds. */
#define CODE_UNKNOWN   (INT64_MIN + 1)
#define CODE_SYMBOL    (INT64_MIN + 2)
#define CODE_BOUND     (INT64_MIN + ((int64_t)1 << 33))
#define CODE_BOUND_MAX ((int64_t)1 << 41)

/* INT64_MIN is none: exporters write it where a slice begins at the first element. */
bool ash_dim_is_code(int64_t n) { return n != INT64_MIN && n < CODE_BOUND + CODE_BOUND_MAX; }

int64_t ash_dim_encode(struct ash_dim d) {
    switch (d.kind) {
    case ASH_DIM_EXACT:
        return ash_dim_is_code(d.value) ? CODE_UNKNOWN : d.value;
    case ASH_DIM_SYMBOLIC:
        return CODE_SYMBOL + d.value;
    case ASH_DIM_BOUNDED:
        return d.value >= 0 && d.value < CODE_BOUND_MAX ? CODE_BOUND + d.value : CODE_UNKNOWN;
    default:
        return CODE_UNKNOWN;
    }
}

struct ash_dim ash_dim_decode(int64_t code) {
    if (!ash_dim_is_code(code)) return ash_dim_exact(code);
    if (code == CODE_UNKNOWN) return ash_dim_unknown();
    if (code < CODE_BOUND) return (struct ash_dim){code - CODE_SYMBOL, ASH_DIM_SYMBOLIC};
    return ash_dim_bounded(code - CODE_BOUND);
}
