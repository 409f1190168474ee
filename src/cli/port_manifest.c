/* manifest.json of a folder that `ashore port` writes. */
#include "cli_json.h"
#include "port.h"
#include "sha256.h"

#include <string.h>

enum { CHUNK = 1 << 20 }; /* bytes of what a page can check while a file arrives */

/* Of the model and its external data, which are large, pages check chunks as they arrive. */
static void list_chunks(const struct port *port, const struct port_entry *e, json_t *file) {
    bool weights = strcmp(e->path, port->model) == 0;
    for (size_t i = 0; i < port->external.count; i++)
        weights = weights || strcmp(e->path, port->external.items[i]) == 0;
    if (!weights || e->bytes.size <= CHUNK) return;
    json_t *chunks = json_array();
    for (size_t at = 0; at < e->bytes.size; at += CHUNK) {
        size_t n = e->bytes.size - at < CHUNK ? e->bytes.size - at : CHUNK;
        char sha256[65];
        cli_sha256((const char *)e->bytes.data + at, n, sha256);
        json_array_append_new(chunks, json_string(sha256));
    }
    json_object_set_new(file, "chunk", json_integer(CHUNK));
    json_object_set_new(file, "chunks", chunks);
}

/* The last file, so that a folder with a manifest is a whole one. */
int port_put_manifest(struct port *port, size_t *total) {
    json_t *object = json_object(), *files = json_array(), *external = json_array();
    *total = 0;
    for (size_t i = 0; i < port->external.count; i++) {
        json_array_append_new(external, cli_json_text(port->external.items[i]));
    }
    for (size_t i = 0; i < port->count; i++) {
        const struct port_entry *e = &port->entries[i];
        json_t *file = json_object();
        json_object_set_new(file, "path", cli_json_text(e->path));
        json_object_set_new(file, "bytes", cli_json_count(e->bytes.size));
        json_object_set_new(file, "sha256", json_string(e->sha256));
        list_chunks(port, e, file);
        json_array_append_new(files, file);
        *total += e->bytes.size;
    }
    json_object_set_new(object, "manifest", json_integer(1));
    json_object_set_new(object, "ashore", json_string(ashore_version()));
    json_object_set_new(object, "model", cli_json_text(port->model));
    json_object_set_new(object, "app", cli_json_text(port->app ? port->app : "page/main.js"));
    json_object_set_new(object, "external", external);
    json_object_set_new(object, "bytes", cli_json_count(*total));
    json_object_set_new(object, "files", files);
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    if (!text) return cli_give_up(port->cli, CLI_INTERNAL, "out of memory");
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the zero: the file's last line ends */
    int rc = port_put_text(port, "manifest.json", text, n + 1);
    cli_realloc(text, 0);
    return rc;
}
