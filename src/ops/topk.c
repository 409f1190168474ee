/* TopK: the k greatest (or least) elements along a dimension, best first; of equal ones that with
 * the lower index comes first.  x[outer][n][inner] is searched lane by lane with a heap of k
 * entries, the worst on top. */
#include "base/heap.h"
#include "base/pool.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/move.h"
#include "ops/order.h"

#include <string.h>

enum { TOPK_WORK = 16384 /* elements that are worth a trip through the pool */ };

struct topk_attrs {
    int64_t axis, k; /* k: before version 10 */
    bool least;
};

static int topk_parse(const struct ash_parse *c, void *attrs) {
    struct topk_attrs *a = attrs;
    int64_t largest;

    ASH_TRY(ash_parse_int(c, "axis", -1, &a->axis));
    ASH_TRY(ash_parse_int(c, "largest", 1, &largest));
    a->least = !largest;
    return c->node->opset < 10 ? ash_parse_int_required(c, "k", &a->k) : ASHORE_OK;
}

static int topk_infer(struct ash_infer *c) {
    const struct topk_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim k = ash_dim_exact(a->k), dim[ASH_MAX_RANK];
    int dtype, axis, one = 1, rc = ASHORE_OK;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    if (c->n_out > 1) ash_infer_set(c, 1, ASHORE_INT64, -1, NULL);
    if (ash_infer_has(c, 1)) {
        rc = ash_infer_ints(c, 1, &k, 1, &one);
        if (rc == ASHORE_OK) rc = ash_infer_known(&k, 1);
        if (rc < 0) return rc;
        if (rc == ASHORE_NEEDS_DATA) k = ash_dim_unknown();
    }
    ASH_FAIL_IF(one != 1, c->err, SHAPE, "k has %d elements", one);
    if (t->rank < 0) return rc;
    ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
    memcpy(dim, t->dim, sizeof dim);
    ASH_FAIL_IF(k.kind == ASH_DIM_EXACT && k.value < 0, c->err, SHAPE, "k is %lld",
                (long long)k.value);
    ASH_FAIL_IF(k.kind == ASH_DIM_EXACT && dim[axis].kind == ASH_DIM_EXACT &&
                    k.value > dim[axis].value,
                c->err, SHAPE, "%lld elements of an extent of %lld", (long long)k.value,
                (long long)dim[axis].value);
    dim[axis] = k;
    ash_infer_set(c, 0, dtype, t->rank, dim);
    if (c->n_out > 1) ash_infer_set(c, 1, ASHORE_INT64, t->rank, dim);
    return rc;
}

struct entry {
    int64_t key, index;
};

struct topk_job {
    const struct ash_tensor *x, *values, *indices; /* what is not wanted: NULL */
    int64_t n, inner, k, lanes, per_tile;
    int64_t flip; /* -1: the least */
    struct entry *heaps;
    size_t heap_size; /* entries from one worker's to the next's */
};

static bool worse(const struct entry *a, const struct entry *b) {
    return a->key < b->key || (a->key == b->key && a->index > b->index);
}

/* Puts e where the top was, in a heap of n entries. */
static void sink(struct entry *heap, int64_t n, struct entry e) {
    int64_t at = 0;

    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && worse(&heap[child + 1], &heap[child])) child++;
        if (!worse(&heap[child], &e)) break;
        heap[at] = heap[child];
    }
    heap[at] = e;
}

static void rise(struct entry *heap, int64_t at, struct entry e) {
    for (int64_t up; at && worse(&e, &heap[up = (at - 1) / 2]); at = up) heap[at] = heap[up];
    heap[at] = e;
}

static void search(const struct topk_job *j, int64_t first, struct entry *heap) {
    int64_t key[ASH_TILE];
    size_t m;

    for (int64_t i = 0; (m = ash_tile_size(j->n, i)); i += (int64_t)m) {
        ash_gather_keys(j->x, first + i * j->inner, j->inner, m, key);
        for (size_t t = 0; t < m; t++) {
            struct entry e = {key[t] ^ j->flip, i + (int64_t)t};

            if (e.index < j->k)
                rise(heap, e.index, e);
            else if (e.key > heap[0].key)
                sink(heap, j->k, e);
        }
    }
    for (int64_t n = j->k - 1; n > 0; n--) { /* the worst goes to the end */
        struct entry e = heap[n];

        heap[n] = heap[0];
        sink(heap, n, e);
    }
}

