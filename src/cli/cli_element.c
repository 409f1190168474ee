#include "cli_element.h"

#include "cli_base.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- decoding ------------------------------------------------------------------------------- */

/* What the largest exponents mean in a small floating-point format. */
enum mini_special {
    MINI_IEEE, /* infinities and NaN */
    MINI_FN,   /* all ones is NaN, no infinity */
    MINI_FNUZ, /* minus zero's pattern is NaN, no infinity */
    MINI_NONE  /* neither */
};
static const struct mini_format {
    unsigned char dtype, exponent, mantissa, special;
    int bias;
} mini_formats[] = {
    {ASHORE_FLOAT16, 5, 10, MINI_IEEE, 15},   {ASHORE_BFLOAT16, 8, 7, MINI_IEEE, 127},
    {ASHORE_FLOAT8E4M3FN, 4, 3, MINI_FN, 7},  {ASHORE_FLOAT8E4M3FNUZ, 4, 3, MINI_FNUZ, 8},
    {ASHORE_FLOAT8E5M2, 5, 2, MINI_IEEE, 15}, {ASHORE_FLOAT8E5M2FNUZ, 5, 2, MINI_FNUZ, 16},
    {ASHORE_FLOAT4E2M1, 2, 1, MINI_NONE, 1},
};

static double mini_decode(const struct mini_format *f, uint32_t bits) {
    uint32_t ones = (1u << f->exponent) - 1, mantissa = bits & ((1u << f->mantissa) - 1);
    uint32_t exponent = bits >> f->mantissa & ones;
    bool negative = bits >> (f->mantissa + f->exponent) & 1;
    if (f->special == MINI_IEEE && exponent == ones) {
        if (mantissa) return NAN;
        return negative ? -INFINITY : INFINITY;
    }
    if (f->special == MINI_FN && exponent == ones && mantissa == (1u << f->mantissa) - 1)
        return NAN;
    if (f->special == MINI_FNUZ && negative && exponent == 0 && mantissa == 0) return NAN;
    double fraction = mantissa + (exponent ? (double)(1u << f->mantissa) : 0.0);
    int power = (exponent ? (int)exponent : 1) - f->bias - f->mantissa;
    double v = ldexp(fraction, power);
    return negative ? -v : v;
}

static double element_small(int dtype, const unsigned char *p) {
    uint32_t bits = p[0];
    if (dtype == ASHORE_FLOAT16 || dtype == ASHORE_BFLOAT16) {
        uint16_t half;
        memcpy(&half, p, sizeof half);
        bits = half;
    }
    if (dtype == ASHORE_FLOAT8E8M0) return bits == 255 ? NAN : ldexp(1.0, (int)bits - 127);
    for (size_t i = 0; i < sizeof mini_formats / sizeof mini_formats[0]; i++) {
        if (mini_formats[i].dtype == dtype) return mini_decode(&mini_formats[i], bits);
    }
    return 0.0;
}

static bool dtype_is_signed(int dtype) {
    return dtype == ASHORE_INT8 || dtype == ASHORE_INT16 || dtype == ASHORE_INT32 ||
           dtype == ASHORE_INT64 || dtype == ASHORE_INT4 || dtype == ASHORE_INT2;
}

static bool dtype_is_integer(int dtype) {
    return dtype_is_signed(dtype) || dtype == ASHORE_UINT8 || dtype == ASHORE_UINT16 ||
           dtype == ASHORE_UINT32 || dtype == ASHORE_UINT64 || dtype == ASHORE_UINT4 ||
           dtype == ASHORE_UINT2;
}

/* The bits of an integer element, extended to 64 as its sign asks for. */
static uint64_t element_integer(int dtype, const unsigned char *p) {
    size_t size = ashore_dtype_size(dtype);
    uint64_t bits = *p;
    if (size == 2) {
        uint16_t v;
        memcpy(&v, p, sizeof v);
        bits = v;
    } else if (size == 4) {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        bits = v;
    } else if (size == 8) {
        memcpy(&bits, p, sizeof bits);
    }
    uint64_t sign = (uint64_t)1 << (size * 8 - 1);
    if (dtype_is_signed(dtype) && size < 8 && (bits & sign)) bits -= sign << 1;
    return bits;
}

