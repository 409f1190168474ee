/* What ai.onnx.ml does to features one by one: Scaler and Binarizer, as ai.onnx has it; Normalizer,
 * Imputer, ArrayFeatureExtractor, FeatureVectorizer. */
#include "base/pool.h"
#include "kernels/reduce/reduce.h"
#include "ops/indexing.h"
#include "ops/ml.h"
#include "ops/move.h"

#include <math.h>

ASH_MAKES("Sub Mul Cast CastLike", "ai.onnx.ml:Scaler");
ASH_MAKES("Greater CastLike", "ai.onnx.ml:Binarizer");

/* The element type of input 0, for which the body waits. */
static int type_of(struct ash_builder *b) {
    int dtype = b->in && b->in[0] ? b->in[0]->type.dtype : 0;
    if (!dtype && b->rc == ASHORE_OK) b->rc = ASHORE_NEEDS_DATA;
    return dtype;
}

static uint32_t as_f32(struct ash_builder *b, uint32_t x) {
    if (type_of(b) == ASHORE_FLOAT32) return x;
    x = ash_build_one(b, "Cast", x);
    ash_build_attr_int(b, "to", ASHORE_FLOAT32);
    return x;
}

/* A number for all features, or one for each, of which there are as many then: a single feature is
 * not repeated. */
static int check_features(struct ash_infer *c, size_t n) {
    const struct ash_type *t = &c->in[0]->type;
    ASH_MISFIT_IF(t->rank == 0, c->err, SHAPE, "the input is a scalar, expected features");
    if (t->rank < 0 || n == 1) return ASHORE_OK;
    return ash_infer_agree(c, t->dim[t->rank - 1], ash_dim_exact((int64_t)n), "features");
}

static void wait_for_features(struct ash_builder *b, size_t n) {
    int rank = ash_build_rank(b, 0);
    if (b->rc == ASHORE_OK && n > 1 && b->in[0]->type.dim[rank - 1].kind != ASH_DIM_EXACT)
        b->rc = ASHORE_NEEDS_DATA;
}

/* ---- Scaler: (x - offset) * scale ---- */

struct scaler_attrs {
    const float *offset, *scale;
    size_t n;
};

static int scaler_parse(const struct ash_parse *c, void *attrs) {
    struct scaler_attrs *a = attrs;
    size_t n;
    ASH_TRY(ash_parse_floats(c, "offset", &a->offset, &a->n));
    ASH_TRY(ash_parse_floats(c, "scale", &a->scale, &n));
    ASH_FAIL_IF(a->n != n || !n, c->err, ATTR,
                "attribute 'offset' has %zu numbers, 'scale' %zu, expected as many, and some", a->n,
                n);
    return ASHORE_OK;
}

static int scaler_infer(struct ash_infer *c) {
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ash_infer_like(c, 0, ASHORE_FLOAT32, 0);
    return check_features(c, ((const struct scaler_attrs *)c->attrs)->n);
}

/* float64 is rounded at the end, as in onnxruntime; integers at the beginning. */
static int scaler_body(struct ash_builder *b) {
    const struct scaler_attrs *a = b->attrs;
    const int64_t n = (int64_t)a->n;
    uint32_t offset = ash_build_f32s(b, a->offset, 1, &n);
    uint32_t scale = ash_build_f32s(b, a->scale, 1, &n), x = ash_build_in(b, 0);
    bool wide = type_of(b) == ASHORE_FLOAT64;
    wait_for_features(b, a->n);
    if (wide) {
        offset = ash_build_two(b, "CastLike", offset, x);
        scale = ash_build_two(b, "CastLike", scale, x);
    } else {
        x = as_f32(b, x);
    }
    x = ash_build_two(b, "Mul", ash_build_two(b, "Sub", x, offset), scale);
    ash_build_out(b, 0, wide ? as_f32(b, x) : x);
    return b->rc;
}

/* ---- Normalizer: x / norm, x where that is 0 ---- */

enum { NORM_MAX, NORM_L1, NORM_L2 };

struct normalizer_attrs {
    int norm;
};

