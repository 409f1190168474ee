/* One tick: every thread of the process, and a sample of each. */
#include "sampler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS = 4096,
    STACKS = 65536,
    FIRST_BYTES = 4096,    /* of a blocked thread's stack that are looked at first */
    PATIENCE = 1000000000, /* ns after which an answer is no longer waited for */
    DEAF = 99              /* ticks for which a thread that did not answer is not asked again */
};

struct thread {
    pid_t tid;
    int status;         /* descriptor of its syscall file; -1 */
    bool seen, blocked; /* blocked: `last` holds while it does not run */
    uint32_t age, deaf; /* ticks seen; ticks in which it is not to be asked */
    int64_t cpu;        /* ns that it has run */
    uint64_t name_hash;
    struct sampler_slot *slot; /* that it was asked to fill; `last` is the sample to be */
    struct assess_rec_sample last;
};

static struct thread *threads;
static uint32_t count;
static pid_t own_tid;
static int task_folder = -1;
static struct sampler_table stacks = {.room = STACKS};
static uint32_t next_stack;
static struct sampler_totals *totals;

bool sampler_threads_open(pid_t self) {
    own_tid = self;
    if (!threads) threads = sampler_pages(THREADS * sizeof *threads);
    task_folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return threads && task_folder >= 0;
}

void sampler_threads_reset(void) {
    count = next_stack = 0;
    task_folder = -1;
    sampler_table_clear(&stacks);
}

/* ---- stacks ---- */

struct stack {
    struct assess_rec_stack record;
    struct assess_py_frame py[SAMPLER_PY_DEPTH];
    uint64_t native[SAMPLER_NATIVE_DEPTH];
};

static uint32_t intern(struct stack *s) {
    static struct {
        struct assess_py_frame py[SAMPLER_PY_DEPTH];
        uint64_t native[SAMPLER_NATIVE_DEPTH];
    } frames;
    uint8_t *to = (uint8_t *)&frames;
    size_t py_size = s->record.py_count * sizeof *s->py;
    size_t size = py_size + s->record.native_count * sizeof *s->native;
    memcpy(to, s->py, py_size);
    memcpy(to + py_size, s->native, size - py_size);
    bool fresh = false;
    uint64_t seed = (uint64_t)s->record.py_count << 32 | s->record.flags;
    uint32_t *id = sampler_table_at(&stacks, sampler_hash(to, size, seed), &fresh);
    if (!id) return UINT32_MAX;
    if (!fresh) return *id;
    s->record.id = *id = next_stack++;
    sampler_write(ASSESS_REC_STACK, &s->record, sizeof s->record, to, size);
    return *id;
}

static struct stack *python_stack(const struct sampler_python_state *python) {
    static struct stack s;
    s.record = (struct assess_rec_stack){0};
    s.record.py_count = (uint16_t)sampler_python_resolve(python, s.py);
    if (python->cut) s.record.flags |= ASSESS_STACK_PY_CUT;
    return &s;
}

/* Adds native frames; false when they end early. */
static bool add_native(struct stack *s, struct sampler_registers registers,
                       const struct sampler_stack_copy *copy, uint64_t loop_local) {
    struct sampler_stop stop = {.local = loop_local};
    bool cut = false;
    sampler_python_loop(&stop.low, &stop.high);
    if (!sampler_object_at(registers.pc)) sampler_objects_update(sampler_now(), true);
    s->record.native_count =
        (uint16_t)sampler_unwind(&registers, copy, &stop, s->native, SAMPLER_NATIVE_DEPTH, &cut);
    s->record.flags &= ~(uint32_t)ASSESS_STACK_NATIVE_CUT;
    if (cut) s->record.flags |= ASSESS_STACK_NATIVE_CUT;
    return !cut;
}

/* The stack of a blocked thread, of which mostly a small part is enough. */
static uint32_t blocked_stack(uint64_t sp, uint64_t pc, const struct sampler_python_state *python) {
    static uint8_t bytes[SAMPLER_STACK_BYTES];
    struct stack *stack = python_stack(python);
    struct sampler_registers registers = {.pc = pc, .known = UINT64_C(1) << SAMPLER_SP};
    registers.value[SAMPLER_SP] = sp;
    struct sampler_stack_copy copy = {bytes, sp, sampler_read_part(sp, bytes, FIRST_BYTES)};
    if (!add_native(stack, registers, &copy, python->loop_local) && copy.size == FIRST_BYTES) {
        copy.size = sampler_read_part(sp, bytes, sizeof bytes);
        add_native(stack, registers, &copy, python->loop_local);
    }
    return intern(stack);
}

/* ---- samples ---- */

