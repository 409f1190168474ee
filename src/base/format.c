#include "base/format.h"

#include "base/trimming.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sink {
    char *buf;
    size_t size, length;
};

struct directive {
    bool zero;
    int width, precision; /* precision -1: none given */
    int bytes;            /* of an integer argument */
};

static void put(struct sink *sink, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++, sink->length++) {
        if (sink->length + 1 < sink->size) sink->buf[sink->length] = text[i];
    }
}

static void pad(struct sink *sink, char fill, int width, size_t n) {
    for (size_t i = n; width > 0 && i < (size_t)width; i++) put(sink, &fill, 1);
}

static void put_integer(struct sink *sink, const struct directive *d, uint64_t value, bool negative,
                        unsigned base) {
    char text[24];
    size_t first = sizeof text;
    do {
        text[--first] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    size_t n = sizeof text - first + (negative ? 1 : 0);
    if (!d->zero) pad(sink, ' ', d->width, n);
    if (negative) put(sink, "-", 1);
    if (d->zero) pad(sink, '0', d->width, n);
    put(sink, text + first, sizeof text - first);
}

/* 10 to the power n, by squaring: exact up to 10^22. */
static double power_of_ten(int n) {
    double power = 1, square = 10;
    for (; n != 0; n >>= 1, square *= square) {
        if ((n & 1) != 0) power *= square;
    }
    return power;
}

static double scale(double value, int exponent) {
    /* In two steps, as 10^308 is the largest power. */
    for (; exponent > 300; exponent -= 300) value *= power_of_ten(300);
    for (; exponent < -300; exponent += 300) value /= power_of_ten(300);
    return exponent < 0 ? value / power_of_ten(-exponent) : value * power_of_ten(exponent);
}

/* Digits of a finite value above zero, rounded to n of them; returns the decimal exponent of the
 * first. */
static int decimal_digits(double value, int n, char *digits) {
    int exponent = 0;
    while (exponent < 308 && scale(value, -exponent) >= 10) {
        exponent += exponent + 16 < 308 && scale(value, -exponent) >= 1e17 ? 16 : 1;
    }
    while (scale(value, -exponent) < 1) exponent -= scale(value, -exponent) < 1e-17 ? 16 : 1;
    double scaled = scale(value, n - 1 - exponent);
    uint64_t whole = (uint64_t)scaled;
    double rest = scaled - (double)whole;
    if (rest > 0.5 || (rest >= 0.5 && (whole & 1) != 0)) whole++;
    uint64_t limit = (uint64_t)power_of_ten(n);
    if (whole >= limit) {
        whole /= 10;
        exponent++;
    }
    for (int i = n - 1; i >= 0; i--, whole /= 10) digits[i] = (char)('0' + whole % 10);
    return exponent;
}

static size_t put_exponent(char *text, int exponent) {
    size_t n = 0;
    text[n++] = 'e';
    text[n++] = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent >= 100) text[n++] = (char)('0' + exponent / 100);
    text[n++] = (char)('0' + exponent / 10 % 10);
    text[n++] = (char)('0' + exponent % 10);
    return n;
}

static size_t general_text(double value, int precision, char *text) {
    char digits[20];
    int n = precision < 0 ? 6 : precision == 0 ? 1 : precision > 17 ? 17 : precision;
    int exponent = value > 0 ? decimal_digits(value, n, digits) : 0;
    if (!(value > 0)) memset(digits, '0', sizeof digits);
    bool scientific = exponent < -4 || exponent >= n;
    while (n > 1 && digits[n - 1] == '0') n--;
    size_t length = 0;
    if (!scientific && exponent < 0) {
        memcpy(text, "0.000", (size_t)(1 - exponent));
        length = (size_t)(1 - exponent);
        memcpy(text + length, digits, (size_t)n);
        return length + (size_t)n;
    }
    int whole = scientific ? 1 : exponent + 1;
    for (int i = 0; i < whole || i < n; i++) {
        if (i == whole) text[length++] = '.';
        text[length++] = i < n ? digits[i] : '0';
    }
    return scientific ? length + put_exponent(text + length, exponent) : length;
}

