/* What is done to scores along an axis. */
#include "base/error.h"
#include "base/heap.h"
#include "prep/prep_number.h"

#include <math.h>
#include <stdbool.h>

/* Rows along an axis: element k of row (o, i) lies at (o * n + k) * inner + i. */
struct rows {
    size_t outer, n, inner;
    int axis, rank;
    int64_t shape[ASHORE_MAX_RANK];
};

static int rows_of(const ashore_value *x, int axis, struct rows *rows, struct ashore_error *err) {
    int rank = ashore_value_rank(x);
    ASH_FAIL_IF(ashore_value_kind(x) != ASHORE_TENSOR, err, TYPE, "the value is no tensor");
    ASH_FAIL_IF(axis < -rank || axis >= rank, err, ARGUMENT, "axis %d of a tensor of rank %d", axis,
                rank);
    *rows =
        (struct rows){.outer = 1, .inner = 1, .axis = axis < 0 ? axis + rank : axis, .rank = rank};
    const int64_t *d = ashore_value_shape(x);
    for (int i = 0; i < rank; i++) {
        rows->shape[i] = d[i];
        if (i < rows->axis)
            rows->outer *= (size_t)d[i];
        else if (i > rows->axis)
            rows->inner *= (size_t)d[i];
    }
    rows->n = (size_t)d[rows->axis];
    return ASHORE_OK;
}

static void softmax_row(const float *x, float *y, size_t n, size_t step) {
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < n; k++) most = fmax(most, (double)x[k * step]);
    for (size_t k = 0; k < n; k++) sum += exp((double)x[k * step] - most);
    for (size_t k = 0; k < n; k++) y[k * step] = (float)(exp((double)x[k * step] - most) / sum);
}

int ashore_softmax(const ashore_value *x, int axis, ashore_value **y, struct ashore_error *err) {
    struct rows rows;
    struct ash_floats from;
    *y = NULL;
    ASH_TRY(rows_of(x, axis, &rows, err));
    ASH_TRY(ash_floats_init(&from, x, err));
    int rc = ashore_tensor_create(ASHORE_FLOAT32, rows.rank, rows.shape, y, err);
    for (size_t o = 0; rc == ASHORE_OK && o < rows.outer; o++) {
        for (size_t i = 0; i < rows.inner; i++) {
            size_t at = o * rows.n * rows.inner + i;
            softmax_row(from.data + at, (float *)ashore_value_data_mut(*y) + at, rows.n,
                        rows.inner);
        }
    }
    ash_floats_deinit(&from);
    return rc;
}

int ashore_sigmoid(const ashore_value *x, ashore_value **y, struct ashore_error *err) {
    struct ash_floats from;
    *y = NULL;
    ASH_TRY(ash_floats_init(&from, x, err));
    int rc =
        ashore_tensor_create(ASHORE_FLOAT32, ashore_value_rank(x), ashore_value_shape(x), y, err);
    if (rc == ASHORE_OK) {
        float *to = ashore_value_data_mut(*y);
        for (size_t i = 0; i < from.count; i++)
            to[i] = (float)(1 / (1 + exp(-(double)from.data[i])));
    }
    ash_floats_deinit(&from);
    return rc;
}

static bool is_less(float a, float b) { return a < b || (a != a && b == b); }

int ashore_argmax(const ashore_value *x, int axis, ashore_value **indices,
                  struct ashore_error *err) {
    struct rows rows;
    struct ash_floats from;
    *indices = NULL;
    ASH_TRY(rows_of(x, axis, &rows, err));
    ASH_FAIL_IF(rows.n < 1 || rows.n > INT32_MAX, err, SHAPE, "the largest of %zu numbers", rows.n);
    for (int i = rows.axis; i + 1 < rows.rank; i++) rows.shape[i] = rows.shape[i + 1];
    ASH_TRY(ash_floats_init(&from, x, err));
    int rc = ashore_tensor_create(ASHORE_INT32, rows.rank - 1, rows.shape, indices, err);
    int32_t *to = rc == ASHORE_OK ? ashore_value_data_mut(*indices) : NULL;
    for (size_t o = 0; to && o < rows.outer; o++) {
        for (size_t i = 0; i < rows.inner; i++) {
            const float *row = from.data + o * rows.n * rows.inner + i;
            size_t best = 0;
            for (size_t k = 1; k < rows.n; k++) {
                if (is_less(row[best * rows.inner], row[k * rows.inner])) best = k;
            }
            *to++ = (int32_t)best;
        }
    }
    ash_floats_deinit(&from);
    return rc;
}

