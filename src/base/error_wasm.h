/* ash_fail() where bytes count.  Variable arguments go through memory: the caller needs a frame for
 * them, and a store for each.  As parameters of 64 bits they take half as much code at each of some
 * hundreds of errors.  Part of base/error.h. */
#ifndef ASH_BASE_ERROR_WASM_H
#define ASH_BASE_ERROR_WASM_H

#include "ashore/ashore_error.h"

#include <stdint.h>

/* Up to six arguments of a format, as ash_format_array takes them. */
int ash_fail_0(struct ashore_error *err, int code, const char *fmt);
int ash_fail_1(struct ashore_error *err, int code, const char *fmt, int64_t a);
int ash_fail_2(struct ashore_error *err, int code, const char *fmt, int64_t a, int64_t b);
int ash_fail_3(struct ashore_error *err, int code, const char *fmt, int64_t a, int64_t b,
               int64_t c);
int ash_fail_6(struct ashore_error *err, int code, const char *fmt, int64_t a, int64_t b, int64_t c,
               int64_t d, int64_t e, int64_t f);

/* The rare ones with seven or eight. */
int ash_fail_list(struct ashore_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static inline int64_t ash_arg_int(int64_t v) { return v; }
static inline int64_t ash_arg_uint(uint64_t v) { return (int64_t)v; }
static inline int64_t ash_arg_text(const char *v) { return (int64_t)(uintptr_t)v; }
static inline int64_t ash_arg_real(double v) {
    union {
        double real;
        int64_t bits;
    } u = {v};
    return u.bits;
}

#define ASH_ARG(x)                                                                                 \
    _Generic((x),                                                                                  \
        char *: ash_arg_text,                                                                      \
        const char *: ash_arg_text,                                                                \
        double: ash_arg_real,                                                                      \
        unsigned long long: ash_arg_uint,                                                          \
        default: ash_arg_int)(x)
#define ASH_ARGS_0(fmt)                fmt
#define ASH_ARGS_1(fmt, a)             fmt, ASH_ARG(a)
#define ASH_ARGS_2(fmt, a, b)          fmt, ASH_ARG(a), ASH_ARG(b)
#define ASH_ARGS_3(fmt, a, b, c)       ASH_ARGS_2(fmt, a, b), ASH_ARG(c)
#define ASH_ARGS_4(fmt, a, b, c, d)    ASH_ARGS_3(fmt, a, b, c), ASH_ARG(d), 0, 0
#define ASH_ARGS_5(fmt, a, b, c, d, e) ASH_ARGS_3(fmt, a, b, c), ASH_ARG(d), ASH_ARG(e), 0
#define ASH_ARGS_6(fmt, a, b, c, d, e, f)                                                          \
    ASH_ARGS_3(fmt, a, b, c), ASH_ARG(d), ASH_ARG(e), ASH_ARG(f)
#define ASH_ARGS_LIST(...)                              __VA_ARGS__
#define ASH_TENTH(a, b, c, d, e, f, g, h, i, name, ...) name
#define ash_fail(err, code, ...)                                                                   \
    ASH_TENTH(__VA_ARGS__, ash_fail_list, ash_fail_list, ash_fail_6, ash_fail_6, ash_fail_6,       \
              ash_fail_3, ash_fail_2, ash_fail_1, ash_fail_0, )                                    \
    (err, code,                                                                                    \
     ASH_TENTH(__VA_ARGS__, ASH_ARGS_LIST, ASH_ARGS_LIST, ASH_ARGS_6, ASH_ARGS_5, ASH_ARGS_4,      \
               ASH_ARGS_3, ASH_ARGS_2, ASH_ARGS_1, ASH_ARGS_0, )(__VA_ARGS__))

#endif
