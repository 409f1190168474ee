/* Which code is what: rules by name of file and function, built in and from the user's file.
 *
 * A rules file has a line per rule, later lines win, user's lines before built-in ones:
 *
 *     # comment
 *     compute      object    libopenblas*
 *     marshalling  object    _pickle*
 *     marshalling  function  _pickle.dumps
 *     marshalling  python    json/encoder.py
 *     idle         python    concurrent/futures/thread.py:_worker
 *     device_wait  object    libcuda.so*
 *
 * bucket, what is matched, a pattern of * and ?.  object: the base name of a shared object or
 * program.  function: a native function's symbol, libc:SYMBOL for one of the C library.  python:
 * the end of a file's path, on whole components, with :function where one function is meant. */
#ifndef ASH_ASSESS_RULES_H
#define ASH_ASSESS_RULES_H

#include "assess_base.h"
#include "buckets.h"

struct assess_rules;

/* The built-in rules, after those of the file when path is not NULL.  ASHORE_ERR_FORMAT names file,
 * line and what is understood. */
int assess_rules_create(const char *path, struct assess_rules **rules, struct ashore_error *err);
void assess_rules_destroy(struct assess_rules **rules);

/* The bucket, or ASSESS_BUCKETS when no rule applies. */
enum assess_bucket assess_rules_object(const struct assess_rules *rules, const char *base_name);
enum assess_bucket assess_rules_function(const struct assess_rules *rules, const char *symbol);
enum assess_bucket assess_rules_python(const struct assess_rules *rules, const char *path,
                                       const char *function);

/* Whether a pattern of the kind python fits; function may be NULL. */
bool assess_rule_fits_python(const char *pattern, const char *path, const char *function);

#endif
