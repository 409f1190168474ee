/* The parts that the HTML report is written with: text, tables, charts' frames.
 *
 * Whatever comes from the program (names, paths, failures) goes through assess_page_text; only
 * literals and numbers are written as they are. */
#ifndef ASH_ASSESS_HTML_PAGE_H
#define ASH_ASSESS_HTML_PAGE_H

#include "report.h"

struct assess_page {
    struct assess_text out;
    struct assess_pool pool; /* of what is needed until the page is written */
    const struct assess_report *report;
    const char *columns, *column; /* of the table that is being written, and where a row is in it */
};

/* Most characters of one piece of text: a name in a table, a name in a tooltip, a sentence. */
enum { ASSESS_SHORT = 90, ASSESS_LONG = 300, ASSESS_SENTENCE = 2000 };

void assess_page_add(struct assess_page *page, const char *html);
void assess_page_printf(struct assess_page *page, const char *fmt, ...) ASSESS_PRINTF(2, 3);
/* Escaped; after `most` characters comes an ellipsis.  Control characters and marks of direction
 * show as \x1B and \u202E, bytes that are no UTF-8 as U+FFFD.  A number stays on one line with its
 * unit.  NULL is nothing. */
void assess_page_text(struct assess_page *page, const char *text, size_t most);
/* The same, but lines stay lines: for <pre>. */
void assess_page_lines(struct assess_page *page, const char *text, size_t most);
/* open, text as a sentence, close. */
void assess_page_wrap(struct assess_page *page, const char *open, const char *text,
                      const char *close);

/* A section with its heading; id for links. */
void assess_page_section(struct assess_page *page, const char *id, const char *heading);
void assess_page_section_end(struct assess_page *page);
/* "not measured: " and why, in place of what is missing. */
void assess_page_missing(struct assess_page *page, const char *why);

/* A table in a container of its own, which scrolls; where the caption begins with '=', rows become
 * cards on a narrow screen.  columns: headings, '|' between them; a heading that begins with '#' is
 * of numbers.  Cells are added row by row, each cell for the next column. */
void assess_page_table(struct assess_page *page, const char *caption, const char *columns);
void assess_page_row(struct assess_page *page, const char *css);
void assess_page_cell(struct assess_page *page, const char *text, size_t most);
/* A cell whose content follows, up to assess_page_cell_end. */
void assess_page_cell_begin(struct assess_page *page);
void assess_page_cell_end(struct assess_page *page);
void assess_page_row_end(struct assess_page *page);
void assess_page_table_end(struct assess_page *page);

extern const char assess_report_css[]; /* report.css */

#endif
