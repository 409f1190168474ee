/* Random numbers: RandomNormal, RandomUniform and those like an input, Bernoulli, Multinomial.
 *
 * Number i of a node is a function of the node's seed and of i alone: a node gives the same in
 * every run and for every number of threads.  Without the attribute `seed` the seed is the node's
 * number, so that two nodes differ. */
#include "ops/elementwise.h"

#include <math.h>
#include <string.h>

enum random { RANDOM_NORMAL, RANDOM_UNIFORM, RANDOM_BERNOULLI, RANDOM_MULTINOMIAL };

struct random_attrs {
    enum random fn;
    int dtype; /* 0: the input's */
    bool seeded;
    float seed, a, b; /* mean and scale, or low and high */
    int64_t samples;
    const int64_t *shape;
    size_t rank;
};

static int random_parse(const struct ash_parse *c, void *attrs) {
    struct random_attrs *a = attrs;
    const char *op = c->node->op_type;
    bool normal = !strncmp(op, "RandomNormal", 12), uniform = !strncmp(op, "RandomUniform", 13);
    bool multi = !strcmp(op, "Multinomial");
    int64_t dtype;

    a->fn = normal    ? RANDOM_NORMAL
            : uniform ? RANDOM_UNIFORM
            : multi   ? RANDOM_MULTINOMIAL
                      : RANDOM_BERNOULLI;
    a->seeded = ash_node_attr(c->node, "seed") != NULL;
    ASH_TRY(ash_parse_float(c, "seed", 0, &a->seed));
    ASH_TRY(ash_parse_float(c, normal ? "mean" : "low", 0, &a->a));
    ASH_TRY(ash_parse_float(c, normal ? "scale" : "high", 1, &a->b));
    ASH_TRY(ash_parse_int(c, "sample_size", 1, &a->samples));
    ASH_TRY(ash_parse_ints(c, "shape", &a->shape, &a->rank));
    ASH_TRY(ash_parse_int(c, "dtype",
                          multi               ? ASHORE_INT32
                          : c->node->n_formal ? 0
                                              : ASHORE_FLOAT32,
                          &dtype));
    ASH_FAIL_IF(dtype < 0 || dtype >= ASHORE_DTYPE_COUNT ||
                    (dtype && ash_dtype((int)dtype)->number == ASH_CLASS_NONE),
                c->err, ATTR, "element type %lld", (long long)dtype);
    ASH_FAIL_IF(a->rank > ASH_MAX_RANK || a->samples < 0, c->err, ATTR,
                "a shape of %zu extents, %lld samples", a->rank, (long long)a->samples);
    for (size_t i = 0; i < a->rank; i++)
        ASH_FAIL_IF(a->shape[i] < 0, c->err, ATTR, "extent %lld is negative",
                    (long long)a->shape[i]);
    a->dtype = (int)dtype;
    return ASHORE_OK;
}

static int random_infer(struct ash_infer *c) {
    const struct random_attrs *a = c->attrs;
    struct ash_dim dim[ASH_MAX_RANK];
    const struct ash_type *t = c->n_in ? &c->in[0]->type : NULL;
    int dtype = 0;

    if (!t) {
        for (size_t i = 0; i < a->rank; i++) dim[i] = ash_dim_exact(a->shape[i]);
        ash_infer_set(c, 0, a->dtype, (int)a->rank, dim);
        return ASHORE_OK;
    }
    if (a->fn >= RANDOM_BERNOULLI) ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ash_infer_like(c, 0, a->dtype ? a->dtype : t->dtype, 0);
    if (a->fn != RANDOM_MULTINOMIAL) {
        ASH_FAIL_IF(!a->dtype && t->dtype && ash_dtype(t->dtype)->number == ASH_CLASS_NONE, c->err,
                    TYPE, "random numbers of type %s", ash_dtype(t->dtype)->name);
        return ASHORE_OK;
    }
    ASH_FAIL_IF(t->rank >= 0 && t->rank != 2, c->err, SHAPE, "an input of rank %d, expected 2",
                t->rank);
    dim[0] = t->rank == 2 ? t->dim[0] : ash_dim_unknown();
    dim[1] = ash_dim_exact(a->samples);
    ash_infer_set(c, 0, a->dtype, 2, dim);
    return ASHORE_OK;
}

