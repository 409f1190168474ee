/* `ashore port --trim`: modules with no more than the model needs, and the model as they take it,
 * made by Node in a folder of its own. */
#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void remove_folder(struct cli *cli, const char *folder) {
    struct cli_list names = {0};
    if (cli_list_dir(cli, folder, &names, NULL) == ASHORE_OK) {
        for (size_t i = 0; i < names.count; i++) {
            unlink(cli_format(cli, "%s/%s", folder, names.items[i]));
        }
    }
    rmdir(folder);
}

/* Node says on stderr what is wrong, and on stdout how large things are. */
static int run_trim(struct port *port, const char *from, const char *folder) {
    struct cli *cli = port->cli;
    const char *script;
    int rc = cli_node_tool(cli, "--trim", "trim.mjs", &script);
    if (rc) return rc;
    const char *argv[] = {cli_node_program(cli), script, "-o", folder, "--", from, NULL};
    int status;
    rc = cli_node_output(cli, argv, &port->report, &status);
    if (rc || status == 0) return rc;
    cli_give_up(cli, status, "%s: no engine was trimmed to it", cli_clean(cli, from));
    return status;
}

/* The weights as they were given: what is made of the model is for those modules alone. */
static int count_weights(struct port *port, const char *from) {
    struct ashore_error err = {0};
    ashore_model *model = NULL;
    if (ashore_model_load_file(from, NULL, &model, &err)) return cli_report(port->cli, &err);
    port_count_weights(port, model);
    ashore_model_destroy(&model);
    return CLI_OK;
}

/* One file runs on one thread, and has no folders. */
static int put_made(struct port *port, const char *from, const char *folder) {
    struct cli *cli = port->cli;
    struct ashore_error err = {0};
    struct cli_list names = {0};
    if (cli_list_dir(cli, folder, &names, &err)) return cli_report(cli, &err);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        bool model = strcmp(name, cli_path_name(from)) == 0;
        if (port->one_file && cli_has_suffix(name, "-mt.wasm")) continue;
        struct cli_bytes bytes;
        if (cli_file_read(cli_format(cli, "%s/%s", folder, name), &bytes, &err))
            return cli_report(cli, &err);
        const char *to = model            ? port->model
                         : port->one_file ? cli_format(cli, "%s", name)
                                          : cli_format(cli, "ashore/%s", name);
        int rc = port_put(port, to, bytes);
        if (rc) return rc;
    }
    return CLI_OK;
}

int port_put_trimmed(struct port *port, const char *from) {
    struct cli *cli = port->cli;
    const char *temporary = getenv("TMPDIR");
    char *folder =
        cli_format(cli, "%s/ashore-trim-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) {
        return cli_give_up(cli, CLI_INTERNAL, "no folder for the engine, %s: %s",
                           cli_clean(cli, folder), strerror(errno));
    }
    int rc = run_trim(port, from, folder);
    if (rc == CLI_OK) rc = count_weights(port, from);
    if (rc == CLI_OK) rc = put_made(port, from, folder);
    remove_folder(cli, folder);
    return rc;
}
