/* LinearClassifier and LinearRegressor of ai.onnx.ml: products of rows, and what is done to scores.
 *
 * Where the specification is silent, and where onnx's reference evaluator differs, they do as
 * onnxruntime does: one score for two classes becomes the pair 1 - s, s; scores that are alone are
 * transformed by PROBIT, those of classifiers by LOGISTIC, too, and by nothing else; classes are
 * chosen by the scores before the transformation. */
#include "base/heap.h"
#include "base/pool.h"
#include "kernels/eltwise/eltwise.h"
#include "kernels/pairs/pairs.h"
#include "kernels/softmax/softmax.h"
#include "ops/lowering.h"
#include "ops/ml.h"

#include <math.h>

struct linear_attrs {
    const float *weights, *bias; /* [targets, features], [targets] or NULL */
    size_t targets, features;
    bool few;            /* so that panels would be empty for the most part */
    const float *packed; /* weights, in panels; if few, as they are */
    int post;
    struct ash_labels labels;
};

/* ---- attributes ---- */

/* A row takes a step for each feature and panel, or four for 16 features of each target, which wait
 * for each other, and a sum over lanes, as long as some ten. */
static int pack_weights(const struct ash_parse *c, struct linear_attrs *a) {
    size_t panels = (a->targets + ASH_PAIRS_WIDE - 1) / ASH_PAIRS_WIDE;
    a->few = a->targets * (a->features / 4 + 10) <= panels * a->features;
    a->packed = a->weights;
    if (a->few) return ASHORE_OK;
    size_t n = ash_pairs_packed(a->targets, a->features);
    float *packed = ash_arena_array(c->arena, n, sizeof *packed);
    if (!packed) return ash_fail_nomem(c->err, ash_size_mul(n, sizeof *packed));
    ash_pairs_pack(a->targets, a->features, a->weights, packed);
    a->packed = packed;
    return ASHORE_OK;
}

static int parse_weights(const struct ash_parse *c, struct linear_attrs *a) {
    size_t n;
    ASH_TRY(ash_parse_floats(c, "coefficients", &a->weights, &n));
    ASH_FAIL_IF(!n || n % a->targets, c->err, ATTR,
                "attribute 'coefficients' has %zu numbers, expected as many for each of %zu %s", n,
                a->targets, a->labels.n ? "classes" : "targets");
    a->features = n / a->targets;
    ASH_TRY(ash_ml_post_parse(c, &a->post));
    return pack_weights(c, a);
}

static int classifier_parse(const struct ash_parse *c, void *attrs) {
    struct linear_attrs *a = attrs;
    size_t n;
    ASH_TRY(ash_labels_parse(c, "classlabels_ints", "classlabels_strings", &a->labels));
    ASH_TRY(ash_parse_floats(c, "intercepts", &a->bias, &n));
    a->targets = n ? n : a->labels.n;
    ASH_FAIL_IF(!a->targets, c->err, ATTR, "there are no classes: neither labels nor intercepts");
    size_t classes = a->targets > 1 ? a->targets : 2;
    ASH_FAIL_IF(a->labels.n != classes, c->err, ATTR, "%zu labels for %zu classes", a->labels.n,
                classes);
    return parse_weights(c, a);
}

static int regressor_parse(const struct ash_parse *c, void *attrs) {
    struct linear_attrs *a = attrs;
    int64_t targets;
    size_t n;
    ASH_TRY(ash_parse_int(c, "targets", 1, &targets));
    ASH_FAIL_IF(targets < 1 || targets > INT32_MAX, c->err, ATTR, "attribute 'targets' is %lld",
                (long long)targets);
    a->targets = (size_t)targets;
    ASH_TRY(ash_parse_floats(c, "intercepts", &a->bias, &n));
    ASH_FAIL_IF(n && n != a->targets, c->err, ATTR,
                "attribute 'intercepts' has %zu numbers for %zu targets", n, a->targets);
    return parse_weights(c, a);
}

