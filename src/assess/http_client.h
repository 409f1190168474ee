/* One connection of an HTTP/1.1 client over a non-blocking socket: connect, send a request, read
 * its answer, again.  The caller waits for readiness and says what came; nothing here blocks. */
#ifndef ASH_ASSESS_HTTP_CLIENT_H
#define ASH_ASSESS_HTTP_CLIENT_H

#include "http_answer.h"
#include "http_request.h"

enum assess_client_state {
    ASSESS_CLIENT_CLOSED,
    ASSESS_CLIENT_CONNECTING,
    ASSESS_CLIENT_SENDING,
    ASSESS_CLIENT_READING,
    ASSESS_CLIENT_IDLE /* connected, nothing under way */
};

struct assess_client {
    enum assess_client_state state;
    int fd; /* while not CLOSED */
    const struct assess_request_head *head;
    struct assess_body body;
    char length_line[48]; /* what ends the head */
    size_t length_size, sent_size;
    bool reused;         /* the request under way is not the connection's first */
    const char *failure; /* in words, a constant; NULL while all is well */
    int os_error;        /* errno behind the failure; 0: none */
    struct assess_answer answer;
};

/* Opens a socket and begins to connect: CONNECTING, or IDLE where that needs no waiting.  False:
 * failure and os_error say why, and the client is CLOSED. */
bool assess_client_open(struct assess_client *client, const struct assess_endpoint *endpoint,
                        size_t which);

/* A CONNECTING socket has become writable: IDLE (SENDING if a request waits), or still CONNECTING
 * if it was woken for nothing.  False: CLOSED, and failure says why. */
bool assess_client_connected(struct assess_client *client);

/* Gives a connection the request to send next, when it is CONNECTING or IDLE. */
void assess_client_begin(struct assess_client *client, const struct assess_request_head *head,
                         const struct assess_body *body);

/* Goes on as far as possible without waiting; `buffer` is room for what is read, which is at most
 * one buffer full per call, so that one connection cannot keep the others from their turn.  True
 * while more is to come; false once the answer is whole (failure NULL, state IDLE, or CLOSED if
 * the connection cannot be kept) or the exchange has failed (failure set, CLOSED). */
bool assess_client_go_on(struct assess_client *client, char *buffer, size_t size);

/* Whether progress needs the socket to be writable. */
bool assess_client_wants_write(const struct assess_client *client);

/* Whether a failed exchange may be tried again on a new connection: the server closed a kept
 * connection before any of the answer came, most likely before it saw the request. */
bool assess_client_lost_race(const struct assess_client *client);

void assess_client_close(struct assess_client *client);

#endif
