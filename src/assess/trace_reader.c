#include "trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest record there can be is a stack of 65,535 frames of both kinds. */
enum { PAYLOAD_MOST = sizeof(struct assess_rec_stack) + 2 * 65535 * 8 };

static int damaged(const struct assess_trace *t, const char *what, struct ashore_error *err) {
    return assess_fail(err, ASHORE_ERR_FORMAT, "%s: damaged at byte %llu: %s", t->path,
                       (unsigned long long)t->offset, what);
}

static int no_memory(const struct assess_trace *t, struct ashore_error *err) {
    return assess_fail(err, ASHORE_ERR_NOMEM, "%s: out of memory", t->path);
}

static int open_file(struct assess_trace *t, struct ashore_error *err) {
    if (t->file) fclose(t->file);
    t->file = NULL;
    /* The folder is the profiled program's: no links, and nothing that blocks when opened. */
    int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return assess_fail(err, ASHORE_ERR_IO, "%s: %s", t->path, strerror(errno));
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return assess_fail(err, ASHORE_ERR_FORMAT, "%s: not a regular file", t->path);
    }
    t->file = fdopen(fd, "rb");
    if (t->file) return ASHORE_OK;
    close(fd);
    return no_memory(t, err);
}

int assess_trace_open(const char *path, struct assess_pool *pool, struct assess_trace *trace,
                      struct ashore_error *err) {
    *trace = (struct assess_trace){.path = path, .pool = pool, .valid = UINT64_MAX};
    return open_file(trace, err);
}

void assess_trace_close(struct assess_trace *t) {
    if (t->file) fclose(t->file);
    assess_realloc(t->objects, 0);
    assess_realloc(t->entries, 0);
    assess_realloc(t->codes, 0);
    assess_realloc(t->threads, 0);
    assess_realloc(t->stacks, 0);
    assess_realloc(t->notes, 0);
    assess_realloc(t->payload, 0);
    *t = (struct assess_trace){0};
}

int assess_trace_rewind(struct assess_trace *t, struct ashore_error *err) {
    ASSESS_TRY(open_file(t, err));
    if (t->valid > t->offset) t->valid = t->offset;
    t->offset = 0;
    t->again = true;
    return ASHORE_OK;
}

/* ---- payloads ------------------------------------------------------------------------------- */

/* What a payload begins with, and where its rest lies. */
struct span {
    const unsigned char *bytes;
    size_t size;
};

static bool take(struct span *from, void *to, size_t size) {
    if (from->size < size) return false;
    memcpy(to, from->bytes, size);
    from->bytes += size;
    from->size -= size;
    return true;
}

/* A text of that length, which ends at its first NUL if it has one; NULL without memory. */
static const char *take_text(struct assess_trace *t, struct span *from, size_t size) {
    const char *text = assess_copy_text(t->pool, (const char *)from->bytes, size);
    from->bytes += size;
    from->size -= size;
    return text;
}

static int read_start(struct assess_trace *t, struct span s, struct ashore_error *err) {
    if (!take(&s, &t->start, sizeof t->start) || t->start.argv_size != s.size) {
        return damaged(t, "a start of the wrong size", err);
    }
    if (t->start.magic != ASSESS_TRACE_MAGIC) {
        return damaged(t, "not a trace of this version", err);
    }
    char *command = assess_copy_text(t->pool, (const char *)s.bytes, s.size);
    if (!command) return no_memory(t, err);
    size_t length = s.size;
    while (length && command[length - 1] == '\0') length--;
    for (size_t i = 0; i < length; i++) {
        if (command[i] == '\0') command[i] = ' ';
    }
    t->command = command;
    t->started = true;
    return ASHORE_OK;
}

static int read_python(struct assess_trace *t, struct span s, struct ashore_error *err) {
    if (s.size != sizeof t->python) return damaged(t, "an interpreter of the wrong size", err);
    take(&s, &t->python, sizeof t->python);
    t->has_python = true;
    return ASHORE_OK;
}

