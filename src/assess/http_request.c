#include "http_request.h"

#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

/* ---- URLs ----------------------------------------------------------------------------------- */

static int bad_url(const char *url, const char *why, struct ashore_error *err) {
    return assess_fail(err, ASHORE_ERR_ARGUMENT, "%.300s: %s", url, why);
}

static bool copy_part(char *out, size_t room, const char *bytes, size_t size) {
    if (size >= room) return false;
    memcpy(out, bytes, size);
    out[size] = '\0';
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_percent(char *out, size_t room, const char *bytes, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (c == '%') {
            if (size - i < 3 || hex_digit(bytes[i + 1]) < 0 || hex_digit(bytes[i + 2]) < 0)
                return false;
            c = (char)(hex_digit(bytes[i + 1]) * 16 + hex_digit(bytes[i + 2]));
            i += 2;
        }
        if (c == '\0' || used + 1 >= room) return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return used > 0;
}

static int parse_port(const char *url, const char *bytes, size_t size, struct assess_url *out,
                      struct ashore_error *err) {
    if (size == 0) return copy_part(out->port, sizeof out->port, "80", 2), ASHORE_OK;
    unsigned port = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)bytes[i]) || port > 65535)
            return bad_url(url, "the port is not a number from 1 to 65535", err);
        port = port * 10 + (unsigned)(bytes[i] - '0');
    }
    if (port == 0 || port > 65535 || !copy_part(out->port, sizeof out->port, bytes, size))
        return bad_url(url, "the port is not a number from 1 to 65535", err);
    return ASHORE_OK;
}

static int parse_authority(const char *url, const char *bytes, size_t size, struct assess_url *out,
                           struct ashore_error *err) {
    if (memchr(bytes, '@', size))
        return bad_url(url, "credentials in a URL are not sent; give an Authorization header", err);
    const char *end = bytes + size, *host_end = end, *port = end;
    const char *host = bytes;
    if (size && *bytes == '[') {
        host = bytes + 1;
        host_end = memchr(bytes, ']', size);
        if (!host_end) return bad_url(url, "the address's bracket is not closed", err);
        port = host_end + 1;
    } else {
        const char *colon = memchr(bytes, ':', size);
        if (colon) host_end = port = colon;
    }
    if (port < end && *port++ != ':')
        return bad_url(url, "something other than a port follows the address", err);
    if (host_end == host) return bad_url(url, "there is no host", err);
    if (!copy_part(out->host, sizeof out->host, host, (size_t)(host_end - host)) ||
        !copy_part(out->authority, sizeof out->authority, bytes, size))
        return bad_url(url, "the host is too long", err);
    return parse_port(url, port, (size_t)(end - port), out, err);
}

int assess_url_parse(const char *url, struct assess_url *out, struct ashore_error *err) {
    static const char plain[] = "http://", local[] = "http+unix://", secure[] = "https://";
    *out = (struct assess_url){0};
    if (!url || !*url) return assess_fail(err, ASHORE_ERR_ARGUMENT, "there is no URL");
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return bad_url(url,
                           "spaces and other than ASCII characters have to be "
                           "percent-encoded",
                           err);
    if (strncasecmp(url, secure, sizeof secure - 1) == 0)
        return bad_url(url,
                       "https is not spoken here: measure the program itself by http, behind what "
                       "ends TLS, whose cost is the same before and after a port",
                       err);
    bool is_local = strncasecmp(url, local, sizeof local - 1) == 0;
    if (!is_local && strncasecmp(url, plain, sizeof plain - 1) != 0)
        return bad_url(url, "not a URL that begins with http://", err);
    const char *rest = url + (is_local ? sizeof local : sizeof plain) - 1;
    size_t size = strcspn(rest, "/?#");
    if (is_local) {
        if (!decode_percent(out->socket_path, sizeof out->socket_path, rest, size))
            return bad_url(url,
                           "the socket's path, percent-encoded and at most 107 bytes, has to stand "
                           "between http+unix:// and the next slash",
                           err);
        copy_part(out->authority, sizeof out->authority, "localhost", 9);
    } else {
        ASSESS_TRY(parse_authority(url, rest, size, out, err));
    }
    const char *target = rest + size;
    size_t target_size = strcspn(target, "#");
    size_t slash = *target != '/';
    out->target[0] = '/';
    if (!copy_part(out->target + slash, sizeof out->target - slash, target, target_size))
        return bad_url(url, "the path is longer than 4094 bytes", err);
    return ASHORE_OK;
}

/* ---- addresses ------------------------------------------------------------------------------ */

