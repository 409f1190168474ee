/* ashore audit: can a Python program run in the browser? */
#include "cli.h"

static int audit(struct cli *cli) { return cli_run_python(cli, "audit"); }

const struct cli_command cli_audit = {
    .name = "audit",
    .bit = CLI_AUDIT,
    .group = "Decide",
    .usage = "[options] APP.py|PAGE.html|FOLDER",
    .summary = "say whether a Python program can run in the browser",
    .details =
        "Reads APP.py, a notebook, the programs of a page of Gradio-Lite's, or the program in\n"
        "FOLDER, and the modules of its own that it imports, without running them, and says what\n"
        "would fail in the browser: imports that are not there, or not in a version that fits;\n"
        "calls that need processes, threads, sockets, a terminal or a device; files and variables\n"
        "that are not there. It also says what leaves your hands with the page, keys, tokens and\n"
        "weights, how much a visitor downloads, and about how long the first start takes.\n"
        "\n"
        "Each finding has its file, line and rule, why, and what to do instead. A comment\n"
        "'# ashore: ignore[RULE]' on the line silences it. What the entry does not reach, or what\n"
        "only runs elsewhere (sys.platform != 'emscripten'), is no error. docs/audit.md has all\n"
        "rules. It exits with 1 when there are errors.\n",
    .examples = "  ashore audit demo.py\n"
                "  ashore audit demo --wheels wheels --json\n"
                "  ashore audit demo.py --lock pyodide/pyodide-lock.json --strict\n",
    .least = 1,
    .most = 1,
    .run = audit,
};