static bool dtype_is_complex(int dtype) {
    return dtype == ASHORE_COMPLEX64 || dtype == ASHORE_COMPLEX128;
}

static double read_float(const unsigned char *p) {
    float v;
    memcpy(&v, p, sizeof v);
    return (double)v;
}

static double read_double(const unsigned char *p) {
    double v;
    memcpy(&v, p, sizeof v);
    return v;
}

void cli_element_get(const ashore_value *value, size_t i, double parts[2]) {
    int dtype = ashore_value_dtype(value);
    const unsigned char *p = ashore_value_data(value);
    parts[0] = parts[1] = 0.0;
    if (!p || dtype == ASHORE_STRING) return;
    p += i * ashore_dtype_size(dtype);
    if (dtype_is_integer(dtype)) {
        uint64_t bits = element_integer(dtype, p);
        parts[0] = dtype_is_signed(dtype) ? (double)(int64_t)bits : (double)bits;
    } else if (dtype == ASHORE_BOOL) {
        parts[0] = *p != 0;
    } else if (dtype == ASHORE_FLOAT32 || dtype == ASHORE_COMPLEX64) {
        parts[0] = read_float(p);
        if (dtype == ASHORE_COMPLEX64) parts[1] = read_float(p + sizeof(float));
    } else if (dtype == ASHORE_FLOAT64 || dtype == ASHORE_COMPLEX128) {
        parts[0] = read_double(p);
        if (dtype == ASHORE_COMPLEX128) parts[1] = read_double(p + sizeof(double));
    } else {
        parts[0] = element_small(dtype, p);
    }
}

/* ---- text ----------------------------------------------------------------------------------- */

/* A string element between quotes, controls and bytes that are not UTF-8 as \xNN. */
static void string_text(const ashore_value *value, size_t i, char *out, size_t size) {
    size_t length, n = 0;
    const char *s = ashore_value_string(value, i, &length);
    if (size < 16) return;
    out[n++] = '"';
    for (size_t at = 0; at < length;) {
        uint32_t code;
        size_t step = cli_utf8_decode(s + at, length - at, &code);
        if (n + 10 > size) {
            n += (size_t)snprintf(out + n, size - n, "...");
            break;
        }
        if (step == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", (unsigned char)s[at]);
            at++;
        } else {
            memcpy(out + n, s + at, step);
            n += step;
            at += step;
        }
    }
    snprintf(out + n, size - n, "\"");
}

void cli_element_text(const ashore_value *value, size_t i, char *out, size_t size) {
    int dtype = ashore_value_dtype(value);
    const unsigned char *p = ashore_value_data(value);
    out[0] = '\0';
    if (dtype == ASHORE_STRING) {
        string_text(value, i, out, size);
        return;
    }
    if (p && dtype_is_integer(dtype)) {
        uint64_t bits = element_integer(dtype, p + i * ashore_dtype_size(dtype));
        if (dtype_is_signed(dtype)) {
            snprintf(out, size, "%lld", (long long)bits);
        } else {
            snprintf(out, size, "%llu", (unsigned long long)bits);
        }
        return;
    }
    double parts[2];
    cli_element_get(value, i, parts);
    int digits = dtype == ASHORE_FLOAT64 || dtype == ASHORE_COMPLEX128 ? 15 : 7;
    if (dtype == ASHORE_BOOL) {
        snprintf(out, size, "%s", parts[0] != 0.0 ? "true" : "false");
    } else if (dtype_is_complex(dtype)) {
        snprintf(out, size, "%.*g%+.*gi", digits, parts[0], digits, parts[1]);
    } else {
        snprintf(out, size, "%.*g", digits, parts[0]);
    }
}

