/* Where the parts of a CPython lie that are read from outside. */
#ifndef ASH_ASSESS_SAMPLER_PYTHON_H
#define ASH_ASSESS_SAMPLER_PYTHON_H

#include "sampler.h"

/* Offsets in bytes within the structure that the name begins with; NONE where a version has no
 * such field. */
struct sampler_layout {
    uint32_t runtime_interpreters;
    uint32_t interpreter_next, interpreter_threads, interpreter_collecting;
    uint32_t interpreter_gil; /* a pointer to the lock; NONE: runtime_gil */
    uint32_t runtime_gil;     /* the lock, in the runtime itself */
    uint32_t runtime_current; /* the thread state that holds the lock */
    uint32_t gil_size, gil_holder, gil_locked;
    uint32_t thread_next, thread_interpreter, thread_native_id;
    uint32_t thread_frame; /* the current frame; NONE: thread_cframe, then cframe_frame */
    uint32_t thread_cframe, cframe_frame;
    uint32_t frame_previous, frame_code, frame_instruction, frame_owner;
    uint32_t owner_skipped; /* owners from this on have no code */
    uint32_t code_tag;      /* bits of the code's pointer that do not belong to it */
    uint32_t code_filename, code_qualname, code_first_line, code_linetable, code_bytes;
    uint32_t object_type;
    uint32_t text_length, text_state, text_ascii, text_wide; /* data, by whether it is ASCII */
    uint32_t bytes_size, bytes_data;
};
#define SAMPLER_NONE UINT32_MAX

/* Of the begin of a thread state, a frame, a code object and any other object: all that is looked
 * at lies in it. */
enum {
    SAMPLER_STATE_BYTES = 256,
    SAMPLER_FRAME_BYTES = 96,
    SAMPLER_CODE_BYTES = 256,
    SAMPLER_HEAD_BYTES = 64
};

/* NULL when it cannot be read; *why says so in a sentence for the report. */
const struct sampler_layout *sampler_layout_for(uint32_t version, uint64_t runtime,
                                                const char **why);

#endif
