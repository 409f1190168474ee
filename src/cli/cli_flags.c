#include "cli_flags.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum flag_kind {
    FLAG_SWITCH,
    FLAG_TEXT,
    FLAG_LIST,  /* may be given many times */
    FLAG_INT,   /* most: the greatest value */
    FLAG_REAL,  /* 0 or more */
    FLAG_CHOICE /* value: the words, "native|wasm" */
};

struct flag {
    const char *name;
    char letter;
    const char *value; /* what the help calls the value */
    enum flag_kind kind;
    size_t at; /* in struct cli_options */
    int64_t most;
    unsigned commands;
    const char *help; /* lines */
};

#define AT(field) offsetof(struct cli_options, field)
static const struct flag flags[] = {
    {"input", 'i', "NAME=FILE", FLAG_LIST, AT(inputs), 0, CLI_RUN,
     "an input from a .npy file or an ONNX TensorProto\n"
     "(.pb); NAME= may be left out when there is one input"},
    {"output", 'o', "DIR", FLAG_TEXT, AT(out), 0, CLI_RUN, "write each output to DIR/NAME.npy"},
    {"output", 'o', "DIR", FLAG_TEXT, AT(out), 0, CLI_PORT,
     "the folder, or with --one-file the .html to write\n(required)"},
    {"output", 'o', "DIR", FLAG_TEXT, AT(out), 0, CLI_APP,
     "the folder: a new one, an empty one, or one that\n"
     "'ashore app' has written"},
    {"one-file", 0, "OUT.html", FLAG_TEXT, AT(page), 0, CLI_APP,
     "write one .html with everything in it instead, which\n"
     "works without a server"},
    {"include", 0, "PATH", FLAG_LIST, AT(includes), 0, CLI_APP,
     "a further file, or a folder with all that is in it,\n"
     "below the program's folder; may be given many times"},
    {"title", 0, "TEXT", FLAG_TEXT, AT(title), 0, CLI_APP,
     "the page's title (default: the program's name)"},
    {"wheels", 0, "DIR", FLAG_LIST, AT(wheels), 0, CLI_APP | CLI_AUDIT,
     "a folder with wheels that imports may be taken from; may\n"
     "be given many times"},
    {"lock", 0, "FILE", FLAG_TEXT, AT(lock), 0, CLI_APP | CLI_AUDIT,
     "the pyodide-lock.json of a local distribution, whose\n"
     "packages imports may be taken from, by its hashes"},
    {"requirements", 0, "FILE", FLAG_LIST, AT(requirements), 0, CLI_AUDIT,
     "what the program needs (default: requirements.txt beside\n"
     "it); may be given many times"},
    {"include", 0, "PATH", FLAG_LIST, AT(includes), 0, CLI_AUDIT,
     "a further file or folder that the app will have; may be\n"
     "given many times"},
    {"entry", 0, "FILE", FLAG_TEXT, AT(entry), 0, CLI_AUDIT,
     "which file of FOLDER is run (default: app.py, main.py,\n"
     "__main__.py, run.py or demo.py; in a package, all are)"},
    {"strict", 0, NULL, FLAG_SWITCH, AT(strict), 0, CLI_AUDIT, "exit with 1 for warnings, too"},
    {"no-audit", 0, NULL, FLAG_SWITCH, AT(no_audit), 0, CLI_APP,
     "build what 'ashore audit' would refuse"},
    {"no-python", 0, NULL, FLAG_SWITCH, AT(no_python), 0, CLI_APP,
     "write the page without Python, where the program around the\n"
     "model is only standard pre- and post-processing"},
    {"snapshot", 0, NULL, FLAG_SWITCH, AT(snapshot), 0, CLI_APP,
     "let pages that were opened from a disk keep a snapshot\n"
     "of Python for a faster start, as served pages do"},
    {"no-snapshot", 0, NULL, FLAG_SWITCH, AT(no_snapshot), 0, CLI_APP, "let no page keep one"},
    {"app", 0, "APP.js", FLAG_TEXT, AT(app), 0, CLI_PORT,
     "a module of one's own instead of the page for any model"},
    {"asset", 0, "FILE", FLAG_LIST, AT(assets), 0, CLI_PORT,
     "a further file for the folder; .css is linked from the\n"
     "page, index.html replaces it; may be given many times"},
    {"one-file", 0, NULL, FLAG_SWITCH, AT(one_file), 0, CLI_PORT,
     "write one .html with everything in it, which works\n"
     "without a server"},
    {"trim", 0, NULL, FLAG_SWITCH, AT(trim), 0, CLI_PORT,
     "an engine with no more than this model needs, made by\n"
     "Node, and the model as that takes it"},
    {"force", 0, NULL, FLAG_SWITCH, AT(force), 0, CLI_PORT,
     "write into a folder that holds other files, or over a\n"
     "file that is not of 'ashore port'"},
    {"dim", 0, "N=V", FLAG_LIST, AT(dims), 0, CLI_INSPECT | CLI_BENCH,
     "the extent V of the symbolic dimension N; of a nameless\n"
     "one, INPUT:AXIS=V; may be given many times"},
    {"dim", 0, "N=V", FLAG_LIST, AT(dims), 0, CLI_RUN,
     "insist that the symbolic dimension N (or INPUT:AXIS) is\n"
     "V in the inputs; may be given many times"},
    {"rtol", 0, "R", FLAG_REAL, AT(rtol), 0, CLI_VERIFY,
     "relative tolerance (default 1e-3; integers: 0)"},
    {"atol", 0, "A", FLAG_REAL, AT(atol), 0, CLI_VERIFY,
     "absolute tolerance (default 1e-7; integers: 0)"},
    {"strict", 0, NULL, FLAG_SWITCH, AT(strict), 0, CLI_VERIFY,
     "what is not supported counts as failed, not as skipped"},
    {"target", 0, "native|wasm|browser", FLAG_CHOICE, AT(target), 0, CLI_VERIFY | CLI_BENCH,
     "the engine to use: this program's (default), or the\n"
     "WebAssembly one under Node or in Chromium, which needs\n"
     "the npm package playwright-core"},
    {"runs", 0, "N", FLAG_INT, AT(runs), 1000000, CLI_BENCH, "timed runs (default 20)"},
    {"threads", 0, "N", FLAG_INT, AT(threads), 1024, CLI_RUN | CLI_BENCH,
     "threads to use (default 0: all cores)"},
    {"threads", 0, "N", FLAG_INT, AT(threads), 1024, CLI_VERIFY,
     "threads to use (default 1; 0: all cores)"},
    {"per-op", 0, NULL, FLAG_SWITCH, AT(per_op), 0, CLI_BENCH,
     "also say where the time goes, by operator and by node"},
    {"port", 0, "N", FLAG_INT, AT(port), 65535, CLI_SITE,
     "port to listen on (default 8080; 0: any that is free)"},
    {"target", 0, "WHAT=LIMIT", FLAG_LIST, AT(targets), 0, CLI_ASSESS,
     "what has to be reached (required): p99=40ms, p50=,\n"
     "throughput=500, memory=200MB, cold-start=300ms,\n"
     "download=2MB, cost=0.20/1k (with --price), client (it has\n"
     "to run on the user's device); may be given many times"},
    {"rate", 0, "N", FLAG_REAL, AT(rate), 0, CLI_ASSESS,
     "requests per second at which the targets hold; without\n"
     "it one request follows the other"},
    {"mode", 0, "open|single|offline", FLAG_CHOICE, AT(mode), 0, CLI_ASSESS,
     "how requests come: at --rate whatever the program does\n"
     "(default with a rate), one after the other (default\n"
     "without), or as many as it answers on --connections"},
    {"connections", 0, "N", FLAG_INT, AT(connections), 10000, CLI_ASSESS,
     "the most at a time (default 256)"},
    {"seed", 0, "N", FLAG_INT, AT(seed), INT64_MAX, CLI_ASSESS,
     "of the times at which requests are due (default 1)"},
    {"url", 0, "URL", FLAG_TEXT, AT(url), 0, CLI_ASSESS,
     "where the program answers (default: / on the port on\n"
     "which it listens)"},
    {"method", 0, "NAME", FLAG_TEXT, AT(method), 0, CLI_ASSESS,
     "of the requests (default GET, with --body POST)"},
    {"header", 0, "NAME: VALUE", FLAG_LIST, AT(headers), 0, CLI_ASSESS,
     "sent with each request; may be given many times"},
    {"body", 0, "TEXT|@FILE", FLAG_LIST, AT(bodies), 0, CLI_ASSESS,
     "sent with each request; of several, each in turn"},
    {"timeout", 0, "S", FLAG_REAL, AT(timeout), 0, CLI_ASSESS,
     "seconds until a request has failed (default 10)"},
    {"startup", 0, "S", FLAG_REAL, AT(startup), 0, CLI_ASSESS,
     "seconds that the program may take until it answers\n"
     "(default 60)"},
    {"seconds", 0, "S", FLAG_REAL, AT(seconds), 0, CLI_ASSESS,
     "length of the run at the rate (default 10, or what the\n"
     "percentile needs, 120 at most); of a program that serves\n"
     "nobody, when to stop it (default: at its own end)"},
    {"no-sweep", 0, NULL, FLAG_SWITCH, AT(no_sweep), 0, CLI_ASSESS,
     "do not look for the rate that the program can keep up with"},
    {"call", 0, "MODULE:FUNCTION", FLAG_TEXT, AT(call), 0, CLI_ASSESS,
     "call that, in the Python named after --, in place of HTTP"},
    {"import", 0, "FILE", FLAG_TEXT, AT(import), 0, CLI_ASSESS,
     "a profile made by py-spy (speedscope), torch.profiler or\n"
     "onnxruntime, in place of our own"},
    {"rules", 0, "FILE", FLAG_TEXT, AT(rules), 0, CLI_ASSESS,
     "which shared objects and functions are compute, io, ..."},
    {"hz", 0, "N", FLAG_INT, AT(hz), 1000, CLI_ASSESS, "samples per second (default 99)"},
    {"model", 0, "FILE", FLAG_TEXT, AT(model), 0, CLI_ASSESS,
     "the ONNX model that the program runs: also measured alone,\n"
     "natively and in WebAssembly"},
    {"dim", 0, "N=V", FLAG_LIST, AT(dims), 0, CLI_ASSESS,
     "the extent V of the model's dimension N; as in bench"},
    {"price", 0, "P/core-hour", FLAG_TEXT, AT(price), 0, CLI_ASSESS,
     "what a core costs: 0.17/core-hour"},
    {"port-days", 0, "N", FLAG_REAL, AT(port_days), 0, CLI_ASSESS,
     "days of work a port would take"},
    {"upkeep-days-per-year", 0, "N", FLAG_REAL, AT(upkeep_days), 0, CLI_ASSESS,
     "days a year a second path would take"},
    {"day-cost", 0, "N", FLAG_REAL, AT(day_cost), 0, CLI_ASSESS, "what a day of work costs"},
    {"output", 'o', "DIR", FLAG_TEXT, AT(out), 0, CLI_ASSESS,
     "write report.html, report.json, profile.speedscope.json\n"
     "and trace.perfetto to DIR"},
    {"json", 0, NULL, FLAG_SWITCH, AT(json), 0,
     CLI_INSPECT | CLI_RUN | CLI_VERIFY | CLI_BENCH | CLI_ASSESS | CLI_AUDIT,
     "print one JSON object instead of text"},
    {"cpu", 0, "NAMES", FLAG_TEXT, AT(cpu), 0, CLI_INSPECT | CLI_RUN | CLI_VERIFY | CLI_BENCH,
     "use only these instruction sets: avx2, none, ...; in\nWebAssembly relaxed, simd128 or none"},
    {"help", 'h', NULL, FLAG_SWITCH, AT(help), 0, CLI_ALL, "this text"},
};
enum { FLAG_COUNT = sizeof flags / sizeof flags[0] };

