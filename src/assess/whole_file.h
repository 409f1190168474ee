/* Files that are written whole or not at all. */
#ifndef ASH_ASSESS_WHOLE_FILE_H
#define ASH_ASSESS_WHOLE_FILE_H

#include "assess_base.h"

/* Writes beside path, makes sure that the bytes are stored, and renames: a reader sees what was
 * there before or all of it.  What is no regular file (/dev/stdout, a pipe) is written directly.
 * ASHORE_ERR_IO names the path and why; then path is as it was and nothing else is left. */
int assess_write_file(const char *path, const void *bytes, size_t size, struct ashore_error *err);

#endif
