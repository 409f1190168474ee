/* Two kinds of functions are sought: those of the C library that copy memory, of which it chooses a
 * variant by processor, and those that marshal and are built into an interpreter without symbols.
 * The latter are found through the tables that CPython's modules consist of, in the interpreter's
 * data: a PyModuleDef, a PyType_Spec or a PyTypeObject has a pointer to its name at one place and
 * one to its methods at another.  Their layouts are part of the stable interface. */
#include "sampler.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

static void add(const char *name, uint64_t address) {
    struct assess_rec_entry record = {.name_size = (uint32_t)strlen(name)};
    if (!address || !sampler_function_range(address, &record.low, &record.high)) return;
    sampler_write(ASSESS_REC_ENTRY, &record, sizeof record, name, record.name_size);
}

/* As this library's own references were resolved: the variant for this processor. */
void sampler_entries_libc(void) {
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    void *(*volatile move)(void *, const void *, size_t) = memmove;
    void *(*volatile copy_to_end)(void *, const void *, size_t) = mempcpy;
    void *(*volatile set)(void *, int, size_t) = memset;
    add("memcpy", (uint64_t)(uintptr_t)copy);
    add("memmove", (uint64_t)(uintptr_t)move);
    add("mempcpy", (uint64_t)(uintptr_t)copy_to_end);
    add("memset", (uint64_t)(uintptr_t)set);
}

/* ---- modules in the interpreter ---- */

/* What has methods: a module, or a type of one. */
struct holder {
    const char *name;    /* as in its tp_name or m_name */
    const char *methods; /* those that marshal, in spaces */
};

static const struct holder holders[] = {
    {"_pickle", " dump dumps load loads "},
    {"_pickle.Pickler", " dump "},
    {"_pickle.Unpickler", " load "},
    {"marshal", " dump dumps load loads "},
    {"_json", " encode_basestring encode_basestring_ascii scanstring "},
    {"_json.Scanner", " __call__ "},
    {"_json.Encoder", " __call__ "},
    {"_struct", " pack pack_into unpack unpack_from iter_unpack calcsize "},
    {"_struct.Struct", " pack pack_into unpack unpack_from iter_unpack "},
    {"zlib", " compress decompress crc32 adler32 "},
    {"zlib.Compress", " compress flush "},
    {"zlib.Decompress", " decompress flush "},
    {"binascii",
     " a2b_base64 b2a_base64 a2b_hex b2a_hex hexlify unhexlify a2b_qp b2a_qp a2b_uu b2a_uu "},
    {"_csv.writer", " writerow writerows "},
    {"pyexpat.xmlparser", " Parse ParseFile "},
};

enum {
    CHUNK = 4096,  /* words that are looked at together */
    METHODS = 128, /* of an array, at most */
    MODULE_NAME = 40,
    MODULE_METHODS = 64,
    TYPE_NAME = 24,
    TYPE_CALL = 128,
    TYPE_METHODS = 232,
    SPEC_SLOTS = 24,
    SLOT_CALL = 50,
    SLOT_METHODS = 64
};

static bool wanted(const struct holder *h, const char *method) {
    char key[64];
    int n = snprintf(key, sizeof key, " %s ", method);
    return n > 2 && n < (int)sizeof key && strstr(h->methods, key) != NULL;
}

/* Where the jump at `at` leads, which compilers make of a call at a function's end; 0: none. */
static uint64_t jump_target(const uint8_t *code, uint64_t at) {
    int32_t distance;
#if defined(__x86_64__)
    if (code[0] != 0xe9) return 0;
    memcpy(&distance, code + 1, sizeof distance);
    return at + 5 + (uint64_t)(int64_t)distance;
#else
    uint32_t word;
    memcpy(&word, code, sizeof word);
    if (at % 4 != 0 || word >> 26 != 5) return 0;
    distance = (int32_t)(word << 6) >> 4;
    return at + (uint64_t)(int64_t)distance;
#endif
}

/* A function that ends by a call of another is not on the stack during that call.  The other stands
 * for it when it is not exported: then it is of the same module, and not what all modules use. */
static void add_jumps(const char *name, uint64_t low, uint64_t high) {
    uint8_t code[512];
    const struct sampler_object *object = sampler_object_at(low);
    size_t n = sampler_read_part(low, code, high - low < sizeof code ? high - low : sizeof code);
    for (size_t i = 0; i + 8 <= n; i++) {
        uint64_t target = jump_target(code + i, low + i), first = 0, end = 0;
        if (!target || (target >= low && target < high) || sampler_object_at(target) != object)
            continue;
        if (sampler_function_range(target, &first, &end) && first == target &&
            !sampler_exports(object, target))
            add(name, target);
    }
}

