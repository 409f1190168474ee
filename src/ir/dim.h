/* Extents while shapes are inferred: exact, bounded, symbolic or unknown.
 *
 * A symbolic extent is an interned expression over the names that the model gives its dimensions
 * ("floor(W/8)"); equal expressions are the same number.  Arithmetic folds exact operands, keeps
 * bounds where it can, and otherwise answers unknown. */
#ifndef ASH_IR_DIM_H
#define ASH_IR_DIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_arena;

enum ash_dim_kind { ASH_DIM_UNKNOWN, ASH_DIM_EXACT, ASH_DIM_BOUNDED, ASH_DIM_SYMBOLIC };

struct ash_dim {
    int64_t value; /* exact: the extent; bounded: at most this; symbolic: an expression's number */
    int32_t kind;
};

enum ash_dim_op {
    ASH_DIM_ADD,
    ASH_DIM_SUB,
    ASH_DIM_MUL,
    ASH_DIM_FLOORDIV,
    ASH_DIM_MIN,
    ASH_DIM_MAX
};

struct ash_symtab;
struct ash_symtab *ash_symtab_create(struct ash_arena *arena);

static inline struct ash_dim ash_dim_exact(int64_t n) { return (struct ash_dim){n, ASH_DIM_EXACT}; }
static inline struct ash_dim ash_dim_bounded(int64_t n) {
    return (struct ash_dim){n, ASH_DIM_BOUNDED};
}
static inline struct ash_dim ash_dim_unknown(void) { return (struct ash_dim){0, ASH_DIM_UNKNOWN}; }
static inline bool ash_dim_is(struct ash_dim d, int64_t n) {
    return d.kind == ASH_DIM_EXACT && d.value == n;
}
/* Exact and equal, or the same expression. */
static inline bool ash_dim_same(struct ash_dim a, struct ash_dim b) {
    return a.kind == b.kind && a.value == b.value &&
           (a.kind == ASH_DIM_EXACT || a.kind == ASH_DIM_SYMBOLIC);
}

/* The extent called `name`; the same name gives the same extent.  Unknown without a table or
 * memory. */
struct ash_dim ash_dim_named(struct ash_symtab *tab, const char *name, size_t length);
/* a op b.  FLOORDIV rounds towards minus infinity; a divisor of 0 gives unknown, and so does an
 * overflow. */
struct ash_dim ash_dim_apply(struct ash_symtab *tab, enum ash_dim_op op, struct ash_dim a,
                             struct ash_dim b);
/* d is the lesser of `of` and a number above 1: broadcast to one extent, the two are `of`. */
bool ash_dim_capped(const struct ash_symtab *tab, struct ash_dim d, struct ash_dim of);
/* "48", "W", "floor(W/8)", "<=100", "?". */
void ash_dim_text(const struct ash_symtab *tab, struct ash_dim d, char *text, size_t size);

/* Known contents of small integer tensors are arrays of codes: an exact extent is itself, others
 * are below every plausible extent.  Data movement can thus run on codes with the operator's own
 * reference. */
int64_t ash_dim_encode(struct ash_dim d); /* what has no code of its own: that of unknown */
bool ash_dim_is_code(int64_t n);          /* n does not stand for itself */
struct ash_dim ash_dim_decode(int64_t code);

#endif
