#include "html_charts.h"
#include "html_sections.h"
#include "report_facts.h"
#include "words.h"

#include <math.h>

enum { CURVE = 240, SLICES = 120 };

/* ---- what the charts have in common --------------------------------------------------------- */

static const struct assess_target *latency_target(const struct assess_evidence *evidence) {
    for (size_t i = 0; i < evidence->target_count; i++) {
        if (evidence->targets[i].kind == ASSESS_TARGET_LATENCY) return &evidence->targets[i];
    }
    return NULL;
}

static const char *target_name(struct assess_page *page, const struct assess_target *target) {
    return assess_say(&page->pool, "target: %s at most %s",
                      assess_quantile_text(&page->pool, target->quantile),
                      assess_time_text(&page->pool, target->limit));
}

/* Latency from low to high; logarithmic where a linear axis would hide most of it. */
static struct assess_axis latency_axis(double low, double high,
                                       const struct assess_target *target) {
    if (target) {
        low = fmin(low, target->limit);
        high = fmax(high, target->limit * 1.05);
    }
    bool logarithmic = low > 0 && high / low > 12;
    return assess_axis_for(logarithmic ? low : 0, high, logarithmic);
}

static void begin_figure(struct assess_page *page, const char *heading, const char *lead) {
    assess_page_printf(page, "<h3>%s</h3>\n<p class=\"lead\">%s</p>\n", heading, lead);
}

static void add_key(struct assess_page *page, const char *const (*rows)[2], size_t count) {
    assess_page_add(page, "<ul class=\"key\">");
    for (size_t i = 0; i < count; i++) {
        assess_page_printf(page,
                           "<li><svg width=\"22\" height=\"10\" aria-hidden=\"true\"><line "
                           "class=\"%s\" x1=\"0\" x2=\"22\" y1=\"5\" y2=\"5\"/></svg> %s</li>",
                           rows[i][0], rows[i][1]);
    }
    assess_page_add(page, "</ul>\n");
}

/* ---- spectrum ------------------------------------------------------------------------------- */

static size_t finite_count(const double *sorted, size_t n) {
    while (n && !isfinite(sorted[n - 1])) n--;
    return n;
}

static void add_curve(struct assess_page *page, const struct assess_plot *plot, const char *css,
                      const double *sorted, size_t n) {
    struct assess_plot_xy points[CURVE];
    for (size_t i = 0; i < CURVE; i++) {
        double x = plot->x.high * (double)i / (CURVE - 1);
        double q = fmin(1 - pow(10, -x), 1 - 0.5 / (double)n);
        points[i].x = x;
        points[i].y = i == 0 ? sorted[0] : assess_quantile(sorted, n, q);
    }
    assess_plot_line(page, plot, css, points, CURVE);
}

static void add_spectrum_ticks(struct assess_page *page, const struct assess_plot *plot) {
    static const double q[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999};
    for (size_t i = 0; i < sizeof q / sizeof q[0]; i++) {
        double x = -log10(1 - q[i]);
        if (x > plot->x.high * 1.0001) return;
        assess_plot_tick(page, plot, x, assess_quantile_text(&page->pool, q[i]), false);
    }
}

/* What the verdict says of the target's percentile: where the true value lies. */
static void add_interval(struct assess_page *page, const struct assess_plot *plot,
                         const struct assess_target *target) {
    const struct assess_verdict *verdict = page->report->verdict;
    double x = -log10(1 - target->quantile);
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct assess_finding *finding = &verdict->findings[i];
        const struct assess_interval *m = &finding->measured;
        if (finding->target != target || !isfinite(m->value)) continue;
        double high = isfinite(m->high) ? m->high : plot->y.high;
        const struct assess_plot_xy ends[] = {{x, m->low}, {x, high}};
        assess_plot_line(page, plot, "interval", ends, 2);
        assess_plot_point(page, plot, "dot-a", x, m->value, finding->words);
    }
}