static int normalizer_parse(const struct ash_parse *c, void *attrs) {
    static const char *const norms[] = {"MAX", "L1", "L2", NULL};
    return ash_parse_choice(c, "norm", norms, NORM_MAX, &((struct normalizer_attrs *)attrs)->norm);
}

static int normalizer_infer(struct ash_infer *c) {
    struct ash_dim rows, features;
    ash_infer_like(c, 0, ASHORE_FLOAT32, 0);
    return ash_infer_rows(c, &rows, &features);
}

struct norms {
    const struct ash_tensor *x;
    float *y;
    size_t n, width;
    enum ash_reduce norm;
    const struct ash_reduce_row *reduce;
};

enum { NORM_ROWS = 64 }; /* of a tile */

/* Of few numbers: rows are computed side by side by a processor that looks ahead. */
static float narrow_norm(enum ash_reduce norm, size_t n, const float *x) {
    float y = ash_reduce_identity(norm);
    bool nan = false;
    if (norm == ASH_REDUCE_L1) {
        for (size_t i = 0; i < n; i++) y += fabsf(x[i]);
        return y;
    }
    if (norm == ASH_REDUCE_L2) {
        for (size_t i = 0; i < n; i++) y += x[i] * x[i];
        return sqrtf(y);
    }
    for (size_t i = 0; i < n; i++) {
        nan |= isnan(x[i]);
        y = x[i] > y ? x[i] : y;
    }
    return nan ? NAN : y;
}

static float norm_of(const struct norms *j, const float *x) {
    enum { NARROW = 64 };
    float norm = ash_reduce_identity(j->norm), lanes[16];
    if (j->width < NARROW) return narrow_norm(j->norm, j->width, x);
    for (size_t i = 0; i < 16; i++) lanes[i] = norm;
    j->reduce->run(j->norm, j->width, x, lanes);
    norm = j->reduce->join(j->norm, lanes);
    j->reduce->finish(j->norm, j->width, 1, &norm);
    return norm;
}

static void normalize_tile(void *arg, size_t tile, size_t worker) {
    const struct norms *j = arg;
    size_t first = tile * NORM_ROWS, n = j->n - first < NORM_ROWS ? j->n - first : NORM_ROWS;
    float *y = j->y + first * j->width;
    const float *x = ash_at(j->x, (int64_t)(first * j->width));
    (void)worker;
    if (j->x->dtype != ASHORE_FLOAT32) {
        ash_convert(j->x->dtype, x, n * j->width, ASHORE_FLOAT32, y, true, ASH_ROUND_UP);
        x = y;
    }
    for (; n--; x += j->width, y += j->width) {
        float norm = norm_of(j, x), by = norm == 0 ? 1 : norm;
        for (size_t i = 0; i < j->width; i++) y[i] = x[i] / by;
    }
}

static int normalizer_ref(struct ash_run *c) {
    static const enum ash_reduce norms[] = {ASH_REDUCE_MAX, ASH_REDUCE_L1, ASH_REDUCE_L2};
    const struct ash_tensor *x = c->in[0];
    int64_t rows, width;
    ash_rows_of(x, &rows, &width);
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_FLOAT32, x->rank, x->dim));
    struct norms j = {.x = x,
                      .y = c->out[0]->data,
                      .n = (size_t)rows,
                      .width = (size_t)width,
                      .norm = norms[((const struct normalizer_attrs *)c->attrs)->norm],
                      .reduce = ash_reduce_best()};
    ash_pool_run_work(c->pool, (j.n + NORM_ROWS - 1) / NORM_ROWS, j.n * (j.width + 16) / 8192,
                      normalize_tile, &j);
    return ASHORE_OK;
}

/* ---- Binarizer: x > threshold, as a number ---- */

struct binarizer_attrs {
    float threshold;
};

static int binarizer_parse(const struct ash_parse *c, void *attrs) {
    return ash_parse_float(c, "threshold", 0, &((struct binarizer_attrs *)attrs)->threshold);
}

static int binarizer_infer(struct ash_infer *c) {
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    return ASHORE_OK;
}

