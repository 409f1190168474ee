#include "report_facts.h"

#include "words.h"

#include <math.h>
#include <string.h>

enum { WARM_UP_SEED = 1 };

const char *assess_outcome_id(enum assess_outcome outcome) {
    static const char *const names[] = {"dont_port", "port", "meets_target", "inconclusive"};
    return names[outcome];
}

const char *assess_outcome_title(enum assess_outcome outcome) {
    static const char *const names[] = {"Don't port", "Port", "Meets the target", "Inconclusive"};
    return names[outcome];
}

const char *assess_claim_id(enum assess_claim claim) {
    static const char *const names[] = {"met", "missed", "open"};
    return names[claim];
}

const char *assess_target_id(enum assess_target_kind kind) {
    static const char *const names[] = {"latency",  "throughput", "memory", "cold_start",
                                        "download", "cost",       "client"};
    return names[kind];
}

const char *assess_target_title(enum assess_target_kind kind) {
    static const char *const names[] = {"latency",  "throughput",       "memory", "cold start",
                                        "download", "cost of requests", "client"};
    return names[kind];
}

const char *assess_target_unit(enum assess_target_kind kind) {
    static const char *const names[] = {"s", "1/s", "B", "s", "B", "money/request", ""};
    return names[kind];
}

const char *assess_target_text(const struct assess_target *target, double value,
                               struct assess_pool *pool) {
    switch (target->kind) {
    case ASSESS_TARGET_LATENCY:
    case ASSESS_TARGET_COLD_START:
        return assess_time_text(pool, value);
    case ASSESS_TARGET_THROUGHPUT:
        return assess_rate_text(pool, value);
    case ASSESS_TARGET_MEMORY:
    case ASSESS_TARGET_DOWNLOAD:
        return assess_bytes_text(pool, value);
    case ASSESS_TARGET_COST:
        return assess_say(pool, "%s per 1,000 requests", assess_money_text(pool, value * 1000));
    case ASSESS_TARGET_CLIENT:
        break;
    }
    return "";
}

const char *assess_mode_id(enum assess_load_mode mode) {
    static const char *const names[] = {"open", "single", "offline"};
    return names[mode];
}

const struct assess_row *assess_fired_row(const struct assess_verdict *verdict) {
    for (size_t i = 0; i < verdict->row_count; i++) {
        if (verdict->rows[i].fired) return &verdict->rows[i];
    }
    return NULL;
}

const char *assess_prediction_text(struct assess_interval latency, struct assess_pool *pool) {
    if (isnan(latency.value)) return "";
    if (isinf(latency.low)) return "without bound: more requests come than can be served";
    if (isinf(latency.value)) return assess_range_text(pool, latency, assess_time_text);
    return assess_interval_text(pool, latency, assess_time_text);
}

bool assess_times_of(const struct assess_run *run, struct assess_pool *pool,
                     struct assess_times *times) {
    *times = (struct assess_times){
        .latency = assess_alloc_array(pool, run->count, sizeof(double)),
        .service = assess_alloc_array(pool, run->count, sizeof(double)),
    };
    if (!times->latency || !times->service) return false;
    times->count = assess_run_latencies(run, times->latency);
    assess_run_services(run, times->service);
    return true;
}

size_t assess_quantiles_for(size_t count, double *q) {
    static const double all[ASSESS_QUANTILES] = {0.5,  0.75,  0.9,    0.95,
                                                 0.99, 0.999, 0.9999, 0.99999};
    size_t n = 0;
    while (n < ASSESS_QUANTILES && (double)count * (1 - all[n]) >= 1 - 1e-9) {
        q[n] = all[n];
        n++;
    }
    return n;
}

/* The latencies of slice i are values[0 .. count - failed). */
static void finish_slice(struct assess_slice *slice, double *values) {
    size_t n = slice->count - slice->failed;
    slice->min = slice->median = slice->max = NAN;
    if (n == 0) return;
    assess_sort(values, n);
    slice->min = values[0];
    slice->median = assess_median(values, n);
    slice->max = values[n - 1];
}

size_t assess_slices_of(const struct assess_run *run, size_t most, struct assess_pool *pool,
                        struct assess_slice **slices) {
    if (run->count == 0) return 0;
    double begin = run->sent[0].intended;
    double seconds = run->sent[run->count - 1].intended - begin;
    size_t count = run->count / 10;
    if (count > most) count = most;
    if (count < 1 || !(seconds > 0)) count = 1;
    *slices = assess_alloc_array(pool, count, sizeof **slices);
    double *values = assess_alloc_array(pool, run->count, sizeof *values);
    if (!*slices || !values) return 0;
    double width = seconds > 0 ? seconds / (double)count : 1;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct assess_slice *slice = &(*slices)[i];
        slice->begin = width * (double)i;
        slice->end = width * (double)(i + 1);
        size_t answered = 0;
        for (; at < run->count; at++) {
            const struct assess_sent *sent = &run->sent[at];
            if (i + 1 < count && sent->intended - begin >= slice->end) break;
            slice->count++;
            if (sent->failure) {
                slice->failed++;
            } else {
                values[answered++] = sent->answered - sent->intended;
            }
        }
        finish_slice(slice, values);
    }
    return count;
}

double assess_warm_up_of(const struct assess_run *run, struct assess_pool *pool, bool *settled) {
    *settled = false;
    double *values = run->count ? assess_alloc_array(pool, run->count, sizeof *values) : NULL;
    if (!values) return 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct assess_sent *sent = &run->sent[i];
        values[i] = sent->failure ? INFINITY : sent->answered - sent->intended;
    }
    size_t first = assess_warm_up(values, run->count, WARM_UP_SEED, settled);
    return first ? run->sent[first].intended - run->sent[0].intended : 0;
}

const char *assess_repeat_command(const struct assess_report *report, struct assess_pool *pool) {
    if (report->repeat) return report->repeat;
    const struct assess_evidence *evidence = report->evidence;
    struct assess_text text = {0};
    assess_text_add(&text, "ashore assess");
    for (size_t i = 0; i < evidence->target_count; i++) {
        assess_text_printf(&text, " --target %s", evidence->targets[i].text);
    }
    if (evidence->rate > 0) assess_text_printf(&text, " --rate %g", evidence->rate);
    assess_text_printf(&text, " -- %s", report->command ? report->command : "PROGRAM");
    const char *copy = text.failed ? NULL : assess_copy_text(pool, text.bytes, text.length);
    assess_text_deinit(&text);
    return copy;
}