static void add_method(const struct holder *h, const char *method, uint64_t address) {
    char name[128];
    uint64_t low = 0, high = 0;
    if (!sampler_function_range(address, &low, &high)) return;
    snprintf(name, sizeof name, "%s.%s", h->name, method);
    add(name, address);
    add_jumps(name, low, high);
}

/* An array of PyMethodDef: name, function, flags, text; ended by a name of NULL. */
static void add_methods(const struct holder *h, uint64_t array) {
    uint64_t def[4];
    char method[64];
    for (int i = 0; array && i < METHODS; i++, array += sizeof def) {
        if (!sampler_read(array, def, sizeof def) || !def[0]) return;
        if (sampler_read_text(def[0], method, sizeof method) && wanted(h, method))
            add_method(h, method, def[1]);
    }
}

/* An array of PyType_Slot: a number, a pointer. */
static void add_slots(const struct holder *h, uint64_t array) {
    uint64_t slot[2];
    for (int i = 0; array && i < METHODS; i++, array += sizeof slot) {
        if (!sampler_read(array, slot, sizeof slot) || (uint32_t)slot[0] == 0) return;
        if ((uint32_t)slot[0] == SLOT_METHODS) add_methods(h, slot[1]);
        if ((uint32_t)slot[0] == SLOT_CALL && wanted(h, "__call__"))
            add_method(h, "__call__", slot[1]);
    }
}

/* A pointer to the holder's name stands at `at`: in which of the three structures? */
static void add_holder(const struct holder *h, uint64_t at) {
    if (!strchr(h->name, '.')) {
        add_methods(h, sampler_word(at - MODULE_NAME + MODULE_METHODS));
        return;
    }
    uint64_t slots = sampler_word(at + SPEC_SLOTS), first = sampler_word(slots);
    if (first && first < 256) {
        add_slots(h, slots);
        return;
    }
    add_methods(h, sampler_word(at - TYPE_NAME + TYPE_METHODS));
    if (wanted(h, "__call__")) add_method(h, "__call__", sampler_word(at - TYPE_NAME + TYPE_CALL));
}

struct range {
    uint64_t low, high;
};

static bool in(struct range r, uint64_t address) { return address >= r.low && address < r.high; }

static bool small(uint64_t word) { return word == UINT64_MAX || word < 65536; }

/* Of the words that point into the constants few are names of modules (a text, a size and methods
 * follow), of types (two sizes) or of specifications (sizes in half a word each, flags, slots). */
static bool may_name(const uint64_t *word, struct range constants, struct range data) {
    if (!in(constants, word[0])) return false;
    bool module = (word[1] == 0 || in(constants, word[1])) && small(word[2]) && in(data, word[3]);
    bool type = word[1] >= 16 && small(word[1]) && small(word[2]);
    bool specification = small((uint32_t)word[1]) && small(word[1] >> 32) && in(data, word[3]);
    return module || type || specification;
}

static void examine(uint64_t text, uint64_t at) {
    char name[32];
    if (!sampler_read_text(text, name, sizeof name)) return;
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
        if (!strcmp(name, holders[i].name)) add_holder(&holders[i], at);
}

static void scan(struct range data, struct range constants) {
    static uint64_t words[CHUNK + 3];
    for (uint64_t at = (data.low + 7) & ~UINT64_C(7); at < data.high; at += CHUNK * sizeof *words) {
        size_t n = sampler_read_part(at, words, sizeof words) / sizeof *words;
        for (size_t i = 0; i < CHUNK && i + 3 < n; i++)
            if (may_name(words + i, constants, data)) examine(words[i], at + i * sizeof *words);
    }
}

/* Exported, yet of one module. */
static void add_marshal(const struct sampler_object *interpreter) {
    add("marshal.dumps", sampler_symbol(interpreter, "PyMarshal_WriteObjectToString", NULL));
    add("marshal.loads", sampler_symbol(interpreter, "PyMarshal_ReadObjectFromString", NULL));
}

void sampler_entries_python(const struct sampler_object *interpreter) {
    add_marshal(interpreter);
    Elf64_Phdr ph[SAMPLER_PROGRAM_HEADERS];
    uint32_t n = sampler_program_headers(interpreter->image, ph);
    struct range constants = {UINT64_MAX, 0};
    for (uint32_t i = 0; i < n; i++) {
        if (ph[i].p_type != PT_LOAD || (ph[i].p_flags & PF_W)) continue;
        uint64_t low = interpreter->bias + ph[i].p_vaddr;
        if (low < constants.low) constants.low = low;
        if (low + ph[i].p_memsz > constants.high) constants.high = low + ph[i].p_memsz;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (ph[i].p_type != PT_LOAD || !(ph[i].p_flags & PF_W)) continue;
        uint64_t low = interpreter->bias + ph[i].p_vaddr;
        scan((struct range){low, low + ph[i].p_filesz}, constants);
    }
}