static void add_spectrum(struct assess_page *page, const struct assess_times *times,
                         const struct assess_target *target) {
    size_t n = times->count, finite = finite_count(times->latency, n);
    static const char *const key[][2] = {{"line-a", "latency, from the intended send time"},
                                         {"line-b", "service time, from the real send time"}};
    begin_figure(page, "Latency spectrum",
                 "The further to the right, the rarer: each step to the next mark leaves a tenth "
                 "of the requests above it.");
    add_key(page, key, 2);
    struct assess_plot plot = {.x = {0, fmax(ceil(log10((double)n) * 10) / 10, 1), false},
                               .y = latency_axis(fmin(times->latency[0], times->service[0]),
                                                 times->latency[finite - 1], target)};
    const char *label =
        assess_say(&page->pool, "Latency by percentile: median %s, p99 %s, highest %s",
                   assess_time_text(&page->pool, assess_quantile(times->latency, n, 0.5)),
                   assess_time_text(&page->pool, assess_quantile(times->latency, n, 0.99)),
                   assess_time_text(&page->pool, times->latency[n - 1]));
    assess_plot_begin(page, &plot, label);
    add_spectrum_ticks(page, &plot);
    if (finite < n) {
        double from = finite ? -log10(1 - (double)finite / (double)n) : 0;
        assess_plot_box(page, &plot, "failed-area", from, plot.x.high, plot.y.low, plot.y.high);
        assess_plot_rule(page, &plot, "rule", from, "failed from here on", 2);
    }
    if (target) {
        assess_plot_rule(page, &plot, "limit thin", -log10(1 - target->quantile),
                         assess_quantile_text(&page->pool, target->quantile), 1);
    }
    add_curve(page, &plot, "line-b", times->service, n);
    add_curve(page, &plot, "line-a", times->latency, n);
    if (target) {
        add_interval(page, &plot, target);
        assess_plot_level(page, &plot, "limit", target->limit, target_name(page, target));
    }
    assess_plot_end(page, plot.y.log ? "percentile of requests (latency: logarithmic)"
                                     : "percentile of requests");
}

static void add_percentiles(struct assess_page *page, const struct assess_times *times) {
    double q[ASSESS_QUANTILES];
    size_t n = assess_quantiles_for(times->count, q);
    assess_page_add(page, "<details><summary>The numbers</summary>\n");
    assess_page_table(page, "Percentiles of all requests; failed ones count as never answered",
                      "percentile|#latency|#service time");
    for (size_t i = 0; i < n; i++) {
        assess_page_row(page, NULL);
        assess_page_cell(page, assess_quantile_text(&page->pool, q[i]), ASSESS_SHORT);
        const double *of[] = {times->latency, times->service};
        for (size_t k = 0; k < 2; k++) {
            double value = assess_quantile(of[k], times->count, q[i]);
            assess_page_cell(
                page, isfinite(value) ? assess_time_text(&page->pool, value) : "never answered",
                ASSESS_SHORT);
        }
        assess_page_row_end(page);
    }
    assess_page_table_end(page);
    assess_page_add(page, "</details>\n");
}

/* ---- over time ------------------------------------------------------------------------------ */

/* The columns, the triangles of failures, and the line. */
static void draw_slices(struct assess_page *page, const struct assess_plot *plot,
                        const struct assess_slice *slices, size_t count) {
    struct assess_plot_xy *medians = assess_alloc_array(&page->pool, count, sizeof *medians);
    for (size_t i = 0; medians && i < count; i++) {
        const struct assess_slice *slice = &slices[i];
        medians[i] = (struct assess_plot_xy){(slice->begin + slice->end) / 2, slice->median};
        if (isfinite(slice->median)) {
            assess_plot_box(page, plot, "spread", slice->begin, slice->end, slice->min, slice->max);
        }
        if (slice->failed) {
            assess_plot_point(
                page, plot, "bad", medians[i].x, INFINITY,
                assess_count_text(&page->pool, slice->failed, "request failed", "requests failed"));
        }
    }
    if (medians) assess_plot_line(page, plot, "line-a", medians, count);
}

static void add_slices(struct assess_page *page, const struct assess_run *run,
                       const struct assess_slice *slices, size_t count,
                       const struct assess_target *target) {
    double low = INFINITY, high = 0;
    struct assess_pool *pool = &page->pool;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(slices[i].median)) continue;
        low = fmin(low, slices[i].min);
        high = fmax(high, slices[i].max);
    }
    if (!(high > 0)) return;
    bool settled;
    double warm_up = assess_warm_up_of(run, pool, &settled);
    const char *words = !settled      ? "latency did not settle during the run"
                        : warm_up > 0 ? assess_time_text(pool, warm_up)
                                      : "none was found";
    begin_figure(page, "Latency over time",
                 "Each column is a part of the run: the line its median, the column from the "
                 "fastest to the slowest request.");
    struct assess_plot plot = {.x = {0, slices[count - 1].end, false},
                               .y = latency_axis(low, high, target)};
    const char *label = assess_say(pool, "Latency over %s of the run, between %s and %s",
                                   assess_time_text(pool, plot.x.high), assess_time_text(pool, low),
                                   assess_time_text(pool, high));
    assess_plot_begin(page, &plot, label);
    assess_plot_round_ticks(page, &plot, " s");
    if (settled && warm_up > 0) {
        assess_plot_box(page, &plot, "warm-up", 0, warm_up, plot.y.low, plot.y.high);
        assess_plot_rule(page, &plot, "rule", warm_up, "warm-up ends", 1);
    }
    draw_slices(page, &plot, slices, count);
    if (target) {
        assess_plot_level(page, &plot, "limit", target->limit, target_name(page, target));
    }
    assess_plot_end(page, run->failed ? "time since the run began; a triangle: requests failed"
                                      : "time since the run began");
    assess_page_wrap(page, "<p>Warm-up: ", words, ".</p>\n");
}

