/* The program around the engine: what its commands share.
 *
 * A command is one file, cmd_NAME.c, that exports its row (struct cli_command); its options are
 * rows of the table in cli_flags.c.  Data goes to stdout, everything said about it to stderr. */
#ifndef ASH_CLI_H
#define ASH_CLI_H

#include "ashore/ashore.h"
#include "cli_base.h"

#include <stdbool.h>
#include <stdio.h>

/* Exit codes, as documented in every help text. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,     /* a verification failed, or an assessment has no verdict */
    CLI_USAGE = 2,      /* the command line is wrong */
    CLI_INPUT = 3,      /* a model or file cannot be read, is malformed or does not fit */
    CLI_INTERNAL = 4,   /* out of memory, a limit, output that cannot be written, a bug */
    CLI_UNSUPPORTED = 5 /* the model needs an operator, type or feature that is not there */
};

/* One bit per command, for the table of options. */
enum cli_command_bit {
    CLI_INSPECT = 1 << 0,
    CLI_RUN = 1 << 1,
    CLI_VERIFY = 1 << 2,
    CLI_BENCH = 1 << 3,
    CLI_PORT = 1 << 4,
    CLI_SITE = 1 << 5,
    CLI_ASSESS = 1 << 6,
    CLI_APP = 1 << 7,
    CLI_AUDIT = 1 << 8,
    CLI_ALL = (1 << 9) - 1
};

struct cli_list {
    const char **items;
    size_t count;
};

/* Where the options' values go; each field is named by a row in cli_flags.c. */
struct cli_options {
    struct cli_list operands, inputs, dims, assets, targets, headers, bodies, includes,
        requirements, wheels;
    const char *out, *app, *cpu, *target;
    const char *page, *lock, *title, *entry;
    const char *url, *method, *mode, *call, *import, *rules, *model, *price;
    int64_t threads, runs, port, hz, connections, seed;                       /* -1: not given */
    double rtol, atol;                                                        /* -1: not given */
    double rate, seconds, timeout, startup, port_days, upkeep_days, day_cost; /* the same */
    bool json, per_op, force, one_file, trim, strict, no_sweep, no_audit, no_python, help;
    bool snapshot, no_snapshot;
};

struct cli {
    const struct cli_command *command;
    struct cli_options options;
    int argc; /* the arguments after the command's name */
    char **argv;
    struct cli_block *blocks; /* see cli_alloc */
};

struct cli_command {
    const char *name;
    unsigned bit;        /* enum cli_command_bit */
    const char *group;   /* "Measure" */
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *details; /* paragraphs */
    const char *examples;
    size_t least, most; /* operands */
    int (*run)(struct cli *cli);
};
extern const struct cli_command cli_inspect, cli_run, cli_verify, cli_bench, cli_port, cli_site,
    cli_assess, cli_app, cli_audit;

/* ---- memory: kept until the program ends; does not return when there is none ----------------- */

void *cli_alloc(struct cli *cli, size_t size); /* cleared */
char *cli_format(struct cli *cli, const char *fmt, ...) CLI_PRINTF(2, 3);
void cli_list_add(struct cli *cli, struct cli_list *list, const char *item);
void cli_free_all(struct cli *cli);

/* ---- text ----------------------------------------------------------------------------------- */

/* Names come out of files and go to terminals: control characters and bytes that are not UTF-8
 * become \xNN.  Returns s itself where there are none. */
const char *cli_clean(struct cli *cli, const char *s);
/* "ashore run: ..." to stderr. */
void cli_say(struct cli *cli, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Says it and returns code. */
int cli_give_up(struct cli *cli, int code, const char *fmt, ...) CLI_PRINTF(3, 4);
/* Says the engine's message and returns the exit code for its status. */
int cli_report(struct cli *cli, const struct ashore_error *err);
/* The same for a file that should be written: not being able to is no fault of the input's. */
int cli_report_output(struct cli *cli, const struct ashore_error *err);
int cli_exit_code(int status);
/* "1.50 MiB" */
const char *cli_bytes_text(struct cli *cli, uint64_t bytes);
/* Flushes stdout: CLI_INTERNAL when what was printed did not get out, otherwise code. */
int cli_finish_output(struct cli *cli, int code);

/* ---- models --------------------------------------------------------------------------------- */

/* Loads the first operand.  Says what is wrong and returns an exit code. */
int cli_load_model(struct cli *cli, const char *path, ashore_model **model);
/* A session with --threads (fallback where it is not given; 0: all cores). */
int cli_open_session(struct cli *cli, ashore_model *model, int fallback_threads, bool profile,
                     ashore_session **session, struct ashore_error *err);
/* Seconds of a clock that only goes forward. */
double cli_now(void);

/* ---- the JavaScript package ------------------------------------------------------------------ */

/* The folder that this program's file is in; NULL where the system does not say. */
const char *cli_program_dir(struct cli *cli);
/* The folder of the package that belongs to this program, without a slash at the end: js/ beside
 * it, or share/ashore/js of the prefix it is installed in.  NULL when there is none. */
const char *cli_js_dir(struct cli *cli);
/* Runs tools/TOOL of the package under Node with the command's arguments in place of this process.
 * Returns only when that fails. */
int cli_run_node(struct cli *cli, const char *tool);
/* What runs it, and the path of a tool, which an option needs. */
const char *cli_node_program(struct cli *cli);
/* Runs a command to its end: what it printed to stdout, and its exit code (CLI_INTERNAL where a
 * signal ended it). */
int cli_node_output(struct cli *cli, const char *const *argv, const char **text, int *status);
int cli_node_tool(struct cli *cli, const char *option, const char *tool, const char **script);

/* ---- the tools in Python --------------------------------------------------------------------- */

/* Runs ashore_tools.TOOL with the command's arguments in place of this process; tools read the
 * program's place in ASHORE_PROGRAM and the JavaScript package's in ASHORE_JS.  Returns only when
 * that fails. */
int cli_run_python(struct cli *cli, const char *tool);
/* `ashore brotli-size`, which no help names: prints how many bytes stdin has in brotli, quality 5.
 * CLI_UNSUPPORTED where the program was built without brotli. */
int cli_brotli_size(void);

#endif
