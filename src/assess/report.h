/* The report: report.html (one file, no network, no scripts) and report.json
 * (docs/assess-report.schema.json). */
#ifndef ASH_ASSESS_REPORT_H
#define ASH_ASSESS_REPORT_H

#include "verdict.h"

struct assess_report {
    const char *command; /* the program that was assessed, as typed */
    const char *repeat;  /* the whole command line of the assessment; NULL: made of the targets */
    const char *when;    /* ISO 8601 */
    const char *version; /* of Ashore */
    const char *machine, *system, *processor, *memory; /* environment, one line each */
    const char *const *environment; /* further lines: Python, packages, variables that matter */
    size_t environment_count;
    const struct assess_evidence *evidence;
    const struct assess_verdict *verdict;
};

/* Both are written whole beside their place and moved there; ASHORE_ERR_IO with the path and why.
 */
int assess_report_html(const struct assess_report *report, const char *path,
                       struct ashore_error *err);
int assess_report_json(const struct assess_report *report, const char *path,
                       struct ashore_error *err);
/* For the terminal: verdict, targets, buckets, ceilings; at most 100 columns. */
int assess_report_text(const struct assess_report *report, FILE *to);

#endif