/* ---- against rate --------------------------------------------------------------------------- */

struct rate_point {
    double rate, middle, tail; /* 1/s, s, s */
    bool valid;
};

static size_t rate_points(struct assess_page *page, const struct assess_sweep *sweep, double q,
                          struct rate_point *points) {
    size_t n = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        const struct assess_run *run = &sweep->runs[i];
        struct assess_times times;
        if (run->count == 0 || !assess_times_of(run, &page->pool, &times) || !times.count) continue;
        points[n++] = (struct rate_point){
            .rate = run->planned_rate,
            .middle = assess_quantile(times.latency, times.count, 0.5),
            .tail = assess_quantile(times.latency, times.count, q),
            .valid = run->valid,
        };
    }
    return n;
}

static void draw_rates(struct assess_page *page, const struct assess_plot *plot,
                       const struct rate_point *points, size_t n, const char *tail_name) {
    struct assess_plot_xy *line = assess_alloc_array(&page->pool, n, sizeof *line);
    if (!line) return;
    for (int tail = 0; tail < 2; tail++) {
        const char *name = tail ? tail_name : "median";
        for (size_t i = 0; i < n; i++) {
            line[i].x = points[i].rate;
            line[i].y = tail ? points[i].tail : points[i].middle;
        }
        assess_plot_line(page, plot, tail ? "line-a" : "line-b", line, n);
        for (size_t i = 0; i < n; i++) {
            const char *value =
                isfinite(line[i].y) ? assess_time_text(&page->pool, line[i].y) : "failed";
            const char *title = assess_say(&page->pool, "%s at %s: %s%s", name,
                                           assess_rate_text(&page->pool, line[i].x), value,
                                           points[i].valid ? "" : " (the run is not valid)");
            const char *css = points[i].valid ? (tail ? "dot-a" : "dot-b") : "hollow";
            assess_plot_point(page, plot, css, line[i].x, line[i].y, title);
        }
    }
}

static void add_rates(struct assess_page *page, const struct assess_sweep *sweep) {
    const struct assess_evidence *evidence = page->report->evidence;
    const struct assess_target *target = latency_target(evidence);
    double q = target ? target->quantile : 0.99;
    const char *tail = assess_quantile_text(&page->pool, q);
    struct rate_point *points = assess_alloc_array(&page->pool, sweep->count, sizeof *points);
    size_t n = points ? rate_points(page, sweep, q, points) : 0;
    double low = INFINITY, high = 0, most = fmax(evidence->rate, sweep->knee);
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, points[i].middle);
        if (isfinite(points[i].middle)) high = fmax(high, points[i].middle);
        if (isfinite(points[i].tail)) high = fmax(high, points[i].tail);
        most = fmax(most, points[i].rate);
    }
    if (!(high > 0) || !(most > 0)) {
        assess_page_missing(page, "no run of the sweep was answered.");
        return;
    }
    const char *const key[][2] = {{"line-a", tail}, {"line-b", "median"}};
    add_key(page, key, 2);
    struct assess_plot plot = {.x = assess_axis_for(0, most, false),
                               .y = latency_axis(low, high, target)};
    const char *label =
        assess_say(&page->pool, "Latency against rate in %zu runs; knee at %s", n,
                   sweep->knee > 0 ? assess_rate_text(&page->pool, sweep->knee) : "no rate");
    assess_plot_begin(page, &plot, label);
    assess_plot_round_ticks(page, &plot, "/s");
    if (evidence->rate > 0) {
        assess_plot_rule(
            page, &plot, "limit thin", evidence->rate,
            assess_say(&page->pool, "wanted: %s", assess_rate_text(&page->pool, evidence->rate)),
            0);
    }
    if (sweep->knee > 0) {
        assess_plot_rule(
            page, &plot, "rule", sweep->knee,
            assess_say(&page->pool, "knee: %s", assess_rate_text(&page->pool, sweep->knee)), 1);
    }
    draw_rates(page, &plot, points, n, tail);
    if (target) {
        assess_plot_level(page, &plot, "limit", target->limit, target_name(page, target));
    }
    assess_plot_end(page, plot.y.log ? "requests per second (latency: logarithmic)"
                                     : "requests per second");
}

