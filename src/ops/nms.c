/* NonMaxSuppression.
 *
 * Letters: N images, C classes, B boxes. */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <math.h>
#include <string.h>

extern const struct ash_op ash_ops_nms[];

struct nms_attrs {
    int64_t center; /* boxes are [x, y, width, height] about their centre, else two corners */
};

static int nms_parse(const struct ash_parse *c, void *attrs) {
    struct nms_attrs *a = attrs;
    ASH_TRY(ash_parse_int(c, "center_point_box", 0, &a->center));
    ASH_FAIL_IF(a->center != 0 && a->center != 1, c->err, ATTR, "center_point_box is %lld",
                (long long)a->center);
    return ASHORE_OK;
}

static int nms_infer(struct ash_infer *c) {
    const struct ash_type *boxes = &c->in[0]->type, *scores = &c->in[1]->type;
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_exact(3)}, most = ash_dim_unknown();
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_FLOAT, &dtype));
    ash_infer_set(c, 0, ASHORE_INT64, 2, dim);
    for (int i = 2; i < c->n_in; i++) {
        if (c->in[i])
            ASH_TRY(ash_infer_types(c, i, i + 1, i == 2 ? ASH_TAKES_INT : ASH_TAKES_FLOAT, &dtype));
    }
    if (boxes->rank < 0 || scores->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(boxes->rank != 3 || scores->rank != 3, c->err, SHAPE,
                "boxes and scores have %d and %d dimensions", boxes->rank, scores->rank);
    struct ash_dim B = boxes->dim[1];
    ASH_TRY(ash_infer_agree(c, boxes->dim[2], ash_dim_exact(4), "numbers of a box"));
    ASH_TRY(ash_infer_agree(c, scores->dim[0], boxes->dim[0], "images with scores"));
    ASH_TRY(ash_infer_agree(c, scores->dim[2], B, "boxes with scores"));
    int64_t limit = 0;
    int n;
    int rc = ash_infer_has(c, 2) ? ash_infer_exact_ints(c, 2, &limit, 1, &n) : ASHORE_OK;
    if (rc < 0) return rc;
    most = rc == ASHORE_OK ? ash_infer_dim(c, ASH_DIM_MIN, B, ash_dim_exact(limit > 0 ? limit : 0))
                           : B;
    most = ash_infer_dim(c, ASH_DIM_MUL, most, scores->dim[0]);
    most = ash_infer_dim(c, ASH_DIM_MUL, most, scores->dim[1]);
    if (most.kind == ASH_DIM_EXACT || most.kind == ASH_DIM_BOUNDED)
        dim[0] = ash_dim_bounded(most.value);
    ash_infer_set(c, 0, ASHORE_INT64, 2, dim);
    return ASHORE_OK;
}

struct nms {
    const float *boxes; /* corners, the lower one first: [B][4] */
    double overlap;     /* more is too much */
    int32_t *heap;      /* candidates, the best at [0] */
    int64_t n;          /* of them */
    const float *scores;
};

/* Whether box a comes before b: by score, then by number. */
static bool before(const struct nms *s, int32_t a, int32_t b) {
    return s->scores[a] > s->scores[b] || (s->scores[a] == s->scores[b] && a < b);
}

static void sift(const struct nms *s, int64_t i) {
    int32_t v = s->heap[i];
    for (int64_t k; (k = 2 * i + 1) < s->n; i = k) {
        if (k + 1 < s->n && before(s, s->heap[k + 1], s->heap[k])) k++;
        if (!before(s, s->heap[k], v)) break;
        s->heap[i] = s->heap[k];
    }
    s->heap[i] = v;
}

/* Float32 throughout, as the operator is defined: overlaps are compared with a limit. */
static bool overlaps(const struct nms *s, int32_t i, int32_t k) {
    const float *a = s->boxes + (size_t)i * 4, *b = s->boxes + (size_t)k * 4;
    float side[2], area_a = (a[2] - a[0]) * (a[3] - a[1]), area_b = (b[2] - b[0]) * (b[3] - b[1]);
    for (int d = 0; d < 2; d++) {
        float low = a[d] > b[d] ? a[d] : b[d], high = a[2 + d] < b[2 + d] ? a[2 + d] : b[2 + d];
        side[d] = high - low;
        if (!(side[d] > 0)) return false;
    }
    float common = side[0] * side[1], all = area_a + area_b - common;
    if (!(common > 0) || area_a <= 0 || area_b <= 0 || all <= 0) return false;
    return (double)(common / all) > s->overlap;
}

