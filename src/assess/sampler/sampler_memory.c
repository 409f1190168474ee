#include "sampler.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pid_t own_pid;

size_t sampler_read_part(uint64_t address, void *to, size_t size) {
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    long n = syscall(SYS_process_vm_readv, own_pid, &local, 1L, &remote, 1L, 0L);
    return n < 0 ? 0 : (size_t)n;
}

bool sampler_read_many(const uint64_t *addresses, uint32_t count, void *to, size_t size) {
    struct iovec remote[SAMPLER_PY_DEPTH], local = {to, count * size};
    if (count > SAMPLER_PY_DEPTH) return false;
    for (uint32_t i = 0; i < count; i++)
        remote[i] = (struct iovec){(void *)(uintptr_t)addresses[i], size};
    long n = syscall(SYS_process_vm_readv, own_pid, &local, 1L, remote, (long)count, 0L);
    return n == (long)(count * size);
}

bool sampler_memory_open(void) {
    static const uint64_t known = 0x61736873616d706c;
    uint64_t seen = 0;
    own_pid = getpid();
    return sampler_read((uintptr_t)&known, &seen, sizeof seen) && seen == known;
}

uint64_t sampler_word(uint64_t address) {
    uint64_t word = 0;
    return sampler_read(address, &word, sizeof word) ? word : 0;
}

size_t sampler_read_text(uint64_t address, char *to, size_t room) {
    size_t n = sampler_read_part(address, to, room - 1);
    to[n] = 0;
    return strlen(to);
}

void *sampler_pages(size_t size) {
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void sampler_pages_free(void *pages, size_t size) {
    if (pages) munmap(pages, size);
}

int sampler_open_at(int folder, const char *path) {
    return (int)syscall(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC, 0);
}

ssize_t sampler_file_read(int file, void *to, size_t size) {
    return syscall(SYS_read, file, to, size);
}

void sampler_close(int file) {
    if (file >= 0) syscall(SYS_close, file);
}

int64_t sampler_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Multiplication and shifts, eight bytes at a time; never 0. */
uint64_t sampler_hash(const void *bytes, size_t size, uint64_t seed) {
    const uint8_t *p = bytes;
    uint64_t h = seed ^ (size * UINT64_C(0x9e3779b97f4a7c15));
    while (size > 0) {
        uint64_t word = 0;
        size_t n = size < 8 ? size : 8;
        memcpy(&word, p, n);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
        p += n;
        size -= n;
    }
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    h ^= h >> 29;
    return h ? h : 1;
}

uint32_t *sampler_table_at(struct sampler_table *table, uint64_t hash, bool *fresh) {
    size_t bytes = (size_t)table->room * sizeof *table->entries;
    if (!table->entries) table->entries = sampler_pages(bytes);
    if (!table->entries) return NULL;
    if (table->count > table->room - table->room / 4) {
        memset(table->entries, 0, bytes);
        table->count = 0;
    }
    uint32_t i = (uint32_t)hash & (table->room - 1);
    while (table->entries[i].hash && table->entries[i].hash != hash)
        i = (i + 1) & (table->room - 1);
    *fresh = table->entries[i].hash == 0;
    if (*fresh) {
        table->entries[i].hash = hash;
        table->count++;
    }
    return &table->entries[i].value;
}

void sampler_table_clear(struct sampler_table *table) {
    sampler_pages_free(table->entries, (size_t)table->room * sizeof *table->entries);
    table->entries = NULL;
    table->count = 0;
}
