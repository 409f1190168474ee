#include "sampler_python.h"

#include <string.h>

enum {
    CODES = 16384,
    LINES = 8192,
    THREADS = 4096,
    INTERPRETERS = 256,
    WINDOW = 1024,     /* bytes of a thread's frames that are read at once */
    LINE_TABLE = 16384 /* bytes of a line table that are decoded */
};

static const struct sampler_layout *layout;
static uint64_t runtime, loop_low, loop_high, code_type, text_type, bytes_type;
static bool seen;

static struct sampler_table codes = {.room = CODES}, lines = {.room = LINES};
static uint32_t next_code;

static struct {
    pid_t tid;
    bool has_frames;
    uint64_t state;
} *threads;
static uint32_t thread_count, interpreter_count;
static bool listed; /* in this tick */

static uint64_t field(const uint8_t *bytes, uint32_t offset) {
    uint64_t value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static int32_t field32(const uint8_t *bytes, uint32_t offset) {
    int32_t value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

/* ---- the interpreter ---- */

static bool has_runtime(const struct sampler_object *o) {
    return sampler_symbol(o, "_PyRuntime", NULL) != 0;
}

static void refuse(uint32_t version, const char *why) {
    struct assess_rec_python record = {.version = version, .refused = 1};
    sampler_write(ASSESS_REC_PYTHON, &record, sizeof record, NULL, 0);
    sampler_note(why);
}

/* The range of the eval loop: by its frame description, or the symbol's size. */
static void find_loop(const struct sampler_object *o) {
    uint64_t size = 0;
    loop_low = sampler_symbol(o, "_PyEval_EvalFrameDefault", &size);
    loop_high = loop_low + size;
    if (loop_low) sampler_function_range(loop_low, &loop_low, &loop_high);
}

bool sampler_python_find(void) {
    if (seen) return layout != NULL;
    const struct sampler_object *o = sampler_objects_find(has_runtime);
    if (!o) return false;
    uint64_t version_at = sampler_symbol(o, "Py_Version", NULL);
    uint32_t version = 0;
    if (version_at && !sampler_read(version_at, &version, sizeof version)) return false;
    const char *why = NULL;
    runtime = sampler_symbol(o, "_PyRuntime", NULL);
    layout = sampler_layout_for(version, runtime, &why);
    seen = true;
    if (!layout) {
        refuse(version, why);
        return false;
    }
    find_loop(o);
    code_type = sampler_symbol(o, "PyCode_Type", NULL);
    text_type = sampler_symbol(o, "PyUnicode_Type", NULL);
    bytes_type = sampler_symbol(o, "PyBytes_Type", NULL);
    struct assess_rec_python record = {.version = version};
    sampler_write(ASSESS_REC_PYTHON, &record, sizeof record, NULL, 0);
    sampler_entries_python(o);
    return true;
}

void sampler_python_loop(uint64_t *low, uint64_t *high) {
    *low = loop_low;
    *high = loop_high;
}

void sampler_python_reset(void) {
    layout = NULL;
    seen = false;
    next_code = thread_count = interpreter_count = 0;
    sampler_table_clear(&codes);
    sampler_table_clear(&lines);
}

/* ---- thread states ---- */

static uint64_t gil_of(uint64_t interpreter) {
    if (layout->interpreter_gil == SAMPLER_NONE) return runtime + layout->runtime_gil;
    return sampler_word(interpreter + layout->interpreter_gil);
}

/* What is read of a thread state. */
struct state {
    uint64_t address, next, interpreter, frame;
    uint64_t cframe; /* 3.11 and 3.12 have a structure on the stack of every loop; otherwise 0 */
    pid_t tid;
};

static bool read_state(uint64_t address, struct state *s) {
    uint8_t bytes[SAMPLER_STATE_BYTES];
    if (!address || !sampler_read(address, bytes, sizeof bytes)) return false;
    s->address = address;
    s->next = field(bytes, layout->thread_next);
    s->interpreter = field(bytes, layout->thread_interpreter);
    s->tid = (pid_t)field(bytes, layout->thread_native_id);
    s->cframe = layout->thread_cframe == SAMPLER_NONE ? 0 : field(bytes, layout->thread_cframe);
    s->frame = s->cframe ? sampler_word(s->cframe + layout->cframe_frame)
               : layout->thread_frame == SAMPLER_NONE ? 0
                                                      : field(bytes, layout->thread_frame);
    return true;
}

static bool holds_gil(const struct state *s) {
    if (layout->runtime_current != SAMPLER_NONE)
        return sampler_word(runtime + layout->runtime_current) == s->address;
    uint8_t lock[32];
    return sampler_read(gil_of(s->interpreter), lock, sizeof lock) &&
           field(lock, layout->gil_holder) == s->address && field32(lock, layout->gil_locked);
}

/* A thread that has been in several interpreters has a state of each.  The newest interpreter comes
 * first: its state is taken, unless there are no frames. */
static void add_thread(const struct state *s) {
    uint32_t i = 0;
    while (i < thread_count && threads[i].tid != s->tid) i++;
    if (i == THREADS || (i < thread_count && (threads[i].has_frames || !s->frame))) return;
    threads[i].tid = s->tid;
    threads[i].state = s->address;
    threads[i].has_frames = s->frame != 0;
    if (i == thread_count) thread_count++;
}

static void add_interpreter(uint64_t interpreter) {
    struct state s;
    uint64_t next = sampler_word(interpreter + layout->interpreter_threads);
    for (uint32_t n = 0; n < THREADS && read_state(next, &s); n++) {
        if (s.tid) add_thread(&s);
        next = s.next;
    }
}

static void list_threads(void) {
    thread_count = interpreter_count = 0;
    if (!threads) threads = sampler_pages(THREADS * sizeof *threads);
    if (!threads) return;
    uint64_t interpreter = sampler_word(runtime + layout->runtime_interpreters);
    while (interpreter && interpreter_count++ < INTERPRETERS) {
        add_interpreter(interpreter);
        interpreter = sampler_word(interpreter + layout->interpreter_next);
    }
    listed = true;
}

static uint64_t listed_state(pid_t tid) {
    for (uint32_t i = 0; i < thread_count; i++)
        if (threads[i].tid == tid) return threads[i].state;
    return 0;
}

void sampler_python_tick(void) { listed = false; }

/* A list of an earlier tick does for a thread whose state is still its own. */
uint64_t sampler_python_thread(pid_t tid) {
    struct state s;
    if (!layout) return 0;
    if (!listed) {
        uint64_t state = interpreter_count == 1 ? listed_state(tid) : 0;
        if (state && read_state(state, &s) && s.tid == tid) return state;
        list_threads();
    }
    return listed_state(tid);
}

bool sampler_python_gil(uint64_t thread_state, uint64_t futex) {
    if (!layout || !thread_state) return false;
    uint64_t gil = gil_of(sampler_word(thread_state + layout->thread_interpreter));
    return gil && futex >= gil && futex < gil + layout->gil_size;
}

bool sampler_python_takes_gil(uint64_t thread_state, const struct sampler_registers *registers) {
    if (!layout || !thread_state) return false;
    uint64_t gil = gil_of(sampler_word(thread_state + layout->thread_interpreter));
    for (unsigned i = 0; gil && i < SAMPLER_REGISTERS; i++)
        if (registers->value[i] >= gil && registers->value[i] < gil + layout->gil_size &&
            (registers->known >> i & 1))
            return true;
    return false;
}

/* ---- frames ---- */

static uint32_t flags_of(const struct state *s) {
    int32_t collecting = 0;
    if (!holds_gil(s)) return 0;
    sampler_read(s->interpreter + layout->interpreter_collecting, &collecting, sizeof collecting);
    return ASSESS_SAMPLE_HOLDS_GIL | (collecting ? ASSESS_SAMPLE_GC : 0);
}

/* Frames lie one after the other, callers below: what is before a frame is read with it. */
struct window {
    uint64_t base;
    size_t size;
    uint8_t bytes[WINDOW];
};

static const uint8_t *frame_at(struct window *w, uint64_t frame) {
    if (frame >= w->base && frame - w->base + SAMPLER_FRAME_BYTES <= w->size)
        return w->bytes + (frame - w->base);
    w->base = frame - (WINDOW - SAMPLER_FRAME_BYTES);
    w->size = sampler_read_part(w->base, w->bytes, WINDOW);
    if (w->size == WINDOW) return w->bytes + (frame - w->base);
    w->base = frame;
    w->size = sampler_read_part(frame, w->bytes, SAMPLER_FRAME_BYTES);
    return w->size == SAMPLER_FRAME_BYTES ? w->bytes : NULL;
}

void sampler_python_frames(uint64_t thread_state, pid_t tid, struct sampler_python_state *state) {
    struct state s;
    struct window window = {.size = 0};
    state->count = state->flags = 0;
    state->cut = false;
    state->loop_local = 0;
    if (!layout || !read_state(thread_state, &s) || s.tid != tid) return;
    state->flags = flags_of(&s);
    state->loop_local = s.cframe;
    uint64_t frame = s.frame;
    for (uint32_t n = 0; frame && n < 4 * SAMPLER_PY_DEPTH; n++) {
        const uint8_t *bytes = frame_at(&window, frame);
        if (!bytes) return;
        bool has_code = bytes[layout->frame_owner] < layout->owner_skipped;
        if (has_code && state->count == SAMPLER_PY_DEPTH) {
            state->cut = true;
            return;
        }
        if (has_code) {
            struct sampler_frame *f = &state->frames[state->count++];
            f->code = field(bytes, layout->frame_code) & ~(uint64_t)layout->code_tag;
            f->instruction = field(bytes, layout->frame_instruction);
        } else if (!state->loop_local)
            state->loop_local = frame; /* a loop's own, on its stack */
        frame = field(bytes, layout->frame_previous);
    }
}

/* ---- names and lines of code objects ---- */

/* A character in UTF-8, in place of which ? stands where it is none. */
static size_t encode(uint32_t c, char *to) {
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = '?';
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6) to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

/* Bits of a text's state, above the two that say whether it is interned: bytes per character,
 * whether the characters follow at once, whether all are ASCII. */
enum { TEXT_KIND = 7, TEXT_COMPACT = 8, TEXT_ASCII = 16 };

static size_t read_name(uint64_t object, char to[SAMPLER_NAME]) {
    uint8_t head[SAMPLER_HEAD_BYTES], data[SAMPLER_NAME * 4];
    if (!sampler_read(object, head, sizeof head) || field(head, layout->object_type) != text_type)
        return 0;
    uint64_t length = field(head, layout->text_length);
    uint32_t state = (uint32_t)field32(head, layout->text_state) >> 2, kind = state & TEXT_KIND;
    if (!(state & TEXT_COMPACT) || (kind != 1 && kind != 2 && kind != 4) || length == 0) return 0;
    /* Of a long name the end is kept, which tells files apart. */
    uint64_t at = object + (state & TEXT_ASCII ? layout->text_ascii : layout->text_wide);
    if (length > SAMPLER_NAME - 1) {
        at += (length - (SAMPLER_NAME - 1)) * kind;
        length = SAMPLER_NAME - 1;
    }
    if (!sampler_read(at, data, length * kind)) return 0;
    size_t n = 0;
    for (uint64_t i = 0; i < length && n + 4 <= SAMPLER_NAME; i++) {
        uint32_t c = 0;
        memcpy(&c, data + i * kind, kind);
        n += encode(c, to + n);
    }
    return n;
}

/* Reads one of the variable-length numbers of a location entry: six bits a byte. */
static bool get_number(const uint8_t *table, size_t size, size_t *at, uint32_t *value) {
    *value = 0;
    for (unsigned shift = 0; *at < size && shift < 32; shift += 6) {
        uint8_t byte = table[(*at)++];
        *value |= (uint32_t)(byte & 63) << shift;
        if (!(byte & 64)) return true;
    }
    return false;
}

/* Objects/locations.md of CPython 3.11 and later: entries of a kind, a length in code units, and
 * for most kinds a difference of lines. */
static uint32_t find_line(const uint8_t *table, size_t size, uint32_t first_line, uint64_t unit) {
    uint64_t covered = 0;
    uint32_t line = first_line, value = 0;
    for (size_t at = 0; at < size;) {
        uint8_t head = table[at++], kind = (head >> 3) & 15;
        covered += (head & 7u) + 1;
        if (kind == 13 || kind == 14) {
            if (!get_number(table, size, &at, &value)) return 0;
            line += value & 1 ? 0 - (value >> 1) : value >> 1;
        } else if (kind >= 10 && kind <= 12)
            line += kind - 10u;
        if (unit < covered) return kind == 15 ? 0 : line;
        while (at < size && !(table[at] & 0x80)) at++;
    }
    return 0;
}

static uint32_t line_of(const uint8_t *code, uint64_t code_at, uint64_t instruction) {
    static uint8_t table[LINE_TABLE];
    uint8_t head[SAMPLER_HEAD_BYTES];
    uint32_t first = (uint32_t)field32(code, layout->code_first_line);
    uint64_t begin = code_at + layout->code_bytes, at = field(code, layout->code_linetable);
    if (instruction < begin) return first; /* the frame has not begun */
    if (!sampler_read(at, head, sizeof head) || field(head, layout->object_type) != bytes_type)
        return 0;
    uint64_t size = field(head, layout->bytes_size);
    if (size > LINE_TABLE) size = LINE_TABLE;
    if (!sampler_read(at + layout->bytes_data, table, size)) return 0;
    return find_line(table, size, first, (instruction - begin) / 2);
}

/* A code object's memory may have been given to another: its parts are what it is known by. */
static bool resolve(const struct sampler_frame *f, const uint8_t *code,
                    struct assess_py_frame *out) {
    if (field(code, layout->object_type) != code_type) return false;
    uint64_t parts[4] = {f->code, field(code, layout->code_filename),
                         field(code, layout->code_qualname),
                         (uint64_t)field32(code, layout->code_first_line)};
    uint64_t hash = sampler_hash(parts, sizeof parts, 0);
    bool fresh = false;
    uint32_t *id = sampler_table_at(&codes, hash, &fresh);
    if (!id) return false;
    if (fresh) {
        char names[2 * SAMPLER_NAME];
        struct assess_rec_code record = {.id = *id = next_code++, .first_line = (uint32_t)parts[3]};
        record.file_size = (uint32_t)read_name(parts[1], names);
        record.name_size = (uint32_t)read_name(parts[2], names + record.file_size);
        sampler_write(ASSESS_REC_CODE, &record, sizeof record, names,
                      record.file_size + record.name_size);
    }
    out->code = *id;
    uint32_t *line = sampler_table_at(&lines, sampler_hash(&f->instruction, 8, hash), &fresh);
    if (line && fresh) *line = line_of(code, f->code, f->instruction);
    out->line = line ? *line : 0;
    return true;
}

uint32_t sampler_python_resolve(const struct sampler_python_state *state,
                                struct assess_py_frame *frames) {
    static uint8_t codes_read[SAMPLER_PY_DEPTH][SAMPLER_CODE_BYTES];
    uint64_t addresses[SAMPLER_PY_DEPTH];
    uint32_t n = 0;
    for (uint32_t i = 0; i < state->count; i++) addresses[i] = state->frames[i].code;
    bool all = sampler_read_many(addresses, state->count, codes_read, sizeof *codes_read);
    for (uint32_t i = 0; i < state->count; i++) {
        uint8_t *code = codes_read[i];
        if (!all && !sampler_read(addresses[i], code, layout->code_bytes)) continue;
        if (resolve(&state->frames[i], code, &frames[n])) n++;
    }
    return n;
}
