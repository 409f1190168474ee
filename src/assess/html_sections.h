/* The sections of the HTML report, in the order in which they stand. */
#ifndef ASH_ASSESS_HTML_SECTIONS_H
#define ASH_ASSESS_HTML_SECTIONS_H

#include "html_page.h"

void assess_html_verdict(struct assess_page *page); /* html_verdict.c */
void assess_html_targets(struct assess_page *page);
void assess_html_time(struct assess_page *page);     /* html_time.c */
void assess_html_latency(struct assess_page *page);  /* html_latency.c */
void assess_html_ceilings(struct assess_page *page); /* html_port.c */
void assess_html_rows(struct assess_page *page);
void assess_html_places(struct assess_page *page);
void assess_html_account(struct assess_page *page);
void assess_html_checklist(struct assess_page *page);
void assess_html_functions(struct assess_page *page); /* html_functions.c */
void assess_html_flame(struct assess_page *page, const struct assess_profile *profile);
void assess_html_basis(struct assess_page *page); /* html_basis.c */

#endif