/* ---- suggestions ---------------------------------------------------------------------------- */

/* Insertions, deletions and replacements that turn a into b; words are cut to 31 letters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[32];
    size_t nb = strlen(b) < 31 ? strlen(b) : 31;
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; a[i - 1] && i < 32; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[nb];
}

const char *cli_nearest(const char *typed, const char *const *words, size_t count) {
    const char *best = NULL;
    size_t least = 3;
    for (size_t i = 0; i < count; i++) {
        size_t d = edit_distance(typed, words[i]);
        if (d < least && d < strlen(words[i])) {
            least = d;
            best = words[i];
        }
    }
    return best;
}

/* ---- parsing -------------------------------------------------------------------------------- */

static const struct flag *find_flag(unsigned command, const char *name, size_t length,
                                    char letter) {
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *f = &flags[i];
        if (!(f->commands & command)) continue;
        if (letter ? f->letter == letter
                   : strlen(f->name) == length && memcmp(f->name, name, length) == 0) {
            return f;
        }
    }
    return NULL;
}

static int unknown_flag(struct cli *cli, const char *typed) {
    const char *name = cli->command->name;
    const char *words[FLAG_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (flags[i].commands & cli->command->bit) words[count++] = flags[i].name;
    }
    const char *near = strncmp(typed, "--", 2) == 0 ? cli_nearest(typed + 2, words, count) : NULL;
    if (near) {
        return cli_give_up(cli, CLI_USAGE, "unknown option '%s'; did you mean --%s?",
                           cli_clean(cli, typed), near);
    }
    return cli_give_up(cli, CLI_USAGE, "unknown option '%s' (see 'ashore %s --help')",
                       cli_clean(cli, typed), name);
}

