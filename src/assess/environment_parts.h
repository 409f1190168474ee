/* Reading what the kernel says, shared by environment*.c. */
#ifndef ASH_ASSESS_ENVIRONMENT_PARTS_H
#define ASH_ASSESS_ENVIRONMENT_PARTS_H

#include "environment.h"

/* The file root + the name that fmt makes, as text: at most 1 MiB of it, NUL bytes turned into
 * spaces.  False when there is none, or nothing in it; free with assess_text_deinit. */
bool assess_read_text(const char *root, struct assess_text *text, const char *fmt, ...)
    ASSESS_PRINTF(3, 4);

/* Of the first line that is "key : value" or "key=value": the value, with *length up to the end of
 * the line.  NULL: there is none. */
const char *assess_find_value(const char *text, const char *key, size_t *length);

/* A copy for a report: at most 100 bytes, without control characters. */
const char *assess_clean(struct assess_pool *pool, const char *s, size_t length);

/* The number that s begins with; NAN when there is none, or it is negative. */
double assess_number(const char *s);

enum { ASSESS_PROCESSORS = 65536 };
struct assess_processors {
    unsigned char set[ASSESS_PROCESSORS / 8];
    size_t count;
};
/* A list such as "0-3,8", of processors below ASSESS_PROCESSORS; false when it is malformed or
 * empty. */
bool assess_parse_processors(const char *s, struct assess_processors *processors);
bool assess_has_processor(const struct assess_processors *processors, size_t i);
/* Those that this process may run on. */
bool assess_usable_processors(const char *root, struct assess_processors *processors);

/* ---- environment_cgroup.c: of both versions ---- */

/* The least that our control group or one above it allows: processors; bytes.  INFINITY: no limit.
 */
double assess_cgroup_processors(const char *root);
double assess_cgroup_memory(const char *root);
/* s that the quota has stopped our group; NAN: not known. */
double assess_cgroup_throttled(const char *root);

#endif
