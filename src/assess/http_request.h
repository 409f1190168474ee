/* What an HTTP/1.1 client sends, and whither: URLs, addresses, the bytes of a request. */
#ifndef ASH_ASSESS_HTTP_REQUEST_H
#define ASH_ASSESS_HTTP_REQUEST_H

#include "load.h"

#include <sys/socket.h>

/* The parts of http://HOST[:PORT][/PATH][?QUERY], or of http+unix://SOCKET[/PATH] with the
 * socket's path percent-encoded. */
struct assess_url {
    char host[256];        /* name or address, without brackets; empty: a Unix socket */
    char port[6];          /* decimal */
    char socket_path[108]; /* of a Unix socket */
    char authority[264];   /* what Host: says */
    char target[4096];     /* path and query as sent; never empty; the fragment is gone */
};

/* ASHORE_ERR_ARGUMENT says what is wrong; https has a message of its own. */
int assess_url_parse(const char *url, struct assess_url *out, struct ashore_error *err);

enum { ASSESS_ADDRESSES = 8 };

/* Where a host is: addresses in the resolver's order. */
struct assess_endpoint {
    struct sockaddr_storage addresses[ASSESS_ADDRESSES];
    socklen_t sizes[ASSESS_ADDRESSES];
    size_t count;
    size_t chosen; /* the one that connections go to */
};

/* Asks the resolver, and so may wait for it. ASHORE_ERR_IO: no such host. */
int assess_endpoint_find(const struct assess_url *url, struct assess_endpoint *endpoint,
                         struct ashore_error *err);

/* A request's bytes: the head without its last lines, which depend on the body, in the pool. */
struct assess_request_head {
    const char *bytes;
    size_t size;
    bool has_body;       /* the method takes one: Content-Length is sent even when it is 0 */
    bool answer_is_head; /* HEAD: the answer has no body whatever its fields say */
    bool closes;         /* the caller's own "Connection: close" */
    bool chooses_length; /* the caller's own Content-Length: none is added */
};

/* Checks method and headers: a line break or a control character in them is refused, because it
 * would change the request. */
int assess_request_head(const struct assess_request *request, const struct assess_url *url,
                        struct assess_pool *pool, struct assess_request_head *head,
                        struct ashore_error *err);

#endif