static int read_object(struct assess_trace *t, struct span s, struct ashore_error *err) {
    struct assess_rec_object rec;
    if (!take(&s, &rec, sizeof rec) || rec.path_size != s.size) {
        return damaged(t, "an object of the wrong size", err);
    }
    if (rec.id != t->object_count) return damaged(t, "an object out of order", err);
    if (!assess_grow((void **)&t->objects, t->object_count, &t->object_room, sizeof *t->objects)) {
        return no_memory(t, err);
    }
    const char *path = take_text(t, &s, rec.path_size);
    if (!path) return no_memory(t, err);
    const char *slash = strrchr(path, '/');
    t->objects[t->object_count++] = (struct assess_trace_object){
        rec.low, rec.high, rec.bias, rec.flags, path, slash ? slash + 1 : path};
    return ASHORE_OK;
}

static int read_entry(struct assess_trace *t, struct span s, struct ashore_error *err) {
    struct assess_rec_entry rec;
    if (!take(&s, &rec, sizeof rec) || rec.name_size != s.size) {
        return damaged(t, "an entry of the wrong size", err);
    }
    if (!assess_grow((void **)&t->entries, t->entry_count, &t->entry_room, sizeof *t->entries)) {
        return no_memory(t, err);
    }
    const char *name = take_text(t, &s, rec.name_size);
    if (!name) return no_memory(t, err);
    t->entries[t->entry_count++] = (struct assess_trace_entry){rec.low, rec.high, name};
    return ASHORE_OK;
}

static int read_code(struct assess_trace *t, struct span s, struct ashore_error *err) {
    struct assess_rec_code rec;
    if (!take(&s, &rec, sizeof rec) || (uint64_t)rec.file_size + rec.name_size != s.size) {
        return damaged(t, "a code of the wrong size", err);
    }
    if (rec.id != t->code_count) return damaged(t, "a code out of order", err);
    if (!assess_grow((void **)&t->codes, t->code_count, &t->code_room, sizeof *t->codes)) {
        return no_memory(t, err);
    }
    const char *file = take_text(t, &s, rec.file_size);
    const char *name = take_text(t, &s, rec.name_size);
    if (!file || !name) return no_memory(t, err);
    t->codes[t->code_count++] = (struct assess_trace_code){file, name, rec.first_line};
    return ASHORE_OK;
}

static int read_thread(struct assess_trace *t, struct span s, struct ashore_error *err) {
    struct assess_rec_thread rec;
    if (!take(&s, &rec, sizeof rec) || rec.name_size != s.size) {
        return damaged(t, "a thread of the wrong size", err);
    }
    if (!assess_grow((void **)&t->threads, t->thread_count, &t->thread_room, sizeof *t->threads)) {
        return no_memory(t, err);
    }
    const char *name = take_text(t, &s, rec.name_size);
    if (!name) return no_memory(t, err);
    t->threads[t->thread_count++] = (struct assess_trace_thread){rec.tid, name};
    return ASHORE_OK;
}

static int read_stack(struct assess_trace *t, struct span s, struct ashore_error *err) {
    struct assess_rec_stack rec;
    if (!take(&s, &rec, sizeof rec)) return damaged(t, "a stack of the wrong size", err);
    size_t py_size = rec.py_count * sizeof(struct assess_py_frame);
    size_t native_size = rec.native_count * sizeof(uint64_t);
    if (py_size + native_size != s.size) return damaged(t, "a stack of the wrong size", err);
    if (rec.id != t->stack_count) return damaged(t, "a stack out of order", err);
    if (!assess_grow((void **)&t->stacks, t->stack_count, &t->stack_room, sizeof *t->stacks)) {
        return no_memory(t, err);
    }
    struct assess_py_frame *py = assess_alloc(t->pool, py_size + native_size);
    if (!py) return no_memory(t, err);
    memcpy(py, s.bytes, s.size); /* both kinds of frame are 8 bytes and aligned alike */
    for (size_t i = 0; i < rec.py_count; i++) {
        if (py[i].code >= t->code_count) return damaged(t, "a frame of no code", err);
    }
    t->stacks[t->stack_count++] =
        (struct assess_trace_stack){py, (const uint64_t *)(const void *)(py + rec.py_count),
                                    rec.py_count, rec.native_count, rec.flags};
    return ASHORE_OK;
}

