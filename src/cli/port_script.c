/* Copies of the user's files, in which modules import the package from the folder. */
#include "port.h"

#include <string.h>

bool port_is_module(const char *name) {
    return cli_has_suffix(name, ".js") || cli_has_suffix(name, ".mjs");
}

/* Length of a bare name of the package in quotes at s ("ashore" or "ashore/inline"), else 0. */
static size_t package_name(const char *s, size_t n) {
    static const char *const parts[] = {"",      "/inline", "/cache", "/estimate",
                                        "/core", "/prep",   "/ort",   "/element"};
    if (n < 8 || (s[0] != '"' && s[0] != '\'')) return 0;
    if (memcmp(s + 1, "ashore", 6) != 0) return 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);
        if (n < 8 + length || s[7 + length] != s[0]) continue;
        if (memcmp(s + 7, parts[i], length) == 0) return 8 + length;
    }
    return 0;
}

/* True when the text before a name is `from` or `import` or `import(`. */
static bool follows_import(const char *text, size_t at) {
    while (at > 0 && strchr(" \t\r\n(", text[at - 1])) at--;
    return (at >= 4 && memcmp(text + at - 4, "from", 4) == 0) ||
           (at >= 6 && memcmp(text + at - 6, "import", 6) == 0);
}

/* A page without inline scripts can have no import map: imports of the package by its bare name are
 * pointed at the folder's copy. */
static int put_module(struct port *port, const char *path, const struct cli_bytes *source) {
    const char *text = (const char *)source->data;
    size_t n = source->size, to = 0;
    char *out = cli_alloc(port->cli, n * 3 + 1);
    for (size_t at = 0; at < n;) {
        size_t name = package_name(text + at, n - at);
        if (name == 0 || !follows_import(text, at)) {
            out[to++] = text[at++];
            continue;
        }
        const char *part = name == 8 ? "index" : text + at + 8;
        int length = name == 8 ? 5 : (int)name - 9;
        to += (size_t)snprintf(out + to, 32, "%c./ashore/%.*s.js%c", text[at], length, part,
                               text[at]);
        at += name;
    }
    return port_put_text(port, path, out, to);
}

/* Copies a file of the user's under its own name, or a given one. */
int port_put_file(struct port *port, const char *from, const char *path) {
    struct ashore_error err = {0};
    struct cli_bytes bytes;
    if (cli_file_read(from, &bytes, &err)) return cli_report(port->cli, &err);
    if (!port_is_module(path) || strchr(path, '/')) return port_put(port, path, bytes);
    int rc = put_module(port, path, &bytes);
    cli_file_free(&bytes);
    return rc;
}
