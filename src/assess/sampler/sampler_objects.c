/* The table of executable mappings, from /proc/self/maps: no lock of the dynamic linker is taken.
 * ELF headers and symbols are read where they are mapped. */
#include "sampler.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OBJECTS = 4096,
    LINE = 4096 + 256,
    CHAIN = 1024,            /* symbols with one hash, at most */
    AGE = 2000000000,        /* ns after which the table is read again */
    UNKNOWN_AGE = 200000000, /* the same, after an unknown address */
};

static struct sampler_object *table; /* sorted by address */
static uint32_t count, next_id, generation;
static int64_t read_at;

uint32_t sampler_objects_generation(void) { return generation; }

void sampler_objects_reset(void) {
    count = next_id = 0;
    read_at = 0;
    generation++;
}

const struct sampler_object *sampler_object_at(uint64_t address) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (table[middle].high <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && table[low].low <= address ? &table[low] : NULL;
}

const struct sampler_object *sampler_objects_find(bool (*visit)(const struct sampler_object *o)) {
    for (uint32_t i = 0; i < count; i++)
        if (visit(&table[i])) return &table[i];
    return NULL;
}

/* One line of maps: "low-high rwxp offset major:minor inode   path". */
struct mapping {
    uint64_t low, high, offset;
    bool executable;
    const char *path; /* "" when anonymous */
};

static bool parse(char *line, struct mapping *m) {
    char *p = line;
    m->low = strtoull(p, &p, 16);
    if (*p++ != '-') return false;
    m->high = strtoull(p, &p, 16);
    if (*p != ' ' || strlen(p) < 6) return false;
    m->executable = p[3] == 'x';
    m->offset = strtoull(p + 6, &p, 16);
    for (int field = 0; field < 2; field++) {
        while (*p == ' ') p++;
        while (*p && *p != ' ') p++;
    }
    while (*p == ' ') p++;
    m->path = p;
    return m->high > m->low;
}

uint32_t sampler_program_headers(uint64_t image, Elf64_Phdr headers[SAMPLER_PROGRAM_HEADERS]) {
    Elf64_Ehdr header;
    if (!image || !sampler_read(image, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof *headers)
        return 0;
    uint32_t n = header.e_phnum;
    if (n > SAMPLER_PROGRAM_HEADERS) n = SAMPLER_PROGRAM_HEADERS;
    return sampler_read(image + header.e_phoff, headers, n * sizeof *headers) ? n : 0;
}

static void read_image(struct sampler_object *o) {
    Elf64_Phdr ph[SAMPLER_PROGRAM_HEADERS];
    uint32_t n = sampler_program_headers(o->image, ph), i = 0;
    while (i < n && ph[i].p_type != PT_LOAD) i++;
    if (i == n) return;
    o->bias = o->image - (ph[i].p_vaddr - ph[i].p_offset);
    for (i = 0; i < n; i++) {
        if (ph[i].p_type == PT_DYNAMIC) o->dynamic = o->bias + ph[i].p_vaddr;
        if (ph[i].p_type != PT_GNU_EH_FRAME) continue;
        o->eh_frame_hdr = o->bias + ph[i].p_vaddr;
        o->eh_frame_hdr_size = ph[i].p_memsz;
    }
}

static bool is_libc(const char *path) {
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    return !strncmp(base, "libc.so", 7) || !strncmp(base, "libc-2", 6) ||
           !strncmp(base, "libpthread", 10) || !strncmp(base, "ld-", 3) || !strcmp(base, "[vdso]");
}

static void add(const struct mapping *m, uint64_t image) {
    uint64_t hash = sampler_hash(m->path, strlen(m->path), image);
    uint32_t i = 0;
    while (i < count && table[i].low < m->low) i++;
    if (i < count && table[i].low == m->low && table[i].high == m->high &&
        table[i].path_hash == hash) {
        table[i].seen = true;
        return;
    }
    if (count == OBJECTS) return;
    memmove(table + i + 1, table + i, (count - i) * sizeof *table);
    count++;
    generation++;
    struct sampler_object *o = &table[i];
    *o = (struct sampler_object){.low = m->low, .high = m->high, .path_hash = hash, .seen = true};
    o->id = next_id++;
    o->bias = m->low - m->offset;
    o->libc = is_libc(m->path);
    o->own = m->low <= (uint64_t)(uintptr_t)add && (uint64_t)(uintptr_t)add < m->high;
    o->image = image;
    read_image(o);
    struct assess_rec_object record = {
        .id = o->id,
        .low = o->low,
        .high = o->high,
        .bias = o->bias,
        .path_size = (uint32_t)strlen(m->path),
    };
    if (!strcmp(m->path, "[vdso]")) record.flags |= ASSESS_OBJECT_VDSO;
    if (sampler_symbol(o, "_PyEval_EvalFrameDefault", NULL)) record.flags |= ASSESS_OBJECT_PYTHON;
    sampler_write(ASSESS_REC_OBJECT, &record, sizeof record, m->path, strlen(m->path));
}

/* The lines of an object follow each other, the one with the ELF header first. */
struct image {
    uint64_t base, path_hash; /* base: 0 when it is not mapped from its begin */
};

static void take_line(char *line, struct image *image) {
    struct mapping m;
    if (!parse(line, &m) || (m.path[0] != '/' && strcmp(m.path, "[vdso]") != 0)) return;
    uint64_t hash = sampler_hash(m.path, strlen(m.path), 0);
    if (hash != image->path_hash || m.offset == 0)
        *image = (struct image){m.offset == 0 ? m.low : 0, hash};
    if (m.executable) add(&m, image->base);
}

static void drop_unseen(void) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (table[i].seen) table[kept++] = table[i];
    if (kept != count) generation++;
    count = kept;
}