/* ---- inference ---- */

/* [rows, columns] at output o. */
static int set_scores(struct ash_infer *c, int o, size_t columns, struct ash_dim *rows) {
    const struct linear_attrs *a = c->attrs;
    struct ash_dim features;
    ASH_TRY(ash_infer_rows(c, rows, &features));
    const struct ash_dim dim[2] = {*rows, ash_dim_exact((int64_t)columns)};
    if (o < c->n_out) ash_infer_set(c, o, ASHORE_FLOAT32, 2, dim);
    return ash_infer_agree(c, features, ash_dim_exact((int64_t)a->features), "features");
}

/* One score for two classes. */
static bool is_pair(const struct linear_attrs *a) { return a->targets == 1 && a->labels.n; }

static int classifier_infer(struct ash_infer *c) {
    const struct linear_attrs *a = c->attrs;
    struct ash_dim rows = ash_dim_unknown();
    int rc = set_scores(c, 1, is_pair(a) ? 2 : a->targets, &rows);
    ash_infer_set(c, 0, ash_labels_dtype(&a->labels), 1, &rows);
    return rc;
}

static int regressor_infer(struct ash_infer *c) {
    struct ash_dim rows;
    return set_scores(c, 0, ((const struct linear_attrs *)c->attrs)->targets, &rows);
}

/* ---- running ---- */

struct job {
    const struct linear_attrs *a;
    const struct ash_tensor *x;
    const struct ash_pairs_row *pairs;
    const struct ash_eltwise_row *functions;
    const struct ash_softmax_row *softmax;
    size_t n; /* rows */
    float *y; /* [n, targets], or pairs; NULL: not wanted */
    int64_t *chosen;
    unsigned char *scratch;
};

enum { ROWS = 64 }; /* of a tile */

/* A thread's scratch: converted rows, scores, those of a row in double. */
struct room {
    size_t scores, wide, end;
};

static struct room room_of(const struct linear_attrs *a, size_t rows, bool convert) {
    struct room r;
    size_t x = convert ? ash_size_mul(rows, a->features) : 0;
    r.scores = ash_align_up(ash_size_mul(x, sizeof(float)));
    r.wide = ash_align_up(
        ash_size_add(r.scores, ash_size_mul(rows, ash_size_mul(a->targets, sizeof(float)))));
    r.end = ash_align_up(ash_size_add(r.wide, ash_size_mul(a->targets, sizeof(double))));
    return r;
}

/* The scores of n rows, before they are transformed. */
static void score(const struct job *j, const float *x, size_t n, float *to) {
    const struct linear_attrs *a = j->a;
    const struct ash_pairs p = {.m = n,
                                .n = a->targets,
                                .k = a->features,
                                .x = x,
                                .ldx = a->features,
                                .y = a->packed,
                                .to = to,
                                .ldto = a->targets};
    if (!a->few) j->pairs->run(&p);
    for (size_t i = 0; a->few && i < n; i++, x += a->features)
        for (size_t k = 0; k < a->targets; k++)
            to[i * a->targets + k] = j->pairs->dot(a->features, x, a->weights + k * a->features);
    for (size_t i = 0; a->bias && i < n; i++, to += a->targets)
        for (size_t k = 0; k < a->targets; k++) to[k] += a->bias[k];
}

/* Of equal ones the first, and NaN is greater than any number. */
static int64_t greatest(const float *s, size_t n) {
    bool nan = isnan(s[0]);
    float most = s[0];
    int64_t at = 0;
    for (size_t i = 1; i < n; i++) {
        bool more = s[i] > most;
        nan = nan || isnan(s[i]);
        at = more ? (int64_t)i : at;
        most = more ? s[i] : most;
    }
    if (nan)
        for (at = 0; !isnan(s[at]);) at++;
    return at;
}