void cli_element_index(const ashore_value *value, size_t i, char *out, size_t size) {
    int rank = ashore_value_rank(value);
    const int64_t *shape = ashore_value_shape(value);
    int64_t index[ASHORE_MAX_RANK] = {0};
    for (int axis = rank - 1; axis >= 0; axis--) {
        index[axis] = (int64_t)(i % (size_t)shape[axis]);
        i /= (size_t)shape[axis];
    }
    size_t n = (size_t)snprintf(out, size, "[");
    for (int axis = 0; axis < rank && n < size; axis++) {
        n += (size_t)snprintf(out + n, size - n, "%s%lld", axis ? "," : "", (long long)index[axis]);
    }
    if (n < size) snprintf(out + n, size - n, "]");
}

void cli_value_text(const ashore_value *value, char *out, size_t size) {
    int kind = ashore_value_kind(value);
    size_t count = ashore_value_count(value);
    if (kind == ASHORE_SEQUENCE) {
        snprintf(out, size, "sequence of %zu", count);
    } else if (kind == ASHORE_OPTIONAL) {
        snprintf(out, size, "optional, %s", count ? "set" : "empty");
    } else if (kind == ASHORE_MAP) {
        snprintf(out, size, "map of %zu", ashore_value_elements(ashore_value_item(value, 0)));
    } else {
        int rank = ashore_value_rank(value);
        size_t n = (size_t)snprintf(out, size, "%s[", ashore_dtype_name(ashore_value_dtype(value)));
        for (int i = 0; i < rank && n < size; i++) {
            n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "",
                                  (long long)ashore_value_shape(value)[i]);
        }
        if (n < size) snprintf(out + n, size - n, "]");
    }
}

void cli_value_summary(const ashore_value *value, struct cli_summary *summary) {
    *summary = (struct cli_summary){.least = INFINITY, .greatest = -INFINITY};
    size_t count = ashore_value_elements(value);
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double parts[2];
        cli_element_get(value, i, parts);
        if (isnan(parts[0])) {
            summary->nan++;
        } else if (isinf(parts[0])) {
            summary->infinite++;
        } else {
            summary->finite++;
            sum += parts[0];
            summary->least = fmin(summary->least, parts[0]);
            summary->greatest = fmax(summary->greatest, parts[0]);
        }
    }
    if (summary->finite) summary->mean = sum / (double)summary->finite;
}

/* ---- comparison ----------------------------------------------------------------------------- */

struct compared {
    bool ok;
    double abs, rel; /* NaN where a side is not finite */
};

static struct compared compare_strings(const ashore_value *a, const ashore_value *b, size_t i) {
    size_t na, nb;
    const char *sa = ashore_value_string(a, i, &na), *sb = ashore_value_string(b, i, &nb);
    return (struct compared){na == nb && (na == 0 || memcmp(sa, sb, na) == 0), NAN, NAN};
}

static struct compared compare_numbers(const ashore_value *actual, const ashore_value *expected,
                                       size_t i, double rtol, double atol) {
    double a[2], e[2];
    cli_element_get(actual, i, a);
    cli_element_get(expected, i, e);
    struct compared out = {true, 0.0, 0.0};
    for (int k = 0; k < 2; k++) {
        if (a[k] == e[k] || (isnan(a[k]) && isnan(e[k]))) continue;
        if (!isfinite(a[k]) || !isfinite(e[k])) return (struct compared){false, NAN, NAN};
        double abs = fabs(a[k] - e[k]);
        if (!(abs <= atol + rtol * fabs(e[k]))) out.ok = false;
        out.abs = fmax(out.abs, abs);
        out.rel = fmax(out.rel, e[k] == 0.0 ? INFINITY : abs / fabs(e[k]));
    }
    return out;
}

/* Integers past 2^53 may look equal as doubles. */
static struct compared compare_integers(const ashore_value *actual, const ashore_value *expected,
                                        size_t i, double rtol, double atol) {
    size_t size = ashore_dtype_size(ashore_value_dtype(actual));
    const unsigned char *a = ashore_value_data(actual), *e = ashore_value_data(expected);
    struct compared out = compare_numbers(actual, expected, i, rtol, atol);
    if (out.abs == 0.0 && memcmp(a + i * size, e + i * size, size) != 0) {
        out.abs = 1.0;
        out.ok = rtol > 0.0 || atol >= 1.0;
    }
    return out;
}

