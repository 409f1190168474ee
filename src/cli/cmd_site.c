/* ashore site: serves a folder on this machine, with the headers that threads and a strict policy
 * need. */
#include "cli.h"
#include "cli_file.h"
#include "cli_web.h"

#include <civetweb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Pages of Python programs show pictures and sound that they have made. */
#define MEDIA "; img-src 'self' blob: data:; media-src 'self' blob:"

static const char site_headers[] = "Cross-Origin-Opener-Policy: same-origin\r\n"
                                   "Cross-Origin-Embedder-Policy: require-corp\r\n"
                                   "Cross-Origin-Resource-Policy: same-origin\r\n"
                                   "Content-Security-Policy: %s\r\n"
                                   "X-Content-Type-Options: nosniff";

/* What the server's threads know. */
struct site {
    const char *root;    /* the real path of the folder */
    const char *headers; /* of all answers, without the last line's end */
};

static const char *const mime_types[][2] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},
    {".svg", "image/svg+xml"},
    {".wav", "audio/wav"},
    {".mp3", "audio/mpeg"},
};

static const char *mime_type(const char *path) {
    for (size_t i = 0; i < sizeof mime_types / sizeof mime_types[0]; i++) {
        if (cli_has_suffix(path, mime_types[i][0])) return mime_types[i][1];
    }
    return "application/octet-stream";
}

static int refuse(struct mg_connection *conn, const struct site *site, int status,
                  const char *text) {
    mg_printf(conn,
              "HTTP/1.1 %d %s\r\n%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
              "Content-Length: %zu\r\n%s\r\n%s\n",
              status, text, site->headers, strlen(text) + 1,
              status == 405 ? "Allow: GET, HEAD\r\n" : "", text);
    return status;
}

/* No part is "..", none begins with a dot. */
static bool is_public(const char *uri) {
    if (uri[0] != '/') return false;
    for (const char *part = uri; (part = strchr(part, '/')) != NULL;) {
        part++;
        if (part[0] == '.') return false;
    }
    return strchr(uri, '\\') == NULL;
}

/* The file's own place after links are followed is below the root. */
static bool is_below(const char *root, const char *path) {
    char *real = realpath(path, NULL);
    if (!real) return false;
    size_t n = strlen(root);
    bool below = strncmp(real, root, n) == 0 && (real[n] == '/' || n == 1);
    cli_realloc(real, 0);
    return below;
}

/* Runs on the server's threads; user is a struct site. */
static int serve_file(struct mg_connection *conn, void *user) {
    const struct site *site = user;
    const struct mg_request_info *request = mg_get_request_info(conn);
    if (strcmp(request->request_method, "GET") != 0 &&
        strcmp(request->request_method, "HEAD") != 0) {
        return refuse(conn, site, 405, "Method Not Allowed");
    }
    char path[4096];
    const char *uri = request->local_uri ? request->local_uri : "";
    int n = snprintf(path, sizeof path, "%s%s", site->root, uri);
    struct stat st;
    bool there = n > 0 && (size_t)n + 16 < sizeof path && stat(path, &st) == 0;
    if (strcmp(uri, "/favicon.ico") == 0 && !there) return refuse(conn, site, 204, "No Content");
    if (!is_public(uri) || !there) { return refuse(conn, site, 404, "Not Found"); }
    if (S_ISDIR(st.st_mode)) {
        bool slash = path[n - 1] == '/';
        snprintf(path + n, sizeof path - (size_t)n, "%sindex.html", slash ? "" : "/");
        if (!slash) return refuse(conn, site, 404, "Not Found");
    }
    if (!cli_is_file(path) || !is_below(site->root, path))
        return refuse(conn, site, 404, "Not Found");
    mg_send_mime_file2(conn, path, mime_type(path), site->headers);
    return 200;
}

/* The value of a line of _headers when it is a policy of plain characters, or NULL. */
static const char *policy_in(struct cli *cli, const char *line, size_t size) {
    static const char name[] = "Content-Security-Policy:";
    size_t at = 0;
    while (at < size && (line[at] == ' ' || line[at] == '\t')) at++;
    if (size - at < sizeof name || strncasecmp(line + at, name, sizeof name - 1) != 0) return NULL;
    at += sizeof name - 1;
    at += strspn(line + at, " \t");
    for (size_t i = at; i < size; i++) {
        if (line[i] < ' ' || line[i] > '~') return NULL;
    }
    return at < size ? cli_format(cli, "%.*s", (int)(size - at), line + at) : NULL;
}

