/* Dropout.  In training mode the numbers are those of NumPy's generator of the same seed, taken in
 * row-major order; without a seed, the node's number is the seed.  (M. Matsumoto, T. Nishimura,
 * Mersenne Twister, 1998.) */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <string.h>

extern const struct ash_op ash_ops_dropout[];

struct dropout_attrs {
    bool seeded;
    int64_t seed;
};

static int dropout_parse(const struct ash_parse *c, void *attrs) {
    struct dropout_attrs *a = attrs;
    a->seeded = ash_node_attr(c->node, "seed") != NULL;
    return ash_parse_int(c, "seed", 0, &a->seed);
}

static int dropout_infer(struct ash_infer *c) {
    int dtype, ratio;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    if (ash_infer_has(c, 1)) ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_FLOAT, &ratio));
    if (ash_infer_has(c, 2)) ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_BOOL, &ratio));
    ash_infer_like(c, 0, dtype, 0);
    if (c->n_out > 1) ash_infer_like(c, 1, c->node->opset < 10 ? dtype : ASHORE_BOOL, 0);
    return ASHORE_OK;
}

enum { WORDS = 624, AHEAD = 397 };

struct twister {
    uint32_t word[WORDS];
    int next;
};

static void twister_seed(struct twister *t, uint32_t seed) {
    t->word[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        t->word[i] = 1812433253u * (t->word[i - 1] ^ t->word[i - 1] >> 30) + i;
    t->next = WORDS;
}

static uint32_t twister_bits(struct twister *t) {
    if (t->next == WORDS) {
        for (int i = 0; i < WORDS; i++) {
            uint32_t y = (t->word[i] & 0x80000000u) | (t->word[(i + 1) % WORDS] & 0x7FFFFFFFu);
            t->word[i] = t->word[(i + AHEAD) % WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908B0DFu : 0);
        }
        t->next = 0;
    }
    uint32_t y = t->word[t->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680u;
    y ^= y << 15 & 0xEFC60000u;
    return y ^ y >> 18;
}

/* In [0, 1), 53 bits. */
static double twister_uniform(struct twister *t) {
    uint32_t high = twister_bits(t) >> 5, low = twister_bits(t) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

static int dropout_ref(struct ash_run *c) {
    const struct dropout_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct ash_tensor *y = c->out[0], *mask = c->n_out > 1 ? c->out[1] : NULL;
    int64_t count = ash_tensor_count(x);
    double ratio = ash_run_has(c, 1) && ash_tensor_count(c->in[1]) ? ash_get_f64(c->in[1], 0) : 0.5;
    bool training =
        ash_run_has(c, 2) && ash_tensor_count(c->in[2]) && ash_get_f64(c->in[2], 0) != 0;
    double tile[ASH_TILE], kept[ASH_TILE];
    struct twister t;
    size_t n;
    ASH_FAIL_IF(training && !(ratio >= 0 && ratio < 1), c->err, ARGUMENT, "ratio %g", ratio);
    training = training && ratio > 0;
    if (training) twister_seed(&t, a->seeded ? (uint32_t)a->seed : c->node->id);
    for (int64_t at = 0; (n = ash_tile_size(count, at)); at += (int64_t)n) {
        if (training) ash_load_f64(x->dtype, ash_at(x, at), n, tile);
        for (size_t i = 0; i < n; i++) {
            kept[i] = !training || twister_uniform(&t) >= ratio;
            if (training) tile[i] = kept[i] != 0 ? tile[i] / (1 - ratio) : 0;
        }
        if (training && y) ash_store_f64(y->dtype, tile, n, ash_at(y, at));
        if (mask) ash_store_f64(mask->dtype, kept, n, ash_at(mask, at));
    }
    if (!training && y) ash_copy(y, x);
    return ASHORE_OK;
}

#define DROPOUT                                                                                    \
    .name = "Dropout", .domain = "", .in_min = 1, .out_min = 1, .out_max = 2, .inplace = 1 << 0,   \
    .attrs_size = sizeof(struct dropout_attrs), .parse = dropout_parse, .infer = dropout_infer,    \
    .ref = dropout_ref

const struct ash_op ash_ops_dropout[] = {
    {DROPOUT, .since = 7, .until = 11, .in_max = 1}, {DROPOUT, .since = 12, .in_max = 3}, {0}};
