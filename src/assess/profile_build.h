/* Puts a profile together: functions and stacks that are one where they are equal, spans of
 * threads, notes; then totals, order and limits. */
#ifndef ASH_ASSESS_PROFILE_BUILD_H
#define ASH_ASSESS_PROFILE_BUILD_H

#include "intern.h"
#include "profile.h"

enum { ASSESS_FUNCTIONS_MOST = 2000, ASSESS_SPANS_MOST = 200000, ASSESS_NOTES_MOST = 100 };

/* Zeroed but for pool, which the profile's content goes to, is empty. */
struct assess_build {
    struct assess_pool *pool;
    uint64_t seed;
    struct assess_function *functions;
    size_t function_count, function_room;
    struct assess_intern by_name;
    struct assess_stack *stacks;
    size_t stack_count, stack_room;
    struct assess_intern by_frames;
    struct assess_span *spans;
    size_t span_count, span_room;
    bool spans_cut;
    const char **notes;
    size_t note_count, note_room;
    bool failed; /* no memory: stays set */
};

/* A path from where packages or the standard library begin, else its last component. */
const char *assess_short_path(const char *path);
/* Texts are copied.  UINT32_MAX without memory. */
uint32_t assess_build_function(struct assess_build *build, const char *name, const char *place,
                               bool python);
/* Frames root first; copied. */
uint32_t assess_build_stack(struct assess_build *build, const uint32_t *frames, size_t depth,
                            enum assess_bucket bucket);
/* last: the thread's last span, UINT32_MAX when it has none yet; goes on where the thread does the
 * same, else begins a new one.  Times of a thread rise. */
void assess_build_span(struct assess_build *build, uint32_t *last, struct assess_span span);
/* A note that is not there yet; the last that there is room for says that there are more. */
void assess_build_note(struct assess_build *build, const char *fmt, ...) ASSESS_PRINTF(2, 3);

/* Fills functions, stages, stacks, spans and notes of the profile.  ASHORE_ERR_NOMEM also when
 * there was no memory before. */
int assess_build_finish(struct assess_build *build, struct assess_profile *profile,
                        struct ashore_error *err);
void assess_build_deinit(struct assess_build *build);

/* profile_stages.c: stages from the profile's stacks and functions.  From the root of Python stacks
 * (without idle time) down as long as one callee holds at least 90 % of its caller, from each root
 * where threads have several; then the callees there, by falling time, what the caller did itself
 * under its own name, and all that is below 2 % of the whole, or was left aside on the way,
 * together as "other". */
int assess_find_stages(struct assess_profile *profile, struct assess_pool *pool,
                       struct ashore_error *err);

#endif
