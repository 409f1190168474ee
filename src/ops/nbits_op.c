/* com.microsoft: MatMulNBits, GatherBlockQuantized.
 *
 * Both have codes of few bits in blocks, each with a scale and a zero point: what a code stands for
 * is (code - zero) * scale.  Codes of less than a byte are packed, lowest first. */
#include "base/heap.h"
#include "ir/infer.h"
#include "kernels/nbits/nbits.h"
#include "ops/convert.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

static int parse_block(const struct ash_parse *c, int64_t block) {
    ASH_FAIL_IF(block < 16 || block > INT32_MAX || (block & (block - 1)), c->err, ATTR,
                "block_size %lld is not a power of two from 16 on", (long long)block);
    return ASHORE_OK;
}

static int parse_bits(const struct ash_parse *c, int *bits) {
    int64_t given;
    ASH_TRY(ash_parse_int(c, "bits", 4, &given));
    ASH_FAIL_IF(given != 2 && given != 4 && given != 8, c->err, ATTR, "%lld bits, not 2, 4 or 8",
                (long long)given);
    *bits = (int)given;
    return ASHORE_OK;
}

/* Packed code i of a row. */
static int64_t code_at(const void *row, int bits, int64_t i) {
    int64_t bit = i * bits;
    return ((const uint8_t *)row)[bit / 8] >> bit % 8 & ((1 << bits) - 1);
}

/* ---- MatMulNBits ----
 *
 * Letters: M rows of A, N and K as in the attributes, B blocks of a column.  Inputs: A[..., K],
 * codes[N][B][block * bits / 8], scales[N][B], zero points, group of each k, bias[N]. */

enum { IN_A, IN_CODES, IN_SCALES, IN_ZEROS, IN_GROUPS, IN_BIAS };

struct product_attrs {
    int64_t K, N, block, blocks;
    int bits;
    bool bytes; /* A may be rounded to bytes, block by block */
};

static int product_parse(const struct ash_parse *c, void *attrs) {
    struct product_attrs *a = attrs;
    int64_t prepacked, accuracy;
    ASH_TRY(ash_parse_int_required(c, "K", &a->K));
    ASH_TRY(ash_parse_int_required(c, "N", &a->N));
    ASH_TRY(ash_parse_int_required(c, "block_size", &a->block));
    ASH_TRY(ash_parse_int(c, "weight_prepacked", 0, &prepacked));
    ASH_TRY(ash_parse_int(c, "accuracy_level", 0, &accuracy));
    a->bytes = accuracy == 4;
    ASH_FAIL_IF(a->K < 1 || a->N < 1 || a->K > INT32_MAX || a->N > INT32_MAX, c->err, ATTR,
                "K %lld, N %lld", (long long)a->K, (long long)a->N);
    ASH_FAIL_IF(prepacked, c->err, UNSUPPORTED, "weights that are packed for another processor");
    ASH_TRY(parse_block(c, a->block));
    a->blocks = (a->K + a->block - 1) / a->block;
    return parse_bits(c, &a->bits);
}

/* Input i, where it is there and its extents are known, has `count` elements. */
static int check_count(const struct ash_infer *c, int i, int64_t count, const char *what) {
    size_t got = 1;
    if (!ash_infer_has(c, i) || !ash_info_exact(c->in[i])) return ASHORE_OK;
    for (int d = 0; d < c->in[i]->type.rank; d++)
        got = ash_size_mul(got, (size_t)c->in[i]->type.dim[d].value);
    ASH_FAIL_IF(got != (uint64_t)count, c->err, SHAPE, "%zu %s, expected %lld", got, what,
                (long long)count);
    return ASHORE_OK;
}

static int check_type(const struct ash_infer *c, int i, int dtype) {
    int got = ash_infer_has(c, i) ? c->in[i]->type.dtype : 0;
    ASH_FAIL_IF(got && got != dtype, c->err, TYPE, "input %d is %s, expected %s", i,
                ash_dtype(got)->name, ash_dtype(dtype)->name);
    return ASHORE_OK;
}

