/* Charts of the HTML report: SVG that keeps its text's size at any width.
 *
 * Places along the width are percentages, those along the height are pixels, and labels of axes
 * stand outside of the frame, which has margins for them: so one drawing serves a wide screen, a
 * phone and paper. */
#ifndef ASH_ASSESS_HTML_CHARTS_H
#define ASH_ASSESS_HTML_CHARTS_H

#include "html_page.h"

struct assess_axis {
    double low, high;
    bool log;
};
/* An axis with round ends that holds [low, high]; low > 0 where it is logarithmic. */
struct assess_axis assess_axis_for(double low, double high, bool logarithmic);
/* 0 at the low end, 1 at the high end; values outside are put at the nearer end. */
double assess_axis_at(const struct assess_axis *axis, double value);
enum { ASSESS_TICKS = 16 };
/* Round numbers on the axis, about `wanted` of them; ticks: [ASSESS_TICKS].  Returns how many. */
size_t assess_axis_ticks(const struct assess_axis *axis, size_t wanted, double *ticks);

struct assess_plot {
    struct assess_axis x, y; /* y: seconds */
};
/* label says what the picture shows to those who do not see it. */
void assess_plot_begin(struct assess_page *page, const struct assess_plot *plot, const char *label);
/* minor: left out where there is little room. */
void assess_plot_tick(struct assess_page *page, const struct assess_plot *plot, double x,
                      const char *text, bool minor);
struct assess_plot_xy {
    double x, y;
};
/* A line through points; it breaks where y is not finite. */
void assess_plot_line(struct assess_page *page, const struct assess_plot *plot, const char *css,
                      const struct assess_plot_xy *points, size_t count);
/* A filled box; y from low to high. */
void assess_plot_box(struct assess_page *page, const struct assess_plot *plot, const char *css,
                     double x0, double x1, double low, double high);
/* A level over the whole width, or a vertical rule over the whole height, with its name; `row`
 * keeps the names of rules apart. */
void assess_plot_level(struct assess_page *page, const struct assess_plot *plot, const char *css,
                       double y, const char *name);
void assess_plot_rule(struct assess_page *page, const struct assess_plot *plot, const char *css,
                      double x, const char *name, unsigned row);
/* A point with a tooltip; an infinite y is drawn as a triangle at the top. */
void assess_plot_point(struct assess_page *page, const struct assess_plot *plot, const char *css,
                       double x, double y, const char *title);
void assess_plot_end(struct assess_page *page, const char *x_name);
/* Ticks of x at round numbers. */
void assess_plot_round_ticks(struct assess_page *page, const struct assess_plot *plot,
                             const char *unit);

/* One stacked bar of time by bucket; its full width is `scale` seconds.  name: what it is of.
 * height: pixels; below 24 without labels, 24 for bars that have their names beside them. */
void assess_bucket_bar(struct assess_page *page, const double seconds[ASSESS_BUCKETS], double scale,
                       const char *name, unsigned height);

#endif