static void load_boxes(const struct ash_tensor *t, int64_t n, bool center, float *to) {
    for (int64_t i = 0; i < t->dim[1]; i++, to += 4) {
        float v[4];
        for (int k = 0; k < 4; k++) v[k] = (float)ash_get_f64(t, (n * t->dim[1] + i) * 4 + k);
        for (int k = 0; k < 2; k++) {
            float half = v[2 + k] / 2;
            to[k] = center ? v[k] - half : v[k] < v[2 + k] ? v[k] : v[2 + k];
            to[2 + k] = center ? v[k] + half : v[k] < v[2 + k] ? v[2 + k] : v[k];
        }
    }
}

/* Chooses boxes of one class; *found of them so far, [.][3] in out. */
static void select_boxes(struct nms *s, int64_t limit, int64_t image, int64_t class, int64_t *out,
                         int64_t *found) {
    int64_t *own = out + *found * 3, n = 0;
    for (int64_t i = s->n / 2; i-- > 0;) sift(s, i);
    while (s->n > 0 && n < limit) {
        int32_t best = s->heap[0];
        s->heap[0] = s->heap[--s->n];
        if (s->n) sift(s, 0);
        bool keep = true;
        for (int64_t i = 0; keep && i < n; i++) keep = !overlaps(s, best, (int32_t)own[i * 3 + 2]);
        if (!keep) continue;
        own[n * 3] = image;
        own[n * 3 + 1] = class;
        own[n++ * 3 + 2] = best;
    }
    *found += n;
}

static double scalar(const struct ash_run *c, int i, double fallback) {
    bool there = ash_run_has(c, i) && ash_tensor_count(c->in[i]) > 0;
    return there ? ash_get_f64(c->in[i], 0) : fallback;
}

static int nms_select(struct ash_run *c, int64_t limit, void *memory, int64_t *out,
                      int64_t *found) {
    const struct nms_attrs *a = c->attrs;
    const struct ash_tensor *boxes = c->in[0], *scores = c->in[1];
    int64_t N = scores->dim[0], C = scores->dim[1], B = scores->dim[2];
    float *corners = memory, *score = corners + 4 * B;
    struct nms s = {.boxes = corners, .scores = score, .overlap = scalar(c, 3, 0)};
    double least = scalar(c, 4, -INFINITY);
    bool all = !ash_run_has(c, 4) || ash_tensor_count(c->in[4]) == 0;
    s.heap = (int32_t *)(void *)(score + B);
    for (int64_t i = 0; i < N * C; i++) {
        if (i % C == 0) load_boxes(boxes, i / C, a->center != 0, corners);
        s.n = 0;
        for (int64_t k = 0; k < B; k++) {
            double v = ash_get_f64(scores, i * B + k);
            score[k] = (float)v;
            if (all || v > least) s.heap[s.n++] = (int32_t)k;
        }
        select_boxes(&s, limit, i / C, i % C, out, found);
    }
    return ASHORE_OK;
}

static int nms_ref(struct ash_run *c) {
    int64_t B = c->in[0]->dim[1], limit = 0, most, dim[2] = {0, 3};
    int64_t classes = c->in[1]->dim[0] * c->in[1]->dim[1];
    double overlap = scalar(c, 3, 0);
    if (ash_run_has(c, 2) && ash_tensor_count(c->in[2]) > 0) limit = ash_get_i64(c->in[2], 0);
    limit = limit < 0 ? 0 : limit < B ? limit : B;
    ASH_FAIL_IF(!(overlap >= 0 && overlap <= 1), c->err, ARGUMENT, "iou_threshold %g", overlap);
    ASH_FAIL_IF(B > INT32_MAX, c->err, LIMIT, "%lld boxes", (long long)B);
    ASH_FAIL_IF(limit > 0 && classes > INT32_MAX, c->err, LIMIT, "%lld classes",
                (long long)classes);
    most = limit ? classes * limit : 0;
    size_t work = (size_t)B * 6 * sizeof(float), rows = ash_size_mul((size_t)most, 24);
    size_t bytes = ash_size_add(rows, work) + 1;
    char *memory = ash_alloc(c->heap, bytes);
    if (!memory) return ash_fail_nomem(c->err, bytes);
    int64_t *out = (int64_t *)(void *)memory;
    int rc = most ? nms_select(c, limit, memory + rows, out, &dim[0]) : ASHORE_OK;
    if (rc == ASHORE_OK) rc = ash_run_alloc(c, 0, ASHORE_INT64, 2, dim);
    if (rc == ASHORE_OK && dim[0]) memcpy(c->out[0]->data, out, (size_t)dim[0] * 3 * sizeof *out);
    ash_free(c->heap, memory, bytes);
    return rc;
}

const struct ash_op ash_ops_nms[] = {{.name = "NonMaxSuppression",
                                      .domain = "",
                                      .since = 10,
                                      .in_min = 2,
                                      .in_max = 5,
                                      .out_min = 1,
                                      .out_max = 1,
                                      .attrs_size = sizeof(struct nms_attrs),
                                      .parse = nms_parse,
                                      .infer = nms_infer,
                                      .ref = nms_ref},
                                     {0}};
