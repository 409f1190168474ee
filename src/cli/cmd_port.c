/* ashore port: a folder that any static host can serve, with a model, the engine and a page. */
#include "cli.h"
#include "cli_file.h"
#include "cli_foreign.h"
#include "cli_json.h"
#include "cli_web.h"
#include "sha256.h"

#include <string.h>

/* A file of the folder, as the manifest lists it. */
struct entry {
    const char *path;
    struct cli_bytes bytes; /* to be freed */
    char sha256[65];
};

/* Everything is read and made before anything is written. */
struct port {
    struct cli *cli;
    const char *dir, *model; /* model: its name in the folder */
    const char *app;         /* its name in the folder; NULL: the package's page */
    struct entry *entries;
    size_t count, room;
    struct cli_list styles;
    bool own_page;
    bool full; /* the model has an operator that the smaller engine lacks */
    /* external data of the model: its folder, and what is not below it */
    const char *model_dir;
    const char *bad_location;
    struct cli_list external; /* locations */
};

/* ---- the folder's files --------------------------------------------------------------------- */

/* Takes bytes in any case. */
static int put(struct port *port, const char *path, struct cli_bytes bytes) {
    struct cli *cli = port->cli;
    for (size_t i = 0; i < port->count; i++) {
        if (strcmp(port->entries[i].path, path) != 0) continue;
        cli_file_free(&bytes);
        return cli_give_up(cli, CLI_USAGE, "two files would both be %s; rename one",
                           cli_clean(cli, path));
    }
    if (port->count == port->room) {
        size_t room = port->room ? port->room * 2 : 16;
        struct entry *entries = cli_alloc(cli, room * sizeof *entries);
        if (port->count) memcpy(entries, port->entries, port->count * sizeof *entries);
        port->entries = entries;
        port->room = room;
    }
    struct entry *e = &port->entries[port->count++];
    e->path = path;
    e->bytes = bytes;
    cli_sha256(bytes.data, bytes.size, e->sha256);
    return CLI_OK;
}

static int put_text(struct port *port, const char *path, const char *text, size_t size) {
    struct cli_bytes copy = {cli_realloc(NULL, size + 1), size};
    if (!copy.data) return cli_give_up(port->cli, CLI_INTERNAL, "out of memory");
    if (size) memcpy(copy.data, text, size);
    return put(port, path, copy);
}

static int write_all(struct port *port) {
    struct cli *cli = port->cli;
    for (size_t i = 0; i < port->count; i++) {
        const struct entry *e = &port->entries[i];
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

static bool is_module(const char *name) {
    return cli_has_suffix(name, ".js") || cli_has_suffix(name, ".mjs");
}

/* Length of a bare name of the package in quotes at s ("ashore" or "ashore/inline"), else 0. */
static size_t package_name(const char *s, size_t n) {
    static const char *const parts[] = {"", "/inline", "/core", "/vision", "/ort"};
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
    return put_text(port, path, out, to);
}

/* Copies a file of the user's under its own name, or a given one. */
static int put_file(struct port *port, const char *from, const char *path) {
    struct ashore_error err = {0};
    struct cli_bytes bytes;
    if (cli_file_read(from, &bytes, &err)) return cli_report(port->cli, &err);
    if (!is_module(path) || strchr(path, '/')) return put(port, path, bytes);
    int rc = put_module(port, path, &bytes);
    cli_file_free(&bytes);
    return rc;
}

/* Names that are the same as a file, in a URL and in HTML. */
static int check_name(struct port *port, const char *path, const char **name) {
    *name = cli_path_name(path);
    if (**name && **name != '.' && strcmp(cli_safe_name(port->cli, *name, ""), *name) == 0) {
        static const char *const taken[] = {"ashore", "page", "manifest.json"};
        size_t i = 0;
        while (i < sizeof taken / sizeof taken[0] && strcmp(*name, taken[i]) != 0) i++;
        if (i == sizeof taken / sizeof taken[0]) return CLI_OK;
        return cli_give_up(port->cli, CLI_USAGE, "the name %s is taken; rename the file", *name);
    }
    return cli_give_up(port->cli, CLI_USAGE,
                       "%s: the name must be of letters, digits, '.', '-' and '_'; rename the file",
                       cli_clean(port->cli, path));
}

/* ---- the parts ------------------------------------------------------------------------------ */

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
            put(port, cli_format(cli, "%s", location), bytes)) {
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
static int put_model(struct port *port, const char *from) {
    struct cli *cli = port->cli;
    struct ashore_error err = {0};
    struct cli_bytes bytes;
    if (cli_file_read(from, &bytes, &err)) return cli_report(cli, &err);
    int rc = put(port, port->model, bytes);
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
    ashore_model_destroy(&model);
    if (rc == ASHORE_OK) return CLI_OK;
    if (!port->bad_location) return cli_report(cli, &err);
    return cli_give_up(cli, CLI_INPUT, "%s: external data outside of the model's folder: %s",
                       cli_clean(cli, from), cli_clean(cli, port->bad_location));
}

/* Scripts, styles and modules of a folder of the JavaScript package, as the folder `to`. */
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
        if (kind == 3 || (!port->full && strncmp(name, "ashore-full-", 12) == 0)) continue;
        int rc = put_file(port, cli_format(cli, "%s/%s", from, name),
                          cli_format(cli, "%s/%s", to, name));
        if (rc) return rc;
        if (cli_has_suffix(name, ".css"))
            cli_list_add(cli, &port->styles, cli_format(cli, "%s/%s", to, name));
    }
    return CLI_OK;
}

