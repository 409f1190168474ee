/* Cast, CastLike, BitCast. */
#include "base/format.h"
#include "base/pool.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/move.h"
#include "ops/text.h"
#include "ops/widen.h"

#include <math.h>
#include <string.h>

struct cast_attrs {
    int to; /* 0: the type of input 1 */
    bool saturate;
    enum ash_round round;
};

static int cast_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"up", "down", "nearest", NULL};
    struct cast_attrs *a = attrs;
    int64_t to = 0, saturate = 1;
    int round = 0;

    if (!strcmp(c->node->op_type, "Cast")) {
        ASH_TRY(ash_parse_int_required(c, "to", &to));
        ASH_FAIL_IF(to <= 0 || to >= ASHORE_DTYPE_COUNT || to == ASHORE_COMPLEX64 ||
                        to == ASHORE_COMPLEX128,
                    c->err, UNSUPPORTED, "a cast to element type %lld", (long long)to);
    }
    ASH_TRY(ash_parse_int(c, "saturate", 1, &saturate));
    ASH_TRY(ash_parse_choice(c, "round_mode", modes, ASH_ROUND_UP, &round));
    a->to = (int)to;
    a->saturate = saturate != 0;
    a->round = (enum ash_round)round;
    return ASHORE_OK;
}

static bool is_whole(int dtype) {
    int class = ash_dtype(dtype)->number;
    return dtype != ASHORE_BOOL && (class == ASH_CLASS_INT || class == ASH_CLASS_UINT);
}

static int cast_infer(struct ash_infer *c) {
    const struct cast_attrs *a = c->attrs;
    const int any = ASH_TAKES_ANY & ~ASH_TAKES_COMPLEX;
    int from, to = a->to;

    ASH_TRY(ash_infer_types(c, 0, 1, any, &from));
    if (!to) ASH_TRY(ash_infer_types(c, 1, 2, any, &to));
    ash_infer_like(c, 0, to, 0);
    /* Narrower types would cut an extent, which is taken not to happen to int32. */
    if (is_whole(from) && (to == ASHORE_INT64 || to == ASHORE_INT32))
        c->out[0].content = c->in[0]->content;
    return ASHORE_OK;
}

/* ---- text to numbers ---- */

static double scale10(double x, int exponent) { /* x * 10^exponent */
    static const double powers[] = {1e1, 1e2, 1e4, 1e8, 1e16, 1e32, 1e64, 1e128, 1e256};
    int n = exponent < 0 ? -exponent : exponent;
    double p = 1;

    if (n > 640) return exponent < 0 ? x * 0 : x == 0 ? x : (double)INFINITY;
    if (n > 300) { /* in two steps, so that subnormal results are reached */
        x = exponent < 0 ? x / 1e300 : x * 1e300;
        n -= 300;
    }
    for (; n > 300; n -= 300) x = exponent < 0 ? x / 1e300 : x * 1e300;
    for (int i = 0; n; i++, n >>= 1)
        if (n & 1) p *= powers[i];
    return exponent < 0 ? x / p : x * p;
}

static bool same_word(const char *text, size_t n, const char *word) {
    if (n != strlen(word)) return false;
    for (size_t i = 0; i < n; i++)
        if ((text[i] | 32) != word[i]) return false;
    return true;
}