static void add_run_row(struct assess_page *page, const struct assess_run *run) {
    struct assess_times times;
    double middle = NAN, tail = NAN;
    if (run->count && assess_times_of(run, &page->pool, &times) && times.count) {
        middle = assess_quantile(times.latency, times.count, 0.5);
        tail = assess_quantile(times.latency, times.count, 0.99);
    }
    assess_page_row(page, NULL);
    assess_page_cell(page,
                     run->planned_rate > 0 ? assess_rate_text(&page->pool, run->planned_rate)
                                           : "one by one",
                     ASSESS_SHORT);
    assess_page_cell(page, assess_rate_text(&page->pool, run->achieved_rate), ASSESS_SHORT);
    assess_page_cell(page, assess_number_text(&page->pool, (double)run->count), ASSESS_SHORT);
    assess_page_cell(page, assess_number_text(&page->pool, (double)run->failed), ASSESS_SHORT);
    assess_page_cell(page, assess_number_text(&page->pool, (double)run->late), ASSESS_SHORT);
    assess_page_cell(page, assess_time_text(&page->pool, middle), ASSESS_SHORT);
    assess_page_cell(page, isinf(tail) ? "never answered" : assess_time_text(&page->pool, tail),
                     ASSESS_SHORT);
    assess_page_cell(page,
                     run->valid            ? "yes"
                     : run->invalid_reason ? run->invalid_reason
                                           : "no",
                     ASSESS_LONG);
    assess_page_row_end(page);
}

static void add_runs(struct assess_page *page, const struct assess_run *runs, size_t count,
                     const char *caption) {
    assess_page_table(page, caption,
                      "#planned|#achieved|#requests|#failed|#sent late|#median|#p99|valid");
    for (size_t i = 0; i < count; i++) add_run_row(page, &runs[i]);
    assess_page_table_end(page);
}

static void add_sweep(struct assess_page *page, const struct assess_sweep *sweep) {
    begin_figure(page, "Latency against rate",
                 "The knee is the highest rate that the program kept up with.");
    if (!sweep || sweep->count == 0) {
        assess_page_missing(page, "no sweep over rates was made.");
        return;
    }
    add_rates(page, sweep);
    if (sweep->why) assess_page_wrap(page, "<p>", sweep->why, "</p>\n");
    assess_page_add(page, "<details><summary>The runs</summary>\n");
    add_runs(page, sweep->runs, sweep->count, "Runs of the sweep");
    assess_page_add(page, "</details>\n");
}

/* ---- the section ---------------------------------------------------------------------------- */

static void add_run(struct assess_page *page, const struct assess_run *run) {
    const struct assess_evidence *evidence = page->report->evidence;
    const struct assess_target *target = latency_target(evidence);
    struct assess_times times;
    if (!run->valid) {
        assess_page_wrap(page, "<p class=\"partial\"><b>This run is not valid:</b> ",
                         run->invalid_reason ? run->invalid_reason : "no reason is known",
                         ". Its numbers say little about the program.</p>\n");
    }
    if (run->failed) {
        const char *count = assess_count_text(&page->pool, run->failed, "request", "requests");
        assess_page_wrap(page, "<p class=\"partial\"><b>", count, " failed</b>");
        assess_page_wrap(page, " of ", assess_number_text(&page->pool, (double)run->count),
                         ", the first with:</p>\n<pre>");
        assess_page_lines(page, run->first_failure ? run->first_failure : "no reason is known",
                          ASSESS_SENTENCE);
        assess_page_add(page, "</pre>\n");
    }
    if (!assess_times_of(run, &page->pool, &times)) return;
    if (finite_count(times.latency, times.count) == 0) {
        assess_page_missing(page, "no request was answered.");
        return;
    }
    add_spectrum(page, &times, target);
    add_percentiles(page, &times);
    struct assess_slice *slices = NULL;
    size_t count = assess_slices_of(run, SLICES, &page->pool, &slices);
    if (count > 1) add_slices(page, run, slices, count, target);
}

void assess_html_latency(struct assess_page *page) {
    const struct assess_evidence *evidence = page->report->evidence;
    assess_page_section(page, "latency", "Latency");
    if (!evidence->run || evidence->run->count == 0) {
        assess_page_missing(page, "no requests were sent.");
    } else {
        add_runs(page, evidence->run, 1, "The run that the targets are compared with");
        if (evidence->single && evidence->single->count) {
            add_runs(page, evidence->single, 1, "One request at a time: nothing waits in a queue");
        }
        add_run(page, evidence->run);
        if (evidence->repeat_count) {
            assess_page_add(page, "<details><summary>Runs repeated for the noise gate</summary>\n");
            add_runs(page, evidence->repeats, evidence->repeat_count, "Repeated runs");
            assess_page_add(page, "</details>\n");
        }
    }
    add_sweep(page, evidence->sweep);
    assess_page_section_end(page);
}