/* splitmix64 (Steele, Lea and Flood 2014) at position i. */
static uint64_t bits_at(uint64_t seed, uint64_t i) {
    uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* In [0, 1), 53 bits. */
static double uniform_at(uint64_t seed, uint64_t i) {
    return (double)(bits_at(seed, i) >> 11) * 0x1p-53;
}

static uint64_t seed_of(const struct ash_run *c) {
    const struct random_attrs *a = c->attrs;
    uint32_t bits;

    memcpy(&bits, &a->seed, sizeof bits);
    return bits_at(bits, a->seeded ? 0 : 1 + (uint64_t)c->node->id);
}

/* The class that a number in [0, 1) falls into; x[classes] are logarithms of their weights. */
static int64_t class_of(const struct ash_tensor *x, int64_t first, int64_t classes, double at) {
    double peak = -(double)INFINITY, sum = 0, part = 0;
    int64_t i;

    for (i = 0; i < classes; i++) {
        double w = ash_get_f64(x, first + i);
        if (w > peak) peak = w;
    }
    for (i = 0; i < classes; i++) sum += exp(ash_get_f64(x, first + i) - peak);
    for (i = 0; i < classes - 1; i++) {
        part += exp(ash_get_f64(x, first + i) - peak);
        if (at * sum < part) break;
    }
    return i;
}

static int random_ref(struct ash_run *c) {
    const struct random_attrs *a = c->attrs;
    const struct ash_tensor *x = c->n_in ? c->in[0] : NULL, *y = c->out[0];
    uint64_t seed = seed_of(c);
    int64_t count = ash_tensor_count(y), classes = x && x->rank == 2 ? x->dim[1] : 0;
    double tile[ASH_TILE];
    size_t n;

    ASH_FAIL_IF(a->fn == RANDOM_MULTINOMIAL && !classes && count, c->err, SHAPE, "no classes");
    for (int64_t first = 0; (n = ash_tile_size(count, first)); first += (int64_t)n) {
        if (a->fn == RANDOM_BERNOULLI) ash_load_f64(x->dtype, ash_at(x, first), n, tile);
        for (size_t k = 0; k < n; k++) {
            int64_t i = first + (int64_t)k;
            double u = uniform_at(seed, (uint64_t)i), v;

            switch (a->fn) {
            case RANDOM_NORMAL: /* Box and Muller */
                v = uniform_at(~seed, (uint64_t)i);
                u = sqrt(-2 * log(1 - u)) * cos(6.28318530717958647692 * v);
                tile[k] = (double)a->a + (double)a->b * u;
                break;
            case RANDOM_UNIFORM:
                tile[k] = (double)a->a + ((double)a->b - (double)a->a) * u;
                break;
            case RANDOM_BERNOULLI:
                tile[k] = u < tile[k];
                break;
            case RANDOM_MULTINOMIAL:
                tile[k] = (double)class_of(x, i / a->samples * classes, classes, u);
                break;
            }
        }
        ash_store_f64(y->dtype, tile, n, ash_at(y, first));
    }
    return ASHORE_OK;
}

#define RANDOM(op, from, inputs)                                                                   \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = from,                                                                                \
     .in_min = inputs,                                                                             \
     .in_max = inputs,                                                                             \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_IMPURE,                                                                       \
     .attrs_size = sizeof(struct random_attrs),                                                    \
     .parse = random_parse,                                                                        \
     .infer = random_infer,                                                                        \
     .ref = random_ref}

extern const struct ash_op ash_ops_random[];
const struct ash_op ash_ops_random[] = {
    RANDOM("RandomNormal", 1, 0),
    RANDOM("RandomNormalLike", 1, 1),
    RANDOM("RandomUniform", 1, 0),
    RANDOM("RandomUniformLike", 1, 1),
    RANDOM("Bernoulli", 15, 1),
    RANDOM("Multinomial", 7, 1),
    {0},
};
