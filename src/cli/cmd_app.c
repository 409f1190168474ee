/* ashore app: a Python program as a page, with the interpreter and the engine. */
#include "cli.h"

/* Options that would have no effect beside another one are mistakes. */
static const char *contradiction(const struct cli_options *o) {
    if (o->snapshot && o->no_snapshot) return "--snapshot and --no-snapshot exclude each other";
    if (!o->no_python) return NULL;
    if (o->snapshot || o->no_snapshot) {
        return "--no-python writes a page that has no Python to keep a snapshot of; leave out "
               "--snapshot and --no-snapshot";
    }
    if (o->no_audit) {
        return "--no-python refuses what it cannot follow exactly, with or without --no-audit; "
               "leave "
               "one of them out";
    }
    if (o->includes.count) {
        return "--no-python takes along what its plan reads and nothing else; leave out --include";
    }
    return NULL;
}

static int app(struct cli *cli) {
    const struct cli_options *o = &cli->options;
    if (!o->out == !o->page) {
        return cli_give_up(cli, CLI_USAGE, "%s (usage: ashore app %s)",
                           o->out ? "-o and --one-file are two ways to write it; give one"
                                  : "-o DIR or --one-file OUT.html is missing",
                           cli->command->usage);
    }
    const char *why = contradiction(o);
    if (why) return cli_give_up(cli, CLI_USAGE, "%s", why);
    return cli_run_python(cli, "app");
}

const struct cli_command cli_app = {
    .name = "app",
    .bit = CLI_APP,
    .group = "Port",
    .usage = "[options] APP.py|PAGE.html -o DIR | --one-file OUT.html",
    .summary = "write a page that runs a Python program in the browser",
    .details =
        "Writes a folder that any static host can serve, or one .html file that works from a\n"
        "disk without a network: the program APP.py, the modules of its folder that it imports,\n"
        "the files that it names, Pyodide (the interpreter), the engine, and a page that starts\n"
        "them, shows what the program prints, and its interface if it has one. In there,\n"
        "'import onnxruntime' is this engine.\n"
        "\n"
        "A file is taken along when the program names it by a string that is a path below the\n"
        "program's folder, and a model with its external data; --include adds others. What a\n"
        "browser cannot do is refused with the line that asks for it, as 'ashore audit' says;\n"
        "nothing is written then.\n"
        "\n"
        "PAGE.html is a page with <gradio-lite> elements: it stays as it is, and its programs run\n"
        "in it. What it asks for, files with url= too, has to lie beside it.\n"
        "\n"
        "Packages come from local files only: pure wheels of --wheels, or a distribution of\n"
        "Pyodide's with its lock file (--lock). Without them the standard library and the engine\n"
        "are there, and numpy is not.\n"
        "\n"
        "Where the program around the model is only standard pre- and post-processing\n"
        "(numpy, pillow, onnxruntime, an interface), --no-python writes a page that computes the\n"
        "same without Python: a tenth of the download, and no interpreter to start. It says\n"
        "what that saved; what it cannot follow exactly is refused with its line. --wheels and\n"
        "--lock are for the comparison only then, and options of Python's are refused.\n"
        "\n"
        "The folder holds manifest.json, with the size and SHA-256 of each file, and _headers,\n"
        "what hosts should send. Threads need a page that is cross-origin isolated by these\n"
        "headers ('ashore site' sends them), and are never there in one file.\n"
        "\n"
        "Python takes seconds to start. On the first visit the page keeps a snapshot of it in the\n"
        "visitor's browser, made before the program runs, and starts from there afterwards. Pages\n"
        "that were opened from a disk share what they keep with all others in Chromium, and do\n"
        "so with --snapshot only.\n",
    .examples = "  ashore app demo.py -o site\n"
                "  ashore app demo.py -o site --include samples --title 'Which digit?'\n"
                "  ashore app demo.py --one-file demo.html\n"
                "  ashore app demo.py --no-python -o site\n"
                "  ashore app article.html --one-file offline.html\n"
                "  ashore site site\n",
    .least = 1,
    .most = 1,
    .run = app,
};