struct number {
    bool negative;
    uint64_t digits; /* the first 19 */
    int exponent;    /* of 10 */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* [0-9]*[.[0-9]*][e[+-][0-9]+] */
static bool parse_number(const char *s, const char *end, struct number *r) {
    bool any = false, point = false, negative;
    int exponent = 0;

    for (; s < end && (is_digit(*s) || (*s == '.' && !point)); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        any = true;
        if (r->digits < UINT64_C(1000000000000000000)) {
            r->digits = r->digits * 10 + (uint64_t)(*s - '0');
            r->exponent -= point;
        } else {
            r->exponent += !point;
        }
    }
    if (any && end - s >= 2 && (*s | 32) == 'e') {
        s++;
        negative = *s == '-';
        if (*s == '-' || *s == '+') s++;
        any = s < end;
        for (; s < end && is_digit(*s); s++)
            if (exponent < 10000) exponent = exponent * 10 + (*s - '0');
        r->exponent += negative ? -exponent : exponent;
    }
    return any && s == end;
}

int ash_number_of_text(struct ash_text text, struct ash_number *x, struct ashore_error *err) {
    const char *s = text.data;
    size_t n = text.length;
    struct number r = {0};

    for (; n && (*s == ' ' || *s == '\t' || *s == '\n'); n--) s++;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\n')) n--;
    r.negative = n && *s == '-';
    if (n && (*s == '-' || *s == '+')) {
        s++;
        n--;
    }
    x->is_int = false;
    if (same_word(s, n, "inf") || same_word(s, n, "infinity")) {
        x->real = r.negative ? -(double)INFINITY : (double)INFINITY;
    } else if (same_word(s, n, "nan")) {
        x->real = (double)NAN;
    } else {
        ASH_FAIL_IF(!parse_number(s, s + n, &r), err, ARGUMENT, "'%.*s' is not a number",
                    (int)(text.length < 40 ? text.length : 40), text.data);
        x->is_int = r.exponent == 0;
        x->whole = (int64_t)(r.negative ? 0 - r.digits : r.digits);
        x->real = scale10((double)r.digits, r.exponent);
        if (r.negative) x->real = -x->real;
    }
    return ASHORE_OK;
}

static ASH_APART int cast_from_text(struct ash_run *c) {
    const struct cast_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct ash_tensor *y = c->out[0];
    int64_t count = ash_tensor_count(x);
    bool to_int = is_whole(y->dtype);

    for (int64_t i = 0; i < count; i++) {
        struct ash_str s = ((const struct ash_str *)x->data)[i];
        struct ash_text text = {s.length ? x->chars + s.offset : "", s.length};
        struct ash_number number;

        ASH_TRY(ash_number_of_text(text, &number, c->err));
        if (number.is_int && to_int)
            ash_store_i64(y->dtype, &number.whole, 1, ash_at(y, i));
        else
            ash_convert(ASHORE_FLOAT64, &number.real, 1, y->dtype, ash_at(y, i), a->saturate,
                        a->round);
    }
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(cast_from_text, "+string");

/* ---- numbers to text ---- */

enum { TEXT_MAX = 40 };

/* As few digits as give x again in its type, at least 8 or 15. */
static size_t real_text(double x, int dtype, char *text) {
    int digits = dtype == ASHORE_FLOAT64 ? 15 : 8, most = dtype == ASHORE_FLOAT64 ? 17 : 9;
    size_t n;

    if (isnan(x)) return ash_format(text, TEXT_MAX, "NaN");
    if (isinf(x)) return ash_format(text, TEXT_MAX, "%s", x < 0 ? "-INF" : "INF");
    for (;; digits++) {
        struct number r = {0};
        double back;
        char bytes[sizeof back];

        n = ash_format(text, TEXT_MAX, "%.*g", digits, x);
        if (digits == most || !parse_number(text + (x < 0), text + n, &r)) return n;
        back = scale10((double)r.digits, r.exponent);
        ash_store_f64(dtype, &back, 1, bytes);
        ash_load_f64(dtype, bytes, 1, &back);
        if (back == fabs(x)) return n;
    }
}

static size_t element_text(const struct ash_tensor *x, int64_t i, char *text) {
    int64_t v;

    if (ash_dtype_is_float(x->dtype)) return real_text(ash_get_f64(x, i), x->dtype, text);
    v = ash_get_i64(x, i);
    if (x->dtype == ASHORE_UINT64) return ash_format(text, TEXT_MAX, "%llu", (unsigned long long)v);
    return ash_format(text, TEXT_MAX, "%lld", (long long)v);
}

static ASH_APART int cast_to_text(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0];
    int64_t count = ash_tensor_count(x);
    size_t total = 0;
    char text[TEXT_MAX];

    for (int64_t i = 0; i < count; i++) total += element_text(x, i, text);
    ASH_TRY(ash_run_strings(c, 0, x->rank, x->dim, total));
    total = 0;
    for (int64_t i = 0; i < count; i++) {
        size_t n = element_text(x, i, text);

        memcpy((char *)c->out[0]->chars + total, text, n);
        ((struct ash_str *)c->out[0]->data)[i] = (struct ash_str){(uint32_t)total, (uint32_t)n};
        total += n;
    }
    return ASHORE_OK;
}
ASH_ABSENT_WITHOUT(cast_to_text, "+string");

static ASH_APART int keep_text(struct ash_run *c) { return ash_run_forward(c, 0, 0); }
ASH_ABSENT_WITHOUT(keep_text, "+string");

static int cast_ref(struct ash_run *c) {
    const struct cast_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    struct ash_tensor *y = c->out[0];
    int to = a->to ? a->to : c->in[1]->dtype;

    if (to == ASHORE_STRING) return x->dtype == ASHORE_STRING ? keep_text(c) : cast_to_text(c);
    if (x->dtype == ASHORE_STRING) return cast_from_text(c);
    if (to == x->dtype) {
        if (y->data != x->data && ash_tensor_bytes(x))
            memcpy(y->data, x->data, ash_tensor_bytes(x));
        return ASHORE_OK;
    }
    ash_convert(x->dtype, x->data, (size_t)ash_tensor_count(x), to, y->data, a->saturate, a->round);
    return ASHORE_OK;
}

/* ---- numbers to numbers, on all threads ---- */

enum { CAST_TILE = 16384 /* elements */ };

struct cast_job {
    const struct cast_attrs *attrs;
    const struct ash_tensor *x, *y;
};

static void cast_tile(void *arg, size_t tile, size_t worker) {
    const struct cast_job *j = arg;
    int64_t start = (int64_t)tile * CAST_TILE, left = ash_tensor_count(j->x) - start;
    size_t n = left < CAST_TILE ? (size_t)left : CAST_TILE;
    void *to = ash_at(j->y, start);
    const void *from = ash_at(j->x, start);
    (void)worker;
    if (j->x->dtype != j->y->dtype)
        ash_convert(j->x->dtype, from, n, j->y->dtype, to, j->attrs->saturate, j->attrs->round);
    else if (to != from)
        memcpy(to, from, n * ash_dtype_size(j->x->dtype));
}

static int cast_run(struct ash_run *c) {
    struct cast_job j = {c->attrs, c->in[0], c->out[0]};
    size_t count = (size_t)ash_tensor_count(c->in[0]);
    ash_pool_run(c->pool, (count + CAST_TILE - 1) / CAST_TILE, cast_tile, &j);
    return ASHORE_OK;
}

/* Every number of the type is one of float32. */
static bool within_f32(int dtype) {
    return dtype == ASHORE_FLOAT32 || (dtype != ASHORE_STRING && ash_dtype_size(dtype) <= 2);
}

/* Where float32 stands for 16 bits (c->wide), the result is rounded to them afterwards: that must
 * be the first time. */
static int cast_lower(struct ash_lower *c) {
    int from = c->in[0]->type.dtype, to = c->out->type.dtype;
    bool half = ash_is_half(from) || ash_is_half(to);
    if (half || from == ASHORE_STRING || to == ASHORE_STRING || (c->wide && !within_f32(from)))
        return ASHORE_OK;
    return ash_lower_to(c, cast_run, 0, "cast") ? ASHORE_OK : ASHORE_ERR_NOMEM;
}

/* ---- BitCast ---- */

static int bits_parse(const struct ash_parse *c, void *attrs) {
    struct cast_attrs *a = attrs;
    int64_t to;

    ASH_TRY(ash_parse_int_required(c, "to", &to));
    ASH_FAIL_IF(to <= 0 || to >= ASHORE_DTYPE_COUNT || to == ASHORE_STRING, c->err, ATTR,
                "element type %lld", (long long)to);
    a->to = (int)to;
    return ASHORE_OK;
}

static int bits_infer(struct ash_infer *c) {
    const struct cast_attrs *a = c->attrs;
    int from;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_ANY & ~ASH_TAKES_STRING, &from));
    ASH_MISFIT_IF(from && ash_dtype(from)->bits != ash_dtype(a->to)->bits, c->err, TYPE,
                  "%s and %s differ in size", ash_dtype(from)->name, ash_dtype(a->to)->name);
    ash_infer_like(c, 0, a->to, 0);
    return ASHORE_OK;
}

