#include "cli_dims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "N" is a name, "floor(W/8)" and "?" are not. */
static bool is_symbol(const char *text) {
    return text && *text && strcmp(text, "?") != 0 && !strpbrk(text, "()+*/ ");
}

const char *cli_dims_name(struct cli *cli, const struct ashore_value_info *info, int axis) {
    const char *text = info->shape[axis].text;
    return is_symbol(text) ? text : cli_format(cli, "%s:%d", info->name, axis);
}

static bool is_position(const char *name, const struct ashore_value_info *info, int axis) {
    size_t n = strlen(info->name);
    char number[16];
    snprintf(number, sizeof number, "%d", axis);
    return strncmp(name, info->name, n) == 0 && name[n] == ':' && strcmp(name + n + 1, number) == 0;
}

int64_t cli_dims_extent(const struct cli_dims *dims, const struct ashore_value_info *info,
                        int axis) {
    const struct ashore_dim *dim = &info->shape[axis];
    if (dim->extent >= 0) return dim->extent;
    int64_t extent = -1;
    for (size_t i = 0; i < dims->count; i++) {
        const struct cli_dim *d = &dims->items[i];
        if (is_position(d->name, info, axis)) return d->extent;
        if (is_symbol(dim->text) && strcmp(dim->text, d->name) == 0) extent = d->extent;
    }
    return extent;
}

static void add_once(struct cli *cli, struct cli_list *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) return;
    }
    cli_list_add(cli, names, name);
}

void cli_dims_missing(struct cli *cli, const ashore_model *model, const struct cli_dims *dims,
                      struct cli_list *names) {
    for (size_t i = 0; i < ashore_model_input_count(model); i++) {
        const struct ashore_value_info *info = ashore_model_input(model, i);
        for (int axis = 0; axis < info->rank; axis++) {
            if (cli_dims_extent(dims, info, axis) >= 0) continue;
            add_once(cli, names, cli_dims_name(cli, info, axis));
        }
    }
}

const char *cli_list_text(struct cli *cli, const struct cli_list *list) {
    const char *text = "";
    for (size_t i = 0; i < list->count; i++) {
        const char *item = cli_clean(cli, list->items[i]);
        text = i ? cli_format(cli, "%s, %s", text, item) : item;
    }
    return text;
}

static bool is_known(const ashore_model *model, const char *name) {
    for (size_t i = 0; i < ashore_model_input_count(model); i++) {
        const struct ashore_value_info *info = ashore_model_input(model, i);
        for (int axis = 0; axis < info->rank; axis++) {
            const char *text = info->shape[axis].text;
            if (is_position(name, info, axis)) return true;
            if (is_symbol(text) && strcmp(text, name) == 0) return true;
        }
    }
    return false;
}

static int unknown_dim(struct cli *cli, const ashore_model *model, const char *name) {
    struct cli_list names = {0};
    struct cli_dims none = {0};
    cli_dims_missing(cli, model, &none, &names);
    if (names.count == 0) {
        return cli_give_up(cli, CLI_USAGE,
                           "--dim %s: the model has no such dimension; all its inputs have fixed "
                           "shapes",
                           cli_clean(cli, name));
    }
    return cli_give_up(cli, CLI_USAGE, "--dim %s: the model has no such dimension; it has: %s",
                       cli_clean(cli, name), cli_list_text(cli, &names));
}

int cli_dims_parse(struct cli *cli, const ashore_model *model, struct cli_dims *dims) {
    const struct cli_list *given = &cli->options.dims;
    *dims = (struct cli_dims){.items = cli_alloc(cli, (given->count + 1) * sizeof *dims->items)};
    for (size_t i = 0; i < given->count; i++) {
        const char *text = given->items[i], *equals = strrchr(text, '=');
        char *end = NULL;
        errno = 0;
        long long extent = equals ? strtoll(equals + 1, &end, 10) : -1;
        if (!equals || equals == text || end == equals + 1 || *end || errno || extent < 0) {
            return cli_give_up(cli, CLI_USAGE, "--dim is '%s', but must be NAME=NUMBER, as in N=1",
                               cli_clean(cli, text));
        }
        const char *name = cli_format(cli, "%.*s", (int)(equals - text), text);
        if (!is_known(model, name)) return unknown_dim(cli, model, name);
        dims->items[dims->count++] = (struct cli_dim){name, extent};
    }
    return CLI_OK;
}
