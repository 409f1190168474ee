/* Boxes out of what detectors give. */
#include "base/error.h"
#include "base/heap.h"
#include "prep/prep_boxes.h"
#include "prep/prep_number.h"

#include <math.h>

void ashore_detect_options_init(struct ashore_detect_options *o) {
    *o = (struct ashore_detect_options){.struct_size = sizeof *o,
                                        .background = INT32_MIN,
                                        .score = 0.25f,
                                        .iou = 0.45f,
                                        .most = 300,
                                        .scale_x = 1,
                                        .scale_y = 1,
                                        .placement = {0, 0, 1, 1}};
}

/* Number j of row i lies at i * row + j * column. */
struct matrix {
    struct ash_floats x;
    size_t rows, columns, row, column;
};

static int matrix_init(struct matrix *m, const ashore_value *value, bool transposed,
                       struct ashore_error *err) {
    int rank = ashore_value_rank(value);
    const int64_t *d = ashore_value_shape(value);
    ASH_FAIL_IF(ashore_value_kind(value) != ASHORE_TENSOR || rank < 2, err, SHAPE,
                "boxes and scores have two extents at least");
    for (int i = 0; i < rank - 2; i++)
        ASH_FAIL_IF(d[i] != 1, err, SHAPE, "a batch of %lld: boxes are found in one picture",
                    (long long)d[i]);
    size_t a = (size_t)d[rank - 2], b = (size_t)d[rank - 1];
    ASH_TRY(ash_floats_init(&m->x, value, err));
    m->rows = transposed ? b : a;
    m->columns = transposed ? a : b;
    m->row = transposed ? 1 : b;
    m->column = transposed ? b : 1;
    return ASHORE_OK;
}

/* The likeliest class of a row of n scores, and its probability; -1: none. */
static int32_t classify(const float *x, size_t step, size_t n, int32_t background, int activation,
                        float *score) {
    int32_t best = -1;
    double sum = 0, most = -INFINITY;
    for (size_t k = 0; k < n; k++) {
        float v = x[k * step];
        most = fmax(most, (double)v);
        if ((int32_t)k != background && v == v && (best < 0 || v > x[(size_t)best * step]))
            best = (int32_t)k;
    }
    if (best < 0) return -1;
    double v = (double)x[(size_t)best * step];
    if (activation == ASHORE_SIGMOID) v = 1 / (1 + exp(-v));
    if (activation == ASHORE_SOFTMAX) {
        for (size_t k = 0; k < n; k++) sum += exp((double)x[k * step] - most);
        v = exp(v - most) / sum;
    }
    *score = (float)v;
    return best;
}

static float limit(float x, int32_t most) { return most > 0 ? fminf(fmaxf(x, 0), (float)most) : x; }

static struct ash_box to_picture(struct ash_box b, const struct ashore_detect_options *o) {
    const struct ashore_placement *p = &o->placement;
    float sx = o->scale_x * p->step_x, sy = o->scale_y * p->step_y;
    return (struct ash_box){
        limit(p->left + b.left * sx, o->width), limit(p->top + b.top * sy, o->height),
        limit(p->left + b.right * sx, o->width), limit(p->top + b.bottom * sy, o->height)};
}

static size_t collect(const struct matrix *boxes, const struct matrix *scores, size_t first,
                      const struct ashore_detect_options *o, struct ash_candidate *list) {
    size_t found = 0, before = first + (o->objectness ? 1 : 0), n = scores->columns - before;
    int32_t background = o->background;
    int of_object = o->activation == ASHORE_NONE ? ASHORE_NONE : ASHORE_SIGMOID;
    if (background < 0 && background != INT32_MIN) background += (int32_t)n;
    for (size_t i = 0; i < boxes->rows; i++) {
        const float *row = scores->x.data + i * scores->row;
        float score = 1, object = 1;
        int32_t best = 0;
        if (o->objectness &&
            classify(row + first * scores->column, 1, 1, -1, of_object, &object) < 0)
            continue;
        if (n > 0)
            best = classify(row + before * scores->column, scores->column, n, background,
                            o->activation, &score);
        score *= object;
        if (best < 0 || !(score >= o->score)) continue;
        struct ash_box box = ash_box_read(boxes->x.data + i * boxes->row, boxes->column, o->format);
        list[found++] = (struct ash_candidate){to_picture(box, o), score, best, (int32_t)i};
    }
    return found;
}

static int check(const struct ashore_detect_options *o, const struct matrix *boxes,
                 const struct matrix *scores, struct ashore_error *err) {
    ASH_TRY(ash_box_check(o->format, err));
    ASH_FAIL_IF(o->activation < ASHORE_NONE || o->activation > ASHORE_SOFTMAX, err, ARGUMENT,
                "%d is none of ashore_activation", (int)o->activation);
    ASH_FAIL_IF(!(o->iou >= 0) || o->most < 0, err, ARGUMENT, "iou is %g, most %d", (double)o->iou,
                (int)o->most);
    bool same = scores == boxes;
    size_t least = (same ? 4u : 0u) + (o->objectness || !same ? 1u : 0u);
    ASH_FAIL_IF(boxes->columns < 4 || (!same && boxes->columns != 4) || scores->columns < least ||
                    boxes->rows != scores->rows || boxes->rows > INT32_MAX,
                err, SHAPE, "rows of boxes [%zu,%zu] and scores [%zu,%zu]", boxes->rows,
                boxes->columns, scores->rows, scores->columns);
    return ASHORE_OK;
}

static int write(const struct ash_candidate *list, size_t n, ashore_value **value,
                 struct ashore_error *err) {
    int64_t shape[] = {(int64_t)n, 6};
    ASH_TRY(ashore_tensor_create(ASHORE_FLOAT32, 2, shape, value, err));
    float *to = ashore_value_data_mut(*value);
    for (size_t i = 0; i < n; i++, to += 6) {
        const struct ash_candidate *c = &list[i];
        const float row[] = {c->box.left,   c->box.top, c->box.right,
                             c->box.bottom, c->score,   (float)c->class_number};
        for (int k = 0; k < 6; k++) to[k] = row[k];
    }
    return ASHORE_OK;
}

int ashore_detect(const ashore_value *boxes, const ashore_value *scores,
                  const struct ashore_detect_options *options, ashore_value **value,
                  struct ashore_error *err) {
    struct matrix b = {0}, s = {0};
    struct ash_candidate *list = NULL;
    size_t bytes = 0;
    *value = NULL;
    int rc = matrix_init(&b, boxes, options->transposed != 0, err);
    if (rc == ASHORE_OK && scores) rc = matrix_init(&s, scores, options->transposed != 0, err);
    const struct matrix *of = scores ? &s : &b;
    if (rc == ASHORE_OK) rc = check(options, &b, of, err);
    if (rc != ASHORE_OK) goto done;
    bytes = ash_size_mul(b.rows + 1, sizeof *list);
    list = ash_alloc(NULL, bytes);
    rc = list ? ASHORE_OK : ash_fail_nomem(err, bytes);
    if (rc != ASHORE_OK) goto done;
    size_t found = collect(&b, of, scores ? 0 : 4, options, list);
    rc = ash_candidates_sort(list, found, err);
    if (rc != ASHORE_OK) goto done;
    found = ash_candidates_suppress(list, found, options->iou, !options->class_agnostic,
                                    (size_t)options->most);
    rc = write(list, found, value, err);
done:
    ash_free(NULL, list, bytes);
    ash_floats_deinit(&b.x);
    ash_floats_deinit(&s.x);
    return rc;
}