/* Of few scores to a row: the functions of all rows at once.  chosen: the greatest of each row, or
 * NULL. */
static void softmax_narrow(const struct ash_eltwise_row *row, size_t n, size_t width,
                           const int64_t *chosen, float *s) {
    for (size_t r = 0; r < n; r++) {
        float *to = s + r * width, most = to[chosen ? chosen[r] : greatest(to, width)];
        for (size_t k = 0; k < width; k++) to[k] -= most;
    }
    row->unary(ASH_UNARY_EXP, 0, 0, n * width, s, s);
    for (size_t r = 0; r < n; r++, s += width) {
        float sum = 0;
        for (size_t k = 0; k < width; k++) sum += s[k];
        float part = 1 / sum;
        for (size_t k = 0; k < width; k++) s[k] *= part;
    }
}

/* The scores of n rows. */
static void transform(const struct job *j, size_t n, const int64_t *chosen, float *s,
                      double *wide) {
    enum { NARROW = 16 };
    const struct linear_attrs *a = j->a;
    size_t count = n * a->targets;
    bool alone = a->targets == 1;
    if (a->post == ASH_ML_PROBIT) {
        for (size_t i = 0; i < count; i++) s[i] = ash_ml_probit(s[i]);
    } else if (a->post == ASH_ML_LOGISTIC && (!alone || is_pair(a))) {
        j->functions->unary(ASH_ACT_SIGMOID, 0, 0, count, s, s);
    } else if (a->post == ASH_ML_SOFTMAX && !alone) {
        if (a->targets < NARROW)
            softmax_narrow(j->functions, n, a->targets, chosen, s);
        else
            j->softmax->rows(false, n, a->targets, s, s);
    } else if (a->post == ASH_ML_SOFTMAX_ZERO && !alone) {
        for (size_t i = 0; i < count; i += a->targets) {
            for (size_t k = 0; k < a->targets; k++) wide[k] = (double)s[i + k];
            ash_ml_transform(a->post, wide, a->targets, false);
            for (size_t k = 0; k < a->targets; k++) s[i + k] = (float)wide[k];
        }
    }
}

static void run_tile(void *arg, size_t tile, size_t worker) {
    const struct job *j = arg;
    const struct linear_attrs *a = j->a;
    size_t first = tile * ROWS, n = j->n - first < ROWS ? j->n - first : ROWS;
    bool convert = j->x->dtype != ASHORE_FLOAT32;
    struct room room = room_of(a, j->n < ROWS ? j->n : ROWS, convert);
    unsigned char *at = j->scratch + worker * room.end;
    float *s = (float *)(void *)(at + room.scores), *y = NULL;
    const void *x = ash_at(j->x, (int64_t)(first * a->features));
    if (convert) {
        ash_convert(j->x->dtype, x, n * a->features, ASHORE_FLOAT32, at, true, ASH_ROUND_UP);
        x = at;
    }
    if (j->y) y = j->y + first * (is_pair(a) ? 2 : a->targets);
    if (y && !is_pair(a)) s = y;
    score(j, x, n, s);
    int64_t *chosen = j->chosen ? j->chosen + first : NULL;
    for (size_t i = 0; chosen && i < n; i++)
        chosen[i] = is_pair(a) ? s[i] > 0 : greatest(s + i * a->targets, a->targets);
    if (!y) return;
    transform(j, n, chosen, s, (double *)(void *)(at + room.wide));
    for (size_t i = 0; is_pair(a) && i < n; i++) {
        y[2 * i] = 1 - s[i];
        y[2 * i + 1] = s[i];
    }
}