static void emit(struct assess_rec_sample *sample) {
    sampler_write(ASSESS_REC_SAMPLE, sample, sizeof *sample, NULL, 0);
}

static void describe_process(struct assess_rec_sample *sample) {
    uint32_t n = sampler_requests_in_flight();
    sample->in_flight = (uint16_t)(n > UINT16_MAX ? UINT16_MAX : n);
    if (sampler_requests_accepted()) sample->flags |= ASSESS_SAMPLE_ACCEPTED;
}

/* What the kernel says of a thread. */
struct status {
    bool running;
    long call;
    uint64_t args[6], sp, pc;
};

static bool read_status(struct thread *t, struct status *s) {
    char text[256], *p = text;
    if (t->status < 0) {
        char name[32];
        snprintf(name, sizeof name, "%ld/syscall", (long)t->tid);
        t->status = sampler_open_at(task_folder, name);
    }
    ssize_t n = t->status < 0 ? 0 : pread(t->status, text, sizeof text - 1, 0);
    if (n <= 0) return false;
    text[n] = 0;
    memset(s, 0, sizeof *s);
    s->running = text[0] == 'r';
    if (s->running) return true;
    s->call = strtol(p, &p, 10);
    for (int i = 0; s->call >= 0 && i < 6; i++) s->args[i] = strtoull(p, &p, 16);
    s->sp = strtoull(p, &p, 16);
    s->pc = strtoull(p, &p, 16);
    if (s->call < 0) s->running = true; /* stopped by a page fault: it can be asked */
    return true;
}

static void sample_blocked(struct thread *t, uint64_t state, const struct status *s, int64_t now,
                           uint32_t weight) {
    static struct sampler_python_state python;
    sampler_python_frames(state, t->tid, &python);
    t->last = (struct assess_rec_sample){
        .time = now,
        .weight = weight,
        .tid = (uint32_t)t->tid,
        .stack = blocked_stack(s->sp, s->pc, &python),
        .syscall = (int16_t)s->call,
        .flags = (uint16_t)python.flags,
        .args = {s->args[0], s->args[1]},
    };
    if (state) t->last.flags |= ASSESS_SAMPLE_PYTHON;
    if (s->call == SYS_futex && sampler_python_gil(state, s->args[0]))
        t->last.flags |= ASSESS_SAMPLE_GIL_WAIT;
    t->blocked = true;
}

static void emit_blocked(struct thread *t, int64_t now, uint32_t weight) {
    struct assess_rec_sample sample = t->last;
    sample.time = now;
    sample.weight = weight;
    describe_process(&sample);
    if (sampler_waits_for_request(sample.syscall, sample.args))
        sample.flags |= ASSESS_SAMPLE_FOR_REQUEST;
    emit(&sample);
}

/* t->last has time, weight and what the process was doing when it was asked. */
static void emit_running(const struct thread *t, uint64_t state, uint32_t stack, uint32_t flags) {
    struct assess_rec_sample sample = t->last;
    sample.stack = stack;
    sample.flags |= (uint16_t)(flags | (state ? ASSESS_SAMPLE_PYTHON : 0));
    emit(&sample);
}

/* Without an answer: what can be seen of its Python frames from outside. */
static void emit_unanswered(const struct thread *t) {
    static struct sampler_python_state python;
    uint64_t state = sampler_python_thread(t->tid);
    sampler_python_frames(state, t->tid, &python);
    uint32_t stack = python.count ? intern(python_stack(&python)) : UINT32_MAX;
    emit_running(t, state, stack, python.flags);
}

static void take_answer(struct thread *t) {
    struct sampler_slot *slot = t->slot;
    struct sampler_stack_copy copy = {slot->stack, slot->registers.value[SAMPLER_SP],
                                      slot->stack_size};
    const struct sampler_object *leaf = sampler_object_at(slot->registers.pc);
    uint32_t flags = slot->python.flags;
    if (leaf && leaf->libc && !(flags & ASSESS_SAMPLE_HOLDS_GIL) &&
        sampler_python_takes_gil(slot->thread_state, &slot->registers))
        flags |= ASSESS_SAMPLE_GIL_WAIT;
    struct stack *stack = python_stack(&slot->python);
    add_native(stack, slot->registers, &copy, slot->python.loop_local);
    emit_running(t, slot->thread_state, intern(stack), flags);
    sampler_slot_free(slot);
    t->slot = NULL;
}

