#include "html_sections.h"

#include "report_facts.h"
#include "words.h"

#include <math.h>

/* ---- ceilings ------------------------------------------------------------------------------- */

/* The first latency target, whose quantile the predictions are of; NULL: none. */
static const struct assess_finding *latency_finding(const struct assess_verdict *verdict) {
    for (size_t i = 0; i < verdict->finding_count; i++) {
        if (verdict->findings[i].target->kind == ASSESS_TARGET_LATENCY) {
            return &verdict->findings[i];
        }
    }
    return NULL;
}

/* What a request takes, in words and as a bar. */
static void add_factor(struct assess_page *page, const char *css, double factor, double scale,
                       const char *words) {
    assess_page_wrap(page, "<p class=\"amount\">", words, "</p>\n");
    assess_page_wrap(page,
                     "<svg class=\"bar\" role=\"img\" width=\"100%\" height=\"18\" "
                     "aria-label=\"",
                     words, "\">");
    assess_page_printf(page,
                       "<rect class=\"track\" width=\"100%%\" height=\"18\"/>"
                       "<rect class=\"%s\" width=\"%.2f%%\" height=\"18\"/></svg>\n",
                       css, isfinite(factor) ? 100 * fmax(factor, 0) / scale : 0);
}

static void add_prediction(struct assess_page *page, const struct assess_ceiling *ceiling,
                           const struct assess_finding *finding) {
    const char *latency = assess_prediction_text(ceiling->latency, &page->pool);
    if (!latency[0] || !finding) return;
    assess_page_wrap(page, "<p>", assess_quantile_text(&page->pool, finding->target->quantile),
                     " would be ");
    assess_page_wrap(page, "", latency, "; wanted: ");
    assess_page_wrap(page, "", assess_time_text(&page->pool, finding->target->limit), "</p>\n");
}

static void add_claim(struct assess_page *page, const struct assess_ceiling *ceiling) {
    const char *css = "missed", *sign = "\xe2\x9c\x95", *words = "would not surely meet the target";
    if (isnan(ceiling->factor)) {
        css = "open", sign = "?", words = "not known";
    } else if (ceiling->meets) {
        css = "met", sign = "\xe2\x9c\x93", words = "would meet the target";
    } else if (ceiling->likely) {
        css = "open", sign = "?", words = "would probably meet the target";
    }
    assess_page_printf(page,
                       " <span class=\"claim %s\"><span aria-hidden=\"true\">%s</span> %s</span>",
                       css, sign, words);
}

static void add_ceiling(struct assess_page *page, const struct assess_ceiling *ceiling,
                        double scale) {
    const struct assess_verdict *verdict = page->report->verdict;
    double today = verdict->request_seconds.value;
    assess_page_wrap(page, "<article class=\"ceiling\">\n<h3>", ceiling->name, "");
    add_claim(page, ceiling);
    assess_page_add(page, "</h3>\n");
    if (!isnan(ceiling->factor)) {
        const char *times = assess_times_text(&page->pool, ceiling->speedup);
        const char *label =
            isfinite(today) && today > 0
                ? assess_say(&page->pool, "%s a request, %s",
                             assess_time_text(&page->pool, today * ceiling->factor), times)
                : times;
        add_factor(page, "gain", ceiling->factor, scale, label);
    }
    add_prediction(page, ceiling, latency_finding(verdict));
    assess_page_wrap(page, "<p class=\"basis\">", ceiling->basis, "</p>\n</article>\n");
}

void assess_html_ceilings(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    assess_page_section(page, "ceilings", "What a port could give");
    if (verdict->ceiling_count == 0) {
        assess_page_missing(page, "a ceiling needs a profile with work of request threads in it.");
    } else {
        double scale = 1;
        for (size_t i = 0; i < verdict->ceiling_count; i++) {
            if (isfinite(verdict->ceilings[i].factor)) {
                scale = fmax(scale, verdict->ceilings[i].factor);
            }
        }
        double today = verdict->request_seconds.value;
        assess_page_add(page, "<p class=\"lead\">A request&#39;s own time, today and after a port. "
                              "A port removes time of the interpreter; it makes no native kernel "
                              "faster, and it does not touch IO.</p>\n<article class=\"ceiling\">"
                              "<h3>today</h3>\n");
        add_factor(page, "today", 1, scale,
                   isfinite(today) && today > 0 ? assess_say(&page->pool, "%s a request",
                                                             assess_time_text(&page->pool, today))
                                                : "1.00x");
        assess_page_add(page, "</article>\n");
        for (size_t i = 0; i < verdict->ceiling_count; i++) {
            add_ceiling(page, &verdict->ceilings[i], scale);
        }
    }
    if (verdict->remains && verdict->remains[0]) {
        assess_page_wrap(page, "<p><b>What would remain.</b> ", verdict->remains, "</p>\n");
    }
    assess_page_section_end(page);
}

/* ---- tables --------------------------------------------------------------------------------- */

/* The last cell: whether the row applies here, and why. */
static void finish_row(struct assess_page *page, const struct assess_row *row) {
    assess_page_cell_begin(page);
    assess_page_add(page, row->fired ? "<b class=\"applies\">applies</b> " : "");
    assess_page_text(page, row->why, ASSESS_SENTENCE);
    assess_page_cell_end(page);
    assess_page_row_end(page);
}