static void describe_difference(const ashore_value *actual, const ashore_value *expected, size_t at,
                                struct cli_difference *diff) {
    char where[128], got[80], wanted[80];
    cli_element_index(actual, at, where, sizeof where);
    cli_element_text(actual, at, got, sizeof got);
    cli_element_text(expected, at, wanted, sizeof wanted);
    snprintf(diff->text, sizeof diff->text, "at %s: got %s, expected %s", where, got, wanted);
}

static bool compare_tensors(const ashore_value *actual, const ashore_value *expected,
                            const struct cli_tolerance *tolerance, struct cli_difference *diff) {
    char got[200], wanted[200];
    cli_value_text(actual, got, sizeof got);
    cli_value_text(expected, wanted, sizeof wanted);
    if (strcmp(got, wanted) != 0) {
        snprintf(diff->text, sizeof diff->text, "got %.180s, expected %.180s", got, wanted);
        diff->wrong++;
        return false;
    }
    int dtype = ashore_value_dtype(actual);
    bool integer = dtype_is_integer(dtype);
    bool exact = dtype == ASHORE_BOOL || (integer && !tolerance->integers);
    double rtol = exact ? 0.0 : tolerance->rtol, atol = exact ? 0.0 : tolerance->atol;
    size_t count = ashore_value_elements(actual), worst = 0, wrong = 0;
    double worst_abs = -1.0;
    diff->elements += count;
    for (size_t i = 0; i < count; i++) {
        struct compared c = dtype == ASHORE_STRING ? compare_strings(actual, expected, i)
                            : integer ? compare_integers(actual, expected, i, rtol, atol)
                                      : compare_numbers(actual, expected, i, rtol, atol);
        diff->max_abs = fmax(diff->max_abs, c.abs); /* fmax passes over NaN */
        diff->max_rel = fmax(diff->max_rel, c.rel);
        if (c.ok) continue;
        double severity = isnan(c.abs) ? INFINITY : c.abs;
        if (severity > worst_abs) {
            worst_abs = severity;
            worst = i;
        }
        wrong++;
    }
    if (wrong > 0 && !diff->text[0]) {
        describe_difference(actual, expected, worst, diff);
        size_t n = strlen(diff->text);
        snprintf(diff->text + n, sizeof diff->text - n, "; %zu of %zu elements differ", wrong,
                 count);
        n = strlen(diff->text);
        if (isfinite(worst_abs)) {
            snprintf(diff->text + n, sizeof diff->text - n, ", at most by %.3g (relative %.3g)",
                     diff->max_abs, diff->max_rel);
        }
    }
    diff->wrong += wrong;
    return wrong == 0;
}

bool cli_value_compare(const ashore_value *actual, const ashore_value *expected,
                       const struct cli_tolerance *tolerance, struct cli_difference *diff) {
    int kind = ashore_value_kind(expected);
    if (kind == ASHORE_TENSOR && ashore_value_kind(actual) == kind) {
        return compare_tensors(actual, expected, tolerance, diff);
    }
    size_t count = ashore_value_count(expected);
    if (ashore_value_kind(actual) != kind || ashore_value_count(actual) != count) {
        char got[200], wanted[200];
        cli_value_text(actual, got, sizeof got);
        cli_value_text(expected, wanted, sizeof wanted);
        snprintf(diff->text, sizeof diff->text, "got %.180s, expected %.180s", got, wanted);
        diff->wrong++;
        return false;
    }
    for (size_t i = 0; i < count; i++) { /* of a map: its keys and its values */
        const ashore_value *a = ashore_value_item(actual, i), *e = ashore_value_item(expected, i);
        if (cli_value_compare(a, e, tolerance, diff)) continue;
        struct cli_difference inner = *diff;
        if (kind == ASHORE_MAP)
            snprintf(diff->text, sizeof diff->text, "%s: %.370s", i ? "values" : "keys",
                     inner.text);
        else
            snprintf(diff->text, sizeof diff->text, "item %zu: %.370s", i, inner.text);
        return false;
    }
    return true;
}