static int run_rows(struct ash_run *c, struct job *j) {
    const struct linear_attrs *a = c->attrs;
    size_t room = room_of(a, j->n < ROWS ? j->n : ROWS, j->x->dtype != ASHORE_FLOAT32).end;
    size_t bytes = ash_size_mul(room, ash_pool_threads(c->pool));
    j->a = a;
    j->pairs = ash_pairs_best();
    j->functions = ash_eltwise_best();
    j->softmax = ash_softmax_best();
    j->scratch = c->scratch ? c->scratch : ash_alloc_aligned(c->heap, bytes);
    if (!j->scratch && bytes) return ash_fail_nomem(c->err, bytes);
    ash_pool_run_work(c->pool, (j->n + ROWS - 1) / ROWS,
                      j->n * (a->features + a->targets * (a->features / 4 + 32)) / 32768, run_tile,
                      j);
    if (!c->scratch) ash_free_aligned(c->heap, j->scratch, bytes);
    return ASHORE_OK;
}

static int run_texts(struct ash_run *c, struct job *j) {
    const struct linear_attrs *a = c->attrs;
    const int64_t rows = (int64_t)j->n;
    size_t bytes = ash_size_mul(j->n, sizeof *j->chosen);
    j->chosen = ash_alloc_aligned(c->heap, bytes);
    if (!j->chosen && bytes) return ash_fail_nomem(c->err, bytes);
    int rc = run_rows(c, j);
    if (rc == ASHORE_OK) rc = ash_labels_give(c, 0, &a->labels, 1, &rows, j->chosen);
    ash_free_aligned(c->heap, j->chosen, bytes);
    return rc;
}

static int classifier_run(struct ash_run *c) {
    const struct linear_attrs *a = c->attrs;
    struct job j = {.x = c->in[0]};
    int64_t rows, width = is_pair(a) ? 2 : (int64_t)a->targets;
    ASH_TRY(ash_run_rows(c, a->features, &rows));
    if (c->n_out > 1 && c->out[1]) {
        ASH_TRY(ash_run_alloc(c, 1, ASHORE_FLOAT32, 2, (int64_t[]){rows, width}));
        j.y = c->out[1]->data;
    }
    j.n = (size_t)rows;
    if (a->labels.texts || !c->out[0]) return run_texts(c, &j);
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_INT64, 1, &rows));
    j.chosen = c->out[0]->data;
    ASH_TRY(run_rows(c, &j));
    for (size_t i = 0; i < j.n; i++) j.chosen[i] = a->labels.ints[j.chosen[i]];
    return ASHORE_OK;
}

static int regressor_run(struct ash_run *c) {
    const struct linear_attrs *a = c->attrs;
    struct job j = {.x = c->in[0]};
    int64_t rows;
    ASH_TRY(ash_run_rows(c, a->features, &rows));
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_FLOAT32, 2, (int64_t[]){rows, (int64_t)a->targets}));
    j.y = c->out[0]->data;
    j.n = (size_t)rows;
    return run_rows(c, &j);
}

static int linear_lower(struct ash_lower *c) {
    const struct linear_attrs *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    size_t n = x->rank == 2 ? ash_extent(x, 0) : 1;
    c->run = a->labels.n ? classifier_run : regressor_run;
    c->kernel = ash_pairs_best()->name;
    c->scratch =
        ash_size_mul(room_of(a, n < ROWS ? n : ROWS, x->dtype != ASHORE_FLOAT32).end, c->threads);
    return ASHORE_OK;
}

#define LINEAR                                                                                     \
    .domain = ASH_ML, .since = 1, .in_min = 1, .in_max = 1, .out_min = 1,                          \
    .attrs_size = sizeof(struct linear_attrs)

extern const struct ash_op ash_ops_ml_linear[];
const struct ash_op ash_ops_ml_linear[] = {
    {LINEAR, .name = "LinearClassifier", .out_max = 2, .parse = classifier_parse,
     .infer = classifier_infer, .ref = classifier_run, .lower = linear_lower},
    {LINEAR, .name = "LinearRegressor", .out_max = 1, .parse = regressor_parse,
     .infer = regressor_infer, .ref = regressor_run, .lower = linear_lower},
    {0},
};