/* false while the answer is still to come: then this tick's time is added to the sample. */
static bool settle(struct thread *t, int64_t now, uint32_t weight) {
    if (!t->slot) return true;
    if (sampler_answered(t->slot)) {
        take_answer(t);
        return true;
    }
    if (now - t->last.time < PATIENCE || !sampler_slot_free(t->slot)) {
        uint32_t waited = t->last.weight;
        t->last.weight = waited > UINT32_MAX - weight ? UINT32_MAX : waited + weight;
        return false;
    }
    t->slot = NULL;
    t->deaf = DEAF;
    totals->lost++;
    emit_unanswered(t);
    return true;
}

static void sample_running(struct thread *t, uint64_t state, int64_t now, uint32_t weight) {
    t->blocked = false;
    t->last = (struct assess_rec_sample){
        .time = now, .weight = weight, .tid = (uint32_t)t->tid, .syscall = -1};
    describe_process(&t->last);
    t->slot = t->deaf ? NULL : sampler_ask(t->tid, state);
    if (t->slot) return;
    if (t->deaf) t->deaf--;
    totals->lost++;
    emit_unanswered(t);
}

/* ns that the thread has run; -1 when it is gone. */
static int64_t cpu_time(pid_t tid) {
    struct timespec time;
    clockid_t clock = (clockid_t)(~(unsigned)tid << 3 | 6u); /* CPUCLOCK_PERTHREAD, _SCHED */
    if (clock_gettime(clock, &time) != 0) return -1;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void check_name(struct thread *t) {
    char path[32], name[32];
    snprintf(path, sizeof path, "%ld/comm", (long)t->tid);
    int file = sampler_open_at(task_folder, path);
    ssize_t n = file < 0 ? 0 : sampler_file_read(file, name, sizeof name);
    sampler_close(file);
    if (n > 0 && name[n - 1] == '\n') n--;
    if (n < 0) n = 0;
    uint64_t hash = sampler_hash(name, (size_t)n, 0);
    if (hash == t->name_hash) return;
    t->name_hash = hash;
    struct assess_rec_thread record = {(uint32_t)t->tid, (uint32_t)n};
    sampler_write(ASSESS_REC_THREAD, &record, sizeof record, name, (size_t)n);
}

static void visit(struct thread *t, int64_t now, uint32_t weight) {
    struct status status;
    uint32_t age = t->age++;
    if (age == 0 || age == 10 || (age & 255) == 255) check_name(t); /* names come later */
    if (!settle(t, now, weight)) return;
    int64_t cpu = cpu_time(t->tid);
    if (t->blocked && cpu == t->cpu) {
        emit_blocked(t, now, weight);
        return;
    }
    t->cpu = cpu;
    /* Before its status, which is to be fresh when it is asked. */
    uint64_t state = sampler_python_thread(t->tid);
    if (cpu < 0 || !read_status(t, &status)) return;
    if (status.running) {
        sample_running(t, state, now, weight);
        return;
    }
    sample_blocked(t, state, &status, now, weight);
    emit_blocked(t, now, weight);
}

static struct thread *thread_at(pid_t tid, uint32_t *hint) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (*hint + i) % count;
        if (threads[at].tid != tid) continue;
        *hint = at + 1;
        return &threads[at];
    }
    if (count == THREADS) return NULL;
    struct thread *t = &threads[count++];
    *t = (struct thread){.tid = tid, .status = -1};
    return t;
}

static void drop_gone(void) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct thread *t = &threads[i];
        if (t->seen) {
            t->seen = false;
            threads[kept++] = *t;
            continue;
        }
        if (t->slot && sampler_answered(t->slot))
            take_answer(t);
        else if (t->slot)
            emit_unanswered(t);
        if (t->slot) sampler_slot_free(t->slot);
        sampler_close(t->status);
    }
    count = kept;
}

struct entry { /* struct linux_dirent64 */
    uint64_t inode, offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

void sampler_tick(int64_t now, uint32_t weight, struct sampler_totals *sums) {
    static _Alignas(8) char list[32768];
    uint32_t hint = 0;
    long n = 0;
    totals = sums;
    sampler_python_tick();
    sampler_signal_tick();
    sampler_objects_update(now, false);
    sampler_python_find();
    lseek(task_folder, 0, SEEK_SET);
    while ((n = syscall(SYS_getdents64, task_folder, list, sizeof list)) > 0) {
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(list + at);
            pid_t tid = (pid_t)strtol(e->name, NULL, 10);
            at += e->size;
            struct thread *t = tid > 0 && tid != own_tid ? thread_at(tid, &hint) : NULL;
            if (!t) continue;
            t->seen = true;
            visit(t, now, weight);
        }
    }
    drop_gone();
}

void sampler_threads_finish(void) {
    for (uint32_t i = 0; i < count; i++) threads[i].seen = false;
    drop_gone();
}
