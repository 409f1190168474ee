/* Where the JavaScript package is, and handing a command over to it. */
#include "cli.h"
#include "cli_file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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
const char *cli_node_program(struct cli *cli) {
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

int cli_node_tool(struct cli *cli, const char *option, const char *tool, const char **script) {
    const char *js = cli_js_dir(cli);
    *script = js ? cli_format(cli, "%s/tools/%s", js, tool) : NULL;
    if (*script && cli_is_file(*script)) return CLI_OK;
    return cli_give_up(cli, CLI_INTERNAL,
                       "%s needs the JavaScript package beside the program (%s is not there); "
                       "build it with 'make'",
                       option, *script ? *script : "js/tools");
}

int cli_run_node(struct cli *cli, const char *tool) {
    const char *script;
    int rc = cli_node_tool(cli, cli_format(cli, "--target %s", cli->options.target), tool, &script);
    if (rc) return rc;
    const char *node = cli_node_program(cli);
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

static const char *read_all(struct cli *cli, int from) {
    char *text = cli_alloc(cli, 1);
    size_t size = 0, room = 0;
    for (;;) {
        if (size == room) {
            room = room ? 2 * room : 4096;
            char *more = cli_alloc(cli, room + 1);
            memcpy(more, text, size);
            text = more;
        }
        ssize_t n = read(from, text + size, room - size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        size += (size_t)n;
    }
    text[size] = '\0';
    return text;
}

int cli_node_output(struct cli *cli, const char *const *argv, const char **text, int *status) {
    int ends[2], code = 0;
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    fflush(stdout);
    if (pipe(ends)) return cli_give_up(cli, CLI_INTERNAL, "no pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    int rc =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(const void *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *text = rc == 0 ? read_all(cli, ends[0]) : "";
    close(ends[0]);
    if (rc) {
        return cli_give_up(cli, CLI_INTERNAL,
                           "cannot start Node ('%s'): %s; ASHORE_NODE names another", argv[0],
                           strerror(rc));
    }
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) continue;
    *status = WIFEXITED(code) ? WEXITSTATUS(code) : CLI_INTERNAL;
    return CLI_OK;
}
