/* Models in other formats than ONNX: what a file is, and how it is exported. */
#ifndef ASH_CLI_FOREIGN_H
#define ASH_CLI_FOREIGN_H

#include "cli.h"

struct cli_foreign; /* a format */

/* The format of a file or folder that is no ONNX model, NULL for one that may be.  Content decides;
 * only where it says nothing the name does, and then the engine must refuse the file as well. */
const struct cli_foreign *cli_foreign_find(struct cli *cli, const char *path);
/* Both say what the file is and return an exit code.  The first adds the lines that export it to
 * ONNX, to be copied; the second the command that prints them. */
int cli_foreign_explain(struct cli *cli, const struct cli_foreign *format, const char *path);
int cli_foreign_point(struct cli *cli, const struct cli_foreign *format, const char *path);

#endif