static int product_infer(struct ash_infer *c) {
    const struct product_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[IN_A]->type;
    bool packed = ash_infer_has(c, IN_ZEROS) && c->in[IN_ZEROS]->type.dtype == ASHORE_UINT8;
    int dtype;
    ASH_TRY(ash_infer_types(c, IN_A, IN_A + 1, ASH_TAKES_FLOAT, &dtype));
    c->out->type.dtype = (uint8_t)dtype;
    ASH_TRY(check_type(c, IN_CODES, ASHORE_UINT8));
    if (dtype) ASH_TRY(check_type(c, IN_SCALES, dtype));
    if (dtype && !packed) ASH_TRY(check_type(c, IN_ZEROS, dtype));
    ASH_TRY(check_type(c, IN_GROUPS, ASHORE_INT32));
    if (dtype) ASH_TRY(check_type(c, IN_BIAS, dtype));
    int64_t points = packed ? (a->blocks * a->bits + 7) / 8 : a->blocks;
    ASH_TRY(
        check_count(c, IN_CODES, a->N * a->blocks * (a->block * a->bits / 8), "bytes of codes"));
    ASH_TRY(check_count(c, IN_SCALES, a->N * a->blocks, "scales"));
    ASH_TRY(check_count(c, IN_ZEROS, a->N * points, "zero points"));
    ASH_TRY(check_count(c, IN_BIAS, a->N, "elements of the bias"));
    if (x->rank < 0) return ASHORE_OK;
    struct ash_dim dim[ASH_MAX_RANK];
    ASH_FAIL_IF(x->rank == 0, c->err, SHAPE, "a scalar cannot be multiplied");
    struct ash_dim last = x->dim[x->rank - 1];
    ASH_FAIL_IF(last.kind == ASH_DIM_EXACT && last.value != a->K, c->err, SHAPE,
                "the last dimension is %lld, K %lld", (long long)last.value, (long long)a->K);
    for (int i = 0; i < x->rank - 1; i++) dim[i] = x->dim[i];
    dim[x->rank - 1] = ash_dim_exact(a->N);
    ash_infer_set(c, 0, dtype, x->rank, dim);
    return ASHORE_OK;
}

static double zero_of(const struct ash_tensor *zeros, const struct product_attrs *a, int64_t n,
                      int64_t b) {
    int64_t bytes = (a->blocks * a->bits + 7) / 8;
    if (!zeros) return 1 << (a->bits - 1);
    if (zeros->dtype != ASHORE_UINT8) return ash_get_f64(zeros, n * a->blocks + b);
    return (double)code_at((const char *)zeros->data + n * bytes, a->bits, b);
}

/* Elements k..k+n-1 of column `col`. */
static int column(const struct ash_run *c, int64_t col, int64_t k, size_t n, double *w) {
    const struct product_attrs *a = c->attrs;
    const struct ash_tensor *zeros = ash_run_has(c, IN_ZEROS) ? c->in[IN_ZEROS] : NULL;
    const struct ash_tensor *groups = ash_run_has(c, IN_GROUPS) ? c->in[IN_GROUPS] : NULL;
    const char *codes = (const char *)c->in[IN_CODES]->data;
    codes += col * a->blocks * (a->block * a->bits / 8);
    int64_t last = -1;
    double scale = 0, zero = 0;
    for (size_t i = 0; i < n; i++, k++) {
        int64_t b = groups ? ash_get_i64(groups, k) : k / a->block;
        ASH_FAIL_IF(b < 0 || b >= a->blocks, c->err, SHAPE, "group %lld of %lld", (long long)b,
                    (long long)a->blocks);
        if (b != last) {
            scale = ash_get_f64(c->in[IN_SCALES], col * a->blocks + b);
            zero = zero_of(zeros, a, col, b);
            last = b;
        }
        w[i] = ((double)code_at(codes, a->bits, k) - zero) * scale;
    }
    return ASHORE_OK;
}

enum { ROWS = 16 };

/* Rows m..m+rows-1 of one column. */
static int multiply(struct ash_run *c, int64_t m, int rows, int64_t n) {
    const struct product_attrs *a = c->attrs;
    double sum[ROWS] = {0}, w[ASH_TILE], x[ASH_TILE];
    size_t tile;
    for (int64_t k = 0; (tile = ash_tile_size(a->K, k)); k += (int64_t)tile) {
        ASH_TRY(column(c, n, k, tile, w));
        for (int r = 0; r < rows; r++) {
            const struct ash_tensor *in = c->in[IN_A];
            ash_load_f64(in->dtype, ash_at(in, (m + r) * a->K + k), tile, x);
            for (size_t i = 0; i < tile; i++) sum[r] += x[i] * w[i];
        }
    }
    for (int r = 0; r < rows; r++) {
        if (ash_run_has(c, IN_BIAS)) sum[r] += ash_get_f64(c->in[IN_BIAS], n);
        ash_store_f64(c->out[0]->dtype, &sum[r], 1, ash_at(c->out[0], (m + r) * a->N + n));
    }
    return ASHORE_OK;
}

