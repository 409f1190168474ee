/* A running thread is asked by a real-time signal whose value names the slot that it fills in.  The
 * handler calls nothing but the kernel and writes to the slot alone. */
#include "sampler_next.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SLOTS = 64, SLOT_FREE = 0, SLOT_ASKED, SLOT_FILLING, SLOT_DONE, SLOT_MASK = 3 };

#define COOKIE UINT64_C(0x61736300) /* in the upper half of a signal's value, over the slot */

static struct sampler_slot *slots;
static uint32_t next_slot, request;
static int signal_number; /* 0: none */
static pid_t pid;
static bool ours;
static _Atomic int64_t handler_time;
static struct sigaction program_action; /* what the program believes to have set */

int64_t sampler_handler_time(void) {
    return atomic_load_explicit(&handler_time, memory_order_relaxed);
}

#if defined(__x86_64__)
static void take_registers(const ucontext_t *context, struct sampler_registers *r) {
    static const uint8_t order[16] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                      REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};
    for (unsigned i = 0; i < 16; i++) r->value[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
    r->known = 0xffff;
    r->pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}
#else
static void take_registers(const ucontext_t *context, struct sampler_registers *r) {
    for (unsigned i = 0; i < 31; i++) r->value[i] = context->uc_mcontext.regs[i];
    r->value[SAMPLER_SP] = context->uc_mcontext.sp;
    r->known = UINT64_C(0xffffffff);
    r->pc = context->uc_mcontext.pc;
}
#endif

/* Between our look at a thread and the signal it may have begun to wait, in a call that the kernel
 * does not begin anew for SA_RESTART.  As far as the C library's code shows which call that is, it
 * is begun anew here, as if nothing had happened.  A signal of the program that came at the same
 * time has a lower number, so that its handler stands between, and it gets its EINTR. */
#if defined(__x86_64__)
static void begin_call_anew(ucontext_t *context) {
    static const uint16_t calls[] = {SYS_poll,      SYS_select,         SYS_pselect6,
                                     SYS_ppoll,     SYS_epoll_wait,     SYS_epoll_pwait,
                                     SYS_nanosleep, SYS_clock_nanosleep};
    greg_t *r = context->uc_mcontext.gregs;
    uint8_t code[7]; /* mov $call, %eax; syscall */
    if (r[REG_RAX] != -EINTR || !sampler_read((uint64_t)r[REG_RIP] - 7, code, sizeof code)) return;
    if (code[0] != 0xb8 || code[3] || code[4] || code[5] != 0x0f || code[6] != 0x05) return;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if ((code[1] | code[2] << 8) == calls[i]) r[REG_RIP] -= 7;
}
#else
static void begin_call_anew(ucontext_t *context) { (void)context; }
#endif

static void fill(struct sampler_slot *slot, const ucontext_t *context) {
    take_registers(context, &slot->registers);
    slot->stack_size = (uint32_t)sampler_read_part(slot->registers.value[SAMPLER_SP], slot->stack,
                                                   sizeof slot->stack);
    sampler_python_frames(slot->thread_state, slot->tid, &slot->python);
}

static void pass_on(int number, siginfo_t *info, void *context) {
    if (program_action.sa_flags & SA_SIGINFO)
        program_action.sa_sigaction(number, info, context);
    else if (program_action.sa_handler != SIG_DFL && program_action.sa_handler != SIG_IGN)
        program_action.sa_handler(number);
}

