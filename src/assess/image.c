#include "image.h"

#include <stdlib.h>
#include <string.h>

enum { FILES_MOST = 2048 };

/* ---- ranges --------------------------------------------------------------------------------- */

struct bounds {
    uint64_t low, high;
};

static int by_value(const void *a, const void *b) {
    uint64_t p, q;
    memcpy(&p, a, sizeof p);
    memcpy(&q, b, sizeof q);
    return p < q ? -1 : p > q;
}

static size_t position(const uint64_t *points, size_t count, uint64_t value) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The first range at or after i that nobody has; taken ones point onwards. */
static size_t first_free(size_t *next, size_t i) {
    size_t end = i;
    while (next[end] != end) end = next[end];
    while (next[i] != end) {
        size_t following = next[i];
        next[i] = end;
        i = following;
    }
    return end;
}

/* Cuts the address space at all bounds; then the latest takes what is its own first. */
static bool make_ranges(struct assess_ranges *r, const struct bounds *bounds, size_t count) {
    if (count == 0) return true;
    if (count > SIZE_MAX / 4 / sizeof *r->points) return false;
    r->points = assess_realloc(NULL, 2 * count * sizeof *r->points);
    r->ids = assess_realloc(NULL, 2 * count * sizeof *r->ids);
    size_t *next = assess_realloc(NULL, 2 * count * sizeof *next);
    if (!r->points || !r->ids || !next) {
        assess_realloc(next, 0);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        r->points[2 * i] = bounds[i].low;
        r->points[2 * i + 1] = bounds[i].high;
    }
    qsort(r->points, 2 * count, sizeof *r->points, by_value);
    size_t points = 1;
    for (size_t i = 1; i < 2 * count; i++) {
        if (r->points[i] != r->points[points - 1]) r->points[points++] = r->points[i];
    }
    r->count = points - 1;
    for (size_t i = 0; i < points; i++) {
        r->ids[i] = UINT32_MAX;
        next[i] = i;
    }
    for (size_t k = count; k-- > 0;) {
        if (bounds[k].low >= bounds[k].high) continue;
        size_t end = position(r->points, points, bounds[k].high);
        size_t i = first_free(next, position(r->points, points, bounds[k].low));
        for (; i < end; i = first_free(next, i)) {
            r->ids[i] = (uint32_t)k;
            next[i] = i + 1; /* the last point is never taken: it ends the chain */
        }
    }
    assess_realloc(next, 0);
    return true;
}

static uint32_t find_range(const struct assess_ranges *r, uint64_t address) {
    if (r->count == 0 || address < r->points[0]) return UINT32_MAX;
    size_t after = position(r->points, r->count + 1, address);
    size_t at = after <= r->count && r->points[after] == address ? after : after - 1;
    return at < r->count ? r->ids[at] : UINT32_MAX;
}

static void free_ranges(struct assess_ranges *r) {
    assess_realloc(r->points, 0);
    assess_realloc(r->ids, 0);
    *r = (struct assess_ranges){0};
}

/* ---- objects -------------------------------------------------------------------------------- */

/* Libraries that work for whoever called them, the sampler's own wrappers among them. */
static bool is_plain(const char *base) {
    static const char *const names[] = {
        "libc.so",     "libc-2",      "ld-linux",   "ld-2.",  "ld-musl",    "libm.so",
        "libm-2",      "libmvec.",    "libpthread", "librt.", "librt-",     "libdl.",
        "libdl-",      "libstdc++",   "libgcc_s",   "libc++", "libatomic.", "libjemalloc",
        "libtcmalloc", "libmimalloc", "linux-vdso", "[vdso]", "libutil",    "libashore_sampler.so",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(base, names[i], strlen(names[i])) == 0) return true;
    }
    return false;
}

static bool is_interpreter(const struct assess_trace_object *object) {
    return (object->flags & ASSESS_OBJECT_PYTHON) || strncmp(object->base, "libpython3", 10) == 0;
}

static struct assess_object_facts object_facts(const struct assess_rules *rules,
                                               const struct assess_trace_object *object) {
    struct assess_object_facts facts = {.kind = ASSESS_SITE_OTHER, .bucket = ASSESS_BUCKETS};
    if (is_interpreter(object)) {
        facts.kind = ASSESS_SITE_PYTHON;
    } else if ((object->flags & ASSESS_OBJECT_VDSO) || is_plain(object->base)) {
        facts.kind = ASSESS_SITE_PLAIN;
    } else {
        facts.bucket = (uint8_t)assess_rules_object(rules, object->base);
    }
    return facts;
}

void assess_symbol_files_deinit(struct assess_symbol_files *files) {
    for (size_t i = 0; i < files->count; i++) assess_symbols_close(&files->files[i].symbols);
    assess_realloc(files->files, 0);
    *files = (struct assess_symbol_files){0};
}

static const struct assess_symbols *open_symbols(struct assess_symbol_files *files,
                                                 const char *path) {
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->files[i].path, path) == 0) return files->files[i].symbols;
    }
    if (path[0] != '/' || files->count >= FILES_MOST) return NULL;
    if (!assess_grow((void **)&files->files, files->count, &files->room, sizeof *files->files)) {
        return NULL;
    }
    struct assess_symbols *symbols = assess_symbols_open(path);
    files->files[files->count++] = (struct assess_symbol_file){path, symbols};
    return symbols;
}

