/* Which descriptors are accepted connections, and which of them have a request without an answer:
 * told by the calls of the C library that programs make, which this library stands in front of.
 *
 * Each costs a load by descriptor.  Counts are kept by whoever changes a descriptor's state. */
#include "sampler_next.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 65536, ACCEPTED = 1, IN_FLIGHT = 2, LISTENS = 4 };

static _Atomic uint8_t states[DESCRIPTORS];
static _Atomic int32_t in_flight;
static _Atomic bool accepted, listens;

static uint8_t state_of(int fd) {
    if ((unsigned)fd >= DESCRIPTORS) return 0;
    return atomic_load_explicit(&states[fd], memory_order_relaxed);
}

static void set_state(int fd, uint8_t state) {
    if ((unsigned)fd >= DESCRIPTORS) return;
    uint8_t old = atomic_exchange_explicit(&states[fd], state, memory_order_relaxed);
    int change = !!(state & IN_FLIGHT) - !!(old & IN_FLIGHT);
    if (change) atomic_fetch_add_explicit(&in_flight, change, memory_order_relaxed);
}

static void on_accepted(int listener, int fd) {
    if (fd < 0) return;
    sampler_notice();
    if (!(state_of(listener) & LISTENS)) set_state(listener, LISTENS);
    set_state(fd, ACCEPTED);
    atomic_store_explicit(&accepted, true, memory_order_relaxed);
    atomic_store_explicit(&listens, true, memory_order_relaxed);
}

static ssize_t on_received(int fd, ssize_t n) {
    if (n > 0 && state_of(fd) == ACCEPTED) set_state(fd, ACCEPTED | IN_FLIGHT);
    return n;
}

static ssize_t on_sent(int fd, ssize_t n) {
    if (n > 0 && (state_of(fd) & IN_FLIGHT)) set_state(fd, ACCEPTED);
    return n;
}

static void on_closed(int fd) {
    if (state_of(fd)) set_state(fd, 0);
}

uint32_t sampler_requests_in_flight(void) {
    int32_t n = atomic_load_explicit(&in_flight, memory_order_relaxed);
    return n < 0 ? 0 : (uint32_t)n;
}

bool sampler_requests_accepted(void) {
    return atomic_load_explicit(&accepted, memory_order_relaxed);
}

bool sampler_requests_served(void) { return atomic_load_explicit(&listens, memory_order_relaxed); }

/* ---- what a blocked thread waits for ---- */

static bool polls_for_request(uint64_t address, uint64_t count) {
    struct pollfd fds[64];
    if (count == 0 || count > 64 || !sampler_read(address, fds, count * sizeof *fds)) return false;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t state = state_of(fds[i].fd);
        if (state & LISTENS) return true;
        if (!(state & ACCEPTED) || (state & IN_FLIGHT)) return false;
    }
    return true;
}

static bool selects_for_request(uint64_t count, uint64_t address) {
    fd_set set;
    bool waits = false;
    if (count > FD_SETSIZE || !sampler_read(address, &set, (count + 7) / 8)) return false;
    for (int fd = 0; fd < (int)count; fd++) {
        if (!FD_ISSET(fd, &set)) continue;
        uint8_t state = state_of(fd);
        if (state & LISTENS) return true;
        if (!(state & ACCEPTED) || (state & IN_FLIGHT)) return false;
        waits = true;
    }
    return waits;
}

bool sampler_waits_for_request(long number, const uint64_t *args) {
    bool nothing_to_do = sampler_requests_served() && sampler_requests_in_flight() == 0;
    switch (number) {
    case SYS_accept:
    case SYS_accept4:
        return true;
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
        return state_of((int)args[0]) == ACCEPTED;
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
        return polls_for_request(args[0], args[1]) || nothing_to_do;
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
        return selects_for_request(args[0], args[1]) || nothing_to_do;
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
        return nothing_to_do;
    default:
        return false;
    }
}

/* Closed by a system call that was not made through the C library. */
void sampler_requests_verify(void) {
    char path[32], target[16];
    for (int fd = 0; fd < DESCRIPTORS && sampler_requests_in_flight(); fd++) {
        if (!(state_of(fd) & IN_FLIGHT)) continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof target);
        if (n < 7 || memcmp(target, "socket:", 7) != 0) on_closed(fd);
    }
}

/* ---- in front of the C library ---- */

