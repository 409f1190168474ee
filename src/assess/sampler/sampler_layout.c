/* 3.11 and 3.12: offsets taken from Include/internal of the releases, which do not change within a
 * minor version.  From 3.13 on the interpreter says itself (_Py_DebugOffsets at the begin of
 * _PyRuntime). */
#include "sampler_python.h"

#include <string.h>

#if defined(__aarch64__)
enum { GIL_SIZE = 224 }; /* pthread_mutex_t has 48 bytes, not 40 */
#else
enum { GIL_SIZE = 208 };
#endif

static const struct sampler_layout layout_3_11 = {
    .runtime_interpreters = 40,
    .interpreter_next = 0,
    .interpreter_threads = 16,
    .interpreter_collecting = 848,
    .interpreter_gil = SAMPLER_NONE,
    .runtime_gil = 360,
    .runtime_current = 360 + GIL_SIZE + 8,
    .gil_size = GIL_SIZE,
    .gil_holder = 8,
    .gil_locked = 16,
    .thread_next = 8,
    .thread_interpreter = 16,
    .thread_native_id = 160,
    .thread_frame = SAMPLER_NONE,
    .thread_cframe = 56,
    .cframe_frame = 8,
    .frame_previous = 48,
    .frame_code = 32,
    .frame_instruction = 56,
    .frame_owner = 69,
    .owner_skipped = 3,
    .code_filename = 112,
    .code_qualname = 128,
    .code_first_line = 72,
    .code_linetable = 136,
    .code_bytes = 184,
    .object_type = 8,
    .text_length = 16,
    .text_state = 32,
    .text_ascii = 48,
    .text_wide = 72,
    .bytes_size = 16,
    .bytes_data = 32,
};

static const struct sampler_layout layout_3_12 = {
    .runtime_interpreters = 40,
    .interpreter_next = 0,
    .interpreter_threads = 72,
    .interpreter_collecting = 312,
    .interpreter_gil = 384,
    .runtime_gil = SAMPLER_NONE,
    .runtime_current = SAMPLER_NONE,
    .gil_size = GIL_SIZE,
    .gil_holder = 8,
    .gil_locked = 16,
    .thread_next = 8,
    .thread_interpreter = 16,
    .thread_native_id = 144,
    .thread_frame = SAMPLER_NONE,
    .thread_cframe = 56,
    .cframe_frame = 0,
    .frame_previous = 8,
    .frame_code = 0,
    .frame_instruction = 56,
    .frame_owner = 70,
    .owner_skipped = 3,
    .code_filename = 112,
    .code_qualname = 128,
    .code_first_line = 68,
    .code_linetable = 136,
    .code_bytes = 192,
    .object_type = 8,
    .text_length = 16,
    .text_state = 32,
    .text_ascii = 40,
    .text_wide = 56,
    .bytes_size = 16,
    .bytes_data = 32,
};

/* _Py_DebugOffsets is a run of 64-bit numbers after a cookie of eight bytes; these are their
 * places. A version adds some in the middle. */
struct told_at {
    uint8_t interpreters, interpreter_next, interpreter_threads, interpreter_gc, ceval_gil, gil,
        gil_locked, gil_holder, thread_next, thread_interpreter, thread_frame, thread_native_id,
        frame_previous, frame_code, frame_instruction, frame_owner, code_filename, code_qualname,
        code_linetable, code_first_line, code_bytes, object_type, bytes_size, bytes_data,
        text_state, text_length, text_ascii, gc_collecting;
};
enum { TOLD_VERSION = 1, TOLD_FREE_THREADED = 2, TOLD_NUMBERS = 84 };

static const struct told_at told_3_13 = {5,  8,  9,  10, 14, 15, 17, 18, 21, 22, 23, 25, 29, 30,
                                         31, 33, 35, 37, 38, 39, 43, 45, 65, 66, 68, 69, 70, 72};
static const struct told_at told_3_14 = {5,  8,  9,  11, 15, 16, 18, 19, 24, 25, 26, 28, 32, 33,
                                         34, 36, 40, 42, 43, 44, 48, 51, 75, 76, 78, 79, 80, 82};

static struct sampler_layout told;

