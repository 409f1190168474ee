/* A profile put together from intervals: what one thread did, from when to when, on which stack.
 *
 * Nothing is checked for memory at each call: whoever adds goes on, and finishing reports it. */
#ifndef ASH_ASSESS_IMPORT_BUILDER_H
#define ASH_ASSESS_IMPORT_BUILDER_H

#include "import_classify.h"
#include "profile_build.h"

enum {
    ASSESS_DEEPEST = 512, /* frames of a stack that are kept, the innermost ones */
    ASSESS_NO_FUNCTION = -1
};

struct assess_builder {
    const struct assess_rules *rules;
    struct assess_profile *profile;
    struct assess_build build;    /* functions, stacks, spans and notes */
    struct assess_class *classes; /* of the functions */
    size_t class_count, class_room;
    struct assess_builder_thread *threads;
    size_t thread_count, thread_room;
    struct assess_builder_part *parts; /* what one thread spent on one stack */
    size_t part_count, part_room;
    struct assess_intern by_part;
    struct assess_stage *stages;
    int32_t *stage_functions; /* as many */
    size_t stage_count, stage_room, stage_function_room;
    size_t frames_held;   /* of all stacks */
    bool failed;          /* no memory, or too many of something */
    const char *too_many; /* of what */
};

/* AUTO: a request thread if it runs Python and does more than wait (1 % of its time at least);
 * LIKELY: if it does more than wait. */
enum assess_role { ASSESS_ROLE_AUTO, ASSESS_ROLE_LIKELY, ASSESS_ROLE_REQUEST, ASSESS_ROLE_WORKER };

struct assess_builder_thread {
    uint32_t pid, tid;
    const char *name;
    enum assess_role role;
    bool has_python;
    double seconds[ASSESS_BUCKETS];
    uint32_t last_span; /* UINT32_MAX: none yet */
    uint32_t last_part; /* the same */
};

void assess_builder_init(struct assess_builder *b, const struct assess_rules *rules,
                         struct assess_pool *pool, struct assess_profile *profile);
void assess_builder_deinit(struct assess_builder *b);

/* Index of the function, or ASSESS_NO_FUNCTION when there is no memory.  Its place is short; see
 * assess_short_path. */
int32_t assess_builder_function(struct assess_builder *b, const struct assess_named *named);

/* The bucket of a stack by its functions; see import_classify.h. */
enum assess_bucket assess_builder_classify(const struct assess_builder *b, const int32_t *frames,
                                           size_t depth);

/* Index of a new thread; the name is copied. */
size_t assess_builder_thread(struct assess_builder *b, uint32_t pid, uint32_t tid,
                             const char *name);

/* frames: [depth] root first.  begin <= end, s; per thread in order of time.  Nothing is added for
 * an interval without length. */
void assess_builder_add(struct assess_builder *b, size_t thread, double begin, double end,
                        const int32_t *frames, size_t depth, enum assess_bucket bucket);

/* Adds to the stage that this function stands for; ASSESS_NO_FUNCTION: to none. */
void assess_builder_stage(struct assess_builder *b, int32_t function, enum assess_bucket bucket,
                          double seconds);

void assess_builder_note(struct assess_builder *b, const char *fmt, ...) ASSESS_PRINTF(2, 3);

/* Decides which threads are request threads (all, when none would be that has any time), sums up,
 * and fills the profile, begin and end included.  Stages are those that were added; or
 * found by assess_find_stages when none were.  ASHORE_ERR_NOMEM, ASHORE_ERR_LIMIT. */
int assess_builder_finish(struct assess_builder *b, const char *path, struct ashore_error *err);

#endif
