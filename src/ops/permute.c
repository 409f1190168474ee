/* Transpose, DepthToSpace, SpaceToDepth. */
#include "kernels/transpose/transpose.h"
#include "ops/lowering.h"
#include "ops/move.h"

ASH_LOWERS("Transpose", 0, 8, "float32");

extern const struct ash_op ash_ops_permute[];

/* ---- Transpose ---- */

struct permute_attrs {
    const int64_t *perm; /* NULL: reversed */
    size_t n;
};

static int permute_parse(const struct ash_parse *c, void *attrs) {
    struct permute_attrs *a = attrs;
    ASH_TRY(ash_parse_ints(c, "perm", &a->perm, &a->n));
    ASH_FAIL_IF(a->n > ASH_MAX_RANK, c->err, ATTR, "a permutation of %zu dimensions, at most %d",
                a->n, ASH_MAX_RANK);
    int axes[ASH_MAX_RANK];
    return ash_axes(a->perm, (int)a->n, (int)a->n, axes, c->err);
}

/* The input dimension that becomes dimension i. */
static int source(const struct permute_attrs *a, int rank, int i) {
    if (!a->n) return rank - 1 - i;
    return (int)(a->perm[i] < 0 ? a->perm[i] + rank : a->perm[i]);
}

static int permute_infer(struct ash_infer *c) {
    const struct permute_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    ASH_MISFIT_IF(t->rank >= 0 && a->n && (int)a->n != t->rank, c->err, ATTR,
                  "a permutation of %zu dimensions for an input of rank %d", a->n, t->rank);
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[source(a, t->rank, i)];
    ash_infer_set(c, 0, t->dtype, t->rank, dim);
    if (t->rank < 0 && a->n) ash_infer_rank(c, 0, (int)a->n);
    return ASHORE_OK;
}

static int permute_ref(struct ash_run *c) {
    const struct ash_tensor *in = c->in[0], *out = c->out[0];
    int64_t step[ASH_MAX_RANK], from[ASH_MAX_RANK], to[ASH_MAX_RANK];
    ash_steps(in->rank, in->dim, step);
    ash_steps(out->rank, out->dim, to);
    for (int i = 0; i < out->rank; i++) from[i] = step[source(c->attrs, in->rank, i)];
    ash_move(out->rank, out->dim, ash_dtype_size(out->dtype), in->data, from, out->data, to);
    return ASHORE_OK;
}

/* A permutation; elements of one, two, four or eight bytes. */
struct permute_params {
    const struct ash_transpose_row *row;
    size_t size;
    size_t dim[ASH_MAX_RANK];
    int perm[ASH_MAX_RANK], rank;
};

static int permute_run(struct ash_run *c) {
    const struct permute_params *p = c->params;
    ash_transpose_run(p->row, c->pool, p->rank, p->dim, p->perm, p->size, c->in[0]->data,
                      c->out[0]->data);
    return ASHORE_OK;
}

static int lower_permutation(struct ash_lower *c, struct permute_params **out) {
    int dtype = c->in[0]->type.dtype;
    size_t size = ash_dtype_size(dtype);
    struct permute_params *p = *out = NULL;
    if (dtype == ASHORE_STRING || size == 0 || size > 8) return ASHORE_OK;
    p = ash_lower_to(c, permute_run, sizeof *p, ash_transpose_best()->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = ash_transpose_best();
    p->size = size;
    *out = p;
    return ASHORE_OK;
}

static int permute_lower(struct ash_lower *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct permute_params *p;
    ASH_TRY(lower_permutation(c, &p));
    if (!p) return ASHORE_OK;
    p->rank = t->rank;
    for (int i = 0; i < t->rank; i++) {
        p->dim[i] = ash_extent(t, i);
        p->perm[i] = source(c->attrs, t->rank, i);
    }
    return ASHORE_OK;
}

/* ---- DepthToSpace, SpaceToDepth: N batch, C channels, H x W positions of the depth side ---- */

struct block_attrs {
    int64_t size;
    int column_first; /* CRD: channels are outermost, the block inside of them */
    bool to_space;
};

static int block_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"DCR", "CRD", NULL};
    struct block_attrs *a = attrs;
    a->to_space = c->node->op_type[0] == 'D';
    ASH_TRY(ash_parse_int_required(c, "blocksize", &a->size));
    ASH_FAIL_IF(a->size < 1 || a->size > INT16_MAX, c->err, ATTR, "blocksize %lld",
                (long long)a->size);
    return ash_parse_choice(c, "mode", modes, 0, &a->column_first);
}

