/* The model that `ashore port` copies, with its external data. */
#include "port.h"

#include <string.h>

static bool is_inside(const char *location) {
    if (location[0] == '/' || !location[0]) return false;
    for (const char *part = location; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 2 && memcmp(part, "..", 2) == 0)) return false;
    }
    return true;
}

/* The engine asks for external data by location: the files are read and become the folder's. */
static int read_external(void *user, const char *location, const void **data, size_t *size) {
    struct port *port = user;
    struct cli *cli = port->cli;
    if (!is_inside(location)) {
        port->bad_location = cli_format(cli, "%s", location);
        return ASHORE_ERR_IO;
    }
    size_t i = 0;
    while (i < port->count && strcmp(port->entries[i].path, location) != 0) i++;
    if (i == port->count) {
        struct cli_bytes bytes;
        if (cli_file_read(cli_format(cli, "%s/%s", port->model_dir, location), &bytes, NULL) ||
            port_put(port, cli_format(cli, "%s", location), bytes)) {
            return ASHORE_ERR_IO;
        }
        cli_list_add(cli, &port->external, port->entries[i].path);
    }
    *data = port->entries[i].bytes.data;
    *size = port->entries[i].bytes.size;
    return ASHORE_OK;
}

/* Whether text, the lines of a file, has a line `domain:name`, or `name` of ai.onnx. */
static bool lists(const struct cli_bytes *text, const char *line) {
    const char *at = (const char *)text->data, *end = at + text->size;
    size_t n = strlen(line);
    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((next ? next : end) - at);
        if (length == n && memcmp(at, line, n) == 0) return true;
        at += length + 1;
    }
    return false;
}

/* Without the list of what the smaller engine has, the larger one comes along. */
static bool needs_full(struct cli *cli, const ashore_model *model) {
    const char *js = cli_js_dir(cli);
    struct cli_bytes known;
    bool missing = false;
    if (!js || cli_file_read(cli_format(cli, "%s/core_operators.txt", js), &known, NULL))
        return true;
    for (size_t i = 0; i < ashore_model_op_kinds(model); i++) {
        const struct ashore_op_count *op = ashore_model_op(model, i);
        const char *name = *op->domain ? cli_format(cli, "%s:%s", op->domain, op->name) : op->name;
        missing = missing || !lists(&known, name);
    }
    cli_file_free(&known);
    return missing;
}

/* Loading the model proves that it can be read and finds its external data. */
int port_put_model(struct port *port, const char *from) {
    struct cli *cli = port->cli;
    struct ashore_error err = {0};
    struct cli_bytes bytes;
    if (cli_file_read(from, &bytes, &err)) return cli_report(cli, &err);
    int rc = port_put(port, port->model, bytes);
    if (rc) return rc;
    struct ashore_model_options options;
    ashore_model_options_init(&options);
    options.name = port->model;
    options.external = read_external;
    options.external_user = port;
    port->model_dir = cli_path_dir(cli, from);
    ashore_model *model = NULL;
    rc = ashore_model_load_memory(bytes.data, bytes.size, &options, &model, &err);
    port->full = rc != ASHORE_OK || needs_full(cli, model);
    if (rc == ASHORE_OK) port_count_weights(port, model);
    ashore_model_destroy(&model);
    if (rc == ASHORE_OK) return CLI_OK;
    if (!port->bad_location) return cli_report(cli, &err);
    return cli_give_up(cli, CLI_INPUT, "%s: external data outside of the model's folder: %s",
                       cli_clean(cli, from), cli_clean(cli, port->bad_location));
}
