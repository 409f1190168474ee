/* Reads one trace file, record by record: the end of untrusted bytes.
 *
 * Whatever comes out refers to what exists: a sample's stack is UINT32_MAX or an index into stacks,
 * a frame's code an index into codes.  Memory is proportional to the records that define something;
 * samples are handed out one at a time.  A last record that is cut short ends the trace like the
 * file's end.  Everything is in memory of the pool that was given. */
#ifndef ASH_ASSESS_TRACE_READER_H
#define ASH_ASSESS_TRACE_READER_H

#include "assess_base.h"
#include "trace_format.h"

struct assess_trace_object {
    uint64_t low, high, bias;
    uint32_t flags;
    const char *path, *base; /* base: the path's last component */
};

struct assess_trace_entry {
    uint64_t low, high;
    const char *name;
};

struct assess_trace_code {
    const char *file, *name;
    uint32_t first_line;
};

struct assess_trace_thread {
    uint32_t tid;
    const char *name;
};

struct assess_trace_stack {
    const struct assess_py_frame *py; /* [py_count], leaf first */
    const uint64_t *native;           /* [native_count], leaf first */
    uint16_t py_count, native_count;
    uint32_t flags;
};

struct assess_trace {
    const char *path;
    bool started; /* START was read: without it the file is empty, or cut within it */
    struct assess_rec_start start;
    const char *command; /* argv, joined by spaces */
    bool has_python;
    struct assess_rec_python python;
    bool has_end;
    struct assess_rec_end end;
    struct assess_trace_object *objects;
    size_t object_count;
    struct assess_trace_entry *entries;
    size_t entry_count;
    struct assess_trace_code *codes;
    size_t code_count;
    struct assess_trace_thread *threads; /* a tid may occur again: the later name holds */
    size_t thread_count;
    struct assess_trace_stack *stacks;
    size_t stack_count;
    const char **notes;
    size_t note_count;
    /* The reader's own. */
    struct assess_pool *pool;
    FILE *file;
    uint64_t offset,
        valid;  /* of the record to be read next; of the end, once it has been reached */
    bool again; /* not the first pass: definitions are known */
    size_t object_room, entry_room, code_room, thread_room, stack_room, note_room;
    unsigned char *payload;
    size_t payload_room;
};

/* path has to last as long as the trace.  ASHORE_ERR_IO; ASHORE_ERR_FORMAT: no regular file.
 * assess_trace_close may be called whatever came of it. */
int assess_trace_open(const char *path, struct assess_pool *pool, struct assess_trace *trace,
                      struct ashore_error *err);
/* 1: *sample is the next one; 0: there are no more.  ASHORE_ERR_FORMAT names file and offset. */
int assess_trace_next(struct assess_trace *trace, struct assess_rec_sample *sample,
                      struct ashore_error *err);
/* Starts over, up to where the first pass came; samples alone are read again. */
int assess_trace_rewind(struct assess_trace *trace, struct ashore_error *err);
/* Frees what is not the pool's; the tables are gone after it. */
void assess_trace_close(struct assess_trace *trace);

#endif