static void handle(int number, siginfo_t *info, void *context) {
    int error = errno;
    uint64_t value = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
    uint32_t index = (uint32_t)(value >> 32) & 0xff, word = (uint32_t)value;
    if (info->si_code != SI_QUEUE || info->si_pid != pid || value >> 40 != COOKIE >> 8 ||
        index >= SLOTS) {
        pass_on(number, info, context);
        errno = error;
        return;
    }
    int64_t begin = sampler_now();
    struct sampler_slot *slot = &slots[index];
    uint32_t expected = word;
    if (atomic_compare_exchange_strong(&slot->state, &expected, word + 1)) {
        fill(slot, context);
        begin_call_anew(context);
        expected = word + 1; /* unless the slot was taken away */
        atomic_compare_exchange_strong(&slot->state, &expected, word + 2);
    }
    atomic_fetch_add_explicit(&handler_time, sampler_now() - begin, memory_order_relaxed);
    errno = error;
}

static int real_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    NEXT(int, sigaction, int, const struct sigaction *, struct sigaction *);
    return next(number, action, old);
}

static bool install(int number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    return real_sigaction(number, &action, NULL) == 0;
}

bool sampler_signal_open(void) {
    pid = getpid();
    if (!slots) slots = sampler_pages(SLOTS * sizeof *slots);
    if (!slots) return false;
    if (signal_number) return true; /* the child of a fork */
    for (int number = SIGRTMAX - 2; number > SIGRTMIN; number--) {
        struct sigaction now;
        if (real_sigaction(number, NULL, &now) != 0 || now.sa_handler != SIG_DFL) continue;
        if (!install(number)) return false;
        signal_number = number;
        return true;
    }
    return false;
}

void sampler_signal_reset(void) {
    for (uint32_t i = 0; slots && i < SLOTS; i++) atomic_store(&slots[i].state, SLOT_FREE);
    atomic_store(&handler_time, 0);
}

/* The program may have gone around sigaction(). */
void sampler_signal_tick(void) {
    struct sigaction now;
    ours = real_sigaction(signal_number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
           now.sa_sigaction == handle;
}

static struct sampler_slot *free_slot(void) {
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct sampler_slot *slot = &slots[next_slot++ % SLOTS];
        if ((atomic_load(&slot->state) & SLOT_MASK) == SLOT_FREE) return slot;
    }
    return NULL;
}

struct sampler_slot *sampler_ask(pid_t tid, uint64_t thread_state) {
    struct sampler_slot *slot = free_slot();
    if (!slot || !ours) return NULL;
    uint32_t word = (++request << 2) | SLOT_ASKED;
    slot->tid = tid;
    slot->thread_state = thread_state;
    slot->python.count = 0;
    atomic_store_explicit(&slot->state, word, memory_order_release);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signal_number;
    info.si_code = SI_QUEUE;
    info.si_pid = pid;
    info.si_value.sival_ptr = (void *)(uintptr_t)((COOKIE | (uint64_t)(slot - slots)) << 32 | word);
    if (syscall(SYS_rt_tgsigqueueinfo, pid, tid, signal_number, &info) == 0) return slot;
    atomic_store(&slot->state, SLOT_FREE);
    return NULL;
}

bool sampler_answered(const struct sampler_slot *slot) {
    return (atomic_load_explicit(&slot->state, memory_order_acquire) & SLOT_MASK) == SLOT_DONE;
}

bool sampler_slot_free(struct sampler_slot *slot) {
    uint32_t state = atomic_load(&slot->state);
    if ((state & SLOT_MASK) == SLOT_FILLING) return false;
    return atomic_compare_exchange_strong(&slot->state, &state, SLOT_FREE);
}

/* ---- our signal, as the program sees it: it reads what it has set ---- */

EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    if (number != signal_number || !signal_number) return real_sigaction(number, action, old);
    struct sigaction before = program_action;
    if (action) program_action = *action;
    if (old) *old = before;
    return 0;
}

EXPORT sighandler_t signal(int number, sighandler_t handler) {
    NEXT(sighandler_t, signal, int, sighandler_t);
    if (number != signal_number || !signal_number) return next(number, handler);
    sighandler_t before = program_action.sa_handler;
    memset(&program_action, 0, sizeof program_action);
    program_action.sa_handler = handler;
    program_action.sa_flags = SA_RESTART;
    return before;
}
