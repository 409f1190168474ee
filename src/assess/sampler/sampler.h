/* The library that `ashore assess` puts into a Python program by LD_PRELOAD: a thread that looks at
 * all others some hundred times a second and writes down what they do (trace_format.h).
 *
 * It lives in a program that it must not disturb:
 * - Memory of the program is read through the kernel (sampler_read): a bad pointer is an answer.
 * - The sampler's thread asks for memory by mmap alone, and takes no lock that the program has.
 * - A signal goes to threads that run; one that is blocked in a system call is read from outside.
 * - Its descriptors are the sampler's thread's own: the program neither sees nor closes them.
 * - Its signal is one that the program does not use; what the program sets for it is kept apart.
 * - On trouble (no space, no folder, an interpreter that is not known) sampling ends quietly.
 *
 * Names that the parts share begin with sampler_; what is exported stands in front of functions of
 * the C library (sampler_next.h).  Times are ns of CLOCK_MONOTONIC. */
#ifndef ASH_ASSESS_SAMPLER_H
#define ASH_ASSESS_SAMPLER_H

#include "assess/trace_format.h"

#include <elf.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SAMPLER_PY_DEPTH = 128,      /* Python frames of a stack: those next to the leaf */
    SAMPLER_NATIVE_DEPTH = 96,   /* native frames of a stack */
    SAMPLER_STACK_BYTES = 16384, /* of a thread's stack that are looked at */
    SAMPLER_REGISTERS = 34,      /* more than DWARF's numbers of either processor */
    SAMPLER_NAME = 256           /* bytes of a file's or function's name that are kept */
};

#if defined(__x86_64__)
enum { SAMPLER_SP = 7, SAMPLER_FP = 6, SAMPLER_RA = 16 };
#elif defined(__aarch64__)
enum { SAMPLER_SP = 31, SAMPLER_FP = 29, SAMPLER_RA = 30 };
#else
#    error "the sampler is for x86-64 and aarch64"
#endif

/* ---- sampler_memory.c: memory of the program, and of our own ---- */

/* Once per process; false when the kernel does not allow it. */
bool sampler_memory_open(void);
/* The bytes that could be read before the first that could not.  Async-signal-safe. */
size_t sampler_read_part(uint64_t address, void *to, size_t size);
static inline bool sampler_read(uint64_t address, void *to, size_t size) {
    return sampler_read_part(address, to, size) == size;
}
/* size bytes from each address, one after the other; false unless all could be read. */
bool sampler_read_many(const uint64_t *addresses, uint32_t count, void *to, size_t size);
/* 0 when it cannot be read. */
uint64_t sampler_word(uint64_t address);
/* The text at an address, cut to room - 1 bytes and ended; its length. */
size_t sampler_read_text(uint64_t address, char *to, size_t room);
/* Cleared pages; NULL when there are none. */
void *sampler_pages(size_t size);
void sampler_pages_free(void *pages, size_t size);
/* Files of the sampler's thread, past the functions of the C library that this library stands in
 * front of.  sampler_open_at: for reading; folder may be AT_FDCWD. */
int sampler_open_at(int folder, const char *path);
ssize_t sampler_file_read(int file, void *to, size_t size);
void sampler_close(int file);
int64_t sampler_now(void);
uint64_t sampler_hash(const void *bytes, size_t size, uint64_t seed);

/* A table from a hash to a number, open addressing.  When it is full it starts anew: what was known
 * is then met as new. */
struct sampler_table {
    struct sampler_entry *entries;
    uint32_t count, room; /* room: a power of two, chosen before the first use */
};
struct sampler_entry {
    uint64_t hash; /* 0: free */
    uint32_t value;
};
/* The value's place, NULL when there is no memory; *fresh when it is new. */
uint32_t *sampler_table_at(struct sampler_table *table, uint64_t hash, bool *fresh);
void sampler_table_clear(struct sampler_table *table);

/* ---- sampler_writer.c: the trace file ---- */

bool sampler_writer_open(const char *folder, int64_t start, uint32_t hz);
/* Parts are written one after the other as one record.  Nothing after the first failure. */
void sampler_write(uint32_t kind, const void *a, size_t a_size, const void *b, size_t b_size);
void sampler_note(const char *text);
void sampler_writer_flush(void);
/* Whether the file takes what is written. */
bool sampler_writer_good(void);
/* In the child of a fork, which has neither the file nor its descriptor. */
void sampler_writer_forget(void);
void sampler_writer_close(void);

/* ---- sampler_objects.c: what is mapped, and where functions are ---- */

struct sampler_object {
    uint64_t low, high;   /* one executable mapping */
    uint64_t bias, image; /* image: where the ELF header is mapped; 0 when it is not */
    uint64_t eh_frame_hdr, eh_frame_hdr_size; /* addresses in memory; 0: none */
    uint64_t dynamic;
    uint64_t path_hash;
    uint32_t id;
    bool libc, own, seen; /* own: this library */
};
/* Reads /proc/self/maps when the last time is long enough ago, or the caller has met an address
 * that it does not know. */
void sampler_objects_update(int64_t now, bool unknown_address);
const struct sampler_object *sampler_object_at(uint64_t address);
/* Number of changes of the table: what was remembered of addresses is void after each. */
uint32_t sampler_objects_generation(void);
/* Calls visit for every object until it returns true. */
const struct sampler_object *sampler_objects_find(bool (*visit)(const struct sampler_object *o));
/* The address of a dynamic symbol that the object defines; 0: none.  size may be NULL. */
uint64_t sampler_symbol(const struct sampler_object *object, const char *name, uint64_t *size);
/* Whether a dynamic symbol is at the address. */
bool sampler_exports(const struct sampler_object *object, uint64_t address);
/* Those of the ELF image; their number, 0 when there is none. */
enum { SAMPLER_PROGRAM_HEADERS = 32 };
uint32_t sampler_program_headers(uint64_t image, Elf64_Phdr headers[SAMPLER_PROGRAM_HEADERS]);
void sampler_objects_reset(void);

