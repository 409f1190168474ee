#include "prep/prep_boxes.h"

#include "base/error.h"
#include "base/heap.h"
#include "prep/prep_number.h"

#include <math.h>
#include <string.h>

int ash_box_check(int format, struct ashore_error *err) {
    ASH_FAIL_IF(format < ASHORE_BOX_XYXY || format > ASHORE_BOX_YXYX, err, ARGUMENT,
                "%d is none of ashore_box_format", format);
    return ASHORE_OK;
}

struct ash_box ash_box_read(const float *from, size_t step, int format) {
    float a = from[0], b = from[step], c = from[2 * step], d = from[3 * step];
    switch (format) {
    case ASHORE_BOX_XYWH:
        return (struct ash_box){a, b, a + c, b + d};
    case ASHORE_BOX_CXCYWH:
        return (struct ash_box){a - c / 2, b - d / 2, a + c / 2, b + d / 2};
    case ASHORE_BOX_YXYX:
        return (struct ash_box){b, a, d, c};
    default:
        return (struct ash_box){a, b, c, d};
    }
}

static void box_write(struct ash_box box, int format, float *to) {
    float w = box.right - box.left, h = box.bottom - box.top;
    const float all[][4] = {{box.left, box.top, box.right, box.bottom},
                            {box.left, box.top, w, h},
                            {box.left + w / 2, box.top + h / 2, w, h},
                            {box.top, box.left, box.bottom, box.right}};
    memcpy(to, all[format], sizeof all[format]);
}

int ashore_boxes_convert(const ashore_value *boxes, int from, int to, ashore_value **value,
                         struct ashore_error *err) {
    struct ash_floats x;
    int rank = ashore_value_rank(boxes);
    *value = NULL;
    ASH_TRY(ash_box_check(from, err));
    ASH_TRY(ash_box_check(to, err));
    ASH_FAIL_IF(rank < 1 || ashore_value_shape(boxes)[rank - 1] != 4, err, SHAPE,
                "the last extent of boxes is 4");
    ASH_TRY(ash_floats_init(&x, boxes, err));
    int rc = ashore_tensor_create(ASHORE_FLOAT32, rank, ashore_value_shape(boxes), value, err);
    if (rc == ASHORE_OK) {
        float *out = ashore_value_data_mut(*value);
        for (size_t i = 0; i < x.count; i += 4)
            box_write(ash_box_read(x.data + i, 1, from), to, out + i);
    }
    ash_floats_deinit(&x);
    return rc;
}

/* ---- order ---------------------------------------------------------------------------------- */

static bool goes_before(const struct ash_candidate *a, const struct ash_candidate *b) {
    return a->score > b->score || (a->score == b->score && a->index < b->index);
}

static void merge(const struct ash_candidate *from, size_t half, size_t end,
                  struct ash_candidate *to) {
    for (size_t a = 0, b = half, i = 0; i < end; i++) {
        bool first = b >= end || (a < half && !goes_before(&from[b], &from[a]));
        to[i] = first ? from[a++] : from[b++];
    }
}

int ash_candidates_sort(struct ash_candidate *c, size_t n, struct ashore_error *err) {
    if (n < 2) return ASHORE_OK;
    size_t bytes = ash_size_mul(n, sizeof *c);
    struct ash_candidate *other = ash_alloc(NULL, bytes), *from = c, *to = other;
    if (!other) return ash_fail_nomem(err, bytes);
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t end = n - at < 2 * width ? n - at : 2 * width;
            merge(from + at, width < end ? width : end, end, to + at);
        }
        struct ash_candidate *swap = from;
        from = to;
        to = swap;
    }
    if (from != c) memcpy(c, from, bytes);
    ash_free(NULL, other, bytes);
    return ASHORE_OK;
}

/* ---- suppression ---------------------------------------------------------------------------- */

static float area(struct ash_box b) {
    return fmaxf(b.right - b.left, 0) * fmaxf(b.bottom - b.top, 0);
}

