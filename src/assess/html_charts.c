#include "html_charts.h"

#include "report_facts.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum { HEIGHT = 220, WIDTH = 1000 /* units of lines, stretched to the frame */, PART_HEIGHT = 24 };

/* ---- axes ----------------------------------------------------------------------------------- */

/* The step of round numbers (1, 2, 5 times a power of ten) nearest above range / wanted. */
static double round_step(double range, size_t wanted) {
    double raw = range / (double)(wanted ? wanted : 1);
    if (!(raw > 0)) return 1;
    double power = pow(10, floor(log10(raw)));
    double lead = raw / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

struct assess_axis assess_axis_for(double low, double high, bool logarithmic) {
    if (!(high > low)) high = low > 0 ? low * 2 : low + 1;
    if (logarithmic && low > 0) {
        double down = pow(10, floor(log10(low)));
        double up = pow(10, floor(log10(high)));
        low = low >= 5 * down ? 5 * down : low >= 2 * down ? 2 * down : down;
        high = high <= up ? up : high <= 2 * up ? 2 * up : high <= 5 * up ? 5 * up : 10 * up;
        return (struct assess_axis){low, high, true};
    }
    double step = round_step(high - low, 4);
    return (struct assess_axis){floor(low / step) * step, ceil(high / step) * step, false};
}

double assess_axis_at(const struct assess_axis *axis, double value) {
    double at = axis->log ? log(fmax(value, axis->low) / axis->low) / log(axis->high / axis->low)
                          : (value - axis->low) / (axis->high - axis->low);
    return isnan(at) ? 0 : fmin(fmax(at, 0), 1);
}

size_t assess_axis_ticks(const struct assess_axis *axis, size_t wanted, double *ticks) {
    size_t n = 0;
    if (axis->log) {
        double decades = log10(axis->high / axis->low);
        static const double leads[] = {1, 2, 5};
        size_t step = decades > (double)wanted / 2 ? 3 : 1;
        for (double power = pow(10, floor(log10(axis->low) + 1e-9));
             power <= axis->high * 1.0001 && n < ASSESS_TICKS; power *= 10) {
            for (size_t i = 0; i < 3 && n < ASSESS_TICKS; i += step) {
                double tick = power * leads[i];
                if (tick >= axis->low * 0.9999 && tick <= axis->high * 1.0001) ticks[n++] = tick;
            }
        }
        return n;
    }
    double step = round_step(axis->high - axis->low, wanted);
    double first = ceil(axis->low / step - 1e-9);
    for (double i = first; i * step <= axis->high + step * 1e-6 && n < ASSESS_TICKS; i++) {
        ticks[n++] = i * step;
    }
    return n;
}

/* ---- plots ---------------------------------------------------------------------------------- */

static double x_at(const struct assess_plot *plot, double x) {
    return 100 * assess_axis_at(&plot->x, x);
}

static double y_at(const struct assess_plot *plot, double y) {
    return (double)HEIGHT * (1 - assess_axis_at(&plot->y, y));
}

void assess_plot_begin(struct assess_page *page, const struct assess_plot *plot,
                       const char *label) {
    assess_page_wrap(page, "<div class=\"frame\"><svg role=\"img\" aria-label=\"", label, "\"");
    assess_page_printf(page, " width=\"100%%\" height=\"%d\">\n", HEIGHT);
    double ticks[ASSESS_TICKS];
    size_t n = assess_axis_ticks(&plot->y, 4, ticks);
    for (size_t i = 0; i < n; i++) {
        double y = y_at(plot, ticks[i]);
        assess_page_printf(page,
                           "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                           "<text class=\"tick\" x=\"-8\" y=\"%.1f\" text-anchor=\"end\">",
                           y, y, y + 4);
        assess_page_text(page, ticks[i] > 0 ? assess_time_text(&page->pool, ticks[i]) : "0",
                         ASSESS_SHORT);
        assess_page_add(page, "</text>\n");
    }
}

void assess_plot_tick(struct assess_page *page, const struct assess_plot *plot, double x,
                      const char *text, bool minor) {
    double at = x_at(plot, x);
    assess_page_printf(page,
                       "<line class=\"grid%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>"
                       "<text class=\"tick%s\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">",
                       minor ? " minor" : "", at, at, HEIGHT, minor ? " minor" : "", at,
                       HEIGHT + 18);
    assess_page_text(page, text, ASSESS_SHORT);
    assess_page_add(page, "</text>\n");
}

void assess_plot_round_ticks(struct assess_page *page, const struct assess_plot *plot,
                             const char *unit) {
    double ticks[ASSESS_TICKS];
    size_t n = assess_axis_ticks(&plot->x, 8, ticks);
    for (size_t i = 0; i < n; i++) {
        const char *text = assess_number_text(&page->pool, ticks[i]);
        assess_plot_tick(page, plot, ticks[i], assess_say(&page->pool, "%s%s", text, unit),
                         i % 2 == 1);
    }
}

void assess_plot_line(struct assess_page *page, const struct assess_plot *plot, const char *css,
                      const struct assess_plot_xy *points, size_t count) {
    assess_page_printf(page,
                       "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" width=\"100%%\" "
                       "height=\"%d\"><path class=\"%s\" d=\"",
                       WIDTH, HEIGHT, HEIGHT, css);
    bool pen = false;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(points[i].y)) {
            pen = false;
            continue;
        }
        assess_page_printf(page, "%s%.1f %.1f", pen ? "L" : "M",
                           x_at(plot, points[i].x) * (double)WIDTH / 100, y_at(plot, points[i].y));
        pen = true;
    }
    assess_page_add(page, "\"/></svg>\n");
}

