/* --one-file: the page, the engine and the model in one .html that works without a server.
 *
 * The policy in its head allows the one script and the styles that are written here, by their
 * hashes, and nothing from elsewhere. Files are blocks of text that no browser runs, in base64; the
 * page takes them apart (pages/generic/site.js). */
#include "port.h"
#include "sha256.h"

#include <stdio.h>
#include <string.h>

enum { PART_SIZE = 12 << 20 };                      /* bytes of a block: 16 MiB of text */
static const size_t most_inside = 1 << 30;          /* bytes; browsers hold the page as one text */
static const size_t many_inside = 50 * 1000 * 1000; /* worth a warning */
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The text so far. */
struct text {
    struct cli *cli;
    char *data;
    size_t size, room;
};

static char *reserve(struct text *text, size_t size) {
    if (text->room - text->size < size) {
        size_t room = text->room * 2 > text->size + size ? text->room * 2 : text->size + size;
        char *data = cli_realloc(text->data, room);
        if (!data) return NULL;
        text->data = data;
        text->room = room;
    }
    char *at = text->data + text->size;
    text->size += size;
    return at;
}

static int add(struct text *text, const void *data, size_t size) {
    char *at = reserve(text, size);
    if (!at) return cli_give_up(text->cli, CLI_INTERNAL, "out of memory");
    if (size) memcpy(at, data, size);
    return CLI_OK;
}

static int add_text(struct text *text, const char *s) { return add(text, s, strlen(s)); }

static void write_base64(char *to, const unsigned char *from, size_t size) {
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)from[i] << 16;
        if (left > 1) bits |= (uint32_t)from[i + 1] << 8;
        if (left > 2) bits |= from[i + 2];
        *to++ = base64_digits[bits >> 18];
        *to++ = base64_digits[bits >> 12 & 63];
        *to++ = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? base64_digits[bits & 63] : '=';
    }
}

/* A name as the value of an attribute; those of external data are whatever the model says. */
static const char *escape(struct cli *cli, const char *name) {
    char *out = cli_alloc(cli, strlen(name) * 6 + 1), *to = out;
    for (const char *p = name; *p; p++) {
        const char *entity = *p == '"' ? "&quot;" : *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : NULL;
        size_t n = entity ? strlen(entity) : 1;
        memcpy(to, entity ? entity : p, n);
        to += n;
    }
    return out;
}

static int add_file(struct text *text, const struct port_entry *e, const char *attributes) {
    const unsigned char *from = e->bytes.data;
    size_t left = e->bytes.size;
    do {
        size_t part = left < PART_SIZE ? left : PART_SIZE;
        int rc = add_text(
            text, cli_format(text->cli,
                             "<script type=\"text/plain\" data-file=\"%s\" data-bytes=\"%zu\"%s>",
                             escape(text->cli, e->path), part, attributes));
        if (rc) return rc;
        size_t size = (part + 2) / 3 * 4;
        char *at = reserve(text, size);
        if (!at) return cli_give_up(text->cli, CLI_INTERNAL, "out of memory");
        write_base64(at, from, part);
        rc = add_text(text, "</script>\n");
        if (rc) return rc;
        from += part;
        left -= part;
    } while (left);
    return CLI_OK;
}

/* 'sha256-...' as policies name what they allow. */
static const char *hash_source(struct cli *cli, const struct cli_bytes *bytes) {
    unsigned char digest[32];
    char *source = cli_alloc(cli, 64);
    cli_sha256_digest(bytes->data, bytes->size, digest);
    memcpy(source, "'sha256-", 8);
    write_base64(source + 8, digest, sizeof digest);
    memcpy(source + 8 + 44, "'", 2);
    return source;
}

/* What ends an element, or makes the text behind it a comment's. */
static bool is_plain(const struct cli_bytes *bytes) {
    static const char *const ends[] = {"</script", "</style", "<!--"};
    const char *text = (const char *)bytes->data;
    for (size_t i = 0; i < bytes->size; i++) {
        for (size_t k = 0; text[i] == '<' && k < sizeof ends / sizeof ends[0]; k++) {
            size_t n = strlen(ends[k]);
            if (bytes->size - i >= n && memcmp(text + i, ends[k], n) == 0) return false;
        }
    }
    return true;
}