/* An integer is greater than a number where it is greater than the whole one below. */
static int binarizer_body(struct ash_builder *b) {
    float t = ((const struct binarizer_attrs *)b->attrs)->threshold;
    uint32_t x = ash_build_in(b, 0);
    bool real = ash_dtype_is_float(type_of(b));
    uint32_t limit = ash_build_two(b, "CastLike", ash_build_f32(b, real ? t : floorf(t)), x);
    ash_build_out(b, 0, ash_build_two(b, "CastLike", ash_build_two(b, "Greater", x, limit), x));
    return b->rc;
}

/* ---- Imputer: what is missing is replaced, by a number or by one for each feature ---- */

struct imputer_attrs {
    const float *reals;
    const int64_t *ints;
    float missing_real;
    int64_t missing_int;
    size_t n_reals, n_ints;
};

static int imputer_parse(const struct ash_parse *c, void *attrs) {
    struct imputer_attrs *a = attrs;
    ASH_TRY(ash_parse_floats(c, "imputed_value_floats", &a->reals, &a->n_reals));
    ASH_TRY(ash_parse_ints(c, "imputed_value_int64s", &a->ints, &a->n_ints));
    ASH_TRY(ash_parse_float(c, "replaced_value_float", 0, &a->missing_real));
    ASH_TRY(ash_parse_int(c, "replaced_value_int64", 0, &a->missing_int));
    ASH_FAIL_IF(!a->n_reals == !a->n_ints, c->err, ATTR, "%s",
                a->n_reals
                    ? "both 'imputed_value_floats' and 'imputed_value_int64s' are given"
                    : "neither 'imputed_value_floats' nor 'imputed_value_int64s' has a number");
    return ASHORE_OK;
}

static int imputer_infer(struct ash_infer *c) {
    const struct imputer_attrs *a = c->attrs;
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    ash_infer_like(c, 0, dtype, 0);
    ASH_MISFIT_IF(dtype && ash_dtype_is_float(dtype) != (a->n_reals != 0), c->err, TYPE,
                  "the values for an input of %s are in attribute '%s'", ash_dtype(dtype)->name,
                  a->n_reals ? "imputed_value_floats" : "imputed_value_int64s");
    return check_features(c, a->n_reals + a->n_ints);
}

/* A number as its type holds it. */
static double real_of(int dtype, double x) {
    unsigned char room[ASH_ELEMENT_MAX];
    ash_store_f64(dtype, &x, 1, room);
    ash_load_f64(dtype, room, 1, &x);
    return x;
}

static int64_t whole_of(int dtype, int64_t x) {
    unsigned char room[ASH_ELEMENT_MAX];
    ash_store_i64(dtype, &x, 1, room);
    ash_load_i64(dtype, room, 1, &x);
    return x;
}

static void impute_f32(const struct imputer_attrs *a, const struct ash_tensor *x, void *y) {
    const bool nan = isnan(a->missing_real);
    int64_t count = ash_tensor_count(x);
    size_t feature = 0;
    for (int64_t i = 0; i < count; i++) {
        const float *from = (const float *)x->data + i, *value = a->reals + feature;
        uint32_t bits, other;
        memcpy(&bits, from, sizeof bits);
        memcpy(&other, value, sizeof other);
        bool missing = (*from == a->missing_real) | (nan & isnan(*from));
        uint32_t keep = (missing ? 1U : 0U) - 1U; /* no branch, which would be guessed wrong */
        bits = (bits & keep) | (other & ~keep);
        memcpy((float *)y + i, &bits, sizeof bits);
        feature = feature + 1 < a->n_reals ? feature + 1 : 0;
    }
}

static void impute_reals(const struct imputer_attrs *a, const struct ash_tensor *x, void *y) {
    double tile[ASH_TILE], missing = real_of(x->dtype, (double)a->missing_real);
    size_t n, feature = 0, size = ash_dtype_size(x->dtype);
    int64_t count = ash_tensor_count(x);
    for (int64_t at = 0; (n = ash_tile_size(count, at)); at += (int64_t)n) {
        ash_load_f64(x->dtype, ash_at(x, at), n, tile);
        for (size_t i = 0; i < n; i++) {
            double value = (double)a->reals[feature];
            bool none = isnan(missing) ? isnan(tile[i]) : tile[i] == missing;
            tile[i] = none ? value : tile[i];
            feature = feature + 1 < a->n_reals ? feature + 1 : 0;
        }
        ash_store_f64(x->dtype, tile, n, (char *)y + (size_t)at * size);
    }
}

