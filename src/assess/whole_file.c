#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const char *path, struct ashore_error *err) {
    return assess_fail(err, ASHORE_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

/* false, with errno, when not all of it could be written. */
static bool write_all(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size < SSIZE_MAX ? size : SSIZE_MAX);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) {
            errno = ENOSPC;
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static int write_directly(const char *path, const void *bytes, size_t size,
                          struct ashore_error *err) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return cannot_write(path, err);
    bool written = write_all(fd, bytes, size);
    int why = errno;
    if (close(fd) != 0 && written) {
        written = false;
        why = errno;
    }
    errno = why;
    return written ? ASHORE_OK : cannot_write(path, err);
}

/* A new file in target's folder, whose name is written to `name`. */
static int open_beside(const char *target, char *name, size_t room) {
    const char *slash = strrchr(target, '/');
    int folder = slash ? (int)(slash + 1 - target) : 0;
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        int n = snprintf(name, room, "%.*s.%.100s.%ld.%u.part", folder, target, target + folder,
                         (long)getpid(), attempt);
        if (n < 0 || (size_t)n >= room) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

int assess_write_file(const char *path, const void *bytes, size_t size, struct ashore_error *err) {
    char target[PATH_MAX], temporary[PATH_MAX];
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
        return assess_fail(err, ASHORE_ERR_IO, "%s: cannot write: it is a folder", path);
    }
    if (there && !S_ISREG(st.st_mode)) return write_directly(path, bytes, size, err);
    /* What a link leads to is replaced, not the link. */
    if (there ? !realpath(path, target)
              : (size_t)snprintf(target, sizeof target, "%s", path) >= sizeof target) {
        if (!there) errno = ENAMETOOLONG;
        return cannot_write(path, err);
    }
    int fd = open_beside(target, temporary, sizeof temporary);
    if (fd < 0) return cannot_write(path, err);
    if (there) (void)!fchmod(fd, st.st_mode & 0777);
    bool written = write_all(fd, bytes, size) && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && written) {
        written = false;
        why = errno;
    }
    if (written && rename(temporary, target) != 0) {
        written = false;
        why = errno;
    }
    if (written) return ASHORE_OK;
    unlink(temporary);
    errno = why;
    return cannot_write(path, err);
}