static ASH_APART void put_general(struct sink *sink, const struct directive *d, double value) {
    char text[40];
    size_t n = 0;
    bool negative = __builtin_signbit(value) != 0;
    if (negative) text[n++] = '-';
    if (value != value || value - value != 0) {
        memcpy(text + n, value != value ? "nan" : "inf", 3);
        n += 3;
    } else {
        n += general_text(negative ? -value : value, d->precision, text + n);
    }
    pad(sink, ' ', d->width, n);
    put(sink, text, n);
}
ASH_ABSENT_WITHOUT(put_general, "+%g");

static void put_string(struct sink *sink, const struct directive *d, const char *text) {
    if (text == NULL) text = "(null)";
    size_t n = 0;
    while ((d->precision < 0 || n < (size_t)d->precision) && text[n] != '\0') n++;
    pad(sink, ' ', d->width, n);
    put(sink, text, n);
}

static int read_number(const char **fmt) {
    int n = 0;
    for (; **fmt >= '0' && **fmt <= '9' && n < 100000; (*fmt)++) n = 10 * n + (**fmt - '0');
    return n;
}

static int length_bytes(const char **fmt) {
    int bytes = (int)sizeof(int);
    for (;; (*fmt)++) {
        switch (**fmt) {
        case 'h':
            break; /* promoted to int */
        case 'l':
            bytes = bytes == (int)sizeof(int) ? (int)sizeof(long) : 8;
            break;
        case 'z':
        case 't':
            bytes = (int)sizeof(size_t);
            break;
        case 'j':
            bytes = 8;
            break;
        default:
            return bytes;
        }
        /* "ll" where long is no wider than int. */
        if (**fmt == 'l' && (*fmt)[1] == 'l') bytes = 8;
    }
}

struct arguments {
    const int64_t *array; /* NULL: list */
    va_list list;
};

static int64_t next_integer(struct arguments *args, int bytes) {
    if (args->array) return *args->array++;
    return bytes == 8 ? va_arg(args->list, int64_t) : va_arg(args->list, int);
}

static const char *next_text(struct arguments *args) {
    if (args->array) return (const char *)(uintptr_t)*args->array++;
    return va_arg(args->list, const char *);
}

static double next_real(struct arguments *args) {
    double value;
    if (!args->array) return va_arg(args->list, double);
    memcpy(&value, args->array++, sizeof value);
    return value;
}

static size_t format(char *buf, size_t size, const char *fmt, struct arguments *args) {
    struct sink sink = {buf, size, 0};
    while (*fmt != '\0') {
        const char *start = fmt;
        while (*fmt != '\0' && *fmt != '%') fmt++;
        put(&sink, start, (size_t)(fmt - start));
        if (*fmt == '\0') break;
        fmt++;
        struct directive d = {.precision = -1};
        d.zero = *fmt == '0';
        d.width = read_number(&fmt);
        if (*fmt == '.') {
            fmt++;
            bool star = *fmt == '*';
            if (star) fmt++;
            d.precision = star ? (int)next_integer(args, 4) : read_number(&fmt);
        }
        d.bytes = length_bytes(&fmt);
        char kind = *fmt == '\0' ? '%' : *fmt++;
        if (kind == 'd' || kind == 'i') {
            int64_t value = next_integer(args, d.bytes);
            uint64_t size_of = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
            put_integer(&sink, &d, size_of, value < 0, 10);
        } else if (kind == 'u' || kind == 'x') {
            uint64_t value = (uint64_t)next_integer(args, d.bytes);
            if (d.bytes != 8) value = (uint32_t)value;
            put_integer(&sink, &d, value, false, kind == 'x' ? 16 : 10);
        } else if (kind == 'g') {
            put_general(&sink, &d, next_real(args));
        } else if (kind == 's') {
            put_string(&sink, &d, next_text(args));
        } else {
            char c = kind == 'c' ? (char)next_integer(args, 4) : kind;
            put(&sink, &c, 1);
        }
    }
    if (size != 0) buf[sink.length < size ? sink.length : size - 1] = '\0';
    return sink.length;
}

size_t ash_format_list(char *buf, size_t size, const char *fmt, va_list list) {
    struct arguments args = {.array = NULL};
    va_copy(args.list, list);
    size_t length = format(buf, size, fmt, &args);
    va_end(args.list);
    return length;
}

size_t ash_format_array(char *buf, size_t size, const char *fmt, const int64_t *array) {
    struct arguments args = {.array = array};
    return format(buf, size, fmt, &args);
}

size_t ash_format(char *buf, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    size_t length = ash_format_list(buf, size, fmt, args);
    va_end(args);
    return length;
}
