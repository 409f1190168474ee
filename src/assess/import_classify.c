#include "import_classify.h"

#include <string.h>

enum kind {
    PYTHON,   /* a function in Python */
    CALLED,   /* a native function that the interpreter shows as a frame: "<built-in ...>" */
    SYSTEM,   /* C library and the like: what it did, its caller knows */
    CORE,     /* the interpreter */
    LIBRARY,  /* any other native code */
    NAMELESS, /* an address in no file */
};

const char *assess_base_name(const char *path) {
    const char *slash = strrchr(path, '/'), *other = strrchr(path, '\\');
    if (other && (!slash || other > slash)) slash = other;
    return slash ? slash + 1 : path;
}

static bool ends(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

bool assess_is_python_file(const char *path, bool has_line) {
    static const char *const native[] = {".c",   ".cc", ".cpp", ".cxx", ".cu", ".h",
                                         ".hpp", ".rs", ".S",   ".asm", ".pyx"};
    if (ends(path, ".py") || ends(path, ".pyw") || ends(path, ".ipynb")) return true;
    if (path[0] == '<') return true;
    if (strstr(path, ".so") || path[0] == '\0' || path[0] == '[') return false;
    for (size_t i = 0; i < sizeof native / sizeof *native; i++) {
        if (ends(path, native[i])) return false;
    }
    return has_line;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* ---- waiting -------------------------------------------------------------------------------- */

struct wait {
    const char *names; /* separated by spaces, with a space at either end */
    enum assess_bucket bucket;
};

/* Symbols, without leading underscores. */
static const struct wait system_waits[] = {
    {" poll ppoll select pselect epoll_wait epoll_pwait epoll_pwait2 recv recvfrom recvmsg "
     "recvmmsg "
     "send sendto sendmsg sendmmsg read pread pread64 readv write pwrite pwrite64 writev connect "
     "fsync fdatasync sendfile waitpid wait4 waitid getaddrinfo io_getevents io_uring_enter "
     "nanosleep clock_nanosleep usleep sleep libc_recv libc_recvfrom libc_send libc_read "
     "libc_write libc_poll [await] ",
     ASSESS_IO},
    {" accept accept4 sigwait sigwaitinfo sigtimedwait pause ", ASSESS_IDLE},
    {" futex futex_wait futex_abstimed_wait futex_abstimed_wait_common "
     "futex_abstimed_wait_common64 futex_abstimed_wait_cancelable64 pthread_cond_wait "
     "pthread_cond_timedwait pthread_cond_clockwait pthread_mutex_lock pthread_rwlock_rdlock "
     "pthread_rwlock_wrlock lll_lock_wait lll_lock_wait_private sem_wait sem_timedwait "
     "sem_clockwait do_futex_wait new_sem_wait_slow new_sem_wait_slow64 pthread_join "
     "pthread_clockjoin_ex pthread_barrier_wait ",
     ASSESS_LOCK_WAIT},
};

static const struct wait core_waits[] = {
    {" take_gil PyEval_RestoreThread PyEval_AcquireThread ", ASSESS_GIL_WAIT},
    {" PyThread_acquire_lock PyThread_acquire_lock_timed acquire_timed lock_PyThread_acquire_lock "
     "rlock_acquire simplequeue_get PyMutex_LockTimed PyParkingLot_Park PySemaphore_Wait ",
     ASSESS_LOCK_WAIT},
    {" time_sleep pysleep sock_call_ex internal_select select_epoll_poll select_poll_poll "
     "select_select_impl select_epoll_poll_impl select_poll_poll_impl os_waitpid_impl ",
     ASSESS_IO},
    {" gc_collect_main gc_collect_generations gc_collect_with_callback deduce_unreachable "
     "PyGC_Collect PyObject_GC_Collect delete_garbage gc_collect_region ",
     ASSESS_GC},
};

/* Methods and functions that are written in C, as profilers show them among Python frames. */
static const struct wait called_waits[] = {
    {" sleep poll select epoll_wait recv recv_into recvfrom recvfrom_into recvmsg send sendall "
     "sendto sendfile do_handshake connect connect_ex getaddrinfo gethostbyname waitpid wait4 "
     "readinto readline fsync control ",
     ASSESS_IO},
    {" accept ", ASSESS_IDLE},
    {" acquire acquire_lock join ", ASSESS_LOCK_WAIT},
    {" collect ", ASSESS_GC},
};

struct python_wait {
    const char *path; /* its end, on whole components */
    const char *functions;
    enum assess_bucket bucket;
};

static const struct python_wait python_waits[] = {
    {"threading.py", " wait join _wait_for_tstate_lock acquire __enter__ _shutdown ",
     ASSESS_LOCK_WAIT},
    {"queue.py", " get put join ", ASSESS_LOCK_WAIT},
    {"concurrent/futures/_base.py", " wait result as_completed exception ", ASSESS_LOCK_WAIT},
    {"multiprocessing/synchronize.py", " wait acquire __enter__ ", ASSESS_LOCK_WAIT},
    {"multiprocessing/queues.py", " get put _poll ", ASSESS_IO},
    {"multiprocessing/connection.py",
     " _recv _send _recv_bytes _send_bytes recv_bytes send_bytes recv poll _poll wait accept ",
     ASSESS_IO},
    {"multiprocessing/popen_fork.py", " poll wait ", ASSESS_IO},
    {"multiprocessing/pool.py", " wait get ", ASSESS_LOCK_WAIT},
    {"selectors.py", " select ", ASSESS_IO},
    {"select.py", " select poll ", ASSESS_IO},
    {"socket.py", " readinto create_connection getaddrinfo recv_into recv connect sendall ",
     ASSESS_IO},
    {"socket.py", " accept ", ASSESS_IDLE},
    {"ssl.py", " read recv recv_into do_handshake ", ASSESS_IO},
    {"subprocess.py", " _communicate communicate wait _wait _try_wait ", ASSESS_IO},
    {"asyncore.py", " poll poll2 loop ", ASSESS_IDLE},
    {"waitress/wasyncore.py", " poll poll2 loop ", ASSESS_IDLE},
    /* An event loop that has nothing to run.  With uvloop the loop itself has no frames. */
    {"asyncio/base_events.py", " _run_once run_forever ", ASSESS_IDLE},
    {"asyncio/runners.py", " run ", ASSESS_IDLE},
    {"asyncio/unix_events.py", " select ", ASSESS_IDLE},
    {"grpc/_server.py", " _serve ", ASSESS_IDLE},
    {"torch/utils/data/dataloader.py", " _try_get_data ", ASSESS_IO},
};

/* Whether the word of this length is one of the names. */
static bool is_named(const char *names, const char *word, size_t length) {
    if (length == 0) return false;
    for (const char *at = names + 1; *at;) {
        size_t n = strcspn(at, " ");
        if (n == length && memcmp(at, word, n) == 0) return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

static enum assess_bucket find_wait(const struct wait *waits, size_t count, const char *word,
                                    size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (is_named(waits[i].names, word, length)) return waits[i].bucket;
    }
    return ASSESS_BUCKETS;
}
#define FIND_WAIT(waits, word, length)                                                             \
    find_wait(waits, sizeof(waits) / sizeof *(waits), word, length)

static bool path_ends(const char *path, const char *end) {
    size_t n = strlen(path), m = strlen(end);
    if (m > n || strcmp(path + n - m, end) != 0) return false;
    return m == n || path[n - m - 1] == '/' || path[n - m - 1] == '\\';
}

static enum assess_bucket find_python_wait(const char *path, const char *name) {
    const char *dot = strrchr(name, '.'), *word = dot ? dot + 1 : name;
    for (size_t i = 0; i < sizeof python_waits / sizeof *python_waits; i++) {
        const struct python_wait *w = &python_waits[i];
        if (path_ends(path, w->path) && is_named(w->functions, word, strlen(word))) {
            return w->bucket;
        }
    }
    return ASSESS_BUCKETS;
}

/* ---- one frame ------------------------------------------------------------------------------ */

/* "<built-in method sleep of module object at 0x1>", "<built-in function sleep>",
 * "{built-in method time.sleep}", "{method 'acquire' of '_thread.lock' objects}",
 * "<method 'recv' of '_socket.socket' objects>", "time.sleep": the word is sleep. */
static const char *called_word(const char *name, size_t *length) {
    static const char *const heads[] = {"<built-in method ", "<built-in function ",
                                        "{built-in method ", "{built-in function ",
                                        "{method '",         "<method '"};
    const char *word = name;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (begins(name, heads[i])) word = name + strlen(heads[i]);
    }
    *length = strcspn(word, " '>}(");
    for (size_t i = 0; i < *length; i++) {
        if (word[i] != '.') continue;
        word += i + 1;
        *length -= i + 1;
        i = SIZE_MAX; /* begins anew */
    }
    return word;
}

static bool is_called(const char *name) {
    return begins(name, "<built-in ") || begins(name, "{built-in ") || begins(name, "{method '") ||
           begins(name, "<method '");
}

/* Native code behind a call that is not the interpreter's own. */
static bool is_foreign_call(const char *name) {
    return strstr(name, " of PyCapsule") || strstr(name, " of pybind11") ||
           strstr(name, " of numpy.") || strstr(name, " of 'numpy.") ||
           strstr(name, " of builtin_function_or_method");
}

static enum kind object_kind(const char *path, const char *base) {
    static const char *const system[] = {"libc.so",  "libc-",     "libpthread", "libm.so",
                                         "libm-",    "ld-linux",  "ld-musl",    "linux-vdso",
                                         "[vdso]",   "libgcc_s",  "libstdc++",  "librt.so",
                                         "libdl.so", "libc.musl", "[vsyscall]", "libc++"};
    for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
        if (begins(base, system[i])) return SYSTEM;
    }
    if (begins(base, "libpython") || begins(base, "python")) return CORE;
    /* Where debugging information is there, py-spy names the source file instead. */
    if (strstr(path, "/Python-3") || strstr(path, "/cpython")) return CORE;
    return base[0] ? LIBRARY : NAMELESS;
}

static struct assess_class classify_python(const struct assess_rules *rules,
                                           const struct assess_named *named) {
    struct assess_class c = {PYTHON, ASSESS_BUCKETS, ASSESS_BUCKETS};
    c.rule = (uint8_t)assess_rules_python(rules, named->path, named->name);
    c.wait = (uint8_t)find_python_wait(named->path, named->name);
    return c;
}

static struct assess_class classify_called(const struct assess_rules *rules,
                                           const struct assess_named *named) {
    struct assess_class c = {CALLED, ASSESS_BUCKETS, ASSESS_BUCKETS};
    size_t length;
    const char *word = called_word(named->name, &length);
    c.rule = (uint8_t)assess_rules_function(rules, named->name);
    c.wait = (uint8_t)FIND_WAIT(called_waits, word, length);
    /* str.join has nothing to wait for, and generators are sent to as well. */
    if (is_named(" join ", word, length) && !strstr(named->name, "hread")) c.wait = ASSESS_BUCKETS;
    if (strstr(named->name, "generator") || strstr(named->name, "coroutine")) {
        c.wait = ASSESS_BUCKETS;
    }
    if (c.rule == ASSESS_BUCKETS && is_foreign_call(named->name)) c.rule = ASSESS_COMPUTE;
    return c;
}

struct assess_class assess_classify_frame(const struct assess_rules *rules,
                                          const struct assess_named *named) {
    if (is_called(named->name)) return classify_called(rules, named);
    if (named->python) return classify_python(rules, named);
    const char *base = assess_base_name(named->path), *word = named->name;
    struct assess_class c = {(uint8_t)object_kind(named->path, base), ASSESS_BUCKETS,
                             ASSESS_BUCKETS};
    while (*word == '_') word++;
    size_t length = strcspn(word, "@(");
    if (c.kind == SYSTEM || c.kind == NAMELESS) {
        c.wait = (uint8_t)FIND_WAIT(system_waits, word, length);
    }
    if (c.kind != SYSTEM && c.wait == ASSESS_BUCKETS) {
        c.wait = (uint8_t)FIND_WAIT(core_waits, word, length);
    }
    if (c.kind == NAMELESS && c.wait == ASSESS_BUCKETS) {
        size_t n;
        const char *called = called_word(named->name, &n);
        if (called != named->name) c.wait = (uint8_t)FIND_WAIT(called_waits, called, n);
    }
    c.rule = (uint8_t)assess_rules_function(rules, named->name);
    if (c.rule == ASSESS_BUCKETS && c.kind == SYSTEM) {
        char plain[128] = "libc:";
        snprintf(plain + 5, sizeof plain - 5, "%.*s", (int)(length < 100 ? length : 100), word);
        c.rule = (uint8_t)assess_rules_function(rules, plain + 5);
        if (c.rule == ASSESS_BUCKETS) c.rule = (uint8_t)assess_rules_function(rules, plain);
    }
    if (c.rule == ASSESS_BUCKETS && base[0]) c.rule = (uint8_t)assess_rules_object(rules, base);
    return c;
}

/* ---- a stack -------------------------------------------------------------------------------- */

/* A wait below Python functions that wait too: the outermost of them says what for. */
static enum assess_bucket refine_wait(enum assess_bucket wait, const struct assess_class *classes,
                                      const int32_t *frames, size_t depth) {
    for (size_t at = depth; at-- > 0;) {
        const struct assess_class *c = &classes[frames[at]];
        if (c->kind != PYTHON && c->kind != CALLED) continue;
        if (c->rule == ASSESS_IDLE) return ASSESS_IDLE;
        if (c->wait == ASSESS_BUCKETS) return wait;
        if (c->wait == ASSESS_IDLE) return ASSESS_IDLE;
    }
    return wait;
}

static enum assess_bucket python_leaf(const struct assess_class *classes, const int32_t *frames,
                                      size_t depth) {
    const struct assess_class *leaf = &classes[frames[depth - 1]];
    if (leaf->rule < ASSESS_BUCKETS) return leaf->rule;
    if (leaf->wait == ASSESS_GC) return ASSESS_GC;
    if (leaf->wait < ASSESS_BUCKETS) return refine_wait(leaf->wait, classes, frames, depth);
    return ASSESS_INTERPRETER;
}

enum assess_bucket assess_classify_frames(const struct assess_class *classes, const int32_t *frames,
                                          size_t depth) {
    if (depth == 0) return ASSESS_UNKNOWN;
    const struct assess_class *leaf = &classes[frames[depth - 1]];
    if (leaf->kind == PYTHON || leaf->kind == CALLED) return python_leaf(classes, frames, depth);
    enum assess_bucket wait = ASSESS_BUCKETS;
    for (size_t at = depth; at-- > 0;) {
        const struct assess_class *c = &classes[frames[at]];
        if (c->kind == PYTHON || c->kind == CALLED) {
            if (wait < ASSESS_BUCKETS) return refine_wait(wait, classes, frames, at + 1);
            return ASSESS_INTERPRETER; /* the C library for the interpreter itself */
        }
        /* Whose lock it is, is known further out: the interpreter's, or a driver's. */
        if (c->wait == ASSESS_GIL_WAIT || c->wait == ASSESS_GC) return c->wait;
        if (c->wait < ASSESS_BUCKETS) {
            if (wait == ASSESS_BUCKETS) wait = c->wait;
            continue;
        }
        if (wait < ASSESS_BUCKETS) {
            if (c->rule == ASSESS_DEVICE_WAIT) return ASSESS_DEVICE_WAIT;
            continue;
        }
        if (c->rule < ASSESS_BUCKETS) return c->rule;
        if (c->kind == CORE) return ASSESS_INTERPRETER;
        if (c->kind == LIBRARY) return ASSESS_COMPUTE;
        if (c->kind == NAMELESS) return ASSESS_UNKNOWN;
    }
    return wait < ASSESS_BUCKETS ? wait : ASSESS_UNKNOWN;
}
