/* RotaryEmbedding of ai.onnx and of com.microsoft, whose inputs are in another order.
 *
 * Letters: B batches, H heads, S places in a sequence, D numbers of a head, of which R are turned
 * in pairs by the angles of R / 2 cosines and sines. */
#include "ops/rotary.h"

#include "ops/elementwise.h"
#include "ops/lowering.h"

#include <string.h>

struct rotary_attrs {
    int64_t heads, dim; /* 0: not given */
    bool interleaved;
    float scale;
    int cos, sin, positions; /* which inputs they are */
};

static int rotary_parse(const struct ash_parse *c, void *attrs) {
    struct rotary_attrs *a = attrs;
    bool onnx = !*c->node->domain;
    int64_t interleaved, packed;
    ASH_TRY(ash_parse_int(c, "num_heads", 0, &a->heads));
    ASH_TRY(ash_parse_int(c, "rotary_embedding_dim", 0, &a->dim));
    ASH_TRY(ash_parse_int(c, "interleaved", 0, &interleaved));
    ASH_TRY(ash_parse_int(c, "is_packed_batching", 0, &packed));
    ASH_TRY(ash_parse_float(c, "scale", 1, &a->scale));
    ASH_FAIL_IF(a->heads < 0 || a->heads > INT32_MAX || a->dim < 0 || a->dim % 2, c->err, ATTR,
                "num_heads %lld, rotary_embedding_dim %lld", (long long)a->heads,
                (long long)a->dim);
    ASH_FAIL_IF(a->scale != 1.0f || packed, c->err, UNSUPPORTED,
                "a scale other than 1, or batches that are packed");
    a->interleaved = interleaved != 0;
    a->cos = onnx ? 1 : 2;
    a->sin = a->cos + 1;
    a->positions = onnx ? 3 : 1;
    return ASHORE_OK;
}

static int rotary_infer(struct ash_infer *c) {
    const struct rotary_attrs *a = c->attrs;
    int dtype, other, rank = c->in[0]->type.rank;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &dtype));
    ASH_TRY(ash_infer_alike(c, 0, a->cos));
    ASH_TRY(ash_infer_alike(c, 0, a->sin));
    ASH_TRY(ash_infer_types(c, a->positions, a->positions + 1, ASH_TAKES_INT, &other));
    ash_infer_like(c, 0, dtype, 0);
    ASH_FAIL_IF(rank >= 0 && rank != 3 && rank != 4, c->err, SHAPE,
                "the input has rank %d, expected 3 or 4", rank);
    return ASHORE_OK;
}

static void rotate_f32(const struct ash_rotation *r, const float *x, int64_t row, float *y) {
    int64_t half = r->R / 2, step = r->interleaved ? 2 : 1, apart = r->interleaved ? 1 : half;
    const float *c = (const float *)r->cos->data + row * half;
    const float *s = (const float *)r->sin->data + row * half;
    for (int64_t i = 0; i < half; i++) {
        float a = x[i * step], b = x[i * step + apart];
        y[i * step] = c[i] * a - s[i] * b;
        y[i * step + apart] = s[i] * a + c[i] * b;
    }
}

/* Each product and each sum is of the type, as where the definition is run node by node. */
static void rotate_any(const struct ash_rotation *r, int dtype, const void *x, int64_t row,
                       void *y) {
    double a[2], turn[2], out[2];
    int64_t half = r->R / 2;
    size_t size = ash_dtype_size(dtype);
    for (int64_t i = 0; i < half; i++) {
        int64_t first = r->interleaved ? 2 * i : i, second = first + (r->interleaved ? 1 : half);
        ash_load_f64(dtype, (const char *)x + (size_t)first * size, 1, &a[0]);
        ash_load_f64(dtype, (const char *)x + (size_t)second * size, 1, &a[1]);
        turn[0] = ash_get_f64(r->cos, row * half + i);
        turn[1] = ash_get_f64(r->sin, row * half + i);
        for (int k = 0; k < 2; k++) {
            double p = ash_round_half(dtype, turn[k] * a[0]);
            double q = ash_round_half(dtype, turn[1 - k] * a[1]);
            out[k] = k ? p + q : p - q;
        }
        ash_store_f64(dtype, &out[0], 1, (char *)y + (size_t)first * size);
        ash_store_f64(dtype, &out[1], 1, (char *)y + (size_t)second * size);
    }
}

void ash_rotate(const struct ash_rotation *r, int dtype, const void *x, int64_t row, void *y) {
    size_t size = ash_dtype_size(dtype), from = (size_t)r->R * size;
    if (dtype == ASHORE_FLOAT32 && r->cos->dtype == dtype && r->sin->dtype == dtype)
        rotate_f32(r, x, row, y);
    else
        rotate_any(r, dtype, x, row, y);
    if (y != x) memcpy((char *)y + from, (const char *)x + from, (size_t)r->D * size - from);
}

