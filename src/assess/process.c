#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process_tree.h"
#include "trace_format.h"

int assess_process_prepare(struct ashore_error *err) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) {
        return assess_fail(err, ASHORE_ERR_IO, "orphaned processes cannot be followed: %s",
                           strerror(errno));
    }
    return ASHORE_OK;
}

/* ---- starting ------------------------------------------------------------------------------- */

extern char **environ;

/* The environment with the sampler in it; ahead of what LD_PRELOAD names already. */
static char **make_environment(const struct assess_process_options *options,
                               struct assess_pool *pool) {
    size_t count = 0;
    while (environ[count]) count++;
    char **made = assess_alloc_array(pool, count + 4, sizeof *made);
    if (!made) return NULL;
    size_t n = 0;
    const char *preloaded = getenv("LD_PRELOAD");
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0) made[n++] = environ[i];
    }
    bool both = preloaded && *preloaded;
    made[n++] = assess_format(pool, "LD_PRELOAD=%s%s%s", options->sampler, both ? ":" : "",
                              both ? preloaded : "");
    made[n++] = assess_format(pool, ASSESS_ENV_DIR "=%s", options->folder);
    made[n++] = assess_format(pool, ASSESS_ENV_HZ "=%d", options->hz);
    return pool->failed ? NULL : made;
}

/* In the child, after fork: calls alone that are safe there. */
static void become(const struct assess_process_options *options, char **made, int report) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) dup2(nothing, 0);
    if (options->out >= 0) {
        dup2(options->out, 1);
        dup2(options->out, 2);
    }
    if (made) environ = made;
    execvp(options->argv[0], (char *const *)(const void *)options->argv);
    int why = errno;
    ssize_t written = write(report, &why, sizeof why);
    (void)written;
}

int assess_process_start(const struct assess_process_options *options, struct assess_child *child,
                         struct ashore_error *err) {
    *child = (struct assess_child){.pid = -1};
    struct assess_pool pool = {0};
    char **made = options->sampler ? make_environment(options, &pool) : NULL;
    int report[2];
    if (pool.failed || pipe2(report, O_CLOEXEC)) {
        assess_pool_deinit(&pool);
        return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory or descriptors");
    }
    child->started = assess_now();
    pid_t pid = fork();
    if (pid == 0) {
        become(options, made, report[1]);
        _Exit(127);
    }
    close(report[1]);
    int why = pid < 0 ? errno : 0;
    if (pid > 0) {
        ssize_t n;
        do n = read(report[0], &why, sizeof why);
        while (n < 0 && errno == EINTR);
        if (n == (ssize_t)sizeof why)
            waitpid(pid, NULL, 0);
        else
            why = 0;
    }
    close(report[0]);
    assess_pool_deinit(&pool);
    if (why) {
        return assess_fail(err, ASHORE_ERR_IO, "'%s' cannot be run: %s", options->argv[0],
                           strerror(why));
    }
    setpgid(pid, pid);
    child->pid = pid;
    return ASHORE_OK;
}

/* ---- watching and stopping ------------------------------------------------------------------ */

static void nap(double seconds) {
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

/* Takes in everything that has ended.  Whether any child is left. */
static bool reap(struct assess_child *child) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0) return true;
        if (pid < 0) return errno != ECHILD;
        if (pid == child->pid && !child->ended) {
            child->ended = true;
            child->status = status;
        }
    }
}

bool assess_process_alive(struct assess_child *child) {
    if (child->pid <= 0) return false;
    reap(child);
    return !child->ended;
}

bool assess_process_wait(struct assess_child *child, double seconds,
                         const volatile sig_atomic_t *stop) {
    int64_t end = assess_now() + (int64_t)(seconds * 1e9);
    while (assess_process_alive(child)) {
        if ((stop && *stop) || (seconds > 0 && assess_now() > end)) return false;
        nap(0.02);
    }
    return true;
}

bool assess_process_stop(struct assess_child *child, double grace) {
    if (child->pid <= 0) return false;
    bool killed = false;
    int64_t end = assess_now() + (int64_t)(grace * 1e9);
    assess_tree_signal(SIGTERM);
    while (reap(child)) {
        if (assess_now() > end) {
            killed = true;
            assess_tree_signal(SIGKILL); /* again and again: they may still be forking */
        }
        nap(0.02);
    }
    return killed;
}

const char *assess_process_fate(struct assess_pool *pool, const struct assess_child *child) {
    if (!child->ended) return "still running";
    if (WIFSIGNALED(child->status)) {
        int number = WTERMSIG(child->status);
        return assess_format(pool, "killed by signal %d (%s)", number, strsignal(number));
    }
    return assess_format(pool, "exit code %d", WEXITSTATUS(child->status));
}

/* ---- commands that print something ---------------------------------------------------------- */

static int read_all(int from, struct assess_child *child, struct assess_text *text,
                    const volatile sig_atomic_t *stop) {
    enum { MOST = 16 << 20 };
    char piece[65536];
    for (;;) {
        ssize_t n = read(from, piece, sizeof piece);
        if (n > 0) assess_text_add_bytes(text, piece, (size_t)n);
        if (n == 0 || text->failed || text->length > MOST) break;
        if (n < 0 && errno != EINTR) break;
        if (stop && *stop) break;
    }
    if (text->failed || text->length > MOST || (stop && *stop)) kill(child->pid, SIGKILL);
    int status;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {}
    child->ended = true;
    child->status = status;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ASHORE_OK : ASHORE_ERR_STATE;
}

int assess_process_output(const char *const *argv, struct assess_pool *pool, char **output,
                          size_t *size, const volatile sig_atomic_t *stop,
                          struct ashore_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        return assess_fail(err, ASHORE_ERR_IO, "no pipe: %s", strerror(errno));
    }
    struct assess_child child = {.started = assess_now(), .pid = fork()};
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        execvp(argv[0], (char *const *)(const void *)argv);
        _Exit(127);
    }
    close(ends[1]);
    if (child.pid < 0) {
        close(ends[0]);
        return assess_fail(err, ASHORE_ERR_IO, "'%s' cannot be run: %s", argv[0], strerror(errno));
    }
    struct assess_text text = {0};
    int rc = read_all(ends[0], &child, &text, stop);
    close(ends[0]);
    if (rc == ASHORE_OK) {
        *size = text.length;
        *output = assess_copy_text(pool, text.bytes ? text.bytes : "", text.length);
        if (!*output) rc = assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    } else {
        assess_fail(err, rc, "'%s': %s", argv[0], assess_process_fate(pool, &child));
    }
    assess_text_deinit(&text);
    return rc;
}