/* The policy that the folder's _headers has for all files, or ours: pages with styles of their own
 * name them there. */
static const char *policy_of(struct cli *cli, const char *dir) {
    enum { MOST = 1 << 20 };
    const char *path = cli_format(cli, "%s/_headers", dir), *found = CLI_CSP MEDIA;
    struct cli_bytes bytes = {0};
    struct ashore_error err = {0};
    if (!cli_is_file(path) || cli_file_read(path, &bytes, &err) != ASHORE_OK) return found;
    int size = bytes.size < MOST ? (int)bytes.size : MOST;
    const char *line = cli_format(cli, "%.*s", size, (const char *)bytes.data);
    bool all = false; /* whether the lines are about all files */
    cli_file_free(&bytes);
    while (*line) {
        size_t n = strcspn(line, "\r\n");
        if (*line == ' ' || *line == '\t') {
            const char *policy = all ? policy_in(cli, line, n) : NULL;
            if (policy) found = policy;
        } else if (*line != '#') {
            all = n == 2 && memcmp(line, "/*", 2) == 0;
        }
        line += n + strspn(line + n, "\r\n");
    }
    return found;
}

/* civetweb would print its own errors. */
static int keep_quiet(const struct mg_connection *conn, const char *message) {
    (void)conn;
    (void)message;
    return 1;
}

static int wait_for_signal(const sigset_t *set) {
    int signal;
    do {
        if (sigwait(set, &signal) != 0) return CLI_INTERNAL;
    } while (signal != SIGINT && signal != SIGTERM && signal != SIGHUP);
    return CLI_OK;
}

static int site(struct cli *cli) {
    const char *dir = cli->options.operands.items[0];
    int64_t port = cli->options.port < 0 ? 8080 : cli->options.port;
    if (!cli_is_dir(dir)) {
        return cli_give_up(cli, CLI_INPUT, "%s: is not a folder", cli_clean(cli, dir));
    }
    if (!cli_is_file(cli_format(cli, "%s/index.html", dir))) {
        cli_say(cli, "note: %s has no index.html", cli_clean(cli, dir));
    }
    char *root = realpath(dir, NULL);
    if (!root) return cli_give_up(cli, CLI_INPUT, "%s: cannot be read", cli_clean(cli, dir));
    struct site served = {root, cli_format(cli, site_headers, policy_of(cli, dir))};

    /* Blocked before the server starts, so that all its threads leave them to sigwait. */
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    sigprocmask(SIG_BLOCK, &stop, NULL);

    const char *address = cli_format(cli, "127.0.0.1:%lld", (long long)port);
    /* clang-format off */
    const char *options[] = {
        "listening_ports", address,
        "num_threads", "8",
        "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "5000",
        "request_timeout_ms", "10000",
        "static_file_cache_control", "no-cache", /* asks every time, is answered by 304 */
        NULL,
    };
    /* clang-format on */
    struct mg_callbacks callbacks = {.log_message = keep_quiet};
    struct mg_server_port bound = {0};
    struct mg_context *server = mg_start(&callbacks, NULL, options);
    int code = CLI_OK;
    if (!server || mg_get_server_ports(server, 1, &bound) < 1) {
        code =
            cli_give_up(cli, CLI_INTERNAL,
                        "cannot listen on 127.0.0.1:%lld (is the port in use? --port 0 takes any)",
                        (long long)port);
    } else {
        mg_set_request_handler(server, "/", serve_file, &served);
        printf("http://127.0.0.1:%d/\n", bound.port);
        fflush(stdout);
        code = wait_for_signal(&stop);
    }
    if (server) mg_stop(server);
    cli_realloc(root, 0);
    return code;
}

const struct cli_command cli_site = {
    .name = "site",
    .bit = CLI_SITE,
    .group = "Ship",
    .usage = "[options] DIR",
    .summary = "serve a folder on this machine, with the right headers",
    .details =
        "Serves DIR at 127.0.0.1 until it is interrupted (Ctrl-C) and prints its address. The\n"
        "headers make the page cross-origin isolated (threads need that) and allow no inline\n"
        "script: Cross-Origin-Opener-Policy same-origin, Cross-Origin-Embedder-Policy\n"
        "require-corp and a Content-Security-Policy, that of DIR/_headers where it has one. Files\n"
        "whose names begin with a dot and files outside of DIR are not served. A host that serves\n"
        "the folder to others should send the same headers.\n",
    .examples = "  ashore site build/site\n"
                "  ashore site build/site --port 0\n",
    .least = 1,
    .most = 1,
    .run = site,
};
