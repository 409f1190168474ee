/* Files of the folder that `ashore port` writes. */
#include "port.h"
#include "sha256.h"

#include <string.h>

/* Takes bytes in any case. */
int port_put(struct port *port, const char *path, struct cli_bytes bytes) {
    struct cli *cli = port->cli;
    for (size_t i = 0; i < port->count; i++) {
        if (strcmp(port->entries[i].path, path) != 0) continue;
        cli_file_free(&bytes);
        return cli_give_up(cli, CLI_USAGE, "two files would both be %s; rename one",
                           cli_clean(cli, path));
    }
    if (port->count == port->room) {
        size_t room = port->room ? port->room * 2 : 16;
        struct port_entry *entries = cli_alloc(cli, room * sizeof *entries);
        if (port->count) memcpy(entries, port->entries, port->count * sizeof *entries);
        port->entries = entries;
        port->room = room;
    }
    struct port_entry *e = &port->entries[port->count++];
    e->path = path;
    e->bytes = bytes;
    cli_sha256(bytes.data, bytes.size, e->sha256);
    return CLI_OK;
}

int port_put_text(struct port *port, const char *path, const char *text, size_t size) {
    struct cli_bytes copy = {cli_realloc(NULL, size + 1), size};
    if (!copy.data) return cli_give_up(port->cli, CLI_INTERNAL, "out of memory");
    if (size) memcpy(copy.data, text, size);
    return port_put(port, path, copy);
}

int port_write_all(struct port *port) {
    struct cli *cli = port->cli;
    for (size_t i = 0; i < port->count; i++) {
        const struct port_entry *e = &port->entries[i];
        struct ashore_error err = {0};
        struct cli_output out;
        const char *to = cli_format(cli, "%s/%s", port->dir, e->path);
        int rc = cli_make_dir(cli, cli_path_dir(cli, to), &err);
        if (rc == ASHORE_OK) rc = cli_output_open(cli, to, &out, &err);
        if (rc == ASHORE_OK) {
            if (e->bytes.size) fwrite(e->bytes.data, 1, e->bytes.size, out.file);
            rc = cli_output_close(&out, ASHORE_OK, &err);
        }
        if (rc) return cli_report_output(cli, &err);
    }
    return CLI_OK;
}

/* Names that are the same as a file, in a URL and in HTML. */
int port_check_name(struct port *port, const char *path, const char **name) {
    *name = cli_path_name(path);
    if (**name && **name != '.' && strcmp(cli_safe_name(port->cli, *name, ""), *name) == 0) {
        static const char *const taken[] = {"ashore", "page", "manifest.json", "_headers"};
        size_t i = 0;
        while (i < sizeof taken / sizeof taken[0] && strcmp(*name, taken[i]) != 0) i++;
        if (i == sizeof taken / sizeof taken[0]) return CLI_OK;
        return cli_give_up(port->cli, CLI_USAGE, "the name %s is taken; rename the file", *name);
    }
    return cli_give_up(port->cli, CLI_USAGE,
                       "%s: the name must be of letters, digits, '.', '-' and '_'; rename the file",
                       cli_clean(port->cli, path));
}

int port_check_file(struct port *port) {
    struct cli *cli = port->cli;
    const char *path = cli->options.out;
    if (!cli_has_suffix(path, ".html") || cli_is_dir(path)) {
        return cli_give_up(cli, CLI_USAGE,
                           "-o is '%s', but with --one-file it must be a .html file",
                           cli_clean(cli, path));
    }
    port->dir = cli_path_dir(cli, path);
    port->file = cli_path_name(path);
    FILE *file = cli->options.force ? NULL : fopen(path, "rb");
    if (!file) return CLI_OK;
    char start[400] = "";
    size_t n = fread(start, 1, sizeof start - 1, file);
    fclose(file);
    if (n == 0 || strstr(start, "written by 'ashore port'")) return CLI_OK;
    return cli_give_up(cli, CLI_USAGE,
                       "%s is there and is not of 'ashore port'; --force writes over it",
                       cli_clean(cli, path));
}

/* Not into a folder that holds something else. */
int port_check_dir(struct port *port) {
    struct cli *cli = port->cli;
    if (!cli_is_dir(port->dir) || cli->options.force) return CLI_OK;
    struct ashore_error err = {0};
    struct cli_list names;
    if (cli_list_dir(cli, port->dir, &names, &err)) return cli_report_output(cli, &err);
    bool ours = cli_is_file(cli_format(cli, "%s/manifest.json", port->dir));
    if (names.count == 0 || ours) return CLI_OK;
    return cli_give_up(cli, CLI_USAGE,
                       "%s holds other files and is not one of 'ashore port'; --force writes there",
                       cli_clean(cli, port->dir));
}
