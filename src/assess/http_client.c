#include "http_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *words_of(int os_error) {
    switch (os_error) {
    case ECONNREFUSED:
        return "connection refused";
    case ENOENT:
        return "connection refused: there is no such socket";
    case EAGAIN:
        return "connection refused: the queue of new connections is full";
    case ECONNRESET:
    case EPIPE:
        return "connection reset";
    case ETIMEDOUT:
        return "no answer to connecting";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "the host is not reachable";
    case EADDRNOTAVAIL:
        return "no local port is left for a connection";
    case EMFILE:
    case ENFILE:
        return "no file descriptor is left for a connection";
    case EACCES:
    case EPERM:
        return "connecting is not permitted";
    default:
        return "the connection failed";
    }
}

static void break_off(struct assess_client *client, const char *why, int os_error) {
    assess_client_close(client);
    client->failure = why;
    client->os_error = os_error;
}

void assess_client_close(struct assess_client *client) {
    if (client->state == ASSESS_CLIENT_CLOSED) return;
    close(client->fd);
    client->fd = -1;
    client->state = ASSESS_CLIENT_CLOSED;
}

bool assess_client_open(struct assess_client *client, const struct assess_endpoint *endpoint,
                        size_t which) {
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->addresses[which];
    client->failure = NULL;
    client->os_error = 0;
    client->head = NULL;
    client->reused = false;
    client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) {
        client->os_error = errno;
        client->failure = words_of(errno);
        return false;
    }
    client->state = ASSESS_CLIENT_CONNECTING;
    if (address->sa_family != AF_UNIX)
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(client->fd, address, endpoint->sizes[which]) == 0) {
        client->state = ASSESS_CLIENT_IDLE;
    } else if (errno != EINPROGRESS) {
        break_off(client, words_of(errno), errno);
        return false;
    }
    return true;
}

/* The digits of n, and what ends a head. */
static size_t write_length(char *out, size_t n) {
    static const char name[] = "Content-Length: ";
    memcpy(out, name, sizeof name - 1);
    char digits[24];
    size_t count = 0, at = sizeof name - 1;
    do digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (count) out[at++] = digits[--count];
    memcpy(out + at, "\r\n", 2);
    return at + 2;
}

void assess_client_begin(struct assess_client *client, const struct assess_request_head *head,
                         const struct assess_body *body) {
    client->reused = client->head != NULL;
    client->head = head;
    client->body = body ? *body : (struct assess_body){0};
    client->length_size = 0;
    if (head->has_body && !head->chooses_length)
        client->length_size = write_length(client->length_line, client->body.size);
    memcpy(client->length_line + client->length_size, "\r\n", 2);
    client->length_size += 2;
    client->sent_size = 0;
    client->failure = NULL;
    client->os_error = 0;
    assess_answer_begin(&client->answer, head->answer_is_head);
    if (client->state == ASSESS_CLIENT_IDLE) client->state = ASSESS_CLIENT_SENDING;
}

bool assess_client_wants_write(const struct assess_client *client) {
    return client->state == ASSESS_CLIENT_CONNECTING || client->state == ASSESS_CLIENT_SENDING;
}

bool assess_client_lost_race(const struct assess_client *client) {
    return client->failure && client->reused && !client->answer.begun &&
           (client->os_error == ECONNRESET || client->os_error == EPIPE);
}

bool assess_client_connected(struct assess_client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    struct sockaddr_storage peer;
    size = sizeof peer;
    if (error == 0 && getpeername(client->fd, (struct sockaddr *)&peer, &size) < 0) {
        if (errno == ENOTCONN) return true; /* woken for nothing */
        error = errno;
    }
    if (error) {
        break_off(client, words_of(error), error);
        return false;
    }
    client->state = client->head ? ASSESS_CLIENT_SENDING : ASSESS_CLIENT_IDLE;
    return true;
}

/* Puts what is left of the three parts of a request where sendmsg() takes it. */
static size_t parts_left(const struct assess_client *client, struct iovec *parts) {
    const struct assess_body all[] = {{client->head->bytes, client->head->size},
                                      {client->length_line, client->length_size},
                                      client->body};
    size_t skip = client->sent_size, count = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t gone = skip < all[i].size ? skip : all[i].size;
        skip -= gone;
        if (gone == all[i].size) continue;
        /* iovec has no const: sendmsg() only reads. */
        memcpy(&parts[count].iov_base, &(const char *){all[i].bytes + gone}, sizeof(char *));
        parts[count++].iov_len = all[i].size - gone;
    }
    return count;
}

/* A server may answer before it has read the whole request, and close: what it said is then
 * still to be read, so an error of sending only ends the sending. */
static void send_more(struct assess_client *client) {
    struct iovec parts[3];
    struct msghdr message = {.msg_iov = parts};
    message.msg_iovlen = parts_left(client, parts);
    if (message.msg_iovlen == 0) {
        client->state = ASSESS_CLIENT_READING;
        return;
    }
    ssize_t n = sendmsg(client->fd, &message, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        client->os_error = errno;
        client->state = ASSESS_CLIENT_READING;
        return;
    }
    client->sent_size += (size_t)n;
    if (client->sent_size == client->head->size + client->length_size + client->body.size)
        client->state = ASSESS_CLIENT_READING;
}

/* The answer is whole: may the connection be used again? */
static void settle(struct assess_client *client, bool surplus) {
    bool keep = client->answer.keep && !client->head->closes && !surplus && !client->os_error &&
                client->state == ASSESS_CLIENT_READING;
    if (keep)
        client->state = ASSESS_CLIENT_IDLE;
    else
        assess_client_close(client);
    client->os_error = 0;
}

/* A server that writes an answer in parts and leaves Nagle's algorithm on waits for the first
 * part's acknowledgement before it sends the second.  Delayed, as clients do when a connection is
 * no longer new, that adds 40 ms of the client's making, which would drown what is measured. */
static void acknowledge(const struct assess_client *client) {
    setsockopt(client->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
}

static bool read_more(struct assess_client *client, char *buffer, size_t size) {
    ssize_t n = recv(client->fd, buffer, size, 0);
    if (n < 0) {
        int error = errno;
        if (error == EINTR) return true;
        if (error == EAGAIN) {
            if (client->os_error == 0) return true;
            error = client->os_error; /* sending failed, and there is nothing to read */
        }
        break_off(client, words_of(error), error);
        return false;
    }
    size_t used = (size_t)n;
    if (n == 0)
        assess_answer_end(&client->answer);
    else
        used = assess_answer_read(&client->answer, buffer, (size_t)n);
    if (client->answer.state == ASSESS_ANSWER_FAILED) {
        break_off(client, client->answer.failure, n == 0 ? ECONNRESET : 0);
        return false;
    }
    if (client->answer.state != ASSESS_ANSWER_DONE) {
        acknowledge(client);
        return true;
    }
    settle(client, n == 0 || used < (size_t)n);
    return false;
}

bool assess_client_go_on(struct assess_client *client, char *buffer, size_t size) {
    if (client->state == ASSESS_CLIENT_CONNECTING) {
        if (!assess_client_connected(client)) return false;
        if (client->state == ASSESS_CLIENT_CONNECTING) return true;
    }
    if (client->state == ASSESS_CLIENT_SENDING) {
        send_more(client);
        if (client->state == ASSESS_CLIENT_READING && client->os_error == 0) return true;
    }
    return read_more(client, buffer, size);
}
