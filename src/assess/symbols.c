#include "symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLE_MOST = 256 << 20, SECTIONS_MOST = 65535 };
/* Encodings of .eh_frame_hdr: the ones that linkers write. */
enum { PCREL_SDATA4 = 0x1b, UDATA4 = 0x03, DATAREL_SDATA4 = 0x3b };

struct symbol {
    uint64_t low, size;
    const char *name;
};

struct unwind_row {
    int32_t low, fde; /* relative to the header */
};

struct assess_symbols {
    struct symbol *symbols; /* by address; one per address */
    size_t count;
    char *strings;
    struct unwind_row *rows; /* by address */
    size_t row_count;
    unsigned char *unwind;
    uint64_t unwind_base;
};

struct elf {
    int fd;
    uint64_t size;
    Elf64_Ehdr head;
    Elf64_Shdr *sections;
};

/* ---- reading -------------------------------------------------------------------------------- */

static bool read_at(const struct elf *elf, uint64_t offset, void *to, uint64_t size) {
    if (size > elf->size || offset > elf->size - size) return false;
    for (uint64_t done = 0; done < size;) {
        ssize_t n = pread(elf->fd, (char *)to + done, size - done, (off_t)(offset + done));
        if (n <= 0) return false;
        done += (uint64_t)n;
    }
    return true;
}

/* A block of the file in memory, with a NUL byte behind it; NULL when it is not there. */
static void *read_block(const struct elf *elf, uint64_t offset, uint64_t size) {
    if (size == 0 || size > TABLE_MOST || size > elf->size) return NULL;
    char *block = assess_realloc(NULL, size + 1);
    if (block && read_at(elf, offset, block, size)) {
        block[size] = '\0';
        return block;
    }
    assess_realloc(block, 0);
    return NULL;
}

static bool open_elf(const char *path, struct elf *elf) {
    struct stat info;
    /* Opening a device may do something: only what is a file by then is opened. */
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    elf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (elf->fd < 0) return false;
    if (fstat(elf->fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    elf->size = (uint64_t)info.st_size;
    const Elf64_Ehdr *h = &elf->head;
    if (!read_at(elf, 0, &elf->head, sizeof elf->head)) return false;
    return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
           h->e_ident[EI_DATA] == ELFDATA2LSB;
}

/* ---- symbol tables -------------------------------------------------------------------------- */

static size_t underscores(const char *name) { return strspn(name, "_"); }

/* Of several names for an address the plainest comes first. */
static int by_address(const void *a, const void *b) {
    const struct symbol *p = a, *q = b;
    if (p->low != q->low) return p->low < q->low ? -1 : 1;
    size_t pu = underscores(p->name), qu = underscores(q->name);
    if (pu != qu) return pu < qu ? -1 : 1;
    return strcmp(p->name, q->name);
}

static bool is_function(const Elf64_Sym *s) {
    unsigned type = ELF64_ST_TYPE(s->st_info);
    return (type == STT_FUNC || type == STT_GNU_IFUNC) && s->st_shndx != SHN_UNDEF && s->st_value;
}

static size_t keep_functions(struct assess_symbols *to, const Elf64_Sym *table, size_t count,
                             const char *strings, size_t strings_size) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const Elf64_Sym *s = &table[i];
        if (!is_function(s) || s->st_name >= strings_size || !strings[s->st_name]) continue;
        to->symbols[kept++] = (struct symbol){s->st_value, s->st_size, strings + s->st_name};
    }
    qsort(to->symbols, kept, sizeof *to->symbols, by_address);
    size_t count_apart = 0;
    for (size_t i = 0; i < kept; i++) {
        bool same = count_apart && to->symbols[count_apart - 1].low == to->symbols[i].low;
        if (!same) {
            to->symbols[count_apart++] = to->symbols[i];
        } else if (to->symbols[count_apart - 1].size < to->symbols[i].size) {
            to->symbols[count_apart - 1].size = to->symbols[i].size;
        }
    }
    return count_apart;
}

