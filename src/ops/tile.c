/* Tile. */
#include "ops/convert.h"
#include "ops/move.h"

extern const struct ash_op ash_ops_tile[];

/* Before operator set 6: a number of copies along an axis. */
static int tile_along(struct ash_infer *c, int rank, struct ash_dim *times) {
    struct ash_dim count;
    int64_t axis;
    int one, k;
    ASH_TRY(ash_infer_exact_ints(c, 2, &axis, 1, &one));
    ASH_TRY(ash_infer_ints(c, 1, &count, 1, &one));
    ASH_TRY(ash_axis(axis, rank, &k, c->err));
    for (int i = 0; i < rank; i++) times[i] = i == k ? count : ash_dim_exact(1);
    return ASHORE_OK;
}

static int tile_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim times[ASH_MAX_RANK];
    int n = t->rank, rc;
    c->out->type.dtype = t->dtype;
    if (t->rank < 0) return ASHORE_NEEDS_DATA;
    ash_infer_rank(c, 0, t->rank);
    rc = ash_infer_has(c, 2) ? tile_along(c, t->rank, times)
                             : ash_infer_ints(c, 1, times, ASH_MAX_RANK, &n);
    if (rc != ASHORE_OK) return rc;
    ASH_FAIL_IF(n != t->rank, c->err, SHAPE, "%d repeats for an input of rank %d", n, t->rank);
    rc = ash_infer_known(times, n);
    for (int i = 0; i < n; i++) {
        ASH_FAIL_IF(times[i].kind == ASH_DIM_EXACT && times[i].value < 0, c->err, SHAPE,
                    "dimension %d is to be repeated %lld times", i, (long long)times[i].value);
        times[i] = ash_infer_dim(c, ASH_DIM_MUL, t->dim[i], times[i]);
    }
    ash_infer_set(c, 0, t->dtype, n, times);
    return rc;
}

/* The output seen with two dimensions for each: repeats, extent. */
static int tile_ref(struct ash_run *c) {
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    int64_t dim[ASH_MOVE_RANK], from[ASH_MOVE_RANK], to[ASH_MOVE_RANK], step[ASH_MAX_RANK];
    ash_steps(in->rank, in->dim, step);
    for (int i = 0; i < in->rank; i++) {
        if (in->dim[i] == 0) return ASHORE_OK;
        dim[2 * i] = out->dim[i] / in->dim[i];
        dim[2 * i + 1] = in->dim[i];
        from[2 * i] = 0;
        from[2 * i + 1] = step[i];
    }
    ash_steps(2 * in->rank, dim, to);
    ash_move(2 * in->rank, dim, ash_dtype_size(in->dtype), in->data, from, out->data, to);
    return ASHORE_OK;
}

#define TILE                                                                                       \
    .name = "Tile", .domain = "", .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES,               \
    .infer = tile_infer, .ref = tile_ref

const struct ash_op ash_ops_tile[] = {{TILE, .since = 1, .until = 5, .in_min = 3, .in_max = 3},
                                      {TILE, .since = 6, .in_min = 2, .in_max = 2},
                                      {0}};
