/* Numbers in words, as reports and verdicts show them: units always, three significant digits at
 * most, fewer where the number is exactly that ("40 ms"), nothing that the measurement does not
 * carry.
 *
 * Every function returns text of the pool and never NULL: "" when there is no memory (pool->failed
 * says so), "not known" for NaN, "unbounded" for infinity. */
#ifndef ASH_ASSESS_WORDS_H
#define ASH_ASSESS_WORDS_H

#include "assess_base.h"
#include "stats.h"

/* assess_format that never returns NULL. */
const char *assess_say(struct assess_pool *pool, const char *fmt, ...) ASSESS_PRINTF(2, 3);

/* Seconds: "430 us", "61.2 ms", "1.53 s", "2.5 min", "3.2 h". */
const char *assess_time_text(struct assess_pool *pool, double seconds);
/* Decimal units: "812 bytes", "75.3 MB". */
const char *assess_bytes_text(struct assess_pool *pool, double bytes);
/* Of a share from 0 to 1: "41 %", "7.3 %", "below 0.1 %". */
const char *assess_percent_text(struct assess_pool *pool, double share);
/* A plain number: "0.0421", "3.25", "1,250,000". */
const char *assess_number_text(struct assess_pool *pool, double value);
const char *assess_rate_text(struct assess_pool *pool, double per_second); /* "200/s" */
const char *assess_times_text(struct assess_pool *pool, double factor);    /* "1.08x" */
/* "1,250", "0.20", "0.00021": two decimals from 0.1 on, significant digits below. */
const char *assess_money_text(struct assess_pool *pool, double money);
/* With what is counted: "1 request", "12,000 requests". */
const char *assess_count_text(struct assess_pool *pool, uint64_t count, const char *one,
                              const char *many);

/* "61.2 ms (57.8 ms to 66.0 ms)", each number as `text` puts it; "57.8 ms or more" where the high
 * end is unbounded, "at most ..." where the low end is not known; the value alone when the
 * interval is a point. */
typedef const char *assess_text_of(struct assess_pool *pool, double value);
const char *assess_interval_text(struct assess_pool *pool, struct assess_interval interval,
                                 assess_text_of *text);
/* The range alone: "57.8 ms to 66.0 ms". */
const char *assess_range_text(struct assess_pool *pool, struct assess_interval interval,
                              assess_text_of *text);
/* A quantile as "p50", "p99", "p99.9". */
const char *assess_quantile_text(struct assess_pool *pool, double q);

#endif