static const struct port_entry *find(const struct port *port, const char *path) {
    for (size_t i = 0; i < port->count; i++) {
        if (strcmp(port->entries[i].path, path) == 0) return &port->entries[i];
    }
    return NULL;
}

static bool is_external(const struct port *port, const char *path) {
    for (size_t i = 0; i < port->external.count; i++) {
        if (strcmp(port->external.items[i], path) == 0) return true;
    }
    return false;
}

static int add_head(struct port *port, struct text *text, const struct port_entry *script) {
    struct cli *cli = port->cli;
    const char *styles = "";
    for (size_t i = 0; i < port->styles.count; i++) {
        const struct port_entry *e = find(port, port->styles.items[i]);
        if (!is_plain(&e->bytes)) {
            return cli_give_up(cli, CLI_INPUT, "%s cannot be put inside of a page: it has a tag",
                               cli_clean(cli, e->path));
        }
        styles = cli_format(cli, "%s %s", styles, hash_source(cli, &e->bytes));
    }
    int rc = add_text(
        text, cli_format(cli,
                         "<!doctype html>\n%s<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                         "'none'; script-src %s 'wasm-unsafe-eval'; style-src%s; base-uri 'none'; "
                         "form-action 'none'\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, "
                         "initial-scale=1\">\n<meta name=\"ashore-model\" content=\"./%s\">\n"
                         "<title>%s</title>\n",
                         port_source_note(port), hash_source(cli, &script->bytes), styles,
                         port->model, port->model));
    for (size_t i = 0; rc == CLI_OK && i < port->styles.count; i++) {
        const struct port_entry *e = find(port, port->styles.items[i]);
        rc = add_text(text, "<style>");
        if (rc == CLI_OK) rc = add(text, e->bytes.data, e->bytes.size);
        if (rc == CLI_OK) rc = add_text(text, "</style>\n");
    }
    return rc ? rc : add_text(text, "</head>\n<body>\n<main id=\"app\">" PORT_NOSCRIPT "</main>\n");
}

static int add_all(struct port *port, struct text *text) {
    const struct port_entry *script = find(port, PORT_ONE_SCRIPT);
    if (!is_plain(&script->bytes)) {
        return cli_give_up(port->cli, CLI_INTERNAL, "the page's script cannot be put into a page");
    }
    int rc = add_head(port, text, script);
    for (size_t i = 0; rc == CLI_OK && i < port->count; i++) {
        const struct port_entry *e = &port->entries[i];
        if (e == script || cli_has_suffix(e->path, ".css")) continue;
        rc = add_file(text, e, is_external(port, e->path) ? " data-external" : "");
    }
    if (rc == CLI_OK) rc = add_text(text, "<script type=\"module\">");
    if (rc == CLI_OK) rc = add(text, script->bytes.data, script->bytes.size);
    return rc ? rc : add_text(text, "</script>\n</body>\n</html>\n");
}

static int check_size(const struct port *port) {
    size_t total = 0;
    for (size_t i = 0; i < port->count; i++) total += port->entries[i].bytes.size;
    if (total > most_inside) {
        return cli_give_up(port->cli, CLI_INPUT,
                           "%s is too much for one file, which browsers hold as text: at most %s; "
                           "leave --one-file away and serve the folder",
                           cli_bytes_text(port->cli, total),
                           cli_bytes_text(port->cli, most_inside));
    }
    if (total > many_inside) {
        cli_say(port->cli, "note: browsers read all of one file before it starts; a folder shows "
                           "its progress, and can be resumed");
    }
    return CLI_OK;
}

int port_make_one_file(struct port *port) {
    struct text text = {.cli = port->cli};
    int rc = check_size(port);
    if (rc == CLI_OK) rc = add_all(port, &text);
    for (size_t i = 0; i < port->count; i++) cli_file_free(&port->entries[i].bytes);
    port->count = 0;
    struct cli_bytes bytes = {(unsigned char *)text.data, text.size};
    if (rc) {
        cli_file_free(&bytes);
        return rc;
    }
    return port_put(port, port->file, bytes);
}
