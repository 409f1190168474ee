/* SVMClassifier and SVMRegressor of ai.onnx.ml.
 *
 * Where the specification is silent, and where onnx's reference evaluator differs, they do as
 * onnxruntime does: without probabilities there is a score for each pair of classes, two classes
 * have the pair of one score; classes are chosen by the votes of the pairs, not by probabilities;
 * of a linear model all scores get the first number of 'rho'; SVMRegressor transforms nothing. */
#include "ops/ml_svm.h"

#include "base/heap.h"
#include "base/pool.h"
#include "kernels/eltwise/eltwise.h"
#include "ops/lowering.h"

#include <string.h>

/* ---- attributes ---- */

static int kernel_parse(const struct ash_parse *c, struct ash_svm *a) {
    static const char *const kernels[] = {"LINEAR", "POLY", "RBF", "SIGMOID", NULL};
    const float *params;
    size_t n;
    ASH_TRY(ash_parse_choice(c, "kernel_type", kernels, ASH_SVM_LINEAR, &a->kernel));
    ASH_TRY(ash_parse_floats(c, "kernel_params", &params, &n));
    ASH_FAIL_IF(n && n != 3, c->err, ATTR,
                "attribute 'kernel_params' has %zu numbers, expected gamma, coef0 and degree", n);
    if (n) {
        a->gamma = params[0];
        a->shift = params[1];
        a->degree = params[2];
    }
    ASH_TRY(ash_parse_floats(c, "rho", &a->rho, &a->n_rho));
    ASH_FAIL_IF(!a->n_rho, c->err, ATTR, "attribute 'rho' is missing, or empty");
    return ash_ml_post_parse(c, &a->post);
}

/* to[features] += the vectors from `first` on, each by its weight. */
static void add_vectors(const struct ash_svm *a, const float *weights, size_t first, size_t n,
                        double *to) {
    for (size_t i = 0; i < n; i++) {
        const float *vector = a->vectors + (first + i) * a->features;
        for (size_t f = 0; f < a->features; f++) to[f] += (double)weights[i] * (double)vector[f];
    }
}

static void fold_pair(const struct ash_svm *a, size_t i, size_t j, double *sum) {
    size_t at = 0;
    for (size_t k = 0; k <= j; at += (size_t)a->per_class[k++])
        if (k == i || k == j)
            add_vectors(a, a->weights + (k == i ? j - 1 : i) * a->n_vectors + at, at,
                        (size_t)a->per_class[k], sum);
}

/* Sums of vectors of a linear kernel, for each pair of classes or, of a regressor, all; in double:
 * what is left of them is often small beside the vectors. */
static void fold_vectors(const struct ash_svm *a, double *sum, float *to) {
    size_t classes = a->labels.n ? a->labels.n : 2;
    for (size_t i = 0; i + 1 < classes; i++) {
        for (size_t j = i + 1; j < classes; j++, to += a->features) {
            for (size_t f = 0; f < a->features; f++) sum[f] = 0;
            if (a->labels.n)
                fold_pair(a, i, j, sum);
            else
                add_vectors(a, a->weights, 0, a->n_vectors, sum);
            for (size_t f = 0; f < a->features; f++) to[f] = (float)sum[f];
        }
    }
}

/* What rows are multiplied with, or their distance is taken from. */
static int pack_vectors(const struct ash_parse *c, struct ash_svm *a) {
    struct ash_heap *heap = c->arena->heap;
    const float *from = a->n_vectors ? a->vectors : a->weights;
    size_t n = ash_size_mul(a->n_kernels, a->features);
    size_t packed = a->few ? n : ash_pairs_packed(a->n_kernels, a->features);
    size_t bytes =
        ash_size_add(ash_size_mul(n, sizeof(float)), ash_size_mul(a->features, sizeof(double)));
    double *sum = NULL;
    a->packed = from;
    if (a->few && !a->folded) return ASHORE_OK;
    float *to = ash_arena_array(c->arena, packed, sizeof *to);
    if (!to) return ash_fail_nomem(c->err, ash_size_mul(packed, sizeof *to));
    a->packed = to;
    if (a->folded) {
        sum = ash_alloc_aligned(heap, bytes);
        if (!sum) return ash_fail_nomem(c->err, bytes);
        from = (float *)(void *)(sum + a->features);
        fold_vectors(a, sum, (float *)(void *)(sum + a->features));
    }
    if (a->few)
        memcpy(to, from, n * sizeof *to);
    else
        ash_pairs_pack(a->n_kernels, a->features, from, to);
    if (sum) ash_free_aligned(heap, sum, bytes);
    return ASHORE_OK;
}