static bool read_table(const struct elf *elf, const Elf64_Shdr *section,
                       struct assess_symbols *to) {
    if (section->sh_entsize != sizeof(Elf64_Sym)) return false;
    if (section->sh_link >= elf->head.e_shnum) return false;
    const Elf64_Shdr *text = &elf->sections[section->sh_link];
    Elf64_Sym *table = read_block(elf, section->sh_offset, section->sh_size);
    char *strings = table ? read_block(elf, text->sh_offset, text->sh_size) : NULL;
    size_t count = (size_t)(section->sh_size / sizeof *table);
    if (strings && count) to->symbols = assess_realloc(NULL, count * sizeof *to->symbols);
    if (to->symbols) {
        to->count = keep_functions(to, table, count, strings, (size_t)text->sh_size);
        to->strings = strings;
        strings = NULL;
    }
    if (to->count == 0) {
        to->symbols = assess_realloc(to->symbols, 0);
        to->strings = assess_realloc(to->strings, 0);
    }
    assess_realloc(table, 0);
    assess_realloc(strings, 0);
    return to->count > 0;
}

static void read_symbols(struct elf *elf, struct assess_symbols *to) {
    size_t count = elf->head.e_shnum;
    if (elf->head.e_shentsize != sizeof(Elf64_Shdr) || count > SECTIONS_MOST) return;
    elf->sections = read_block(elf, elf->head.e_shoff, count * sizeof *elf->sections);
    if (!elf->sections) return;
    static const uint32_t kinds[] = {SHT_SYMTAB, SHT_DYNSYM}; /* the first has the second's too */
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < count; i++) {
            const Elf64_Shdr *section = &elf->sections[i];
            if (section->sh_type == kinds[k] && read_table(elf, section, to)) return;
        }
    }
}

/* ---- the unwind table: where functions begin ------------------------------------------------ */

static void read_unwind_header(const struct elf *elf, const Elf64_Phdr *segment,
                               struct assess_symbols *to) {
    enum { HEAD = 12 };
    unsigned char *block = read_block(elf, segment->p_offset, segment->p_filesz);
    if (!block) return;
    uint32_t count = 0;
    bool known = segment->p_filesz >= HEAD && block[0] == 1 && block[1] == PCREL_SDATA4 &&
                 block[2] == UDATA4 && block[3] == DATAREL_SDATA4;
    if (known) memcpy(&count, block + 8, sizeof count);
    if (count == 0 || count > (segment->p_filesz - HEAD) / sizeof *to->rows) {
        assess_realloc(block, 0);
        return;
    }
    to->unwind = block;
    to->unwind_base = segment->p_vaddr;
    to->rows = (struct unwind_row *)(void *)(block + HEAD);
    to->row_count = count;
}

static void read_unwind(const struct elf *elf, struct assess_symbols *to) {
    if (elf->head.e_phentsize != sizeof(Elf64_Phdr)) return;
    for (size_t i = 0; i < elf->head.e_phnum && !to->rows; i++) {
        Elf64_Phdr segment;
        if (!read_at(elf, elf->head.e_phoff + i * sizeof segment, &segment, sizeof segment)) return;
        if (segment.p_type == PT_GNU_EH_FRAME) read_unwind_header(elf, &segment, to);
    }
}

struct assess_symbols *assess_symbols_open(const char *path) {
    struct elf elf = {.fd = -1};
    struct assess_symbols *symbols = NULL;
    if (open_elf(path, &elf)) symbols = assess_realloc(NULL, sizeof *symbols);
    if (symbols) {
        *symbols = (struct assess_symbols){0};
        read_symbols(&elf, symbols);
        read_unwind(&elf, symbols);
    }
    if (elf.fd >= 0) close(elf.fd);
    assess_realloc(elf.sections, 0);
    return symbols;
}

void assess_symbols_close(struct assess_symbols **symbols) {
    if (!*symbols) return;
    assess_realloc((*symbols)->symbols, 0);
    assess_realloc((*symbols)->strings, 0);
    assess_realloc((*symbols)->unwind, 0);
    assess_realloc(*symbols, 0);
    *symbols = NULL;
}