static void find_local(const struct assess_url *url, struct assess_endpoint *endpoint) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, url->socket_path, strlen(url->socket_path) + 1);
    memcpy(&endpoint->addresses[0], &address, sizeof address);
    endpoint->sizes[0] = sizeof address;
    endpoint->count = 1;
}

int assess_endpoint_find(const struct assess_url *url, struct assess_endpoint *endpoint,
                         struct ashore_error *err) {
    *endpoint = (struct assess_endpoint){0};
    if (!url->host[0]) {
        find_local(url, endpoint);
        return ASHORE_OK;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_NUMERICSERV;
    struct addrinfo *found = NULL;
    int status = getaddrinfo(url->host, url->port, &hints, &found);
    if (status != 0)
        return assess_fail(err, ASHORE_ERR_IO, "%s: the host is not found: %s", url->host,
                           gai_strerror(status));
    for (const struct addrinfo *a = found; a && endpoint->count < ASSESS_ADDRESSES;
         a = a->ai_next) {
        if (a->ai_addrlen > sizeof endpoint->addresses[0]) continue;
        memcpy(&endpoint->addresses[endpoint->count], a->ai_addr, a->ai_addrlen);
        endpoint->sizes[endpoint->count++] = a->ai_addrlen;
    }
    freeaddrinfo(found);
    if (endpoint->count == 0)
        return assess_fail(err, ASHORE_ERR_IO, "%s: the host has no address", url->host);
    return ASHORE_OK;
}

/* ---- the head ------------------------------------------------------------------------------- */

static bool is_token(const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)bytes[i]) && !(bytes[i] && strchr("!#$%&'*+-.^_`|~", bytes[i])))
            return false;
    return size > 0;
}

static bool is_named(const char *header, size_t size, const char *name) {
    return size == strlen(name) && strncasecmp(header, name, size) == 0;
}

/* Adds one of the caller's headers, and notes what it decides. */
static int add_header(const char *header, struct assess_text *text, bool *has_host,
                      struct assess_request_head *head, struct ashore_error *err) {
    size_t name = strcspn(header, ":");
    if (header[name] != ':' || !is_token(header, name))
        return assess_fail(err, ASHORE_ERR_ARGUMENT,
                           "header \"%.200s\": not of the form \"Name: value\"", header);
    for (const char *p = header; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return assess_fail(err, ASHORE_ERR_ARGUMENT,
                               "header \"%.*s\": a control character in its value", (int)name,
                               header);
    if (is_named(header, name, "Transfer-Encoding"))
        return assess_fail(err, ASHORE_ERR_ARGUMENT,
                           "header Transfer-Encoding: bodies are sent with their length");
    const char *value = header + name + 1;
    value += strspn(value, " \t");
    if (is_named(header, name, "Host")) *has_host = true;
    if (is_named(header, name, "Content-Length")) head->chooses_length = true;
    if (is_named(header, name, "Connection") && strncasecmp(value, "close", 5) == 0)
        head->closes = true;
    assess_text_printf(text, "%s\r\n", header);
    return ASHORE_OK;
}

static int build_head(const struct assess_request *request, const struct assess_url *url,
                      struct assess_text *text, struct assess_request_head *head,
                      struct ashore_error *err) {
    const char *method = request->method ? request->method : request->body_count ? "POST" : "GET";
    if (!is_token(method, strlen(method)))
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "\"%.60s\" is not an HTTP method", method);
    if (strcmp(method, "CONNECT") == 0)
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "CONNECT is not a request to measure");
    head->answer_is_head = strcmp(method, "HEAD") == 0;
    head->has_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                     strcmp(method, "PATCH") == 0 || request->body_count > 0;
    assess_text_printf(text, "%s %s HTTP/1.1\r\n", method, url->target);
    bool has_host = false;
    for (size_t i = 0; i < request->header_count; i++)
        ASSESS_TRY(add_header(request->headers[i], text, &has_host, head, err));
    if (!has_host) assess_text_printf(text, "Host: %s\r\n", url->authority);
    return ASHORE_OK;
}

int assess_request_head(const struct assess_request *request, const struct assess_url *url,
                        struct assess_pool *pool, struct assess_request_head *head,
                        struct ashore_error *err) {
    *head = (struct assess_request_head){0};
    struct assess_text text = {0};
    int status = build_head(request, url, &text, head, err);
    if (status == ASHORE_OK) {
        head->bytes = text.failed ? NULL : assess_copy_text(pool, text.bytes, text.length);
        head->size = text.length;
        if (!head->bytes) status = assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    }
    assess_text_deinit(&text);
    return status;
}