static void tell(const uint64_t *numbers, const struct told_at *at) {
#define TOLD(name) (uint32_t)numbers[at->name]
    told = (struct sampler_layout){
        .runtime_interpreters = TOLD(interpreters),
        .interpreter_next = TOLD(interpreter_next),
        .interpreter_threads = TOLD(interpreter_threads),
        .interpreter_collecting = TOLD(interpreter_gc) + TOLD(gc_collecting),
        .interpreter_gil = TOLD(ceval_gil),
        .runtime_gil = SAMPLER_NONE,
        .runtime_current = SAMPLER_NONE,
        .gil_size = GIL_SIZE,
        .gil_holder = TOLD(gil_holder) - TOLD(gil),
        .gil_locked = TOLD(gil_locked) - TOLD(gil),
        .thread_next = TOLD(thread_next),
        .thread_interpreter = TOLD(thread_interpreter),
        .thread_native_id = TOLD(thread_native_id),
        .thread_frame = TOLD(thread_frame),
        .thread_cframe = SAMPLER_NONE,
        .frame_previous = TOLD(frame_previous),
        .frame_code = TOLD(frame_code),
        .frame_instruction = TOLD(frame_instruction),
        .frame_owner = TOLD(frame_owner),
        .owner_skipped = 3,
        .code_filename = TOLD(code_filename),
        .code_qualname = TOLD(code_qualname),
        .code_first_line = TOLD(code_first_line),
        .code_linetable = TOLD(code_linetable),
        .code_bytes = TOLD(code_bytes),
        .object_type = TOLD(object_type),
        .text_length = TOLD(text_length),
        .text_state = TOLD(text_state),
        .text_ascii = TOLD(text_ascii),
        .text_wide = TOLD(text_ascii) + 16, /* the length in UTF-8, and a pointer to it */
        .bytes_size = TOLD(bytes_size),
        .bytes_data = TOLD(bytes_data),
    };
#undef TOLD
}

/* What is read into buffers of fixed size has to lie in them, whatever the interpreter says. */
static bool plausible(const struct sampler_layout *l) {
    return l->thread_next <= SAMPLER_STATE_BYTES - 8 &&
           l->thread_interpreter <= SAMPLER_STATE_BYTES - 8 &&
           l->thread_native_id <= SAMPLER_STATE_BYTES - 8 &&
           l->thread_frame <= SAMPLER_STATE_BYTES - 8 && l->frame_owner < SAMPLER_FRAME_BYTES &&
           l->frame_previous <= SAMPLER_FRAME_BYTES - 8 &&
           l->frame_code <= SAMPLER_FRAME_BYTES - 8 &&
           l->frame_instruction <= SAMPLER_FRAME_BYTES - 8 && l->code_bytes <= SAMPLER_CODE_BYTES &&
           l->code_filename <= l->code_bytes - 8 && l->code_qualname <= l->code_bytes - 8 &&
           l->code_linetable <= l->code_bytes - 8 && l->code_first_line <= l->code_bytes - 8 &&
           l->object_type <= 48 && l->text_length <= SAMPLER_HEAD_BYTES - 8 &&
           l->text_state <= SAMPLER_HEAD_BYTES - 8 && l->bytes_size <= SAMPLER_HEAD_BYTES - 8 &&
           l->gil_holder <= 24 && l->gil_locked <= 24;
}

static const struct sampler_layout *ask(uint32_t version, uint64_t runtime, const char **why) {
    uint64_t numbers[TOLD_NUMBERS];
    if (!sampler_read(runtime, numbers, sizeof numbers) || memcmp(numbers, "xdebugpy", 8) != 0 ||
        numbers[TOLD_VERSION] != version) {
        *why = "The interpreter does not describe itself as CPython 3.13 and later do: Python "
               "frames cannot be read.";
        return NULL;
    }
    if (numbers[TOLD_FREE_THREADED]) {
        *why = "The interpreter is a free-threaded build, which is not supported: it has no "
               "interpreter lock, and its frames change while they are read.";
        return NULL;
    }
    tell(numbers, version >> 16 == 0x030d ? &told_3_13 : &told_3_14);
    if (version >> 16 >= 0x030e) told.code_tag = 7; /* a _PyStackRef */
    *why = "The interpreter describes itself in a way that is not understood: Python frames cannot "
           "be read.";
    return plausible(&told) ? &told : NULL;
}

const struct sampler_layout *sampler_layout_for(uint32_t version, uint64_t runtime,
                                                const char **why) {
    uint32_t minor = version >> 16;
    *why = "The interpreter's version is not supported: CPython 3.11 to 3.14 are.";
    if (minor == 0x030b) return &layout_3_11;
    if (minor == 0x030c) return &layout_3_12;
    if (minor == 0x030d || minor == 0x030e) return ask(version, runtime, why);
    return NULL;
}
