#include "html_charts.h"
#include "html_sections.h"
#include "report_facts.h"
#include "words.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_FUNCTIONS = 25 };

/* ---- table ---------------------------------------------------------------------------------- */

static double self_work(const struct assess_function *function) {
    return assess_sum(function->self) - function->self[ASSESS_IDLE];
}

/* By falling work of their own. */
static int by_self(const void *a, const void *b) {
    double x = self_work(*(const struct assess_function *const *)a);
    double y = self_work(*(const struct assess_function *const *)b);
    return (x < y) - (x > y);
}

static void add_function(struct assess_page *page, const struct assess_function *function,
                         double scale) {
    double self[ASSESS_BUCKETS];
    for (int b = 0; b < ASSESS_BUCKETS; b++) self[b] = b == ASSESS_IDLE ? 0 : function->self[b];
    assess_page_row(page, NULL);
    assess_page_cell_begin(page);
    assess_page_add(page, function->python ? "<code>" : "<code class=\"native\">");
    assess_page_text(page, function->name, ASSESS_SHORT);
    assess_page_add(page, "</code> <span class=\"place\">");
    assess_page_text(page, function->place, ASSESS_SHORT);
    assess_page_add(page, "</span>");
    assess_page_cell_end(page);
    assess_page_cell(page, function->python ? "Python" : "native", ASSESS_SHORT);
    assess_page_cell(page, assess_time_text(&page->pool, assess_sum(self)), ASSESS_SHORT);
    assess_page_cell(page, assess_time_text(&page->pool, function->total), ASSESS_SHORT);
    assess_page_cell_begin(page);
    assess_bucket_bar(page, self, scale, "own time by bucket", 12);
    assess_page_cell_end(page);
    assess_page_row_end(page);
}

static void add_table(struct assess_page *page, const struct assess_profile *profile) {
    const struct assess_function **order =
        assess_alloc_array(&page->pool, profile->function_count, sizeof(void *));
    if (!order) return;
    for (size_t i = 0; i < profile->function_count; i++) order[i] = &profile->functions[i];
    qsort(order, profile->function_count, sizeof(void *), by_self);
    const char *caption = assess_say(
        &page->pool, "The functions with the most work of their own, of %zu; idle time left out",
        profile->function_count);
    assess_page_add(page,
                    "<p class=\"lead\">A native function&#39;s own time is also the own time of "
                    "the innermost Python function that called it.</p>\n");
    assess_page_table(page, caption, "function|kind|#own|#with callees|own time by bucket");
    double scale = self_work(order[0]);
    for (size_t i = 0; i < profile->function_count && i < MOST_FUNCTIONS; i++) {
        if (!(self_work(order[i]) > 0)) break;
        add_function(page, order[i], scale);
    }
    assess_page_table_end(page);
}

/* ---- section -------------------------------------------------------------------------------- */

void assess_html_functions(struct assess_page *page) {
    const struct assess_profile *profile = page->report->evidence->profile;
    assess_page_section(page, "functions", "Functions");
    if (!profile || profile->function_count == 0) {
        assess_page_missing(page, profile ? "the profile names no function."
                                          : "there is no profile of the program.");
    } else {
        add_table(page, profile);
        assess_html_flame(page, profile);
    }
    assess_page_section_end(page);
}
