#include "cli_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_error(struct ashore_error *err, const char *path, const char *what) {
    return cli_fail(err, ASHORE_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The size is a hint only: pipes have none, and files change. */
static int read_all(FILE *file, size_t hint, struct cli_bytes *bytes) {
    size_t room = hint < SIZE_MAX - 1 ? hint + 1 : hint;
    for (;;) {
        unsigned char *more = cli_realloc(bytes->data, room);
        if (!more) return ASHORE_ERR_NOMEM;
        bytes->data = more;
        bytes->size += fread(bytes->data + bytes->size, 1, room - bytes->size, file);
        if (bytes->size < room) return ferror(file) ? ASHORE_ERR_IO : ASHORE_OK;
        if (room > SIZE_MAX / 2) return ASHORE_ERR_NOMEM;
        room = room < 4096 ? 8192 : room * 2;
    }
}

int cli_file_read(const char *path, struct cli_bytes *bytes, struct ashore_error *err) {
    *bytes = (struct cli_bytes){0};
    FILE *file = fopen(path, "rb");
    if (!file) return file_error(err, path, "cannot open");
    struct stat st;
    bool sized = fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    int rc = read_all(file, sized ? (size_t)st.st_size : 4095, bytes);
    if (rc == ASHORE_ERR_IO) file_error(err, path, "cannot read");
    if (rc == ASHORE_ERR_NOMEM) cli_fail(err, rc, "%s: out of memory", path);
    fclose(file);
    if (rc) cli_file_free(bytes);
    return rc;
}

void cli_file_free(struct cli_bytes *bytes) {
    cli_realloc(bytes->data, 0);
    *bytes = (struct cli_bytes){0};
}

/* ---- writing -------------------------------------------------------------------------------- */

int cli_output_open(struct cli *cli, const char *path, struct cli_output *out,
                    struct ashore_error *err) {
    *out = (struct cli_output){.path = path};
    if (cli_is_dir(path)) {
        return cli_fail(err, ASHORE_ERR_IO, "%s: cannot write: it is a folder", path);
    }
    char *temporary = cli_format(cli, "%s/.%.100s.%ld.part", cli_path_dir(cli, path),
                                 cli_path_name(path), (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return file_error(err, path, "cannot write");
    out->temporary = temporary;
    out->file = fdopen(fd, "wb");
    if (out->file) return ASHORE_OK;
    close(fd);
    unlink(temporary);
    return file_error(err, path, "cannot write");
}

int cli_output_close(struct cli_output *out, int rc, struct ashore_error *err) {
    bool written = !ferror(out->file);
    written = fclose(out->file) == 0 && written;
    out->file = NULL;
    if (rc == ASHORE_OK && !written) rc = file_error(err, out->path, "cannot write");
    if (rc == ASHORE_OK && rename(out->temporary, out->path) != 0) {
        rc = file_error(err, out->path, "cannot write");
    }
    if (rc) unlink(out->temporary);
    return rc;
}

int cli_make_dir(struct cli *cli, const char *path, struct ashore_error *err) {
    char *part = cli_format(cli, "%s", path);
    size_t n = strlen(part);
    while (n > 1 && part[n - 1] == '/') part[--n] = '\0';
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return file_error(err, part, "cannot make this folder");
        }
        part[i] = kept;
    }
    if (!cli_is_dir(path)) return cli_fail(err, ASHORE_ERR_IO, "%s: is not a folder", path);
    return ASHORE_OK;
}

/* ---- listing -------------------------------------------------------------------------------- */

bool cli_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool cli_is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int compare_names(const void *pa, const void *pb) {
    const char *a = *(const char *const *)pa, *b = *(const char *const *)pb;
    const char *first = a, *second = b;
    while (*a && *b) {
        if (!is_digit(*a) || !is_digit(*b)) {
            if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
            continue;
        }
        while (*a == '0' && is_digit(a[1])) a++;
        while (*b == '0' && is_digit(b[1])) b++;
        size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
        int order = na != nb ? (na < nb ? -1 : 1) : memcmp(a, b, na);
        if (order) return order;
        a += na;
        b += nb;
    }
    if (*a || *b) return *a ? 1 : -1;
    return strcmp(first, second);
}

int cli_list_dir(struct cli *cli, const char *path, struct cli_list *names,
                 struct ashore_error *err) {
    *names = (struct cli_list){0};
    DIR *dir = opendir(path);
    if (!dir) return file_error(err, path, "cannot list");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') cli_list_add(cli, names, cli_format(cli, "%s", entry->d_name));
    }
    closedir(dir);
    if (names->count) qsort(names->items, names->count, sizeof *names->items, compare_names);
    return ASHORE_OK;
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *cli_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *cli_path_dir(struct cli *cli, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : cli_format(cli, "%.*s", (int)(slash - path), path);
}

bool cli_has_suffix(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

const char *cli_safe_name(struct cli *cli, const char *name, const char *when_empty) {
    if (!name || !*name) return when_empty;
    char *safe = cli_format(cli, "%.120s", name);
    for (char *c = safe; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !is_digit(*c) && !strchr("._-", *c)) *c = '_';
    }
    if (safe[0] == '.') safe[0] = '_';
    return safe;
}