/* How many products or distances a row's scores hang on. */
static void count_kernels(struct ash_svm *a) {
    enum { FEW = 4, MOST = 1 << 28 }; /* multiplications while loading */
    size_t others = a->labels.n > 1 ? a->labels.n - 1 : 1;
    size_t pairs = a->labels.n ? ash_svm_pairs(a) : 1;
    size_t work = ash_size_mul(a->n_vectors, ash_size_mul(a->features, others));
    a->n_kernels = a->n_vectors ? a->n_vectors : a->labels.n ? a->labels.n : 1;
    a->folded =
        a->n_vectors && a->kernel == ASH_SVM_LINEAR && pairs <= a->n_vectors && work <= MOST;
    if (a->folded) a->n_kernels = pairs;
    a->few = a->n_kernels <= FEW && a->kernel != ASH_SVM_RBF;
}

/* The features of n_vectors vectors, or of `rows` rows of weights where there are none, which must
 * be a linear model. */
static int features_parse(const struct ash_parse *c, struct ash_svm *a, size_t n_weights,
                          size_t rows) {
    size_t n;
    ASH_TRY(ash_parse_floats(c, "support_vectors", &a->vectors, &n));
    ASH_FAIL_IF(!n_weights, c->err, ATTR, "attribute 'coefficients' is missing, or empty");
    size_t numbers = a->n_vectors ? n : n_weights, of = a->n_vectors ? a->n_vectors : rows;
    ASH_FAIL_IF(!numbers || numbers % of, c->err, ATTR,
                "attribute '%s' has %zu numbers, expected as many for each of %zu rows",
                a->n_vectors ? "support_vectors" : "coefficients", numbers, of);
    a->features = numbers / of;
    if (!a->n_vectors) a->kernel = ASH_SVM_LINEAR;
    return ASHORE_OK;
}

static int regressor_parse(const struct ash_parse *c, void *attrs) {
    struct ash_svm *a = attrs;
    int64_t vectors, one_class;
    size_t n;
    ASH_TRY(kernel_parse(c, a));
    ASH_TRY(ash_parse_int(c, "n_supports", 0, &vectors));
    ASH_TRY(ash_parse_int(c, "one_class", 0, &one_class));
    ASH_TRY(ash_parse_floats(c, "coefficients", &a->weights, &n));
    ASH_FAIL_IF(vectors < 0 || vectors > INT32_MAX || (vectors && (size_t)vectors != n), c->err,
                ATTR, "%zu coefficients for %lld support vectors", n, (long long)vectors);
    a->n_vectors = (size_t)vectors;
    a->one_class = one_class != 0;
    ASH_TRY(features_parse(c, a, n, 1));
    count_kernels(a);
    return pack_vectors(c, a);
}

static int vectors_parse(const struct ash_parse *c, struct ash_svm *a) {
    size_t n;
    ASH_TRY(ash_parse_ints(c, "vectors_per_class", &a->per_class, &n));
    for (size_t i = 0; i < n; i++) {
        ASH_FAIL_IF(a->per_class[i] < 0 || a->per_class[i] > INT32_MAX - (int64_t)a->n_vectors,
                    c->err, ATTR, "class %zu has %lld support vectors", i,
                    (long long)a->per_class[i]);
        a->n_vectors += (size_t)a->per_class[i];
    }
    ASH_FAIL_IF(a->n_vectors && n != a->labels.n, c->err, ATTR,
                "attribute 'vectors_per_class' has %zu numbers for %zu classes", n, a->labels.n);
    return ASHORE_OK;
}

