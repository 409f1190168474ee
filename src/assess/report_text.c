#include "report.h"

#include "report_facts.h"
#include "utf8.h"
#include "words.h"

#include <math.h>
#include <string.h>

/* Plain text of at most 100 columns, without colours: it goes to terminals and to logs. */

enum { COLUMNS = 100, BAR = 40, MOST = 1500 /* characters of a paragraph */ };

struct writer {
    struct assess_text out;
    struct assess_pool pool;
};

/* ---- words and lines ------------------------------------------------------------------------ */

/* Copies text without what would move a terminal's cursor; bytes that are no UTF-8 become '?'. */
static const char *clean(struct writer *w, const char *s) {
    struct assess_text out = {0};
    size_t size;
    size_t n = 0;
    for (int32_t code; s && (size = assess_utf8_next(s, &code)) > 0 && n < MOST; s += size, n++) {
        if (code == '\n' || code == '\t') {
            assess_text_add(&out, " ");
        } else if (code == ASSESS_UTF8_BAD || assess_utf8_hidden(code)) {
            assess_text_add(&out, "?");
        } else {
            assess_text_add_bytes(&out, s, size);
        }
    }
    if (n == MOST) assess_text_add(&out, "...");
    const char *copy = out.bytes ? assess_copy_text(&w->pool, out.bytes, out.length) : NULL;
    assess_text_deinit(&out);
    return copy ? copy : "";
}

static void add_spaces(struct writer *w, size_t count) {
    while (count--) assess_text_add(&w->out, " ");
}

/* Bytes and columns of the next word, which is cut where it alone is wider than `most`.  A number
 * and its percent sign are one word. */
static size_t measure_word(const char *s, size_t most, size_t *columns) {
    size_t bytes = 0, size;
    *columns = 0;
    for (int32_t code; (s[bytes] != ' ' || s[bytes + 1] == '%') &&
                       (size = assess_utf8_next(s + bytes, &code)) > 0;) {
        size_t width = (size_t)assess_utf8_columns(code);
        if (*columns + width > most) break;
        *columns += width;
        bytes += size;
    }
    return bytes;
}

/* Words from column `at` on, wrapped; lines that follow begin at column `indent`. */
static void add_wrapped(struct writer *w, const char *text, size_t at, size_t indent) {
    const char *s = clean(w, text);
    bool first = true;
    while (*s) {
        while (*s == ' ') s++;
        size_t columns, bytes = measure_word(s, COLUMNS - indent, &columns);
        if (bytes == 0) break;
        if (at + columns + !first > COLUMNS) {
            assess_text_add(&w->out, "\n");
            add_spaces(w, indent);
            at = indent;
        } else if (!first) {
            assess_text_add(&w->out, " ");
            at++;
        }
        assess_text_add_bytes(&w->out, s, bytes);
        at += columns;
        s += bytes;
        first = false;
    }
    assess_text_add(&w->out, "\n");
}

/* "Name      words", wrapped under the words. */
static void add_item(struct writer *w, const char *name, size_t width, const char *text) {
    const char *label = clean(w, name);
    size_t columns = 0, bytes = 0, size;
    for (int32_t code; (size = assess_utf8_next(label + bytes, &code)) > 0; bytes += size) {
        size_t more = (size_t)assess_utf8_columns(code);
        if (columns + more > width) break;
        columns += more;
    }
    assess_text_add(&w->out, "  ");
    assess_text_add_bytes(&w->out, label, bytes);
    add_spaces(w, width - columns + 2);
    add_wrapped(w, text, width + 4, width + 4);
}

