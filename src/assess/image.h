/* What lies where in a process: from an address to its object, function and rules. */
#ifndef ASH_ASSESS_IMAGE_H
#define ASH_ASSESS_IMAGE_H

#include "intern.h"
#include "rules.h"
#include "symbols.h"
#include "trace_reader.h"

enum assess_site_kind {
    ASSESS_SITE_NONE,   /* no object: JIT output, or not known */
    ASSESS_SITE_PYTHON, /* the interpreter */
    ASSESS_SITE_PLAIN,  /* C library and the like: it works for whoever called */
    ASSESS_SITE_OTHER   /* an extension module or another library */
};

/* One function's part of an object, or an address where functions are not known. */
struct assess_site {
    uint64_t address;    /* looked up: of the process */
    uint32_t object;     /* index into the trace's objects; UINT32_MAX: none */
    uint8_t kind;        /* enum assess_site_kind */
    uint8_t by_object;   /* bucket by rules; ASSESS_BUCKETS: no rule */
    uint8_t by_function; /* likewise */
    bool loop;           /* the interpreter's loop itself */
    bool yields;         /* sched_yield: it spins */
    const char *name;    /* of the function; NULL: not known */
    uint64_t low;        /* where the function begins, as an address of the file */
    uint32_t function;   /* the profile's function, once it has been asked for; else UINT32_MAX */
};

/* Ranges of addresses that do not overlap. */
struct assess_ranges {
    uint64_t *points; /* [count + 1], rising: range i is [points[i], points[i + 1]) */
    uint32_t *ids;    /* [count]; UINT32_MAX: nothing there */
    size_t count;
};

/* Symbols of files, kept while several processes have them mapped. */
struct assess_symbol_files {
    struct assess_symbol_file {
        const char *path;
        struct assess_symbols *symbols;
    } *files;
    size_t count, room;
};
void assess_symbol_files_deinit(struct assess_symbol_files *files);

struct assess_image {
    const struct assess_trace *trace;
    const struct assess_rules *rules;
    struct assess_symbol_files *files;
    struct assess_pool *pool;
    struct assess_ranges objects, entries;
    struct assess_object_facts {
        uint8_t kind, bucket;
        bool opened;
        const struct assess_symbols *symbols;
    } *facts; /* [trace->object_count] */
    struct assess_site *sites;
    size_t site_count, site_room;
    struct assess_intern by_address;
    uint64_t seed;
};

/* Of a trace that has been read to its end.  ASHORE_ERR_NOMEM. */
int assess_image_init(struct assess_image *image, const struct assess_trace *trace,
                      const struct assess_rules *rules, struct assess_symbol_files *files,
                      struct assess_pool *pool, struct ashore_error *err);
void assess_image_deinit(struct assess_image *image);

/* What a frame's address is in: the first of a stack is the program counter, the others are return
 * addresses, behind the call.  An index into sites; UINT32_MAX without memory. */
uint32_t assess_image_site(struct assess_image *image, uint64_t address, bool returns);

/* "read" of "__libc_read": what a function of the C library is called by its callers. */
const char *assess_plain_name(const char *name);

#endif
