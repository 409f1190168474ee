/* Life cycle: a thread per process image in which a Python is. */
#include "sampler.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    DEFAULT_HZ = 99,
    MAX_HZ = 1000,
    FLUSH_NS = 250000000,
    VERIFY_NS = 1000000000,
    STACK_BYTES = 262144,
    MAX_DESCRIPTORS = 1 << 20
};

static char folder[PATH_MAX];
static uint32_t hz;
static bool started;
static _Atomic bool begun; /* there is a Python in this image */
static pid_t own_pid;
static pthread_mutex_t tick_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint32_t stop, finished;
static struct sampler_totals totals;
static uint64_t seed;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Descriptors of our own: what the program closes, or counts, is not ours, and what it has open is
 * not kept open by us. */
static bool own_descriptors(void) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 0u, ~0u, 2u /* CLOSE_RANGE_UNSHARE */) == 0) return true;
#endif
    struct rlimit limit;
    if (unshare(CLONE_FILES) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    for (int fd = 0; fd < MAX_DESCRIPTORS && (rlim_t)fd < limit.rlim_max; fd++) sampler_close(fd);
    return true;
}

static void wait_until(int64_t time) {
    struct timespec t = {time / 1000000000, time % 1000000000};
    syscall(SYS_futex, &stop, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &t, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

static void write_end(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    struct assess_rec_end record = {
        .time = sampler_now(),
        .sampler_cpu = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec,
        .handler_time = sampler_handler_time(),
        .ticks = totals.ticks,
        .missed = totals.missed,
        .lost = totals.lost,
    };
    sampler_write(ASSESS_REC_END, &record, sizeof record, NULL, 0);
}

static void sample_until_stopped(int64_t start) {
    int64_t period = 1000000000 / hz, last = start, next = start, flushed = start, verified = start;
    while (!atomic_load(&stop) && sampler_writer_good()) {
        next += period / 2 + (int64_t)(next_random() % (uint64_t)period);
        wait_until(next);
        if (atomic_load(&stop)) break;
        int64_t now = sampler_now(), late = now - next;
        if (late > period) {
            totals.missed += (uint64_t)(late / period);
            next = now;
        }
        int64_t weight = now - last;
        pthread_mutex_lock(&tick_mutex);
        sampler_tick(now, (uint32_t)(weight > UINT32_MAX ? UINT32_MAX : weight), &totals);
        pthread_mutex_unlock(&tick_mutex);
        last = now;
        totals.ticks++;
        if (now - verified > VERIFY_NS) {
            verified = now;
            sampler_requests_verify();
        }
        if (now - flushed > FLUSH_NS) {
            flushed = now;
            sampler_writer_flush();
        }
    }
}

/* The first tick comes before the file: the child of a fork that is to become another program does
 * not leave one. */
static void *run(void *unused) {
    (void)unused;
    int64_t start = sampler_now();
    pid_t self = (pid_t)syscall(SYS_gettid);
    seed = (uint64_t)start * 2 + 1;
    prctl(PR_SET_NAME, "ashore-sampler");
    wait_until(start + 1000000000 / hz);
    if (!atomic_load(&stop) && own_descriptors() && sampler_writer_open(folder, start, hz) &&
        sampler_threads_open(self)) {
        sampler_objects_update(start, false);
        sampler_entries_libc();
        sample_until_stopped(start);
        sampler_threads_finish();
        write_end();
        sampler_writer_close();
    }
    atomic_store(&finished, 1);
    syscall(SYS_futex, &finished, FUTEX_WAKE_PRIVATE, INT_MAX);
    return NULL;
}

static void start_thread(void) {
    sigset_t all, old;
    pthread_t thread;
    pthread_attr_t attributes;
    if (!sampler_memory_open() || !sampler_signal_open()) return;
    own_pid = getpid();
    atomic_store(&stop, 0);
    atomic_store(&finished, 0);
    totals = (struct sampler_totals){0};
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    started = pthread_create(&thread, &attributes, run, NULL) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool sampler_runs(void) { return started; }

void sampler_start(void) {
    sampler_writer_forget();
    sampler_threads_reset();
    sampler_objects_reset();
    sampler_unwind_reset();
    sampler_python_reset();
    sampler_signal_reset();
    start_thread();
}

bool sampler_stop(void) {
    /* A child of vfork() is in its parent's memory, but it is not its parent. */
    if (!started || getpid() != own_pid) return false;
    struct timespec patience = {0, 500000000};
    started = false;
    atomic_store(&stop, 1);
    syscall(SYS_futex, &stop, FUTEX_WAKE_PRIVATE, INT_MAX);
    while (!atomic_load(&finished))
        if (syscall(SYS_futex, &finished, FUTEX_WAIT_PRIVATE, 0, &patience, NULL, 0) != 0 &&
            errno != EINTR && errno != EAGAIN)
            return false;
    return true;
}

/* A tick is not cut in two by a fork; the child has no thread that samples, and gets one. */
static void before_fork(void) { pthread_mutex_lock(&tick_mutex); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&tick_mutex); }

static void after_fork_in_child(void) {
    pthread_mutex_init(&tick_mutex, NULL);
    if (started) sampler_start();
}

static int is_python(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    return strstr(info->dlpi_name, "/libpython3") != NULL;
}

static void begin_if_python(void) {
    if (!dlsym(RTLD_DEFAULT, "_PyRuntime") && !dl_iterate_phdr(is_python, NULL)) return;
    if (atomic_exchange(&begun, true)) return;
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    start_thread();
}

void sampler_notice(void) {
    static _Atomic uint32_t calls;
    if (!hz || atomic_load_explicit(&begun, memory_order_relaxed)) return;
    uint32_t n = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if ((n & (n + 1)) == 0) begin_if_python(); /* at the calls 1, 2, 4, 8, ... */
}

__attribute__((constructor)) static void begin(void) {
    const char *to = getenv(ASSESS_ENV_DIR), *rate = getenv(ASSESS_ENV_HZ);
    if (!to || to[0] != '/' || strlen(to) >= sizeof folder) return;
    memcpy(folder, to, strlen(to) + 1);
    long wanted = rate ? strtol(rate, NULL, 10) : DEFAULT_HZ;
    hz = wanted < 1 ? DEFAULT_HZ : wanted > MAX_HZ ? MAX_HZ : (uint32_t)wanted;
    begin_if_python();
}

__attribute__((destructor)) static void end(void) { sampler_stop(); }
