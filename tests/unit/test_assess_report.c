/* The report: JSON holds the data, the page is derived from them, files are whole or not there. */
#define _GNU_SOURCE
#include "../assess/report_cases.h"
#include "assess/html_charts.h"
#include "assess/report_facts.h"
#include "assess/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/report-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

/* The whole of a file, which is then removed; of the pool. */
static char *take_file(struct assess_pool *pool, const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    char *bytes = assess_alloc(pool, (size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), (size_t)size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
    return bytes;
}

static char *html_of(struct assess_pool *pool, const struct assess_report *report) {
    struct ashore_error err = {0};
    const char *path = assess_format(pool, "%s/report.html", folder);
    assert_int_equal(assess_report_html(report, path, &err), ASHORE_OK);
    char *page = take_file(pool, path), *to = page;
    for (const char *from = page; *from; to++) { /* blanks that do not break are blanks */
        bool blank = strncmp(from, "\xc2\xa0", 2) == 0;
        *to = blank ? ' ' : *from;
        from += blank ? 2 : 1;
    }
    *to = '\0';
    return page;
}

static json_t *json_of(struct assess_pool *pool, const struct assess_report *report) {
    struct ashore_error err = {0};
    const char *path = assess_format(pool, "%s/report.json", folder);
    assert_int_equal(assess_report_json(report, path, &err), ASHORE_OK);
    json_error_t why;
    json_t *o = json_loads(take_file(pool, path), JSON_REJECT_DUPLICATES, &why);
    if (!o) fail_msg("%s at line %d", why.text, why.line);
    return o;
}

static json_t *at(json_t *o, const char *first, const char *second) {
    o = json_object_get(o, first);
    assert_non_null(o);
    if (second) o = json_object_get(o, second);
    assert_non_null(o);
    return o;
}

static void same(const json_t *value, double wanted) {
    if (!isfinite(wanted)) {
        assert_true(json_is_null(value));
        return;
    }
    assert_true(json_is_number(value));
    assert_true(fabs(json_number_value(value) - wanted) <= 1e-13 * fabs(wanted)); /* 15 digits */
}

/* ---- text ----------------------------------------------------------------------------------- */

static void utf8_is_read_strictly(void **state) {
    (void)state;
    const struct {
        const char *bytes;
        size_t size;
        int32_t code;
    } cases[] = {
        {"", 0, 0},
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc3\xa9", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 1, ASSESS_UTF8_BAD},
        {"\xc3", 1, ASSESS_UTF8_BAD},
        {"\xc3(", 1, ASSESS_UTF8_BAD},
        {"\xe2\x82", 1, ASSESS_UTF8_BAD},
        {"\xc0\xaf", 1, ASSESS_UTF8_BAD},         /* overlong */
        {"\xe0\x80\xaf", 1, ASSESS_UTF8_BAD},     /* overlong */
        {"\xf0\x80\x80\xaf", 1, ASSESS_UTF8_BAD}, /* overlong */
        {"\xed\xa0\x80", 1, ASSESS_UTF8_BAD},     /* surrogate */
        {"\xf4\x90\x80\x80", 1, ASSESS_UTF8_BAD}, /* above U+10FFFF */
        {"\xff", 1, ASSESS_UTF8_BAD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t code;
        assert_int_equal(assess_utf8_next(cases[i].bytes, &code), cases[i].size);
        assert_int_equal(code, cases[i].code);
    }
    assert_true(assess_utf8_hidden(0x1b) && assess_utf8_hidden(0x85) && assess_utf8_hidden(0x202e));
    assert_false(assess_utf8_hidden('a') || assess_utf8_hidden(0xe9) || assess_utf8_hidden(0x4e2d));
    assert_int_equal(assess_utf8_columns('a'), 1);
    assert_int_equal(assess_utf8_columns(0x4e2d), 2);
    assert_int_equal(assess_utf8_columns(0x301), 0);
}

static void text_is_escaped_and_cut(void **state) {
    (void)state;
    struct assess_page page = {0};
    assess_page_text(&page, "<a b=\"c\" d='e'>&\n\x1b\xff\xe2\x80\xae", 100);
    assert_string_equal(page.out.bytes, "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\\x0A\\x1B"
                                        "\xef\xbf\xbd\\u202E");
    page.out.length = 0;
    assess_page_text(&page, "\xc3\xa9\xc3\xa9\xc3\xa9", 2);
    assert_string_equal(page.out.bytes, "\xc3\xa9\xc3\xa9\xe2\x80\xa6");
    page.out.length = 0;
    assess_page_lines(&page, "a\nb", 3);
    assert_string_equal(page.out.bytes, "a\nb");
    page.out.length = 0;
    assess_page_text(&page, "at 61.2 ms, 8 % of 3 sorts", 100);
    assert_string_equal(page.out.bytes, "at 61.2\xc2\xa0ms, 8\xc2\xa0% of 3 sorts");
    page.out.length = 0;
    assess_page_wrap(&page, "<b>", NULL, "</b>");
    assert_string_equal(page.out.bytes, "<b></b>");
    assess_text_deinit(&page.out);
    assess_pool_deinit(&page.pool);
}

/* ---- facts ---------------------------------------------------------------------------------- */

static void quantiles_are_those_that_the_count_carries(void **state) {
    (void)state;
    double q[ASSESS_QUANTILES];
    assert_int_equal(assess_quantiles_for(0, q), 0);
    assert_int_equal(assess_quantiles_for(1, q), 0);
    assert_int_equal(assess_quantiles_for(2, q), 1);
    assert_int_equal(assess_quantiles_for(99, q), 4);
    assert_int_equal(assess_quantiles_for(100, q), 5);
    assert_true(q[4] == 0.99);
    assert_int_equal(assess_quantiles_for(200000, q), ASSESS_QUANTILES);
}

static void slices_hold_every_request_once(void **state) {
    (void)state;
    const size_t counts[] = {1, 9, 10, 25, 5000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct assess_pool pool = {0};
        struct assess_run run;
        struct assess_slice *slices = NULL;
        case_run(&pool, &run, counts[c], 100, 0.01, 0.4, 0, 7);
        size_t n = assess_slices_of(&run, 60, &pool, &slices), count = 0, failed = 0;
        assert_true(n >= 1 && n <= 60);
        double most = 0, seen = 0;
        for (size_t i = 0; i < n; i++) {
            count += slices[i].count;
            failed += slices[i].failed;
            if (isfinite(slices[i].max)) seen = fmax(seen, slices[i].max);
            assert_true(i == 0 || slices[i].begin == slices[i - 1].end);
        }
        for (size_t i = 0; i < run.count; i++) {
            if (!run.sent[i].failure)
                most = fmax(most, run.sent[i].answered - run.sent[i].intended);
        }
        assert_int_equal(count, run.count);
        assert_int_equal(failed, run.failed);
        assert_true(seen == most);
        assess_pool_deinit(&pool);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void check_interval(json_t *o, struct assess_interval wanted) {
    same(json_object_get(o, "low"), wanted.low);
    same(json_object_get(o, "value"), wanted.value);
    same(json_object_get(o, "high"), wanted.high);
}

static void check_load(json_t *o, const struct assess_run *run) {
    struct assess_pool pool = {0};
    struct assess_times times;
    assert_true(assess_times_of(run, &pool, &times));
    assert_int_equal(json_integer_value(json_object_get(o, "count")), run->count);
    assert_int_equal(json_integer_value(json_object_get(o, "failed")), run->failed);
    same(json_object_get(o, "achieved_rate"), run->achieved_rate);
    json_t *percentiles = json_object_get(o, "percentiles"), *row;
    size_t i;
    json_array_foreach(percentiles, i, row) {
        double q = json_number_value(json_object_get(row, "quantile"));
        same(json_object_get(row, "latency"), assess_quantile(times.latency, times.count, q));
        same(json_object_get(row, "service"), assess_quantile(times.service, times.count, q));
    }
    assert_true(i >= 4);
    assess_pool_deinit(&pool);
}

static void check_json(const struct report_case *which) {
    struct assess_pool pool = {0};
    struct assess_report report = {0};
    which->make(&pool, &report);
    const struct assess_evidence *e = report.evidence;
    const struct assess_verdict *v = report.verdict;
    json_t *o = json_of(&pool, &report);
    assert_string_equal(json_string_value(at(o, "schema", NULL)), "ashore-assess-report/1");
    assert_string_equal(json_string_value(at(o, "verdict", "outcome")),
                        assess_outcome_id(v->outcome));
    const struct assess_row *row = assess_fired_row(v);
    json_t *fired = at(o, "verdict", "row");
    if (row) {
        assert_string_equal(json_string_value(fired), row->id);
    } else {
        assert_true(json_is_null(fired));
    }
    assert_int_equal(json_array_size(at(o, "findings", NULL)), v->finding_count);
    for (size_t i = 0; i < v->finding_count; i++) {
        json_t *finding = json_array_get(at(o, "findings", NULL), i);
        check_interval(at(finding, "measured", NULL), v->findings[i].measured);
        same(at(finding, "target", "limit"), v->findings[i].target->limit);
    }
    assert_int_equal(json_array_size(at(o, "ceilings", NULL)), v->ceiling_count);
    for (size_t i = 0; i < v->ceiling_count; i++) {
        json_t *ceiling = json_array_get(at(o, "ceilings", NULL), i);
        same(at(ceiling, "factor", NULL), v->ceilings[i].factor);
        check_interval(at(ceiling, "latency", NULL), v->ceilings[i].latency);
    }
    for (int b = 0; e->profile && b < ASSESS_BUCKETS; b++) {
        same(at(o, "buckets", assess_bucket_names[b]),
             assess_share(e->profile->seconds, (enum assess_bucket)b));
    }
    if (e->run) check_load(at(o, "load", NULL), e->run);
    if (e->sweep) same(at(o, "sweep", "knee"), e->sweep->knee);
    same(at(o, "measured", "cold_start"), e->cold_start > 0 ? e->cold_start : NAN);
    json_decref(o);
    assess_pool_deinit(&pool);
}

static void json_holds_the_data(void **state) {
    (void)state;
    for (size_t i = 0; i < REPORT_CASES; i++) check_json(&report_cases[i]);
}

/* ---- page ----------------------------------------------------------------------------------- */

/* Changes one number and says whether the page shows another text for it. */
static void changes(struct assess_pool *pool, const struct assess_report *report, double *number,
                    double to, const char *before, const char *after) {
    double was = *number;
    const char *page = html_of(pool, report);
    if (!strstr(page, before)) fail_msg("'%s' is not on the page", before);
    if (strstr(page, after)) fail_msg("'%s' is on the page already", after);
    *number = to;
    page = html_of(pool, report);
    if (!strstr(page, after)) fail_msg("'%s' is not on the page", after);
    *number = was;
}

static void numbers_of_the_page_are_derived(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    struct assess_report report = {0};
    case_port(&pool, &report);
    struct assess_verdict *v = (struct assess_verdict *)report.verdict;
    struct assess_evidence *e = (struct assess_evidence *)report.evidence;
    struct assess_profile *p = (struct assess_profile *)e->profile;
    changes(&pool, &report, &v->findings[0].measured.value, 0.0777, "<b>61.2 ms</b>",
            "<b>77.7 ms</b>");
    changes(&pool, &report, &v->ceilings[1].factor, 0.4, "6.99 ms a request", "9.64 ms a request");
    changes(&pool, &report, &v->ceilings[0].speedup, 7.77, "6.25x", "7.77x");
    changes(&pool, &report, &v->ceilings[1].latency.value, 0.0333, "21.3 ms (19 ms",
            "33.3 ms (19 ms");
    changes(&pool, &report, &p->seconds[ASSESS_IO], 20, "3.6 %", "14 %");
    changes(&pool, &report, &p->stages[0].seconds[ASSESS_INTERPRETER], 55.5, "80.4 s", "55.5 s");
    changes(&pool, &report, &p->functions[4].self[ASSESS_INTERPRETER], 33.3, "19.1 s", "33.3 s");
    changes(&pool, &report, &v->account.break_even, 4.44, "after 2.84 years", "after 4.44 years");
    changes(&pool, &report, &e->cold_start, 7.77, "2.31 s</dd>", "7.77 s</dd>");
    changes(&pool, &report, &p->hz, 199, "<dd>99/s</dd>", "<dd>199/s</dd>");
    struct assess_sweep *sweep = (struct assess_sweep *)e->sweep;
    changes(&pool, &report, &sweep->knee, 222, "knee: 240/s", "knee: 222/s");
    assess_pool_deinit(&pool);
}

static void pages_are_bounded(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    struct assess_report report = {0};
    case_huge(&pool, &report);
    assert_true(strlen(html_of(&pool, &report)) < 1500000);
    assess_pool_deinit(&pool);
}

/* The extremes that a run can have. */
static void odd_runs_are_reported(void **state) {
    (void)state;
    for (size_t count = 0; count < 12; count++) {
        for (size_t nth = 0; nth < 3; nth++) {
            struct assess_pool pool = {0};
            struct assess_report report = {0};
            case_dont_port(&pool, &report);
            struct assess_evidence *e = (struct assess_evidence *)report.evidence;
            struct assess_run run;
            case_run(&pool, &run, count, 10, 0.01, 0.1, 0, nth);
            e->run = &run;
            const char *page = html_of(&pool, &report);
            assert_null(strstr(page, "nan%"));
            assert_null(strstr(page, "inf%"));
            json_t *o = json_of(&pool, &report);
            assert_int_equal(json_integer_value(at(o, "load", "failed")), nth ? count / nth : 0);
            json_decref(o);
            assess_pool_deinit(&pool);
        }
    }
}

static void intervals_without_ends_are_drawn(void **state) {
    (void)state;
    const double values[] = {-1, 0, 0.05, 1e300, INFINITY, NAN};
    enum { COUNT = sizeof values / sizeof values[0] };
    struct assess_pool pool = {0};
    struct assess_report report = {0};
    case_port(&pool, &report);
    struct assess_finding *finding = report.verdict->findings;
    struct assess_ceiling *ceiling = (struct assess_ceiling *)report.verdict->ceilings;
    for (size_t i = 0; i < COUNT * COUNT; i++) {
        double value = values[i % COUNT], end = values[i / COUNT];
        finding->measured = (struct assess_interval){fmin(value, end), value, fmax(value, end)};
        ceiling->latency = finding->measured;
        ceiling->factor = end;
        ceiling->speedup = 1 / end;
        const char *page = html_of(&pool, &report);
        assert_null(strstr(page, "inf%"));
        assert_null(strstr(page, "nan%"));
        for (const char *s = page; (s = strstr(s, "=\"-"));) { /* no part left of its picture */
            s = strchr(s + 2, '"');
            assert_true(s && s[-1] != '%');
        }
        json_decref(json_of(&pool, &report));
    }
    assess_pool_deinit(&pool);
}

static void unwritable_places_are_named(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    struct assess_report report = {0};
    struct ashore_error err = {0};
    case_nothing(&pool, &report);
    const char *path = assess_format(&pool, "%s/none/report", folder);
    assert_int_equal(assess_report_html(&report, path, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, path));
    err.text[0] = '\0';
    assert_int_equal(assess_report_json(&report, path, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, path));
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(assess_report_text(&report, full), ASHORE_ERR_IO);
    fclose(full);
    assess_pool_deinit(&pool);
}

/* ---- charts --------------------------------------------------------------------------------- */

static void check_axis(double low, double high, bool logarithmic) {
    struct assess_axis axis = assess_axis_for(low, high, logarithmic);
    double ticks[ASSESS_TICKS], slack = 1e-9 * fmax(fabs(axis.low), fabs(axis.high));
    assert_true(axis.low <= low + slack && axis.high >= high - slack && axis.low < axis.high);
    assert_true(assess_axis_at(&axis, axis.low) == 0 && assess_axis_at(&axis, axis.high) == 1);
    assert_true(assess_axis_at(&axis, INFINITY) == 1 && assess_axis_at(&axis, -INFINITY) == 0);
    assert_true(isfinite(assess_axis_at(&axis, NAN)));
    size_t n = assess_axis_ticks(&axis, 5, ticks);
    assert_true(n >= 2 && n <= ASSESS_TICKS);
    for (size_t i = 0; i < n; i++) {
        assert_true(ticks[i] >= axis.low - slack && ticks[i] <= axis.high + slack);
        assert_true(i == 0 || ticks[i] > ticks[i - 1]);
    }
}

static void axes_hold_what_is_drawn(void **state) {
    (void)state;
    const double ends[][2] = {{0, 1},       {0, 0.0401}, {0.002, 1.7},  {1e-9, 1e5},
                              {0.04, 0.04}, {5, 1e12},   {0.099, 0.11}, {1e-6, 1.5e-6}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        check_axis(ends[i][0], ends[i][1], false);
        if (ends[i][0] > 0) check_axis(ends[i][0], ends[i][1], true);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_read_strictly),
        cmocka_unit_test(text_is_escaped_and_cut),
        cmocka_unit_test(quantiles_are_those_that_the_count_carries),
        cmocka_unit_test(slices_hold_every_request_once),
        cmocka_unit_test(json_holds_the_data),
        cmocka_unit_test(numbers_of_the_page_are_derived),
        cmocka_unit_test(pages_are_bounded),
        cmocka_unit_test(odd_runs_are_reported),
        cmocka_unit_test(intervals_without_ends_are_drawn),
        cmocka_unit_test(unwritable_places_are_named),
        cmocka_unit_test(axes_hold_what_is_drawn),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