static int bad_value(struct cli *cli, const struct flag *f, const char *value, const char *want) {
    return cli_give_up(cli, CLI_USAGE, "--%s is '%s', but must be %s", f->name,
                       cli_clean(cli, value), want);
}

static bool at_least_one(const struct flag *f) {
    return f->at == AT(runs) || f->at == AT(hz) || f->at == AT(connections);
}

static int set_number(struct cli *cli, const struct flag *f, const char *value) {
    char *field = (char *)&cli->options + f->at, *end;
    errno = 0;
    if (f->kind == FLAG_INT) {
        long long n = strtoll(value, &end, 10);
        if (end == value || *end || errno || n < 0 || n > f->most || (at_least_one(f) && n == 0)) {
            const char *want = cli_format(cli, "a whole number from %d to %lld", at_least_one(f),
                                          (long long)f->most);
            return bad_value(cli, f, value, want);
        }
        *(int64_t *)(void *)field = n;
        return CLI_OK;
    }
    double d = strtod(value, &end);
    if (end == value || *end || !isfinite(d) || d < 0.0) {
        return bad_value(cli, f, value, "a number of 0 or more");
    }
    *(double *)(void *)field = d;
    return CLI_OK;
}

static bool is_choice(const char *words, const char *value) {
    size_t n = strlen(value);
    for (const char *w = words; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL) {
        if (n > 0 && strncmp(w, value, n) == 0 && (w[n] == '|' || w[n] == '\0')) return true;
    }
    return false;
}