static int bits_ref(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    const uint8_t *from = x->data;
    int64_t count = ash_tensor_count(x);
    int mask = (1 << ash_dtype(x->dtype)->bits % 8) - 1;

    ash_copy(c->out[0], x);
    /* Smaller elements than a byte are numbers there: signs reach further than their bits. */
    for (int64_t i = 0; mask && i < count; i++) {
        int64_t code = from[i] & mask;

        if (ash_dtype_is_float(y->dtype))
            *(uint8_t *)ash_at(y, i) = (uint8_t)code;
        else
            ash_store_i64(y->dtype, &code, 1, ash_at(y, i));
    }
    for (int64_t i = 0; y->dtype == ASHORE_BOOL && i < count; i++)
        ((uint8_t *)y->data)[i] = ((uint8_t *)y->data)[i] != 0;
    return ASHORE_OK;
}

#define CAST(op, version, inputs)                                                                  \
    {.name = op,                                                                                   \
     .domain = "",                                                                                 \
     .since = version,                                                                             \
     .in_min = inputs,                                                                             \
     .in_max = inputs,                                                                             \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .flags = ASH_OP_ELEMENTWISE,                                                                  \
     .inplace = 1,                                                                                 \
     .attrs_size = sizeof(struct cast_attrs),                                                      \
     .parse = cast_parse,                                                                          \
     .infer = cast_infer,                                                                          \
     .lower = cast_lower,                                                                          \
     .ref = cast_ref}

extern const struct ash_op ash_ops_cast[];
const struct ash_op ash_ops_cast[] = {CAST("Cast", 6, 1),
                                      CAST("CastLike", 15, 2),
                                      {.name = "BitCast",
                                       .domain = "",
                                       .since = 26,
                                       .in_min = 1,
                                       .in_max = 1,
                                       .out_min = 1,
                                       .out_max = 1,
                                       .flags = ASH_OP_ELEMENTWISE,
                                       .inplace = 1,
                                       .attrs_size = sizeof(struct cast_attrs),
                                       .parse = bits_parse,
                                       .infer = bits_infer,
                                       .ref = bits_ref},
                                      {0}};