static int check_pairs(const struct ash_parse *c, const struct ash_svm *a, size_t n, size_t n_a) {
    size_t classes = a->labels.n;
    ASH_FAIL_IF(classes < 2, c->err, ATTR, "there are support vectors of a single class");
    ASH_FAIL_IF(n / (classes - 1) != a->n_vectors || n % (classes - 1), c->err, ATTR,
                "%zu coefficients for %zu support vectors of %zu classes", n, a->n_vectors,
                classes);
    ASH_FAIL_IF(a->n_rho < ash_svm_pairs(a) || (n_a && n_a < ash_svm_pairs(a)), c->err, ATTR,
                "attribute '%s' has %zu numbers for %zu pairs of classes",
                a->n_rho < ash_svm_pairs(a) ? "rho" : "prob_a",
                a->n_rho < ash_svm_pairs(a) ? a->n_rho : n_a, ash_svm_pairs(a));
    return ASHORE_OK;
}

static int classifier_parse(const struct ash_parse *c, void *attrs) {
    struct ash_svm *a = attrs;
    size_t n, n_a, n_b;
    ASH_TRY(kernel_parse(c, a));
    ASH_TRY(ash_labels_parse(c, "classlabels_ints", "classlabels_strings", &a->labels));
    size_t classes = a->labels.n;
    ASH_FAIL_IF(!classes || classes > UINT16_MAX, c->err, ATTR, "%zu classes", classes);
    ASH_TRY(vectors_parse(c, a));
    ASH_TRY(ash_parse_floats(c, "coefficients", &a->weights, &n));
    ASH_TRY(features_parse(c, a, n, classes));
    ASH_TRY(ash_parse_floats(c, "prob_a", &a->prob_a, &n_a));
    ASH_TRY(ash_parse_floats(c, "prob_b", &a->prob_b, &n_b));
    a->probabilities = n_a != 0;
    a->positive = true;
    for (size_t i = 0; i < n; i++) a->positive = a->positive && a->weights[i] >= 0;
    ASH_FAIL_IF(n_a != n_b, c->err, ATTR, "attribute 'prob_a' has %zu numbers, 'prob_b' %zu", n_a,
                n_b);
    if (a->n_vectors) ASH_TRY(check_pairs(c, a, n, n_a));
    count_kernels(a);
    return pack_vectors(c, a);
}

/* ---- inference ---- */

static int rows_infer(struct ash_infer *c, int o, size_t width, struct ash_dim *rows) {
    const struct ash_svm *a = c->attrs;
    struct ash_dim features;
    ASH_TRY(ash_infer_rows(c, rows, &features));
    const struct ash_dim dim[2] = {*rows, ash_dim_exact((int64_t)width)};
    if (o < c->n_out) ash_infer_set(c, o, ASHORE_FLOAT32, 2, dim);
    return ash_infer_agree(c, features, ash_dim_exact((int64_t)a->features), "features");
}

static int classifier_infer(struct ash_infer *c) {
    const struct ash_svm *a = c->attrs;
    struct ash_dim rows = ash_dim_unknown();
    int rc = rows_infer(c, 1, ash_svm_columns(a), &rows);
    ash_infer_set(c, 0, ash_labels_dtype(&a->labels), 1, &rows);
    return rc;
}

static int regressor_infer(struct ash_infer *c) {
    struct ash_dim rows;
    return rows_infer(c, 0, 1, &rows);
}

/* ---- running ---- */

