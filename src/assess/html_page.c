#include "html_page.h"

#include "utf8.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- text ----------------------------------------------------------------------------------- */

void assess_page_add(struct assess_page *page, const char *html) {
    assess_text_add(&page->out, html);
}

void assess_page_printf(struct assess_page *page, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : assess_alloc(&page->pool, (size_t)n + 1);
    if (text) {
        vsnprintf(text, (size_t)n + 1, fmt, again);
        assess_page_add(page, text);
    }
    va_end(again);
}

static void add_code(struct assess_text *out, int32_t code, const char *bytes, size_t size) {
    switch (code) {
    case '&':
        assess_text_add(out, "&amp;");
        return;
    case '<':
        assess_text_add(out, "&lt;");
        return;
    case '>':
        assess_text_add(out, "&gt;");
        return;
    case '"':
        assess_text_add(out, "&quot;");
        return;
    case '\'':
        assess_text_add(out, "&#39;");
        return;
    case ASSESS_UTF8_BAD:
        assess_text_add(out, "\xef\xbf\xbd");
        return;
    default:
        break;
    }
    if (!assess_utf8_hidden(code)) {
        assess_text_add_bytes(out, bytes, size);
    } else if (code < 0x100) {
        assess_text_printf(out, "\\x%02X", (unsigned)code);
    } else {
        assess_text_printf(out, "\\u%04X", (unsigned)code);
    }
}

/* Whether s is a unit on its own, so that a number before it belongs to the same line. */
static bool is_unit(const char *s) {
    static const char *const units[] = {"%", "ms", "us", "s", "min", "h", "kB", "MB", "GB"};
    size_t length = strcspn(s, " ,;:.)");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (length == strlen(units[i]) && strncmp(s, units[i], length) == 0) return true;
    }
    return false;
}

static void add_clean(struct assess_page *page, const char *text, size_t most, bool lines) {
    size_t size;
    int32_t code, last = 0;
    for (size_t n = 0; text && (size = assess_utf8_next(text, &code)) > 0; n++, text += size) {
        if (n == most) {
            assess_page_add(page, "\xe2\x80\xa6");
            return;
        }
        bool joined = code == ' ' && last >= '0' && last <= '9' && !lines && is_unit(text + 1);
        last = code;
        if (lines && code == '\n') {
            assess_page_add(page, "\n");
        } else if (joined) {
            assess_page_add(page, "\xc2\xa0");
        } else {
            add_code(&page->out, code, text, size);
        }
    }
}

void assess_page_text(struct assess_page *page, const char *text, size_t most) {
    add_clean(page, text, most, false);
}

void assess_page_lines(struct assess_page *page, const char *text, size_t most) {
    add_clean(page, text, most, true);
}

void assess_page_wrap(struct assess_page *page, const char *open, const char *text,
                      const char *close) {
    assess_page_add(page, open);
    assess_page_text(page, text, ASSESS_SENTENCE);
    assess_page_add(page, close);
}

/* ---- structure ------------------------------------------------------------------------------ */

void assess_page_section(struct assess_page *page, const char *id, const char *heading) {
    assess_page_printf(page, "<section id=\"%s\" aria-labelledby=\"%s-heading\">\n", id, id);
    assess_page_printf(page, "<h2 id=\"%s-heading\">%s</h2>\n", id, heading);
}

void assess_page_section_end(struct assess_page *page) { assess_page_add(page, "</section>\n\n"); }

void assess_page_missing(struct assess_page *page, const char *why) {
    assess_page_wrap(page, "<p class=\"missing\">not measured: ", why, "</p>\n");
}

void assess_page_table(struct assess_page *page, const char *caption, const char *columns) {
    bool cards = caption[0] == '=';
    caption += cards;
    page->columns = columns;
    assess_page_wrap(page, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"",
                     caption, cards ? "\">\n<table class=\"cards\">\n" : "\">\n<table>\n");
    assess_page_wrap(page, "<caption><span>", caption, "</span></caption>\n<thead><tr>");
    while (*columns) {
        size_t length = strcspn(columns, "|");
        bool number = columns[0] == '#';
        assess_page_add(page, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        assess_text_add_bytes(&page->out, columns + number, length - number);
        assess_page_add(page, "</th>");
        columns += length;
        if (*columns) columns++;
    }
    assess_page_add(page, "</tr></thead>\n<tbody>\n");
}

void assess_page_row(struct assess_page *page, const char *css) {
    page->column = page->columns;
    assess_page_wrap(page, css ? "<tr class=\"" : "<tr", css, css ? "\">" : ">");
}

void assess_page_cell_begin(struct assess_page *page) {
    const char *name = page->column;
    size_t length = strcspn(name, "|");
    bool number = name[0] == '#';
    assess_page_add(page, number ? "<td class=\"n\" data-name=\"" : "<td data-name=\"");
    assess_text_add_bytes(&page->out, name + number, length - number);
    assess_page_add(page, "\">");
    page->column = name[length] ? name + length + 1 : name + length;
}

void assess_page_cell_end(struct assess_page *page) { assess_page_add(page, "</td>"); }

void assess_page_cell(struct assess_page *page, const char *text, size_t most) {
    assess_page_cell_begin(page);
    assess_page_text(page, text, most);
    assess_page_cell_end(page);
}

void assess_page_row_end(struct assess_page *page) { assess_page_add(page, "</tr>\n"); }

void assess_page_table_end(struct assess_page *page) {
    assess_page_add(page, "</tbody>\n</table>\n</div>\n");
}
