/* The program: picks the command, prints the help. */
#include "cli.h"
#include "cli_flags.h"

#include <string.h>

/* In the order of the help. */
static const struct cli_command *const commands[] = {
    &cli_assess, &cli_inspect, &cli_bench,  &cli_audit, &cli_port,
    &cli_app,    &cli_run,     &cli_verify, &cli_site,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const char exit_help[] =
    "Exit codes:\n"
    "  0  success\n"
    "  1  a verification failed, an audit has errors, or an assessment is inconclusive\n"
    "  2  the command line is wrong\n"
    "  3  a model or file cannot be read, is malformed or does not fit\n"
    "  4  out of memory, a limit, output that cannot be written, an internal error\n"
    "  5  the model needs an operator, type or feature that is not supported\n";

static void print_help(FILE *to) {
    fprintf(to, "ashore %s - brings a trained model to where its users are\n\n", ASHORE_VERSION);
    fprintf(to, "Usage: ashore COMMAND [options] ...\n");
    const char *group = "";
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(group, commands[i]->group) != 0) {
            group = commands[i]->group;
            fprintf(to, "\n%s:\n", group);
        }
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(to,
            "\n  ashore COMMAND --help   what a command does, its options, examples\n"
            "  ashore --version        version and instruction sets in use\n\n"
            "Start here:\n"
            "  ashore assess --help         would a port help?  measured against a target\n"
            "  ashore audit app.py          can this Python program run in the browser?\n"
            "  ashore inspect model.onnx    can this model be run, and what does it need?\n\n"
            "%s",
            exit_help);
}

static void print_command_help(const struct cli_command *c) {
    printf("ashore %s - %s\n\nUsage: ashore %s %s\n\n%s\nOptions:\n", c->name, c->summary, c->name,
           c->usage, c->details);
    cli_flags_help(stdout, c->bit);
    printf("\nExamples:\n%s\n%s", c->examples, exit_help);
}

static const struct cli_command *find_command(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    }
    return NULL;
}

static int unknown_command(struct cli *cli, const char *typed) {
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = commands[i]->name;
    const char *near = cli_nearest(typed, names, COMMAND_COUNT);
    const char *what = typed[0] == '-' ? "option" : "command";
    if (near) {
        return cli_give_up(cli, CLI_USAGE, "unknown %s '%s'; did you mean '%s'?", what,
                           cli_clean(cli, typed), near);
    }
    return cli_give_up(cli, CLI_USAGE, "unknown %s '%s' (see 'ashore --help')", what,
                       cli_clean(cli, typed));
}

static int run_command(struct cli *cli) {
    int rc = cli_flags_parse(cli);
    if (rc) return rc;
    if (cli->options.help) {
        print_command_help(cli->command);
        return CLI_OK;
    }
    bool native = !cli->options.target || strcmp(cli->options.target, "native") == 0;
    if (native && cli->options.cpu && ashore_cpu_limit(cli->options.cpu) != ASHORE_OK) {
        return cli_give_up(cli, CLI_USAGE, "--cpu is '%s', but this machine offers: %s, none",
                           cli_clean(cli, cli->options.cpu), ashore_cpu_text());
    }
    return cli->command->run(cli);
}

static int dispatch(struct cli *cli, int argc, char **argv) {
    const char *first = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    bool help = strcmp(first, "help") == 0;
    if (strcmp(first, "brotli-size") == 0 && argc == 2) return cli_brotli_size();
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        printf("ashore %s (%s)\n", ashore_version(), ashore_cpu_text());
        return CLI_OK;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || (help && argc < 3)) {
        print_help(stdout);
        return CLI_OK;
    }
    const char *name = help ? argv[2] : first;
    const struct cli_command *c = find_command(name);
    if (!c) return unknown_command(cli, name);
    if (help) {
        print_command_help(c);
        return CLI_OK;
    }
    cli->command = c;
    cli->argc = argc - 2;
    cli->argv = argv + 2;
    return run_command(cli);
}

int main(int argc, char **argv) {
    struct cli cli = {0};
    int code = dispatch(&cli, argc, argv);
    code = cli_finish_output(&cli, code);
    cli_free_all(&cli);
    return code;
}
