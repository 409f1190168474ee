/* DFT and STFT, in double.
 *
 * DFT: x[outer][n][inner][parts], one transform of `length` numbers for each (outer, inner).
 * STFT: signal[batch][n][parts], one for each frame, weighted by a window. */
#include "base/fft.h"
#include "base/heap.h"
#include "base/pool.h"
#include "ops/elementwise.h"
#include "ops/move.h"

#include <string.h>

enum { LENGTH_MAX = 1 << 28 };

struct dft_attrs {
    int64_t axis;
    bool inverse, onesided, frames; /* frames: STFT */
};

static int dft_parse(const struct ash_parse *c, void *attrs) {
    struct dft_attrs *a = attrs;
    int64_t inverse, onesided;

    a->frames = !strcmp(c->node->op_type, "STFT");
    ASH_TRY(ash_parse_int(c, "axis", c->node->opset < 20 ? 1 : -2, &a->axis));
    ASH_TRY(ash_parse_int(c, "inverse", 0, &inverse));
    ASH_TRY(ash_parse_int(c, "onesided", a->frames, &onesided));
    a->inverse = inverse != 0;
    a->onesided = onesided != 0;
    return ASHORE_OK;
}

/* ---- inference ---- */

/* The number that input i gives, where it is there; *rc: ASHORE_NEEDS_DATA when it is not known. */
static struct ash_dim number_of(struct ash_infer *c, int i, struct ash_dim absent, int *rc) {
    struct ash_dim d = ash_dim_unknown();
    int one = 1, got;

    if (!ash_infer_has(c, i)) return absent;
    got = ash_infer_ints(c, i, &d, 1, &one);
    if (got == ASHORE_OK) got = ash_infer_known(&d, 1);
    if (got == ASHORE_OK && one != 1)
        got = ash_fail(c->err, ASHORE_ERR_SHAPE, "input %d has %d elements", i, one);
    if (*rc == ASHORE_OK || got < 0) *rc = got;
    return got == ASHORE_OK ? d : ash_dim_unknown();
}

static int check_length(struct ash_dim d, struct ashore_error *err) {
    ASH_FAIL_IF(d.kind == ASH_DIM_EXACT && (d.value < 1 || d.value > LENGTH_MAX), err, SHAPE,
                "a transform of length %lld", (long long)d.value);
    return ASHORE_OK;
}

/* length / 2 + 1 */
static struct ash_dim half_of(struct ash_infer *c, struct ash_dim length) {
    struct ash_dim half = ash_infer_dim(c, ASH_DIM_FLOORDIV, length, ash_dim_exact(2));
    return ash_infer_dim(c, ASH_DIM_ADD, half, ash_dim_exact(1));
}

static int dft_infer(struct ash_infer *c) {
    const struct dft_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK], length, at;
    int dtype, axis, rc = ASHORE_OK;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    if (t->rank < 0) return ASHORE_NEEDS_DATA;
    ASH_FAIL_IF(t->rank < 2, c->err, SHAPE, "an input of rank %d", t->rank);
    at = number_of(c, 2, ash_dim_exact(a->axis), &rc);
    if (rc != ASHORE_OK || at.kind != ASH_DIM_EXACT) return rc < 0 ? rc : ASHORE_NEEDS_DATA;
    ASH_TRY(ash_axis(at.value, t->rank, &axis, c->err));
    ASH_FAIL_IF(axis == t->rank - 1, c->err, ATTR, "the axis is that of real and imaginary parts");
    memcpy(dim, t->dim, sizeof dim);
    length = t->dim[axis];
    if (a->inverse && a->onesided) { /* 2 (n - 1) */
        length = ash_infer_dim(c, ASH_DIM_SUB, length, ash_dim_exact(1));
        length = ash_infer_dim(c, ASH_DIM_MUL, length, ash_dim_exact(2));
    }
    length = number_of(c, 1, length, &rc);
    ASH_TRY(check_length(length, c->err));
    dim[axis] = a->onesided && !a->inverse ? half_of(c, length) : length;
    dim[t->rank - 1] = ash_dim_exact(a->onesided && a->inverse ? 1 : 2);
    ash_infer_set(c, 0, dtype, t->rank, dim);
    return rc;
}