static int put_engine(struct port *port) {
    struct cli *cli = port->cli;
    const char *js = cli_js_dir(cli);
    if (!js) {
        return cli_give_up(cli, CLI_INTERNAL,
                           "the JavaScript package (js/index.js) is not beside the program; build "
                           "it with 'make'");
    }
    int rc = put_package(port, js, "ashore");
    if (rc || port->app) return rc;
    return put_package(port, cli_format(cli, "%s/page", js), "page");
}

static int put_assets(struct port *port) {
    const struct cli_list *assets = &port->cli->options.assets;
    for (size_t i = 0; i < assets->count; i++) {
        const char *name;
        int rc = check_name(port, assets->items[i], &name);
        if (rc == CLI_OK) rc = put_file(port, assets->items[i], name);
        if (rc) return rc;
        if (strcmp(name, "index.html") == 0) port->own_page = true;
        if (cli_has_suffix(name, ".css")) cli_list_add(port->cli, &port->styles, name);
    }
    return CLI_OK;
}

static int put_page(struct port *port) {
    if (port->own_page) return CLI_OK;
    struct cli *cli = port->cli;
    const char *styles = "";
    for (size_t i = 0; i < port->styles.count; i++) {
        styles = cli_format(cli, "%s<link rel=\"stylesheet\" href=\"./%s\">\n", styles,
                            port->styles.items[i]);
    }
    const char *page = cli_format(
        cli,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"ashore-model\" content=\"./%s\">\n"
        "<title>%s</title>\n%s<script type=\"module\" src=\"./%s\"></script>\n</head>\n"
        "<body>\n<main id=\"app\"></main>\n</body>\n</html>\n",
        CLI_CSP, port->model, port->model, styles, port->app ? port->app : "page/main.js");
    return put_text(port, "index.html", page, strlen(page));
}

/* The last file, so that a folder with a manifest is a whole one. */
static int put_manifest(struct port *port, size_t *total) {
    json_t *object = json_object(), *files = json_array(), *external = json_array();
    *total = 0;
    for (size_t i = 0; i < port->external.count; i++) {
        json_array_append_new(external, cli_json_text(port->external.items[i]));
    }
    for (size_t i = 0; i < port->count; i++) {
        const struct entry *e = &port->entries[i];
        json_t *file = json_object();
        json_object_set_new(file, "path", cli_json_text(e->path));
        json_object_set_new(file, "bytes", cli_json_count(e->bytes.size));
        json_object_set_new(file, "sha256", json_string(e->sha256));
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
    int rc = put_text(port, "manifest.json", text, n + 1);
    cli_realloc(text, 0);
    return rc;
}

/* Not into a folder that holds something else. */
static int check_dir(struct port *port) {
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

static int port_model(struct cli *cli) {
    const struct cli_options *o = &cli->options;
    const struct cli_foreign *foreign = cli_foreign_find(cli, o->operands.items[0]);
    if (foreign) return cli_foreign_explain(cli, foreign, o->operands.items[0]);
    if (!o->out) {
        return cli_give_up(cli, CLI_USAGE, "-o DIR is missing (usage: ashore port %s)",
                           cli->command->usage);
    }
    struct port port = {.cli = cli, .dir = o->out};
    int rc = check_name(&port, o->operands.items[0], &port.model);
    if (rc == CLI_OK && o->app) rc = check_name(&port, o->app, &port.app);
    if (rc == CLI_OK && o->app && !is_module(port.app)) {
        rc = cli_give_up(cli, CLI_USAGE, "--app is '%s', but must be a .js or .mjs module",
                         cli_clean(cli, o->app));
    }
    size_t total = 0;
    if (rc == CLI_OK) rc = check_dir(&port);
    if (rc == CLI_OK) rc = put_model(&port, o->operands.items[0]);
    if (rc == CLI_OK && o->app) rc = put_file(&port, o->app, port.app);
    if (rc == CLI_OK) rc = put_engine(&port);
    if (rc == CLI_OK) rc = put_assets(&port);
    if (rc == CLI_OK) rc = put_page(&port);
    if (rc == CLI_OK) rc = put_manifest(&port, &total);
    if (rc == CLI_OK) rc = write_all(&port);
    for (size_t i = 0; i < port.count; i++) cli_file_free(&port.entries[i].bytes);
    if (rc) return rc;
    printf("%s: %zu files, %s\nserve it with: ashore site %s\n", cli_clean(cli, port.dir),
           port.count, cli_bytes_text(cli, total), cli_clean(cli, port.dir));
    return CLI_OK;
}

const struct cli_command cli_port = {
    .name = "port",
    .bit = CLI_PORT,
    .group = "Port",
    .usage = "[options] MODEL -o DIR",
    .summary = "write a page that runs a model in the browser",
    .details =
        "Writes a folder that any static host can serve: the model with its external data, the\n"
        "engine (ashore/), an index.html under a strict content security policy, and last\n"
        "manifest.json with the size and SHA-256 of each file. The modules with every operator\n"
        "(ashore-full-*) are there only if the model needs them.\n"
        "\n"
        "The page (page/) is one for any model: it takes pictures, sound, text, numbers and .npy\n"
        "files for the inputs and shows the outputs as classes, pictures, lines, tables or text.\n"
        "Of the assets it uses labels (a line or a JSON entry per class), pictures and sounds as\n"
        "samples, and style sheets.\n"
        "\n"
        "With --app the page loads a module of one's own instead: it has an empty\n"
        "<main id=\"app\"> and names the model in <meta name=\"ashore-model\">. In modules, "
        "imports\n"
        "from 'ashore' are pointed at the folder's copy.\n",
    .examples = "  ashore port model.onnx -o site\n"
                "  ashore port model.onnx -o site --asset labels.txt --asset sample.png\n"
                "  ashore port model.onnx -o site --app app.js --asset style.css\n"
                "  ashore site site\n",
    .least = 1,
    .most = 1,
    .run = port_model,
};
