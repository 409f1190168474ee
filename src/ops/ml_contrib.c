/* CDist and MurmurHash3 of com.microsoft, which exporters write beside operators of ai.onnx.ml. */
#include "base/heap.h"
#include "base/pool.h"
#include "kernels/eltwise/eltwise.h"
#include "kernels/pairs/pairs.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <math.h>
#include <string.h>

/* ---- CDist: distances of the rows of two matrices ---- */

struct cdist_attrs {
    int root;
};

static int cdist_parse(const struct ash_parse *c, void *attrs) {
    static const char *const metrics[] = {"sqeuclidean", "euclidean", NULL};
    return ash_parse_choice(c, "metric", metrics, 0, &((struct cdist_attrs *)attrs)->root);
}

static int cdist_infer(struct ash_infer *c) {
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_unknown()};
    const struct ash_type *a = &c->in[0]->type, *b = &c->in[1]->type;
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_FLOAT, &dtype));
    for (int i = 0; i < 2; i++) {
        const struct ash_type *t = &c->in[i]->type;
        ASH_MISFIT_IF(t->rank >= 0 && t->rank != 2, c->err, SHAPE,
                      "input %d has rank %d, expected a matrix", i, t->rank);
        if (t->rank == 2) dim[i] = t->dim[0];
    }
    ash_infer_set(c, 0, dtype, 2, dim);
    return a->rank == 2 && b->rank == 2 ? ash_infer_agree(c, b->dim[1], a->dim[1], "columns")
                                        : ASHORE_OK;
}

/* Other types than float32. */
static void distances_wide(const struct ash_tensor *x, int64_t i, const struct ash_tensor *y,
                           int64_t n, bool root, struct ash_tensor *to) {
    for (int64_t j = 0; j < y->dim[0]; j++) {
        double sum = 0;
        for (int64_t k = 0; k < n; k++) {
            double d = ash_get_f64(x, i * n + k) - ash_get_f64(y, j * n + k);
            sum += d * d;
        }
        if (root) sum = sqrt(sum);
        ash_store_f64(to->dtype, &sum, 1, ash_at(to, i * y->dim[0] + j));
    }
}

struct cdist_params {
    const struct ash_pairs_row *row;
    const struct ash_eltwise_row *roots;
    const float *packed; /* NULL: input 1 as it is */
};

struct cdist_job {
    const struct cdist_params *p;
    struct ash_pairs pairs;
    size_t rows; /* of a tile */
    bool root;
};

static void cdist_tile(void *arg, size_t tile, size_t worker) {
    const struct cdist_job *j = arg;
    struct ash_pairs p = j->pairs;
    size_t first = tile * j->rows;
    (void)worker;
    p.m = p.m - first < j->rows ? p.m - first : j->rows;
    p.x += first * p.ldx;
    p.to += first * p.ldto;
    j->p->row->run(&p);
    if (j->root) j->p->roots->unary(ASH_UNARY_SQRT, 0, 0, p.m * p.n, p.to, p.to);
}

static void cdist_f32(struct ash_run *c, const struct cdist_params *p, float *packed) {
    enum { TILE = 16384 }; /* results of a tile, which stay in the cache for their roots */
    const struct ash_tensor *x = c->in[0], *y = c->in[1];
    size_t m = (size_t)x->dim[0], n = (size_t)y->dim[0], k = (size_t)x->dim[1];
    struct cdist_job j = {p, {.distances = true, .m = m, .n = n, .k = k}, .root = false};
    if (!m || !n) return;
    j.root = ((const struct cdist_attrs *)c->attrs)->root;
    j.pairs.x = x->data;
    j.pairs.ldx = k;
    j.pairs.to = c->out[0]->data;
    j.pairs.ldto = n;
    j.pairs.y = p->packed;
    if (!p->packed) {
        ash_pairs_pack(n, k, y->data, packed);
        j.pairs.y = packed;
    }
    j.rows = n * 4 < TILE ? TILE / n / 4 * 4 : 4;
    ash_pool_run_work(c->pool, (m + j.rows - 1) / j.rows, m * n * (k + 8) / 65536, cdist_tile, &j);
}

static int cdist_check(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *y = c->in[1];
    ASH_FAIL_IF(y->dim[1] != x->dim[1], c->err, SHAPE, "columns: %lld, expected %lld",
                (long long)y->dim[1], (long long)x->dim[1]);
    return ash_run_alloc(c, 0, x->dtype, 2, (int64_t[]){x->dim[0], y->dim[0]});
}

