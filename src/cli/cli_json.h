/* JSON on stdout.  A value that could not be made is null: jansson passes NULL along. */
#ifndef ASH_CLI_JSON_H
#define ASH_CLI_JSON_H

#include "cli.h"

#include <jansson.h>

/* Text as it is, but for bytes that are not UTF-8, which become U+FFFD. */
json_t *cli_json_text(const char *s);
/* null for what is not finite. */
json_t *cli_json_real(double v);
/* Integers past 2^63-1 become reals. */
json_t *cli_json_count(uint64_t v);
/* {"dtype": "float32", "shape": [1, 3]} for tensors, {"kind": "sequence", "count": 3} for other
 * values, of maps with "entries": [{"key": "a", "value": 0.5}]. */
json_t *cli_json_value(const ashore_value *value);
/* Prints the object and lets it go.  Returns code, or CLI_INTERNAL when it could not be printed. */
int cli_json_print(struct cli *cli, json_t *object, int code);

#endif
