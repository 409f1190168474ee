#include "sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, ARGUMENTS = 8192 };

static uint8_t *buffer;
static size_t used;
static int file = -1;

bool sampler_writer_good(void) { return file >= 0; }

void sampler_writer_forget(void) {
    file = -1;
    used = 0;
}

static void drop(void) {
    sampler_close(file);
    sampler_writer_forget();
}

/* A write that was cut short (no space, a limit) leaves half a record, which readers expect at the
 * end of a file alone: nothing may follow. */
void sampler_writer_flush(void) {
    size_t done = 0;
    while (file >= 0 && done < used) {
        ssize_t n = syscall(SYS_write, file, buffer + done, used - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            drop();
    }
    used = 0;
}

static void put(const void *bytes, size_t size) {
    if (size) memcpy(buffer + used, bytes, size);
    used += size;
}

void sampler_write(uint32_t kind, const void *a, size_t a_size, const void *b, size_t b_size) {
    size_t size = a_size + b_size;
    struct assess_record record = {kind, (uint32_t)size};
    if (size > BUFFER - sizeof record) return;
    if (used + sizeof record + size > BUFFER) sampler_writer_flush();
    if (file < 0) return;
    put(&record, sizeof record);
    put(a, a_size);
    put(b, b_size);
}

void sampler_note(const char *text) { sampler_write(ASSESS_REC_NOTE, text, strlen(text), NULL, 0); }

bool sampler_writer_open(const char *folder, int64_t start, uint32_t hz) {
    char path[4096], arguments[ARGUMENTS];
    if (!buffer) buffer = sampler_pages(BUFFER);
    int n =
        snprintf(path, sizeof path, "%s/trace.%ld.%lld", folder, (long)getpid(), (long long)start);
    if (!buffer || n <= 0 || n >= (int)sizeof path) return false;
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return false;
    int from = sampler_open_at(AT_FDCWD, "/proc/self/cmdline");
    ssize_t length = from < 0 ? 0 : sampler_file_read(from, arguments, sizeof arguments);
    sampler_close(from);
    if (length < 0) length = 0;
    if (length > 0 && arguments[length - 1] == 0) length--; /* joined, not ended, by NUL */
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    struct assess_rec_start record = {
        .magic = ASSESS_TRACE_MAGIC,
        .time = start,
        .wall_time = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec,
        .pid = (uint32_t)getpid(),
        .parent = (uint32_t)getppid(),
        .hz = hz,
        .argv_size = (uint32_t)length,
    };
    sampler_write(ASSESS_REC_START, &record, sizeof record, arguments, (size_t)length);
    sampler_writer_flush();
    return true;
}

void sampler_writer_close(void) {
    sampler_writer_flush();
    drop();
}
