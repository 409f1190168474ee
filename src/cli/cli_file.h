/* Files: read whole, written so that nobody ever sees half of one, listed in order. */
#ifndef ASH_CLI_FILE_H
#define ASH_CLI_FILE_H

#include "cli.h"

/* Bytes of a file or pipe; data is cli_realloc'd by cli_file_read and freed by cli_file_free. */
struct cli_bytes {
    unsigned char *data;
    size_t size;
};
int cli_file_read(const char *path, struct cli_bytes *bytes, struct ashore_error *err);
void cli_file_free(struct cli_bytes *bytes);

/* A file being written: under another name in the same folder until cli_output_close gives it its
 * own.  Open and close return a status; after an error nothing is left behind. */
struct cli_output {
    FILE *file;
    const char *path, *temporary;
};
int cli_output_open(struct cli *cli, const char *path, struct cli_output *out,
                    struct ashore_error *err);
/* rc is what went before: when it is an error the file is dropped and rc returned. */
int cli_output_close(struct cli_output *out, int rc, struct ashore_error *err);

/* Makes a folder and those above it; one that is there already is fine. */
int cli_make_dir(struct cli *cli, const char *path, struct ashore_error *err);
bool cli_is_dir(const char *path);
bool cli_is_file(const char *path);
/* Names in a folder but for those that begin with '.', sorted with numbers by value: "set_2" comes
 * before "set_10". */
int cli_list_dir(struct cli *cli, const char *path, struct cli_list *names,
                 struct ashore_error *err);

/* "a/b" of "a/b/c.d", "." where there is no folder; "c.d" of it. */
const char *cli_path_dir(struct cli *cli, const char *path);
const char *cli_path_name(const char *path);
bool cli_has_suffix(const char *text, const char *suffix);
/* A name out of a model as the name of a file: letters, digits, '.', '-', '_' stay, what else there
 * is becomes '_', as does a dot in front; cut to 120 bytes. */
const char *cli_safe_name(struct cli *cli, const char *name, const char *when_empty);

#endif
