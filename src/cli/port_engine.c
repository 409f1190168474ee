/* What comes along with a model: the JavaScript package and the user's files. */
#include "port.h"

#include <string.h>

/* What ashore/prep consists of. */
static const char *const prep_files[] = {"prep.js", "ashore-prep.wasm", "ashore-prep-scalar.wasm"};
enum { PREP_FILES = sizeof prep_files / sizeof *prep_files };

static bool is_prep(const char *name) {
    int i = 0;
    while (i < PREP_FILES && strcmp(name, prep_files[i]) != 0) i++;
    return i < PREP_FILES;
}

/* Scripts, styles and modules of a folder of the JavaScript package, as the folder `to`; not what
 * is for bundlers. */
static int put_package(struct port *port, const char *from, const char *to) {
    struct cli *cli = port->cli;
    static const char *const kinds[] = {".js", ".css", ".wasm"};
    struct ashore_error err = {0};
    struct cli_list names;
    if (cli_list_dir(cli, from, &names, &err)) return cli_report(cli, &err);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        size_t kind = 0;
        while (kind < 3 && !cli_has_suffix(name, kinds[kind])) kind++;
        if (kind == 3 || is_prep(name) || cli_has_suffix(name, ".module.js")) continue;
        if (!port->full && strncmp(name, "ashore-full-", 12) == 0) continue;
        if (port->report && cli_has_suffix(name, ".wasm")) continue;
        int rc = port_put_file(port, cli_format(cli, "%s/%s", from, name),
                               cli_format(cli, "%s/%s", to, name));
        if (rc) return rc;
        if (cli_has_suffix(name, ".css"))
            cli_list_add(cli, &port->styles, cli_format(cli, "%s/%s", to, name));
    }
    return CLI_OK;
}

static int put_as(struct port *port, const char *from, const char *path) {
    return port_put_file(port, cli_format(port->cli, "%s/%s", cli_js_dir(port->cli), from), path);
}

/* Modules without threads: a page that is a file can start no workers. */
static int put_inside(struct port *port) {
    struct cli *cli = port->cli;
    static const char *const variants[] = {"relaxed", "simd128", "scalar"};
    static const char *const styles[] = {"base.css", "page.css"};
    int rc = put_as(port, "page/" PORT_ONE_SCRIPT, PORT_ONE_SCRIPT);
    size_t count =
        port->report ? 0 : sizeof variants / sizeof *variants; /* trimmed: there already */
    for (size_t i = 0; rc == CLI_OK && i < count; i++) {
        const char *name =
            cli_format(cli, "ashore-%s%s.wasm", port->full ? "full-" : "", variants[i]);
        rc = put_as(port, name, name);
    }
    for (size_t i = 1; rc == CLI_OK && i < PREP_FILES;
         i++) { /* the script is inside of the page's */
        rc = put_as(port, prep_files[i], prep_files[i]);
    }
    for (size_t i = 0; rc == CLI_OK && i < sizeof styles / sizeof *styles; i++) {
        rc = put_as(port, cli_format(cli, "page/%s", styles[i]), styles[i]);
        cli_list_add(cli, &port->styles, styles[i]);
    }
    return rc;
}

int port_put_engine(struct port *port) {
    struct cli *cli = port->cli;
    const char *js = cli_js_dir(cli);
    if (!js) {
        return cli_give_up(cli, CLI_INTERNAL,
                           "the JavaScript package (js/index.js) is not beside the program; build "
                           "it with 'make'");
    }
    if (port->one_file) return put_inside(port);
    int rc = put_package(port, js, "ashore");
    if (rc || port->app) return rc;
    return put_package(port, cli_format(cli, "%s/page", js), "page");
}

int port_put_assets(struct port *port) {
    const struct cli_list *assets = &port->cli->options.assets;
    for (size_t i = 0; i < assets->count; i++) {
        const char *name;
        int rc = port_check_name(port, assets->items[i], &name);
        if (rc == CLI_OK) rc = port_put_file(port, assets->items[i], name);
        if (rc) return rc;
        if (strcmp(name, "index.html") == 0) port->own_page = true;
        if (cli_has_suffix(name, ".css")) cli_list_add(port->cli, &port->styles, name);
    }
    return CLI_OK;
}

static bool mentions(const struct cli_bytes *bytes, const char *word) {
    const char *at = (const char *)bytes->data, *end = at + bytes->size;
    size_t n = strlen(word);
    for (; (at = memchr(at, word[0], (size_t)(end - at))); at++) {
        if ((size_t)(end - at) < n) break;
        if (memcmp(at, word, n) == 0) return true;
    }
    return false;
}

int port_put_prep(struct port *port) {
    struct cli *cli = port->cli;
    bool used = false;
    for (size_t i = 0; i < port->count; i++) {
        const struct port_entry *e = &port->entries[i];
        bool own = strncmp(e->path, "ashore/", 7) == 0;
        bool text = port_is_module(e->path) || cli_has_suffix(e->path, ".html");
        used = used || (text && !own &&
                        (mentions(&e->bytes, "ashore/prep") ||
                         mentions(&e->bytes, "ashore/element"))); /* which loads it */
    }
    int rc = CLI_OK;
    for (int i = 0; used && rc == CLI_OK && i < PREP_FILES; i++) {
        const char *from = cli_format(cli, "%s/%s", cli_js_dir(cli), prep_files[i]);
        rc = port_put_file(port, from, cli_format(cli, "ashore/%s", prep_files[i]));
    }
    return rc;
}