static void impute_wholes(const struct imputer_attrs *a, const struct ash_tensor *x, void *y) {
    int64_t tile[ASH_TILE], missing = whole_of(x->dtype, a->missing_int);
    size_t n, feature = 0, size = ash_dtype_size(x->dtype);
    int64_t count = ash_tensor_count(x);
    for (int64_t at = 0; (n = ash_tile_size(count, at)); at += (int64_t)n) {
        ash_load_i64(x->dtype, ash_at(x, at), n, tile);
        for (size_t i = 0; i < n; i++) {
            tile[i] = tile[i] == missing ? a->ints[feature] : tile[i];
            feature = feature + 1 < a->n_ints ? feature + 1 : 0;
        }
        ash_store_i64(x->dtype, tile, n, (char *)y + (size_t)at * size);
    }
}

static int imputer_ref(struct ash_run *c) {
    const struct imputer_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    ASH_TRY(ash_run_alloc(c, 0, x->dtype, x->rank, x->dim));
    if (x->dtype == ASHORE_FLOAT32)
        impute_f32(a, x, c->out[0]->data);
    else
        (a->n_reals ? impute_reals : impute_wholes)(a, x, c->out[0]->data);
    return ASHORE_OK;
}

/* ---- ArrayFeatureExtractor: features by number ---- */

static int extractor_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type, *y = &c->in[1]->type;
    struct ash_dim dim[ASH_MAX_RANK] = {{0}}, n = ash_dim_exact(1);
    int rank = t->rank, dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER | ASH_TAKES_STRING, &dtype));
    ASH_TRY(ash_infer_types(c, 1, 2, ASH_TAKES_INT, &dtype));
    ash_infer_set(c, 0, t->dtype, -1, NULL);
    ASH_MISFIT_IF(rank == 0, c->err, SHAPE, "the input is a scalar, expected features");
    if (rank < 0) return ASHORE_OK;
    for (int i = 0; i < y->rank; i++) n = ash_infer_dim(c, ASH_DIM_MUL, n, y->dim[i]);
    for (int i = 0; i < rank - 1; i++) dim[i] = t->dim[i];
    dim[0] = rank == 1 ? ash_dim_exact(1) : dim[0];
    if (rank == 1) rank = 2;
    dim[rank - 1] = y->rank < 0 ? ash_dim_unknown() : n;
    ash_infer_set(c, 0, t->dtype, rank, dim);
    return ASHORE_OK;
}

static int extractor_ref(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *index = c->in[1];
    int64_t width = x->dim[x->rank - 1], rows = ash_dims_product(x->dim, 0, x->rank - 1);
    int64_t count = ash_tensor_count(index), at[ASH_TILE];
    size_t n;
    for (int64_t k = 0; (n = ash_tile_size(count, k)); k += (int64_t)n) {
        for (size_t i = 0; i < n; i++)
            ASH_TRY(ash_index(ash_get_i64(index, k + (int64_t)i), width, &at[i], c->err));
        for (int64_t r = 0; r < rows; r++)
            ash_move_indexed(ash_dtype_size(x->dtype), n, ash_at(x, r * width), at,
                             ash_at(c->out[0], r * count + k), NULL);
    }
    return ASHORE_OK;
}

/* ---- FeatureVectorizer: inputs side by side, each cut or filled up with zeros to its width ----
 */

struct vectorizer_attrs {
    const int64_t *width;
    size_t n;
    int64_t total;
};

static int vectorizer_parse(const struct ash_parse *c, void *attrs) {
    struct vectorizer_attrs *a = attrs;
    ASH_TRY(ash_parse_ints(c, "inputdimensions", &a->width, &a->n));
    ASH_FAIL_IF(a->n != c->node->n_formal, c->err, ATTR,
                "attribute 'inputdimensions' has %zu numbers for %u inputs", a->n,
                c->node->n_formal);
    for (size_t i = 0; i < a->n; i++) {
        ASH_FAIL_IF(a->width[i] < 0 || a->width[i] > INT32_MAX, c->err, ATTR,
                    "%lld features of input %zu", (long long)a->width[i], i);
        ASH_FAIL_IF(c->node->in[i] == ASH_NONE, c->err, FORMAT, "input %zu is left out", i);
        a->total += a->width[i];
    }
    return ASHORE_OK;
}