/* ---- the k largest -------------------------------------------------------------------------- */

struct candidate {
    float value;
    int32_t index;
};

static bool goes_before(struct candidate a, struct candidate b) {
    if (is_less(b.value, a.value)) return true;
    return !is_less(a.value, b.value) && a.index < b.index;
}

/* A heap whose first is the last of the order: what is below i comes before it. */
static void sink(struct candidate *heap, size_t n, size_t i) {
    struct candidate moved = heap[i];
    for (size_t below; (below = 2 * i + 1) < n; i = below) {
        if (below + 1 < n && goes_before(heap[below], heap[below + 1])) below++;
        if (!goes_before(moved, heap[below])) break;
        heap[i] = heap[below];
    }
    heap[i] = moved;
}

/* The k first of the order, in order. */
static void choose(const float *x, size_t n, size_t step, struct candidate *heap, size_t k) {
    for (size_t i = 0; i < k; i++) heap[i] = (struct candidate){x[i * step], (int32_t)i};
    for (size_t i = k / 2; i-- > 0;) sink(heap, k, i);
    for (size_t i = k; i < n; i++) {
        struct candidate one = {x[i * step], (int32_t)i};
        if (!goes_before(one, heap[0])) continue;
        heap[0] = one;
        sink(heap, k, 0);
    }
    for (size_t left = k; left-- > 1;) {
        struct candidate last = heap[0];
        heap[0] = heap[left];
        heap[left] = last;
        sink(heap, left, 0);
    }
}

static void fill(const struct rows *rows, const float *x, size_t k, struct candidate *heap,
                 float *values, int32_t *indices) {
    for (size_t o = 0; o < rows->outer; o++) {
        for (size_t i = 0; i < rows->inner; i++) {
            choose(x + o * rows->n * rows->inner + i, rows->n, rows->inner, heap, k);
            for (size_t j = 0; j < k; j++) {
                size_t to = (o * k + j) * rows->inner + i;
                if (values) values[to] = heap[j].value;
                if (indices) indices[to] = heap[j].index;
            }
        }
    }
}

int ashore_top_k(const ashore_value *x, int axis, int64_t k, ashore_value **values,
                 ashore_value **indices, struct ashore_error *err) {
    struct rows rows;
    struct ash_floats from;
    if (values) *values = NULL;
    if (indices) *indices = NULL;
    ASH_TRY(rows_of(x, axis, &rows, err));
    ASH_FAIL_IF(k < 0 || (size_t)k > rows.n || rows.n > INT32_MAX, err, ARGUMENT,
                "the %lld largest of %zu numbers", (long long)k, rows.n);
    rows.shape[rows.axis] = k;
    ASH_TRY(ash_floats_init(&from, x, err));
    size_t bytes = ((size_t)k + 1) * sizeof(struct candidate);
    struct candidate *heap = ash_alloc(NULL, bytes);
    int rc = heap ? ASHORE_OK : ash_fail_nomem(err, bytes);
    if (rc == ASHORE_OK && values)
        rc = ashore_tensor_create(ASHORE_FLOAT32, rows.rank, rows.shape, values, err);
    if (rc == ASHORE_OK && indices)
        rc = ashore_tensor_create(ASHORE_INT32, rows.rank, rows.shape, indices, err);
    if (rc == ASHORE_OK && k > 0)
        fill(&rows, from.data, (size_t)k, heap, values ? ashore_value_data_mut(*values) : NULL,
             indices ? ashore_value_data_mut(*indices) : NULL);
    else if (rc != ASHORE_OK && values)
        ashore_value_release(values);
    ash_free(NULL, heap, bytes);
    ash_floats_deinit(&from);
    return rc;
}
