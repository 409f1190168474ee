#include "cli.h"
#include "cli_foreign.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- memory --------------------------------------------------------------------------------- */

struct cli_block {
    struct cli_block *next;
    max_align_t bytes[];
};

static _Noreturn void out_of_memory(size_t size) {
    fprintf(stderr, "ashore: out of memory (%zu bytes)\n", size);
    exit(CLI_INTERNAL);
}

void *cli_alloc(struct cli *cli, size_t size) {
    struct cli_block *block =
        size < SIZE_MAX / 2 ? cli_realloc(NULL, sizeof *block + size + 1) : NULL;
    if (!block) out_of_memory(size);
    memset(block->bytes, 0, size + 1);
    block->next = cli->blocks;
    cli->blocks = block;
    return block->bytes;
}

void cli_free_all(struct cli *cli) {
    while (cli->blocks) {
        struct cli_block *next = cli->blocks->next;
        cli_realloc(cli->blocks, 0);
        cli->blocks = next;
    }
}

char *cli_format(struct cli *cli, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *text = cli_alloc(cli, size);
    if (n >= 0) vsnprintf(text, size, fmt, again);
    va_end(again);
    return text;
}

void cli_list_add(struct cli *cli, struct cli_list *list, const char *item) {
    if ((list->count & (list->count - 1)) == 0) { /* full at every power of two */
        size_t room = list->count ? list->count * 2 : 1;
        const char **items = cli_alloc(cli, room * sizeof *items);
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = item;
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Length of a printable character at s, 0 for anything else. */
static size_t printable(const char *s, size_t n) {
    uint32_t code;
    size_t step = cli_utf8_decode(s, n, &code);
    bool control =
        step > 0 && (code < 0x20 || (code >= 0x7f && code < 0xa0) ||
                     (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069));
    return control ? 0 : step;
}

const char *cli_clean(struct cli *cli, const char *s) {
    if (!s) return "";
    size_t n = strlen(s), at = 0;
    size_t step;
    while (at < n && (step = printable(s + at, n - at)) > 0) at += step;
    if (at == n) return s;
    char *out = cli_alloc(cli, n * 4 + 1);
    size_t to = 0;
    for (at = 0; at < n;) {
        step = printable(s + at, n - at);
        if (step) {
            memcpy(out + to, s + at, step);
            to += step;
            at += step;
        } else {
            to += (size_t)snprintf(out + to, 5, "\\x%02x", (unsigned char)s[at++]);
        }
    }
    return out;
}

static void say(struct cli *cli, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *text = cli_alloc(cli, size);
    if (n >= 0) vsnprintf(text, size, fmt, again);
    va_end(again);
    fflush(stdout);
    fprintf(stderr, "ashore%s%s: %s\n", cli->command ? " " : "",
            cli->command ? cli->command->name : "", text);
}

void cli_say(struct cli *cli, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say(cli, fmt, args);
    va_end(args);
}

int cli_give_up(struct cli *cli, int code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say(cli, fmt, args);
    va_end(args);
    return code;
}

int cli_exit_code(int status) {
    switch (status) {
    case ASHORE_OK:
        return CLI_OK;
    case ASHORE_ERR_UNSUPPORTED:
        return CLI_UNSUPPORTED;
    case ASHORE_ERR_NOMEM:
    case ASHORE_ERR_LIMIT:
    case ASHORE_ERR_STATE:
    case ASHORE_ERR_CANCELLED:
    case ASHORE_ERR_ARGUMENT:
    case ASHORE_ERR_INTERNAL:
        return CLI_INTERNAL;
    default:
        return CLI_INPUT;
    }
}

int cli_report(struct cli *cli, const struct ashore_error *err) {
    cli_say(cli, "%s", cli_clean(cli, err->text[0] ? err->text : ashore_status_text(err->code)));
    return cli_exit_code(err->code);
}

int cli_report_output(struct cli *cli, const struct ashore_error *err) {
    int code = cli_report(cli, err);
    return err->code == ASHORE_ERR_IO ? CLI_INTERNAL : code;
}

const char *cli_bytes_text(struct cli *cli, uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return cli_format(cli, "%llu bytes", (unsigned long long)bytes);
    double n = (double)bytes / 1024.0;
    size_t unit = 0;
    while (n >= 1024.0 && unit < 3) {
        n /= 1024.0;
        unit++;
    }
    return cli_format(cli, "%.2f %s", n, units[unit]);
}

int cli_finish_output(struct cli *cli, int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    return cli_give_up(cli, CLI_INTERNAL, "the output could not be written");
}

/* ---- models --------------------------------------------------------------------------------- */

int cli_load_model(struct cli *cli, const char *path, ashore_model **model) {
    struct ashore_error err = {0};
    int rc = ashore_model_load_file(path, NULL, model, &err);
    if (rc == ASHORE_OK) return CLI_OK;
    const struct cli_foreign *foreign = cli_foreign_find(cli, path);
    return foreign ? cli_foreign_point(cli, foreign, path) : cli_report(cli, &err);
}

int cli_open_session(struct cli *cli, ashore_model *model, int fallback_threads, bool profile,
                     ashore_session **session, struct ashore_error *err) {
    struct ashore_session_options options;
    ashore_session_options_init(&options);
    int64_t threads = cli->options.threads;
    options.threads = threads < 0 ? fallback_threads : (int)threads;
    options.profile = profile;
    return ashore_session_create(model, &options, session, err);
}

double cli_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
