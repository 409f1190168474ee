/* CumSum and CumProd: running sums and products along one dimension of x[outer][n][inner]. */
#include "base/pool.h"
#include "ops/elementwise.h"

#include <string.h>

enum { CUMULATE_WORK = 16384 /* elements that are worth a trip through the pool */ };

struct cumulate_attrs {
    bool exclusive, reverse, product;
};

static int cumulate_parse(const struct ash_parse *c, void *attrs) {
    struct cumulate_attrs *a = attrs;
    int64_t exclusive, reverse;

    ASH_TRY(ash_parse_int(c, "exclusive", 0, &exclusive));
    ASH_TRY(ash_parse_int(c, "reverse", 0, &reverse));
    a->exclusive = exclusive != 0;
    a->reverse = reverse != 0;
    a->product = !strcmp(c->node->op_type, "CumProd");
    return ASHORE_OK;
}

static int cumulate_infer(struct ash_infer *c) {
    int64_t given;
    int dtype, axis, n;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    int rc = ash_infer_exact_ints(c, 1, &given, 1, &n);
    /* The extents do not hang on the axis: when it is not known, the run checks it. */
    if (rc == ASHORE_NEEDS_DATA) return ASHORE_OK;
    ASH_TRY(rc);
    ASH_FAIL_IF(n != 1, c->err, SHAPE, "the axis has %d elements", n);
    if (c->in[0]->type.rank < 0) return ASHORE_OK;
    return ash_axis(given, c->in[0]->type.rank, &axis, c->err);
}

union tile {
    double real[ASH_TILE];
    uint64_t whole[ASH_TILE];
};

struct cumulate_job {
    const struct cumulate_attrs *a;
    const struct ash_tensor *x;
    struct ash_tensor *y;
    bool real;
    int64_t n, inner, strips, pieces, per_tile; /* a strip: up to ASH_TILE neighbouring columns */
};

/* One step of a running total: t becomes what is put out, sum the total. */
static void step_real(const struct cumulate_attrs *a, double *sum, double *t) {
    double before = *sum;

    *sum = a->product ? before * *t : before + *t;
    *t = a->exclusive ? before : *sum;
}

static void step_whole(const struct cumulate_attrs *a, uint64_t *sum, uint64_t *t) {
    uint64_t before = *sum;

    *sum = a->product ? before * *t : before + *t; /* wraps */
    *t = a->exclusive ? before : *sum;
}

/* `lanes` neighbouring columns from element `first` on.  One column that lies in a row is loaded
 * ASH_TILE elements at a time. */
static void cumulate_strip(const struct cumulate_job *j, int64_t first, size_t lanes) {
    union tile sum, t;
    bool row = j->inner == 1;
    size_t n = lanes;

    for (size_t i = 0; i < lanes; i++) {
        if (j->real)
            sum.real[i] = j->a->product ? 1 : 0;
        else
            sum.whole[i] = j->a->product ? 1 : 0;
    }
    for (int64_t k = 0; k < j->n; k += row ? (int64_t)n : 1) {
        if (row) n = ash_tile_size(j->n, k);
        int64_t at = first + (j->a->reverse ? j->n - k - (row ? (int64_t)n : 1) : k) * j->inner;
        size_t last = row && j->a->reverse ? n - 1 : 0;

        if (j->real)
            ash_load_f64(j->x->dtype, ash_at(j->x, at), n, t.real);
        else
            ash_load_u64(j->x->dtype, ash_at(j->x, at), n, t.whole);
        for (size_t i = 0; i < n; i++) {
            size_t e = last ? last - i : i, lane = row ? 0 : i;

            if (j->real)
                step_real(j->a, &sum.real[lane], &t.real[e]);
            else
                step_whole(j->a, &sum.whole[lane], &t.whole[e]);
        }
        if (j->real)
            ash_store_f64(j->y->dtype, t.real, n, ash_at(j->y, at));
        else
            ash_store_u64(j->y->dtype, t.whole, n, ash_at(j->y, at));
    }
}

static void cumulate_tile(void *arg, size_t tile, size_t worker) {
    const struct cumulate_job *j = arg;
    int64_t end = ((int64_t)tile + 1) * j->per_tile;

    (void)worker;
    for (int64_t p = (int64_t)tile * j->per_tile; p < end && p < j->pieces; p++) {
        int64_t column = p % j->strips * ASH_TILE;

        cumulate_strip(j, p / j->strips * j->n * j->inner + column,
                       ash_tile_size(j->inner, column));
    }
}

static int cumulate_ref(struct ash_run *c) {
    struct cumulate_job j = {.a = c->attrs, .x = c->in[0], .y = c->out[0]};
    int axis;

    ASH_FAIL_IF(ash_tensor_count(c->in[1]) != 1, c->err, SHAPE, "the axis is not one number");
    ASH_TRY(ash_axis(ash_get_i64(c->in[1], 0), j.x->rank, &axis, c->err));
    j.real = ash_dtype_is_float(j.x->dtype);
    j.n = j.x->dim[axis];
    j.inner = ash_dims_product(j.x->dim, axis + 1, j.x->rank);
    j.strips = (j.inner + ASH_TILE - 1) / ASH_TILE;
    j.pieces = ash_dims_product(j.x->dim, 0, axis) * j.strips;
    if (!j.pieces || !j.n) return ASHORE_OK;
    int64_t piece = j.n * (j.inner < ASH_TILE ? j.inner : ASH_TILE);
    j.per_tile = piece < CUMULATE_WORK ? CUMULATE_WORK / piece : 1;
    ash_pool_run(c->pool, (size_t)((j.pieces + j.per_tile - 1) / j.per_tile), cumulate_tile, &j);
    return ASHORE_OK;
}

#define CUMULATE                                                                                   \
    .domain = "", .in_min = 2, .in_max = 2, .out_min = 1, .out_max = 1, .inplace = 1 << 0,         \
    .attrs_size = sizeof(struct cumulate_attrs), .parse = cumulate_parse, .infer = cumulate_infer, \
    .ref = cumulate_ref

extern const struct ash_op ash_ops_cumulate[];
const struct ash_op ash_ops_cumulate[] = {
    {CUMULATE, .name = "CumSum", .since = 11},
    {CUMULATE, .name = "CumProd", .since = 26},
    {0},
};