static int read_sample(struct assess_trace *t, struct span s, struct assess_rec_sample *sample,
                       struct ashore_error *err) {
    if (s.size != sizeof *sample) return damaged(t, "a sample of the wrong size", err);
    take(&s, sample, sizeof *sample);
    if (sample->time < 0 || sample->time > INT64_MAX / 4) {
        return damaged(t, "a sample at no possible time", err);
    }
    if (sample->stack != UINT32_MAX && sample->stack >= t->stack_count) {
        return damaged(t, "a sample of no stack", err);
    }
    return 1;
}

static int read_note(struct assess_trace *t, struct span s, struct ashore_error *err) {
    if (!assess_grow((void **)&t->notes, t->note_count, &t->note_room, sizeof *t->notes)) {
        return no_memory(t, err);
    }
    const char *text = take_text(t, &s, s.size);
    if (!text) return no_memory(t, err);
    t->notes[t->note_count++] = text;
    return ASHORE_OK;
}

static int read_end(struct assess_trace *t, struct span s, struct ashore_error *err) {
    if (s.size != sizeof t->end) return damaged(t, "an end of the wrong size", err);
    take(&s, &t->end, sizeof t->end);
    t->has_end = true;
    return ASHORE_OK;
}

static int read_definition(struct assess_trace *t, uint32_t kind, struct span s,
                           struct ashore_error *err) {
    if ((kind == ASSESS_REC_START) == t->started) {
        return damaged(t, t->started ? "a second start" : "no start", err);
    }
    switch (kind) {
    case ASSESS_REC_START:
        return read_start(t, s, err);
    case ASSESS_REC_PYTHON:
        return read_python(t, s, err);
    case ASSESS_REC_OBJECT:
        return read_object(t, s, err);
    case ASSESS_REC_ENTRY:
        return read_entry(t, s, err);
    case ASSESS_REC_CODE:
        return read_code(t, s, err);
    case ASSESS_REC_THREAD:
        return read_thread(t, s, err);
    case ASSESS_REC_STACK:
        return read_stack(t, s, err);
    case ASSESS_REC_NOTE:
        return read_note(t, s, err);
    case ASSESS_REC_END:
        return read_end(t, s, err);
    default:
        return damaged(t, "a record of no known kind", err);
    }
}

/* ---- records -------------------------------------------------------------------------------- */

/* Reads into the payload; 0 where the file ends before. */
static int read_payload(struct assess_trace *t, size_t size, struct ashore_error *err) {
    if (size > t->payload_room) {
        unsigned char *grown = assess_realloc(t->payload, size);
        if (!grown) return no_memory(t, err);
        t->payload = grown;
        t->payload_room = size;
    }
    if (size && fread(t->payload, 1, size, t->file) != size) {
        if (ferror(t->file)) return assess_fail(err, ASHORE_ERR_IO, "%s: read error", t->path);
        return 0;
    }
    return 1;
}

/* 1: a sample; 0: something else; 2: the end. */
static int read_record(struct assess_trace *t, struct assess_rec_sample *sample,
                       struct ashore_error *err) {
    enum { OTHER = 0, END = 2 };
    struct assess_record head;
    if (t->offset >= t->valid || fread(&head, 1, sizeof head, t->file) != sizeof head) {
        if (ferror(t->file)) return assess_fail(err, ASHORE_ERR_IO, "%s: read error", t->path);
        return END;
    }
    if (head.size > PAYLOAD_MOST) return damaged(t, "a record larger than any can be", err);
    int there = read_payload(t, head.size, err);
    if (there <= 0) return there < 0 ? there : END;
    struct span s = {t->payload, head.size};
    int code = OTHER;
    if (head.kind == ASSESS_REC_SAMPLE && t->started) {
        code = read_sample(t, s, sample, err);
    } else if (!t->again) {
        code = read_definition(t, head.kind, s, err);
    }
    if (code >= 0) t->offset += sizeof head + head.size;
    return code;
}

int assess_trace_next(struct assess_trace *t, struct assess_rec_sample *sample,
                      struct ashore_error *err) {
    int code = 0;
    while (code == 0) code = read_record(t, sample, err);
    if (code == 1) return 1;
    /* Programs fork: there may be more files than a process may have open. */
    fclose(t->file);
    t->file = NULL;
    return code == 2 ? 0 : code;
}
