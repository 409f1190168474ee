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
    .text_kind_shift = 2,
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
    .text_kind_shift = 2,
    .bytes_size = 16,
    .bytes_data = 32,
};

/* The numbers of _Py_DebugOffsets, in their order: 64 bits each, after a cookie of eight bytes. */
enum offset_3_13 {
    V13_VERSION = 1,
    V13_FREE_THREADED = 2,
    V13_RUNTIME_INTERPRETERS = 5,
    V13_INTERPRETER_NEXT = 8,
    V13_INTERPRETER_THREADS = 9,
    V13_INTERPRETER_GC = 10,
    V13_INTERPRETER_CEVAL_GIL = 14,
    V13_INTERPRETER_GIL = 15,
    V13_INTERPRETER_GIL_LOCKED = 17,
    V13_INTERPRETER_GIL_HOLDER = 18,
    V13_THREAD_NEXT = 21,
    V13_THREAD_INTERPRETER = 22,
    V13_THREAD_FRAME = 23,
    V13_THREAD_NATIVE_ID = 25,
    V13_FRAME_PREVIOUS = 29,
    V13_FRAME_CODE = 30,
    V13_FRAME_INSTRUCTION = 31,
    V13_FRAME_OWNER = 33,
    V13_CODE_FILENAME = 35,
    V13_CODE_QUALNAME = 37,
    V13_CODE_LINETABLE = 38,
    V13_CODE_FIRST_LINE = 39,
    V13_CODE_BYTES = 43,
    V13_OBJECT_TYPE = 45,
    V13_BYTES_SIZE = 66,
    V13_BYTES_DATA = 67,
    V13_TEXT_STATE = 69,
    V13_TEXT_LENGTH = 70,
    V13_TEXT_ASCII = 71,
    V13_GC_COLLECTING = 73,
    V13_NUMBERS = 74
};

static struct sampler_layout told;

static bool layout_3_13(const uint64_t *o) {
    for (unsigned i = V13_FREE_THREADED; i < V13_NUMBERS; i++)
        if (o[i] > UINT32_MAX) return false;
    told = (struct sampler_layout){
        .runtime_interpreters = (uint32_t)o[V13_RUNTIME_INTERPRETERS],
        .interpreter_next = (uint32_t)o[V13_INTERPRETER_NEXT],
        .interpreter_threads = (uint32_t)o[V13_INTERPRETER_THREADS],
        .interpreter_collecting = (uint32_t)(o[V13_INTERPRETER_GC] + o[V13_GC_COLLECTING]),
        .interpreter_gil = (uint32_t)o[V13_INTERPRETER_CEVAL_GIL],
        .runtime_gil = SAMPLER_NONE,
        .runtime_current = SAMPLER_NONE,
        .gil_size = GIL_SIZE,
        .gil_holder = (uint32_t)(o[V13_INTERPRETER_GIL_HOLDER] - o[V13_INTERPRETER_GIL]),
        .gil_locked = (uint32_t)(o[V13_INTERPRETER_GIL_LOCKED] - o[V13_INTERPRETER_GIL]),
        .thread_next = (uint32_t)o[V13_THREAD_NEXT],
        .thread_interpreter = (uint32_t)o[V13_THREAD_INTERPRETER],
        .thread_native_id = (uint32_t)o[V13_THREAD_NATIVE_ID],
        .thread_frame = (uint32_t)o[V13_THREAD_FRAME],
        .frame_previous = (uint32_t)o[V13_FRAME_PREVIOUS],
        .frame_code = (uint32_t)o[V13_FRAME_CODE],
        .frame_instruction = (uint32_t)o[V13_FRAME_INSTRUCTION],
        .frame_owner = (uint32_t)o[V13_FRAME_OWNER],
        .owner_skipped = 3,
        .code_filename = (uint32_t)o[V13_CODE_FILENAME],
        .code_qualname = (uint32_t)o[V13_CODE_QUALNAME],
        .code_first_line = (uint32_t)o[V13_CODE_FIRST_LINE],
        .code_linetable = (uint32_t)o[V13_CODE_LINETABLE],
        .code_bytes = (uint32_t)o[V13_CODE_BYTES],
        .object_type = (uint32_t)o[V13_OBJECT_TYPE],
        .text_length = (uint32_t)o[V13_TEXT_LENGTH],
        .text_state = (uint32_t)o[V13_TEXT_STATE],
        .text_ascii = (uint32_t)o[V13_TEXT_ASCII],
        .text_wide = (uint32_t)o[V13_TEXT_ASCII] + 16,
        .text_kind_shift = 2,
        .bytes_size = (uint32_t)o[V13_BYTES_SIZE],
        .bytes_data = (uint32_t)o[V13_BYTES_DATA],
    };
    return true;
}

static const struct sampler_layout *ask(uint32_t version, uint64_t runtime, const char **why) {
    uint64_t numbers[V13_NUMBERS];
    if (!sampler_read(runtime, numbers, sizeof numbers) || memcmp(numbers, "xdebugpy", 8) != 0 ||
        numbers[V13_VERSION] != version) {
        *why = "The interpreter does not describe itself as CPython 3.13 and later do: Python "
               "frames cannot be read.";
        return NULL;
    }
    if (numbers[V13_FREE_THREADED]) {
        *why = "The interpreter is a free-threaded build, which is not supported: it has no "
               "interpreter lock, and its frames change while they are read.";
        return NULL;
    }
    return layout_3_13(numbers) ? &told : NULL;
}

const struct sampler_layout *sampler_layout_for(uint32_t version, uint64_t runtime,
                                                const char **why) {
    uint32_t minor = version >> 16;
    *why = "The interpreter's version is not supported: CPython 3.11 to 3.14 are.";
    if (minor == 0x030b) return &layout_3_11;
    if (minor == 0x030c) return &layout_3_12;
    if (minor == 0x030d) return ask(version, runtime, why);
    return NULL;
}