/* ---- sampler_unwind.c: DWARF's call frame information ---- */

struct sampler_registers {
    uint64_t value[SAMPLER_REGISTERS];
    uint64_t known; /* bit by DWARF number */
    uint64_t pc;
};
struct sampler_stack_copy {
    const uint8_t *bytes;
    uint64_t base; /* address of bytes[0] */
    size_t size;
};
/* The frame at which to stop: its program counter lies in [low, high), or `local` among its local
 * variables. */
struct sampler_stop {
    uint64_t low, high, local;
};
/* Program counters, leaf first, until the frame to stop at, which is the last, or the root.  *cut
 * is set when neither was reached. */
uint32_t sampler_unwind(struct sampler_registers *registers, const struct sampler_stack_copy *stack,
                        const struct sampler_stop *stop, uint64_t *pcs, uint32_t room, bool *cut);
/* The function's range that its frame description gives; false when there is none. */
bool sampler_function_range(uint64_t pc, uint64_t *low, uint64_t *high);
void sampler_unwind_reset(void);

/* ---- sampler_python.c: thread states and frames ---- */

struct sampler_frame {
    uint64_t code, instruction;
};
struct sampler_python_state {
    uint32_t count;
    uint32_t flags; /* ASSESS_SAMPLE_GC, ASSESS_SAMPLE_HOLDS_GIL */
    bool cut;
    uint64_t loop_local; /* the address of a local variable of the innermost interpreter loop */
    struct sampler_frame frames[SAMPLER_PY_DEPTH];
};
/* Looks for an interpreter in what is mapped; true once one is there that can be read. */
bool sampler_python_find(void);
/* The range of the interpreter's loop; both 0 when unknown. */
void sampler_python_loop(uint64_t *low, uint64_t *high);
/* Before the threads of a tick: what was read of thread states may be old. */
void sampler_python_tick(void);
/* The thread's state, 0 when it has none. */
uint64_t sampler_python_thread(pid_t tid);
/* Frames of a thread state that belongs to thread tid.  Async-signal-safe. */
void sampler_python_frames(uint64_t thread_state, pid_t tid, struct sampler_python_state *state);
/* Whether the futex at the address is the interpreter's lock. */
bool sampler_python_gil(uint64_t thread_state, uint64_t futex);
/* Whether a thread in the C library, which does not hold the lock, is busy with it: awake between
 * two waits, or woken and not yet run.  One of its registers points there. */
bool sampler_python_takes_gil(uint64_t thread_state, const struct sampler_registers *registers);
/* Names the frames (writing CODE records for new ones). */
uint32_t sampler_python_resolve(const struct sampler_python_state *state,
                                struct assess_py_frame *frames);
void sampler_python_reset(void);

/* ---- sampler_entries.c: functions that no symbol table names ---- */

/* Of the C library, and of modules that are built into the interpreter. */
void sampler_entries_libc(void);
void sampler_entries_python(const struct sampler_object *interpreter);

/* ---- sampler_signal.c: what a running thread says of itself ---- */

struct sampler_slot {
    _Atomic uint32_t state; /* SLOT_*, and the number of the request above */
    pid_t tid;
    uint64_t thread_state;
    uint32_t stack_size;
    struct sampler_registers registers;
    struct sampler_python_state python;
    uint8_t stack[SAMPLER_STACK_BYTES];
};
bool sampler_signal_open(void);
/* Before the threads of a tick: whether the signal still comes to us. */
void sampler_signal_tick(void);
/* Asks a running thread; NULL when there is no room, or the signal cannot be sent. */
struct sampler_slot *sampler_ask(pid_t tid, uint64_t thread_state);
/* Whether it has answered. */
bool sampler_answered(const struct sampler_slot *slot);
/* Gives the slot back; false when the thread is in the middle of its answer. */
bool sampler_slot_free(struct sampler_slot *slot);
int64_t sampler_handler_time(void);
/* After a fork: nothing is asked. */
void sampler_signal_reset(void);

/* ---- sampler_requests.c: accepted connections ---- */

uint32_t sampler_requests_in_flight(void);
bool sampler_requests_served(void); /* the process has accepted, or listens */
bool sampler_requests_accepted(void);
/* Whether a thread blocked in this call waits for a connection or for a request to come. */
bool sampler_waits_for_request(long syscall_number, const uint64_t *args);
/* Forgets descriptors that were closed behind our back. */
void sampler_requests_verify(void);

/* ---- sampler.c: life cycle ---- */

bool sampler_runs(void);
/* Ends the trace; false when there is none to end. */
bool sampler_stop(void);
/* Goes on after sampler_stop(). */
void sampler_start(void);
/* A program may load Python late, to serve requests with it: looks for it when it begins to. */
void sampler_notice(void);

/* ---- sampler_threads.c: the tick ---- */

struct sampler_totals {
    uint64_t ticks, missed, lost;
};
bool sampler_threads_open(pid_t self);
void sampler_tick(int64_t now, uint32_t weight, struct sampler_totals *totals);
/* Writes the samples that are still under way. */
void sampler_threads_finish(void);
void sampler_threads_reset(void);

#endif
