/* TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble of ai.onnx.ml. */
#include "base/heap.h"
#include "base/pool.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/trees.h"

#include <string.h>

#define ML       "ai.onnx.ml"
#define ENSEMBLE "TreeEnsemble"

static bool is_classifier(const struct ash_trees *t) { return t->label_ints || t->label_texts; }

/* ---- inference ---- */

static bool takes(const struct ash_node *node, int dtype) {
    bool ensemble = strcmp(node->op_type, ENSEMBLE) == 0;
    switch (dtype) {
    case ASHORE_FLOAT32:
    case ASHORE_FLOAT64:
        return true;
    case ASHORE_FLOAT16:
        return ensemble;
    default:
        return !ensemble && (dtype == ASHORE_INT32 || dtype == ASHORE_INT64);
    }
}

static int check_columns(const struct ash_trees *t, int64_t columns, struct ashore_error *err) {
    ASH_FAIL_IF(columns < t->n_features, err, SHAPE,
                "attribute 'nodes_featureids' asks for feature %lld, rows have %lld",
                (long long)t->n_features - 1, (long long)columns);
    return ASHORE_OK;
}

static int trees_infer(struct ash_infer *c) {
    const struct ash_trees *t = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_exact((int64_t)t->n_targets)};
    bool ensemble = strcmp(c->node->op_type, ENSEMBLE) == 0;
    int dtype, scores = is_classifier(t) ? 1 : 0;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ASH_MISFIT_IF(dtype && !takes(c->node, dtype), c->err, TYPE,
                  "input 0 is of type %s, which this operator does not take",
                  ash_dtype(dtype)->name);
    ASH_MISFIT_IF(x->rank >= 0 && x->rank != 2, c->err, SHAPE,
                  "the input has rank %d, expected rows of features", x->rank);
    if (x->rank == 2) dim[0] = x->dim[0];
    if (scores) ash_infer_set(c, 0, t->label_ints ? ASHORE_INT64 : ASHORE_STRING, 1, dim);
    if (scores < c->n_out) ash_infer_set(c, scores, ensemble ? dtype : ASHORE_FLOAT32, 2, dim);
    if (x->rank == 2 && x->dim[1].kind == ASH_DIM_EXACT)
        return check_columns(t, x->dim[1].value, c->err);
    return ASHORE_OK;
}

/* ---- running ---- */

/* Rows are taken as they lie where they are float32 or float64; others are converted, those of
 * float64 where splits are floats, and those that are to be mirrored. */
struct form {
    bool wide, wide_rows, convert; /* sums; what is walked */
};

struct job {
    const struct ash_trees *t;
    const struct ash_tensor *x;
    struct ash_tensor *scores; /* NULL: not wanted, as labels */
    int64_t *labels;
    unsigned char *scratch;
    size_t rows, each; /* rows of a tile, bytes of scratch for a thread */
    struct form form;
};

/* A thread's scratch: sums, one row of them in double, converted rows, one row of scores, whether
 * there was a vote. */
struct room {
    size_t row, x, scores, voted, end;
};

/* Numbers of a row that is converted. */
static size_t width(const struct ash_trees *t, size_t columns) {
    return t->mirrored ? 2 * (size_t)t->n_features : columns;
}

static struct room room_of(const struct ash_trees *t, struct form form, size_t rows,
                           size_t columns) {
    size_t targets = t->n_targets;
    size_t element = form.wide_rows ? sizeof(double) : sizeof(float);
    struct room r;
    bool narrow = ash_trees_narrow(t, form.wide);
    size_t sum = narrow ? sizeof(float) : sizeof(double);
    r.row = ash_align_up(ash_size_mul(rows, ash_size_mul(targets, sum)));
    r.x = ash_size_add(r.row, narrow ? ash_size_mul(targets, sizeof(double)) : 0);
    size_t x = form.convert ? ash_size_mul(rows, width(t, columns)) : 0;
    r.scores = ash_size_add(r.x, ash_size_mul(x, element));
    r.voted = ash_size_add(r.scores, ash_size_mul(targets, sizeof(float)));
    r.end = ash_align_up(ash_size_add(r.voted, ash_size_mul(rows, targets)));
    return r;
}

static struct form form_of(const struct ash_trees *t, int dtype) {
    bool integer = dtype == ASHORE_INT32 || dtype == ASHORE_INT64;
    struct form f = {.wide = dtype == ASHORE_FLOAT64 || (integer && t->wide)};
    f.wide_rows = f.wide && !(t->cell && !t->split);
    f.convert = t->mirrored || dtype != (f.wide_rows ? ASHORE_FLOAT64 : ASHORE_FLOAT32);
    return f;
}

