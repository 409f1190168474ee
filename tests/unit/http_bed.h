/* An HTTP server inside a test: raw sockets, one thread per connection, behaviour by callback. */
#ifndef HTTP_BED_H
#define HTTP_BED_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct bed;
/* Serves one connection, and returns when that is over; the socket is closed after it. */
typedef void bed_fn(struct bed *bed, int fd);

struct bed_connection {
    struct bed *bed;
    int fd;
    pthread_t thread;
};

enum { BED_MOST = 4096 };

struct bed {
    bed_fn *serve;
    char url[160], path[40]; /* path: a Unix socket's */
    int listener;
    pthread_t acceptor;
    atomic_bool ending;
    atomic_int requests, under_way, most_under_way;
    atomic_int connection_count;
    struct bed_connection connections[BED_MOST];
    /* For servers with one worker, and those that stall. */
    pthread_mutex_t worker;
    double service, stall_begin, stall_end; /* s */
    int stall_at;                           /* the request that stalls, from 1; 0: none */
    double stall;
    int together; /* answers wait until so many requests are under way */
    int tally[8];
};

static inline double bed_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void bed_sleep(double seconds) {
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) continue;
}

static inline bool bed_send(int fd, const char *bytes, size_t size) {
    while (size) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static inline bool bed_say(int fd, const char *text) { return bed_send(fd, text, strlen(text)); }

/* Reads one request; first: its body's first byte, or 0.  False: the client is gone. */
static inline bool bed_read(struct bed *bed, int fd, char *first) {
    char head[4096];
    size_t size = 0;
    const char *end = NULL;
    while (!end && size < sizeof head - 1) {
        ssize_t n = recv(fd, head + size, sizeof head - 1 - size, 0);
        if (n <= 0) return false;
        size += (size_t)n;
        head[size] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (!end) return false;
    const char *length = strstr(head, "Content-Length: ");
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0,
           have = size - (size_t)(end + 4 - head);
    *first = have ? end[4] : 0;
    while (have < body) {
        char more[4096];
        ssize_t n = recv(fd, more, sizeof more, 0);
        if (n <= 0) return false;
        if (have == 0) *first = more[0];
        have += (size_t)n;
    }
    atomic_fetch_add(&bed->requests, 1);
    int now = atomic_fetch_add(&bed->under_way, 1) + 1, most = atomic_load(&bed->most_under_way);
    while (now > most && !atomic_compare_exchange_weak(&bed->most_under_way, &most, now)) continue;
    return true;
}

static inline void *bed_run_connection(void *with) {
    struct bed_connection *c = with;
    c->bed->serve(c->bed, c->fd);
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static inline void *bed_accept(void *with) {
    struct bed *bed = with;
    while (bed->connection_count < BED_MOST) {
        int fd = accept(bed->listener, NULL, NULL);
        if (fd < 0) break;
        struct bed_connection *c = &bed->connections[bed->connection_count];
        *c = (struct bed_connection){.bed = bed, .fd = fd};
        if (pthread_create(&c->thread, NULL, bed_run_connection, c) != 0) {
            close(fd);
            break;
        }
        bed->connection_count++;
    }
    return NULL;
}

static inline void bed_listen(struct bed *bed, const struct sockaddr *address, socklen_t size) {
    bed->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bed->listener < 0) return;
    setsockopt(bed->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(bed->listener, address, size) != 0 || listen(bed->listener, 1024) != 0) {
        close(bed->listener);
        bed->listener = -1;
    }
}

/* port 0: any.  NULL: the machine does not have that kind of address. */
static inline struct bed *bed_start(bed_fn *serve, int family, unsigned port) {
    struct bed *bed = calloc(1, sizeof *bed);
    if (!bed) return NULL;
    bed->serve = serve;
    bed->service = 0.005;
    pthread_mutex_init(&bed->worker, NULL);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    if (family == AF_INET) bed_listen(bed, (struct sockaddr *)&v4, sizeof v4);
    if (family == AF_INET6) bed_listen(bed, (struct sockaddr *)&v6, sizeof v6);
    if (family == AF_UNIX) {
        snprintf(bed->path, sizeof bed->path, "/tmp/bed.%d", (int)getpid());
        unlink(bed->path);
        memcpy(local.sun_path, bed->path, sizeof bed->path);
        bed_listen(bed, (struct sockaddr *)&local, sizeof local);
        snprintf(bed->url, sizeof bed->url, "http+unix://%%2Ftmp%%2Fbed.%d/x?y=1", (int)getpid());
    }
    struct sockaddr_in6 got;
    socklen_t size = sizeof got;
    if (bed->listener < 0 || getsockname(bed->listener, (struct sockaddr *)&got, &size) != 0 ||
        pthread_create(&bed->acceptor, NULL, bed_accept, bed) != 0) {
        free(bed);
        return NULL;
    }
    if (family != AF_UNIX) /* both families have the port in the same place */
        snprintf(bed->url, sizeof bed->url, "http://%s:%u/x?y=1",
                 family == AF_INET ? "127.0.0.1" : "[::1]", ntohs(got.sin6_port));
    return bed;
}

/* Ends all threads; what they wrote may be read after it. */
static inline void bed_end(struct bed *bed) {
    if (atomic_exchange(&bed->ending, true)) return;
    shutdown(bed->listener, SHUT_RDWR);
    pthread_join(bed->acceptor, NULL);
    for (int i = 0; i < bed->connection_count; i++) {
        shutdown(bed->connections[i].fd, SHUT_RDWR);
        pthread_join(bed->connections[i].thread, NULL);
        close(bed->connections[i].fd);
    }
    close(bed->listener);
    if (bed->path[0]) unlink(bed->path);
}

static inline void bed_stop(struct bed *bed) {
    if (!bed) return;
    bed_end(bed);
    pthread_mutex_destroy(&bed->worker);
    free(bed);
}

#endif
