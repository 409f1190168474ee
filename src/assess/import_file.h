/* What the importers share: the file that is read, and errors that say where in it. */
#ifndef ASH_ASSESS_IMPORT_FILE_H
#define ASH_ASSESS_IMPORT_FILE_H

#include "import_builder.h"

#include <jansson.h>

struct assess_import {
    const char *path;
    struct assess_builder builder;
    struct ashore_error *err;
};

/* ASHORE_ERR_FORMAT: "PATH: WHERE ..." */
int assess_import_fail(struct assess_import *in, const char *fmt, ...) ASSESS_PRINTF(2, 3);
int assess_import_no_memory(struct assess_import *in);

/* A number, or text that is one, as some writers have it; finite and smaller than 1e18 either
 * way. */
bool assess_import_number(const json_t *value, double *number);

/* ---- import_speedscope.c: all of the file ---- */

int assess_import_speedscope(struct assess_import *in, const json_t *top);

/* ---- import_chrome.c: event by event, then the end ---- */

struct assess_chrome;
struct assess_chrome *assess_chrome_create(struct assess_import *in);
void assess_chrome_destroy(struct assess_chrome **chrome);
/* number: of the event, for errors. */
int assess_chrome_event(struct assess_chrome *c, const json_t *event, size_t number);
int assess_chrome_finish(struct assess_chrome *c);

#endif
