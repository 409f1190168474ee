#include "html_charts.h"
#include "html_sections.h"
#include "report_facts.h"
#include "words.h"

#include <math.h>

enum { MOST_BARS = 16, MOST_WORKERS = 24, MOST_NOTES = 40 };

/* A named bar with its time beside it. */
static void add_bar(struct assess_page *page, const char *name, const char *place,
                    const double seconds[ASSESS_BUCKETS], double scale) {
    assess_page_add(page, "<div class=\"barrow\"><p class=\"who\"><b>");
    assess_page_text(page, name, ASSESS_SHORT);
    assess_page_add(page, "</b> <span>");
    assess_page_text(page, place, ASSESS_SHORT);
    assess_page_wrap(page, "</span></p><p class=\"much\">",
                     assess_time_text(&page->pool, assess_sum(seconds)), "</p>\n");
    assess_bucket_bar(page, seconds, scale, name, 24);
    assess_page_add(page, "</div>\n");
}

static void add_left_out(struct assess_page *page, size_t count, size_t most, const char *what) {
    if (count <= most) return;
    assess_page_printf(page, "<p class=\"lead\">and %zu more %s</p>\n", count - most, what);
}

static void add_legend(struct assess_page *page, const struct assess_profile *profile) {
    assess_page_table(page, "Wall time of request threads by bucket",
                      "bucket|#of wall time|#of work|#thread time");
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        enum assess_bucket bucket = (enum assess_bucket)b;
        bool none = !(profile->seconds[b] > 0);
        assess_page_row(page, none ? "none" : NULL);
        assess_page_cell_begin(page);
        assess_page_printf(page,
                           "<svg class=\"swatch\" width=\"12\" height=\"12\" aria-hidden=\"true\">"
                           "<rect class=\"b%d\" width=\"12\" height=\"12\"/></svg> "
                           "<span class=\"keep\">%s</span> <span class=\"place\">%s</span>",
                           b, assess_bucket_titles[b], assess_bucket_meanings[b]);
        assess_page_cell_end(page);
        assess_page_cell(page,
                         assess_percent_text(&page->pool, assess_share(profile->seconds, bucket)),
                         ASSESS_SHORT);
        assess_page_cell(
            page,
            b == ASSESS_IDLE
                ? ""
                : assess_percent_text(&page->pool, assess_share_of_work(profile->seconds, bucket)),
            ASSESS_SHORT);
        assess_page_cell(page, assess_time_text(&page->pool, profile->seconds[b]), ASSESS_SHORT);
        assess_page_row_end(page);
    }
    assess_page_table_end(page);
}

static void add_processes(struct assess_page *page, const struct assess_profile *profile,
                          double scale) {
    if (profile->process_count < 2) return;
    assess_page_add(page, "<h3>By process</h3>\n");
    for (size_t i = 0; i < profile->process_count && i < MOST_BARS; i++) {
        const struct assess_process *process = &profile->processes[i];
        const char *place =
            assess_say(&page->pool, "process %u%s%s%s", process->pid,
                       process->python ? ", Python " : "", process->python ? process->python : "",
                       process->complete ? "" : ", did not end in order");
        add_bar(page, process->command, place, process->seconds, scale);
    }
    add_left_out(page, profile->process_count, MOST_BARS, "processes");
}

static void add_stages(struct assess_page *page, const struct assess_profile *profile,
                       double scale) {
    assess_page_add(page, "<h3>By stage</h3>\n");
    if (profile->stage_count == 0) {
        assess_page_missing(page, "no function of the program was seen to handle requests.");
        return;
    }
    assess_page_add(page, "<p class=\"lead\">Functions that a request&#39;s handler calls, on the "
                          "scale of the bar above.</p>\n");
    for (size_t i = 0; i < profile->stage_count && i < MOST_BARS; i++) {
        const struct assess_stage *stage = &profile->stages[i];
        add_bar(page, stage->name, stage->place, stage->seconds, scale);
    }
    add_left_out(page, profile->stage_count, MOST_BARS, "stages");
}

