/* ashore port: a folder that any static host can serve, with a model, the engine and a page. */
#include "cli_foreign.h"
#include "port.h"

static int check_app(struct port *port) {
    struct cli *cli = port->cli;
    const char *app = cli->options.app;
    if (!app) return CLI_OK;
    if (port->one_file) {
        return cli_give_up(cli, CLI_USAGE,
                           "--one-file takes the page for any model; a page of one's own (--app) "
                           "needs a folder");
    }
    int rc = port_check_name(port, app, &port->app);
    if (rc || port_is_module(port->app)) return rc;
    return cli_give_up(cli, CLI_USAGE, "--app is '%s', but must be a .js or .mjs module",
                       cli_clean(cli, app));
}

static int write_folder(struct port *port) {
    struct cli *cli = port->cli;
    size_t total = 0;
    int rc = port_put_prep(port);
    if (rc == CLI_OK) rc = port_put_page(port);
    if (rc == CLI_OK) rc = port_put_headers(port);
    if (rc == CLI_OK) rc = port_put_manifest(port, &total);
    if (rc == CLI_OK) rc = port_write_all(port);
    if (rc) return rc;
    const char *dir = cli_clean(cli, port->dir);
    port_say(port,
             cli_format(cli, "%s: %zu files, %s", dir, port->count, cli_bytes_text(cli, total)),
             cli_format(cli, "serve it with: ashore site %s", dir));
    return CLI_OK;
}

static int write_one_file(struct port *port) {
    struct cli *cli = port->cli;
    int rc = port_make_one_file(port);
    if (rc == CLI_OK) rc = port_write_all(port);
    if (rc) return rc;
    port_say(port,
             cli_format(cli, "%s: one file, %s", cli_clean(cli, cli->options.out),
                        cli_bytes_text(cli, port->entries[0].bytes.size)),
             "open it in a browser; it needs no server, and runs on one thread");
    return CLI_OK;
}

static int port_model(struct cli *cli) {
    const struct cli_options *o = &cli->options;
    const struct cli_foreign *foreign = cli_foreign_find(cli, o->operands.items[0]);
    if (foreign) return cli_foreign_explain(cli, foreign, o->operands.items[0]);
    if (!o->out) {
        return cli_give_up(cli, CLI_USAGE, "-o DIR is missing (usage: ashore port %s)",
                           cli->command->usage);
    }
    struct port port = {.cli = cli, .dir = o->out, .one_file = o->one_file};
    int rc = port_check_name(&port, o->operands.items[0], &port.model);
    if (rc == CLI_OK) rc = check_app(&port);
    if (rc == CLI_OK) rc = o->one_file ? port_check_file(&port) : port_check_dir(&port);
    if (rc == CLI_OK) {
        rc = (o->trim ? port_put_trimmed : port_put_model)(&port, o->operands.items[0]);
    }
    if (rc == CLI_OK && o->app) rc = port_put_file(&port, o->app, port.app);
    if (rc == CLI_OK) rc = port_put_engine(&port);
    if (rc == CLI_OK) rc = port_put_assets(&port);
    if (rc == CLI_OK) port_count_download(&port);
    if (rc == CLI_OK) rc = o->one_file ? write_one_file(&port) : write_folder(&port);
    for (size_t i = 0; i < port.count; i++) cli_file_free(&port.entries[i].bytes);
    return rc;
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
        "manifest.json with the size and SHA-256 of each file, and of each chunk of weights. The\n"
        "modules with every operator (ashore-full-*) are there only if the model needs them,\n"
        "those of 'ashore/prep' only if the page names it.\n"
        "\n"
        "With --trim the modules hold what this model needs and take no other, and the model is\n"
        "written as they take it, with its external data in it.\n"
        "\n"
        "The page (page/) is one for any model: it takes pictures, sound, text, numbers and .npy\n"
        "files for the inputs and shows the outputs as classes, pictures, lines, tables or text.\n"
        "Of the assets it uses labels (a line or a JSON entry per class), pictures and sounds as\n"
        "samples, and style sheets.\n"
        "\n"
        "With --one-file all of that is one .html file under a policy that allows its own script\n"
        "alone: it can be sent by mail and opened from a disk.  It has no threads, since a page\n"
        "that is a file may start no workers, and is read whole before it starts: for models up\n"
        "to some 50 MB.\n"
        "\n"
        "_headers has what hosts should send, in the format that several of them read.\n"
        "\n"
        "With --app the page loads a module of one's own instead: it has an empty\n"
        "<main id=\"app\"> and names the model in <meta name=\"ashore-model\">. In modules, "
        "imports\n"
        "from 'ashore' are pointed at the folder's copy.\n",
    .examples = "  ashore port model.onnx -o site\n"
                "  ashore port model.onnx -o site --asset labels.txt --asset sample.png\n"
                "  ashore port model.onnx -o page.html --one-file\n"
                "  ashore port model.onnx -o site --app app.js --asset style.css\n"
                "  ashore port model.onnx -o site --trim\n"
                "  ashore site site\n",
    .least = 1,
    .most = 1,
    .run = port_model,
};
