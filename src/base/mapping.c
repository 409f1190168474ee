#if !defined(_GNU_SOURCE)
#    define _GNU_SOURCE /* madvise */
#endif

#include "base/mapping.h"

#include "base/error.h"
#include "base/heap.h"

#include <stdint.h>

#if defined(ASH_NO_FILES)

int ash_mapping_init(struct ash_mapping *m, struct ash_heap *heap, const char *path,
                     struct ashore_error *err) {
    *m = (struct ash_mapping){.heap = heap};
    return ash_fail(err, ASHORE_ERR_IO, "%s: this build reads no files", path);
}

void ash_mapping_deinit(struct ash_mapping *m) { *m = (struct ash_mapping){.heap = m->heap}; }

void ash_mapping_release(const struct ash_mapping *m, const void *start, size_t size) {
    (void)m;
    (void)start;
    (void)size;
}

#else

#    include <errno.h>
#    include <fcntl.h>
#    include <string.h>
#    include <sys/stat.h>
#    include <unistd.h>

#    if !defined(__wasm__)
#        include <sys/mman.h>
#    endif

/* Most that is read from what has no size of its own, such as a pipe. */
enum { READ_FIRST = 65536, READ_MAX = 1 << 30 };

static int fail_errno(struct ashore_error *err, const char *path) {
    return ash_fail(err, ASHORE_ERR_IO, "%s: %s", path, strerror(errno));
}

static int read_all(struct ash_mapping *m, int fd, const char *path, size_t expected,
                    struct ashore_error *err) {
    size_t room = expected != 0 ? expected : READ_FIRST, fill = 0;
    unsigned char *block = ash_alloc(m->heap, room);
    if (block == NULL) return ash_fail_nomem(err, room);
    int rc = ASHORE_OK;
    while (fill < room) {
        ssize_t n = read(fd, block + fill, room - fill);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = fail_errno(err, path);
        if (n <= 0) break;
        fill += (size_t)n;
        if (fill < room || fill == expected) continue;
        void *more = room < READ_MAX ? ash_resize(m->heap, block, room, 2 * room) : NULL;
        if (more == NULL) {
            rc = ash_fail_nomem(err, (uint64_t)room * 2);
            break;
        }
        block = more;
        room *= 2;
    }
    if (rc == ASHORE_OK && fill != 0 && fill < room) {
        void *less = ash_resize(m->heap, block, room, fill);
        if (less != NULL) {
            block = less;
            room = fill;
        }
    }
    /* The block is given back by its size, so one that could not be cut is not kept. */
    if (rc == ASHORE_OK && fill != 0 && fill < room) rc = ash_fail_nomem(err, fill);
    if (rc != ASHORE_OK || fill == 0) {
        ash_free(m->heap, block, room);
        return rc;
    }
    m->data = block;
    m->size = fill;
    return ASHORE_OK;
}

static int map_or_read(struct ash_mapping *m, int fd, const char *path, struct ashore_error *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_errno(err, path);
    if (S_ISDIR(st.st_mode)) return ash_fail(err, ASHORE_ERR_IO, "%s: is a folder", path);
    uint64_t size = S_ISREG(st.st_mode) && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    ASH_FAIL_IF(size > PTRDIFF_MAX, err, LIMIT, "%s: %llu bytes are too many here", path,
                (unsigned long long)size);
#    if !defined(__wasm__)
    if (size != 0) {
        void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            m->data = data;
            m->size = (size_t)size;
            m->mapped = true;
            return ASHORE_OK;
        }
    }
#    endif
    return read_all(m, fd, path, (size_t)size, err);
}

int ash_mapping_init(struct ash_mapping *m, struct ash_heap *heap, const char *path,
                     struct ashore_error *err) {
    static const unsigned char empty[1];
    *m = (struct ash_mapping){.data = empty, .heap = heap};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(err, path);
    int rc = map_or_read(m, fd, path, err);
    (void)close(fd);
    return rc;
}

void ash_mapping_deinit(struct ash_mapping *m) {
    if (m->size != 0) {
#    if !defined(__wasm__)
        if (m->mapped) (void)munmap((void *)(uintptr_t)m->data, m->size);
#    endif
        if (!m->mapped) ash_free(m->heap, (void *)(uintptr_t)m->data, m->size);
    }
    *m = (struct ash_mapping){.heap = m->heap};
}

void ash_mapping_release(const struct ash_mapping *m, const void *start, size_t size) {
#    if !defined(__wasm__)
    if (!m->mapped) return;
    long page_size = sysconf(_SC_PAGESIZE);
    size_t page = page_size > 0 ? (size_t)page_size : 4096;
    size_t first = (size_t)((const unsigned char *)start - m->data);
    if (first > m->size || size > m->size - first) return;
    size_t end = first + size == m->size ? m->size : (first + size) & ~(page - 1);
    first = (first + page - 1) & ~(page - 1);
    if (first < end) {
        (void)madvise((void *)(uintptr_t)(m->data + first), end - first, MADV_DONTNEED);
    }
#    else
    (void)m;
    (void)start;
    (void)size;
#    endif
}

#endif