static void add_workers(struct assess_page *page, const struct assess_profile *profile) {
    if (profile->worker_count == 0) return;
    assess_page_add(page, "<h3>Other threads</h3>\n");
    assess_page_table(page, "Threads that serve no request themselves; not in the bars above",
                      "owner|#threads|#busy|#spinning|#waiting");
    for (size_t i = 0; i < profile->worker_count && i < MOST_WORKERS; i++) {
        const struct assess_worker *worker = &profile->workers[i];
        assess_page_row(page, NULL);
        assess_page_cell(page, worker->owner, ASSESS_SHORT);
        assess_page_cell(page, assess_number_text(&page->pool, (double)worker->threads),
                         ASSESS_SHORT);
        assess_page_cell(page, assess_time_text(&page->pool, worker->busy), ASSESS_SHORT);
        assess_page_cell(page, assess_time_text(&page->pool, worker->spinning), ASSESS_SHORT);
        assess_page_cell(page, assess_time_text(&page->pool, worker->waiting), ASSESS_SHORT);
        assess_page_row_end(page);
    }
    assess_page_table_end(page);
    add_left_out(page, profile->worker_count, MOST_WORKERS, "owners of threads");
}

static void add_device(struct assess_page *page, const struct assess_profile *profile) {
    if (!profile->has_device) return;
    double busy = fmin(fmax(profile->device_busy, 0), 1);
    double starved = fmin(fmax(profile->device_starved, 0), 1 - busy);
    const char *words =
        assess_say(&page->pool,
                   "The device was busy %s of the wall time, and starved (work was there or "
                   "coming, and none ran) %s.",
                   assess_percent_text(&page->pool, profile->device_busy),
                   assess_percent_text(&page->pool, profile->device_starved));
    assess_page_wrap(page, "<h3>Device</h3>\n<p>", words, "</p>\n");
    assess_page_wrap(page,
                     "<svg class=\"bar\" role=\"img\" width=\"100%\" height=\"18\" "
                     "aria-label=\"",
                     words, "\">");
    assess_page_printf(
        page,
        "<rect class=\"track\" width=\"100%%\" height=\"18\"/>"
        "<rect class=\"gain\" width=\"%.2f%%\" height=\"18\"><title>busy</title></rect>"
        "<rect class=\"starved\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"18\">"
        "<title>starved</title></rect></svg>\n",
        100 * busy, 100 * busy, 100 * starved);
    static const char *const key[][2] = {{"gain", "busy"}, {"starved", "starved"}};
    assess_page_add(page, "<ul class=\"key\">");
    for (size_t i = 0; i < 2; i++) {
        assess_page_printf(
            page,
            "<li><svg class=\"swatch\" width=\"12\" height=\"12\" "
            "aria-hidden=\"true\"><rect class=\"%s\" width=\"12\" height=\"12\"/></svg>"
            " %s</li>",
            key[i][0], key[i][1]);
    }
    assess_page_add(page, "</ul>\n");
}

static void add_notes(struct assess_page *page, const struct assess_profile *profile) {
    if (profile->note_count == 0) return;
    assess_page_add(page, "<h3>Read this with the numbers</h3>\n<ul>\n");
    for (size_t i = 0; i < profile->note_count && i < MOST_NOTES; i++) {
        assess_page_wrap(page, "<li>", profile->notes[i], "</li>\n");
    }
    assess_page_add(page, "</ul>\n");
}

void assess_html_time(struct assess_page *page) {
    const struct assess_profile *profile = page->report->evidence->profile;
    assess_page_section(page, "time", "Where the time goes");
    double total = profile ? assess_sum(profile->seconds) : 0;
    if (!(total > 0)) {
        assess_page_missing(page, profile ? "no request thread was seen in the window."
                                          : "there is no profile of the program.");
    } else {
        assess_page_wrap(page, "<p class=\"lead\">Wall time of the threads that serve requests: ",
                         assess_time_text(&page->pool, total), " in ");
        assess_page_wrap(page, "", assess_time_text(&page->pool, profile->end - profile->begin),
                         "");
        assess_page_wrap(page, " (", profile->source, ").</p>\n");
        assess_bucket_bar(page, profile->seconds, total, "all request threads", 44);
        add_legend(page, profile);
        add_processes(page, profile, total);
        add_stages(page, profile, total);
    }
    if (profile) {
        add_workers(page, profile);
        add_device(page, profile);
        add_notes(page, profile);
    }
    assess_page_section_end(page);
}