static void add_rows(struct assess_page *page, bool fired, const char *caption) {
    const struct assess_verdict *verdict = page->report->verdict;
    assess_page_table(page, caption, "dominant|target missed|what helps|does a port pay?|here");
    for (size_t i = 0; i < verdict->row_count; i++) {
        const struct assess_row *row = &verdict->rows[i];
        if (row->fired != fired) continue;
        assess_page_row(page, row->fired ? "fired" : NULL);
        assess_page_cell(page, row->dominant, ASSESS_LONG);
        assess_page_cell(page, row->missed, ASSESS_LONG);
        assess_page_cell(page, row->intervention, ASSESS_LONG);
        assess_page_cell(page, row->port_pays, ASSESS_LONG);
        finish_row(page, row);
    }
    assess_page_table_end(page);
}

void assess_html_rows(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    assess_page_section(page, "decision", "Which rule decided");
    if (verdict->row_count == 0) {
        assess_page_add(page, "<p class=\"missing\">No rule was applied: too little was "
                              "measured.</p>\n");
        assess_page_section_end(page);
        return;
    }
    if (assess_fired_row(verdict)) {
        add_rows(page, true,
                 "=Port or don't port: what dominates, against the target that is missed");
    } else {
        assess_page_add(page, "<p>No rule applies.</p>\n");
    }
    assess_page_add(page,
                    "<details open><summary>The rules that do not apply, and why</summary>\n");
    add_rows(page, false, "=In the order in which they are tried");
    assess_page_add(page, "</details>\n");
    assess_page_section_end(page);
}

/* Rows of a table that weighs: a signal or bucket, what it says, and what is known here. */
static void add_balance(struct assess_page *page, const struct assess_row *rows, size_t count,
                        const char *caption, const char *columns) {
    assess_page_table(page, caption, columns);
    for (size_t i = 0; i < count; i++) {
        const struct assess_row *row = &rows[i];
        assess_page_row(page, row->fired ? "fired" : NULL);
        assess_page_cell(page, row->dominant, ASSESS_LONG);
        assess_page_cell(page, row->port_pays, ASSESS_LONG);
        assess_page_cell(page, row->intervention, ASSESS_LONG);
        finish_row(page, row);
    }
    assess_page_table_end(page);
}

static void add_balances(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    if (verdict->help_count) {
        assess_page_add(page, "<h3>What would WebAssembly help?</h3>\n");
        add_balance(page, verdict->helps, verdict->help_count,
                    "=By bucket: what moves when it is compiled to WebAssembly",
                    "bucket|does it help?|example|here");
    }
    assess_page_add(page, "<h3>Would a page with Pyodide fit?</h3>\n");
    if (verdict->rubric_count == 0) {
        assess_page_missing(page, "nothing is known about running on a client.");
        return;
    }
    add_balance(page, verdict->rubric, verdict->rubric_count,
                "=A balance, not a checklist: what speaks for running Python in a page",
                "signal|Pyodide|native or server|here");
}

void assess_html_places(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    assess_page_section(page, "places", "Where it could run");
    if (verdict->place_count == 0) {
        assess_page_missing(page, "there is nothing to compare.");
    } else {
        assess_page_table(page, "=The ways to run it, side by side",
                          "path|latency|reach|cost of crossing|remark");
        for (size_t i = 0; i < verdict->place_count; i++) {
            const struct assess_place *place = &verdict->places[i];
            assess_page_row(page, place->recommended ? "fired" : NULL);
            assess_page_cell_begin(page);
            assess_page_wrap(page, "<b>", place->name, "</b>");
            if (place->recommended) assess_page_add(page, " <b class=\"applies\">recommended</b>");
            assess_page_cell_end(page);
            assess_page_cell(page, place->latency, ASSESS_LONG);
            assess_page_cell(page, place->reach, ASSESS_LONG);
            assess_page_cell(page, place->boundary, ASSESS_LONG);
            assess_page_cell(page, place->remark, ASSESS_LONG);
            assess_page_row_end(page);
        }
        assess_page_table_end(page);
    }
    add_balances(page);
    assess_page_section_end(page);
}

/* ---- account and checklist ------------------------------------------------------------------ */

static void add_sum(struct assess_page *page, const char *name, const char *value) {
    assess_page_wrap(page, "<div><dt>", name, "</dt>");
    assess_page_wrap(page, "<dd><b>", value, "</b></dd></div>\n");
}

void assess_html_account(struct assess_page *page) {
    const struct assess_account *account = &page->report->verdict->account;
    struct assess_pool *pool = &page->pool;
    assess_page_section(page, "account", "The account");
    if (account->given) {
        assess_page_add(page, "<dl class=\"keys\">\n");
        add_sum(page, "a port costs once", assess_money_text(pool, account->once));
        add_sum(page, "its upkeep, a year", assess_money_text(pool, account->yearly));
        add_sum(page, "it saves, a year", assess_money_text(pool, account->saves_yearly));
        add_sum(
            page, "it has paid for itself",
            isfinite(account->break_even)
                ? assess_say(pool, "after %s years", assess_number_text(pool, account->break_even))
                : "never");
        assess_page_add(page, "</dl>\n");
    }
    assess_page_wrap(page, account->given ? "<p>" : "<p class=\"missing\">",
                     account->words ? account->words : "cost not given", "</p>\n");
    assess_page_section_end(page);
}

void assess_html_checklist(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    assess_page_section(page, "checklist", "Before committing to a port");
    if (verdict->checklist_count == 0) {
        assess_page_missing(page, "there is no checklist for this verdict.");
    } else {
        assess_page_add(page, "<ol class=\"checklist\">\n");
        for (size_t i = 0; i < verdict->checklist_count; i++) {
            assess_page_wrap(page, "<li>", verdict->checklist[i], "</li>\n");
        }
        assess_page_add(page, "</ol>\n");
    }
    assess_page_section_end(page);
}