static int set_flag(struct cli *cli, const struct flag *f, const char *value) {
    char *field = (char *)&cli->options + f->at;
    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)(void *)field = true;
        return CLI_OK;
    case FLAG_LIST:
        cli_list_add(cli, (struct cli_list *)(void *)field, value);
        return CLI_OK;
    case FLAG_INT:
    case FLAG_REAL:
        return set_number(cli, f, value);
    case FLAG_CHOICE:
        if (!is_choice(f->value, value)) return bad_value(cli, f, value, f->value);
        break;
    case FLAG_TEXT:
        if (!*value) return bad_value(cli, f, value, "something");
        break;
    }
    *(const char **)(void *)field = value;
    return CLI_OK;
}

/* One argument that begins with '-'; *i moves on when its value is the next one. */
static int parse_flag(struct cli *cli, int *i) {
    const char *arg = cli->argv[*i], *value = NULL;
    const struct flag *f;
    if (arg[1] == '-') {
        size_t length = strcspn(arg + 2, "=");
        f = find_flag(cli->command->bit, arg + 2, length, 0);
        if (arg[2 + length]) value = arg + 2 + length + 1;
    } else {
        f = find_flag(cli->command->bit, "", 0, arg[1]);
        if (arg[2]) value = arg + 2;
    }
    if (!f) return unknown_flag(cli, arg);
    if (f->kind == FLAG_SWITCH) {
        if (value) {
            return cli_give_up(cli, CLI_USAGE, "option '%s' takes no value", cli_clean(cli, arg));
        }
    } else if (!value) {
        if (*i + 1 >= cli->argc) {
            return cli_give_up(cli, CLI_USAGE, "--%s needs a value: --%s %s", f->name, f->name,
                               f->value);
        }
        value = cli->argv[++*i];
    }
    return set_flag(cli, f, value);
}

int cli_flags_parse(struct cli *cli) {
    struct cli_options *o = &cli->options;
    *o = (struct cli_options){.threads = -1,
                              .runs = -1,
                              .port = -1,
                              .rtol = -1,
                              .atol = -1,
                              .hz = -1,
                              .connections = -1,
                              .seed = -1,
                              .rate = -1,
                              .seconds = -1,
                              .timeout = -1,
                              .startup = -1,
                              .port_days = -1,
                              .upkeep_days = -1,
                              .day_cost = -1};
    bool only_operands = false;
    for (int i = 0; i < cli->argc; i++) {
        const char *arg = cli->argv[i];
        if (!only_operands && strcmp(arg, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && arg[0] == '-' && arg[1]) {
            int rc = parse_flag(cli, &i);
            if (rc) return rc;
            if (o->help) return CLI_OK;
        } else {
            cli_list_add(cli, &o->operands, arg);
        }
    }
    const struct cli_command *c = cli->command;
    if (o->operands.count < c->least) {
        return cli_give_up(cli, CLI_USAGE, "usage: ashore %s %s", c->name, c->usage);
    }
    if (o->operands.count > c->most) {
        return cli_give_up(cli, CLI_USAGE, "'%s' is one argument too many (usage: ashore %s %s)",
                           cli_clean(cli, o->operands.items[c->most]), c->name, c->usage);
    }
    return CLI_OK;
}

void cli_flags_help(FILE *to, unsigned command) {
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *f = &flags[i];
        if (!(f->commands & command)) continue;
        char left[64];
        snprintf(left, sizeof left, "%c%c%c --%s%s%s", f->letter ? '-' : ' ',
                 f->letter ? f->letter : ' ', f->letter ? ',' : ' ', f->name, f->value ? " " : "",
                 f->value ? f->value : "");
        fprintf(to, "  %-25s ", left);
        for (const char *h = f->help; *h; h++) {
            fputc(*h, to);
            if (*h == '\n') fprintf(to, "%28s", "");
        }
        fputc('\n', to);
    }
}
