#include "html_sections.h"

#include "report_facts.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum { LONG_SENTENCE = 150 };

/* ---- verdict -------------------------------------------------------------------------------- */

static void add_key(struct assess_page *page, const char *name, const char *value,
                    const char *remark) {
    assess_page_wrap(page, "\n<div><dt>", name, "</dt>");
    assess_page_wrap(page, "<dd><b>", value, "</b> ");
    assess_page_wrap(page, "<span>", remark, "</span></dd></div>");
}

static void add_finding_key(struct assess_page *page, const struct assess_finding *finding) {
    const struct assess_target *target = finding->target;
    const char *limit = assess_target_text(target, target->limit, &page->pool);
    bool floor = target->kind == ASSESS_TARGET_THROUGHPUT;
    const char *name = target->kind == ASSESS_TARGET_LATENCY
                           ? assess_quantile_text(&page->pool, target->quantile)
                           : assess_target_title(target->kind);
    bool known = !isnan(finding->measured.value);
    add_key(page, name,
            known ? assess_target_text(target, finding->measured.value, &page->pool)
                  : "not measured",
            assess_say(&page->pool, "wanted: %s %s", floor ? "at least" : "at most", limit));
}

/* Four figures that the meeting will ask for. */
static void add_keys(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    const struct assess_evidence *evidence = page->report->evidence;
    assess_page_add(page, "<dl class=\"keys\">");
    for (size_t i = 0, shown = 0; i < verdict->finding_count && shown < 2; i++) {
        const struct assess_finding *finding = &verdict->findings[i];
        if (finding->target->kind == ASSESS_TARGET_CLIENT) continue;
        add_finding_key(page, finding);
        shown++;
    }
    if (evidence->profile && assess_sum(evidence->profile->seconds) > 0) {
        const double *seconds = evidence->profile->seconds;
        int largest = 0;
        for (int b = 0; b < ASSESS_BUCKETS; b++) {
            if (b != ASSESS_IDLE && seconds[b] > seconds[largest]) largest = b;
        }
        double share = assess_share_of_work(seconds, (enum assess_bucket)largest);
        add_key(page, "most of the work", assess_percent_text(&page->pool, share),
                assess_bucket_titles[largest]);
    }
    for (size_t i = 0; i < verdict->ceiling_count && i < 2; i++) {
        if (verdict->ceiling_count > 1 && i == 0) continue; /* the realistic one follows */
        const struct assess_ceiling *ceiling = &verdict->ceilings[i];
        if (isnan(ceiling->speedup)) continue;
        add_key(page, "a port would give", assess_times_text(&page->pool, ceiling->speedup),
                assess_say(&page->pool, "%s", ceiling->name));
    }
    assess_page_add(page, "</dl>\n");
}

static void add_outcome(struct assess_page *page, enum assess_outcome outcome) {
    /* A tick, a cross, an arrow, a question mark: the colour is not the only sign. */
    static const char *const signs[] = {
        [ASSESS_DONT_PORT] = "M6 6L14 14M14 6L6 14",
        [ASSESS_PORT] = "M4 10H16M11 5L16 10L11 15",
        [ASSESS_MEETS_TARGET] = "M4 10.5L8.5 15L16 6",
        [ASSESS_INCONCLUSIVE] = "M7 7.5A3 3 0 1 1 10 10.5V12M10 14.6V15.4",
    };
    assess_page_printf(page,
                       "<p class=\"outcome %s\"><svg viewBox=\"0 0 20 20\" width=\"18\" "
                       "height=\"18\" aria-hidden=\"true\"><path d=\"%s\"/></svg>",
                       assess_outcome_id(outcome), signs[outcome]);
    assess_page_wrap(page, "", assess_outcome_title(outcome), "</p>\n");
}

void assess_html_verdict(struct assess_page *page) {
    const struct assess_report *report = page->report;
    const struct assess_verdict *verdict = report->verdict;
    assess_page_add(page, "<header>\n<p class=\"eyebrow\"><b>ashore assess</b> ");
    assess_page_wrap(page, "<time>", report->when, "</time></p>\n");
    add_outcome(page, verdict->outcome);
    bool is_long = verdict->sentence && strlen(verdict->sentence) > LONG_SENTENCE;
    assess_page_wrap(page, is_long ? "<h1 class=\"long\">" : "<h1>", verdict->sentence, "</h1>\n");
    if (verdict->intervention && verdict->intervention[0]) {
        assess_page_wrap(page, "<p class=\"intervention\"><b>What to do</b> <span>",
                         verdict->intervention, "</span></p>\n");
    }
    assess_page_wrap(page, "<p class=\"command\"><code>", report->command, "</code></p>\n");
    if (report->evidence->partial) {
        assess_page_wrap(page, "<p class=\"partial\"><b>Partial:</b> ", report->evidence->partial,
                         ". What was measured until then is below.</p>\n");
    }
    add_keys(page);
    assess_page_add(page, "</header>\n\n");
}

