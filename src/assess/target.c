#include "target.h"

#include <math.h>
#include <string.h>

/* Enough for any amount, and few enough to be exact in a double. */
enum { MOST_DIGITS = 15 };

struct unit {
    const char *name;
    double factor;
};

static const struct unit times[] = {{"ms", 1e-3}, {"s", 1},    {"us", 1e-6},
                                    {"ns", 1e-9}, {"min", 60}, {NULL, 0}};
static const struct unit sizes[] = {
    {"MB", 1e6}, {"KB", 1e3},   {"kB", 1e3},          {"GB", 1e9},
    {"B", 1},    {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024.0 * 1024 * 1024},
    {NULL, 0}};
static const struct unit counts[] = {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {NULL, 0}};
static const struct unit rates[] = {{"", 1},      {"k", 1e3},   {"K", 1e3},   {"M", 1e6}, {"/s", 1},
                                    {"k/s", 1e3}, {"K/s", 1e3}, {"M/s", 1e6}, {NULL, 0}};
static const struct unit core_times[] = {
    {"core-hour", 3600}, {"core-second", 1}, {"core-day", 86400}, {NULL, 0}};

/* Digits with at most one point: no sign, no exponent, whatever the locale.  Moves *at behind it;
 * false when there is none or it is too long. */
static bool read_number(const char **at, double *value) {
    const char *s = *at;
    double digits = 0, scale = 1;
    int count = 0;
    bool point = false, any = false;
    for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        any = true;
        if (digits == 0 && *s == '0' && !point) continue;
        if (++count > MOST_DIGITS) return false;
        digits = digits * 10 + (*s - '0');
        if (point) scale *= 10;
    }
    *at = s;
    *value = digits / scale;
    return any;
}

static bool read_unit(const char *name, const struct unit *units, double *factor) {
    for (; units->name; units++) {
        if (strcmp(units->name, name) != 0) continue;
        *factor = units->factor;
        return true;
    }
    return false;
}

/* A number above 0 with its unit, which ends the text. */
static bool read_amount(const char *s, const struct unit *units, double *value) {
    double factor;
    if (!read_number(&s, value) || !read_unit(s, units, &factor)) return false;
    *value *= factor;
    return *value > 0 && isfinite(*value);
}

static int read_limit(const char *text, const char *value, const struct unit *units,
                      const char *example, struct assess_target *target, struct ashore_error *err) {
    if (read_amount(value, units, &target->limit)) return ASHORE_OK;
    return assess_fail(err, ASHORE_ERR_ARGUMENT,
                       "target %s: '%s' is not understood; expected is something like %s", text,
                       value, example);
}

static int read_latency(const char *text, const char *equals, struct assess_target *target,
                        struct ashore_error *err) {
    const char *s = text + 1;
    double percent;
    if (!read_number(&s, &percent) || s != equals || percent <= 0 || percent >= 100) {
        return assess_fail(err, ASHORE_ERR_ARGUMENT,
                           "target %s: the percentile must lie between 0 and 100, as in p50=20ms, "
                           "p99=40ms or p99.9=80ms",
                           text);
    }
    target->kind = ASSESS_TARGET_LATENCY;
    target->quantile = percent / 100;
    return read_limit(text, equals + 1, times, "40ms, 1.5s or 200us", target, err);
}

static int read_cost(const char *text, const char *value, struct assess_target *target,
                     struct ashore_error *err) {
    double money, count;
    const char *s = value;
    if (read_number(&s, &money) && money > 0 && *s == '/' && read_amount(s + 1, counts, &count)) {
        target->limit = money / count;
        return ASHORE_OK;
    }
    return assess_fail(err, ASHORE_ERR_ARGUMENT,
                       "target %s: expected is money for a number of requests, as in "
                       "cost=0.20/1k or cost=5/1M",
                       text);
}

static const struct plain_target {
    const char *name;
    enum assess_target_kind kind;
    const struct unit *units; /* NULL: money */
    const char *example;
} plain_targets[] = {
    {"throughput", ASSESS_TARGET_THROUGHPUT, rates, "200, 200/s or 1.5k"},
    {"memory", ASSESS_TARGET_MEMORY, sizes, "500MB or 1.5GiB"},
    {"cold-start", ASSESS_TARGET_COLD_START, times, "800ms or 2s"},
    {"download", ASSESS_TARGET_DOWNLOAD, sizes, "500KB or 20MB"},
    {"cost", ASSESS_TARGET_COST, NULL, "0.20/1k"},
};

int assess_target_parse(const char *text, struct assess_target *target, struct ashore_error *err) {
    *target = (struct assess_target){.text = text};
    if (strcmp(text, "client") == 0) {
        target->kind = ASSESS_TARGET_CLIENT;
        return ASHORE_OK;
    }
    const char *equals = strchr(text, '=');
    if (equals && text[0] == 'p' && ((text[1] >= '0' && text[1] <= '9') || text[1] == '=')) {
        return read_latency(text, equals, target, err);
    }
    for (size_t i = 0; equals && i < sizeof plain_targets / sizeof *plain_targets; i++) {
        const struct plain_target *t = &plain_targets[i];
        size_t n = strlen(t->name);
        if ((size_t)(equals - text) != n || memcmp(text, t->name, n) != 0) continue;
        target->kind = t->kind;
        if (!t->units) return read_cost(text, equals + 1, target, err);
        return read_limit(text, equals + 1, t->units, t->example, target, err);
    }
    return assess_fail(err, ASHORE_ERR_ARGUMENT,
                       "target '%s' is not understood; targets are p99=40ms (any percentile), "
                       "throughput=200, memory=500MB, cold-start=800ms, download=20MB, "
                       "cost=0.20/1k and client",
                       text);
}

int assess_price_parse(const char *text, double *per_core_second, struct ashore_error *err) {
    double money, seconds;
    const char *s = text;
    *per_core_second = 0;
    if (read_number(&s, &money) && money > 0 && *s == '/' &&
        read_unit(s + 1, core_times, &seconds)) {
        *per_core_second = money / seconds;
        return ASHORE_OK;
    }
    return assess_fail(err, ASHORE_ERR_ARGUMENT,
                       "price '%s' is not understood; expected is money for a core's time, as in "
                       "0.17/core-hour, 5/core-day or 0.00005/core-second",
                       text);
}
