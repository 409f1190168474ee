/* The file that the sampler writes, one per process image: DIR/trace.PID.START (START: the start of
 * the image in nanoseconds of CLOCK_MONOTONIC).
 *
 * A file is a run of records, little-endian, each a struct assess_record followed by `size` bytes
 * of payload; the payload is one of the structs below, then what it says follows it.  Text is
 * UTF-8 as the process had it, without a NUL, length first.  A record refers to records before it
 * alone.  A process may die at any moment: what is there up to the last complete record is valid.
 * The reader trusts nothing: the process that is profiled shares the folder with the sampler. */
#ifndef ASH_ASSESS_TRACE_FORMAT_H
#define ASH_ASSESS_TRACE_FORMAT_H

#include <stdint.h>

#define ASSESS_TRACE_MAGIC UINT64_C(0x3145434152545341) /* "ASTRACE1" */

/* Environment of the profiled program: the folder for files, and ticks per second. */
#define ASSESS_ENV_DIR "ASHORE_ASSESS_DIR"
#define ASSESS_ENV_HZ  "ASHORE_ASSESS_HZ"

enum assess_record_kind {
    ASSESS_REC_START = 1, /* struct assess_rec_start, then argv, joined by NUL bytes */
    ASSESS_REC_PYTHON,    /* struct assess_rec_python */
    ASSESS_REC_OBJECT,    /* struct assess_rec_object, then the path */
    ASSESS_REC_ENTRY,     /* struct assess_rec_entry, then the name */
    ASSESS_REC_CODE,      /* struct assess_rec_code, then file name and qualified name */
    ASSESS_REC_THREAD,    /* struct assess_rec_thread, then its name */
    ASSESS_REC_STACK,     /* struct assess_rec_stack, then frames */
    ASSESS_REC_SAMPLE,    /* struct assess_rec_sample */
    ASSESS_REC_NOTE,      /* text: something that a reader of the report has to know */
    ASSESS_REC_END        /* struct assess_rec_end: the image ended in order */
};

struct assess_record {
    uint32_t kind, size;
};

struct assess_rec_start {
    uint64_t magic;
    int64_t time;      /* ns, CLOCK_MONOTONIC */
    int64_t wall_time; /* ns since 1970 */
    uint32_t pid, parent, hz, argv_size;
};

/* Once the interpreter is up.  An interpreter that cannot be read has refused != 0, and the reason
 * follows as a NOTE. */
struct assess_rec_python {
    uint32_t version; /* Py_Version: 0x030b02f0 */
    uint32_t refused;
};

/* An executable mapping.  Addresses are of the process; address - bias is the file's own virtual
 * address, for symbols.  Later objects win where ranges overlap (unloaded, loaded again). */
struct assess_rec_object {
    uint32_t id;    /* 0, 1, 2, ... */
    uint32_t flags; /* ASSESS_OBJECT_* */
    uint64_t low, high, bias;
    uint32_t path_size, reserved;
};
enum { ASSESS_OBJECT_PYTHON = 1 /* the interpreter itself */, ASSESS_OBJECT_VDSO = 2 };

/* The address range of a function that symbol tables do not name: "memcpy" (whichever the C library
 * chose for this processor), "_pickle.dumps" (built into the interpreter).  A name may have several
 * ranges: those of functions that take its place on the stack. */
struct assess_rec_entry {
    uint64_t low, high;
    uint32_t name_size, reserved;
};

struct assess_rec_code {
    uint32_t id; /* 0, 1, 2, ... */
    uint32_t first_line;
    uint32_t file_size, name_size;
};

struct assess_rec_thread {
    uint32_t tid;
    uint32_t name_size;
};

/* Interned: equal stacks have one record.  Frames are leaf first: py_count of struct
 * assess_py_frame, then native_count addresses (uint64_t), of which the first is the program
 * counter and the others are return addresses. Native frames end with the first interpreter loop,
 * or at the root for threads without Python.  The sampler's own frames are left out. */
struct assess_rec_stack {
    uint32_t id; /* 0, 1, 2, ... */
    uint16_t py_count, native_count;
    uint32_t flags; /* ASSESS_STACK_* */
};
enum {
    ASSESS_STACK_PY_CUT = 1,    /* deeper than the limit: the root is missing */
    ASSESS_STACK_NATIVE_CUT = 2 /* unwinding ended early */
};
struct assess_py_frame {
    uint32_t code, line; /* line 0: not known */
};

/* What a thread did at a tick.  Samples of one thread are in order of time; among threads one comes
 * up to a second late that was slow to answer. */
struct assess_rec_sample {
    int64_t time;    /* ns */
    uint32_t weight; /* ns of wall time that it stands for: several ticks if it answered late */
    uint32_t tid;
    uint32_t stack;     /* id; UINT32_MAX when none could be taken */
    int16_t syscall;    /* number it is blocked in; -1: on the processor or runnable */
    uint16_t flags;     /* ASSESS_SAMPLE_* */
    uint64_t args[2];   /* first two arguments of the system call */
    uint16_t in_flight; /* requests of accepted connections that have no answer yet, process */
    uint16_t reserved[3];
};
enum {
    ASSESS_SAMPLE_PYTHON = 1 << 0,      /* the thread has a Python thread state */
    ASSESS_SAMPLE_GIL_WAIT = 1 << 1,    /* waits for the interpreter's lock: blocked, or (syscall
                                         * -1) between two waits, or woken and not yet run */
    ASSESS_SAMPLE_GC = 1 << 2,          /* the interpreter collects garbage, on this thread */
    ASSESS_SAMPLE_FOR_REQUEST = 1 << 3, /* blocked for a connection, or on one without a request */
    ASSESS_SAMPLE_ACCEPTED = 1 << 4,    /* the process has accepted connections: in_flight counts */
    ASSESS_SAMPLE_HOLDS_GIL = 1 << 5
};

struct assess_rec_end {
    int64_t time;           /* ns */
    int64_t sampler_cpu;    /* ns that the sampler's thread has used */
    int64_t handler_time;   /* ns spent in signal handlers */
    uint64_t ticks, missed; /* ticks done; ticks that came too late and were left out */
    uint64_t lost;          /* samples for which there was no room */
};

#endif
