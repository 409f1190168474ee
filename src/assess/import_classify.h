/* Which bucket a stack of another profiler belongs to, by the names of its frames alone.
 *
 * Such a file says where a thread was, not whether it was on the processor.  Waiting is recognised
 * by names: system calls and locks of native frames, functions of the standard library that wait
 * of Python frames.  Sleeping counts as io: which request waits for it, the file does not say. */
#ifndef ASH_ASSESS_IMPORT_CLASSIFY_H
#define ASH_ASSESS_IMPORT_CLASSIFY_H

#include "rules.h"

/* A function as a file names it. */
struct assess_named {
    const char *name;
    const char *path; /* of the source file, or of the object; "" when it is not known */
    uint32_t line;    /* 0: not known, or not a part of what the function is called */
    bool python;
    bool whole_path; /* the path is a place already: it is shown as it is */
};

/* What is known of a frame by itself. */
struct assess_class {
    uint8_t kind; /* private to import_classify.c */
    uint8_t rule; /* bucket by the rules; ASSESS_BUCKETS: none applies */
    uint8_t wait; /* bucket of what it waits for; ASSESS_BUCKETS: it does not wait */
};
struct assess_class assess_classify_frame(const struct assess_rules *rules,
                                          const struct assess_named *named);

/* frames: [depth] root first, indices into classes. */
enum assess_bucket assess_classify_frames(const struct assess_class *classes, const int32_t *frames,
                                          size_t depth);

/* Whether this is source in Python, by its name; has_line: a line is known, which a program without
 * an extension (/usr/bin/gunicorn) has and an object has not. */
bool assess_is_python_file(const char *path, bool has_line);

/* The last part of a path, with slashes of either kind. */
const char *assess_base_name(const char *path);

#endif
