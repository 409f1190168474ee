/* Predicates and words of the decision table's rows.  Each predicate says whether its row applies
 * to what is missed, and in *why the numbers that it went by, either way. */
#ifndef ASH_ASSESS_DECIDE_ROWS_H
#define ASH_ASSESS_DECIDE_ROWS_H

#include "decide.h"

static inline const char *percent(struct assess_case *c, double share) {
    return assess_percent_text(c->pool, share);
}

bool assess_missed_kind(const struct assess_case *c, enum assess_target_kind kind);
bool assess_missed_timed(const struct assess_case *c);

/* ---- decide_deploy.c: where it has to run, and what it takes to start ---- */
bool assess_when_client(struct assess_case *c, const char **why);
bool assess_when_footprint(struct assess_case *c, const char **why);
bool assess_when_weight(struct assess_case *c, const char **why);
bool assess_when_download_model(struct assess_case *c, const char **why);
bool assess_when_download_runtime(struct assess_case *c, const char **why);
const char *assess_say_client(struct assess_case *c);
const char *assess_say_footprint(struct assess_case *c);
/* Cold start or memory is missed, and no row about it applies: why. */
const char *assess_say_no_footprint(struct assess_case *c);

/* ---- decide_timed.c: where the time goes ---- */
bool assess_when_device_busy(struct assess_case *c, const char **why);
bool assess_when_device_starved(struct assess_case *c, const char **why);
bool assess_when_workers(struct assess_case *c, const char **why);
bool assess_when_helper(struct assess_case *c, const char **why);
bool assess_when_whole(struct assess_case *c, const char **why);
bool assess_when_too_far(struct assess_case *c, const char **why);
bool assess_when_compute(struct assess_case *c, const char **why);
bool assess_when_io(struct assess_case *c, const char **why);
bool assess_when_copies(struct assess_case *c, const char **why);
bool assess_when_gil(struct assess_case *c, const char **why);
bool assess_when_locks(struct assess_case *c, const char **why);
bool assess_when_device(struct assess_case *c, const char **why);
bool assess_when_garbage(struct assess_case *c, const char **why);
bool assess_when_spread(struct assess_case *c, const char **why);
const char *assess_say_workers(struct assess_case *c);
const char *assess_say_helper(struct assess_case *c);
const char *assess_say_whole(struct assess_case *c);
const char *assess_say_compute(struct assess_case *c);

#endif