int assess_image_init(struct assess_image *image, const struct assess_trace *trace,
                      const struct assess_rules *rules, struct assess_symbol_files *files,
                      struct assess_pool *pool, struct ashore_error *err) {
    *image = (struct assess_image){.trace = trace, .rules = rules, .files = files, .pool = pool};
    image->seed = assess_hash_seed();
    size_t most =
        trace->object_count > trace->entry_count ? trace->object_count : trace->entry_count;
    struct bounds *bounds = assess_alloc_array(pool, most, sizeof *bounds);
    image->facts = assess_alloc_array(pool, trace->object_count, sizeof *image->facts);
    bool good = bounds && image->facts;
    for (size_t i = 0; good && i < trace->object_count; i++) {
        bounds[i] = (struct bounds){trace->objects[i].low, trace->objects[i].high};
        image->facts[i] = object_facts(rules, &trace->objects[i]);
    }
    good = good && make_ranges(&image->objects, bounds, trace->object_count);
    for (size_t i = 0; good && i < trace->entry_count; i++) {
        bounds[i] = (struct bounds){trace->entries[i].low, trace->entries[i].high};
    }
    good = good && make_ranges(&image->entries, bounds, trace->entry_count);
    return good ? ASHORE_OK : assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
}

void assess_image_deinit(struct assess_image *image) {
    free_ranges(&image->objects);
    free_ranges(&image->entries);
    assess_realloc(image->sites, 0);
    assess_intern_deinit(&image->by_address);
    *image = (struct assess_image){0};
}

/* ---- sites ---------------------------------------------------------------------------------- */

const char *assess_plain_name(const char *name) {
    if (strncmp(name, "__GI_", 5) == 0) name += 5;
    while (*name == '_') name++;
    return strncmp(name, "libc_", 5) == 0 ? name + 5 : name;
}

static bool is_loop(const char *name) {
    return strncmp(name, "_PyEval_EvalFrame", 17) == 0 || strcmp(name, "_PyEval_Vector") == 0 ||
           strcmp(name, "PyEval_EvalCode") == 0;
}

static void find_function(struct assess_image *image, struct assess_site *site) {
    const struct assess_trace_object *object = &image->trace->objects[site->object];
    struct assess_object_facts *facts = &image->facts[site->object];
    if (!facts->opened) {
        facts->opened = true;
        facts->symbols = open_symbols(image->files, object->path);
    }
    uint64_t address = site->address - object->bias;
    site->low = address;
    const char *name = NULL;
    if (assess_symbols_find(facts->symbols, address, &name, &site->low)) site->name = name;
}

/* Names of system calls mean what they say in the C library alone: rules have them as libc:NAME. */
static enum assess_bucket plain_bucket(const struct assess_rules *rules, const char *name) {
    char whole[128] = "libc:";
    size_t length = strlen(name), prefix = strlen(whole);
    if (length >= sizeof whole - prefix) return ASSESS_BUCKETS;
    memcpy(whole + prefix, name, length + 1);
    return assess_rules_function(rules, whole);
}

static void judge_function(struct assess_image *image, struct assess_site *site) {
    bool plain = site->kind == ASSESS_SITE_PLAIN;
    const char *name = plain ? assess_plain_name(site->name) : site->name;
    enum assess_bucket bucket = assess_rules_function(image->rules, name);
    if (plain && bucket == ASSESS_BUCKETS) bucket = plain_bucket(image->rules, name);
    site->by_function = (uint8_t)bucket;
    site->yields = plain && strcmp(name, "sched_yield") == 0;
    site->loop = site->kind == ASSESS_SITE_PYTHON && is_loop(name);
}

static struct assess_site make_site(struct assess_image *image, uint64_t address) {
    struct assess_site site = {.address = address,
                               .object = find_range(&image->objects, address),
                               .by_object = ASSESS_BUCKETS,
                               .by_function = ASSESS_BUCKETS,
                               .low = address,
                               .function = UINT32_MAX};
    if (site.object != UINT32_MAX) {
        site.kind = image->facts[site.object].kind;
        site.by_object = image->facts[site.object].bucket;
        find_function(image, &site);
    }
    uint32_t entry = find_range(&image->entries, address);
    if (entry != UINT32_MAX) {
        const struct assess_trace_object *object =
            site.object == UINT32_MAX ? NULL : &image->trace->objects[site.object];
        site.name = image->trace->entries[entry].name;
        site.low = image->trace->entries[entry].low - (object ? object->bias : 0);
    }
    if (site.name) judge_function(image, &site);
    return site;
}

static bool same_address(const void *array, uint32_t index, const void *key) {
    const struct assess_site *sites = array;
    return sites[index].address == *(const uint64_t *)key;
}

uint32_t assess_image_site(struct assess_image *image, uint64_t address, bool returns) {
    address -= returns && address ? 1 : 0;
    uint64_t hash = assess_hash(image->seed, &address, sizeof address);
    uint32_t found =
        assess_intern_find(&image->by_address, hash, same_address, image->sites, &address);
    if (found != UINT32_MAX) return found;
    if (image->site_count >= UINT32_MAX - 1 ||
        !assess_grow((void **)&image->sites, image->site_count, &image->site_room,
                     sizeof *image->sites) ||
        !assess_intern_add(&image->by_address, hash, (uint32_t)image->site_count)) {
        return UINT32_MAX;
    }
    image->sites[image->site_count] = make_site(image, address);
    return (uint32_t)image->site_count++;
}