/* The row of angles for place i of batch b. */
static int angle_row(const struct ash_run *c, const struct ash_tensor *at, int64_t b, int64_t i,
                     int64_t S, int64_t rows, int64_t *row) {
    *row = b * S + i;
    if (at && ash_tensor_count(at) == 1)
        *row = ash_get_i64(at, 0) + i;
    else if (at)
        *row = ash_get_i64(at, *row);
    ASH_FAIL_IF(*row < 0 || *row >= rows, c->err, INDEX, "position %lld, there are %lld",
                (long long)*row, (long long)rows);
    return ASHORE_OK;
}

struct extents {
    int64_t B, H, S, D, head, place; /* and steps from head to head and from place to place */
};

static int rotary_extents(const struct ash_run *c, struct extents *e, struct ash_rotation *r) {
    const struct rotary_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0], *at = NULL;
    bool flat = x->rank == 3;
    if (ash_run_has(c, a->positions)) at = c->in[a->positions];
    *r = (struct ash_rotation){.cos = c->in[a->cos], .sin = c->in[a->sin]};
    r->interleaved = a->interleaved;
    *e = (struct extents){.B = x->dim[0], .S = x->dim[flat ? 1 : 2]};
    int64_t width = r->cos->rank ? r->cos->dim[r->cos->rank - 1] : 0;
    r->R = a->dim ? a->dim : 2 * width;
    e->D = flat && !a->heads ? r->R : flat ? x->dim[2] / a->heads : x->dim[3];
    ASH_FAIL_IF(flat && (e->D < 1 || x->dim[2] % e->D), c->err, SHAPE,
                "heads of %lld numbers do not divide %lld", (long long)e->D, (long long)x->dim[2]);
    e->H = flat ? x->dim[2] / e->D : x->dim[1];
    e->head = flat ? e->D : e->S * e->D;
    e->place = flat ? e->H * e->D : e->D;
    if (!a->dim && *c->node->domain == '\0') r->R = e->D;
    r->D = e->D;
    bool fits = r->R <= e->D && r->R % 2 == 0 && width * 2 == r->R &&
                ash_tensor_same_shape(r->cos, r->sin) && r->cos->rank == (at ? 2 : 3);
    ASH_FAIL_IF(!fits, c->err, SHAPE, "cosines and sines do not fit heads of %lld, %lld turned",
                (long long)e->D, (long long)r->R);
    int64_t n = at ? ash_tensor_count(at) : ash_tensor_count(r->cos) / (width ? width : 1);
    bool offset = at && *c->node->domain && n == 1;
    ASH_FAIL_IF(n != e->B * e->S && !offset, c->err, SHAPE, "%lld positions, %lld places",
                (long long)n, (long long)(e->B * e->S));
    return ASHORE_OK;
}

static int rotary_ref(struct ash_run *c) {
    const struct rotary_attrs *a = c->attrs;
    const struct ash_tensor *at = ash_run_has(c, a->positions) ? c->in[a->positions] : NULL;
    struct ash_rotation r;
    struct extents e;
    ASH_TRY(rotary_extents(c, &e, &r));
    int64_t rows = ash_dims_product(r.cos->dim, 0, r.cos->rank - 1), row;
    for (int64_t n = 0; n < e.B * e.S; n++) {
        ASH_TRY(angle_row(c, at, n / e.S, n % e.S, e.S, rows, &row));
        for (int64_t h = 0; h < e.H; h++) {
            int64_t from = n / e.S * e.H * e.S * e.D + n % e.S * e.place + h * e.head;
            ash_rotate(&r, c->in[0]->dtype, ash_at(c->in[0], from), row, ash_at(c->out[0], from));
        }
    }
    return ASHORE_OK;
}

#define ROTARY(where, from, least)                                                                 \
    {.name = "RotaryEmbedding",                                                                    \
     .domain = where,                                                                              \
     .since = from,                                                                                \
     .in_min = least,                                                                              \
     .in_max = 4,                                                                                  \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .inplace = 1,                                                                                 \
     .attrs_size = sizeof(struct rotary_attrs),                                                    \
     .parse = rotary_parse,                                                                        \
     .infer = rotary_infer,                                                                        \
     .ref = rotary_ref}

extern const struct ash_op ash_ops_rotary[];
const struct ash_op ash_ops_rotary[] = {ROTARY("", 23, 3), ROTARY("com.microsoft", 1, 4), {0}};