EXPORT int listen(int fd, int backlog) {
    NEXT(int, listen, int, int);
    int result = next(fd, backlog);
    if (result == 0) {
        sampler_notice();
        set_state(fd, LISTENS);
        atomic_store_explicit(&listens, true, memory_order_relaxed);
    }
    return result;
}

EXPORT int accept(int fd, __SOCKADDR_ARG address, socklen_t *restrict size) {
    NEXT(int, accept, int, __SOCKADDR_ARG, socklen_t *);
    int result = next(fd, address, size);
    on_accepted(fd, result);
    return result;
}

EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags) {
    NEXT(int, accept4, int, __SOCKADDR_ARG, socklen_t *, int);
    int result = next(fd, address, size, flags);
    on_accepted(fd, result);
    return result;
}

EXPORT ssize_t recv(int fd, void *to, size_t size, int flags) {
    NEXT(ssize_t, recv, int, void *, size_t, int);
    ssize_t n = next(fd, to, size, flags);
    return flags & MSG_PEEK ? n : on_received(fd, n);
}

EXPORT ssize_t recvfrom(int fd, void *restrict to, size_t size, int flags, __SOCKADDR_ARG address,
                        socklen_t *restrict address_size) {
    NEXT(ssize_t, recvfrom, int, void *, size_t, int, __SOCKADDR_ARG, socklen_t *);
    return on_received(fd, next(fd, to, size, flags, address, address_size));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    NEXT(ssize_t, recvmsg, int, struct msghdr *, int);
    return on_received(fd, next(fd, message, flags));
}

EXPORT ssize_t read(int fd, void *to, size_t size) {
    NEXT(ssize_t, read, int, void *, size_t);
    return on_received(fd, next(fd, to, size));
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count) {
    NEXT(ssize_t, readv, int, const struct iovec *, int);
    return on_received(fd, next(fd, parts, count));
}

/* What _FORTIFY_SOURCE makes of the above. */
EXPORT ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags);
EXPORT ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags) {
    NEXT(ssize_t, __recv_chk, int, void *, size_t, size_t, int);
    return on_received(fd, next(fd, to, size, room, flags));
}

EXPORT ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
                              struct sockaddr *address, socklen_t *address_size);
EXPORT ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
                              struct sockaddr *address, socklen_t *address_size) {
    NEXT(ssize_t, __recvfrom_chk, int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
    return on_received(fd, next(fd, to, size, room, flags, address, address_size));
}

EXPORT ssize_t __read_chk(int fd, void *to, size_t size, size_t room);
EXPORT ssize_t __read_chk(int fd, void *to, size_t size, size_t room) {
    NEXT(ssize_t, __read_chk, int, void *, size_t, size_t);
    return on_received(fd, next(fd, to, size, room));
}

EXPORT ssize_t send(int fd, const void *from, size_t size, int flags) {
    NEXT(ssize_t, send, int, const void *, size_t, int);
    return on_sent(fd, next(fd, from, size, flags));
}

EXPORT ssize_t sendto(int fd, const void *from, size_t size, int flags,
                      __CONST_SOCKADDR_ARG address, socklen_t address_size) {
    NEXT(ssize_t, sendto, int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);
    return on_sent(fd, next(fd, from, size, flags, address, address_size));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    NEXT(ssize_t, sendmsg, int, const struct msghdr *, int);
    return on_sent(fd, next(fd, message, flags));
}

EXPORT ssize_t write(int fd, const void *from, size_t size) {
    NEXT(ssize_t, write, int, const void *, size_t);
    return on_sent(fd, next(fd, from, size));
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
    NEXT(ssize_t, writev, int, const struct iovec *, int);
    return on_sent(fd, next(fd, parts, count));
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
    NEXT(ssize_t, sendfile, int, int, off_t *, size_t);
    return on_sent(to, next(to, from, offset, size));
}

EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    NEXT(ssize_t, sendfile64, int, int, off64_t *, size_t);
    return on_sent(to, next(to, from, offset, size));
}

/* Forgotten before the number can be handed out again. */
EXPORT int close(int fd) {
    NEXT(int, close, int);
    on_closed(fd);
    return next(fd);
}

EXPORT int dup2(int from, int to) {
    NEXT(int, dup2, int, int);
    int result = next(from, to);
    if (result >= 0 && from != to) set_state(to, state_of(from) & LISTENS);
    return result;
}

EXPORT int dup3(int from, int to, int flags) {
    NEXT(int, dup3, int, int, int);
    int result = next(from, to, flags);
    if (result >= 0) set_state(to, state_of(from) & LISTENS);
    return result;
}
