/* --dim N=V: extents of symbolic dimensions. */
#ifndef ASH_CLI_DIMS_H
#define ASH_CLI_DIMS_H

#include "cli.h"

struct cli_dim {
    const char *name; /* "N", or "INPUT:AXIS" */
    int64_t extent;
};
struct cli_dims {
    struct cli_dim *items;
    size_t count;
};

/* Parses the options and checks that every name is one of the model's.  Says what is wrong and
 * returns an exit code. */
int cli_dims_parse(struct cli *cli, const ashore_model *model, struct cli_dims *dims);

/* Extent of one axis of an input: its own, or the one given for it; -1 when neither is known. */
int64_t cli_dims_extent(const struct cli_dims *dims, const struct ashore_value_info *info,
                        int axis);
/* The name under which --dim knows this axis: "N", or "INPUT:AXIS" when it has none that is not an
 * expression. */
const char *cli_dims_name(struct cli *cli, const struct ashore_value_info *info, int axis);
/* Adds the names of all axes of inputs that have no extent yet, each once. */
void cli_dims_missing(struct cli *cli, const ashore_model *model, const struct cli_dims *dims,
                      struct cli_list *names);
/* "N, W" */
const char *cli_list_text(struct cli *cli, const struct cli_list *list);

#endif