static int product_ref(struct ash_run *c) {
    const struct product_attrs *a = c->attrs;
    int64_t M = ash_tensor_count(c->in[IN_A]) / a->K;
    if (ash_run_has(c, IN_GROUPS))
        ASH_FAIL_IF(ash_tensor_count(c->in[IN_GROUPS]) < a->K, c->err, SHAPE,
                    "fewer than K groups");
    for (int64_t m = 0; m < M; m += ROWS) {
        for (int64_t n = 0; n < a->N; n++)
            ASH_TRY(multiply(c, m, M - m < ROWS ? (int)(M - m) : ROWS, n));
    }
    return ASHORE_OK;
}

struct product_params {
    const struct ash_nbits_row *row;
    const struct ash_gemm_kernel *gemm;
    struct ash_nbits_shape shape;
    size_t m;
    const void *packed;
};

static int product_run(struct ash_run *c) {
    const struct product_params *p = c->params;
    ash_nbits_f32(p->row, p->gemm, &p->shape, p->packed, p->m, c->in[IN_A]->data,
                  ash_run_f32(c, IN_BIAS), c->out[0]->data, c->scratch, c->pool);
    return ASHORE_OK;
}

struct product_pack {
    const struct product_params *params;
    const struct product_attrs *attrs;
    const struct ash_tensor *scales, *zeros;
    float *points; /* [N][B], room for the zero points */
};

static void pack_product(void *dst, const void *src, const void *arg) {
    const struct product_pack *p = arg;
    const struct product_attrs *a = p->attrs;
    for (int64_t i = 0; p->points && i < a->N * a->blocks; i++)
        p->points[i] = (float)zero_of(p->zeros, a, i / a->blocks, i % a->blocks);
    ash_nbits_pack(p->params->row, &p->params->shape, a->bits, src, p->scales->data, p->points,
                   dst);
}

static bool product_fits(const struct ash_lower *c) {
    bool weights = c->in[IN_CODES]->data && c->in[IN_SCALES]->data;
    bool zeros = c->n_in > IN_ZEROS && c->in[IN_ZEROS];
    bool groups = c->n_in > IN_GROUPS && c->in[IN_GROUPS];
    bool bias = c->n_in <= IN_BIAS || !c->in[IN_BIAS] || ash_lower_in_f32(c, IN_BIAS);
    return weights && !groups && bias && (!zeros || c->in[IN_ZEROS]->data) &&
           ash_lower_in_f32(c, IN_A) && ash_lower_in_f32(c, IN_SCALES) &&
           c->out->type.dtype == ASHORE_FLOAT32;
}

