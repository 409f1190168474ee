/* report_sample DIR: writes the made-up reports of report_cases.h to DIR/NAME.html, .json, .txt. */
#include "report_cases.h"

#include <stdio.h>

static int write_case(const struct report_case *which, const char *folder) {
    struct assess_pool pool = {0};
    struct assess_report report = {0};
    struct ashore_error err = {0};
    which->make(&pool, &report);
    const char *stem = assess_format(&pool, "%s/%s", folder, which->name);
    int status = assess_report_html(&report, assess_format(&pool, "%s.html", stem), &err);
    if (status >= 0) {
        status = assess_report_json(&report, assess_format(&pool, "%s.json", stem), &err);
    }
    FILE *text = fopen(assess_format(&pool, "%s.txt", stem), "w");
    if (!text || assess_report_text(&report, text) < 0 || fclose(text)) status = -1;
    if (status < 0) fprintf(stderr, "report_sample: %s: %s\n", which->name, err.text);
    assess_pool_deinit(&pool);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: report_sample DIR\n");
        return 2;
    }
    for (size_t i = 0; i < REPORT_CASES; i++) {
        if (write_case(&report_cases[i], argv[1]) < 0) return 1;
    }
    return 0;
}