static int stft_infer(struct ash_infer *c) {
    const struct dft_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[4], step, length, frames = ash_dim_unknown();
    int dtype, rc = ASHORE_OK;

    ASH_TRY(ash_infer_types(c, 2, 3, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ASH_FAIL_IF(t->rank >= 0 && t->rank != 2 && t->rank != 3, c->err, SHAPE, "a signal of rank %d",
                t->rank);
    for (int i = 0; i < 4; i++) dim[i] = ash_dim_unknown();
    ash_infer_set(c, 0, dtype, 4, dim);
    step = number_of(c, 1, ash_dim_unknown(), &rc);
    length = t->rank >= 0 ? t->dim[1] : ash_dim_unknown();
    if (ash_infer_has(c, 2))
        length = c->in[2]->type.rank == 1 ? c->in[2]->type.dim[0] : ash_dim_unknown();
    length = number_of(c, 3, length, &rc);
    ASH_TRY(check_length(length, c->err));
    ASH_FAIL_IF(step.kind == ASH_DIM_EXACT && (step.value < 1 || step.value > LENGTH_MAX), c->err,
                ARGUMENT, "frames in steps of %lld", (long long)step.value);
    if (t->rank >= 0 && rc == ASHORE_OK) {
        frames = ash_infer_dim(c, ASH_DIM_SUB, t->dim[1], length);
        ASH_FAIL_IF(frames.kind == ASH_DIM_EXACT && frames.value < 0, c->err, SHAPE,
                    "frames are longer than the signal");
        frames = ash_infer_dim(c, ASH_DIM_FLOORDIV, frames, step);
        frames = ash_infer_dim(c, ASH_DIM_ADD, frames, ash_dim_exact(1));
    }
    dim[0] = t->rank >= 0 ? t->dim[0] : ash_dim_unknown();
    dim[1] = frames;
    dim[2] = a->onesided ? half_of(c, length) : length;
    dim[3] = ash_dim_exact(2);
    ash_infer_set(c, 0, dtype, 4, dim);
    return rc;
}

/* ---- running ---- */

struct dft_job {
    const struct dft_attrs *a;
    const struct ash_tensor *x, *window; /* window: NULL, or `length` weights */
    struct ash_tensor *y;
    struct ash_fft fft;
    int64_t n; /* numbers that are given; the others of `length` are zero */
    int64_t length, bins, inner, parts, step; /* step: from frame to frame */
    int64_t frames, count, per_tile;          /* transforms: of a signal, and of all */
    double *work;
    size_t work_size; /* from one worker's to the next's */
};

/* Number k of the transform, which begins at element `first` of x. */
static void load_number(const struct dft_job *j, int64_t first, int64_t k, double *to) {
    int64_t at = first + k * j->inner * j->parts;
    double w = j->window ? ash_get_f64(j->window, k) : 1;

    ash_load_f64(j->x->dtype, ash_at(j->x, at), (size_t)j->parts, to);
    to[0] *= w;
    to[1] = j->parts == 2 ? to[1] * w : 0;
}

static void one_transform(const struct dft_job *j, int64_t i, double *x, double *work) {
    int64_t lane = j->a->frames ? i / j->frames : i / j->inner;
    int64_t within = j->a->frames ? i % j->frames * j->step : i % j->inner;
    int64_t whole = j->a->frames ? j->x->dim[1] : j->n * j->inner;
    int64_t first = (lane * whole + within) * j->parts;
    bool real = j->a->inverse && j->a->onesided;
    int64_t given = j->n < j->length ? j->n : j->length;
    int parts = real ? 1 : 2;

    memset(x, 0, 2 * (size_t)j->length * sizeof *x);
    if (real && given > j->length / 2 + 1) given = j->length / 2 + 1;
    for (int64_t k = 0; k < given; k++) {
        load_number(j, first, k, x + 2 * k);
        if (!real) continue;
        /* The other half is the conjugate; what stands for itself is real. */
        if (k == 0 || 2 * k == j->length) x[2 * k + 1] = 0;
        if (k == 0) continue;
        x[2 * (j->length - k)] = x[2 * k];
        x[2 * (j->length - k) + 1] = -x[2 * k + 1];
    }
    ash_fft_run(&j->fft, x, j->a->inverse, work);
    for (int64_t k = 0; j->a->inverse && k < 2 * j->length; k++) x[k] /= (double)j->length;
    int64_t inner = j->a->frames ? 1 : j->inner;
    int64_t to = j->a->frames ? i * j->bins : lane * j->bins * inner + within;
    for (int64_t k = 0; k < j->bins; k++)
        ash_store_f64(j->y->dtype, x + 2 * k, (size_t)parts,
                      ash_at(j->y, (to + k * inner) * parts));
}

static void dft_tile(void *arg, size_t tile, size_t worker) {
    const struct dft_job *j = arg;
    double *x = j->work + worker * j->work_size;
    int64_t end = ((int64_t)tile + 1) * j->per_tile;

    for (int64_t i = (int64_t)tile * j->per_tile; i < end && i < j->count; i++)
        one_transform(j, i, x, x + 2 * j->length);
}

/* Bytes: tables, then for each worker the numbers of a transform and what it works in. */
static size_t dft_bytes(size_t length, size_t threads) {
    size_t each = ash_size_add(2 * length, ash_fft_work(length));
    size_t all = ash_size_add(ash_fft_tables(length), ash_size_mul(each, threads));

    return ash_align_up(ash_size_mul(all, sizeof(double)));
}

static int dft_transform(struct ash_run *c, struct dft_job *j) {
    size_t threads = ash_pool_threads(c->pool), length = (size_t)j->length;
    size_t bytes = dft_bytes(length, threads);
    double *memory = c->scratch;

    if (!j->count) return ASHORE_OK;
    if (!memory) memory = ash_alloc_aligned(c->heap, bytes);
    if (!memory) return ash_fail_nomem(c->err, bytes);
    ash_fft_init(&j->fft, length, memory);
    j->work = memory + ash_fft_tables(length);
    j->work_size = 2 * length + ash_fft_work(length);
    j->per_tile = j->length < 4096 ? 4096 / j->length : 1;
    ash_pool_run(c->pool, (size_t)((j->count + j->per_tile - 1) / j->per_tile), dft_tile, j);
    if (!c->scratch) ash_free_aligned(c->heap, memory, bytes);
    return ASHORE_OK;
}

/* One number of input i, where it is there. */
static int number_at(const struct ash_run *c, int i, int64_t *n) {
    if (!ash_run_has(c, i)) return ASHORE_OK;
    ASH_FAIL_IF(ash_tensor_count(c->in[i]) != 1, c->err, SHAPE, "input %d is not one number", i);
    *n = ash_get_i64(c->in[i], 0);
    return ASHORE_OK;
}

static int dft_run(struct ash_run *c) {
    const struct dft_attrs *a = c->attrs;
    struct dft_job j = {.a = a, .x = c->in[0], .y = c->out[0]};
    int64_t dim[ASH_MAX_RANK], at = a->axis;
    int axis, rank = j.x->rank;

    ASH_TRY(number_at(c, 2, &at));
    ASH_TRY(ash_axis(at, rank, &axis, c->err));
    ASH_FAIL_IF(axis == rank - 1, c->err, ATTR, "the axis is that of real and imaginary parts");
    j.n = j.x->dim[axis];
    j.parts = j.x->dim[rank - 1];
    j.length = a->inverse && a->onesided ? 2 * (j.n - 1) : j.n;
    ASH_TRY(number_at(c, 1, &j.length));
    ASH_TRY(check_length(ash_dim_exact(j.length), c->err));
    ASH_FAIL_IF(j.parts != 1 && j.parts != 2, c->err, SHAPE, "numbers of %lld parts",
                (long long)j.parts);
    j.bins = a->onesided && !a->inverse ? j.length / 2 + 1 : j.length;
    j.inner = ash_dims_product(j.x->dim, axis + 1, rank - 1);
    j.count = ash_dims_product(j.x->dim, 0, axis) * j.inner;
    memcpy(dim, j.x->dim, sizeof dim);
    dim[axis] = j.bins;
    dim[rank - 1] = a->onesided && a->inverse ? 1 : 2;
    ASH_TRY(ash_run_alloc(c, 0, j.x->dtype, rank, dim));
    return dft_transform(c, &j);
}

static int stft_run(struct ash_run *c) {
    const struct dft_attrs *a = c->attrs;
    struct dft_job j = {.a = a, .x = c->in[0], .y = c->out[0], .inner = 1};
    int64_t dim[4], n = j.x->rank < 2 ? 0 : j.x->dim[1];

    ASH_FAIL_IF(j.x->rank != 2 && j.x->rank != 3, c->err, SHAPE, "a signal of rank %d", j.x->rank);
    j.parts = j.x->rank == 3 ? j.x->dim[2] : 1;
    ASH_FAIL_IF(j.parts != 1 && j.parts != 2, c->err, SHAPE, "numbers of %lld parts",
                (long long)j.parts);
    if (ash_run_has(c, 2)) j.window = c->in[2];
    j.length = j.window ? ash_tensor_count(j.window) : n;
    ASH_TRY(number_at(c, 1, &j.step));
    ASH_TRY(number_at(c, 3, &j.length));
    ASH_TRY(check_length(ash_dim_exact(j.length), c->err));
    ASH_FAIL_IF(j.step < 1 || j.length > n, c->err, ARGUMENT,
                "frames of %lld in steps of %lld from a signal of %lld", (long long)j.length,
                (long long)j.step, (long long)n);
    ASH_FAIL_IF(j.window && ash_tensor_count(j.window) != j.length, c->err, SHAPE,
                "a window of %lld for frames of %lld", (long long)ash_tensor_count(j.window),
                (long long)j.length);
    j.n = j.length;
    j.bins = a->onesided ? j.length / 2 + 1 : j.length;
    j.frames = (n - j.length) / j.step + 1;
    j.count = j.x->dim[0] * j.frames;
    dim[0] = j.x->dim[0];
    dim[1] = j.frames;
    dim[2] = j.bins;
    dim[3] = 2;
    ASH_TRY(ash_run_alloc(c, 0, j.x->dtype, 4, dim));
    return dft_transform(c, &j);
}

/* The length is where it was inferred from: data, or an extent. */
static int dft_lower(struct ash_lower *c) {
    const struct dft_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    int with = a->frames ? 3 : 1, axis = 1;
    bool given = c->n_in > with && c->in[with];
    int64_t at = c->n_in > 2 && c->in[2] && !a->frames ? INT64_MIN : a->axis, length;

    if (given && !c->in[with]->data) return ASHORE_OK;
    if (at == INT64_MIN) {
        if (!c->in[2]->data) return ASHORE_OK;
        at = ash_get_i64(c->in[2]->data, 0);
    }
    if (!a->frames) ASH_TRY(ash_axis(at, t->rank, &axis, c->err));
    length = t->dim[axis].value;
    if (a->frames && c->n_in > 2 && c->in[2]) length = c->in[2]->type.dim[0].value;
    if (!a->frames && a->inverse && a->onesided) length = 2 * (length - 1);
    if (given) length = ash_get_i64(c->in[with]->data, 0);
    ASH_TRY(check_length(ash_dim_exact(length), c->err));
    size_t bytes = dft_bytes((size_t)length, c->threads);
    if (bytes == SIZE_MAX) return ASHORE_OK;
    c->scratch = bytes;
    c->run = a->frames ? stft_run : dft_run;
    c->kernel = "fft_f64";
    return ASHORE_OK;
}

#define DFT                                                                                        \
    .domain = "", .out_min = 1, .out_max = 1, .attrs_size = sizeof(struct dft_attrs),              \
    .parse = dft_parse, .lower = dft_lower

extern const struct ash_op ash_ops_dft[];
const struct ash_op ash_ops_dft[] = {
    {DFT, .name = "DFT", .since = 17, .until = 19, .in_min = 1, .in_max = 2, .infer = dft_infer,
     .ref = dft_run},
    {DFT, .name = "DFT", .since = 20, .in_min = 1, .in_max = 3, .infer = dft_infer, .ref = dft_run},
    {DFT, .name = "STFT", .since = 17, .in_min = 2, .in_max = 4, .infer = stft_infer,
     .ref = stft_run},
    {0},
};