void sampler_objects_update(int64_t now, bool unknown_address) {
    static char text[2 * LINE];
    if (read_at && now - read_at < (unknown_address ? UNKNOWN_AGE : AGE)) return;
    if (!table) table = sampler_pages(OBJECTS * sizeof *table);
    int file = table ? sampler_open_at(AT_FDCWD, "/proc/self/maps") : -1;
    if (file < 0) return;
    read_at = now;
    for (uint32_t i = 0; i < count; i++) table[i].seen = false;
    struct image image = {0};
    size_t have = 0;
    ssize_t n = 0;
    while ((n = sampler_file_read(file, text + have, sizeof text - 1 - have)) > 0) {
        have += (size_t)n;
        text[have] = 0;
        char *line = text, *end = NULL;
        while ((end = strchr(line, '\n')) != NULL) {
            *end = 0;
            take_line(line, &image);
            line = end + 1;
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
        if (have == sizeof text - 1) have = 0; /* no path is as long */
    }
    sampler_close(file);
    if (n == 0) drop_unseen();
}

/* ---- dynamic symbols, by the GNU hash table ---- */

struct symbols {
    uint64_t table, strings, hash;
};

static uint64_t placed(uint64_t bias, uint64_t pointer) {
    return pointer < bias ? bias + pointer : pointer; /* the vdso's are not relocated */
}

static bool read_dynamic(const struct sampler_object *o, struct symbols *s) {
    *s = (struct symbols){0};
    Elf64_Dyn entry;
    for (uint64_t at = o->dynamic; at && sampler_read(at, &entry, sizeof entry);
         at += sizeof entry) {
        uint64_t pointer = placed(o->bias, entry.d_un.d_ptr);
        if (entry.d_tag == DT_NULL || at - o->dynamic > 4096) break;
        if (entry.d_tag == DT_SYMTAB) s->table = pointer;
        if (entry.d_tag == DT_STRTAB) s->strings = pointer;
        if (entry.d_tag == DT_GNU_HASH) s->hash = pointer;
    }
    return s->table && s->strings && s->hash;
}

static bool same_name(uint64_t address, const char *name) {
    char text[64];
    return sampler_read_text(address, text, sizeof text) == strlen(name) && !strcmp(text, name);
}

uint64_t sampler_symbol(const struct sampler_object *o, const char *name, uint64_t *size) {
    struct symbols s;
    uint32_t head[4]; /* buckets, first symbol that is hashed, words of the filter, its shift */
    if (!read_dynamic(o, &s) || !sampler_read(s.hash, head, sizeof head) || head[0] == 0) return 0;
    uint32_t hash = 5381;
    for (const char *c = name; *c; c++) hash = hash * 33 + (uint8_t)*c;
    uint64_t buckets = s.hash + sizeof head + 8 * (uint64_t)head[2];
    uint64_t chains = buckets + 4 * (uint64_t)head[0];
    uint32_t index = 0, link = 0, steps = 0;
    if (!sampler_read(buckets + 4 * (hash % head[0]), &index, sizeof index)) return 0;
    if (index < head[1]) return 0;
    do {
        Elf64_Sym symbol;
        if (!sampler_read(chains + 4 * (uint64_t)(index - head[1]), &link, sizeof link)) return 0;
        if (((link ^ hash) >> 1) == 0 &&
            sampler_read(s.table + index * sizeof symbol, &symbol, sizeof symbol) &&
            symbol.st_shndx != SHN_UNDEF && same_name(s.strings + symbol.st_name, name)) {
            if (size) *size = symbol.st_size;
            return o->bias + symbol.st_value;
        }
        index++;
    } while (!(link & 1) && ++steps < CHAIN);
    return 0;
}

/* The table of symbols has no length; linkers put the one of strings behind it. */
bool sampler_exports(const struct sampler_object *o, uint64_t address) {
    struct symbols s;
    Elf64_Sym symbols[64];
    if (!read_dynamic(o, &s) || s.strings < s.table) return false;
    uint64_t left = (s.strings - s.table) / sizeof *symbols;
    for (uint64_t at = s.table; left > 0; at += sizeof symbols) {
        size_t n = left < 64 ? (size_t)left : 64;
        if (!sampler_read(at, symbols, n * sizeof *symbols)) return false;
        for (size_t i = 0; i < n; i++)
            if (symbols[i].st_shndx != SHN_UNDEF && o->bias + symbols[i].st_value == address)
                return true;
        left -= n;
    }
    return false;
}
