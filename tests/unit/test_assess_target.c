/* Targets and prices from the command line. */
#include "assess/target.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double wanted, double bound) {
    if (!(fabs(value - wanted) <= bound)) fail_msg("%.17g, not %.17g", value, wanted);
}

static void reads_targets(void **state) {
    static const struct {
        const char *text;
        enum assess_target_kind kind;
        double quantile, limit;
    } cases[] = {
        {"p99=40ms", ASSESS_TARGET_LATENCY, 0.99, 0.04},
        {"p50=1.5s", ASSESS_TARGET_LATENCY, 0.5, 1.5},
        {"p99.9=200us", ASSESS_TARGET_LATENCY, 0.999, 200e-6},
        {"p0.1=2min", ASSESS_TARGET_LATENCY, 0.001, 120},
        {"p99=5ns", ASSESS_TARGET_LATENCY, 0.99, 5e-9},
        {"throughput=200", ASSESS_TARGET_THROUGHPUT, 0, 200},
        {"throughput=1.5k", ASSESS_TARGET_THROUGHPUT, 0, 1500},
        {"throughput=200/s", ASSESS_TARGET_THROUGHPUT, 0, 200},
        {"throughput=2M/s", ASSESS_TARGET_THROUGHPUT, 0, 2e6},
        {"memory=500MB", ASSESS_TARGET_MEMORY, 0, 500e6},
        {"memory=1.5GiB", ASSESS_TARGET_MEMORY, 0, 1.5 * 1024 * 1024 * 1024},
        {"memory=1000B", ASSESS_TARGET_MEMORY, 0, 1000},
        {"cold-start=800ms", ASSESS_TARGET_COLD_START, 0, 0.8},
        {"download=20MB", ASSESS_TARGET_DOWNLOAD, 0, 20e6},
        {"download=100KB", ASSESS_TARGET_DOWNLOAD, 0, 100e3},
        {"cost=0.20/1k", ASSESS_TARGET_COST, 0, 0.0002},
        {"cost=5/1M", ASSESS_TARGET_COST, 0, 5e-6},
        {"cost=.5/100", ASSESS_TARGET_COST, 0, 0.005},
        {"client", ASSESS_TARGET_CLIENT, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assess_target t;
        struct ashore_error err = {0};
        if (assess_target_parse(cases[i].text, &t, &err) != ASHORE_OK) fail_msg("%s", err.text);
        assert_int_equal(t.kind, cases[i].kind);
        assert_near(t.quantile, cases[i].quantile, 1e-15);
        assert_near(t.limit, cases[i].limit, 1e-12 * cases[i].limit);
        assert_string_equal(t.text, cases[i].text);
    }
}

static void refuses_targets(void **state) {
    static const char *const cases[][2] = {
        {"", "targets are"},
        {"p99", "targets are"},
        {"40ms", "targets are"},
        {"latency=40ms", "targets are"},
        {"P99=40ms", "targets are"},
        {"throughputs=3", "targets are"},
        {"clients", "targets are"},
        {"client=1", "targets are"},
        {"p=40ms", "between 0 and 100"},
        {"p0=40ms", "between 0 and 100"},
        {"p100=40ms", "between 0 and 100"},
        {"p1000=40ms", "between 0 and 100"},
        {"p9x=40ms", "between 0 and 100"},
        {"p99..9=40ms", "between 0 and 100"},
        {"p99=", "40ms"},
        {"p99=40", "40ms"},
        {"p99=-40ms", "40ms"},
        {"p99=0ms", "40ms"},
        {"p99=40 ms", "40ms"},
        {"p99=40msx", "40ms"},
        {"p99=1e3ms", "40ms"},
        {"p99=nans", "40ms"},
        {"p99=infs", "40ms"},
        {"p99=.ms", "40ms"},
        {"p99=9999999999999999999999999s", "40ms"},
        {"memory=500", "500MB"},
        {"memory=500ms", "500MB"},
        {"throughput=", "1.5k"},
        {"throughput=5/m", "1.5k"},
        {"cost=0.20", "0.20/1k"},
        {"cost=0.20/", "0.20/1k"},
        {"cost=0.20/0", "0.20/1k"},
        {"cost=0/1k", "0.20/1k"},
        {"cost=/1k", "0.20/1k"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assess_target t;
        struct ashore_error err = {0};
        int status = assess_target_parse(cases[i][0], &t, &err);
        if (status != ASHORE_ERR_ARGUMENT || !strstr(err.text, cases[i][1]))
            fail_msg("%s: %d %s", cases[i][0], status, err.text);
        assert_int_equal(assess_target_parse(cases[i][0], &t, NULL), ASHORE_ERR_ARGUMENT);
    }
}

static void reads_prices(void **state) {
    static const struct {
        const char *text;
        double price; /* below 0: refused */
    } cases[] = {
        {"0.17/core-hour", 0.17 / 3600},
        {"5/core-day", 5.0 / 86400},
        {"0.00005/core-second", 0.00005},
        {"0.17", -1},
        {"0.17/hour", -1},
        {"0/core-hour", -1},
        {"-1/core-hour", -1},
        {"", -1},
        {"/core-hour", -1},
        {"0.17/core-hours", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double price;
        struct ashore_error err = {0};
        int status = assess_price_parse(cases[i].text, &price, &err);
        if ((status == ASHORE_OK) != (cases[i].price > 0)) fail_msg("%s", cases[i].text);
        if (status)
            assert_non_null(strstr(err.text, "0.17/core-hour"));
        else
            assert_near(price, cases[i].price, 1e-18);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_targets),
        cmocka_unit_test(refuses_targets),
        cmocka_unit_test(reads_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