static void topk_tile(void *arg, size_t tile, size_t worker) {
    const struct topk_job *j = arg;
    struct entry *heap = j->heaps + worker * j->heap_size;
    size_t size = ash_dtype_size(j->x->dtype);
    int64_t end = ((int64_t)tile + 1) * j->per_tile;

    for (int64_t l = (int64_t)tile * j->per_tile; l < end && l < j->lanes; l++) {
        int64_t o = l / j->inner, i = l % j->inner, first = o * j->n * j->inner + i;

        search(j, first, heap);
        for (int64_t r = 0; r < j->k; r++) {
            int64_t to = (o * j->k + r) * j->inner + i;

            if (j->indices) ((int64_t *)j->indices->data)[to] = heap[r].index;
            if (j->values)
                memcpy(ash_at(j->values, to), ash_at(j->x, first + heap[r].index * j->inner), size);
        }
    }
}

static size_t heap_bytes(int64_t k) {
    return ash_align_up(ash_size_mul((size_t)k, sizeof(struct entry)));
}

static int topk_run(struct ash_run *c) {
    const struct topk_attrs *a = c->attrs;
    struct topk_job j = {.x = c->in[0], .k = a->k, .flip = a->least ? -1 : 0};
    int64_t dim[ASH_MAX_RANK];
    size_t bytes;
    int axis;

    ASH_TRY(ash_axis(a->axis, j.x->rank, &axis, c->err));
    if (ash_run_has(c, 1)) {
        ASH_FAIL_IF(ash_tensor_count(c->in[1]) != 1, c->err, SHAPE, "k is not one number");
        j.k = ash_get_i64(c->in[1], 0);
    }
    memcpy(dim, j.x->dim, sizeof dim);
    j.n = dim[axis];
    ASH_FAIL_IF(j.k < 0 || j.k > j.n, c->err, SHAPE, "%lld elements of an extent of %lld",
                (long long)j.k, (long long)j.n);
    dim[axis] = j.k;
    if (c->out[0]) ASH_TRY(ash_run_alloc(c, 0, j.x->dtype, j.x->rank, dim));
    if (c->n_out > 1 && c->out[1]) ASH_TRY(ash_run_alloc(c, 1, ASHORE_INT64, j.x->rank, dim));
    j.values = c->out[0];
    j.indices = c->n_out > 1 ? c->out[1] : NULL;
    j.inner = ash_dims_product(dim, axis + 1, j.x->rank);
    j.lanes = ash_dims_product(dim, 0, axis) * j.inner;
    if (!j.lanes || !j.k) return ASHORE_OK;
    bytes = ash_size_mul(heap_bytes(j.k), ash_pool_threads(c->pool));
    j.heaps = c->scratch ? c->scratch : ash_alloc_aligned(c->heap, bytes);
    if (!j.heaps) return ash_fail_nomem(c->err, bytes);
    j.heap_size = heap_bytes(j.k) / sizeof(struct entry);
    j.per_tile = j.n < TOPK_WORK ? TOPK_WORK / j.n : 1;
    ash_pool_run(c->pool, (size_t)((j.lanes + j.per_tile - 1) / j.per_tile), topk_tile, &j);
    if (!c->scratch) ash_free_aligned(c->heap, j.heaps, bytes);
    return ASHORE_OK;
}

static int topk_lower(struct ash_lower *c) {
    const struct topk_attrs *a = c->attrs;
    const struct ash_type *t = &c->out[c->node->out[0] == ASH_NONE].type;
    int axis;

    ASH_TRY(ash_axis(a->axis, t->rank, &axis, c->err));
    c->scratch = ash_size_mul(heap_bytes(t->dim[axis].value), c->threads);
    c->run = topk_run;
    c->kernel = "topk";
    return ASHORE_OK;
}

#define TOPK                                                                                       \
    .name = "TopK", .domain = "", .out_min = 1, .out_max = 2,                                      \
    .attrs_size = sizeof(struct topk_attrs), .parse = topk_parse, .infer = topk_infer,             \
    .ref = topk_run, .lower = topk_lower

extern const struct ash_op ash_ops_topk[];
const struct ash_op ash_ops_topk[] = {
    {TOPK, .since = 1, .until = 9, .in_min = 1, .in_max = 1},
    {TOPK, .since = 10, .in_min = 2, .in_max = 2},
    {0},
};