void assess_plot_box(struct assess_page *page, const struct assess_plot *plot, const char *css,
                     double x0, double x1, double low, double high) {
    double left = x_at(plot, x0), top = y_at(plot, high);
    assess_page_printf(page,
                       "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.1f\" "
                       "height=\"%.1f\"/>\n",
                       css, left, x_at(plot, x1) - left, top, fmax(y_at(plot, low) - top, 1));
}

void assess_plot_level(struct assess_page *page, const struct assess_plot *plot, const char *css,
                       double y, const char *name) {
    double at = y_at(plot, y);
    assess_page_printf(page,
                       "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                       "<text class=\"name\" x=\"6\" y=\"%.1f\">",
                       css, at, at, at < 20 ? at + 14 : at - 6);
    assess_page_text(page, name, ASSESS_SHORT);
    assess_page_add(page, "</text>\n");
}

void assess_plot_rule(struct assess_page *page, const struct assess_plot *plot, const char *css,
                      double x, const char *name, unsigned row) {
    double at = x_at(plot, x);
    bool left = at > 45;
    assess_page_printf(page,
                       "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>"
                       "<text class=\"name\" x=\"%.2f%%\" dx=\"%d\" y=\"%u\" text-anchor=\"%s\">",
                       css, at, at, HEIGHT, at, left ? -6 : 6, 14 + 17 * row,
                       left ? "end" : "start");
    assess_page_text(page, name, ASSESS_SHORT);
    assess_page_add(page, "</text>\n");
}

void assess_plot_point(struct assess_page *page, const struct assess_plot *plot, const char *css,
                       double x, double y, const char *title) {
    double at = x_at(plot, x);
    if (isnan(y)) return;
    if (isfinite(y)) {
        assess_page_printf(page, "<circle class=\"%s\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\">", css, at,
                           y_at(plot, y));
        assess_page_wrap(page, "<title>", title, "</title></circle>\n");
    } else {
        assess_page_printf(page, "<svg x=\"%.2f%%\" overflow=\"visible\"><path class=\"%s\" ", at,
                           css);
        assess_page_wrap(page, "d=\"M-6 9L0 -1L6 9Z\"><title>", title, "</title></path></svg>\n");
    }
}

void assess_plot_end(struct assess_page *page, const char *x_name) {
    assess_page_wrap(page, "</svg></div>\n<p class=\"axis\">", x_name, "</p>\n");
}

/* ---- bars of buckets ------------------------------------------------------------------------ */

static void add_label(struct assess_page *page, const char *css, enum assess_bucket b,
                      double middle, unsigned y, const char *text) {
    assess_page_printf(page,
                       "<text class=\"in k%d%s\" x=\"%.3f%%\" y=\"%u\" text-anchor=\"middle\">%s"
                       "</text>",
                       (int)b, css, middle, y, text);
}

/* Name and share in the segment where they fit, or the share alone.  Pixels for a hundredth of the
 * bar, at the least: from 641 pixels of page on, where bars of parts have their names beside them,
 * and below, down to 320.  A letter has some 7.2 pixels. */
static void name_segment(struct assess_page *page, enum assess_bucket b, double left, double width,
                         double share, unsigned height) {
    const char *percent = assess_percent_text(&page->pool, share);
    const char *full = assess_say(&page->pool, "%s %s", assess_bucket_titles[b], percent);
    double needs_full = 7.2 * (double)strlen(full) + 10, needs = 7.2 * (double)strlen(percent) + 6;
    double wide = width * (height > PART_HEIGHT ? 6.0 : 2.8), narrow = width * 2.8;
    double middle = left + width / 2;
    unsigned y = height / 2 + 5;
    if (wide >= needs_full) {
        add_label(page, narrow >= needs_full ? "" : " wide", b, middle, y, full);
    } else if (wide >= needs) {
        add_label(page, narrow >= needs ? "" : " wide", b, middle, y, percent);
    }
    if (wide >= needs_full && narrow < needs_full && narrow >= needs) {
        add_label(page, " narrow", b, middle, y, percent);
    }
}

void assess_bucket_bar(struct assess_page *page, const double seconds[ASSESS_BUCKETS], double scale,
                       const char *name, unsigned height) {
    scale = fmax(scale, assess_sum(seconds)); /* parts that overlap can be more than the whole */
    assess_page_wrap(page, "<svg class=\"bar\" role=\"img\" aria-label=\"", name, ": ");
    const char *comma = "";
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        double share = assess_share(seconds, (enum assess_bucket)b);
        if (share <= 0) continue;
        const char *percent = assess_percent_text(&page->pool, share);
        assess_page_printf(page, "%s%s %s", comma, assess_bucket_titles[b], percent);
        comma = ", ";
    }
    assess_page_printf(page, "\" width=\"100%%\" height=\"%u\">", height);
    double left = 0;
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        double width = scale > 0 ? 100 * fmax(seconds[b], 0) / scale : 0;
        if (!(width > 0.02)) continue;
        double share = assess_share(seconds, (enum assess_bucket)b);
        assess_page_printf(page, "<rect class=\"b%d\" x=\"%.3f%%\" width=\"%.3f%%\" height=\"%u\">",
                           b, left, width, height);
        const char *percent = assess_percent_text(&page->pool, share);
        const char *time = assess_time_text(&page->pool, seconds[b]);
        assess_page_printf(page, "<title>%s: %s, %s</title></rect>", assess_bucket_titles[b],
                           percent, time);
        if (height >= PART_HEIGHT)
            name_segment(page, (enum assess_bucket)b, left, width, share, height);
        left += width;
    }
    assess_page_add(page, "</svg>\n");
}
