/* The parts of `ashore port`: a folder is collected in memory, then written. */
#ifndef ASH_CLI_PORT_H
#define ASH_CLI_PORT_H

#include "cli.h"
#include "cli_file.h"

/* Of the package's page as one script, among the package's files and inside of a page. */
#define PORT_ONE_SCRIPT "one-file.mjs"
#define PORT_NOSCRIPT   "<noscript>This page needs JavaScript.</noscript>"

/* A file of the folder, as the manifest lists it. */
struct port_entry {
    const char *path;
    struct cli_bytes bytes; /* to be freed */
    char sha256[65];
};

/* Everything is read and made before anything is written. */
struct port {
    struct cli *cli;
    const char *dir, *model; /* model: its name in the folder */
    const char *app;         /* its name in the folder; NULL: the package's page */
    bool one_file;           /* dir is the folder that the one file goes to */
    const char *file;        /* its name */
    struct port_entry *entries;
    size_t count, room;
    struct cli_list styles;
    bool own_page;
    const char *report; /* of the trimming; NULL: there was none */
    bool full;          /* the model has an operator that the smaller engine lacks */
    /* external data of the model: its folder, and what is not below it */
    const char *model_dir;
    const char *bad_location;
    struct cli_list external; /* locations */
    struct {
        uint64_t elements, bytes; /* of weights in floating point */
    } weights;
    uint64_t fetched, model_bytes; /* by a visitor, and of that the model */
};

/* port_folder.c: files of the folder.  Bytes are taken in any case. */
int port_put(struct port *port, const char *path, struct cli_bytes bytes);
int port_put_text(struct port *port, const char *path, const char *text, size_t size);
/* The name of a user's file, which must be the same in a URL and in HTML, and not taken. */
int port_check_name(struct port *port, const char *path, const char **name);
int port_check_dir(struct port *port);
int port_check_file(struct port *port);
int port_write_all(struct port *port);

/* port_script.c: files of the user's; a module's imports of the package are pointed at the
 * folder's. */
bool port_is_module(const char *name);
int port_put_file(struct port *port, const char *from, const char *path);

int port_put_model(struct port *port, const char *from);
/* --trim: the model and the modules. */
int port_put_trimmed(struct port *port, const char *from);
int port_put_engine(struct port *port);
int port_put_assets(struct port *port);
/* ashore/prep, for pages of which a script or an HTML file names it. */
int port_put_prep(struct port *port);
const char *port_source_note(struct port *port); /* an HTML comment */
int port_put_page(struct port *port);
int port_put_headers(struct port *port);
/* The page in one file, in place of all files so far. */
int port_make_one_file(struct port *port);
int port_put_manifest(struct port *port, size_t *total);

/* port_report.c */
void port_count_weights(struct port *port, const ashore_model *model);
void port_count_download(struct port *port);
/* Prints what was written, how to use it, and what its owner should know. */
void port_say(struct port *port, const char *what, const char *how);

#endif