/* n numbers from `at` on. */
static void put_numbers(const struct job *j, const double *x, size_t n, bool negative, void *to,
                        size_t at) {
    int rounding = negative ? -j->t->rounding : j->t->rounding;
    for (size_t i = 0; i < n; i++) {
        double v = negative ? -x[i] : x[i];
        if (j->form.wide_rows)
            ((double *)to)[at + i] = v;
        else
            ((float *)to)[at + i] = j->form.wide ? ash_tree_round(v, rounding) : (float)v;
    }
}

static void convert_rows(const struct job *j, int64_t first, size_t n, void *to) {
    const struct ash_tensor *x = j->x;
    const struct ash_trees *t = j->t;
    int64_t columns = x->dim[1], count = t->mirrored ? t->n_features : columns;
    size_t step = width(t, (size_t)columns), k;
    double tile[ASH_TILE];
    for (size_t r = 0; r < n; r++, first++) {
        for (size_t at = 0; (k = ash_tile_size(count, (int64_t)at)); at += k) {
            ash_load_f64(x->dtype, ash_at(x, first * columns + (int64_t)at), k, tile);
            put_numbers(j, tile, k, false, to, r * step + at);
            if (t->mirrored) put_numbers(j, tile, k, true, to, r * step + (size_t)count + at);
        }
    }
}

/* The scores of row r. */
static void finish_row(const struct job *j, int64_t r, double *sum, const unsigned char *voted,
                       float *spare) {
    size_t n = j->t->n_targets;
    if (is_classifier(j->t)) {
        float *to = j->scores ? (float *)j->scores->data + r * (int64_t)n : spare;
        int64_t label = ash_trees_classify(j->t, j->form.wide, sum, voted, to);
        if (j->labels) j->labels[r] = label;
        return;
    }
    ash_trees_finish(j->t, j->form.wide, sum, voted);
    ash_store_f64(j->scores->dtype, sum, n, ash_at(j->scores, r * (int64_t)n));
}

static void run_tile(void *arg, size_t tile, size_t worker) {
    const struct job *j = arg;
    const struct ash_tensor *x = j->x;
    size_t columns = (size_t)x->dim[1], targets = j->t->n_targets, first = tile * j->rows;
    size_t n = (size_t)x->dim[0] - first < j->rows ? (size_t)x->dim[0] - first : j->rows;
    struct room room = room_of(j->t, j->form, j->rows, columns);
    unsigned char *at = j->scratch + worker * j->each;
    struct ash_tree_scores s = {at, at + room.voted};
    struct ash_tree_rows rows = {ash_at(x, (int64_t)(first * columns)), n, columns,
                                 j->form.wide_rows};
    bool narrow = ash_trees_narrow(j->t, j->form.wide);
    double *row = (double *)(void *)(at + room.row);
    if (j->form.convert) {
        rows.x = at + room.x;
        rows.step = width(j->t, columns);
        convert_rows(j, (int64_t)first, n, at + room.x);
    }
    ash_trees_score(j->t, &rows, j->form.wide, s);
    for (size_t i = 0; i < n; i++) {
        if (narrow)
            for (size_t k = 0; k < targets; k++)
                row[k] = (double)((const float *)s.sum)[i * targets + k];
        else
            row = (double *)s.sum + i * targets;
        finish_row(j, (int64_t)(first + i), row, s.voted + i * targets,
                   (float *)(void *)(at + room.scores));
    }
}

/* Makes the texts that labels stand for. */
static int write_texts(struct ash_run *c, const struct ash_trees *t, const int64_t *label,
                       int64_t n) {
    size_t total = 0, at = 0;
    int64_t last = (int64_t)t->n_targets - 1;
    for (int pass = 0; pass < 2; pass++) {
        if (pass) ASH_TRY(ash_run_strings(c, 0, 1, &n, total));
        for (int64_t i = 0; i < n; i++) {
            /* Of a single class that is rejected, too: there is no other. */
            const struct ash_text *s = &t->label_texts[label[i] < last ? label[i] : last];
            if (!pass) total = ash_size_add(total, s->length);
            if (!pass) continue;
            ((struct ash_str *)c->out[0]->data)[i] =
                (struct ash_str){(uint32_t)at, (uint32_t)s->length};
            if (s->length) memcpy((char *)(uintptr_t)c->out[0]->chars + at, s->data, s->length);
            at += s->length;
        }
        ASH_FAIL_IF(total > UINT32_MAX, c->err, LIMIT, "%zu bytes of text in one tensor", total);
    }
    return ASHORE_OK;
}

