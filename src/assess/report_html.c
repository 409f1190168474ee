#include "html_sections.h"
#include "whole_file.h"

/* Nothing is fetched and nothing is run: the policy says so to the browser too. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n";

/* Hatching for what is unknown. */
static const char patterns[] =
    "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
    "<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"6\" height=\"6\"/>"
    "<rect class=\"hatch-line\" width=\"2\" height=\"6\"/></pattern></defs></svg>\n";

static const char contents[] =
    "<nav aria-label=\"Contents\"><a href=\"#targets\">Targets</a> <a href=\"#time\">Time</a> "
    "<a href=\"#latency\">Latency</a> <a href=\"#ceilings\">Ceilings</a> "
    "<a href=\"#decision\">Decision</a> <a href=\"#places\">Places</a> "
    "<a href=\"#account\">Account</a> <a href=\"#checklist\">Checklist</a> "
    "<a href=\"#functions\">Functions</a> <a href=\"#basis\">How sure</a></nav>\n\n";

static void write_page(struct assess_page *page) {
    const struct assess_report *report = page->report;
    assess_page_add(page, head);
    assess_page_wrap(page, "<title>", report->verdict->sentence,
                     " \xe2\x80\x93 ashore assess</title>\n");
    assess_page_add(page, "<style>\n");
    assess_page_add(page, assess_report_css);
    assess_page_add(page, "</style>\n</head>\n<body>\n");
    assess_page_add(page, patterns);
    assess_html_verdict(page);
    assess_page_add(page, contents);
    assess_page_add(page, "<main>\n");
    assess_html_targets(page);
    assess_html_time(page);
    assess_html_latency(page);
    assess_html_ceilings(page);
    assess_html_rows(page);
    assess_html_places(page);
    assess_html_account(page);
    assess_html_checklist(page);
    assess_html_functions(page);
    assess_html_basis(page);
    assess_page_add(page, "</main>\n<footer><p>");
    assess_page_wrap(page, "Made by Ashore ", report->version,
                     "; the numbers are in report.json beside this file.</p></footer>\n");
    assess_page_add(page, "</body>\n</html>\n");
}

int assess_report_html(const struct assess_report *report, const char *path,
                       struct ashore_error *err) {
    struct assess_page page = {.report = report};
    write_page(&page);
    int status;
    if (page.out.failed || page.pool.failed) {
        status = assess_fail(err, ASHORE_ERR_NOMEM, "no memory for the report %s", path);
    } else {
        status = assess_write_file(path, page.out.bytes, page.out.length, err);
    }
    assess_pool_deinit(&page.pool);
    assess_text_deinit(&page.out);
    return status;
}