/* ---- looking up ----------------------------------------------------------------------------- */

/* The symbol that covers the address: nearly always the last that begins at or before it, but an
 * inner label may stand between.  A symbol without a size reaches to the next one. */
static const struct symbol *find_symbol(const struct assess_symbols *s, uint64_t address) {
    enum { BACK = 8 };
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->symbols[middle].low <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t back = 1; back <= BACK && back <= low; back++) {
        const struct symbol *found = &s->symbols[low - back];
        bool unsized = back == 1 && found->size == 0 && low < s->count;
        if (unsized || address - found->low < found->size) return found;
    }
    return NULL;
}

static bool find_row(const struct assess_symbols *s, uint64_t address, uint64_t *start) {
    size_t low = 0, high = s->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->unwind_base + (uint64_t)(int64_t)s->rows[middle].low <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) return false;
    *start = s->unwind_base + (uint64_t)(int64_t)s->rows[low - 1].low;
    return true;
}

bool assess_symbols_find(const struct assess_symbols *symbols, uint64_t address, const char **name,
                         uint64_t *low) {
    if (!symbols) return false;
    const struct symbol *found = find_symbol(symbols, address);
    uint64_t start = 0;
    bool bounded = find_row(symbols, address, &start);
    /* A function of its own that the symbol table does not name lies behind the symbol. */
    if (found && found->size == 0 && bounded && start > found->low) found = NULL;
    if (!found && !bounded) return false;
    *name = found ? found->name : NULL;
    *low = found ? found->low : start;
    return true;
}

/* ---- C++ ------------------------------------------------------------------------------------ */

/* Passes over template arguments, I...E, whose parts may nest; false when they do not end. */
static bool skip_template(const char **at) {
    size_t depth = 0;
    const char *s = *at;
    do {
        if (*s == '\0') return false;
        if (*s >= '0' && *s <= '9') {
            unsigned long length = strtoul(s, (char **)&s, 10);
            if (length > strlen(s)) return false;
            s += length;
            continue;
        }
        if (*s == 'L') { /* a literal: type, value, E */
            s = strchr(s, 'E');
            if (!s) return false;
            s++;
            continue;
        }
        if (*s == 'I' || *s == 'N' || *s == 'J' || *s == 'X') depth++;
        if (*s == 'E') depth--;
        s++;
    } while (depth);
    *at = s;
    return true;
}

static bool add_component(const char **at, struct assess_text *text) {
    const char *s = *at;
    unsigned long length = strtoul(s, (char **)&s, 10);
    if (length == 0 || length > strlen(s)) return false;
    if (text->length) assess_text_add(text, "::");
    bool anonymous = length >= 10 && strncmp(s, "_GLOBAL__N", 10) == 0;
    assess_text_add_bytes(text, anonymous ? "(anonymous)" : s, anonymous ? 11 : length);
    *at = s + length;
    return true;
}

const char *assess_demangle(const char *symbol, struct assess_pool *pool) {
    if (strncmp(symbol, "_Z", 2) != 0) return NULL;
    const char *s = symbol + 2;
    bool nested = *s == 'N';
    if (nested) s++;
    while (nested && (*s == 'K' || *s == 'V' || *s == 'r')) s++;
    if (strncmp(s, "St", 2) == 0) s += 2;
    struct assess_text text = {0};
    bool good = true, more = true;
    while (good && more) {
        if (*s >= '0' && *s <= '9') {
            good = add_component(&s, &text);
        } else if (*s == 'I') {
            good = text.length && skip_template(&s);
        } else if (*s == 'L') {
            s++;
        } else if (nested && *s == 'C' && s[1] >= '1' && s[1] <= '5') {
            assess_text_add(&text, "::(constructor)");
            s += 2;
        } else {
            good = !nested || *s == 'E';
            more = false;
        }
        if (!nested && good && *s != 'I') more = false;
    }
    const char *copy = NULL;
    if (good && text.length && !text.failed) copy = assess_copy_text(pool, text.bytes, text.length);
    assess_text_deinit(&text);
    return copy;
}
