/* Options: one row each, from which parsing and help are made. */
#ifndef ASH_CLI_FLAGS_H
#define ASH_CLI_FLAGS_H

#include "cli.h"

/* Fills cli->options from cli->argv.  CLI_OK, or CLI_USAGE after saying why. */
int cli_flags_parse(struct cli *cli);
/* The options of a command, one per line. */
void cli_flags_help(FILE *to, unsigned command);
/* The word nearest to `typed` among count words, NULL when none is near. */
const char *cli_nearest(const char *typed, const char *const *words, size_t count);

#endif