/* ---- targets -------------------------------------------------------------------------------- */

static double bullet_scale(const struct assess_finding *finding) {
    double most = finding->target->limit;
    const double ends[] = {finding->measured.value, finding->measured.high};
    for (size_t i = 0; i < 2; i++) {
        if (isfinite(ends[i])) most = fmax(most, ends[i]);
    }
    return most > 0 ? most * 1.18 : 1;
}

/* A track with the range that is wanted, the interval, the value, and the limit. */
static void add_bullet(struct assess_page *page, const struct assess_finding *finding) {
    const struct assess_target *target = finding->target;
    const struct assess_interval *m = &finding->measured;
    double scale = bullet_scale(finding), limit = 100 * target->limit / scale;
    bool floor = target->kind == ASSESS_TARGET_THROUGHPUT;
    double value = isfinite(m->value) ? 100 * fmax(m->value, 0) / scale : 100;
    double low = isfinite(m->low) ? 100 * fmax(m->low, 0) / scale : value;
    double high = isfinite(m->high) ? 100 * fmax(m->high, 0) / scale : 100;
    assess_page_wrap(page,
                     "<svg class=\"bullet\" role=\"img\" width=\"100%\" height=\"58\" "
                     "aria-label=\"",
                     finding->words, "\">\n");
    assess_page_printf(page,
                       "<rect class=\"track\" width=\"100%%\" y=\"22\" height=\"16\" rx=\"2\"/>"
                       "<rect class=\"wanted\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"22\" "
                       "height=\"16\" rx=\"2\"/>\n",
                       floor ? limit : 0, floor ? 100 - limit : limit);
    if (isfinite(m->low) || isfinite(m->value)) {
        assess_page_printf(
            page,
            "<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"30\" y2=\"30\"/>"
            "<line class=\"cap\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"25\" y2=\"35\"/>",
            low, high, low, low);
    }
    if (isfinite(m->high)) {
        assess_page_printf(page,
                           "<line class=\"cap\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"25\" y2=\"35\"/>",
                           high, high);
    } else {
        assess_page_add(page, "<svg x=\"100%\" y=\"30\" overflow=\"visible\"><path class=\"value\" "
                              "d=\"M-11 -8L1 0L-11 8Z\"/></svg>\n");
    }
    if (isfinite(m->value)) {
        assess_page_printf(page, "<circle class=\"value\" cx=\"%.2f%%\" cy=\"30\" r=\"6\"/>\n",
                           value);
    }
    const char *anchor = limit < 15 ? "start" : limit > 80 ? "end" : "middle";
    assess_page_printf(page,
                       "<line class=\"limit\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"17\" y2=\"43\"/>"
                       "<text class=\"name\" x=\"%.2f%%\" y=\"12\" text-anchor=\"%s\">",
                       limit, limit, limit, anchor);
    assess_page_wrap(page, "", assess_target_text(target, target->limit, &page->pool), "</text>");
    anchor = value < 15 ? "start" : value > 80 ? "end" : "middle";
    assess_page_printf(page, "<text class=\"name\" x=\"%.2f%%\" y=\"56\" text-anchor=\"%s\">",
                       value, anchor);
    assess_page_wrap(page, "measured ",
                     isfinite(m->value) ? assess_target_text(target, m->value, &page->pool)
                                        : "beyond the scale",
                     "</text></svg>\n");
}

static void add_finding(struct assess_page *page, const struct assess_finding *finding) {
    static const char *const signs[] = {"\xe2\x9c\x93", "\xe2\x9c\x95", "?"};
    assess_page_add(page, "<article class=\"finding\">\n<h3><code>");
    assess_page_text(page, finding->target->text, ASSESS_SHORT);
    assess_page_printf(page,
                       "</code> <span class=\"claim %s\"><span aria-hidden=\"true\">%s</span> "
                       "%s</span></h3>\n",
                       assess_claim_id(finding->claim), signs[finding->claim],
                       assess_claim_id(finding->claim));
    assess_page_wrap(page, "<p>", finding->words, "</p>\n");
    if (finding->target->kind != ASSESS_TARGET_CLIENT && !isnan(finding->measured.value)) {
        add_bullet(page, finding);
    }
    assess_page_add(page, "</article>\n");
}

void assess_html_targets(struct assess_page *page) {
    const struct assess_verdict *verdict = page->report->verdict;
    assess_page_section(page, "targets", "Target against measured");
    if (verdict->finding_count == 0) {
        assess_page_missing(page, "no target could be compared with what was measured.");
    } else {
        assess_page_add(page, "<p class=\"lead\">The line is what is wanted, the dot what was "
                              "measured; the bar through the dot is where the true value lies, "
                              "with the confidence that the sentence names.</p>\n");
    }
    for (size_t i = 0; i < verdict->finding_count; i++) {
        add_finding(page, &verdict->findings[i]);
    }
    assess_page_section_end(page);
}