/* What the products or distances of rows and vectors become. */
static void make_kernels(const struct ash_svm *a, const struct ash_eltwise_row *row, size_t n,
                         float *x) {
    const struct ash_eltwise_span power = {
        .rows = 1, .n = n, .x = {x, &a->degree}, .step = {1, 0}, .y = x};
    const struct ash_act_f32 none = {0};
    switch (a->kernel) {
    case ASH_SVM_LINEAR:
        return;
    case ASH_SVM_RBF:
        row->unary(ASH_UNARY_AFFINE, -a->gamma, 0, n, x, x);
        row->unary(ASH_UNARY_EXP, 0, 0, n, x, x);
        return;
    default:
        row->unary(ASH_UNARY_AFFINE, a->gamma, a->shift, n, x, x);
    }
    if (a->kernel == ASH_SVM_SIGMOID)
        row->unary(ASH_ACT_TANH, 0, 0, n, x, x);
    else if (a->degree == 2)
        row->unary(ASH_UNARY_SQUARE, 0, 0, n, x, x);
    else if (a->degree == 3)
        for (size_t i = 0; i < n; i++) x[i] *= x[i] * x[i];
    else
        row->binary(ASH_BINARY_POW, none, &power);
}

struct job {
    const struct ash_svm *a;
    const struct ash_pairs_row *pairs;
    const struct ash_eltwise_row *functions;
    const struct ash_tensor *x;
    size_t n, rows; /* rows in all, and of a tile */
    float *y;       /* NULL: not wanted */
    int64_t *chosen;
    unsigned char *scratch;
};

/* A thread's scratch: kernels, converted rows, the scores of one row, what classes need. */
struct room {
    size_t x, scores, classes, end;
};

static struct room room_of(const struct ash_svm *a, size_t rows, bool convert) {
    struct room r;
    size_t x = convert ? ash_size_mul(rows, a->features) : 0, scores = a->labels.n;
    if (scores) scores = ash_svm_columns(a);
    r.x = ash_align_up(ash_size_mul(rows, ash_size_mul(a->n_kernels, sizeof(float))));
    r.scores = ash_align_up(ash_size_add(r.x, ash_size_mul(x, sizeof(float))));
    r.classes = ash_align_up(ash_size_add(r.scores, ash_size_mul(scores, sizeof(float))));
    r.end = ash_align_up(ash_size_add(r.classes, a->labels.n ? ash_svm_room(a) : 0));
    return r;
}

/* Rows that are scored together: their kernels stay in the cache. */
static size_t tile_rows(const struct ash_svm *a) {
    enum { MOST = 64, KERNELS = 32768 };
    size_t rows = KERNELS / a->n_kernels / 4 * 4;
    return rows > MOST ? MOST : rows ? rows : 4;
}

static const float *tile_x(const struct job *j, size_t first, size_t n, float *room) {
    int64_t at = (int64_t)(first * j->a->features), count = (int64_t)(n * j->a->features);
    if (j->x->dtype == ASHORE_FLOAT32) return (const float *)j->x->data + at;
    for (int64_t i = 0; i < count; i++) room[i] = (float)ash_get_f64(j->x, at + i);
    return room;
}

static void run_tile(void *arg, size_t tile, size_t worker) {
    const struct job *j = arg;
    const struct ash_svm *a = j->a;
    size_t first = tile * j->rows, n = j->n - first < j->rows ? j->n - first : j->rows;
    struct room room = room_of(a, j->rows, j->x->dtype != ASHORE_FLOAT32);
    unsigned char *at = j->scratch + worker * room.end;
    float *kernel = (float *)(void *)at, *spare = (float *)(void *)(at + room.scores);
    struct ash_pairs p = {.distances = a->kernel == ASH_SVM_RBF,
                          .m = n,
                          .n = a->n_kernels,
                          .k = a->features,
                          .ldx = a->features,
                          .y = a->packed,
                          .to = kernel,
                          .ldto = a->n_kernels};
    p.x = tile_x(j, first, n, (float *)(void *)(at + room.x));
    for (size_t i = 0; a->few && i < n * a->n_kernels; i++)
        kernel[i] = j->pairs->dot(a->features, p.x + i / a->n_kernels * a->features,
                                  a->packed + i % a->n_kernels * a->features);
    if (!a->few) j->pairs->run(&p);
    make_kernels(a, j->functions, n * a->n_kernels, kernel);
    for (size_t i = 0; i < n; i++, kernel += a->n_kernels) {
        size_t r = first + i;
        if (j->chosen) {
            float *y = j->y ? j->y + r * ash_svm_columns(a) : spare;
            j->chosen[r] = ash_svm_classify(a, j->pairs, at + room.classes, kernel, y);
        } else {
            j->y[r] = ash_svm_regress(a, j->pairs, kernel);
        }
    }
}

