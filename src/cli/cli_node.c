/* Where the JavaScript package is, and handing a command over to it. */
#include "cli.h"
#include "cli_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *cli_program_dir(struct cli *cli) {
    size_t room = 4096;
    char *path = cli_alloc(cli, room);
    ssize_t n = readlink("/proc/self/exe", path, room - 1);
    return n <= 0 ? NULL : cli_path_dir(cli, path);
}

const char *cli_js_dir(struct cli *cli) {
    const char *dir = cli_program_dir(cli);
    if (!dir) return NULL;
    const char *beside = cli_format(cli, "%s/js", dir);
    if (cli_is_file(cli_format(cli, "%s/index.js", beside))) return beside;
    const char *shared = cli_format(cli, "%s/../share/ashore/js", dir);
    return cli_is_file(cli_format(cli, "%s/index.js", shared)) ? shared : NULL;
}

/* ASHORE_NODE, the one that the build fetched, or whichever PATH finds. */
static const char *node_program(struct cli *cli) {
    const char *named = getenv("ASHORE_NODE");
    if (named && *named) return named;
    static const char *const places[] = {"node", "node/bin/node"};
    const char *dir = cli_program_dir(cli);
    for (size_t i = 0; dir && i < sizeof places / sizeof places[0]; i++) {
        const char *path = cli_format(cli, "%s/%s", dir, places[i]);
        if (cli_is_file(path) && access(path, X_OK) == 0) return path;
    }
    return "node";
}

int cli_run_node(struct cli *cli, const char *tool) {
    const char *js = cli_js_dir(cli);
    const char *script = js ? cli_format(cli, "%s/tools/%s", js, tool) : NULL;
    if (!script || !cli_is_file(script)) {
        return cli_give_up(cli, CLI_INTERNAL,
                           "--target %s needs the JavaScript package beside the program (%s is "
                           "not there); build it with 'make'",
                           cli->options.target, script ? script : "js/tools");
    }
    const char *node = node_program(cli);
    const char **args = cli_alloc(cli, ((size_t)cli->argc + 3) * sizeof *args);
    size_t count = 0;
    args[count++] = node;
    args[count++] = script;
    for (int i = 0; i < cli->argc; i++) args[count++] = cli->argv[i];
    fflush(stdout);
    execvp(node, (char *const *)(const void *)args);
    return cli_give_up(cli, CLI_INTERNAL, "cannot start Node ('%s'): %s; ASHORE_NODE names another",
                       node, strerror(errno));
}