static int cdist_ref(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *y = c->in[1];
    struct cdist_params p = {ash_pairs_best(), ash_eltwise_best(), NULL};
    ASH_TRY(cdist_check(c));
    if (x->dtype == ASHORE_FLOAT32) {
        size_t bytes = ash_size_mul(ash_pairs_packed((size_t)y->dim[0], (size_t)y->dim[1]), 4);
        float *packed = ash_alloc_aligned(c->heap, bytes);
        if (!packed && bytes) return ash_fail_nomem(c->err, bytes);
        cdist_f32(c, &p, packed);
        ash_free_aligned(c->heap, packed, bytes);
        return ASHORE_OK;
    }
    for (int64_t i = 0; i < x->dim[0]; i++)
        distances_wide(x, i, y, x->dim[1], ((const struct cdist_attrs *)c->attrs)->root, c->out[0]);
    return ASHORE_OK;
}

static int cdist_run(struct ash_run *c) {
    ASH_TRY(cdist_check(c));
    cdist_f32(c, c->params, c->scratch);
    return ASHORE_OK;
}

static void cdist_pack(void *to, const void *from, const void *arg) {
    const size_t *dim = arg;
    ash_pairs_pack(dim[0], dim[1], from, to);
}

static int cdist_lower(struct ash_lower *c) {
    const struct ash_type *y = &c->in[1]->type;
    const size_t dim[2] = {ash_extent(y, 0), ash_extent(y, 1)};
    size_t bytes = ash_size_mul(ash_pairs_packed(dim[0], dim[1]), sizeof(float));
    const void *packed = NULL;
    if (!ash_lower_all_f32(c)) return ASHORE_OK;
    struct cdist_params *p = ash_lower_to(c, cdist_run, sizeof *p, ash_pairs_best()->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = (struct cdist_params){ash_pairs_best(), ash_eltwise_best(), NULL};
    if (c->in[1]->data && bytes) {
        const struct ash_packing how = {
            .row = "pairs", .bytes = bytes, .pack = cdist_pack, .arg = dim};
        ASH_TRY(ash_lower_pack(c, &c->in[1]->data, 1, &how, &packed));
        p->packed = packed;
    } else {
        c->scratch = bytes;
    }
    return ASHORE_OK;
}

/* ---- MurmurHash3, of 32 bits, of the bytes of each element ---- */

struct murmur_attrs {
    uint32_t seed;
    bool positive;
};

static int murmur_parse(const struct ash_parse *c, void *attrs) {
    struct murmur_attrs *a = attrs;
    int64_t seed, positive;
    ASH_TRY(ash_parse_int(c, "seed", 0, &seed));
    ASH_TRY(ash_parse_int(c, "positive", 1, &positive));
    a->seed = (uint32_t)seed;
    a->positive = positive != 0;
    return ASHORE_OK;
}

static int murmur_dtype(const void *attrs) {
    return ((const struct murmur_attrs *)attrs)->positive ? ASHORE_UINT32 : ASHORE_INT32;
}

static int murmur_infer(struct ash_infer *c) {
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER | ASH_TAKES_STRING, &dtype));
    ash_infer_like(c, 0, murmur_dtype(c->attrs), 0);
    return ASHORE_OK;
}

static uint32_t turn(uint32_t x, int by) { return x << by | x >> (32 - by); }

static uint32_t murmur(const unsigned char *p, size_t n, uint32_t hash) {
    size_t i = 0;
    for (; i < n; i += 4) {
        uint32_t k = 0;
        for (size_t b = 0; b < 4 && i + b < n; b++) k |= (uint32_t)p[i + b] << 8 * b;
        hash ^= turn(k * 0xcc9e2d51u, 15) * 0x1b873593u;
        if (i + 4 <= n) hash = turn(hash, 13) * 5 + 0xe6546b64u;
    }
    hash ^= (uint32_t)n;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

static int murmur_ref(struct ash_run *c) {
    const struct murmur_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    ASH_TRY(ash_run_alloc(c, 0, murmur_dtype(a), x->rank, x->dim));
    int64_t count = ash_tensor_count(x);
    uint32_t *y = c->out[0]->data;
    for (int64_t i = 0; i < count; i++) {
        const void *bytes = ash_at(x, i);
        size_t n = ash_dtype_size(x->dtype);
        if (x->dtype == ASHORE_STRING) {
            const struct ash_str *s = bytes;
            n = s->length;
            bytes = n ? x->chars + s->offset : "";
        }
        y[i] = murmur(bytes, n, a->seed);
    }
    return ASHORE_OK;
}

#define ROW .domain = "com.microsoft", .since = 1, .out_min = 1, .out_max = 1

extern const struct ash_op ash_ops_ml_contrib[];
const struct ash_op ash_ops_ml_contrib[] = {
    {ROW, .name = "CDist", .in_min = 2, .in_max = 2, .attrs_size = sizeof(struct cdist_attrs),
     .parse = cdist_parse, .infer = cdist_infer, .ref = cdist_ref, .lower = cdist_lower},
    {ROW, .name = "MurmurHash3", .in_min = 1, .in_max = 1,
     .attrs_size = sizeof(struct murmur_attrs), .parse = murmur_parse, .infer = murmur_infer,
     .ref = murmur_ref},
    {0},
};