static int block_infer(struct ash_infer *c) {
    const struct block_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[4], size = ash_dim_exact(a->size), square = ash_dim_exact(a->size * a->size);
    c->out->type.dtype = t->dtype;
    if (t->rank < 0) {
        ash_infer_rank(c, 0, 4);
        return ASHORE_OK;
    }
    ASH_FAIL_IF(t->rank != 4, c->err, SHAPE, "expected [N,C,H,W], the input has %d dimensions",
                t->rank);
    for (int i = 0; i < 4; i++) {
        struct ash_dim by = i == 1 ? square : i == 0 ? ash_dim_exact(1) : size;
        bool grows = (i == 1) != a->to_space;
        ASH_FAIL_IF(!grows && t->dim[i].kind == ASH_DIM_EXACT && t->dim[i].value % by.value, c->err,
                    SHAPE, "extent %lld of dimension %d is not divisible by %lld",
                    (long long)t->dim[i].value, i, (long long)by.value);
        dim[i] = ash_infer_dim(c, grows ? ASH_DIM_MUL : ASH_DIM_FLOORDIV, t->dim[i], by);
    }
    ash_infer_set(c, 0, t->dtype, 4, dim);
    return ASHORE_OK;
}

/* Walks N, channel, H, row of the block, W, column of the block. */
static int block_ref(struct ash_run *c) {
    const struct block_attrs *a = c->attrs;
    const struct ash_tensor *deep = a->to_space ? c->in[0] : c->out[0];
    const struct ash_tensor *wide = a->to_space ? c->out[0] : c->in[0];
    int64_t b = a->size, C = wide->dim[1], H = deep->dim[2], W = deep->dim[3];
    int64_t dim[6] = {deep->dim[0], C, H, b, W, b};
    int64_t channel = a->column_first ? b * b : 1, block = a->column_first ? 1 : C;
    int64_t deep_step[6] = {C * b * b * H * W, channel * H * W, W, b * block * H * W, 1,
                            block * H * W};
    int64_t wide_step[6];
    ash_steps(6, dim, wide_step);
    size_t size = ash_dtype_size(deep->dtype);
    if (a->to_space)
        ash_move(6, dim, size, deep->data, deep_step, wide->data, wide_step);
    else
        ash_move(6, dim, size, wide->data, wide_step, deep->data, deep_step);
    return ASHORE_OK;
}

static int block_lower(struct ash_lower *c) {
    static const signed char perms[3][6] = {
        {0, 3, 4, 1, 5, 2}, /* from [N, block, block, C, H, W] */
        {0, 1, 4, 2, 5, 3}, /* from [N, C, block, block, H, W] */
        {0, 3, 5, 1, 2, 4}, /* from [N, C, H, block, W, block] */
    };
    const struct block_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct permute_params *p;
    if (!a->to_space && a->column_first) return ASHORE_OK;
    ASH_TRY(lower_permutation(c, &p));
    if (!p) return ASHORE_OK;
    const signed char *perm = perms[a->to_space ? a->column_first : 2];
    const struct ash_type *wide = a->to_space ? &c->out->type : t;
    const struct ash_type *deep = a->to_space ? t : &c->out->type;
    size_t b = (size_t)a->size;
    /* Extents of the wide side, [N, C, H, block, W, block]. */
    size_t dim[6] = {
        ash_extent(wide, 0), ash_extent(wide, 1), ash_extent(deep, 2), b, ash_extent(deep, 3), b};
    p->rank = 6;
    for (int i = 0; i < 6; i++) {
        p->perm[i] = perm[i];
        p->dim[a->to_space ? perm[i] : i] = dim[i];
    }
    return ASHORE_OK;
}

#define PERMUTE                                                                                    \
    .domain = "", .in_min = 1, .in_max = 1, .out_min = 1, .out_max = 1, .flags = ASH_OP_MOVES
#define BLOCK                                                                                      \
    PERMUTE, .since = 1, .attrs_size = sizeof(struct block_attrs), .parse = block_parse,           \
        .infer = block_infer, .ref = block_ref, .lower = block_lower

const struct ash_op ash_ops_permute[] = {
    {PERMUTE, .name = "Transpose", .since = 1, .attrs_size = sizeof(struct permute_attrs),
     .parse = permute_parse, .infer = permute_infer, .ref = permute_ref, .lower = permute_lower},
    {BLOCK, .name = "DepthToSpace"},
    {BLOCK, .name = "SpaceToDepth"},
    {0}};