static int vectorizer_infer(struct ash_infer *c) {
    const struct vectorizer_attrs *a = c->attrs;
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_exact(a->total)};
    int dtype;
    for (int i = c->n_in - 1; i >= 0; i--) {
        const struct ash_type *t = &c->in[i]->type;
        ASH_TRY(ash_infer_types(c, i, i + 1, ASH_TAKES_NUMBER, &dtype));
        ASH_MISFIT_IF(t->rank == 0, c->err, SHAPE, "input %d is a scalar, expected features", i);
        if (t->rank < 0) continue;
        struct ash_dim rows = t->rank == 1 ? ash_dim_exact(1) : t->dim[0];
        ASH_TRY(ash_infer_agree(c, rows, dim[0].kind == ASH_DIM_EXACT ? dim[0] : rows, "rows"));
        dim[0] = rows;
    }
    ash_infer_set(c, 0, ASHORE_FLOAT32, 2, dim);
    return ASHORE_OK;
}

static int vectorizer_ref(struct ash_run *c) {
    const struct vectorizer_attrs *a = c->attrs;
    int64_t first = 0, rows = c->in[0]->rank == 1 ? 1 : c->in[0]->dim[0];
    ASH_TRY(ash_run_alloc(c, 0, ASHORE_FLOAT32, 2, (int64_t[]){rows, a->total}));
    for (int i = 0; i < c->n_in; first += a->width[i++]) {
        const struct ash_tensor *x = c->in[i];
        bool row = x->rank == 1;
        ASH_FAIL_IF((row ? 1 : x->dim[0]) != rows, c->err, SHAPE,
                    "input %d has %lld rows, not %lld", i, (long long)(row ? 1 : x->dim[0]),
                    (long long)rows);
        int64_t given = ash_dims_product(x->dim, !row, x->rank);
        int64_t width = given < a->width[i] ? given : a->width[i];
        for (int64_t r = 0; r < rows; r++) {
            float *y = (float *)c->out[0]->data + r * a->total + first;
            if (x->dtype == ASHORE_FLOAT32)
                memcpy(y, (const float *)x->data + r * given, (size_t)width * sizeof *y);
            else
                ash_convert(x->dtype, ash_at(x, r * given), (size_t)width, ASHORE_FLOAT32, y, true,
                            ASH_ROUND_UP);
            ash_fill(y + width, sizeof *y, a->width[i] - width, NULL);
        }
    }
    return ASHORE_OK;
}

#define ML       .domain = ASH_ML, .since = 1, .out_min = 1, .out_max = 1
#define ONE      ML, .in_min = 1, .in_max = 1
#define ATTRS(s) .attrs_size = sizeof(struct s)

extern const struct ash_op ash_ops_ml_features[];
const struct ash_op ash_ops_ml_features[] = {
    {ONE, .name = "Scaler", ATTRS(scaler_attrs), .parse = scaler_parse, .infer = scaler_infer,
     .body = scaler_body},
    {ONE, .name = "Normalizer", ATTRS(normalizer_attrs), .parse = normalizer_parse,
     .infer = normalizer_infer, .ref = normalizer_ref},
    {ONE, .name = "Binarizer", ATTRS(binarizer_attrs), .parse = binarizer_parse,
     .infer = binarizer_infer, .body = binarizer_body},
    {ONE, .name = "Imputer", ATTRS(imputer_attrs), .parse = imputer_parse, .infer = imputer_infer,
     .ref = imputer_ref},
    {ML, .name = "ArrayFeatureExtractor", .in_min = 2, .in_max = 2, .flags = ASH_OP_MOVES,
     .infer = extractor_infer, .ref = extractor_ref},
    {ML, .name = "FeatureVectorizer", .in_min = 1, .in_max = ASH_VARIADIC, ATTRS(vectorizer_attrs),
     .parse = vectorizer_parse, .infer = vectorizer_infer, .ref = vectorizer_ref},
    {0},
};