static int run_rows(struct ash_run *c, struct job *j) {
    const struct ash_svm *a = j->a;
    j->pairs = ash_pairs_best();
    j->functions = ash_eltwise_best();
    j->rows = tile_rows(a);
    j->rows = j->n < j->rows ? j->n : j->rows;
    size_t room = room_of(a, j->rows, j->x->dtype != ASHORE_FLOAT32).end;
    size_t tiles = j->rows ? (j->n + j->rows - 1) / j->rows : 0;
    size_t bytes = ash_size_mul(room, ash_pool_threads(c->pool));
    j->scratch = c->scratch ? c->scratch : ash_alloc_aligned(c->heap, bytes);
    if (!j->scratch && bytes) return ash_fail_nomem(c->err, bytes);
    /* Some 8 numbers in a nanosecond; functions take as long as 16 features. */
    ash_pool_run_work(c->pool, tiles, j->n * a->n_kernels * (a->features + 16) / 32768, run_tile,
                      j);
    if (!c->scratch) ash_free_aligned(c->heap, j->scratch, bytes);
    return ASHORE_OK;
}

static int classifier_run(struct ash_run *c) {
    const struct ash_svm *a = c->attrs;
    int64_t rows, width = (int64_t)ash_svm_columns(a);
    struct job j = {.a = a, .x = c->in[0]};
    ASH_TRY(ash_run_rows(c, a->features, &rows));
    if (c->n_out > 1 && c->out[1]) {
        ASH_TRY(ash_run_alloc(c, 1, ASHORE_FLOAT32, 2, (int64_t[]){rows, width}));
        j.y = c->out[1]->data;
    }
    j.n = (size_t)rows;
    size_t bytes = ash_size_mul(j.n, sizeof *j.chosen);
    j.chosen = ash_alloc_aligned(c->heap, bytes);
    if (!j.chosen && bytes) return ash_fail_nomem(c->err, bytes);
    int rc = run_rows(c, &j);
    if (rc == ASHORE_OK) rc = ash_labels_give(c, 0, &a->labels, 1, &rows, j.chosen);
    ash_free_aligned(c->heap, j.chosen, bytes);
    return rc;
}

static int regressor_run(struct ash_run *c) {
    struct job j = {.a = c->attrs, .x = c->in[0]};
    int64_t rows;
    ASH_TRY(ash_run_rows(c, j.a->features, &rows));
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_FLOAT32, 2, (int64_t[]){rows, 1}));
    j.y = c->out[0]->data;
    j.n = (size_t)rows;
    return run_rows(c, &j);
}

static int svm_lower(struct ash_lower *c) {
    const struct ash_svm *a = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    size_t rows = tile_rows(a), n = x->rank == 2 ? ash_extent(x, 0) : 1;
    c->run = a->labels.n ? classifier_run : regressor_run;
    c->kernel = ash_pairs_best()->name;
    c->scratch =
        ash_size_mul(room_of(a, n < rows ? n : rows, x->dtype != ASHORE_FLOAT32).end, c->threads);
    return ASHORE_OK;
}

#define SVM                                                                                        \
    .domain = ASH_ML, .since = 1, .in_min = 1, .in_max = 1, .out_min = 1,                          \
    .attrs_size = sizeof(struct ash_svm)

extern const struct ash_op ash_ops_ml_svm[];
const struct ash_op ash_ops_ml_svm[] = {
    {SVM, .name = "SVMClassifier", .out_max = 2, .parse = classifier_parse,
     .infer = classifier_infer, .ref = classifier_run, .lower = svm_lower},
    {SVM, .name = "SVMRegressor", .out_max = 1, .parse = regressor_parse, .infer = regressor_infer,
     .ref = regressor_run, .lower = svm_lower},
    {0},
};
