/* What all attention operators are: a description over tensors, its reference for every
 * floating-point type, and the kernel for float32.
 *
 *   Y = softmax(cap(scale * Q x K^T) + masks) x V, K and V being what was there in the past and
 *   then what is new.
 *
 * Letters: B batches, H heads of queries, of which G at a time share a head of keys and values, S
 * queries, P past keys, T keys with them; D numbers of a query and a key, E of a value. */
#ifndef ASH_OPS_ATTENTION_CORE_H
#define ASH_OPS_ATTENTION_CORE_H

#include "ops/lowering.h"

/* Row i of head h of batch b begins at element at + b * batch + h * head + i * row. */
struct ash_attn_side {
    const struct ash_tensor *t; /* NULL: not there */
    int64_t at, batch, head, row;
};

enum ash_attn_mask_kind {
    ASH_ATTN_ADD,  /* numbers that are added */
    ASH_ATTN_KEEP, /* above 0: nothing; otherwise `fill` is added */
    ASH_ATTN_FILL, /* true: `fill`; otherwise nothing */
    ASH_ATTN_UNTIL /* [B] or [2 * B] numbers of keys: nothing before key t[b], nor, with twice as
                      many, from key t[B + b] on; otherwise `fill` */
};
enum { ASH_ATTN_MASKS = 2 };

struct ash_attn_mask {
    const struct ash_tensor *t; /* NULL: none */
    int64_t step[4];            /* in elements, by batch, head, query, key */
    int64_t keys;               /* that it covers; those beyond are not seen */
    int64_t second;             /* UNTIL: where the second B numbers begin; 0: there are none */
    enum ash_attn_mask_kind kind;
    float fill;
    float floor; /* a summand of at most this replaces the score; -INFINITY where nothing else is
                    asked for */
};

enum ash_attn_position {                /* where the first query stands among the keys */
                         ASH_ATTN_PAST, /* behind the past */
                         ASH_ATTN_END,  /* the last query is the last key of `lengths` */
                         ASH_ATTN_TAIL  /* the same, but never before the first key */
};

struct ash_attn {
    int64_t B, H, G, S, P, T, D, E;
    struct ash_attn_side q, k, v, past_k, past_v, y;
    const struct ash_tensor *present_k, *present_v; /* [B, H / G, T, D or E], to be written */
    double side_scale;                              /* of queries and of keys; 0: 1 */
    double scale;                                   /* of scores */
    double cap;                                     /* 0: none */
    struct ash_attn_mask mask[ASH_ATTN_MASKS];
    const struct ash_tensor *lengths; /* [B] keys that are there, less `more`; NULL: T */
    int64_t more;
    enum ash_attn_position position;
    int64_t left, right;           /* keys that are seen beside a query's own; -1: no limit */
    const struct ash_tensor *sink; /* [H], the score of nothing; NULL: none */
    bool smooth;                   /* a sink of 0 for all heads */
    bool zero;                     /* no key that counts: zeros instead of NaN */
    bool quiet;                    /* a row of NaN: zeros */
    const struct ash_tensor *qk;   /* [B, H, S, T], to be written; NULL */
    int qk_mode;                   /* 0: products, 1: capped, 2: with masks, 3: probabilities */
    int precision;                 /* element type that the softmax is computed in; 0: that of q */
};

/* A tensor as a side: [B, heads, rows, n] as it lies, or with `swapped` [B, rows, heads, n], which
 * [B, rows, heads * n] is as well. */
struct ash_attn_side ash_attn_side(const struct ash_tensor *t, bool swapped, int64_t heads,
                                   int64_t rows, int64_t n);
/* A mask that is broadcast to [B, H, S, T] by NumPy's rules; ASHORE_ERR_SHAPE.  `shorter`: it may
 * have less than T keys. */
int ash_attn_broadcast(const struct ash_attn *a, const struct ash_tensor *t, bool shorter,
                       struct ash_attn_mask *m, struct ashore_error *err);

/* The lengths are in 0..T where they are known; ASHORE_ERR_INDEX. */
int ash_attn_check(const struct ash_attn *a, struct ashore_error *err);
int ash_attn_reference(const struct ash_attn *a, struct ash_heap *heap, struct ashore_error *err);

/* Whether there is a kernel for it.  Tensors need no data yet. */
bool ash_attn_fits(const struct ash_attn *a);
/* Bytes that ash_attn_run works in; SIZE_MAX when there are too many. */
size_t ash_attn_scratch(const struct ash_attn *a, size_t threads);
void ash_attn_run(const struct ash_attn *a, void *scratch, struct ash_pool *pool);
const char *ash_attn_kernel(void);

/* For lowering: tensors without data of exact types; NULL where the input is left out. */
struct ash_attn_types {
    struct ash_tensor in[16], out[4];
    const struct ash_tensor *in_ptr[16];
    struct ash_tensor *out_ptr[4];
};
void ash_attn_types(const struct ash_lower *c, struct ash_attn_types *t);

#endif
