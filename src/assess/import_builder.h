/* A profile put together from intervals: what one thread did, from when to when, on which stack.
 *
 * Functions and stacks are interned.  Nothing is checked for memory at each call: whoever adds goes
 * on, and finishing reports it. */
#ifndef ASH_ASSESS_IMPORT_BUILDER_H
#define ASH_ASSESS_IMPORT_BUILDER_H

#include "import_classify.h"
#include "profile.h"

enum {
    ASSESS_DEEPEST = 512, /* frames of a stack that are kept, the innermost ones */
    ASSESS_NO_FUNCTION = -1
};

struct assess_builder {
    struct assess_pool *pool; /* of the profile */
    const struct assess_rules *rules;
    struct assess_profile *profile;
    struct assess_function *functions;
    size_t function_count, function_room;
    const char **paths; /* as many; whole, where the functions' places are short */
    size_t path_room;
    struct assess_class *classes; /* as many */
    size_t class_room;
    struct assess_stack *stacks;
    size_t stack_count, stack_room;
    struct assess_span *spans; /* pid: index into threads, until it is finished */
    size_t span_count, span_room;
    struct assess_builder_thread *threads;
    size_t thread_count, thread_room;
    struct assess_stage *stages;
    size_t stage_count, stage_room;
    const char **notes;
    size_t note_count, note_room;
    struct assess_builder_table {
        uint32_t *slots; /* index + 1; 0: free */
        size_t room;
    } function_table, stack_table;
    size_t frames_held; /* of all stacks */
    bool failed;        /* no memory, or too many of something */
    const char *too_many;
};

enum assess_role { ASSESS_ROLE_AUTO, ASSESS_ROLE_REQUEST, ASSESS_ROLE_WORKER };

struct assess_builder_thread {
    uint32_t pid, tid;
    const char *name;
    enum assess_role role;
    bool has_python;
    double seconds[ASSESS_BUCKETS];
    uint32_t last_span; /* index + 1; 0: none yet */
    uint32_t longest;   /* the same */
};

void assess_builder_init(struct assess_builder *b, const struct assess_rules *rules,
                         struct assess_pool *pool, struct assess_profile *profile);
void assess_builder_deinit(struct assess_builder *b);

/* Index of the function, or ASSESS_NO_FUNCTION when there is no memory. */
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

/* Adds to the stage that this function stands for. */
void assess_builder_stage(struct assess_builder *b, int32_t function, enum assess_bucket bucket,
                          double seconds);

void assess_builder_note(struct assess_builder *b, const char *fmt, ...) ASSESS_PRINTF(2, 3);

/* Decides which threads are request threads, sums up, and fills the profile, begin and end
 * included.  Of threads whose role is left open those count that run Python and do more than wait
 * (1 % of their time at least); when no thread does, all.  ASHORE_ERR_NOMEM, ASHORE_ERR_LIMIT. */
int assess_builder_finish(struct assess_builder *b, const char *path, struct ashore_error *err);

#endif