static int product_lower(struct ash_lower *c) {
    const struct product_attrs *a = c->attrs;
    struct product_params draft = {.row = ash_nbits_best(), .gemm = ash_gemm_best()}, *p;
    struct ash_nbits_shape *s = &draft.shape;
    if (!product_fits(c) || draft.row->nr % draft.gemm->nr) return ASHORE_OK;
    bool zeros = c->n_in > IN_ZEROS && c->in[IN_ZEROS];
    *s = (struct ash_nbits_shape){.n = (size_t)a->N,
                                  .k = (size_t)a->K,
                                  .block = (size_t)a->block,
                                  .bits = a->bits == 8 ? 8 : 4,
                                  .zeros = zeros,
                                  .zero = (float)(1 << (a->bits - 1)),
                                  .bytes = a->bytes && a->block <= ASH_NBITS_BYTES_BLOCK};
    draft.m = ash_type_count(&c->in[IN_A]->type) / s->k;
    const struct ash_tensor *src[] = {c->in[IN_CODES]->data, c->in[IN_SCALES]->data,
                                      zeros ? c->in[IN_ZEROS]->data : NULL};
    struct product_pack arg = {
        .params = &draft, .attrs = a, .scales = src[1], .zeros = src[2], .points = NULL};
    struct ash_packing how = {.row = draft.row->name,
                              .variant = (uint64_t)a->block << 4 | (uint64_t)a->bits,
                              .bytes = ash_nbits_packed_size(draft.row, s),
                              .pack = pack_product,
                              .arg = &arg};
    size_t scratch = ash_nbits_scratch(draft.row, s, draft.m, c->threads);
    if (!draft.m || how.bytes == SIZE_MAX || scratch == SIZE_MAX) return ASHORE_OK;
    if (zeros) {
        arg.points = ash_arena_array(c->arena, (size_t)(a->N * a->blocks), sizeof *arg.points);
        if (!arg.points) return ash_fail_nomem(c->err, (size_t)(a->N * a->blocks));
    }
    ASH_TRY(ash_lower_pack(c, src, 3, &how, &draft.packed));
    p = ash_lower_to(c, product_run, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

/* ---- GatherBlockQuantized ----
 *
 * An index out of range gives zeros, as the operator's description says.
 * Letters: the data, seen with an element for each code, is [outer][G][inner] with the indices
 * along G, and has Q elements along the axis of the blocks, `step` apart. */

struct gather_attrs {
    int64_t gather_axis, quantize_axis, block;
    int bits;
};

static int gather_parse(const struct ash_parse *c, void *attrs) {
    struct gather_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "gather_axis", 0, &a->gather_axis));
    ASH_TRY(ash_parse_int(c, "quantize_axis", 1, &a->quantize_axis));
    ASH_TRY(ash_parse_int(c, "block_size", 128, &a->block));
    ASH_TRY(parse_block(c, a->block));
    return parse_bits(c, &a->bits);
}

/* Codes in a byte of the data. */
static int per_byte(const struct gather_attrs *a, int dtype) {
    return dtype == ASHORE_UINT8 ? 8 / a->bits : 1;
}

static int gather_axes(const struct gather_attrs *a, int dtype, int rank, int *gather, int *blocks,
                       struct ashore_error *err) {
    ASH_TRY(ash_axis(a->gather_axis, rank, gather, err));
    ASH_TRY(ash_axis(a->quantize_axis, rank, blocks, err));
    bool packed = dtype == ASHORE_UINT8;
    ASH_FAIL_IF(packed && *gather != 0, err, ATTR, "packed data is gathered along dimension %d",
                *gather);
    ASH_FAIL_IF(packed && a->bits < 8 && *blocks == *gather, err, ATTR,
                "packed data has its blocks along the dimension that is gathered");
    return ASHORE_OK;
}

static int gather_infer(struct ash_infer *c) {
    const struct gather_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type, *index = &c->in[1]->type;
    struct ash_dim dim[2 * ASH_MAX_RANK];
    int dtype, gather, blocks;
    bool known = x->dtype == ASHORE_INT4 || x->dtype == ASHORE_UINT4 || x->dtype == ASHORE_UINT8;
    ASH_FAIL_IF(x->dtype && !known, c->err, TYPE, "the data is %s", ash_dtype(x->dtype)->name);
    bool whole = index->dtype == ASHORE_INT32 || index->dtype == ASHORE_INT64;
    ASH_FAIL_IF(index->dtype && !whole, c->err, TYPE, "the indices are %s",
                ash_dtype(index->dtype)->name);
    ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_FLOAT, &dtype));
    if (x->dtype) ASH_TRY(check_type(c, 3, x->dtype));
    c->out->type.dtype = (uint8_t)dtype;
    if (x->rank < 0 || index->rank < 0 || !x->dtype) return ASHORE_OK;
    ASH_TRY(gather_axes(a, x->dtype, x->rank, &gather, &blocks, c->err));
    int rank = x->rank - 1 + index->rank, n = 0;
    ASH_FAIL_IF(rank > ASH_MAX_RANK, c->err, LIMIT, "a result of %d dimensions", rank);
    for (int i = 0; i < x->rank; i++) {
        if (i == gather) {
            for (int k = 0; k < index->rank; k++) dim[n++] = index->dim[k];
            continue;
        }
        bool last = i == x->rank - 1;
        struct ash_dim codes = ash_dim_exact(last ? per_byte(a, x->dtype) : 1);
        dim[n++] = ash_infer_dim(c, ASH_DIM_MUL, x->dim[i], codes);
    }
    ash_infer_set(c, 0, dtype, rank, dim);
    return ASHORE_OK;
}

struct gather {
    const struct ash_tensor *x, *scales, *zeros;
    int bits, axis; /* bits: 0 where an element takes a byte of its own */
    int64_t Q, step, block, blocks;
};

