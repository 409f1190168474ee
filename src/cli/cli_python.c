/* Handing a command over to the tools that are written in Python. */
#include "cli.h"
#include "cli_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char start_file[] = "ashore_tools/start.py";

/* Beside the program, in the source tree that it was built in, or in the prefix it is installed
 * in. */
static const char *find_start(struct cli *cli) {
    static const char *const places[] = {"python", "../tools", "../share/ashore/python"};
    const char *dir = cli_program_dir(cli);
    for (size_t i = 0; dir && i < sizeof places / sizeof places[0]; i++) {
        const char *path = cli_format(cli, "%s/%s/%s", dir, places[i], start_file);
        if (cli_is_file(path)) return path;
    }
    return NULL;
}

/* What tools ask of the program, and where the package lies that belongs to it. */
static int tell_places(struct cli *cli) {
    const char *dir = cli_program_dir(cli), *js = cli_js_dir(cli);
    size_t room = 4096;
    char *program = cli_alloc(cli, room);
    ssize_t n = readlink("/proc/self/exe", program, room - 1);
    if (n <= 0 || !dir) return cli_give_up(cli, CLI_INTERNAL, "/proc does not name this program");
    int rc = setenv("ASHORE_PROGRAM", program, 1);
    if (rc == 0) rc = js ? setenv("ASHORE_JS", js, 1) : unsetenv("ASHORE_JS");
    return rc ? cli_give_up(cli, CLI_INTERNAL, "no environment: %s", strerror(errno)) : CLI_OK;
}

int cli_run_python(struct cli *cli, const char *tool) {
    const char *start = find_start(cli);
    if (!start) {
        return cli_give_up(cli, CLI_INTERNAL,
                           "the tools in Python (%s) are not beside the program; 'make install' "
                           "puts them there",
                           start_file);
    }
    int rc = tell_places(cli);
    if (rc) return rc;
    const char *named = getenv("ASHORE_PYTHON");
    const char *python = named && *named ? named : "python3";
    /* Isolated: neither the folder that the user is in nor his settings may stand in for modules of
     * the tools; nothing is written beside them. */
    const char *const first[] = {python, "-I", "-B", "-X", "utf8", start, tool};
    size_t count = sizeof first / sizeof first[0];
    const char **args = cli_alloc(cli, (count + (size_t)cli->argc + 1) * sizeof *args);
    memcpy(args, first, sizeof first);
    for (int i = 0; i < cli->argc; i++) args[count++] = cli->argv[i];
    fflush(stdout);
    execvp(python, (char *const *)(const void *)args);
    return cli_give_up(
        cli, CLI_INTERNAL,
        "cannot start Python ('%s'): %s; install Python 3.9 or newer, or name one in "
        "ASHORE_PYTHON",
        python, strerror(errno));
}
