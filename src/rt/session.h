/* Between a session and its runs. */
#ifndef ASH_RT_SESSION_H
#define ASH_RT_SESSION_H

#include "rt/model.h"

/* Takes the inputs, finds the plan and begins a run; the outputs that s->bind names are written
 * there. */
int ash_session_begin(struct ashore_session *s, size_t n, const char *const *names,
                      ashore_value *const *values, struct ashore_error *err);
/* Ends it, done or not. */
void ash_session_end(struct ashore_session *s);

#endif
