/* Trace files as the sampler writes them, made by hand. */
#ifndef TRACE_WRITER_H
#define TRACE_WRITER_H

#include "assess/profile.h"
#include "assess/trace_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct trace_writer {
    unsigned char bytes[1 << 16];
    size_t size;
    uint32_t objects, codes, stacks;
    int64_t now;
};

static inline void put(struct trace_writer *t, const void *bytes, size_t size) {
    if (size > sizeof t->bytes - t->size) abort();
    if (size) memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
}

/* A record of a struct and what follows it. */
static inline void put_record(struct trace_writer *t, uint32_t kind, const void *head,
                              size_t head_size, const void *rest, size_t rest_size) {
    struct assess_record record = {kind, (uint32_t)(head_size + rest_size)};
    put(t, &record, sizeof record);
    put(t, head, head_size);
    put(t, rest, rest_size);
}

enum { WRITER_PID = 100, WRITER_HZ = 100 };
static const int64_t WRITER_START = INT64_C(1000000000);

static inline void put_start(struct trace_writer *t, uint32_t pid) {
    static const char argv[] = "python\0app.py";
    struct assess_rec_start start = {.magic = ASSESS_TRACE_MAGIC,
                                     .time = WRITER_START,
                                     .pid = pid,
                                     .parent = 1,
                                     .hz = WRITER_HZ,
                                     .argv_size = sizeof argv};
    put_record(t, ASSESS_REC_START, &start, sizeof start, argv, sizeof argv);
    t->now = WRITER_START;
}

static inline void put_python(struct trace_writer *t) {
    struct assess_rec_python python = {.version = 0x030b02f0};
    put_record(t, ASSESS_REC_PYTHON, &python, sizeof python, NULL, 0);
}

static inline uint32_t put_object(struct trace_writer *t, uint64_t low, const char *path,
                                  uint32_t flags) {
    struct assess_rec_object object = {.id = t->objects,
                                       .flags = flags,
                                       .low = low,
                                       .high = low + 0x1000,
                                       .bias = low,
                                       .path_size = (uint32_t)strlen(path)};
    put_record(t, ASSESS_REC_OBJECT, &object, sizeof object, path, strlen(path));
    return t->objects++;
}

static inline void put_entry(struct trace_writer *t, uint64_t low, const char *name) {
    struct assess_rec_entry entry = {
        .low = low, .high = low + 0x100, .name_size = (uint32_t)strlen(name)};
    put_record(t, ASSESS_REC_ENTRY, &entry, sizeof entry, name, strlen(name));
}

static inline uint32_t put_code(struct trace_writer *t, const char *file, const char *name) {
    char text[512];
    struct assess_rec_code code = {.id = t->codes,
                                   .first_line = 1,
                                   .file_size = (uint32_t)strlen(file),
                                   .name_size = (uint32_t)strlen(name)};
    int n = snprintf(text, sizeof text, "%s%s", file, name);
    put_record(t, ASSESS_REC_CODE, &code, sizeof code, text, (size_t)n);
    return t->codes++;
}

/* Leaf first; both lists end with a count. */
static inline uint32_t put_stack(struct trace_writer *t, const uint32_t *codes, size_t py_count,
                                 const uint64_t *native, size_t native_count, uint32_t flags) {
    uint64_t frames[64];
    struct assess_rec_stack stack = {.id = t->stacks,
                                     .py_count = (uint16_t)py_count,
                                     .native_count = (uint16_t)native_count,
                                     .flags = flags};
    if (py_count + native_count > 64) abort();
    for (size_t i = 0; i < py_count; i++) {
        struct assess_py_frame frame = {codes[i], 1};
        memcpy(&frames[i], &frame, sizeof frame);
    }
    for (size_t i = 0; i < native_count; i++) frames[py_count + i] = native[i];
    put_record(t, ASSESS_REC_STACK, &stack, sizeof stack, frames,
               (py_count + native_count) * sizeof *frames);
    return t->stacks++;
}

/* One of 10 ms, at the writer's present time. */
static inline void put_sample(struct trace_writer *t, uint32_t tid, uint32_t stack, int call,
                              unsigned flags, unsigned in_flight) {
    struct assess_rec_sample sample = {.time = t->now,
                                       .weight = 10000000,
                                       .tid = tid,
                                       .stack = stack,
                                       .syscall = (int16_t)call,
                                       .flags = (uint16_t)flags,
                                       .args = {1, 1},
                                       .in_flight = (uint16_t)in_flight};
    put_record(t, ASSESS_REC_SAMPLE, &sample, sizeof sample, NULL, 0);
}

static inline void tick(struct trace_writer *t) { t->now += 10000000; }

static inline void put_end(struct trace_writer *t) {
    struct assess_rec_end end = {.time = t->now, .sampler_cpu = 5000000, .ticks = 100};
    put_record(t, ASSESS_REC_END, &end, sizeof end, NULL, 0);
}

/* ---- folders -------------------------------------------------------------------------------- */

static inline void make_folder(char path[64]) {
    /* Tests rewrite small files thousands of times: in memory where that is possible. */
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, 64, "%s/assess_trace_XXXXXX", root);
    if (!mkdtemp(path)) abort();
}

static inline void trace_path(char path[128], const char *folder, unsigned pid) {
    snprintf(path, 128, "%s/trace.%u.1000000000", folder, pid);
}

static inline void write_file(const char *folder, unsigned pid, const void *bytes, size_t size) {
    char path[128];
    trace_path(path, folder, pid);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) abort();
}

static inline void drop_folder(const char *folder, const unsigned *pids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char path[128];
        trace_path(path, folder, pids[i]);
        unlink(path);
    }
    rmdir(folder);
}

#endif
