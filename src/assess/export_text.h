/* Names of the profiled program on their way into files. */
#ifndef ASH_ASSESS_EXPORT_TEXT_H
#define ASH_ASSESS_EXPORT_TEXT_H

#include "profile.h"

/* Adds s as UTF-8: what is none becomes U+FFFD. */
void assess_add_utf8(struct assess_text *text, const char *s);

/* Adds s as a JSON string, in quotes. */
void assess_add_json(struct assess_text *text, const char *s);

/* Where `place` ends and its line begins: "app.py:12" is 6 and 12.  line 0: it has none. */
size_t assess_split_place(const char *place, uint32_t *line);

/* The thread of a span; NULL when the profile does not list it. */
const struct assess_thread *assess_find_thread(const struct assess_profile *profile, uint32_t pid,
                                               uint32_t tid);

/* Indices of the spans, [span_count], by pid, tid and begin; NULL: no memory.  Free with
 * assess_realloc. */
uint32_t *assess_order_spans(const struct assess_profile *profile);

#endif