static void add_heading(struct writer *w, const char *heading) {
    assess_text_printf(&w->out, "\n%s\n", heading);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void add_verdict(struct writer *w, const struct assess_report *report) {
    const struct assess_verdict *verdict = report->verdict;
    const char *title = assess_outcome_title(verdict->outcome);
    bool said = verdict->sentence && strncmp(verdict->sentence, title, strlen(title)) == 0;
    const char *colon = said ? "" : ": ";
    add_wrapped(w,
                assess_say(&w->pool, "%s%s%s", said ? "" : title, colon,
                           verdict->sentence ? verdict->sentence : ""),
                0, 2);
    if (verdict->intervention && verdict->intervention[0]) {
        add_spaces(w, 2);
        add_wrapped(w, assess_say(&w->pool, "What to do: %s", verdict->intervention), 2, 4);
    }
    if (report->evidence->partial) {
        add_spaces(w, 2);
        add_wrapped(w, assess_say(&w->pool, "Partial: %s", report->evidence->partial), 2, 2);
    }
}

static void add_findings(struct writer *w, const struct assess_verdict *verdict) {
    if (verdict->finding_count == 0) return;
    add_heading(w, "Targets");
    for (size_t i = 0; i < verdict->finding_count; i++) {
        add_item(w, assess_claim_id(verdict->findings[i].claim), 6, verdict->findings[i].words);
    }
}

static void add_buckets(struct writer *w, const struct assess_profile *profile) {
    add_heading(w, "Where the time of request threads goes");
    if (!profile || !(assess_sum(profile->seconds) > 0)) {
        add_item(w, "not measured", 12, profile ? "no request thread was seen" : "no profile");
        return;
    }
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        double share = assess_share(profile->seconds, (enum assess_bucket)b);
        if (!(share > 0)) continue;
        char bar[BAR + 1];
        size_t length = (size_t)lround(fmin(share, 1) * (double)BAR);
        memset(bar, '#', length);
        bar[length] = '\0';
        assess_text_printf(&w->out, "  %-12s %12s%s%s\n", assess_bucket_titles[b],
                           assess_percent_text(&w->pool, share), length ? "  " : "", bar);
    }
}

static void add_ceilings(struct writer *w, const struct assess_verdict *verdict) {
    if (verdict->ceiling_count == 0) return;
    add_heading(w, "What a port could give");
    for (size_t i = 0; i < verdict->ceiling_count; i++) {
        const struct assess_ceiling *ceiling = &verdict->ceilings[i];
        const char *latency = assess_prediction_text(ceiling->latency, &w->pool);
        const char *meets = isnan(ceiling->factor) ? "nothing can be said"
                            : ceiling->meets       ? "would meet the target"
                            : ceiling->likely      ? "would probably meet the target"
                                                   : "would not surely meet the target";
        add_item(w, ceiling->name, 12,
                 assess_say(&w->pool, "%s%s%s, %s. %s",
                            assess_times_text(&w->pool, ceiling->speedup),
                            latency[0] ? "; latency " : "", latency, meets,
                            ceiling->basis ? ceiling->basis : ""));
    }
}

static void add_rest(struct writer *w, const struct assess_verdict *verdict) {
    const struct assess_row *row = assess_fired_row(verdict);
    if (row) {
        add_heading(w, "Which rule decided");
        add_spaces(w, 2);
        add_wrapped(w, row->dominant, 2, 2);
        add_spaces(w, 2);
        add_wrapped(w, row->why, 2, 2);
    }
    if (verdict->account.words) {
        add_heading(w, "The account");
        add_spaces(w, 2);
        add_wrapped(w, verdict->account.words, 2, 2);
    }
    if (verdict->noise && verdict->noise[0]) {
        add_heading(w, "Noise");
        add_spaces(w, 2);
        add_wrapped(w, verdict->noise, 2, 2);
    }
}

int assess_report_text(const struct assess_report *report, FILE *to) {
    struct writer w = {0};
    add_verdict(&w, report);
    add_findings(&w, report->verdict);
    add_buckets(&w, report->evidence->profile);
    add_ceilings(&w, report->verdict);
    add_rest(&w, report->verdict);
    int status = w.out.failed || w.pool.failed ? ASHORE_ERR_NOMEM : ASHORE_OK;
    if (status == ASHORE_OK &&
        (fwrite(w.out.bytes, 1, w.out.length, to) != w.out.length || fflush(to))) {
        status = ASHORE_ERR_IO;
    }
    assess_text_deinit(&w.out);
    assess_pool_deinit(&w.pool);
    return status;
}