/* The scales, and the zero points, have the data's extents but for the blocks. */
static int gather_shapes(struct ash_run *c, const struct gather *g, const int64_t *dim) {
    int rank = g->x->rank, last = rank - 1;
    bool fits = g->scales->rank == rank && (!g->zeros || g->zeros->rank == rank);
    for (int i = 0; fits && i < rank; i++) {
        int64_t want = i == g->axis ? g->blocks : dim[i], point = want;
        if (g->bits && i == last) point = (want * g->bits + 7) / 8;
        fits = g->scales->dim[i] == want && (!g->zeros || g->zeros->dim[i] == point);
    }
    ASH_FAIL_IF(!fits, c->err, SHAPE, "scales or zero points do not fit the data");
    return ASHORE_OK;
}

static double gather_zero(const struct gather *g, int64_t at) {
    int64_t row = g->scales->dim[g->x->rank - 1];
    if (!g->zeros) return g->bits ? 1 << (g->bits - 1) : 0;
    if (!g->bits) return ash_get_f64(g->zeros, at);
    int64_t bytes = (row * g->bits + 7) / 8;
    return (double)code_at((const char *)g->zeros->data + at / row * bytes, g->bits, at % row);
}

/* Elements `from`.. of the data, n of them. */
static void gather_tile(const struct gather *g, int64_t from, size_t n, double *out) {
    for (size_t i = 0; i < n; i++, from++) {
        int64_t q = from / g->step % g->Q, before = from / (g->step * g->Q);
        int64_t at = (before * g->blocks + q / g->block) * g->step + from % g->step;
        double code =
            g->bits ? (double)code_at(g->x->data, g->bits, from) : ash_get_f64(g->x, from);
        out[i] = (code - gather_zero(g, at)) * ash_get_f64(g->scales, at);
    }
}

static int gather_ref(struct ash_run *c) {
    const struct gather_attrs *a = c->attrs;
    struct gather g = {.x = c->in[0], .scales = c->in[2], .block = a->block};
    int64_t dim[ASH_MAX_RANK], count = ash_tensor_count(c->in[1]), to = 0;
    double tile[ASH_TILE];
    int axis, rank = g.x->rank;
    size_t n;
    if (ash_run_has(c, 3)) g.zeros = c->in[3];
    if (g.x->dtype == ASHORE_UINT8) g.bits = a->bits;
    ASH_TRY(gather_axes(a, g.x->dtype, rank, &axis, &g.axis, c->err));
    for (int i = 0; i < rank; i++) dim[i] = g.x->dim[i];
    dim[rank - 1] *= per_byte(a, g.x->dtype);
    g.Q = dim[g.axis];
    g.step = ash_dims_product(dim, g.axis + 1, rank);
    g.blocks = (g.Q + g.block - 1) / g.block;
    ASH_TRY(gather_shapes(c, &g, dim));
    int64_t G = dim[axis], inner = ash_dims_product(dim, axis + 1, rank);
    for (int64_t o = 0; o < ash_dims_product(dim, 0, axis); o++) {
        for (int64_t i = 0; i < count; i++) {
            int64_t k = ash_get_i64(c->in[1], i);
            if (k < 0) k += G;
            bool outside = k < 0 || k >= G;
            for (int64_t at = 0; (n = ash_tile_size(inner, at)); at += (int64_t)n) {
                for (size_t z = 0; outside && z < n; z++) tile[z] = 0;
                if (!outside) gather_tile(&g, (o * G + k) * inner + at, n, tile);
                ash_store_f64(c->out[0]->dtype, tile, n, ash_at(c->out[0], to));
                to += (int64_t)n;
            }
        }
    }
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_nbits_op[];
const struct ash_op ash_ops_nbits_op[] = {
    {.name = "MatMulNBits",
     .domain = "com.microsoft",
     .since = 1,
     .in_min = 3,
     .in_max = 6,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct product_attrs),
     .parse = product_parse,
     .infer = product_infer,
     .ref = product_ref,
     .lower = product_lower},
    {.name = "GatherBlockQuantized",
     .domain = "com.microsoft",
     .since = 1,
     .in_min = 3,
     .in_max = 4,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct gather_attrs),
     .parse = gather_parse,
     .infer = gather_infer,
     .ref = gather_ref},
    {0},
};
