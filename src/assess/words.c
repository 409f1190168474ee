#include "words.h"

#include <math.h>
#include <stdarg.h>

const char *assess_say(struct assess_pool *pool, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : assess_alloc(pool, (size_t)n + 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text ? text : "";
}

static const char *not_finite(double value) {
    if (isnan(value)) return "not known";
    return value > 0 ? "unbounded" : "unbounded below";
}

static bool is_whole(double value) { return fabs(value - round(value)) <= 1e-9 * fabs(value); }

/* Digits in groups of three. */
static const char *grouped(struct assess_pool *pool, double whole) {
    char plain[32], out[48];
    if (fabs(whole) >= 1e15) return assess_say(pool, "%.3g", whole);
    size_t n = (size_t)snprintf(plain, sizeof plain, "%.0f", fabs(whole)), to = 0;
    if (whole <= -0.5) out[to++] = '-';
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) out[to++] = ',';
        out[to++] = plain[i];
    }
    out[to] = '\0';
    return assess_say(pool, "%s", out);
}

/* Three significant digits, without an exponent; fewer decimals where they say the same. */
static const char *significant(struct assess_pool *pool, double value) {
    double size = fabs(value);
    if (size < 1e15 && is_whole(value)) return grouped(pool, value);
    if (size >= 99.95) return grouped(pool, round(value));
    if (size < 1e-9) return assess_say(pool, "%.2g", value);
    int digits = size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 2 - (int)floor(log10(size));
    for (int fewer = 1; fewer < digits; fewer++) {
        double scaled = value * pow(10, fewer);
        if (fabs(scaled - round(scaled)) <= 1e-9 * fabs(scaled)) digits = fewer;
    }
    return assess_say(pool, "%.*f", digits, value);
}

const char *assess_number_text(struct assess_pool *pool, double value) {
    return isfinite(value) ? significant(pool, value) : not_finite(value);
}

struct unit {
    double size;
    const char *name;
};

/* Units by rising size: the largest that the value reaches. */
static const char *with_unit(struct assess_pool *pool, double value, const struct unit *units,
                             size_t count) {
    if (!isfinite(value)) return not_finite(value);
    size_t i = 0;
    while (i + 1 < count && fabs(value) >= 0.9995 * units[i + 1].size) i++;
    return assess_say(pool, "%s %s", significant(pool, value / units[i].size), units[i].name);
}

const char *assess_time_text(struct assess_pool *pool, double seconds) {
    static const struct unit units[] = {{1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}, {1, "s"}};
    static const struct unit minutes[] = {{60, "min"}}, hours[] = {{3600, "h"}};
    double size = fabs(seconds);
    if (seconds == 0) return "0 s";
    if (size >= 7200) return with_unit(pool, seconds, hours, 1);
    if (size >= 120) return with_unit(pool, seconds, minutes, 1);
    return with_unit(pool, seconds, units, sizeof units / sizeof *units);
}

const char *assess_bytes_text(struct assess_pool *pool, double bytes) {
    static const struct unit units[] = {
        {1, "bytes"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}};
    if (bytes == 1) return "1 byte";
    return with_unit(pool, bytes, units, sizeof units / sizeof *units);
}

const char *assess_percent_text(struct assess_pool *pool, double share) {
    double percent = share * 100;
    if (!isfinite(percent)) return not_finite(percent);
    if (percent == 0) return "0 %";
    if (percent > 0 && percent < 0.1) return "below 0.1 %";
    if (is_whole(percent) || fabs(percent) >= 9.95) {
        /* "100 %" is everything. */
        if (percent > 99.5 && percent < 100) return "over 99 %";
        return assess_say(pool, "%s %%", grouped(pool, round(percent)));
    }
    return assess_say(pool, "%.1f %%", percent);
}

const char *assess_rate_text(struct assess_pool *pool, double per_second) {
    return assess_say(pool, isfinite(per_second) ? "%s/s" : "%s",
                      assess_number_text(pool, per_second));
}

const char *assess_times_text(struct assess_pool *pool, double factor) {
    if (!isfinite(factor)) return not_finite(factor);
    if (factor < 10) return assess_say(pool, "%.2fx", factor);
    return assess_say(pool, "%sx", significant(pool, factor));
}

const char *assess_money_text(struct assess_pool *pool, double money) {
    if (!isfinite(money)) return not_finite(money);
    if (is_whole(money)) return grouped(pool, money);
    if (fabs(money) >= 100) return grouped(pool, round(money));
    if (fabs(money) >= 0.1) return assess_say(pool, "%.2f", money);
    return significant(pool, money);
}

const char *assess_count_text(struct assess_pool *pool, uint64_t count, const char *one,
                              const char *many) {
    return assess_say(pool, "%s %s", grouped(pool, (double)count), count == 1 ? one : many);
}

const char *assess_range_text(struct assess_pool *pool, struct assess_interval interval,
                              assess_text_of *text) {
    bool low = isfinite(interval.low), high = isfinite(interval.high);
    if (!low && !high) return "not bounded";
    if (!high) return assess_say(pool, "%s or more", text(pool, interval.low));
    if (!low) return assess_say(pool, "at most %s", text(pool, interval.high));
    return assess_say(pool, "%s to %s", text(pool, interval.low), text(pool, interval.high));
}

const char *assess_interval_text(struct assess_pool *pool, struct assess_interval interval,
                                 assess_text_of *text) {
    const char *value = text(pool, interval.value);
    bool point = interval.low == interval.value && interval.high == interval.value;
    if (point || isnan(interval.value)) return value;
    return assess_say(pool, "%s (%s)", value, assess_range_text(pool, interval, text));
}

const char *assess_quantile_text(struct assess_pool *pool, double q) {
    return assess_say(pool, "p%.6g", q * 100);
}