static bool overlaps(struct ash_box a, struct ash_box b, float iou) {
    struct ash_box both = {fmaxf(a.left, b.left), fmaxf(a.top, b.top), fminf(a.right, b.right),
                           fminf(a.bottom, b.bottom)};
    float inside = area(both);
    return inside > iou * (area(a) + area(b) - inside);
}

size_t ash_candidates_suppress(struct ash_candidate *c, size_t n, float iou, bool by_class,
                               size_t most) {
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < most; i++) {
        bool dropped = false;
        for (size_t k = 0; iou < 1 && k < kept && !dropped; k++) {
            bool same = !by_class || c[k].class_number == c[i].class_number;
            dropped = same && overlaps(c[k].box, c[i].box, iou);
        }
        if (!dropped) c[kept++] = c[i];
    }
    return kept;
}

static int count_of(const ashore_value *boxes, const ashore_value *scores,
                    const ashore_value *classes, size_t *n, struct ashore_error *err) {
    *n = ashore_value_elements(scores);
    int rank = ashore_value_rank(boxes);
    bool four = rank >= 1 && ashore_value_shape(boxes)[rank - 1] == 4;
    ASH_FAIL_IF(!four || ashore_value_elements(boxes) != ash_size_mul(*n, 4) || *n > INT32_MAX ||
                    (classes && ashore_value_elements(classes) != *n),
                err, SHAPE, "%zu scores, %zu numbers of boxes [N,4], %zu classes", *n,
                ashore_value_elements(boxes), classes ? ashore_value_elements(classes) : 0);
    return ASHORE_OK;
}

int ashore_boxes_nms(const ashore_value *boxes, const ashore_value *scores,
                     const ashore_value *classes, float iou, float score, int64_t most,
                     ashore_value **kept, struct ashore_error *err) {
    struct ash_floats x = {0}, s = {0}, k = {0};
    struct ash_candidate *list = NULL;
    size_t n, found = 0;
    *kept = NULL;
    ASH_FAIL_IF(!(iou >= 0), err, ARGUMENT, "iou is %g", (double)iou);
    ASH_TRY(count_of(boxes, scores, classes, &n, err));
    size_t bytes = ash_size_mul(n + 1, sizeof *list);
    int rc = ash_floats_init(&x, boxes, err);
    if (rc == ASHORE_OK) rc = ash_floats_init(&s, scores, err);
    if (rc == ASHORE_OK && classes) rc = ash_floats_init(&k, classes, err);
    if (rc != ASHORE_OK) goto done;
    list = ash_alloc(NULL, bytes);
    rc = list ? ASHORE_OK : ash_fail_nomem(err, bytes);
    if (rc != ASHORE_OK) goto done;
    for (size_t i = 0; i < n; i++) {
        if (!(s.data[i] >= score)) continue;
        int32_t of = k.data && fabsf(k.data[i]) < 0x1p31f ? (int32_t)k.data[i] : 0;
        list[found++] = (struct ash_candidate){ash_box_read(x.data + 4 * i, 1, ASHORE_BOX_XYXY),
                                               s.data[i], of, (int32_t)i};
    }
    rc = ash_candidates_sort(list, found, err);
    if (rc != ASHORE_OK) goto done;
    found = ash_candidates_suppress(list, found, iou, classes != NULL,
                                    most > 0 ? (size_t)most : SIZE_MAX);
    rc = ashore_tensor_create(ASHORE_INT32, 1, &(int64_t){(int64_t)found}, kept, err);
    if (rc != ASHORE_OK) goto done;
    int32_t *to = ashore_value_data_mut(*kept);
    for (size_t i = 0; i < found; i++) to[i] = list[i].index;
done:
    ash_free(NULL, list, bytes);
    ash_floats_deinit(&x);
    ash_floats_deinit(&s);
    ash_floats_deinit(&k);
    return rc;
}
