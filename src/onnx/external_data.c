/* Tensors whose bytes are in other files. */
#if !defined(_GNU_SOURCE)
#    define _GNU_SOURCE /* realpath */
#endif

#include "onnx/onnx_reader.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Files of one model: each is looked for by its name among those that are open. */
enum { FILES_MAX = 1024, PATH_ROOM = 4096 };

struct entry_proto {
    struct ash_view key, value;
};
static const struct ash_wire_rule entry_rules[] = {
    ASH_WIRE_RULE(1, BYTES, entry_proto, key),
    ASH_WIRE_RULE(2, BYTES, entry_proto, value),
    ASH_WIRE_END,
};

struct place {
    struct ash_view location;
    uint64_t offset, length;
    bool has_length;
};

static int read_number(struct ash_reader *r, struct ash_view text, uint64_t *number) {
    uint64_t x = 0;
    bool bad = text.size == 0 || text.size > 18;
    for (size_t i = 0; i < text.size && !bad; i++) {
        bad = text.data[i] < '0' || text.data[i] > '9';
        x = x * 10 + text.data[i] - '0';
    }
    ASH_FAIL_IF(bad, r->err, FORMAT, "external data: '%.*s' is no offset or length",
                ASH_SHOW(text));
    *number = x;
    return ASHORE_OK;
}

static int read_place(struct ash_reader *r, struct ash_many entries, struct place *place) {
    struct ash_view item;
    *place = (struct place){0};
    while (ash_many_next(&entries, &item)) {
        struct entry_proto e = {0};
        ASH_TRY(ash_wire_read(item, entry_rules, &e, r->err));
        if (ash_view_is(e.key, "location")) place->location = e.value;
        if (ash_view_is(e.key, "offset")) ASH_TRY(read_number(r, e.value, &place->offset));
        if (ash_view_is(e.key, "length")) {
            ASH_TRY(read_number(r, e.value, &place->length));
            place->has_length = true;
        }
    }
    ASH_FAIL_IF(place->location.size == 0, r->err, FORMAT, "external data without a location");
    return ASHORE_OK;
}

/* Relative, and without a step upwards; backslashes and drives count as on Windows. */
static bool stays_inside(const char *path) {
    if (path[0] == '/' || strchr(path, '\\') != NULL || strchr(path, ':') != NULL) return false;
    for (const char *part = path; part != NULL;) {
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == '\0')) return false;
        part = strchr(part, '/');
        if (part != NULL) part++;
    }
    return true;
}

#if !defined(__wasm__) && !defined(ASH_NO_FILES)
static bool is_under(const char *real, const char *folder) {
    char root[PATH_MAX];
    if (folder == NULL || realpath(*folder != '\0' ? folder : ".", root) == NULL) return false;
    size_t n = strlen(root);
    return strncmp(real, root, n) == 0 && (real[n] == '/' || (n != 0 && root[n - 1] == '/'));
}

/* Links may lead elsewhere, but not out of the folders named.  A missing file passes: opening it
 * gives the better message. */
static int check_links(struct ash_reader *r, const char *path) {
    char real[PATH_MAX];
    if (realpath(path, real) == NULL) return ASHORE_OK;
    ASH_FAIL_IF(!is_under(real, r->src->data_dir) && !is_under(real, r->src->link_dir), r->err, IO,
                "external data: '%s' is a link that leads out of its folder", path);
    return ASHORE_OK;
}
#else
/* Hosts of WebAssembly keep a module inside of the folders that it was given. */
static int check_links(struct ash_reader *r, const char *path) {
    (void)r;
    (void)path;
    return ASHORE_OK;
}
#endif

static int map_file(struct ash_reader *r, struct ash_onnx_external *file) {
    const char *dir = r->src->data_dir, *name = file->location;
    char path[PATH_ROOM];
    ASH_FAIL_IF(!stays_inside(name), r->err, FORMAT,
                "external data: location '%s' leads out of the model's folder", name);
    ASH_FAIL_IF(dir == NULL, r->err, IO,
                "external data: '%s' is needed, and there is no folder to look for it", name);
    size_t n = strlen(dir), m = strlen(name);
    ASH_FAIL_IF(n + m + 2 > sizeof path, r->err, LIMIT,
                "external data: the path of '%.96s' is "
                "too long",
                name);
    memcpy(path, dir, n);
    if (n != 0 && dir[n - 1] != '/') path[n++] = '/';
    memcpy(path + n, name, m + 1);
    ASH_TRY(check_links(r, path));
    int rc = ash_mapping_init(&file->mapping, r->arena->heap, path, r->err);
    if (rc != ASHORE_OK) {
        ash_error_prefix(r->err, "external data: ");
        return rc;
    }
    file->data = file->mapping.data;
    file->size = file->mapping.size;
    return ASHORE_OK;
}

static int open_file(struct ash_reader *r, struct ash_view location,
                     const struct ash_onnx_external **out) {
    size_t count = 0;
    for (struct ash_onnx_external *f = r->out->external; f != NULL; f = f->next, count++) {
        if (!ash_view_is(location, f->location)) continue;
        *out = f;
        return ASHORE_OK;
    }
    ASH_FAIL_IF(count == FILES_MAX, r->err, LIMIT, "external data in more than %d files",
                FILES_MAX);
    struct ash_onnx_external *file;
    ASH_TRY(ASH_READER_NEW(r, r->arena, 1, file));
    ASH_TRY(ash_reader_text(r, location, &file->location));
    if (r->src->external != NULL) {
        const void *data = NULL;
        int rc = r->src->external(r->src->external_user, file->location, &data, &file->size);
        if (rc != ASHORE_OK) {
            return ash_fail(r->err, rc, "external data: '%s' could not be had", file->location);
        }
        file->data = data != NULL ? data : (const void *)"";
    } else {
        ASH_TRY(map_file(r, file));
    }
    file->next = r->out->external;
    r->out->external = file;
    r->out->file_bytes += file->size;
    *out = file;
    return ASHORE_OK;
}

int ash_reader_external(struct ash_reader *r, struct ash_many entries, size_t size,
                        struct ash_view *bytes) {
    struct place place;
    const struct ash_onnx_external *file = NULL;
    ASH_TRY(read_place(r, entries, &place));
    ASH_FAIL_IF(place.has_length && place.length != size, r->err, FORMAT,
                "external data: length %llu, %zu expected", (unsigned long long)place.length, size);
    ASH_TRY(open_file(r, place.location, &file));
    ASH_FAIL_IF(place.offset > file->size || size > file->size - place.offset, r->err, FORMAT,
                "external data: %zu bytes at offset %llu are outside of '%s' with its %zu bytes",
                size, (unsigned long long)place.offset, file->location, file->size);
    *bytes = ash_view(file->data + place.offset, size);
    return ASHORE_OK;
}

void ash_onnx_model_deinit(struct ash_onnx_model *model) {
    for (struct ash_onnx_external *f = model->external; f != NULL; f = f->next) {
        if (f->mapping.heap != NULL) ash_mapping_deinit(&f->mapping);
    }
    model->external = NULL;
}