static int run_job(struct ash_run *c, struct job *j) {
    const struct ash_trees *t = j->t;
    int64_t n = j->x->dim[0];
    size_t tiles = ((size_t)n + j->rows - 1) / j->rows;
    /* A tree takes ten nodes, a node some two nanoseconds. */
    size_t work = (size_t)n * t->n_roots / 256;
    struct ash_tensor *labels = is_classifier(t) ? c->out[0] : NULL;
    if (labels && t->label_ints) j->labels = labels->data;
    if (!labels || t->label_ints) {
        ash_pool_run_work(c->pool, tiles, work, run_tile, j);
        return ASHORE_OK;
    }
    size_t bytes = (size_t)n * sizeof *j->labels;
    j->labels = ash_alloc_zero(c->heap, bytes);
    if (!j->labels && bytes) return ash_fail_nomem(c->err, bytes);
    ash_pool_run_work(c->pool, tiles, work, run_tile, j);
    int rc = write_texts(c, t, j->labels, n);
    ash_free(c->heap, j->labels, bytes);
    return rc;
}

/* The reference, and what runs: as it is lowered the plan has room for the scratch. */
static int trees_run(struct ash_run *c) {
    const struct ash_trees *t = c->attrs;
    const struct ash_tensor *x = c->in[0];
    int at = is_classifier(t) ? 1 : 0;
    struct job j = {.t = t, .x = x, .scratch = c->scratch};
    ASH_FAIL_IF(x->rank != 2, c->err, SHAPE, "the input has rank %d, expected rows of features",
                x->rank);
    ASH_TRY(check_columns(t, x->dim[1], c->err));
    j.rows = ash_trees_rows(t, (size_t)x->dim[0]);
    j.scores = at < c->n_out ? c->out[at] : NULL;
    j.form = form_of(t, x->dtype);
    j.each = room_of(t, j.form, j.rows, (size_t)x->dim[1]).end;
    int64_t dim[2] = {x->dim[0], (int64_t)t->n_targets};
    if (at && c->out[0] && t->label_ints) ASH_TRY(ash_run_alloc(c, 0, ASHORE_INT64, 1, dim));
    if (j.scores) {
        bool ensemble = strcmp(c->node->op_type, ENSEMBLE) == 0;
        ASH_TRY(ash_run_alloc(c, at, ensemble ? x->dtype : ASHORE_FLOAT32, 2, dim));
    }
    if (j.scratch) return run_job(c, &j);
    size_t bytes = ash_size_mul(j.each, ash_pool_threads(c->pool));
    j.scratch = ash_alloc_aligned(c->heap, bytes);
    if (!j.scratch) return ash_fail_nomem(c->err, bytes);
    int rc = run_job(c, &j);
    ash_free_aligned(c->heap, j.scratch, bytes);
    return rc;
}

static int trees_lower(struct ash_lower *c) {
    const struct ash_trees *t = c->attrs;
    const struct ash_type *x = &c->in[0]->type;
    size_t rows = ash_trees_rows(t, ash_extent(x, 0));
    struct room room = room_of(t, form_of(t, x->dtype), rows, ash_extent(x, 1));
    c->run = trees_run;
    c->kernel = t->node ? "trees general" : "trees";
    c->scratch = ash_size_mul(room.end, c->threads);
    return ASHORE_OK;
}

#define TREES(op, from, to, outs, way)                                                             \
    {.name = op,                                                                                   \
     .domain = ML,                                                                                 \
     .since = from,                                                                                \
     .until = to,                                                                                  \
     .in_min = 1,                                                                                  \
     .in_max = 1,                                                                                  \
     .out_min = 1,                                                                                 \
     .out_max = outs,                                                                              \
     .attrs_size = sizeof(struct ash_trees),                                                       \
     .parse = ash_trees_parse_##way,                                                               \
     .infer = trees_infer,                                                                         \
     .ref = trees_run,                                                                             \
     .lower = trees_lower}

extern const struct ash_op ash_ops_tree_op[];
const struct ash_op ash_ops_tree_op[] = {
    TREES("TreeEnsembleRegressor", 1, 0, 1, regressor),
    TREES("TreeEnsembleClassifier", 1, 0, 2, classifier),
    TREES(ENSEMBLE, 5, 0, 1, ensemble),
    {0},
};
